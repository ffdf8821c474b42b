//! What a note is called: when the call came, in the deployment's time, and its contact. The
//! message has the same name.

use std::fmt;
use std::str::FromStr;

use crate::media::ticks::EpochMillis;
use crate::object_key::safe;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// Characters of a contact in a name at the most: more than a key is given.
const MAX_CONTACT: usize = 256;
/// What the names of objects beside a message end in (`voicemail::target`): notes and
/// messages may lie in one folder.
const BESIDE_MESSAGES: [&str; 6] = [
    "_verdict",
    ".empty",
    ".failed",
    ".tried",
    ".announced",
    ".tags",
];
/// Days that one look through notes spans at the most.
const MAX_DAYS: i64 = 40;

/// How far the time in names is ahead of UTC. The day's folder and the time of day are of
/// this clock, all the year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UtcOffset {
    minutes: i16,
}

/// Why a text is no offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an offset from UTC is written as UTC, +09:00 or -03:30, of 14 hours at the most")]
pub struct NotAnOffset;

impl UtcOffset {
    /// Coordinated universal time.
    pub const UTC: Self = Self { minutes: 0 };
}

impl FromStr for UtcOffset {
    type Err = NotAnOffset;

    fn from_str(text: &str) -> Result<Self, NotAnOffset> {
        if matches!(text, "UTC" | "Z" | "") {
            return Ok(Self::UTC);
        }
        let (sign, rest) = match text.as_bytes().first() {
            Some(b'+') => (1, text.get(1..)),
            Some(b'-') => (-1, text.get(1..)),
            _ => return Err(NotAnOffset),
        };
        let (hours, minutes) = rest
            .and_then(|rest| rest.split_once(':'))
            .ok_or(NotAnOffset)?;
        let number = |text: &str| match text.as_bytes() {
            [b'0'..=b'9', b'0'..=b'9'] => text.parse::<i16>().map_err(|_| NotAnOffset),
            _ => Err(NotAnOffset),
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        let all = hours * 60 + minutes;
        match minutes < 60 && all <= 14 * 60 {
            true => Ok(Self {
                minutes: sign * all,
            }),
            false => Err(NotAnOffset),
        }
    }
}

/// A note's name: `YYYY/MM/DD/HH-MM-SS_{contact}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoteName {
    text: Box<str>,
}

impl NoteName {
    /// `YYYY/MM/DD/HH-MM-SS_`.
    const BEFORE_CONTACT: usize = 20;

    /// The name of a note that is taken at this time.
    pub fn at(time: EpochMillis, offset: UtcOffset, contact: &str) -> Self {
        let local = EpochMillis(time.0.saturating_add(i64::from(offset.minutes) * MINUTE));
        Self::of_clock(local, &safe(contact))
    }

    /// By what the clock shows that names are of; the contact is as names hold it.
    fn of_clock(local: EpochMillis, contact: &str) -> Self {
        let seconds = local.0.rem_euclid(DAY) / 1_000;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let folder = day_folder(local);
        Self {
            text: format!("{folder}{hour:02}-{minute:02}-{second:02}_{contact}").into(),
        }
    }

    /// The name of a note that is taken a second later: a name that is taken by another note
    /// of the contact is not given twice.
    pub fn a_second_later(&self) -> Self {
        let text = self
            .text
            .get(..Self::BEFORE_CONTACT - 1)
            .unwrap_or_default();
        let mut parts = text.rsplitn(2, '/');
        let (time, day) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let time = format!("{}T{}Z", day.replace('/', "-"), time.replace('-', ":"));
        match EpochMillis::from_rfc3339(&time) {
            Some(time) => {
                let later = EpochMillis(time.0.saturating_add(1_000));
                Self::of_clock(later, self.contact())
            }
            None => self.clone(),
        }
    }

    /// Reads a name; `None` when the text is none. Nothing that reaches another folder is.
    pub fn parse(text: &str) -> Option<Self> {
        const SHAPE: &[u8; NoteName::BEFORE_CONTACT] = b"0000/00/00/00-00-00_";
        let (before, contact) = text.split_at_checked(Self::BEFORE_CONTACT)?;
        let fits = |(byte, shape): (u8, &u8)| match shape {
            b'0' => byte.is_ascii_digit(),
            mark => byte == *mark,
        };
        let may_be = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let shaped = before.bytes().zip(SHAPE).all(fits)
            && (1..=MAX_CONTACT).contains(&contact.len())
            && contact.bytes().all(may_be);
        shaped.then(|| Self { text: text.into() })
    }

    /// The name of the note under a dated key; `None` when the key is not such a note's.
    pub fn of_key(key: &str, prefix: &str) -> Option<Self> {
        let name = key.strip_prefix(prefix)?.strip_suffix(".json")?;
        let is_beside = BESIDE_MESSAGES.iter().any(|ending| name.ends_with(ending));
        Self::parse(name).filter(|_| !is_beside)
    }

    /// The dated key. `prefix` is taken as it is.
    pub fn key(&self, prefix: &str) -> String {
        format!("{prefix}{self}.json")
    }

    /// The contact, as it stands in the name.
    pub fn contact(&self) -> &str {
        self.text.get(Self::BEFORE_CONTACT..).unwrap_or_default()
    }

    /// Whether it is the name of a note of this contact.
    pub fn is_of(&self, contact: &str) -> bool {
        self.contact() == contact || self.contact() == safe(contact)
    }
}

impl fmt::Display for NoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The key by which a contact's note is found.
pub fn by_contact(prefix: &str, contact: &str) -> String {
    format!("{prefix}by-contact/{}.json", safe(contact))
}

/// Whether a key is that of a note or a message of this contact, or of what lies beside it;
/// `prefix` is what keys of their kind start with.
pub fn is_of_contact(key: &str, prefix: &str, contact: &str) -> bool {
    if key == by_contact(prefix, contact) {
        return true;
    }
    // A message's tags, where a folder keeps them, are called as its file is.
    let name = key.strip_prefix(prefix).unwrap_or_default();
    let name = name.strip_suffix(".json").or(name.strip_suffix(".wav"));
    let Some(name) = name.map(|name| name.strip_suffix(".wav.tags").unwrap_or(name)) else {
        return false;
    };
    let mut endings = BESIDE_MESSAGES.iter();
    let name = endings
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name);
    NoteName::parse(name).is_some_and(|name| name.is_of(contact))
}

/// The folders of notes that were taken between two times, with a day more at each end:
/// whatever clock their names are of. The newest days, where there are too many.
pub fn folders(prefix: &str, from: EpochMillis, to: EpochMillis) -> Vec<String> {
    let day = |time: EpochMillis| time.0.div_euclid(DAY);
    let last = day(to).saturating_add(1);
    let first = day(from)
        .saturating_sub(1)
        .max(last.saturating_sub(MAX_DAYS));
    let days = (first..=last).map(|day| EpochMillis(day.saturating_mul(DAY)));
    days.map(|day| format!("{prefix}{}", day_folder(day)))
        .collect()
}

/// A day's folder with the slash behind it.
fn day_folder(local: EpochMillis) -> String {
    // No clock that notes are taken by is outside of these years.
    let (year, month, day) = local.to_utc_date().unwrap_or((0, 1, 1));
    format!("{year:04}/{month:02}/{day:02}/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(text: &str) -> EpochMillis {
        EpochMillis::from_rfc3339(text).unwrap()
    }

    #[test]
    fn names_are_of_the_deployments_clock() {
        #[track_caller]
        fn check(at: &str, offset: &str, contact: &str, expected: &str) {
            let name = NoteName::at(time(at), offset.parse().unwrap(), contact);
            assert_eq!(name.key("notes/"), expected);
            assert_eq!(NoteName::of_key(expected, "notes/"), Some(name.clone()));
            assert!(name.is_of(contact));
        }
        let late = "2025-01-31T23:59:58.999Z";
        check(
            late,
            "UTC",
            "8d1c-2a",
            "notes/2025/01/31/23-59-58_8d1c-2a.json",
        );
        check(late, "+09:00", "c", "notes/2025/02/01/08-59-58_c.json");
        check(late, "-03:30", "c", "notes/2025/01/31/20-29-58_c.json");
        check(
            late,
            "Z",
            "../x y",
            "notes/2025/01/31/23-59-58__2e_2e_2fx_20y.json",
        );
    }

    #[test]
    fn offsets_are_read_or_refused() {
        for text in [
            "Asia/Tokyo",
            "9",
            "+9:00",
            "+0900",
            "+14:01",
            "+00:60",
            "+-1:00",
            "+",
            "+:",
            "+é:00",
        ] {
            assert_eq!(text.parse::<UtcOffset>(), Err(NotAnOffset), "{text}");
        }
        assert_eq!("+14:00".parse(), Ok(UtcOffset { minutes: 840 }));
        assert_eq!("-00:30".parse(), Ok(UtcOffset { minutes: -30 }));
    }

    #[test]
    fn other_keys_are_no_notes() {
        for key in [
            "",
            "notes/",
            "notes/by-contact/c.json",
            "2025/01/31/05-00-00_c.json",
            "notes/2025/01/31/05-00-00_c.wav",
            "notes/2025/01/31/05-00-00_.json",
            "notes/2025/01/31/05-00-00_a/b.json",
            "notes/2025/01/31/05:00:00_c.json",
            "notes/2025/1/31/05-00-00_c.json",
            "notes/2025/01/31/05-00-00_c_verdict.json",
            "notes/2025/01/31/05-00-00_c.empty.json",
            "notes/2025/01/31/05-00-00_c.failed.json",
            "notes/2025/01/31/05-00-00_c.tried.json",
            "notes/2025/01/31/05-00-0é_c.json",
        ] {
            assert_eq!(NoteName::of_key(key, "notes/"), None, "{key}");
        }
    }

    #[test]
    fn a_contact_is_found_by_its_whole_id() {
        let name = NoteName::parse("2025/01/31/05-00-00_8d1c-2a").unwrap();
        assert!(name.is_of("8d1c-2a") && !name.is_of("8d1c") && !name.is_of("8d1c-2a3"));
        assert_eq!(by_contact("n/", "../x"), "n/by-contact/_2e_2e_2fx.json");
    }

    #[test]
    fn a_name_that_is_taken_has_a_next_one() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            let later = NoteName::parse(name).unwrap().a_second_later();
            assert_eq!(later.to_string(), expected);
        }
        check("2025/01/31/05-00-00_c_2e", "2025/01/31/05-00-01_c_2e");
        check("2025/12/31/23-59-59_c", "2026/01/01/00-00-00_c");
        check("2025/99/31/23-59-59_c", "2025/99/31/23-59-59_c");
    }

    #[test]
    fn what_is_of_a_contact_is_known_by_its_key() {
        #[track_caller]
        fn check(key: &str, expected: bool) {
            assert_eq!(is_of_contact(key, "m/", "8d1c"), expected, "{key}");
        }
        for ending in [
            ".json",
            ".wav",
            "_verdict.json",
            ".empty.json",
            ".failed.json",
            ".tried.json",
            ".announced.json",
            ".wav.tags.json",
            ".tags.json",
        ] {
            check(&format!("m/2025/01/31/05-00-00_8d1c{ending}"), true);
            check(&format!("m/2025/01/31/05-00-00_8d1c2{ending}"), false);
            check(&format!("2025/01/31/05-00-00_8d1c{ending}"), false);
        }
        check("m/by-contact/8d1c.json", true);
        for other in [
            "m/by-contact/8d1c2.json",
            "m/2025/01/31/05-00-00_8d1c.txt",
            "m/2025/01/31/05-00-00_8d1c",
            "m/8d1c.json",
            "",
        ] {
            check(other, false);
        }
    }

    #[test]
    fn folders_reach_a_day_further_at_each_end() {
        let folders = |from, to| folders("n/", time(from), time(to));
        assert_eq!(
            folders("2025-02-28T23:59:58Z", "2025-03-01T00:00:30Z"),
            [
                "n/2025/02/27/",
                "n/2025/02/28/",
                "n/2025/03/01/",
                "n/2025/03/02/"
            ]
        );
        assert_eq!(
            folders("2025-03-03T00:00:00Z", "2025-03-01T00:00:00Z").len(),
            1
        );
        assert_eq!(
            folders("1970-01-01T00:00:00Z", "2025-03-01T00:00:00Z").len(),
            41
        );
    }

    proptest! {
        #[test]
        fn every_name_is_read_back(millis in any::<i64>(), contact in ".{1,300}") {
            let name = NoteName::at(EpochMillis(millis), UtcOffset::UTC, &contact);
            prop_assert_eq!(NoteName::parse(&name.to_string()), Some(name.clone()));
            prop_assert!(name.is_of(&contact));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), from in any::<i64>(), to in any::<i64>()) {
            let _ = (NoteName::parse(&text), text.parse::<UtcOffset>());
            prop_assert!(folders("", EpochMillis(from), EpochMillis(to)).len() <= 41);
        }
    }
}
