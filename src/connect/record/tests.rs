use super::*;
use crate::json::LOST;
use proptest::prelude::*;
use serde_json::{Value, json};

type Read = Result<ContactRecord, NotAContactRecord>;

#[track_caller]
fn only(data: impl AsRef<[u8]>) -> Read {
    let mut records = read_contact_records(data.as_ref());
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

/// What was read, in words: ids of contacts, and reasons.
fn told(data: &[u8], limits: Limits) -> Vec<String> {
    let records = read_contact_records_within(data, limits).into_iter();
    records
        .map(|record| {
            record.map_or_else(|left_out| left_out.to_string(), |read| read.contact.into())
        })
        .collect()
}

#[test]
fn a_full_record_is_read() {
    let record = only(
        r#"{"ContactId": "c", "InitialContactId": "i", "PreviousContactId": null, "NextContactId": "n", "NewField": [1],
            "InstanceARN": "arn:aws:connect:us-east-1:111122223333:instance/abc", "Channel": "VOICE",
            "InitiationTimestamp": "2025-10-09T08:53:18Z", "Attributes": {"recordingAuth": "3", "n": 3, "x": null},
            "Recordings": [{"StorageType": "KINESIS_VIDEO_STREAM", "Location": "arn", "Status": null,
                "FragmentStartNumber": "10", "FragmentStopNumber": "2x",
                "StartTimestamp": "2025-10-09T08:53:18Z", "StopTimestamp": null}, null]}"#,
    )
    .unwrap();
    assert_eq!(record.instance.as_deref(), Some("abc"));
    assert_eq!(record.next_contact.as_deref(), Some("n"));
    assert_eq!(record.attributes["n"], "3");
    assert_eq!(record.attributes.len(), 2);
    assert_eq!(record.recordings.len(), 1);
    assert_eq!(record.recordings[0].start_fragment, "10".parse().ok());
    assert_eq!(record.recordings[0].bad_number.as_deref(), Some("2x"));
}

#[test]
fn null_empty_and_wrong_types_are_absent() {
    let nothing = Ok(ContactRecord {
        contact: "c".into(),
        ..ContactRecord::default()
    });
    for json in [
        r#"{"ContactId": " c ", "Recordings": null, "Attributes": [], "Channel": 5, "InstanceARN": "", "InitiationTimestamp": "soon"}"#,
        r#"{"ContactId": "c", "Recordings": " ", "Attributes": "", "InitialContactId": "", "InitiationTimestamp": 7}"#,
        r#"{"ContactId": "x", "Recordings": [null], "ContactId": "c"}"#,
    ] {
        assert_eq!(only(json), nothing);
    }
}

#[test]
fn other_shapes_are_told_apart() {
    #[track_caller]
    fn check(json: &str, message: &str) {
        let error = only(json).unwrap_err();
        assert!(matches!(error, NotAContactRecord::OtherShape(_)), "{error}");
        assert_eq!(error.to_string(), format!("no contact record: {message}"));
    }
    check(
        r#"{"AgentARN": "a", "EventType": "LOGIN"}"#,
        "an agent event",
    );
    check(r#"{"ContactId": null}"#, "an object without ContactId");
    check(r#"{"ContactId": " "}"#, "an object without ContactId");
    check("5", "JSON, but no object");
    check("[]", "a list without records");
    check("[[{}]]", "JSON, but no object");
    check(
        r#"[{"EventType": 1}, 2, {}]"#,
        "an agent event (the first of 3)",
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    #[track_caller]
    fn check(data: impl AsRef<[u8]>, message: &str) {
        let error = only(data).unwrap_err();
        assert!(matches!(error, NotAContactRecord::Unreadable(_)), "{error}");
        assert!(error.to_string().starts_with(message), "{error}");
    }
    check("{\"ContactId\": \"c\"", "not JSON: EOF");
    check("", "not JSON: no data");
    check(" \n", "not JSON: no data");
    check("\u{1}", "not JSON: expected value");
    check([0x1f, 0x8b, 8, 0, 0xff], "not JSON: expected value");
    // Ids are never guessed.
    check(r#"{"ContactId": 5}"#, "its ContactId is a number");
    check(r#"{"ContactId": ["c"]}"#, "its ContactId is a list");
    check(
        r#"{"ContactId": "c\ud83d"}"#,
        "its ContactId holds characters that cannot be read",
    );
    check(
        b"{\"ContactId\": \"c\", \"InitialContactId\": \"\xe9\"}",
        "its InitialContactId holds characters",
    );
    check(
        r#"{"ContactId": "c", "NextContactId": {}}"#,
        "its NextContactId is an object",
    );
    check(
        r#"{"ContactId": "c", "Channel": "VO\udc00CE"}"#,
        "its Channel holds characters",
    );
    let long = json!({"ContactId": "c".repeat(257)}).to_string();
    check(long, "its ContactId is longer than 256 characters");
    check(
        r#"{"ContactId": "c", "Recordings": [{"Location": "arn\ud800"}]}"#,
        "its Location holds characters that cannot be read",
    );
    // JSON in a text is what some forwarder made of it.
    check(
        r#"{"ContactId": "c", "Recordings": "[{}]"}"#,
        "its Recordings is a text, not a list",
    );
    check(
        r#"{"ContactId": "c", "Recordings": true}"#,
        "its Recordings is true or false, not a list",
    );
    check(
        r#"{"ContactId": "c", "Attributes": "{}"}"#,
        "its Attributes is a text, not an object",
    );
    check(
        r#"{"ContactId": "c", "Attributes": [{"Key": "k"}]}"#,
        "its Attributes is a list, not an object",
    );
}

#[test]
fn broken_characters_harm_only_the_text_that_they_are_in() {
    let check = |note: &[u8], expected: &str| {
        let data = [
            b"{\"ContactId\": \"c\", \"Attributes\": {\"recordingAuth\": \"3\", \"note\": \"",
            note,
            b"\"}}",
        ]
        .concat();
        let record = only(data).unwrap();
        assert_eq!(
            (&*record.contact, &*record.attributes["recordingAuth"]),
            ("c", "3")
        );
        assert_eq!(record.attributes["note"], expected);
    };
    check(b"caller: \\ud83d", &format!("caller: {LOST}"));
    check(b"\\udc4d ok", &format!("{LOST} ok"));
    check(b"caf\xe9", &format!("caf{LOST}"));
    check(b"two\nlines", "two\nlines");
    assert_eq!(
        &*only("\u{feff}{\"ContactId\": \"c\"}").unwrap().contact,
        "c"
    );
    let utf16: Vec<u8> = "\u{feff}{\"ContactId\": \"c\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(&*only(utf16).unwrap().contact, "c");
}

#[test]
fn numbers_are_taken_as_they_are_written() {
    let check = |number: &str, start: Option<&str>, bad: Option<&str>| {
        let data =
            format!(r#"{{"ContactId": "c", "Recordings": [{{"FragmentStartNumber": {number}}}]}}"#);
        let entry = only(data).unwrap().recordings.remove(0);
        assert_eq!(
            entry.start_fragment,
            start.and_then(|start| start.parse().ok()),
            "{number}"
        );
        assert_eq!(entry.bad_number.as_deref(), bad, "{number}");
    };
    let digits = "91343852333181432392682062665410722306462373336";
    check(digits, Some(digits), None);
    check(&format!("\" {digits} \""), Some(digits), None);
    check("9.134385233318143e46", None, Some("9.134385233318143e46"));
    check("-5", None, Some("-5"));
    check("true", None, Some("true"));
    check("{\"N\": 5}", None, Some("{\"N\": 5}"));
    check("null", None, None);
    check("\"\"", None, None);
    let long = "x".repeat(200);
    check(&format!("\"{long}\""), None, Some(&long[..80]));
}

#[test]
fn recordings_come_as_a_list_or_alone() {
    let entries = |recordings: Value| {
        let data = json!({"ContactId": "c", "Recordings": recordings});
        let entries = only(data.to_string()).unwrap().recordings.into_iter();
        entries
            .map(|entry| {
                entry
                    .odd
                    .unwrap_or(entry.storage.as_deref().unwrap_or("-"))
                    .to_owned()
            })
            .collect::<Vec<_>>()
    };
    let one = || json!({"StorageType": "S3"});
    assert_eq!(entries(json!([one(), {}, null])), ["S3", "-"]);
    assert_eq!(entries(one()), ["S3"]);
    assert_eq!(
        entries(json!([one(), 7, "{}", [one()]])),
        ["S3", "a number", "a text", "a list"]
    );
}

#[test]
fn attributes_that_are_no_text_stand_there_as_json() {
    let record =
        only(r#"{"ContactId": "c", "Attributes": {"a": 3.0, "b": true, "c": [ 1 ], "d": null}}"#);
    let attributes = record.unwrap().attributes.into_iter();
    let attributes: Vec<_> = attributes
        .map(|(name, text)| format!("{name}={text}"))
        .collect();
    assert_eq!(attributes, ["a=3.0", "b=true", "c=[ 1 ]"]);
}

#[test]
fn several_records_in_one_are_all_read() {
    let data = br#"{"ContactId": "a"} [{"ContactId": "b"}, {}] {"ContactId": "c"} oops"#;
    let expected = [
        "a",
        "b",
        "c",
        "no contact record: an object without ContactId",
        "not JSON: expected value at line 1 column 64",
    ];
    assert_eq!(told(data, Limits::NONE), expected);
}

/// Packed by another hand: the packing of `src/event/aggregated.rs` is tested there.
fn packed(data: &[&[u8]]) -> Vec<u8> {
    use md5::{Digest, Md5};
    let length = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap();
        [(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]
    };
    let mut message = b"\x0a\x02pk".to_vec();
    for data in data {
        let record = [&b"\x08\x00\x1a"[..], &length(data), data].concat();
        message.extend([&[0x1a][..], &length(&record), &record].concat());
    }
    [
        &crate::event::aggregated::MAGIC[..],
        &message,
        Md5::digest(&message).as_slice(),
    ]
    .concat()
}

#[test]
fn packed_records_are_read_one_by_one() {
    let (a, b) = (
        &br#"{"ContactId": "a"}"#[..],
        "\u{feff}[{\"ContactId\": \"b\"}]".as_bytes(),
    );
    assert_eq!(told(&packed(&[a, b]), Limits::NONE), ["a", "b"]);
    assert_eq!(
        told(&packed(&[]), Limits::NONE),
        ["no contact record: a packed record without records"]
    );
    // A record that cannot be read costs no other one.
    let nested = packed(&[b]);
    let expected = [
        "a",
        "b",
        "no contact record: an object without ContactId",
        "not JSON: no data (the first of 3)",
    ];
    assert_eq!(
        told(&packed(&[a, b"", b"{}", &nested, b"<x>", b]), Limits::NONE),
        expected
    );
    assert_eq!(
        told(&packed(&[&nested]), Limits::NONE),
        ["a packed record inside of a packed one"]
    );
    let whole = packed(&[a, b]);
    assert_eq!(
        told(&whole[..whole.len() - 3], Limits::NONE),
        [
            "a record packed by the Kinesis Producer Library: its checksum (MD5) does not fit: it is cut off or changed"
        ]
    );
}

#[test]
fn beyond_the_limits_nothing_is_dropped_silently() {
    let limits = Limits {
        contact_records: 2,
        recordings: 3,
    };
    let record = |id: &str, recordings: usize| json!({"ContactId": id, "Recordings": vec![json!({}); recordings]});
    let data = |records: Vec<Value>| json!(records).to_string().into_bytes();
    let check = |records: Vec<Value>, expected: &[&str]| {
        let told = told(&data(records), limits);
        assert_eq!(told.len(), expected.len(), "{told:?}");
        assert!(
            told.iter()
                .zip(expected)
                .all(|(told, expected)| told.starts_with(expected)),
            "{told:?}"
        );
    };
    check(vec![record("a", 1), record("b", 2)], &["a", "b"]);
    check(
        vec![
            record("a", 0),
            record("b", 0),
            record("c", 0),
            record("d", 0),
        ],
        &["a", "b", "more than 2 contact records in one stream record"],
    );
    check(
        vec![record("a", 2), record("b", 2)],
        &["a", "it has 2 recordings, more than are worked at once"],
    );
    let many = data(vec![json!([]); 100_000]);
    assert_eq!(
        told(&many, Limits::OF_AN_INVOCATION),
        ["no contact record: JSON, but no object (the first of 100000)"]
    );
    let many = data(vec![record("x", 0); 1_000]);
    assert_eq!(told(&many, Limits::OF_AN_INVOCATION).len(), 501);
    assert_eq!(told(&many, Limits::NONE).len(), 1_000);
}

/// What can stand in a field.
fn any_field() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!("c")),
        Just(json!(5)),
        Just(json!(1e46)),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"StorageType": "KINESIS_VIDEO_STREAM"}, 7])),
        Just(json!({"FragmentStartNumber": 10, "recordingAuth": 3})),
        Just(json!("\u{fffd}")),
    ]
}

proptest! {
    #[test]
    fn no_data_panics(data in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(!read_contact_records(&data).is_empty());
    }

    /// Whatever the fields are, a record comes out once: read, of another shape, or unreadable.
    #[test]
    fn every_object_comes_out_once(
        fields in prop::collection::btree_map(
            prop::sample::select(vec![
                "ContactId", "InitialContactId", "PreviousContactId", "NextContactId", "InstanceARN", "Channel",
                "InitiationTimestamp", "Attributes", "Recordings",
            ]),
            any_field(),
            0..9,
        ),
    ) {
        let one = json!(fields).to_string();
        prop_assert_eq!(read_contact_records(one.as_bytes()).len(), 1);
        let in_a_list = read_contact_records(format!("[{one}]").as_bytes());
        prop_assert_eq!(in_a_list, read_contact_records(one.as_bytes()));
    }
}
