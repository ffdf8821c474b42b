//! Stream records before any work: what is to be recorded of each, and what has none. Where
//! a batch holds a contact several times and they authorise different things, the newest
//! version decides: `recordingAuth` can be taken back, and Connect writes a new version of
//! the record then.

use std::collections::BTreeMap;

use super::work::Worked;
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

/// What one stream record was read to.
type Read = Result<Vec<Result<ContactRecord, NotAContactRecord>>, String>;

/// Reads the records of a batch, not more of each than so much, and decides on each part of
/// them: as many lists as records, and none is empty.
pub fn open_batch(records: &[BatchRecord], policy: &Policy, limits: Limits) -> Vec<Vec<Part>> {
    let read = records.iter().map(|record| match &record.data {
        Ok(data) => Ok(read_contact_records_within(data, limits)),
        Err(error) => Err(error.to_string()),
    });
    let read: Vec<Read> = read.collect();
    let newest = Newest::of(&read);
    let read = read.iter().enumerate();
    read.map(|(at, read)| match read {
        Err(cause) => vec![Part::Ended(Worked::Undecodable(cause.clone()))],
        Ok(contacts) => {
            let parts = contacts
                .iter()
                .enumerate()
                .flat_map(|(part, contact)| match contact {
                    Err(error) => vec![Part::Ended(Worked::NotAContactRecord(error.clone()))],
                    Ok(contact) => open_contact(contact, newest.than(contact, (at, part)), policy),
                });
            parts.collect()
        }
    })
    .collect()
}

/// Decides on a contact record, of which the batch can hold a newer version.
fn open_contact(
    contact: &ContactRecord,
    newer: Option<&ContactRecord>,
    policy: &Policy,
) -> Vec<Part> {
    // What authorises the same is worked as it came: its versions find each other's verdict.
    let auth = |record: &ContactRecord| record.attributes.get(RECORDING_AUTH).cloned();
    let newer = newer.filter(|newer| auth(newer) != auth(contact));
    let decisions = match newer {
        None => decide(contact, policy),
        Some(newer) => match named_here_alone(contact, newer) {
            None => vec![Decision::Skip(SkipReason::Superseded)],
            Some(left) => decide(&left, policy),
        },
    };
    let decided = decisions.into_iter().map(|decision| match decision {
        Decision::Record(plan) => Part::Open(plan),
        Decision::Skip(reason) => Part::Ended(Worked::Skipped {
            contact: contact.contact.clone(),
            reason,
        }),
    });
    decided.collect()
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
    fn of(read: &'a [Read]) -> Self {
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
