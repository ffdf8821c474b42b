use super::*;
use crate::connect::record::read_contact_records;
use crate::failure::{Failure, FailureKind};
use crate::media::sides::Authorisation;
use crate::recording::decide::{Decision, decide};
use crate::recording::plan::{Policy, Times, Urls};
use crate::recording::verdict::FileEntry;
use crate::synth::SynthCall;

fn policy() -> Policy {
    Policy::new("rec/", "https://d.example/")
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

fn candidate(verdict: Option<Verdict>) -> Candidate {
    Candidate {
        plan: Box::new(plan("c")),
        verdict,
        found: Vec::new(),
    }
}

fn file() -> FileEntry {
    FileEntry {
        kind: "from".into(),
        key: "k".into(),
        url: "u".into(),
        bytes: 44,
        ..FileEntry::default()
    }
}

#[test]
fn what_is_to_be_done_depends_on_the_verdict() {
    #[track_caller]
    fn check(status: Status, missing: u64, urls: Urls, expected: Result<Step, Done>) {
        let verdict = Some(verdict(status, missing));
        assert_eq!(step(&candidate(verdict), urls), expected);
    }
    use Urls::{Lacking, OnContact};
    assert_eq!(step(&candidate(None), OnContact), Ok(Step::Record));
    // Deleted ones do not come back while their URLs stand.
    let mut deleted = candidate(None);
    deleted.plan.urls = OnContact;
    assert_eq!(step(&deleted, OnContact), Err(Done::OnContact));
    check(Status::Failed, 0, OnContact, Ok(Step::Record));
    check(Status::Failed, 3, Lacking, Ok(Step::Record));
    check(Status::Partial, 3, OnContact, Ok(Step::ReadAgain));
    check(Status::Partial, 3, Lacking, Ok(Step::ReadAgain));
    check(Status::Partial, 0, OnContact, Err(Done::NothingMissing));
    check(Status::Partial, 0, Lacking, Ok(Step::Note));
    check(Status::Complete, 0, OnContact, Err(Done::Complete));
    check(Status::Complete, 0, Lacking, Ok(Step::Note));
    check(Status::Empty, 0, OnContact, Err(Done::Empty));

    // Whatever the verdict says, its record can name more.
    for status in [Status::Complete, Status::Partial, Status::Empty] {
        let mut longer = candidate(Some(verdict(status, 0)));
        longer.plan.claim.range.stop = longer.plan.claim.range.stop.map(|stop| stop.successor());
        assert_eq!(step(&longer, OnContact), Ok(Step::Widen));
        longer.plan.authorisation = Authorisation::FromCustomer;
        assert_eq!(step(&longer, OnContact), Ok(Step::Widen), "it is told");
        let told = longer
            .verdict
            .take()
            .map(|verdict| verdict.less_authorised());
        longer.verdict = told;
        assert_eq!(step(&longer, OnContact), Err(Done::NothingMissing));
    }
    let kept = verdict(Status::Partial, 0);
    let mut kept = Verdict {
        files: vec![file()],
        ..kept
    };
    kept = kept.not_widened(&kept);
    assert_eq!(step(&candidate(Some(kept)), OnContact), Ok(Step::ReadAgain));
    // What was not listed may be listed later.
    let mut unlisted = verdict(Status::Partial, 0);
    unlisted.reasons.push(crate::recording::verdict::Reason {
        code: LISTING_INCOMPLETE.to_owned(),
        detail: String::new(),
    });
    assert_eq!(
        step(&candidate(Some(unlisted)), OnContact),
        Ok(Step::ReadAgain)
    );
}

#[test]
fn a_plan_comes_back_out_of_its_verdict() {
    let mut plan = plan("c");
    plan.initial_contact = "leg1".into();
    plan.previous_contact = Some("leg2".into());
    plan.next_contact = Some("leg3".into());
    plan.claim.contacts = ["c", "leg1", "leg2", "leg3"].map(Box::from).into();
    plan.has_siblings = true;
    let failure = Failure::new(FailureKind::Throttled, "s", "too much");
    let mut verdict = Verdict::of_failure(&plan, &failure);
    let key = plan.keys.verdict();
    let mut back = plan_of_verdict(&key, &verdict).unwrap();
    back.id.initiated = plan.id.initiated;
    // What was recorded once is recorded again only if the contact allows it still.
    plan.consent = crate::media::sides::Consent::AskFirst;
    assert_eq!(back, plan);
    let other = plan_of_verdict("rec/2025/10/09/x_1_verdict.json", &verdict).unwrap_err();
    assert_eq!(other, "its key is not one of contact c");
    verdict.recording.start_fragment = Some("x".into());
    assert!(plan_of_verdict(&key, &verdict).is_err());
    verdict.recording.authorised = Some(Vec::new());
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

/// Two messages of one call: the later one names more.
#[test]
fn of_two_records_all_that_either_names_is_kept() {
    let mut shorter = candidate(None);
    let longer = candidate(None);
    shorter.plan.claim.range.stop = shorter.plan.claim.range.start;
    shorter.plan.authorisation = Authorisation::ToCustomer;
    for order in [[&shorter, &longer], [&longer, &shorter]] {
        let merged = merge(order.map(Candidate::clone));
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].plan, longer.plan);
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
    planned[0].candidate.plan.initial_contact = "hour left".into();
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
    plan.times.started = None;
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

mod again {
    use super::super::again::{Register, Try, how_to_try, is_open, is_over, period, register_key};
    use super::*;
    use crate::recording::verdict::{
        LESS_AUTHORISED, LISTING_INCOMPLETE, NOT_STREAMED, NOT_WIDENED, Reason,
    };

    const HOUR: i64 = 3_600_000;
    const KEPT: Duration = Duration::from_secs(24 * 3_600);

    fn reason(code: &str) -> Reason {
        Reason {
            code: code.into(),
            detail: String::new(),
        }
    }

    #[test]
    fn the_register_comes_back_and_a_broken_one_is_empty() {
        assert_eq!(register_key("rec/"), "rec/again.json");
        let register = Register {
            looked_until: Some("2026-11-20T10:00:00Z".into()),
            open: vec!["rec/a_verdict.json".into()],
            ..Register::default()
        };
        assert_eq!(Register::read(Some(&register.to_json())), register);
        let from = register.looks_from().map(EpochMillis::to_rfc3339);
        assert_eq!(from.as_deref(), Some("2026-11-20T09:50:00.000Z"));
        for broken in [None, Some(&b"{"[..]), Some(b"[]")] {
            let empty = Register::read(broken);
            assert_eq!((empty.looks_from(), empty.open.len()), (None, 0));
        }
    }

    #[test]
    fn the_days_that_streams_may_keep_are_looked_at() {
        let now = read_time("2026-03-03T01:00:00Z").unwrap();
        let folders = period(KEPT, now).folders();
        // A contact begins up to a day before its recording.
        let days = [
            "2026/02/28/",
            "2026/03/01/",
            "2026/03/02/",
            "2026/03/03/",
            "undated/",
        ];
        assert_eq!(folders, days);
        assert!(period(Duration::MAX, now).folders().len() <= 802);
    }

    #[test]
    fn what_is_open_is_what_may_have_lost_something() {
        #[track_caller]
        fn check(status: Status, codes: &[&str], open: bool) {
            let mut verdict = verdict(status, 0);
            verdict.reasons = codes.iter().map(|code| reason(code)).collect();
            assert_eq!(is_open(&verdict), open, "{codes:?}");
            verdict.gave_up_at = Some("2026-11-20T10:00:00Z".into());
            assert!(!is_open(&verdict));
        }
        check(Status::Complete, &[], false);
        check(Status::Empty, &[NOT_STREAMED], false);
        check(Status::Failed, &["failure"], true);
        check(Status::Partial, &["damage"], true);
        check(Status::Partial, &[NOT_STREAMED], false);
        check(Status::Partial, &[LESS_AUTHORISED, NOT_STREAMED], false);
        check(Status::Partial, &[NOT_STREAMED, "unproven"], true);
    }

    #[test]
    fn a_recording_is_over_when_its_end_is_no_longer_kept() {
        let mut plan = plan("c");
        let verdict = verdict(Status::Partial, 1);
        let stopped = plan.times.stopped.unwrap();
        let later = |hours: i64| EpochMillis(stopped.0 + hours * HOUR);
        assert!(!is_over(&plan, &verdict, KEPT, later(23)));
        assert!(is_over(&plan, &verdict, KEPT, later(24)));
        // By its stop fragment's number, or by the audio that there is.
        plan.times = Times::default();
        assert!(!is_over(&plan, &verdict, KEPT, later(23)));
        assert!(is_over(&plan, &verdict, KEPT, later(25)));
        plan.claim.range.stop = None;
        let mut told = verdict.clone();
        told.span.ends_at = Some(later(100).to_rfc3339());
        assert!(!is_over(&plan, &told, KEPT, later(123)));
        assert!(is_over(&plan, &told, KEPT, later(124)));
        // Nobody knows when it was: it is not tried for ever.
        plan.id.start = RecordingStart::Fragment("7".parse().unwrap());
        assert!(is_over(&plan, &verdict, KEPT, later(0)));
    }

    #[test]
    fn nothing_is_read_as_a_whole_hour_after_hour() {
        let plan = plan("c");
        let now = EpochMillis(plan.times.started.unwrap().0 + 10 * HOUR);
        let ago = |minutes: i64| Some(EpochMillis(now.0 - minutes * 60_000));
        let how = |verdict: &Verdict, written| how_to_try(&plan, verdict, written, KEPT, now);
        // Failed ones are left alone for an hour: others try, too.
        let failed = verdict(Status::Failed, 0);
        assert_eq!(how(&failed, ago(59)), None);
        assert_eq!(how(&failed, ago(61)), Some(Try::Read));
        assert_eq!(how(&failed, None), Some(Try::Read));
        let missing = verdict(Status::Partial, 2);
        assert_eq!(how(&missing, ago(5)), Some(Try::Look));
        assert_eq!(how(&missing, None), Some(Try::Look));
        let mut unlisted = verdict(Status::Partial, 0);
        assert_eq!(how(&unlisted, ago(5)), None);
        unlisted.reasons = vec![reason(LISTING_INCOMPLETE)];
        assert_eq!(how(&unlisted, None), Some(Try::Look));
        let mut damaged = verdict(Status::Partial, 0);
        damaged.fragments.damaged = 1;
        assert_eq!(how(&damaged, ago(5)), Some(Try::Read));
        assert_eq!(how(&damaged, None), None);
        damaged.fragments.missing = 1;
        assert_eq!(how(&damaged, None), Some(Try::Look));
        let mut kept = missing.clone();
        kept.reasons = vec![reason(NOT_WIDENED)];
        assert_eq!(how(&kept, ago(5)), Some(Try::Read));
        assert_eq!(how(&kept, None), None);
        // Its beginning expired: what is read now would be less.
        let late = EpochMillis(plan.times.started.unwrap().0 + 24 * HOUR);
        assert_eq!(how_to_try(&plan, &missing, None, KEPT, late), None);
        assert_eq!(
            how_to_try(&plan, &failed, None, KEPT, late),
            Some(Try::Read)
        );
    }
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
    // The batch as somebody's editor left it.
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
