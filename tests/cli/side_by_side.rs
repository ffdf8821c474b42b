//! Several runs into one folder at the same time, and runs that were ended in the middle.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;

fn start(desk: &Desk, line: &str) -> Child {
    let mut command = desk.command(line);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Runs these lines at once; what each came to.
fn at_once(desk: &Desk, lines: &[String]) -> Vec<Ran> {
    let children: Vec<_> = lines.iter().map(|line| start(desk, line)).collect();
    let ended = |child: Child| Ran::of(child.wait_with_output().unwrap());
    children.into_iter().map(ended).collect()
}

#[test]
fn eight_contacts_recorded_at_once_are_all_noted() {
    for _ in 0..3 {
        let desk = Desk::new();
        let mut lines = Vec::new();
        for at in 0..8 {
            let call = other_call(1_000, &format!("contact-{at}"));
            let record = desk.add_stream(&call, &call.contact);
            let data = [record.to_string().into_bytes()];
            desk.write(&format!("{at}.json"), event(&data).to_string());
            lines.push(format!("record {at}.json"));
        }
        for ran in at_once(&desk, &lines) {
            assert_eq!(ran.done().rows()[0][2], "complete");
        }
        let contacts: Value =
            serde_json::from_slice(&fs::read(desk.join("out/contacts.json")).unwrap()).unwrap();
        assert_eq!(contacts.as_object().unwrap().len(), 8, "{contacts:#}");
    }
}

/// Legs of a call share the attributes of its first one, and add to each other's values.
#[test]
fn legs_recorded_at_once_keep_each_others_urls() {
    let desk = Desk::new();
    let mut lines = Vec::new();
    for at in 0..6 {
        let call = other_call(1_000, &format!("leg-{at}"));
        let mut record = desk.add_stream(&call, &call.contact);
        record["InitialContactId"] = json!("first");
        let data = [record.to_string().into_bytes()];
        desk.write(&format!("{at}.json"), event(&data).to_string());
        lines.push(format!("record {at}.json"));
    }
    for ran in at_once(&desk, &lines) {
        ran.done();
    }
    let contacts: Value =
        serde_json::from_slice(&fs::read(desk.join("out/contacts.json")).unwrap()).unwrap();
    let urls = contacts["first"]["audioMixed"].as_str().unwrap();
    for at in 0..6 {
        assert!(urls.contains(&format!("/leg-{at}_")), "{urls}");
    }
}

#[test]
fn the_same_event_at_once_is_recorded_by_all_of_them() {
    for _ in 0..4 {
        let desk = Desk::new();
        desk.run("synth --seconds 20").done();
        let lines = vec!["record demo/event.json".to_owned(); 6];
        for ran in at_once(&desk, &lines) {
            let ran = ran.done();
            let outcome = ran.rows()[0][2].to_owned();
            assert!(outcome.starts_with("complete"), "{}", ran.out);
        }
        check_audio(
            &recorded_stem(&desk.join("out"), &call(20_000)),
            &call(20_000),
        );
        assert_eq!(parts(&desk), [""; 0]);
    }
}

/// The names of unfinished files below `out`.
fn parts(desk: &Desk) -> Vec<String> {
    let parts = sized_parts(desk).into_iter();
    parts.map(|(name, _)| name).collect()
}

/// The same, each with its bytes.
fn sized_parts(desk: &Desk) -> Vec<(String, u64)> {
    let mut names = Vec::new();
    let mut folders = vec![desk.join("out")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => {
                    // It may have gone since it was listed.
                    let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                    names.push((entry.file_name().to_string_lossy().into_owned(), bytes));
                }
            }
        }
    }
    names.retain(|(name, _)| name.ends_with(".part"));
    names
}

/// How long a test waits before it says that a run hangs.
const PATIENCE: Duration = Duration::from_secs(600);

/// A run that writes its three files.
fn in_the_middle(desk: &Desk, line: &str) -> Child {
    let mut child = start(desk, line);
    let begun = Instant::now();
    let begun_with = |(_, bytes): &&(String, u64)| *bytes > 0;
    while sized_parts(desk).iter().filter(begun_with).count() < 4 {
        assert!(child.try_wait().unwrap().is_none(), "{line} was too fast");
        assert!(begun.elapsed() < PATIENCE, "{line} hangs");
        sleep(Duration::from_millis(2));
    }
    child
}

#[test]
fn what_an_ended_run_left_goes_with_the_next_one() {
    let desk = Desk::new();
    desk.run("synth --seconds 1500").done();
    let media = "demo/streams/demo-connect-contact-6f1c/demo-connect-contact-6f1c.mkv";
    let extract = format!("extract {media}");
    desk.run("synth --seconds 1 --out short --contact short --stream short")
        .done();
    for (line, next) in [
        ("record demo/event.json", "record short/event.json"),
        (&extract, "extract short/streams/short/short.mkv"),
    ] {
        let mut child = in_the_middle(&desk, line);
        // As SIGKILL ends it: no handler can run.
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(parts(&desk).len(), 4);
        // Somebody else's files stay, however they are called.
        desk.write("out/film.mp4.part", "a download");
        let ran = desk.run(next);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(
            ran.err
                .starts_with("warning: 4 unfinished files of runs that were ended, ")
                && ran
                    .err
                    .trim_end()
                    .ends_with(" bytes, were removed from out")
                && ran.err.lines().count() == 1,
            "{}",
            ran.err
        );
        assert_eq!(parts(&desk), ["film.mp4.part"], "{next}");
        fs::remove_dir_all(desk.join("out")).unwrap();
    }
}

#[test]
fn what_another_run_is_writing_stays() {
    let desk = Desk::new();
    desk.run("synth --seconds 1500").done();
    desk.run("synth --seconds 1 --out short --contact short --stream short")
        .done();
    let long = in_the_middle(&desk, "record demo/event.json");
    desk.run("record short/event.json").done();
    assert_eq!(parts(&desk).len(), 4);
    let ran = Ran::of(long.wait_with_output().unwrap()).done();
    assert_eq!(ran.rows()[0][2], "complete");
}
