//! Deleting from a folder of recordings, and the URLs from its `contacts.json`.

use std::fs;

use super::recordings::LocalRecordings;
use super::{LocalContacts, Tried, io_failure, lock};
use crate::attributes;
use crate::failure::Failure;
use crate::port::{Erasable, Erasing, Which};
use crate::wav::Output;

impl Erasing for LocalRecordings {
    async fn list_all(&self, prefix: &str) -> Result<Vec<Erasable>, Failure> {
        let (folder, _) = prefix.rsplit_once('/').unwrap_or_default();
        let mut folders = vec![folder.to_owned()];
        let mut listed = Vec::new();
        while let Some(folder) = folders.pop() {
            let path = self.path(&folder)?;
            let failed = |error: std::io::Error| io_failure(Tried::Reading, &path, &error);
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let key = match &*folder {
                    "" => name,
                    folder => format!("{folder}/{name}"),
                };
                // A link is not followed: what it leads to is not this folder's.
                if entry.file_type().map_err(failed)?.is_dir() {
                    folders.push(key);
                } else if key.starts_with(prefix) {
                    listed.push(Erasable {
                        key,
                        which: Which::Only,
                    });
                }
            }
        }
        listed.sort();
        Ok(listed)
    }

    async fn erase(&self, objects: &[Erasable]) -> Result<(), Failure> {
        for object in objects {
            let path = self.path(&object.key)?;
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_failure(Tried::Writing, &path, &error)),
            }
        }
        Ok(())
    }
}

impl LocalContacts {
    /// How many URLs of these contacts' recordings the file holds.
    pub fn count_urls(&self, of: &[String]) -> Result<usize, Failure> {
        let _turn = lock(&self.turn);
        let contacts = self.load()?;
        let values = contacts.values().flat_map(audio).map(|(_, value)| value);
        Ok(values.map(|value| attributes::split_off(value, of).1).sum())
    }

    /// Takes the URLs of these contacts' recordings out of the file.
    pub fn take_urls(&self, of: &[String]) -> Result<(), Failure> {
        let _turn = lock(&self.turn);
        let mut contacts = self.load()?;
        for held in contacts.values_mut() {
            let left: Vec<_> = audio(held)
                .map(|(name, value)| (name, attributes::split_off(value, of)))
                .filter(|(_, (_, taken))| *taken > 0)
                .collect();
            for (name, (left, _)) in left {
                match left.is_empty() {
                    true => drop(held.remove(name)),
                    false => drop(held.insert(name.to_owned(), left)),
                }
            }
        }
        match contacts.is_empty() {
            true => Ok(()),
            false => self.save(&contacts),
        }
    }
}

fn audio(
    held: &std::collections::BTreeMap<String, String>,
) -> impl Iterator<Item = (&'static str, &String)> {
    let named = Output::ALL.iter().map(|output| output.attribute());
    named.filter_map(|name| Some((name, held.get(name)?)))
}
