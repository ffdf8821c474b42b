//! Time zones, for the hour that a person reads in a task: a table of those that Connect's
//! regions are in, and of others that people live by, with the rules of their summer times as
//! they are in 2025; or an offset from UTC.
//!
//! Source: IANA time zone database 2025b (`northamerica`, `europe`, `asia`, `australasia`,
//! `africa`, `southamerica`).

use std::fmt;
use std::str::FromStr;

use crate::media::ticks::EpochMillis;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Row);

/// A name, the standard offset in minutes east of UTC, and the rule of its summer time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    name: &'static str,
    minutes: i64,
    summer: Summer,
}

/// When clocks are an hour ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Summer {
    /// Never.
    No,
    /// From the second Sunday of March to the first of November, at 2 o'clock.
    America,
    /// From the last Sunday of March to the last of October, at 1 o'clock UTC.
    Europe,
    /// From the first Sunday of October to the first of April, at 2 o'clock standard time.
    Australia,
    /// From the last Sunday of September to the first of April, at 2 o'clock standard time.
    NewZealand,
}

const fn row(name: &'static str, hours: i64, minutes: i64, summer: Summer) -> Row {
    let minutes = hours * 60 + minutes;
    Row {
        name,
        minutes,
        summer,
    }
}

const ZONES: &[Row] = &[
    row("UTC", 0, 0, Summer::No),
    row("Africa/Johannesburg", 2, 0, Summer::No),
    row("America/Chicago", -6, 0, Summer::America),
    row("America/Denver", -7, 0, Summer::America),
    row("America/Halifax", -4, 0, Summer::America),
    row("America/Los_Angeles", -8, 0, Summer::America),
    row("America/New_York", -5, 0, Summer::America),
    row("America/Phoenix", -7, 0, Summer::No),
    row("America/Sao_Paulo", -3, 0, Summer::No),
    row("America/Toronto", -5, 0, Summer::America),
    row("America/Vancouver", -8, 0, Summer::America),
    row("Asia/Dubai", 4, 0, Summer::No),
    row("Asia/Hong_Kong", 8, 0, Summer::No),
    row("Asia/Kolkata", 5, 30, Summer::No),
    row("Asia/Manila", 8, 0, Summer::No),
    row("Asia/Seoul", 9, 0, Summer::No),
    row("Asia/Shanghai", 8, 0, Summer::No),
    row("Asia/Singapore", 8, 0, Summer::No),
    row("Asia/Taipei", 8, 0, Summer::No),
    row("Asia/Tokyo", 9, 0, Summer::No),
    row("Australia/Brisbane", 10, 0, Summer::No),
    row("Australia/Melbourne", 10, 0, Summer::Australia),
    row("Australia/Perth", 8, 0, Summer::No),
    row("Australia/Sydney", 10, 0, Summer::Australia),
    row("Canada/Central", -6, 0, Summer::America),
    row("Europe/Amsterdam", 1, 0, Summer::Europe),
    row("Europe/Berlin", 1, 0, Summer::Europe),
    row("Europe/Brussels", 1, 0, Summer::Europe),
    row("Europe/Dublin", 0, 0, Summer::Europe),
    row("Europe/Helsinki", 2, 0, Summer::Europe),
    row("Europe/Lisbon", 0, 0, Summer::Europe),
    row("Europe/London", 0, 0, Summer::Europe),
    row("Europe/Madrid", 1, 0, Summer::Europe),
    row("Europe/Paris", 1, 0, Summer::Europe),
    row("Europe/Rome", 1, 0, Summer::Europe),
    row("Europe/Stockholm", 1, 0, Summer::Europe),
    row("Europe/Vienna", 1, 0, Summer::Europe),
    row("Europe/Warsaw", 1, 0, Summer::Europe),
    row("Europe/Zurich", 1, 0, Summer::Europe),
    row("Pacific/Auckland", 12, 0, Summer::NewZealand),
];

/// Why a text names no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must be an offset from UTC such as +09:00, or one of the zones that docs/voicemail.md lists, such as Europe/London"
)]
pub struct NoZone;

impl FromStr for Zone {
    type Err = NoZone;

    fn from_str(text: &str) -> Result<Self, NoZone> {
        let text = text.trim();
        let mut known = ZONES.iter();
        if let Some(row) = known.find(|row| row.name.eq_ignore_ascii_case(text)) {
            return Ok(Self(*row));
        }
        let minutes = offset(text).ok_or(NoZone)?;
        Ok(Self(Row {
            name: "",
            minutes,
            summer: Summer::No,
        }))
    }
}

/// Minutes of an offset as `+09:00`, of 14 hours at the most.
fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str| match text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse::<i64>().ok(),
        false => None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= 14 * 60).then_some(sign * total)
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.minutes.abs();
        match self.0.name {
            "" => {
                let sign = if self.0.minutes < 0 { '-' } else { '+' };
                write!(f, "UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            name => f.write_str(name),
        }
    }
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(ZONES[0]);

    /// The names of all zones of the table.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ZONES.iter().map(|row| row.name)
    }

    /// The zone that people around a region of AWS live by, as far as the table tells.
    pub fn of_region(region: &str) -> Self {
        let name = match region {
            "us-east-1" => "America/New_York",
            "us-west-2" | "us-gov-west-1" => "America/Los_Angeles",
            "af-south-1" => "Africa/Johannesburg",
            "ap-southeast-1" => "Asia/Singapore",
            "ap-southeast-2" => "Australia/Sydney",
            "ap-northeast-1" => "Asia/Tokyo",
            "ap-northeast-2" => "Asia/Seoul",
            "ca-central-1" => "Canada/Central",
            "eu-central-1" => "Europe/Berlin",
            "eu-west-2" => "Europe/London",
            _ => "UTC",
        };
        name.parse().unwrap_or(Self::UTC)
    }

    /// A time as a person says it: `Friday, Jan 31, 2025 at 02:03 PM (Asia/Tokyo)`.
    pub fn text(&self, time: EpochMillis) -> String {
        let minutes = self.0.minutes + if self.is_summer(time) { 60 } else { 0 };
        let local = EpochMillis(time.0.saturating_add(minutes * MINUTE));
        let Some((year, month, day)) = local.to_utc_date() else {
            return time.to_rfc3339();
        };
        const DAYS: [&str; 7] = [
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
            "Monday",
            "Tuesday",
            "Wednesday",
        ];
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let weekday = usize::try_from(local.0.div_euclid(DAY).rem_euclid(7)).unwrap_or(0);
        let minute = local.0.rem_euclid(DAY) / MINUTE;
        let (hour, minute) = (minute / 60, minute % 60);
        let half = if hour < 12 { "AM" } else { "PM" };
        let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
        let month = MONTHS[usize::from(month.clamp(1, 12)) - 1];
        format!(
            "{}, {month} {day:02}, {year} at {hour:02}:{minute:02} {half} ({self})",
            DAYS[weekday]
        )
    }

    fn is_summer(&self, time: EpochMillis) -> bool {
        let standard = self.0.minutes * MINUTE;
        let Some((year, ..)) = EpochMillis(time.0.saturating_add(standard)).to_utc_date() else {
            return false;
        };
        // In milliseconds since 1970 UTC: two o'clock standard time of a Sunday here.
        let two = |month, week| sunday(year, month, week).map(|day| day + 2 * HOUR - standard);
        let one_utc = |month| sunday(year, month, Week::Last).map(|day| day + HOUR);
        match self.0.summer {
            Summer::No => false,
            Summer::America => {
                // It ends at two of summer time, which is one.
                let end = two(11, Week::First).map(|end| end - HOUR);
                is_between(time, two(3, Week::Second), end)
            }
            Summer::Europe => is_between(time, one_utc(3), one_utc(10)),
            Summer::Australia => !is_between(time, two(4, Week::First), two(10, Week::First)),
            Summer::NewZealand => !is_between(time, two(4, Week::First), two(9, Week::Last)),
        }
    }
}

fn is_between(time: EpochMillis, start: Option<i64>, end: Option<i64>) -> bool {
    start.is_some_and(|start| time.0 >= start) && end.is_some_and(|end| time.0 < end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Week {
    First,
    Second,
    Last,
}

/// The start of a Sunday of a month, as if the month were in UTC.
fn sunday(year: i32, month: u8, week: Week) -> Option<i64> {
    let of_day = |month, day| {
        EpochMillis::from_rfc3339(&format!("{year:04}-{month:02}-{day:02}T00:00:00Z"))
            .map(|start| start.0)
    };
    let day = match week {
        Week::First => 1,
        Week::Second => 8,
        // All months in question but September and April have 31 days.
        Week::Last if month == 9 => 24,
        Week::Last => 25,
    };
    let start = of_day(month, day)?;
    // 1970 began on a Thursday: Sunday is the fourth day of that week.
    let weekday = start.div_euclid(DAY).rem_euclid(7);
    Some(start + (3 - weekday).rem_euclid(7) * DAY)
}

#[cfg(test)]
mod tests;
