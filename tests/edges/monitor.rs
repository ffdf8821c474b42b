//! The built `callreel monitor` against the sandbox, whose streams come live: what it prints,
//! the files that it leaves, and what it does when something goes wrong.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kinesisvideomedia::error::ProvideErrorMetadata;
use aws_sdk_kinesisvideomedia::types::{StartSelector, StartSelectorType};
use aws_sdk_s3::config::Credentials;
use callreel::aws::DataStream;
use callreel::media::fragment::Direction;
use callreel::media::ticks::EpochMillis;
use callreel::monitor::names::{LocalTime, file};
use callreel::sandbox::{Effect, Faults, Play, Quota, Rule, Sandbox, Settings};
use callreel::synth::{SynthCall, live_tail};
use serde_json::Value;

const CALLS: &str = "calls";
const PATIENCE: Duration = Duration::from_secs(60);

/// Streams that come live, and a folder.
struct World {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
}

impl World {
    /// `told`: whether the sandbox tells of the calls.
    async fn new(calls: &[&SynthCall], speed: f64, told: Told, faults: Faults) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for call in calls {
            crate::put_stream(folder.path().join("streams").join(stream(call)), call);
        }
        let sandbox = Sandbox::start(Settings {
            streams: folder.path().join("streams"),
            data: folder.path().join("data"),
            play: Some(Play {
                speed,
                calls_to: (told == Told::BySandbox).then(|| CALLS.to_owned()),
            }),
            faults,
            ..Settings::default()
        });
        let sandbox = sandbox.await.unwrap();
        Self { folder, sandbox }
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callreel"));
        let url = self.sandbox.url();
        command
            .current_dir(self.folder.path())
            .args(["monitor", "--streamname", CALLS, "--region", "us-east-1"])
            .args(["--endpoint-url-kinesis", url])
            .args(["--endpoint-url-kinesisvideo", url])
            .args(["--retryinterval", "50"])
            .env("CALLREEL_TIMEZONE", "UTC")
            .env("CALLREEL_GETRECORDSINTERVAL", "250")
            .args(more)
            .env("AWS_ACCESS_KEY_ID", "sandbox")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn watch(&self, more: &[&str]) -> Monitor {
        let mut child = self.command(more).spawn().unwrap();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let read = Arc::clone(&lines);
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .for_each(|line| read.lock().unwrap().push(line));
        });
        Monitor { child, lines }
    }

    /// From the oldest record on, without a page.
    fn headless(&self, more: &[&str]) -> Monitor {
        let always = ["--headless", "--start-position", "trim_horizon"];
        self.watch(&[&always, more].concat())
    }

    fn place(&self, call: &SynthCall, tried: u32, direction: Direction) -> PathBuf {
        let at = EpochMillis(call.span().start_server_millis);
        let stem = LocalTime {
            at,
            ahead_seconds: 0,
        };
        let name = file(&stem.stem(), tried, direction);
        self.folder.path().join("audio").join(name)
    }

    /// Both files of a call hold exactly its samples.
    #[track_caller]
    fn check_files(&self, call: &SynthCall, tried: u32) {
        for direction in Direction::BOTH {
            let (samples, expected) = (
                samples(&self.place(call, tried, direction)),
                call.expected(direction),
            );
            assert_eq!(samples.len(), expected.len(), "{direction:?}");
            assert!(samples == expected, "{direction:?}");
        }
    }

    async fn config(&self) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(self.sandbox.url())
            .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
            .load()
            .await
    }

    async fn put(&self, key: &str, event: &Value) {
        let stream = DataStream::while_a_caller_waits(&self.config().await, CALLS);
        let put = stream.put(key, event.to_string().as_bytes()).await;
        put.unwrap();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    BySandbox,
    ByTest,
}

/// A monitor under way.
struct Monitor {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Monitor {
    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn events(&self) -> Vec<Value> {
        let lines = self.lines();
        let events = lines.iter().map(|line| serde_json::from_str(line).unwrap());
        events.collect()
    }

    /// Waits until it has told something.
    async fn wait(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let found = self.events().into_iter().find(&is_it);
            if let Some(event) = found {
                return event;
            }
            assert!(since.elapsed() < PATIENCE, "{what}: {:#?}", self.told());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait_for(&self, contact: &str, what: &str) -> Value {
        let is_it = |event: &Value| event["contact"] == contact && event["what"] == what;
        self.wait(&format!("{contact} {what}"), is_it).await
    }

    /// Everything but the frames.
    fn told(&self) -> Vec<Value> {
        let events = self.events().into_iter();
        events.filter(|event| event["peakHz"].is_null()).collect()
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Ends it as a service manager does: its errors, and whether it ended well.
    fn end(&mut self) -> (bool, String) {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        let errors = std::io::read_to_string(self.child.stderr.take().unwrap());
        (status.success(), errors.unwrap())
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A call of so many seconds; `number` tells it from others.
fn call(number: u64, seconds: u64) -> SynthCall {
    SynthCall {
        millis: seconds * 1_000,
        contact: format!("contact-{number}"),
        seed: number,
        start_epoch_millis: 1_760_000_000_123 + number as i64 * 700,
        ..SynthCall::default()
    }
}

fn stream(call: &SynthCall) -> String {
    format!("stream-of-{}", call.contact)
}

/// What the flow's function puts.
fn began(call: &SynthCall) -> Value {
    let span = call.span();
    serde_json::json!({"Name": "ContactFlowEvent", "Details": {"Parameters": {}, "ContactData": {
        "ContactId": call.contact, "InitialContactId": call.contact, "Channel": "VOICE",
        "CustomerEndpoint": null, "SystemEndpoint": null, "Queue": null,
        "MediaStreams": {"Customer": {"Audio": {
            "StreamARN": format!("arn:aws:kinesisvideo:us-east-1:111122223333:stream/{}/1760000000000", stream(call)),
            "StartTimestamp": span.start_server_millis.to_string(),
            "StartFragmentNumber": span.start_fragment,
        }}},
    }}})
}

/// The samples of a file whose header says what is true of it.
#[track_caller]
fn samples(path: &std::path::Path) -> Vec<i16> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (head, pcm) = bytes.split_at(44);
    assert_eq!(
        head,
        callreel::media::wav::header(1, pcm.len() as u64 / 2).unwrap()
    );
    let (pairs, rest) = pcm.as_chunks::<2>();
    assert!(rest.is_empty());
    pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

fn rule(on: &str, times: u32, after: u32, effect: Effect) -> Rule {
    Rule {
        times: Some(times),
        after,
        ..Rule::once(on, effect)
    }
}

fn status(code: u16, error: &str) -> Effect {
    Effect::Status {
        code,
        error: error.to_owned(),
    }
}

#[tokio::test]
async fn two_calls_at_once_are_recorded_to_the_sample_and_their_ends_are_seen() {
    let (one, two) = (call(1, 14), call(2, 10));
    let two = SynthCall {
        swap_tracks: true,
        ..two
    };
    let world = World::new(&[&one, &two], 2.0, Told::BySandbox, Faults::default()).await;
    let mut monitor = world.headless(&["--snapshots", "pictures"]);
    for contact in [&one.contact, &two.contact] {
        let ended = monitor.wait_for(contact, "ended").await;
        assert_eq!(ended["detail"], "disconnected");
    }
    let told = monitor.told();
    let words = |contact: &str| {
        let of_it = told.iter().filter(|event| event["contact"] == contact);
        let words: Vec<_> = of_it.map(|event| event["what"].as_str().unwrap()).collect();
        words.join(" ")
    };
    assert_eq!(words(&one.contact), "began ended", "{told:#?}");
    assert_eq!(words(&two.contact), "began ended", "{told:#?}");
    let places: Vec<_> = told
        .iter()
        .filter_map(|event| event["what"].as_str())
        .collect();
    assert_eq!(places, ["began", "began", "ended", "ended"], "at once");
    // A line for each frame of each side.
    let frames = |contact: &str, side: &str| {
        let events = monitor.events().into_iter();
        let own = events.filter(|event| event["contact"] == contact && event["side"] == side);
        own.filter(|event| event["peakHz"].is_number()).count()
    };
    for side in ["cu", "op"] {
        assert_eq!(
            frames(&one.contact, side),
            14_000_usize.div_ceil(64),
            "{side}"
        );
        let picture = world.folder.path().join("pictures");
        let picture = picture.join(format!("{}-{side}.png", one.contact));
        assert!(fs::read(picture).unwrap().starts_with(b"\x89PNG"));
    }
    assert_eq!(monitor.end(), (true, String::new()));
    world.check_files(&one, 1);
    world.check_files(&two, 1);
}

#[tokio::test]
async fn whatever_breaks_off_or_is_refused_no_sample_is_doubled_or_missing() {
    let call = call(3, 24);
    // The next caller on the same stream is none of this call's.
    let next = SynthCall {
        start_epoch_millis: call.start_epoch_millis + 26_000,
        first_counter: 10_000,
        contact: "the-next-caller".to_owned(),
        ..call.clone()
    };
    let faults = Faults {
        quota: Quota {
            media_seconds: Some(9),
            ..Quota::default()
        },
        rules: vec![
            rule(
                "GetRecords",
                2,
                0,
                status(400, "ProvisionedThroughputExceededException"),
            ),
            rule("GetRecords", 1, 0, status(500, "InternalFailure")),
            rule("GetRecords", 1, 0, status(400, "ExpiredIteratorException")),
            rule(
                "GetMedia",
                1,
                0,
                status(400, "ClientLimitExceededException"),
            ),
            rule("GetMedia", 1, 0, Effect::CutAfterBytes(50_000)),
            rule("GetMedia", 1, 0, Effect::EndAfterBytes(41_000)),
            rule("GetMedia", 1, 0, Effect::Reset),
        ],
    };
    let world = World::new(&[&call], 2.0, Told::ByTest, faults).await;
    let mut media = Vec::new();
    next.write_stream(&mut media, |_| ()).unwrap();
    let path = world.folder.path().join("streams").join(stream(&call));
    fs::write(path.join("next.mkv"), media).unwrap();
    world.put(&call.contact, &began(&call)).await;
    let mut monitor = world.headless(&[]);
    let ended = monitor.wait_for(&call.contact, "ended").await;
    // Nobody says that it is over: its stream does.
    assert_eq!(ended["detail"], "next-contact");
    world.check_files(&call, 1);
    let began = monitor.told().into_iter();
    assert_eq!(began.filter(|event| event["what"] == "began").count(), 1);
    let (ended_well, errors) = monitor.end();
    assert!(ended_well, "{errors}");
    let calls = world.sandbox.calls();
    assert!(calls.count("GetMedia") >= 6, "{:?}", calls.counts);
}

/// The body of a quarter of an hour is longer than any answer that is read whole, and nothing cuts it: there is one
/// request, and one more where KVS ends it.
#[tokio::test]
async fn a_body_may_be_longer_than_any_answer() {
    let call = call(9, 18 * 60);
    let faults = Faults {
        quota: Quota {
            media_seconds: Some(17 * 60 + 30),
            ..Quota::default()
        },
        ..Faults::default()
    };
    let world = World::new(&[&call], 200.0, Told::BySandbox, faults).await;
    let mut monitor = world.headless(&[]);
    monitor.wait_for(&call.contact, "ended").await;
    world.check_files(&call, 1);
    let told = monitor.told().into_iter();
    let again = told.filter(|event| event["what"] == "reconnecting");
    let why: Vec<_> = again.map(|event| event["detail"].clone()).collect();
    // The second one is the sandbox's, which ends what falls silent.
    assert!(
        why.iter().all(|why| why == "ended") && why.len() <= 2,
        "{why:?}"
    );
    monitor.end();
}

/// What is asked for next begins behind the last fragment that came whole, wherever in the next one the body ended.
#[tokio::test]
async fn media_is_asked_for_behind_the_last_whole_fragment() {
    const WHOLE: usize = 3;
    let call = call(5, 8);
    let fragments: Vec<_> = call.fragments().collect();
    let tail = live_tail(&fragments[0].number, 1_000).len();
    let whole = fragments[..WHOLE].iter();
    let whole: usize = whole.map(|fragment| fragment.document.len() + tail).sum();
    let inside = (whole + fragments[WHOLE].document.len() / 2) as u64;
    for ends in [Effect::EndAfterBytes(inside), Effect::CutAfterBytes(inside)] {
        let faults = Faults {
            rules: vec![rule("GetMedia", 1, 0, ends.clone())],
            ..Faults::default()
        };
        let world = World::new(&[&call], 2.0, Told::BySandbox, faults).await;
        let mut monitor = world.headless(&[]);
        monitor.wait_for(&call.contact, "ended").await;
        world.check_files(&call, 1);
        monitor.end();
        let calls = world.sandbox.calls().calls.into_iter();
        let starts: Vec<_> = calls.filter_map(|call| call.start).collect();
        assert!(starts[0].starts_with("SERVER_TIMESTAMP "), "{starts:?}");
        let last = &fragments[WHOLE - 1].number;
        assert_eq!(starts[1], format!("FRAGMENT_NUMBER {last}"), "{ends:?}");
    }
}

/// As KVS does: three live bodies of a stream at once, and a fourth when one of them is let go.
#[tokio::test]
async fn a_stream_is_played_to_three_at_once() {
    let call = call(7, 60);
    let world = World::new(&[&call], 1.0, Told::ByTest, Faults::default()).await;
    let config = aws_sdk_kinesisvideomedia::config::Builder::from(&world.config().await)
        .retry_config(RetryConfig::disabled())
        .build();
    let client = aws_sdk_kinesisvideomedia::Client::from_conf(config);
    let asked = async || {
        let earliest = StartSelector::builder().start_selector_type(StartSelectorType::Earliest);
        let media = client.get_media().stream_name(stream(&call));
        let media = media.start_selector(earliest.build().unwrap()).send().await;
        media.map_err(|error| error.code().unwrap_or_default().to_owned())
    };
    let mut bodies = Vec::new();
    for _ in 0..3 {
        bodies.push(asked().await.unwrap());
    }
    assert_eq!(
        asked().await.unwrap_err(),
        "ConnectionLimitExceededException"
    );
    bodies.pop();
    let since = Instant::now();
    while let Err(code) = asked().await {
        assert!(since.elapsed() < PATIENCE, "{code}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// A side that was never streamed has a file, as the monitor's original leaves it: a header, and no sample.
#[tokio::test]
async fn a_call_of_one_side_leaves_an_empty_file_of_the_other() {
    let call = SynthCall {
        one_way: true,
        ..call(6, 5)
    };
    let world = World::new(&[&call], 2.0, Told::BySandbox, Faults::default()).await;
    let mut monitor = world.headless(&[]);
    monitor.wait_for(&call.contact, "ended").await;
    monitor.end();
    let place = |direction| world.place(&call, 1, direction);
    let said = samples(&place(Direction::FromCustomer));
    assert!(said == call.expected(Direction::FromCustomer));
    let other = fs::read(place(Direction::ToCustomer)).unwrap();
    assert_eq!(other, callreel::media::wav::header(1, 0).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_before_the_start_is_left_out_and_the_shards_children_are_read() {
    let (before, after) = (call(4, 5), call(5, 8));
    let world = World::new(
        &[&before, &after],
        4.0,
        Told::ByTest,
        Faults {
            quota: Quota {
                iterator_seconds: Some(1),
                ..Quota::default()
            },
            rules: vec![rule("GetMedia", 1, 0, Effect::DelayMs(300))],
        },
    )
    .await;
    world.put(&before.contact, &began(&before)).await;
    // An iterator that grew old is made anew a little before the last look, as clocks differ.
    tokio::time::sleep(Duration::from_secs(6)).await;
    // Slower than its iterators grow old.
    let mut monitor = world.watch(&[
        "--headless",
        "--getrecordsinterval",
        "1500",
        "--idle-end-seconds",
        "3",
    ]);
    monitor.wait("ready", |event| event["ready"] == true).await;
    split(&world);
    world
        .put("no call", &serde_json::json!({"some": "thing"}))
        .await;
    world.put(&after.contact, &began(&after)).await;
    world.put(&after.contact, &began(&after)).await;
    let ended = monitor.wait_for(&after.contact, "ended").await;
    assert_eq!(ended["detail"], "idle");
    let told = monitor.told();
    assert!(
        told.iter().all(|event| event["contact"] != *before.contact),
        "{told:#?}"
    );
    let began = told.iter().filter(|event| event["what"] == "began");
    assert_eq!(began.count(), 1, "{told:#?}");
    assert_eq!(
        told.iter()
            .filter(|event| event["skipped"].is_string())
            .count(),
        1,
        "{told:#?}"
    );
    world.check_files(&after, 1);
    assert!(monitor.end().0);
}

/// Two shards follow on the first one.
fn split(world: &World) {
    use std::io::{Read, Write};
    let address = world.sandbox.url().trim_start_matches("http://").to_owned();
    let body = format!(
        r#"{{"StreamName":"{CALLS}","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"1"}}"#
    );
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-Amz-Target: Kinesis_20131202.SplitShard\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut line = std::net::TcpStream::connect(address).unwrap();
    line.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_call_that_may_not_be_read_says_why_at_once_and_the_others_go_on() {
    let (denied, read) = (call(6, 6), call(7, 6));
    let faults = Faults {
        rules: vec![Rule {
            times: None,
            containing: Some(stream(&denied)),
            ..Rule::once("GetMedia", status(403, "AccessDeniedException"))
        }],
        ..Faults::default()
    };
    let world = World::new(&[&denied, &read], 2.0, Told::BySandbox, faults).await;
    let mut monitor = world.headless(&[]);
    let error = monitor.wait_for(&denied.contact, "error").await;
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("kinesisvideo:GetMedia"), "{detail}");
    monitor.wait_for(&read.contact, "ended").await;
    world.check_files(&read, 1);
    assert!(monitor.end().0);
    let asked = world.sandbox.calls().calls;
    let refused = asked.iter().filter(|call| call.status == 403);
    assert_eq!(refused.count(), 1, "it is not tried again");
}

#[tokio::test]
async fn the_page_shows_calls_and_when_the_monitor_is_ended_both_files_are_whole() {
    let call = call(8, 60);
    let world = World::new(&[&call], 1.0, Told::BySandbox, Faults::default()).await;
    let page = ["--port", "0", "--start-position", "trim_horizon", "--json"];
    let mut monitor = world.watch(&page);
    let told = monitor
        .wait("page", |event| event["page"].is_string())
        .await;
    monitor.wait_for(&call.contact, "began").await;
    let url = told["page"].as_str().unwrap().to_owned();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let whole = tokio::task::spawn_blocking(move || first_event(&url))
        .await
        .unwrap();
    assert!(whole.contains(&call.contact), "{whole}");
    assert_eq!(monitor.end(), (true, String::new()));
    assert_eq!(monitor.told().last().unwrap()["detail"], "stopped");
    for direction in Direction::BOTH {
        let samples = samples(&world.place(&call, 1, direction));
        assert!(samples.len() > 8_000, "{}", samples.len());
        assert_eq!(samples, call.expected(direction)[..samples.len()]);
    }
}

/// The first event of the page's stream.
fn first_event(url: &str) -> String {
    use std::io::Write;
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut line = std::net::TcpStream::connect(address).unwrap();
    let request = format!("GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n");
    line.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(line).lines().map_while(Result::ok);
    let data = lines.find(|line| line.starts_with("data: "));
    data.unwrap()
}

#[tokio::test]
async fn what_a_killed_monitor_left_is_repaired_by_the_next_one() {
    let call = call(9, 60);
    let world = World::new(&[&call], 1.0, Told::BySandbox, Faults::default()).await;
    let mut monitor = world.headless(&[]);
    let contact = call.contact.clone();
    let frames = |event: &Value| event["contact"] == contact && event["peakHz"].is_number();
    monitor.wait("frames", frames).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    monitor.child.kill().unwrap();
    monitor.child.wait().unwrap();
    let place = world.place(&call, 1, Direction::FromCustomer);
    assert!(!place.exists());
    let mut next = world.watch(&["--headless"]);
    next.wait("ready", |event| event["ready"] == true).await;
    let (ended_well, errors) = next.end();
    assert!(
        ended_well && errors.contains("a monitor was killed"),
        "{errors}"
    );
    for direction in Direction::BOTH {
        let samples = samples(&world.place(&call, 1, direction));
        assert!(samples.len() > 8_000, "{}", samples.len());
        assert_eq!(samples, call.expected(direction)[..samples.len()]);
    }
}

#[tokio::test]
async fn two_calls_of_the_same_millisecond_overwrite_nothing() {
    let one = call(10, 4);
    let two = SynthCall {
        start_epoch_millis: one.start_epoch_millis,
        ..call(11, 6)
    };
    let world = World::new(&[&one, &two], 2.0, Told::BySandbox, Faults::default()).await;
    let mut monitor = world.headless(&["--keep-time"]);
    for contact in [&one.contact, &two.contact] {
        monitor.wait_for(contact, "ended").await;
    }
    assert!(monitor.end().0);
    let length = |tried| samples(&world.place(&one, tried, Direction::FromCustomer)).len();
    let (first, second) = match length(1) == one.expected(Direction::FromCustomer).len() {
        true => (&one, &two),
        false => (&two, &one),
    };
    world.check_files(first, 1);
    world.check_files(second, 2);
}

/// A connection that says nothing any more, and does not end either, is no silence of the call.
#[tokio::test]
async fn a_body_that_falls_silent_is_given_up_for_another_one() {
    let call = call(13, 12);
    let stall = Effect::StallAfterBytes {
        bytes: 50_000,
        seconds: 60.0,
    };
    let faults = Faults {
        rules: vec![rule("GetMedia", 1, 0, stall)],
        ..Faults::default()
    };
    let world = World::new(&[&call], 2.0, Told::BySandbox, faults).await;
    let mut monitor = world.headless(&["--idle-end-seconds", "6"]);
    let again = monitor.wait_for(&call.contact, "reconnecting").await;
    assert_eq!(again["detail"], "silent");
    monitor.wait_for(&call.contact, "ended").await;
    world.check_files(&call, 1);
    assert!(monitor.end().0);
}

/// Labels and files have the time that clocks of the zone showed when the call began: in October that is summer time.
#[tokio::test]
async fn labels_and_files_are_of_the_zone_that_is_set() {
    let call = call(12, 4);
    let world = World::new(&[&call], 2.0, Told::BySandbox, Faults::default()).await;
    let mut monitor = world.headless(&["--timezone", "Europe/Berlin"]);
    monitor.wait_for(&call.contact, "ended").await;
    let summer = LocalTime {
        at: EpochMillis(call.span().start_server_millis),
        ahead_seconds: 7_200,
    };
    let began = monitor.told().into_iter();
    let began = began.filter(|event| event["what"] == "began");
    let labels: Vec<_> = began.map(|event| event["detail"].clone()).collect();
    assert_eq!(labels, [summer.label()]);
    assert!(monitor.end().0);
    for direction in Direction::BOTH {
        let name = file(&summer.stem(), 1, direction);
        let samples = samples(&world.folder.path().join("audio").join(name));
        assert!(samples == call.expected(direction), "{direction:?}");
    }
}

#[tokio::test]
async fn settings_that_are_missing_or_wrong_are_told_by_name_and_aws_is_not_asked() {
    let world = World::new(&[], 1.0, Told::ByTest, Faults::default()).await;
    fs::write(
        world.folder.path().join("bad.toml"),
        "maxretrycount = \"many\"\n",
    )
    .unwrap();
    fs::write(
        world.folder.path().join("unknown.toml"),
        "streamnam = \"x\"\n",
    )
    .unwrap();
    #[track_caller]
    fn check(world: &World, arguments: &[&str], told: &[&str]) {
        let output = Command::new(env!("CARGO_BIN_EXE_callreel"))
            .current_dir(world.folder.path())
            .arg("monitor")
            .args(arguments)
            .env("AWS_ENDPOINT_URL", world.sandbox.url())
            .env("AWS_ACCESS_KEY_ID", "sandbox")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .output()
            .unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        let errors = String::from_utf8(output.stderr).unwrap();
        for told in told {
            assert!(errors.contains(told), "{arguments:?}: {errors}");
        }
    }
    check(
        &world,
        &[],
        &["streamname is not given", "CALLREEL_STREAMNAME"],
    );
    check(&world, &["--config", "none.toml"], &["none.toml"]);
    let bad = ["--config", "bad.toml", "--streamname", "x"];
    check(
        &world,
        &bad,
        &["bad.toml, maxretrycount", "\"many\"", "from 0 to 1000"],
    );
    check(
        &world,
        &["--config", "unknown.toml"],
        &["unknown.toml", "streamnam"],
    );
    let zone = ["--streamname", "x", "--timezone", "Mars/Base"];
    check(&world, &zone, &["timezone", "Mars/Base"]);
    let endpoint = ["--streamname", "x", "--endpoint-url-kinesis", "localhost"];
    check(&world, &endpoint, &["--endpoint-url-kinesis", "http://"]);
    assert!(world.sandbox.calls().calls.is_empty());
}
