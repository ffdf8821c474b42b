"""Checks a folder of recordings with nothing of Callreel's: the WAVs play, hold sound on
both sides, have one length, are what their verdict says, and stereo is left from, right to."""
import array
import glob
import hashlib
import json
import os
import sys
import wave


def samples(path):
    with wave.open(path) as wav:
        assert (wav.getframerate(), wav.getsampwidth()) == (8000, 2), path
        data = array.array("h", wav.readframes(wav.getnframes()))
        assert len(data) == wav.getnframes() * wav.getnchannels() and data, path
        return data, wav.getnchannels()


def main(folder):
    verdicts = glob.glob(os.path.join(folder, "**", "*_verdict.json"), recursive=True)
    assert len(verdicts) >= 2, f"only {len(verdicts)} verdicts in {folder}"
    for path in verdicts:
        with open(path) as file:
            verdict = json.load(file)
        assert verdict["status"] == "complete", (path, verdict["status"], verdict["reasons"])
        sides = {}
        for entry in verdict["files"]:
            wav = os.path.join(folder, entry["key"])
            with open(wav, "rb") as file:
                body = file.read()
            hashed = None if entry["kind"] == "mixed" else hashlib.sha256(body[44:]).hexdigest()
            assert hashed == entry["samples_sha256"], wav
            assert len(body) == entry["bytes"], wav
            sides[entry["kind"]], channels = samples(wav)
            assert channels == (2 if entry["kind"] == "mixed" else 1), wav
            assert max(map(abs, sides[entry["kind"]])) > 1000, f"{wav} is mute"
        assert sides["mixed"][0::2] == sides["from"] and sides["mixed"][1::2] == sides["to"], path
        assert len(sides["from"]) == verdict["span"]["samples"], path
    print(f"{len(verdicts)} recordings are what their verdicts say")


main(sys.argv[1])
