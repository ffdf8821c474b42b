//! Deleting one contact's recordings for good: files, verdicts, all their versions, and what
//! was not finished. First a mark is put, which the recorder looks for before any media, so
//! that no older copy of the contact's record brings them back; then all is deleted, and
//! looked for again, since a recording could end just then.
//!
//! The legs of a call are found by their verdicts, which name the first one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{Erasable, Erasing};
use crate::recording::key::{self, VERDICT_SUFFIX};
use crate::recording::verdict::Verdict;

/// The contract of the mark.
pub const SCHEMA: &str = "callreel.forgotten/1";
/// A leg begins so many days after the first one at the most.
const DAYS_OF_A_CALL: i64 = 2;
/// Turns of deleting and looking again.
const MAX_TURNS: u32 = 4;
const DAY: i64 = 24 * 3_600_000;

/// What lies under [`key::forgotten`] after a contact's recordings were deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of Callreel that wrote it.
    pub callreel: String,
    /// When, RFC 3339.
    pub forgotten_at: String,
    /// Objects that were found then, versions counted each.
    pub objects: usize,
}

/// What there is of a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The contact, and the further legs of its call that have a verdict.
    pub contacts: Vec<String>,
    /// Their objects, in the order of the listing.
    pub objects: Vec<Erasable>,
    /// Verdicts that could not be read: whose legs they are of, nobody knows.
    pub unread: Vec<String>,
}

/// Looks what there is of a contact and of the further legs of its call.
pub async fn look(store: &impl Erasing, prefix: &str, contact: &str) -> Result<Found, Failure> {
    let listed = store.list_all(prefix).await?;
    let own_days: BTreeSet<&str> = listed
        .iter()
        .filter(|object| key::is_of_contact(name(&object.key), contact))
        .map(|object| folder(&object.key, prefix))
        .collect();
    let days = own_days.iter().map(|folder| days_from(folder));
    // Without a day of its own a leg can be anywhere.
    let days: Option<BTreeSet<String>> = days
        .collect::<Option<Vec<_>>>()
        .filter(|days| !days.is_empty())
        .map(|days| days.into_iter().flatten().collect());
    let mut found = Found {
        contacts: vec![contact.to_owned()],
        ..Found::default()
    };
    let mut seen = BTreeSet::new();
    for object in &listed {
        let is_near = |days: &BTreeSet<String>| days.contains(folder(&object.key, prefix));
        let is_verdict = object.key.ends_with(VERDICT_SUFFIX)
            && !key::is_of_contact(name(&object.key), contact)
            && days.as_ref().is_none_or(is_near);
        if !is_verdict || !seen.insert(&object.key) {
            continue;
        }
        // Only an older version of it may be left.
        let Some(json) = store.find_verdict(&object.key).await? else {
            continue;
        };
        match Verdict::from_json(&json) {
            Ok(verdict) if verdict.recording.initial_contact_id == contact => {
                let leg = verdict.recording.contact_id;
                if !found.contacts.contains(&leg) {
                    found.contacts.push(leg);
                }
            }
            Ok(_) => {}
            Err(_) => found.unread.push(object.key.clone()),
        }
    }
    found.objects = listed;
    found
        .objects
        .retain(|object| is_of(object, &found.contacts));
    Ok(found)
}

/// Puts the mark, and deletes until nothing is found. What was deleted.
pub async fn forget(
    store: &impl Erasing,
    prefix: &str,
    contact: &str,
    now: EpochMillis,
) -> Result<Found, Failure> {
    let mut all = look(store, prefix, contact).await?;
    let mark = Mark {
        schema: SCHEMA.to_owned(),
        callreel: env!("CARGO_PKG_VERSION").to_owned(),
        forgotten_at: now.to_rfc3339(),
        objects: all.objects.len(),
    };
    let mut json = serde_json::to_vec_pretty(&mark).unwrap_or_default();
    json.push(b'\n');
    // One that is there already says the same.
    let key = key::forgotten(prefix, contact);
    store.put_verdict(&key, json, None).await?;
    store.erase(&all.objects).await?;
    for _ in 1..MAX_TURNS {
        let mut left = store.list_all(prefix).await?;
        left.retain(|object| is_of(object, &all.contacts));
        if left.is_empty() {
            return Ok(all);
        }
        store.erase(&left).await?;
        all.objects.extend(left);
    }
    Err(Failure::new(
        FailureKind::Contended,
        format!("contact {contact}"),
        "objects of it kept coming while they were deleted",
    ))
}

fn is_of(object: &Erasable, contacts: &[String]) -> bool {
    let file_name = name(&object.key);
    let mut contacts = contacts.iter();
    contacts.any(|contact| key::is_of_contact(file_name, contact))
}

fn name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

/// The folder of a key below the prefix: `2026/11/20`, `undated`.
fn folder<'a>(key: &'a str, prefix: &str) -> &'a str {
    let below = key.strip_prefix(prefix).unwrap_or(key);
    below.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folders of a day and of those behind it; `None` for a folder that is no day.
fn days_from(folder: &str) -> Option<Vec<String>> {
    let midnight = format!("{}T00:00:00Z", folder.replace('/', "-"));
    let first = EpochMillis::from_rfc3339(&midnight)?;
    let days = (0..=DAYS_OF_A_CALL).map(|day| EpochMillis(first.0 + day * DAY).to_utc_date());
    let days = days.flatten();
    Some(
        days.map(|(year, month, day)| format!("{year:04}/{month:02}/{day:02}"))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calls_days_follow_each_other() {
        let days = days_from("2026/12/30").unwrap();
        assert_eq!(days, ["2026/12/30", "2026/12/31", "2027/01/01"]);
        assert_eq!(days_from("undated"), None);
        assert_eq!(days_from(""), None);
        assert_eq!(folder("rec/2026/12/30/a_1_from.wav", "rec/"), "2026/12/30");
        assert_eq!(
            folder("calls-2026/12/30/a_1_from.wav", "calls-"),
            "2026/12/30"
        );
    }
}
