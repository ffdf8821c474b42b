//! `--json`: each command prints exactly one document that names its schema, whatever comes
//! of it.

use super::*;

/// One document, of this schema, and the exit code.
#[track_caller]
fn check(desk: &Desk, line: &str, code: i32, schema: &str) -> Value {
    let ran = desk.run(line);
    assert_eq!(ran.code, Some(code), "{line}: {}", ran.err);
    let document = ran.json();
    assert_eq!(document["schema"], schema, "{line}: {document}");
    assert_eq!(
        document.get("error").is_some(),
        schema == "callreel.error/1",
        "{line}"
    );
    document
}

#[test]
fn every_command_prints_one_document_however_it_ends() {
    let desk = Desk::new();
    desk.write("noise.mkv", "no media");
    check(&desk, "synth --seconds 2 --json", 0, "callreel.synth/1");
    let media = "demo/streams/demo-connect-contact-6f1c/demo-connect-contact-6f1c.mkv";
    check(
        &desk,
        "record demo/event.json --json",
        0,
        "callreel.record/1",
    );
    check(
        &desk,
        &format!("extract {media} --json"),
        0,
        "callreel.extract/1",
    );
    check(
        &desk,
        &format!("inspect {media} --json"),
        0,
        "callreel.inspect/1",
    );
    check(&desk, "forget --contact c --json", 0, "callreel.forget/1");

    // Some of it failed: the document of the command says what.
    for command in ["extract", "inspect"] {
        let schema = format!("callreel.{command}/1");
        for files in ["gone.mkv", "gone.mkv noise.mkv"] {
            let document = check(&desk, &format!("{command} {files} --json"), 1, &schema);
            let unread = document["unread_files"][0].as_str().unwrap();
            assert!(unread.starts_with("gone.mkv: "), "{unread}");
        }
    }

    // All of it did.
    let error = |line: &str, code, words: &str| {
        let document = check(&desk, line, code, "callreel.error/1");
        let error = document["error"].as_str().unwrap();
        assert!(error.contains(words), "{line}: {error}");
    };
    error("record gone.json --json", 1, "gone.json: ");
    error("record noise.mkv --json", 1, "noise.mkv: not JSON");
    error(
        &format!("extract {media} --contact x --json"),
        1,
        "contact x is not in",
    );
    error("synth --seconds 2 --lose 9 --json", 1, "--lose 9");
    error("man --json", 1, "leave --json out");
    error("completions bash --json", 1, "leave --json out");
    // Wrong usage, too, in a line.
    error("--json", 2, "");
    error(
        "record --json",
        2,
        "required arguments were not provided: <EVENT>",
    );
    error("--json replay", 2, "unrecognized subcommand 'replay'");
    error(
        "record x --colour --json",
        2,
        "unexpected argument '--colour' found",
    );
}

#[test]
fn many_files_are_looked_at_each_by_itself() {
    let desk = Desk::new();
    desk.add_stream(&call(2_000), "one");
    desk.add_stream(&other_call(2_000, "another"), "two");
    let line = "inspect streams/one/one.mkv gone.mkv streams/two/two.mkv";
    let ran = desk.run(line).check(1, &[&["gone.mkv: "]]);
    let first = ran.out.find("streams/one/one.mkv: ").unwrap();
    assert!(first < ran.out.find("\n\nstreams/two/two.mkv: ").unwrap());
    let files = desk.run(&format!("{line} --json")).json()["files"].clone();
    assert_eq!(files.as_array().unwrap().len(), 2);
    assert_eq!(files[1]["contacts"][0]["contact_id"], "another");
}
