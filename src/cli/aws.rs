//! `callreel record --aws`: the same against AWS itself, or what stands in for it.

use super::CliError;
use super::record::{Place, work_all};
use crate::aws::{self, Access, Connected};
use crate::batch::BatchRecord;
use crate::config::Config;
use crate::recorder::{Recorder, WorkedRecord};

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct AwsArgs {
    /// Read from KVS, write to S3 and Connect; bucket, domain and the rest as the function's environment has them
    #[arg(long, conflicts_with_all = ["streams", "out", "key_prefix", "url_base"])]
    pub aws: bool,
    /// The region [default: REGION, else AWS_REGION]
    #[arg(long, requires = "aws", value_name = "REGION")]
    region: Option<String>,
    /// A profile of the AWS configuration files
    #[arg(long, requires = "aws", value_name = "NAME")]
    profile: Option<String>,
    /// One endpoint for all services, e.g. the sandbox's
    #[arg(long, requires = "aws", value_name = "URL")]
    endpoint_url: Option<String>,
}

impl AwsArgs {
    fn account(&self) -> Account {
        Account {
            region: self.region.clone(),
            profile: self.profile.clone(),
            endpoint_url: self.endpoint_url.clone(),
        }
    }
}

/// Which account, for commands that are AWS's alone.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct Account {
    /// The region [default: REGION, else AWS_REGION]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// A profile of the AWS configuration files
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// One endpoint for all services, e.g. the sandbox's
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
}

impl Account {
    /// The deployment's settings, as the function's environment has them.
    pub(super) fn config(&self) -> Result<Config, CliError> {
        let lookup = |name: &str| match (name, &self.region) {
            ("REGION", Some(region)) => Some(region.clone()),
            _ => std::env::var(name).ok(),
        };
        Config::from_lookup(lookup).map_err(|error| {
            CliError::Told(format!(
                "{error}; set them as the function has them (docs/operations.md copies them), the region with --region"
            ))
        })
    }

    /// How its services are reached.
    pub(super) fn access(&self, config: &Config) -> Access {
        Access {
            region: Some(config.region.clone()),
            profile: self.profile.clone(),
            endpoint: self
                .endpoint_url
                .clone()
                .or_else(|| config.endpoint.clone()),
        }
    }
}

/// What asynchronous commands run on.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Told(format!("the async runtime: {error}; try again")))
}

/// Works the records against AWS.
pub(super) fn work(
    args: &AwsArgs,
    records: &[BatchRecord],
) -> Result<(Vec<WorkedRecord>, Place), CliError> {
    let account = args.account();
    let config = account.config()?;
    let runtime = runtime()?;
    let worked = runtime.block_on(async {
        let Connected {
            source,
            store,
            notes,
            ..
        } = aws::connect_all(&config, account.access(&config)).await;
        let recorder = Recorder {
            source,
            store,
            notes,
            policy: config.policy(),
            reading: config.reading(),
        };
        let worked = Box::pin(work_all(&recorder, records)).await;
        recorder.store.aborts_ended().await;
        worked
    });
    Ok((worked, Place::Bucket(config.bucket)))
}
