//! The tracks that a fragment declares: which of them is a direction of the customer, and
//! what speaks against its audio.

use super::MAX_TRACKS;
use super::ebml::id;
use super::format::TrackFormat;
use super::tags::MediaTypes;
use crate::media::fragment::{DamageKind, Direction, LeftOutReason};

/// TrackType values (RFC 9559) of tracks that hold no audio: video, logo, subtitles,
/// buttons, control, metadata.
const SILENT_TYPES: &[u64] = &[1, 16, 17, 18, 32, 33];

/// One TrackEntry.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    pub number: Option<u64>,
    pub uid: Option<u64>,
    pub kind: Option<u64>,
    pub name: Box<str>,
    pub encoded: bool,
    pub format: TrackFormat,
    /// Where the entry stands in the body.
    offset: u64,
}

impl Track {
    pub(super) fn take_uint(&mut self, element: u32, value: u64) {
        match element {
            id::TRACK_NUMBER => self.number = Some(value),
            id::TRACK_UID => self.uid = Some(value),
            id::TRACK_TYPE => self.kind = Some(value),
            id::CHANNELS => self.format.channels = Some(value),
            id::BIT_DEPTH => self.format.bits = Some(value),
            _ => {}
        }
    }

    pub(super) fn take_float(&mut self, element: u32, value: f64) {
        match element {
            id::SAMPLING_FREQUENCY => self.format.rate = Some(value),
            id::OUTPUT_SAMPLING_FREQUENCY => self.format.output_rate = Some(value),
            _ => {}
        }
    }

    fn holds_no_audio(&self) -> bool {
        let silent = self.kind.is_some_and(|kind| SILENT_TYPES.contains(&kind));
        silent && !self.format.codec.starts_with("A_")
    }
}

/// What the blocks of a track are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Audio(Direction),
    /// The track has another name, and says itself that it holds no audio of a side.
    NoAudio,
    Refused {
        direction: Option<Direction>,
        reason: LeftOutReason,
        why: Refusal,
    },
}

/// What speaks against a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Damage that stands at an offset of its own.
    Said(DamageKind, u64),
    /// Its name is neither direction's.
    Name(Box<str>),
    Undeclared,
    Encoded,
}

/// The tracks of a fragment, in the order of their entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracks {
    list: Vec<Track>,
    /// An entry is being read, and it is the last of the list.
    open: bool,
}

impl Tracks {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// An entry begins; false when there are too many.
    pub(super) fn open(&mut self, offset: u64) -> bool {
        self.open = self.list.len() < MAX_TRACKS;
        if self.open {
            self.list.push(Track {
                offset,
                ..Track::default()
            });
        }
        self.open
    }

    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// The entry being read.
    pub(super) fn current(&mut self) -> Option<&mut Track> {
        self.list.last_mut().filter(|_| self.open)
    }

    /// Number and name of each, as declared.
    pub(super) fn names(&self) -> Vec<(u64, Box<str>)> {
        let named = |track: &Track| Some((track.number?, track.name.clone()));
        self.list.iter().filter_map(named).collect()
    }

    /// The entry of a number; none when entries of two names have it.
    fn get(&self, number: u64) -> Option<&Track> {
        let mut named = self
            .list
            .iter()
            .filter(|track| track.number == Some(number));
        let first = named.next()?;
        named.all(|other| other.name == first.name).then_some(first)
    }

    /// The direction that a track's name says, whatever else it is.
    pub(super) fn direction(&self, number: u64) -> Option<Direction> {
        Direction::from_track_name(&self.get(number)?.name)
    }

    pub(super) fn judge(&self, number: u64, types: &MediaTypes) -> Judged {
        let direction = self.direction(number);
        let refused = |reason, why| Judged::Refused {
            direction,
            reason,
            why,
        };
        let Some(track) = self.get(number) else {
            return refused(LeftOutReason::UndeclaredTrack, Refusal::Undeclared);
        };
        let Some(direction) = direction else {
            return match track.holds_no_audio() {
                true => Judged::NoAudio,
                false => refused(LeftOutReason::OtherTrack, Refusal::Name(track.name.clone())),
            };
        };
        if track.encoded {
            return refused(LeftOutReason::Encoded, Refusal::Encoded);
        }
        let said = |format, offset| {
            let why = Refusal::Said(DamageKind::Format(format), offset);
            refused(LeftOutReason::Format, why)
        };
        if let Some((format, offset)) = types.other_for(track.uid, &self.uids()) {
            return said(format.into(), offset);
        }
        let typed = types.right_for(track.uid, &self.uids());
        match track.format.contradiction(typed) {
            Some(format) => said(format, track.offset),
            None => Judged::Audio(direction),
        }
    }

    fn uids(&self) -> Vec<u64> {
        self.list.iter().filter_map(|track| track.uid).collect()
    }
}

impl Refusal {
    /// The damage of a track that has so many bytes of audio, first at `offset`.
    pub(super) fn into_damage(self, number: u64, bytes: u64, offset: u64) -> (DamageKind, u64) {
        match self {
            Self::Said(kind, offset) => (kind, offset),
            Self::Name(name) => {
                let kind = DamageKind::OtherTrack {
                    number,
                    name,
                    bytes,
                };
                (kind, offset)
            }
            Self::Undeclared => (DamageKind::UnknownTrack(number), offset),
            Self::Encoded => (DamageKind::EncodedTrack(number), offset),
        }
    }
}
