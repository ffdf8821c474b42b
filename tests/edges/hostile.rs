//! Answers that are none of AWS's, byte by byte: each is a failure with its cause, none is a
//! success, and none is a panic.
//!
//! A region of its own: the SDK's budget of retries is one for all clients of a service and
//! region in a process, and these tests use it up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use callreel::aws::{ConnectContacts, KvsSource, ParkingQueue, S3Recordings, kvs, s3};
use callreel::failure::parked::Parked;
use callreel::failure::{Action, Failure, FailureKind};
use callreel::media::fragment::FragmentRange;
use callreel::port::{
    ContactAttributes, Expect, FragmentSource, NewFile, Objects, Recordings, Upload, Whereabouts,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// No other test's client is of this region.
const REGION: &str = "eu-north-1";
const ARN: &str = "arn:aws:kinesisvideo:eu-north-1:111122223333:stream/s/1";
/// How long a test waits before it says that a call hangs.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is sent in answer to any request.
#[derive(Clone)]
enum Answer {
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// A head, and then bytes without end.
    Endless(&'static str, &'static [u8]),
}

fn http(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n");
    Answer::Bytes(format!("{head}connection: close\r\n\r\n{body}").into_bytes())
}

/// Answers all requests alike; its URL, and the requests' heads.
async fn stand_in(answer: Answer) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (answer, heads) = (answer.clone(), Arc::clone(&heads));
            tokio::spawn(async move {
                let mut head = vec![0; 64 << 10];
                let count = stream.read(&mut head).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..count]).into_owned();
                heads.lock().unwrap().push(head);
                match answer {
                    Answer::Bytes(bytes) => {
                        let _ = stream.write_all(&bytes).await;
                        let _ = stream.shutdown().await;
                        // What is left of the request is taken, lest the answer is reset.
                        let mut rest = vec![0; 64 << 10];
                        while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
                    }
                    Answer::Endless(head, chunk) => {
                        let _ = stream.write_all(head.as_bytes()).await;
                        let chunk = chunk.repeat((64 << 10) / chunk.len());
                        while stream.write_all(&chunk).await.is_ok() {}
                    }
                }
            });
        }
    });
    (url, kept)
}

async fn shared(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
        .load()
        .await
}

/// One call of each service, with what came of it.
async fn call_all(shared: &SdkConfig, arn: &str) -> Vec<(&'static str, Failure)> {
    let limits = kvs::Limits { connections: 3 };
    let source = KvsSource::new(shared, limits);
    let numbers = ["1".parse().unwrap()];
    let whereabouts = Whereabouts {
        stream: arn,
        range: FragmentRange::default(),
        times: callreel::recording::plan::Times::default(),
    };
    let notes = ConnectContacts::new(shared, 100);
    let turn = notes.turn().await;
    let changes = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let store = S3Recordings::new(shared, s3::Bucket::to_read("bucket"));
    let queue = ParkingQueue::new(shared, "https://sqs.eu-north-1.amazonaws.com/1/retry");
    let failure = Failure::new(FailureKind::Refused, "s", "c");
    let parked = Parked::new(b"{}", None, &failure, None);
    let mut upload = store.begin(NewFile::wav("k.wav", "c")).await.unwrap();
    let short = vec![1; 100];
    upload.write(short.into()).await.unwrap();
    let mut long = store.begin(NewFile::wav("k.wav", "c")).await.unwrap();
    let (listed, fetched, read, written, found, put, finished, begun, sent) = tokio::join!(
        source.list(whereabouts),
        source.fetch(arn, &numbers),
        notes.read(Some("i"), "c"),
        notes.write(turn, Some("i"), "c", &changes),
        store.read("v"),
        store.put("v", b"{}".to_vec(), Expect::Nothing),
        upload.finish(vec![0; callreel::media::wav::HEADER_BYTES].into()),
        long.write(vec![1; 3 * s3::PART_BYTES].into()),
        queue.park(&parked),
    );
    fn failed<T: std::fmt::Debug>(result: Result<T, Failure>) -> Failure {
        result.unwrap_err()
    }
    vec![
        ("list", failed(listed)),
        ("fetch", failed(fetched)),
        ("read attributes", failed(read)),
        ("write attributes", failed(written)),
        ("find verdict", failed(found)),
        ("put verdict", failed(put)),
        ("finish", failed(finished)),
        ("begin parts", failed(begun)),
        ("park", failed(sent)),
    ]
}

/// Every call fails with one of these actions, and what it says holds this.
async fn check(answer: Answer, action: Action, says: &str) {
    let (url, _) = stand_in(answer).await;
    for (call, failure) in call_all(&shared(&url).await, ARN).await {
        assert_eq!(failure.action(), action, "{call}: {failure}");
        let text = failure.to_string();
        assert!(text.contains(says), "{call}: {text}");
        assert!(
            text.len() < 2_000 && !text.contains(['\n', '\u{1b}']),
            "{text}"
        );
    }
}

const PAGE: &str = "<html>\u{1b}[2J<body>Please log in</body></html>";
const HTML: &str = "content-type: text/html; charset=utf-8\r\n";

#[tokio::test]
async fn pages_of_somebody_in_between() {
    use Action::{Park, Retry};
    check(http("200 OK", HTML, PAGE), Retry, "").await;
    let shown = r#"HTTP 502"#;
    check(http("502 Bad Gateway", HTML, PAGE), Retry, shown).await;
    check(http("504 Gateway Timeout", "", ""), Retry, "HTTP 504").await;
    let begins = r#"the answer begins with "<html>\u{1b}[2J<body>Please log in"#;
    for status in [
        "400 Bad Request",
        "403 Forbidden",
        "404 Not Found",
        "407 Proxy",
    ] {
        check(http(status, HTML, PAGE), Park, begins).await;
    }
    let elsewhere = "location: http://127.0.0.1:1/\r\n";
    for status in [
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        check(
            http(status, elsewhere, PAGE),
            Park,
            "the answer begins with",
        )
        .await;
    }
}

#[tokio::test]
async fn answers_that_break_off_or_are_no_http() {
    for bytes in [
        &b""[..],
        b"\x00\xff\xfegarbage",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: -7\r\n\r\n{}",
        b"HTTP/1.1 999999 ?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    ] {
        check(Answer::Bytes(bytes.to_vec()), Action::Retry, "").await;
    }
    let header = format!("x-long: {}\r\n", "a".repeat(1 << 20));
    check(http("200 OK", &header, "{}"), Action::Retry, "").await;
    let headers = "x-many: a\r\n".repeat(5_000);
    check(http("200 OK", &headers, "{}"), Action::Retry, "").await;
}

/// JSON services alone: for S3 any bytes may be an object's, so its ETag tells.
#[tokio::test]
async fn json_of_other_shapes() {
    for body in [
        "",
        "{}",
        "null",
        "[1, 2]",
        "7",
        "\"text\"",
        "{\"DataEndpoint\": \"htt",
        r#"{"DataEndpoint": 7, "Fragments": {"a": 1}, "Attributes": [1], "MessageId": {}}"#,
        r#"{"DataEndpoint": null, "Attributes": null, "MessageId": null}"#,
        "\u{feff}{}",
    ] {
        let (url, _) = stand_in(http("200 OK", "", body)).await;
        for (call, failure) in call_all_but_writes(&shared(&url).await).await {
            assert_eq!(
                failure.action(),
                Action::Retry,
                "{body:?}: {call}: {failure}"
            );
        }
    }
}

/// An answer to UpdateContactAttributes has nothing in it: any JSON is one.
async fn call_all_but_writes(shared: &SdkConfig) -> Vec<(&'static str, Failure)> {
    let limits = kvs::Limits { connections: 3 };
    let source = KvsSource::new(shared, limits);
    let whereabouts = Whereabouts {
        stream: ARN,
        range: FragmentRange::default(),
        times: callreel::recording::plan::Times::default(),
    };
    let notes = ConnectContacts::new(shared, 100);
    let store = S3Recordings::new(shared, s3::Bucket::to_read("bucket"));
    let queue = ParkingQueue::new(shared, "https://sqs.eu-north-1.amazonaws.com/1/retry");
    let failure = Failure::new(FailureKind::Refused, "s", "c");
    let parked = Parked::new(b"{}", None, &failure, None);
    let mut long = store.begin(NewFile::wav("k.wav", "c")).await.unwrap();
    vec![
        ("list", source.list(whereabouts).await.unwrap_err()),
        ("read", notes.read(Some("i"), "c").await.unwrap_err()),
        ("find", store.read("v").await.unwrap_err()),
        (
            "put",
            store
                .put("v", b"{}".to_vec(), Expect::Nothing)
                .await
                .unwrap_err(),
        ),
        (
            "parts",
            long.write(vec![1; 3 * s3::PART_BYTES].into())
                .await
                .unwrap_err(),
        ),
        ("park", queue.park(&parked).await.unwrap_err()),
    ]
}

/// A body without end is given up at a length, not at the memory's end.
#[tokio::test]
async fn bodies_without_end() {
    for (head, chunk) in [
        ("HTTP/1.1 200 OK\r\n\r\n", &b"[[{\"a\": 1}, "[..]),
        ("HTTP/1.1 500 Oh\r\n\r\n", b"a"),
        ("HTTP/1.1 403 No\r\ncontent-type: text/html\r\n\r\n", b"<p>"),
    ] {
        let (url, _) = stand_in(Answer::Endless(head, chunk)).await;
        let shared = shared(&url).await;
        let ends = async {
            let notes = ConnectContacts::new(&shared, 100);
            let failure = notes.read(Some("i"), "c").await.unwrap_err();
            assert_eq!(failure.action(), Action::Retry, "{failure}");
            let store = S3Recordings::new(&shared, s3::Bucket::to_read("bucket"));
            store.read("v").await.unwrap_err();
        };
        tokio::time::timeout(PATIENCE, ends).await.expect(head);
    }
}

/// None of these reaches the SDK, which panics on the first one.
#[tokio::test]
async fn endpoints_that_are_no_urls() {
    for endpoint in [
        "",
        "no url at all",
        "https://",
        "https://a b/",
        "https://h:999999",
        "mailto:x",
        "/path",
        "http://user:pw@host/",
        "https://[::1",
        "\\u00e4\\u0000",
    ] {
        let body = format!("{{\"DataEndpoint\": \"{endpoint}\"}}");
        let (url, _) = stand_in(http("200 OK", "", &body)).await;
        let shared = shared(&url).await;
        let limits = kvs::Limits { connections: 3 };
        let source = KvsSource::new(&shared, limits);
        let numbers = ["1".parse().unwrap()];
        let failure = source.fetch(ARN, &numbers).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused, "{endpoint}: {failure}");
        assert!(failure.cause.contains("not believed"), "{failure}");
    }
}

/// A stream is asked about in its own region, and a refusal names both.
#[tokio::test]
async fn a_stream_of_another_region() {
    let denied = http(
        "403 Forbidden",
        "x-amzn-errortype: AccessDeniedException\r\n",
        r#"{"Message": "no"}"#,
    );
    let (url, heads) = stand_in(denied).await;
    let shared = shared(&url).await;
    let limits = kvs::Limits { connections: 3 };
    let source = KvsSource::new(&shared, limits);
    for (arn, region, told) in [
        (ARN, REGION, false),
        (
            "arn:aws:kinesisvideo:eu-west-1:111122223333:stream/s/1",
            "eu-west-1",
            true,
        ),
        ("a stream without an ARN", REGION, false),
    ] {
        heads.lock().unwrap().clear();
        let numbers = ["1".parse().unwrap()];
        let failure = source.fetch(arn, &numbers).await.unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Denied(_)), "{failure}");
        let both = format!("the stream is in eu-west-1, this recorder in {REGION}");
        assert_eq!(failure.cause.contains(&both), told, "{failure}");
        assert_eq!(source.kept_for(arn).await, None);
        let heads = heads.lock().unwrap();
        assert_eq!(heads.len(), 2);
        let signed = format!("/{region}/kinesisvideo/aws4_request");
        assert!(heads.iter().all(|head| head.contains(&signed)), "{heads:?}");
    }
}
