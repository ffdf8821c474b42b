//! What the role of the function needs that tells desks of calls.

use super::super::need::Need;
use super::need;
use crate::doctor::facts::Live;

const TELL: (&str, &str) = ("kinesis:PutRecord", "no desk hears of a call");

/// Every action that can be asked about.
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    [TELL.0].into_iter()
}

/// What the role of `live-start` needs.
pub fn live_needs(live: &Live) -> Vec<Need> {
    let Ok(Some(stream)) = &live.stream else {
        return Vec::new();
    };
    vec![need(TELL.0, &*stream.arn, TELL.1)]
}
