//! Which fragments a listing selects, and the token that carries the selection on.

use serde::Deserialize;

use super::super::streams::Stored;
use crate::media::counts::whole;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Selector {
    fragment_selector_type: String,
    timestamp_range: TimestampRange,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimestampRange {
    start_timestamp: f64,
    end_timestamp: f64,
}

#[derive(Clone, Copy)]
pub(super) struct Selection {
    pub by_server: bool,
    /// Epoch milliseconds, both included.
    pub from: i64,
    pub to: i64,
}

impl Selection {
    pub(super) fn holds(self, stored: &Stored) -> bool {
        let start = if self.by_server {
            stored.server
        } else {
            stored.producer
        };
        stored.numbered && (self.from..=self.to).contains(&start)
    }
}

pub(super) fn selection(selector: Option<&Selector>) -> Result<Selection, String> {
    let Some(selector) = selector else {
        return Ok(Selection {
            by_server: true,
            from: i64::MIN,
            to: i64::MAX,
        });
    };
    let by_server = match &*selector.fragment_selector_type {
        "SERVER_TIMESTAMP" => true,
        "PRODUCER_TIMESTAMP" => false,
        other => return Err(format!("FragmentSelectorType {other}")),
    };
    let millis = |seconds: f64| whole((seconds * 1_000.0).round());
    let from = millis(selector.timestamp_range.start_timestamp);
    let to = millis(selector.timestamp_range.end_timestamp);
    if from > to {
        return Err("StartTimestamp lies behind EndTimestamp".to_owned());
    }
    Ok(Selection {
        by_server,
        from,
        to,
    })
}

pub(super) fn token_of(token: &str) -> Option<(Selection, usize)> {
    let mut parts = token.split(':');
    let selection = Selection {
        by_server: parts.next()?.parse().ok()?,
        from: parts.next()?.parse().ok()?,
        to: parts.next()?.parse().ok()?,
    };
    Some((selection, parts.next()?.parse().ok()?))
}
