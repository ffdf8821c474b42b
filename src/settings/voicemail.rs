//! The settings of `voicemail`, under the names that answering machines of this kind have
//! always had: [`SETTINGS`] is the table that the documentation repeats.

use std::time::Duration;

use super::answering::{OWNER, REGION};
use super::{
    ENDPOINT, LOG, LogLevel, REQUIRED, Setting, SettingsError, Variables, account, bucket_name,
    endpoint_url, setting,
};
use crate::recording::plan::{Policy, Reading};

const BUCKET: Setting = setting("S3_BUCKET", REQUIRED, "The bucket of notes and messages.");
const NOTES: Setting = setting(
    "S3_KEY_GET",
    "notes/",
    "What the keys of notes start with: the same as `S3_PATH` of `flow`.",
);
const MESSAGES: Setting = setting(
    "S3_KEY_PUT",
    "messages/",
    "What the keys of messages start with, the slash at its end included.",
);
const BUS: Setting = setting(
    "EVENT_BUS_NAME",
    "none",
    "An event bus, by its name or ARN, that is told of each message that is saved; none is when it is not set.",
);
const MARGIN: Setting = setting(
    "DEADLINE_MARGIN_SECONDS",
    "15",
    "Seconds before the invocation's end, 1 to 300, at which unfinished work is stopped; a third of its time at the most.",
);

/// All settings, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[
    REGION, BUCKET, NOTES, MESSAGES, OWNER, BUS, MARGIN, LOG, ENDPOINT,
];

/// The settings of a deployment's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoicemailConfig {
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The account that the bucket must belong to, if it is not the caller's.
    pub bucket_owner: Option<String>,
    /// What notes' keys start with.
    pub notes: String,
    /// What messages' keys start with.
    pub messages: String,
    /// The event bus that is told of messages.
    pub event_bus: Option<String>,
    /// How long before the invocation's end unfinished work is stopped.
    pub deadline_margin: Duration,
    /// What is logged.
    pub log_level: LogLevel,
    /// One endpoint in place of AWS's.
    pub endpoint: Option<String>,
}

impl VoicemailConfig {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(&lookup);
        let config = Self {
            region: variables.region(&REGION),
            bucket: variables.required(&BUCKET, bucket_name),
            bucket_owner: variables.optional(&OWNER, account),
            notes: variables.prefix(&NOTES),
            messages: variables.prefix(&MESSAGES),
            event_bus: variables.optional(&BUS, event_bus),
            deadline_margin: Duration::from_secs(variables.number(&MARGIN, 1..=300)),
            log_level: variables.optional(&LOG, str::parse).unwrap_or_default(),
            endpoint: variables.optional(&ENDPOINT, endpoint_url),
        };
        variables.finish(config)
    }

    /// How messages are named. They are found in the bucket: no URL leads to them.
    pub fn policy(&self) -> Policy {
        Policy::new(self.messages.clone(), format!("s3://{}/", self.bucket))
    }

    /// How media is read.
    pub fn reading(&self) -> Reading {
        Reading::default()
    }
}

/// A bus's name, `default` or a partner's among them, or its ARN.
fn event_bus(value: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/.-_:".contains(&byte);
    match value.bytes().all(allowed) {
        true => Ok(value.to_owned()),
        false => Err("it must be the name or the ARN of an event bus, such as default".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<VoicemailConfig, String> {
        let find = |name: &str| pairs.iter().find(|pair| pair.0 == name);
        VoicemailConfig::from_lookup(|name| find(name).map(|pair| pair.1.to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_names_are_the_original_ones() {
        let least = config(&[("S3_BUCKET", "b"), ("AWS_REGION", "r")]).unwrap();
        assert_eq!((&*least.notes, &*least.messages), ("notes/", "messages/"));
        let all = config(&[
            ("S3_REGION", "r"),
            ("S3_BUCKET", "b"),
            ("S3_KEY_GET", "calls/"),
            ("S3_KEY_PUT", "wav/"),
            ("EVENT_BUS_NAME", "default"),
        ]);
        let all = all.unwrap();
        assert_eq!(
            (least.event_bus, all.event_bus.as_deref()),
            (None, Some("default"))
        );
        assert_eq!((&*all.notes, &*all.policy().key_prefix), ("calls/", "wav/"));
        assert_eq!(all.policy().url("wav/a.wav"), "s3://b/wav/a.wav");
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        assert_eq!(
            config(&[("S3_BUCKET", "a/b"), ("S3_REGION", "r")]).unwrap_err(),
            "configuration: S3_BUCKET is \"a/b\", but it must be the bucket's name alone, no URL and no path"
        );
    }
}
