"""A deployment in moto's server, as far as moto answers, and the doctor run on it.

    python deployment_in_moto.py CALLREEL [ARGUMENT...]

Prints what `callreel doctor` prints. Needs moto[server] and boto3 (PyPI). Moto has no
Connect storage configuration, no simulation of policies and no CBOR for CloudWatch: those
checks stay open.
"""

import io
import json
import os
import subprocess
import sys
import zipfile

os.environ.update(
    AWS_ACCESS_KEY_ID="moto", AWS_SECRET_ACCESS_KEY="moto", AWS_REGION="eu-west-1", AWS_DEFAULT_REGION="eu-west-1"
)

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402


def client(name):
    return boto3.client(name, endpoint_url=URL)


def queues():
    sqs = client("sqs")

    def arn(url):
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    dead = sqs.create_queue(QueueName="parked-dead")["QueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody="a record")
    redrive = json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": 5})
    attributes = {"VisibilityTimeout": "5400", "RedrivePolicy": redrive}
    parked = sqs.create_queue(QueueName="parked", Attributes=attributes)["QueueUrl"]
    return parked, arn(parked)


def disabled_key():
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.disable_key(KeyId=key["KeyId"])
    return key["Arn"]


def bucket(key):
    s3 = client("s3")
    s3.create_bucket(Bucket="calls", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket="calls", ServerSideEncryptionConfiguration=rules)
    parts = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
    s3.put_public_access_block(Bucket="calls", PublicAccessBlockConfiguration=dict.fromkeys(parts, True))
    abort = {"DaysAfterInitiation": 1}
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": abort}
    s3.put_bucket_lifecycle_configuration(Bucket="calls", LifecycleConfiguration={"Rules": [rule]})


def distribution():
    origin = {
        "Id": "bucket",
        "DomainName": "calls.s3.eu-west-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    config = {
        "CallerReference": "a",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "bucket", "ViewerProtocolPolicy": "redirect-to-https"},
    }
    return client("cloudfront").create_distribution(DistributionConfig=config)["Distribution"]["DomainName"]


def record_stream():
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="records", ShardCount=1)
    kinesis.increase_stream_retention_period(StreamName="records", RetentionPeriodHours=168)
    return kinesis.describe_stream_summary(StreamName="records")["StreamDescriptionSummary"]["StreamARN"]


def function(domain, queue):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("bootstrap", "")
    variables = {"RECORDINGS_BUCKET_NAME": "calls", "CLOUDFRONT_DOMAIN": domain, "PARKING_QUEUE_URL": queue}
    role = client("iam").create_role(RoleName="recorder", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client("lambda").create_function(
        FunctionName="recorder",
        Role=role,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Code={"ZipFile": code.getvalue()},
        Timeout=900,
        MemorySize=1024,
        Environment={"Variables": variables},
    )


def mappings(stream, queue):
    common = {"FunctionName": "recorder", "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    lambda_ = client("lambda")
    lambda_.create_event_source_mapping(
        **common,
        EventSourceArn=stream,
        StartingPosition="TRIM_HORIZON",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=10,
        MaximumRecordAgeInSeconds=3600,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"data": {"Channel": ["CHAT"]}})}]},
    )
    lambda_.create_event_source_mapping(**common, EventSourceArn=queue)


server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
URL = "http://{}:{}".format(*server.get_host_and_port())
queue_url, queue_arn = queues()
bucket(disabled_key())
function(distribution(), queue_url)
mappings(record_stream(), queue_arn)
ran = subprocess.run([sys.argv[1], "doctor", "--endpoint-url", URL, *sys.argv[2:]])
server.stop()
sys.exit(ran.returncode)
