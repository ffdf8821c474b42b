//! One stream record from its data to what became of it: every recording of every contact
//! record in it, none in the way of another.

use futures_util::future::{Either, select};
use futures_util::pin_mut;

use super::open::{Part, open_record};
use super::outcome::{Worked, WorkedRecord};
use super::wall::walled_work;
use super::{Progress, Recorder};
use crate::event::batch::BatchRecord;
use crate::failure::{Failure, FailureKind};
use crate::port::{ContactAttributes, Deadline, FragmentSource, Recordings};
use crate::recording::plan::RecordingPlan;

impl<S: FragmentSource, R: Recordings, N: ContactAttributes> Recorder<S, R, N> {
    /// Works one stream record, part after part.
    pub async fn work(
        &self,
        record: &BatchRecord,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> WorkedRecord {
        let parts = open_record(record, &self.policy);
        self.work_parts(parts, deadline, progress).await
    }

    /// Works the parts of one stream record, one after the other.
    pub async fn work_parts(
        &self,
        opened: Vec<Part>,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> WorkedRecord {
        let mut parts = Vec::new();
        for part in opened {
            parts.push(match part {
                Part::Ended(worked) => worked,
                Part::Open(plan) => self.work_plan(plan, deadline, &progress).await,
            });
        }
        WorkedRecord { parts }
    }

    /// Makes one recording, and keeps what became of it. Cut off anywhere, it can be made
    /// again, as after a crash; so a panic, of ours or of a library's, ends this recording
    /// alone.
    pub async fn work_plan(
        &self,
        plan: Box<RecordingPlan>,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Worked {
        let ended = {
            let verdict = plan.keys.verdict();
            let work = walled_work(&verdict, self.work_allowed(&plan, deadline, progress));
            let over = deadline.over();
            pin_mut!(work, over);
            match select(over, work).await {
                Either::Right((ended, _)) => ended.flatten(),
                Either::Left(((), _)) => Err(Failure::new(
                    FailureKind::OutOfTime,
                    plan.keys.verdict(),
                    "the invocation ends before the verdict or the attributes are written",
                )),
            }
        };
        ended.unwrap_or_else(|failure| Worked::Failed(plan, failure))
    }

    /// Asks first whether it may be made, and how much of it.
    async fn work_allowed(
        &self,
        plan: &RecordingPlan,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Worked, Failure> {
        match self.allowed(plan).await? {
            Ok(plan) => {
                let recorded = self.record(&plan, deadline, progress).await?;
                Ok(Worked::Recorded(Box::new(plan), Box::new(recorded)))
            }
            Err(reason) => Ok(Worked::Skipped {
                contact: plan.id.contact.clone(),
                reason,
            }),
        }
    }
}
