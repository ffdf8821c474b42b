//! A folder of recordings, laid out by object key. A file appears under its key only when
//! it is whole: it grows beside it as `.part` and is renamed.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::{Tried, io_failure};
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{Expect, Listed, NewFile, Objects, Recordings, Stored, Upload};

/// What the name of a file that is not whole ends in.
const PART_SUFFIX: &str = ".part";
/// Parts that this process began: each has a name of its own.
static PARTS: AtomicU64 = AtomicU64::new(0);

/// A folder that stands in for the bucket.
#[derive(Clone, Debug)]
pub struct LocalRecordings {
    folder: PathBuf,
}

impl LocalRecordings {
    /// Recordings in a folder; it is made when the first one is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The path of an object. Keys are made of safe parts; one that would lead out of
    /// the folder is refused all the same.
    pub(super) fn path(&self, key: &str) -> Result<PathBuf, Failure> {
        let leads_out =
            key.split('/').any(|part| part == ".." || part == ".") || key.starts_with('/');
        if leads_out {
            return Err(Failure::new(
                FailureKind::WriteDenied,
                key,
                "the key leads out of the folder",
            ));
        }
        Ok(self.folder.join(key))
    }
}

fn write_failure(path: &Path) -> impl Fn(std::io::Error) -> Failure + '_ {
    |error| io_failure(Tried::Writing, path, &error)
}

impl Objects for LocalRecordings {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.path(key)?;
        match fs::read(&path) {
            Ok(object) => Ok(Some(object)),
            // A file can stand where a folder must be: writing will say so.
            Err(error) => match io_failure(Tried::Reading, &path, &error) {
                failure if failure.kind == FailureKind::NotThere => Ok(None),
                failure => Err(failure),
            },
        }
    }

    async fn put(&self, key: &str, object: Vec<u8>, expect: Expect<'_>) -> Result<bool, Failure> {
        let part = Part::begin(self.path(key)?)?;
        (&part.file)
            .write_all(&object)
            .map_err(write_failure(&part.path))?;
        match expect {
            Expect::Nothing => part.keep_if_first(),
            // Between reading and renaming another process could write: a folder has no
            // conditional write, and `callreel record` is one process.
            Expect::Exactly(old) if self.read(key).await?.as_deref() != Some(old) => Ok(false),
            Expect::Exactly(_) => part.keep().map(|()| true),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        let mut files = self.files_below(prefix)?;
        files.retain(|(key, _)| !key.ends_with(PART_SUFFIX));
        let listed = files.into_iter().map(|(key, metadata)| Listed {
            key,
            modified: metadata.modified().ok().and_then(epoch_millis),
        });
        Ok(listed.collect())
    }
}

impl Recordings for LocalRecordings {
    type Upload = LocalUpload;

    async fn begin(&self, file: NewFile<'_>) -> Result<LocalUpload, Failure> {
        LocalUpload::begin(self.path(file.key)?, file.head_bytes)
    }

    async fn is_there(&self, key: &str, stored: &Stored) -> Result<bool, Failure> {
        Ok(version(&self.path(key)?)? == Some(stored.version.clone()))
    }
}

impl LocalRecordings {
    /// All files whose keys start with this, those on their way included, in the order of
    /// their keys. A link is not followed: what it leads to is not this folder's.
    pub(super) fn files_below(&self, prefix: &str) -> Result<Vec<(String, fs::Metadata)>, Failure> {
        // Below the last folder that the prefix names whole; the rest is the names' beginning.
        let (folder, _) = prefix.rsplit_once('/').unwrap_or_default();
        let mut folders = vec![folder.to_owned()];
        let mut files = Vec::new();
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
                let metadata = entry.metadata().map_err(failed)?;
                if metadata.is_dir() {
                    folders.push(key);
                } else if key.starts_with(prefix) {
                    files.push((key, metadata));
                }
            }
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(files)
    }
}

fn epoch_millis(time: std::time::SystemTime) -> Option<EpochMillis> {
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(EpochMillis)
}

/// What tells a file from another one written to its place: its size and its time.
fn version(path: &Path) -> Result<Option<String>, Failure> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_failure(Tried::Reading, path, &error)),
    };
    let changed = metadata.modified().ok();
    let since = changed.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let nanos = since.map_or(0, |since| since.as_nanos());
    Ok(Some(format!("{}-{nanos}", metadata.len())))
}

/// A file that grows beside its place.
#[derive(Debug)]
pub struct LocalUpload {
    part: Part,
    head_bytes: usize,
    bytes: u64,
}

impl LocalUpload {
    fn begin(path: PathBuf, head_bytes: usize) -> Result<Self, Failure> {
        let part = Part::begin(path)?;
        let mut upload = Self {
            part,
            head_bytes,
            bytes: 0,
        };
        // The head's place, filled in at the end.
        upload.append(&vec![0; head_bytes])?;
        Ok(upload)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        (&self.part.file)
            .write_all(bytes)
            .map_err(write_failure(&self.part.place))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Upload for LocalUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.append(&bytes)
    }

    async fn finish(self, head: Bytes) -> Result<Stored, Failure> {
        if head.len() != self.head_bytes {
            let place = self.part.place.display().to_string();
            let cause = "its head is not as long as what was kept free for it";
            return Err(Failure::new(FailureKind::WriteFailed, place, cause));
        }
        let mut file = &self.part.file;
        let failed = write_failure(&self.part.place);
        file.rewind().map_err(&failed)?;
        file.write_all(&head).map_err(&failed)?;
        drop(failed);
        let bytes = self.bytes;
        let version = version(&self.part.path)?.unwrap_or_default();
        self.part.keep()?;
        Ok(Stored { bytes, version })
    }

    async fn abort(self) {
        // Dropping the part removes it.
    }
}

/// Writes a file that is never found half written.
pub(super) fn write_whole(place: PathBuf, content: &[u8]) -> Result<(), Failure> {
    let part = Part::begin(place)?;
    (&part.file)
        .write_all(content)
        .map_err(write_failure(&part.place))?;
    part.keep()
}

/// A file that is not yet in its place; dropped, it is removed.
#[derive(Debug)]
struct Part {
    file: File,
    path: PathBuf,
    place: PathBuf,
    kept: bool,
}

impl Part {
    fn begin(place: PathBuf) -> Result<Self, Failure> {
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(write_failure(folder))?;
        }
        // Two writers at once write two parts; the last one renamed stays.
        let number = PARTS.fetch_add(1, Ordering::Relaxed);
        let mut name = place.clone().into_os_string();
        name.push(format!(".{}-{number}{PART_SUFFIX}", std::process::id()));
        let path = PathBuf::from(name);
        let opened = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path);
        let file = opened.map_err(write_failure(&place))?;
        Ok(Self {
            file,
            path,
            place,
            kept: false,
        })
    }

    /// Keeps it unless there is something in its place: a link never replaces.
    fn keep_if_first(self) -> Result<bool, Failure> {
        match fs::hard_link(&self.path, &self.place) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            // Not every file system has links.
            Err(_) if !self.place.exists() => self.keep().map(|()| true),
            Err(_) => Ok(false),
        }
    }

    fn keep(mut self) -> Result<(), Failure> {
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
