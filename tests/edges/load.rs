//! A peak: 1,000 calls whose records come within a minute, for four executions at once, and
//! Connect's bucket of 10 calls a second with 15 at once, from which another system reads
//! twice a second. The real function and the real edge to Connect with its pace and retries;
//! media and files cost nothing, so that Connect alone limits. In real time, some minutes:
//!
//! `cargo test --all-features --test edges load -- --ignored --nocapture`

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use crate::common::outages::{Aws, call, contact, stream};
use crate::common::{self, policy};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use callreel::aws::ConnectContacts;
use callreel::batches::REST;
use callreel::port::NoDeadline;
use callreel::recorder::{Reading, Recorder};
use serde_json::{Value, json};
use tokio::time::sleep;

const CALLS: usize = 1_000;
const EXECUTIONS: usize = 4;
const BATCH: usize = 10;
const PEAK: Duration = Duration::from_secs(60);
const WINDOW: Duration = Duration::from_secs(5);

/// One of Connect's token buckets.
struct Bucket {
    level: f64,
    at: Instant,
}

impl Bucket {
    const PER_SECOND: f64 = 10.0;
    const BURST: f64 = 15.0;

    fn new() -> Mutex<Self> {
        Mutex::new(Self {
            level: Self::BURST,
            at: Instant::now(),
        })
    }

    fn take(&mut self) -> bool {
        let passed = self.at.elapsed().as_secs_f64();
        self.at = Instant::now();
        self.level = (self.level + passed * Self::PER_SECOND).min(Self::BURST);
        let enough = self.level >= 1.0;
        if enough {
            self.level -= 1.0;
        }
        enough
    }
}

type Attributes = BTreeMap<String, String>;

/// Amazon Connect: its quotas, and the attributes with the time of their last change.
struct Connect {
    reads: Mutex<Bucket>,
    writes: Mutex<Bucket>,
    /// Reads and writes of the function that were refused.
    refused: Mutex<[usize; 2]>,
    /// Reads of the other system, and those of them that were refused.
    other: Mutex<[usize; 2]>,
    attributes: Mutex<BTreeMap<String, (Instant, Attributes)>>,
}

fn throttled() -> Response {
    let name = "TooManyRequestsException";
    (
        StatusCode::TOO_MANY_REQUESTS,
        [("x-amzn-errortype", name)],
        Json(json!({"message": "Rate exceeded"})),
    )
        .into_response()
}

async fn read(
    State(connect): State<Arc<Connect>>,
    Path((_, contact)): Path<(String, String)>,
) -> Response {
    if !connect.reads.lock().unwrap().take() {
        connect.refused.lock().unwrap()[0] += 1;
        return throttled();
    }
    let attributes = connect.attributes.lock().unwrap();
    let held = attributes.get(&contact).map(|(_, held)| held.clone());
    Json(json!({"Attributes": held.unwrap_or_default()})).into_response()
}

async fn write(State(connect): State<Arc<Connect>>, Json(update): Json<Value>) -> Response {
    if !connect.writes.lock().unwrap().take() {
        connect.refused.lock().unwrap()[1] += 1;
        return throttled();
    }
    let contact = update["InitialContactId"].as_str().unwrap().to_owned();
    let changes: BTreeMap<String, String> =
        serde_json::from_value(update["Attributes"].clone()).unwrap();
    let mut attributes = connect.attributes.lock().unwrap();
    let (when, held) = attributes
        .entry(contact)
        .or_insert_with(|| (Instant::now(), BTreeMap::new()));
    *when = Instant::now();
    held.extend(changes);
    Json(json!({})).into_response()
}

async fn serve(connect: &Arc<Connect>) -> SdkConfig {
    let router = Router::new()
        .route("/contact/attributes/{instance}/{contact}", get(read))
        .route("/contact/attributes", post(write))
        .with_state(connect.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(Credentials::new("none", "none", None, None, "test"))
        .load()
        .await
}

/// A record as it stands in Lambda's event.
fn record(number: usize, arrived: SystemTime) -> Value {
    let mut event = call(number, 0).event_json(&stream(number, 0));
    let kinesis = &mut event["Records"][0]["kinesis"];
    let arrived = arrived.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    kinesis["sequenceNumber"] = json!(number.to_string());
    kinesis["approximateArrivalTimestamp"] = json!(arrived.as_secs_f64());
    event["Records"][0].take()
}

/// One execution with its part of the shard, until all of it is done; how many records it
/// handed back.
async fn execute(
    aws: Arc<Aws>,
    notes: ConnectContacts,
    mut part: VecDeque<(usize, Duration)>,
    began: (Instant, SystemTime),
) -> usize {
    let aws = &*aws;
    let recorder = Recorder {
        source: aws,
        store: aws.store(),
        attributes: notes,
        policy: policy(),
        reading: Reading::default(),
    };
    let function = common::function(recorder, aws.queue());
    let mut handed_back = 0;
    while let Some((_, first)) = part.front() {
        let due = *first + WINDOW;
        sleep(due.saturating_sub(began.0.elapsed())).await;
        let now = began.0.elapsed();
        let due = part.iter().take(BATCH).take_while(|(_, came)| *came <= now);
        let batch: Vec<_> = due.copied().collect();
        let records: Vec<_> = batch
            .iter()
            .map(|(number, came)| record(*number, began.1 + *came))
            .collect();
        let event = json!({ "Records": records });
        let worked = function.handle(&event, &NoDeadline, |_, _| ()).await;
        let worked = worked.unwrap();
        let failures = worked.failures();
        handed_back += failures.len();
        let lowest = failures.iter().map(|number| number.parse().unwrap()).min();
        let done = |(number, _): &&(usize, Duration)| lowest.is_none_or(|lowest| *number < lowest);
        let done = batch.iter().take_while(done).count();
        part.drain(..done);
        if worked.stands_still() {
            sleep(REST).await;
        }
    }
    handed_back
}

/// Reads twice a second.
async fn other_system(connect: Arc<Connect>) {
    loop {
        let refused = !connect.reads.lock().unwrap().take();
        let mut other = connect.other.lock().unwrap().to_owned();
        other[0] += 1;
        other[1] += usize::from(refused);
        *connect.other.lock().unwrap() = other;
        sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes minutes of real time: how much the function bears"]
async fn a_peak_of_a_thousand_calls() {
    // The quota is shared out as the template does it, and as if each execution were alone.
    for calls_per_second in [2, 10] {
        println!("{calls_per_second} calls a second for each of {EXECUTIONS} executions:");
        peak(calls_per_second).await;
    }
}

async fn peak(calls_per_second: u32) {
    let connect = Arc::new(Connect {
        reads: Bucket::new(),
        writes: Bucket::new(),
        refused: Mutex::default(),
        other: Mutex::default(),
        attributes: Mutex::default(),
    });
    let shared = serve(&connect).await;
    let aws = Arc::new(Aws::new(Vec::new(), None));
    let began = (Instant::now(), SystemTime::now());
    let mut parts = vec![VecDeque::new(); EXECUTIONS];
    for number in 0..CALLS {
        let came = PEAK.mul_f64(number as f64 / CALLS as f64);
        parts[number % EXECUTIONS].push_back((number, came));
    }
    let other = tokio::spawn(other_system(connect.clone()));
    let executions = parts.into_iter().map(|part| {
        let notes = ConnectContacts::new(&shared, calls_per_second);
        tokio::spawn(execute(aws.clone(), notes, part, began))
    });
    let executions: Vec<_> = executions.collect();
    let mut handed_back = 0;
    for execution in executions {
        handed_back += execution.await.unwrap();
    }
    other.abort();
    let parked = aws.take_parked();
    let attributes = connect.attributes.lock().unwrap();
    let lacks = (0..CALLS).map(contact);
    let lacks: Vec<_> = lacks.filter(|id| !attributes.contains_key(id)).collect();
    let last = attributes.values().map(|(when, _)| *when).max().unwrap();
    let refused = *connect.refused.lock().unwrap();
    println!("last URL {:?} after the first record", last - began.0);
    println!(
        "no URL yet on {} of {CALLS} contacts; {} parked, {handed_back} handed back",
        lacks.len(),
        parked.len()
    );
    println!(
        "refused to the function: {} reads, {} writes",
        refused[0], refused[1]
    );
    let [asked, other] = *connect.other.lock().unwrap();
    println!("refused to the other system: {other} of {asked} reads");
    // What has no URL yet waits in the queue for its next try.
    let waits = |id: &String| parked.iter().any(|message| message.contains(id.as_str()));
    assert!(lacks.iter().all(waits), "{lacks:?}");
}
