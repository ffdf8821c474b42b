//! The archive over a store: which folders hold recordings, each with its index, brought up to
//! date by the verdicts that changed; a page of a search; one recording, and the others of its
//! call. Folders of one day or of none are *shelves*.
//!
//! Several may bring one index up to date at once. Each writes what it read, on condition that
//! the index is still what it was; who is late leaves it, and shows its own rows. An index that
//! cannot be written is no trouble for who only looks: it is made anew each time.

mod folders;
mod known;
mod search;
mod trust;

use std::sync::Arc;

pub use folders::Folder;
use folders::{DAY, is_verdict};
use futures_util::{StreamExt, stream};
use known::{Known, Memory};
pub use search::{Asked, Page};
pub use trust::Trust;

use crate::archive::day::{Changes, MAX_INDEX_BYTES, Read, Row, from_index, index_key, to_index};
use crate::archive::viewer::Viewer;
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{Browsing, Expect, Listed, MediaBody};
use crate::recording::seal::Day;

/// Small calls under way at once.
const CALLS_AT_ONCE: usize = 16;
/// Verdicts that are read before the index is written with what they say.
const READ_AT_ONCE: usize = 4_000;
/// Legs of a call begin so many days around a recording at the most.
const DAYS_OF_A_CALL: i64 = 2;

/// The archive of one store.
#[derive(Debug)]
pub struct Shelves<S> {
    store: S,
    prefix: String,
    /// A folder of something else.
    left_out: Option<String>,
    trust: Trust,
    memory: Memory,
}

/// One folder's recordings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shelf {
    /// What the keys of its verdicts start with.
    pub folder: String,
    /// Its recordings, in the order of the verdicts' names.
    pub rows: Vec<Row>,
    /// Verdicts that were read for it; the others are as the index had them.
    pub read: usize,
    /// Why its index could not be written.
    pub unwritten: Option<String>,
}

/// Whether what was looked at a moment ago is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Only what may have changed.
    IfStale,
    /// As little as can be: a list that somebody looks at goes on.
    GoOn,
    /// All of it.
    Anew,
}

impl<S: Browsing> Shelves<S> {
    /// The archive of all recordings whose keys start with this: empty, or with a slash at its
    /// end.
    pub fn new(store: S, prefix: &str, trust: Trust) -> Self {
        Self {
            store,
            prefix: prefix.to_owned(),
            left_out: None,
            trust,
            memory: Memory::default(),
        }
    }

    /// Nothing is looked for below this prefix: of who listened there is a folder a day, too.
    #[must_use]
    pub fn leaving_out(mut self, prefix: &str) -> Self {
        self.left_out = Some(prefix.to_owned());
        self
    }

    /// Where it looks.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// What all of its keys start with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The folders that may hold recordings begun in a stretch of time, the newest first, and
    /// behind them those of no day.
    pub async fn folders(
        &self,
        from: Option<EpochMillis>,
        to: Option<EpochMillis>,
    ) -> Result<Vec<Folder>, Failure> {
        let left_out = self.left_out.as_deref();
        folders::find(&self.store, &self.prefix, left_out, from, to).await
    }

    /// A shelf, as far as is needed brought up to date.
    pub async fn shelf(
        &self,
        folder: &Folder,
        look: Look,
        now: EpochMillis,
    ) -> Result<Arc<Shelf>, Failure> {
        self.look(folder, look, now).await.map(|(shelf, _)| shelf)
    }

    /// A shelf, and whether it was read for that.
    async fn look(
        &self,
        folder: &Folder,
        look: Look,
        now: EpochMillis,
    ) -> Result<(Arc<Shelf>, Work), Failure> {
        let known = match look {
            Look::IfStale | Look::GoOn => self.memory.of(&folder.folder),
            Look::Anew => None,
        };
        let key = index_key(&folder.folder);
        let (known, verdicts) = match known {
            Some(known) if known.is_fresh(self.trust.fresh_for(look), now) => {
                return Ok((known.shelf, Work::Known));
            }
            // An index that is what it was says what it said.
            Some(known) if known.is_believed(now) => {
                let seen = self.store.look_at(&key).await?;
                let is_same =
                    seen.is_some_and(|it| !it.version.is_empty() && it.version == known.index);
                (is_same.then_some(known), None)
            }
            // The day is quiet by now: an index that says so saves further looks.
            Some(known)
                if known.shelf.unwritten.is_none() && self.settles(&known.shelf, folder, now) =>
            {
                (None, None)
            }
            // So do verdicts that are those it was made of.
            Some(known) => {
                let verdicts = self.verdicts(folder).await?;
                let is_same = known.shelf.is_of(&verdicts);
                (is_same.then_some(known), Some(verdicts))
            }
            None => (None, None),
        };
        if let Some(known) = known {
            let known = known.seen_at(now);
            let shelf = Arc::clone(&known.shelf);
            self.memory.keep(known);
            return Ok((shelf, Work::Known));
        }
        let index = self.read_index(&key).await?;
        let until = index.as_ref().and_then(|index| {
            let as_of = index.rows.iter().map(|row| row.as_of).min()?;
            let until = self
                .trust
                .until(folder.day, &index.rows, EpochMillis(as_of));
            until.filter(|until| until.0 > now.0)
        });
        let known = match (index, look) {
            (Some(index), Look::IfStale | Look::GoOn) if until.is_some() => {
                let shelf = Shelf {
                    folder: folder.folder.clone(),
                    rows: index.rows,
                    ..Shelf::default()
                };
                Known::of_index(shelf, index.version, until, now)
            }
            (index, Look::IfStale | Look::GoOn | Look::Anew) => {
                let verdicts = match verdicts {
                    Some(verdicts) => verdicts,
                    None => self.verdicts(folder).await?,
                };
                let shelf = self.look_at(folder, &key, verdicts, index, until, now);
                Known::of_verdicts(shelf.await?, now)
            }
        };
        let shelf = Arc::clone(&known.shelf);
        self.memory.keep(known);
        Ok((shelf, Work::Read))
    }

    /// Whether an index that is made now will be believed.
    fn settles(&self, shelf: &Shelf, folder: &Folder, now: EpochMillis) -> bool {
        self.trust.until(folder.day, &shelf.rows, now).is_some()
    }

    /// The names of a folder's verdicts, in their order, and when each was written.
    async fn verdicts(&self, folder: &Folder) -> Result<Vec<(String, EpochMillis)>, Failure> {
        let inside = self.store.look_into(&folder.folder).await?;
        let verdicts = inside.files.into_iter();
        let verdicts = verdicts.filter_map(|Listed { key, modified }| {
            let name = key.strip_prefix(&*folder.folder)?;
            is_verdict(name).then(|| (name.to_owned(), modified.unwrap_or(EpochMillis(0))))
        });
        Ok(verdicts.collect())
    }

    /// Holds an index against the verdicts of its folder, reads those that changed, and writes
    /// it anew: where something changed, and where it is not believed and will be from now on.
    async fn look_at(
        &self,
        folder: &Folder,
        key: &str,
        verdicts: Vec<(String, EpochMillis)>,
        index: Option<Index>,
        believed_until: Option<EpochMillis>,
        now: EpochMillis,
    ) -> Result<Shelf, Failure> {
        let (mut before, rows) = match index {
            Some(Index { bytes, rows, .. }) => (Some(bytes), rows),
            None => (None, Vec::new()),
        };
        let mut changes = Changes::between(rows, verdicts);
        let is_new = !changes.is_none();
        let mut to_read = std::mem::take(&mut changes.to_read).into_iter();
        let mut shelf = Shelf {
            folder: folder.folder.clone(),
            ..Shelf::default()
        };
        loop {
            let piece: Vec<_> = to_read.by_ref().take(READ_AT_ONCE).collect();
            let read = stream::iter(piece)
                .map(|(name, written)| self.read_verdict(folder, name, written, now))
                .buffered(CALLS_AT_ONCE);
            let read: Vec<_> = read.collect().await;
            shelf.read += read.len();
            changes.add(read.into_iter().flatten());
            if to_read.len() == 0 {
                break;
            }
            // Whoever waits for this may not wait to its end: what was read is not read again.
            // Rows that say of no time what was so then are never believed.
            let rows: Vec<_> = changes.kept.values().cloned().collect();
            let so_far = to_index(&rows);
            let expect = Expect::unchanged(before.as_deref());
            if let Ok(true) = self.store.put(key, so_far.clone(), expect).await {
                before = Some(so_far);
            }
        }
        shelf.rows = changes.into_rows();
        if is_new || (believed_until.is_none() && self.settles(&shelf, folder, now)) {
            for row in &mut shelf.rows {
                row.as_of = now.0;
            }
            let expect = Expect::unchanged(before.as_deref());
            let put = self.store.put(key, to_index(&shelf.rows), expect);
            // Who wrote another one meanwhile read the same verdicts.
            shelf.unwritten = put.await.err().map(|failure| failure.to_string());
        }
        Ok(shelf)
    }

    /// A verdict's row; `None` when it went meanwhile.
    async fn read_verdict(
        &self,
        folder: &Folder,
        name: String,
        written: EpochMillis,
        now: EpochMillis,
    ) -> Option<Row> {
        let json = self.store.read(&format!("{}{name}", folder.folder)).await;
        let read = Read {
            name: &name,
            day: folder.day,
            written,
            at: now,
        };
        match json {
            Ok(Some(json)) => Some(Row::of_verdict(&read, Ok(&json))),
            Ok(None) => None,
            Err(failure) => Some(Row {
                // It may be read next time.
                written: 0,
                ..Row::of_verdict(&read, Err(failure.to_string()))
            }),
        }
    }

    async fn read_index(&self, key: &str) -> Result<Option<Index>, Failure> {
        let Some(mut opened) = self.store.open(key).await? else {
            return Ok(None);
        };
        let mut whole = Vec::new();
        while let Some(chunk) = opened.body.next_chunk().await? {
            if whole.len() + chunk.len() > MAX_INDEX_BYTES {
                let cause = format!("is longer than {MAX_INDEX_BYTES} bytes; delete it");
                return Err(Failure::new(FailureKind::Unreadable, key, cause));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(Some(Index {
            rows: from_index(&whole),
            bytes: whole,
            version: opened.version,
        }))
    }

    /// The recordings of the same call, this one included, in the order in which they began:
    /// its legs, and the parts of each.
    pub async fn call(
        &self,
        key: &str,
        row: &Row,
        viewer: &Viewer,
        now: EpochMillis,
    ) -> Result<Vec<(String, Row)>, Failure> {
        let own = vec![(key.to_owned(), row.clone())];
        let started = row.started();
        if row.initial_contact_id.is_empty() || started == i64::MIN {
            return Ok(own);
        }
        let from = EpochMillis(started - DAYS_OF_A_CALL * DAY);
        let to = EpochMillis(started + DAYS_OF_A_CALL * DAY);
        let folders = self.folders(Some(from), Some(to)).await?;
        let shelves = self
            .look_at_all(&folders, Look::IfStale, now, &mut Vec::new())
            .await;
        let is_other = |(other, of): &(String, Row)| {
            other != key && of.initial_contact_id == row.initial_contact_id && viewer.may_see(of)
        };
        let all = shelves.iter().flat_map(|(shelf, _)| {
            let rows = shelf.rows.iter();
            rows.map(|row| (format!("{}{}", shelf.folder, row.verdict), row.clone()))
        });
        let mut parts = own;
        parts.extend(all.filter(is_other));
        parts.sort_by(|(one_key, one), (other_key, other)| {
            (one.started(), one_key).cmp(&(other.started(), other_key))
        });
        Ok(parts)
    }

    /// The row of a verdict, read just now, and the verdict's bytes; `None` when it is not
    /// there, or the key is none of a verdict of this archive.
    pub async fn recording(
        &self,
        key: &str,
        now: EpochMillis,
    ) -> Result<Option<(Row, Option<Vec<u8>>)>, Failure> {
        let Some(folder) = self.folder_of(key) else {
            return Ok(None);
        };
        let read = Read {
            name: key.strip_prefix(&*folder.folder).unwrap_or(key),
            day: folder.day,
            written: EpochMillis(0),
            at: now,
        };
        match self.store.read(key).await {
            Ok(Some(json)) => Ok(Some((Row::of_verdict(&read, Ok(&json)), Some(json)))),
            Ok(None) => Ok(None),
            Err(failure) => Ok(Some((
                Row::of_verdict(&read, Err(failure.to_string())),
                None,
            ))),
        }
    }

    /// The folder of a verdict's key, if it can be one of this archive: nothing leads out of
    /// the prefix.
    pub fn folder_of(&self, key: &str) -> Option<Folder> {
        let leads_out = |part: &str| matches!(part, "" | "." | "..");
        let is_ours = key.starts_with(&self.prefix)
            && is_verdict(key)
            && !key.split('/').any(leads_out)
            && !key.contains(['\\', '\0']);
        is_ours.then(|| Folder {
            folder: key.rfind('/').map_or("", |end| &key[..=end]).to_owned(),
            day: Day::of_key(key).map(|(_, day)| day),
        })
    }
}

impl Shelf {
    /// Whether it was made of these verdicts, as they are.
    fn is_of(&self, verdicts: &[(String, EpochMillis)]) -> bool {
        let rows = self.rows.iter().map(|row| (&row.verdict, row.written));
        rows.eq(verdicts.iter().map(|(name, written)| (name, written.0)))
    }
}

/// What was done for a shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// It was kept, and still holds.
    Known,
    /// It was read.
    Read,
}

/// An index as it was read.
struct Index {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    version: String,
}
