//! What Connect itself says of contacts, for redriving those whose records are lost:
//! DescribeContact has the recordings with stream and fragments, as the contact record has
//! them (Amazon Connect API reference, RecordingInfo), and SearchContacts finds contacts
//! by time. Connect keeps contacts for 24 months.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_connect::types::{
    Channel, Contact, NextContactEntry, RecordingInfo, SearchContactsTimeRange,
    SearchContactsTimeRangeType, SearchCriteria,
};
use aws_smithy_types::DateTime;

use super::connect::connect_client;
use super::errors::{Call, failure};
use super::pace::Pace;
use crate::connect::record::{ContactRecord, RecordingEntry};
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{ContactDescription, ContactDescriptions};
use crate::recording::redrive::Period;

/// Connect's quota for each call that has none of its own: so many a second in the long
/// run … SearchContacts has less; the SDK's retries wait for it.
const CALLS_PER_SECOND: u32 = 2;
/// … and so many at once.
const BURST: u32 = 5;
/// Contacts of a page: the most that SearchContacts gives.
const PAGE: i32 = 100;
/// Days that are searched at once: narrow searches are answered sooner.
const DAYS: i64 = 7;

/// Contacts of Amazon Connect.
#[derive(Debug)]
pub struct ContactSearch {
    client: aws_sdk_connect::Client,
    describes: Pace,
    searches: Pace,
}

impl ContactSearch {
    /// Contacts over the shared configuration.
    pub fn new(shared: &SdkConfig) -> Self {
        Self {
            client: connect_client(shared),
            describes: Pace::new(CALLS_PER_SECOND, BURST),
            searches: Pace::new(1, 1),
        }
    }

    /// The ids of the instance's voice contacts that began in a period.
    pub async fn search(&self, instance: &str, period: Period) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        for piece in period.pieces(DAYS) {
            self.search_piece(instance, piece, &mut ids).await?;
        }
        Ok(ids)
    }

    async fn search_piece(
        &self,
        instance: &str,
        period: Period,
        ids: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let subject = || format!("contacts of instance {instance}");
        let range = SearchContactsTimeRange::builder()
            .r#type(SearchContactsTimeRangeType::InitiationTimestamp)
            .start_time(DateTime::from_millis(period.since.0))
            .end_time(DateTime::from_millis(period.until.0))
            .build()
            .map_err(|error| Failure::new(FailureKind::Refused, subject(), error))?;
        let voice = SearchCriteria::builder().channels(Channel::Voice).build();
        let mut token = None;
        loop {
            self.searches.take(1).await;
            let request = self.client.search_contacts().instance_id(instance);
            let page = request
                .time_range(range.clone())
                .search_criteria(voice.clone())
                .max_results(PAGE)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| failure(Call::SearchContacts, subject(), &error))?;
            ids.extend(page.contacts.into_iter().filter_map(|contact| contact.id));
            token = page.next_token;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// A contact as its contact record would tell it, but for its attributes, which are
    /// the first leg's: the caller adds them.
    pub async fn describe(&self, instance: &str, contact: &str) -> Result<ContactRecord, Failure> {
        let described = self.described(instance, contact).await?;
        Ok(record(instance, contact, described))
    }

    async fn described(&self, instance: &str, contact: &str) -> Result<Contact, Failure> {
        let subject = || format!("contact {contact} of instance {instance}");
        self.describes.take(1).await;
        let request = self.client.describe_contact().instance_id(instance);
        let described = request.contact_id(contact).send().await;
        let described =
            described.map_err(|error| failure(Call::DescribeContact, subject(), &error))?;
        described.contact.ok_or_else(|| {
            let cause = "DescribeContact gave no contact";
            Failure::new(FailureKind::ContactMissing, subject(), cause)
        })
    }
}

impl ContactDescriptions for ContactSearch {
    async fn describe(
        &self,
        instance: Option<&str>,
        contact: &str,
    ) -> Result<ContactDescription, Failure> {
        let Some(instance) = instance else {
            let subject = format!("contact {contact}");
            let cause = "neither its note nor its event names the instance";
            return Err(Failure::new(FailureKind::InstanceUnknown, subject, cause));
        };
        let described = self.described(instance, contact).await?;
        let ended = described.disconnect_timestamp.and_then(millis);
        let recordings = described.recordings.unwrap_or_default().into_iter();
        Ok(ContactDescription {
            ended,
            recordings: recordings.map(entry).collect(),
        })
    }
}

fn record(instance: &str, id: &str, contact: Contact) -> ContactRecord {
    ContactRecord {
        contact: id.into(),
        initial_contact: contact.initial_contact_id.as_deref().and_then(told),
        previous_contact: contact.previous_contact_id.as_deref().and_then(told),
        next_contact: contact.next_contacts().iter().find_map(next_contact),
        instance: Some(instance.into()),
        channel: contact.channel.map(|channel| channel.as_str().into()),
        updated: contact.last_update_timestamp.and_then(millis),
        initiated: contact.initiation_timestamp.and_then(millis),
        ended: contact.disconnect_timestamp.and_then(millis),
        has_agent: contact.agent_info.is_some(),
        queue_arn: None,
        customer: None,
        attributes: BTreeMap::new(),
        recordings: contact
            .recordings
            .unwrap_or_default()
            .into_iter()
            .map(entry)
            .collect(),
        ..ContactRecord::default()
    }
}

fn next_contact(next: &NextContactEntry) -> Option<Box<str>> {
    let data = next.next_contact_metadata()?;
    told(data.as_quick_connect_contact_data().ok()?.contact_id()?)
}

fn entry(recording: RecordingInfo) -> RecordingEntry {
    let mut bad_number = None;
    let mut number = |text: Option<String>| {
        let text = told(text.as_deref()?)?;
        text.parse().map_err(|_| bad_number = Some(text)).ok()
    };
    let start_fragment = number(recording.fragment_start_number);
    let stop_fragment = number(recording.fragment_stop_number);
    RecordingEntry {
        storage: recording
            .storage_type
            .map(|storage| storage.as_str().into()),
        participant: recording
            .participant_type
            .map(|participant| participant.as_str().into()),
        location: recording.location.as_deref().and_then(told),
        start_fragment,
        stop_fragment,
        started: recording.start_timestamp.and_then(millis),
        stopped: recording.stop_timestamp.and_then(millis),
        bad_number,
        odd: None,
    }
}

/// A text that says something; empty counts as absent, as in a contact record.
fn told(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.into())
}

fn millis(time: DateTime) -> Option<EpochMillis> {
    time.to_millis().ok().map(EpochMillis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_connect::types::{NextContactMetadata, QuickConnectContactData, StorageType};

    #[test]
    fn a_description_is_read_as_the_record_is() {
        let recording = RecordingInfo::builder()
            .storage_type(StorageType::KinesisVideoStream)
            .location("arn")
            .fragment_start_number("10")
            .fragment_stop_number("2x")
            .start_timestamp(DateTime::from_millis(5_000))
            .build();
        let quick = QuickConnectContactData::builder().contact_id("n").build();
        let next = NextContactMetadata::QuickConnectContactData(quick);
        let next = NextContactEntry::builder()
            .next_contact_metadata(next)
            .build();
        let contact = Contact::builder()
            .id("c")
            .initial_contact_id("")
            .previous_contact_id("p")
            .next_contacts(next)
            .channel(Channel::Voice)
            .recordings(recording)
            .build();
        let record = record("i", "c", contact);
        assert_eq!(record.initial_contact, None);
        assert_eq!(record.previous_contact.as_deref(), Some("p"));
        assert_eq!(record.next_contact.as_deref(), Some("n"));
        assert_eq!(record.channel.as_deref(), Some("VOICE"));
        let entry = &record.recordings[0];
        assert_eq!(entry.storage.as_deref(), Some("KINESIS_VIDEO_STREAM"));
        assert_eq!(entry.start_fragment, "10".parse().ok());
        assert_eq!(entry.bad_number.as_deref(), Some("2x"));
        assert_eq!(entry.started, Some(EpochMillis(5_000)));
    }
}
