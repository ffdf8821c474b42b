//! What becomes of a message that stands still between two steps: its event is lost, late, or
//! came to nothing. Decided step by step, so that the world is asked only for what is needed,
//! and printable with its reason.

use std::fmt;
use std::time::Duration;

use crate::media::ticks::EpochMillis;
use crate::voicemail::job::JobStatus;

/// A recording without a transcript is left to its job for so long.
pub const TRANSCRIBED_WITHIN: Duration = Duration::from_secs(60 * 60);
/// A transcript that was not delivered is left to its event for so long.
pub const DELIVERED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// A job that is under way for longer than this says nothing any more: Transcribe takes media of
/// four hours.
pub const LONGEST_JOB: Duration = Duration::from_secs(8 * 3_600);
/// How often a message is worked here before it is given up.
pub const MAX_TRIES: u32 = 3;
/// How far back messages are looked for: what failed for so long was told of long ago.
pub const LOOKS_BACK: Duration = Duration::from_secs(3 * 24 * 3_600);

/// What is known of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When its recording was written, if there is one.
    pub recorded: Option<EpochMillis>,
    /// When its transcript was written, if there is one.
    pub transcribed: Option<EpochMillis>,
    /// What stands in its marker.
    pub marked: Marked,
    /// How often it was worked here already.
    pub tries: u32,
    /// What its job says.
    pub job: Job,
}

/// What a marker says, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// Nobody looked.
    NotLooked,
    /// Nothing that ends it.
    Open,
    /// It was delivered.
    Delivered,
    /// It was delivered, and its job or its flag is still there.
    Unfinished,
    /// It was given up.
    GivenUp,
}

/// What is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Nobody asked.
    NotAsked,
    /// There is none.
    Missing,
    /// This.
    Is(JobStatus),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Leave,
    /// Read its marker, and decide again.
    Look,
    /// Ask for its job, and decide again.
    Ask,
    /// Start its transcription, after this job was deleted if there is one.
    Transcribe,
    /// Put the substitute in the transcript's place.
    Substitute {
        /// Why.
        reason: String,
    },
    /// Deliver it.
    Deliver,
    /// Do what comes behind its delivery.
    Finish,
    /// Mark it as given up, and hand it to the dead letters.
    GiveUp,
}

impl Standing {
    /// Decides on it.
    pub fn step(&self, now: EpochMillis) -> Step {
        let is_older = |time: EpochMillis, than: Duration| {
            let age = u64::try_from(now.0.saturating_sub(time.0)).unwrap_or(0);
            Duration::from_millis(age) >= than
        };
        let still = match (self.transcribed, self.recorded) {
            (Some(transcribed), _) => is_older(transcribed, DELIVERED_WITHIN),
            (None, Some(recorded)) => is_older(recorded, TRANSCRIBED_WITHIN),
            (None, None) => false,
        };
        if !still {
            return Step::Leave;
        }
        match self.marked {
            Marked::NotLooked => return Step::Look,
            Marked::Delivered | Marked::GivenUp => return Step::Leave,
            Marked::Unfinished => return Step::Finish,
            Marked::Open => {}
        }
        let is_tried = self.tries >= MAX_TRIES;
        if self.transcribed.is_some() {
            return match is_tried {
                true => Step::GiveUp,
                false => Step::Deliver,
            };
        }
        let is_lost = self
            .recorded
            .is_some_and(|recorded| is_older(recorded, LONGEST_JOB));
        let substitute = |reason: &str| Step::Substitute {
            reason: reason.to_owned(),
        };
        match &self.job {
            // What cannot be transcribed is delivered all the same.
            _ if is_tried => substitute("its transcription was started often enough"),
            Job::NotAsked => Step::Ask,
            Job::Missing | Job::Is(JobStatus::Completed) => Step::Transcribe,
            Job::Is(JobStatus::UnderWay) if is_lost => substitute("the job did not end"),
            Job::Is(JobStatus::UnderWay) => Step::Leave,
            Job::Is(JobStatus::Failed { reason }) => {
                substitute(reason.as_deref().unwrap_or("the job failed"))
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leave => f.write_str("left"),
            Self::Look => f.write_str("its marker is read"),
            Self::Ask => f.write_str("its job is asked for"),
            Self::Transcribe => f.write_str("its transcription is started"),
            Self::Substitute { reason } => write!(f, "delivered without a transcript: {reason}"),
            Self::Deliver => f.write_str("delivered"),
            Self::Finish => f.write_str("its job is deleted, and its flag taken back"),
            Self::GiveUp => write!(f, "given up after {MAX_TRIES} tries"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_760_000_000_000;
    const MINUTE: i64 = 60_000;

    #[track_caller]
    fn check(
        recorded: Option<i64>,
        transcribed: Option<i64>,
        marked: Marked,
        tries: u32,
        job: Job,
        expected: &str,
    ) {
        let ago = |minutes: i64| EpochMillis(NOW - minutes * MINUTE);
        let standing = Standing {
            recorded: recorded.map(ago),
            transcribed: transcribed.map(ago),
            marked,
            tries,
            job,
        };
        assert_eq!(standing.step(EpochMillis(NOW)).to_string(), expected);
    }

    #[test]
    fn what_goes_on_is_left_without_asking() {
        let not_asked = || Job::NotAsked;
        check(Some(59), None, Marked::NotLooked, 0, not_asked(), "left");
        check(
            Some(999),
            Some(14),
            Marked::NotLooked,
            0,
            not_asked(),
            "left",
        );
        check(None, None, Marked::NotLooked, 0, not_asked(), "left");
        check(
            Some(99),
            Some(99),
            Marked::Delivered,
            9,
            not_asked(),
            "left",
        );
        check(Some(99), None, Marked::GivenUp, 9, not_asked(), "left");
        let behind = "its job is deleted, and its flag taken back";
        check(
            Some(99),
            Some(14),
            Marked::Unfinished,
            9,
            not_asked(),
            "left",
        );
        check(
            Some(99),
            Some(15),
            Marked::Unfinished,
            9,
            not_asked(),
            behind,
        );
    }

    #[test]
    fn what_stands_still_is_worked_and_not_for_ever() {
        let not_asked = || Job::NotAsked;
        check(
            Some(60),
            None,
            Marked::NotLooked,
            0,
            not_asked(),
            "its marker is read",
        );
        check(
            Some(60),
            None,
            Marked::Open,
            0,
            not_asked(),
            "its job is asked for",
        );
        check(
            Some(60),
            None,
            Marked::Open,
            0,
            Job::Missing,
            "its transcription is started",
        );
        let done = Job::Is(JobStatus::Completed);
        check(
            Some(60),
            None,
            Marked::Open,
            2,
            done,
            "its transcription is started",
        );
        let often = "delivered without a transcript: its transcription was started often enough";
        check(Some(60), None, Marked::Open, 3, Job::Missing, often);
        let under_way = || Job::Is(JobStatus::UnderWay);
        check(Some(479), None, Marked::Open, 0, under_way(), "left");
        let lost = "delivered without a transcript: the job did not end";
        check(Some(480), None, Marked::Open, 0, under_way(), lost);
        let failed = |reason: Option<&str>| {
            let reason = reason.map(str::to_owned);
            Job::Is(JobStatus::Failed { reason })
        };
        let why = "delivered without a transcript: bad media";
        check(
            Some(60),
            None,
            Marked::Open,
            0,
            failed(Some("bad media")),
            why,
        );
        let why = "delivered without a transcript: the job failed";
        check(Some(60), None, Marked::Open, 0, failed(None), why);
        check(
            Some(60),
            Some(15),
            Marked::Open,
            0,
            not_asked(),
            "delivered",
        );
        check(None, Some(15), Marked::Open, 0, not_asked(), "delivered");
        check(
            Some(60),
            Some(15),
            Marked::Open,
            3,
            not_asked(),
            "given up after 3 tries",
        );
    }

    proptest! {
        #[test]
        fn no_times_panic(recorded in any::<Option<i64>>(), transcribed in any::<Option<i64>>(), now in any::<i64>()) {
            let standing = Standing {
                recorded: recorded.map(EpochMillis),
                transcribed: transcribed.map(EpochMillis),
                marked: Marked::Open,
                tries: 0,
                job: Job::NotAsked,
            };
            let _ = standing.step(EpochMillis(now)).to_string();
        }
    }
}
