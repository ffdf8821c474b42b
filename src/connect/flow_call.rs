//! What *Invoke AWS Lambda function* in a contact flow sends, as far as it is needed.
//! Tolerant: before streaming starts `Audio` is `{}`, null, or absent with all that is above
//! it; endpoints and the queue may be null; times are texts of epoch milliseconds.
//!
//! Shape: Amazon Connect Administrator Guide, "Invoke AWS Lambda functions" and "Set up live
//! media streaming".

use crate::connect::arn;
use crate::json::object::Object;
use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;

/// What a flow tells of its contact when it calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowCall {
    /// `ContactId`.
    pub contact: Box<str>,
    /// `InitialContactId`: the first leg.
    pub initial_contact: Option<Box<str>>,
    /// `PreviousContactId`: the leg before this one.
    pub previous_contact: Option<Box<str>>,
    /// `InstanceARN`.
    pub instance_arn: Option<Box<str>>,
    /// The instance's id: of `InstanceARN`, or the tag `aws:connect:instanceId`.
    pub instance: Option<Box<str>>,
    /// `Channel`: `VOICE`, `CHAT`, `TASK` …
    pub channel: Option<Box<str>>,
    /// `CustomerEndpoint.Address`: who calls.
    pub customer: Option<Box<str>>,
    /// `SystemEndpoint.Address`: the number that was called.
    pub system: Option<Box<str>>,
    /// `Queue.ARN`.
    pub queue_arn: Option<Box<str>>,
    /// `Queue.Name`.
    pub queue_name: Option<Box<str>>,
    /// `MediaStreams.Customer.Audio`, once streaming has started.
    pub streamed: Option<Streamed>,
}

/// Where a contact's audio is streamed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// `StreamARN`.
    pub stream: Box<str>,
    /// `StartFragmentNumber`.
    pub start_fragment: Option<FragmentNumber>,
    /// `StartTimestamp`.
    pub started: Option<EpochMillis>,
    /// `StopFragmentNumber`, once streaming has stopped.
    pub stop_fragment: Option<FragmentNumber>,
    /// `StopTimestamp`, once streaming has stopped.
    pub stopped: Option<EpochMillis>,
}

/// Why a flow's call cannot be worked: nothing says of which contact it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a contact flow's call: {0}")]
pub struct NoContact(String);

impl FlowCall {
    /// Reads `ContactData`.
    pub fn read(contact_data: &Object) -> Result<Self, NoContact> {
        let id = |name| contact_data.id(name).map_err(NoContact);
        let contact = id("ContactId")?
            .ok_or_else(|| NoContact("its ContactData has no ContactId".to_owned()))?;
        // The other ids only add to what is known.
        let other = |name| contact_data.id(name).ok().flatten();
        let instance_arn = contact_data.text("InstanceARN");
        let instance = instance_arn.as_deref().and_then(arn::instance_id);
        Ok(Self {
            contact,
            initial_contact: other("InitialContactId"),
            previous_contact: other("PreviousContactId"),
            instance: instance.map(Box::from).or_else(|| tag(contact_data)),
            instance_arn,
            channel: contact_data.text("Channel"),
            customer: address(contact_data, "CustomerEndpoint"),
            system: address(contact_data, "SystemEndpoint"),
            queue_arn: contact_data
                .object("Queue")
                .and_then(|queue| queue.text("ARN")),
            queue_name: contact_data
                .object("Queue")
                .and_then(|queue| queue.text("Name")),
            streamed: audio(contact_data).as_ref().and_then(Streamed::read),
        })
    }
}

impl Streamed {
    /// Reads an object with the fields of `Audio`; `None` when it names no stream. A number
    /// or a time that is none is absent: what the stream holds of the contact still tells.
    pub fn read(audio: &Object) -> Option<Self> {
        let stream = audio.text("StreamARN")?;
        arn::stream_name(&stream)?;
        Some(Self {
            stream,
            start_fragment: audio.number("StartFragmentNumber"),
            started: audio.time("StartTimestamp"),
            stop_fragment: audio.number("StopFragmentNumber"),
            stopped: audio.time("StopTimestamp"),
        })
    }
}

fn audio(contact_data: &Object) -> Option<Object> {
    let streams = contact_data.object("MediaStreams")?;
    streams.object("Customer")?.object("Audio")
}

fn address(contact_data: &Object, endpoint: &str) -> Option<Box<str>> {
    match contact_data.object(endpoint) {
        Some(endpoint) => endpoint.text("Address"),
        // An address that stands there by itself.
        None => contact_data.text(endpoint),
    }
}

fn tag(contact_data: &Object) -> Option<Box<str>> {
    contact_data.object("Tags")?.text("aws:connect:instanceId")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(contact_data: &Value) -> Result<FlowCall, NoContact> {
        FlowCall::read(&Object::read(contact_data.to_string().as_bytes()).unwrap())
    }

    const STREAM: &str = "arn:aws:kinesisvideo:ap-northeast-1:111122223333:stream/x/1565272947806";

    #[track_caller]
    fn check_streamed(media_streams: Value, expected: Option<Streamed>) {
        let call = read(&json!({"ContactId": "c", "MediaStreams": media_streams})).unwrap();
        assert_eq!(call.streamed, expected);
    }

    #[test]
    fn before_streaming_no_stream_is_known() {
        for media_streams in [
            Value::Null,
            json!({}),
            json!([]),
            json!("none"),
            json!({"Customer": null}),
            json!({"Customer": {}}),
            json!({"Customer": {"Audio": null}}),
            json!({"Customer": {"Audio": {}}}),
            json!({"Customer": {"Audio": ""}}),
            json!({"Customer": {"Audio": {"StreamARN": null, "StartTimestamp": null}}}),
            json!({"Customer": {"Audio": {"StreamARN": "", "StartFragmentNumber": "91"}}}),
            json!({"Customer": {"Audio": {"StreamARN": "no stream"}}}),
            json!({"Customer": {"Audio": {"StreamARN": [STREAM]}}}),
        ] {
            check_streamed(media_streams, None);
        }
        assert_eq!(read(&json!({"ContactId": "c"})).unwrap().streamed, None);
    }

    #[test]
    fn while_it_streams_its_start_is_known_and_its_stop_is_not() {
        let streamed = Streamed {
            stream: STREAM.into(),
            start_fragment: "9134385233318".parse().ok(),
            started: Some(EpochMillis(1_738_300_000_123)),
            stop_fragment: None,
            stopped: None,
        };
        let audio = json!({"StreamARN": STREAM, "StartTimestamp": "1738300000123",
            "StartFragmentNumber": "9134385233318", "StopTimestamp": null, "StopFragmentNumber": ""});
        check_streamed(
            json!({"Customer": {"Audio": audio}}),
            Some(streamed.clone()),
        );
        let numbers = json!({"streamArn": STREAM, "startTimestamp": 1_738_300_000_123_i64,
            "startFragmentNumber": 9_134_385_233_318_i64});
        check_streamed(
            json!({"customer": {"audio": numbers}}),
            Some(streamed.clone()),
        );
        let stopped = json!({"StreamARN": STREAM, "StartTimestamp": "1738300000123",
            "StartFragmentNumber": "9134385233318", "StopTimestamp": "1738300060456",
            "StopFragmentNumber": "9134385233399"});
        check_streamed(
            json!({"Customer": {"Audio": stopped}}),
            Some(Streamed {
                stop_fragment: "9134385233399".parse().ok(),
                stopped: Some(EpochMillis(1_738_300_060_456)),
                ..streamed.clone()
            }),
        );
        let odd = json!({"StreamARN": STREAM, "StartTimestamp": "soon", "StartFragmentNumber": {},
            "StopTimestamp": true, "StopFragmentNumber": "9.13e46"});
        check_streamed(
            json!({"Customer": {"Audio": odd}}),
            Some(Streamed {
                start_fragment: None,
                started: None,
                ..streamed
            }),
        );
    }

    #[test]
    fn a_withheld_number_and_null_objects_are_no_error() {
        let call = read(
            &json!({"ContactId": "c", "CustomerEndpoint": null, "SystemEndpoint": {},
            "Queue": null, "InstanceARN": null, "Tags": {"aws:connect:instanceId": "i"}, "InitialContactId": [1]}),
        );
        assert_eq!(
            call.unwrap(),
            FlowCall {
                contact: "c".into(),
                instance: Some("i".into()),
                ..FlowCall::default()
            }
        );
    }

    #[test]
    fn a_call_without_a_contact_says_so() {
        let told = |data: Value| read(&data).unwrap_err().to_string();
        for none in [
            json!({}),
            json!({"ContactId": null}),
            json!({"ContactId": " "}),
        ] {
            assert_eq!(
                told(none),
                "a contact flow's call: its ContactData has no ContactId"
            );
        }
        assert_eq!(
            told(json!({"ContactId": {}})),
            "a contact flow's call: its ContactId is an object"
        );
    }

    proptest! {
        #[test]
        fn no_value_panics(
            field in prop::sample::select(vec!["ContactId", "MediaStreams", "CustomerEndpoint", "Queue", "Tags", "InstanceARN"]),
            inner in prop::sample::select(vec!["Customer", "Address", "ARN", "x"]),
            text in any::<String>(),
            number in any::<f64>(),
        ) {
            for value in [json!(text), json!(number), json!([text]), json!({inner: text}), json!({inner: {"Audio": text}})] {
                let _ = read(&json!({"ContactId": "c", field: value}));
            }
        }
    }
}
