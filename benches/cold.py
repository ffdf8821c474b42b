#!/usr/bin/env python3
"""What a function takes from its start to its first answer, against the sandbox over TLS.

    cargo build --release --features operate,sandbox --bins
    python3 benches/cold.py                      # each function, ten starts
    python3 benches/cold.py --share 0.29         # of a core, as a function of 512 MB has it

A Runtime API of its own stands for Lambda: *start* is from the process's start to its first
request for an event, *answer* from the event handed out to the answer, the first calls of AWS
included. Every start is a new process and meets a sandbox that holds nothing of it yet.

Nothing but Python's library is needed. `--share` takes a control group of Linux, and the right
to make one.
"""

import argparse
import http.server
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from hour import Share, processor

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Function: its binary, handler and event.
FUNCTIONS = {
    "record": ("recorder", "record", "events/one-call.json"),
    "note": ("flow", "note", "events/flow-call.json"),
    "save": ("voicemail", "save", "events/contact-disconnected.json"),
}


class RuntimeApi(http.server.ThreadingHTTPServer):
    """Hands out one event, and notes when it was asked for and when it was answered."""

    daemon_threads = True

    def __init__(self, event):
        super().__init__(("127.0.0.1", 0), Invocations)
        self.event = event
        self.asked = self.answered = None
        self.said = None
        self.done = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """The function is killed once it answered: its connections end as they stand."""


class Invocations(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.server.asked is not None:
            self.server.done.wait(60)
            return
        self.server.asked = time.monotonic()
        deadline = round((time.time() + 60) * 1000)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.event)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:cold")
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self):
        self.server.answered = time.monotonic()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.said = (self.path.rsplit("/", 1)[-1], body.decode(errors="replace"))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.done.set()


def start(binary, handler, event, told, share):
    """One cold start: seconds to the first request, and from the event to the answer."""
    api = RuntimeApi(event)
    env = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "cold",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "_HANDLER": handler,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_ENDPOINT_URL": told["listening"],
        "SSL_CERT_FILE": told["certificate"],
        "RECORDINGS_BUCKET_NAME": "recordings",
        "CLOUDFRONT_DOMAIN": "d111111abcdef8.cloudfront.net",
        "PARKING_QUEUE_URL": told["listening"] + "/111122223333/parking",
        "S3_REGION": "us-east-1",
        "S3_BUCKET": "recordings",
        "S3_PATH": "notes/",
        "S3_KEY_GET": "notes/",
        "S3_KEY_PUT": "messages/",
        "DEADLINE_MARGIN_SECONDS": "10",
    }
    begun = time.monotonic()
    function = subprocess.Popen(
        [binary],
        env=env,
        preexec_fn=share.enter if share else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    answered = api.done.wait(60)
    function.kill()
    log = function.stdout.read().decode(errors="replace")
    function.wait()
    api.shutdown()
    if not answered or api.said[0] != "response":
        sys.exit(f"{binary.name} {handler}: {api.said or 'no answer'}\n{log}")
    return api.asked - begun, api.answered - api.asked


def measure(name, folder, runs, share):
    binary, handler, event = FUNCTIONS[name]
    event = (ROOT / event).read_bytes()
    took = []
    for run in range(runs):
        data = folder / f"{name}-{run}"
        command = [folder / "callreel", "sandbox", "--json", "--tls"]
        command += ["--streams", ROOT / "tests/data/streams", "--data", data]
        sandbox = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE)
        try:
            told = json.loads(sandbox.stdout.readline())
            took.append(start(folder / binary, handler, event, told, share))
        finally:
            sandbox.terminate()
            sandbox.wait()
            shutil.rmtree(data, ignore_errors=True)
    starts, answers = zip(*took)
    both = [one + other for one, other in took]
    size = (folder / binary).stat().st_size / (1 << 20)
    times = "".join(
        f"{1000 * statistics.median(some):9.0f} ({1000 * min(some):.0f} to {1000 * max(some):.0f})".ljust(26)
        for some in (starts, answers, both)
    )
    print(f"{name:8}{size:9.1f}   {times}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default="target/release", type=pathlib.Path, help="of the binaries")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--share", type=float, help="of one core, for the function")
    parser.add_argument("functions", nargs="*", default=list(FUNCTIONS), help=" ".join(FUNCTIONS))
    args = parser.parse_args()
    for name in args.functions:
        for binary in ("callreel", FUNCTIONS[name][0]):
            if not (args.folder / binary).is_file():
                sys.exit(f"{args.folder / binary}: no such file; cargo build --release --features operate,sandbox --bins")
    name, _ = processor()
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"{name}, {os.cpu_count()} cores; load before: {load}; {args.runs} starts each: median (least to most)")
    share = Share(args.share) if args.share else None
    if share:
        print(f"the function has {args.share} of a core, the sandbox the rest of the machine")
    print(f"{'function':8}{'MiB':>9}   {'start ms':>9}{'answer ms':>27}{'both ms':>24}")
    with tempfile.TemporaryDirectory(prefix="callreel-cold-") as folder:
        folder = pathlib.Path(folder)
        for binary in {"callreel", *(FUNCTIONS[name][0] for name in args.functions)}:
            (folder / binary).symlink_to((args.folder / binary).resolve())
        try:
            for name in args.functions:
                measure(name, folder, args.runs, share)
        finally:
            if share:
                share.remove()


if __name__ == "__main__":
    main()
