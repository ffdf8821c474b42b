//! One document under way: collects elements in whatever order they stand, and decides
//! only when it is closed.

use std::mem;

use bytes::Bytes;
use ebml_iterable::specs::Master;
use webm_iterable::matroska_spec::MatroskaSpec;

use super::block;
use super::{
    Document, MAX_BLOCK_BYTES, MAX_BLOCKS, MAX_DAMAGE, MAX_FRAGMENT_BYTES, MAX_TAG_BYTES,
    MAX_TRACKS,
};
use crate::fragment::{
    Block, Damage, DamageKind, Direction, ErrorDocument, Fragment, FragmentNumber, LeftOutReason,
    SegmentUid,
};
use crate::ticks::{EpochMillis, MediaTime};

/// Nanoseconds a tick lasts where Info does not say (Matroska's default).
const DEFAULT_SCALE_NANOS: u64 = 1_000_000;

#[derive(Default)]
struct Track {
    number: Option<u64>,
    name: Box<str>,
    encoded: bool,
}

struct TimedBlock {
    track: u64,
    cluster: Option<u64>,
    relative: i16,
    pcm: Bytes,
    offset: u64,
}

/// Audio that becomes no block, by the number of its track.
struct Unplaced {
    track: Option<u64>,
    reason: LeftOutReason,
    bytes: u64,
}

/// The document being read.
pub(super) struct Draft {
    fragment: Fragment,
    segment_seen: bool,
    tracks: Vec<Track>,
    scale_nanos: u64,
    cluster: Option<u64>,
    first_cluster: Option<u64>,
    blocks: Vec<TimedBlock>,
    audio_bytes: usize,
    /// Audio that is left out before its track's name is known.
    left_out: Vec<Unplaced>,
    tag_name: Option<String>,
    tag_value: Option<String>,
    error_id: Option<u32>,
    error_code: Option<Box<str>>,
    unread_format: Option<(u64, Box<str>)>,
}

impl Draft {
    pub fn new(offset: u64) -> Self {
        Self {
            fragment: Fragment {
                offset,
                ..Fragment::default()
            },
            segment_seen: false,
            tracks: Vec::new(),
            scale_nanos: DEFAULT_SCALE_NANOS,
            cluster: None,
            first_cluster: None,
            blocks: Vec::new(),
            audio_bytes: 0,
            left_out: Vec::new(),
            tag_name: None,
            tag_value: None,
            error_id: None,
            error_code: None,
            unread_format: None,
        }
    }

    pub fn has_segment(&self) -> bool {
        self.segment_seen
    }

    /// Takes in one element of this document, and what it needs out of it; `offset` is
    /// where it stands in the body.
    pub fn take(&mut self, element: &mut MatroskaSpec, offset: u64) {
        match element {
            MatroskaSpec::SimpleBlock(data) | MatroskaSpec::Block(data) => {
                self.take_block(mem::take(data), offset)
            }
            MatroskaSpec::Timestamp(time) => {
                self.cluster = Some(*time);
                self.first_cluster.get_or_insert(*time);
            }
            MatroskaSpec::Cluster(Master::Start) => self.cluster = None,
            MatroskaSpec::Segment(Master::Start) => self.segment_seen = true,
            MatroskaSpec::TimestampScale(nanos) => self.scale_nanos = *nanos,
            MatroskaSpec::SegmentUID(uid) => {
                self.fragment.session = <[u8; 16]>::try_from(&uid[..]).ok().map(SegmentUid);
            }
            MatroskaSpec::TrackEntry(Master::Start) => self.open_track(offset),
            MatroskaSpec::TrackNumber(number) => {
                self.on_track(|track| track.number = Some(*number))
            }
            MatroskaSpec::Name(name) => self.on_track(|track| track.name = cut(trim(name))),
            MatroskaSpec::ContentEncodings(Master::Start) => {
                self.on_track(|track| track.encoded = true)
            }
            MatroskaSpec::SimpleTag(Master::Start) => {
                (self.tag_name, self.tag_value) = (None, None)
            }
            MatroskaSpec::TagName(name) => {
                self.tag_name = Some(mem::take(name));
                self.take_tag(offset);
            }
            MatroskaSpec::TagString(value) => {
                self.tag_value = Some(mem::take(value));
                self.take_tag(offset);
            }
            _ => {}
        }
    }

    pub fn note(&mut self, offset: u64, direction: Option<Direction>, kind: DamageKind) {
        if self.fragment.damage.len() < MAX_DAMAGE {
            self.fragment.damage.push(Damage {
                number: None,
                direction,
                offset,
                kind,
            });
        }
    }

    fn open_track(&mut self, offset: u64) {
        if self.tracks.len() < MAX_TRACKS {
            self.tracks.push(Track::default());
        } else {
            self.note(
                offset,
                None,
                DamageKind::FragmentTooLarge {
                    what: "tracks",
                    limit: MAX_TRACKS,
                },
            );
        }
    }

    fn on_track(&mut self, set: impl FnOnce(&mut Track)) {
        if let Some(track) = self.tracks.last_mut() {
            set(track);
        }
    }

    fn take_block(&mut self, data: Vec<u8>, offset: u64) {
        let length = data.len();
        let (raw, bad) = match block::read(data) {
            Ok(raw) => (raw, None),
            Err((raw, kind)) => (raw, Some(kind)),
        };
        let bytes = raw.pcm.len();
        let (what, limit) = if length > MAX_BLOCK_BYTES {
            ("bytes in a block", MAX_BLOCK_BYTES)
        } else if self.audio_bytes + bytes > MAX_FRAGMENT_BYTES {
            ("bytes of audio", MAX_FRAGMENT_BYTES)
        } else if self.blocks.len() >= MAX_BLOCKS {
            ("blocks", MAX_BLOCKS)
        } else if let Some(kind) = bad {
            let reason = match kind {
                DamageKind::Laced => LeftOutReason::Laced,
                _ => LeftOutReason::Unreadable,
            };
            self.leave_out(raw.track, reason, bytes);
            return self.note(offset, None, kind);
        } else {
            self.audio_bytes += bytes;
            return self.blocks.push(TimedBlock {
                track: raw.track.unwrap_or_default(),
                cluster: self.cluster,
                relative: raw.relative,
                pcm: raw.pcm,
                offset,
            });
        };
        self.leave_out(raw.track, LeftOutReason::Limit, bytes);
        self.note(offset, None, DamageKind::FragmentTooLarge { what, limit });
    }

    /// Counts audio that becomes no block. More tracks than a fragment may have are one.
    fn leave_out(&mut self, track: Option<u64>, reason: LeftOutReason, bytes: usize) {
        let crowded = self.left_out.len() >= MAX_TRACKS;
        let track = track.filter(|track| {
            let known = |left: &Unplaced| left.track == Some(*track) && left.reason == reason;
            !crowded || self.left_out.iter().any(known)
        });
        let mut counted = self.left_out.iter_mut();
        match counted.find(|left| (left.track, left.reason) == (track, reason)) {
            Some(left) => left.bytes += bytes as u64,
            None => self.left_out.push(Unplaced {
                track,
                reason,
                bytes: bytes as u64,
            }),
        }
    }

    /// Name and value of a SimpleTag come in either order; acts when both are there.
    fn take_tag(&mut self, offset: u64) {
        let (name, value) = (self.tag_name.take(), self.tag_value.take());
        if let (Some(name), Some(value)) = (&name, &value) {
            let (name, value) = (trim(name), trim(value));
            if !self.read_tag(name, value, offset) {
                let kind = DamageKind::BadTag {
                    name: cut(name),
                    value: cut(value),
                };
                self.note(offset, None, kind);
            }
        }
        (self.tag_name, self.tag_value) = (name, value);
    }

    /// False when a tag that matters holds a value that it cannot.
    fn read_tag(&mut self, name: &str, value: &str, offset: u64) -> bool {
        if value.len() > MAX_TAG_BYTES {
            return false;
        }
        let fragment = &mut self.fragment;
        match name {
            "ContactId" if !value.is_empty() => fragment.contact.add(value),
            "AWS_KINESISVIDEO_FRAGMENT_NUMBER" => match value.parse::<FragmentNumber>() {
                Ok(number) if fragment.number.is_none_or(|seen| seen == number) => {
                    fragment.number = Some(number);
                }
                Ok(_) | Err(_) => return false,
            },
            "AWS_KINESISVIDEO_SERVER_TIMESTAMP" | "AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP" => {
                fragment.server_time = EpochMillis::from_tag_seconds(value);
                return fragment.server_time.is_some();
            }
            "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP" | "AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP" => {
                fragment.producer_time = EpochMillis::from_tag_seconds(value);
                return fragment.producer_time.is_some();
            }
            "AWS_KINESISVIDEO_ERROR_ID"
            | "AWS_KINESISVIDEO_ERROR_CODE"
            | "AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE"
            | "AWS_KINESISVIDEO_EXCEPTION_MESSAGE" => self.read_error_tag(name, value),
            "MimeType" if !is_readable_format(value) => {
                self.unread_format = Some((offset, cut(value)));
            }
            _ => {}
        }
        true
    }

    /// Ids and codes change places between the spellings: a number is the id.
    fn read_error_tag(&mut self, name: &str, value: &str) {
        match value.parse() {
            Ok(id) => self.error_id = Some(id),
            Err(_)
                if name.ends_with("_CODE")
                    || self.error_code.as_deref().is_none_or(str::is_empty) =>
            {
                self.error_code = Some(cut(value));
            }
            Err(_) => {}
        }
        self.error_code.get_or_insert_default();
    }

    /// The document ends at `end`: what it was.
    pub fn close(mut self, end: u64) -> Document {
        self.fragment.length = end.saturating_sub(self.fragment.offset);
        if let Some(code) = self.error_code {
            return Document::Error(ErrorDocument {
                number: self.fragment.number,
                id: self.error_id,
                code,
                offset: self.fragment.offset,
            });
        }
        self.fragment.cluster_time = self
            .first_cluster
            .and_then(|time| MediaTime::from_matroska(time, 0, self.scale_nanos));
        self.place_blocks();
        let number = self.fragment.number;
        self.fragment
            .damage
            .iter_mut()
            .for_each(|damage| damage.number = number);
        self.fragment.tracks = self
            .tracks
            .into_iter()
            .filter_map(|track| Some((track.number?, track.name)))
            .collect();
        Document::Fragment(self.fragment)
    }

    /// Gives every block its direction and its time, and notes those that get none.
    fn place_blocks(&mut self) {
        for left in mem::take(&mut self.left_out) {
            let direction = left.track.and_then(|track| self.named_direction(track));
            self.fragment.leave_out(direction, left.reason, left.bytes);
        }
        let blocks = mem::take(&mut self.blocks);
        let unread_format = self.unread_format.take();
        if let Some((offset, format)) = &unread_format {
            self.note(*offset, None, DamageKind::Format(format.clone()));
        }
        let mut unread_tracks = Vec::new();
        self.fragment.blocks.reserve_exact(blocks.len());
        for block in blocks {
            let bytes = block.pcm.len() as u64;
            let direction = self.named_direction(block.track);
            if unread_format.is_some() {
                let reason = LeftOutReason::Format;
                self.fragment.leave_out(direction, reason, bytes);
                continue;
            }
            match self.direction_of(block.track) {
                Ok(direction) => self.place_block(block, direction),
                Err((reason, kind)) => {
                    self.fragment.leave_out(direction, reason, bytes);
                    if unread_tracks.contains(&block.track) {
                        continue;
                    }
                    unread_tracks.push(block.track);
                    if let Some(kind) = kind {
                        self.note(block.offset, None, kind);
                    }
                }
            }
        }
    }

    fn track(&self, number: u64) -> Option<&Track> {
        self.tracks
            .iter()
            .find(|track| track.number == Some(number))
    }

    fn named_direction(&self, number: u64) -> Option<Direction> {
        self.track(number)
            .and_then(|track| Direction::from_track_name(&track.name))
    }

    /// The direction of a track, or what is wrong with it. Nothing is wrong with a track
    /// of another name beside the customer's own: it is not the customer's audio.
    fn direction_of(&self, number: u64) -> Result<Direction, (LeftOutReason, Option<DamageKind>)> {
        let unknown = Some(DamageKind::UnknownTrack(number));
        let Some(track) = self.track(number) else {
            return Err((LeftOutReason::UndeclaredTrack, unknown));
        };
        match (Direction::from_track_name(&track.name), track.encoded) {
            (Some(_), true) => Err((
                LeftOutReason::Encoded,
                Some(DamageKind::EncodedTrack(number)),
            )),
            (Some(direction), false) => Ok(direction),
            (None, _) if self.declares_a_direction() => Err((LeftOutReason::OtherTrack, None)),
            (None, _) => Err((LeftOutReason::OtherTrack, unknown)),
        }
    }

    fn declares_a_direction(&self) -> bool {
        self.tracks
            .iter()
            .any(|track| Direction::from_track_name(&track.name).is_some())
    }

    fn place_block(&mut self, block: TimedBlock, direction: Direction) {
        let start = block.cluster.and_then(|cluster| {
            MediaTime::from_matroska(cluster, block.relative, self.scale_nanos)
        });
        let Some(start) = start else {
            let bytes = block.pcm.len() as u64;
            self.fragment
                .leave_out(Some(direction), LeftOutReason::NoTime, bytes);
            return self.note(block.offset, Some(direction), DamageKind::NoTime);
        };
        if !block.pcm.is_empty() {
            self.fragment.blocks.push(Block {
                direction,
                start,
                pcm: block.pcm,
            });
        }
    }
}

/// Strings may be padded with NULs.
fn trim(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default().trim()
}

/// A value cut to what a report can show.
fn cut(text: &str) -> Box<str> {
    const SHOWN: usize = 120;
    let end = text.char_indices().nth(SHOWN);
    text[..end.map_or(text.len(), |(at, _)| at)].into()
}

/// `audio/L16;rate=8000;channels=1;`, in any case and spacing; what is not said is right.
fn is_readable_format(mime: &str) -> bool {
    let mut parts = mime.split(';').map(str::trim);
    let is = |text: &str, word| text.eq_ignore_ascii_case(word);
    parts.next().is_some_and(|kind| is(kind, "audio/l16"))
        && parts.all(|part| match part.split_once('=') {
            Some((name, rate)) if is(name, "rate") => rate.trim() == "8000",
            Some((name, channels)) if is(name, "channels") => channels.trim() == "1",
            _ => true,
        })
}
