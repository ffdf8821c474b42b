//! The recorder under faults: wrappers around the local edge break one thing at a time,
//! and the files must be the same as without, or the verdict must say what is missing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![cfg(feature = "cli")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use callreel::connect::record::read_contact_records;
use callreel::failure::{Failure, FailureKind};
use callreel::local::{LocalBody, LocalContacts, LocalRecordings, LocalStreams, LocalUpload};
use callreel::media::fragment::FragmentNumber;
use callreel::media::wav::HEADER_BYTES;
use callreel::port::{
    ContactNotes, FragmentSource, Listing, MediaBody, NoDeadline, RecordingStore, Stored, Upload,
    Whereabouts,
};
use callreel::recorder::{Again, Noted, Reading, Recorded, Recorder, Worked};
use callreel::recording::decide::{Decision, decide};
use callreel::recording::plan::{Policy, RecordingPlan};
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

struct FaultySource {
    inner: LocalStreams,
    first: Option<FragmentNumber>,
    fault: Fault,
    asked: AtomicU32,
    asked_again: Mutex<bool>,
}

struct FaultyBody {
    inner: LocalBody,
    left: Option<usize>,
    silent: bool,
}

impl FragmentSource for FaultySource {
    type Body = FaultyBody;

    async fn list(&self, whereabouts: Whereabouts<'_>) -> Result<Listing, Failure> {
        assert_ne!(self.fault, Fault::MustNotBeAsked);
        let mut listing = self.inner.list(whereabouts).await?;
        let numbers = &mut listing.numbers;
        numbers.reverse();
        if self.fault == Fault::FrontGone {
            numbers.sort_unstable();
            numbers.drain(..4);
        }
        if self.fault == Fault::ListLacksStop {
            numbers.retain(|number| Some(*number) != whereabouts.range.stop);
            listing.incomplete = true;
        }
        Ok(listing)
    }

    async fn fetch(&self, stream: &str, numbers: &[FragmentNumber]) -> Result<FaultyBody, Failure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let first_time = !*self.asked_again.lock().unwrap();
        let mut numbers = numbers.to_vec();
        match self.fault {
            Fault::Denied => {
                return Err(Failure::new(FailureKind::ReadDenied, stream, "not yours"));
            }
            Fault::NotYet if first_time => {
                let mut place = 0;
                numbers.retain(|_| {
                    place += 1;
                    place % 3 != 0
                });
            }
            Fault::Panics => panic!("a library\nbroke"),
            // Only the record names it; the listing has none of the others.
            Fault::FrontGone => numbers.retain(|number| Some(*number) != self.first),
            Fault::Never if numbers.len() > 2 => drop(numbers.remove(2)),
            // Asked for alone, it is the one that never comes.
            Fault::Never => numbers.clear(),
            Fault::Shuffled => {
                numbers.sort_by_key(|number| number.to_string().bytes().rev().collect::<Vec<_>>())
            }
            _ => {}
        }
        let left = match self.fault {
            Fault::CutOnce(after) | Fault::EndOnce(after) if first_time => Some(after),
            _ => None,
        };
        let inner = self.inner.fetch(stream, &numbers).await?;
        Ok(FaultyBody {
            inner,
            left,
            silent: matches!(self.fault, Fault::EndOnce(_)),
        })
    }

    async fn kept_for(&self, stream: &str) -> Option<std::time::Duration> {
        self.inner.kept_for(stream).await
    }

    async fn wait_to_ask_again(&self, _attempt: u32) -> bool {
        *self.asked_again.lock().unwrap() = true;
        true
    }
}

impl MediaBody for FaultyBody {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        match (self.left, self.silent) {
            (Some(0), true) => return Ok(None),
            (Some(0), false) => {
                return Err(Failure::new(
                    FailureKind::ReadFailed,
                    "body",
                    "reset by peer",
                ));
            }
            _ => {}
        }
        let Some(mut chunk) = self.inner.next_chunk().await? else {
            return Ok(None);
        };
        if let Some(left) = &mut self.left {
            chunk.truncate(*left);
            *left -= chunk.len();
        }
        Ok(Some(chunk))
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

struct FaultyStore {
    inner: LocalRecordings,
    refuses: Refuses,
}

struct FaultyUpload {
    inner: LocalUpload,
    refuses: Refuses,
}

fn full() -> Failure {
    Failure::new(FailureKind::StoreFull, "store", "no space")
}

impl RecordingStore for FaultyStore {
    type Upload = FaultyUpload;

    async fn find_verdict(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.inner.find_verdict(key).await
    }

    async fn begin(&self, key: &str, contact: &str) -> Result<FaultyUpload, Failure> {
        if self.refuses == Refuses::Begin && key.ends_with("_to.wav") {
            return Err(full());
        }
        let inner = self.inner.begin(key, contact).await?;
        let refuses = if key.ends_with("_to.wav") {
            self.refuses
        } else {
            Refuses::Nothing
        };
        Ok(FaultyUpload { inner, refuses })
    }

    async fn put_verdict(
        &self,
        key: &str,
        json: Vec<u8>,
        instead_of: Option<&[u8]>,
    ) -> Result<bool, Failure> {
        if self.refuses == Refuses::Verdict {
            return Err(full());
        }
        self.inner.put_verdict(key, json, instead_of).await
    }

    async fn is_there(&self, key: &str, stored: &Stored) -> Result<bool, Failure> {
        self.inner.is_there(key, stored).await
    }
}

impl Upload for FaultyUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        if self.refuses == Refuses::Write {
            return Err(full());
        }
        self.inner.write(bytes).await
    }

    async fn finish(self, header: [u8; HEADER_BYTES]) -> Result<Stored, Failure> {
        if self.refuses == Refuses::Finish {
            return Err(full());
        }
        self.inner.finish(header).await
    }

    async fn abort(self) {
        self.inner.abort().await;
    }
}

/// A call in a folder, and everything to record it with.
struct World {
    folder: tempfile::TempDir,
    plan: RecordingPlan,
}

impl World {
    fn new(call: &SynthCall) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stream = folder.path().join("streams/s");
        std::fs::create_dir_all(&stream).unwrap();
        let mut media = Vec::new();
        call.write_stream(&mut media, |_| ()).unwrap();
        std::fs::write(stream.join("s.mkv"), media).unwrap();
        let record = call.contact_record("s").to_string();
        let record = read_contact_records(record.as_bytes()).remove(0).unwrap();
        let plan = match decide(&record, &policy()).remove(0) {
            Decision::Record(plan) => *plan,
            Decision::Skip(reason) => panic!("{reason}"),
        };
        Self { folder, plan }
    }

    fn recorder(
        &self,
        fault: Fault,
        refuses: Refuses,
    ) -> Recorder<FaultySource, FaultyStore, LocalContacts> {
        Recorder {
            source: FaultySource {
                inner: LocalStreams::new(self.folder.path().join("streams")),
                first: self.plan.claim.range.start,
                fault,
                asked: AtomicU32::new(0),
                asked_again: Mutex::new(false),
            },
            store: FaultyStore {
                inner: LocalRecordings::new(self.folder.path().join("out")),
                refuses,
            },
            notes: LocalContacts::new(self.folder.path().join("contacts.json")),
            policy: policy(),
            reading: Reading {
                fragments_per_request: 7,
                requests_at_once: 3,
                attempts: 3,
                ..Reading::default()
            },
        }
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

    /// Every file, with its bytes.
    fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let keys = callreel::media::wav::Output::ALL.map(|output| self.plan.keys.wav(output));
        let keys = keys.into_iter().chain([self.plan.keys.verdict()]);
        keys.map(|key| {
            let path = self.folder.path().join("out").join(&key);
            (key, std::fs::read(path).unwrap())
        })
        .collect()
    }

    fn files(&self) -> Vec<String> {
        let folder = self.folder.path().join("out");
        let mut files = Vec::new();
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => files.push(path.file_name().unwrap().to_string_lossy().into_owned()),
                }
            }
        }
        files.sort();
        files
    }

    fn contacts(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        std::fs::read(self.folder.path().join("contacts.json"))
            .map(|json| serde_json::from_slice(&json).unwrap())
            .unwrap_or_default()
    }
}

fn policy() -> Policy {
    Policy {
        key_prefix: "rec/".to_owned(),
        url_base: BASE.to_owned(),
        instances: Vec::new(),
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
    assert_eq!(hashes(&plain).len(), 3);
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
        callreel::recording::redrive::step(&candidate, callreel::recording::plan::Notes::There);
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
        let mut media = Vec::new();
        call.write_stream(&mut media, |_| ()).unwrap();
        let file = world.folder.path().join("streams/s/s.mkv");
        std::fs::write(file, media).unwrap();
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
    assert_eq!(world.files().len(), 4);
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
        let whole = 2 * usize::from(refuses == Refuses::Finish);
        assert_eq!(wavs.len(), whole, "{refuses:?}: {seen:?}");
        assert_eq!(world.contacts().len(), 0);
    }
    let world = World::new(&call());
    let recorder = world.recorder(Fault::None, Refuses::Verdict);
    assert_eq!(
        block_on(recorder.record(&world.plan, &NoDeadline, |_| ())),
        Err(full())
    );
    assert_eq!(
        world.contacts().len(),
        0,
        "no attributes before the verdict"
    );
}

#[test]
fn a_later_delivery_goes_straight_to_the_attributes() {
    let world = World::new(&call());
    let first = world.record(Fault::None).unwrap();
    assert_eq!((first.found, &first.noted), (false, &Noted::Written));
    let again = world.record(Fault::MustNotBeAsked).unwrap();
    assert_eq!((again.found, &again.noted), (true, &Noted::Unchanged));
    assert_eq!(again.verdict, first.verdict);
    // Killed between verdict and attributes: they are written now.
    std::fs::remove_file(world.folder.path().join("contacts.json")).unwrap();
    let repaired = world.record(Fault::MustNotBeAsked).unwrap();
    assert_eq!(repaired.noted, Noted::Written);
    assert_eq!(world.contacts()[&*world.plan.attributes_contact].len(), 3);
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
    assert_eq!(again.noted, Noted::Unchanged);
    // And that is the end of it.
    let last = world.record_again(Fault::MustNotBeAsked, Refuses::Nothing);
    assert!(last.unwrap().found);
}

#[test]
fn a_partial_recording_stays_unless_there_is_more() {
    for first in [Fault::Never, Fault::None] {
        let world = World::new(&call());
        world.record(first.clone()).unwrap();
        let before = world.contents();
        for fault in [Fault::Never, Fault::FrontGone] {
            let again = world.record_again(fault.clone(), Refuses::Nothing).unwrap();
            assert!(again.found, "{fault:?} after {first:?}");
            assert_eq!(world.contents(), before, "{fault:?} after {first:?}");
        }
        if first == Fault::Never {
            let failure = world.record_again(Fault::Denied, Refuses::Nothing);
            assert_eq!(failure.unwrap_err().kind, FailureKind::ReadDenied);
        }
        assert_eq!(world.contents(), before, "{first:?}");
        assert_eq!(world.files().len(), 4, "nothing unfinished is left");
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
        let json = std::fs::read(
            world
                .folder
                .path()
                .join("out")
                .join(world.plan.keys.verdict()),
        );
        let stands = callreel::recording::verdict::Verdict::from_json(&json.unwrap()).unwrap();
        assert_eq!(stands, partial.verdict, "{refuses:?}");
        let again = world.record_again(Fault::None, Refuses::Nothing).unwrap();
        assert_eq!(again.verdict.status, Status::Complete, "{refuses:?}");
    }
}

#[test]
fn attributes_of_others_stay() {
    #[track_caller]
    fn check(held: &str, expected: &str, noted: Noted) {
        let world = World::new(&call());
        let attributes = BTreeMap::from([("audioFromCustomer".to_owned(), held.to_owned())]);
        let notes = LocalContacts::new(world.folder.path().join("contacts.json"));
        block_on(notes.write((), None, &world.plan.attributes_contact, &attributes)).unwrap();
        assert_eq!(world.record(Fault::None).unwrap().noted, noted);
        let value = &world.contacts()[&*world.plan.attributes_contact]["audioFromCustomer"];
        let url = format!(
            "{BASE}{}",
            world.plan.keys.wav(callreel::media::wav::Output::From)
        );
        assert_eq!(value, &expected.replace("URL", &url));
    }
    let leg = "https://d.example/rec/2025/10/09/other-leg_5_from.wav";
    check(leg, &format!("{leg}, URL"), Noted::Written);
    for both in [
        format!("{leg} {leg}x"),
        format!("{leg},{leg}x"),
        format!("{leg}, {leg}x"),
    ] {
        check(&both, &format!("{leg}, {leg}x, URL"), Noted::Written);
    }
    check(" ", "URL", Noted::Written);
    check(
        "no thanks",
        "no thanks",
        Noted::NotOurs {
            attribute: "audioFromCustomer",
        },
    );
}

#[test]
fn attributes_without_room_are_left_and_told() {
    let world = World::new(&call());
    let attributes = BTreeMap::from([("big".to_owned(), "x".repeat(32_600))]);
    let notes = LocalContacts::new(world.folder.path().join("contacts.json"));
    block_on(notes.write((), None, &world.plan.attributes_contact, &attributes)).unwrap();
    let recorded = world.record(Fault::None).unwrap();
    assert!(
        matches!(recorded.noted, Noted::NoRoom { bytes } if bytes > 32_768),
        "{:?}",
        recorded.noted
    );
    assert_eq!(world.contacts()[&*world.plan.attributes_contact].len(), 1);
}

#[test]
fn a_recording_without_audio_is_empty_and_no_failure() {
    let hold = std::iter::once(0..4_000).collect();
    let world = World::new(&SynthCall {
        millis: 2_000,
        holds: hold,
        ..SynthCall::default()
    });
    let empty = world.folder.path().join("streams/s/s.mkv");
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
    assert_eq!(recorded.noted, Noted::NothingToNote);
    assert!(Path::new(&world.folder.path().join("out").join(plan.keys.verdict())).exists());
}
