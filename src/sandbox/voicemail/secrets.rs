//! Secrets Manager: the secrets of `secrets.json` in the data folder, by name or ARN, as the
//! text that each holds.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use crate::sandbox::wire::{Refusal, Reply, json_reply, parse};

#[derive(Debug)]
pub(super) struct Secrets {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    secret_id: String,
}

impl Secrets {
    pub(super) fn new(data: &Path) -> Self {
        Self {
            path: data.join("secrets.json"),
        }
    }

    /// `GetSecretValue`.
    pub(super) fn answer(&self, body: &[u8]) -> Result<Reply, Refusal> {
        let asked: Asked = parse(body, "InvalidParameterException")?;
        let secrets: BTreeMap<String, String> = match fs::read(&self.path) {
            Ok(json) => serde_json::from_slice(&json)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        let secret = secrets.get(&asked.secret_id).ok_or_else(|| {
            let message = "Secrets Manager can't find the specified secret.";
            Refusal::new(400, "ResourceNotFoundException", message)
        })?;
        Ok(json_reply(&json!({
            "ARN": asked.secret_id, "Name": asked.secret_id, "SecretString": secret,
        })))
    }
}
