//! The function `save`: the messages of a contact that is over, by its event, or of one that
//! an operator names.

use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::invoked;
use super::super::log::{self, count};
use super::{Failed, Machine, in_time};
use crate::answering::{NotSaved, Saved};
use crate::connect::contact_event::ContactEvent;
use crate::event::{self, Event};
use crate::recording::verdict::Reason;
use crate::settings::voicemail::VoicemailConfig;

/// What an invocation asks for.
enum Asked {
    /// The messages of the contact of an event.
    ByEvent(ContactEvent),
    /// Those of this contact: somebody asks by hand.
    ByHand(Box<str>),
}

impl Asked {
    fn contact(&self) -> &str {
        match self {
            Self::ByEvent(event) => &event.contact,
            Self::ByHand(contact) => contact,
        }
    }
}

pub(super) async fn save(
    machine: &Machine,
    config: &VoicemailConfig,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Value, Failed> {
    let stores = [&machine.store];
    let (function, stop) = invoked(&event.context, config.deadline_margin, &stores);
    let asked = read(event.payload.get()).inspect_err(|error| {
        tracing::error!(
            cause = error.message,
            cure = "let a rule of EventBridge send it \"Amazon Connect Contact Event\", or name a contact by hand: {\"contact\": \"ID\"}",
            "not saved"
        );
    })?;
    let saving = async {
        match &asked {
            Asked::ByEvent(event) => machine.save(event, &stop, |_| ()).await,
            Asked::ByHand(contact) => machine.save_by_hand(contact, &stop, |_| ()).await,
        }
    };
    let all = in_time(machine, stop, Box::pin(saving)).await;
    let all = all.map_err(|cause| {
        let contact = asked.contact();
        tracing::error!(contact, cause, "not saved");
        Failed::not_saved(format!("contact {contact}: {cause}"))
    })?;
    let (mut answers, mut causes) = (Vec::new(), Vec::new());
    for saved in &all {
        match saved {
            Ok(saved) => {
                tell_saved(saved, function);
                answers.push(answer(&config.bucket, saved));
            }
            Err(not_saved) => {
                tell_not_saved(not_saved, function);
                causes.push(not_saved.to_string());
            }
        }
    }
    if !causes.is_empty() {
        return Err(Failed::not_saved(causes.join("; ")));
    }
    let more = answers.split_off(answers.len().min(1));
    let mut answer = answers.pop().unwrap_or_default();
    if !more.is_empty() {
        answer["more"] = more.into();
    }
    Ok(answer)
}

fn read(payload: &str) -> Result<Asked, Failed> {
    let not_an_event = |cause: &dyn std::fmt::Display| Failed {
        kind: "Callreel.NotAnEvent",
        message: cause.to_string(),
    };
    let event = event::read(payload.as_bytes());
    match event.map_err(|error| not_an_event(&error))? {
        Event::ContactEvent(notice) => ContactEvent::read(&notice)
            .map(Asked::ByEvent)
            .map_err(|error| not_an_event(&error)),
        Event::Direct(contact) => Ok(Asked::ByHand(contact)),
        Event::Records(..)
        | Event::FlowCall(_)
        | Event::ObjectCreated(_)
        | Event::TranscriptionJob(_)
        | Event::Schedule(_) => Err(not_an_event(&"the event is no contact's of Amazon Connect")),
    }
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

pub(super) fn causes(reasons: &[Reason]) -> String {
    let causes: Vec<_> = reasons.iter().map(|reason| &*reason.detail).collect();
    causes.join(", ")
}

/// Tells what became of a message, and counts it unless it was there.
pub(super) fn tell_saved(saved: &Saved, function: &str) {
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
            count(vec![("MessagesEmpty", "Count", 1.0)], function);
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
            if !recorded.found {
                let verdict = &recorded.verdict;
                let values = vec![
                    ("MessagesSaved", "Count", 1.0),
                    ("MessageSeconds", "Seconds", verdict.span.seconds),
                ];
                count(values, function);
            }
        }
    }
}

pub(super) fn tell_not_saved(not_saved: &NotSaved, function: &str) {
    let failure = &not_saved.failure;
    tracing::error!(
        contact = &*not_saved.contact,
        step = not_saved.step.name(),
        kind = failure.kind.name(),
        cause = format!("{}: {}", failure.subject, failure.cause),
        cure = failure.kind.cure(),
        "not saved"
    );
    count(vec![("MessagesFailed", "Count", 1.0)], function);
}
