//! `callreel verify`: whether the files are still those that the verdicts tell of.

use std::io::{self, Write};
use std::path::PathBuf;

use futures_executor::block_on;
use serde_json::{Value, json};

use super::table::write_table;
use super::text::{counted, plain, short_number};
use super::{CliError, byte_bar, check_folder, ended, tell_error, tell_warning};
use crate::local::LocalRecordings;
use crate::local::verify::{Folder, Found, Verified, verify};
use crate::recording::key;

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.verify/1";

/// The verdict is kept in any case: it alone says what there was.
const RESTORE: &str = "restore it from a copy, or record the call again into another folder";

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Reads each verdict below DIR and each file that it names, byte for byte. Nothing is \
    written. A bucket is verified in a copy: aws s3 sync s3://BUCKET DIR.\n\n\
    Exit codes: 0 all are as they were written; 1 something is changed, gone or cannot be read; 2 wrong usage.\n\n\
    Try it:  callreel verify out"
)]
pub(super) struct VerifyArgs {
    /// The folder of recordings, as --out of record and extract
    #[arg(value_name = "DIR", default_value = "out")]
    folder: PathBuf,
}

pub(super) fn run(args: &VerifyArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    check_folder(&args.folder)?;
    let bar = byte_bar(0, "reading");
    let store = LocalRecordings::new(&args.folder);
    let folder = block_on(verify(&store, |bytes| bar.inc(bytes)));
    bar.finish_and_clear();
    let folder = folder?;
    if folder.recordings.is_empty() && folder.unread.is_empty() {
        return Err(CliError::Told(format!(
            "{}: no verdict in it{}; give the folder that record or extract wrote to",
            args.folder.display(),
            match folder.unnamed.len() as u64 {
                0 => String::new(),
                count => format!(", and {} that no verdict names", counted(count, "WAV file")),
            }
        )));
    }
    let written = match json {
        true => write_json(args, &folder, out),
        false => write_text(&folder, out),
    };
    for key in &folder.unnamed {
        tell_warning(&format!(
            "{}: no verdict names it; the run that wrote it was ended, or goes on",
            args.folder.join(key).display()
        ));
    }
    let errors = errors(args, &folder);
    errors.iter().for_each(|error| tell_error(error));
    ended(errors.len(), written)
}

fn errors(args: &VerifyArgs, folder: &Folder) -> Vec<String> {
    let at = |key: &str| args.folder.join(key).display().to_string();
    let unread = folder.unread.iter().map(|(key, cause)| {
        format!(
            "{}: the verdict cannot be read: {cause}; restore it, or record the call again",
            at(key)
        )
    });
    let files = folder
        .recordings
        .iter()
        .flat_map(|recording| &recording.files);
    let files = files.filter_map(|(file, found)| match found {
        Ok(Found::Whole) => None,
        Ok(Found::Changed) => Some(format!(
            "{}: is not what its verdict tells of; {RESTORE}",
            at(&file.key)
        )),
        Ok(Found::Gone) => Some(format!("{}: is gone; {RESTORE}", at(&file.key))),
        Err(failure) => Some(failure.to_string()),
    });
    unread.chain(files).collect()
}

/// Where a recording begins, in short; media that was extracted has no start of its own.
fn start(recording: &Verified) -> String {
    let contact = &recording.verdict.recording.contact_id;
    let name = recording.key.rsplit('/').next().unwrap_or_default();
    let start = key::names_start(name, contact);
    start.map_or("-".to_owned(), |start| short_number(&start.to_string()))
}

fn write_text(folder: &Folder, out: &mut dyn Write) -> io::Result<()> {
    let heading = ["CONTACT", "RECORDING", "STATUS", "FILES"].map(str::to_owned);
    let row = |recording: &Verified| {
        let files = recording.files.iter().map(|(file, found)| match found {
            Ok(Found::Whole) => file.kind.clone(),
            Ok(found) => format!("{} ({})", file.kind, found.name()),
            Err(_) => format!("{} (cannot be read)", file.kind),
        });
        let files: Vec<_> = files.collect();
        [
            recording.verdict.recording.contact_id.clone(),
            start(recording),
            recording.verdict.status.name().to_owned(),
            match files.is_empty() {
                true => "-".to_owned(),
                false => files.join(" "),
            },
        ]
    };
    let rows: Vec<_> = std::iter::once(heading)
        .chain(folder.recordings.iter().map(row))
        .collect();
    write_table(out, &rows)?;
    let files = folder
        .recordings
        .iter()
        .flat_map(|recording| &recording.files);
    let (mut all, mut whole) = (0, 0);
    for (_, found) in files {
        all += 1;
        whole += u64::from(matches!(found, Ok(Found::Whole)));
    }
    writeln!(
        out,
        "\n{}: {whole} of {} as written",
        plain(&counted(folder.recordings.len() as u64, "recording")),
        counted(all, "file")
    )
}

fn write_json(args: &VerifyArgs, folder: &Folder, out: &mut dyn Write) -> io::Result<()> {
    let recording = |recording: &Verified| {
        let files = recording.files.iter().map(|(file, found)| {
            let (found, error) = match found {
                Ok(found) => (Some(found.name()), None),
                Err(failure) => (None, Some(failure.to_string())),
            };
            json!({"kind": file.kind, "key": file.key, "found": found, "error": error})
        });
        json!({
            "contact": recording.verdict.recording.contact_id,
            "verdict_key": recording.key,
            "status": recording.verdict.status.name(),
            "files": files.collect::<Vec<Value>>(),
        })
    };
    let unread = folder.unread.iter();
    let unread = unread.map(|(key, cause)| json!({"verdict_key": key, "cause": cause}));
    let document = json!({
        "schema": SCHEMA,
        "folder": args.folder.display().to_string(),
        "recordings": folder.recordings.iter().map(recording).collect::<Vec<_>>(),
        "unread_verdicts": unread.collect::<Vec<_>>(),
        "unnamed_files": folder.unnamed,
    });
    writeln!(out, "{document:#}")
}
