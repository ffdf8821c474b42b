//! The processes of the Lambda functions: environment to edges, invocations to use cases,
//! what became of them to the log. Everything that the first invocation needs is made once,
//! before it.
//!
//! One binary serves one or several functions. Which one it is says the function's `Handler`,
//! which a custom runtime gets as `_HANDLER` (Lambda Developer Guide, "Building a custom
//! runtime"). A binary links what its own functions need.

#[cfg(feature = "web")]
pub mod archive;
pub mod flow;
mod log;
pub mod recorder;
pub mod voicemail;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use tokio::time::{Instant, sleep_until};

use crate::aws::S3Recordings;
use crate::port::Deadline;
use crate::settings::{LogLevel, SettingsError};

/// The answer is given this long before the invocation ends, whatever still goes on.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Which of a binary's functions this process is, by the name that the function's `Handler`
/// has. Without one, and by the name that any function of a custom runtime may have, it is
/// the first.
fn handler<H: Copy>(known: &[(&str, H)], name: Option<&str>) -> Result<H, String> {
    let is_meant = |known: &str| match name {
        None | Some("" | "bootstrap") => true,
        Some(name) => known == name,
    };
    let mut handlers = known.iter();
    let found = handlers.find(|(known, _)| is_meant(known));
    found.map(|(_, handler)| *handler).ok_or_else(|| {
        let known: Vec<_> = known.iter().map(|(known, _)| *known).collect();
        format!(
            "configuration: there is no handler {:?}; set the function's Handler to one of: {}",
            name.unwrap_or_default(),
            known.join(", ")
        )
    })
}

/// The whole of a binary: the function until Lambda ends it, or a word about it for whoever
/// starts it by hand and asks.
#[expect(
    clippy::print_stdout,
    reason = "there is no log for somebody at a terminal"
)]
pub async fn start(about: &str, run: impl Future<Output = ExitCode>) -> ExitCode {
    // Lambda starts it without arguments.
    if std::env::args().any(|argument| ["--help", "-h", "--version", "-V"].contains(&&*argument)) {
        println!("{about}");
        return ExitCode::SUCCESS;
    }
    run.await
}

/// What a process starts with, or how it ends at once: its function and its settings, with
/// the log begun.
fn begin<H: Copy, C>(
    known: &[(&str, H)],
    config: impl FnOnce(H) -> Result<C, SettingsError>,
    log_level: impl FnOnce(&C) -> LogLevel,
) -> Result<(H, C), ExitCode> {
    let name = std::env::var("_HANDLER").ok();
    let begun = handler(known, name.as_deref())
        .and_then(|handler| Ok((handler, config(handler).map_err(|error| error.to_string())?)));
    match begun {
        Ok((handler, config)) => {
            log::start(log_level(&config));
            Ok((handler, config))
        }
        Err(error) => {
            log::plain_error(&error);
            Err(ExitCode::FAILURE)
        }
    }
}

/// How a process ends.
fn ended(ended: Result<(), lambda_runtime::Error>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::plain_error(&format!("the Lambda runtime API: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What an invocation begins with: its stores learn whose bucket they may use, and what comes out
/// is the function's name, for its metrics, and when its work must stop.
fn invoked<'a>(
    context: &'a Context,
    margin: Duration,
    stores: &[&S3Recordings],
) -> (&'a str, StopAt) {
    for store in stores {
        store.runs_in(&context.invoked_function_arn);
    }
    let stop = StopAt::new(context.deadline(), margin);
    (&context.env_config.function_name, stop)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_known_by_its_name() {
        #[track_caller]
        fn check(name: Option<&str>, expected: Option<u8>) {
            let known = [("record", 1), ("again", 2)];
            assert_eq!(handler(&known, name).ok(), expected);
        }
        check(None, Some(1));
        check(Some(""), Some(1));
        check(Some("bootstrap"), Some(1));
        check(Some("record"), Some(1));
        check(Some("again"), Some(2));
        check(Some("Again"), None);
        let told = handler(&[("save", 1), ("reconcile", 2)], Some("note")).unwrap_err();
        assert_eq!(
            told,
            "configuration: there is no handler \"note\"; set the function's Handler to one of: save, reconcile"
        );
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
