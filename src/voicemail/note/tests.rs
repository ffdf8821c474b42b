use super::*;
use crate::event::{self, Event};
use proptest::prelude::*;
use serde_json::Value;

const RECEIVED: EpochMillis = EpochMillis(1_760_006_599_000);

fn call(payload: &[u8]) -> FlowCall {
    match event::read(payload) {
        Ok(Event::FlowCall(data)) => FlowCall::read(&data).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn before() -> Note {
    let payload = include_bytes!("../../../events/flow-call.json");
    Note::of_call(call(payload), RECEIVED, UtcOffset::UTC)
}

fn streaming() -> Note {
    let payload = include_bytes!("../../../events/flow-call-streaming.json");
    Note::of_call(call(payload), RECEIVED, UtcOffset::UTC)
}

fn fields(note: &Note) -> Value {
    serde_json::from_slice(&note.to_json()).unwrap()
}

#[test]
fn a_note_taken_while_it_streams_has_all_fields() {
    let number = "91343852333181432407537343145781947134687637675";
    assert_eq!(
        fields(&streaming()),
        json!({
            "contactId": "b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c12",
            "customerEndpoint": "+12065550142",
            "systemEndpoint": "+12065550100",
            "startFragmentNumber": number,
            "startTimestamp": "1760006598411",
            "stopFragmentNumber": "",
            "stopTimestamp": "",
            "streamARN": "arn:aws:kinesisvideo:us-east-1:111122223333:stream/two-callers/1760000000000",
            "initialContactId": "b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c12",
            "previousContactId": null,
            "instanceId": "3b6f0d92-8c47-4f15-a2de-90b1c7e54f68",
            "instanceArn": "arn:aws:connect:us-east-1:111122223333:instance/3b6f0d92-8c47-4f15-a2de-90b1c7e54f68",
            "queueArn": null,
            "receivedAt": "2025-10-09T10:43:19.000Z",
            "streamKnown": true,
            "name": "2025/10/09/10-43-19_b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c12",
        })
    );
}

#[test]
fn a_note_taken_before_streaming_has_empty_texts() {
    let note = fields(&before());
    for name in [
        "streamARN",
        "startFragmentNumber",
        "startTimestamp",
        "stopFragmentNumber",
        "stopTimestamp",
    ] {
        assert_eq!(note[name], "", "{name}");
    }
    assert_eq!(note["streamKnown"], false);
    // Its caller withheld the number.
    assert_eq!(note["customerEndpoint"], ANONYMOUS);
}

#[test]
fn a_note_is_read_back_as_it_was() {
    for note in [before(), streaming()] {
        let json = note.to_json();
        assert_eq!(Note::from_json(&json, None), Ok(note.clone()));
        assert_eq!(Note::from_json(&json, Some(&note.name)), Ok(note));
    }
}

#[test]
fn notes_of_older_machines_are_read() {
    let name = NoteName::parse("2025/01/31/05-00-12_c-1").unwrap();
    let stream = "arn:aws:kinesisvideo:eu-west-2:111122223333:stream/x/1";
    let eight = json!({"contactId": "c-1", "customerEndpoint": "+815", "systemEndpoint": "+813",
        "startFragmentNumber": "91", "startTimestamp": "1738300000123", "streamARN": stream,
        "stopFragmentNumber": null, "stopTimestamp": null});
    let note = Note::from_json(eight.to_string().as_bytes(), Some(&name)).unwrap();
    let streamed = Streamed {
        stream: stream.into(),
        start_fragment: "91".parse().ok(),
        started: Some(EpochMillis(1_738_300_000_123)),
        stop_fragment: None,
        stopped: None,
    };
    let expected = Note {
        customer: "+815".into(),
        system: Some("+813".into()),
        streamed: Some(streamed),
        ..Note::of_name(&name)
    };
    assert_eq!(note, expected);
    assert_eq!(
        Note::from_json(b"{}", Some(&name)),
        Ok(Note::of_name(&name))
    );
}

#[test]
fn what_is_no_note_says_why() {
    #[track_caller]
    fn check(json: &str, expected: &str) {
        let error = Note::from_json(json.as_bytes(), None).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    check("<html>", "no note of a call: not JSON");
    check("[]", "no note of a call: not an object but a list");
    check("{}", "no note of a call: it has no contactId");
    check(
        r#"{"contactId": "c", "name": "../../x"}"#,
        "no note of a call: it has neither name nor receivedAt",
    );
    check(
        r#"{"contactId": []}"#,
        "no note of a call: its contactId is a list",
    );
}

/// A name that says another contact is no name of this note.
#[test]
fn a_note_cannot_take_anothers_name() {
    let json = r#"{"contactId": "c", "name": "2025/01/31/05-00-12_other", "receivedAt": "2025-01-31T05:00:13Z"}"#;
    let note = Note::from_json(json.as_bytes(), None).unwrap();
    assert_eq!(note.name.to_string(), "2025/01/31/05-00-13_c");
}

#[test]
fn a_flow_that_calls_again_leaves_one_note() {
    let later = |note: Note| Note {
        name: NoteName::at(
            EpochMillis(RECEIVED.0 + 3_000),
            UtcOffset::UTC,
            &note.contact,
        ),
        received: Some(EpochMillis(RECEIVED.0 + 3_000)),
        ..note
    };
    assert_eq!(before().meet(later(before())), Meeting::Repeat);
    assert_eq!(streaming().meet(later(streaming())), Meeting::Repeat);
    assert_eq!(streaming().meet(later(before())), Meeting::Repeat);
    let Meeting::Completes(note) = before().meet(later(streaming())) else {
        panic!("more is known now");
    };
    assert_eq!(*note, streaming());
    let mut stopped = streaming();
    let mut second = streaming();
    if let (Some(stopped), Some(second)) = (&mut stopped.streamed, &mut second.streamed) {
        stopped.stopped = Some(RECEIVED);
        second.start_fragment = second.start_fragment.map(|number| number.successor());
    }
    assert_eq!(streaming().meet(later(stopped)), Meeting::Repeat);
    assert_eq!(streaming().meet(later(second)), Meeting::Another);
}

#[test]
fn the_flow_gets_texts() {
    let answer = before().answer("notes/x.json");
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(
        answer,
        json!({"contactId": before().contact, "note": "notes/x.json", "streamKnown": "false"})
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Note::from_json(&bytes, None);
    }

    #[test]
    fn any_text_is_kept(customer in "\\S.{0,40}\\S", contact in "[a-z0-9-]{1,40}", system in "\\S{1,9}") {
        let call = FlowCall {
            contact: contact.into(),
            customer: Some(customer.as_str().into()),
            system: Some(system.as_str().into()),
            ..FlowCall::default()
        };
        let note = Note::of_call(call, RECEIVED, UtcOffset::UTC);
        prop_assert_eq!(Note::from_json(&note.to_json(), None), Ok(note));
    }
}
