//! Whether recordings are still what their verdicts say, each file byte for byte, and whether
//! the verdicts of a day are those that its seal lists. It only looks, but for [`seal`], which
//! writes one object. Files are read in a stream: what is held of each is a chunk.

mod link;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
pub use link::Link;

use crate::failure::{Action, Failure, FailureKind};
use crate::forget::Mark;
use crate::object_key::hex;
use crate::port::{Expect, MediaBody, Objects, Opening};
use crate::recording::key::{self, VERDICT_SUFFIX};
use crate::recording::seal::{Day, Differences, MAX_SEAL_BYTES, Previous, SEAL_NAME, Seal};
use crate::recording::verdict::{Check, Status, Verdict};
use crate::sha256;
use crate::sha256::Sha256;

/// A file whose bytes stop coming is read so often from its start.
const READ_ATTEMPTS: u32 = 3;
/// A seal hangs on the last one of so many days before it.
pub const MAX_DAYS_BETWEEN_SEALS: u16 = 366;
/// The kind of file that a waveform is drawn from.
const PEAKS: &str = "peaks";
/// Small calls under way at once.
const CALLS_AT_ONCE: usize = 16;

/// What is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// What the keys of the store's recordings start with; empty for all that is in it.
    pub prefix: &'a str,
    /// The recordings of this day alone.
    pub day: Option<Day>,
    /// The recordings of this contact alone.
    pub contact: Option<&'a str>,
}

/// The keys that there are to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Of verdicts, in order.
    pub verdicts: Vec<String>,
    /// Of WAV files.
    pub wavs: Vec<String>,
    /// Of seals. None where one contact's recordings are looked at: a seal is about all.
    pub seals: Vec<String>,
}

/// What a file of a verdict is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// What was written.
    Whole,
    /// Shorter than what was written.
    Cut,
    /// Something else.
    Changed,
    /// Not there.
    Gone,
}

impl Found {
    /// A word for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Cut => "cut",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// A file of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedFile {
    /// Which of the recording's, as `from`; `peaks` for what its waveform is drawn from.
    pub kind: String,
    /// The key beside the verdict's under which it was looked for.
    pub key: String,
    /// What it is, or why that cannot be told.
    pub found: Result<Found, Failure>,
}

/// One verdict that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedVerdict {
    /// Its key.
    pub key: String,
    /// The SHA-256 of all of its bytes, in hex; `None` when they could not be read.
    pub sha256: Option<String>,
    /// What it is of, or why it cannot be read.
    pub recording: Result<CheckedRecording, String>,
}

/// A recording that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRecording {
    /// The contact.
    pub contact: String,
    /// The verdict's status.
    pub status: Status,
    /// A later reading can still replace the verdict.
    pub can_grow: bool,
    /// Its files.
    pub files: Vec<CheckedFile>,
}

/// A seal that was held against what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedSeal {
    /// Its key.
    pub key: String,
    /// What was found, or why it cannot be read.
    pub found: Result<SealFound, String>,
}

/// What a seal and its day's verdicts are found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealFound {
    /// Its day.
    pub day: String,
    /// How many verdicts it lists.
    pub verdicts: usize,
    /// What is otherwise.
    pub differences: Differences,
    /// The seal before it.
    pub link: Link,
    /// The day of that one.
    pub previous_day: Option<String>,
}

/// What came of sealing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// It is sealed now.
    Sealed,
    /// It was sealed, and the seal says the same.
    Already,
    /// It was sealed, and the seal says something else: it stays.
    Otherwise,
}

/// What an earlier seal of other content means for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// It stays.
    Stays,
    /// It is replaced; in a bucket with versions it stays as an older one.
    IsReplaced,
}

/// Looks which keys there are.
pub async fn keys(store: &impl Objects, scope: Scope<'_>) -> Result<Keys, Failure> {
    let mut prefix = scope.prefix.to_owned();
    if let (Some(day), false) = (scope.day, prefix.is_empty()) {
        prefix = format!("{prefix}{}/", day.folder());
    }
    let mut keys = Keys::default();
    for listed in store.list(&prefix).await? {
        let key = listed.key;
        let is_of_day = |day| Day::of_key(&key).is_some_and(|(_, of_key)| of_key == day);
        let is_of_contact = |contact| key::is_of_contact(file_name(&key), contact);
        if !scope.day.is_none_or(is_of_day) || !scope.contact.is_none_or(is_of_contact) {
            continue;
        }
        match file_name(&key) {
            SEAL_NAME => keys.seals.push(key),
            name if name.ends_with(VERDICT_SUFFIX) => keys.verdicts.push(key),
            name if name.ends_with(".wav") => keys.wavs.push(key),
            _ => {}
        }
    }
    Ok(keys)
}

/// Reads a verdict and all files that it names. `None` when it went meanwhile.
pub async fn check(store: &impl Opening, key: &str) -> Option<CheckedVerdict> {
    let checked = |sha256, recording| {
        Some(CheckedVerdict {
            key: key.to_owned(),
            sha256,
            recording,
        })
    };
    let json = match store.read(key).await {
        Ok(Some(json)) => json,
        Ok(None) => return None,
        Err(failure) => return checked(None, Err(failure.to_string())),
    };
    let sha256 = Some(hex(sha256::of(&json)));
    let verdict = match Verdict::from_json(&json) {
        Ok(verdict) => verdict,
        Err(error) => return checked(sha256, Err(error.to_string())),
    };
    let mut files = Vec::new();
    for file in &verdict.files {
        let key = beside(key, &file.key);
        let check = || Check::<Sha256>::new(&verdict, file);
        let found = look(store, &key, file.bytes, check).await;
        files.push(CheckedFile {
            kind: file.kind.clone(),
            key,
            found,
        });
    }
    if let Some(peaks) = &verdict.peaks {
        let key = beside(key, &peaks.key);
        let check = || Some(Check::<Sha256>::of_peaks(peaks));
        let found = look(store, &key, peaks.bytes, check).await;
        files.push(CheckedFile {
            kind: PEAKS.to_owned(),
            key,
            found,
        });
    }
    checked(
        sha256,
        Ok(CheckedRecording {
            can_grow: !matches!(verdict.status, Status::Complete | Status::Empty)
                && verdict.gave_up_at.is_none(),
            contact: verdict.recording.contact_id,
            status: verdict.status,
            files,
        }),
    )
}

/// WAV files that no verdict names: of a run that was ended before its verdict, or of one that
/// goes on.
pub fn unnamed<'a>(keys: &'a Keys, checked: &[CheckedVerdict]) -> Vec<&'a str> {
    let recordings = checked.iter().filter_map(|it| it.recording.as_ref().ok());
    let files = recordings.flat_map(|recording| &recording.files);
    let named: BTreeSet<&str> = files.map(|file| &*file.key).collect();
    // What a verdict names that cannot be read, nobody knows: its recording's files are not told.
    let unread = checked.iter().filter(|it| it.recording.is_err());
    let unread: Vec<&str> = unread
        .filter_map(|it| it.key.strip_suffix(VERDICT_SUFFIX))
        .collect();
    let is_unnamed = |key: &&str| {
        let mut unread = unread.iter();
        !named.contains(key) && !unread.any(|base| key.starts_with(base))
    };
    keys.wavs
        .iter()
        .map(|key| &**key)
        .filter(is_unnamed)
        .collect()
}

/// Holds each seal against the verdicts that were looked at, and against the seal before it.
pub async fn check_seals(
    store: &impl Opening,
    keys: &Keys,
    checked: &[CheckedVerdict],
) -> Vec<CheckedSeal> {
    let mut marks: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut found = Vec::new();
    for key in &keys.seals {
        let seal = match read_whole(store, key).await {
            Ok(Some(json)) => Seal::from_json(&json),
            Ok(None) => continue,
            Err(failure) => Err(failure.to_string()),
        };
        let result = match seal {
            Err(cause) => Err(cause),
            Ok(seal) => {
                let there = verdicts_beside(key, checked);
                let mut differences = seal.differences(&there, |_| false);
                if let (false, Some((prefix, _))) =
                    (differences.removed.is_empty(), Day::of_key(key))
                {
                    if !marks.contains_key(prefix) {
                        marks.insert(prefix, forgotten(store, prefix).await);
                    }
                    let contacts = marks.get(prefix).map_or(&[][..], |contacts| contacts);
                    let is_forgotten = |name: &str| {
                        let mut contacts = contacts.iter();
                        contacts.any(|contact| key::is_of_contact(name, contact))
                    };
                    differences = seal.differences(&there, is_forgotten);
                }
                link(store, key, &seal).await.map(|link| SealFound {
                    day: seal.day.clone(),
                    verdicts: seal.verdicts.len(),
                    differences,
                    link,
                    previous_day: seal.previous.map(|previous| previous.day),
                })
            }
        };
        found.push(CheckedSeal {
            key: key.clone(),
            found: result,
        });
    }
    found
}

/// Seals a day under a prefix, over verdicts that were looked at. It is an error when one of
/// them could not be read at all.
pub async fn seal(
    store: &impl Opening,
    prefix: &str,
    day: Day,
    checked: &[CheckedVerdict],
    earlier: Earlier,
) -> Result<(Seal, Sealing), Failure> {
    let key = day.seal_key(prefix);
    if let Some(unread) = checked.iter().find(|it| it.sha256.is_none()) {
        let cause = "the verdict cannot be read, and a seal without it would not be the day's";
        return Err(Failure::new(FailureKind::Unreadable, &unread.key, cause));
    }
    let previous = last_before(store, prefix, day).await?;
    let new = Seal::new(day, &verdicts_beside(&key, checked), previous);
    let before = read_whole(store, &key).await?;
    let says_the_same =
        |json: &[u8]| Seal::from_json(json).is_ok_and(|there| there.says_the_same(&new));
    let expect = match before.as_deref() {
        None => Expect::Nothing,
        Some(json) if says_the_same(json) => return Ok((new, Sealing::Already)),
        Some(_) if earlier == Earlier::Stays => return Ok((new, Sealing::Otherwise)),
        Some(json) => Expect::Exactly(json),
    };
    if store.put(&key, new.to_json(), expect).await? {
        return Ok((new, Sealing::Sealed));
    }
    // A write whose answer was lost meets itself; another one's says the same, or not.
    let there = read_whole(store, &key).await?;
    let sealing = match there.as_deref().is_some_and(says_the_same) {
        true => Sealing::Sealed,
        false => Sealing::Otherwise,
    };
    Ok((new, sealing))
}

fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

/// The key of a verdict's file. They are written into one folder, and stay in one in any copy
/// of it, or seen from a folder below or above the one that they were written to.
fn beside(verdict: &str, file: &str) -> String {
    let folder = verdict.rfind('/').map_or("", |end| &verdict[..=end]);
    format!("{folder}{}", file_name(file))
}

/// The verdicts that lie beside a seal, by their names.
fn verdicts_beside(seal: &str, checked: &[CheckedVerdict]) -> BTreeMap<String, String> {
    let verdicts = checked
        .iter()
        .filter(|it| beside(seal, &it.key) == it.key)
        // One that is there and cannot be read is none of the sealed ones.
        .map(|it| (file_name(&it.key).to_owned(), it.sha256.clone()));
    verdicts
        .map(|(name, sha256)| (name, sha256.unwrap_or_default()))
        .collect()
}

/// What a file is found to be. When its bytes stop coming, it is read again from its start.
async fn look(
    store: &impl Opening,
    key: &str,
    bytes: u64,
    check: impl Fn() -> Option<Check>,
) -> Result<Found, Failure> {
    let mut attempt = 1;
    loop {
        match read_through(store, key, bytes, check()).await {
            Err(failure) if failure.action() == Action::Retry && attempt < READ_ATTEMPTS => {
                attempt += 1;
            }
            found => return found,
        }
    }
}

async fn read_through(
    store: &impl Opening,
    key: &str,
    bytes: u64,
    check: Option<Check>,
) -> Result<Found, Failure> {
    let Some(mut opened) = store.open(key).await? else {
        return Ok(Found::Gone);
    };
    // Of another size it needs no reading.
    match opened.bytes.cmp(&bytes) {
        std::cmp::Ordering::Less => return Ok(Found::Cut),
        std::cmp::Ordering::Greater => return Ok(Found::Changed),
        std::cmp::Ordering::Equal => {}
    }
    let Some(mut check) = check else {
        let cause = "the verdict does not say the hash of its samples";
        return Err(Failure::new(FailureKind::Unreadable, key, cause));
    };
    while let Some(chunk) = opened.body.next_chunk().await? {
        check.push(&chunk);
    }
    Ok(match check.finish() {
        true => Found::Whole,
        false => Found::Changed,
    })
}

/// A seal's bytes, which can be more than other objects have.
async fn read_whole(store: &impl Opening, key: &str) -> Result<Option<Vec<u8>>, Failure> {
    let Some(mut opened) = store.open(key).await? else {
        return Ok(None);
    };
    let mut whole = Vec::new();
    while let Some(chunk) = opened.body.next_chunk().await? {
        if whole.len() + chunk.len() > MAX_SEAL_BYTES {
            let cause = format!("is longer than {MAX_SEAL_BYTES} bytes");
            return Err(Failure::new(FailureKind::Unreadable, key, cause));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Some(whole))
}

/// How a seal hangs on the one before it.
async fn link(store: &impl Opening, key: &str, seal: &Seal) -> Result<Link, String> {
    let Some(previous) = &seal.previous else {
        return Ok(Link::First);
    };
    let (Some((prefix, _)), Ok(day)) = (Day::of_key(key), previous.day.parse::<Day>()) else {
        return Ok(Link::Unknown);
    };
    let json = read_whole(store, &day.seal_key(prefix)).await;
    Ok(match json.map_err(|failure| failure.to_string())? {
        None => Link::Gone,
        Some(json) if hex(sha256::of(&json)) == previous.sha256 => Link::Holds,
        Some(_) => Link::Changed,
    })
}

/// The last seal before a day.
async fn last_before(
    store: &impl Opening,
    prefix: &str,
    day: Day,
) -> Result<Option<Previous>, Failure> {
    let mut before = stream::iter(1..=MAX_DAYS_BETWEEN_SEALS)
        .map(|days| {
            let day = day.before(days);
            let key = day.seal_key(prefix);
            async move { (day, read_whole(store, &key).await) }
        })
        .buffered(CALLS_AT_ONCE);
    while let Some((day, json)) = before.next().await {
        if let Some(json) = json? {
            return Ok(Some(Previous {
                day: day.to_string(),
                sha256: hex(sha256::of(&json)),
            }));
        }
    }
    Ok(None)
}

/// The contacts whose recordings were deleted for good. A mark that cannot be read excuses
/// nothing.
async fn forgotten(store: &impl Objects, prefix: &str) -> Vec<String> {
    let listed = store.list(&key::forgotten_folder(prefix)).await;
    let mut marks = stream::iter(listed.unwrap_or_default())
        .map(|mark| async move {
            let json = store.read(&mark.key).await;
            (mark.key, json)
        })
        .buffered(CALLS_AT_ONCE);
    let mut contacts = Vec::new();
    while let Some((key, json)) = marks.next().await {
        let Ok(Some(json)) = json else {
            continue;
        };
        let Ok(mark) = serde_json::from_slice::<Mark>(&json) else {
            continue;
        };
        // Marks of before `contacts` name the first one by their own name alone.
        contacts.extend(file_name(&key).strip_suffix(".json").map(str::to_owned));
        contacts.extend(mark.contacts);
    }
    contacts
}
