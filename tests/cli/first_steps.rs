//! What somebody meets who follows README, --help and what the commands themselves print:
//! nothing that is printed as the next step does harm, and a slip is told as one.

use std::fs;

use serde_json::json;

use super::desk::{Desk, Ran};
use super::{CONTACT, call};

/// A path in the repository.
fn ours(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// Ended well, and warned of something that holds these words.
#[track_caller]
fn check_warned(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let lines: Vec<_> = ran.err.lines().collect();
    assert_eq!(lines.len(), 1, "{}", ran.err);
    assert!(lines[0].starts_with("warning: "), "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{word:?} is not in {}", ran.err);
    }
}

#[test]
fn the_next_step_of_synth_touches_no_other_recording() {
    let desk = Desk::new();
    desk.run(&format!("record {}", ours("events/kinesis-event.json")))
        .done();
    let before = desk.files("out");
    let made = desk.run("synth --seconds 6 --hold-at 2..3 --lose 2").done();
    let next = made.out.lines().last().unwrap();
    let next = next.strip_prefix("Next: callreel ").unwrap();
    let ran = desk.run(next).done();
    assert_eq!(ran.rows()[0][2], "partial", "made, and not found");
    assert!(desk.files("out") == before);
    // Into one folder they are two calls, too.
    let ran = desk.run("record demo/event.json").done();
    assert_eq!(ran.rows()[0][2], "partial");
    for (path, was) in &before {
        let same = fs::read(path).unwrap() == was.0;
        assert!(same || path.ends_with("contacts.json"), "{path:?}");
    }
}

#[test]
fn whole_files_are_whole_from_whatever_folder_they_are_seen() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    desk.run("record demo/event.json --out demo/out").done();
    let whole = |folder: &str| {
        let ran = desk.run(&format!("verify {folder}")).done();
        assert!(
            ran.out.ends_with("1 recording: 4 of 4 files as written\n"),
            "{}",
            ran.out
        );
    };
    // The folder itself, above it, below it, and a copy of what lies below.
    whole("demo/out");
    whole("demo");
    whole("demo/out/recordings/2025/10/09");
    fs::create_dir(desk.join("copy")).unwrap();
    for (path, (content, _)) in desk.files("demo/out/recordings") {
        fs::write(desk.join("copy").join(path.file_name().unwrap()), content).unwrap();
    }
    whole("copy");
    // What is gone is told where it was looked for, and nothing is to be deleted.
    let names = desk.files("copy");
    let gone = names
        .keys()
        .find(|path| path.ends_with(format!("{}_to.wav", stem(path))));
    fs::remove_file(gone.unwrap()).unwrap();
    let ran = desk.run("verify copy");
    let ran = ran.check(1, &[&["copy/", "_to.wav: is gone; restore it"]]);
    assert!(!ran.err.contains("remove"), "{}", ran.err);
}

fn stem(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let (stem, _) = name.rsplit_once('_').unwrap();
    stem.to_owned()
}

#[test]
fn where_no_verdict_is_nothing_was_verified() {
    let desk = Desk::new();
    desk.write("docs/page.md", "text");
    desk.run("verify docs")
        .check(1, &[&["docs: no verdict in it; give the folder"]]);
    desk.write("docs/a.wav", "RIFF");
    desk.run("verify docs").check(
        1,
        &[&["docs: no verdict in it, and 1 WAV file that no verdict names"]],
    );
    desk.run("verify docs/page.md")
        .check(1, &[&["docs/page.md: is no folder; give the folder"]]);
    let error = desk.run("verify docs --json").json();
    assert_eq!(error["schema"], "callreel.error/1");
}

#[test]
fn whoever_is_not_there_is_not_forgotten_in_silence() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    desk.run("record demo/event.json").done();
    let before = desk.files("out");
    // Shortened, and somebody else's.
    for id in [&CONTACT[..8], "somebody-else"] {
        let ran = desk.run(&format!("forget --contact {id}"));
        check_warned(
            &ran,
            &[
                id,
                "nothing of it was found; check the whole id",
                "--out out",
            ],
        );
    }
    let ran = desk.run("forget --contact nobody --yes");
    check_warned(
        &ran,
        &["nothing of it was found, and only the mark was put"],
    );
    let again = desk.run("forget --contact nobody").done();
    assert!(again.out.contains("it was deleted before"), "{}", again.out);
    fs::remove_dir_all(desk.join("out/recordings/forgotten")).unwrap();
    // No id, and no folder.
    for id in ["", " "] {
        let mut command = desk.command("forget --yes --contact");
        let ran = Ran::of(command.arg(id).output().unwrap());
        assert_eq!(ran.code, Some(2), "{}", ran.err);
    }
    desk.run(&format!("forget --contact {CONTACT} --out gone --yes"))
        .check(1, &[&["gone: no such folder; give the folder"]]);
    assert!(!desk.join("gone").exists());
    // Another prefix: the URLs are found, the files are not.
    let ran = desk.run(&format!("forget --contact {CONTACT} --key-prefix other/"));
    check_warned(
        &ran,
        &["3 URLs of contacts.json lead to another prefix than other/"],
    );
    assert!(desk.files("out") == before);
}

#[test]
fn a_leg_is_told_to_be_one() {
    let desk = Desk::new();
    let leg = callreel::synth::SynthCall {
        contact: "leg-2".into(),
        ..call(2_000)
    };
    let mut record = desk.add_stream(&leg, "demo");
    record["InitialContactId"] = json!("leg-1");
    desk.write_event(&[record.to_string().into_bytes()]);
    desk.run("record event.json").done();
    let ran = desk.run("forget --contact leg-2").done();
    let line = "  it is a leg of contact leg-1: give that one, and the whole call goes\n";
    assert!(ran.out.contains(line), "{}", ran.out);
    let json = desk.run("forget --contact leg-2 --json").done().json();
    assert_eq!(json["contacts"][0]["leg_of"], "leg-1");
    let ran = desk.run("forget --contact leg-1").done();
    assert!(ran.out.contains("with its leg leg-2\n"), "{}", ran.out);
    assert!(!ran.out.contains("it is a leg"), "{}", ran.out);
    let json = desk.run("forget --contact leg-1 --json").done().json();
    assert_eq!(json["contacts"][0]["leg_of"], json!(null));
}

#[test]
fn what_becomes_of_a_message_that_cannot_be_read_is_said() {
    let desk = Desk::new();
    let ran = desk.run(&format!("record {}", ours("events/sqs-retry.json")));
    assert_eq!(ran.code, Some(1));
    let back = ran
        .err
        .lines()
        .filter(|line| line.contains("it goes back to the queue"));
    assert_eq!(back.count(), 2, "{}", ran.err);
    assert!(!ran.err.contains("left out"), "{}", ran.err);
    let json = desk
        .run(&format!("record {} --json", ours("events/sqs-retry.json")))
        .json();
    assert_eq!(json["batchItemFailures"].as_array().unwrap().len(), 3);
}

#[test]
fn urls_of_another_domain_are_told_with_ours() {
    let desk = Desk::new();
    for event in ["re-emitted", "transferred-leg"] {
        let event = ours(&format!("events/{event}.json"));
        let ran = desk.run(&format!("record {event} --out {}", stem_of(&event)));
        assert!(
            ran.out
                .contains("did not write (URLs of ours start with file:///"),
            "{}",
            ran.out
        );
        let domain = "--cloudfront-domain d111111abcdef8.cloudfront.net";
        let ran = desk
            .run(&format!("record {event} {domain} --out cf"))
            .done();
        assert!(!ran.out.contains("did not write"), "{}", ran.out);
    }
}

fn stem_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap();
    name.trim_end_matches(".json").to_owned()
}

#[test]
fn a_folder_or_a_text_in_place_of_media_is_told_with_what_to_give() {
    let desk = Desk::new();
    desk.write("media/note.md", "text");
    for command in ["extract", "inspect"] {
        desk.run(&format!("{command} media")).check(
            1,
            &[&["media: is a folder; give its .mkv files: media/*.mkv"]],
        );
        desk.run(&format!("{command} media/note.md")).check(
            1,
            &[&[
                "media/note.md: is no Matroska file",
                "; give a file of Matroska fragments",
            ]],
        );
    }
}

#[test]
fn flags_that_do_not_go_together_are_wrong_usage() {
    let desk = Desk::new();
    for line in [
        "synth --seconds 30 --hold-at 40..50",
        "synth --lose 99",
        "man nope",
        "completions bash --json",
        "--json man",
    ] {
        let ran = desk.run(line).check(2, &[&[]]);
        assert!(ran.out.is_empty() || line.contains("--json"), "{}", ran.out);
    }
    if cfg!(feature = "aws") {
        let lines = [
            "--since 2026-02-01 --until 2026-01-01",
            "--since 2999-01-01",
        ];
        for (line, word) in lines.iter().zip(["not before --until", "in the future"]) {
            desk.run(&format!("redrive {line}")).check(2, &[&[word]]);
        }
    }
    assert!(desk.names("").is_empty());
    let help = desk.run("completions --help").done().out;
    assert!(!help.contains("--json"), "{help}");
}
