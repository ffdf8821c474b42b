//! S3's versions and begun uploads, as S3's own documents have them (Amazon S3 User Guide,
//! "How S3 Versioning works", "Deleting object versions").

use std::collections::BTreeSet;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use callreel::sandbox::{Sandbox, Settings};

const BUCKET: &str = "kept";

struct Bucket {
    _folder: tempfile::TempDir,
    _sandbox: Sandbox,
    client: Client,
}

impl Bucket {
    async fn new(versioned: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(Settings {
            data: folder.path().join("data"),
            versioned,
            ..Settings::default()
        });
        let sandbox = sandbox.await.unwrap();
        let config = super::config(sandbox.url(), "sandbox").await;
        let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true);
        let client = Client::from_conf(config.build());
        Self {
            client,
            _folder: folder,
            _sandbox: sandbox,
        }
    }

    async fn put(&self, key: &str, content: &str) -> Option<String> {
        let put = self.client.put_object().bucket(BUCKET).key(key);
        let put = put.body(content.as_bytes().to_vec().into()).send().await;
        put.unwrap().version_id
    }

    async fn delete(&self, key: &str, version: Option<&str>) -> Result<(), ()> {
        let delete = self.client.delete_object().bucket(BUCKET).key(key);
        let delete = delete.set_version_id(version.map(str::to_owned));
        delete.send().await.map(drop).map_err(drop)
    }

    /// The object as it is, read by its own ETag.
    async fn get(&self, key: &str) -> Option<String> {
        let head = self.client.head_object().bucket(BUCKET).key(key);
        let head = head.send().await.ok()?;
        let get = self.client.get_object().bucket(BUCKET).key(key);
        let got = get.set_if_match(head.e_tag).send().await.unwrap();
        let content = got.body.collect().await.unwrap().to_vec();
        Some(String::from_utf8(content).unwrap())
    }

    /// Versions of a listing in pages of this size: `key kind`, and the ids.
    async fn list(&self, page: i32) -> (Vec<String>, Vec<String>) {
        let (mut told, mut ids) = (Vec::new(), Vec::new());
        let (mut key, mut id) = (None, None);
        loop {
            let request = self.client.list_object_versions().bucket(BUCKET);
            let request = request.set_key_marker(key).set_version_id_marker(id);
            let answer = request.max_keys(page).send().await.unwrap();
            assert!(answer.versions().len() + answer.delete_markers().len() <= page as usize);
            for version in answer.versions() {
                told.push(format!("{} version", version.key().unwrap()));
                ids.push(version.version_id().unwrap().to_owned());
            }
            for marker in answer.delete_markers() {
                told.push(format!("{} marker", marker.key().unwrap()));
                ids.push(marker.version_id().unwrap().to_owned());
            }
            (key, id) = (answer.next_key_marker, answer.next_version_id_marker);
            if answer.is_truncated != Some(true) {
                told.sort();
                return (told, ids);
            }
        }
    }

    async fn begin(&self, key: &str) -> String {
        let begin = self.client.create_multipart_upload();
        let begun = begin.bucket(BUCKET).key(key).send().await.unwrap();
        begun.upload_id.unwrap()
    }

    async fn begun(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let (mut key, mut id) = (None, None);
        loop {
            let request = self.client.list_multipart_uploads().bucket(BUCKET);
            let request = request.set_key_marker(key).set_upload_id_marker(id);
            let answer = request.max_uploads(1).send().await.unwrap();
            let uploads = answer.uploads().iter();
            keys.extend(uploads.map(|upload| upload.key().unwrap().to_owned()));
            (key, id) = (answer.next_key_marker, answer.next_upload_id_marker);
            if answer.is_truncated != Some(true) {
                return keys;
            }
        }
    }
}

#[tokio::test]
async fn versions_are_kept_until_each_is_deleted_by_its_id() {
    let bucket = Bucket::new(true).await;
    let first = bucket.put("a/b", "one").await.unwrap();
    let second = bucket.put("a/b", "two").await.unwrap();
    bucket.put("a/c", "other").await;
    assert_ne!(first, second);
    // A write that is refused makes no version.
    let refused = bucket.client.put_object().bucket(BUCKET).key("a/b");
    assert!(refused.if_none_match("*").send().await.is_err());
    bucket.delete("a/b", None).await.unwrap();
    assert_eq!(bucket.get("a/b").await, None);
    let all = ["a/b marker", "a/b version", "a/b version", "a/c version"];
    for page in [1, 2, 3, 1_000] {
        let (told, ids) = bucket.list(page).await;
        assert_eq!(told, all, "pages of {page}");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4);
    }
    // A deleted object may be made anew; without that, and its marker, the one before is back.
    let again = bucket.client.put_object().bucket(BUCKET).key("a/b");
    let again = again.if_none_match("*").body(b"three".to_vec().into());
    let third = again.send().await.unwrap().version_id.unwrap();
    assert_eq!(bucket.get("a/b").await.as_deref(), Some("three"));
    bucket.delete("a/b", Some(&third)).await.unwrap();
    assert_eq!(bucket.get("a/b").await, None);
    let markers = bucket.client.list_object_versions().bucket(BUCKET);
    let markers = markers.send().await.unwrap().delete_markers.unwrap();
    let marker = markers[0].version_id().unwrap();
    bucket.delete("a/b", Some(marker)).await.unwrap();
    assert_eq!(bucket.get("a/b").await.as_deref(), Some("two"));
    bucket.delete("a/b", Some(&second)).await.unwrap();
    assert_eq!(bucket.get("a/b").await.as_deref(), Some("one"));
    // What is gone already is no failure.
    bucket.delete("a/b", Some(&second)).await.unwrap();
    bucket.delete("a/b", Some(&first)).await.unwrap();
    assert_eq!(bucket.list(1_000).await.0, ["a/c version"]);
    assert_eq!(bucket.get("a/c").await.as_deref(), Some("other"));
    // Several at once leave a marker each.
    let object = ObjectIdentifier::builder().key("a/c").build().unwrap();
    let delete = Delete::builder().objects(object).build().unwrap();
    let several = bucket.client.delete_objects().bucket(BUCKET);
    several.delete(delete).send().await.unwrap();
    assert_eq!(bucket.list(1).await.0, ["a/c marker", "a/c version"]);
}

#[tokio::test]
async fn without_versioning_there_is_one_called_null() {
    let bucket = Bucket::new(false).await;
    assert_eq!(bucket.put("a", "one").await, None);
    bucket.put("a", "two").await;
    bucket.put("b", "other").await;
    let (told, ids) = bucket.list(1).await;
    assert_eq!(told, ["a version", "b version"]);
    assert_eq!(ids, ["null", "null"]);
    assert_eq!(bucket.delete("a", Some("17")).await, Err(()));
    bucket.delete("a", Some("null")).await.unwrap();
    bucket.delete("b", None).await.unwrap();
    assert_eq!(bucket.list(1_000).await.0, [""; 0]);
}

#[tokio::test]
async fn uploads_are_listed_until_they_end() {
    for versioned in [true, false] {
        let bucket = Bucket::new(versioned).await;
        let aborted = bucket.begin("a").await;
        let completed = bucket.begin("b").await;
        bucket.begin("c").await;
        bucket.begin("c").await;
        assert_eq!(bucket.begun().await, ["a", "b", "c", "c"]);
        let abort = bucket.client.abort_multipart_upload();
        let abort = abort.bucket(BUCKET).key("a").upload_id(aborted);
        abort.send().await.unwrap();
        let part = bucket.client.upload_part().bucket(BUCKET).key("b");
        let part = part.upload_id(&completed).part_number(1);
        let part = part.body(b"whole".to_vec().into()).send().await.unwrap();
        let part = aws_sdk_s3::types::CompletedPart::builder()
            .part_number(1)
            .set_e_tag(part.e_tag);
        let parts = aws_sdk_s3::types::CompletedMultipartUpload::builder().parts(part.build());
        let complete = bucket.client.complete_multipart_upload();
        let complete = complete.bucket(BUCKET).key("b").upload_id(completed);
        let done = complete.multipart_upload(parts.build()).send().await;
        assert_eq!(done.unwrap().version_id.is_some(), versioned);
        assert_eq!(bucket.begun().await, ["c", "c"]);
        assert_eq!(bucket.get("b").await.as_deref(), Some("whole"));
        assert_eq!(bucket.list(1_000).await.0, ["b version"]);
    }
}
