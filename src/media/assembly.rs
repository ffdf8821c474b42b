//! A recording's own fragments to the bytes of its files: timeline, levels and encoding
//! in one, and still no I/O. The caller takes the bytes away whenever buffers are full,
//! so that memory stays the same for a minute and for twelve hours.

use crate::media::fragment::{Direction, Fragment};
use crate::media::levels::{LevelMeter, Levels};
use crate::media::peaks::PeakMeter;
use crate::media::sides::Authorisation;
use crate::media::sound::{Sound, SoundMeter};
use crate::media::ticks::MediaTime;
use crate::media::timeline::{FRAMES_AT_ONCE, Timeline, TimelineReport};
use crate::media::wav::encode_mono;

/// A buffer with this many bytes is full. Allocators serve as much from what was freed
/// before; for larger copies they ask the system for fresh pages, which costs more than
/// all that is done with them here.
pub const FULL_BYTES: usize = 64 << 10;
/// What a buffer has room for: nearly full, and the largest frames on top.
const BUFFER_BYTES: usize = FULL_BYTES + FRAMES_AT_ONCE * size_of::<i16>();

/// One recording on its way to files.
#[derive(Debug)]
pub struct Assembly {
    timeline: Timeline,
    authorisation: Authorisation,
    meters: [LevelMeter; 2],
    sound: SoundMeter,
    /// Peaks of the windows that the last frames filled, by [`Direction::index`].
    windows: [Vec<u16>; 2],
    peaks: PeakMeter,
    points: Vec<u8>,
    /// By [`Direction::index`].
    buffers: [Vec<u8>; 2],
}

/// What an assembly came to.
#[derive(Clone, Debug, PartialEq)]
pub struct AssemblyReport {
    /// What was found on the clock.
    pub timeline: TimelineReport,
    /// The levels of each authorised direction, by [`Direction::index`].
    pub levels: [Option<Levels>; 2],
    /// When each authorised direction sounds.
    pub sound: Sound,
}

impl Assembly {
    /// An assembly that writes what is authorised, and nothing else.
    pub fn new(authorisation: Authorisation) -> Self {
        Self {
            timeline: Timeline::new(),
            authorisation,
            meters: [LevelMeter::default(), LevelMeter::default()],
            sound: SoundMeter::new(
                Direction::BOTH.map(|side| authorisation.directions().contains(&side)),
            ),
            windows: [Vec::new(), Vec::new()],
            peaks: PeakMeter::default(),
            points: Vec::new(),
            buffers: [Vec::new(), Vec::new()],
        }
    }

    /// Takes the next of the recording's own fragments.
    pub fn push(&mut self, fragment: Fragment) {
        self.timeline.push(fragment);
    }

    /// How far the recording reaches so far, on its own clock; `None` before any audio.
    pub fn reached(&self) -> Option<MediaTime> {
        self.timeline.reached()
    }

    /// No fragment follows.
    pub fn finish(&mut self) {
        self.timeline.finish();
    }

    /// Encodes what is settled until the buffers are full. True while there may be more:
    /// take the buffers away and call again.
    pub fn encode(&mut self) -> bool {
        while let Some(frames) = self.timeline.next_frames() {
            for direction in self.authorisation.directions() {
                let samples = match direction {
                    Direction::FromCustomer => frames.from,
                    Direction::ToCustomer => frames.to,
                };
                let windows = &mut self.windows[direction.index()];
                self.meters[direction.index()].push_telling(samples, |peak| windows.push(peak));
                let buffer = &mut self.buffers[direction.index()];
                // Once: the caller leaves it its room.
                if buffer.capacity() == 0 {
                    buffer.reserve_exact(BUFFER_BYTES);
                }
                encode_mono(samples, buffer);
            }
            tell_windows(&mut self.sound, &mut self.windows);
            let sides = [frames.from, frames.to];
            let kept = match self.authorisation {
                Authorisation::FromCustomer => &sides[..1],
                Authorisation::ToCustomer => &sides[1..],
                Authorisation::Both => &sides[..],
            };
            self.peaks.push(kept, &mut self.points);
            if self.buffers.iter().any(|buffer| buffer.len() >= FULL_BYTES) {
                return true;
            }
        }
        false
    }

    /// What each authorised side's file has behind its header, by [`Direction::index`], so far
    /// as it was not cleared away. In turn ([`in_turn`](crate::media::wav::in_turn)) they are the
    /// mix.
    pub fn buffers(&mut self) -> &mut [Vec<u8>; 2] {
        &mut self.buffers
    }

    /// The waveform's points behind their header, so far as they were not taken away: one
    /// channel for each authorised direction.
    pub fn points(&mut self) -> &mut Vec<u8> {
        &mut self.points
    }

    /// All is encoded: the last point of the waveform, if it is not full, comes behind those
    /// in [`points`](Self::points).
    pub fn finish_points(&mut self) {
        let channels = self.authorisation.directions().len();
        std::mem::take(&mut self.peaks).finish(channels, &mut self.points);
    }

    /// What was found, once all is encoded.
    pub fn into_report(mut self) -> AssemblyReport {
        let mut levels = [None, None];
        for direction in self.authorisation.directions() {
            let meter = &self.meters[direction.index()];
            self.windows[direction.index()].extend(meter.open_window());
            levels[direction.index()] = Some(meter.clone().finish());
        }
        tell_windows(&mut self.sound, &mut self.windows);
        let timeline = self.timeline.into_report();
        AssemblyReport {
            sound: self.sound.finish(timeline.samples),
            timeline,
            levels,
        }
    }
}

/// Tells the meter of windows of both directions, which are the same stretches: where one
/// direction is not kept, there are none of it.
fn tell_windows(sound: &mut SoundMeter, windows: &mut [Vec<u16>; 2]) {
    let count = windows.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..count {
        sound.push([0, 1].map(|side: usize| windows[side].get(at).copied().unwrap_or(0)));
    }
    windows.iter_mut().for_each(Vec::clear);
}
