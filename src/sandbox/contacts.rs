//! Contact attributes in one JSON file, `{"contact id": {"name": "value"}}`: the same
//! file that `callreel record` keeps. Any contact may have some, and what the file does not
//! say of `recordingAuth` is 3, as in the calls that `callreel synth` makes up; an empty one
//! there is not set.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::json;

use super::records::Initials;
use super::wire::{Refusal, Reply, json_reply, parse};
use crate::lock::lock;
use crate::recording::attributes::{MAX_ATTRIBUTE_BYTES, RECORDING_AUTH, byte_count};

type Attributes = BTreeMap<String, String>;

#[derive(Debug)]
pub(super) struct Contacts {
    path: PathBuf,
    initials: Initials,
    /// One reader or writer at a time.
    turn: Mutex<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    initial_contact_id: String,
    attributes: Attributes,
}

impl Contacts {
    /// Attributes in a file; which contact a call began with is read from records in a folder.
    pub(super) fn new(path: PathBuf, records: PathBuf) -> Self {
        Self {
            path,
            initials: Initials::new(records),
            turn: Mutex::new(()),
        }
    }

    /// `UpdateContactAttributes`: others stay, an empty value removes.
    pub(super) fn update(&self, body: &[u8]) -> Result<Reply, Refusal> {
        let update: Update = parse(body, "InvalidRequestException")?;
        let _turn = lock(&self.turn);
        self.add(&update.initial_contact_id, update.attributes)?;
        Ok(json_reply(&json!({})))
    }

    /// What a task brings is shared by all contacts of its chain.
    pub(super) fn share(&self, contact: &str, attributes: &Attributes) -> Result<(), Refusal> {
        let _turn = lock(&self.turn);
        self.add(contact, attributes.clone())
    }

    fn add(&self, contact: &str, changes: Attributes) -> Result<(), Refusal> {
        let mut contacts = self.load()?;
        let attributes = contacts.entry(self.initials.of(contact)?).or_default();
        attributes.extend(changes);
        attributes.retain(|name, value| !value.is_empty() || name == RECORDING_AUTH);
        let bytes = byte_count(attributes.iter().map(|(name, value)| (&**name, &**value)));
        if bytes > MAX_ATTRIBUTE_BYTES {
            let message = format!("attributes take {bytes} bytes of {MAX_ATTRIBUTE_BYTES}");
            return Err(Refusal::new(400, "InvalidRequestException", message));
        }
        Ok(self.save(&contacts)?)
    }

    /// `GetContactAttributes`.
    pub(super) fn get(&self, contact: &str) -> Result<Reply, Refusal> {
        let _turn = lock(&self.turn);
        let mut contacts = self.load()?;
        let attributes = contacts.remove(&self.initials.of(contact)?);
        let mut attributes = attributes.unwrap_or_default();
        let auth = attributes.entry(RECORDING_AUTH.to_owned());
        auth.or_insert_with(|| "3".to_owned());
        attributes.retain(|_, value| !value.is_empty());
        Ok(json_reply(&json!({ "Attributes": attributes })))
    }

    fn load(&self) -> io::Result<BTreeMap<String, Attributes>> {
        match fs::read(&self.path) {
            Ok(json) => Ok(serde_json::from_slice(&json)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error),
        }
    }

    fn save(&self, contacts: &BTreeMap<String, Attributes>) -> io::Result<()> {
        let part = self.path.with_extension("json.part");
        let mut json = serde_json::to_vec_pretty(contacts)?;
        json.push(b'\n');
        fs::write(&part, json)?;
        fs::rename(&part, &self.path)
    }
}
