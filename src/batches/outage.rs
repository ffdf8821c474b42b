//! An outage in the middle of a batch: what several calls in a row have shown, the next need
//! not try. It spares a service that is down the requests, and those behind the time.

use crate::failure::{Failure, FailureKind};
use crate::recorder::Worked;
use crate::recording::plan::RecordingPlan;

/// Calls in a row that end by an outage, until the rest of the batch is left: as many as are
/// worked on side by side as a rule.
const PROOF: usize = 4;

/// How many calls in a row ended by an outage.
#[derive(Debug, Default)]
pub(super) struct Outage {
    in_a_row: usize,
    last: Option<Failure>,
}

/// Calls that are left because of an outage.
#[derive(Debug)]
pub(super) struct Left<'a>(&'a Failure);

impl Outage {
    /// Hears how a call's recordings ended.
    pub(super) fn hear<'a>(&mut self, call: impl IntoIterator<Item = &'a Worked>) {
        let mut parts = call.into_iter();
        let failed = |part: &'a Worked| {
            let Worked::Failed(_, failure) = part else {
                return None;
            };
            failure.kind.is_outage().then_some(failure)
        };
        match parts.try_fold(None, |_, part| failed(part).map(Some)) {
            Some(Some(failure)) => {
                self.in_a_row += 1;
                self.last = Some(failure.clone());
            }
            Some(None) => {}
            None => *self = Self::default(),
        }
    }

    /// What to leave the others for.
    pub(super) fn proven(&self) -> Option<Left<'_>> {
        let failure = self.last.as_ref()?;
        (self.in_a_row >= PROOF).then_some(Left(failure))
    }
}

impl Left<'_> {
    /// The failure of a recording that was not tried.
    pub(super) fn on(&self, plan: &RecordingPlan) -> Failure {
        let Failure {
            kind,
            subject,
            cause,
        } = self.0;
        let kind: FailureKind = *kind;
        let cause = format!("not tried, since {PROOF} calls before it failed: {subject}: {cause}");
        Failure::new(kind, &plan.stream, cause)
    }
}
