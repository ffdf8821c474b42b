//! Fragments that carry no number, as the last one of a run does: where they belong, and
//! which of them are the same.
//!
//! A fragment that follows on from the one before it in its file is named after that one.
//! Files put together by hand, and answers of KVS in any order, have such fragments
//! anywhere: then the numbered fragments are looked through once more, and each is named
//! after the last one that starts before it in its upload session.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use super::Entry;
use crate::failure::Failure;
use crate::local::media;
use crate::media::demux::Document;
use crate::media::fragment::{Fragment, FragmentNumber, SegmentUid};
use crate::media::ticks::MediaTime;

/// How far apart two fragments that follow each other may be, in samples: 100 ms.
const MAX_APART: u64 = 800;

/// The fragments without a number, while files are read.
#[derive(Default)]
pub(super) struct Unnumbered {
    list: Vec<Place>,
    /// Session and content of each.
    seen: HashSet<(SegmentUid, u64)>,
    /// Session and end of the fragment before in the same file.
    before: Option<(SegmentUid, MediaTime)>,
    /// One of them does not follow on from the fragment before it.
    astray: bool,
}

struct Place {
    /// The position among the index's entries.
    entry: usize,
    session: SegmentUid,
    start: MediaTime,
    content: u64,
    is_double: bool,
    /// Start and number of the numbered fragment that comes last before it.
    behind: Option<(MediaTime, FragmentNumber)>,
}

impl Unnumbered {
    /// A file begins: nothing stands before its first fragment.
    pub(super) fn begin_file(&mut self) {
        self.before = None;
    }

    /// Takes the next fragment of a file, numbered or not, which becomes this entry. True
    /// for an unnumbered one whose double has been seen.
    pub(super) fn take(&mut self, entry: usize, fragment: &Fragment) -> bool {
        let ends = fragment.blocks.iter().map(|block| {
            block
                .start
                .moved_by(i64::try_from(block.samples()).unwrap_or(i64::MAX))
        });
        let before = std::mem::replace(&mut self.before, fragment.session.zip(ends.max()));
        if fragment.number.is_some() {
            return false;
        }
        let Some((session, start)) = fragment.session.zip(fragment.start()) else {
            return false;
        };
        let follows = |(seen, end): (SegmentUid, MediaTime)| {
            seen == session && start.samples_since(end).unsigned_abs() <= MAX_APART
        };
        self.astray |= !before.is_some_and(follows);
        let content = content(fragment);
        let is_double = !self.seen.insert((session, content));
        self.list.push(Place {
            entry,
            session,
            start,
            content,
            is_double,
            behind: None,
        });
        is_double
    }

    /// Forgets what a file gave that cannot be read to its end.
    pub(super) fn forget_from(&mut self, entry: usize) {
        let seen = &mut self.seen;
        self.list.retain(|place| {
            let stays = place.entry < entry;
            if !stays && !place.is_double {
                seen.remove(&(place.session, place.content));
            }
            stays
        });
    }

    /// Names the fragments by time where their places in the files do not tell.
    pub(super) fn name(self, files: &[PathBuf], entries: &mut [Entry]) -> Result<(), Failure> {
        if !self.astray {
            return Ok(());
        }
        let mut sessions: HashMap<SegmentUid, Vec<Place>> = HashMap::new();
        for place in self.list {
            sessions.entry(place.session).or_default().push(place);
        }
        for places in sessions.values_mut() {
            places.sort_by_key(|place| place.start);
        }
        for path in files {
            media::read_documents(path, &mut |_| (), |document| {
                if let Document::Fragment(fragment) = document
                    && let Some(number) = fragment.number
                    && let Some(start) = fragment.start()
                    && let Some(places) = fragment.session.and_then(|uid| sessions.get_mut(&uid))
                {
                    let at = places.partition_point(|place| place.start < start);
                    if let Some(place) = places.get_mut(at) {
                        place.behind = place.behind.max(Some((start, number)));
                    }
                }
            })?;
        }
        for places in sessions.values() {
            let mut last = None;
            let mut name = None;
            for place in places {
                if place.behind > last {
                    last = place.behind;
                    name = last.map(|(_, number)| number);
                }
                name = name.map(FragmentNumber::successor);
                // Before all that is numbered: it keeps its place in the file.
                if let Some(name) = name {
                    entries[place.entry].number = name;
                }
            }
        }
        Ok(())
    }
}

/// What tells two fragments of a session apart: when they are, and their audio.
fn content(fragment: &Fragment) -> u64 {
    let mut hasher = DefaultHasher::new();
    for block in &fragment.blocks {
        (block.direction, block.start, &*block.pcm).hash(&mut hasher);
    }
    hasher.finish()
}
