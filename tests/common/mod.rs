//! Calls in a folder, and everything to record them with: the local edge, behind ports that
//! can be told to fail.

pub mod contract;
pub mod edges;
pub mod memory;
pub mod outages;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use callreel::batches::Function;
use callreel::connect::record::read_contact_records;
use callreel::event::batch::{BatchRecord, read_event_value};
use callreel::local::{LocalContacts, LocalRecordings, LocalStreams};
use callreel::media::fragment::FragmentNumber;
use callreel::recorder::{Reading, Recorder};
use callreel::recording::decide::{Decision, decide};
use callreel::recording::plan::{Policy, RecordingPlan};
use callreel::recording::verdict::Verdict;
use callreel::side_by_side::SideBySide;
use callreel::synth::SynthCall;
use edges::{Faults, Lot, Notes, Source, Store};
use memory::Memory;
use serde_json::Value;

pub type Local<'a> =
    Recorder<Source<'a, LocalStreams>, Store<'a, LocalRecordings>, Notes<'a, LocalContacts>>;
pub type LocalFunction<'a> = Function<
    Source<'a, LocalStreams>,
    Store<'a, LocalRecordings>,
    Notes<'a, LocalContacts>,
    Lot<'a, Memory>,
>;

/// A folder of calls, each on a stream that is named by its contact.
pub struct World {
    folder: tempfile::TempDir,
    pub calls: Vec<SynthCall>,
}

impl World {
    pub fn of(calls: Vec<SynthCall>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, calls };
        world.calls.iter().for_each(|call| world.put(call));
        world
    }

    /// With one call.
    pub fn new(call: SynthCall) -> Self {
        Self::of(vec![call])
    }

    /// Writes a call's media in place of what its stream holds.
    pub fn put(&self, call: &SynthCall) {
        let media = self.media(call);
        std::fs::create_dir_all(media.parent().unwrap()).unwrap();
        let mut written = Vec::new();
        call.write_stream(&mut written, |_| ()).unwrap();
        std::fs::write(media, written).unwrap();
    }

    /// The file with a call's media.
    pub fn media(&self, call: &SynthCall) -> PathBuf {
        self.streams().join(&call.contact).join("s.mkv")
    }

    pub fn streams(&self) -> PathBuf {
        self.folder.path().join("streams")
    }

    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub fn contacts_file(&self) -> PathBuf {
        self.folder.path().join("contacts.json")
    }

    /// The first call.
    pub fn call(&self) -> &SynthCall {
        &self.calls[0]
    }

    /// The plan of the first call, as its contact record tells it.
    pub fn plan(&self) -> RecordingPlan {
        plan(&self.call().contact_record(&self.call().contact))
    }

    /// The recorder over this folder.
    pub fn recorder<'a>(&self, faults: Faults<'a>) -> Local<'a> {
        Recorder {
            store: Store {
                inner: LocalRecordings::new(self.out()),
                at: faults.at.clone(),
            },
            attributes: Notes {
                inner: LocalContacts::new(self.contacts_file()),
                at: faults.at.clone(),
            },
            source: Source::new(LocalStreams::new(self.streams()), faults),
            policy: policy(),
            reading: Reading::default(),
        }
    }

    /// The function over this folder.
    pub fn function<'a>(&self, faults: Faults<'a>) -> LocalFunction<'a> {
        let parking = Lot {
            at: faults.at.clone(),
            inner: Memory::default(),
        };
        function(self.recorder(faults), parking)
    }

    /// Every file in the store that is not hidden, by its key.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut folders = vec![self.out()];
        let mut files = BTreeMap::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    // Its lock is the turn of runs that go on at the same time.
                    false if path.ends_with(".callreel.lock") => {}
                    false => {
                        let key = path.strip_prefix(self.out()).unwrap();
                        let key = key.to_string_lossy().into_owned();
                        files.insert(key, std::fs::read(path).unwrap());
                    }
                }
            }
        }
        files
    }

    /// The verdicts that stand, in the order of their keys.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let files = self.files().into_iter();
        files
            .filter(|(key, _)| key.ends_with("_verdict.json"))
            .map(|(_, json)| Verdict::from_json(&json).unwrap())
            .collect()
    }

    /// The attributes of a contact.
    pub fn attributes(&self, contact: &str) -> BTreeMap<String, String> {
        let json = std::fs::read(self.contacts_file()).unwrap_or_default();
        let contacts: Value = serde_json::from_slice(&json).unwrap_or_default();
        serde_json::from_value(contacts[contact].clone()).unwrap_or_default()
    }
}

/// Calls that the function works on side by side.
pub const SIDE_BY_SIDE: usize = 4;

/// The function over these ports, with the memory that Lambda's has.
pub fn function<S, R, N, P>(recorder: Recorder<S, R, N>, parking: P) -> Function<S, R, N, P> {
    Function {
        recorder,
        parking,
        side_by_side: SideBySide {
            calls: SIDE_BY_SIDE,
            memory: 60 << 20,
        },
        most_memory: 56 << 20,
    }
}

pub fn policy() -> Policy {
    Policy::new("rec/", "https://d.example/")
}

/// The one recording of a contact record.
pub fn plan(record: &Value) -> RecordingPlan {
    let record = record.to_string();
    let record = read_contact_records(record.as_bytes()).remove(0).unwrap();
    match decide(&record, &policy()).remove(0) {
        Decision::Record(plan) => *plan,
        Decision::Skip(reason) => panic!("{reason}"),
    }
}

/// A call's fragment, counted from 0.
pub fn number(call: &SynthCall, place: usize) -> FragmentNumber {
    call.fragments().nth(place).unwrap().number.parse().unwrap()
}

/// The records of an event.
pub fn records(event: &Value) -> Vec<BatchRecord> {
    read_event_value(event).unwrap().1
}

/// The samples of a WAV file.
pub fn samples(file: &Path) -> Vec<i16> {
    let reader = hound::WavReader::open(file).unwrap();
    reader.into_samples().map(Result::unwrap).collect()
}
