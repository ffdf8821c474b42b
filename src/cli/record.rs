//! `callreel record`: the whole pipeline on a Kinesis or SQS event.

use std::io::Write;
use std::path::{Path, PathBuf};

use futures_executor::block_on;
use serde_json::{Value, json};

use super::reader::Reader;
use super::table::write_table;
use super::text::plain;
use super::worked::{HEADING, Place, error_line, part_json, row, work_all};
use super::{CliError, ended, event, folder_url, message, tell_error, tell_swept};
use crate::connect::contact_event::ContactEvent;
use crate::event::batch::{self, BatchRecord, Origin};
use crate::local::{LocalContacts, LocalRecordings, LocalStreams};
use crate::recorder::{AttributesOutcome, Reading, Recorder, Worked, WorkedRecord};
use crate::recording::plan::Policy;
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
    /// A Kinesis event as Lambda gets it, with contact records in base64, an SQS event of parked records, or a contact
    /// event of EventBridge's, whose message `callreel note` noted; `-` is standard input
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
    #[cfg(feature = "operate")]
    #[command(flatten)]
    aws: super::aws::AwsArgs,
}

pub(super) fn run(args: &RecordArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let (origin, records) = match event::read(&args.event)? {
        event::Asked::Records(origin, records) => (origin, records),
        event::Asked::Message(contact) => return message(args, &contact, out, json),
    };
    let (worked, place) = work(args, &records)?;
    let reader = place.reader();
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
            .map(|(record, worked)| record_json(reader, origin, record, worked))
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
            .filter_map(|part| error_line(reader, origin, part))
        {
            errors += 1;
            let record = match &record.item_id {
                Some(number) => format!("{} {number}", called(origin)),
                None => format!("Records[{position}], which has no number"),
            };
            tell_error(&format!("{record}: {error}"));
        }
    }
    ended(errors, written)
}

/// Saves the message of a contact, in the folder.
fn message(
    args: &RecordArgs,
    contact: &ContactEvent,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    #[cfg(feature = "operate")]
    if args.aws.aws {
        return Err(CliError::Told(format!(
            "{}: a contact event is worked in a folder here; in AWS the answering machine's own function does it",
            event::name(&args.event)
        )));
    }
    message::run(&args.streams(), &args.out, contact, out, json)
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
pub(super) fn streams_of(event: &Path) -> PathBuf {
    let folder = event.parent().unwrap_or(Path::new(""));
    let beside = [
        folder.join(STREAMS_BESIDE),
        folder.join("..").join(STREAMS_OF_EXAMPLES),
    ];
    let there = beside.into_iter().find(|streams| streams.is_dir());
    there.unwrap_or_else(|| PathBuf::from(STREAMS_OF_EXAMPLES))
}

impl RecordArgs {
    fn streams(&self) -> PathBuf {
        match &self.streams {
            Some(streams) => streams.clone(),
            None => streams_of(&self.event),
        }
    }
}

fn recorder(args: &RecordArgs) -> Recorder<LocalStreams, LocalRecordings, LocalContacts> {
    Recorder {
        source: LocalStreams::new(args.streams()),
        store: LocalRecordings::new(&args.out),
        attributes: LocalContacts::new(args.out.join("contacts.json")),
        policy: {
            let base = args.url_base.clone();
            Policy::new(
                &*args.key_prefix,
                base.unwrap_or_else(|| folder_url(&args.out)),
            )
        },
        reading: Reading::default(),
    }
}

/// Works the records on the edge that the arguments name, and tells where files are.
fn work(
    args: &RecordArgs,
    records: &[BatchRecord],
) -> Result<(Vec<WorkedRecord>, Place), CliError> {
    #[cfg(feature = "operate")]
    if args.aws.aws {
        return super::aws::work(&args.aws, records);
    }
    let recorder = recorder(args);
    tell_swept(&args.out, &recorder.store.sweep(Some(&args.key_prefix)));
    let worked = block_on(work_all(&recorder, records));
    Ok((worked, Place::Folder(args.out.clone())))
}

/// What one record of an event is called there.
const fn called(origin: Origin) -> &'static str {
    match origin {
        Origin::Kinesis => "record",
        Origin::Sqs => "message",
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
        .filter_map(|part| {
            let Worked::Recorded(plan, recorded) = part else {
                return None;
            };
            Some((plan, recorded))
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
        if let AttributesOutcome::NotOurs { attribute, ours } = &recorded.attributes {
            writeln!(
                out,
                "  {attribute} holds a value that Callreel did not write; it stays (URLs of ours start with {ours})"
            )?;
        }
    }
    Ok(())
}

fn record_json(
    reader: Reader,
    origin: Origin,
    record: &BatchRecord,
    worked: &WorkedRecord,
) -> Value {
    let parts = worked
        .parts
        .iter()
        .map(|part| part_json(reader, origin, part));
    let parts: Vec<_> = parts.collect();
    json!({"sequence_number": record.item_id, "recordings": parts})
}
