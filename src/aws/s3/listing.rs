//! What is in a bucket already: for redriving, which looks for verdicts and for batches that
//! Lambda gave up on.

use super::S3Recordings;
use crate::aws::errors::{Call, failure};
use crate::failure::Failure;
use crate::port::{Listed, Listing};
use crate::ticks::EpochMillis;

impl Listing for S3Recordings {
    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        let objects = &self.0.objects;
        let request = objects.client.list_objects_v2();
        let request = request.bucket(&objects.bucket.name).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut listed = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                let subject = format!("s3://{}/{prefix}", objects.bucket.name);
                failure(Call::ListObjects, subject, &error)
            })?;
            for object in page.contents() {
                listed.push(Listed {
                    key: object.key().unwrap_or_default().to_owned(),
                    modified: object
                        .last_modified()
                        .and_then(|time| time.to_millis().ok())
                        .map(EpochMillis),
                });
            }
        }
        Ok(listed)
    }
}

impl S3Recordings {
    /// An object of so many bytes at the most, whole; `None` when it is not there.
    pub async fn read(&self, key: &str, most: usize) -> Result<Option<Vec<u8>>, Failure> {
        let found = self.0.objects.read(key, most).await?;
        Ok(found.map(|(bytes, _)| bytes))
    }
}
