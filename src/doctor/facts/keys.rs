//! Keys, and what roles may do.

use super::super::need::Need;
use super::Fact;

/// A KMS key, by the name that something uses it under.
#[derive(Clone, Debug)]
pub struct Key {
    /// Id, ARN or alias.
    pub named: String,
    /// What uses it.
    pub used_by: Vec<String>,
    /// What KMS says; `None` when it is not there.
    pub state: Fact<Option<KeyState>>,
}

/// What KMS says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// Its ARN.
    pub arn: String,
    /// `Enabled`, `Disabled`, `PendingDeletion` …
    pub state: String,
    /// `ENCRYPT_DECRYPT` …
    pub usage: String,
    /// `AWS` or `CUSTOMER`.
    pub manager: String,
}

/// What the role was found to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// What was asked for.
    pub need: Need,
    /// The answer.
    pub decision: RightDecision,
}

/// The answer of the simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RightDecision {
    /// `allowed`.
    Allowed,
    /// `implicitDeny` (nothing allows it) or `explicitDeny` (something forbids it).
    Denied(String),
    /// Depends on what a request brings along.
    Depends(Vec<String>),
}
