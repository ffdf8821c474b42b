//! Samples to a spectrum: how strong each frequency of one block is, in the units of its samples.
//!
//! A block stands for itself: no window, no overlap, no average over blocks. The amplitude of
//! a tone that fits the block is the tone's own. The axis reaches from 0 to 4 kHz whatever the
//! block's length. Plans of transforms are kept for each length, since lengths repeat.
//!
//! Refuses: blocks of less than two samples, which have no frequency.

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use super::counts::nearest;
use super::ticks::SAMPLE_RATE;

/// The fewest samples that have a spectrum.
pub const MIN_SAMPLES: usize = 2;
/// Lengths whose plans are kept; a stream of Connect's has one or two.
const MAX_PLANS: usize = 32;

/// How strong each frequency of a block is.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// Amplitudes in units of a sample (0 to 32,768 and somewhat above), one for each of
    /// `samples / 2` frequencies, the first of 0 Hz.
    pub amplitudes: Vec<f32>,
    /// How many samples it is of.
    pub samples: usize,
}

impl Spectrum {
    /// The frequency of an amplitude's place, in Hz.
    pub fn hertz(&self, place: usize) -> f64 {
        nearest(place as u64) * f64::from(SAMPLE_RATE) / nearest(self.samples.max(1) as u64)
    }

    /// Place and amplitude of the strongest frequency; the lowest of several. `None` when
    /// there is no frequency at all.
    pub fn peak(&self) -> Option<(usize, f32)> {
        let mut places = self.amplitudes.iter().copied().enumerate();
        let first = places.next()?;
        Some(places.fold(
            first,
            |best, next| if next.1 > best.1 { next } else { best },
        ))
    }
}

/// Makes spectra, and keeps what each length needs.
pub struct Spectra {
    planner: RealFftPlanner<f32>,
    plans: BTreeMap<usize, Plan>,
}

struct Plan {
    transform: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    output: Vec<realfft::num_complex::Complex<f32>>,
    scratch: Vec<realfft::num_complex::Complex<f32>>,
}

impl Default for Spectra {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Spectra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lengths: Vec<_> = self.plans.keys().collect();
        f.debug_struct("Spectra")
            .field("lengths", &lengths)
            .finish()
    }
}

impl Spectra {
    /// Nothing is planned yet.
    pub fn new() -> Self {
        Self {
            planner: RealFftPlanner::new(),
            plans: BTreeMap::new(),
        }
    }

    /// The spectrum of a block's bytes: 16-bit little-endian samples. An odd last byte is
    /// half a sample and has no part in it.
    pub fn of_pcm(&mut self, pcm: &[u8]) -> Option<Spectrum> {
        let (pairs, _) = pcm.as_chunks::<2>();
        self.of(
            pairs.len(),
            pairs.iter().map(|pair| i16::from_le_bytes(*pair)),
        )
    }

    /// The spectrum of a block's samples; `None` for less than [`MIN_SAMPLES`].
    pub fn of_samples(&mut self, samples: &[i16]) -> Option<Spectrum> {
        self.of(samples.len(), samples.iter().copied())
    }

    fn of(&mut self, count: usize, samples: impl Iterator<Item = i16>) -> Option<Spectrum> {
        if count < MIN_SAMPLES {
            return None;
        }
        if self.plans.len() >= MAX_PLANS && !self.plans.contains_key(&count) {
            self.plans.clear();
        }
        let planner = &mut self.planner;
        let plan = self.plans.entry(count).or_insert_with(|| {
            let transform = planner.plan_fft_forward(count);
            Plan {
                input: transform.make_input_vec(),
                output: transform.make_output_vec(),
                scratch: transform.make_scratch_vec(),
                transform,
            }
        });
        for (place, sample) in plan.input.iter_mut().zip(samples) {
            *place = f32::from(sample);
        }
        let Plan {
            transform,
            input,
            output,
            scratch,
        } = plan;
        // The lengths are the transform's own, which is all that it can refuse.
        transform
            .process_with_scratch(input, output, scratch)
            .ok()?;
        let mut amplitudes: Vec<f32> = output
            .iter()
            .take(count / 2)
            .map(|bin| bin.norm() * 2.0 / length(count))
            .collect();
        if let Some(constant) = amplitudes.first_mut() {
            *constant /= 2.0;
        }
        Some(Spectrum {
            amplitudes,
            samples: count,
        })
    }
}

/// A length as the transform's scale; exact up to 2^24, which no block reaches.
#[expect(
    clippy::cast_precision_loss,
    reason = "a block has 32,768 samples at the most"
)]
const fn length(count: usize) -> f32 {
    count as f32
}

/// A tone's samples: for pictures and tests of spectra. Beyond 16 bits it is clipped.
pub fn tone(hertz: f64, amplitude: f64, samples: usize) -> Vec<i16> {
    let turn = 2.0 * PI * hertz / f64::from(SAMPLE_RATE);
    let sample = |index: usize| {
        let value = (amplitude * (turn * nearest(index as u64)).sin()).round();
        i16::try_from(super::counts::whole(value)).unwrap_or(if value < 0.0 {
            i16::MIN
        } else {
            i16::MAX
        })
    };
    (0..samples).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the amplitudes are by their definition, in double precision and no hurry.
    fn reference(samples: &[i16]) -> Vec<f64> {
        let count = samples.len();
        let turn = 2.0 * PI / count as f64;
        let circle: Vec<_> = (0..count).map(|at| (turn * at as f64).sin_cos()).collect();
        let amplitude = |bin: usize| {
            let (mut re, mut im) = (0.0, 0.0);
            for (at, sample) in samples.iter().enumerate() {
                let (sin, cos) = circle[bin * at % count];
                re += f64::from(*sample) * cos;
                im -= f64::from(*sample) * sin;
            }
            let scale = if bin == 0 { 1.0 } else { 2.0 };
            scale * re.hypot(im) / count as f64
        };
        (0..count / 2).map(amplitude).collect()
    }

    /// Full-scale noise, the same in every run.
    fn noise(count: usize) -> Vec<i16> {
        let mut state = count as u64 + 1;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 48) as u16
        };
        (0..count).map(|_| next().cast_signed()).collect()
    }

    #[test]
    fn every_length_up_to_1024_is_as_its_definition_says() {
        let mut spectra = Spectra::new();
        let mut worst: f64 = 0.0;
        for count in MIN_SAMPLES..=1_024 {
            let samples = noise(count);
            let spectrum = spectra.of_samples(&samples).unwrap();
            let expected = reference(&samples);
            assert_eq!(spectrum.amplitudes.len(), expected.len());
            for (found, expected) in spectrum.amplitudes.iter().zip(&expected) {
                worst = worst.max((f64::from(*found) - expected).abs());
            }
        }
        assert!(worst < 0.01, "{worst} units of a sample");
        println!("worst error {worst} units of a sample");
    }

    #[test]
    fn a_tones_amplitude_is_its_own() {
        #[track_caller]
        fn check(samples: usize, hertz: f64, amplitude: f64, place: usize) {
            let mut spectra = Spectra::new();
            let spectrum = spectra
                .of_samples(&tone(hertz, amplitude, samples))
                .unwrap();
            let (peak, strength) = spectrum.peak().unwrap();
            assert_eq!(peak, place);
            assert!((f64::from(strength) - amplitude).abs() < 1.0, "{strength}");
            assert!((spectrum.hertz(peak) - hertz).abs() < 1e-9);
        }
        check(512, 1_000.0, 4_000.0, 64);
        check(512, 3_500.0, 16_000.0, 224);
        // 20 ms: the axis is the same, of fewer places.
        check(160, 1_000.0, 4_000.0, 20);
        check(512, 15.625, 32_000.0, 1);
    }

    #[test]
    fn two_tones_have_two_peaks_and_no_mirror() {
        let (low, high) = (tone(500.0, 3_000.0, 512), tone(3_000.0, 5_000.0, 512));
        let both: Vec<_> = low
            .iter()
            .zip(&high)
            .map(|(one, other)| one + other)
            .collect();
        let spectrum = Spectra::new().of_samples(&both).unwrap();
        let strong: Vec<_> = (0..256)
            .filter(|at| spectrum.amplitudes[*at] > 50.0)
            .collect();
        assert_eq!(strong, [32, 192]);
    }

    #[test]
    fn odd_input_is_read_as_far_as_it_goes() {
        let mut spectra = Spectra::new();
        assert_eq!(spectra.of_pcm(&[]), None);
        assert_eq!(spectra.of_pcm(&[1]), None);
        assert_eq!(spectra.of_pcm(&[1, 0, 9]), None);
        // A constant is at 0 Hz alone.
        let constant = spectra.of_pcm(&[0x10, 0x27, 0x10, 0x27, 0xff]).unwrap();
        assert_eq!(
            (constant.samples, &*constant.amplitudes),
            (2, &[10_000.0][..])
        );
        let silent = spectra.of_samples(&[0; 512]).unwrap();
        assert!(silent.amplitudes.iter().all(|amplitude| *amplitude == 0.0));
        assert_eq!(
            Spectrum {
                amplitudes: vec![],
                samples: 0
            }
            .peak(),
            None
        );
    }

    #[test]
    fn plans_are_bounded_whatever_lengths_come() {
        let mut spectra = Spectra::new();
        for count in 2..500 {
            assert!(spectra.of_samples(&vec![1; count]).is_some());
            assert!(spectra.plans.len() <= MAX_PLANS);
        }
    }
}
