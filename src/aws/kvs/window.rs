//! From what is known of a recording to the times between which its fragments are listed.
//! Pure. The first window is wider than the recording; what is listed is cut to its range
//! later.
//!
//! A window that begins before the stream was made has been answered with no list at all
//! (reported in 2018, never said to be mended), and the first call of a stream begins about
//! when it is made. So there are windows that begin later, for a listing that lacks what
//! the record names: at the start fragment's own time, and when the stream was made.

use crate::connect::arn;
use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;
use crate::port::Whereabouts;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

/// The window begins so long before the recording's start. The record's times are whole
/// seconds, and the clocks of Connect and KVS differ: 966 ms were seen.
pub(super) const EARLIER: i64 = 10 * SECOND;
/// It ends so long behind its stop, which is cut to the second while the stop fragment's
/// server time lies behind it.
pub(super) const LATER: i64 = 30 * SECOND;
/// No recording is longer. Where only one end is known, the window is so long; and a
/// fragment number's hint that would make it longer is not believed.
const LONGEST: i64 = 24 * HOUR;
/// There was no Kinesis Video Streams before 2017-11-29.
const FIRST_EVER: EpochMillis = EpochMillis(1_511_913_600_000);
/// A fragment's time may lie so far behind our own clock.
const AHEAD: i64 = 24 * HOUR;

/// The first and the last instant to list.
pub(super) fn window(
    whereabouts: &Whereabouts<'_>,
    now: EpochMillis,
) -> (EpochMillis, EpochMillis) {
    let hint = |number: Option<FragmentNumber>| {
        let time = number?.hinted_server_time()?;
        can_be(time, now).then_some(time)
    };
    let recorded = span([whereabouts.times.started, whereabouts.times.stopped]);
    let hinted = span([hint(whereabouts.range.start), hint(whereabouts.range.stop)]);
    let (start, stop) = match (recorded, hinted) {
        (Some(recorded), Some(hinted)) => {
            let both = (recorded.0.min(hinted.0), recorded.1.max(hinted.1));
            if both.1.0.saturating_sub(both.0.0) <= LONGEST {
                both
            } else {
                recorded
            }
        }
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => (FIRST_EVER, now),
    };
    let starts_known =
        whereabouts.times.started.is_some() || hint(whereabouts.range.start).is_some();
    let stops_known = whereabouts.times.stopped.is_some() || hint(whereabouts.range.stop).is_some();
    let nothing_known = !starts_known && !stops_known;
    let start = match starts_known || nothing_known {
        true => start,
        false => EpochMillis(stop.0.saturating_sub(LONGEST)),
    };
    let stop = match stops_known || nothing_known {
        true => stop,
        // A window that ends before it begins lists nothing: a clock of ours may be slow.
        false => EpochMillis(start.0.saturating_add(LONGEST).min(now.0).max(start.0)),
    };
    (
        EpochMillis(start.0.saturating_sub(EARLIER)),
        EpochMillis(stop.0.saturating_add(LATER)),
    )
}

/// Windows that begin later than the first one and end as it does, in the order in which to
/// ask for them. `created` is when the stream was made, as far as KVS tells it.
pub(super) fn later(
    whereabouts: &Whereabouts<'_>,
    created: Option<EpochMillis>,
    now: EpochMillis,
) -> Vec<(EpochMillis, EpochMillis)> {
    let (from, to) = window(whereabouts, now);
    let hinted = whereabouts
        .range
        .start
        .and_then(FragmentNumber::hinted_server_time);
    let recorded = whereabouts.times.started;
    let mut begins: Vec<EpochMillis> = Vec::new();
    let candidates = [
        hinted,
        created,
        arn::stream_created(whereabouts.stream),
        recorded,
        // The record's second is cut: the stream can have been made within it.
        recorded.map(|start| EpochMillis(start.0.saturating_add(SECOND))),
    ];
    for begin in candidates.into_iter().flatten() {
        let later = from < begin && begin < to && can_be(begin, now);
        if later && !begins.contains(&begin) {
            begins.push(begin);
        }
    }
    begins.into_iter().map(|begin| (begin, to)).collect()
}

/// Whether something of Kinesis Video Streams can have happened then.
fn can_be(time: EpochMillis, now: EpochMillis) -> bool {
    FIRST_EVER <= time && time.0 <= now.0.saturating_add(AHEAD)
}

/// The earliest and the latest of some times.
fn span(times: [Option<EpochMillis>; 2]) -> Option<(EpochMillis, EpochMillis)> {
    let times = || times.into_iter().flatten();
    times().min().zip(times().max())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fragment::FragmentRange;
    use crate::recording::plan::Times;

    /// 2025-10-09T08:53:19.157Z and 28.288 s later, by their numbers.
    const START: &str = "91343852333181432392682062674355612161981134188";
    const STOP: &str = "91343852333181437433573902644424099144548815532";
    const AT: i64 = 1_759_999_999_157;
    const TO: i64 = 1_760_000_027_445;
    const NOW: i64 = 1_760_003_600_000;

    #[track_caller]
    fn check(
        times: (Option<i64>, Option<i64>),
        numbers: (Option<&str>, Option<&str>),
        expected: (i64, i64),
    ) {
        let number = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let whereabouts = Whereabouts {
            stream: "s",
            range: FragmentRange {
                start: number(numbers.0),
                stop: number(numbers.1),
            },
            times: Times {
                started: times.0.map(EpochMillis),
                stopped: times.1.map(EpochMillis),
            },
        };
        let (start, stop) = window(&whereabouts, EpochMillis(NOW));
        let expected = (expected.0 - EARLIER, expected.1 + LATER);
        assert_eq!((start.0, stop.0), expected);
    }

    #[test]
    fn times_and_numbers_together() {
        let seconds = (Some(1_759_999_998_000), Some(1_760_000_027_000));
        // The stop fragment lies behind the cut second.
        check(seconds, (Some(START), Some(STOP)), (1_759_999_998_000, TO));
        check((None, None), (Some(START), Some(STOP)), (AT, TO));
        check(
            seconds,
            (Some("10"), Some("20")),
            (1_759_999_998_000, 1_760_000_027_000),
        );
        check(
            (None, seconds.1),
            (Some(START), Some("20")),
            (AT, 1_760_000_027_000),
        );
        // Wrong way round: still a window.
        check(
            (seconds.1, seconds.0),
            (None, None),
            (1_759_999_998_000, 1_760_000_027_000),
        );
    }

    #[test]
    fn one_end_alone_reaches_as_far_as_a_call_can() {
        check((Some(AT), None), (None, None), (AT, NOW));
        check(
            (Some(AT - 2 * LONGEST), None),
            (None, None),
            (AT - 2 * LONGEST, AT - LONGEST),
        );
        check((None, Some(TO)), (None, None), (TO - LONGEST, TO));
        check((None, None), (None, Some(STOP)), (TO - LONGEST, TO));
        check(
            (Some(NOW + 5_000), None),
            (None, None),
            (NOW + 5_000, NOW + 5_000),
        );
    }

    const CREATED: i64 = AT - 400;

    /// The later windows' beginnings; all end as the first one does, and behind it.
    #[track_caller]
    fn check_later(
        stream: &str,
        times: (Option<i64>, Option<i64>),
        numbers: (Option<&str>, Option<&str>),
        created: Option<i64>,
        expected: &[i64],
    ) {
        let number = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let whereabouts = Whereabouts {
            stream,
            range: FragmentRange {
                start: number(numbers.0),
                stop: number(numbers.1),
            },
            times: Times {
                started: times.0.map(EpochMillis),
                stopped: times.1.map(EpochMillis),
            },
        };
        let now = EpochMillis(NOW);
        let (from, to) = window(&whereabouts, now);
        let later = later(&whereabouts, created.map(EpochMillis), now);
        assert!(later.iter().all(|window| from < window.0 && window.1 == to));
        let begins: Vec<_> = later.iter().map(|window| window.0.0).collect();
        assert_eq!(begins, expected);
    }

    #[test]
    fn a_later_window_begins_where_the_recording_or_the_stream_does() {
        let arn = format!("arn:aws:kinesisvideo:us-east-1:1:stream/s/{CREATED}");
        let numbers = (Some(START), Some(STOP));
        let seconds = (Some(AT - 157), Some(TO - 445));
        let next = AT - 157 + SECOND;
        check_later("s", seconds, numbers, None, &[AT, AT - 157, next]);
        check_later(&arn, seconds, numbers, None, &[AT, CREATED, AT - 157, next]);
        let told = Some(CREATED + 7);
        check_later(
            "s",
            seconds,
            numbers,
            told,
            &[AT, CREATED + 7, AT - 157, next],
        );
        // Without a start in the record.
        check_later(
            &arn,
            (None, seconds.1),
            (None, Some(STOP)),
            None,
            &[CREATED],
        );
        check_later(&arn, (None, None), (None, None), None, &[CREATED]);
        check_later("s", (None, seconds.1), numbers, None, &[AT]);
        // What cannot be is not believed.
        check_later("s/7", (None, None), (Some("10"), Some("20")), None, &[]);
        check_later("s", seconds, numbers, Some(NOW), &[AT, AT - 157, next]);
        check_later(
            "s/9999999999999999999",
            (None, Some(TO)),
            (None, None),
            Some(i64::MAX),
            &[],
        );
        check_later("s", (Some(i64::MIN), Some(i64::MAX)), numbers, None, &[AT]);
    }

    #[test]
    fn nothing_known_is_everything() {
        check((None, None), (None, None), (FIRST_EVER.0, NOW));
        check((None, None), (Some("10"), Some("20")), (FIRST_EVER.0, NOW));
    }

    #[test]
    fn a_hint_that_cannot_be_is_not_believed() {
        let later = AT - 3 * 365 * LONGEST;
        check(
            (Some(later), Some(later)),
            (Some(START), None),
            (later, later),
        );
    }
}
