//! `callreel archive`: the pages at an address of this machine, and who listened.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use super::*;

/// Pages that are served until they are dropped.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(desk: &Desk, line: &str) -> Self {
        Self::run(desk.command(line))
    }

    /// Pages of which is kept what is told on standard error.
    #[cfg(feature = "operate")]
    fn start_told(desk: &Desk, line: &str) -> Self {
        let mut command = desk.command(line);
        command.stderr(Stdio::piped());
        Self::run(command)
    }

    /// Ends them; what was told on standard error.
    #[cfg(feature = "operate")]
    fn ended(mut self) -> String {
        let _ = self.child.kill();
        let mut told = String::new();
        let err = self.child.stderr.take();
        err.unwrap().read_to_string(&mut told).unwrap();
        told
    }

    fn run(mut command: std::process::Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        let out = child.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut told).unwrap();
        let document: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(document["schema"], "callreel.archive/1");
        let page = document["page"].as_str().unwrap();
        let address = page.trim_start_matches("http://").trim_end_matches('/');
        Self {
            address: address.to_owned(),
            child,
        }
    }

    fn get(&self, host: &str, target: &str) -> String {
        self.ask(host, target, "")
    }

    #[cfg(feature = "operate")]
    fn get_with(&self, target: &str, headers: &str) -> String {
        self.ask(&self.address, target, headers)
    }

    fn ask(&self, host: &str, target: &str, headers: &str) -> String {
        let mut line = TcpStream::connect(&self.address).unwrap();
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
        line.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_folder_is_shown_on_loopback_under_its_own_names() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    desk.run("record demo/event.json").done();
    let served = Served::start(&desk, "archive --port 0 --host desk.example.com --json");
    assert!(
        served.address.starts_with("127.0.0.1:"),
        "{}",
        served.address
    );
    for host in [&*served.address, "desk.example.com"] {
        let page = served.get(host, "/");
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        assert!(page.contains("Callreel archive"));
        let found = served.get(host, "/api/recordings");
        assert!(found.contains(CONTACT), "{found}");
    }
    let foreign = served.get("evil.example", "/api/recordings");
    assert!(foreign.starts_with("HTTP/1.1 421 ") && !foreign.contains(CONTACT));
    // The port is taken now.
    let port = served.address.rsplit(':').next().unwrap();
    desk.run(&format!("archive --port {port}"))
        .check(1, &[&["port ", port, " of 127.0.0.1 is in use", "--port"]]);
    // Of another prefix there is nothing.
    let other = Served::start(&desk, "archive --port 0 --key-prefix other/ --json");
    assert!(
        other
            .get(&other.address, "/api/recordings")
            .contains("\"rows\":[]")
    );
}

#[test]
fn who_listened_is_told() {
    let desk = Desk::new();
    let line = |act: &str, contact: &str, when: &str, allowed: bool| {
        json!({"when": when, "who": "ann [1]", "act": act, "contact": contact, "file": "mixed",
            "from": "192.0.2.1", "allowed": allowed})
        .to_string()
    };
    let lines = [
        line("play", "c-1", "2026-11-27T08:00:00Z", true),
        line("view", "c-2", "2026-11-27T08:01:00Z", true),
        line("download", "c-1", "2026-11-27T07:00:00Z", false),
    ];
    desk.write("out/listened/2026/11/27/a-1.jsonl", lines.join("\n"));
    let told = desk.run("archive --listened c-1").done();
    assert_eq!(told.rows().len(), 2, "{}", told.out);
    assert_eq!(told.rows()[0][2], "download");
    assert!(
        told.out.ends_with("yes\n") && told.out.contains(" no\n"),
        "{}",
        told.out
    );
    let json = desk.run("archive --listened c-1 --json").done().json();
    assert_eq!(json["schema"], "callreel.listened/1");
    assert_eq!(json["lines"][1]["act"], "play");
    let later = desk.run("archive --listened c-1 --since 2026-11-28").done();
    assert!(
        later
            .out
            .starts_with("nobody listened to c-1, as far as 0 objects"),
        "{}",
        later.out
    );
    let nobody = desk.run("archive --listened c-3").done();
    assert!(
        nobody.out.starts_with("nobody listened to c-3"),
        "{}",
        nobody.out
    );
    // What cannot be read may be about anybody.
    desk.write("out/listened/2026/11/27/b-1.jsonl", "no line");
    desk.run("archive --listened c-1")
        .check(1, &[&["1 lines under listened/ cannot be read"]]);
}

#[test]
fn what_cannot_be_shown_is_told_in_a_line() {
    let desk = Desk::new();
    desk.run("archive nowhere").check(
        1,
        &[&["nowhere: no such folder; give the folder that record"]],
    );
    desk.run("archive --key-prefix recordings")
        .check(2, &[&["--key-prefix recordings: it must end in a slash"]]);
    assert_eq!(desk.run("archive --since 2026-11-27").code, Some(2));
}

/// A login is what it takes to come in, and what it needs is told before anything is served.
#[test]
#[cfg(feature = "operate")]
fn a_login_is_put_before_the_pages() {
    let desk = Desk::new();
    desk.write("out/a", "");
    let login = "archive --port 0 --login http://127.0.0.1:9/_oidc";
    let at = |flags: &str| desk.run(&format!("{login} {flags}"));
    desk.write("rules.json", r#"{"auditors": "all"}"#);
    for (flags, told) in [
        ("--rules {}", "--rules: it names no group"),
        ("--rules nowhere.json", "--rules nowhere.json: "),
        (
            "--rules rules.json --page-url http://calls.example.com",
            "--page-url: http://calls.example.com is no address",
        ),
        (
            "--rules rules.json --page-url https://calls.example.com/archive",
            "--page-url: https://calls.example.com/archive is no address",
        ),
        (
            "--rules rules.json --client-secret nowhere",
            "--client-secret nowhere: ",
        ),
    ] {
        at(flags).check(2, &[&[told]]);
    }
    let plain = "archive --port 0 --login http://idp.example.com/ --rules rules.json";
    desk.run(plain)
        .check(2, &[&["--login: it must be the provider's address"]]);
    for flags in ["", "--listened c-1 --rules rules.json"] {
        assert_eq!(at(flags).code, Some(2), "{flags}");
    }
    assert_eq!(desk.run("archive --rules rules.json").code, Some(2));
    // Nobody is in, and nothing is given.
    let served = Served::start(&desk, &format!("{login} --rules rules.json --json"));
    for path in ["/", "/api/recordings", "/api/recordings.csv", "/archive.js"] {
        let answer = served.get(&served.address, path);
        assert!(answer.starts_with("HTTP/1.1 401"), "{path}: {answer}");
    }
    // The provider is not there.
    let answer = served.get(&served.address, "/login");
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    // Who runs it reads why somebody was refused.
    let served = Served::start_told(&desk, &format!("{login} --rules rules.json --json"));
    served.get_with("/api/recordings", "Cookie: callreel-session=forged\r\n");
    let answer = served.get_with("/login/callback?code=x&state=y", "Accept: text/html\r\n");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let told = served.ended();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    for (line, said) in lines.iter().zip([
        "the cookie is none of ours",
        "belongs to no login that this browser began",
    ]) {
        assert!(
            line.contains("WARN refused") && line.contains(said),
            "{line}"
        );
        assert!(line.contains("from=\"127.0.0.1\""), "{line}");
    }
    let named = format!("{login} --rules rules.json --page-url https://calls.example.com --json");
    let mut named = desk.command(&named);
    let mut child = named.stdout(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    let out = child.stdout.as_mut().unwrap();
    BufReader::new(out).read_line(&mut told).unwrap();
    let _ = child.kill();
    let _ = child.wait();
    assert!(
        told.contains(r#""page":"https://calls.example.com/""#),
        "{told}"
    );
}
