//! `callreel verify --aws`: the same in the bucket of the settings.

use std::io::Write;

use super::{Drives, Place, VerifyArgs, in_place};
use crate::cli::CliError;
use crate::cli::account::Account;

/// Objects that are read at once: each has a chunk in memory.
const LANES: usize = 8;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct VerifyAwsArgs {
    /// Verify the bucket and prefix of the function's settings
    #[arg(long, conflicts_with_all = ["folder", "key_prefix"])]
    pub aws: bool,
    #[command(flatten)]
    account: Account,
}

impl Drives for tokio::runtime::Runtime {
    fn drive<F: Future>(&self, future: F) -> F::Output {
        self.block_on(future)
    }
}

pub(super) fn run(args: &VerifyArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let (runtime, config, store) = args.aws.account.recordings()?;
    let place = Place {
        name: format!("s3://{}/", config.bucket),
        looked_at: &config.key_prefix,
        sealed: &config.key_prefix,
        lanes: LANES,
    };
    in_place(args, &place, &store, &runtime, out, json)
}
