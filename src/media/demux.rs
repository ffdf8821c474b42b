//! Bytes of an answer from KVS, in any chunking, to fragments, error documents and damage.
//!
//! One answer holds hundreds of EBML documents back to back, each one fragment, with
//! Segment and Cluster of unknown size; the last ends with the body. Nothing is decided
//! about a fragment before its document is whole, because its tags may stand behind its
//! audio. Bytes come in as arguments; no input panics, and no claimed size is allocated.
//!
//! Refuses: lacing, content encodings, formats other than 16-bit PCM mono at 8 kHz, and
//! everything beyond the limits named here. What is left out is counted in the fragment.
//! After damage what is whole before it is kept and reading goes on at the next document,
//! and never at a Cluster: behind a header that is lost it would be somebody else's.
//!
//! Media cannot buy time. An element is looked at before it is buffered, each kind has its
//! own limit, and bytes go one way: they are searched once for a document that starts
//! where none should, and never read again. The fuzz target counts the work.

mod block;
mod document;
mod ebml;
mod format;
mod recover;
#[doc(hidden)]
pub mod replay;
mod resync;
mod tags;
mod text;
mod tracks;

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};

use crate::media::counts::nearest;
use crate::media::fragment::{Damage, DamageKind, ErrorDocument, Fragment, LeftOutReason};
use block::{BlockHeader, MAX_HEADER_BYTES};
use document::Draft;
use ebml::{Head, Kind, NoHead, Place, id};
use recover::Inside;
use resync::Magic;
use tags::TagText;

/// The most that an element beside the Clusters may claim: an index, attachments.
pub const MAX_ELEMENT_BYTES: usize = 4 << 20;
/// The most that any other element may claim that is stepped over.
pub const MAX_UNKNOWN_BYTES: usize = 64 << 10;
/// The most audio in one block: 4 seconds of a track. Connect writes 64 ms.
pub const MAX_BLOCK_BYTES: usize = 64 << 10;
/// The most audio in one Cluster: 131 seconds of both tracks. KVS cuts at 10 to 20.
pub const MAX_FRAGMENT_BYTES: usize = 4 << 20;
/// The most blocks in one Cluster; Connect writes about 34.
pub const MAX_BLOCKS: usize = 8_192;
/// The most tracks in one fragment; Connect writes 1 or 2.
pub const MAX_TRACKS: usize = 16;
/// The longest tag or name that is looked at.
pub const MAX_TAG_BYTES: usize = 4_096;
/// The longest contact id (Connect's API: 256 characters).
pub const MAX_CONTACT_BYTES: usize = 256;
/// How deep elements may nest; Matroska's audio needs 5.
pub const MAX_DEPTH: usize = 16;
/// Damage beyond this in one fragment is not listed.
pub const MAX_DAMAGE: usize = 32;
/// How much of a large chunk is read at a time: what is copied in is still in the
/// processor's nearest cache when it is read.
const FEED_BYTES: usize = 16 << 10;

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
/// use callreel::media::demux::Demuxer;
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
    input: BytesMut,
    /// Where in the body the input begins.
    base: u64,
    /// The masters that are open, outermost first.
    open: Vec<Open>,
    /// What is dropped at the front before anything is read.
    step: Option<Step>,
    magic: Magic,
    draft: Option<Draft>,
    ready: VecDeque<Document>,
    /// Elements looked at so far, in whatever search: what reading costs beside the bytes.
    work: u64,
}

/// A master that is being read.
#[derive(Clone, Copy, Debug)]
struct Open {
    id: u32,
    /// Where in the body it ends, when it says so.
    end: Option<u64>,
}

/// Bytes that are stepped over, and searched for a document on the way.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Where in the body their element starts.
    start: u64,
    /// Where they end; `None`: where the next document starts.
    end: Option<u64>,
    /// Those from here on are, or may be, audio of this track.
    audio: Option<(u64, Option<u64>, LeftOutReason)>,
    /// It has been told as damage already.
    told: bool,
}

/// Whether more bytes can come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    Reached,
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
            input: BytesMut::new(),
            base: 0,
            open: Vec::new(),
            step: None,
            magic: Magic::default(),
            draft: None,
            ready: VecDeque::new(),
            work: 0,
        }
    }

    /// Takes the next bytes of the body, however they were cut.
    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(FEED_BYTES) {
            self.input.extend_from_slice(piece);
            while self.advance(End::NotYet) {}
        }
    }

    /// The next document that is whole, in the order of the body.
    pub fn next_document(&mut self) -> Option<Document> {
        self.ready.pop_front()
    }

    /// Whether all of the last document came, as live media proves it: its continuation token or
    /// its distance from now stands behind its audio (KVS API reference, GetMedia). Nothing of
    /// it is half read then; more tags of the same document can follow all the same.
    pub fn ends_whole(&self) -> bool {
        let is_over =
            |open: &Open| open.id == id::SEGMENT || open.end.is_some_and(|end| end <= self.base);
        let is_followed = self.draft.as_ref().is_some_and(Draft::is_followed);
        is_followed && self.step.is_none() && self.input.is_empty() && self.open.iter().all(is_over)
    }

    /// The same, and the document says whose it is: nothing that follows can say more of it.
    pub fn ends_named(&self) -> bool {
        let named = self.draft.as_ref().is_some_and(Draft::names_a_contact);
        named && self.ends_whole()
    }

    /// Whether nothing of a document has come yet.
    pub fn is_between(&self) -> bool {
        self.draft.is_none() && self.input.is_empty()
    }

    /// The body has ended: what is left of it. The last document ends here.
    pub fn finish(mut self) -> impl Iterator<Item = Document> {
        self.end_body();
        self.ready.into_iter()
    }

    fn end_body(&mut self) {
        while self.advance(End::Reached) {}
        if self.open.iter().any(|open| open.end > Some(self.base)) {
            self.note(self.base, DamageKind::Truncated);
        }
        self.close_draft(self.base);
    }

    /// One step; false when more bytes are needed, or none are left.
    fn advance(&mut self, end: End) -> bool {
        self.work += 1;
        match self.step {
            Some(step) => self.step(step, end),
            None => self.read(end),
        }
    }

    /// Reads the element at the front.
    fn read(&mut self, end: End) -> bool {
        self.close_ended();
        let head = match ebml::read_head(&self.input) {
            Ok(head) => head,
            Err(NoHead::Short) => return self.wait(end),
            Err(NoHead::BadId) => return self.break_off(unreadable("no element")),
            Err(NoHead::BadSize(id)) => return self.break_off(bad_size(id)),
        };
        match self.document_inside(head.length, false, end) {
            Inside::No => {}
            Inside::Unknown => return self.wait(end),
            Inside::At(start) => return self.swallowed(start),
        }
        let kind = Kind::of(head.id);
        if kind == Kind::Master {
            return self.read_master(head);
        }
        let Some(size) = head.size else {
            return self.break_off(bad_size(head.id));
        };
        if kind == Kind::Unknown && head.id != id::VOID && self.draft.is_none() {
            return self.break_off(unreadable("nothing known here"));
        }
        let limit = limit(head.id, kind);
        match usize::try_from(size) {
            Ok(size) if size <= limit && kind.is_read() => self.read_data(head, kind, size, end),
            Ok(size) if size <= limit => {
                if head.id == id::CONTENT_ENCODINGS {
                    self.draft().take_encodings();
                }
                self.step_over(head, size as u64, None, false)
            }
            Ok(_) | Err(_) => self.refuse(head, kind, size, end),
        }
    }

    /// Enters a master, and closes what cannot hold it.
    fn read_master(&mut self, head: Head) -> bool {
        let breaks_out = matches!(Place::of(head.id), Place::Root | Place::InSegment);
        let is_nested = self
            .open
            .last()
            .is_some_and(|open| open.id == id::SIMPLE_TAG);
        match head.size {
            // It is of the tag that it stands in, and not of the fragment.
            Some(size) if is_nested && head.id == id::SIMPLE_TAG => {
                return self.step_over(head, size, None, false);
            }
            _ if breaks_out || self.open.len() < MAX_DEPTH => {}
            _ => return self.break_off(DamageKind::TooDeep { limit: MAX_DEPTH }),
        }
        while let Some(top) = self.open.last().copied() {
            if ebml::holds(top.id, head.id) || (top.end.is_some() && !breaks_out) {
                break;
            }
            if top.end.is_some() {
                // It says that there is more of it.
                self.note(self.base, DamageKind::Truncated);
            }
            self.close_top();
        }
        let starts_document = match head.id {
            id::EBML => true,
            id::SEGMENT => self.draft.as_ref().is_some_and(Draft::has_segment),
            _ => false,
        };
        if starts_document {
            self.close_draft(self.base);
        }
        let offset = self.base;
        let ended = self.draft().open(head.id, offset);
        self.ready.extend(ended);
        self.drop_front(head.length);
        self.open.push(Open {
            id: head.id,
            end: head.size.map(|size| self.base.saturating_add(size)),
        });
        true
    }

    /// Reads a value or a block, once all of it is there.
    fn read_data(&mut self, head: Head, kind: Kind, size: usize, end: End) -> bool {
        let length = head.length + size;
        match self.document_inside(length, kind == Kind::Block, end) {
            Inside::No if self.input.len() >= length => {}
            Inside::No | Inside::Unknown => return self.wait(end),
            Inside::At(start) => return self.swallowed(start),
        }
        let offset = self.base;
        let draft = self.draft.get_or_insert_with(|| Draft::new(offset));
        let data = &self.input[head.length..length];
        let default = ebml::default_of(head.id);
        match kind {
            Kind::Uint if data.is_empty() => draft.take_uint(head.id, default),
            Kind::Uint => draft.take_uint(head.id, ebml::uint(data)),
            Kind::Float if data.is_empty() => draft.take_float(head.id, nearest(default)),
            Kind::Float => match ebml::float(data) {
                Some(value) => draft.take_float(head.id, value),
                None => draft.note(offset, None, bad_size(head.id)),
            },
            Kind::Text => match std::str::from_utf8(data) {
                Ok(text) => draft.take_text(head.id, TagText::Text(text.to_owned()), offset),
                Err(_) => {
                    let text = format!("0x{:X} holds no value of its type", head.id);
                    draft.note(offset, None, unreadable(&text));
                }
            },
            Kind::Uid => draft.take_session(data),
            Kind::Block => draft.take_block(head.id, data, offset),
            Kind::Master | Kind::Known | Kind::Unknown => {}
        }
        self.drop_front(length);
        true
    }

    /// Steps over an element that is larger than its kind may be.
    fn refuse(&mut self, head: Head, kind: Kind, size: u64, end: End) -> bool {
        let offset = self.base;
        let mut audio = None;
        let mut told = true;
        match kind {
            Kind::Text => {
                self.draft().take_text(head.id, TagText::TooLong, offset);
                told = false;
            }
            Kind::Uint | Kind::Float => self.note(offset, bad_size(head.id)),
            Kind::Block | Kind::Uid | Kind::Master | Kind::Known | Kind::Unknown => {
                if kind == Kind::Block {
                    let headers = head.length + MAX_HEADER_BYTES;
                    if self.input.len() < headers && end == End::NotYet {
                        return false;
                    }
                    let data = self.input.get(head.length..).unwrap_or_default();
                    let header = BlockHeader::read(data);
                    let length = head.length + header.map_or(0, |header| header.length);
                    let track = header.map(|header| header.track);
                    audio = Some((offset + length as u64, track, LeftOutReason::Limit));
                }
                let kind = DamageKind::ElementTooLarge {
                    id: head.id.into(),
                    size,
                    limit: limit(head.id, kind) as u64,
                };
                self.note(offset, kind);
            }
        }
        self.step_over(head, size, audio, told)
    }

    fn step_over(
        &mut self,
        head: Head,
        size: u64,
        audio: Option<(u64, Option<u64>, LeftOutReason)>,
        told: bool,
    ) -> bool {
        let end = self.base.saturating_add(head.length as u64);
        self.step = Some(Step {
            start: self.base,
            end: Some(end.saturating_add(size)),
            audio,
            told,
        });
        true
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

    fn draft(&mut self) -> &mut Draft {
        let offset = self.base;
        self.draft.get_or_insert_with(|| Draft::new(offset))
    }

    fn close_draft(&mut self, end: u64) {
        if let Some(draft) = self.draft.take() {
            self.ready.push_back(draft.close(end));
        }
    }

    /// Closes the masters that end at the front.
    fn close_ended(&mut self) {
        let has_ended = |open: &Open| open.end.is_some_and(|end| end <= self.base);
        if let Some(first) = self.open.iter().position(has_ended) {
            while self.open.len() > first {
                self.close_top();
            }
        }
    }

    fn close_top(&mut self) {
        if let (Some(top), Some(draft)) = (self.open.pop(), &mut self.draft) {
            draft.close_master(top.id);
        }
    }

    fn drop_front(&mut self, bytes: usize) {
        self.input.advance(bytes);
        self.base += bytes as u64;
    }
}

/// The most bytes that an element may claim. Only what stands beside the Clusters is large:
/// anything else that claims much is more likely to be no element, and hides audio.
fn limit(element: u32, kind: Kind) -> usize {
    match kind {
        Kind::Uint | Kind::Float => 8,
        Kind::Text | Kind::Uid => MAX_TAG_BYTES,
        Kind::Block => MAX_BLOCK_BYTES,
        Kind::Known if Place::of(element) == Place::InSegment => MAX_ELEMENT_BYTES,
        Kind::Known | Kind::Unknown => MAX_UNKNOWN_BYTES,
        Kind::Master => usize::MAX,
    }
}

fn unreadable(text: &str) -> DamageKind {
    DamageKind::Unreadable(text.into())
}

fn bad_size(id: u32) -> DamageKind {
    unreadable(&format!("0x{id:X} with an impossible size"))
}

#[cfg(test)]
mod tests;
