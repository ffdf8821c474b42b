//! Partial is not the end: what is not complete is read again by itself while its stream
//! still keeps the audio, the most urgent first, and replaced only by more. What is still
//! not complete when its audio is gone is marked in its verdict, and told of once.
//!
//! One run is one invocation of the function `again`, an hour after the one before. It may
//! end anywhere, and two may run at once: verdicts are put in place of exactly those that
//! were read, and the register of the next run is put last, in place of the one that this
//! run began with.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::{StreamExt, pin_mut, stream};

use super::{LOOKS_AT_ONCE, in_order, work};
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{ContactAttributes, Deadline, Expect, FragmentSource, Recordings};
use crate::recorder::{Recorder, Worked};
use crate::recording::key::VERDICT_SUFFIX;
use crate::recording::plan::{RecordingPlan, Urls};
use crate::recording::redrive::again::{
    MAX_OPEN, Register, Try, how_to_try, is_open, is_over, period, register_key,
};
use crate::recording::redrive::{Candidate, Planned, plan_of_verdict, step};
use crate::recording::verdict::Verdict;

/// Verdicts that one run looks at; the next run takes up the rest.
const MAX_LOOKS: usize = 100_000;

/// One run.
#[derive(Debug)]
pub struct Run<'a, S, R, N> {
    /// Reads partial recordings again
    /// ([`Again::IfNotComplete`](crate::recorder::Again::IfNotComplete)).
    pub recorder: &'a Recorder<S, R, N>,
    /// How long streams keep their media: how far back to look, and what a stream is taken
    /// for that does not tell.
    pub kept: Duration,
    /// Calls worked on side by side.
    pub at_once: usize,
    /// When the run began.
    pub now: EpochMillis,
}

/// What a run tells of while it goes on.
#[derive(Debug)]
pub enum Told<'a> {
    /// A recording was read again.
    Worked(&'a Worked),
    /// Nothing came of what a recording lacks.
    NothingCame(&'a RecordingPlan, &'a Verdict),
    /// A recording stays as it is: its audio is no longer kept.
    Stayed(&'a RecordingPlan, &'a Verdict),
    /// A verdict, or the media that it lacks, could not be looked at.
    NotLookedAt {
        /// The verdict's key.
        key: &'a str,
        /// Why.
        cause: String,
    },
    /// More recordings are open than can be remembered: so many were forgotten.
    Forgotten(usize),
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Verdicts that were looked at.
    pub looked_at: usize,
    /// Recordings that were read again.
    pub read_again: usize,
    /// Those of them that are done now.
    pub done: usize,
    /// Recordings that were given up.
    pub given_up: usize,
    /// Recordings that are open still.
    pub open: usize,
}

/// A verdict that is not complete.
struct Open {
    key: String,
    /// When it was written, if that was since the last run.
    written: Option<EpochMillis>,
    plan: RecordingPlan,
    verdict: Verdict,
}

/// Verdicts that a run looks at.
struct ToLookAt {
    /// Their keys, and when they were written if that was since the last run; those that
    /// are remembered before those that are new.
    keys: Vec<(String, Option<EpochMillis>)>,
    /// When the first one was written that is left to the next run.
    left_from: Option<EpochMillis>,
}

impl<S, R, N> Run<'_, S, R, N>
where
    S: FragmentSource,
    R: Recordings,
    N: ContactAttributes,
{
    /// Looks at what is new or open, works on it until the deadline, and remembers the rest.
    pub async fn run(
        &self,
        deadline: &impl Deadline,
        told: impl Fn(Told<'_>),
    ) -> Result<Summary, Failure> {
        let store = &self.recorder.store;
        let register_key = register_key(&self.recorder.policy.key_prefix);
        let before = store.read(&register_key).await?;
        let register = Register::read(before.as_deref());
        let mut summary = Summary::default();
        let mut next = Register::default();

        let mut to_look_at = self.to_look_at(&register).await?;
        let open = self.look(&mut to_look_at, deadline, &told, &mut next).await;
        summary.looked_at = to_look_at.keys.len();
        let open = self
            .give_up(open, deadline, &told, &mut summary, &mut next)
            .await;
        self.work(open, deadline, &told, &mut summary, &mut next)
            .await;

        let looked_until = to_look_at.left_from.unwrap_or(self.now);
        next.looked_until = Some(looked_until.to_rfc3339());
        if let Some(forgotten @ 1..) = next.open.len().checked_sub(MAX_OPEN) {
            next.open.truncate(MAX_OPEN);
            told(Told::Forgotten(forgotten));
        }
        summary.open = next.open.len();
        // Where another run was faster, its register stands: it knows as much.
        store
            .put(
                &register_key,
                next.to_json(),
                Expect::unchanged(before.as_deref()),
            )
            .await?;
        Ok(summary)
    }

    /// The verdicts that are remembered, and those that were written since the last run, the
    /// oldest first.
    async fn to_look_at(&self, register: &Register) -> Result<ToLookAt, Failure> {
        let since = register.looks_from();
        let mut written = Vec::new();
        for folder in period(self.kept, self.now).folders() {
            let prefix = format!("{}{folder}", self.recorder.policy.key_prefix);
            let listed = self.recorder.store.list(&prefix).await?.into_iter();
            written.extend(listed.filter(|object| {
                let is_new = object.modified.is_none() || object.modified >= since;
                is_new && object.key.ends_with(VERDICT_SUFFIX)
            }));
        }
        written.sort_by_key(|object| object.modified);
        let left = written.split_off(written.len().min(MAX_LOOKS));
        let new: HashSet<&str> = written.iter().map(|object| &*object.key).collect();
        let known = register.open.iter().filter(|key| !new.contains(&***key));
        let mut keys: Vec<_> = known.map(|key| (key.clone(), None)).collect();
        keys.extend(
            written
                .iter()
                .map(|object| (object.key.clone(), object.modified)),
        );
        Ok(ToLookAt {
            keys,
            left_from: left.first().and_then(|object| object.modified),
        })
    }

    /// The verdicts that are open, as far as time allows.
    async fn look(
        &self,
        to_look_at: &mut ToLookAt,
        deadline: &impl Deadline,
        told: &impl Fn(Told<'_>),
        next: &mut Register,
    ) -> Vec<Open> {
        let (mut open, mut looked) = (Vec::new(), 0);
        {
            let looks = stream::iter(&to_look_at.keys)
                .take_until(deadline.passed())
                .map(|at| async move { (at, self.recorder.store.read(&at.0).await) })
                .buffered(LOOKS_AT_ONCE);
            pin_mut!(looks);
            while let Some(((key, written), json)) = looks.next().await {
                looked += 1;
                let read = match json {
                    // Somebody deleted the verdict.
                    Ok(None) => continue,
                    Ok(Some(json)) => read_open(key, &json),
                    Err(failure) => {
                        next.open.push(key.clone());
                        Err(failure.to_string())
                    }
                };
                match read {
                    Ok(Some((plan, verdict))) => open.push(Open {
                        key: key.clone(),
                        written: *written,
                        plan,
                        verdict,
                    }),
                    Ok(None) => {}
                    Err(cause) => told(Told::NotLookedAt { key, cause }),
                }
            }
        }
        for (key, written) in to_look_at.keys.drain(looked..) {
            match written {
                None => next.open.push(key),
                // They were sorted: all that follow were written later.
                Some(_) => to_look_at.left_from = to_look_at.left_from.min(written).or(written),
            }
        }
        open
    }

    /// Gives up what no stream keeps any more. What is left.
    async fn give_up(
        &self,
        open: Vec<Open>,
        deadline: &impl Deadline,
        told: &impl Fn(Told<'_>),
        summary: &mut Summary,
        next: &mut Register,
    ) -> Vec<Open> {
        let (mut left, mut over) = (Vec::new(), Vec::new());
        for open in open {
            let kept = self.kept_for(&open.plan.stream).await;
            match is_over(&open.plan, &open.verdict, kept, self.now) {
                true => over.push(open),
                false => left.push(open),
            }
        }
        let mut over = over.into_iter();
        {
            let marks = stream::iter(&mut over)
                .take_until(deadline.passed())
                .map(|open| async move { (self.mark(&open).await, open) })
                .buffered(LOOKS_AT_ONCE);
            pin_mut!(marks);
            while let Some((marked, open)) = marks.next().await {
                match marked {
                    Ok(true) => {
                        summary.given_up += 1;
                        told(Told::Stayed(&open.plan, &open.verdict));
                    }
                    // Another run was faster, or there is another verdict by now.
                    Ok(false) => next.open.push(open.key),
                    Err(failure) => {
                        let cause = failure.to_string();
                        told(Told::NotLookedAt {
                            key: &open.key,
                            cause,
                        });
                        next.open.push(open.key);
                    }
                }
            }
        }
        next.open.extend(over.map(|open| open.key));
        left
    }

    /// Marks a verdict as given up, unless it changed meanwhile.
    async fn mark(&self, open: &Open) -> Result<bool, Failure> {
        let before = self.recorder.store.read(&open.key).await?;
        let there = before
            .as_deref()
            .and_then(|json| Verdict::from_json(json).ok());
        if there.as_ref() != Some(&open.verdict) {
            return Ok(false);
        }
        let marked = Verdict {
            gave_up_at: Some(self.now.to_rfc3339()),
            ..open.verdict.clone()
        };
        let put = self.recorder.store.put(
            &open.key,
            marked.to_json(),
            Expect::unchanged(before.as_deref()),
        );
        put.await
    }

    async fn kept_for(&self, stream: &str) -> Duration {
        let told = self.recorder.source.kept_for(stream).await;
        told.unwrap_or(self.kept)
    }

    /// Reads again what can become more by it, and only what something came of.
    async fn work(
        &self,
        open: Vec<Open>,
        deadline: &impl Deadline,
        told: &impl Fn(Told<'_>),
        summary: &mut Summary,
        next: &mut Register,
    ) {
        let mut tries = HashMap::new();
        let mut candidates = Vec::new();
        for (at, open) in open.iter().enumerate() {
            let kept = self.kept_for(&open.plan.stream).await;
            let (plan, verdict) = (&open.plan, &open.verdict);
            let candidate = Candidate {
                plan: Box::new(plan.clone()),
                verdict: Some(verdict.clone()),
                found: vec![at],
            };
            let how = how_to_try(plan, verdict, open.written, kept, self.now);
            if let (Some(how), Ok(step)) = (how, step(&candidate, Urls::OnContact)) {
                tries.insert(at, how);
                candidates.push((candidate, step));
            }
        }
        let kept = async |stream: &str| Some(self.kept_for(stream).await);
        let mut calls = in_order(candidates, self.now, kept).await;
        let to_read: HashSet<usize> = {
            let looks = stream::iter(calls.iter().flatten())
                .take_until(deadline.passed())
                .map(|planned| self.is_to_be_read(planned, &tries, deadline, told))
                .buffered(LOOKS_AT_ONCE);
            pin_mut!(looks);
            looks.filter_map(std::future::ready).collect().await
        };
        for call in &mut calls {
            call.retain(|planned| to_read.contains(&place(planned)));
        }
        calls.retain(|call| !call.is_empty());

        let tell = |_: &_, worked: &Worked| told(Told::Worked(worked));
        let worked = work(self.recorder, calls, self.at_once, deadline, tell).await;
        summary.read_again = worked.len();
        let done = worked.iter().filter(|(_, worked)| is_done(worked));
        let done: HashSet<_> = done.map(|(planned, _)| place(planned)).collect();
        summary.done = done.len();
        let still = open.iter().enumerate().filter(|(at, _)| !done.contains(at));
        next.open.extend(still.map(|(_, open)| open.key.clone()));
    }

    /// The place of a recording that is to be read, if it is.
    async fn is_to_be_read(
        &self,
        planned: &Planned,
        tries: &HashMap<usize, Try>,
        deadline: &impl Deadline,
        told: &impl Fn(Told<'_>),
    ) -> Option<usize> {
        let at = place(planned);
        let (plan, verdict) = (&planned.candidate.plan, planned.candidate.verdict.as_ref()?);
        let more = match tries.get(&at)? {
            Try::Read => Ok(true),
            Try::Look => self.recorder.more_came(plan, verdict, deadline).await,
        };
        match more {
            Ok(true) => return Some(at),
            Ok(false) => told(Told::NothingCame(plan, verdict)),
            Err(failure) if failure.kind == FailureKind::OutOfTime => {}
            Err(failure) => told(Told::NotLookedAt {
                key: &plan.keys.verdict(),
                cause: failure.to_string(),
            }),
        }
        None
    }
}

/// The place of a planned recording among those that are open.
fn place(planned: &Planned) -> usize {
    planned.candidate.found.first().copied().unwrap_or_default()
}

/// The plan and the verdict of an open recording; nothing when it is not open.
fn read_open(key: &str, json: &[u8]) -> Result<Option<(RecordingPlan, Verdict)>, String> {
    let verdict = Verdict::from_json(json).map_err(|error| error.to_string())?;
    if !is_open(&verdict) {
        return Ok(None);
    }
    // What is in the attributes was seen to when it was recorded.
    let plan = RecordingPlan {
        urls: Urls::OnContact,
        ..plan_of_verdict(key, &verdict)?
    };
    Ok(Some((plan, verdict)))
}

/// Whether nothing is left to do for a recording.
fn is_done(worked: &Worked) -> bool {
    match worked {
        Worked::Recorded(_, recorded) => !is_open(&recorded.verdict),
        // Its verdict was deleted.
        Worked::Skipped { .. } => true,
        Worked::Failed(..)
        | Worked::NotAContactRecord(_)
        | Worked::NotOpened { .. }
        | Worked::Undecodable(_) => false,
    }
}
