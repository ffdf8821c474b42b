//! What could not be read: where, and of what kind.

use std::fmt;

use super::{Direction, FragmentNumber};

/// Something in a body that could not be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The fragment it was found in, when its number was known by then.
    pub number: Option<FragmentNumber>,
    /// The direction of the block it was found in, when there was one.
    pub direction: Option<Direction>,
    /// Where in the body, in bytes.
    pub offset: u64,
    /// What it was.
    pub kind: DamageKind,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.kind)?;
        if let Some(direction) = self.direction {
            write!(f, ", direction {direction}")?;
        }
        if let Some(number) = self.number {
            write!(f, ", fragment {number}")?;
        }
        Ok(())
    }
}

/// The kinds of damage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamageKind {
    /// Bytes that are no EBML element, or an element that breaks its own format.
    #[error("unreadable element ({0})")]
    Unreadable(Box<str>),
    /// The body ended inside an element.
    #[error("the media ends inside an element")]
    Truncated,
    /// An element that claims more than the limit.
    #[error("element 0x{id:X} claims {size} bytes, the limit is {limit}")]
    ElementTooLarge {
        /// The element's id.
        id: u64,
        /// The size it claims.
        size: u64,
        /// The named limit.
        limit: u64,
    },
    /// Elements nested deeper than the limit.
    #[error("elements nested deeper than {limit}")]
    TooDeep {
        /// The named limit.
        limit: usize,
    },
    /// A fragment with more audio or more blocks than the limit.
    #[error("fragment with more than {limit} {what}")]
    FragmentTooLarge {
        /// What there was too much of.
        what: &'static str,
        /// The named limit.
        limit: usize,
    },
    /// A block too short for its own header.
    #[error("block of {0} bytes, shorter than its header")]
    BlockTooShort(usize),
    /// Laced blocks, which Connect does not write and Callreel does not read.
    #[error("laced block (lacing is not read)")]
    Laced,
    /// A block before any Cluster timestamp, or at a time that no clock holds.
    #[error("block without a usable time")]
    NoTime,
    /// A document that is no error and has no Cluster: it broke off before its audio.
    #[error("the document ends before its audio")]
    NoCluster,
    /// A TimestampScale of 0, which no clock has: times are read by the default scale.
    #[error("TimestampScale of 0, read as the default of 1000000")]
    NoScale,
    /// Audio of a track that the document does not declare, or declares twice.
    #[error("audio of track {0}, which is not declared")]
    UnknownTrack(u64),
    /// Audio of a track whose name is neither of the customer's directions.
    #[error(
        "{bytes} bytes of audio of track {number}, {name:?}, which is neither customer direction by name"
    )]
    OtherTrack {
        /// The track's number.
        number: u64,
        /// Its name, cut to a readable length.
        name: Box<str>,
        /// How much audio it holds in this fragment.
        bytes: u64,
    },
    /// Encoded tracks (compressed or encrypted by the container).
    #[error("track {0} has content encodings, which are not read")]
    EncodedTrack(u64),
    /// A format that is not 16-bit PCM, mono, 8 kHz.
    #[error("media format {0:?}, not audio/L16;rate=8000;channels=1")]
    Format(Box<str>),
    /// A tag that is not what its name asks for.
    #[error("tag {name} with the value {value:?}")]
    BadTag {
        /// The tag's name.
        name: Box<str>,
        /// Its value, cut to a readable length.
        value: Box<str>,
    },
    /// A fragment that came with audio, and with the tags of an error.
    #[error("tagged as the error {code:?} beside its audio")]
    ErrorTag {
        /// `AWS_KINESISVIDEO_ERROR_ID`.
        id: Option<u32>,
        /// `AWS_KINESISVIDEO_ERROR_CODE`.
        code: Box<str>,
    },
}

impl DamageKind {
    /// Whether it can have happened on the way from KVS, so that another copy of the
    /// fragment may be whole. What a fragment declares of itself is the same in every copy.
    pub const fn may_be_of_the_way(&self) -> bool {
        !matches!(
            self,
            Self::Format(_)
                | Self::EncodedTrack(_)
                | Self::OtherTrack { .. }
                | Self::NoScale
                | Self::FragmentTooLarge { .. }
        )
    }
}
