//! Voicemail's built functions: `recorder` captures, `voicemail` has it transcribed and delivers,
//! the sandbox stands in for AWS and carries the events. The statements that the system was
//! specified by are tests here, or rows of one.

mod kills;
mod steps;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use super::*;

const INSTANCE: &str = "3b6f0d92-8c47-4f15-a2de-90b1c7e54f68";
const RECORDINGS: &str = "recordings";
const TRANSCRIPTS: &str = "transcripts";
const MINUTE: i64 = 60_000;

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_millis() as i64
}

/// A message that was left some minutes ago.
fn message(contact: &str, millis: u64) -> SynthCall {
    SynthCall {
        contact: contact.into(),
        millis,
        one_way: true,
        start_epoch_millis: now() - 20 * MINUTE - millis as i64,
        ..SynthCall::default()
    }
}

fn queue_arn() -> String {
    format!("arn:aws:connect:us-east-1:111122223333:instance/{INSTANCE}/queue/q-1")
}

/// The record of a contact that a flow flagged, with these attributes beside.
fn record(call: &SynthCall, stream: &str, attributes: &[(&str, &str)]) -> Value {
    let mut record = call.contact_record(stream);
    record["Agent"] = json!(null);
    record["Queue"] = json!(null);
    record["Attributes"] = json!({
        "vmx3_flag": "1", "vmx3_from": "+12065550142", "vmx3_lang": "en-US",
        "vmx3_queue_arn": queue_arn(),
    });
    for (name, value) in attributes {
        record["Attributes"][*name] = json!(value);
    }
    record
}

/// Where the recording of a message lies: dated by its start.
fn recording_key(call: &SynthCall) -> String {
    let record = call.contact_record("s");
    let began = record["Recordings"][0]["StartTimestamp"].as_str().unwrap();
    format!("{}/{}.wav", began[..10].replace('-', "/"), call.contact)
}

/// The sandbox with its folders.
struct Chain {
    world: tempfile::TempDir,
}

impl Chain {
    fn new(calls: &[(&str, &SynthCall)]) -> Self {
        let world = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(world.path().join("streams")).unwrap();
        for (name, call) in calls {
            put_stream(world.path().join("streams").join(name), call);
        }
        Self { world }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.world.path().join("data").join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.data(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Whoever watches the folder sees it whole.
        let beside = path.with_extension("new");
        std::fs::write(&beside, bytes).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    fn json(&self, name: &str) -> Value {
        let bytes = std::fs::read(self.data(name)).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The files of a folder, by name.
    fn files(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.data(folder)).into_iter().flatten();
        let files = entries.map(|entry| entry.unwrap());
        let files = files.filter(|entry| entry.path().is_file());
        let mut names: Vec<_> = files
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Waits until something holds.
    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let started = std::time::Instant::now();
        while !holds(self) {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{what}: {}",
                std::fs::read_to_string(self.data("functions.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// `callreel sandbox --pump`, until it is dropped; somebody reads what it says, or it ends.
struct PumpingCommand(
    Child,
    #[expect(dead_code, reason = "it is held")] BufReader<ChildStdout>,
);

impl PumpingCommand {
    fn start(chain: &Chain, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_callreel"))
            .args([
                "sandbox",
                "--streams",
                "streams",
                "--data",
                "data",
                "--pump",
            ])
            .args(more)
            .current_dir(chain.world.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on http://127.0.0.1:"), "{line}");
        Self(child, out)
    }
}

impl Drop for PumpingCommand {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// From flagged contacts to a task, a guided task and a mail, unattended: the whole chain over
/// the built functions. The transferred one has its attributes at its first leg.
#[test]
fn the_command_carries_flagged_contacts_to_their_deliveries() {
    let calls: Vec<_> = ["c-task", "c-guided", "c-mail"]
        .map(|contact| message(contact, 3_000))
        .into();
    let streams: Vec<_> = calls.iter().map(|call| (&*call.contact, call)).collect();
    let chain = Chain::new(&streams);
    let _command = PumpingCommand::start(&chain, &[]);
    chain.write("speech/default.txt", "Please <call> me back & soon");
    for (call, mode) in calls.iter().zip(["task", "guided_task", "email"]) {
        let mut record = record(call, &call.contact, &[("vmx3_mode", mode)]);
        if mode == "task" {
            record["InitialContactId"] = json!("c-first");
            record["PreviousContactId"] = json!("c-first");
        }
        let name = format!("contact-records/{}.json", call.contact);
        chain.write(&name, record.to_string());
    }
    // Who is not flagged is left alone.
    let mut other = record(&calls[0], "c-task", &[("vmx3_flag", "0")]);
    other["ContactId"] = json!("c-other");
    chain.write("contact-records/c-other.json", other.to_string());
    let flag = |chain: &Chain, contact: &str| {
        let contacts = std::fs::read(chain.data("contacts.json")).unwrap_or_default();
        let contacts: Value = serde_json::from_slice(&contacts).unwrap_or_default();
        contacts[contact]["vmx3_flag"].clone()
    };
    chain.until("all are delivered", |chain| {
        ["c-first", "c-guided", "c-mail"]
            .iter()
            .all(|contact| flag(chain, contact) == "0")
            && chain.files("transcription-jobs").is_empty()
            && ["c-task", "c-guided", "c-mail"].iter().all(|contact| {
                let marker = format!("buckets/{RECORDINGS}/delivered/{contact}.json");
                let marker = std::fs::read(chain.data(&marker)).unwrap_or_default();
                let marker: Value = serde_json::from_slice(&marker).unwrap_or_default();
                marker["state"] == "delivered"
            })
    });
    let tasks = chain.files("tasks");
    assert_eq!(tasks.len(), 2, "{tasks:?}");
    for (name, contact, flow) in [
        (&tasks[0], "c-task", "task-flow"),
        (&tasks[1], "c-guided", "guided-task-flow"),
    ] {
        let task = match name.ends_with(&format!("{contact}.json")) {
            true => chain.json(&format!("tasks/{name}")),
            false => {
                let other = tasks
                    .iter()
                    .find(|it| it.ends_with(&format!("{contact}.json")));
                chain.json(&format!("tasks/{}", other.unwrap()))
            }
        };
        let request = &task["Request"];
        assert_eq!(request["ClientToken"], contact);
        assert_eq!(request["PreviousContactId"], contact);
        assert_eq!(request["ContactFlowId"], flow);
        assert_eq!(request["InstanceId"], INSTANCE);
        assert_eq!(
            request["Attributes"]["vmx3_transcript"],
            "Please <call> me back & soon"
        );
        assert_eq!(request["Attributes"]["vmx3_flag"], "0");
        let link = &request["References"]["Playback URL"];
        assert_eq!(link.is_null(), flow == "guided-task-flow", "{request}");
    }
    let mails = chain.files("mail");
    let mails: Vec<_> = mails.iter().filter(|it| it.ends_with(".eml")).collect();
    assert_eq!(mails.len(), 1);
    for call in &calls {
        let wav = format!("buckets/{RECORDINGS}/{}", recording_key(call));
        let wav = std::fs::read(chain.data(&wav)).unwrap();
        assert!(samples(&wav) == call.expected(Direction::FromCustomer));
        let marker = format!("buckets/{RECORDINGS}/delivered/{}.json", call.contact);
        assert_eq!(chain.json(&marker)["state"], "delivered");
    }
    // Nothing is left over: no job, no flag of another contact, nothing given up.
    assert_eq!(chain.files("transcription-jobs"), Vec::<String>::new());
    assert_eq!(flag(&chain, "c-task"), Value::Null);
    for queue in ["voicemail-dead-letters", "voicemail-failed-records"] {
        assert_eq!(
            chain.files(&format!("queues/{queue}")),
            Vec::<String>::new()
        );
    }
    let recorded = chain.files(&format!("buckets/{RECORDINGS}/delivered"));
    assert_eq!(recorded.len(), 3, "{recorded:?}");
}
