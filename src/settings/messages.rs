//! What several functions of voicemail are set by.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{
    ENDPOINT, LOG, LogLevel, REQUIRED, Setting, Variables, account, bucket_name, endpoint_url,
    setting,
};
use crate::voicemail::flagged::{Mode, language};

pub(super) const RECORDINGS: Setting = setting(
    "RECORDINGS_BUCKET",
    REQUIRED,
    "The bucket of recordings and of markers.",
);
pub(super) const TRANSCRIPTS: Setting =
    setting("TRANSCRIPTS_BUCKET", REQUIRED, "The bucket of transcripts.");
pub(super) const OWNER: Setting = setting(
    "BUCKET_OWNER",
    "the function's account",
    "The account that the buckets belong to, 12 digits: every call to S3 names it.",
);
pub(super) const INSTANCE: Setting = setting(
    "INSTANCE_ARN",
    "any",
    "The ARN of the Connect instance: contact records of others are skipped, and a message whose queue is not known is of this one.",
);
pub(super) const LANGUAGE: Setting = setting(
    "DEFAULT_LANGUAGE",
    "en-US",
    "The language of a message whose flow names none that Transcribe knows.",
);
pub(super) const QUEUE: Setting = setting(
    "FALLBACK_QUEUE_ARN",
    "none",
    "The queue of a message whose flow and contact record name none.",
);
pub(super) const MODE: Setting = setting(
    "DEFAULT_MODE",
    "guided_task",
    "How a message is delivered whose flow does not say: `task`, `guided_task` or `email`.",
);
pub(super) const SUMMARY: Setting = setting(
    "SUMMARY",
    "no",
    "`yes` or `no`: whether a message is summed up whose flow does not say.",
);
pub(super) const MARGIN: Setting = setting(
    "DEADLINE_MARGIN_SECONDS",
    "15",
    "Seconds before the invocation's end, 1 to 300, at which unfinished work is stopped; a third of its time at the most.",
);

/// Where everything is, as every function of voicemail has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The region.
    pub region: String,
    /// The bucket of recordings.
    pub recordings: String,
    /// The bucket of transcripts.
    pub transcripts: String,
    /// The account that they must belong to, if it is not the caller's.
    pub owner: Option<String>,
    /// How long before the invocation's end unfinished work is stopped.
    pub deadline_margin: Duration,
    /// What is logged.
    pub log_level: LogLevel,
    /// One endpoint in place of AWS's.
    pub endpoint: Option<String>,
}

impl Places {
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            region: variables.required(&super::AWS_REGION, super::any_text),
            recordings: variables.required(&RECORDINGS, bucket_name),
            transcripts: variables.required(&TRANSCRIPTS, bucket_name),
            owner: variables.optional(&OWNER, account),
            deadline_margin: Duration::from_secs(variables.number(&MARGIN, 1..=300)),
            log_level: variables.optional(&LOG, str::parse).unwrap_or_default(),
            endpoint: variables.optional(&ENDPOINT, endpoint_url),
        }
    }
}

pub(super) fn language_code(value: &str) -> Result<String, String> {
    language(value)
        .ok_or_else(|| "it must be a language as Transcribe has it, such as en-US".to_owned())
}

pub(super) fn mode(value: &str) -> Result<Mode, String> {
    Mode::from_name(value).ok_or_else(|| "it must be task, guided_task or email".to_owned())
}

pub(super) fn modes(value: &str) -> Result<BTreeSet<Mode>, String> {
    let words = value
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    words.map(mode).collect()
}

pub(super) fn queue_arn(value: &str) -> Result<Box<str>, String> {
    let is_queue =
        value.starts_with("arn:") && value.contains("instance/") && value.contains("/queue/");
    match is_queue {
        true => Ok(value.into()),
        false => Err(
            "it must be the ARN of a queue, arn:aws:connect:REGION:ACCOUNT:instance/ID/queue/ID"
                .to_owned(),
        ),
    }
}

/// The id in the ARN of an instance.
pub(super) fn instance_id(value: &str) -> Result<Box<str>, String> {
    let mut ids = super::instance_ids(value)?;
    match ids.len() {
        1 => Ok(ids.remove(0)),
        _ => Err("it must be the ARN of one instance".to_owned()),
    }
}
