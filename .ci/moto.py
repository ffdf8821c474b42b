"""Runs `callreel record --aws` with the S3 of moto's server, which nobody here wrote, and
everything else from the sandbox; compares what is in the bucket with the local edge's files.

    moto.py CALLREEL

CALLREEL is a callreel with the features operate and sandbox. Needs moto[server] and boto3.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import boto3

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benches"))
from function import free_ports  # noqa: E402: it lies where the benches have it

BUCKET = "recordings"
KEYS = {"AWS_ACCESS_KEY_ID": "moto", "AWS_SECRET_ACCESS_KEY": "moto", "AWS_REGION": "us-east-1"}


def bucket_at(url):
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1",
                          aws_access_key_id="moto", aws_secret_access_key="moto")
    for _ in range(100):
        try:
            client.create_bucket(Bucket=BUCKET)
            return client
        except Exception:
            time.sleep(0.2)
    raise AssertionError("moto does not answer")


class World:
    def __init__(self, folder, callreel):
        self.folder, self.callreel = folder, callreel
        # Over 5 MiB in every file but the short call's: multipart and single uploads.
        for name, seconds in (("long", "400"), ("short", "20")):
            run(callreel, "synth", "--seconds", seconds, "--stream", name, "--contact",
                f"{name}-0000", "--hold-at", "5..9", "--reuse", "--out", folder / name)
        streams = folder / "streams"
        streams.mkdir()
        for name in ("long", "short"):
            (folder / name / "streams" / name).rename(streams / name)
        self.sandbox = subprocess.Popen(
            [callreel, "--json", "sandbox", "--streams", streams, "--data", folder / "data"],
            stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self.sandbox.stdout.readline())["listening"]
        [port] = free_ports(1)
        self.moto = subprocess.Popen(
            [pathlib.Path(sys.executable).parent / "moto_server", "-p", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.s3_url = f"http://127.0.0.1:{port}"
        self.s3 = bucket_at(self.s3_url)

    def recorder(self, name):
        settings = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_S3": self.s3_url,
            "RECORDINGS_BUCKET_NAME": BUCKET,
            "CLOUDFRONT_DOMAIN": "d111111abcdef8.cloudfront.net",
            "RECORDINGS_OBJECT_TAGS": "team=claims,kept=7 years",
        }
        return subprocess.Popen(
            [self.callreel, "--json", "record", "--aws", self.folder / name / "event.json"],
            env={"PATH": os.environ["PATH"], **KEYS, **settings},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def record(self, name):
        ended(self.recorder(name))

    def in_folders(self, name):
        out = self.folder / f"{name}-out"
        run(self.callreel, "record", self.folder / name / "event.json", "--streams",
            self.folder / "streams", "--out", out)
        made = [*out.rglob("*.wav"), *out.rglob("*_peaks.dat")]
        return {str(path.relative_to(out)): path.read_bytes() for path in made}

    def objects(self):
        listed = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {entry["Key"]: self.s3.get_object(Bucket=BUCKET, Key=entry["Key"])
                for entry in listed}

    def check(self, name):
        """The bucket holds what the local edge makes, as what it is, and one whole verdict."""
        expected = self.in_folders(name)
        assert len(expected) == 4, sorted(expected)
        objects = {key: answer for key, answer in self.objects().items() if f"{name}-0000" in key}
        verdicts = [key for key in objects if key.endswith("_verdict.json")]
        assert len(verdicts) == 1 and len(objects) == 5, sorted(objects)
        verdict = json.loads(objects.pop(verdicts[0])["Body"].read())
        assert verdict["status"] == "complete", verdict
        for key, answer in objects.items():
            assert answer["Body"].read() == expected[key], key
            kind = "audio/wav" if key.endswith(".wav") else "application/octet-stream"
            assert answer["ContentType"] == kind, (key, answer["ContentType"])
            assert answer["Metadata"] == {"contact-id": f"{name}-0000"}, answer["Metadata"]
            tags = self.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
            assert {tag["Key"]: tag["Value"] for tag in tags} == \
                {"team": "claims", "kept": "7 years"}, tags
        left = self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        assert not left, left
        return objects

    def end(self):
        for process in (self.moto, self.sandbox):
            process.kill()
            process.wait()


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def ended(process):
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, (out, errors)
    return json.loads(out)


def main(callreel):
    with tempfile.TemporaryDirectory() as folder:
        world = World(pathlib.Path(folder), callreel)
        try:
            for name in ("short", "long"):
                world.record(name)
                first = world.check(name)
                world.record(name)
                assert {key: answer["ETag"] for key, answer in first.items()} == \
                    {key: answer["ETag"] for key, answer in world.check(name).items()}
                print(f"{name}: the same files as in folders; recorded again, nothing was written")
            empty(world)
            both = [world.recorder("long"), world.recorder("long")]
            for process in both:
                process.communicate(timeout=300)
            assert 0 in [process.returncode for process in both], "one of two must record"
            world.check("long")
            print("two deliveries at once: whole files and one verdict")
        finally:
            world.end()


def empty(world):
    for key in world.objects():
        world.s3.delete_object(Bucket=BUCKET, Key=key)


if __name__ == "__main__":
    main(sys.argv[1])
