//! The functions `transcribe` and `transcribe-failed`: a recording that was stored gets its job,
//! and a job that failed its substitute. Which of the two it is, the event says.

use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::super::{invoked, log};
use super::Failed;
use super::deliver::tell_not_done;
use crate::deliver::{NotDone, Transcribed};
use crate::event::{self, Event};
use crate::settings::transcribe::TranscribeConfig;
use crate::wiring::voicemail::Transcribing;

/// What an event tells.
enum Told {
    /// A recording lies under this key.
    Stored { key: Box<str> },
    /// An object of a bucket that is none of the recordings'.
    Elsewhere { bucket: Box<str> },
    /// This job failed.
    JobFailed {
        name: Box<str>,
        reason: Option<Box<str>>,
    },
    /// This job ended otherwise.
    JobEnded { name: Box<str> },
}

pub(super) async fn handle(
    step: &Transcribing,
    config: &TranscribeConfig,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Value, Failed> {
    let stores = [&step.recordings, &step.transcripts];
    let (function, stop) = invoked(&event.context, config.places.deadline_margin, &stores);
    let told = read(event.payload.get(), &config.places.recordings).inspect_err(|error| {
        tracing::error!(
            cause = error.message,
            cure = "let rules of EventBridge send it \"Object Created\" of the recordings' bucket and \"Transcribe Job State Change\"",
            "not transcribed"
        );
    })?;
    let (what, done) = match &told {
        Told::Stored { key } => (key, timeout_at(stop.answer, step.transcribe(key)).await),
        Told::JobFailed { name, reason } => {
            let failed = step.transcription_failed(name, reason.as_deref());
            (name, timeout_at(stop.answer, failed).await)
        }
        Told::Elsewhere { bucket } => {
            tracing::warn!(bucket = &**bucket, "ignored: another bucket");
            return Ok(json!({"status": "ignored", "reason": "another bucket"}));
        }
        Told::JobEnded { name } => {
            tracing::info!(job = &**name, "ignored: the job did not fail");
            return Ok(json!({"status": "ignored", "reason": "the job did not fail"}));
        }
    };
    let done = done.map_err(|_| {
        let cause = "it did not end in time";
        tracing::error!(subject = &**what, cause, "not transcribed");
        Failed::not_done(format!("{what}, transcribing it: {cause}"))
    })?;
    let done = done.map_err(|not_done: NotDone| {
        tell_not_done(&not_done, function, "not transcribed");
        Failed::not_done(not_done.to_string())
    })?;
    Ok(answer(what, &done, function))
}

fn answer(what: &str, done: &Transcribed, function: &str) -> Value {
    match done {
        Transcribed::Ignored => {
            tracing::info!(
                subject = what,
                "ignored: no recording of a voicemail, or it is gone"
            );
            json!({"status": "ignored", "reason": "no recording of a voicemail"})
        }
        Transcribed::UnderWay => {
            tracing::info!(subject = what, "a job transcribes it");
            json!({"status": "under_way"})
        }
        Transcribed::There => {
            tracing::info!(subject = what, "the transcript is there");
            json!({"status": "there"})
        }
        Transcribed::Substituted { missing, reason } => {
            tracing::warn!(subject = what, missing = ?missing, cause = reason, "goes on without a transcript");
            log::count(
                vec![("VoicemailsWithoutTranscript", "Count", 1.0)],
                function,
            );
            json!({"status": "substituted", "reason": reason})
        }
    }
}

fn read(payload: &str, bucket: &str) -> Result<Told, Failed> {
    let event = event::read(payload.as_bytes()).map_err(|error| Failed::not_an_event(&error))?;
    match event {
        Event::ObjectCreated(stored) if &*stored.bucket == bucket => {
            Ok(Told::Stored { key: stored.key })
        }
        Event::ObjectCreated(stored) => Ok(Told::Elsewhere {
            bucket: stored.bucket,
        }),
        Event::TranscriptionJob(notice) => {
            let text = |name: &str| notice.detail.text(name);
            let name = text("TranscriptionJobName").ok_or_else(|| {
                Failed::not_an_event(&"the event of a job without TranscriptionJobName")
            })?;
            let status = text("TranscriptionJobStatus");
            match status.is_some_and(|status| status.eq_ignore_ascii_case("FAILED")) {
                true => Ok(Told::JobFailed {
                    name,
                    reason: text("FailureReason"),
                }),
                false => Ok(Told::JobEnded { name }),
            }
        }
        Event::Records(..)
        | Event::FlowCall(_)
        | Event::ContactEvent(_)
        | Event::Schedule(_)
        | Event::Direct(_) => Err(Failed::not_an_event(
            &"the event is neither a stored object's nor a transcription job's",
        )),
    }
}
