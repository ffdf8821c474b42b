//! Calls named by their oddity, as lists of blocks, and the samples that must come out.

use super::*;
use crate::media::fragment::SegmentUid;
use crate::media::ticks::EpochMillis;
use bytes::Bytes;
use proptest::prelude::*;

const EPOCH: i64 = 1_760_000_000_000;

/// One block: `f` or `t`, its time in ms, how many samples, and the value of the first;
/// the others count up from it.
type B = (char, i64, u64, i16);

fn block((direction, millis, samples, first): B) -> Block {
    let pcm: Vec<u8> = (0..samples)
        .flat_map(|n| (first + n as i16).to_le_bytes())
        .collect();
    Block {
        direction: if direction == 'f' {
            Direction::FromCustomer
        } else {
            Direction::ToCustomer
        },
        start: MediaTime::from_matroska(millis as u64, 0, 1_000_000).unwrap(),
        pcm: Bytes::from(pcm),
    }
}

fn fragment(blocks: &[B]) -> Fragment {
    Fragment {
        blocks: blocks.iter().copied().map(block).collect(),
        ..Fragment::default()
    }
}

/// A fragment of a session, with the server's time.
fn session(session: u8, server: i64, blocks: &[B]) -> Fragment {
    Fragment {
        session: Some(SegmentUid([session; 16])),
        server_time: Some(EpochMillis(EPOCH + server)),
        ..fragment(blocks)
    }
}

struct Outcome {
    from: Vec<i16>,
    to: Vec<i16>,
    report: TimelineReport,
}

fn run(fragments: Vec<Fragment>) -> Outcome {
    let mut timeline = Timeline::new();
    let (mut from, mut to) = (Vec::new(), Vec::new());
    let mut drain = |timeline: &mut Timeline| {
        while let Some(frames) = timeline.next_frames() {
            assert_eq!(frames.from.len(), frames.to.len());
            from.extend_from_slice(frames.from);
            to.extend_from_slice(frames.to);
        }
    };
    for fragment in fragments {
        timeline.push(fragment);
        drain(&mut timeline);
    }
    timeline.finish();
    drain(&mut timeline);
    let report = timeline.into_report();
    assert_eq!(
        (from.len() as u64, to.len() as u64),
        (report.samples, report.samples)
    );
    for (lane, samples) in report.lanes.iter().zip([&from, &to]) {
        assert_eq!(
            lane.audio_samples + lane.silence_samples,
            samples.len() as u64
        );
    }
    Outcome { from, to, report }
}

/// Audio counting up from `first`, and silence, as a short text: `5..13 0x8`.
fn shape(samples: &[i16]) -> String {
    let mut shape: Vec<String> = Vec::new();
    let mut rest = samples;
    while let Some(first) = rest.first() {
        let length = if *first == 0 {
            rest.iter().take_while(|sample| **sample == 0).count()
        } else {
            (0..rest.len())
                .take_while(|n| i64::from(rest[*n]) == i64::from(*first) + *n as i64)
                .count()
        };
        shape.push(match first {
            0 => format!("0x{length}"),
            _ => format!("{first}..{}", i64::from(*first) + length as i64),
        });
        rest = &rest[length..];
    }
    shape.join(" ")
}

#[track_caller]
fn check(fragments: Vec<Fragment>, from: &str, to: &str) -> TimelineReport {
    let outcome = run(fragments);
    assert_eq!(
        (shape(&outcome.from).as_str(), shape(&outcome.to).as_str()),
        (from, to)
    );
    outcome.report
}

#[test]
fn both_sides_start_and_end_together() {
    let report = check(
        vec![fragment(&[
            ('f', 1_000, 80, 100),
            ('t', 1_000, 80, 500),
            ('f', 1_010, 80, 180),
        ])],
        "100..260",
        "500..580 0x80",
    );
    assert_eq!((report.samples, report.lanes[0].blocks), (160, 2));
    assert_eq!(report.lanes[0].gaps.count + report.lanes[1].gaps.count, 0);
}

#[test]
fn no_audio_is_no_samples() {
    let report = check(vec![fragment(&[]), fragment(&[])], "", "");
    assert_eq!(report.origin, None);
}

#[test]
fn rounded_block_times_stay_contiguous() {
    // 62.5 ms blocks, times rounded to the ms and then shaken by up to 2 ms.
    let blocks: Vec<B> = (0..40)
        .map(|n| {
            (
                'f',
                5_000 + (n * 125 + 1) / 2 + [0, 2, -2, 1][n as usize % 4],
                500,
                1 + n as i16 * 500,
            )
        })
        .collect();
    let report = check(vec![fragment(&blocks)], "1..20001", "0x20000");
    assert_eq!(report.lanes[0].gaps.count, 0);
    assert_eq!(
        (report.lanes[0].drift.earliest, report.lanes[0].drift.latest),
        (-16, 20)
    );
}

#[test]
fn a_late_side_starts_with_silence_and_that_is_no_gap() {
    let report = check(
        vec![
            fragment(&[('f', 0, 80, 1)]),
            fragment(&[('f', 10, 80, 81), ('t', 15, 40, 500)]),
        ],
        "1..161",
        "0x120 500..540",
    );
    assert_eq!(report.lanes[1].starts_at, Some(120));
    assert_eq!(report.lanes[1].gaps.count, 0);
}

#[test]
fn the_earlier_side_sets_the_origin_even_when_it_comes_later() {
    check(
        vec![
            fragment(&[('f', 100, 80, 1)]),
            fragment(&[('t', 50, 80, 500)]),
        ],
        "0x400 1..81",
        "500..580 0x400",
    );
}

#[test]
fn holds_and_short_blocks_are_silence_of_their_true_length() {
    let report = check(
        vec![
            fragment(&[
                ('f', 0, 512, 1),
                ('f', 64, 256, 513),
                ('f', 128, 512, 1_000),
                ('t', 0, 512, 2_000),
            ]),
            fragment(&[('f', 3_192, 8, 5_000)]),
        ],
        "1..769 0x256 1000..1512 0x24000 5000..5008",
        "2000..2512 0x25032",
    );
    let gaps = &report.lanes[0].gaps;
    assert_eq!(
        gaps.listed,
        [
            Span {
                at: 768,
                samples: 256
            },
            Span {
                at: 1_536,
                samples: 24_000
            }
        ]
    );
    assert_eq!(
        report.lanes[1].gaps.count, 0,
        "silence behind the last audio is no gap"
    );
}

#[test]
fn what_came_twice_is_cut() {
    let report = check(
        vec![
            fragment(&[('f', 0, 800, 1)]),
            fragment(&[('f', 0, 800, 1)]),
            fragment(&[('f', 50, 800, 401), ('f', 151, 8, 1_201)]),
        ],
        "1..1209",
        "0x1208",
    );
    let overlaps = &report.lanes[0].overlaps;
    assert_eq!(
        overlaps.listed,
        [
            Span {
                at: 0,
                samples: 800
            },
            Span {
                at: 400,
                samples: 400
            }
        ]
    );
}

#[test]
fn blocks_out_of_order_within_a_fragment_are_sorted() {
    check(
        vec![fragment(&[('f', 64, 512, 513), ('f', 0, 512, 1)])],
        "1..1025",
        "0x1024",
    );
}

#[test]
fn a_side_that_trails_beyond_the_window_is_settled_as_silence() {
    let mut fragments = vec![fragment(&[('f', 0, 8_000, 1), ('t', 0, 8, 500)])];
    fragments.extend((1..60).map(|s| fragment(&[('f', s * 1_000, 8_000, 1)])));
    // Comes 30 s too late to be placed, and then in time.
    fragments.push(fragment(&[('t', 10_000, 8, 600), ('t', 59_999, 8, 700)]));
    let outcome = run(fragments);
    assert_eq!(
        shape(&outcome.to),
        "500..508 0x319992 600..608 0x159984 700..708"
    );
    let to = &outcome.report.lanes[1];
    assert_eq!(
        to.displaced.listed,
        [Span {
            at: 80_000,
            samples: 8
        }]
    );
    assert_eq!((to.overlaps.count, outcome.report.clock_breaks), (0, 0));
    assert_eq!(
        to.gaps.listed,
        [
            Span {
                at: 8,
                samples: 319_992
            },
            Span {
                at: 320_008,
                samples: 159_984
            }
        ]
    );
}

/// `count` fragments of 250 ms of both sides from `first` on, `clock` ms off on the media
/// clock, the server 250 ms apart; values tell each from every other.
fn quarters(session_id: u8, first: i64, count: i64, clock: i64) -> Vec<Fragment> {
    (first..first + count)
        .map(|n| {
            let (at, value) = (EPOCH + n * 250 + clock, n as i16 * 2_000 + 1);
            session(
                session_id,
                n * 250,
                &[('f', at, 2_000, value), ('t', at, 2_000, value + TO)],
            )
        })
        .collect()
}

/// What is added to the values of the side to the customer.
const TO: i16 = -32_000;

/// What [`quarters`] wrote, from one of them up to another.
fn written(quarters: std::ops::Range<i64>, add: i16) -> String {
    let value = |n: i64| n * 2_000 + 1 + i64::from(add);
    format!("{}..{}", value(quarters.start), value(quarters.end))
}

#[test]
fn a_clock_that_goes_wrong_costs_no_audio() {
    /// Ten fragments, of which the last five are `clock` ms off.
    #[track_caller]
    fn check_step(later_session: u8, clock: i64) {
        let mut fragments = quarters(1, 0, 5, 0);
        fragments.extend(quarters(later_session, 5, 5, clock));
        let report = check(fragments, &written(0..10, 0), &written(0..10, TO));
        assert_eq!(report.clock_breaks, 1, "{clock} ms");
        let lane = &report.lanes[0];
        assert_eq!((lane.overlaps.count, lane.gaps.count), (0, 0));
    }
    for later_session in [1, 2] {
        for back in [100, 2_000, 30_000, 3_600_000, EPOCH] {
            check_step(later_session, -back);
        }
        for leap in [2_000, 30_000, 3_600_000, 400 * 24 * 3_600_000] {
            check_step(later_session, leap);
        }
    }
}

#[test]
fn a_clock_that_stands_still_costs_no_audio() {
    let fragments = (0..8).flat_map(|n| quarters(1, n, 1, -n * 250)).collect();
    let report = check(fragments, &written(0..8, 0), &written(0..8, TO));
    assert_eq!(report.clock_breaks, 7);
    // Inside of a fragment, too: every block has the time of its Cluster.
    let blocks: Vec<B> = (0..16)
        .flat_map(|n| [('f', 0, 512, 1 + n * 512), ('t', 0, 512, 1 + n * 512)])
        .collect();
    let report = check(
        vec![fragment(&blocks), fragment(&[('f', 1_024, 8, 8_193)])],
        "1..8201",
        "1..8193 0x8",
    );
    assert_eq!(report.clock_breaks, 0);
}

#[test]
fn a_step_back_inside_a_fragment_costs_no_audio() {
    let report = check(
        vec![
            fragment(&[
                ('f', 10_000, 800, 1),
                ('f', 7_000, 800, 801),
                ('f', 7_100, 800, 1_601),
            ]),
            fragment(&[('f', 7_200, 800, 2_401)]),
        ],
        "1..3201",
        "0x3200",
    );
    assert_eq!(report.lanes[0].overlaps.count, 0);
}

#[test]
fn a_session_sent_twice_is_written_once() {
    let mut fragments = quarters(1, 0, 6, 0);
    // The last two again, by a new session, later; cut otherwise, and 3 ms off.
    let (four, five) = (EPOCH + 1_003, EPOCH + 1_253);
    fragments.push(session(
        2,
        9_000,
        &[
            ('f', four, 800, 8_001),
            ('f', four + 100, 1_200, 8_801),
            ('t', four, 2_000, 8_001 + TO),
        ],
    ));
    fragments.push(session(
        2,
        9_100,
        &[('f', five, 2_000, 10_001), ('t', five, 2_000, 10_001 + TO)],
    ));
    fragments.extend(quarters(2, 6, 2, 0));
    let report = check(fragments, &written(0..8, 0), &written(0..8, TO));
    assert_eq!(report.clock_breaks, 0);
    assert_eq!(report.lanes[0].overlaps.samples, 4_000);
}

#[test]
fn a_tone_that_sounds_the_same_at_every_time_is_no_repetition() {
    // A tone of 1 kHz: 8 samples, over and over.
    let tone = |n: i64, at: i64| {
        let pcm: Vec<u8> = (0..2_000)
            .flat_map(|n| {
                [0, 7_071, 10_000, 7_071, 0, -7_071, -10_000, -7_071_i16][n % 8].to_le_bytes()
            })
            .collect();
        let mut tone = session(1, n * 250, &[('f', EPOCH + at, 0, 0)]);
        tone.blocks[0].pcm = Bytes::from(pcm);
        tone
    };
    let steps_back = (0..10).map(|n| tone(n, if n < 5 { n * 250 } else { n * 250 - 750 }));
    let outcome = run(steps_back.collect());
    assert_eq!(outcome.report.lanes[0].audio_samples, 20_000);
    assert_eq!(outcome.report.lanes[0].overlaps.count, 0);
}

#[test]
fn a_hold_that_the_server_saw_stays_a_hold_and_an_upload_that_catches_up_is_no_leap() {
    #[track_caller]
    fn check_gap(fragments: Vec<Fragment>, silence: &str, gap: std::ops::Range<i64>, end: i64) {
        let side = |add| {
            format!(
                "{} {silence} {}",
                written(0..gap.start, add),
                written(gap.end..end, add)
            )
        };
        assert_eq!(check(fragments, &side(0), &side(TO)).clock_breaks, 0);
    }
    let mut held = quarters(1, 0, 6, 0);
    held.extend(quarters(1, 10, 2, 0).into_iter().map(|mut later| {
        later.server_time = later.server_time.map(|time| EpochMillis(time.0 + 19_000));
        later
            .blocks
            .iter_mut()
            .for_each(|block| block.start = block.start.moved_by(19_000 * 8));
        later
    }));
    check_gap(held, "0x160000", 6..10, 12);
    // 8 s late, then all at once, two of them lost on the way.
    let mut late = quarters(1, 0, 14, 0);
    for (n, fragment) in late.iter_mut().enumerate().skip(5) {
        fragment.server_time = Some(EpochMillis(EPOCH + 9_000 + n as i64 * 50));
    }
    late.drain(8..10);
    check_gap(late, "0x4000", 8..10, 14);
}

#[test]
fn samples_cut_between_two_blocks_are_put_together() {
    fn bytes(millis: i64, pcm: &[u8]) -> Block {
        Block {
            pcm: Bytes::copy_from_slice(pcm),
            ..block(('f', millis, 0, 0))
        }
    }
    #[track_caller]
    fn check_cut(blocks: Vec<Block>, expected: &str, halves: u64) {
        let odd = Fragment {
            blocks,
            ..Fragment::default()
        };
        let outcome = run(vec![odd]);
        assert_eq!(shape(&outcome.from), expected);
        assert_eq!(outcome.report.lanes[0].halves, halves);
    }
    let whole: Vec<u8> = (1..1_001_i16).flat_map(|n| n.to_le_bytes()).collect();
    let (a, b) = whole.split_at(511);
    let (b, c) = b.split_at(512);
    check_cut(vec![bytes(0, a), bytes(32, b), bytes(64, c)], "1..1001", 0);
    // A byte was lost: what follows is not turned into noise.
    check_cut(
        vec![bytes(0, a), bytes(32, &whole[512..])],
        "1..256 257..1001",
        1,
    );
    // The other half never came.
    check_cut(
        vec![bytes(0, a), bytes(500, &whole[512..])],
        "1..256 0x3745 257..1001",
        1,
    );
    check_cut(vec![bytes(0, a)], "1..256", 1);
}

#[test]
fn a_long_hold_costs_no_memory() {
    let mut timeline = Timeline::new();
    timeline.push(session(0, 0, &[('f', 0, 8, 1), ('t', 0, 8, 1)]));
    timeline.push(session(0, 12 * 3_600_000, &[('f', 12 * 3_600_000, 8, 1)]));
    timeline.finish();
    let mut samples = 0;
    while let Some(frames) = timeline.next_frames() {
        samples += frames.from.len();
    }
    assert_eq!(samples, 12 * 3_600 * 8_000 + 8);
}

#[test]
fn a_renumbered_session_on_the_same_clock_goes_on() {
    let report = check(
        vec![
            session(1, 0, &[('f', EPOCH, 80, 1)]),
            session(2, 900, &[('f', EPOCH + 11, 80, 81)]),
        ],
        "1..161",
        "0x160",
    );
    assert_eq!(report.clock_breaks, 0);
}

#[test]
fn a_new_session_of_a_clock_without_epoch_is_placed_by_the_server() {
    let first: Vec<B> = (0..10)
        .map(|n| ('f', 7_000 + n * 100, 800, 1 + n as i16 * 800))
        .collect();
    // Joins within the jitter of server times; then three seconds pass unheard.
    let report = check(
        vec![
            session(1, 1_000, &first),
            session(2, 2_030, &[('f', 0, 800, 8_001)]),
            session(3, 5_130, &[('f', 0, 80, 20_000)]),
        ],
        "1..8801 0x24000 20000..20080",
        "0x32880",
    );
    assert_eq!(report.clock_breaks, 2);
    // Without server times a new session joins on.
    check(
        vec![
            session(1, 0, &first),
            Fragment {
                session: Some(SegmentUid([9; 16])),
                ..fragment(&[('f', 0, 8, 8_001)])
            },
        ],
        "1..8009",
        "0x8008",
    );
}

#[test]
fn a_jump_that_the_server_did_not_see_is_a_break_and_a_late_upload_is_none() {
    let report = check(
        vec![
            session(1, 0, &[('f', EPOCH, 800, 1)]),
            session(1, 100, &[('f', EPOCH + 5 * 3_600_000, 800, 801)]),
            session(1, 200, &[('f', EPOCH + 5 * 3_600_000 + 100, 800, 1_601)]),
        ],
        "1..2401",
        "0x2400",
    );
    assert_eq!(report.clock_breaks, 1);
    let late = vec![
        session(1, 0, &[('f', EPOCH, 800, 1)]),
        session(1, 120_000, &[('f', EPOCH + 100, 800, 801)]),
    ];
    assert_eq!(check(late, "1..1601", "0x1600").clock_breaks, 0);
}

#[test]
fn length_is_bounded() {
    let report = check(
        vec![
            session(1, 0, &[('f', 0, 8, 1)]),
            session(1, 40 * 3_600_000, &[('f', 40 * 3_600_000, 8, 1)]),
        ],
        "1..9",
        "0x8",
    );
    assert_eq!(report.beyond_limit, [16, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Silence and audio make the length (asserted by `run`), nothing panics, and audio
    /// is written, or the very same that stands there, or beyond the longest recording.
    #[test]
    fn every_sample_is_accounted_for(
        blocks in prop::collection::vec((any::<bool>(), 0_i64..90_000, 1_u64..900), 1..60),
        cuts in prop::collection::vec(1_usize..8, 1..20),
    ) {
        let blocks: Vec<B> =
            blocks.into_iter().map(|(from, at, samples)| (if from { 'f' } else { 't' }, at, samples, 1)).collect();
        let mut rest = &blocks[..];
        let mut fragments = Vec::new();
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            fragments.push(fragment(now));
            rest = later;
            if rest.is_empty() { break }
        }
        let given: u64 = blocks.iter().map(|block| block.2).sum();
        let report = run(fragments).report;
        let written: u64 = report.lanes.iter().map(|lane| lane.audio_samples + lane.overlaps.samples).sum();
        prop_assert_eq!(written + report.beyond_limit.iter().sum::<u64>() / 2, given);
    }
}
