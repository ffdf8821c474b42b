//! The function `reconcile`: on a schedule, the messages that nobody came for.

use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::invoked;
use super::save::{causes, tell_not_saved, tell_saved};
use super::{Failed, Machine, in_time};
use crate::answering::Told;
use crate::settings::voicemail::VoicemailConfig;
use crate::voicemail::reconcile::Left;

pub(super) async fn reconcile(
    machine: &Machine,
    config: &VoicemailConfig,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Value, Failed> {
    let stores = [&machine.store];
    let (function, stop) = invoked(&event.context, config.deadline_margin, &stores);
    let told = |told: Told<'_>| tell(&told, function);
    let run = in_time(machine, stop, Box::pin(machine.reconcile(&stop, told))).await;
    let run = run.map_err(|cause| Failed::not_saved(cause.to_owned()))?;
    let run = run.map_err(|failure| {
        tracing::error!(
            kind = failure.kind.name(),
            cause = format!("{}: {}", failure.subject, failure.cause),
            cure = failure.kind.cure(),
            "notes were not looked through"
        );
        Failed::not_saved(format!("looking through notes: {failure}"))
    })?;
    tracing::info!(
        notes = run.notes,
        left = run.left,
        saved = run.saved,
        failed = run.failed,
        given_up = run.given_up.len(),
        stopped_early = run.stopped_early,
        "looked for messages that nobody came for"
    );
    // An error, so that it comes to the dead letters with the reasons.
    if !run.given_up.is_empty() {
        return Err(Failed {
            kind: "Callreel.GivenUp",
            message: format!("given up: {}", run.given_up.join("; ")),
        });
    }
    Ok(json!({
        "notes": run.notes,
        "left": run.left,
        "saved": run.saved,
        "failed": run.failed,
        "stopped_early": run.stopped_early,
    }))
}

fn tell(told: &Told<'_>, function: &str) {
    match told {
        Told::Left(_, Left::Young) => {}
        Told::Left(name, _) => {
            tracing::info!(contact = name.contact(), "left: the caller is still there");
        }
        Told::Worked(_, saved) => tell_saved(saved, function),
        Told::Failed(_, not_saved) => tell_not_saved(not_saved, function),
        Told::GivenUp(name, reasons) => tracing::error!(
            contact = name.contact(),
            note = %name,
            cause = causes(reasons),
            cure = "mend what the cause names, delete the markers .failed.json and .tried.json beside where the \
                    message goes, and it is made by the next run while its audio is kept",
            "given up"
        ),
    }
}
