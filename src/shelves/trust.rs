//! When an index is taken for what its day holds, without a look at the verdicts.

use super::Look;
use super::folders::DAY;
use crate::archive::day::Row;
use crate::media::ticks::EpochMillis;
use crate::recording::seal::Day;

/// An index is believed so many days at the most: then it is held against the verdicts again.
const BELIEVED_FOR: i64 = 30 * DAY;

/// When an index is taken for what its day holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Never: the verdicts are looked at each time. For folders, which answer at once.
    Never,
    /// When it was made so many days after the day was over and the last of its verdicts
    /// written, and then for as long again. Calls of that day end later, are tried again, are
    /// copied here from elsewhere: what has been quiet for so long mostly stays so, and what
    /// nevertheless came is found when the time is up.
    AfterDays(u16),
}

impl Trust {
    /// For stores that take a while to look at.
    pub const ONCE_SETTLED: Self = Self::AfterDays(3);

    /// Until when a folder's rows are believed that say what was so at a time; `None` where
    /// they are not at all.
    pub(super) fn until(
        self,
        day: Option<Day>,
        rows: &[Row],
        as_of: EpochMillis,
    ) -> Option<EpochMillis> {
        let (Self::AfterDays(days), Some(day)) = (self, day) else {
            return None;
        };
        // One that may have changed just then, or could not be had, is read again.
        let written = rows.iter().map(|row| row.written);
        let oldest = written.clone().min().filter(|oldest| *oldest > 0)?;
        let newest = written.max().unwrap_or(oldest);
        let quiet = as_of.0.saturating_sub(newest.max(day.start().0 + DAY));
        let is_settled = quiet >= i64::from(days) * DAY;
        is_settled.then(|| EpochMillis(as_of.0 + quiet.min(BELIEVED_FOR)))
    }

    /// For how long what was looked at is taken for what is there, in milliseconds.
    pub(super) const fn fresh_for(self, look: Look) -> i64 {
        match (look, self) {
            (Look::Anew, _) => 0,
            (Look::GoOn, _) => 20_000,
            (Look::IfStale, Self::AfterDays(_)) => 5_000,
            // Who has just made a recording looks for it at once.
            (Look::IfStale, Self::Never) => 500,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_believed_when_it_was_made_of_a_quiet_day() {
        const HOUR: i64 = 3_600_000;
        let day: Day = "2026-11-20".parse().unwrap();
        let over = day.start().0 + DAY;
        #[track_caller]
        fn check(day: Option<Day>, written: &[i64], as_of: i64, until: Option<i64>) {
            let rows = written.iter().map(|written| Row {
                written: *written,
                ..Row::default()
            });
            let rows: Vec<_> = rows.collect();
            let trust = Trust::ONCE_SETTLED;
            let found = trust.until(day, &rows, EpochMillis(as_of));
            assert_eq!(found.map(|until| until.0), until);
            assert_eq!(Trust::Never.until(day, &rows, EpochMillis(as_of)), None);
        }
        let check_day = |written: &[i64], as_of, until| check(Some(day), written, as_of, until);
        let noon = over - 12 * HOUR;
        check_day(&[noon], noon, None);
        check_day(&[noon], over + 3 * DAY - 1, None);
        check_day(&[noon], over + 3 * DAY, Some(over + 6 * DAY));
        check_day(&[noon], over + 100 * DAY, Some(over + 130 * DAY));
        // A verdict that was written later than its day.
        let late = over + 40 * DAY;
        check_day(&[late, noon], late + 2 * DAY, None);
        check_day(&[noon, late], late + 3 * DAY, Some(late + 6 * DAY));
        check_day(&[late], late - DAY, None);
        // What is read again, nothing, no day, and lines of older versions.
        check_day(&[noon, 0], over + 9 * DAY, None);
        check_day(&[], over + 9 * DAY, None);
        check(None, &[noon], over + 9 * DAY, None);
        check_day(&[noon], 0, None);
    }
}
