//! What watching a call needs of the world: its media while it is made, places for its files,
//! and time that can be waited for.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::failure::Failure;
use crate::media::fragment::Direction;
use crate::media::ticks::EpochMillis;
use crate::monitor::session::Start;

/// A stream's media while it is made, as GetMedia gives it.
pub trait LiveSource: Sync {
    /// The media's bytes.
    type Body: LiveBody;

    /// Asks for media from a start on, once: who asks counts how often.
    fn open(
        &self,
        stream: &str,
        start: Start,
    ) -> impl Future<Output = Result<Self::Body, Failure>> + Send;
}

/// What a body gave within a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The next bytes.
    Bytes(Bytes),
    /// None came in that time; more can.
    Nothing,
    /// It ended in good order.
    End,
}

/// A body of live media.
pub trait LiveBody: Send {
    /// What comes within this time. The first failure is the body's end.
    fn next_within(
        &mut self,
        time: Duration,
    ) -> impl Future<Output = Result<Heard, Failure>> + Send;
}

/// Time, for who watches.
pub trait LiveClock: Sync {
    /// The time of day.
    fn now(&self) -> EpochMillis;

    /// How long the monitor has run, on a clock that never steps back.
    fn elapsed(&self) -> Duration;

    /// Waits so long.
    fn wait(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// Where the files of watched calls go.
pub trait Tapes: Sync {
    /// Both files of one call.
    type Tape: Tape;

    /// Begins both files under this name, or under the next that is free.
    fn begin(&self, stem: &str) -> Result<Self::Tape, Failure>;
}

/// Both files of one call, which grow while it goes on. What was written is on the disk at once,
/// and is repaired into a file if nobody comes to finish it.
pub trait Tape: Send {
    /// Appends a side's bytes: 16-bit little-endian samples, which may be cut anywhere.
    fn write(&mut self, direction: Direction, pcm: &[u8]) -> Result<(), Failure>;

    /// Ends both files. Half a sample at the end of one is left out.
    fn finish(self) -> Result<Vec<Taped>, Failure>;
}

/// A file that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taped {
    /// Where it is, as people are told.
    pub place: String,
    /// The samples in it.
    pub samples: u64,
}

/// No files are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTapes;

impl Tapes for NoTapes {
    type Tape = Self;

    fn begin(&self, _: &str) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl Tape for NoTapes {
    fn write(&mut self, _: Direction, _: &[u8]) -> Result<(), Failure> {
        Ok(())
    }

    fn finish(self) -> Result<Vec<Taped>, Failure> {
        Ok(Vec::new())
    }
}
