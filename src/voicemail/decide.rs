//! From a note and the end of its call to the message that is to be made. Decided before any
//! media is read, and printable with its reason; nothing here looks at the world.

use std::fmt;

use crate::connect::contact_event::{ContactEvent, Happened};
use crate::connect::flow_call::Streamed;
use crate::connect::record::{KVS, RecordingEntry};
use crate::media::attribution::Claim;
use crate::media::fragment::{FragmentNumber, FragmentRange};
use crate::media::sides::{Authorisation, Consent};
use crate::media::ticks::EpochMillis;
use crate::recording::key::{RecordingId, RecordingStart};
use crate::recording::parties::Parties;
use crate::recording::plan::{RecordingPlan, Times, Urls};
use crate::voicemail::note::Note;
use crate::voicemail::target::{Target, tags};

/// A recording that began so long before its note was taken, in milliseconds, is the note's:
/// the flow calls just before the streaming or just behind its start, and clocks differ.
const NOTED_WITHIN: i64 = 60_000;

/// A voice contact that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// The contact.
    pub contact: Box<str>,
    /// Other ids that the call's media may carry: those of the legs before.
    pub before: Vec<Box<str>>,
    /// When it ended.
    pub ended: EpochMillis,
}

/// Why nothing is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The channel is not VOICE.
    NotVoice {
        /// What it is.
        channel: Box<str>,
    },
    /// The contact goes on.
    NotOver {
        /// What happened to it.
        happened: Happened,
    },
    /// Whoever asked for it by hand came too early: the caller is still there.
    StillSpoken,
    /// There is no note of the contact: it left no message.
    NoNote,
    /// The message was made before, or there was none.
    AlreadySaved,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotVoice { channel } => {
                let channel: String = channel.chars().take(40).collect();
                write!(f, "channel {}, not VOICE", channel.escape_debug())
            }
            Self::NotOver { happened } => {
                write!(f, "the contact goes on: event {happened}")
            }
            Self::StillSpoken => {
                f.write_str("the caller is still there: it is saved when the call is over")
            }
            Self::NoNote => f.write_str("no message: the contact has no note"),
            Self::AlreadySaved => f.write_str("already saved"),
        }
    }
}

/// What there is to do with a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make the message.
    Save(Box<Message>),
    /// The note knows no stream: ask Connect for the contact's recordings.
    AskContact,
    /// Connect knows none either, so far.
    NotStreamed,
}

/// One message that is to be made, of what the customer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which recording it is.
    pub id: RecordingId,
    /// The Connect instance's id.
    pub instance: Option<Box<str>>,
    /// The stream's ARN.
    pub stream: Box<str>,
    /// What proves that a fragment is this message's.
    pub claim: Claim,
    /// The first leg of the call.
    pub initial_contact: Box<str>,
    /// The leg before, as far as it is known.
    pub previous_contact: Option<Box<str>>,
    /// When it began, and when it was over at the latest.
    pub times: Times,
    /// Where its objects go.
    pub target: Target,
    /// The WAV's tags.
    pub tags: Vec<(String, String)>,
    /// Recordings of the contact that are on other streams, and in no message.
    pub elsewhere: usize,
}

impl Message {
    /// What the recorder is to make of it: what the customer says, and no URL on the contact.
    pub fn plan(&self) -> RecordingPlan {
        RecordingPlan {
            id: self.id.clone(),
            keys: self.target.keys(),
            initial_contact: self.initial_contact.clone(),
            previous_contact: self.previous_contact.clone(),
            next_contact: None,
            has_siblings: false,
            // The note knows them, and the tags of the file.
            parties: Parties::default(),
            instance: self.instance.clone(),
            stream: self.stream.clone(),
            claim: self.claim.clone(),
            times: self.times,
            // Whoever speaks behind the tone wants to be heard.
            authorisation: Authorisation::FromCustomer,
            consent: Consent::AsRead,
            tags: self.tags.clone(),
            urls: Urls::NotForContact,
        }
    }
}

/// The contact of an event, if it is over and has a voice. `now` stands in for the time of an
/// event that tells none.
pub fn over(event: &ContactEvent, now: EpochMillis) -> Result<Over, SkipReason> {
    // One without a channel may have a note: that tells.
    if let Some(channel) = event
        .channel
        .as_ref()
        .filter(|channel| &***channel != "VOICE")
    {
        let channel = channel.clone();
        return Err(SkipReason::NotVoice { channel });
    }
    if !event.happened.is_over() {
        let happened = event.happened.clone();
        return Err(SkipReason::NotOver { happened });
    }
    let before = [&event.initial_contact, &event.previous_contact];
    Ok(Over {
        contact: event.contact.clone(),
        before: before.into_iter().flatten().cloned().collect(),
        ended: event.ended().or(event.told).unwrap_or(now),
    })
}

/// Where the message behind this one begins, if it is on the same stream: what a caller says
/// there is none of this one's.
pub fn next_message(note: &Note, of_contact: &[Note]) -> Option<FragmentNumber> {
    let own = note.streamed.as_ref()?;
    let start = own.start_fragment?;
    let begins = of_contact.iter().filter_map(|other| {
        let other = other.streamed.as_ref()?;
        other.start_fragment.filter(|_| other.stream == own.stream)
    });
    begins.filter(|begin| *begin > start).min()
}

/// Decides on a note. `recordings` are those that Connect names of the contact, once it was
/// asked; `prefix` is what messages' keys start with.
pub fn decide(
    note: &Note,
    over: &Over,
    recordings: Option<&[RecordingEntry]>,
    prefix: &str,
) -> Decision {
    let located = match (&note.streamed, recordings) {
        (Some(streamed), _) => Some((streamed.clone(), 0)),
        (None, None) => return Decision::AskContact,
        (None, Some(recordings)) => locate(note, recordings),
    };
    match located {
        Some((streamed, elsewhere)) => {
            let message = message(note, over, streamed, prefix);
            Decision::Save(Box::new(Message {
                elsewhere,
                ..message
            }))
        }
        None => Decision::NotStreamed,
    }
}

/// The stream of a note that was taken before streaming: from the first recording that is
/// the note's to the last one on the same stream; and how many are on others.
fn locate(note: &Note, recordings: &[RecordingEntry]) -> Option<(Streamed, usize)> {
    let earliest = note
        .received
        .map(|received| received.0.saturating_sub(NOTED_WITHIN));
    let is_notes = |entry: &&RecordingEntry| {
        let before = |started: EpochMillis| earliest.is_some_and(|first| started.0 < first);
        entry.storage.as_deref() == Some(KVS) && !entry.started.is_some_and(before)
    };
    let mut own: Vec<_> = recordings.iter().filter(is_notes).collect();
    own.sort_by_key(|entry| (entry.started, entry.start_fragment));
    let first = *own.iter().find(|entry| entry.location.is_some())?;
    let stream = first.location.clone()?;
    let (on_it, elsewhere): (Vec<_>, Vec<_>) = own
        .into_iter()
        .partition(|entry| entry.location == first.location);
    // One without a stop goes on as far as anybody knows: `None` is behind any stop.
    let stop_fragments = on_it.iter().map(|entry| entry.stop_fragment);
    let stops = on_it.iter().map(|entry| entry.stopped);
    let streamed = Streamed {
        stream,
        start_fragment: first.start_fragment,
        started: first.started,
        stop_fragment: stop_fragments.reduce(last).flatten(),
        stopped: stops.reduce(last).flatten(),
    };
    Some((streamed, elsewhere.len()))
}

fn last<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.zip(other).map(|(one, other)| one.max(other))
}

fn message(note: &Note, over: &Over, streamed: Streamed, prefix: &str) -> Message {
    let named = [
        Some(&note.contact),
        note.initial_contact.as_ref(),
        note.previous_contact.as_ref(),
        Some(&over.contact),
    ];
    let mut contacts: Vec<Box<str>> = Vec::new();
    for id in named.into_iter().flatten().chain(&over.before) {
        if !contacts.contains(id) {
            contacts.push(id.clone());
        }
    }
    // A note that was taken behind the call's end does not tell of its start.
    let noted = note.received.filter(|noted| *noted <= over.ended);
    let began = streamed.started.or(noted);
    let start = streamed.start_fragment.map(RecordingStart::Fragment);
    let start = start.or(began.map(RecordingStart::Time));
    let ended = streamed
        .stopped
        .map_or(over.ended, |stopped| stopped.min(over.ended));
    // A stop that lies before the start is none.
    let stop = streamed.stop_fragment;
    let stop = stop.filter(|stop| streamed.start_fragment.is_none_or(|start| start <= *stop));
    Message {
        id: RecordingId {
            contact: note.contact.clone(),
            initiated: note.received.or(began),
            start: start.unwrap_or(RecordingStart::Time(over.ended)),
        },
        instance: note.instance.clone(),
        stream: streamed.stream.clone(),
        claim: Claim {
            range: FragmentRange {
                start: streamed.start_fragment,
                stop,
            },
            contacts,
        },
        initial_contact: note
            .initial_contact
            .clone()
            .unwrap_or_else(|| note.contact.clone()),
        previous_contact: note.previous_contact.clone(),
        times: Times {
            started: began,
            stopped: Some(began.map_or(ended, |began| began.max(ended))),
        },
        target: Target::of(&note.name, prefix),
        tags: tags(note, &streamed),
        elsewhere: 0,
    }
}

#[cfg(test)]
mod tests;
