//! Where recordings without a complete verdict are found: the queue, the batches that
//! Lambda gave up on, the verdicts in the bucket, and Connect.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;

use super::Recorders;
use crate::aws::queue::Message;
use crate::aws::{ContactSearch, ParkingQueue, S3Recordings};
use crate::cli::{count_bar, tell_warning};
use crate::connect::record::NotAContactRecord;
use crate::event::batch::{BatchRecord, read_event_value};
use crate::failure::parked::Parked;
use crate::failure::{Failure, WaitsFor};
use crate::media::sides::Consent;
use crate::port::{ContactAttributes, Objects};
use crate::recorder::{Part, Worked, open_record};
use crate::recording::decide::{Decision, SkipReason, decide};
use crate::recording::key::{self, VERDICT_SUFFIX};
use crate::recording::plan::RecordingPlan;
use crate::recording::redrive::{
    Candidate, Period, Place, plan_of_verdict, read_failed_batch, started,
};
use crate::recording::verdict::{Status, Verdict};
use crate::redrive_run::LOOKS_AT_ONCE;

/// Messages that are received at the most; SQS hides 120,000 at once.
const MAX_MESSAGES: usize = 10_000;
/// The largest batch that is read: Lambda's events have 6 MB, and grow as text in JSON.
const MAX_BATCH_BYTES: usize = 16 << 20;

/// One place where recordings were found.
#[derive(Debug)]
pub(super) struct Source {
    pub place: Place,
    /// The message, if it is one.
    pub message: Option<Message>,
    /// What the message says that it waits for.
    pub waits_for: Option<WaitsFor>,
    /// Something in it cannot be worked on, or was not asked for: it stays where it is.
    pub unsettled: bool,
}

/// What is left as it is.
#[derive(Debug)]
pub(super) struct Left {
    pub contact: String,
    pub recording: Option<String>,
    pub reason: String,
    pub found: Vec<usize>,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub sources: Vec<Source>,
    pub candidates: Vec<Candidate>,
    pub left: Vec<Left>,
    pub errors: Vec<String>,
    /// Verdicts that were read …
    pub verdicts: usize,
    /// … and those of them that are complete or empty.
    pub complete: usize,
    pub batches: usize,
    pub received: usize,
    /// Contacts that Connect was asked about.
    pub contacts: usize,
}

impl Gathered {
    /// The messages that were received.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        let sources = self.sources.iter();
        sources.filter_map(|source| source.message.as_ref())
    }

    fn source(&mut self, place: Place, message: Option<Message>) -> usize {
        let parked = message
            .as_ref()
            .map(|message| Parked::from_json(&message.body));
        let waits_for = parked.and_then(|parked| parked.ok()?.waits_for);
        self.sources.push(Source {
            place,
            message,
            waits_for,
            unsettled: false,
        });
        self.sources.len() - 1
    }

    fn unsettle(&mut self, source: usize) {
        if let Some(source) = self.sources.get_mut(source) {
            source.unsettled = true;
        }
    }

    fn trouble(&mut self, source: usize, error: &str) {
        if let Some(at) = self.sources.get(source) {
            self.errors.push(format!("{}: {error}", at.place.name()));
        }
        self.unsettle(source);
    }

    fn skip(&mut self, source: usize, contact: &str, reason: &SkipReason) {
        match reason {
            SkipReason::NotLocated { .. } => {
                let cure = "correct the contact record";
                self.trouble(source, &format!("contact {contact}: {reason}; {cure}"));
            }
            SkipReason::NotVoice { .. }
            | SkipReason::NotAuthorised { .. }
            | SkipReason::OtherInstance { .. }
            | SkipReason::NoKvsRecording
            | SkipReason::AlreadyRecorded
            | SkipReason::Withdrawn
            | SkipReason::Superseded
            | SkipReason::Forgotten
            | SkipReason::AttributeNotOurs { .. } => self.left.push(Left {
                contact: contact.to_owned(),
                recording: None,
                reason: reason.to_string(),
                found: vec![source],
            }),
        }
    }
}

/// What there is to look through, and for what.
pub(super) struct Gatherer<'a> {
    pub recorder: &'a Recorders,
    pub search: ContactSearch,
    pub instance: Option<&'a str>,
    pub queue: Option<&'a ParkingQueue>,
    /// How long received messages are hidden from others.
    pub hidden: Duration,
    /// A bucket, its name, and what the keys of batches in it start with.
    pub failures: Option<(S3Recordings, &'a str, &'a str)>,
    /// Only these, unless there are none.
    pub contacts: &'a [String],
    pub period: Option<Period>,
}

impl Gatherer<'_> {
    pub(super) async fn gather(&self) -> Result<Gathered, Failure> {
        let mut found = Gathered::default();
        if let Some((store, bucket, prefix)) = &self.failures {
            self.in_batches(store, bucket, prefix, &mut found).await?;
        }
        let mut done = HashMap::new();
        // Connect tells when a contact began, and so where its verdicts are.
        let listed =
            self.period.is_some() || (!self.contacts.is_empty() && self.instance.is_none());
        if listed {
            done = self.in_verdicts(&mut found).await?;
        }
        if let Some(instance) = self.instance {
            self.in_connect(instance, &done, &mut found).await?;
        }
        // Last: messages are hidden for a while only.
        if let Some(queue) = self.queue {
            self.in_queue(queue, &mut found).await?;
        }
        Ok(found)
    }

    async fn in_queue(&self, queue: &ParkingQueue, found: &mut Gathered) -> Result<(), Failure> {
        let mut seen = HashSet::new();
        loop {
            let messages = queue.receive(self.hidden).await?;
            // A message that comes again has been hidden for long enough: all were seen.
            let fresh = messages.iter().any(|message| !seen.contains(&message.id));
            if !fresh {
                return Ok(());
            }
            for message in messages {
                if seen.insert(message.id.clone()) {
                    self.take_message(message, found);
                }
            }
            if seen.len() >= MAX_MESSAGES {
                tell_warning(&format!(
                    "the queue has more than {MAX_MESSAGES} messages; run this again for the rest"
                ));
                return Ok(());
            }
        }
    }

    fn take_message(&self, message: Message, found: &mut Gathered) {
        found.received += 1;
        // The same reader as the function's.
        let event = json!({"Records": [{
            "eventSource": "aws:sqs", "messageId": message.id, "body": message.body,
        }]});
        let records = read_event_value(&event).map(|(_, records)| records);
        let source = found.source(Place::Message(message.id.clone()), Some(message));
        for record in records.unwrap_or_default() {
            self.take_record(&record, source, found);
        }
    }

    async fn in_batches(
        &self,
        store: &S3Recordings,
        bucket: &str,
        prefix: &str,
        found: &mut Gathered,
    ) -> Result<(), Failure> {
        let since = self.period.map(|period| period.since);
        let listed = store.list(prefix).await?.into_iter();
        // A batch fails after its calls began.
        let listed = listed.filter(|object| object.modified.is_none() || object.modified >= since);
        let keys: Vec<_> = listed.map(|object| object.key).collect();
        let bar = count_bar("failed batches");
        bar.set_length(keys.len() as u64);
        let mut read = stream::iter(keys)
            .map(|key| async {
                let read = store.read_at_most(&key, MAX_BATCH_BYTES).await;
                (key, read)
            })
            .buffered(LOOKS_AT_ONCE);
        while let Some((key, object)) = read.next().await {
            bar.inc(1);
            found.batches += 1;
            let source = found.source(Place::Batch(format!("s3://{bucket}/{key}")), None);
            let object = match object {
                Ok(object) => object.unwrap_or_default(),
                Err(failure) => {
                    found.errors.push(failure.to_string());
                    continue;
                }
            };
            match read_failed_batch(&object) {
                Ok(records) => records
                    .iter()
                    .for_each(|record| self.take_record(record, source, found)),
                Err(error) => found.trouble(source, &format!("{error}; look at the object")),
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// A record that a queue or a batch holds.
    fn take_record(&self, record: &BatchRecord, source: usize, found: &mut Gathered) {
        for part in open_record(record, &self.recorder.policy) {
            match part {
                Part::Open(plan) => self.take(plan, None, source, found),
                Part::Ended(Worked::Skipped { contact, reason }) => {
                    if self.asks_for(&contact) {
                        found.skip(source, &contact, &reason);
                    } else {
                        found.unsettle(source);
                    }
                }
                Part::Ended(Worked::Undecodable(cause)) => {
                    found.trouble(source, &format!("{cause}; it stays where it is"));
                }
                Part::Ended(Worked::NotOpened { failure, .. }) => {
                    found.trouble(source, &format!("{failure}; it stays where it is"));
                }
                // Agent events share the data stream; nobody parks one.
                Part::Ended(Worked::NotAContactRecord(NotAContactRecord::OtherShape(_)))
                    if found
                        .sources
                        .get(source)
                        .is_some_and(|source| source.message.is_none()) => {}
                Part::Ended(Worked::NotAContactRecord(error)) => {
                    found.trouble(source, &format!("{error}; it stays where it is"));
                }
                Part::Ended(Worked::Recorded(..) | Worked::Failed(..)) => {}
            }
        }
    }

    fn take(
        &self,
        mut plan: Box<RecordingPlan>,
        verdict: Option<Verdict>,
        source: usize,
        found: &mut Gathered,
    ) {
        let in_time = self
            .period
            .is_none_or(|period| period.contains(started(&plan)));
        if !in_time || !self.asks_for(&plan.id.contact) {
            found.unsettle(source);
            return;
        }
        plan.consent = Consent::AskFirst;
        found.candidates.push(Candidate {
            plan,
            verdict,
            found: vec![source],
        });
    }

    fn asks_for(&self, contact: &str) -> bool {
        self.contacts.is_empty() || self.contacts.iter().any(|asked| asked == contact)
    }

    /// Looks at all verdicts of the time and of the contacts. Tells of each contact whether
    /// all of its recordings that have a verdict are done.
    async fn in_verdicts(&self, found: &mut Gathered) -> Result<HashMap<String, bool>, Failure> {
        let keys = self.verdict_keys().await?;
        let bar = count_bar("verdicts");
        bar.set_length(keys.len() as u64);
        let mut done = HashMap::new();
        let mut read = stream::iter(keys)
            .map(|key| async {
                let read = self.recorder.store.read(&key).await;
                (key, read)
            })
            .buffered(LOOKS_AT_ONCE);
        while let Some((key, json)) = read.next().await {
            bar.inc(1);
            found.verdicts += 1;
            let (plan, verdict) = match json.map(|json| read_verdict(&key, json.as_deref())) {
                Ok(Ok(read)) => read,
                Ok(Err(error)) => {
                    let cure = "give --contact and --instance to take the record from Connect";
                    found.errors.push(format!("{key}: {error}; {cure}"));
                    continue;
                }
                Err(failure) => {
                    found.errors.push(failure.to_string());
                    continue;
                }
            };
            let is_done = matches!(verdict.status, Status::Complete | Status::Empty);
            let all_done = done.entry(plan.id.contact.to_string()).or_insert(true);
            *all_done &= is_done;
            if is_done {
                found.complete += 1;
            } else {
                let source = found.source(Place::Verdict(key), None);
                self.take(Box::new(plan), Some(verdict), source, found);
            }
        }
        bar.finish_and_clear();
        Ok(done)
    }

    async fn verdict_keys(&self) -> Result<Vec<String>, Failure> {
        let folders = match self.period {
            Some(period) => period.folders(),
            None => vec![String::new()],
        };
        let mut keys = Vec::new();
        for folder in folders {
            let prefix = format!("{}{folder}", self.recorder.policy.key_prefix);
            keys.extend(self.recorder.store.list(&prefix).await?);
        }
        let keys = keys.into_iter().map(|object| object.key);
        Ok(keys
            .filter(|key| {
                let name = key.rsplit('/').next().unwrap_or_default();
                let mut asked = self.contacts.iter();
                name.ends_with(VERDICT_SUFFIX)
                    && (self.contacts.is_empty()
                        || asked.any(|contact| key::names_contact(name, contact)))
            })
            .collect())
    }

    /// The contacts that were asked for, or those of the time; without those that are done.
    async fn in_connect(
        &self,
        instance: &str,
        done: &HashMap<String, bool>,
        found: &mut Gathered,
    ) -> Result<(), Failure> {
        let mut ids = self.contacts.to_vec();
        if let (true, Some(period)) = (ids.is_empty(), self.period) {
            ids = self
                .search
                .search(instance, period.with_day_before())
                .await?;
            ids.retain(|id| done.get(id) != Some(&true));
        }
        let bar = count_bar("contacts");
        bar.set_length(ids.len() as u64);
        for id in ids {
            found.contacts += 1;
            if let Err(failure) = self.in_contact(instance, &id, found).await {
                found.errors.push(failure.to_string());
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(())
    }

    async fn in_contact(
        &self,
        instance: &str,
        id: &str,
        found: &mut Gathered,
    ) -> Result<(), Failure> {
        let mut record = self.search.describe(instance, id).await?;
        let first = record.initial_contact.as_deref().unwrap_or(id);
        record.attributes = self.recorder.attributes.read(Some(instance), first).await?;
        let source = found.source(Place::Contact(id.to_owned()), None);
        for decision in decide(&record, &self.recorder.policy) {
            match decision {
                Decision::Record(plan) => self.take(plan, None, source, found),
                // Most contacts of a whole day have nothing to record.
                Decision::Skip(
                    SkipReason::NoKvsRecording
                    | SkipReason::NotVoice { .. }
                    | SkipReason::NotAuthorised { .. },
                ) if self.contacts.is_empty() => {}
                Decision::Skip(reason) => found.skip(source, id, &reason),
            }
        }
        Ok(())
    }
}

fn read_verdict(key: &str, json: Option<&[u8]>) -> Result<(RecordingPlan, Verdict), String> {
    let json = json.ok_or("it was there a moment ago and is gone")?;
    let verdict =
        Verdict::from_json(json).map_err(|error| format!("the verdict cannot be read: {error}"))?;
    let plan = plan_of_verdict(key, &verdict)?;
    Ok((plan, verdict))
}
