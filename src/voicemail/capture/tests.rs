use super::*;
use crate::connect::record::read_contact_records;
use serde_json::{Value, json};

fn defaults() -> Defaults {
    Defaults {
        prefix: String::new(),
        language: "en-US".into(),
        mode: Mode::GuidedTask,
        queue_arn: None,
        summary: false,
        instances: Vec::new(),
        ivr_bucket: None,
    }
}

/// A contact record of a flagged contact with these fields on top.
fn record(change: Value) -> ContactRecord {
    let mut record = json!({
        "ContactId": "c-1", "InitialContactId": "c-0", "PreviousContactId": "c-0", "Channel": "VOICE",
        "InstanceARN": "arn:aws:connect:r:1:instance/i-1", "Agent": null, "Queue": null,
        "InitiationTimestamp": "2025-01-31T23:58:00Z", "DisconnectTimestamp": "2025-02-01T00:01:09Z",
        "CustomerEndpoint": {"Address": "+15550100123", "Type": "TELEPHONE_NUMBER"},
        "Attributes": {
            "vmx3_flag": "1", "vmx3_from": "+15550100999", "vmx3_lang": "ja-JP", "vmx3_mode": "task",
            "vmx3_queue_arn": "arn:aws:connect:r:1:instance/i-1/queue/q-1",
        },
        "Recordings": [entry("7", "stream/a/1")],
    });
    let change = change.as_object().unwrap().clone();
    for (name, value) in change {
        match value {
            Value::Object(fields) if record[&name].is_object() => {
                record[&name].as_object_mut().unwrap().extend(fields);
            }
            value => record[name] = value,
        }
    }
    let mut read = read_contact_records(record.to_string().as_bytes());
    read.remove(0).unwrap()
}

fn entry(start: &str, stream: &str) -> Value {
    json!({
        "StorageType": "KINESIS_VIDEO_STREAM", "MediaStreamType": "AUDIO", "ParticipantType": "CUSTOMER",
        "Location": format!("arn:aws:kinesisvideo:r:1:{stream}"),
        "FragmentStartNumber": start, "FragmentStopNumber": "99",
        "StartTimestamp": format!("2025-02-01T00:00:{start:0>2}Z"), "StopTimestamp": "2025-02-01T00:01:09Z",
    })
}

#[track_caller]
fn skipped(change: Value, expected: &str) {
    match decide(&record(change), &defaults()) {
        Decision::Skip(reason) => assert_eq!(reason.to_string(), expected),
        Decision::Capture(voicemail) => panic!("{voicemail:?}"),
    }
}

#[track_caller]
fn captured(change: Value) -> Box<Voicemail> {
    match decide(&record(change), &defaults()) {
        Decision::Capture(voicemail) => voicemail,
        Decision::Skip(reason) => panic!("{reason}"),
    }
}

fn tag(voicemail: &Voicemail, name: &str) -> Option<String> {
    let mut tags = voicemail.tags.iter();
    tags.find(|(known, _)| known == name)
        .map(|(_, value)| value.clone())
}

#[test]
fn only_a_flagged_contact_without_an_agent_left_a_message() {
    for flag in [
        json!("0"),
        json!(""),
        json!(null),
        json!("true"),
        json!("11"),
    ] {
        skipped(
            json!({"Attributes": {"vmx3_flag": flag}}),
            "vmx3_flag is not 1",
        );
    }
    skipped(json!({"Attributes": null}), "vmx3_flag is not 1");
    skipped(
        json!({"Agent": {"Username": "jo"}}),
        "an agent took the call",
    );
    let none = "flagged, but no recording in a Kinesis video stream so far: a later copy of the contact record can name one";
    let on_s3 = json!({"StorageType": "S3", "Location": "b/k", "ParticipantType": "IVR"});
    for recordings in [json!(null), json!([]), json!([on_s3])] {
        skipped(json!({"Recordings": recordings}), none);
    }
}

#[test]
fn a_message_is_what_the_customer_says_on_its_stream() {
    let on_s3 = json!({"StorageType": "S3", "Location": "b/k"});
    let voicemail = captured(
        json!({"Recordings": [on_s3, entry("9", "stream/a/1"), entry("7", "stream/a/1")]}),
    );
    let plan = voicemail.plan.as_ref().unwrap();
    assert_eq!(
        plan.keys.wav(crate::media::wav::Output::From),
        "2025/02/01/c-1.wav"
    );
    assert_eq!(plan.authorisation, Authorisation::FromCustomer);
    assert_eq!(plan.claim.range.start, "7".parse().ok());
    assert_eq!(plan.claim.range.stop, "99".parse().ok());
    assert_eq!(plan.claim.contacts, ["c-1", "c-0"].map(Box::<str>::from));
    assert_eq!(&*plan.initial_contact, "c-0");
    assert_eq!(voicemail.elsewhere, 0);
    let voicemail =
        captured(json!({"Recordings": [entry("7", "stream/a/1"), entry("8", "stream/b/1")]}));
    assert_eq!(
        &*voicemail.plan.unwrap().stream,
        "arn:aws:kinesisvideo:r:1:stream/b/1"
    );
    assert_eq!(voicemail.elsewhere, 1);
}

#[test]
fn tags_say_what_the_steps_behind_need() {
    let voicemail = captured(json!({"Attributes": {"vmx3_target": "queue"}}));
    let expected = [
        ("vmx3_lang", "ja-JP"),
        (
            "vmx3_queue_arn",
            "arn:aws:connect:r:1:instance/i-1/queue/q-1",
        ),
        ("vmx3_contact_id", "c-1"),
        ("vmx3_initial_contact_id", "c-0"),
        ("vmx3_received", "2025-02-01T00:00:07.000Z"),
        ("vmx3_mode", "task"),
        ("vmx3_target", "queue"),
        ("vmx3_do_genai_summary", "false"),
        ("vmx3_from", "+15550100999"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(voicemail.tags, expected);
    assert!(voicemail.tags.len() <= crate::voicemail::place::MAX_TAGS);
    assert_eq!(voicemail.plan.unwrap().tags, expected);
}

#[test]
fn what_a_flow_does_not_say_has_a_default() {
    #[track_caller]
    fn check(change: Value, name: &str, value: Option<&str>, oddities: usize) {
        let voicemail = captured(change);
        assert_eq!(tag(&voicemail, name).as_deref(), value);
        assert_eq!(
            voicemail.oddities.len(),
            oddities,
            "{:?}",
            voicemail.oddities
        );
    }
    for (value, oddities) in [(json!(null), 0), (json!(""), 0), (json!("klingon"), 1)] {
        let set = |name: &str| json!({"Attributes": {name: value}});
        check(set("vmx3_lang"), "vmx3_lang", Some("en-US"), oddities);
        check(set("vmx3_mode"), "vmx3_mode", Some("guided_task"), oddities);
        check(set("vmx3_queue_arn"), "vmx3_queue_arn", None, oddities);
    }
    check(
        json!({"Attributes": {"vmx3_from": ""}}),
        "vmx3_from",
        Some("+15550100123"),
        0,
    );
    check(
        json!({"Attributes": {"vmx3_from": ""}, "CustomerEndpoint": null}),
        "vmx3_from",
        Some("unknown"),
        0,
    );
    let queue = "arn:aws:connect:r:1:instance/i-1/queue/q-2";
    let of_record =
        json!({"Attributes": {"vmx3_queue_arn": "q-1"}, "Queue": {"ARN": queue, "Name": "Sales"}});
    check(of_record, "vmx3_queue_arn", Some(queue), 1);
    check(
        json!({"Attributes": {"vmx3_do_genai_summary": "TRUE"}}),
        "vmx3_do_genai_summary",
        Some("true"),
        0,
    );
    let initial = captured(json!({"InitialContactId": null}));
    assert_eq!(
        tag(&initial, "vmx3_initial_contact_id").as_deref(),
        Some("c-1")
    );
}

#[test]
fn a_message_whose_audio_cannot_be_told_is_one_all_the_same() {
    let mut bad = entry("7", "stream/a/1");
    bad["FragmentStartNumber"] = json!("9.13e46");
    let plan = |recordings: Value| {
        captured(json!({"Recordings": recordings}))
            .plan
            .unwrap_err()
    };
    assert_eq!(plan(json!([bad])), "fragment number \"9.13e46\" is none");
    let nowhere = json!({"StorageType": "KINESIS_VIDEO_STREAM"});
    assert_eq!(
        plan(json!([nowhere])),
        "no entry of Recordings has a Location"
    );
}

#[test]
fn other_instances_are_not_served() {
    let defaults = Defaults {
        instances: vec!["i-2".into()],
        ..defaults()
    };
    let decision = decide(&record(json!({})), &defaults);
    let instance = "i-1".into();
    assert_eq!(
        decision,
        Decision::Skip(SkipReason::OtherInstance { instance })
    );
}

#[test]
fn a_message_can_be_within_the_recording_of_the_automated_interaction() {
    let ivr = json!({
        "StorageType": "S3", "ParticipantType": "IVR", "MediaStreamType": "AUDIO",
        "Location": "connect-recordings/ivr/2025/c-1.wav",
        "StartTimestamp": "2025-02-01T00:00:00Z",
    });
    let change =
        json!({"Recordings": [ivr], "Attributes": {"vmx3_timestamp": "2025-02-01T00:00:07Z"}});
    skipped(
        change.clone(),
        "flagged, but no recording in a Kinesis video stream so far: a later copy of the contact record can name one",
    );
    let defaults = |bucket: &str| Defaults {
        ivr_bucket: Some(bucket.into()),
        ..defaults()
    };
    let Decision::Capture(voicemail) =
        decide(&record(change.clone()), &defaults("connect-recordings"))
    else {
        panic!("{change}");
    };
    let found = voicemail.ivr.unwrap();
    assert_eq!(
        (&*found.key, found.skip_millis),
        ("ivr/2025/c-1.wav", Some(7_000))
    );
    assert_eq!(voicemail.place.recording(), "2025/02/01/c-1.wav");
    assert!(voicemail.oddities.is_empty());
    // A bucket that is not set is not read, whatever a record says.
    let other = decide(&record(change), &defaults("another"));
    assert_eq!(other, Decision::Skip(SkipReason::NoKvsRecording));
    // What was streamed comes first.
    let both = json!({"Recordings": [ivr, entry("7", "stream/a/1")]});
    let Decision::Capture(voicemail) = decide(&record(both), &defaults("connect-recordings"))
    else {
        panic!("both");
    };
    assert!(voicemail.ivr.is_none() && voicemail.plan.is_ok());
}
