//! SQS queues as folders, one file a message, named in the order of coming. A queue is
//! there as soon as it is named. Messages that were received come again after their
//! time, or when the sandbox was started again, until they are deleted.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire::{Refusal, Reply, json_reply, parse};
use crate::lock::lock;

/// SQS's own, where the call does not say.
const VISIBILITY_SECONDS: u64 = 30;
const MAX_RECEIVED: usize = 10;
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// How often a waiting receiver looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Queues {
    folder: PathBuf,
    sent: AtomicU64,
    /// Until when received messages stay hidden, by path.
    hidden: Mutex<HashMap<PathBuf, Instant>>,
}

#[derive(Serialize, Deserialize)]
struct Message {
    body: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    attributes: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    queue_url: String,
    message_body: Option<String>,
    #[serde(default)]
    message_attributes: Value,
    receipt_handle: Option<String>,
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<u64>,
    wait_time_seconds: Option<u64>,
}

impl Queues {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            sent: AtomicU64::new(0),
            hidden: Mutex::default(),
        }
    }

    pub(super) async fn answer(&self, operation: &str, body: &[u8]) -> Result<Reply, Refusal> {
        let asked: Asked = parse(body, "InvalidParameterValue")?;
        let queue = self.queue(&asked.queue_url)?;
        match operation {
            "SendMessage" => self.send(&queue, asked),
            "ReceiveMessage" => self.receive(&queue, &asked).await,
            "DeleteMessage" => self.delete(&queue, asked.receipt_handle.as_deref()),
            "ChangeMessageVisibility" => self.hide(&queue, &asked),
            "GetQueueAttributes" => self.count(&queue),
            other => Err(Refusal::new(
                400,
                "AWS.SimpleQueueService.UnsupportedOperation",
                other,
            )),
        }
    }

    /// The folder of a queue, by the last part of its URL.
    fn queue(&self, url: &str) -> Result<PathBuf, Refusal> {
        let name = url.rsplit('/').next().unwrap_or_default();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let plain = name.strip_suffix(".fifo").unwrap_or(name);
        if plain.is_empty() || !plain.bytes().all(allowed) {
            return Err(Refusal::new(
                400,
                "AWS.SimpleQueueService.NonExistentQueue",
                url,
            ));
        }
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn send(&self, queue: &Path, asked: Asked) -> Result<Reply, Refusal> {
        let body = asked.message_body.unwrap_or_default();
        if body.is_empty() || body.len() > MAX_MESSAGE_BYTES {
            let message = format!(
                "a body of {} bytes, not 1 to {MAX_MESSAGE_BYTES}",
                body.len()
            );
            return Err(Refusal::new(400, "InvalidParameterValue", message));
        }
        let digest = digest(&body);
        let id = self.put(queue, body, asked.message_attributes)?;
        Ok(json_reply(
            &json!({"MessageId": id, "MD5OfMessageBody": digest}),
        ))
    }

    /// Stores a message; gives its id.
    fn put(&self, queue: &Path, body: String, attributes: Value) -> Result<String, Refusal> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let id = format!(
            "{:015}-{:06}",
            now.unwrap_or_default().as_millis(),
            self.sent.fetch_add(1, Ordering::Relaxed)
        );
        let message = Message { body, attributes };
        let part = queue.join(format!("{id}.part"));
        fs::write(&part, serde_json::to_vec_pretty(&message)?)?;
        fs::rename(&part, queue.join(format!("{id}.json")))?;
        Ok(id)
    }

    /// Puts a message into a queue of this name.
    pub(super) fn keep(&self, queue: &str, body: String) -> Result<(), Refusal> {
        let queue = self.queue(queue)?;
        self.put(&queue, body, Value::Null).map(|_| ())
    }

    async fn receive(&self, queue: &Path, asked: &Asked) -> Result<Reply, Refusal> {
        let until = Instant::now() + Duration::from_secs(asked.wait_time_seconds.unwrap_or(0));
        loop {
            let messages = self.take(queue, asked)?;
            if !messages.is_empty() || Instant::now() >= until {
                return Ok(json_reply(&json!({"Messages": messages})));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn take(&self, queue: &Path, asked: &Asked) -> Result<Vec<Value>, Refusal> {
        let visibility = asked.visibility_timeout.unwrap_or(VISIBILITY_SECONDS);
        let most = asked.max_number_of_messages.unwrap_or(1).min(MAX_RECEIVED);
        let now = Instant::now();
        let mut hidden = lock(&self.hidden);
        let mut taken = Vec::new();
        for path in messages(queue)? {
            if taken.len() == most {
                break;
            }
            if hidden.get(&path).is_some_and(|until| now < *until) {
                continue;
            }
            let message: Message = serde_json::from_slice(&fs::read(&path)?)?;
            let id = path.file_stem().unwrap_or_default().to_string_lossy();
            taken.push(json!({
                "MessageId": id,
                "ReceiptHandle": id,
                "MD5OfBody": digest(&message.body),
                "Body": message.body,
                "MessageAttributes": message.attributes,
            }));
            hidden.insert(path, now + Duration::from_secs(visibility));
        }
        Ok(taken)
    }

    fn delete(&self, queue: &Path, receipt: Option<&str>) -> Result<Reply, Refusal> {
        let path = message(queue, receipt)?;
        lock(&self.hidden).remove(&path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(json_reply(&json!({}))),
        }
    }

    fn hide(&self, queue: &Path, asked: &Asked) -> Result<Reply, Refusal> {
        let path = message(queue, asked.receipt_handle.as_deref())?;
        let Some(seconds) = asked.visibility_timeout else {
            let message = "no VisibilityTimeout";
            return Err(Refusal::new(
                400,
                "MissingRequiredParameterException",
                message,
            ));
        };
        if !path.exists() {
            return Err(Refusal::new(
                400,
                "InvalidParameterValue",
                "no such message",
            ));
        }
        let until = Instant::now() + Duration::from_secs(seconds);
        lock(&self.hidden).insert(path, until);
        Ok(json_reply(&json!({})))
    }

    fn count(&self, queue: &Path) -> Result<Reply, Refusal> {
        let now = Instant::now();
        let hidden = lock(&self.hidden);
        let all = messages(queue)?;
        let hidden = all
            .iter()
            .filter(|path| hidden.get(*path).is_some_and(|until| now < *until))
            .count();
        Ok(json_reply(&json!({"Attributes": {
            "ApproximateNumberOfMessages": (all.len() - hidden).to_string(),
            "ApproximateNumberOfMessagesNotVisible": hidden.to_string(),
        }})))
    }
}

/// The file of the message that a receipt is for.
fn message(queue: &Path, receipt: Option<&str>) -> Result<PathBuf, Refusal> {
    let receipt = receipt.unwrap_or_default();
    let known = |byte: u8| byte.is_ascii_digit() || byte == b'-';
    if receipt.is_empty() || !receipt.bytes().all(known) {
        return Err(Refusal::new(400, "ReceiptHandleIsInvalid", receipt));
    }
    Ok(queue.join(format!("{receipt}.json")))
}

/// The files of a queue's messages, the oldest first.
fn messages(queue: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(queue)? {
        paths.push(entry?.path());
    }
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    Ok(paths)
}

/// SQS's digest of a body, which clients may check.
fn digest(body: &str) -> String {
    let digest = Md5::digest(body.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
