//! The archive over a store: which folders hold recordings, each with its index, brought up to
//! date by the verdicts that changed; a page of a search; one recording, and the others of its
//! call. Folders of one day or of none are *shelves*.
//!
//! Several may bring one index up to date at once. Each writes what it read, on condition that
//! the index is still what it was; who is late leaves it, and shows its own rows. An index that
//! cannot be written is no trouble for who only looks: it is made anew each time.

mod folders;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub use folders::Folder;
use folders::{DAY, is_verdict};
use futures_util::{StreamExt, stream};

use crate::archive::day::{Changes, MAX_INDEX_BYTES, Read, Row, from_index, index_key, to_index};
use crate::archive::search::{Cursor, Hit, Query, newest_first};
use crate::archive::viewer::Viewer;
use crate::failure::{Failure, FailureKind};
use crate::lock::lock;
use crate::media::ticks::EpochMillis;
use crate::port::{Browsing, Expect, Listed, MediaBody};
use crate::recording::seal::Day;

/// Small calls under way at once.
const CALLS_AT_ONCE: usize = 16;
/// Shelves that are looked at side by side.
const SHELVES_AT_ONCE: usize = 8;
/// Shelves that are looked at anew for one page: whoever wants more asks for the next one.
const SHELVES_A_PAGE: usize = 62;
/// What was looked at so short a time ago is still so.
const FRESH_FOR: i64 = 20_000;
/// Legs of a call begin so many days around a recording at the most.
const DAYS_OF_A_CALL: i64 = 2;

/// When an index is taken for what its day holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Never: the verdicts are looked at each time. For folders, which answer at once.
    Never,
    /// Once its day is so many days over: little changes then, and whoever changes it
    /// (`callreel redrive`, `callreel forget`) can have it made anew.
    AfterDays(u16),
}

impl Trust {
    /// For stores that take a while to look at: verdicts of days that are over for so long hardly
    /// change.
    pub const ONCE_SETTLED: Self = Self::AfterDays(3);
}

/// The archive of one store.
#[derive(Debug)]
pub struct Shelves<S> {
    store: S,
    prefix: String,
    trust: Trust,
    known: Mutex<BTreeMap<String, Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    shelf: Arc<Shelf>,
    looked_at: i64,
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

/// A page of a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The keys of the verdicts, and what is known of them, newest first.
    pub hits: Vec<(String, Row)>,
    /// Where it goes on, if it may.
    pub next: Option<Cursor>,
    /// What could not be looked at.
    pub problems: Vec<String>,
}

/// Whether what was looked at a moment ago is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Only what may have changed.
    IfStale,
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
            trust,
            known: Mutex::default(),
        }
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
        folders::find(&self.store, &self.prefix, from, to).await
    }

    /// A shelf, as far as is needed brought up to date.
    pub async fn shelf(
        &self,
        folder: &Folder,
        look: Look,
        now: EpochMillis,
    ) -> Result<Arc<Shelf>, Failure> {
        if let Some(known) = self.known(folder, look, now) {
            return Ok(known);
        }
        let key = index_key(&folder.folder);
        let index = self.read_index(&key).await?;
        let rows = index.as_deref().map(from_index).unwrap_or_default();
        let is_trusted = match (self.trust, folder.day) {
            (Trust::AfterDays(days), Some(day)) => {
                now.0 > day.start().0 + i64::from(days) * DAY + DAY
            }
            (Trust::Never | Trust::AfterDays(_), _) => false,
        };
        let shelf = if is_trusted && index.is_some() && look == Look::IfStale {
            Shelf {
                folder: folder.folder.clone(),
                rows,
                ..Shelf::default()
            }
        } else {
            self.look_at(folder, &key, rows, index, now).await?
        };
        let shelf = Arc::new(shelf);
        let known = Known {
            shelf: Arc::clone(&shelf),
            looked_at: now.0,
        };
        lock(&self.known).insert(folder.folder.clone(), known);
        Ok(shelf)
    }

    fn known(&self, folder: &Folder, look: Look, now: EpochMillis) -> Option<Arc<Shelf>> {
        let known = lock(&self.known).get(&folder.folder).cloned()?;
        let is_fresh = (0..FRESH_FOR).contains(&(now.0 - known.looked_at));
        (is_fresh && look == Look::IfStale).then_some(known.shelf)
    }

    /// Holds an index against the verdicts of its folder, reads those that changed, and writes
    /// it anew.
    async fn look_at(
        &self,
        folder: &Folder,
        key: &str,
        rows: Vec<Row>,
        index: Option<Vec<u8>>,
        now: EpochMillis,
    ) -> Result<Shelf, Failure> {
        let inside = self.store.look_into(&folder.folder).await?;
        let verdicts = inside
            .files
            .into_iter()
            .filter_map(|Listed { key, modified }| {
                let name = key.strip_prefix(&*folder.folder)?;
                is_verdict(name).then(|| (name.to_owned(), modified.unwrap_or(EpochMillis(0))))
            });
        let mut changes = Changes::between(rows, verdicts);
        let is_new = !changes.is_none();
        let to_read = std::mem::take(&mut changes.to_read);
        let read = stream::iter(to_read)
            .map(|(name, written)| self.read_verdict(folder, name, written, now))
            .buffered(CALLS_AT_ONCE);
        let read: Vec<_> = read.collect().await;
        let count = read.len();
        let rows = changes.with(read.into_iter().flatten());
        let unwritten = match is_new {
            false => None,
            true => {
                let put = self
                    .store
                    .put(key, to_index(&rows), Expect::unchanged(index.as_deref()));
                // Who wrote another one meanwhile read the same verdicts.
                put.await.err().map(|failure| failure.to_string())
            }
        };
        Ok(Shelf {
            folder: folder.folder.clone(),
            rows,
            read: count,
            unwritten,
        })
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

    async fn read_index(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
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
        Ok(Some(whole))
    }

    /// The recordings that a viewer looks for and may see, behind a place in the list.
    pub async fn search(
        &self,
        asked: &Asked<'_>,
        viewer: &Viewer,
        now: EpochMillis,
    ) -> Result<Page, Failure> {
        let query = asked.query;
        // Behind a place in the list everything is older.
        let ends = [query.to, asked.after.map(|after| later(after.time(), 1))];
        let to = ends.into_iter().flatten().min_by_key(|time| time.0);
        let folders = self.folders(query.from, to).await?;
        let (dated, undated): (Vec<_>, Vec<_>) =
            folders.into_iter().partition(|folder| folder.day.is_some());
        let mut problems = Vec::new();
        let mut shelves = Vec::new();
        let mut places = Places::default();
        let mut next_ones = undated;
        let mut rest = dated.as_slice();
        let mut looked_at = 0;
        // What began at this time or later cannot stand on a shelf that was not looked at.
        let settled = loop {
            let found = self.look_at_all(&next_ones, asked.look, now, &mut problems);
            for shelf in found.await {
                places.add(shelves.len(), &shelf, asked, viewer);
                shelves.push(shelf);
            }
            let Some(day) = rest.first().and_then(|folder| folder.day) else {
                break None;
            };
            let settled = day.start().0 + 2 * DAY;
            let is_enough = looked_at >= SHELVES_A_PAGE || places.settled(settled) > asked.most;
            if is_enough && to.is_none_or(|to| settled < to.0 - 1) {
                break Some(settled);
            }
            let (now_looked_at, later_ones) = rest.split_at(rest.len().min(SHELVES_AT_ONCE));
            looked_at += now_looked_at.len();
            next_ones = now_looked_at.to_vec();
            rest = later_ones;
        };
        let settled_ones = places.0.iter();
        let settled_ones =
            settled_ones.filter(|place| settled.is_none_or(|it| place.started >= it));
        let hits = settled_ones.map(|place| Hit {
            started: place.started,
            ..shelves[place.shelf].hit(place.row)
        });
        let mut hits: Vec<_> = hits.collect();
        let found = hits.len();
        newest_first(&mut hits, asked.most);
        let next = match (hits.last(), found > hits.len()) {
            (Some(last), true) => Some(last.cursor()),
            (Some(_) | None, _) => settled.map(|settled| Cursor::before(EpochMillis(settled))),
        };
        Ok(Page {
            hits: hits
                .iter()
                .map(|hit| (hit.key(), hit.row.clone()))
                .collect(),
            next,
            problems,
        })
    }

    async fn look_at_all(
        &self,
        folders: &[Folder],
        look: Look,
        now: EpochMillis,
        problems: &mut Vec<String>,
    ) -> Vec<Arc<Shelf>> {
        let folders = folders.to_vec();
        let looked_at = stream::iter(folders)
            .map(|folder| async move { self.shelf(&folder, look, now).await })
            .buffered(SHELVES_AT_ONCE);
        let mut shelves = Vec::new();
        for shelf in looked_at.collect::<Vec<_>>().await {
            match shelf {
                Ok(shelf) => shelves.push(shelf),
                Err(failure) => problems.push(failure.to_string()),
            }
        }
        shelves
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
        let all = shelves.iter().flat_map(|shelf| {
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
    fn folder_of(&self, key: &str) -> Option<Folder> {
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
    fn hit(&self, row: usize) -> Hit<'_> {
        Hit {
            folder: &self.folder,
            row: &self.rows[row],
            started: 0,
        }
    }
}

/// Rows that are looked for, on shelves that were looked at.
#[derive(Debug, Default)]
struct Places(Vec<Place>);

#[derive(Clone, Copy, Debug)]
struct Place {
    started: i64,
    shelf: usize,
    row: usize,
}

impl Places {
    fn add(&mut self, at: usize, shelf: &Shelf, asked: &Asked<'_>, viewer: &Viewer) {
        for (row, found) in shelf.rows.iter().enumerate() {
            let hit = Hit::new(&shelf.folder, found);
            let is_behind = asked.after.is_none_or(|after| hit.is_behind(after));
            if is_behind && asked.query.matches(&hit) && viewer.may_see(found) {
                self.0.push(Place {
                    started: hit.started,
                    shelf: at,
                    row,
                });
            }
        }
    }

    fn settled(&self, since: i64) -> usize {
        self.0.iter().filter(|place| place.started >= since).count()
    }
}

/// What is asked of a search.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is looked for.
    pub query: &'a Query,
    /// Behind which place in the list.
    pub after: Option<&'a Cursor>,
    /// How many at the most.
    pub most: usize,
    /// Whether what was looked at a moment ago is looked at again.
    pub look: Look,
}

fn later(time: EpochMillis, millis: i64) -> EpochMillis {
    EpochMillis(time.0.saturating_add(millis))
}
