//! The settings of `capture`: [`SETTINGS`] is the table that the documentation repeats.

use super::messages::{
    INSTANCE, LANGUAGE, MARGIN, MODE, OWNER, Places, QUEUE, RECORDINGS, SUMMARY, TRANSCRIPTS,
    instance_id, language_code, mode, queue_arn,
};
use super::{
    ENDPOINT, LOG, Setting, SettingsError, Variables, bucket_name, queue_url, setting, yes_or_no,
};
use crate::recording::plan::{Policy, Reading};
use crate::voicemail::capture::Defaults;
use crate::voicemail::flagged::Mode;

const PARKING: Setting = setting(
    "PARKING_QUEUE_URL",
    "none",
    "The queue in which records wait that cannot be worked now. Without one they are handed back to the data stream, which stands meanwhile.",
);

const IVR: Setting = setting(
    "CONNECT_RECORDINGS_BUCKET",
    "none",
    "The bucket of Connect's own recordings. With it a message of which nothing was streamed is cut out of the recording of the automated interaction, from `vmx3_timestamp` on.",
);

/// All settings, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[
    RECORDINGS,
    TRANSCRIPTS,
    OWNER,
    INSTANCE,
    LANGUAGE,
    MODE,
    QUEUE,
    SUMMARY,
    PARKING,
    IVR,
    MARGIN,
    LOG,
    ENDPOINT,
];

/// How flagged contacts are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureConfig {
    /// Where everything is.
    pub places: Places,
    /// What stands in for what a flow does not say.
    pub defaults: Defaults,
    /// The queue in which records wait.
    pub parking_queue: Option<String>,
}

impl CaptureConfig {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(&lookup);
        let config = Self {
            places: Places::read(&mut variables),
            parking_queue: variables.optional(&PARKING, queue_url),
            defaults: Defaults {
                prefix: String::new(),
                language: variables
                    .optional(&LANGUAGE, language_code)
                    .unwrap_or_else(|| LANGUAGE.default.to_owned()),
                mode: variables.optional(&MODE, mode).unwrap_or(Mode::GuidedTask),
                queue_arn: variables.optional(&QUEUE, queue_arn),
                summary: variables.optional(&SUMMARY, yes_or_no).unwrap_or(false),
                instances: variables
                    .optional(&INSTANCE, instance_id)
                    .into_iter()
                    .collect(),
                ivr_bucket: variables.optional(&IVR, bucket_name).map(Into::into),
            },
        };
        variables.finish(config)
    }

    /// How recordings are named. They are found in the bucket: no URL leads to them.
    pub fn policy(&self) -> Policy {
        Policy::new(
            self.defaults.prefix.clone(),
            format!("s3://{}/", self.places.recordings),
        )
    }

    /// How media is read.
    pub fn reading(&self) -> Reading {
        Reading::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<CaptureConfig, String> {
        let find = |name: &str| pairs.iter().find(|pair| pair.0 == name);
        CaptureConfig::from_lookup(|name| find(name).map(|pair| pair.1.to_owned()))
            .map_err(|error| error.to_string())
    }

    const LEAST: [(&str, &str); 3] = [
        ("AWS_REGION", "us-east-1"),
        ("RECORDINGS_BUCKET", "r"),
        ("TRANSCRIPTS_BUCKET", "t"),
    ];

    #[test]
    fn little_must_be_said() {
        let least = config(&LEAST).unwrap();
        assert_eq!(least.defaults.language, "en-US");
        assert_eq!(least.defaults.mode, Mode::GuidedTask);
        assert!(!least.defaults.summary && least.defaults.instances.is_empty());
        assert_eq!(least.parking_queue, None);
        assert_eq!(least.policy().url("a.wav"), "s3://r/a.wav");
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        let mut wrong = LEAST.to_vec();
        wrong.extend([("DEFAULT_MODE", "fax"), ("FALLBACK_QUEUE_ARN", "support")]);
        assert_eq!(
            config(&wrong).unwrap_err(),
            "configuration: DEFAULT_MODE is \"fax\", but it must be task, guided_task or email; FALLBACK_QUEUE_ARN is \
             \"support\", but it must be the ARN of a queue, arn:aws:connect:REGION:ACCOUNT:instance/ID/queue/ID"
        );
    }
}
