//! Files of a bucket, read from their start to their end: for who verifies them.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::S3Recordings;
use crate::failure::{Failure, FailureKind};
use crate::port::{MediaBody, Opened, Opening};

/// An object that is being read.
#[derive(Debug)]
pub struct S3File {
    pub(super) subject: String,
    pub(super) body: ByteStream,
}

impl Opening for S3Recordings {
    type Body = S3File;

    async fn open(&self, key: &str) -> Result<Option<Opened<S3File>>, Failure> {
        let calls = &self.0.calls;
        let Some(object) = calls.get(key).await? else {
            return Ok(None);
        };
        let bytes = u64::try_from(object.content_length.unwrap_or(0)).unwrap_or(0);
        let body = S3File {
            subject: calls.subject(key),
            body: object.body,
        };
        Ok(Some(Opened {
            bytes,
            version: object.e_tag.unwrap_or_default(),
            body,
        }))
    }
}

impl MediaBody for S3File {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let lost = |error| Failure::new(FailureKind::ConnectionLost, &self.subject, error);
        self.body.next().await.transpose().map_err(lost)
    }
}
