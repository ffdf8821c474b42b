//! `callreel archive --bucket`: the pages over S3, with the reader's own credentials.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use super::*;

/// Pages that are served until they are dropped.
struct Served(Child, String);

impl Served {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callreel"));
        command
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", "sandbox")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .args(["archive", "--port", "0", "--json", "--region", "us-east-1"])
            .args(["--endpoint-url", world.sandbox.url()])
            .args(arguments)
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut told = String::new();
        let out = child.stdout.as_mut().unwrap();
        tokio::task::block_in_place(|| BufReader::new(out).read_line(&mut told).unwrap());
        let told: Value = serde_json::from_str(&told).unwrap();
        let page = told["page"].as_str().unwrap();
        let address = page.trim_start_matches("http://").trim_end_matches('/');
        Self(child, address.to_owned())
    }

    /// The answer's head and body.
    fn ask(&self, request: &str, headers: &str) -> (String, Vec<u8>) {
        let Self(_, address) = self;
        let mut line = TcpStream::connect(address).unwrap();
        let request =
            format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
        line.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        tokio::task::block_in_place(|| line.read_to_end(&mut answer).unwrap());
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        (head, answer[end + 4..].to_vec())
    }

    fn json(&self, request: &str) -> Value {
        let (head, body) = self.ask(request, "");
        serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {head}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buckets_recordings_are_found_played_and_checked() {
    let one = call("one-1");
    let world = World::new(&[("one", &one, 30)]).await;
    world.record("one", &one);
    let served = Served::start(&world, &["--bucket", BUCKET]);
    let found = served.json("GET /api/recordings?contact=one");
    let key = found["rows"][0]["key"].as_str().unwrap();
    assert_eq!(found["rows"][0]["row"]["status"], "complete", "{found}");
    let whole = served.json(&format!("GET /api/recording?key={key}"));
    let mixed = &whole["files"][2];
    assert_eq!(
        (&mixed["state"], &mixed["bytes"]),
        (&json!("there"), &mixed["said"])
    );
    assert_eq!(whole["peaks"]["state"], "there");
    let sound = format!("GET /api/audio?key={key}&file=mixed");
    let (head, part) = served.ask(&sound, "Range: bytes=0-43\r\n");
    assert!(head.starts_with("HTTP/1.1 206 "), "{head}");
    assert_eq!((part.len(), &part[..4]), (44, &b"RIFF"[..]));
    let (head, all) = served.ask(&sound, "");
    assert_eq!(json!(all.len()), mixed["bytes"], "{head}");
    let checked = served.json(&format!("POST /api/check?key={key}&file=mixed"));
    assert_eq!(checked["found"], "whole");
    // Its index lies in the bucket now, and the next one reads no verdict for it.
    let index = world
        .tree()
        .into_keys()
        .find(|name| name.ends_with("recordings.ndjson"));
    assert!(index.is_some_and(|name| name.contains("index/day=2025-10-09/")));
}

/// Recordings that were made before waveforms were written get theirs where they lie.
#[tokio::test(flavor = "multi_thread")]
async fn a_buckets_older_recordings_get_their_waveforms() {
    let one = call("one-1");
    let world = World::new(&[("one", &one, 30)]).await;
    world.record("one", &one);
    let peaks = || {
        let tree = world.tree().into_iter();
        let mut peaks = tree.filter(|(name, _)| name.ends_with("_peaks.dat"));
        peaks.next()
    };
    let (path, written) = peaks().unwrap();
    let (_, key) = path.split_once(&format!("{BUCKET}/")).unwrap();
    let delete = world.s3().await.delete_object().bucket(BUCKET).key(key);
    delete.send().await.unwrap();
    assert_eq!(peaks(), None);
    let ran = world.run(&["peaks", "--aws", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let made = json!([{"file": format!("s3://{BUCKET}/{key}"), "bytes": written.len()}]);
    assert_eq!(ran.json["made"], made);
    assert_eq!(peaks(), Some((path.clone(), written)));
    assert_eq!(
        world.run(&["peaks", "--aws", "--json"]).json["made"],
        json!([])
    );
    // What cannot be read is told, and the command fails.
    let delete = world.s3().await.delete_object().bucket(BUCKET).key(key);
    delete.send().await.unwrap();
    let error = "InvalidObjectState".to_owned();
    world.faults(vec![Rule {
        containing: Some("_mixed.wav".into()),
        ..Rule::always("GetObject", Effect::Status { code: 403, error })
    }]);
    let ran = world.run(&["peaks", "--aws", "--json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.json);
    assert!(ran.errors.contains("restore the object"), "{}", ran.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_read_is_told_on_the_page() {
    let world = World::new(&[]).await;
    let error = "AccessDenied".to_owned();
    let denied = Effect::Status { code: 403, error };
    world.faults(vec![Rule::always("ListObjectsV2", denied)]);
    let served = Served::start(&world, &["--bucket", BUCKET]);
    let (head, body) = served.ask("GET /api/recordings", "");
    let told = String::from_utf8(body).unwrap();
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert!(told.contains("s3:ListBucket"), "{told}");
}

/// A day of long ago fills: each recording is found, whatever index was made of it before, by the
/// pages that made it and by those of another process.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_a_buckets_day_is_found_whatever_its_index_says() {
    let (one, two) = (call("one-1"), call("two-1"));
    let world = World::new(&[("one", &one, 30), ("two", &two, 30)]).await;
    let found = |served: &Served| {
        let found = served.json("GET /api/recordings?from=2025-10-09&to=2025-10-10");
        assert_eq!(found["problems"], json!([]), "{found}");
        found["rows"].as_array().unwrap().len()
    };
    world.record("one", &one);
    let first = Served::start(&world, &["--bucket", BUCKET]);
    assert_eq!(found(&first), 1);
    let is_index = |name: &String| name.contains("index/day=2025-10-09/");
    assert!(world.tree().keys().any(is_index));
    world.record("two", &two);
    let second = Served::start(&world, &["--bucket", BUCKET]);
    assert_eq!(found(&second), 2);
    // Pages that looked a moment ago look again.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(found(&first), 2);
}

/// A day's index is believed where the day has long been quiet; what a redrive makes on it is found
/// all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_redrive_makes_is_in_the_index_of_its_day() {
    let (one, two) = (call("one-1"), call("two-1"));
    let world = World::new(&[("one", &one, 30), ("two", &two, 30)]).await;
    let redrive = |name: &str, call: &SynthCall| {
        let batch = failed_batch(&[call.event_json(name)]);
        world.put(&format!("buckets/failures/{name}/batch"), &batch);
        let ran = world.redrive(&["--failure-bucket", &format!("s3://failures/{name}/")]);
        assert_eq!((ran.code, &*ran.errors), (Some(0), ""));
    };
    let named = |what: &str| {
        let mut names = world.tree().into_keys();
        names.find(|name| name.contains("buckets/recordings/") && name.contains(what))
    };
    // A day without an index gets none.
    redrive("one", &one);
    assert_eq!(named("recordings.ndjson"), None);
    // It has lain there for ten days.
    let path = world.data(&named("_verdict.json").unwrap());
    let file = std::fs::File::options().append(true).open(path).unwrap();
    let days = std::time::Duration::from_secs(10 * 24 * 3_600);
    file.set_modified(SystemTime::now() - days).unwrap();
    assert_eq!(world.run(&["index", "--aws", "--json"]).code, Some(0));
    let found = || {
        let served = Served::start(&world, &["--bucket", BUCKET]);
        let lists = world.calls("ListObjectsV2");
        let found = served.json("GET /api/recordings?from=2025-10-09&to=2025-10-10");
        let lists = world.calls("ListObjectsV2") - lists;
        (found["rows"].as_array().unwrap().len(), lists)
    };
    let (count, believed) = found();
    assert_eq!(count, 1);
    redrive("two", &two);
    let (count, listed) = found();
    assert_eq!(count, 2);
    // Before, the verdicts were not listed; now the day is not quiet any more.
    assert_eq!(listed, believed + 1);
}
