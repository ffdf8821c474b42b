//! The process of the functions that save messages: `save`, by a contact's event, and
//! `reconcile`, on a schedule. What fails is an error of the invocation, so that it comes
//! again, and at last to the dead letters.

mod reconcile;
mod save;

use std::process::ExitCode;

use lambda_runtime::{Context, Diagnostic, service_fn};
use tokio::time::timeout_at;

use super::StopAt;
use crate::answering::Answering;
use crate::aws::s3::Bucket;
use crate::aws::{
    self, Access, ContactSearch, EventBus, KvsLive, KvsSource, S3Recordings, WallClock, kvs::Limits,
};
use crate::settings::voicemail::VoicemailConfig;
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

/// What an invocation is: the function's name, for its metrics, and when it must stop.
fn invoked<'a>(
    machine: &Machine,
    config: &VoicemailConfig,
    context: &'a Context,
) -> (&'a str, StopAt) {
    machine.store.runs_in(&context.invoked_function_arn);
    let stop = StopAt::new(context.deadline(), config.deadline_margin);
    (&context.env_config.function_name, stop)
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
}

impl From<Failed> for Diagnostic {
    fn from(error: Failed) -> Self {
        Self {
            error_type: error.kind.to_owned(),
            error_message: error.message,
        }
    }
}
