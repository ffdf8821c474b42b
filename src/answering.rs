//! The answering machine over its ports: [`note`](note::note) keeps what is known of a call
//! while it runs; [`save`](Answering::save) makes the message when the call is over; and
//! [`reconcile`](Answering::reconcile) makes those that nobody came for. What is decided on
//! the way is [`voicemail`](crate::voicemail)'s; the message itself is made by the recorder,
//! as any recording is.

mod find;
pub mod note;
mod reconcile;
mod save;

pub use reconcile::{Reconciled, Told};
pub use save::{NotSaved, Saved, Step};

use crate::recorder::Reading;
use crate::recording::plan::Policy;

/// The answering machine between a source and what is read of it live, a store, contacts,
/// and time.
#[derive(Debug)]
pub struct Answering<S, L, R, C, T, A> {
    /// Where fragments come from.
    pub source: S,
    /// The same streams, as they are read when they list nothing.
    pub live: L,
    /// Where notes are, and where messages go.
    pub store: R,
    /// What Connect says of contacts.
    pub contacts: C,
    /// Time.
    pub clock: T,
    /// Whoever is told of messages.
    pub announcements: A,
    /// What notes' keys start with.
    pub notes: String,
    /// How messages are named: its prefix is what their keys start with.
    pub policy: Policy,
    /// How media is read.
    pub reading: Reading,
}
