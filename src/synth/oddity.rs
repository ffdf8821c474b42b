//! What was met in the field, one thing a name: a call can have any of them together.

use std::fmt;
use std::str::FromStr;

/// Something odd that a stream can have. Where it is met at one place, that is the fragment
/// halfway through the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// From halfway on, the media clock is 2 s back; the server's goes on.
    ClockBack,
    /// From halfway on, the media clock is 30 s ahead; the server's goes on.
    ClockAhead,
    /// Every Cluster has the first one's time.
    ClockStill,
    /// Every block has its Cluster's time.
    BlocksStill,
    /// TimecodeScale is not there, which means a millisecond.
    NoScale,
    /// TimecodeScale has no bytes, which means its default.
    EmptyScale,
    /// TimecodeScale is 0, which no clock can have.
    ZeroScale,
    /// Two fragments are sent once more, under new numbers, by a new session.
    SentTwice,
    /// Samples are cut between two blocks.
    OddCuts,
    /// A fragment names the leg before as well, which the record names.
    TwoContacts,
    /// The first 40 fragments name no contact.
    LateName,
    /// A fragment inside of the call is another contact's.
    ForeignInside,
    /// A third track, of a name that is neither direction, carries audio.
    OtherTrack,
    /// A fragment says that what the customer says is coded in Opus.
    OtherFormat,
    /// 40 unknown elements stand in a row in each Cluster.
    UnknownElements,
    /// Tags hold tags.
    NestedTags,
    /// A fragment breaks off, and its document begins anew behind the break.
    BrokenOff,
}

impl Oddity {
    /// Every oddity, for help and for tests.
    pub const ALL: [Self; 17] = [
        Self::ClockBack,
        Self::ClockAhead,
        Self::ClockStill,
        Self::BlocksStill,
        Self::NoScale,
        Self::EmptyScale,
        Self::ZeroScale,
        Self::SentTwice,
        Self::OddCuts,
        Self::TwoContacts,
        Self::LateName,
        Self::ForeignInside,
        Self::OtherTrack,
        Self::OtherFormat,
        Self::UnknownElements,
        Self::NestedTags,
        Self::BrokenOff,
    ];

    /// The name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClockBack => "clock-back",
            Self::ClockAhead => "clock-ahead",
            Self::ClockStill => "clock-still",
            Self::BlocksStill => "blocks-still",
            Self::NoScale => "no-scale",
            Self::EmptyScale => "empty-scale",
            Self::ZeroScale => "zero-scale",
            Self::SentTwice => "sent-twice",
            Self::OddCuts => "odd-cuts",
            Self::TwoContacts => "two-contacts",
            Self::LateName => "late-name",
            Self::ForeignInside => "foreign-inside",
            Self::OtherTrack => "other-track",
            Self::OtherFormat => "other-format",
            Self::UnknownElements => "unknown-elements",
            Self::NestedTags => "nested-tags",
            Self::BrokenOff => "broken-off",
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Oddity {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|oddity| oddity.name() == name);
        known.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|oddity| oddity.name()).collect();
            format!("no oddity of that name; there are {}", names.join(", "))
        })
    }
}
