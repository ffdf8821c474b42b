//! Keeps the house in order: the layering of the design, outside crates where they
//! belong, files of readable length, and what README promises.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};

#[cfg(feature = "cli")]
#[path = "tidy/commands.rs"]
mod commands;
#[path = "tidy/pages.rs"]
mod pages;

/// The pure modules: no shell, no edge, no I/O, no clock, no environment, no logging.
const CORE: &[&str] = &[
    "aggregated",
    "assembly",
    "attributes",
    "attribution",
    "batch",
    "contact",
    "demux",
    "doctor",
    "failure",
    "fragment",
    "json",
    "key",
    "levels",
    "parked",
    "permissions",
    "plan",
    "redrive",
    "request",
    "synth",
    "ticks",
    "timeline",
    "verdict",
    "wav",
];
/// The shell may use the core, and of edges and runtimes nothing.
const SHELL: &[&str] = &[
    "config",
    "forget",
    "function",
    "port",
    "recorder",
    "redrive_run",
];
/// Each edge may use core and shell, and no other edge.
const EDGES: &[&str] = &["aws", "local"];
/// These put shell and edges together.
const TOPS: &[&str] = &["cli", "lambda", "sandbox"];

/// Outside crates that have few users, and these.
const SOLE_USERS: &[(&str, &[&str])] = &[
    ("webm_iterable", &["demux"]),
    ("ebml_iterable", &["demux"]),
    ("memchr", &["demux"]),
    ("hound", &["wav"]),
    ("base64", &["batch", "parked", "synth"]),
    ("time::", &["ticks"]),
    ("sha2", &["aws", "key", "local"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("futures_executor", &["cli"]),
    (
        "futures_util",
        &[
            "aws",
            "cli",
            "function",
            "local",
            "recorder",
            "redrive_run",
            "sandbox",
        ],
    ),
    ("tokio", &["aws", "bin", "cli", "lambda", "sandbox"]),
    ("aws_sdk", &["aws"]),
    ("aws_config", &["aws"]),
    ("aws_smithy", &["aws"]),
];
/// What a pure module does not touch.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "time::SystemTime",
    "time::Instant",
    "println!",
    "eprintln!",
    "async fn",
];
/// Production lines of a file at the most.
const MAX_LINES: usize = 500;

struct Source {
    path: PathBuf,
    /// The first part of its module path: `demux` for src/demux/block.rs.
    module: String,
    /// Without its tests and comments.
    code: String,
    lines: usize,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut folders = vec![root().join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                sources.push(read_source(path));
            }
        }
    }
    assert!(sources.len() > 30, "the sources are found");
    sources
}

fn read_source(path: PathBuf) -> Source {
    let text = std::fs::read_to_string(&path).unwrap();
    let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code = production
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let module = relative
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy();
    Source {
        module: module.trim_end_matches(".rs").to_owned(),
        code: code.collect::<Vec<_>>().join("\n"),
        lines: production.lines().count(),
        path,
    }
}

/// Modules of this crate that the code names, by `crate::` or `callreel::`.
fn modules_named(code: &str) -> Vec<String> {
    let named = code.split("crate::").skip(1).map(|rest| {
        rest.chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect()
    });
    named.filter(|name: &String| !name.is_empty()).collect()
}

#[test]
fn layers_import_downwards_only() {
    for source in sources() {
        let allowed: Vec<&str> = match source.module.as_str() {
            module if CORE.contains(&module) => CORE.to_vec(),
            module if SHELL.contains(&module) => [CORE, SHELL].concat(),
            module if TOPS.contains(&module) => [CORE, SHELL, EDGES, TOPS].concat(),
            module if EDGES.contains(&module) => [CORE, SHELL, &[module]].concat(),
            "lib" | "bin" => continue,
            other => panic!("{other} has no layer: give it one in tests/tidy.rs and in lib.rs"),
        };
        for named in modules_named(&source.code) {
            assert!(
                allowed.contains(&named.as_str()),
                "{} uses {named}, which its layer may not: the map in src/lib.rs says who may use whom",
                source.path.display()
            );
        }
    }
}

#[test]
fn the_core_is_pure() {
    for source in sources()
        .into_iter()
        .filter(|source| CORE.contains(&source.module.as_str()))
    {
        for impure in IMPURE {
            assert!(
                !source.code.contains(impure),
                "{} uses {impure}, and the core is pure: take the value as an argument",
                source.path.display()
            );
        }
    }
}

#[test]
fn outside_crates_have_the_users_they_are_meant_for() {
    for source in sources() {
        for (outside, users) in SOLE_USERS {
            let uses = source.code.contains(&format!("use {outside}"))
                || source.code.contains(&format!(" {outside}::"));
            let allowed = users.contains(&source.module.as_str());
            assert!(
                !uses || allowed,
                "{} uses {outside}, which only {users:?} may: call them, or add a row to SOLE_USERS in tests/tidy.rs",
                source.path.display()
            );
        }
    }
}

#[test]
fn files_stay_readable() {
    for source in sources() {
        assert!(
            source.lines <= MAX_LINES,
            "{} has {} lines above its tests, and {MAX_LINES} are the most: split it by what its parts are for",
            source.path.display(),
            source.lines
        );
    }
}

#[test]
fn the_map_names_every_module() {
    let map = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for module in [CORE, SHELL, EDGES, TOPS].concat() {
        assert!(
            map.contains(&format!("pub mod {module};")),
            "src/lib.rs does not declare {module}: add `pub mod {module};`, or take it from its layer in tests/tidy.rs"
        );
        assert!(
            ["aws", "cli", "lambda", "sandbox"].contains(&module)
                || map.contains(&format!("[`{module}`]")),
            "the map at the head of src/lib.rs does not name [`{module}`]: add it"
        );
    }
}

#[test]
fn the_example_event_is_what_lambda_gets() {
    let event = std::fs::read(root().join("events/kinesis-event.json")).unwrap();
    let (_, records) = callreel::batch::read_event(&event).unwrap();
    let contacts = records.iter().filter(|record| {
        let data = record.data.as_ref().unwrap();
        callreel::contact::read_contact_records(data)
            .iter()
            .any(Result::is_ok)
    });
    assert!(contacts.count() >= 2);
}

#[test]
fn docs_document_every_field_of_the_verdict() {
    let docs = std::fs::read_to_string(root().join("docs/verdict.md")).unwrap();
    let verdict = std::fs::read_to_string(root().join("src/verdict.rs")).unwrap();
    let fields = verdict
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "));
    let mut checked = 0;
    for (field, _) in fields.filter(|(field, _)| !field.contains(' ')) {
        assert!(
            docs.contains(&format!("`{field}`")),
            "docs/verdict.md, \"The contract\", does not tell of the verdict's `{field}`: add it to a row"
        );
        checked += 1;
    }
    assert!(checked > 40, "the fields are found");
    assert!(docs.contains(callreel::verdict::SCHEMA));
}

#[test]
fn the_docs_list_every_setting_with_its_default_and_meaning() {
    let page = std::fs::read_to_string(root().join("docs/function.md")).unwrap();
    for setting in callreel::config::SETTINGS {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", setting.name)));
        let row = row.unwrap_or_else(|| {
            panic!(
                "docs/function.md, \"Settings\", does not list {}: add a row",
                setting.name
            )
        });
        assert!(
            row.contains(setting.default) && row.contains(setting.meaning),
            "docs/function.md tells of {} otherwise than SETTINGS in src/config.rs: {row}",
            setting.name
        );
    }
}

/// One version of Rust, wherever it is said, and the libraries for both of Lambda's architectures.
#[test]
fn the_toolchain_is_the_manifests_rust() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let toolchain = std::fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let value = |text: &str, name: &str| -> String {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(&format!("{name} = \"")));
        line.unwrap_or_else(|| panic!("{name} is there"))
            .trim_end_matches('"')
            .to_owned()
    };
    let (pinned, least) = (
        value(&toolchain, "channel"),
        value(&manifest, "rust-version"),
    );
    assert!(pinned.starts_with(&format!("{least}.")), "{pinned} {least}");
    for target in ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"] {
        assert!(toolchain.contains(&format!("\"{target}\"")), "{target}");
    }
}

/// What docs/threats.md points at, `path` or `path::test`, is there.
#[test]
fn the_threats_point_at_what_is_there() {
    let page = std::fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let starts = ["src/", "tests/", "fuzz/", ".ci/"];
    let ends = [".yaml", ".toml", "Cargo.lock"];
    let quoted = page.split('`').skip(1).step_by(2);
    let pointers = quoted.filter(|text| {
        let is_path = !text.contains(char::is_whitespace);
        let shaped = starts.iter().any(|start| text.starts_with(start))
            || ends.iter().any(|end| text.ends_with(end));
        is_path && shaped
    });
    let (mut files, mut tests) = (0, 0);
    for pointer in pointers {
        let (path, test) = match pointer.split_once("::") {
            Some((path, test)) => (path, Some(test)),
            None => (pointer, None),
        };
        let path = root().join(path);
        assert!(path.exists(), "{pointer}");
        files += 1;
        if let Some(test) = test {
            let source = std::fs::read_to_string(&path).unwrap();
            assert!(source.contains(&format!("fn {test}(")), "{pointer}");
            tests += 1;
        }
    }
    assert!(files > 20 && tests > 10, "{files} {tests}");
}

#[test]
fn the_doctors_page_and_its_checks_agree() {
    let page = std::fs::read_to_string(root().join("docs/doctor.md")).unwrap();
    let table = page.split("## What is checked").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let rows: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let listed: Vec<_> = callreel::doctor::CHECKS
        .iter()
        .map(|check| format!("| `{}` | {} | {} |", check.name, check.asks, check.cure))
        .collect();
    for (row, listed) in rows.iter().zip(&listed) {
        assert_eq!(
            row, listed,
            "docs/doctor.md, \"What is checked\": the row on the right is what CHECKS in src/doctor.rs says"
        );
    }
    assert_eq!(
        rows.len(),
        listed.len(),
        "docs/doctor.md, \"What is checked\", has a row for each of CHECKS in src/doctor.rs, in their order"
    );
}

/// What the doctor asks of AWS is what its page tells the caller to allow.
#[test]
fn the_doctors_page_and_the_permissions_it_names_agree() {
    let page = std::fs::read_to_string(root().join("docs/doctor.md")).unwrap();
    let table = page.split("## What the caller needs").nth(1).unwrap();
    let named = |text: &str, quote: char| -> std::collections::BTreeSet<String> {
        let words = text.split(quote).skip(1).step_by(2);
        let words = words.filter_map(|word| word.split_whitespace().next());
        let shaped = |word: &&str| {
            word.split_once(':').is_some_and(|(service, action)| {
                service
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter == '3')
                    && action.starts_with(|letter: char| letter.is_ascii_uppercase())
            })
        };
        words.filter(shaped).map(str::to_owned).collect()
    };
    let told = named(table, '`');
    let asked: std::collections::BTreeSet<_> = sources()
        .into_iter()
        .filter(|source| source.path.to_string_lossy().contains("aws/deployment"))
        .flat_map(|source| named(&source.code, '"'))
        .collect();
    assert!(asked.len() > 10, "{asked:?}");
    // These two are named within longer sentences of the code.
    let in_sentences = ["lambda:ListFunctions", "lambda:ListTags"];
    let missing: Vec<_> = asked.difference(&told).collect();
    assert!(
        missing.is_empty(),
        "docs/doctor.md, \"What the caller needs\", does not name {missing:?}, which src/aws/deployment asks: add them"
    );
    let idle: Vec<_> = told
        .difference(&asked)
        .filter(|name| !in_sentences.contains(&name.as_str()))
        .collect();
    assert!(
        idle.is_empty(),
        "docs/doctor.md, \"What the caller needs\", names {idle:?}, which src/aws/deployment does not ask: take them out"
    );
}
