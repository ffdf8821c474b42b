//! A call in a folder, and everything to record it with.

use std::path::PathBuf;

use callreel::connect::record::read_contact_records;
use callreel::failure::Failure;
use callreel::local::{LocalBody, LocalContacts, LocalRecordings, LocalStreams};
use callreel::media::fragment::FragmentNumber;
use callreel::port::{FragmentSource, Listing, Whereabouts};
use callreel::recorder::{Reading, Recorder};
use callreel::recording::decide::{Decision, decide};
use callreel::recording::plan::{Policy, RecordingPlan};
use callreel::synth::SynthCall;

/// Which fragment never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    Nothing,
    Third,
}

/// A folder of streams that lacks some.
pub struct LackingSource {
    inner: LocalStreams,
    lacking: Option<FragmentNumber>,
}

impl FragmentSource for LackingSource {
    type Body = LocalBody;

    async fn list(&self, whereabouts: Whereabouts<'_>) -> Result<Listing, Failure> {
        self.inner.list(whereabouts).await
    }

    async fn fetch(&self, stream: &str, numbers: &[FragmentNumber]) -> Result<LocalBody, Failure> {
        let mut numbers = numbers.to_vec();
        numbers.retain(|number| Some(*number) != self.lacking);
        self.inner.fetch(stream, &numbers).await
    }

    async fn kept_for(&self, stream: &str) -> Option<std::time::Duration> {
        self.inner.kept_for(stream).await
    }

    async fn wait_to_ask_again(&self, attempt: u32) -> bool {
        self.inner.wait_to_ask_again(attempt).await
    }
}

/// A folder with one call.
pub struct World {
    folder: tempfile::TempDir,
    third: FragmentNumber,
    pub call: SynthCall,
    pub plan: RecordingPlan,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let call = SynthCall {
            millis: 6_000,
            ..SynthCall::default()
        };
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
        let third = call.fragments().nth(2).unwrap().number.parse().unwrap();
        Self {
            folder,
            third,
            call,
            plan,
        }
    }

    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub fn recorder(
        &self,
        lacking: Lacking,
    ) -> Recorder<LackingSource, LocalRecordings, LocalContacts> {
        Recorder {
            source: LackingSource {
                inner: LocalStreams::new(self.folder.path().join("streams")),
                lacking: (lacking == Lacking::Third).then_some(self.third),
            },
            store: LocalRecordings::new(self.out()),
            notes: LocalContacts::new(self.folder.path().join("contacts.json")),
            policy: policy(),
            reading: Reading::default(),
        }
    }
}

fn policy() -> Policy {
    Policy {
        key_prefix: "recordings/".into(),
        url_base: "https://d.example/".into(),
        instances: Vec::new(),
    }
}
