//! Voicemail's steps behind the recording, over their ports: [`transcribe`](Delivering::transcribe)
//! starts a job for a recording, [`transcription_failed`](Delivering::transcription_failed) puts a
//! substitute where its transcript should be, [`deliver`](Delivering::deliver) makes a task or a
//! mail of a transcript, and [`reconcile`](Delivering::reconcile) works what stands still between two
//! steps. What is decided on the way is [`voicemail`](crate::voicemail)'s.
//!
//! Every step can be repeated at any time: it finds what was done, and does what is missing.

mod finish;
mod gather;
mod reconcile;
mod send;
mod transcribe;

pub use crate::failure::Tries;
pub use reconcile::{Acting, Asked, Reconciled, Told};
pub use send::{Delivered, Linked};
pub use transcribe::Transcribed;

use std::fmt;

use crate::failure::Failure;
use crate::voicemail::place::Place;
use crate::voicemail::policy::Policy;

/// Voicemail behind the recording, between its ports.
#[derive(Debug)]
pub struct Delivering<R, T, D, M, J, G, Y, C> {
    /// Where recordings lie, and the markers of deliveries.
    pub recordings: R,
    /// Where transcripts lie.
    pub transcripts: T,
    /// Connect.
    pub desk: D,
    /// Mail.
    pub mailer: M,
    /// Transcription.
    pub transcriber: J,
    /// Links.
    pub signer: G,
    /// Summaries.
    pub summariser: Y,
    /// Time.
    pub clock: C,
    /// The language of a message whose own is not taken.
    pub language: String,
    /// What the recordings' keys start with.
    pub prefix: String,
    /// How messages are delivered.
    pub policy: Policy,
}

/// Where a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading what is known of the message.
    Read,
    /// Its transcription.
    Transcribe,
    /// Putting a substitute in its transcript's place.
    Substitute,
    /// Its delivery.
    Deliver,
    /// Writing its marker.
    Mark,
}

impl Step {
    /// A word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Transcribe => "transcribe",
            Self::Substitute => "substitute",
            Self::Deliver => "deliver",
            Self::Mark => "mark",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "reading what is known of it",
            Self::Transcribe => "transcribing it",
            Self::Substitute => "writing the substitute for its transcript",
            Self::Deliver => "delivering it",
            Self::Mark => "writing its marker",
        })
    }
}

/// A step that came to nothing; it is tried again, and what was done is found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("contact {contact}, {step}: {failure}")]
pub struct NotDone {
    /// The contact.
    pub contact: Box<str>,
    /// Where it ended.
    pub step: Step,
    /// What broke.
    pub failure: Failure,
}

fn failed(place: &Place, step: Step) -> impl FnOnce(Failure) -> NotDone + use<> {
    let contact = place.contact().into();
    move |failure| NotDone {
        contact,
        step,
        failure,
    }
}

#[cfg(test)]
mod tests;
