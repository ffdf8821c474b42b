//! `callreel record`: the whole pipeline on a Kinesis or SQS event.

use std::io::Write;
use std::path::{Path, PathBuf};

use futures_executor::block_on;
use serde_json::{Value, json};

use super::table::write_table;
use super::text::{duration, plain, short_number};
use super::{CliError, count_bar, cures, ended, event, folder_url, tell_error, tell_swept};
use crate::connect::record::{Limits, NotAContactRecord};
use crate::event::batch::{self, BatchRecord, Origin};
use crate::local::{LocalContacts, LocalRecordings, LocalStreams};
use crate::port::{ContactAttributes, FragmentSource, NoDeadline, Recordings};
use crate::recorder::{
    AttributesOutcome, Progress, Reading, Recorded, Recorder, Worked, WorkedRecord, open_batch,
};
use crate::recording::decide::SkipReason;
use crate::recording::plan::Policy;
use crate::recording::verdict::{FileEntry, Status};
use crate::settings;

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.record/1";
/// Streams beside the event win; else those of the examples in this repository.
const STREAMS_BESIDE: &str = "streams";
const STREAMS_OF_EXAMPLES: &str = "tests/data/streams";

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Writes DIR/PREFIX…/CONTACT_FRAGMENT_{from,to,mixed}.wav with a verdict (JSON) beside them, and \
    the files' URLs to DIR/contacts.json. A recording whose verdict is there is not made again.\n\n\
    Runs may share DIR at the same time: they take turns at contacts.json, by the lock of DIR/.callreel.lock. A run \
    that is ended leaves unfinished files (.part), which can hold audio: the next run of the \
    same command into DIR removes them.\n\n\
    Try it:  callreel record events/kinesis-event.json\n\
    Or make a call of your own first:  callreel synth && callreel record demo/event.json --out demo/out"
)]
pub(super) struct RecordArgs {
    /// A Kinesis event as Lambda gets it, with contact records in base64, or an SQS event of parked records; `-` is
    /// standard input
    event: PathBuf,
    /// A folder with one folder for each KVS stream, of .mkv files [default: `streams` beside the event, else
    /// tests/data/streams]
    #[arg(long, value_name = "DIR")]
    streams: Option<PathBuf>,
    /// The folder for recordings and contacts.json
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// What the recordings' paths start with, below that folder
    #[arg(long, value_name = "PREFIX", default_value = "recordings/", value_parser = parse_prefix)]
    key_prefix: String,
    /// The domain that the files' URLs start with, as the function's CLOUDFRONT_DOMAIN [default: file:// and --out]
    #[arg(long = "cloudfront-domain", value_name = "DOMAIN", value_parser = settings::url_base)]
    url_base: Option<String>,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    aws: super::aws::AwsArgs,
}

pub(super) fn run(args: &RecordArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let (origin, records) = event::read(&args.event)?;
    let (worked, place) = work(args, &records)?;
    let outcomes = records
        .iter()
        .zip(&worked)
        .map(|(record, worked)| (record, worked.action()));
    let handed_back = batch::to_hand_back(origin, outcomes);
    let written = if json {
        let failures: Vec<_> = handed_back
            .iter()
            .map(|number| json!({"itemIdentifier": number}))
            .collect();
        let records: Vec<_> = records
            .iter()
            .zip(&worked)
            .map(|(record, worked)| record_json(origin, record, worked))
            .collect();
        let out_folder = place.name();
        let document = json!({"schema": SCHEMA, "out": out_folder, "records": records, "batchItemFailures": failures});
        writeln!(out, "{document:#}")
    } else if records.is_empty() {
        writeln!(
            out,
            "{}: no records, nothing to do",
            event::name(&args.event)
        )
    } else {
        write_text(out, &place, &worked)
    };
    let mut errors = 0;
    for (position, (record, worked)) in records.iter().zip(&worked).enumerate() {
        for error in worked
            .parts
            .iter()
            .filter_map(|part| error_line(origin, part))
        {
            errors += 1;
            let record = match &record.sequence_number {
                Some(number) => format!("{} {number}", called(origin)),
                None => format!("Records[{position}], which has no number"),
            };
            tell_error(&format!("{record}: {error}"));
        }
    }
    ended(errors, written)
}

/// Keys stay below the folder, so their prefix must, too.
pub(super) fn parse_prefix(text: &str) -> Result<String, String> {
    let leads_out = text.split('/').any(|part| part == ".." || part == ".");
    match leads_out || text.starts_with('/') || text.contains(char::is_control) {
        true => Err("a path below --out, as recordings/ or team/calls-".into()),
        false => Ok(text.to_owned()),
    }
}

/// Where the streams of an event are, when nobody says where: beside it, else where the
/// examples of this repository have theirs, as seen from the event or from here.
fn streams_of(event: &Path) -> PathBuf {
    let folder = event.parent().unwrap_or(Path::new(""));
    let beside = [
        folder.join(STREAMS_BESIDE),
        folder.join("..").join(STREAMS_OF_EXAMPLES),
    ];
    let there = beside.into_iter().find(|streams| streams.is_dir());
    there.unwrap_or_else(|| PathBuf::from(STREAMS_OF_EXAMPLES))
}

fn recorder(args: &RecordArgs) -> Recorder<LocalStreams, LocalRecordings, LocalContacts> {
    let streams = match &args.streams {
        Some(streams) => streams.clone(),
        None => streams_of(&args.event),
    };
    Recorder {
        source: LocalStreams::new(streams),
        store: LocalRecordings::new(&args.out),
        attributes: LocalContacts::new(args.out.join("contacts.json")),
        policy: Policy {
            key_prefix: args.key_prefix.clone(),
            url_base: args
                .url_base
                .clone()
                .unwrap_or_else(|| folder_url(&args.out)),
            instances: Vec::new(),
        },
        reading: Reading::default(),
    }
}

/// Works the records on the edge that the arguments name, and tells where files are.
fn work(
    args: &RecordArgs,
    records: &[BatchRecord],
) -> Result<(Vec<WorkedRecord>, Place), CliError> {
    #[cfg(feature = "aws")]
    if args.aws.aws {
        return super::aws::work(&args.aws, records);
    }
    let recorder = recorder(args);
    tell_swept(&args.out, &recorder.store.sweep(Some(&args.key_prefix)));
    let worked = block_on(work_all(&recorder, records));
    Ok((worked, Place::Folder(args.out.clone())))
}

/// Where recordings went.
pub(super) enum Place {
    /// Below this folder, by key.
    Folder(PathBuf),
    /// Into this bucket; files are shown by their URLs.
    #[cfg(feature = "aws")]
    Bucket(String),
}

impl Place {
    fn show_file(&self, file: &FileEntry) -> String {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(&file.key);
                let gone = if path.exists() {
                    ""
                } else {
                    "  (gone; restore it, or record it again into another --out)"
                };
                format!("{}{gone}", path.display())
            }
            #[cfg(feature = "aws")]
            Self::Bucket(_) => file.url.clone(),
        }
    }

    fn show_key(&self, key: &str) -> String {
        match self {
            Self::Folder(folder) => folder.join(key).display().to_string(),
            #[cfg(feature = "aws")]
            Self::Bucket(bucket) => format!("s3://{bucket}/{key}"),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            #[cfg(feature = "aws")]
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

/// What one record of an event is called there.
const fn called(origin: Origin) -> &'static str {
    match origin {
        Origin::Kinesis => "record",
        Origin::Sqs => "message",
    }
}

/// What becomes of a record that cannot be read, and what to do about it.
const fn reading_cure(origin: Origin) -> &'static str {
    match origin {
        Origin::Kinesis => {
            "nothing was made of it, and the function parks it; mend what writes to the data stream"
        }
        Origin::Sqs => "it goes back to the queue; look what it is, and mend or delete it there",
    }
}

/// The error to tell of a part, unless it went as it should.
pub(super) fn error_line(origin: Origin, part: &Worked) -> Option<String> {
    let cure = reading_cure(origin);
    match part {
        Worked::Undecodable(cause) => Some(format!("{}; {cure}", sentence(cause))),
        Worked::NotAContactRecord(error @ NotAContactRecord::Unreadable(_)) => {
            Some(format!("{error}; {cure}"))
        }
        Worked::NotOpened { failure, .. } => Some(cures::told(failure)),
        Worked::Failed(plan, failure) => Some(format!(
            "contact {}: {}",
            plan.id.contact,
            cures::told(failure)
        )),
        Worked::Recorded(plan, recorded) => recorded_error(&plan.id.contact, recorded),
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

fn recorded_error(contact: &str, recorded: &Recorded) -> Option<String> {
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
            "contact {contact}: its attributes would take {bytes} bytes of 32768; remove some, the files are written"
        )),
        AttributesOutcome::Failed(failure) => Some(format!(
            "contact {contact}: {failure}; the files are written, record again to note them"
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

fn write_text(out: &mut dyn Write, place: &Place, worked: &[WorkedRecord]) -> std::io::Result<()> {
    let rows: Vec<_> = std::iter::once(HEADING.map(str::to_owned))
        .chain(worked.iter().flat_map(|worked| &worked.parts).map(row))
        .collect();
    write_table(out, &rows)?;
    let recorded = worked
        .iter()
        .flat_map(|worked| &worked.parts)
        .filter_map(|part| match part {
            Worked::Recorded(plan, recorded) => Some((plan, recorded)),
            _ => None,
        });
    for (plan, recorded) in recorded {
        writeln!(out)?;
        for file in &recorded.verdict.files {
            writeln!(out, "{}", place.show_file(file))?;
        }
        writeln!(out, "{}", place.show_key(&plan.keys.verdict()))?;
        let status = recorded.verdict.status.name();
        for reason in &recorded.verdict.reasons {
            writeln!(out, "  {status}: {}", plain(&reason.detail))?;
        }
        for note in &recorded.verdict.notes {
            writeln!(out, "  note: {}", plain(&note.detail))?;
        }
        if let AttributesOutcome::NotOurs { attribute } = recorded.attributes {
            writeln!(
                out,
                "  {attribute} holds a value that Callreel did not write; it stays"
            )?;
        }
    }
    Ok(())
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

fn record_json(origin: Origin, record: &BatchRecord, worked: &WorkedRecord) -> Value {
    let parts = worked.parts.iter().map(|part| part_json(origin, part));
    let parts: Vec<_> = parts.collect();
    json!({"sequence_number": record.sequence_number, "recordings": parts})
}

pub(super) fn part_json(origin: Origin, part: &Worked) -> Value {
    let (outcome, error) = (outcome(part), error_line(origin, part));
    match part {
        Worked::Undecodable(cause) => json!({"outcome": outcome, "reason": cause, "error": error}),
        Worked::NotAContactRecord(reason) => {
            json!({"outcome": outcome, "reason": reason.to_string(), "error": error})
        }
        Worked::NotOpened { contact, failure } => {
            json!({"outcome": outcome, "contact": contact, "reason": failure.to_string(), "error": error})
        }
        Worked::Skipped { contact, reason } => {
            json!({"outcome": outcome, "contact": contact, "reason": reason.to_string(), "error": error})
        }
        Worked::Failed(plan, failure) => json!({
            "outcome": outcome,
            "contact": plan.id.contact,
            "recording": plan.id.start.to_string(),
            "reason": failure.to_string(),
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
