//! Which recordings somebody looks for, and the page of them that is shown: newest first, and
//! a cursor to go on from. What is asked comes from an address that anybody can type, so that
//! each part is read strictly, and what is wrong is told in a sentence.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::archive::day::{Row, UNREADABLE};
use crate::media::fragment::Direction;
use crate::media::ticks::EpochMillis;
use crate::recording::verdict::Status;

/// Milliseconds of a day.
const DAY: i64 = 24 * 3_600_000;
/// Characters of a word that is looked for, at the most.
const MAX_WORD: usize = 256;
/// Rows of a page, unless it is asked for fewer, and at the most.
pub const PAGE_ROWS: usize = 500;

/// What is looked for; all of it must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Begun at this time or later.
    pub from: Option<EpochMillis>,
    /// Begun before this time.
    pub to: Option<EpochMillis>,
    /// The contact's id, or the first contact's, or what one begins with.
    pub contact: Option<String>,
    /// Part of a number, of the customer or of the system, by its digits; of an address
    /// without digits by its letters.
    pub number: Option<String>,
    /// Part of the queue's name, or its id.
    pub queue: Option<String>,
    /// Part of the agent's name, or their id.
    pub agent: Option<String>,
    /// One of these; any if there is none.
    pub statuses: Vec<String>,
    /// Without sound on this side; on any of them for [`Silent::Any`].
    pub silent: Option<Silent>,
    /// So many seconds or more.
    pub longer: Option<f64>,
    /// So many seconds or fewer.
    pub shorter: Option<f64>,
}

/// Which side is without sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silent {
    /// Any that may be kept.
    Any,
    /// This one.
    Side(Direction),
}

/// Where a page goes on: behind this row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    started: i64,
    key: String,
}

impl Cursor {
    /// Behind all rows that began at this time or later.
    pub const fn before(time: EpochMillis) -> Self {
        Self {
            started: time.0,
            key: String::new(),
        }
    }

    /// The time that it goes on behind.
    pub const fn time(&self) -> EpochMillis {
        EpochMillis(self.started)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.started, self.key)
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('~');
        let cursor = parts.and_then(|(started, key)| {
            Some(Self {
                started: started.parse().ok()?,
                key: key.to_owned(),
            })
        });
        cursor.ok_or_else(|| "after: it is no place in a list of this archive".to_owned())
    }
}

/// A row, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit<'a> {
    /// What the verdict's key starts with, up to its name.
    pub folder: &'a str,
    /// The row.
    pub row: &'a Row,
    /// When it began, as [`Row::started`] has it: read once, and compared often.
    pub started: i64,
}

impl<'a> Hit<'a> {
    /// A row of a folder.
    pub fn new(folder: &'a str, row: &'a Row) -> Self {
        Self {
            folder,
            row,
            started: row.started(),
        }
    }

    /// The verdict's key.
    pub fn key(&self) -> String {
        format!("{}{}", self.folder, self.row.verdict)
    }

    /// Where a page goes on behind it.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            started: self.started,
            key: self.key(),
        }
    }

    /// Whether it comes behind a place in the list.
    pub fn is_behind(&self, after: &Cursor) -> bool {
        let by_key = || self.key_bytes().cmp(after.key.bytes());
        self.started.cmp(&after.started).then_with(by_key) == Ordering::Less
    }

    fn key_bytes(&self) -> impl Iterator<Item = u8> {
        self.folder.bytes().chain(self.row.verdict.bytes())
    }

    fn newest_first(&self, other: &Self) -> Ordering {
        let by_key = || other.key_bytes().cmp(self.key_bytes());
        other.started.cmp(&self.started).then_with(by_key)
    }
}

impl Query {
    /// Reads what is asked: names and values of an address. Those that are empty say nothing,
    /// and those of other names are not this one's. The error is a sentence for who typed it.
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, String> {
        let mut query = Self::default();
        for (name, value) in pairs {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if value.chars().count() > MAX_WORD {
                return Err(format!("{name}: it is longer than {MAX_WORD} characters"));
            }
            let word = || Some(value.to_owned());
            match name {
                "from" => query.from = Some(time(name, value)?),
                "to" => query.to = Some(time(name, value)?),
                "contact" => query.contact = word(),
                "number" => query.number = word(),
                "queue" => query.queue = word(),
                "agent" => query.agent = word(),
                "status" => query.statuses = statuses(value)?,
                "silent" => query.silent = Some(value.parse()?),
                "longer" => query.longer = Some(seconds(name, value)?),
                "shorter" => query.shorter = Some(seconds(name, value)?),
                _ => {}
            }
        }
        match (query.from, query.to) {
            (Some(from), Some(to)) if from >= to => {
                Err("to: it must be later than from".to_owned())
            }
            _ => Ok(query),
        }
    }

    /// Whether a recording is looked for.
    pub fn matches(&self, hit: &Hit<'_>) -> bool {
        let row = hit.row;
        self.is_in_time(hit)
            && self
                .contact
                .as_ref()
                .is_none_or(|id| begins(&row.contact_id, id) || begins(&row.initial_contact_id, id))
            && self.number.as_ref().is_none_or(|number| {
                has_number(row.customer.as_ref(), number) || has_number(row.system.as_ref(), number)
            })
            && is_called(
                self.queue.as_ref(),
                row.queue.as_ref(),
                row.queue_id.as_ref(),
            )
            && is_called(
                self.agent.as_ref(),
                row.agent.as_ref(),
                row.agent_id.as_ref(),
            )
            && (self.statuses.is_empty() || self.statuses.contains(&row.status))
            && self.silent.is_none_or(|silent| silent.is_on(row))
            && self.longer.is_none_or(|seconds| row.seconds >= seconds)
            && self.shorter.is_none_or(|seconds| row.seconds <= seconds)
    }

    /// What has no time is in no stretch of time. What has a day and no time may have begun at any
    /// time of it: days of people's time zones begin at other hours than those of folders.
    fn is_in_time(&self, hit: &Hit<'_>) -> bool {
        let started = hit.started;
        let may_have_begun = match hit.row.has_day_alone() {
            true => started.saturating_add(DAY - 1),
            false => started,
        };
        let is_behind = |from: EpochMillis| may_have_begun >= from.0 && started != i64::MIN;
        let is_before = |to: EpochMillis| started < to.0 && started != i64::MIN;
        self.from.is_none_or(is_behind) && self.to.is_none_or(is_before)
    }
}

impl Silent {
    fn is_on(self, row: &Row) -> bool {
        match self {
            Self::Any => !row.silent_sides.is_empty(),
            Self::Side(side) => row.silent_sides.iter().any(|name| name == side.name()),
        }
    }
}

impl FromStr for Silent {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let mut sides = Direction::BOTH.into_iter();
        match (word, sides.find(|side| side.name() == word)) {
            ("any", _) => Ok(Self::Any),
            (_, Some(side)) => Ok(Self::Side(side)),
            (_, None) => Err("silent: it must be any, from or to".to_owned()),
        }
    }
}

/// Puts a page in order, newest first, and cuts it.
pub fn newest_first(page: &mut Vec<Hit<'_>>, most: usize) {
    page.sort_unstable_by(Hit::newest_first);
    page.truncate(most);
}

/// `2026-11-27`, midnight in UTC, or a time of RFC 3339.
fn time(name: &str, value: &str) -> Result<EpochMillis, String> {
    let time = EpochMillis::from_rfc3339(value)
        .or_else(|| EpochMillis::from_rfc3339(&format!("{value}T00:00:00Z")));
    time.ok_or_else(|| {
        format!("{name}: it must be a day (2026-11-27) or a time (2026-11-27T08:00:00Z)")
    })
}

fn seconds(name: &str, value: &str) -> Result<f64, String> {
    let seconds = value.parse().ok();
    seconds
        .filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
        .ok_or_else(|| format!("{name}: it must be a number of seconds"))
}

fn statuses(value: &str) -> Result<Vec<String>, String> {
    let known = [
        Status::Complete.name(),
        Status::Partial.name(),
        Status::Empty.name(),
        Status::Failed.name(),
        UNREADABLE,
    ];
    let words = value.split(',').map(str::trim);
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    match words.iter().find(|word| !known.contains(word)) {
        Some(_) => Err(format!("status: it must be of {}", known.join(", "))),
        None => Ok(words.into_iter().map(str::to_owned).collect()),
    }
}

fn begins(id: &str, beginning: &str) -> bool {
    id.get(..beginning.len())
        .is_some_and(|part| part.eq_ignore_ascii_case(beginning))
}

/// Whether a name has this part, whatever the case of letters; or whether it is the id.
fn is_called(asked: Option<&String>, name: Option<&String>, id: Option<&String>) -> bool {
    let Some(asked) = asked else {
        return true;
    };
    name.is_some_and(|name| has_part(name, asked)) || id == Some(asked)
}

fn has_part(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// Numbers are compared by their digits: `030 1234` is in `+49301234`.
fn has_number(address: Option<&String>, asked: &str) -> bool {
    let Some(address) = address else {
        return false;
    };
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let is_number = |text: &str| {
        let mut letters = text.chars();
        letters.all(|letter| letter.is_ascii_digit() || "+-./() ".contains(letter))
    };
    match (is_number(asked), digits(asked)) {
        (true, asked) if !asked.is_empty() => {
            // The zero before an area code is none of the number as it is dialled from afar.
            let national = asked.trim_start_matches('0');
            let asked = if national.is_empty() {
                &asked
            } else {
                national
            };
            digits(address).contains(asked)
        }
        (true | false, _) => has_part(address, asked),
    }
}

#[cfg(test)]
mod tests;
