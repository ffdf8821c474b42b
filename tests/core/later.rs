//! A recording is known by its start. Its contact record comes again, and says more or
//! less than before: what a later delivery adds is recorded, and nothing that was there is
//! lost by one that says less.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::common;
use crate::common::edges::{Call, Faults};
use callreel::event::batch::BatchRecord;
use callreel::media::fragment::{Direction, FragmentNumber};
use callreel::port::NoDeadline;
use callreel::recorder::{Again, AttributesOutcome, Worked};
use callreel::recording::decide::SkipReason;
use callreel::recording::verdict::{Status, Verdict};
use callreel::synth::SynthCall;
use futures_executor::block_on;
use serde_json::{Value, json};

/// Fragments of the call, of 1.088 s each but for the last one.
const FRAGMENTS: usize = 12;
const MILLIS: u64 = 12_500;

/// One delivery of the record: what it says, and what can be had.
#[derive(Clone, Debug)]
struct Delivery {
    auth: &'static str,
    /// Up to which fragment, counted from 1; 0 is no number.
    stop: usize,
    /// When the record says that it stopped, in seconds behind its start.
    stops_after: Option<i64>,
    not_given: Vec<usize>,
    not_listed: Vec<usize>,
    /// How far a record without a stop number is listed.
    listed_until: usize,
    /// The attributes hold what the contact holds.
    attributes: bool,
    again: Again,
}

/// The record as a message of the queue.
fn message(record: &Value) -> BatchRecord {
    let event = json!({"Records": [{
        "eventSource": "aws:sqs",
        "messageId": "m",
        "body": record.to_string(),
    }]});
    common::records(&event).remove(0)
}

fn delivery(auth: &'static str, stop: usize) -> Delivery {
    Delivery {
        auth,
        stop,
        stops_after: None,
        not_given: vec![],
        not_listed: vec![],
        listed_until: FRAGMENTS,
        attributes: false,
        again: Again::IfFailed,
    }
}

/// What one delivery came to.
struct Came {
    worked: Worked,
    /// Calls to KVS, and to Connect.
    asked: u32,
    noted: u32,
}

struct World {
    common: common::World,
    call: SynthCall,
    numbers: Vec<FragmentNumber>,
}

impl World {
    fn new() -> Self {
        let call = SynthCall {
            millis: MILLIS,
            ..SynthCall::default()
        };
        let numbers = call.fragments().map(|made| made.number.parse().unwrap());
        let numbers: Vec<_> = numbers.collect();
        assert_eq!(numbers.len(), FRAGMENTS);
        Self {
            common: common::World::new(call.clone()),
            call,
            numbers,
        }
    }

    fn number(&self, place: usize) -> Option<FragmentNumber> {
        let place = place.checked_sub(1)?;
        Some(self.numbers[place])
    }

    fn record(&self, delivery: &Delivery) -> Value {
        let mut record = self.call.contact_record(&self.call.contact);
        let entry = &mut record["Recordings"][0];
        entry["FragmentStopNumber"] = match self.number(delivery.stop) {
            Some(number) => json!(number.to_string()),
            None => Value::Null,
        };
        entry["StopTimestamp"] = match delivery.stops_after {
            Some(seconds) => {
                let start = entry["StartTimestamp"].as_str().unwrap();
                let start = callreel::media::ticks::EpochMillis::from_rfc3339(start).unwrap();
                json!(callreel::media::ticks::EpochMillis(start.0 + seconds * 1_000).to_rfc3339())
            }
            None => Value::Null,
        };
        record["Attributes"]["recordingAuth"] = json!(delivery.auth);
        if delivery.attributes {
            for (name, value) in self.attributes() {
                record["Attributes"][name] = json!(value);
            }
        }
        record
    }

    fn deliver(&self, delivery: &Delivery) -> Came {
        let places = |places: &[usize]| {
            let numbers = places.iter().map(|place| self.numbers[place - 1]);
            numbers.collect::<Vec<_>>()
        };
        let not_listed = places(&delivery.not_listed);
        let lacking = [&places(&delivery.not_given)[..], &not_listed].concat();
        // The local edge has no clock: a record without a stop number is listed up to here.
        let until = self.number(delivery.listed_until);
        let (asked, noted) = (AtomicU32::new(0), AtomicU32::new(0));
        let mut recorder = self.common.recorder(Faults {
            at: Arc::new(|call| {
                match call {
                    Call::List(_) | Call::Fetch(..) => asked.fetch_add(1, Relaxed),
                    Call::ReadNotes(_) | Call::WriteNotes(_) => noted.fetch_add(1, Relaxed),
                    _ => 0,
                };
                Ok(())
            }),
            lists: Box::new(move |whereabouts, listing| {
                let numbers = &mut listing.numbers;
                numbers.retain(|number| !not_listed.contains(number));
                if whereabouts.range.stop.is_none() {
                    numbers.retain(|number| until.is_none_or(|until| *number <= until));
                }
            }),
            ..Faults::not_given(lacking)
        });
        recorder.reading.again = delivery.again;
        let mut worked =
            block_on(recorder.work(&message(&self.record(delivery)), &NoDeadline, |_| ()));
        assert_eq!(worked.parts.len(), 1);
        Came {
            worked: worked.parts.remove(0),
            asked: asked.load(Relaxed),
            noted: noted.load(Relaxed),
        }
    }

    fn out(&self) -> std::path::PathBuf {
        self.common.out()
    }

    /// The verdicts that stand.
    fn verdicts(&self) -> Vec<Verdict> {
        self.common.verdicts()
    }

    fn verdict(&self) -> Verdict {
        let mut verdicts = self.verdicts();
        assert_eq!(verdicts.len(), 1);
        verdicts.remove(0)
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.common.files()
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        self.common.attributes(&self.call.contact)
    }

    /// The files hold exactly these sides, of the call's first fragments; so do verdict and
    /// attributes.
    #[track_caller]
    fn check(&self, sides: &[&str], fragments: usize, status: Status) {
        let verdict = self.verdict();
        assert_eq!(verdict.status, status, "{:?}", verdict.reasons);
        let kinds: Vec<_> = verdict.files.iter().map(|file| &*file.kind).collect();
        assert_eq!(kinds, sides);
        let attributes = self.attributes();
        let samples = match fragments {
            FRAGMENTS => MILLIS * 8,
            _ => fragments as u64 * 1_088 * 8,
        };
        assert_eq!(verdict.span.samples, samples);
        for (name, direction) in [
            ("from", Direction::FromCustomer),
            ("to", Direction::ToCustomer),
        ] {
            let Some(file) = verdict.files.iter().find(|file| file.kind == name) else {
                continue;
            };
            let audio = common::samples(&self.out().join(&file.key));
            let expected = self.call.expected(direction);
            if status == Status::Complete {
                assert!(audio == expected[..audio.len()], "{name}");
            }
            assert_eq!(audio.len() as u64, samples, "{name}");
        }
        for file in &verdict.files {
            let attribute = match &*file.kind {
                "from" => "audioFromCustomer",
                "to" => "audioToCustomer",
                _ => "audioMixed",
            };
            assert_eq!(attributes[attribute], file.url);
        }
        assert_eq!(attributes.len(), verdict.files.len());
    }
}

const ALL: [&str; 3] = ["from", "to", "mixed"];
const FROM: [&str; 1] = ["from"];

/// Whether a delivery made anything.
fn found(came: &Came) -> bool {
    match &came.worked {
        Worked::Recorded(_, recorded) => recorded.found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_later_delivery_adds_is_recorded() {
    #[track_caller]
    fn check(first: Delivery, second: Delivery, sides: &[&str], fragments: usize) {
        let world = World::new();
        world.deliver(&first);
        let before = world.verdict();
        assert_eq!(before.status, Status::Complete);
        let came = world.deliver(&second);
        assert!(!found(&came), "{second:?} after {first:?}");
        world.check(sides, fragments, Status::Complete);
        // No further delivery changes it, in whichever order they come again.
        let (files, attributes) = (world.files(), world.attributes());
        for again in [second, first] {
            let came = world.deliver(&again);
            assert!(found(&came) && came.asked == 0, "{again:?}");
        }
        assert_eq!((world.files(), world.attributes()), (files, attributes));
    }
    check(delivery("3", 4), delivery("3", FRAGMENTS), &ALL, FRAGMENTS);
    check(delivery("3", 4), delivery("3", 9), &ALL, 9);
    check(delivery("1", 9), delivery("3", 9), &ALL, 9);
    check(delivery("2", 9), delivery("3", 9), &ALL, 9);
    check(delivery("1", 4), delivery("1", 9), &FROM, 9);
    check(delivery("1", 4), delivery("3", 9), &ALL, 9);
    // The side is authorised meanwhile, and that record knows less of the stop.
    check(delivery("1", 9), delivery("3", 4), &ALL, 9);
    // The first one had no stop number.
    let open = Delivery {
        listed_until: 4,
        stops_after: Some(4),
        ..delivery("3", 0)
    };
    check(open.clone(), delivery("3", 9), &ALL, 9);
    check(open, delivery("3", FRAGMENTS), &ALL, FRAGMENTS);
    // The second one has none, and a later time.
    let stopped = |seconds| Delivery {
        stops_after: Some(seconds),
        ..delivery("3", 4)
    };
    let later = Delivery {
        stops_after: Some(9),
        listed_until: 9,
        ..delivery("3", 0)
    };
    check(stopped(4), later, &ALL, 9);
}

#[test]
fn a_delivery_that_says_no_more_changes_nothing() {
    #[track_caller]
    fn check(first: Delivery, second: Delivery) {
        let world = World::new();
        world.deliver(&first);
        let before = (world.files(), world.attributes());
        let came = world.deliver(&second);
        assert!(found(&came), "{second:?} after {first:?}");
        assert_eq!(came.asked, 0, "{second:?} after {first:?}");
        assert_eq!((world.files(), world.attributes()), before);
    }
    check(delivery("3", 9), delivery("3", 9));
    check(delivery("3", 9), delivery("3", 4));
    check(delivery("3", 9), delivery("1", 9));
    check(delivery("3", 9), delivery("3", 0));
    check(delivery("1", 9), delivery("1", 4));
    let times = |stop, seconds, listed_until| Delivery {
        stops_after: Some(seconds),
        listed_until,
        ..delivery("3", stop)
    };
    // It names the fragments that were read: when it says that they ended is no matter.
    check(times(9, 9, 9), times(9, 20, 9));
    check(times(9, 9, 9), times(0, 9, 9));
    // It was read further than the number that it gets now.
    check(times(0, 9, 9), times(7, 7, 9));
    check(times(0, 9, 9), times(9, 9, 9));
    check(times(0, 9, 9), times(0, 7, 7));
}

/// The recorder's own attribute write brings the record again, with the URLs in it.
#[test]
fn where_the_urls_stand_only_the_verdict_is_looked_at() {
    let noted = |auth, stop| Delivery {
        attributes: true,
        ..delivery(auth, stop)
    };
    #[track_caller]
    fn check_skipped(world: &World, delivery: &Delivery) {
        let before = (world.files(), world.attributes());
        let came = world.deliver(delivery);
        match &came.worked {
            Worked::Skipped { reason, .. } => assert_eq!(*reason, SkipReason::AlreadyRecorded),
            other => panic!("{other:?}"),
        }
        assert_eq!((came.asked, came.noted), (0, 0));
        assert_eq!((world.files(), world.attributes()), before);
    }
    let world = World::new();
    world.deliver(&delivery("3", 9));
    check_skipped(&world, &noted("3", 9));
    check_skipped(&world, &noted("3", 4));
    check_skipped(&world, &noted("1", 9));
    let came = world.deliver(&noted("3", FRAGMENTS));
    assert!(!found(&came));
    world.check(&ALL, FRAGMENTS, Status::Complete);
    check_skipped(&world, &noted("3", FRAGMENTS));

    // Recordings that somebody deleted do not come back.
    std::fs::remove_dir_all(world.out()).unwrap();
    check_skipped(&world, &noted("3", FRAGMENTS));
    assert_eq!(world.files().len(), 0);
}

#[test]
fn a_failed_recording_is_made_although_its_urls_stand() {
    let world = World::new();
    world.deliver(&delivery("3", 9));
    let mut verdict = world.verdict();
    verdict.status = Status::Failed;
    let key = verdict.files[0].key.replace("_from.wav", "_verdict.json");
    std::fs::write(world.out().join(key), verdict.to_json()).unwrap();
    let came = world.deliver(&Delivery {
        attributes: true,
        ..delivery("3", 9)
    });
    assert!(!found(&came));
    world.check(&ALL, 9, Status::Complete);
}

/// More audio wins, though some of the rest is missing.
#[test]
fn the_longer_one_may_lack_what_the_shorter_never_had() {
    let world = World::new();
    world.deliver(&delivery("3", 4));
    let longer = Delivery {
        not_given: vec![6],
        ..delivery("3", 9)
    };
    assert!(!found(&world.deliver(&longer)));
    world.check(&ALL, 9, Status::Partial);
    assert_eq!(world.verdict().fragments.missing, 1);
    // Read again when it came, it is complete.
    let again = Delivery {
        again: Again::IfNotComplete,
        ..delivery("3", 4)
    };
    assert!(!found(&world.deliver(&again)));
    world.check(&ALL, 9, Status::Complete);
}

/// The stop that a later record names is not there: the recording is not complete.
#[test]
fn a_later_stop_that_never_comes_is_told() {
    let world = World::new();
    world.deliver(&delivery("3", 4));
    let files = world.verdict().files;
    let gone: Vec<_> = (5..=9).collect();
    let later = Delivery {
        not_listed: gone,
        ..delivery("3", 9)
    };
    world.deliver(&later);
    world.check(&ALL, 4, Status::Partial);
    let verdict = world.verdict();
    assert_eq!(verdict.files, files);
    assert_eq!(verdict.fragments.missing, 1);
    let came = world.deliver(&later);
    assert!(found(&came) && came.asked == 0, "it is known");
}

/// The recording's first fragments expired meanwhile: what is there stays as it is, byte
/// for byte, and the verdict says that there was more.
#[test]
fn what_is_there_is_not_lost_for_the_rest() {
    for gone in [vec![1, 2], vec![3]] {
        let world = World::new();
        world.deliver(&delivery("3", 4));
        let before = world.files();
        let files = world.verdict().files;
        let later = Delivery {
            not_given: gone.clone(),
            not_listed: gone.clone(),
            ..delivery("3", 9)
        };
        world.deliver(&later);
        let after = world.files();
        for file in before.keys().filter(|name| name.ends_with(".wav")) {
            assert_eq!(after[file], before[file], "{file}");
        }
        let verdict = world.verdict();
        assert_eq!((verdict.status, &verdict.files), (Status::Partial, &files));
        let codes: Vec<_> = verdict.reasons.iter().map(|reason| &*reason.code).collect();
        assert_eq!(codes, ["not_widened"], "{gone:?}");
        assert_eq!(
            verdict.recording.stop_fragment,
            world.number(9).map(|number| number.to_string())
        );
        // It is not read with each delivery …
        let came = world.deliver(&later);
        assert!(found(&came) && came.asked == 0, "{gone:?}");
        // … but when it is read again, and all of it comes, it is whole.
        let again = Delivery {
            again: Again::IfNotComplete,
            ..delivery("3", 9)
        };
        world.deliver(&again);
        world.check(&ALL, 9, Status::Complete);
    }
}

/// Nobody records a side longer by a record that does not authorise it.
#[test]
fn a_later_stop_without_a_side_is_told_and_not_read() {
    for auth in ["1", "2"] {
        let world = World::new();
        world.deliver(&delivery("3", 4));
        let came = world.deliver(&delivery(auth, 9));
        assert_eq!(came.asked, 0);
        world.check(&ALL, 4, Status::Partial);
        assert_eq!(world.verdict().reasons[0].code, "less_authorised");
        let before = world.files();
        assert!(found(&world.deliver(&delivery(auth, 9))));
        assert_eq!(world.files(), before);
        // Until one does.
        world.deliver(&delivery("3", 9));
        world.check(&ALL, 9, Status::Complete);
    }
}

/// A delivery that fails tells of all that is known; the next one, whichever it is, makes
/// all of it.
#[test]
fn a_failed_verdict_is_of_the_widest_range() {
    for (first, second) in [(4, 9), (9, 4)] {
        let world = World::new();
        let nothing: Vec<_> = (1..=FRAGMENTS).collect();
        for stop in [first, second] {
            let came = world.deliver(&Delivery {
                not_given: nothing.clone(),
                ..delivery("3", stop)
            });
            assert!(came.worked.action().is_some());
        }
        let verdict = world.verdict();
        assert_eq!(verdict.status, Status::Failed);
        let known = verdict.recording.stop_fragment;
        assert_eq!(known, world.number(9).map(|number| number.to_string()));
        world.deliver(&delivery("3", second));
        world.check(&ALL, 9, Status::Complete);
    }
}

#[test]
fn a_later_start_is_another_recording() {
    let world = World::new();
    world.deliver(&delivery("3", 4));
    let mut record = world.record(&delivery("3", 9));
    record["Recordings"][0]["FragmentStartNumber"] = json!(world.numbers[5].to_string());
    let first = world.verdict();
    let recorder = world.common.recorder(Faults::default());
    let worked = block_on(recorder.work(&message(&record), &NoDeadline, |_| ()));
    assert!(matches!(&worked.parts[..], [Worked::Recorded(_, recorded)]
        if !recorded.found && recorded.attributes == AttributesOutcome::Written));
    let verdicts = world.verdicts();
    assert_eq!(verdicts.len(), 2);
    assert!(verdicts.contains(&first));
    let urls = &world.attributes()["audioFromCustomer"];
    assert_eq!(urls.matches("https://").count(), 2, "{urls}");
}

/// Which fragments of a side stand in its file, by their samples.
fn present(world: &World, direction: Direction) -> Vec<bool> {
    let expected = world.call.expected(direction);
    let mut present = vec![false; FRAGMENTS];
    for verdict in world.verdicts() {
        let kind = direction.name();
        let Some(file) = verdict.files.iter().find(|file| file.kind == kind) else {
            continue;
        };
        let audio = common::samples(&world.out().join(&file.key));
        let begin = verdict.span.media_start_millis.unwrap() - world.call.start_epoch_millis;
        let begin = usize::try_from(begin).unwrap() * 8;
        for (fragment, present) in present.iter_mut().enumerate() {
            let from = fragment * 1_088 * 8;
            let to = (from + 1_088 * 8).min(expected.len());
            let at = from.checked_sub(begin);
            let there = at.and_then(|at| audio.get(at..at + to - from));
            *present = there == Some(&expected[from..to]);
        }
    }
    present
}

mod whatever_comes {
    use super::*;
    use proptest::prelude::*;

    fn any_delivery() -> impl Strategy<Value = Delivery> {
        let few = proptest::collection::vec(1..=FRAGMENTS, 0..3);
        let auth = prop_oneof![Just("1"), Just("2"), Just("3")];
        let again = prop_oneof![3 => Just(Again::IfFailed), 1 => Just(Again::IfNotComplete)];
        (auth, 0..=FRAGMENTS, few.clone(), few, any::<bool>(), again).prop_map(
            |(auth, stop, not_given, not_listed, attributes, again)| Delivery {
                auth,
                stop,
                not_given,
                not_listed,
                attributes,
                again,
                ..delivery(auth, stop)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever records come, in whichever order, and whatever can be had at the time:
        /// no fragment of a side that stood in a file is ever lost, and a complete recording
        /// has all of what it names.
        #[test]
        fn nothing_that_stood_is_lost(deliveries in proptest::collection::vec(any_delivery(), 1..5)) {
            let world = World::new();
            let mut stood = Direction::BOTH.map(|_| vec![false; FRAGMENTS]);
            for delivery in &deliveries {
                world.deliver(delivery);
                for direction in Direction::BOTH {
                    let now = present(&world, direction);
                    let before = &mut stood[direction.index()];
                    for (place, (before, now)) in before.iter().zip(&now).enumerate() {
                        prop_assert!(*now || !before, "{direction} {place}: {delivery:?}");
                    }
                    *before = now;
                }
                let Some(verdict) = world.verdicts().pop() else { continue };
                if verdict.status != Status::Complete {
                    continue;
                }
                let stop = verdict.recording.stop_fragment.as_ref().or(verdict.fragments.last.as_ref());
                let stop = stop.unwrap().parse().unwrap();
                let named = world.numbers.iter().filter(|number| **number <= stop).count();
                for direction in Direction::BOTH {
                    let authorised = verdict.recording.authorised.iter().flatten().any(|side| side == direction.name());
                    let there = stood[direction.index()].iter().filter(|there| **there).count();
                    // A fragment that is not listed cannot be told from a hold, unless it is
                    // the record's own.
                    let unlisted = deliveries.iter().flat_map(|delivery| &delivery.not_listed).count();
                    prop_assert!(!authorised || there + unlisted >= named, "{direction}: {there} of {named}");
                }
            }
        }
    }
}
