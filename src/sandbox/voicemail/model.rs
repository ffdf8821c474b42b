//! Bedrock's Converse. There is no model here: the answer is what `summary.txt` in the data
//! folder holds, else the beginning of what was asked last.

use std::fs;
use std::path::{Path, PathBuf};

use hyper::http::request::Parts;
use serde_json::{Value, json};

use crate::sandbox::wire::{Refusal, Reply, json_reply, parse};

/// Characters of the question that an answer repeats.
const MAX_REPEATED: usize = 200;

#[derive(Debug)]
pub(super) struct Model {
    summary: PathBuf,
}

impl Model {
    pub(super) fn new(data: &Path) -> Self {
        Self {
            summary: data.join("summary.txt"),
        }
    }

    /// `Converse`.
    pub(super) fn answer(&self, head: &Parts, body: &[u8]) -> Result<Reply, Refusal> {
        let invalid = |message: &str| Refusal::new(400, "ValidationException", message);
        let asked: Value = parse(body, "ValidationException")?;
        if !super::part(head, 1).contains("nova") && !super::part(head, 1).contains("claude") {
            return Err(invalid("The provided model identifier is invalid."));
        }
        let messages = asked["messages"].as_array().into_iter().flatten();
        let texts: Vec<_> = messages
            .filter(|message| message["role"] == "user")
            .flat_map(|message| message["content"].as_array().into_iter().flatten())
            .map(|block| block["text"].as_str())
            .collect();
        if texts.is_empty() {
            return Err(invalid("A conversation must start with a user message."));
        }
        if texts
            .iter()
            .any(|text| text.is_none_or(|text| text.trim().is_empty()))
        {
            return Err(invalid(
                "The text field in the ContentBlock object is blank.",
            ));
        }
        for (name, most) in [("temperature", 1.0), ("topP", 1.0)] {
            let value = &asked["inferenceConfig"][name];
            if value
                .as_f64()
                .is_some_and(|value| !(0.0..=most).contains(&value))
            {
                return Err(invalid(&format!("{name} must be from 0 to 1")));
            }
        }
        let text = fs::read_to_string(&self.summary).unwrap_or_else(|_| {
            let last = texts.last().copied().flatten().unwrap_or_default();
            let last: String = last.chars().take(MAX_REPEATED).collect();
            format!("Somebody left a message: {last}")
        });
        Ok(json_reply(&json!({
            "output": {"message": {"role": "assistant", "content": [{"text": text.trim()}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            "metrics": {"latencyMs": 1},
        })))
    }
}
