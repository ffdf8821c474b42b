//! Where the fragments of media files lie, and whose they are: files are read once, by
//! their own tags, and about 56 bytes a fragment are kept.
//!
//! A fragment that carries no number gets its predecessor's number plus one. KVS never
//! issues consecutive numbers, so that this cannot collide.

mod unnumbered;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::media;
use crate::failure::{Failure, FailureKind};
use crate::media::attribution::{Traced, Tracer};
use crate::media::demux::Document;
use crate::media::fragment::{ContactTag, Damage, Fragment, FragmentNumber, SegmentUid};
use unnumbered::Unnumbered;

/// An interned id: the position in a list.
type Id = u32;
/// No contact or session.
const NONE: Id = Id::MAX;
/// Several contacts.
const CONFLICTING: Id = Id::MAX - 1;

/// The id of a position. A list as long as there are ids would not fit into memory.
fn id_of(position: usize) -> Id {
    Id::try_from(position).unwrap_or(NONE)
}

/// One document of a file.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its number, or the name it was given.
    pub number: FragmentNumber,
    /// Where it starts in its file, in bytes.
    pub offset: u64,
    /// Bytes up to the next document, damage between them included.
    pub length: u32,
    session: Id,
    /// First the tag of the fragment itself, then whose it was traced to be.
    owner: Id,
    file: u16,
    /// The document carries its number itself.
    pub numbered: bool,
    standing: Standing,
}

/// What a document is worth: of two with one number the better one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Whole,
    Damaged,
    Error,
}

impl Entry {
    /// The document stands in for a fragment that KVS could not give.
    pub fn is_error(&self) -> bool {
        self.standing == Standing::Error
    }
}

/// The index of a stream's, or of any, media files.
#[derive(Debug, Default)]
pub struct Index {
    files: Vec<PathBuf>,
    /// In the order of their numbers.
    entries: Vec<Entry>,
    contacts: Vec<Box<str>>,
    headers: Vec<SharedHeader>,
}

/// A stretch of a file whose fragments are parts of one Segment: each is read with the
/// header of the first.
#[derive(Clone, Debug)]
struct SharedHeader {
    file: u16,
    /// From the second fragment's start to the last one's end.
    parts: Range<u64>,
    header: Range<u64>,
}

/// Fragments that lie behind each other in a file and belong to one contact.
#[derive(Clone, Debug)]
pub struct Run {
    file: u16,
    /// Where it starts in its file, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
    /// Where the header lies that is to be read before it, when it has none.
    pub header: Option<Range<u64>>,
}

impl Index {
    /// Reads files through, each by itself: what is wrong with those that hold nothing,
    /// or that cannot be read, comes with the index of the others. `progress` is told the
    /// bytes read of each piece.
    pub fn read(files: &[PathBuf], mut progress: impl FnMut(u64)) -> (Self, Vec<Failure>) {
        let mut builder = Builder::default();
        let mut left_out = Vec::new();
        for path in files {
            left_out.extend(builder.read_file(path, &mut progress).err());
        }
        let Builder {
            mut index,
            sessions,
            unnumbered,
            doubles,
            ..
        } = builder;
        // A file that could be read a moment ago.
        left_out.extend(unnumbered.name(&index.files, &mut index.entries).err());
        let mut position = 0;
        index.entries.retain(|_| {
            position += 1;
            doubles.binary_search(&(position - 1)).is_err()
        });
        index.entries.shrink_to_fit();
        // Stable: of two copies of a fragment, equally good and long, the first stays. One
        // that broke off between two blocks is shorter.
        index
            .entries
            .sort_by_key(|entry| (entry.number, entry.standing, Reverse(entry.length)));
        index.entries.dedup_by(|later, first| {
            later.number == first.number && later.numbered && first.numbered
        });
        index.trace(&sessions);
        (index, left_out)
    }

    /// The entries, in the order of their numbers.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The path of an entry's file.
    pub fn path_of(&self, entry: &Entry) -> &Path {
        &self.files[usize::from(entry.file)]
    }

    /// The contacts found, in the order of their first fragments.
    pub fn contacts(&self) -> Vec<&str> {
        let mut seen = vec![false; self.contacts.len()];
        let owners = self
            .entries
            .iter()
            .filter(|entry| !entry.is_error())
            .map(|entry| entry.owner as usize);
        let first = owners.filter(|owner| {
            seen.get_mut(*owner)
                .is_some_and(|seen| !std::mem::replace(seen, true))
        });
        first.map(|owner| &*self.contacts[owner]).collect()
    }

    /// The contact that a fragment belongs to, as far as can be told.
    pub fn owner_of(&self, entry: &Entry) -> Option<&str> {
        self.contacts.get(entry.owner as usize).map(AsRef::as_ref)
    }

    /// A contact's fragments as runs, in order, and the number of the first.
    pub fn runs_of(&self, contact: &str) -> (Option<FragmentNumber>, Vec<Run>) {
        let mut runs: Vec<Run> = Vec::new();
        let mut first = None;
        for entry in self
            .entries
            .iter()
            .filter(|entry| self.owner_of(entry) == Some(contact))
        {
            first.get_or_insert(entry.number);
            let length = u64::from(entry.length);
            match runs.last_mut() {
                Some(run) if run.file == entry.file && run.offset + run.length == entry.offset => {
                    run.length += length
                }
                _ => runs.push(Run {
                    file: entry.file,
                    offset: entry.offset,
                    length,
                    header: self.header_of(entry),
                }),
            }
        }
        (first, runs)
    }

    /// Where in its file the header lies that an entry needs, when it has none.
    pub fn header_of(&self, entry: &Entry) -> Option<Range<u64>> {
        let place = (entry.file, entry.offset);
        let behind =
            (self.headers).partition_point(|shared| (shared.file, shared.parts.start) <= place);
        let shared = self.headers[..behind].last()?;
        (shared.file == entry.file && shared.parts.contains(&entry.offset))
            .then(|| shared.header.clone())
    }

    /// The path of a run's file.
    pub fn path_of_run(&self, run: &Run) -> &Path {
        &self.files[usize::from(run.file)]
    }

    /// Traces every entry to its owner, in the order of the stream. An error document
    /// belongs where it stands: to the contact before it.
    fn trace(&mut self, sessions: &[SegmentUid]) {
        let mut tracer = Tracer::default();
        let mut owners = Vec::with_capacity(1_024);
        let mut traced = 0;
        let mut settle = |tracer: &mut Tracer, entries: &mut [Entry], contacts: &[Box<str>]| {
            owners.extend(std::iter::from_fn(|| tracer.next_traced()));
            for Traced { owner, .. } in owners.drain(..) {
                let Some(entry) = entries[traced..].iter_mut().find(|entry| !entry.is_error())
                else {
                    return;
                };
                entry.owner = match owner {
                    ContactTag::One(id) => position(contacts, &id),
                    ContactTag::None | ContactTag::Several(_) | ContactTag::Conflicting => NONE,
                };
                traced += entries[traced..]
                    .iter()
                    .take_while(|entry| entry.is_error())
                    .count()
                    + 1;
            }
        };
        for at in 0..self.entries.len() {
            let entry = self.entries[at];
            if entry.is_error() {
                continue;
            }
            let session = sessions.get(entry.session as usize).copied();
            tracer.push(Fragment {
                contact: tag_of(&entry, &self.contacts),
                session,
                ..Fragment::default()
            });
            settle(&mut tracer, &mut self.entries, &self.contacts);
            if let Some(session) = tracer.undecided() {
                let owner = whose(&self.entries[at..], sessions, session, &self.contacts);
                tracer.name(session, owner);
                settle(&mut tracer, &mut self.entries, &self.contacts);
            }
        }
        tracer.finish();
        settle(&mut tracer, &mut self.entries, &self.contacts);
        let mut before = self
            .entries
            .iter()
            .find(|entry| !entry.is_error())
            .map_or(NONE, |entry| entry.owner);
        for entry in &mut self.entries {
            if entry.is_error() {
                entry.owner = before;
            }
            before = entry.owner;
        }
    }
}

#[derive(Default)]
struct Builder {
    index: Index,
    unnumbered: Unnumbered,
    /// Positions of unnumbered entries that came before, ascending.
    doubles: Vec<usize>,
    sessions: Vec<SegmentUid>,
    session_ids: HashMap<SegmentUid, Id>,
    contact_ids: HashMap<Box<str>, Id>,
}

impl Builder {
    fn read_file(&mut self, path: &Path, progress: &mut impl FnMut(u64)) -> Result<(), Failure> {
        let failure = |cause: &str| Failure::new(FailureKind::Unreadable, path.display(), cause);
        let file = u16::try_from(self.index.files.len())
            .map_err(|_| failure("more than 65,536 files at once"))?;
        let first = self.index.entries.len();
        let mut stray = None;
        self.unnumbered.begin_file();
        let read = media::read_documents(path, progress, |document| {
            self.take(file, first, document, &mut stray);
        });
        match (read, self.index.entries.len() > first) {
            (Ok(total), true) => {
                self.tile(first, total);
                self.index.files.push(path.to_owned());
                Ok(())
            }
            (Ok(_), false) => Err(match stray {
                Some(damage) => {
                    let what = media::without_fragments(path);
                    failure(&format!("{what} ({damage})"))
                }
                None => failure("is empty"),
            }),
            (Err(failure), _) => {
                self.index.entries.truncate(first);
                self.unnumbered.forget_from(first);
                self.doubles.retain(|position| *position < first);
                self.index.headers.retain(|shared| shared.file != file);
                Err(failure)
            }
        }
    }

    fn take(&mut self, file: u16, first: usize, document: Document, stray: &mut Option<Damage>) {
        let position = self.index.entries.len();
        let (fragment, standing) = match document {
            // No request can name it. Its bytes stay with those before it, and are told there.
            Document::Fragment(mut fragment) if fragment.is_stump() => {
                stray.get_or_insert(fragment.damage.swap_remove(0));
                return;
            }
            Document::Fragment(fragment) => {
                if self.unnumbered.take(position, &fragment) {
                    self.doubles.push(position);
                }
                self.share_header(file, &fragment);
                let standing = match fragment.damage.is_empty() {
                    true => Standing::Whole,
                    false => Standing::Damaged,
                };
                (fragment, standing)
            }
            Document::Error(error) => (
                Fragment {
                    number: error.number,
                    offset: error.offset,
                    ..Fragment::default()
                },
                Standing::Error,
            ),
            Document::Stray(damage) => {
                stray.get_or_insert(damage);
                return;
            }
        };
        let before = self.index.entries[first..].last().map(|entry| entry.number);
        let after = || before.map_or(FragmentNumber::ZERO, FragmentNumber::successor);
        let entry = Entry {
            number: fragment.number.unwrap_or_else(after),
            offset: fragment.offset,
            length: 0,
            session: fragment
                .session
                .map_or(NONE, |session| self.session_id(session)),
            owner: match &fragment.contact {
                ContactTag::None => NONE,
                ContactTag::Several(_) | ContactTag::Conflicting => CONFLICTING,
                ContactTag::One(contact) => self.contact_id(contact),
            },
            file,
            numbered: fragment.number.is_some(),
            standing,
        };
        self.index.entries.push(entry);
    }

    /// Remembers the header of a fragment that has none of its own.
    fn share_header(&mut self, file: u16, fragment: &Fragment) {
        let Some(header) = &fragment.header else {
            return;
        };
        let end = fragment.offset + fragment.length;
        match self.index.headers.last_mut() {
            Some(shared) if shared.file == file && shared.header == *header => {
                shared.parts.end = end;
            }
            _ => self.index.headers.push(SharedHeader {
                file,
                parts: fragment.offset..end,
                header: header.clone(),
            }),
        }
    }

    /// Lengths of the file's entries: each reaches to the next, the first from the start.
    fn tile(&mut self, first: usize, total: u64) {
        let mut end = total;
        for entry in self.index.entries[first..].iter_mut().rev() {
            entry.length = u32::try_from(end - entry.offset).unwrap_or(u32::MAX);
            end = entry.offset;
        }
        if let Some(entry) = self.index.entries.get_mut(first) {
            entry.length = entry
                .length
                .saturating_add(u32::try_from(entry.offset).unwrap_or(u32::MAX));
            entry.offset = 0;
        }
    }

    fn session_id(&mut self, session: SegmentUid) -> Id {
        *self.session_ids.entry(session).or_insert_with(|| {
            self.sessions.push(session);
            id_of(self.sessions.len() - 1)
        })
    }

    /// Ids are the same in any case; the first spelling stays.
    fn contact_id(&mut self, contact: &str) -> Id {
        let key: Box<str> = contact.to_ascii_lowercase().into();
        if let Some(id) = self.contact_ids.get(&key) {
            return *id;
        }
        let id = id_of(self.index.contacts.len());
        self.index.contacts.push(contact.into());
        self.contact_ids.insert(key, id);
        id
    }
}

/// The contact that a document itself names; its owner is not traced yet.
fn tag_of(entry: &Entry, contacts: &[Box<str>]) -> ContactTag {
    match contacts.get(entry.owner as usize) {
        Some(contact) => ContactTag::One(contact.clone()),
        None if entry.owner == CONFLICTING => ContactTag::Conflicting,
        None => ContactTag::None,
    }
}

/// The one contact that the entries of a session name; several tell nothing.
fn whose(
    entries: &[Entry],
    sessions: &[SegmentUid],
    session: SegmentUid,
    contacts: &[Box<str>],
) -> ContactTag {
    let of_session = |entry: &&Entry| {
        !entry.is_error() && sessions.get(entry.session as usize) == Some(&session)
    };
    let mut named = entries
        .iter()
        .filter(of_session)
        .map(|entry| tag_of(entry, contacts))
        .filter(|tag| *tag != ContactTag::None);
    let first = named.next().unwrap_or_default();
    match named.all(|tag| tag == first) {
        true => first,
        false => ContactTag::None,
    }
}

fn position(contacts: &[Box<str>], id: &str) -> Id {
    contacts
        .iter()
        .position(|contact| **contact == *id)
        .map_or(NONE, id_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_as_small_as_it_is_said_to_be() {
        assert_eq!(size_of::<Entry>(), 56);
    }
}
