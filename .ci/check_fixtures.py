"""Compares what `callreel extract` made of the shared fixtures with the exact audio."""
import array
import json
import os
import sys
import wave


def samples(path):
    with wave.open(path) as wav:
        return array.array("h", wav.readframes(wav.getnframes()))


def main(fixtures, out):
    with open(os.path.join(fixtures, "manifest.json")) as file:
        manifest = json.load(file)
    for name, facts in manifest.items():
        got = {}
        for side in ("from", "to"):
            path = os.path.join(out, name, f"{facts['contact']}_{side}.wav")
            if side not in facts["samples"]:
                assert not os.path.exists(path), f"{name} {side}: never streamed, and there is a file"
                continue
            got[side] = samples(path)
            expected = samples(os.path.join(fixtures, f"{name}.{side}.wav"))
            common = min(len(expected), len(got[side]))
            assert list(got[side][:common]) == list(expected[:common]), f"{name} {side} differs"
            rest = list(expected[common:]) + list(got[side][common:])
            assert not any(rest), f"{name} {side}: {len(got[side])} samples, not {len(expected)}"
        path = os.path.join(out, name, f"{facts['contact']}_mixed.wav")
        if len(got) < 2:
            assert not os.path.exists(path), f"{name}: a mix of one side"
            continue
        mixed = samples(path)
        assert mixed[0::2] == got["from"] and mixed[1::2] == got["to"], f"{name} mixed"
    print(f"{len(manifest)} fixtures are bit for bit")


main(*sys.argv[1:])
