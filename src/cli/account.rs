//! Which account and deployment a command works with, and what it runs on.

use std::collections::BTreeMap;

use tokio::runtime::Runtime;

use super::{CliError, stack};
use crate::aws::{self, Access, S3Recordings};
use crate::settings::deliver::DeliverConfig;
use crate::settings::recorder::Config;
use crate::wiring;

/// Which account and deployment.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct Account {
    /// Take the settings of this CloudFormation stack's function, not those of the environment
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
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
    /// The deployment's settings: those of the stack's function, else those of the environment.
    pub(super) fn config(&self) -> Result<Config, CliError> {
        if let Some(profile) = &self.profile {
            check_profile(&runtime()?, profile)?;
        }
        let of_stack = self.settings_of_stack()?;
        let lookup = |name: &str| match (name, &self.region) {
            ("REGION", Some(region)) => Some(region.clone()),
            _ => match &of_stack {
                Some(settings) => settings.get(name).cloned(),
                None => std::env::var(name).ok(),
            },
        };
        Config::from_lookup(lookup).map_err(|error| {
            CliError::Told(format!(
                "{error}; set them as the function has them, or take them from it with --stack, the region with \
                 --region"
            ))
        })
    }

    /// The settings of voicemail: those of the stack's function, else those of the environment.
    pub(super) fn voicemail(&self) -> Result<DeliverConfig, CliError> {
        if let Some(profile) = &self.profile {
            check_profile(&runtime()?, profile)?;
        }
        let of_stack = match &self.stack {
            None => None,
            Some(stack) => {
                let settings = stack::voicemail_settings_of(stack, self.access_as_given());
                Some(runtime()?.block_on(settings).map_err(CliError::Told)?)
            }
        };
        let lookup = |name: &str| match (name, &self.region) {
            ("AWS_REGION", Some(region)) => Some(region.clone()),
            _ => match &of_stack {
                Some(settings) => settings.get(name).cloned(),
                None => std::env::var(name).ok(),
            },
        };
        DeliverConfig::from_lookup(lookup).map_err(|error| {
            CliError::Told(format!(
                "{error}; set them as the function reconcile-voicemail has them, or take them from it with --stack, the \
                 region with --region"
            ))
        })
    }

    /// How voicemail's services are reached.
    pub(super) fn voicemail_access(&self, config: &DeliverConfig) -> Access {
        let places = &config.places;
        let endpoint = self.endpoint_url.clone();
        Access {
            region: Some(places.region.clone()),
            profile: self.profile.clone(),
            endpoint: endpoint.or_else(|| places.endpoint.clone()),
        }
    }

    fn access_as_given(&self) -> Access {
        Access {
            region: self.region.clone().or_else(|| std::env::var("REGION").ok()),
            profile: self.profile.clone(),
            endpoint: self.endpoint_url.clone(),
        }
    }

    fn settings_of_stack(&self) -> Result<Option<BTreeMap<String, String>>, CliError> {
        let Some(stack) = &self.stack else {
            return Ok(None);
        };
        let settings = stack::settings_of(stack, self.access_as_given());
        let settings = runtime()?.block_on(settings);
        settings.map(Some).map_err(CliError::Told)
    }

    /// What looks at the deployment's recordings: a runtime to do it on, the settings, the bucket.
    pub(super) fn recordings(&self) -> Result<(Runtime, Config, S3Recordings), CliError> {
        let config = self.config()?;
        let runtime = runtime()?;
        let shared = runtime.block_on(aws::load(self.access(&config)));
        let store = S3Recordings::new(&shared, wiring::bucket(&config));
        Ok((runtime, config, store))
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
pub(super) fn runtime() -> Result<Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Told(format!("the async runtime: {error}; try again")))
}

/// A profile that is named must be there.
pub(super) fn check_profile(
    runtime: &tokio::runtime::Runtime,
    profile: &str,
) -> Result<(), CliError> {
    let unknown = runtime.block_on(aws::unknown_profile(profile));
    unknown.map_or(Ok(()), |told| Err(CliError::Told(told)))
}
