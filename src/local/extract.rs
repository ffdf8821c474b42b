//! Recordings out of media files with no contact record at hand: every contact that the
//! fragments name gets files of its own.

use std::fs::File;
use std::io::{Chain, Read, Seek, SeekFrom, Take};
use std::ops::Range;
use std::path::Path;

use futures_util::stream;

use super::index::{Index, Run};
use super::media::{self, READ_BYTES};
use super::{LocalRecordings, Tried, io_failure};
use crate::failure::Failure;
use crate::media::attribution::Claim;
use crate::media::demux::{Demuxer, Document};
use crate::media::fragment::{FragmentNumber, FragmentRange};
use crate::media::request::{Answer, Missing, MissingCause};
use crate::media::sides::{Authorisation, Consent};
use crate::port::{Expect, NoDeadline, Objects};
use crate::recorder::{AllOf, assemble};
use crate::recording::key::{RecordingId, RecordingKeys, RecordingStart};
use crate::recording::plan::{Policy, RecordingPlan, Times, Urls};
use crate::recording::verdict::Verdict;

/// Writes the files and the verdict of one contact that the index holds. `progress` is
/// told the bytes read of each piece.
pub async fn extract(
    index: &Index,
    contact: &str,
    store: &LocalRecordings,
    policy: &Policy,
    progress: impl FnMut(u64),
) -> Result<Verdict, Failure> {
    let (first, runs) = index.runs_of(contact);
    let plan = plan(index, contact, first, &runs);
    let answers = Pieces::new(index, &runs, progress);
    let answers = stream::unfold(answers, |mut pieces| async {
        pieces.next().map(|answer| (answer, pieces))
    });
    let verdict = assemble(
        store,
        policy,
        &NoDeadline,
        &plan,
        answers,
        &AllOf(contact.into()),
    )
    .await?
    .verdict;
    // Extracted again, it is replaced; there are no other deliveries here.
    let key = plan.keys.verdict();
    let before = store.read(&key).await?;
    store
        .put(
            &key,
            verdict.to_json(),
            Expect::unchanged(before.as_deref()),
        )
        .await?;
    Ok(verdict)
}

/// What a contact record would say, as far as the media itself says it.
fn plan(
    index: &Index,
    contact: &str,
    first: Option<FragmentNumber>,
    runs: &[Run],
) -> RecordingPlan {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let mut files: Vec<String> = Vec::new();
    for name in runs.iter().filter_map(|run| name(index.path_of_run(run))) {
        if !files.contains(&name) {
            files.push(name);
        }
    }
    RecordingPlan {
        id: RecordingId {
            contact: contact.into(),
            initiated: None,
            start: RecordingStart::Fragment(first.unwrap_or(FragmentNumber::ZERO)),
        },
        keys: RecordingKeys::flat(contact),
        has_siblings: false,
        initial_contact: contact.into(),
        previous_contact: None,
        next_contact: None,
        instance: None,
        stream: files.join(", ").into(),
        claim: Claim {
            range: FragmentRange::default(),
            contacts: vec![contact.into()],
        },
        times: Times::default(),
        authorisation: Authorisation::Both,
        urls: Urls::Lacking,
        consent: Consent::Unknown,
    }
}

/// A contact's runs, piece by piece: what came of each piece as an answer.
pub(super) struct Pieces<'a, F> {
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

impl<'a, F: FnMut(u64)> Pieces<'a, F> {
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
