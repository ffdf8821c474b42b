//! `callreel peaks --aws`: the same in the bucket of the settings.

use std::io::Write;

use super::{Made, PeaksArgs, make_lacking, tell};
use crate::cli::CliError;
use crate::cli::account::Account;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct PeaksAwsArgs {
    /// Make them for the recordings in the bucket and prefix of the function's settings
    #[arg(long, conflicts_with = "paths")]
    pub aws: bool,
    #[command(flatten)]
    account: Account,
}

pub(super) fn run(args: &PeaksArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let (runtime, config, store) = args.aws.account.recordings()?;
    let mut made = Made::default();
    let named = |key: &str| format!("s3://{}/{key}", config.bucket);
    runtime.block_on(make_lacking(&store, &config.key_prefix, named, &mut made));
    tell(&made, out, json)
}
