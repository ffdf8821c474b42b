//! Where a command writes: folders in the way, no room, contacts and verdicts that are
//! none, and whoever reads the output going away.

use super::*;

/// Every command that writes, with something in the way of its folder.
#[track_caller]
fn check_out(desk: &Desk, out: &str, words: &[&str]) {
    desk.run("synth --seconds 2").done();
    desk.run(&format!("record demo/event.json --out {out}"))
        .check(1, &[words]);
    let media = "demo/streams/demo-connect-contact-6f1c/demo-connect-contact-6f1c.mkv";
    desk.run(&format!("extract {media} --out {out}"))
        .check(1, &[words]);
    desk.run(&format!("synth --seconds 2 --out {out}"))
        .check(1, &[words]);
}

#[test]
fn an_out_folder_that_is_a_file() {
    let desk = Desk::new();
    desk.write("taken", "a file");
    check_out(
        &desk,
        "taken",
        &["taken", "; ", "move", "folder with --out"],
    );
    check_out(
        &desk,
        "taken/below",
        &["taken/below", "; ", "move", "folder with --out"],
    );
    assert_eq!(fs::read(desk.join("taken")).unwrap(), b"a file");
}

#[test]
#[cfg(target_os = "linux")]
fn an_out_folder_that_cannot_be_made() {
    check_out(
        &Desk::new(),
        "/proc/callreel",
        &["/proc/callreel", "; ", "folder with --out"],
    );
}

#[test]
#[cfg(unix)]
fn an_out_folder_that_may_not_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let folder = desk.join("locked");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    // Nothing is locked for root.
    if fs::write(folder.join("probe"), "").is_err() {
        check_out(
            &desk,
            "locked",
            &["locked", "Permission denied", "folder with --out"],
        );
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A disk that is full is no disk that a test may fill: a limit on the size of files
/// breaks writing off in the same place.
#[test]
#[cfg(unix)]
fn writing_that_breaks_off_leaves_no_half_files() {
    let desk = Desk::new();
    let (long, short) = (call(30_000), other_call(2_000, "short"));
    let records = [(&long, "long"), (&short, "short")]
        .map(|(call, name)| desk.add_stream(call, name).to_string().into_bytes());
    desk.write_event(&records);
    let limited = |line: &str| {
        let script = "trap '' XFSZ; ulimit -f 200; exec \"$@\"";
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "sh", env!("CARGO_BIN_EXE_callreel")])
            .args(line.split_whitespace())
            .current_dir(&*desk);
        Ran::of(command.output().unwrap())
    };
    let words: &[&str] = &[".wav: ", "; ", "choose another folder with --out"];
    let words_of_record = [&["record 1: contact ", &long.contact], words].concat();
    let ran = limited("record event.json").check(1, &[&words_of_record]);
    assert_eq!(ran.rows()[0][2..], ["failed", "-", "see the error"]);
    assert_eq!(ran.rows()[1][2], "complete");
    check_audio(&recorded_stem(&desk.join("out"), &short), &short);
    let json = limited("record event.json --json")
        .check(1, &[&words_of_record])
        .json();
    assert_eq!(
        json["batchItemFailures"],
        json!([{"itemIdentifier": "1"}]),
        "to be tried again"
    );
    limited("extract streams/long/long.mkv streams/short/short.mkv --out e").check(1, &[words]);
    check_audio(&desk.join("e/short"), &short);
    let synth = limited("synth --seconds 30 --out s");
    synth.check(
        1,
        &[&["s/streams/", ".mkv: ", "; give another folder with --out"]],
    );
    for folder in ["out", "e", "s"] {
        assert!(
            desk.names(folder)
                .iter()
                .all(|name| !name.ends_with(".part")),
            "{folder}"
        );
    }
    // Once there is room, the verdict of the failure is in nobody's way.
    let ran = desk.run("record event.json").done();
    assert_eq!(
        [ran.rows()[0][2], ran.rows()[1][2]],
        ["complete", "complete (found)"]
    );
    check_audio(&recorded_stem(&desk.join("out"), &long), &long);
}

#[test]
fn contacts_that_cannot_be_read_or_written() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    for (content, words) in [
        ("{", &["out/contacts.json: EOF", "; repair or remove it"]),
        ("[]", &["out/contacts.json: ", "; repair or remove it"]),
        (
            "{\"c\": {\"n\": 1}}",
            &["out/contacts.json: ", "; repair or remove it"],
        ),
    ] {
        desk.write("out/contacts.json", content);
        desk.run("record demo/event.json").check(1, &[words]);
        assert_eq!(
            fs::read(desk.join("out/contacts.json")).unwrap(),
            content.as_bytes(),
            "left as it is"
        );
    }
    fs::remove_file(desk.join("out/contacts.json")).unwrap();
    fs::create_dir(desk.join("out/contacts.json")).unwrap();
    desk.run("record demo/event.json").check(
        1,
        &[&["out/contacts.json: ", "; a plain file must be there"]],
    );
    fs::remove_dir(desk.join("out/contacts.json")).unwrap();
    // The files were written all the same; only the attributes were open.
    let ran = desk.run("record demo/event.json").done();
    assert_eq!(ran.rows()[0][2], "complete (found)");
    assert!(desk.join("out/contacts.json").is_file());
}

#[test]
fn attributes_without_room_or_of_others_stay_as_they_are() {
    let desk = Desk::new();
    let contact = call(0).contact;
    desk.run("synth --seconds 2").done();
    let write = |attributes: Value| {
        let contacts = json!({ contact.clone(): attributes }).to_string();
        desk.write("out/contacts.json", &contacts);
        contacts
    };
    let full = write(json!({"notes": "x".repeat(32_700)}));
    let ran = desk.run("record demo/event.json").check(
        1,
        &[&[
            &contact,
            "attributes would take 33",
            " bytes of 32768; remove some, the files are written",
        ]],
    );
    assert_eq!(ran.rows()[0][2], "complete");
    assert_eq!(
        fs::read_to_string(desk.join("out/contacts.json")).unwrap(),
        full
    );
    let theirs = write(json!({"audioMixed": "s3://mine/mixed.wav"}));
    let ran = desk.run("record demo/event.json").done();
    let note = "  audioMixed holds a value that Callreel did not write; it stays (URLs of ours start with file://";
    assert!(ran.out.contains(note), "{}", ran.out);
    assert_eq!(
        fs::read_to_string(desk.join("out/contacts.json")).unwrap(),
        theirs
    );
}

#[test]
fn a_verdict_that_is_none_marks_nothing() {
    let desk = Desk::new();
    let call = call(2_000);
    desk.run("synth --seconds 2").done();
    let stem = recorded_stem(Path::new("out"), &call);
    desk.write(
        &format!("{}_verdict.json", stem.display()),
        "{\"status\": \"comp",
    );
    let ran = desk.run("record demo/event.json").done();
    assert_eq!(ran.rows()[0][2], "complete");
    check_audio(&desk.join(&stem), &call);
}

#[test]
fn a_closed_pipe_is_no_error_and_hides_none() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    desk.write("bad.json", "{}");
    desk.write_event(&[b"no record".to_vec()]);
    let media = "demo/streams/demo-connect-contact-6f1c/demo-connect-contact-6f1c.mkv";
    let closed = || std::io::pipe().unwrap().1;
    for (line, code) in [
        (format!("inspect {media}"), 0),
        (format!("inspect {media} --json"), 0),
        (format!("extract {media}"), 0),
        ("record demo/event.json".to_owned(), 0),
        ("synth --seconds 2".to_owned(), 0),
        ("--help".to_owned(), 0),
        ("record event.json".to_owned(), 1),
        ("record bad.json".to_owned(), 1),
        ("inspect missing.mkv".to_owned(), 1),
        ("extract missing.mkv".to_owned(), 1),
    ] {
        let ran = Ran::of(desk.command(&line).stdout(closed()).output().unwrap());
        assert_eq!(
            (ran.code, ran.err.lines().count()),
            (Some(code), code as usize),
            "{line}: {}",
            ran.err
        );
        // With nobody to read errors either, only the exit code is left.
        let status = desk
            .command(&line)
            .stdout(closed())
            .stderr(closed())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{line}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_finds_no_room_is_told() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    for line in [
        "record demo/event.json",
        "synth --seconds 2",
        "inspect demo/streams/demo-connect-contact-6f1c/demo-connect-contact-6f1c.mkv",
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = Ran::of(desk.command(line).stdout(full).output().unwrap());
        ran.check(1, &[&["standard output: ", "; check where it leads"]]);
    }
}
