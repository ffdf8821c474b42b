//! The environment, parsed once: a [`Setting`] is a variable with its default and meaning, and
//! `Variables` reads it. Each program has a struct and a table of its own. Pure: variables
//! come as a function, so nothing here reads the environment itself. A setting that is
//! missing or wrong is one clear line; one that does nothing is a warning that says why.

mod answering;
#[cfg(feature = "web")]
pub mod archive;
pub mod capture;
pub mod deliver;
pub mod flow;
pub mod live;
pub mod messages;
pub mod monitor;
pub mod recorder;
pub mod sign;
pub mod transcribe;
pub mod voicemail;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::archive::CALL;
use crate::connect::arn;
use crate::recording::parties::Omitted;

/// One variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

pub(crate) const fn setting(
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        meaning,
    }
}

/// The region where no setting of a program names one.
pub(crate) const AWS_REGION: Setting =
    setting("AWS_REGION", REQUIRED, "The region, where Lambda sets it.");

pub(crate) const LOG: Setting = setting(
    "LOG_LEVEL",
    "info",
    "`error`, `warn`, `info`, `debug` or `trace`.",
);
pub(crate) const ENDPOINT: Setting = setting(
    "ENDPOINT_URL",
    "AWS's own",
    "One endpoint for all of AWS, such as the sandbox's.",
);

/// Stands as the default of a setting that must be given.
pub const REQUIRED: &str = "required";

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Only what somebody must mend.
    Error,
    /// And what somebody should look at.
    Warn,
    /// And one event a recording.
    #[default]
    Info,
    /// And the steps, with values that can be personal.
    Debug,
    /// And everything.
    Trace,
}

impl LogLevel {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        match value.to_ascii_lowercase().as_str() {
            "error" => Ok(Self::Error),
            "warn" | "warning" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            _ => Err("it must be error, warn, info, debug or trace".to_owned()),
        }
    }
}

/// What is wrong with the environment: every bad setting, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<String>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration: {}", self.problems.join("; "))
    }
}

impl std::error::Error for SettingsError {}

/// The variables, and what was found wrong with them so far. An empty one counts as not set.
pub(crate) struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl<'a> Variables<'a> {
    /// The variables that `lookup` gives.
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
        }
    }

    /// The settings, unless something is wrong with any of them.
    pub(crate) fn finish<T>(self, settings: T) -> Result<T, SettingsError> {
        match self.problems.is_empty() {
            true => Ok(settings),
            false => Err(SettingsError {
                problems: self.problems,
            }),
        }
    }

    pub(crate) fn get(&self, setting: &Setting) -> Option<String> {
        let value = (self.lookup)(setting.name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The value of a setting that need not be there. What `parse` refuses with is what the
    /// value must be.
    pub(crate) fn optional<T>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.get(setting)?;
        parse(&value)
            .map_err(|problem| {
                self.problems
                    .push(format!("{} is {value:?}, but {problem}", setting.name));
            })
            .ok()
    }

    /// The value of a setting that must be there.
    pub(crate) fn required(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<String, String>,
    ) -> String {
        if self.get(setting).is_none() {
            self.problems.push(format!("{} is not set", setting.name));
        }
        self.optional(setting, parse).unwrap_or_default()
    }

    /// A whole number, or the setting's default.
    pub(crate) fn number<T: FromStr + PartialOrd + fmt::Display + Copy>(
        &mut self,
        setting: &Setting,
        range: RangeInclusive<T>,
    ) -> T {
        let parse = |value: &str| {
            let number: Option<T> = value.parse().ok();
            number
                .filter(|number| range.contains(number))
                .ok_or_else(|| {
                    format!(
                        "it must be a whole number from {} to {}",
                        range.start(),
                        range.end()
                    )
                })
        };
        let default = setting.default.parse().unwrap_or(*range.start());
        self.optional(setting, parse).unwrap_or(default)
    }

    /// The region that a setting names, or else the one that Lambda sets.
    pub(crate) fn region(&mut self, setting: &Setting) -> String {
        match self.optional(setting, any_text) {
            Some(region) => region,
            None => self.required(&AWS_REGION, any_text),
        }
    }

    /// What keys start with, or the setting's default.
    pub(crate) fn prefix(&mut self, setting: &Setting) -> String {
        let prefix = self.optional(setting, key_prefix);
        prefix.unwrap_or_else(|| setting.default.to_owned())
    }

    /// Settings that are set and do nothing, each with what there is to say of it.
    pub(crate) fn warnings(&self, idle: &[&Setting]) -> Vec<String> {
        let set = idle.iter().filter(|setting| self.get(setting).is_some());
        set.map(|setting| format!("{} is set. {}", setting.name, setting.meaning))
            .collect()
    }
}

pub(crate) fn any_text(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

pub(crate) fn yes_or_no(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err("it must be yes or no".to_owned()),
    }
}

pub(crate) fn bucket_name(value: &str) -> Result<String, String> {
    if value.contains("://") || value.contains('/') {
        return Err("it must be the bucket's name alone, no URL and no path".to_owned());
    }
    Ok(value.to_owned())
}

pub(crate) fn account(value: &str) -> Result<String, String> {
    if value.len() != 12 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("it must be an account's id: 12 digits".to_owned());
    }
    Ok(value.to_owned())
}

pub(crate) fn key_prefix(value: &str) -> Result<String, String> {
    if value.starts_with('/') || value.contains("//") {
        return Err(
            "it must not start with a slash or hold two in a row: S3 takes them as folders without a name"
                .to_owned(),
        );
    }
    Ok(value.to_owned())
}

/// `d1.cloudfront.net`, `https://d1.cloudfront.net/` and the like to `https://…/`. The
/// error says what the value must be.
pub fn url_base(value: &str) -> Result<String, String> {
    let domain = value.strip_prefix("https://").unwrap_or(value);
    let domain = domain.trim_end_matches('/');
    if domain.contains("://") {
        return Err("it must be a domain, with https:// or without".to_owned());
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
    if domain.is_empty() || !domain.bytes().all(allowed) {
        return Err("it must be a domain such as d111111abcdef8.cloudfront.net".to_owned());
    }
    Ok(format!("https://{domain}/"))
}

/// A domain of the archive to what the URL of a recording's page starts with, before the key.
pub(crate) fn page_base(value: &str) -> Result<String, String> {
    Ok(format!("{}{CALL}", url_base(value)?))
}

pub(crate) fn endpoint_url(value: &str) -> Result<String, String> {
    web_url(value, "it must be a URL, such as http://127.0.0.1:8900")
}

pub(crate) fn queue_url(value: &str) -> Result<String, String> {
    web_url(value, "it must be the queue's URL, not its name or ARN")
}

/// `arn:aws:connect:us-east-1:111122223333:instance/ID` of each instance, to the ids, by which
/// contact records and calls to Connect name them.
pub(crate) fn instance_ids(value: &str) -> Result<Vec<Box<str>>, String> {
    let arns = value
        .split(',')
        .map(str::trim)
        .filter(|arn| !arn.is_empty());
    arns.map(|arn| {
        // Nothing stands behind the id: a queue's ARN names an instance, too.
        let id = arn::instance_id(arn)
            .filter(|id| arn.contains(":connect:") && arn.ends_with(&format!(":instance/{id}")));
        id.map(Box::from).ok_or_else(|| {
            format!("{arn:?} is not the ARN of an instance, such as arn:aws:connect:us-east-1:111122223333:instance/ID")
        })
    })
    .collect()
}

/// Words of what verdicts are without.
pub(crate) fn omitted(value: &str) -> Result<Vec<Omitted>, String> {
    let words = value.split(',').map(str::trim);
    words
        .filter(|word| !word.is_empty())
        .map(str::parse)
        .collect()
}

/// An URL as it is; for anything else, what it should be.
pub(crate) fn web_url(value: &str, otherwise: &str) -> Result<String, String> {
    match value.starts_with("https://") || value.starts_with("http://") {
        true => Ok(value.to_owned()),
        false => Err(otherwise.to_owned()),
    }
}

/// S3 takes ten tags an object, of 128 and 256 characters.
pub(crate) fn object_tags(value: &str) -> Result<Vec<(String, String)>, String> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for tag in value.split(',').filter(|tag| !tag.trim().is_empty()) {
        let (name, value) = tag
            .split_once('=')
            .ok_or_else(|| format!("{tag:?} is no name=value"))?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.chars().count() > 128 || value.chars().count() > 256 {
            return Err(format!(
                "the tag {name:?} must have a name of 1 to 128 characters and a value of at most 256"
            ));
        }
        if tags.iter().any(|(other, _)| other == name) {
            return Err(format!("the tag {name:?} stands there twice"));
        }
        tags.push((name.to_owned(), value.to_owned()));
    }
    if tags.len() > 10 {
        return Err("S3 takes ten tags at the most".to_owned());
    }
    Ok(tags)
}
