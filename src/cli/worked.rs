//! What became of records: worked on with a bar, and told as rows, JSON and error lines.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::count_bar;
use super::reader::Reader;
use super::text::{duration, short_number};
use crate::connect::record::{Limits, NotAContactRecord};
use crate::event::batch::{BatchRecord, Origin};
use crate::port::{ContactAttributes, FragmentSource, NoDeadline, Recordings};
use crate::recorder::{
    AttributesOutcome, Progress, Recorded, Recorder, Worked, WorkedRecord, open_batch,
};
use crate::recording::attributes::MAX_ATTRIBUTE_BYTES;
use crate::recording::decide::SkipReason;
use crate::recording::verdict::{FileEntry, Status};

/// Where recordings went.
pub(super) enum Place {
    /// Below this folder, by key.
    Folder(PathBuf),
    /// Into this bucket; files are shown by their URLs.
    #[cfg(feature = "operate")]
    Bucket(String),
}

impl Place {
    pub(super) fn show_file(&self, file: &FileEntry) -> String {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(&file.key);
                let gone = if path.exists() {
                    ""
                } else {
                    "  (gone; remove the verdict to record it again)"
                };
                format!("{}{gone}", path.display())
            }
            #[cfg(feature = "operate")]
            Self::Bucket(_) => file.url.clone(),
        }
    }

    pub(super) fn show_key(&self, key: &str) -> String {
        match self {
            Self::Folder(folder) => folder.join(key).display().to_string(),
            #[cfg(feature = "operate")]
            Self::Bucket(bucket) => format!("s3://{bucket}/{key}"),
        }
    }

    /// Who reads what became of it.
    pub(super) const fn reader(&self) -> Reader {
        match self {
            Self::Folder(_) => Reader::Folders,
            #[cfg(feature = "operate")]
            Self::Bucket(_) => Reader::Aws,
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            #[cfg(feature = "operate")]
            Self::Bucket(bucket) => format!("s3://{bucket}"),
        }
    }
}

/// Works the records one after the other, with a bar for the fragments of each.
pub(super) async fn work_all<S: FragmentSource, R: Recordings, N: ContactAttributes>(
    recorder: &Recorder<S, R, N>,
    records: &[BatchRecord],
) -> Vec<WorkedRecord> {
    let bar = count_bar("fragments");
    let mut worked = Vec::new();
    for parts in open_batch(records, &recorder.policy, Limits::NONE) {
        let told = |progress: Progress| {
            if bar.length() != Some(progress.of) {
                // The time before went into finding the fragments.
                bar.set_length(progress.of);
                bar.reset_elapsed();
            }
            bar.set_position(progress.settled);
        };
        worked.push(Box::pin(recorder.work_parts(parts, &NoDeadline, told)).await);
    }
    bar.finish_and_clear();
    worked
}

/// What to do about a record that cannot be read.
const fn reading_cure(origin: Origin) -> &'static str {
    match origin {
        Origin::Kinesis => "it was left out, mend what writes to the data stream",
        Origin::Sqs => "it was left out, mend what writes to the queue",
    }
}

/// The error to tell of a part, unless it went as it should.
pub(super) fn error_line(reader: Reader, origin: Origin, part: &Worked) -> Option<String> {
    let cure = reading_cure(origin);
    match part {
        Worked::Undecodable(cause) => Some(format!("{}; {cure}", sentence(cause))),
        Worked::NotAContactRecord(error @ NotAContactRecord::Unreadable(_)) => {
            Some(format!("{error}; {cure}"))
        }
        Worked::NotOpened { failure, .. } => Some(reader.told(failure)),
        Worked::Failed(plan, failure) => Some(format!(
            "contact {}: {}",
            plan.id.contact,
            reader.told(failure)
        )),
        Worked::Recorded(plan, recorded) => recorded_error(reader, &plan.id.contact, recorded),
        // To be recorded, and cannot be: that is no skipping.
        Worked::Skipped {
            contact,
            reason: reason @ SkipReason::NotLocated { .. },
        } => Some(format!(
            "contact {contact}: {reason}; correct the contact record"
        )),
        Worked::NotAContactRecord(NotAContactRecord::OtherShape(_)) | Worked::Skipped { .. } => {
            None
        }
    }
}

/// Without the full stop that decoders put behind their messages.
fn sentence(cause: &str) -> &str {
    cause.trim_end_matches('.')
}

fn recorded_error(reader: Reader, contact: &str, recorded: &Recorded) -> Option<String> {
    if recorded.verdict.status == Status::Failed {
        let verdict = &recorded.verdict;
        let reasons: Vec<_> = verdict
            .reasons
            .iter()
            .map(|reason| reason.detail.as_str())
            .collect();
        return Some(format!(
            "contact {contact}: nothing could be read from {}: {}; check that the stream holds this call",
            verdict.recording.stream,
            reasons.join(", ")
        ));
    }
    match &recorded.attributes {
        AttributesOutcome::NoRoom { bytes } => Some(format!(
            "contact {contact}: its attributes would take {bytes} bytes of {MAX_ATTRIBUTE_BYTES}; remove some, the files are written"
        )),
        AttributesOutcome::Failed(failure) => Some(format!(
            "contact {contact}: {}; the files are written, record again to note them",
            reader.told(failure)
        )),
        AttributesOutcome::Withdrawn => Some(format!(
            "contact {contact}: its recordingAuth does not allow all that was recorded, and no URL was written; \
             delete it with callreel forget"
        )),
        AttributesOutcome::Written
        | AttributesOutcome::Unchanged
        | AttributesOutcome::NothingToWrite
        | AttributesOutcome::NotOurs { .. } => None,
    }
}

/// What stands above rows of parts.
pub(super) const HEADING: [&str; 5] = [
    "CONTACT",
    "RECORDING",
    "OUTCOME",
    "DURATION",
    "FILES OR REASON",
];

pub(super) fn row(part: &Worked) -> [String; 5] {
    let dash = || "-".to_owned();
    let (contact, recording) = match part {
        Worked::Undecodable(_) | Worked::NotAContactRecord(_) => (dash(), dash()),
        Worked::NotOpened { contact, .. } => (contact.as_deref().unwrap_or("-").into(), dash()),
        Worked::Skipped { contact, .. } => (contact.to_string(), dash()),
        Worked::Failed(plan, _) | Worked::Recorded(plan, _) => (
            plan.id.contact.to_string(),
            short_number(&plan.id.start.to_string()),
        ),
    };
    let (lasts, last) = match part {
        Worked::Undecodable(cause) => (dash(), sentence(cause).to_owned()),
        Worked::NotAContactRecord(error) => (dash(), error.to_string()),
        Worked::Skipped { reason, .. } => (dash(), reason.to_string()),
        Worked::NotOpened { .. } | Worked::Failed(..) => (dash(), "see the error".to_owned()),
        Worked::Recorded(_, recorded) => recorded_cells(recorded),
    };
    let found = matches!(part, Worked::Recorded(_, recorded) if recorded.found);
    let outcome = format!("{}{}", outcome(part), if found { " (found)" } else { "" });
    [contact, recording, outcome, lasts, last]
}

/// Duration, and files or why there are none.
fn recorded_cells(recorded: &Recorded) -> (String, String) {
    let verdict = &recorded.verdict;
    let files: Vec<_> = verdict.files.iter().map(|file| &*file.kind).collect();
    match (files.is_empty(), verdict.status) {
        (false, _) => (duration(verdict.span.seconds), files.join(" ")),
        (true, Status::Failed) => ("-".to_owned(), "see the error".to_owned()),
        (true, _) => ("-".to_owned(), "there was no audio".to_owned()),
    }
}

/// What became of a part, in a word for people and programs.
fn outcome(part: &Worked) -> &'static str {
    match part {
        Worked::Undecodable(_) | Worked::NotAContactRecord(NotAContactRecord::Unreadable(_)) => {
            "unreadable"
        }
        Worked::NotOpened { .. }
        | Worked::Failed(..)
        | Worked::Skipped {
            reason: SkipReason::NotLocated { .. },
            ..
        } => "failed",
        Worked::NotAContactRecord(NotAContactRecord::OtherShape(_)) | Worked::Skipped { .. } => {
            "skipped"
        }
        Worked::Recorded(_, recorded) => recorded.verdict.status.name(),
    }
}

pub(super) fn part_json(reader: Reader, origin: Origin, part: &Worked) -> Value {
    let (outcome, error) = (outcome(part), error_line(reader, origin, part));
    match part {
        Worked::Undecodable(cause) => json!({"outcome": outcome, "reason": cause, "error": error}),
        Worked::NotAContactRecord(reason) => {
            json!({"outcome": outcome, "reason": reason.to_string(), "error": error})
        }
        Worked::NotOpened { contact, failure } => {
            json!({"outcome": outcome, "contact": contact, "reason": reader.told(failure), "error": error})
        }
        Worked::Skipped { contact, reason } => {
            json!({"outcome": outcome, "contact": contact, "reason": reason.to_string(), "error": error})
        }
        Worked::Failed(plan, failure) => json!({
            "outcome": outcome,
            "contact": plan.id.contact,
            "recording": plan.id.start.to_string(),
            "reason": reader.told(failure),
            "error": error,
        }),
        Worked::Recorded(plan, recorded) => json!({
            "outcome": outcome,
            "contact": plan.id.contact,
            "recording": plan.id.start.to_string(),
            "found": recorded.found,
            "attributes": recorded.attributes.name(),
            "verdict_key": plan.keys.verdict(),
            "verdict": recorded.verdict,
            "error": error,
        }),
    }
}
