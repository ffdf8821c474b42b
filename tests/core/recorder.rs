//! The recorder under faults: wrappers around the local edge break one thing at a time,
//! and the files must be the same as without, or the verdict must say what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common;
use crate::common::edges::{Asked, Call, Cut, Ends, Faults};
use callreel::connect::record::read_contact_records;
use callreel::failure::{Failure, FailureKind};
use callreel::local::LocalContacts;
use callreel::media::fragment::FragmentNumber;
use callreel::port::{ContactAttributes, NoDeadline};
use callreel::recorder::{Again, AttributesOutcome, Reading, Recorded, Worked};
use callreel::recording::decide::{Decision, decide};
use callreel::recording::plan::{OnContact, RecordingPlan, Urls};
use callreel::recording::verdict::Status;
use callreel::synth::SynthCall;
use futures_executor::block_on;

const BASE: &str = "https://d.example/";

/// What goes wrong with the media.
#[derive(Clone, Debug, PartialEq)]
enum Fault {
    None,
    /// The first body of every request breaks off after so many bytes, with an error.
    CutOnce(usize),
    /// The same, but the connection says nothing.
    EndOnce(usize),
    /// The first time, every third fragment is not there yet.
    NotYet,
    /// Never, the third fragment.
    Never,
    /// Answers come in another order than asked.
    Shuffled,
    /// The listing lacks the stop fragment, as a young one can.
    ListLacksStop,
    /// The first fragments have expired: they are neither listed nor given.
    FrontGone,
    /// Reading is not allowed.
    Denied,
    /// Whoever asks is wrong to ask.
    MustNotBeAsked,
    /// Something in a library breaks.
    Panics,
}

impl Fault {
    /// How it shows at the ports; `first` is the recording's first fragment.
    fn shows<'a>(&self, first: Option<FragmentNumber>) -> Faults<'a> {
        let fault = self.clone();
        let listed = fault.clone();
        let given = fault.clone();
        Faults {
            at: Arc::new(move |call| match (&fault, call) {
                (Fault::MustNotBeAsked, Call::List(_)) => panic!("it must not be asked"),
                (Fault::Panics, Call::Fetch(..)) => panic!("a library\nbroke"),
                (Fault::Denied, Call::Fetch(stream, _)) => {
                    Err(Failure::new(FailureKind::ReadDenied, stream, "not yours"))
                }
                _ => Ok(()),
            }),
            lists: Box::new(move |whereabouts, listing| {
                let numbers = &mut listing.numbers;
                numbers.reverse();
                if listed == Fault::FrontGone {
                    numbers.sort_unstable();
                    numbers.drain(..4);
                }
                if listed == Fault::ListLacksStop {
                    numbers.retain(|number| Some(*number) != whereabouts.range.stop);
                    listing.incomplete = true;
                }
            }),
            gives: Box::new(move |asked, numbers| match given {
                Fault::NotYet if asked == Asked::First => {
                    let mut place = 0;
                    numbers.retain(|_| {
                        place += 1;
                        place % 3 != 0
                    });
                }
                // Only the record names it; the listing has none of the others.
                Fault::FrontGone => numbers.retain(|number| Some(*number) != first),
                Fault::Never if numbers.len() > 2 => drop(numbers.remove(2)),
                // Asked for alone, it is the one that never comes.
                Fault::Never => numbers.clear(),
                Fault::Shuffled => numbers
                    .sort_by_key(|number| number.to_string().bytes().rev().collect::<Vec<_>>()),
                _ => {}
            }),
            cut: match *self {
                Fault::CutOnce(after) => Some(Cut {
                    after,
                    ends: Ends::Failing,
                }),
                Fault::EndOnce(after) => Some(Cut {
                    after,
                    ends: Ends::Silently,
                }),
                _ => None,
            },
            asks_again: true,
        }
    }
}

/// Which write refuses.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refuses {
    Nothing,
    Begin,
    Write,
    Finish,
    Verdict,
}

fn full() -> Failure {
    Failure::new(FailureKind::StoreFull, "store", "no space")
}

impl Refuses {
    /// Whether it refuses this call; of the files it is that of the other side.
    fn is(self, call: Call<'_>) -> bool {
        match (self, call) {
            (Self::Verdict, Call::PutVerdict(_)) => true,
            (Self::Begin, Call::Begin(key))
            | (Self::Write, Call::Write(key))
            | (Self::Finish, Call::Finish(key)) => key.ends_with("_to.wav"),
            _ => false,
        }
    }
}

/// A call in a folder, and everything to record it with.
struct World {
    common: common::World,
    plan: RecordingPlan,
}

impl World {
    fn new(call: &SynthCall) -> Self {
        let common = common::World::new(call.clone());
        let plan = common.plan();
        Self { common, plan }
    }

    fn recorder(&self, fault: Fault, refuses: Refuses) -> common::Local<'_> {
        let faults = fault.shows(self.plan.claim.range.start);
        let at = faults.at.clone();
        let mut recorder = self.common.recorder(Faults {
            at: Arc::new(move |call| match refuses.is(call) {
                true => Err(full()),
                false => at(call),
            }),
            ..faults
        });
        recorder.reading = Reading {
            fragments_per_request: 7,
            requests_at_once: 3,
            attempts: 3,
            ..Reading::default()
        };
        recorder
    }

    fn record(&self, fault: Fault) -> Result<Recorded, Failure> {
        block_on(
            self.recorder(fault, Refuses::Nothing)
                .record(&self.plan, &NoDeadline, |_| ()),
        )
    }

    /// Records although there is a partial verdict.
    fn record_again(&self, fault: Fault, refuses: Refuses) -> Result<Recorded, Failure> {
        let mut recorder = self.recorder(fault, refuses);
        recorder.reading.again = Again::IfNotComplete;
        block_on(recorder.record(&self.plan, &NoDeadline, |_| ()))
    }

    /// The names of all files.
    fn files(&self) -> Vec<String> {
        let files = self.common.files().into_keys();
        let mut names: Vec<_> = files
            .map(|key| key.rsplit('/').next().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        self.common.attributes(&self.plan.initial_contact)
    }
}

fn call() -> SynthCall {
    SynthCall {
        millis: 21_000,
        reuse: true,
        untagged_tail: true,
        ..SynthCall::default()
    }
}

fn hashes(recorded: &Recorded) -> Vec<&str> {
    recorded
        .verdict
        .files
        .iter()
        .filter_map(|file| file.samples_sha256.as_deref())
        .collect()
}

#[test]
fn transient_faults_change_nothing() {
    let plain = World::new(&call()).record(Fault::None).unwrap();
    assert_eq!(
        plain.verdict.status,
        Status::Complete,
        "{:?}",
        plain.verdict.reasons
    );
    assert_eq!(hashes(&plain).len(), 2, "one of each side");
    let cuts = [1, 100, 36_000, 36_062, 50_000, 100_000];
    let faults = cuts
        .iter()
        .flat_map(|after| [Fault::CutOnce(*after), Fault::EndOnce(*after)])
        .chain([Fault::NotYet, Fault::Shuffled]);
    for fault in faults {
        let recorded = World::new(&call()).record(fault.clone()).unwrap();
        assert_eq!(
            recorded.verdict.status,
            Status::Complete,
            "{fault:?}: {:?}",
            recorded.verdict.reasons
        );
        assert_eq!(hashes(&recorded), hashes(&plain), "{fault:?}");
    }
}

/// All that the listing had is there, and the stop fragment, too. Nobody knows what else it
/// lacked: the recording is never complete, and is read again when all may be listed.
#[test]
fn an_incomplete_listing_never_makes_a_complete_recording() {
    let world = World::new(&call());
    let verdict = world.record(Fault::ListLacksStop).unwrap().verdict;
    assert_eq!(verdict.status, Status::Partial);
    let codes: Vec<_> = verdict.reasons.iter().map(|reason| &*reason.code).collect();
    assert_eq!(codes, ["listing_incomplete"]);
    let detail = &verdict.reasons[0].detail;
    assert!(detail.contains("lacks the last fragment"), "{detail}");
    let candidate = callreel::recording::redrive::Candidate {
        plan: Box::new(world.plan.clone()),
        verdict: Some(verdict),
        found: Vec::new(),
    };
    let left =
        callreel::recording::redrive::step(&candidate, callreel::recording::plan::Urls::OnContact);
    assert_eq!(left, Ok(callreel::recording::redrive::Step::ReadAgain));
    let again = world.record_again(Fault::None, Refuses::Nothing).unwrap();
    assert_eq!(again.verdict.status, Status::Complete);
    assert!(again.verdict.reasons.is_empty());
}

/// A folder lists all that it has: what the record names beside that is missing.
#[test]
fn a_folder_without_the_records_own_fragments_is_never_complete() {
    let plain = || SynthCall {
        millis: 21_000,
        ..SynthCall::default()
    };
    let fragments = World::new(&plain()).record(Fault::None).unwrap();
    let last = usize::try_from(fragments.verdict.fragments.own).unwrap() - 1;
    for missing in [vec![0], vec![last], vec![0, last]] {
        let call = SynthCall {
            missing: missing.clone(),
            ..plain()
        };
        let world = World::new(&plain());
        world.common.put(&call);
        let verdict = world.record(Fault::None).unwrap().verdict;
        assert_eq!(verdict.status, Status::Partial, "{missing:?}");
        assert_eq!(verdict.reasons[0].code, "fragments_missing");
    }
}

#[test]
fn a_panic_ends_one_recording_and_parks_its_record() {
    let world = World::new(&call());
    let recorder = world.recorder(Fault::Panics, Refuses::Nothing);
    let plan = Box::new(world.plan.clone());
    let worked = block_on(recorder.work_plan(plan, &NoDeadline, |_| ()));
    let Worked::Failed(_, failure) = worked else {
        panic!("{worked:?}");
    };
    assert_eq!(failure.kind, FailureKind::Defect);
    assert_eq!(failure.action(), callreel::failure::Action::Park);
    assert!(failure.cause.ends_with("a library broke"), "{failure}");
    let recorded = world.record(Fault::None).unwrap();
    assert_eq!(recorded.verdict.status, Status::Complete);
}

#[test]
fn what_never_comes_is_told() {
    let recorded = World::new(&call()).record(Fault::Never).unwrap();
    let verdict = &recorded.verdict;
    assert_eq!(verdict.status, Status::Partial);
    assert_eq!(verdict.fragments.missing, 3, "one of each request of seven");
    assert_eq!(verdict.fragments.missing_list.len(), 3);
    assert_eq!(verdict.fragments.asked, verdict.fragments.received + 3);
    assert_eq!(verdict.span.samples, 21_000 * 8, "the clock is kept");
    let silence = verdict.sides.from.as_ref().unwrap().gaps.samples;
    assert_eq!(silence, 3 * 1_088 * 8);
}

#[test]
fn a_failure_is_a_failed_verdict_and_the_next_try_may_complete() {
    let world = World::new(&call());
    let failure = world.record(Fault::Denied).unwrap_err();
    assert_eq!(failure.kind, FailureKind::ReadDenied);
    let files = world.files();
    assert!(
        files.len() == 1 && files[0].ends_with("_verdict.json"),
        "{files:?}"
    );
    let recorded = world.record(Fault::None).unwrap();
    assert_eq!(
        (recorded.verdict.status, recorded.found),
        (Status::Complete, false)
    );
    assert_eq!(world.files().len(), 5);
}

#[test]
fn nothing_half_written_is_ever_seen() {
    for refuses in [Refuses::Begin, Refuses::Write, Refuses::Finish] {
        let world = World::new(&call());
        let recorder = world.recorder(Fault::None, refuses);
        assert_eq!(
            block_on(recorder.record(&world.plan, &NoDeadline, |_| ())),
            Err(full()),
            "{refuses:?}"
        );
        let seen = world.files();
        let wavs: Vec<_> = seen
            .iter()
            .filter(|name| !name.ends_with("_verdict.json"))
            .collect();
        // Files end side by side: those that could are whole, without a verdict of success.
        let whole = 3 * usize::from(refuses == Refuses::Finish);
        assert_eq!(wavs.len(), whole, "{refuses:?}: {seen:?}");
        assert!(!world.common.contacts_file().exists());
    }
    let world = World::new(&call());
    let recorder = world.recorder(Fault::None, Refuses::Verdict);
    assert_eq!(
        block_on(recorder.record(&world.plan, &NoDeadline, |_| ())),
        Err(full())
    );
    assert!(
        !world.common.contacts_file().exists(),
        "no attributes before the verdict"
    );
}

#[test]
fn a_later_delivery_goes_straight_to_the_attributes() {
    let world = World::new(&call());
    let first = world.record(Fault::None).unwrap();
    assert_eq!(
        (first.found, &first.attributes),
        (false, &AttributesOutcome::Written)
    );
    let again = world.record(Fault::MustNotBeAsked).unwrap();
    assert_eq!(
        (again.found, &again.attributes),
        (true, &AttributesOutcome::Unchanged)
    );
    assert_eq!(again.verdict, first.verdict);
    // Killed between verdict and attributes: they are written now.
    std::fs::remove_file(world.common.contacts_file()).unwrap();
    let repaired = world.record(Fault::MustNotBeAsked).unwrap();
    assert_eq!(repaired.attributes, AttributesOutcome::Written);
    assert_eq!(world.attributes().len(), 3);
}

#[test]
fn a_partial_recording_is_replaced_by_one_that_holds_more() {
    let plain = World::new(&call()).record(Fault::None).unwrap();
    let world = World::new(&call());
    let partial = world.record(Fault::Never).unwrap();
    assert_eq!(partial.verdict.status, Status::Partial);
    // A delivery of the function's goes straight to the attributes, as ever.
    assert!(world.record(Fault::MustNotBeAsked).unwrap().found);
    let again = world.record_again(Fault::None, Refuses::Nothing).unwrap();
    assert_eq!(
        (again.verdict.status, again.found),
        (Status::Complete, false)
    );
    assert_eq!(hashes(&again), hashes(&plain));
    // The URLs are the same ones.
    assert_eq!(again.attributes, AttributesOutcome::Unchanged);
    // And that is the end of it.
    let last = world.record_again(Fault::MustNotBeAsked, Refuses::Nothing);
    assert!(last.unwrap().found);
}

#[test]
fn a_partial_recording_stays_unless_there_is_more() {
    for first in [Fault::Never, Fault::None] {
        let world = World::new(&call());
        world.record(first.clone()).unwrap();
        let before = world.common.files();
        for fault in [Fault::Never, Fault::FrontGone] {
            let again = world.record_again(fault.clone(), Refuses::Nothing).unwrap();
            assert!(again.found, "{fault:?} after {first:?}");
            assert_eq!(world.common.files(), before, "{fault:?} after {first:?}");
        }
        if first == Fault::Never {
            let failure = world.record_again(Fault::Denied, Refuses::Nothing);
            assert_eq!(failure.unwrap_err().kind, FailureKind::ReadDenied);
        }
        assert_eq!(world.common.files(), before, "{first:?}");
        assert_eq!(world.files().len(), 5, "nothing unfinished is left");
    }
}

/// More fragments came, and the store refuses while it is replaced: the old verdict stands,
/// and the next try replaces it.
#[test]
fn a_replacement_that_breaks_off_is_made_again() {
    for refuses in [
        Refuses::Begin,
        Refuses::Write,
        Refuses::Finish,
        Refuses::Verdict,
    ] {
        let world = World::new(&call());
        let partial = world.record(Fault::Never).unwrap();
        let failure = world.record_again(Fault::None, refuses).unwrap_err();
        assert_eq!(failure, full(), "{refuses:?}");
        assert_eq!(world.common.verdicts(), [partial.verdict], "{refuses:?}");
        let again = world.record_again(Fault::None, Refuses::Nothing).unwrap();
        assert_eq!(again.verdict.status, Status::Complete, "{refuses:?}");
    }
}

#[test]
fn attributes_of_others_stay() {
    #[track_caller]
    fn check(held: &str, expected: &str, noted: AttributesOutcome) {
        let world = World::new(&call());
        let attributes = BTreeMap::from([("audioFromCustomer".to_owned(), held.to_owned())]);
        let notes = LocalContacts::new(world.common.contacts_file());
        block_on(notes.write(
            block_on(notes.turn()),
            None,
            &world.plan.initial_contact,
            &attributes,
        ))
        .unwrap();
        assert_eq!(world.record(Fault::None).unwrap().attributes, noted);
        let value = &world.attributes()["audioFromCustomer"];
        let url = format!(
            "{BASE}{}",
            world.plan.keys.wav(callreel::media::wav::Output::From)
        );
        assert_eq!(value, &expected.replace("URL", &url));
    }
    let leg = "https://d.example/rec/2025/10/09/other-leg_5_from.wav";
    check(leg, &format!("{leg}, URL"), AttributesOutcome::Written);
    for both in [
        format!("{leg} {leg}x"),
        format!("{leg},{leg}x"),
        format!("{leg}, {leg}x"),
    ] {
        check(
            &both,
            &format!("{leg}, {leg}x, URL"),
            AttributesOutcome::Written,
        );
    }
    check(" ", "URL", AttributesOutcome::Written);
    check(
        "no thanks",
        "no thanks",
        AttributesOutcome::NotOurs {
            attribute: "audioFromCustomer",
            ours: format!("{BASE}rec/"),
        },
    );
}

/// The page alone, or beside the files: it is written once, counts as done where it stands, and is added where a
/// deployment writes it from now on.
#[test]
fn the_page_of_a_recording_goes_onto_its_contact_as_its_files_do() {
    const PAGES: &str = "https://calls.example/call?recording=";
    #[track_caller]
    fn check(on_contact: OnContact, names: &[&str]) {
        let world = World::new(&call());
        let mut recorder = world.recorder(Fault::None, Refuses::Nothing);
        recorder.policy.on_contact = on_contact.clone();
        let record = |plan| block_on(recorder.record(plan, &NoDeadline, |_| ())).unwrap();
        assert_eq!(record(&world.plan).attributes, AttributesOutcome::Written);
        let held = world.attributes();
        assert_eq!(held.keys().collect::<Vec<_>>(), names);
        let page = held.get("audioPage");
        let expected = format!("{PAGES}{}", world.plan.keys.verdict());
        assert_eq!(page.is_some(), on_contact != OnContact::Files);
        assert!(page.is_none_or(|page| *page == expected), "{page:?}");
        let again = record(&world.plan);
        assert!(again.found && again.attributes == AttributesOutcome::Unchanged);
        assert_eq!(world.attributes(), held);
        // The newest version of the record holds them, and nothing is done.
        let mut told = world.common.call().contact_record("c");
        for (name, value) in &held {
            told["Attributes"][name] = value.as_str().into();
        }
        let record = read_contact_records(told.to_string().as_bytes()).remove(0);
        let decided = decide(&record.unwrap(), &recorder.policy).remove(0);
        let Decision::Record(plan) = decided else {
            panic!("{decided:?}");
        };
        assert_eq!(plan.urls, Urls::OnContact);
    }
    let files = ["audioFromCustomer", "audioMixed", "audioToCustomer"];
    let all = [
        "audioFromCustomer",
        "audioMixed",
        "audioPage",
        "audioToCustomer",
    ];
    check(OnContact::Files, &files);
    check(OnContact::FilesAndPage(PAGES.to_owned()), &all);
    check(OnContact::Page(PAGES.to_owned()), &["audioPage"]);

    let world = World::new(&call());
    world.record(Fault::None).unwrap();
    let mut recorder = world.recorder(Fault::MustNotBeAsked, Refuses::Nothing);
    recorder.policy.on_contact = OnContact::FilesAndPage(PAGES.to_owned());
    let later = block_on(recorder.record(&world.plan, &NoDeadline, |_| ())).unwrap();
    assert!(later.found && later.attributes == AttributesOutcome::Written);
    assert_eq!(world.attributes().len(), all.len());
}

#[test]
fn attributes_without_room_are_left_and_told() {
    let world = World::new(&call());
    let attributes = BTreeMap::from([("big".to_owned(), "x".repeat(32_600))]);
    let notes = LocalContacts::new(world.common.contacts_file());
    block_on(notes.write(
        block_on(notes.turn()),
        None,
        &world.plan.initial_contact,
        &attributes,
    ))
    .unwrap();
    let recorded = world.record(Fault::None).unwrap();
    assert!(
        matches!(recorded.attributes, AttributesOutcome::NoRoom { bytes } if bytes > 32_768),
        "{:?}",
        recorded.attributes
    );
    assert_eq!(world.attributes().len(), 1);
}

#[test]
fn a_recording_without_audio_is_empty_and_no_failure() {
    let hold = std::iter::once(0..4_000).collect();
    let world = World::new(&SynthCall {
        millis: 2_000,
        holds: hold,
        ..SynthCall::default()
    });
    let empty = world.common.media(world.common.call());
    // A fragment of the call with tags and no block.
    let plain = SynthCall {
        millis: 64,
        ..SynthCall::default()
    };
    let mut media = plain.fragments().next().unwrap().document;
    let block = media
        .windows(3)
        .rposition(|bytes| bytes == [0xA3, 0x44, 0x04])
        .unwrap();
    let first = media
        .windows(3)
        .position(|bytes| bytes == [0xA3, 0x44, 0x04])
        .unwrap();
    media.drain(first..block + 3 + 1_028);
    std::fs::write(empty, media).unwrap();
    let mut plan = World::new(&plain).plan;
    plan.stream = world.plan.stream.clone();
    let recorder = world.recorder(Fault::None, Refuses::Nothing);
    let recorded = block_on(recorder.record(&plan, &NoDeadline, |_| ())).unwrap();
    assert_eq!(
        recorded.verdict.status,
        Status::Empty,
        "{:?}",
        recorded.verdict.reasons
    );
    assert_eq!(recorded.attributes, AttributesOutcome::NothingToWrite);
    assert!(world.common.out().join(plan.keys.verdict()).exists());
}
