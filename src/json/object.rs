//! An object of JSON from outside whose spelling varies: the case of its names, a number
//! where a text is meant, an object that is a text of JSON. Fields that are null, empty or
//! of another kind are absent. Numbers are taken as they are written: 47 digits survive no
//! float.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{LOST, mend};
use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;

/// Characters of an id at the most, as Connect's API has it (ContactId).
const MAX_ID_CHARS: usize = 256;
/// Milliseconds below this are seconds that somebody took for them: 1973.
const FIRST_MILLIS: i64 = 100_000_000_000;
/// Names that are told of an object that nobody knows, and characters of each.
const MAX_NAMES: usize = 8;
const MAX_NAME_CHARS: usize = 40;

/// An object's fields, each as it is written, by their names in small letters.
#[derive(Clone, Debug, Default)]
pub struct Object(BTreeMap<String, Box<RawValue>>);

/// Why something is no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnObject {
    /// It is no JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// It is JSON of another kind.
    #[error("not an object but {0}")]
    Other(&'static str),
}

impl Object {
    /// Reads an object, or a text that holds one; [`json`](super) says what is put right.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAnObject> {
        let text = mend(bytes);
        let value: &RawValue = serde_json::from_str(text.trim())
            .map_err(|error| NotAnObject::NotJson(error.to_string()))?;
        Self::of(value).ok_or(NotAnObject::Other(kind(value)))
    }

    /// The fields of a value that is an object, or a text that holds one.
    pub fn of(value: &RawValue) -> Option<Self> {
        match value.get().as_bytes().first()? {
            b'{' => Self::of_text(value.get()),
            b'"' => {
                let text: String = serde_json::from_str(value.get()).ok()?;
                let text = text.trim();
                text.starts_with('{').then(|| Self::of_text(text))?
            }
            _ => None,
        }
    }

    /// Of two names that differ by case alone, the first that says something counts.
    fn of_text(text: &str) -> Option<Self> {
        let written: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
        let mut fields = BTreeMap::<String, Box<RawValue>>::new();
        for (name, value) in written {
            let name = name.to_ascii_lowercase();
            if fields.get(&name).is_none_or(|held| is_nothing(held)) {
                fields.insert(name, value);
            }
        }
        Some(Self(fields))
    }

    /// A field that says something, as it is written.
    pub fn value(&self, name: &str) -> Option<&RawValue> {
        let value = self.0.get(&name.to_ascii_lowercase())?;
        (!is_nothing(value)).then_some(&**value)
    }

    /// Whether a field says something.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The object in a field.
    pub fn object(&self, name: &str) -> Option<Self> {
        self.value(name).and_then(Self::of)
    }

    /// The values of a list; one that stands there by itself is a list of one.
    pub fn list(&self, name: &str) -> Vec<Box<RawValue>> {
        let Some(value) = self.value(name) else {
            return Vec::new();
        };
        serde_json::from_str(value.get()).unwrap_or_else(|_| vec![value.to_owned()])
    }

    /// A text as it is, or a number as it is written.
    pub fn exact(&self, name: &str) -> Option<Box<str>> {
        self.value(name).and_then(text)
    }

    /// The same without white space around it; never empty.
    pub fn text(&self, name: &str) -> Option<Box<str>> {
        self.exact(name).map(|text| text.trim().into())
    }

    /// An id, which decides whose audio is whose: one that is no text, or cannot be read,
    /// is an error that says what is wrong.
    pub fn id(&self, name: &str) -> Result<Option<Box<str>>, String> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        match text(value).map(|id| id.trim().to_owned()) {
            None => Err(format!("its {name} is {}", kind(value))),
            Some(id) if id.contains(LOST) => {
                Err(format!("its {name} holds characters that cannot be read"))
            }
            Some(id) if id.chars().nth(MAX_ID_CHARS).is_some() => Err(format!(
                "its {name} is longer than {MAX_ID_CHARS} characters"
            )),
            Some(id) => Ok(Some(id.into())),
        }
    }

    /// A time: RFC 3339, or milliseconds since 1970.
    pub fn time(&self, name: &str) -> Option<EpochMillis> {
        let text = self.text(name)?;
        let millis = text.parse().ok().filter(|millis| *millis >= FIRST_MILLIS);
        millis
            .map(EpochMillis)
            .or_else(|| EpochMillis::from_rfc3339(&text))
    }

    /// A fragment's number.
    pub fn number(&self, name: &str) -> Option<FragmentNumber> {
        self.text(name)?.parse().ok()
    }

    /// What its fields are called, for people: some of them, cut and quoted.
    pub fn names(&self) -> String {
        let names = self.0.keys().take(MAX_NAMES);
        let names = names.map(|name| {
            let cut: String = name.chars().take(MAX_NAME_CHARS).collect();
            format!("{cut:?}")
        });
        let mut told = names.collect::<Vec<_>>().join(", ");
        if self.0.len() > MAX_NAMES {
            told.push_str(" …");
        }
        match told.is_empty() {
            true => "nothing".to_owned(),
            false => told,
        }
    }
}

/// What a value is, for people.
pub fn kind(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(b'n') | None => "nothing",
        Some(_) => "a number",
    }
}

fn text(value: &RawValue) -> Option<Box<str>> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok(),
        b'-' | b'0'..=b'9' => Some(value.get().into()),
        _ => None,
    }
}

fn is_nothing(value: &RawValue) -> bool {
    value.get() == "null" || text(value).is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Object {
        Object::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_are_found_in_any_case_and_what_says_something_counts() {
        let object = read(r#"{"ContactId": null, "contactId": " c-1 ", "CONTACTID": "other"}"#);
        assert_eq!(object.text("contactID").as_deref(), Some("other"));
        let object = read(r#"{"Channel": "", "channel": "VOICE"}"#);
        assert_eq!(object.text("Channel").as_deref(), Some("VOICE"));
        assert!(!read(r#"{"a": "  ", "b": null}"#).has("a"));
    }

    #[test]
    fn objects_may_be_texts_of_json() {
        let inner = read(r#"{"detail": "{\"a\": {\"b\": 1}}"}"#);
        let inner = inner.object("Detail").and_then(|inner| inner.object("a"));
        assert_eq!(inner.unwrap().text("b").as_deref(), Some("1"));
        assert_eq!(read(r#""{\"a\": \"x\"}""#).text("a").as_deref(), Some("x"));
        assert!(
            read(r#"{"a": "{", "b": "[]", "c": "x"}"#)
                .object("a")
                .is_none()
        );
    }

    #[test]
    fn numbers_keep_their_digits() {
        let digits = "91343852333181432387730302044767688728495783936";
        for text in [
            format!(r#"{{"n": {digits}}}"#),
            format!(r#"{{"n": "{digits}"}}"#),
        ] {
            assert_eq!(read(&text).number("N"), digits.parse().ok());
        }
        assert_eq!(read(r#"{"n": 9.1e46}"#).number("n"), None);
    }

    #[test]
    fn times_are_texts_or_milliseconds() {
        #[track_caller]
        fn check(time: &str, expected: Option<i64>) {
            let time = read(&format!(r#"{{"t": {time}}}"#)).time("t");
            assert_eq!(time, expected.map(EpochMillis));
        }
        check(r#""1738300000123""#, Some(1_738_300_000_123));
        check("1738300000123", Some(1_738_300_000_123));
        check(r#""2025-01-31T05:01:09.000Z""#, Some(1_738_299_669_000));
        check("1738300000", None);
        check("-1738300000123", None);
        check(r#""soon""#, None);
        check("{}", None);
    }

    #[test]
    fn an_id_is_certain_or_an_error() {
        #[track_caller]
        fn check(id: &str, expected: Result<Option<&str>, &str>) {
            let id = read(&format!(r#"{{"Id": {id}}}"#)).id("Id");
            let expected = expected.map(|id| id.map(Box::from)).map_err(str::to_owned);
            assert_eq!(id, expected);
        }
        check(r#"" c ""#, Ok(Some("c")));
        check("7", Ok(Some("7")));
        check("null", Ok(None));
        check("[1]", Err("its Id is a list"));
        check(
            r#""c\ud83d""#,
            Err("its Id holds characters that cannot be read"),
        );
        let long = format!("\"{}\"", "x".repeat(257));
        check(&long, Err("its Id is longer than 256 characters"));
    }

    #[test]
    fn what_is_no_object_says_what_it_is() {
        let told = |text: &str| Object::read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(told("[1]"), "not an object but a list");
        assert_eq!(told("null"), "not an object but nothing");
        assert_eq!(told("\"{\""), "not an object but a text");
        assert!(told("").starts_with("not JSON"));
        assert_eq!(
            read(r#"{"B": 1, "a\u001b": 2}"#).names(),
            r#""a\u{1b}", "b""#
        );
        assert_eq!(read("{}").names(), "nothing");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Object::read(&bytes).map(|object| object.names());
        }

        #[test]
        fn nesting_of_any_depth_is_passed_over(depth in 0..5_000usize) {
            let text = format!(r#"{{"a": {}{}, "b": 1}}"#, "[".repeat(depth), "]".repeat(depth));
            if let Ok(object) = Object::read(text.as_bytes()) {
                prop_assert!(object.has("b"));
            }
        }
    }
}
