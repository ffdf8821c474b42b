//! Shelves that were looked at before, kept as they were found, so that a search does not read
//! and parse them anew. What is kept is believed for a moment, and then for as long as the
//! store says that nothing of it changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::Shelf;
use crate::lock::lock;
use crate::media::ticks::EpochMillis;

/// Rows that are kept at the most; one takes about a kilobyte.
const MAX_ROWS: usize = 250_000;

/// A shelf as it was found.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) shelf: Arc<Shelf>,
    /// The version of the index that it was made of; empty where it was made of the verdicts.
    pub(super) index: String,
    /// Until when that index is believed.
    until: Option<EpochMillis>,
    looked_at: i64,
}

impl Known {
    /// A shelf that was made of its verdicts.
    pub(super) fn of_verdicts(shelf: Shelf, now: EpochMillis) -> Self {
        Self::of_index(shelf, String::new(), None, now)
    }

    /// A shelf that was made of an index, which is believed until then.
    pub(super) fn of_index(
        shelf: Shelf,
        index: String,
        until: Option<EpochMillis>,
        now: EpochMillis,
    ) -> Self {
        Self {
            shelf: Arc::new(shelf),
            index,
            until,
            looked_at: now.0,
        }
    }

    /// Whether it was looked at within so many milliseconds.
    pub(super) fn is_fresh(&self, within: i64, now: EpochMillis) -> bool {
        (0..within).contains(&(now.0 - self.looked_at))
    }

    /// Whether the index that it was made of is still believed.
    pub(super) fn is_believed(&self, now: EpochMillis) -> bool {
        self.until.is_some_and(|until| now.0 < until.0)
    }

    /// The same, looked at once more.
    pub(super) fn seen_at(self, now: EpochMillis) -> Self {
        Self {
            looked_at: now.0,
            ..self
        }
    }
}

/// The shelves that are kept, by their folders.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<BTreeMap<String, Known>>);

impl Memory {
    pub(super) fn of(&self, folder: &str) -> Option<Known> {
        lock(&self.0).get(folder).cloned()
    }

    /// Keeps a shelf. Where they become too many the first ones by name go, which are those of
    /// the oldest days: most questions are about the newest, and a search through all days that
    /// pushed out the others would find none of them the next time.
    pub(super) fn keep(&self, known: Known) {
        self.keep_within(known, MAX_ROWS);
    }

    fn keep_within(&self, known: Known, most: usize) {
        let mut all = lock(&self.0);
        all.insert(known.shelf.folder.clone(), known);
        let mut rows: usize = all.values().map(|known| known.shelf.rows.len()).sum();
        while rows > most
            && let Some((_, oldest)) = all.pop_first()
        {
            rows -= oldest.shelf.rows.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::day::Row;

    #[test]
    fn the_newest_days_are_kept() {
        let memory = Memory::default();
        let shelf = |day: u8, rows: usize| Shelf {
            folder: format!("rec/2026/11/{day:02}/"),
            rows: vec![Row::default(); rows],
            ..Shelf::default()
        };
        // As a search goes through them.
        for day in (1..=20).rev() {
            let known = Known::of_verdicts(shelf(day, 10), EpochMillis(0));
            memory.keep_within(known, 75);
        }
        let kept = |day: u8| memory.of(&shelf(day, 0).folder).is_some();
        let kept: Vec<_> = (1..=20).filter(|day| kept(*day)).collect();
        assert_eq!(kept, [14, 15, 16, 17, 18, 19, 20]);
        // One that is larger than all is not kept; nothing else is lost by it but what is older.
        let larger = Known::of_verdicts(shelf(10, 80), EpochMillis(0));
        memory.keep_within(larger, 75);
        assert!(memory.of(&shelf(10, 0).folder).is_none());
        assert!(memory.of(&shelf(14, 0).folder).is_some());
    }
}
