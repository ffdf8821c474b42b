//! What the records of the data stream say of calls: one began, or one is over. A record is a
//! contact flow's whole call of *live-start*, or a contact event that was handed on to it.
//!
//! A start that comes again (same contact, stream and time) is no second call. What says
//! nothing of a call in progress is named, in one line, and skipped.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::connect::contact_event::{ContactEvent, Happened};
use crate::connect::flow_call::FlowCall;
use crate::event::{self, Event};
use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;

/// Starts that are remembered, to know them when they come again.
const MAX_KNOWN: usize = 4_096;

/// A call that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its ContactId.
    pub contact: Arc<str>,
    /// The first leg and the leg before, which its media may name as well.
    pub legs: Vec<Box<str>>,
    /// The stream's ARN.
    pub stream: Box<str>,
    /// When its media started; where that is not said, when its record came.
    pub started: EpochMillis,
    /// The fragment that it started with.
    pub start_fragment: Option<FragmentNumber>,
    /// Who calls.
    pub customer: Option<String>,
    /// The number that was called.
    pub system: Option<String>,
    /// The queue's name.
    pub queue: Option<String>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A call began.
    Started(Box<Started>),
    /// A contact is over.
    Over(Arc<str>),
    /// A start that is known.
    Again,
    /// Something that happened to a contact, and is not its end.
    Nothing,
    /// It cannot be used: why.
    Unusable(String),
}

/// Reads records.
#[derive(Debug, Default)]
pub struct Calls {
    known: VecDeque<(Arc<str>, Box<str>, EpochMillis)>,
}

impl Calls {
    /// No call is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a record that came at this time.
    pub fn read(&mut self, data: &[u8], came: EpochMillis) -> Said {
        match event::read(data) {
            Ok(Event::FlowCall(contact_data)) => match FlowCall::read(&contact_data) {
                Ok(call) => self.started(call, came),
                Err(error) => Said::Unusable(error.to_string()),
            },
            Ok(Event::ContactEvent(notice)) => match ContactEvent::read(&notice) {
                Ok(event) if event.happened == Happened::Disconnected => {
                    Said::Over(Arc::from(event.contact))
                }
                Ok(_) => Said::Nothing,
                Err(error) => Said::Unusable(error.to_string()),
            },
            Ok(
                Event::Records(..)
                | Event::ObjectCreated(_)
                | Event::TranscriptionJob(_)
                | Event::Schedule(_)
                | Event::Direct(_),
            ) => {
                Said::Unusable("it is neither a contact flow's call nor a contact event".to_owned())
            }
            Err(error) => Said::Unusable(error.to_string()),
        }
    }

    fn started(&mut self, call: FlowCall, came: EpochMillis) -> Said {
        let contact: Arc<str> = Arc::from(call.contact);
        let Some(streamed) = call.streamed else {
            return Said::Unusable(format!(
                "contact {contact}: its call names no stream (MediaStreams.Customer.Audio.StreamARN); the flow must start media streaming before it calls live-start"
            ));
        };
        let started = streamed.started.unwrap_or(came);
        // Without a time of its own it is known by the stream alone.
        let same = |known: &(Arc<str>, Box<str>, EpochMillis)| {
            known.0 == contact
                && known.1 == streamed.stream
                && (known.2 == started || streamed.started.is_none())
        };
        if self.known.iter().any(same) {
            return Said::Again;
        }
        if self.known.len() == MAX_KNOWN {
            self.known.pop_front();
        }
        self.known
            .push_back((Arc::clone(&contact), streamed.stream.clone(), started));
        let mut legs: Vec<Box<str>> = [call.initial_contact, call.previous_contact]
            .into_iter()
            .flatten()
            .filter(|leg| **leg != *contact)
            .collect();
        legs.dedup();
        Said::Started(Box::new(Started {
            contact,
            legs,
            stream: streamed.stream,
            started,
            start_fragment: streamed.start_fragment,
            customer: call.customer.map(String::from),
            system: call.system.map(String::from),
            queue: call.queue_name.map(String::from),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const STREAM: &str = "arn:aws:kinesisvideo:ap-northeast-1:111122223333:stream/x/1565272947806";
    const CAME: EpochMillis = EpochMillis(1_738_300_009_999);

    fn start(contact: &str, audio: Value) -> Vec<u8> {
        let event = json!({"Name": "ContactFlowEvent", "Details": {"ContactData": {
            "ContactId": contact, "InitialContactId": "first", "PreviousContactId": "first",
            "CustomerEndpoint": {"Address": "+81300000000"}, "SystemEndpoint": null,
            "Queue": {"ARN": "arn", "Name": "Support"},
            "MediaStreams": {"Customer": {"Audio": audio}}}, "Parameters": {}}});
        event.to_string().into_bytes()
    }

    fn audio() -> Value {
        json!({"StreamARN": STREAM, "StartTimestamp": "1738300000123", "StartFragmentNumber": "9134"})
    }

    #[test]
    fn a_start_tells_all_that_the_monitor_needs_and_counts_once() {
        let mut calls = Calls::new();
        let expected = Started {
            contact: "c".into(),
            legs: vec!["first".into()],
            stream: STREAM.into(),
            started: EpochMillis(1_738_300_000_123),
            start_fragment: "9134".parse().ok(),
            customer: Some("+81300000000".to_owned()),
            system: None,
            queue: Some("Support".to_owned()),
        };
        let said = calls.read(&start("c", audio()), CAME);
        assert_eq!(said, Said::Started(Box::new(expected)));
        assert_eq!(calls.read(&start("c", audio()), CAME), Said::Again);
        assert!(matches!(
            calls.read(&start("d", audio()), CAME),
            Said::Started(_)
        ));
        // Streaming stopped, and started again.
        let later = json!({"StreamARN": STREAM, "StartTimestamp": "1738300900000"});
        assert!(matches!(
            calls.read(&start("c", later), CAME),
            Said::Started(_)
        ));
    }

    #[test]
    fn without_its_time_a_call_started_when_its_record_came() {
        let mut calls = Calls::new();
        let no_time = || start("c", json!({"StreamARN": STREAM}));
        let Said::Started(started) = calls.read(&no_time(), CAME) else {
            panic!("it started")
        };
        assert_eq!(started.started, CAME);
        let later = EpochMillis(CAME.0 + 1_000);
        assert_eq!(calls.read(&no_time(), later), Said::Again);
    }

    #[test]
    fn ends_are_known_in_either_spelling_and_other_events_say_nothing() {
        let mut calls = Calls::new();
        let mut read = |detail: Value| {
            let event = json!({"source": "aws.connect", "detail-type": "Amazon Connect Contact Event", "detail": detail});
            calls.read(event.to_string().as_bytes(), CAME)
        };
        let over = Said::Over("c".into());
        assert_eq!(
            read(json!({"eventType": "DISCONNECTED", "contactId": "c", "channel": "VOICE"})),
            over
        );
        assert_eq!(
            read(json!({"EventType": "DISCONNECTED", "ContactId": "c"})),
            over
        );
        assert_eq!(
            read(json!({"eventType": "QUEUED", "contactId": "c"})),
            Said::Nothing
        );
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let mut calls = Calls::new();
        let mut why = |data: &[u8]| match calls.read(data, CAME) {
            Said::Unusable(why) => why,
            said => panic!("{said:?}"),
        };
        for none in [json!({}), Value::Null, json!({"StreamARN": ""})] {
            let why = why(&start("c-7", none));
            assert!(
                why.starts_with("contact c-7: its call names no stream"),
                "{why}"
            );
        }
        assert!(why(b"no json").contains("not JSON"));
        assert!(why(b"{}").contains("no event"));
        assert!(why(&[0xff, 0xfe]).contains("not JSON"));
        assert!(why(b"{\"contact\": \"c\"}").contains("neither"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut calls = Calls::new();
        for number in 0..2 * MAX_KNOWN {
            calls.read(&start(&number.to_string(), audio()), CAME);
        }
        assert_eq!(calls.known.len(), MAX_KNOWN);
    }
}
