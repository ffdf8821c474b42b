//! The process of the Lambda functions: environment to edges, invocations to [`Function`],
//! what became of them to the log. Everything that the first record needs is made once,
//! before the first invocation.
//!
//! One binary serves two functions. Which one it is says the function's `Handler`, which a
//! custom runtime gets as `_HANDLER` (Lambda Developer Guide, "Building a custom runtime").

mod again;
mod log;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use aws_lambda_events::sqs::SqsBatchResponse;
use aws_lambda_events::streams::KinesisEventResponse;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::aws::{self, Access, ConnectContacts, KvsSource, ParkingQueue, S3Recordings};
use crate::batches::{Function, REST, SideBySide};
use crate::event::batch::{BatchRecord, NotABatch, Origin, read_event_value};
use crate::port::Deadline;
use crate::recorder::{Recorder, walled};
use crate::settings::recorder::Config;
use crate::wiring::{self, Connected};

/// Memory for recordings under way: with the process itself it stays below 96 MiB.
const MEMORY: u64 = 60 << 20;
/// What one recording can take: for each of its three files a part held back for the
/// header, one that fills and one under way, of 5 MiB each, and the requests under way.
const MOST_MEMORY: u64 = 56 << 20;
/// The answer is given this long before the invocation ends, whatever still goes on.
const LAST_MOMENT: Duration = Duration::from_secs(1);

type Recorders = Recorder<KvsSource, S3Recordings, ConnectContacts>;
type Recording = Function<KvsSource, S3Recordings, ConnectContacts, Option<ParkingQueue>>;

/// Which function this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handler {
    /// Records what batches of contact records name.
    Record,
    /// Reads again what is not complete, on a schedule.
    Again,
}

impl Handler {
    const ALL: [(&str, Self); 2] = [("record", Self::Record), ("again", Self::Again)];

    /// By the name that the function's `Handler` has. Without one, and by the name that any
    /// function of a custom runtime may have, it records.
    fn named(name: Option<&str>) -> Result<Self, String> {
        let name = match name {
            None | Some("" | "bootstrap") => return Ok(Self::Record),
            Some(name) => name,
        };
        let mut known = Self::ALL.into_iter();
        let found = known.find(|(known, _)| *known == name);
        found.map(|(_, handler)| handler).ok_or_else(|| {
            let known = Self::ALL.map(|(known, _)| known).join(", ");
            format!("configuration: there is no handler {name:?}; set the function's Handler to one of: {known}")
        })
    }
}

/// Runs until Lambda ends the process.
pub async fn run() -> ExitCode {
    let name = std::env::var("_HANDLER").ok();
    let handler = Handler::named(name.as_deref());
    let config = Config::from_vars(std::env::vars()).map_err(|error| error.to_string());
    let (handler, config) = match (handler, config) {
        (Ok(handler), Ok(config)) => (handler, config),
        (Err(error), _) | (_, Err(error)) => {
            log::plain_error(&error);
            return ExitCode::FAILURE;
        }
    };
    log::start(config.log_level);
    config
        .warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    let ended = match handler {
        Handler::Record => {
            let function = function(&config).await;
            lambda_runtime::run(service_fn(|event| handle(&function, &config, event))).await
        }
        Handler::Again => {
            let recorder = again::recorder(&config).await;
            let handle = |event| again::handle(&recorder, &config, event);
            lambda_runtime::run(service_fn(handle)).await
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::plain_error(&format!("the Lambda runtime API: {error}"));
            ExitCode::FAILURE
        }
    }
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
            memory: MEMORY,
        },
        most_memory: MOST_MEMORY,
    }
}

/// When an invocation's work must stop.
#[derive(Clone, Copy, Debug)]
struct StopAt {
    media: Instant,
    everything: Instant,
    answer: Instant,
}

/// How long before the end of an invocation each of its stops is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Margins {
    media: Duration,
    everything: Duration,
    answer: Duration,
}

impl Margins {
    /// The margins of an invocation with so much time: at most a third of it. A longer margin
    /// would leave no time to work, and every batch would be handed back.
    fn of(time: Duration, margin: Duration) -> Self {
        let media = margin.min(time / 3);
        let everything = (media / 3).max(2 * LAST_MOMENT).min(media * 2 / 3);
        let answer = LAST_MOMENT.min(everything / 2);
        Self {
            media,
            everything,
            answer,
        }
    }
}

impl StopAt {
    fn new(end: SystemTime, margin: Duration) -> Self {
        let time = end.duration_since(SystemTime::now()).unwrap_or_default();
        let margins = Margins::of(time, margin);
        let end = Instant::now() + time;
        Self {
            media: end - margins.media,
            everything: end - margins.everything,
            answer: end - margins.answer,
        }
    }
}

impl Deadline for StopAt {
    async fn passed(&self) {
        sleep_until(self.media).await;
    }

    async fn over(&self) {
        sleep_until(self.everything).await;
    }
}

async fn handle(
    function: &Recording,
    config: &Config,
    event: LambdaEvent<Value>,
) -> Result<Value, Unreadable> {
    let store = &function.recorder.store;
    store.runs_in(&event.context.invoked_function_arn);
    let end = event.context.deadline();
    let stop = StopAt::new(end, config.deadline_margin);
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
                let function = &event.context.env_config.function_name;
                log::metrics(&batch, function, SystemTime::now());
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
                    .filter_map(|record| record.sequence_number)
                    .collect(),
            )
        }
    };
    // What was given up along the way is removed before the sandbox is frozen.
    let _ = timeout_at(last_moment, function.recorder.store.aborts_ended()).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_known_by_its_name() {
        #[track_caller]
        fn check(name: Option<&str>, expected: Option<Handler>) {
            assert_eq!(Handler::named(name).ok(), expected);
        }
        check(None, Some(Handler::Record));
        check(Some(""), Some(Handler::Record));
        check(Some("bootstrap"), Some(Handler::Record));
        check(Some("record"), Some(Handler::Record));
        check(Some("again"), Some(Handler::Again));
        check(Some("Again"), None);
    }

    #[test]
    fn stops_follow_each_other_and_leave_time_for_work() {
        #[track_caller]
        fn check(time: u64, margin: u64, expected: [u64; 3]) {
            let of = Margins::of(Duration::from_millis(time), Duration::from_millis(margin));
            let stops = [of.media, of.everything, of.answer].map(|stop| stop.as_millis() as u64);
            assert_eq!(stops, expected);
            assert!(stops[0] <= time / 3 && stops.is_sorted_by(|earlier, later| earlier >= later));
        }
        check(900_000, 15_000, [15_000, 5_000, 1_000]);
        check(900_000, 300_000, [300_000, 100_000, 1_000]);
        check(30_000, 15_000, [10_000, 3_333, 1_000]);
        check(9_000, 15_000, [3_000, 2_000, 1_000]);
        check(3_000, 15_000, [1_000, 666, 333]);
        check(0, 15_000, [0, 0, 0]);
    }
}
