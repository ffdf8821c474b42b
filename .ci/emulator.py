"""Runs the built function under AWS's Runtime Interface Emulator against the sandbox, and
compares what comes out with what the command line makes of the same event in folders.

    emulator.py BOOTSTRAP CALLREEL EMULATOR

BOOTSTRAP is the function as `cargo lambda build` or cargo makes it, CALLREEL a callreel
with the feature sandbox, EMULATOR the aws-lambda-rie binary of the aws-sam-cli package.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benches"))
from function import Emulator  # noqa: E402: it lies where the benches have it
TIMEOUT_SECONDS = 30


def http(method, url, body=None):
    request = urllib.request.Request(url, method=method, data=body)
    with urllib.request.urlopen(request, timeout=2 * TIMEOUT_SECONDS) as answer:
        return answer.read()


class World:
    def __init__(self, folder, bootstrap, callreel, emulator):
        self.folder, self.callreel = folder, callreel
        self.streams, self.data = folder / "streams", folder / "data"
        shutil.copytree(ROOT / "tests/data/streams", self.streams)
        self.sandbox = subprocess.Popen(
            [callreel, "--json", "sandbox", "--streams", self.streams, "--data", self.data],
            stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self.sandbox.stdout.readline())["listening"]
        self.log = folder / "function.log"
        # As docs/function.md has it for `sam local invoke`.
        environment = (ROOT / "sandbox-env.json").read_text()
        environment = environment.replace("http://127.0.0.1:8900", self.url)
        settings = {
            **json.loads(environment)["Recorder"],
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(TIMEOUT_SECONDS),
            "DEADLINE_MARGIN_SECONDS": str(TIMEOUT_SECONDS - 12),
        }
        env = {"PATH": os.environ["PATH"], **settings}
        self.function = Emulator(emulator, bootstrap, env, self.log)

    def invoke(self, event):
        return json.loads(self.function.invoke(json.dumps(event).encode(), 2 * TIMEOUT_SECONDS))

    def faults(self, *rules):
        script = json.dumps({"rules": list(rules)}).encode()
        http("PUT", f"{self.url}/_sandbox/faults", script)

    def calls(self, operation):
        told = json.loads(http("GET", f"{self.url}/_sandbox/calls"))
        return sum(call["operation"] == operation for call in told["calls"])

    def recordings(self):
        return files(self.data / "buckets/recordings/recordings")

    def in_folders(self, event, name):
        """What the local edge makes of the event."""
        path, out = self.folder / f"{name}.json", self.folder / name
        path.write_text(json.dumps(event))
        subprocess.run([self.callreel, "record", path, "--streams", self.streams, "--out", out],
                       check=True, stdout=subprocess.DEVNULL)
        return files(out / "recordings")

    def end(self):
        self.function.end()
        self.sandbox.kill()
        self.sandbox.wait()


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*.wav"))}


def synth(callreel, folder, *options):
    subprocess.run([callreel, "synth", "--out", folder, *options], check=True,
                   stdout=subprocess.DEVNULL)
    return json.loads((folder / "event.json").read_text())


def main(bootstrap, callreel, emulator):
    with tempfile.TemporaryDirectory() as folder:
        world = World(pathlib.Path(folder), bootstrap, callreel, emulator)
        try:
            check(world)
        except BaseException:
            print(world.log.read_text(errors="replace")[-8000:], file=sys.stderr)
            raise
        finally:
            world.end()


def check(world):
    event = json.loads((ROOT / "events/kinesis-event.json").read_text())
    expected = world.in_folders(event, "expected")
    assert len(expected) == 6, sorted(expected)
    answer = world.invoke(event)
    assert answer == {"batchItemFailures": []}, answer
    assert world.recordings() == expected
    print(f"recorded: {len(expected)} files, the same as in folders")

    asked = world.calls("ListFragments")
    assert world.invoke(event) == {"batchItemFailures": []}
    assert world.calls("ListFragments") == asked, "a delivery that finds the verdict reads no media"
    print("delivered again: no media was read")

    # A call of several parts, through everything that KVS does now and then.
    made = world.folder / "made"
    event = synth(world.callreel, made, "--seconds", "200", "--hold-at", "50..60", "--reuse",
                  "--untagged-tail", "--contact", "22222222-cccc", "--stream", "long")
    for stream in (made / "streams").iterdir():
        shutil.copytree(stream, world.streams / stream.name)
    expected |= world.in_folders(event, "call")
    world.faults(
        {"on": "ListFragments", "effect": "drop_stop"},
        {"on": "GetMediaForFragmentList", "effect": "shuffle", "times": None},
        {"on": "GetMediaForFragmentList", "effect": {"cut_after_bytes": 100_000}},
        {"on": "GetMediaForFragmentList", "effect":
            {"status": {"code": 400, "error": "ClientLimitExceededException"}}},
        {"on": "UploadPart", "effect": {"status": {"code": 503, "error": "SlowDown"}}},
    )
    answer = world.invoke(event)
    assert answer == {"batchItemFailures": []}, answer
    assert world.recordings() == expected
    print("through faults: the same files as in folders")

    # What stalls is handed back in time, under the emulator's own time-out.
    late = synth(world.callreel, world.folder / "late", "--seconds", "20", "--contact",
                 "33333333-dddd", "--stream", "late")
    for stream in (world.folder / "late/streams").iterdir():
        shutil.copytree(stream, world.streams / stream.name)
    number = late["Records"][0]["kinesis"]["sequenceNumber"]
    # A record that came just now goes back to the stream; an older one would be parked.
    late["Records"][0]["kinesis"]["approximateArrivalTimestamp"] = time.time()
    world.faults({"on": "GetMediaForFragmentList", "effect": {"delay_ms": 100_000}, "times": None})
    answer = world.invoke(late)
    assert answer == {"batchItemFailures": [{"itemIdentifier": number}]}, answer
    world.faults()
    assert world.invoke(late) == {"batchItemFailures": []}
    expected |= world.in_folders(late, "in-time")
    assert world.recordings() == expected
    print("what could not end in time was handed back, and recorded when it came again")

    # What is no event is an error with a type; the emulator says 200 all the same.
    answer = world.invoke({"hello": 1})
    assert answer["errorType"] == "Callreel.NotABatch", answer
    assert world.invoke(event) == {"batchItemFailures": []}
    print("an event that is no batch is an error, and the function lives on")
    check_log(world.log.read_text(errors="replace"))


def check_log(log):
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    recorded = [line for line in lines if line.get("message") == "recorded"]
    assert len(recorded) >= 4 and all("media_ms" in line for line in recorded), recorded
    metrics = [line for line in lines if "_aws" in line]
    assert metrics and all(line["Function"] for line in metrics), metrics
    print(f"{len(recorded)} recordings told, {len(metrics)} lines of metrics")


if __name__ == "__main__":
    main(*sys.argv[1:4])
