//! Streams that are played: what lies in their folders comes as it once came, from the oldest
//! fragment of all on, in real time or faster. A fragment can be had when it is whole. And who
//! calls is told as a contact flow and Connect tell it, by records of a data stream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::sleep_until;

use super::data_streams::DataStreams;
use super::streams::{Stored, Streams};
use crate::clock::now;
use crate::media::counts::{nearest_signed, whole};
use crate::media::ticks::EpochMillis;

/// How streams are played.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    /// Seconds of the streams in a second: 1 is real time.
    pub speed: f64,
    /// The data stream that is told of calls.
    pub calls_to: Option<String>,
}

/// The clock of streams that are played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    /// The server's clock when the playing began, in epoch milliseconds.
    origin: i64,
    began: Instant,
    speed: f64,
}

/// A call on a stream: its contact's fragments.
struct Call {
    stream: String,
    contact: Box<str>,
    first: Stored,
    end: i64,
}

impl Stage {
    /// Begins now, with the oldest fragment that there is; without any, with the present.
    pub(super) fn begin(streams: &Streams, speed: f64) -> Self {
        let names = streams.names();
        let opened = names.iter().filter_map(|name| streams.open(name).ok()?);
        let stored = opened.filter(|stream| !stream.stored.is_empty());
        let oldest = stored.map(|stream| stream.created()).min();
        Self {
            origin: oldest.unwrap_or(now().0),
            began: Instant::now(),
            speed,
        }
    }

    /// What the server's clock shows.
    pub(super) fn now(&self) -> i64 {
        let millis = self.began.elapsed().as_secs_f64() * 1_000.0 * self.speed;
        self.origin.saturating_add(whole(millis))
    }

    /// When the server's clock shows this.
    pub(super) fn when(&self, server: i64) -> Instant {
        let millis = nearest_signed(server.saturating_sub(self.origin).max(0));
        self.began + Duration::from_secs_f64(millis / 1_000.0 / self.speed)
    }

    /// How long so much of the stream takes.
    pub(super) fn lasting(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds / self.speed)
    }

    /// Tells of every call that there is when it begins, and when it is over.
    pub(super) async fn tell_of_calls(self, streams: &Streams, told: &DataStreams, name: &str) {
        let mut due: Vec<(i64, String, Value)> = Vec::new();
        for call in calls(streams) {
            let contact = call.contact.to_string();
            due.push((call.first.server, contact.clone(), call.began()));
            due.push((call.end, contact, call.over()));
        }
        due.sort_by_key(|(at, ..)| *at);
        for (at, contact, event) in due {
            sleep_until(self.when(at).into()).await;
            let data = STANDARD.encode(event.to_string());
            // An error says that the data folder cannot be written: whoever reads sees no call.
            let _ = told.put(name, contact, data);
        }
    }
}

fn calls(streams: &Streams) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for name in streams.names() {
        let stream: Arc<_> = match streams.open(&name) {
            Ok(Some(stream)) => stream,
            Ok(None) | Err(_) => continue,
        };
        let of_this = calls.len();
        for stored in &stream.stored {
            let Some(contact) = &stored.contact else {
                continue;
            };
            let end = stored.server + stored.millis;
            match calls[of_this..]
                .iter_mut()
                .find(|call| call.contact == *contact)
            {
                Some(call) => call.end = call.end.max(end),
                None => calls.push(Call {
                    stream: name.clone(),
                    contact: contact.clone(),
                    first: stored.clone(),
                    end,
                }),
            }
        }
    }
    calls
}

impl Call {
    /// What the flow's function is called with.
    fn began(&self) -> Value {
        let stream = &self.stream;
        let arn =
            format!("arn:aws:kinesisvideo:us-east-1:111122223333:stream/{stream}/1760000000000");
        json!({"Name": "ContactFlowEvent", "Details": {"Parameters": {}, "ContactData": {
            "ContactId": self.contact, "InitialContactId": self.contact, "PreviousContactId": self.contact,
            "Channel": "VOICE", "InstanceARN": INSTANCE, "Queue": null,
            "CustomerEndpoint": {"Address": "+15550100123", "Type": "TELEPHONE_NUMBER"},
            "SystemEndpoint": {"Address": "+15550100999", "Type": "TELEPHONE_NUMBER"},
            "MediaStreams": {"Customer": {"Audio": {
                "StreamARN": arn,
                "StartTimestamp": self.first.server.to_string(),
                "StartFragmentNumber": self.first.number.to_string(),
            }}},
        }}})
    }

    /// What EventBridge carries at its end.
    fn over(&self) -> Value {
        let time = |millis| EpochMillis(millis).to_rfc3339();
        json!({"source": "aws.connect", "detail-type": "Amazon Connect Contact Event", "detail": {
            "eventType": "DISCONNECTED", "contactId": self.contact, "channel": "VOICE",
            "instanceArn": INSTANCE,
            "initiationTimestamp": time(self.first.server), "disconnectTimestamp": time(self.end),
        }})
    }
}

const INSTANCE: &str =
    "arn:aws:connect:us-east-1:111122223333:instance/3b6f0d92-8c47-4f15-a2de-90b1c7e54f68";
