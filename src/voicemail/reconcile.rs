//! What becomes of a note that no message and no marker stands beside: its event may be
//! lost, late, or have failed. Decided step by step, so that the world is asked only for
//! what is needed, and printable with its reason. A message that is still being spoken is
//! left alone, and never cut.

use std::fmt;
use std::time::Duration;

use crate::media::ticks::EpochMillis;

/// Younger notes are left to their events.
pub const YOUNG: Duration = Duration::from_secs(10 * 60);
/// How often a note is worked before it is given up.
pub const MAX_TRIES: u32 = 3;
/// How far back notes are looked for: what failed for so long was told of long ago.
pub const LOOKS_BACK: Duration = Duration::from_secs(3 * 24 * 3_600);
/// A call whose end nobody knows is over when its stream was silent for so long.
pub const SILENT: Duration = Duration::from_secs(2 * 60);
/// No call is longer: one that Connect still calls running is worked then.
pub const LONGEST_CALL: Duration = Duration::from_secs(24 * 3_600);

/// What is known of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    /// When it was taken.
    pub taken: EpochMillis,
    /// What stands beside it.
    pub made: Option<Made>,
    /// How often it was worked here already.
    pub tries: u32,
    /// Whether its call goes on.
    pub call: Call,
}

/// What stands in a note's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// The message.
    Message,
    /// A marker that nothing was said.
    Empty,
    /// A marker that it was given up.
    GivenUp,
}

/// Whether a call goes on, as far as anybody was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Nobody was asked.
    NotAsked,
    /// Connect says that it ended then.
    Ended(EpochMillis),
    /// Connect says that it has not ended.
    GoesOn,
    /// Connect does not say; the stream's newest fragment began then, if there is one.
    Streamed(Option<EpochMillis>),
}

impl Call {
    /// When it was over, as far as anybody can tell now; `None` while it goes on.
    pub fn ended(self, now: EpochMillis) -> Option<EpochMillis> {
        match self {
            Self::Ended(ended) => Some(ended),
            Self::GoesOn => None,
            Self::Streamed(Some(newest)) => (!is_within(newest, now, SILENT)).then_some(newest),
            Self::Streamed(None) | Self::NotAsked => Some(now),
        }
    }
}

/// From when on notes are looked for.
pub fn looks_from(now: EpochMillis) -> EpochMillis {
    let back = i64::try_from(LOOKS_BACK.as_millis()).unwrap_or(i64::MAX);
    EpochMillis(now.0.saturating_sub(back))
}

/// What is to be done with a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Leave(Left),
    /// Ask whether its call goes on, and decide again.
    Ask,
    /// Work it as if its event had come and said that the call ended then.
    Work {
        /// When the call was over.
        ended: EpochMillis,
        /// Which try this is, from 1.
        attempt: u32,
    },
    /// Mark it as given up, and hand it to the dead letters.
    GiveUp {
        /// How often it was tried.
        tries: u32,
    },
}

/// Why a note is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Something stands beside it.
    Done(Made),
    /// It is younger than [`YOUNG`].
    Young,
    /// The caller is still there.
    StillSpoken,
}

impl Noted {
    /// Decides on it.
    pub fn step(&self, now: EpochMillis) -> Step {
        if let Some(made) = self.made {
            return Step::Leave(Left::Done(made));
        }
        if is_within(self.taken, now, YOUNG) {
            return Step::Leave(Left::Young);
        }
        if self.tries >= MAX_TRIES {
            return Step::GiveUp { tries: self.tries };
        }
        let ended = match self.call {
            Call::NotAsked => return Step::Ask,
            Call::GoesOn if !is_within(self.taken, now, LONGEST_CALL) => Some(now),
            Call::Ended(_) | Call::GoesOn | Call::Streamed(_) => self.call.ended(now),
        };
        match ended {
            Some(ended) => Step::Work {
                ended,
                attempt: self.tries + 1,
            },
            None => Step::Leave(Left::StillSpoken),
        }
    }
}

/// Whether something is no longer ago than this. What is yet to come is.
fn is_within(time: EpochMillis, now: EpochMillis, age: Duration) -> bool {
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    now.0.saturating_sub(time.0) < age
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leave(Left::Done(Made::Message)) => f.write_str("left: the message is there"),
            Self::Leave(Left::Done(Made::Empty)) => f.write_str("left: nothing was said"),
            Self::Leave(Left::Done(Made::GivenUp)) => f.write_str("left: it was given up"),
            Self::Leave(Left::Young) => {
                write!(f, "left: younger than {} minutes", YOUNG.as_secs() / 60)
            }
            Self::Leave(Left::StillSpoken) => f.write_str("left: the caller is still there"),
            Self::Ask => f.write_str("to be asked whether the call goes on"),
            Self::Work { ended, attempt } => {
                write!(
                    f,
                    "worked, try {attempt} of {MAX_TRIES}: the call ended at {ended}"
                )
            }
            Self::GiveUp { tries } => write!(f, "given up after {tries} tries"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_760_000_000_000;
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn ago(millis: i64) -> EpochMillis {
        EpochMillis(NOW - millis)
    }

    #[track_caller]
    fn check(taken: i64, made: Option<Made>, tries: u32, call: Call, expected: &str) {
        let noted = Noted {
            taken: ago(taken),
            made,
            tries,
            call,
        };
        assert_eq!(noted.step(EpochMillis(NOW)).to_string(), expected);
    }

    #[test]
    fn what_is_done_or_young_is_left_without_asking() {
        let asked = Call::NotAsked;
        check(
            HOUR,
            Some(Made::Message),
            0,
            asked,
            "left: the message is there",
        );
        check(HOUR, Some(Made::Empty), 0, asked, "left: nothing was said");
        check(HOUR, Some(Made::GivenUp), 3, asked, "left: it was given up");
        check(
            0,
            Some(Made::Message),
            0,
            asked,
            "left: the message is there",
        );
        check(
            10 * MINUTE - 1,
            None,
            0,
            asked,
            "left: younger than 10 minutes",
        );
        check(-HOUR, None, 0, asked, "left: younger than 10 minutes");
        check(
            10 * MINUTE,
            None,
            0,
            asked,
            "to be asked whether the call goes on",
        );
    }

    #[test]
    fn what_is_still_spoken_is_never_cut() {
        const SPOKEN: &str = "left: the caller is still there";
        check(20 * MINUTE, None, 0, Call::GoesOn, SPOKEN);
        check(23 * HOUR, None, 2, Call::GoesOn, SPOKEN);
        let newest = Call::Streamed(Some(ago(2 * MINUTE - 1)));
        check(20 * MINUTE, None, 0, newest, SPOKEN);
        check(
            20 * MINUTE,
            None,
            0,
            Call::Streamed(Some(ago(-HOUR))),
            SPOKEN,
        );
    }

    #[test]
    fn what_is_over_is_worked_as_if_its_event_had_come() {
        let worked = |attempt, ended| {
            format!(
                "worked, try {attempt} of 3: the call ended at {}",
                ago(ended)
            )
        };
        check(
            20 * MINUTE,
            None,
            0,
            Call::Ended(ago(MINUTE)),
            &worked(1, MINUTE),
        );
        check(
            20 * MINUTE,
            None,
            2,
            Call::Ended(ago(MINUTE)),
            &worked(3, MINUTE),
        );
        let newest = Call::Streamed(Some(ago(2 * MINUTE)));
        check(20 * MINUTE, None, 0, newest, &worked(1, 2 * MINUTE));
        check(20 * MINUTE, None, 0, Call::Streamed(None), &worked(1, 0));
        check(24 * HOUR, None, 0, Call::GoesOn, &worked(1, 0));
    }

    #[test]
    fn after_so_many_tries_it_is_given_up() {
        check(
            20 * MINUTE,
            None,
            3,
            Call::NotAsked,
            "given up after 3 tries",
        );
        check(
            20 * MINUTE,
            None,
            u32::MAX,
            Call::NotAsked,
            "given up after 4294967295 tries",
        );
    }

    proptest! {
        #[test]
        fn no_times_panic(taken in any::<i64>(), now in any::<i64>(), other in any::<i64>(), tries in any::<u32>()) {
            for call in [Call::NotAsked, Call::GoesOn, Call::Ended(EpochMillis(other)), Call::Streamed(Some(EpochMillis(other))), Call::Streamed(None)] {
                let noted = Noted { taken: EpochMillis(taken), made: None, tries, call };
                let _ = noted.step(EpochMillis(now)).to_string();
            }
        }
    }
}
