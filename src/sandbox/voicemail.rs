//! The services that voicemail asks beside those of recordings: Transcribe, Connect's tasks,
//! queues and users, SES, Bedrock and Secrets Manager. One file a service.

mod desk;
mod mail;
mod model;
mod secrets;
mod transcribe;

use std::path::Path;

use hyper::http::request::Parts;
use serde_json::Value;

use super::contacts::Contacts;
use super::faults::Effect;
use super::happenings::Happenings;
use super::operation::Kind;
use super::wire::{Refusal, Reply};
use desk::Desk;
use mail::Mail;
use model::Model;
use secrets::Secrets;
use transcribe::Transcribe;

/// All of them.
pub(super) struct Voicemail {
    transcribe: Transcribe,
    desk: Desk,
    mail: Mail,
    model: Model,
    secrets: Secrets,
}

impl Voicemail {
    /// Over the data folder; what happens is told.
    pub(super) fn new(data: &Path, happenings: Happenings) -> Self {
        Self {
            transcribe: Transcribe::new(data, happenings),
            desk: Desk::new(data),
            mail: Mail::new(data),
            model: Model::new(data),
            secrets: Secrets::new(data),
        }
    }

    pub(super) fn answer(
        &self,
        (kind, operation): (Kind, &str),
        head: &Parts,
        body: &[u8],
        effect: Option<&Effect>,
        contacts: &Contacts,
    ) -> Result<Reply, Refusal> {
        match kind {
            Kind::Transcribe => self.transcribe.answer(operation, body, effect),
            Kind::Desk => self.desk.answer(operation, head, body, contacts),
            Kind::Mail => self.mail.answer(operation, head, body),
            Kind::Model => self.model.answer(head, body),
            Kind::Secrets => self.secrets.answer(body),
        }
    }
}

/// Whom a call is about: a job, a contact, a queue, a user, an address, a model, a secret.
pub(super) fn subject(operation: &str, head: &Parts, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let told = match operation {
        "SendEmail" => body["Destination"]["ToAddresses"][0].as_str(),
        "StartTaskContact" => {
            let contacts = ["PreviousContactId", "RelatedContactId", "ClientToken"];
            contacts.iter().find_map(|name| body[name].as_str())
        }
        "StartTranscriptionJob" | "GetTranscriptionJob" | "DeleteTranscriptionJob" => {
            body["TranscriptionJobName"].as_str()
        }
        "GetSecretValue" => body["SecretId"].as_str(),
        "SearchUsers" => body["SearchCriteria"]["StringCondition"]["Value"].as_str(),
        "Converse" => return part(head, 1),
        _ => return part(head, 0),
    };
    told.unwrap_or_default().to_owned()
}

/// A part of the path, counted from its end.
fn part(head: &Parts, from_the_end: usize) -> String {
    let part = head.uri.path().rsplit('/').nth(from_the_end);
    percent_encoding::percent_decode_str(part.unwrap_or_default())
        .decode_utf8_lossy()
        .into_owned()
}
