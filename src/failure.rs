//! What broke, and what to do about it: a [`Failure`] names the thing, the cause and the
//! cure, and says whether trying again can help. One table, [`FailureKind`], sorts them.

use std::fmt;

/// What becomes of work that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Try again: it can go better by itself.
    Retry,
    /// Keep it for a redrive: somebody must mend something first.
    Park,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The record names no Kinesis video stream.
    StreamNotNamed,
    /// The stream that the record names is not there.
    StreamMissing,
    /// The stream is there, without any media.
    StreamEmpty,
    /// What should be read is not there.
    NotThere,
    /// What should be read is no file that can be read again.
    NotAFile,
    /// Media or notes are there and may not be read.
    ReadDenied,
    /// Reading broke off.
    ReadFailed,
    /// What should be read is not what it must be.
    Unreadable,
    /// No space is left where recordings go.
    StoreFull,
    /// Recordings may not be written where they go.
    WriteDenied,
    /// Something else stands where recordings go.
    WriteBlocked,
    /// Writing broke off.
    WriteFailed,
    /// The invocation's time is up.
    OutOfTime,
    /// The recording is longer than a WAV file can be.
    TooLong,
}

impl FailureKind {
    /// Whether trying again can help.
    pub const fn action(self) -> Action {
        match self {
            Self::ReadFailed | Self::WriteFailed | Self::StoreFull | Self::OutOfTime => Action::Retry,
            Self::StreamNotNamed
            | Self::StreamMissing
            | Self::StreamEmpty
            | Self::NotThere
            | Self::NotAFile
            | Self::ReadDenied
            | Self::Unreadable
            | Self::WriteDenied
            | Self::WriteBlocked
            | Self::TooLong => Action::Park,
        }
    }

    /// What to do, in a few words.
    pub const fn cure(self) -> &'static str {
        match self {
            Self::StreamNotNamed => "correct the Location in the contact record's Recordings",
            Self::StreamMissing => {
                "name the folder that holds the stream's folder with --streams, or check its name"
            }
            Self::StreamEmpty => "put the stream's media there as .mkv files",
            Self::NotThere => "check the path",
            Self::NotAFile => "a plain file must be there",
            Self::ReadDenied => "give this user the right to read it",
            Self::ReadFailed => "try again",
            Self::Unreadable => "repair or remove it",
            Self::StoreFull => "free some space, or choose another folder with --out",
            Self::WriteDenied => {
                "give this user the right to write there, or choose another folder with --out"
            }
            Self::WriteBlocked => {
                "move what stands in its way, or choose another folder with --out"
            }
            Self::WriteFailed => "try again, or choose another folder with --out",
            Self::OutOfTime => "it is handed back and tried again",
            Self::TooLong => "extract it in parts",
        }
    }
}

/// Something that went wrong outside of the media itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which kind.
    pub kind: FailureKind,
    /// The thing at fault: a path, a stream, a key.
    pub subject: String,
    /// What was wrong with it.
    pub cause: String,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: FailureKind, subject: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self {
            kind,
            subject: subject.to_string(),
            cause: cause.to_string(),
        }
    }

    /// Whether trying again can help.
    pub const fn action(&self) -> Action {
        self.kind.action()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.subject, self.cause, self.kind.cure())
    }
}

impl std::error::Error for Failure {}
