//! EventBridge's PutEvents: each event is a file, `events/BUS/NUMBER.json` in the data folder,
//! as a rule's target would get it. Nothing is delivered to anybody.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Refusal, Reply, json_reply, parse};
use crate::lock::lock;
use crate::object_key::safe;

/// Entries of one call at the most (Amazon EventBridge API Reference, PutEvents).
const MAX_ENTRIES: usize = 10;

#[derive(Debug)]
pub(super) struct Events {
    folder: PathBuf,
    /// How many were put, by this sandbox.
    put: Mutex<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default)]
    source: String,
    #[serde(default)]
    detail_type: String,
    #[serde(default)]
    detail: String,
    event_bus_name: Option<String>,
}

impl Events {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            put: Mutex::default(),
        }
    }

    pub(super) fn put(&self, body: &[u8]) -> Result<Reply, Refusal> {
        let asked: Asked = parse(body, "ValidationException")?;
        if !(1..=MAX_ENTRIES).contains(&asked.entries.len()) {
            let message = format!("{} entries, not 1 to {MAX_ENTRIES}", asked.entries.len());
            return Err(Refusal::new(400, "ValidationException", message));
        }
        let mut answers = Vec::new();
        for entry in asked.entries {
            answers.push(self.put_one(&entry)?);
        }
        let failed = answers.iter().filter(|it| it["EventId"].is_null()).count();
        Ok(json_reply(
            &json!({"FailedEntryCount": failed, "Entries": answers}),
        ))
    }

    /// The entry's answer: an event that is none is told of in its place, and the call succeeds.
    fn put_one(&self, entry: &Entry) -> Result<Value, Refusal> {
        let refused =
            |code: &str, message: &str| json!({"ErrorCode": code, "ErrorMessage": message});
        if entry.source.is_empty() || entry.detail_type.is_empty() {
            return Ok(refused(
                "InvalidArgument",
                "an entry needs Source and DetailType",
            ));
        }
        if entry.source.starts_with("aws.") {
            let code = "NotAuthorizedForSourceException";
            return Ok(refused(code, "not authorized for the source"));
        }
        let Ok(detail @ Value::Object(_)) = serde_json::from_str(&entry.detail) else {
            return Ok(refused("MalformedDetail", "Detail is malformed"));
        };
        let mut put = lock(&self.put);
        let number = *put;
        *put += 1;
        let id = format!("{number:06}");
        let bus = entry.event_bus_name.as_deref().unwrap_or("default");
        let bus = bus.rsplit('/').next().unwrap_or(bus);
        let folder = self.folder.join(safe(bus));
        fs::create_dir_all(&folder)?;
        let event = json!({
            "id": id, "source": entry.source, "detail-type": entry.detail_type, "detail": detail,
        });
        fs::write(folder.join(format!("{id}.json")), format!("{event:#}\n"))?;
        Ok(json!({"EventId": id}))
    }
}
