//! Who listened to a contact's recordings: the lines about it, out of the objects that the
//! archive's function wrote, day by day ([`heard`](crate::archive::heard)).

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::archive::heard::{Heard, is_sheet};
use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::object_key;
use crate::port::Objects;

/// Objects that are read at once.
const AT_ONCE: usize = 16;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listened {
    /// The lines, in the order of time.
    pub lines: Vec<Heard>,
    /// Objects that were read.
    pub objects: usize,
    /// Lines that could not be read.
    pub unreadable: usize,
}

/// Looks for a contact's lines in all objects under a prefix, from a day on if one is given.
pub async fn of_contact<O: Objects>(
    store: &O,
    prefix: &str,
    contact: &str,
    since: Option<EpochMillis>,
) -> Result<Listened, Failure> {
    let listed = store.list(prefix).await?;
    let from = since.map(|since| format!("{prefix}{}", object_key::dated_folder(Some(since))));
    let keys = listed.into_iter().map(|object| object.key);
    let keys = keys.filter(|key| is_sheet(key) && from.as_ref().is_none_or(|from| key >= from));
    let mut read = stream::iter(keys.map(|key| async move { store.read(&key).await }))
        .buffer_unordered(AT_ONCE);
    let mut found = Listened::default();
    while let Some(object) = read.try_next().await? {
        let (lines, unreadable) = Heard::of_lines(&object.unwrap_or_default());
        found.objects += 1;
        found.unreadable += unreadable;
        found
            .lines
            .extend(lines.into_iter().filter(|line| line.is_of(contact)));
    }
    found.lines.sort_by(|one, other| one.when.cmp(&other.when));
    Ok(found)
}
