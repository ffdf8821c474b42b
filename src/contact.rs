//! A contact record (CTR) as it comes, to what a recorder needs of it. Tolerant: nearly
//! every field may be null, unknown ones may appear, and a field of an unexpected type
//! counts as absent rather than losing the record. JSON of other shapes is told apart.
//!
//! Shape: Amazon Connect Administrator Guide, "Contact records data model".

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::fragment::FragmentNumber;
use crate::ticks::EpochMillis;

/// What a contact record says of a call and its recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactRecord {
    /// `ContactId`: this contact, which may be one leg of a call.
    pub contact: Box<str>,
    /// `InitialContactId`: the first leg, whose attributes all legs share.
    pub initial_contact: Option<Box<str>>,
    /// `PreviousContactId`: the leg before this one.
    pub previous_contact: Option<Box<str>>,
    /// The last part of `InstanceARN`.
    pub instance: Option<Box<str>>,
    /// `Channel`: `VOICE`, `CHAT`, `TASK` …
    pub channel: Option<Box<str>>,
    /// `InitiationTimestamp`.
    pub initiated: Option<EpochMillis>,
    /// `Attributes`, of all legs together.
    pub attributes: BTreeMap<String, String>,
    /// `Recordings`, in the record's order.
    pub recordings: Vec<RecordingEntry>,
}

/// One entry of `Recordings`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingEntry {
    /// `StorageType`; `KINESIS_VIDEO_STREAM` is ours to record.
    pub storage: Option<Box<str>>,
    /// `Location`: the stream's ARN.
    pub location: Option<Box<str>>,
    /// `FragmentStartNumber`.
    pub start_fragment: Option<FragmentNumber>,
    /// `FragmentStopNumber`; its fragment belongs to the recording.
    pub stop_fragment: Option<FragmentNumber>,
    /// `StartTimestamp`, in whole seconds.
    pub started: Option<EpochMillis>,
    /// `StopTimestamp`, in whole seconds: the stop fragment can lie behind it.
    pub stopped: Option<EpochMillis>,
    /// A fragment number that is none, as it stands in the record.
    pub bad_number: Option<Box<str>>,
}

/// Why data is no contact record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAContactRecord {
    /// The data is no JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON without a `ContactId`: an agent event, or a stranger.
    #[error("no contact record: {0}")]
    OtherShape(&'static str),
}

/// Reads the contact records in one stream record's data: one as a rule, but several
/// behind each other or in an array are read as well. There is at least one result.
pub fn read_contact_records(data: &[u8]) -> Vec<Result<ContactRecord, NotAContactRecord>> {
    let mut records = Vec::new();
    for value in serde_json::Deserializer::from_slice(data).into_iter::<Value>() {
        match value {
            Ok(Value::Array(items)) => records.extend(items.iter().map(read_contact_record)),
            Ok(value) => records.push(read_contact_record(&value)),
            Err(error) => records.push(Err(NotAContactRecord::NotJson(error.to_string()))),
        }
    }
    if records.is_empty() {
        records.push(Err(match data.trim_ascii() {
            [] => NotAContactRecord::NotJson("no data".to_owned()),
            _ => NotAContactRecord::OtherShape("a list without records"),
        }));
    }
    records
}

fn read_contact_record(value: &Value) -> Result<ContactRecord, NotAContactRecord> {
    let Value::Object(fields) = value else {
        return Err(NotAContactRecord::OtherShape("JSON, but no object"));
    };
    let Some(contact) = text(fields, "ContactId") else {
        return Err(NotAContactRecord::OtherShape(
            if fields.contains_key("AgentARN") || fields.contains_key("EventType") {
                "an agent event"
            } else {
                "an object without ContactId"
            },
        ));
    };
    Ok(ContactRecord {
        contact,
        initial_contact: text(fields, "InitialContactId"),
        previous_contact: text(fields, "PreviousContactId"),
        instance: text(fields, "InstanceARN").and_then(|arn| arn.rsplit('/').next().map(Box::from)),
        channel: text(fields, "Channel"),
        initiated: time(fields, "InitiationTimestamp"),
        attributes: attributes(fields.get("Attributes")),
        recordings: match fields.get("Recordings") {
            Some(Value::Array(entries)) => entries
                .iter()
                .filter_map(Value::as_object)
                .map(recording)
                .collect(),
            _ => Vec::new(),
        },
    })
}

fn recording(fields: &Map<String, Value>) -> RecordingEntry {
    let mut bad_number = None;
    let mut number = |name| {
        let text = text(fields, name)?;
        text.parse().map_err(|_| bad_number = Some(text)).ok()
    };
    let start_fragment = number("FragmentStartNumber");
    let stop_fragment = number("FragmentStopNumber");
    RecordingEntry {
        storage: text(fields, "StorageType"),
        location: text(fields, "Location"),
        start_fragment,
        stop_fragment,
        started: time(fields, "StartTimestamp"),
        stopped: time(fields, "StopTimestamp"),
        bad_number,
    }
}

/// A text field that says something; empty counts as absent.
fn text(fields: &Map<String, Value>, name: &str) -> Option<Box<str>> {
    let text = fields.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.into())
}

fn time(fields: &Map<String, Value>, name: &str) -> Option<EpochMillis> {
    EpochMillis::from_rfc3339(&text(fields, name)?)
}

fn attributes(value: Option<&Value>) -> BTreeMap<String, String> {
    let Some(Value::Object(fields)) = value else {
        return BTreeMap::new();
    };
    fields
        .iter()
        .filter_map(|(name, value)| match value {
            Value::String(text) => Some((name.clone(), text.clone())),
            Value::Number(number) => Some((name.clone(), number.to_string())),
            Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn only(json: &str) -> Result<ContactRecord, NotAContactRecord> {
        let mut records = read_contact_records(json.as_bytes());
        assert_eq!(records.len(), 1);
        records.remove(0)
    }

    #[test]
    fn a_full_record_is_read() {
        let record = only(
            r#"{"ContactId": "c", "InitialContactId": "i", "PreviousContactId": null, "NewField": [1],
                "InstanceARN": "arn:aws:connect:us-east-1:111122223333:instance/abc", "Channel": "VOICE",
                "InitiationTimestamp": "2025-10-09T08:53:18Z", "Attributes": {"recordingAuth": "3", "n": 3, "x": null},
                "Recordings": [{"StorageType": "KINESIS_VIDEO_STREAM", "Location": "arn", "Status": null,
                    "FragmentStartNumber": "10", "FragmentStopNumber": "2x",
                    "StartTimestamp": "2025-10-09T08:53:18Z", "StopTimestamp": null}, null, 7]}"#,
        )
        .unwrap();
        assert_eq!(record.instance.as_deref(), Some("abc"));
        assert_eq!(record.attributes["n"], "3");
        assert_eq!(record.attributes.len(), 2);
        assert_eq!(record.recordings.len(), 1);
        assert_eq!(record.recordings[0].start_fragment, "10".parse().ok());
        assert_eq!(record.recordings[0].bad_number.as_deref(), Some("2x"));
    }

    #[test]
    fn null_and_wrong_types_are_absent() {
        let record = only(
            r#"{"ContactId": "c", "Recordings": null, "Attributes": [], "Channel": 5, "InstanceARN": "", "InitiationTimestamp": "soon"}"#,
        );
        assert_eq!(
            record,
            Ok(ContactRecord {
                contact: "c".into(),
                ..ContactRecord::default()
            })
        );
    }

    #[test]
    fn other_shapes_are_told_apart() {
        #[track_caller]
        fn check(json: &str, message: &str) {
            let error = only(json).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        check(
            r#"{"AgentARN": "a", "EventType": "LOGIN"}"#,
            "no contact record: an agent event",
        );
        check(
            r#"{"ContactId": null}"#,
            "no contact record: an object without ContactId",
        );
        check("5", "no contact record: JSON, but no object");
        check("{\"ContactId\": \"c\"", "not JSON: EOF");
        check("", "not JSON: no data");
        check("[]", "no contact record: a list without records");
        check("\u{1}", "not JSON: expected value");
    }

    #[test]
    fn several_records_in_one_are_all_read() {
        let data = br#"{"ContactId": "a"} [{"ContactId": "b"}, {}] {"ContactId": "c"} oops"#;
        let ids: Vec<_> = read_contact_records(data)
            .into_iter()
            .map(|record| record.map_or("!".into(), |record| record.contact))
            .collect();
        assert_eq!(
            ids,
            [
                "a".into(),
                "b".into(),
                "!".into(),
                "c".into(),
                Box::from("!")
            ]
        );
    }

    proptest! {
        #[test]
        fn no_data_panics(data in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(!read_contact_records(&data).is_empty());
        }
    }
}
