//! A data stream of calls: records put by a contact flow's function, and read at a desk. Which
//! shard is read when says [`monitor::feed`](crate::monitor::feed).

use aws_config::SdkConfig;
use aws_sdk_kinesis as kinesis;
use aws_sdk_kinesis::types::ShardIteratorType;
use aws_smithy_types::DateTime;

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, failure, is_expired};
use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::monitor::feed::{From, Record, Records, Shard, Trouble};

/// Records that one call gives at the most; each is an event of some kilobytes.
const AT_ONCE: i32 = 1_000;
/// Pages of a listing at the most: a stream has some thousand shards at the most.
const MAX_PAGES: usize = 100;

/// One data stream.
#[derive(Debug)]
pub struct CallStream {
    client: kinesis::Client,
    name: Box<str>,
}

impl CallStream {
    /// A stream that is read; who reads it tries again by itself.
    pub fn to_read(shared: &SdkConfig, name: &str) -> Self {
        let config = kinesis::config::Builder::from(&Trying::ONCE.on(shared));
        Self {
            client: kinesis::Client::from_conf(config.interceptor(CheckAnswers).build()),
            name: name.into(),
        }
    }

    /// All shards.
    pub async fn shards(&self) -> Result<Vec<Shard>, Failure> {
        let mut shards = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let request = self.client.list_shards();
            // The token stands for the stream.
            let request = match next.take() {
                Some(token) => request.next_token(token),
                None => request.stream_name(&*self.name),
            };
            let answer = request.send().await;
            let answer = answer.map_err(|error| failure(Call::ListShards, &self.name, &error))?;
            shards.extend(answer.shards().iter().map(|shard| {
                let range = shard.sequence_number_range();
                let end = range.and_then(|range| range.ending_sequence_number());
                Shard {
                    id: shard.shard_id().into(),
                    is_closed: end.is_some(),
                }
            }));
            next = answer.next_token;
            if next.is_none() {
                break;
            }
        }
        Ok(shards)
    }

    /// An iterator of a shard.
    pub async fn iterator(&self, shard: &str, from: &From) -> Result<Box<str>, Failure> {
        let request = self.client.get_shard_iterator();
        let request = request.stream_name(&*self.name).shard_id(shard);
        let request = match from {
            From::Latest => request.shard_iterator_type(ShardIteratorType::Latest),
            From::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            From::At(time) => request
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis(time.0)),
            From::After(sequence) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(&**sequence),
        };
        let answer = request.send().await;
        let answer = answer.map_err(|error| failure(Call::GetShardIterator, &self.name, &error))?;
        Ok(answer.shard_iterator.unwrap_or_default().into())
    }

    /// The records at an iterator.
    pub async fn records(&self, iterator: &str) -> Result<Records, (Trouble, Failure)> {
        let request = self.client.get_records().shard_iterator(iterator);
        let answer = request.limit(AT_ONCE).send().await;
        let answer = answer.map_err(|error| {
            let trouble = match is_expired(&error) {
                true => Trouble::Expired,
                false => Trouble::Passing,
            };
            (trouble, failure(Call::GetRecords, &self.name, &error))
        })?;
        let children = answer.child_shards().iter().map(|child| Shard {
            id: child.shard_id().into(),
            is_closed: false,
        });
        Ok(Records {
            children: children.collect(),
            is_behind: answer.millis_behind_latest.is_some_and(|millis| millis > 0),
            next: answer.next_shard_iterator.map(Box::from),
            records: answer
                .records
                .into_iter()
                .map(|record| Record {
                    sequence: record.sequence_number.into(),
                    arrived: record
                        .approximate_arrival_timestamp
                        .and_then(|time| time.to_millis().ok())
                        .map(EpochMillis),
                    data: record.data.into_inner(),
                })
                .collect(),
        })
    }
}
