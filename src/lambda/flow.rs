//! The process of the functions that contact flows call: `note`, `live-start`, `sign` and
//! `timestamp`. A caller hears nothing, and an agent sees nothing, until it answers, so it answers
//! in time whatever happens; where a note could not be kept, or a call not told of, it says so by
//! an error, and the flow goes on by its error branch.

mod live;
mod sign;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::log::{self, Metrics};
use crate::answering::note::{Noted, note};
use crate::aws::s3::Bucket;
use crate::aws::{self, Access, S3Recordings};
use crate::clock;
use crate::connect::flow_call::FlowCall;
use crate::event::{self, Event};
use crate::media::ticks::EpochMillis;
use crate::settings::flow::FlowConfig;
use crate::settings::live::LiveConfig;
use crate::settings::sign::SignConfig;
use crate::settings::{LogLevel, SettingsError};
use crate::voicemail::note::Note;

/// A contact flow waits for 8 s (Amazon Connect Administrator Guide, "Invoke AWS Lambda
/// functions"): with a cold start before it and the way back behind it.
const ANSWERS_WITHIN: Duration = Duration::from_secs(6);

/// Which function this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handler {
    /// Notes a call.
    Note,
    /// Tells the live monitor of a call.
    LiveStart,
    /// Gives a guide its link.
    Sign,
    /// Tells the time.
    Timestamp,
}

const HANDLERS: &[(&str, Handler)] = &[
    ("note", Handler::Note),
    ("live-start", Handler::LiveStart),
    ("sign", Handler::Sign),
    ("timestamp", Handler::Timestamp),
];

/// What each is set by.
enum Config {
    Note(FlowConfig),
    LiveStart(LiveConfig),
    Sign(SignConfig),
    Timestamp(LogLevel),
}

impl Config {
    fn read(handler: Handler) -> Result<Self, SettingsError> {
        let lookup = |name: &str| std::env::var(name).ok();
        match handler {
            Handler::Note => FlowConfig::from_lookup(lookup).map(Self::Note),
            Handler::LiveStart => LiveConfig::from_lookup(lookup).map(Self::LiveStart),
            Handler::Sign => SignConfig::from_lookup(lookup).map(Self::Sign),
            Handler::Timestamp => crate::settings::sign::log_level(lookup).map(Self::Timestamp),
        }
    }

    const fn log_level(&self) -> LogLevel {
        match self {
            Self::Note(config) => config.log_level,
            Self::LiveStart(config) => config.log_level,
            Self::Sign(config) => config.log_level,
            Self::Timestamp(level) => *level,
        }
    }
}

/// Runs until Lambda ends the process.
pub async fn run() -> ExitCode {
    let config = match super::begin(HANDLERS, Config::read, Config::log_level) {
        Ok((_, config)) => config,
        Err(code) => return code,
    };
    super::ended(match config {
        Config::Note(config) => notes(config).await,
        Config::LiveStart(config) => {
            let stream = live::stream(&config).await;
            let handle = |event| live::handle(&stream, event);
            lambda_runtime::run(service_fn(handle)).await
        }
        Config::Sign(config) => {
            let signer = sign::signer(&config).await;
            let handle = |event| sign::handle(&signer, &config, event);
            lambda_runtime::run(service_fn(handle)).await
        }
        Config::Timestamp(_) => lambda_runtime::run(service_fn(timestamp)).await,
    })
}

/// What time it is, in whole seconds, as flows compare it with the start of a recording.
async fn timestamp(_: LambdaEvent<Value>) -> Result<Value, lambda_runtime::Error> {
    let seconds = clock::now().0.div_euclid(1_000) * 1_000;
    let now = EpochMillis(seconds).to_rfc3339().replace(".000Z", "Z");
    Ok(json!({ "vmx3_timestamp": now }))
}

async fn notes(config: FlowConfig) -> Result<(), lambda_runtime::Error> {
    let access = Access {
        region: Some(config.region.clone()),
        endpoint: config.endpoint.clone(),
        ..Access::default()
    };
    let bucket = Bucket {
        owner: config.bucket_owner.clone(),
        ..Bucket::to_read(&config.bucket)
    };
    let shared = aws::load(access).await;
    let store = S3Recordings::while_a_caller_waits(&shared, bucket);
    let handle = |event| handle(&store, &config, event);
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(
    store: &S3Recordings,
    config: &FlowConfig,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Value, NotNoted> {
    store.runs_in(&event.context.invoked_function_arn);
    let function = &event.context.env_config.function_name;
    let noted = note_call(store, config, event.payload.get()).await;
    let value = match &noted {
        Ok(_) => ("CallsNoted", "Count", 1.0),
        Err(_) => ("CallsNotNoted", "Count", 1.0),
    };
    let (status, values) = ("", vec![value]);
    log::emit(&Metrics { status, values }, function, SystemTime::now());
    noted
}

async fn note_call(
    store: &S3Recordings,
    config: &FlowConfig,
    payload: &str,
) -> Result<Value, NotNoted> {
    let call = read(payload).inspect_err(|error| {
        tracing::error!(
            cause = error.0,
            cure =
                "call this function from a contact flow, by the block Invoke AWS Lambda function",
            "not noted"
        );
    })?;
    let contact = call.contact.clone();
    let note_of_call = Note::of_call(call, clock::now(), config.offset);
    let noted = timeout(ANSWERS_WITHIN, note(store, &config.notes, note_of_call)).await;
    let failed = |cause: String, cure: &'static str| {
        tracing::error!(contact = &*contact, cause, cure, "not noted");
        NotNoted(format!(
            "contact {contact}, noting the call: {cause}; {cure}"
        ))
    };
    match noted {
        Ok(Ok(Noted { note, key })) => {
            tracing::info!(
                contact = &*note.contact,
                key,
                stream_known = note.streamed.is_some(),
                "noted"
            );
            Ok(serde_json::to_value(note.answer(&key)).unwrap_or_default())
        }
        Ok(Err(failure)) => {
            let cause = format!("{}: {}", failure.subject, failure.cause);
            Err(failed(cause, failure.kind.cure()))
        }
        Err(_) => {
            let cause = format!(
                "s3://{} did not answer within {ANSWERS_WITHIN:?}",
                config.bucket
            );
            Err(failed(cause, "check the network and the state of S3"))
        }
    }
}

fn read(payload: &str) -> Result<FlowCall, NotNoted> {
    let event = event::read(payload.as_bytes());
    match event.map_err(|error| NotNoted(error.to_string()))? {
        Event::FlowCall(data) => FlowCall::read(&data).map_err(|error| NotNoted(error.to_string())),
        Event::Records(..)
        | Event::ContactEvent(_)
        | Event::ObjectCreated(_)
        | Event::TranscriptionJob(_)
        | Event::Schedule(_)
        | Event::Direct(_) => Err(NotNoted("the event is no contact flow's call".to_owned())),
    }
}

/// A call that was not noted: the invocation fails, and says why.
#[derive(Debug)]
struct NotNoted(String);

impl From<NotNoted> for Diagnostic {
    fn from(error: NotNoted) -> Self {
        Self {
            error_type: "Callreel.NotNoted".to_owned(),
            error_message: error.0,
        }
    }
}
