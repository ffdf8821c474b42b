//! Environment to [`Config`]: parsed once, listed once. [`SETTINGS`] is the table that
//! README repeats and a test compares. Pure: variables come as a function, so nothing
//! here reads the environment itself. A setting that is missing or wrong is one clear
//! line; one that does nothing is a warning that says why.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::recording::plan::{Policy, Reading};

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

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting {
        name,
        default,
        meaning,
    }
}

const BUCKET: &str = "RECORDINGS_BUCKET_NAME";
const OWNER: &str = "RECORDINGS_BUCKET_OWNER";
const PREFIX: &str = "RECORDINGS_KEY_PREFIX";
const DOMAIN: &str = "CLOUDFRONT_DOMAIN";
const REGION: &str = "REGION";
const AWS_REGION: &str = "AWS_REGION";
const PARKING_QUEUE: &str = "PARKING_QUEUE_URL";
/// What [`PARKING_QUEUE`] was called before 0.2.0.
const RETRY_QUEUE: &str = "RETRY_QUEUE_URL";
const INSTANCES: &str = "CONNECT_INSTANCE_ARNS";
const KMS_KEY: &str = "RECORDINGS_KMS_KEY_ID";
const TAGS: &str = "RECORDINGS_OBJECT_TAGS";
const CONNECTIONS: &str = "KVS_CONNECTIONS";
const FRAGMENTS: &str = "FRAGMENTS_PER_REQUEST";
const CONCURRENCY: &str = "BATCH_CONCURRENCY";
const MARGIN: &str = "DEADLINE_MARGIN_SECONDS";
const CONNECT_CALLS: &str = "CONNECT_CALLS_PER_SECOND";
const LOG: &str = "LOG_LEVEL";
const ENDPOINT: &str = "ENDPOINT_URL";
const RETENTION: &str = "MEDIA_RETENTION_HOURS";
const SELECTOR: &str = "START_SELECTOR_TYPE";
const PUBLIC: &str = "RECORDINGS_PUBLIC_READ_ACL";

/// Stands as the default of a setting that must be given.
pub const REQUIRED: &str = "required";

/// All settings, in the order of README's table.
pub const SETTINGS: &[Setting] = &[
    setting(BUCKET, REQUIRED, "The bucket for recordings and verdicts."),
    setting(
        DOMAIN,
        REQUIRED,
        "The CloudFront domain in front of the bucket, with or without `https://`: the URLs on the contact start with it.",
    ),
    setting(PREFIX, "recordings/", "What object keys start with."),
    setting(
        OWNER,
        "the function's account",
        "The account that the bucket belongs to, 12 digits: every call to S3 names it, so that no stranger's bucket of the same name is ever written to or read.",
    ),
    setting(
        REGION,
        "AWS_REGION",
        "The region of bucket, contacts and queue. A stream is read in the region that its ARN names.",
    ),
    setting(
        PARKING_QUEUE,
        "none",
        "An SQS queue for records that a person or time must help on: with it they are parked there, without it they are handed back to the stream.",
    ),
    setting(
        INSTANCES,
        "all",
        "ARNs of the Connect instances to serve, separated by commas: contact records of others on the same data stream are skipped.",
    ),
    setting(
        KMS_KEY,
        "the bucket's own encryption",
        "A KMS key (id, ARN or alias) to encrypt recordings with (SSE-KMS, bucket key on).",
    ),
    setting(
        TAGS,
        "none",
        "Tags for every object, as `name=value,name=value`; ten at the most.",
    ),
    setting(
        CONNECTIONS,
        "3",
        "Requests for media at once for each recording, 1 to 5: KVS allows 5 connections a stream.",
    ),
    setting(
        FRAGMENTS,
        "50",
        "Fragments asked for at once, 1 to 450: KVS gives 500 a second and stream.",
    ),
    setting(
        CONNECT_CALLS,
        "2",
        "Calls a second for reading contacts' attributes, and as many for writing them, 1 to 100: Connect allows 10 of each to an account and region, to all that use it together. The template gives 10 divided by the executions.",
    ),
    setting(
        CONCURRENCY,
        "4",
        "Recordings of a batch worked on side by side, 1 to 64, as far as memory allows.",
    ),
    setting(
        MARGIN,
        "15",
        "Seconds before the invocation's end, 1 to 300, at which unfinished work is stopped and handed back; a third of its time at the most.",
    ),
    setting(
        RETENTION,
        "720",
        "Hours, 1 to 87600, that the media streams keep their media, as set in Connect: how far back `again` looks for what is not complete, and what a stream is taken for that does not tell.",
    ),
    setting(
        LOG,
        "info",
        "`error`, `warn`, `info`, `debug` or `trace`; telephone numbers and attribute values appear at debug and below only.",
    ),
    setting(
        ENDPOINT,
        "AWS's own",
        "One endpoint for all of AWS, such as the sandbox's: to try the function where `AWS_ENDPOINT_URL` cannot be set, as under `sam local invoke`.",
    ),
    setting(RETRY_QUEUE, "", RETRY_QUEUE_WAS_RENAMED),
    setting(SELECTOR, "", SELECTOR_DOES_NOTHING),
    setting(PUBLIC, "", PUBLIC_DOES_NOTHING),
];

const SELECTOR_DOES_NOTHING: &str = "Does nothing: Callreel lists a recording's fragments and fetches them by number, so there is no start selector to choose.";
const RETRY_QUEUE_WAS_RENAMED: &str =
    "The former name of PARKING_QUEUE_URL, which wins where both are set: rename it.";
const PUBLIC_DOES_NOTHING: &str = "Does nothing: Callreel never sets an ACL; recordings are read through CloudFront, and a public bucket would give every call to everybody.";

/// A deployment's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The bucket.
    pub bucket: String,
    /// The account that the bucket must belong to, if it is not the caller's.
    pub bucket_owner: Option<String>,
    /// What keys start with.
    pub key_prefix: String,
    /// What URLs start with: `https://domain/`.
    pub url_base: String,
    /// The region.
    pub region: String,
    /// Where parked records go.
    pub parking_queue: Option<String>,
    /// The ids of the Connect instances that are served; all are if there is none.
    pub instances: Vec<Box<str>>,
    /// The key that recordings are encrypted with.
    pub kms_key: Option<String>,
    /// Tags for every object.
    pub object_tags: Vec<(String, String)>,
    /// Requests for media at once, for each recording.
    pub connections: usize,
    /// Fragments asked for at once.
    pub fragments_per_request: usize,
    /// Calls a second to read attributes, and as many to write them.
    pub connect_calls_per_second: u32,
    /// Recordings worked on side by side.
    pub batch_concurrency: usize,
    /// How long before the invocation's end unfinished work is stopped.
    pub deadline_margin: Duration,
    /// How long streams keep their media, as far as the deployment knows.
    pub media_retention: Duration,
    /// What is logged.
    pub log_level: LogLevel,
    /// One endpoint in place of AWS's.
    pub endpoint: Option<String>,
    /// What to tell at start: settings that do nothing.
    pub warnings: Vec<String>,
}

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

/// What is wrong with the environment: every bad setting, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration: {}", self.problems.join("; "))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut variables = Variables {
            lookup: &lookup,
            problems: Vec::new(),
        };
        let config = Self {
            bucket: variables.required(BUCKET, bucket_name),
            url_base: variables.required(DOMAIN, url_base),
            bucket_owner: variables.optional(OWNER, account),
            key_prefix: variables
                .optional(PREFIX, key_prefix)
                .unwrap_or_else(|| "recordings/".to_owned()),
            region: match variables.optional(REGION, any_text) {
                Some(region) => region,
                None => variables.required(AWS_REGION, any_text),
            },
            parking_queue: match variables.optional(PARKING_QUEUE, queue_url) {
                Some(queue) => Some(queue),
                None => variables.optional(RETRY_QUEUE, queue_url),
            },
            instances: variables
                .optional(INSTANCES, instance_ids)
                .unwrap_or_default(),
            kms_key: variables.optional(KMS_KEY, any_text),
            object_tags: variables.optional(TAGS, object_tags).unwrap_or_default(),
            connections: variables.number(CONNECTIONS, 1..=5, 3),
            fragments_per_request: variables.number(FRAGMENTS, 1..=450, 50),
            connect_calls_per_second: u32::try_from(variables.number(CONNECT_CALLS, 1..=100, 2))
                .unwrap_or(1),
            batch_concurrency: variables.number(CONCURRENCY, 1..=64, 4),
            deadline_margin: Duration::from_secs(variables.number(MARGIN, 1..=300, 15) as u64),
            media_retention: Duration::from_secs(
                variables.number(RETENTION, 1..=87_600, 720) as u64 * 3_600,
            ),
            log_level: variables.optional(LOG, str::parse).unwrap_or_default(),
            endpoint: variables.optional(ENDPOINT, endpoint_url),
            warnings: [
                (SELECTOR, SELECTOR_DOES_NOTHING),
                (PUBLIC, PUBLIC_DOES_NOTHING),
                (RETRY_QUEUE, RETRY_QUEUE_WAS_RENAMED),
            ]
            .into_iter()
            .filter(|(name, _)| variables.get(name).is_some())
            .map(|(name, why)| format!("{name} is set. {why}"))
            .collect(),
        };
        if variables.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError {
                problems: variables.problems,
            })
        }
    }

    /// Parses variables given as pairs, such as `std::env::vars()`.
    pub fn from_vars(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let variables: std::collections::HashMap<_, _> = variables.into_iter().collect();
        Self::from_lookup(|name| variables.get(name).cloned())
    }

    /// How recordings are named.
    pub fn policy(&self) -> Policy {
        Policy {
            key_prefix: self.key_prefix.clone(),
            url_base: self.url_base.clone(),
            instances: self.instances.clone(),
        }
    }

    /// How media is read.
    pub fn reading(&self) -> Reading {
        Reading {
            fragments_per_request: self.fragments_per_request,
            requests_at_once: self.connections,
            ..Reading::default()
        }
    }
}

/// The variables, and what was found wrong with them so far.
struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.get(name)?;
        parse(&value)
            .map_err(|problem| {
                self.problems
                    .push(format!("{name} is {value:?}, but {problem}"));
            })
            .ok()
    }

    fn required(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<String, String>,
    ) -> String {
        if self.get(name).is_none() {
            self.problems.push(format!("{name} is not set"));
        }
        self.optional(name, parse).unwrap_or_default()
    }

    fn number(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<usize>,
        default: usize,
    ) -> usize {
        let parse = |value: &str| {
            let number: Option<usize> = value.parse().ok();
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
        self.optional(name, parse).unwrap_or(default)
    }
}

fn any_text(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

fn bucket_name(value: &str) -> Result<String, String> {
    if value.contains("://") || value.contains('/') {
        return Err("it must be the bucket's name alone, no URL and no path".to_owned());
    }
    Ok(value.to_owned())
}

fn account(value: &str) -> Result<String, String> {
    if value.len() != 12 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("it must be an account's id: 12 digits".to_owned());
    }
    Ok(value.to_owned())
}

fn key_prefix(value: &str) -> Result<String, String> {
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

fn endpoint_url(value: &str) -> Result<String, String> {
    web_url(value, "it must be an URL, such as http://127.0.0.1:8900")
}

fn queue_url(value: &str) -> Result<String, String> {
    web_url(value, "it must be the queue's URL, not its name or ARN")
}

/// `arn:aws:connect:us-east-1:111122223333:instance/ID` of each instance, to the ids, by which
/// contact records and calls to Connect name them.
fn instance_ids(value: &str) -> Result<Vec<Box<str>>, String> {
    let arns = value
        .split(',')
        .map(str::trim)
        .filter(|arn| !arn.is_empty());
    arns.map(|arn| {
        let id = arn
            .strip_prefix("arn:")
            .and_then(|arn| arn.split_once(":connect:")?.1.split_once(":instance/"))
            .map(|(_, id)| id)
            .filter(|id| !id.is_empty() && !id.contains('/'));
        id.map(Box::from).ok_or_else(|| {
            format!("{arn:?} is not the ARN of an instance, such as arn:aws:connect:us-east-1:111122223333:instance/ID")
        })
    })
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
fn object_tags(value: &str) -> Result<Vec<(String, String)>, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &[(&str, &str)] = &[
        (BUCKET, "calls"),
        (DOMAIN, "d1.cloudfront.net"),
        (AWS_REGION, "us-east-1"),
    ];

    /// The least there must be, with some variables more or other.
    fn config(more: &[(&str, &str)]) -> Result<Config, String> {
        let pairs = LEAST.iter().chain(more);
        let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::from_vars(pairs).map_err(|error| error.to_string())
    }

    #[test]
    fn the_least_there_must_be_gives_the_defaults() {
        let config = config(&[]).unwrap();
        assert_eq!(config.bucket, "calls");
        assert_eq!(config.key_prefix, "recordings/");
        assert_eq!(config.region, "us-east-1");
        assert_eq!((config.connections, config.fragments_per_request), (3, 50));
        assert_eq!(config.reading().requests_at_once, 3);
        assert_eq!(config.log_level.name(), "info");
        assert_eq!(
            config.policy().url("recordings/a.wav"),
            "https://d1.cloudfront.net/recordings/a.wav"
        );
        assert!(config.warnings.is_empty() && config.endpoint.is_none());
        assert!(config.policy().serves("any"));
    }

    #[test]
    fn a_domain_comes_in_many_spellings() {
        for spelling in ["d1.example", "https://d1.example", "https://d1.example//"] {
            assert_eq!(
                config(&[(DOMAIN, spelling)]).unwrap().url_base,
                "https://d1.example/"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        #[track_caller]
        fn check(more: &[(&str, &str)], problem: &str) {
            let error = config(more).unwrap_err();
            assert_eq!(error, format!("configuration: {problem}"));
        }
        check(&[(BUCKET, " ")], "RECORDINGS_BUCKET_NAME is not set");
        check(
            &[(BUCKET, ""), (DOMAIN, "")],
            "RECORDINGS_BUCKET_NAME is not set; CLOUDFRONT_DOMAIN is not set",
        );
        check(&[(AWS_REGION, "")], "AWS_REGION is not set");
        check(
            &[(DOMAIN, "http://d1")],
            "CLOUDFRONT_DOMAIN is \"http://d1\", but it must be a domain, with https:// or without",
        );
        check(
            &[(CONNECTIONS, "6")],
            "KVS_CONNECTIONS is \"6\", but it must be a whole number from 1 to 5",
        );
        check(
            &[(TAGS, "a")],
            "RECORDINGS_OBJECT_TAGS is \"a\", but \"a\" is no name=value",
        );
        check(
            &[(LOG, "loud")],
            "LOG_LEVEL is \"loud\", but it must be error, warn, info, debug or trace",
        );
        check(
            &[(INSTANCES, "arn:aws:connect:eu-west-1:1:instance/a, b")],
            "CONNECT_INSTANCE_ARNS is \"arn:aws:connect:eu-west-1:1:instance/a, b\", but \"b\" is not the ARN of an instance, such as arn:aws:connect:us-east-1:111122223333:instance/ID",
        );
        check(
            &[(OWNER, "12345678901")],
            "RECORDINGS_BUCKET_OWNER is \"12345678901\", but it must be an account's id: 12 digits",
        );
        check(
            &[(CONNECT_CALLS, "0")],
            "CONNECT_CALLS_PER_SECOND is \"0\", but it must be a whole number from 1 to 100",
        );
        check(
            &[(PREFIX, "/rec/")],
            "RECORDINGS_KEY_PREFIX is \"/rec/\", but it must not start with a slash or hold two in a row: S3 takes them as folders without a name",
        );
    }

    #[test]
    fn what_is_set_holds() {
        let config = config(&[
            (REGION, "eu-west-1"),
            (PREFIX, "calls/"),
            (TAGS, "team=voice, cost = 7,"),
            (LOG, "DEBUG"),
            (KMS_KEY, "alias/calls"),
            (
                PARKING_QUEUE,
                "https://sqs.eu-west-1.amazonaws.com/1/calls-retry",
            ),
            (MARGIN, "30"),
            (
                INSTANCES,
                "arn:aws:connect:eu-west-1:1:instance/a, arn:aws-us-gov:connect:us-gov-west-1:1:instance/b,",
            ),
            (OWNER, "111122223333"),
            (CONNECT_CALLS, "5"),
        ])
        .unwrap();
        assert_eq!(config.policy().instances, ["a", "b"].map(Box::from));
        assert_eq!(config.region, "eu-west-1");
        assert_eq!(config.key_prefix, "calls/");
        assert_eq!(config.bucket_owner.as_deref(), Some("111122223333"));
        assert_eq!(config.connect_calls_per_second, 5);
        let tags = [("team", "voice"), ("cost", "7")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(config.object_tags, tags);
        assert_eq!(config.log_level, LogLevel::Debug);
        assert_eq!(config.deadline_margin, Duration::from_secs(30));
        assert_eq!(config.kms_key.as_deref(), Some("alias/calls"));
        assert!(config.parking_queue.is_some());
    }

    #[test]
    fn settings_that_do_nothing_are_told_with_the_reason() {
        let queue = "https://sqs.eu-west-1.amazonaws.com/1/parked";
        let config = config(&[(SELECTOR, "NOW"), (PUBLIC, "true"), (RETRY_QUEUE, queue)]).unwrap();
        assert_eq!(config.parking_queue.as_deref(), Some(queue));
        assert_eq!(config.warnings.len(), 3);
        assert!(
            config.warnings[0]
                .starts_with("START_SELECTOR_TYPE is set. Does nothing: Callreel lists")
        );
    }

    /// A test value for each setting, so that one that is listed and not read is found.
    #[test]
    fn every_setting_of_the_table_is_read() {
        let read = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let config = Config::from_lookup(|name| {
            read.borrow_mut().insert(name.to_owned());
            None
        });
        assert!(config.is_err());
        read.borrow_mut().remove(AWS_REGION);
        let listed: std::collections::BTreeSet<_> = SETTINGS
            .iter()
            .map(|setting| setting.name.to_owned())
            .collect();
        assert_eq!(*read.borrow(), listed);
    }

    /// The defaults in the table are those in the code.
    #[test]
    fn the_defaults_of_the_table_hold() {
        let default = |name: &str| {
            let mut found = SETTINGS.iter().filter(|setting| setting.name == name);
            found.next().map(|setting| setting.default).unwrap()
        };
        let plain = config(&[]).unwrap();
        for name in [
            PREFIX,
            CONNECTIONS,
            FRAGMENTS,
            CONNECT_CALLS,
            CONCURRENCY,
            MARGIN,
            LOG,
        ] {
            assert_eq!(config(&[(name, default(name))]).unwrap(), plain, "{name}");
        }
    }
}
