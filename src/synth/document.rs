//! One fragment as an EBML document, element for element as Connect's come out of KVS:
//! Segment and Cluster of unknown size, tags before and after the audio, a codec that
//! says AAC over plain PCM.

use super::plan::{BLOCK_SAMPLES, Fate, Plan, PlannedBlock, PlannedFragment, Tagging};
use super::voice::Voice;
use super::{Oddity, SynthCall};
use crate::media::counts::in_memory;
use crate::media::fragment::Direction;

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const SEGMENT_UID: u32 = 0x73a4;
const TIMECODE_SCALE: u32 = 0x2a_d7b1;
const TITLE: u32 = 0x7ba9;
const MUXING_APP: u32 = 0x4d80;
const WRITING_APP: u32 = 0x5741;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const TRACK_UID: u32 = 0x73c5;
const TRACK_TYPE: u32 = 0x83;
const NAME: u32 = 0x536e;
const CODEC_ID: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63a2;
const TAGS: u32 = 0x1254_c367;
const TAG: u32 = 0x7373;
const TARGETS: u32 = 0x63c0;
const SIMPLE_TAG: u32 = 0x67c8;
const TAG_NAME: u32 = 0x45a3;
const TAG_STRING: u32 = 0x4487;
const CLUSTER: u32 = 0x1f43_b675;
const TIMECODE: u32 = 0xe7;
const POSITION: u32 = 0xa7;
const SIMPLE_BLOCK: u32 = 0xa3;

/// An id that no specification names, and how many of them stand in a row.
const UNKNOWN: u32 = 0x5f_1e;
const UNKNOWN_IN_A_ROW: u8 = 40;

/// The number of a track that is neither direction.
const OTHER_TRACK: u8 = 3;

/// The EBML header of every document: version 1, ids of 4 and sizes of 8 bytes at the
/// most, type `matroska` version 2.
const EBML_HEADER: &[u8] = b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\
    \x42\xf3\x81\x08\x42\x82\x88matroska\x42\x87\x81\x02\x42\x85\x81\x02";

/// The size of an element that ends where its parent or the body does.
const UNKNOWN_SIZE: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// Matroska's audio track type.
const AUDIO: u8 = 2;

/// A SimpleBlock's flags: a keyframe.
const KEYFRAME: u8 = 0x80;

const APP: &str = "Callreel synth";

/// The words of one caller's documents.
pub(super) struct Writer {
    voices: [Voice; 2],
}

impl Writer {
    pub(super) fn new(call: &SynthCall) -> Self {
        Self {
            voices: Direction::BOTH.map(|direction| Voice::new(call.seed, direction)),
        }
    }

    /// Appends the document that stands in the stream for this fragment, if any does.
    pub(super) fn write(&self, plan: &Plan, fragment: &PlannedFragment, out: &mut Vec<u8>) {
        if fragment.fate == Fate::Missing {
            return;
        }
        let number = plan.number(fragment);
        if fragment.fate == Fate::Lost {
            return error_document(out, &number, 3000, "FRAGMENT_NOT_FOUND");
        }
        let mut whole = Vec::new();
        self.write_sent(plan, fragment, &number, &mut whole);
        if plan.is_here(Oddity::BrokenOff, fragment) {
            out.extend_from_slice(&whole[..whole.len() / 2]);
        }
        out.append(&mut whole);
    }

    fn write_sent(&self, plan: &Plan, fragment: &PlannedFragment, number: &str, out: &mut Vec<u8>) {
        document_start(out);
        master(out, INFO, |info| {
            element(info, SEGMENT_UID, &plan.segment_uid(fragment.session));
            if plan.call.is(Oddity::EmptyScale) {
                element(info, TIMECODE_SCALE, &[]);
            } else if plan.call.is(Oddity::ZeroScale) {
                element(info, TIMECODE_SCALE, &[0]);
            } else if !plan.call.is(Oddity::NoScale) {
                element(info, TIMECODE_SCALE, &1_000_000_u32.to_be_bytes()[1..]);
            }
            element(info, TITLE, APP.as_bytes());
            element(info, MUXING_APP, APP.as_bytes());
            element(info, WRITING_APP, APP.as_bytes());
        });
        tracks(out, plan, fragment);
        tags_before(out, plan, fragment, number);
        self.cluster(out, plan, fragment);
        if matches!(fragment.tagging, Tagging::Full | Tagging::AfterAudio) {
            tags_after(out, plan, fragment);
        }
    }

    fn cluster(&self, out: &mut Vec<u8>, plan: &Plan, fragment: &PlannedFragment) {
        id(out, CLUSTER);
        out.extend_from_slice(&UNKNOWN_SIZE);
        unsigned(out, TIMECODE, fragment.clock_millis);
        unsigned(out, POSITION, 0);
        if plan.call.is(Oddity::UnknownElements) {
            (0..UNKNOWN_IN_A_ROW).for_each(|n| element(out, UNKNOWN, &[n; 3]));
        }
        let tracks = plan.tracks(fragment);
        let blocks = plan.blocks(fragment);
        let mut cut: [Option<u8>; 2] = [None; 2];
        for (at, block) in blocks.iter().enumerate() {
            let mut audio = [0_i16; in_memory(BLOCK_SAMPLES)];
            let (start, end) = (block.samples.start, block.samples.end);
            let audio = &mut audio[..in_memory(end - start)];
            self.voices[block.direction.index()].fill(start, audio);
            let cut = &mut cut[block.direction.index()];
            let mut pcm: Vec<u8> = cut.take().into_iter().collect();
            pcm.extend(audio.iter().flat_map(|sample| sample.to_le_bytes()));
            if plan.call.is(Oddity::OddCuts) && runs_on(block, &blocks[at + 1..]) {
                *cut = pcm.pop();
            }
            let track = (tracks.iter())
                .find(|(_, direction)| *direction == block.direction)
                .map_or(0, |(number, _)| *number);
            let relative = match plan.call.is(Oddity::BlocksStill) {
                true => 0,
                false => i16::try_from(block.millis() - fragment.millis.start).unwrap_or(i16::MAX),
            };
            simple_block(out, track, relative, &pcm);
        }
        if plan.call.is(Oddity::OtherTrack) {
            simple_block(out, OTHER_TRACK, 0, &[0x55; 200]);
        }
    }
}

/// Whether a direction's next block follows without a gap.
fn runs_on(block: &PlannedBlock, behind: &[PlannedBlock]) -> bool {
    let mut behind = behind.iter();
    let next = behind.find(|next| next.direction == block.direction);
    next.is_some_and(|next| next.samples.start == block.samples.end)
}

fn simple_block(out: &mut Vec<u8>, track: u8, relative: i16, pcm: &[u8]) {
    id(out, SIMPLE_BLOCK);
    size(out, 4 + pcm.len());
    out.push(0x80 | track);
    out.extend_from_slice(&relative.to_be_bytes());
    out.push(KEYFRAME);
    out.extend_from_slice(pcm);
}

fn document_start(out: &mut Vec<u8>) {
    out.extend_from_slice(EBML_HEADER);
    id(out, SEGMENT);
    out.extend_from_slice(&UNKNOWN_SIZE);
}

/// What KVS answers for a fragment that it cannot give: tags alone, under HTTP 200.
pub(super) fn error_document(out: &mut Vec<u8>, number: &str, error_id: u32, code: &str) {
    document_start(out);
    let tags = [
        ("AWS_KINESISVIDEO_ERROR_CODE", code),
        ("AWS_KINESISVIDEO_ERROR_ID", &error_id.to_string()),
        ("AWS_KINESISVIDEO_FRAGMENT_NUMBER", number),
    ];
    master(out, TAGS, |list| {
        master(list, TAG, |tag| {
            element(tag, TARGETS, &[]);
            for (name, value) in tags {
                master(tag, SIMPLE_TAG, |simple| {
                    element(simple, TAG_NAME, name.as_bytes());
                    element(simple, TAG_STRING, value.as_bytes());
                });
            }
        });
    });
}

/// What GetMedia sends behind each fragment, within its document.
pub(super) fn live_tail(out: &mut Vec<u8>, number: &str, millis_behind: u64) {
    let tags = [
        (
            "AWS_KINESISVIDEO_MILLIS_BEHIND_NOW",
            &*millis_behind.to_string(),
        ),
        ("AWS_KINESISVIDEO_CONTINUATION_TOKEN", number),
    ];
    master(out, TAGS, |list| {
        master(list, TAG, |tag| {
            for (name, value) in tags {
                master(tag, SIMPLE_TAG, |simple| {
                    element(simple, TAG_NAME, name.as_bytes());
                    element(simple, TAG_STRING, value.as_bytes());
                });
            }
        });
    });
}

/// Codec and CodecPrivate (an AAC configuration) are what Connect writes, and not true.
fn tracks(out: &mut Vec<u8>, plan: &Plan, fragment: &PlannedFragment) {
    let mut named: Vec<(u8, &str, &[u8])> = Vec::new();
    for (number, direction) in plan.tracks(fragment) {
        let is_other = plan.is_here(Oddity::OtherFormat, fragment);
        named.push(match direction {
            Direction::FromCustomer if is_other => (number, "AUDIO_FROM_CUSTOMER", b"A_OPUS"),
            Direction::FromCustomer => (number, "AUDIO_FROM_CUSTOMER", b"A_AAC"),
            Direction::ToCustomer => (number, "AUDIO_TO_CUSTOMER", b"A_AAC"),
        });
    }
    if plan.call.is(Oddity::OtherTrack) {
        named.push((OTHER_TRACK, "AUDIO_OF_SOMEBODY", b"A_AAC"));
    }
    master(out, TRACKS, |list| {
        for (number, name, codec) in named {
            master(list, TRACK_ENTRY, |track| {
                element(track, TRACK_NUMBER, &[number]);
                element(track, TRACK_UID, &[number]);
                element(track, TRACK_TYPE, &[AUDIO]);
                element(track, NAME, name.as_bytes());
                element(track, CODEC_ID, codec);
                element(track, CODEC_PRIVATE, &[0x11, 0x90]);
            });
        }
    });
}

/// Connect's own tags. The `AUDIO_*` ones are constants, and lie about the tracks.
fn contact_tags<'a>(plan: &'a Plan, fragment: &PlannedFragment) -> Vec<(&'a str, &'a str)> {
    let mut tags = vec![
        ("ContactId", plan.contact(fragment)),
        ("InstanceId", &plan.call.instance),
        ("MimeType", "audio/L16;rate=8000;channels=1;"),
        ("AUDIO_TO_CUSTOMER", "1"),
        ("AUDIO_FROM_CUSTOMER", "2"),
    ];
    let leg_before = plan.call.leg_before.as_deref();
    let hand_over = leg_before.filter(|_| plan.is_here(Oddity::TwoContacts, fragment));
    tags.extend(hand_over.map(|leg| ("ContactId", leg)));
    // A coder that the container names would be contradicted.
    tags.retain(|(name, _)| *name != "MimeType" || !plan.is_here(Oddity::OtherFormat, fragment));
    tags
}

fn tags_before(out: &mut Vec<u8>, plan: &Plan, fragment: &PlannedFragment, number: &str) {
    if fragment.tagging == Tagging::Full {
        tags_with_targets(out, plan, &contact_tags(plan, fragment));
    }
    if fragment.tagging != Tagging::None {
        let server = seconds(fragment.server_millis.max(0).unsigned_abs());
        let producer = seconds(fragment.clock_millis);
        let tags = [
            ("AWS_KINESISVIDEO_FRAGMENT_NUMBER", number),
            ("AWS_KINESISVIDEO_SERVER_TIMESTAMP", &server),
            ("AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", &producer),
        ];
        tags_with_targets(out, plan, &tags);
    }
}

/// After the audio every tag stands in a Tags of its own, without Targets.
fn tags_after(out: &mut Vec<u8>, plan: &Plan, fragment: &PlannedFragment) {
    for tag in contact_tags(plan, fragment)
        .into_iter()
        .chain([("Events", "[]")])
    {
        master(out, TAGS, |tags| {
            master(tags, TAG, |body| simple_tag(body, plan, tag))
        });
    }
}

fn tags_with_targets(out: &mut Vec<u8>, plan: &Plan, tags: &[(&str, &str)]) {
    master(out, TAGS, |list| {
        master(list, TAG, |tag| {
            element(tag, TARGETS, &[]);
            tags.iter().for_each(|pair| simple_tag(tag, plan, *pair));
        });
    });
}

fn simple_tag(out: &mut Vec<u8>, plan: &Plan, (name, value): (&str, &str)) {
    master(out, SIMPLE_TAG, |tag| {
        element(tag, TAG_NAME, name.as_bytes());
        if plan.call.is(Oddity::NestedTags) {
            master(tag, SIMPLE_TAG, |nested| {
                element(nested, TAG_NAME, b"SORT_WITH");
                element(nested, TAG_STRING, b"nothing");
            });
        }
        element(tag, TAG_STRING, value.as_bytes());
    });
}

/// Milliseconds as KVS tags have them: decimal seconds.
fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

fn master(out: &mut Vec<u8>, name: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    write(&mut body);
    element(out, name, &body);
}

fn element(out: &mut Vec<u8>, name: u32, body: &[u8]) {
    id(out, name);
    size(out, body.len());
    out.extend_from_slice(body);
}

fn unsigned(out: &mut Vec<u8>, name: u32, value: u64) {
    let leading = (value.leading_zeros() / 8).min(7) as usize;
    element(out, name, &value.to_be_bytes()[leading..]);
}

/// Ids are written as they stand in the specification, their length marker included.
fn id(out: &mut Vec<u8>, name: u32) {
    let leading = (name.leading_zeros() / 8) as usize;
    out.extend_from_slice(&name.to_be_bytes()[leading..]);
}

/// A size in as few bytes as hold it. All ones would mean unknown, so 127 takes two.
fn size(out: &mut Vec<u8>, size: usize) {
    let size = size as u64;
    let length = (1..8)
        .find(|length| size < (1 << (7 * length)) - 1)
        .unwrap_or(8);
    let marked = size | 1 << (7 * length);
    out.extend_from_slice(&marked.to_be_bytes()[8 - length..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short_and_never_unknown() {
        #[track_caller]
        fn check(value: usize, bytes: &[u8]) {
            let mut out = Vec::new();
            size(&mut out, value);
            assert_eq!(out, bytes);
        }
        check(0, &[0x80]);
        check(126, &[0xfe]);
        check(127, &[0x40, 0x7f]);
        check(220, &[0x40, 0xdc]);
        check(1_028, &[0x44, 0x04]);
        check(16_383, &[0x20, 0x3f, 0xff]);
    }

    #[test]
    fn unsigned_values_have_a_byte_at_least() {
        #[track_caller]
        fn check(value: u64, bytes: &[u8]) {
            let mut out = Vec::new();
            unsigned(&mut out, TIMECODE, value);
            assert_eq!(out, bytes);
        }
        check(0, &[0xe7, 0x81, 0]);
        check(255, &[0xe7, 0x81, 255]);
        check(
            1_760_000_000_123,
            &[0xe7, 0x86, 0x01, 0x99, 0xc8, 0x2c, 0xc0, 0x7b],
        );
    }
}
