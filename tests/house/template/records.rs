//! The template's event filter against the function's decisions: what is to be recorded is
//! never dropped.

use callreel::event::batch::{self, Origin};
use std::sync::LazyLock;

use callreel::connect::record::read_contact_records;
use callreel::recording::decide::{Decision, decide};
use callreel::recording::plan::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::filter::lets_through;

/// The filters of the mapping of contact records.
static FILTERS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let template = super::template();
    let mapping = &template["Resources"]["ContactRecords"]["Properties"];
    let choice = mapping["FilterCriteria"]["Fn::If"].as_array().unwrap();
    let filters = choice[1]["Filters"].as_array().unwrap().clone();
    assert!((1..=5).contains(&filters.len()), "Lambda takes five");
    filters
});

fn is_recorded(data: &[u8]) -> bool {
    let policy = Policy::new("recordings/", "https://d.example/");
    read_contact_records(data)
        .iter()
        .flatten()
        .flat_map(|record| decide(record, &policy))
        .any(|decision| matches!(decision, Decision::Record(_)))
}

fn entry(storage: Value) -> Value {
    json!({
        "StorageType": storage, "Location": "arn:aws:kinesisvideo:us-east-1:1:stream/s/1",
        "FragmentStartNumber": "10", "FragmentStopNumber": "20",
    })
}

fn record(recordings: Value) -> Value {
    json!({"ContactId": "c", "Channel": "VOICE", "Attributes": {"recordingAuth": "3"}, "Recordings": recordings})
}

#[test]
fn records_of_every_kind() {
    let check = |recordings: Value, passes: bool, recorded: bool| {
        let data = record(recordings).to_string().into_bytes();
        let text = String::from_utf8_lossy(&data).into_owned();
        assert_eq!(lets_through(&FILTERS, &data), passes, "{text}");
        assert_eq!(is_recorded(&data), recorded, "{text}");
    };
    let kvs = || entry(json!("KINESIS_VIDEO_STREAM"));
    check(json!([kvs()]), true, true);
    check(json!([kvs(), kvs()]), true, true);
    // A native recording before it, behind it, or alone.
    check(json!([entry(json!("S3")), kvs()]), true, true);
    check(json!([kvs(), entry(json!("S3"))]), true, true);
    check(json!([entry(json!("S3"))]), true, false);
    // The function trims; the filter does not look.
    check(json!([entry(json!(" KINESIS_VIDEO_STREAM "))]), true, true);
    check(json!([null, 7, {}, kvs()]), true, true);
    // Nothing to record, and dropped.
    for nothing in [
        json!(null),
        json!([]),
        json!({}),
        json!("x"),
        json!([{}]),
        json!([null]),
    ] {
        check(nothing, false, false);
    }
    // Odd, and left to the function.
    check(json!([entry(json!(null))]), true, false);
    check(json!([entry(json!(null)), kvs()]), true, true);
    // A recording that is no list.
    check(kvs(), true, true);
}

/// Either of two patterns is enough, so that a mistake about one operator's meaning loses nothing.
#[test]
fn either_pattern_is_enough_for_what_connect_writes() {
    let recordings = json!([
        null,
        entry(json!("S3")),
        entry(json!("KINESIS_VIDEO_STREAM"))
    ]);
    let data = record(recordings).to_string();
    assert_eq!(FILTERS.len(), 2);
    for filter in FILTERS.iter() {
        assert!(
            lets_through(std::slice::from_ref(filter), data.as_bytes()),
            "{filter}"
        );
    }
}

#[test]
fn agent_events_and_rubbish_are_dropped() {
    for data in [
        &br#"{"AgentARN": "a", "EventType": "LOGIN"}"#[..],
        b"",
        b"not JSON",
        b"5",
        b"null",
    ] {
        assert!(!lets_through(&FILTERS, data) && !is_recorded(data));
    }
}

/// What the function reads, or parks, and a filter drops: so there is none by default, and
/// whoever asks for one is told.
#[test]
fn what_is_not_one_object_needs_the_filter_turned_off() {
    let one = record(json!([entry(json!("KINESIS_VIDEO_STREAM"))]));
    for data in [
        format!("[{one}]"),
        format!("{one}\n{one}"),
        format!("\u{feff}{one}"),
        one.to_string()
            .replacen("\"c\"", "\"c\", \"note\": \"\n\"", 1),
    ] {
        assert!(
            is_recorded(data.as_bytes()) && !lets_through(&FILTERS, data.as_bytes()),
            "{data}"
        );
    }
    let latin_1 = one
        .to_string()
        .replacen("\"c\"", "\"c\", \"note\": \"X\"", 1)
        .into_bytes();
    let latin_1: Vec<_> = latin_1
        .into_iter()
        .map(|byte| if byte == b'X' { 0xe9 } else { byte })
        .collect();
    assert!(is_recorded(&latin_1) && !lets_through(&FILTERS, &latin_1));
    assert_eq!(
        super::template()["Parameters"]["FilterRecords"]["Default"],
        "false"
    );
    for told in ["template.yaml", "docs/deploy.md"] {
        assert!(super::read(told).contains("FilterRecords"), "{told}");
    }
}

#[test]
fn the_records_of_events_reach_the_function() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let (mut recorded, mut dropped) = (0, 0);
    for file in std::fs::read_dir(folder).unwrap() {
        let event = std::fs::read(file.unwrap().path()).unwrap();
        // Queue events have no filter.
        let Ok((Origin::Kinesis, records)) = batch::read_event(&event) else {
            continue;
        };
        for data in records
            .iter()
            .filter_map(|record| record.data.as_ref().ok())
        {
            let passes = lets_through(&FILTERS, data);
            let one = serde_json::from_slice::<Value>(data).is_ok_and(|data| data.is_object());
            assert!(
                passes || !one || !is_recorded(data),
                "{}",
                String::from_utf8_lossy(data)
            );
            recorded += usize::from(is_recorded(data));
            dropped += usize::from(!passes);
        }
    }
    assert!(recorded >= 2 && dropped >= 1, "{recorded} {dropped}");
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!("KINESIS_VIDEO_STREAM")),
        Just(json!("\tKINESIS_VIDEO_STREAM ")),
        Just(json!("S3")),
        Just(json!("")),
        Just(json!(7)),
        Just(json!([])),
        Just(json!({})),
    ]
}

fn any_entry() -> impl Strategy<Value = Value> {
    prop_oneof![
        any_value(),
        any_value().prop_map(entry),
        any_value().prop_map(|storage| json!({"StorageType": storage})),
        any_value().prop_map(|other| json!({"Location": other})),
    ]
}

proptest! {
    #[test]
    fn what_is_recorded_always_passes(
        entries in prop::collection::vec(any_entry(), 0..4),
        auth in prop_oneof![Just("1"), Just("3"), Just("0")],
        channel in prop_oneof![Just("VOICE"), Just(" VOICE"), Just("CHAT")],
    ) {
        let mut record = record(entries.into());
        record["Attributes"]["recordingAuth"] = json!(auth);
        record["Channel"] = json!(channel);
        let data = record.to_string().into_bytes();
        prop_assert!(lets_through(&FILTERS, &data) || !is_recorded(&data), "{record}");
    }
}
