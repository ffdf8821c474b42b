//! When each side of a recording sounds, by windows of 20 ms: how much of the time, how much
//! of it both at once, and the longest silence. It is sound and no more: music and ringing
//! count, and nothing tells them from speech.
//!
//! A window sounds when its peak is -50 dBFS or more, and twice what the line itself makes,
//! and so do the windows of the 200 ms behind it, since speech has pauses. What the line makes
//! is the level that a fifth of the last 30 s stayed below. Windows of digital silence tell
//! nothing of a line: it was put in, or the line is mute. Sound that goes on without a pause
//! would come to be taken for the line; so no level above -32 dBFS is.

use crate::media::levels::{SILENCE_PEAK, WINDOW_SAMPLES};
use crate::media::timeline::Span;

/// Windows behind a loud one that sound as well: 200 ms.
const HANG_OVER: u8 = 10;
/// Windows by which the line is judged: 30 s.
const HISTORY: usize = 1_500;
/// The line is unknown before so many windows told of it: 2 s.
const LEAST_HISTORY: usize = 100;
/// The line's level is looked for anew behind so many windows: 1 s.
const LOOK_AFTER: u16 = 50;
/// A window sounds at so many times the line's level.
const ABOVE_FLOOR: u16 = 2;
/// No higher level is taken for the line's own: -32 dBFS.
const MAX_FLOOR: u16 = 823;
/// Levels are told apart by an eighth of their octave.
const BINS: usize = 16 * 8;

/// Follows both sides of a recording, a window of each at a time.
#[derive(Clone, Debug)]
pub struct SoundMeter {
    sides: [Option<Line>; 2],
    windows: u64,
    both: u64,
    silent: u64,
    /// The window at which the silence began that is the longest, and its length.
    longest: (u64, u64),
}

/// What a [`SoundMeter`] measured, in samples of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    /// All that was measured.
    pub samples: u64,
    /// Of it, what sounds on each side, by `Direction::index`; `None` for one that is not kept.
    pub sides: [Option<u64>; 2],
    /// Of it, what sounds on both sides at once; `None` unless both are kept.
    pub both: Option<u64>,
    /// The longest stretch without sound on any side that is kept.
    pub longest_silence: Option<Span>,
}

impl SoundMeter {
    /// A meter of these sides, by `Direction::index`.
    pub fn new(kept: [bool; 2]) -> Self {
        Self {
            sides: kept.map(|kept| kept.then(Line::default)),
            windows: 0,
            both: 0,
            silent: 0,
            longest: (0, 0),
        }
    }

    /// Takes the peaks of the same window on both sides; that of a side that is not kept
    /// says nothing.
    pub fn push(&mut self, peaks: [u16; 2]) {
        let mut sounding = 0;
        for (side, peak) in self.sides.iter_mut().zip(peaks) {
            sounding += u8::from(side.as_mut().is_some_and(|line| line.sounds(peak)));
        }
        self.windows += 1;
        self.both += u64::from(sounding == 2);
        match sounding {
            0 => {
                self.silent += 1;
                if self.silent > self.longest.1 {
                    self.longest = (self.windows - self.silent, self.silent);
                }
            }
            _ => self.silent = 0,
        }
    }

    /// What was measured of a recording of so many samples: a last window that is not full
    /// counts as far as it goes.
    pub fn finish(self, samples: u64) -> Sound {
        let of = |windows: u64| (windows * WINDOW_SAMPLES as u64).min(samples);
        let (at, windows) = self.longest;
        let at = of(at);
        let sides = self.sides.map(|line| line.map(|line| of(line.sounding)));
        Sound {
            samples,
            both: sides.iter().all(Option::is_some).then(|| of(self.both)),
            sides,
            longest_silence: (windows > 0).then(|| Span {
                at,
                samples: (windows * WINDOW_SAMPLES as u64).min(samples - at),
            }),
        }
    }
}

/// One side's line.
#[derive(Clone, Debug)]
struct Line {
    /// The levels of the last windows that told of it, and where the next one goes.
    history: Vec<u8>,
    next: usize,
    /// How many of them are of each level.
    counts: [u16; BINS],
    /// A window is loud from here on.
    threshold: u16,
    until_look: u16,
    hang_over: u8,
    sounding: u64,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            history: Vec::new(),
            next: 0,
            counts: [0; BINS],
            threshold: SILENCE_PEAK.unsigned_abs(),
            until_look: LOOK_AFTER,
            hang_over: 0,
            sounding: 0,
        }
    }
}

impl Line {
    /// Whether the next window, of this peak, sounds.
    fn sounds(&mut self, peak: u16) -> bool {
        self.learn(peak);
        let sounds = if peak >= self.threshold {
            self.hang_over = HANG_OVER;
            true
        } else {
            let hangs = self.hang_over > 0;
            self.hang_over = self.hang_over.saturating_sub(1);
            hangs
        };
        self.sounding += u64::from(sounds);
        sounds
    }

    fn learn(&mut self, peak: u16) {
        let Some(level) = level(peak) else {
            return;
        };
        match self.history.get_mut(self.next) {
            Some(oldest) => {
                self.counts[usize::from(*oldest)] -= 1;
                *oldest = level;
            }
            None => self.history.push(level),
        }
        self.counts[usize::from(level)] += 1;
        self.next = (self.next + 1) % HISTORY;
        self.until_look -= 1;
        if self.until_look == 0 {
            self.until_look = LOOK_AFTER;
            self.threshold = self.threshold_now();
        }
    }

    fn threshold_now(&self) -> u16 {
        let least = SILENCE_PEAK.unsigned_abs();
        if self.history.len() < LEAST_HISTORY {
            return least;
        }
        let fifth = self.history.len() / 5;
        let mut below = 0;
        let floor = self.counts.iter().position(|count| {
            below += usize::from(*count);
            below > fifth
        });
        let floor = floor.map_or(0, upper_end).min(MAX_FLOOR);
        least.max(floor * ABOVE_FLOOR)
    }
}

/// The level of a peak: its octave, and the eighth of it. `None` for digital silence.
fn level(peak: u16) -> Option<u8> {
    let octave = peak.checked_ilog2()?;
    let eighth = (u32::from(peak) << 3 >> octave) & 7;
    u8::try_from(octave * 8 + eighth).ok()
}

/// The highest peak of a level.
fn upper_end(level: usize) -> u16 {
    let (octave, eighth) = (level / 8, level % 8);
    let end = ((9 + eighth) << octave).div_ceil(8).saturating_sub(1);
    u16::try_from(end).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: usize = 50;
    const W: u64 = WINDOW_SAMPLES as u64;

    /// Runs of windows of one side alone: how many, of which peak.
    fn one_side(runs: &[(usize, u16)]) -> Sound {
        let mut meter = SoundMeter::new([true, false]);
        let mut windows = 0;
        for (count, peak) in runs {
            (0..*count).for_each(|_| meter.push([*peak, 0]));
            windows += *count as u64;
        }
        meter.finish(windows * W)
    }

    #[test]
    fn sound_is_loud_and_hangs_over() {
        /// Windows that sound, and where the longest silence is.
        #[track_caller]
        fn check(runs: &[(usize, u16)], sounding: u64, silence: Option<(u64, u64)>) {
            let sound = one_side(runs);
            assert_eq!(sound.sides, [Some(sounding * W), None]);
            assert_eq!(sound.both, None);
            let longest = sound.longest_silence;
            assert_eq!(longest.map(|span| (span.at / W, span.samples / W)), silence);
        }
        check(&[], 0, None);
        check(&[(5, 0)], 0, Some((0, 5)));
        check(&[(5, 103)], 0, Some((0, 5)));
        check(&[(5, 104)], 5, None);
        // 200 ms behind a word still sound.
        check(&[(3, 0), (1, 5_000), (30, 0)], 11, Some((14, 20)));
        check(&[(1, 5_000), (9, 0), (1, 5_000), (9, 0)], 20, None);
    }

    #[test]
    fn the_line_itself_is_no_sound() {
        // A line at -45 dBFS, and words of a second every three.
        let mut runs = vec![(6 * SECOND, 600)];
        for _ in 0..40 {
            runs.extend([(SECOND, 6_000), (2 * SECOND, 600)]);
        }
        let sound = one_side(&runs);
        let share = sound.sides[0].unwrap() as f64 / sound.samples as f64;
        // A third, the hang-over, and the first seconds, when the line is not known.
        assert!((0.33..0.43).contains(&share), "{share}");
        // Put-in silence of a minute does not make the line sound.
        runs.extend([(60 * SECOND, 0), (60 * SECOND, 600)]);
        let after = one_side(&runs).sides[0].unwrap();
        assert!(after <= sound.sides[0].unwrap() + 10 * W);
        // Music without a pause stays sound.
        let music = one_side(&[(300 * SECOND, 5_000)]);
        assert_eq!(music.sides[0], Some(music.samples));
    }

    #[test]
    fn both_sides_at_once_are_counted() {
        let mut meter = SoundMeter::new([true, true]);
        for (count, peaks) in [(20, [9_000, 0]), (20, [9_000, 9_000]), (40, [0, 0])] {
            (0..count).for_each(|_| meter.push(peaks));
        }
        let sound = meter.finish(80 * W - 5);
        assert_eq!(sound.sides, [Some(50 * W), Some(30 * W)]);
        assert_eq!(sound.both, Some(30 * W));
        let silence = Span {
            at: 50 * W,
            samples: 30 * W - 5,
        };
        assert_eq!(sound.longest_silence, Some(silence));
    }

    proptest! {
        #[test]
        fn a_level_holds_its_peaks(peak in 1_u16..=32_768) {
            let level = usize::from(level(peak).unwrap());
            prop_assert!(level < BINS);
            prop_assert!(peak <= upper_end(level));
            prop_assert!(level == 0 || peak > upper_end(level - 1));
            prop_assert!(f64::from(upper_end(level)) < f64::from(peak) * 1.126);
        }

        #[test]
        fn any_peaks_are_counted_once(peaks in prop::collection::vec(any::<[u16; 2]>(), 0..4_000)) {
            let mut meter = SoundMeter::new([true, true]);
            peaks.iter().for_each(|peaks| meter.push(*peaks));
            let sound = meter.finish(peaks.len() as u64 * W);
            for side in sound.sides {
                prop_assert!(sound.both <= side && side <= Some(sound.samples));
            }
        }
    }
}
