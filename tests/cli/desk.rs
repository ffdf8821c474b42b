//! The folder that a test works in, and what a run of the binary came to.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use callreel::synth::SynthCall;
use serde_json::Value;
use tempfile::TempDir;

use super::event;

/// What a run of the binary came to.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Ended as it should: with this exit code, and told nothing but these errors, one
    /// line each, which hold all of their words in this order.
    #[track_caller]
    pub fn check(self, code: i32, errors: &[&[&str]]) -> Self {
        assert!(!self.err.contains("panicked"), "{}", self.err);
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        let lines: Vec<_> = self.err.lines().collect();
        assert_eq!(lines.len(), errors.len(), "{}", self.err);
        for (line, words) in lines.iter().zip(errors) {
            let mut rest = line
                .strip_prefix("error: ")
                .unwrap_or_else(|| panic!("{line}"));
            for word in *words {
                let at = rest.find(word).unwrap_or_else(|| {
                    panic!("{word:?} is not (behind the word before) in {line}")
                });
                rest = &rest[at + word.len()..];
            }
        }
        self
    }

    /// All went well and nothing was said on standard error.
    #[track_caller]
    pub fn done(self) -> Self {
        self.check(0, &[])
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The cells of a table's rows, heading left out.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        let table = self.out.split("\n\n").next().unwrap_or_default();
        table
            .lines()
            .skip(1)
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
                    .collect()
            })
            .collect()
    }

    /// The paths that the output names.
    pub fn paths(&self) -> Vec<PathBuf> {
        let named = |line: &&str| line.ends_with(".wav") || line.ends_with(".json");
        self.out.lines().filter(named).map(PathBuf::from).collect()
    }
}

/// A folder to work in, gone when the test is over.
pub struct Desk(TempDir);

impl Deref for Desk {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.0.path()
    }
}

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callreel"));
        command
            .args(line.split_whitespace())
            .current_dir(&**self)
            .stdin(Stdio::null());
        command
    }

    /// Runs a line whose words hold no spaces.
    pub fn run(&self, line: &str) -> Ran {
        Ran::of(self.command(line).output().unwrap())
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Every file below a folder: its path, its content, and when it was written.
    pub fn files(&self, folder: &str) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let written = path.metadata().unwrap().modified().unwrap();
                    files.insert(path.clone(), (fs::read(&path).unwrap(), written));
                }
            }
        }
        files
    }

    pub fn names(&self, folder: &str) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        self.files(folder).keys().map(name).collect()
    }

    /// Puts a call's stream where `record` looks for it, and gives its contact record.
    pub fn add_stream(&self, call: &SynthCall, name: &str) -> Value {
        let mut media = Vec::new();
        call.write_stream(&mut media, |_| ()).unwrap();
        self.write(&format!("streams/{name}/{name}.mkv"), media);
        call.contact_record(name)
    }

    pub fn write_event(&self, data: &[Vec<u8>]) {
        self.write("event.json", event(data).to_string());
    }
}
