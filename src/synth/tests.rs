//! The documents read back by hand: a walk over EBML ids, no demuxer of ours, so that the
//! two cannot be wrong together.

// One hold is one range in a list.
#![allow(clippy::single_range_in_vec_init)]

use std::collections::BTreeMap;

use super::*;
use crate::media::fragment::FragmentNumber;

/// One document, as a walk finds it.
#[derive(Default)]
struct Walked {
    /// Element ids in order, SimpleTags and what is in them left out.
    ids: Vec<u32>,
    tags: BTreeMap<String, String>,
    /// Whether the tag stood before the Cluster, after it, or both.
    places: BTreeMap<String, (bool, bool)>,
    segment_uid: Vec<u8>,
    tracks: Vec<(u64, String)>,
    timecode: u64,
    /// Track, relative time, samples.
    blocks: Vec<(u8, i16, Vec<i16>)>,
}

impl Walked {
    fn direction(&self, track: u8) -> Direction {
        let mut named = self
            .tracks
            .iter()
            .filter(|(number, _)| *number == u64::from(track));
        Direction::from_track_name(&named.next().unwrap().1).unwrap()
    }
}

const MASTERS: [u32; 10] = [
    0x1a45_dfa3,
    0x1853_8067,
    0x1549_a966,
    0x1654_ae6b,
    0xae,
    0x1254_c367,
    0x7373,
    0x67c8,
    0x1f43_b675,
    0xbb,
];

fn walk(document: &[u8]) -> Walked {
    let (mut walked, mut at, mut name) = (Walked::default(), 0, String::new());
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    while at < document.len() {
        let id_length = document[at].leading_zeros() as usize + 1;
        let id = number(&document[at..at + id_length]) as u32;
        at += id_length;
        let size_length = document[at].leading_zeros() as usize + 1;
        let size = number(&document[at..at + size_length]) & ((1 << (7 * size_length)) - 1);
        at += size_length;
        if !matches!(id, 0x67c8 | 0x45a3 | 0x4487) {
            walked.ids.push(id);
        }
        if MASTERS.contains(&id) {
            let unknown = size == (1 << (7 * size_length)) - 1;
            assert_eq!(unknown, matches!(id, 0x1853_8067 | 0x1f43_b675), "{id:x}");
            assert!(unknown || at + size as usize <= document.len());
            if id == 0xae {
                walked.tracks.push((0, String::new()));
            }
            continue;
        }
        let body = &document[at..at + size as usize];
        at += size as usize;
        let text = || String::from_utf8(body.to_vec()).unwrap();
        match id {
            0x45a3 => name = text(),
            0x4487 => {
                let place = walked.places.entry(name.clone()).or_default();
                match walked.ids.contains(&0x1f43_b675) {
                    true => place.1 = true,
                    false => place.0 = true,
                }
                walked.tags.insert(name.clone(), text());
            }
            0x73a4 => walked.segment_uid = body.to_vec(),
            0xd7 => walked.tracks.last_mut().unwrap().0 = number(body),
            0x536e => walked.tracks.last_mut().unwrap().1 = text(),
            0x86 => assert_eq!(body, b"A_AAC"),
            0x63a2 => assert_eq!(body, [0x11, 0x90]),
            0x2a_d7b1 => assert_eq!(number(body), 1_000_000),
            0xe7 => walked.timecode = number(body),
            0xa3 => {
                assert_eq!(body[3], 0x80);
                let samples = body[4..]
                    .chunks(2)
                    .map(|s| i16::from_le_bytes([s[0], s[1]]));
                let relative = i16::from_be_bytes([body[1], body[2]]);
                walked
                    .blocks
                    .push((body[0] & 0x7f, relative, samples.collect()));
            }
            _ => {}
        }
    }
    assert_eq!(at, document.len());
    walked
}

fn plain() -> SynthCall {
    SynthCall {
        millis: 12_345,
        ..SynthCall::default()
    }
}

/// Every oddity, alone and with others.
fn odd_calls() -> Vec<SynthCall> {
    let held = vec![2_000..5_300, 7_000..7_100];
    vec![
        plain(),
        SynthCall {
            millis: 28_480,
            ..plain()
        },
        SynthCall {
            millis: 3,
            ..plain()
        },
        SynthCall {
            holds: held.clone(),
            ..plain()
        },
        SynthCall {
            holds: vec![0..500, 12_000..20_000],
            ..plain()
        },
        SynthCall {
            late_to_millis: 3_210,
            ..plain()
        },
        SynthCall {
            late_to_millis: 99_000,
            ..plain()
        },
        SynthCall {
            one_way: true,
            swap_tracks: true,
            ..plain()
        },
        SynthCall {
            swap_tracks: true,
            seed: 9,
            ..plain()
        },
        SynthCall {
            reuse: true,
            ..plain()
        },
        SynthCall {
            reuse: true,
            untagged_tail: true,
            no_epoch: true,
            ..plain()
        },
        SynthCall {
            rotate_at_millis: Some(6_000),
            ..plain()
        },
        SynthCall {
            short_blocks: true,
            ..plain()
        },
        SynthCall {
            rounding: true,
            ..plain()
        },
        SynthCall {
            rounding: true,
            short_blocks: true,
            holds: held.clone(),
            ..plain()
        },
        SynthCall {
            lose: vec![0, 5],
            missing: vec![1, 7],
            ..plain()
        },
        SynthCall {
            lose: vec![11],
            untagged_tail: true,
            ..plain()
        },
        SynthCall {
            holds: held,
            late_to_millis: 1_111,
            reuse: true,
            untagged_tail: true,
            rotate_at_millis: Some(6_000),
            short_blocks: true,
            rounding: true,
            lose: vec![2],
            missing: vec![4],
            ..plain()
        },
    ]
}

/// The simplest recorder: every block where its time says, less what rounding did to it.
fn recorded(call: &SynthCall, direction: Direction) -> Vec<i16> {
    let (mut audio, mut origin, mut end): (Vec<i16>, Option<u64>, usize) = (vec![], None, 0);
    for fragment in call.fragments().filter(|fragment| !fragment.foreign) {
        let document = walk(&fragment.document);
        for (track, relative, samples) in &document.blocks {
            let millis = document
                .timecode
                .checked_add_signed(i64::from(*relative))
                .unwrap();
            let at = ((millis - *origin.get_or_insert(millis)) * 8) as usize;
            end = end.max(at + samples.len());
            if document.direction(*track) == direction {
                let contiguous = audio.len().abs_diff(at) <= 4;
                audio.resize(if contiguous { audio.len() } else { at }, 0);
                audio.extend_from_slice(samples);
            }
        }
    }
    audio.resize(
        if call.rounding {
            call.expected(direction).len()
        } else {
            end
        },
        0,
    );
    audio
}

#[test]
fn what_is_expected_is_what_the_blocks_hold() {
    for call in odd_calls() {
        for direction in Direction::BOTH {
            assert!(
                recorded(&call, direction) == call.expected(direction),
                "{direction} {call:?}"
            );
        }
    }
}

#[test]
fn a_plain_document_is_connects() {
    let call = SynthCall {
        millis: 3_000,
        ..plain()
    };
    let documents: Vec<_> = call.fragments().map(|f| walk(&f.document)).collect();
    assert_eq!(documents.len(), 3);
    let first = &documents[0];
    assert_eq!(
        first.tracks,
        [
            (1, "AUDIO_FROM_CUSTOMER".into()),
            (2, "AUDIO_TO_CUSTOMER".into())
        ]
    );
    assert_eq!(first.timecode, 1_760_000_000_123);
    assert_eq!(first.tags["ContactId"], call.contact);
    assert_eq!(first.tags["MimeType"], "audio/L16;rate=8000;channels=1;");
    assert_eq!(
        first.tags["AWS_KINESISVIDEO_SERVER_TIMESTAMP"],
        "1759999999.157"
    );
    assert_eq!(
        first.tags["AWS_KINESISVIDEO_PRODUCER_TIMESTAMP"],
        "1760000000.123"
    );
    assert_eq!(first.places["ContactId"], (true, true));
    assert_eq!(
        first.places["AWS_KINESISVIDEO_FRAGMENT_NUMBER"],
        (true, false)
    );
    assert_eq!(first.places["Events"], (false, true));
    let heads: Vec<_> = first
        .blocks
        .iter()
        .map(|(t, at, s)| (*t, *at, s.len()))
        .collect();
    let grid = (0..17).flat_map(|k| [(1, k * 64, 512), (2, k * 64, 512)]);
    assert_eq!(heads, grid.collect::<Vec<_>>());
    assert_eq!(documents[2].blocks.last().map(|b| b.2.len()), Some(448));
    assert_eq!(documents[2].timecode, 1_760_000_002_299);
    // EBML header, Segment, Info, Tracks with two entries, two Tags, Cluster, six Tags.
    let mut ids = vec![
        0x1a45_dfa3,
        0x4286,
        0x42f7,
        0x42f2,
        0x42f3,
        0x4282,
        0x4287,
        0x4285,
    ];
    ids.extend([
        0x1853_8067,
        0x1549_a966,
        0x73a4,
        0x2a_d7b1,
        0x7ba9,
        0x4d80,
        0x5741,
        0x1654_ae6b,
    ]);
    ids.extend([0xae, 0xd7, 0x73c5, 0x83, 0x536e, 0x86, 0x63a2].repeat(2));
    ids.extend([0x1254_c367, 0x7373, 0x63c0].repeat(2));
    ids.extend([0x1f43_b675, 0xe7, 0xa7]);
    ids.extend([0xa3].repeat(34));
    ids.extend([0x1254_c367, 0x7373].repeat(6));
    assert_eq!(first.ids, ids);
}

#[test]
fn a_lost_fragment_is_tags_alone() {
    let call = SynthCall {
        lose: vec![3],
        ..plain()
    };
    let lost = call.fragments().nth(3).unwrap();
    let walked = walk(&lost.document);
    assert!(!walked.ids.contains(&0x1f43_b675));
    assert_eq!(walked.tags.len(), 3);
    assert_eq!(
        walked.tags["AWS_KINESISVIDEO_ERROR_CODE"],
        "FRAGMENT_NOT_FOUND"
    );
    assert_eq!(walked.tags["AWS_KINESISVIDEO_ERROR_ID"], "3000");
    assert_eq!(walked.tags["AWS_KINESISVIDEO_FRAGMENT_NUMBER"], lost.number);
}

#[test]
fn tracks_go_by_their_names() {
    #[track_caller]
    fn check(call: SynthCall, index: usize, tracks: &[(u64, &str)]) {
        let fragment = call.fragments().nth(index).unwrap();
        let named: Vec<_> = (walk(&fragment.document).tracks).into_iter().collect();
        let tracks: Vec<_> = tracks
            .iter()
            .map(|(n, name)| (*n, name.to_string()))
            .collect();
        assert_eq!(named, tracks);
    }
    let (from, to) = ("AUDIO_FROM_CUSTOMER", "AUDIO_TO_CUSTOMER");
    let rotated = SynthCall {
        rotate_at_millis: Some(2_000),
        ..plain()
    };
    check(plain(), 0, &[(1, from), (2, to)]);
    check(
        SynthCall {
            swap_tracks: true,
            ..plain()
        },
        0,
        &[(1, to), (2, from)],
    );
    check(
        SynthCall {
            one_way: true,
            ..plain()
        },
        0,
        &[(1, from)],
    );
    check(rotated.clone(), 1, &[(1, from), (2, to)]);
    check(rotated.clone(), 2, &[(1, to), (2, from)]);
    check(
        SynthCall {
            swap_tracks: true,
            ..rotated
        },
        2,
        &[(1, from), (2, to)],
    );
}

#[test]
fn a_reused_stream_keeps_its_callers_apart() {
    let call = SynthCall {
        reuse: true,
        untagged_tail: true,
        ..plain()
    };
    let fragments: Vec<_> = call.fragments().collect();
    let foreign: Vec<_> = fragments.iter().map(|fragment| fragment.foreign).collect();
    assert_eq!(
        foreign,
        [[true; 6].as_slice(), &[false; 12], &[true; 6]].concat()
    );
    let mut sessions: Vec<_> = Vec::new();
    for fragment in &fragments {
        let walked = walk(&fragment.document);
        sessions.push(walked.segment_uid.clone());
        let expected = if fragment.foreign {
            &call.foreign_contact
        } else {
            &call.contact
        };
        assert_eq!(&fragment.contact, expected);
        assert!(walked.tags.get("ContactId").is_none_or(|id| id == expected));
        assert!(
            walked
                .places
                .get("ContactId")
                .is_none_or(|place| *place == (false, true))
        );
    }
    sessions.dedup();
    assert_eq!(sessions.len(), 3);
    for tail in [5, 17, 23] {
        assert!(walk(&fragments[tail].document).tags.is_empty());
        assert!(!walk(&fragments[tail - 1].document).tags.is_empty());
    }
    assert!(fragments[6].server_millis - fragments[5].server_millis > 60_000);
    assert!(fragments[18].server_millis - fragments[17].server_millis > 60_000);
}

#[test]
fn numbers_ascend_and_reach_from_start_to_stop() {
    for call in odd_calls() {
        let fragments: Vec<_> = call.fragments().collect();
        let numbers: Vec<FragmentNumber> = fragments
            .iter()
            .map(|fragment| fragment.number.parse().unwrap())
            .collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{call:?}");
        let span = call.span();
        let (start, stop) = (span.start_fragment.parse(), span.stop_fragment.parse());
        let (start, stop): (FragmentNumber, FragmentNumber) = (start.unwrap(), stop.unwrap());
        for (fragment, number) in fragments.iter().zip(numbers) {
            assert_eq!(
                (start..=stop).contains(&number),
                !fragment.foreign,
                "{call:?}"
            );
            let told = walk(&fragment.document)
                .tags
                .remove("AWS_KINESISVIDEO_FRAGMENT_NUMBER");
            assert!(told.is_none_or(|told| told == fragment.number));
        }
        let own = fragments.iter().filter(|fragment| !fragment.foreign);
        assert_eq!(
            own.clone().count() + call.missing.len(),
            call.fragment_count() as usize
        );
        if call.missing.is_empty() {
            let times: Vec<_> = own.map(|fragment| fragment.server_millis).collect();
            assert_eq!(times.first(), Some(&span.start_server_millis));
            assert_eq!(times.last(), Some(&span.stop_server_millis));
        }
    }
}

#[test]
fn expected_is_silent_exactly_where_nothing_was_streamed() {
    /// Spans of exact silence of more than 100 samples, in samples.
    fn silences(audio: &[i16]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, _) in audio.iter().enumerate().filter(|(_, sample)| **sample == 0) {
            match found.last_mut() {
                Some(last) if last.end == at => last.end = at + 1,
                _ => found.push(at..at + 1),
            }
        }
        found.retain(|span| span.len() > 100);
        found
    }
    #[track_caller]
    fn check(call: SynthCall, length: usize, from: &[Range<usize>], to: &[Range<usize>]) {
        for (direction, silent) in Direction::BOTH.into_iter().zip([from, to]) {
            let audio = call.expected(direction);
            assert_eq!(audio.len(), length);
            // Breath next to a silence can be 0 too.
            let found = silences(&audio);
            assert_eq!(found.len(), silent.len(), "{found:?}");
            for (found, silent) in found.iter().zip(silent) {
                let near = found.start.abs_diff(silent.start) + found.end.abs_diff(silent.end);
                assert!(near <= 8, "{found:?} {silent:?}");
            }
        }
    }
    let ms = |range: Range<usize>| range.start * 8..range.end * 8;
    let all = 12_345 * 8;
    check(plain(), all, &[], &[]);
    check(
        SynthCall {
            late_to_millis: 3_210,
            ..plain()
        },
        all,
        &[],
        &[ms(0..3_210)],
    );
    check(
        SynthCall {
            one_way: true,
            ..plain()
        },
        all,
        &[],
        &[0..all],
    );
    let held = [ms(1_984..5_312)];
    check(
        SynthCall {
            holds: vec![2_000..5_300],
            ..plain()
        },
        all,
        &held,
        &held,
    );
    check(
        SynthCall {
            holds: vec![0..500, 12_000..20_000],
            ..plain()
        },
        11_968 * 8 - 4_096,
        &[],
        &[],
    );
    let gone = [ms(1_088..3_264)];
    check(
        SynthCall {
            lose: vec![1],
            missing: vec![2],
            ..plain()
        },
        all,
        &gone,
        &gone,
    );
    check(
        SynthCall {
            lose: vec![0],
            missing: vec![11],
            ..plain()
        },
        10_880 * 8,
        &[],
        &[],
    );
    check(
        SynthCall {
            millis: 0,
            ..plain()
        },
        0,
        &[],
        &[],
    );
}

#[test]
fn expected_is_what_was_said() {
    let call = SynthCall {
        holds: vec![0..64],
        rounding: true,
        ..plain()
    };
    for direction in Direction::BOTH {
        let expected = call.expected(direction);
        for index in (0..expected.len()).step_by(97) {
            assert_eq!(expected[index], call.sample(direction, index as u64 + 512));
        }
    }
}

#[test]
fn a_media_clock_may_be_no_epoch() {
    let call = SynthCall {
        no_epoch: true,
        ..plain()
    };
    let second = call.fragments().nth(1).unwrap();
    let walked = walk(&second.document);
    assert_eq!(walked.timecode, 1_095);
    assert_eq!(walked.tags["AWS_KINESISVIDEO_PRODUCER_TIMESTAMP"], "1.095");
    assert_eq!(
        walked.tags["AWS_KINESISVIDEO_SERVER_TIMESTAMP"],
        "1760000000.245"
    );
}

#[test]
fn a_stream_is_its_documents_in_order() {
    let call = SynthCall {
        reuse: true,
        missing: vec![1],
        lose: vec![2],
        ..plain()
    };
    let (mut stream, mut done) = (Vec::new(), Vec::new());
    let bytes = call
        .write_stream(&mut stream, |millis| done.push(millis))
        .unwrap();
    assert_eq!(bytes, stream.len() as u64);
    let documents = call
        .fragments()
        .map(|fragment| fragment.document)
        .collect::<Vec<_>>();
    assert!(stream == documents.concat());
    assert!(done.is_sorted());
    assert_eq!(done.last(), Some(&12_345));
}

#[test]
fn no_values_are_out_of_reach() {
    for call in [
        SynthCall {
            millis: u64::MAX,
            late_to_millis: u64::MAX,
            ..plain()
        },
        SynthCall {
            millis: u64::MAX,
            start_epoch_millis: i64::MAX,
            reuse: true,
            ..plain()
        },
        SynthCall {
            start_epoch_millis: i64::MIN,
            reuse: true,
            no_epoch: true,
            ..plain()
        },
        SynthCall {
            start_epoch_millis: -1,
            rotate_at_millis: Some(u64::MAX),
            ..plain()
        },
        SynthCall {
            holds: vec![0..u64::MAX],
            untagged_tail: true,
            reuse: true,
            ..plain()
        },
        SynthCall {
            lose: vec![usize::MAX],
            missing: vec![0],
            millis: 1,
            ..plain()
        },
    ] {
        call.event_json("demo");
        assert_eq!(
            call.fragments()
                .take(9)
                .filter(|f| f.document.is_empty())
                .count(),
            0
        );
    }
}

#[test]
fn a_later_call_on_the_stream_has_later_numbers() {
    let first = SynthCall::default();
    let second = SynthCall {
        first_counter: first.first_counter + first.fragment_count(),
        ..first.clone()
    };
    // As long, so that text compares as numbers do.
    let (before, behind) = (first.span(), second.span());
    assert_eq!(before.stop_fragment.len(), behind.start_fragment.len());
    assert!(before.stop_fragment < behind.start_fragment);
    assert_eq!(behind.start_server_millis, before.start_server_millis);
}
