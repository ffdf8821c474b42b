//! Deleting one contact's recordings for good: files, verdicts, all their versions, and what
//! was not finished; and its notes and messages, where there is an answering machine. First a
//! mark is put, which the recorder looks for before any media, so that no older copy of the
//! contact's record brings them back; then all is deleted, and looked for again, since a
//! recording could end just then. What cannot be deleted is told, and all else goes.
//!
//! The legs of a call are found by their verdicts, which name the first one: a verdict goes
//! after its files, and stays while one of them does.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::archive::day::index_key;
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{Erasable, Erasing, Expect};
use crate::recording::key::{self, VERDICT_SUFFIX};
use crate::recording::verdict::Verdict;
use crate::voicemail::note;

/// The contract of the mark.
pub const SCHEMA: &str = "callreel.forgotten/1";
/// A leg begins so many days after the first one at the most.
const DAYS_OF_A_CALL: i64 = 2;
/// Turns of deleting and looking again.
const MAX_TURNS: u32 = 4;
/// Small calls under way at once.
const CALLS_AT_ONCE: usize = 16;
const DAY: i64 = 24 * 3_600_000;

/// Where a contact's objects lie: what the keys of each kind start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places<'a> {
    /// Recordings.
    pub recordings: &'a str,
    /// Notes of the answering machine.
    pub notes: &'a str,
    /// Its messages.
    pub messages: &'a str,
}

impl Places<'_> {
    /// All that lies there.
    async fn list(&self, store: &impl Erasing) -> Result<Vec<Erasable>, Failure> {
        let mut listed = BTreeSet::new();
        for prefix in [self.recordings, self.notes, self.messages] {
            listed.extend(store.list_all(prefix).await?);
        }
        Ok(listed.into_iter().collect())
    }

    /// Whether a key is of a note or a message of one of these contacts.
    fn is_message_of(&self, key: &str, contacts: &[String]) -> bool {
        let mut contacts = contacts.iter();
        contacts.any(|contact| {
            note::is_of_contact(key, self.notes, contact)
                || note::is_of_contact(key, self.messages, contact)
        })
    }

    fn is_of(&self, object: &Erasable, contacts: &[String]) -> bool {
        let is_recording = |key: &str| {
            let mut contacts = contacts.iter();
            key.starts_with(self.recordings)
                && contacts.any(|contact| key::is_of_contact(name(key), contact))
        };
        is_recording(&object.key) || self.is_message_of(&object.key, contacts)
    }
}

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
    /// The contact, and the further legs of its call that went with it: `verify` tells by
    /// them what was deleted on purpose.
    #[serde(default)]
    pub contacts: Vec<String>,
}

/// What there is of a contact, or what was deleted of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The contact, and the further legs of its call that have a verdict.
    pub contacts: Vec<String>,
    /// Their objects, in the order of the listing.
    pub objects: Vec<Erasable>,
    /// Verdicts that could not be read, and why: whose legs they are of, nobody knows.
    pub unread: Vec<(String, String)>,
    /// The call's first contact, if this one is a further leg: the others are not looked for.
    pub leg_of: Option<String>,
    /// The mark was there: its recordings were deleted before.
    pub marked: bool,
    /// Objects that were not deleted.
    pub left: Vec<Erasable>,
    /// Why not.
    pub failures: Vec<Failure>,
}

/// Looks what there is of a contact and of the further legs of its call.
pub async fn look(
    store: &impl Erasing,
    places: Places<'_>,
    contact: &str,
) -> Result<Found, Failure> {
    let prefix = places.recordings;
    let listed = places.list(store).await?;
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
    let mark = key::forgotten(prefix, contact);
    let mut found = Found {
        contacts: vec![contact.to_owned()],
        marked: listed.iter().any(|object| object.key == mark),
        ..Found::default()
    };
    // Its own verdicts lie there, and tell whether it is a further leg itself.
    let is_verdict_nearby = |key: &&str| {
        let is_near = |days: &BTreeSet<String>| days.contains(folder(key, prefix));
        key.ends_with(VERDICT_SUFFIX) && days.as_ref().is_none_or(is_near)
    };
    let keys = listed.iter().map(|object| object.key.as_str());
    let verdicts: BTreeSet<&str> = keys.filter(is_verdict_nearby).collect();
    let mut read = stream::iter(verdicts)
        .map(|key| async move { (key, store.read(key).await) })
        .buffered(CALLS_AT_ONCE);
    while let Some((key, json)) = read.next().await {
        let verdict = match json {
            Ok(Some(json)) => Verdict::from_json(&json).map_err(|error| error.to_string()),
            // An older version of it is left, and nothing else.
            Ok(None) => continue,
            Err(failure) if is_its_own(failure.kind) => Err(failure.to_string()),
            Err(failure) => return Err(failure),
        };
        let is_own = key::is_of_contact(name(key), contact);
        match verdict {
            Ok(verdict) if is_own => {
                let first = verdict.recording.initial_contact_id;
                found.leg_of = found.leg_of.or((first != contact).then_some(first));
            }
            Err(_) if is_own => {}
            Ok(verdict) if verdict.recording.initial_contact_id == contact => {
                let leg = verdict.recording.contact_id;
                if !found.contacts.contains(&leg) {
                    found.contacts.push(leg);
                }
            }
            Ok(_) => {}
            Err(cause) => found.unread.push((key.to_owned(), cause)),
        }
    }
    drop(read);
    found.objects = listed;
    // The index of a day has a line of each of its recordings. It is made anew of the others.
    let of_contacts = |object: &&Erasable| places.is_of(object, &found.contacts);
    let indexes: BTreeSet<String> = found
        .objects
        .iter()
        .filter(of_contacts)
        .map(|object| index_key(parent(&object.key)))
        .collect();
    let is_index = |object: &Erasable| indexes.contains(&object.key);
    found
        .objects
        .retain(|object| places.is_of(object, &found.contacts) || is_index(object));
    Ok(found)
}

/// Puts the mark, and deletes until nothing is found. What was deleted, and what was not;
/// the error is that nothing was.
pub async fn forget(
    store: &impl Erasing,
    places: Places<'_>,
    contact: &str,
    now: EpochMillis,
) -> Result<Found, Failure> {
    let mut all = look(store, places, contact).await?;
    let mark = Mark {
        schema: SCHEMA.to_owned(),
        callreel: env!("CARGO_PKG_VERSION").to_owned(),
        forgotten_at: now.to_rfc3339(),
        objects: all.objects.len(),
        contacts: all.contacts.clone(),
    };
    let mut json = serde_json::to_vec_pretty(&mark).unwrap_or_default();
    json.push(b'\n');
    // A mark that is there already says the same.
    let mut found = all.objects.iter();
    let left_messages = found.any(|object| places.is_message_of(&object.key, &all.contacts));
    for prefix in [
        Some(places.recordings),
        left_messages.then_some(places.messages),
    ] {
        let Some(prefix) = prefix else { continue };
        let key = key::forgotten(prefix, contact);
        store.put(&key, json.clone(), Expect::Nothing).await?;
    }
    let mut next = std::mem::take(&mut all.objects);
    for _ in 0..MAX_TURNS {
        erase(store, places, next, &mut all).await;
        match places.list(store).await {
            Ok(listed) => next = listed,
            Err(failure) => {
                all.failures.push(failure);
                return Ok(all);
            }
        }
        next.retain(|object| places.is_of(object, &all.contacts) && !all.left.contains(object));
        if next.is_empty() {
            return Ok(all);
        }
    }
    all.failures.push(Failure::new(
        FailureKind::Contended,
        format!("contact {contact}"),
        "objects of it kept coming while they were deleted",
    ));
    all.left.extend(next);
    Ok(all)
}

/// Deletes these: the verdicts last, and none of a contact that keeps a file.
async fn erase(store: &impl Erasing, places: Places<'_>, objects: Vec<Erasable>, all: &mut Found) {
    let is_verdict = |object: &Erasable| object.key.ends_with(VERDICT_SUFFIX);
    let (verdicts, files) = objects.into_iter().partition(is_verdict);
    erase_in_any_order(store, files, all).await;
    let keeping: Vec<String> = all
        .contacts
        .iter()
        .filter(|contact| {
            let contact = std::slice::from_ref(*contact);
            all.left.iter().any(|left| places.is_of(left, contact))
        })
        .cloned()
        .collect();
    let (stay, verdicts) = verdicts
        .into_iter()
        .partition(|verdict| places.is_of(verdict, &keeping));
    all.left.extend::<Vec<_>>(stay);
    erase_in_any_order(store, verdicts, all).await;
}

async fn erase_in_any_order(store: &impl Erasing, objects: Vec<Erasable>, all: &mut Found) {
    let mut erased = stream::iter(objects)
        .map(|object| async move { (store.erase(&object).await, object) })
        .buffered(CALLS_AT_ONCE);
    while let Some((erased, object)) = erased.next().await {
        match erased {
            Ok(()) => all.objects.push(object),
            Err(failure) => {
                all.failures.push(failure);
                all.left.push(object);
            }
        }
    }
}

/// Whether a failure is the object's own and says nothing of others.
fn is_its_own(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Unreadable | FailureKind::Key(_) | FailureKind::Archived
    )
}

fn name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

/// What a key starts with, up to its name.
fn parent(key: &str) -> &str {
    key.rfind('/').map_or("", |end| &key[..=end])
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
