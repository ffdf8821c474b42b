//! The contact attributes that carry a recording's URLs: whose URL stands there, and how
//! one more is added. All legs of a call share them, so nothing is ever overwritten and
//! an empty value, which would remove the attribute, is never written.

use crate::media::wav::Output;
use crate::recording::key::{self, RecordingId};

/// The attribute that says what may be recorded.
pub const RECORDING_AUTH: &str = "recordingAuth";
/// The most UTF-8 bytes that all attributes of a contact may take together
/// (Amazon Connect service quotas).
pub const MAX_ATTRIBUTE_BYTES: usize = 32_768;
/// Stands between the URLs of several recordings, as the deployments that users come from
/// have it.
const SEPARATOR: &str = ", ";

/// The URLs in an attribute: separated by commas, by white space, or by both. None of ours
/// holds either: keys and folders are percent-encoded, and domains have none.
pub fn urls(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(|letter: char| letter == ',' || letter.is_whitespace())
        .filter(|url| !url.is_empty())
}

/// An attribute that carries URLs of recordings, as a deployment writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// Its name.
    pub attribute: &'static str,
    /// The file that its URLs lead to; `None` for the archive's page.
    pub output: Option<Output>,
    /// What all our URLs in it start with.
    pub ours: String,
}

/// All attributes that may carry URLs of ours.
pub const CARRIERS: [&str; 4] = [
    name(Some(Output::From)),
    name(Some(Output::To)),
    name(Some(Output::Mixed)),
    name(None),
];

/// The attribute that carries the URL of a file, or of the archive's page.
pub const fn name(output: Option<Output>) -> &'static str {
    match output {
        Some(Output::From) => "audioFromCustomer",
        Some(Output::To) => "audioToCustomer",
        Some(Output::Mixed) => "audioMixed",
        None => "audioPage",
    }
}

/// What an attribute holds, seen from one recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nothing, or only white space and commas.
    Nothing,
    /// URLs of ours, this recording's not among them.
    Others,
    /// This recording's URL, or one of ours for this contact that names none of its
    /// other recordings.
    This,
    /// Something that Callreel did not write.
    NotOurs,
}

/// Looks at an attribute's value. `base` is what all our URLs start with, `siblings` the
/// recordings of the same contact, this one among them or not.
pub fn held(
    value: Option<&str>,
    base: &str,
    recording: &RecordingId,
    siblings: &[RecordingId],
) -> Held {
    let mut held = Held::Nothing;
    for url in urls(value.unwrap_or_default()) {
        let Some(path) = url.strip_prefix(base) else {
            return Held::NotOurs;
        };
        let file_name = path.rsplit('/').next().unwrap_or_default();
        let is_sibling = || {
            let mut others = siblings
                .iter()
                .filter(|sibling| sibling.start != recording.start);
            others.any(|sibling| key::names_recording(file_name, sibling))
        };
        if key::names_contact(file_name, &recording.contact) && !is_sibling() {
            held = Held::This;
        } else if held == Held::Nothing {
            held = Held::Others;
        }
    }
    held
}

/// What an attribute holds, where the contact's other recordings are not known: a URL of
/// ours that names another recording by its start is none of this one's.
pub fn held_now(value: Option<&str>, base: &str, recording: &RecordingId) -> Held {
    let mut held = Held::Nothing;
    for url in urls(value.unwrap_or_default()) {
        let Some(path) = url.strip_prefix(base) else {
            return Held::NotOurs;
        };
        let file_name = path.rsplit('/').next().unwrap_or_default();
        let is_this = match key::names_start(file_name, &recording.contact) {
            Some(start) => start == recording.start,
            None => key::is_of_contact(file_name, &recording.contact),
        };
        if is_this {
            held = Held::This;
        } else if held == Held::Nothing {
            held = Held::Others;
        }
    }
    held
}

/// Whether one of the URLs is ours and of this contact.
pub fn names_contact(value: &str, base: &str, contact: &str) -> bool {
    urls(value).any(|url| {
        let path = url.strip_prefix(base).unwrap_or_default();
        key::is_of_contact(path.rsplit('/').next().unwrap_or_default(), contact)
    })
}

/// The value with one more URL, in the order of coming; `None` when it is there already.
pub fn with_url(value: Option<&str>, url: &str) -> Option<String> {
    let mut held: Vec<_> = urls(value.unwrap_or_default()).collect();
    if held.contains(&url) {
        return None;
    }
    held.push(url);
    Some(held.join(SEPARATOR))
}

/// The URLs of these contacts' recordings in a value, and the value without them.
pub fn split_off<'a>(value: &'a str, contacts: &[String]) -> (Vec<&'a str>, String) {
    let is_theirs = |url: &&str| {
        let file_name = url.rsplit('/').next().unwrap_or_default();
        contacts
            .iter()
            .any(|contact| key::is_of_contact(file_name, contact))
    };
    let (theirs, others): (Vec<_>, Vec<_>) = urls(value).partition(is_theirs);
    (theirs, others.join(SEPARATOR))
}

/// What a set of attributes takes of [`MAX_ATTRIBUTE_BYTES`]: names and values.
pub fn byte_count<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> usize {
    attributes
        .into_iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::key::RecordingStart;

    fn recording(contact: &str, start: &str) -> RecordingId {
        RecordingId {
            contact: contact.into(),
            initiated: None,
            start: RecordingStart::Fragment(start.parse().unwrap()),
        }
    }

    #[test]
    fn urls_are_told_apart() {
        #[track_caller]
        fn check(value: Option<&str>, expected: Held) {
            let siblings = [recording("me", "10"), recording("me", "20")];
            assert_eq!(
                held(value, "https://d.example/rec/", &siblings[0], &siblings),
                expected
            );
        }
        check(None, Held::Nothing);
        check(Some("  "), Held::Nothing);
        check(Some(" , "), Held::Nothing);
        check(
            Some("https://d.example/rec/2025/10/09/me_10_from.wav"),
            Held::This,
        );
        check(Some("https://d.example/rec/2025/10/09/me.wav"), Held::This);
        check(
            Some("https://d.example/rec/2025/10/09/me_20_from.wav"),
            Held::Others,
        );
        check(
            Some("https://d.example/rec/2025/10/09/other_10_from.wav"),
            Held::Others,
        );
        for between in [" ", ", ", ",", " , ", "\n"] {
            let first = "https://d.example/rec/a/other_1_from.wav";
            let ours = "https://d.example/rec/b/me_10_from.wav";
            check(Some(&format!("{first}{between}{ours}")), Held::This);
            check(Some(&format!("{first}{between}{first}")), Held::Others);
            check(
                Some(&format!("{ours}{between}https://elsewhere.example/x")),
                Held::NotOurs,
            );
        }
        check(
            Some("https://elsewhere.example/me_10_from.wav"),
            Held::NotOurs,
        );
        check(
            Some("https://d.example/rec/b/me_10_from.wav by hand"),
            Held::NotOurs,
        );
        check(Some("no recording wanted"), Held::NotOurs);
    }

    #[test]
    fn the_page_of_a_recording_is_told_apart_as_its_files_are() {
        #[track_caller]
        fn check(path: &str, expected: Held) {
            let siblings = [recording("me", "10"), recording("me", "20")];
            let base = "https://calls.example/call?recording=rec/";
            let value = format!("{base}{path}");
            assert_eq!(held(Some(&value), base, &siblings[0], &siblings), expected);
            assert_eq!(held_now(Some(&value), base, &siblings[0]), expected);
            let (taken, left) = split_off(&value, &["me".to_owned()]);
            assert_eq!(taken.is_empty(), path.starts_with("b/other"));
            assert_eq!(left.is_empty(), !taken.is_empty());
        }
        check("b/me_10_verdict.json", Held::This);
        check("b/me_20_verdict.json", Held::Others);
        check("b/other_10_verdict.json", Held::Others);
    }

    #[test]
    fn urls_are_added_once_and_in_order() {
        assert_eq!(with_url(None, "u1").as_deref(), Some("u1"));
        assert_eq!(with_url(Some(" "), "u1").as_deref(), Some("u1"));
        assert_eq!(with_url(Some("u1"), "u2").as_deref(), Some("u1, u2"));
        for both in ["u1 u2", "u1, u2", "u1,u2", " u1 , u2, "] {
            assert_eq!(with_url(Some(both), "u1"), None, "{both:?}");
            assert_eq!(with_url(Some(both), "u2"), None, "{both:?}");
            assert_eq!(with_url(Some(both), "u3").as_deref(), Some("u1, u2, u3"));
        }
    }

    #[test]
    fn bytes_are_counted_as_utf8() {
        assert_eq!(byte_count([("a", "ü"), ("bc", "")]), 5);
    }
}
