//! The exact audio, bit for bit: the fixtures of an independent generator where they are
//! at hand (`../shared/fixtures`), and calls synthesised here, each fed whole, by 7 bytes
//! and by 1.

use std::io::Write;
use std::path::{Path, PathBuf};

use callreel::media::assembly::Assembly;
use callreel::media::attribution::{Attribution, Claim};
use callreel::media::demux::{Demuxer, Document};
use callreel::media::fragment::{Direction, FragmentNumber, FragmentRange};
use callreel::media::request::Request;
use callreel::media::sides::Authorisation;
use callreel::media::wav::{self, Output};
use callreel::synth::SynthCall;
use proptest::prelude::*;

/// What came out of a body: the bytes of from.wav, to.wav and mixed.wav.
struct Files {
    wavs: Vec<(Output, Vec<u8>)>,
    missing: usize,
    damaged: bool,
}

/// Media of one answer to WAV files, as the recorder does it, without its I/O.
fn record(media: &[u8], chunk: usize, claim: Claim, numbers: &[FragmentNumber]) -> Files {
    let mut request = Request::new(numbers);
    let mut demuxer = Demuxer::new();
    for chunk in media.chunks(chunk) {
        demuxer.push(chunk);
        std::iter::from_fn(|| demuxer.next_document()).for_each(|document| request.take(document));
    }
    demuxer.finish().for_each(|document| request.take(document));
    request.end_body(numbers);
    let answer = request.settle();
    let mut attribution = Attribution::new(claim);
    let mut assembly = Assembly::new(Authorisation::Both);
    let mut damaged = !answer.damage.is_empty();
    for fragment in answer.fragments {
        damaged |= !fragment.damage.is_empty();
        attribution.push(fragment);
    }
    attribution.finish();
    while let Some(own) = attribution.next_own() {
        assembly.push(own);
    }
    assembly.finish();
    let mut sides = [Vec::new(), Vec::new()];
    let mut more = true;
    while more {
        more = assembly.encode();
        for (side, buffer) in sides.iter_mut().zip(assembly.buffers()) {
            side.append(buffer);
        }
    }
    let mixed = wav::in_turn(&sides[0], &sides[1]);
    let [from, to] = sides;
    let samples = assembly.into_report().timeline.samples;
    let wavs = Output::ALL
        .into_iter()
        .zip([from, to, mixed])
        .map(|(output, body)| {
            let header = wav::header(output.channels(), samples).unwrap();
            (output, [&header[..], &body].concat())
        })
        .collect();
    Files {
        wavs,
        missing: answer.missing.len(),
        damaged,
    }
}

fn samples(file: &[u8]) -> Vec<i16> {
    let reader = hound::WavReader::new(file).unwrap();
    assert_eq!(
        (reader.spec().sample_rate, reader.spec().bits_per_sample),
        (8_000, 16)
    );
    reader.into_samples().map(Result::unwrap).collect()
}

/// Equal, but for silence behind the shorter one.
fn assert_same(name: &str, got: &[i16], expected: &[i16]) {
    let common = got.len().min(expected.len());
    let differs = got
        .iter()
        .zip(expected)
        .position(|(got, expected)| got != expected);
    assert_eq!(
        differs,
        None,
        "{name}: first difference, of {} and {} samples",
        got.len(),
        expected.len()
    );
    let behind = got[common..].iter().chain(&expected[common..]);
    assert!(
        behind.into_iter().all(|sample| *sample == 0),
        "{name}: {} and {} samples",
        got.len(),
        expected.len()
    );
}

#[track_caller]
fn check(name: &str, files: &Files, from: &[i16], to: &[i16]) {
    let [(_, from_wav), (_, to_wav), (_, mixed_wav)] = &files.wavs[..] else {
        panic!("three files")
    };
    let (got_from, got_to, mixed) = (samples(from_wav), samples(to_wav), samples(mixed_wav));
    assert_same(&format!("{name} from"), &got_from, from);
    assert_same(&format!("{name} to"), &got_to, to);
    let interleaved: Vec<_> = got_from
        .iter()
        .zip(&got_to)
        .flat_map(|(from, to)| [*from, *to])
        .collect();
    assert_eq!(mixed, interleaved, "{name}: stereo is left from, right to");
    assert_eq!(
        got_from.len(),
        got_to.len(),
        "{name}: all files have one length"
    );
    assert!(!files.damaged, "{name}: nothing is damaged");
}

/// All numbers that the media itself carries, and the two that the record names.
fn numbers(media: &[u8], range: FragmentRange) -> Vec<FragmentNumber> {
    let mut demuxer = Demuxer::new();
    demuxer.push(media);
    let mut documents: Vec<_> = std::iter::from_fn(|| demuxer.next_document()).collect();
    documents.extend(demuxer.finish());
    let carried = documents.iter().filter_map(|document| match document {
        Document::Fragment(fragment) => fragment.number,
        Document::Error(error) => error.number,
        Document::Stray(_) => None,
    });
    let mut numbers: Vec<_> = carried.chain(range.start).chain(range.stop).collect();
    numbers.retain(|number| range.contains(*number));
    numbers.sort();
    numbers.dedup();
    numbers
}

#[test]
fn shared_fixtures_come_out_bit_for_bit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures");
    let Ok(manifest) = std::fs::read(folder.join("manifest.json")) else {
        // Past the harness, which hides what a test that passes prints.
        let _ = writeln!(
            std::io::stderr(),
            "NOTHING COMPARED: no {}; the calls that are synthesised here are all that was looked at",
            folder.display()
        );
        return;
    };
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    for (name, facts) in manifest.as_object().unwrap() {
        check_shared(&folder, name, facts);
    }
}

fn check_shared(folder: &Path, name: &str, facts: &serde_json::Value) {
    let text = |field: &str| facts[field].as_str().unwrap();
    let range = FragmentRange {
        start: text("start_fragment").parse().ok(),
        stop: text("stop_fragment").parse().ok(),
    };
    let claim = || Claim {
        range,
        contacts: vec![text("contact").into()],
    };
    let media = std::fs::read(folder.join(format!("{name}.mkv"))).unwrap();
    let wav = |path: PathBuf| std::fs::read(path).ok().map(|file| samples(&file));
    let from = wav(folder.join(format!("{name}.from.wav"))).unwrap();
    let to = wav(folder.join(format!("{name}.to.wav"))).unwrap_or_default();
    let numbers = numbers(&media, range);
    assert_eq!(
        numbers.len() as u64,
        facts["fragments"].as_u64().unwrap(),
        "{name}"
    );
    for chunk in [media.len(), 7, 1] {
        let files = record(&media, chunk, claim(), &numbers);
        check(&format!("{name} by {chunk}"), &files, &from, &to);
        assert_eq!(
            files.missing,
            usize::from(name == "fragment_not_found"),
            "{name}"
        );
    }
}

fn check_synth(name: &str, call: &SynthCall, chunks: &[usize]) {
    let mut media = Vec::new();
    call.write_stream(&mut media, |_| ()).unwrap();
    let span = call.span();
    let range = FragmentRange {
        start: span.start_fragment.parse().ok(),
        stop: span.stop_fragment.parse().ok(),
    };
    let numbers = numbers(&media, range);
    for chunk in chunks {
        let claim = Claim {
            range,
            contacts: vec![call.contact.as_str().into()],
        };
        let files = record(&media, *chunk, claim, &numbers);
        let [from, to] = Direction::BOTH.map(|direction| call.expected(direction));
        check(&format!("{name} by {chunk}: {call:?}"), &files, &from, &to);
    }
}

#[test]
fn synthesised_calls_come_out_bit_for_bit() {
    let plain = SynthCall {
        millis: 6_000,
        ..SynthCall::default()
    };
    let hold = std::iter::once(2_000..4_500).collect::<Vec<_>>();
    let calls = [
        ("plain", plain.clone()),
        (
            "one sample block",
            SynthCall {
                millis: 1,
                ..plain.clone()
            },
        ),
        (
            "hold",
            SynthCall {
                holds: hold.clone(),
                ..plain.clone()
            },
        ),
        (
            "late agent",
            SynthCall {
                late_to_millis: 3_210,
                ..plain.clone()
            },
        ),
        (
            "one way",
            SynthCall {
                one_way: true,
                ..plain.clone()
            },
        ),
        (
            "tracks swapped",
            SynthCall {
                swap_tracks: true,
                ..plain.clone()
            },
        ),
        (
            "stream reused",
            SynthCall {
                reuse: true,
                untagged_tail: true,
                ..plain.clone()
            },
        ),
        (
            "session rotated",
            SynthCall {
                rotate_at_millis: Some(3_000),
                ..plain.clone()
            },
        ),
        (
            "short blocks",
            SynthCall {
                short_blocks: true,
                ..plain.clone()
            },
        ),
        (
            "rounding",
            SynthCall {
                rounding: true,
                ..plain.clone()
            },
        ),
        (
            "lost",
            SynthCall {
                lose: vec![2],
                ..plain.clone()
            },
        ),
        (
            "no epoch",
            SynthCall {
                no_epoch: true,
                holds: hold,
                rotate_at_millis: Some(2_300),
                ..plain
            },
        ),
    ];
    for (name, call) in calls {
        check_synth(name, &call, &[usize::MAX, 7, 1]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_call_comes_out_bit_for_bit(
        millis in 1_u64..25_000,
        hold in prop::option::of((0_u64..25_000, 1_u64..9_000)),
        late_to_millis in prop_oneof![Just(0), 0_u64..9_000],
        rotate_at_millis in prop::option::of(0_u64..25_000),
        flags in prop::array::uniform7(any::<bool>()),
        lose in prop::collection::vec(0_usize..20, 0..3),
        missing in prop::collection::vec(0_usize..20, 0..3),
        seed in any::<u64>(),
    ) {
        let [one_way, swap_tracks, reuse, untagged_tail, short_blocks, rounding, no_epoch] = flags;
        let call = SynthCall {
            millis,
            holds: hold.into_iter().map(|(at, long)| at..at + long).collect(),
            late_to_millis: late_to_millis.min(millis),
            rotate_at_millis,
            one_way, swap_tracks, reuse, untagged_tail, short_blocks, rounding, no_epoch,
            lose, missing, seed,
            ..SynthCall::default()
        };
        check_synth("random", &call, &[usize::MAX]);
    }
}
