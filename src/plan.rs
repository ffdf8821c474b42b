//! What is to be done with a contact record: one decision for each of its recordings, or
//! one for the whole record. Decided before any media is read, and printable with its
//! reason; nothing here looks at the world.

use std::fmt;

use crate::attributes::{self, Held, RECORDING_AUTH};
use crate::attribution::Claim;
use crate::contact::{ContactRecord, RecordingEntry};
use crate::fragment::{Direction, FragmentRange};
use crate::key::{RecordingId, RecordingKeys, RecordingStart};
use crate::ticks::EpochMillis;
use crate::wav::Output;

/// The storage type of the recordings that are ours.
const KVS: &str = "KINESIS_VIDEO_STREAM";

/// How recordings are named, as set for this deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What keys start with, e.g. `recordings/`.
    pub key_prefix: String,
    /// What URLs start with, before the key: `https://domain/`.
    pub url_base: String,
}

/// What may be recorded, as the flow set `recordingAuth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorisation {
    /// `1`: what the customer says.
    FromCustomer,
    /// `2`: what the customer hears.
    ToCustomer,
    /// `3`: both, and the mix.
    Both,
}

impl Authorisation {
    /// Anything but 1, 2 or 3 authorises nothing.
    pub fn from_attribute(value: &str) -> Option<Self> {
        match value.trim() {
            "1" => Some(Self::FromCustomer),
            "2" => Some(Self::ToCustomer),
            "3" => Some(Self::Both),
            _ => None,
        }
    }

    /// The files that may be written.
    pub const fn outputs(self) -> &'static [Output] {
        match self {
            Self::FromCustomer => &[Output::From],
            Self::ToCustomer => &[Output::To],
            Self::Both => &Output::ALL,
        }
    }

    /// The directions whose audio may be kept.
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::FromCustomer => &[Direction::FromCustomer],
            Self::ToCustomer => &[Direction::ToCustomer],
            Self::Both => &Direction::BOTH,
        }
    }
}

/// One recording that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingPlan {
    /// Which recording.
    pub id: RecordingId,
    /// Where its objects go.
    pub keys: RecordingKeys,
    /// The contact that holds the attributes: the first leg.
    pub attributes_contact: Box<str>,
    /// The Connect instance; without it attributes cannot be written.
    pub instance: Option<Box<str>>,
    /// The stream's ARN.
    pub stream: Box<str>,
    /// What proves that a fragment is this recording's.
    pub claim: Claim,
    /// When the record says that it started and stopped, in whole seconds.
    pub window: (Option<EpochMillis>, Option<EpochMillis>),
    /// What may be recorded.
    pub authorisation: Authorisation,
}

/// What is to be done with one recording, or with a whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Record it.
    Record(Box<RecordingPlan>),
    /// Leave it, for this reason.
    Skip(SkipReason),
}

/// Why nothing is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The channel is not VOICE.
    NotVoice {
        /// The record's channel.
        channel: Option<Box<str>>,
    },
    /// `recordingAuth` is not 1, 2 or 3.
    NotAuthorised {
        /// Its value.
        auth: Option<Box<str>>,
    },
    /// No recording of the record is in a Kinesis video stream.
    NoKvsRecording,
    /// All attributes carry this recording's URLs.
    AlreadyRecorded,
    /// Somebody set an attribute to a value that is not ours.
    AttributeNotOurs {
        /// The attribute.
        attribute: &'static str,
    },
    /// The record does not say which stream or which fragments; nothing can be read.
    NotLocated {
        /// What is missing or wrong.
        missing: String,
    },
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotVoice { channel } => {
                write!(
                    f,
                    "channel {}, not VOICE",
                    channel.as_deref().unwrap_or("not given")
                )
            }
            Self::NotAuthorised { auth: Some(auth) } => {
                write!(
                    f,
                    "{RECORDING_AUTH} {auth:?} authorises nothing (1, 2 or 3 do)"
                )
            }
            Self::NotAuthorised { auth: None } => write!(f, "{RECORDING_AUTH} not set"),
            Self::NoKvsRecording => f.write_str("no recording in a Kinesis video stream"),
            Self::AlreadyRecorded => f.write_str("already recorded"),
            Self::AttributeNotOurs { attribute } => {
                write!(f, "{attribute} holds a value that Callreel did not write")
            }
            Self::NotLocated { missing } => {
                write!(f, "the record does not say where the audio is: {missing}")
            }
        }
    }
}

/// Decides on a record; the result is never empty.
pub fn decide(record: &ContactRecord, policy: &Policy) -> Vec<Decision> {
    decide_on_recordings(record, policy).unwrap_or_else(|reason| vec![Decision::Skip(reason)])
}

fn decide_on_recordings(
    record: &ContactRecord,
    policy: &Policy,
) -> Result<Vec<Decision>, SkipReason> {
    if record.channel.as_deref() != Some("VOICE") {
        return Err(SkipReason::NotVoice {
            channel: record.channel.clone(),
        });
    }
    let entries: Vec<_> = record
        .recordings
        .iter()
        .filter(|entry| entry.storage.as_deref() == Some(KVS))
        .collect();
    if entries.is_empty() {
        return Err(SkipReason::NoKvsRecording);
    }
    let auth = record.attributes.get(RECORDING_AUTH);
    let authorisation = auth
        .and_then(|auth| Authorisation::from_attribute(auth))
        .ok_or_else(|| SkipReason::NotAuthorised {
            auth: auth.map(|auth| auth.as_str().into()),
        })?;
    let siblings: Vec<_> = entries
        .iter()
        .filter_map(|entry| recording_id(record, entry))
        .collect();
    let mut decided: Vec<RecordingId> = Vec::new();
    let mut decisions = Vec::new();
    for entry in entries {
        let decision = locate(record, entry, authorisation, policy)
            .and_then(|plan| not_yet_done(record, plan, policy, &siblings));
        match decision {
            // A recording that the record lists twice is one recording.
            Ok(plan) if decided.contains(&plan.id) => {}
            Ok(plan) => {
                decided.push(plan.id.clone());
                decisions.push(Decision::Record(Box::new(plan)));
            }
            Err(reason) => decisions.push(Decision::Skip(reason)),
        }
    }
    Ok(decisions)
}

fn recording_id(record: &ContactRecord, entry: &RecordingEntry) -> Option<RecordingId> {
    let by_number = entry.start_fragment.map(RecordingStart::Fragment);
    Some(RecordingId {
        contact: record.contact.clone(),
        initiated: record.initiated.or(entry.started),
        start: by_number.or(entry.started.map(RecordingStart::Time))?,
    })
}

/// The plan for a recording that the record tells enough of.
fn locate(
    record: &ContactRecord,
    entry: &RecordingEntry,
    authorisation: Authorisation,
    policy: &Policy,
) -> Result<RecordingPlan, SkipReason> {
    let not_located = |missing: &str| SkipReason::NotLocated {
        missing: missing.to_owned(),
    };
    if let Some(bad) = &entry.bad_number {
        return Err(not_located(&format!(
            "fragment number {bad:?} is not decimal digits"
        )));
    }
    let id = recording_id(record, entry)
        .ok_or_else(|| not_located("neither FragmentStartNumber nor StartTimestamp"))?;
    let range = FragmentRange {
        start: entry.start_fragment,
        stop: entry.stop_fragment,
    };
    if range
        .start
        .zip(range.stop)
        .is_some_and(|(start, stop)| start > stop)
    {
        return Err(not_located(
            "FragmentStartNumber lies behind FragmentStopNumber",
        ));
    }
    let named = [
        Some(&record.contact),
        record.initial_contact.as_ref(),
        record.previous_contact.as_ref(),
    ];
    Ok(RecordingPlan {
        keys: id.keys(&policy.key_prefix),
        id,
        attributes_contact: record
            .initial_contact
            .clone()
            .unwrap_or_else(|| record.contact.clone()),
        instance: record.instance.clone(),
        stream: entry
            .location
            .clone()
            .ok_or_else(|| not_located("no Location"))?,
        claim: Claim {
            range,
            contacts: named.into_iter().flatten().cloned().collect(),
        },
        window: (entry.started, entry.stopped),
        authorisation,
    })
}

/// Lets a plan pass unless the attributes say that it is done, or not to be done.
fn not_yet_done(
    record: &ContactRecord,
    plan: RecordingPlan,
    policy: &Policy,
    siblings: &[RecordingId],
) -> Result<RecordingPlan, SkipReason> {
    let base = policy.our_urls();
    let mut done = true;
    for output in plan.authorisation.outputs() {
        let attribute = output.attribute();
        let value = record.attributes.get(attribute).map(String::as_str);
        match attributes::held(value, &base, &plan.id, siblings) {
            Held::NotOurs => return Err(SkipReason::AttributeNotOurs { attribute }),
            Held::This => {}
            Held::Nothing | Held::Others => done = false,
        }
    }
    if done {
        Err(SkipReason::AlreadyRecorded)
    } else {
        Ok(plan)
    }
}

impl Policy {
    /// What every URL of ours starts with.
    pub fn our_urls(&self) -> String {
        crate::key::url(&self.url_base, &self.key_prefix)
    }

    /// The URL of an object.
    pub fn url(&self, key: &str) -> String {
        crate::key::url(&self.url_base, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            key_prefix: "rec/".into(),
            url_base: "https://d.example/".into(),
        }
    }

    fn entry(start: &str, stop: &str) -> RecordingEntry {
        RecordingEntry {
            storage: Some(KVS.into()),
            location: Some("arn:aws:kinesisvideo:us-east-1:1:stream/s/1".into()),
            start_fragment: start.parse().ok(),
            stop_fragment: stop.parse().ok(),
            ..RecordingEntry::default()
        }
    }

    fn record(attributes: &[(&str, &str)], recordings: Vec<RecordingEntry>) -> ContactRecord {
        ContactRecord {
            contact: "leg2".into(),
            initial_contact: Some("leg1".into()),
            channel: Some("VOICE".into()),
            attributes: attributes
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            recordings,
            ..ContactRecord::default()
        }
    }

    /// A decision as text: the start fragment and the files, or the reason to skip.
    fn summary(record: &ContactRecord) -> Vec<String> {
        decide(record, &policy())
            .into_iter()
            .map(|decision| match decision {
                Decision::Record(plan) => {
                    let outputs: Vec<_> = plan
                        .authorisation
                        .outputs()
                        .iter()
                        .map(|output| output.name())
                        .collect();
                    format!("{} {}", plan.id.start, outputs.join("+"))
                }
                Decision::Skip(reason) => reason.to_string(),
            })
            .collect()
    }

    #[track_caller]
    fn check(record: &ContactRecord, expected: &[&str]) {
        assert_eq!(summary(record), expected);
    }

    #[test]
    fn authorisation_is_one_two_or_three() {
        #[track_caller]
        fn check_auth(auth: Option<&str>, expected: &str) {
            let attributes: Vec<_> = auth
                .map(|auth| (RECORDING_AUTH, auth))
                .into_iter()
                .collect();
            check(&record(&attributes, vec![entry("10", "20")]), &[expected]);
        }
        check_auth(Some("1"), "10 from");
        check_auth(Some("2"), "10 to");
        check_auth(Some("3"), "10 from+to+mixed");
        check_auth(
            Some("0"),
            "recordingAuth \"0\" authorises nothing (1, 2 or 3 do)",
        );
        check_auth(
            Some(""),
            "recordingAuth \"\" authorises nothing (1, 2 or 3 do)",
        );
        check_auth(
            Some("yes"),
            "recordingAuth \"yes\" authorises nothing (1, 2 or 3 do)",
        );
        check_auth(None, "recordingAuth not set");
    }

    #[test]
    fn only_voice_in_kvs_is_recorded() {
        let mut chat = record(&[(RECORDING_AUTH, "3")], vec![entry("10", "20")]);
        chat.channel = Some("CHAT".into());
        check(&chat, &["channel CHAT, not VOICE"]);
        chat.channel = None;
        check(&chat, &["channel not given, not VOICE"]);
        let s3 = RecordingEntry {
            storage: Some("S3".into()),
            ..entry("10", "20")
        };
        check(
            &record(&[(RECORDING_AUTH, "3")], vec![s3.clone()]),
            &["no recording in a Kinesis video stream"],
        );
        check(
            &record(&[], vec![]),
            &["no recording in a Kinesis video stream"],
        );
        check(
            &record(&[(RECORDING_AUTH, "1")], vec![s3, entry("10", "20")]),
            &["10 from"],
        );
    }

    #[test]
    fn every_recording_of_a_contact_is_its_own_and_listed_once() {
        let both = vec![entry("10", "20"), entry("30", "40"), entry("10", "20")];
        check(
            &record(&[(RECORDING_AUTH, "1")], both),
            &["10 from", "30 from"],
        );
    }

    #[test]
    fn attributes_say_what_is_done() {
        let two = || vec![entry("10", "20"), entry("30", "40")];
        #[track_caller]
        fn check_held(value: &str, recordings: Vec<RecordingEntry>, expected: &[&str]) {
            check(
                &record(
                    &[(RECORDING_AUTH, "1"), ("audioFromCustomer", value)],
                    recordings,
                ),
                expected,
            );
        }
        check_held(
            "https://d.example/rec/2025/10/09/leg2_10_from.wav",
            two(),
            &["already recorded", "30 from"],
        );
        check_held(
            "https://d.example/rec/2025/10/09/leg2.wav",
            two(),
            &["already recorded", "already recorded"],
        );
        check_held(
            "https://d.example/rec/2025/10/09/leg1_5_from.wav",
            two(),
            &["10 from", "30 from"],
        );
        check_held("", two(), &["10 from", "30 from"]);
        let not_ours = "audioFromCustomer holds a value that Callreel did not write";
        check_held(
            "https://other.example/leg2_10_from.wav",
            two(),
            &[not_ours, not_ours],
        );
        // What is not authorised is not looked at; what is must all be there.
        let url = "https://d.example/rec/2025/10/09/leg2_10_from.wav";
        check(
            &record(
                &[(RECORDING_AUTH, "2"), ("audioFromCustomer", url)],
                vec![entry("10", "20")],
            ),
            &["10 to"],
        );
        check(
            &record(
                &[(RECORDING_AUTH, "3"), ("audioFromCustomer", url)],
                vec![entry("10", "20")],
            ),
            &["10 from+to+mixed"],
        );
    }

    #[test]
    fn a_record_that_does_not_locate_its_audio_says_so() {
        let check_entry = |entry: RecordingEntry, missing: &str| {
            let reason = format!("the record does not say where the audio is: {missing}");
            check(&record(&[(RECORDING_AUTH, "1")], vec![entry]), &[&reason]);
        };
        check_entry(
            RecordingEntry {
                location: None,
                ..entry("10", "20")
            },
            "no Location",
        );
        check_entry(
            entry("", ""),
            "neither FragmentStartNumber nor StartTimestamp",
        );
        check_entry(
            entry("20", "10"),
            "FragmentStartNumber lies behind FragmentStopNumber",
        );
        let bad = RecordingEntry {
            bad_number: Some("1o".into()),
            ..entry("", "20")
        };
        check_entry(bad, "fragment number \"1o\" is not decimal digits");
        let by_time = RecordingEntry {
            started: Some(EpochMillis(1_000)),
            ..entry("", "20")
        };
        check(
            &record(&[(RECORDING_AUTH, "1")], vec![by_time]),
            &["t1000 from"],
        );
    }

    #[test]
    fn a_leg_claims_the_ids_that_its_record_names() {
        let mut leg = record(&[(RECORDING_AUTH, "1")], vec![entry("10", "20")]);
        leg.previous_contact = Some("leg1b".into());
        let decisions = decide(&leg, &policy());
        let [Decision::Record(plan)] = &decisions[..] else {
            panic!("not planned")
        };
        assert_eq!(
            plan.claim.contacts,
            ["leg2".into(), "leg1".into(), Box::<str>::from("leg1b")]
        );
        assert_eq!(&*plan.attributes_contact, "leg1");
    }
}
