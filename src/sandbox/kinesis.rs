//! Kinesis's PutRecord: each record is a file, `data-streams/NAME/NUMBER.json` in the data
//! folder, with the fields that GetRecords gives it, its shard's id beside them. A stream of any
//! name is there, with one shard.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Refusal, Reply, json_reply, parse};
use crate::clock;
use crate::lock::lock;
use crate::object_key::safe;

/// Bytes of a record at the most, its key included; characters of a key (Amazon Kinesis Data
/// Streams API Reference, PutRecord).
const MAX_RECORD_BYTES: usize = 1 << 20;
const MAX_KEY_CHARS: usize = 256;
/// The only shard.
const SHARD: &str = "shardId-000000000000";

#[derive(Debug)]
pub(super) struct Kinesis {
    folder: PathBuf,
    /// Numbers are given one at a time.
    turn: Mutex<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    partition_key: String,
    data: String,
}

impl Kinesis {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            turn: Mutex::new(()),
        }
    }

    pub(super) fn answer(&self, operation: &str, body: &[u8]) -> Result<Reply, Refusal> {
        match operation {
            "PutRecord" => self.put(body),
            other => Err(Refusal::new(400, "UnknownOperationException", other)),
        }
    }

    fn put(&self, body: &[u8]) -> Result<Reply, Refusal> {
        let asked: Asked = parse(body, "SerializationException")?;
        let refused = |message: String| Refusal::new(400, "ValidationException", message);
        let named = asked.stream_name.or_else(|| {
            let arn = asked.stream_arn?;
            arn.rsplit('/').next().map(str::to_owned)
        });
        let name = named.ok_or_else(|| refused("StreamName or StreamARN is needed".to_owned()))?;
        if !(1..=MAX_KEY_CHARS).contains(&asked.partition_key.chars().count()) {
            return Err(refused(format!(
                "PartitionKey must have 1 to {MAX_KEY_CHARS} characters"
            )));
        }
        let data = BASE64_STANDARD.decode(&asked.data);
        let data = data.map_err(|error| refused(format!("Data: {error}")))?;
        if data.len() + asked.partition_key.len() > MAX_RECORD_BYTES {
            return Err(refused(format!(
                "a record has {MAX_RECORD_BYTES} bytes at the most"
            )));
        }
        let sequence = self.keep(&name, &asked.partition_key, &asked.data)?;
        Ok(json_reply(
            &json!({"ShardId": SHARD, "SequenceNumber": sequence}),
        ))
    }

    /// Keeps a record behind those that there are.
    fn keep(&self, stream: &str, key: &str, data: &str) -> Result<String, Refusal> {
        let _turn = lock(&self.turn);
        let folder = self.folder.join(safe(stream));
        fs::create_dir_all(&folder)?;
        let number = fs::read_dir(&folder)?.count();
        // Kinesis's have 56 digits.
        let sequence = format!("4966{number:052}");
        let record: Value = json!({
            "ShardId": SHARD,
            "SequenceNumber": sequence,
            "ApproximateArrivalTimestamp": clock::now().0,
            "PartitionKey": key,
            "Data": data,
        });
        fs::write(
            folder.join(format!("{number:06}.json")),
            format!("{record:#}\n"),
        )?;
        Ok(sequence)
    }
}
