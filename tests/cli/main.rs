//! The command line as a person meets it: the built binary over folders of its own. Good
//! calls here; bad input in `bad_input`, what is in the way of writing in `output`, media
//! alone in `media`, and what others did to it in `odd_media`.

mod archive;
mod bad_input;
mod builds;
mod desk;
mod first_steps;
mod forget;
mod index;
mod json_documents;
mod media;
mod message;
mod odd_media;
mod output;
mod side_by_side;
mod verify;
mod voicemail;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callreel::media::fragment::Direction;
use callreel::synth::SynthCall;
use desk::{Desk, Ran};
use serde_json::{Value, json};

/// A Kinesis event with these data, numbered from 1.
fn event(data: &[Vec<u8>]) -> Value {
    let record = |(number, data): (usize, &Vec<u8>)| json!({"kinesis": {"sequenceNumber": number.to_string(), "data": STANDARD.encode(data)}});
    json!({"Records": (1..).zip(data).map(record).collect::<Vec<_>>()})
}

/// The contact of the calls that `callreel synth` makes.
const CONTACT: &str = "e41d7b90-2c58-4f63-a1d9-7b0c35f8e624";

fn call(millis: u64) -> SynthCall {
    SynthCall {
        millis,
        contact: CONTACT.into(),
        ..SynthCall::default()
    }
}

/// A call of another contact, so that both can be recorded into one folder.
fn other_call(millis: u64, contact: &str) -> SynthCall {
    SynthCall {
        contact: contact.into(),
        seed: 7,
        ..call(millis)
    }
}

fn samples(path: &Path, channels: u16) -> Vec<i16> {
    let mut wav = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let spec = hound::WavSpec {
        channels,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    assert_eq!(wav.spec(), spec, "{path:?}");
    wav.samples().map(|sample| sample.unwrap()).collect()
}

/// The folder holds this call: `…from.wav` and `…to.wav` sample for sample, and both as
/// `…mixed.wav`, left from, right to.
#[track_caller]
fn check_audio(stem: &Path, call: &SynthCall) {
    let path = |name: &str| PathBuf::from(format!("{}_{name}.wav", stem.display()));
    let [from, to] = Direction::BOTH.map(|direction| call.expected(direction));
    assert!(samples(&path("from"), 1) == from, "from: {call:?}");
    if call.one_way {
        assert!(!path("to").exists() && !path("mixed").exists(), "{call:?}");
        return;
    }
    assert!(samples(&path("to"), 1) == to, "to: {call:?}");
    let both: Vec<_> = from.iter().zip(&to).flat_map(|(l, r)| [*l, *r]).collect();
    assert!(samples(&path("mixed"), 2) == both, "mixed: {call:?}");
}

/// Where `record` puts a call, up to `_from.wav`.
fn recorded_stem(out: &Path, call: &SynthCall) -> PathBuf {
    let name = format!("{}_{}", call.contact, call.span().start_fragment);
    out.join("recordings/2025/10/09").join(name)
}

/// `synth` with these flags makes this call, and `record` gets it back.
#[track_caller]
fn check_call(flags: &str, call: SynthCall, outcome: &str) {
    let desk = Desk::new();
    let seconds = call.millis as f64 / 1_000.0;
    let made = desk
        .run(&format!("synth --seconds {seconds} {flags}"))
        .done();
    assert!(
        made.out
            .ends_with("Next: callreel record demo/event.json --out demo/out\n"),
        "{}",
        made.out
    );
    let recorded = desk.run("record demo/event.json").done();
    let rows = recorded.rows();
    let files = match call.one_way {
        true => "from",
        false => "from to mixed",
    };
    assert_eq!(rows.len(), 1, "{}", recorded.out);
    assert_eq!(rows[0][0], call.contact);
    assert_eq!(rows[0][2..], [outcome, "0:00:09.0", files], "{flags}");
    let paths = recorded.paths();
    let count = files.split(' ').count() + 1;
    assert_eq!(paths.len(), count, "{}", recorded.out);
    for path in paths {
        assert!(
            desk.join(&path).is_file(),
            "{path:?} is printed, and not there"
        );
    }
    check_audio(&recorded_stem(&desk.join("out"), &call), &call);
}

#[test]
fn what_synth_makes_record_gets_back() {
    let call = || call(9_000);
    check_call("", call(), "complete");
    check_call(
        "--reuse --untagged-tail",
        SynthCall {
            reuse: true,
            untagged_tail: true,
            ..call()
        },
        "complete",
    );
    check_call(
        "--hold-at 2..4.5,6..6.2 --swap-tracks",
        SynthCall {
            holds: vec![2_000..4_500, 6_000..6_200],
            swap_tracks: true,
            ..call()
        },
        "complete",
    );
    check_call(
        "--rotate-at 5 --rounding --short-blocks",
        SynthCall {
            rotate_at_millis: Some(5_000),
            rounding: true,
            short_blocks: true,
            ..call()
        },
        "complete",
    );
    check_call(
        "--late-to 3.25 --no-epoch",
        SynthCall {
            late_to_millis: 3_250,
            no_epoch: true,
            ..call()
        },
        "complete",
    );
    check_call(
        "--one-way --no-epoch --rotate-at 4",
        SynthCall {
            one_way: true,
            no_epoch: true,
            rotate_at_millis: Some(4_000),
            ..call()
        },
        "partial",
    );
    check_call(
        "--lose 2 --lose 5 --reuse",
        SynthCall {
            lose: vec![2, 5],
            reuse: true,
            ..call()
        },
        "partial",
    );
    // What was never listed is told from a hold by the numbers beside it.
    check_call(
        "--missing 3 --contact a-contact --seed 5",
        SynthCall {
            missing: vec![3],
            contact: "a-contact".into(),
            seed: 5,
            ..call()
        },
        "partial",
    );
    check_call(
        "--reuse --untagged-tail --hold-at 1..3 --lose 4 --rotate-at 5 --rounding --swap-tracks --late-to 1",
        SynthCall {
            reuse: true,
            untagged_tail: true,
            holds: std::iter::once(1_000..3_000).collect(),
            lose: vec![4],
            rotate_at_millis: Some(5_000),
            rounding: true,
            swap_tracks: true,
            late_to_millis: 1_000,
            ..call()
        },
        "partial",
    );
}

#[test]
fn a_recording_that_is_there_is_found_and_left_alone() {
    let desk = Desk::new();
    desk.run("synth --seconds 3 --lose 1").done();
    desk.run("record demo/event.json").done();
    let before = desk.files("out");
    assert_eq!(
        before.len(),
        7,
        "three WAVs, their waveform, verdict, contacts.json and the file whose lock is the turn"
    );
    // The media is not asked for either.
    fs::remove_dir_all(desk.join("demo/streams")).unwrap();
    let again = desk.run("record demo/event.json").done();
    assert_eq!(
        again.rows()[0][2..],
        ["partial (found)", "0:00:03.0", "from to mixed"]
    );
    assert!(
        again.out.contains(
            "  partial: 1 of 3 fragments did not come: 1.1 s from second 1.1 on (the first: FRAGMENT_NOT_FOUND (3000))\n"
        ),
        "{}",
        again.out
    );
    assert!(desk.files("out") == before);
    let json = desk.run("record demo/event.json --json").done().json();
    let recording = &json["records"][0]["recordings"][0];
    assert_eq!(recording["found"], true);
    assert_eq!(recording["attributes"], "unchanged");
    // A file that went its way is not told to be there.
    let gone = again.paths().remove(1);
    fs::remove_file(desk.join(&gone)).unwrap();
    let again = desk.run("record demo/event.json").done();
    let note = format!(
        "{}  (gone; restore it, or record it again into another --out)\n",
        gone.display()
    );
    assert!(again.out.contains(&note), "{}", again.out);
}

#[test]
fn json_holds_what_a_program_needs() {
    let desk = Desk::new();
    let call = call(3_000);
    let made = desk.run("synth --seconds 3 --json").done().json();
    let media = made["stream"].as_str().unwrap();
    assert_eq!(
        fs::read(desk.join(media)).unwrap().len(),
        made["bytes"].as_u64().unwrap() as usize
    );
    assert!(desk.join(made["event"].as_str().unwrap()).is_file());
    assert_eq!(made["contact"], call.contact);

    let recorded = desk
        .run("--json record demo/event.json --out o")
        .done()
        .json();
    assert_eq!(recorded["batchItemFailures"], json!([]));
    let recording = &recorded["records"][0]["recordings"][0];
    assert_eq!(recording["outcome"], "complete");
    assert_eq!(recording["contact"], call.contact);
    assert_eq!(recording["recording"], call.span().start_fragment);
    assert_eq!(recording["found"], false);
    assert_eq!(recording["attributes"], "written");
    assert_eq!(recording["error"], Value::Null);
    let folder = desk.join(recorded["out"].as_str().unwrap());
    let verdict: Value = serde_json::from_slice(
        &fs::read(folder.join(recording["verdict_key"].as_str().unwrap())).unwrap(),
    )
    .unwrap();
    assert_eq!(recording["verdict"], verdict);
    assert_eq!(verdict["span"]["samples"], 24_000);
    let contacts: Value =
        serde_json::from_slice(&fs::read(folder.join("contacts.json")).unwrap()).unwrap();
    let attributes = ["audioFromCustomer", "audioToCustomer", "audioMixed"];
    let files = verdict["files"].as_array().unwrap();
    assert_eq!(files.len(), 3);
    for (file, attribute) in files.iter().zip(attributes) {
        let path = folder.join(file["key"].as_str().unwrap());
        assert_eq!(
            path.metadata().unwrap().len(),
            file["bytes"].as_u64().unwrap()
        );
        assert_eq!(contacts[&call.contact][attribute], file["url"]);
        let url = file["url"].as_str().unwrap();
        assert!(
            url.starts_with("file:///") && url.ends_with(file["key"].as_str().unwrap()),
            "{url}"
        );
    }

    let extracted = desk
        .run(&format!("extract {media} --json --out e"))
        .done()
        .json();
    let contact = &extracted["contacts"][0];
    assert_eq!(contact["contact"], call.contact);
    assert_eq!(contact["status"], "complete");
    assert_eq!(contact["verdict"]["fragments"]["own"], 3);
    assert!(
        desk.join("e")
            .join(contact["verdict_key"].as_str().unwrap())
            .is_file()
    );
    assert_eq!(extracted["unread_files"], json!([]));
    assert_eq!(extracted["unowned_fragments"], 0);
}

#[test]
fn what_is_skipped_says_why_and_is_no_error() {
    let desk = Desk::new();
    let good = desk.add_stream(&call(2_000), "good");
    let with = |field: &str, value: Value| {
        let mut record = good.clone();
        record[field] = value;
        record
    };
    let agent_event = json!({"AgentARN": "arn", "EventType": "LOGIN"});
    let mut url = good.clone();
    url["Attributes"]["audioMixed"] = json!("https://elsewhere.example/mine.wav");
    let records = [
        (with("Channel", json!("CHAT")), "channel CHAT, not VOICE"),
        (with("Attributes", json!({})), "recordingAuth not set"),
        (
            with("Recordings", Value::Null),
            "no recording in a Kinesis video stream",
        ),
        (agent_event, "no contact record: an agent event"),
        (json!([1]), "no contact record: JSON, but no object"),
        (
            url,
            "audioMixed holds a value that Callreel did not write (URLs of ours start with file:///",
        ),
    ];
    // The newest record of one contact alone would decide.
    let own_contact = |(at, (record, _)): (usize, &(Value, &str))| {
        let mut record = record.clone();
        if record.get("ContactId").is_some() {
            record["ContactId"] = json!(format!("contact-{at}"));
        }
        record.to_string().into_bytes()
    };
    let data: Vec<_> = records.iter().enumerate().map(own_contact).collect();
    desk.write_event(&data);
    let ran = desk.run("record event.json").done();
    for (row, (_, reason)) in ran.rows().iter().zip(&records) {
        assert_eq!(row[2..4], ["skipped", "-"], "{}", ran.out);
        assert!(row[4].starts_with(reason), "{}", ran.out);
    }
    assert_eq!(ran.rows().len(), records.len());
    assert!(!desk.join("out").exists(), "nothing is written for nothing");
    let json = desk.run("record event.json --json").done().json();
    for (record, (_, reason)) in json["records"].as_array().unwrap().iter().zip(&records) {
        assert_eq!(record["recordings"][0]["outcome"], "skipped");
        let told = record["recordings"][0]["reason"].as_str().unwrap();
        assert!(told.starts_with(reason), "{told}");
    }
    desk.write_event(&[]);
    let ran = desk.run("record event.json").done();
    assert_eq!(ran.out, "event.json: no records, nothing to do\n");
}

#[test]
fn streams_are_looked_for_where_they_are_said_to_be() {
    let desk = Desk::new();
    desk.run("synth --seconds 2 --out made").done();
    fs::rename(desk.join("made/streams"), desk.join("kept")).unwrap();
    desk.run("record made/event.json").check(
        1,
        &[&[
            "tests/data/streams/demo-connect-contact-6f1c: no such folder",
            "--streams",
        ]],
    );
    let ran = desk
        .run("record made/event.json --streams kept --key-prefix calls-")
        .done();
    assert_eq!(ran.rows()[0][2], "complete");
    assert!(desk.join("out/calls-2025/10/09").is_dir());
}

#[test]
fn help_says_what_a_newcomer_needs() {
    let desk = Desk::new();
    for (line, words) in [
        (
            "--help",
            &[
                "Usage: callreel",
                "record",
                "extract",
                "inspect",
                "synth",
                "Start here:",
                "Exit codes: 0",
            ][..],
        ),
        (
            "record --help",
            &[
                "<EVENT>",
                "--streams <DIR>",
                "--out <DIR>",
                "[default: out]",
                "--json",
                "contacts.json",
                "Try it:",
            ],
        ),
        (
            "extract --help",
            &[
                "<FILES>...",
                "--contact <ID>",
                "--out <DIR>",
                "verdict",
                "Try it:",
            ],
        ),
        ("inspect --help", &["<FILES>...", "--json", "Try it:"]),
        (
            "synth --help",
            &[
                "--seconds <S>",
                "--hold-at <S..S>",
                "--out <DIR>",
                "DIR/event.json",
                "Try it:",
            ],
        ),
    ] {
        let ran = desk.run(line).done();
        for word in words {
            assert!(ran.out.contains(word), "{line} lacks {word}:\n{}", ran.out);
        }
        assert!(
            ran.out.lines().all(|line| line.chars().count() <= 100),
            "{}",
            ran.out
        );
    }
}

#[test]
fn wrong_usage_is_told_with_exit_code_2() {
    let desk = Desk::new();
    for (line, word) in [
        ("record", "<EVENT>"),
        ("extract", "<FILES>"),
        ("inspect", "<FILES>"),
        ("replay", "'replay'"),
        ("record event.json --speed 2", "'--speed'"),
        (
            "record event.json --key-prefix ../elsewhere/",
            "a path below --out",
        ),
        (
            "record event.json --key-prefix /elsewhere/",
            "a path below --out",
        ),
        ("synth --seconds 0", "--seconds"),
        ("synth --stream ../s", "--stream"),
    ] {
        let ran = desk.run(line);
        assert_eq!(ran.code, Some(2), "{line}: {}", ran.err);
        let errors: Vec<_> = ran
            .err
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 1, "{}", ran.err);
        assert!(ran.err.contains(word), "{line}: {}", ran.err);
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
    assert_eq!(
        desk.run("").code,
        Some(2),
        "help, where there is no command"
    );
    assert!(desk.names("").is_empty());
}
