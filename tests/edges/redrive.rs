//! `callreel redrive` as an operator runs it: the built command line against the sandbox,
//! which holds what a bad day leaves behind.

#[cfg(feature = "operate")]
mod forget;
#[cfg(feature = "operate")]
mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use callreel::failure::parked::Parked;
use callreel::failure::{Failure, FailureKind};
use callreel::media::fragment::Direction;
use callreel::sandbox::{Effect, Faults, Rule, Sandbox, Settings};
use callreel::synth::SynthCall;
use serde_json::{Value, json};

const BUCKET: &str = "recordings";
const DOMAIN: &str = "d111111abcdef8.cloudfront.net";
/// The day of every synthesised call, and the one after it.
const DAY: [&str; 4] = ["--since", "2025-10-09", "--until", "2025-10-10"];
const MEDIA: &str = "GetMediaForFragmentList";

struct World {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
}

/// What a run of the command line came to.
struct Ran {
    code: Option<i32>,
    json: Value,
    errors: String,
}

#[cfg(feature = "operate")]
impl World {
    /// A client of the sandbox's buckets, as anybody may have one.
    async fn s3(&self) -> aws_sdk_s3::Client {
        let keys = aws_sdk_s3::config::Credentials::new("sandbox", "sandbox", None, None, "test");
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("us-east-1"))
            .endpoint_url(self.sandbox.url())
            .credentials_provider(keys);
        let config = aws_sdk_s3::config::Builder::from(&config.load().await);
        aws_sdk_s3::Client::from_conf(config.force_path_style(true).build())
    }
}

impl World {
    /// Streams of calls, each with the hours after now at which its media expires.
    async fn new(calls: &[(&str, &SynthCall, i64)]) -> Self {
        Self::keeping(calls, false).await
    }

    /// The same over buckets that keep versions or keep none.
    async fn keeping(calls: &[(&str, &SynthCall, i64)], versioned: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, call, hours_left) in calls {
            let stream = folder.path().join("streams").join(name);
            std::fs::create_dir_all(&stream).unwrap();
            put_media(&stream, call, 0);
            let hours = (hours_since(call) + hours_left).max(1);
            std::fs::write(stream.join("retention_hours"), hours.to_string()).unwrap();
        }
        let sandbox = Sandbox::start(Settings {
            streams: folder.path().join("streams"),
            data: folder.path().join("data"),
            bucket_owner: Some("111122223333".to_owned()),
            versioned,
            ..Settings::default()
        });
        let sandbox = sandbox.await.unwrap();
        Self { folder, sandbox }
    }

    /// What was received is no longer hidden then.
    async fn started_again(self) -> Self {
        let sandbox = Sandbox::start(Settings {
            streams: self.folder.path().join("streams"),
            data: self.data(""),
            ..Settings::default()
        });
        let sandbox = sandbox.await.unwrap();
        Self { sandbox, ..self }
    }

    fn data(&self, path: &str) -> PathBuf {
        self.folder.path().join("data").join(path)
    }

    fn stream(&self, name: &str) -> PathBuf {
        self.folder.path().join("streams").join(name)
    }

    fn put(&self, path: &str, content: &str) {
        let path = self.data(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn faults(&self, rules: Vec<Rule>) {
        self.sandbox.set_faults(Faults {
            rules,
            ..Faults::default()
        });
    }

    fn callreel(&self, arguments: &[&str]) -> Output {
        self.callreel_with(&[], arguments)
    }

    fn callreel_with(&self, settings: &[[&str; 2]], arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callreel"));
        command
            .env_clear()
            .env("AWS_ENDPOINT_URL", self.sandbox.url())
            .env("AWS_ACCESS_KEY_ID", "sandbox")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .env("AWS_REGION", "us-east-1")
            .env("RECORDINGS_BUCKET_NAME", BUCKET)
            .env("CLOUDFRONT_DOMAIN", DOMAIN)
            .envs(settings.iter().map(|[name, value]| (name, value)))
            .args(arguments);
        // The sandbox goes on answering on the other threads.
        tokio::task::block_in_place(|| command.output().unwrap())
    }

    /// Records a call as the function would.
    fn record(&self, stream: &str, call: &SynthCall) {
        self.record_event(&call.event_json(stream));
    }

    fn record_event(&self, event: &Value) {
        let path = self.folder.path().join("event.json");
        std::fs::write(&path, event.to_string()).unwrap();
        self.callreel(&["record", "--aws", path.to_str().unwrap()]);
    }

    fn redrive(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["redrive", "--json"], arguments].concat())
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.callreel(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{errors}"));
        Ran {
            code: output.status.code(),
            json,
            errors,
        }
    }

    /// Every file below the data folder, by its path, but for the S3 server's own.
    fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let root = self.data("");
        let mut folders = vec![root.clone()];
        let mut files = BTreeMap::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into();
                let hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
                match path.is_dir() {
                    true => folders.push(path),
                    false if hidden => {}
                    false => drop(files.insert(name, std::fs::read(path).unwrap())),
                }
            }
        }
        files
    }

    fn verdict(&self, contact: &str) -> Value {
        let tree = self.tree();
        let mut found = tree
            .iter()
            .filter(|(name, _)| name.contains(contact) && name.ends_with("_verdict.json"));
        let (_, json) = found.next().unwrap_or_else(|| panic!("{:?}", tree.keys()));
        serde_json::from_slice(json).unwrap()
    }

    fn messages(&self) -> Vec<String> {
        let names = self.tree().into_keys();
        names
            .filter_map(|name| Some(name.strip_prefix("queues/retry/")?.to_owned()))
            .collect()
    }

    fn calls(&self, operation: &str) -> u64 {
        self.sandbox.calls().count(operation)
    }

    /// The call's files hold exactly its audio, and the contact their URLs.
    #[track_caller]
    fn check_recorded(&self, call: &SynthCall) {
        let verdict = self.verdict(&call.contact);
        assert_eq!(verdict["status"], "complete", "{}", verdict["reasons"]);
        let attributes = std::fs::read(self.data("contacts.json")).unwrap();
        let attributes: Value = serde_json::from_slice(&attributes).unwrap();
        for (at, direction) in [Direction::FromCustomer, Direction::ToCustomer]
            .into_iter()
            .enumerate()
        {
            let file = &verdict["files"][at];
            let path = self
                .data("buckets")
                .join(BUCKET)
                .join(file["key"].as_str().unwrap());
            let reader = hound::WavReader::open(path).unwrap();
            let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
            assert!(samples == call.expected(direction), "{direction}");
            let attribute = ["audioFromCustomer", "audioToCustomer"][at];
            assert_eq!(attributes[&call.contact][attribute], file["url"]);
        }
    }
}

/// The call's media, but for its first fragments.
fn put_media(stream: &Path, call: &SynthCall, without: usize) {
    let own = call.fragments().skip(without);
    let media: Vec<u8> = own.flat_map(|fragment| fragment.document).collect();
    std::fs::write(stream.join("s.mkv"), media).unwrap();
}

fn hours_since(call: &SynthCall) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    (now.unwrap().as_millis() as i64 - call.span().start_server_millis) / 3_600_000
}

fn call(contact: &str) -> SynthCall {
    SynthCall {
        millis: 12_000,
        contact: contact.to_owned(),
        ..SynthCall::default()
    }
}

/// The first of each request's fragments are not given.
fn missing(count: usize) -> Vec<Rule> {
    vec![Rule::always(
        MEDIA,
        Effect::ErrorDocument {
            id: 3000,
            code: "FRAGMENT_NOT_FOUND".to_owned(),
            at: (0..count).collect(),
        },
    )]
}

fn key_denied() -> Vec<Rule> {
    vec![Rule::always(
        MEDIA,
        Effect::ErrorDocument {
            id: 4500,
            code: "KMS_KEY_ACCESS_DENIED".to_owned(),
            at: vec![0],
        },
    )]
}

fn message(call: &SynthCall, stream: &str) -> String {
    parked(call, stream, FailureKind::Throttled)
}

fn parked(call: &SynthCall, stream: &str, kind: FailureKind) -> String {
    let failure = Failure::new(kind, "s", "too much");
    let data = call.contact_record(stream).to_string();
    let parked = Parked::new(data.as_bytes(), Some(&call.contact), &failure, None);
    json!({"body": parked.to_json()}).to_string()
}

/// What Lambda writes to its S3 destination for a batch of these events.
fn failed_batch(events: &[Value]) -> String {
    let records = events
        .iter()
        .flat_map(|event| event["Records"].as_array().unwrap());
    let event = json!({"Records": records.collect::<Vec<_>>()});
    json!({
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 5},
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2025-10-09T10:00:00.000Z",
        "KinesisBatchInfo": {"shardId": "shardId-000000000001", "batchSize": events.len()},
        "payload": event.to_string(),
    })
    .to_string()
}

const ONE: &str = "11111111-aaaa";
const TWO: &str = "22222222-bbbb";

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_recording_is_made_once_and_a_dry_run_makes_nothing() {
    let call = call(ONE);
    let world = World::new(&[("one", &call, 30)]).await;
    world.faults(key_denied());
    world.record("one", &call);
    assert_eq!(world.verdict(ONE)["status"], "failed");
    world.faults(vec![]);

    let before = world.tree();
    let dry = world.redrive(&[&DAY[..], &["--dry-run"]].concat());
    assert_eq!((dry.code, &*dry.errors), (Some(0), ""));
    assert_eq!(world.tree(), before);
    let [planned] = &dry.json["plan"].as_array().unwrap()[..] else {
        panic!("{}", dry.json)
    };
    assert_eq!(
        (&planned["contact"], &planned["step"]),
        (&json!(ONE), &json!("record"))
    );
    assert_eq!(
        (&planned["status"], &planned["expired"]),
        (&json!("failed"), &json!(false))
    );
    let hours_left = planned["seconds_left"].as_i64().unwrap() / 3_600;
    assert!((29..=31).contains(&hours_left), "{hours_left}");
    assert_eq!(dry.json["results"], Value::Null);

    let ran = world.redrive(&DAY);
    assert_eq!((ran.code, &*ran.errors), (Some(0), ""));
    assert_eq!(ran.json["results"][0]["outcome"], "complete");
    world.check_recorded(&call);

    let (done, asked) = (world.tree(), world.calls(MEDIA));
    let again = world.redrive(&DAY);
    assert_eq!(again.code, Some(0));
    assert_eq!(again.json["plan"], json!([]));
    assert_eq!(again.json["looked_at"]["complete"], 1);
    assert_eq!((world.tree(), world.calls(MEDIA)), (done, asked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_recording_becomes_complete_when_the_rest_came() {
    let call = call(ONE);
    let world = World::new(&[("one", &call, 30)]).await;
    world.faults(missing(2));
    world.record("one", &call);
    assert_eq!(world.verdict(ONE)["status"], "partial");
    assert_eq!(world.verdict(ONE)["fragments"]["missing"], 2);
    world.faults(vec![]);
    // Found by the contact alone, wherever the verdict is.
    let ran = world.redrive(&["--contact", ONE]);
    assert_eq!((ran.code, &*ran.errors), (Some(0), ""));
    assert_eq!(ran.json["plan"][0]["step"], "read again");
    world.check_recorded(&call);
    let other = world.redrive(&["--contact", TWO]);
    assert_eq!(other.json["plan"], json!([]));
}

/// Long enough for uploads in parts: they are aborted.
#[tokio::test(flavor = "multi_thread")]
async fn a_partial_recording_stays_when_the_rest_expired() {
    let call = SynthCall {
        millis: 400_000,
        ..call(ONE)
    };
    let world = World::new(&[("one", &call, -5)]).await;
    world.faults(missing(2));
    world.record("one", &call);
    assert_eq!(world.verdict(ONE)["status"], "partial");
    let before = world.tree();
    let completed = world.calls("CompleteMultipartUpload");
    assert_eq!(completed, 3);
    // As much is given as before; then even less is listed.
    for expired in [0, 20] {
        put_media(&world.stream("one"), &call, expired);
        let ran = world.redrive(&DAY);
        assert_eq!((ran.code, &*ran.errors), (Some(0), ""));
        assert_eq!(ran.json["plan"][0]["expired"], true);
        assert_eq!(ran.json["results"][0]["outcome"], "partial");
        assert_eq!(ran.json["results"][0]["found"], true);
        let after = world.tree();
        assert!(after == before, "{:?}", after.keys());
    }
    assert_eq!(world.calls("CompleteMultipartUpload"), completed);
    // A part of the stereo file was on its way each time; the others' first parts wait for
    // their headers.
    assert_eq!(world.calls("AbortMultipartUpload"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_lambda_gave_up_on_is_worked() {
    let (one, two) = (call(ONE), call(TWO));
    let world = World::new(&[("one", &one, 30), ("two", &two, 30)]).await;
    let key =
        "buckets/failures/aws/lambda/e7c1/shardId-000000000001/2025/10/09/2025-10-09T10.00.00-1";
    let batch = failed_batch(&[
        one.event_json("one"),
        two.event_json("two"),
        one.event_json("one"),
    ]);
    world.put(key, &batch);
    let from = ["--failure-bucket", "s3://failures/aws/lambda/"];
    let ran = world.redrive(&from);
    assert_eq!((ran.code, &*ran.errors), (Some(0), ""));
    assert_eq!(ran.json["plan"].as_array().unwrap().len(), 2);
    world.check_recorded(&one);
    world.check_recorded(&two);
    assert!(world.data(key).exists(), "the batch is kept");
    let again = world.redrive(&from);
    assert_eq!((again.code, &again.json["plan"]), (Some(0), &json!([])));
    assert_eq!(again.json["left"].as_array().unwrap().len(), 2);
    assert_eq!(again.json["left"][0]["reason"], "complete");

    // What cannot be read is told, and in nobody's way.
    std::fs::remove_file(world.data("contacts.json")).unwrap();
    world.put(&key.replace("00-1", "00-0"), "{\"KinesisBatchInfo\": {}}");
    let ran = world.redrive(&from);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.errors.contains("only an S3 destination keeps them"),
        "{}",
        ran.errors
    );
    // Complete, and not noted: that alone is done.
    assert_eq!(ran.json["plan"][0]["step"], "note");
    world.check_recorded(&one);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_queue_only_what_is_done_is_deleted() {
    let (good, expired) = (call(ONE), call(TWO));
    let other = SynthCall {
        seed: 7,
        ..call("99999999-zzzz")
    };
    let world = World::new(&[("one", &good, 30), ("two", &other, -30)]).await;
    world.put("queues/retry/1.json", &message(&expired, "two"));
    world.put("queues/retry/2.json", &json!({"body": "hello"}).to_string());
    world.put("queues/retry/3.json", &message(&good, "one"));
    world.put("queues/retry/4.json", &message(&good, "one"));
    let queue = format!("{}/111122223333/retry", world.sandbox.url());

    let before = world.tree();
    let dry = world.redrive(&["--queue", &queue, "--dry-run"]);
    assert_eq!(dry.json["plan"][0]["contact"], ONE, "the most urgent first");
    assert_eq!(
        dry.json["plan"][0]["found"],
        json!(["message 3", "message 4"])
    );
    assert_eq!(dry.json["plan"][1]["expired"], true);
    assert_eq!(world.tree(), before);
    for changes in ["DeleteMessage", "ChangeMessageVisibility", "PutObject"] {
        assert_eq!(world.calls(changes), 0, "{changes}");
    }
    // It hid them for a minute; a queue that was started again shows all.
    let world = world.started_again().await;
    let queue = format!("{}/111122223333/retry", world.sandbox.url());
    let ran = world.redrive(&["--queue", &queue]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.errors.lines().count(), 2, "{}", ran.errors);
    assert!(
        ran.errors.contains("message 2: not a parked record"),
        "{}",
        ran.errors
    );
    world.check_recorded(&good);
    assert_eq!(world.messages(), ["1.json", "2.json"]);
    assert_eq!(ran.json["messages"], json!({"deleted": 2, "left": 2}));
    // Those that are left were given back at once, and nothing else is done to them.
    let again = world.redrive(&["--queue", &queue]);
    assert_eq!(again.json["looked_at"]["messages"], 2);
    assert_eq!(world.messages(), ["1.json", "2.json"]);
    // Another contact's are not touched.
    let narrow = world.redrive(&["--queue", &queue, "--contact", ONE]);
    assert_eq!(narrow.json["plan"], json!([]));
    assert_eq!(world.messages(), ["1.json", "2.json"]);
}

/// By the contact's attributes as they are now, and by the messages' own word.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_consent_and_what_is_waited_for() {
    let world = World::new(&[("s", &call("both"), 30)]).await;
    let contacts = ["both", "narrower", "withdrawn", "deleted"];
    let held = json!({
        "both": {"recordingAuth": "3"}, "narrower": {"recordingAuth": "1"}, "withdrawn": {"recordingAuth": "0"},
        "deleted": {"recordingAuth": "3"},
    });
    world.put("contacts.json", &held.to_string());
    let mark = format!("buckets/{BUCKET}/recordings/forgotten/deleted.json");
    world.put(&mark, "{}");
    for (at, contact) in contacts.into_iter().enumerate() {
        let kind = match contact {
            "both" => FailureKind::Denied("s3:PutObject"),
            _ => FailureKind::Throttled,
        };
        let parked = parked(&call(contact), "s", kind);
        world.put(&format!("queues/retry/{at}.json"), &parked);
    }
    let queue = format!("{}/111122223333/retry", world.sandbox.url());
    let dry = world.redrive(&["--queue", &queue, "--dry-run"]);
    assert_eq!((dry.code, &*dry.errors), (Some(0), ""));
    let told = |contact: &str| {
        let plan = dry.json["plan"].as_array().unwrap().iter();
        let mut of = plan.filter(|planned| planned["contact"] == contact);
        let planned = of.next().unwrap();
        (planned["consent"].clone(), planned["waits_for"].clone())
    };
    #[track_caller]
    fn check((consent, waits_for): (Value, Value), sides: &Value, reason: &str, waits: &str) {
        assert_eq!((&consent["sides"], waits_for), (sides, json!(waits)));
        let told = consent["reason"].as_str().unwrap_or_default();
        assert!(told.contains(reason), "{told}");
    }
    check(told("both"), &json!(["from", "to"]), "", "person");
    check(told("narrower"), &json!(["from"]), "", "time");
    check(told("withdrawn"), &json!([]), "recordingAuth", "time");
    check(told("deleted"), &json!([]), "deleted by", "time");

    let world = world.started_again().await;
    let queue = format!("{}/111122223333/retry", world.sandbox.url());
    let error = "AccessDeniedException".to_owned();
    let refused = Effect::Status { code: 403, error };
    let only = Rule {
        containing: Some("narrower".to_owned()),
        ..Rule::always("GetContactAttributes", refused)
    };
    world.faults(vec![only]);
    let output = world.callreel(&["redrive", "--queue", &queue, "--dry-run"]);
    let (text, errors) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    for words in [
        "from, to",
        "none: recordingAuth \"0\"",
        "(waits for a person)",
        "(waits for time)",
        "not known",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("connect:GetContactAttributes"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_whose_record_is_lost_is_taken_from_connect() {
    let (one, two) = (call(ONE), call(TWO));
    let world = World::new(&[("one", &one, 30), ("two", &two, 30)]).await;
    for (name, call) in [("one", &one), ("two", &two)] {
        let record = call.contact_record(name).to_string();
        world.put(&format!("contact-records/{name}.json"), &record);
    }
    let mut chat = one.contact_record("one");
    chat["ContactId"] = json!("33333333-cccc");
    chat["Channel"] = json!("CHAT");
    world.put("contact-records/chat.json", &chat.to_string());
    let auth = json!({"recordingAuth": "3"});
    world.put("contacts.json", &json!({ONE: auth, TWO: auth}).to_string());

    let instance = one.instance.clone();
    let by_contact = ["--contact", ONE, "--instance", &instance];
    let ran = world.redrive(&by_contact);
    assert_eq!((ran.code, &*ran.errors), (Some(0), ""));
    world.check_recorded(&one);
    assert_eq!(world.redrive(&by_contact).json["plan"], json!([]));

    // The other recording of the day is all that is left: nobody asks about what is done.
    let asked = world.calls("DescribeContact");
    let ran = world.redrive(&[&DAY[..], &["--instance", &instance]].concat());
    assert_eq!((ran.code, &*ran.errors), (Some(0), ""));
    assert_eq!(world.calls("DescribeContact"), asked + 1);
    world.check_recorded(&two);

    let gone = world.redrive(&["--contact", "nobody", "--instance", &instance]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.errors.contains("contact nobody"), "{}", gone.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_urgent_comes_first() {
    let calls = ["a1", "b2", "c3", "d4"].map(call);
    let hours = [300, 3, -10, 30];
    let names = ["late", "soon", "gone", "next"];
    let streams: Vec<_> = (0..4)
        .map(|at| (names[at], &calls[at], hours[at]))
        .collect();
    let world = World::new(&streams).await;
    let events: Vec<_> = (0..4).map(|at| calls[at].event_json(names[at])).collect();
    world.put("buckets/failures/1", &failed_batch(&events));
    let ran = world.redrive(&["--failure-bucket", "s3://failures", "--at-once", "1"]);
    assert_eq!((ran.code, &*ran.errors), (Some(0), ""));
    let plan = ran.json["plan"].as_array().unwrap();
    let order: Vec<_> = plan
        .iter()
        .map(|planned| planned["contact"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["b2", "d4", "a1", "c3"]);
    let media = world.sandbox.calls().calls.into_iter();
    let mut asked: Vec<_> = media
        .filter(|call| call.operation == MEDIA)
        .map(|call| call.subject)
        .collect();
    asked.dedup();
    let asked: Vec<_> = asked
        .iter()
        .map(|arn| arn.split('/').nth(1).unwrap_or(arn))
        .collect();
    assert_eq!(asked, ["soon", "next", "late", "gone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_told() {
    let world = World::new(&[]).await;
    for (arguments, told) in [
        (&["redrive"][..], "--since"),
        (&["redrive", "--since", "yesterday"], "a date as 2026-11-20"),
        (&["redrive", "--failure-bucket", "failures"], "s3://BUCKET"),
        (&["redrive", "--queue", "retry"], "the queue's URL"),
        (
            &["redrive", "--queue", "http://q", "--until", "2026-01-01"],
            "--since",
        ),
    ] {
        let output = world.callreel(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(told), "{errors}");
    }
    let backwards = ["redrive", "--since", "2026-01-02", "--until", "2026-01-01"];
    let output = world.callreel(&backwards);
    assert_eq!(output.status.code(), Some(2));
    // This is text output: nothing there is no failure.
    let output = world.callreel(&["redrive", "--failure-bucket", "s3://failures"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("nothing to do (nothing was found to look at"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(0));
}
