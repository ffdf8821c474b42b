//! The function `live-start`: a contact flow tells of a call whose audio streams now, and
//! EventBridge that a contact is over. Either event is put into the data stream of calls as it
//! came, for whoever watches. A call without a stream is an error to the flow: nobody could
//! watch it.

use std::borrow::Cow;

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::ANSWERS_WITHIN;
use crate::aws::data_stream::Put;
use crate::aws::{self, Access, DataStream};
use crate::connect::contact_event::ContactEvent;
use crate::connect::flow_call::FlowCall;
use crate::event::{self, Event};
use crate::settings::live::LiveConfig;

/// What to do where the event is none of those that are told.
const CALL_IT_SO: &str =
    "call this function from a contact flow, by the block Invoke AWS Lambda function";

pub(super) async fn stream(config: &LiveConfig) -> DataStream {
    let access = Access {
        region: Some(config.region.clone()),
        endpoint: config.endpoint.clone(),
        ..Access::default()
    };
    DataStream::while_a_caller_waits(&aws::load(access).await, &config.stream)
}

pub(super) async fn handle(
    stream: &DataStream,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Value, NotTold> {
    let payload = event.payload.get();
    let news = News::of(payload).inspect_err(NotTold::log)?;
    let (contact, what) = match news {
        News::Begins(contact) => (contact, "the call begins"),
        News::Ends(contact) => (contact, "the contact is over"),
        News::Nothing { contact, reason } => {
            tracing::info!(contact = &*contact, reason, "not told");
            return Ok(json!({}));
        }
    };
    let Put { shard, sequence } = put(stream, &contact, payload)
        .await
        .inspect_err(NotTold::log)?;
    tracing::info!(contact = &*contact, what, shard, sequence, "told");
    Ok(json!({"ShardId": shard, "SequenceNumber": sequence}))
}

async fn put(stream: &DataStream, contact: &str, payload: &str) -> Result<Put, NotTold> {
    let (cause, cure) = match timeout(ANSWERS_WITHIN, stream.put(contact, payload.as_bytes())).await
    {
        Ok(Ok(put)) => return Ok(put),
        Ok(Err(failure)) => (
            format!("data stream {}: {}", failure.subject, failure.cause),
            failure.cure().into(),
        ),
        Err(_) => (
            format!(
                "data stream {} did not answer within {ANSWERS_WITHIN:?}",
                stream.name()
            ),
            "check the network and the state of Kinesis".into(),
        ),
    };
    Err(NotTold {
        contact: Some(contact.into()),
        cause,
        cure,
    })
}

/// What an event tells whoever watches.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// This contact's audio streams.
    Begins(Box<str>),
    /// This contact is over.
    Ends(Box<str>),
    /// Nothing: the reason says why.
    Nothing {
        contact: Box<str>,
        reason: &'static str,
    },
}

impl News {
    fn of(payload: &str) -> Result<Self, NotTold> {
        let unreadable = |cause: String| NotTold {
            contact: None,
            cause,
            cure: CALL_IT_SO.into(),
        };
        match event::read(payload.as_bytes()).map_err(|error| unreadable(error.to_string()))? {
            Event::FlowCall(data) => {
                let call = FlowCall::read(&data).map_err(|error| unreadable(error.to_string()))?;
                match call.streamed {
                    Some(_) => Ok(Self::Begins(call.contact)),
                    None => Err(NotTold {
                        contact: Some(call.contact),
                        cause: "the event names no stream (MediaStreams.Customer.Audio.StreamARN)"
                            .to_owned(),
                        cure: "put the block Start media streaming before this one, and switch live media streaming on for \
                            the instance".into(),
                    }),
                }
            }
            Event::ContactEvent(notice) => {
                let event =
                    ContactEvent::read(&notice).map_err(|error| unreadable(error.to_string()))?;
                let contact = event.contact;
                Ok(match (event.channel.as_deref(), event.happened.is_over()) {
                    (Some("VOICE") | None, true) => Self::Ends(contact),
                    (Some("VOICE") | None, false) => Self::Nothing {
                        contact,
                        reason: "the contact goes on",
                    },
                    (Some(_), _) => Self::Nothing {
                        contact,
                        reason: "the contact is no call",
                    },
                })
            }
            Event::Records(..)
            | Event::ObjectCreated(_)
            | Event::TranscriptionJob(_)
            | Event::Schedule(_)
            | Event::Direct(_) => Err(unreadable(
                "the event is neither a contact flow's call nor the end of a contact".to_owned(),
            )),
        }
    }
}

/// What was not told: the invocation fails, and says why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotTold {
    contact: Option<Box<str>>,
    cause: String,
    cure: Cow<'static, str>,
}

impl NotTold {
    fn log(&self) {
        let Self {
            contact,
            cause,
            cure,
        } = self;
        tracing::error!(
            contact = contact.as_deref().unwrap_or_default(),
            cause,
            cure = &**cure,
            "not told"
        );
    }
}

impl From<NotTold> for Diagnostic {
    fn from(error: NotTold) -> Self {
        let NotTold {
            contact,
            cause,
            cure,
        } = error;
        let whose = contact.map_or_else(String::new, |contact| format!("contact {contact}, "));
        Self {
            error_type: "Callreel.NotTold".to_owned(),
            error_message: format!("{whose}telling who watches: {cause}; {cure}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "arn:aws:kinesisvideo:eu-west-1:111122223333:stream/s/1";

    #[track_caller]
    fn check(event: Value, expected: Result<News, &str>) {
        let news = News::of(&event.to_string());
        let told = news.map_err(|error| Diagnostic::from(error).error_message);
        assert_eq!(told, expected.map_err(str::to_owned));
    }

    fn call(audio: Value) -> Value {
        json!({"Name": "ContactFlowEvent", "Details": {"Parameters": {}, "ContactData": {
            "ContactId": "c", "MediaStreams": {"Customer": {"Audio": audio}}}}})
    }

    fn contact_event(channel: Value, event_type: &str) -> Value {
        json!({"source": "aws.connect", "detail-type": "Amazon Connect Contact Event", "detail": {
            "eventType": event_type, "contactId": "c", "channel": channel}})
    }

    #[test]
    fn a_call_that_streams_begins_and_one_that_does_not_is_an_error() {
        check(
            call(json!({"StreamARN": STREAM})),
            Ok(News::Begins("c".into())),
        );
        let silent = "contact c, telling who watches: the event names no stream \
            (MediaStreams.Customer.Audio.StreamARN); put the block Start media streaming before this one, and switch \
            live media streaming on for the instance";
        for audio in [Value::Null, json!({}), json!({"StreamARN": ""})] {
            check(call(audio), Err(silent));
        }
    }

    #[test]
    fn the_end_of_a_call_is_told_and_nothing_else_of_contacts() {
        let nothing = |reason| {
            Ok(News::Nothing {
                contact: "c".into(),
                reason,
            })
        };
        for channel in [json!("VOICE"), json!("Voice"), Value::Null] {
            check(
                contact_event(channel.clone(), "DISCONNECTED"),
                Ok(News::Ends("c".into())),
            );
            check(
                contact_event(channel, "QUEUED"),
                nothing("the contact goes on"),
            );
        }
        for channel in ["CHAT", "TASK", "EMAIL"] {
            check(
                contact_event(json!(channel), "DISCONNECTED"),
                nothing("the contact is no call"),
            );
        }
    }

    #[test]
    fn what_is_neither_says_how_it_is_called() {
        check(
            json!({"contact": "c"}),
            Err(
                "telling who watches: the event is neither a contact flow's call nor the end of a contact; call this \
                 function from a contact flow, by the block Invoke AWS Lambda function",
            ),
        );
        check(
            json!({"Details": {"ContactData": {}}}),
            Err(
                "telling who watches: a contact flow's call: its ContactData has no ContactId; call this function from \
                 a contact flow, by the block Invoke AWS Lambda function",
            ),
        );
    }
}
