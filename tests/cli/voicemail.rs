//! Voicemail in a folder: a flagged contact becomes a task or a mail.

use super::*;

const CONTACT: &str = "f7a3c1d8-2e64-4b19-8c55-0d9e6b2a4701";

fn voicemail(desk: &Desk, flags: &str) -> Ran {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let event = root.join("events/voicemail.json");
    let streams = root.join("tests/data/streams");
    desk.run(&format!(
        "voicemail {} --streams {} {flags}",
        event.display(),
        streams.display()
    ))
}

fn file(desk: &Desk, path: &str) -> Vec<u8> {
    let files = desk.files("out");
    let mut files = files.iter();
    let found = files.find(|(there, _)| there.to_string_lossy().ends_with(path));
    found.unwrap_or_else(|| panic!("no {path}")).1.0.clone()
}

#[test]
fn a_flagged_contact_becomes_one_task() {
    let desk = Desk::new();
    let ran = voicemail(&desk, "").done();
    assert!(ran.out.contains("delivered as task\n"), "{}", ran.out);
    let task: Value =
        serde_json::from_slice(&file(&desk, &format!("tasks/{CONTACT}.json"))).unwrap();
    assert_eq!(task["ClientToken"], CONTACT);
    assert_eq!(task["Attributes"]["vmx3_flag"], "0");
    let transcript = task["References"]["Voicemail Transcript"]["Value"]
        .as_str()
        .unwrap();
    assert!(
        transcript.starts_with("Hello, this is Ana Ortiz."),
        "{transcript}"
    );
    let wav = file(&desk, &format!("2025/10/09/{CONTACT}.wav"));
    let samples = hound::WavReader::new(&wav[..])
        .unwrap()
        .into_samples::<i16>();
    assert_eq!(samples.count(), 12 * 8_704);
    let contacts: Value = serde_json::from_slice(&file(&desk, "contacts.json")).unwrap();
    assert_eq!(contacts[CONTACT]["vmx3_flag"], "0");
    let before = desk.files("out");
    let ran = voicemail(&desk, "").done();
    assert!(
        ran.out.contains("delivered as task (found)\n"),
        "{}",
        ran.out
    );
    assert_eq!(desk.files("out").len(), before.len());
}

#[test]
fn a_transcriber_that_fails_costs_the_transcript_alone() {
    let desk = Desk::new();
    let ran = voicemail(&desk, "--transcriber no-such-recogniser-{wav}");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let told = "delivered without a transcript: no-such-recogniser-";
    let is_told = ran.err.starts_with("warning: ") && ran.err.contains(told);
    assert!(is_told, "{}", ran.err);
    assert!(
        ran.out.contains("note: no transcript: no-such-recogniser-"),
        "{}",
        ran.out
    );
    let task = String::from_utf8(file(&desk, &format!("tasks/{CONTACT}.json"))).unwrap();
    assert!(task.contains("the transcription failed"), "{task}");
}
