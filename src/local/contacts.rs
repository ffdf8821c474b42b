//! Contact attributes in one JSON file: `{"contact id": {"name": "value"}}`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::recordings::write_whole;
use super::turn::Turn;
use super::{Tried, io_failure};
use crate::failure::{Failure, FailureKind};
use crate::json;
use crate::port::ContactAttributes;

pub(super) type Contacts = BTreeMap<String, BTreeMap<String, String>>;

/// A file that stands in for Connect. Several processes may share it: each reads, changes
/// and writes it in its turn.
#[derive(Debug)]
pub struct LocalContacts {
    path: PathBuf,
}

impl LocalContacts {
    /// Contacts in a file; it is made when the first attribute is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The turn at changing the file, to be held from reading to writing.
    pub(super) fn take_turn(&self) -> Result<Turn, Failure> {
        Turn::take(self.path.parent().unwrap_or(Path::new("")))
    }

    /// What the file holds: it is never found half written.
    pub(super) fn load(&self) -> Result<Contacts, Failure> {
        match fs::read(&self.path) {
            Ok(contacts) => serde_json::from_str(&json::mend(&contacts))
                .map_err(|error| Failure::new(FailureKind::Unreadable, self.path.display(), error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Contacts::new()),
            Err(error) => Err(io_failure(Tried::Reading, &self.path, &error)),
        }
    }

    pub(super) fn save(&self, contacts: &Contacts) -> Result<(), Failure> {
        let mut json = serde_json::to_vec_pretty(contacts).unwrap_or_default();
        json.push(b'\n');
        write_whole(self.path.clone(), &json)
    }
}

impl ContactAttributes for LocalContacts {
    /// Or why there is none, told to whoever writes.
    type Turn = Result<Turn, Failure>;
    /// The file holds URLs, and other attributes only if somebody put them there.
    const TELLS_ALL: bool = false;

    async fn read(
        &self,
        _instance: Option<&str>,
        contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        Ok(self.load()?.remove(contact).unwrap_or_default())
    }

    async fn turn(&self) -> Self::Turn {
        self.take_turn()
    }

    async fn write(
        &self,
        turn: Self::Turn,
        _instance: Option<&str>,
        contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let _held = turn?;
        let mut contacts = self.load()?;
        contacts
            .entry(contact.to_owned())
            .or_default()
            .extend(changes.clone());
        self.save(&contacts)
    }

    async fn wait_to_look_again(&self, _look: u32) -> bool {
        // Nobody wrote between reading and writing: the turn was held.
        false
    }
}
