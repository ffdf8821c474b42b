//! Media that went through other hands: merged into one Segment, broken off and begun
//! anew, with elements that nobody knows, or saying that it is another format.

use callreel::media::demux::{Demuxer, Document};

use super::*;

/// An element as muxers write it, with a size of 8 bytes.
fn element(id: u32, body: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let leading = id.iter().take_while(|byte| **byte == 0).count();
    let size = (body.len() as u64 | 1 << 56).to_be_bytes();
    [&id[leading..], &size, body].concat()
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    let mut windows = bytes.windows(part.len());
    windows.position(|window| window == part).unwrap()
}

fn tags(pairs: &[(&str, &str)]) -> Vec<u8> {
    let simple = |(name, value): &(&str, &str)| {
        let pair = [
            element(0x45A3, name.as_bytes()),
            element(0x4487, value.as_bytes()),
        ];
        element(0x67C8, &pair.concat())
    };
    let tag: Vec<u8> = pairs.iter().flat_map(simple).collect();
    element(0x1254_C367, &element(0x7373, &tag))
}

/// The call as a muxer merges it: one header, one Segment of known size, a Cluster for
/// every five seconds, and the tags where it puts them.
fn merged(call: &SynthCall, before: &[u8], behind: &[u8]) -> Vec<u8> {
    const CLUSTER_MILLIS: i64 = 5_000;
    let mut demuxer = Demuxer::new();
    call.fragments()
        .for_each(|fragment| demuxer.push(&fragment.document));
    let blocks: Vec<_> = demuxer
        .finish()
        .flat_map(|document| match document {
            Document::Fragment(fragment) => fragment.blocks,
            other => panic!("{other:?}"),
        })
        .collect();
    let track = |direction: Direction| {
        let name = ["AUDIO_FROM_CUSTOMER", "AUDIO_TO_CUSTOMER"][direction.index()];
        let number = [direction.index() as u8 + 1];
        let entry = [
            element(0xD7, &number),
            element(0x73C5, &number),
            element(0x83, &[2]),
            element(0x536E, name.as_bytes()),
            element(0x86, b"A_AAC"),
        ];
        element(0xAE, &entry.concat())
    };
    let info = [
        element(0x73A4, b"the merged file."),
        element(0x2A_D7B1, &1_000_000_u32.to_be_bytes()),
    ];
    let mut segment = [
        element(0x114D_9B74, &[0; 40]),
        element(0xEC, &[0; 200]),
        element(0x1549_A966, &info.concat()),
        element(0x1654_AE6B, &Direction::BOTH.map(track).concat()),
        before.to_vec(),
    ]
    .concat();
    let times = |block: &callreel::media::fragment::Block| block.start.to_millis_floor();
    let first = blocks.iter().map(times).min().unwrap();
    let place = |block: &callreel::media::fragment::Block| (times(block) - first) / CLUSTER_MILLIS;
    for blocks in blocks.chunk_by(|one, other| place(one) == place(other)) {
        let start = first + place(&blocks[0]) * CLUSTER_MILLIS;
        let mut cluster = [
            element(0xBF, &[1, 2, 3, 4]),
            element(0xE7, &start.to_be_bytes()),
        ]
        .concat();
        for block in blocks {
            let relative = i16::try_from(times(block) - start).unwrap().to_be_bytes();
            let header = [
                0x81 + block.direction.index() as u8,
                relative[0],
                relative[1],
                0x80,
            ];
            cluster.extend(element(0xA3, &[&header[..], &block.pcm].concat()));
        }
        segment.extend(element(0x1F43_B675, &cluster));
    }
    segment.extend(element(0x1C53_BB6B, &[0; 900]));
    segment.extend(behind);
    let ebml = element(0x1A45_DFA3, &element(0x4282, b"matroska"));
    [ebml, element(0x1853_8067, &segment)].concat()
}

#[test]
fn a_call_merged_into_one_file_is_extracted_whole() {
    let call = call(120_000);
    let by_us = tags(&[("ContactId", &call.contact)]);
    let in_capitals = tags(&[("CONTACTID", &call.contact), ("ENCODER", "another muxer")]);
    for (before, behind) in [(&by_us[..], &[][..]), (&in_capitals, &[]), (&[], &by_us)] {
        let desk = Desk::new();
        desk.write("m.mkv", merged(&call, before, behind));
        let ran = desk.run("extract m.mkv --out e --json").done();
        let verdict = &ran.json()["contacts"][0]["verdict"];
        assert_eq!(verdict["status"], "complete", "{:#}", verdict["reasons"]);
        assert_eq!(verdict["fragments"]["own"], 6);
        check_audio(&desk.join("e").join(&call.contact), &call);
        // Twice is once, and in two files it is one call.
        let twice = desk.run("extract m.mkv m.mkv --out t --json").done().json();
        assert_eq!(twice["contacts"][0]["verdict"]["fragments"]["own"], 6);
        check_audio(&desk.join("t").join(&call.contact), &call);
    }
}

#[test]
fn fragments_put_into_one_segment_are_recorded_whole() {
    // The range begins in the middle of the one Segment, behind another caller's part.
    let call = SynthCall {
        reuse: true,
        swap_tracks: true,
        rotate_at_millis: Some(4_000),
        ..call(9_000)
    };
    let desk = Desk::new();
    let mut file = Vec::new();
    for fragment in call.fragments() {
        let document = fragment.document;
        // EBML header and Segment of the first one are all that stays of theirs.
        let from = match file.is_empty() {
            true => 0,
            false => find(&document, &0x1549_A966_u32.to_be_bytes()),
        };
        file.extend_from_slice(&document[from..]);
    }
    desk.write("streams/s/s.mkv", file);
    let record = call.contact_record("s").to_string();
    desk.write_event(&[record.into_bytes()]);
    let ran = desk
        .run("record event.json --streams streams --out out")
        .done();
    assert!(ran.out.contains("complete"), "{}", ran.out);
    check_audio(&recorded_stem(&desk.join("out"), &call), &call);
}

/// `extract` of the call's documents, each changed as said, gives the call back whole.
#[track_caller]
fn check_whole(change: impl Fn(usize, Vec<u8>) -> Vec<u8>) {
    let call = call(5_000);
    let desk = Desk::new();
    let documents = call.fragments().map(|fragment| fragment.document);
    let file: Vec<u8> = (0..)
        .zip(documents)
        .flat_map(|(position, document)| change(position, document))
        .collect();
    desk.write("m.mkv", file);
    let json = desk.run("extract m.mkv --out e --json").done().json();
    let verdict = &json["contacts"][0]["verdict"];
    assert_eq!(verdict["status"], "complete", "{:#}", verdict["reasons"]);
    check_audio(&desk.join("e").join(&call.contact), &call);
}

#[test]
fn a_capture_that_was_resumed_in_one_file_is_whole() {
    for cut in [700, 1_500, 3_333, 9_000, 20_000, 30_000] {
        check_whole(|position, document| match position {
            2 => [&document[..cut], &document].concat(),
            _ => document,
        });
    }
    // Before the number's tag nothing tells which fragment it was: all of it is there, and
    // that there was one more is told.
    for cut in [3, 17, 60, 200] {
        let call = call(5_000);
        let desk = Desk::new();
        let mut documents: Vec<_> = call.fragments().map(|fragment| fragment.document).collect();
        documents[2] = [&documents[2][..cut], &documents[2]].concat();
        desk.write("streams/s/s.mkv", documents.concat());
        let record = call.contact_record("s").to_string();
        desk.write_event(&[record.into_bytes()]);
        let ran = desk
            .run("record event.json --streams streams --out out")
            .done();
        assert!(ran.out.contains("complete"), "{}", ran.out);
        check_audio(&recorded_stem(&desk.join("out"), &call), &call);
        let json = desk
            .run("extract streams/s/s.mkv --out e --json")
            .done()
            .json();
        let verdict = &json["contacts"][0]["verdict"];
        assert_eq!(verdict["status"], "partial");
        assert_eq!(verdict["reasons"][0]["code"], "damage");
        check_audio(&desk.join("e").join(&call.contact), &call);
    }
}

#[test]
fn elements_that_nobody_knows_are_stepped_over() {
    for many in [10, 17, 40, 500] {
        check_whole(|_, mut document| {
            let cluster = find(&document, &0x1F43_B675_u32.to_be_bytes()) + 12;
            let odd = [
                element(0x5DB7, &[7; 3]),
                element(0x7FFE, b"\x1A\x45\xDF\xA3"),
            ]
            .concat();
            document.splice(cluster..cluster, odd.repeat(many));
            document
        });
    }
}

#[test]
fn a_track_of_another_format_is_left_out_and_named() {
    let call = call(3_000);
    let desk = Desk::new();
    let mut file: Vec<u8> = call
        .fragments()
        .flat_map(|fragment| fragment.document)
        .collect();
    // The codec of the first track, in each fragment.
    for at in 0..file.len() - 5 {
        if file[at..].starts_with(b"AUDIO_FROM_CUSTOMER\x86\x85A_AAC") {
            file[at + 21..at + 26].copy_from_slice(b"A_AC3");
        }
    }
    desk.write("m.mkv", file);
    let json = desk.run("extract m.mkv --out e --json").done().json();
    let verdict = &json["contacts"][0]["verdict"];
    assert_eq!(verdict["status"], "partial");
    let damage = verdict["fragments"]["damage_list"][0].as_str().unwrap();
    let named = "media format \"A_AC3\", not audio/L16;rate=8000;channels=1, direction from";
    assert!(damage.contains(named), "{damage}");
    let to = samples(&desk.join("e").join(format!("{}_to.wav", call.contact)), 1);
    assert_eq!(to, call.expected(Direction::ToCustomer));
}

#[test]
fn audio_beyond_a_limit_is_an_error_of_extract() {
    let call = call(3_000);
    let desk = Desk::new();
    let mut documents: Vec<_> = call.fragments().map(|fragment| fragment.document).collect();
    let cluster = find(&documents[1], &0x1F43_B675_u32.to_be_bytes()) + 12;
    let block = [&[0x81, 0, 0, 0x80][..], &[0; 70_000]].concat();
    documents[1].splice(cluster..cluster, element(0xA3, &block));
    desk.write("m.mkv", documents.concat());
    let told = [
        call.contact.as_str(),
        "70000 bytes of audio in m.mkv left out",
        "the verdict says",
    ];
    let ran = desk.run("extract m.mkv --out e").check(1, &[&told]);
    assert_eq!(ran.rows()[0][1], "partial");
    let json = desk
        .run("extract m.mkv --out e --json")
        .check(1, &[&told])
        .json();
    let left_out = &json["contacts"][0]["verdict"]["sides"]["from"]["left_out"];
    assert_eq!(*left_out, json!([{"reason": "limit", "bytes": 70_000}]));
    // All else is there.
    check_audio(&desk.join("e").join(&call.contact), &call);
}
