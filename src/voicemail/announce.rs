//! What others are told of a message that is saved, so that mail, chat or a ticket system can
//! be hung behind it: one event of EventBridge's a message. It is told at least once: whoever
//! must not act twice knows a repeat by its `id`.

use serde_json::{Value, json};

use crate::recording::verdict::Verdict;
use crate::voicemail::note::Note;

/// The event's `source`.
pub const SOURCE: &str = "callreel";
/// The event's `detail-type`.
pub const DETAIL_TYPE: &str = "Callreel / Message Saved";

/// What is told of one message.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageSaved {
    /// The message's name: the same however often it is told.
    pub id: String,
    /// The contact.
    pub contact: String,
    /// The key of the WAV file.
    pub key: String,
    /// How long it is.
    pub seconds: f64,
    /// Whether all of it is there: `complete` or `partial`.
    pub status: &'static str,
    /// The caller's number or address, or `anonymous`.
    pub customer: String,
    /// The number or address that was called.
    pub system: Option<String>,
}

impl MessageSaved {
    /// What is told of a note's message; nothing where there is no file.
    pub fn of(note: &Note, verdict: &Verdict) -> Option<Self> {
        let file = verdict.files.first()?;
        Some(Self {
            id: note.name.to_string(),
            contact: note.contact.to_string(),
            key: file.key.clone(),
            seconds: verdict.span.seconds,
            status: verdict.status.name(),
            customer: note.customer.to_string(),
            system: note.system.as_deref().map(str::to_owned),
        })
    }

    /// The event's `detail`.
    pub fn detail(&self, bucket: &str) -> Value {
        json!({
            "id": self.id,
            "contact": self.contact,
            "bucket": bucket,
            "key": self.key,
            "seconds": self.seconds,
            "status": self.status,
            "customer": self.customer,
            "system": self.system,
        })
    }
}
