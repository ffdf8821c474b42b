//! The SQS queue in which parked records wait. [`crate::parked`] says what a message is.

mod receive;

pub use receive::Message;

use aws_config::SdkConfig;

use super::Trying;
use super::errors::{Call, failure};
use crate::failure::Failure;
use crate::parked::Parked;

/// The retry queue.
#[derive(Debug)]
pub struct ParkQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl ParkQueue {
    /// A queue by its URL, over the shared configuration.
    pub fn new(shared: &SdkConfig, url: &str) -> Self {
        Self {
            client: aws_sdk_sqs::Client::new(&Trying::SQS.on(shared)),
            url: url.to_owned(),
        }
    }

    /// Sends a record to the queue; once this is done, it is safe there.
    pub async fn park(&self, parked: &Parked) -> Result<(), Failure> {
        let request = self.client.send_message().queue_url(&self.url);
        let sent = request.message_body(parked.to_json()).send().await;
        sent.map(|_| ())
            .map_err(|error| failure(Call::SendMessage, &self.url, &error))
    }
}
