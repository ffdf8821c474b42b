//! The fields of one contact record: what each says for certain, absent, or what is wrong
//! with it. Numbers are taken as they are written: 47 digits survive no float.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{ContactRecord, Named, RecordingEntry};
use crate::connect::arn;
use crate::json::LOST;
use crate::json::object::kind;
use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;

/// Characters of an id at the most, as Connect's API has it (ContactId).
const MAX_ID_CHARS: usize = 256;
/// Characters that are kept of a text that nothing hangs on.
const MAX_TOLD_CHARS: usize = 256;
/// Characters that are kept of a number that is none.
const MAX_TOLD: usize = 80;

/// An object's fields, each as it is written; of two with one name, the last.
pub(super) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// The fields of a value that is an object.
    pub(super) fn of(value: &'a RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok().map(Self)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether a field is absent, or null, or says nothing.
    pub(super) fn is_nothing(&self, name: &str) -> bool {
        let text = |value: &RawValue| serde_json::from_str::<String>(value.get()).ok();
        match self.value(name) {
            None => true,
            Some(value) => text(value).is_some_and(|text| text.trim().is_empty()),
        }
    }

    /// The contact record, with so many recordings at the most. The error says what is
    /// wrong with it.
    pub(super) fn contact_record(&self, most_recordings: usize) -> Result<ContactRecord, String> {
        Ok(ContactRecord {
            contact: self.id("ContactId")?.unwrap_or_default(),
            initial_contact: self.id("InitialContactId")?,
            previous_contact: self.id("PreviousContactId")?,
            next_contact: self.id("NextContactId")?,
            instance: self
                .text("InstanceARN")?
                .map(|arn| arn::instance_id(&arn).unwrap_or(arn::name(&arn)).into()),
            initiation_method: self.told("InitiationMethod"),
            system: self.text_within("SystemEndpoint", "Address"),
            queue: self.named("Queue", "Name"),
            agent: self.named("Agent", "Username"),
            channel: self.text("Channel")?,
            updated: self.time("LastUpdateTimestamp")?,
            initiated: self.time("InitiationTimestamp")?,
            ended: self.time("DisconnectTimestamp")?,
            has_agent: !self.is_nothing("Agent"),
            queue_arn: self.text_within("Queue", "ARN"),
            customer: self.text_within("CustomerEndpoint", "Address"),
            attributes: self.attributes()?,
            recordings: self.recordings(most_recordings)?,
        })
    }

    fn value(&self, name: &str) -> Option<&'a RawValue> {
        let value = self.0.get(name)?;
        (value.get() != "null").then_some(value)
    }

    /// A text that says something; empty counts as absent, and so does what is no text.
    fn text(&self, name: &str) -> Result<Option<Box<str>>, String> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let Ok(text) = serde_json::from_str::<String>(value.get()) else {
            return Ok(None);
        };
        match text.trim() {
            "" => Ok(None),
            text if text.contains(LOST) => {
                Err(format!("its {name} holds characters that cannot be read"))
            }
            text => Ok(Some(text.into())),
        }
    }

    /// A text that nothing hangs on: one that cannot be read whole is absent, and a long one
    /// is cut.
    fn told(&self, name: &str) -> Option<Box<str>> {
        let text = self.text(name).ok().flatten()?;
        Some(text.chars().take(MAX_TOLD_CHARS).collect())
    }

    fn inner(&self, name: &str) -> Option<Self> {
        self.value(name).and_then(Self::of)
    }

    fn named(&self, name: &str, its_name: &str) -> Named {
        let Some(fields) = self.inner(name) else {
            return Named::default();
        };
        let arn = fields.told("ARN");
        Named {
            id: arn.map(|arn| arn::name(&arn).into()),
            name: fields.told(its_name),
        }
    }

    /// A text of an object that may be null, or no object. It only adds to what is known: one
    /// that cannot be read is absent.
    fn text_within(&self, object: &str, name: &str) -> Option<Box<str>> {
        Self::of(self.value(object)?)?.text(name).ok().flatten()
    }

    /// An id decides whose audio is whose, so that one that is no text is not passed over.
    fn id(&self, name: &str) -> Result<Option<Box<str>>, String> {
        let id = self.text(name)?;
        match &id {
            None if !self.is_nothing(name) => Err(format!("its {name} is {}", self.kind(name))),
            Some(id) if id.chars().nth(MAX_ID_CHARS).is_some() => Err(format!(
                "its {name} is longer than {MAX_ID_CHARS} characters"
            )),
            _ => Ok(id),
        }
    }

    fn time(&self, name: &str) -> Result<Option<EpochMillis>, String> {
        let text = self.text(name)?;
        Ok(text.and_then(|text| EpochMillis::from_rfc3339(&text)))
    }

    fn kind(&self, name: &str) -> &'static str {
        self.value(name).map_or("absent", |value| kind(value))
    }

    fn attributes(&self) -> Result<BTreeMap<String, String>, String> {
        const NAME: &str = "Attributes";
        let Some(value) = self.value(NAME) else {
            return Ok(BTreeMap::new());
        };
        let Some(Fields(fields)) = Self::of(value) else {
            let list = serde_json::from_str::<Vec<&RawValue>>(value.get());
            return match self.is_nothing(NAME) || list.is_ok_and(|list| list.is_empty()) {
                true => Ok(BTreeMap::new()),
                false => Err(format!("its {NAME} is {}, not an object", self.kind(NAME))),
            };
        };
        let given = fields
            .into_iter()
            .filter(|(_, value)| value.get() != "null");
        Ok(given
            .map(|(name, value)| {
                let text = serde_json::from_str(value.get());
                (name, text.unwrap_or_else(|_| value.get().to_owned()))
            })
            .collect())
    }

    fn recordings(&self, most: usize) -> Result<Vec<RecordingEntry>, String> {
        const NAME: &str = "Recordings";
        let Some(value) = self.value(NAME) else {
            return Ok(Vec::new());
        };
        let entries = match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(entries) => entries,
            Err(_) if self.is_nothing(NAME) => Vec::new(),
            // A recording may stand there by itself, without a list.
            Err(_) if Self::of(value).is_some() => vec![value],
            Err(_) => return Err(format!("its {NAME} is {}, not a list", self.kind(NAME))),
        };
        if entries.len() > most {
            return Err(format!(
                "it has {} recordings, more than are worked at once: it waits for `callreel redrive`",
                entries.len()
            ));
        }
        let given = entries.into_iter().filter(|entry| entry.get() != "null");
        given.map(recording).collect()
    }

    /// A fragment number, in quotes or without; or what stands there in its place.
    fn number(&self, name: &str) -> Result<Option<FragmentNumber>, Box<str>> {
        let Some(value) = self.value(name).filter(|_| !self.is_nothing(name)) else {
            return Ok(None);
        };
        let text: String =
            serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
        let parsed = text.trim().parse().map(Some);
        parsed.map_err(|_| text.trim().chars().take(MAX_TOLD).collect())
    }
}

fn recording(entry: &RawValue) -> Result<RecordingEntry, String> {
    let Some(fields) = Fields::of(entry) else {
        return Ok(RecordingEntry {
            odd: Some(kind(entry)),
            ..RecordingEntry::default()
        });
    };
    let mut bad_number = None;
    let mut number = |name| {
        let number = fields.number(name);
        number.map_err(|bad| bad_number = Some(bad)).ok().flatten()
    };
    let start_fragment = number("FragmentStartNumber");
    let stop_fragment = number("FragmentStopNumber");
    Ok(RecordingEntry {
        storage: fields.text("StorageType")?,
        participant: fields.text("ParticipantType")?,
        location: fields.text("Location")?,
        start_fragment,
        stop_fragment,
        started: fields.time("StartTimestamp")?,
        stopped: fields.time("StopTimestamp")?,
        bad_number,
        odd: None,
    })
}
