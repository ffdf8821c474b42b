//! Where a document starts although nothing said so: behind damage, and inside of an
//! element whose length is not true.
//!
//! The four bytes of the EBML magic prove nothing, since audio can hold them: a start is
//! believed with an EBML header, its DocType and a Segment. Audio could hold even that, so
//! a block whose end is where the next element starts gives it up only when the elements
//! of the found document follow each other across that end. Each byte is searched once,
//! and each magic looked at in a bounded number of steps.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::ebml::{self, Head, MAX_HEAD_BYTES, NoHead, Place, id};
use crate::media::counts::in_memory;

const MAGIC: [u8; 4] = id::EBML.to_be_bytes();
/// An EBML header longer than this is none; those of KVS have 40 bytes.
const MAX_HEADER_BYTES: u64 = 256;
/// An EBML header has 7 elements, and 1 or 2 more in the newest files.
const MAX_HEADER_ELEMENTS: usize = 16;
/// So many elements, each where the one before ends, do not follow each other by chance.
const MAX_PROOF_ELEMENTS: usize = 64;

static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&MAGIC));

/// The next EBML magic in the body, searched for once.
#[derive(Debug, Default)]
pub(super) struct Magic {
    found: Option<u64>,
    /// No magic that is still to be looked at starts before here.
    searched: u64,
}

/// The outcome of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    At(u64),
    /// None starts before here; from here on more bytes are needed.
    NotBefore(u64),
}

impl Magic {
    /// The first magic at `from` or behind it and before `until`, in `input`, which lies at
    /// `base`; or any magic that is known behind `until`.
    pub(super) fn find(&mut self, input: &[u8], base: u64, from: u64, until: u64) -> Found {
        if let Some(at) = self.found.filter(|at| *at >= from) {
            return Found::At(at);
        }
        self.searched = self.searched.max(from);
        // The last bytes may be its beginning: three at the most. Live media is seen a fragment
        // later where its last element waits for bytes that cannot be one.
        let may_begin = |count: &usize| input.ends_with(&MAGIC[..*count]);
        let beginning = (1..MAGIC.len()).rev().find(may_begin).unwrap_or(0);
        let end = base + (input.len() - beginning) as u64;
        if self.searched >= until.min(end) {
            return Found::NotBefore(self.searched);
        }
        let start = usize::try_from(self.searched - base).unwrap_or(usize::MAX);
        let rest = input.get(start..).unwrap_or_default();
        self.found = FINDER.find(rest).map(|at| self.searched + at as u64);
        self.searched = self.found.unwrap_or(end);
        self.found.map_or(Found::NotBefore(end), Found::At)
    }

    /// The magic that was found is none of a document.
    pub(super) fn dismiss(&mut self) {
        if let Some(at) = self.found.take() {
            self.searched = at + 1;
        }
    }
}

/// Whether the few bytes left at a body's end are the start of one more document.
pub(super) fn may_start_document(bytes: &[u8]) -> bool {
    let compared = bytes.len().min(MAGIC.len());
    compared > 0 && bytes[..compared] == MAGIC[..compared]
}

/// Whether a document starts at the front of `bytes`: an EBML header that names Matroska,
/// and a Segment. `None` asks for more bytes.
pub(super) fn is_document(bytes: &[u8], work: &mut u64) -> Option<bool> {
    let no = |why| match why {
        NoHead::Short => None,
        NoHead::BadId | NoHead::BadSize(_) => Some(false),
    };
    let header = match ebml::read_head(bytes) {
        Ok(header) => header,
        Err(why) => return no(why),
    };
    let Some(size) = header.size.filter(|size| *size <= MAX_HEADER_BYTES) else {
        return Some(false);
    };
    let segment = header.length + in_memory(size);
    if !names_matroska(bytes.get(header.length..segment)?, work) {
        return Some(false);
    }
    match ebml::read_head(&bytes[segment..]) {
        Ok(head) => Some(head.id == id::SEGMENT),
        Err(why) => no(why),
    }
}

fn names_matroska(mut header: &[u8], work: &mut u64) -> bool {
    for _ in 0..MAX_HEADER_ELEMENTS {
        *work += 1;
        let Ok(Head {
            id,
            size: Some(size),
            length,
        }) = ebml::read_head(header)
        else {
            return false;
        };
        let end = usize::try_from(size).map_or(usize::MAX, |size| length.saturating_add(size));
        let Some(value) = header.get(length..end) else {
            return false;
        };
        if id == id::DOC_TYPE {
            return value.starts_with(b"matroska") || value.starts_with(b"webm");
        }
        header = &header[end..];
    }
    false
}

/// What a block and a document that starts inside of it need to be told apart: so many
/// bytes behind the block's end, for an EBML header that begins there and two heads more.
pub(super) const BEHIND_BYTES: usize = in_memory(MAX_HEADER_BYTES) + 4 * MAX_HEAD_BYTES;

/// Whether a block that ends at `end` is whole although a document seems to start at
/// `start` inside of it: an element follows where it ends, or the body ends there, and the
/// elements of that document do not reach across its end.
pub(super) fn is_whole_block(bytes: &[u8], start: usize, end: usize, work: &mut u64) -> bool {
    let behind = bytes.get(end..).unwrap_or_default();
    let follows = ebml::read_head(behind).is_ok_and(|head| Place::of(head.id) != Place::Elsewhere);
    (behind.is_empty() || follows) && !reaches_across(bytes, start, end, work)
}

fn reaches_across(bytes: &[u8], start: usize, end: usize, work: &mut u64) -> bool {
    let mut at = start;
    let mut inside = Place::Root;
    for count in 0..MAX_PROOF_ELEMENTS {
        *work += 1;
        let Ok(head) = ebml::read_head(bytes.get(at..).unwrap_or_default()) else {
            return false;
        };
        let goes_on = match (head.id, Place::of(head.id), inside) {
            (id::EBML, ..) => (count != 2).then_some((Place::Root, head.size)),
            (id::SEGMENT, _, Place::Root) => Some((Place::InSegment, Some(0))),
            (id::CLUSTER, _, Place::InSegment | Place::InCluster) => {
                Some((Place::InCluster, Some(0)))
            }
            (_, Place::InSegment, Place::InSegment | Place::InCluster) => {
                Some((Place::InSegment, head.size))
            }
            (_, Place::InCluster, Place::InCluster)
            | (_, Place::Anywhere, Place::InSegment | Place::InCluster) => {
                Some((inside, head.size))
            }
            _ => None,
        };
        let Some((place, Some(size))) = goes_on else {
            return false;
        };
        // Header and Segment alone prove nothing: a third element does.
        let is_proven = count >= 2;
        if is_proven && at >= end {
            return true;
        }
        inside = place;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        at = at.saturating_add(head.length).saturating_add(size);
        if is_proven && at > end {
            return true;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] =
        b"\x1A\x45\xDF\xA3\x8b\x42\x82\x88matroska\x18\x53\x80\x67\xff\x15\x49\xa9\x66\x80";

    #[test]
    fn a_document_is_more_than_its_magic() {
        #[track_caller]
        fn check(bytes: &[u8], expected: Option<bool>) {
            assert_eq!(is_document(bytes, &mut 0), expected);
        }
        check(HEADER, Some(true));
        for short in 0..HEADER.len() - 5 {
            check(&HEADER[..short], None);
        }
        check(&[&MAGIC[..], HEADER].concat(), Some(false));
        check(&[&MAGIC[..], &[0x88; 40]].concat(), Some(false));
        check(&[&HEADER[..16], &[0xA3, 0x81, 0]].concat(), Some(false));
        check(
            &[
                &HEADER[..4],
                &[0x8b, 0x42, 0x82, 0x88],
                b"archives",
                &HEADER[16..],
            ]
            .concat(),
            Some(false),
        );
    }

    #[test]
    fn a_magic_is_found_once_however_it_is_cut() {
        let body = [b"ab", HEADER, b"xyz", HEADER].concat();
        for cut in 0..body.len() {
            let mut magic = Magic::default();
            let mut starts = Vec::new();
            for input in [&body[..cut], &body[..]] {
                while let Found::At(at) = magic.find(input, 0, 0, u64::MAX) {
                    starts.push(at);
                    magic.dismiss();
                }
            }
            assert_eq!(starts, [2, 2 + HEADER.len() as u64 + 3], "cut at {cut}");
        }
    }

    #[test]
    fn a_block_is_whole_where_the_next_element_starts_behind_it() {
        #[track_caller]
        fn check(inside: &[u8], behind: &[u8], whole: bool) {
            let bytes = [b"audio", inside, behind].concat();
            let end = 5 + inside.len();
            assert_eq!(is_whole_block(&bytes, 5, end, &mut 0), whole);
        }
        const BLOCK: &[u8] = b"\xA3\x84\x81\0\0\0";
        check(&[HEADER, &[0; 40]].concat(), BLOCK, true);
        check(&[HEADER, &[0; 40]].concat(), b"", true);
        check(&[HEADER, &[0; 40]].concat(), &[0; 12], false);
        // It reaches into the next document: at an element of it, or between two.
        check(HEADER, b"\x16\x54\xAE\x6B\x80", false);
        check(
            &HEADER[..HEADER.len() - 5],
            &HEADER[HEADER.len() - 5..],
            false,
        );
        check(HEADER, BLOCK, true);
    }
}
