//! What Connect knows of contacts: contact records in a folder, one JSON file each. Only
//! the fields that a recorder needs are answered, in the shape of the API: times are
//! seconds since 1970.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Refusal, Reply, json_reply, parse};
use crate::lock::lock;
use crate::media::ticks::EpochMillis;

/// Contacts of a page when the call does not say, and at the most.
const DEFAULT_PAGE: usize = 10;
const MAX_PAGE: usize = 100;

#[derive(Debug)]
pub(super) struct Records {
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Search {
    time_range: TimeRange,
    #[serde(default)]
    search_criteria: Criteria,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeRange {
    r#type: String,
    start_time: f64,
    end_time: f64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Criteria {
    #[serde(default)]
    channels: Vec<String>,
}

impl Records {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// `DescribeContact`.
    pub(super) fn describe(&self, contact: &str) -> Result<Reply, Refusal> {
        let records = self.load()?;
        let record = records
            .iter()
            .find(|record| record["ContactId"] == contact)
            .ok_or_else(|| Refusal::new(404, "ResourceNotFoundException", contact))?;
        let recordings = record["Recordings"].as_array().into_iter().flatten();
        let recordings: Vec<_> = recordings.map(recording).collect();
        let contact = json!({
            "Id": contact,
            "InitialContactId": record["InitialContactId"],
            "PreviousContactId": record["PreviousContactId"],
            "Channel": record["Channel"],
            "InitiationTimestamp": seconds(&record["InitiationTimestamp"]),
            "Recordings": recordings,
        });
        Ok(json_reply(&json!({ "Contact": contact })))
    }

    /// `SearchContacts`, by the time of initiation and by channel.
    pub(super) fn search(&self, body: &[u8]) -> Result<Reply, Refusal> {
        let invalid = "InvalidParameterException";
        let asked: Search = parse(body, invalid)?;
        if asked.time_range.r#type != "INITIATION_TIMESTAMP" {
            return Err(Refusal::new(400, invalid, "only INITIATION_TIMESTAMP here"));
        }
        let range = asked.time_range.start_time..asked.time_range.end_time;
        let channels = &asked.search_criteria.channels;
        let mut found = self.load()?;
        found.retain(|record| {
            let channel = record["Channel"].as_str().unwrap_or_default();
            let began = seconds(&record["InitiationTimestamp"]).as_f64();
            (channels.is_empty() || channels.iter().any(|wanted| wanted == channel))
                && began.is_some_and(|began| range.contains(&began))
        });
        let from: usize = match &asked.next_token {
            None => 0,
            Some(token) => token
                .parse()
                .map_err(|error| Refusal::new(400, invalid, format!("NextToken: {error}")))?,
        };
        let count = asked.max_results.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
        let page = found.iter().skip(from).take(count).map(|record| {
            json!({
                "Id": record["ContactId"],
                "Channel": record["Channel"],
                "InitiationTimestamp": seconds(&record["InitiationTimestamp"]),
            })
        });
        let page: Vec<_> = page.collect();
        let next = from + page.len();
        let token = (next < found.len()).then(|| next.to_string());
        Ok(json_reply(
            &json!({"Contacts": page, "NextToken": token, "TotalCount": found.len()}),
        ))
    }

    /// All records, in the order of their files' names.
    fn load(&self) -> io::Result<Vec<Value>> {
        let mut paths = Vec::new();
        match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => {
                for entry in entries? {
                    paths.push(entry?.path());
                }
            }
        }
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        });
        paths.sort();
        let records = paths
            .iter()
            .map(|path| Ok(serde_json::from_slice(&fs::read(path)?)?));
        records.collect()
    }
}

/// With which contact the call of each contact began, as its record says; a record is read
/// once.
#[derive(Debug)]
pub(super) struct Initials {
    folder: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    files: HashSet<OsString>,
    initials: HashMap<String, String>,
}

impl Initials {
    /// From records in a folder.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            known: Mutex::default(),
        }
    }

    /// The first contact of a contact's call; itself, where nothing else is known.
    pub(super) fn of(&self, contact: &str) -> io::Result<String> {
        let mut known = lock(&self.known);
        if !known.initials.contains_key(contact) {
            known.read(&self.folder)?;
        }
        let initial = known.initials.get(contact);
        Ok(initial.map_or_else(|| contact.to_owned(), Clone::clone))
    }
}

impl Known {
    fn read(&mut self, folder: &Path) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let is_json = Path::new(&entry.file_name())
                .extension()
                .is_some_and(|extension| extension == "json");
            if !is_json || !self.files.insert(entry.file_name()) {
                continue;
            }
            // One that cannot be read says nothing.
            let record = fs::read(entry.path()).unwrap_or_default();
            let record: Value = serde_json::from_slice(&record).unwrap_or_default();
            if let Some(contact) = record["ContactId"].as_str() {
                let initial = record["InitialContactId"].as_str().unwrap_or(contact);
                self.initials.insert(contact.to_owned(), initial.to_owned());
            }
        }
        Ok(())
    }
}

fn recording(entry: &Value) -> Value {
    let mut entry = entry.clone();
    for name in ["StartTimestamp", "StopTimestamp"] {
        entry[name] = seconds(&entry[name]);
    }
    entry
}

/// A record's time as the API tells it.
fn seconds(time: &Value) -> Value {
    let time = time.as_str().and_then(EpochMillis::from_rfc3339);
    time.map_or(Value::Null, |time| json!(time.to_seconds()))
}
