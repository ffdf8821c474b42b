#!/usr/bin/env python3
"""What a recording takes over the pace of KVS, with and without TLS, against the sandbox.

    cargo build --profile dist --features operate,sandbox   # as the functions are built
    python3 benches/hour.py                      # one hour and ten minutes
    python3 benches/hour.py --minutes 10 --runs 5
    python3 benches/hour.py --share 0.29         # of a core, as a function of 512 MB has it
    python3 benches/hour.py --calls 4            # so many calls of that length in one batch
    python3 benches/hour.py --recorder target/dist/recorder   # the function, too
    python3 benches/hour.py --sandbox CALLREEL   # another build answers: the one measured needs no sandbox
    python3 benches/hour.py --part-ms 150        # each part of a file is stored so much later

For each length it prints, of the run of the least wall time: wall over floor (the floor is
fragments / 500 a second, which is the pace of KVS), user and system CPU apart, peak memory of
the process, and as `ends s` what the sandbox took, after the last part, to make files of the
parts. The steps are told by runs that do more each: `inspect` reads and demuxes, `extract` writes
the files into a folder, `record --aws` asks the sandbox for all and writes to it, the last one
over TLS. With `--recorder` the function's own binary does the same by an event, and its time is
that from the event to the answer. The sandbox itself runs on the same cores and is not in the CPU.

Nothing but Python's library is needed; Unix alone, since it asks the system what a child took.
`--share` takes a control group of Linux, and the right to make one.
"""

import argparse
import json
import os
import pathlib
import platform
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from function import RuntimeApi, calling, sandbox

PACE = 500  # fragments a second that KVS hands out to a stream


def processor():
    """The processor's name, and whether it has SHA instructions (None: nobody says)."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine(), None
    fields = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features", "")).split()
    name = fields.get("model name", platform.machine())
    return name, "sha_ni" in flags or "sha2" in flags


class Share:
    """A control group whose processes get so much of one core, dealt out every 20 ms."""

    PERIOD = 20_000  # microseconds

    def __init__(self, of_a_core):
        quota = round(of_a_core * self.PERIOD)
        first = pathlib.Path("/sys/fs/cgroup/cpu")
        second = pathlib.Path("/sys/fs/cgroup")
        self.folder = (first if first.is_dir() else second) / f"callreel-{os.getpid()}"
        try:
            self.folder.mkdir()
            if first.is_dir():
                (self.folder / "cpu.cfs_period_us").write_text(str(self.PERIOD))
                (self.folder / "cpu.cfs_quota_us").write_text(str(quota))
            else:
                (self.folder / "cpu.max").write_text(f"{quota} {self.PERIOD}")
        except OSError as problem:
            sys.exit(f"--share needs a control group of its own, as root on Linux: {problem}")

    def enter(self):
        """Puts the calling process, a child that is about to begin, into the group."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        self.folder.rmdir()


def run(command, env=None, share=None):
    """Runs a command to its end: wall, user and system seconds, and peak MiB."""
    begun = time.monotonic()
    child = subprocess.Popen(
        [str(word) for word in command],
        env=env,
        preexec_fn=share.enter if share else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    told = child.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {child.returncode}\n{told}")
    # Kibibytes on Linux, bytes on macOS.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss / unit


def batch(callreel, seconds, calls, folder):
    """Synthesises calls on streams of their own, told of by one event: its path, all the media
    and the number of fragments of one call."""
    records, media, fragments = [], [], 0
    for number in range(calls):
        at = folder / f"call-{number}"
        contact = f"00000000-0000-4000-8000-{number:012}"
        stream = f"demo-connect-contact-{number}"
        synth = [callreel, "synth", "--json", "--seconds", seconds, "--out", at]
        synth += ["--contact", contact, "--stream", stream, "--seed", number + 1]
        told = subprocess.run([str(word) for word in synth], check=True, capture_output=True)
        fragments = json.loads(told.stdout)["fragments"]
        (folder / "streams").mkdir(exist_ok=True)
        (at / "streams" / stream).rename(folder / "streams" / stream)
        records += json.loads((at / "event.json").read_text())["Records"]
        media += sorted((folder / "streams" / stream).glob("*.mkv"))
    (folder / "event.json").write_text(json.dumps({"Records": records}))
    return media, fragments


def function(recorder, event, told, share):
    """The function works one event, as Lambda runs it: what `run` tells."""
    api = RuntimeApi(event, 900)
    child = subprocess.Popen(
        [str(recorder)],
        env=api.environment("record", told),
        preexec_fn=share.enter if share else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    log = []
    reader = threading.Thread(target=lambda: log.append(child.stdout.read()))
    reader.start()
    api.done.wait(api.seconds)
    child.kill()
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = -9
    reader.join()
    api.shutdown()
    if not api.said or api.said[0] != "response" or json.loads(api.said[1])["batchItemFailures"]:
        sys.exit(f"{recorder}: {api.said or 'no answer'}\n{log[0].decode(errors='replace')}")
    return api.answered - api.asked, usage.ru_utime, usage.ru_stime, usage.ru_maxrss / (1 << 10)


def ends(told):
    """Seconds from the answer to the last part to that of the last end of a file of parts, by the sandbox."""
    context = ssl.create_default_context(cafile=told["certificate"]) if told.get("certificate") else None
    with urllib.request.urlopen(f"{told['listening']}/_sandbox/calls", context=context) as answer:
        calls = json.load(answer)["calls"]
    last = lambda operation: max((call["at_millis"] for call in calls if call["operation"] == operation), default=None)
    part, end = last("UploadPart"), last("CompleteMultipartUpload")
    return None if part is None or end is None else (end - part) / 1000


def record(callreel, made, folder, tls, share, server, recorder=None):
    """Records the calls through a sandbox of its own, which `server` plays."""
    event, faults = made / "event.json", made / "faults.json"
    more = (["--faults", faults] if faults.exists() else []) + (["--tls"] if tls else [])
    with sandbox(server, made / "streams", folder / "data", *more) as told:
        if recorder:
            took = function(recorder, event.read_bytes(), told, share)
        else:
            took = run([callreel, "record", "--aws", event], os.environ | calling(told), share)
        return *took, ends(told)


def measure(callreel, minutes, calls, runs, share, server, recorder, part_ms):
    with tempfile.TemporaryDirectory(prefix="callreel-hour-") as folder:
        folder = pathlib.Path(folder)
        made = folder / "made"
        made.mkdir()
        media, fragments = batch(callreel, minutes * 60, calls, made)
        if part_ms:
            late = {"on": "UploadPart", "times": None, "effect": {"delay_ms": part_ms}}
            (made / "faults.json").write_text(json.dumps({"rules": [late]}))
        # A stream's pace is its own: calls on streams of their own are read at the same time.
        floor = fragments / PACE
        steps = {
            "inspect (read, demux)": lambda at: run([callreel, "inspect", "--json", *media], share=share),
            "extract (and write to a folder)": lambda at: run(
                [callreel, "extract", *media, "--out", at / "out"], share=share
            ),
            "record --aws, no TLS": lambda at: record(callreel, made, at, False, share, server),
            "record --aws, TLS": lambda at: record(callreel, made, at, True, share, server),
        }
        if recorder:
            steps["record, the function, TLS"] = lambda at: record(callreel, made, at, True, share, server, recorder)
        if calls > 1:
            steps = {name: step for name, step in steps.items() if name.startswith("record")}
        of = f"{calls} calls of " if calls > 1 else ""
        print(f"\n{of}{minutes} minutes, {fragments} fragments: floor {floor:.2f} s, the best of {runs}")
        print(f"{'step':34}{'wall s':>8}{'/ floor':>9}{'user s':>8}{'system s':>10}{'peak MiB':>10}{'ends s':>8}")
        for name, step in steps.items():
            took = []
            for _ in range(runs):
                # Each run writes anew: what is recorded is not recorded again.
                with tempfile.TemporaryDirectory(dir=folder) as at:
                    took.append(step(pathlib.Path(at)))
            wall, user, system, peak, ended = (*min(took), None)[:5]
            ended = "-" if ended is None else f"{ended:.2f}"
            over = f"{wall / floor:.2f}" if name.startswith("record") else "-"
            print(f"{name:34}{wall:8.2f}{over:>9}{user:8.2f}{system:10.2f}{peak:10.1f}{ended:>8}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--callreel", default="target/dist/callreel", type=pathlib.Path)
    parser.add_argument("--minutes", nargs="+", type=int, default=[60, 10])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--share", type=float, help="of one core, for what is measured")
    parser.add_argument("--part-ms", type=int, default=0, help="milliseconds by which the answer to a part comes later")
    parser.add_argument("--calls", type=int, default=1, help="in one batch")
    parser.add_argument("--sandbox", type=pathlib.Path, help="the callreel that answers in AWS's place (default: --callreel)")
    parser.add_argument("--recorder", type=pathlib.Path, help="the function's binary, to be measured besides")
    args = parser.parse_args()
    if args.recorder and not args.recorder.is_file():
        sys.exit(f"{args.recorder}: no such file; cargo build --profile dist --no-default-features --features aws,web --bin recorder")
    args.sandbox = args.sandbox or args.callreel
    for callreel in (args.callreel, args.sandbox):
        if not callreel.is_file():
            sys.exit(f"{callreel}: no such file; cargo build --profile dist --features operate,sandbox")
    name, sha = processor()
    words = {True: "with SHA instructions", False: "without SHA instructions", None: "SHA instructions: unknown"}
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"{name}, {os.cpu_count()} cores, {words[sha]}; load before: {load}")
    share = Share(args.share) if args.share else None
    if share:
        print(f"what is measured has {args.share} of a core; the sandbox has the rest of the machine")
    callreel, server = args.callreel.resolve(), args.sandbox.resolve()
    recorder = args.recorder and args.recorder.resolve()
    try:
        for minutes in args.minutes:
            measure(callreel, minutes, args.calls, args.runs, share, server, recorder, args.part_ms)
    finally:
        if share:
            share.remove()


if __name__ == "__main__":
    main()
