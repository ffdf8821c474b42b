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
        assert_eq!(row[2..], ["complete", "from to mixed peaks"], "{}", ran.out);
    }
    assert!(
        ran.out.ends_with("2 recordings: 8 of 8 files as written\n"),
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
            .contains("from (changed) to (changed) mixed (gone) peaks\n")
            && ran.out.ends_with("2 recordings: 5 of 8 files as written\n"),
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
    assert_eq!(found, ["changed", "changed", "gone", "whole"]);
    assert_eq!(json["unnamed_files"].as_array().unwrap().len(), 1);
    assert_eq!(json["unread_verdicts"].as_array().unwrap().len(), 1);
}

/// Two days of one call each; the folder of each.
fn two_days() -> (Desk, [PathBuf; 2]) {
    let desk = Desk::new();
    let first = record(&desk, "first", "2025-10-08");
    let second = record(&desk, "second", "2025-10-09");
    (desk, [first, second])
}

/// Records a call, and moves it to a day: keys say where a recording lies, verdicts do not.
fn record(desk: &Desk, contact: &str, day: &str) -> PathBuf {
    let seed = contact.len();
    desk.run(&format!(
        "synth --seconds 2 --contact {contact} --seed {seed} --out {contact}"
    ))
    .done();
    desk.run(&format!("record {contact}/event.json --out {contact}/out"))
        .done();
    let from = recorded_stem(
        &desk.join(format!("{contact}/out")),
        &other_call(2_000, contact),
    );
    let to = desk.join("out/recordings").join(day.replace('-', "/"));
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        fs::rename(&path, to.join(path.file_name().unwrap())).unwrap();
    }
    to
}

fn verdict_in(day: &Path) -> PathBuf {
    let mut paths = fs::read_dir(day)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_verdict = |path: &PathBuf| path.to_str().unwrap().ends_with("_verdict.json");
    paths.find(is_verdict).unwrap()
}

#[test]
fn a_folder_below_holds_what_its_verdicts_say() {
    let (desk, _) = two_days();
    for folder in ["out", "out/recordings", "out/recordings/2025/10/09"] {
        let ran = desk.run(&format!("verify {folder}")).done();
        assert!(!ran.err.contains("no verdict names"), "{}", ran.err);
    }
    for (words, files) in [
        ("--day 2025-10-09", "1 recording: 4 of 4 files as written\n"),
        ("--contact first", "1 recording: 4 of 4 files as written\n"),
    ] {
        let ran = desk.run(&format!("verify out {words}")).done();
        assert!(ran.out.ends_with(files), "{}", ran.out);
    }
    desk.run("verify out --day 2025-10-10")
        .check(1, &[&["no verdict of 2025-10-10 in it"]]);
    let odd = desk.run("verify out --day today");
    assert_eq!(odd.code, Some(2));
    assert!(
        odd.err.contains("\"today\" is no day; give YYYY-MM-DD"),
        "{}",
        odd.err
    );
}

#[test]
fn a_cut_file_is_told_as_such() {
    let (desk, [day, _]) = two_days();
    let stem = verdict_in(&day)
        .to_str()
        .unwrap()
        .replace("_verdict.json", "");
    let file = fs::File::options()
        .write(true)
        .open(format!("{stem}_from.wav"))
        .unwrap();
    file.set_len(1_000).unwrap();
    let ran = desk.run("verify out --day 2025-10-08");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("from (cut) to mixed peaks\n"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("_from.wav: is cut: "), "{}", ran.err);
}

#[test]
fn what_happens_to_a_verdict_after_the_sealing_shows() {
    let (desk, [first, second]) = two_days();
    let sealed = desk.run("verify out --seal 2025-10-08").done();
    assert!(
        sealed.out.contains(", 1 verdict, the first seal\n"),
        "{}",
        sealed.out
    );
    let sealed = desk.run("verify out --seal 2025-10-09").done();
    assert!(
        sealed.out.contains("on the seal of 2025-10-08\n"),
        "{}",
        sealed.out
    );
    // Once more it is the same.
    let before = desk.files("out");
    let again = desk.run("verify out --seal 2025-10-09").done();
    assert!(
        again.out.contains("by a seal that says the same"),
        "{}",
        again.out
    );
    assert!(desk.files("out") == before);
    let all = desk.run("verify out").done();
    assert!(all.out.ends_with("2 seals: 2 as sealed\n"), "{}", all.out);

    // Another space in a verdict: no file of it is otherwise.
    let verdict = verdict_in(&second);
    let json = fs::read(&verdict).unwrap();
    fs::write(&verdict, [&json[..], b" "].concat()).unwrap();
    let ran = desk.run("verify out");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err
            .contains("_verdict.json was changed after the day was sealed"),
        "{}",
        ran.err
    );
    let ran = desk.run("verify out --seal 2025-10-09");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("it stays; "), "{}", ran.err);
    fs::write(&verdict, &json).unwrap();

    // Its recording taken away, and one of another name added.
    let other = second.join("third_1_verdict.json");
    fs::rename(&verdict, &other).unwrap();
    let json = desk.run("verify out --json").json();
    let seal = &json["seals"][1];
    assert_eq!(seal["holds"], false);
    assert_eq!(seal["added"], json!(["third_1_verdict.json"]));
    assert_eq!(seal["removed"].as_array().unwrap().len(), 1);
    fs::rename(&other, &verdict).unwrap();
    desk.run("verify out").done();

    // A seal that was made anew is not the one that the next one hangs on.
    let added = first.join("fourth_1_verdict.json");
    fs::copy(verdict_in(&first), &added).unwrap();
    let replaced = desk.run("verify out --seal 2025-10-08 --replace-seal");
    assert!(
        replaced.out.contains("sealed: "),
        "{} {}",
        replaced.out,
        replaced.err
    );
    let ran = desk.run("verify out");
    assert!(
        ran.err
            .contains("the seal of 2025-10-08 before it is not the one that this one hangs on"),
        "{}",
        ran.err
    );
    fs::remove_file(first.join("_seal.json")).unwrap();
    let ran = desk.run("verify out --day 2025-10-09");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains("the seal of 2025-10-08 before it is gone"),
        "{}",
        ran.err
    );
}

#[test]
fn what_was_forgotten_is_no_removed_verdict() {
    let (desk, _) = two_days();
    desk.run("verify out --seal 2025-10-09").done();
    desk.run("forget --contact second --yes").done();
    let ran = desk.run("verify out").done();
    assert!(
        ran.out.ends_with(
            "1 seal: 1 as sealed; 1 sealed verdict gone that `callreel forget` marked\n"
        ),
        "{}",
        ran.out
    );
}

#[test]
fn a_day_that_goes_on_is_not_sealed() {
    let (desk, _) = two_days();
    desk.run("verify out --seal 9999-12-30")
        .check(1, &[&["the day is not over"]]);
}

#[test]
fn a_folder_that_is_not_there_is_no_clean_one() {
    let desk = Desk::new();
    desk.run("verify gone")
        .check(1, &[&["gone: no such folder; "]]);
    let error = desk.run("verify gone --json").json();
    assert_eq!(error["schema"], "callreel.error/1");
}
