//! Documents named by their oddity, each fed whole, by 7 bytes and by 1.

use super::*;
use crate::media::fragment::{ContactTag, Direction};
use crate::media::ticks::MediaTime;
use crate::synth::{Oddity, SynthCall};
use proptest::prelude::*;

const CONTACT: &str = "8d1c1f0e-2f4b-4f7e-9a51-0b7c5d3e2a10";

fn element(id: u64, body: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let id = &id[id.iter().position(|byte| *byte != 0).unwrap()..];
    let size = (body.len() as u64 | 1 << 28).to_be_bytes();
    [id, &size[4..], body].concat()
}

fn unknown_size(id: u32) -> Vec<u8> {
    [
        &id.to_be_bytes()[..],
        &[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    ]
    .concat()
}

fn header() -> Vec<u8> {
    [
        element(0x1A45_DFA3, &element(0x4282, b"matroska")),
        unknown_size(0x1853_8067),
    ]
    .concat()
}

fn info() -> Vec<u8> {
    let body = [
        element(0x73A4, &[7; 16]),
        element(0x2AD7B1, &1_000_000_u32.to_be_bytes()),
    ]
    .concat();
    element(0x1549_A966, &body)
}

const FROM: &[u8] = b"AUDIO_FROM_CUSTOMER";
const TO: &[u8] = b"AUDIO_TO_CUSTOMER";

fn track(number: u8, name: &[u8]) -> Vec<u8> {
    track_with(number, name, &[])
}

/// A track whose UID is 10 more than its number, and what else its entry holds.
fn track_with(number: u8, name: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let entry = [
        element(0xD7, &[number]),
        element(0x73C5, &[number + 10]),
        element(0x536E, name),
        more.concat(),
    ];
    element(0xAE, &entry.concat())
}

fn tracks(entries: &[Vec<u8>]) -> Vec<u8> {
    element(0x1654_AE6B, &entries.concat())
}

fn both_tracks() -> Vec<u8> {
    tracks(&[track(1, FROM), track(2, TO)])
}

fn tag(name: &[u8], value: &[u8]) -> Vec<u8> {
    let simple = element(
        0x67C8,
        &[element(0x45A3, name), element(0x4487, value)].concat(),
    );
    element(0x1254_C367, &element(0x7373, &simple))
}

fn number_tag(number: u32) -> Vec<u8> {
    tag(
        b"AWS_KINESISVIDEO_FRAGMENT_NUMBER",
        number.to_string().as_bytes(),
    )
}

fn cluster(time: u32, content: &[Vec<u8>]) -> Vec<u8> {
    [
        unknown_size(0x1F43_B675),
        element(0xE7, &time.to_be_bytes()),
        content.concat(),
    ]
    .concat()
}

fn block(track: u8, relative: i16, pcm: &[u8]) -> Vec<u8> {
    let relative = relative.to_be_bytes();
    element(
        0xA3,
        &[&[0x80 | track, relative[0], relative[1], 0x80], pcm].concat(),
    )
}

fn fragment(number: u32) -> Vec<u8> {
    let audio = [block(1, 0, &[1, 0, 2, 0]), block(2, 0, &[3, 0])];
    document(&[
        &number_tag(number),
        &tag(b"ContactId", CONTACT.as_bytes()),
        &cluster(number, &audio),
    ])
}

fn document(parts: &[&[u8]]) -> Vec<u8> {
    [&header()[..], &info(), &both_tracks(), &parts.concat()].concat()
}

fn demux(body: &[u8], chunk: usize) -> Vec<Document> {
    let mut demuxer = Demuxer::new();
    let mut documents = Vec::new();
    for chunk in body.chunks(chunk.max(1)) {
        demuxer.push(chunk);
        documents.extend(std::iter::from_fn(|| demuxer.next_document()));
    }
    documents.extend(demuxer.finish());
    documents
}

/// A line for each document: number, samples of each direction, damage.
fn summary(documents: &[Document]) -> Vec<String> {
    documents
        .iter()
        .map(|document| match document {
            Document::Fragment(fragment) => {
                let samples = |direction| -> u64 {
                    let blocks = fragment.blocks.iter();
                    blocks
                        .filter(|block| block.direction == direction)
                        .map(crate::media::fragment::Block::samples)
                        .sum()
                };
                let number = fragment
                    .number
                    .map_or("-".to_owned(), |number| number.to_string());
                let damage: String = fragment
                    .damage
                    .iter()
                    .map(|damage| format!(" ! {}", damage.kind))
                    .collect();
                let left_out: String = fragment
                    .left_out
                    .iter()
                    .map(|left| {
                        let direction = left.direction.map_or("?", Direction::name);
                        format!(" - {} {direction} {}", left.bytes, left.reason.name())
                    })
                    .collect();
                let [from, to] = Direction::BOTH.map(samples);
                format!("{number} {from}+{to}{left_out}{damage}")
            }
            Document::Error(error) => {
                let number = error
                    .number
                    .map_or("-".to_owned(), |number| number.to_string());
                format!("{number} error {:?} {}", error.id, error.code)
            }
            Document::Stray(damage) => format!("stray ! {}", damage.kind),
        })
        .collect()
}

#[track_caller]
fn check(body: &[u8], expected: &[&str]) {
    for chunk in [usize::MAX, 7, 1] {
        let documents = demux(body, chunk.min(body.len()));
        assert_eq!(summary(&documents), expected, "fed by {chunk}");
    }
}

#[test]
fn documents_back_to_back_end_with_the_body() {
    check(
        &[fragment(1), fragment(2), fragment(3)].concat(),
        &["1 2+1", "2 2+1", "3 2+1"],
    );
    check(b"", &[]);
}

#[test]
fn a_fragment_knows_its_tags_times_and_place() {
    let first = fragment(1);
    let tags = [
        tag(b"AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP", b"1759999999.157"),
        tag(b"AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", b"1760000000.123"),
        tag(b"ContactId", b"\0\0"),
        tag(b"ContactId\0\0", &[CONTACT.as_bytes(), b"\0\0"].concat()),
    ];
    let audio = cluster(500, &[block(1, -4, &[1, 0])]);
    let second = document(&[&audio, &tags.concat()]);
    let documents = demux(&[&first[..], &second].concat(), 5);
    let Document::Fragment(second_read) = &documents[1] else {
        panic!("no fragment")
    };
    assert_eq!(second_read.contact, ContactTag::One(CONTACT.into()));
    assert_eq!(second_read.server_time.unwrap().0, 1_759_999_999_157);
    assert_eq!(second_read.producer_time.unwrap().0, 1_760_000_000_123);
    assert_eq!(second_read.session.unwrap().0, [7; 16]);
    assert_eq!(
        (second_read.offset, second_read.length),
        (first.len() as u64, second.len() as u64)
    );
    assert_eq!(second_read.start().unwrap().to_millis_floor(), 496);
    assert_eq!(second_read.tracks[1], (2, "AUDIO_TO_CUSTOMER".into()));
}

#[test]
fn tracks_are_known_by_name_alone() {
    let audio = cluster(0, &[block(1, 0, &[1, 0]), block(2, 0, &[1, 0, 2, 0])]);
    let with = |entries: &[Vec<u8>]| [&header()[..], &info(), &tracks(entries), &audio].concat();
    check(
        &with(&[
            track(2, b"AUDIO_FROM_CUSTOMER\0\0"),
            track(1, b"AUDIO_TO_CUSTOMER"),
        ]),
        &["- 2+1"],
    );
    check(
        &with(&[
            track(1, b"AUDIO_FROM_CUSTOMER"),
            track(2, b"AUDIO_OF_SOMEBODY"),
        ]),
        &[
            "- 1+0 - 4 ? other_track ! 4 bytes of audio of track 2, \"AUDIO_OF_SOMEBODY\", \
         which is neither customer direction by name",
        ],
    );
    check(
        &with(&[track(1, b"Track_audio/L16")]),
        &["- 1+0 - 4 ? undeclared_track ! audio of track 2, which is not declared"],
    );
    check(
        &with(&[]),
        &[
            "- 0+0 - 6 ? undeclared_track ! audio of track 1, which is not declared \
         ! audio of track 2, which is not declared",
        ],
    );
    // Tracks behind the audio count too.
    check(
        &[&header()[..], &audio, &both_tracks()].concat(),
        &["- 1+2"],
    );
}

#[test]
fn blocks_in_groups_are_read_and_laced_ones_refused() {
    let group = element(
        0xA0,
        &[element(0xA1, &[0x81, 0, 0, 0, 1, 0]), element(0x9B, &[64])].concat(),
    );
    let laced = element(0xA3, &[0x81, 0, 0, 0x06, 1, 0, 1, 0]);
    let body = document(&[&cluster(0, &[group, laced, block(1, 1, &[1, 0])])]);
    check(
        &body,
        &["- 2+0 - 4 from laced ! laced block (lacing is not read)"],
    );
}

#[test]
fn bad_blocks_are_named_and_the_others_kept() {
    let with = |bad: Vec<u8>| {
        document(&[&cluster(
            0,
            &[block(1, 0, &[1, 0]), bad, block(2, 0, &[1, 0])],
        )])
    };
    for short in 0..4 {
        let expected = format!("- 1+1 ! block of {short} bytes, shorter than its header");
        check(&with(element(0xA3, &vec![0x81; short])), &[&expected]);
    }
    check(&with(block(1, 9, &[1, 2, 3])), &["- 2+1"]);
    let large = block(1, 9, &vec![0; MAX_BLOCK_BYTES]);
    check(
        &with(large),
        &["- 1+1 - 65536 from limit ! element 0xA3 claims 65540 bytes, the limit is 65536"],
    );
    let untimed = [unknown_size(0x1F43_B675), block(1, 0, &[1, 0])].concat();
    check(
        &document(&[&untimed]),
        &["- 0+0 - 2 from no_time ! block without a usable time"],
    );
}

#[test]
fn unknown_elements_are_skipped_by_size() {
    let odd = element(0x5DB7, &[0xFF; 300]);
    let body = document(&[
        &odd,
        &number_tag(4),
        &cluster(0, &[odd.clone(), block(1, 0, &[1, 0])]),
        &odd,
    ]);
    check(&[&body[..], &fragment(5)].concat(), &["4 1+0", "5 2+1"]);
    check(&[element(0xEC, &[0; 9]), fragment(1)].concat(), &["1 2+1"]);
    // However many, and whatever they hold; beyond the limit of their kind it is told.
    let many = [element(0x5DB7, &[1; 5]), element(0xEC, &[0; 3])]
        .concat()
        .repeat(500);
    let sizes = |size| {
        document(&[
            &number_tag(4),
            &cluster(
                0,
                &[
                    element(0x5DB7, &vec![0; size]),
                    many.clone(),
                    block(1, 0, &[1, 0]),
                ],
            ),
        ])
    };
    check(&sizes(MAX_UNKNOWN_BYTES), &["4 1+0"]);
    check(
        &sizes(MAX_UNKNOWN_BYTES + 1),
        &["4 1+0 ! element 0x5DB7 claims 65537 bytes, the limit is 65536"],
    );
    let private = element(0x63A2, &vec![0; MAX_UNKNOWN_BYTES + 1]);
    check(
        &document(&[
            &number_tag(4),
            &cluster(0, &[private, block(1, 0, &[1, 0])]),
        ]),
        &["4 1+0 ! element 0x63A2 claims 65537 bytes, the limit is 65536"],
    );
    let cues = element(0x1C53_BB6B, &vec![0; 2 * MAX_UNKNOWN_BYTES]);
    check(
        &document(&[&cues, &number_tag(4), &cluster(0, &[block(1, 0, &[1, 0])])]),
        &["4 1+0"],
    );
}

#[test]
fn error_documents_are_no_audio_in_every_spelling() {
    let error = |tags: &[Vec<u8>]| [&header()[..], &info(), &tags.concat()].concat();
    let one = error(&[
        number_tag(7),
        tag(b"AWS_KINESISVIDEO_ERROR_CODE", b"FRAGMENT_NOT_FOUND"),
        tag(b"AWS_KINESISVIDEO_ERROR_ID", b"3000"),
    ]);
    let two = error(&[
        tag(b"AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE", b"4500"),
        tag(b"AWS_KINESISVIDEO_EXCEPTION_MESSAGE", b"denied"),
    ]);
    check(
        &[fragment(6), one, two, fragment(8)].concat(),
        &[
            "6 2+1",
            "7 error Some(3000) FRAGMENT_NOT_FOUND",
            "- error Some(4500) denied",
            "8 2+1",
        ],
    );
}

#[test]
fn audio_may_hold_the_magic_and_even_a_header() {
    // In whole blocks, wherever it stands and whatever follows.
    let magic = [0x1A, 0x45, 0xDF, 0xA3];
    let header_alone = header();
    let with_info = [header(), info()].concat();
    let whole = fragment(9);
    let planted: [&[u8]; 5] = [
        &magic,
        &header_alone,
        &with_info,
        &whole,
        &header_alone[..30],
    ];
    for inside in planted {
        for (before, behind) in [(0, 40), (1, 60), (8, 0)] {
            let audio = [&vec![0; before][..], inside, &vec![0; behind]].concat();
            // A whole document that ends with the block ends where the next element starts.
            if behind == 0 && inside.len() > header_alone.len() {
                continue;
            }
            let samples = audio.len() / 2;
            let one = cluster(0, &[block(1, 0, &audio)]);
            let two = cluster(0, &[block(1, 0, &audio), block(2, 0, &[3, 0])]);
            check(
                &[document(&[&one]), fragment(2)].concat(),
                &[&format!("- {samples}+0"), "2 2+1"],
            );
            check(&document(&[&one]), &[&format!("- {samples}+0")]);
            check(&document(&[&two]), &[&format!("- {samples}+1")]);
            let tail = number_tag(4);
            if behind > 0 {
                check(&document(&[&one, &tail]), &[&format!("4 {samples}+0")]);
            }
        }
    }
}

#[test]
fn audio_may_end_with_any_part_of_a_header() {
    let header = header();
    for length in 1..=header.len() {
        let audio = [&[0; 8][..], &header[..length], &vec![0; length % 2]].concat();
        let samples = audio.len() / 2;
        let one = document(&[&cluster(0, &[block(1, 0, &audio)])]);
        let two = document(&[&cluster(0, &[block(1, 0, &audio), block(2, 0, &[3, 0])])]);
        check(&two, &[&format!("- {samples}+1")]);
        check(
            &[one, fragment(2)].concat(),
            &[&format!("- {samples}+0"), "2 2+1"],
        );
    }
}

/// A fragment of several blocks, of samples that are no other fragment's.
fn long_fragment(number: u32) -> Vec<u8> {
    let audio: Vec<_> = (0..4)
        .map(|place| {
            let pcm: Vec<u8> = (0..256_u32)
                .map(|byte| {
                    (byte
                        .wrapping_mul(2_654_435_761)
                        .wrapping_add(number * 77 + place)
                        >> 24) as u8
                })
                .collect();
            block(1 + place as u8 % 2, 0, &pcm)
        })
        .collect();
    document(&[
        &number_tag(number),
        &tag(b"ContactId", CONTACT.as_bytes()),
        &cluster(number, &audio),
        &tag(b"ContactId", CONTACT.as_bytes()),
    ])
}

#[test]
fn a_document_that_begins_anew_is_found_behind_any_break() {
    let [first, broken, last] = [1, 2, 3].map(long_fragment);
    let good = summary(&demux(&[&first[..], &broken, &last].concat(), 4_096));
    assert_eq!(good, ["1 256+256", "2 256+256", "3 256+256"]);
    for cut in 0..broken.len() {
        let body = [&first[..], &broken[..cut], &broken, &last].concat();
        let documents = demux(&body, 1_000);
        let lines = summary(&documents);
        let mut whole: Vec<_> = lines.iter().filter(|line| good.contains(line)).collect();
        // Cut behind its last block it came whole twice.
        whole.dedup();
        assert_eq!(
            whole,
            good.iter().collect::<Vec<_>>(),
            "cut at {cut}: {lines:?}"
        );
        let more = lines.len() - good.len();
        assert_eq!(more, usize::from(cut > 0), "cut at {cut}: {lines:?}");
        // No header becomes sound, and what is left out is what came of the broken block.
        for document in &documents {
            let Document::Fragment(fragment) = document else {
                continue;
            };
            assert!(
                fragment.blocks.iter().all(|block| block.pcm.len() == 256),
                "cut at {cut}"
            );
            let left: u64 = fragment.left_out.iter().map(|left| left.bytes).sum();
            assert!(left < 256, "cut at {cut}: {lines:?}");
        }
    }
}

#[test]
fn lengths_that_are_not_true_give_up_the_documents_behind_them() {
    // Whatever element it is, and however far it reaches.
    for (id, claims) in [
        (0xA3, 1_000),
        (0xA3, 70_000),
        (0xEC, 500),
        (0xEC, 70_000),
        (0x5DB7, 2_000),
        (0x1C53_BB6B, 100_000),
        (0x4487, 3_000),
        (0x4487, 9_000),
        (0x63A2, 5_000),
    ] {
        let head = element(id, &[]);
        let size = (claims as u64 | 1 << 28).to_be_bytes();
        let head = [
            &head[..head.len() - 4],
            &size[4..],
            &[0x81, 0, 0, 0x80, 7, 0],
        ]
        .concat();
        let body = document(&[&number_tag(1), &cluster(0, &[block(1, 0, &[1, 0]), head])]);
        let behind: Vec<u8> = (2..60).flat_map(fragment).collect();
        for chunk in [usize::MAX, 100, 1] {
            let body = [&body[..], &behind].concat();
            let lines = summary(&demux(&body, chunk.min(body.len())));
            assert!(
                lines[0].starts_with("1 1+0"),
                "{id:X} {claims}: {}",
                lines[0]
            );
            assert!(lines[0].contains(" ! "), "{id:X} {claims}: {}", lines[0]);
            assert_eq!(
                (lines.len(), lines[1].as_str()),
                (59, "2 2+1"),
                "{id:X} {claims}"
            );
        }
    }
}

/// An element with a size of as few bytes as hold it, as muxers write it.
fn sized(id: u64, body: &[u8]) -> Vec<u8> {
    let plain = element(id, &[]);
    [
        &plain[..plain.len() - 4],
        &[0x08],
        &(body.len() as u32).to_be_bytes(),
        body,
    ]
    .concat()
}

/// Clusters of a call that was merged into one Segment: 500 ms of both tracks in each.
fn merged_clusters(count: u32) -> Vec<u8> {
    let mut clusters = Vec::new();
    for at in 0..count {
        let audio = [
            element(0xBF, &[1, 2, 3, 4]),
            element(0xE7, &(at * 500).to_be_bytes()),
            element(0xAB, &[0, 9]),
            block(1, 0, &[1; 8_000]),
            block(2, 0, &[2; 8_000]),
        ];
        clusters.extend(sized(0x1F43_B675, &audio.concat()));
        if at % 7 == 0 {
            clusters.extend(element(0xEC, &[0; 30]));
        }
    }
    clusters
}

#[test]
fn a_call_merged_into_one_segment_is_read_whole() {
    const CLUSTERS: u32 = 700;
    let contact = tag(b"ContactId", CONTACT.as_bytes());
    let around = |before: &[u8], behind: &[u8]| {
        let segment = [
            &element(0x114D_9B74, &[0; 60])[..],
            &element(0xEC, &[0; 100]),
            &info(),
            &both_tracks(),
            before,
            &merged_clusters(CLUSTERS),
            &element(0x1C53_BB6B, &[0; 9_000]),
            behind,
        ]
        .concat();
        let ebml = element(0x1A45_DFA3, &element(0x4282, b"matroska"));
        [ebml, sized(0x1853_8067, &segment)].concat()
    };
    for (body, tagged_at) in [
        (around(&contact, &[]), 0),
        (around(&[], &contact), usize::MAX),
    ] {
        let documents = demux(&[&body[..], &fragment(2)].concat(), 5_000);
        assert_eq!(summary(&documents).last().unwrap(), "2 2+1");
        let fragments: Vec<_> = documents
            .iter()
            .filter_map(|document| match document {
                Document::Fragment(fragment) if fragment.number.is_none() => Some(fragment),
                _ => None,
            })
            .collect();
        // None is longer than 20 seconds and a Cluster, and none is of nobody's session.
        assert_eq!(fragments.len(), 18);
        let mut end = 0;
        for (at, fragment) in fragments.iter().enumerate() {
            assert_eq!(
                (&fragment.damage[..], &fragment.left_out[..]),
                (&[][..], &[][..])
            );
            assert_eq!(fragment.session.map(|session| session.0), Some([7; 16]));
            assert_eq!(fragment.offset, end);
            assert_eq!(fragment.header.is_some(), at > 0);
            end = fragment.offset + fragment.length;
        }
        assert_eq!(end, body.len() as u64);
        let blocks: usize = fragments.iter().map(|fragment| fragment.blocks.len()).sum();
        assert_eq!(blocks, 2 * CLUSTERS as usize);
        let tagged = fragments[tagged_at.min(fragments.len() - 1)];
        assert_eq!(tagged.contact, ContactTag::One(CONTACT.into()));
        // A part of it is read with the header that it names.
        let part = fragments[9];
        let header = part.header.clone().unwrap();
        let range = |range: std::ops::Range<u64>| &body[range.start as usize..range.end as usize];
        let alone = [range(header), range(part.offset..part.offset + part.length)].concat();
        let Document::Fragment(alone) = &demux(&alone, 77)[0] else {
            panic!("no fragment")
        };
        assert_eq!((&alone.blocks, alone.session), (&part.blocks, part.session));
    }
}

#[test]
fn limits_are_those_of_a_cluster() {
    let small: Vec<_> = (0..MAX_BLOCKS).map(|_| block(1, 0, &[1, 0])).collect();
    let full: Vec<_> = (0..64)
        .map(|_| block(1, 0, &[0; MAX_BLOCK_BYTES - 4]))
        .collect();
    let both = [
        cluster(1, &small),
        cluster(2, &small),
        cluster(3, &full),
        cluster(4, &full),
    ];
    check(
        &document(&[&both.concat()]),
        &["- 8192+0", "- 8192+0", "- 2097024+0", "- 2097024+0"],
    );
    let more = [small, vec![block(1, 0, &[1, 0]); 2]].concat();
    check(
        &document(&[&cluster(1, &more)]),
        &[
            "- 8192+0 - 4 from limit ! fragment with more than 8192 blocks \
           ! fragment with more than 8192 blocks",
        ],
    );
}

#[test]
fn fragments_in_one_segment_keep_their_own_numbers_and_tracks() {
    let audio = |time| cluster(time, &[block(1, 0, &[1, 0, 2, 0]), block(2, 0, &[3, 0])]);
    let server = |time: &[u8]| tag(b"AWS_KINESISVIDEO_SERVER_TIMESTAMP", time);
    let body = document(&[
        &number_tag(5),
        &server(b"10.5"),
        &audio(1),
        &tag(b"ContactId", CONTACT.as_bytes()),
        &number_tag(6),
        &server(b"11.5"),
        &audio(2),
        &info(),
        &tracks(&[track(1, TO), track(2, FROM)]),
        &number_tag(7),
        &server(b"12.5"),
        &audio(3),
        // A number behind the last audio is nobody's.
        &number_tag(9),
    ]);
    check(&body, &["5 2+1", "6 2+1", "7 1+2"]);
    let times: Vec<_> = demux(&body, 50)
        .into_iter()
        .map(|document| match document {
            Document::Fragment(fragment) => fragment.server_time.unwrap().0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(times, [10_500, 11_500, 12_500]);
    let body = document(&[&number_tag(5), &audio(1), &number_tag(6)]);
    check(
        &body,
        &["5 2+1 ! tag AWS_KINESISVIDEO_FRAGMENT_NUMBER with the value \"6\""],
    );
}

#[test]
fn what_is_whole_before_and_behind_damage_is_kept() {
    let good = fragment(1);
    let bad_value = document(&[
        &number_tag(2),
        &element(0x2AD7B1, &[1; 9]),
        &cluster(0, &[block(1, 0, &[1, 0])]),
    ]);
    check(
        &[&good[..], &bad_value, &fragment(3)].concat(),
        &[
            "1 2+1",
            "2 1+0 ! unreadable element (0x2AD7B1 with an impossible size)",
            "3 2+1",
        ],
    );
    let bad_text = document(&[
        &number_tag(2),
        &tag(b"ContactId", b"\xFF\xFE"),
        &cluster(0, &[block(1, 0, &[1, 0])]),
    ]);
    check(
        &[&good[..], &bad_text, &fragment(3)].concat(),
        &[
            "1 2+1",
            "2 1+0 ! unreadable element (0x4487 holds no value of its type)",
            "3 2+1",
        ],
    );
    let garbage = document(&[
        &number_tag(2),
        &cluster(0, &[block(1, 0, &[1, 0])]),
        &[0; 50],
    ]);
    check(
        &[&good[..], &garbage, &fragment(3)].concat(),
        &[
            "1 2+1",
            "2 1+0 - 50 ? unreadable ! unreadable element (no element)",
            "3 2+1",
        ],
    );
    check(
        &[&b"not media at all, "[..], &good, &good[..30]].concat(),
        &[
            "stray ! unreadable element (nothing known here)",
            "1 2+1",
            "- 0+0 ! the media ends inside an element",
        ],
    );
}

#[test]
fn a_document_that_ends_before_its_audio_is_no_whole_fragment() {
    let cut = document(&[&number_tag(1)]);
    check(&cut, &["1 0+0 ! the document ends before its audio"]);
    check(
        &[&cut[..], &fragment(2)].concat(),
        &["1 0+0 ! the document ends before its audio", "2 2+1"],
    );
    // Recordings of a second or two can hold none.
    check(&document(&[&number_tag(1), &cluster(7, &[])]), &["1 0+0"]);
}

#[test]
fn a_body_cut_anywhere_keeps_the_fragments_before() {
    let body = [fragment(1), fragment(2)].concat();
    for cut in 0..body.len() {
        let documents = demux(&body[..cut], 64);
        let whole = summary(&documents)
            .iter()
            .filter(|line| line.as_str() == "1 2+1")
            .count();
        assert!(
            cut < body.len() / 2 || whole == 1,
            "cut at {cut}: {:?}",
            summary(&documents)
        );
    }
}

#[test]
fn hostile_sizes_are_refused_without_being_believed() {
    let huge = |id: &[u8]| [id, &[0x08, 0xFF, 0xFF, 0xFF, 0xFF]].concat();
    let body = document(&[
        &number_tag(1),
        &cluster(0, &[block(1, 0, &[1, 0]), huge(&[0xA3])]),
    ]);
    check(
        &[&body[..], &fragment(2)].concat(),
        &[
            "1 1+0 ! element 0xA3 claims 4294967295 bytes, the limit is 65536",
            "2 2+1",
        ],
    );
    // A size within the limits that reaches over the next documents gives them back.
    let far = [&[0xA3][..], &[0x10, 0, 0x20, 0], &[0x81, 0, 0, 0x80]].concat();
    let body = document(&[&number_tag(1), &cluster(0, &[block(1, 0, &[1, 0]), far])]);
    let behind: Vec<u8> = (2..60).flat_map(fragment).collect();
    let lines = summary(&demux(&[&body[..], &behind].concat(), 100));
    assert_eq!(
        lines[0],
        "1 1+0 ! unreadable element (length reaches into the next fragment)"
    );
    assert_eq!((lines.len(), lines[58].as_str()), (59, "59 2+1"));
}

#[test]
fn nesting_is_bounded() {
    let deep = unknown_size(0x1654_AE6B)
        .repeat(1) // a Tracks master,
        .into_iter()
        .chain([0x67, 0xC8, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF].repeat(3_000))
        .collect::<Vec<_>>();
    // A tag in a tag is stepped over.
    let known: Vec<u8> = (0..40).fold(Vec::new(), |inner, _| element(0x67C8, &inner));
    for nested in [&deep, &element(0x1254_C367, &known)] {
        let body = [&document(&[&number_tag(1), nested])[..], &fragment(2)].concat();
        let lines = summary(&demux(&body, 50));
        assert_eq!(lines.last().unwrap(), "2 2+1");
    }
    check(
        &document(&[
            &number_tag(1),
            &element(0x1254_C367, &known),
            &cluster(0, &[]),
        ]),
        &["1 0+0"],
    );
    let length = deep.len() - 12 - MAX_DEPTH * 10;
    check(
        &document(&[&number_tag(1), &deep]),
        &[&format!(
            "1 0+0 - {length} ? unreadable ! elements nested deeper than 16"
        )],
    );
}

#[test]
fn other_formats_are_refused_by_name() {
    let with = |mime: &[u8]| {
        document(&[
            &tag(b"MimeType", mime),
            &cluster(0, &[block(1, 0, &[1, 0])]),
        ])
    };
    check(&with(b"audio/L16;rate=8000;channels=1;"), &["- 1+0"]);
    check(&with(b"AUDIO/l16; rate=\"8000\""), &["- 1+0"]);
    for other in [
        "audio/L16;rate=16000;channels=1;",
        "audio/L16;rate=8000;channels=2",
        "audio/aac",
    ] {
        let expected = format!(
            "- 0+0 - 2 from format ! media format {other:?}, not audio/L16;rate=8000;channels=1"
        );
        check(&with(other.as_bytes()), &[&expected]);
    }
    let encoded = tracks(&[track_with(1, FROM, &[element(0x6D80, &[])])]);
    check(
        &[
            &header()[..],
            &encoded,
            &cluster(0, &[block(1, 0, &[1, 0])]),
        ]
        .concat(),
        &["- 0+0 - 2 from encoded ! track 1 has content encodings, which are not read"],
    );
}

/// The audio format of a track's entry: codec, rate, channels and bits, as far as given.
fn format(codec: &str, rate: Option<f64>, channels: Option<u8>, bits: Option<u8>) -> Vec<u8> {
    let audio = [
        rate.map(|rate| element(0xB5, &rate.to_be_bytes())),
        channels.map(|channels| element(0x9F, &[channels])),
        bits.map(|bits| element(0x6264, &[bits])),
    ];
    let codec = element(0x86, codec.as_bytes());
    match audio.iter().any(Option::is_some) {
        true => [
            codec,
            element(0xE1, &audio.map(Option::unwrap_or_default).concat()),
        ]
        .concat(),
        false => codec,
    }
}

#[test]
fn each_track_says_its_own_format() {
    /// The other direction's track is right, and kept.
    #[track_caller]
    fn check_format(format: &[u8], tags: &[u8], refused: Option<&str>) {
        let entries = [
            track_with(1, FROM, &[format.to_vec()]),
            track_with(2, TO, &[element(0x86, b"A_PCM/INT/LIT")]),
        ];
        let audio = cluster(0, &[block(1, 0, &[1, 0, 2, 0]), block(2, 0, &[3, 0])]);
        let expected = match refused {
            None => "- 2+1".to_owned(),
            Some(said) => format!(
                "- 0+1 - 4 from format ! media format {said:?}, not audio/L16;rate=8000;channels=1"
            ),
        };
        let body = [&header()[..], &tracks(&entries), &audio, tags].concat();
        check(&body, &[&expected]);
    }
    let right = (Some(8000.0), Some(1), Some(16));
    for codec in [
        "A_PCM/INT/BIG",
        "A_PCM/FLOAT/IEEE",
        "A_MS/ACM",
        "A_OPUS",
        "A_MULAW",
    ] {
        let format = format(codec, right.0, right.1, right.2);
        check_format(&format, &[], Some(codec));
    }
    let pcm = |rate, channels, bits| format("A_PCM/INT/LIT", rate, channels, bits);
    check_format(&pcm(right.0, right.1, right.2), &[], None);
    check_format(&pcm(None, None, None), &[], None);
    check_format(
        &pcm(Some(16000.0), Some(1), None),
        &[],
        Some("A_PCM/INT/LIT;rate=16000"),
    );
    check_format(
        &pcm(None, Some(2), None),
        &[],
        Some("A_PCM/INT/LIT;channels=2"),
    );
    check_format(
        &pcm(None, None, Some(24)),
        &[],
        Some("A_PCM/INT/LIT;bits=24"),
    );
    // What Connect writes; with an Audio element it would be AAC, unless a tag says L16.
    check_format(&format("A_AAC", None, None, None), &[], None);
    let aac = format("A_AAC", Some(8000.0), Some(1), None);
    check_format(&aac, &[], Some("A_AAC"));
    let l16 = tag(b"MimeType", b"audio/L16;rate=8000;channels=1;");
    check_format(&aac, &l16, None);
    // A media type of one track, targeted before and after it is given.
    let targets = element(0x63C0, &element(0x63C5, &[11]));
    let mime = element(
        0x67C8,
        &[
            element(0x45A3, b"MimeType"),
            element(0x4487, b"audio/L16;rate=16000"),
        ]
        .concat(),
    );
    for parts in [[&targets[..], &mime], [&mime, &targets]] {
        let tags = element(0x1254_C367, &element(0x7373, &parts.concat()));
        check_format(&[], &tags, Some("audio/L16;rate=16000"));
    }
    // An empty rate is the default, an empty depth none, and a rate of 3 bytes no number.
    let empty = [element(0xB5, &[]), element(0x9F, &[]), element(0x6264, &[])].concat();
    check_format(&element(0xE1, &empty), &[], None);
    let body = [
        &header()[..],
        &tracks(&[track_with(
            1,
            FROM,
            &[element(0xE1, &element(0xB5, &[1, 2, 3]))],
        )]),
        &cluster(0, &[block(1, 0, &[1, 0])]),
    ];
    check(
        &body.concat(),
        &["- 1+0 ! unreadable element (0xB5 with an impossible size)"],
    );
}

#[test]
fn other_tracks_with_audio_are_named() {
    let video = [element(0x83, &[1]), element(0x86, b"V_MPEG4/ISO/AVC")].concat();
    let hidden = [element(0x83, &[1]), element(0x86, b"A_AAC")].concat();
    let body = [
        &header()[..],
        &tracks(&[
            track(1, FROM),
            track(2, b"AUDIO_FROM_SUPERVISOR"),
            track_with(3, b"SCREEN", &[video]),
            track_with(4, b"SCREEN", &[hidden]),
            track(5, b"SILENT"),
            track(6, FROM),
            track(6, TO),
        ]),
        &cluster(
            0,
            &[
                block(1, 0, &[1, 0]),
                block(2, 0, &[1, 0, 2, 0]),
                block(2, 1, &[1, 0]),
                block(3, 0, &[9; 50]),
                block(4, 0, &[1, 0]),
                block(5, 0, &[]),
                block(6, 0, &[1, 0]),
            ],
        ),
    ];
    check(
        &body.concat(),
        &["- 1+0 - 8 ? other_track - 2 ? undeclared_track \
           ! 6 bytes of audio of track 2, \"AUDIO_FROM_SUPERVISOR\", which is neither customer direction by name \
           ! 2 bytes of audio of track 4, \"SCREEN\", which is neither customer direction by name \
           ! audio of track 6, which is not declared"],
    );
}

#[test]
fn half_a_sample_stays_with_its_block() {
    let audio = [block(1, 0, &[1, 0, 2]), block(1, 0, &[0, 3, 0])];
    let documents = demux(&document(&[&cluster(0, &audio)]), 5);
    let Document::Fragment(fragment) = &documents[0] else {
        panic!("no fragment")
    };
    let lengths: Vec<_> = fragment
        .blocks
        .iter()
        .map(|block| block.pcm.len())
        .collect();
    assert_eq!(
        (&lengths[..], fragment.blocks[0].samples()),
        (&[3, 3][..], 1)
    );
    assert_eq!(
        (&fragment.damage[..], &fragment.left_out[..]),
        (&[][..], &[][..])
    );
}

#[test]
fn times_by_the_scale_or_its_default() {
    #[track_caller]
    fn check_start(info: &[u8], content: &[Vec<u8>], millis: i64, damage: &str) {
        let cluster = [unknown_size(0x1F43_B675), content.concat()].concat();
        let body = [&header()[..], info, &both_tracks(), &cluster].concat();
        for chunk in [usize::MAX, 1] {
            let documents = demux(&body, chunk.min(body.len()));
            let Document::Fragment(fragment) = &documents[0] else {
                panic!("no fragment")
            };
            assert_eq!(
                fragment.start().map(MediaTime::to_millis_floor),
                Some(millis)
            );
            let found: Vec<_> = fragment
                .damage
                .iter()
                .map(|damage| damage.kind.to_string())
                .collect();
            assert_eq!(found.join(", "), damage);
        }
    }
    let scale = |value: &[u8]| element(0x1549_A966, &element(0x2AD7B1, value));
    let timed = [element(0xE7, &[10]), block(1, 2, &[1, 0])];
    check_start(&[], &timed, 12, "");
    check_start(&scale(&[]), &timed, 12, "");
    check_start(&scale(&2_000_000_u32.to_be_bytes()), &timed, 24, "");
    let told = "TimestampScale of 0, read as the default of 1000000";
    check_start(&scale(&[0]), &timed, 12, told);
    // A Timestamp behind its blocks is theirs, and an empty one is 0.
    check_start(&[], &[block(1, 2, &[1, 0]), element(0xE7, &[10])], 12, "");
    check_start(&[], &[element(0xE7, &[]), block(1, 2, &[1, 0])], 2, "");
    // The next Cluster's is not.
    let untimed = [
        block(1, 0, &[1, 0]),
        unknown_size(0x1F43_B675),
        element(0xE7, &[10]),
        block(1, 0, &[1, 0]),
    ];
    check_start(&[], &untimed, 10, "block without a usable time");
}

#[test]
fn audio_beside_an_error_is_kept() {
    let error = [
        number_tag(7),
        tag(b"AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE", b"5000"),
        tag(b"AWS_KINESISVIDEO_EXCEPTION_MESSAGE", b"InternalError"),
    ];
    let body = document(&[&cluster(0, &[block(1, 0, &[1, 0])]), &error.concat()]);
    check(
        &body,
        &["7 1+0 ! tagged as the error \"InternalError\" beside its audio"],
    );
}

#[test]
fn tags_in_tags_and_long_tags_do_not_disturb() {
    let nested = |inner: &[u8]| {
        let simple = [
            element(0x45A3, b"ContactId"),
            element(
                0x67C8,
                &[element(0x45A3, b"MimeType"), element(0x4487, inner)].concat(),
            ),
            element(0x4487, CONTACT.as_bytes()),
        ];
        element(
            0x1254_C367,
            &element(0x7373, &element(0x67C8, &simple.concat())),
        )
    };
    let long = "x".repeat(MAX_TAG_BYTES + 1);
    let body = document(&[
        &nested(b"audio/aac"),
        &tag(b"AWS_KINESISVIDEO_FRAGMENT_NUMBER", b"7"),
        &tag(b"Events", long.as_bytes()),
        &cluster(0, &[block(1, 0, &[1, 0])]),
        // As muxers write it.
        &tag(b"CONTACTID", CONTACT.as_bytes()),
    ]);
    check(&body, &["7 1+0"]);
    let Document::Fragment(fragment) = &demux(&body, 9)[0] else {
        panic!("no fragment")
    };
    assert_eq!(fragment.contact, ContactTag::One(CONTACT.into()));
    let body = document(&[&tag(b"ContactId", long.as_bytes()), &cluster(0, &[])]);
    check(
        &body,
        &["- 0+0 ! tag ContactId with the value \"(more than 4096 bytes)\""],
    );
}

#[test]
fn wrong_tags_are_told_and_do_not_harm() {
    let body = document(&[
        &tag(b"AWS_KINESISVIDEO_FRAGMENT_NUMBER", b"12x"),
        &number_tag(12),
        &number_tag(13),
        &cluster(0, &[block(1, 0, &[1, 0])]),
    ]);
    check(
        &body,
        &[
            "12 1+0 ! tag AWS_KINESISVIDEO_FRAGMENT_NUMBER with the value \"12x\" \
         ! tag AWS_KINESISVIDEO_FRAGMENT_NUMBER with the value \"13\"",
        ],
    );
}

/// Bodies that once made every 50 bytes cost megabytes, and their like, repeated.
fn bombs(repeats: usize) -> Vec<(&'static str, Vec<u8>)> {
    let claims = |id: &[u8], size: u64| {
        let size = (size | 1 << 28).to_be_bytes();
        [&header()[..], id, &size[4..]].concat()
    };
    let swallowing = |id: &[u8], size| [&claims(id, size)[..], &[0x81, 0, 0, 0x80, 1, 0]].concat();
    let magic = [0x1A, 0x45, 0xDF, 0xA3];
    // Headers of many elements, none of which is the DocType.
    let vain = [&magic[..], &[0xFE], &[0xEC, 0x80].repeat(8)].concat();
    let inner = [header(), element(0xEC, &[])].concat();
    let within = |size| {
        let planted = inner.repeat(size / inner.len());
        document(&[&cluster(0, &[block(1, 0, &planted), block(1, 0, &[1, 0])])])
    };
    let tracks: Vec<_> = (0..4 * MAX_TRACKS as u16)
        .map(|number| {
            let [high, low] = (0x4000 | number).to_be_bytes();
            element(0xA3, &[high, low, 0, 0, 0x80, 1, 0])
        })
        .collect();
    let bodies = [
        ("void", swallowing(&[0xEC], 4 << 20)),
        ("void within its limit", swallowing(&[0xEC], 60_000)),
        ("unknown", swallowing(&[0x5D, 0xB7], 4 << 20)),
        ("block", swallowing(&[0xA3], 4 << 20)),
        ("block within its limit", swallowing(&[0xA3], 60_000)),
        ("text", swallowing(&[0x44, 0x87], 4_000)),
        ("magic and short header", [&magic[..], &[0x81, 0]].concat()),
        ("vain header", vain),
        ("planted documents", within(60_000)),
        ("many tracks", document(&[&cluster(0, &tracks)])),
        (
            "a number a cluster",
            [number_tag(7), cluster(1, &[block(1, 0, &[])])].concat(),
        ),
        ("empty tags", tag(b"a", b"b")),
        ("tiny documents", header()),
        ("bytes that are none", vec![0]),
    ];
    (bodies.into_iter())
        .map(|(name, body)| {
            let times = if body.len() > 10_000 {
                repeats / 1_000
            } else {
                repeats
            };
            let start = if body.starts_with(&magic) {
                Vec::new()
            } else {
                document(&[])
            };
            (name, [start, body.repeat(times.max(1))].concat())
        })
        .collect()
}

#[test]
fn media_cannot_buy_time() {
    for (name, body) in bombs(600) {
        // Counted by the check: work and not time, so that it holds on any machine.
        println!("{name}: {} bytes", body.len());
        super::replay::check(&body);
    }
}

/// What stands in the Cluster of the next property.
#[derive(Clone, Debug)]
enum Piece {
    /// Track, bytes of audio, flags.
    Block(u8, usize, u8),
    Encrypted(u8, usize),
    Void(usize),
    Unknown(usize),
    Time(u8),
    Cluster,
    TooLarge(u8),
    NoTrack(usize),
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        10 => (1_u8..8, 0_usize..300, prop::sample::select(&[0x80_u8, 0x80, 0x80, 0x02][..]))
            .prop_map(|(track, bytes, flags)| Piece::Block(track, bytes, flags)),
        1 => (1_u8..8, 0_usize..300).prop_map(|(track, bytes)| Piece::Encrypted(track, bytes)),
        1 => (0_usize..300).prop_map(Piece::Void),
        1 => (0_usize..300).prop_map(Piece::Unknown),
        1 => any::<u8>().prop_map(Piece::Time),
        1 => Just(Piece::Cluster),
        1 => (1_u8..8).prop_map(Piece::TooLarge),
        1 => (0_usize..300).prop_map(Piece::NoTrack),
    ]
}

impl Piece {
    /// The element, and how many of its last bytes are audio.
    fn write(&self) -> (Vec<u8>, usize) {
        match *self {
            Self::Block(track, bytes, flags) => {
                let pcm = vec![7; bytes];
                let data = [&[0x80 | track, 0, 0, flags], &pcm[..]].concat();
                (element(0xA3, &data), bytes)
            }
            Self::Encrypted(track, bytes) => {
                let data = [&[0x80 | track, 0, 0, 0], &vec![7; bytes][..]].concat();
                (element(0xAF, &data), bytes)
            }
            Self::Void(bytes) => (element(0xEC, &vec![7; bytes]), 0),
            Self::Unknown(bytes) => (element(0x5DB7, &vec![7; bytes]), 0),
            Self::Time(time) => (element(0xE7, &[time]), 0),
            Self::Cluster => (unknown_size(0x1F43_B675), 0),
            Self::TooLarge(track) => (block(track, 0, &vec![7; MAX_BLOCK_BYTES]), MAX_BLOCK_BYTES),
            Self::NoTrack(bytes) => (element(0xA3, &vec![0; bytes]), bytes),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Every audio byte that came is in a block, or counted under a reason: whatever stands
    /// around it, and wherever the body ends.
    #[test]
    fn no_audio_is_lost_without_a_word(
        pieces in prop::collection::vec(piece(), 0..40),
        behind in any::<bool>(),
        cut in 0_usize..300,
        chunk in 1_usize..4_000,
    ) {
        let declared = tracks(&[
            track(1, FROM),
            track(2, TO),
            track(3, b"SUPERVISOR"),
            track_with(4, FROM, &[element(0x6D80, &[])]),
            track_with(5, TO, &[element(0x86, b"A_OPUS")]),
        ]);
        let mut body = [header(), info()].concat();
        if !behind {
            body.extend(&declared);
        }
        let mut audio = Vec::new();
        for piece in &pieces {
            let (element, bytes) = piece.write();
            body.extend(element);
            audio.push((body.len() - bytes, body.len()));
        }
        if behind {
            body.extend(&declared);
        }
        body.truncate(body.len().saturating_sub(cut).max(1));
        let came: usize = audio
            .iter()
            .map(|(from, to)| to.min(&body.len()).saturating_sub(*from))
            .sum();
        let mut counted = 0;
        for document in demux(&body, chunk) {
            if let Document::Fragment(fragment) = document {
                counted += fragment.blocks.iter().map(|block| block.pcm.len() as u64).sum::<u64>();
                counted += fragment.left_out.iter().map(|left| left.bytes).sum::<u64>();
                prop_assert!(fragment.left_out.iter().all(|left| left.bytes > 0));
            }
        }
        prop_assert_eq!(counted, came as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_documents(
        flips in prop::collection::vec((0_usize..1_500, any::<u8>()), 0..6),
        chunks in prop::collection::vec(1_usize..200, 1..50),
    ) {
        let mut body = [fragment(1), fragment(2), fragment(3)].concat();
        for (place, value) in flips {
            let place = place % body.len();
            body[place] = value;
        }
        let whole = demux(&body, body.len());
        let mut demuxer = Demuxer::new();
        let mut documents = Vec::new();
        let mut rest = &body[..];
        for chunk in chunks.iter().cycle() {
            let (now, later) = rest.split_at((*chunk).min(rest.len()));
            demuxer.push(now);
            documents.extend(std::iter::from_fn(|| demuxer.next_document()));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        documents.extend(demuxer.finish());
        prop_assert_eq!(documents, whole);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..3_000), chunk in 1_usize..64) {
        demux(&bytes, chunk);
        super::replay::check(&bytes);
    }
}

/// Two readings of one specification: `webm-iterable`'s own reader, and this one.
#[test]
fn well_formed_streams_are_read_as_webm_iterable_reads_them() {
    use webm_iterable::WebmIterator;
    use webm_iterable::matroska_spec::MatroskaSpec;

    #[track_caller]
    fn check_alike(name: &str, media: &[u8]) {
        let tags = WebmIterator::new(media, &[]);
        let theirs = tags.filter_map(|tag| match tag.unwrap() {
            MatroskaSpec::SimpleBlock(data) => Some(data[4..].to_vec()),
            _ => None,
        });
        let mut demuxer = Demuxer::new();
        demuxer.push(media);
        let mut documents: Vec<_> = std::iter::from_fn(|| demuxer.next_document()).collect();
        documents.extend(demuxer.finish());
        let ours = documents.into_iter().flat_map(|document| match document {
            Document::Fragment(fragment) => fragment.blocks,
            Document::Error(_) => Vec::new(),
            Document::Stray(damage) => panic!("{name}: {damage}"),
        });
        let ours: Vec<_> = ours.map(|block| block.pcm.to_vec()).collect();
        assert!(theirs.collect::<Vec<_>>() == ours, "{name}");
    }
    let plain = std::fs::read("tests/data/streams/plain/plain.mkv").unwrap();
    check_alike("plain.mkv", &plain);
    for odd in [
        Vec::new(),
        vec![Oddity::OddCuts],
        vec![Oddity::NoScale, Oddity::TwoContacts],
    ] {
        let call = SynthCall {
            millis: 9_000,
            lose: vec![2],
            reuse: true,
            untagged_tail: true,
            short_blocks: true,
            odd,
            ..SynthCall::default()
        };
        let mut media = Vec::new();
        call.write_stream(&mut media, |_| ()).unwrap();
        check_alike(&format!("{:?}", call.odd), &media);
    }
}
