//! Bytes of an answer from KVS, in any chunking, to fragments, error documents and damage.
//!
//! One answer holds hundreds of EBML documents back to back, each one fragment, with
//! Segment and Cluster of unknown size; the last ends with the body. Nothing is decided
//! about a fragment before its document is whole, because its tags may stand behind its
//! audio. Bytes come in as arguments; no input panics, and no claimed size is allocated.
//!
//! Refuses: lacing, content encodings, formats other than 16-bit PCM mono at 8 kHz, and
//! everything beyond the limits named here. After damage what is whole before it is kept
//! and reading goes on at the next document. The audio may hold the EBML magic, so a
//! document's start is searched for only behind damage, and believed only with an EBML
//! header, its DocType and a Segment behind it.
//!
//! This is the only user of `webm-iterable` and `ebml-iterable`.

mod block;
mod document;
#[doc(hidden)]
pub mod replay;
mod resync;

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};
use ebml_iterable::error::{CorruptedFileError, TagIteratorError};
use ebml_iterable::iterator::AllowableErrors;
use ebml_iterable::specs::{EbmlTag, Master};
use ebml_iterable::{PositionedTag, TagDecoder};
use webm_iterable::matroska_spec::MatroskaSpec;

use crate::fragment::{Damage, DamageKind, ErrorDocument, Fragment};
use document::Draft;

/// The most that one element may claim, masters of known size included. A fragment of
/// Connect is about 36 kB.
pub const MAX_ELEMENT_BYTES: usize = 4 << 20;
/// The most audio in one block: 4 seconds of a track. Connect writes 64 ms.
pub const MAX_BLOCK_BYTES: usize = 64 << 10;
/// The most audio in one fragment: 131 seconds of both tracks. KVS cuts at 10 to 20.
pub const MAX_FRAGMENT_BYTES: usize = 4 << 20;
/// The most blocks in one fragment; Connect writes about 34.
pub const MAX_BLOCKS: usize = 8_192;
/// The most tracks in one fragment; Connect writes 1 or 2.
pub const MAX_TRACKS: usize = 64;
/// The longest tag or name that is looked at.
pub const MAX_TAG_BYTES: usize = 4_096;
/// How deep elements may nest; Matroska's audio needs 5.
pub const MAX_DEPTH: usize = 16;
/// Damage beyond this in one fragment is not listed.
pub const MAX_DAMAGE: usize = 32;
/// How many elements in a row may be unknown or void before they count as damage.
const MAX_ODD_RUN: usize = 16;
/// How much of a large chunk is decoded at a time: what is copied in is still in the
/// processor's nearest cache when it is read.
const FEED_BYTES: usize = 16 << 10;
/// A block with more bytes than this is searched for a document that it swallowed.
const SUSPICIOUS_BYTES: usize = 4_096;

/// What a body holds, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// A fragment, perhaps with damage.
    Fragment(Fragment),
    /// An answer that stands in for a fragment.
    Error(ErrorDocument),
    /// Bytes outside any document.
    Stray(Damage),
}

/// Turns the bytes of one body into [`Document`]s.
///
/// ```
/// use callreel::demux::Demuxer;
/// let body = std::fs::read("tests/data/streams/plain/plain.mkv")?;
/// let mut demuxer = Demuxer::new();
/// let mut documents = 0;
/// for chunk in body.chunks(7) {
///     demuxer.push(chunk);
///     documents += std::iter::from_fn(|| demuxer.next_document()).count();
/// }
/// documents += demuxer.finish().count();
/// assert_eq!(documents, 28);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Demuxer {
    decoder: TagDecoder<MatroskaSpec>,
    input: BytesMut,
    /// Where in the body the decoder's own offset 0 lies.
    base: u64,
    depth: usize,
    odd_run: usize,
    draft: Option<Draft>,
    ready: VecDeque<Document>,
    /// Behind damage: bytes are dropped until a document starts.
    seeking: bool,
}

impl Default for Demuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Demuxer {
    /// A demuxer at the start of a body.
    pub fn new() -> Self {
        Self {
            decoder: new_decoder(),
            input: BytesMut::new(),
            base: 0,
            depth: 0,
            odd_run: 0,
            draft: None,
            ready: VecDeque::new(),
            seeking: false,
        }
    }

    /// Takes the next bytes of the body, however they were cut.
    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(FEED_BYTES) {
            self.input.extend_from_slice(piece);
            self.decode(End::NotYet);
        }
    }

    /// The next document that is whole, in the order of the body.
    pub fn next_document(&mut self) -> Option<Document> {
        self.ready.pop_front()
    }

    /// The body has ended: what is left of it. The last document ends here.
    pub fn finish(mut self) -> impl Iterator<Item = Document> {
        self.decode(End::Reached);
        self.close_draft(self.position());
        self.ready.into_iter()
    }

    /// Where in the body reading stands, in bytes.
    fn position(&self) -> u64 {
        self.base + self.decoder.position() as u64
    }

    fn decode(&mut self, end: End) {
        loop {
            if self.seeking && !self.seek(end) {
                return;
            }
            let mut decoded = match end {
                End::NotYet => self.decoder.decode(&mut self.input),
                End::Reached => self.decoder.decode_eof(&mut self.input),
            };
            // Lent and not moved: copying an element costs more than most of them are read for.
            match &mut decoded {
                Ok(Some(element)) => self.take(element),
                Ok(None) if end == End::Reached && !self.decoder.is_finished() => {}
                Ok(None) => return,
                Err(error) => self.damaged(error),
            }
        }
    }

    /// Takes in one element; damage found in it sends the demuxer seeking.
    fn take(&mut self, PositionedTag { tag, offset }: &mut PositionedTag<MatroskaSpec>) {
        let offset = self.base + *offset as u64;
        match tag.as_master() {
            Some(Master::Start) => self.depth += 1,
            Some(Master::End) => {
                self.depth = self.depth.saturating_sub(1);
                return;
            }
            Some(Master::Full(_)) | None => {}
        }
        if self.depth > MAX_DEPTH {
            return self.break_off(offset, DamageKind::TooDeep { limit: MAX_DEPTH });
        }
        match tag {
            MatroskaSpec::RawTag(_, data)
                if self.draft.is_none() || self.odd_run >= MAX_ODD_RUN =>
            {
                self.give_back(data);
                return self.break_off(offset, DamageKind::Unreadable("nothing known here".into()));
            }
            MatroskaSpec::RawTag(_, data) | MatroskaSpec::Void(data) => {
                self.odd_run += 1;
                self.check_swallowed(offset, data);
                return;
            }
            MatroskaSpec::SimpleBlock(data) | MatroskaSpec::Block(data)
                if data.len() > SUSPICIOUS_BYTES && self.check_swallowed(offset, data) =>
            {
                return;
            }
            _ => self.odd_run = 0,
        }
        let starts_document = match tag {
            MatroskaSpec::Ebml(_) => true,
            MatroskaSpec::Segment(_) => self.draft.as_ref().is_some_and(Draft::has_segment),
            _ => false,
        };
        if starts_document {
            self.close_draft(offset);
        }
        self.draft
            .get_or_insert_with(|| Draft::new(offset))
            .take(tag, offset);
    }

    /// A length field with a flipped bit can swallow the documents behind it. Gives them
    /// back to the input when `data`, just decoded, holds one; true when it did.
    fn check_swallowed(&mut self, offset: u64, data: &[u8]) -> bool {
        let resync::Found::At(start) = resync::find_document(data) else {
            return false;
        };
        self.give_back(&data[start..]);
        self.note(
            offset,
            DamageKind::Unreadable("length reaches into the next fragment".into()),
        );
        self.close_draft(self.base);
        true
    }

    /// Puts the end of the element just decoded back in front of the input, and starts a
    /// new decoder there.
    fn give_back(&mut self, data: &[u8]) {
        let position = self.position() - data.len() as u64;
        let rest = self.input.split();
        self.input.extend_from_slice(data);
        self.input.unsplit(rest);
        self.restart(position);
    }

    /// Sorts an error of the decoder: an element that is bad in itself is skipped, after
    /// anything else the reading goes on at the next document.
    fn damaged(&mut self, error: &TagIteratorError) {
        let offset = self.position();
        let (kind, skippable) = describe(error);
        if skippable && resync::void_front(&mut self.input, MAX_TAG_BYTES) {
            return self.note(offset, kind);
        }
        if kind == DamageKind::Truncated && resync::may_start_document(&self.input) {
            self.close_draft(offset);
        }
        self.break_off(offset, kind);
        // The element at fault must not be found again as the next document's start.
        let skipped = usize::from(!self.input.is_empty());
        self.input.advance(skipped);
        self.base += skipped as u64;
    }

    /// Notes the damage, closes what is open with what is whole of it, and seeks.
    fn break_off(&mut self, offset: u64, kind: DamageKind) {
        self.note(offset, kind);
        self.close_draft(self.position());
        self.restart(self.position());
        self.seeking = true;
    }

    fn note(&mut self, offset: u64, kind: DamageKind) {
        match &mut self.draft {
            Some(draft) => draft.note(offset, None, kind),
            None => self.ready.push_back(Document::Stray(Damage {
                number: None,
                direction: None,
                offset,
                kind,
            })),
        }
    }

    fn restart(&mut self, position: u64) {
        self.decoder = new_decoder();
        self.base = position;
        self.depth = 0;
        self.odd_run = 0;
    }

    /// Drops bytes up to the next document; false when more bytes are needed.
    fn seek(&mut self, end: End) -> bool {
        let (skipped, found) = match resync::find_document(&self.input) {
            resync::Found::At(start) => (start, true),
            resync::Found::NotBefore(_) if end == End::Reached => (self.input.len(), false),
            resync::Found::NotBefore(start) => (start, false),
        };
        self.input.advance(skipped);
        self.base += skipped as u64;
        self.seeking = !found;
        found
    }

    fn close_draft(&mut self, end: u64) {
        if let Some(draft) = self.draft.take() {
            self.ready.push_back(draft.close(end));
        }
    }
}

/// Whether more bytes can come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    Reached,
}

fn new_decoder() -> TagDecoder<MatroskaSpec> {
    let mut decoder = TagDecoder::new(&[]);
    // Unknown ids come out as raw elements only when both of the first two are allowed.
    decoder.allow_errors(&[
        AllowableErrors::InvalidTagIds,
        AllowableErrors::HierarchyProblems,
        AllowableErrors::OversizedTags,
    ]);
    decoder.set_max_allowable_tag_size(Some(MAX_ELEMENT_BYTES));
    decoder
}

/// The decoder's error in our words, and whether the element alone is at fault.
fn describe(error: &TagIteratorError) -> (DamageKind, bool) {
    let unreadable = |text: &str| DamageKind::Unreadable(text.into());
    match error {
        TagIteratorError::CorruptedFileData(CorruptedFileError::InvalidTagSize {
            tag_id,
            size,
            ..
        }) => (
            DamageKind::ElementTooLarge {
                id: *tag_id,
                size: *size as u64,
                limit: MAX_ELEMENT_BYTES as u64,
            },
            false,
        ),
        TagIteratorError::CorruptedFileData(CorruptedFileError::InvalidTagData {
            tag_id, ..
        }) => (
            unreadable(&format!("0x{tag_id:X} with an impossible size")),
            true,
        ),
        TagIteratorError::CorruptedFileData(CorruptedFileError::InvalidTagId { .. }) => {
            (unreadable("unknown id"), false)
        }
        TagIteratorError::CorruptedFileData(CorruptedFileError::HierarchyError { .. }) => {
            (unreadable("element out of place"), false)
        }
        TagIteratorError::CorruptedFileData(CorruptedFileError::OversizedChildElement {
            ..
        }) => (unreadable("element larger than its parent"), false),
        TagIteratorError::CorruptedTagData { tag_id, .. } => (
            unreadable(&format!("0x{tag_id:X} holds no value of its type")),
            true,
        ),
        TagIteratorError::UnexpectedEOF { .. } => (DamageKind::Truncated, false),
        TagIteratorError::ReadError { .. } => (unreadable("read error"), false),
    }
}

#[cfg(test)]
mod tests;
