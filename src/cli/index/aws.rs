//! `callreel index --aws`: the same in the bucket of the settings.

use std::io::Write;

use super::{IndexArgs, index, tell};
use crate::cli::CliError;
use crate::cli::account::Account;
use crate::shelves::{Shelves, Trust};

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct IndexAwsArgs {
    /// Index the bucket and prefix of the function's settings
    #[arg(long, conflicts_with = "folder")]
    pub aws: bool,
    #[command(flatten)]
    account: Account,
}

pub(super) fn run(args: &IndexArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let (runtime, config, store) = args.aws.account.recordings()?;
    let shelves = Shelves::new(store, &config.key_prefix, Trust::ONCE_SETTLED);
    let indexed = runtime.block_on(index(&shelves, args.day))?;
    tell(&indexed, out, json)
}
