//! The voicemail of a region, or of a stack.

use super::{EventRule, Fact, Worker};

/// Its steps, its ways of delivery, and what it left undone.
#[derive(Clone, Debug)]
pub struct Voicemail {
    /// The function that delivers, by its name.
    pub deliver: String,
    /// Whether its settings are good; else what is wrong.
    pub settings: Result<(), String>,
    /// The state of the mapping by which `capture` reads the data stream; `None` when there is
    /// none.
    pub mapping: Fact<Option<String>>,
    /// Its buckets, and whether each sends its events to EventBridge.
    pub buckets: Vec<(String, Fact<bool>)>,
    /// All its functions, each with what its role may do.
    pub workers: Vec<Worker>,
    /// The functions that events call, and the rules that may.
    pub called: Vec<Called>,
    /// The flows of tasks by their ids, and the state of each; `None` when it is not there.
    pub flows: Vec<(String, Fact<Option<String>>)>,
    /// The senders of mails, and whether SES has verified each.
    pub senders: Vec<(String, Fact<bool>)>,
    /// Contacts whose message was left within the last three days and more than an hour ago, and
    /// has no marker of a delivery.
    pub waiting: Fact<Vec<String>>,
}

/// A function that events call.
#[derive(Clone, Debug)]
pub struct Called {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The rules that may call it, as its policy names them.
    pub rules: Fact<Vec<EventRule>>,
}
