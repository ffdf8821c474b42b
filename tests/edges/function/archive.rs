//! The built function `archive`, as an HTTP API calls it: login at the provider that the sandbox
//! plays, search, a recording, a link to its sound, and who listened.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use callreel::listened;
use callreel::local::LocalRecordings;
use callreel::object_key::hex;
use callreel::port::{Expect, NewFile, Objects, Recordings, Upload};
use callreel::sandbox::{CLIENT, Effect, Faults, Forgery, Rule, SECRET};
use callreel::sha256;
use std::io::Read;

use super::*;

const PAGES: &str = "127.0.0.1:8751";
const SECRETS: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:archive";
const RULES: &str =
    r#"{"auditors": "all", "support-leads": {"queues": ["Support"]}, "agents": "own"}"#;

/// The sandbox with a recording of the queue BasicQueue, the function, and a browser's cookies.
struct Pages {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    function: Execution,
    jar: BTreeMap<String, String>,
    settings: Vec<(String, String)>,
    call: SynthCall,
}

struct Answer {
    status: u64,
    headers: Value,
    cookies: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers[name].as_str().unwrap_or_default()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()))
    }
}

impl Pages {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let call = call("11111111-aaaa");
        put_stream(folder.path().join("streams/one"), &call);
        let sandbox = Sandbox::start(Settings {
            streams: folder.path().join("streams"),
            data: folder.path().join("data"),
            bucket_owner: Some("111122223333".to_owned()),
            oidc: true,
            ..Settings::default()
        });
        let sandbox = sandbox.await.unwrap();
        let mut recorder =
            Execution::start(sandbox.url(), &[], &folder.path().join("recorder.log")).await;
        assert_eq!(recorder.invoke(call.event_json("one")).await, none());
        let secret = json!({"client_secret": SECRET, "cookies": "a secret for cookies that nobody can guess"});
        let short = json!({"cookies": "short"}).to_string();
        let secrets = json!({SECRETS: secret.to_string(), "short": short}).to_string();
        std::fs::write(folder.path().join("data/secrets.json"), secrets).unwrap();
        let issuer = sandbox.issuer();
        let settings = [
            ("_HANDLER", "archive"),
            ("RECORDINGS_BUCKET", BUCKET),
            ("ARCHIVE_DOMAIN", PAGES),
            ("ARCHIVE_RULES", RULES),
            ("ARCHIVE_SECRET_ARN", SECRETS),
            ("OIDC_ISSUER", &issuer),
            ("OIDC_CLIENT_ID", CLIENT),
            // Who listened is told all the same.
            ("LOG_LEVEL", "error"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = settings.to_vec();
        let binary = env!("CARGO_BIN_EXE_archive");
        let log = folder.path().join(LOG);
        let function = Execution::of(binary, sandbox.url(), &settings, &log).await;
        Self {
            folder,
            sandbox,
            function,
            jar: BTreeMap::new(),
            settings,
            call,
        }
    }

    /// One request, as an HTTP API hands a browser's on.
    async fn ask(&mut self, method: &str, address: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, address, headers, &Value::Null).await
    }

    /// The same with a body of JSON.
    async fn send(
        &mut self,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let mut told = json!({
            "host": PAGES, "accept": "text/html", "accept-encoding": "gzip, deflate, br",
            "sec-fetch-site": "same-origin", "x-forwarded-for": "198.51.100.9",
        });
        for (name, value) in headers {
            told[*name] = json!(value);
        }
        let cookies = self.jar.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "cookies": cookies, "headers": told, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "111122223333", "apiId": "a1", "domainName": PAGES, "domainPrefix": "a1",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.7", "userAgent": "test"},
                "requestId": "r", "routeKey": "$default", "stage": "$default",
                "time": "27/Nov/2026:12:00:00 +0000", "timeEpoch": 1_795_780_800_000_i64,
            },
        });
        let mut event = event;
        if !body.is_null() {
            event["headers"]["content-type"] = json!("text/plain;charset=UTF-8");
            event["body"] = json!(body.to_string());
        }
        self.function.send(event, LONG).await;
        let (succeeded, answer) = self.function.answer().await;
        assert!(succeeded, "{answer}");
        let body = answer["body"].as_str().unwrap_or_default();
        let body = match answer["isBase64Encoded"] == true {
            true => STANDARD.decode(body).unwrap(),
            false => body.as_bytes().to_vec(),
        };
        let mut headers = answer["headers"].clone();
        for (name, values) in answer["multiValueHeaders"]
            .as_object()
            .into_iter()
            .flatten()
        {
            headers[name.as_str()] = values[0].clone();
        }
        let body = match headers["content-encoding"] == "gzip" {
            true => {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(&*body)
                    .read_to_end(&mut plain)
                    .unwrap();
                plain
            }
            false => body,
        };
        let cookies = answer["cookies"].as_array().into_iter().flatten();
        let cookies: Vec<_> = cookies
            .map(|cookie| cookie.as_str().unwrap().to_owned())
            .collect();
        for cookie in &cookies {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            match value.is_empty() {
                true => self.jar.remove(name),
                false => self.jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        Answer {
            status: answer["statusCode"].as_u64().unwrap(),
            headers,
            cookies,
            body,
        }
    }

    async fn get(&mut self, address: &str) -> Answer {
        self.ask("GET", address, &[]).await
    }

    /// Logs in as one of the provider's people, on the way to a page.
    async fn log_in(&mut self, page: &str, person: &str) -> Answer {
        self.jar.clear();
        let to_login = self.ask("GET", page, &[("sec-fetch-site", "none")]).await;
        assert_eq!(to_login.status, 303, "{}", to_login.text());
        let way_in = self.get(to_login.header("location")).await;
        assert_eq!(way_in.status, 303, "{}", way_in.text());
        let provider = format!("{}&user={person}", way_in.header("location"));
        let back = location(&provider).await;
        let back = back
            .strip_prefix(&format!("https://{PAGES}"))
            .unwrap()
            .to_owned();
        self.ask(
            "GET",
            &back,
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
            ],
        )
        .await
    }

    fn key(&self) -> String {
        let bucket = self.folder.path().join("data/buckets").join(BUCKET);
        let day = bucket.join("recordings/2025/10/09");
        let names = std::fs::read_dir(day).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let verdict = names.find(|name| name.ends_with("_verdict.json")).unwrap();
        format!("recordings/2025/10/09/{verdict}")
    }

    fn logged(&self, message: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(self.folder.path().join(LOG)).unwrap();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == message).collect()
    }
}

/// Where the provider sends a browser on to.
async fn location(url: &str) -> String {
    let answer = http(url, "").await;
    let line = answer
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("location: "));
    line.unwrap_or_else(|| panic!("{answer}"))[10..]
        .trim()
        .to_owned()
}

/// One GET; all that comes, the head included.
async fn http(url: &str, more: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (_, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let text = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept: text/html\r\n{more}\r\n"
    );
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_finds_looks_and_listens_and_is_noted() {
    let mut pages = Pages::new().await;
    let key = pages.key();
    let encoded: String = key.replace('/', "%2F");
    let page = format!("/call?recording={encoded}");
    let let_in = pages.log_in(&page, "sam").await;
    assert_eq!(
        (let_in.status, let_in.header("location")),
        (303, &*page),
        "{}",
        let_in.text()
    );
    let session = let_in
        .cookies
        .iter()
        .find(|cookie| cookie.contains("session="));
    let session = session.unwrap();
    assert!(
        session.starts_with("__Host-") && session.contains("; Secure"),
        "{session}"
    );
    let shown = pages.get(&page).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text().contains("<html"), "{}", shown.text());
    let policy = shown.header("content-security-policy").to_owned();
    assert!(
        policy.contains(&format!("media-src 'self' {}", pages.sandbox.url())),
        "{policy}"
    );
    // Found, with its verdict, its waveform, and a link that gives its sound.
    let found = pages
        .get("/api/recordings?from=2025-10-09&contact=11111111-aaaa")
        .await
        .json();
    assert_eq!(found["rows"].as_array().unwrap().len(), 1, "{found}");
    let recording = pages
        .get(&format!("/api/recording?key={encoded}"))
        .await
        .json();
    assert_eq!(recording["verdict"]["status"], "complete", "{recording}");
    let peaks = pages.get(&format!("/api/peaks?key={encoded}")).await;
    assert_eq!((peaks.status, &peaks.body[..4]), (200, &[2, 0, 0, 0][..]));
    let play = format!("/api/audio?key={encoded}&file=mixed&act=play");
    let link = pages.ask("POST", &play, &[]).await.json();
    let sound = http(link["url"].as_str().unwrap(), "Range: bytes=0-11\r\n").await;
    assert!(
        sound.starts_with("HTTP/1.1 206") && sound.contains("RIFF"),
        "{link} {sound}"
    );
    // The sound itself never comes through the function.
    let bytes = pages
        .get(&format!("/api/audio?key={encoded}&file=mixed"))
        .await;
    assert_ne!(bytes.status, 200);
    // All of it is told in the log, and in objects.
    let heard = pages.logged("heard");
    let acts: Vec<_> = heard
        .iter()
        .map(|line| line["act"].as_str().unwrap())
        .collect();
    for act in ["login", "search", "view", "play"] {
        assert!(acts.contains(&act), "{acts:?}");
    }
    let strangers = pages.logged("refused");
    assert_eq!(strangers[0]["cause"], "nobody is logged in");
    assert_eq!(strangers[0]["from"], "192.0.2.7");
    let bucket = pages.folder.path().join("data/buckets").join(BUCKET);
    let store = LocalRecordings::new(bucket);
    let kept = listened::of_contact(&store, "listened/", &pages.call.contact, None);
    let kept = kept.await.unwrap();
    assert!(
        kept.lines.iter().any(|line| line.act == "play"
            && line.who.contains("sam")
            && line.from.as_deref() == Some("192.0.2.7")),
        "{kept:?}"
    );
}

/// A file that is too long to be read and hashed while an HTTP API waits is checked by several
/// requests, any of which another process could answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_is_checked_by_several_requests() {
    const MIB: usize = 1 << 20;
    let mut pages = Pages::new().await;
    let key = pages.key();
    let store = crate::listened::store(&crate::listened::shared(pages.sandbox.url()).await, BUCKET);
    let old = store.read(&key).await.unwrap().unwrap();
    let mut verdict: Value = serde_json::from_slice(&old).unwrap();
    let mut sound = vec![7; 65 * MIB];
    let files = verdict["files"].as_array_mut().unwrap();
    let mixed = files.iter_mut().find(|file| file["kind"] == "mixed");
    let mixed = mixed.unwrap();
    mixed["bytes"] = json!(sound.len());
    mixed["sha256"] = json!(hex(sha256::of(&sound)));
    let mix = key.replace("_verdict.json", "_mixed.wav");
    let expect = Expect::Exactly(&old);
    let verdict = verdict.to_string().into_bytes();
    assert!(store.put(&key, verdict, expect).await.unwrap());
    let put = async |sound: &[u8]| {
        let file = NewFile {
            head_bytes: 0,
            ..NewFile::wav(&mix, "c")
        };
        let mut upload = store.begin(file).await.unwrap();
        upload.write(Bytes::copy_from_slice(sound)).await.unwrap();
        upload.finish(Bytes::new()).await.unwrap();
    };
    put(&sound).await;
    pages.log_in("/", "sam").await;
    let check = format!("/api/check?key={}&file=mixed", key.replace('/', "%2F"));
    let begun = pages.send("POST", &check, &[], &Value::Null).await.json();
    assert_eq!(begun["found"], Value::Null, "{begun}");
    assert_eq!(begun["checked"], 64 * MIB);
    assert_eq!(begun["bytes"], 65 * MIB);
    let body = &begun["state"];
    let answer = pages.send("POST", &check, &[], body).await.json();
    assert_eq!(answer["found"], "whole");
    // Another file came in its place meanwhile.
    *sound.last_mut().unwrap() ^= 1;
    put(&sound).await;
    let answer = pages.send("POST", &check, &[], body).await;
    assert_eq!(answer.status, 409, "{}", answer.text());
    let forged = json!({"object": key});
    let answer = pages.send("POST", &check, &[], &forged).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

/// Without a login there is nothing; with one, what the groups do not see does not exist.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_gets_nothing() {
    let mut pages = Pages::new().await;
    let key = pages.key().replace('/', "%2F");
    let all = [
        "/api/recordings?from=2025-10-09".to_owned(),
        "/api/recordings.csv?from=2025-10-09".to_owned(),
        format!("/api/recording?key={key}"),
        format!("/api/peaks?key={key}"),
        format!("/api/audio?key={key}&file=mixed"),
    ];
    for address in &all {
        let refused = pages
            .ask("GET", address, &[("accept", "application/json")])
            .await;
        assert_eq!(refused.status, 401, "{address}: {}", refused.text());
        assert!(!refused.text().contains("complete"), "{}", refused.text());
    }
    // Another queue's lead finds nothing, and learns of nothing.
    let let_in = pages.log_in("/", "lea").await;
    assert_eq!(let_in.status, 303, "{}", let_in.text());
    let found = pages.get("/api/recordings?from=2025-10-09").await.json();
    assert_eq!(found["rows"], json!([]));
    for address in &all[2..4] {
        assert_eq!(pages.get(address).await.status, 404, "{address}");
    }
    let link = pages
        .ask(
            "POST",
            &format!("/api/audio?key={key}&file=mixed&act=play"),
            &[],
        )
        .await;
    assert_eq!(link.status, 404);
    // Another host, another site's page.
    let refused = pages.ask("GET", "/", &[("host", "evil.example.com")]).await;
    assert_eq!(refused.status, 421, "{}", refused.text());
    let post = format!("/api/check?key={key}&file=mixed");
    let refused = pages
        .ask("POST", &post, &[("origin", "https://evil.example.com")])
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text());
}

/// A token that is wrong lets nobody in, and the log says who came and what was wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_refused_and_logged() {
    let mut pages = Pages::new().await;
    for (forgery, cause) in [
        (Forgery::WrongIssuer, "its issuer is not"),
        (Forgery::WrongAudience, "its audience is not"),
        (Forgery::WrongNonce, "its nonce is not"),
        (Forgery::WrongSignature, "its signature is not"),
        (Forgery::Expired, "it has expired"),
        (Forgery::NotYet, "it is not valid yet"),
    ] {
        pages.sandbox.set_faults(Faults {
            rules: vec![Rule::once("Token", Effect::IdToken(forgery))],
            ..Faults::default()
        });
        let refused = pages.log_in("/", "sam").await;
        assert_eq!(refused.status, 403, "{forgery:?}");
        assert!(pages.jar.is_empty(), "{forgery:?}: {:?}", pages.jar);
        let logged = pages.logged("refused");
        let last = logged.last().unwrap();
        let told = last["cause"].as_str().unwrap();
        assert!(
            told.starts_with("the id token: ") && told.contains(cause),
            "{last}"
        );
        assert_eq!(
            (&last["from"], &last["act"], &last["allowed"]),
            (&json!("192.0.2.7"), &json!("login"), &json!(false)),
            "{last}"
        );
    }
    assert!(pages.logged("heard").is_empty());
}

/// What a deployment lacks is said before the first request.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_set_up_is_told_at_the_start() {
    let pages = Pages::new().await;
    for (name, value, told) in [
        ("ARCHIVE_RULES", "{}", "it names no group"),
        ("ARCHIVE_RULES", "", "ARCHIVE_RULES is not set"),
        ("ARCHIVE_SECRET_ARN", "none", "the secret none"),
        ("ARCHIVE_SECRET_ARN", "short", "must have 32"),
    ] {
        let mut process = Command::new(env!("CARGO_BIN_EXE_archive"));
        process
            .env_clear()
            .envs(pages.settings.iter().cloned())
            .env("AWS_ENDPOINT_URL", pages.sandbox.url())
            .env("AWS_ACCESS_KEY_ID", "sandbox")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .env("AWS_REGION", "us-east-1")
            .env(name, value);
        let ended = tokio::task::spawn_blocking(move || process.output()).await;
        let ended = ended.unwrap().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            !ended.status.success() && said.contains(told),
            "{name}: {said}"
        );
    }
}
