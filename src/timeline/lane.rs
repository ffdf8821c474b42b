//! One direction of the timeline: a run of samples, the silence in it, and what was cut.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use super::TOLERANCE;
use super::report::{Drift, LaneReport, OpenSpans};
use crate::ticks::MediaTime;

/// What is queued: audio as it came, silence as a count, so that an hour on hold costs
/// no memory.
#[derive(Debug)]
enum Piece {
    Audio(Bytes),
    Silence(u64),
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    queue: VecDeque<Piece>,
    queued: u64,
    /// When the first block came.
    start: Option<MediaTime>,
    /// The time behind the last queued sample.
    end: Option<MediaTime>,
    /// The time behind the last queued sample of audio.
    audio_end: Option<MediaTime>,
    /// The last queued sample is audio: the next block may join within the tolerance.
    in_run: bool,
    /// How far block times lie off the run, and the samples of the run.
    run_drift: i64,
    run_samples: u64,
    drift: Drift,
    blocks: u64,
    audio_samples: u64,
    silence_samples: u64,
    gaps: OpenSpans,
    overlaps: OpenSpans,
}

impl Lane {
    pub fn start(&self) -> Option<MediaTime> {
        self.start
    }

    pub fn end(&self) -> Option<MediaTime> {
        self.end
    }

    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// The recording starts at `origin`: silence up to this lane's first block.
    pub fn open_at(&mut self, origin: MediaTime) {
        let lead = match self.start {
            Some(start) => u64::try_from(start.samples_since(origin)).unwrap_or(0),
            None => {
                self.end = Some(origin);
                0
            }
        };
        if lead > 0 {
            self.queue.push_front(Piece::Silence(lead));
            self.queued += lead;
            self.silence_samples += lead;
        }
    }

    /// Puts a block at its time, or in the run when it is close enough to it.
    pub fn append(&mut self, start: MediaTime, mut pcm: Bytes) {
        self.blocks += 1;
        let offset = self.end.map_or(0, |end| start.samples_since(end));
        if self.in_run && offset.abs() <= TOLERANCE {
            self.run_drift = offset;
            self.drift.earliest = self.drift.earliest.min(offset);
            self.drift.latest = self.drift.latest.max(offset);
        } else {
            self.rebase_drift();
            match u64::try_from(offset) {
                Ok(late) => self.push_silence(late),
                Err(_) => self.cut(start, &mut pcm, offset.unsigned_abs()),
            }
        }
        let samples = pcm.len() as u64 / 2;
        if samples > 0 {
            self.push_audio(start, pcm, samples);
        }
    }

    /// Queues audio at the lane's end, or as its first at `start`.
    fn push_audio(&mut self, start: MediaTime, pcm: Bytes, samples: u64) {
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
        self.queued += samples;
        self.queue.push_back(Piece::Audio(pcm));
    }

    /// Silence up to `end`, unless the lane reaches that far.
    pub fn pad_to(&mut self, end: MediaTime) {
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
    pub fn drain_into(&mut self, mut out: &mut [i16]) {
        self.queued -= out.len() as u64;
        while !out.is_empty() {
            let Some(piece) = self.queue.front_mut() else {
                return out.fill(0);
            };
            let taken = match piece {
                Piece::Silence(samples) => {
                    let taken = usize::try_from(*samples)
                        .unwrap_or(usize::MAX)
                        .min(out.len());
                    out[..taken].fill(0);
                    *samples -= taken as u64;
                    if *samples == 0 {
                        self.queue.pop_front();
                    }
                    taken
                }
                Piece::Audio(pcm) => {
                    let taken = (pcm.len() / 2).min(out.len());
                    let (pairs, _) = pcm[..taken * 2].as_chunks::<2>();
                    for (sample, pair) in out.iter_mut().zip(pairs) {
                        *sample = i16::from_le_bytes(*pair);
                    }
                    pcm.advance(taken * 2);
                    if pcm.is_empty() {
                        self.queue.pop_front();
                    }
                    taken
                }
            };
            out = &mut out[taken..];
        }
    }

    pub fn into_report(mut self, origin: Option<MediaTime>) -> LaneReport {
        self.rebase_drift();
        let Some(origin) = origin else {
            return LaneReport::default();
        };
        LaneReport {
            starts_at: self
                .start
                .and_then(|start| u64::try_from(start.samples_since(origin)).ok()),
            blocks: self.blocks,
            audio_samples: self.audio_samples,
            silence_samples: self.silence_samples,
            gaps: self.gaps.close(origin),
            overlaps: self.overlaps.close(origin),
            drift: self.drift,
        }
    }

    /// The block comes early: what was said at that time is written already.
    fn cut(&mut self, start: MediaTime, pcm: &mut Bytes, early: u64) {
        let cut = early.min(pcm.len() as u64 / 2);
        self.overlaps.add(start, cut);
        pcm.advance(
            usize::try_from(cut * 2)
                .unwrap_or(usize::MAX)
                .min(pcm.len()),
        );
    }

    fn push_silence(&mut self, samples: u64) {
        if samples == 0 {
            return;
        }
        self.in_run = false;
        self.end = self.end.map(|end| end.moved_by(samples.cast_signed()));
        self.queued += samples;
        self.silence_samples += samples;
        match self.queue.back_mut() {
            Some(Piece::Silence(last)) => *last += samples,
            Some(Piece::Audio(_)) | None => self.queue.push_back(Piece::Silence(samples)),
        }
    }

    /// The clock is set anew: drift is measured from here.
    fn rebase_drift(&mut self) {
        self.drift.gained += self.run_drift;
        self.drift.over += self.run_samples;
        (self.run_drift, self.run_samples) = (0, 0);
    }
}
