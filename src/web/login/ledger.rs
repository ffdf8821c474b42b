//! Who listened, kept: each line in the log, and in the day's object, which all processes
//! share. The line is kept before what it tells of is given; where it cannot be kept, nothing
//! is given.
//!
//! S3 cannot append: each line reads what the day has, and writes it with the line at its end on
//! condition that nothing else was written meanwhile. Whoever loses that race reads what the
//! other one wrote, and tries again behind it; of those who race, one always wins. A line has a
//! name that no other has: it is looked for before it is written a second time, since a write
//! whose answer was lost may have taken place. So no line is lost, and none stands twice,
//! however many processes there are and whenever one is killed.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::lock::Mutex;

use crate::archive::heard::{Heard, LOG_TARGET, Sheet};
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{Expect, Objects};

/// Races that one line loses at the most: with so many others at once, somebody is better told
/// to try again.
const MAX_TRIES: u32 = 40;

/// The lines of this process.
#[derive(Debug)]
pub struct Ledger<O> {
    store: O,
    prefix: String,
    writer: String,
    lines: AtomicU64,
    /// The day's object, as this process knows it.
    sheet: Mutex<Option<Sheet>>,
}

impl<O: Objects> Ledger<O> {
    /// Lines under a prefix. `writer` is a name that no other process has: lines are named by it.
    pub fn new(store: O, prefix: &str, writer: &str) -> Self {
        Self {
            store,
            prefix: prefix.to_owned(),
            writer: writer.to_owned(),
            lines: AtomicU64::new(1),
            sheet: Mutex::new(None),
        }
    }

    /// The store that the lines go to.
    pub(super) const fn store(&self) -> &O {
        &self.store
    }

    /// What the keys of all that is kept start with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Keeps a line of this time.
    pub async fn note(&self, heard: &Heard, now: EpochMillis) -> Result<(), Failure> {
        let number = self.lines.fetch_add(1, Ordering::Relaxed);
        let heard = heard.named(format!("{}-{number}", self.writer));
        tracing::info!(
            target: LOG_TARGET,
            who = heard.who,
            act = heard.act,
            contact = heard.contact,
            recording = heard.recording,
            file = heard.file,
            query = heard.query,
            from = heard.from,
            allowed = heard.allowed,
            id = heard.id,
            "heard"
        );
        let mut known = self.sheet.lock().await;
        // What is known is known again only once it is written: a caller who goes away in between
        // leaves nothing that may be wrong.
        let sheet = self.add(known.take(), &heard.to_line(), now).await?;
        *known = Some(sheet);
        Ok(())
    }

    /// Writes a line behind those that there are: the object with it.
    async fn add(
        &self,
        known: Option<Sheet>,
        line: &str,
        now: EpochMillis,
    ) -> Result<Sheet, Failure> {
        let folder = Sheet::folder(&self.prefix, now);
        let mut sheet = match known {
            Some(sheet) if sheet.is_in(&folder) => sheet,
            Some(_) | None => {
                let listed = self.store.list(&folder).await?;
                let keys = listed.iter().map(|object| object.key.as_str());
                self.read(Sheet::last(&folder, keys)).await?
            }
        };
        for _ in 0..MAX_TRIES {
            if !sheet.has_room(line) {
                sheet = self.read(sheet.next()).await?;
                continue;
            }
            let longer = sheet.with(line);
            let object = longer.lines().unwrap_or_default().to_vec();
            let expect = Expect::unchanged(sheet.lines());
            let put = self.store.put(&sheet.key(), object, expect).await;
            if matches!(put, Ok(true)) {
                return Ok(longer);
            }
            // Another one was first, or this very line was, and its answer was lost.
            let there = self.read(sheet).await;
            sheet = match (put, there) {
                (_, Ok(there)) if there.holds(line) => return Ok(there),
                (Ok(_), there) => there?,
                // S3 gave it up: too many wrote at the same moment.
                (Err(failure), Ok(there)) if failure.kind == FailureKind::Contended => there,
                (Err(failure), _) => return Err(failure),
            };
        }
        Err(Failure::new(
            FailureKind::Contended,
            format!("{folder}…"),
            "other programs keep writing over the lines of who listened",
        ))
    }

    async fn read(&self, sheet: Sheet) -> Result<Sheet, Failure> {
        let lines = self.store.read(&sheet.key()).await?;
        Ok(sheet.holding(lines))
    }
}
