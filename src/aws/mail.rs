//! SES v2. A mail has no idempotency token: within one call it is sent again only where it was
//! not taken for certain, by a throttle or because no connection could be made. What becomes of
//! an answer that got lost is the caller's to decide.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage, Template};

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, failure, is_not_found, was_not_taken};
use crate::failure::{Failure, FailureKind};
use crate::port::voicemail::Mailer;
use crate::voicemail::mail::{Content, Mail, TemplateText};

/// A mail that was not taken is sent so often.
const ATTEMPTS: u32 = 5;
/// The wait before the second time; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(300);

/// SES of an account and region.
#[derive(Debug)]
pub struct SesMailer {
    /// Sends once.
    sender: Client,
    reader: Client,
    /// The configuration set that mails are sent with.
    events: Option<String>,
}

impl SesMailer {
    /// Over the shared configuration; mails are sent with this configuration set.
    pub fn new(shared: &SdkConfig, events: Option<String>) -> Self {
        let client = |trying: Trying| {
            let config = Builder::from(&trying.on(shared)).interceptor(CheckAnswers);
            Client::from_conf(config.build())
        };
        Self {
            sender: client(Trying::MAIL),
            reader: client(Trying::TEMPLATES),
            events,
        }
    }
}

fn content(mail: &Mail) -> Result<EmailContent, Failure> {
    let content = EmailContent::builder();
    Ok(match &mail.content {
        Content::Raw(message) => {
            let raw = RawMessage::builder()
                .data(Blob::new(message.clone()))
                .build();
            let refused = |error| Failure::new(FailureKind::Refused, subject(mail), error);
            content.raw(raw.map_err(refused)?).build()
        }
        Content::Template { name, data } => {
            let template = Template::builder()
                .template_name(&**name)
                .template_data(data);
            content.template(template.build()).build()
        }
    })
}

/// Whom a failure is about. The receiver is told by the domain alone: addresses are personal.
fn subject(mail: &Mail) -> String {
    let to = mail.to.as_str();
    let domain = to.rsplit_once('@').map_or(to, |(_, domain)| domain);
    format!(
        "the mail from {} to somebody at {domain}",
        mail.from.as_str()
    )
}

impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<Box<str>, Failure> {
        let content = content(mail)?;
        let to = Destination::builder()
            .to_addresses(mail.to.as_str())
            .build();
        let request = self
            .sender
            .send_email()
            .from_email_address(mail.from.as_str());
        let request = request.destination(to).content(content);
        let request = request.set_configuration_set_name(self.events.clone());
        let mut wait = FIRST_WAIT;
        for _ in 1..ATTEMPTS {
            match request.clone().send().await {
                Err(error) if was_not_taken(&error) => {
                    tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
                    wait *= 2;
                }
                sent => {
                    return identified(mail, sent.map(|sent| sent.message_id), |error| {
                        failure(Call::SendMail, subject(mail), &error)
                    });
                }
            }
        }
        let sent = request.send().await.map(|sent| sent.message_id);
        identified(mail, sent, |error| {
            failure(Call::SendMail, subject(mail), &error)
        })
    }

    async fn template(&self, name: &str) -> Result<Option<TemplateText>, Failure> {
        let subject = format!("the mail template {name:?}");
        let request = self.reader.get_email_template().template_name(name);
        let content = match request.send().await {
            Ok(answer) => answer.template_content,
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => return Err(failure(Call::GetMailTemplate, subject, &error)),
        };
        let content = content.ok_or_else(|| {
            let cause = "GetEmailTemplate gave no TemplateContent";
            Failure::new(FailureKind::Unavailable, subject, cause)
        })?;
        Ok(Some(TemplateText {
            subject: content.subject.unwrap_or_default(),
            text: content.text.unwrap_or_default(),
            html: content.html.unwrap_or_default(),
        }))
    }
}

/// The id of a mail that was taken. It was, even where the answer names none.
fn identified<E>(
    _mail: &Mail,
    sent: Result<Option<String>, E>,
    failed: impl FnOnce(E) -> Failure,
) -> Result<Box<str>, Failure> {
    sent.map(|id| id.unwrap_or_else(|| "without an id".to_owned()).into())
        .map_err(failed)
}
