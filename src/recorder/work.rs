//! One stream record from its data to what became of it: every recording of every contact
//! record in it, none in the way of another.

use super::{Noted, Progress, Recorded, Recorder};
use crate::batch::BatchRecord;
use crate::contact::{NotAContactRecord, read_contact_records};
use crate::failure::{Action, Failure};
use crate::plan::{Decision, RecordingPlan, SkipReason, decide};
use crate::port::{ContactNotes, FragmentSource, RecordingStore};
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

impl<S: FragmentSource, R: RecordingStore, N: ContactNotes> Recorder<S, R, N> {
    /// Works one stream record.
    pub async fn work(
        &self,
        record: &BatchRecord,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> WorkedRecord {
        let data = match &record.data {
            Ok(data) => data,
            Err(cause) => {
                return WorkedRecord {
                    parts: vec![Worked::Undecodable(cause.clone())],
                };
            }
        };
        let mut parts = Vec::new();
        for contact in read_contact_records(data) {
            let contact = match contact {
                Ok(contact) => contact,
                Err(error) => {
                    parts.push(Worked::NotAContactRecord(error));
                    continue;
                }
            };
            for decision in decide(&contact, &self.policy) {
                parts.push(match decision {
                    Decision::Skip(reason) => Worked::Skipped {
                        contact: contact.contact.clone(),
                        reason,
                    },
                    Decision::Record(plan) => match self.record(&plan, &progress).await {
                        Ok(recorded) => Worked::Recorded(plan, Box::new(recorded)),
                        Err(failure) => Worked::Failed(plan, failure),
                    },
                });
            }
        }
        WorkedRecord { parts }
    }
}
