//! Keeps the house in order: its walls ([`walls`]), and what README and the docs promise.

mod closed;
mod walls;

#[cfg(feature = "cli")]
mod commands;
mod pages;

use std::path::Path;

use walls::sources;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_example_event_is_what_lambda_gets() {
    let event = std::fs::read(root().join("events/kinesis-event.json")).unwrap();
    let (_, records) = callreel::event::batch::read_event(&event).unwrap();
    let contacts = records.iter().filter(|record| {
        let data = record.data.as_ref().unwrap();
        callreel::connect::record::read_contact_records(data)
            .iter()
            .any(Result::is_ok)
    });
    assert!(contacts.count() >= 2);
}

#[test]
fn docs_document_every_field_of_the_verdict() {
    let docs = std::fs::read_to_string(root().join("docs/verdict.md")).unwrap();
    let verdict = std::fs::read_to_string(root().join("src/recording/verdict.rs")).unwrap();
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
    assert!(docs.contains(callreel::recording::verdict::SCHEMA));
}

#[test]
fn the_docs_list_every_setting_with_its_default_and_meaning() {
    let page = std::fs::read_to_string(root().join("docs/function.md")).unwrap();
    for setting in callreel::settings::recorder::SETTINGS {
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
            "docs/function.md tells of {} otherwise than SETTINGS in src/settings/recorder.rs: {row}",
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
            "docs/doctor.md, \"What is checked\": the row on the right is what CHECKS in src/doctor/checks.rs says"
        );
    }
    assert_eq!(
        rows.len(),
        listed.len(),
        "docs/doctor.md, \"What is checked\", has a row for each of CHECKS in src/doctor/checks.rs, in their order"
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
        .iter()
        .filter(|source| source.path.contains("aws/deployment"))
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
