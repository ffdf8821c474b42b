//! The seal of a day: which verdicts there were and what they said, by their hashes, hung on
//! the seal before it. A verdict that is taken away, added or changed after the sealing shows,
//! and so does a seal that another one hangs on. Who may rewrite all of them can rewrite the
//! chain: `docs/seal.md` says what it proves and what it does not.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::media::ticks::EpochMillis;
use crate::object_key::{dated_folder, hex};
use crate::sha256;

/// The contract of the seal.
pub const SCHEMA: &str = "callreel.seal/1";
/// The name of a seal, beside the verdicts that it lists.
pub const SEAL_NAME: &str = "_seal.json";
/// The largest seal that is read: one of 300,000 recordings has less.
pub const MAX_SEAL_BYTES: usize = 64 << 20;

const DAY_MILLIS: i64 = 24 * 3_600_000;

/// A day in UTC, from the year 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(EpochMillis);

/// What is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no day; give YYYY-MM-DD")]
pub struct NoDay(String);

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let midnight = EpochMillis::from_rfc3339(&format!("{text}T00:00:00Z"));
        let day = midnight.map(Self).filter(|day| day.to_string() == text);
        day.ok_or_else(|| NoDay(text.to_owned()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.folder().replace('/', "-"))
    }
}

impl Day {
    /// The folder of its recordings below the prefix, `YYYY/MM/DD`.
    pub fn folder(self) -> String {
        dated_folder(Some(self.0))
    }

    /// The key of its seal under a prefix, which is taken as it is.
    pub fn seal_key(self, prefix: &str) -> String {
        format!("{prefix}{}/{SEAL_NAME}", self.folder())
    }

    /// Its midnight.
    pub const fn start(self) -> EpochMillis {
        self.0
    }

    /// So many days before.
    pub fn before(self, days: u16) -> Self {
        Self(EpochMillis(self.0.0 - i64::from(days) * DAY_MILLIS))
    }

    /// Whether it is over, so that no more calls begin on it.
    pub fn is_over(self, now: EpochMillis) -> bool {
        now.0 >= self.0.0 + DAY_MILLIS
    }

    /// The day that a key's folder names, and the prefix before it. `None` for a key of no
    /// day.
    pub fn of_key(key: &str) -> Option<(&str, Self)> {
        let (folder, _) = key.rsplit_once('/')?;
        let at = folder.len().checked_sub("YYYY/MM/DD".len())?;
        let (prefix, day) = (folder.get(..at)?, folder.get(at..)?);
        let day: Self = day.replace('/', "-").parse().ok()?;
        (day.folder() == folder[at..]).then_some((prefix, day))
    }
}

/// One verdict of the day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SealedVerdict {
    /// Its file name, beside the seal.
    pub name: String,
    /// The SHA-256 of all of its bytes, in hex.
    pub sha256: String,
}

/// The seal that another one hangs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its day, `YYYY-MM-DD`.
    pub day: String,
    /// The SHA-256 of all of its bytes, in hex.
    pub sha256: String,
}

/// The seal of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of Callreel that wrote it.
    pub callreel: String,
    /// The day, `YYYY-MM-DD`.
    pub day: String,
    /// Its verdicts, in the order of their names.
    pub verdicts: Vec<SealedVerdict>,
    /// The SHA-256 over them, as [`Seal::lines`] has them.
    pub verdicts_sha256: String,
    /// The last seal before it; none in the first one.
    pub previous: Option<Previous>,
}

/// What is otherwise than a seal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Verdicts that are gone.
    pub removed: Vec<String>,
    /// Verdicts that are gone, and whose contact was deleted for good on purpose.
    pub forgotten: Vec<String>,
    /// Verdicts that came behind it.
    pub added: Vec<String>,
    /// Verdicts of other bytes.
    pub changed: Vec<String>,
}

impl Differences {
    /// Whether all is as it was sealed, but for what was deleted on purpose.
    pub fn is_none(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty() && self.changed.is_empty()
    }
}

impl Seal {
    /// Seals a day: verdicts by their names, each with its hash in hex.
    pub fn new(day: Day, verdicts: &BTreeMap<String, String>, previous: Option<Previous>) -> Self {
        let verdicts = verdicts.iter().map(|(name, sha256)| SealedVerdict {
            name: name.clone(),
            sha256: sha256.clone(),
        });
        let mut seal = Self {
            schema: SCHEMA.to_owned(),
            callreel: env!("CARGO_PKG_VERSION").to_owned(),
            day: day.to_string(),
            verdicts: verdicts.collect(),
            verdicts_sha256: String::new(),
            previous,
        };
        seal.verdicts_sha256 = hex(sha256::of(seal.lines().as_bytes()));
        seal
    }

    /// Its verdicts as `sha256sum` prints and checks them: a line each, the hash, two spaces
    /// and the name.
    pub fn lines(&self) -> String {
        let lines = self.verdicts.iter();
        let lines = lines.map(|verdict| format!("{}  {}\n", verdict.sha256, verdict.name));
        lines.collect()
    }

    /// The document.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Reads a seal, and whether it is one: of this schema, with a list in order, and the hash
    /// over it. The error says what it is not.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        let seal: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if seal.schema != SCHEMA {
            return Err(format!("its schema is {:?}, not {SCHEMA}", seal.schema));
        }
        if seal.day.parse::<Day>().is_err() {
            return Err(format!("its day is {:?}", seal.day));
        }
        let in_order = seal.verdicts.is_sorted_by(|one, next| one.name < next.name);
        if !in_order || hex(sha256::of(seal.lines().as_bytes())) != seal.verdicts_sha256 {
            return Err("its list of verdicts is not what its hash says".to_owned());
        }
        Ok(seal)
    }

    /// Whether another one says the same, whichever version wrote it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.day == other.day && self.verdicts == other.verdicts && self.previous == other.previous
    }

    /// Holds it against the verdicts that are there, by their names, each with its hash in
    /// hex. Who has been forgotten is asked of those that are gone alone.
    pub fn differences(
        &self,
        there: &BTreeMap<String, String>,
        is_forgotten: impl Fn(&str) -> bool,
    ) -> Differences {
        let mut found = Differences::default();
        let sealed = self.verdicts.iter();
        let sealed: BTreeMap<&str, &str> = sealed
            .map(|verdict| (&*verdict.name, &*verdict.sha256))
            .collect();
        for (name, sha256) in &sealed {
            let list = match there.get(*name) {
                Some(now) if now == sha256 => continue,
                Some(_) => &mut found.changed,
                None if is_forgotten(name) => &mut found.forgotten,
                None => &mut found.removed,
            };
            list.push((*name).to_owned());
        }
        let added = there.keys().filter(|name| !sealed.contains_key(&***name));
        found.added = added.cloned().collect();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn verdicts(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        let of = of.iter();
        of.map(|(name, sha256)| ((*name).to_owned(), (*sha256).to_owned()))
            .collect()
    }

    #[test]
    fn days_are_days() {
        for none in [
            "",
            "2025-10-9",
            "2025-02-29",
            "2025/10/09",
            "25-10-09",
            "2025-10-09 ",
            "2025-10-09T00:00:00Z",
        ] {
            assert!(none.parse::<Day>().is_err(), "{none}");
        }
        let first = day("2024-03-01");
        assert_eq!(first.before(1).to_string(), "2024-02-29");
        assert_eq!(first.seal_key("rec/"), "rec/2024/03/01/_seal.json");
        let midnight = |text: &str| EpochMillis::from_rfc3339(text).unwrap();
        assert!(!first.is_over(midnight("2024-03-01T23:59:59Z")));
        assert!(first.is_over(midnight("2024-03-02T00:00:00Z")));
    }

    #[test]
    fn a_key_says_its_day() {
        #[track_caller]
        fn check(key: &str, expected: Option<(&str, &str)>) {
            let found = Day::of_key(key).map(|(prefix, day)| (prefix, day.to_string()));
            let expected = expected.map(|(prefix, day)| (prefix, day.to_owned()));
            assert_eq!(found, expected, "{key}");
        }
        check("rec/2025/10/09/c_1.json", Some(("rec/", "2025-10-09")));
        check("2025/10/09/c", Some(("", "2025-10-09")));
        check("calls-2025/10/09/c", Some(("calls-", "2025-10-09")));
        check("rec/undated/c_1.json", None);
        check("rec/2025-10-09/c", None);
        check("ü/10/09/c", None);
        check("c", None);
        check("/c", None);
    }

    #[test]
    fn what_was_taken_away_added_or_changed_shows() {
        let seal = Seal::new(
            day("2025-10-09"),
            &verdicts(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]),
            None,
        );
        let now = verdicts(&[("a", "1"), ("b", "9"), ("e", "5")]);
        let found = seal.differences(&now, |name| name == "d");
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let expected = Differences {
            removed: list(&["c"]),
            forgotten: list(&["d"]),
            added: list(&["e"]),
            changed: list(&["b"]),
        };
        assert_eq!(found, expected);
        assert!(!found.is_none());
        let same = verdicts(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert!(seal.differences(&same, |name| name == "d").is_none());
    }

    #[test]
    fn its_hash_is_that_of_sha256sums_lines() {
        let none = Seal::new(day("2025-10-09"), &verdicts(&[]), None);
        // SHA-256 of nothing.
        assert!(none.verdicts_sha256.starts_with("e3b0c44298fc1c14"));
        let seal = Seal::new(
            day("2025-10-09"),
            &verdicts(&[("b", "2"), ("a", "1")]),
            None,
        );
        assert_eq!(seal.lines(), "1  a\n2  b\n");
    }

    proptest! {
        /// Whatever byte of a seal is changed: it is no seal any more, or says something else.
        #[test]
        fn no_byte_of_a_seal_is_idle(names in prop::collection::btree_map("[a-z0-9_]{1,8}", "[0-9a-f]{8}", 0..6), at: prop::sample::Index, to: u8) {
            let previous = Previous { day: "2025-10-08".into(), sha256: "ab".into() };
            let seal = Seal::new(day("2025-10-09"), &names, Some(previous));
            let json = seal.to_json();
            prop_assert_eq!(Seal::from_json(&json), Ok(seal.clone()));
            let mut other = json.clone();
            let at = at.index(json.len());
            other[at] = to;
            if let Ok(read) = Seal::from_json(&other) {
                let same_values = serde_json::from_slice::<serde_json::Value>(&other).unwrap()
                    == serde_json::from_slice::<serde_json::Value>(&json).unwrap();
                prop_assert!(same_values || read != seal);
                prop_assert!(read.verdicts == seal.verdicts);
            }
        }
    }
}
