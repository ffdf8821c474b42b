//! Consent and deletion over folders: what is withdrawn, and what is forgotten, is not made.

use std::fs;

use serde_json::json;

use super::call;
use super::desk::Desk;

/// The event of one call, its stream beside it.
fn desk_with_call() -> (Desk, callreel::synth::SynthCall) {
    let desk = Desk::new();
    let call = call(6_000);
    desk.add_stream(&call, "demo");
    (desk, call)
}

#[test]
fn deleted_and_delivered_again_nothing_returns() {
    let (desk, call) = desk_with_call();
    let contact = &call.contact;
    let data = call.contact_record("demo").to_string().into_bytes();
    desk.write_event(&[data]);
    desk.run("record event.json --out o").done();
    desk.write(
        "o/recordings/2025/10/09/other_1_from.wav",
        b"another contact's",
    );
    let begun = format!("o/recordings/2025/10/09/{contact}_1_from.wav.7-1.part");
    desk.write(&begun, b"left by a crash");
    let files = || {
        let mut found = desk.names("o");
        found.retain(|path| path.contains(contact.as_str()));
        found
    };
    let before = files();
    assert_eq!(before.len(), 6, "{before:?}");

    // The dry run is the default, and changes nothing.
    let line = format!("forget --contact {contact} --out o --json");
    let dry = desk.run(&line).done().json();
    assert_eq!(
        (&dry["dry_run"], &dry["contacts"][0]["urls"]),
        (&json!(true), &json!(3))
    );
    assert_eq!(dry["contacts"][0]["objects"].as_array().unwrap().len(), 6);
    assert_eq!(files(), before);

    desk.run(&format!("{line} --yes")).done();
    let mark = format!("{contact}.json");
    assert_eq!(files(), [mark.as_str()]);
    assert!(
        desk.join("o/recordings/2025/10/09/other_1_from.wav")
            .exists()
    );
    let contacts = fs::read_to_string(desk.join("o/contacts.json")).unwrap();
    assert!(!contacts.contains(".wav"), "{contacts}");

    // The same record again.
    let ran = desk.run("record event.json --out o").done();
    assert!(
        ran.out.contains("deleted by `callreel forget`"),
        "{}",
        ran.out
    );
    assert_eq!(files(), [mark.as_str()]);
    desk.run(&format!("{line} --yes")).done();
}

#[test]
fn the_newest_version_in_a_batch_decides() {
    #[track_caller]
    fn check(versions: &[(&str, Option<&str>)], recorded: bool) {
        let (desk, call) = desk_with_call();
        let data: Vec<_> = versions
            .iter()
            .map(|(auth, updated)| {
                let mut record = call.contact_record("demo");
                record["Attributes"]["recordingAuth"] = json!(auth);
                record["LastUpdateTimestamp"] = json!(updated);
                record.to_string().into_bytes()
            })
            .collect();
        desk.write_event(&data);
        let ran = desk.run("record event.json --out o").done();
        assert!(
            ran.out.contains("a newer version of the contact"),
            "{}",
            ran.out
        );
        let files = desk.names("o");
        let wavs = files.iter().filter(|path| path.ends_with(".wav")).count();
        assert_eq!(wavs > 0, recorded, "{versions:?}");
    }
    let (early, late) = (Some("2025-10-09T09:00:00Z"), Some("2025-10-09T09:30:00Z"));
    check(&[("3", early), ("0", late)], false);
    check(&[("0", late), ("3", early)], false);
    check(&[("0", early), ("3", late)], true);
    check(&[("3", early), ("0", early)], false);
    check(&[("3", late), ("0", None)], false);
    check(&[("0", None), ("3", None)], true);
}

#[test]
fn what_the_contact_says_now_keeps_its_urls_away() {
    let (desk, call) = desk_with_call();
    let data = call.contact_record("demo").to_string().into_bytes();
    desk.write_event(&[data]);
    let withdrawn = json!({ call.contact.as_str(): {"recordingAuth": "0"} });
    desk.write("o/contacts.json", withdrawn.to_string().as_bytes());
    let words: &[&str] = &["recordingAuth does not allow", "callreel forget"];
    desk.run("record event.json --out o").check(1, &[words]);
    let contacts = fs::read_to_string(desk.join("o/contacts.json")).unwrap();
    assert!(!contacts.contains(".wav"), "{contacts}");
}
