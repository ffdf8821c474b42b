//! `callreel monitor`: calls in progress, watched and recorded.

mod live;

use std::io::Write;

use super::CliError;

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Which settings there are, and what the data stream must hold: docs/monitor.md."
)]
pub(super) struct MonitorArgs {
    #[command(flatten)]
    live: live::LiveArgs,
}

/// Watches calls until somebody ends it.
pub(super) fn run(args: &MonitorArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    live::run(&args.live, out, json)
}
