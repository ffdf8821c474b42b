//! A day of recordings as rows: what people look for and sort by, one line of JSON each, in an
//! object a day. Athena's JSON SerDe and DuckDB read it as it is; the
//! table is in `docs/archive.md`.
//!
//! The verdicts are what holds. A row says of which verdict it was made and when that was
//! written, so that an index is brought up to date by reading the verdicts that changed, and
//! may be deleted at any time. A verdict that cannot be read is a row that says so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::media::fragment::Direction;
use crate::media::levels::SILENCE_PEAK;
use crate::media::ticks::EpochMillis;
use crate::recording::key::VERDICT_SUFFIX;
use crate::recording::seal::Day;
use crate::recording::verdict::{SoundFigures, Verdict};

/// Where the indexes of days lie, below the prefix of the recordings. They have a folder of
/// their own, since who asks by SQL reads whole folders.
pub const INDEX_FOLDER: &str = "index/";
/// The name of an index of no day, beside the verdicts that it is of.
const UNDATED_INDEX: &str = "_index.ndjson";
/// The largest index that is read: one of 200,000 recordings has less.
pub const MAX_INDEX_BYTES: usize = 256 << 20;
/// How a time is written that is a day and no more: times that are known have milliseconds.
const MIDNIGHT: &str = "T00:00:00Z";
/// The status of a row whose verdict cannot be read.
pub const UNREADABLE: &str = "unreadable";
/// Stores tell the time of an object to the second: what was read so shortly after it was
/// written may have been written once more since, and is read again.
const SETTLES_AFTER: i64 = 2_000;

/// A verdict that was read.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// Its file name.
    pub name: &'a str,
    /// The day of its folder.
    pub day: Option<Day>,
    /// When it was written, as the store says.
    pub written: EpochMillis,
    /// When it was read.
    pub at: EpochMillis,
}

/// One recording of a day's index. Texts are as they came from outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The file name of the verdict, beside the index.
    pub verdict: String,
    /// When the verdict was written, in milliseconds since 1970; 0 where it may have changed
    /// just then.
    pub written: i64,
    /// When the day's verdicts were looked at for this index, in milliseconds since 1970: what
    /// came later is not in it. 0 in one of an older version.
    #[serde(default)]
    pub as_of: i64,
    /// `complete`, `partial`, `empty`, `failed`, or [`UNREADABLE`].
    pub status: String,
    /// Why the verdict cannot be read.
    #[serde(default)]
    pub problem: Option<String>,
    /// The contact.
    #[serde(default)]
    pub contact_id: String,
    /// The call's first contact, which all its legs share.
    #[serde(default)]
    pub initial_contact_id: String,
    /// The Connect instance.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// When it began, RFC 3339; where nobody knows, the midnight of its folder's day.
    #[serde(default)]
    pub starts_at: Option<String>,
    /// How long it is.
    #[serde(default)]
    pub seconds: f64,
    /// The customer's number or address.
    #[serde(default)]
    pub customer: Option<String>,
    /// The number or address that was called.
    #[serde(default)]
    pub system: Option<String>,
    /// The queue's name.
    #[serde(default)]
    pub queue: Option<String>,
    /// The queue's id.
    #[serde(default)]
    pub queue_id: Option<String>,
    /// The agent's user name.
    #[serde(default)]
    pub agent: Option<String>,
    /// The agent's id.
    #[serde(default)]
    pub agent_id: Option<String>,
    /// How the contact came about.
    #[serde(default)]
    pub initiation_method: Option<String>,
    /// The sides that may be kept: `from`, `to`.
    #[serde(default)]
    pub authorised: Vec<String>,
    /// Of them, those without sound: never streamed, or mute.
    #[serde(default)]
    pub silent_sides: Vec<String>,
    /// The codes of the verdict's reasons.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// The codes of its notes.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Seconds of audio that did not come.
    #[serde(default)]
    pub lost_seconds: f64,
    /// Fragments that came and are this recording's.
    #[serde(default)]
    pub fragments: u64,
    /// Fragments that did not come.
    #[serde(default)]
    pub missing_fragments: u64,
    /// Share of the recording in which the customer's side sounds, 0 to 1.
    #[serde(default)]
    pub from_share: Option<f64>,
    /// The same of what the customer hears.
    #[serde(default)]
    pub to_share: Option<f64>,
    /// Share in which both sound.
    #[serde(default)]
    pub both_share: Option<f64>,
    /// The longest silence in seconds.
    #[serde(default)]
    pub longest_silence_seconds: Option<f64>,
    /// Bytes of its files.
    #[serde(default)]
    pub bytes: u64,
    /// When its audio was no longer kept and it was still not complete, RFC 3339.
    #[serde(default)]
    pub gave_up_at: Option<String>,
}

impl Row {
    /// The row of a verdict as it was read: its bytes, or why they could not be had.
    pub fn of_verdict(read: &Read<'_>, json: Result<&[u8], String>) -> Self {
        let name = read.name;
        let settled = read.at.0.saturating_sub(read.written.0) > SETTLES_AFTER;
        let written = if settled { read.written.0 } else { 0 };
        let verdict = json.and_then(|json| {
            Verdict::from_json(json).map_err(|error| format!("it is no verdict: {error}"))
        });
        match verdict {
            Ok(verdict) => {
                let row = Self::of(&verdict);
                Self {
                    verdict: name.to_owned(),
                    written,
                    starts_at: row.starts_at.or_else(|| midnight(read.day)),
                    ..row
                }
            }
            Err(problem) => Self {
                verdict: name.to_owned(),
                written,
                status: UNREADABLE.to_owned(),
                problem: Some(problem),
                // Its name and its folder are all that is known of it.
                contact_id: contact_in(name),
                starts_at: midnight(read.day),
                ..Self::default()
            },
        }
    }

    /// What a verdict says, in a row.
    fn of(verdict: &Verdict) -> Self {
        let (names, span) = (&verdict.recording, &verdict.span);
        let call = verdict.call.clone().unwrap_or_default();
        let sound = verdict.sound.clone().unwrap_or_default();
        let SoundFigures {
            from_share,
            to_share,
            both_share,
            ..
        } = sound;
        Self {
            verdict: String::new(),
            written: 0,
            as_of: 0,
            status: verdict.status.name().to_owned(),
            problem: None,
            contact_id: names.contact_id.clone(),
            initial_contact_id: names.initial_contact_id.clone(),
            instance_id: names.instance_id.clone(),
            starts_at: span.starts_at.clone().or(span.record_starts_at.clone()),
            seconds: span.seconds,
            customer: call.customer,
            system: call.system,
            queue: call.queue,
            queue_id: call.queue_id,
            agent: call.agent,
            agent_id: call.agent_id,
            initiation_method: call.initiation_method,
            authorised: authorised(verdict),
            silent_sides: silent_sides(verdict),
            reasons: codes(&verdict.reasons),
            notes: codes(&verdict.notes),
            lost_seconds: (verdict.lost_seconds() * 1e3).round() / 1e3,
            fragments: verdict.fragments.own,
            missing_fragments: verdict.fragments.missing + verdict.fragments.unlisted,
            from_share,
            to_share,
            both_share,
            longest_silence_seconds: sound.longest_silence.map(|silence| silence.seconds),
            bytes: verdict.files.iter().map(|file| file.bytes).sum(),
            gave_up_at: verdict.gave_up_at.clone(),
        }
    }

    /// Whether only its folder's day is known of when it began.
    pub fn has_day_alone(&self) -> bool {
        let time = self.starts_at.as_deref();
        time.is_some_and(|time| time.ends_with(MIDNIGHT))
    }

    /// When it began, in milliseconds since 1970; the beginning of time where nobody knows.
    pub fn started(&self) -> i64 {
        let time = self
            .starts_at
            .as_deref()
            .and_then(EpochMillis::from_rfc3339);
        time.map_or(i64::MIN, |time| time.0)
    }
}

fn midnight(day: Option<Day>) -> Option<String> {
    day.map(|day| format!("{day}{MIDNIGHT}"))
}

fn codes(reasons: &[crate::recording::verdict::Reason]) -> Vec<String> {
    reasons.iter().map(|reason| reason.code.clone()).collect()
}

/// The sides that may be kept; of media without a record, those that it has.
fn authorised(verdict: &Verdict) -> Vec<String> {
    let of_media = || verdict.sides.all().map(|(side, _)| side.name().to_owned());
    let named = verdict.recording.authorised.clone();
    named.unwrap_or_else(|| of_media().collect())
}

/// Of the sides that may be kept, those without sound. Nobody knows of a recording that a
/// failure ended.
fn silent_sides(verdict: &Verdict) -> Vec<String> {
    if verdict.sides.all().next().is_none() {
        return Vec::new();
    }
    let allowed = authorised(verdict);
    let is_silent = |side: &Direction| {
        let found = verdict.sides.of(*side);
        found.is_none_or(|found| {
            found.audio_samples == 0 || found.peak < SILENCE_PEAK.unsigned_abs()
        })
    };
    let allowed_sides = Direction::BOTH
        .into_iter()
        .filter(|side| allowed.iter().any(|name| name == side.name()));
    allowed_sides
        .filter(is_silent)
        .map(|side| side.name().to_owned())
        .collect()
}

/// The contact that a verdict's file name begins with.
fn contact_in(name: &str) -> String {
    let stem = name.strip_suffix(VERDICT_SUFFIX).unwrap_or(name);
    stem.rsplit_once('_')
        .map_or(stem, |(contact, _)| contact)
        .to_owned()
}

/// The key of a folder's index. The folder is empty, or ends in a slash.
pub fn index_key(folder: &str) -> String {
    match Day::of_key(folder) {
        Some((prefix, day)) => format!("{prefix}{INDEX_FOLDER}day={day}/recordings.ndjson"),
        None => format!("{folder}{UNDATED_INDEX}"),
    }
}

/// Rows as an index: a line each, in the order of the verdicts' names.
pub fn to_index(rows: &[Row]) -> Vec<u8> {
    let mut index = Vec::new();
    for row in rows {
        index.extend(serde_json::to_vec(row).unwrap_or_default());
        index.push(b'\n');
    }
    index
}

/// The rows of an index. A line that cannot be read is none: its verdict is read again.
pub fn from_index(index: &[u8]) -> Vec<Row> {
    let lines = index.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// What an index lacks of a day's verdicts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Rows that still hold, by the verdicts' names.
    pub kept: BTreeMap<String, Row>,
    /// Verdicts to read, and when each was written.
    pub to_read: Vec<(String, EpochMillis)>,
    /// Whether the index has rows of verdicts that are gone, or lines that are none.
    pub has_more: bool,
}

impl Changes {
    /// Holds an index's rows against the verdicts that there are: their names, and when each
    /// was written.
    pub fn between(
        rows: Vec<Row>,
        verdicts: impl IntoIterator<Item = (String, EpochMillis)>,
    ) -> Self {
        let had = rows.len();
        let mut known: BTreeMap<String, Row> = rows
            .into_iter()
            .map(|row| (row.verdict.clone(), row))
            .collect();
        let mut changes = Self::default();
        for (name, written) in verdicts {
            match known.remove(&name) {
                Some(row) if row.written == written.0 => {
                    changes.kept.insert(name, row);
                }
                Some(_) | None => changes.to_read.push((name, written)),
            }
        }
        changes.has_more = changes.kept.len() + changes.to_read.len() < had || !known.is_empty();
        changes
    }

    /// Whether the index says what the verdicts say.
    pub fn is_none(&self) -> bool {
        self.to_read.is_empty() && !self.has_more
    }

    /// Adds rows that were read.
    pub fn add(&mut self, read: impl IntoIterator<Item = Row>) {
        let read = read.into_iter();
        self.kept.extend(read.map(|row| (row.verdict.clone(), row)));
    }

    /// All rows, in the order of an index.
    pub fn into_rows(self) -> Vec<Row> {
        self.kept.into_values().collect()
    }
}

#[cfg(test)]
mod tests;
