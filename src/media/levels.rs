//! How loud one side of a recording is: peak, RMS, share of silence, clipped samples.
//! Measured over what is written, inserted silence included, one pass, no history.

use super::counts::nearest;

/// Samples of one silence window: 20 ms. Voice crosses zero all the time, so silence is
/// judged by windows, not by samples.
pub const WINDOW_SAMPLES: usize = 160;
/// A window is silent when no sample reaches this: -50 dBFS.
pub const SILENCE_PEAK: i16 = 104;
/// Full scale of 16-bit samples.
const FULL_SCALE: f64 = 32_768.0;

/// Measures one side while it is written.
#[derive(Clone, Debug, Default)]
pub struct LevelMeter {
    samples: u64,
    peak: u16,
    /// Sum of squares: 36 hours at full scale are 2^60.
    energy: u64,
    clipped: u64,
    windows: u64,
    silent_windows: u64,
    /// The window that the last call left open.
    open_samples: usize,
    open_peak: u16,
}

/// What a [`LevelMeter`] measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// The largest magnitude, 0 to 32768.
    pub peak: u16,
    /// Root mean square, 0 to 32768.
    pub rms: f64,
    /// Share of 20 ms windows without a sample of -50 dBFS or more, 0 to 1.
    pub silence_share: f64,
    /// Samples at full scale (-32768 or 32767).
    pub clipped: u64,
}

impl LevelMeter {
    /// Takes the next samples.
    pub fn push(&mut self, samples: &[i16]) {
        self.push_telling(samples, |_| {});
    }

    /// Takes the next samples, and tells the peak of each window that they fill.
    pub fn push_telling(&mut self, samples: &[i16], mut tell: impl FnMut(u16)) {
        let open = (WINDOW_SAMPLES - self.open_samples) % WINDOW_SAMPLES;
        let (rest_of_open, samples) = samples.split_at(open.min(samples.len()));
        if let Some(peak) = self.push_open(rest_of_open) {
            tell(peak);
        }
        let (windows, tail) = samples.as_chunks::<WINDOW_SAMPLES>();
        for window in windows {
            let peak = self.measure(window);
            self.close_window(peak);
            tell(peak);
        }
        // Shorter than a window: it fills none.
        self.push_open(tail);
    }

    /// The peak so far of a window that is begun and not full.
    pub fn open_window(&self) -> Option<u16> {
        (self.open_samples > 0).then_some(self.open_peak)
    }

    /// What was measured; a last window that is not full counts as one.
    pub fn finish(mut self) -> Levels {
        if self.open_samples > 0 {
            self.close_window(self.open_peak);
        }
        let share = |part: u64, whole: u64| {
            if whole == 0 {
                0.0
            } else {
                nearest(part) / nearest(whole)
            }
        };
        Levels {
            peak: self.peak,
            rms: share(self.energy, self.samples).sqrt(),
            silence_share: if self.windows == 0 {
                1.0
            } else {
                share(self.silent_windows, self.windows)
            },
            clipped: self.clipped,
        }
    }

    /// Takes samples of the open window; its peak, if they fill it.
    fn push_open(&mut self, samples: &[i16]) -> Option<u16> {
        if samples.is_empty() {
            return None;
        }
        let peak = self.measure(samples);
        self.open_peak = self.open_peak.max(peak);
        self.open_samples += samples.len();
        (self.open_samples == WINDOW_SAMPLES).then(|| {
            let peak = self.open_peak;
            self.close_window(peak);
            peak
        })
    }

    fn close_window(&mut self, peak: u16) {
        self.windows += 1;
        self.silent_windows += u64::from(peak < SILENCE_PEAK.unsigned_abs());
        (self.open_samples, self.open_peak) = (0, 0);
    }

    /// Adds samples to the sums and gives their peak. At most a window at a time, so
    /// that both halves of its squares' sum fit in 32 bits.
    fn measure(&mut self, samples: &[i16]) -> u16 {
        // A loop for each measure and nothing wider than 32 bits in it: that is what
        // compilers make vectors of on every processor, at twice the speed of one loop.
        let (mut low, mut high) = (0_i16, 0_i16);
        for sample in samples {
            low = low.min(*sample);
            high = high.max(*sample);
        }
        let (mut energy_low, mut energy_high) = (0_u32, 0_u32);
        let (pairs, odd) = samples.as_chunks::<2>();
        for [a, b] in pairs {
            let (a, b) = (i32::from(*a), i32::from(*b));
            // Two squares are 2^31 at the most: they fit an unsigned 32 bits.
            let squares = (a * a).cast_unsigned() + (b * b).cast_unsigned();
            energy_low += squares & 0xffff;
            energy_high += squares >> 16;
        }
        let mut energy = u64::from(energy_low) + (u64::from(energy_high) << 16);
        for sample in odd {
            energy += u64::from(sample.unsigned_abs()).pow(2);
        }
        if low == i16::MIN || high == i16::MAX {
            let full = samples
                .iter()
                .filter(|sample| matches!(**sample, i16::MIN | i16::MAX));
            self.clipped += full.count() as u64;
        }
        let peak = low.unsigned_abs().max(high.unsigned_abs());
        self.peak = self.peak.max(peak);
        self.energy += energy;
        self.samples += samples.len() as u64;
        peak
    }
}

impl Levels {
    /// The peak in dB below full scale; `None` for digital silence.
    pub fn peak_dbfs(&self) -> Option<f64> {
        dbfs(f64::from(self.peak))
    }

    /// The RMS in dB below full scale; `None` for digital silence.
    pub fn rms_dbfs(&self) -> Option<f64> {
        dbfs(self.rms)
    }
}

fn dbfs(level: f64) -> Option<f64> {
    (level > 0.0).then(|| 20.0 * (level / FULL_SCALE).log10())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn levels(samples: &[i16]) -> Levels {
        let mut meter = LevelMeter::default();
        meter.push(samples);
        meter.finish()
    }

    #[test]
    fn known_signals_have_known_levels() {
        #[track_caller]
        fn check(samples: &[i16], peak: u16, rms: f64, silence_share: f64, clipped: u64) {
            assert_eq!(
                levels(samples),
                Levels {
                    peak,
                    rms,
                    silence_share,
                    clipped
                }
            );
        }
        check(&[], 0, 0.0, 1.0, 0);
        check(&[0; 320], 0, 0.0, 1.0, 0);
        check(&[i16::MIN; 320], 32_768, 32_768.0, 0.0, 320);
        check(&[i16::MAX, 0, 0, 0], 32_767, 32_767.0 / 2.0, 0.0, 1);
        check(
            &[[103; 160], [-104; 160]].concat(),
            104,
            ((103.0 * 103.0 + 104.0 * 104.0) / 2.0_f64).sqrt(),
            0.5,
            0,
        );
        assert_eq!(levels(&[i16::MIN; 4]).peak_dbfs(), Some(0.0));
        assert_eq!(levels(&[0; 4]).rms_dbfs(), None);
    }

    proptest! {
        #[test]
        fn any_cutting_measures_the_same(
            samples in prop::collection::vec(any::<i16>(), 0..2_000),
            cuts in prop::collection::vec(1_usize..400, 1..20),
        ) {
            let mut meter = LevelMeter::default();
            let mut rest = &samples[..];
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                meter.push(now);
                rest = later;
                if rest.is_empty() { break }
            }
            prop_assert_eq!(meter.finish(), levels(&samples));
        }
    }
}
