//! A healthy deployment, for tests to break.

use super::facts::*;
use super::need::Need;
use super::rights::answering::{note_needs, save_needs};
use super::rights::live::live_needs;
use super::rights::needed;
use super::rights::worker::worker_needs;

pub(super) const FUNCTION: &str = "callreel-recorder";
pub(super) const STREAM: &str = "arn:aws:kinesis:eu-west-1:111122223333:stream/records";
pub(super) const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:parked";
pub(super) const DEAD: &str = "arn:aws:sqs:eu-west-1:111122223333:parked-dead";
pub(super) const DISTRIBUTION: &str = "arn:aws:cloudfront::111122223333:distribution/E1";

/// Everything as it should be.
pub(super) fn healthy() -> Deployment {
    let mut deployment = Deployment {
        function_name: FUNCTION.to_owned(),
        function: Ok(Some(function())),
        mappings: Ok(vec![mapping(), retry_mapping()]),
        record_stream: Ok(Some(RecordStream {
            arn: STREAM.to_owned(),
            status: "ACTIVE".to_owned(),
            retention_hours: 168,
            key: None,
        })),
        bucket: Ok(Some(bucket())),
        distributions: Ok(vec![distribution()]),
        instances: Ok(vec![instance()]),
        video_streams: Ok(vec![video_stream(24)]),
        parking_queue: Ok(Some(Queue {
            arn: QUEUE.to_owned(),
            visibility_seconds: 5_400,
            redrive: Some(Redrive {
                target_arn: DEAD.to_owned(),
                max_receives: 5,
            }),
            ..Queue::default()
        })),
        dead_letters: Ok(Some(Queue {
            arn: DEAD.to_owned(),
            ..Queue::default()
        })),
        keys: vec![key("Enabled", "ENCRYPT_DECRYPT")],
        rights: Ok(Vec::new()),
        withdrawn: Ok(0),
        answering: Ok(Some(answering())),
        live: Ok(vec![live_allowed()]),
        voicemail: Ok(Some(voicemail())),
        archives: Ok(vec![worker("archive")]),
        alarms: Ok(alarms()),
    };
    deployment.rights = Ok(all_allowed(&deployment));
    let machine = answering();
    let (notes, saves) = (
        note_needs(&deployment, &machine),
        save_needs(&deployment, &machine),
    );
    let allowed = answering_of(&mut deployment);
    allowed.note.as_mut().unwrap().rights = Ok(granted(notes));
    allowed.save.as_mut().unwrap().rights = Ok(granted(saves));
    let own = deployment.clone();
    let of_voicemail = voicemail_of(&mut deployment).workers.iter_mut();
    for worker in of_voicemail {
        worker.rights = Ok(granted(worker_needs(&own, worker)));
    }
    let archive = archive_of(&mut deployment);
    archive.rights = Ok(granted(worker_needs(&own, archive)));
    deployment
}

/// A function of the archive or of voicemail, as the stacks make them, with all that can be set.
pub(super) fn worker(handler: &str) -> Worker {
    let secret =
        |name: &str| format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}-AbCdEf");
    let bucket = match handler {
        "archive" => "calls",
        _ => "vm-recordings",
    };
    let (login, links) = (secret("login"), secret("links"));
    let variables = [
        ("RECORDINGS_BUCKET", bucket),
        ("RECORDINGS_KEY_PREFIX", "recordings/"),
        ("LISTENED_PREFIX", "listened/"),
        ("ARCHIVE_SECRET_ARN", &*login),
        ("TRANSCRIPTS_BUCKET", "vm-transcripts"),
        ("CONNECT_RECORDINGS_BUCKET", "connect-own"),
        (
            "PARKING_QUEUE_URL",
            "https://sqs.eu-west-1.amazonaws.com/111122223333/vm-parked",
        ),
        (
            "INSTANCE_ARN",
            "arn:aws:connect:eu-west-1:111122223333:instance/i1",
        ),
        ("TASK_FLOW_ID", "f-1"),
        ("EMAIL_FROM", "vm@example.com"),
        ("EMAIL_QUEUE_TEMPLATE", "callreel-queue"),
        ("SUMMARY", "yes"),
        ("SUMMARY_MODEL_ID", "maker.model-1"),
        ("LINK_KEY_SECRET_ARN", &*links),
    ];
    Worker {
        name: format!("callreel-{handler}"),
        arn: format!("arn:aws:lambda:eu-west-1:111122223333:function:callreel-{handler}"),
        role: format!("arn:aws:iam::111122223333:role/{handler}"),
        handler: handler.to_owned(),
        log_group: format!("/callreel/{handler}"),
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        reads: (handler == "capture").then(|| STREAM.to_owned()),
        rights: Ok(Vec::new()),
    }
}

pub(super) fn archive_of(deployment: &mut Deployment) -> &mut Worker {
    &mut deployment.archives.as_mut().unwrap()[0]
}

fn caller(service: &str, source: &str) -> Caller {
    Caller {
        service: format!("{service}.amazonaws.com"),
        account: Some("111122223333".to_owned()),
        source: Some(format!("arn:aws:{service}:eu-west-1:111122223333:{source}")),
    }
}

fn helper(name: &str, service: &str, source: &str) -> Helper {
    Helper {
        name: format!("callreel-{name}"),
        arn: format!("arn:aws:lambda:eu-west-1:111122223333:function:callreel-{name}"),
        role: format!("arn:aws:iam::111122223333:role/{name}"),
        callers: Ok(vec![caller(service, source)]),
        rights: Ok(Vec::new()),
    }
}

fn rule(name: &str, target: &str) -> EventRule {
    EventRule {
        name: name.to_owned(),
        state: Some("ENABLED".to_owned()),
        targets: vec![RuleTarget {
            arn: target.to_owned(),
            dead_letters: Some(DEAD.to_owned()),
        }],
    }
}

/// What tells desks of calls, as the stack makes it.
fn live() -> Live {
    let mut function = helper("live", "connect", "instance/i1");
    let by_rule = caller("events", "rule/live-ended");
    function.callers.as_mut().unwrap().push(by_rule);
    Live {
        stream_name: "calls".to_owned(),
        stream: Ok(Some(RecordStream {
            arn: "arn:aws:kinesis:eu-west-1:111122223333:stream/calls".to_owned(),
            status: "ACTIVE".to_owned(),
            retention_hours: 24,
            key: Some("alias/aws/kinesis".to_owned()),
        })),
        rules: Ok(vec![rule("live-ended", &function.arn)]),
        offered: Ok(vec![function.arn.clone()]),
        function,
    }
}

/// The same, whose role may what it must.
fn live_allowed() -> Live {
    let mut live = live();
    live.function.rights = Ok(granted(live_needs(&live)));
    live
}

pub(super) fn live_of(deployment: &mut Deployment) -> &mut Live {
    &mut deployment.live.as_mut().unwrap()[0]
}

/// An answering machine as the stack makes it.
fn answering() -> Answering {
    let note = helper("note", "connect", "instance/i1");
    let save = helper("save", "events", "rule/call-ended");
    Answering {
        offered: Ok(vec![note.arn.clone()]),
        note: Some(note),
        rules: Ok(vec![rule("call-ended", &save.arn)]),
        save: Some(save),
        notes: "notes/".to_owned(),
        messages: "messages/".to_owned(),
        event_bus: "default".to_owned(),
        waiting: Ok(Vec::new()),
    }
}

/// Voicemail as the stack makes it.
fn voicemail() -> Voicemail {
    let called = |name: &str| {
        let arn = format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}");
        let rule = EventRule {
            name: format!("{name}-rule"),
            state: Some("ENABLED".to_owned()),
            targets: vec![RuleTarget {
                arn: arn.clone(),
                dead_letters: Some(DEAD.to_owned()),
            }],
        };
        Called {
            name: name.to_owned(),
            arn,
            rules: Ok(vec![rule]),
        }
    };
    Voicemail {
        deliver: "deliver".to_owned(),
        settings: Ok(()),
        mapping: Ok(Some("Enabled".to_owned())),
        buckets: ["vm-recordings", "vm-transcripts"]
            .map(|name| (name.to_owned(), Ok(true)))
            .to_vec(),
        called: ["transcribe", "transcribe-failed", "deliver"]
            .map(called)
            .to_vec(),
        flows: vec![("f-1".to_owned(), Ok(Some("ACTIVE".to_owned())))],
        senders: vec![("a@example.com".to_owned(), Ok(true))],
        waiting: Ok(Vec::new()),
        workers: [
            "capture",
            "transcribe",
            "transcribe-failed",
            "deliver",
            "reconcile-voicemail",
            "sign",
            "timestamp",
        ]
        .map(worker)
        .to_vec(),
    }
}

pub(super) fn voicemail_of(deployment: &mut Deployment) -> &mut Voicemail {
    deployment.voicemail.as_mut().unwrap().as_mut().unwrap()
}

pub(super) fn answering_of(deployment: &mut Deployment) -> &mut Answering {
    deployment.answering.as_mut().unwrap().as_mut().unwrap()
}

pub(super) fn all_allowed(deployment: &Deployment) -> Vec<Right> {
    granted(needed(deployment))
}

fn granted(needs: Vec<Need>) -> Vec<Right> {
    needs
        .into_iter()
        .map(|need| Right {
            need,
            decision: RightDecision::Allowed,
        })
        .collect()
}

fn function() -> Function {
    Function {
        arn: "arn:aws:lambda:eu-west-1:111122223333:function:callreel-recorder".to_owned(),
        role: Some("arn:aws:iam::111122223333:role/recorder".to_owned()),
        state: Some("Active".to_owned()),
        last_update: Some("Successful".to_owned()),
        runtime: Some("provided.al2023".to_owned()),
        timeout_seconds: 900,
        memory_mib: 1_024,
        log_group: "/aws/lambda/callreel-recorder".to_owned(),
        settings: Ok(Settings {
            bucket: "calls".to_owned(),
            domain: "d1.cloudfront.net".to_owned(),
            key_prefix: "recordings/".to_owned(),
            region: "eu-west-1".to_owned(),
            parking_queue: Some(
                "https://sqs.eu-west-1.amazonaws.com/111122223333/parked".to_owned(),
            ),
            margin_seconds: 15,
            ..Settings::default()
        }),
    }
}

fn mapping() -> Mapping {
    Mapping {
        id: "m1".to_owned(),
        source_arn: STREAM.to_owned(),
        state: "Enabled".to_owned(),
        last_result: Some("OK".to_owned()),
        response_types: vec!["ReportBatchItemFailures".to_owned()],
        bisect: true,
        attempts: None,
        max_age_seconds: Some(86_400),
        failure_destination: Some("arn:aws:s3:::failures".to_owned()),
        starting_position: Some("TRIM_HORIZON".to_owned()),
        filters: vec![
            r#"{"data": {"Recordings": {"StorageType": ["KINESIS_VIDEO_STREAM"]}}}"#.to_owned(),
        ],
    }
}

fn retry_mapping() -> Mapping {
    Mapping {
        id: "m2".to_owned(),
        source_arn: QUEUE.to_owned(),
        state: "Enabled".to_owned(),
        response_types: vec!["ReportBatchItemFailures".to_owned()],
        ..Mapping::default()
    }
}

fn bucket() -> Bucket {
    let policy = serde_json::json!({"Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject",
         "Condition": {"StringEquals": {"AWS:SourceArn": DISTRIBUTION}}},
    ]});
    Bucket {
        name: "calls".to_owned(),
        region: Some("eu-west-1".to_owned()),
        versioning: Ok(Some("Enabled".to_owned())),
        encryption: Ok(Some(Encryption {
            algorithm: "AES256".to_owned(),
            key: None,
        })),
        not_blocked: Ok(Vec::new()),
        aborts: Ok(vec![AbortRule {
            prefix: String::new(),
            days: 1,
        }]),
        policy: Ok(Some(policy.to_string())),
    }
}

fn distribution() -> Distribution {
    Distribution {
        arn: DISTRIBUTION.to_owned(),
        domain: "d1.cloudfront.net".to_owned(),
        enabled: true,
        status: "Deployed".to_owned(),
        origins: vec![Origin {
            id: "bucket".to_owned(),
            domain: "calls.s3.eu-west-1.amazonaws.com".to_owned(),
            access_control: Some("OAC1".to_owned()),
            ..Origin::default()
        }],
        behaviours: vec![Behaviour {
            pattern: "*".to_owned(),
            origin: "bucket".to_owned(),
            viewer_protocol: "redirect-to-https".to_owned(),
            signers: vec!["group-1".to_owned()],
        }],
        ..Distribution::default()
    }
}

pub(super) fn instance() -> Instance {
    Instance {
        id: "i1".to_owned(),
        arn: "arn:aws:connect:eu-west-1:111122223333:instance/i1".to_owned(),
        media: Ok(vec![MediaStorage {
            prefix: "callreel-connect-acme".to_owned(),
            retention_hours: 24,
            key: None,
        }]),
        records: Ok(vec![STREAM.to_owned()]),
    }
}

pub(super) fn video_stream(retention_hours: u32) -> VideoStream {
    let name = format!("callreel-connect-acme-contact-{retention_hours}");
    VideoStream {
        arn: format!("arn:aws:kinesisvideo:eu-west-1:111122223333:stream/{name}/1"),
        name,
        retention_hours,
        key: None,
    }
}

pub(super) fn key(state: &str, usage: &str) -> Key {
    Key {
        named: "alias/media".to_owned(),
        used_by: vec!["video streams".to_owned()],
        state: Ok(Some(KeyState {
            arn: "arn:aws:kms:eu-west-1:111122223333:key/media".to_owned(),
            state: state.to_owned(),
            usage: usage.to_owned(),
            manager: "CUSTOMER".to_owned(),
        })),
    }
}

fn alarms() -> Vec<Alarm> {
    [
        ("Callreel", "LostSeconds", ""),
        ("Callreel", "Parked", ""),
        ("Callreel", "Unreadable", ""),
        ("Callreel", "RetentionLeftSeconds", ""),
        (
            "AWS/Lambda",
            "IteratorAge",
            "FunctionName=callreel-recorder",
        ),
        ("AWS/Lambda", "Errors", "FunctionName=callreel-recorder"),
        ("AWS/Lambda", "Throttles", "FunctionName=callreel-recorder"),
        ("AWS/Lambda", "Duration", "FunctionName=callreel-recorder"),
        (
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "QueueName=parked-dead",
        ),
        (
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "QueueName=parked",
        ),
        (
            "AWS/Lambda",
            "PolledEventCount",
            "EventSourceMappingUUID=m1",
        ),
        (
            "AWS/Lambda",
            "PolledEventCount",
            "EventSourceMappingUUID=m2",
        ),
        (
            "AWS/Lambda",
            "OnFailureDestinationDeliveredEventCount",
            "EventSourceMappingUUID=m1",
        ),
        (
            "AWS/Lambda",
            "DroppedEventCount",
            "EventSourceMappingUUID=m1",
        ),
        ("Callreel", "StayedPartial", "Function=callreel-again"),
        ("Callreel", "Withdrawn", "Function=callreel-recorder"),
    ]
    .map(|(namespace, name, dimension)| Alarm {
        name: format!("callreel {name}"),
        state: "OK".to_owned(),
        actions_enabled: true,
        actions: vec!["arn:aws:sns:eu-west-1:111122223333:ops".to_owned()],
        watches: vec![Metric {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: dimension
                .split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
        }],
        ..Alarm::default()
    })
    .into()
}

pub(super) fn function_of(deployment: &mut Deployment) -> &mut Function {
    deployment.function.as_mut().unwrap().as_mut().unwrap()
}

pub(super) fn settings(deployment: &mut Deployment) -> &mut Settings {
    function_of(deployment).settings.as_mut().unwrap()
}

pub(super) fn mapping_of(deployment: &mut Deployment) -> &mut Mapping {
    &mut deployment.mappings.as_mut().unwrap()[0]
}

pub(super) fn bucket_of(deployment: &mut Deployment) -> &mut Bucket {
    deployment.bucket.as_mut().unwrap().as_mut().unwrap()
}

pub(super) fn queue_of(deployment: &mut Deployment) -> &mut Queue {
    deployment.parking_queue.as_mut().unwrap().as_mut().unwrap()
}
