//! `callreel verify`: what was changed or went its way is found, and nothing else is told.

use std::io::{Seek, SeekFrom, Write};

use super::*;

#[test]
fn files_that_are_not_what_was_written_are_found() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    desk.run("record demo/event.json").done();
    let media = "demo/streams/demo-connect-contact-6f1c/demo-connect-contact-6f1c.mkv";
    desk.run(&format!("extract {media}")).done();
    let before = desk.files("out");
    let ran = desk.run("verify").done();
    assert_eq!(ran.rows().len(), 2);
    for row in ran.rows() {
        assert_eq!(row[2..], ["complete", "from to mixed"], "{}", ran.out);
    }
    assert!(
        ran.out.ends_with("2 recordings: 6 of 6 files as written\n"),
        "{}",
        ran.out
    );
    assert!(desk.files("out") == before, "nothing is written");

    // Four bytes of one, the length of another one, a third one gone.
    let stem = recorded_stem(&desk.join("out"), &call(2_000));
    let path = |name: &str| PathBuf::from(format!("{}_{name}.wav", stem.display()));
    let mut wav = fs::File::options().write(true).open(path("from")).unwrap();
    wav.seek(SeekFrom::Start(1_000)).unwrap();
    wav.write_all(b"odd!").unwrap();
    fs::File::options()
        .append(true)
        .open(path("to"))
        .unwrap()
        .write_all(b"+")
        .unwrap();
    fs::remove_file(path("mixed")).unwrap();
    desk.write(
        "out/recordings/2025/10/09/c_1_from.wav",
        "of a run that was ended",
    );
    desk.write("out/recordings/2025/10/09/c_2_verdict.json", "{");
    let ran = desk.run("verify out");
    assert_eq!(ran.code, Some(1));
    let lines: Vec<_> = ran.err.lines().collect();
    for (line, words) in lines.iter().zip([
        ["warning: ", "c_1_from.wav: no verdict names it"],
        ["error: ", "c_2_verdict.json: the verdict cannot be read"],
        ["error: ", "_from.wav: is not what its verdict tells of; "],
        ["error: ", "_to.wav: is not what its verdict tells of; "],
        ["error: ", "_mixed.wav: is gone; "],
    ]) {
        assert!(
            line.starts_with(words[0]) && line.contains(words[1]),
            "{line}"
        );
    }
    assert_eq!(lines.len(), 5, "{}", ran.err);
    assert!(
        ran.out
            .contains("from (changed) to (changed) mixed (gone)\n")
            && ran.out.ends_with("2 recordings: 3 of 6 files as written\n"),
        "{}",
        ran.out
    );
    let json = desk.run("verify --json").json();
    assert_eq!(json["schema"], "callreel.verify/1");
    let files = json["recordings"][1]["files"].as_array().unwrap();
    let found: Vec<_> = files
        .iter()
        .map(|file| file["found"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["changed", "changed", "gone"]);
    assert_eq!(json["unnamed_files"].as_array().unwrap().len(), 1);
    assert_eq!(json["unread_verdicts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_folder_that_is_not_there_is_no_clean_one() {
    let desk = Desk::new();
    desk.run("verify gone")
        .check(1, &[&["gone: no such folder; "]]);
    let error = desk.run("verify gone --json").json();
    assert_eq!(error["schema"], "callreel.error/1");
}
