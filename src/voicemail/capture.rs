//! From a contact record that a flow flagged to the message that is to be recorded. Decided
//! before any media is read, and printable with its reason: what the mapping's filter lets
//! through is looked at again here, since filters change.

use std::fmt;

use crate::connect::record::{ContactRecord, KVS, RecordingEntry};
use crate::media::attribution::Claim;
use crate::media::fragment::FragmentRange;
use crate::media::sides::{Authorisation, Consent};
use crate::media::ticks::EpochMillis;
use crate::recording::key::{RecordingId, RecordingStart};
use crate::recording::parties::Parties;
use crate::recording::plan::{RecordingPlan, Times, Urls};
use crate::voicemail::flagged::{self, Mode, first_value, value};
use crate::voicemail::ivr::IvrRecording;
use crate::voicemail::place::{Place, tag_value, tags};

/// What stands in for what a flow does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// What the recordings' keys start with.
    pub prefix: String,
    /// The language.
    pub language: String,
    /// How messages are delivered.
    pub mode: Mode,
    /// The queue's ARN for a message that names none and whose record has none.
    pub queue_arn: Option<Box<str>>,
    /// Whether a summary is made.
    pub summary: bool,
    /// The ids of the instances whose messages are taken; all are if there is none.
    pub instances: Vec<Box<str>>,
    /// The bucket of Connect's own recordings, if messages may be cut out of those of automated
    /// interactions.
    pub ivr_bucket: Option<Box<str>>,
}

/// What is to be done with a contact record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Record its message.
    Capture(Box<Voicemail>),
    /// Leave it, for this reason.
    Skip(SkipReason),
}

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// `vmx3_flag` is not `1`.
    NotFlagged,
    /// An agent took the call.
    TakenByAgent,
    /// The contact is of another instance.
    OtherInstance {
        /// Its id.
        instance: Box<str>,
    },
    /// No recording of the record is in a Kinesis video stream: a later copy can have one.
    NoKvsRecording,
}

impl SkipReason {
    /// Whether a message was meant, and cannot be had yet.
    pub const fn is_odd(&self) -> bool {
        matches!(self, Self::NoKvsRecording)
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFlagged => write!(f, "{} is not 1", flagged::FLAG),
            Self::TakenByAgent => f.write_str("an agent took the call"),
            Self::OtherInstance { instance } => {
                write!(f, "Connect instance {instance}, which is not served here")
            }
            Self::NoKvsRecording => f.write_str(
                "flagged, but no recording in a Kinesis video stream so far: a later copy of the contact record can name one",
            ),
        }
    }
}

/// One message that is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voicemail {
    /// The contact.
    pub contact: Box<str>,
    /// Where its objects lie.
    pub place: Place,
    /// The tags of its recording.
    pub tags: Vec<(String, String)>,
    /// When its call was over, or the message, as far as anybody knows.
    pub ended: Option<EpochMillis>,
    /// What is to be recorded, or why that cannot be told.
    pub plan: Result<Box<RecordingPlan>, String>,
    /// What it is cut out of, where nothing of it was streamed.
    pub ivr: Option<IvrRecording>,
    /// Recordings of the contact that are on other streams, and in no message.
    pub elsewhere: usize,
    /// What was odd in what the flow wrote, and has a default.
    pub oddities: Vec<String>,
}

/// Decides on a record.
pub fn decide(record: &ContactRecord, defaults: &Defaults) -> Decision {
    let skip = |reason| Decision::Skip(reason);
    if !flagged::is_flagged(&record.attributes) {
        return skip(SkipReason::NotFlagged);
    }
    if record.has_agent {
        return skip(SkipReason::TakenByAgent);
    }
    let serves = |instance: &str| {
        let mut served = defaults.instances.iter();
        defaults.instances.is_empty() || served.any(|served| **served == *instance)
    };
    if let Some(instance) = record.instance.clone().filter(|instance| !serves(instance)) {
        return skip(SkipReason::OtherInstance { instance });
    }
    let is_ours =
        |entry: &&RecordingEntry| entry.storage.as_deref() == Some(KVS) || entry.odd.is_some();
    let mut entries: Vec<_> = record.recordings.iter().filter(is_ours).collect();
    if entries.is_empty() {
        return match ivr_of(record, defaults) {
            Some((ivr, began)) => {
                Decision::Capture(Box::new(cut_message(record, ivr, began, defaults)))
            }
            None => skip(SkipReason::NoKvsRecording),
        };
    }
    entries.sort_by_key(|entry| (entry.started, entry.start_fragment));
    Decision::Capture(Box::new(voicemail(record, &entries, defaults)))
}

/// The recording of an automated interaction that a message is within, and when that began, as the
/// flow said. Only the bucket that is set is read: a record could name any.
fn ivr_of(
    record: &ContactRecord,
    defaults: &Defaults,
) -> Option<(IvrRecording, Option<EpochMillis>)> {
    let bucket = defaults.ivr_bucket.as_deref()?;
    let began = value(&record.attributes, flagged::TIMESTAMP).and_then(EpochMillis::from_rfc3339);
    let found = IvrRecording::of(&record.recordings, began)?;
    (*found.bucket == *bucket).then_some((found, began))
}

fn cut_message(
    record: &ContactRecord,
    ivr: IvrRecording,
    began: Option<EpochMillis>,
    defaults: &Defaults,
) -> Voicemail {
    let entry = record.recordings.iter().find_map(|entry| entry.started);
    let began = began.or(entry).or(record.initiated);
    let (tags, mut oddities) = tags_of(record, began, defaults);
    if ivr.skip_millis.is_none() {
        let name = flagged::TIMESTAMP;
        oddities.push(format!(
            "{name} says no time: all of the recording is taken"
        ));
    }
    Voicemail {
        contact: record.contact.clone(),
        place: Place::of(&record.contact, began, &defaults.prefix),
        tags,
        ended: record.ended.or(began),
        plan: Err("nothing of it was streamed".to_owned()),
        ivr: Some(ivr),
        elsewhere: 0,
        oddities,
    }
}

fn voicemail(
    record: &ContactRecord,
    entries: &[&RecordingEntry],
    defaults: &Defaults,
) -> Voicemail {
    // A message is the last thing that a caller streams.
    let stream = entries
        .iter()
        .rev()
        .find_map(|entry| entry.location.clone());
    let (own, elsewhere): (Vec<_>, Vec<_>) = entries
        .iter()
        .copied()
        .partition(|entry| entry.location == stream && entry.location.is_some());
    let began = own.iter().find_map(|entry| entry.started);
    let began = began.or(record.initiated);
    let place = Place::of(&record.contact, began, &defaults.prefix);
    let (tags, oddities) = tags_of(record, began, defaults);
    let stops = own.iter().map(|entry| entry.stopped);
    let stopped = stops.reduce(last).flatten();
    let plan = plan(record, &own, &place, tags.clone(), stopped);
    Voicemail {
        contact: record.contact.clone(),
        place,
        tags,
        ended: record.ended.or(stopped).or(began),
        plan: plan.map(Box::new),
        ivr: None,
        elsewhere: elsewhere.len(),
        oddities,
    }
}

/// One without a stop goes on as far as anybody knows: `None` is behind any stop.
fn last<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.zip(other).map(|(one, other)| one.max(other))
}

fn plan(
    record: &ContactRecord,
    own: &[&RecordingEntry],
    place: &Place,
    tags: Vec<(String, String)>,
    stopped: Option<EpochMillis>,
) -> Result<RecordingPlan, String> {
    let first = *own.first().ok_or("no entry of Recordings has a Location")?;
    let stream = first.location.clone().ok_or("no Location")?;
    if let Some(bad) = own.iter().find_map(|entry| entry.bad_number.as_ref()) {
        return Err(format!("fragment number {bad:?} is none"));
    }
    let start = first.start_fragment.map(RecordingStart::Fragment);
    let start = start
        .or(first.started.map(RecordingStart::Time))
        .ok_or("neither FragmentStartNumber nor StartTimestamp")?;
    let stops = own.iter().map(|entry| entry.stop_fragment);
    let stop = stops.reduce(last).flatten();
    // A stop that lies before the start is none.
    let stop = stop.filter(|stop| first.start_fragment.is_none_or(|start| start <= *stop));
    // The media of a later leg carries its own id, that of an earlier one its.
    let named = [
        Some(&record.contact),
        record.initial_contact.as_ref(),
        record.previous_contact.as_ref(),
    ];
    let mut contacts: Vec<Box<str>> = Vec::new();
    for id in named.into_iter().flatten() {
        if !contacts.contains(id) {
            contacts.push(id.clone());
        }
    }
    Ok(RecordingPlan {
        id: RecordingId {
            contact: record.contact.clone(),
            initiated: first.started.or(record.initiated),
            start,
        },
        keys: place.keys(),
        initial_contact: initial_of(record).into(),
        previous_contact: record.previous_contact.clone(),
        next_contact: None,
        has_siblings: false,
        // The contact and the tags of the file know them.
        parties: Parties::default(),
        instance: record.instance.clone(),
        stream,
        claim: Claim {
            range: FragmentRange {
                start: first.start_fragment,
                stop,
            },
            contacts,
        },
        times: Times {
            started: first.started,
            stopped: first
                .started
                .zip(stopped)
                .map_or(stopped, |(started, stopped)| Some(started.max(stopped))),
        },
        // Whoever speaks behind the tone wants to be heard.
        authorisation: Authorisation::FromCustomer,
        consent: Consent::AsRead,
        tags,
        urls: Urls::NotForContact,
    })
}

fn initial_of(record: &ContactRecord) -> &str {
    record.initial_contact.as_deref().unwrap_or(&record.contact)
}

/// The tags, nine of them; and what was odd.
fn tags_of(
    record: &ContactRecord,
    began: Option<EpochMillis>,
    defaults: &Defaults,
) -> (Vec<(String, String)>, Vec<String>) {
    let attributes = &record.attributes;
    let mut oddities = Vec::new();
    let mut odd =
        |name: &str, instead: &str| oddities.push(format!("{name} is odd: {instead} in its place"));
    let language = match value(attributes, flagged::LANGUAGE) {
        None => defaults.language.clone(),
        Some(text) => flagged::language(text).unwrap_or_else(|| {
            odd(flagged::LANGUAGE, &defaults.language);
            defaults.language.clone()
        }),
    };
    let mode = match value(attributes, flagged::MODE) {
        None => defaults.mode,
        Some(text) => Mode::from_name(text).unwrap_or_else(|| {
            odd(flagged::MODE, defaults.mode.name());
            defaults.mode
        }),
    };
    let queue = queue_of(record, defaults, &mut odd);
    let summary = match value(attributes, flagged::DO_SUMMARY) {
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        Some(_) | None => defaults.summary,
    };
    let from = value(attributes, flagged::FROM).or(record.customer.as_deref());
    let told = [
        (flagged::LANGUAGE, Some(&*language)),
        (flagged::QUEUE_ARN, queue),
        (tags::CONTACT, Some(&*record.contact)),
        (tags::INITIAL_CONTACT, Some(initial_of(record))),
        (
            tags::RECEIVED,
            began.map(EpochMillis::to_rfc3339).as_deref(),
        ),
        (flagged::MODE, Some(mode.name())),
        (flagged::TARGET, value(attributes, flagged::TARGET)),
        (
            flagged::DO_SUMMARY,
            Some(if summary { "true" } else { "false" }),
        ),
        (flagged::FROM, Some(from.unwrap_or(flagged::UNKNOWN_NUMBER))),
    ]
    .map(|(name, value)| Some((name.to_owned(), tag_value(value?))));
    (told.into_iter().flatten().collect(), oddities)
}

fn queue_of<'a>(
    record: &'a ContactRecord,
    defaults: &'a Defaults,
    odd: &mut impl FnMut(&str, &str),
) -> Option<&'a str> {
    let own = first_value(&record.attributes, &[flagged::QUEUE_ARN]);
    let is_queue = |arn: &&str| flagged::place(arn, &record.contact).is_ok();
    let instead = record.queue_arn.as_deref().filter(is_queue);
    let instead = instead.or(defaults.queue_arn.as_deref());
    match own {
        Some(own) if is_queue(&own) => Some(own),
        Some(_) => {
            odd(flagged::QUEUE_ARN, instead.unwrap_or("nothing"));
            instead
        }
        None => instead,
    }
}

#[cfg(test)]
mod tests;
