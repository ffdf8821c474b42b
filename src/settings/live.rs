//! The settings of `live-start`: [`SETTINGS`] is the table that the documentation repeats.

use super::{
    AWS_REGION, ENDPOINT, LOG, LogLevel, REQUIRED, Setting, SettingsError, Variables, any_text,
    endpoint_url, setting,
};

const STREAM: Setting = setting(
    "STREAM_NAME",
    REQUIRED,
    "The data stream that calls are put into, by its name.",
);

/// All settings, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[STREAM, LOG, ENDPOINT];

/// Where the live monitor hears of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveConfig {
    /// The region.
    pub region: String,
    /// The data stream.
    pub stream: String,
    /// What is logged.
    pub log_level: LogLevel,
    /// One endpoint in place of AWS's.
    pub endpoint: Option<String>,
}

impl LiveConfig {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(&lookup);
        let config = Self {
            region: variables.required(&AWS_REGION, any_text),
            stream: variables.required(&STREAM, stream_name),
            log_level: variables.optional(&LOG, str::parse).unwrap_or_default(),
            endpoint: variables.optional(&ENDPOINT, endpoint_url),
        };
        variables.finish(config)
    }
}

/// Amazon Kinesis Data Streams API Reference, CreateStream.
fn stream_name(value: &str) -> Result<String, String> {
    let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    match value.len() <= 128 && value.bytes().all(is_of_a_name) {
        true => Ok(value.to_owned()),
        false => Err("it must be the data stream's name alone, no ARN and no path".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<LiveConfig, String> {
        let find = |name: &str| pairs.iter().find(|pair| pair.0 == name);
        LiveConfig::from_lookup(|name| find(name).map(|pair| pair.1.to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_stream_has_the_name_that_it_always_had() {
        let config = config(&[("STREAM_NAME", "calls"), ("AWS_REGION", "r")]).unwrap();
        assert_eq!((&*config.region, &*config.stream), ("r", "calls"));
        assert_eq!(config.log_level, LogLevel::Info);
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        assert_eq!(
            config(&[]).unwrap_err(),
            "configuration: AWS_REGION is not set; STREAM_NAME is not set"
        );
        assert_eq!(
            config(&[
                ("AWS_REGION", "r"),
                ("STREAM_NAME", "arn:aws:kinesis:r:1:stream/calls")
            ])
            .unwrap_err(),
            "configuration: STREAM_NAME is \"arn:aws:kinesis:r:1:stream/calls\", but it must be the data stream's name \
             alone, no ARN and no path"
        );
    }
}
