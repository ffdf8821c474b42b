//! The SQS queue in which parked records wait. [`crate::failure::parked`] says what a message is.

mod receive;

pub use receive::Message;

use aws_config::SdkConfig;
use aws_sdk_sqs::config::Builder;

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, failure};
use crate::failure::parked::Parked;
use crate::failure::{Failure, FailureKind};
use crate::port::ParkingLot;

/// The parking queue.
#[derive(Debug)]
pub struct ParkingQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl ParkingQueue {
    /// A queue by its URL, over the shared configuration.
    pub fn new(shared: &SdkConfig, url: &str) -> Self {
        let config = Builder::from(&Trying::SQS.on(shared)).interceptor(CheckAnswers);
        Self {
            client: aws_sdk_sqs::Client::from_conf(config.build()),
            url: url.to_owned(),
        }
    }

    /// Sends a record to the queue; once this is done, it is safe there.
    pub async fn park(&self, parked: &Parked) -> Result<(), Failure> {
        let request = self.client.send_message().queue_url(&self.url);
        let sent = request.message_body(parked.to_json()).send().await;
        let sent = sent.map_err(|error| failure(Call::SendMessage, &self.url, &error))?;
        // A message is in the queue only when SQS has given it an id.
        match sent.message_id {
            Some(_) => Ok(()),
            None => {
                let cause = "SendMessage gave no MessageId";
                Err(Failure::new(FailureKind::Unavailable, &self.url, cause))
            }
        }
    }
}

impl ParkingLot for Option<ParkingQueue> {
    async fn park(&self, parked: &Parked) -> Result<bool, Failure> {
        match self {
            Some(queue) => queue.park(parked).await.map(|()| true),
            None => Ok(false),
        }
    }
}
