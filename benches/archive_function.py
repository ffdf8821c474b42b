#!/usr/bin/env python3
"""Measures the memory of the function `archive`: `python3 benches/archive_function.py [FOLDER] [--rows N]`.

FOLDER holds `callreel` and `archive` of a build with all features (default target/debug). Writes N verdicts (default
100,000) of 100 days, and a call of 12 hours, into the sandbox's bucket; runs the function as Lambda does, logs in at the
sandbox's provider, and asks as the pages do: the newest recordings, a number that one call has through all days, a table,
the call of 12 hours with its waveform. Prints the time of each and the peak of the process behind it.
"""

import argparse
import base64
import http.server
import importlib.util
import json
import os
import pathlib
import queue
import re
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

BUCKET = "calls"
PAGES = "127.0.0.1:8751"
SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:archive"
HOURS_12 = 12 * 3600

here = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location("archive_bench", here / "archive.py")
pages_bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pages_bench)


class Lambda:
    """What the function's process takes for Lambda: hands out one event after the other, and takes its answers."""

    def __init__(self):
        self.events, self.answers = queue.Queue(), queue.Queue()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = outer.events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "r")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 29_000))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:archive")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.answers.put((self.path, body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    def __init__(self, function):
        self.function, self.cookies = function, {}

    def ask(self, address, method="GET", range=None):
        path, _, query = address.partition("?")
        event = {
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "isBase64Encoded": False,
            "cookies": [f"{name}={value}" for name, value in self.cookies.items()],
            "headers": {"host": PAGES, "accept": "text/html", "accept-encoding": "gzip", "sec-fetch-site": "same-origin"},
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": PAGES, "domainPrefix": "a", "requestId": "r", "routeKey": "$default",
                "stage": "$default", "time": "27/Nov/2026:12:00:00 +0000", "timeEpoch": 0,
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "bench"}},
        }
        if range:
            event["headers"]["range"] = range
        began = time.perf_counter()
        self.function.events.put(json.dumps(event).encode())
        path, body = self.function.answers.get(timeout=300)
        seconds = time.perf_counter() - began
        assert path.endswith("/response"), (path, body[:500])
        answer = json.loads(body)
        for cookie in answer.get("cookies") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        text = answer.get("body") or ""
        text = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
        headers = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
        if headers.get("content-encoding") == "gzip":
            import gzip
            return seconds, answer["statusCode"], headers, gzip.decompress(text), len(body)
        return seconds, answer["statusCode"], headers, text, len(body)

    def log_in(self):
        _, status, headers, body, _ = self.ask("/login?to=/")
        assert status == 303, body
        opener = urllib.request.build_opener(NoRedirect)
        try:
            opener.open(headers["location"] + "&user=sam")
        except urllib.error.HTTPError as answer:
            back = answer.headers["location"]
        _, status, _, body, _ = self.ask(back.split(PAGES, 1)[1])
        assert status == 303, body


def long_call(folder):
    """A call of 12 hours, with its waveform and no sound."""
    day = folder / "recordings/2026/09/01"
    contact, document = pages_bench.verdict(7_777_777, "2026-09-01")
    document["span"].update(samples=HOURS_12 * 8000, seconds=HOURS_12)
    document["files"] = [{"kind": "mixed", "key": "x_mixed.wav", "url": "u", "bytes": 44 + HOURS_12 * 32_000}]
    base = day / f"{contact}_7"
    pathlib.Path(f"{base}_verdict.json").write_text(json.dumps(document))
    points = HOURS_12 * 8000 // 256
    pathlib.Path(f"{base}_peaks.dat").write_bytes(struct.pack("<6I", 2, 1, 8000, 256, points, 2) + os.urandom(4 * points))
    return str(base.relative_to(folder)) + "_verdict.json"


def memory(process, name="VmHWM"):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="target/debug")
    parser.add_argument("--rows", type=int, default=100_000)
    args = parser.parse_args()
    binaries = pathlib.Path(args.folder).resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        bucket = folder / "data/buckets" / BUCKET
        bucket.mkdir(parents=True)
        (folder / "streams").mkdir()
        pages_bench.fill(bucket, args.rows)
        key = long_call(bucket)
        subprocess.run([binaries / "callreel", "index", bucket], check=True, stdout=subprocess.DEVNULL)
        rules = {"auditors": "all"}
        secret = {SECRET: json.dumps({"cookies": "a secret for cookies that nobody can guess"})}
        (folder / "data/secrets.json").write_text(json.dumps(secret))
        sandbox = subprocess.Popen(
            [binaries / "callreel", "sandbox", "--oidc", "--streams", folder / "streams", "--data", folder / "data",
             "--bucket-owner", "111122223333", "--json"], stdout=subprocess.PIPE, text=True)
        told = json.loads(sandbox.stdout.readline())
        function = Lambda()
        environment = {
            "_HANDLER": "archive", "AWS_LAMBDA_RUNTIME_API": function.address, "AWS_LAMBDA_FUNCTION_NAME": "archive",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_LOG_GROUP_NAME": "g",
            "AWS_LAMBDA_LOG_STREAM_NAME": "s", "AWS_ENDPOINT_URL": told["listening"], "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_REGION": "us-east-1", "RECORDINGS_BUCKET": BUCKET,
            "ARCHIVE_DOMAIN": PAGES, "ARCHIVE_RULES": json.dumps(rules), "ARCHIVE_SECRET_ARN": SECRET,
            "OIDC_ISSUER": told["issuer"], "OIDC_CLIENT_ID": "callreel-archive"}
        process = subprocess.Popen([binaries / "archive"], env=environment, stdout=subprocess.DEVNULL)
        browser = Browser(function)
        browser.log_in()

        def measured(what, address, pages=False, range=None):
            seconds, asked, hits, largest, after = 0.0, 0, 0, 0, ""
            while after is not None:
                more = after and f"&after={urllib.parse.quote(after)}"
                took, status, _, body, sent = browser.ask(address + more, range=range)
                assert status in (200, 206), (status, body[:300])
                seconds, asked, largest = seconds + took, asked + 1, max(largest, sent)
                found = json.loads(body) if pages else {}
                hits, after = hits + len(found.get("rows", [])), found.get("next") if pages else None
                after = after if pages != "one" else None
            note = f", {hits} found in {asked} requests" if pages else ""
            print(f"{what}: {seconds * 1000:.0f} ms{note}; at most {largest / 2**20:.2f} MiB an answer; "
                  f"peak {memory(process):.0f} MiB, now {memory(process, 'VmRSS'):.0f} MiB", flush=True)

        print(f"{args.rows} recordings in 100 days; after the login: {memory(process):.0f} MiB")
        measured("the newest 200", "/api/recordings?most=200", "one")
        number = urllib.parse.quote(f"+49301{args.rows // 7:07}")
        measured("a number that one call has, all days", f"/api/recordings?most=200&number={number}", True)
        measured("the same once more", f"/api/recordings?most=200&number={number}", True)
        time.sleep(20.5)
        measured("the same after 20 s", f"/api/recordings?most=200&number={number}", True)
        call = urllib.parse.quote(key, safe="")
        measured("a call of 12 hours", f"/api/recording?key={call}")
        measured("3 MiB of its waveform", f"/api/peaks?key={call}", range="bytes=0-3145727")
        process.terminate()
        sandbox.terminate()


main()
