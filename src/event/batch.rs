//! A batch of records as Lambda hands it over, from the data stream or from the queue of
//! parked ones, and what goes back: the ids of the records to deliver again. Each record is
//! read by itself, so that one that cannot be decoded never fails the others.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::failure::Action;
use crate::failure::parked::Parked;
use crate::json;
use crate::media::counts::whole;
use crate::media::sides::Consent;
use crate::media::ticks::EpochMillis;

/// How long a record's own word on consent is believed after it came to the stream.
const FRESH_MILLIS: i64 = 60_000;

/// Where a batch came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The data stream: contact records.
    Kinesis,
    /// The queue: parked records.
    Sqs,
}

impl Origin {
    /// Whether a record that still needs this goes back as it came, where there is no queue
    /// to park it in. A parked record that fails again stays in its queue, whose redrive
    /// policy counts the tries.
    pub const fn hands_back(self, action: Action) -> bool {
        match (action, self) {
            (Action::Retry | Action::RetryLater, _) | (Action::Park, Self::Sqs) => true,
            (Action::Park, Self::Kinesis) => false,
        }
    }
}

/// One record of a Kinesis event, or one message of an SQS event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    /// What Lambda names it by (`itemIdentifier`): its place in the shard, or the message's
    /// id. Absent only in hand-made events.
    pub item_id: Option<String>,
    /// When it came to the stream, as far as the event tells.
    pub arrived: Option<EpochMillis>,
    /// The decoded data, or why there is none.
    pub data: Result<Vec<u8>, Undecodable>,
}

impl BatchRecord {
    /// Whose word its consent is: its own just after it came to the stream; the contact's
    /// attributes' when it waited, or when nobody can tell.
    pub fn consent(&self, origin: Origin, now: EpochMillis) -> Consent {
        let is_fresh = |arrived: EpochMillis| now.0.saturating_sub(arrived.0) <= FRESH_MILLIS;
        match origin {
            Origin::Kinesis if self.arrived.is_some_and(is_fresh) => Consent::AsRead,
            Origin::Kinesis | Origin::Sqs => Consent::AskFirst,
        }
    }

    /// Its bytes as they came, to keep them: the data or what stands in its place.
    pub fn bytes(&self) -> &[u8] {
        match &self.data {
            Ok(data) => data,
            Err(undecodable) => &undecodable.instead,
        }
    }

    /// How long ago it came to the stream; `None` when the event does not tell, or it is
    /// yet to come.
    pub fn age(&self, now: EpochMillis) -> Option<Duration> {
        let age = now.0.checked_sub(self.arrived?.0)?;
        u64::try_from(age).ok().map(Duration::from_millis)
    }
}

/// Data that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Undecodable {
    /// Why.
    pub cause: String,
    /// What stands where the data should be: text that is no base64, a message's body, or the
    /// whole record where it has neither.
    pub instead: Vec<u8>,
}

/// Why a text is no event that is worked here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotABatch {
    /// It is no JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but not of such an event's shape.
    #[error("not a Kinesis or SQS event: {0}")]
    OtherShape(&'static str),
}

/// Reads a Kinesis or SQS event from its JSON text; [`json`] says what is put right in it.
pub fn read_event(event: &[u8]) -> Result<(Origin, Vec<BatchRecord>), NotABatch> {
    let event = json::read(event).map_err(|error| NotABatch::NotJson(error.to_string()))?;
    read_event_value(&event)
}

/// The same for an event that is JSON already. Its first record's `eventSource` tells SQS
/// from Kinesis: Lambda never mixes them.
pub fn read_event_value(event: &Value) -> Result<(Origin, Vec<BatchRecord>), NotABatch> {
    let records = event.get("Records").and_then(Value::as_array);
    let from_sqs =
        |record: &Value| record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs");
    match records {
        Some(records) if records.first().is_some_and(from_sqs) => {
            Ok((Origin::Sqs, records.iter().map(read_message).collect()))
        }
        Some(records) => Ok((Origin::Kinesis, records.iter().map(read_record).collect())),
        None => Err(NotABatch::OtherShape(without_records(event))),
    }
}

/// What is wrong with JSON that has no list of records.
fn without_records(event: &Value) -> &'static str {
    match event.get("Records") {
        Some(_) => "Records is no list",
        None if event.get("ContactId").is_some() => {
            "it is a bare contact record, which belongs, in base64, at Records[0].kinesis.data"
        }
        None => "it has no Records",
    }
}

/// A stream record: `{"kinesis": {"sequenceNumber", "approximateArrivalTimestamp", "data"}}`.
fn read_record(record: &Value) -> BatchRecord {
    let kinesis = record.get("kinesis");
    let text = |name| {
        kinesis
            .and_then(|kinesis| kinesis.get(name))
            .and_then(Value::as_str)
    };
    BatchRecord {
        item_id: text("sequenceNumber").map(str::to_owned),
        arrived: kinesis
            .and_then(|kinesis| kinesis.get("approximateArrivalTimestamp")?.as_f64())
            .map(|seconds| EpochMillis(whole(seconds * 1_000.0))),
        data: match text("data") {
            Some(data) => STANDARD.decode(data.trim()).map_err(|error| Undecodable {
                cause: format!("data is not base64: {error}"),
                instead: data.into(),
            }),
            None => Err(Undecodable {
                cause: "no kinesis.data".to_owned(),
                instead: record.to_string().into_bytes(),
            }),
        },
    }
}

/// An SQS message, `{"messageId", "body"}`: its body is a parked record; a bare contact
/// record, put there by hand, is read too.
fn read_message(message: &Value) -> BatchRecord {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let data = match text("body") {
        None => Err(Undecodable {
            cause: "the message has no body".to_owned(),
            instead: message.to_string().into_bytes(),
        }),
        Some(body) => match Parked::from_json(body) {
            Ok(parked) => Ok(parked.data),
            Err(_) if body.contains("\"ContactId\"") => Ok(body.into()),
            Err(error) => Err(Undecodable {
                cause: error.to_string(),
                instead: body.into(),
            }),
        },
    };
    BatchRecord {
        item_id: text("messageId").map(str::to_owned),
        arrived: None,
        data,
    }
}

/// The ids to hand back: those of records that another delivery can help. A record that
/// nothing can help must not stand in the way of the shard.
pub fn to_hand_back<'a>(
    origin: Origin,
    outcomes: impl IntoIterator<Item = (&'a BatchRecord, Option<Action>)>,
) -> Vec<String> {
    let mut handed_back: Vec<String> = Vec::new();
    for (record, action) in outcomes {
        if let (Some(number), Some(action)) = (&record.item_id, action)
            && origin.hands_back(action)
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
        let (_, records) = read_event(event).unwrap();
        assert_eq!(records[0].data.as_deref(), Ok(&b"hi"[..]));
        assert!(
            records[1]
                .data
                .as_ref()
                .is_err_and(|error| error.cause.starts_with("data is not base64"))
        );
        assert_eq!(
            records[2],
            BatchRecord {
                item_id: Some("3".into()),
                arrived: None,
                data: Err(Undecodable {
                    cause: "no kinesis.data".into(),
                    instead: b"{\"kinesis\":{\"sequenceNumber\":\"3\"}}".into(),
                })
            }
        );
        assert_eq!(records.len(), 4);
    }

    #[test]
    fn other_shapes_say_what_they_are() {
        #[track_caller]
        fn check(event: &str, message: &str) {
            let error = read_event(event.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        check("", "not JSON");
        check("[]", "not a Kinesis or SQS event: it has no Records");
        check(
            r#"{"Records": {}}"#,
            "not a Kinesis or SQS event: Records is no list",
        );
        check(
            r#"{"ContactId": "c"}"#,
            "not a Kinesis or SQS event: it is a bare contact record",
        );
    }

    #[test]
    fn only_a_fresh_record_speaks_for_the_contact() {
        #[track_caller]
        fn check(origin: Origin, arrived: Option<i64>, expected: Consent) {
            let record = BatchRecord {
                item_id: None,
                arrived: arrived.map(EpochMillis),
                data: Ok(Vec::new()),
            };
            assert_eq!(record.consent(origin, EpochMillis(100_000)), expected);
        }
        check(Origin::Kinesis, Some(100_000), Consent::AsRead);
        check(Origin::Kinesis, Some(40_000), Consent::AsRead);
        check(Origin::Kinesis, Some(39_999), Consent::AskFirst);
        // A clock that is ahead of ours.
        check(Origin::Kinesis, Some(101_000), Consent::AsRead);
        check(Origin::Kinesis, None, Consent::AskFirst);
        check(Origin::Sqs, Some(100_000), Consent::AskFirst);
    }

    #[test]
    fn only_what_a_retry_can_help_goes_back_and_once() {
        let record = |number: &str| BatchRecord {
            item_id: Some(number.into()),
            arrived: None,
            data: Ok(Vec::new()),
        };
        let (one, two, three, four) = (record("1"), record("2"), record("3"), record("4"));
        let outcomes = [
            (&one, Some(Action::Retry)),
            (&two, Some(Action::Park)),
            (&three, None),
            (&four, Some(Action::RetryLater)),
            (&one, Some(Action::Retry)),
        ];
        assert_eq!(to_hand_back(Origin::Kinesis, outcomes), ["1", "4"]);
        assert_eq!(to_hand_back(Origin::Sqs, outcomes), ["1", "2", "4"]);
    }

    #[test]
    fn messages_are_told_from_stream_records() {
        let event = br#"{"Records": [
            {"eventSource": "aws:sqs", "messageId": "m1", "body": "{\"schema\": \"callreel.parked/1\", \"data\": \"aGk=\"}"},
            {"eventSource": "aws:sqs", "messageId": "m2", "body": "{\"ContactId\": \"c\"}"},
            {"eventSource": "aws:sqs", "messageId": "m3", "body": "hello"},
            {"eventSource": "aws:sqs", "messageId": "m4"}, {}]}"#;
        let (origin, records) = read_event(event).unwrap();
        assert_eq!(origin, Origin::Sqs);
        let ids: Vec<_> = records
            .iter()
            .map(|record| record.item_id.as_deref())
            .collect();
        assert_eq!(ids, [Some("m1"), Some("m2"), Some("m3"), Some("m4"), None]);
        assert_eq!(records[0].data.as_deref(), Ok(&b"hi"[..]));
        assert_eq!(
            records[1].data.as_deref(),
            Ok(&b"{\"ContactId\": \"c\"}"[..])
        );
        for (record, cause) in records[2..].iter().zip([
            "not a parked record",
            "the message has no body",
            "the message has no body",
        ]) {
            let error = record.data.as_ref().unwrap_err().to_string();
            assert!(error.starts_with(cause), "{error}");
        }
        let stream =
            br#"{"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "aGk="}}]}"#;
        assert_eq!(read_event(stream).unwrap().0, Origin::Kinesis);
        assert_eq!(
            read_event(br#"{"Records": []}"#),
            Ok((Origin::Kinesis, Vec::new()))
        );
        assert!(read_event(b"[]").is_err());
    }
}
