//! What is to be recorded again, and in which order: recordings without a complete verdict,
//! wherever they were found, the one whose media expires first before all others. Pure:
//! the time comes as an argument, and what stands in buckets and queues is handed in.
//!
//! A recording is found by its verdict, by a batch that Lambda gave up on, by a message of
//! a queue, or by Connect's own account of a contact; often by several of them. It is one
//! recording all the same ([`merge`]), and what is to be done with it depends on its
//! verdict alone ([`step`]).

pub mod again;
mod sources;

pub use sources::{NotAFailedBatch, plan_of_verdict, read_failed_batch};

use std::time::Duration;

use crate::failure::parked::retry_until;
use crate::media::ticks::EpochMillis;
use crate::recording::key::RecordingStart;
use crate::recording::plan::{RecordingPlan, Urls, by_call};
use crate::recording::verdict::{Asked, LISTING_INCOMPLETE, NOT_WIDENED, Status, Verdict};

/// The contract of the JSON that tells the plan and what became of it.
pub const SCHEMA: &str = "callreel.redrive/1";

/// A day in milliseconds.
const DAY: i64 = 24 * 3_600_000;
/// Days of a time range at the most: a longer range is taken for a typing error.
pub const MAX_DAYS: i64 = 800;

/// Where a recording was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its verdict, under this key.
    Verdict(String),
    /// A batch that Lambda gave up on: the object's URL.
    Batch(String),
    /// A message of the queue, by its id.
    Message(String),
    /// What Connect itself says of this contact.
    Contact(String),
}

impl Place {
    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::Verdict(_) => "its verdict".to_owned(),
            Self::Batch(url) => url.clone(),
            Self::Message(id) => format!("message {id}"),
            Self::Contact(_) => "Connect".to_owned(),
        }
    }
}

/// A recording that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// How it would be made.
    pub plan: Box<RecordingPlan>,
    /// The verdict on it that was read with it.
    pub verdict: Option<Verdict>,
    /// Where it was found: places in the caller's list.
    pub found: Vec<usize>,
}

/// One candidate for each recording, told apart by contact and start, in the order of
/// coming. A contact record tells more than a verdict does, so its plan is kept, and of two
/// records all that either names; but files stay where the verdict is.
pub fn merge(candidates: impl IntoIterator<Item = Candidate>) -> Vec<Candidate> {
    let mut merged: Vec<Candidate> = Vec::new();
    // Whether a record gave the plan.
    let mut by_record = Vec::new();
    let mut places = std::collections::HashMap::new();
    for candidate in candidates {
        let id = &candidate.plan.id;
        let place = *places
            .entry((id.contact.clone(), id.start.to_string()))
            .or_insert(merged.len());
        let is_record = candidate.verdict.is_none();
        let (Some(known), Some(was_record)) = (merged.get_mut(place), by_record.get_mut(place))
        else {
            merged.push(candidate);
            by_record.push(is_record);
            continue;
        };
        known.found.extend(candidate.found);
        let keys = match (&known.verdict, &candidate.verdict) {
            (None, Some(_)) => candidate.plan.keys.clone(),
            (Some(_), _) | (None, None) => known.plan.keys.clone(),
        };
        *known.plan = match (*was_record, is_record) {
            (true, true) => join_records(&known.plan, &candidate.plan),
            (true, false) | (false, false) => known.plan.joined(&candidate.plan),
            (false, true) => candidate.plan.joined(&known.plan),
        };
        known.plan.keys = keys;
        *was_record |= is_record;
        if known.verdict.is_none() {
            known.verdict = candidate.verdict;
        }
    }
    merged
}

/// Two records of one recording: a side that either authorises beside those of the other,
/// and URLs that stand in either.
fn join_records(one: &RecordingPlan, other: &RecordingPlan) -> RecordingPlan {
    let mut joined = one.joined(other);
    if other.has_sides_of(one) {
        joined.authorisation = other.authorisation;
    }
    if other.urls == Urls::OnContact {
        joined.urls = Urls::OnContact;
    }
    joined
}

/// What is to be done with a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make it: there is no verdict, or it failed.
    Record,
    /// Read it again: it is partial, and what is missing may have come.
    ReadAgain,
    /// Read all of it: its record names more than the verdict does.
    Widen,
    /// Write its URLs on the contact: all else is done.
    Note,
}

impl Step {
    /// A word for tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::ReadAgain => "read again",
            Self::Widen => "widen",
            Self::Note => "note",
        }
    }
}

/// Why a recording is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is complete, and its URLs stand on the contact.
    Complete,
    /// There was no audio.
    Empty,
    /// It is partial, and reading it again would give the same.
    NothingMissing,
    /// Its URLs stand on the contact, and its verdict is gone: somebody deleted it.
    OnContact,
}

impl Done {
    /// A few words for tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Empty => "empty: there was no audio",
            Self::NothingMissing => "partial, and nothing is missing that could still come",
            Self::OnContact => "its URLs are on the contact, and its verdict is gone",
        }
    }
}

/// What is to be done with a recording that was found, when its URLs stand on the contact
/// or do not.
pub fn step(candidate: &Candidate, urls: Urls) -> Result<Step, Done> {
    let plan = &candidate.plan;
    let Some(verdict) = &candidate.verdict else {
        return match plan.urls {
            Urls::Lacking | Urls::NotForContact => Ok(Step::Record),
            Urls::OnContact => Err(Done::OnContact),
        };
    };
    match (verdict.status, urls) {
        (Status::Failed, _) => Ok(Step::Record),
        _ if verdict.compare(plan) != Asked::Nothing => Ok(Step::Widen),
        (Status::Partial, _) if can_gain(verdict) && verdict.sides_are_authorised(plan) => {
            Ok(Step::ReadAgain)
        }
        (Status::Complete | Status::Partial, Urls::Lacking) => Ok(Step::Note),
        (Status::Complete, Urls::OnContact | Urls::NotForContact) => Err(Done::Complete),
        (Status::Partial, Urls::OnContact | Urls::NotForContact) => Err(Done::NothingMissing),
        (Status::Empty, _) => Err(Done::Empty),
    }
}

/// Missing fragments can come late, and be listed late; damage can have happened on the way
/// or be read better by a newer version. What was refused, or is too long, stays so.
pub fn can_gain(verdict: &Verdict) -> bool {
    let fragments = &verdict.fragments;
    fragments.missing > 0
        || fragments.unlisted > 0
        || fragments.damaged > 0
        || verdict.has_reason(NOT_WIDENED)
        || verdict.has_reason(LISTING_INCOMPLETE)
}

/// Why a step is to be done, in a few words.
pub fn reason(step: Step, verdict: Option<&Verdict>) -> String {
    let detail = |verdict: &Verdict| {
        let details: Vec<_> = verdict
            .reasons
            .iter()
            .map(|reason| reason.detail.as_str())
            .collect();
        format!("{}: {}", verdict.status.name(), details.join(", "))
    };
    match (step, verdict) {
        (Step::Record, None) => "no verdict".to_owned(),
        (Step::Widen, _) => "its record names more than was recorded".to_owned(),
        (Step::Note, _) | (Step::ReadAgain, None) => {
            "its URLs are lacking on the contact".to_owned()
        }
        (Step::Record | Step::ReadAgain, Some(verdict)) => detail(verdict),
    }
}

/// How long a recording's first fragment is still kept. The sort order is the order of work:
/// soonest to expire, then unknown, then expired already. Of the expired ones the most recent
/// comes first, since the tail of a long recording may still be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It expires in so many milliseconds.
    Left(i64),
    /// Nobody knows when the recording began, or how long its stream keeps it.
    Unknown,
    /// It expired so many milliseconds ago.
    Expired(i64),
}

/// The urgency of a recording that began then, on a stream that keeps media so long.
pub fn urgency(started: Option<EpochMillis>, kept: Option<Duration>, now: EpochMillis) -> Urgency {
    let Some(expires) = expires(started, kept) else {
        return Urgency::Unknown;
    };
    match expires.0.saturating_sub(now.0) {
        left if left > 0 => Urgency::Left(left),
        past => Urgency::Expired(-past),
    }
}

/// When the first fragment expires.
pub fn expires(started: Option<EpochMillis>, kept: Option<Duration>) -> Option<EpochMillis> {
    Some(retry_until(started?, kept?))
}

/// When a recording began: as its record says, else as its first fragment's number hints.
pub fn started(plan: &RecordingPlan) -> Option<EpochMillis> {
    let hinted = || match plan.id.start {
        RecordingStart::Fragment(number) => number.hinted_server_time(),
        RecordingStart::Time(time) => Some(time),
    };
    plan.times.started.or_else(hinted)
}

/// A recording that is to be worked on.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Which one.
    pub candidate: Candidate,
    /// What to do.
    pub step: Step,
    /// When its first fragment expires.
    pub expires: Option<EpochMillis>,
    /// How soon that is.
    pub urgency: Urgency,
}

/// The calls in the order of work: the most urgent recording gives its call the place.
pub fn calls(mut planned: Vec<Planned>) -> Vec<Vec<Planned>> {
    planned.sort_by_key(|planned| planned.urgency);
    by_call(planned, |planned| &planned.candidate.plan)
}

/// A time range: what began in it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// From here on.
    pub since: EpochMillis,
    /// Before this.
    pub until: EpochMillis,
}

impl Period {
    /// Whether a recording that began then is in it. One whose start nobody knows is.
    pub fn contains(self, started: Option<EpochMillis>) -> bool {
        started.is_none_or(|started| self.since <= started && started < self.until)
    }

    /// The folders that hold its recordings' keys: a key has the date on which the contact
    /// began, which can be the day before the recording's.
    pub fn folders(self) -> Vec<String> {
        let (since, until) = (self.with_day_before().since, self.until);
        let (first, last) = (since.0.div_euclid(DAY), until.0.div_euclid(DAY));
        let days = first..=last.min(first.saturating_add(MAX_DAYS + 1));
        let dates = days.filter_map(|day| EpochMillis(day * DAY).to_utc_date());
        let mut folders: Vec<_> = dates
            .map(|(year, month, day)| format!("{year:04}/{month:02}/{day:02}/"))
            .collect();
        folders.push("undated/".to_owned());
        folders
    }

    /// When the contacts of its recordings began: not more than a day before them.
    pub fn with_day_before(self) -> Self {
        Self {
            since: EpochMillis(self.since.0 - DAY),
            ..self
        }
    }

    /// The range in pieces of so many days.
    pub fn pieces(self, days: i64) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut since = self.since;
        while since < self.until {
            let until = self.until.min(EpochMillis(since.0 + days * DAY));
            pieces.push(Self { since, until });
            since = until;
        }
        pieces
    }
}

/// A time range's end as people write it: RFC 3339, or a date, which is its midnight UTC.
pub fn read_time(text: &str) -> Option<EpochMillis> {
    EpochMillis::from_rfc3339(text)
        .or_else(|| EpochMillis::from_rfc3339(&format!("{text}T00:00:00Z")))
}

#[cfg(test)]
mod tests;
