//! Functions whose roles are asked about: the archive's, and those of voicemail.

use std::collections::BTreeMap;

use super::{Fact, Right};

/// A function, and what it works on.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The ARN of its role.
    pub role: String,
    /// Which of its binary's functions it is.
    pub handler: String,
    /// Where its log goes.
    pub log_group: String,
    /// Its environment.
    pub variables: BTreeMap<String, String>,
    /// The ARN of the data stream that it reads, if it reads one.
    pub reads: Option<String>,
    /// What its role may do of what it must.
    pub rights: Fact<Vec<Right>>,
}

impl Worker {
    /// A variable of its environment; an empty one counts as not set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    }
}
