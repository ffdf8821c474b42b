"""A function as Lambda runs it: a Runtime API that hands out one event, and the environment."""

import http.server
import os
import threading
import time

class RuntimeApi(http.server.ThreadingHTTPServer):
    """Hands out one event, for so many seconds, and notes when it was asked for and answered."""

    daemon_threads = True

    def __init__(self, event, seconds):
        super().__init__(("127.0.0.1", 0), Invocations)
        self.event, self.seconds = event, seconds
        self.address = f"127.0.0.1:{self.server_port}"
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


def environment(api, seconds, handler, told):
    """The variables of a function that has so many seconds, reads from the Runtime API at `api`
    (host and port) and calls the sandbox of `told`."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(seconds),
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
