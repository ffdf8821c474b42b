//! Files of a folder, read from their start to their end.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use bytes::Bytes;

use super::media::READ_BYTES;
use super::{LocalRecordings, Tried, io_failure};
use crate::failure::Failure;
use crate::port::{MediaBody, Opened, Opening};

/// A file that is being read.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    file: File,
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
        let bytes = file.metadata().map_err(failed)?.len();
        let body = LocalFile { path, file };
        Ok(Some(Opened { bytes, body }))
    }
}

impl MediaBody for LocalFile {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let mut chunk = Vec::with_capacity(READ_BYTES);
        let read = (&mut self.file).take(READ_BYTES as u64);
        { read }
            .read_to_end(&mut chunk)
            .map_err(|error| io_failure(Tried::Reading, &self.path, &error))?;
        Ok((!chunk.is_empty()).then(|| chunk.into()))
    }
}
