//! What is wrong with a deployment, and what to do about it: facts in, findings out. The
//! facts are gathered elsewhere; here they are judged, each by one [`Check`] that asks one
//! question and has one cure. A fact that could not be found out leaves its checks open
//! and no other. `docs/doctor.md` repeats [`CHECKS`], and a test compares.
//!
//! Refuses to guess: what is not known is [`Level::Unchecked`], never good.

mod alarms;
mod answering;
mod archive;
mod checks;
mod connect;
pub mod facts;
pub mod filter;
mod function;
mod keys;
mod live;
mod mapping;
pub mod need;
mod queues;
mod report;
pub mod rights;
#[cfg(test)]
mod sample;
mod storage;
mod voicemail;
mod web;

pub use checks::{CHECKS, CheckInfo};

use facts::Deployment;
use report::Report;

/// What is asked. Every report has at least one finding of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "CHECKS says what each asks")]
pub enum Check {
    Function,
    Settings,
    Timeout,
    Memory,
    Runtime,
    Mapping,
    MappingResult,
    PartialBatches,
    Bisect,
    Attempts,
    RecordAge,
    FailureDestination,
    StartingPosition,
    Filter,
    RetryMapping,
    RecordStream,
    RecordRetention,
    Bucket,
    BucketVersioning,
    BucketEncryption,
    PublicAccess,
    IncompleteUploads,
    TlsOnly,
    Distribution,
    Origin,
    OriginAccess,
    ViewerProtocol,
    Listeners,
    MediaStreaming,
    MediaRetention,
    ContactRecords,
    StreamRetention,
    Keys,
    Rights,
    ParkingQueue,
    Redrive,
    Visibility,
    Waiting,
    DeadLetters,
    Withdrawn,
    NoteFunction,
    CallEnded,
    AnsweringRights,
    NotesWaiting,
    LiveFunction,
    LiveStream,
    LiveCallEnded,
    LiveRights,
    VoicemailEvents,
    VoicemailWays,
    VoicemailsWaiting,
    VoicemailRights,
    ArchiveRights,
    Alarms,
    AlarmStates,
    AlarmActions,
}

impl Check {
    /// The check in words.
    pub fn info(self) -> &'static CheckInfo {
        // CHECKS has one of each, in this order; a test compares.
        CHECKS.get(self as usize).unwrap_or(&CHECKS[0])
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Calls or their URLs are lost, or will be; or recordings are open to strangers.
    Error,
    /// It works, and something should be done about it.
    Warning,
    /// Could not be found out.
    Unchecked,
    /// As it should be.
    Ok,
}

impl Level {
    /// All levels, the worst first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Unchecked, Self::Ok];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Unchecked => "unchecked",
            Self::Ok => "ok",
        }
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was asked.
    pub check: Check,
    /// How bad it is.
    pub level: Level,
    /// The thing that was looked at.
    pub subject: String,
    /// What was found.
    pub finding: String,
    /// What to do; none where it is as it should be.
    pub cure: Option<String>,
}

/// Judges a deployment: at least one finding for each check, in the order of [`CHECKS`].
pub fn examine(deployment: &Deployment) -> Vec<Finding> {
    let mut report = Report::default();
    function::examine(deployment, &mut report);
    mapping::examine(deployment, &mut report);
    storage::examine(deployment, &mut report);
    web::examine(deployment, &mut report);
    connect::examine(deployment, &mut report);
    keys::examine(deployment, &mut report);
    queues::examine(deployment, &mut report);
    answering::examine(deployment, &mut report);
    live::examine(deployment, &mut report);
    voicemail::examine(deployment, &mut report);
    archive::examine(deployment, &mut report);
    alarms::examine(deployment, &mut report);
    let mut findings = report.findings;
    findings.sort_by_key(|finding| finding.check);
    findings
}

#[cfg(test)]
mod tests;
