//! A parked record: one that only a person can help on, as it waits in the retry queue.
//! A stream record's data together with what went wrong and until when a retry can find
//! the audio. Pure: queues are the edges'.
//!
//! The body, as JSON:
//!
//! ```json
//! {
//!   "schema": "callreel.parked/1",
//!   "contact_id": "the contact, to find it by",
//!   "kind": "key_trouble",
//!   "reason": "what broke and what to do, a sentence",
//!   "retry_until": "2025-10-16T08:53:18.000Z",
//!   "data": "the record's data, base64"
//! }
//! ```
//!
//! `contact_id` and `retry_until` may be null or missing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::ticks::EpochMillis;

/// The contract's name and version.
pub const SCHEMA: &str = "callreel.parked/1";

/// A record that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The contact, if the record names one.
    pub contact: Option<String>,
    /// The failure's kind, as [`crate::failure::FailureKind::name`] has it.
    pub kind: String,
    /// What broke and what to do.
    pub reason: String,
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
    reason: String,
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
            reason: failure.to_string(),
            retry_until,
            data: data.to_owned(),
        }
    }

    /// The message body.
    pub fn to_json(&self) -> String {
        let body = Body {
            schema: SCHEMA.to_owned(),
            contact_id: self.contact.clone(),
            kind: self.kind.clone(),
            reason: self.reason.clone(),
            retry_until: self.retry_until.map(EpochMillis::to_rfc3339),
            data: STANDARD.encode(&self.data),
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// Reads a message body.
    pub fn from_json(body: &str) -> Result<Self, NotParked> {
        let body: Body =
            serde_json::from_str(body).map_err(|error| NotParked::OtherShape(error.to_string()))?;
        if body.schema != SCHEMA {
            return Err(NotParked::OtherSchema(body.schema));
        }
        Ok(Self {
            data: STANDARD
                .decode(body.data.trim())
                .map_err(|error| NotParked::NotBase64(error.to_string()))?,
            contact: body.contact_id,
            kind: body.kind,
            reason: body.reason,
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
