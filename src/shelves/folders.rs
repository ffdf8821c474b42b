//! The folders of an archive: those of days, found by their names without looking at what is
//! in them, and those of no day that hold a verdict.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::archive::day::INDEX_FOLDER;
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::Browsing;
use crate::recording::key::VERDICT_SUFFIX;
use crate::recording::seal::Day;

/// Folders that are looked into at the most.
const MAX_FOLDERS: usize = 20_000;
/// Folders that are looked into side by side.
const FOLDERS_AT_ONCE: usize = 16;
/// Folders within folders at the most.
const MAX_DEPTH: usize = 8;
/// Milliseconds of a day.
pub(super) const DAY: i64 = 24 * 3_600_000;

/// A folder that may hold recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// What the keys in it start with.
    pub folder: String,
    /// The day that it is of; of none, it holds what has no date.
    pub day: Option<Day>,
}

/// The folders that may hold recordings begun in a stretch of time, the newest first, and
/// behind them those of no day.
pub(super) async fn find(
    store: &impl Browsing,
    prefix: &str,
    left_out: Option<&str>,
    from: Option<EpochMillis>,
    to: Option<EpochMillis>,
) -> Result<Vec<Folder>, Failure> {
    let wanted = |day: Day| {
        // A recording may begin on the day behind its contact's.
        let ends = day.start().0 + 2 * DAY;
        from.is_none_or(|from| ends > from.0) && to.is_none_or(|to| day.start().0 < to.0)
    };
    let may_hold = |folder: &str| {
        let digits: Vec<_> = folder.trim_end_matches('/').rsplit('/').collect();
        match digits.as_slice() {
            [month, year, ..] if is_number(month, 2) && is_number(year, 4) => {
                let first: Option<Day> = format!("{year}-{month}-01").parse().ok();
                first.is_none_or(|first| {
                    let ends = first.start().0 + 33 * DAY;
                    from.is_none_or(|from| ends > from.0)
                        && to.is_none_or(|to| first.start().0 < to.0)
                })
            }
            [year, ..] if is_number(year, 4) => {
                let first: Option<Day> = format!("{year}-01-01").parse().ok();
                first.is_none_or(|first| {
                    let ends = first.start().0 + 368 * DAY;
                    from.is_none_or(|from| ends > from.0)
                        && to.is_none_or(|to| first.start().0 < to.0)
                })
            }
            _ => true,
        }
    };
    let (mut dated, mut undated) = (Vec::new(), Vec::new());
    let mut folders = vec![prefix.to_owned()];
    let (mut looked_into, mut depth) = (0, 0);
    while !folders.is_empty() {
        looked_into += folders.len();
        if looked_into > MAX_FOLDERS {
            let cause = format!("it holds more than {MAX_FOLDERS} folders");
            return Err(Failure::new(FailureKind::Unreadable, prefix, cause));
        }
        let opened = stream::iter(std::mem::take(&mut folders))
            .map(|folder| async move {
                let inside = store.look_into(&folder).await;
                inside.map(|inside| (folder, inside))
            })
            .buffered(FOLDERS_AT_ONCE);
        let opened: Vec<_> = opened.try_collect().await?;
        for (folder, inside) in opened {
            if inside.files.iter().any(|file| is_verdict(&file.key)) {
                undated.push(Folder { folder, day: None });
            }
            for folder in inside.folders {
                match Day::of_key(&folder) {
                    _ if left_out == Some(folder.as_str()) => {}
                    Some((_, day)) if wanted(day) => dated.push(Folder {
                        folder,
                        day: Some(day),
                    }),
                    Some(_) => {}
                    None if is_of_indexes(&folder) => {}
                    None if depth < MAX_DEPTH && may_hold(&folder) => folders.push(folder),
                    None => {}
                }
            }
        }
        depth += 1;
    }
    dated.sort_by(|one, other| (other.day, &other.folder).cmp(&(one.day, &one.folder)));
    undated.sort_by(|one, other| one.folder.cmp(&other.folder));
    dated.extend(undated);
    Ok(dated)
}

/// Whether a folder is that of the indexes: there are as many in it as there are days.
fn is_of_indexes(folder: &str) -> bool {
    folder == INDEX_FOLDER || folder.ends_with(&format!("/{INDEX_FOLDER}"))
}

pub(super) fn is_verdict(key: &str) -> bool {
    key.ends_with(VERDICT_SUFFIX)
}

fn is_number(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
}
