//! Every event of `events/`, through the same function that Lambda runs, over folders: what
//! is decided of each record, which files and attributes come out, what goes back and what
//! is parked; and through the built `callreel record`. The files are made by
//! `examples::make`: `UPDATE_EVENTS=1 cargo test --test house events` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use crate::examples::make::{DOMAIN, Made, make};
use crate::examples::table::{OTHERS, ROWS, Row, UNREADABLE};
use callreel::batches::{Batch, Function};
use callreel::connect::contact_event::ContactEvent;
use callreel::connect::flow_call::FlowCall;
use callreel::event::Event;
use callreel::event::batch::{BatchRecord, Origin};
use callreel::failure::Failure;
use callreel::failure::parked::Parked;
use callreel::local::{LocalContacts, LocalRecordings, LocalStreams};
use callreel::port::{NoDeadline, ParkingLot};
use callreel::recorder::{Reading, Recorder, Worked};
use callreel::recording::plan::Policy;
use callreel::side_by_side::SideBySide;
use futures_executor::block_on;
use serde_json::{Value, json};

static MADE: LazyLock<Made> = LazyLock::new(make);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Keeps what is parked.
#[derive(Default)]
struct Lot(Mutex<Vec<Parked>>);

impl ParkingLot for Lot {
    async fn park(&self, parked: &Parked) -> Result<bool, Failure> {
        self.0.lock().unwrap().push(parked.clone());
        Ok(true)
    }
}

type Local = Function<LocalStreams, LocalRecordings, LocalContacts, Lot>;

fn function(out: &Path) -> Local {
    Function {
        recorder: Recorder {
            source: LocalStreams::new(root().join("tests/data/streams")),
            store: LocalRecordings::new(out),
            attributes: LocalContacts::new(out.join("contacts.json")),
            policy: Policy::new("recordings/", format!("https://{DOMAIN}/")),
            reading: Reading::default(),
        },
        parking: Lot::default(),
        side_by_side: SideBySide {
            calls: 4,
            memory: 60 << 20,
        },
        most_memory: 56 << 20,
    }
}

fn event_path(file: &str) -> PathBuf {
    root().join("events").join(file)
}

fn event(file: &str) -> Value {
    serde_json::from_slice(&fs::read(event_path(file)).unwrap()).unwrap()
}

/// A part in the words of the table.
fn told(part: &Worked) -> String {
    match part {
        Worked::Undecodable(cause) => format!("{UNREADABLE}{cause}"),
        Worked::NotAContactRecord(error) => error.to_string(),
        Worked::NotOpened { failure, .. } => format!("not opened: {}", failure.kind.name()),
        Worked::Skipped { reason, .. } => format!("skipped: {reason}"),
        Worked::Failed(_, failure) => format!("failed: {}", failure.kind.name()),
        Worked::Recorded(_, recorded) => {
            let found = if recorded.found { " (found)" } else { "" };
            let (status, noted) = (recorded.verdict.status.name(), recorded.attributes.name());
            format!("{status}{found}, {noted}")
        }
    }
}

fn check_records(row: &Row, batch: &Batch) {
    assert_eq!(batch.origin, row.origin, "{}", row.file);
    assert_eq!(batch.records.len(), row.records.len(), "{}", row.file);
    for (handled, expected) in batch.records.iter().zip(row.records) {
        let parts: Vec<_> = handled.worked.parts.iter().map(told).collect();
        let parts = parts.join("; ");
        assert!(
            parts.starts_with(expected),
            "{}: {parts}, not {expected}",
            row.file
        );
    }
}

/// The ids that Lambda knows the records by.
fn ids(row: &Row, positions: &[usize]) -> Vec<String> {
    let event = event(row.file);
    let id = |position: &usize| {
        let record = &event["Records"][*position];
        let id = match row.origin {
            Origin::Kinesis => &record["kinesis"]["sequenceNumber"],
            Origin::Sqs => &record["messageId"],
        };
        id.as_str().unwrap().to_owned()
    };
    positions.iter().map(id).collect()
}

/// Every file below a folder, by its path there.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().to_string_lossy();
                    files.insert(name.replace('\\', "/"), fs::read(&path).unwrap());
                }
            }
        }
    }
    files
}

fn samples(wav: &[u8]) -> Vec<i16> {
    let reader = hound::WavReader::new(wav).unwrap();
    reader.into_samples().map(Result::unwrap).collect()
}

/// The files that must be there, are, hold the calls sample for sample, and are all.
fn check_files(row: &Row, out: &Path) {
    let files = files(out);
    let mut expected = BTreeSet::new();
    if !row.attributes.is_empty() {
        expected.insert("contacts.json".to_owned());
    }
    for (name, sides) in row.recordings {
        let recording = &MADE.recordings[name];
        let stem = recording.stem();
        expected.insert(format!("{stem}_verdict.json"));
        if !sides.is_empty() {
            expected.insert(format!("{stem}_peaks.dat"));
        }
        for side in sides.split_whitespace() {
            let both = || recording.from.iter().zip(&recording.to);
            let audio = match side {
                "from" => recording.from.clone(),
                "to" => recording.to.clone(),
                _ => both().flat_map(|(from, to)| [*from, *to]).collect(),
            };
            let key = format!("{stem}_{side}.wav");
            let held = samples(
                files
                    .get(&key)
                    .unwrap_or_else(|| panic!("{}: no {key}", row.file)),
            );
            assert!(audio.iter().any(|sample| *sample != 0), "{name} is heard");
            assert!(
                held == audio,
                "{}: {name} {side}: {}, not {}",
                row.file,
                held.len(),
                audio.len()
            );
            expected.insert(key);
        }
    }
    // Besides the file whose lock is the turn of runs at the same time.
    let there = files.keys().filter(|key| *key != ".callreel.lock");
    let there: BTreeSet<_> = there.cloned().collect();
    assert_eq!(there, expected, "{}", row.file);
}

/// What each contact's attributes must hold.
fn expected_attributes(row: &Row) -> Value {
    let mut contacts = json!({});
    for (holder, names) in row.attributes {
        let sides = row.recordings.iter().find(|(name, _)| name == holder);
        for side in sides.unwrap().1.split_whitespace() {
            let attribute = match side {
                "from" => "audioFromCustomer",
                "to" => "audioToCustomer",
                _ => "audioMixed",
            };
            let url = |name: &&str| {
                format!(
                    "https://{DOMAIN}/{}_{side}.wav",
                    MADE.recordings[*name].stem()
                )
            };
            let urls: Vec<_> = names.iter().map(url).collect();
            contacts[&MADE.recordings[holder].contact][attribute] = json!(urls.join(", "));
        }
    }
    contacts
}

fn attributes(out: &Path) -> Value {
    let contacts = fs::read(out.join("contacts.json")).unwrap_or_else(|_| b"{}".to_vec());
    serde_json::from_slice(&contacts).unwrap()
}

fn check_event(row: &Row) {
    let out = tempfile::tempdir().unwrap();
    let function = function(out.path());
    let quiet = |_: &BatchRecord, _: &Worked| ();
    let handle = || block_on(function.handle(&event(row.file), &NoDeadline, quiet)).unwrap();
    let batch = handle();
    check_records(row, &batch);
    assert_eq!(batch.failures(), ids(row, row.handed_back), "{}", row.file);
    let parked = function.parking.0.lock().unwrap().clone();
    let expected: Vec<_> = (row.parked.iter())
        .map(|position| batch.records[*position].record.bytes().to_vec())
        .collect();
    let data: Vec<_> = parked.into_iter().map(|parked| parked.data).collect();
    assert_eq!(data, expected, "{}: parked", row.file);
    check_files(row, out.path());
    assert_eq!(
        attributes(out.path()),
        expected_attributes(row),
        "{}",
        row.file
    );
    // Delivered again, it changes nothing.
    let before = files(out.path());
    let again = handle();
    assert_eq!(again.failures(), batch.failures(), "{}", row.file);
    assert!(files(out.path()) == before, "{}: delivered twice", row.file);
}

#[test]
fn every_event_comes_out_as_the_table_says() {
    ROWS.iter().for_each(check_event);
}

/// The same through the built binary, from the repository's folder as a reader of
/// `events/README.md` would.
fn check_command(row: &Row) {
    let out = tempfile::tempdir().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_callreel"))
        .current_dir(root())
        .args(["record", "--json", "--cloudfront-domain", DOMAIN, "--out"])
        .arg(out.path())
        .arg(Path::new("events").join(row.file))
        .output()
        .unwrap();
    let errors = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(errors.lines().count(), row.errors, "{}: {errors}", row.file);
    assert_eq!(
        ran.status.code(),
        Some(i32::from(row.errors > 0)),
        "{}",
        row.file
    );
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let back: Vec<_> = (told["batchItemFailures"].as_array().unwrap().iter())
        .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(back, ids(row, row.handed_back), "{}", row.file);
    check_files(row, out.path());
    assert_eq!(
        attributes(out.path()),
        expected_attributes(row),
        "{}",
        row.file
    );
}

#[test]
fn callreel_record_does_the_same() {
    ROWS.iter().for_each(check_command);
}

#[test]
fn errors_of_a_queue_speak_of_messages() {
    let out = tempfile::tempdir().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_callreel"))
        .current_dir(root())
        .args(["record", "events/sqs-retry.json", "--out"])
        .arg(out.path())
        .output()
        .unwrap();
    let errors = String::from_utf8(ran.stderr).unwrap();
    let id = &ids(ROWS.last().unwrap(), &[3])[0];
    assert!(
        errors.contains(&format!("error: message {id}: not a parked record")),
        "{errors}"
    );
    assert!(
        errors.contains("it goes back to the queue; look what it is"),
        "{errors}"
    );
    assert!(!errors.contains("data stream"), "{errors}");
}

/// The event file itself, as PowerShell and editors write it.
#[test]
fn an_event_with_a_mark_or_in_utf16_is_read() {
    let text = fs::read_to_string(event_path("one-call.json")).unwrap();
    let utf_16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(unit).collect()
    };
    for (name, event) in [
        ("mark", format!("\u{feff}{text}").into_bytes()),
        ("little endian", utf_16(u16::to_le_bytes)),
        ("big endian", utf_16(u16::to_be_bytes)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("event.json");
        fs::write(&file, event).unwrap();
        let ran = Command::new(env!("CARGO_BIN_EXE_callreel"))
            .current_dir(root())
            .args(["record", "--streams", "tests/data/streams", "--out"])
            .arg(folder.path().join("out"))
            .arg(&file)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stdout);
        assert!(
            ran.status.success() && told.contains("complete"),
            "{name}: {told}"
        );
    }
}

/// Without a domain, URLs are the folder's own, and those of another place are not ours.
#[test]
fn urls_of_another_domain_are_left_alone() {
    let out = tempfile::tempdir().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_callreel"))
        .current_dir(root())
        .args(["record", "events/transferred-leg.json", "--out"])
        .arg(out.path())
        .output()
        .unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    assert!(
        told.contains("holds a value that Callreel did not write"),
        "{told}"
    );
    let url = &attributes(out.path())[&MADE.recordings["leg 1"].contact]["audioMixed"];
    assert!(url.as_str().unwrap().starts_with("file:///"), "{url}");
}

#[test]
fn every_event_is_in_the_table_and_in_the_readme() {
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(root().join("events")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if name != "README.md" {
            there.insert(name);
        }
    }
    let batches = ROWS.iter().map(|row| row.file);
    let others = OTHERS.iter().map(|(file, _)| *file);
    let table: BTreeSet<_> = batches.chain(others).map(str::to_owned).collect();
    for file in there.union(&table) {
        assert!(
            table.contains(file),
            "events/{file} is in no row of tests/common/examples/table.rs: add what must come out of it"
        );
        assert!(
            there.contains(file),
            "tests/common/examples/table.rs has a row of {file}, which is not in events/: UPDATE_EVENTS=1 makes it, if \
             tests/common/examples/make.rs does"
        );
    }
    let readme = fs::read_to_string(root().join("events/README.md")).unwrap();
    for file in &there {
        let row = format!("| [`{file}`]({file}) |");
        assert!(readme.contains(&row), "events/README.md has no row {row}");
    }
}

/// What Lambda hands over is told by its kind, batches and others.
#[test]
fn every_event_is_read_as_what_it_is() {
    let read = |file| callreel::event::read(&fs::read(event_path(file)).unwrap());
    for row in ROWS {
        let is_batch =
            matches!(read(row.file), Ok(Event::Records(origin, _)) if origin == row.origin);
        assert!(is_batch, "{}", row.file);
    }
    for (file, expected) in OTHERS {
        let told = match read(file).unwrap() {
            Event::FlowCall(data) => match FlowCall::read(&data).unwrap().streamed {
                Some(_) => "a flow's call, streaming".to_owned(),
                None => "a flow's call, no stream".to_owned(),
            },
            Event::ContactEvent(notice) => {
                let event = ContactEvent::read(&notice).unwrap();
                let over = if event.happened.is_over() {
                    "over"
                } else {
                    "goes on"
                };
                format!("{}, {over}", event.channel.unwrap_or_default())
            }
            other => format!("{other:?}"),
        };
        assert_eq!(told, *expected, "{file}");
    }
}

#[test]
fn every_stream_is_one_that_an_event_needs() {
    let streams = root().join("tests/data/streams");
    let there: BTreeSet<_> = files(&streams).into_keys().collect();
    let made: BTreeSet<_> = MADE.streams.keys().cloned().collect();
    assert_eq!(there, made);
}

/// The events as they are made, in the form that they are kept in.
fn texts() -> BTreeMap<PathBuf, Vec<u8>> {
    let events = MADE
        .events
        .iter()
        .map(|(file, event)| (event_path(file), format!("{event:#}\n").into_bytes()));
    let streams = MADE
        .streams
        .iter()
        .map(|(path, media)| (root().join("tests/data/streams").join(path), media.clone()));
    events.chain(streams).collect()
}

#[test]
fn the_files_are_as_they_are_made() {
    let update = std::env::var_os("UPDATE_EVENTS").is_some();
    for (path, made) in texts() {
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &made).unwrap();
        }
        assert!(
            fs::read(&path).unwrap_or_default() == made,
            "{} is not as tests/common/examples/make.rs makes it: UPDATE_EVENTS=1 cargo test --test house events",
            path.display()
        );
    }
}

/// The envelope of each record has the fields of Lambda's Kinesis and SQS events, and says
/// nothing that contradicts itself.
#[test]
fn events_have_the_shape_that_lambda_gives_them() {
    for row in ROWS {
        let event = event(row.file);
        let mut numbers = BTreeSet::new();
        for record in event["Records"].as_array().unwrap() {
            let fields: Vec<_> = record
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let (source, shape): (_, &[&str]) = match row.origin {
                Origin::Kinesis => ("aws:kinesis", KINESIS_FIELDS),
                Origin::Sqs => ("aws:sqs", SQS_FIELDS),
            };
            assert_eq!(record["eventSource"], source, "{}", row.file);
            assert_eq!(fields, shape, "{}", row.file);
            let number = match row.origin {
                Origin::Kinesis => check_kinesis_record(record),
                Origin::Sqs => record["messageId"].as_str().unwrap().to_owned(),
            };
            assert!(numbers.insert(number), "{}: an id twice", row.file);
        }
    }
}

const KINESIS_FIELDS: &[&str] = &[
    "awsRegion",
    "eventID",
    "eventName",
    "eventSource",
    "eventSourceARN",
    "eventVersion",
    "invokeIdentityArn",
    "kinesis",
];
const SQS_FIELDS: &[&str] = &[
    "attributes",
    "awsRegion",
    "body",
    "eventSource",
    "eventSourceARN",
    "md5OfBody",
    "messageAttributes",
    "messageId",
    "receiptHandle",
];

fn check_kinesis_record(record: &Value) -> String {
    let kinesis = &record["kinesis"];
    let number = kinesis["sequenceNumber"].as_str().unwrap();
    assert!(
        number.len() == 56 && number.bytes().all(|byte| byte.is_ascii_digit()),
        "{number}"
    );
    assert_eq!(record["eventID"], format!("shardId-000000000000:{number}"));
    assert_eq!(kinesis["kinesisSchemaVersion"], "1.0");
    assert!(kinesis["partitionKey"].is_string());
    assert!(kinesis["approximateArrivalTimestamp"].is_f64());
    number.to_owned()
}
