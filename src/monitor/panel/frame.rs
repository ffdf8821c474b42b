//! What a page is told: of each call what changed since it was told last, or all of it.
//! Values only; how they are written is the page's server's matter.

use std::sync::Arc;

use crate::media::fragment::Direction;
use crate::media::ticks::EpochMillis;
use crate::monitor::happening::{Break, Ending};

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it was made; all times of a frame are of this clock.
    pub now: EpochMillis,
    /// Calls with something new, in the order of their panels.
    pub calls: Vec<CallFrame>,
    /// Calls whose panels are to go.
    pub gone: Vec<Arc<str>>,
}

/// What there is to tell of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFrame {
    /// Its ContactId.
    pub contact: Arc<str>,
    /// What is said of it in words, if that changed.
    pub about: Option<About>,
    /// Its sides, by [`Direction::index`].
    pub sides: [SideFrame; 2],
    /// When sound came last, if some came.
    pub sound_at: Option<EpochMillis>,
}

/// What is said of a call in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// When it started.
    pub start: EpochMillis,
    /// The same as the settings' zone has it; `None` when the page uses its own zone.
    pub label: Option<String>,
    /// How many panels came before, since the monitor started: calls that started in the
    /// same millisecond stand in this order.
    pub order: u64,
    /// The customer's number, masked unless whole numbers were asked for.
    pub customer: Option<String>,
    /// The number that was called, the same way.
    pub system: Option<String>,
    /// The queue.
    pub queue: Option<String>,
    /// What it is doing.
    pub state: State,
    /// Who is talking, by [`Direction::index`].
    pub talking: [bool; 2],
    /// What a person should look at now, in the order of their kinds.
    pub warnings: Vec<Warning>,
    /// What happened so far.
    pub tally: Tally,
}

/// What a call is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// No sound came yet.
    Waiting,
    /// Sound comes.
    Live,
    /// No sound comes: the call is on hold, or something is cut off.
    Quiet {
        /// Since when.
        since: EpochMillis,
    },
    /// The connection to its media is over, and another one is asked for.
    Reconnecting {
        /// Since when.
        since: EpochMillis,
        /// Why.
        why: Break,
    },
    /// It cannot be read.
    Failed {
        /// Cause and cure.
        cause: String,
    },
    /// It is over.
    Ended {
        /// Why.
        why: Ending,
    },
}

/// What a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A side is silent while sound comes.
    Silent {
        /// Which.
        direction: Direction,
        /// Since when.
        since: EpochMillis,
    },
    /// A side is at full scale.
    Clipping {
        /// Which.
        direction: Direction,
    },
    /// Media is missing.
    Gap {
        /// The side that lacks it, or both.
        direction: Option<Direction>,
        /// How long, in milliseconds.
        millis: u64,
    },
    /// The connection was over, and sound comes again.
    Reconnected {
        /// Why it was over.
        why: Break,
    },
    /// The reader's own words.
    Told(String),
}

/// What happened to a call so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Gaps, and how long they are together in milliseconds.
    pub gaps: u64,
    /// Their milliseconds.
    pub gap_millis: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Samples at full scale, by [`Direction::index`].
    pub clipped: [u64; 2],
}

/// What there is to see of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideFrame {
    /// The spectrum of the last block: amplitudes from 0 Hz on to 4 kHz, 255 being the full
    /// height.
    pub spectrum: Option<Vec<u8>>,
    /// How loud it was since the last frame.
    pub level: Option<Level>,
    /// New columns of the waveform.
    pub wave: Option<Wave>,
}

/// How loud a side is, as magnitudes from 0 to 32768.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// The largest.
    pub peak: u16,
    /// The root mean square of the loudest block.
    pub rms: u16,
}

/// Columns of a waveform, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wave {
    /// The number of the first one, counted from the call's first sample.
    pub first: u64,
    /// Each: the lowest and the highest sample, in 256ths of full scale.
    pub columns: Vec<[i8; 2]>,
}
