//! One direction of the timeline: a run of samples, the silence in it, and what was said
//! for a time that is written already.
//!
//! Every byte that comes is written, or is the very same bytes that stand there already,
//! or is counted: a lane never cuts audio because its clock says so.

use std::mem;

use bytes::{Buf, Bytes, BytesMut};

use super::recent::{Piece, Repetition, Written};
use super::report::{Drift, LaneReport, OpenSpans};
use super::{MAX_JOIN_ROUGHNESS, TOLERANCE};
use crate::media::ticks::MediaTime;

#[derive(Debug, Default)]
pub(super) struct Lane {
    written: Written,
    /// When the first block came.
    start: Option<MediaTime>,
    /// The time behind the last queued sample.
    end: Option<MediaTime>,
    /// The time behind the last queued sample of audio.
    audio_end: Option<MediaTime>,
    /// The last queued sample is audio: the next block may join within the tolerance.
    in_run: bool,
    /// The first byte of a sample whose other one the next block of the run begins with.
    half: Option<u8>,
    /// How far block times lie off the run, and the samples of the run.
    run_drift: i64,
    run_samples: u64,
    drift: Drift,
    blocks: u64,
    came_bytes: u64,
    halves: u64,
    audio_samples: u64,
    silence_samples: u64,
    gaps: OpenSpans,
    overlaps: OpenSpans,
    displaced: OpenSpans,
}

/// How a block fits behind what is written, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It comes when the run goes on, or later.
    Follows,
    /// It comes for a time that is written already, with the very same bytes, which also
    /// fit elsewhere: silence or a tone may as well go on.
    MayRepeat,
    /// It comes for a time that is written already, with the very same bytes.
    Repeats,
    /// It comes for a time that is written already, with other bytes.
    Clashes,
}

impl Lane {
    pub(super) fn start(&self) -> Option<MediaTime> {
        self.start
    }

    pub(super) fn end(&self) -> Option<MediaTime> {
        self.end
    }

    pub(super) fn queued(&self) -> u64 {
        self.written.queued()
    }

    /// The recording starts at `origin`: silence up to this lane's first block.
    pub(super) fn open_at(&mut self, origin: MediaTime) {
        let lead = match self.start {
            Some(start) => u64::try_from(start.samples_since(origin)).unwrap_or(0),
            None => {
                self.end = Some(origin);
                0
            }
        };
        if lead > 0 {
            self.written.lead_in(lead);
            self.silence_samples += lead;
        }
    }

    /// How a block of this time would fit; nothing is changed.
    pub(super) fn fit(&self, start: MediaTime, pcm: &[u8]) -> Fit {
        let Some(early) = self.early(start) else {
            return Fit::Follows;
        };
        match self.written.repetition(early, pcm) {
            None => Fit::Clashes,
            Some(repetition) if repetition.is_certain => Fit::Repeats,
            Some(_) => Fit::MayRepeat,
        }
    }

    /// Puts a block at its time, or in the run when it is close enough to it. One that
    /// comes for a time that is written already is cut where it is the very same, and else
    /// follows what is written.
    pub(super) fn append(&mut self, start: MediaTime, mut pcm: Bytes) {
        self.blocks += 1;
        self.came_bytes += pcm.len() as u64;
        let offset = self.end.map_or(0, |end| start.samples_since(end));
        if self.in_run && offset.abs() <= TOLERANCE {
            self.run_drift = offset;
            self.drift.earliest = self.drift.earliest.min(offset);
            self.drift.latest = self.drift.latest.max(offset);
        } else {
            self.rebase_drift();
            match u64::try_from(offset) {
                Ok(late) => self.push_silence(late),
                Err(_) => self.cut_repetition(start, &mut pcm, offset.unsigned_abs()),
            }
        }
        let pcm = self.join_half(pcm);
        if !pcm.is_empty() {
            self.push_audio(start, pcm);
        }
    }

    /// Counts a block that is put behind what is written, its time being out of reach.
    pub(super) fn append_displaced(&mut self, start: MediaTime, pcm: Bytes) {
        self.displaced.add(start, pcm.len() as u64 / 2);
        self.append(start, pcm);
    }

    /// By how many samples a block comes before the end of what is written, if by more
    /// than the tolerance of a run.
    fn early(&self, start: MediaTime) -> Option<u64> {
        let offset = start.samples_since(self.end?);
        let tolerance = if self.in_run { TOLERANCE } else { 0 };
        (offset < -tolerance).then(|| offset.unsigned_abs())
    }

    /// The block comes early by so many samples. What of it stands there already is cut;
    /// other audio is kept, and follows what is written.
    fn cut_repetition(&mut self, start: MediaTime, pcm: &mut Bytes, early: u64) {
        match self.written.repetition(early, pcm) {
            Some(Repetition { samples, .. }) => {
                self.overlaps.add(start, samples);
                let bytes = usize::try_from(samples * 2).unwrap_or(usize::MAX);
                pcm.advance(bytes.min(pcm.len()));
                // What follows in the block begins with the half that waits.
                if !pcm.is_empty() && self.half.take().is_some() {
                    self.halves += 1;
                }
            }
            None => self.displaced.add(start, pcm.len() as u64 / 2),
        }
    }

    /// Puts a sample together that was cut between two blocks of a run. Where the audio
    /// behind it would turn into noise by that, the half is the rest of a byte that was
    /// lost, and is dropped and counted.
    fn join_half(&mut self, pcm: Bytes) -> Bytes {
        let pcm = match self.half.take() {
            Some(half) if pcm.is_empty() => {
                self.half = Some(half);
                pcm
            }
            Some(half) => {
                let mut joined = BytesMut::with_capacity(pcm.len() + 1);
                joined.extend_from_slice(&[half]);
                joined.extend_from_slice(&pcm);
                if roughness(&joined) > roughness(&pcm).saturating_mul(MAX_JOIN_ROUGHNESS) {
                    self.halves += 1;
                    pcm
                } else {
                    joined.freeze()
                }
            }
            None => pcm,
        };
        match pcm.split_last() {
            Some((last, whole)) if pcm.len() % 2 == 1 => {
                self.half = Some(*last);
                pcm.slice(..whole.len())
            }
            _ => pcm,
        }
    }

    /// Queues audio at the lane's end, or as its first at `start`.
    fn push_audio(&mut self, start: MediaTime, pcm: Bytes) {
        let samples = pcm.len() as u64 / 2;
        let from = *self.end.get_or_insert(start);
        let end = from.moved_by(samples.cast_signed());
        self.start.get_or_insert(from);
        if let Some(before) = self.audio_end.replace(end)
            && let Ok(gap @ 1..) = u64::try_from(from.samples_since(before))
        {
            self.gaps.add(before, gap);
        }
        self.end = Some(end);
        self.in_run = true;
        self.run_samples += samples;
        self.audio_samples += samples;
        self.written.push(Piece::Audio(pcm));
    }

    /// Silence up to `end`, unless the lane reaches that far.
    pub(super) fn pad_to(&mut self, end: MediaTime) {
        let Some(behind) = self
            .end
            .and_then(|from| u64::try_from(end.samples_since(from)).ok())
        else {
            return;
        };
        self.rebase_drift();
        self.push_silence(behind);
    }

    /// Fills `out` with the first queued samples; there are at least as many.
    pub(super) fn drain_into(&mut self, out: &mut [i16]) {
        self.written.drain_into(out);
    }

    pub(super) fn into_report(mut self, origin: Option<MediaTime>) -> LaneReport {
        self.rebase_drift();
        self.drop_half();
        let (came_bytes, halves) = (self.came_bytes, self.halves);
        let Some(origin) = origin else {
            return LaneReport {
                came_bytes,
                halves,
                ..LaneReport::default()
            };
        };
        LaneReport {
            starts_at: self
                .start
                .and_then(|start| u64::try_from(start.samples_since(origin)).ok()),
            blocks: self.blocks,
            came_bytes,
            halves,
            audio_samples: self.audio_samples,
            silence_samples: self.silence_samples,
            gaps: self.gaps.close(origin),
            overlaps: self.overlaps.close(origin),
            displaced: self.displaced.close(origin),
            drift: self.drift,
        }
    }

    fn push_silence(&mut self, samples: u64) {
        if samples == 0 {
            return;
        }
        self.drop_half();
        self.in_run = false;
        self.end = self.end.map(|end| end.moved_by(samples.cast_signed()));
        self.silence_samples += samples;
        self.written.push(Piece::Silence(samples));
    }

    /// The run ends: the other half of its last sample never came.
    fn drop_half(&mut self) {
        self.halves += u64::from(self.half.take().is_some());
    }

    /// The clock is set anew: drift is measured from here.
    fn rebase_drift(&mut self) {
        self.drift.gained += self.run_drift;
        self.drift.over += mem::take(&mut self.run_samples);
        self.run_drift = 0;
    }
}

/// How much samples differ from their neighbours, summed up. Speech read from the wrong
/// byte on is noise: its low bytes count as high ones.
fn roughness(pcm: &[u8]) -> u64 {
    let (samples, _) = pcm.as_chunks::<2>();
    let value = |sample: &[u8; 2]| i16::from_le_bytes(*sample);
    samples
        .windows(2)
        .map(|pair| u64::from(value(&pair[0]).abs_diff(value(&pair[1]))))
        .sum()
}
