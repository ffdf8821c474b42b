//! What Lambda's event filter lets through, as far as the template's pattern goes: a record
//! passes when its data is one JSON object that matches one of the patterns. Any operator
//! but `exists` and equality of texts fails the test that meets it, rather than being
//! taken for something.
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
    let leaves = found.iter().flat_map(|value| match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![*one],
    });
    let mut leaves = leaves.filter(|value| !value.is_object() && !value.is_array());
    match rule {
        Value::String(_) => leaves.any(|leaf| leaf == rule),
        Value::Object(operator)
            if operator.len() == 1 && operator.get("exists") == Some(&Value::Bool(true)) =>
        {
            leaves.next().is_some()
        }
        other => panic!("this operator is not known here: {other}"),
    }
}
