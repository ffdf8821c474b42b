//! What is not complete is read again by itself while its audio is kept, the most urgent
//! first; what stays so is told of once. Over folders: `tests/edges/function.rs` runs the same as
//! the built function.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::common;
use crate::common::edges::{Call, Faults};
use crate::common::{number, records};
use callreel::failure::{Failure, FailureKind};
use callreel::local::LocalContacts;
use callreel::media::ticks::EpochMillis;
use callreel::port::{ContactAttributes, Deadline, NoDeadline};
use callreel::recorder::Worked;
use callreel::recording::verdict::{Status, Verdict};
use callreel::redrive_run::again::{Run, Summary, Told};
use callreel::synth::SynthCall;
use futures_executor::block_on;
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What the recorder asked for.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Streams that were listed.
    read: Vec<String>,
    /// Fragments that were asked for, verdicts that were looked at, contacts that were asked
    /// about.
    asked: usize,
    looks: u32,
    noted: u32,
}

impl Seen {
    fn see(&mut self, call: Call<'_>) {
        match call {
            Call::List(stream) => {
                let name = stream.split('/').nth(1).unwrap();
                self.read.push(name.to_owned());
            }
            Call::Fetch(_, numbers) => self.asked += numbers.len(),
            Call::FindVerdict(key) => self.looks += u32::from(key.ends_with("_verdict.json")),
            Call::ReadNotes(_) => self.noted += 1,
            _ => {}
        }
    }
}

/// A recorder, and what it has asked for so far.
struct Watched {
    recorder: common::Local<'static>,
    seen: Arc<Mutex<Seen>>,
}

/// Whether streams may be listed.
#[derive(Clone, Copy, PartialEq)]
enum Listing {
    Allowed,
    Denied,
}

struct World {
    common: common::World,
    now: EpochMillis,
}

/// What one run came to.
#[derive(Debug)]
struct Ran {
    summary: Summary,
    /// Contacts that were read again, in order, and how that ended.
    worked: Vec<(String, String)>,
    stayed: Vec<String>,
    nothing_came: Vec<String>,
    not_looked_at: usize,
    seen: Seen,
}

impl World {
    /// Calls that began so many hours ago, each on a stream of its own.
    fn new(hours_ago: &[(&str, i64)]) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = since.unwrap().as_millis() as i64;
        // No two calls have the same fragment numbers.
        let call = |(place, (contact, hours)): (usize, &(&str, i64))| SynthCall {
            millis: 6_000,
            contact: (*contact).to_owned(),
            start_epoch_millis: now - hours * HOUR - place as i64 * 60_000,
            ..SynthCall::default()
        };
        let calls = hours_ago.iter().enumerate().map(call).collect();
        Self {
            common: common::World::of(calls),
            now: EpochMillis(now),
        }
    }

    /// Of these contacts the third fragment is not given.
    fn recorder(&self, lacking: &[&str]) -> Watched {
        self.recorder_with(lacking, Listing::Allowed)
    }

    /// The same, which may not list any stream.
    fn denied(&self) -> Watched {
        self.recorder_with(&[], Listing::Denied)
    }

    fn recorder_with(&self, lacking: &[&str], listing: Listing) -> Watched {
        let calls = self.common.calls.iter();
        let lacking = calls.filter(|call| lacking.contains(&&*call.contact));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let sees = seen.clone();
        let recorder = self.common.recorder(Faults {
            at: Arc::new(move |call| {
                sees.lock().unwrap().see(call);
                match call {
                    Call::List(stream) if listing == Listing::Denied => {
                        Err(Failure::new(FailureKind::ReadDenied, stream, "not yours"))
                    }
                    _ => Ok(()),
                }
            }),
            ..Faults::not_given(lacking.map(|call| number(call, 2)).collect())
        });
        Watched {
            recorder: recorder.reading_again(),
            seen,
        }
    }

    /// Records all calls, as the function would.
    fn record(&self, watched: Watched) {
        for call in &self.common.calls {
            for record in records(&call.event_json(&call.contact)) {
                block_on(watched.recorder.work(&record, &NoDeadline, |_| ()));
            }
        }
    }

    fn run_of(
        &self,
        watched: Watched,
        hours: i64,
        deadline: &impl Deadline,
        visit: impl Fn(),
    ) -> Ran {
        let run = Run {
            recorder: &watched.recorder,
            kept: DAY,
            at_once: 1,
            now: EpochMillis(self.now.0 + hours * HOUR),
        };
        let (worked, stayed, not) = (Mutex::new(vec![]), Mutex::new(vec![]), Mutex::new(0));
        let nothing_came = Mutex::new(vec![]);
        let told = |told: Told<'_>| match told {
            Told::Worked(Worked::Recorded(plan, recorded)) => {
                let found = if recorded.found { " (found)" } else { "" };
                let outcome = format!("{}{found}", recorded.verdict.status.name());
                let contact = plan.id.contact.to_string();
                worked.lock().unwrap().push((contact, outcome));
                visit();
            }
            Told::Worked(Worked::Failed(plan, failure)) => {
                let contact = plan.id.contact.to_string();
                let outcome = failure.kind.name().to_owned();
                worked.lock().unwrap().push((contact, outcome));
            }
            // Another run made it meanwhile.
            Told::Worked(Worked::Skipped { contact, reason }) => {
                let outcome = reason.to_string();
                worked.lock().unwrap().push((contact.to_string(), outcome));
            }
            Told::Stayed(plan, verdict) => {
                assert!(verdict.status != Status::Complete);
                stayed.lock().unwrap().push(plan.id.contact.to_string());
            }
            Told::NothingCame(plan, _) => {
                let contact = plan.id.contact.to_string();
                nothing_came.lock().unwrap().push(contact);
            }
            Told::NotLookedAt { .. } => *not.lock().unwrap() += 1,
            other => panic!("{other:?}"),
        };
        let summary = block_on(run.run(deadline, told)).unwrap();
        Ran {
            summary,
            worked: worked.into_inner().unwrap(),
            stayed: stayed.into_inner().unwrap(),
            nothing_came: nothing_came.into_inner().unwrap(),
            not_looked_at: not.into_inner().unwrap(),
            seen: watched.seen.lock().unwrap().clone(),
        }
    }

    /// A run so many hours from now.
    fn run(&self, lacking: &[&str], hours: i64) -> Ran {
        self.run_of(self.recorder(lacking), hours, &NoDeadline, || ())
    }

    fn verdict(&self, contact: &str) -> Verdict {
        let verdicts = self.common.verdicts().into_iter();
        let mut verdicts = verdicts.filter(|verdict| verdict.recording.contact_id == contact);
        let verdict = verdicts.next();
        verdict.unwrap_or_else(|| panic!("{contact} has no verdict"))
    }

    fn register(&self) -> Value {
        let path = self.common.out().join("rec/again.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[track_caller]
    fn check(&self, contact: &str, status: Status, gave_up: bool) {
        let verdict = self.verdict(contact);
        assert_eq!(verdict.status, status, "{contact}");
        assert_eq!(verdict.gave_up_at.is_some(), gave_up, "{contact}");
    }
}

fn worked(ran: &Ran) -> Vec<String> {
    let worked = ran.worked.iter();
    worked
        .map(|(contact, outcome)| format!("{contact} {outcome}"))
        .collect()
}

#[test]
fn what_comes_late_is_read_again_until_it_is_complete() {
    let world = World::new(&[("good", 1), ("late", 1)]);
    world.record(world.recorder(&["late"]));
    world.check("late", Status::Partial, false);
    for hour in 0..3 {
        let ran = world.run(&["late"], hour);
        // What is missing is asked for, and nothing else.
        assert_eq!(ran.nothing_came, ["late"], "hour {hour}");
        assert_eq!((ran.worked.len(), ran.seen.asked), (0, 1), "hour {hour}");
        assert_eq!((&ran.stayed[..], ran.seen.noted), (&[][..], 0));
        assert_eq!((ran.summary.done, ran.summary.open), (0, 1));
        // What is complete is looked at twice at the most, in the hour in which it was
        // written and once more; the open one each hour.
        let looks = if hour < 2 { 2 } else { 1 };
        assert_eq!(ran.summary.looked_at, looks, "hour {hour}");
    }
    let ran = world.run(&[], 3);
    assert_eq!(worked(&ran), ["late complete"]);
    assert_eq!(
        (ran.summary.done, ran.summary.open, ran.summary.read_again),
        (1, 0, 1)
    );
    world.check("late", Status::Complete, false);
    assert_eq!(world.register()["open"], json!([]));
    let ran = world.run(&[], 40);
    assert_eq!((worked(&ran).len(), ran.stayed.len()), (0, 0));
    assert_eq!((ran.seen.looks, ran.summary), (0, Summary::default()));
}

#[test]
fn what_is_no_longer_kept_is_told_once_and_not_read() {
    let world = World::new(&[("gone", 26), ("kept", 20)]);
    world.record(world.recorder(&["gone", "kept"]));
    let before = world.verdict("gone");
    let ran = world.run(&["gone", "kept"], 0);
    assert_eq!(ran.stayed, ["gone"]);
    assert_eq!(ran.seen.read, ["kept"]);
    world.check("gone", Status::Partial, true);
    // Nothing else of it changed.
    let after = world.verdict("gone");
    assert_eq!(
        before,
        Verdict {
            gave_up_at: None,
            ..after
        }
    );
    assert_eq!((ran.summary.given_up, ran.summary.open), (1, 1));
    let ran = world.run(&["gone", "kept"], 1);
    assert_eq!(
        (&ran.stayed[..], &ran.seen.read[..]),
        (&[][..], &["kept".to_owned()][..])
    );
    // Five hours later the other one is gone, too.
    let ran = world.run(&[], 5);
    assert_eq!(
        (&ran.stayed[..], &ran.seen.read[..]),
        (&["kept".to_owned()][..], &[][..])
    );
    let ran = world.run(&[], 6);
    assert_eq!((ran.stayed.len(), ran.summary.open), (0, 0));
    // Somebody who redrives it by hand may still try, and then it is no longer given up.
    world.record(world.recorder(&[]));
    world.check("gone", Status::Complete, false);
}

/// Somebody takes the word back while the rest is still awaited: nothing more is read of the call, and what was made
/// with consent stays as it is.
#[test]
fn what_is_forbidden_meanwhile_is_not_read_again() {
    #[track_caller]
    fn check(auth: &str, outcome: &str, status: Status) {
        let world = World::new(&[("late", 1)]);
        world.record(world.recorder(&["late"]));
        world.check("late", Status::Partial, false);
        let before = world.common.files();
        let told = [("recordingAuth".to_owned(), auth.to_owned())];
        let notes = LocalContacts::new(world.common.contacts_file());
        let turn = block_on(notes.turn());
        block_on(notes.write(turn, None, "late", &told.into())).unwrap();
        let ran = world.run(&[], 0);
        assert_eq!(worked(&ran), [format!("late {outcome}")], "{auth}");
        world.check("late", status, false);
        assert_eq!((ran.summary.done, ran.summary.open), (1, 0), "{auth}");
        if status == Status::Partial {
            let own = |mut files: BTreeMap<String, Vec<u8>>| {
                files.remove("rec/again.json");
                files
            };
            assert_eq!(own(world.common.files()), own(before), "{auth}");
        }
    }
    check("3", "complete", Status::Complete);
    check(
        "0",
        "recordingAuth \"0\" authorises nothing (1, 2 or 3 do)",
        Status::Partial,
    );
}

/// A deadline that comes when so many recordings were read.
struct After<'a>(usize, &'a Mutex<usize>);

impl Deadline for After<'_> {
    async fn passed(&self) {
        std::future::poll_fn(|context| {
            if *self.1.lock().unwrap() >= self.0 {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await
    }

    async fn over(&self) {
        std::future::pending().await
    }
}

#[test]
fn the_most_urgent_comes_first_and_the_rest_waits() {
    let hours = [("b", 2), ("c", 20), ("a", 10), ("d", 23)];
    let world = World::new(&hours);
    let all = ["a", "b", "c", "d"];
    world.record(world.recorder(&all));
    let count = Mutex::new(0);
    let visit = || *count.lock().unwrap() += 1;
    let ran = world.run_of(world.recorder(&[]), 0, &After(2, &count), visit);
    assert_eq!(worked(&ran), ["d complete", "c complete"]);
    assert_eq!((ran.summary.done, ran.summary.open), (2, 2));
    let ran = world.run(&[], 0);
    assert_eq!(worked(&ran), ["a complete", "b complete"]);
    assert_eq!(ran.summary.open, 0);

    // No time at all: nothing is forgotten.
    let world = World::new(&hours);
    world.record(world.recorder(&all));
    for hour in 0..2 {
        let ran = world.run_of(world.recorder(&[]), hour, &After(0, &count), || ());
        assert_eq!((ran.worked.len(), ran.stayed.len()), (0, 0));
    }
    let ran = world.run(&[], 2);
    assert_eq!(ran.worked.len(), 3, "the fourth one is over");
    assert_eq!(ran.stayed, ["d"]);
}

#[test]
fn two_at_once_do_no_harm() {
    let world = World::new(&[("one", 2), ("two", 3), ("gone", 30)]);
    world.record(world.recorder(&["one", "two", "gone"]));
    let others = Mutex::new(Vec::new());
    let first = Mutex::new(true);
    let visit = || {
        if std::mem::take(&mut *first.lock().unwrap()) {
            // A thread of its own, as an invocation of its own would be.
            std::thread::scope(|scope| {
                scope.spawn(|| others.lock().unwrap().push(world.run(&[], 0)));
            });
        }
    };
    let ran = world.run_of(world.recorder(&[]), 0, &NoDeadline, visit);
    let other = others.into_inner().unwrap().remove(0);
    for contact in ["one", "two"] {
        world.check(contact, Status::Complete, false);
    }
    assert_eq!(ran.stayed.len() + other.stayed.len(), 1);
    let last = world.run(&[], 1);
    assert_eq!((last.worked.len(), last.stayed.len()), (0, 0));
    assert_eq!(last.summary.open, 0);
}

#[test]
fn without_a_register_everything_is_looked_at() {
    let world = World::new(&[("late", 1)]);
    world.record(world.recorder(&["late"]));
    world.run(&["late"], 0);
    let path = world.common.out().join("rec/again.json");
    std::fs::write(&path, b"{").unwrap();
    let ran = world.run(&["late"], 4);
    assert_eq!((ran.nothing_came.len(), ran.summary.open), (1, 1));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(worked(&world.run(&[], 5)), ["late complete"]);
}

#[test]
fn a_verdict_that_cannot_be_read_is_in_nobodys_way() {
    let world = World::new(&[("late", 1), ("odd", 1)]);
    world.record(world.recorder(&["late", "odd"]));
    let odd = world.verdict("odd");
    let key = odd.files[0].key.replace("_from.wav", "_verdict.json");
    std::fs::write(world.common.out().join(key), b"{}").unwrap();
    let ran = world.run(&[], 0);
    assert_eq!(
        (worked(&ran), ran.not_looked_at),
        (vec!["late complete".to_owned()], 1)
    );
}

/// The stream and the queue try failed ones, too: they are left alone for an hour.
#[test]
fn a_failed_recording_is_tried_when_nobody_else_does() {
    let world = World::new(&[("failed", 1), ("gone", 30)]);
    world.record(world.denied());
    let ran = world.run(&[], 0);
    assert_eq!((ran.worked.len(), ran.summary.open), (0, 1));
    // Nobody can read any of it any more: told, and nobody tries.
    assert_eq!(ran.stayed, ["gone"]);
    world.check("gone", Status::Failed, true);
    let ran = world.run_of(world.denied(), 2, &NoDeadline, || ());
    assert_eq!(worked(&ran), ["failed read_denied"]);
    assert_eq!(ran.summary.open, 1);
    let ran = world.run(&[], 4);
    assert_eq!(worked(&ran), ["failed complete"]);
    world.check("failed", Status::Complete, false);
}
