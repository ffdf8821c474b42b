//! Who listened, kept: each line in the log, and in an object of this process and day. The
//! line is kept before what it tells of is given; where it cannot be kept, nothing is given.

use futures_util::lock::Mutex;

use crate::archive::heard::{Heard, LOG_TARGET, Sheet};
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{Expect, Objects};

/// Objects that are tried for one line: each was found to hold something else.
const MAX_TRIES: u32 = 3;

/// The lines of this process.
#[derive(Debug)]
pub struct Ledger<O> {
    store: O,
    prefix: String,
    writer: String,
    sheet: Mutex<(u64, Option<Sheet>)>,
}

impl<O: Objects> Ledger<O> {
    /// Lines under a prefix. `writer` is a name that no other process has.
    pub fn new(store: O, prefix: &str, writer: &str) -> Self {
        Self {
            store,
            prefix: prefix.to_owned(),
            writer: writer.to_owned(),
            sheet: Mutex::new((0, None)),
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
        let line = heard.to_line();
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
            "heard"
        );
        let mut held = self.sheet.lock().await;
        let (number, current) = &mut *held;
        for _ in 0..MAX_TRIES {
            let sheet = match current.take() {
                Some(sheet) if sheet.takes(&self.prefix, now, &line) => sheet,
                Some(_) | None => {
                    *number += 1;
                    Sheet::new(&self.prefix, now, &self.writer, *number)
                }
            };
            let longer = sheet.with(&line);
            let before = (!sheet.lines().is_empty()).then_some(sheet.lines());
            let expect = Expect::unchanged(before);
            let put = self
                .store
                .put(sheet.key(), longer.lines().to_vec(), expect)
                .await;
            // What failed may have been written all the same: the next line begins anew.
            if put? || self.store.read(sheet.key()).await?.as_deref() == Some(longer.lines()) {
                *current = Some(longer);
                return Ok(());
            }
        }
        Err(Failure::new(
            FailureKind::Contended,
            format!("{}…", self.prefix),
            "another program keeps writing over the lines of who listened",
        ))
    }
}
