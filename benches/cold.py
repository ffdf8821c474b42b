#!/usr/bin/env python3
"""What a function takes from its start to its first answer, against the sandbox over TLS.

    cargo build --profile dist --features operate,sandbox --bins   # as they are deployed
    python3 benches/cold.py                      # each function, ten starts
    python3 benches/cold.py --share 0.29         # of a core, as a function of 512 MB has it
    python3 benches/cold.py --emulator aws-lambda-rie   # under AWS's emulator

A Runtime API of its own stands for Lambda: *start* is from the process's start to its first
request for an event, *answer* from the event handed out to the answer, the first calls of AWS
included. Every start is a new process and meets a sandbox that holds nothing of it yet. It trusts
the system's certificates besides the sandbox's, since to read those is a part of a real start.

With `--emulator` AWS's Runtime Interface Emulator stands for it (the PyPI package aws-sam-cli
brings it in samcli/local/rapid). It starts the function when it is invoked for the first time and
tells nobody when that asked for work, so *both* is all there is: from the invocation to its answer,
the emulator's own work included, which has the share as well.

Nothing but Python's library is needed. `--share` takes a control group of Linux, and the right
to make one.
"""

import argparse
import os
import pathlib
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

from function import Emulator, RuntimeApi, environment, sandbox
from hour import Share, processor

# How long an answer may take.
SECONDS = 60
ROOT = pathlib.Path(__file__).resolve().parent.parent
# Function: its binary, handler and event.
FUNCTIONS = {
    "record": ("recorder", "record", "events/one-call.json"),
    "note": ("flow", "note", "events/flow-call.json"),
    "save": ("voicemail", "save", "events/contact-disconnected.json"),
}


def start(binary, handler, event, told, share):
    """One cold start: seconds to the first request, and from the event to the answer."""
    api = RuntimeApi(event, SECONDS)
    begun = time.monotonic()
    function = subprocess.Popen(
        [binary],
        env=api.environment(handler, told),
        preexec_fn=share.enter if share else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    answered = api.done.wait(SECONDS)
    function.kill()
    log = function.stdout.read().decode(errors="replace")
    function.wait()
    api.shutdown()
    if not answered or api.said[0] != "response":
        sys.exit(f"{binary.name} {handler}: {api.said or 'no answer'}\n{log}")
    return api.asked - begun, api.answered - api.asked


def emulated(emulator, binary, handler, event, told, share):
    """One cold start under the emulator: seconds from the invocation to the answer."""
    log = pathlib.Path(told["certificate"]).with_name("emulator.log")
    env = environment(SECONDS, handler, told)
    function = Emulator(emulator, binary, env, log, handler, share.enter if share else None)
    try:
        begun = time.monotonic()
        body = function.invoke(event, SECONDS).decode()
        took = time.monotonic() - begun
    finally:
        function.end()
    if "errorType" in body:
        sys.exit(f"{binary.name} {handler}: {body}\n{log.read_text(errors='replace')}")
    return took


def trusting(told, folder):
    """The same with the system's certificates beside the sandbox's."""
    system = ssl.get_default_verify_paths().cafile
    if not system:
        sys.exit("the system's certificates: Python knows of none; install them (Debian: ca-certificates)")
    both = folder / "trusted.pem"
    both.write_bytes(pathlib.Path(told["certificate"]).read_bytes() + pathlib.Path(system).read_bytes())
    return {**told, "certificate": str(both)}


def measure(name, folder, runs, share, emulator):
    binary, handler, event = FUNCTIONS[name]
    event = (ROOT / event).read_bytes()
    took = []
    function = folder / binary
    for _ in range(runs):
        with (
            tempfile.TemporaryDirectory(dir=folder) as data,
            sandbox(folder / "callreel", ROOT / "tests/data/streams", data, "--tls") as told,
        ):
            told = trusting(told, folder)
            if emulator:
                took.append((emulated(emulator, function, handler, event, told, share),))
            else:
                one, other = start(function, handler, event, told, share)
                took.append((one, other, one + other))
    size = function.stat().st_size / (1 << 20)
    times = "".join(
        f"{1000 * statistics.median(some):9.0f} ({1000 * min(some):.0f} to {1000 * max(some):.0f})".ljust(26)
        for some in zip(*took)
    )
    print(f"{name:8}{size:9.1f}   {times}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default="target/dist", type=pathlib.Path, help="of the binaries")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--share", type=float, help="of one core, for the function")
    parser.add_argument("--emulator", type=pathlib.Path, help="AWS's aws-lambda-rie")
    parser.add_argument("functions", nargs="*", default=list(FUNCTIONS), help=" ".join(FUNCTIONS))
    args = parser.parse_args()
    for name in args.functions:
        for binary in ("callreel", FUNCTIONS[name][0]):
            if not (args.folder / binary).is_file():
                sys.exit(f"{args.folder / binary}: no such file; cargo build --profile dist --features operate,sandbox --bins")
    if args.emulator and not args.emulator.is_file():
        sys.exit(f"{args.emulator}: no such file; pip install aws-sam-cli brings it, in samcli/local/rapid")
    name, _ = processor()
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"{name}, {os.cpu_count()} cores; load before: {load}; {args.runs} starts each: median (least to most)")
    share = Share(args.share) if args.share else None
    if share:
        print(f"the function has {args.share} of a core, the sandbox the rest of the machine")
    columns = f"{'both ms':>9}" if args.emulator else f"{'start ms':>9}{'answer ms':>27}{'both ms':>24}"
    print(f"{'function':8}{'MiB':>9}   {columns}")
    with tempfile.TemporaryDirectory(prefix="callreel-cold-") as folder:
        folder = pathlib.Path(folder)
        for binary in {"callreel", *(FUNCTIONS[name][0] for name in args.functions)}:
            (folder / binary).symlink_to((args.folder / binary).resolve())
        try:
            for name in args.functions:
                measure(name, folder, args.runs, share, args.emulator and args.emulator.resolve())
        finally:
            if share:
                share.remove()


if __name__ == "__main__":
    main()
