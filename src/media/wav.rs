//! Samples to WAV: mono and stereo, 8 kHz, 16 bits, with a header of 44 bytes that is
//! known only at the end. Three ways to it, one format: [`header`] with [`encode_mono`]
//! and [`encode_stereo`] for a stream whose first bytes are held back, and [`WavWriter`]
//! for anything that is `Write + Seek`.
//!
//! `hound` writes the header; samples pass it by, since three files through its fastest
//! sample writer cost about as much as the whole demuxer, and six times what they cost
//! here (`steps` in benches/pipeline.rs). This is its only user.

use std::io::{Cursor, Seek, SeekFrom, Write};

use crate::media::fragment::Direction;
use crate::media::ticks::SAMPLE_RATE;
use crate::media::timeline::Frames;

/// Length of the header in bytes; the samples follow.
pub const HEADER_BYTES: usize = HEADER_LENGTH as usize;
/// The same, as the format counts.
const HEADER_LENGTH: u32 = 44;
/// The most bytes of samples in a WAV file, whose sizes are unsigned 32-bit numbers.
pub const MAX_DATA_BYTES: u64 = u32::MAX as u64 - (HEADER_BYTES as u64 - 8);

const RIFF_SIZE_AT: usize = 4;
const DATA_SIZE_AT: usize = 40;

/// One file of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Mono: what the customer says.
    From,
    /// Mono: what the customer hears.
    To,
    /// Stereo: left what the customer says, right what the customer hears.
    Mixed,
}

impl Output {
    /// All three, in the order of tables and of the verdict.
    pub const ALL: [Self; 3] = [Self::From, Self::To, Self::Mixed];

    /// `from`, `to` or `mixed`, as in file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::To => "to",
            Self::Mixed => "mixed",
        }
    }

    /// The directions that the file holds, one a channel.
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::From => &[Direction::FromCustomer],
            Self::To => &[Direction::ToCustomer],
            Self::Mixed => &Direction::BOTH,
        }
    }

    /// How many channels the file has.
    pub const fn channels(self) -> u16 {
        match self {
            Self::From | Self::To => 1,
            Self::Mixed => 2,
        }
    }

    /// Appends frames to `out` as this file's bytes.
    pub fn encode(self, frames: Frames<'_>, out: &mut Vec<u8>) {
        match self {
            Self::From => encode_mono(frames.from, out),
            Self::To => encode_mono(frames.to, out),
            Self::Mixed => encode_stereo(frames.from, frames.to, out),
        }
    }
}

/// Why a WAV file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The sink refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The format's 32-bit sizes are used up.
    #[error("a WAV file holds at most {MAX_DATA_BYTES} bytes of samples, not {0}")]
    TooLong(u64),
    /// `hound` refused the format, which no input can bring about.
    #[error("WAV header: {0}")]
    Header(#[from] hound::Error),
}

/// The 44 bytes before `samples` samples of each of `channels` channels.
pub fn header(channels: u16, samples: u64) -> Result<[u8; HEADER_BYTES], WavError> {
    let data_bytes = samples.saturating_mul(u64::from(channels) * 2);
    let data_size = u32::try_from(data_bytes)
        .ok()
        .filter(|size| u64::from(*size) <= MAX_DATA_BYTES)
        .ok_or(WavError::TooLong(data_bytes))?;
    let mut header = [0; HEADER_BYTES];
    let spec = hound::WavSpec {
        channels,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    hound::WavWriter::new(Cursor::new(&mut header[..]), spec)?.finalize()?;
    let riff_size = data_size + (HEADER_LENGTH - 8);
    header[RIFF_SIZE_AT..][..4].copy_from_slice(&riff_size.to_le_bytes());
    header[DATA_SIZE_AT..][..4].copy_from_slice(&data_size.to_le_bytes());
    Ok(header)
}

/// Appends one channel's samples as little-endian bytes.
pub fn encode_mono(samples: &[i16], out: &mut Vec<u8>) {
    out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
}

/// Appends two channels' samples, interleaved, as little-endian bytes. Both have the
/// same length; what one has beyond the other is left out.
pub fn encode_stereo(left: &[i16], right: &[i16], out: &mut Vec<u8>) {
    out.extend(left.iter().zip(right).flat_map(|(left, right)| {
        let both = u32::from(left.cast_unsigned()) | u32::from(right.cast_unsigned()) << 16;
        both.to_le_bytes()
    }));
}

/// Two channels' samples as they are in a file of one each, put in turn as they are in a file of
/// both; what one has beyond the other is left out.
pub fn in_turn(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut both = Vec::with_capacity(left.len().min(right.len()) * 2);
    let samples = left.as_chunks::<2>().0.iter().zip(right.as_chunks::<2>().0);
    both.extend(samples.flat_map(|(left, right)| [left[0], left[1], right[0], right[1]]));
    both
}

/// Writes one WAV file to a sink that can seek; the header is patched at the end.
#[derive(Debug)]
pub struct WavWriter<W: Write + Seek> {
    sink: W,
    output: Output,
    samples: u64,
    buffer: Vec<u8>,
}

impl<W: Write + Seek> WavWriter<W> {
    /// Starts a file at the sink's current position.
    pub fn new(mut sink: W, output: Output) -> Result<Self, WavError> {
        sink.write_all(&header(output.channels(), 0)?)?;
        Ok(Self {
            sink,
            output,
            samples: 0,
            buffer: Vec::new(),
        })
    }

    /// Writes the next frames.
    pub fn write(&mut self, frames: Frames<'_>) -> Result<(), WavError> {
        self.buffer.clear();
        self.output.encode(frames, &mut self.buffer);
        self.samples += frames.from.len() as u64;
        Ok(self.sink.write_all(&self.buffer)?)
    }

    /// Patches the header and gives the sink back, positioned behind the file.
    pub fn finish(mut self) -> Result<W, WavError> {
        let header = header(self.output.channels(), self.samples)?;
        let data_bytes = self.samples * u64::from(self.output.channels()) * 2;
        let whole = i64::try_from(HEADER_BYTES as u64 + data_bytes).unwrap_or(i64::MAX);
        self.sink.seek(SeekFrom::Current(-whole))?;
        self.sink.write_all(&header)?;
        self.sink.seek_relative(whole - i64::from(HEADER_LENGTH))?;
        self.sink.flush()?;
        Ok(self.sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(output: Output, from: &[i16], to: &[i16]) -> Vec<u8> {
        let mut writer = WavWriter::new(Cursor::new(Vec::new()), output).unwrap();
        for (from, to) in from.chunks(3).zip(to.chunks(3)) {
            writer.write(Frames { from, to }).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// What `hound` itself writes and reads is the reference.
    #[test]
    fn files_are_those_of_hound() {
        #[track_caller]
        fn check(output: Output, interleaved: &[i16]) {
            let (from, to) = ([1, -2, i16::MAX, i16::MIN], [5, 6, -7, 0]);
            let file = wav(output, &from, &to);
            let spec = hound::WavReader::new(&file[..]).unwrap().spec();
            assert_eq!(
                (spec.channels, spec.sample_rate, spec.bits_per_sample),
                (output.channels(), 8_000, 16)
            );
            let mut reference = Cursor::new(Vec::new());
            let mut writer = hound::WavWriter::new(&mut reference, spec).unwrap();
            interleaved
                .iter()
                .for_each(|sample| writer.write_sample(*sample).unwrap());
            writer.finalize().unwrap();
            assert_eq!(file, reference.into_inner());
        }
        check(Output::From, &[1, -2, i16::MAX, i16::MIN]);
        check(Output::To, &[5, 6, -7, 0]);
        check(Output::Mixed, &[1, 5, -2, 6, i16::MAX, -7, i16::MIN, 0]);
    }

    #[test]
    fn sides_in_turn_are_the_mix() {
        let (from, to) = ([1, -2, i16::MAX, i16::MIN], [5, 6, -7, 0]);
        let [left, right] = [(Output::From, from), (Output::To, to)]
            .map(|(output, _)| wav(output, &from, &to)[HEADER_BYTES..].to_vec());
        let mixed = wav(Output::Mixed, &from, &to);
        assert_eq!(in_turn(&left, &right), &mixed[HEADER_BYTES..]);
        // A sample more on one side, and half a sample.
        assert_eq!(in_turn(&left, &right[..6]), &mixed[HEADER_BYTES..][..12]);
        assert_eq!(in_turn(&left[..5], &right), &mixed[HEADER_BYTES..][..8]);
    }

    #[test]
    fn an_empty_file_is_a_header() {
        assert_eq!(wav(Output::Mixed, &[], &[]), header(2, 0).unwrap());
    }

    #[test]
    fn a_file_may_start_anywhere_in_the_sink() {
        let mut sink = Cursor::new(b"before".to_vec());
        sink.set_position(6);
        let mut writer = WavWriter::new(sink, Output::From).unwrap();
        writer
            .write(Frames {
                from: &[1],
                to: &[1],
            })
            .unwrap();
        let mut sink = writer.finish().unwrap();
        assert_eq!(sink.position(), 6 + 46);
        sink.write_all(b"behind").unwrap();
        let bytes = sink.into_inner();
        assert_eq!(
            (&bytes[..6], &bytes[52..]),
            (&b"before"[..], &b"behind"[..])
        );
        assert_eq!(hound::WavReader::new(&bytes[6..52]).unwrap().duration(), 1);
    }

    #[test]
    fn sizes_end_with_32_bits() {
        let most = MAX_DATA_BYTES / 4;
        assert!(header(2, most).is_ok());
        assert!(matches!(header(2, most + 1), Err(WavError::TooLong(_))));
        assert!(header(1, u64::MAX).is_err());
        assert!(
            crate::media::timeline::MAX_SAMPLES.unsigned_abs() <= most,
            "the timeline's limit fits the file's"
        );
    }
}
