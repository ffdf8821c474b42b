//! The process of the recorder's functions: `record`, `again`, and voicemail's `capture`.

mod again;
mod capture;

use std::process::ExitCode;
use std::time::SystemTime;

use aws_lambda_events::sqs::SqsBatchResponse;
use aws_lambda_events::streams::KinesisEventResponse;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::{sleep, timeout_at};

use super::{invoked, log};
use crate::aws::s3::most_bytes;
use crate::aws::{self, Access, ConnectContacts, KvsSource, ParkingQueue, S3Recordings};
use crate::batches::{Function, REST};
use crate::event::batch::{BatchRecord, NotABatch, Origin, read_event_value};
use crate::recorder::{Recorder, walled};
use crate::settings::capture::CaptureConfig;
use crate::settings::recorder::Config;
use crate::settings::{LogLevel, SettingsError};
use crate::side_by_side::SideBySide;
use crate::wiring::{self, Connected};

/// Memory of the process beside its recordings, with much room.
const OWN_MEMORY: u64 = 96 << 20;
/// What one recording can take: its uploads, and the requests under way.
const MOST_MEMORY: u64 = most_bytes(2) as u64 + (14 << 20);
type Recorders = Recorder<KvsSource, S3Recordings, ConnectContacts>;
type Recording = Function<KvsSource, S3Recordings, ConnectContacts, Option<ParkingQueue>>;

/// Which function this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handler {
    /// Records what batches of contact records name.
    Record,
    /// Reads again what is not complete, on a schedule.
    Again,
    /// Records the messages of flagged contacts.
    Capture,
}

/// What each is set by.
enum Settings {
    Recorder(Box<Config>),
    Capture(Box<CaptureConfig>),
}

impl Settings {
    fn read(handler: Handler) -> Result<Self, SettingsError> {
        match handler {
            Handler::Record | Handler::Again => {
                let config = Config::from_vars(std::env::vars());
                config.map(Box::new).map(Self::Recorder)
            }
            Handler::Capture => {
                let config = CaptureConfig::from_lookup(|name| std::env::var(name).ok());
                config.map(Box::new).map(Self::Capture)
            }
        }
    }

    fn log_level(&self) -> LogLevel {
        match self {
            Self::Recorder(config) => config.log_level,
            Self::Capture(config) => config.places.log_level,
        }
    }
}

const HANDLERS: &[(&str, Handler)] = &[
    ("record", Handler::Record),
    ("again", Handler::Again),
    ("capture", Handler::Capture),
];

/// Runs until Lambda ends the process.
pub async fn run() -> ExitCode {
    let begun = super::begin(HANDLERS, Settings::read, Settings::log_level);
    let (handler, config) = match begun {
        Ok((handler, Settings::Recorder(config))) => (handler, config),
        Ok((_, Settings::Capture(config))) => {
            let function = capture::function(&config).await;
            let handle = |event| capture::handle(&function, &config, event);
            return super::ended(lambda_runtime::run(service_fn(handle)).await);
        }
        Err(code) => return code,
    };
    config
        .warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    super::ended(match handler {
        Handler::Record => {
            let function = function(&config).await;
            lambda_runtime::run(service_fn(|event| handle(&function, &config, event))).await
        }
        Handler::Again | Handler::Capture => {
            let recorder = again::recorder(&config).await;
            let handle = |event| again::handle(&recorder, &config, event);
            lambda_runtime::run(service_fn(handle)).await
        }
    })
}

async fn connect(config: &Config) -> Connected {
    let access = Access {
        region: Some(config.region.clone()),
        endpoint: config.endpoint.clone(),
        ..Access::default()
    };
    wiring::connect(config, &aws::load(access).await)
}

async fn function(config: &Config) -> Recording {
    let Connected { ports, queue } = connect(config).await;
    Function {
        recorder: Recorder::new(ports, config.policy(), config.reading()),
        parking: queue,
        side_by_side: SideBySide {
            calls: config.batch_concurrency,
            memory: memory(),
        },
        most_memory: MOST_MEMORY,
    }
}

/// Memory for recordings under way: what the function has beside its process, and as much as
/// one takes in any case. Lambda tells each process what it has, in MiB.
fn memory() -> u64 {
    let mib = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok();
    for_recordings(mib.and_then(|mib| mib.parse().ok()).unwrap_or(0))
}

/// The same of so many MiB.
fn for_recordings(mib: u64) -> u64 {
    (mib << 20).saturating_sub(OWN_MEMORY).max(MOST_MEMORY)
}

async fn handle(
    function: &Recording,
    config: &Config,
    event: LambdaEvent<Value>,
) -> Result<Value, Unreadable> {
    let store = &function.recorder.store;
    let (name, stop) = invoked(&event.context, config.deadline_margin, &[store]);
    let last_moment = stop.answer;
    let told = |record: &BatchRecord, worked: &_| log::tell(record, worked);
    let handled = Box::pin(function.handle(&event.payload, &stop, told));
    let answer = match timeout_at(last_moment, handled).await {
        Ok(batch) => {
            let batch = batch.map_err(Unreadable)?;
            // What is done is done, whatever becomes of the words for it.
            let _ = walled("the log", || {
                let handled = batch.records.iter();
                handled.for_each(|handled| log::tell_settled(&batch, handled));
                log::metrics(&batch, name, SystemTime::now());
            });
            if batch.stands_still() {
                let _ = timeout_at(stop.media, sleep(REST)).await;
            }
            (batch.origin, batch.failures())
        }
        Err(_) => {
            tracing::error!(
                cause = "the work did not stop in time",
                cure = "raise DEADLINE_MARGIN_SECONDS",
                "the whole batch is handed back"
            );
            let (origin, records) = read_event_value(&event.payload).map_err(Unreadable)?;
            (
                origin,
                records
                    .into_iter()
                    .filter_map(|record| record.item_id)
                    .collect(),
            )
        }
    };
    // What was given up along the way is removed before the sandbox is frozen.
    let _ = timeout_at(last_moment, store.aborts_ended()).await;
    Ok(response(answer))
}

fn response((origin, failures): (Origin, Vec<String>)) -> Value {
    let response = match origin {
        Origin::Kinesis => {
            let mut response = KinesisEventResponse::default();
            failures
                .into_iter()
                .for_each(|number| response.add_failure(number));
            serde_json::to_value(response)
        }
        Origin::Sqs => {
            let mut response = SqsBatchResponse::default();
            failures.into_iter().for_each(|id| response.add_failure(id));
            serde_json::to_value(response)
        }
    };
    response.unwrap_or_default()
}

/// An event that is no batch: the invocation fails, and says why.
#[derive(Debug)]
struct Unreadable(NotABatch);

impl From<Unreadable> for Diagnostic {
    fn from(error: Unreadable) -> Self {
        Self {
            error_type: "Callreel.NotABatch".to_owned(),
            error_message: error.0.to_string(),
        }
    }
}
