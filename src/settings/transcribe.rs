//! The settings of `transcribe` and `transcribe-failed`: [`SETTINGS`] is the table that the
//! documentation repeats.

use super::messages::{LANGUAGE, MARGIN, OWNER, Places, RECORDINGS, TRANSCRIPTS, language_code};
use super::{ENDPOINT, LOG, Setting, SettingsError, Variables};

/// All settings, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[
    RECORDINGS,
    TRANSCRIPTS,
    OWNER,
    LANGUAGE,
    MARGIN,
    LOG,
    ENDPOINT,
];

/// How recordings are transcribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscribeConfig {
    /// Where everything is.
    pub places: Places,
    /// The language of a message whose flow names none that Transcribe knows.
    pub language: String,
}

impl TranscribeConfig {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(&lookup);
        let config = Self {
            places: Places::read(&mut variables),
            language: variables
                .optional(&LANGUAGE, language_code)
                .unwrap_or_else(|| LANGUAGE.default.to_owned()),
        };
        variables.finish(config)
    }
}
