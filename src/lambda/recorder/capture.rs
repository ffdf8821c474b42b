//! The function `capture`: batches of contact records, of which those that a flow flagged left a
//! message. What cannot be recorded now is handed back, and nothing else is.

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use tokio::time::timeout_at;

use super::super::invoked;
use super::super::log::{self, count};
use super::{Unreadable, response};
use crate::aws::{self, Access, ParkingQueue};
use crate::capture::{Captured, CapturedBatch, Handled, Settled};
use crate::connect::record::NotAContactRecord;
use crate::event::batch::read_event_value;
use crate::settings::capture::CaptureConfig;
use crate::voicemail::capture::Voicemail;
use crate::wiring::voicemail::{Capturing, capturing};

/// Messages that are recorded side by side: one holds two parts of 5 MiB, and has two more
/// under way.
const AT_ONCE: usize = 3;

pub(super) type Function = Capturing<Option<ParkingQueue>>;

pub(super) async fn function(config: &CaptureConfig) -> Function {
    let access = Access {
        region: Some(config.places.region.clone()),
        endpoint: config.places.endpoint.clone(),
        ..Access::default()
    };
    let shared = aws::load(access).await;
    let queue = config.parking_queue.as_deref();
    let queue = queue.map(|url| ParkingQueue::new(&shared, url));
    capturing(config, &shared, queue, AT_ONCE)
}

pub(super) async fn handle(
    function: &Function,
    config: &CaptureConfig,
    event: LambdaEvent<Value>,
) -> Result<Value, Unreadable> {
    let store = &function.recorder.store;
    let stores = [store, &function.transcripts, &function.ivr];
    let (name, stop) = invoked(&event.context, config.places.deadline_margin, &stores);
    let handled = Box::pin(function.handle(&event.payload, &stop));
    let answer = match timeout_at(stop.answer, handled).await {
        Ok(batch) => {
            let batch = batch.map_err(Unreadable)?;
            tell(&batch, name);
            (batch.origin, batch.failures())
        }
        Err(_) => {
            tracing::error!(
                cause = "the work did not stop in time",
                cure = "raise DEADLINE_MARGIN_SECONDS",
                "the whole batch is handed back"
            );
            let (origin, records) = read_event_value(&event.payload).map_err(Unreadable)?;
            let ids = records.into_iter().filter_map(|record| record.item_id);
            (origin, ids.collect())
        }
    };
    // What was given up along the way is removed before the sandbox is frozen.
    let _ = timeout_at(stop.answer, store.aborts_ended()).await;
    Ok(response(answer))
}

fn tell(batch: &CapturedBatch, function: &str) {
    for handled in &batch.records {
        for captured in &handled.captured {
            tell_captured(handled, captured, function);
        }
        let item_id = handled.record.item_id.as_deref().unwrap_or_default();
        match handled.settled {
            Settled::Done => {}
            Settled::HandedBack => {
                tracing::warn!(item_id, origin = ?batch.origin, "handed back");
            }
            Settled::Parked => tracing::warn!(item_id, "parked"),
        }
    }
}

fn tell_captured(handled: &Handled, captured: &Captured, function: &str) {
    let item_id = handled.record.item_id.as_deref().unwrap_or_default();
    match captured {
        Captured::Skipped { contact, reason } if reason.is_odd() => {
            tracing::warn!(contact = &**contact, reason = %reason, "skipped");
            count(vec![("VoicemailsSkipped", "Count", 1.0)], function);
        }
        Captured::Skipped { contact, reason } => {
            tracing::info!(contact = &**contact, reason = %reason, "skipped");
        }
        Captured::LeftAlone { contact, reason } => {
            tracing::warn!(contact = &**contact, reason, "skipped");
        }
        Captured::NotAContactRecord(NotAContactRecord::OtherShape(left_out)) => {
            tracing::info!(item_id, items = left_out.count, reason = %left_out, "skipped");
        }
        Captured::NotAContactRecord(error @ NotAContactRecord::Unreadable(_)) => {
            tracing::error!(
                item_id,
                cause = %error,
                cure = "fetch it from the data stream by its sequence number, and look what is wrong with it",
                "not recorded"
            );
            count(vec![("VoicemailsNotRecorded", "Count", 1.0)], function);
        }
        Captured::Recorded {
            voicemail,
            plan,
            recorded,
        } => {
            log::tell_recorded(plan, recorded);
            tell_oddities(voicemail);
            if !recorded.found {
                let seconds = recorded.verdict.span.seconds;
                let values = vec![
                    ("VoicemailsRecorded", "Count", 1.0),
                    ("VoicemailSeconds", "Seconds", seconds),
                ];
                count(values, function);
            }
        }
        Captured::Cut { voicemail, cutting } => {
            tell_oddities(voicemail);
            let contact = &*voicemail.contact;
            if cutting.begins_behind_its_end {
                let cause = "the message begins behind the end of Connect's recording: all of that is taken";
                tracing::warn!(contact, cause, "worth a look");
            }
            tracing::info!(
                contact,
                seconds = cutting.seconds,
                "cut out of Connect's recording"
            );
            let values = vec![
                ("VoicemailsRecorded", "Count", 1.0),
                ("VoicemailSeconds", "Seconds", cutting.seconds),
            ];
            count(values, function);
        }
        Captured::Without {
            voicemail, reason, ..
        } => {
            tell_oddities(voicemail);
            tracing::error!(
                contact = &*voicemail.contact,
                cause = reason,
                cure = "it is delivered without a recording; the cause says what to mend for the next ones",
                "goes on without a recording"
            );
            count(vec![("VoicemailsWithoutRecording", "Count", 1.0)], function);
        }
        Captured::Failed { contact, failure } => {
            tracing::error!(
                item_id,
                contact = contact.as_deref(),
                kind = failure.kind.name(),
                cause = format!("{}: {}", failure.subject, failure.cause),
                cure = failure.cure(),
                "not recorded"
            );
            count(vec![("VoicemailsNotRecorded", "Count", 1.0)], function);
        }
    }
}

fn tell_oddities(voicemail: &Voicemail) {
    let contact = &*voicemail.contact;
    for cause in &voicemail.oddities {
        tracing::warn!(contact, cause, "worth a look");
    }
    if voicemail.elsewhere > 0 {
        let recordings = voicemail.elsewhere;
        tracing::warn!(
            contact,
            recordings,
            "the contact was recorded on other streams, too: in no message"
        );
    }
}
