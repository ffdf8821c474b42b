use super::*;
use crate::connect::record::{LeftOut, read_contact_records};
use crate::failure::KeyTrouble;
use crate::recorder::Timings;
use crate::recording::decide::{Decision, decide};
use crate::recording::plan::Policy;
use crate::recording::verdict::{Reason, Verdict};
use FailureKind::*;

fn plan() -> Box<RecordingPlan> {
    let call = crate::synth::SynthCall::default();
    let record = call.contact_record("s").to_string();
    let record = read_contact_records(record.as_bytes()).remove(0).unwrap();
    let policy = Policy::new("", "https://d.example/");
    match decide(&record, &policy).remove(0) {
        Decision::Record(plan) => plan,
        Decision::Skip(reason) => panic!("{reason}"),
    }
}

fn failure(kind: FailureKind) -> Failure {
    Failure::new(kind, "the subject", "the cause")
}

fn recorded(status: Status, noted: AttributesOutcome) -> Worked {
    let plan = plan();
    let mut verdict = Verdict::of_failure(&plan, &failure(Refused));
    verdict.status = status;
    verdict.reasons = vec![Reason {
        code: "fragments_missing".to_owned(),
        detail: "5 of 5 fragments are missing".to_owned(),
    }];
    let recorded = Recorded {
        verdict,
        found: false,
        attributes: noted,
        timings: Timings::default(),
    };
    Worked::Recorded(plan, Box::new(recorded))
}

fn skipped(reason: SkipReason) -> Worked {
    Worked::Skipped {
        contact: "c".into(),
        reason,
    }
}

fn left_out() -> LeftOut {
    LeftOut {
        first: "odd".to_owned(),
        count: 1,
    }
}

/// Every kind of failure, in the order of the type; a new one does not compile without a
/// place here.
fn kinds() -> Vec<FailureKind> {
    let mut kinds = vec![StreamNotNamed];
    loop {
        kinds.push(match kinds[kinds.len() - 1] {
            StreamNotNamed => StreamMissing,
            StreamMissing => StreamEmpty,
            StreamEmpty => NotThere,
            NotThere => NotAFile,
            NotAFile => RetentionOver,
            RetentionOver => Key(KeyTrouble::AccessDenied),
            Key(_) => ReadDenied,
            ReadDenied => ReadFailed,
            ReadFailed => Unreadable,
            Unreadable => StoreFull,
            StoreFull => WriteDenied,
            WriteDenied => WriteBlocked,
            WriteBlocked => WriteFailed,
            WriteFailed => OutOfTime,
            OutOfTime => Contended,
            Contended => TooLong,
            TooLong => Denied("a:B"),
            Denied(_) => NoCredentials,
            NoCredentials => Throttled,
            Throttled => Unavailable,
            Unavailable => ConnectionLost,
            ConnectionLost => BucketMissing,
            BucketMissing => ContactMissing,
            ContactMissing => InstanceUnknown,
            InstanceUnknown => QueueMissing,
            QueueMissing => Refused,
            Refused => RecordUnreadable,
            RecordUnreadable => NotLocated,
            NotLocated => NothingCame,
            NothingCame => ListingIncomplete,
            ListingIncomplete => WrongRegion,
            WrongRegion => Archived,
            Archived => Defect,
            Defect => return kinds,
        });
    }
}

/// What each outcome asks for, and by which kind of failure.
#[test]
fn every_outcome_asks_for_what_it_needs() {
    #[track_caller]
    fn check(worked: &Worked, action: Option<Action>, kind: Option<FailureKind>) {
        let trouble = worked.trouble();
        assert_eq!(trouble.as_ref().map(|trouble| trouble.failure.kind), kind);
        assert_eq!(worked.action(), action);
        let whole = WorkedRecord { parts: vec![] };
        assert_eq!(whole.action(), None);
    }
    let park = Some(Action::Park);
    check(
        &Worked::Undecodable("x".into()),
        park,
        Some(RecordUnreadable),
    );
    let unreadable = Worked::NotAContactRecord(NotAContactRecord::Unreadable(left_out()));
    check(&unreadable, park, Some(RecordUnreadable));
    let not_opened = Worked::NotOpened {
        contact: None,
        failure: failure(Defect),
    };
    check(&not_opened, park, Some(Defect));
    let other = Worked::NotAContactRecord(NotAContactRecord::OtherShape(left_out()));
    check(&other, None, None);
    let missing = "no Location".to_owned();
    check(
        &skipped(SkipReason::NotLocated { missing }),
        park,
        Some(NotLocated),
    );
    for reason in [
        SkipReason::NotVoice { channel: None },
        SkipReason::NotAuthorised { auth: None },
        SkipReason::OtherInstance {
            instance: "i".into(),
        },
        SkipReason::NoKvsRecording,
        SkipReason::AlreadyRecorded,
        SkipReason::AttributeNotOurs {
            attribute: "a",
            ours: "https://d.example/".into(),
        },
    ] {
        check(&skipped(reason), None, None);
    }
    for kind in kinds() {
        let failed = Worked::Failed(plan(), failure(kind));
        check(&failed, Some(kind.action()), Some(kind));
        for status in [Status::Complete, Status::Partial] {
            let noted = recorded(status, AttributesOutcome::Failed(failure(kind)));
            check(&noted, Some(kind.action()), Some(kind));
        }
    }
    for status in [Status::Complete, Status::Partial, Status::Empty] {
        for noted in [
            AttributesOutcome::Written,
            AttributesOutcome::Unchanged,
            AttributesOutcome::NothingToWrite,
            AttributesOutcome::NotOurs {
                attribute: "a",
                ours: "https://d/".to_owned(),
            },
            AttributesOutcome::NoRoom { bytes: 40_000 },
        ] {
            check(&recorded(status, noted), None, None);
        }
    }
    let nothing = recorded(Status::Failed, AttributesOutcome::NothingToWrite);
    check(&nothing, Some(Action::RetryLater), Some(NothingCame));
}

#[test]
fn a_trouble_names_contact_recording_and_reason() {
    let plan = plan();
    let nothing = recorded(Status::Failed, AttributesOutcome::NothingToWrite);
    let trouble = nothing.trouble().unwrap();
    assert_eq!(trouble.contact, Some(&*plan.id.contact));
    assert_eq!(trouble.plan, Some(&*plan));
    assert_eq!(
        trouble.failure.cause,
        "nothing could be read: 5 of 5 fragments are missing"
    );
    let undecodable = Worked::Undecodable("data is not base64.".into());
    let trouble = undecodable.trouble().unwrap();
    assert_eq!((trouble.contact, trouble.plan), (None, None));
    assert!(
        trouble
            .failure
            .to_string()
            .starts_with("the record: data is not base64; look what it was")
    );
}

#[test]
fn of_several_parts_the_one_that_can_be_tried_at_once_decides() {
    let part = |kind| Worked::Failed(plan(), failure(kind));
    let action = |parts: Vec<Worked>| WorkedRecord { parts }.action();
    let (park, later, retry) = (Denied("a:B"), NothingCame, Throttled);
    assert_eq!(
        action(vec![part(park), part(later), part(retry)]),
        Some(Action::Retry)
    );
    assert_eq!(
        action(vec![part(park), part(later)]),
        Some(Action::RetryLater)
    );
    assert_eq!(
        action(vec![
            recorded(Status::Complete, AttributesOutcome::Written),
            part(park)
        ]),
        Some(Action::Park)
    );
    let all = WorkedRecord {
        parts: vec![
            part(park),
            recorded(Status::Complete, AttributesOutcome::Written),
            part(retry),
        ],
    };
    assert_eq!(all.troubles().count(), 2);
}
