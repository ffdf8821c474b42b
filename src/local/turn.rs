//! The turn at changing what several runs share: `contacts.json`, and a verdict that takes
//! the place of another one. A run reads, changes and writes while it holds the turn, so
//! that runs into one folder at the same time lose nothing of each other.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{Tried, io_failure, write_failure};
use crate::failure::Failure;

/// The file whose lock is the turn; it holds nothing, and stays.
pub(super) const LOCK: &str = ".callreel.lock";

/// Held, every other process and thread waits. The operating system gives it back when the
/// process ends, however that is.
#[derive(Debug)]
pub struct Turn {
    _lock: File,
}

impl Turn {
    /// Waits for the turn in a folder, which is made when it is not there.
    pub(super) fn take(folder: &Path) -> Result<Self, Failure> {
        if !folder.as_os_str().is_empty() {
            fs::create_dir_all(folder).map_err(write_failure(folder))?;
        }
        let path = folder.join(LOCK);
        let mut options = File::options();
        let opened = options.write(true).create(true).truncate(false).open(&path);
        let lock = opened.map_err(write_failure(&path))?;
        loop {
            match lock.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A file system without locks: one run at a time, as ever.
                Err(error) if error.kind() != io::ErrorKind::Unsupported => {
                    return Err(io_failure(Tried::Writing, &path, &error));
                }
                Ok(()) | Err(_) => return Ok(Self { _lock: lock }),
            }
        }
    }
}
