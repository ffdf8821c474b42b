//! What all keys of objects have in common: ids that are safe in a key, folders by day, and
//! the URLs that keys become. Ids come from outside and are never trusted: what is no letter,
//! digit or hyphen is escaped, reversibly.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::media::ticks::EpochMillis;
use crate::sha256;

/// The longest id that goes into a key as it is; longer ones end in their hash.
const MAX_ID_CHARS: usize = 128;

/// The bytes that a URL's path must not hold as they are (RFC 3986, 2.3 and 3.3).
const NOT_IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// An object's URL. `base` ends in a slash; the key is percent-encoded where it must be.
pub fn url(base: &str, key: &str) -> String {
    format!("{base}{}", utf8_percent_encode(key, NOT_IN_A_PATH))
}

/// The folder of a day in UTC, `YYYY/MM/DD`, or `undated`.
pub fn dated_folder(time: Option<EpochMillis>) -> String {
    match time.and_then(EpochMillis::to_utc_date) {
        Some((year, month, day)) => format!("{year:04}/{month:02}/{day:02}"),
        None => "undated".to_owned(),
    }
}

/// An id as key text: `_` and two hex digits stand for every byte that is no letter,
/// digit or hyphen, so that no id can reach another folder or another id's key.
pub fn safe(id: &str) -> String {
    let mut escaped = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => escaped.push(char::from(byte)),
            _ => {
                let _ = write!(escaped, "_{byte:02x}");
            }
        }
    }
    if escaped.len() <= MAX_ID_CHARS {
        return escaped;
    }
    let hash = hex(sha256::of(id.as_bytes()));
    format!("{}_{hash}", &escaped[..MAX_ID_CHARS - hash.len() - 1])
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::with_capacity(2 * bytes.as_ref().len());
    for byte in bytes.as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_are_encoded() {
        assert_eq!(
            url("https://d.example/", "a b/ü_1.wav"),
            "https://d.example/a%20b/%C3%BC_1.wav"
        );
    }

    proptest! {
        #[test]
        fn different_ids_have_different_keys(a in ".{1,200}", b in ".{1,200}") {
            prop_assert_eq!(safe(&a) == safe(&b), a == b);
            prop_assert!(safe(&a).len() <= MAX_ID_CHARS);
            prop_assert!(!safe(&a).contains(['/', '.', '%', '\\']));
        }
    }
}
