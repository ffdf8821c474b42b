//! Whether the mapping's filter can drop a record that is to be recorded. Lambda drops
//! what matches no pattern silently and for good, so a pattern passes here only when it
//! surely matches every record that [`crate::recording::plan`] would record.
//!
//! What is sure of such a record: `Channel` is `VOICE`, one of `Recordings` has the
//! `StorageType` `KINESIS_VIDEO_STREAM`, the attribute `recordingAuth` is `1`, `2` or `3`,
//! possibly with blanks around it, and it has a `ContactId` and an `InstanceARN`.
//! Everything else can be anything, or not there.
//!
//! The language: Lambda developer guide, "Control which events Lambda sends to your
//! function". A list matches when one of its rules does, a pattern when all its fields do,
//! an array in the record when any of its elements does.

use serde_json::{Map, Value};

use crate::connect::record::KVS;
use crate::recording::attributes::RECORDING_AUTH;

/// The values of `recordingAuth` that are recorded, with the blanks that the recorder
/// ignores.
const AUTHORISED: [&str; 9] = ["1", "2", "3", " 1", " 2", " 3", "1 ", "2 ", "3 "];
/// How deep a pattern may be nested.
const MAX_DEPTH: usize = 16;

/// Why these patterns can drop a wanted record; `None` when they cannot. A record passes
/// when it matches one of them; without a pattern all records pass.
pub fn can_drop(patterns: &[String]) -> Option<String> {
    if patterns.is_empty() {
        return None;
    }
    AUTHORISED
        .iter()
        .find_map(|auth| nobody_takes(patterns, auth))
}

/// Why no pattern surely takes a record with this `recordingAuth`.
fn nobody_takes(patterns: &[String], auth: &'static str) -> Option<String> {
    let mut reasons = Vec::new();
    for pattern in patterns {
        match takes(pattern, auth) {
            Ok(()) => return None,
            Err(reason) => reasons.push(reason),
        }
    }
    reasons.dedup();
    Some(reasons.join("; "))
}

fn takes(pattern: &str, auth: &'static str) -> Result<(), String> {
    let parsed: Value =
        serde_json::from_str(pattern).map_err(|error| format!("a pattern is no JSON: {error}"))?;
    let Value::Object(fields) = &parsed else {
        return Err("a pattern is no JSON object".to_owned());
    };
    let record = Record { auth };
    record.matches_all(fields, &mut Vec::new())
}

/// A record of which only the sure things are known.
struct Record {
    auth: &'static str,
}

/// What is sure of a field.
enum Sure {
    /// It is this text.
    Text(&'static str),
    /// One of several values is this text.
    OneIs(&'static str),
    /// It is there, whatever it is.
    There,
    /// Nothing.
    Nothing,
}

impl Record {
    fn sure(&self, path: &[&str]) -> Sure {
        match path {
            ["data", "Channel"] => Sure::Text("VOICE"),
            ["data", "Recordings", "StorageType"] => Sure::OneIs(KVS),
            ["data", "Attributes", attribute] if *attribute == RECORDING_AUTH => {
                Sure::Text(self.auth)
            }
            ["data", "ContactId" | "InstanceARN"] => Sure::There,
            _ => Sure::Nothing,
        }
    }

    fn matches_all<'a>(
        &self,
        fields: &'a Map<String, Value>,
        path: &mut Vec<&'a str>,
    ) -> Result<(), String> {
        if path.len() > MAX_DEPTH {
            return Err("a pattern is nested too deeply".to_owned());
        }
        for (name, wanted) in fields {
            if name == "$or" {
                self.matches_one(wanted, path)?;
                continue;
            }
            path.push(name);
            match wanted {
                Value::Object(inner) => self.matches_all(inner, path)?,
                Value::Array(rules) => self.matches_rules(rules, path)?,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    return Err(format!("`{}` is neither list nor object", path.join(".")));
                }
            }
            path.pop();
        }
        Ok(())
    }

    /// `$or`: one of the alternatives must match.
    fn matches_one<'a>(
        &self,
        alternatives: &'a Value,
        path: &mut Vec<&'a str>,
    ) -> Result<(), String> {
        let mut reasons = Vec::new();
        let depth = path.len();
        for alternative in alternatives.as_array().into_iter().flatten() {
            let Value::Object(fields) = alternative else {
                continue;
            };
            match self.matches_all(fields, path) {
                Ok(()) => return Ok(()),
                Err(reason) => reasons.push(reason),
            }
            path.truncate(depth);
        }
        Err(match reasons.is_empty() {
            true => "an `$or` has no alternatives".to_owned(),
            false => reasons.join("; "),
        })
    }

    fn matches_rules(&self, rules: &[Value], path: &[&str]) -> Result<(), String> {
        let sure = self.sure(path);
        if rules.iter().any(|rule| surely(rule, &sure)) {
            return Ok(());
        }
        let field = path.join(".");
        Err(match sure {
            Sure::Text(text) | Sure::OneIs(text) => {
                format!("`{field}` does not surely match {text:?}")
            }
            Sure::There => format!("`{field}` is held to certain values"),
            Sure::Nothing => {
                format!("`{field}` decides, and a wanted record may have any value there or none")
            }
        })
    }
}

/// Whether a rule matches whatever the field is, as far as it is sure.
fn surely(rule: &Value, sure: &Sure) -> bool {
    let (text, one_of_several) = match sure {
        Sure::Text(text) => (*text, false),
        Sure::OneIs(text) => (*text, true),
        Sure::There => return exists(rule),
        Sure::Nothing => return false,
    };
    if rule.as_str() == Some(text) || exists(rule) {
        return true;
    }
    let Value::Object(rule) = rule else {
        return false;
    };
    let argument = |name: &str| rule.get(name).and_then(Value::as_str);
    if let Some(prefix) = argument("prefix") {
        return text.starts_with(prefix);
    }
    if let Some(suffix) = argument("suffix") {
        return text.ends_with(suffix);
    }
    if let Some(other) = argument("equals-ignore-case") {
        return text.eq_ignore_ascii_case(other);
    }
    // With several values it is not written down whether one or all must differ.
    match rule.get("anything-but") {
        Some(Value::String(not)) => !one_of_several && not != text,
        Some(Value::Array(nots)) => {
            !one_of_several
                && nots
                    .iter()
                    .all(|not| not.as_str().is_some_and(|not| not != text))
        }
        Some(_) | None => false,
    }
}

/// The rule `{"exists": true}`.
fn exists(rule: &Value) -> bool {
    rule.get("exists") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], dropped: Option<&str>) {
        let patterns: Vec<_> = patterns.iter().map(|one| (*one).to_owned()).collect();
        let found = can_drop(&patterns);
        match (&found, dropped) {
            (None, None) => {}
            (Some(found), Some(part)) if found.contains(part) => {}
            _ => panic!("{patterns:?}: {found:?}, not {dropped:?}"),
        }
    }

    #[test]
    fn what_every_wanted_record_matches_drops_none() {
        check(&[], None);
        check(&["{}"], None);
        for data in [
            r#"{"Channel": ["VOICE"]}"#,
            r#"{"Channel": ["CHAT", "VOICE"]}"#,
            r#"{"Channel": [{"prefix": "VO"}]}"#,
            r#"{"Channel": [{"equals-ignore-case": "voice"}]}"#,
            r#"{"Channel": [{"anything-but": ["CHAT", "TASK"]}]}"#,
            r#"{"Channel": [{"anything-but": "CHAT"}]}"#,
            r#"{"Recordings": {"StorageType": ["KINESIS_VIDEO_STREAM"]}}"#,
            r#"{"Recordings": {"StorageType": [{"exists": true}]}}"#,
            r#"{"Channel": ["VOICE"], "Recordings": {"StorageType": [{"suffix": "VIDEO_STREAM"}]}}"#,
            r#"{"ContactId": [{"exists": true}]}"#,
            r#"{"Attributes": {"recordingAuth": [{"exists": true}]}}"#,
            r#"{"Attributes": {"recordingAuth": [{"anything-but": "0"}]}}"#,
            r#"{"$or": [{"Channel": ["CHAT"]}, {"Channel": ["VOICE"]}]}"#,
            "{}",
        ] {
            check(&[&format!(r#"{{"data": {data}}}"#)], None);
        }
    }

    #[test]
    fn what_a_wanted_record_need_not_match_drops() {
        for (data, reason) in [
            (r#"{"Channel": ["CHAT"]}"#, "`data.Channel`"),
            (r#"{"Channel": ["voice"]}"#, "VOICE"),
            (r#"{"Channel": [{"exists": false}]}"#, "VOICE"),
            (r#"{"Channel": [null]}"#, "VOICE"),
            (r#"{"Channel": [{"anything-but": ["VOICE"]}]}"#, "VOICE"),
            (r#"{"Channel": "VOICE"}"#, "neither list nor object"),
            (
                r#"{"Recordings": {"StorageType": ["S3"]}}"#,
                "KINESIS_VIDEO_STREAM",
            ),
            (
                r#"{"Recordings": {"StorageType": [{"anything-but": "S3"}]}}"#,
                "KINESIS_VIDEO_STREAM",
            ),
            (
                r#"{"Recordings": {"Status": ["AVAILABLE"]}}"#,
                "`data.Recordings.Status`",
            ),
            (
                r#"{"Recordings": {"MediaStreamType": ["AUDIO"]}}"#,
                "MediaStreamType",
            ),
            (r#"{"Agent": [{"exists": true}]}"#, "`data.Agent`"),
            (r#"{"Queue": {"Name": ["sales"]}}"#, "`data.Queue.Name`"),
            (r#"{"InitialContactId": [null]}"#, "InitialContactId"),
            (r#"{"InstanceARN": ["a"]}"#, "`data.InstanceARN`"),
            (
                r#"{"Attributes": {"recordingAuth": ["1", "3"]}}"#,
                r#"does not surely match "2""#,
            ),
            // The recorder takes blanks around it, the pattern does not.
            (
                r#"{"Attributes": {"recordingAuth": ["1", "2", "3"]}}"#,
                r#"" 1""#,
            ),
            (r#"{"$or": [{"Channel": ["CHAT"]}]}"#, "VOICE"),
            (r#"{"$or": []}"#, "no alternatives"),
        ] {
            check(&[&format!(r#"{{"data": {data}}}"#)], Some(reason));
        }
        check(&[r#"{"partitionKey": ["a"]}"#], Some("`partitionKey`"));
        // Without "data" it is a field of the stream's record, which is not there.
        check(&[r#"{"Channel": ["VOICE"]}"#], Some("`Channel`"));
        check(&["VOICE"], Some("no JSON"));
        check(&["[]"], Some("no JSON object"));
    }

    #[test]
    fn patterns_can_share_the_work() {
        let voice = r#"{"data": {"Channel": ["VOICE"]}}"#;
        let chat = r#"{"data": {"Channel": ["CHAT"]}}"#;
        check(&[chat, voice], None);
        check(&[chat, chat], Some("VOICE"));
        let either = r#"{"data": {"$or": [{"Channel": [{"prefix": "V"}]}, {"Agent": ["a"]}], "ContactId": [{"exists": true}]}}"#;
        check(&[either], None);
        let nested = format!("{}1{}", r#"{"data":"#.repeat(40), "}".repeat(40));
        check(&[&nested], Some("too deeply"));
    }
}
