//! The settings of `sign` and `timestamp`: [`SETTINGS`] and [`OF_TIMESTAMP`] are the tables that
//! the documentation repeats.

use std::time::Duration;

use super::messages::RECORDINGS;
use super::{
    AWS_REGION, ENDPOINT, LOG, LogLevel, Setting, SettingsError, Variables, any_text, bucket_name,
    endpoint_url, setting,
};

const MINUTES: Setting = setting(
    "GUIDE_LINK_MINUTES",
    "2",
    "Minutes that the link in a guide lives, 1 to 60.",
);

/// All settings of `sign`, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[RECORDINGS, MINUTES, LOG, ENDPOINT];
/// All settings of `timestamp`.
pub const OF_TIMESTAMP: &[Setting] = &[LOG];

/// How links for guides are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignConfig {
    /// The region.
    pub region: String,
    /// The bucket of recordings.
    pub recordings: String,
    /// How long a link lives.
    pub lives: Duration,
    /// What is logged.
    pub log_level: LogLevel,
    /// One endpoint in place of AWS's.
    pub endpoint: Option<String>,
}

impl SignConfig {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(&lookup);
        let config = Self {
            region: variables.required(&AWS_REGION, any_text),
            recordings: variables.required(&RECORDINGS, bucket_name),
            lives: Duration::from_secs(60 * variables.number::<u64>(&MINUTES, 1..=60)),
            log_level: variables.optional(&LOG, str::parse).unwrap_or_default(),
            endpoint: variables.optional(&ENDPOINT, endpoint_url),
        };
        variables.finish(config)
    }
}

/// What `timestamp` logs: all that it is set by.
pub fn log_level(lookup: impl Fn(&str) -> Option<String>) -> Result<LogLevel, SettingsError> {
    let mut variables = Variables::new(&lookup);
    let level = variables.optional(&LOG, str::parse).unwrap_or_default();
    variables.finish(level)
}
