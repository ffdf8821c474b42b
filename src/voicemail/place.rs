//! Where the objects of a voicemail lie, and the tags of its recording. The keys are the same
//! whenever it is worked, so that every step finds what the one before it left:
//!
//! - `YYYY/MM/DD/{contact}.wav`, dated by the message's start in UTC, and its verdict beside it,
//!   in the bucket of recordings;
//! - `YYYY/MM/DD/{contact}.json`, the transcript, in the bucket of transcripts;
//! - `delivered/{contact}.json`, what became of its delivery, in the bucket of recordings.

use crate::media::ticks::EpochMillis;
use crate::media::wav::Output;
use crate::object_key::{dated_folder, safe};
use crate::recording::key::RecordingKeys;
use crate::voicemail::job::JobName;

/// Tags of an object at the most (Amazon S3 API reference, PutObjectTagging).
pub const MAX_TAGS: usize = 10;
/// What Transcribe writes first, to see whether it may.
pub const ACCESS_CHECK: &str = ".write_access_check_file.temp";
/// The folder of markers.
pub const DELIVERED: &str = "delivered/";

/// The place of one voicemail: its folder and its contact's id, as keys have them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `YYYY/MM/DD/`, or whatever stands before the name; can be empty.
    folder: String,
    /// The contact's id, as a key has it.
    name: String,
}

impl Place {
    /// The place of a contact whose message began then.
    pub fn of(contact: &str, began: Option<EpochMillis>, prefix: &str) -> Self {
        Self {
            folder: format!("{prefix}{}/", dated_folder(began)),
            name: safe(contact),
        }
    }

    /// The place of a recording's key; `None` when it is none: another kind of file, or none
    /// at all.
    pub fn of_recording(key: &str) -> Option<Self> {
        Self::of_key(key, ".wav")
    }

    /// The place of a transcript's key; `None` when it is none, such as the file that
    /// Transcribe tries its rights with, or a marker.
    pub fn of_transcript(key: &str) -> Option<Self> {
        Self::of_key(key, ".json")
    }

    fn of_key(key: &str, ending: &str) -> Option<Self> {
        let is_mark = key.starts_with(DELIVERED) || key.contains("/delivered/");
        let base = key.strip_suffix(ending).filter(|_| !is_mark)?;
        let (folder, name) = match base.rsplit_once('/') {
            Some((folder, name)) => (format!("{folder}/"), name),
            None => (String::new(), base),
        };
        let is_name = |name: &str| {
            let may = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !name.is_empty() && name.len() <= 200 && name.bytes().all(may)
        };
        let is_other = name.ends_with("_verdict");
        (is_name(name) && !is_other).then(|| Self {
            folder,
            name: name.to_owned(),
        })
    }

    /// The contact's id, as keys have it: the id itself where that is made of letters, digits
    /// and hyphens, as Connect's are.
    pub fn contact(&self) -> &str {
        &self.name
    }

    /// The keys of the recording and its verdict.
    pub fn keys(&self) -> RecordingKeys {
        RecordingKeys::one_file(format!("{}{}", self.folder, self.name), Output::From)
    }

    /// The key of the recording.
    pub fn recording(&self) -> String {
        format!("{}{}.wav", self.folder, self.name)
    }

    /// The key of the transcript.
    pub fn transcript(&self) -> String {
        format!("{}{}.json", self.folder, self.name)
    }

    /// The key of the marker.
    pub fn marker(&self) -> String {
        format!("{DELIVERED}{}.json", self.name)
    }

    /// The name of its transcription job.
    pub fn job(&self) -> JobName {
        JobName::of_safe(&self.name)
    }
}

/// Tags of recordings: what the steps behind need to know of a message.
pub mod tags {
    /// The contact.
    pub const CONTACT: &str = "vmx3_contact_id";
    /// The first leg of its call, which has the attributes.
    pub const INITIAL_CONTACT: &str = "vmx3_initial_contact_id";
    /// When the message was left, RFC 3339 in UTC.
    pub const RECEIVED: &str = "vmx3_received";
}

/// A text as a tag's value: what S3 does not take in one becomes `_`, and it is cut to 256
/// characters.
pub use super::target::tag_value;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_voicemail_has_its_day_and_its_contact() {
        let began = EpochMillis::from_rfc3339("2025-01-31T23:59:59Z");
        let place = Place::of("8d1c-a", began, "");
        assert_eq!(place.recording(), "2025/01/31/8d1c-a.wav");
        assert_eq!(place.transcript(), "2025/01/31/8d1c-a.json");
        assert_eq!(place.marker(), "delivered/8d1c-a.json");
        assert_eq!(place.job().as_str(), "vmx3_8d1c-a");
        assert_eq!(place.keys().verdict(), "2025/01/31/8d1c-a_verdict.json");
        assert_eq!(Place::of("c", None, "vm/").recording(), "vm/undated/c.wav");
    }

    #[test]
    fn other_objects_are_no_voicemail() {
        #[track_caller]
        fn check(key: &str, recording: Option<&str>, transcript: Option<&str>) {
            let contact = |place: Option<Place>| place.map(|place| place.contact().to_owned());
            let read = (
                contact(Place::of_recording(key)),
                contact(Place::of_transcript(key)),
            );
            assert_eq!(
                (read.0.as_deref(), read.1.as_deref()),
                (recording, transcript),
                "{key}"
            );
        }
        check("2025/01/31/c-1.wav", Some("c-1"), None);
        check("c-1.wav", Some("c-1"), None);
        check("any/prefix/c-1.json", None, Some("c-1"));
        for other in [
            ".write_access_check_file.temp",
            "2025/01/31/.write_access_check_file.temp",
            "2025/01/31/c-1_verdict.json",
            "delivered/c-1.json",
            "x/delivered/c-1.json",
            "2025/01/31/.json",
            "2025/01/31/.wav",
            "2025/01/31/c-1.tags.json",
            "2025/01/31/c 1.wav",
            "2025/01/31/c-1.mp3",
            "",
        ] {
            check(other, None, None);
        }
    }

    proptest! {
        #[test]
        fn every_contact_comes_back(contact in ".{1,300}", began in proptest::option::of(any::<i64>())) {
            let place = Place::of(&contact, began.map(EpochMillis), "");
            // An id that ends as a verdict's name does is no contact of Connect's.
            prop_assume!(!place.contact().ends_with("_verdict"));
            prop_assert_eq!(Place::of_recording(&place.recording()), Some(place.clone()));
            prop_assert_eq!(Place::of_transcript(&place.transcript()), Some(place.clone()));
            prop_assert!(place.job().as_str().len() <= 200);
        }
    }
}
