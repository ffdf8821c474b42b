//! `callreel record --aws`: the same against AWS itself, or what stands in for it.

use super::CliError;
use super::account::{Account, runtime};
use super::worked::{Place, work_all};
use crate::event::batch::BatchRecord;
use crate::recorder::{Recorder, WorkedRecord};
use crate::{aws, wiring};

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct AwsArgs {
    /// Read from KVS, write to S3 and Connect; bucket, domain and the rest as the function's environment has them
    #[arg(long, conflicts_with_all = ["streams", "out", "key_prefix", "url_base"])]
    pub aws: bool,
    #[command(flatten)]
    account: Account,
}

/// Works the records against AWS.
pub(super) fn work(
    args: &AwsArgs,
    records: &[BatchRecord],
) -> Result<(Vec<WorkedRecord>, Place), CliError> {
    let account = &args.account;
    let config = account.config()?;
    let runtime = runtime()?;
    let worked = runtime.block_on(async {
        let shared = aws::load(account.access(&config)).await;
        let ports = wiring::connect(&config, &shared).ports;
        let recorder = Recorder::new(ports, config.policy(), config.reading());
        let worked = Box::pin(work_all(&recorder, records)).await;
        recorder.store.aborts_ended().await;
        worked
    });
    Ok((worked, Place::Bucket(config.bucket)))
}
