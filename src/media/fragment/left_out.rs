//! What of a fragment's audio did not become blocks: counted in bytes, by direction and
//! reason, so that nothing is lost without a word.

use std::fmt;

use super::Direction;

/// Audio that came in a fragment and is not among its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Which way it went, as far as its track's name tells.
    pub direction: Option<Direction>,
    /// Why it was left out.
    pub reason: LeftOutReason,
    /// How much of it came, in bytes: block headers do not count. Where damage hides what
    /// was audio and what was not, the bytes that may have been audio.
    pub bytes: u64,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of audio left out: {}", self.bytes, self.reason)?;
        match self.direction {
            Some(direction) => write!(f, ", direction {direction}"),
            None => Ok(()),
        }
    }
}

/// Why audio of a fragment is not among its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum LeftOutReason {
    /// The fragment or its track says that it is no 16-bit PCM, mono, 8 kHz.
    #[error("another format")]
    Format,
    /// Its track is declared by a name that is neither direction of the customer.
    #[error("a track of another name")]
    OtherTrack,
    /// Its track is not declared at all.
    #[error("a track that is not declared")]
    UndeclaredTrack,
    /// Its track is compressed or encrypted by the container.
    #[error("content encodings, which are not read")]
    Encoded,
    /// Its block holds several frames.
    #[error("lacing, which is not read")]
    Laced,
    /// Nothing tells when it was.
    #[error("no usable time")]
    NoTime,
    /// A named limit was reached: too large a block, too many of them, too many bytes.
    #[error("a limit was reached")]
    Limit,
    /// The media ended, or another document began, inside of its block.
    #[error("a block that is cut off")]
    Truncated,
    /// It lies where nothing can be read: in a block with an impossible header, or behind
    /// an element that is none.
    #[error("unreadable media")]
    Unreadable,
}

impl LeftOutReason {
    /// Every reason, for tables and for tests.
    pub const ALL: [Self; 9] = [
        Self::Format,
        Self::OtherTrack,
        Self::UndeclaredTrack,
        Self::Encoded,
        Self::Laced,
        Self::NoTime,
        Self::Limit,
        Self::Truncated,
        Self::Unreadable,
    ];

    /// The word for programs, as in the verdict.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::OtherTrack => "other_track",
            Self::UndeclaredTrack => "undeclared_track",
            Self::Encoded => "encoded",
            Self::Laced => "laced",
            Self::NoTime => "no_time",
            Self::Limit => "limit",
            Self::Truncated => "truncated",
            Self::Unreadable => "unreadable",
        }
    }
}
