//! Recordings and verdicts in S3.
//!
//! # Memory
//!
//! A file under [`PART_BYTES`] is one PutObject; a longer one is a multipart upload, whose
//! first part is held back for the header, which is known last. So the file of a side holds two
//! parts at the most, the first and the one that fills, and the files of a contact together
//! have [`PARTS_IN_FLIGHT`] parts under way, whatever other contacts have: [`most_bytes`] is the
//! bound of each. The mix is made of its sides' bytes while it is sent, and holds none of its
//! own (`s3/content.rs`).
//!
//! # Two deliveries at once, and one that died
//!
//! A recording has the same keys on every delivery, and most deliveries write the same
//! bytes. They differ when one came so early that fragments were not there yet. What must
//! never be is a verdict that stands beside files of another one. Every write carries a
//! condition. An object is known again by its size and its CRC-64/NVME, which S3 tells
//! without reading it (`s3/checksum.rs`), so that the same bytes are one thing, whoever wrote them;
//! where S3 tells none, by its ETag:
//!
//! 1. *Files* are created with `If-None-Match: *`. When something is there (412), it is of
//!    a delivery that died, or of one under way. The same bytes: it serves as our
//!    own. Else it is overwritten, since a dead delivery's file would otherwise stand in
//!    the way for ever. Just before its files end, the recorder looks once more for
//!    a final verdict, so that a recording that is done is not overwritten.
//! 2. *The verdict* is created with `If-None-Match: *`, or put with `If-Match` in place of
//!    exactly the unfinished one that was found. The first final verdict wins.
//! 3. *The delivery that loses* (412) checks by their versions which stored files are its
//!    own. None: it accepts the other's verdict, unless it knows of more of the call; then
//!    it comes again. All: it overwrote the other's files, and replaces the verdict by its
//!    own, again with `If-Match`, if nothing is lost by that. Otherwise, and if some are its
//!    own, it replaces the verdict by an unfinished one that names all that either knew, and
//!    the recording is made again.
//! 4. *The delivery that wins* checks the versions, too: another delivery may have
//!    overwritten its files and died before its own verdict, and nobody else would notice.
//!
//! The last delivery to reach step 2 comes after all writes of the others, and sees the
//! files that will stay. One gap remains: delivery A overwrites a file after B's step 4,
//! having looked for a verdict before B's step 2, and is killed before its own step 2. That
//! takes three coincidences within a second. Steps 2 to 4 are the recorder's
//! (`recorder/commit.rs`), over any store.
//!
//! A recording that is read again ([`Again`](crate::recorder::Again)) replaces files and
//! verdict by fuller ones, in the same order. Until it is known that they are fuller,
//! nothing is completed. Killed between its files and its verdict, it leaves the old verdict
//! beside fuller files; redriven once more, it is finished.
//!
//! A conflict (409) leaves a PutObject to be tried again; a multipart upload is lost by
//! it, and the recording is handed back.
//!
//! # What arrived is what was sent
//!
//! Each call that writes gives the CRC-64/NVME of its body, and the one that ends a file of
//! several parts that of the whole: S3 refuses what arrived otherwise, and no file is read
//! back. Over TLS no payload is signed beside that (`s3/signing.rs`).
//!
//! # What stays behind
//!
//! A delivery that is killed leaves parts that nobody sees and the bucket's owner pays:
//! the bucket wants a lifecycle rule `AbortIncompleteMultipartUpload`, one day.
//! Every call says whose bucket it must be ([`Bucket::owner`]). No ACL is ever set.

mod browsing;
mod checksum;
mod content;
#[cfg(feature = "operate")]
mod erasing;
mod listing;
mod objects;
mod parts;
mod reading;
mod signing;
mod tags;
mod upload;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use aws_config::SdkConfig;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::Trying;
use super::answers::CheckAnswers;
use crate::connect::arn;
use crate::failure::Failure;
use crate::lock::lock;
use crate::port::{Expect, Listed, NewFile, Objects, Recordings, Stored};
use content::Content;
use objects::{Calls, Condition, Object, Written};
use signing::TlsKeepsPayloads;
pub use upload::S3Upload;

/// Bytes of a part: the least that S3 allows, since memory grows with it. At 10,000 parts
/// a file could have 48 GiB, and a WAV file has at most 4.
pub const PART_BYTES: usize = 5 << 20;
/// Parts under way at once, of all files of a contact. Files of both sides and stereo keep pace with
/// 500 fragments a second as long as a part is stored within 0.3 s.
pub const PARTS_IN_FLIGHT: usize = 2;
/// The largest object that is read whole; a verdict with all its lists full has less than half.
const MAX_OBJECT_BYTES: usize = 4 << 20;

/// The most bytes that uploads of a contact hold: the files of so many sides, and their mixes.
pub const fn most_bytes(sides: usize) -> usize {
    (2 * sides + PARTS_IN_FLIGHT) * PART_BYTES
}

/// A bucket and how objects are put into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The KMS key to encrypt with; else the bucket's own encryption holds.
    pub kms_key: Option<String>,
    /// Tags for every object.
    pub tags: Vec<(String, String)>,
    /// The account that it must belong to. Else the recorder's own, where that is known
    /// ([`S3Recordings::runs_in`]): a bucket's name alone can be anybody's, once the bucket
    /// was deleted.
    pub owner: Option<String>,
}

impl Bucket {
    /// A bucket that is only read.
    pub fn to_read(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kms_key: None,
            tags: Vec::new(),
            owner: None,
        }
    }

    /// The tags of an object with some of its own, as `x-amz-tagging` wants them: a URL's query.
    fn tagging(&self, own: &[(String, String)]) -> Option<String> {
        let is_own = |name: &String| own.iter().any(|(other, _)| other == name);
        let shared = self.tags.iter().filter(|(name, _)| !is_own(name));
        let pairs = shared.chain(own);
        let pairs = pairs.map(|(name, value)| format!("{}={}", escape(name), escape(value)));
        let tagging = pairs.collect::<Vec<_>>().join("&");
        (!tagging.is_empty()).then_some(tagging)
    }
}

/// Percent-encodes all but what a URL's query and a header take as they are.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// A bucket of recordings.
#[derive(Debug)]
pub struct S3Recordings(Arc<Shared>);

/// What uploads share.
#[derive(Debug)]
struct Shared {
    calls: Calls,
    /// Room for parts under way of each contact whose files are written just now.
    parts_in_flight: Mutex<HashMap<String, Weak<Semaphore>>>,
    /// Aborts under way in the background.
    aborts: Mutex<Vec<JoinHandle<()>>>,
}

impl Shared {
    /// The room for parts that all files of a contact share.
    fn room_for_parts(&self, contact: &str) -> Arc<Semaphore> {
        let mut rooms = lock(&self.parts_in_flight);
        if let Some(room) = rooms.get(contact).and_then(Weak::upgrade) {
            return room;
        }
        rooms.retain(|_, room| room.strong_count() > 0);
        let room = Arc::new(Semaphore::new(PARTS_IN_FLIGHT));
        rooms.insert(contact.to_owned(), Arc::downgrade(&room));
        room
    }

    /// Gives an upload up. Who called is told of another failure already, so that this one
    /// only leaves a line.
    async fn abort(&self, key: &str, upload: &str) {
        if let Err(failure) = self.calls.abort(key, upload).await {
            tracing::warn!(key, %failure, "an unfinished upload stays until the bucket's lifecycle rule removes it");
        }
    }

    fn abort_later(shared: &Arc<Self>, key: String, upload: Arc<str>) {
        // Without a runtime the process is about to end; the lifecycle rule is left.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let task = Arc::clone(shared);
        let abort = runtime.spawn(async move { task.abort(&key, &upload).await });
        let mut aborts = lock(&shared.aborts);
        aborts.retain(|abort| !abort.is_finished());
        aborts.push(abort);
    }
}

/// A client's configuration: an endpoint of one's own has no host name for each bucket.
pub(super) fn config(shared: &SdkConfig) -> aws_sdk_s3::Config {
    aws_sdk_s3::config::Builder::from(shared)
        .force_path_style(super::has_own_endpoint(shared, "AWS_ENDPOINT_URL_S3"))
        .interceptor(CheckAnswers)
        .interceptor(TlsKeepsPayloads)
        .build()
}

impl S3Recordings {
    /// Recordings in a bucket, over the shared configuration.
    pub fn new(shared: &SdkConfig, bucket: Bucket) -> Self {
        Self::trying(Trying::S3, shared, bucket)
    }

    /// The same, given up in time for whoever has a caller waiting.
    pub fn while_a_caller_waits(shared: &SdkConfig, bucket: Bucket) -> Self {
        Self::trying(Trying::CALLER_WAITS, shared, bucket)
    }

    fn trying(trying: Trying, shared: &SdkConfig, bucket: Bucket) -> Self {
        let config = config(&trying.on(shared));
        Self(Arc::new(Shared {
            calls: Calls {
                client: aws_sdk_s3::Client::from_conf(config),
                bucket,
                account: OnceLock::new(),
            },
            parts_in_flight: Mutex::default(),
            aborts: Mutex::default(),
        }))
    }

    /// Tells the account that this runs in, by the function's own ARN: each invocation
    /// brings it, and no call is needed to know it. The first one holds.
    pub fn runs_in(&self, function_arn: &str) {
        if let Some(account) = arn::account(function_arn) {
            // Another invocation of the same function says the same.
            let _ = self.0.calls.account.set(account.to_owned());
        }
    }

    /// Waits until uploads that were dropped are aborted: before an invocation ends, since
    /// the function is frozen then.
    pub async fn aborts_ended(&self) {
        let aborts = std::mem::take(&mut *lock(&self.0.aborts));
        for abort in aborts {
            // A task that panicked has nothing to tell.
            let _ = abort.await;
        }
    }
}

/// An object to be; how its key ends says what it is.
fn object(key: &str, contact: Option<&str>) -> Object {
    let content_type = match key.rsplit_once('.') {
        Some((_, "wav")) => "audio/wav",
        Some((_, "json")) => "application/json",
        Some(_) | None => "application/octet-stream",
    };
    Object {
        key: key.to_owned(),
        content_type,
        contact: contact.map(escape),
        tags: Vec::new(),
    }
}

impl Objects for S3Recordings {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.read_at_most(key, MAX_OBJECT_BYTES).await
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, expect: Expect<'_>) -> Result<bool, Failure> {
        let calls = &self.0.calls;
        let object = object(key, None);
        let content = Content::from(bytes);
        let put = |condition| calls.put(&object, &content, content.checksum(), condition);
        let put = match expect {
            Expect::Nothing => put(Condition::Absent).await?,
            Expect::Exactly(old) => match calls.read(key, MAX_OBJECT_BYTES.max(old.len())).await? {
                Some((there, version)) if there == old => {
                    put(Condition::Unchanged(&version)).await?
                }
                Some(_) | None => Written::Occupied,
            },
        };
        Ok(matches!(put, Written::Done(_)))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        self.list_all_pages(prefix).await
    }
}

impl Recordings for S3Recordings {
    type Upload = S3Upload;

    async fn begin(&self, file: NewFile<'_>) -> Result<S3Upload, Failure> {
        let object = Object {
            tags: file.tags.to_vec(),
            ..object(file.key, Some(file.contact))
        };
        let room = self.0.room_for_parts(file.contact);
        Ok(S3Upload::new(
            Arc::clone(&self.0),
            object,
            file.head_bytes,
            room,
        ))
    }

    async fn is_there(&self, key: &str, stored: &Stored) -> Result<bool, Failure> {
        let there = self.0.calls.head(key).await?;
        Ok(there.is_some_and(|there| there.is(stored)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_a_query() {
        let mut bucket = Bucket {
            name: "b".into(),
            kms_key: None,
            tags: Vec::new(),
            owner: None,
        };
        assert_eq!(bucket.tagging(&[]), None);
        bucket.tags = vec![
            ("team".into(), "voice & data".into()),
            ("ü".into(), String::new()),
        ];
        let tagging = bucket.tagging(&[]);
        assert_eq!(tagging.as_deref(), Some("team=voice%20%26%20data&%C3%BC="));
        // A leading plus stays one.
        let own = ["team", "customerEndpoint"].map(|name| (name.to_owned(), "+81300".to_owned()));
        let tagging = bucket.tagging(&own);
        let expected = "%C3%BC=&team=%2B81300&customerEndpoint=%2B81300";
        assert_eq!(tagging.as_deref(), Some(expected));
    }

    #[test]
    fn one_call_fits_well_below_the_memory_bound() {
        // The mix is cut between samples of both sides.
        assert_eq!(
            (PART_BYTES % 4, crate::media::wav::HEADER_BYTES % 4),
            (0, 0)
        );
        assert!(most_bytes(2) <= 30 << 20);
    }
}
