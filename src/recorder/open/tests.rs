use super::*;
use crate::failure::{Action, FailureKind};
use crate::recording::decide::decide;

fn policy() -> Policy {
    Policy::new("", "https://d.example/")
}

/// A stream record with these contacts in it.
fn record(contacts: &[&str]) -> BatchRecord {
    let of = |contact: &&str| {
        let call = crate::synth::SynthCall {
            contact: (*contact).to_owned(),
            ..Default::default()
        };
        call.contact_record("s").to_string()
    };
    BatchRecord {
        item_id: Some(contacts.concat()),
        arrived: None,
        data: Ok(contacts.iter().map(of).collect::<String>().into_bytes()),
    }
}

/// The parts of each record, in words.
fn told(parts: &[Vec<Part>]) -> Vec<Vec<String>> {
    let part = |part: &Part| match part {
        Part::Open(plan) => plan.id.contact.to_string(),
        Part::Ended(Worked::NotOpened { contact, failure }) => {
            assert_eq!(failure.kind, FailureKind::Defect);
            let contact = contact.as_deref().unwrap_or("-");
            format!("{contact}: {}", failure.cause)
        }
        Part::Ended(other) => panic!("{other:?}"),
    };
    parts
        .iter()
        .map(|parts| parts.iter().map(part).collect())
        .collect()
}

fn holds(text: &[u8], part: &str) -> bool {
    String::from_utf8_lossy(text).contains(part)
}

const BROKE: &str = "it broke off by a panic: a library broke";

/// Each row: the contacts of each record, and what is told of them where whatever has to do
/// with the contact `bad` panics.
#[test]
fn a_panic_fails_the_record_that_it_is_about() {
    let read = |data: &[u8]| read_contact_records_within(data, Limits::NONE);
    let decided = |contact: &ContactRecord| decide(contact, &policy());
    let reading = |data: &[u8]| match holds(data, "bad") {
        true => panic!("a library\nbroke"),
        false => read(data),
    };
    let deciding = |contact: &ContactRecord| match &*contact.contact {
        "bad" => panic!("a library\nbroke"),
        _ => decided(contact),
    };
    #[track_caller]
    fn check(parts: &[Vec<Part>], expected: &[&[&str]]) {
        assert_eq!(told(parts), expected);
    }
    let records = [record(&["a"]), record(&["b", "bad", "c"]), record(&["d"])];
    let unread = format!("-: {BROKE}");
    let undecided = format!("bad: {BROKE}");
    check(
        &open_each(&records, read, decided),
        &[&["a"], &["b", "bad", "c"], &["d"]],
    );
    check(
        &open_each(&records, reading, decided),
        &[&["a"], &[&unread], &["d"]],
    );
    check(
        &open_each(&records, read, deciding),
        &[&["a"], &["b", &undecided, "c"], &["d"]],
    );
}

/// As a panic of the recording itself, it is for a person, and the record names its contact.
#[test]
fn a_record_that_is_not_opened_is_parked() {
    let parts = open_each(
        &[record(&["bad"])],
        |data| read_contact_records_within(data, Limits::NONE),
        |_| panic!("a library broke"),
    );
    let Some(Part::Ended(worked)) = parts.into_iter().flatten().next() else {
        panic!("it ended");
    };
    assert_eq!(worked.action(), Some(Action::Park));
    let trouble = worked.trouble().unwrap();
    assert_eq!(trouble.contact, Some("bad"));
    assert_eq!(trouble.failure.kind, FailureKind::Defect);
}
