//! Lambda's part in virtual time: the event source mappings of the data stream and of the
//! queue, and both of these themselves, as template.yaml sets them up for media that is kept
//! for a day.

use std::collections::VecDeque;

use callreel::batches::{Function, REST};
use callreel::recorder::{Reading, Recorder};
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::common::edges::{Lot, Notes, Store};
use crate::common::memory::Memory;
use crate::common::outages::{Aws, HOUR, MINUTE, SECOND, Service, arrival_seconds, call, stream};
use crate::common::{self, policy};

/// ParallelizationFactor: parts of the shard, each of which keeps its order.
const PARTS: usize = 4;
/// BatchSize of the data stream, MaximumBatchingWindowInSeconds, MaximumRecordAgeInSeconds.
const BATCH: usize = 10;
const WINDOW: i64 = 5 * SECOND;
const RECORD_AGE: i64 = 12 * HOUR;
/// BatchSize of the queue, and its MaximumConcurrency.
const MESSAGES: usize = 5;
const READERS: usize = 2;
/// DelaySeconds, VisibilityTimeout and maxReceiveCount of the queue.
const DELAY: i64 = 15 * MINUTE;
const HIDDEN: i64 = 90 * MINUTE;
const RECEIVES: u32 = 16;

/// What came out.
#[derive(Debug)]
pub struct Outcome {
    pub calls: usize,
    /// Calls whose URLs stand on their contacts.
    pub recorded: usize,
    /// The longest time from a record's arrival until then.
    pub late: i64,
    /// The longest time that a record was in the stream's way: from its arrival until it was
    /// done, parked or given up.
    pub in_stream: i64,
    /// Messages that were sent to the queue.
    pub parked: usize,
    /// Messages in the dead-letter queue.
    pub dead: usize,
    /// Records in the bucket of failed records.
    pub given_up: usize,
}

struct Waiting {
    number: usize,
    arrived: i64,
    /// The record as it stands in Lambda's event.
    record: Value,
}

#[derive(Default)]
struct Part {
    records: VecDeque<Waiting>,
    free_at: i64,
}

struct Message {
    id: usize,
    body: String,
    visible_at: i64,
    receives: u32,
}

pub struct Lambda {
    aws: Aws,
    parts: [Part; PARTS],
    readers: [i64; READERS],
    queue: Vec<Message>,
    outcome: Outcome,
}

/// The function over these edges.
pub fn function(
    aws: &Aws,
) -> Function<&Aws, Store<'_, Memory>, Notes<'_, Memory>, Lot<'_, Memory>> {
    let recorder = Recorder {
        source: aws,
        store: aws.store(),
        attributes: aws.notes(),
        policy: policy(),
        reading: Reading::default(),
    };
    common::function(recorder, aws.queue())
}

/// A record as it stands in Lambda's event.
pub fn record(number: usize, arrived: i64) -> Value {
    let mut event = call(number, arrived).event_json(&stream(number, arrived));
    let kinesis = &mut event["Records"][0]["kinesis"];
    kinesis["sequenceNumber"] = json!(number.to_string());
    kinesis["approximateArrivalTimestamp"] = json!(arrival_seconds(arrived));
    event["Records"][0].take()
}

/// What is invoked next.
#[derive(Clone, Copy)]
enum Next {
    Part(usize),
    Reader(usize),
}

impl Lambda {
    pub fn new(aws: Aws) -> Self {
        Self {
            aws,
            parts: Default::default(),
            readers: [0; READERS],
            queue: Vec::new(),
            outcome: Outcome {
                calls: 0,
                recorded: 0,
                late: 0,
                in_stream: 0,
                parked: 0,
                dead: 0,
                given_up: 0,
            },
        }
    }

    /// Records come at these times; until none is left anywhere.
    pub fn run(mut self, arrivals: impl Iterator<Item = i64>) -> Outcome {
        let mut came = Vec::new();
        for (number, arrived) in arrivals.enumerate() {
            came.push(arrived);
            self.parts[number % PARTS].records.push_back(Waiting {
                number,
                arrived,
                record: record(number, arrived),
            });
        }
        while let Some((now, next)) = self.next() {
            match next {
                Next::Part(part) => self.deliver_records(part, now),
                Next::Reader(reader) => self.deliver_messages(reader, now),
            }
        }
        self.outcome.calls = came.len();
        for (number, arrived) in came.into_iter().enumerate() {
            if let Some(recorded) = self.aws.recorded(number) {
                self.outcome.recorded += 1;
                self.outcome.late = self.outcome.late.max(recorded - arrived);
            }
        }
        self.outcome
    }

    fn next(&self) -> Option<(i64, Next)> {
        let parts = self.parts.iter().enumerate().filter_map(|(at, part)| {
            let first = part.records.front()?;
            Some((part.free_at.max(first.arrived + WINDOW), Next::Part(at)))
        });
        let visible = self.queue.iter().map(|message| message.visible_at).min();
        let readers = self.readers.iter().enumerate().filter_map(|(at, free)| {
            let ready = visible?.max(*free);
            let ready = self.aws.well_at(Service::Sqs, ready);
            Some((ready, Next::Reader(at)))
        });
        parts.chain(readers).min_by_key(|(when, _)| *when)
    }

    /// What the function hands back, and when it is free again.
    fn invoke(&mut self, event: &Value, now: i64) -> (Vec<String>, i64) {
        self.aws.begin(now);
        let aws = &self.aws;
        let batch = block_on(function(aws).handle(event, &aws, |_, _| ())).unwrap();
        let rest = match batch.stands_still() {
            true => i64::try_from(REST.as_millis()).unwrap(),
            false => 0,
        };
        let ends = aws.time() + rest;
        for body in aws.take_parked() {
            let id = self.outcome.parked;
            self.outcome.parked += 1;
            self.queue.push(Message {
                id,
                body,
                visible_at: ends + DELAY,
                receives: 0,
            });
        }
        (batch.failures(), ends)
    }

    fn deliver_records(&mut self, part: usize, now: i64) {
        let records = &mut self.parts[part].records;
        let before = records.len();
        records.retain(|record| now - record.arrived <= RECORD_AGE);
        self.outcome.given_up += before - records.len();
        let batch = records
            .iter()
            .take_while(|record| record.arrived <= now)
            .take(BATCH);
        let mut events = Vec::new();
        for record in batch {
            events.push(record.record.clone());
        }
        let count = events.len();
        let (failures, ends) = self.invoke(&json!({ "Records": events }), now);
        let part = &mut self.parts[part];
        part.free_at = ends;
        // The stream goes on from the lowest number that was handed back.
        let lowest = failures.iter().map(|number| number.parse().unwrap()).min();
        let done = |record: &&Waiting| lowest.is_none_or(|lowest: usize| record.number < lowest);
        let done = part.records.iter().take(count).take_while(done).count();
        for record in part.records.drain(..done) {
            self.outcome.in_stream = self.outcome.in_stream.max(ends - record.arrived);
        }
    }

    fn deliver_messages(&mut self, reader: usize, now: i64) {
        let mut taken = Vec::new();
        let mut dead = Vec::new();
        for message in &mut self.queue {
            if message.visible_at > now || taken.len() == MESSAGES {
                continue;
            }
            if message.receives == RECEIVES {
                dead.push(message.id);
                continue;
            }
            message.receives += 1;
            message.visible_at = now + HIDDEN;
            taken.push(message.id);
        }
        self.outcome.dead += dead.len();
        self.queue.retain(|message| !dead.contains(&message.id));
        if taken.is_empty() {
            return;
        }
        let records = self
            .queue
            .iter()
            .filter(|message| taken.contains(&message.id));
        let records: Vec<_> = records
            .map(|message| {
                json!({
                    "eventSource": "aws:sqs",
                    "messageId": message.id.to_string(),
                    "body": message.body,
                })
            })
            .collect();
        let (failures, ends) = self.invoke(&json!({ "Records": records }), now);
        self.readers[reader] = ends;
        self.queue.retain(|message| {
            !taken.contains(&message.id) || failures.contains(&message.id.to_string())
        });
    }
}
