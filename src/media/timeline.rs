//! Fragments of one recording, in order, to samples of both directions on one grid.
//!
//! The grid starts at the recording's first block of either direction, so second 60 of
//! every file is second 60 of the call. Inside a run samples follow each other without
//! regard to the rounding of block times; only a block that is off by more than
//! [`TOLERANCE`] moves the clock: a late one leaves silence. An early one is cut only where
//! the very same bytes are written already; other bytes follow what is written, and the
//! clock is set anew. All files of a recording have the same length. What was refused, and why:
//! `docs/time.md`.
//!
//! Nothing here waits or does I/O. [`Timeline::push`] takes a fragment,
//! [`Timeline::next_frames`] gives what is settled, and no more than [`WINDOW`] is held
//! whatever the call's length. Damage is data: this module has no error.

mod clock;
mod lane;
mod recent;
mod report;

pub use report::{Drift, LaneReport, MAX_LISTED, Span, Spans, TimelineReport};

use crate::media::fragment::{Block, Direction, Fragment};
use crate::media::ticks::{MediaTime, samples_in_millis};
use clock::Clock;
use lane::{Fit, Lane};

/// How far, in samples, a block's time may lie from its place in the run before the
/// clock is set anew: 20 ms.
pub const TOLERANCE: i64 = samples_in_millis(20);
/// How far, in samples, one direction may trail the other before its silence is
/// settled: 20 s, longer than the longest fragment of KVS.
pub const WINDOW: i64 = samples_in_millis(20_000);
/// The longest recording, in samples: 36 hours, which fills a stereo WAV file.
pub const MAX_SAMPLES: i64 = samples_in_millis(36 * 3_600 * 1_000);
/// The longest gap, in samples, between blocks that were shuffled: 250 ms. A short block
/// leaves some 50 ms.
const MAX_GAP_IN_RUN: i64 = samples_in_millis(250);
/// A sample that was cut between two blocks is put together unless the audio behind it
/// is so many times rougher with it than without.
const MAX_JOIN_ROUGHNESS: u64 = 2;
/// The most samples of each direction that [`Timeline::next_frames`] gives at once.
pub const FRAMES_AT_ONCE: usize = 4_096;

/// Settled samples of both directions: the same stretch of the call, the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames<'a> {
    /// What the customer says.
    pub from: &'a [i16],
    /// What the customer hears.
    pub to: &'a [i16],
}

/// One recording's clock and what is not yet settled on it.
#[derive(Debug)]
pub struct Timeline {
    lanes: [Lane; 2],
    clock: Clock,
    /// The recording's first sample, once nothing earlier can come.
    origin: Option<MediaTime>,
    emitted: u64,
    /// Bytes of each direction.
    beyond_limit: [u64; 2],
    scratch: [Box<[i16]>; 2],
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Timeline {
    /// An empty timeline.
    pub fn new() -> Self {
        Self {
            lanes: [Lane::default(), Lane::default()],
            clock: Clock::default(),
            origin: None,
            emitted: 0,
            beyond_limit: [0; 2],
            scratch: [
                vec![0; FRAMES_AT_ONCE].into(),
                vec![0; FRAMES_AT_ONCE].into(),
            ],
        }
    }

    /// Takes the next fragment; fragments come in the order of their numbers.
    pub fn push(&mut self, mut fragment: Fragment) {
        put_in_order(&mut fragment.blocks);
        let fits = self.fit(&fragment.blocks, self.clock.shift());
        let end = self.end();
        let shift = self.clock.shift_for(&fragment, end, fits);
        for block in fragment.blocks {
            self.place(block, shift);
        }
        self.settle();
    }

    /// No fragment follows: everything is settled, and both directions end together.
    pub fn finish(&mut self) {
        self.fix_origin();
        if let Some(end) = self.end() {
            self.lanes.iter_mut().for_each(|lane| lane.pad_to(end));
        }
    }

    /// The next settled samples, at most [`FRAMES_AT_ONCE`] of each direction.
    pub fn next_frames(&mut self) -> Option<Frames<'_>> {
        self.origin?;
        let queued = self.lanes.iter().map(Lane::queued).min().unwrap_or(0);
        let count = usize::try_from(queued)
            .unwrap_or(usize::MAX)
            .min(FRAMES_AT_ONCE);
        if count == 0 {
            return None;
        }
        for (lane, scratch) in self.lanes.iter_mut().zip(&mut self.scratch) {
            lane.drain_into(&mut scratch[..count]);
        }
        self.emitted += count as u64;
        let [from, to] = &self.scratch;
        Some(Frames {
            from: &from[..count],
            to: &to[..count],
        })
    }

    /// What was found. Call it when [`next_frames`](Self::next_frames) has no more.
    pub fn into_report(self) -> TimelineReport {
        let origin = self.origin;
        TimelineReport {
            origin,
            samples: self.emitted,
            lanes: self.lanes.map(|lane| lane.into_report(origin)),
            clock_breaks: self.clock.breaks,
            beyond_limit: self.beyond_limit,
        }
    }

    /// How far the recording reaches so far, on its own clock; `None` before any audio.
    pub fn reached(&self) -> Option<MediaTime> {
        self.end()
    }

    /// How a fragment's blocks fit behind what each direction has, their times moved by
    /// `shift`: the worst of each direction up to the first that follows.
    fn fit(&self, blocks: &[Block], shift: i64) -> [Option<Fit>; 2] {
        Direction::BOTH.map(|side| {
            let lane = &self.lanes[side.index()];
            let of_side = || blocks.iter().filter(|block| block.direction == side);
            let mut worst = None;
            for block in of_side() {
                let fit = lane.fit(block.start.moved_by(shift), &block.pcm);
                worst = worst.max(Some(fit));
                if fit == Fit::Follows {
                    break;
                }
            }
            // Blocks that others follow after a while are stragglers of a clock that is right.
            let audio: u64 = of_side().map(Block::samples).sum();
            let reach = of_side().last().zip(lane.end()).map(|(last, end)| {
                let behind = last.start.moved_by(shift).samples_since(end);
                behind.saturating_add_unsigned(last.samples())
            });
            match reach {
                Some(reach) if reach > TOLERANCE.saturating_add_unsigned(audio) => {
                    Some(Fit::Follows)
                }
                _ => worst,
            }
        })
    }

    /// Where the audio so far ends, in either direction.
    fn end(&self) -> Option<MediaTime> {
        self.lanes.iter().filter_map(Lane::end).max()
    }

    fn place(&mut self, block: Block, shift: i64) {
        let start = block.start.moved_by(shift);
        let first = self
            .origin
            .or_else(|| self.lanes.iter().filter_map(Lane::start).min())
            .unwrap_or(start);
        let lane = &mut self.lanes[block.direction.index()];
        let reach = start
            .samples_since(first)
            .saturating_add_unsigned(block.samples());
        if reach > MAX_SAMPLES {
            self.beyond_limit[block.direction.index()] += block.pcm.len() as u64;
        } else if self.origin.is_none() && reach < -WINDOW {
            // Far before what came first: the clock is wrong, and the audio is not lost.
            lane.append_displaced(first, block.pcm);
        } else {
            lane.append(start, block.pcm);
        }
    }

    /// Fixes the origin when no earlier block can come, and the silence of a direction
    /// that trails by more than the window.
    fn settle(&mut self) {
        let trailing = Direction::BOTH.map(|direction| {
            let other = &self.lanes[1 - direction.index()];
            let lane = &self.lanes[direction.index()];
            let until = lane.end().or_else(|| other.start());
            match (other.end(), until) {
                (Some(end), Some(until)) if end.samples_since(until) > WINDOW => {
                    Some(end.moved_by(-WINDOW))
                }
                _ => None,
            }
        });
        let started = self.lanes.iter().all(|lane| lane.start().is_some());
        if started || trailing.iter().any(Option::is_some) {
            self.fix_origin();
        }
        for (lane, settled) in self.lanes.iter_mut().zip(trailing) {
            if let Some(settled) = settled {
                lane.pad_to(settled);
            }
        }
    }

    fn fix_origin(&mut self) {
        if self.origin.is_none() {
            self.origin = self.lanes.iter().filter_map(Lane::start).min();
            if let Some(origin) = self.origin {
                self.lanes.iter_mut().for_each(|lane| lane.open_at(origin));
            }
        }
    }
}

/// Puts the blocks of each direction in the order of their times, if that makes a run of
/// them; if it does not, their clock is wrong, and they stay in the order of the document.
fn put_in_order(blocks: &mut Vec<Block>) {
    if Direction::BOTH
        .iter()
        .all(|side| is_in_order(blocks, *side))
    {
        return;
    }
    let mut sorted = blocks.clone();
    sorted.sort_by_key(|block| block.start);
    if Direction::BOTH.iter().all(|side| is_a_run(&sorted, *side)) {
        *blocks = sorted;
    }
}

fn is_in_order(blocks: &[Block], side: Direction) -> bool {
    let of_side = blocks.iter().filter(|block| block.direction == side);
    of_side.map(|block| block.start).is_sorted()
}

fn is_a_run(sorted: &[Block], side: Direction) -> bool {
    let mut end: Option<MediaTime> = None;
    let mut of_side = sorted.iter().filter(|block| block.direction == side);
    of_side.all(|block| {
        let before = end.replace(block.start.moved_by(block.samples().cast_signed()));
        before.is_none_or(|before| {
            (-TOLERANCE..=MAX_GAP_IN_RUN).contains(&block.start.samples_since(before))
        })
    })
}

#[cfg(test)]
mod tests;
