//! What broke, and what to do about it: a [`Failure`] names the thing, the cause and the
//! cure, and says whether trying again can help. One table, [`FailureKind`], sorts them.
//! Each edge maps its own errors to these kinds in one place of its own.

pub mod parked;

use std::fmt;

/// What becomes of work that failed. The order is that of several in one record: what can be
/// tried at once comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Try again: it can go better by itself.
    Retry,
    /// Try again, but later: it can go better by itself, and waiting for it here and now
    /// holds up what comes behind it.
    RetryLater,
    /// Keep it for a redrive: somebody must mend something first.
    Park,
}

impl Action {
    /// What a record waits for once it is parked.
    pub const fn waits_for(self) -> WaitsFor {
        match self {
            Self::Retry | Self::RetryLater => WaitsFor::Time,
            Self::Park => WaitsFor::Person,
        }
    }
}

/// Whether what comes to nothing is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// It is; what is lacking is still waited for.
    More,
    /// This is the last time: it is made of what there is.
    Last,
}

/// What a parked record waits for. The order is that of several in one record: where a
/// person is needed for one of its parts, the record waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitsFor {
    /// It can go better by itself: an outage ends.
    Time,
    /// Somebody must mend something.
    Person,
}

impl WaitsFor {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Time, Self::Person];

    /// A word for programs: log fields and parked records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Person => "person",
        }
    }

    /// What has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|waits| waits.name() == name)
    }
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
    /// The media was there and is older than the stream keeps it.
    RetentionOver,
    /// The list of the recording's fragments lacks what the record names.
    ListingIncomplete,
    /// The key that the stream or the store is encrypted with refuses.
    Key(KeyTrouble),
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
    /// Another delivery wrote the same recording at the same moment.
    Contended,
    /// The recording is longer than a WAV file can be.
    TooLong,
    /// A call is not allowed; the permission that it needs.
    Denied(&'static str),
    /// The caller's own credentials are missing, wrong or expired.
    NoCredentials,
    /// Too many calls.
    Throttled,
    /// The service failed or did not answer in time.
    Unavailable,
    /// The connection could not be made, broke or fell silent.
    ConnectionLost,
    /// The bucket for recordings is not there.
    BucketMissing,
    /// It is in another region than the one that was asked.
    WrongRegion,
    /// The object lies in an archive, out of which it must be restored first.
    Archived,
    /// The contact is not there.
    ContactMissing,
    /// The record does not name the Connect instance.
    InstanceUnknown,
    /// The queue for parked records is not there.
    QueueMissing,
    /// The service will not take the request as it is.
    Refused,
    /// A stream record or a message that cannot be read: nobody knows what it was.
    RecordUnreadable,
    /// A contact record that does not say where its recording's audio is.
    NotLocated,
    /// None of a recording's fragments came, though there are some.
    NothingCame,
    /// Callreel itself broke on it.
    Defect,
}

/// What a KMS key refused with. KVS says so inside of an answer that is a success (HTTP
/// 200), by the ids 4500 to 4506 (KVS developer guide, GetMedia).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTrouble {
    /// 4500: access to the key is denied.
    AccessDenied,
    /// 4501: the key is disabled.
    Disabled,
    /// 4502: the key does not fit its use.
    NotValid,
    /// 4503: the key is unavailable.
    Unavailable,
    /// 4504: the key is not for encryption.
    WrongUsage,
    /// 4505: the key's state does not allow its use, e.g. it is about to be deleted.
    WrongState,
    /// 4506: the key is not there.
    NotFound,
}

impl KeyTrouble {
    /// What an `AWS_KINESISVIDEO_ERROR_ID` says about the key, if anything.
    pub const fn from_error_id(id: u32) -> Option<Self> {
        Some(match id {
            4500 => Self::AccessDenied,
            4501 => Self::Disabled,
            4502 => Self::NotValid,
            4503 => Self::Unavailable,
            4504 => Self::WrongUsage,
            4505 => Self::WrongState,
            4506 => Self::NotFound,
            _ => return None,
        })
    }

    /// What is wrong, in a few words.
    pub const fn cause(self) -> &'static str {
        match self {
            Self::AccessDenied => "access to the KMS key is denied",
            Self::Disabled => "the KMS key is disabled",
            Self::NotValid => "the KMS key is not valid for this use",
            Self::Unavailable => "the KMS key is unavailable",
            Self::WrongUsage => "the KMS key's usage is not ENCRYPT_DECRYPT",
            Self::WrongState => "the KMS key's state does not allow its use",
            Self::NotFound => "the KMS key is not found",
        }
    }

    const fn cure(self) -> &'static str {
        match self {
            Self::AccessDenied => {
                "allow kms:Decrypt on the stream's key (kms:Decrypt and kms:GenerateDataKey on the bucket's) to the recorder's role, in the key's policy too"
            }
            Self::Disabled => "enable the key",
            Self::NotValid | Self::WrongUsage => {
                "use a symmetric key with usage ENCRYPT_DECRYPT in the same region"
            }
            Self::Unavailable => "check the key and its key store, then redrive",
            Self::WrongState => "cancel the key's deletion or import its material again",
            Self::NotFound => {
                "restore the key; without it the media cannot be decrypted by anybody"
            }
        }
    }
}

/// A row of the table: what is known of a kind.
struct Row {
    name: &'static str,
    action: Action,
    cure: &'static str,
}

const fn row(name: &'static str, action: Action, cure: &'static str) -> Row {
    Row { name, action, cure }
}

impl FailureKind {
    /// The table: of each kind its word for programs, what becomes of the work, and what to
    /// do, for whoever reads it. Who shows a failure to a reader with means of their own, such
    /// as the flags of a command, words the cure for them.
    const fn row(self) -> Row {
        use Action::{Park, Retry, RetryLater};
        match self {
            Self::StreamNotNamed => row(
                "stream_not_named",
                Park,
                "correct the Location in the contact record's Recordings",
            ),
            Self::StreamMissing => row(
                "stream_missing",
                Park,
                "check that the stream is there, in this account and region",
            ),
            Self::StreamEmpty => row(
                "stream_empty",
                Park,
                "put the stream's media there as .mkv files",
            ),
            Self::NotThere => row("not_there", Park, "check the path"),
            Self::NotAFile => row("not_a_file", Park, "a plain file must be there"),
            Self::RetentionOver => row(
                "retention_over",
                Park,
                "this audio is gone; give the instance's live media streaming a longer retention so that a retry can come in time",
            ),
            Self::ListingIncomplete => row(
                "listing_incomplete",
                RetryLater,
                "it is tried again; some hours after the call, or when the stream will not keep the audio much longer, what is listed is recorded as partial",
            ),
            Self::Key(trouble) => row("key_trouble", Park, trouble.cure()),
            Self::ReadDenied => row("read_denied", Park, "give this user the right to read it"),
            Self::ReadFailed => row("read_failed", Retry, "try again"),
            Self::Unreadable => row("unreadable", Park, "repair or remove it"),
            Self::StoreFull => row("store_full", Retry, "free some space where recordings go"),
            Self::WriteDenied => row(
                "write_denied",
                Park,
                "give this user the right to write there",
            ),
            Self::WriteBlocked => row("write_blocked", Park, "move what stands in its way"),
            Self::WriteFailed => row(
                "write_failed",
                Retry,
                "it is tried again; if this lasts, look at the cause and at where recordings go",
            ),
            Self::OutOfTime => row("out_of_time", Retry, "it is handed back and tried again"),
            Self::Contended => row("contended", Retry, "it is tried again"),
            Self::TooLong => row("too_long", Park, "extract it in parts"),
            // The permission itself stands in the failure's text.
            Self::Denied(_) => row("denied", Park, "allow it to the role that this runs as"),
            Self::NoCredentials => row(
                "no_credentials",
                Retry,
                "give the recorder a role, or log in; a session that expired must be renewed",
            ),
            Self::Throttled => row(
                "throttled",
                Retry,
                "it is tried again; if this lasts, lower KVS_CONNECTIONS or the function's concurrency, or ask AWS for a higher quota",
            ),
            Self::Unavailable => row(
                "unavailable",
                Retry,
                "it is tried again; if this lasts, check the network and the state of the service",
            ),
            Self::ConnectionLost => row(
                "connection_lost",
                Retry,
                "it is tried again; if this lasts, check the network and the state of the service",
            ),
            Self::BucketMissing => row(
                "bucket_missing",
                Park,
                "check the bucket's name (for recordings RECORDINGS_BUCKET_NAME), and that it is in this region",
            ),
            Self::ContactMissing => row(
                "contact_missing",
                Park,
                "Connect keeps contacts for 24 months; check that the record is of this account and region",
            ),
            Self::InstanceUnknown => row(
                "instance_unknown",
                Park,
                "the contact record must carry InstanceARN; redrive it with one",
            ),
            Self::QueueMissing => row("queue_missing", Park, "check PARKING_QUEUE_URL"),
            Self::WrongRegion => row(
                "wrong_region",
                Park,
                "set REGION to the bucket's region, or use a bucket in this one",
            ),
            Self::Archived => row(
                "archived",
                Park,
                "restore the object, and keep verdicts (`_verdict.json`) out of the archive by the bucket's lifecycle rules; no permission is missing",
            ),
            Self::Refused => row(
                "refused",
                Park,
                "look at the cause; a setting or the record is at fault",
            ),
            Self::RecordUnreadable => row(
                "record_unreadable",
                Park,
                "look what it was, and mend what wrote it (docs/operations.md, \"A record that cannot be read\")",
            ),
            Self::NotLocated => row(
                "not_located",
                Park,
                "correct the contact record, and redrive it",
            ),
            Self::NothingCame => row(
                "nothing_came",
                RetryLater,
                "it is tried again later; check that the stream holds this call",
            ),
            Self::Defect => row(
                "defect",
                Park,
                "this is a fault of Callreel: report it with the log's lines before this one; the record is kept",
            ),
        }
    }

    /// Whether trying again can help.
    pub const fn action(self) -> Action {
        self.row().action
    }

    /// Whether the service itself is out, so that the next call fares no better. A throttle
    /// is none: it lets others through.
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::Unavailable | Self::ConnectionLost)
    }

    /// A word for programs: log fields, metrics, parked records.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What to do, in a few words.
    pub const fn cure(self) -> &'static str {
        self.row().cure
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

impl Failure {
    /// What to do, with the permission that is missing where one is.
    pub fn cure(&self) -> String {
        let cure = self.kind.cure();
        if let FailureKind::Denied(permission) = self.kind {
            format!("{permission}: {cure}")
        } else {
            cure.to_owned()
        }
    }

    /// The whole of it, with a cure in the words of its reader.
    pub fn told_with(&self, cure: &str) -> String {
        format!("{}: {}; {cure}", self.subject, self.cause)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told_with(&self.cure()))
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_trouble_is_4500_to_4506_and_nothing_else() {
        let ids: Vec<_> = (0..10_000)
            .filter(|id| KeyTrouble::from_error_id(*id).is_some())
            .collect();
        assert_eq!(ids, (4500..=4506).collect::<Vec<_>>());
        assert_eq!(
            KeyTrouble::from_error_id(4503),
            Some(KeyTrouble::Unavailable)
        );
    }

    #[test]
    fn a_denied_call_names_its_permission() {
        let failure = Failure::new(
            FailureKind::Denied("kinesisvideo:ListFragments"),
            "stream s",
            "403",
        );
        assert_eq!(
            failure.to_string(),
            "stream s: 403; kinesisvideo:ListFragments: allow it to the role that this runs as"
        );
    }
}
