//! One side of a panel: its spectrum, level and rolling waveform, and whether somebody
//! talks. It remembers [`WAVE_COLUMNS`] columns and [`FLOOR_BLOCKS`] peaks, however long the
//! call.

use std::collections::VecDeque;

use super::frame::{Level, SideFrame, Wave};
use crate::media::levels::{LevelMeter, SILENCE_PEAK};
use crate::media::spectrum::Spectra;
use crate::media::ticks::MediaTime;

/// Samples of one column of the waveform: 50 ms.
pub const COLUMN_SAMPLES: u64 = 400;
/// Columns that are kept: 30 s.
pub const WAVE_COLUMNS: u64 = 600;
/// The amplitude that a spectrum's full height stands for.
pub const SPECTRUM_LIMIT: f32 = 8_000.0;
/// The most values of a spectrum that is told: of a longer one neighbours are one value, the
/// largest.
pub const MOST_VALUES: usize = 512;
/// A column in which there was no media.
pub const NO_MEDIA: [i8; 2] = [i8::MAX, i8::MIN];

/// Peaks of blocks that the floor of a line is taken from: 30 s of usual blocks.
const FLOOR_BLOCKS: usize = 469;
/// Somebody talks who was this much louder than the line's floor...
const OVER_FLOOR: u16 = 2;
/// ...within so many samples: 400 ms.
const HANG_OVER: i64 = 3_200;
/// Full scale is this many times what a column can say.
const PER_STEP: i16 = 256;

/// One side of a call.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Where its last block ended.
    pub end: Option<MediaTime>,
    /// The end of the last block that was no silence.
    pub loud: Option<MediaTime>,
    /// The end of the last block in which somebody talked.
    talk: Option<MediaTime>,
    /// Peaks of the last blocks.
    peaks: VecDeque<u16>,
    /// The waveform's last columns; the first has the number `first`.
    wave: VecDeque<[i8; 2]>,
    first: u64,
    /// What was not told yet.
    spectrum: Vec<u8>,
    level: Option<Level>,
    spectrum_is_new: bool,
    /// The lowest column that changed.
    changed: Option<u64>,
}

impl Side {
    /// Takes a block that starts at `place` on the call's own clock. Gives how many of its
    /// samples are at full scale.
    pub(super) fn push(
        &mut self,
        samples: &[i16],
        start: MediaTime,
        place: u64,
        spectra: &mut Spectra,
    ) -> u64 {
        let mut meter = LevelMeter::default();
        meter.push(samples);
        let levels = meter.finish();
        let end = start.moved_by(i64::try_from(samples.len()).unwrap_or(i64::MAX));
        self.end = Some(self.end.map_or(end, |before| before.max(end)));
        if levels.peak >= SILENCE_PEAK.unsigned_abs() {
            self.loud = Some(end);
        }
        if levels.peak >= self.floor().saturating_mul(OVER_FLOOR) {
            self.talk = Some(end);
        }
        self.peaks.push_back(levels.peak);
        if self.peaks.len() > FLOOR_BLOCKS {
            self.peaks.pop_front();
        }
        let before = self.level.unwrap_or_default();
        let rms = u16::try_from(crate::media::counts::whole(levels.rms)).unwrap_or(u16::MAX);
        self.level = Some(Level {
            peak: before.peak.max(levels.peak),
            rms: before.rms.max(rms),
        });
        self.draw_spectrum(samples, spectra);
        self.draw_wave(samples, place);
        levels.clipped
    }

    /// What the line carries when nobody talks: a low percentile of the last blocks' peaks,
    /// and no less than what counts as silence.
    fn floor(&self) -> u16 {
        let mut peaks: Vec<u16> = self.peaks.iter().copied().collect();
        let least = SILENCE_PEAK.unsigned_abs() / OVER_FLOOR;
        if peaks.is_empty() {
            return least;
        }
        let place = peaks.len() / 5;
        let (_, floor, _) = peaks.select_nth_unstable(place);
        least.max(*floor)
    }

    /// Whether somebody talks, where the call has come to `edge`.
    pub(super) fn talks(&self, edge: MediaTime) -> bool {
        self.talk
            .is_some_and(|talk| edge.samples_since(talk) <= HANG_OVER)
    }

    /// The media's clock is another one, so far from the one before.
    pub(super) fn move_by(&mut self, samples: i64, origin: MediaTime) {
        self.end = self.end.map(|end| end.moved_by(samples));
        self.talk = self.talk.map(|talk| talk.moved_by(samples));
        self.move_loud_by(samples, origin);
    }

    /// So much time of the call has passed in which neither side could be heard.
    /// One that was never heard counts from the call's origin.
    pub(super) fn move_loud_by(&mut self, samples: i64, origin: MediaTime) {
        self.loud = Some(self.loud.unwrap_or(origin).moved_by(samples));
    }

    fn draw_spectrum(&mut self, samples: &[i16], spectra: &mut Spectra) {
        let Some(spectrum) = spectra.of_samples(samples) else {
            return;
        };
        let together = spectrum.amplitudes.len().div_ceil(MOST_VALUES);
        let values = spectrum.amplitudes.chunks(together).map(|neighbours| {
            let largest = neighbours.iter().copied().fold(0.0_f32, f32::max);
            step_of(largest)
        });
        self.spectrum = values.collect();
        self.spectrum_is_new = true;
    }

    /// The columns that the samples reach into.
    fn draw_wave(&mut self, samples: &[i16], place: u64) {
        let mut at = place;
        let mut rest = samples;
        while !rest.is_empty() {
            let within = at % COLUMN_SAMPLES;
            let room = usize::try_from(COLUMN_SAMPLES - within).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(room.min(rest.len()));
            let steps = now.iter().map(|sample| step_of_sample(*sample));
            let (low, high) = steps.fold((i8::MAX, i8::MIN), |(low, high), step| {
                (low.min(step), high.max(step))
            });
            self.widen(at / COLUMN_SAMPLES, [low, high]);
            at += now.len() as u64;
            rest = later;
        }
    }

    fn widen(&mut self, column: u64, [low, high]: [i8; 2]) {
        if self.wave.is_empty() {
            self.first = column;
        }
        if column < self.first {
            return;
        }
        // What lies before a long silence is not looked at any more.
        if column - self.first >= self.wave.len() as u64 + WAVE_COLUMNS {
            self.wave.clear();
            self.first = column;
        }
        while self.first + (self.wave.len() as u64) <= column {
            self.wave.push_back(NO_MEDIA);
        }
        while self.wave.len() as u64 > WAVE_COLUMNS {
            self.wave.pop_front();
            self.first += 1;
        }
        let place = usize::try_from(column - self.first).unwrap_or(usize::MAX);
        if let Some(drawn) = self.wave.get_mut(place) {
            *drawn = [drawn[0].min(low), drawn[1].max(high)];
            self.changed = Some(self.changed.map_or(column, |before| before.min(column)));
        }
    }

    /// What is new, which is told with this.
    pub(super) fn next_frame(&mut self) -> SideFrame {
        let spectrum = self.spectrum_is_new.then(|| self.spectrum.clone());
        self.spectrum_is_new = false;
        SideFrame {
            spectrum,
            level: self.level.take(),
            wave: self.changed.take().map(|from| self.columns_from(from)),
        }
    }

    /// All that is kept.
    pub(super) fn whole(&self) -> SideFrame {
        SideFrame {
            spectrum: (!self.spectrum.is_empty()).then(|| self.spectrum.clone()),
            level: None,
            wave: (!self.wave.is_empty()).then(|| self.columns_from(self.first)),
        }
    }

    fn columns_from(&self, from: u64) -> Wave {
        let first = from.max(self.first);
        let skipped = usize::try_from(first - self.first).unwrap_or(usize::MAX);
        Wave {
            first,
            columns: self.wave.iter().skip(skipped).copied().collect(),
        }
    }
}

/// An amplitude in 255ths of the limit.
fn step_of(amplitude: f32) -> u8 {
    let steps = f64::from((amplitude / SPECTRUM_LIMIT).clamp(0.0, 1.0)) * 255.0;
    u8::try_from(crate::media::counts::whole(steps.round())).unwrap_or(u8::MAX)
}

/// A sample in 256ths of full scale: one that is no silence is never told as none.
fn step_of_sample(sample: i16) -> i8 {
    i8::try_from(sample.div_euclid(PER_STEP)).unwrap_or(i8::MAX)
}
