//! One document under way: collects elements in whatever order they stand, and decides
//! only when it is closed.
//!
//! A document of KVS has one Cluster and is one fragment. A call that was merged into one
//! Segment is cut into fragments again, at Clusters: where a new number, Info or Tracks
//! stands before one, and where a fragment of KVS would long have ended. So no limit is one
//! of the whole call.

use std::mem;
use std::ops::Range;

use bytes::Bytes;

use super::block::BlockHeader;
use super::ebml::id;
use super::tags::{Part, Place, TagText, Tags};
use super::text::{cut, trim};
use super::tracks::{Judged, Track, Tracks};
use super::{Document, MAX_BLOCKS, MAX_DAMAGE, MAX_FRAGMENT_BYTES, MAX_TRACKS};
use crate::media::fragment::{
    Block, ContactTag, Damage, DamageKind, Direction, ErrorDocument, Fragment, LeftOutReason,
    SegmentUid,
};
use crate::media::ticks::MediaTime;

/// Nanoseconds a tick lasts where Info does not say, or says nothing usable (RFC 9559).
pub(super) const DEFAULT_SCALE_NANOS: u64 = 1_000_000;
/// A fragment with so much audio ends where the next Cluster starts: 20 seconds of both
/// tracks, the longest that KVS makes.
const FULL_BYTES: usize = 640_000;
/// A fragment with so many blocks ends where the next Cluster starts.
const FULL_BLOCKS: usize = 1_024;

struct TimedBlock {
    track: u64,
    cluster: Option<u64>,
    relative: i16,
    pcm: Range<usize>,
    offset: u64,
}

/// Audio that becomes no block, by the number of its track.
struct Unplaced {
    track: Option<u64>,
    reason: LeftOutReason,
    bytes: u64,
}

/// What became of the blocks of one track.
struct TrackCount {
    number: u64,
    judged: Judged,
    bytes: u64,
    first: u64,
}

/// The document being read.
pub(super) struct Draft {
    fragment: Fragment,
    segment_seen: bool,
    info_seen: bool,
    /// Clusters of the document so far.
    clusters: u64,
    /// A Cluster of the fragment has begun.
    cluster_seen: bool,
    /// Where the document starts, and its first Tags or Cluster.
    start: u64,
    header_end: Option<u64>,
    tracks: Tracks,
    scale_nanos: u64,
    tags: Tags,
    cluster: Option<u64>,
    first_cluster: Option<u64>,
    /// The first block of the Cluster, and its first byte of audio.
    cluster_from: (usize, usize),
    blocks: Vec<TimedBlock>,
    audio: Vec<u8>,
    /// Audio that is left out before its track's name is known.
    left_out: Vec<Unplaced>,
}

impl Draft {
    pub(super) fn new(offset: u64) -> Self {
        Self {
            fragment: Fragment {
                offset,
                ..Fragment::default()
            },
            segment_seen: false,
            info_seen: false,
            clusters: 0,
            cluster_seen: false,
            start: offset,
            header_end: None,
            tracks: Tracks::default(),
            scale_nanos: DEFAULT_SCALE_NANOS,
            tags: Tags::default(),
            cluster: None,
            first_cluster: None,
            cluster_from: (0, 0),
            blocks: Vec::new(),
            audio: Vec::new(),
            left_out: Vec::new(),
        }
    }

    pub(super) fn has_segment(&self) -> bool {
        self.segment_seen
    }

    /// Whether all that live media sends of the fragment came: the tags behind its audio.
    pub(super) fn is_followed(&self) -> bool {
        self.tags.is_followed
    }

    /// Whether it says whose it is, so far.
    pub(super) fn names_a_contact(&self) -> bool {
        self.fragment.contact != ContactTag::None
    }

    /// A master begins at `offset`; what ends with it when a merged call goes on.
    pub(super) fn open(&mut self, element: u32, offset: u64) -> Option<Document> {
        let mut ended = None;
        match element {
            id::SEGMENT => self.segment_seen = true,
            id::INFO => {
                if self.cluster_seen && self.info_seen {
                    ended = Some(self.split(offset));
                    self.fragment.session = None;
                }
                self.info_seen = true;
            }
            id::TRACKS => {
                if self.cluster_seen && !self.tracks.is_empty() {
                    ended = Some(self.split(offset));
                }
                self.tracks = Tracks::default();
            }
            id::TRACK_ENTRY if !self.tracks.open(offset) => {
                self.note(offset, None, too_large("tracks", MAX_TRACKS));
            }
            id::AUDIO => self.on_track(|track| track.format.described = true),
            id::TAGS => {
                self.header_end.get_or_insert(offset);
                self.tags.begin = Some(offset);
            }
            id::TAG => self.tags.types.open_tag(),
            id::SIMPLE_TAG => self.tags.open_simple_tag(),
            id::CLUSTER => {
                self.header_end.get_or_insert(offset);
                self.tags.begin = None;
                self.tags.is_followed = false;
                let full = self.audio.len() >= FULL_BYTES || self.blocks.len() >= FULL_BLOCKS;
                if let Some(next) = self.tags.next.take() {
                    ended = Some(self.split(next.begin.unwrap_or(offset)));
                    self.fragment.number = Some(next.number);
                    self.fragment.server_time = next.server_time;
                    self.fragment.producer_time = next.producer_time;
                } else if full {
                    ended = Some(self.split(offset));
                }
                self.clusters += 1;
                self.cluster_seen = true;
                self.cluster = None;
                self.cluster_from = (self.blocks.len(), self.audio.len());
            }
            _ => {}
        }
        ended
    }

    /// A master has ended.
    pub(super) fn close_master(&mut self, element: u32) {
        match element {
            id::TRACK_ENTRY => self.tracks.close(),
            id::TAG => self.tags.types.close_tag(),
            _ => {}
        }
    }

    pub(super) fn take_uint(&mut self, element: u32, value: u64) {
        match element {
            id::TIMESTAMP => self.take_cluster_time(value),
            id::TIMESTAMP_SCALE => self.scale_nanos = value,
            id::TAG_TRACK_UID => self.tags.types.target(value),
            _ => self.on_track(|track| track.take_uint(element, value)),
        }
    }

    pub(super) fn take_float(&mut self, element: u32, value: f64) {
        self.on_track(|track| track.take_float(element, value));
    }

    pub(super) fn take_session(&mut self, uid: &[u8]) {
        self.fragment.session = <[u8; 16]>::try_from(uid).ok().map(SegmentUid);
    }

    pub(super) fn take_text(&mut self, element: u32, text: TagText, offset: u64) {
        let part = match (element, &text) {
            (id::TAG_NAME, _) => Part::Name,
            (id::TAG_STRING, _) => Part::Value,
            (id::NAME, TagText::Text(text)) => {
                return self.on_track(|track| track.name = cut(trim(text)));
            }
            (id::CODEC_ID, TagText::Text(text)) => {
                return self.on_track(|track| track.format.codec = cut(trim(text)));
            }
            _ => return,
        };
        let place = Place {
            offset,
            is_behind_audio: self.cluster_seen,
        };
        let read = self.tags.take(&mut self.fragment, part, text, place);
        if let Err(kind) = read {
            self.note(offset, None, kind);
        }
    }

    pub(super) fn take_encodings(&mut self) {
        self.on_track(|track| track.encoded = true);
    }

    pub(super) fn take_block(&mut self, element: u32, data: &[u8], offset: u64) {
        self.tags.pass_audio();
        let Some(header) = BlockHeader::read(data) else {
            self.leave_out_block(data, LeftOutReason::Unreadable);
            return self.note(offset, None, DamageKind::BlockTooShort(data.len()));
        };
        let pcm = &data[header.length..];
        let (blocks, bytes) = self.cluster_from;
        let (reason, kind) = if element == id::ENCRYPTED_BLOCK {
            (
                LeftOutReason::Encoded,
                DamageKind::EncodedTrack(header.track),
            )
        } else if header.laced {
            (LeftOutReason::Laced, DamageKind::Laced)
        } else if self.audio.len() - bytes + pcm.len() > MAX_FRAGMENT_BYTES {
            let kind = too_large("bytes of audio", MAX_FRAGMENT_BYTES);
            (LeftOutReason::Limit, kind)
        } else if self.blocks.len() - blocks >= MAX_BLOCKS {
            (LeftOutReason::Limit, too_large("blocks", MAX_BLOCKS))
        } else {
            let from = self.audio.len();
            self.audio.extend_from_slice(pcm);
            return self.blocks.push(TimedBlock {
                track: header.track,
                cluster: self.cluster,
                relative: header.relative,
                pcm: from..self.audio.len(),
                offset,
            });
        };
        self.leave_out(Some(header.track), reason, pcm.len() as u64);
        self.note(offset, None, kind);
    }

    /// Counts what came of a block that is not taken. All of it when its track has no
    /// number that can be read.
    pub(super) fn leave_out_block(&mut self, data: &[u8], reason: LeftOutReason) {
        let (track, header) = match BlockHeader::read(data) {
            Some(header) => (Some(header.track), header.length),
            None if data.first() == Some(&0) => (None, 0),
            None => (None, data.len()),
        };
        self.leave_out(track, reason, (data.len() - header) as u64);
    }

    /// Counts audio that becomes no block. More tracks than a fragment may have are one.
    pub(super) fn leave_out(&mut self, track: Option<u64>, reason: LeftOutReason, bytes: u64) {
        self.tags.pass_audio();
        let mut counted = self.left_out.iter_mut();
        if let Some(left) = counted.find(|left| (left.track, left.reason) == (track, reason)) {
            left.bytes = left.bytes.saturating_add(bytes);
        } else if track.is_some() && self.left_out.len() >= MAX_TRACKS {
            self.leave_out(None, reason, bytes);
        } else if bytes > 0 {
            self.left_out.push(Unplaced {
                track,
                reason,
                bytes,
            });
        }
    }

    pub(super) fn note(&mut self, offset: u64, direction: Option<Direction>, kind: DamageKind) {
        if self.fragment.damage.len() < MAX_DAMAGE {
            self.fragment.damage.push(Damage {
                number: None,
                direction,
                offset,
                kind,
            });
        }
    }

    /// The document ends at `end`: what it was, or what the last of it was.
    pub(super) fn close(mut self, end: u64) -> Document {
        let is_empty = self.blocks.is_empty() && self.left_out.is_empty();
        match self.tags.take_error() {
            Some((id, code)) if is_empty => {
                return Document::Error(ErrorDocument {
                    number: self.fragment.number,
                    id,
                    code,
                    offset: self.fragment.offset,
                });
            }
            // Audio that came is kept, whatever stands beside it.
            Some((id, code)) => {
                self.note(
                    self.fragment.offset,
                    None,
                    DamageKind::ErrorTag { id, code },
                );
            }
            // Each fragment of KVS is a Cluster.
            None if self.clusters == 0 && self.segment_seen && self.fragment.damage.is_empty() => {
                self.note(end, None, DamageKind::NoCluster);
            }
            None => {}
        }
        // The tags of a merged call may name all the fragments that it was.
        if let Some(next) = self.tags.next.take().filter(|_| self.clusters == 1) {
            let kind = DamageKind::BadTag {
                name: "AWS_KINESISVIDEO_FRAGMENT_NUMBER".into(),
                value: next.number.to_string().into(),
            };
            self.note(next.offset, None, kind);
        }
        self.end(end)
    }

    /// Ends a fragment at `end`, and goes on with the next one of the same Segment.
    fn split(&mut self, end: u64) -> Document {
        let ended = self.end(end);
        let Document::Fragment(before) = &ended else {
            return ended;
        };
        self.fragment = Fragment {
            session: before.session,
            // Within a session it is inherited.
            contact: match before.session {
                Some(_) => Default::default(),
                None => before.contact.clone(),
            },
            offset: end,
            header: self.header_end.map(|header_end| self.start..header_end),
            ..Fragment::default()
        };
        self.cluster_seen = false;
        self.cluster = None;
        self.first_cluster = None;
        self.cluster_from = (0, 0);
        ended
    }

    fn end(&mut self, end: u64) -> Document {
        self.fragment.length = end.saturating_sub(self.fragment.offset);
        if self.scale_nanos == 0 {
            self.scale_nanos = DEFAULT_SCALE_NANOS;
            self.note(self.fragment.offset, None, DamageKind::NoScale);
        }
        self.fragment.cluster_time = self
            .first_cluster
            .and_then(|time| MediaTime::from_matroska(time, 0, self.scale_nanos));
        self.place_blocks();
        let mut fragment = mem::take(&mut self.fragment);
        let number = fragment.number;
        (fragment.damage.iter_mut()).for_each(|damage| damage.number = number);
        fragment.tracks = self.tracks.names();
        Document::Fragment(fragment)
    }

    fn on_track(&mut self, set: impl FnOnce(&mut Track)) {
        if let Some(track) = self.tracks.current() {
            set(track);
        }
    }

    /// A Cluster's time is meant to stand before its blocks, and counts for all of them.
    fn take_cluster_time(&mut self, time: u64) {
        if self.cluster.is_none() {
            for block in &mut self.blocks[self.cluster_from.0..] {
                block.cluster = Some(time);
            }
        }
        self.cluster = Some(time);
        self.first_cluster.get_or_insert(time);
    }

    /// Gives every block its direction and its time, and notes those that get none.
    fn place_blocks(&mut self) {
        for left in mem::take(&mut self.left_out) {
            let direction = left.track.and_then(|track| self.tracks.direction(track));
            self.fragment.leave_out(direction, left.reason, left.bytes);
        }
        // Grown by doubling, it takes up to twice what it holds, for as long as the fragment waits.
        self.audio.shrink_to_fit();
        let audio = Bytes::from(mem::take(&mut self.audio));
        let blocks = mem::take(&mut self.blocks);
        self.fragment.blocks.reserve_exact(blocks.len());
        let mut counts: Vec<TrackCount> = Vec::new();
        for block in blocks {
            let bytes = block.pcm.len() as u64;
            let judged = self.judge(&block, &mut counts);
            match judged {
                Judged::Audio(direction) => self.place_block(&block, direction, &audio),
                Judged::NoAudio => {}
                Judged::Refused {
                    direction, reason, ..
                } => self.fragment.leave_out(direction, reason, bytes),
            }
        }
        for count in counts.into_iter().filter(|count| count.bytes > 0) {
            if let Judged::Refused { direction, why, .. } = count.judged {
                let (kind, offset) = why.into_damage(count.number, count.bytes, count.first);
                self.note(offset, direction, kind);
            }
        }
    }

    /// What a block's track is, decided once for each and counted.
    fn judge(&self, block: &TimedBlock, counts: &mut Vec<TrackCount>) -> Judged {
        let bytes = block.pcm.len() as u64;
        if let Some(count) = counts.iter_mut().find(|count| count.number == block.track) {
            count.bytes += bytes;
            return count.judged.clone();
        }
        let judged = self.tracks.judge(block.track, &self.tags.types);
        if counts.len() < MAX_TRACKS {
            counts.push(TrackCount {
                number: block.track,
                judged: judged.clone(),
                bytes,
                first: block.offset,
            });
        }
        judged
    }

    fn place_block(&mut self, block: &TimedBlock, direction: Direction, audio: &Bytes) {
        if block.pcm.is_empty() {
            return;
        }
        let start = block.cluster.and_then(|cluster| {
            MediaTime::from_matroska(cluster, block.relative, self.scale_nanos)
        });
        let Some(start) = start else {
            let bytes = block.pcm.len() as u64;
            let reason = LeftOutReason::NoTime;
            self.fragment.leave_out(Some(direction), reason, bytes);
            let is_told = |damage: &Damage| {
                (damage.direction, &damage.kind) == (Some(direction), &DamageKind::NoTime)
            };
            if !self.fragment.damage.iter().any(is_told) {
                self.note(block.offset, Some(direction), DamageKind::NoTime);
            }
            return;
        };
        self.fragment.blocks.push(Block {
            direction,
            start,
            pcm: audio.slice(block.pcm.clone()),
        });
    }
}

fn too_large(what: &'static str, limit: usize) -> DamageKind {
    DamageKind::FragmentTooLarge { what, limit }
}
