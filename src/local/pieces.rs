//! A contact's media out of files, piece by piece, as the answers that the recorder takes.

use std::fs::File;
use std::io::{Chain, Read, Seek, SeekFrom, Take};
use std::ops::Range;
use std::path::Path;

use super::index::{Index, Run};
use super::media::{self, READ_BYTES};
use super::{Tried, io_failure};
use crate::failure::Failure;
use crate::media::demux::{Demuxer, Document};
use crate::media::fragment::FragmentNumber;
use crate::media::request::{Answer, Missing, MissingCause};

/// A contact's runs, piece by piece: what came of each piece as an answer.
pub struct Pieces<'a, F> {
    index: &'a Index,
    /// The last is the next.
    runs: Vec<Run>,
    open: Option<Opened<'a>>,
    buffer: Vec<u8>,
    progress: F,
}

/// A run that is being read.
struct Opened<'a> {
    path: &'a Path,
    file: Chain<Take<File>, Take<File>>,
    demuxer: Demuxer,
}

impl<'a> Opened<'a> {
    /// The run's bytes, behind the header that it needs.
    fn new(path: &'a Path, run: &Run) -> Result<Self, Failure> {
        let stretch = |place: Range<u64>| {
            let mut file = media::open(path)?;
            file.seek(SeekFrom::Start(place.start))
                .map_err(|error| io_failure(Tried::Reading, path, &error))?;
            Ok(file.take(place.end - place.start))
        };
        let header = stretch(run.header.clone().unwrap_or(0..0))?;
        let file = header.chain(stretch(run.offset..run.offset + run.length)?);
        Ok(Self {
            path,
            file,
            demuxer: Demuxer::new(),
        })
    }
}

/// The names of the files that runs lie in, each once, in the order of the runs.
pub fn file_names(index: &Index, runs: &[Run]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let files = runs.iter().map(|run| index.path_of_run(run).file_name());
    for name in files.flatten().map(|name| name.to_string_lossy()) {
        if !names.iter().any(|known| *known == name) {
            names.push(name.into_owned());
        }
    }
    names
}

impl<'a, F: FnMut(u64)> Pieces<'a, F> {
    /// The pieces of these runs, in order. `progress` is told the bytes read of each piece.
    pub fn new(index: &'a Index, runs: &[Run], progress: F) -> Self {
        Self {
            index,
            runs: runs.iter().rev().cloned().collect(),
            open: None,
            buffer: vec![0; READ_BYTES],
            progress,
        }
    }

    fn read(&mut self) -> Result<Option<Answer>, Failure> {
        let mut answer = Answer::default();
        let Some(Opened {
            path,
            file,
            demuxer,
        }) = &mut self.open
        else {
            let Some(run) = self.runs.pop() else {
                return Ok(None);
            };
            self.open = Some(Opened::new(self.index.path_of_run(&run), &run)?);
            return Ok(Some(answer));
        };
        let count = file
            .read(&mut self.buffer)
            .map_err(|error| io_failure(Tried::Reading, path, &error))?;
        (self.progress)(count as u64);
        demuxer.push(&self.buffer[..count]);
        while let Some(document) = demuxer.next_document() {
            take(&mut answer, document);
        }
        if count == 0
            && let Some(opened) = self.open.take()
        {
            opened
                .demuxer
                .finish()
                .for_each(|document| take(&mut answer, document));
        }
        Ok(Some(answer))
    }
}

impl<F: FnMut(u64)> Iterator for Pieces<'_, F> {
    type Item = Result<Answer, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn take(answer: &mut Answer, document: Document) {
    match document {
        Document::Fragment(mut fragment) if fragment.is_stump() => {
            answer.damage.append(&mut fragment.damage);
        }
        Document::Fragment(fragment) => answer.fragments.push(fragment),
        Document::Error(error) => answer.missing.push(Missing {
            number: error.number.unwrap_or(FragmentNumber::ZERO),
            cause: MissingCause::ErrorDocument {
                id: error.id,
                code: error.code,
            },
        }),
        Document::Stray(damage) => answer.damage.push(damage),
    }
}
