//! A page of a search: shelf by shelf from the newest day on, until it is full.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::folders::DAY;
use super::{Folder, Look, Shelf, Shelves, Work};
use crate::archive::day::Row;
use crate::archive::search::{Cursor, Hit, Query, newest_first};
use crate::archive::viewer::Viewer;
use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::port::Browsing;

/// Shelves that are looked at side by side.
const SHELVES_AT_ONCE: usize = 16;
/// What is done for one page at the most: so many shelves are read. Whoever wants more asks for
/// the next one, and sees meanwhile what was found.
const MOST_WORK: usize = 32 * READ;
/// What a shelf costs that is read, where one that is kept costs 1.
const READ: usize = 8;

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

impl<S: Browsing> Shelves<S> {
    /// The recordings that a viewer looks for and may see, behind a place in the list.
    pub async fn search(
        &self,
        asked: &Asked<'_>,
        viewer: &Viewer,
        now: EpochMillis,
    ) -> Result<Page, Failure> {
        let query = asked.query;
        let look = match (asked.look, asked.after) {
            (Look::IfStale, Some(_)) => Look::GoOn,
            (look, _) => look,
        };
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
        let mut at_once = 2;
        let mut rest = dated.as_slice();
        let mut work = 0;
        // What began at this time or later cannot stand on a shelf that was not looked at.
        let settled = loop {
            let found = self.look_at_all(&next_ones, look, now, &mut problems);
            for (shelf, done) in found.await {
                work += match done {
                    Work::Known => 1,
                    Work::Read => READ,
                };
                // What holds nothing that is looked for need not stay.
                if places.add(shelves.len(), &shelf, asked, viewer) {
                    shelves.push(shelf);
                }
            }
            let Some(day) = rest.first().and_then(|folder| folder.day) else {
                break None;
            };
            let settled = day.start().0 + 2 * DAY;
            let is_enough =
                work + READ * problems.len() >= MOST_WORK || places.settled(settled) > asked.most;
            if is_enough && to.is_none_or(|to| settled < to.0 - 1) {
                break Some(settled);
            }
            let (these, later_ones) = rest.split_at(rest.len().min(at_once));
            // Who lists the newest needs few days, who looks for a needle all of them.
            at_once = (2 * at_once).min(SHELVES_AT_ONCE);
            next_ones = these.to_vec();
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

    pub(super) async fn look_at_all(
        &self,
        folders: &[Folder],
        look: Look,
        now: EpochMillis,
        problems: &mut Vec<String>,
    ) -> Vec<(Arc<Shelf>, Work)> {
        let folders = folders.to_vec();
        let looked_at = stream::iter(folders)
            .map(|folder| async move { self.look(&folder, look, now).await })
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
    /// Adds what is looked for on a shelf; whether there was any.
    fn add(&mut self, at: usize, shelf: &Shelf, asked: &Asked<'_>, viewer: &Viewer) -> bool {
        let before = self.0.len();
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
        self.0.len() > before
    }

    fn settled(&self, since: i64) -> usize {
        self.0.iter().filter(|place| place.started >= since).count()
    }
}

fn later(time: EpochMillis, millis: i64) -> EpochMillis {
    EpochMillis(time.0.saturating_add(millis))
}
