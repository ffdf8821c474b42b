//! The process of the functions that save messages: `save`, by a contact's event, and
//! `reconcile`, on a schedule. What fails is an error of the invocation, so that it comes
//! again, and at last to the dead letters.

use std::process::ExitCode;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::{StopAt, log};
use crate::answering::{Answering, NotSaved, Saved, Told};
use crate::aws::s3::Bucket;
use crate::aws::{
    self, Access, ContactSearch, KvsLive, KvsSource, S3Recordings, WallClock, kvs::Limits,
};
use crate::connect::contact_event::ContactEvent;
use crate::event::{self, Event};
use crate::recording::verdict::Reason;
use crate::settings::voicemail::VoicemailConfig;
use crate::voicemail::reconcile::Left;

type Machine = Answering<KvsSource, KvsLive, S3Recordings, ContactSearch, WallClock>;

/// Which function this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handler {
    /// Saves the message of a contact that is over.
    Save,
    /// Saves those that nobody came for.
    Reconcile,
}

const HANDLERS: &[(&str, Handler)] = &[("save", Handler::Save), ("reconcile", Handler::Reconcile)];

/// Runs until Lambda ends the process.
pub async fn run() -> ExitCode {
    let config = VoicemailConfig::from_lookup(|name| std::env::var(name).ok());
    let (handler, config) = match super::begin(HANDLERS, config, |config| config.log_level) {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    let machine = machine(&config).await;
    super::ended(match handler {
        Handler::Save => {
            let handle = |event| save(&machine, &config, event);
            lambda_runtime::run(service_fn(handle)).await
        }
        Handler::Reconcile => {
            let handle = |event| reconcile(&machine, &config, event);
            lambda_runtime::run(service_fn(handle)).await
        }
    })
}

async fn machine(config: &VoicemailConfig) -> Machine {
    let access = Access {
        region: Some(config.region.clone()),
        endpoint: config.endpoint.clone(),
        ..Access::default()
    };
    let shared = aws::load(access).await;
    let reading = config.reading();
    let limits = Limits {
        connections: reading.requests_at_once,
        fragments_per_request: reading.fragments_per_request,
    };
    let bucket = Bucket {
        owner: config.bucket_owner.clone(),
        ..Bucket::to_read(&config.bucket)
    };
    Answering {
        source: KvsSource::new(&shared, limits),
        live: KvsLive::new(&shared, limits),
        store: S3Recordings::new(&shared, bucket),
        contacts: ContactSearch::new(&shared),
        clock: WallClock,
        notes: config.notes.clone(),
        policy: config.policy(),
        reading,
    }
}

async fn save(
    machine: &Machine,
    config: &VoicemailConfig,
    event: LambdaEvent<Value>,
) -> Result<Value, Failed> {
    machine.store.runs_in(&event.context.invoked_function_arn);
    let stop = StopAt::new(event.context.deadline(), config.deadline_margin);
    let contact_event = read(&event.payload).inspect_err(|error| {
        tracing::error!(
            cause = error.message,
            cure = "let a rule of EventBridge send it \"Amazon Connect Contact Event\"",
            "not saved"
        );
    })?;
    let contact = contact_event.contact.clone();
    let saving = Box::pin(machine.save(&contact_event, &stop, |_| ()));
    let saved = timeout_at(stop.answer, saving).await;
    // What was given up along the way is removed before the sandbox is frozen.
    let _ = timeout_at(stop.answer, machine.store.aborts_ended()).await;
    match saved {
        Ok(Ok(saved)) => {
            tell_saved(&saved);
            Ok(answer(&config.bucket, &saved))
        }
        Ok(Err(not_saved)) => {
            tell_not_saved(&not_saved);
            Err(Failed::not_saved(not_saved.to_string()))
        }
        Err(_) => {
            let cause = format!(
                "contact {contact}: it did not stop in time; raise DEADLINE_MARGIN_SECONDS"
            );
            tracing::error!(contact = &*contact, cause, "not saved");
            Err(Failed::not_saved(cause))
        }
    }
}

fn read(payload: &Value) -> Result<ContactEvent, Failed> {
    let not_an_event = |cause: &dyn std::fmt::Display| Failed {
        kind: "Callreel.NotAnEvent",
        message: cause.to_string(),
    };
    let event = event::read(payload.to_string().as_bytes());
    match event.map_err(|error| not_an_event(&error))? {
        Event::ContactEvent(notice) => {
            ContactEvent::read(&notice).map_err(|error| not_an_event(&error))
        }
        Event::Records(..)
        | Event::FlowCall(_)
        | Event::ObjectCreated(_)
        | Event::TranscriptionJob(_)
        | Event::Schedule(_)
        | Event::Direct(_) => Err(not_an_event(&"the event is no contact's of Amazon Connect")),
    }
}

async fn reconcile(
    machine: &Machine,
    config: &VoicemailConfig,
    event: LambdaEvent<Value>,
) -> Result<Value, Failed> {
    machine.store.runs_in(&event.context.invoked_function_arn);
    let stop = StopAt::new(event.context.deadline(), config.deadline_margin);
    let run = Box::pin(machine.reconcile(&stop, |told| tell(&told)));
    let run = timeout_at(stop.answer, run).await;
    let _ = timeout_at(stop.answer, machine.store.aborts_ended()).await;
    let run = match run {
        Ok(Ok(run)) => run,
        Ok(Err(failure)) => {
            tracing::error!(
                kind = failure.kind.name(),
                cause = format!("{}: {}", failure.subject, failure.cause),
                cure = failure.kind.cure(),
                "notes were not looked through"
            );
            return Err(Failed::not_saved(format!(
                "looking through notes: {failure}"
            )));
        }
        Err(_) => {
            let cause = "it did not stop in time; raise DEADLINE_MARGIN_SECONDS";
            return Err(Failed::not_saved(cause.to_owned()));
        }
    };
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

fn answer(bucket: &str, saved: &Saved) -> Value {
    match saved {
        Saved::Skipped { contact, reason } => {
            json!({"status": "skipped", "contact": contact, "reason": reason.to_string()})
        }
        Saved::Empty { contact, key, .. } => {
            json!({"status": "empty", "contact": contact, "bucket": bucket, "key": key})
        }
        Saved::Message { note, recorded, .. } => json!({
            "status": recorded.verdict.status.name(),
            "contact": note.contact,
            "bucket": bucket,
            "key": recorded.verdict.files.first().map(|file| &file.key),
            "seconds": recorded.verdict.span.seconds,
        }),
    }
}

fn tell(told: &Told<'_>) {
    match told {
        Told::Left(_, Left::Young) => {}
        Told::Left(name, _) => {
            tracing::info!(contact = name.contact(), "left: the caller is still there");
        }
        Told::Worked(_, saved) => tell_saved(saved),
        Told::Failed(_, not_saved) => tell_not_saved(not_saved),
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

fn causes(reasons: &[Reason]) -> String {
    let causes: Vec<_> = reasons.iter().map(|reason| &*reason.detail).collect();
    causes.join(", ")
}

fn tell_saved(saved: &Saved) {
    match saved {
        Saved::Skipped { contact, reason } => {
            tracing::info!(contact = &**contact, reason = %reason, "skipped");
        }
        Saved::Empty {
            contact,
            key,
            reasons,
        } => {
            tracing::warn!(
                contact = &**contact,
                key,
                cause = causes(reasons),
                "no message"
            );
        }
        Saved::Message {
            plan,
            recorded,
            elsewhere,
            ..
        } => {
            log::tell_recorded(plan, recorded);
            if *elsewhere > 0 {
                tracing::warn!(
                    contact = &*plan.id.contact,
                    recordings = elsewhere,
                    "the contact was recorded on other streams, too: in no message"
                );
            }
        }
    }
}

fn tell_not_saved(not_saved: &NotSaved) {
    let failure = &not_saved.failure;
    tracing::error!(
        contact = &*not_saved.contact,
        step = not_saved.step.name(),
        kind = failure.kind.name(),
        cause = format!("{}: {}", failure.subject, failure.cause),
        cure = failure.kind.cure(),
        "not saved"
    );
}

/// An invocation that fails, and says why.
#[derive(Debug)]
struct Failed {
    kind: &'static str,
    message: String,
}

impl Failed {
    fn not_saved(message: String) -> Self {
        let kind = "Callreel.NotSaved";
        Self { kind, message }
    }
}

impl From<Failed> for Diagnostic {
    fn from(error: Failed) -> Self {
        Self {
            error_type: error.kind.to_owned(),
            error_message: error.message,
        }
    }
}
