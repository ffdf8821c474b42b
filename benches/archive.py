#!/usr/bin/env python3
"""Measures the archive's pages over many recordings: `python3 benches/archive.py [CALLREEL] [--rows N]`.

Writes N verdicts (default 100,000) of 100 days into a folder of its own, and asks `callreel archive` as its page does:
the first page while no index is there, the first page with indexes, a number that one call has (by a process that has
just begun, once more, and once more when what is known must be looked at again), the next page, a table of all. Each figure is the median of five, with the lowest and the highest; the first one is taken once, since it makes
the indexes. The memory is the process's peak.
"""

import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

DAYS = 100
TURNS = 5
# What was looked at longer ago than 20 s is looked at again.
STALE_AFTER = 20.5
FIRST = datetime.date(2026, 8, 20)


def verdict(number, day):
    second = number * 37 % 86_400
    starts = f"{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z"
    contact = f"{number:08x}-7d1e-4c0a-9b3f-2e8a61d40c75"
    side = {"offset_samples": 0, "offset_seconds": 0.0, "audio_samples": 480_000, "silence_samples": 0,
            "bytes": {"came": 960_000, "written": 960_000, "repeated": 0, "left_out": 0}, "left_out": [],
            "gaps": {"count": 0, "samples": 0, "seconds": 0.0, "list": []},
            "overlaps": {"count": 0, "samples": 0, "seconds": 0.0, "list": []},
            "displaced": {"count": 0, "samples": 0, "seconds": 0.0, "list": []},
            "drift": {"earliest_millis": 0.0, "latest_millis": 0.0, "ppm": None},
            "peak": 12_000, "peak_dbfs": -8.7, "rms_dbfs": -25.0, "silence_share": 0.5, "clipped_samples": 0}
    return contact, {
        "schema": "callreel.verdict/4", "callreel": "0", "status": "partial" if number % 50 == 0 else "complete",
        "reasons": [], "notes": [],
        "recording": {"contact_id": contact, "initial_contact_id": contact, "instance_id": None, "stream": "s",
                      "start_fragment": str(number + 1), "stop_fragment": "9", "authorised": ["from", "to"]},
        "call": {"customer": f"+49301{number:07}", "system": "+12065550100", "queue": f"Queue {number % 12}",
                 "queue_id": f"q-{number % 12}", "agent": f"agent{number % 400}", "agent_id": f"a-{number % 400}",
                 "initiation_method": "INBOUND"},
        "span": {"sample_rate": 8000, "samples": 480_000, "seconds": 60.0, "starts_at": starts, "ends_at": None,
                 "media_start_millis": None, "record_starts_at": None, "record_stops_at": None},
        "fragments": {"asked": 56, "asked_again": 0, "received": 56, "own": 56, "last": None, "missing": 0, "unlisted": 0,
                      "missing_list": [], "damaged": 0, "damage_list": [],
                      "refused": {"foreign": 0, "foreign_inside": 0, "untagged": 0, "conflicting": 0, "out_of_range": 0,
                                  "unnumbered": 0, "unasked": 0, "foreign_contacts": []}},
        "sides": {"from": side, "to": side}, "left_out": [], "one_way_audio": False, "clock_breaks": 0, "files": [],
        "sound": {"from_share": 0.4, "to_share": 0.45, "both_share": 0.05, "both_seconds": 3.0, "longest_silence": None},
    }


def fill(folder, rows):
    for place in range(DAYS):
        day = FIRST + datetime.timedelta(days=place)
        below = folder / "recordings" / f"{day:%Y/%m/%d}"
        below.mkdir(parents=True)
        for number in range(place * rows // DAYS, (place + 1) * rows // DAYS):
            contact, document = verdict(number, day)
            (below / f"{contact}_{number + 1}_verdict.json").write_text(json.dumps(document))


def start(callreel, folder):
    process = subprocess.Popen([callreel, "archive", folder, "--port", "0", "--json"], stdout=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())["page"]


def peak_mib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def ask(url):
    began = time.perf_counter()
    body = urllib.request.urlopen(url).read()
    return time.perf_counter() - began, body


def told(what, times, more=""):
    shown = f"{statistics.median(times) * 1000:.0f} ms ({min(times) * 1000:.0f} to {max(times) * 1000:.0f})"
    print(f"{what}: {shown}{more}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("callreel", nargs="?", default="target/release/callreel")
    parser.add_argument("--rows", type=int, default=100_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        fill(folder, args.rows)
        print(f"{args.rows} recordings in {DAYS} days")
        process, page = start(args.callreel, folder)
        seconds, _ = ask(f"{page}api/recordings?most=200")
        told("the newest 200, no index there yet", [seconds])
        number = f"+49301{args.rows // 7:07}"
        search = f"{page}api/recordings?most=200&number={urllib.parse.quote(number)}"

        def whole(url):
            """All pages of a search, as the page asks for them."""
            began, hits, asked, after = time.perf_counter(), 0, 0, ""
            while after is not None:
                found = json.loads(ask(url + (after and f"&after={urllib.parse.quote(after)}"))[1])
                hits, asked, after = hits + len(found["rows"]), asked + 1, found["next"]
            return time.perf_counter() - began, hits, asked

        seconds, hits, asked = whole(search)
        told("a number that one call has, indexes made for all of it", [seconds], f", {hits} found in {asked} pages")
        process.terminate()
        process.wait()
        # Another process, with indexes that are there: what it remembers goes with it each time.
        first, numbers, again, later, following, peaks = [], [], [], [], [], []
        for _ in range(TURNS):
            process, page = start(args.callreel, folder)
            seconds, body = ask(f"{page}api/recordings?most=200")
            first.append(seconds)
            after = urllib.parse.quote(json.loads(body)["next"])
            following.append(ask(f"{page}api/recordings?most=200&after={after}")[0])
            url = f"{page}api/recordings?most=200&number={urllib.parse.quote(number)}"
            numbers.append(whole(url)[0])
            again.append(whole(url)[0])
            peaks.append(peak_mib(process))
            process.terminate()
            process.wait()
        told("the newest 200, a process that has just begun", first)
        told("the next 200", following)
        told("a number that one call has, all days", numbers)
        told("the same once more within 20 s", again)
        process, page = start(args.callreel, folder)
        url = f"{page}api/recordings?most=200&number={urllib.parse.quote(number)}"
        whole(url)
        for _ in range(TURNS):
            time.sleep(STALE_AFTER)
            later.append(whole(url)[0])
        told("the same after more than 20 s, when the folders are looked at again", later)
        process.terminate()
        process.wait()
        process, page = start(args.callreel, folder)
        seconds, body = ask(f"{page}api/recordings.csv")
        lines = body.count(b"\n")
        told("a table of all", [seconds], f", {lines} lines, {len(body) / 2**20:.1f} MiB")
        print(f"peak memory: {max(peaks):.0f} MiB searching, {peak_mib(process):.0f} MiB with the table")
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
