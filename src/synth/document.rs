//! One fragment as an EBML document, element for element as Connect's come out of KVS:
//! Segment and Cluster of unknown size, tags before and after the audio, a codec that
//! says AAC over plain PCM.

use super::SynthCall;
use super::plan::{BLOCK_SAMPLES, Fate, Plan, PlannedFragment, Tagging};
use super::voice::Voice;
use crate::fragment::Direction;

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
    pub fn new(call: &SynthCall) -> Self {
        Self {
            voices: Direction::BOTH.map(|direction| Voice::new(call.seed, direction)),
        }
    }

    /// Appends the document that stands in the stream for this fragment, if any does.
    pub fn write(&self, plan: &Plan, fragment: &PlannedFragment, out: &mut Vec<u8>) {
        if fragment.fate == Fate::Missing {
            return;
        }
        let number = plan.number(fragment);
        if fragment.fate == Fate::Lost {
            return error_document(out, &number, 3000, "FRAGMENT_NOT_FOUND");
        }
        document_start(out);
        master(out, INFO, |info| {
            element(info, SEGMENT_UID, &plan.segment_uid(fragment.session));
            element(info, TIMECODE_SCALE, &1_000_000_u32.to_be_bytes()[1..]);
            element(info, TITLE, APP.as_bytes());
            element(info, MUXING_APP, APP.as_bytes());
            element(info, WRITING_APP, APP.as_bytes());
        });
        tracks(out, &plan.tracks(fragment));
        tags_before(out, plan, fragment, &number);
        self.cluster(out, plan, fragment);
        if fragment.tagging != Tagging::None {
            tags_after(out, &plan.call);
        }
    }

    fn cluster(&self, out: &mut Vec<u8>, plan: &Plan, fragment: &PlannedFragment) {
        id(out, CLUSTER);
        out.extend_from_slice(&UNKNOWN_SIZE);
        unsigned(out, TIMECODE, fragment.clock_millis);
        unsigned(out, POSITION, 0);
        let tracks = plan.tracks(fragment);
        let mut audio = [0_i16; BLOCK_SAMPLES as usize];
        for block in plan.blocks(fragment) {
            let (start, end) = (block.samples.start, block.samples.end);
            let audio = &mut audio[..(end - start) as usize];
            self.voices[block.direction.index()].fill(start, audio);
            let track = (tracks.iter())
                .find(|(_, direction)| *direction == block.direction)
                .map_or(0, |(number, _)| *number);
            let relative = (block.millis() - fragment.millis.start) as i16;
            id(out, SIMPLE_BLOCK);
            size(out, 4 + 2 * audio.len());
            out.push(0x80 | track);
            out.extend_from_slice(&relative.to_be_bytes());
            out.push(KEYFRAME);
            out.extend(audio.iter().flat_map(|sample| sample.to_le_bytes()));
        }
    }
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
    tags_with_targets(out, &tags);
}

/// Codec and CodecPrivate (an AAC configuration) are what Connect writes, and not true.
fn tracks(out: &mut Vec<u8>, tracks: &[(u8, Direction)]) {
    master(out, TRACKS, |list| {
        for (number, direction) in tracks {
            let name = match direction {
                Direction::FromCustomer => "AUDIO_FROM_CUSTOMER",
                Direction::ToCustomer => "AUDIO_TO_CUSTOMER",
            };
            master(list, TRACK_ENTRY, |track| {
                element(track, TRACK_NUMBER, &[*number]);
                element(track, TRACK_UID, &[*number]);
                element(track, TRACK_TYPE, &[AUDIO]);
                element(track, NAME, name.as_bytes());
                element(track, CODEC_ID, b"A_AAC");
                element(track, CODEC_PRIVATE, &[0x11, 0x90]);
            });
        }
    });
}

/// Connect's own tags. The `AUDIO_*` ones are constants, and lie about the tracks.
fn contact_tags(call: &SynthCall) -> [(&str, &str); 5] {
    [
        ("ContactId", &call.contact),
        ("InstanceId", &call.instance),
        ("MimeType", "audio/L16;rate=8000;channels=1;"),
        ("AUDIO_TO_CUSTOMER", "1"),
        ("AUDIO_FROM_CUSTOMER", "2"),
    ]
}

fn tags_before(out: &mut Vec<u8>, plan: &Plan, fragment: &PlannedFragment, number: &str) {
    if fragment.tagging == Tagging::Full {
        tags_with_targets(out, &contact_tags(&plan.call));
    }
    if fragment.tagging != Tagging::None {
        let server = seconds(fragment.server_millis.max(0).unsigned_abs());
        let producer = seconds(fragment.clock_millis);
        let tags = [
            ("AWS_KINESISVIDEO_FRAGMENT_NUMBER", number),
            ("AWS_KINESISVIDEO_SERVER_TIMESTAMP", &server),
            ("AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", &producer),
        ];
        tags_with_targets(out, &tags);
    }
}

/// After the audio every tag stands in a Tags of its own, without Targets.
fn tags_after(out: &mut Vec<u8>, call: &SynthCall) {
    for tag in contact_tags(call).into_iter().chain([("Events", "[]")]) {
        master(out, TAGS, |tags| {
            master(tags, TAG, |body| simple_tag(body, tag))
        });
    }
}

fn tags_with_targets(out: &mut Vec<u8>, tags: &[(&str, &str)]) {
    master(out, TAGS, |list| {
        master(list, TAG, |tag| {
            element(tag, TARGETS, &[]);
            tags.iter().for_each(|pair| simple_tag(tag, *pair));
        });
    });
}

fn simple_tag(out: &mut Vec<u8>, (name, value): (&str, &str)) {
    master(out, SIMPLE_TAG, |tag| {
        element(tag, TAG_NAME, name.as_bytes());
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
