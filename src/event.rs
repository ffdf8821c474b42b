//! What Lambda hands over: which kind of event it is, by what stands around the data, and a
//! batch's records and which of them go back. What the data says is read by who knows it
//! (`connect`).
//!
//! Tolerant as these are: names in any case, an event or its `detail` as a text of JSON, an
//! event inside of the record that Lambda makes of a failed call (`requestPayload`). What
//! fits nothing is an error that names what came.
//!
//! Shapes: Amazon EventBridge User Guide, "Event structure"; Amazon S3 User Guide,
//! "EventBridge event message structure"; EventBridge Scheduler writes `detail` as a text.

pub mod aggregated;
pub mod batch;

use serde_json::value::RawValue;

use crate::event::batch::{BatchRecord, NotABatch, Origin};
use crate::json::object::{NotAnObject, Object, kind};
use crate::media::ticks::EpochMillis;

/// Characters of a foreign word that an error shows.
const MAX_TOLD: usize = 60;

/// An event, by its kind.
#[derive(Clone, Debug)]
pub enum Event {
    /// Records of a data stream or a queue.
    Records(Origin, Vec<BatchRecord>),
    /// A contact flow's call: its `ContactData`.
    FlowCall(Object),
    /// EventBridge: something happened to a contact.
    ContactEvent(Notice),
    /// EventBridge: an object was stored.
    ObjectCreated(ObjectCreated),
    /// EventBridge: a transcription job ended.
    TranscriptionJob(Notice),
    /// EventBridge: it is time to look.
    Schedule(Option<EpochMillis>),
    /// A call by hand for one contact: `{"contact": "<id>"}`.
    Direct(Box<str>),
}

/// An event of EventBridge's.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// `id`, the same when the event is delivered again.
    pub id: Option<Box<str>>,
    /// `time`, in whole seconds.
    pub time: Option<EpochMillis>,
    /// `resources`: ARNs.
    pub resources: Vec<Box<str>>,
    /// `detail`.
    pub detail: Object,
}

/// An object that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket.
    pub bucket: Box<str>,
    /// The key, as it is: EventBridge's events do not encode it.
    pub key: Box<str>,
    /// When, in whole seconds.
    pub time: Option<EpochMillis>,
}

/// Why a payload is no event that is worked here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEvent {
    /// It is no JSON.
    #[error("the event is not JSON: {0}")]
    NotJson(String),
    /// It is something that nobody here works on.
    #[error("no event that Callreel works on: {0}")]
    Unknown(String),
}

impl From<NotAnObject> for NotAnEvent {
    fn from(error: NotAnObject) -> Self {
        match error {
            NotAnObject::NotJson(cause) => Self::NotJson(cause),
            NotAnObject::Other(kind) => Self::Unknown(kind.to_owned()),
        }
    }
}

/// Reads an event from its JSON text.
pub fn read(payload: &[u8]) -> Result<Event, NotAnEvent> {
    let event = Object::read(payload)?;
    match event.value("requestPayload") {
        Some(inner) => read_object(&Object::read(inner.get().as_bytes())?, inner.get()),
        None => read_object(&event, &crate::json::mend(payload)),
    }
}

fn read_object(event: &Object, text: &str) -> Result<Event, NotAnEvent> {
    if event.has("Records") {
        return read_records(event, text);
    }
    let called = event.object("Details").unwrap_or_else(|| event.clone());
    if let Some(contact_data) = called.object("ContactData") {
        return Ok(Event::FlowCall(contact_data));
    }
    if event.has("detail-type") || event.has("detail") {
        return read_notice(event);
    }
    // A rule that hands on the detail alone.
    if event.has("eventType") && event.has("contactId") {
        return Ok(Event::ContactEvent(Notice {
            detail: event.clone(),
            ..Notice::default()
        }));
    }
    if event.has("ContactId") {
        return Err(unknown(
            "a bare contact record, which belongs, in base64, at Records[0].kinesis.data",
        ));
    }
    match event.id("contact").map_err(|cause| unknown(&cause))? {
        Some(contact) => Ok(Event::Direct(contact)),
        None => Err(unknown(&format!("an object of {}", event.names()))),
    }
}

fn read_records(event: &Object, text: &str) -> Result<Event, NotAnEvent> {
    let first = event.list("Records").into_iter().next();
    let source = first
        .and_then(|first| Object::of(&first))
        .and_then(|first| first.text("eventSource"));
    match source.as_deref() {
        None | Some("aws:kinesis" | "aws:sqs") => {}
        Some("aws:s3") => {
            return Err(unknown(
                "a bucket's own notification: let the bucket send its events to EventBridge",
            ));
        }
        Some(other) => return Err(unknown(&format!("records of {}", told(other)))),
    }
    match batch::read_event(text.as_bytes()) {
        Ok((origin, records)) => Ok(Event::Records(origin, records)),
        Err(NotABatch::NotJson(cause)) => Err(NotAnEvent::NotJson(cause)),
        Err(NotABatch::OtherShape(what)) => Err(unknown(what)),
    }
}

fn read_notice(event: &Object) -> Result<Event, NotAnEvent> {
    let detail_type = event.text("detail-type").unwrap_or_default();
    let source = event.text("source").unwrap_or_default();
    let small = |text: &str| text.to_ascii_lowercase();
    match (small(&source).as_str(), small(&detail_type).as_str()) {
        (_, "amazon connect contact event") | ("aws.connect", "") => {
            notice(event).map(Event::ContactEvent)
        }
        (_, "transcribe job state change") => notice(event).map(Event::TranscriptionJob),
        (_, "object created") => object_created(&notice(event)?).map(Event::ObjectCreated),
        (_, "scheduled event") => Ok(Event::Schedule(event.time("time"))),
        _ => {
            let source = match source.is_empty() {
                true => "without a source".to_owned(),
                false => format!("of {}", told(&source)),
            };
            let what = format!("EventBridge's {} {source}", told(&detail_type));
            Err(unknown(&what))
        }
    }
}

fn notice(event: &Object) -> Result<Notice, NotAnEvent> {
    let text = |value: Box<RawValue>| serde_json::from_str::<Box<str>>(value.get()).ok();
    let detail = event.object("detail").ok_or_else(|| {
        let is = event.value("detail").map_or("absent", kind);
        let detail_type = event.text("detail-type").unwrap_or_default();
        unknown(&format!(
            "EventBridge's {}, whose detail is {is}, not an object",
            told(&detail_type)
        ))
    })?;
    Ok(Notice {
        id: event.text("id"),
        time: event.time("time"),
        resources: event
            .list("resources")
            .into_iter()
            .filter_map(text)
            .collect(),
        detail,
    })
}

fn object_created(notice: &Notice) -> Result<ObjectCreated, NotAnEvent> {
    let within = |object: &str, name| notice.detail.object(object)?.exact(name);
    match (within("bucket", "name"), within("object", "key")) {
        (Some(bucket), Some(key)) => Ok(ObjectCreated {
            bucket,
            key,
            time: notice.time,
        }),
        _ => Err(unknown(
            "EventBridge's \"Object Created\" without detail.bucket.name and detail.object.key",
        )),
    }
}

fn unknown(what: &str) -> NotAnEvent {
    NotAnEvent::Unknown(what.to_owned())
}

/// A word from outside, cut and quoted.
fn told(word: &str) -> String {
    let cut: String = word.chars().take(MAX_TOLD).collect();
    format!("{cut:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// An event in the words of the tables below.
    fn name(event: &Event) -> String {
        match event {
            Event::Records(origin, records) => format!("{} of {origin:?}", records.len()),
            Event::FlowCall(data) => format!("flow call of {:?}", data.text("ContactId")),
            Event::ContactEvent(notice) => format!("contact {:?}", notice.detail.text("contactId")),
            Event::ObjectCreated(object) => format!("{}/{}", object.bucket, object.key),
            Event::TranscriptionJob(notice) => {
                format!("job {:?}", notice.detail.text("TranscriptionJobName"))
            }
            Event::Schedule(time) => format!("schedule {:?}", time.map(|time| time.0)),
            Event::Direct(contact) => format!("direct {contact}"),
        }
    }

    #[track_caller]
    fn check(event: Value, expected: &str) {
        let told = match read(event.to_string().as_bytes()) {
            Ok(event) => name(&event),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn every_kind_is_told_by_what_stands_around_it() {
        check(
            json!({"Records": [{"kinesis": {"data": "aGk="}}]}),
            "1 of Kinesis",
        );
        check(json!({"Records": []}), "0 of Kinesis");
        check(
            json!({"Records": [{"eventSource": "aws:sqs", "body": "x"}]}),
            "1 of Sqs",
        );
        let data = json!({"ContactId": "c"});
        check(
            json!({"Name": "ContactFlowEvent", "Details": {"ContactData": data, "Parameters": {}}}),
            "flow call of Some(\"c\")",
        );
        check(json!({"ContactData": data}), "flow call of Some(\"c\")");
        let object = json!({"bucket": {"name": "b"}, "object": {"key": "2025/a b+c%20.wav ", "eTag": "x"}, "reason": "ObjectCreated"});
        check(
            json!({"source": "aws.s3", "detail-type": "Object Created", "detail": object}),
            "b/2025/a b+c%20.wav ",
        );
        check(
            json!({"source": "aws.transcribe", "detail-type": "Transcribe Job State Change", "detail": {"TranscriptionJobName": "j"}}),
            "job Some(\"j\")",
        );
        check(json!({"contact": " c "}), "direct c");
    }

    #[test]
    fn a_contact_event_comes_in_many_wrappings() {
        let detail = json!({"eventType": "DISCONNECTED", "contactId": "c"});
        let whole = json!({"source": "aws.connect", "detail-type": "Amazon Connect Contact Event", "detail": detail});
        for event in [
            whole.clone(),
            json!({"Source": "aws.connect", "Detail-Type": "amazon connect contact event", "Detail": detail}),
            json!({"source": "aws.connect", "detail": detail}),
            json!({"detail-type": "Amazon Connect Contact Event", "detail": detail.to_string()}),
            detail.clone(),
            json!(whole.to_string()),
            json!({"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": whole}),
        ] {
            check(event, "contact Some(\"c\")");
        }
    }

    #[test]
    fn both_schedulers_are_understood() {
        let time = "2025-01-31T05:01:10Z";
        check(
            json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": time, "detail": {}}),
            "schedule Some(1738299670000)",
        );
        check(
            json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "time": time, "detail": "{}"}),
            "schedule Some(1738299670000)",
        );
        check(json!({"detail-type": "Scheduled Event"}), "schedule None");
    }

    #[test]
    fn what_fits_nothing_is_named() {
        const NONE: &str = "no event that Callreel works on: ";
        let unknown = |event: Value, what: &str| check(event, &format!("{NONE}{what}"));
        unknown(json!([1]), "a list");
        unknown(json!(null), "nothing");
        unknown(json!({}), "an object of nothing");
        unknown(json!({"b": 1, "A": 2}), r#"an object of "a", "b""#);
        unknown(
            json!({"Name": "ContactFlowEvent", "Details": {"Parameters": {}}}),
            r#"an object of "details", "name""#,
        );
        unknown(
            json!({"source": "aws.ec2", "detail-type": "EC2 Spot\u{1b}[2J", "detail": {}}),
            r#"EventBridge's "EC2 Spot\u{1b}[2J" of "aws.ec2""#,
        );
        unknown(
            json!({"detail-type": "Amazon Connect Contact Event", "detail": "gone"}),
            "EventBridge's \"Amazon Connect Contact Event\", whose detail is a text, not an object",
        );
        unknown(
            json!({"detail-type": "Object Created", "detail": {"bucket": {"name": "b"}}}),
            "EventBridge's \"Object Created\" without detail.bucket.name and detail.object.key",
        );
        unknown(
            json!({"Records": [{"eventSource": "aws:s3", "s3": {}}]}),
            "a bucket's own notification: let the bucket send its events to EventBridge",
        );
        unknown(
            json!({"Records": [{"EventSource": "aws:sns"}]}),
            "records of \"aws:sns\"",
        );
        unknown(json!({"Records": {"a": 1}}), "Records is no list");
        unknown(
            json!({"ContactId": "c", "Recordings": []}),
            "a bare contact record, which belongs, in base64, at Records[0].kinesis.data",
        );
        unknown(json!({"contact": {}}), "its contact is an object");
        let error = read(b"<html>").unwrap_err().to_string();
        assert!(error.starts_with("the event is not JSON: "), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes).map(|event| name(&event));
        }

        #[test]
        fn no_value_panics(
            names in prop::collection::vec(prop::sample::select(vec![
                "Records", "Details", "ContactData", "detail", "detail-type", "source", "requestPayload", "contact", "ContactId", "eventType", "time", "resources",
            ]), 1..5),
            texts in prop::collection::vec(prop::sample::select(vec![
                "{}", "[]", "null", "7", "\"x\"", "\"{}\"", "\"Object Created\"", "\"Amazon Connect Contact Event\"", "\"aws.connect\"", "{\"ContactData\": {}}", "[{}]", "[5]",
            ]), 5),
        ) {
            let fields = names.iter().zip(&texts).map(|(name, text)| format!("{name:?}: {text}"));
            let event = format!("{{{}}}", fields.collect::<Vec<_>>().join(", "));
            match read(event.as_bytes()) {
                Ok(event) => drop(name(&event)),
                Err(error) => prop_assert!(!matches!(error, NotAnEvent::NotJson(_)), "{event}: {error}"),
            }
        }
    }
}
