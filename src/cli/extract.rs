//! `callreel extract`: WAV files from media alone.

use std::io::Write;
use std::path::PathBuf;

use futures_executor::block_on;
use serde_json::json;

use super::table::{duration, write_table};
use super::{CliError, byte_bar, folder_url};
use crate::failure::Failure;
use crate::key::RecordingKeys;
use crate::local::LocalRecordings;
use crate::local::extract::extract;
use crate::local::index::Index;
use crate::plan::Policy;
use crate::verdict::{Status, Verdict};

#[derive(clap::Args, Debug)]
#[command(after_help = "Try it:  callreel extract tests/data/streams/plain/plain.mkv")]
pub(super) struct ExtractArgs {
    /// Media files of one or more fragments, in any order
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only this contact [default: every contact found gets its own files]
    #[arg(long, value_name = "ID")]
    contact: Option<String>,
    /// The folder for the files
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
}

type Extracted = (String, Result<Verdict, Failure>);

pub(super) fn run(args: &ExtractArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let index = read_index(args)?;
    let contacts = wanted_contacts(args, &index)?;
    let store = LocalRecordings::new(&args.out);
    let policy = Policy {
        key_prefix: String::new(),
        url_base: folder_url(&args.out),
    };
    let bar = byte_bar(0, "writing");
    let extracted: Vec<Extracted> = contacts
        .into_iter()
        .map(|contact| {
            bar.set_position(0);
            bar.set_length(index.runs_of(&contact).1.iter().map(|run| run.length).sum());
            let verdict = block_on(extract(&index, &contact, &store, &policy, |bytes| {
                bar.inc(bytes)
            }));
            (contact, verdict)
        })
        .collect();
    bar.finish_and_clear();
    if json {
        let entries: Vec<_> = extracted.iter().map(extracted_json).collect();
        writeln!(
            out,
            "{:#}",
            json!({"contacts": entries, "unownedFragments": unowned(&index)})
        )?;
    } else {
        write_text(out, args, &extracted)?;
    }
    if unowned(&index) > 0 && args.contact.is_none() {
        eprintln!(
            "warning: {} fragments name no contact and were left out",
            unowned(&index)
        );
    }
    tell_errors(&extracted)
}

/// Files that hold nothing are told and left out; the others are read.
fn read_index(args: &ExtractArgs) -> Result<Index, CliError> {
    let total = args
        .files
        .iter()
        .filter_map(|path| Some(path.metadata().ok()?.len()))
        .sum();
    let bar = byte_bar(total, "reading");
    let index = Index::read(&args.files, |bytes| bar.inc(bytes));
    bar.finish_and_clear();
    Ok(index?)
}

fn wanted_contacts(args: &ExtractArgs, index: &Index) -> Result<Vec<String>, CliError> {
    let found: Vec<_> = index.contacts().into_iter().map(str::to_owned).collect();
    if found.is_empty() {
        return Err(CliError::Told(format!(
            "{}: no fragment names a contact; look at it with callreel inspect",
            args.files[0].display()
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
        None => Err(CliError::Told(format!(
            "contact {wanted} is not in these files; they hold {}",
            found.join(", ")
        ))),
    }
}

fn unowned(index: &Index) -> usize {
    index
        .entries()
        .iter()
        .filter(|entry| index.owner_of(entry).is_none())
        .count()
}

fn write_text(
    out: &mut dyn Write,
    args: &ExtractArgs,
    extracted: &[Extracted],
) -> std::io::Result<()> {
    let heading = ["CONTACT", "STATUS", "DURATION", "FRAGMENTS", "FILES"].map(str::to_owned);
    let row = |(contact, verdict): &Extracted| match verdict {
        Ok(verdict) => [
            contact.clone(),
            verdict.status.name().to_owned(),
            duration(verdict.span.seconds),
            verdict.fragments.own.to_string(),
            verdict
                .files
                .iter()
                .map(|file| file.kind.as_str())
                .collect::<Vec<_>>()
                .join(" "),
        ],
        Err(_) => [
            contact.clone(),
            "failed".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
        ],
    };
    let rows: Vec<_> = std::iter::once(heading)
        .chain(extracted.iter().map(row))
        .collect();
    write_table(out, &rows)?;
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
        for reason in &verdict.reasons {
            writeln!(out, "  {}: {}", verdict.status.name(), reason.detail)?;
        }
    }
    Ok(())
}

fn extracted_json((contact, verdict): &Extracted) -> serde_json::Value {
    match verdict {
        Ok(verdict) => json!({
            "contact": contact,
            "status": verdict.status.name(),
            "verdictKey": RecordingKeys::flat(contact).verdict(),
            "verdict": verdict,
        }),
        Err(failure) => {
            json!({"contact": contact, "status": "failed", "error": failure.to_string()})
        }
    }
}

fn tell_errors(extracted: &[Extracted]) -> Result<(), CliError> {
    let mut failed = false;
    for (contact, verdict) in extracted {
        match verdict {
            Ok(verdict) if verdict.status != Status::Failed => continue,
            Ok(_) => eprintln!(
                "error: contact {contact}: nothing could be read; see the reasons in its verdict"
            ),
            Err(failure) => eprintln!("error: contact {contact}: {failure}"),
        }
        failed = true;
    }
    if failed {
        Err(CliError::Already)
    } else {
        Ok(())
    }
}
