//! The commands and flags that the docs tell of are those that the command line has.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory;

use super::root;

/// Every command with its flags, without those that all have.
fn built() -> BTreeMap<String, BTreeSet<String>> {
    let command = callreel::cli::Cli::command();
    let commands = command.get_subcommands().filter(|one| !one.is_hide_set());
    let flags = |one: &clap::Command| -> BTreeSet<String> {
        let flags = one.get_arguments().filter(|flag| !flag.is_hide_set());
        flags
            .filter_map(|flag| flag.get_long())
            .map(|flag| format!("--{flag}"))
            .collect()
    };
    commands
        .map(|one| (one.get_name().to_owned(), flags(one)))
        .collect()
}

/// The flags that a text names in backquotes.
fn flags_named(text: &str) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let flags = quoted.filter_map(|quoted| quoted.split_whitespace().next());
    flags
        .filter(|word| word.starts_with("--"))
        .map(str::to_owned)
        .collect()
}

/// Each command's section of the page, with the flags in its table.
fn told(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sections = page.split("\n## `callreel ").skip(1);
    let told = sections.map(|section| {
        let name = section.split([' ', '`']).next().unwrap().to_owned();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let cells = rows
            .filter_map(|row| row.split_once(" | "))
            .map(|(cell, _)| cell);
        (
            name,
            cells
                .flat_map(|cell| flags_named(&format!("`{cell}")))
                .collect(),
        )
    });
    told.collect()
}

#[test]
fn the_commands_page_and_the_command_line_agree() {
    let page = std::fs::read_to_string(root().join("docs/commands.md")).unwrap();
    let told = told(&page);
    let is_whole = cfg!(all(feature = "operate", feature = "sandbox"));
    for (name, flags) in built() {
        let Some(in_page) = told.get(&name) else {
            panic!(
                "docs/commands.md has no section of the command {name}: add \"## `callreel {name} …`\""
            );
        };
        for flag in &flags {
            assert!(
                in_page.contains(flag),
                "docs/commands.md does not tell of {flag} of `callreel {name}`: add a row to its table"
            );
        }
        if is_whole {
            let gone: Vec<_> = in_page.difference(&flags).collect();
            assert!(
                gone.is_empty(),
                "docs/commands.md tells of {gone:?}, which `callreel {name}` does not have: take the rows out"
            );
        }
    }
    if is_whole {
        let gone: Vec<_> = told
            .keys()
            .filter(|name| !built().contains_key(*name))
            .collect();
        assert!(
            gone.is_empty(),
            "docs/commands.md tells of commands that are not there: {gone:?}"
        );
    }
}

#[test]
fn readme_tells_of_every_command() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for name in built().keys() {
        assert!(
            readme.contains(&format!("| `callreel {name}"))
                || readme.contains(&format!(", `callreel {name}")),
            "README's table of commands has no row of `callreel {name}`"
        );
    }
}

/// Each effect of the sandbox's faults is explained where the docs tell of them.
#[cfg(feature = "sandbox")]
#[test]
fn every_fault_of_the_sandbox_is_explained() {
    let page = std::fs::read_to_string(root().join("docs/function.md")).unwrap();
    let section = page.split("### What can go wrong in it").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let script = section
        .split("```json")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let faults: callreel::sandbox::Faults = serde_json::from_str(script).unwrap();
    assert_eq!(faults.rules.len(), 4);
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.flat_map(|row| {
        row[1..]
            .split(" | ")
            .next()
            .unwrap()
            .split('`')
            .skip(1)
            .step_by(2)
    });
    let told: BTreeSet<String> = cells
        .map(|cell| {
            let effect: callreel::sandbox::Effect = serde_json::from_str(cell)
                .unwrap_or_else(|error| panic!("docs/function.md: {cell} is no effect: {error}"));
            effect.name().to_owned()
        })
        .collect();
    let source = std::fs::read_to_string(root().join("src/sandbox/faults.rs")).unwrap();
    let names = source.split("pub const fn name(&self)").nth(1).unwrap();
    let names = names.split("\n    }\n").next().unwrap();
    let names: BTreeSet<String> = names
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert_eq!(
        told, names,
        "docs/function.md, \"What can go wrong in it\", has a row for each effect"
    );
}
