//! A watched call's files: what the fragments hold, side by side as it comes or on one clock.
//! After the first failure nothing more is written, and what was written is finished.

use crate::failure::Failure;
use crate::media::fragment::{Direction, Fragment};
use crate::media::ticks::EpochMillis;
use crate::media::timeline::Timeline;
use crate::media::wav::encode_mono;
use crate::monitor::names::Keep;
use crate::port::{Tape, Taped};

/// One recording under way.
pub(super) struct Recording<T> {
    tape: State<T>,
    timeline: Option<Timeline>,
    start: Option<EpochMillis>,
    buffer: Vec<u8>,
    taped: Vec<Taped>,
}

enum State<T> {
    NotYet,
    Open(T),
    Over,
}

impl<T: Tape> Recording<T> {
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            tape: State::NotYet,
            timeline: (keep == Keep::Time).then(Timeline::new),
            start: None,
            buffer: Vec::new(),
            taped: Vec::new(),
        }
    }

    /// Its files are named by this time.
    pub(super) fn starts_at(&mut self, start: EpochMillis) {
        self.start = Some(start);
    }

    pub(super) fn start(&self) -> Option<EpochMillis> {
        self.start
    }

    /// Takes the next fragment; the first one begins the files.
    pub(super) fn push(
        &mut self,
        fragment: Fragment,
        begin: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(), Failure> {
        self.begin(begin)?;
        let written = match &mut self.timeline {
            None => write_blocks(&mut self.tape, &fragment),
            Some(timeline) => {
                timeline.push(fragment);
                write_frames(&mut self.tape, timeline, &mut self.buffer)
            }
        };
        self.settle(written)
    }

    /// Nothing more comes. Where nothing came, `begin` makes files without samples, or none.
    pub(super) fn finish(
        &mut self,
        begin: impl FnOnce() -> Option<Result<T, Failure>>,
    ) -> Result<(), Failure> {
        if let State::NotYet = self.tape {
            match begin() {
                Some(begun) => self.begin(|| begun)?,
                None => return Ok(()),
            }
        }
        let mut written = Ok(());
        if let Some(timeline) = &mut self.timeline {
            timeline.finish();
            written = write_frames(&mut self.tape, timeline, &mut self.buffer);
        }
        let finished = self.close();
        written.and(finished)
    }

    fn begin(&mut self, begin: impl FnOnce() -> Result<T, Failure>) -> Result<(), Failure> {
        if let State::NotYet = self.tape {
            self.tape = State::Over;
            self.tape = State::Open(begin()?);
        }
        Ok(())
    }

    fn settle(&mut self, written: Result<(), Failure>) -> Result<(), Failure> {
        if written.is_err() {
            // What is told is what broke first.
            let _ = self.close();
        }
        written
    }

    fn close(&mut self) -> Result<(), Failure> {
        match std::mem::replace(&mut self.tape, State::Over) {
            State::Open(tape) => {
                self.taped = tape.finish()?;
                Ok(())
            }
            State::NotYet | State::Over => Ok(()),
        }
    }
}

fn write_blocks<T: Tape>(tape: &mut State<T>, fragment: &Fragment) -> Result<(), Failure> {
    let State::Open(tape) = tape else {
        return Ok(());
    };
    fragment
        .blocks
        .iter()
        .try_for_each(|block| tape.write(block.direction, &block.pcm))
}

fn write_frames<T: Tape>(
    tape: &mut State<T>,
    timeline: &mut Timeline,
    buffer: &mut Vec<u8>,
) -> Result<(), Failure> {
    while let Some(frames) = timeline.next_frames() {
        let State::Open(tape) = &mut *tape else {
            continue;
        };
        let sides = [
            (Direction::FromCustomer, frames.from),
            (Direction::ToCustomer, frames.to),
        ];
        for (direction, samples) in sides {
            buffer.clear();
            encode_mono(samples, buffer);
            tape.write(direction, buffer)?;
        }
    }
    Ok(())
}
