use super::super::{
    FileEntry, FragmentCounts, Gap, GapCause, Gaps, MissingEntry, RecordingNames, SCHEMA, Sides,
    SpanTimes,
};
use super::*;
use crate::media::attribution::Claim;
use crate::media::fragment::FragmentRange;
use crate::media::sides::Authorisation;
use crate::recording::key::{RecordingId, RecordingStart};
use crate::recording::plan::{Times, Urls};

/// Samples of a fragment; numbers begin at 1, and fragment 1 begins at this millisecond.
const FRAGMENT: u64 = 8_000;
const BEGIN: i64 = 1_000;

/// A recording of these fragments, of which some are missing: silence in both sides.
fn read(
    fragments: std::ops::RangeInclusive<u64>,
    missing: &[u64],
    authorisation: Authorisation,
) -> Verdict {
    let (first, last) = (*fragments.start(), *fragments.end());
    let came: Vec<_> = fragments
        .clone()
        .filter(|at| !missing.contains(at))
        .collect();
    let origin = came.first().copied().unwrap_or(first);
    let end = came.last().map_or(origin, |last| last + 1);
    let gaps = (origin..end).filter(|at| missing.contains(at));
    let gaps: Vec<_> = gaps
        .map(|at| gap((at - origin) * FRAGMENT, FRAGMENT))
        .collect();
    let side = Side {
        offset_samples: (!came.is_empty()).then_some(0),
        audio_samples: came.len() as u64 * FRAGMENT,
        gaps: Gaps {
            count: gaps.len() as u64,
            samples: gaps.len() as u64 * FRAGMENT,
            seconds: 0.0,
            list: gaps,
        },
        ..Side::default()
    };
    let directions = authorisation.directions();
    let side = |direction| directions.contains(&direction).then(|| side.clone());
    let entry = |at: &u64| MissingEntry {
        fragment: at.to_string(),
        cause: String::new(),
        at_seconds: None,
    };
    Verdict {
        schema: SCHEMA.to_owned(),
        callreel: String::new(),
        status: match (came.is_empty(), missing) {
            (true, _) => Status::Failed,
            (false, []) => Status::Complete,
            (false, _) => Status::Partial,
        },
        reasons: Vec::new(),
        gave_up_at: None,
        recording: RecordingNames {
            contact_id: "c".into(),
            initial_contact_id: "c".into(),
            start_fragment: Some("1".into()),
            stop_fragment: Some(last.to_string()),
            authorised: Some(
                directions
                    .iter()
                    .map(|side| side.name().to_owned())
                    .collect(),
            ),
            ..RecordingNames::default()
        },
        span: SpanTimes {
            samples: (end - origin) * FRAGMENT,
            media_start_millis: (!came.is_empty()).then_some(BEGIN + (origin as i64 - 1) * 1_000),
            record_stops_at: Some(EpochMillis(last as i64 * 1_000).to_rfc3339()),
            ..SpanTimes::default()
        },
        fragments: FragmentCounts {
            own: came.len() as u64,
            last: Some(last.to_string()),
            missing: missing.len() as u64,
            missing_list: missing.iter().map(entry).collect(),
            ..FragmentCounts::default()
        },
        sides: Sides {
            from: side(Direction::FromCustomer),
            to: side(Direction::ToCustomer),
        },
        notes: Vec::new(),
        left_out: Vec::new(),
        call: None,
        sound: None,
        peaks: None,
        one_way_audio: false,
        clock_breaks: 0,
        files: vec![FileEntry {
            kind: "from".into(),
            key: "k".into(),
            url: "u".into(),
            bytes: 1,
            ..FileEntry::default()
        }],
    }
}

fn gap(at_sample: u64, samples: u64) -> Gap {
    Gap {
        at_sample,
        at_seconds: 0.0,
        samples,
        seconds: 0.0,
        cause: GapCause::Lost,
        fragments: Vec::new(),
    }
}

fn both(fragments: std::ops::RangeInclusive<u64>, missing: &[u64]) -> Verdict {
    read(fragments, missing, Authorisation::Both)
}

/// Which of two readings may take the other's place.
#[test]
fn a_recording_is_replaced_only_by_more_of_it() {
    use Authorisation::{FromCustomer, ToCustomer};
    #[track_caller]
    fn check(old: &Verdict, new: &Verdict, more: bool) {
        assert_eq!(new.holds_more_than(old), more);
    }
    let old = both(1..=12, &[5, 6]);
    check(&old, &both(1..=12, &[]), true);
    check(&old, &both(1..=12, &[6]), true);
    check(&old, &old, false);
    check(&old, &both(1..=12, &[5, 6, 7]), false);
    // The front expired, while more came behind it.
    check(&old, &both(3..=12, &[]), false);
    check(&old, &both(1..=12, &[1]), false);
    // What was missing at the front came.
    check(&both(1..=12, &[1, 2]), &both(1..=12, &[2]), true);
    check(&both(1..=12, &[1, 2]), &both(1..=12, &[]), true);
    let mut failed = both(1..=12, &[6]);
    failed.status = Status::Failed;
    check(&old, &failed, false);
    // More on one side, at the other's cost.
    let mut lopsided = both(1..=12, &[6]);
    lopsided.sides.from.as_mut().unwrap().audio_samples += 5_000;
    let to = lopsided.sides.to.as_mut().unwrap();
    to.audio_samples = old.sides.to.as_ref().unwrap().audio_samples - 1;
    check(&old, &lopsided, false);
    // It has as many fragments, and all is well now: what was damaged came whole.
    let mut damaged = both(1..=12, &[]);
    damaged.status = Status::Partial;
    check(&damaged, &both(1..=12, &[]), true);
    check(&both(1..=12, &[]), &damaged, false);
    // It has as many fragments, still damaged, and more audio.
    let mut worse = damaged.clone();
    worse.sides.from.as_mut().unwrap().audio_samples -= 100;
    check(&worse, &damaged, true);
    check(&damaged, &worse, false);

    // A later stop.
    let short = both(1..=4, &[]);
    check(&short, &both(1..=9, &[]), true);
    check(&short, &both(1..=9, &[6]), true);
    check(&short, &both(1..=9, &[5, 6, 7, 8, 9]), true);
    check(&short, &both(1..=9, &[3]), false);
    check(&short, &both(3..=9, &[]), false);
    check(&both(1..=9, &[]), &short, false);
    check(&both(1..=9, &[6]), &short, false);
    check(&both(1..=4, &[3]), &both(1..=9, &[3, 6]), true);
    check(&both(1..=4, &[3]), &both(1..=9, &[2, 6]), false);
    // Five fragments more do not make up for half a second that came damaged.
    let mut torn = both(1..=9, &[]);
    for side in [&mut torn.sides.from, &mut torn.sides.to] {
        let side = side.as_mut().unwrap();
        side.audio_samples -= 4_000;
        side.gaps.samples = 4_000;
        side.gaps.list = vec![gap(3 * FRAGMENT, 4_000)];
    }
    check(&short, &torn, false);
    torn.sides.from.as_mut().unwrap().gaps.list[0].at_sample = 6 * FRAGMENT;
    torn.sides.to.as_mut().unwrap().gaps.list[0].at_sample = 6 * FRAGMENT;
    check(&short, &torn, true);
    // Gaps beyond those that are listed may lie anywhere.
    torn.sides.to.as_mut().unwrap().gaps.list.clear();
    check(&short, &torn, false);

    // It has as many fragments and as much audio, and they are others: none was ever listed.
    let unlisted = |at: u64| {
        let mut read = both(1..=9, &[at]);
        read.fragments.missing = 0;
        read.fragments.missing_list.clear();
        read
    };
    check(&unlisted(3), &both(1..=9, &[]), true);
    let mut longer = unlisted(2);
    longer.recording.stop_fragment = Some("10".into());
    check(&unlisted(3), &longer, false);
    check(&unlisted(2), &longer, true);
    // The last fragment is one of them.
    let mut ends_early = both(1..=8, &[]);
    ends_early.recording.stop_fragment = Some("9".into());
    ends_early.fragments.last = Some("9".into());
    check(&unlisted(3), &ends_early, false);
    // Audio lies where what came before it put it.
    let moved = |by: u64| {
        let mut moved = longer.clone();
        for side in [&mut moved.sides.from, &mut moved.sides.to] {
            side.as_mut().unwrap().gaps.list[0].at_sample += by;
        }
        moved
    };
    check(&unlisted(2), &moved(MOVED), true);
    check(&unlisted(2), &moved(MOVED + 1), false);
    check(&moved(MOVED), &unlisted(2), false);

    // A side more, and one that lacks.
    let from = read(1..=9, &[], FromCustomer);
    check(&from, &both(1..=9, &[]), true);
    check(&both(1..=9, &[]), &from, false);
    check(&from, &read(1..=9, &[], ToCustomer), false);
    check(&read(1..=4, &[], FromCustomer), &both(1..=9, &[7]), true);
    // A side that was silent is a side all the same.
    let mut silent = both(1..=4, &[]);
    silent.sides.to.as_mut().unwrap().audio_samples = 0;
    check(&silent, &read(1..=9, &[], FromCustomer), false);
    // The other side began earlier: the first one's audio is where it was on the clock.
    let mut earlier = both(1..=9, &[]);
    earlier.span.media_start_millis = Some(BEGIN - 500);
    earlier.span.samples += 4_000;
    earlier.sides.from.as_mut().unwrap().offset_samples = Some(4_000);
    check(&from, &earlier, true);
    // The silence before it stands among the gaps.
    let side = earlier.sides.from.as_mut().unwrap();
    side.gaps.samples = 4_000;
    side.gaps.list = vec![gap(0, 4_000)];
    check(&from, &earlier, true);
}

/// A verdict of an older version does not say how far the recording was read.
#[test]
fn an_older_verdict_is_compared_by_what_it_names() {
    let mut old = both(1..=4, &[]);
    old.fragments.last = None;
    assert!(both(1..=9, &[6]).holds_more_than(&old));
    old.recording.stop_fragment = None;
    assert!(both(1..=9, &[]).holds_more_than(&old));
    // It may have had it.
    assert!(!both(1..=9, &[6]).holds_more_than(&old));
    let mut cut = both(1..=12, &[5, 6]);
    cut.fragments.missing_list.truncate(1);
    assert!(both(1..=12, &[6]).holds_more_than(&cut));
}

fn plan(stop: Option<u64>, stops_at: Option<i64>, authorisation: Authorisation) -> RecordingPlan {
    let id = RecordingId {
        contact: "c".into(),
        initiated: None,
        start: RecordingStart::Fragment("1".parse().unwrap()),
    };
    RecordingPlan {
        keys: id.keys(""),
        id,
        initial_contact: "c".into(),
        previous_contact: None,
        next_contact: None,
        parties: crate::recording::parties::Parties::default(),
        instance: None,
        stream: "s".into(),
        claim: Claim {
            range: FragmentRange {
                start: "1".parse().ok(),
                stop: stop.map(|stop| stop.to_string().parse().unwrap()),
            },
            contacts: vec!["c".into()],
        },
        times: Times {
            started: None,
            stopped: stops_at.map(EpochMillis),
        },
        authorisation,
        tags: Vec::new(),
        urls: Urls::Lacking,
        consent: crate::media::sides::Consent::AsRead,
        has_siblings: false,
    }
}

#[test]
fn what_a_later_record_asks_for() {
    use Authorisation::{Both, FromCustomer};
    /// The recording, the later record's stop, time and sides: whether it is covered, and
    /// the stop of all that is known.
    #[track_caller]
    fn check(
        verdict: &Verdict,
        (stop, stops_at): (Option<u64>, Option<i64>),
        sides: Authorisation,
        (covered, until): (bool, Option<u64>),
    ) {
        let plan = plan(stop, stops_at, sides);
        assert_eq!(verdict.covers(&plan), covered);
        let wide = verdict.widened(&plan).claim.range;
        let until = until.map(|until| until.to_string().parse().unwrap());
        assert_eq!(wide.stop, until);
        assert_eq!(wide.start, plan.claim.range.start);
    }
    let recorded = both(1..=9, &[]);
    check(&recorded, (Some(9), None), Both, (true, Some(9)));
    check(&recorded, (Some(4), None), Both, (true, Some(9)));
    check(&recorded, (Some(4), Some(99_000)), Both, (true, Some(9)));
    check(&recorded, (Some(10), None), Both, (false, Some(10)));
    // Numbers are compared as numbers.
    check(&recorded, (Some(1_000), None), Both, (false, Some(1_000)));
    check(&recorded, (None, None), Both, (true, Some(9)));
    check(&recorded, (None, Some(9_000)), Both, (true, Some(9)));
    check(&recorded, (None, Some(10_000)), Both, (false, None));
    check(&recorded, (Some(4), None), FromCustomer, (true, Some(9)));
    let from = read(1..=9, &[], FromCustomer);
    check(&from, (Some(4), None), Both, (false, Some(9)));
    check(&from, (Some(4), None), FromCustomer, (true, Some(9)));
    // Read without a stop number, up to the ninth.
    let mut open = both(1..=9, &[]);
    open.recording.stop_fragment = None;
    check(&open, (Some(7), None), Both, (true, None));
    check(&open, (Some(9), None), Both, (true, None));
    check(&open, (Some(10), None), Both, (false, Some(10)));
    check(&open, (None, Some(9_000)), Both, (true, None));
    open.fragments.last = None;
    check(&open, (Some(7), None), Both, (false, Some(7)));
}

#[test]
fn a_contact_that_is_named_later_is_the_calls() {
    let mut recorded = both(1..=9, &[]);
    recorded.fragments.refused.foreign_contacts = vec!["other".into(), "next".into()];
    let mut plan = plan(Some(9), None, Authorisation::Both);
    assert!(recorded.covers(&plan));
    plan.claim.contacts.push("next".into());
    assert!(!recorded.covers(&plan));
    recorded.recording.previous_contact_id = Some("next".into());
    assert!(recorded.covers(&plan));
}

#[test]
fn what_is_kept_says_why() {
    let short = both(1..=4, &[]);
    let kept = short.not_widened(&both(3..=9, &[]));
    assert_eq!((kept.status, &kept.files), (Status::Partial, &short.files));
    assert_eq!(kept.span.samples, short.span.samples);
    assert_eq!(kept.recording.stop_fragment.as_deref(), Some("9"));
    assert!(kept.has_reason(NOT_WIDENED));
    // What is behind the files was never in them: it may be missing.
    assert!(both(1..=9, &[7]).holds_more_than(&kept));
    assert!(!both(1..=9, &[3]).holds_more_than(&kept));
    assert_eq!(kept.not_widened(&both(3..=9, &[])), kept);
    assert!(kept.covers(&plan(Some(9), None, Authorisation::Both)));
    // There was no audio: there is nothing to keep.
    let mut empty = short.clone();
    empty.files.clear();
    let failed = both(1..=9, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(empty.not_widened(&failed), failed);

    let kept = short.less_authorised();
    assert_eq!(kept.status, Status::Partial);
    assert_eq!(kept.recording, short.recording);
    assert_eq!(kept.less_authorised(), kept);
}
