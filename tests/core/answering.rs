//! The answering machine over a folder of streams and memory, in a time of its own: every
//! call of store, source and bus fails once, one after the other, and the next try makes it
//! good.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callreel::answering::note::{Noted, note};
use callreel::answering::{Answering, NotSaved, Saved};
use callreel::connect::contact_event::{ContactEvent, Happened};
use callreel::connect::flow_call::{FlowCall, Streamed};
use callreel::failure::{Failure, FailureKind};
use callreel::local::LocalStreams;
use callreel::media::fragment::Direction;
use callreel::media::ticks::EpochMillis;
use callreel::port::{Announcements, Clock, ContactDescription, ContactDescriptions, NoDeadline};
use callreel::recorder::Reading;
use callreel::recording::verdict::Verdict;
use callreel::synth::SynthCall;
use callreel::voicemail::announce::MessageSaved;
use callreel::voicemail::note::{Note, UtcOffset};
use futures_executor::block_on;

use crate::common::edges::{Call, Faults, Hook, Source, Store};
use crate::common::memory::Memory;
use crate::common::{World, policy};

const NOTES: &str = "notes/";

/// A clock that goes on when somebody waits.
#[derive(Clone)]
struct Ticking(Arc<AtomicI64>);

impl Clock for Ticking {
    fn now(&self) -> EpochMillis {
        EpochMillis(self.0.load(Relaxed))
    }

    async fn wait(&self, time: Duration) -> bool {
        let millis = i64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(millis, Relaxed);
        true
    }
}

/// Connect, which knows when the call ended.
struct Connect(EpochMillis);

impl ContactDescriptions for Connect {
    async fn describe(
        &self,
        _instance: Option<&str>,
        _contact: &str,
    ) -> Result<ContactDescription, Failure> {
        Ok(ContactDescription {
            ended: Some(self.0),
            recordings: Vec::new(),
        })
    }
}

/// A bus that fails where the hook says so, and keeps what it is told.
struct Bus<'a> {
    at: Hook<'a>,
    told: Arc<Mutex<Vec<MessageSaved>>>,
}

impl Announcements for Bus<'_> {
    fn are_wanted(&self) -> bool {
        true
    }

    async fn announce(&self, saved: &MessageSaved) -> Result<(), Failure> {
        (self.at)(Call::Park)?;
        self.told.lock().unwrap().push(saved.clone());
        Ok(())
    }
}

type Machine<'a> =
    Answering<Source<'a, LocalStreams>, LocalStreams, Store<'a, Memory>, Connect, Ticking, Bus<'a>>;

/// A call that is over, and all that the machine keeps of it.
struct Desk {
    world: World,
    memory: Memory,
    told: Arc<Mutex<Vec<MessageSaved>>>,
    ended: EpochMillis,
}

impl Desk {
    fn new() -> Self {
        let call = SynthCall {
            millis: 3_200,
            ..SynthCall::default()
        };
        let ended = EpochMillis(call.span().stop_server_millis + 1_600);
        Self {
            world: World::new(call),
            memory: Memory::default(),
            told: Arc::default(),
            ended,
        }
    }

    fn call(&self) -> &SynthCall {
        self.world.call()
    }

    /// The machine, a quarter of an hour after the call.
    fn machine<'a>(&self, at: &Hook<'a>) -> Machine<'a> {
        let faults = Faults {
            at: at.clone(),
            ..Faults::default()
        };
        let now = self.ended.0 + 15 * 60_000;
        Answering {
            source: Source::new(LocalStreams::new(self.world.streams()), faults),
            live: LocalStreams::new(self.world.streams()),
            store: self.store(at),
            contacts: Connect(self.ended),
            clock: Ticking(Arc::new(AtomicI64::new(now))),
            announcements: Bus {
                at: at.clone(),
                told: self.told.clone(),
            },
            notes: NOTES.to_owned(),
            policy: policy(),
            reading: Reading::default(),
        }
    }

    fn store<'a>(&self, at: &Hook<'a>) -> Store<'a, Memory> {
        Store {
            inner: self.memory.clone(),
            at: at.clone(),
        }
    }

    /// The flow has its call noted.
    fn note(&self, at: &Hook<'_>) -> Result<Noted, Failure> {
        let span = self.call().span();
        let call = FlowCall {
            contact: self.call().contact.as_str().into(),
            customer: Some("+813".into()),
            streamed: Some(Streamed {
                stream: format!(
                    "arn:aws:kinesisvideo:us-east-1:111122223333:stream/{}/1",
                    self.call().contact
                )
                .into(),
                start_fragment: span.start_fragment.parse().ok(),
                started: Some(EpochMillis(span.start_server_millis - 966)),
                stop_fragment: None,
                stopped: None,
            }),
            ..FlowCall::default()
        };
        let received = EpochMillis(self.call().start_epoch_millis);
        let noted = Note::of_call(call, received, UtcOffset::UTC);
        block_on(note(&self.store(at), NOTES, noted))
    }

    /// The contact's event comes.
    fn save(&self, at: &Hook<'_>) -> Result<Saved, NotSaved> {
        let event = ContactEvent {
            contact: self.call().contact.as_str().into(),
            initial_contact: None,
            previous_contact: None,
            happened: Happened::Disconnected,
            channel: Some("VOICE".into()),
            instance: None,
            initiated: Some(EpochMillis(self.call().start_epoch_millis)),
            disconnected: Some(self.ended),
            told: None,
            queue_arn: None,
            agent_arn: None,
        };
        let mut all = block_on(self.machine(at).save(&event, &NoDeadline, |_| ()));
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    /// A run of `reconcile`: whether all went well.
    fn reconcile(&self, at: &Hook<'_>) -> bool {
        let run = block_on(self.machine(at).reconcile(&NoDeadline, |_| ()));
        run.is_ok_and(|run| run.failed == 0)
    }

    /// Whatever lies under the name of a message is all of it; how many there are.
    fn messages(&self) -> usize {
        let files = self.memory.files.lock().unwrap();
        let wavs = files.iter().filter(|(key, _)| key.ends_with(".wav"));
        let wavs: Vec<_> = wavs.collect();
        for (key, wav) in &wavs {
            let said = self.call().expected(Direction::FromCustomer);
            let samples = wav[44..].chunks(2);
            let samples = samples.map(|two| i16::from_le_bytes([two[0], two[1]]));
            assert!(samples.eq(said), "{key} is not what was said");
        }
        wavs.len()
    }

    /// All that is kept when it is done, but for times and tries.
    fn kept(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.memory.files.lock().unwrap().clone();
        files.retain(|key, _| !key.ends_with(".tried.json"));
        for (key, file) in &mut files {
            if key.ends_with("_verdict.json") {
                let verdict = Verdict::from_json(file).unwrap();
                assert_eq!(verdict.status.name(), "complete");
                *file = format!("{:?}", verdict.files).into_bytes();
            }
        }
        files
    }
}

fn well<'a>() -> Hook<'a> {
    Arc::new(|_: Call<'_>| Ok(()))
}

/// The call of this number fails, and none behind it; how many there were.
fn failing<'a>(number: usize) -> (Hook<'a>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let hook = move |_: Call<'_>| match counted.fetch_add(1, Relaxed) == number {
        true => Err(Failure::new(FailureKind::Unavailable, "it", "503")),
        false => Ok(()),
    };
    (Arc::new(hook), count)
}

/// What is kept when nothing fails.
fn undisturbed() -> BTreeMap<String, Vec<u8>> {
    let desk = Desk::new();
    desk.note(&well()).unwrap();
    desk.save(&well()).unwrap();
    assert_eq!((desk.messages(), desk.told.lock().unwrap().len()), (1, 1));
    desk.kept()
}

/// Fails each call of a step in turn, until there is none left to fail; so many there were.
#[track_caller]
fn check(step: impl Fn(&Desk, &Hook<'_>) -> bool, least: usize) {
    let expected = undisturbed();
    for number in 0.. {
        let desk = Desk::new();
        let (hook, count) = failing(number);
        let went_well = step(&desk, &hook);
        if count.load(Relaxed) <= number {
            assert!(went_well && number >= least, "{number} calls");
            return;
        }
        assert!(desk.messages() <= 1, "call {number}");
        // The flow asks once more, the event comes again, and the schedule does.
        desk.note(&well()).unwrap();
        desk.save(&well()).unwrap();
        assert!(desk.reconcile(&well()), "call {number}");
        assert_eq!(desk.messages(), 1, "call {number}");
        assert!(
            desk.kept() == expected,
            "call {number}: {:?}",
            desk.kept().keys()
        );
        // Told twice at the most, and the same.
        let told = desk.told.lock().unwrap();
        assert!((1..=2).contains(&told.len()), "call {number}");
        assert!(told.iter().all(|one| *one == told[0]));
    }
}

#[test]
fn a_failure_anywhere_is_made_good_by_the_next_try() {
    check(|desk, at| desk.note(at).is_ok(), 2);
    check(
        |desk, at| {
            desk.note(&well()).unwrap();
            desk.save(at).is_ok()
        },
        8,
    );
    check(
        |desk, at| {
            desk.note(&well()).unwrap();
            desk.reconcile(at)
        },
        8,
    );
}

/// Nobody needs the event: the schedule alone saves and tells.
#[test]
fn a_run_alone_saves_and_tells() {
    let desk = Desk::new();
    desk.note(&well()).unwrap();
    assert!(desk.reconcile(&well()) && desk.reconcile(&well()));
    assert!(desk.kept() == undisturbed());
    assert_eq!(desk.told.lock().unwrap().len(), 1);
}
