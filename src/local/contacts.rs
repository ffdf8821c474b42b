//! Contact attributes in one JSON file: `{"contact id": {"name": "value"}}`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use super::recordings::write_whole;
use super::{Tried, io_failure, lock};
use crate::failure::{Failure, FailureKind};
use crate::json;
use crate::port::ContactAttributes;

pub(super) type Contacts = BTreeMap<String, BTreeMap<String, String>>;

/// A file that stands in for Connect.
#[derive(Debug)]
pub struct LocalContacts {
    path: PathBuf,
    /// One reader or writer at a time.
    pub(super) turn: Mutex<()>,
}

impl LocalContacts {
    /// Contacts in a file; it is made when the first attribute is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            turn: Mutex::new(()),
        }
    }

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
    type Turn = ();
    /// The file holds URLs, and other attributes only if somebody put them there.
    const TELLS_ALL: bool = false;

    async fn read(
        &self,
        _instance: Option<&str>,
        contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let _turn = lock(&self.turn);
        Ok(self.load()?.remove(contact).unwrap_or_default())
    }

    async fn turn(&self) {}

    async fn write(
        &self,
        (): (),
        _instance: Option<&str>,
        contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let _turn = lock(&self.turn);
        let mut contacts = self.load()?;
        contacts
            .entry(contact.to_owned())
            .or_default()
            .extend(changes.clone());
        self.save(&contacts)
    }

    async fn wait_to_look_again(&self, _look: u32) -> bool {
        // The file is this process's.
        false
    }
}
