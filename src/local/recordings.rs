//! A folder of recordings, laid out by object key. A file appears under its key only when
//! it is whole: it grows beside it as `.part` and is renamed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::parts::{self, Part, is_part};
use super::turn::{LOCK, Turn};
use super::{Tried, io_failure, write_failure};
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{Expect, Listed, NewFile, Objects, Recordings, Stored, Upload};

/// How much of two files is compared at once.
const COMPARED_AT_ONCE: usize = 64 << 10;

/// The extension of a file that holds another one's tags, in place of that one's own.
const TAGS: &str = "tags.json";

/// A folder that stands in for the bucket.
#[derive(Clone, Debug)]
pub struct LocalRecordings {
    folder: PathBuf,
}

/// What became of the parts that ended runs left behind.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many were removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that cannot be removed.
    pub failures: Vec<Failure>,
}

impl LocalRecordings {
    /// Recordings in a folder; it is made when the first one is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Removes the parts, below a prefix and in the folder itself, of runs that ended before
    /// their files were whole; what is being written stays. How many went that held
    /// anything, their bytes, and those that cannot be removed.
    pub fn sweep(&self, prefix: Option<&str>) -> Swept {
        let mut paths = Vec::new();
        // What cannot be listed cannot be written to either, which will be told.
        if let Ok(beside) = fs::read_dir(&self.folder) {
            paths.extend(beside.flatten().map(|entry| entry.path()));
        }
        for (key, _) in prefix
            .and_then(|prefix| self.files_below(prefix).ok())
            .unwrap_or_default()
        {
            paths.extend(self.path(&key));
        }
        paths.retain(|path| is_part(path) && path.is_file());
        let mut swept = Swept::default();
        for path in paths {
            match parts::sweep(&path) {
                // One that another run has only just made holds nothing; it makes it anew.
                Ok(None | Some(0)) => {}
                Ok(Some(bytes)) => {
                    swept.files += 1;
                    swept.bytes += bytes;
                }
                Err(failure) => swept.failures.push(failure),
            }
        }
        swept
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
        // A folder has no conditional write: nobody else writes an object meanwhile.
        let _turn = Turn::take(&self.folder)?;
        match expect {
            Expect::Nothing => part.keep_if_first(),
            Expect::Exactly(old) if self.read(key).await?.as_deref() != Some(old) => Ok(false),
            Expect::Exactly(_) => part.keep().map(|()| true),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        let mut files = self.files_below(prefix)?;
        files.retain(|(key, _)| !is_part(Path::new(key)));
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
        LocalUpload::begin(self, self.path(file.key)?, file)
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
                    let below = format!("{key}/");
                    if below.starts_with(prefix) || prefix.starts_with(&below) {
                        folders.push(key);
                    }
                } else if key.starts_with(prefix) && key != LOCK {
                    files.push((key, metadata));
                }
            }
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(files)
    }
}

pub(super) fn epoch_millis(time: std::time::SystemTime) -> Option<EpochMillis> {
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
    Ok(Some(version_of(&metadata)))
}

pub(super) fn version_of(metadata: &fs::Metadata) -> String {
    let changed = metadata.modified().ok();
    let since = changed.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let nanos = since.map_or(0, |since| since.as_nanos());
    format!("{}-{nanos}", metadata.len())
}

/// A file that grows beside its place.
#[derive(Debug)]
pub struct LocalUpload {
    folder: PathBuf,
    part: Part,
    head_bytes: usize,
    bytes: u64,
    tags: BTreeMap<String, String>,
}

impl LocalUpload {
    fn begin(store: &LocalRecordings, path: PathBuf, file: NewFile<'_>) -> Result<Self, Failure> {
        let part = Part::begin(path)?;
        let head_bytes = file.head_bytes;
        let mut upload = Self {
            folder: store.folder.clone(),
            part,
            head_bytes,
            bytes: 0,
            tags: file.tags.iter().cloned().collect(),
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
        // Another run can have written the same bytes. Then that file stays, so that both runs
        // know it as their own: nobody comes between the look and the renaming.
        let _turn = Turn::take(&self.folder)?;
        // A folder has no tags: they lie beside, as soon as the file does.
        if !self.tags.is_empty() {
            let mut json = serde_json::to_vec_pretty(&self.tags).unwrap_or_default();
            json.push(b'\n');
            write_whole(self.part.place.with_extension(TAGS), &json)?;
        }
        let has_same = holds(&self.part.place, file).map_err(&failed)?;
        drop(failed);
        let bytes = self.bytes;
        let version = match has_same {
            true => version(&self.part.place)?,
            false => {
                let version = version(&self.part.path)?;
                self.part.keep()?;
                version
            }
        };
        Ok(Stored {
            bytes,
            version: version.unwrap_or_default(),
        })
    }

    async fn abort(self) {
        // Dropping the part removes it.
    }
}

/// Whether a place holds a file of the same bytes.
fn holds(place: &Path, mut file: &File) -> std::io::Result<bool> {
    let there = match File::open(place) {
        Ok(there) => there,
        // Whatever else stands there, renaming will say so.
        Err(_) => return Ok(false),
    };
    let size = file.metadata()?.len();
    if there.metadata()?.len() != size {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(0))?;
    let mut here = BufReader::with_capacity(COMPARED_AT_ONCE, file);
    let mut there = BufReader::with_capacity(COMPARED_AT_ONCE, there);
    loop {
        let (ours, theirs) = (here.fill_buf()?, there.fill_buf()?);
        let common = ours.len().min(theirs.len());
        if common == 0 || ours[..common] != theirs[..common] {
            return Ok(ours.is_empty() && theirs.is_empty());
        }
        here.consume(common);
        there.consume(common);
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
