//! EventBridge: what others are told. PutEvents answers 200 for events that it did not take,
//! and says so entry by entry (Amazon EventBridge API Reference, PutEvents).

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::Builder;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, failure};
use crate::failure::{Failure, FailureKind};
use crate::port::Announcements;
use crate::voicemail::announce::{DETAIL_TYPE, MessageSaved, SOURCE};

/// A bus, and the bucket that what is told of lies in.
#[derive(Debug)]
pub struct EventBus {
    client: Client,
    name: String,
    bucket: String,
}

impl EventBus {
    /// A bus by its name or ARN, over the shared configuration.
    pub fn new(shared: &SdkConfig, name: &str, bucket: &str) -> Self {
        let config = Builder::from(&Trying::SQS.on(shared)).interceptor(CheckAnswers);
        Self {
            client: Client::from_conf(config.build()),
            name: name.to_owned(),
            bucket: bucket.to_owned(),
        }
    }

    async fn put(&self, saved: &MessageSaved) -> Result<(), Failure> {
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .detail(saved.detail(&self.bucket).to_string())
            .event_bus_name(&self.name)
            .build();
        let put = self.client.put_events().entries(entry).send().await;
        let put = put.map_err(|error| failure(Call::PutEvents, &self.name, &error))?;
        let entry = put.entries.unwrap_or_default().into_iter().next();
        let (code, message) = match entry {
            Some(entry) if entry.event_id.is_some() => return Ok(()),
            Some(entry) => (entry.error_code, entry.error_message),
            None => (None, None),
        };
        let code = code.unwrap_or_else(|| "no EventId".to_owned());
        let kind = match code.as_str() {
            "ThrottlingException" => FailureKind::Throttled,
            "NotAuthorizedForSourceException" | "NotAuthorizedForDetailTypeException" => {
                FailureKind::Refused
            }
            _ => FailureKind::Unavailable,
        };
        let cause = format!("PutEvents: {code}: {}", message.unwrap_or_default());
        Err(Failure::new(kind, &self.name, cause.trim_end_matches(": ")))
    }
}

impl Announcements for Option<EventBus> {
    fn are_wanted(&self) -> bool {
        self.is_some()
    }

    async fn announce(&self, saved: &MessageSaved) -> Result<(), Failure> {
        match self {
            Some(bus) => bus.put(saved).await,
            None => Ok(()),
        }
    }
}
