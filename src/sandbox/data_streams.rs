//! Kinesis data streams: shards that records are put into and read from. A stream is there with
//! one shard as soon as it is named. Each record is a file, `data-streams/NAME/NUMBER.json` in the
//! data folder, with the fields that GetRecords gives it, its shard's id beside them; a sandbox
//! that is started again goes on from them.
//!
//! As Kinesis has it: an iterator is good for five minutes, a shard is read five times a second
//! at the most, and a shard that was split gives its children at its end. Which shard a
//! partition key falls into is made up.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire::{Refusal, Reply, json_reply, parse};
use crate::clock::now;
use crate::lock::lock;
use crate::media::counts::whole;
use crate::media::ticks::EpochMillis;
use crate::object_key::safe;

/// How long an iterator is good, unless the quota says otherwise.
const ITERATOR_SECONDS: u32 = 300;
/// How often a shard may be read within a second.
const READS_PER_SECOND: usize = 5;
/// Records that one call gives at the most.
const MAX_RECORDS: usize = 10_000;
/// Shards of a stream at the most.
const MAX_SHARDS: usize = 1_000;
/// Bytes of a record at the most.
const MAX_RECORD_BYTES: usize = 1 << 20;
/// A number of Kinesis's kind has 56 digits.
const FIRST_DIGITS: &str = "4963";

const INVALID: &str = "InvalidArgumentException";

#[derive(Debug)]
pub(super) struct DataStreams {
    folder: PathBuf,
    started: Instant,
    streams: Mutex<HashMap<String, DataStream>>,
}

#[derive(Debug, Default)]
struct DataStream {
    shards: Vec<Shard>,
    /// Counts records and shards.
    count: u64,
}

#[derive(Debug)]
struct Shard {
    parent: Option<usize>,
    first: u64,
    /// Nothing more is put into it.
    closed: Option<u64>,
    records: Vec<Stored>,
    reads: VecDeque<Instant>,
}

/// One record.
#[derive(Clone, Debug)]
struct Stored {
    shard: usize,
    sequence: u64,
    key: String,
    /// Epoch milliseconds.
    arrived: i64,
    /// Base64.
    data: String,
}

/// The same as its file has it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    shard_id: String,
    sequence_number: String,
    approximate_arrival_timestamp: i64,
    partition_key: String,
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    shard_id: Option<String>,
    shard_iterator: Option<String>,
    shard_iterator_type: Option<String>,
    starting_sequence_number: Option<String>,
    timestamp: Option<f64>,
    limit: Option<usize>,
    partition_key: Option<String>,
    data: Option<String>,
    shard_to_split: Option<String>,
}

impl DataStreams {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            started: Instant::now(),
            streams: Mutex::default(),
        }
    }

    pub(super) fn answer(
        &self,
        operation: &str,
        body: &[u8],
        iterator_seconds: Option<u32>,
    ) -> Result<Reply, Refusal> {
        let asked: Asked = parse(body, "SerializationException")?;
        let answer = match operation {
            "GetRecords" => self.records(&asked, iterator_seconds.unwrap_or(ITERATOR_SECONDS)),
            "ListShards" => self.with(&asked.stream()?, |stream| Ok(stream.listed())),
            "DescribeStreamSummary" => {
                let name = asked.stream()?;
                self.with(&name, |stream| Ok(stream.summary(&name)))
            }
            "GetShardIterator" => self.iterator(&asked),
            "PutRecord" => {
                let needed = |what: &Option<String>, name: &str| {
                    what.clone().ok_or_else(|| invalid(format!("no {name}")))
                };
                let key = needed(&asked.partition_key, "PartitionKey")?;
                let data = needed(&asked.data, "Data")?;
                self.put(&asked.stream()?, key, data)
            }
            "SplitShard" => {
                let id = asked.shard_to_split.as_deref().unwrap_or_default();
                self.with(&asked.stream()?, |stream| stream.split(id))
            }
            other => Err(Refusal::new(400, "UnknownOperationException", other)),
        };
        answer.map(|answer| json_reply(&answer))
    }

    /// Puts a record, whose data is base64.
    pub(super) fn put(&self, name: &str, key: String, data: String) -> Result<Value, Refusal> {
        if data.len() / 4 * 3 > MAX_RECORD_BYTES + 2 || key.is_empty() || key.len() > 1_024 {
            let most = "a record has 1 MiB at the most, and a key of 1 to 256 characters";
            return Err(invalid(most.to_owned()));
        }
        let path = self.path(name);
        self.with(name, |stream| {
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            let open = stream.open();
            let shard = usize::try_from(hasher.finish() % open.len() as u64).unwrap_or(0);
            let sequence = stream.next_count();
            let stored = Stored {
                shard: open[shard],
                sequence,
                key,
                arrived: now().0,
                data,
            };
            stored.keep(&path)?;
            let id = shard_id(stored.shard);
            stream.shards[stored.shard].records.push(stored);
            Ok(json!({"ShardId": id, "SequenceNumber": number(sequence)}))
        })
    }

    fn iterator(&self, asked: &Asked) -> Result<Value, Refusal> {
        let name = asked.stream()?;
        let kind = asked.shard_iterator_type.as_deref().unwrap_or_default();
        let id = asked.shard_id.as_deref().unwrap_or_default();
        let issued = self.started.elapsed().as_millis();
        self.with(&name, |stream| {
            let at = stream.shard(id)?;
            let records = &stream.shards[at].records;
            let sequence = || {
                let number = asked.starting_sequence_number.as_deref();
                let number = number.and_then(|number| number.strip_prefix(FIRST_DIGITS));
                let number = number.and_then(|number| number.parse::<u64>().ok());
                number.ok_or_else(|| invalid("no StartingSequenceNumber of this stream".to_owned()))
            };
            let place = match kind {
                "LATEST" => records.len(),
                "TRIM_HORIZON" => 0,
                "AT_TIMESTAMP" => {
                    let seconds = asked.timestamp.unwrap_or_default();
                    let time = whole((seconds * 1_000.0).round());
                    records.partition_point(|record| record.arrived < time)
                }
                "AT_SEQUENCE_NUMBER" => {
                    let sequence = sequence()?;
                    records.partition_point(|record| record.sequence < sequence)
                }
                "AFTER_SEQUENCE_NUMBER" => {
                    let sequence = sequence()?;
                    records.partition_point(|record| record.sequence <= sequence)
                }
                other => return Err(invalid(format!("ShardIteratorType {other}"))),
            };
            Ok(json!({"ShardIterator": token(&name, at, place, issued)}))
        })
    }

    fn records(&self, asked: &Asked, iterator_seconds: u32) -> Result<Value, Refusal> {
        let iterator = asked.shard_iterator.as_deref().unwrap_or_default();
        let (name, shard, place, issued) =
            read_token(iterator).ok_or_else(|| invalid("Invalid ShardIterator.".to_owned()))?;
        let since = self.started.elapsed().as_millis();
        if since.saturating_sub(issued) > u128::from(iterator_seconds) * 1_000 {
            let message = format!("Iterator expired. It was good for {iterator_seconds} s.");
            return Err(Refusal::new(400, "ExpiredIteratorException", message));
        }
        self.with(&name, |stream| {
            let children = stream.children(shard);
            let from = stream
                .shards
                .get_mut(shard)
                .ok_or_else(|| invalid("Invalid ShardIterator.".to_owned()))?;
            from.count_read(Instant::now())?;
            let most = asked.limit.unwrap_or(MAX_RECORDS).clamp(1, MAX_RECORDS);
            let records: Vec<_> = from.records.iter().skip(place).take(most).collect();
            let next = place + records.len();
            let is_over = from.closed.is_some() && next >= from.records.len();
            let records: Vec<_> = records
                .into_iter()
                .map(|record| {
                    json!({
                        "SequenceNumber": number(record.sequence),
                        "ApproximateArrivalTimestamp": EpochMillis(record.arrived).to_seconds(),
                        "PartitionKey": record.key,
                        "Data": record.data,
                    })
                })
                .collect();
            let mut answer = json!({"Records": records, "MillisBehindLatest": 0});
            match is_over {
                true => answer["ChildShards"] = children.into(),
                false => answer["NextShardIterator"] = token(&name, shard, next, since).into(),
            }
            Ok(answer)
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(safe(name))
    }

    /// Does something with a stream; it is made, or read back, when it is first named.
    fn with<T>(
        &self,
        name: &str,
        work: impl FnOnce(&mut DataStream) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut streams = lock(&self.streams);
        if !streams.contains_key(name) {
            let stream = DataStream::read(&self.path(name))?;
            streams.insert(name.to_owned(), stream);
        }
        match streams.get_mut(name) {
            Some(stream) => work(stream),
            None => Err(Refusal::new(404, "ResourceNotFoundException", name)),
        }
    }
}

impl DataStream {
    fn read(path: &Path) -> Result<Self, Refusal> {
        let mut stream = Self::default();
        stream.add_shard(None);
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(stream),
            entries => entries?,
        };
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files {
            let kept: Kept = serde_json::from_slice(&fs::read(&file)?)?;
            let Some(stored) = kept.stored() else {
                let message = format!("{}: no record of this sandbox's", file.display());
                return Err(Refusal::new(500, "InternalFailure", message));
            };
            while stream.shards.len() <= stored.shard.min(MAX_SHARDS) {
                stream.add_shard(None);
            }
            stream.count = stream.count.max(stored.sequence);
            if let Some(shard) = stream.shards.get_mut(stored.shard) {
                shard.records.push(stored);
            }
        }
        Ok(stream)
    }

    fn next_count(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn add_shard(&mut self, parent: Option<usize>) -> usize {
        let first = self.next_count();
        self.shards.push(Shard {
            parent,
            first,
            closed: None,
            records: Vec::new(),
            reads: VecDeque::new(),
        });
        self.shards.len() - 1
    }

    /// Those that records are put into. There is always one.
    fn open(&self) -> Vec<usize> {
        let shards = self.shards.iter().enumerate();
        let open = shards.filter(|(_, shard)| shard.closed.is_none());
        open.map(|(at, _)| at).collect()
    }

    fn shard(&self, id: &str) -> Result<usize, Refusal> {
        let found = (0..self.shards.len()).find(|at| shard_id(*at) == id);
        found.ok_or_else(|| {
            let message = format!("Shard {id} does not exist");
            Refusal::new(400, "ResourceNotFoundException", message)
        })
    }

    fn listed(&self) -> Value {
        let shards: Vec<_> = (0..self.shards.len()).map(|at| self.told(at)).collect();
        json!({"Shards": shards})
    }

    fn told(&self, at: usize) -> Value {
        let shard = &self.shards[at];
        let mut range = json!({"StartingSequenceNumber": number(shard.first)});
        if let Some(end) = shard.closed {
            range["EndingSequenceNumber"] = number(end).into();
        }
        let mut told = json!({
            "ShardId": shard_id(at),
            "HashKeyRange": hash_keys(),
            "SequenceNumberRange": range,
        });
        if let Some(parent) = shard.parent {
            told["ParentShardId"] = shard_id(parent).into();
        }
        told
    }

    fn summary(&self, name: &str) -> Value {
        json!({"StreamDescriptionSummary": {
            "StreamName": name,
            "StreamARN": format!("arn:aws:kinesis:us-east-1:111122223333:stream/{name}"),
            "StreamStatus": "ACTIVE",
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 1_760_000_000.0,
            "EnhancedMonitoring": [],
            "OpenShardCount": self.open().len(),
        }})
    }

    fn split(&mut self, id: &str) -> Result<Value, Refusal> {
        let at = self.shard(id)?;
        if self.shards[at].closed.is_some() {
            return Err(invalid(format!("{id} is closed")));
        }
        let end = self.next_count();
        self.shards[at].closed = Some(end);
        self.add_shard(Some(at));
        self.add_shard(Some(at));
        Ok(json!({}))
    }

    fn children(&self, of: usize) -> Vec<Value> {
        let shards = self.shards.iter().enumerate();
        let children = shards.filter(|(_, shard)| shard.parent == Some(of));
        let told = children.map(|(at, _)| {
            json!({
                "ShardId": shard_id(at), "ParentShards": [shard_id(of)], "HashKeyRange": hash_keys(),
            })
        });
        told.collect()
    }
}

impl Stored {
    fn keep(&self, folder: &Path) -> io::Result<()> {
        let kept = Kept {
            shard_id: shard_id(self.shard),
            sequence_number: number(self.sequence),
            approximate_arrival_timestamp: self.arrived,
            partition_key: self.key.clone(),
            data: self.data.clone(),
        };
        fs::create_dir_all(folder)?;
        let file = folder.join(format!("{:06}.json", self.sequence));
        fs::write(file, serde_json::to_vec_pretty(&kept)?)
    }
}

impl Kept {
    fn stored(self) -> Option<Stored> {
        let sequence = self.sequence_number.strip_prefix(FIRST_DIGITS)?;
        let shard = self.shard_id.strip_prefix("shardId-")?;
        Some(Stored {
            shard: shard.parse().ok()?,
            sequence: sequence.parse().ok()?,
            key: self.partition_key,
            arrived: self.approximate_arrival_timestamp,
            data: self.data,
        })
    }
}

impl Shard {
    fn count_read(&mut self, at: Instant) -> Result<(), Refusal> {
        let past = |read: &Instant| at.duration_since(*read) >= Duration::from_secs(1);
        while self.reads.front().is_some_and(past) {
            self.reads.pop_front();
        }
        if self.reads.len() >= READS_PER_SECOND {
            let message = "Rate exceeded for shard";
            let error = "ProvisionedThroughputExceededException";
            return Err(Refusal::new(400, error, message));
        }
        self.reads.push_back(at);
        Ok(())
    }
}

impl Asked {
    fn stream(&self) -> Result<String, Refusal> {
        let arn = self.stream_arn.as_deref();
        let of_arn = arn
            .and_then(|arn| arn.rsplit_once('/'))
            .map(|(_, name)| name);
        let name = self.stream_name.as_deref().or(of_arn);
        let name = name.filter(|name| !name.is_empty());
        name.map(str::to_owned)
            .ok_or_else(|| invalid("neither StreamName nor StreamARN".to_owned()))
    }
}

fn invalid(message: String) -> Refusal {
    Refusal::new(400, INVALID, message)
}

fn shard_id(at: usize) -> String {
    format!("shardId-{at:012}")
}

fn number(count: u64) -> String {
    format!("{FIRST_DIGITS}{count:052}")
}

fn hash_keys() -> Value {
    json!({"StartingHashKey": "0", "EndingHashKey": u128::MAX.to_string()})
}

fn token(name: &str, shard: usize, place: usize, issued: u128) -> String {
    format!("{issued}:{shard}:{place}:{name}")
}

fn read_token(token: &str) -> Option<(String, usize, usize, u128)> {
    let mut parts = token.splitn(4, ':');
    let issued = parts.next()?.parse().ok()?;
    let shard = parts.next()?.parse().ok()?;
    let place = parts.next()?.parse().ok()?;
    Some((parts.next()?.to_owned(), shard, place, issued))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(streams: &DataStreams, operation: &str, body: Value) -> Result<Value, Refusal> {
        let body = body.to_string();
        let asked: Asked = parse(body.as_bytes(), INVALID)?;
        match operation {
            "GetRecords" => streams.records(&asked, ITERATOR_SECONDS),
            "GetShardIterator" => streams.iterator(&asked),
            _ => streams.with("calls", |stream| Ok(stream.listed())),
        }
    }

    fn keys(answer: &Value) -> Vec<&str> {
        let records = answer["Records"].as_array().unwrap();
        let keys = records.iter().map(|record| record["PartitionKey"].as_str());
        keys.map(Option::unwrap).collect()
    }

    #[test]
    fn a_split_shard_ends_and_names_its_children_and_a_new_start_knows_the_records() {
        let folder = tempfile::tempdir().unwrap();
        let streams = DataStreams::new(folder.path().to_owned());
        for key in ["a", "b"] {
            streams
                .put("calls", key.to_owned(), "e30=".to_owned())
                .unwrap();
        }
        let shard = json!({"StreamName": "calls", "ShardId": shard_id(0), "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = ask(&streams, "GetShardIterator", shard.clone()).unwrap();
        let first = json!({"ShardIterator": iterator["ShardIterator"], "Limit": 1});
        let first = ask(&streams, "GetRecords", first).unwrap();
        assert_eq!(keys(&first), ["a"]);
        streams
            .with("calls", |stream| stream.split(&shard_id(0)))
            .unwrap();
        let next = json!({"ShardIterator": first["NextShardIterator"]});
        let last = ask(&streams, "GetRecords", next).unwrap();
        assert_eq!(keys(&last), ["b"]);
        assert!(last["NextShardIterator"].is_null(), "{last}");
        let children = last["ChildShards"].as_array().unwrap();
        assert_eq!(children.len(), 2);
        let put = streams
            .put("calls", "c".to_owned(), "e30=".to_owned())
            .unwrap();
        assert_ne!(put["ShardId"], shard_id(0));
        let again = DataStreams::new(folder.path().to_owned());
        let iterator = ask(&again, "GetShardIterator", shard).unwrap();
        let all = json!({"ShardIterator": iterator["ShardIterator"]});
        assert_eq!(keys(&ask(&again, "GetRecords", all).unwrap()), ["a", "b"]);
    }

    #[test]
    fn a_shard_is_read_five_times_a_second_and_an_iterator_grows_old() {
        let folder = tempfile::tempdir().unwrap();
        let streams = DataStreams::new(folder.path().to_owned());
        let asked = || Asked {
            shard_iterator: Some(token("calls", 0, 0, 0)),
            ..parse(b"{}", INVALID).unwrap()
        };
        for _ in 0..READS_PER_SECOND {
            streams.records(&asked(), 300).unwrap();
        }
        let refused = streams.records(&asked(), 300).unwrap_err();
        assert_eq!(refused.error, "ProvisionedThroughputExceededException");
        std::thread::sleep(Duration::from_millis(5));
        let expired = streams.records(&asked(), 0).unwrap_err();
        assert_eq!(expired.error, "ExpiredIteratorException");
    }
}
