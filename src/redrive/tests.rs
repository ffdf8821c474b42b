use super::*;
use crate::contact::read_contact_records;
use crate::failure::{Failure, FailureKind};
use crate::plan::{Decision, Policy, decide};
use crate::synth::SynthCall;

fn policy() -> Policy {
    Policy {
        key_prefix: "rec/".into(),
        url_base: "https://d.example/".into(),
        instances: Vec::new(),
    }
}

fn plan(contact: &str) -> RecordingPlan {
    let call = SynthCall {
        contact: contact.into(),
        ..SynthCall::default()
    };
    let record = call.contact_record("s").to_string();
    let record = read_contact_records(record.as_bytes()).remove(0).unwrap();
    match decide(&record, &policy()).remove(0) {
        Decision::Record(plan) => *plan,
        Decision::Skip(reason) => panic!("{reason}"),
    }
}

fn verdict(status: Status, missing: u64) -> Verdict {
    let failure = Failure::new(FailureKind::Throttled, "s", "too much");
    let mut verdict = Verdict::of_failure(&plan("c"), &failure);
    verdict.status = status;
    verdict.fragments.missing = missing;
    verdict
}

#[test]
fn what_is_to_be_done_depends_on_the_verdict() {
    #[track_caller]
    fn check(status: Status, missing: u64, notes: Notes, expected: Result<Step, Done>) {
        assert_eq!(step(Some(&verdict(status, missing)), notes), expected);
    }
    use Notes::{Lacking, There};
    assert_eq!(step(None, There), Ok(Step::Record));
    check(Status::Failed, 0, There, Ok(Step::Record));
    check(Status::Failed, 3, Lacking, Ok(Step::Record));
    check(Status::Partial, 3, There, Ok(Step::ReadAgain));
    check(Status::Partial, 3, Lacking, Ok(Step::ReadAgain));
    check(Status::Partial, 0, There, Err(Done::NothingMissing));
    check(Status::Partial, 0, Lacking, Ok(Step::Note));
    check(Status::Complete, 0, There, Err(Done::Complete));
    check(Status::Complete, 0, Lacking, Ok(Step::Note));
    check(Status::Empty, 0, There, Err(Done::Empty));
    // What was not listed may be listed later.
    let mut unlisted = verdict(Status::Partial, 0);
    unlisted.reasons.push(Reason {
        code: LISTING_INCOMPLETE.to_owned(),
        detail: String::new(),
    });
    assert_eq!(step(Some(&unlisted), There), Ok(Step::ReadAgain));
}

#[test]
fn a_plan_comes_back_out_of_its_verdict() {
    let mut plan = plan("c");
    plan.attributes_contact = "leg1".into();
    plan.previous_contact = Some("leg2".into());
    plan.next_contact = Some("leg3".into());
    plan.claim.contacts = ["c", "leg1", "leg2", "leg3"].map(Box::from).into();
    plan.has_siblings = true;
    let failure = Failure::new(FailureKind::Throttled, "s", "too much");
    let mut verdict = Verdict::of_failure(&plan, &failure);
    let key = plan.keys.verdict();
    let mut back = plan_of_verdict(&key, &verdict).unwrap();
    back.id.initiated = plan.id.initiated;
    assert_eq!(back, plan);
    let other = plan_of_verdict("rec/2025/10/09/x_1_verdict.json", &verdict).unwrap_err();
    assert_eq!(other, "its key is not one of contact c");
    verdict.recording.start_fragment = Some("x".into());
    assert!(plan_of_verdict(&key, &verdict).is_err());
    verdict.recording.authorised.clear();
    assert!(plan_of_verdict(&key, &verdict).is_err());
}

#[test]
fn a_recording_is_one_wherever_it_was_found() {
    let by_record = |contact: &str, found| Candidate {
        plan: Box::new(plan(contact)),
        verdict: None,
        found: vec![found],
    };
    let by_verdict = |contact: &str, found| {
        let mut candidate = by_record(contact, found);
        candidate.plan.keys = candidate.plan.id.keys("elsewhere/");
        candidate.plan.claim.contacts.clear();
        candidate.verdict = Some(verdict(Status::Failed, 0));
        candidate
    };
    for order in [[0, 1, 2, 3], [1, 3, 0, 2], [3, 2, 1, 0]] {
        let all = [
            by_record("a", 0),
            by_verdict("a", 1),
            by_record("b", 2),
            by_record("a", 3),
        ];
        let mut merged = merge(order.map(|at| all[at].clone()));
        merged.sort_by(|a, b| a.plan.id.contact.cmp(&b.plan.id.contact));
        assert_eq!(merged.len(), 2);
        let mut found = merged[0].found.clone();
        found.sort_unstable();
        assert_eq!((found, &merged[1].found), (vec![0, 1, 3], &vec![2]));
        // The record's claim, where the verdict is.
        assert_eq!(merged[0].plan.claim, all[0].plan.claim);
        assert_eq!(merged[0].plan.keys, all[1].plan.keys);
        assert!(merged[0].verdict.is_some());
    }
}

#[test]
fn what_expires_first_comes_first() {
    let now = EpochMillis(100 * DAY);
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3_600));
    let days_ago = |days: i64| Some(EpochMillis(now.0 - days * DAY));
    // (contact, started so many days ago, kept so many hours)
    let mut planned: Vec<_> = [
        ("gone long", days_ago(9), hours(24)),
        ("unknown start", None, hours(24)),
        ("week left", days_ago(0), hours(7 * 24)),
        ("gone", days_ago(1), hours(24)),
        ("not kept", days_ago(0), hours(0)),
        ("hour left", days_ago(1), hours(25)),
        ("unknown stream", days_ago(1), None),
    ]
    .into_iter()
    .map(|(contact, started, kept)| Planned {
        candidate: Candidate {
            plan: Box::new(plan(contact)),
            verdict: None,
            found: Vec::new(),
        },
        step: Step::Record,
        expires: expires(started, kept),
        urgency: urgency(started, kept, now),
    })
    .collect();
    let order = |planned: Vec<Planned>| -> Vec<String> {
        let calls = calls(planned).into_iter().flatten();
        calls
            .map(|planned| planned.candidate.plan.id.contact.to_string())
            .collect()
    };
    let expected = [
        "hour left",
        "week left",
        "unknown start",
        "unknown stream",
        "gone",
        "not kept",
        "gone long",
    ];
    assert_eq!(order(planned.clone()), expected);
    // Another leg of the most urgent call comes with it, behind it.
    planned[0].candidate.plan.attributes_contact = "hour left".into();
    assert_eq!(order(planned)[..3], ["hour left", "gone long", "week left"]);
    assert_eq!(
        urgency(days_ago(1), hours(25), now),
        Urgency::Left(3_600_000)
    );
    assert_eq!(urgency(days_ago(2), hours(24), now), Urgency::Expired(DAY));
}

#[test]
fn a_start_that_the_record_does_not_tell_is_hinted_by_the_number() {
    let mut plan = plan("c");
    let told = started(&plan).unwrap();
    plan.window.0 = None;
    let hinted = started(&plan).unwrap();
    assert!((hinted.0 - told.0).abs() < 5_000, "{hinted:?} {told:?}");
}

#[test]
fn a_period_has_folders_and_pieces() {
    let period = Period {
        since: read_time("2026-02-28T22:00:00Z").unwrap(),
        until: read_time("2026-03-02").unwrap(),
    };
    assert_eq!(
        period.folders(),
        [
            "2026/02/27/",
            "2026/02/28/",
            "2026/03/01/",
            "2026/03/02/",
            "undated/"
        ]
    );
    assert!(period.contains(Some(period.since)) && period.contains(None));
    assert!(!period.contains(Some(period.until)));
    assert!(!period.contains(read_time("2026-02-28")));
    let pieces = period.pieces(1);
    assert_eq!(pieces.len(), 2);
    assert_eq!(
        (pieces[0].since, pieces[1].until),
        (period.since, period.until)
    );
    assert_eq!(pieces[0].until, pieces[1].since);
    assert_eq!(read_time("yesterday"), None);
}

#[test]
fn failed_batches_are_read() {
    let event = SynthCall::default().event_json("s");
    let count_in = |bytes: &[u8]| {
        let records = read_failed_batch(bytes)?;
        Ok::<_, NotAFailedBatch>(records.iter().filter(|record| record.data.is_ok()).count())
    };
    let count = |json: serde_json::Value| count_in(json.to_string().as_bytes());
    let info = serde_json::json!({"shardId": "shardId-000000000001", "batchSize": 1});
    let invocation = |payload: serde_json::Value| {
        serde_json::json!({
            "requestContext": {"condition": "RetryAttemptsExhausted"},
            "version": "1.0",
            "KinesisBatchInfo": info,
            "payload": payload,
        })
    };
    assert_eq!(count(invocation(event.to_string().into())), Ok(1));
    assert_eq!(count(invocation(event.clone())), Ok(1));
    assert_eq!(count(event.clone()), Ok(1));
    // As an editor of theirs left it.
    let mended = format!("\u{feff}{}", invocation(format!("\u{feff}{event}").into()));
    assert_eq!(count_in(mended.as_bytes()), Ok(1));
    let only = serde_json::json!({"KinesisBatchInfo": info});
    assert_eq!(count(only), Err(NotAFailedBatch::OnlyMetadata));
    assert_eq!(
        count(serde_json::json!({})),
        Err(NotAFailedBatch::OtherShape)
    );
    assert!(matches!(
        count(invocation("{}".into())),
        Err(NotAFailedBatch::Payload(_))
    ));
    assert!(matches!(
        read_failed_batch(b"x"),
        Err(NotAFailedBatch::NotJson(_))
    ));
}
