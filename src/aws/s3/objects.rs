//! The calls to S3, each with its conditions: what came of a conditional write is a value.

use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
    ServerSideEncryption,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::Bucket;
use super::checksum::Checksum;
use super::content::Content;
use super::parts::Part;
use super::signing::PayloadIs;
use crate::aws::errors::{
    Call, bucket_region, failed_within_success, failure, is_conflict, is_not_found, is_precondition,
};
use crate::failure::{Failure, FailureKind};
use crate::port::Stored;

/// A write is tried so often that meets another one (409), or that fails within an answer
/// which began as a success.
const WRITE_ATTEMPTS: u32 = 5;
/// The wait after such a write; it grows with each.
const WRITE_WAIT: Duration = Duration::from_millis(200);
/// An object is read so often before reading it counts as failed.
const READ_ATTEMPTS: u32 = 3;

/// When a write may take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    /// When nothing is under the key.
    Absent,
    /// When the object is of this version.
    Unchanged(&'a str),
    /// In any case.
    Always,
}

impl<'a> Condition<'a> {
    fn if_none_match(self) -> Option<String> {
        (self == Self::Absent).then(|| "*".to_owned())
    }

    fn if_match(self) -> Option<String> {
        match self {
            Self::Unchanged(version) => Some(version.to_owned()),
            Self::Absent | Self::Always => None,
        }
    }
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It took place; the object's version.
    Done(String),
    /// Its condition did not hold.
    Occupied,
    /// The upload is not there any more: another attempt of this very call ended it and its
    /// answer was lost, or somebody gave it up.
    Gone,
}

/// What is under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub bytes: u64,
    pub version: String,
    /// The CRC-64/NVME of all of it in base64; S3 itself tells it of every object that was
    /// written since 2025 by anybody.
    pub checksum: Option<String>,
}

impl Found {
    /// Whether it is what a write left there that returned this version and sent these bytes.
    /// By the checksum, so that the same bytes are, whoever wrote them; where S3 tells none, by
    /// the version.
    pub(super) fn is(&self, stored: &Stored) -> bool {
        let Some((sent, version)) = stored.version.split_once(' ') else {
            return false;
        };
        let sent = Checksum::sent(sent, stored.bytes);
        let same = sent.and_then(|sent| self.tells(sent));
        same.unwrap_or(self.version == version) && self.bytes == stored.bytes
    }

    /// Whether it holds bytes of this checksum, as far as S3 tells.
    pub(super) fn holds(&self, whole: Checksum) -> bool {
        self.bytes == whole.bytes() && self.tells(whole) == Some(true)
    }

    fn tells(&self, whole: Checksum) -> Option<bool> {
        whole.is_told(self.checksum.as_deref()?)
    }
}

/// What was stored under a version, as [`Found::is`] knows it again.
pub(super) fn stored(whole: Checksum, version: &str) -> Stored {
    Stored {
        bytes: whole.bytes(),
        version: format!("{} {version}", whole.to_base64()),
    }
}

/// An object to be.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub key: String,
    pub content_type: &'static str,
    /// The metadata `contact-id`.
    pub contact: Option<String>,
    /// Tags of its own.
    pub tags: Vec<(String, String)>,
}

/// The calls to one bucket.
#[derive(Debug)]
pub(super) struct Calls {
    pub client: Client,
    pub bucket: Bucket,
    /// The account that this runs in, once it is known.
    pub account: OnceLock<String>,
}

type ServiceError<E> = SdkError<E, HttpResponse>;

/// Calls that write share these settings, and no type.
macro_rules! with_settings {
    ($request:expr, $calls:expr, $object:expr) => {{
        let key = $calls.bucket.kms_key.clone();
        $request
            .bucket(&$calls.bucket.name)
            .set_expected_bucket_owner($calls.owner())
            .key(&$object.key)
            .content_type($object.content_type)
            .set_metadata(
                $object
                    .contact
                    .clone()
                    .map(|contact| [("contact-id".to_owned(), contact)].into_iter().collect()),
            )
            .set_tagging($calls.bucket.tagging(&$object.tags))
            .set_server_side_encryption(key.as_ref().map(|_| ServerSideEncryption::AwsKms))
            .set_bucket_key_enabled(key.as_ref().map(|_| true))
            .set_ssekms_key_id(key)
    }};
}

impl Calls {
    pub(super) fn subject(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket.name)
    }

    /// Whose bucket it must be, if that is known: S3 refuses the call where a bucket of this
    /// name is another account's.
    pub(super) fn owner(&self) -> Option<String> {
        let told = self.bucket.owner.as_ref();
        told.or_else(|| self.account.get()).cloned()
    }

    /// A refusal that may come of the bucket's region or owner says what was expected.
    pub(super) fn failed<E>(&self, call: Call, key: &str, error: &ServiceError<E>) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut failure = failure(call, self.subject(key), error);
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "of the other kinds there is no more to say"
        )]
        let more = match failure.kind {
            FailureKind::WrongRegion => {
                let here = self.client.config().region();
                let here = here.map_or("an unknown region", |region| region.as_ref());
                let there = bucket_region(error).unwrap_or("another region");
                format!("; the bucket is in {there}, and was asked for in {here}")
            }
            FailureKind::Denied(_) => match self.owner() {
                Some(owner) => format!(
                    "; the bucket must be account {owner}'s, if it is another's set RECORDINGS_BUCKET_OWNER"
                ),
                None => String::new(),
            },
            _ => String::new(),
        };
        failure.cause.push_str(&more);
        failure
    }

    /// The version that an answer tells. Every answer of S3's about an object has one: one
    /// without is somebody else's, and nothing is known of the object.
    pub(super) fn version(
        &self,
        call: Call,
        key: &str,
        e_tag: Option<String>,
    ) -> Result<String, Failure> {
        e_tag.ok_or_else(|| {
            let cause = format!("{call:?}: an answer without an ETag is none of S3's");
            Failure::new(FailureKind::Unavailable, self.subject(key), cause)
        })
    }

    /// Writes an object in one call. The checksum is that of its content.
    pub(super) async fn put(
        &self,
        object: &Object,
        content: &Content,
        checksum: Checksum,
        condition: Condition<'_>,
    ) -> Result<Written, Failure> {
        let checksum = checksum.to_base64();
        let mut attempt = 1;
        loop {
            let put = with_settings!(self.client.put_object(), self, object)
                .set_if_none_match(condition.if_none_match())
                .set_if_match(condition.if_match())
                .checksum_crc64_nvme(&checksum)
                .body(content.to_body().into())
                .customize()
                .interceptor(PayloadIs(content.clone()))
                .send();
            match put.await {
                Ok(put) => {
                    let version = self.version(Call::WriteObject, &object.key, put.e_tag)?;
                    return Ok(Written::Done(version));
                }
                Err(error) if is_precondition(&error) => return Ok(Written::Occupied),
                // The object that was to be replaced is gone.
                Err(error) if condition.if_match().is_some() && is_not_found(&error) => {
                    return Ok(Written::Occupied);
                }
                Err(error) if is_conflict(&error) && attempt < WRITE_ATTEMPTS => {
                    tokio::time::sleep(WRITE_WAIT * attempt).await;
                    attempt += 1;
                }
                Err(error) => return Err(self.failed(Call::WriteObject, &object.key, &error)),
            }
        }
    }

    /// Begins an object of several parts; its upload id.
    pub(super) async fn create(&self, object: &Object) -> Result<String, Failure> {
        let created = with_settings!(self.client.create_multipart_upload(), self, object)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .send()
            .await
            .map_err(|error| self.failed(Call::WriteObject, &object.key, &error))?;
        created.upload_id.ok_or_else(|| {
            let cause = "CreateMultipartUpload gave no upload id";
            Failure::new(FailureKind::Unavailable, self.subject(&object.key), cause)
        })
    }

    /// Uploads a part.
    pub(super) async fn part(
        &self,
        key: &str,
        upload: &str,
        part: &Part,
    ) -> Result<CompletedPart, Failure> {
        let checksum = part.checksum.to_base64();
        let sent = self
            .client
            .upload_part()
            .bucket(&self.bucket.name)
            .set_expected_bucket_owner(self.owner())
            .key(key)
            .upload_id(upload)
            .part_number(part.number)
            .checksum_crc64_nvme(&checksum)
            .body(part.content.to_body().into())
            .customize()
            .interceptor(PayloadIs(part.content.clone()))
            .send()
            .await
            .map_err(|error| self.failed(Call::WriteObject, key, &error))?;
        let version = self.version(Call::WriteObject, key, sent.e_tag)?;
        Ok(CompletedPart::builder()
            .part_number(part.number)
            .e_tag(version)
            .checksum_crc64_nvme(checksum)
            .build())
    }

    /// Makes one object of the parts, if what arrived has the checksum of the `whole`. When
    /// the condition does not hold (412), the upload stays as it is and can be completed once
    /// more; after a conflict (409) it is lost.
    pub(super) async fn complete(
        &self,
        key: &str,
        upload: &str,
        parts: Vec<CompletedPart>,
        whole: Checksum,
        condition: Condition<'_>,
    ) -> Result<Written, Failure> {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let mut attempt = 1;
        loop {
            let completed = self
                .client
                .complete_multipart_upload()
                .bucket(&self.bucket.name)
                .set_expected_bucket_owner(self.owner())
                .key(key)
                .upload_id(upload)
                .multipart_upload(parts.clone())
                .checksum_type(ChecksumType::FullObject)
                .checksum_crc64_nvme(whole.to_base64())
                .set_if_none_match(condition.if_none_match())
                .set_if_match(condition.if_match())
                .send();
            match completed.await {
                Ok(completed) => {
                    let version = self.version(Call::WriteObject, key, completed.e_tag)?;
                    return Ok(Written::Done(version));
                }
                Err(error) if is_precondition(&error) => return Ok(Written::Occupied),
                Err(error) if error.code() == Some("NoSuchUpload") => return Ok(Written::Gone),
                Err(error)
                    if failed_within_success(Call::WriteObject, &error)
                        && attempt < WRITE_ATTEMPTS =>
                {
                    tokio::time::sleep(WRITE_WAIT * attempt).await;
                    attempt += 1;
                }
                Err(error) => return Err(self.failed(Call::WriteObject, key, &error)),
            }
        }
    }

    /// Gives an upload up. One that is gone is given up already.
    pub(super) async fn abort(&self, key: &str, upload: &str) -> Result<(), Failure> {
        let request = self.client.abort_multipart_upload();
        let request = request.set_expected_bucket_owner(self.owner());
        let request = request.bucket(&self.bucket.name).key(key).upload_id(upload);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|raw| raw.status().as_u16() == 404) =>
            {
                Ok(())
            }
            Err(error) => Err(self.failed(Call::AbortUpload, key, &error)),
        }
    }

    /// What is under a key, without reading it.
    pub(super) async fn head(&self, key: &str) -> Result<Option<Found>, Failure> {
        let request = self.client.head_object().bucket(&self.bucket.name).key(key);
        let request = request.set_expected_bucket_owner(self.owner());
        let request = request.checksum_mode(ChecksumMode::Enabled);
        match request.send().await {
            Ok(head) => {
                let bytes = u64::try_from(head.content_length.unwrap_or(0)).unwrap_or(0);
                let version = self.version(Call::ReadObject, key, head.e_tag)?;
                Ok(Some(Found {
                    bytes,
                    version,
                    checksum: head.checksum_crc64_nvme,
                }))
            }
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(self.failed(Call::ReadObject, key, &error)),
        }
    }

    /// The tags of what is under a key.
    pub(super) async fn tags(&self, key: &str) -> Result<Option<Vec<(String, String)>>, Failure> {
        let request = self.client.get_object_tagging();
        let request = request.bucket(&self.bucket.name).key(key);
        let request = request.set_expected_bucket_owner(self.owner());
        match request.send().await {
            Ok(told) => {
                let pairs = told.tag_set.into_iter();
                Ok(Some(pairs.map(|tag| (tag.key, tag.value)).collect()))
            }
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(self.failed(Call::ReadTags, key, &error)),
        }
    }

    /// A small object whole, with its version.
    pub(super) async fn read(
        &self,
        key: &str,
        most: usize,
    ) -> Result<Option<(Vec<u8>, String)>, Failure> {
        let mut attempt = 1;
        'again: loop {
            let Some(mut object) = self.get(key).await? else {
                return Ok(None);
            };
            let mut whole = Vec::new();
            while let Some(chunk) = object.body.next().await {
                match chunk {
                    Ok(chunk) if whole.len() + chunk.len() <= most => {
                        whole.extend_from_slice(&chunk)
                    }
                    Ok(_) => {
                        let cause = format!("is longer than {most} bytes");
                        return Err(Failure::new(
                            FailureKind::Unreadable,
                            self.subject(key),
                            cause,
                        ));
                    }
                    Err(_) if attempt < READ_ATTEMPTS => {
                        attempt += 1;
                        continue 'again;
                    }
                    Err(error) => {
                        return Err(Failure::new(
                            FailureKind::ConnectionLost,
                            self.subject(key),
                            error,
                        ));
                    }
                }
            }
            return Ok(Some((whole, object.e_tag.unwrap_or_default())));
        }
    }

    /// An object whose bytes come when they are asked for.
    pub(super) async fn get(&self, key: &str) -> Result<Option<GetObjectOutput>, Failure> {
        let request = self.client.get_object().bucket(&self.bucket.name).key(key);
        let request = request.set_expected_bucket_owner(self.owner());
        match request.send().await {
            Ok(object) => {
                self.version(Call::ReadObject, key, object.e_tag.clone())?;
                Ok(Some(object))
            }
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(self.failed(Call::ReadObject, key, &error)),
        }
    }
}
