//! `callreel record`: the whole pipeline on a Kinesis event.

use std::io::Write;
use std::path::{Path, PathBuf};

use futures_executor::block_on;
use serde_json::{Value, json};

use super::table::{duration, short_number, write_table};
use super::{CliError, count_bar, folder_url};
use crate::batch::{self, BatchRecord};
use crate::contact::NotAContactRecord;
use crate::local::{LocalContacts, LocalRecordings, LocalStreams};
use crate::plan::Policy;
use crate::recorder::{Noted, Reading, Recorded, Recorder, Worked, WorkedRecord};
use crate::verdict::Status;

/// Streams beside the event win; else those of the examples in this repository.
const STREAMS_BESIDE: &str = "streams";
const STREAMS_OF_EXAMPLES: &str = "tests/data/streams";

#[derive(clap::Args, Debug)]
#[command(after_help = "Try it:  callreel record events/kinesis-event.json\n\
    Or make a call of your own first:  callreel synth --out demo && callreel record demo/event.json")]
pub(super) struct RecordArgs {
    /// A Kinesis event as Lambda gets it, with contact records in base64
    event: PathBuf,
    /// A folder with one folder for each KVS stream, of .mkv files [default: `streams` beside the event, else
    /// tests/data/streams]
    #[arg(long, value_name = "DIR")]
    streams: Option<PathBuf>,
    /// The folder for recordings and contacts.json
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// What object keys start with
    #[arg(long, value_name = "PREFIX", default_value = "recordings/")]
    key_prefix: String,
}

pub(super) fn run(args: &RecordArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let told = |error: &dyn std::fmt::Display, cure: &str| {
        CliError::Told(format!("{}: {error}; {cure}", args.event.display()))
    };
    let event = std::fs::read(&args.event).map_err(|error| {
        told(
            &error,
            "give the path of a Kinesis event, e.g. events/kinesis-event.json",
        )
    })?;
    let records = batch::read_batch(&event).map_err(|error| {
        told(
            &error,
            "give a Kinesis event as Lambda gets it, e.g. events/kinesis-event.json",
        )
    })?;
    let recorder = recorder(args);
    let worked = work(&recorder, &records);
    let outcomes = records
        .iter()
        .zip(&worked)
        .map(|(record, worked)| (record, worked.action()));
    let handed_back = batch::to_hand_back(outcomes);
    if json {
        let failures: Vec<_> = handed_back
            .iter()
            .map(|number| json!({"itemIdentifier": number}))
            .collect();
        let records: Vec<_> = records.iter().zip(&worked).map(record_json).collect();
        let document = json!({"records": records, "batchItemFailures": failures});
        writeln!(out, "{document:#}")?;
    } else {
        write_text(out, args, &worked)?;
    }
    let mut failed = false;
    for (record, worked) in records.iter().zip(&worked) {
        for error in worked.parts.iter().filter_map(error_line) {
            failed = true;
            eprintln!(
                "error: record {}: {error}",
                record
                    .sequence_number
                    .as_deref()
                    .unwrap_or("without a number")
            );
        }
    }
    if failed {
        Err(CliError::Already)
    } else {
        Ok(())
    }
}

fn recorder(args: &RecordArgs) -> Recorder<LocalStreams, LocalRecordings, LocalContacts> {
    let beside = args
        .event
        .parent()
        .unwrap_or(Path::new(""))
        .join(STREAMS_BESIDE);
    let streams = match &args.streams {
        Some(streams) => streams.clone(),
        None if beside.is_dir() => beside,
        None => PathBuf::from(STREAMS_OF_EXAMPLES),
    };
    Recorder {
        source: LocalStreams::new(streams),
        store: LocalRecordings::new(&args.out),
        notes: LocalContacts::new(args.out.join("contacts.json")),
        policy: Policy {
            key_prefix: args.key_prefix.clone(),
            url_base: folder_url(&args.out),
        },
        reading: Reading::default(),
    }
}

fn work(
    recorder: &Recorder<LocalStreams, LocalRecordings, LocalContacts>,
    records: &[BatchRecord],
) -> Vec<WorkedRecord> {
    let bar = count_bar("fragments");
    let worked = records.iter().map(|record| {
        block_on(recorder.work(record, |progress| {
            bar.set_length(progress.of);
            bar.set_position(progress.settled);
        }))
    });
    let worked = worked.collect();
    bar.finish_and_clear();
    worked
}

/// The error to tell of a part, unless it went as it should.
fn error_line(part: &Worked) -> Option<String> {
    match part {
        Worked::Undecodable(cause) => Some(format!(
            "{cause}; it was left out, mend what writes to the data stream"
        )),
        Worked::NotAContactRecord(error @ NotAContactRecord::NotJson(_)) => Some(format!(
            "{error}; it was left out, mend what writes to the data stream"
        )),
        Worked::Failed(plan, failure) => Some(format!("contact {}: {failure}", plan.id.contact)),
        Worked::Recorded(plan, recorded) => recorded_error(&plan.id.contact, recorded),
        Worked::NotAContactRecord(NotAContactRecord::OtherShape(_)) | Worked::Skipped { .. } => {
            None
        }
    }
}

fn recorded_error(contact: &str, recorded: &Recorded) -> Option<String> {
    if recorded.verdict.status == Status::Failed {
        let reasons: Vec<_> = recorded
            .verdict
            .reasons
            .iter()
            .map(|reason| reason.detail.as_str())
            .collect();
        let stream = &recorded.verdict.recording.stream;
        return Some(format!(
            "contact {contact}: nothing could be read from {stream}: {}; check that the stream holds this call",
            reasons.join(", ")
        ));
    }
    match &recorded.noted {
        Noted::NoRoom { bytes } => Some(format!(
            "contact {contact}: its attributes would take {bytes} bytes of 32768; remove some, the files are written"
        )),
        Noted::Written | Noted::Unchanged | Noted::NothingToNote | Noted::NotOurs { .. } => None,
    }
}

fn write_text(
    out: &mut dyn Write,
    args: &RecordArgs,
    worked: &[WorkedRecord],
) -> std::io::Result<()> {
    let heading = ["CONTACT", "RECORDING", "OUTCOME", "DURATION", "FILES"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heading)
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
            writeln!(out, "{}", args.out.join(&file.key).display())?;
        }
        writeln!(out, "{}", args.out.join(plan.keys.verdict()).display())?;
        for reason in &recorded.verdict.reasons {
            writeln!(
                out,
                "  {}: {}",
                recorded.verdict.status.name(),
                reason.detail
            )?;
        }
        if let Noted::NotOurs { attribute } = recorded.noted {
            writeln!(
                out,
                "  {attribute} holds a value that Callreel did not write; it stays"
            )?;
        }
    }
    Ok(())
}

fn row(part: &Worked) -> [String; 5] {
    let dash = || "-".to_owned();
    match part {
        Worked::Undecodable(_) => [dash(), dash(), "undecodable".to_owned(), dash(), dash()],
        Worked::NotAContactRecord(error) => {
            [dash(), dash(), format!("skipped: {error}"), dash(), dash()]
        }
        Worked::Skipped { contact, reason } => [
            contact.to_string(),
            dash(),
            format!("skipped: {reason}"),
            dash(),
            dash(),
        ],
        Worked::Failed(plan, _) => {
            let start = short_number(&plan.id.start.to_string());
            [
                plan.id.contact.to_string(),
                start,
                "failed".to_owned(),
                dash(),
                dash(),
            ]
        }
        Worked::Recorded(plan, recorded) => {
            let verdict = &recorded.verdict;
            let files: Vec<_> = verdict
                .files
                .iter()
                .map(|file| file.kind.as_str())
                .collect();
            [
                plan.id.contact.to_string(),
                short_number(&plan.id.start.to_string()),
                format!(
                    "{}{}",
                    verdict.status.name(),
                    if recorded.found { " (found)" } else { "" }
                ),
                duration(verdict.span.seconds),
                if files.is_empty() {
                    dash()
                } else {
                    files.join(" ")
                },
            ]
        }
    }
}

fn record_json((record, worked): (&BatchRecord, &WorkedRecord)) -> Value {
    let parts: Vec<_> = worked.parts.iter().map(part_json).collect();
    json!({"sequenceNumber": record.sequence_number, "recordings": parts})
}

fn part_json(part: &Worked) -> Value {
    let error = error_line(part);
    match part {
        Worked::Undecodable(_) => json!({"outcome": "undecodable", "error": error}),
        Worked::NotAContactRecord(reason) => {
            json!({"outcome": "skipped", "reason": reason.to_string(), "error": error})
        }
        Worked::Skipped { contact, reason } => {
            json!({"outcome": "skipped", "contact": contact, "reason": reason.to_string()})
        }
        Worked::Failed(plan, _) => {
            json!({"outcome": "failed", "contact": plan.id.contact, "error": error})
        }
        Worked::Recorded(plan, recorded) => json!({
            "outcome": recorded.verdict.status.name(),
            "contact": plan.id.contact,
            "found": recorded.found,
            "attributes": noted_name(&recorded.noted),
            "verdictKey": plan.keys.verdict(),
            "verdict": recorded.verdict,
            "error": error,
        }),
    }
}

fn noted_name(noted: &Noted) -> &'static str {
    match noted {
        Noted::Written => "written",
        Noted::Unchanged => "unchanged",
        Noted::NothingToNote => "nothing to note",
        Noted::NotOurs { .. } => "not ours",
        Noted::NoRoom { .. } => "no room",
    }
}
