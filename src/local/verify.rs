//! Whether a folder of recordings still holds what its verdicts say: each file, byte
//! for byte. Looks only; nothing is written.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

use super::{LocalRecordings, Tried, io_failure};
use crate::failure::{Failure, FailureKind};
use crate::port::Objects;
use crate::recording::key::VERDICT_SUFFIX;
use crate::recording::verdict::{Check, FileEntry, Verdict};

/// How much of a file is read at once.
const READ_BYTES: usize = 64 << 10;

/// What a file of a verdict is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// What was written.
    Whole,
    /// Something else.
    Changed,
    /// Not there.
    Gone,
}

impl Found {
    /// A word for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// One recording's verdict, and what its files are found to be.
#[derive(Debug)]
pub struct Verified {
    /// The verdict's key.
    pub key: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Each file, with the key beside the verdict's under which it was looked for, and what it
    /// is, or why that cannot be told.
    pub files: Vec<(FileEntry, Result<Found, Failure>)>,
}

/// What a folder of recordings holds.
#[derive(Debug, Default)]
pub struct Folder {
    /// Its recordings, in the order of their verdicts' keys.
    pub recordings: Vec<Verified>,
    /// Keys of verdicts that cannot be read, each with the reason.
    pub unread: Vec<(String, String)>,
    /// Keys of WAV files that no verdict names: a run that was ended before its verdict, or
    /// one that goes on.
    pub unnamed: Vec<String>,
}

/// Looks through a folder. `progress` is told the bytes read of each file.
pub async fn verify(
    store: &LocalRecordings,
    mut progress: impl FnMut(u64),
) -> Result<Folder, Failure> {
    let mut folder = Folder::default();
    let keys: Vec<_> = store.list("").await?;
    let mut named = BTreeSet::new();
    for listed in keys.iter().filter(|it| it.key.ends_with(VERDICT_SUFFIX)) {
        let key = &listed.key;
        let Some(json) = store.read(key).await? else {
            continue;
        };
        let verdict = match Verdict::from_json(&json) {
            Ok(verdict) => verdict,
            Err(error) => {
                folder.unread.push((key.clone(), error.to_string()));
                continue;
            }
        };
        let mut files = Vec::new();
        for file in &verdict.files {
            let file = &beside(key, file);
            named.insert(file.key.clone());
            files.push((file.clone(), look(store, &verdict, file)));
            progress(file.bytes);
        }
        folder.recordings.push(Verified {
            key: key.clone(),
            verdict,
            files,
        });
    }
    let keys = keys.into_iter().map(|listed| listed.key);
    let unnamed = keys.filter(|key| key.ends_with(".wav") && !named.contains(key));
    folder.unnamed = unnamed.collect();
    Ok(folder)
}

/// The file of a verdict, beside it: they are written into one folder and stay what they are
/// in a copy of it, or seen from a folder below or above the one that they were written to.
fn beside(verdict: &str, file: &FileEntry) -> FileEntry {
    let folder = verdict.rfind('/').map_or("", |end| &verdict[..=end]);
    let name = file.key.rsplit('/').next().unwrap_or_default();
    FileEntry {
        key: format!("{folder}{name}"),
        ..file.clone()
    }
}

fn look(store: &LocalRecordings, verdict: &Verdict, file: &FileEntry) -> Result<Found, Failure> {
    let path = store.path(&file.key)?;
    let failed = |error| io_failure(Tried::Reading, &path, &error);
    let mut wav = match File::open(&path) {
        Ok(wav) => wav,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Gone),
        Err(error) => return Err(failed(error)),
    };
    // Of another size it needs no reading.
    if wav.metadata().map_err(failed)?.len() != file.bytes {
        return Ok(Found::Changed);
    }
    let Some(mut check) = Check::new(verdict, file) else {
        let cause = "the verdict does not say the hash of its samples";
        return Err(Failure::new(FailureKind::ReadFailed, &file.key, cause));
    };
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match wav.read(&mut buffer).map_err(failed)? {
            0 => break,
            count => check.push(&buffer[..count]),
        }
    }
    Ok(match check.finish() {
        true => Found::Whole,
        false => Found::Changed,
    })
}
