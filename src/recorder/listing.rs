//! Which fragments a recording has: what is listed and what the record names, and whether a
//! list that is proven incomplete is recorded now or rather later.

use std::time::{Duration, SystemTime};

use crate::failure::Failure;
use crate::media::fragment::{FragmentNumber, FragmentRange};
use crate::media::ticks::EpochMillis;
use crate::port::{FragmentSource, Listing, Whereabouts};
use crate::recording::plan::RecordingPlan;
use crate::recording::redrive;

/// A recording whose listing is incomplete is handed back for so long after it ended: a
/// listing that does not mend itself within hours never will.
const HAND_BACK_FOR: i64 = 6 * HOUR;
/// It waits only while its audio is kept for longer than this (and for more than half of the
/// retention): a record that was handed back can come again more than an hour later.
const KEPT_FOR_SURE: i64 = 3 * HOUR;
/// What a stream is taken to keep where nobody can say.
const KEPT_AT_LEAST: Duration = Duration::from_secs(4 * 3_600);
const HOUR: i64 = 3_600_000;

/// A recording's fragments by their numbers.
pub(super) struct Listed {
    /// In order: what is listed in the range, and the two numbers that the record itself
    /// names, which a listing can lack.
    pub numbers: Vec<FragmentNumber>,
    /// What proves the listing incomplete, in words.
    pub lacks: Option<String>,
}

/// Lists the recording's fragments.
pub(super) async fn list_numbers(
    source: &impl FragmentSource,
    plan: &RecordingPlan,
) -> Result<Listed, Failure> {
    let range = plan.claim.range;
    let whereabouts = Whereabouts {
        stream: &plan.stream,
        range,
        times: plan.times,
    };
    let Listing {
        mut numbers,
        incomplete,
    } = source.list(whereabouts).await?;
    let lacks = incomplete.then(|| lacking(range, &numbers));
    numbers.extend(range.start);
    numbers.extend(range.stop);
    numbers.retain(|number| range.contains(*number));
    numbers.sort_unstable();
    numbers.dedup();
    numbers.shrink_to_fit();
    Ok(Listed { numbers, lacks })
}

/// What an incomplete listing lacks, in words.
fn lacking(range: FragmentRange, listed: &[FragmentNumber]) -> String {
    let lacks = |bound: Option<FragmentNumber>| bound.is_some_and(|bound| !listed.contains(&bound));
    let ends = match (lacks(range.start), lacks(range.stop)) {
        (true, true) => "the first and the last fragment that the record names",
        (true, false) => "the first fragment that the record names",
        (false, true) => "the last fragment that the record names",
        (false, false) => "all of the recording",
    };
    let listed = match listed.len() {
        0 => "none is listed".to_owned(),
        1 => "1 is listed".to_owned(),
        count => format!("{count} are listed"),
    };
    format!("the stream's list of fragments lacks {ends}, and perhaps others ({listed})")
}

/// Whether a recording whose listing is incomplete is better made later, when all may be
/// listed: not so late that its audio could be gone by then.
pub(super) async fn comes_later(source: &impl FragmentSource, plan: &RecordingPlan) -> bool {
    let kept = source.kept_for(&plan.stream).await;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = since
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok());
    let times = (redrive::started(plan), plan.times.stopped);
    now.is_some_and(|now| can_wait(times, kept, EpochMillis(now)))
}

/// The same, by when the recording started and stopped and how long it is kept.
fn can_wait(
    (started, stopped): (Option<EpochMillis>, Option<EpochMillis>),
    kept: Option<Duration>,
    now: EpochMillis,
) -> bool {
    let Some(started) = started else {
        return false;
    };
    let ended = stopped.unwrap_or(started).max(started);
    let age = now.0.saturating_sub(ended.0);
    let kept = i64::try_from(kept.unwrap_or(KEPT_AT_LEAST).as_millis()).unwrap_or(i64::MAX);
    let left = started.0.saturating_add(kept).saturating_sub(now.0);
    // A clock that is far ahead of ours would have it wait for ever.
    (-HAND_BACK_FOR..HAND_BACK_FOR).contains(&age) && left > KEPT_FOR_SURE.max(kept / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = HOUR / 60;

    #[test]
    fn a_listing_says_what_it_lacks() {
        #[track_caller]
        fn check(range: (Option<&str>, Option<&str>), listed: &[&str], expected: &str) {
            let number = |text: &str| text.parse().unwrap();
            let range = FragmentRange {
                start: range.0.map(number),
                stop: range.1.map(number),
            };
            let listed: Vec<_> = listed.iter().map(|text| number(text)).collect();
            let said = lacking(range, &listed);
            assert!(said.contains(expected), "{said}");
        }
        let both = (Some("1"), Some("9"));
        check(
            both,
            &["5"],
            "the first and the last fragment that the record names, and perhaps others (1 is listed)",
        );
        check(both, &[], "(none is listed)");
        check(both, &["5", "9"], "lacks the first fragment");
        check(both, &["1", "5"], "lacks the last fragment");
        check((None, None), &[], "lacks all of the recording");
    }

    /// A call that started and stopped so many ms ago, and what the stream keeps.
    #[test]
    fn an_incomplete_listing_waits_only_while_the_audio_is_safe() {
        #[track_caller]
        fn check(started: Option<i64>, stopped: Option<i64>, kept: Option<i64>, waits: bool) {
            const NOW: i64 = 1_760_000_000_000;
            let ago = |time: Option<i64>| time.map(|ago| EpochMillis(NOW - ago));
            let kept = kept.map(|hours| Duration::from_secs(hours as u64 * 3_600));
            let said = can_wait((ago(started), ago(stopped)), kept, EpochMillis(NOW));
            assert_eq!(said, waits, "{started:?} {stopped:?} {kept:?}");
        }
        let fresh = Some(5 * MINUTE);
        check(fresh, Some(2 * MINUTE), Some(24), true);
        check(fresh, None, Some(24), true);
        check(Some(6 * HOUR + 1), Some(6 * HOUR - 1), Some(24), true);
        check(Some(6 * HOUR), Some(6 * HOUR), Some(24), false);
        // A long call: its first fragment is old when its record comes.
        check(Some(11 * HOUR), fresh, Some(24), true);
        check(Some(12 * HOUR), fresh, Some(24), false);
        // The next try could find nothing any more.
        check(fresh, fresh, Some(0), false);
        check(fresh, fresh, Some(2), false);
        check(fresh, fresh, Some(3), false);
        check(fresh, fresh, Some(4), true);
        check(Some(HOUR), Some(HOUR), Some(4), false);
        check(Some(25 * HOUR), Some(25 * HOUR), Some(24), false);
        // Days of retention make nobody wait for days.
        check(Some(7 * HOUR), Some(7 * HOUR), Some(168), false);
        // Nobody can say how long it is kept, or when it was.
        check(fresh, fresh, None, true);
        check(Some(HOUR), Some(HOUR), None, false);
        check(None, fresh, Some(24), false);
        check(Some(-48 * HOUR), None, Some(24), false);
    }
}
