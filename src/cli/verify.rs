//! `callreel verify`: whether the files are still those that the verdicts tell of.

use std::io::{self, Write};
use std::path::PathBuf;

use futures_executor::block_on;
use serde_json::{Value, json};

use super::table::write_table;
use super::text::{counted, plain};
use super::{CliError, byte_bar, ended, tell_error, tell_warning};
use crate::local::LocalRecordings;
use crate::local::verify::{Folder, Found, Verified, verify};

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.verify/1";

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
    let name = args.folder.display();
    if !args.folder.is_dir() {
        return Err(CliError::Told(format!(
            "{name}: no such folder; give the folder that record or extract wrote to"
        )));
    }
    let bar = byte_bar(0, "reading");
    let store = LocalRecordings::new(&args.folder);
    let folder = block_on(verify(&store, |bytes| bar.inc(bytes)));
    bar.finish_and_clear();
    let folder = folder?;
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
            "{}: is not what its verdict tells of; restore it, or remove the verdict and record the call again",
            at(&file.key)
        )),
        Ok(Found::Gone) => Some(format!(
            "{}: is gone; restore it, or remove the verdict and record the call again",
            at(&file.key)
        )),
        Err(failure) => Some(failure.to_string()),
    });
    unread.chain(files).collect()
}

fn write_text(folder: &Folder, out: &mut dyn Write) -> io::Result<()> {
    let heading = ["CONTACT", "VERDICT", "STATUS", "FILES"].map(str::to_owned);
    let row = |recording: &Verified| {
        let files = recording.files.iter().map(|(file, found)| match found {
            Ok(Found::Whole) => file.kind.clone(),
            Ok(found) => format!("{} ({})", file.kind, found.name()),
            Err(_) => format!("{} (cannot be read)", file.kind),
        });
        let files: Vec<_> = files.collect();
        [
            recording.verdict.recording.contact_id.clone(),
            recording.key.clone(),
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
