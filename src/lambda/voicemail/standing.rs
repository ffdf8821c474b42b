//! The function `reconcile-voicemail`: on a schedule, the messages that stand still between two
//! steps.

use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::super::invoked;
use super::Failed;
use super::deliver::{tell_delivered, tell_not_done};
use crate::deliver::Told;
use crate::settings::deliver::DeliverConfig;
use crate::wiring::voicemail::Deliveries;

pub(super) async fn handle(
    step: &Deliveries,
    config: &DeliverConfig,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Value, Failed> {
    let stores = [&step.recordings, &step.transcripts];
    let (function, stop) = invoked(&event.context, config.places.deadline_margin, &stores);
    let told = |told: Told<'_>| tell(&told, function);
    let run = timeout_at(stop.answer, Box::pin(step.reconcile(&stop, told))).await;
    let run = run.map_err(|_| {
        let cause = "it did not stop in time; raise DEADLINE_MARGIN_SECONDS";
        tracing::error!(cause, "voicemails were not looked through");
        Failed::not_done(cause.to_owned())
    })?;
    let run = run.map_err(|failure| {
        tracing::error!(
            kind = failure.kind.name(),
            cause = format!("{}: {}", failure.subject, failure.cause),
            cure = failure.cure(),
            "voicemails were not looked through"
        );
        Failed::not_done(format!("looking through voicemails: {failure}"))
    })?;
    tracing::info!(
        messages = run.messages,
        worked = run.worked,
        failed = run.failed,
        given_up = run.given_up.len(),
        stopped_early = run.stopped_early,
        "looked for voicemails that stand still"
    );
    // An error, so that it comes to the dead letters with the reasons.
    if !run.given_up.is_empty() {
        return Err(Failed {
            kind: "Callreel.GivenUp",
            message: format!("given up: {}", run.given_up.join("; ")),
        });
    }
    Ok(json!({
        "messages": run.messages,
        "worked": run.worked,
        "failed": run.failed,
        "stopped_early": run.stopped_early,
    }))
}

fn tell(told: &Told<'_>, function: &str) {
    match told {
        Told::Worked(place, step) => {
            tracing::warn!(contact = place.contact(), step = %step, "moved on: it stood still");
        }
        Told::Delivered(delivered) => tell_delivered(delivered, function),
        Told::Failed(_, not_done) => tell_not_done(not_done, function, "still stands still"),
        Told::GivenUp(place, cause) => tracing::error!(
            contact = place.contact(),
            cause,
            cure = "mend what the cause names, and deliver it again: callreel redrive --voicemail",
            "given up"
        ),
    }
}
