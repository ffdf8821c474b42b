//! The rule that a verdict rests on, tried on calls with every oddity in any combination:
//! each audio byte that came in a fragment of the recording's own range is in the file, or
//! is the very same bytes that are in the file already, or is counted under a reason; and
//! `complete` means that the last count is nothing.
//!
//! What came is counted here by a reader of its own, which knows no more of Matroska than
//! well-formed documents need. `PROPTEST_CASES=100000 cargo test --release --test core
//! conservation` runs as many cases.

use std::collections::BTreeMap;

use crate::common::memory::Memory;
use crate::common::{plan, policy};
use bytes::Bytes;
use callreel::failure::Failure;
use callreel::media::fragment::{Direction, FragmentNumber};
use callreel::media::wav::HEADER_BYTES;
use callreel::port::{FragmentSource, Listing, MediaBody, NoDeadline, Whereabouts};
use callreel::recorder::{Reading, Recorder};
use callreel::recording::plan::RecordingPlan;
use callreel::recording::verdict::{GapCause, Side, Status, Verdict};
use callreel::synth::{Oddity, SynthCall};
use futures_executor::block_on;
use proptest::prelude::*;

/// A stream in memory.
struct Stream(BTreeMap<FragmentNumber, Vec<u8>>);

struct Body(std::vec::IntoIter<Bytes>);

impl FragmentSource for Stream {
    type Body = Body;

    async fn list(&self, whereabouts: Whereabouts<'_>) -> Result<Listing, Failure> {
        let numbers = self.0.keys().copied();
        Ok(Listing {
            numbers: numbers
                .filter(|number| whereabouts.range.contains(*number))
                .collect(),
            incomplete: false,
        })
    }

    async fn fetch(&self, _stream: &str, numbers: &[FragmentNumber]) -> Result<Body, Failure> {
        let documents = numbers.iter().filter_map(|number| self.0.get(number));
        let chunks: Vec<_> = documents
            .map(|document| Bytes::copy_from_slice(document))
            .collect();
        Ok(Body(chunks.into_iter()))
    }

    async fn kept_for(&self, _stream: &str) -> Option<std::time::Duration> {
        None
    }

    async fn wait_to_ask_again(&self, attempt: u32) -> bool {
        attempt <= 2
    }
}

impl MediaBody for Body {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        Ok(self.0.next())
    }
}

/// One element of a well-formed document: its id, where its body starts and ends.
fn element(document: &[u8], at: usize) -> (u64, usize, usize) {
    let number = |at: usize, keep_marker: bool| {
        let width = document[at].leading_zeros() as usize + 1;
        let bytes = &document[at..at + width];
        let value = bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte));
        let marker = 1 << (7 * width);
        let is_unknown = value == (marker << 1) - 1 || width == 8 && value & 0xff_ffff == 0xff_ffff;
        let value = if keep_marker { value } else { value & !marker };
        (value, at + width, is_unknown)
    };
    let (id, behind, _) = number(at, true);
    let (size, body, is_unknown) = number(behind, false);
    let end = if is_unknown {
        document.len()
    } else {
        body + size as usize
    };
    (id, body, end)
}

/// The audio of each track of a well-formed document, by the track's name and coder.
fn audio_of(document: &[u8]) -> Vec<(String, String, Vec<u8>)> {
    const MASTERS: [u64; 4] = [0x1853_8067, 0x1654_ae6b, 0xae, 0x1f43_b675];
    let mut tracks: Vec<(u8, String, String, Vec<u8>)> = Vec::new();
    let mut at = 0;
    while at < document.len() {
        let (id, body, end) = element(document, at);
        let data = &document[body..end];
        let text = || String::from_utf8(data.to_vec()).unwrap();
        match id {
            0xae => tracks.push((0, String::new(), String::new(), Vec::new())),
            0xd7 => tracks.last_mut().unwrap().0 = data[0],
            0x536e => tracks.last_mut().unwrap().1 = text(),
            0x86 => tracks.last_mut().unwrap().2 = text(),
            0xa3 => {
                let number = data[0] & 0x7f;
                let track = tracks.iter_mut().find(|track| track.0 == number).unwrap();
                track.3.extend_from_slice(&data[4..]);
            }
            _ => {}
        }
        at = if MASTERS.contains(&id) { body } else { end };
    }
    tracks
        .into_iter()
        .map(|(_, name, codec, audio)| (name, codec, audio))
        .collect()
}

fn track_name(side: Direction) -> &'static str {
    match side {
        Direction::FromCustomer => "AUDIO_FROM_CUSTOMER",
        Direction::ToCustomer => "AUDIO_TO_CUSTOMER",
    }
}

struct Outcome {
    plan: RecordingPlan,
    verdict: Verdict,
    /// The samples of the mono files, as bytes.
    files: [Option<Vec<u8>>; 2],
}

fn record(call: &SynthCall, stream: BTreeMap<FragmentNumber, Vec<u8>>) -> Outcome {
    let plan = plan(&call.contact_record("s"));
    let memory = Memory::default();
    let recorder = Recorder {
        source: Stream(stream),
        store: memory.clone(),
        attributes: memory.clone(),
        policy: policy(),
        reading: Reading::default(),
    };
    let recorded = block_on(recorder.record(&plan, &NoDeadline, |_| ())).unwrap();
    let mut kept = memory.files.lock().unwrap();
    let files = Direction::BOTH.map(|side| {
        let files = recorded.verdict.files.iter();
        let key = files
            .clone()
            .find(|file| file.kind == side.name())?
            .key
            .clone();
        Some(kept.remove(&key).unwrap().split_off(HEADER_BYTES))
    });
    Outcome {
        plan,
        verdict: recorded.verdict,
        files,
    }
}

/// What is in the file apart from the silence that the verdict says was put in.
fn without_silence(file: &[u8], side: &Side) -> Vec<u8> {
    assert_eq!(side.gaps.list.len() as u64, side.gaps.count);
    let mut rest = Vec::new();
    let mut at = 0;
    for gap in &side.gaps.list {
        let start = 2 * gap.at_sample as usize;
        rest.extend_from_slice(&file[at..start]);
        at = start + 2 * gap.samples as usize;
        assert!(
            file[start..at].iter().all(|byte| *byte == 0),
            "a gap is silent"
        );
    }
    let end = at + (2 * side.audio_samples as usize - rest.len());
    rest.extend_from_slice(&file[at..end]);
    assert!(
        file[end..].iter().all(|byte| *byte == 0),
        "the end is silent"
    );
    rest
}

fn check(call: &SynthCall) {
    let parse = |number: &str| -> FragmentNumber { number.parse().unwrap() };
    let stream: BTreeMap<_, _> = call
        .fragments()
        .map(|fragment| (parse(&fragment.number), fragment.document))
        .collect();
    let Outcome {
        plan,
        verdict,
        files,
    } = record(call, stream);
    let is_error = |document: &[u8]| document.windows(8).any(|text| text == b"_ERROR_I");
    for side in Direction::BOTH {
        let name = track_name(side);
        let (mut came, mut readable) = (0, Vec::new());
        for fragment in call.fragments() {
            let in_range = plan.claim.range.contains(parse(&fragment.number));
            if fragment.foreign || !in_range || is_error(&fragment.document) {
                continue;
            }
            // A document that breaks off stands before its whole self.
            let whole = fragment
                .document
                .windows(4)
                .rposition(|magic| magic == [0x1a, 0x45, 0xdf, 0xa3]);
            for (track, codec, audio) in audio_of(&fragment.document[whole.unwrap()..]) {
                if track == name {
                    came += audio.len() as u64;
                    if codec == "A_AAC" {
                        readable.push(audio);
                    }
                }
            }
        }
        let told = verdict.sides.of(side).unwrap();
        assert_eq!(
            told.bytes.came,
            told.bytes.written + told.bytes.repeated + told.bytes.left_out
        );
        // A fragment without tags is its session's, which can be the foreign one's beside it.
        let refused = &verdict.fragments.refused;
        let has_untagged = call.untagged_tail || call.is(Oddity::LateName);
        let inherited = u64::from(has_untagged) * refused.foreign;
        let lost = refused.untagged + refused.conflicting + inherited + verdict.fragments.damaged;
        if lost == 0 {
            assert_eq!(told.bytes.came, came, "{side}: what came");
        } else {
            assert!(told.bytes.came <= came);
            assert!(told.bytes.came == came || verdict.status != Status::Complete);
        }
        assert_eq!(told.bytes.written, 2 * told.audio_samples);
        if verdict.status == Status::Complete {
            assert_eq!(told.bytes.left_out, 0);
            assert_eq!(told.bytes.written + told.bytes.repeated, came);
        }
        let file = &files[side.index()];
        assert_eq!(file.is_some(), told.audio_samples > 0, "{side}: a file");
        if let Some(file) = file
            && lost == 0
            && told.bytes.left_out == 0
            && told.bytes.repeated == 0
        {
            let written = without_silence(file, told);
            assert!(written == readable.concat(), "{side}: byte for byte");
        }
    }
    let has = |code: &str| verdict.reasons.iter().any(|reason| reason.code == code);
    assert_eq!(
        verdict.status == Status::Complete,
        verdict.reasons.is_empty()
    );
    let has_all_before = call.lose.is_empty() && call.missing.is_empty();
    let in_range = |number: &str| plan.claim.range.contains(parse(number));
    let mut fragments = call.fragments();
    let is_inside = fragments.any(|fragment| fragment.foreign && in_range(&fragment.number));
    if is_inside && has_all_before && verdict.fragments.own > 1 {
        assert!(
            has("foreign_inside") || has("unproven"),
            "{:?}",
            verdict.reasons
        );
    }
    if verdict.fragments.missing > 0 {
        let causes = verdict.sides.all().flat_map(|(_, side)| &side.gaps.list);
        let lost = causes.filter(|gap| gap.cause == GapCause::Lost);
        // A loss at an end, or where a wrong clock hides it, leaves no gap.
        assert!(lost.count() <= 2 * verdict.fragments.missing as usize);
    }
}

fn calls() -> impl Strategy<Value = SynthCall> {
    let flags = prop::array::uniform7(any::<bool>());
    let odd = prop::sample::subsequence(Oddity::ALL.to_vec(), 0..6);
    let lost = prop::collection::vec(0_usize..12, 0..3);
    let missing = prop::collection::vec(0_usize..12, 0..2);
    let hold = prop::option::of((0_u64..8_000, 1_u64..6_000));
    let rotate = prop::option::of(0_u64..12_000);
    (
        1_u64..14_000,
        flags,
        odd,
        lost,
        missing,
        hold,
        rotate,
        any::<u64>(),
    )
        .prop_map(
            |(millis, flags, odd, lose, missing, hold, rotate_at_millis, seed)| {
                let [
                    one_way,
                    swap_tracks,
                    reuse,
                    untagged_tail,
                    short_blocks,
                    rounding,
                    no_epoch,
                ] = flags;
                SynthCall {
                    millis,
                    holds: hold
                        .into_iter()
                        .map(|(at, length)| at..at + length)
                        .collect(),
                    one_way,
                    swap_tracks,
                    reuse,
                    untagged_tail,
                    short_blocks,
                    rounding,
                    no_epoch,
                    lose,
                    missing,
                    rotate_at_millis,
                    leg_before: odd
                        .contains(&Oddity::TwoContacts)
                        .then(|| "9d3e7a10-52f6-4b8c-8e71-06c4b2d9f5a3".to_owned()),
                    odd,
                    seed,
                    ..SynthCall::default()
                }
            },
        )
}

#[test]
fn each_oddity_by_itself() {
    for oddity in Oddity::ALL {
        for millis in [3_000, 12_000, 60_000] {
            let call = SynthCall {
                millis,
                odd: vec![oddity],
                leg_before: Some("9d3e7a10-52f6-4b8c-8e71-06c4b2d9f5a3".into()),
                ..SynthCall::default()
            };
            eprintln!("{oddity} {millis}");
            check(&call);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200),
    ) })]

    #[test]
    fn every_byte_is_written_or_told(call in calls()) {
        check(&call);
    }
}
