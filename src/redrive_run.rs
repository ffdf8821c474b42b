//! Redriving over the ports: recordings that were found are looked at, brought into the
//! order of work, and worked. The command line does it when somebody asks, [`again`] by
//! itself, hour after hour; what to do with which recording is decided in
//! [`redrive`](crate::recording::redrive).

pub mod again;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::port::{ContactAttributes, Deadline, FragmentSource, Recordings};
use crate::recorder::{Recorder, Worked};
use crate::recording::plan::Urls;
use crate::recording::redrive::{
    Candidate, Done, Planned, Step, calls, expires, started, step, urgency,
};
use crate::recording::verdict::{Status, Verdict};
use crate::side_by_side::{Call, SideBySide};

/// Small calls under way at once, while it is looked what is to be done.
pub const LOOKS_AT_ONCE: usize = 16;

/// A candidate whose verdict and attributes were looked at.
#[derive(Debug)]
pub struct Looked {
    /// The candidate, with its verdict.
    pub candidate: Candidate,
    /// What to do with it.
    pub step: Result<Step, Done>,
    /// Why its verdict could not be looked at.
    pub failure: Option<Failure>,
}

/// Looks at a candidate's verdict and at the attributes of its contact.
pub async fn look<S: FragmentSource, R: Recordings, N: ContactAttributes>(
    recorder: &Recorder<S, R, N>,
    mut candidate: Candidate,
) -> Looked {
    let mut failure = None;
    if candidate.verdict.is_none() {
        let key = candidate.plan.keys.verdict();
        match recorder.store.read(&key).await {
            // An unreadable verdict counts as absent, as for every delivery.
            Ok(json) => candidate.verdict = json.and_then(|json| Verdict::from_json(&json).ok()),
            Err(met) => failure = Some(met),
        }
    }
    let mut notes = Urls::OnContact;
    let made = [Status::Complete, Status::Partial];
    if let Some(verdict) = &candidate.verdict
        && made.contains(&verdict.status)
    {
        // What could not be looked at is tried when it is worked on, and told then.
        if !matches!(
            recorder.lacks_urls(&candidate.plan, verdict).await,
            Ok(false)
        ) {
            notes = Urls::Lacking;
        }
    }
    Looked {
        step: step(&candidate, notes),
        candidate,
        failure,
    }
}

/// The calls in the order of work. `kept` is how long a stream keeps its media, if that is
/// known; each stream is asked about once.
pub async fn in_order(
    open: Vec<(Candidate, Step)>,
    now: EpochMillis,
    kept: impl AsyncFn(&str) -> Option<Duration>,
) -> Vec<Vec<Planned>> {
    let mut known: BTreeMap<Box<str>, Option<Duration>> = BTreeMap::new();
    let mut planned = Vec::new();
    for (candidate, step) in open {
        let stream = &candidate.plan.stream;
        let kept = match known.get(stream) {
            Some(kept) => *kept,
            None => {
                let kept = kept(stream).await;
                known.insert(stream.clone(), kept);
                kept
            }
        };
        let started = started(&candidate.plan);
        planned.push(Planned {
            step,
            expires: expires(started, kept),
            urgency: urgency(started, kept, now),
            candidate,
        });
    }
    calls(planned)
}

/// Works calls side by side, and tells of each recording when it ended. What became of them,
/// in the order of work; those that the deadline came before are not among them.
pub async fn work<S: FragmentSource, R: Recordings, N: ContactAttributes>(
    recorder: &Recorder<S, R, N>,
    calls: Vec<Vec<Planned>>,
    at_once: usize,
    deadline: &impl Deadline,
    told: impl Fn(&Planned, &Worked),
) -> Vec<(Planned, Worked)> {
    let told = &told;
    let calls = calls.into_iter().map(|works| Call { works, memory: 0 });
    // What one recording may take is in the number of calls already.
    let at_once = SideBySide {
        calls: at_once,
        memory: 0,
    };
    let work = |planned: Planned| async move {
        let plan = planned.candidate.plan.clone();
        let worked = recorder.work_plan(plan, deadline, |_| ()).await;
        told(&planned, &worked);
        (planned, worked)
    };
    let goes_on = |_: &[_]| ControlFlow::Continue(());
    let ended = at_once.work(calls.collect(), deadline.passed(), work, goes_on);
    ended.await.done
}
