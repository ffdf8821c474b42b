//! What a lane has written: queued samples that nobody took yet, and behind them the last
//! ones that were taken, to tell audio that came twice from audio whose clock is wrong.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{TOLERANCE, WINDOW};

/// How many samples that were taken are remembered: as long as one direction may trail
/// the other.
const REMEMBERED: u64 = WINDOW.unsigned_abs();
/// Fewer samples than these can be the same by chance, where they are searched for.
const LEAST_REPEATED: u64 = 64;

/// Audio as it came, silence as a count, so that an hour on hold costs no memory.
#[derive(Debug)]
pub(super) enum Piece {
    Audio(Bytes),
    Silence(u64),
}

impl Piece {
    fn samples(&self) -> u64 {
        match self {
            Self::Audio(pcm) => pcm.len() as u64 / 2,
            Self::Silence(samples) => *samples,
        }
    }
}

/// Audio that stands in the file already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repetition {
    /// How many samples of the block.
    pub samples: u64,
    /// It fits at one place only. Silence and tones fit at many, and tell nothing.
    pub is_certain: bool,
}

/// The end of a lane: taken samples in `recent`, those that were not in `queue`.
#[derive(Debug, Default)]
pub(super) struct Written {
    queue: VecDeque<Piece>,
    queued: u64,
    /// Bytes of the first queued piece, if it is audio, that were taken.
    taken: usize,
    recent: VecDeque<Piece>,
    remembered: u64,
}

impl Written {
    pub(super) fn queued(&self) -> u64 {
        self.queued
    }

    /// Puts silence before everything; nothing was taken yet.
    pub(super) fn lead_in(&mut self, samples: u64) {
        self.queue.push_front(Piece::Silence(samples));
        self.queued += samples;
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.queued += piece.samples();
        match (&piece, self.queue.back_mut()) {
            (Piece::Silence(samples), Some(Piece::Silence(last))) => *last += samples,
            _ => self.queue.push_back(piece),
        }
    }

    /// Fills `out` with the first queued samples; there are at least as many.
    pub(super) fn drain_into(&mut self, mut out: &mut [i16]) {
        self.queued -= out.len() as u64;
        while !out.is_empty() {
            let Some(piece) = self.queue.front_mut() else {
                return out.fill(0);
            };
            let drained = match piece {
                Piece::Silence(samples) => {
                    let drained = usize::try_from(*samples)
                        .unwrap_or(usize::MAX)
                        .min(out.len());
                    out[..drained].fill(0);
                    *samples -= drained as u64;
                    if *samples == 0 {
                        self.queue.pop_front();
                    }
                    self.remember(Piece::Silence(drained as u64));
                    drained
                }
                Piece::Audio(pcm) => {
                    let rest = &pcm[self.taken..];
                    let drained = (rest.len() / 2).min(out.len());
                    let (pairs, _) = rest[..drained * 2].as_chunks::<2>();
                    for (sample, pair) in out.iter_mut().zip(pairs) {
                        *sample = i16::from_le_bytes(*pair);
                    }
                    self.taken += drained * 2;
                    if self.taken == pcm.len() {
                        self.taken = 0;
                        if let Some(piece) = self.queue.pop_front() {
                            self.remember(piece);
                        }
                    }
                    drained
                }
            };
            out = &mut out[drained..];
        }
    }

    fn remember(&mut self, piece: Piece) {
        self.remembered += piece.samples();
        match (&piece, self.recent.back_mut()) {
            (Piece::Silence(samples), Some(Piece::Silence(last))) => *last += samples,
            _ => self.recent.push_back(piece),
        }
        while let Some(first) = self.recent.front_mut()
            && self.remembered > REMEMBERED
        {
            let over = self.remembered - REMEMBERED;
            match first {
                Piece::Silence(samples) if *samples > over => *samples -= over,
                Piece::Audio(_) | Piece::Silence(_) if first.samples() <= over => {
                    self.remembered -= first.samples();
                    self.recent.pop_front();
                    continue;
                }
                // A piece of audio goes as a whole.
                Piece::Audio(_) | Piece::Silence(_) => break,
            }
            self.remembered -= over;
        }
    }

    /// Whether a block's first samples are the very same that stand at the end of what is
    /// written, beginning `early` samples before it; `None` when they are others. A run
    /// absorbs the rounding of block times, so the place may be off by its tolerance.
    pub(super) fn repetition(&self, early: u64, pcm: &[u8]) -> Option<Repetition> {
        let slack = TOLERANCE.unsigned_abs();
        let (pairs, _) = pcm.as_chunks::<2>();
        let samples = pairs.len() as u64;
        let earliest = early
            .saturating_add(slack)
            .min(self.remembered + self.queued);
        let stands = self.stretch(earliest, samples + 2 * slack);
        let same_from = |early: u64| {
            let from = usize::try_from(earliest.checked_sub(early)?).ok()?;
            let stands = stands.get(from..)?;
            let common = stands.len().min(pairs.len());
            (stands[..common] == pairs[..common]).then_some(common as u64)
        };
        let beside = (1..=slack).flat_map(|off| [early.checked_sub(off), Some(early + off)]);
        let mut places = std::iter::once(early)
            .chain(
                beside
                    .flatten()
                    .filter(|early| samples.min(*early) >= LEAST_REPEATED),
            )
            .filter_map(same_from);
        Some(Repetition {
            samples: places.next()?,
            is_certain: places.next().is_none(),
        })
    }

    /// At most `length` of the written samples from `early` samples before their end on.
    fn stretch(&self, early: u64, length: u64) -> Vec<[u8; 2]> {
        let length = length.min(early);
        let mut stretch = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        let newest_first = self.queue.iter().rev().chain(self.recent.iter().rev());
        let (mut behind, mut pieces) = (0, Vec::new());
        for piece in newest_first {
            if behind >= early {
                break;
            }
            pieces.push((piece, behind));
            behind += piece.samples();
        }
        // Oldest first; `behind` samples follow each piece.
        for (piece, behind) in pieces.into_iter().rev() {
            let samples = piece.samples();
            let skipped = (behind + samples).saturating_sub(early);
            let wanted = length - stretch.len() as u64;
            let count = usize::try_from((samples - skipped).min(wanted)).unwrap_or(0);
            match piece {
                Piece::Silence(_) => stretch.resize(stretch.len() + count, [0; 2]),
                Piece::Audio(pcm) => {
                    let from = usize::try_from(skipped).unwrap_or(0);
                    stretch.extend_from_slice(&pcm.as_chunks::<2>().0[from..from + count]);
                }
            }
        }
        stretch
    }
}
