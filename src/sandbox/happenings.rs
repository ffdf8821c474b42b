//! What happens in the sandbox that AWS would tell by an event: an object was stored, a job
//! ended. They are told to whoever listens ([`Pump`](super::Pump)); else they are forgotten.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::lock::lock;
use crate::media::ticks::EpochMillis;

/// The account of everything in the sandbox.
pub(super) const ACCOUNT: &str = "111122223333";
/// The region of everything in the sandbox.
pub(super) const REGION: &str = "us-east-1";

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// An object was stored.
    ObjectCreated {
        bucket: String,
        key: String,
        bytes: u64,
        /// The call that did it, as `PutObject`.
        reason: &'static str,
    },
    /// A transcription job ended, and says so.
    JobEnded {
        name: String,
        /// `COMPLETED` or `FAILED`.
        status: &'static str,
        reason: Option<String>,
    },
}

impl Happening {
    /// The event as EventBridge delivers it (Amazon S3 User Guide, "EventBridge event message
    /// structure"; Amazon Transcribe Developer Guide, "Using Amazon EventBridge with Amazon
    /// Transcribe").
    pub(super) fn event(&self, id: &str, now: EpochMillis) -> Value {
        let around = |source: &str, detail_type: &str, resources: Value, detail: Value| {
            json!({
                "version": "0", "id": id, "source": source, "detail-type": detail_type,
                "account": ACCOUNT, "region": REGION, "time": now.to_rfc3339(),
                "resources": resources, "detail": detail,
            })
        };
        match self {
            Self::ObjectCreated {
                bucket,
                key,
                bytes,
                reason,
            } => around(
                "aws.s3",
                "Object Created",
                json!([format!("arn:aws:s3:::{bucket}")]),
                json!({
                    "version": "0", "bucket": {"name": bucket},
                    "object": {"key": key, "size": bytes, "etag": "", "sequencer": id},
                    "request-id": id, "requester": ACCOUNT,
                    "source-ip-address": "127.0.0.1", "reason": reason,
                }),
            ),
            Self::JobEnded {
                name,
                status,
                reason,
            } => {
                let mut detail =
                    json!({"TranscriptionJobName": name, "TranscriptionJobStatus": status});
                if let Some(reason) = reason {
                    detail["FailureReason"] = json!(reason);
                }
                around(
                    "aws.transcribe",
                    "Transcribe Job State Change",
                    json!([]),
                    detail,
                )
            }
        }
    }
}

/// Who is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Happenings(Arc<Mutex<Option<UnboundedSender<Happening>>>>);

impl Happenings {
    /// Tells it to the listener, if there is one.
    pub(super) fn tell(&self, happening: Happening) {
        if let Some(listener) = &*lock(&self.0) {
            // A listener that went away needs to know nothing.
            let _ = listener.send(happening);
        }
    }

    /// Everything that happens from now on; a listener before is told nothing more.
    pub(super) fn listen(&self) -> UnboundedReceiver<Happening> {
        let (teller, listener) = unbounded_channel();
        *lock(&self.0) = Some(teller);
        listener
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{self, Event};

    #[test]
    fn happenings_are_events_that_are_understood() {
        let stored = Happening::ObjectCreated {
            bucket: "b".into(),
            key: "2026/01/31/c d+é.wav".into(),
            bytes: 44,
            reason: "PutObject",
        };
        let read = |happening: &Happening| {
            let event = happening.event("1", EpochMillis(0)).to_string();
            event::read(event.as_bytes()).unwrap()
        };
        let Event::ObjectCreated(object) = read(&stored) else {
            panic!("{stored:?}");
        };
        assert_eq!(
            (&*object.bucket, &*object.key),
            ("b", "2026/01/31/c d+é.wav")
        );
        let ended = Happening::JobEnded {
            name: "vmx3_c".into(),
            status: "FAILED",
            reason: Some("too short".into()),
        };
        let Event::TranscriptionJob(notice) = read(&ended) else {
            panic!("{ended:?}");
        };
        let name = notice.detail.text("TranscriptionJobName");
        assert_eq!(name.as_deref(), Some("vmx3_c"));
    }
}
