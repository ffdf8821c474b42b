//! A transcript as Amazon Transcribe writes it, and the substitute that stands in its place
//! where there is none: a document of the same shape, so that the delivery goes its one way,
//! with ours beside it under `vmx`.
//!
//! Shape: Amazon Transcribe Developer Guide, "Data input and output", `results.transcripts`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json;
use crate::voicemail::place::Place;

/// Stands where nothing was understood.
pub const NO_SPEECH: &str = "(no speech recognised)";
/// The text of a substitute where transcription failed.
const FAILED: &str = "There is no transcript of this message: the transcription failed. Please listen to the recording.";
/// The text of a substitute where nothing was said.
const SILENT: &str = "There is no transcript of this message: no speech was recorded.";
/// The text of a substitute where there is no recording.
const NO_RECORDING: &str = "There is neither a recording nor a transcript of this message: the recording could not be made. Please call back.";

/// What a transcript says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The text, if anything was understood.
    pub text: Option<String>,
    /// What it stands for, if it is a substitute.
    pub substitute: Option<Substitute>,
}

impl Transcript {
    /// The text for a reader: there is always one.
    pub fn shown(&self) -> &str {
        self.text.as_deref().unwrap_or(NO_SPEECH)
    }

    /// Whether it is what somebody said.
    pub fn is_speech(&self) -> bool {
        self.text.is_some() && self.substitute.is_none()
    }
}

/// Why there is no transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The job failed, or was refused.
    TranscriptionFailed,
    /// Nothing was said, or less than Transcribe takes.
    NoSpeech,
    /// There is no recording.
    NoRecording,
}

impl Missing {
    /// The text that stands in the transcript's place.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TranscriptionFailed => FAILED,
            Self::NoSpeech => SILENT,
            Self::NoRecording => NO_RECORDING,
        }
    }
}

/// What a substitute says beside its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Substitute {
    /// Why there is no transcript.
    pub missing: Missing,
    /// Always true; the name that older readers know.
    #[serde(default)]
    pub transcription_failed: bool,
    /// The cause, as it was told.
    #[serde(default)]
    pub reason: String,
    /// What the recording's tags would say, where there is no recording.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    results: Option<Results>,
    #[serde(default)]
    vmx: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Results {
    #[serde(default)]
    transcripts: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    #[serde(default)]
    transcript: Option<String>,
}

/// Why an object is no transcript.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no transcript: {0}")]
pub struct NotATranscript(String);

/// Reads a transcript. One without a text is one of silence.
pub fn read(document: &[u8]) -> Result<Transcript, NotATranscript> {
    let mended = json::mend(document);
    let document: Document =
        serde_json::from_str(&mended).map_err(|error| NotATranscript(error.to_string()))?;
    let texts = document
        .results
        .into_iter()
        .flat_map(|results| results.transcripts);
    let text = texts.filter_map(|text| text.transcript).next();
    let text = text.filter(|text| !text.trim().is_empty());
    let substitute = document
        .vmx
        .and_then(|vmx| serde_json::from_value(vmx).ok());
    Ok(Transcript { text, substitute })
}

/// A document of a transcript's shape with this text.
pub fn of_text(place: &Place, text: &str) -> Vec<u8> {
    document(place, text, None)
}

/// The substitute for a transcript that there is not.
pub fn substitute(
    place: &Place,
    missing: Missing,
    reason: &str,
    tags: &[(String, String)],
) -> Vec<u8> {
    let told = Substitute {
        missing,
        transcription_failed: true,
        reason: reason.to_owned(),
        tags: tags.iter().cloned().collect(),
    };
    document(place, missing.text(), Some(told))
}

fn document(place: &Place, text: &str, vmx: Option<Substitute>) -> Vec<u8> {
    let mut document = serde_json::json!({
        "jobName": place.job().as_str(),
        "status": "COMPLETED",
        "results": {"transcripts": [{"transcript": text}], "items": []},
    });
    if let Some(vmx) = vmx {
        document["vmx"] = serde_json::json!(vmx);
    }
    format!("{document:#}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> Place {
        Place::of_transcript("2025/01/31/c.json").unwrap()
    }

    #[test]
    fn a_transcript_is_its_first_text() {
        #[track_caller]
        fn check(document: &str, shown: &str) {
            let read = read(document.as_bytes()).map(|transcript| transcript.shown().to_owned());
            assert_eq!(read.as_deref(), Ok(shown));
        }
        check(
            r#"{"results":{"transcripts":[{"transcript":"Call me."}],"items":[{"type":"x"}]}}"#,
            "Call me.",
        );
        check(
            r#"{"results":{"transcripts":[{"transcript":"  "}]}}"#,
            NO_SPEECH,
        );
        check(r#"{"results":{"transcripts":[]}}"#, NO_SPEECH);
        check(r#"{"results":null}"#, NO_SPEECH);
        check("{}", NO_SPEECH);
        assert!(read(b"<Error/>").is_err());
        assert!(read(b"").is_err());
    }

    #[test]
    fn a_substitute_is_read_back() {
        let tags = [("vmx3_lang".to_owned(), "ja-JP".to_owned())];
        for missing in [
            Missing::TranscriptionFailed,
            Missing::NoSpeech,
            Missing::NoRecording,
        ] {
            let transcript =
                read(&substitute(&place(), missing, "bad \"media\"\n", &tags)).unwrap();
            assert_eq!(transcript.shown(), missing.text());
            assert!(!transcript.is_speech());
            let told = transcript.substitute.unwrap();
            assert_eq!((told.missing, &*told.reason), (missing, "bad \"media\"\n"));
            assert_eq!(told.tags["vmx3_lang"], "ja-JP");
        }
        let json: serde_json::Value = serde_json::from_slice(&substitute(
            &place(),
            Missing::TranscriptionFailed,
            "why",
            &[],
        ))
        .unwrap();
        assert_eq!(json["jobName"], "vmx3_c");
        assert_eq!(json["vmx"]["transcriptionFailed"], true);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_no_bytes_panic(text in ".{0,300}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let transcript = read(&of_text(&place(), &text)).unwrap();
            let expected = Some(text).filter(|text| !text.trim().is_empty());
            prop_assert_eq!(transcript.text, expected);
            let _ = read(&bytes);
        }
    }
}
