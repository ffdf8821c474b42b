//! One stream record from its data to what became of it: every recording of every contact
//! record in it, none in the way of another.

use futures_util::future::{Either, select};
use futures_util::pin_mut;

use super::{Noted, Progress, Recorded, Recorder};
use crate::batch::BatchRecord;
use crate::contact::{NotAContactRecord, read_contact_records};
use crate::failure::{Action, Failure, FailureKind};
use crate::plan::{Decision, Policy, RecordingPlan, SkipReason, decide};
use crate::port::{ContactNotes, Deadline, FragmentSource, RecordingStore};
use crate::verdict::Status;

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

impl Worked {
    /// What is still to be done, if anything.
    pub fn action(&self) -> Option<Action> {
        match self {
            Self::Failed(_, failure) => Some(failure.action()),
            Self::Recorded(_, recorded) if recorded.verdict.status == Status::Failed => {
                Some(Action::Retry)
            }
            Self::Recorded(_, recorded) => match &recorded.noted {
                Noted::Failed(failure) => Some(failure.action()),
                Noted::Written
                | Noted::Unchanged
                | Noted::NothingToNote
                | Noted::NotOurs { .. }
                | Noted::NoRoom { .. } => None,
            },
            Self::Skipped { .. } | Self::Undecodable(_) | Self::NotAContactRecord(_) => None,
        }
    }
}

impl WorkedRecord {
    /// What is still to be done: a retry when it can help any part.
    pub fn action(&self) -> Option<Action> {
        let actions = || self.parts.iter().filter_map(Worked::action);
        actions()
            .find(|action| *action == Action::Retry)
            .or_else(|| actions().next())
    }
}

/// One part of a stream record before any work: ended already, or a recording to make.
#[derive(Debug)]
pub enum Part {
    /// There is nothing to record.
    Ended(Worked),
    /// A recording to make.
    Open(Box<RecordingPlan>),
}

/// Reads a stream record and decides on each part of it; there is at least one.
pub fn open_record(record: &BatchRecord, policy: &Policy) -> Vec<Part> {
    let data = match &record.data {
        Ok(data) => data,
        Err(cause) => return vec![Part::Ended(Worked::Undecodable(cause.clone()))],
    };
    let mut parts = Vec::new();
    for contact in read_contact_records(data) {
        match contact {
            Err(error) => parts.push(Part::Ended(Worked::NotAContactRecord(error))),
            Ok(contact) => {
                parts.extend(
                    decide(&contact, policy)
                        .into_iter()
                        .map(|decision| match decision {
                            Decision::Record(plan) => Part::Open(plan),
                            Decision::Skip(reason) => Part::Ended(Worked::Skipped {
                                contact: contact.contact.clone(),
                                reason,
                            }),
                        }),
                )
            }
        }
    }
    parts
}

impl<S: FragmentSource, R: RecordingStore, N: ContactNotes> Recorder<S, R, N> {
    /// Works one stream record, part after part.
    pub async fn work(
        &self,
        record: &BatchRecord,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> WorkedRecord {
        let mut parts = Vec::new();
        for part in open_record(record, &self.policy) {
            parts.push(match part {
                Part::Ended(worked) => worked,
                Part::Open(plan) => self.work_plan(plan, deadline, &progress).await,
            });
        }
        WorkedRecord { parts }
    }

    /// Makes one recording, and keeps what became of it. Cut off anywhere, it can be made
    /// again, as after a crash.
    pub async fn work_plan(
        &self,
        plan: Box<RecordingPlan>,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Worked {
        let recorded = {
            let record = self.record(&plan, deadline, progress);
            let over = deadline.over();
            pin_mut!(record, over);
            match select(over, record).await {
                Either::Right((recorded, _)) => recorded,
                Either::Left(((), _)) => Err(Failure::new(
                    FailureKind::OutOfTime,
                    plan.keys.verdict(),
                    "the invocation ends before the verdict or the attributes are written",
                )),
            }
        };
        match recorded {
            Ok(recorded) => Worked::Recorded(plan, Box::new(recorded)),
            Err(failure) => Worked::Failed(plan, failure),
        }
    }
}
