#!/usr/bin/env python3
"""Messages through the whole chain of voicemail, against the sandbox: how many a minute, none lost,
none doubled.

    cargo build --release --all-features --bins
    python3 benches/voicemail.py                           # 2,000 messages of a minute
    python3 benches/voicemail.py --messages 200 --mode email --executions 4

All contact records come at once; `callreel sandbox --pump` runs the functions, so many processes of
each, and answers them: it shares the processors with them, and its disk is theirs. All streams are
one file, and a recording goes when its message is delivered and it is what it must be, so that the
disk holds little more than what is under way. Nothing but Python's library is needed.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTACT = "00000000-0000-4000-8000-000000000000"
STREAM = "voicemail-bench-00000000"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=60, help="of a message")
    parser.add_argument("--mode", choices=["task", "guided_task", "email"], default="task")
    parser.add_argument("--executions", type=int, default=2, help="processes of each function")
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / "target/release")
    parser.add_argument("--folder", type=pathlib.Path, help="for everything that is written; [default: a new one]")
    return parser.parse_args()


def make(args, folder):
    """One call is made. Each message is a contact that follows it, with a stream of the same media."""
    flags = ["--seconds", str(args.seconds), "--one-way", "--contact", CONTACT, "--stream", STREAM]
    synth = [args.binaries / "callreel", "synth", *flags, "--out", folder / "made", "--json"]
    subprocess.run(synth, check=True, stdout=subprocess.DEVNULL)
    media = next((folder / "made/streams" / STREAM).glob("*.mkv"))
    event = json.loads((folder / "made/event.json").read_text())
    record = json.loads(base64.b64decode(event["Records"][0]["kinesis"]["data"]))
    record["Agent"] = None
    # Whose media it is: a record names the contact before its own.
    record["PreviousContactId"] = CONTACT
    record["Attributes"] = {"vmx3_flag": "1", "vmx3_from": "+12065550142", "vmx3_lang": "en-US",
                            "vmx3_mode": args.mode, "vmx3_queue_arn": record["Queue"]["ARN"]}
    day = record["Recordings"][0]["StartTimestamp"][:10].replace("-", "/")
    records = {}
    for number in range(args.messages):
        contact = f"{number:08d}" + CONTACT[8:]
        stream = f"voicemail-bench-{number:08d}"
        path = folder / "streams" / stream
        path.mkdir(parents=True)
        os.link(media, path / "s.mkv")
        text = json.dumps(record | {"ContactId": contact, "InitialContactId": contact})
        records[contact] = text.replace(STREAM, stream)
    return records, day


def delivered(folder, args):
    """How many tasks or mails there are, and for how many contacts."""
    if args.mode == "email":
        mails = list((folder / "data/mail").glob("*.eml"))
        return len(mails), len({next(line for line in mail.read_bytes().split(b"\r\n") if line.startswith(b"Message-ID"))
                                for mail in mails})
    tasks = list((folder / "data/tasks").glob("*.json"))
    return len(tasks), len({json.loads(task.read_text())["Request"]["ClientToken"] for task in tasks})


def finished(folder, known):
    """The contacts that are delivered, with nothing left to do behind it, and were not known."""
    markers = (folder / "data/buckets/recordings/delivered").glob("*.json")
    new = [marker for marker in markers if marker.stem not in known]
    return [marker.stem for marker in new
            if b'"delivered"' in (text := marker.read_bytes()) and b"unfinished" not in text]


def run(args, folder):
    records, day = make(args, folder)
    data = folder / "data"
    log = open(folder / "sandbox.log", "w")
    command = [args.binaries / "callreel", "sandbox", "--streams", folder / "streams", "--data", data, "--port", "0",
               "--pump", "--functions", args.binaries, "--executions", str(args.executions)]
    sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        if not sandbox.stdout.readline().startswith("listening"):
            sys.exit(f"the sandbox did not start: {folder / 'sandbox.log'}")
        hidden = data / "records"
        hidden.mkdir(parents=True)
        for contact, record in records.items():
            (hidden / f"{contact}.json").write_text(record)
        began = time.monotonic()
        hidden.rename(data / "contact-records")
        known, sounds = set(), set()
        still = time.monotonic()
        while len(known) < len(records):
            time.sleep(1)
            for contact in finished(folder, known):
                known.add(contact)
                still = time.monotonic()
                recording = data / "buckets/recordings" / day / f"{contact}.wav"
                sounds.add(hashlib.sha256(recording.read_bytes()).digest())
                recording.unlink()
            if time.monotonic() - still > 120 or sandbox.poll() is not None:
                break
        seconds = time.monotonic() - began
    finally:
        sandbox.kill()
        sandbox.wait()
    done = len(known)
    count, contacts = delivered(folder, args)
    flags = json.loads((data / "contacts.json").read_text())
    open_flags = sum(1 for attributes in flags.values() if attributes.get("vmx3_flag") != "0")
    left = {name: len(list((data / name).glob("*"))) for name in
            ("transcription-jobs", "queues/voicemail-dead-letters", "queues/voicemail-failed-records")}
    print(f"{done} of {len(records)} messages of {args.seconds} s as {args.mode}: {seconds:.0f} s, "
          f"{60 * done / seconds:.0f} a minute, {args.executions} processes of each function, "
          f"{os.cpu_count()} processors")
    print(f"deliveries {count}, of {contacts} contacts; recordings differ: {len(sounds) > 1}; "
          f"flags left {open_flags}; left over: {left}")
    whole = done == count == contacts == len(records) and len(sounds) == 1
    return whole and not open_flags and not any(left.values())


def main():
    args = arguments()
    folder = args.folder or pathlib.Path(tempfile.mkdtemp(prefix="callreel-voicemail-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not run(args, folder):
            sys.exit("lost or doubled: see above")
    finally:
        if not args.folder:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
