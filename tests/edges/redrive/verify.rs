//! `callreel verify --aws`: files, verdicts and seals of a bucket; and TLS to the sandbox.

use callreel::sandbox::{CERTIFICATE, Effect, Rule, Sandbox, Settings};
use serde_json::json;

use super::{BUCKET, Ran, World, call};

const DAY: &str = "recordings/2025/10/09";

/// Verifies, with these flags besides.
fn verify(world: &World, flags: &[&str]) -> Ran {
    world.run(&[&["verify", "--aws", "--json"], flags].concat())
}

/// Overwrites an object, as anybody may who has the right: S3 itself refuses to hand out what
/// was changed beneath it.
async fn put(world: &World, key: &str, bytes: &[u8]) {
    let client = world.s3().await;
    let put = client.put_object().bucket(BUCKET).key(key);
    put.body(bytes.to_vec().into()).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_verified_and_sealed() {
    let (one, two) = (call("one-1"), call("two-2"));
    let world = World::keeping(&[("one", &one, 30), ("two", &two, 30)], true).await;
    world.record("one", &one);
    world.record("two", &two);
    // A body that breaks off is read again.
    world.faults(vec![Rule {
        containing: Some("_to.wav".into()),
        ..Rule::once("GetObject", Effect::CutAfterBytes(40_000))
    }]);
    let before = world.calls("GetObject");
    let ran = verify(&world, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert_eq!(ran.json["folder"], format!("s3://{BUCKET}"));
    assert_eq!(ran.json["recordings"].as_array().unwrap().len(), 2);
    // Two verdicts, their files, and one of these once more.
    assert_eq!(world.calls("GetObject") - before, 2 + 2 * 4 + 1);

    let sealed = verify(&world, &["--seal", "2025-10-09"]);
    assert_eq!(sealed.code, Some(0), "{}", sealed.errors);
    assert_eq!(sealed.json["sealed"]["outcome"], "sealed");
    let again = verify(&world, &["--seal", "2025-10-09"]);
    assert_eq!(again.json["sealed"]["outcome"], "already");
    let of_one = verify(&world, &["--contact", "one-1", "--day", "2025-10-09"]);
    assert_eq!(of_one.json["recordings"].as_array().unwrap().len(), 1);
    assert_eq!(of_one.json["seals"], json!([]));

    // A byte of a file is another one, a file is cut, a verdict is gone.
    let tree = world.tree();
    let path = |ending: &str| {
        let is_it = |name: &&String| name.starts_with("buckets/") && name.ends_with(ending);
        world.data(tree.keys().find(is_it).unwrap())
    };
    let mut wav = std::fs::read(path("_from.wav")).unwrap();
    wav[1_000] ^= 1;
    for ending in ["_from.wav", "_mixed.wav"] {
        let path = path(ending);
        let key = path
            .strip_prefix(world.data("buckets").join(BUCKET))
            .unwrap();
        put(&world, key.to_str().unwrap(), &wav).await;
    }
    let ran = verify(&world, &["--day", "2025-10-09"]);
    assert_eq!(ran.code, Some(1));
    let found: Vec<_> = ran.json["recordings"][0]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["found"])
        .collect();
    assert_eq!(found, ["changed", "whole", "cut", "whole"]);
    assert_eq!(ran.json["seals"][0]["holds"], true);
    std::fs::remove_file(path("_verdict.json")).unwrap();
    let ran = verify(&world, &[]);
    assert_eq!(ran.json["seals"][0]["removed"].as_array().unwrap().len(), 1);
    assert_eq!(ran.json["unnamed_files"].as_array().unwrap().len(), 3);
    assert!(
        ran.errors
            .contains(&format!("s3://{BUCKET}/{DAY}/_seal.json: one-1_")),
        "{}",
        ran.errors
    );
    // What another one sealed stays, until it is said that it may go.
    let other = verify(&world, &["--seal", "2025-10-09"]);
    assert_eq!(
        (other.code, &other.json["sealed"]["outcome"]),
        (Some(1), &json!("otherwise"))
    );
    let replaced = verify(&world, &["--seal", "2025-10-09", "--replace-seal"]);
    assert_eq!(replaced.json["sealed"]["outcome"], "sealed");
    assert_eq!(replaced.json["seals"][0]["holds"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_recorded_over_tls_by_those_who_trust_the_sandbox() {
    let one = call("one-1");
    let plain = World::new(&[("one", &one, 30)]).await;
    let sandbox = Sandbox::start(Settings {
        streams: plain.folder.path().join("streams"),
        data: plain.data(""),
        tls: true,
        ..Settings::default()
    });
    let world = World {
        sandbox: sandbox.await.unwrap(),
        ..plain
    };
    assert!(world.sandbox.url().starts_with("https://127.0.0.1:"));
    let event = world.folder.path().join("event.json");
    std::fs::write(&event, one.event_json("one").to_string()).unwrap();
    let record = ["record", "--aws", event.to_str().unwrap()];
    let distrustful = world.callreel(&record);
    assert_eq!(distrustful.status.code(), Some(1));
    assert_eq!(world.calls("PutObject"), 0);
    let certificate = world.data(CERTIFICATE);
    let trusted = [["SSL_CERT_FILE", certificate.to_str().unwrap()]];
    let done = world.callreel_with(&trusted, &record);
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{errors}");
    world.check_recorded(&one);
}
