//! What belongs to a deployment beside the recorder: the answering machine, and what tells
//! desks of calls.

use super::{Fact, RecordStream, Right};

/// Its functions, its list, and what it left undone.
#[derive(Clone, Debug)]
pub struct Answering {
    /// The function that flows call.
    pub note: Option<Helper>,
    /// The function that contact events call.
    pub save: Option<Helper>,
    /// The rules by which EventBridge calls that function, as its policy names them.
    pub rules: Fact<Vec<EventRule>>,
    /// What the keys of notes start with.
    pub notes: String,
    /// What the keys of messages start with.
    pub messages: String,
    /// The event bus that is told of messages, by its name; empty if none is.
    pub event_bus: String,
    /// The ARNs of the functions that the instance offers to its flows.
    pub offered: Fact<Vec<String>>,
    /// The names of notes of the last three days that are older than an hour, with neither a
    /// message nor a marker in their place.
    pub waiting: Fact<Vec<String>>,
}

/// A function that tells desks of calls.
#[derive(Clone, Debug)]
pub struct Live {
    /// The function.
    pub function: Helper,
    /// The data stream that it is set to, by its name.
    pub stream_name: String,
    /// That data stream.
    pub stream: Fact<Option<RecordStream>>,
    /// The rules by which EventBridge calls it, as its policy names them.
    pub rules: Fact<Vec<EventRule>>,
    /// The ARNs of the functions that the instance offers to its flows.
    pub offered: Fact<Vec<String>>,
}

/// A function that flows or rules call.
#[derive(Clone, Debug)]
pub struct Helper {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The ARN of its role.
    pub role: String,
    /// Who may call it, by its own policy.
    pub callers: Fact<Vec<Caller>>,
    /// What its role may do of what it must.
    pub rights: Fact<Vec<Right>>,
}

/// A rule of EventBridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventRule {
    /// Its name.
    pub name: String,
    /// Its state, `ENABLED` as a rule; `None` when it is not there.
    pub state: Option<String>,
    /// What it calls.
    pub targets: Vec<RuleTarget>,
}

/// What a rule calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTarget {
    /// Its ARN.
    pub arn: String,
    /// The ARN of the queue for events that cannot be delivered, if there is one.
    pub dead_letters: Option<String>,
}

/// A service that may call a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The service, such as `connect.amazonaws.com`.
    pub service: String,
    /// The account that it calls for; `None` for any.
    pub account: Option<String>,
    /// The ARN, or a pattern of it, of what it calls for; `None` for anything.
    pub source: Option<String>,
}
