//! Listings that lack what the record names: mended where another window or a little time
//! mends them, else never a complete recording.

use callreel::failure::Action;
use callreel::port::FragmentSource;
use callreel::recorder::Again;

use super::*;

const ON: &str = "ListFragments";
const CODE: &str = "listing_incomplete";
/// How often a stream is listed that never tells all: over five windows, and again after
/// each of four waits.
const LISTINGS: u64 = 9;

/// Calls of an effect from the `after`th on.
fn from(after: u32, times: Option<u32>, effect: Effect) -> Rule {
    Rule {
        after,
        times,
        ..Rule::once(ON, effect)
    }
}

fn nothing_listed() -> Effect {
    Effect::Answer {
        code: 200,
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
        body: r#"{"Fragments": []}"#.to_owned(),
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn what_another_window_or_a_little_time_gives_is_whole() {
    let young = || Effect::NothingBeforeCreation;
    for rules in [
        vec![always(ON, young())],
        vec![from(0, Some(1), Effect::DropStart)],
        vec![from(0, Some(1), Effect::DropStop)],
        vec![from(0, Some(1), Effect::DropEnds)],
        vec![from(0, Some(1), nothing_listed())],
        // Each lacks what the other has.
        vec![
            from(0, Some(1), Effect::DropStop),
            from(0, None, Effect::DropStart),
        ],
        // All of the first round, and one later.
        vec![from(0, Some(6), Effect::DropEnds)],
        vec![from(0, Some(6), nothing_listed())],
    ] {
        let world = World::with(SHORT, rules.clone()).await;
        eprintln!("{rules:?}");
        world.check(world.record().await);
    }
}

/// A stream that is as young as its first call, and a record that does not tell the start
/// in the one way or the other.
#[tokio::test]
async fn the_start_is_found_by_whatever_tells_it() {
    let denied = || always("DescribeStream", status(403, "AccessDeniedException"));
    let young = || always(ON, Effect::NothingBeforeCreation);
    for (with_time, with_number, rules) in [
        // The number's own time.
        (true, true, vec![young(), denied()]),
        (false, true, vec![young(), denied()]),
        // When the stream was made. Nothing proves what is listed then but the stop.
        (true, false, vec![young()]),
        (false, false, vec![young()]),
    ] {
        let mut world = World::with(SHORT, rules).await;
        if !with_time {
            world.plan.times.started = None;
        }
        if !with_number {
            world.plan.claim.range.start = None;
        }
        world.check(world.record().await);
    }
}

/// However often it is asked, it lacks the same: what is listed is recorded, and told to be
/// partial, though every fragment came that anybody knows of.
#[tokio::test]
async fn what_stays_incomplete_is_partial_and_read_again() {
    let check = async |effect: Effect, lacks: &str| {
        let rules = vec![always(ON, effect.clone())];
        let world = World::with(SHORT, rules).await;
        let verdict = world.record().await.unwrap().verdict;
        assert_eq!(world.calls(ON), LISTINGS, "{effect:?}");
        assert_eq!(verdict.status, Status::Partial, "{effect:?}");
        let codes: Vec<_> = verdict.reasons.iter().map(|reason| &*reason.code).collect();
        assert_eq!(codes, [CODE], "{effect:?}");
        let detail = &verdict.reasons[0].detail;
        assert!(detail.contains(lacks), "{effect:?}: {detail}");
        // Redriven when KVS lists it, it is whole.
        world.faults(vec![]);
        let mut recorder = world.recorder();
        recorder.reading.again = Again::IfNotComplete;
        let again = recorder.record(&world.plan, &NoDeadline, |_| ()).await;
        world.check(again);
    };
    tokio::join!(
        check(Effect::DropStart, "the first fragment"),
        check(Effect::DropStop, "the last fragment"),
        check(Effect::DropEnds, "the first and the last fragment"),
        check(nothing_listed(), "(none is listed)"),
    );
}

/// While the audio is safe for long, the recording is made later, and whole.
#[tokio::test]
async fn a_fresh_recording_is_handed_back() {
    let world = World::of(SynthCall {
        millis: SHORT,
        start_epoch_millis: now() - 60_000,
        ..SynthCall::default()
    })
    .await;
    world.faults(vec![always(ON, Effect::DropEnds)]);
    let failure = world.record().await.unwrap_err();
    let told = (failure.kind, failure.action());
    let expected = (FailureKind::ListingIncomplete, Action::RetryLater);
    assert_eq!(told, expected, "{failure}");
    assert_eq!(world.calls("GetMediaForFragmentList"), 0);
    world.faults(vec![]);
    world.check(world.record().await);
}

/// Retention that is over is no listing that lacks something.
#[tokio::test]
async fn a_window_outside_of_the_retention_stays_permanent() {
    let over = Effect::Answer {
        code: 400,
        headers: [(
            "x-amzn-errortype".to_owned(),
            "InvalidArgumentException".to_owned(),
        )]
        .into(),
        body:
            r#"{"Message": "End timestamp 2025-10-09 is outside of the stream retention period."}"#
                .to_owned(),
    };
    let world = World::with(SHORT, vec![always(ON, over)]).await;
    let failure = world.record().await.unwrap_err();
    let told = (failure.kind, failure.action());
    assert_eq!(
        told,
        (FailureKind::RetentionOver, Action::Park),
        "{failure}"
    );
    assert_eq!(world.calls(ON), 1);
}

/// A record without any number: only a list with nothing at all is a proof.
#[tokio::test]
async fn nothing_listed_of_a_long_recording_is_no_empty_one() {
    let mut world = World::with(SHORT, vec![always(ON, nothing_listed())]).await;
    world.plan.claim.range = callreel::media::fragment::FragmentRange::default();
    let verdict = world.record().await.unwrap().verdict;
    assert_eq!(verdict.status, Status::Failed);
    assert_eq!(verdict.reasons[0].code, CODE);
    let source = world.recorder().source;
    let listed = source
        .list(callreel::port::Whereabouts {
            stream: &world.plan.stream,
            range: world.plan.claim.range,
            times: world.plan.times,
        })
        .await;
    assert!(listed.unwrap().incomplete);
}
