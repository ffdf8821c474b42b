//! The archive's indexes of the days that a redrive wrote to. The day of an old record is quiet,
//! and its index believed: without this, what was made just now would be found in a search only
//! when that time is up. Days without an index get none here.

use std::collections::BTreeSet;

use crate::archive::day::index_key;
use crate::clock;
use crate::failure::Failure;
use crate::port::Browsing;
use crate::recording::key::VERDICT_SUFFIX;
use crate::shelves::{Look, Shelves, Trust};

/// Brings the indexes of these verdicts' days up to date; of those that could not be, a sentence
/// each.
pub(super) async fn bring_up_to_date<S: Browsing>(
    store: S,
    prefix: &str,
    verdicts: impl Iterator<Item = String>,
) -> Vec<String> {
    let shelves = Shelves::new(store, prefix, Trust::ONCE_SETTLED);
    let folder = |key: &str| key.rfind('/').map(|end| key[..=end].to_owned());
    let folders: BTreeSet<_> = verdicts.filter_map(|key| folder(&key)).collect();
    let mut told = Vec::new();
    for folder in folders {
        if let Some(cause) = follow(&shelves, &folder).await.unwrap_or_else(cause) {
            told.push(format!(
                "the archive's index of {folder} does not know yet what was made: {cause}; callreel index --aws mends it"
            ));
        }
    }
    told
}

/// Why an index could not be brought up to date.
async fn follow<S: Browsing>(
    shelves: &Shelves<S>,
    folder: &str,
) -> Result<Option<String>, Failure> {
    if shelves.store().look_at(&index_key(folder)).await?.is_none() {
        return Ok(None);
    }
    let Some(folder) = shelves.folder_of(&format!("{folder}{VERDICT_SUFFIX}")) else {
        return Ok(None);
    };
    let shelf = shelves.shelf(&folder, Look::Anew, clock::now()).await?;
    Ok(shelf.unwritten.clone())
}

fn cause(failure: Failure) -> Option<String> {
    Some(failure.to_string())
}
