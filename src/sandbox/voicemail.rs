//! The services that voicemail asks beside those of recordings: Transcribe, Connect's tasks,
//! queues and users, SES, Bedrock and Secrets Manager. One file a service; here is which of
//! them a request is for.

mod desk;
mod mail;
mod model;
mod secrets;
mod transcribe;

use std::path::Path;

use hyper::Method;
use hyper::http::request::Parts;
use serde_json::Value;

use super::contacts::Contacts;
use super::faults::Effect;
use super::happenings::Happenings;
use super::wire::{Refusal, Reply};
use desk::Desk;
use mail::Mail;
use model::Model;
use secrets::Secrets;
use transcribe::Transcribe;

/// Which of these services a request is for, and the operation's name there. S3 in path
/// style has the same paths for buckets of such names: what is signed for S3 is S3's.
pub(super) fn operation(head: &Parts) -> Option<(Kind, &'static str)> {
    let target = head.headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    if let Some(target) = target {
        return Some(match target {
            "Transcribe.StartTranscriptionJob" => (Kind::Transcribe, "StartTranscriptionJob"),
            "Transcribe.GetTranscriptionJob" => (Kind::Transcribe, "GetTranscriptionJob"),
            "Transcribe.DeleteTranscriptionJob" => (Kind::Transcribe, "DeleteTranscriptionJob"),
            "secretsmanager.GetSecretValue" => (Kind::Secrets, "GetSecretValue"),
            _ => return None,
        });
    }
    let signed = head.headers.get("authorization");
    let signed = signed.and_then(|signed| signed.to_str().ok());
    if signed.is_some_and(|signed| signed.contains("/s3/aws4_request")) {
        return None;
    }
    let parts: Vec<_> = head.uri.path().split('/').skip(1).collect();
    Some(match (&head.method, &*parts) {
        (&Method::PUT, ["contact", "task"]) => (Kind::Desk, "StartTaskContact"),
        (&Method::GET, ["queues", _, _]) => (Kind::Desk, "DescribeQueue"),
        (&Method::GET, ["users", _, _]) => (Kind::Desk, "DescribeUser"),
        (&Method::GET, ["contact-flows", _, _]) => (Kind::Desk, "DescribeContactFlow"),
        (&Method::POST, ["search-users"]) => (Kind::Desk, "SearchUsers"),
        (&Method::POST, ["v2", "email", "outbound-emails"]) => (Kind::Mail, "SendEmail"),
        (&Method::GET, ["v2", "email", "templates", _]) => (Kind::Mail, "GetEmailTemplate"),
        (&Method::GET, ["v2", "email", "identities", _]) => (Kind::Mail, "GetEmailIdentity"),
        (&Method::POST, ["model", _, "converse"]) => (Kind::Model, "Converse"),
        _ => return None,
    })
}

/// One of these services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Transcribe,
    Desk,
    Mail,
    Model,
    Secrets,
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::operation::OPERATIONS;
    use hyper::Request;

    #[test]
    fn requests_are_known_by_target_or_path_and_what_is_signed_for_s3_is_s3s() {
        #[track_caller]
        fn check(request: &str, header: Option<(&str, &str)>, expected: Option<&str>) {
            let (method, uri) = request.split_once(' ').unwrap();
            let mut request = Request::builder().method(method).uri(uri);
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(operation(&head).map(|(_, name)| name), expected);
            assert!(expected.is_none_or(|name| OPERATIONS.contains(&name)));
        }
        let s3 = (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request",
        );
        check("GET /queues/i/q", None, Some("DescribeQueue"));
        check("GET /queues/i/q", Some(s3), None);
        check("GET /users/i/u", None, Some("DescribeUser"));
        check("PUT /contact/task", None, Some("StartTaskContact"));
        check("POST /search-users", None, Some("SearchUsers"));
        check("POST /v2/email/outbound-emails", None, Some("SendEmail"));
        check("GET /v2/email/templates/t", None, Some("GetEmailTemplate"));
        check(
            "POST /model/us.amazon.nova-lite-v1%3A0/converse",
            None,
            Some("Converse"),
        );
        let job = ("x-amz-target", "Transcribe.StartTranscriptionJob");
        check("POST /", Some(job), Some("StartTranscriptionJob"));
        let message = ("x-amz-target", "AmazonSQS.SendMessage");
        check("POST /", Some(message), None);
    }
}
