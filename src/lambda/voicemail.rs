//! The process of the functions behind a message. Of the answering machine: `save`, by a
//! contact's event, and `reconcile`, on a schedule. Of voicemail: `transcribe`, by a recording
//! that was stored, `transcribe-failed`, by a job that failed, `deliver`, by a transcript that was
//! stored, and `reconcile-voicemail`, on a schedule. What fails is an error of the invocation, so
//! that it comes again, and at last to the dead letters.

mod deliver;
mod reconcile;
mod save;
mod standing;
mod transcribe;

use std::process::ExitCode;

use lambda_runtime::{Diagnostic, service_fn};
use tokio::time::timeout_at;

use super::StopAt;
use crate::answering::Answering;
use crate::aws::s3::Bucket;
use crate::aws::{
    self, Access, ContactSearch, EventBus, KvsLive, KvsSource, S3Recordings, WallClock, kvs::Limits,
};
use crate::settings::deliver::DeliverConfig;
use crate::settings::messages::Places;
use crate::settings::transcribe::TranscribeConfig;
use crate::settings::voicemail::VoicemailConfig;
use crate::settings::{LogLevel, SettingsError};
use crate::wiring::voicemail::{deliveries, transcribing};
use reconcile::reconcile;
use save::save;

type Machine =
    Answering<KvsSource, KvsLive, S3Recordings, ContactSearch, WallClock, Option<EventBus>>;

/// Which function this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handler {
    /// Saves the message of a contact that is over.
    Save,
    /// Saves those that nobody came for.
    Reconcile,
    /// Has the recording of a voicemail transcribed.
    Transcribe,
    /// Puts a substitute where a transcript should be.
    TranscribeFailed,
    /// Delivers a voicemail.
    Deliver,
    /// Works voicemails that stand still.
    ReconcileVoicemail,
}

const HANDLERS: &[(&str, Handler)] = &[
    ("save", Handler::Save),
    ("reconcile", Handler::Reconcile),
    ("transcribe", Handler::Transcribe),
    ("transcribe-failed", Handler::TranscribeFailed),
    ("deliver", Handler::Deliver),
    ("reconcile-voicemail", Handler::ReconcileVoicemail),
];

/// What each is set by.
enum Config {
    Machine(VoicemailConfig),
    Transcribe(TranscribeConfig),
    Deliver(Box<DeliverConfig>),
}

impl Config {
    fn read(handler: Handler) -> Result<Self, SettingsError> {
        let lookup = |name: &str| std::env::var(name).ok();
        match handler {
            Handler::Save | Handler::Reconcile => {
                VoicemailConfig::from_lookup(lookup).map(Self::Machine)
            }
            Handler::Transcribe | Handler::TranscribeFailed => {
                TranscribeConfig::from_lookup(lookup).map(Self::Transcribe)
            }
            Handler::Deliver | Handler::ReconcileVoicemail => {
                let config = DeliverConfig::from_lookup(lookup);
                config.map(Box::new).map(Self::Deliver)
            }
        }
    }

    fn log_level(&self) -> LogLevel {
        match self {
            Self::Machine(config) => config.log_level,
            Self::Transcribe(config) => config.places.log_level,
            Self::Deliver(config) => config.places.log_level,
        }
    }
}

/// Runs until Lambda ends the process.
pub async fn run() -> ExitCode {
    let (handler, config) = match super::begin(HANDLERS, Config::read, Config::log_level) {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    super::ended(match config {
        Config::Machine(config) => {
            let machine = machine(&config).await;
            match handler {
                Handler::Reconcile => {
                    let handle = |event| reconcile(&machine, &config, event);
                    lambda_runtime::run(service_fn(handle)).await
                }
                Handler::Save
                | Handler::Transcribe
                | Handler::TranscribeFailed
                | Handler::Deliver
                | Handler::ReconcileVoicemail => {
                    let handle = |event| save(&machine, &config, event);
                    lambda_runtime::run(service_fn(handle)).await
                }
            }
        }
        Config::Transcribe(config) => {
            let step = transcribing(&config, &shared(&config.places).await);
            let handle = |event| transcribe::handle(&step, &config, event);
            lambda_runtime::run(service_fn(handle)).await
        }
        Config::Deliver(config) => {
            let step = deliveries(&config, &shared(&config.places).await);
            match handler {
                Handler::ReconcileVoicemail => {
                    let handle = |event| standing::handle(&step, &config, event);
                    lambda_runtime::run(service_fn(handle)).await
                }
                Handler::Save
                | Handler::Reconcile
                | Handler::Transcribe
                | Handler::TranscribeFailed
                | Handler::Deliver => {
                    let handle = |event| deliver::handle(&step, &config, event);
                    lambda_runtime::run(service_fn(handle)).await
                }
            }
        }
    })
}

/// The configuration of voicemail's clients.
async fn shared(places: &Places) -> aws::Shared {
    let access = Access {
        region: Some(places.region.clone()),
        endpoint: places.endpoint.clone(),
        ..Access::default()
    };
    aws::load(access).await
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
    };
    let bucket = Bucket {
        owner: config.bucket_owner.clone(),
        ..Bucket::to_read(&config.bucket)
    };
    let bus = config.event_bus.as_deref();
    Answering {
        source: KvsSource::new(&shared, limits),
        live: KvsLive::new(&shared, limits),
        store: S3Recordings::new(&shared, bucket),
        contacts: ContactSearch::new(&shared),
        clock: WallClock,
        announcements: bus.map(|name| EventBus::new(&shared, name, &config.bucket)),
        notes: config.notes.clone(),
        policy: config.policy(),
        reading,
    }
}

/// Works until the invocation is about to end; what was given up along the way is removed
/// before the sandbox is frozen.
async fn in_time<T>(
    machine: &Machine,
    stop: StopAt,
    work: impl Future<Output = T>,
) -> Result<T, &'static str> {
    let worked = timeout_at(stop.answer, work).await;
    let _ = timeout_at(stop.answer, machine.store.aborts_ended()).await;
    worked.map_err(|_| "it did not stop in time; raise DEADLINE_MARGIN_SECONDS")
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

    /// A step of a voicemail that came to nothing, this time.
    fn not_done(message: String) -> Self {
        let kind = "Callreel.NotDone";
        Self { kind, message }
    }

    /// An event that is none of this function's.
    fn not_an_event(cause: &dyn std::fmt::Display) -> Self {
        let kind = "Callreel.NotAnEvent";
        let message = cause.to_string();
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
