//! Where on a call's clock its fragments and blocks lie, before a single sample is made.
//! Everything is found by index, so a call of any length costs nothing to lay out.

mod odd;

use std::ops::Range;

use super::{SynthCall, mix};
use crate::media::fragment::Direction;

/// What a usual block lasts.
const BLOCK_MILLIS: u64 = 64;

/// What a usual fragment lasts: 17 blocks of each direction.
const FRAGMENT_MILLIS: u64 = 17 * BLOCK_MILLIS;

/// Samples in a millisecond.
const RATE: u64 = 8;

/// Samples of a usual block, and of the odd-sized ones of each direction.
pub(super) const BLOCK_SAMPLES: u64 = BLOCK_MILLIS * RATE;
const ODD_BLOCK_SAMPLES: [u64; 2] = [500, 508];

/// One block in this many is short, when blocks are to be short.
const SHORT_BLOCK_EVERY: u64 = 29;

/// How far Connect's clock ran ahead of the server's in a capture of 2024.
const PRODUCER_AHEAD_MILLIS: i64 = 966;

/// Where a clock that is no epoch starts.
const NO_EPOCH_MILLIS: u64 = 7;

/// The longest call that is laid out, some 30 years: no sum of times overflows.
const MAX_MILLIS: u64 = 1_000_000_000_000;

/// Fragment counters jump by this from one upload session to the next.
pub(super) const SESSION_COUNTERS: u64 = 1_000;

/// One caller's stay on the stream, laid out.
pub(super) struct Plan {
    pub call: SynthCall,
    pub foreign: bool,
    first_counter: u64,
    /// Where there is no media: on the block grid, in order, apart from each other.
    holds: Vec<Range<u64>>,
    /// The places on the fragment grid that hold media.
    kept: Vec<Kept>,
    /// The fragment that carries no tags.
    untagged: Option<u64>,
}

/// Neighbouring places on the fragment grid, all with media in them.
struct Kept {
    places: Range<u64>,
    first_index: u64,
}

/// A fragment before its audio is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlannedFragment {
    pub index: u64,
    /// Its place on the call's clock. Blocks need not fill it.
    pub millis: Range<u64>,
    /// How many upload sessions the caller had before.
    pub session: u64,
    pub counter: u64,
    pub server_millis: i64,
    /// On the clock of Cluster and PRODUCER_TIMESTAMP.
    pub clock_millis: u64,
    pub tagging: Tagging,
    pub fate: Fate,
}

/// Which tags a fragment carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tagging {
    Full,
    /// `ContactId` and its company stand only after the Cluster.
    AfterAudio,
    /// KVS's own, and none of Connect's.
    Unnamed,
    None,
}

/// What the reader of the stream gets in place of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Sent,
    /// An error document.
    Lost,
    /// Nothing.
    Missing,
}

/// A block before its audio is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlannedBlock {
    pub direction: Direction,
    /// On the call's clock.
    pub samples: Range<u64>,
}

impl PlannedBlock {
    /// The block's time, as Connect rounds it.
    pub(super) fn millis(&self) -> u64 {
        (self.samples.start + RATE / 2) / RATE
    }
}

impl Plan {
    /// Lays out one caller; the first fragment gets the number with `first_counter`.
    pub(super) fn new(mut call: SynthCall, foreign: bool, first_counter: u64) -> Self {
        call.millis = call.millis.min(MAX_MILLIS);
        call.late_to_millis = call.late_to_millis.min(MAX_MILLIS);
        let holds = merged(&call.holds, call.millis);
        let kept = places_kept(&holds, call.millis);
        let mut plan = Self {
            call,
            foreign,
            first_counter,
            holds,
            kept,
            untagged: None,
        };
        plan.untagged = plan.untagged_tail();
        plan
    }

    /// How many fragments Connect made of the call, lost and missing ones too.
    pub(super) fn count(&self) -> u64 {
        self.kept.last().map_or(0, |kept| {
            kept.first_index + kept.places.end - kept.places.start
        })
    }

    /// The counter after every one that this caller used.
    pub(super) fn next_counter(&self) -> u64 {
        let last = self.fragment(self.count().saturating_sub(1));
        last.counter + SESSION_COUNTERS
    }

    /// The fragment with this index. Indices past the end carry on after the last one.
    pub(super) fn fragment(&self, index: u64) -> PlannedFragment {
        let run = self.kept.partition_point(|kept| kept.first_index <= index);
        let place = match self.kept.get(run.saturating_sub(1)) {
            Some(kept) => kept.places.start + (index - kept.first_index),
            None => index,
        };
        let start = place * FRAGMENT_MILLIS;
        let session =
            u64::from(index > 0 && self.call.rotate_at_millis.is_some_and(|at| at <= start));
        let producer = self.call.start_epoch_millis.saturating_add_unsigned(start);
        PlannedFragment {
            index,
            millis: start..(start + FRAGMENT_MILLIS).min(self.call.millis).max(start),
            session,
            counter: self.first_counter
                + index
                + session * SESSION_COUNTERS
                + self.sent_before(index),
            server_millis: producer.saturating_sub(PRODUCER_AHEAD_MILLIS),
            clock_millis: self.clock_millis(index, start),
            tagging: match self.call.untagged_tail {
                true if self.untagged == Some(index) => Tagging::None,
                _ if self.is_unnamed(index) => Tagging::Unnamed,
                true => Tagging::AfterAudio,
                false => Tagging::Full,
            },
            fate: self.fate(index),
        }
    }

    /// All fragments, in order.
    pub(super) fn fragments(&self) -> impl Iterator<Item = PlannedFragment> {
        (0..self.count()).map(|index| self.fragment(index))
    }

    /// The blocks of a fragment in the order of its document: by time, then by track.
    pub(super) fn blocks(&self, fragment: &PlannedFragment) -> Vec<PlannedBlock> {
        let mut blocks = Vec::with_capacity(2 * (FRAGMENT_MILLIS / BLOCK_MILLIS) as usize + 4);
        for (_, direction) in self.tracks(fragment) {
            for media in self.media(direction, &fragment.millis) {
                self.cut_into_blocks(direction, media, &mut blocks);
            }
        }
        blocks.sort_by_key(PlannedBlock::millis);
        blocks
    }

    /// The tracks that a fragment declares, and their numbers. A caller with one direction
    /// declares one track; a new upload session numbers them the other way round.
    pub(super) fn tracks(&self, fragment: &PlannedFragment) -> Vec<(u8, Direction)> {
        let mut order = Direction::BOTH;
        if self.call.swap_tracks != (fragment.session % 2 == 1) {
            order.reverse();
        }
        (1..)
            .zip(order)
            .filter(|(_, direction)| !self.call.one_way || *direction == Direction::FromCustomer)
            .collect()
    }

    fn fate(&self, index: u64) -> Fate {
        let listed = |list: &[usize]| list.iter().any(|listed| *listed as u64 == index);
        if listed(&self.call.missing) {
            Fate::Missing
        } else if listed(&self.call.lose) {
            Fate::Lost
        } else {
            Fate::Sent
        }
    }

    /// The last fragment, when its upload session can be known from an earlier one that
    /// is there. A fragment without tags that stands alone is nobody's for good.
    fn untagged_tail(&self) -> Option<u64> {
        let tail = self
            .count()
            .checked_sub(1)
            .filter(|_| self.call.untagged_tail)?;
        let session = self.fragment(tail).session;
        let mut earlier = (0..tail).rev().map(|index| self.fragment(index));
        earlier
            .by_ref()
            .take_while(|fragment| fragment.session == session)
            .any(|fragment| fragment.fate == Fate::Sent)
            .then_some(tail)
    }

    /// The milliseconds within `place` for which a direction has audio.
    fn media(&self, direction: Direction, place: &Range<u64>) -> Vec<Range<u64>> {
        let begin = match direction {
            Direction::FromCustomer => 0,
            Direction::ToCustomer => self.call.late_to_millis,
        };
        let mut at = place.start.max(begin);
        let mut media = Vec::new();
        let first_hold = self.holds.partition_point(|hold| hold.end <= at);
        for hold in self.holds.iter().skip(first_hold) {
            if hold.start >= place.end {
                break;
            }
            media.push(at..hold.start);
            at = hold.end;
        }
        media.push(at..place.end);
        media.retain(|span| span.start < span.end);
        media
    }

    fn cut_into_blocks(
        &self,
        direction: Direction,
        media: Range<u64>,
        blocks: &mut Vec<PlannedBlock>,
    ) {
        let size = match self.call.rounding {
            true => ODD_BLOCK_SAMPLES[direction.index()],
            false => BLOCK_SAMPLES,
        };
        let (mut at, end) = (media.start * RATE, media.end * RATE);
        while at < end {
            let next = (at + size).min(end);
            let mut samples = at..next;
            if self.is_short(direction, &samples, size) {
                samples.end = at + size / 2;
            }
            blocks.push(PlannedBlock { direction, samples });
            at = next;
        }
    }

    /// A block is only cut short when the next one starts on a whole millisecond: the
    /// silence between them then has one true length, whatever rounding does.
    fn is_short(&self, direction: Direction, samples: &Range<u64>, size: u64) -> bool {
        let phase = mix(self.call.seed, 0x0bad_b10c + direction.index() as u64);
        let slot = samples.start / BLOCK_SAMPLES;
        self.call.short_blocks
            && samples.end - samples.start == size
            && samples.end.is_multiple_of(RATE)
            && (slot + phase % SHORT_BLOCK_EVERY).is_multiple_of(SHORT_BLOCK_EVERY)
    }
}

/// Holds widened to the block grid, cut to the call, in order and apart.
fn merged(holds: &[Range<u64>], millis: u64) -> Vec<Range<u64>> {
    let mut holds: Vec<_> = (holds.iter())
        .map(|hold| {
            let start = hold.start / BLOCK_MILLIS * BLOCK_MILLIS;
            let end = hold.end.div_ceil(BLOCK_MILLIS).saturating_mul(BLOCK_MILLIS);
            start..end.min(millis)
        })
        .filter(|hold| hold.start < hold.end)
        .collect();
    holds.sort_by_key(|hold| hold.start);
    let mut apart: Vec<Range<u64>> = Vec::with_capacity(holds.len());
    for hold in holds {
        match apart.last_mut() {
            Some(last) if hold.start <= last.end => last.end = last.end.max(hold.end),
            _ => apart.push(hold),
        }
    }
    apart
}

/// The places on the fragment grid that are not wholly within a hold. The grid does not
/// move: after a hold a Cluster may stand well before its first block.
fn places_kept(holds: &[Range<u64>], millis: u64) -> Vec<Kept> {
    let places = millis.div_ceil(FRAGMENT_MILLIS);
    let mut kept: Vec<Kept> = Vec::new();
    let (mut at, mut index) = (0, 0);
    let mut keep = |places: Range<u64>| {
        if places.start < places.end {
            let first_index = index;
            index += places.end - places.start;
            kept.push(Kept {
                places,
                first_index,
            });
        }
    };
    for hold in holds {
        let first = hold.start.div_ceil(FRAGMENT_MILLIS);
        let end = match hold.end >= millis {
            true => places,
            false => hold.end / FRAGMENT_MILLIS,
        };
        if first < end {
            keep(at..first);
            at = end;
        }
    }
    keep(at..places);
    kept
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)] // One hold is one range in a list.
mod tests {
    use super::*;

    fn plan(call: SynthCall) -> Plan {
        Plan::new(call, false, 1)
    }

    #[test]
    fn holds_snap_to_the_grid_and_merge() {
        #[track_caller]
        fn check(holds: &[Range<u64>], expected: &[Range<u64>]) {
            assert_eq!(merged(holds, 10_000), expected);
        }
        check(&[], &[]);
        check(&[100..200], &[64..256]);
        check(&[1_000..1_010, 100..200], &[64..256, 960..1_024]);
        check(&[100..200, 256..300], &[64..320]);
        check(&[100..2_000, 200..300], &[64..2_048]);
        check(&[9_999..20_000, 30_000..40_000], &[9_984..10_000]);
        check(&[5..5], &[0..64]);
        #[allow(clippy::reversed_empty_ranges)]
        check(&[500..100], &[]);
        check(&[0..u64::MAX], &[0..10_000]);
    }

    #[test]
    fn wholly_held_fragments_are_not_made() {
        #[track_caller]
        fn check(holds: Vec<Range<u64>>, millis: u64, starts: &[u64]) {
            let plan = plan(SynthCall {
                millis,
                holds,
                ..SynthCall::default()
            });
            let found: Vec<_> = plan.fragments().map(|f| f.millis.start / 1_088).collect();
            assert_eq!(found, starts);
            for fragment in plan.fragments() {
                assert!(!plan.blocks(&fragment).is_empty(), "{fragment:?}");
            }
        }
        check(vec![], 0, &[]);
        check(vec![], 1, &[0]);
        check(vec![], 5_000, &[0, 1, 2, 3, 4]);
        check(vec![1_000..3_000], 5_000, &[0, 2, 3, 4]);
        check(vec![0..1_088], 5_000, &[1, 2, 3, 4]);
        check(vec![0..1_087, 1_152..2_000], 5_000, &[1, 2, 3, 4]);
        check(vec![4_300..9_000], 5_000, &[0, 1, 2, 3]);
        check(vec![4_420..9_000], 5_000, &[0, 1, 2, 3, 4]);
        check(vec![0..9_000], 5_000, &[]);
    }

    #[test]
    fn blocks_cover_the_media_in_order() {
        for (rounding, late_to_millis) in [(false, 0), (true, 0), (false, 3_210), (true, 1_100)] {
            let plan = plan(SynthCall {
                millis: 9_001,
                rounding,
                late_to_millis,
                ..SynthCall::default()
            });
            let mut ends = [0, late_to_millis * RATE];
            for fragment in plan.fragments() {
                let blocks = plan.blocks(&fragment);
                assert!(blocks.is_sorted_by_key(PlannedBlock::millis));
                for block in blocks {
                    let end = &mut ends[block.direction.index()];
                    assert_eq!(block.samples.start, *end);
                    *end = block.samples.end;
                    assert!(block.millis().abs_diff(*end / RATE) <= 64);
                }
            }
            assert_eq!(ends, [72_008, 72_008]);
        }
    }

    #[test]
    fn a_short_block_leaves_silence_of_whole_milliseconds() {
        for rounding in [false, true] {
            let plan = plan(SynthCall {
                millis: 20_000,
                rounding,
                short_blocks: true,
                ..SynthCall::default()
            });
            let blocks: Vec<_> = plan.fragments().flat_map(|f| plan.blocks(&f)).collect();
            for direction in Direction::BOTH {
                let ours: Vec<_> = blocks.iter().filter(|b| b.direction == direction).collect();
                let gaps: Vec<_> = (ours.windows(2))
                    .filter(|pair| pair[0].samples.end != pair[1].samples.start)
                    .collect();
                assert!(gaps.len() >= 3, "{} gaps", gaps.len());
                for pair in gaps {
                    // Beyond any tolerance for rounding, and exact.
                    assert!(pair[1].samples.start - pair[0].samples.end >= 250);
                    assert_eq!(pair[1].samples.start, pair[1].millis() * RATE);
                }
            }
        }
    }

    #[test]
    fn a_lone_tail_keeps_its_tags() {
        #[track_caller]
        fn check(call: SynthCall, tagging: Tagging) {
            let plan = plan(SynthCall {
                untagged_tail: true,
                millis: 5_000,
                ..call
            });
            assert_eq!(plan.fragment(4).tagging, tagging);
            assert_eq!(plan.fragment(0).tagging, Tagging::AfterAudio);
        }
        let plain = SynthCall::default();
        check(plain.clone(), Tagging::None);
        check(
            SynthCall {
                rotate_at_millis: Some(3_000),
                ..plain.clone()
            },
            Tagging::None,
        );
        check(
            SynthCall {
                rotate_at_millis: Some(4_000),
                ..plain.clone()
            },
            Tagging::AfterAudio,
        );
        check(
            SynthCall {
                lose: vec![1, 3],
                missing: vec![2],
                ..plain.clone()
            },
            Tagging::None,
        );
        check(
            SynthCall {
                lose: vec![0, 1, 2, 3],
                ..plain
            },
            Tagging::AfterAudio,
        );
    }
}
