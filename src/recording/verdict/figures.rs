//! What a verdict says of the sound for people: how much of it there is, and the file that its
//! waveform is drawn from.

use serde::{Deserialize, Serialize};

use super::Stretch;

/// How much of a recording sounds. Sound is no speech: music and ringing count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SoundFigures {
    /// Share of the recording in which the customer's side sounds, 0 to 1; absent unless kept.
    pub from_share: Option<f64>,
    /// The same of what the customer hears.
    pub to_share: Option<f64>,
    /// Share in which both sound at once; absent unless both are kept.
    pub both_share: Option<f64>,
    /// The same in seconds.
    pub both_seconds: Option<f64>,
    /// The longest stretch without sound on any side that is kept.
    pub longest_silence: Option<Stretch>,
}

/// The file that a recording's waveform is drawn from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeaksEntry {
    /// Its key in the bucket, or its path in the folder.
    pub key: String,
    /// Its size, header included.
    pub bytes: u64,
    /// How many points it has.
    pub points: u64,
    /// Samples of a point.
    pub samples_per_point: u64,
    /// The sides that it holds, a channel each: `from`, `to`.
    pub sides: Vec<String>,
    /// SHA-256 of all that follows its header of 24 bytes; 64 hexadecimal digits.
    pub points_sha256: String,
}
