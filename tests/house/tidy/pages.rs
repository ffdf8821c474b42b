//! Every Markdown page: its links and anchors lead somewhere, and it names nothing that a
//! reader of this repository does not have.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::root;

/// Folders without pages of this project.
const NOT_OURS: &[&str] = &[
    "target",
    "out",
    "demo",
    "sandbox",
    "sandbox-redrive",
    "node_modules",
];

/// All Markdown files, relative to the repository.
fn pages() -> Vec<PathBuf> {
    let mut folders = vec![root().to_owned()];
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_ours = !name.starts_with('.') && !NOT_OURS.contains(&name.as_str());
            if path.is_dir() && !path.is_symlink() && is_ours {
                folders.push(path);
            } else if name.ends_with(".md") {
                pages.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    pages.sort();
    assert!(pages.len() >= 12, "the pages are found: {pages:?}");
    pages
}

fn read(page: &Path) -> String {
    std::fs::read_to_string(root().join(page)).unwrap()
}

/// The lines outside of code blocks, each with its number.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let lines = (1..).zip(text.lines());
    lines
        .filter(|(_, line)| {
            let is_fence = line.trim_start().starts_with("```");
            in_code ^= is_fence;
            !in_code && !is_fence
        })
        .collect()
}

/// A heading's anchor, as GitHub makes it: lower case, blanks as hyphens, and of the other
/// characters letters, digits, hyphens and underscores alone.
fn anchor(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ => letter.is_alphanumeric().then_some(letter),
        })
        .collect()
}

fn anchors(page: &Path) -> BTreeSet<String> {
    let text = read(page);
    let headings = prose(&text).into_iter().filter_map(|(_, line)| {
        let heading = line.trim_start_matches('#');
        (heading.len() < line.len()).then(|| anchor(heading))
    });
    let mut anchors = BTreeSet::new();
    for heading in headings {
        assert!(
            anchors.insert(heading.clone()),
            "{}: two headings have the anchor #{heading}, so that a link to it leads to the first only; word one of \
             them otherwise",
            page.display()
        );
    }
    anchors
}

/// What the links of a line lead to: `](target)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let rest = line.split("](").skip(1);
    rest.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// A path relative to the repository, without `..` in it; none if it leads out.
fn within(page: &Path, target: &str) -> Option<PathBuf> {
    let mut path = page.parent().unwrap().to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[test]
fn every_relative_link_and_anchor_leads_somewhere() {
    let mut checked = 0;
    for page in pages() {
        let text = read(&page);
        for (number, line) in prose(&text) {
            for target in targets(line).filter(|target| !target.contains("://")) {
                let place = format!("{}:{number}: ({target})", page.display());
                let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
                let path = match path {
                    "" => page.clone(),
                    path => within(&page, path)
                        .unwrap_or_else(|| panic!("{place} leads out of the repository")),
                };
                assert!(
                    root().join(&path).exists(),
                    "{place}: there is no {}; correct the path, which is relative to the page",
                    path.display()
                );
                assert!(
                    fragment.is_empty() || anchors(&path).contains(fragment),
                    "{place}: {} has no heading with that anchor; it has {:?}",
                    path.display(),
                    anchors(&path)
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "the links are found: {checked}");
}

#[test]
fn no_page_names_a_path_outside_of_the_repository() {
    for page in pages() {
        let text = read(&page);
        for (number, line) in (1..).zip(text.lines()) {
            let words = line
                .split(|letter: char| letter.is_whitespace() || "`()[]<>\"'|,;=".contains(letter));
            for word in words.filter(|word| word.split('/').any(|part| part == "..")) {
                let path = word.split('#').next().unwrap();
                assert!(
                    within(&page, path).is_some(),
                    "{}:{number} names {word}, which lies outside of the repository, where no reader has it; \
                     say it without",
                    page.display()
                );
            }
            assert!(
                !["/work/", "/home/", "/Users/"]
                    .iter()
                    .any(|start| line.contains(start)),
                "{}:{number} names a folder of somebody's machine: {line}",
                page.display()
            );
        }
    }
}

/// What stands in backquotes and begins as a path of the sources is there.
#[test]
fn the_paths_that_pages_name_are_there() {
    let starts = ["src/", "tests/", "docs/", "events/", ".ci/", "fuzz/"];
    let mut checked = 0;
    for page in pages()
        .iter()
        .filter(|page| !page.ends_with("CHANGELOG.md"))
    {
        let text = read(page);
        for (number, line) in prose(&text) {
            let quoted = line.split('`').skip(1).step_by(2);
            for path in quoted.filter(|path| starts.iter().any(|start| path.starts_with(start))) {
                let path = path.split([':', ' ']).next().unwrap();
                let is_pattern = path.contains(['*', '{', '…']);
                assert!(
                    is_pattern || root().join(path).exists(),
                    "{}:{number} names {path}, which is not there: correct it",
                    page.display()
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 60, "the paths are found: {checked}");
}

#[test]
fn anchors_are_githubs() {
    #[track_caller]
    fn check(heading: &str, expected: &str) {
        assert_eq!(anchor(heading), expected);
    }
    check("Who may listen", "who-may-listen");
    check("4. Check that it works", "4-check-that-it-works");
    check(
        "Deleting one customer's recordings",
        "deleting-one-customers-recordings",
    );
    check("`callreel record EVENT.json`", "callreel-record-eventjson");
    check("The role of `again`", "the-role-of-again");
    check(
        "One `StorageType`, or two_words",
        "one-storagetype-or-two_words",
    );
}
