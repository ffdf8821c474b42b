//! The operations, each one's way: by `s3s-fs` alone, or with what is kept here.

use std::fs;
use std::future::Future;
use std::pin::Pin;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::{Begun, Versions, failed, internal, page, plain};

type Answered<'a, T> = Pin<Box<dyn Future<Output = S3Result<S3Response<T>>> + Send + 'a>>;

/// Operations that `s3s-fs` answers alone.
macro_rules! as_the_files_do {
    ($($operation:ident: $input:ty => $output:ty;)*) => {
        $(fn $operation<'a, 'b>(&'a self, request: S3Request<$input>) -> Answered<'b, $output>
        where
            'a: 'b,
            Self: 'b,
        {
            self.files.$operation(request)
        })*
    };
}

/// Operations that are answered here, each by an expression that may wait.
macro_rules! as_told_here {
    ($($operation:ident($itself:ident, $request:ident: $input:ty) => $output:ty $answer:block)*) => {
        $(fn $operation<'a, 'b>(&'a self, $request: S3Request<$input>) -> Answered<'b, $output>
        where
            'a: 'b,
            Self: 'b,
        {
            let $itself = self;
            Box::pin(async move $answer)
        })*
    };
}

impl S3 for Versions {
    as_the_files_do! {
        create_bucket: CreateBucketInput => CreateBucketOutput;
        delete_bucket: DeleteBucketInput => DeleteBucketOutput;
        head_bucket: HeadBucketInput => HeadBucketOutput;
        get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput;
        list_buckets: ListBucketsInput => ListBucketsOutput;
        list_objects: ListObjectsInput => ListObjectsOutput;
        list_objects_v2: ListObjectsV2Input => ListObjectsV2Output;
        upload_part: UploadPartInput => UploadPartOutput;
        upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput;
        list_parts: ListPartsInput => ListPartsOutput;
    }

    as_told_here! {
        get_object(it, request: GetObjectInput) => GetObjectOutput {
            let asked = &request.input;
            it.readable(&asked.bucket, &asked.key, asked.version_id.as_deref())?;
            it.files.get_object(request).await
        }

        head_object(it, request: HeadObjectInput) => HeadObjectOutput {
            let asked = &request.input;
            it.readable(&asked.bucket, &asked.key, asked.version_id.as_deref())?;
            it.files.head_object(request).await
        }

        put_object(it, request: PutObjectInput) => PutObjectOutput {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            let put = it.files.put_object(request);
            let (mut answer, version) = it.write(&bucket, &key, put).await?;
            answer.output.version_id = version;
            Ok(answer)
        }

        copy_object(it, request: CopyObjectInput) => CopyObjectOutput {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            let copy = it.files.copy_object(request);
            let (mut answer, version) = it.write(&bucket, &key, copy).await?;
            answer.output.version_id = version;
            Ok(answer)
        }

        create_multipart_upload(it, request: CreateMultipartUploadInput) => CreateMultipartUploadOutput {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            let answer = it.files.create_multipart_upload(request).await?;
            let upload = answer.output.upload_id.as_deref().unwrap_or_default();
            let note = serde_json::to_vec(&Begun { bucket, key }).unwrap_or_default();
            fs::write(it.uploads.join(format!("{upload}.json")), note).map_err(failed)?;
            Ok(answer)
        }

        complete_multipart_upload(it, request: CompleteMultipartUploadInput) => CompleteMultipartUploadOutput {
            let asked = &request.input;
            let (bucket, key, upload) = (asked.bucket.clone(), asked.key.clone(), asked.upload_id.clone());
            let complete = it.files.complete_multipart_upload(request);
            let (mut answer, version) = it.write(&bucket, &key, complete).await?;
            answer.output.version_id = version;
            it.ended(&upload);
            Ok(answer)
        }

        abort_multipart_upload(it, request: AbortMultipartUploadInput) => AbortMultipartUploadOutput {
            let upload = request.input.upload_id.clone();
            let answer = it.files.abort_multipart_upload(request).await?;
            it.ended(&upload);
            Ok(answer)
        }

        delete_object(it, request: DeleteObjectInput) => DeleteObjectOutput {
            it.delete(request).await
        }

        delete_objects(it, request: DeleteObjectsInput) => DeleteObjectsOutput {
            let mut deleted = Vec::new();
            for object in request.input.delete.objects {
                let input = DeleteObjectInput {
                    version_id: object.version_id.clone(),
                    ..plain(&request.input.bucket, &object.key)
                };
                it.delete(internal(input)).await?;
                deleted.push(DeletedObject {
                    key: Some(object.key),
                    version_id: object.version_id,
                    ..DeletedObject::default()
                });
            }
            let deleted = Some(deleted);
            Ok(S3Response::new(DeleteObjectsOutput { deleted, ..DeleteObjectsOutput::default() }))
        }

        list_object_versions(it, request: ListObjectVersionsInput) => ListObjectVersionsOutput {
            let _turn = it.turn.lock().await;
            Ok(S3Response::new(it.list(request.input)?))
        }

        list_multipart_uploads(it, request: ListMultipartUploadsInput) => ListMultipartUploadsOutput {
            let input = request.input;
            let prefix = input.prefix.as_deref().unwrap_or_default();
            let begun = it.begun(&input.bucket, prefix).map_err(failed)?;
            let (key, id) = (&input.key_marker, &input.upload_id_marker);
            let page = page(&begun, Clone::clone, key.as_deref(), id.as_deref(), input.max_uploads);
            let uploads = page.entries.iter().map(|(key, id)| MultipartUpload {
                key: Some(key.clone()),
                upload_id: Some(id.clone()),
                ..MultipartUpload::default()
            });
            let mut output = ListMultipartUploadsOutput {
                is_truncated: Some(page.next.is_some()),
                uploads: Some(uploads.collect()),
                bucket: Some(input.bucket.clone()),
                max_uploads: input.max_uploads,
                ..ListMultipartUploadsOutput::default()
            };
            if let Some((key, id)) = page.next {
                output.next_key_marker = Some(key);
                output.next_upload_id_marker = Some(id);
            }
            Ok(S3Response::new(output))
        }
    }
}
