//! Deliveries between ports in memory, every call of which can fail before or behind its effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;

use super::*;
use crate::failure::FailureKind;
use crate::media::ticks::EpochMillis;
use crate::port::voicemail::Signer;
use crate::port::voicemail::{Desk, Mailer, Summariser, Tagged, Transcriber};
use crate::port::{Clock, Expect, Listed, MediaBody, NoDeadline, Objects, Opened, Opening};
use crate::voicemail::flagged::Mode;
use crate::voicemail::job::{Job, JobName, JobState, JobStatus, Started};
use crate::voicemail::link::Link;
use crate::voicemail::mail::{Mail, TemplateText};
use crate::voicemail::policy::{AgentAddress, EmailStyle, TRANSCRIPT_BYTES};
use crate::voicemail::recipient::{Queue, User};
use crate::voicemail::summary::Prompt;
use crate::voicemail::task::StartTask;
use crate::voicemail::zone::Zone;

/// Nothing here ever waits.
fn block_on<V>(work: impl Future<Output = V>) -> V {
    Box::pin(work).now_or_never().unwrap()
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Before its effect.
    Throttled,
    /// Behind it: the answer is lost.
    Lost,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    tasks: BTreeMap<String, serde_json::Value>,
    started: u32,
    mails: Vec<Mail>,
    flags: BTreeMap<String, String>,
    jobs: BTreeSet<String>,
    now: i64,
    calls: Vec<&'static str>,
    fails: Option<(usize, How)>,
}

/// The world: all ports in one.
#[derive(Clone, Default)]
struct World(Arc<Mutex<State>>);

impl World {
    /// One call, which fails if it is its turn.
    fn call<V>(
        &self,
        name: &'static str,
        effect: impl FnOnce(&mut State) -> V,
    ) -> Result<V, Failure> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(name);
        let fails = state.fails.filter(|(at, _)| *at + 1 == state.calls.len());
        let failed = |kind| Err(Failure::new(kind, name, "a test"));
        match fails.map(|(_, how)| how) {
            Some(How::Throttled) => failed(FailureKind::Throttled),
            Some(How::Lost) => {
                effect(&mut state);
                failed(FailureKind::ConnectionLost)
            }
            None => Ok(effect(&mut state)),
        }
    }
}

impl Objects for World {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.call("read", |state| state.objects.get(key).cloned())
    }

    async fn put(&self, key: &str, object: Vec<u8>, expect: Expect<'_>) -> Result<bool, Failure> {
        self.call("put", |state| {
            let there = state.objects.get(key).map(Vec::as_slice);
            let fits = match expect {
                Expect::Nothing => there.is_none(),
                Expect::Exactly(old) => there == Some(old),
            };
            if fits {
                state.objects.insert(key.to_owned(), object);
            }
            fits
        })
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        self.call("list", |state| {
            let keys = state.objects.keys().filter(|key| key.starts_with(prefix));
            let modified = Some(EpochMillis(STARTED));
            keys.map(|key| Listed {
                key: key.clone(),
                modified,
            })
            .collect()
        })
    }
}

struct Body(Option<Bytes>);

impl MediaBody for Body {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        Ok(self.0.take())
    }
}

impl Opening for World {
    type Body = Body;

    async fn open(&self, key: &str) -> Result<Option<Opened<Body>>, Failure> {
        self.call("open", |state| {
            state.objects.get(key).map(|object| Opened {
                bytes: object.len() as u64,
                version: String::new(),
                body: Body(Some(object.clone().into())),
            })
        })
    }
}

impl Tagged for World {
    async fn tags(&self, key: &str) -> Result<Option<Vec<(String, String)>>, Failure> {
        let tags = [
            ("vmx3_lang", "ja-JP"),
            (
                "vmx3_queue_arn",
                "arn:aws:connect:r:1:instance/i-1/queue/q-1",
            ),
            ("vmx3_contact_id", "c-1"),
            ("vmx3_initial_contact_id", "c-0"),
            ("vmx3_received", "2025-01-31T05:03:00Z"),
        ];
        let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.call("tags", |state| {
            state.objects.contains_key(key).then(|| tags.to_vec())
        })
    }
}

impl Desk for World {
    async fn queue(&self, _instance: &str, _queue: &str) -> Result<Option<Queue>, Failure> {
        let queue = Queue {
            name: "Sales".into(),
            ..Queue::default()
        };
        self.call("queue", |_| Some(queue))
    }

    async fn user(&self, _instance: &str, _user: &str) -> Result<Option<User>, Failure> {
        self.call("user", |_| None)
    }

    async fn find_user(
        &self,
        _instance: &str,
        _username: &str,
    ) -> Result<Option<Box<str>>, Failure> {
        self.call("find_user", |_| None)
    }

    async fn start_task(&self, task: &StartTask) -> Result<Box<str>, Failure> {
        let json = serde_json::to_value(task).unwrap();
        self.call("start_task", |state| {
            state.started += 1;
            state
                .tasks
                .entry(task.client_token.to_string())
                .or_insert(json);
            "task".into()
        })
    }

    async fn attributes(
        &self,
        _instance: &str,
        contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        assert_eq!(contact, "c-0");
        self.call("attributes", |state| state.flags.clone())
    }

    async fn set_attributes(
        &self,
        instance: &str,
        contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        assert_eq!((instance, contact), ("i-1", "c-0"));
        self.call("set_attributes", |state| {
            state.flags.extend(changes.clone())
        })
    }
}

impl Mailer for World {
    async fn send(&self, mail: &Mail) -> Result<Box<str>, Failure> {
        self.call("send", |state| {
            state.mails.push(mail.clone());
            "mail".into()
        })
    }

    async fn template(&self, _name: &str) -> Result<Option<TemplateText>, Failure> {
        self.call("template", |_| None)
    }
}

impl Transcriber for World {
    async fn start(&self, job: &Job) -> Result<Started, Failure> {
        self.call("start", |state| {
            match state.jobs.insert(job.name.to_string()) {
                true if &*job.language == "ja-JP" => Started::Now,
                true => Started::Refused {
                    cause: "odd".into(),
                },
                false => Started::Before,
            }
        })
    }

    async fn look(&self, name: &JobName) -> Result<Option<JobState>, Failure> {
        self.call("look", |state| {
            state.jobs.contains(name.as_str()).then(|| JobState {
                status: JobStatus::UnderWay,
                recording: Some(RECORDING.into()),
            })
        })
    }

    async fn delete(&self, name: &JobName) -> Result<(), Failure> {
        self.call("delete", |state| {
            state.jobs.remove(name.as_str());
        })
    }
}

impl Signer for World {
    async fn link(&self, key: &str, lives: Duration) -> Result<Link, Failure> {
        let url = format!("https://b.example/{key}");
        let lives = Some(lives);
        self.call("link", |_| Link { url, lives })
    }
}

impl Summariser for World {
    async fn summarise(&self, _prompt: &Prompt) -> Result<String, Failure> {
        self.call("summarise", |_| "Summed up.".into())
    }
}

impl Clock for World {
    fn now(&self) -> EpochMillis {
        EpochMillis(self.0.lock().unwrap().now)
    }

    async fn wait(&self, _time: Duration) -> bool {
        false
    }
}

const STARTED: i64 = 1_738_300_000_000;
const RECORDING: &str = "2025/01/31/c-1.wav";
const TRANSCRIPT: &str = "2025/01/31/c-1.json";

type All = Delivering<World, World, World, World, World, World, World, World>;

fn delivering(world: &World, mode: Mode) -> All {
    Delivering {
        recordings: world.clone(),
        transcripts: world.clone(),
        desk: world.clone(),
        mailer: world.clone(),
        transcriber: world.clone(),
        signer: world.clone(),
        summariser: world.clone(),
        clock: world.clone(),
        language: "en-US".into(),
        prefix: String::new(),
        policy: Policy {
            instance: None,
            queue_arn: None,
            mode,
            task_flow: Some("flow".into()),
            guided_task_flow: Some("guide".into()),
            email_from: "vm@from.example".parse().ok(),
            email_to: "all@to.example".parse().ok(),
            email_domains: Vec::new(),
            agent_address: AgentAddress::Email,
            email_style: EmailStyle::Attachment,
            queue_template: None,
            agent_template: None,
            summary: true,
            transcript_bytes: TRANSCRIPT_BYTES,
            zone: Zone::UTC,
            task_link: Duration::from_secs(86_400),
            email_link: Duration::from_secs(86_400),
            pages: None,
            recordings: "s3://b/".into(),
        },
    }
}

/// A message with a recording, a transcript, a job and the flag.
fn message() -> World {
    let world = World::default();
    let place = Place::of_transcript(TRANSCRIPT).unwrap();
    let mut state = world.0.lock().unwrap();
    state.now = STARTED;
    let mut wav = b"RIFF....WAVE".to_vec();
    wav.resize(20_000, 0);
    state.objects.insert(RECORDING.into(), wav);
    let text = crate::voicemail::transcript::of_text(&place, "Please call.");
    state.objects.insert(TRANSCRIPT.into(), text);
    state.jobs.insert("vmx3_c-1".into());
    state.flags.insert("vmx3_flag".into(), "1".into());
    drop(state);
    world
}

/// Delivers until it is done, a while apart each time; how often.
fn deliver_until_done(world: &World, mode: Mode) -> u32 {
    for tries in 1.. {
        let delivered = block_on(delivering(world, mode).deliver(TRANSCRIPT, Tries::More, None));
        if delivered.is_ok() {
            return tries;
        }
        assert!(tries < 5, "{delivered:?}");
        world.0.lock().unwrap().now += 130_000;
    }
    0
}

#[test]
fn any_number_of_events_is_one_delivery() {
    for mode in Mode::ALL {
        let world = message();
        for _ in 0..3 {
            assert_eq!(deliver_until_done(&world, mode), 1);
        }
        let state = world.0.lock().unwrap();
        let sent = (state.started, state.mails.len());
        assert_eq!(sent, if mode == Mode::Email { (0, 1) } else { (1, 0) });
        assert_eq!(state.flags["vmx3_flag"], "0");
        assert!(state.jobs.is_empty());
    }
}

#[test]
fn a_task_is_what_its_flow_reads() {
    let world = message();
    deliver_until_done(&world, Mode::Task);
    let state = world.0.lock().unwrap();
    let task = &state.tasks["c-1"];
    assert_eq!(task["InstanceId"], "i-1");
    assert_eq!(task["ContactFlowId"], "flow");
    assert_eq!(task["PreviousContactId"], "c-1");
    assert_eq!(task["ClientToken"], "c-1");
    assert_eq!(task["Name"], "Voicemail for Sales");
    assert_eq!(
        task["Description"],
        "The link to the recording works for 24 hours.\nSummed up."
    );
    let url = "https://b.example/2025/01/31/c-1.wav";
    assert_eq!(
        task["References"]["Playback URL"],
        serde_json::json!({"Type": "URL", "Value": url})
    );
    assert_eq!(
        task["References"]["Date Received"]["Value"],
        "Friday, Jan 31, 2025 at 05:03 AM (UTC)"
    );
    for (name, value) in [
        ("vmx3_flag", "0"),
        ("vmx3_target", "queue"),
        ("vmx3_preferred_agent_id", "NONE"),
        ("vmx3_recording_key", RECORDING),
    ] {
        assert_eq!(task["Attributes"][name], value);
    }
    drop(state);
    let world = message();
    let mut delivering = delivering(&world, Mode::Task);
    delivering.policy.pages = Some("https://calls.example/call?recording=".into());
    block_on(delivering.deliver(TRANSCRIPT, Tries::More, None)).unwrap();
    let state = world.0.lock().unwrap();
    let task = &state.tasks["c-1"];
    let page = "https://calls.example/call?recording=2025/01/31/c-1_verdict.json";
    assert_eq!(task["References"]["Playback URL"]["Value"], page);
    // It lives as long as the recording: no end is told, and nothing is signed.
    assert_eq!(task["Description"], "Summed up.");
    assert!(!state.calls.contains(&"link"), "{:?}", state.calls);
    drop(state);
    let world = message();
    deliver_until_done(&world, Mode::GuidedTask);
    let state = world.0.lock().unwrap();
    let task = &state.tasks["c-1"];
    assert_eq!(task["ContactFlowId"], "guide");
    assert_eq!(task["References"].get("Playback URL"), None);
    assert_eq!(task["Attributes"]["vmx3_transcript"], "Please call.");
}

#[test]
fn every_call_that_fails_once_costs_no_message() {
    for mode in Mode::ALL {
        let calls = {
            let world = message();
            deliver_until_done(&world, mode);
            let state = world.0.lock().unwrap();
            state.calls.clone()
        };
        for (at, name) in calls.iter().enumerate() {
            for how in [How::Throttled, How::Lost] {
                let world = message();
                world.0.lock().unwrap().fails = Some((at, how));
                deliver_until_done(&world, mode);
                // Whatever comes behind a delivery that was lost is done by the next event.
                deliver_until_done(&world, mode);
                let state = world.0.lock().unwrap();
                let told = format!("{mode:?}: call {at}, {name}, {how:?}");
                if mode == Mode::Email {
                    // A mail has no idempotency token: one whose answer is lost, and one whose
                    // marker could not be completed, comes twice.
                    let is_unsure = *name == "send" && how == How::Lost
                        || *name == "put" && how == How::Throttled && calls[..at].contains(&"send");
                    let most = if is_unsure { 2 } else { 1 };
                    assert!(
                        (1..=most).contains(&state.mails.len()),
                        "{told}: {}",
                        state.mails.len()
                    );
                } else {
                    assert_eq!(state.tasks.len(), 1, "{told}");
                }
                assert_eq!(state.flags["vmx3_flag"], "0", "{told}");
                assert!(state.jobs.is_empty(), "{told}");
            }
        }
    }
}

#[test]
fn a_message_without_a_recording_is_delivered() {
    let world = message();
    {
        let place = Place::of_transcript(TRANSCRIPT).unwrap();
        let tags = [
            (
                "vmx3_queue_arn",
                "arn:aws:connect:r:1:instance/i-1/queue/q-1",
            ),
            ("vmx3_initial_contact_id", "c-0"),
            ("vmx3_from", "+81"),
        ];
        let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let missing = crate::voicemail::transcript::Missing::NoRecording;
        let document = crate::voicemail::transcript::substitute(&place, missing, "gone", &tags);
        let mut state = world.0.lock().unwrap();
        state.objects.remove(RECORDING);
        state.objects.insert(TRANSCRIPT.into(), document);
    }
    deliver_until_done(&world, Mode::Task);
    let state = world.0.lock().unwrap();
    let task = &state.tasks["c-1"];
    let description = task["Description"].as_str().unwrap();
    assert!(
        description.starts_with("There is no recording of this message (gone).\n"),
        "{description}"
    );
    assert_eq!(task["Attributes"]["vmx3_callback_number"], "+81");
    assert_eq!(task["Attributes"]["vmx3_recording_key"], "-");
}

#[test]
fn a_recording_has_one_job() {
    let world = message();
    world.0.lock().unwrap().jobs.clear();
    let all = delivering(&world, Mode::Task);
    let transcribe = |key: &str| block_on(all.transcribe(key)).unwrap();
    assert_eq!(transcribe(RECORDING), Transcribed::UnderWay);
    assert_eq!(transcribe(RECORDING), Transcribed::UnderWay);
    assert_eq!(transcribe("2025/01/31/other.wav"), Transcribed::Ignored);
    assert_eq!(transcribe(TRANSCRIPT), Transcribed::Ignored);
    assert_eq!(world.0.lock().unwrap().jobs.len(), 1);
    let short = "2025/01/31/short.wav";
    world
        .0
        .lock()
        .unwrap()
        .objects
        .insert(short.into(), vec![0; 8_043]);
    assert!(matches!(transcribe(short), Transcribed::Substituted { .. }));
    assert!(
        world
            .0
            .lock()
            .unwrap()
            .objects
            .contains_key("2025/01/31/short.json")
    );
}

#[test]
fn what_stands_still_is_delivered_by_the_next_run() {
    let world = message();
    world.0.lock().unwrap().now = STARTED + 16 * 60_000;
    let all = delivering(&world, Mode::Task);
    let run = block_on(all.reconcile(&NoDeadline, |_| ())).unwrap();
    assert_eq!((run.messages, run.worked, run.failed), (1, 1, 0));
    assert_eq!(world.0.lock().unwrap().tasks.len(), 1);
    let again = block_on(all.reconcile(&NoDeadline, |_| ())).unwrap();
    assert_eq!((again.messages, again.worked), (1, 0));
}
