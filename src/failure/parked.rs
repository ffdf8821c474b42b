//! A parked record: one that a person or time must help on, as it waits in the parking queue.
//! A stream record's data together with all that went wrong and until when a retry can find
//! the audio. Pure: queues are the edges'.
//!
//! The body, as JSON:
//!
//! ```json
//! {
//!   "schema": "callreel.parked/1",
//!   "contact_id": "the contact, to find it by",
//!   "kind": "key_trouble",
//!   "waits_for": "person",
//!   "reason": "what broke and what to do, a sentence",
//!   "more": ["the same for each other part of the record"],
//!   "retry_until": "2025-10-16T08:53:18.000Z",
//!   "data": "the record's data, base64"
//! }
//! ```
//!
//! `waits_for` is `time` where it can go better by itself, as after an outage, and `person`
//! where somebody must mend something. `contact_id`, `waits_for` and `retry_until` may be null
//! or missing, `more` is only there when it holds something. Of a record whose data could not be decoded, `data` holds what stood in its
//! place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, WaitsFor};
use crate::json;
use crate::media::ticks::EpochMillis;

/// The contract's name and version.
pub const SCHEMA: &str = "callreel.parked/1";

/// The most that a message of SQS can have (SQS service quotas): 1 MiB.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// Further reasons that a message tells.
pub const MAX_MORE: usize = 50;

/// A record that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The contact, if the record names one.
    pub contact: Option<String>,
    /// The failure's kind, as [`crate::failure::FailureKind::name`] has it.
    pub kind: String,
    /// What it waits for, if the message tells.
    pub waits_for: Option<WaitsFor>,
    /// What broke and what to do.
    pub reason: String,
    /// What else broke: of the record's other parts, each once.
    pub more: Vec<String>,
    /// Until when a retry can still find the audio.
    pub retry_until: Option<EpochMillis>,
    /// The stream record's data as it came.
    pub data: Vec<u8>,
}

/// Why a message is no parked record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotParked {
    /// Its body is no JSON of that shape.
    #[error("not a parked record: {0}")]
    OtherShape(String),
    /// It is of a version that this one cannot read.
    #[error("a parked record of schema {0:?}, not {SCHEMA:?}")]
    OtherSchema(String),
    /// Its data cannot be decoded.
    #[error("a parked record whose data is not base64: {0}")]
    NotBase64(String),
}

#[derive(Serialize, Deserialize)]
struct Body {
    schema: String,
    #[serde(default)]
    contact_id: Option<String>,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    waits_for: Option<String>,
    #[serde(default)]
    reason: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    more: Vec<String>,
    #[serde(default)]
    retry_until: Option<String>,
    data: String,
}

impl Parked {
    /// A record parked because of a failure.
    pub fn new(
        data: &[u8],
        contact: Option<&str>,
        failure: &Failure,
        retry_until: Option<EpochMillis>,
    ) -> Self {
        Self {
            contact: contact.map(str::to_owned),
            kind: failure.kind.name().to_owned(),
            waits_for: Some(failure.action().waits_for()),
            reason: failure.to_string(),
            more: Vec::new(),
            retry_until,
            data: data.to_owned(),
        }
    }

    /// The same, waiting for what all of its parts together wait for.
    pub fn waiting_for(self, waits_for: Option<WaitsFor>) -> Self {
        Self { waits_for, ..self }
    }

    /// The same with what else broke, [`MAX_MORE`] of it at the most.
    pub fn with_more(mut self, reasons: impl IntoIterator<Item = String>) -> Self {
        for reason in reasons {
            let known = reason == self.reason || self.more.contains(&reason);
            if !known && self.more.len() < MAX_MORE {
                self.more.push(reason);
            }
        }
        self
    }

    /// The message body.
    pub fn to_json(&self) -> String {
        let body = Body {
            schema: SCHEMA.to_owned(),
            contact_id: self.contact.clone(),
            kind: self.kind.clone(),
            waits_for: self.waits_for.map(|waits| waits.name().to_owned()),
            reason: self.reason.clone(),
            more: self.more.clone(),
            retry_until: self.retry_until.map(EpochMillis::to_rfc3339),
            data: STANDARD.encode(&self.data),
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// Reads a message body.
    pub fn from_json(body: &str) -> Result<Self, NotParked> {
        let body = json::mend(body.as_bytes());
        let body: Body = serde_json::from_str(&body)
            .map_err(|error| NotParked::OtherShape(error.to_string()))?;
        if body.schema != SCHEMA {
            return Err(NotParked::OtherSchema(body.schema));
        }
        Ok(Self {
            data: STANDARD
                .decode(body.data.trim())
                .map_err(|error| NotParked::NotBase64(error.to_string()))?,
            contact: body.contact_id,
            kind: body.kind,
            waits_for: body.waits_for.as_deref().and_then(WaitsFor::from_name),
            reason: body.reason,
            more: body.more,
            retry_until: body
                .retry_until
                .as_deref()
                .and_then(EpochMillis::from_rfc3339),
        })
    }
}

/// Until when a recording's first fragment can be read: its time and the stream's
/// retention. KVS keeps a fragment so long after it came.
pub fn retry_until(started: EpochMillis, retention: std::time::Duration) -> EpochMillis {
    let kept = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    EpochMillis(started.0.saturating_add(kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{FailureKind, KeyTrouble};

    #[test]
    fn a_parked_record_comes_back_as_it_went() {
        let failure = Failure::new(
            FailureKind::Key(KeyTrouble::Disabled),
            "arn:s",
            "the KMS key is disabled",
        );
        for (data, contact, until) in [
            (
                &b"{\"ContactId\": \"c\"}"[..],
                Some("c"),
                Some(EpochMillis(1_759_999_998_250)),
            ),
            (&[0, 255, 7], None, None),
        ] {
            let parked = Parked::new(data, contact, &failure, until);
            let json = parked.to_json();
            assert_eq!(Parked::from_json(&json), Ok(parked));
            assert!(json.contains("\"kind\":\"key_trouble\""), "{json}");
            assert!(!json.contains("\"more\""), "{json}");
        }
    }

    #[test]
    fn every_other_reason_comes_along_once() {
        let failure = Failure::new(FailureKind::NotLocated, "c", "no Location");
        let reasons = ["one", "two", "one"].map(str::to_owned);
        let parked = Parked::new(b"{}", None, &failure, None)
            .with_more(reasons.into_iter().chain([failure.to_string()]));
        assert_eq!(parked.more, ["one", "two"]);
        assert_eq!(Parked::from_json(&parked.to_json()), Ok(parked));
    }

    /// As somebody writes it by hand, with an editor or a text of theirs.
    #[test]
    fn a_message_with_a_mark_or_half_a_character_is_read() {
        for body in [
            "\u{feff}{\"schema\": \"callreel.parked/1\", \"data\": \"aGk=\"}",
            r#"{"schema": "callreel.parked/1", "reason": "\ud83d", "data": "aGk="}"#,
        ] {
            assert_eq!(Parked::from_json(body).unwrap().data, b"hi", "{body}");
        }
    }

    #[test]
    fn the_least_body_is_read() {
        let parked =
            Parked::from_json(r#"{"schema": "callreel.parked/1", "data": "aGk=", "new": 1}"#);
        assert_eq!(parked.unwrap().data, b"hi");
    }

    #[test]
    fn other_bodies_are_told_apart() {
        #[track_caller]
        fn check(body: &str, message: &str) {
            let error = Parked::from_json(body).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        check("hello", "not a parked record: expected value");
        check("{}", "not a parked record: missing field");
        check(
            r#"{"schema": "x/1", "data": ""}"#,
            "a parked record of schema \"x/1\"",
        );
        check(
            r#"{"schema": "callreel.parked/1", "data": "%"}"#,
            "a parked record whose data is not base64",
        );
    }

    #[test]
    fn a_retry_is_of_use_until_the_retention_is_over() {
        let day = std::time::Duration::from_secs(86_400);
        assert_eq!(retry_until(EpochMillis(1), day), EpochMillis(86_400_001));
        assert_eq!(
            retry_until(EpochMillis(1), std::time::Duration::MAX),
            EpochMillis(i64::MAX)
        );
    }
}
