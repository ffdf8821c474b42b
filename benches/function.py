"""A function as Lambda runs it: a Runtime API that hands out one event, AWS's own emulator, the
sandbox that it calls, and the environment."""

import contextlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request


class RuntimeApi(http.server.ThreadingHTTPServer):
    """Hands out one event, for so many seconds, and notes when it was asked for and answered."""

    daemon_threads = True

    def __init__(self, event, seconds):
        super().__init__(("127.0.0.1", 0), Invocations)
        self.event, self.seconds = event, seconds
        self.asked = self.answered = None
        self.said = None
        self.done = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def environment(self, handler, told):
        """The variables of a function that takes its event here."""
        api = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server_port}"}
        return environment(self.seconds, handler, told) | api

    def handle_error(self, request, client_address):
        """The function is killed once it answered: its connections end as they stand."""


class Invocations(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.server.asked is not None:
            self.server.done.wait(self.server.seconds)
            return
        self.server.asked = time.monotonic()
        deadline = round((time.time() + self.server.seconds) * 1000)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.event)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:bench")
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


class Emulator:
    """A function under AWS's Runtime Interface Emulator, which starts it when it is invoked for
    the first time. Both write into `log`, a file; `enter` is called in the child before it begins."""

    def __init__(self, emulator, function, env, log, handler=None, enter=None):
        port, runtime = free_ports(2)
        self.url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        command = [emulator, "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{runtime}", function]
        command += [handler] if handler else []
        with open(log, "wb") as log:
            self.process = subprocess.Popen(command, env=env, preexec_fn=enter, stdout=log, stderr=log)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.end()
        raise AssertionError("the emulator does not listen")

    def invoke(self, event, seconds):
        """What the function answers to an event, both as bytes. It is 200 even for an error."""
        with urllib.request.urlopen(self.url, data=event, timeout=seconds) as answer:
            return answer.read()

    def end(self):
        self.process.kill()
        self.process.wait()


def free_ports(count):
    """Ports of this machine that nobody listens at."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@contextlib.contextmanager
def sandbox(callreel, streams, data, *more):
    """A sandbox with these streams, and what it tells when it listens. It ends with the block."""
    command = [callreel, "sandbox", "--json", "--streams", streams, "--data", data, *more]
    server = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE)
    try:
        try:
            told = json.loads(server.stdout.readline())
        except ValueError:
            sys.exit(f"{callreel}: its sandbox did not start; what it said stands above")
        yield told
    finally:
        server.terminate()
        server.wait()


def calling(told):
    """The variables of whatever records by calling the sandbox of `told`."""
    trusted = {"SSL_CERT_FILE": told["certificate"]} if told.get("certificate") else {}
    return trusted | {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_ENDPOINT_URL": told["listening"],
        "RECORDINGS_BUCKET_NAME": "recordings",
        "CLOUDFRONT_DOMAIN": "d111111abcdef8.cloudfront.net",
    }


def environment(seconds, handler, told):
    """The variables of a function that has so many seconds and calls the sandbox of `told`."""
    return calling(told) | {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(seconds),
        "_HANDLER": handler,
        "PARKING_QUEUE_URL": told["listening"] + "/111122223333/parking",
        "S3_REGION": "us-east-1",
        "S3_BUCKET": "recordings",
        "S3_PATH": "notes/",
        "S3_KEY_GET": "notes/",
        "S3_KEY_PUT": "messages/",
        "DEADLINE_MARGIN_SECONDS": "10",
    }
