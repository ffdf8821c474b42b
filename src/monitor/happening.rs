//! What happens to calls in progress, as whoever reads their media learns of it: the word
//! between that reader and all who show or count it ([`panel`](super::panel), a log, the
//! lines of a terminal). It decides nothing.

use std::fmt;
use std::sync::Arc;

use crate::media::fragment::{Block, Direction};
use crate::media::ticks::EpochMillis;

/// Something that happened to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The call's ContactId.
    pub contact: Arc<str>,
    /// When the reader learnt of it, on this machine's clock.
    pub at: EpochMillis,
    /// What it was.
    pub what: What,
}

/// What can happen to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The call is known, and its media is going to be read. A second one of a call that is
    /// in progress tells more of it.
    Began(Began),
    /// A block of one side came: its samples, and when they were taken on the media's clock.
    Sound(Block),
    /// Media is missing that should have come: lost fragments, not a hold.
    Gap {
        /// The side that lacks it; both where there is none.
        direction: Option<Direction>,
        /// How long it is, in milliseconds of the call.
        millis: u64,
    },
    /// The media's connection is over, and the reader asks for what follows. It ends with the
    /// next block.
    Reconnecting(Break),
    /// What a person should know of the call, in one sentence without a full stop.
    Warning(String),
    /// The call cannot be read, or not any more: the cause and the cure, in one line.
    Failed(String),
    /// The call is over, and its files are whole.
    Ended(Ending),
}

/// What is known of a call when its reading begins. All texts are from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Began {
    /// When its media started (`StartTimestamp`).
    pub start: Option<EpochMillis>,
    /// The same as people read it, `yyyy/MM/dd HH:mm:ss.SSS` in the zone of the settings;
    /// where there is none, whoever looks sees it in their own.
    pub label: Option<String>,
    /// The customer's number or address (`CustomerEndpoint.Address`).
    pub customer: Option<String>,
    /// The number that was called (`SystemEndpoint.Address`).
    pub system: Option<String>,
    /// The queue's name.
    pub queue: Option<String>,
}

/// Why a connection to a call's media is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The reader ended it on purpose, before the service would.
    Planned,
    /// The service ended it in good order.
    Ended,
    /// It broke off.
    Cut,
    /// Nothing came for so long that the reader gave it up.
    Silent,
}

/// Why a call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Connect said so.
    Disconnected,
    /// Another contact's media follows on the stream.
    NextContact,
    /// No media came for the time that the settings give it.
    Idle,
    /// The monitor was ended.
    Stopped,
}

impl Break {
    /// One word, as logs and pages have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Ended => "ended",
            Self::Cut => "cut",
            Self::Silent => "silent",
        }
    }
}

impl Ending {
    /// One word, as logs and pages have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::NextContact => "next-contact",
            Self::Idle => "idle",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
