//! The settings of `flow`, under the names that answering machines of this kind have always
//! had: [`SETTINGS`] is the table that the documentation repeats.

use super::answering::{OWNER, REGION};
use super::{
    ENDPOINT, LOG, LogLevel, REQUIRED, Setting, SettingsError, Variables, account, bucket_name,
    endpoint_url, setting,
};
use crate::voicemail::note::UtcOffset;

const BUCKET: Setting = setting("S3_BUCKET", REQUIRED, "The bucket for notes.");
const PATH: Setting = setting(
    "S3_PATH",
    "notes/",
    "What the keys of notes start with, the slash at its end included.",
);
const OFFSET: Setting = setting(
    "NAMES_UTC_OFFSET",
    "UTC",
    "The clock that notes and messages are named by, as an offset from UTC such as `+09:00`, all the year.",
);

/// All settings, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[REGION, BUCKET, PATH, OWNER, OFFSET, LOG, ENDPOINT];

/// The settings of a deployment's notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowConfig {
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The account that the bucket must belong to, if it is not the caller's.
    pub bucket_owner: Option<String>,
    /// What keys start with.
    pub notes: String,
    /// The clock that notes are named by.
    pub offset: UtcOffset,
    /// What is logged.
    pub log_level: LogLevel,
    /// One endpoint in place of AWS's.
    pub endpoint: Option<String>,
}

impl FlowConfig {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(&lookup);
        let config = Self {
            region: variables.region(&REGION),
            bucket: variables.required(&BUCKET, bucket_name),
            bucket_owner: variables.optional(&OWNER, account),
            notes: variables.prefix(&PATH),
            offset: variables
                .optional(&OFFSET, |text| text.parse().map_err(|_| {
                    "it must be UTC, or an offset from it such as +09:00, of 14 hours at the most".to_owned()
                }))
                .unwrap_or_default(),
            log_level: variables.optional(&LOG, str::parse).unwrap_or_default(),
            endpoint: variables.optional(&ENDPOINT, endpoint_url),
        };
        variables.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<FlowConfig, String> {
        let find = |name: &str| pairs.iter().find(|pair| pair.0 == name);
        FlowConfig::from_lookup(|name| find(name).map(|pair| pair.1.to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_names_are_the_original_ones() {
        let least = config(&[("S3_BUCKET", "b"), ("AWS_REGION", "r")]).unwrap();
        assert_eq!(
            (&*least.region, &*least.bucket, &*least.notes),
            ("r", "b", "notes/")
        );
        let all = config(&[
            ("S3_REGION", "ap-northeast-1"),
            ("S3_BUCKET", "b"),
            ("S3_PATH", "calls/"),
            ("NAMES_UTC_OFFSET", "+09:00"),
        ]);
        let all = all.unwrap();
        assert_eq!((&*all.region, &*all.notes), ("ap-northeast-1", "calls/"));
        assert_eq!(Ok(all.offset), "+09:00".parse());
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        assert_eq!(
            config(&[("NAMES_UTC_OFFSET", "JST")]).unwrap_err(),
            "configuration: AWS_REGION is not set; S3_BUCKET is not set; NAMES_UTC_OFFSET is \"JST\", but it must be UTC, \
             or an offset from it such as +09:00, of 14 hours at the most"
        );
    }
}
