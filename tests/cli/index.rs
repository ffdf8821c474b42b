//! `callreel index` and `callreel peaks`.

use std::fs;

use super::*;

#[test]
fn a_days_recordings_are_lines_and_only_what_changed_is_read() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    desk.run("record demo/event.json").done();
    let read = |line: &str| {
        let ran = desk.run(line).done();
        let document: Value = serde_json::from_str(&ran.out).unwrap();
        let folder = document["folders"][0].clone();
        (folder["recordings"].clone(), folder["unreadable"].clone())
    };
    assert_eq!(read("index --json"), (1.into(), 0.into()));
    let index = "out/recordings/index/day=2025-10-09/recordings.ndjson";
    let lines = fs::read_to_string(desk.join(index)).unwrap();
    assert_eq!(lines.lines().count(), 1);
    let row: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(
        (&row["status"], &row["seconds"]),
        (&"complete".into(), &2.0.into())
    );
    // What cannot be read is a line that says so; one that went takes its line with it.
    let odd = "out/recordings/2025/10/09/odd_1_verdict.json";
    desk.write(odd, "{");
    assert_eq!(read("index --day 2025-10-09 --json"), (2.into(), 1.into()));
    fs::remove_file(desk.join(odd)).unwrap();
    assert_eq!(read("index --json"), (1.into(), 0.into()));
    // Another day has nothing.
    let ran = desk.run("index --day 2025-10-10 --json").done();
    assert!(ran.out.contains("\"folders\": []"), "{}", ran.out);
    // A line goes with its contact.
    let contact = row["contact_id"].as_str().unwrap();
    desk.run(&format!("forget --contact {contact} --out out --yes"))
        .done();
    assert!(!desk.join(index).exists());
}

#[test]
fn a_waveform_that_is_made_later_is_the_one_that_was_written() {
    let desk = Desk::new();
    desk.run("synth --seconds 3").done();
    desk.run("record demo/event.json").done();
    let stem = recorded_stem(&desk.join("out"), &call(3_000));
    let path = format!("{}_peaks.dat", stem.display());
    let written = fs::read(&path).unwrap();
    assert_eq!(written.len(), 24 + 94 * 4);
    fs::remove_file(&path).unwrap();
    desk.run("peaks out").done();
    assert_eq!(fs::read(&path).unwrap(), written);
    // Those that are there stay; of a file it is made in any case.
    assert_eq!(desk.run("peaks out").done().out, "MADE  BYTES\n");
    fs::write(&path, "odd").unwrap();
    desk.run(&format!("peaks {}_mixed.wav", stem.display()))
        .done();
    assert_eq!(fs::read(&path).unwrap(), written);
    // What is none is told.
    desk.write("film.wav", "RIFF");
    desk.run("peaks film.wav no.wav").check(
        1,
        &[
            &["film.wav: it is no WAV file as Callreel"],
            &["no.wav: no such file"],
        ],
    );
}
