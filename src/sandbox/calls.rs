//! The calls that were received, for tests and for people who want to see what a client
//! does.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use serde::Serialize;

/// How many calls are kept; older ones are only counted.
const MAX_CALLS: usize = 100_000;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The operation, by AWS's name.
    pub operation: String,
    /// The stream, contact or queue, or the path and query of an S3 request.
    pub subject: String,
    /// How many fragments were asked for, or listed.
    pub fragments: Option<usize>,
    /// Where live media was asked to begin: `FRAGMENT_NUMBER 9134…`, or another selector and
    /// its value.
    pub start: Option<String>,
    /// The HTTP status of the answer; 0 for none.
    pub status: u16,
    /// The scripted effect that it met.
    pub effect: Option<String>,
    /// Milliseconds from the sandbox's start to the head of the answer.
    pub at_millis: u64,
}

/// All calls so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// How many of each operation.
    pub counts: BTreeMap<String, u64>,
    /// The most bodies of media that one stream had open at once.
    pub peak_connections: u32,
    /// The last 100,000, in the order of their answers.
    pub calls: Vec<Call>,
}

impl Calls {
    /// How many calls of an operation there were.
    pub fn count(&self, operation: &str) -> u64 {
        self.counts.get(operation).copied().unwrap_or(0)
    }
}

#[derive(Debug)]
pub(super) struct Log {
    started: Instant,
    counts: BTreeMap<String, u64>,
    calls: VecDeque<Call>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            counts: BTreeMap::new(),
            calls: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, mut call: Call) {
        call.at_millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        *self.counts.entry(call.operation.clone()).or_default() += 1;
        if self.calls.len() == MAX_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    pub(super) fn so_far(&self, peak_connections: u32) -> Calls {
        Calls {
            counts: self.counts.clone(),
            peak_connections,
            calls: self.calls.iter().cloned().collect(),
        }
    }
}
