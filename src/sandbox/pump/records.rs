//! The data stream of contact records: files that come to a folder go to the function in
//! batches, as an event source mapping hands them over. What it hands back comes again with all
//! that is behind it; what was tried too often goes to the queue of failed records.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::runtime::{Answer, Function};
use crate::sandbox::happenings::REGION;

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Records of a batch at the most, as stacks/voicemail.yaml has it.
const BATCH: usize = 10;
/// How often a batch is tried again.
const RETRIES: u32 = 3;
/// The wait before a batch comes again.
const WAIT: Duration = Duration::from_millis(200);

/// A record with its place in the stream.
#[derive(Clone, Debug)]
struct Record {
    sequence: String,
    event: Value,
}

/// Watches a folder for records, and hands each to one of the shards.
pub(super) async fn watch(folder: PathBuf, shards: Vec<mpsc::UnboundedSender<Value>>) {
    let mut seen: BTreeMap<PathBuf, SystemTime> = BTreeMap::new();
    loop {
        for (path, modified) in files(&folder) {
            if seen.get(&path) == Some(&modified) {
                continue;
            }
            let Ok(bytes) = std::fs::read(&path) else {
                continue;
            };
            seen.insert(path, modified);
            let record: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            // What no pattern of JSON can match is dropped by the mapping, too.
            if !is_of_voicemail(&record) {
                continue;
            }
            let contact = record["ContactId"].as_str().unwrap_or_default();
            let shard = contact.bytes().map(usize::from).sum::<usize>() % shards.len().max(1);
            if let Some(shard) = shards.get(shard) {
                let _ = shard.send(kinesis(contact, &bytes));
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The files of records, with the time of each.
fn files(folder: &Path) -> Vec<(PathBuf, SystemTime)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter(|entry| {
            Path::new(&entry.file_name())
                .extension()
                .is_some_and(|it| it == "json")
        })
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.modified().ok()?)))
        .collect();
    files.sort();
    files
}

/// The filter of the mapping: a contact that is flagged, that streamed, and that no agent took.
fn is_of_voicemail(record: &Value) -> bool {
    let recordings = record["Recordings"].as_array();
    record["Attributes"]["vmx3_flag"] == "1"
        && record["Agent"].is_null()
        && recordings.is_some_and(|recordings| {
            let mut types = recordings.iter().map(|recording| &recording["StorageType"]);
            types.any(|kind| kind == "KINESIS_VIDEO_STREAM")
        })
}

fn kinesis(contact: &str, record: &[u8]) -> Value {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": contact, "sequenceNumber": "",
            "data": STANDARD.encode(record),
            "approximateArrivalTimestamp": since.unwrap_or_default().as_secs_f64(),
        },
        "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": "",
        "eventName": "aws:kinesis:record", "awsRegion": REGION,
        "invokeIdentityArn": "arn:aws:iam::111122223333:role/sandbox",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:111122223333:stream/contact-records",
    })
}

/// Works one shard, batch after batch; `fail` keeps what was tried too often.
pub(super) async fn work(
    shard: usize,
    mut records: mpsc::UnboundedReceiver<Value>,
    function: Arc<Function>,
    fail: impl Fn(Value),
) {
    let mut number: u64 = 0;
    while let Some(first) = records.recv().await {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(record) = records.try_recv()
        {
            batch.push(record);
        }
        let batch = batch.into_iter().map(|mut event| {
            number += 1;
            let sequence = format!("{number:056}");
            event["kinesis"]["sequenceNumber"] = json!(sequence);
            event["eventID"] = json!(format!("shardId-{shard:012}:{sequence}"));
            Record { sequence, event }
        });
        drain(batch.collect(), &function, &fail).await;
    }
}

async fn drain(batch: Vec<Record>, function: &Function, fail: &impl Fn(Value)) {
    let mut waiting = VecDeque::from([(batch, 0)]);
    while let Some((batch, retries)) = waiting.pop_front() {
        let events: Vec<_> = batch.iter().map(|record| &record.event).collect();
        let answer = function.invoke(json!({ "Records": events })).await;
        let rest = left(batch, &answer);
        if rest.is_empty() {
            continue;
        }
        if retries >= RETRIES {
            let events: Vec<_> = rest.iter().map(|record| &record.event).collect();
            fail(json!({
                "condition": "RetryAttemptsExhausted",
                "answer": answer.unwrap_or_else(|error| error),
                "KinesisBatchInfo": {"batchSize": rest.len()},
                "Records": events,
            }));
            continue;
        }
        tokio::time::sleep(WAIT).await;
        // Halved, so that one that breaks the function is alone at last.
        let half = rest.len() / 2;
        let (front, back) = rest.split_at(half);
        let mut parts = vec![back, front];
        parts.retain(|part| !part.is_empty());
        for part in parts {
            waiting.push_front((part.to_vec(), retries + 1));
        }
    }
}

/// What comes again: everything from the lowest that was handed back on.
fn left(batch: Vec<Record>, answer: &Answer) -> Vec<Record> {
    let Ok(answer) = answer else {
        return batch;
    };
    let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
    let failures = failures.filter_map(|failure| failure["itemIdentifier"].as_str());
    let lowest = failures.min().map(str::to_owned);
    match lowest {
        None => Vec::new(),
        Some(lowest) => batch
            .into_iter()
            .skip_while(|record| record.sequence < lowest)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_that_of_the_mapping() {
        #[track_caller]
        fn check(change: Value, expected: bool) {
            let mut record = json!({"ContactId": "c", "Agent": null,
                "Attributes": {"vmx3_flag": "1"},
                "Recordings": [{"StorageType": "S3"}, {"StorageType": "KINESIS_VIDEO_STREAM"}]});
            for (name, value) in change.as_object().unwrap() {
                record[name] = value.clone();
            }
            assert_eq!(is_of_voicemail(&record), expected, "{record}");
        }
        check(json!({}), true);
        check(json!({"Attributes": {"vmx3_flag": "0"}}), false);
        check(json!({"Attributes": {}}), false);
        check(json!({"Agent": {"ARN": "a"}}), false);
        check(json!({"Recordings": null}), false);
        check(json!({"Recordings": [{"StorageType": "S3"}]}), false);
    }

    #[test]
    fn what_is_handed_back_comes_with_all_behind_it() {
        let batch = |count: u64| -> Vec<_> {
            let numbers = 1..=count;
            numbers
                .map(|number| Record {
                    sequence: format!("{number:056}"),
                    event: json!(number),
                })
                .collect()
        };
        #[track_caller]
        fn check(batch: Vec<Record>, answer: Answer, expected: &[u64]) {
            let left: Vec<_> = left(batch, &answer)
                .iter()
                .map(|it| it.event.as_u64())
                .collect();
            let expected: Vec<_> = expected.iter().copied().map(Some).collect();
            assert_eq!(left, expected);
        }
        let failed = |numbers: &[u64]| {
            let numbers = numbers
                .iter()
                .map(|number| json!({"itemIdentifier": format!("{number:056}")}));
            Ok(json!({"batchItemFailures": numbers.collect::<Vec<_>>()}))
        };
        check(batch(3), failed(&[]), &[]);
        check(batch(3), failed(&[2]), &[2, 3]);
        check(batch(3), failed(&[3, 1]), &[1, 2, 3]);
        check(batch(2), Err(json!({})), &[1, 2]);
    }
}
