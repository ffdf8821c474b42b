//! A transcription job: its name, what it reads and where it writes, and how far it is.
//!
//! Limits (Amazon Transcribe API reference, StartTranscriptionJob): a name of 1 to 200
//! letters, digits, `.`, `_` and `-`, one job a name and account; an output key of 1 to 1,024
//! letters, digits and `-_.!*'()/`.

use std::fmt;

use crate::object_key::safe;

/// What the names of all jobs of voicemail start with.
pub const PREFIX: &str = "vmx3_";

/// A job's name: `vmx3_{contact}`, so that a message has one job however often it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobName(Box<str>);

impl JobName {
    /// The name of a contact's job. An id that a key cannot hold as it is is escaped as keys
    /// are, so that the name has 133 characters at the most.
    pub fn of(contact: &str) -> Self {
        Self(format!("{PREFIX}{}", safe(contact)).into())
    }

    /// The same for an id that is escaped already, as keys have it.
    pub fn of_safe(contact: &str) -> Self {
        Self(format!("{PREFIX}{contact}").into())
    }

    /// A name that an event tells; `None` when it is no job of voicemail.
    pub fn parse(name: &str) -> Option<Self> {
        let contact = name.strip_prefix(PREFIX)?;
        (!contact.is_empty()).then(|| Self(name.into()))
    }

    /// What stands behind the prefix: the contact's id as keys have it. Jobs of older makes
    /// have `_` and the time in seconds behind it, which does not count.
    pub fn contact(&self) -> &str {
        let contact = self.0.strip_prefix(PREFIX).unwrap_or(&self.0);
        match contact.rsplit_once('_') {
            // An escape is two hex digits; a time has more.
            Some((contact, time))
                if time.len() > 4 && time.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                contact
            }
            _ => contact,
        }
    }

    /// The name as the service has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a job is to do. The edge knows the buckets; the media's format is `wav`, and its
/// sample rate is left to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub name: JobName,
    /// The language that is spoken, as Transcribe has it (`en-US`).
    pub language: Box<str>,
    /// The key of the recording, in the bucket of recordings.
    pub recording: String,
    /// The key of the transcript to be, in the bucket of transcripts.
    pub transcript: String,
}

/// What became of the wish to start a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// It runs.
    Now,
    /// There is a job of this name already (ConflictException).
    Before,
    /// The service does not take the language (BadRequestException that names it).
    LanguageRefused {
        /// What it says.
        cause: String,
    },
    /// The service does not take the job as it is (another BadRequestException): no event will
    /// tell of it.
    Refused {
        /// What it says.
        cause: String,
    },
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobState {
    /// Its status.
    pub status: JobStatus,
    /// The key of the recording that it reads, out of `Media.MediaFileUri`, which is
    /// `s3://bucket/key` or an https URL of older makes.
    pub recording: Option<String>,
}

/// A job's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// It waits or works.
    UnderWay,
    /// It ended, and the transcript should be there.
    Completed,
    /// It failed.
    Failed {
        /// Why, as far as the service says.
        reason: Option<String>,
    },
}

/// The key in the URI of a job's media: behind the bucket of `s3://bucket/key`, or of a URL in
/// either style of S3.
pub fn key_of_uri(uri: &str, bucket: &str) -> Option<String> {
    let (host, path) = match uri.strip_prefix("s3://") {
        Some(rest) => return rest.split_once('/').map(|(_, key)| key.to_owned()),
        None => uri.strip_prefix("https://")?.split_once('/')?,
    };
    let key = match host.starts_with(&format!("{bucket}.")) {
        true => path,
        false => path.strip_prefix(bucket)?.strip_prefix('/')?,
    };
    (!key.is_empty()).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        #[track_caller]
        fn check(contact: &str, name: &str) {
            let named = JobName::of(contact);
            assert_eq!(named.as_str(), name);
            assert_eq!(JobName::parse(name), Some(named));
        }
        check("8d1c-a", "vmx3_8d1c-a");
        check("../x", "vmx3__2e_2e_2fx");
        assert!(JobName::of(&"é".repeat(256)).as_str().len() <= 200);
        let contact = |name| JobName::parse(name).map(|name| name.contact().to_owned());
        assert_eq!(contact("vmx3_8d1c-a").as_deref(), Some("8d1c-a"));
        assert_eq!(contact("vmx3_8d1c-a_1738300060").as_deref(), Some("8d1c-a"));
        assert_eq!(contact("vmx3_a_2f33").as_deref(), Some("a_2f33"));
        assert_eq!(contact("vmx3_"), None);
        assert_eq!(contact("meeting_8d1c"), None);
    }

    #[test]
    fn keys_come_out_of_any_uri() {
        #[track_caller]
        fn check(uri: &str, key: Option<&str>) {
            assert_eq!(key_of_uri(uri, "b").as_deref(), key, "{uri}");
        }
        check("s3://b/2025/01/31/c.wav", Some("2025/01/31/c.wav"));
        check(
            "https://s3-us-east-1.amazonaws.com/b/2025/c.wav",
            Some("2025/c.wav"),
        );
        check("https://b.s3.us-east-1.amazonaws.com/c.wav", Some("c.wav"));
        check("https://b.s3.us-east-1.amazonaws.com/", None);
        check("s3://b", None);
        check("c.wav", None);
    }
}
