//! A batch of stream records as Lambda hands it over, and what goes back: the sequence
//! numbers of the records to deliver again. Each record is read by itself, so that one
//! that cannot be decoded never fails the others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::failure::Action;
use crate::ticks::EpochMillis;

/// One record of a Kinesis event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    /// Its place in the shard; absent only in hand-made events.
    pub sequence_number: Option<String>,
    /// When it came to the stream, as far as the event tells.
    pub arrived: Option<EpochMillis>,
    /// The decoded data, or why there is none.
    pub data: Result<Vec<u8>, String>,
}

/// Why a text is no Kinesis event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotABatch {
    /// It is no JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but not of a Kinesis event's shape.
    #[error("not a Kinesis event: {0}")]
    OtherShape(&'static str),
}

/// Reads a Kinesis event: `{"Records": [{"kinesis": {"sequenceNumber", "data"}}]}`.
pub fn read_batch(event: &[u8]) -> Result<Vec<BatchRecord>, NotABatch> {
    let event: Value =
        serde_json::from_slice(event).map_err(|error| NotABatch::NotJson(error.to_string()))?;
    read_batch_value(&event)
}

/// The same for an event that is JSON already.
pub fn read_batch_value(event: &Value) -> Result<Vec<BatchRecord>, NotABatch> {
    match event.get("Records") {
        Some(Value::Array(records)) => Ok(records.iter().map(read_record).collect()),
        Some(_) => Err(NotABatch::OtherShape("Records is no list")),
        None if event.get("ContactId").is_some() => Err(NotABatch::OtherShape(
            "it is a bare contact record, which belongs, in base64, at Records[0].kinesis.data",
        )),
        None => Err(NotABatch::OtherShape("it has no Records")),
    }
}

fn read_record(record: &Value) -> BatchRecord {
    let kinesis = record.get("kinesis");
    let text = |name| {
        kinesis
            .and_then(|kinesis| kinesis.get(name))
            .and_then(Value::as_str)
    };
    BatchRecord {
        sequence_number: text("sequenceNumber").map(str::to_owned),
        arrived: kinesis
            .and_then(|kinesis| kinesis.get("approximateArrivalTimestamp")?.as_f64())
            .map(|seconds| EpochMillis((seconds * 1_000.0) as i64)),
        data: match text("data") {
            Some(data) => STANDARD
                .decode(data.trim())
                .map_err(|error| format!("data is not base64: {error}")),
            None => Err("no kinesis.data".to_owned()),
        },
    }
}

/// The sequence numbers to hand back: those of records that a retry can help. A record
/// that nothing can help must not stand in the way of the shard.
pub fn to_hand_back<'a>(
    outcomes: impl IntoIterator<Item = (&'a BatchRecord, Option<Action>)>,
) -> Vec<String> {
    let mut handed_back: Vec<String> = Vec::new();
    for (record, action) in outcomes {
        if let (Some(number), Some(Action::Retry)) = (&record.sequence_number, action)
            && !handed_back.contains(number)
        {
            handed_back.push(number.clone());
        }
    }
    handed_back
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_read_by_itself() {
        let event = br#"{"Records": [{"kinesis": {"sequenceNumber": "1", "data": "aGk="}},
            {"kinesis": {"sequenceNumber": "2", "data": "%%"}}, {"kinesis": {"sequenceNumber": "3"}}, 5]}"#;
        let records = read_batch(event).unwrap();
        assert_eq!(records[0].data.as_deref(), Ok(&b"hi"[..]));
        assert!(
            records[1]
                .data
                .as_ref()
                .is_err_and(|error| error.starts_with("data is not base64"))
        );
        assert_eq!(
            records[2],
            BatchRecord {
                sequence_number: Some("3".into()),
                arrived: None,
                data: Err("no kinesis.data".into())
            }
        );
        assert_eq!(records.len(), 4);
    }

    #[test]
    fn other_shapes_say_what_they_are() {
        #[track_caller]
        fn check(event: &str, message: &str) {
            let error = read_batch(event.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        check("", "not JSON");
        check("[]", "not a Kinesis event: it has no Records");
        check(
            r#"{"Records": {}}"#,
            "not a Kinesis event: Records is no list",
        );
        check(
            r#"{"ContactId": "c"}"#,
            "not a Kinesis event: it is a bare contact record",
        );
    }

    #[test]
    fn only_what_a_retry_can_help_goes_back_and_once() {
        let record = |number: &str| BatchRecord {
            sequence_number: Some(number.into()),
            arrived: None,
            data: Ok(Vec::new()),
        };
        let (one, two, three) = (record("1"), record("2"), record("3"));
        let outcomes = [
            (&one, Some(Action::Retry)),
            (&two, Some(Action::Park)),
            (&three, None),
            (&one, Some(Action::Retry)),
        ];
        assert_eq!(to_hand_back(outcomes), ["1"]);
    }
}
