//! Who may see which call: groups of the company's own directory, each with what it may see.
//! Whoever is in no group that stands here sees nothing, and what is not allowed does not
//! exist for them: it is answered as what is not there.
//!
//! ```json
//! {"callreel-auditors": "all",
//!  "callreel-sales":    {"queues": ["Sales", "Sales DE"]},
//!  "callreel-agents":   "own"}
//! ```

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::archive::viewer::Allowed;

/// How a grant may be written, for errors.
const GRANTS: &str =
    r#""all", "own", {"queues": ["Support"]} or {"queues": ["Support"], "own": true}"#;
/// Groups at the most.
const MAX_GROUPS: usize = 500;
/// Queues of a group at the most.
const MAX_QUEUES: usize = 500;
/// Characters of what is wrong that an error repeats.
const MAX_TOLD: usize = 80;

/// The rules: what each group may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<(Box<str>, Grant)>);

/// What one group may see.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Grant {
    All,
    Some {
        queues: BTreeSet<Box<str>>,
        own: bool,
    },
}

/// Why rules cannot be used: what is wrong where, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoRules(String);

impl Rules {
    /// Reads rules. An error names the group and says what to write in its place.
    pub fn parse(json: &str) -> Result<Self, NoRules> {
        let Groups(groups) = serde_json::from_str(json).map_err(|error| {
            NoRules(format!(
                "it must be a JSON object of groups, each with {GRANTS}: {error}"
            ))
        })?;
        if groups.is_empty() {
            return Err(NoRules(
                r#"it names no group, and nobody would see anything; write {"GROUP": "all"} for those who may see all calls"#
                    .to_owned(),
            ));
        }
        if groups.len() > MAX_GROUPS {
            return Err(NoRules(format!(
                "it names {} groups, {MAX_GROUPS} at the most",
                groups.len()
            )));
        }
        let mut read: Vec<(Box<str>, Grant)> = Vec::with_capacity(groups.len());
        for (group, grant) in &groups {
            if group.trim().is_empty() {
                return Err(NoRules("a group has no name".to_owned()));
            }
            if read.iter().any(|(other, _)| **other == **group) {
                return Err(NoRules(format!(
                    "the group {} stands there twice; write its grants into one",
                    told(group)
                )));
            }
            let grant = Grant::read(grant)
                .map_err(|wrong| NoRules(format!("the group {}: {wrong}", told(group))))?;
            read.push((group.as_str().into(), grant));
        }
        Ok(Self(read))
    }

    /// Those of a person's groups that the rules name: no others need be kept of them.
    pub fn named<'a>(&self, groups: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut named: Vec<_> = groups
            .into_iter()
            .filter(|group| self.0.iter().any(|(known, _)| **known == **group))
            .map(str::to_owned)
            .collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// What somebody in these groups may see, who answers calls by this name: what all of
    /// their groups may, together. Nothing where there is none.
    pub fn allowed<'a>(
        &self,
        groups: impl IntoIterator<Item = &'a str>,
        agent: Option<&str>,
    ) -> Vec<Allowed> {
        let groups: BTreeSet<_> = groups.into_iter().collect();
        let agent = agent.filter(|agent| !agent.trim().is_empty());
        let mut allowed = Vec::new();
        for (_, grant) in self.0.iter().filter(|(group, _)| groups.contains(&**group)) {
            match grant {
                Grant::All => return vec![Allowed::All],
                Grant::Some { queues, own } => {
                    let queues = queues.iter().map(|queue| Allowed::Queue(queue.to_string()));
                    allowed.extend(queues);
                    let own = agent.filter(|_| *own);
                    allowed.extend(own.map(|agent| Allowed::Agent(agent.to_owned())));
                }
            }
        }
        allowed
    }
}

impl Grant {
    fn read(value: &Value) -> Result<Self, String> {
        let otherwise = || format!("{} is no grant; write {GRANTS}", told(&value.to_string()));
        let fields = match value {
            Value::String(word) if word == "all" => return Ok(Self::All),
            Value::String(word) if word == "own" => {
                return Ok(Self::Some {
                    queues: BTreeSet::new(),
                    own: true,
                });
            }
            Value::Object(fields) => fields,
            Value::String(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_) => return Err(otherwise()),
        };
        let mut queues = BTreeSet::new();
        let mut own = false;
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("queues", Value::Array(names)) => {
                    for name in names {
                        match name.as_str().filter(|name| !name.trim().is_empty()) {
                            Some(name) => drop(queues.insert(name.into())),
                            None => {
                                return Err(format!(
                                    "{} is no queue's name",
                                    told(&name.to_string())
                                ));
                            }
                        }
                    }
                }
                ("own", Value::Bool(value)) => own = *value,
                _ => return Err(otherwise()),
            }
        }
        if queues.len() > MAX_QUEUES {
            return Err(format!(
                "it names {} queues, {MAX_QUEUES} at the most",
                queues.len()
            ));
        }
        match queues.is_empty() && !own {
            true => Err(format!("it may see nothing; write {GRANTS}")),
            false => Ok(Self::Some { queues, own }),
        }
    }
}

/// A name as it is repeated in an error: cut, and with what does not print escaped.
fn told(text: &str) -> String {
    format!("{:?}", text.chars().take(MAX_TOLD).collect::<String>())
}

/// The groups in the order of the text, those twice that stand there twice.
struct Groups(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Groups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Groups;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of groups")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Groups, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Groups(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"{"auditors": "all", "sales": {"queues": ["Sales", "Sales DE"]},
        "agents": "own", "leads": {"queues": ["q-1"], "own": true}}"#;

    #[test]
    fn what_all_groups_may_see_together() {
        #[track_caller]
        fn check(groups: &[&str], name: Option<&str>, expected: &[Allowed]) {
            let rules = Rules::parse(RULES).unwrap();
            assert_eq!(rules.allowed(groups.iter().copied(), name), expected);
        }
        let queue = |name: &str| Allowed::Queue(name.to_owned());
        let mia = || Allowed::Agent("mia".to_owned());
        let sales = [queue("Sales"), queue("Sales DE")];
        check(&["auditors"], None, &[Allowed::All]);
        check(&["agents", "auditors"], Some("mia"), &[Allowed::All]);
        check(&["sales"], Some("mia"), &sales);
        check(&["agents"], Some("mia"), &[mia()]);
        check(&["leads"], Some("mia"), &[queue("q-1"), mia()]);
        let both = [queue("Sales"), queue("Sales DE"), mia()];
        check(&["agents", "sales"], Some("mia"), &both);
        // Denied by default; a name that says nothing is nobody's.
        check(&[], Some("mia"), &[]);
        check(&["Auditors", "auditors ", "everyone", ""], Some("mia"), &[]);
        check(&["agents"], None, &[]);
        check(&["agents"], Some(" "), &[]);
    }

    #[test]
    fn rules_that_cannot_be_used_say_where_and_what_to_write() {
        #[track_caller]
        fn check(json: &str, said: &str) {
            let error = Rules::parse(json).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        check("", "it must be a JSON object of groups");
        check("all", "it must be a JSON object of groups");
        check("[]", "an object of groups");
        check("{}", "it names no group");
        check(r#"{"": "all"}"#, "a group has no name");
        check(
            r#"{"a": "all", "a": "own"}"#,
            "the group \"a\" stands there twice",
        );
        check(
            r#"{"a": "owns"}"#,
            r#"the group "a": "\"owns\"" is no grant; write "all", "own", {"queues": ["Support"]}"#,
        );
        for grant in [
            "null",
            "true",
            "1",
            "[\"Sales\"]",
            r#"{"queue": ["S"]}"#,
            r#"{"queues": "S"}"#,
            r#"{"own": 1}"#,
        ] {
            check(&format!(r#"{{"a": {grant}}}"#), "is no grant; write");
        }
        check(r#"{"a": {"queues": [1]}}"#, "\"1\" is no queue's name");
        check(r#"{"a": {"queues": [" "]}}"#, "is no queue's name");
        check(r#"{"a": {}}"#, "it may see nothing");
        check(
            r#"{"a": {"queues": [], "own": false}}"#,
            "it may see nothing",
        );
        check(r#"{"a": "all"} x"#, "trailing");
        let long = format!(r#"{{"a": "{}"}}"#, "x".repeat(10_000));
        assert!(Rules::parse(&long).unwrap_err().to_string().len() < 400);
        let many: Vec<_> = (0..501).map(|n| format!(r#""{n}": "all""#)).collect();
        check(
            &format!("{{{}}}", many.join(",")),
            "501 groups, 500 at the most",
        );
    }

    #[test]
    fn only_groups_of_the_rules_are_kept() {
        let rules = Rules::parse(RULES).unwrap();
        assert_eq!(
            rules.named(["sales", "staff", "agents", "sales"]),
            ["agents", "sales"]
        );
    }
}
