//! What is in a bucket already: for redriving, which looks for verdicts and for batches that
//! Lambda gave up on.

use super::S3Recordings;
use crate::aws::errors::Call;
use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::port::Listed;

impl S3Recordings {
    /// All pages of a listing.
    pub(super) async fn list_all_pages(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        let objects = &self.0.calls;
        let request = objects.client.list_objects_v2();
        let request = request.bucket(&objects.bucket.name).prefix(prefix);
        let request = request.set_expected_bucket_owner(objects.owner());
        let mut pages = request.into_paginator().send();
        let mut listed = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| objects.failed(Call::ListObjects, prefix, &error))?;
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

    /// An object of so many bytes at the most, whole; `None` when it is not there.
    pub async fn read_at_most(&self, key: &str, most: usize) -> Result<Option<Vec<u8>>, Failure> {
        let found = self.0.calls.read(key, most).await?;
        Ok(found.map(|(bytes, _)| bytes))
    }
}
