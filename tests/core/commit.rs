//! Two deliveries of one recording at once, with other bytes: at every step of one, the
//! other one passes by, whole or killed before its verdict. Whatever happens, a final
//! verdict stands beside the files that it names, and one more delivery brings one about.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use callreel::failure::{Failure, FailureKind};
use callreel::media::sides::Authorisation;
use callreel::object_key::hex;
use callreel::recorder::{Again, Recorded};
use callreel::recording::plan::RecordingPlan;
use callreel::recording::verdict::{Status, Verdict};
use callreel::sha256;
use callreel::synth::SynthCall;
use futures_executor::block_on;

use crate::common::edges::{Call, Faults};
use crate::common::{World, number};

/// A step of a delivery, before which somebody passes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Begin,
    /// The last look at the verdict, before any file ends.
    FinishFirst,
    FinishSecond,
    FinishThird,
    FinishPeaks,
    PutVerdict,
    /// The look at the files behind the verdict.
    LookAtFiles,
}

const STEPS: [Step; 7] = [
    Step::Begin,
    Step::FinishFirst,
    Step::FinishSecond,
    Step::FinishThird,
    Step::FinishPeaks,
    Step::PutVerdict,
    Step::LookAtFiles,
];

type Visit = Box<dyn FnOnce() + Send>;

fn visit(visit: &Mutex<Option<Visit>>, now: bool) {
    if now && let Some(visit) = visit.lock().unwrap().take() {
        // A thread of its own, as an invocation of its own would be.
        std::thread::scope(|scope| scope.spawn(visit).join().unwrap());
    }
}

/// The step that a call belongs to.
fn step_of(call: Call<'_>) -> Option<Step> {
    match call {
        Call::Begin(_) => Some(Step::Begin),
        Call::Finish(key) => Some(match key.rsplit('_').next() {
            Some("from.wav") => Step::FinishFirst,
            Some("to.wav") => Step::FinishSecond,
            Some("peaks.dat") => Step::FinishPeaks,
            _ => Step::FinishThird,
        }),
        Call::PutVerdict(_) => Some(Step::PutVerdict),
        Call::IsThere(_) => Some(Step::LookAtFiles),
        _ => None,
    }
}

/// Which fragment never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lacking {
    Nothing,
    Third,
}

fn world() -> World {
    World::new(SynthCall {
        millis: 6_000,
        ..SynthCall::default()
    })
}

/// One delivery into a folder.
fn deliver(
    world: &World,
    lacking: Lacking,
    killed: bool,
    step: Step,
    passes_by: &Mutex<Option<Visit>>,
) -> Result<Recorded, Failure> {
    deliver_if(Again::IfFailed, world, lacking, killed, step, passes_by)
}

/// The same, or a redrive, which reads partial recordings again.
fn deliver_if(
    again: Again,
    world: &World,
    lacking: Lacking,
    killed: bool,
    step: Step,
    passes_by: &Mutex<Option<Visit>>,
) -> Result<Recorded, Failure> {
    deliver_plan(
        again,
        world,
        &world.plan(),
        lacking,
        killed,
        step,
        passes_by,
    )
}

/// The same by a record that names so much.
fn deliver_plan(
    again: Again,
    world: &World,
    plan: &RecordingPlan,
    lacking: Lacking,
    killed: bool,
    step: Step,
    passes_by: &Mutex<Option<Visit>>,
) -> Result<Recorded, Failure> {
    let lacks = match lacking {
        Lacking::Nothing => Vec::new(),
        Lacking::Third => vec![number(world.call(), 2)],
    };
    let mut recorder = world.recorder(Faults {
        at: Arc::new(move |call| {
            if let (Call::PutVerdict(key), true) = (call, killed) {
                return Err(Failure::new(FailureKind::WriteFailed, key, "killed"));
            }
            visit(passes_by, step_of(call) == Some(step));
            Ok(())
        }),
        ..Faults::not_given(lacks)
    });
    recorder.reading.again = again;
    block_on(recorder.record(plan, &callreel::port::NoDeadline, |_| ()))
}

/// The final verdict that stands, which must be that of the files that stand.
fn standing(out: &Path, plan: &RecordingPlan) -> Option<Verdict> {
    let json = std::fs::read(out.join(plan.keys.verdict())).ok()?;
    let verdict = Verdict::from_json(&json).unwrap();
    if !verdict.is_final() {
        return None;
    }
    let mut sides = Vec::new();
    for file in &verdict.files {
        let bytes = std::fs::read(out.join(&file.key)).unwrap();
        assert_eq!(bytes.len() as u64, file.bytes, "{}", file.key);
        match file.kind.as_str() {
            "mixed" => assert_eq!(in_turn(&sides), bytes[44..], "the mix is the sides'"),
            _ => {
                let sha256 = hex(sha256::of(&bytes[44..]));
                assert_eq!(file.samples_sha256, Some(sha256), "{}", file.key);
                sides.push(bytes);
            }
        }
    }
    Some(verdict)
}

/// The samples of two mono files in turn.
fn in_turn(sides: &[Vec<u8>]) -> Vec<u8> {
    let (from, to) = (sides[0][44..].chunks(2), sides[1][44..].chunks(2));
    from.zip(to)
        .flat_map(|(from, to)| [from, to].concat())
        .collect()
}

/// The delivery that passes by.
#[derive(Clone, Copy, Debug)]
enum Visitor {
    /// A whole delivery.
    Whole(Lacking),
    /// A delivery that is killed before its verdict.
    Killed(Lacking),
    /// A delivery that looked for a verdict long ago, overwrites so many files and is killed.
    Blind(usize),
}

impl Visitor {
    fn pass_by(self, world: &World) {
        let nobody = Mutex::new(None);
        match self {
            Self::Whole(lacking) => {
                deliver(world, lacking, false, Step::Begin, &nobody).unwrap();
            }
            Self::Killed(lacking) => {
                let killed = deliver(world, lacking, true, Step::Begin, &nobody);
                // Unless it found a verdict, and had nothing to do.
                assert!(killed.is_ok_and(|recorded| recorded.found) || killed_in_time(world));
            }
            Self::Blind(files) => {
                for output in callreel::media::wav::Output::ALL.iter().take(files) {
                    let path = world.out().join(world.plan().keys.wav(*output));
                    let part = path.with_extension("other");
                    std::fs::write(&part, b"other bytes").unwrap();
                    std::fs::rename(part, path).unwrap();
                }
            }
        }
    }
}

fn killed_in_time(world: &World) -> bool {
    standing(&world.out(), &world.plan()).is_none()
}

#[track_caller]
fn check(ours: Lacking, visitor: Visitor, step: Step) {
    let world: &'static World = Box::leak(Box::new(world()));
    let out: PathBuf = world.out();
    let nobody = Mutex::new(None);
    let passes_by: Mutex<Option<Visit>> = Mutex::new(Some(Box::new(move || {
        visitor.pass_by(world);
    })));
    let ours = deliver(world, ours, false, step, &passes_by);
    assert!(passes_by.lock().unwrap().is_none(), "{step:?} came");
    let stands = standing(&out, &world.plan());
    match &ours {
        Ok(recorded) => {
            let stands = stands.expect("a delivery that went well leaves a final verdict");
            assert_eq!(recorded.verdict, stands, "{step:?} {visitor:?}");
        }
        Err(failure) => assert_eq!(failure.kind, FailureKind::Contended, "{step:?} {visitor:?}"),
    }
    // One more delivery, undisturbed.
    let last = deliver(world, Lacking::Nothing, false, step, &nobody).unwrap();
    assert!(last.verdict.is_final());
    assert_eq!(standing(&out, &world.plan()), Some(last.verdict));
}

#[test]
fn deliveries_with_other_bytes_do_not_harm_each_other() {
    for step in STEPS {
        for visitor in [Visitor::Whole, Visitor::Killed] {
            check(Lacking::Nothing, visitor(Lacking::Third), step);
            check(Lacking::Third, visitor(Lacking::Nothing), step);
        }
    }
}

#[test]
fn deliveries_with_the_same_bytes_do_not_harm_each_other() {
    for step in STEPS {
        for visitor in [Visitor::Whole, Visitor::Killed] {
            check(Lacking::Nothing, visitor(Lacking::Nothing), step);
        }
    }
}

/// Behind the verdict, and before the files are looked at once more.
#[test]
fn a_delivery_that_overwrites_files_and_dies_is_noticed() {
    for step in [Step::PutVerdict, Step::LookAtFiles] {
        for files in 1..=3 {
            check(Lacking::Nothing, Visitor::Blind(files), step);
        }
    }
}

/// Two deliveries by records of which one names less: at every step of one, the other one
/// passes by, whole or killed. What is handed back comes again, and then all stands that
/// either of them named, complete.
#[test]
fn the_longer_and_wider_one_stands_whoever_is_faster() {
    let world = world();
    let all = &world.plan();
    let mut shorter = all.clone();
    shorter.claim.range.stop = Some(number(world.call(), 3));
    let mut narrower = all.clone();
    narrower.authorisation = Authorisation::FromCustomer;
    let mut both = shorter.clone();
    both.authorisation = Authorisation::FromCustomer;
    for less in [shorter, narrower, both] {
        for step in STEPS {
            for killed in [false, true] {
                check_race(&less, all, step, killed);
                check_race(all, &less, step, killed);
            }
        }
    }
}

#[track_caller]
fn check_race(ours: &RecordingPlan, other: &RecordingPlan, step: Step, killed: bool) {
    let world: &'static World = Box::leak(Box::new(world()));
    let nobody = Mutex::new(None);
    let made = |plan: &RecordingPlan, killed, step, visit: &_| {
        let again = Again::IfFailed;
        deliver_plan(again, world, plan, Lacking::Nothing, killed, step, visit)
    };
    // Files of one side alone end in one step: nobody comes to the others.
    let comes = ours.authorisation == Authorisation::Both
        || !matches!(step, Step::FinishSecond | Step::FinishThird);
    let visitor = other.clone();
    let passes_by: Mutex<Option<Visit>> = Mutex::new(Some(Box::new(move || {
        let other = deliver_plan(
            Again::IfFailed,
            world,
            &visitor,
            Lacking::Nothing,
            killed,
            Step::Begin,
            &Mutex::new(None),
        );
        assert!(
            other.is_ok() || killed || step == Step::LookAtFiles,
            "{step:?}"
        );
    })));
    let first = made(ours, false, step, &passes_by);
    assert_eq!(passes_by.lock().unwrap().is_none(), comes, "{step:?}");
    if let Err(failure) = &first {
        assert_eq!(failure.kind, FailureKind::Contended, "{step:?}");
        made(ours, false, step, &nobody).unwrap();
    }
    if killed || !comes {
        made(other, false, step, &nobody).unwrap();
    }
    let stands = standing(&world.out(), &world.plan()).unwrap();
    let told = format!("{step:?}, killed {killed}: {:?}", stands.recording);
    assert_eq!(stands.status, Status::Complete, "{told}");
    assert_eq!(stands.files.len(), 3, "{told}");
    assert_eq!(stands.span.samples, 6_000 * 8, "{told}");
    // Each of them is content with it.
    for plan in [ours, other] {
        let again = made(plan, false, step, &nobody).unwrap();
        assert!(again.found && again.verdict == stands, "{told}");
    }
}

#[test]
fn what_was_lacking_is_told() {
    let world = world();
    let nobody = Mutex::new(None);
    let recorded = deliver(&world, Lacking::Third, false, Step::Begin, &nobody).unwrap();
    assert_eq!(recorded.verdict.status, Status::Partial);
    assert_eq!(world.plan().authorisation, Authorisation::Both);
}

/// A partial recording is replaced, and at every step another redrive passes by.
#[test]
fn redrives_at_once_do_not_harm_each_other() {
    fn redrive(
        world: &World,
        killed: bool,
        step: Step,
        passes_by: &Mutex<Option<Visit>>,
    ) -> Result<Recorded, Failure> {
        let again = Again::IfNotComplete;
        deliver_if(again, world, Lacking::Nothing, killed, step, passes_by)
    }
    for step in STEPS {
        for killed in [false, true] {
            let world: &'static World = Box::leak(Box::new(world()));
            let nobody = Mutex::new(None);
            let partial = deliver(world, Lacking::Third, false, step, &nobody).unwrap();
            assert_eq!(partial.verdict.status, Status::Partial);
            let passes_by: Mutex<Option<Visit>> = Mutex::new(Some(Box::new(move || {
                let other = redrive(world, killed, Step::Begin, &Mutex::new(None));
                // Unless ours is committed already, and it finds nothing to do.
                assert!(
                    other.is_err() == killed || step == Step::LookAtFiles,
                    "{step:?}"
                );
            })));
            let ours = redrive(world, false, step, &passes_by);
            assert!(passes_by.lock().unwrap().is_none(), "{step:?} came");
            match ours {
                Ok(recorded) => assert_eq!(recorded.verdict.status, Status::Complete),
                Err(failure) => assert_eq!(failure.kind, FailureKind::Contended, "{step:?}"),
            }
            let last = redrive(world, false, step, &nobody).unwrap();
            assert_eq!(last.verdict.status, Status::Complete);
            assert_eq!(standing(&world.out(), &world.plan()), Some(last.verdict));
        }
    }
}
