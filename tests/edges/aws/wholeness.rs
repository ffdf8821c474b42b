//! That what S3 holds is what was sent, and whose it is, without reading any of it back.

use callreel::failure::{Action, FailureKind};
use callreel::media::wav;
use callreel::port::{NewFile, Recordings, Upload};
use callreel::sandbox::Rule;

use super::{LONG, LONG_MIX, SHORT, World, always, status};

impl World {
    fn path(&self, key: &str) -> std::path::PathBuf {
        let path = self.folder.path().join("data/buckets").join(super::BUCKET);
        path.join(key)
    }

    /// How often a file was read, of whatever is in the bucket.
    fn files_read(&self) -> usize {
        let calls = self.sandbox.calls().calls.into_iter();
        let read = calls.filter(|call| {
            call.operation == "GetObject" && call.subject.contains(".wav") && call.status == 200
        });
        read.count()
    }
}

#[tokio::test]
async fn no_file_is_read_back() {
    for millis in [SHORT, LONG_MIX, LONG] {
        let world = World::new(millis).await;
        world.check(world.record().await);
        // The verdict got lost, and the files stand: they are known again.
        std::fs::remove_file(world.path(&world.plan.keys.verdict())).unwrap();
        world.check(world.record().await);
        assert_eq!(world.files_read(), 0);
        // What an upload began for nothing, it gave up.
        let begun = world.calls("CreateMultipartUpload");
        assert_eq!(world.calls("AbortMultipartUpload"), begun / 2, "{millis}");
    }
}

/// Bytes that S3 says are others than were sent: what came of it is told, and the next
/// delivery is whole.
#[tokio::test]
async fn a_file_that_arrived_otherwise_is_refused_and_made_again() {
    for (millis, on) in [
        (SHORT, "PutObject"),
        (LONG_MIX, "UploadPart"),
        (LONG_MIX, "CompleteMultipartUpload"),
    ] {
        let world = World::with(millis, vec![always(on, status(400, "BadDigest"))]).await;
        let failure = world.record().await.unwrap_err();
        let told = (failure.kind, failure.action());
        assert_eq!(told, (FailureKind::WriteFailed, Action::Retry), "{failure}");
        let begun = world.calls("CreateMultipartUpload");
        assert_eq!(world.calls("AbortMultipartUpload"), begun, "{on}");
        world.faults(vec![]);
        world.check(world.record().await);
    }
}

/// (what is under the key before: how many bytes of it are others' and how many more)
#[tokio::test]
async fn what_is_somebody_elses_is_written_over() {
    for millis in [SHORT, LONG_MIX] {
        for (other, more) in [(1, 0), (0, 1), (1, 1)] {
            let world = World::new(millis).await;
            let first = world.check(world.record().await);
            for file in &first.verdict.files {
                let path = world.path(&file.key);
                let mut bytes = std::fs::read(&path).unwrap();
                bytes.extend(vec![0; more]);
                let last = bytes.len() - 1;
                bytes[last] ^= u8::try_from(other).unwrap();
                std::fs::write(&path, bytes).unwrap();
            }
            std::fs::remove_file(world.path(&world.plan.keys.verdict())).unwrap();
            let again = world.check(world.record().await);
            assert!(!again.found);
            assert_eq!(again.verdict.files, first.verdict.files);
            assert_eq!(world.files_read(), 0);
        }
    }
}

/// A file is known again by its bytes, in one piece and in parts, and whoever wrote it.
#[tokio::test]
async fn a_file_is_there_as_long_as_its_bytes_are() {
    let world = World::new(SHORT).await;
    let (one, other) = (world.store(), world.store());
    for bytes in [10, callreel::aws::s3::PART_BYTES * 2] {
        let key = format!("k{bytes}.wav");
        let write = async |store: &callreel::aws::S3Recordings, with: u8| {
            let mut upload = store.begin(NewFile::wav(&key, "c")).await.unwrap();
            upload.write(vec![with; bytes].into()).await.unwrap();
            let header = wav::header(1, bytes as u64 / 2).unwrap();
            upload.finish(header.to_vec().into()).await.unwrap()
        };
        let ours = write(&one, 1).await;
        assert_eq!(one.is_there(&key, &ours).await, Ok(true));
        // The same bytes by another delivery, then other ones of the same length, then ours.
        for (with, is_ours) in [(1, true), (2, false), (1, true)] {
            let theirs = write(&other, with).await;
            assert_eq!(one.is_there(&key, &ours).await, Ok(is_ours), "{with}");
            assert_eq!(other.is_there(&key, &theirs).await, Ok(true));
        }
        std::fs::remove_file(world.path(&key)).unwrap();
        assert_eq!(one.is_there(&key, &ours).await, Ok(false));
    }
    assert_eq!(world.files_read(), 0);
}

/// The end of an upload is told and its answer lost, for good: the file stands all the same.
#[tokio::test]
async fn an_end_whose_answer_is_lost_is_found() {
    let lost = Rule::once(
        "CompleteMultipartUpload",
        callreel::sandbox::Effect::CutAfterBytes(0),
    );
    let world = World::with(LONG_MIX, vec![lost]).await;
    world.check(world.record().await);
    assert_eq!(world.calls("CreateMultipartUpload"), 1);
    assert_eq!(world.files_read(), 0);
}

/// The sandbox checks what it is told, as S3 does: else nothing above would prove anything.
#[tokio::test]
async fn the_sandbox_refuses_what_is_not_what_was_promised() {
    let world = World::new(SHORT).await;
    let config = aws_sdk_s3::config::Builder::from(&world.shared).force_path_style(true);
    let client = aws_sdk_s3::Client::from_conf(config.build());
    // CRC-64/NVME of "123456789", and of nothing.
    let (right, wrong) = ("rosUhgp5mIg=", "AAAAAAAAAAA=");
    let put = |checksum: &str| {
        let put = client.put_object().bucket(super::BUCKET).key("one");
        let put = put.checksum_crc64_nvme(checksum);
        put.body(b"123456789".to_vec().into()).send()
    };
    put(wrong).await.unwrap_err();
    put(right).await.unwrap();

    let key = "several";
    let created = client.create_multipart_upload();
    let created = created.bucket(super::BUCKET).key(key).send();
    let upload = created.await.unwrap().upload_id.unwrap();
    let part = |checksum: &str| {
        let part = client.upload_part().bucket(super::BUCKET).key(key);
        let part = part.upload_id(&upload).part_number(1);
        let part = part.checksum_crc64_nvme(checksum);
        part.body(b"123456789".to_vec().into()).send()
    };
    part(wrong).await.unwrap_err();
    let sent = part(right).await.unwrap();
    let complete = |checksum: &str| {
        let part = aws_sdk_s3::types::CompletedPart::builder()
            .part_number(1)
            .set_e_tag(sent.e_tag.clone());
        let parts = aws_sdk_s3::types::CompletedMultipartUpload::builder()
            .parts(part.build())
            .build();
        let complete = client.complete_multipart_upload();
        let complete = complete.bucket(super::BUCKET).key(key);
        let complete = complete.upload_id(&upload).multipart_upload(parts);
        complete.checksum_crc64_nvme(checksum).send()
    };
    complete(wrong).await.unwrap_err();
    assert_eq!(world.object(key), None);
    complete(right).await.unwrap();
    let told = complete(right).await.unwrap_err();
    assert_eq!(told.raw_response().unwrap().status().as_u16(), 404);

    for key in ["one", key] {
        let head = client.head_object().bucket(super::BUCKET).key(key);
        let head = head.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled);
        let head = head.send().await.unwrap();
        assert_eq!(head.checksum_crc64_nvme(), Some(right));
    }
}
