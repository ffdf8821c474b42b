//! Deleting from a folder of recordings, and the URLs from its `contacts.json`.

use std::fs;

use super::recordings::LocalRecordings;
use super::{LocalContacts, Tried, io_failure};
use crate::failure::Failure;
use crate::port::{Erasable, Erasing, Which};
use crate::recording::attributes;

impl Erasing for LocalRecordings {
    async fn list_all(&self, prefix: &str) -> Result<Vec<Erasable>, Failure> {
        let files = self.files_below(prefix)?.into_iter();
        let erasable = |(key, _)| Erasable {
            key,
            which: Which::Only,
        };
        Ok(files.map(erasable).collect())
    }

    async fn erase(&self, object: &Erasable) -> Result<(), Failure> {
        let path = self.path(&object.key)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_failure(Tried::Writing, &path, &error)),
        }
    }
}

impl LocalContacts {
    /// The URLs of these contacts' recordings that the file holds.
    pub fn urls(&self, of: &[String]) -> Result<Vec<String>, Failure> {
        let contacts = self.load()?;
        let values = contacts.values().flat_map(audio).map(|(_, value)| value);
        let urls = values.flat_map(|value| attributes::split_off(value, of).0);
        Ok(urls.map(str::to_owned).collect())
    }

    /// Takes the URLs of these contacts' recordings out of the file.
    pub fn take_urls(&self, of: &[String]) -> Result<(), Failure> {
        if self.load()?.is_empty() {
            return Ok(());
        }
        let _turn = self.take_turn()?;
        let mut contacts = self.load()?;
        let mut changed = false;
        for held in contacts.values_mut() {
            let left: Vec<_> = audio(held)
                .map(|(name, value)| (name, attributes::split_off(value, of)))
                .filter(|(_, (taken, _))| !taken.is_empty())
                .map(|(name, (_, left))| (name, left))
                .collect();
            changed |= !left.is_empty();
            for (name, left) in left {
                match left.is_empty() {
                    true => drop(held.remove(name)),
                    false => drop(held.insert(name.to_owned(), left)),
                }
            }
        }
        match changed {
            true => self.save(&contacts),
            false => Ok(()),
        }
    }
}

fn audio(
    held: &std::collections::BTreeMap<String, String>,
) -> impl Iterator<Item = (&'static str, &String)> {
    let named = attributes::CARRIERS.into_iter();
    named.filter_map(|name| Some((name, held.get(name)?)))
}
