//! What is known of a deployment, as plain values: what AWS answered, in its own words and
//! units, and nothing concluded from it. What could not be found out says why.

mod answering;
mod keys;
mod voicemail;
mod worker;

pub use answering::{Answering, Caller, EventRule, Helper, Live, RuleTarget};
pub use keys::{Key, KeyState, Right, RightDecision};
pub use voicemail::{Called, Voicemail};
pub use worker::Worker;

use crate::connect::arn;

/// Something that was asked for: known, or not and why.
pub type Fact<T> = Result<T, Unknown>;

/// Why something is not known, and how it can be next time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Why.
    pub why: String,
    /// What to do to find it out.
    pub cure: String,
}

impl Unknown {
    /// The fact is not known for this reason; the cure says what to do about it.
    pub fn new(why: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            cure: cure.into(),
        }
    }
}

/// Everything that is looked at. `None` inside of a [`Fact`] means: it is not there.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The function's name, as asked for or found.
    pub function_name: String,
    /// The function.
    pub function: Fact<Option<Function>>,
    /// All its event source mappings.
    pub mappings: Fact<Vec<Mapping>>,
    /// The Kinesis data stream that the first Kinesis mapping reads.
    pub record_stream: Fact<Option<RecordStream>>,
    /// The bucket of the settings.
    pub bucket: Fact<Option<Bucket>>,
    /// All distributions of the account.
    pub distributions: Fact<Vec<Distribution>>,
    /// The Connect instances that come into question: all, or the one asked for.
    pub instances: Fact<Vec<Instance>>,
    /// The video streams under the prefixes of [`Deployment::instance`].
    pub video_streams: Fact<Vec<VideoStream>>,
    /// The queue for parked records; `None` when the settings name one that is not there.
    pub parking_queue: Fact<Option<Queue>>,
    /// The queue behind it; `None` when its redrive policy names one that is not there.
    pub dead_letters: Fact<Option<Queue>>,
    /// Every key that something of the above is encrypted with.
    pub keys: Vec<Key>,
    /// What the function's role may do of what [`super::rights::needed`] lists.
    pub rights: Fact<Vec<Right>>,
    /// How often the function found a recording in the last seven days that the contact does
    /// not allow any more: its metric `Withdrawn`.
    pub withdrawn: Fact<u64>,
    /// The answering machine that works on the bucket of the settings, if there is one.
    pub answering: Fact<Option<Answering>>,
    /// The functions of the account and region that tell desks of calls.
    pub live: Fact<Vec<Live>>,
    /// The voicemail of the stack, or of the region, if there is one.
    pub voicemail: Fact<Option<Voicemail>>,
    /// The functions that show the archive of the bucket of the settings, or of voicemail's.
    pub archives: Fact<Vec<Worker>>,
    /// All metric alarms of the account and region.
    pub alarms: Fact<Vec<Alarm>>,
}

impl Deployment {
    /// A deployment of which nothing is known for this reason.
    pub fn unknown(function_name: impl Into<String>, why: &Unknown) -> Self {
        Self {
            function_name: function_name.into(),
            function: Err(why.clone()),
            mappings: Err(why.clone()),
            record_stream: Err(why.clone()),
            bucket: Err(why.clone()),
            distributions: Err(why.clone()),
            instances: Err(why.clone()),
            video_streams: Err(why.clone()),
            parking_queue: Err(why.clone()),
            dead_letters: Err(why.clone()),
            keys: Vec::new(),
            rights: Err(why.clone()),
            withdrawn: Err(why.clone()),
            answering: Err(why.clone()),
            live: Err(why.clone()),
            voicemail: Err(why.clone()),
            archives: Err(why.clone()),
            alarms: Err(why.clone()),
        }
    }

    /// The function's settings, when they are good.
    pub fn settings(&self) -> Fact<&Settings> {
        let Some(function) = self.function.as_ref().map_err(Unknown::clone)? else {
            return Err(Unknown::new(
                "the function is not there",
                "give its name with --function",
            ));
        };
        function.settings.as_ref().map_err(|_| {
            Unknown::new(
                "the function's settings are wrong",
                "mend what `settings` tells",
            )
        })
    }

    /// The mapping of contact records: the first that reads a Kinesis data stream.
    pub fn record_mapping(&self) -> Fact<Option<&Mapping>> {
        let mappings = self.mappings.as_ref().map_err(Unknown::clone)?;
        Ok(mappings
            .iter()
            .find(|mapping| mapping.reads_service("kinesis")))
    }

    /// The distribution that serves the domain of the settings.
    pub fn distribution(&self) -> Fact<Option<&Distribution>> {
        let settings = self.settings()?;
        let all = self.distributions.as_ref().map_err(Unknown::clone)?;
        Ok(all.iter().find(|one| one.serves(&settings.domain)))
    }

    /// The instance whose calls are recorded: the one whose contact records go to the
    /// stream that the mapping reads, else the only one.
    pub fn instance(&self) -> Fact<Option<&Instance>> {
        let all = self.instances.as_ref().map_err(Unknown::clone)?;
        let stream = match &self.record_mapping() {
            Ok(Some(mapping)) => mapping.source_arn.clone(),
            Ok(None) | Err(_) => String::new(),
        };
        if let Some(sending) = all.iter().find(|one| one.sends_records_to(&stream)) {
            return Ok(Some(sending));
        }
        match all.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            several => Err(Unknown::new(
                format!(
                    "there are {} instances, and none is known to send its contact records to the function's stream",
                    several.len()
                ),
                "name the instance with --instance",
            )),
        }
    }
}

/// A Lambda function (GetFunctionConfiguration).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its ARN.
    pub arn: String,
    /// The ARN of its role.
    pub role: Option<String>,
    /// `Active`, `Inactive`, `Pending`, `Failed` …
    pub state: Option<String>,
    /// `Successful`, `InProgress` or `Failed`.
    pub last_update: Option<String>,
    /// `provided.al2023` …; none for an image.
    pub runtime: Option<String>,
    /// How long an invocation may take.
    pub timeout_seconds: u32,
    /// Its memory.
    pub memory_mib: u32,
    /// Where its log goes.
    pub log_group: String,
    /// Its environment, parsed; else what is wrong with it.
    pub settings: Result<Settings, String>,
}

/// What the function is set to, as far as it concerns others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The bucket.
    pub bucket: String,
    /// The domain of URLs, without a scheme.
    pub domain: String,
    /// What object keys start with.
    pub key_prefix: String,
    /// The region of streams, bucket, contacts and queue.
    pub region: String,
    /// The URL of the queue for parked records.
    pub parking_queue: Option<String>,
    /// The key that objects are encrypted with.
    pub kms_key: Option<String>,
    /// Whether objects get tags.
    pub tags: Tags,
    /// How long before an invocation's end it stops.
    pub margin_seconds: u64,
    /// Settings that do nothing.
    pub warnings: Vec<String>,
}

/// Whether objects get tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tags {
    /// They do not.
    #[default]
    Without,
    /// They do.
    With,
}

/// An event source mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Its id.
    pub id: String,
    /// What it reads.
    pub source_arn: String,
    /// `Enabled`, `Disabled`, `Creating` …
    pub state: String,
    /// What became of the last batch.
    pub last_result: Option<String>,
    /// `ReportBatchItemFailures`, if it is set.
    pub response_types: Vec<String>,
    /// Whether a failing batch is cut in two.
    pub bisect: bool,
    /// How often a batch is tried again; `None` for ever.
    pub attempts: Option<u32>,
    /// How old a record may be; `None` for any age.
    pub max_age_seconds: Option<u32>,
    /// Where records go that were given up.
    pub failure_destination: Option<String>,
    /// `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`.
    pub starting_position: Option<String>,
    /// Patterns, of which a record must match one to come through.
    pub filters: Vec<String>,
}

impl Mapping {
    /// Whether it reads this service's (`kinesis`, `sqs`).
    pub fn reads_service(&self, service: &str) -> bool {
        arn::service(&self.source_arn) == Some(service)
    }

    /// Whether the function's answer says which records failed.
    pub fn reports_failures(&self) -> bool {
        let wanted = "ReportBatchItemFailures";
        self.response_types.iter().any(|kind| kind == wanted)
    }
}

/// A Kinesis data stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordStream {
    /// Its ARN.
    pub arn: String,
    /// `ACTIVE`, `CREATING`, `DELETING` or `UPDATING`.
    pub status: String,
    /// How long it keeps records.
    pub retention_hours: u32,
    /// Its key, when it is encrypted.
    pub key: Option<String>,
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Where it is, when S3 says it.
    pub region: Option<String>,
    /// `Enabled` or `Suspended`; `None` when it never was versioned.
    pub versioning: Fact<Option<String>>,
    /// How new objects are encrypted.
    pub encryption: Fact<Option<Encryption>>,
    /// The parts of "block public access" that are off.
    pub not_blocked: Fact<Vec<&'static str>>,
    /// Enabled rules that abort incomplete uploads.
    pub aborts: Fact<Vec<AbortRule>>,
    /// Its policy, as JSON.
    pub policy: Fact<Option<String>>,
}

/// How a bucket encrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// `AES256`, `aws:kms` …
    pub algorithm: String,
    /// The key, if one is named.
    pub key: Option<String>,
}

/// A lifecycle rule that aborts incomplete uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbortRule {
    /// The prefix of the keys that it is about.
    pub prefix: String,
    /// After so many days.
    pub days: u32,
}

/// A CloudFront distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Its ARN.
    pub arn: String,
    /// Its own domain.
    pub domain: String,
    /// Its alternative domains.
    pub aliases: Vec<String>,
    /// Whether it answers.
    pub enabled: bool,
    /// `Deployed` or `InProgress`.
    pub status: String,
    /// Where it takes content from.
    pub origins: Vec<Origin>,
    /// Behaviours in order of precedence; the default one is the last and has the pattern `*`.
    pub behaviours: Vec<Behaviour>,
    /// The web ACL that every request must pass.
    pub web_acl: Option<String>,
}

impl Distribution {
    /// Whether it answers for this domain; an alias may start with `*.`.
    fn serves(&self, domain: &str) -> bool {
        let names = std::iter::once(&self.domain).chain(&self.aliases);
        names.into_iter().any(|name| {
            name.eq_ignore_ascii_case(domain)
                || name
                    .strip_prefix("*.")
                    .zip(domain.split_once('.'))
                    .is_some_and(|(of, (_, parent))| of.eq_ignore_ascii_case(parent))
        })
    }
}

/// Where a distribution takes content from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Its id within the distribution.
    pub id: String,
    /// Its domain.
    pub domain: String,
    /// What is put before every path.
    pub path: String,
    /// Its origin access control.
    pub access_control: Option<String>,
    /// The older origin access identity.
    pub access_identity: Option<String>,
}

/// How a distribution treats some paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// Paths, with `*` and `?`.
    pub pattern: String,
    /// The origin's id.
    pub origin: String,
    /// `https-only`, `redirect-to-https` or `allow-all`.
    pub viewer_protocol: String,
    /// Whose signatures open a URL: ids of key groups, or accounts. Empty: nobody's is asked for.
    pub signers: Vec<String>,
}

/// An Amazon Connect instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Live media streaming.
    pub media: Fact<Vec<MediaStorage>>,
    /// Where contact records go: ARNs.
    pub records: Fact<Vec<String>>,
}

impl Instance {
    /// Whether its contact records go to this Kinesis data stream.
    pub fn sends_records_to(&self, stream: &str) -> bool {
        self.records
            .as_ref()
            .is_ok_and(|to| to.iter().any(|arn| arn == stream))
    }
}

/// Live media streaming, as an instance is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaStorage {
    /// What its streams' names start with.
    pub prefix: String,
    /// How long streams made from now on keep media.
    pub retention_hours: u32,
    /// The key.
    pub key: Option<String>,
}

/// A Kinesis video stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoStream {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// How long it keeps media.
    pub retention_hours: u32,
    /// Its key.
    pub key: Option<String>,
}

/// An SQS queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Its ARN.
    pub arn: String,
    /// How long a message that was taken is hidden.
    pub visibility_seconds: u32,
    /// Messages in it, waiting, delayed or taken.
    pub messages: u64,
    /// Where messages go that were taken too often.
    pub redrive: Option<Redrive>,
    /// Its key, if it has one of its own.
    pub key: Option<String>,
}

/// A redrive policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The dead-letter queue.
    pub target_arn: String,
    /// How often a message is taken before.
    pub max_receives: u32,
}

/// A metric alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why it is in that state.
    pub reason: String,
    /// Whether its actions are enabled.
    pub actions_enabled: bool,
    /// What is done when it goes off: ARNs.
    pub actions: Vec<String>,
    /// What it watches.
    pub watches: Vec<Metric>,
}

/// A metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metric {
    /// `AWS/Lambda`, `Callreel` …
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions: name and value.
    pub dimensions: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_serves_its_domain_and_its_aliases() {
        let distribution = Distribution {
            domain: "d1.cloudfront.net".to_owned(),
            aliases: vec!["Calls.example".to_owned(), "*.wild.example".to_owned()],
            ..Distribution::default()
        };
        for (domain, serves) in [
            ("d1.cloudfront.net", true),
            ("calls.example", true),
            ("a.wild.example", true),
            ("wild.example", false),
            ("a.b.wild.example", false),
            ("d2.cloudfront.net", false),
        ] {
            assert_eq!(distribution.serves(domain), serves, "{domain}");
        }
    }
}
