//! The AWS edge keeps the contract of the ports over AWS's wire, with the sandbox at the
//! other end.

use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::config::Credentials;
use callreel::aws::{ConnectContacts, KvsSource, S3Recordings, kvs, s3};
use callreel::sandbox::{Sandbox, Settings};
use callreel::synth::SynthCall;

use crate::common::contract::{check_listing, check_notes, check_source, check_store};

#[tokio::test]
async fn the_aws_edge_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let sandbox = Sandbox::start(Settings {
        streams: folder.path().join("streams"),
        data: data.clone(),
        ..Settings::default()
    });
    let sandbox = sandbox.await.unwrap();
    let keys = Credentials::new("sandbox", "sandbox", None, None, "test");
    let shared = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(sandbox.url())
        .credentials_provider(keys)
        .load()
        .await;
    let source = KvsSource::new(
        &shared,
        kvs::Limits {
            connections: 3,
            fragments_per_request: 50,
        },
    );
    for untagged_tail in [false, true] {
        let call = SynthCall {
            millis: 8_000,
            reuse: true,
            untagged_tail,
            ..SynthCall::default()
        };
        let name = format!("s{untagged_tail}");
        let stream = folder.path().join("streams").join(&name);
        crate::put_stream(&stream, &call);
        let arn = format!("arn:aws:kinesisvideo:us-east-1:111122223333:stream/{name}/1");
        check_source(&source, &arn, &call).await;
    }
    let bucket = s3::Bucket {
        name: "calls".into(),
        kms_key: None,
        tags: Vec::new(),
        owner: None,
    };
    let store = S3Recordings::new(&shared, bucket);
    let stored = data.join("buckets/calls");
    check_store(&store, |key| std::fs::read(stored.join(key)).ok()).await;
    store.aborts_ended().await;
    check_listing(&store).await;
    check_notes(&ConnectContacts::new(&shared, 10)).await;
}
