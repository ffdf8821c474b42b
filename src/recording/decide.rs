//! What is to be done with a contact record: one decision for each of its recordings, or
//! one for the whole record. Decided before any media is read, and printable with its
//! reason; nothing here looks at the world.

pub mod replay;

use std::collections::BTreeMap;
use std::fmt;

use crate::connect::record::{ContactRecord, KVS, RecordingEntry};
use crate::media::attribution::Claim;
use crate::media::fragment::{FragmentNumber, FragmentNumberError, FragmentRange};
use crate::media::sides::{Authorisation, Consent};
use crate::recording::attributes::{self, Carrier, Held, RECORDING_AUTH};
use crate::recording::key::{RecordingId, RecordingStart};
use crate::recording::parties::Parties;
use crate::recording::plan::{Policy, RecordingPlan, Times, Urls};

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
        /// Its value, which can be anything, and so is not shown.
        auth: Option<Box<str>>,
    },
    /// The contact is of a Connect instance that is not served here.
    OtherInstance {
        /// Its id.
        instance: Box<str>,
    },
    /// No recording of the record is in a Kinesis video stream.
    NoKvsRecording,
    /// All attributes carry this recording's URLs, and its verdict covers the record, or is
    /// gone.
    AlreadyRecorded,
    /// `recordingAuth` is not 1, 2 or 3, and the attributes name recordings of this contact:
    /// they were made before consent was withdrawn.
    Withdrawn,
    /// The same batch holds a newer version of the contact, which decides.
    Superseded,
    /// The contact's recordings were deleted for good, and nothing brings them back.
    Forgotten,
    /// Somebody set an attribute to a value that is not ours.
    AttributeNotOurs {
        /// The attribute.
        attribute: &'static str,
        /// What the URLs of ours start with: those of another domain are none.
        ours: String,
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
                let value = shown_auth(auth);
                write!(
                    f,
                    "{RECORDING_AUTH}{value} authorises nothing (1, 2 or 3 do)"
                )
            }
            Self::NotAuthorised { auth: None } => write!(f, "{RECORDING_AUTH} not set"),
            Self::OtherInstance { instance } => {
                write!(f, "Connect instance {instance}, which is not served here")
            }
            Self::NoKvsRecording => f.write_str("no recording in a Kinesis video stream"),
            Self::AlreadyRecorded => f.write_str("already recorded"),
            Self::Withdrawn => write!(
                f,
                "{RECORDING_AUTH} authorises nothing any more, and there are recordings from before"
            ),
            Self::Superseded => {
                f.write_str("a newer version of the contact in the same batch decides")
            }
            Self::Forgotten => f.write_str("its recordings were deleted by `callreel forget`"),
            Self::AttributeNotOurs { attribute, ours } => write!(
                f,
                "{attribute} holds a value that Callreel did not write (URLs of ours start with {ours})"
            ),
            Self::NotLocated { missing } => {
                write!(f, "the record does not say where the audio is: {missing}")
            }
        }
    }
}

impl SkipReason {
    /// Whether the contact may be recorded and somebody's attribute keeps it from being.
    pub const fn is_forbidden(&self) -> bool {
        matches!(self, Self::AttributeNotOurs { .. })
    }
}

/// What a value that authorises nothing is, in words that hold nothing of it: anything can
/// stand there, a card number too.
fn shown_auth(auth: &str) -> String {
    match auth.trim() {
        // The flow's no.
        "0" => " \"0\"".to_owned(),
        "" => " \"\"".to_owned(),
        "true" => " true, which does not say which side,".to_owned(),
        "false" => " false".to_owned(),
        text => {
            let value = match text.as_bytes().first() {
                Some(b'[') => "a list",
                Some(b'{') => "an object",
                _ => "another value",
            };
            format!(": {value} ({} bytes)", auth.len())
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
    if let Some(instance) = &record.instance
        && !policy.serves(instance)
    {
        let instance = instance.clone();
        return Err(SkipReason::OtherInstance { instance });
    }
    if record.channel.as_deref() != Some("VOICE") {
        return Err(SkipReason::NotVoice {
            channel: record.channel.clone(),
        });
    }
    let entries: Vec<_> = record
        .recordings
        .iter()
        .filter(|entry| entry.storage.as_deref() == Some(KVS) || entry.odd.is_some())
        .collect();
    if entries.is_empty() {
        return Err(SkipReason::NoKvsRecording);
    }
    let authorisation =
        authorisation(&record.attributes).map_err(|reason| {
            match names_recordings(record, policy) {
                true => SkipReason::Withdrawn,
                false => reason,
            }
        })?;
    let siblings: Vec<_> = entries
        .iter()
        .filter_map(|entry| recording_id(record, entry))
        .collect();
    let mut located: Vec<Result<RecordingPlan, SkipReason>> = Vec::new();
    for entry in entries {
        let plan = locate(record, entry, authorisation, policy).and_then(|plan| {
            let mut known = located.iter_mut().flatten();
            match known.find(|known| known.id.start == plan.id.start) {
                Some(known) => known.widen(&plan).map(|()| None),
                None => Ok(Some(plan)),
            }
        });
        located.extend(plan.transpose());
    }
    let decisions = located.into_iter().map(|plan| {
        match plan.and_then(|plan| not_refused(record, plan, policy, &siblings)) {
            Ok(plan) => Decision::Record(Box::new(plan)),
            Err(reason) => Decision::Skip(reason),
        }
    });
    Ok(decisions.collect())
}

/// What a contact's attributes authorise.
pub(crate) fn authorisation(
    attributes: &BTreeMap<String, String>,
) -> Result<Authorisation, SkipReason> {
    let auth = attributes.get(RECORDING_AUTH);
    auth.and_then(|auth| Authorisation::from_attribute(auth))
        .ok_or_else(|| SkipReason::NotAuthorised {
            auth: auth.map(|auth| auth.as_str().into()),
        })
}

/// Whether the attributes hold a URL of ours for this very contact.
fn names_recordings(record: &ContactRecord, policy: &Policy) -> bool {
    policy.all_carriers().any(|carrier| {
        let value = record.attributes.get(carrier.attribute);
        value.is_some_and(|value| attributes::names_contact(value, &carrier.ours, &record.contact))
    })
}

impl RecordingPlan {
    /// Takes what another entry of the same recording says: a record can list one twice, and
    /// the wider range is the recording.
    fn widen(&mut self, other: &Self) -> Result<(), SkipReason> {
        if self.stream != other.stream {
            return Err(not_located(
                "two of its recordings with one start are on different streams",
            ));
        }
        let (range, stop) = (&mut self.claim.range, other.claim.range.stop);
        range.stop = range.stop.zip(stop).map(|(one, other)| one.max(other));
        let times = &mut self.times;
        times.started = times
            .started
            .zip(other.times.started)
            .map(|(one, other)| one.min(other));
        times.stopped = times
            .stopped
            .zip(other.times.stopped)
            .map(|(one, other)| one.max(other));
        Ok(())
    }
}

fn not_located(missing: impl Into<String>) -> SkipReason {
    SkipReason::NotLocated {
        missing: missing.into(),
    }
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
    if let Some(odd) = entry.odd {
        return Err(not_located(format!("an entry of Recordings is {odd}")));
    }
    if let Some(bad) = &entry.bad_number {
        return Err(not_located(bad_number(bad)));
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
        record.next_contact.as_ref(),
    ];
    Ok(RecordingPlan {
        keys: id.keys(&policy.key_prefix),
        id,
        has_siblings: has_siblings(record),
        initial_contact: record
            .initial_contact
            .clone()
            .unwrap_or_else(|| record.contact.clone()),
        previous_contact: record.previous_contact.clone(),
        next_contact: record.next_contact.clone(),
        parties: parties(record),
        instance: record.instance.clone(),
        stream: entry
            .location
            .clone()
            .ok_or_else(|| not_located("no Location"))?,
        claim: Claim {
            range,
            contacts: named.into_iter().flatten().cloned().collect(),
        },
        times: Times {
            started: entry.started,
            stopped: entry.stopped,
        },
        authorisation,
        tags: Vec::new(),
        urls: Urls::Lacking,
        consent: Consent::AsRead,
    })
}

/// Characters of a name or a number that a verdict has at the most.
const MAX_TOLD_CHARS: usize = 256;

/// Who the call was with, as the record says.
fn parties(record: &ContactRecord) -> Parties {
    let text = |text: &Option<Box<str>>| {
        let text = text.as_deref()?;
        Some(text.chars().take(MAX_TOLD_CHARS).collect())
    };
    Parties {
        customer: text(&record.customer),
        system: text(&record.system),
        queue: text(&record.queue.name),
        queue_id: text(&record.queue.id),
        agent: text(&record.agent.name),
        agent_id: text(&record.agent.id),
        initiation_method: text(&record.initiation_method),
    }
}

fn bad_number(bad: &str) -> String {
    /// Beyond it a float has no room for the last digits: 2^53.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = bad.parse::<f64>().unwrap_or_default();
    match bad.parse::<FragmentNumber>() {
        Err(error @ FragmentNumberError::TooLong(_)) => format!("fragment number {bad:?}: {error}"),
        _ if float >= EXACT && bad.contains(['.', 'e', 'E']) => format!(
            "fragment number {bad} went through a floating-point number and lost its digits"
        ),
        _ => format!("fragment number {bad:?} is not decimal digits"),
    }
}

/// Whether a contact's record tells of others that share its attributes.
fn has_siblings(record: &ContactRecord) -> bool {
    let others = [
        &record.initial_contact,
        &record.previous_contact,
        &record.next_contact,
    ];
    let mut others = others.into_iter().flatten();
    let of_kvs = |entry: &&RecordingEntry| entry.storage.as_deref() == Some(KVS);
    others.any(|other| *other != record.contact)
        || record.recordings.iter().filter(of_kvs).count() > 1
}

/// The plan with what the attributes say of its URLs, unless they say that it is not to be done.
fn not_refused(
    record: &ContactRecord,
    plan: RecordingPlan,
    policy: &Policy,
    siblings: &[RecordingId],
) -> Result<RecordingPlan, SkipReason> {
    let mut urls = Urls::OnContact;
    for Carrier {
        attribute, ours, ..
    } in policy.carriers(plan.authorisation)
    {
        let value = record.attributes.get(attribute).map(String::as_str);
        match attributes::held(value, &ours, &plan.id, siblings) {
            Held::NotOurs => return Err(SkipReason::AttributeNotOurs { attribute, ours }),
            Held::This => {}
            Held::Nothing | Held::Others => urls = Urls::Lacking,
        }
    }
    Ok(RecordingPlan { urls, ..plan })
}

#[cfg(test)]
mod tests;
