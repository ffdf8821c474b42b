//! Recording to object keys and URLs. The same recording gives the same keys on every
//! delivery, and two recordings never share one: `{prefix}YYYY/MM/DD/{contact}_{start
//! fragment}_…`, dated by the record's InitiationTimestamp in UTC. Ids come from outside
//! and are never trusted: what is no letter, digit or hyphen is escaped, reversibly.

use std::fmt;

use crate::media::fragment::FragmentNumber;
use crate::media::peaks;
use crate::media::ticks::EpochMillis;
use crate::media::wav::Output;
use crate::object_key::{dated_folder, safe};

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
        let folder = dated_folder(self.initiated);
        RecordingKeys {
            base: format!("{prefix}{folder}/{}", self.stem()),
            only: None,
        }
    }
}

/// The keys of one recording's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingKeys {
    base: String,
    /// The output whose key has no name of its own: there is no other file.
    only: Option<Output>,
}

impl RecordingKeys {
    /// Keys of a recording of one side, under a name that its maker chose: `{base}.wav`, and
    /// the verdict beside it.
    pub const fn one_file(base: String, output: Output) -> Self {
        Self {
            base,
            only: Some(output),
        }
    }

    /// Keys beside each other in one folder, for media without a contact record.
    pub fn flat(contact: &str) -> Self {
        Self {
            base: safe(contact),
            only: None,
        }
    }

    /// The key of one WAV file.
    pub fn wav(&self, output: Output) -> String {
        match self.only == Some(output) {
            true => format!("{}.wav", self.base),
            false => format!("{}_{}.wav", self.base, output.name()),
        }
    }

    /// The key of what the waveform is drawn from.
    pub fn peaks(&self) -> String {
        format!("{}{}", self.base, peaks::SUFFIX)
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
        let start = read_start(start)?;
        let base = base.to_owned();
        Some((Self { base, only: None }, start))
    }
}

/// Whether a file name, the last part of a URL or key, is one of this contact's.
pub fn names_contact(file_name: &str, contact: &str) -> bool {
    file_name
        .strip_prefix(&*safe(contact))
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

/// The start that a file name has, if it is one of this very contact's and has one.
pub fn names_start(file_name: &str, contact: &str) -> Option<RecordingStart> {
    let rest = file_name.strip_prefix(&*safe(contact))?.strip_prefix('_')?;
    let (start, ending) = rest.split_once('_')?;
    // An id that begins like this one has an escape or another id's part here.
    (!ending.contains('_')).then(|| read_start(start)).flatten()
}

/// Whether a file name is one of this very contact's, and of no id that begins like it: with
/// a start, or as media that was extracted and older deployments have it, without one. A
/// file that is not whole yet (`.part`) is its, too.
pub fn is_of_contact(file_name: &str, contact: &str) -> bool {
    let is_whole = |ending: &str| {
        let ending = ending.strip_suffix(".part").map_or(ending, |part| {
            part.rsplit_once('.').map_or(part, |(whole, _)| whole)
        });
        matches!(
            ending,
            "from.wav" | "to.wav" | "mixed.wav" | "peaks.dat" | "verdict.json"
        )
    };
    let rest = file_name.strip_prefix(&*safe(contact));
    names_start(file_name, contact).is_some()
        || rest.is_some_and(|rest| rest == ".wav" || rest.strip_prefix('_').is_some_and(is_whole))
}

/// Where the mark lies that a contact's recordings were deleted for good.
pub fn forgotten(prefix: &str, contact: &str) -> String {
    format!("{}{}.json", forgotten_folder(prefix), safe(contact))
}

/// Where all such marks lie.
pub fn forgotten_folder(prefix: &str) -> String {
    format!("{prefix}forgotten/")
}

fn read_start(text: &str) -> Option<RecordingStart> {
    Some(match text.strip_prefix('t') {
        Some(millis) => RecordingStart::Time(EpochMillis(millis.parse().ok()?)),
        None => RecordingStart::Fragment(text.parse().ok()?),
    })
}

/// Whether a file name is one of this recording's.
pub fn names_recording(file_name: &str, recording: &RecordingId) -> bool {
    file_name
        .strip_prefix(&recording.stem())
        .is_some_and(|rest| rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn files_are_deleted_with_their_own_contact_only() {
        #[track_caller]
        fn check(file_name: &str, contact: &str, expected: bool) {
            assert_eq!(is_of_contact(file_name, contact), expected, "{file_name}");
        }
        for contact in ["8d1c-2a", "a b", "a"] {
            let stem = id(contact, None).stem();
            for ending in [
                "from.wav",
                "verdict.json",
                "mixed.wav.77-3.part",
                "peaks.dat",
            ] {
                check(&format!("{stem}_{ending}"), contact, true);
            }
            check(&format!("{}_from.wav", safe(contact)), contact, true);
            check(&format!("{}_to.wav.7-1.part", safe(contact)), contact, true);
            check(&format!("{}_peaks.dat", safe(contact)), contact, true);
            check(&format!("{}.wav", safe(contact)), contact, true);
        }
        // Ids that begin like another one.
        check("8d1c-2a_9134_from.wav", "8d1c", false);
        check("8d1c-2a.wav", "8d1c", false);
        check(&format!("{}_from.wav", id("a 1", None).stem()), "a", false);
        check(&format!("{}_from.wav", id("a_1", None).stem()), "a", false);
        check("a_201_from.wav", "a", true);
        check("a_notes.txt", "a", false);
        check("a", "a", false);
        assert_eq!(forgotten("rec/", "../x"), "rec/forgotten/_2e_2e_2fx.json");
    }
}
