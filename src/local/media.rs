//! Reading media files: opened with a word on what is wrong with the path, and demuxed
//! piece by piece.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::kind::instead_of_matroska;
use super::{Tried, io_failure};
use crate::failure::{Failure, FailureKind};
use crate::media::demux::{Demuxer, Document};

/// How much of a file is read at a time.
pub(super) const READ_BYTES: usize = 256 << 10;

/// Opens a media file. Media is read more than once: a pipe or a device will not do.
pub(super) fn open(path: &Path) -> Result<File, Failure> {
    let failed = |error| io_failure(Tried::Reading, path, &error);
    let metadata = path.metadata().map_err(failed)?;
    let cause = if metadata.is_dir() {
        "is a folder"
    } else if metadata.is_file() {
        return File::open(path).map_err(failed);
    } else {
        "is a pipe or a device, and media is read more than once"
    };
    Err(Failure::new(FailureKind::NotAFile, path.display(), cause))
}

/// Why a file that holds no fragment holds none.
pub(super) fn without_fragments(path: &Path) -> String {
    let mut first = [0; 16];
    // What can be read of it could be read a moment ago.
    let read = open(path).and_then(|mut media| {
        let read = media.read(&mut first);
        read.map_err(|error| io_failure(Tried::Reading, path, &error))
    });
    instead_of_matroska(first.get(..read.unwrap_or(0)).unwrap_or_default())
}

/// Reads a file's documents in their order, and tells how many bytes there are.
/// `progress` is told the bytes read of each piece.
pub(super) fn read_documents(
    path: &Path,
    progress: &mut impl FnMut(u64),
    mut take: impl FnMut(Document),
) -> Result<u64, Failure> {
    let mut media = open(path)?;
    let mut demuxer = Demuxer::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut total = 0;
    loop {
        let count = media
            .read(&mut buffer)
            .map_err(|error| io_failure(Tried::Reading, path, &error))?;
        if count == 0 {
            break;
        }
        total += count as u64;
        progress(count as u64);
        demuxer.push(&buffer[..count]);
        while let Some(document) = demuxer.next_document() {
            take(document);
        }
    }
    demuxer.finish().for_each(take);
    Ok(total)
}
