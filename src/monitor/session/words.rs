//! The words of a session: what it is told, what it asks for next, and what it finds.

use std::time::Duration;

use super::super::happening::{Break, Ending};
use crate::failure::Failure;
use crate::media::attribution::Refusal;
use crate::media::fragment::{ErrorDocument, Fragment, FragmentNumber};
use crate::media::ticks::EpochMillis;

/// How one call is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A call of which nothing more comes for so long is over.
    pub idle_end: Duration,
    /// A connection is given up for a new one at this age, before GetMedia ends it.
    pub max_session: Duration,
    /// A body of which nothing came for so long is given up, if not before.
    pub max_silence: Duration,
    /// How often a request that KVS refused is made again.
    pub retries: u32,
    /// The wait before the first of them; it doubles with each further one.
    pub retry_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle_end: Duration::from_secs(20),
            max_session: Duration::from_secs(40 * 60),
            max_silence: Duration::from_secs(10),
            retries: 3,
            retry_interval: Duration::from_secs(1),
        }
    }
}

/// The call whose media is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its ContactId, and others that its media may carry.
    pub contacts: Vec<Box<str>>,
    /// When its media started, on the server's clock.
    pub started: EpochMillis,
    /// The fragment that it started with, when that is told.
    pub start_fragment: Option<FragmentNumber>,
    /// The last fragment that was read of it before, when it is read on.
    pub behind: Option<FragmentNumber>,
}

/// Where GetMedia is to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// SERVER_TIMESTAMP: with the fragment that holds the instant.
    At(EpochMillis),
    /// FRAGMENT_NUMBER: behind this fragment.
    After(FragmentNumber),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Give up the body that is open, if one is, and ask for media from here on. The answer goes to
    /// [`opened`](super::Session::opened) or [`refused`](super::Session::refused).
    Open(Start),
    /// Read the body; at this time at the latest, ask again what to do.
    Read(Duration),
    /// No body is open: wait until this time.
    Wait(Duration),
    /// The call is over, or cannot be read: give up the body.
    Stop(Stop),
}

/// How a session ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The call is over.
    Ended(Ending),
    /// It cannot be read, or not any more.
    Failed(Failure),
}

/// What was found in the media.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The call's next fragment.
    Own(Fragment),
    /// The connection is over, and a new one is made.
    Reconnecting(Break),
    /// Fragments that KVS will not give, behind the last one.
    Lost(ErrorDocument),
    /// A fragment that may be the call's and is left out, since nothing proves it.
    Unproven(Refusal),
    /// Nothing of the call came for [`NOTHING_YET`](super::NOTHING_YET).
    NothingYet,
    /// A request failed and will be made again.
    Retrying(Failure),
    /// Media that nothing could be read of.
    Damaged(String),
}
