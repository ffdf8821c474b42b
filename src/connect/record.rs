//! The data of a stream record, to the contact records (CTR) in it and what a recorder needs
//! of them: one as a rule, but several behind each other, in a list, or packed by the
//! Kinesis Producer Library are read as well.
//!
//! Tolerant: nearly every field may be null, unknown ones may appear, broken characters
//! harm nothing but the text that they are in ([`json`](crate::json)). Nothing is guessed: where
//! an id, a number or a place cannot be told for certain, the record is named as
//! [`NotAContactRecord::Unreadable`], which only a person can help on. JSON of other shapes
//! is told apart from that.
//!
//! Shape: Amazon Connect Administrator Guide, "Contact records data model".

mod fields;
mod reading;

use std::collections::BTreeMap;
use std::fmt;

use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;

/// What a contact record says of a call and its recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactRecord {
    /// `ContactId`: this contact, which may be one leg of a call.
    pub contact: Box<str>,
    /// `InitialContactId`: the first leg, whose attributes all legs share.
    pub initial_contact: Option<Box<str>>,
    /// `PreviousContactId`: the leg before this one.
    pub previous_contact: Option<Box<str>>,
    /// `NextContactId`: the leg behind this one.
    pub next_contact: Option<Box<str>>,
    /// The id in `InstanceARN`.
    pub instance: Option<Box<str>>,
    /// `InitiationMethod`: `INBOUND`, `OUTBOUND`, `TRANSFER` …
    pub initiation_method: Option<Box<str>>,
    /// `SystemEndpoint.Address`: what was called.
    pub system: Option<Box<str>>,
    /// `Queue`: the last part of `ARN`, and `Name`.
    pub queue: Named,
    /// `Agent`: the last part of `ARN`, and `Username`.
    pub agent: Named,
    /// `Channel`: `VOICE`, `CHAT`, `TASK` …
    pub channel: Option<Box<str>>,
    /// `LastUpdateTimestamp`: of two versions of a contact, the newer one has the later.
    pub updated: Option<EpochMillis>,
    /// `InitiationTimestamp`.
    pub initiated: Option<EpochMillis>,
    /// `DisconnectTimestamp`: the contact is over.
    pub ended: Option<EpochMillis>,
    /// Whether `Agent` says anything: an agent took the contact.
    pub has_agent: bool,
    /// `Queue.ARN`: where it waited last.
    pub queue_arn: Option<Box<str>>,
    /// `CustomerEndpoint.Address`: who called.
    pub customer: Option<Box<str>>,
    /// `Attributes`, of all legs together. What is no text stands here as its JSON.
    pub attributes: BTreeMap<String, String>,
    /// `Recordings`, in the record's order; one that stands there by itself counts as a list
    /// of one.
    pub recordings: Vec<RecordingEntry>,
}

/// Something of the Connect instance, by its id and its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: Option<Box<str>>,
    /// What people call it.
    pub name: Option<Box<str>>,
}

/// The `StorageType` of a recording that streamed to KVS: one of ours.
pub const KVS: &str = "KINESIS_VIDEO_STREAM";

/// One entry of `Recordings`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingEntry {
    /// `StorageType`; [`KVS`] is ours to record.
    pub storage: Option<Box<str>>,
    /// `ParticipantType`, such as `CUSTOMER` or `IVR`.
    pub participant: Option<Box<str>>,
    /// `Location`: the stream's ARN; of a recording in S3, `BUCKET/KEY`.
    pub location: Option<Box<str>>,
    /// `FragmentStartNumber`.
    pub start_fragment: Option<FragmentNumber>,
    /// `FragmentStopNumber`; its fragment belongs to the recording.
    pub stop_fragment: Option<FragmentNumber>,
    /// `StartTimestamp`, in whole seconds.
    pub started: Option<EpochMillis>,
    /// `StopTimestamp`, in whole seconds: the stop fragment can lie behind it.
    pub stopped: Option<EpochMillis>,
    /// A fragment number that is none, as it stands in the record.
    pub bad_number: Option<Box<str>>,
    /// What the entry is, if it is no object: all else is absent then.
    pub odd: Option<&'static str>,
}

/// How much of one stream record is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Contact records at the most.
    pub contact_records: usize,
    /// Entries of their `Recordings` at the most, of all together.
    pub recordings: usize,
}

impl Limits {
    /// What one invocation works on. Connect's contact records have two kilobytes and more,
    /// and Kinesis takes a mebibyte: beyond this it is no stream record of Connect's.
    pub const OF_AN_INVOCATION: Self = Self {
        contact_records: 500,
        recordings: 2_000,
    };
    /// All that there is, for people with time and memory.
    pub const NONE: Self = Self {
        contact_records: usize::MAX,
        recordings: usize::MAX,
    };
}

/// What data holds beside contact records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAContactRecord {
    /// JSON that is no contact record: agent events, or strangers.
    #[error("no contact record: {0}")]
    OtherShape(LeftOut),
    /// What cannot be read: only a person can tell what it was.
    #[error("{0}")]
    Unreadable(LeftOut),
}

/// Items of one stream record that are left out for the same reason, told in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What the first one is, or why it cannot be read.
    pub first: String,
    /// How many there are.
    pub count: usize,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => f.write_str(&self.first),
            more => write!(f, "{} (the first of {more})", self.first),
        }
    }
}

/// Reads the contact records in one stream record's data, and behind them what else there
/// is, each kind once. There is at least one result.
pub fn read_contact_records(data: &[u8]) -> Vec<Result<ContactRecord, NotAContactRecord>> {
    read_contact_records_within(data, Limits::NONE)
}

/// The same, and not more than so much: what lies beyond counts as unreadable.
pub fn read_contact_records_within(
    data: &[u8],
    limits: Limits,
) -> Vec<Result<ContactRecord, NotAContactRecord>> {
    reading::read(data, limits)
}

#[cfg(test)]
mod tests;
