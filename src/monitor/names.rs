//! What a watched call's files are called: when its media started, in the desk's own time, and
//! which side each holds: `yyyy-MM-dd-HH-mm-ss-SSS-cu.wav` the customer's, `…-op.wav` the
//! operator's. Where the name is taken, both files have `_2`, `_3` … before the side.
//!
//! A file that grows, or was left by a monitor that was killed, has `.part` behind its name.

use crate::media::fragment::Direction;
use crate::media::ticks::EpochMillis;

/// What stands behind the name of a file that is not whole yet.
pub const PART: &str = ".part";
/// The most names that are tried for one call.
pub const MAX_TRIED: u32 = 10_000;

/// What is between the samples of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: each side's audio, one block behind the other.
    #[default]
    Audio,
    /// Silence, as long as there was none: both files are on one clock, and equally long.
    Time,
}

/// A time as a clock on the desk shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// The instant.
    pub at: EpochMillis,
    /// How far the clock is ahead of UTC then, in seconds.
    pub ahead_seconds: i32,
}

impl LocalTime {
    /// `yyyy/MM/dd HH:mm:ss.SSS`, as a panel is labelled. Times beyond the year 9999 are
    /// milliseconds.
    pub fn label(self) -> String {
        self.written(["/", " ", ":", "."])
    }

    /// `yyyy-MM-dd-HH-mm-ss-SSS`, as files are named.
    pub fn stem(self) -> String {
        self.written(["-", "-", "-", "-"])
    }

    fn written(self, [of_day, before_time, of_time, before_millis]: [&str; 4]) -> String {
        let ahead = i64::from(self.ahead_seconds).saturating_mul(1_000);
        let text = EpochMillis(self.at.0.saturating_add(ahead)).to_rfc3339();
        let parts = text.strip_suffix('Z').and_then(|text| {
            let (day, time) = text.split_once('T')?;
            let (time, millis) = time.split_once('.')?;
            Some((day, time, millis))
        });
        match parts {
            Some((day, time, millis)) => [
                &day.replace('-', of_day),
                before_time,
                &time.replace(':', of_time),
                before_millis,
                millis,
            ]
            .concat(),
            None => format!("{}ms", self.at.0),
        }
    }
}

/// `cu` or `op`: a side as file names have it.
pub const fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::FromCustomer => "cu",
        Direction::ToCustomer => "op",
    }
}

/// The name of a side's file: the `tried`th, counted from 1.
pub fn file(stem: &str, tried: u32, direction: Direction) -> String {
    let side = side(direction);
    match tried {
        0 | 1 => format!("{stem}-{side}.wav"),
        more => format!("{stem}_{more}-{side}.wav"),
    }
}

/// The name of the whole file that this one is the part of, if it is one of ours.
pub fn whole_name(part: &str) -> Option<&str> {
    let name = part.strip_suffix(PART)?;
    let stem = name
        .strip_suffix("-cu.wav")
        .or_else(|| name.strip_suffix("-op.wav"))?;
    (!stem.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: EpochMillis = EpochMillis(1_738_300_000_123);

    #[test]
    fn names_and_labels_are_of_the_desks_time() {
        #[track_caller]
        fn check(at: EpochMillis, ahead_seconds: i32, label: &str, stem: &str) {
            let time = LocalTime { at, ahead_seconds };
            assert_eq!((&*time.label(), &*time.stem()), (label, stem));
        }
        check(AT, 0, "2025/01/31 05:06:40.123", "2025-01-31-05-06-40-123");
        check(
            AT,
            32_400,
            "2025/01/31 14:06:40.123",
            "2025-01-31-14-06-40-123",
        );
        // Newfoundland, and the evening before.
        check(
            AT,
            -12_600,
            "2025/01/31 01:36:40.123",
            "2025-01-31-01-36-40-123",
        );
        check(
            AT,
            -21_600,
            "2025/01/30 23:06:40.123",
            "2025-01-30-23-06-40-123",
        );
        check(
            EpochMillis(0),
            0,
            "1970/01/01 00:00:00.000",
            "1970-01-01-00-00-00-000",
        );
        let far = EpochMillis(i64::MAX);
        check(far, 3_600, "9223372036854775807ms", "9223372036854775807ms");
    }

    #[test]
    fn the_same_start_gets_other_names() {
        use Direction::{FromCustomer, ToCustomer};
        assert_eq!(file("s", 1, FromCustomer), "s-cu.wav");
        assert_eq!(file("s", 1, ToCustomer), "s-op.wav");
        assert_eq!(file("s", 2, FromCustomer), "s_2-cu.wav");
        assert_eq!(file("s", 3, ToCustomer), "s_3-op.wav");
    }

    #[test]
    fn parts_are_told_from_other_files() {
        assert_eq!(whole_name("a_2-op.wav.part"), Some("a_2-op.wav"));
        for other in [
            "a-op.wav",
            "a.wav.part",
            "-cu.wav.part",
            ".part",
            "notes.part",
        ] {
            assert_eq!(whole_name(other), None, "{other}");
        }
    }
}
