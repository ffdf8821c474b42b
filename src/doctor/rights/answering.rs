//! What the answering machine's roles need in a deployment.

use super::super::need::Need;
use super::{SAMPLE_CONTACT, VIDEO, each, need, owned, partition, video_stream};
use crate::connect::arn;
use crate::doctor::facts::{Answering, Deployment};
use crate::voicemail::announce::SOURCE;

/// A note or a message as they are named, without its ending.
const SAMPLE_NAME: &str = "2026/01/01/00-00-00_00000000-0000-0000-0000-000000000000";

/// Noting a call.
const NOTES: &[(&str, &str)] = &[
    ("s3:PutObject", "no call can be noted"),
    ("s3:GetObject", "a call cannot be noted twice"),
];
/// Saving a message.
const MESSAGES: &[(&str, &str)] = &[
    ("s3:PutObject", "no message can be saved"),
    (
        "s3:PutObjectTagging",
        "no message can be saved with its tags",
    ),
    ("s3:GetObject", "what was saved before cannot be compared"),
    (
        "s3:AbortMultipartUpload",
        "parts of broken-off uploads stay and are paid for",
    ),
];
const LIVE: (&str, &str) = (
    "kinesisvideo:GetMedia",
    "messages of streams without retention are lost",
);
const CONTACT: (&str, &str) = (
    "connect:DescribeContact",
    "messages that were noted before they were streamed are lost",
);
const TELL: (&str, &str) = (
    "events:PutEvents",
    "nobody is told of messages that are saved",
);
const READ_NOTES: (&str, &str) = ("s3:GetObject", "no message can be saved");
const LIST: (&str, &str) = (
    "s3:ListBucket",
    "what is not there yet looks denied, and nothing is saved",
);

/// Every action that can be asked about.
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    let all = NOTES
        .iter()
        .chain(MESSAGES)
        .chain([&LIVE, &CONTACT, &TELL, &LIST]);
    all.map(|(action, _)| *action)
}

/// What the role of `note` needs.
pub fn note_needs(deployment: &Deployment, answering: &Answering) -> Vec<Need> {
    let Some(bucket) = bucket(deployment) else {
        return Vec::new();
    };
    let note = format!("{bucket}/{}{SAMPLE_NAME}.json", answering.notes);
    let needs = each(NOTES, &note).chain([need(LIST.0, bucket, LIST.1)]);
    needs.map(|need| owned(need, deployment)).collect()
}

/// What the role of `save` needs.
pub fn save_needs(deployment: &Deployment, answering: &Answering) -> Vec<Need> {
    let mut needs = Vec::new();
    if let Some(bucket) = bucket(deployment) {
        let note = format!("{bucket}/{}{SAMPLE_NAME}.json", answering.notes);
        let message = format!("{bucket}/{}{SAMPLE_NAME}.wav", answering.messages);
        needs.push(need(READ_NOTES.0, note, READ_NOTES.1));
        needs.extend(each(MESSAGES, &message));
        needs.push(need(LIST.0, bucket, LIST.1));
    }
    if let Some(stream) = video_stream(deployment) {
        needs.extend(each(VIDEO, &stream));
        needs.push(need(LIVE.0, stream, LIVE.1));
    }
    if let Ok(Some(instance)) = deployment.instance() {
        let contact = format!("{}/contact/{SAMPLE_CONTACT}", instance.arn);
        needs.push(need(CONTACT.0, contact, CONTACT.1));
    }
    needs.extend(bus(deployment, &answering.event_bus).map(|bus| {
        let mut need = need(TELL.0, bus, TELL.1);
        need.context.push(("events:source", SOURCE.to_owned()));
        need
    }));
    needs
        .into_iter()
        .map(|need| owned(need, deployment))
        .collect()
}

/// The ARN of the bus that is told, by its name or its ARN.
fn bus(deployment: &Deployment, name: &str) -> Option<String> {
    let Ok(Some(function)) = &deployment.function else {
        return None;
    };
    match name {
        "" => None,
        arn if arn.starts_with("arn:") => Some(arn.to_owned()),
        name => {
            let (region, account) = (arn::region(&function.arn)?, arn::account(&function.arn)?);
            let partition = partition(deployment);
            Some(format!(
                "arn:{partition}:events:{region}:{account}:event-bus/{name}"
            ))
        }
    }
}

fn bucket(deployment: &Deployment) -> Option<String> {
    let settings = deployment.settings().ok()?;
    Some(format!(
        "arn:{}:s3:::{}",
        partition(deployment),
        settings.bucket
    ))
}
