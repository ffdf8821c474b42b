#!/usr/bin/env python3
"""What a recording takes over the pace of KVS, with and without TLS, against the sandbox.

    cargo build --release --features operate,sandbox
    python3 benches/hour.py                      # one hour and ten minutes
    python3 benches/hour.py --minutes 10 --runs 5

For each length it prints, of the run of the least wall time: wall over floor (the floor is
fragments / 500 a second, which is the pace of KVS), user and system CPU apart, and peak memory
of the process. The steps are told by runs that do more each: `inspect` reads and demuxes,
`extract` writes the files into a folder, `record --aws` asks the sandbox for all and writes to
it, the last one over TLS. The sandbox itself runs on the same cores and is not in the CPU.

Nothing but Python's library is needed; Unix alone, since it asks the system what a child took.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

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


def run(command, env=None):
    """Runs a command to its end: wall, user and system seconds, and peak MiB."""
    begun = time.monotonic()
    child = subprocess.Popen(
        [str(word) for word in command],
        env=env,
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


def record(callreel, made, folder, tls):
    """Records the call through a sandbox of its own."""
    data = folder / "data"
    command = [callreel, "sandbox", "--json", "--streams", made / "streams", "--data", data]
    sandbox = subprocess.Popen(
        [str(word) for word in command + (["--tls"] if tls else [])], stdout=subprocess.PIPE
    )
    try:
        told = json.loads(sandbox.stdout.readline())
        env = dict(
            os.environ,
            AWS_ENDPOINT_URL=told["listening"],
            AWS_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="sandbox",
            AWS_SECRET_ACCESS_KEY="sandbox",
            RECORDINGS_BUCKET_NAME="recordings",
            CLOUDFRONT_DOMAIN="d111111abcdef8.cloudfront.net",
        )
        if tls:
            env["SSL_CERT_FILE"] = told["certificate"]
        return run([callreel, "record", "--aws", made / "event.json"], env)
    finally:
        sandbox.terminate()
        sandbox.wait()


def measure(callreel, minutes, runs):
    with tempfile.TemporaryDirectory(prefix="callreel-hour-") as folder:
        folder = pathlib.Path(folder)
        made = folder / "made"
        synth = [callreel, "synth", "--json", "--seconds", minutes * 60, "--out", made]
        told = subprocess.run([str(word) for word in synth], check=True, capture_output=True)
        told = json.loads(told.stdout)
        stream = pathlib.Path(told["stream"])
        media = [stream] if stream.is_file() else sorted(stream.glob("*.mkv"))
        floor = told["fragments"] / PACE
        steps = {
            "inspect (read, demux)": lambda at: run([callreel, "inspect", "--json", *media]),
            "extract (and write to a folder)": lambda at: run(
                [callreel, "extract", *media, "--out", at / "out"]
            ),
            "record --aws, no TLS": lambda at: record(callreel, made, at, False),
            "record --aws, TLS": lambda at: record(callreel, made, at, True),
        }
        print(f"\n{minutes} minutes, {told['fragments']} fragments: floor {floor:.2f} s, the best of {runs}")
        print(f"{'step':34}{'wall s':>8}{'/ floor':>9}{'user s':>8}{'system s':>10}{'peak MiB':>10}")
        for name, step in steps.items():
            took = []
            for _ in range(runs):
                # Each run writes anew: what is recorded is not recorded again.
                with tempfile.TemporaryDirectory(dir=folder) as at:
                    took.append(step(pathlib.Path(at)))
            wall, user, system, peak = min(took)
            over = f"{wall / floor:.2f}" if name.startswith("record") else "-"
            print(f"{name:34}{wall:8.2f}{over:>9}{user:8.2f}{system:10.2f}{peak:10.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--callreel", default="target/release/callreel", type=pathlib.Path)
    parser.add_argument("--minutes", nargs="+", type=int, default=[60, 10])
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    if not args.callreel.is_file():
        sys.exit(f"{args.callreel}: no such file; cargo build --release --features operate,sandbox")
    name, sha = processor()
    words = {True: "with SHA instructions", False: "without SHA instructions", None: "SHA instructions: unknown"}
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"{name}, {os.cpu_count()} cores, {words[sha]}; load before: {load}")
    for minutes in args.minutes:
        measure(args.callreel.resolve(), minutes, args.runs)


if __name__ == "__main__":
    main()
