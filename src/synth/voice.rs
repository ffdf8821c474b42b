//! The two speakers: what is said at each sample of a call, as a pure function.
//!
//! Syllables with a pitch, a glide from one vowel to another and now and then a hiss
//! before them; turns with pauses between, some words into the other's turn, and breath
//! under everything, so that no stretch of one call is like a stretch of another. All of it
//! is integer and table arithmetic: the same samples on every platform, and fast enough
//! that a call of 12 hours is made in seconds. It is not intelligible
//! speech, and no recorded voice is used.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "voices are arithmetic of bits: what is cut and what wraps is meant"
)]

use std::sync::LazyLock;

use super::mix;
use crate::media::fragment::Direction;

/// Entries of a wave table, which holds one period of a voice.
const PERIOD: usize = 512;

/// Bits that a phase (a whole turn is 2^32) loses to become a table index.
const PHASE_SHIFT: u32 = 32 - PERIOD.trailing_zeros();

/// The loudest sample of a wave table: a syllable peaks about 10 dB below full scale.
const PEAK: i64 = 9_000;

/// Samples in which customer and agent each have their say once.
const EXCHANGE: u64 = 48_000;

/// Attack and release of a syllable, as envelope steps (of 32,767) a sample: 20 and 40 ms.
const ATTACK: u32 = 204;
const RELEASE: u32 = 102;

/// One speaker of one call.
pub(super) struct Voice {
    key: u64,
    /// Phase steps a sample at the middle pitch.
    pitch: u32,
    /// Samples from one syllable's start to the next one's.
    pace: u64,
    direction: Direction,
    vowels: &'static Vowels,
}

impl Voice {
    /// The customer speaks lower than the agent; `seed` says which customer and agent.
    pub(super) fn new(seed: u64, direction: Direction) -> Self {
        let key = mix(seed, 0x5eed_0001 + direction.index() as u64);
        let speaker = &SPEAKERS[direction.index()];
        // A twelfth up or down, in tenths of a hertz.
        let decihertz = speaker.hertz * 10 * (1_100 + key % 201) / 1_200;
        Self {
            key,
            pitch: ((decihertz << 32) / 80_000) as u32,
            pace: speaker.pace + (key >> 8) % 97,
            direction,
            vowels: &VOWELS[direction.index()],
        }
    }

    /// What is said from sample `start` of the call on.
    pub(super) fn fill(&self, start: u64, out: &mut [i16]) {
        let (mut at, mut rest) = (start, out);
        while !rest.is_empty() {
            let within = at % self.pace;
            let length = (self.pace - within).min(rest.len() as u64);
            let (now, later) = rest.split_at_mut(length as usize);
            self.syllable(at / self.pace).write(within as u32, now);
            at = at.wrapping_add(length);
            rest = later;
        }
    }

    fn syllable(&self, number: u64) -> Syllable {
        let dice = mix(self.key, number);
        // Eight bits of the dice for each choice.
        let pick = |place: u32| (dice >> (8 * place)) as u8;
        let own_turn = self.has_the_floor(number * self.pace);
        let word_gap = pick(0) < 32;
        let aside = pick(0) >= 240;
        if (own_turn && word_gap) || !(own_turn || aside) {
            return Syllable::pause(dice);
        }
        let length = self.pace as u32 * (154 + u32::from(pick(1)) % 96) / 256;
        let pitch = self.pitch / 640 * (512 + u32::from(pick(2)));
        let vowel = |choice: u8| &self.vowels[usize::from(choice) % VOWEL_COUNT];
        Syllable {
            noise: dice as u32 ^ (dice >> 32) as u32,
            length,
            pitch,
            glide: (pitch as i32 >> 11) * (i32::from(pick(3)) - 144) / length as i32,
            loudness: match own_turn {
                true => 128 + i32::from(pick(4)) / 2,
                false => 40 + i32::from(pick(4)) / 8,
            },
            hiss: if pick(5) < 96 {
                240 + u32::from(pick(5)) * 2
            } else {
                0
            },
            first: vowel(pick(6)),
            last: vowel(pick(7)),
        }
    }

    /// Whether it is this speaker's turn. Turns move a little with every exchange, so the
    /// two now pause between them and now talk over each other.
    fn has_the_floor(&self, at: u64) -> bool {
        let dice = mix(self.key ^ 0x7077, at / EXCHANGE);
        let (early, late) = (dice & 0xfff, (dice >> 12) & 0xfff);
        let turn = match self.direction {
            Direction::FromCustomer => 800 + early / 2..22_800 + late,
            Direction::ToCustomer => 23_000 + early..43_000 + late,
        };
        turn.contains(&(at % EXCHANGE))
    }
}

/// One syllable, or one pause of that length.
struct Syllable {
    /// Where this syllable's noise starts in the sequence of all noise.
    noise: u32,
    /// Samples until it has died away; 0 for a pause.
    length: u32,
    pitch: u32,
    /// What each sample adds to the pitch.
    glide: i32,
    /// In 256ths of the loudest.
    loudness: i32,
    /// Samples of hiss at its start.
    hiss: u32,
    first: &'static Wave,
    last: &'static Wave,
}

impl Syllable {
    fn pause(dice: u64) -> Self {
        Self {
            noise: dice as u32 ^ (dice >> 32) as u32,
            length: 0,
            pitch: 0,
            glide: 0,
            loudness: 0,
            hiss: 0,
            first: &SILENT,
            last: &SILENT,
        }
    }

    /// Writes the samples from `within` on, counted from the syllable's start.
    fn write(&self, within: u32, out: &mut [i16]) {
        let spoken = self.length.saturating_sub(within).min(out.len() as u32);
        let (voiced, quiet) = out.split_at_mut(spoken as usize);
        if !voiced.is_empty() {
            self.write_voiced(within, voiced);
        }
        for (t, sample) in (within + spoken..).zip(quiet) {
            *sample = breath(self.noise_at(t)) as i16;
        }
    }

    fn write_voiced(&self, within: u32, out: &mut [i16]) {
        let mut pitch = self
            .pitch
            .wrapping_add_signed(self.glide.wrapping_mul(within as i32));
        let mut phase = self.phase_at(within);
        // The sweep from the first vowel to the last, of 2^24.
        let sweep = (1 << 24) / self.length;
        let mut before = self.noise_at(within.wrapping_sub(1));
        for (t, sample) in (within..).zip(out) {
            let noise = self.noise_at(t);
            let place = (phase >> PHASE_SHIFT) as usize;
            let (first, last) = (i32::from(self.first[place]), i32::from(self.last[place]));
            let vowel = first + (((last - first) * ((sweep * t) >> 16) as i32) >> 8);
            let rise = (t * ATTACK).min((self.length - t) * RELEASE).min(32_767) as i32;
            let voice = (((vowel * rise) >> 15) * self.loudness) >> 8;
            let hiss_left = self.hiss.saturating_sub(t).min(255) as i32;
            let hiss = (((noise >> 21) as i32 - (before >> 21) as i32) * hiss_left) >> 8;
            *sample = (voice + hiss + breath(noise)) as i16;
            phase = phase.wrapping_add(pitch);
            pitch = pitch.wrapping_add_signed(self.glide);
            before = noise;
        }
    }

    /// The sum of the first `t` pitches.
    fn phase_at(&self, t: u32) -> u32 {
        let glides = u64::from(t) * u64::from(t.saturating_sub(1)) / 2;
        (self.pitch.wrapping_mul(t)).wrapping_add((self.glide as u32).wrapping_mul(glides as u32))
    }

    fn noise_at(&self, t: u32) -> u32 {
        let mut noise = self.noise.wrapping_add(t);
        noise = (noise ^ (noise >> 16)).wrapping_mul(0x7feb_352d);
        noise = (noise ^ (noise >> 15)).wrapping_mul(0x846c_a68b);
        noise ^ (noise >> 16)
    }
}

/// What a line carries when nobody speaks: about 70 dB below full scale.
fn breath(noise: u32) -> i32 {
    (noise & 15) as i32 - 8
}

type Wave = [i16; PERIOD];
type Vowels = [Wave; VOWEL_COUNT];

struct Speaker {
    hertz: u64,
    pace: u64,
    /// How much shorter the vocal tract is than the one the formants were measured on, in percent.
    formants: i64,
}

/// In the order of [`Direction::index`].
const SPEAKERS: [Speaker; 2] = [
    Speaker {
        hertz: 112,
        pace: 1_520,
        formants: 100,
    },
    Speaker {
        hertz: 205,
        pace: 1_360,
        formants: 114,
    },
];

const VOWEL_COUNT: usize = 7;

/// The first three formants of English vowels, in hertz.
const FORMANTS: [[i64; 3]; VOWEL_COUNT] = [
    [730, 1_090, 2_440],
    [660, 1_720, 2_410],
    [530, 1_840, 2_480],
    [270, 2_290, 3_010],
    [570, 840, 2_410],
    [300, 870, 2_240],
    [490, 1_350, 1_690],
];

/// Strength of each formant, and half its width in hertz.
const RESONANCES: [(i64, i64); 3] = [(1_000, 90), (500, 120), (220, 160)];

/// What stays below half the sample rate even when the pitch rises.
const HIGHEST_HARMONIC_HERTZ: i64 = 3_000;

static SILENT: Wave = [0; PERIOD];

static VOWELS: LazyLock<[Vowels; 2]> = LazyLock::new(|| {
    let sine = sine_table();
    SPEAKERS.map(|speaker| FORMANTS.map(|formants| vowel(&speaker, &formants, &sine)))
});

/// One period of a vowel: the harmonics of the speaker's pitch, as loud as the formants make them.
fn vowel(speaker: &Speaker, formants: &[i64; 3], sine: &[i64; PERIOD]) -> Wave {
    let hertz = speaker.hertz as i64;
    let mut sums = [0_i64; PERIOD];
    for harmonic in 1..=HIGHEST_HARMONIC_HERTZ / hertz {
        let strength = 240 / harmonic
            + (formants.iter().zip(RESONANCES))
                .map(|(formant, (gain, width))| {
                    let away = harmonic * hertz - formant * speaker.formants / 100;
                    gain * width * width / (width * width + away * away)
                })
                .sum::<i64>();
        // Phases that grow with the square keep the harmonics from peaking together.
        let phase = (harmonic * harmonic * 11) as usize;
        for (place, sum) in sums.iter_mut().enumerate() {
            *sum += strength * sine[(place * harmonic as usize + phase) % PERIOD];
        }
    }
    let loudest = sums.iter().map(|sum| sum.abs()).max().unwrap_or(0).max(1);
    sums.map(|sum| (sum * PEAK / loudest) as i16)
}

/// A sine in steps of 2^-20, made by turning a vector: no libm, whose last bits differ.
fn sine_table() -> [i64; PERIOD] {
    // Cosine and sine of a 512th of a turn, in steps of 2^-30.
    const STEP: (i64, i64) = (1_073_660_973, 13_176_464);
    let (mut x, mut y) = (1_i64 << 30, 0_i64);
    std::array::from_fn(|_| {
        let sine = y >> 10;
        (x, y) = (
            (x * STEP.0 - y * STEP.1) >> 30,
            (x * STEP.1 + y * STEP.0) >> 30,
        );
        sine
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(seed: u64, direction: Direction, start: u64, length: usize) -> Vec<i16> {
        let mut out = vec![0; length];
        Voice::new(seed, direction).fill(start, &mut out);
        out
    }

    fn level(samples: &[i16]) -> f64 {
        let energy: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
        (energy / samples.len() as f64).sqrt()
    }

    #[test]
    fn a_sample_is_the_same_however_it_is_asked_for() {
        for direction in Direction::BOTH {
            let whole = spoken(3, direction, 0, 60_000);
            for (start, length) in [(0, 1), (1, 1), (1_519, 3), (700, 512), (31_337, 9_001)] {
                let part = spoken(3, direction, start as u64, length);
                assert_eq!(part, whole[start..start + length], "{direction} {start}");
            }
        }
        // No index is out of reach.
        spoken(3, Direction::ToCustomer, u64::MAX - 5, 6);
    }

    #[test]
    fn both_are_heard_in_turns_and_never_clip() {
        let from = spoken(1, Direction::FromCustomer, 0, 480_000);
        let to = spoken(1, Direction::ToCustomer, 0, 480_000);
        for samples in [&from, &to] {
            let level = level(samples);
            assert!((500.0..6_000.0).contains(&level), "level {level}");
            let loudest = samples.iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert!((4_000..16_000).contains(&loudest), "loudest {loudest}");
            let mean = samples.iter().map(|s| i64::from(*s)).sum::<i64>() / samples.len() as i64;
            assert!(mean.abs() < 30, "mean {mean}");
        }
        let (own, other) = (2_000..22_000, 28_000..43_000);
        assert!(level(&from[own.clone()]) > 6.0 * level(&to[own]));
        assert!(level(&to[other.clone()]) > 6.0 * level(&from[other]));
    }

    #[test]
    fn callers_differ_even_when_silent() {
        let windows = |seed, direction| {
            spoken(seed, direction, 0, 40_000)
                .chunks(16)
                .map(<[i16]>::to_vec)
                .collect::<Vec<_>>()
        };
        let own = windows(1, Direction::FromCustomer);
        for other in [
            windows(2, Direction::FromCustomer),
            windows(1, Direction::ToCustomer),
        ] {
            assert!(own.iter().all(|window| !other.contains(window)));
        }
    }

    /// The very samples, so that no platform and no later edit changes them unseen.
    #[test]
    fn samples_are_pinned() {
        let digest = |direction| {
            (spoken(0, direction, 0, 100_000).iter())
                .fold(0_u64, |sum, sample| mix(sum, u64::from(*sample as u16)))
        };
        assert_eq!(digest(Direction::FromCustomer), 1_066_810_049_394_525_257);
        assert_eq!(digest(Direction::ToCustomer), 8_595_363_385_664_104_381);
    }
}
