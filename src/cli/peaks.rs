//! `callreel peaks`: what waveforms are drawn from, for recordings that were made before it was
//! written with them.

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
    #[arg(required = true, value_name = "FILE.wav|DIR")]
    paths: Vec<PathBuf>,
}

pub(super) fn run(args: &PeaksArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let mut made = Vec::new();
    let mut errors = Vec::new();
    for path in &args.paths {
        let (folder, keys) = match to_make(path) {
            Ok(found) => found,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let store = LocalRecordings::new(&folder);
        for (wav, peaks) in keys {
            match block_on(make(&store, &wav, &peaks)) {
                Ok(bytes) => made.push((folder.join(peaks).display().to_string(), bytes)),
                Err(failure) => errors.push(failure.to_string()),
            }
        }
    }
    let written = if json {
        let files = made
            .iter()
            .map(|(file, bytes)| json!({"file": file, "bytes": bytes}));
        let document =
            json!({"schema": SCHEMA, "made": files.collect::<Vec<_>>(), "errors": errors});
        writeln!(out, "{document:#}")
    } else {
        let mut rows = vec![["MADE", "BYTES"].map(str::to_owned)];
        rows.extend(
            made.iter()
                .map(|(file, bytes)| [file.clone(), bytes.to_string()]),
        );
        write_table(out, &rows)
    };
    errors.iter().for_each(|error| tell_error(error));
    ended(errors.len(), written)
}

/// The folder of a path, and in it the WAV files to read, each with what is to be made of it.
fn to_make(path: &Path) -> Result<(PathBuf, Vec<(String, String)>), String> {
    let told = |cause: &str| format!("{}: {cause}", path.display());
    let metadata = path
        .metadata()
        .map_err(|_| told("no such file or folder; give a WAV file, or the folder that record or extract wrote to"))?;
    if metadata.is_dir() {
        let keys = block_on(lacking(&LocalRecordings::new(path)));
        return Ok((
            path.to_owned(),
            keys.map_err(|failure| failure.to_string())?,
        ));
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
    Ok((folder, vec![(wav.to_owned(), format!("{stem}{SUFFIX}"))]))
}

/// The recordings of a folder that have audio and no waveform.
async fn lacking(store: &LocalRecordings) -> Result<Vec<(String, String)>, Failure> {
    let listed = store.list("").await?;
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

async fn make(store: &LocalRecordings, wav: &str, peaks: &str) -> Result<u64, Failure> {
    let not_ours = |error| Failure::new(FailureKind::Unreadable, wav, error);
    let Some(mut opened) = store.open(wav).await? else {
        return Err(Failure::new(FailureKind::NotThere, wav, "it is gone"));
    };
    let mut upload = store.begin(NewFile::peaks(peaks, "")).await?;
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
