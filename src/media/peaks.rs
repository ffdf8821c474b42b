//! What a waveform is drawn from: the lowest and the highest sample of every 32 ms, taken in
//! the pass that writes the files. The format is audiowaveform's binary one, version 2, with
//! 8 bits, which waveform tools read: a header of 24 bytes, then a point for each
//! [`POINT_SAMPLES`] samples, and in it lowest and highest of each channel in turn.
//!
//! Values are widened outwards to the next step of 256, so that a point is never narrower
//! than its samples: only digital silence is drawn as nothing at all, and a line that hisses
//! differs from one that is mute. Nothing of the samples is kept but the open point.
//!
//! Format: `doc/DataFormat.md` of audiowaveform.

use crate::media::ticks::SAMPLE_RATE;
use crate::media::wav;

/// Samples of one point: 32 ms.
pub const POINT_SAMPLES: usize = 256;
/// Length of the header in bytes; the points follow.
pub const HEADER_BYTES: usize = 24;
/// What the name of such a file ends in.
pub const SUFFIX: &str = "_peaks.dat";

const VERSION: u32 = 2;
/// Bit 0: values have 8 bits.
const FLAGS: u32 = 1;
/// One step of a value, in samples' units.
const STEP: i32 = 256;
/// Channels at the most: the sides of a call.
const MAX_CHANNELS: usize = 2;

/// The header of a file of so many points of so many channels. A file that is too long for
/// its 32 bits would be of 4,300 years.
pub fn header(channels: u16, points: u64) -> [u8; HEADER_BYTES] {
    let fields = [
        VERSION,
        FLAGS,
        SAMPLE_RATE,
        u32::try_from(POINT_SAMPLES).unwrap_or(u32::MAX),
        u32::try_from(points).unwrap_or(u32::MAX),
        u32::from(channels),
    ];
    let mut header = [0; HEADER_BYTES];
    for (place, field) in header.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
        *place = field.to_le_bytes();
    }
    header
}

/// The points of so many samples; the last one may be of fewer.
pub const fn points_of(samples: u64) -> u64 {
    samples.div_ceil(POINT_SAMPLES as u64)
}

/// Makes the points of one or both sides while they are written.
#[derive(Clone, Debug, Default)]
pub struct PeakMeter {
    open: [Open; MAX_CHANNELS],
    /// Samples of each channel in the open point.
    open_samples: usize,
}

/// One channel of the open point.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    low: i16,
    high: i16,
}

impl PeakMeter {
    /// Takes the next samples of each channel, and appends the points that they fill to
    /// `out`. There are always as many channels, two at the most, and all have the same
    /// length; what one has beyond the others is left out.
    pub fn push(&mut self, channels: &[&[i16]], out: &mut Vec<u8>) {
        let length = channels.iter().map(|samples| samples.len()).min();
        let mut at = 0;
        while let Some(left) = length.map(|length| length - at).filter(|left| *left > 0) {
            let taken = left.min(POINT_SAMPLES - self.open_samples);
            for (open, samples) in self.open.iter_mut().zip(channels) {
                open.take(&samples[at..][..taken], self.open_samples == 0);
            }
            self.open_samples += taken;
            at += taken;
            if self.open_samples == POINT_SAMPLES {
                self.close(channels.len(), out);
            }
        }
    }

    /// Appends the last point, if it is begun.
    pub fn finish(mut self, channels: usize, out: &mut Vec<u8>) {
        if self.open_samples > 0 {
            self.close(channels, out);
        }
    }

    fn close(&mut self, channels: usize, out: &mut Vec<u8>) {
        for open in self.open.iter().take(channels) {
            out.extend([step_below(open.low), step_above(open.high)].map(i8::cast_unsigned));
        }
        self.open_samples = 0;
    }
}

/// Why a file's waveform cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOurWav {
    /// Its header is another one than Callreel writes.
    #[error(
        "it is no WAV file as Callreel writes them (8 kHz, 16 bits, one or two channels, a header of 44 bytes)"
    )]
    Header,
    /// It ends before its header says.
    #[error("it ends before its last sample")]
    Cut,
}

/// Makes the points of a WAV file, in any chunks of it.
#[derive(Clone, Debug, Default)]
pub struct WavPeaks {
    meter: PeakMeter,
    header: Vec<u8>,
    /// Channels, and the samples that each is said to have.
    said: Option<(u16, u64)>,
    /// The beginning of a frame whose rest did not come yet.
    begun: Vec<u8>,
    samples: u64,
}

impl WavPeaks {
    /// Takes the file's next bytes, and appends the points that they fill.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NotOurWav> {
        let left = wav::HEADER_BYTES - self.header.len();
        let (head, samples) = bytes.split_at(bytes.len().min(left));
        self.header.extend_from_slice(head);
        if self.header.len() < wav::HEADER_BYTES {
            return Ok(());
        }
        let (channels, _) = match self.said {
            Some(said) => said,
            None => *self.said.insert(read_header(&self.header)?),
        };
        self.begun.extend_from_slice(samples);
        let frame = 2 * usize::from(channels);
        let whole = self.begun.len() - self.begun.len() % frame;
        let mut sides = [Vec::new(), Vec::new()];
        for (at, sample) in self.begun[..whole].as_chunks::<2>().0.iter().enumerate() {
            sides[at % usize::from(channels)].push(i16::from_le_bytes(*sample));
        }
        self.begun.drain(..whole);
        self.samples += (whole / frame) as u64;
        let sides: Vec<_> = sides.iter().map(Vec::as_slice).collect();
        self.meter.push(&sides[..usize::from(channels)], out);
        Ok(())
    }

    /// Appends the last point, and gives the header of them all.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<[u8; HEADER_BYTES], NotOurWav> {
        let (channels, said) = self.said.ok_or(NotOurWav::Header)?;
        if said != self.samples || !self.begun.is_empty() {
            return Err(NotOurWav::Cut);
        }
        self.meter.finish(usize::from(channels), out);
        Ok(header(channels, points_of(said)))
    }
}

/// Channels of a WAV file, and how many samples each has.
fn read_header(bytes: &[u8]) -> Result<(u16, u64), NotOurWav> {
    let size = bytes
        .last_chunk::<4>()
        .map(|size| u32::from_le_bytes(*size));
    let size = u64::from(size.ok_or(NotOurWav::Header)?);
    let fits = |channels: &u16| {
        let samples = size / (2 * u64::from(*channels));
        wav::header(*channels, samples).is_ok_and(|header| header[..] == *bytes)
    };
    let channels = [1, 2].into_iter().find(fits).ok_or(NotOurWav::Header)?;
    Ok((channels, size / (2 * u64::from(channels))))
}

impl Open {
    fn take(&mut self, samples: &[i16], is_first: bool) {
        let Some(first) = samples.first() else {
            return;
        };
        let (mut low, mut high) = match is_first {
            true => (*first, *first),
            false => (self.low, self.high),
        };
        for sample in samples {
            low = low.min(*sample);
            high = high.max(*sample);
        }
        (self.low, self.high) = (low, high);
    }
}

fn step_below(sample: i16) -> i8 {
    i8::try_from(i32::from(sample).div_euclid(STEP)).unwrap_or(i8::MIN)
}

fn step_above(sample: i16) -> i8 {
    let step = (i32::from(sample) + STEP - 1).div_euclid(STEP);
    i8::try_from(step).unwrap_or(i8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(channels: &[&[i16]], cut: usize) -> Vec<i8> {
        let mut meter = PeakMeter::default();
        let mut out = Vec::new();
        let length = channels[0].len();
        for at in (0..length).step_by(cut) {
            let pieces: Vec<_> = channels
                .iter()
                .map(|samples| &samples[at..length.min(at + cut)])
                .collect();
            meter.push(&pieces, &mut out);
        }
        meter.finish(channels.len(), &mut out);
        out.into_iter().map(u8::cast_signed).collect()
    }

    #[test]
    fn points_hold_lowest_and_highest() {
        #[track_caller]
        fn check(samples: &[i16], expected: &[i8]) {
            assert_eq!(points(&[samples], 7), expected);
        }
        check(&[], &[]);
        check(&[0; 256], &[0, 0]);
        check(&[0; 257], &[0, 0, 0, 0]);
        // Widened outwards; all values that there are fit.
        check(&[1, -1, 0], &[-1, 1]);
        check(&[256, -256], &[-1, 1]);
        check(&[257, -257], &[-2, 2]);
        check(&[i16::MAX, i16::MIN], &[-128, 127]);
        // A side that lies on one side of zero.
        check(&[300; 10], &[1, 2]);
        check(&[-300; 10], &[-2, -1]);
        assert_eq!(
            points(&[&[512; 300], &[-512; 300]], 300),
            [2, 2, -2, -2, 2, 2, -2, -2]
        );
    }

    /// A file's waveform is that of the samples in it, however it is cut.
    #[test]
    fn a_files_waveform_is_that_of_its_samples() {
        let from: Vec<i16> = (0..700).map(|at| (at * 37 % 9_000) as i16).collect();
        let to: Vec<i16> = from.iter().map(|sample| -sample / 3).collect();
        let mut file = wav::header(2, 700).unwrap().to_vec();
        wav::encode_stereo(&from, &to, &mut file);
        let made = |file: &[u8], piece: usize| {
            let (mut peaks, mut out) = (WavPeaks::default(), Vec::new());
            for piece in file.chunks(piece) {
                peaks.push(piece, &mut out)?;
            }
            let header = peaks.finish(&mut out)?;
            Ok((
                header,
                out.into_iter().map(u8::cast_signed).collect::<Vec<_>>(),
            ))
        };
        for piece in [1, 3, 43, 44, 1_000, 9_999] {
            let expected = (header(2, 3), points(&[&from, &to], 700));
            assert_eq!(made(&file, piece), Ok(expected));
        }
        assert_eq!(made(&file[..file.len() - 1], 99), Err(NotOurWav::Cut));
        assert_eq!(made(&file[..40], 99), Err(NotOurWav::Header));
        file[24] ^= 1;
        assert_eq!(made(&file, 99), Err(NotOurWav::Header));
    }

    /// The six fields in the order of the format's page.
    #[test]
    fn the_header_is_of_the_format() {
        let expected: Vec<u8> = [2_u32, 1, 8_000, 256, 3, 2]
            .iter()
            .flat_map(|field| field.to_le_bytes())
            .collect();
        assert_eq!(header(2, 3)[..], expected);
    }

    proptest! {
        #[test]
        fn any_cutting_makes_the_same_points_and_none_is_narrower_than_its_samples(
            samples in prop::collection::vec(any::<i16>(), 1..1_500),
            cut in 1_usize..700,
        ) {
            let other: Vec<i16> = samples.iter().rev().copied().collect();
            let whole = points(&[&samples, &other], samples.len());
            prop_assert_eq!(&points(&[&samples, &other], cut), &whole);
            prop_assert_eq!(whole.len() as u64, 4 * points_of(samples.len() as u64));
            for (point, held) in whole.chunks(4).zip(samples.chunks(POINT_SAMPLES)) {
                for sample in held {
                    prop_assert!(i32::from(point[0]) * STEP <= i32::from(*sample));
                    prop_assert!(i32::from(point[1]) * STEP >= i32::from(*sample).min(127 * STEP));
                }
            }
        }
    }
}
