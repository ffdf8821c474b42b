use super::*;
use crate::connect::flow_call::FlowCall;
use crate::event::{self, Event};
use crate::media::wav::Output;
use crate::voicemail::note::{NoteName, UtcOffset};
use proptest::prelude::*;

const RECEIVED: EpochMillis = EpochMillis(1_760_006_599_000);
const CONTACT: &str = "b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c12";
const STREAM: &str = "arn:aws:kinesisvideo:us-east-1:111122223333:stream/two-callers/1760000000000";

fn note(payload: &[u8]) -> Note {
    match event::read(payload) {
        Ok(Event::FlowCall(data)) => {
            Note::of_call(FlowCall::read(&data).unwrap(), RECEIVED, UtcOffset::UTC)
        }
        other => panic!("{other:?}"),
    }
}

fn before() -> Note {
    note(include_bytes!("../../../events/flow-call.json"))
}

fn streaming() -> Note {
    note(include_bytes!("../../../events/flow-call-streaming.json"))
}

fn contact_event(payload: &[u8]) -> ContactEvent {
    match event::read(payload) {
        Ok(Event::ContactEvent(notice)) => ContactEvent::read(&notice).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn time(text: &str) -> EpochMillis {
    EpochMillis::from_rfc3339(text).unwrap()
}

fn ended() -> Over {
    Over {
        contact: CONTACT.into(),
        before: vec![CONTACT.into(), CONTACT.into()],
        ended: time("2025-10-09T10:43:22Z"),
    }
}

#[test]
fn every_spelling_of_an_event_ends_the_same_call() {
    for payload in [
        &include_bytes!("../../../events/contact-disconnected.json")[..],
        include_bytes!("../../../events/contact-disconnected-capitals.json"),
        include_bytes!("../../../events/contact-disconnected-text.json"),
    ] {
        assert_eq!(over(&contact_event(payload), EpochMillis(0)), Ok(ended()));
    }
}

#[test]
fn what_is_no_call_or_goes_on_is_skipped_with_its_reason() {
    let chat = contact_event(include_bytes!(
        "../../../events/contact-disconnected-chat.json"
    ));
    let told = over(&chat, RECEIVED).unwrap_err().to_string();
    assert_eq!(told, "channel CHAT, not VOICE");
    let event = contact_event(include_bytes!("../../../events/contact-disconnected.json"));
    let queued = ContactEvent {
        happened: Happened::Other("QUEUED".into()),
        ..event.clone()
    };
    let told = over(&queued, RECEIVED).unwrap_err().to_string();
    assert_eq!(told, "the contact goes on: event QUEUED");
    // Without a channel or a time it may be a call, and the note tells.
    let bare = ContactEvent {
        channel: None,
        disconnected: None,
        told: None,
        ..event
    };
    let over = over(&bare, RECEIVED).unwrap();
    assert_eq!(over.ended, RECEIVED);
}

#[test]
fn a_note_with_a_stream_is_a_message_from_its_start_to_the_calls_end() {
    let Decision::Save(message) = decide(&streaming(), &ended(), None, "messages/") else {
        panic!("the note knows the stream");
    };
    let start = "91343852333181432407537343145781947134687637675"
        .parse()
        .unwrap();
    let began = EpochMillis(1_760_006_598_411);
    let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        *message,
        Message {
            id: RecordingId {
                contact: CONTACT.into(),
                initiated: Some(RECEIVED),
                start: RecordingStart::Fragment(start),
            },
            instance: Some("3b6f0d92-8c47-4f15-a2de-90b1c7e54f68".into()),
            stream: STREAM.into(),
            claim: Claim {
                range: FragmentRange {
                    start: Some(start),
                    stop: None,
                },
                contacts: vec![CONTACT.into()],
            },
            initial_contact: CONTACT.into(),
            previous_contact: None,
            times: Times {
                started: Some(began),
                stopped: Some(time("2025-10-09T10:43:22Z")),
            },
            target: Target::of(
                &NoteName::parse(&format!("2025/10/09/10-43-19_{CONTACT}")).unwrap(),
                "messages/",
            ),
            tags: vec![
                tag("customerEndpoint", "+12065550142"),
                tag("systemEndpoint", "+12065550100"),
                tag("startTimestamp", "1760006598411"),
            ],
            elsewhere: 0,
        }
    );
}

#[test]
fn a_message_is_recorded_of_what_the_customer_says_under_its_notes_name() {
    let Decision::Save(message) = decide(&streaming(), &ended(), None, "messages/") else {
        panic!("the note knows the stream");
    };
    let plan = message.plan();
    let base = format!("messages/2025/10/09/10-43-19_{CONTACT}");
    assert_eq!(plan.keys.wav(Output::From), format!("{base}.wav"));
    assert_eq!(plan.keys.verdict(), format!("{base}_verdict.json"));
    assert_eq!(plan.authorisation.outputs(), [Output::From]);
    assert_eq!(plan.urls, Urls::NotForContact);
    assert_eq!(plan.tags, message.tags);
    assert_eq!((plan.claim, plan.times), (message.claim, message.times));
}

#[test]
fn a_note_taken_behind_the_calls_end_tells_nothing_of_its_start() {
    let late = Note {
        received: Some(EpochMillis(ended().ended.0 + 1)),
        streamed: streaming().streamed.map(|streamed| Streamed {
            started: None,
            ..streamed
        }),
        ..streaming()
    };
    let Decision::Save(message) = decide(&late, &ended(), None, "") else {
        panic!("the note knows the stream");
    };
    assert_eq!(message.times.started, None);
    assert_eq!(message.times.stopped, Some(ended().ended));
}

/// What a message is located by, in one line.
#[track_caller]
fn check(note: &Note, recordings: Option<&[RecordingEntry]>, expected: &str) {
    let told = match decide(note, &ended(), recordings, "") {
        Decision::AskContact => "ask".to_owned(),
        Decision::NotStreamed => "not streamed".to_owned(),
        Decision::Save(message) => {
            let text = |number: Option<_>| number.map_or("-".to_owned(), |it: String| it);
            let range = message.claim.range;
            let number = |number: Option<crate::media::fragment::FragmentNumber>| {
                text(number.map(|number| number.to_string()))
            };
            let time = |time: Option<EpochMillis>| text(time.map(|time| time.0.to_string()));
            let stream = message.stream.rsplit(':').next().unwrap_or_default();
            format!(
                "{stream} {}..{} {}..{} +{}",
                number(range.start),
                number(range.stop),
                time(message.times.started),
                time(message.times.stopped),
                message.elsewhere
            )
        }
    };
    assert_eq!(told, expected);
}

fn entry(stream: &str, fragments: (u32, u32), times: (i64, i64)) -> RecordingEntry {
    let known = |number: u32| (number > 0).then(|| number.to_string().parse().unwrap());
    let at = |after: i64| (after != i64::MAX).then(|| EpochMillis(RECEIVED.0 + after));
    RecordingEntry {
        storage: Some(KVS.into()),
        location: Some(format!("arn:aws:kinesisvideo:r:1:{stream}").into()),
        start_fragment: known(fragments.0),
        stop_fragment: known(fragments.1),
        started: at(times.0),
        stopped: at(times.1),
        ..RecordingEntry::default()
    }
}

#[test]
fn a_note_without_a_stream_asks_for_the_contacts_recordings() {
    const OPEN: i64 = i64::MAX;
    check(&before(), None, "ask");
    check(&before(), Some(&[]), "not streamed");
    let s3 = RecordingEntry {
        storage: Some("S3".into()),
        ..entry("bucket", (0, 0), (0, 1_000))
    };
    check(&before(), Some(std::slice::from_ref(&s3)), "not streamed");
    let earlier = entry("a", (1, 2), (-3_600_000, -3_590_000));
    check(
        &before(),
        Some(std::slice::from_ref(&earlier)),
        "not streamed",
    );
    let first = entry("a", (5, 9), (-1_000, 1_000));
    check(
        &before(),
        Some(&[s3, earlier, first.clone()]),
        "a 5..9 1760006598000..1760006600000 +0",
    );
    let second = entry("a", (12, 14), (1_500, 2_000));
    check(
        &before(),
        Some(&[second.clone(), first.clone()]),
        "a 5..14 1760006598000..1760006601000 +0",
    );
    // The second one goes on: the call's end is its own.
    let open = entry("a", (12, 0), (1_500, OPEN));
    check(
        &before(),
        Some(&[open, first.clone()]),
        "a 5..- 1760006598000..1760006602000 +0",
    );
    let other = entry("b", (12, 14), (1_500, 2_000));
    check(
        &before(),
        Some(&[first, other]),
        "a 5..9 1760006598000..1760006600000 +1",
    );
    let bare = entry("a", (0, 0), (OPEN, OPEN));
    check(
        &before(),
        Some(&[bare]),
        "a -..- 1760006599000..1760006602000 +0",
    );
}

#[test]
fn what_the_note_says_of_its_end_holds_unless_it_lies_before_its_start() {
    let stopped = |number: &str, after: i64| {
        let mut note = streaming();
        if let Some(streamed) = &mut note.streamed {
            streamed.start_fragment = "50".parse().ok();
            streamed.stop_fragment = number.parse().ok();
            streamed.stopped = Some(EpochMillis(RECEIVED.0 + after));
        }
        note
    };
    let stream = "stream/two-callers/1760000000000";
    let check = |note: &Note, expected: &str| check(note, None, &format!("{stream} {expected} +0"));
    check(&stopped("60", 2_000), "50..60 1760006598411..1760006601000");
    check(&stopped("40", 2_000), "50..- 1760006598411..1760006601000");
    // A stop behind the end of the call, and one before the start.
    check(&stopped("60", 9_000), "50..60 1760006598411..1760006602000");
    check(
        &stopped("60", -9_000),
        "50..60 1760006598411..1760006598411",
    );
}

/// Nothing but the contact is known, and still there is a message to look for.
#[test]
fn a_note_that_could_not_be_read_is_worked_by_its_name() {
    let name = NoteName::parse("2025/10/09/10-43-19_c").unwrap();
    let bare = entry("a", (5, 9), (0, 1_000));
    check(
        &Note::of_name(&name),
        Some(&[bare]),
        "a 5..9 1760006599000..1760006600000 +0",
    );
}

proptest! {
    #[test]
    fn no_times_and_numbers_panic(
        received in any::<i64>(),
        ended in any::<i64>(),
        entries in prop::collection::vec((any::<u32>(), any::<u32>(), prop::option::of(any::<i64>()), prop::option::of(any::<i64>())), 0..4),
    ) {
        let recordings: Vec<_> = entries
            .into_iter()
            .map(|(start, stop, started, stopped)| RecordingEntry {
                started: started.map(EpochMillis),
                stopped: stopped.map(EpochMillis),
                ..entry("a", (start, stop), (0, 0))
            })
            .collect();
        let note = Note { received: Some(EpochMillis(received)), ..before() };
        let over = Over { ended: EpochMillis(ended), ..self::ended() };
        if let Decision::Save(message) = decide(&note, &over, Some(&recordings), "") {
            let range = message.claim.range;
            prop_assert!(range.start.zip(range.stop).is_none_or(|(start, stop)| start <= stop));
            prop_assert!(message.times.started <= message.times.stopped);
        }
    }
}
