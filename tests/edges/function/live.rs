//! The built function `live-start`: what desks that watch calls are told, and what a flow is
//! told when they could not be.

use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::*;

const STREAM: &str = "live-calls";
const INSTANCE: &str = "arn:aws:connect:us-east-1:111122223333:instance/i-1";

struct Room {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    function: Execution,
}

impl Room {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(Settings {
            streams: folder.path().join("streams"),
            data: folder.path().join("data"),
            ..Settings::default()
        });
        let sandbox = sandbox.await.unwrap();
        let settings = [("_HANDLER", "live-start"), ("STREAM_NAME", STREAM)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (binary, log) = (env!("CARGO_BIN_EXE_flow"), folder.path().join(LOG));
        let function = Execution::of(binary, sandbox.url(), &settings, &log).await;
        Self {
            folder,
            sandbox,
            function,
        }
    }

    /// Whether an invocation succeeded, and what it says.
    async fn ask(&mut self, event: &Value) -> (bool, Value) {
        self.function
            .send(event.clone(), Duration::from_secs(7))
            .await;
        self.function.answer().await
    }

    /// The records of the data stream: key and event.
    fn records(&self) -> Vec<(String, Value)> {
        let folder = self.folder.path().join("data/data-streams").join(STREAM);
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let read = |path: PathBuf| {
            let record: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            let data = BASE64_STANDARD.decode(record["Data"].as_str().unwrap());
            (
                record["PartitionKey"].as_str().unwrap().to_owned(),
                serde_json::from_slice(&data.unwrap()).unwrap(),
            )
        };
        files.into_iter().map(read).collect()
    }

    fn faults(&self, rule: Rule) {
        self.sandbox.set_faults(Faults {
            rules: vec![rule],
            ..Faults::default()
        });
    }
}

fn flow_call() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/events/flow-call-streaming.json"
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn contact(event: &Value) -> &str {
    event["Details"]["ContactData"]["ContactId"]
        .as_str()
        .unwrap()
}

fn contact_event(channel: &str, happened: &str) -> Value {
    json!({"source": "aws.connect", "detail-type": "Amazon Connect Contact Event", "detail": {
        "eventType": happened, "contactId": "c-1", "channel": channel, "instanceArn": INSTANCE}})
}

/// Statement 1 of the monitor's specification.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_begins_is_one_record_under_its_contact_and_the_event_as_it_came() {
    let mut room = Room::new().await;
    let event = flow_call();
    let (succeeded, answer) = room.ask(&event).await;
    assert!(succeeded, "{answer}");
    let fields = answer.as_object().unwrap();
    assert_eq!(
        fields.keys().collect::<Vec<_>>(),
        ["SequenceNumber", "ShardId"]
    );
    assert!(fields.values().all(Value::is_string), "{answer}");
    assert_eq!(room.records(), [(contact(&event).to_owned(), event)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_stream_is_an_error_that_says_what_to_do() {
    let mut room = Room::new().await;
    for streams in [
        json!(null),
        json!({"Customer": null}),
        json!({"Customer": {"Audio": {}}}),
        json!({"Customer": {"Audio": {"StreamARN": null}}}),
    ] {
        let mut event = flow_call();
        event["Details"]["ContactData"]["MediaStreams"] = streams;
        let (succeeded, answer) = room.ask(&event).await;
        assert!(!succeeded, "{answer}");
        assert_eq!(answer["errorType"], "Callreel.NotTold");
        let told = answer["errorMessage"].as_str().unwrap();
        let begin = format!("contact {}, telling who watches: ", contact(&event));
        assert!(told.starts_with(&begin), "{told}");
        assert!(told.contains("StreamARN") && told.contains("Start media streaming"));
    }
    assert_eq!(room.records(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_call_is_told_behind_its_beginning_and_of_nothing_else() {
    let mut room = Room::new().await;
    let ended = contact_event("VOICE", "DISCONNECTED");
    assert!(room.ask(&ended).await.0);
    for other in [
        contact_event("VOICE", "QUEUED"),
        contact_event("CHAT", "DISCONNECTED"),
        contact_event("TASK", "DISCONNECTED"),
    ] {
        let answer = room.ask(&other).await;
        assert_eq!(answer, (true, json!({})));
    }
    assert_eq!(room.records(), [("c-1".to_owned(), ended)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_answered_in_time_whatever_kinesis_does() {
    let passing = |code, error| Rule::once("PutRecord", refused(code, error));
    for (name, rule) in [
        (
            "throttled",
            passing(400, "ProvisionedThroughputExceededException"),
        ),
        (
            "its key is throttled",
            passing(400, "KMSThrottlingException"),
        ),
        ("500", passing(500, "InternalFailure")),
        ("reset", Rule::once("PutRecord", Effect::Reset)),
    ] {
        let mut room = Room::new().await;
        room.faults(rule);
        let (succeeded, answer) = room.ask(&flow_call()).await;
        assert!(succeeded, "{name}: {answer}");
        assert_eq!(room.records().len(), 1, "{name}");
    }
    let always = |effect| Rule {
        times: None,
        ..Rule::once("PutRecord", effect)
    };
    for (rule, cause) in [
        (
            always(refused(400, "ProvisionedThroughputExceededException")),
            "live-calls",
        ),
        (
            always(refused(400, "ResourceNotFoundException")),
            "check that the stream is there",
        ),
        (
            always(refused(400, "AccessDeniedException")),
            "kinesis:PutRecord on the data stream of calls",
        ),
        (always(refused(400, "KMSAccessDeniedException")), "key"),
        (always(Effect::DelayMs(30_000)), "live-calls"),
    ] {
        let mut room = Room::new().await;
        room.faults(rule);
        let began = Instant::now();
        let (succeeded, answer) = room.ask(&flow_call()).await;
        assert!(!succeeded, "{cause}: {answer}");
        assert!(
            began.elapsed() < Duration::from_secs(7),
            "{:?}",
            began.elapsed()
        );
        let told = answer["errorMessage"].as_str().unwrap();
        assert!(told.contains(cause), "{cause}: {told}");
        assert_eq!(room.records(), []);
    }
}

#[test]
fn without_its_stream_the_process_ends_with_one_line() {
    let ended = Command::new(env!("CARGO_BIN_EXE_flow"))
        .env_clear()
        .env("_HANDLER", "live-start")
        .env("AWS_REGION", "us-east-1")
        .output()
        .unwrap();
    assert!(!ended.status.success());
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(
        told.contains("configuration: STREAM_NAME is not set"),
        "{told}"
    );
}
