//! One command line, however it was built: all builds list the same commands and know the
//! same flags, and what one lacks it says in one voice how to get.

use std::io::Write;
use std::process::Stdio;

use super::*;

const EVERYTHING: &str = "cargo install --locked --path . --features operate,sandbox";

/// Commands and whether this build has them, besides those that each build has.
const COMMANDS: [(&str, bool); 5] = [
    ("archive", cfg!(feature = "web")),
    ("monitor", cfg!(feature = "web")),
    ("redrive", cfg!(feature = "operate")),
    ("doctor", cfg!(feature = "operate")),
    ("sandbox", cfg!(feature = "sandbox")),
];

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<&str> {
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap();
    let rows = commands.lines().filter_map(|line| line.strip_prefix("  "));
    rows.filter(|row| !row.starts_with(' '))
        .map(|row| row.split(' ').next().unwrap())
        .collect()
}

#[test]
fn all_builds_list_the_same_commands_with_and_without_help() {
    let desk = Desk::new();
    let help = desk.run("--help").done().out;
    assert_eq!(
        listed(&help),
        [
            "record",
            "note",
            "voicemail",
            "redrive",
            "extract",
            "forget",
            "verify",
            "index",
            "peaks",
            "archive",
            "inspect",
            "monitor",
            "synth",
            "doctor",
            "sandbox",
            "completions",
            "man",
            "help"
        ]
    );
    let without = desk.run("");
    assert_eq!((without.code, without.err), (Some(2), help.clone()));
    for (name, built) in COMMANDS {
        let row = help.split(&format!("\n  {name} ")).nth(1).unwrap();
        let row = row.split("\n  ").next().unwrap();
        let words = desk.run(&format!("help {name}")).done().out;
        assert_eq!(
            help.contains("(not in this build)") && !built,
            !built,
            "{row}"
        );
        assert_eq!(words.contains(EVERYTHING), !built, "{words}");
        assert!(!words.contains("README tells of"), "{words}");
    }
}

#[test]
fn what_a_build_lacks_it_says_how_to_get() {
    let desk = Desk::new();
    let check = |line: &str, what: &str| {
        let ran = desk.run(line).check(
            1,
            &[&[
                "this callreel was built without ",
                what,
                "; build one that has everything with `",
                EVERYTHING,
            ]],
        );
        assert!(ran.out.is_empty(), "{}", ran.out);
        let json = desk.run(&format!("{line} --json")).json();
        assert_eq!(json["schema"], "callreel.error/1");
        assert!(json["error"].as_str().unwrap().contains(EVERYTHING));
    };
    for (name, built) in COMMANDS {
        if !built {
            check(name, "this command");
            // Lines are broken where the terminal ends, between any two words.
            let help = desk.run(&format!("{name} --help")).done().out;
            let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
            for word in ["(not in this build)", EVERYTHING, "20 minutes", "7 GB"] {
                assert!(help.contains(word), "{name} lacks {word}: {help}");
            }
            check(&format!("{name} --since 2026-01-01"), "this command");
        }
    }
    if !cfg!(feature = "operate") {
        check("record --aws event.json", "--aws");
        check("record event.json --profile p --aws", "--profile");
        check(
            "record event.json --endpoint-url http://localhost",
            "--endpoint-url",
        );
        check("forget --contact c --aws", "--aws");
        check("forget --contact c --queue https://q", "--queue");
        check(
            "forget --contact c --failure-bucket s3://b",
            "--failure-bucket",
        );
        check("verify --aws", "--aws");
        check("archive --bucket b", "--bucket");
        check("record event.json --stack s", "--stack");
    }
    // What no build has is no question of builds.
    for line in ["extract a.mkv --aws", "record event.json --colour"] {
        let ran = desk.run(line);
        assert_eq!(ran.code, Some(2));
        assert!(!ran.err.contains(EVERYTHING), "{}", ran.err);
    }
}

#[test]
#[cfg(feature = "operate")]
fn flags_of_aws_say_nothing_without_it() {
    let desk = Desk::new();
    desk.run("synth --seconds 1").done();
    for command in ["record demo/event.json", "forget --contact c", "verify"] {
        for flag in [
            "--region r",
            "--profile p",
            "--endpoint-url http://e",
            "--stack s",
        ] {
            let ran = desk.run(&format!("{command} {flag}"));
            assert_eq!(ran.code, Some(2), "{command} {flag}: {}", ran.err);
            assert!(ran.err.contains("  --aws\n"), "{}", ran.err);
        }
    }
    assert!(!desk.join("out").exists());
}

#[test]
#[cfg(feature = "operate")]
fn a_profile_that_is_not_there_is_named_with_those_that_are() {
    let desk = Desk::new();
    desk.run("synth --seconds 1").done();
    desk.write(
        "config",
        "[default]\nregion = us-east-1\n[profile work]\nregion = us-east-1\n",
    );
    for line in [
        "record demo/event.json --aws --profile nope",
        "doctor --profile nope",
    ] {
        let mut command = desk.command(line);
        command.env("AWS_CONFIG_FILE", desk.join("config"));
        command.env("AWS_SHARED_CREDENTIALS_FILE", desk.join("none"));
        let ran = Ran::of(command.output().unwrap());
        ran.check(
            1,
            &[&["there is no profile nope in ", "; give one of ", "work"]],
        );
    }
}

#[test]
#[cfg(feature = "operate")]
fn credentials_that_nobody_gave_are_told_in_a_line() {
    let desk = Desk::new();
    desk.run("synth --seconds 1").done();
    let mut command = desk.command("record demo/event.json --aws --region us-east-1");
    command
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("RECORDINGS_BUCKET_NAME", "bucket")
        .env("CLOUDFRONT_DOMAIN", "d111111abcdef8.cloudfront.net");
    let ran = Ran::of(command.output().unwrap());
    let ran = ran.check(
        1,
        &[&[
            "GetObject: there are no credentials, ",
            "; give the recorder a role",
        ]],
    );
    assert!(ran.err.len() < 420, "{}", ran.err);
}

#[test]
#[cfg(feature = "aws")]
fn the_function_says_what_it_is_to_whoever_starts_it_by_hand() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recorder"));
    let ran = Ran::of(command.arg("--help").output().unwrap()).done();
    assert!(ran.out.contains("Lambda function") && ran.out.contains("callreel record"));
}

#[test]
fn shells_and_manuals_know_every_command_and_flag() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.run(&format!("completions {shell}")).done().out;
        for word in ["record", "redrive", "cloudfront-domain", "untagged-tail"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    assert_eq!(desk.run("completions cobol").code, Some(2));
    let page = desk.run("man").done().out;
    assert!(
        page.contains(".TH callreel 1") && page.contains(r"callreel\-inspect"),
        "{page}"
    );
    let page = desk.run("man record").done().out;
    assert!(
        page.contains("TH callreel\\-record 1") || page.contains("TH callreel-record 1"),
        "{page}"
    );
    assert!(page.contains(r"\-\-cloudfront\-domain"), "{page}");
    assert!(
        page.contains(r"[\-\-streams DIR]"),
        "the synopsis names values: {page}"
    );
    let title = page.lines().find(|line| line.starts_with(".TH")).unwrap();
    assert!(title.contains(env!("CARGO_PKG_VERSION")), "{title}");
    desk.run("man replay")
        .check(2, &[&["replay is no command; give one of ", "record"]]);
}

#[test]
fn an_event_can_come_from_standard_input() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    let mut command = desk.command("record - --streams demo/streams");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let event = fs::read(desk.join("demo/event.json")).unwrap();
    child.stdin.take().unwrap().write_all(&event).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).done();
    assert_eq!(ran.rows()[0][2], "complete");
    // Without anything on it, it is called by its name.
    desk.run("record -")
        .check(1, &[&["standard input: not JSON"]]);
}

#[test]
fn the_examples_streams_are_found_from_any_folder() {
    let desk = Desk::new();
    let event = Path::new(env!("CARGO_MANIFEST_DIR")).join("events/one-call.json");
    let ran = desk.run(&format!("record {}", event.display())).done();
    assert_eq!(ran.rows()[0][2], "complete");
}
