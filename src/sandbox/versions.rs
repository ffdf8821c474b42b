//! What `s3s-fs` lacks of S3: uploads that were begun are listed, and a bucket can keep
//! versions, as S3 does with versioning enabled: what is overwritten or deleted stays as an
//! older version, a delete leaves a marker, and each goes by its id. Older versions are files
//! under `versions/BUCKET/`, told by `versions/BUCKET.json`; begun uploads are
//! `uploads/ID.json`. What was there before versions were kept is the version `null`.
//!
//! Not here: reading an older version, which is refused; delimiters in these listings.

mod operations;

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

/// The id of what no versioning has numbered.
const NULL: &str = "null";
/// Entries of a page, as S3 has it.
const PAGE: usize = 1_000;

/// Whether buckets keep versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    TheLatest,
    AllVersions,
}

/// `s3s-fs` with listings of uploads and versions.
pub(super) struct Versions {
    files: FileSystem,
    buckets: PathBuf,
    versions: PathBuf,
    uploads: PathBuf,
    keeping: Keeping,
    numbered: AtomicU64,
    /// One change at a time where versions are kept.
    turn: Mutex<()>,
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    id: String,
    /// The file that holds it when it is not the latest; none of a delete marker.
    file: Option<String>,
}

/// The versions of a bucket's objects, the latest last. An object without any is `null`.
type History = BTreeMap<String, Vec<Version>>;

/// An upload that was begun.
#[derive(Serialize, Deserialize)]
struct Begun {
    bucket: String,
    key: String,
}

impl Versions {
    /// The files of `buckets`, with folders beside it for what is kept of them.
    pub(super) fn new(files: FileSystem, buckets: &Path, keeping: Keeping) -> io::Result<Self> {
        let beside = buckets.parent().unwrap_or(buckets);
        let uploads = beside.join("uploads");
        fs::create_dir_all(&uploads)?;
        Ok(Self {
            files,
            buckets: buckets.to_owned(),
            versions: beside.join("versions"),
            uploads,
            keeping,
            numbered: AtomicU64::new(0),
            turn: Mutex::new(()),
        })
    }

    /// Where an object's latest version is; none for a key that is no path.
    fn place(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        let key = Path::new(key);
        let is_plain = key
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        is_plain.then(|| self.buckets.join(bucket).join(key))
    }

    fn history(&self, bucket: &str) -> io::Result<History> {
        match fs::read(self.versions.join(format!("{bucket}.json"))) {
            Ok(json) => Ok(serde_json::from_slice(&json)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(History::new()),
            Err(error) => Err(error),
        }
    }

    fn save(&self, bucket: &str, history: &History) -> io::Result<()> {
        fs::create_dir_all(&self.versions)?;
        let part = self.versions.join(format!("{bucket}.part"));
        fs::write(&part, serde_json::to_vec_pretty(history)?)?;
        fs::rename(part, self.versions.join(format!("{bucket}.json")))
    }

    /// An id that sorts by its age.
    fn id(&self) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let number = self.numbered.fetch_add(1, Ordering::Relaxed);
        format!("{:013}-{number:06}", now.unwrap_or_default().as_millis())
    }

    /// Keeps the latest version as an older one. Its file is linked, so that nothing is
    /// changed if the write behind this fails.
    fn keep(&self, bucket: &str, key: &str, history: &mut History) -> io::Result<()> {
        let Some(place) = self.place(bucket, key).filter(|place| place.is_file()) else {
            return Ok(());
        };
        let versions = history.entry(key.to_owned()).or_default();
        if versions.last().is_none_or(|last| last.file.is_none()) {
            versions.push(Version {
                id: NULL.to_owned(),
                file: Some(self.id()),
            });
        }
        let file = versions.last().and_then(|last| last.file.clone());
        let folder = self.versions.join(bucket);
        fs::create_dir_all(&folder)?;
        let kept = folder.join(file.unwrap_or_default());
        match fs::hard_link(place, kept) {
            // A write that failed left it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    }

    /// A write through `s3s-fs`, with the version that it makes; none is numbered where none
    /// is kept.
    async fn write<T: Send>(
        &self,
        bucket: &str,
        key: &str,
        write: impl Future<Output = S3Result<S3Response<T>>> + Send,
    ) -> S3Result<(S3Response<T>, Option<String>)> {
        if self.keeping == Keeping::TheLatest {
            return Ok((write.await?, None));
        }
        let _turn = self.turn.lock().await;
        let mut history = self.history(bucket).map_err(failed)?;
        self.keep(bucket, key, &mut history).map_err(failed)?;
        let written = write.await?;
        let version = Version {
            id: self.id(),
            file: Some(self.id()),
        };
        let id = version.id.clone();
        history.entry(key.to_owned()).or_default().push(version);
        self.save(bucket, &history).map_err(failed)?;
        Ok((written, Some(id)))
    }

    async fn delete(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let DeleteObjectInput {
            bucket,
            key,
            version_id,
            ..
        } = request.input.clone();
        if self.keeping == Keeping::TheLatest {
            return match version_id.as_deref() {
                None | Some(NULL) => self.files.delete_object(request).await,
                Some(_) => Err(s3_error!(
                    InvalidArgument,
                    "Invalid version id specified: the bucket keeps no versions"
                )),
            };
        }
        let _turn = self.turn.lock().await;
        let mut history = self.history(&bucket).map_err(failed)?;
        let Some(id) = version_id else {
            self.keep(&bucket, &key, &mut history).map_err(failed)?;
            self.files.delete_object(request).await?;
            let marker = Version {
                id: self.id(),
                file: None,
            };
            let id = marker.id.clone();
            history.entry(key).or_default().push(marker);
            self.save(&bucket, &history).map_err(failed)?;
            return Ok(deleted(id, true));
        };
        let versions = history.entry(key.clone()).or_default();
        let at = versions.iter().position(|version| version.id == id);
        let is_latest = at.is_none_or(|at| at + 1 == versions.len());
        let gone = at.map(|at| versions.remove(at));
        let before = versions.last().cloned();
        let is_marker = gone.as_ref().is_some_and(|gone| gone.file.is_none());
        // Without a history there is one version at the most.
        if gone.is_some() || (id == NULL && versions.is_empty()) {
            if is_latest && !is_marker {
                let request = request.map_input(|_| plain(&bucket, &key));
                self.files.delete_object(request).await?;
            }
            let kept =
                |version: &Version| Some(self.versions.join(&bucket).join(version.file.as_ref()?));
            if let Some(kept) = gone.as_ref().and_then(kept).filter(|kept| kept.exists()) {
                fs::remove_file(kept).map_err(failed)?;
            }
            if is_latest && let Some(kept) = before.as_ref().and_then(kept) {
                self.bring_back(&bucket, &key, &kept).await?;
            }
        }
        history.retain(|_, versions| !versions.is_empty());
        self.save(&bucket, &history).map_err(failed)?;
        Ok(deleted(id, is_marker))
    }

    /// Makes an older version the latest. It is written anew, so that its ETag fits.
    async fn bring_back(&self, bucket: &str, key: &str, kept: &Path) -> S3Result<()> {
        let content = fs::read(kept).map_err(failed)?;
        let input = PutObjectInput {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            body: Some(StreamingBlob::from(s3s::Body::from(bytes::Bytes::from(
                content,
            )))),
            ..PutObjectInput::default()
        };
        self.files.put_object(internal(input)).await?;
        fs::remove_file(kept).map_err(failed)
    }

    /// Each version of each object whose key starts so, the latest first, by key.
    fn all(&self, bucket: &str, prefix: &str) -> io::Result<Vec<(String, Version, bool)>> {
        let folder = self.buckets.join(bucket);
        let mut all = self.history(bucket)?;
        for key in files(&folder)? {
            all.entry(key).or_insert_with(|| {
                let file = Some(String::new());
                let id = NULL.to_owned();
                vec![Version { id, file }]
            });
        }
        all.retain(|key, _| key.starts_with(prefix));
        let entries = all.into_iter().flat_map(|(key, versions)| {
            let versions = versions.into_iter().rev().enumerate();
            versions
                .map(|(at, version)| (key.clone(), version, at == 0))
                .collect::<Vec<_>>()
        });
        Ok(entries.collect())
    }

    fn list(&self, input: ListObjectVersionsInput) -> S3Result<ListObjectVersionsOutput> {
        if !self.buckets.join(&input.bucket).is_dir() {
            return Err(s3_error!(NoSuchBucket));
        }
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let all = self.all(&input.bucket, prefix).map_err(failed)?;
        let names = |(key, version, _): &(String, Version, bool)| (key.clone(), version.id.clone());
        let (key, id) = (&input.key_marker, &input.version_id_marker);
        let page = page(&all, names, key.as_deref(), id.as_deref(), input.max_keys);
        let mut output = ListObjectVersionsOutput {
            is_truncated: Some(page.next.is_some()),
            max_keys: input.max_keys,
            name: Some(input.bucket.clone()),
            prefix: input.prefix.clone(),
            versions: Some(Vec::new()),
            delete_markers: Some(Vec::new()),
            ..ListObjectVersionsOutput::default()
        };
        if let Some((key, id)) = page.next {
            output.next_key_marker = Some(key);
            output.next_version_id_marker = Some(id);
        }
        for (key, version, is_latest) in page.entries {
            let (key, id) = (Some(key.clone()), Some(version.id.clone()));
            let is_latest = Some(*is_latest);
            match version.file {
                None => output
                    .delete_markers
                    .get_or_insert_default()
                    .push(DeleteMarkerEntry {
                        key,
                        version_id: id,
                        is_latest,
                        ..DeleteMarkerEntry::default()
                    }),
                Some(_) => output.versions.get_or_insert_default().push(ObjectVersion {
                    key,
                    version_id: id,
                    is_latest,
                    ..ObjectVersion::default()
                }),
            }
        }
        Ok(output)
    }

    fn begun(&self, bucket: &str, prefix: &str) -> io::Result<Vec<(String, String)>> {
        let mut begun = Vec::new();
        for entry in fs::read_dir(&self.uploads)? {
            let path = entry?.path();
            let of: Begun = serde_json::from_slice(&fs::read(&path)?)?;
            let id = path.file_stem().unwrap_or_default().to_string_lossy();
            if of.bucket == bucket && of.key.starts_with(prefix) {
                begun.push((of.key, id.into_owned()));
            }
        }
        begun.sort();
        Ok(begun)
    }

    fn ended(&self, upload: &str) {
        // One that was not begun here was never noted.
        let _ = fs::remove_file(self.uploads.join(format!("{upload}.json")));
    }

    /// Reading is of the latest version only.
    fn readable(&self, bucket: &str, key: &str, version: Option<&str>) -> S3Result<()> {
        let Some(asked) = version else {
            return Ok(());
        };
        let history = self.history(bucket).map_err(failed)?;
        let latest = history.get(key).and_then(|versions| versions.last());
        match latest.map_or(NULL, |latest| &latest.id) == asked {
            true => Ok(()),
            false => Err(s3_error!(
                NotImplemented,
                "older versions are listed and deleted here, not read"
            )),
        }
    }
}

/// A page of a listing, and the key and id of its last entry when there is more.
struct Page<'a, T> {
    entries: &'a [T],
    next: Option<(String, String)>,
}

/// Of entries in order those behind the one that the markers name; a key alone is passed
/// with all that is under it.
fn page<'a, T>(
    all: &'a [T],
    names: impl Fn(&T) -> (String, String),
    key: Option<&str>,
    id: Option<&str>,
    most: Option<i32>,
) -> Page<'a, T> {
    let (key, id) = (key.unwrap_or_default(), id.unwrap_or_default());
    let named = |entry: &T| names(entry) == (key.to_owned(), id.to_owned());
    let start = match all.iter().position(named) {
        Some(at) => at + 1,
        None => all.partition_point(|entry| !key.is_empty() && names(entry).0.as_str() <= key),
    };
    let most = most.and_then(|most| usize::try_from(most).ok());
    let most = most.unwrap_or(PAGE).clamp(1, PAGE);
    let end = all.len().min(start + most);
    let entries = &all[start..end];
    let next = entries.last().filter(|_| end < all.len()).map(names);
    Page { entries, next }
}

/// The keys of the files below a folder.
fn files(root: &Path) -> io::Result<Vec<String>> {
    let mut folders = vec![root.to_owned()];
    let mut keys = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => keys.extend(
                    path.strip_prefix(root)
                        .ok()
                        .map(|key| key.to_string_lossy().into_owned()),
                ),
            }
        }
    }
    Ok(keys)
}

fn plain(bucket: &str, key: &str) -> DeleteObjectInput {
    DeleteObjectInput {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        ..DeleteObjectInput::default()
    }
}

fn deleted(version: String, is_marker: bool) -> S3Response<DeleteObjectOutput> {
    S3Response::new(DeleteObjectOutput {
        version_id: Some(version),
        delete_marker: is_marker.then_some(true),
        ..DeleteObjectOutput::default()
    })
}

/// A request of our own to the files.
fn internal<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: hyper::Method::PUT,
        uri: hyper::Uri::default(),
        headers: hyper::HeaderMap::new(),
        extensions: hyper::http::Extensions::new(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

fn failed(error: io::Error) -> s3s::S3Error {
    s3s::S3Error::internal_error(error)
}
