//! From what is known of a recording to the times between which its fragments are listed.
//! Pure. The window is wider than the recording; what is listed is cut to its range later.

use crate::port::Whereabouts;
use crate::ticks::EpochMillis;

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
    let (recorded_start, recorded_stop) = whereabouts.window;
    let hint = |number: Option<crate::fragment::FragmentNumber>| {
        let time = number?.hinted_server_time()?;
        (FIRST_EVER <= time && time.0 <= now.0 + AHEAD).then_some(time)
    };
    let recorded = span([recorded_start, recorded_stop]);
    let hinted = span([hint(whereabouts.range.start), hint(whereabouts.range.stop)]);
    let (start, stop) = match (recorded, hinted) {
        (Some(recorded), Some(hinted)) => {
            let both = (recorded.0.min(hinted.0), recorded.1.max(hinted.1));
            if both.1.0 - both.0.0 <= LONGEST {
                both
            } else {
                recorded
            }
        }
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => (FIRST_EVER, now),
    };
    let starts_known = recorded_start.is_some() || hint(whereabouts.range.start).is_some();
    let stops_known = recorded_stop.is_some() || hint(whereabouts.range.stop).is_some();
    let nothing_known = !starts_known && !stops_known;
    let start = match starts_known || nothing_known {
        true => start,
        false => EpochMillis(stop.0 - LONGEST),
    };
    let stop = match stops_known || nothing_known {
        true => stop,
        // A window that ends before it begins lists nothing: a clock of ours may be slow.
        false => EpochMillis((start.0 + LONGEST).min(now.0).max(start.0)),
    };
    (EpochMillis(start.0 - EARLIER), EpochMillis(stop.0 + LATER))
}

/// The earliest and the latest of some times.
fn span(times: [Option<EpochMillis>; 2]) -> Option<(EpochMillis, EpochMillis)> {
    let times = || times.into_iter().flatten();
    times().min().zip(times().max())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::FragmentRange;

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
            window: (times.0.map(EpochMillis), times.1.map(EpochMillis)),
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
