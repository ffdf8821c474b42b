//! Stream records before any work: what is to be recorded of each, and what has none. Where
//! a batch holds a contact several times and they authorise different things, the newest
//! version decides: `recordingAuth` can be taken back, and Connect writes a new version of
//! the record then. What panics in here fails the record that it is about, and none beside it.

use std::collections::BTreeMap;

use super::outcome::Worked;
use super::wall::walled;
use crate::connect::record::{
    ContactRecord, Limits, NotAContactRecord, RecordingEntry, read_contact_records_within,
};
use crate::event::batch::BatchRecord;
use crate::media::ticks::EpochMillis;
use crate::recording::attributes::RECORDING_AUTH;
use crate::recording::decide::{Decision, SkipReason, decide};
use crate::recording::plan::{Policy, RecordingPlan};

/// One part of a stream record before any work: ended already, or a recording to make.
#[derive(Debug)]
pub enum Part {
    /// There is nothing to record.
    Ended(Worked),
    /// A recording to make.
    Open(Box<RecordingPlan>),
}

/// Reads a stream record and decides on each part of it; there is at least one.
pub fn open_record(record: &BatchRecord, policy: &Policy) -> Vec<Part> {
    open_batch(std::slice::from_ref(record), policy, Limits::NONE)
        .into_iter()
        .flatten()
        .collect()
}

/// Reads the records of a batch, not more of each than so much, and decides on each part of
/// them: as many lists as records, and none is empty.
pub fn open_batch(records: &[BatchRecord], policy: &Policy, limits: Limits) -> Vec<Vec<Part>> {
    open_each(
        records,
        |data| read_contact_records_within(data, limits),
        |contact| decide(contact, policy),
    )
}

/// What a stream record's data was read to.
type Contacts = Vec<Result<ContactRecord, NotAContactRecord>>;

/// The same by this way to read data and to decide on what is read.
fn open_each(
    records: &[BatchRecord],
    read: impl Fn(&[u8]) -> Contacts,
    decide: impl Fn(&ContactRecord) -> Vec<Decision>,
) -> Vec<Vec<Part>> {
    let read = records.iter().map(|record| match &record.data {
        Ok(data) => walled("the record", || read(data)).map_err(|failure| Worked::NotOpened {
            contact: None,
            failure,
        }),
        Err(error) => Err(Worked::Undecodable(error.to_string())),
    });
    let read: Vec<Result<Contacts, Worked>> = read.collect();
    let newest = Newest::of(&read);
    let mut opened = Vec::new();
    for (at, contacts) in read.iter().enumerate() {
        let contacts = contacts.iter().flatten().enumerate();
        let parts = contacts.flat_map(|(part, contact)| match contact {
            Err(error) => vec![Part::Ended(Worked::NotAContactRecord(error.clone()))],
            Ok(contact) => open_contact(contact, newest.than(contact, (at, part)), &decide),
        });
        opened.push(parts.collect::<Vec<_>>());
    }
    for (parts, read) in opened.iter_mut().zip(read) {
        parts.extend(read.err().map(Part::Ended));
    }
    opened
}

/// Decides on a contact record, of which the batch can hold a newer version.
fn open_contact(
    contact: &ContactRecord,
    newer: Option<&ContactRecord>,
    decide: impl Fn(&ContactRecord) -> Vec<Decision>,
) -> Vec<Part> {
    let decided = walled(&format!("contact {}", contact.contact), || {
        // What authorises the same is worked as it came: its versions find each other's verdict.
        let auth = |record: &ContactRecord| record.attributes.get(RECORDING_AUTH).cloned();
        match newer.filter(|newer| auth(newer) != auth(contact)) {
            None => decide(contact),
            Some(newer) => match named_here_alone(contact, newer) {
                None => vec![Decision::Skip(SkipReason::Superseded)],
                Some(left) => decide(&left),
            },
        }
    });
    let contact = contact.contact.clone();
    match decided {
        Ok(decisions) => decisions
            .into_iter()
            .map(|decision| match decision {
                Decision::Record(plan) => Part::Open(plan),
                Decision::Skip(reason) => Part::Ended(Worked::Skipped {
                    contact: contact.clone(),
                    reason,
                }),
            })
            .collect(),
        Err(failure) => vec![Part::Ended(Worked::NotOpened {
            contact: Some(contact),
            failure,
        })],
    }
}

/// The recordings that an older version of a contact names and the newer one does not, under
/// the newer one's attributes: none is lost, and none is made by what was taken back.
fn named_here_alone(older: &ContactRecord, newer: &ContactRecord) -> Option<ContactRecord> {
    let names = |entry: &RecordingEntry| (entry.start_fragment, entry.started);
    let is_lost = |entry: &&RecordingEntry| {
        let mut others = newer.recordings.iter();
        !others.any(|other| names(other) == names(entry) || *other == **entry)
    };
    let recordings: Vec<_> = older.recordings.iter().filter(is_lost).cloned().collect();
    let mut attributes = older.attributes.clone();
    attributes.remove(RECORDING_AUTH);
    attributes.extend(newer.attributes.clone());
    (!recordings.is_empty()).then(|| ContactRecord {
        attributes,
        recordings,
        ..older.clone()
    })
}

/// The newest version of each contact in a batch.
struct Newest<'a>(BTreeMap<&'a str, Version<'a>>);

struct Version<'a> {
    contact: &'a ContactRecord,
    /// Record and part.
    place: (usize, usize),
    /// The latest `LastUpdateTimestamp` up to here.
    updated: Option<EpochMillis>,
}

impl<'a> Newest<'a> {
    /// Of two versions the one with the later `LastUpdateTimestamp`; where they are equal, or
    /// one has none, the later in the batch.
    fn of(read: &'a [Result<Contacts, Worked>]) -> Self {
        let mut newest: BTreeMap<&str, Version<'_>> = BTreeMap::new();
        for (at, contacts) in read.iter().enumerate() {
            for (part, contact) in contacts.iter().flatten().enumerate() {
                let Ok(contact) = contact else { continue };
                let known = newest.get(&*contact.contact);
                let latest = known.and_then(|known| known.updated);
                if contact.updated.is_some() && contact.updated < latest {
                    continue;
                }
                let version = Version {
                    contact,
                    place: (at, part),
                    updated: latest.max(contact.updated),
                };
                newest.insert(&contact.contact, version);
            }
        }
        Self(newest)
    }

    /// The version that is newer than this one.
    fn than(&self, contact: &ContactRecord, place: (usize, usize)) -> Option<&'a ContactRecord> {
        let newest = self.0.get(&*contact.contact)?;
        (newest.place != place).then_some(newest.contact)
    }
}

#[cfg(test)]
mod tests;
