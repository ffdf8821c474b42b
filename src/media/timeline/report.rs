//! What the timeline found: counted and listed while samples flow, in bounded memory.

use crate::media::counts::{nearest, nearest_signed};
use crate::media::ticks::MediaTime;

/// Spans listed one by one; beyond it they are only counted.
pub const MAX_LISTED: usize = 500;

/// A stretch of one direction, in samples of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The recording's sample at which it starts.
    pub at: u64,
    /// How many samples it lasts.
    pub samples: u64,
}

/// Spans of one kind: all counted, the first [`MAX_LISTED`] listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// The first of them, in order.
    pub listed: Vec<Span>,
    /// How many there were.
    pub count: u64,
    /// How many samples they lasted together.
    pub samples: u64,
}

/// Spans while the recording's first sample is not yet settled.
#[derive(Debug, Default)]
pub(super) struct OpenSpans {
    listed: Vec<(MediaTime, u64)>,
    count: u64,
    samples: u64,
}

impl OpenSpans {
    pub(super) fn add(&mut self, at: MediaTime, samples: u64) {
        self.count += 1;
        self.samples += samples;
        if self.listed.len() < MAX_LISTED {
            self.listed.push((at, samples));
        }
    }

    pub(super) fn close(self, origin: MediaTime) -> Spans {
        let at = |time: MediaTime| u64::try_from(time.samples_since(origin)).unwrap_or(0);
        Spans {
            listed: self
                .listed
                .into_iter()
                .map(|(time, samples)| Span {
                    at: at(time),
                    samples,
                })
                .collect(),
            count: self.count,
            samples: self.samples,
        }
    }
}

/// How the block times ran against the count of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// The furthest that a block's time lay before its sample, in samples (0 or less).
    pub earliest: i64,
    /// The furthest that a block's time lay behind its sample, in samples (0 or more).
    pub latest: i64,
    /// Block time gained over the samples, summed over all runs, in samples.
    pub gained: i64,
    /// The samples of those runs.
    pub over: u64,
}

impl Drift {
    /// Below this, millisecond rounding of block times drowns any drift.
    const LEAST_SAMPLES: u64 = 60 * crate::media::ticks::SAMPLE_RATE as u64;

    /// Drift of the block clock against the samples in parts per million; `None` for
    /// less than a minute of audio, where rounding hides it.
    pub fn ppm(&self) -> Option<f64> {
        (self.over >= Self::LEAST_SAMPLES)
            .then(|| nearest_signed(self.gained) / nearest(self.over) * 1e6)
    }
}

/// What became of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneReport {
    /// The recording's sample at which this direction's audio starts; `None` without any.
    pub starts_at: Option<u64>,
    /// Blocks taken in.
    pub blocks: u64,
    /// Bytes of audio that came to the timeline: written, the same as what was written, or
    /// halves of samples.
    pub came_bytes: u64,
    /// Halves of samples whose other half never came, each a byte.
    pub halves: u64,
    /// Samples that came as audio and were written.
    pub audio_samples: u64,
    /// Samples of silence written: before, between and behind the audio.
    pub silence_samples: u64,
    /// Silence between audio: holds, lost fragments, short blocks.
    pub gaps: Spans,
    /// Audio that came twice, the very same, and was cut.
    pub overlaps: Spans,
    /// Audio that came for a time at which other audio was written, and follows it.
    pub displaced: Spans,
    /// Clock drift.
    pub drift: Drift,
}

impl LaneReport {
    /// Bytes that came and are not written, nor the same as what is: halves of samples.
    pub fn unwritten_bytes(&self) -> u64 {
        let kept = 2 * (self.audio_samples + self.overlaps.samples);
        self.came_bytes.saturating_sub(kept)
    }
}

/// What became of a recording's fragments on the timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimelineReport {
    /// When the first sample was taken, on the media clock; `None` without audio.
    pub origin: Option<MediaTime>,
    /// The length of every file of the recording, in samples.
    pub samples: u64,
    /// Each direction, by [`Direction::index`](crate::media::fragment::Direction::index).
    pub lanes: [LaneReport; 2],
    /// Times that the media clock broke off and was set anew by the server's.
    pub clock_breaks: u64,
    /// Bytes of each direction refused because the recording reached its longest length.
    pub beyond_limit: [u64; 2],
}

impl TimelineReport {
    /// Which directions have any audio, by
    /// [`Direction::index`](crate::media::fragment::Direction::index).
    pub fn heard(&self) -> [bool; 2] {
        self.lanes.each_ref().map(|lane| lane.audio_samples > 0)
    }
}
