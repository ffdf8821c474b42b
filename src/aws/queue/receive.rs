//! Taking messages out of the queue: an operator's calls, for redriving. The function is
//! given its messages by Lambda, and makes none of them.

use std::time::Duration;

use super::ParkingQueue;
use crate::aws::errors::{Call, failure};
use crate::failure::Failure;

/// Messages of one answer: the most that SQS gives.
const MESSAGES: i32 = 10;
/// How long one request waits for messages: long enough that SQS asks all of its servers.
const WAIT_SECONDS: i32 = 1;

/// A message that was received, and stays hidden from others for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// SQS's id.
    pub id: String,
    /// What it is deleted by; each receipt has its own.
    pub receipt: String,
    /// What it says.
    pub body: String,
}

impl ParkingQueue {
    /// Receives up to ten messages, and hides them from other receivers for so long.
    pub async fn receive(&self, hidden: Duration) -> Result<Vec<Message>, Failure> {
        let request = self.client.receive_message().queue_url(&self.url);
        let received = request
            .max_number_of_messages(MESSAGES)
            .wait_time_seconds(WAIT_SECONDS)
            .visibility_timeout(seconds(hidden))
            .send()
            .await
            .map_err(|error| failure(Call::ReceiveMessage, &self.url, &error))?;
        let messages = received.messages.unwrap_or_default().into_iter();
        let messages = messages.map(|message| Message {
            id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
        });
        Ok(messages.collect())
    }

    /// Removes a message for good.
    pub async fn delete(&self, message: &Message) -> Result<(), Failure> {
        let request = self.client.delete_message().queue_url(&self.url);
        let deleted = request.receipt_handle(&message.receipt).send().await;
        deleted
            .map(|_| ())
            .map_err(|error| failure(Call::DeleteMessage, &self.url, &error))
    }

    /// Hides a message from other receivers for so long from now on; no time at all gives
    /// it back.
    pub async fn hide(&self, message: &Message, hidden: Duration) -> Result<(), Failure> {
        let request = self.client.change_message_visibility();
        let changed = request
            .queue_url(&self.url)
            .receipt_handle(&message.receipt)
            .visibility_timeout(seconds(hidden))
            .send()
            .await;
        changed
            .map(|_| ())
            .map_err(|error| failure(Call::HideMessage, &self.url, &error))
    }
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}
