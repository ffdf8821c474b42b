//! What the answering machine needs of the world beside a source and a store: what Connect
//! says of a contact, media as it lies in a stream that lists nothing, and time.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use super::{ContactAttributes, MediaBody};
use crate::connect::record::RecordingEntry;
use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::voicemail::announce::MessageSaved;

/// What Connect says of a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactDescription {
    /// When it ended; `None` while it goes on.
    pub ended: Option<EpochMillis>,
    /// Its recordings, those that go on included.
    pub recordings: Vec<RecordingEntry>,
}

/// Contacts of Amazon Connect, or what stands in for them.
pub trait ContactDescriptions: Sync {
    /// What is said of a contact now. An instance that is not known is a failure where it is
    /// needed.
    fn describe(
        &self,
        instance: Option<&str>,
        contact: &str,
    ) -> impl Future<Output = Result<ContactDescription, Failure>> + Send;
}

/// Media in the order in which it was stored, from a time on: streams that keep nothing list
/// nothing, and can be read so for some minutes.
pub trait LiveMedia: Sync {
    /// The media's bytes.
    type Body: MediaBody;

    /// Reads a stream from the fragment on that lies at this time.
    fn read_from(
        &self,
        stream: &str,
        from: EpochMillis,
    ) -> impl Future<Output = Result<Self::Body, Failure>> + Send;
}

/// Time, for whoever waits for what is still to come.
pub trait Clock: Sync {
    /// The time.
    fn now(&self) -> EpochMillis;

    /// Waits so long; false when waiting is no use, since nothing more comes.
    fn wait(&self, time: Duration) -> impl Future<Output = bool> + Send;
}

/// Whoever is told of messages that are saved.
pub trait Announcements: Sync {
    /// Whether anybody is.
    fn are_wanted(&self) -> bool;

    /// Tells of a message. What was told is out; a failure means that it may or may not be.
    fn announce(&self, saved: &MessageSaved) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAnnouncements;

impl Announcements for NoAnnouncements {
    fn are_wanted(&self) -> bool {
        false
    }

    async fn announce(&self, _saved: &MessageSaved) -> Result<(), Failure> {
        Ok(())
    }
}

/// No contact has attributes: for recordings whose URLs belong on none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAttributes;

impl ContactAttributes for NoAttributes {
    type Turn = ();

    const TELLS_ALL: bool = false;

    async fn read(
        &self,
        _instance: Option<&str>,
        _contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        Ok(BTreeMap::new())
    }

    async fn turn(&self) {}

    async fn write(
        &self,
        (): (),
        _instance: Option<&str>,
        _contact: &str,
        _changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn wait_to_look_again(&self, _look: u32) -> bool {
        false
    }
}
