//! What is noted of a call while it runs: who called whom, and where the audio goes. A note
//! is one object of JSON with the eight fields that answering machines of this kind have
//! always written, and some of ours; those of older ones are read as well.
//!
//! It lies under two keys: `{prefix}YYYY/MM/DD/HH-MM-SS_{contact}.json`, by which people and
//! `reconcile` find it, and `{prefix}by-contact/{contact}.json`, by which a contact event
//! finds it, across midnight and however many others there are.

mod name;

use std::collections::BTreeMap;

use serde_json::json;

pub use name::{NoteName, UtcOffset, by_contact, folders, is_of_contact};

use crate::connect::flow_call::{FlowCall, Streamed};
use crate::json::object::Object;
use crate::media::ticks::EpochMillis;

/// Stands for a caller whose number is withheld.
pub const ANONYMOUS: &str = "anonymous";
/// Further notes that a contact's first one names at the most.
pub const MAX_OTHERS: usize = 16;

/// What is known of a call while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The contact.
    pub contact: Box<str>,
    /// The first leg, as far as it is known.
    pub initial_contact: Option<Box<str>>,
    /// The leg before this one, as far as it is known.
    pub previous_contact: Option<Box<str>>,
    /// The Connect instance's id.
    pub instance: Option<Box<str>>,
    /// The Connect instance's ARN.
    pub instance_arn: Option<Box<str>>,
    /// The queue's ARN.
    pub queue_arn: Option<Box<str>>,
    /// The caller's number or address, or [`ANONYMOUS`].
    pub customer: Box<str>,
    /// The number or address that was called.
    pub system: Option<Box<str>>,
    /// Where the audio goes; unknown when the flow called before streaming began.
    pub streamed: Option<Streamed>,
    /// When the flow called; older notes do not say.
    pub received: Option<EpochMillis>,
    /// What it is called, and so the message.
    pub name: NoteName,
    /// The names of the contact's further notes: a flow that streams twice leaves two
    /// messages. The one that is found by the contact alone says so.
    pub others: Vec<NoteName>,
}

/// Why an object is no note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no note of a call: {0}")]
pub struct NotANote(String);

/// What a call of the flow adds to the note that there is of its contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// Nothing: the flow called again, as it does when no answer came in time.
    Repeat,
    /// This note takes its place, under its name: more is known now.
    Completes(Box<Note>),
    /// It is of another message of the same contact.
    Another,
}

impl Note {
    /// The note of a flow's call that came at this time.
    pub fn of_call(call: FlowCall, received: EpochMillis, offset: UtcOffset) -> Self {
        Self {
            name: NoteName::at(received, offset, &call.contact),
            contact: call.contact,
            initial_contact: call.initial_contact,
            previous_contact: call.previous_contact,
            instance: call.instance,
            instance_arn: call.instance_arn,
            queue_arn: call.queue_arn,
            customer: call.customer.unwrap_or_else(|| ANONYMOUS.into()),
            system: call.system,
            streamed: call.streamed,
            received: Some(received),
            others: Vec::new(),
        }
    }

    /// What a note's name alone says, for one that cannot be read.
    pub fn of_name(name: &NoteName) -> Self {
        Self {
            contact: name.contact().into(),
            initial_contact: None,
            previous_contact: None,
            instance: None,
            instance_arn: None,
            queue_arn: None,
            customer: ANONYMOUS.into(),
            system: None,
            streamed: None,
            received: None,
            name: name.clone(),
            others: Vec::new(),
        }
    }

    /// Reads a note that was found under its dated key, or by its contact.
    pub fn from_json(json: &[u8], found_as: Option<&NoteName>) -> Result<Self, NotANote> {
        let note = Object::read(json).map_err(|error| NotANote(error.to_string()))?;
        let received = note.time("receivedAt");
        let contact = match (note.id("contactId").map_err(NotANote)?, found_as) {
            (Some(contact), _) => contact,
            (None, Some(name)) => name.contact().into(),
            (None, None) => return Err(NotANote("it has no contactId".to_owned())),
        };
        let own = note
            .text("name")
            .and_then(|name| NoteName::parse(&name))
            .filter(|name| name.is_of(&contact));
        let name = match (found_as, own, received) {
            (Some(found), _, _) => found.clone(),
            (None, Some(own), _) => own,
            (None, None, Some(received)) => NoteName::at(received, UtcOffset::UTC, &contact),
            (None, None, None) => {
                return Err(NotANote("it has neither name nor receivedAt".to_owned()));
            }
        };
        let other = |name| note.id(name).ok().flatten();
        let others = note.list("others").into_iter();
        let others = others.filter_map(|text| serde_json::from_str::<String>(text.get()).ok());
        let others = others.filter_map(|text| NoteName::parse(&text));
        let others = others.filter(|it| it.is_of(&contact) && *it != name);
        Ok(Self {
            others: others.take(MAX_OTHERS).collect(),
            contact,
            initial_contact: other("initialContactId"),
            previous_contact: other("previousContactId"),
            instance: note.text("instanceId"),
            instance_arn: note.text("instanceArn"),
            queue_arn: note.text("queueArn"),
            customer: note
                .text("customerEndpoint")
                .unwrap_or_else(|| ANONYMOUS.into()),
            system: note.text("systemEndpoint"),
            streamed: Streamed::read(&note),
            received,
            name,
        })
    }

    /// The note as JSON, the same under both keys, but for `others`, which the one that is
    /// found by its contact has when there are any. What is not known of the eight fields is an
    /// empty text there, and null elsewhere.
    pub fn to_json(&self) -> Vec<u8> {
        let streamed = self.streamed.as_ref();
        let time = |time: Option<EpochMillis>| time.map(|time| time.0.to_string());
        let mut note = json!({
            "contactId": self.contact,
            "customerEndpoint": self.customer,
            "systemEndpoint": self.system.as_deref().unwrap_or_default(),
            "streamARN": streamed.map_or("", |streamed| &*streamed.stream),
            "startFragmentNumber": text(streamed.and_then(|it| it.start_fragment)),
            "startTimestamp": time(streamed.and_then(|it| it.started)).unwrap_or_default(),
            "stopFragmentNumber": text(streamed.and_then(|it| it.stop_fragment)),
            "stopTimestamp": time(streamed.and_then(|it| it.stopped)).unwrap_or_default(),
            "initialContactId": self.initial_contact,
            "previousContactId": self.previous_contact,
            "instanceId": self.instance,
            "instanceArn": self.instance_arn,
            "queueArn": self.queue_arn,
            "receivedAt": self.received.map(EpochMillis::to_rfc3339),
            "streamKnown": streamed.is_some(),
            "name": self.name.to_string(),
        });
        if !self.others.is_empty() {
            let others = self.others.iter().map(ToString::to_string);
            note["others"] = others.collect();
        }
        format!("{note:#}\n").into_bytes()
    }

    /// The note with one more of the same contact beside it, as far as it has room.
    pub fn followed_by(mut self, other: &NoteName) -> Self {
        let is_known = self.name == *other || self.others.contains(other);
        if !is_known && self.others.len() < MAX_OTHERS {
            self.others.push(other.clone());
        }
        self
    }

    /// What another call of the flow for the same contact adds to this note.
    pub fn meet(&self, new: Self) -> Meeting {
        match (&self.streamed, &new.streamed) {
            (_, None) => Meeting::Repeat,
            (None, Some(_)) => Meeting::Completes(Box::new(Self {
                name: self.name.clone(),
                received: self.received.or(new.received),
                others: self.others.clone(),
                ..new
            })),
            (Some(known), Some(told)) if known.begins_as(told) => Meeting::Repeat,
            (Some(_), Some(_)) => Meeting::Another,
        }
    }

    /// What the flow gets back: a flat map of texts, as a block with the response type STRING_MAP
    /// takes it. Keys are plain words. The administrator guide once named letters, digits, `-` and `_`
    /// for values; published flows read times with colons in them so, and no flow here needs `note`.
    pub fn answer(&self, key: &str) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("contactId", self.contact.to_string()),
            ("note", key.to_owned()),
            ("streamKnown", self.streamed.is_some().to_string()),
        ])
    }
}

impl Streamed {
    /// Whether both are of one streaming: it can have been stopped meanwhile.
    fn begins_as(&self, other: &Self) -> bool {
        let begin = |it: &Self| (it.stream.clone(), it.start_fragment, it.started);
        begin(self) == begin(other)
    }
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
