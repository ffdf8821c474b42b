//! The function `deliver`: a transcript that was stored is delivered, once. A repeat of the event
//! finds what was done, and does what is missing behind it.

use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::super::{invoked, log};
use super::Failed;
use crate::deliver::{Delivered, Linked, NotDone, Tries};
use crate::event::{self, Event};
use crate::settings::deliver::DeliverConfig;
use crate::voicemail::flagged::Mode;
use crate::wiring::voicemail::Deliveries;

pub(super) async fn handle(
    step: &Deliveries,
    config: &DeliverConfig,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Value, Failed> {
    let stores = [&step.recordings, &step.transcripts];
    let (function, stop) = invoked(&event.context, config.places.deadline_margin, &stores);
    let stored = read(event.payload.get()).inspect_err(|error| {
        tracing::error!(
            cause = error.message,
            cure =
                "let a rule of EventBridge send it \"Object Created\" of the transcripts' bucket",
            "not delivered"
        );
    })?;
    if *stored.bucket != *config.places.transcripts {
        tracing::warn!(bucket = &*stored.bucket, "ignored: another bucket");
        return Ok(json!({"status": "ignored", "reason": "another bucket"}));
    }
    let key = &*stored.key;
    // Nobody knows here whether Lambda will try again: what may go better by itself is left to
    // that, and the last word is reconcile's. Only names are not waited for as long.
    let delivering = Box::pin(step.deliver(key, Tries::More, stored.time));
    let delivered = timeout_at(stop.answer, delivering).await;
    let delivered = delivered.map_err(|_| {
        let cause = "it did not end in time";
        tracing::error!(key, cause, "not delivered");
        Failed::not_done(format!("{key}, delivering it: {cause}"))
    })?;
    match delivered {
        Ok(delivered) => {
            tell_delivered(&delivered, function);
            Ok(answer(&delivered))
        }
        Err(not_done) => {
            tell_not_done(&not_done, function, "not delivered");
            Err(Failed::not_done(not_done.to_string()))
        }
    }
}

fn read(payload: &str) -> Result<event::ObjectCreated, Failed> {
    let event = event::read(payload.as_bytes()).map_err(|error| Failed::not_an_event(&error))?;
    match event {
        Event::ObjectCreated(stored) => Ok(stored),
        Event::Records(..)
        | Event::FlowCall(_)
        | Event::ContactEvent(_)
        | Event::TranscriptionJob(_)
        | Event::Schedule(_)
        | Event::Direct(_) => Err(Failed::not_an_event(
            &"the event is no stored object's of Amazon S3",
        )),
    }
}

fn answer(delivered: &Delivered) -> Value {
    let of = |contact: &str, mode: Mode, id: &str| {
        let name = match mode {
            Mode::Email => "messageId",
            Mode::Task | Mode::GuidedTask => "taskContactId",
        };
        json!({
            "status": "complete", "result": "success", "mode": mode.name(),
            "contactId": contact, name: id,
        })
    };
    match delivered {
        Delivered::Ignored => {
            json!({"status": "ignored", "reason": "no transcript of a voicemail"})
        }
        Delivered::Before {
            contact, mode, id, ..
        }
        | Delivered::Now {
            contact, mode, id, ..
        } => of(contact, *mode, id),
    }
}

/// Tells what became of a delivery, and counts it unless it was made before.
pub(super) fn tell_delivered(delivered: &Delivered, function: &str) {
    match delivered {
        Delivered::Ignored => tracing::info!("ignored: no transcript of a voicemail"),
        Delivered::Before {
            contact,
            mode,
            id,
            oddities,
        }
        | Delivered::Now {
            contact,
            mode,
            id,
            oddities,
            ..
        } => {
            for cause in oddities {
                tracing::warn!(contact = &**contact, cause, "worth a look");
            }
            let is_new = matches!(delivered, Delivered::Now { .. });
            let what = if is_new {
                "delivered"
            } else {
                "delivered before"
            };
            tracing::info!(
                contact = &**contact,
                mode = mode.name(),
                id = &**id,
                "{what}"
            );
            if is_new {
                log::count(vec![("VoicemailsDelivered", "Count", 1.0)], function);
            }
            if let Delivered::Now {
                linked: Linked::Not,
                ..
            } = delivered
            {
                log::count(vec![(log::LINKS_FAILED, "Count", 1.0)], function);
            }
        }
    }
}

pub(super) fn tell_not_done(not_done: &NotDone, function: &str, what: &str) {
    let failure = &not_done.failure;
    tracing::error!(
        contact = &*not_done.contact,
        step = not_done.step.name(),
        kind = failure.kind.name(),
        cause = format!("{}: {}", failure.subject, failure.cause),
        cure = failure.cure(),
        "{what}"
    );
    log::count(vec![("VoicemailsNotDone", "Count", 1.0)], function);
}
