//! Files that are not whole yet. Each grows beside its place under a name of its own, which
//! ends in `.part`, and is renamed into its place when it is whole. What becomes of one that was
//! left says its owner: a recording is made again, so that its parts are swept away; of a watched
//! call there is nothing but them ([`tapes`](super::tapes)).
//!
//! A process that is ended from outside leaves its parts behind, and they hold audio. So
//! each part is locked by the process that writes it, for as long as it does: the operating
//! system gives the lock back however the process ends, and whoever gets it knows that
//! nobody writes any more. The process id in the name would not tell: ids come again, and
//! containers and hosts that share a folder have their own.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Tried, io_failure, write_failure};
use crate::failure::Failure;

/// What the name of a file that is not whole ends in.
const SUFFIX: &str = ".part";
/// What the names of files end in that are written by way of parts.
const WRITTEN: [&str; 4] = [".wav", ".json", "_peaks.dat", ".ndjson"];
/// Parts that this process began: each has a name of its own.
static PARTS: AtomicU64 = AtomicU64::new(0);

/// A file that is not yet in its place; dropped, it is removed.
#[derive(Debug)]
pub(super) struct Part {
    pub file: File,
    pub path: PathBuf,
    pub place: PathBuf,
    kept: bool,
}

impl Part {
    pub(super) fn begin(place: PathBuf) -> Result<Self, Failure> {
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(write_failure(folder))?;
        }
        loop {
            // Two writers at once write two parts; the last one renamed stays.
            let number = PARTS.fetch_add(1, Ordering::Relaxed);
            let mut name = place.clone().into_os_string();
            name.push(format!(".{}-{number}{SUFFIX}", std::process::id()));
            let path = PathBuf::from(name);
            // There is one that was left by a process of the same id, or written by one on another host.
            let Some(file) =
                begin(&path).map_err(|error| io_failure(Tried::Writing, &place, &error))?
            else {
                continue;
            };
            return Ok(Self {
                file,
                path,
                place,
                kept: false,
            });
        }
    }

    /// Keeps it unless there is something in its place: a link never replaces.
    pub(super) fn keep_if_first(self) -> Result<bool, Failure> {
        match fs::hard_link(&self.path, &self.place) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // Not every file system has links.
            Err(_) if !self.place.exists() => self.keep().map(|()| true),
            Err(_) => Ok(false),
        }
    }

    pub(super) fn keep(mut self) -> Result<(), Failure> {
        fs::rename(&self.path, &self.place).map_err(write_failure(&self.place))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // Nobody is left to be told.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The path is one that [`Part`] gives: `PLACE.PROCESS-NUMBER.part`.
pub(super) fn is_part(path: &Path) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let place = || {
        let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
        let (place, part) = name.rsplit_once('.')?;
        let (process, number) = part.split_once('-')?;
        (is_number(process) && is_number(number)).then_some(place)
    };
    place().is_some_and(|place| WRITTEN.iter().any(|ending| place.ends_with(ending)))
}

/// A new file, locked. `None`: there is one of the name already.
pub(super) fn begin(path: &Path) -> io::Result<Option<File>> {
    let mut options = File::options();
    let file = match options.read(true).write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(error) => return Err(error),
    };
    // Where files cannot be locked, nobody takes what was left by a lock either.
    let _ = file.lock();
    // Between its making and its lock somebody can have taken it for one that was left.
    Ok(path.exists().then_some(file))
}

/// A part that was left, locked; `None` while somebody writes it, or when it is gone.
pub(super) fn left(path: &Path) -> io::Result<Option<File>> {
    let part = match File::options().read(true).write(true).open(path) {
        Ok(part) => part,
        // It came into its place meanwhile, or somebody else took it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match part.try_lock() {
        Ok(()) => Ok(path.exists().then_some(part)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes a part that nobody writes any more. Its bytes, if it was one.
pub(super) fn sweep(path: &Path) -> Result<Option<u64>, Failure> {
    let failed = write_failure(path);
    let Some(part) = left(path).map_err(&failed)? else {
        return Ok(None);
    };
    let bytes = part.metadata().map_err(&failed)?.len();
    // Whole and renamed between the listing and the lock, it is no part any more: only what
    // is still under this name goes.
    match fs::remove_file(path) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_callreel_gives_are_parts() {
        #[track_caller]
        fn check(name: &str, part: bool) {
            assert_eq!(
                is_part(&Path::new("some/folder").join(name)),
                part,
                "{name}"
            );
        }
        check("c_1_from.wav.4711-0.part", true);
        check("c_1_verdict.json.4711-12.part", true);
        check("c_1_peaks.dat.4711-3.part", true);
        check("_index.ndjson.4711-3.part", true);
        check("film.dat.4711-3.part", false);
        check("contacts.json.1-1.part", true);
        check("12-00-00_c.json.1-1.part", true);
        // Somebody's downloads, and what has been renamed by hand.
        check("film.mp4.part", false);
        check("film.mp4.4711-0.part", false);
        check("c_1_from.wav.part", false);
        check("c_1_from.wav.-1.part", false);
        check("c_1_from.wav.4711-0.part.bak", false);
        check("c_1_from.wav", false);
    }

    #[test]
    fn what_is_being_written_is_not_swept_and_what_was_left_is() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("c_1_from.wav");
        let part = Part::begin(place.clone()).unwrap();
        assert!(is_part(&part.path));
        assert_eq!(sweep(&part.path).unwrap(), None, "it is being written");
        let left = folder.path().join("c_1_to.wav.1-0.part");
        fs::write(&left, b"audio").unwrap();
        assert_eq!(sweep(&left).unwrap(), Some(5));
        assert!(!left.exists());
        assert_eq!(sweep(&left).unwrap(), None, "somebody else swept it");
        part.keep().unwrap();
        assert!(place.exists());
    }

    #[test]
    fn a_name_that_was_left_behind_is_not_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let next = PARTS.load(Ordering::Relaxed);
        let place = folder.path().join("c_1_from.wav");
        // Some of them, since other tests count as well.
        for number in next..next + 50 {
            let name = format!("c_1_from.wav.{}-{number}{SUFFIX}", std::process::id());
            fs::write(folder.path().join(name), b"left").unwrap();
        }
        let part = Part::begin(place).unwrap();
        assert_eq!(part.file.metadata().unwrap().len(), 0);
    }
}
