//! The ports behind which something is kept, in memory: files and verdicts, attributes, and
//! what is parked. Clones share what they keep.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use callreel::failure::Failure;
use callreel::failure::parked::Parked;
use callreel::port::{
    ContactAttributes, Expect, Listed, NewFile, Objects, ParkingLot, Recordings, Stored, Upload,
};

type Attributes = BTreeMap<String, String>;

#[derive(Clone, Default)]
pub struct Memory {
    /// Files and verdicts, by their keys.
    pub files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    pub attributes: Arc<Mutex<BTreeMap<String, Attributes>>>,
    parked: Arc<Mutex<Vec<Parked>>>,
}

impl Memory {
    /// What was parked since it was taken last.
    pub fn take_parked(&self) -> Vec<Parked> {
        std::mem::take(&mut self.parked.lock().unwrap())
    }
}

pub struct File {
    memory: Memory,
    key: String,
    bytes: Vec<u8>,
}

impl Objects for Memory {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.files.lock().unwrap().get(key).cloned())
    }

    async fn put(&self, key: &str, object: Vec<u8>, expect: Expect<'_>) -> Result<bool, Failure> {
        let mut files = self.files.lock().unwrap();
        let before = files.get(key).map(Vec::as_slice);
        let expected = Expect::unchanged(before) == expect;
        if expected {
            files.insert(key.to_owned(), object);
        }
        Ok(expected)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        let files = self.files.lock().unwrap();
        let listed = files.keys().filter(|key| key.starts_with(prefix));
        let listed = listed.map(|key| Listed {
            key: key.clone(),
            modified: None,
        });
        Ok(listed.collect())
    }
}

impl Recordings for Memory {
    type Upload = File;

    async fn begin(&self, file: NewFile<'_>) -> Result<File, Failure> {
        Ok(File {
            memory: self.clone(),
            key: file.key.to_owned(),
            bytes: vec![0; file.head_bytes],
        })
    }

    async fn is_there(&self, key: &str, stored: &Stored) -> Result<bool, Failure> {
        let files = self.files.lock().unwrap();
        Ok(files.get(key).map(|file| file.len() as u64) == Some(stored.bytes))
    }
}

impl Upload for File {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(mut self, head: Bytes) -> Result<Stored, Failure> {
        self.bytes[..head.len()].copy_from_slice(&head);
        let stored = Stored {
            bytes: self.bytes.len() as u64,
            version: String::new(),
        };
        let mut files = self.memory.files.lock().unwrap();
        files.insert(self.key, self.bytes);
        Ok(stored)
    }

    async fn abort(self) {}
}

impl ContactAttributes for Memory {
    type Turn = ();

    const TELLS_ALL: bool = false;

    async fn read(&self, _instance: Option<&str>, contact: &str) -> Result<Attributes, Failure> {
        let attributes = self.attributes.lock().unwrap();
        Ok(attributes.get(contact).cloned().unwrap_or_default())
    }

    async fn turn(&self) {}

    async fn write(
        &self,
        (): (),
        _instance: Option<&str>,
        contact: &str,
        changes: &Attributes,
    ) -> Result<(), Failure> {
        let mut attributes = self.attributes.lock().unwrap();
        let held = attributes.entry(contact.to_owned()).or_default();
        held.extend(changes.clone());
        Ok(())
    }

    async fn wait_to_look_again(&self, _look: u32) -> bool {
        false
    }
}

impl ParkingLot for Memory {
    async fn park(&self, parked: &Parked) -> Result<bool, Failure> {
        self.parked.lock().unwrap().push(parked.clone());
        Ok(true)
    }
}
