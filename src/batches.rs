//! One invocation: a batch of records worked side by side within a memory bound, and the
//! answer that says which to deliver again. Takes Kinesis batches of contact records and
//! SQS batches of parked ones. Knows neither Lambda nor a runtime.
//!
//! Calls are begun in the order in which their first records came ([`side_by_side`](crate::side_by_side)). One record never harms another: what panics for one, in
//! here or behind a port, fails that one alone.

mod outage;
mod settle;

pub use settle::{REST, TRIED_AT_ONCE_FOR};

use std::future::pending;
use std::ops::ControlFlow;

use futures_util::future::join_all;
use serde_json::Value;

use crate::clock::epoch_millis;
use crate::connect::record::Limits;
use crate::event::batch::{self, BatchRecord, NotABatch, Origin};
use crate::failure::parked;
use crate::failure::{Action, Failure};
use crate::media::ticks::EpochMillis;
use crate::port::{ContactAttributes, Deadline, FragmentSource, ParkingLot, Recordings};
use crate::recorder::{Part, Recorder, Worked, WorkedRecord, open_batch, walled, walled_work};
use crate::recording::plan::{RecordingPlan, by_call};
use crate::side_by_side::{Call, Ended, SideBySide};
use outage::Outage;

/// What a recording takes at the least: requests under way and small buffers.
const LEAST_MEMORY: u64 = 6 << 20;
/// What a second of a recording takes while its files are smaller than one part of an
/// upload: both mono files; the stereo one is made of them.
const MEMORY_A_SECOND: u64 = 32_000;

/// The recorder as a function of events.
#[derive(Debug)]
pub struct Function<S, R, N, P> {
    /// Makes the recordings.
    pub recorder: Recorder<S, R, N>,
    /// Where records wait that a person or time must help on.
    pub parking: P,
    /// How much is worked on at once.
    pub side_by_side: SideBySide,
    /// What one recording takes at the most, in bytes.
    pub most_memory: u64,
}

/// One record of a batch and what became of it.
#[derive(Debug)]
pub struct Handled {
    /// The record.
    pub record: BatchRecord,
    /// Its parts.
    pub worked: WorkedRecord,
    /// When the first of the media that was worked on expires, if that is known.
    pub expires: Option<EpochMillis>,
    /// What was done about what could not be.
    pub settled: Settled,
}

/// What becomes of a record after its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// There is nothing left to do.
    Done,
    /// It is delivered again.
    HandedBack,
    /// It waits for somebody, or for better times.
    Parked,
    /// It cannot be worked as it is, nor parked, and it was handed back for long enough.
    LeftOut,
    /// It should have been parked and was not: it is delivered again.
    NotParked(Failure),
}

impl Settled {
    /// Whether the record goes back.
    pub const fn is_handed_back(&self) -> bool {
        matches!(self, Self::HandedBack | Self::NotParked(_))
    }
}

/// A batch that was worked.
#[derive(Debug)]
pub struct Batch {
    /// Where it came from.
    pub origin: Origin,
    /// Its records, in order.
    pub records: Vec<Handled>,
}

impl Batch {
    /// The ids of the records to deliver again, each once.
    pub fn failures(&self) -> Vec<String> {
        let back = self.records.iter().map(|handled| {
            let back = handled.settled.is_handed_back().then_some(Action::Retry);
            (&handled.record, back)
        });
        batch::to_hand_back(self.origin, back)
    }

    /// Whether the data stream is where it was: the next delivery begins with the same record.
    pub fn stands_still(&self) -> bool {
        let first = self.records.first();
        self.origin == Origin::Kinesis
            && first.is_some_and(|handled| handled.settled.is_handed_back())
    }
}

/// A recording to be made: its record's place in the batch, its own in the record, its plan.
type Open = (usize, usize, Box<RecordingPlan>);

impl<S: FragmentSource, R: Recordings, N: ContactAttributes, P: ParkingLot> Function<S, R, N, P> {
    /// Works an event. `told` hears of each part when it ended.
    pub async fn handle(
        &self,
        event: &Value,
        deadline: &impl Deadline,
        told: impl Fn(&BatchRecord, &Worked) + Sync,
    ) -> Result<Batch, NotABatch> {
        let (origin, records) = batch::read_event_value(event)?;
        // Whoever is told and panics takes nothing back; the panic itself is on standard error.
        let told = |record: &BatchRecord, worked: &Worked| {
            let _ = walled("what is told", || told(record, worked));
        };
        let mut parts: Vec<Vec<Option<Worked>>> = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        let now = epoch_millis(deadline.now());
        let opened = open_batch(&records, &self.recorder.policy, Limits::OF_AN_INVOCATION);
        for (at, (record, opened)) in records.iter().zip(opened).enumerate() {
            let consent = record.consent(origin, now);
            let mut worked = Vec::new();
            for (part, opened) in opened.into_iter().enumerate() {
                worked.push(match opened {
                    Part::Ended(ended) => {
                        told(record, &ended);
                        Some(ended)
                    }
                    Part::Open(mut plan) => {
                        plan.consent = consent;
                        open.push((at, part, plan));
                        None
                    }
                });
            }
            parts.push(worked);
        }
        for (at, part, worked) in self.work_open(open, &records, deadline, &told).await {
            parts[at][part] = Some(worked);
        }
        let worked = parts.into_iter().map(|parts| WorkedRecord {
            parts: parts.into_iter().flatten().collect(),
        });
        let worked: Vec<_> = worked.collect();
        let expiries = join_all(worked.iter().map(|worked| self.expiry(worked))).await;
        let now = deadline.now();
        let mut handled: Vec<Handled> = Vec::new();
        let mut stops_here = false;
        for ((record, worked), expires) in records.into_iter().zip(worked).zip(expiries) {
            let settled = if stops_here && worked.action().is_some() {
                Settled::HandedBack
            } else {
                self.settle(origin, &record, &worked, expires, now).await
            };
            // Lambda delivers all that follows again with it: parked, it would be kept twice.
            stops_here |= origin == Origin::Kinesis && settled.is_handed_back();
            handled.push(Handled {
                record,
                worked,
                expires,
                settled,
            });
        }
        Ok(Batch {
            origin,
            records: handled,
        })
    }

    /// What a recording may take: by its length as far as the record tells it.
    fn memory_of(&self, plan: &RecordingPlan) -> u64 {
        let seconds = plan.times.length_millis();
        let seconds = seconds.map_or(u64::MAX, |length| length / 1_000 + 2);
        seconds
            .saturating_mul(MEMORY_A_SECOND)
            .saturating_add(LEAST_MEMORY)
            .min(self.most_memory)
    }

    /// Works calls side by side, those first that came first: of a data stream everything
    /// behind the first record that is handed back comes again.
    async fn work_open(
        &self,
        open: Vec<Open>,
        records: &[BatchRecord],
        deadline: &impl Deadline,
        told: &(impl Fn(&BatchRecord, &Worked) + Sync),
    ) -> Vec<(usize, usize, Worked)> {
        let calls = by_call(open, |(_, _, plan)| plan).into_iter().map(|works| {
            let memory = works.iter().map(|(_, _, plan)| self.memory_of(plan)).max();
            Call {
                works,
                memory: memory.unwrap_or(0),
            }
        });
        let work = |(at, part, plan): Open| async move {
            let worked = self.recorder.work_plan(plan, deadline, |_| ()).await;
            told(&records[at], &worked);
            (at, part, worked)
        };
        let mut outage = Outage::default();
        let ended = |call: &[(usize, usize, Worked)]| {
            outage.hear(call.iter().map(|(_, _, worked)| worked));
            match outage.proven() {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        };
        // Past the deadline each recording ends at once, by itself.
        let ended = self
            .side_by_side
            .work(calls.collect(), pending(), work, ended);
        let Ended { mut done, left } = ended.await;
        if let Some(outage) = outage.proven() {
            done.extend(left.into_iter().map(|(at, part, plan)| {
                let failure = outage.on(&plan);
                let worked = Worked::Failed(plan, failure);
                told(&records[at], &worked);
                (at, part, worked)
            }));
        }
        done
    }

    /// When the first fragment of what was worked on expires. Recordings found complete are
    /// skipped: their audio is stored, so that the stream's retention no longer matters.
    async fn expiry(&self, worked: &WorkedRecord) -> Option<EpochMillis> {
        let mut first = None;
        for part in &worked.parts {
            let (Worked::Recorded(plan, _) | Worked::Failed(plan, _)) = part else {
                continue;
            };
            let found = matches!(part, Worked::Recorded(_, recorded) if recorded.found);
            let (Some(started), false) = (plan.times.started, found) else {
                continue;
            };
            let kept = self.recorder.source.kept_for(&plan.stream);
            let kept = walled_work(&plan.stream, kept).await.ok().flatten();
            let expires = kept.map(|kept| parked::retry_until(started, kept));
            first = first.into_iter().chain(expires).min();
        }
        first
    }
}
