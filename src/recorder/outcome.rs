//! What became of recordings, and what is still to be done about them.

use std::borrow::Cow;

use super::{AttributesOutcome, Recorded};
use crate::connect::record::NotAContactRecord;
use crate::failure::{Action, Failure, FailureKind, WaitsFor};
use crate::recording::decide::SkipReason;
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::Status;

/// What became of one stream record.
#[derive(Debug)]
pub struct WorkedRecord {
    /// Its parts, in order; there is at least one.
    pub parts: Vec<Worked>,
}

/// What became of one recording, or of a record that has none.
#[derive(Debug)]
pub enum Worked {
    /// The record's data cannot be decoded.
    Undecodable(String),
    /// The data is no contact record.
    NotAContactRecord(NotAContactRecord),
    /// Reading the record, or deciding on it, broke off.
    NotOpened {
        /// The contact, if it came so far.
        contact: Option<Box<str>>,
        /// How.
        failure: Failure,
    },
    /// Left, for a reason.
    Skipped {
        /// The contact.
        contact: Box<str>,
        /// Why.
        reason: SkipReason,
    },
    /// Recorded, now or before.
    Recorded(Box<RecordingPlan>, Box<Recorded>),
    /// Ended by a failure.
    Failed(Box<RecordingPlan>, Failure),
}

/// What went wrong with a part, so that something is still to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble<'a> {
    /// The contact, if it is known.
    pub contact: Option<&'a str>,
    /// The recording, if it came so far.
    pub plan: Option<&'a RecordingPlan>,
    /// What broke.
    pub failure: Cow<'a, Failure>,
}

impl Worked {
    /// What a part asks for, decided here alone: what is handed back, parked and told
    /// follows from it. `None` when there is nothing left to do.
    pub fn trouble(&self) -> Option<Trouble<'_>> {
        match self {
            Self::Undecodable(cause) => Some(unreadable(cause)),
            Self::NotAContactRecord(error @ NotAContactRecord::Unreadable(_)) => {
                Some(unreadable(error))
            }
            Self::Skipped {
                contact,
                reason: reason @ SkipReason::NotLocated { .. },
            } => Some(Trouble {
                contact: Some(contact),
                plan: None,
                failure: Cow::Owned(Failure::new(
                    FailureKind::NotLocated,
                    format!("contact {contact}"),
                    reason,
                )),
            }),
            Self::NotOpened { contact, failure } => Some(Trouble {
                contact: contact.as_deref(),
                plan: None,
                failure: Cow::Borrowed(failure),
            }),
            Self::Failed(plan, failure) => Some(of_plan(plan, Cow::Borrowed(failure))),
            Self::Recorded(plan, recorded) => {
                let failure = recorded.failure(plan)?;
                Some(of_plan(plan, failure))
            }
            Self::NotAContactRecord(NotAContactRecord::OtherShape(_)) | Self::Skipped { .. } => {
                None
            }
        }
    }

    /// What is still to be done, if anything.
    pub fn action(&self) -> Option<Action> {
        self.trouble().map(|trouble| trouble.failure.action())
    }
}

fn of_plan<'a>(plan: &'a RecordingPlan, failure: Cow<'a, Failure>) -> Trouble<'a> {
    Trouble {
        contact: Some(&plan.id.contact),
        plan: Some(plan),
        failure,
    }
}

fn unreadable(cause: &impl ToString) -> Trouble<'static> {
    // Decoders put a full stop behind their messages.
    let cause = cause.to_string();
    let cause = cause.trim_end_matches('.');
    Trouble {
        contact: None,
        plan: None,
        failure: Cow::Owned(Failure::new(
            FailureKind::RecordUnreadable,
            "the record",
            cause,
        )),
    }
}

impl Recorded {
    /// What went wrong with a recording that ended, so that something is still to be done.
    pub fn failure(&self, plan: &RecordingPlan) -> Option<Cow<'_, Failure>> {
        if self.verdict.status == Status::Failed {
            let reasons = self.verdict.reasons.iter();
            let reasons: Vec<_> = reasons.map(|reason| reason.detail.as_str()).collect();
            let cause = format!("nothing could be read: {}", reasons.join(", "));
            let failure = Failure::new(FailureKind::NothingCame, &plan.stream, cause);
            return Some(Cow::Owned(failure));
        }
        match &self.attributes {
            AttributesOutcome::Failed(failure) => Some(Cow::Borrowed(failure)),
            AttributesOutcome::Written
            | AttributesOutcome::Unchanged
            | AttributesOutcome::NothingToWrite
            | AttributesOutcome::NotOurs { .. }
            | AttributesOutcome::Withdrawn
            | AttributesOutcome::NoRoom { .. } => None,
        }
    }
}

impl WorkedRecord {
    /// What is still to be done: a retry when it can help any part, and a person only when
    /// time helps none.
    pub fn action(&self) -> Option<Action> {
        self.parts.iter().filter_map(Worked::action).min()
    }

    /// What it waits for when it is parked.
    pub fn waits_for(&self) -> Option<WaitsFor> {
        let actions = self.parts.iter().filter_map(Worked::action);
        actions.map(Action::waits_for).max()
    }

    /// What went wrong with its parts, in order.
    pub fn troubles(&self) -> impl Iterator<Item = Trouble<'_>> {
        self.parts.iter().filter_map(Worked::trouble)
    }
}

#[cfg(test)]
mod tests;
