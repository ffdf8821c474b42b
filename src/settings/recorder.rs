//! The settings of the recorder: [`SETTINGS`] is the table that the documentation repeats and
//! a test compares.

use std::time::Duration;

use super::{
    LogLevel, REQUIRED, Setting, SettingsError, Variables, account, any_text, bucket_name,
    endpoint_url, instance_ids, object_tags, omitted, page_base, queue_url, setting, url_base,
    yes_or_no,
};
use crate::recording::parties::Omitted;
use crate::recording::plan::{OnContact, Policy, Reading};

const BUCKET: Setting = setting(
    "RECORDINGS_BUCKET_NAME",
    REQUIRED,
    "The bucket for recordings and verdicts.",
);
const DOMAIN: Setting = setting(
    "CLOUDFRONT_DOMAIN",
    REQUIRED,
    "The CloudFront domain in front of the bucket, with or without `https://`: the URLs on the contact start with it.",
);
const PREFIX: Setting = setting(
    "RECORDINGS_KEY_PREFIX",
    "recordings/",
    "What object keys start with.",
);
const ARCHIVE: Setting = setting(
    "ARCHIVE_DOMAIN",
    "none",
    "The domain of the archive's pages, with or without `https://`: contacts carry the URL of a recording's page, in the attribute `audioPage`.",
);
const FILE_URLS: Setting = setting(
    "CONTACT_FILE_URLS",
    "yes",
    "Whether contacts carry the URLs of the files, too: with `no`, which needs ARCHIVE_DOMAIN, they carry that of the page alone.",
);
const OWNER: Setting = setting(
    "RECORDINGS_BUCKET_OWNER",
    "the function's account",
    "The account that the bucket belongs to, 12 digits: every call to S3 names it, so that no stranger's bucket of the same name is ever written to or read.",
);
const REGION: Setting = setting(
    "REGION",
    "AWS_REGION",
    "The region of bucket, contacts and queue. A stream is read in the region that its ARN names.",
);
const PARKING_QUEUE: Setting = setting(
    "PARKING_QUEUE_URL",
    "none",
    "An SQS queue for records that a person or time must help on: with it they are parked there, without it they are handed back to the stream.",
);
const INSTANCES: Setting = setting(
    "CONNECT_INSTANCE_ARNS",
    "all",
    "ARNs of the Connect instances to serve, separated by commas: contact records of others on the same data stream are skipped.",
);
const OMIT: Setting = setting(
    "VERDICT_OMIT",
    "none",
    "What verdicts are without, of `customer`, `system` (the numbers), `queue`, `agent`, `initiation_method` and `sound` (how much each side sounds), separated by commas. What a verdict does not say the archive cannot find.",
);
const KMS_KEY: Setting = setting(
    "RECORDINGS_KMS_KEY_ID",
    "the bucket's own encryption",
    "A KMS key (id, ARN or alias) to encrypt recordings with (SSE-KMS, bucket key on).",
);
const TAGS: Setting = setting(
    "RECORDINGS_OBJECT_TAGS",
    "none",
    "Tags for every object, as `name=value,name=value`; ten at the most.",
);
const CONNECTIONS: Setting = setting(
    "KVS_CONNECTIONS",
    "3",
    "Requests for media at once for each recording, 1 to 5: KVS allows 5 connections a stream.",
);
const FRAGMENTS: Setting = setting(
    "FRAGMENTS_PER_REQUEST",
    "50",
    "Fragments asked for at once, 1 to 450: KVS gives 500 a second and stream.",
);
const CONNECT_CALLS: Setting = setting(
    "CONNECT_CALLS_PER_SECOND",
    "2",
    "Calls a second for reading contacts' attributes, and as many for writing them, 1 to 100: Connect allows 10 of each to an account and region, to all that use it together. The template gives 10 divided by the executions.",
);
const CONCURRENCY: Setting = setting(
    "BATCH_CONCURRENCY",
    "4",
    "Recordings of a batch worked on side by side, 1 to 64, as far as the function's memory allows: with 512 MiB nine of any length, with 256 three.",
);
const MARGIN: Setting = setting(
    "DEADLINE_MARGIN_SECONDS",
    "15",
    "Seconds before the invocation's end, 1 to 300, at which unfinished work is stopped and handed back; a third of its time at the most.",
);
const RETENTION: Setting = setting(
    "MEDIA_RETENTION_HOURS",
    "720",
    "Hours, 1 to 87600, that the media streams keep their media, as set in Connect: how far back `again` looks for what is not complete, and what a stream is taken for that does not tell. Without the template's value the longest usual one: too long costs requests, too short costs audio.",
);
const LOG: Setting = setting(
    "LOG_LEVEL",
    "info",
    "`error`, `warn`, `info`, `debug` or `trace`; telephone numbers and attribute values appear at debug and below only.",
);
const ENDPOINT: Setting = setting(
    "ENDPOINT_URL",
    "AWS's own",
    "One endpoint for all of AWS, such as the sandbox's: to try the function where `AWS_ENDPOINT_URL` cannot be set, as under `sam local invoke`.",
);
/// What [`PARKING_QUEUE`] was called before 0.2.0.
const RETRY_QUEUE: Setting = setting(
    "RETRY_QUEUE_URL",
    "",
    "The former name of PARKING_QUEUE_URL, which wins where both are set: rename it.",
);
const SELECTOR: Setting = setting(
    "START_SELECTOR_TYPE",
    "",
    "Does nothing: Callreel lists a recording's fragments and fetches them by number, so there is no start selector to choose.",
);
const PUBLIC: Setting = setting(
    "RECORDINGS_PUBLIC_READ_ACL",
    "",
    "Does nothing: Callreel never sets an ACL; recordings are read through CloudFront, and a public bucket would give every call to everybody.",
);

/// All settings, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[
    BUCKET,
    DOMAIN,
    ARCHIVE,
    FILE_URLS,
    PREFIX,
    OWNER,
    REGION,
    PARKING_QUEUE,
    INSTANCES,
    OMIT,
    KMS_KEY,
    TAGS,
    CONNECTIONS,
    FRAGMENTS,
    CONNECT_CALLS,
    CONCURRENCY,
    MARGIN,
    RETENTION,
    LOG,
    ENDPOINT,
    RETRY_QUEUE,
    SELECTOR,
    PUBLIC,
];

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
    /// Which URLs contacts carry.
    pub on_contact: OnContact,
    /// The region.
    pub region: String,
    /// Where parked records go.
    pub parking_queue: Option<String>,
    /// The ids of the Connect instances that are served; all are if there is none.
    pub instances: Vec<Box<str>>,
    /// What verdicts are without.
    pub omitted: Vec<Omitted>,
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

impl Config {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(&lookup);
        let config = Self {
            bucket: variables.required(&BUCKET, bucket_name),
            url_base: variables.required(&DOMAIN, url_base),
            on_contact: on_contact(&mut variables),
            bucket_owner: variables.optional(&OWNER, account),
            key_prefix: variables.prefix(&PREFIX),
            region: variables.region(&REGION),
            parking_queue: match variables.optional(&PARKING_QUEUE, queue_url) {
                Some(queue) => Some(queue),
                None => variables.optional(&RETRY_QUEUE, queue_url),
            },
            instances: variables
                .optional(&INSTANCES, instance_ids)
                .unwrap_or_default(),
            omitted: variables.optional(&OMIT, omitted).unwrap_or_default(),
            kms_key: variables.optional(&KMS_KEY, any_text),
            object_tags: variables.optional(&TAGS, object_tags).unwrap_or_default(),
            connections: variables.number(&CONNECTIONS, 1..=5),
            fragments_per_request: variables.number(&FRAGMENTS, 1..=450),
            connect_calls_per_second: variables.number(&CONNECT_CALLS, 1..=100),
            batch_concurrency: variables.number(&CONCURRENCY, 1..=64),
            deadline_margin: Duration::from_secs(variables.number(&MARGIN, 1..=300)),
            media_retention: Duration::from_secs(3_600 * variables.number(&RETENTION, 1..=87_600)),
            log_level: variables.optional(&LOG, str::parse).unwrap_or_default(),
            endpoint: variables.optional(&ENDPOINT, endpoint_url),
            warnings: variables.warnings(&[&RETRY_QUEUE, &SELECTOR, &PUBLIC]),
        };
        variables.finish(config)
    }

    /// Parses variables given as pairs, such as `std::env::vars()`.
    pub fn from_vars(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let variables: std::collections::HashMap<_, _> = variables.into_iter().collect();
        Self::from_lookup(|name| variables.get(name).cloned())
    }

    /// How recordings are named.
    pub fn policy(&self) -> Policy {
        Policy {
            key_prefix: self.key_prefix.clone(),
            url_base: self.url_base.clone(),
            instances: self.instances.clone(),
            omitted: self.omitted.clone(),
            on_contact: self.on_contact.clone(),
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

fn on_contact(variables: &mut Variables<'_>) -> OnContact {
    let page = variables.optional(&ARCHIVE, page_base);
    let has_files = variables.optional(&FILE_URLS, yes_or_no).unwrap_or(true);
    match (page, has_files) {
        (None, true) => OnContact::Files,
        (Some(base), true) => OnContact::FilesAndPage(base),
        (Some(base), false) => OnContact::Page(base),
        (None, false) => {
            // One that is set wrongly was told already.
            if variables.get(&ARCHIVE).is_none() {
                variables.problems.push(format!(
                    "{} is no, but {} is not set: nothing would lead from a contact to its recordings",
                    FILE_URLS.name, ARCHIVE.name
                ));
            }
            OnContact::Files
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::AWS_REGION;
    use super::*;
    use crate::media::sides::Authorisation;

    const LEAST: &[(&str, &str)] = &[
        (BUCKET.name, "calls"),
        (DOMAIN.name, "d1.cloudfront.net"),
        (AWS_REGION.name, "us-east-1"),
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
                config(&[(DOMAIN.name, spelling)]).unwrap().url_base,
                "https://d1.example/"
            );
        }
    }

    #[test]
    fn contacts_carry_what_is_set() {
        #[track_caller]
        fn check(more: &[(&str, &str)], carried: &[(&str, &str)]) {
            let policy = config(more).unwrap().policy();
            let carriers = policy.carriers(Authorisation::FromCustomer);
            let carriers: Vec<_> = carriers.collect();
            let told: Vec<_> = carriers
                .iter()
                .map(|carrier| (carrier.attribute, &*carrier.ours))
                .collect();
            assert_eq!(told, carried);
        }
        let files = ("audioFromCustomer", "https://d1.cloudfront.net/recordings/");
        let page = (
            "audioPage",
            "https://calls.example.com/call?recording=recordings/",
        );
        check(&[], &[files]);
        check(&[(FILE_URLS.name, "yes")], &[files]);
        for domain in ["calls.example.com", "https://calls.example.com/"] {
            check(&[(ARCHIVE.name, domain)], &[files, page]);
            check(&[(ARCHIVE.name, domain), (FILE_URLS.name, "No")], &[page]);
        }
    }

    #[test]
    fn the_address_of_a_page_is_one_word() {
        let policy = config(&[(ARCHIVE.name, "calls.example.com")])
            .unwrap()
            .policy();
        let page = policy.page_url("rec/2026/11/27/a b_1_verdict.json");
        let expected =
            "https://calls.example.com/call?recording=rec/2026/11/27/a%20b_1_verdict.json";
        assert_eq!(page.as_deref(), Some(expected));
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        #[track_caller]
        fn check(more: &[(&str, &str)], problem: &str) {
            let error = config(more).unwrap_err();
            assert_eq!(error, format!("configuration: {problem}"));
        }
        check(&[(BUCKET.name, " ")], "RECORDINGS_BUCKET_NAME is not set");
        check(
            &[(BUCKET.name, ""), (DOMAIN.name, "")],
            "RECORDINGS_BUCKET_NAME is not set; CLOUDFRONT_DOMAIN is not set",
        );
        check(&[(AWS_REGION.name, "")], "AWS_REGION is not set");
        check(
            &[(FILE_URLS.name, "no")],
            "CONTACT_FILE_URLS is no, but ARCHIVE_DOMAIN is not set: nothing would lead from a contact to its recordings",
        );
        check(
            &[(FILE_URLS.name, "no"), (ARCHIVE.name, "http://calls")],
            "ARCHIVE_DOMAIN is \"http://calls\", but it must be a domain, with https:// or without",
        );
        check(
            &[(FILE_URLS.name, "never")],
            "CONTACT_FILE_URLS is \"never\", but it must be yes or no",
        );
        check(
            &[(DOMAIN.name, "http://d1")],
            "CLOUDFRONT_DOMAIN is \"http://d1\", but it must be a domain, with https:// or without",
        );
        check(
            &[(CONNECTIONS.name, "6")],
            "KVS_CONNECTIONS is \"6\", but it must be a whole number from 1 to 5",
        );
        check(
            &[(TAGS.name, "a")],
            "RECORDINGS_OBJECT_TAGS is \"a\", but \"a\" is no name=value",
        );
        check(
            &[(LOG.name, "loud")],
            "LOG_LEVEL is \"loud\", but it must be error, warn, info, debug or trace",
        );
        check(
            &[(INSTANCES.name, "arn:aws:connect:eu-west-1:1:instance/a, b")],
            "CONNECT_INSTANCE_ARNS is \"arn:aws:connect:eu-west-1:1:instance/a, b\", but \"b\" is not the ARN of an instance, such as arn:aws:connect:us-east-1:111122223333:instance/ID",
        );
        check(
            &[(OMIT.name, "agent, number")],
            "VERDICT_OMIT is \"agent, number\", but \"number\" is none of customer, system, queue, agent, initiation_method, sound",
        );
        check(
            &[(OWNER.name, "12345678901")],
            "RECORDINGS_BUCKET_OWNER is \"12345678901\", but it must be an account's id: 12 digits",
        );
        check(
            &[(CONNECT_CALLS.name, "0")],
            "CONNECT_CALLS_PER_SECOND is \"0\", but it must be a whole number from 1 to 100",
        );
        check(
            &[(PREFIX.name, "/rec/")],
            "RECORDINGS_KEY_PREFIX is \"/rec/\", but it must not start with a slash or hold two in a row: S3 takes them as folders without a name",
        );
    }

    #[test]
    fn what_is_set_holds() {
        let config = config(&[
            (REGION.name, "eu-west-1"),
            (PREFIX.name, "calls/"),
            (TAGS.name, "team=voice, cost = 7,"),
            (LOG.name, "DEBUG"),
            (KMS_KEY.name, "alias/calls"),
            (PARKING_QUEUE.name,
                "https://sqs.eu-west-1.amazonaws.com/1/calls-retry",
            ),
            (MARGIN.name, "30"),
            (INSTANCES.name,
                "arn:aws:connect:eu-west-1:1:instance/a, arn:aws-us-gov:connect:us-gov-west-1:1:instance/b,",
            ),
            (OMIT.name, "customer, agent,"),
            (OWNER.name, "111122223333"),
            (CONNECT_CALLS.name, "5"),
        ])
        .unwrap();
        assert_eq!(config.policy().instances, ["a", "b"].map(Box::from));
        assert_eq!(config.policy().omitted, [Omitted::Customer, Omitted::Agent]);
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
        let config = config(&[
            (SELECTOR.name, "NOW"),
            (PUBLIC.name, "true"),
            (RETRY_QUEUE.name, queue),
        ])
        .unwrap();
        assert_eq!(config.parking_queue.as_deref(), Some(queue));
        assert_eq!(config.warnings.len(), 3);
        assert!(
            config.warnings[1]
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
        read.borrow_mut().remove(AWS_REGION.name);
        let listed: std::collections::BTreeSet<_> = SETTINGS
            .iter()
            .map(|setting| setting.name.to_owned())
            .collect();
        assert_eq!(*read.borrow(), listed);
    }

    /// The default of a number is what is read where there is none.
    #[test]
    fn the_defaults_of_the_table_hold() {
        let plain = config(&[]).unwrap();
        for setting in [
            PREFIX,
            CONNECTIONS,
            FRAGMENTS,
            CONNECT_CALLS,
            CONCURRENCY,
            MARGIN,
            RETENTION,
            LOG,
        ] {
            let set = config(&[(setting.name, setting.default)]).unwrap();
            assert_eq!(set, plain, "{}", setting.name);
        }
        assert_eq!(plain.media_retention, Duration::from_secs(720 * 3_600));
        assert_eq!(
            (plain.batch_concurrency, plain.connect_calls_per_second),
            (4, 2)
        );
        assert_eq!(plain.deadline_margin, Duration::from_secs(15));
    }
}
