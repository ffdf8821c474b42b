//! `callreel extract`: WAV files from media alone.

use std::io::Write;
use std::path::PathBuf;

use futures_executor::block_on;
use futures_util::stream;
use serde_json::json;

use super::reader::Reader;
use super::table::write_table;
use super::text::{counted, duration, plain};
use super::values::parse_contact;
use super::{CliError, byte_bar, cures, ended, folder_url, tell_error, tell_swept, tell_warning};
use crate::extract::{Media, extract};
use crate::failure::Failure;
use crate::local::LocalRecordings;
use crate::local::index::Index;
use crate::local::pieces::{Pieces, file_names};
use crate::recording::key::RecordingKeys;
use crate::recording::plan::Policy;
use crate::recording::verdict::{Status, Verdict};

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Writes DIR/CONTACT_{from,to,mixed}.wav with a verdict (JSON) beside them, in place of files that \
    are there.\n\nNobody's consent is looked at: media does not know what a contact's recordingAuth allows.\n\nTry it:  callreel extract tests/data/streams/plain/plain.mkv"
)]
pub(super) struct ExtractArgs {
    /// Media files of one or more fragments, in any order
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only this contact [default: every contact found gets its own files]
    #[arg(long, value_name = "ID", value_parser = parse_contact)]
    contact: Option<String>,
    /// The folder for the files
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
}

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.extract/1";
/// Media knows nothing of `recordingAuth`.
const NOBODY_ASKED: &str = "Nobody's consent was looked at: media alone does not say what may be recorded; keep only what \
    the contact's recordingAuth allows.";

/// Contacts that an error names; the others are counted.
const MAX_NAMED: usize = 8;

type Extracted = (String, Result<Verdict, Failure>);

pub(super) fn run(args: &ExtractArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let (index, unread) = read_index(args);
    // Each file by itself: a bad one is told, and the others are read.
    let unread: Vec<_> = unread.iter().map(cures::no_media).collect();
    unread.iter().for_each(|error| tell_error(error));
    let contacts = match wanted_contacts(args, &index) {
        // There was no file to look for them in.
        Err(_) if unread.len() == args.files.len() => Vec::new(),
        contacts => contacts?,
    };
    let store = LocalRecordings::new(&args.out);
    tell_swept(&args.out, &store.sweep(None));
    let policy = Policy::new("", folder_url(&args.out));
    let bar = byte_bar(0, "writing");
    let extracted: Vec<Extracted> = contacts
        .into_iter()
        .map(|contact| {
            let (first, runs) = index.runs_of(&contact);
            bar.set_position(0);
            bar.set_length(runs.iter().map(|run| run.length).sum());
            let media = Media {
                contact,
                first,
                files: file_names(&index, &runs),
            };
            let answers = stream::iter(Pieces::new(&index, &runs, |bytes| bar.inc(bytes)));
            let verdict = block_on(extract(&media, answers, &store, &policy));
            (media.contact, verdict)
        })
        .collect();
    bar.finish_and_clear();
    let unowned = unowned(&index);
    let written = if json {
        let document = json!({
            "schema": SCHEMA,
            "out": args.out.display().to_string(),
            "consent": "not looked at",
            "contacts": extracted.iter().map(extracted_json).collect::<Vec<_>>(),
            "unowned_fragments": unowned,
            "unread_files": unread,
        });
        writeln!(out, "{document:#}")
    } else if extracted.is_empty() {
        Ok(())
    } else {
        write_text(out, args, &extracted)
    };
    if unowned > 0 && args.contact.is_none() {
        tell_warning(&format!(
            "{} without a contact left out; callreel inspect tells more",
            counted(unowned, "fragment")
        ));
    }
    ended(unread.len() + tell_errors(&extracted), written)
}

fn read_index(args: &ExtractArgs) -> (Index, Vec<Failure>) {
    let total = args
        .files
        .iter()
        .filter_map(|path| Some(path.metadata().ok()?.len()))
        .sum();
    let bar = byte_bar(total, "reading");
    let index = Index::read(&args.files, |bytes| bar.inc(bytes));
    bar.finish_and_clear();
    index
}

fn wanted_contacts(args: &ExtractArgs, index: &Index) -> Result<Vec<String>, CliError> {
    let found: Vec<_> = index.contacts().into_iter().map(str::to_owned).collect();
    if found.is_empty() {
        let files = match args.files.as_slice() {
            [file] => file.display().to_string(),
            files => format!("these {} files", files.len()),
        };
        return Err(CliError::Told(format!(
            "{files}: no fragment names a contact; look with callreel inspect at what is there"
        )));
    }
    let Some(wanted) = &args.contact else {
        return Ok(found);
    };
    match found
        .iter()
        .find(|contact| contact.eq_ignore_ascii_case(wanted))
    {
        Some(contact) => Ok(vec![contact.clone()]),
        None => {
            let mut named = found[..found.len().min(MAX_NAMED)].join(", ");
            if let Some(more @ 1..) = found.len().checked_sub(MAX_NAMED) {
                named.push_str(&format!(" and {more} more"));
            }
            Err(CliError::Told(format!(
                "contact {wanted} is not in these files; choose of {named}, or leave --contact out for all"
            )))
        }
    }
}

fn unowned(index: &Index) -> u64 {
    let fragments = index.entries().iter().filter(|entry| !entry.is_error());
    fragments
        .filter(|entry| index.owner_of(entry).is_none())
        .count() as u64
}

fn write_text(
    out: &mut dyn Write,
    args: &ExtractArgs,
    extracted: &[Extracted],
) -> std::io::Result<()> {
    let heading = [
        "CONTACT",
        "STATUS",
        "DURATION",
        "FRAGMENTS",
        "FILES OR REASON",
    ]
    .map(str::to_owned);
    let row = |(contact, verdict): &Extracted| match verdict {
        Ok(verdict) => [
            contact.clone(),
            verdict.status.name().to_owned(),
            match verdict.files.is_empty() {
                true => "-".to_owned(),
                false => duration(verdict.span.seconds),
            },
            verdict.fragments.own.to_string(),
            files_cell(verdict),
        ],
        Err(_) => [contact, "failed", "-", "-", "see the error"].map(str::to_owned),
    };
    let rows: Vec<_> = std::iter::once(heading)
        .chain(extracted.iter().map(row))
        .collect();
    write_table(out, &rows)?;
    writeln!(out, "\n{NOBODY_ASKED}")?;
    for (contact, verdict) in extracted {
        let Ok(verdict) = verdict else { continue };
        writeln!(out)?;
        for file in &verdict.files {
            writeln!(out, "{}", args.out.join(&file.key).display())?;
        }
        writeln!(
            out,
            "{}",
            args.out
                .join(RecordingKeys::flat(contact).verdict())
                .display()
        )?;
        let status = verdict.status.name();
        for reason in &verdict.reasons {
            writeln!(out, "  {status}: {}", plain(&reason.detail))?;
        }
        for note in &verdict.notes {
            writeln!(out, "  note: {}", plain(&note.detail))?;
        }
    }
    Ok(())
}

fn files_cell(verdict: &Verdict) -> String {
    let files: Vec<_> = verdict.files.iter().map(|file| &*file.kind).collect();
    match (files.is_empty(), verdict.status) {
        (false, _) => files.join(" "),
        (true, Status::Failed) => "see the error".to_owned(),
        (true, _) => "there was no audio".to_owned(),
    }
}

fn extracted_json((contact, verdict): &Extracted) -> serde_json::Value {
    match verdict {
        Ok(verdict) => json!({
            "contact": contact,
            "status": verdict.status.name(),
            "verdict_key": RecordingKeys::flat(contact).verdict(),
            "verdict": verdict,
        }),
        Err(failure) => {
            json!({"contact": contact, "status": "failed", "error": Reader::Folders.told(failure)})
        }
    }
}

fn tell_errors(extracted: &[Extracted]) -> usize {
    let mut errors = 0;
    for (contact, verdict) in extracted {
        match verdict {
            Ok(verdict) if verdict.status != Status::Failed => {
                let bytes = bytes_beyond_limits(verdict);
                if bytes == 0 {
                    continue;
                }
                tell_error(&format!(
                    "contact {contact}: {} of audio in {} left out, more than Callreel reads at once or writes \
                     into a file; the verdict says of which side",
                    counted(bytes, "byte"),
                    verdict.recording.stream,
                ));
            }
            Ok(verdict) => {
                let reasons: Vec<_> = verdict.reasons.iter().map(|why| &*why.detail).collect();
                tell_error(&format!(
                    "contact {contact}: no audio could be read from {}: {}; callreel inspect tells more",
                    verdict.recording.stream,
                    reasons.join(", ")
                ));
            }
            Err(failure) => tell_error(&format!(
                "contact {contact}: {}",
                Reader::Folders.told(failure)
            )),
        }
        errors += 1;
    }
    errors
}

/// Audio that is in no file for a limit of Callreel's own. Nobody asks for it again here.
fn bytes_beyond_limits(verdict: &Verdict) -> u64 {
    let sides = [&verdict.sides.from, &verdict.sides.to]
        .into_iter()
        .flatten();
    let of_sides = sides.flat_map(|side| &side.left_out);
    let all = of_sides.chain(&verdict.left_out);
    all.filter(|left| left.is_beyond_limit())
        .map(|left| left.bytes)
        .sum()
}
