//! Deleting for good: an operator's calls, which no function is allowed and none links. In a
//! bucket that keeps versions each version goes by itself; in one that keeps none, the only
//! one is called `null` (Amazon S3 API Reference, ListObjectVersions, DeleteObject).

use super::S3Recordings;
use crate::aws::errors::Call;
use crate::failure::{Failure, FailureKind};
use crate::port::{Erasable, Erasing, Which};

/// Where a page of a listing begins: behind this key, and under it behind this version or
/// upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Marker {
    key: Option<String>,
    id: Option<String>,
}

/// A page of a listing, and where the next one begins if there is one.
struct Page {
    found: Vec<Erasable>,
    next: Option<Marker>,
}

impl Page {
    fn new(
        found: impl Iterator<Item = (Option<String>, Option<Which>)>,
        is_truncated: Option<bool>,
        next: Marker,
    ) -> Self {
        let found = found.filter_map(|(key, which)| {
            Some(Erasable {
                key: key?,
                which: which?,
            })
        });
        Self {
            found: found.collect(),
            next: (is_truncated == Some(true)).then_some(next),
        }
    }
}

impl Erasing for S3Recordings {
    async fn list_all(&self, prefix: &str) -> Result<Vec<Erasable>, Failure> {
        let mut all = self
            .pages(prefix, |from| self.versions(prefix, from))
            .await?;
        all.extend(
            self.pages(prefix, |from| self.unfinished(prefix, from))
                .await?,
        );
        all.sort();
        Ok(all)
    }

    async fn erase(&self, object: &Erasable) -> Result<(), Failure> {
        match &object.which {
            Which::Only => self.delete(&object.key, None).await,
            Which::Version(version) | Which::DeleteMarker(version) => {
                self.delete(&object.key, Some(version)).await
            }
            Which::Upload(upload) => self.0.calls.abort(&object.key, upload).await,
        }
    }
}

impl S3Recordings {
    /// All pages of a listing. One that says that there is more, and does not say where, is
    /// a failure: what it left out would stay.
    async fn pages<F>(
        &self,
        prefix: &str,
        ask: impl Fn(Marker) -> F + Send,
    ) -> Result<Vec<Erasable>, Failure>
    where
        F: Future<Output = Result<Page, Failure>> + Send,
    {
        let mut all = Vec::new();
        let mut from = Marker::default();
        loop {
            let page = ask(from.clone()).await?;
            all.extend(page.found);
            match page.next {
                None => return Ok(all),
                Some(next) if next.key.is_some() && next != from => from = next,
                Some(_) => {
                    let subject = format!("s3://{}/{prefix}", self.0.calls.bucket.name);
                    let cause = "a listing says that there is more, and not where";
                    return Err(Failure::new(FailureKind::Unavailable, subject, cause));
                }
            }
        }
    }

    async fn versions(&self, prefix: &str, from: Marker) -> Result<Page, Failure> {
        let objects = &self.0.calls;
        let page = objects
            .client
            .list_object_versions()
            .bucket(&objects.bucket.name)
            .set_expected_bucket_owner(objects.owner())
            .prefix(prefix)
            .set_key_marker(from.key)
            .set_version_id_marker(from.id)
            .send()
            .await
            .map_err(|error| objects.failed(Call::ListVersions, prefix, &error))?;
        let id = |version: Option<String>| version.unwrap_or_else(|| "null".to_owned());
        let versions = page.versions.unwrap_or_default().into_iter();
        let versions =
            versions.map(|object| (object.key, Some(Which::Version(id(object.version_id)))));
        let markers = page.delete_markers.unwrap_or_default().into_iter();
        let markers =
            markers.map(|object| (object.key, Some(Which::DeleteMarker(id(object.version_id)))));
        let next = Marker {
            key: page.next_key_marker,
            id: page.next_version_id_marker,
        };
        Ok(Page::new(versions.chain(markers), page.is_truncated, next))
    }

    /// Uploads that a delivery began and did not end: they hold audio, and nobody sees them.
    async fn unfinished(&self, prefix: &str, from: Marker) -> Result<Page, Failure> {
        let objects = &self.0.calls;
        let page = objects
            .client
            .list_multipart_uploads()
            .bucket(&objects.bucket.name)
            .set_expected_bucket_owner(objects.owner())
            .prefix(prefix)
            .set_key_marker(from.key)
            .set_upload_id_marker(from.id)
            .send()
            .await
            .map_err(|error| objects.failed(Call::ListUploads, prefix, &error))?;
        let uploads = page.uploads.unwrap_or_default().into_iter();
        let uploads = uploads.map(|upload| (upload.key, upload.upload_id.map(Which::Upload)));
        let next = Marker {
            key: page.next_key_marker,
            id: page.next_upload_id_marker,
        };
        Ok(Page::new(uploads, page.is_truncated, next))
    }

    async fn delete(&self, key: &str, version: Option<&str>) -> Result<(), Failure> {
        let objects = &self.0.calls;
        let request = objects.client.delete_object();
        let request = request.bucket(&objects.bucket.name).key(key);
        let request = request.set_expected_bucket_owner(objects.owner());
        let deleted = request.set_version_id(version.map(str::to_owned)).send();
        deleted
            .await
            .map(|_| ())
            .map_err(|error| objects.failed(Call::DeleteObject, key, &error))
    }
}
