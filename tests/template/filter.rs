//! What Lambda's event filter lets through, as far as the template's pattern goes: a record
//! passes when its data is one JSON object that matches one of the patterns. Any operator
//! but `exists` fails the test that meets it, rather than being taken for something.
//!
//! Source: Lambda Developer Guide, "Using event filtering with a Kinesis event source" and
//! "Filter rule syntax"; arrays match when any element does.

use serde_json::Value;

/// Whether a record of the data stream reaches the function.
pub fn lets_through(filters: &[Value], data: &[u8]) -> bool {
    let Ok(data @ Value::Object(_)) = serde_json::from_slice(data) else {
        return false;
    };
    let record = serde_json::json!({"data": data});
    filters.iter().any(|filter| {
        let pattern = filter["Pattern"].as_str().expect("a pattern is text");
        let pattern: Value = serde_json::from_str(pattern).expect("a pattern is JSON");
        matches(&pattern, &record)
    })
}

fn matches(pattern: &Value, event: &Value) -> bool {
    let fields = pattern.as_object().expect("a pattern is an object");
    fields.iter().all(|(name, wanted)| {
        let found = values(event, name);
        match wanted {
            Value::Array(rules) => rules.iter().any(|rule| obeys(rule, &found)),
            Value::Object(_) => found.iter().any(|value| matches(wanted, value)),
            other => panic!("not a pattern: {other}"),
        }
    })
}

/// The values of a field, in an object or in any object of an array.
fn values<'a>(event: &'a Value, name: &str) -> Vec<&'a Value> {
    match event {
        Value::Array(items) => items.iter().flat_map(|item| values(item, name)).collect(),
        Value::Object(fields) => fields.get(name).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn obeys(rule: &Value, found: &[&Value]) -> bool {
    match rule.as_object().and_then(|rule| rule.get("exists")) {
        // Of leaves only: an object is none, and an empty array holds none.
        Some(Value::Bool(true)) => found.iter().any(|value| match value {
            Value::Object(_) => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        }),
        _ => panic!("this operator is not known here: {rule}"),
    }
}
