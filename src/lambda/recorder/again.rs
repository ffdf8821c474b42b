//! The function `again`: whatever event wakes it, it reads again what is not complete.

use std::time::SystemTime;

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::super::invoked;
use super::super::log::{self, Metrics};
use super::{MOST_MEMORY, Recorders, connect, for_recordings};
use crate::clock;
use crate::failure::FailureKind;
use crate::recorder::{AttributesOutcome, Recorder, Worked};
use crate::recording::decide::SkipReason;
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::Verdict;
use crate::redrive_run::again::{Run, Told};
use crate::settings::recorder::Config;

pub(super) async fn recorder(config: &Config) -> Recorders {
    let ports = connect(config).await.ports;
    Recorder::new(ports, config.policy(), config.reading()).reading_again()
}

pub(super) async fn handle(
    recorder: &Recorders,
    config: &Config,
    event: LambdaEvent<Value>,
) -> Result<Value, NotRun> {
    let (function, stop) = invoked(&event.context, config.deadline_margin, &[&recorder.store]);
    let run = Run {
        recorder,
        kept: config.media_retention,
        at_once: at_once(config.batch_concurrency, event.context.env_config.memory),
        now: clock::now(),
    };
    let told = |told: Told<'_>| tell(told, function);
    let ran = timeout_at(stop.answer, Box::pin(run.run(&stop, told))).await;
    // What was given up along the way is removed before the sandbox is frozen.
    let _ = timeout_at(stop.answer, recorder.store.aborts_ended()).await;
    let summary = match ran {
        Ok(ran) => ran.map_err(|failure| NotRun(failure.to_string()))?,
        Err(_) => {
            return Err(NotRun(
                "it did not stop in time; raise DEADLINE_MARGIN_SECONDS".to_owned(),
            ));
        }
    };
    tracing::info!(
        looked_at = summary.looked_at,
        read_again = summary.read_again,
        done = summary.done,
        given_up = summary.given_up,
        open = summary.open,
        "looked for what is not complete"
    );
    Ok(json!({
        "looked_at": summary.looked_at,
        "read_again": summary.read_again,
        "done": summary.done,
        "given_up": summary.given_up,
        "open": summary.open,
    }))
}

/// Recordings side by side: as many as are set, and as the function's memory, in MiB, holds.
fn at_once(set: usize, memory: i32) -> usize {
    let fit = for_recordings(u64::try_from(memory).unwrap_or(0)) / MOST_MEMORY;
    set.min(usize::try_from(fit).unwrap_or(set)).max(1)
}

/// What is told while it happens. What a recording lacks was told when it was recorded, and
/// is not told hour after hour: once more when it is less, and once when it is for good.
fn tell(told: Told<'_>, function: &str) {
    if let Told::Worked(worked) = &told
        && is_withdrawn(worked)
    {
        count("withdrawn", ("Withdrawn", "Count", 1.0), function);
    }
    match told {
        Told::Worked(Worked::Recorded(plan, recorded)) if recorded.found => {
            tell_unchanged(plan, &recorded.verdict);
        }
        Told::Worked(Worked::Recorded(plan, recorded)) => log::tell_recorded(plan, recorded),
        Told::Worked(Worked::Failed(plan, failure)) if failure.kind == FailureKind::OutOfTime => {
            tracing::info!(
                contact = &*plan.id.contact,
                recording = %plan.id.start,
                "left to the next run"
            );
        }
        Told::Worked(Worked::Failed(plan, failure)) => tracing::warn!(
            contact = &*plan.id.contact,
            recording = %plan.id.start,
            stream = &*plan.stream,
            kind = failure.kind.name(),
            cause = format!("{}: {}", failure.subject, failure.cause),
            cure = failure.cure(),
            "not read again; the next run tries"
        ),
        Told::Worked(Worked::Skipped {
            contact,
            reason: reason @ (SkipReason::NotAuthorised { .. } | SkipReason::Withdrawn),
        }) => log::tell_withdrawn(contact, reason),
        // Made or deleted by somebody meanwhile, or forbidden: nothing is to be done.
        Told::Worked(Worked::Skipped { contact, reason }) => {
            tracing::info!(contact = &**contact, reason = %reason, "not read again");
        }
        // These are of records, and there are none.
        Told::Worked(
            Worked::NotAContactRecord(_) | Worked::NotOpened { .. } | Worked::Undecodable(_),
        ) => {}
        Told::NothingCame(plan, verdict) => tell_unchanged(plan, verdict),
        Told::Stayed(plan, verdict) => tell_stayed(plan, verdict, function),
        Told::NotLookedAt { key, cause } => tracing::warn!(
            key,
            cause,
            cure = "the next run looks again; callreel redrive --contact ID tells more",
            "not looked at"
        ),
        Told::Forgotten(count) => tracing::error!(
            count,
            cause = "more recordings are not complete than can be remembered",
            cure = "mend what makes them fail, then callreel redrive --since DAY",
            "forgotten"
        ),
    }
}

fn tell_unchanged(plan: &RecordingPlan, verdict: &Verdict) {
    tracing::info!(
        contact = &*plan.id.contact,
        recording = %plan.id.start,
        status = verdict.status.name(),
        missing = verdict.fragments.missing,
        "still not complete"
    );
}

/// Whether there are files of a recording that its contact does not allow any more.
fn is_withdrawn(worked: &Worked) -> bool {
    match worked {
        // A verdict is there, or it would not be read again.
        Worked::Skipped { reason, .. } => matches!(
            reason,
            SkipReason::NotAuthorised { .. } | SkipReason::Withdrawn
        ),
        Worked::Recorded(_, recorded) => recorded.attributes == AttributesOutcome::Withdrawn,
        Worked::Failed(..)
        | Worked::NotAContactRecord(_)
        | Worked::NotOpened { .. }
        | Worked::Undecodable(_) => false,
    }
}

fn tell_stayed(plan: &RecordingPlan, verdict: &Verdict, function: &str) {
    let reasons = verdict.reasons.iter();
    let reasons: Vec<_> = reasons.map(|reason| reason.detail.as_str()).collect();
    tracing::error!(
        contact = &*plan.id.contact,
        recording = %plan.id.start,
        status = verdict.status.name(),
        cause = reasons.join("; "),
        cure = "its stream keeps the audio no longer: what is missing is lost, and the verdict says which seconds; \
                if this repeats, raise the retention of live media streaming in Connect",
        "stayed partial"
    );
    count(
        verdict.status.name(),
        ("StayedPartial", "Count", 1.0),
        function,
    );
}

/// Writes one value of a metric.
fn count(status: &'static str, value: (&'static str, &'static str, f64), function: &str) {
    let values = vec![value];
    let metrics = Metrics { status, values };
    log::emit(&metrics, function, SystemTime::now());
}

/// The run could not be made, or not ended: the invocation fails, and says why.
#[derive(Debug)]
pub(super) struct NotRun(String);

impl From<NotRun> for Diagnostic {
    fn from(error: NotRun) -> Self {
        Self {
            error_type: "Callreel.Again".to_owned(),
            error_message: error.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::at_once;

    #[test]
    fn as_many_at_once_as_memory_holds() {
        #[track_caller]
        fn check(set: usize, memory: i32, expected: usize) {
            assert_eq!(at_once(set, memory), expected);
        }
        check(4, 512, 4);
        check(4, 256, 3);
        check(4, 128, 1);
        check(1, 10_240, 1);
        check(64, 512, 9);
    }
}
