//! Looking into a bucket, folder by folder, and into its files at any place: for the archive.

use aws_sdk_s3::types::{ArchiveStatus, StorageClass};

use super::S3Recordings;
use super::reading::S3File;
use crate::aws::errors::{Call, is_not_found};
use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::port::{Archived, Browsing, Inside, Listed, Seen};

impl Browsing for S3Recordings {
    async fn look_into(&self, folder: &str) -> Result<Inside, Failure> {
        let objects = &self.0.calls;
        let request = objects.client.list_objects_v2();
        let request = request.bucket(&objects.bucket.name).prefix(folder);
        let request = request.set_expected_bucket_owner(objects.owner());
        let mut pages = request.delimiter("/").into_paginator().send();
        let mut inside = Inside::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| objects.failed(Call::ListObjects, folder, &error))?;
            let folders = page.common_prefixes().iter();
            inside
                .folders
                .extend(folders.filter_map(|folder| folder.prefix().map(str::to_owned)));
            let files = page.contents().iter().map(|object| Listed {
                key: object.key().unwrap_or_default().to_owned(),
                modified: millis(object.last_modified()),
            });
            // What stands for the folder itself in some buckets is no file.
            inside.files.extend(files.filter(|file| file.key != folder));
        }
        Ok(inside)
    }

    async fn look_at(&self, key: &str) -> Result<Option<Seen>, Failure> {
        let objects = &self.0.calls;
        let request = objects.client.head_object();
        let request = request.bucket(&objects.bucket.name).key(key);
        let request = request.set_expected_bucket_owner(objects.owner());
        let head = match request.send().await {
            Ok(head) => head,
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => return Err(objects.failed(Call::ReadObject, key, &error)),
        };
        let version = objects.version(Call::ReadObject, key, head.e_tag.clone())?;
        Ok(Some(Seen {
            bytes: bytes(head.content_length),
            modified: millis(head.last_modified()),
            version,
            archived: archived(head.storage_class(), head.archive_status(), head.restore()),
        }))
    }

    async fn open_part(&self, key: &str, from: u64, bytes: u64) -> Result<Option<S3File>, Failure> {
        let objects = &self.0.calls;
        let last = from.saturating_add(bytes).saturating_sub(1);
        let request = objects.client.get_object();
        let request = request.bucket(&objects.bucket.name).key(key);
        let request = request.set_expected_bucket_owner(objects.owner());
        match request.range(format!("bytes={from}-{last}")).send().await {
            Ok(object) => Ok(Some(S3File {
                subject: objects.subject(key),
                body: object.body,
            })),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(objects.failed(Call::ReadObject, key, &error)),
        }
    }
}

fn bytes(length: Option<i64>) -> u64 {
    u64::try_from(length.unwrap_or(0)).unwrap_or(0)
}

fn millis(time: Option<&aws_smithy_types::DateTime>) -> Option<EpochMillis> {
    let millis = time.and_then(|time| time.to_millis().ok());
    millis.map(EpochMillis)
}

/// Where an object lies that cannot be read before it is restored: in an archive's storage class,
/// or in one of the archive tiers of Intelligent-Tiering (`x-amz-archive-status`). A restored copy
/// is told by `x-amz-restore: ongoing-request="false", expiry-date=…`, one that is on its way by
/// `ongoing-request="true"` (S3 API, HeadObject). What comes back from a tier has no
/// `x-amz-archive-status` any more.
fn archived(
    class: Option<&StorageClass>,
    tier: Option<&ArchiveStatus>,
    restore: Option<&str>,
) -> Option<Archived> {
    let class = match class {
        Some(class @ (StorageClass::Glacier | StorageClass::DeepArchive)) => class.as_str(),
        _ => tier?.as_str(),
    };
    let says = |told: &str| restore.is_some_and(|restore| restore.contains(told));
    let is_back = says("ongoing-request=\"false\"") && tier.is_none();
    (!is_back).then(|| Archived {
        class: class.to_owned(),
        comes_back: says("ongoing-request=\"true\""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_restored_first_is_told() {
        use StorageClass::{DeepArchive, Glacier, GlacierIr, IntelligentTiering, StandardIa};
        #[track_caller]
        fn check(
            class: Option<StorageClass>,
            tier: Option<ArchiveStatus>,
            restore: Option<&str>,
            expected: Option<(&str, bool)>,
        ) {
            let expected = expected.map(|(class, comes_back)| Archived {
                class: class.to_owned(),
                comes_back,
            });
            assert_eq!(archived(class.as_ref(), tier.as_ref(), restore), expected);
        }
        check(None, None, None, None);
        check(Some(StandardIa), None, None, None);
        check(Some(GlacierIr), None, None, None);
        check(Some(IntelligentTiering), None, None, None);
        check(Some(Glacier), None, None, Some(("GLACIER", false)));
        check(Some(DeepArchive), None, None, Some(("DEEP_ARCHIVE", false)));
        let under_way = Some("ongoing-request=\"true\"");
        check(Some(Glacier), None, under_way, Some(("GLACIER", true)));
        let restored =
            Some("ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2029 00:00:00 GMT\"");
        check(Some(Glacier), None, restored, None);
        let tiers = || {
            (
                Some(IntelligentTiering),
                Some(ArchiveStatus::DeepArchiveAccess),
            )
        };
        let (class, tier) = tiers();
        check(class, tier, None, Some(("DEEP_ARCHIVE_ACCESS", false)));
        let (class, tier) = tiers();
        check(class, tier, under_way, Some(("DEEP_ARCHIVE_ACCESS", true)));
    }
}
