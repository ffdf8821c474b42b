//! The routes over a folder, asked over a socket as anybody can ask them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::archive::viewer::{Allowed, Sees};
use crate::local::LocalRecordings;
use crate::media::wav;
use crate::object_key::hex;
use crate::port::{Archived, Expect, Inside, Listed, Objects, Opened, Opening, Seen};
use crate::sha256;
use crate::shelves::Trust;
use crate::web::guard::Guard;
use crate::web::serve::{self, Stopper};

/// What others could have put into a record: each text ends in a page, a header or a key.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&\r\nSet-Cookie: a=b";
const SAMPLES: usize = 8_000;

/// Writes a recording of a second: its WAV files and its verdict.
fn record(folder: &Path, key: &str, queue: &str) {
    let [from, to] = [100, -100].map(|level| vec![level; SAMPLES]);
    let file = |channels: u16, encode: &dyn Fn(&mut Vec<u8>)| {
        let mut file = wav::header(channels, SAMPLES as u64).unwrap().to_vec();
        encode(&mut file);
        file
    };
    let files = [
        ("from", file(1, &|out| wav::encode_mono(&from, out))),
        ("to", file(1, &|out| wav::encode_mono(&to, out))),
        ("mixed", file(2, &|out| wav::encode_stereo(&from, &to, out))),
    ];
    let base = folder.join("rec").join(key);
    fs::create_dir_all(base.parent().unwrap()).unwrap();
    let mut entries = Vec::new();
    for (kind, bytes) in &files {
        let path = format!("{}_{kind}.wav", base.display());
        fs::write(&path, bytes).unwrap();
        let hash = (*kind != "mixed").then(|| hex(sha256::of(&bytes[44..])));
        entries.push(
            json!({"kind": kind, "key": format!("rec/{key}_{kind}.wav"), "url": "https://x/",
            "bytes": bytes.len(), "samples_sha256": hash}),
        );
    }
    let name = key.rsplit('/').next().unwrap();
    let contact = name.split('_').next().unwrap();
    let verdict = json!({
        "schema": "callreel.verdict/4", "callreel": "0", "status": "complete", "reasons": [],
        "recording": {"contact_id": contact, "initial_contact_id": "first", "instance_id": null, "stream": "s",
            "start_fragment": "1", "stop_fragment": "9", "authorised": ["from", "to"]},
        "call": {"queue": queue, "customer": HOSTILE, "agent": "jo"},
        "span": {"sample_rate": 8000, "samples": SAMPLES, "seconds": 1.0, "starts_at": "2026-11-27T08:00:00.250Z",
            "ends_at": null, "media_start_millis": null, "record_starts_at": null, "record_stops_at": null},
        "fragments": {"asked": 1, "received": 1, "own": 1, "missing": 0, "missing_list": [], "damaged": 0,
            "damage_list": [], "refused": {"foreign": 0, "untagged": 0, "conflicting": 0, "out_of_range": 0,
            "unnumbered": 0, "unasked": 0, "foreign_contacts": []}},
        "sides": {"from": null, "to": null}, "one_way_audio": false, "clock_breaks": 0, "files": entries,
    });
    fs::write(
        format!("{}_verdict.json", base.display()),
        verdict.to_string(),
    )
    .unwrap();
    fs::write(format!("{}_peaks.dat", base.display()), b"peaks").unwrap();
}

const SALES: &str = "2026/11/27/sales_1";
const CLAIMS: &str = "2026/11/27/claims_1";
/// What is asked of one recording.
const OF_A_RECORDING: [(&str, &str); 5] = [
    ("GET", "recording"),
    ("GET", "peaks"),
    ("GET", "audio"),
    ("POST", "audio"),
    ("POST", "check"),
];

fn keyed(base: &str) -> String {
    format!("rec/{base}_verdict.json")
}

struct Pages {
    address: SocketAddr,
    folder: TempDir,
    noted: Arc<Mutex<Vec<Heard>>>,
    _stop: Stopper,
    _runtime: Runtime,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Who is let in, and how the archive is set up.
enum Set {
    Desk,
    /// Behind a login that lets everybody in as this.
    As(Sees),
    /// Behind a login that lets nobody in.
    NobodyIn,
    /// Links are given.
    Linking,
    /// Nothing can be noted.
    Unnoted,
    /// A request checks a little at the most.
    InPieces,
}

/// How much that is.
const PIECE: u64 = 1_000;

impl Pages {
    fn new(set: Set) -> Self {
        let folder = tempfile::tempdir().unwrap();
        record(folder.path(), SALES, "Sales");
        record(folder.path(), CLAIMS, "Claims");
        fs::write(folder.path().join("secret_verdict.json"), "{}").unwrap();
        fs::write(folder.path().join("secret.txt"), "secret").unwrap();
        let shelves = Shelves::new(LocalRecordings::new(folder.path()), "rec/", Trust::Never);
        let noted = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&noted);
        let note = move |heard: Heard, _| -> Pending<()> {
            lock(&notes).push(heard);
            Box::pin(async { Ok(()) })
        };
        let mut viewer = Some(Viewer {
            name: "ann [1]".to_owned(),
            from: "192.0.2.1".to_owned(),
            sees: Sees::Everything,
        });
        let is_at_the_desk = matches!(set, Set::Desk | Set::InPieces);
        let archive = match set {
            Set::Desk => Archive::at_the_desk(shelves),
            Set::InPieces => Archive {
                piece_bytes: PIECE,
                ..Archive::at_the_desk(shelves)
            },
            Set::As(sees) => {
                viewer.as_mut().unwrap().sees = sees;
                Archive::behind_login(shelves).noting(note)
            }
            Set::NobodyIn => {
                viewer = None;
                Archive::behind_login(shelves).noting(note)
            }
            Set::Linking => Archive::behind_login(shelves)
                .noting(note)
                .linking(|wanted| {
                    Box::pin(async move {
                        Ok(Link {
                            url: format!("https://bucket/{}?{}", wanted.key, wanted.disposition),
                            lives: Duration::from_secs(300),
                        })
                    })
                }),
            Set::Unnoted => Archive::behind_login(shelves).noting(|_, _| {
                let failure = Failure::new(FailureKind::StoreFull, "listened/", "full");
                Box::pin(async { Err(failure) })
            }),
        };
        let viewer = viewer.filter(|_| !is_at_the_desk);
        Self::serving(archive, viewer, folder, noted)
    }

    fn serving<S: Browsing + Send + Sync + 'static>(
        archive: Archive<S>,
        viewer: Option<Viewer>,
        folder: TempDir,
        noted: Arc<Mutex<Vec<Heard>>>,
    ) -> Self {
        let mut pages = router(Arc::new(archive));
        if let Some(viewer) = viewer {
            pages = pages.layer(axum::Extension(viewer));
        }
        let runtime = Runtime::new().unwrap();
        let (stopper, stop) = serve::stop();
        let bound = runtime
            .block_on(serve::bind([127, 0, 0, 1].into(), 0))
            .unwrap();
        let address = bound.address();
        let pages = Guard::at(address).guard(pages);
        runtime.spawn(bound.serve(pages, stop));
        Self {
            address,
            folder,
            noted,
            _stop: stopper,
            _runtime: runtime,
        }
    }

    fn ask_with(&self, method: &str, target: &str, headers: &str) -> Answer {
        self.send(method, target, headers, "")
    }

    fn send(&self, method: &str, target: &str, headers: &str, body: &str) -> Answer {
        let host = if headers.contains("Host:") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        let mut line = TcpStream::connect(self.address).unwrap();
        let request =
            format!("{method} {target} HTTP/1.1\r\n{host}Connection: close\r\n{headers}\r\n{body}");
        line.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let mut body = answer[end + 4..].to_vec();
        if head.to_lowercase().contains("transfer-encoding: chunked") {
            body = unchunked(&body);
        }
        Answer {
            status: head[9..12].parse().unwrap(),
            head,
            body,
        }
    }

    fn get(&self, target: &str) -> Answer {
        self.ask_with("GET", target, "")
    }

    /// A route about one recording.
    fn of(&self, method: &str, route: &str, base: &str, more: &str) -> Answer {
        let key = utf8_percent_encode(&keyed(base), NON_ALPHANUMERIC).to_string();
        self.ask_with(method, &format!("/api/{route}?key={key}{more}"), "")
    }

    /// The same with a body of JSON, or none.
    fn sent(&self, route: &str, base: &str, more: &str, body: &Value) -> Answer {
        let key = utf8_percent_encode(&keyed(base), NON_ALPHANUMERIC).to_string();
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let headers = format!("Content-Length: {}\r\n", body.len());
        let target = format!("/api/{route}?key={key}{more}");
        self.send("POST", &target, &headers, &body)
    }

    fn audio(&self, headers: &str) -> Answer {
        let target = format!("/api/audio?key={}&file=from", keyed(SALES));
        self.ask_with("GET", &target, headers)
    }

    fn acts(&self) -> Vec<String> {
        let noted = lock(&self.noted);
        let told = noted.iter().map(|heard| {
            let of = heard.contact.as_deref().or(heard.query.as_deref());
            let file = heard.file.as_deref().map(|file| format!(" {file}"));
            let no = if heard.allowed { "" } else { " refused" };
            let (act, of) = (&heard.act, of.unwrap_or_default());
            format!("{act} {of}{}{no}", file.unwrap_or_default())
        });
        told.collect()
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|it| it == b"\r\n") {
        let length = std::str::from_utf8(&body[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        whole.extend_from_slice(&body[end + 2..][..length]);
        body = &body[end + 2 + length + 2..];
    }
    whole
}

#[test]
fn a_search_finds_and_a_recording_tells_all_of_it() {
    let pages = Pages::new(Set::Desk);
    let found = pages.get("/api/recordings?queue=sales&most=1").json();
    assert_eq!(found["rows"][0]["key"], keyed(SALES).as_str());
    assert_eq!(found["rows"].as_array().unwrap().len(), 1);
    assert_eq!(found["me"], json!({"name": "desk", "login": false}));
    let all = pages.get("/api/recordings?most=1").json();
    let next = utf8_percent_encode(all["next"].as_str().unwrap(), NON_ALPHANUMERIC).to_string();
    let rest = pages.get(&format!("/api/recordings?after={next}")).json();
    assert_ne!(rest["rows"][0]["key"], all["rows"][0]["key"]);
    let whole = pages.of("GET", "recording", SALES, "").json();
    assert_eq!(whole["row"]["queue"], "Sales");
    assert_eq!(whole["verdict"]["status"], "complete");
    assert_eq!(
        whole["files"][2],
        json!({"kind": "mixed", "said": 32_044, "state": "there", "bytes": 32_044})
    );
    assert_eq!(whole["peaks"]["state"], "there");
    // Both are of one call.
    assert_eq!(whole["parts"].as_array().unwrap().len(), 2);
    for (kind, found) in [("from", "whole"), ("to", "whole"), ("mixed", "whole")] {
        let answer = pages.of("POST", "check", SALES, &format!("&file={kind}"));
        assert_eq!(answer.json()["found"], found, "{kind}");
    }
    let sheet = pages.get("/api/recordings.csv?agent=jo");
    let text = String::from_utf8(sheet.body.clone()).unwrap();
    assert_eq!(text.matches("\r\n").count(), 3, "{text}");
    assert!(
        sheet
            .header("content-disposition")
            .unwrap()
            .contains("recordings.csv")
    );
}

/// A table in pieces is the same table: Lambda gives no long answer.
#[test]
fn a_table_in_pieces_is_the_whole_one() {
    let pages = Pages::new(Set::Desk);
    let whole = pages.get("/api/recordings.csv").body;
    for most in [1, 2, 3] {
        let (mut all, mut pieces) = (Vec::new(), 0);
        let mut after = String::new();
        loop {
            let piece = pages.get(&format!("/api/recordings.csv?most={most}{after}"));
            assert_eq!(piece.status, 200);
            all.extend_from_slice(&piece.body);
            pieces += 1;
            match piece.header("callreel-next") {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(all, whole, "{most}");
        assert!(most > 1 || pieces >= 2, "{pieces}");
    }
}

#[test]
fn what_is_asked_wrongly_is_told_in_a_sentence() {
    let pages = Pages::new(Set::Desk);
    for (target, told) in [
        ("/api/recordings?from=yesterday", "from: it must be a day"),
        ("/api/recordings?after=x", "after: it is no place"),
        ("/api/recordings?most=0", "most: it must be a number"),
        ("/api/recordings.csv?status=done", "status: it must be of"),
        ("/api/recording", "missing field `key`: say which"),
        ("/api/audio?key=a&key=b", "duplicate field `key`: say which"),
    ] {
        let answer = pages.get(target);
        assert_eq!(answer.status, 400, "{target}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with(told), "{error}");
    }
    for (method, route) in OF_A_RECORDING {
        for words in ["", "?file=mixed", "?key=a&key=b", "?key=a&file=b&file=c"] {
            let answer = pages.ask_with(method, &format!("/api/{route}{words}"), "");
            assert_eq!(answer.status, 400, "{method} {route}{words}");
            let error = answer.json()["error"].as_str().unwrap().to_owned();
            assert!(error.contains("by key"), "{error}");
            assert!(error.contains("field `"), "{error}");
        }
    }
    let answer = pages.of("GET", "audio", SALES, "&file=peaks");
    assert_eq!(answer.status, 404);
    assert!(
        answer.json()["error"]
            .as_str()
            .unwrap()
            .contains("from, to, mixed")
    );
}

#[test]
fn sound_is_given_in_parts() {
    let pages = Pages::new(Set::Desk);
    let whole = pages.audio("");
    assert_eq!((whole.status, whole.body.len()), (200, 16_044));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(whole.header("content-type"), Some("audio/wav"));
    assert_eq!(
        whole.header("content-disposition"),
        Some("inline; filename=\"20261127T080000_sales_from.wav\"")
    );
    let check = |headers: &str, status: u16, range: Option<&str>, bytes: &[u8]| {
        let answer = pages.audio(headers);
        assert_eq!(answer.status, status, "{headers}");
        assert_eq!(answer.header("content-range"), range, "{headers}");
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert_eq!(length, answer.body.len(), "{headers}");
        if status < 400 {
            assert_eq!(answer.body, bytes, "{headers}");
        }
    };
    let file = &whole.body[..];
    check(
        "Range: bytes=44-47\r\n",
        206,
        Some("bytes 44-47/16044"),
        &file[44..48],
    );
    check(
        "Range: bytes=16000-\r\n",
        206,
        Some("bytes 16000-16043/16044"),
        &file[16_000..],
    );
    check(
        "Range: bytes=-4\r\n",
        206,
        Some("bytes 16040-16043/16044"),
        &file[16_040..],
    );
    check("Range: bytes=16044-\r\n", 416, Some("bytes */16044"), b"");
    check("Range: bytes=9-1\r\n", 200, None, file);
    check("Range: bytes=0-1,4-5\r\n", 200, None, file);
    let tag = whole.header("etag").unwrap();
    let same = format!("If-Range: {tag}\r\nRange: bytes=0-3\r\n");
    check(&same, 206, Some("bytes 0-3/16044"), b"RIFF");
    check(
        "If-Range: \"other\"\r\nRange: bytes=0-3\r\n",
        200,
        None,
        file,
    );
    let head = pages.ask_with(
        "HEAD",
        &format!("/api/audio?key={}&file=from", keyed(SALES)),
        "",
    );
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("16044"));
    let kept = pages.of("GET", "audio", SALES, "&file=mixed&act=download");
    assert_eq!(
        kept.header("content-disposition"),
        Some("attachment; filename=\"20261127T080000_sales_mixed.wav\"")
    );
    let place = pages
        .of("POST", "audio", SALES, "&file=mixed&act=play")
        .json();
    let played = pages.get(place["url"].as_str().unwrap());
    assert_eq!((played.status, played.body.len()), (200, 32_044));
}

#[test]
fn nothing_but_recordings_of_the_prefix_is_there() {
    let pages = Pages::new(Set::Desk);
    for key in [
        "secret.txt",
        "secret_verdict.json",
        "rec/../secret_verdict.json",
        "rec/./2026/11/27/sales_1_verdict.json",
        "rec//2026/11/27/sales_1_verdict.json",
        "/rec/2026/11/27/sales_1_verdict.json",
        "rec/2026/11/27/sales_1_from.wav",
        "rec/2026/11/27/none_1_verdict.json",
        "rec\\2026\\11\\27\\sales_1_verdict.json",
        "rec/2026/11/27/sales_1_verdict.json%00",
        "rec/%2e%2e/secret_verdict.json",
        "",
    ] {
        for route in ["recording", "peaks", "audio"] {
            let answer = pages.get(&format!("/api/{route}?key={key}&file=from"));
            assert_eq!(answer.status, 404, "{route} {key}");
        }
        for route in ["audio", "check"] {
            let answer = pages.ask_with("POST", &format!("/api/{route}?key={key}&file=from"), "");
            assert_eq!(answer.status, 404, "{route} {key}");
        }
    }
    for target in [
        "/..",
        "/api",
        "/api/../archive.html",
        "/rec/",
        "//",
        "/%2e%2e/secret.txt",
    ] {
        assert_eq!(pages.get(target).status, 404, "{target}");
    }
    // A verdict that names another recording's file leads to its own all the same.
    let path = pages.folder.path().join(keyed(SALES));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace(
            "rec/2026/11/27/sales_1_from.wav",
            "rec/2026/11/27/claims_1_from.wav",
        ),
    )
    .unwrap();
    fs::remove_file(
        pages
            .folder
            .path()
            .join("rec")
            .join(format!("{SALES}_from.wav")),
    )
    .unwrap();
    assert_eq!(pages.of("GET", "audio", SALES, "&file=from").status, 404);
    let whole = pages.of("GET", "recording", SALES, "").json();
    assert_eq!(whole["files"][0]["state"], "gone");
    assert_eq!(
        pages.of("POST", "check", SALES, "&file=from").json()["found"],
        "gone"
    );
}

#[test]
fn foreign_hosts_and_other_sites_pages_get_nothing() {
    let pages = Pages::new(Set::Desk);
    let target = "/api/recordings";
    let evil = pages.ask_with("GET", target, "Host: evil.example\r\n");
    assert_eq!(evil.status, 421);
    let site = pages.ask_with("GET", target, "Sec-Fetch-Site: cross-site\r\n");
    assert_eq!(site.status, 403);
    let origin = format!("/api/audio?key={}&file=from", keyed(SALES));
    let post = pages.ask_with("POST", &origin, "Origin: https://evil.example\r\n");
    assert_eq!(post.status, 403);
    let own = pages.get(target);
    assert!(
        own.header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'self'")
    );
    assert_eq!(own.header("cache-control"), Some("no-store"));
    assert_eq!(own.header("access-control-allow-origin"), None);
}

#[test]
fn outside_texts_are_data() {
    let pages = Pages::new(Set::Desk);
    let found = pages.get("/api/recordings");
    // JSON that no browser takes for a page, and the text as it is in it.
    assert_eq!(found.header("content-type"), Some("application/json"));
    assert_eq!(found.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(found.json()["rows"][0]["row"]["customer"], HOSTILE);
    // What names a file goes through the one rule for ids.
    let path = pages.folder.path().join(keyed(SALES));
    let text = fs::read_to_string(&path).unwrap();
    let hostile = serde_json::to_string(HOSTILE).unwrap();
    fs::write(
        &path,
        text.replace(
            "\"contact_id\":\"sales\"",
            &format!("\"contact_id\":{hostile}"),
        ),
    )
    .unwrap();
    let audio = pages.audio("");
    let name = audio.header("content-disposition").unwrap();
    assert!(
        name.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-.;=\" ".contains(letter)),
        "{name}"
    );
    assert_eq!(audio.header("set-cookie"), None);
}

#[test]
fn a_verdict_that_cannot_be_read_is_a_row_and_its_files_are_there() {
    let pages = Pages::new(Set::Desk);
    let path = pages.folder.path().join(keyed(SALES));
    fs::write(path, "{\"status\":").unwrap();
    let found = pages.get("/api/recordings?status=unreadable").json();
    assert!(
        found["rows"][0]["row"]["problem"]
            .as_str()
            .unwrap()
            .contains("no verdict")
    );
    let whole = pages.of("GET", "recording", SALES, "").json();
    assert_eq!(whole["verdict"], Value::Null);
    assert_eq!(whole["files"].as_array().unwrap().len(), 3);
    assert_eq!(pages.of("GET", "audio", SALES, "&file=mixed").status, 200);
    assert_eq!(
        pages.of("POST", "check", SALES, "&file=mixed").json()["found"],
        "unknown"
    );
}

/// A folder whose WAV files lie in an archive, out of which they must be restored.
struct Frozen(LocalRecordings);

impl Objects for Frozen {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.0.read(key).await
    }

    async fn put(&self, key: &str, object: Vec<u8>, expect: Expect<'_>) -> Result<bool, Failure> {
        self.0.put(key, object, expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        self.0.list(prefix).await
    }
}

impl Opening for Frozen {
    type Body = <LocalRecordings as Opening>::Body;

    async fn open(&self, key: &str) -> Result<Option<Opened<Self::Body>>, Failure> {
        self.0.open(key).await
    }
}

impl Browsing for Frozen {
    async fn look_into(&self, folder: &str) -> Result<Inside, Failure> {
        self.0.look_into(folder).await
    }

    async fn look_at(&self, key: &str) -> Result<Option<Seen>, Failure> {
        let seen = self.0.look_at(key).await?;
        let archived = key.ends_with(".wav").then(|| Archived {
            class: "GLACIER".to_owned(),
            comes_back: key.ends_with("_to.wav"),
        });
        Ok(seen.map(|seen| Seen { archived, ..seen }))
    }

    async fn open_part(
        &self,
        key: &str,
        from: u64,
        bytes: u64,
    ) -> Result<Option<Self::Body>, Failure> {
        self.0.open_part(key, from, bytes).await
    }
}

#[test]
fn an_archived_file_is_named_with_its_class_and_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), SALES, "Sales");
    let store = Frozen(LocalRecordings::new(folder.path()));
    let archive = Archive::at_the_desk(Shelves::new(store, "rec/", Trust::Never));
    let pages = Pages::serving(archive, None, folder, Arc::default());
    let whole = pages.of("GET", "recording", SALES, "").json();
    let key = format!("rec/{SALES}_mixed.wav");
    assert_eq!(
        whole["files"][2],
        json!({"kind": "mixed", "said": 32_044, "state": "archived", "class": "GLACIER", "comes_back": false, "bytes": 32_044, "object": key})
    );
    assert_eq!(whole["files"][1]["comes_back"], true);
    let audio = pages.of("GET", "audio", SALES, "&file=to");
    let told = audio.json()["error"].as_str().unwrap().to_owned();
    assert!(told.contains("is being restored"), "{told}");
    assert_eq!(whole["peaks"]["state"], "there");
    let audio = pages.of("GET", "audio", SALES, "&file=mixed");
    assert_eq!(audio.status, 409);
    let told = audio.json()["error"].as_str().unwrap().to_owned();
    assert!(
        told.contains("GLACIER") && told.contains("restore"),
        "{told}"
    );
}

#[test]
fn changed_files_are_told() {
    let pages = Pages::new(Set::Desk);
    let file = |kind: &str| {
        pages
            .folder
            .path()
            .join("rec")
            .join(format!("{SALES}_{kind}.wav"))
    };
    let mut bytes = fs::read(file("mixed")).unwrap();
    bytes[100] ^= 1;
    fs::write(file("mixed"), &bytes).unwrap();
    fs::write(file("to"), &bytes[..1_000]).unwrap();
    let found = |kind: &str| {
        pages
            .of("POST", "check", SALES, &format!("&file={kind}"))
            .json()
    };
    assert_eq!(found("mixed")["found"], "changed");
    assert_eq!(found("to")["found"], "cut");
    assert_eq!(found("from")["found"], "whole");
    let whole = pages.of("GET", "recording", SALES, "").json();
    assert_eq!(whole["files"][1]["state"], "cut");
}

/// Checks a file by as many requests as it takes; gives what was found, and how many they were.
fn checked(pages: &Pages, kind: &str) -> (Value, u64) {
    let mut body = Value::Null;
    for asked in 1.. {
        let answer = pages.sent("check", SALES, &format!("&file={kind}"), &body);
        let answer = answer.json();
        if answer["found"] != Value::Null {
            return (answer["found"].clone(), asked);
        }
        assert_eq!(answer["checked"], asked * PIECE);
        body = answer["state"].clone();
    }
    unreachable!("each request checks something")
}

#[test]
fn a_long_file_is_checked_piece_by_piece() {
    let pages = Pages::new(Set::InPieces);
    assert_eq!(checked(&pages, "from"), (json!("whole"), 17));
    assert_eq!(checked(&pages, "mixed"), (json!("whole"), 33));
    let file = pages.folder.path().join(format!("rec/{SALES}_mixed.wav"));
    let mut bytes = fs::read(&file).unwrap();
    // Its last byte counts.
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert_eq!(checked(&pages, "mixed"), (json!("changed"), 33));
    // What has another size is not read at all.
    bytes.push(0);
    fs::write(&file, &bytes).unwrap();
    assert_eq!(checked(&pages, "mixed"), (json!("changed"), 1));
    fs::write(&file, &bytes[..9_000]).unwrap();
    assert_eq!(checked(&pages, "mixed"), (json!("cut"), 1));
    fs::remove_file(&file).unwrap();
    assert_eq!(checked(&pages, "mixed"), (json!("gone"), 1));
}

#[test]
fn a_check_is_gone_on_with_only_where_it_began() {
    let pages = Pages::new(Set::InPieces);
    let begun = pages.of("POST", "check", SALES, "&file=from").json()["state"].clone();
    let refused = |kind: &str, body: &Value, status: u16| {
        let answer = pages.sent("check", SALES, &format!("&file={kind}"), body);
        assert_eq!(answer.status, status, "{kind} {body}");
        assert!(answer.json()["error"].as_str().unwrap().contains("check"));
    };
    refused("to", &begun, 400);
    refused("from", &json!({"object": "x"}), 400);
    for (path, value) in [
        ("/check/hashes/0/bytes", json!(u64::MAX)),
        ("/check/hashes/0/begun", json!([1])),
        ("/check/header", json!(vec![0; 2_000])),
        ("/check/hashes", json!([])),
    ] {
        let mut forged = begun.clone();
        *forged.pointer_mut(path).unwrap() = value;
        refused("from", &forged, 400);
    }
    // Another file came in its place, of the same size and content.
    let file = pages.folder.path().join(format!("rec/{SALES}_from.wav"));
    let bytes = fs::read(&file).unwrap();
    fs::write(file.with_extension("new"), bytes).unwrap();
    fs::rename(file.with_extension("new"), &file).unwrap();
    refused("from", &begun, 409);
    assert_eq!(checked(&pages, "from").0, "whole");
}

#[test]
fn another_queues_call_is_not_there() {
    let sees = Sees::AnyOf(vec![Allowed::Queue("Sales".to_owned())]);
    let pages = Pages::new(Set::As(sees));
    let rows = pages.get("/api/recordings").json();
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1);
    let sheet = pages.get("/api/recordings.csv");
    assert!(!String::from_utf8(sheet.body).unwrap().contains("Claims"));
    let nothing = pages.of("GET", "recording", "2026/11/27/none_1", "");
    for (method, route) in OF_A_RECORDING {
        let answer = pages.of(method, route, CLAIMS, "&file=from");
        assert_eq!(
            (answer.status, &answer.body),
            (404, &nothing.body),
            "{method} {route}"
        );
    }
    // Its call's other leg is not told of either.
    let whole = pages.of("GET", "recording", SALES, "").json();
    assert_eq!(whole["parts"].as_array().unwrap().len(), 1);
}

#[test]
fn without_a_login_nothing_is_given() {
    let pages = Pages::new(Set::NobodyIn);
    for target in ["/api/me", "/api/recordings", "/api/recordings.csv"] {
        assert_eq!(pages.get(target).status, 401);
    }
    for (method, route) in OF_A_RECORDING {
        assert_eq!(
            pages.of(method, route, SALES, "&file=from").status,
            401,
            "{route}"
        );
    }
}

#[test]
fn what_is_done_is_noted_first() {
    let sees = Sees::AnyOf(vec![Allowed::Queue("Sales".to_owned())]);
    let pages = Pages::new(Set::As(sees));
    pages.get("/api/recordings?number=030&most=9");
    pages.get("/api/recordings.csv?queue=Sales");
    pages.of("GET", "recording", SALES, "");
    pages.of("GET", "peaks", SALES, "");
    pages.of("POST", "audio", SALES, "&file=mixed&act=play");
    for _ in 0..3 {
        pages.of("GET", "audio", SALES, "&file=mixed&act=play");
    }
    pages.of("GET", "audio", SALES, "&file=mixed&act=download");
    pages.of("POST", "check", SALES, "&file=to");
    pages.of("GET", "audio", CLAIMS, "&file=to");
    assert_eq!(
        pages.acts(),
        [
            "search number=030",
            "export queue=Sales",
            "view sales",
            "play sales mixed",
            "download sales mixed",
            "check sales to",
            "play claims to refused",
        ]
    );
    let unnoted = Pages::new(Set::Unnoted);
    for answer in [
        unnoted.get("/api/recordings"),
        unnoted.of("GET", "audio", SALES, "&file=from"),
        unnoted.of("GET", "recording", SALES, ""),
    ] {
        assert_eq!(answer.status, 503);
        assert!(
            answer.json()["error"]
                .as_str()
                .unwrap()
                .contains("must be noted")
        );
    }
}

#[test]
fn sound_can_be_given_by_a_link() {
    let pages = Pages::new(Set::Linking);
    let link = pages
        .of("POST", "audio", SALES, "&file=mixed&act=download")
        .json();
    assert_eq!(
        link,
        json!({"url": "https://bucket/rec/2026/11/27/sales_1_mixed.wav?attachment; \
                       filename=\"20261127T080000_sales_mixed.wav\"", "seconds": 300})
    );
    // No bytes pass by what notes them.
    assert_eq!(pages.of("GET", "audio", SALES, "&file=mixed").status, 404);
    assert_eq!(pages.acts(), ["download sales mixed"]);
}
