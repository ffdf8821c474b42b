//! The built function, as Lambda runs it: a small Runtime API hands it events, the sandbox
//! stands in for AWS, and what it leaves behind is compared with the call's exact audio.

mod again;
mod answering;
mod execution;
mod later;
mod legs;
mod live;
mod voicemail;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::examples::{make, table};
use crate::put_stream;
use callreel::event::batch::Origin;
use callreel::media::fragment::Direction;
use callreel::sandbox::{Effect, Faults, Rule, Sandbox, Settings};
use callreel::synth::SynthCall;
use execution::{Execution, LONG};
use serde_json::{Value, json};

/// Where a function's standard output goes, in its world's folder.
const LOG: &str = "function.log";
const BUCKET: &str = "recordings";
const DOMAIN: &str = "d111111abcdef8.cloudfront.net";

/// Streams, the sandbox, and the function between them.
struct World {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    function: Execution,
    settings: Vec<(String, String)>,
}

impl World {
    async fn new(calls: &[(&str, &SynthCall)], settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, call) in calls {
            put_stream(folder.path().join("streams").join(name), call);
        }
        Self::over(folder, settings).await
    }

    /// The world over the `streams` of a folder.
    async fn over(folder: tempfile::TempDir, settings: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::start(Settings {
            streams: folder.path().join("streams"),
            data: folder.path().join("data"),
            // The account of the ARN that each invocation brings.
            bucket_owner: Some("111122223333".to_owned()),
            ..Settings::default()
        });
        let sandbox = sandbox.await.unwrap();
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.replace("SANDBOX", sandbox.url())))
            .collect();
        let function = Execution::start(sandbox.url(), &settings, &folder.path().join(LOG)).await;
        Self {
            folder,
            sandbox,
            function,
            settings,
        }
    }

    /// Kills the function as a crash would, and starts it anew.
    async fn kill_and_restart(&mut self) {
        let log = self.folder.path().join(LOG);
        self.function.kill();
        self.function = Execution::start(self.sandbox.url(), &self.settings, &log).await;
    }

    /// One more execution of the function, as Lambda starts them side by side; it logs to a
    /// file of this name.
    async fn another(&self, log: &str) -> Execution {
        let log = self.folder.path().join(log);
        Execution::start(self.sandbox.url(), &self.settings, &log).await
    }

    async fn send(&self, event: Value, time: Duration) {
        self.function.send(event, time).await;
    }

    async fn answer(&mut self) -> (bool, Value) {
        self.function.answer().await
    }

    /// The ids that an invocation hands back.
    async fn invoke(&mut self, event: Value) -> Vec<String> {
        self.function.invoke(event).await
    }

    /// The lines that the function logged.
    fn log(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.folder.path().join(LOG)).unwrap();
        let lines = log.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn logged(&self, message: &str) -> Vec<Value> {
        let mut log = self.log();
        log.retain(|line| line["message"] == message);
        log
    }

    fn faults(&self, rules: Vec<Rule>) {
        self.sandbox.set_faults(Faults {
            rules,
            ..Faults::default()
        });
    }

    /// Everything in the bucket, by key.
    fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let bucket = self.folder.path().join("data/buckets").join(BUCKET);
        let mut folders = vec![bucket.clone()];
        let mut objects = BTreeMap::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let key = path
                    .strip_prefix(&bucket)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                match path.is_dir() {
                    true => folders.push(path),
                    false if key.starts_with('.') => {}
                    false => drop(objects.insert(key, std::fs::read(path).unwrap())),
                }
            }
        }
        objects
    }

    fn verdicts(&self) -> Vec<Value> {
        let objects = self.objects();
        let verdicts = objects
            .iter()
            .filter(|(key, _)| key.ends_with("_verdict.json"));
        verdicts
            .map(|(_, json)| serde_json::from_slice(json).unwrap())
            .collect()
    }

    fn attributes(&self, contact: &str) -> BTreeMap<String, String> {
        let contacts =
            std::fs::read(self.folder.path().join("data/contacts.json")).unwrap_or_default();
        let contacts: Value = serde_json::from_slice(&contacts).unwrap_or_default();
        serde_json::from_value(contacts[contact].clone()).unwrap_or_default()
    }

    /// A recording's files hold exactly the audio that they should.
    #[track_caller]
    fn check_files(&self, recording: &make::Recording, sides: &str) {
        let objects = self.objects();
        for name in sides.split_whitespace() {
            let ending = format!("{}_{name}.wav", recording.stem());
            let file = objects.iter().find(|(key, _)| key.ends_with(&ending));
            let (_, file) = file.unwrap_or_else(|| panic!("no {ending} in {:?}", objects.keys()));
            let (from, to) = (&recording.from, &recording.to);
            let pairs = from.iter().zip(to);
            let expected = match name {
                "from" => from.clone(),
                "to" => to.clone(),
                _ => pairs.flat_map(|(from, to)| [*from, *to]).collect(),
            };
            assert!(samples(file) == expected, "{ending}");
        }
    }

    /// The call's three files hold exactly its audio, and the contact their URLs.
    #[track_caller]
    fn check_recorded(&self, call: &SynthCall) {
        let [from, to] = Direction::BOTH.map(|direction| call.expected(direction));
        let mixed = from
            .iter()
            .zip(&to)
            .flat_map(|(from, to)| [*from, *to])
            .collect();
        let objects = self.objects();
        let attributes = self.attributes(&call.contact);
        for (name, attribute, expected) in [
            ("from", "audioFromCustomer", from),
            ("to", "audioToCustomer", to),
            ("mixed", "audioMixed", mixed),
        ] {
            let suffix = format!("_{name}.wav");
            let mut files = objects
                .iter()
                .filter(|(key, _)| key.contains(&call.contact) && key.ends_with(&suffix));
            let (key, file) = files
                .next()
                .unwrap_or_else(|| panic!("no {name} in {:?}", objects.keys()));
            let samples = samples(file);
            assert!(
                samples == expected,
                "{name}: {} samples, not {}",
                samples.len(),
                expected.len()
            );
            assert_eq!(attributes[attribute], format!("https://{DOMAIN}/{key}"));
        }
    }
}

fn samples(wav: &[u8]) -> Vec<i16> {
    let reader = hound::WavReader::new(wav).unwrap();
    reader.into_samples().map(Result::unwrap).collect()
}

/// The streams that `events/` tells of, made anew; nothing of the repository is written.
fn put_made(made: &make::Made, folder: &std::path::Path) {
    for (path, bytes) in &made.streams {
        let path = folder.join("streams").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// One event of all these events' records, numbered from 1.
fn batch(events: &[Value]) -> Value {
    let records: Vec<_> = events
        .iter()
        .flat_map(|event| event["Records"].as_array().unwrap().clone())
        .collect();
    let numbered = records.into_iter().zip(1..).map(|(mut record, number)| {
        record["kinesis"]["sequenceNumber"] = json!(number.to_string());
        record
    });
    json!({"Records": numbered.collect::<Vec<_>>()})
}

fn call(contact: &str) -> SynthCall {
    SynthCall {
        millis: 12_000,
        contact: contact.to_owned(),
        ..SynthCall::default()
    }
}

fn none() -> Vec<String> {
    Vec::new()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_recorded_beside_poison() {
    let one = SynthCall {
        reuse: true,
        untagged_tail: true,
        ..call("11111111-aaaa")
    };
    let two = SynthCall {
        holds: std::iter::once(3_000..6_000).collect(),
        ..call("22222222-bbbb")
    };
    let mut world = World::new(&[("one", &one), ("two", &two)], &[QUEUE]).await;
    let poison = |data: &str| json!({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": data}}]});
    let event = batch(&[
        poison("%%%"),
        one.event_json("one"),
        poison("eyJ4"),
        two.event_json("two"),
        one.event_json("one"),
    ]);
    assert_eq!(world.invoke(event).await, none());
    assert_eq!(world.sandbox.calls().count("SendMessage"), 2);
    world.check_recorded(&one);
    world.check_recorded(&two);
    let verdicts = world.verdicts();
    assert_eq!(verdicts.len(), 2);
    assert!(
        verdicts
            .iter()
            .all(|verdict| verdict["status"] == "complete"),
        "{verdicts:?}"
    );
}

/// Every event of `events/`: the same table that the local edge is held to.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_comes_out_as_the_table_says() {
    let made = make::make();
    for row in table::ROWS {
        let folder = tempfile::tempdir().unwrap();
        put_made(&made, folder.path());
        let queue = ("PARKING_QUEUE_URL", "SANDBOX/111122223333/retry");
        let mut world = World::over(folder, &[queue]).await;
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
        let event = std::fs::read(path.join(row.file)).unwrap();
        let event: Value = serde_json::from_slice(&event).unwrap();
        let id = |position: &usize| {
            let record = &event["Records"][*position];
            let id = match row.origin {
                Origin::Kinesis => &record["kinesis"]["sequenceNumber"],
                Origin::Sqs => &record["messageId"],
            };
            id.as_str().unwrap().to_owned()
        };
        let handed_back: Vec<_> = row.handed_back.iter().map(id).collect();
        assert_eq!(
            world.invoke(event.clone()).await,
            handed_back,
            "{}",
            row.file
        );
        let parked = world.sandbox.calls().count("SendMessage");
        assert_eq!(parked, row.parked.len() as u64, "{}", row.file);
        for (name, sides) in row.recordings {
            world.check_files(&made.recordings[name], sides);
        }
        let files = world.objects();
        let files = files.keys().filter(|key| key.ends_with(".wav")).count();
        let expected = row
            .recordings
            .iter()
            .map(|(_, sides)| sides.split_whitespace().count());
        assert_eq!(files, expected.sum::<usize>(), "{}", row.file);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_again_it_touches_no_media() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[]).await;
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    let before = world.objects();
    let asked = world.sandbox.calls();
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    let after = world.sandbox.calls();
    for operation in [
        "ListFragments",
        "GetMediaForFragmentList",
        "UpdateContactAttributes",
        "PutObject",
    ] {
        assert_eq!(
            after.count(operation),
            asked.count(operation),
            "{operation}"
        );
    }
    assert_eq!(world.objects(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_on_the_way_change_nothing() {
    let refuse = |code, error: &str| Effect::Status {
        code,
        error: error.to_owned(),
    };
    let throttled = || refuse(400, "ClientLimitExceededException");
    let faults: Vec<(&str, Vec<Rule>)> = vec![
        (
            "throttled listing",
            vec![Rule::once("ListFragments", throttled())],
        ),
        (
            "throttled media",
            vec![Rule::once("GetMediaForFragmentList", throttled())],
        ),
        (
            "media breaks",
            vec![Rule::once(
                "GetMediaForFragmentList",
                Effect::CutAfterBytes(100_000),
            )],
        ),
        (
            "media ends early",
            vec![Rule::once(
                "GetMediaForFragmentList",
                Effect::EndAfterBytes(50_000),
            )],
        ),
        (
            "shuffled",
            vec![Rule::always("GetMediaForFragmentList", Effect::Shuffle)],
        ),
        (
            "listing without the stop",
            vec![Rule::once("ListFragments", Effect::DropStop)],
        ),
        (
            "listing without the start",
            vec![Rule::once("ListFragments", Effect::DropStart)],
        ),
        (
            "nothing is listed over a window that begins before the stream was made",
            vec![Rule::always("ListFragments", Effect::NothingBeforeCreation)],
        ),
        (
            "S3 fails once",
            vec![Rule::once("PutObject", refuse(500, "InternalError"))],
        ),
        (
            "Connect throttles",
            vec![Rule::once(
                "UpdateContactAttributes",
                refuse(429, "TooManyRequestsException"),
            )],
        ),
        ("reset", vec![Rule::once("GetDataEndpoint", Effect::Reset)]),
    ];
    for (name, rules) in faults {
        let call = SynthCall {
            untagged_tail: true,
            reuse: true,
            ..call("11111111-aaaa")
        };
        let mut world = World::new(&[("one", &call)], &[]).await;
        world.faults(rules);
        assert_eq!(world.invoke(call.event_json("one")).await, none(), "{name}");
        assert_eq!(world.verdicts()[0]["status"], "complete", "{name}");
        world.check_recorded(&call);
    }
}

/// A listing that lacks the record's own ends for ever: the recording is partial and says
/// why, since it is long ago; one of just now is handed back.
#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_listing_is_never_a_complete_recording() {
    let old = call("11111111-aaaa");
    let mut world = World::new(&[("one", &old)], &[]).await;
    let lacking = || vec![Rule::always("ListFragments", Effect::DropEnds)];
    world.faults(lacking());
    assert_eq!(world.invoke(old.event_json("one")).await, none());
    let verdict = &world.verdicts()[0];
    assert_eq!(verdict["status"], "partial");
    assert_eq!(verdict["reasons"][0]["code"], "listing_incomplete");

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = i64::try_from(now.unwrap().as_millis()).unwrap();
    let fresh = SynthCall {
        start_epoch_millis: now - 60_000,
        ..call("22222222-bbbb")
    };
    let mut world = World::new(&[("one", &fresh)], &[]).await;
    world.faults(lacking());
    let event = batch(&[fresh.event_json("one")]);
    assert_eq!(world.invoke(event.clone()).await, ["1"]);
    assert_eq!(world.logged("failed")[0]["kind"], "listing_incomplete");
    world.faults(vec![]);
    assert_eq!(world.invoke(event).await, none());
    assert_eq!(world.verdicts()[0]["status"], "complete");
    world.check_recorded(&fresh);
}

/// What a service answers ends one record, never the batch beside it: an endpoint on which
/// the SDK panics, a page in place of an answer, an answer that is cut.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_a_service_harms_another_record() {
    let answer = |code, content_type: &str, body: &str| Effect::Answer {
        code,
        headers: [("content-type".to_owned(), content_type.to_owned())].into(),
        body: body.to_owned(),
    };
    let json = |body: &str| answer(200, "application/json", body);
    let page = |code| answer(code, "text/html", "<html>Please log in</html>");
    for (on, effect) in [
        ("GetDataEndpoint", json(r#"{"DataEndpoint": ""}"#)),
        ("GetDataEndpoint", json(r#"{"DataEndpoint": "no url"}"#)),
        ("ListFragments", page(200)),
        ("ListFragments", json(r#"{"Fragments": [{}]}"#)),
        ("ListFragments", json(r#"{"Fragments": 7"#)),
        ("GetMediaForFragmentList", page(403)),
        ("PutObject", page(200)),
    ] {
        let (bad, good) = (call("11111111-aaaa"), call("22222222-bbbb"));
        let mut world = World::new(&[("bad", &bad), ("good", &good)], &[]).await;
        let containing = match on {
            "PutObject" => &bad.contact,
            _ => "stream/bad/",
        };
        world.faults(vec![Rule {
            containing: Some(containing.to_owned()),
            ..Rule::always(on, effect.clone())
        }]);
        let event = batch(&[bad.event_json("bad"), good.event_json("good")]);
        assert_eq!(world.invoke(event.clone()).await, ["1"], "{on}: {effect:?}");
        world.check_recorded(&good);
        assert_eq!(world.logged("failed").len(), 1, "{on}: {effect:?}");
        world.faults(vec![]);
        assert_eq!(world.invoke(event).await, none(), "{on}: {effect:?}");
        world.check_recorded(&bad);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_person_can_help_on_is_parked_and_worked_from_the_queue() {
    let call = call("11111111-aaaa");
    let mut world = World::new(
        &[("one", &call)],
        &[("PARKING_QUEUE_URL", "SANDBOX/111122223333/retry")],
    )
    .await;
    let denied = Effect::ErrorDocument {
        id: 4500,
        code: "KMS_KEY_ACCESS_DENIED".to_owned(),
        at: vec![2],
    };
    world.faults(vec![Rule::always("GetMediaForFragmentList", denied)]);
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    assert_eq!(world.sandbox.calls().count("SendMessage"), 1);
    assert_eq!(world.verdicts()[0]["status"], "failed");
    // The key is mended: the message comes as an SQS batch.
    world.faults(vec![]);
    let message = message_in(&world.folder.path().join("data/queues"));
    let event =
        json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m1", "body": message}]});
    assert_eq!(world.invoke(event).await, none());
    world.check_recorded(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_recording_is_told_once_with_its_steps_and_its_metrics() {
    let call = SynthCall {
        holds: std::iter::once(3_000..6_000).collect(),
        ..call("11111111-aaaa")
    };
    let mut world = World::new(&[("one", &call)], &[]).await;
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    let told = world.logged("recorded");
    assert_eq!(told.len(), 1, "{told:?}");
    let told = &told[0];
    assert_eq!(told["level"], "INFO");
    assert_eq!(told["contact"], *call.contact);
    assert_eq!(told["status"], "complete");
    assert_eq!(told["seconds"], 12.0);
    // Both sides: the hold, and what of its edge blocks does not count.
    let gaps = told["gap_seconds"].as_f64().unwrap();
    assert!((6.0..6.5).contains(&gaps), "{gaps}");
    assert_eq!((&told["missing"], &told["retries"]), (&json!(0), &json!(0)));
    let bytes: usize = world
        .objects()
        .iter()
        .filter(|(key, _)| key.ends_with(".wav"))
        .map(|(_, file)| file.len())
        .sum();
    assert_eq!(told["bytes"], bytes);
    for step in ["verdict", "list", "media", "files", "commit", "attributes"] {
        assert!(told[format!("{step}_ms")].is_u64(), "{step}: {told}");
    }
    let log = world.log();
    let metrics: Vec<_> = log.iter().filter(|line| line["_aws"].is_object()).collect();
    assert_eq!(metrics.len(), 1, "{log:?}");
    check_metrics(
        metrics[0],
        &[
            ("AudioSeconds", 12.0..=12.0),
            ("LostSeconds", 0.0..=0.0),
            ("Parked", 0.0..=0.0),
            ("RecordToFilesSeconds", 0.0..=f64::MAX),
            ("Recordings", 1.0..=1.0),
            ("RetentionLeftSeconds", 0.0..=86_400.0),
            ("Retries", 0.0..=0.0),
            ("SilentSides", 0.0..=0.0),
            ("Waiting", 0.0..=0.0),
        ],
    );
    // Delivered again it is told as found, and counts no second time.
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    let told = world.logged("recorded");
    assert_eq!((told.len(), &told[1]["found"]), (2, &json!(true)));
    let lines = world.log();
    assert_eq!(
        lines.iter().filter(|line| line["_aws"].is_object()).count(),
        1
    );
    assert_eq!(world.sandbox.calls().count("DescribeStream"), 1);
}

/// The alarm on LostSeconds goes off for what is lost, not for each try of what comes out well.
#[tokio::test(flavor = "multi_thread")]
async fn seconds_are_lost_with_a_verdict_or_a_parked_record_and_not_with_a_try() {
    let lost = |world: &World| -> Vec<Option<f64>> {
        let lines = world.log();
        let metrics = lines.iter().filter(|line| line["_aws"].is_object());
        metrics.map(|line| line["LostSeconds"].as_f64()).collect()
    };
    let refused = |code, error: &str| {
        let error = error.to_owned();
        vec![Rule::always(
            "GetMediaForFragmentList",
            Effect::Status { code, error },
        )]
    };
    let call = call("11111111-aaaa");
    let queue = ("PARKING_QUEUE_URL", "SANDBOX/111122223333/retry");
    let mut world = World::new(&[("one", &call)], &[]).await;
    world.faults(refused(503, "ServiceUnavailable"));
    assert_eq!(world.invoke(call.event_json("one")).await.len(), 1);
    assert_eq!(lost(&world), [None], "handed back");
    world.faults(vec![]);
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    assert_eq!(lost(&world), [None, Some(0.0)], "and recorded");

    let mut world = World::new(&[("one", &call)], &[queue]).await;
    world.faults(refused(403, "AccessDeniedException"));
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    let parked = lost(&world)[0].unwrap();
    assert!((11.0..14.0).contains(&parked), "{parked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_counted() {
    let mut world = World::new(&[], &[]).await;
    let mut poison = call("11111111-aaaa").event_json("one");
    poison["Records"][0]["kinesis"]["data"] = json!("bm8gSlNPTg==");
    world.invoke(poison).await;
    let lines = world.log();
    let counted: Vec<_> = lines
        .iter()
        .filter_map(|line| line["Unreadable"].as_f64())
        .collect();
    assert_eq!(counted, [1.0], "{lines:?}");
}

/// A line of the embedded metric format: dimensions and metrics refer to fields of it.
#[track_caller]
fn check_metrics(line: &Value, expected: &[(&str, std::ops::RangeInclusive<f64>)]) {
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "Callreel");
    assert_eq!(
        directive["Dimensions"],
        json!([["Function"], ["Function", "Status"]])
    );
    assert_eq!(line["Function"], "recorder");
    assert_eq!(line["Status"], "complete");
    assert!(line["_aws"]["Timestamp"].is_u64());
    let mut names: Vec<_> = directive["Metrics"].as_array().unwrap().iter().collect();
    names.sort_by_key(|metric| metric["Name"].to_string());
    let names: Vec<_> = names.iter().map(|metric| &metric["Name"]).collect();
    let wanted: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, wanted);
    for (name, range) in expected {
        let value = line[*name].as_f64().unwrap();
        assert!(range.contains(&value), "{name}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_record_says_until_when_its_audio_is_kept() {
    #[track_caller]
    fn check(world: &World, until: Option<&str>) {
        let message = message_in(&world.folder.path().join("data/queues"));
        let message: Value = serde_json::from_str(&message).unwrap();
        assert_eq!(message["kind"], "key_trouble", "{message}");
        assert_eq!(message["retry_until"], json!(until), "{message}");
    }
    let denied = Rule::always(
        "GetMediaForFragmentList",
        Effect::ErrorDocument {
            id: 4501,
            code: "KMS_KEY_DISABLED".to_owned(),
            at: vec![0],
        },
    );
    let refused = Effect::Status {
        code: 403,
        error: "AccessDeniedException".to_owned(),
    };
    for (rules, known) in [
        (vec![denied.clone()], true),
        (vec![denied, Rule::always("DescribeStream", refused)], false),
    ] {
        let call = call("11111111-aaaa");
        let started = call.contact_record("one")["Recordings"][0]["StartTimestamp"].clone();
        let until = callreel::media::ticks::EpochMillis::from_rfc3339(started.as_str().unwrap())
            .map(|started| callreel::media::ticks::EpochMillis(started.0 + 86_400_000).to_string());
        let queue = ("PARKING_QUEUE_URL", "SANDBOX/111122223333/retry");
        let mut world = World::new(&[("one", &call)], &[queue]).await;
        world.faults(rules);
        assert_eq!(world.invoke(call.event_json("one")).await, none());
        check(&world, until.as_deref().filter(|_| known));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_end_in_time_are_given_up_in_order() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[("DEADLINE_MARGIN_SECONDS", "8")]).await;
    world.faults(vec![Rule::always("PutObject", Effect::DelayMs(60_000))]);
    world
        .send(batch(&[call.event_json("one")]), Duration::from_secs(11))
        .await;
    let (succeeded, answer) = world.answer().await;
    assert!(succeeded, "{answer}");
    assert_eq!(answer["batchItemFailures"][0]["itemIdentifier"], "1");
    let failed = world.logged("failed");
    assert_eq!(failed.len(), 1, "{:?}", world.log());
    assert_eq!(failed[0]["kind"], "out_of_time");
    world.faults(vec![]);
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    world.check_recorded(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_many_parts_survive_what_happens_to_them() {
    let refuse = |code, error: &str| Effect::Status {
        code,
        error: error.to_owned(),
    };
    let cases = [
        ("whole", vec![], none()),
        (
            "a part fails once",
            vec![Rule::once("UploadPart", refuse(503, "SlowDown"))],
            none(),
        ),
        (
            "a part is reset",
            vec![Rule::once("UploadPart", Effect::Reset)],
            none(),
        ),
        (
            "the answer to the completion is lost",
            vec![Rule::once(
                "CompleteMultipartUpload",
                Effect::CutAfterBytes(0),
            )],
            none(),
        ),
        (
            "reading back breaks off",
            vec![Rule::once("GetObject", Effect::CutAfterBytes(1_000_000))],
            none(),
        ),
        (
            "parts are refused",
            vec![Rule::always("UploadPart", refuse(403, "AccessDenied"))],
            vec!["1".to_owned()],
        ),
    ];
    for (name, rules, handed_back) in cases {
        let call = SynthCall {
            millis: 200_000,
            ..call("11111111-aaaa")
        };
        let mut world = World::new(&[("one", &call)], &[]).await;
        world.faults(rules);
        let event = batch(&[call.event_json("one")]);
        assert_eq!(world.invoke(event.clone()).await, handed_back, "{name}");
        world.faults(vec![]);
        assert_eq!(world.invoke(event).await, none(), "{name}");
        world.check_recorded(&call);
        assert_eq!(world.verdicts()[0]["status"], "complete", "{name}");
        let uploads = world.folder.path().join("data/buckets").join(BUCKET);
        assert!(
            !std::fs::read_dir(uploads).unwrap().any(|entry| entry
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains("upload")),
            "{name}: an upload is left"
        );
    }
}

/// The body of the one message in the sandbox's queues.
fn message_in(folder: &std::path::Path) -> String {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            if let Some(body) = find_body(&value) {
                return body;
            }
        }
    }
    panic!("no message in the queues");
}

fn find_body(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match value {
            Value::String(text) if name.eq_ignore_ascii_case("body") => Some(text.clone()),
            other => find_body(other),
        }),
        Value::Array(items) => items.iter().find_map(find_body),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_or_when_it_refuses_the_record_goes_back() {
    let gone = call("11111111-aaaa");
    let mut world = World::new(&[("other", &gone)], &[]).await;
    assert_eq!(
        world.invoke(batch(&[gone.event_json("nowhere")])).await,
        ["1"]
    );
    let mut world = World::new(
        &[("other", &gone)],
        &[("PARKING_QUEUE_URL", "SANDBOX/111122223333/retry")],
    )
    .await;
    let refused = Effect::Status {
        code: 403,
        error: "AccessDeniedException".to_owned(),
    };
    world.faults(vec![Rule::always("SendMessage", refused)]);
    assert_eq!(
        world.invoke(batch(&[gone.event_json("nowhere")])).await,
        ["1"]
    );
}

const QUEUE: (&str, &str) = ("PARKING_QUEUE_URL", "SANDBOX/111122223333/retry");

fn refused(code: u16, error: &str) -> Effect {
    Effect::Status {
        code,
        error: error.to_owned(),
    }
}

/// A Kinesis event of one record with this data, numbered 1, that came at this time.
fn event_of(data: &[u8], arrived: SystemTime) -> Value {
    use base64::Engine;
    let arrived = arrived.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    json!({"Records": [{"eventSource": "aws:kinesis", "kinesis": {
        "sequenceNumber": "1",
        "approximateArrivalTimestamp": arrived.as_secs_f64(),
        "data": base64::engine::general_purpose::STANDARD.encode(data),
    }}]})
}

impl World {
    /// The one message in the queue.
    fn message(&self) -> Value {
        let message = message_in(&self.folder.path().join("data/queues"));
        serde_json::from_str(&message).unwrap()
    }

    fn metric(&self, name: &str) -> f64 {
        let log = self.log();
        let values = log.iter().filter(|line| line["_aws"].is_object());
        values.filter_map(|line| line[name].as_f64()).sum()
    }
}

/// Files and verdict stand, and the contact refuses: that waits for a person, not in the
/// stream's way.
#[tokio::test(flavor = "multi_thread")]
async fn attributes_that_need_a_person_park_the_record() {
    let denied = |operation: &str| Rule::always(operation, refused(403, "AccessDeniedException"));
    let missing = Rule::always(
        "GetContactAttributes",
        refused(404, "ResourceNotFoundException"),
    );
    for (rule, kind) in [
        (Some(denied("GetContactAttributes")), "denied"),
        (Some(denied("UpdateContactAttributes")), "denied"),
        (Some(missing), "contact_missing"),
        (None, "instance_unknown"),
    ] {
        let call = call("11111111-aaaa");
        let mut world = World::new(&[("one", &call)], &[QUEUE]).await;
        let mut record = call.contact_record("one");
        if kind == "instance_unknown" {
            record["InstanceARN"] = Value::Null;
        }
        world.faults(rule.into_iter().collect());
        let event = event_of(record.to_string().as_bytes(), SystemTime::now());
        assert_eq!(world.invoke(event.clone()).await, none(), "{kind}");
        assert_eq!(world.sandbox.calls().count("SendMessage"), 1, "{kind}");
        let message = world.message();
        assert_eq!(
            (&message["kind"], &message["contact_id"]),
            (&json!(kind), &json!("11111111-aaaa"))
        );
        assert_eq!(message["waits_for"], "person", "{kind}");
        assert_eq!(world.verdicts()[0]["status"], "complete", "{kind}");
        assert_eq!(world.logged("failed")[0]["kind"], kind);
        assert!((world.metric("Parked") - 1.0).abs() < 0.1, "{kind}");
        // The next delivery of the same record finds the verdict, and parks as well.
        assert_eq!(world.invoke(event).await, none(), "{kind}");
        assert!((world.metric("Parked") - 2.0).abs() < 0.1, "{kind}");
        // From the queue it goes back to the queue, until it is mended.
        let sqs = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m1", "body": message.to_string()}]});
        assert_eq!(world.invoke(sqs.clone()).await, ["m1"], "{kind}");
        world.faults(vec![]);
        if kind != "instance_unknown" {
            assert_eq!(world.invoke(sqs).await, none(), "{kind}");
            world.check_recorded(&call);
        }
    }
}

/// S3 is down: a record that has just come goes back to the stream, one that is older waits
/// in the queue, and the stream goes on. Nobody is called for it, and once S3 is well the
/// message is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_for_in_the_queue() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[QUEUE]).await;
    let record = call.contact_record("one").to_string();
    let came = |seconds| SystemTime::now() - Duration::from_secs(seconds);
    let down = refused(503, "ServiceUnavailable");
    world.faults(vec![Rule::always("GetObject", down)]);
    let young = event_of(record.as_bytes(), came(1));
    assert_eq!(world.invoke(young).await, ["1"]);
    assert_eq!(world.sandbox.calls().count("SendMessage"), 0);
    let old = event_of(record.as_bytes(), came(61));
    assert_eq!(world.invoke(old).await, none());
    assert_eq!(world.sandbox.calls().count("SendMessage"), 1);
    let message = world.message();
    assert_eq!(
        (&message["kind"], &message["waits_for"]),
        (&json!("unavailable"), &json!("time"))
    );
    assert_eq!(world.logged("parked")[0]["waits_for"], "time");
    for (metric, count) in [("Waiting", 1.0), ("Parked", 0.0), ("LostSeconds", 0.0)] {
        assert!((world.metric(metric) - count).abs() < 0.1, "{metric}");
    }
    let sqs = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m1", "body": message.to_string()}]});
    assert_eq!(world.invoke(sqs.clone()).await, ["m1"]);
    world.faults(vec![]);
    assert_eq!(world.invoke(sqs).await, none());
    world.check_recorded(&call);
}

/// As many of ten calls as are worked on side by side find out that S3 is down; the others
/// are left, and the function rests before the stream gives them again.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_not_hammered() {
    let calls: Vec<_> = (0..10).map(|n| call(&format!("{n}1111111-aaaa"))).collect();
    let mut world = World::new(&[("one", &calls[0])], &[QUEUE]).await;
    let down = refused(503, "ServiceUnavailable");
    world.faults(vec![Rule::always("GetObject", down)]);
    let mut event = batch(
        &calls
            .iter()
            .map(|call| call.event_json("one"))
            .collect::<Vec<_>>(),
    );
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    for record in event["Records"].as_array_mut().unwrap() {
        record["kinesis"]["approximateArrivalTimestamp"] = json!(now.as_secs_f64());
    }
    let began = std::time::Instant::now();
    assert_eq!(world.invoke(event).await.len(), 10);
    assert!(began.elapsed() > callreel::batches::REST);
    let failed = world.logged("failed");
    let left = failed.iter().filter(|line| {
        let cause = line["cause"].as_str().unwrap();
        cause.contains("not tried, since 4 calls before it failed")
    });
    assert!((3..=6).contains(&left.count()), "{failed:?}");
}

/// A recording of which nothing came holds up the calls behind it no longer than one try.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_which_nothing_came_waits_in_the_queue() {
    let (there, gone) = (call("11111111-aaaa"), call("22222222-bbbb"));
    let elsewhere = SynthCall {
        first_counter: there.first_counter + 1_000_000,
        start_epoch_millis: there.start_epoch_millis + 3_600_000,
        ..gone
    };
    let event = batch(&[elsewhere.event_json("one"), there.event_json("one")]);
    let mut world = World::new(&[("one", &there)], &[QUEUE]).await;
    assert_eq!(world.invoke(event.clone()).await, none());
    let message = world.message();
    assert_eq!(
        (&message["kind"], &message["contact_id"]),
        (&json!("nothing_came"), &json!("22222222-bbbb"))
    );
    assert_eq!(message["waits_for"], "time");
    // It may still come: no person is asked for, and nothing is lost yet.
    for (metric, count) in [("Waiting", 1.0), ("Parked", 0.0), ("LostSeconds", 0.0)] {
        assert!((world.metric(metric) - count).abs() < 0.1, "{metric}");
    }
    assert_eq!(world.logged("failed").len(), 1);
    world.check_recorded(&there);
    // Without a queue the stream is all there is.
    let mut world = World::new(&[("one", &there)], &[]).await;
    assert_eq!(world.invoke(event).await, ["1"]);
    world.check_recorded(&there);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_is_kept_with_its_bytes() {
    use base64::Engine;
    let call = call("11111111-aaaa");
    let decoded = |message: &Value| {
        let data = message["data"].as_str().unwrap();
        base64::engine::general_purpose::STANDARD
            .decode(data)
            .unwrap()
    };
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_760_000_000);
    let mut world = World::new(&[("one", &call)], &[QUEUE]).await;
    for (event, bytes, reason) in [
        (
            event_of(b"<html>", old),
            &b"<html>"[..],
            "the record: not JSON: expected value",
        ),
        (
            json!({"Records": [{"kinesis": {"sequenceNumber": "1", "data": "no base64!"}}]}),
            b"no base64!",
            "the record: data is not base64",
        ),
    ] {
        assert_eq!(world.invoke(event).await, none(), "{reason}");
        let message = world.message();
        assert_eq!(
            (decoded(&message), &message["kind"]),
            (bytes.to_vec(), &json!("record_unreadable"))
        );
        assert!(
            message["reason"].as_str().unwrap().starts_with(reason),
            "{message}"
        );
        std::fs::remove_dir_all(world.folder.path().join("data/queues")).unwrap();
    }
    assert!(
        (world.metric("Unreadable") - 2.0).abs() < 0.1
            && (world.metric("Parked") - 2.0).abs() < 0.1
    );
    // A message that cannot be read is nobody's to delete.
    let message =
        |id: &str, body: &str| json!({"eventSource": "aws:sqs", "messageId": id, "body": body});
    let sqs = json!({"Records": [
        message("m1", &json!({"schema": "callreel.parked/2", "data": "e30="}).to_string()),
        message("m2", "hello"),
        message("m3", &call.contact_record("one").to_string()),
    ]});
    assert_eq!(world.invoke(sqs).await, ["m1", "m2"]);
    world.check_recorded(&call);
    assert!((world.metric("Unreadable") - 4.0).abs() < 0.1);
    // What is larger than a message is no reason to stop the shard either.
    let recently = SystemTime::now() - Duration::from_secs(1_800);
    let large = vec![b'x'; 900_000];
    assert_eq!(world.invoke(event_of(&large, recently)).await, ["1"]);
    assert_eq!(world.invoke(event_of(&large, old)).await, none());
    assert_eq!(world.logged("left out").len(), 1);
    // Without a queue it goes back for an hour, and is told each time; then the shard goes on.
    let mut world = World::new(&[("one", &call)], &[]).await;
    assert_eq!(world.invoke(event_of(b"<html>", recently)).await, ["1"]);
    assert_eq!(
        (world.logged("failed").len(), world.logged("left out").len()),
        (1, 0)
    );
    assert_eq!(world.invoke(event_of(b"<html>", old)).await, none());
    let left_out = world.logged("left out");
    assert_eq!((left_out.len(), &left_out[0]["item_id"]), (1, &json!("1")));
}

/// Whatever went wrong in a record reaches whoever reads the message.
#[tokio::test(flavor = "multi_thread")]
async fn a_parked_record_tells_every_reason() {
    let call = call("11111111-aaaa");
    let other = SynthCall {
        contact: "22222222-bbbb".to_owned(),
        ..call.clone()
    };
    let data = format!(
        "{}{}<x>",
        call.contact_record("gone"),
        other.contact_record("gone too")
    );
    let mut world = World::new(&[("one", &call)], &[QUEUE]).await;
    assert_eq!(
        world
            .invoke(event_of(data.as_bytes(), SystemTime::now()))
            .await,
        none()
    );
    let message = world.message();
    assert_eq!(
        (&message["kind"], &message["contact_id"]),
        (&json!("stream_missing"), &json!("11111111-aaaa"))
    );
    assert!(
        message["reason"].as_str().unwrap().contains("stream/gone/"),
        "{message}"
    );
    let more = message["more"].as_array().unwrap();
    assert!(
        more[0].as_str().unwrap().contains("stream/gone too/"),
        "{message}"
    );
    assert!(more[1].as_str().unwrap().contains("not JSON"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_of_another_instance_are_not_touched() {
    let ours = call("11111111-aaaa");
    let theirs = SynthCall {
        contact: "22222222-bbbb".to_owned(),
        instance: "00000000-1111-2222-3333-444444444444".to_owned(),
        ..call("22222222-bbbb")
    };
    let served = format!(
        "arn:aws:connect:us-east-1:111122223333:instance/{}",
        ours.instance
    );
    let mut world = World::new(
        &[("one", &ours), ("two", &theirs)],
        &[QUEUE, ("CONNECT_INSTANCE_ARNS", &served)],
    )
    .await;
    let event = batch(&[ours.event_json("one"), theirs.event_json("two")]);
    assert_eq!(world.invoke(event).await, none());
    world.check_recorded(&ours);
    assert_eq!(
        (
            world.verdicts().len(),
            world.sandbox.calls().count("SendMessage")
        ),
        (1, 0)
    );
    let skipped = world.logged("skipped");
    let reason = "Connect instance 00000000-1111-2222-3333-444444444444, which is not served here";
    assert_eq!((skipped.len(), &skipped[0]["reason"]), (1, &json!(reason)));
}

/// What stands in attributes is nobody's to read in a log, and who keeps a recording from
/// being made is heard.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_shows_no_attribute_and_tells_what_one_forbids() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[]).await;
    let mut record = call.contact_record("one");
    record["Attributes"] = json!({"recordingAuth": "+1 206 555 0100, card 4111 1111"});
    assert_eq!(
        world
            .invoke(event_of(record.to_string().as_bytes(), SystemTime::now()))
            .await,
        none()
    );
    let reason = "recordingAuth: another value (31 bytes) authorises nothing (1, 2 or 3 do)";
    assert_eq!(world.logged("skipped")[0]["reason"], reason);
    record["Attributes"] = json!({"recordingAuth": "3", "audioToCustomer": "secret wish"});
    assert_eq!(
        world
            .invoke(event_of(record.to_string().as_bytes(), SystemTime::now()))
            .await,
        none()
    );
    let forbidden = &world.logged("may be recorded, and is not")[0];
    assert_eq!(forbidden["level"], "WARN");
    let cause = forbidden["cause"].as_str().unwrap();
    assert!(
        cause.starts_with(
            "audioToCustomer holds a value that Callreel did not write (URLs of ours start with https://"
        ),
        "{cause}"
    );
    assert!((world.metric("Skipped") - 1.0).abs() < 0.1);
    let log = std::fs::read_to_string(world.folder.path().join(LOG)).unwrap();
    for secret in ["555 0100", "4111", "secret wish"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

/// One stream record can hold a great many things, and makes few lines all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_very_many_items_makes_few_lines() {
    let call = call("11111111-aaaa");
    let lists = format!("[{}[]]", "[],".repeat(143_000));
    let contacts = format!("[{}{{}}]", "{\"ContactId\":\"x\"},".repeat(24_000));
    let recordings = json!({
        "ContactId": "y", "Channel": "VOICE", "Attributes": {"recordingAuth": "3"},
        "Recordings": vec![json!({"StorageType": "KINESIS_VIDEO_STREAM"}); 3_000],
    });
    for (data, lines, parked) in [
        (lists, 1, 0),
        (contacts, 502, 1),
        (recordings.to_string(), 1, 1),
    ] {
        let mut world = World::new(&[("one", &call)], &[QUEUE]).await;
        assert_eq!(
            world
                .invoke(event_of(data.as_bytes(), SystemTime::now()))
                .await,
            none()
        );
        let told = world.logged("skipped").len() + world.logged("failed").len();
        assert!(told <= lines + 1 && told >= 1, "{told} lines");
        assert_eq!(world.sandbox.calls().count("SendMessage"), parked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_end_in_time_is_handed_back_in_time() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[("DEADLINE_MARGIN_SECONDS", "57")]).await;
    world.faults(vec![Rule::always(
        "GetMediaForFragmentList",
        Effect::StallAfterBytes {
            bytes: 1_000,
            seconds: 60.0,
        },
    )]);
    // Lambda gives a minute, of which the function spends three seconds: it may be late.
    let lambda_ends = SystemTime::now() + Duration::from_secs(60);
    world
        .send(batch(&[call.event_json("one")]), Duration::from_secs(60))
        .await;
    let (succeeded, answer) = world.answer().await;
    assert!(succeeded, "{answer}");
    assert_eq!(answer["batchItemFailures"][0]["itemIdentifier"], "1");
    assert!(SystemTime::now() < lambda_ends, "answered before the end");
    world.faults(vec![]);
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    world.check_recorded(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_the_next_delivery_completes() {
    let call = call("11111111-aaaa");
    for stalled in [
        "GetMediaForFragmentList",
        "PutObject",
        "UpdateContactAttributes",
    ] {
        let mut world = World::new(&[("one", &call)], &[]).await;
        world.faults(vec![Rule::always(stalled, Effect::DelayMs(5_000))]);
        world.send(call.event_json("one"), LONG).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        world.faults(vec![]);
        world.kill_and_restart().await;
        assert_eq!(
            world.invoke(call.event_json("one")).await,
            none(),
            "killed in {stalled}"
        );
        world.check_recorded(&call);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transferred_leg_adds_its_urls_behind_the_first_legs() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[]).await;
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    let first = world.attributes(&call.contact);
    let mut record = call.contact_record("one");
    record["ContactId"] = json!("22222222-bbbb");
    record["InitialContactId"] = json!(call.contact);
    for (name, value) in &first {
        record["Attributes"][name] = json!(value);
    }
    let mut event = call.event_json("one");
    use base64::Engine;
    event["Records"][0]["kinesis"]["data"] =
        json!(base64::engine::general_purpose::STANDARD.encode(record.to_string()));
    assert_eq!(world.invoke(event).await, none());
    let both = world.attributes(&call.contact);
    for (name, value) in first {
        let urls: Vec<_> = both[&name].split(", ").collect();
        assert_eq!((urls.len(), urls[0]), (2, value.as_str()), "{name}");
        assert!(urls[1].contains("22222222-bbbb"), "{urls:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_no_batch_is_an_error_that_says_so() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[]).await;
    world
        .send(json!({"hello": 1}), Duration::from_secs(20))
        .await;
    let (succeeded, answer) = world.answer().await;
    assert!(!succeeded);
    assert_eq!(answer["errorType"], "Callreel.NotABatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_somebody_else_is_neither_written_nor_read() {
    let call = call("11111111-aaaa");
    let settings = [("RECORDINGS_BUCKET_OWNER", "999999999999")];
    let mut world = World::new(&[("one", &call)], &settings).await;
    let event = batch(&[call.event_json("one")]);
    assert_eq!(world.invoke(event).await, ["1"]);
    assert_eq!(world.objects().len(), 0);
    let failed = &world.logged("failed")[0];
    assert_eq!(failed["kind"], "denied");
    assert!(
        failed.to_string().contains("RECORDINGS_BUCKET_OWNER"),
        "{failed}"
    );
}

#[test]
fn a_missing_setting_fails_at_start_with_one_line() {
    let output = Command::new(env!("CARGO_BIN_EXE_recorder"))
        .env_clear()
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.contains("RECORDINGS_BUCKET_NAME is not set"),
        "{error}"
    );
}

/// Run over the built function: a parked record says 3, and the contact says 0 by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_waited_is_recorded_only_by_what_the_contact_says_now() {
    for (auth, sides) in [("0", 0), ("", 0), ("1", 1), ("3", 3)] {
        let call = call("11111111-aaaa");
        let mut world = World::new(&[("one", &call)], &[QUEUE]).await;
        let contacts = json!({"11111111-aaaa": {"recordingAuth": auth}});
        let file = world.folder.path().join("data/contacts.json");
        std::fs::write(file, contacts.to_string()).unwrap();
        let body = call.contact_record("one").to_string();
        let message =
            json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m1", "body": body}]});
        assert_eq!(world.invoke(message).await, none(), "{auth:?}");
        let objects = world.objects();
        let files = objects.keys().filter(|key| key.ends_with(".wav"));
        assert_eq!(files.count(), sides, "{auth:?}");
        let urls = world.attributes("11111111-aaaa").len() - 1;
        assert_eq!(urls, sides, "{auth:?}");
        if sides == 0 {
            let calls = world.sandbox.calls();
            assert_eq!(calls.count("GetMediaForFragmentList"), 0, "{auth:?}");
        }
    }
}

/// A fresh record says 3, and the contact 0 when the URLs are to be written.
#[tokio::test(flavor = "multi_thread")]
async fn no_url_is_written_against_the_contacts_word() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[QUEUE]).await;
    let file = world.folder.path().join("data/contacts.json");
    std::fs::write(file, r#"{"11111111-aaaa": {"recordingAuth": "0"}}"#).unwrap();
    let record = call.contact_record("one").to_string();
    let event = event_of(record.as_bytes(), SystemTime::now());
    assert_eq!(world.invoke(event).await, none());
    assert_eq!(world.verdicts()[0]["status"], "complete");
    let calls = world.sandbox.calls();
    assert_eq!(calls.count("UpdateContactAttributes"), 0);
    let told = &world.logged("consent withdrawn")[0];
    assert_eq!(told["level"], "ERROR");
    let cure = told["cure"].as_str().unwrap();
    assert!(
        cure.contains("callreel forget --aws --stack NAME --contact 11111111-aaaa"),
        "{cure}"
    );
    assert!((world.metric("Withdrawn") - 1.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_version_of_a_contact_in_a_batch_decides() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[QUEUE]).await;
    let version = |auth: &str| {
        let mut record = call.contact_record("one");
        record["Attributes"]["recordingAuth"] = json!(auth);
        event_of(record.to_string().as_bytes(), SystemTime::now())
    };
    let event = batch(&[version("3"), version("0")]);
    assert_eq!(world.invoke(event).await, none());
    assert_eq!(world.objects().len(), 0);
    assert_eq!(world.logged("skipped").len(), 2);
}
