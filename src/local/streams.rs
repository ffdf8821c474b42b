//! Kinesis video streams as folders: one folder a stream, named as the stream, with .mkv
//! files of one or more fragments.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::index::{Entry, Index};
use super::media::READ_BYTES;
use super::{Tried, io_failure};
use crate::connect::arn;
use crate::failure::{Failure, FailureKind};
use crate::lock::lock;
use crate::media::fragment::FragmentNumber;
use crate::port::{FragmentSource, Listing, MediaBody, Whereabouts};

/// A folder of streams. Each stream is read through once and its index kept.
#[derive(Debug)]
pub struct LocalStreams {
    folder: PathBuf,
    indexes: Mutex<HashMap<String, Arc<Index>>>,
}

impl LocalStreams {
    /// The streams in a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            indexes: Mutex::default(),
        }
    }

    /// The names of the streams that there are, in order.
    pub(super) fn names(&self) -> Result<Vec<String>, Failure> {
        let failed = |error| io_failure(Tried::Reading, &self.folder, &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.path().is_dir() {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort();
        Ok(names)
    }

    pub(super) fn index(&self, stream: &str) -> Result<Arc<Index>, Failure> {
        if let Some(index) = lock(&self.indexes).get(stream) {
            return Ok(Arc::clone(index));
        }
        let files = self.files(stream)?;
        let (index, left_out) = Index::read(&files, |_| ());
        // A recording of what is left would pass for whole: the file may hold any of it.
        if let Some(failure) = left_out.into_iter().next() {
            return Err(failure);
        }
        let index = Arc::new(index);
        lock(&self.indexes).insert(stream.to_owned(), Arc::clone(&index));
        Ok(index)
    }

    fn files(&self, stream: &str) -> Result<Vec<PathBuf>, Failure> {
        let name = stream_name(stream).ok_or_else(|| {
            let cause = "is no ARN of a Kinesis video stream";
            Failure::new(FailureKind::StreamNotNamed, stream, cause)
        })?;
        let folder = self.folder.join(name);
        let failure = |kind, cause| Failure::new(kind, folder.display(), cause);
        let failed = |error| match io_failure(Tried::Reading, &folder, &error) {
            Failure {
                kind: FailureKind::NotThere,
                ..
            } => failure(FailureKind::StreamMissing, "no such folder"),
            other => other,
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("mkv"))
            {
                files.push(path);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(failure(FailureKind::StreamEmpty, "holds no .mkv file"));
        }
        Ok(files)
    }
}

/// The name in a stream's ARN. Only the
/// characters that KVS allows, so that no name leads out of the folder.
fn stream_name(arn: &str) -> Option<&str> {
    let name = arn::stream_name(arn)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (name.bytes().all(allowed) && !name.bytes().all(|byte| byte == b'.')).then_some(name)
}

/// The entry that answers for a number: the one that carries it, else the unnumbered one
/// that follows the number before it.
fn find(entries: &[Entry], number: FragmentNumber) -> Option<&Entry> {
    let behind = entries.partition_point(|entry| entry.number <= number);
    let entry = entries[..behind].last()?;
    (entry.number == number || !entry.numbered).then_some(entry)
}

impl FragmentSource for LocalStreams {
    type Body = LocalBody;

    async fn list(&self, whereabouts: Whereabouts<'_>) -> Result<Listing, Failure> {
        let index = self.index(whereabouts.stream)?;
        let range = whereabouts.range;
        // The record's own numbers name an unnumbered fragment better than its index does.
        let renamed: Vec<_> = [range.start, range.stop]
            .into_iter()
            .flatten()
            .filter_map(|number| find(index.entries(), number))
            .filter(|entry| !entry.numbered)
            .map(|entry| entry.number)
            .collect();
        let listed = index.entries().iter().map(|entry| entry.number);
        Ok(Listing {
            numbers: listed
                .filter(|number| range.contains(*number) && !renamed.contains(number))
                .collect(),
            // A folder lists all that it has. What the record names beside that is asked
            // for, and is missing.
            incomplete: false,
        })
    }

    async fn fetch(&self, stream: &str, numbers: &[FragmentNumber]) -> Result<LocalBody, Failure> {
        let index = self.index(stream)?;
        let mut pieces: Vec<Piece> = Vec::new();
        for entry in numbers
            .iter()
            .filter_map(|number| find(index.entries(), *number))
        {
            let length = u64::from(entry.length);
            let path = index.path_of(entry);
            match pieces.last_mut() {
                Some(piece)
                    if piece.path == path && piece.offset + piece.length == entry.offset =>
                {
                    piece.length += length;
                }
                _ => {
                    let header = index.header_of(entry);
                    let header = header.map(|header| (header.start, header.end - header.start));
                    let places = header.into_iter().chain([(entry.offset, length)]);
                    pieces.extend(places.map(|(offset, length)| Piece {
                        path: path.to_owned(),
                        offset,
                        length,
                    }));
                }
            }
        }
        pieces.reverse();
        Ok(LocalBody { pieces, open: None })
    }

    async fn kept_for(&self, _: &str) -> Option<std::time::Duration> {
        None
    }

    async fn wait_to_ask_again(&self, _attempt: u32) -> bool {
        // A folder answers the same again.
        false
    }
}

#[derive(Debug)]
struct Piece {
    path: PathBuf,
    offset: u64,
    length: u64,
}

/// Fragments out of files, behind each other.
#[derive(Debug)]
pub struct LocalBody {
    /// The last is the next.
    pieces: Vec<Piece>,
    open: Option<(PathBuf, std::io::Take<File>)>,
}

impl LocalBody {
    fn open_next(&mut self) -> Result<bool, Failure> {
        let Some(piece) = self.pieces.pop() else {
            return Ok(false);
        };
        let open = || {
            let mut file = File::open(&piece.path)?;
            file.seek(SeekFrom::Start(piece.offset))?;
            Ok(file.take(piece.length))
        };
        let file = open().map_err(|error| io_failure(Tried::Reading, &piece.path, &error))?;
        self.open = Some((piece.path, file));
        Ok(true)
    }
}

impl MediaBody for LocalBody {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some((path, file)) = &mut self.open {
                let mut chunk = Vec::with_capacity(READ_BYTES);
                let wanted = READ_BYTES as u64;
                let read = file.by_ref().take(wanted).read_to_end(&mut chunk);
                read.map_err(|error| io_failure(Tried::Reading, path, &error))?;
                if !chunk.is_empty() {
                    return Ok(Some(chunk.into()));
                }
            }
            if !self.open_next()? {
                return Ok(None);
            }
        }
    }
}
