//! One WAV file on its way to S3: in one call when it is short, else in parts.

use std::sync::Arc;

use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::checksum::Checksum;
use super::content::Content;
use super::objects::{Condition, Object, Written, stored};
use super::parts::{Ending, Part, Parts};
use super::{PART_BYTES, Shared};
use crate::failure::{Failure, FailureKind};
use crate::port::{Stored, Upload};

/// A WAV file that grows in S3. Nothing is seen of it before it is finished.
#[derive(Debug)]
pub struct S3Upload {
    shared: Arc<Shared>,
    object: Object,
    parts: Parts,
    /// Where a part must have room before it is sent.
    room: Arc<Semaphore>,
    multipart: Option<Multipart>,
}

/// The parts under way; dropped, those are stopped.
#[derive(Debug)]
struct Multipart {
    id: Arc<str>,
    sending: JoinSet<Result<CompletedPart, Failure>>,
    sent: Vec<CompletedPart>,
}

impl S3Upload {
    pub(super) fn new(
        shared: Arc<Shared>,
        object: Object,
        head_bytes: usize,
        room: Arc<Semaphore>,
    ) -> Self {
        Self {
            shared,
            object,
            parts: Parts::new(PART_BYTES, head_bytes),
            room,
            multipart: None,
        }
    }

    /// Sends all parts on their way that are full, each when there is room for it.
    async fn pass_full_on(&mut self) -> Result<(), Failure> {
        while let Some(part) = self.parts.next_full() {
            self.send(part).await?;
        }
        Ok(())
    }

    /// Sends a part on its way, when there is room for it.
    async fn send(&mut self, part: Part) -> Result<(), Failure> {
        let multipart = match &mut self.multipart {
            Some(multipart) => multipart,
            none => none.insert(Multipart {
                id: self.shared.calls.create(&self.object).await?.into(),
                sending: JoinSet::new(),
                sent: Vec::new(),
            }),
        };
        while let Some(ended) = multipart.sending.try_join_next() {
            multipart.sent.push(sent(ended)?);
        }
        let room = Arc::clone(&self.room).acquire_owned().await;
        let shared = Arc::clone(&self.shared);
        let (key, id) = (self.object.key.clone(), Arc::clone(&multipart.id));
        multipart.sending.spawn(async move {
            let sent = shared.calls.part(&key, &id, &part).await;
            // Its memory is free before there is room for another.
            drop(part);
            drop(room);
            sent
        });
        Ok(())
    }

    /// Ends a file that fits into one part.
    async fn finish_whole(&self, file: Content) -> Result<Stored, Failure> {
        let objects = &self.shared.calls;
        let whole = file.checksum();
        let put = |condition| objects.put(&self.object, &file, whole, condition);
        let version = match put(Condition::Absent).await? {
            Written::Done(version) => version,
            Written::Occupied | Written::Gone => match self.found(whole).await? {
                Some(version) => version,
                None => self.overwritten(put(Condition::Always).await?)?,
            },
        };
        Ok(stored(whole, &version))
    }

    /// The version of what is there, if it is these very bytes: from an earlier delivery, from
    /// another one just now, or from an attempt of ours whose answer was lost.
    async fn found(&self, whole: Checksum) -> Result<Option<String>, Failure> {
        let there = self.shared.calls.head(&self.object.key).await?;
        let ours = there.filter(|there| there.holds(whole));
        Ok(ours.map(|there| there.version))
    }

    /// Ends a file of several parts.
    async fn finish_parts(&mut self, rest: Vec<Part>, whole: Checksum) -> Result<Stored, Failure> {
        for part in rest {
            self.send(part).await?;
        }
        let Some(multipart) = &mut self.multipart else {
            return Err(self.failed("no part was sent"));
        };
        while let Some(ended) = multipart.sending.join_next().await {
            multipart.sent.push(sent(ended)?);
        }
        let mut parts = std::mem::take(&mut multipart.sent);
        parts.sort_by_key(CompletedPart::part_number);
        let id = Arc::clone(&multipart.id);
        let (shared, key) = (Arc::clone(&self.shared), self.object.key.clone());
        let complete = |condition| {
            let parts = parts.clone();
            shared.calls.complete(&key, &id, parts, whole, condition)
        };
        let version = match complete(Condition::Absent).await? {
            Written::Done(version) => version,
            Written::Occupied | Written::Gone => match self.found(whole).await? {
                Some(version) => {
                    self.give_up().await;
                    version
                }
                None => self.overwritten(complete(Condition::Always).await?)?,
            },
        };
        // There is nothing to abort from here on.
        self.multipart = None;
        Ok(stored(whole, &version))
    }

    /// An unconditional write cannot be refused for a condition.
    fn overwritten(&self, written: Written) -> Result<String, Failure> {
        match written {
            Written::Done(version) => Ok(version),
            Written::Occupied => Err(self.failed("S3 refused an unconditional write with 412")),
            Written::Gone => Err(self.failed("NoSuchUpload: somebody gave the upload up")),
        }
    }

    fn failed(&self, cause: &str) -> Failure {
        Failure::new(FailureKind::WriteFailed, &self.object.key, cause)
    }

    /// Stops the parts under way and gives the upload up.
    async fn give_up(&mut self) {
        if let Some(multipart) = &mut self.multipart {
            multipart.sending.shutdown().await;
            let id = Arc::clone(&multipart.id);
            self.shared.abort(&self.object.key, &id).await;
            // This comes last: an upload that is dropped before is aborted by its drop.
            self.multipart = None;
        }
    }
}

fn sent(
    ended: Result<Result<CompletedPart, Failure>, tokio::task::JoinError>,
) -> Result<CompletedPart, Failure> {
    ended.unwrap_or_else(|error| Err(Failure::new(FailureKind::WriteFailed, "a part", error)))
}

impl Upload for S3Upload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.parts.push(bytes);
        self.pass_full_on().await
    }

    async fn write_in_turn(&mut self, sides: [Bytes; 2]) -> Result<(), Failure> {
        self.parts.push_in_turn(sides);
        self.pass_full_on().await
    }

    async fn finish(mut self, head: Bytes) -> Result<Stored, Failure> {
        let finished = match self.parts.finish(&head) {
            None => Err(self.failed("its head is not as long as what was kept free for it")),
            Some(Ending::Whole(file)) => self.finish_whole(file).await,
            Some(Ending::Parts { rest, whole }) => self.finish_parts(rest, whole).await,
        };
        if finished.is_err() {
            self.give_up().await;
        }
        finished
    }

    async fn abort(mut self) {
        self.give_up().await;
    }
}

impl Drop for S3Upload {
    /// Aborts what was neither finished nor given up, in the background:
    /// [`super::S3Recordings::aborts_ended`] waits for it.
    fn drop(&mut self) {
        if let Some(multipart) = self.multipart.take() {
            Shared::abort_later(&self.shared, self.object.key.clone(), multipart.id);
        }
    }
}
