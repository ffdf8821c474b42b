//! `callreel peaks`: what waveforms are drawn from, for recordings that were made before it was
//! written with them.

#[cfg(feature = "operate")]
mod aws;

use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_executor::block_on;
use serde_json::json;

use super::table::write_table;
use super::{CliError, ended, tell_error};
use crate::failure::{Failure, FailureKind};
use crate::local::LocalRecordings;
use crate::media::peaks::{SUFFIX, WavPeaks};
use crate::media::wav::Output;
use crate::port::{MediaBody, NewFile, Objects, Opening, Recordings, Upload};
use crate::recording::key::VERDICT_SUFFIX;

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.peaks/1";

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Of a folder, each recording without a …_peaks.dat gets one, from its mix or else from its only \
    side. Of a WAV file, it is written beside it, in place of one that is there.\n\n\
    Try it:  callreel peaks out"
)]
pub(super) struct PeaksArgs {
    /// WAV files of Callreel's, or folders of recordings
    #[cfg_attr(feature = "operate", arg(required_unless_present = "aws"))]
    #[cfg_attr(not(feature = "operate"), arg(required = true))]
    #[arg(value_name = "FILE.wav|DIR")]
    paths: Vec<PathBuf>,
    #[cfg(feature = "operate")]
    #[command(flatten)]
    aws: aws::PeaksAwsArgs,
}

/// What was made, and what could not be.
#[derive(Debug, Default)]
struct Made {
    /// Where each lies, and its size.
    files: Vec<(String, u64)>,
    errors: Vec<String>,
}

pub(super) fn run(args: &PeaksArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    #[cfg(feature = "operate")]
    if args.aws.aws {
        return aws::run(args, out, json);
    }
    let mut made = Made::default();
    for path in &args.paths {
        if let Err(error) = make_of(path, &mut made) {
            made.errors.push(error);
        }
    }
    tell(&made, out, json)
}

fn tell(made: &Made, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let Made { files, errors } = made;
    let written = if json {
        let files = files
            .iter()
            .map(|(file, bytes)| json!({"file": file, "bytes": bytes}));
        let document =
            json!({"schema": SCHEMA, "made": files.collect::<Vec<_>>(), "errors": errors});
        writeln!(out, "{document:#}")
    } else {
        let mut rows = vec![["MADE", "BYTES"].map(str::to_owned)];
        rows.extend(
            files
                .iter()
                .map(|(file, bytes)| [file.clone(), bytes.to_string()]),
        );
        write_table(out, &rows)
    };
    errors.iter().for_each(|error| tell_error(error));
    ended(errors.len(), written)
}

/// Makes those of a folder, or that of a WAV file.
fn make_of(path: &Path, made: &mut Made) -> Result<(), String> {
    let told = |cause: &str| format!("{}: {cause}", path.display());
    let metadata = path
        .metadata()
        .map_err(|_| told("no such file or folder; give a WAV file, or the folder that record or extract wrote to"))?;
    if metadata.is_dir() {
        let store = LocalRecordings::new(path);
        let named = |key: &str| path.join(key).display().to_string();
        block_on(make_lacking(&store, "", named, made));
        return Ok(());
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let wav = name
        .filter(|name| name.ends_with(".wav"))
        .ok_or_else(|| told("no WAV file; its name must end in .wav"))?;
    let stem = wav.trim_end_matches(".wav");
    let stem = Output::ALL
        .iter()
        .find_map(|output| stem.strip_suffix(&format!("_{}", output.name())));
    let stem = stem.unwrap_or(wav.trim_end_matches(".wav"));
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    let store = LocalRecordings::new(&folder);
    let peaks = format!("{stem}{SUFFIX}");
    let bytes = block_on(make(&store, wav, &peaks)).map_err(|failure| failure.to_string())?;
    made.files
        .push((folder.join(peaks).display().to_string(), bytes));
    Ok(())
}

/// Makes those that the recordings of a store lack, whose keys start with this; each is told by
/// the name that its key has for people.
async fn make_lacking<S: Recordings + Opening>(
    store: &S,
    prefix: &str,
    named: impl Fn(&str) -> String,
    made: &mut Made,
) {
    let keys = match lacking(store, prefix).await {
        Ok(keys) => keys,
        Err(failure) => return made.errors.push(failure.to_string()),
    };
    for (wav, peaks) in keys {
        match make(store, &wav, &peaks).await {
            Ok(bytes) => made.files.push((named(&peaks), bytes)),
            Err(failure) => made.errors.push(failure.to_string()),
        }
    }
}

/// The recordings that have audio and no waveform: a WAV file to read of each, and what is to be
/// made of it.
async fn lacking(store: &impl Objects, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
    let listed = store.list(prefix).await?;
    let keys: std::collections::BTreeSet<_> = listed.into_iter().map(|it| it.key).collect();
    let bases = keys
        .iter()
        .filter_map(|key| key.strip_suffix(VERDICT_SUFFIX));
    let found = bases.filter_map(|base| {
        let peaks = format!("{base}{SUFFIX}");
        let wavs = [Output::Mixed, Output::From, Output::To]
            .map(|output| format!("{base}_{}.wav", output.name()));
        let mut wavs = wavs.into_iter().chain([format!("{base}.wav")]);
        let wav = wavs.find(|wav| keys.contains(wav))?;
        (!keys.contains(&peaks)).then_some((wav, peaks))
    });
    Ok(found.collect())
}

async fn make<S: Recordings + Opening>(store: &S, wav: &str, peaks: &str) -> Result<u64, Failure> {
    let not_ours = |error| Failure::new(FailureKind::Unreadable, wav, error);
    let Some(mut opened) = store.open(wav).await? else {
        return Err(Failure::new(FailureKind::NotThere, wav, "it is gone"));
    };
    let name = peaks.rsplit('/').next().unwrap_or(peaks);
    let contact = name.trim_end_matches(SUFFIX);
    let contact = contact
        .rsplit_once('_')
        .map_or(contact, |(contact, _)| contact);
    let mut upload = store.begin(NewFile::peaks(peaks, contact)).await?;
    let mut made = WavPeaks::default();
    while let Some(chunk) = opened.body.next_chunk().await? {
        let mut points = Vec::new();
        made.push(&chunk, &mut points).map_err(not_ours)?;
        upload.write(Bytes::from(points)).await?;
    }
    let mut points = Vec::new();
    let header = made.finish(&mut points).map_err(not_ours)?;
    upload.write(Bytes::from(points)).await?;
    let stored = upload.finish(Bytes::copy_from_slice(&header)).await?;
    Ok(stored.bytes)
}
