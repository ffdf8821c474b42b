//! The walls of the house: who may use whom. The sources are parsed, so that every way of
//! naming a module counts: `use` trees, `super`, paths in code and within macros. What only
//! tests use is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::root;

/// The storeys of the house, from the ground up. A module may use those of the storeys
/// below its own, and none beside it.
const STOREYS: &[(Layer, &[&str])] = &[
    (Layer::Pure, &["media", "sha256"]),
    (Layer::Pure, &["html", "json", "object_key"]),
    (Layer::Pure, &["failure"]),
    (Layer::Pure, &["event"]),
    (Layer::Pure, &["connect"]),
    (Layer::Pure, &["recording", "permissions", "synth"]),
    (Layer::Pure, &["archive", "voicemail", "monitor"]),
    (Layer::Pure, &["doctor", "settings"]),
    (Layer::Shell, &["clock", "lock", "port", "side_by_side"]),
    (Layer::Shell, &["message_source", "recorder"]),
    (
        Layer::Shell,
        &[
            "answering",
            "batches",
            "capture",
            "deliver",
            "extract",
            "redrive_run",
            "forget",
            "listened",
            "watch",
        ],
    ),
    (Layer::Shell, &["shelves", "verify"]),
    (Layer::Edge, &["aws", "local", "web"]),
    (Layer::Top, &["sandbox", "wiring"]),
    (Layer::Top, &["cli", "lambda"]),
];

/// Of the shell, an edge may use this.
const OF_THE_SHELL_FOR_EDGES: &[&str] = &["clock", "lock", "port", "shelves"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Pure,
    Shell,
    Edge,
    Top,
}

/// Outside crates, and the modules that may use them: no others may.
const USERS: &[(&str, &[&str])] = &[
    ("aws_config", &["aws"]),
    ("aws_lambda_events", &["lambda"]),
    ("aws_lc_rs", &["sandbox::oidc", "sha256", "web::login"]),
    ("aws_runtime", &["aws"]),
    ("aws_sdk_*", &["aws"]),
    ("aws_smithy_*", &["aws"]),
    ("aws_types", &["aws"]),
    (
        "axum",
        &["lambda::archive", "sandbox::pump", "web", "wiring::archive"],
    ),
    ("base64", &["event", "failure", "sandbox", "synth", "web"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("crc_fast", &["aws::s3::checksum", "sandbox::checksums"]),
    ("ebml_iterable", &["media::demux"]),
    ("futures_executor", &["cli"]),
    (
        "futures_util",
        &[
            "answering",
            "aws",
            "batches",
            "cli",
            "deliver",
            "extract",
            "forget",
            "listened",
            "recorder",
            "redrive_run",
            "sandbox",
            "shelves",
            "side_by_side",
            "verify",
            "web",
        ],
    ),
    ("hound", &["media::wav"]),
    ("hyper", &["sandbox"]),
    ("hyper_rustls", &["web::login"]),
    ("hyper_util", &["sandbox", "web::login"]),
    ("indicatif", &["cli"]),
    ("jiff", &["cli::monitor::live"]),
    ("jsonwebtoken", &["web::login"]),
    ("lambda_runtime", &["lambda"]),
    ("mail_builder", &["voicemail::mail"]),
    ("memchr", &["media::demux"]),
    (
        "percent_encoding",
        &["object_key", "sandbox", "voicemail::mail", "web"],
    ),
    ("rcgen", &["sandbox"]),
    ("realfft", &["media::spectrum"]),
    ("rustls", &["sandbox", "web::login"]),
    ("s3s", &["sandbox"]),
    ("s3s_fs", &["sandbox"]),
    ("sha2", &["sha256"]),
    ("time", &["media::ticks"]),
    ("tokio", &["aws", "bin", "cli", "lambda", "sandbox", "web"]),
    ("tokio_rustls", &["sandbox"]),
    ("tracing", &["aws", "lambda", "web::login"]),
    ("tracing_subscriber", &["cli::archive::log", "lambda"]),
    ("unicode_width", &["cli"]),
    ("webm_iterable", &["media::demux"]),
];

/// What a pure module does not touch: paths that begin so, and words.
const IMPURE_PATHS: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
];
const IMPURE_WORDS: &[&str] = &[
    "SystemTime",
    "Instant",
    "stdin",
    "stdout",
    "stderr",
    "println",
    "eprintln",
    "print",
    "eprint",
    "dbg",
];

/// Production lines of a file at the most.
const MAX_LINES: usize = 500;

/// One file of src/, without its tests.
pub struct Source {
    /// Below src/, e.g. `media/demux/block.rs`.
    pub path: String,
    /// Its text up to its tests, without lines that are comments.
    pub code: String,
    /// `media::demux::block`.
    module: String,
    /// What it names: modules of the house without `crate`, and outside paths.
    inside: BTreeSet<String>,
    outside: BTreeSet<String>,
    is_async: bool,
    lines: usize,
}

/// All sources, parsed once.
pub fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(read_sources)
}

fn read_sources() -> Vec<Source> {
    let mut folders = vec![root().join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs")
                && path.file_name().is_some_and(|name| name != "tests.rs")
            {
                sources.push(read_source(&path));
            }
        }
    }
    assert!(sources.len() > 100, "the sources are found");
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

fn read_source(path: &Path) -> Source {
    let text = std::fs::read_to_string(path).unwrap();
    let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code = production
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let path = path.strip_prefix(root().join("src")).unwrap();
    let path = path.to_string_lossy().replace('\\', "/");
    let module = path.trim_end_matches(".rs").replace('/', "::");
    let mut names = Names {
        module: match module.as_str() {
            "lib" => Vec::new(),
            module => module.split("::").map(str::to_owned).collect(),
        },
        ..Names::default()
    };
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("src/{path}: {error}"));
    names.visit_file(&parsed);
    let imported = &names.imported;
    names.outside.retain(|path| !imported.contains(top(path)));
    Source {
        lines: production.lines().count(),
        code: code.collect::<Vec<_>>().join("\n"),
        inside: names.inside,
        outside: names.outside,
        is_async: names.is_async,
        module,
        path,
    }
}

/// Collects what a file names, leaving out what only tests build.
#[derive(Default)]
struct Names {
    module: Vec<String>,
    inside: BTreeSet<String>,
    outside: BTreeSet<String>,
    /// Names that a `use` brought in: `time` of `use tokio::time` is no crate.
    imported: BTreeSet<String>,
    is_async: bool,
}

impl Names {
    fn add(&mut self, segments: &[String]) {
        let mut base = self.module.clone();
        let mut rest = segments;
        match segments.first().map(String::as_str) {
            Some("crate" | "callreel") => {
                base.clear();
                rest = &segments[1..];
            }
            Some("self" | "super") => {
                while let Some(first) = rest.first() {
                    match first.as_str() {
                        "self" => {}
                        "super" => drop(base.pop()),
                        _ => break,
                    }
                    rest = &rest[1..];
                }
            }
            Some(_) => {
                self.outside.insert(segments.join("::"));
                return;
            }
            None => return,
        }
        base.extend_from_slice(rest);
        self.inside.insert(base.join("::"));
    }

    fn add_tree(&mut self, tree: &syn::UseTree, before: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add_tree(&path.tree, before);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, before);
                }
            }
            syn::UseTree::Name(name) if name.ident == "self" => self.add(before),
            syn::UseTree::Name(syn::UseName { ident })
            | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                before.push(ident.to_string());
                self.add(before);
                before.pop();
                if !before.is_empty() {
                    self.imported.insert(ident.to_string());
                }
            }
            syn::UseTree::Glob(_) => self.add(before),
        }
    }

    /// A macro's arguments are no syntax yet: paths are what is joined by `::`.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.add(&std::mem::take(&mut path));
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => colons += 1,
                TokenTree::Group(group) => {
                    self.add(&std::mem::take(&mut path));
                    self.add_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.add(&std::mem::take(&mut path));
                }
            }
        }
        self.add(&path);
    }
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && matches!(&attribute.meta, syn::Meta::List(list)
                    if list.tokens.to_string() == "test")
    })
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_of_tests(&item.attrs) {
            return;
        }
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_of_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_of_tests(&item.attrs) {
            self.add_tree(&item.tree, &mut Vec::new());
        }
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.is_async |= signature.asyncness.is_some();
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, expression: &'ast syn::ExprAsync) {
        self.is_async = true;
        visit::visit_expr_async(self, expression);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter();
        let segments: Vec<_> = segments.map(|segment| segment.ident.to_string()).collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        self.visit_path(attribute.path());
    }
}

impl Source {
    /// The storey of its top-level module; none for lib.rs and the binaries.
    fn storey(&self) -> Option<usize> {
        let top = top(&self.module);
        let found = storey(top);
        assert!(
            found.is_some() || ["lib", "bin"].contains(&top),
            "src/{}: {top} has no storey. Give it one in STOREYS of tests/house/tidy/walls.rs and a line in the map of src/lib.rs",
            self.path
        );
        found
    }

    fn is_in(&self, module: &str) -> bool {
        self.module == module || self.module.starts_with(&format!("{module}::"))
    }
}

fn top(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

fn storey(module: &str) -> Option<usize> {
    STOREYS
        .iter()
        .position(|(_, modules)| modules.contains(&module))
}

#[test]
fn modules_use_what_lies_below_them() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(own) = source.storey() else { continue };
        for named in &source.inside {
            let named = top(named);
            let Some(other) = storey(named).filter(|_| named != top(&source.module)) else {
                continue;
            };
            let is_of_the_shell = STOREYS[other].0 == Layer::Shell;
            let past_the_port = STOREYS[own].0 == Layer::Edge
                && is_of_the_shell
                && !OF_THE_SHELL_FOR_EDGES.contains(&named);
            if other >= own || past_the_port {
                wrong.push(format!("src/{} uses {named}", source.path));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the storeys of tests/house/tidy/walls.rs:\n{}",
        wrong.join("\n")
    );
}

/// The file that a path names something of, as far as it is one.
fn file_of(path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut path = path;
    while !modules.contains(path) {
        path = path.rsplit_once("::")?.0;
    }
    Some(path.to_owned())
}

#[test]
fn no_two_files_use_each_other() {
    let sources = sources();
    let modules: BTreeSet<_> = sources.iter().map(|source| source.module.clone()).collect();
    let is_within = |one: &str, other: &str| one.starts_with(&format!("{other}::"));
    let uses: BTreeMap<String, BTreeSet<String>> = sources
        .iter()
        .map(|source| {
            let files = source
                .inside
                .iter()
                .filter_map(|path| file_of(path, &modules));
            // A file and those in its folder are one thing, told in parts.
            let others = files.filter(|file| {
                *file != source.module
                    && !is_within(file, &source.module)
                    && !is_within(&source.module, file)
            });
            (source.module.clone(), others.collect())
        })
        .collect();
    let reaches = |from: &str| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for next in uses.get(module).into_iter().flatten() {
                if reached.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        reached
    };
    let circular: Vec<_> = modules
        .iter()
        .filter(|module| reaches(module).contains(module.as_str()))
        .collect();
    assert!(
        circular.is_empty(),
        "these use each other, by and by: {circular:?}"
    );
    assert!(
        uses.values().map(BTreeSet::len).sum::<usize>() > 300,
        "uses are found"
    );
}

#[test]
fn the_pure_part_is_pure() {
    for source in sources() {
        let Some(storey) = source.storey() else {
            continue;
        };
        if STOREYS[storey].0 != Layer::Pure {
            continue;
        }
        assert!(!source.is_async, "src/{} is async", source.path);
        for path in &source.outside {
            let impure = IMPURE_PATHS.iter().any(|start| path.starts_with(start))
                || path.split("::").any(|word| IMPURE_WORDS.contains(&word));
            assert!(!impure, "src/{} uses {path}", source.path);
        }
    }
}

#[test]
fn outside_crates_have_the_users_they_are_meant_for() {
    let mut wrong = Vec::new();
    let mut idle: BTreeSet<_> = USERS
        .iter()
        .flat_map(|(outside, users)| users.iter().map(move |user| (*outside, *user)))
        .collect();
    for source in sources() {
        // A word alone is a name of the file's own.
        for path in source.outside.iter().filter(|path| path.contains("::")) {
            let Some((outside, users)) = USERS.iter().find(|(outside, _)| {
                top(path) == *outside
                    || outside
                        .strip_suffix('*')
                        .is_some_and(|start| top(path).starts_with(start))
            }) else {
                continue;
            };
            let user = users.iter().find(|user| source.is_in(user));
            if user.is_none() {
                wrong.push(format!(
                    "src/{} uses {path}, {outside} is for {users:?}",
                    source.path
                ));
            }
            idle.retain(|(one, other)| one != outside || Some(other) != user);
        }
    }
    assert!(
        wrong.is_empty(),
        "against USERS of tests/house/tidy/walls.rs:\n{}",
        wrong.join("\n")
    );
    assert!(idle.is_empty(), "these do not use what they may: {idle:?}");
}

#[test]
fn files_stay_readable() {
    for source in sources() {
        assert!(
            source.lines <= MAX_LINES,
            "src/{} has {} production lines, {MAX_LINES} at the most: split it by what it is about",
            source.path,
            source.lines
        );
    }
}

#[test]
fn the_map_names_every_module() {
    let map = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for module in STOREYS.iter().flat_map(|(_, modules)| modules.iter()) {
        assert!(
            map.contains(&format!("pub mod {module};")),
            "lib.rs declares no {module}, which STOREYS of tests/house/tidy/walls.rs has"
        );
        assert!(
            map.contains(&format!("[`{module}`]")) || map.contains(&format!("`{module}`")),
            "the map of lib.rs does not name {module}"
        );
    }
}
