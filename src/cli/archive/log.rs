//! What the login tells whoever runs `callreel archive --login`: who was refused and why, a line
//! each on standard error. Who was let in and what they did is kept with the recordings.

use std::io;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::archive::heard::LOG_TARGET;

/// Tells it from here on.
pub(super) fn start() {
    let refusals = Targets::new().with_target(LOG_TARGET, LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_writer(io::stderr)
        .with_filter(refusals);
    // Where somebody tells it already, it is told.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
