//! What stands in a bucket, as plans and records: verdicts, and the batches that Lambda
//! gave up on.

use serde_json::Value;

use crate::event::batch::{BatchRecord, NotABatch, read_event, read_event_value};
use crate::json;
use crate::media::attribution::Claim;
use crate::media::fragment::FragmentRange;
use crate::media::sides::{Authorisation, Consent};
use crate::media::ticks::EpochMillis;
use crate::recording::key::{RecordingId, RecordingKeys};
use crate::recording::plan::{RecordingPlan, Times, Urls};
use crate::recording::verdict::{RecordingNames, Verdict};

/// The plan that a verdict came from, as far as it tells. The error is a sentence.
pub fn plan_of_verdict(key: &str, verdict: &Verdict) -> Result<RecordingPlan, String> {
    let names = &verdict.recording;
    let (keys, start) = RecordingKeys::of_verdict(key, &names.contact_id)
        .ok_or_else(|| format!("its key is not one of contact {}", names.contact_id))?;
    let authorisation = authorisation(names).ok_or_else(|| match &names.authorised {
        None => "nobody's consent was looked at: it was extracted from media alone".to_owned(),
        Some(sides) => format!("it names no sides to record: {sides:?}"),
    })?;
    let number = |number: &Option<String>| match number {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(error) => Err(format!("fragment number {text:?}: {error}")),
        },
    };
    let range = FragmentRange {
        start: number(&names.start_fragment)?,
        stop: number(&names.stop_fragment)?,
    };
    let time = |time: &Option<String>| time.as_deref().and_then(EpochMillis::from_rfc3339);
    let contacts = [
        Some(&names.contact_id),
        Some(&names.initial_contact_id),
        names.previous_contact_id.as_ref(),
        names.next_contact_id.as_ref(),
    ];
    let mut contacts: Vec<Box<str>> = contacts
        .into_iter()
        .flatten()
        .map(|id| id.as_str().into())
        .collect();
    contacts.dedup();
    Ok(RecordingPlan {
        id: RecordingId {
            contact: names.contact_id.as_str().into(),
            // The keys have its date already.
            initiated: None,
            start,
        },
        keys,
        // A verdict does not tell: better a look too many.
        has_siblings: true,
        initial_contact: names.initial_contact_id.as_str().into(),
        previous_contact: names.previous_contact_id.as_deref().map(Box::from),
        next_contact: names.next_contact_id.as_deref().map(Box::from),
        parties: verdict.call.clone().unwrap_or_default(),
        instance: names.instance_id.as_deref().map(Box::from),
        stream: names.stream.as_str().into(),
        claim: Claim { range, contacts },
        times: Times {
            started: time(&verdict.span.record_starts_at),
            stopped: time(&verdict.span.record_stops_at),
        },
        authorisation,
        tags: Vec::new(),
        urls: Urls::Lacking,
        // What was allowed when it was written.
        consent: Consent::AskFirst,
    })
}

fn authorisation(names: &RecordingNames) -> Option<Authorisation> {
    let sides: Vec<_> = names
        .authorised
        .iter()
        .flatten()
        .map(String::as_str)
        .collect();
    [
        Authorisation::FromCustomer,
        Authorisation::ToCustomer,
        Authorisation::Both,
    ]
    .into_iter()
    .find(|authorisation| {
        let directions = authorisation.directions().iter();
        directions
            .map(|direction| direction.name())
            .eq(sides.iter().copied())
    })
}

/// Why an object holds no batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFailedBatch {
    /// It is no JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// It is an invocation record without the batch: an SQS or SNS destination gets those.
    #[error(
        "it tells of a batch without its records (no payload); only an S3 destination keeps them"
    )]
    OnlyMetadata,
    /// Its payload is no event.
    #[error("its payload is {0}")]
    Payload(NotABatch),
    /// It is something else.
    #[error("it is no record of a failed invocation (neither payload nor Records)")]
    OtherShape,
}

/// Reads what Lambda writes to the S3 on-failure destination of a Kinesis mapping: an
/// invocation record whose `payload` is the whole event as text (Lambda developer guide,
/// "Retain discarded batch records for a Kinesis Data Streams event source"). An event
/// that somebody put there is read as well.
pub fn read_failed_batch(batch: &[u8]) -> Result<Vec<BatchRecord>, NotAFailedBatch> {
    let record = json::read(batch).map_err(|error| NotAFailedBatch::NotJson(error.to_string()))?;
    let event = match record.get("payload") {
        Some(Value::String(payload)) => read_event(payload.as_bytes()),
        Some(payload @ Value::Object(_)) => read_event_value(payload),
        _ if record.get("Records").is_some() => read_event_value(&record),
        _ if record.get("KinesisBatchInfo").is_some() => return Err(NotAFailedBatch::OnlyMetadata),
        _ => return Err(NotAFailedBatch::OtherShape),
    };
    event
        .map(|(_, records)| records)
        .map_err(NotAFailedBatch::Payload)
}
