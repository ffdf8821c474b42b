//! What the sandbox does wrong on purpose: a script of rules, as JSON or as values.
//!
//! ```
//! use callreel::sandbox::{Effect, Faults, Rule};
//! let faults: Faults = serde_json::from_str(r#"{
//!     "quota": {"fragments_per_second": 500, "connections": 5},
//!     "rules": [
//!         {"on": "ListFragments", "effect": "drop_stop"},
//!         {"on": "GetMediaForFragmentList", "after": 1, "effect": {"cut_after_bytes": 40000}},
//!         {"on": "PutObject", "containing": "_verdict", "times": 2,
//!          "effect": {"status": {"code": 503, "error": "SlowDown"}}},
//!         {"on": "SendMessage", "times": null, "effect": "reset"}
//!     ]
//! }"#)?;
//! assert_eq!(faults.rules[0], Rule::once("ListFragments", Effect::DropStop));
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::operation::OPERATIONS;

/// A script: quotas that always hold, and rules for single calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// What KVS and Connect allow. Nothing is limited unless it is set here.
    pub quota: Quota,
    /// The first rule that fits a call has its effect on it, the others have none.
    pub rules: Vec<Rule>,
}

/// What KVS allows a stream, of which AWS's own are 500 and 5, and Connect an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Fragments asked for within any second; a request that goes beyond it is answered
    /// by 400 ClientLimitExceededException and does not count.
    pub fragments_per_second: Option<u32>,
    /// Bodies of media at once; a request that goes beyond it is answered by 400
    /// ConnectionLimitExceededException.
    pub connections: Option<u32>,
    /// Reads of contacts' attributes, and writes of them, that Connect allows a second in
    /// the long run, and half as many more at once; its own are 10 of each. A call that
    /// goes beyond it is answered by 429 TooManyRequestsException.
    pub attribute_calls_per_second: Option<u32>,
    /// How long an iterator of a data stream's shard is good, in seconds; Kinesis's own is 300,
    /// and so it is where nothing is said.
    pub iterator_seconds: Option<u32>,
    /// How long a body of live media lasts, in seconds of the stream: with streams that are
    /// played. KVS ends one after 40 to 45 minutes; 2,520 where nothing is said.
    pub media_seconds: Option<u32>,
}

/// Which calls go wrong, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The operation by AWS's name: `GetMediaForFragmentList`, `UploadPart` … A script that
    /// names one that the sandbox does not have is refused.
    #[serde(deserialize_with = "known_operation")]
    pub on: String,
    /// The rule fits only calls whose subject holds this: a stream, a contact, a queue's URL, the
    /// path and query of an S3 request, a job, an address, a model or a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containing: Option<String>,
    /// To how many calls it happens, `null` for all; once when nothing is said.
    #[serde(default = "one")]
    pub times: Option<u32>,
    /// How many calls that fit are let through first.
    #[serde(default)]
    pub after: u32,
    /// What happens.
    pub effect: Effect,
}

/// A name that no call has would make a rule that never happens.
fn known_operation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    match OPERATIONS.contains(&&*name) {
        true => Ok(name),
        false => Err(D::Error::unknown_variant(&name, OPERATIONS)),
    }
}

fn one() -> Option<u32> {
    Some(1)
}

/// What happens to a call. A body is the answer's, of any operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// An error of the service in place of the answer; nothing is done.
    Status {
        /// The HTTP status.
        code: u16,
        /// The error's name, as `ClientLimitExceededException` or S3's `SlowDown`.
        error: String,
    },
    /// Somebody else's answer in place of the service's, such as a proxy's page; nothing is
    /// done.
    Answer {
        /// The HTTP status.
        code: u16,
        /// Its headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Its body.
        #[serde(default)]
        body: String,
    },
    /// The connection is reset in place of an answer; nothing is done.
    Reset,
    /// The call is carried out and answered up to this byte of the body, then the
    /// connection is reset. With 0, what was done is done and nobody is told.
    CutAfterBytes(u64),
    /// The body ends here as if it were whole.
    EndAfterBytes(u64),
    /// The body stands still for a while and goes on.
    StallAfterBytes {
        /// Bytes before it stands still.
        bytes: u64,
        /// For how long.
        seconds: f64,
    },
    /// The answer comes later.
    DelayMs(u64),
    /// Error documents in place of some of the fragments asked for.
    ErrorDocument {
        /// `AWS_KINESISVIDEO_ERROR_ID`.
        id: u32,
        /// `AWS_KINESISVIDEO_ERROR_CODE`.
        code: String,
        /// Which of the fragments asked for, counted from 0.
        at: Vec<usize>,
    },
    /// The documents come in another order than they were asked for.
    Shuffle,
    /// The listing lacks the oldest of its fragments.
    DropStart,
    /// The listing lacks the newest of its fragments.
    DropStop,
    /// The listing lacks both.
    DropEnds,
    /// Nothing is listed over a window that begins before the stream was made, which is the
    /// moment when its first fragment came.
    NothingBeforeCreation,
    /// The id token of the provider that the sandbox plays is wrong.
    IdToken(Forgery),
    /// The transcription job that is started fails with this reason, and says so.
    JobFails {
        /// `FailureReason`.
        reason: String,
    },
    /// The transcription job that is started fails, and no event tells of it.
    JobFailsUnheard {
        /// `FailureReason`.
        reason: String,
    },
    /// The transcription job that is started never ends.
    JobNeverEnds,
}

/// How an id token is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgery {
    /// Another provider's name stands in it.
    WrongIssuer,
    /// It is meant for another client.
    WrongAudience,
    /// It was made for another login.
    WrongNonce,
    /// It was made for no login.
    NoNonce,
    /// Its claims were changed after it was signed.
    WrongSignature,
    /// A key signed it that is published nowhere.
    UnknownKey,
    /// Another key signed it under the name of the published one.
    OtherKey,
    /// It has expired.
    Expired,
    /// It is of the future.
    NotYet,
    /// It was made an hour ago.
    Old,
    /// It says that nobody need sign it, and nobody did.
    NoAlgorithm,
    /// It is signed by the published key as if that were a shared secret.
    SharedSecret,
    /// A new key signed it, which is published from now on: it is not wrong.
    NewKey,
    /// A new key signed it, which is published in place of the first one, under its name: it is
    /// not wrong.
    NewKeyOfOldName,
    /// A new key signed it, which is published from now on; neither it nor the token names the
    /// key: it is not wrong.
    NewKeyWithoutName,
}

impl Effect {
    /// Its name, as in the script.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Answer { .. } => "answer",
            Self::Reset => "reset",
            Self::CutAfterBytes(_) => "cut_after_bytes",
            Self::EndAfterBytes(_) => "end_after_bytes",
            Self::StallAfterBytes { .. } => "stall_after_bytes",
            Self::DelayMs(_) => "delay_ms",
            Self::ErrorDocument { .. } => "error_document",
            Self::Shuffle => "shuffle",
            Self::DropStart => "drop_start",
            Self::DropStop => "drop_stop",
            Self::DropEnds => "drop_ends",
            Self::NothingBeforeCreation => "nothing_before_creation",
            Self::IdToken(_) => "id_token",
            Self::JobFails { .. } => "job_fails",
            Self::JobFailsUnheard { .. } => "job_fails_unheard",
            Self::JobNeverEnds => "job_never_ends",
        }
    }
}

impl Rule {
    /// The next call of an operation goes wrong.
    pub fn once(on: &str, effect: Effect) -> Self {
        Self {
            on: on.to_owned(),
            containing: None,
            times: one(),
            after: 0,
            effect,
        }
    }

    /// Every call of an operation goes wrong.
    pub fn always(on: &str, effect: Effect) -> Self {
        Self {
            times: None,
            ..Self::once(on, effect)
        }
    }

    fn fits(&self, operation: &str, subject: &str) -> bool {
        let held = self.containing.as_deref();
        self.on == operation && held.is_none_or(|held| subject.contains(held))
    }
}

/// A script being played.
#[derive(Debug, Default)]
pub(super) struct Playing {
    pub faults: Faults,
    /// For each rule, the calls that fitted it and those it happened to.
    counts: Vec<(u32, u32)>,
    /// For each call of attributes, how many more are allowed, and since when.
    attribute_calls: HashMap<String, (f64, Instant)>,
}

impl Playing {
    pub(super) fn new(faults: Faults) -> Self {
        let counts = vec![(0, 0); faults.rules.len()];
        Self {
            faults,
            counts,
            attribute_calls: HashMap::new(),
        }
    }

    /// Whether the quota allows this call now; it counts then.
    pub(super) fn allows_attribute_call(&mut self, operation: &str, now: Instant) -> bool {
        let Some(per_second) = self.faults.quota.attribute_calls_per_second else {
            return true;
        };
        let per_second = f64::from(per_second);
        let burst = per_second * 1.5;
        let place = self.attribute_calls.entry(operation.to_owned());
        let (left, since) = place.or_insert((burst, now));
        let passed = now.saturating_duration_since(*since).as_secs_f64();
        *left = (*left + passed * per_second).min(burst);
        *since = now;
        let allowed = *left >= 1.0;
        *left -= f64::from(u8::from(allowed));
        allowed
    }

    /// What happens to this call.
    pub(super) fn next(&mut self, operation: &str, subject: &str) -> Option<Effect> {
        let mut chosen = None;
        for (rule, (fitted, happened)) in self.faults.rules.iter().zip(&mut self.counts) {
            if !rule.fits(operation, subject) {
                continue;
            }
            *fitted = fitted.saturating_add(1);
            let due = *fitted > rule.after && rule.times.is_none_or(|times| *happened < times);
            if chosen.is_none() && due {
                *happened = happened.saturating_add(1);
                chosen = Some(rule.effect.clone());
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_operations_that_there_are_and_the_page_has_them() {
        let read = |on: &str| {
            let script = format!(r#"{{"rules": [{{"on": "{on}", "effect": "reset"}}]}}"#);
            serde_json::from_str::<Faults>(&script).map_err(|error| error.to_string())
        };
        let told = read("ListFragmants").unwrap_err();
        assert!(told.contains("`ListFragmants`, expected one of"), "{told}");
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/function.md");
        let page = std::fs::read_to_string(page).unwrap();
        for name in OPERATIONS {
            assert!(read(name).is_ok(), "{name}");
            assert!(
                page.contains(&format!("`{name}`")),
                "{name} is not on the page"
            );
        }
    }

    #[test]
    fn rules_happen_as_often_as_they_say_and_one_to_a_call() {
        #[track_caller]
        fn check(rules: &str, calls: &[(&str, &str)], expected: &[&str]) {
            let rules = serde_json::from_str(rules).unwrap();
            let quota = Quota::default();
            let mut playing = Playing::new(Faults { quota, rules });
            let happened: Vec<_> = calls
                .iter()
                .map(|(operation, subject)| playing.next(operation, subject))
                .map(|effect| effect.map_or("-", |effect| effect.name()))
                .collect();
            assert_eq!(happened, expected);
        }
        let puts = [
            ("PutObject", "/b/a"),
            ("PutObject", "/b/v"),
            ("PutObject", "/b/v"),
        ];
        check("[]", &puts, &["-", "-", "-"]);
        check(
            r#"[{"on":"PutObject","effect":"reset"}]"#,
            &puts,
            &["reset", "-", "-"],
        );
        check(
            r#"[{"on":"PutObject","times":null,"after":1,"effect":"reset"}]"#,
            &puts,
            &["-", "reset", "reset"],
        );
        check(
            r#"[{"on":"PutObject","containing":"/v","effect":"reset"},
                {"on":"PutObject","times":2,"effect":{"delay_ms":1}}]"#,
            &puts,
            &["delay_ms", "reset", "delay_ms"],
        );
        check(
            r#"[{"on":"GetObject","effect":"shuffle"}]"#,
            &puts,
            &["-", "-", "-"],
        );
    }

    #[test]
    fn attribute_calls_are_a_bucket_for_each_operation() {
        let quota = Quota {
            attribute_calls_per_second: Some(10),
            ..Quota::default()
        };
        let mut playing = Playing::new(Faults {
            quota,
            rules: Vec::new(),
        });
        let start = Instant::now();
        let mut allowed = |operation, millis, calls: usize| {
            let now = start + std::time::Duration::from_millis(millis);
            let allowed = (0..calls).filter(|_| playing.allows_attribute_call(operation, now));
            allowed.count()
        };
        assert_eq!(allowed("GetContactAttributes", 0, 20), 15);
        assert_eq!(allowed("UpdateContactAttributes", 0, 20), 15);
        assert_eq!(allowed("GetContactAttributes", 1_000, 20), 10);
        assert_eq!(allowed("GetContactAttributes", 9_000, 20), 15);
    }

    #[test]
    fn a_misspelt_script_is_refused() {
        #[track_caller]
        fn check(script: &str) {
            assert!(serde_json::from_str::<Faults>(script).is_err());
        }
        check(r#"{"rule":[]}"#);
        check(r#"{"rules":[{"on":"PutObject"}]}"#);
        check(r#"{"rules":[{"on":"PutObject","time":1,"effect":"reset"}]}"#);
        check(r#"{"rules":[{"on":"PutObject","effect":"explode"}]}"#);
    }
}
