//! What the scheduled reading of partial recordings remembers between its runs, and how
//! long each recording is of interest to it. Pure, as all of redriving.
//!
//! A verdict is read once after each time that it was written; those that are not complete
//! are remembered by their keys until they are, or until nobody can read them any more.
//! So the price of an hour is a listing of the days that streams still keep, and one look
//! at each recording that is new or open.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Period, Urgency, started, urgency};
use crate::media::ticks::EpochMillis;
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::{
    LESS_AUTHORISED, LISTING_INCOMPLETE, NOT_STREAMED, NOT_WIDENED, Reason, Status, Verdict,
};

/// The contract of the register's JSON.
pub const REGISTER_SCHEMA: &str = "callreel.again/1";
/// Recordings that are remembered at the most: the register is read like a verdict, of
/// 4 MiB at the most, and a key has about 150 bytes.
pub const MAX_OPEN: usize = 20_000;
/// Verdicts are looked at again that were written so long before the last run began:
/// clocks differ, and a run takes its time.
const OVERLAP: i64 = 10 * 60_000;
/// A failed recording is left alone for so long after its last try: the stream and the
/// queue try as well, and their record knows more than a verdict does.
const QUIET: i64 = 3_600_000;
/// Keys are dated by the beginning of the contact, and recordings end later than they
/// begin.
const EARLIER: i64 = 24 * 3_600_000;

/// Where the register is, below the prefix of all keys.
pub fn register_key(prefix: &str) -> String {
    format!("{prefix}again.json")
}

/// What is remembered between two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// [`REGISTER_SCHEMA`].
    pub schema: String,
    /// All verdicts that were written before were looked at; RFC 3339. Absent before the
    /// first run.
    pub looked_until: Option<String>,
    /// The keys of the verdicts that are not complete, and not given up.
    pub open: Vec<String>,
}

impl Default for Register {
    fn default() -> Self {
        Self {
            schema: REGISTER_SCHEMA.to_owned(),
            looked_until: None,
            open: Vec::new(),
        }
    }
}

impl Register {
    /// Reads a stored register. One that is not there, or cannot be read, is empty: then
    /// everything is looked at once more.
    pub fn read(json: Option<&[u8]>) -> Self {
        let read = json.and_then(|json| serde_json::from_slice(json).ok());
        read.unwrap_or_default()
    }

    /// The list as JSON, as it is stored.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Verdicts that were written from then on are to be looked at.
    pub fn looks_from(&self) -> Option<EpochMillis> {
        let until = EpochMillis::from_rfc3339(self.looked_until.as_deref()?)?;
        Some(EpochMillis(until.0.saturating_sub(OVERLAP)))
    }
}

/// The days in which recordings began that streams may still keep, when they keep them so
/// long.
pub fn period(kept: Duration, now: EpochMillis) -> Period {
    let kept = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
    Period {
        since: EpochMillis(now.0.saturating_sub(kept).saturating_sub(EARLIER)),
        until: now,
    }
}

/// Whether a recording may still become more, or is to be told of. Where all that there was
/// and that may be kept is there, nothing is lost.
pub fn is_open(verdict: &Verdict) -> bool {
    let no_loss = |reason: &Reason| [NOT_STREAMED, LESS_AUTHORISED].contains(&&*reason.code);
    let lacks = match verdict.status {
        Status::Failed => true,
        Status::Partial => !verdict.reasons.iter().all(no_loss),
        Status::Complete | Status::Empty => false,
    };
    lacks && verdict.gave_up_at.is_none()
}

/// How a recording that is open is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// It is read.
    Read,
    /// It is looked whether something came that was missing, and read only then.
    Look,
}

/// How to try a recording, if at all. Its verdict was written then, if that was since the
/// last run; a stream that keeps media so long has its first fragment still, or not.
pub fn how_to_try(
    plan: &RecordingPlan,
    verdict: &Verdict,
    written: Option<EpochMillis>,
    kept: Duration,
    now: EpochMillis,
) -> Option<Try> {
    let since = |written: EpochMillis| now.0.saturating_sub(written.0);
    if verdict.status == Status::Failed {
        // Others may be at work on it.
        return (written.map_or(QUIET, since) >= QUIET).then_some(Try::Read);
    }
    // Without its beginning it would be less.
    if matches!(urgency(started(plan), Some(kept), now), Urgency::Expired(_)) {
        return None;
    }
    let fragments = &verdict.fragments;
    let lacks =
        fragments.missing > 0 || fragments.unlisted > 0 || verdict.has_reason(LISTING_INCOMPLETE);
    // Nothing tells from outside whether it would come out better: it is read soon after it
    // was written, and then no more.
    let reads_otherwise = fragments.damaged > 0 || verdict.has_reason(NOT_WIDENED);
    match (written, lacks) {
        (Some(_), _) if reads_otherwise => Some(Try::Read),
        (_, true) if !verdict.has_reason(NOT_WIDENED) => Some(Try::Look),
        _ => None,
    }
}

/// Whether a stream that keeps media so long has nothing of the recording any more. One of
/// which nobody knows when it was is over, too: it would be tried for ever.
pub fn is_over(plan: &RecordingPlan, verdict: &Verdict, kept: Duration, now: EpochMillis) -> bool {
    let ends_at = verdict.span.ends_at.as_deref();
    let ends = [
        plan.times.stopped,
        ends_at.and_then(EpochMillis::from_rfc3339),
    ];
    let hinted = || plan.claim.range.stop?.hinted_server_time();
    let ended = ends.into_iter().flatten().max();
    let ended = ended.or_else(hinted).or_else(|| started(plan));
    let kept = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
    ended.is_none_or(|ended| ended.0.saturating_add(kept) <= now.0)
}
