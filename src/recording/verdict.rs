//! What became of a recording: the JSON kept beside its files, and the mark that it is
//! done. `docs/verdict.md` is the contract; [`SCHEMA`] changes when a field changes its
//! meaning or goes. New fields may come at any time.

mod account;
mod build;
mod check;
mod cover;
mod figures;
mod reasons;
mod sides;

pub use account::Account;
pub use build::Facts;
pub use check::{Check, LaidDown};
pub use cover::{Asked, CONTENDED, LESS_AUTHORISED, NOT_WIDENED};
pub use figures::{PeaksEntry, SoundFigures};
pub use reasons::NOT_STREAMED;
pub use reasons::SILENT_SIDE;

use serde::{Deserialize, Serialize};

use crate::media::counts::nearest;
use crate::media::fragment::{Direction, LeftOutReason};
use crate::recording::parties::Parties;

/// The contract's name and version.
pub const SCHEMA: &str = "callreel.verdict/4";

/// The reason's code for a list of fragments that is proven incomplete.
pub const LISTING_INCOMPLETE: &str = "listing_incomplete";

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every fragment came and was whole, every byte of audio that came is in the files,
    /// and nothing that is known contradicts them.
    Complete,
    /// Audio is missing, or may be; the reasons say what.
    Partial,
    /// Nothing is missing, and there was no audio of the authorised sides. Recordings of 1
    /// to 4 s can be so.
    Empty,
    /// No audio came, though there was some. To be tried again.
    Failed,
}

impl Status {
    /// The word that stands in the verdict.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Empty => "empty",
            Self::Failed => "failed",
        }
    }
}

/// Why a recording is not complete, or what else is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A word for programs: `fragments_missing`, `damage` …
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

/// A recording's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of Callreel that wrote it.
    pub callreel: String,
    /// How the recording ended.
    pub status: Status,
    /// Why, unless it is complete.
    pub reasons: Vec<Reason>,
    /// What is no loss, and worth knowing all the same.
    #[serde(default)]
    pub notes: Vec<Reason>,
    /// When its audio was no longer kept and it was still not complete, RFC 3339: it was
    /// told of then, and is not read again by itself.
    #[serde(default)]
    pub gave_up_at: Option<String>,
    /// Which recording.
    pub recording: RecordingNames,
    /// Who the call was with, as the contact record says; absent where it does not, or the
    /// deployment leaves it out.
    #[serde(default)]
    pub call: Option<Parties>,
    /// When it was.
    pub span: SpanTimes,
    /// What became of its fragments.
    pub fragments: FragmentCounts,
    /// Each authorised side.
    pub sides: Sides,
    /// Audio that came, of no side that is known, and is in no file.
    #[serde(default)]
    pub left_out: Vec<LeftOutEntry>,
    /// When the sides sound; absent in older verdicts, where there is no audio, or the
    /// deployment leaves it out.
    #[serde(default)]
    pub sound: Option<SoundFigures>,
    /// Both sides are authorised, and only one holds sound.
    pub one_way_audio: bool,
    /// Times that the media clock broke off and the server's clock set it anew.
    pub clock_breaks: u64,
    /// The files, in the order from, to, mixed.
    pub files: Vec<FileEntry>,
    /// What the waveform is drawn from; absent in older verdicts, and where there is no audio.
    #[serde(default)]
    pub peaks: Option<PeaksEntry>,
}

/// Which recording a verdict is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingNames {
    /// The contact whose record names the recording.
    pub contact_id: String,
    /// The contact that holds the attributes: the first leg.
    pub initial_contact_id: String,
    /// The leg before this one, if the record names another one than the first.
    #[serde(default)]
    pub previous_contact_id: Option<String>,
    /// The leg behind this one, if the record names it.
    #[serde(default)]
    pub next_contact_id: Option<String>,
    /// The Connect instance.
    pub instance_id: Option<String>,
    /// The stream's ARN; a file name where media was extracted without a record.
    pub stream: String,
    /// The first fragment that the record names.
    pub start_fragment: Option<String>,
    /// The last fragment that the record names; it belongs to the recording.
    pub stop_fragment: Option<String>,
    /// The sides that the flow authorised: `from`, `to`; absent where media was extracted
    /// without a record, and nobody's consent was looked at.
    #[serde(default)]
    pub authorised: Option<Vec<String>>,
}

/// When a recording was, on the wall clock and in samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanTimes {
    /// Samples a second.
    pub sample_rate: u32,
    /// The length of every file, in samples of each channel.
    pub samples: u64,
    /// The same in seconds.
    pub seconds: f64,
    /// The first sample on the clock of KVS, RFC 3339.
    pub starts_at: Option<String>,
    /// Behind the last sample on the clock of KVS, RFC 3339.
    pub ends_at: Option<String>,
    /// The first sample on the media clock, in milliseconds.
    pub media_start_millis: Option<i64>,
    /// When the contact record says that it started.
    pub record_starts_at: Option<String>,
    /// When the contact record says that it stopped.
    pub record_stops_at: Option<String>,
}

/// What became of a recording's fragments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FragmentCounts {
    /// Asked for.
    pub asked: u64,
    /// Requests repeated for what did not come at first.
    #[serde(default)]
    pub asked_again: u64,
    /// Received, whosever they are.
    pub received: u64,
    /// Of the received, this recording's.
    pub own: u64,
    /// The last one that was asked for: how far the recording was read.
    #[serde(default)]
    pub last: Option<String>,
    /// Asked for and not received.
    pub missing: u64,
    /// Never listed, as far as the numbers of their neighbours tell.
    #[serde(default)]
    pub unlisted: u64,
    /// The missing ones, up to 500.
    pub missing_list: Vec<MissingEntry>,
    /// Of the received, refused.
    pub refused: RefusedCounts,
    /// Fragments with damage, and damage between fragments.
    pub damaged: u64,
    /// What was damaged, up to 100.
    pub damage_list: Vec<String>,
}

/// A fragment that did not come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MissingEntry {
    /// Its number.
    pub fragment: String,
    /// Why: the error's code and id, or that nothing came.
    pub cause: String,
    /// The recording's second behind which it would have stood, by its neighbours.
    #[serde(default)]
    pub at_seconds: Option<f64>,
}

/// Fragments that were received and refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedCounts {
    /// Another contact's.
    pub foreign: u64,
    /// Of those, between own ones, or behind them and inside of the recording's range.
    #[serde(default)]
    pub foreign_inside: u64,
    /// Without any contact to be found.
    pub untagged: u64,
    /// With several contacts.
    pub conflicting: u64,
    /// Numbered outside the recording's range.
    pub out_of_range: u64,
    /// Without a number, where one is needed.
    pub unnumbered: u64,
    /// Answering nothing that was asked.
    pub unasked: u64,
    /// The other contacts, up to 16.
    pub foreign_contacts: Vec<String>,
}

/// The authorised sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sides {
    /// What the customer says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Side>,
    /// What the customer hears.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<Side>,
}

impl Sides {
    /// A side, if it is authorised.
    pub fn of(&self, side: Direction) -> Option<&Side> {
        match side {
            Direction::FromCustomer => self.from.as_ref(),
            Direction::ToCustomer => self.to.as_ref(),
        }
    }

    /// The authorised sides, in the order of the channels.
    pub fn all(&self) -> impl Iterator<Item = (Direction, &Side)> {
        let of = |side: &Direction| Some((*side, self.of(*side)?));
        Direction::BOTH.iter().filter_map(of)
    }

    /// Samples of audio that are in the files, of all sides together.
    pub fn audio_samples(&self) -> u64 {
        self.all().map(|(_, side)| side.audio_samples).sum()
    }
}

/// One side of a recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// The recording's sample at which this side's audio starts; absent without any.
    pub offset_samples: Option<u64>,
    /// The same in seconds.
    pub offset_seconds: Option<f64>,
    /// Audio that came and was written, in samples.
    pub audio_samples: u64,
    /// Silence put in before, between and behind it, in samples.
    pub silence_samples: u64,
    /// All audio of this side that came, and what became of it.
    #[serde(default)]
    pub bytes: ByteCounts,
    /// Audio of this side that came and is in no file.
    #[serde(default)]
    pub left_out: Vec<LeftOutEntry>,
    /// Silence before and between audio.
    pub gaps: Gaps,
    /// Audio that came twice, the very same, and was cut.
    pub overlaps: Stretches,
    /// Audio that came for a time at which other audio is written, and follows it.
    #[serde(default)]
    pub displaced: Stretches,
    /// How the block clock ran against the samples.
    pub drift: DriftEntry,
    /// The largest magnitude, 0 to 32768.
    pub peak: u16,
    /// The same in dB of full scale; absent for digital silence.
    pub peak_dbfs: Option<f64>,
    /// Root mean square in dB of full scale; absent for digital silence.
    pub rms_dbfs: Option<f64>,
    /// Share of 20 ms windows below -50 dBFS, put-in silence included, 0 to 1.
    pub silence_share: f64,
    /// Samples at full scale.
    pub clipped_samples: u64,
}

/// Bytes of audio: those that came are those that are written, repeated or left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteCounts {
    /// In fragments of the recording's own.
    pub came: u64,
    /// Of them, in the files.
    pub written: u64,
    /// Of them, the very same as others that are in the files.
    pub repeated: u64,
    /// Of them, in no file.
    pub left_out: u64,
}

/// Audio that came and is in no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutEntry {
    /// A word for programs: `format`, `other_track`, `half_sample` …
    pub reason: String,
    /// How many bytes.
    pub bytes: u64,
}

impl LeftOutEntry {
    /// Whether a limit of Callreel's own kept it out, and not what the media is.
    pub fn is_beyond_limit(&self) -> bool {
        self.reason == LeftOutReason::Limit.name() || self.reason == sides::TOO_LONG
    }
}

/// Why a side is silent for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapCause {
    /// Nothing was streamed.
    #[default]
    Hold,
    /// The side began later than the other one.
    LateStart,
    /// Fragments did not come.
    Lost,
    /// Fragments were never listed, as far as the numbers of their neighbours tell.
    NeverListed,
    /// Fragments came damaged.
    Damaged,
    /// Fragments came that were not proven to be this call's.
    Refused,
}

/// Silence before and between a side's audio.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gaps {
    /// How many.
    pub count: u64,
    /// Their samples together.
    pub samples: u64,
    /// Their seconds together.
    pub seconds: f64,
    /// Each of them, up to 501.
    pub list: Vec<Gap>,
}

/// One stretch of silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The recording's sample at which it starts.
    pub at_sample: u64,
    /// The recording's second at which it starts.
    pub at_seconds: f64,
    /// How many samples it lasts.
    pub samples: u64,
    /// How many seconds it lasts.
    pub seconds: f64,
    /// Why.
    #[serde(default)]
    pub cause: GapCause,
    /// The fragments that did not come, up to 20.
    #[serde(default)]
    pub fragments: Vec<String>,
}

/// Stretches of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stretches {
    /// How many.
    pub count: u64,
    /// Their samples together.
    pub samples: u64,
    /// Their seconds together.
    pub seconds: f64,
    /// Each of them, up to 500.
    pub list: Vec<Stretch>,
}

/// One stretch of a side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// The recording's sample at which it starts.
    pub at_sample: u64,
    /// The recording's second at which it starts.
    pub at_seconds: f64,
    /// How many samples it lasts.
    pub samples: u64,
    /// How many seconds it lasts.
    pub seconds: f64,
}

/// Block times against the count of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DriftEntry {
    /// The furthest that a block's time lay before its sample, in ms (0 or less).
    pub earliest_millis: f64,
    /// The furthest that a block's time lay behind its sample, in ms (0 or more).
    pub latest_millis: f64,
    /// Drift in parts per million; absent below a minute of audio.
    pub ppm: Option<f64>,
}

/// One file of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// `from`, `to` or `mixed`.
    pub kind: String,
    /// Its key in the bucket, or its path in the folder.
    pub key: String,
    /// Where it can be heard.
    pub url: String,
    /// Its size, header included.
    pub bytes: u64,
    /// SHA-256 of its samples, which are all that follows the header of 44 bytes; 64
    /// hexadecimal digits. A mix has none: its samples are those of the two sides in turn,
    /// and each of those has its own.
    #[serde(default)]
    pub samples_sha256: Option<String>,
    /// SHA-256 of the whole file, in verdicts of versions 1 and 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Verdict {
    /// The verdict as it is stored: indented JSON with a newline at its end.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Reads a stored verdict.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// Seconds of audio that is lost: fragments that did not come or were never listed, by
    /// the mean length of those that came (1.09 s where none did), and the silence where
    /// fragments were damaged or refused, on the side that has more of it.
    pub fn lost_seconds(&self) -> f64 {
        let lacking = self.fragments.missing + self.fragments.unlisted;
        let mean = match self.fragments.own {
            0 => 1.088,
            own => self.span.seconds / nearest(own + lacking),
        };
        let is_loss = |gap: &&Gap| matches!(gap.cause, GapCause::Damaged | GapCause::Refused);
        let silent = self.sides.all().map(|(_, side)| -> f64 {
            let gaps = side.gaps.list.iter().filter(is_loss);
            gaps.map(|gap| gap.seconds).sum()
        });
        nearest(lacking) * mean + silent.fold(0.0, f64::max)
    }

    /// Whether a later delivery may take the recording as done. A failed one is tried again.
    pub fn is_final(&self) -> bool {
        self.status != Status::Failed
    }
}
