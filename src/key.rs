//! Recording to object keys and URLs. The same recording gives the same keys on every
//! delivery, and two recordings never share one: `{prefix}YYYY/MM/DD/{contact}_{start
//! fragment}_…`, dated by the record's InitiationTimestamp in UTC. Ids come from outside
//! and are never trusted: what is no letter, digit or hyphen is escaped, reversibly.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::fragment::FragmentNumber;
use crate::ticks::EpochMillis;
use crate::wav::Output;

/// The longest id that goes into a key as it is; longer ones end in their hash.
const MAX_ID_CHARS: usize = 128;

/// What a verdict's key ends in.
pub const VERDICT_SUFFIX: &str = "_verdict.json";

/// What tells a recording from every other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingId {
    /// The contact whose record names the recording.
    pub contact: Box<str>,
    /// When the contact began, for the date in the key.
    pub initiated: Option<EpochMillis>,
    /// How the recording is told from the contact's others.
    pub start: RecordingStart,
}

/// Where a recording begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingStart {
    /// At this fragment.
    Fragment(FragmentNumber),
    /// At this time; the record names no start fragment.
    Time(EpochMillis),
}

impl fmt::Display for RecordingStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fragment(number) => write!(f, "{number}"),
            Self::Time(time) => write!(f, "t{}", time.0),
        }
    }
}

impl RecordingId {
    /// The part of the file name that all of the recording's objects share.
    pub fn stem(&self) -> String {
        format!("{}_{}", safe(&self.contact), self.start)
    }

    /// The recording's keys under a prefix, which is taken as it is.
    pub fn keys(&self, prefix: &str) -> RecordingKeys {
        let folder = match self.initiated.and_then(EpochMillis::to_utc_date) {
            Some((year, month, day)) => format!("{year:04}/{month:02}/{day:02}"),
            None => "undated".to_owned(),
        };
        RecordingKeys {
            base: format!("{prefix}{folder}/{}", self.stem()),
        }
    }
}

/// The keys of one recording's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingKeys {
    base: String,
}

impl RecordingKeys {
    /// Keys beside each other in one folder, for media without a contact record.
    pub fn flat(contact: &str) -> Self {
        Self {
            base: safe(contact),
        }
    }

    /// The key of one WAV file.
    pub fn wav(&self, output: Output) -> String {
        format!("{}_{}.wav", self.base, output.name())
    }

    /// The key of the verdict.
    pub fn verdict(&self) -> String {
        format!("{}{VERDICT_SUFFIX}", self.base)
    }

    /// The way back from a verdict's key: all keys of the recording and where it begins.
    /// `None` when the key is not one of this contact's recordings.
    pub fn of_verdict(key: &str, contact: &str) -> Option<(Self, RecordingStart)> {
        let base = key.strip_suffix(VERDICT_SUFFIX)?;
        let stem = base.rsplit('/').next()?;
        let start = stem.strip_prefix(&*safe(contact))?.strip_prefix('_')?;
        let start = match start.strip_prefix('t') {
            Some(millis) => RecordingStart::Time(EpochMillis(millis.parse().ok()?)),
            None => RecordingStart::Fragment(start.parse().ok()?),
        };
        let base = base.to_owned();
        Some((Self { base }, start))
    }
}

/// Whether a file name, the last part of an URL or key, is one of this contact's.
pub fn names_contact(file_name: &str, contact: &str) -> bool {
    file_name
        .strip_prefix(&*safe(contact))
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

/// Whether a file name is one of this recording's.
pub fn names_recording(file_name: &str, recording: &RecordingId) -> bool {
    file_name
        .strip_prefix(&recording.stem())
        .is_some_and(|rest| rest.starts_with('_'))
}

/// An object's URL. `base` ends in a slash; the key is percent-encoded where it must be.
pub fn url(base: &str, key: &str) -> String {
    let mut url = base.to_owned();
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// An id as key text: `_` and two hex digits stand for every byte that is no letter,
/// digit or hyphen, so that no id can reach another folder or another id's key.
fn safe(id: &str) -> String {
    let escaped: String = id
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            _ => format!("_{byte:02x}"),
        })
        .collect();
    if escaped.len() <= MAX_ID_CHARS {
        return escaped;
    }
    let hash: String = Sha256::digest(id)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{}_{hash}", &escaped[..MAX_ID_CHARS - hash.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(contact: &str, initiated: Option<&str>) -> RecordingId {
        RecordingId {
            contact: contact.into(),
            initiated: initiated.and_then(EpochMillis::from_rfc3339),
            start: RecordingStart::Fragment("9134".parse().unwrap()),
        }
    }

    #[test]
    fn the_way_back_from_a_verdicts_key() {
        for contact in ["8d1c-2a", "a/b_c", &"x".repeat(300)] {
            for start in [
                RecordingStart::Fragment("9134".parse().unwrap()),
                RecordingStart::Time(EpochMillis(1_760_000_000_000)),
            ] {
                let id = RecordingId {
                    start,
                    ..id(contact, None)
                };
                let keys = id.keys("rec/");
                let back = RecordingKeys::of_verdict(&keys.verdict(), contact);
                assert_eq!(back, Some((keys.clone(), start)));
                assert_eq!(RecordingKeys::of_verdict(&keys.verdict(), "other"), None);
                assert_eq!(
                    RecordingKeys::of_verdict(&keys.wav(Output::From), contact),
                    None
                );
            }
        }
        let odd = RecordingKeys::of_verdict("rec/8d1c-2a_12x_verdict.json", "8d1c-2a");
        assert_eq!(odd, None);
    }

    #[test]
    fn keys_are_dated_in_utc_padded_and_escaped() {
        #[track_caller]
        fn check(contact: &str, initiated: Option<&str>, key: &str) {
            assert_eq!(
                id(contact, initiated).keys("recordings/").wav(Output::From),
                key
            );
        }
        check(
            "8d1c-2a",
            Some("2025-01-09T08:00:00Z"),
            "recordings/2025/01/09/8d1c-2a_9134_from.wav",
        );
        check(
            "8d1c-2a",
            Some("2025-10-10T01:00:00+02:00"),
            "recordings/2025/10/09/8d1c-2a_9134_from.wav",
        );
        check("8d1c-2a", None, "recordings/undated/8d1c-2a_9134_from.wav");
        check(
            "../x y",
            Some("2025-01-09T08:00:00Z"),
            "recordings/2025/01/09/_2e_2e_2fx_20y_9134_from.wav",
        );
    }

    #[test]
    fn recordings_seconds_apart_have_their_own_keys() {
        let mut other = id("c", None);
        other.start = RecordingStart::Fragment("9135".parse().unwrap());
        assert_ne!(other.keys("").verdict(), id("c", None).keys("").verdict());
        other.start = RecordingStart::Time(EpochMillis(5));
        assert_eq!(other.keys("").verdict(), "undated/c_t5_verdict.json");
    }

    #[test]
    fn file_names_are_traced_to_contact_and_recording() {
        assert!(names_contact("8d1c_9134_from.wav", "8d1c"));
        assert!(names_contact("8d1c.wav", "8d1c"));
        assert!(!names_contact("8d1cf_9134_from.wav", "8d1c"));
        assert!(names_recording("8d1c_9134_from.wav", &id("8d1c", None)));
        assert!(!names_recording("8d1c_91345_from.wav", &id("8d1c", None)));
    }

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
