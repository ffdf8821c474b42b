//! The answering machine in a folder: a call is noted, and its message saved.

use super::*;

/// The events of this repository.
fn shown(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("events").join(name).display().to_string()
}

fn record(desk: &Desk, event: &str) -> Ran {
    let streams = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/streams");
    desk.run(&format!(
        "record {} --streams {}",
        shown(event),
        streams.display()
    ))
}

fn only(desk: &Desk, ending: &str) -> Vec<u8> {
    let files = desk.files("out/messages");
    let mut files = files
        .iter()
        .filter(|(path, _)| path.to_string_lossy().ends_with(ending));
    let (_, (content, _)) = files.next().unwrap_or_else(|| panic!("no {ending}"));
    assert!(files.next().is_none(), "several {ending}");
    content.clone()
}

#[test]
fn a_message_is_saved_by_any_note_and_any_spelling_of_the_event() {
    let both = [
        ("flow-call.json", "anonymous"),
        ("flow-call-streaming.json", "+12065550142"),
    ];
    for (note, customer) in both {
        for event in [
            "contact-disconnected.json",
            "contact-disconnected-capitals.json",
            "contact-disconnected-text.json",
        ] {
            let desk = Desk::new();
            let noted = desk
                .run(&format!("note {} --at 2025-10-09T10:43:17Z", shown(note)))
                .done();
            assert!(noted.out.contains("10-43-17_b2d6a1ef"), "{}", noted.out);
            let saved = record(&desk, event).done();
            assert!(saved.out.contains(": complete, 0:00:03.3"), "{}", saved.out);
            let wav = only(&desk, ".wav");
            let samples = hound::WavReader::new(&wav[..])
                .unwrap()
                .into_samples::<i16>();
            assert_eq!(samples.count(), 26_112);
            let tags: Value = serde_json::from_slice(&only(&desk, ".tags.json")).unwrap();
            assert_eq!(tags["customerEndpoint"], customer);
            assert_eq!(tags["systemEndpoint"], "+12065550100");
            // The same event again changes nothing.
            let before = desk.files("out/messages");
            let again = record(&desk, event).done();
            assert!(again.out.contains(": complete (found), "), "{}", again.out);
            assert_eq!(desk.files("out/messages"), before);
        }
    }
}

#[test]
fn a_call_that_is_noted_twice_is_one_note_that_knows_more() {
    let desk = Desk::new();
    let note = |event: &str, at: &str| {
        let ran = desk
            .run(&format!("--json note {} --at {at}", shown(event)))
            .done();
        ran.json()
    };
    let first = note("flow-call.json", "2025-10-09T10:43:17Z");
    assert_eq!(first["answer"]["streamKnown"], "false");
    let second = note("flow-call-streaming.json", "2025-10-09T10:43:19Z");
    assert_eq!(second["file"], first["file"]);
    assert_eq!(second["answer"]["streamKnown"], "true");
    let third = note("flow-call.json", "2025-10-09T10:43:21Z");
    assert_eq!(third, second);
    let notes = desk.files("out/notes");
    let contents: Vec<_> = notes.values().map(|(content, _)| content).collect();
    assert_eq!(contents.len(), 2);
    assert_eq!(contents[0], contents[1]);
}

#[test]
fn what_left_no_message_says_why() {
    let desk = Desk::new();
    let chat = record(&desk, "contact-disconnected-chat.json").done();
    assert!(
        chat.out.contains("skipped: channel CHAT, not VOICE"),
        "{}",
        chat.out
    );
    let unknown = record(&desk, "contact-disconnected.json").done();
    assert!(
        unknown
            .out
            .contains("skipped: no message: the contact has no note"),
        "{}",
        unknown.out
    );
    let document = desk
        .run(&format!(
            "--json record {}",
            shown("contact-disconnected.json")
        ))
        .done();
    assert_eq!(document.json()["schema"], "callreel.saved/1");
    assert_eq!(document.json()["outcome"], "skipped");
    assert!(desk.files("out/messages").is_empty());
    // A note whose contact is in no stream.
    desk.run(&format!("note {}", shown("flow-call.json")))
        .done();
    desk.write("none/s/s.txt", "");
    let nowhere = format!(
        "record {} --streams none",
        shown("contact-disconnected.json")
    );
    desk.run(&nowhere).check(
        1,
        &[&[
            "contact b2d6a1ef",
            "asking Connect for its recordings",
            "neither its note nor Connect knows a stream",
        ]],
    );
}

#[test]
fn what_is_no_flow_call_or_no_contact_event_is_told() {
    let desk = Desk::new();
    let cure = "; give the event of a contact flow's Invoke Lambda function block, e.g. events/flow-call.json";
    let kinesis = shown("kinesis-event.json");
    desk.run(&format!("note {kinesis}"))
        .check(1, &[&["no contact flow's call", cure]]);
    desk.run("note missing.json")
        .check(1, &[&["missing.json: ", cure]]);
    desk.write("text.json", "Hello");
    desk.run("note text.json")
        .check(1, &[&["text.json: the event is not JSON", cure]]);
    desk.write("none.json", r#"{"detail-type": "Amazon Connect Contact Event", "detail": {"eventType": "DISCONNECTED"}}"#);
    desk.run("record none.json").check(
        1,
        &[&["none.json: a contact event: its detail has no contactId; give one as EventBridge sends it"]],
    );
    let ran = desk.run(&format!("note {} --at yesterday", shown("flow-call.json")));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
}
