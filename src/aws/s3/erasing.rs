//! Deleting for good: an operator's calls, which no function is allowed and none links. In a
//! bucket that keeps versions each version goes by itself; in one that keeps none, the only
//! one is called `null` (Amazon S3 API Reference, ListObjectVersions, DeleteObject).

use super::S3Recordings;
use crate::aws::errors::{Call, failure};
use crate::failure::Failure;
use crate::port::{Erasable, Erasing, Which};

impl Erasing for S3Recordings {
    async fn list_all(&self, prefix: &str) -> Result<Vec<Erasable>, Failure> {
        let mut all = self.versions(prefix).await?;
        all.extend(self.unfinished(prefix).await?);
        all.sort();
        Ok(all)
    }

    async fn erase(&self, objects: &[Erasable]) -> Result<(), Failure> {
        for object in objects {
            match &object.which {
                Which::Only => self.delete(&object.key, None).await?,
                Which::Version(version) | Which::DeleteMarker(version) => {
                    self.delete(&object.key, Some(version)).await?;
                }
                Which::Upload(upload) => self.0.objects.abort(&object.key, upload).await?,
            }
        }
        Ok(())
    }
}

impl S3Recordings {
    async fn versions(&self, prefix: &str) -> Result<Vec<Erasable>, Failure> {
        let objects = &self.0.objects;
        let mut all = Vec::new();
        let (mut key_marker, mut version_marker) = (None, None);
        loop {
            let request = objects.client.list_object_versions();
            let page = request
                .bucket(&objects.bucket.name)
                .prefix(prefix)
                .set_key_marker(key_marker)
                .set_version_id_marker(version_marker)
                .send()
                .await
                .map_err(|error| {
                    let subject = format!("s3://{}/{prefix}", objects.bucket.name);
                    failure(Call::ListVersions, subject, &error)
                })?;
            let versions = page.versions().iter();
            all.extend(versions.filter_map(|object| {
                let version = object.version_id().unwrap_or("null").to_owned();
                erasable(object.key(), Which::Version(version))
            }));
            let markers = page.delete_markers().iter();
            all.extend(markers.filter_map(|object| {
                let version = object.version_id().unwrap_or("null").to_owned();
                erasable(object.key(), Which::DeleteMarker(version))
            }));
            key_marker = page.next_key_marker;
            version_marker = page.next_version_id_marker;
            if page.is_truncated != Some(true) || key_marker.is_none() {
                return Ok(all);
            }
        }
    }

    /// Uploads that a delivery began and did not end: they hold audio, and nobody sees them.
    async fn unfinished(&self, prefix: &str) -> Result<Vec<Erasable>, Failure> {
        let objects = &self.0.objects;
        let mut all = Vec::new();
        let (mut key_marker, mut upload_marker) = (None, None);
        loop {
            let request = objects.client.list_multipart_uploads();
            let page = request
                .bucket(&objects.bucket.name)
                .prefix(prefix)
                .set_key_marker(key_marker)
                .set_upload_id_marker(upload_marker)
                .send()
                .await
                .map_err(|error| {
                    let subject = format!("s3://{}/{prefix}", objects.bucket.name);
                    failure(Call::ListUploads, subject, &error)
                })?;
            let uploads = page.uploads().iter();
            all.extend(uploads.filter_map(|upload| {
                let id = upload.upload_id()?.to_owned();
                erasable(upload.key(), Which::Upload(id))
            }));
            key_marker = page.next_key_marker;
            upload_marker = page.next_upload_id_marker;
            if page.is_truncated != Some(true) || key_marker.is_none() {
                return Ok(all);
            }
        }
    }

    async fn delete(&self, key: &str, version: Option<&str>) -> Result<(), Failure> {
        let objects = &self.0.objects;
        let request = objects.client.delete_object();
        let request = request.bucket(&objects.bucket.name).key(key);
        let request = request.set_version_id(version.map(str::to_owned));
        let deleted = request.send().await;
        deleted.map(|_| ()).map_err(|error| {
            let subject = format!("s3://{}/{key}", objects.bucket.name);
            failure(Call::DeleteObject, subject, &error)
        })
    }
}

fn erasable(key: Option<&str>, which: Which) -> Option<Erasable> {
    Some(Erasable {
        key: key?.to_owned(),
        which,
    })
}
