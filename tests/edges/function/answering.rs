//! The answering machine's built functions: `flow` notes, `voicemail` saves and reconciles,
//! the sandbox stands in for AWS. Each of the statements that the machine was specified by
//! is one test here, or a row of one.

use std::time::Instant;

use callreel::sandbox::Calls;

use super::*;

const NOTES: &str = "notes/";
const MESSAGES: &str = "messages/";
const INSTANCE: &str = "3b6f0d92-8c47-4f15-a2de-90b1c7e54f68";
const MINUTE: i64 = 60_000;
const LONG: Duration = Duration::from_secs(120);

/// Streams, the sandbox, and the machine's functions over it.
struct Machine {
    world: tempfile::TempDir,
    sandbox: Sandbox,
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_millis() as i64
}

/// A message of so long that was left some minutes ago.
fn message(millis: u64) -> SynthCall {
    SynthCall {
        millis,
        start_epoch_millis: now() - 20 * MINUTE - millis as i64,
        ..SynthCall::default()
    }
}

fn arn(stream: &str) -> String {
    format!("arn:aws:kinesisvideo:us-east-1:111122223333:stream/{stream}/1760000000000")
}

/// What the flow sends while the call runs.
fn flow_call(call: &SynthCall, stream: &str) -> Value {
    let span = call.span();
    let audio = json!({
        "StreamARN": arn(stream),
        "StartFragmentNumber": span.start_fragment,
        "StartTimestamp": (span.start_server_millis - 966).to_string(),
    });
    let mut event = bare_flow_call(&call.contact);
    event["Details"]["ContactData"]["MediaStreams"] = json!({"Customer": {"Audio": audio}});
    event
}

/// The same before streaming.
fn bare_flow_call(contact: &str) -> Value {
    json!({"Name": "ContactFlowEvent", "Details": {"Parameters": {}, "ContactData": {
        "ContactId": contact, "InitialContactId": contact, "Channel": "VOICE",
        "InstanceARN": format!("arn:aws:connect:us-east-1:111122223333:instance/{INSTANCE}"),
        "CustomerEndpoint": {"Address": "+81300000000", "Type": "TELEPHONE_NUMBER"},
        "SystemEndpoint": {"Address": "+81500000000", "Type": "TELEPHONE_NUMBER"},
        "Queue": null,
    }}})
}

/// The event that the call is over.
fn ended(call: &SynthCall) -> Value {
    let end = call.span().stop_server_millis + 1_600;
    contact_event(&call.contact, call.start_epoch_millis - 5_000, end)
}

fn contact_event(contact: &str, began: i64, end: i64) -> Value {
    let time = |millis| callreel::media::ticks::EpochMillis(millis).to_rfc3339();
    json!({"source": "aws.connect", "detail-type": "Amazon Connect Contact Event", "detail": {
        "eventType": "DISCONNECTED", "contactId": contact, "channel": "VOICE",
        "instanceArn": format!("arn:aws:connect:us-east-1:111122223333:instance/{INSTANCE}"),
        "initiationTimestamp": time(began), "disconnectTimestamp": time(end),
    }})
}

impl Machine {
    async fn new(calls: &[(&str, &SynthCall)]) -> Self {
        let world = tempfile::tempdir().unwrap();
        for (name, call) in calls {
            put_stream(world.path().join("streams").join(name), call);
        }
        std::fs::create_dir_all(world.path().join("streams")).unwrap();
        let sandbox = Sandbox::start(Settings {
            streams: world.path().join("streams"),
            data: world.path().join("data"),
            bucket_owner: Some("111122223333".to_owned()),
            ..Settings::default()
        });
        let sandbox = sandbox.await.unwrap();
        Self { world, sandbox }
    }

    async fn start(&self, binary: &str, handler: &str) -> Execution {
        self.start_with(binary, handler, &[]).await
    }

    async fn start_with(
        &self,
        binary: &str,
        handler: &str,
        more: &[(&'static str, &'static str)],
    ) -> Execution {
        let settings = [
            ("_HANDLER", handler),
            ("S3_REGION", "us-east-1"),
            ("S3_BUCKET", BUCKET),
            ("S3_PATH", NOTES),
            ("S3_KEY_GET", NOTES),
            ("S3_KEY_PUT", MESSAGES),
        ];
        let settings = settings.iter().chain(more);
        let settings: Vec<_> = settings
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let log = self.world.path().join(LOG);
        Execution::of(binary, self.sandbox.url(), &settings, &log).await
    }

    async fn flow(&self) -> Execution {
        self.start(env!("CARGO_BIN_EXE_flow"), "note").await
    }

    async fn save(&self) -> Execution {
        self.start(env!("CARGO_BIN_EXE_voicemail"), "save").await
    }

    async fn reconcile(&self) -> Execution {
        self.start(env!("CARGO_BIN_EXE_voicemail"), "reconcile")
            .await
    }

    /// Notes a call and saves its message: what `save` says.
    async fn take(&self, call: &SynthCall, stream: &str) -> Value {
        let noted = ask(&mut self.flow().await, flow_call(call, stream)).await;
        assert!(noted.0, "{}", noted.1);
        let saved = ask(&mut self.save().await, ended(call)).await;
        assert!(saved.0, "{}", saved.1);
        saved.1
    }

    fn bucket(&self) -> PathBuf {
        self.world.path().join("data/buckets").join(BUCKET)
    }

    /// The keys of what is in the bucket, that end so.
    fn keys(&self, ending: &str) -> Vec<String> {
        let mut folders = vec![self.bucket()];
        let mut keys = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        let key = path.strip_prefix(self.bucket()).unwrap();
                        keys.push(key.to_string_lossy().into_owned());
                    }
                }
            }
        }
        keys.retain(|key| key.ends_with(ending) && !key.starts_with('.'));
        keys.sort();
        keys
    }

    fn read(&self, key: &str) -> Vec<u8> {
        std::fs::read(self.bucket().join(key)).unwrap()
    }

    fn json(&self, key: &str) -> Value {
        serde_json::from_slice(&self.read(key)).unwrap()
    }

    /// Puts an object there, written so many minutes ago.
    fn put(&self, key: &str, object: &str, minutes_ago: u64) {
        let path = self.bucket().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, object).unwrap();
        let file = std::fs::File::options().write(true).open(path).unwrap();
        let then = SystemTime::now() - Duration::from_secs(60 * minutes_ago);
        file.set_modified(then).unwrap();
    }

    /// There is one message, of exactly what the caller said.
    #[track_caller]
    fn check_message(&self, call: &SynthCall) -> String {
        let wavs = self.keys(".wav");
        let [key] = &wavs[..] else {
            panic!("{wavs:?}");
        };
        let wav = self.read(key);
        assert_eq!(wav[..4], *b"RIFF");
        let size = u32::from_le_bytes(wav[4..8].try_into().unwrap());
        assert_eq!(size as usize, wav.len() - 8);
        let spec = hound::WavReader::new(&wav[..]).unwrap().spec();
        assert_eq!(
            (spec.channels, spec.sample_rate, spec.bits_per_sample),
            (1, 8_000, 16)
        );
        assert!(
            samples(&wav) == call.expected(Direction::FromCustomer),
            "{key}"
        );
        key.clone()
    }

    /// The sum of a metric's values.
    fn metric(&self, name: &str) -> f64 {
        let log = std::fs::read_to_string(self.world.path().join(LOG)).unwrap();
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
        let values = lines.filter(|line: &Value| line["_aws"].is_object());
        values.filter_map(|line| line[name].as_f64()).sum()
    }

    /// What was put on an event bus.
    fn told(&self, bus: &str) -> Vec<Value> {
        let folder = self.world.path().join("data/events").join(bus);
        let mut events: Vec<_> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect();
        events.sort();
        let read = |path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        events.into_iter().map(read).collect()
    }

    fn calls(&self) -> Calls {
        self.sandbox.calls()
    }

    fn faults(&self, rules: Vec<Rule>) {
        self.sandbox.set_faults(Faults {
            rules,
            ..Faults::default()
        });
    }

    /// The notes are this old now.
    fn age_notes(&self, minutes: u64) {
        for key in self.keys(".json") {
            let note = String::from_utf8(self.read(&key)).unwrap();
            self.put(&key, &note, minutes);
        }
    }
}

/// Whether an invocation succeeded, and what it says.
async fn ask(function: &mut Execution, event: Value) -> (bool, Value) {
    function.send(event, LONG).await;
    function.answer().await
}

fn always(on: &str, code: u16, error: &str) -> Rule {
    let effect = Effect::Status {
        code,
        error: error.to_owned(),
    };
    Rule {
        times: None,
        ..Rule::once(on, effect)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_has_the_fields_of_the_call_and_is_one_however_often_the_flow_calls() {
    let call = message(3_000);
    let machine = Machine::new(&[]).await;
    let mut flow = machine.flow().await;
    let (succeeded, answer) = ask(&mut flow, flow_call(&call, "s")).await;
    assert!(succeeded, "{answer}");
    let key = answer["note"].as_str().unwrap().to_owned();
    let note = machine.json(&key);
    let span = call.span();
    for (field, expected) in [
        ("contactId", &*call.contact),
        ("customerEndpoint", "+81300000000"),
        ("systemEndpoint", "+81500000000"),
        ("startFragmentNumber", &*span.start_fragment),
        (
            "startTimestamp",
            &*(span.start_server_millis - 966).to_string(),
        ),
        ("stopFragmentNumber", ""),
        ("stopTimestamp", ""),
        ("streamARN", &*arn("s")),
        ("instanceId", INSTANCE),
    ] {
        assert_eq!(note[field], expected, "{field}");
    }
    assert_eq!(note["streamKnown"], true);
    assert!(
        key.starts_with(NOTES) && key.ends_with(&format!("_{}.json", call.contact)),
        "{key}"
    );
    // All values of the answer are texts.
    let texts = answer.as_object().unwrap().values().all(Value::is_string);
    assert!(texts, "{answer}");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let again = ask(&mut flow, flow_call(&call, "s")).await;
    assert_eq!(again.1["note"], key);
    let notes = machine.keys(".json");
    assert_eq!(
        notes,
        [key, format!("{NOTES}by-contact/{}.json", call.contact)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_before_streaming_or_without_a_number_is_noted() {
    let machine = Machine::new(&[]).await;
    let mut flow = machine.flow().await;
    let audios = [
        json!({"Customer": {"Audio": {}}}),
        json!({"Customer": {"Audio": null}}),
        json!({"Customer": null}),
        json!(null),
    ];
    for (at, streams) in audios.into_iter().enumerate() {
        let mut event = bare_flow_call(&format!("c-{at}"));
        event["Details"]["ContactData"]["MediaStreams"] = streams;
        event["Details"]["ContactData"]["CustomerEndpoint"] = json!(null);
        let (succeeded, answer) = ask(&mut flow, event).await;
        assert!(succeeded, "{answer}");
        let note = machine.json(answer["note"].as_str().unwrap());
        assert_eq!(note["streamKnown"], false);
        assert_eq!(note["customerEndpoint"], "anonymous");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_answered_in_time_whatever_s3_does() {
    for (name, rule) in [
        ("503", always("PutObject", 503, "SlowDown")),
        ("denied", always("PutObject", 403, "AccessDenied")),
        (
            "hangs",
            Rule {
                times: None,
                ..Rule::once("PutObject", Effect::DelayMs(30_000))
            },
        ),
    ] {
        let machine = Machine::new(&[]).await;
        machine.faults(vec![rule]);
        let mut flow = machine.flow().await;
        let began = Instant::now();
        let (succeeded, answer) = ask(&mut flow, bare_flow_call("c-1")).await;
        assert!(!succeeded, "{name}: {answer}");
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{name}: {:?}",
            began.elapsed()
        );
        let told = answer["errorMessage"].as_str().unwrap();
        assert!(
            told.starts_with("contact c-1, noting the call: "),
            "{name}: {told}"
        );
        assert_eq!(machine.keys(""), [""; 0], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_any_length_are_exact_and_the_same_when_their_event_comes_twice() {
    // 2,300 fragments: three pages of a listing, which has no order.
    for millis in [3_000, 60_000, 20 * 60_000, 2_300 * 1_088] {
        let call = message(millis);
        let machine = Machine::new(&[("s", &call)]).await;
        let saved = machine.take(&call, "s").await;
        assert_eq!(saved["status"], "complete", "{saved}");
        let key = machine.check_message(&call);
        assert_eq!(saved["key"], key);
        let before = machine.read(&key);
        let (succeeded, again) = ask(&mut machine.save().await, ended(&call)).await;
        assert!(succeeded && again == saved, "{again}");
        assert!(machine.read(&machine.check_message(&call)) == before);
        let asked = machine.calls();
        let most = asked
            .calls
            .iter()
            .filter(|call| call.operation == "GetMediaForFragmentList");
        assert!(most.clone().count() > 0);
        assert!(
            most.into_iter()
                .all(|call| call.fragments.unwrap_or(0) <= 1_000)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_holds_its_caller_alone_and_what_they_say_alone() {
    let odd = [
        SynthCall {
            reuse: true,
            ..message(10_000)
        },
        SynthCall {
            swap_tracks: true,
            ..message(10_000)
        },
        SynthCall {
            one_way: true,
            ..message(10_000)
        },
    ];
    for call in odd {
        let machine = Machine::new(&[("s", &call)]).await;
        let saved = machine.take(&call, "s").await;
        assert_eq!(saved["status"], "complete", "{saved}");
        machine.check_message(&call);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_its_tags_its_verdict_and_its_type() {
    let call = message(3_000);
    let machine = Machine::new(&[("s", &call)]).await;
    machine.take(&call, "s").await;
    let key = machine.check_message(&call);
    let tags = machine.world.path().join("data/tags").join(BUCKET);
    let tags = std::fs::read(tags.join(format!("{key}.json"))).unwrap();
    let tags: Value = serde_json::from_slice(&tags).unwrap();
    let started = (call.span().start_server_millis - 966).to_string();
    let expected = json!([
        ["customerEndpoint", "+81300000000"],
        ["systemEndpoint", "+81500000000"],
        ["startTimestamp", started],
    ]);
    assert_eq!(tags, expected);
    let verdict = machine.json(&key.replace(".wav", "_verdict.json"));
    assert_eq!(verdict["status"], "complete");
    assert_eq!(verdict["recording"]["contact_id"], *call.contact);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_at_the_second_try_is_in_the_message() {
    let call = message(10_000);
    let machine = Machine::new(&[("s", &call)]).await;
    machine.faults(vec![Rule::once(
        "GetMediaForFragmentList",
        Effect::ErrorDocument {
            id: 3_000,
            code: "FRAGMENT_NOT_FOUND".to_owned(),
            at: vec![2, 5],
        },
    )]);
    let saved = machine.take(&call, "s").await;
    assert_eq!(saved["status"], "complete", "{saved}");
    machine.check_message(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_found_across_midnight_and_among_many() {
    let midnight = (now() - 2 * 86_400_000).div_euclid(86_400_000) * 86_400_000;
    let call = SynthCall {
        start_epoch_millis: midnight - 2_000,
        ..message(30_000)
    };
    let machine = Machine::new(&[("s", &call)]).await;
    let (succeeded, answer) = ask(&mut machine.flow().await, flow_call(&call, "s")).await;
    assert!(succeeded, "{answer}");
    // As an older machine keeps it: by its day alone.
    let note = String::from_utf8(machine.read(answer["note"].as_str().unwrap())).unwrap();
    std::fs::remove_dir_all(machine.bucket().join(NOTES)).unwrap();
    let day = callreel::media::ticks::EpochMillis(midnight - 1).to_rfc3339();
    let day = day[..10].replace('-', "/");
    for other in 0..1_500 {
        let (minute, second) = (other / 60, other % 60);
        machine.put(
            &format!("{NOTES}{day}/12-{minute:02}-{second:02}_other-{other}.json"),
            "{}",
            0,
        );
    }
    let name = format!("{day}/23-59-58_{}", call.contact);
    machine.put(&format!("{NOTES}{name}.json"), &note, 0);
    let (succeeded, saved) = ask(&mut machine.save().await, ended(&call)).await;
    assert!(succeeded, "{saved}");
    assert_eq!(
        machine.check_message(&call),
        format!("{MESSAGES}{name}.wav")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_without_a_message_are_left_and_no_stream_is_asked() {
    let machine = Machine::new(&[]).await;
    let mut save = machine.save().await;
    for channel in ["CHAT", "TASK", "VOICE"] {
        let mut event = contact_event("c-1", now() - MINUTE, now());
        event["detail"]["channel"] = json!(channel);
        let (succeeded, answer) = ask(&mut save, event).await;
        assert!(succeeded, "{answer}");
        assert_eq!(answer["status"], "skipped");
    }
    assert_eq!(machine.keys(""), [""; 0]);
    let calls = machine.calls();
    let media = [
        "GetDataEndpoint",
        "ListFragments",
        "GetMedia",
        "DescribeContact",
    ];
    assert!(
        !calls
            .calls
            .iter()
            .any(|call| media.contains(&&*call.operation))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_says_nothing_leaves_a_marker() {
    let (call, other) = (message(10_000), message(3_000));
    let other = SynthCall {
        contact: "another".to_owned(),
        start_epoch_millis: other.start_epoch_millis - 60 * MINUTE,
        ..other
    };
    let machine = Machine::new(&[("s", &other)]).await;
    let saved = machine.take(&call, "s").await;
    assert_eq!(saved["status"], "empty", "{saved}");
    let markers = machine.keys(".empty.json");
    assert_eq!(markers, [saved["key"].as_str().unwrap()]);
    assert_eq!(machine.json(&markers[0])["contact"], *call.contact);
    assert_eq!(machine.keys(".wav"), [""; 0]);
    let log = std::fs::read_to_string(machine.world.path().join(LOG)).unwrap();
    let warned = log
        .lines()
        .filter(|line| line.contains("\"WARN\"") && line.contains("no message"));
    assert_eq!(warned.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_keeps_nothing_is_read_live() {
    let call = SynthCall {
        reuse: true,
        ..message(20_000)
    };
    let machine = Machine::new(&[("s", &call)]).await;
    let stream = machine.world.path().join("streams/s");
    std::fs::write(stream.join("retention_hours"), "0").unwrap();
    let saved = machine.take(&call, "s").await;
    assert_eq!(saved["status"], "complete", "{saved}");
    machine.check_message(&call);
    let calls = machine.calls().calls;
    let reads = calls.iter().filter(|call| call.operation == "GetMedia");
    assert_eq!(reads.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_an_early_note_is_asked_of_connect() {
    let call = message(10_000);
    let machine = Machine::new(&[("s", &call)]).await;
    let records = machine.world.path().join("data/contact-records");
    std::fs::create_dir_all(&records).unwrap();
    let record = call.contact_record("s").to_string();
    std::fs::write(records.join("c.json"), record).unwrap();
    let (succeeded, answer) = ask(&mut machine.flow().await, bare_flow_call(&call.contact)).await;
    assert!(succeeded, "{answer}");
    // The flow called before the streaming began.
    let began = call.start_epoch_millis - 3_000;
    let began = callreel::media::ticks::EpochMillis(began).to_rfc3339();
    let mut note = machine.json(answer["note"].as_str().unwrap());
    note["receivedAt"] = json!(began);
    std::fs::remove_dir_all(machine.bucket().join(NOTES)).unwrap();
    let day = began[..10].replace('-', "/");
    let key = format!("{NOTES}{day}/00-00-01_{}.json", call.contact);
    machine.put(&key, &note.to_string(), 20);
    let (succeeded, saved) = ask(&mut machine.save().await, ended(&call)).await;
    assert!(succeeded, "{saved}");
    machine.check_message(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_names_contact_and_step_and_leaves_nothing_half_done() {
    let call = message(5_000);
    for (rule, step) in [
        (
            always("ListFragments", 403, "AccessDeniedException"),
            "waiting for its last fragments",
        ),
        (
            always("ListFragments", 500, "InternalFailure"),
            "waiting for its last fragments",
        ),
        (
            always("GetMediaForFragmentList", 403, "AccessDeniedException"),
            "recording its message",
        ),
        (
            always("GetObject", 403, "AccessDenied"),
            "looking for its note",
        ),
    ] {
        let machine = Machine::new(&[("s", &call)]).await;
        let noted = ask(&mut machine.flow().await, flow_call(&call, "s")).await;
        assert!(noted.0, "{}", noted.1);
        machine.faults(vec![rule]);
        let (succeeded, answer) = ask(&mut machine.save().await, ended(&call)).await;
        assert!(!succeeded, "{answer}");
        let told = answer["errorMessage"].as_str().unwrap();
        let expected = format!("contact {}, {step}: ", call.contact);
        assert!(told.starts_with(&expected), "{told}");
        assert_eq!(machine.keys(".wav"), [""; 0]);
        assert_eq!(machine.keys(".empty.json"), [""; 0]);
        // The event comes again when it is mended.
        machine.faults(Vec::new());
        let (succeeded, saved) = ask(&mut machine.save().await, ended(&call)).await;
        assert!(succeeded, "{saved}");
        machine.check_message(&call);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_of_theirs_is_refused_with_a_word() {
    let machine = Machine::new(&[]).await;
    let mut flow = machine.flow().await;
    let mut save = machine.save().await;
    let mut no_contact = contact_event("c", 0, 0);
    no_contact["detail"]["contactId"] = json!(null);
    let no_id = bare_flow_call("");
    for (event, to_flow, to_save) in [
        (
            json!({}),
            "no event that Callreel works on: an object of nothing",
            "no event that Callreel works on: an object of nothing",
        ),
        (
            no_contact,
            "the event is no contact flow's call",
            "a contact event: its detail has no contactId",
        ),
        (
            no_id,
            "a contact flow's call: its ContactData has no ContactId",
            "the event is no contact's of Amazon Connect",
        ),
    ] {
        for (function, expected) in [(&mut flow, to_flow), (&mut save, to_save)] {
            let (succeeded, answer) = ask(function, event.clone()).await;
            assert!(!succeeded, "{answer}");
            assert_eq!(answer["errorMessage"], expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_the_event_saves_the_message() {
    let call = message(3_000);
    let capitals = |mut event: Value| {
        let detail = event["detail"].as_object().unwrap();
        let detail = detail.iter().map(|(name, value)| {
            let name = format!("{}{}", name[..1].to_ascii_uppercase(), &name[1..]);
            (
                name,
                if *value == "VOICE" {
                    json!("Voice")
                } else {
                    value.clone()
                },
            )
        });
        event["detail"] = detail.collect::<serde_json::Map<_, _>>().into();
        event
    };
    let machine = Machine::new(&[("s", &call)]).await;
    let noted = ask(&mut machine.flow().await, flow_call(&call, "s")).await;
    assert!(noted.0, "{}", noted.1);
    let (succeeded, saved) = ask(&mut machine.save().await, capitals(ended(&call))).await;
    assert!(succeeded, "{saved}");
    machine.check_message(&call);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_event_never_came_is_saved_by_the_next_run() {
    let call = message(5_000);
    let machine = Machine::new(&[("s", &call)]).await;
    let noted = ask(&mut machine.flow().await, flow_call(&call, "s")).await;
    assert!(noted.0, "{}", noted.1);
    let mut reconcile = machine.reconcile().await;
    let schedule = json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}});
    // It is left to its event as long as that can come.
    let (succeeded, ran) = ask(&mut reconcile, schedule.clone()).await;
    assert!(succeeded && ran["left"] == 1, "{ran}");
    assert_eq!(machine.keys(".wav"), [""; 0]);
    machine.age_notes(11);
    let (succeeded, ran) = ask(&mut reconcile, schedule.clone()).await;
    assert!(succeeded && ran["saved"] == 1, "{ran}");
    machine.check_message(&call);
    let (succeeded, ran) = ask(&mut reconcile, schedule).await;
    assert!(succeeded && ran["saved"] == 0 && ran["left"] == 0, "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_tried_so_often_and_given_up_with_its_reason() {
    let call = message(5_000);
    let machine = Machine::new(&[("s", &call)]).await;
    let noted = ask(&mut machine.flow().await, flow_call(&call, "s")).await;
    assert!(noted.0, "{}", noted.1);
    machine.age_notes(11);
    machine.faults(vec![always("ListFragments", 403, "AccessDeniedException")]);
    let mut reconcile = machine.reconcile().await;
    let schedule = json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}});
    for _ in 0..3 {
        let (succeeded, ran) = ask(&mut reconcile, schedule.clone()).await;
        assert!(succeeded && ran["failed"] == 1, "{ran}");
    }
    let (succeeded, ran) = ask(&mut reconcile, schedule.clone()).await;
    assert!(!succeeded, "{ran}");
    let told = ran["errorMessage"].as_str().unwrap();
    assert!(
        told.contains(&call.contact) && told.contains("kinesisvideo:ListFragments"),
        "{told}"
    );
    assert_eq!(machine.keys(".failed.json").len(), 1);
    // Told once.
    let (succeeded, ran) = ask(&mut reconcile, schedule).await;
    assert!(succeeded && ran["failed"] == 0, "{ran}");
}

/// A block of an odd number of samples: what was said is of 2 bytes more than a multiple of 4.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_an_odd_number_of_samples_is_whole() {
    let call = SynthCall {
        one_way: true,
        ..message(50 * 64)
    };
    let machine = Machine::new(&[("s", &call)]).await;
    let media = machine.world.path().join("streams/s/s.mkv");
    let mut bytes = std::fs::read(&media).unwrap();
    // The last block, of 1,028 bytes, becomes one of 1,026 with an empty element behind it.
    let block = [0xa3, 0x44, 0x04, 0x81];
    let places = bytes.windows(block.len()).enumerate();
    let last = places.rev().find(|(_, found)| *found == block).unwrap().0;
    bytes[last + 2] = 0x02;
    bytes[last + 3 + 1_026..last + 3 + 1_028].copy_from_slice(&[0xec, 0x80]);
    std::fs::write(&media, bytes).unwrap();
    machine.take(&call, "s").await;
    let [key] = &machine.keys(".wav")[..] else {
        panic!("one message");
    };
    let (wav, mut expected) = (machine.read(key), call.expected(Direction::FromCustomer));
    expected.pop();
    assert_eq!(2 * expected.len() % 4, 2);
    assert_eq!(wav.len(), 44 + 2 * expected.len());
    let found = samples(&wav);
    let differs = (0..expected.len()).find(|at| found[*at] != expected[*at]);
    assert_eq!((differs, found.len()), (None, expected.len()));
}

/// A flow that streams twice leaves two messages, and one event saves both.
#[tokio::test(flavor = "multi_thread")]
async fn both_messages_of_a_contact_are_saved_by_its_event() {
    let first = message(5_000);
    let second = SynthCall {
        start_epoch_millis: first.start_epoch_millis + 30_000,
        first_counter: 100,
        seed: 2,
        ..first.clone()
    };
    for notes_are_read_by in ["its event", "reconcile"] {
        let machine = Machine::new(&[("s", &first)]).await;
        let mut media = Vec::new();
        second.write_stream(&mut media, |_| ()).unwrap();
        let folder = machine.world.path().join("streams/s");
        std::fs::write(folder.join("t.mkv"), media).unwrap();
        let mut flow = machine.flow().await;
        // Each call of the flow comes again, as it does when no answer came in time.
        for call in [&first, &first, &second, &second] {
            let noted = ask(&mut flow, flow_call(call, "s")).await;
            assert!(noted.0, "{}", noted.1);
        }
        let notes = machine.keys(".json");
        assert_eq!(notes.len(), 3, "{notes:?}");
        if notes_are_read_by == "reconcile" {
            machine.age_notes(11);
            let schedule = json!({"detail-type": "Scheduled Event", "detail": {}});
            let (succeeded, ran) = ask(&mut machine.reconcile().await, schedule).await;
            assert!(succeeded && ran["saved"] == 2, "{ran}");
        } else {
            let (succeeded, saved) = ask(&mut machine.save().await, ended(&second)).await;
            assert!(succeeded, "{saved}");
            assert_eq!(
                (&saved["status"], &saved["more"][0]["status"]),
                (&json!("complete"), &json!("complete")),
                "{saved}"
            );
        }
        let wavs = machine.keys(".wav");
        assert_eq!(wavs.len(), 2, "{wavs:?}");
        for (key, call) in wavs.iter().zip([&first, &second]) {
            let exact = samples(&machine.read(key)) == call.expected(Direction::FromCustomer);
            assert!(exact, "{key}, by {notes_are_read_by}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_somebody_names_is_saved_when_its_call_is_over() {
    let over = message(3_000);
    let spoken = SynthCall {
        contact: "still-there".to_owned(),
        start_epoch_millis: now() - 30_000,
        ..message(20_000)
    };
    let machine = Machine::new(&[("s", &over), ("t", &spoken)]).await;
    let mut flow = machine.flow().await;
    for (call, stream) in [(&over, "s"), (&spoken, "t")] {
        let noted = ask(&mut flow, flow_call(call, stream)).await;
        assert!(noted.0, "{}", noted.1);
    }
    let mut save = machine.save().await;
    for (contact, status, reason) in [
        ("nobody", "skipped", "no message: the contact has no note"),
        (
            "still-there",
            "skipped",
            "the caller is still there: it is saved when the call is over",
        ),
        (&over.contact, "complete", ""),
        (&over.contact, "complete", ""),
    ] {
        let (succeeded, answer) = ask(&mut save, json!({"contact": contact})).await;
        assert!(succeeded, "{answer}");
        assert_eq!(answer["status"], status, "{answer}");
        assert_eq!(answer["reason"].as_str().unwrap_or_default(), reason);
    }
    machine.check_message(&over);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_noted_saved_and_in_vain_is_counted() {
    let (call, silent) = (message(3_000), "silent");
    let machine = Machine::new(&[("s", &call)]).await;
    machine.take(&call, "s").await;
    // What is there already is not counted again.
    machine.take(&call, "s").await;
    let unsaid = SynthCall {
        contact: silent.to_owned(),
        start_epoch_millis: call.start_epoch_millis - 5 * MINUTE,
        ..call.clone()
    };
    machine.take(&unsaid, "s").await;
    machine.faults(vec![always("ListFragments", 403, "AccessDeniedException")]);
    let other = SynthCall {
        contact: "denied".to_owned(),
        ..call.clone()
    };
    let noted = ask(&mut machine.flow().await, flow_call(&other, "s")).await;
    assert!(noted.0, "{}", noted.1);
    let saved = ask(&mut machine.save().await, ended(&other)).await;
    assert!(!saved.0, "{}", saved.1);
    let refused = ask(&mut machine.flow().await, json!({})).await;
    assert!(!refused.0, "{}", refused.1);
    for (metric, expected) in [
        ("CallsNoted", 4.0),
        ("CallsNotNoted", 1.0),
        ("MessagesSaved", 1.0),
        ("MessageSeconds", 3.008),
        ("MessagesEmpty", 1.0),
        ("MessagesFailed", 1.0),
    ] {
        let found = machine.metric(metric);
        assert!((found - expected).abs() < 0.1, "{metric}: {found}");
    }
}

/// Told once where all goes well, at last where it does not, and never of what is no message.
#[tokio::test(flavor = "multi_thread")]
async fn others_are_told_of_each_message() {
    const BUS: &[(&str, &str)] = &[("EVENT_BUS_NAME", "default")];
    let call = message(3_000);
    let machine = Machine::new(&[("s", &call)]).await;
    let voicemail = env!("CARGO_BIN_EXE_voicemail");
    let noted = ask(&mut machine.flow().await, flow_call(&call, "s")).await;
    assert!(noted.0, "{}", noted.1);
    machine.faults(vec![always("PutEvents", 403, "AccessDeniedException")]);
    let mut save = machine.start_with(voicemail, "save", BUS).await;
    let (succeeded, answer) = ask(&mut save, ended(&call)).await;
    let told = answer["errorMessage"].as_str().unwrap_or_default();
    let expected = "telling others of its message, which is saved";
    assert!(!succeeded && told.contains(expected), "{answer}");
    assert!(told.contains("events:PutEvents"), "{told}");
    let key = machine.check_message(&call);
    assert!(machine.told("default").is_empty());
    // Its event does not come again: the next run tells of it.
    machine.faults(Vec::new());
    machine.age_notes(11);
    let mut reconcile = machine.start_with(voicemail, "reconcile", BUS).await;
    let schedule = json!({"detail-type": "Scheduled Event", "detail": {}});
    for _ in 0..2 {
        let (succeeded, ran) = ask(&mut reconcile, schedule.clone()).await;
        assert!(succeeded && ran["failed"] == 0, "{ran}");
    }
    let (succeeded, answer) = ask(&mut save, ended(&call)).await;
    assert!(succeeded, "{answer}");
    let told = machine.told("default");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["source"], &told[0]["detail-type"]),
        (&json!("callreel"), &json!("Callreel / Message Saved"))
    );
    let name = key.strip_prefix(MESSAGES).unwrap().strip_suffix(".wav");
    let detail = &told[0]["detail"];
    assert_eq!(
        detail,
        &json!({"id": name, "contact": call.contact, "bucket": BUCKET, "key": key, "seconds": detail["seconds"],
            "status": "complete", "customer": "+81300000000", "system": "+81500000000"})
    );
}
