#!/usr/bin/env python3
"""Many calls at once through the live monitor, or one very long one, against the sandbox: what the
monitor takes, how late a sound is seen, and whether a sample is lost.

    cargo build --release --features operate,sandbox
    python3 benches/monitor.py                       # 50 calls at once for five minutes, in real time
    python3 benches/monitor.py --page                # the same, with the page open in headless Chromium
    python3 benches/monitor.py --calls 1 --minutes 180 --live 300 --break-minutes 40

The sandbox plays the calls, `--live` times as fast as they were, and ends each connection after so
many minutes of them. It has the same processors. When all calls have ended, each side's file is compared with what
`callreel extract` makes of its stream. `--page` needs what `.ci/pages` installs, and tells how long
it took from a call's newest block, as it came to the monitor, until the page had painted it.
Linux alone, since /proc tells what the monitor took.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEAD_BYTES = 44


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].replace("\n", " "))
    parser.add_argument("--callreel", type=pathlib.Path, default=ROOT / "target/release/callreel")
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--live", type=float, default=1, help="how many times as fast as it was")
    parser.add_argument("--break-minutes", type=float, default=42, help="after which each connection ends")
    parser.add_argument("--page", action="store_true", help="open the page, and measure how late it is")
    args = parser.parse_args()
    if not args.callreel.is_file():
        sys.exit(f"{args.callreel}: no such file; cargo build --release --features operate,sandbox")
    return args


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout


def make(args, folder):
    """So many calls, each on a stream of its own."""
    for number in range(args.calls):
        name = f"call-{number:03d}"
        run(args.callreel, "synth", "--json", "--seconds", int(args.minutes * 60), "--seed", number + 1,
            "--contact", name, "--stream", name, "--out", folder / "made" / name)
        (folder / "streams").mkdir(exist_ok=True)
        (folder / "made" / name / "streams" / name).rename(folder / "streams" / name)


class Process:
    """A process whose first line of output says where it listens."""

    def __init__(self, command, cwd=None, env=None, out=subprocess.PIPE):
        self.process = subprocess.Popen([str(word) for word in command], stdout=out, cwd=cwd, env=env)

    def taken(self):
        """User and system seconds so far, and the peak of its memory in MiB."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = os.sysconf("SC_CLK_TCK")
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
        return int(stat[11]) / ticks, int(stat[12]) / ticks, int(peak) / 1024

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def sandbox(args, folder):
    script = folder / "faults.json"
    script.write_text(json.dumps({"quota": {"media_seconds": int(args.break_minutes * 60)}}))
    playing = Process([args.callreel, "sandbox", "--json", "--streams", folder / "streams", "--data", folder / "data",
                       f"--live={args.live}", "--calls-to", "calls", "--faults", script])
    return playing, json.loads(playing.process.stdout.readline())["listening"]


def monitor(args, folder, url):
    """The monitor, and where what it tells is written to."""
    way = ["--port", "0"] if args.page else ["--headless"]
    command = [args.callreel.resolve(), "monitor", *way, "--streamname", "calls", "--region", "us-east-1",
               "--start-position", "trim_horizon", "--timezone", "UTC",
               "--endpoint-url-kinesis", url, "--endpoint-url-kinesisvideo", url]
    env = dict(os.environ, AWS_ACCESS_KEY_ID="sandbox", AWS_SECRET_ACCESS_KEY="sandbox")
    told = folder / "told"
    with told.open("w") as out:
        return Process(command, cwd=folder, env=env, out=out), told


def page(told):
    """Chromium on the page, which prints what it saw when its input ends."""
    while "http://" not in told.read_text():
        time.sleep(0.1)
    url = next(word for word in told.read_text().split() if word.startswith("http://"))
    return subprocess.Popen(["node", str(ROOT / "benches/monitor.mjs"), url],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_for_files(args, folder):
    """Until both files of each call are whole."""
    patience = time.monotonic() + args.minutes * 60 / args.live + 120
    while True:
        files = sorted((folder / "audio").glob("*.wav")) if (folder / "audio").is_dir() else []
        if len(files) == 2 * args.calls:
            return files
        if time.monotonic() > patience:
            sys.exit(f"{len(files)} of {2 * args.calls} files are whole, and no more come: {folder}")
        time.sleep(0.2)


def lost(args, folder, files):
    """How many sides have a file that is not theirs to the sample."""
    made = {}
    for media in sorted((folder / "streams").glob("*/*.mkv")):
        run(args.callreel, "extract", media, "--out", folder / "expected")
        for name, side in ("from", "cu"), ("to", "op"):
            path = next((folder / "expected").glob(f"*_{name}.wav"))
            made.setdefault(side, []).append(path.read_bytes()[HEAD_BYTES:])
        shutil.rmtree(folder / "expected")
    wrong = 0
    for path in files:
        side, held = ("cu" if path.stem.endswith("-cu") else "op"), path.read_bytes()[HEAD_BYTES:]
        if held in made[side]:
            made[side].remove(held)
        else:
            wrong += 1
    return wrong


def main():
    args = arguments()
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"{args.calls} calls of {args.minutes:g} minutes, {args.live:g} times as fast; {os.cpu_count()} cores, load before: {load}")
    with tempfile.TemporaryDirectory(prefix="callreel-monitor-") as folder:
        folder = pathlib.Path(folder)
        make(args, folder)
        playing, url = sandbox(args, folder)
        began = time.monotonic()
        watching, told = monitor(args, folder, url)
        seen = page(told) if args.page else None
        try:
            files = wait_for_files(args, folder)
            took = time.monotonic() - began
            user, system, peak = watching.taken()
            if seen:
                print(seen.communicate()[0].strip())
            calls = json.load(urllib.request.urlopen(f"{url}/_sandbox/calls"))["calls"]
        finally:
            watching.end()
            playing.end()
        media = sum(call["operation"] == "GetMedia" for call in calls)
        print(f"the monitor: {took:.0f} s, {user:.1f} s of user and {system:.1f} s of system CPU "
              f"({100 * (user + system) / took:.0f} % of a core), {peak:.0f} MiB peak, {media} GetMedia")
        wrong = lost(args, folder, files)
        print(f"{len(files)} files, {wrong} of them not theirs to the sample")
        sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
