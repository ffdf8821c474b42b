//! Documents named by their oddity, each fed whole, by 7 bytes and by 1.

use super::*;
use crate::fragment::{ContactTag, Direction};
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

fn track(number: u8, name: &[u8]) -> Vec<u8> {
    element(
        0xAE,
        &[element(0xD7, &[number]), element(0x536E, name)].concat(),
    )
}

fn tracks(entries: &[Vec<u8>]) -> Vec<u8> {
    element(0x1654_AE6B, &entries.concat())
}

fn both_tracks() -> Vec<u8> {
    tracks(&[
        track(1, b"AUDIO_FROM_CUSTOMER"),
        track(2, b"AUDIO_TO_CUSTOMER"),
    ])
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
                        .map(crate::fragment::Block::samples)
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
        &["- 1+0 - 4 ? other_track"],
    );
    check(
        &with(&[track(1, b"Track_audio/L16")]),
        &[
            "- 1+0 - 4 ? undeclared_track ! block of track 2, which is neither customer direction by name",
        ],
    );
    check(
        &with(&[]),
        &[
            "- 0+0 - 6 ? undeclared_track ! block of track 1, which is neither customer direction by name \
         ! block of track 2, which is neither customer direction by name",
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
        &["- 1+1 - 65536 from limit ! fragment with more than 65536 bytes in a block"],
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
    let planted = [&[0x1A, 0x45, 0xDF, 0xA3][..], &header(), &[0; 3]].concat();
    let planted = &planted[..planted.len() & !1];
    let samples = planted.len() / 2;
    let body = document(&[&cluster(0, &[block(1, 0, planted)])]);
    check(
        &[&body[..], &fragment(2)].concat(),
        &[&format!("- {samples}+0"), "2 2+1"],
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
            "2 1+0 ! unreadable element (0x0 with an impossible size)",
            "3 2+1",
        ],
    );
    check(
        &[&b"not media at all, "[..], &good, &good[..30]].concat(),
        &[
            "stray ! the media ends inside an element",
            "1 2+1",
            "- 0+0 ! the media ends inside an element",
        ],
    );
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
            "1 1+0 ! element 0xA3 claims 4294967295 bytes, the limit is 4194304",
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
    let known: Vec<u8> = (0..40).fold(Vec::new(), |inner, _| element(0x67C8, &inner));
    for nested in [deep, element(0x1254_C367, &known)] {
        let body = [&document(&[&number_tag(1), &nested])[..], &fragment(2)].concat();
        let lines = summary(&demux(&body, 50));
        assert_eq!(lines.last().unwrap(), "2 2+1");
    }
    let body = document(&[&number_tag(1), &element(0x1254_C367, &known)]);
    check(&body, &["1 0+0 ! elements nested deeper than 16"]);
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
    check(&with(b"AUDIO/l16; rate=8000"), &["- 1+0"]);
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
    let encoded = element(
        0xAE,
        &[
            element(0xD7, &[1]),
            element(0x536E, b"AUDIO_FROM_CUSTOMER"),
            element(0x6D80, &[]),
        ]
        .concat(),
    );
    let body = [
        &header()[..],
        &tracks(&[encoded]),
        &cluster(0, &[block(1, 0, &[1, 0])]),
    ]
    .concat();
    check(
        &body,
        &["- 0+0 - 2 from encoded ! track 1 has content encodings, which are not read"],
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
        let documents = demux(&bytes, chunk);
        prop_assert_eq!(bytes.is_empty(), documents.is_empty());
    }
}
