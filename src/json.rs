//! Bytes that should be JSON to text that a strict reader takes. What is strictly JSON
//! passes as it is, untouched; what forwarders and editors are known to break is put right:
//!
//! - half surrogate pairs, as in `"\ud83d"`: text that was cut by UTF-16 units,
//! - bytes that are no UTF-8, such as Latin-1,
//! - byte order marks, and UTF-16, as PowerShell's `>` writes it,
//! - control characters inside of texts, and zero bytes around the JSON.
//!
//! Each character that cannot be told becomes U+FFFD ([`LOST`]), so that a reader sees
//! which text is not as it was. Nothing outside of texts is guessed: what is no JSON
//! stays none.

pub mod object;

use std::borrow::Cow;

use serde_json::Value;

/// Stands in a text for each character that could not be read.
pub const LOST: char = char::REPLACEMENT_CHARACTER;

/// The byte order mark, in UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads JSON, strictly where that is possible.
pub fn read(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&mend(bytes))
}

/// The text to read strictly: borrowed when there was nothing to put right.
pub fn mend(bytes: &[u8]) -> Cow<'_, str> {
    let text = match utf16(bytes) {
        Some(text) => Cow::Owned(text),
        None => String::from_utf8_lossy(bytes),
    };
    match mend_text(&text) {
        Some(mended) => Cow::Owned(mended),
        None => text,
    }
}

/// UTF-16, told by its mark or, since JSON begins with a character of ASCII, by the first
/// of its zero bytes.
fn utf16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match *bytes.first_chunk()? {
        [0, 0] => return None,
        [0xff, 0xfe] | [_, 0] => u16::from_le_bytes,
        [0xfe, 0xff] | [0, _] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, rest) = bytes.as_chunks();
    let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes)));
    let mut text: String = text.map(|read| read.unwrap_or(LOST)).collect();
    text.extend(rest.iter().map(|_| LOST));
    Some(text)
}

/// The text put right; `None` when it is right as it is.
fn mend_text(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut mended = String::new();
    // Up to here the text is in `mended`.
    let mut taken = 0;
    let mut at = 0;
    let mut inside = false;
    while let Some(byte) = bytes.get(at) {
        let (length, instead) = match (inside, byte) {
            (_, b'"') => {
                inside = !inside;
                (1, None)
            }
            (true, b'\\') => escape(bytes.get(at..)?),
            (true, 0..0x20) => (1, Some(format!("\\u{byte:04x}"))),
            (false, 0) => (1, Some(" ".to_owned())),
            (false, _) if bytes.get(at..)?.starts_with(MARK) => (MARK.len(), Some(" ".to_owned())),
            _ => (1, None),
        };
        if let Some(instead) = instead {
            mended.push_str(text.get(taken..at)?);
            mended.push_str(&instead);
            taken = at + length;
        }
        at += length;
    }
    mended.push_str(text.get(taken..)?);
    (taken > 0).then_some(mended)
}

/// How long an escape is, with its other half where it has one, and what takes its place.
fn escape(bytes: &[u8]) -> (usize, Option<String>) {
    const UNIT: usize = 6;
    let lost = || Some("\\ufffd".to_owned());
    match unit(bytes) {
        Some(0xd800..=0xdbff) => match bytes.get(UNIT..).and_then(unit) {
            Some(0xdc00..=0xdfff) => (2 * UNIT, None),
            _ => (UNIT, lost()),
        },
        Some(0xdc00..=0xdfff) => (UNIT, lost()),
        Some(_) => (UNIT, None),
        // Of one letter, or none that a reader takes.
        None => (2, None),
    }
}

/// The UTF-16 unit of an escape such as `\u00e9`.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[track_caller]
    fn check(bytes: impl AsRef<[u8]>, expected: Value) {
        let bytes = bytes.as_ref();
        let told = String::from_utf8_lossy(bytes);
        assert!(serde_json::from_slice::<Value>(bytes).is_err(), "{told}");
        assert_eq!(
            read(bytes).map_err(|error| error.to_string()),
            Ok(expected),
            "{told}"
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_one_lost_character() {
        check(
            r#"{"note": "caller: \ud83d"}"#,
            json!({"note": "caller: \u{fffd}"}),
        );
        check(r#"{"note": "\udc4d ok"}"#, json!({"note": "\u{fffd} ok"}));
        check(r#"["\uD83D\ud83d\ude00"]"#, json!(["\u{fffd}\u{1f600}"]));
        check(r#"["\ude00\ud83d"]"#, json!(["\u{fffd}\u{fffd}"]));
        check(
            r#"["\ud83d\n", "\ud83d\\", "\ud83d\"x"]"#,
            json!(["\u{fffd}\n", "\u{fffd}\\", "\u{fffd}\"x"]),
        );
        check(r#"["\ud83dx\ude00"]"#, json!(["\u{fffd}x\u{fffd}"]));
        check(r#"{"\ud83d": 1}"#, json!({"\u{fffd}": 1}));
        // A backslash that is escaped itself escapes nothing.
        check(r#"["\\ud83d", "\ud83d"]"#, json!(["\\ud83d", "\u{fffd}"]));
    }

    #[test]
    fn bytes_that_are_no_utf8_are_lost_and_harm_nothing_else() {
        check(
            b"{\"note\": \"caf\xe9\", \"n\": 1}",
            json!({"note": "caf\u{fffd}", "n": 1}),
        );
        check(b"[\"\xff\", \"\xc3\xa9\"]", json!(["\u{fffd}", "\u{e9}"]));
        // A surrogate pair as some write it: each half as three bytes.
        let each = "\u{fffd}".repeat(6);
        check(b"[\"\xed\xa0\xbd\xed\xb8\x80\"]", json!([each]));
    }

    #[test]
    fn a_mark_or_zero_bytes_around_json_are_passed_over() {
        check("\u{feff}{\"a\": 1}", json!({"a": 1}));
        check("{\"a\": 1}\0\0", json!({"a": 1}));
        check("\u{feff}\u{feff} [\u{feff}1]", json!([1]));
        assert_eq!(
            read("[\"\u{feff}\"]".as_bytes()).unwrap(),
            json!(["\u{feff}"])
        );
        // Nothing grows together that did not stand together.
        assert!(read("1\u{feff}2".as_bytes()).is_err());
    }

    #[test]
    fn utf16_is_read_with_a_mark_and_without() {
        let text = "{\"a\": \"\u{e9}\u{1f600}\"}";
        let units =
            |unit: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(unit).collect() };
        let expected = json!({"a": "\u{e9}\u{1f600}"});
        for (mark, bytes) in [
            ([0xff, 0xfe], units(u16::to_le_bytes)),
            ([0xfe, 0xff], units(u16::to_be_bytes)),
        ] {
            check(&bytes, expected.clone());
            check([&mark[..], &bytes].concat(), expected.clone());
        }
        check(b"\xff\xfe[\0\"\0\x3d\xd8\"\0]\0", json!(["\u{fffd}"]));
    }

    #[test]
    fn control_characters_stay_what_they_are() {
        check("[\"a\nb\tc\0\"]", json!(["a\nb\tc\0"]));
        check("[\"\u{1b}[2J\"]", json!(["\u{1b}[2J"]));
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for text in [
            "",
            "{",
            "<html>",
            "{'a': 1}",
            "[1,]",
            "\"\\x\"",
            "\"\\u12\"",
            "\"",
            "\"\\",
            "NaN",
            "\u{e9}",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read(b"\xff\xfe").is_err() && read(&[0x1f, 0x8b, 8, 0]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = mend(&bytes);
        }

        /// Bytes of the kind that state and escapes turn on.
        #[test]
        fn what_is_strictly_json_is_untouched_and_what_is_mended_stays(
            parts in prop::collection::vec(prop::sample::select(vec![
                "\"", "\\", "\\\\", "\\u", "\\ud83d", "\\ude00", "\\u0041", "n", "\u{feff}", "\0", "\n", "[", "]", ",", "{", "}", ":", "1", "\u{e9}",
            ]), 0..12),
        ) {
            let text = parts.concat();
            let mended = mend(text.as_bytes());
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert!(matches!(mended, Cow::Borrowed(_)), "{text}");
            }
            prop_assert_eq!(mend(mended.as_bytes()), mended.clone());
        }

        #[test]
        fn any_text_is_read_back(text in any::<String>(), number in any::<i64>()) {
            let value = json!({"text": text, "list": [number, null, true, [text]]});
            let strict = value.to_string();
            prop_assert!(matches!(mend(strict.as_bytes()), Cow::Borrowed(_)));
            let utf16: Vec<u8> = strict.encode_utf16().flat_map(u16::to_le_bytes).collect();
            prop_assert_eq!(read(&utf16).unwrap(), value);
        }
    }
}
