//! Files of a folder, read from their start to their end, or from any place on.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::media::READ_BYTES;
use super::parts::is_part;
use super::recordings::{epoch_millis, version_of};
use super::turn::LOCK;
use super::{LocalRecordings, Tried, io_failure};
use crate::failure::{Failure, FailureKind};
use crate::port::{Browsing, Inside, Listed, MediaBody, Opened, Opening, Seen};

/// A file that is being read.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    file: File,
    /// Bytes that are still asked for.
    left: u64,
}

impl Opening for LocalRecordings {
    type Body = LocalFile;

    async fn open(&self, key: &str) -> Result<Option<Opened<LocalFile>>, Failure> {
        let path = self.path(key)?;
        let failed = |error| io_failure(Tried::Reading, &path, &error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        let body = LocalFile {
            path,
            file,
            left: u64::MAX,
        };
        Ok(Some(Opened {
            bytes: metadata.len(),
            version: version_of(&metadata),
            body,
        }))
    }
}

impl Browsing for LocalRecordings {
    async fn look_into(&self, folder: &str) -> Result<Inside, Failure> {
        let path = self.path(folder.trim_end_matches('/'))?;
        let failed = |error: std::io::Error| io_failure(Tried::Reading, &path, &error);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Inside::default()),
            Err(error) => return Err(failed(error)),
        };
        let mut inside = Inside::default();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            // A name that is no text is none of ours.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let key = format!("{folder}{name}");
            // A link is not followed: what it leads to is not this folder's.
            let Ok(metadata) = entry.metadata() else {
                // It went just now.
                continue;
            };
            if metadata.is_dir() {
                inside.folders.push(format!("{key}/"));
            } else if metadata.is_file() && key != LOCK && !is_part(Path::new(&key)) {
                inside.files.push(Listed {
                    key,
                    modified: metadata.modified().ok().and_then(epoch_millis),
                });
            }
        }
        inside.folders.sort();
        inside.files.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(inside)
    }

    async fn look_at(&self, key: &str) -> Result<Option<Seen>, Failure> {
        let path = self.path(key)?;
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Ok(None),
            Err(error) => {
                return match io_failure(Tried::Reading, &path, &error) {
                    failure if failure.kind == FailureKind::NotThere => Ok(None),
                    failure => Err(failure),
                };
            }
        };
        Ok(Some(Seen {
            bytes: metadata.len(),
            modified: metadata.modified().ok().and_then(epoch_millis),
            version: version_of(&metadata),
            archived: None,
        }))
    }

    async fn open_part(
        &self,
        key: &str,
        from: u64,
        bytes: u64,
    ) -> Result<Option<LocalFile>, Failure> {
        let Some(Opened { mut body, .. }) = self.open(key).await? else {
            return Ok(None);
        };
        let sought = body.file.seek(SeekFrom::Start(from));
        sought.map_err(|error| io_failure(Tried::Reading, &body.path, &error))?;
        body.left = bytes;
        Ok(Some(body))
    }
}

impl MediaBody for LocalFile {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let mut chunk = Vec::with_capacity(READ_BYTES);
        let read = (&mut self.file).take(self.left.min(READ_BYTES as u64));
        { read }
            .read_to_end(&mut chunk)
            .map_err(|error| io_failure(Tried::Reading, &self.path, &error))?;
        self.left -= chunk.len() as u64;
        Ok((!chunk.is_empty()).then(|| chunk.into()))
    }
}
