//! What a media file holds: its fragments, sessions, contacts, tracks, gaps, errors and
//! damage, and how both sides of each contact look. Looks only; nothing is written.

use std::collections::HashMap;
use std::path::Path;

use serde::{Serialize, Serializer};

use super::index::Index;
use super::media;
use super::pieces::Pieces;
use crate::failure::Failure;
use crate::media::attribution::{Attribution, Claim};
use crate::media::demux::Document;
use crate::media::fragment::{Damage, Fragment, FragmentNumber, FragmentRange, SegmentUid};
use crate::media::ticks::{EpochMillis, seconds_of};
use crate::media::timeline::{LaneReport, Spans, Timeline};

/// Columns of a waveform.
pub const COLUMNS: usize = 72;
/// Errors and damage listed one by one.
const MAX_LISTED: usize = 100;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inspection {
    /// The file.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Fragments, error documents left out.
    pub fragments: u64,
    /// Fragments that stand in the file once more; each counts once for its contact.
    pub repeated: u64,
    /// Fragments that name no contact and inherit none.
    pub unowned: u64,
    /// Fragments that carry no number.
    pub unnumbered: u64,
    /// Upload sessions, in the order of the file.
    pub sessions: Vec<Session>,
    #[serde(skip)]
    session_positions: HashMap<Option<SegmentUid>, usize>,
    /// Contacts, in the order of the stream.
    pub contacts: Vec<Contact>,
    /// How many error documents there are.
    pub error_count: u64,
    /// The error documents, up to 100.
    pub errors: Vec<String>,
    /// How much damage there is.
    pub damage_count: u64,
    /// The damage, up to 100.
    pub damage: Vec<String>,
    /// Why it holds nothing, when it holds nothing.
    #[serde(skip)]
    pub nothing: Option<String>,
}

/// One upload session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Session {
    /// SegmentUID; absent for fragments without one.
    pub segment_uid: Option<String>,
    /// Its fragments.
    pub fragments: u64,
    /// Where it starts in the file, in bytes.
    pub offset: u64,
    /// Its lowest fragment number.
    #[serde(serialize_with = "number_text")]
    pub first_fragment: Option<FragmentNumber>,
    /// Its highest fragment number.
    #[serde(serialize_with = "number_text")]
    pub last_fragment: Option<FragmentNumber>,
    /// When KVS got the first of its fragments in the file.
    pub server_time: Option<String>,
    /// Its tracks, as first declared.
    pub tracks: Vec<Track>,
}

/// One track of a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Track {
    /// Its number.
    pub number: u64,
    /// Its name, which says its direction.
    pub name: String,
}

fn number_text<S: Serializer>(
    number: &Option<FragmentNumber>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => serializer.collect_str(number),
        None => serializer.serialize_none(),
    }
}

/// One contact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contact {
    /// Its id.
    pub contact_id: String,
    /// Its fragments.
    pub fragments: u64,
    /// Its length, from its first block to the end of its last.
    pub seconds: f64,
    /// What the customer says.
    pub from: Side,
    /// What the customer hears.
    pub to: Side,
}

/// One side of a contact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// The second at which its audio starts; absent without any.
    pub offset_seconds: Option<f64>,
    /// Its blocks.
    pub blocks: u64,
    /// Seconds of audio.
    pub audio_seconds: f64,
    /// Silence between audio: start and length in seconds, up to 500.
    pub gaps: Vec<(f64, f64)>,
    /// All gaps together, in seconds.
    pub gap_seconds: f64,
    /// Audio that came twice: start and length in seconds, up to 500.
    pub overlaps: Vec<(f64, f64)>,
    /// Peaks of equal stretches of time, 0 to 32768, at most [`COLUMNS`] of them.
    pub waveform: Vec<u16>,
}

/// Looks through a file. `progress` is told the bytes read of each piece.
pub fn inspect(path: &Path, mut progress: impl FnMut(u64)) -> Result<Inspection, Failure> {
    let mut found = Inspection {
        file: path.display().to_string(),
        ..Inspection::default()
    };
    found.bytes = media::read_documents(path, &mut progress, |document| found.take(document))?;
    if found.fragments == 0 {
        found.nothing = match (found.error_count, found.damage.first()) {
            (0, Some(damage)) => Some(format!("{} ({damage})", media::without_fragments(path))),
            (0, None) => Some("is empty".to_owned()),
            _ => None,
        };
        return Ok(found);
    }
    let (index, left_out) = Index::read(&[path.to_owned()], &mut progress);
    if let Some(failure) = left_out.into_iter().next() {
        return Err(failure);
    }
    let fragments = || index.entries().iter().filter(|entry| !entry.is_error());
    found.repeated = found.fragments.saturating_sub(fragments().count() as u64);
    found.unowned = fragments()
        .filter(|entry| index.owner_of(entry).is_none())
        .count() as u64;
    for contact in index.contacts() {
        let contact = look_at_contact(&index, contact, &mut progress)?;
        found.contacts.push(contact);
    }
    Ok(found)
}

impl Inspection {
    fn take(&mut self, document: Document) {
        match document {
            Document::Fragment(fragment) => {
                self.fragments += 1;
                self.unnumbered += u64::from(fragment.number.is_none());
                fragment
                    .damage
                    .iter()
                    .for_each(|damage| self.list_damage(damage));
                self.take_session(&fragment);
            }
            Document::Error(error) => {
                self.error_count += 1;
                if self.errors.len() < MAX_LISTED {
                    let number = error
                        .number
                        .map_or("unnamed".to_owned(), |number| number.to_string());
                    let id = error.id.map_or(String::new(), |id| format!(" ({id})"));
                    self.errors.push(format!(
                        "byte {}: fragment {number}: {}{id}",
                        error.offset, error.code
                    ));
                }
            }
            Document::Stray(damage) => self.list_damage(&damage),
        }
    }

    fn list_damage(&mut self, damage: &Damage) {
        self.damage_count += 1;
        if self.damage.len() < MAX_LISTED {
            self.damage.push(damage.to_string());
        }
    }

    fn take_session(&mut self, fragment: &Fragment) {
        let sessions = &mut self.sessions;
        let position = *self
            .session_positions
            .entry(fragment.session)
            .or_insert_with(|| {
                sessions.push(Session {
                    segment_uid: fragment.session.map(|uid| uid.to_string()),
                    fragments: 0,
                    offset: fragment.offset,
                    first_fragment: fragment.number,
                    last_fragment: None,
                    server_time: fragment.server_time.map(EpochMillis::to_rfc3339),
                    tracks: tracks(fragment),
                });
                sessions.len() - 1
            });
        if let Some(session) = sessions.get_mut(position) {
            session.fragments += 1;
            session.last_fragment = session.last_fragment.max(fragment.number);
            session.first_fragment = match (session.first_fragment, fragment.number) {
                (Some(first), Some(number)) => Some(first.min(number)),
                (first, number) => first.or(number),
            };
        }
    }
}

fn tracks(fragment: &Fragment) -> Vec<Track> {
    let track = |(number, name): &(u64, Box<str>)| Track {
        number: *number,
        name: name.to_string(),
    };
    fragment.tracks.iter().map(track).collect()
}

fn look_at_contact(
    index: &Index,
    contact: &str,
    progress: &mut impl FnMut(u64),
) -> Result<Contact, Failure> {
    let (_, runs) = index.runs_of(contact);
    let claim = Claim {
        range: FragmentRange::default(),
        contacts: vec![contact.into()],
    };
    let mut attribution = Attribution::new(claim);
    let mut timeline = Timeline::new();
    let mut envelopes = [Envelope::default(), Envelope::default()];
    let mut fragments = 0;
    let mut draw = |timeline: &mut Timeline| {
        while let Some(frames) = timeline.next_frames() {
            envelopes[0].push(frames.from);
            envelopes[1].push(frames.to);
        }
    };
    for answer in Pieces::new(index, &runs, progress) {
        answer?
            .fragments
            .into_iter()
            .for_each(|fragment| attribution.push(fragment));
        while let Some(own) = attribution.next_own() {
            fragments += 1;
            timeline.push(own);
            draw(&mut timeline);
        }
    }
    attribution.finish();
    while let Some(own) = attribution.next_own() {
        fragments += 1;
        timeline.push(own);
    }
    timeline.finish();
    draw(&mut timeline);
    let report = timeline.into_report();
    let [from, to] = report.lanes;
    let [from_peaks, to_peaks] = envelopes.map(Envelope::finish);
    Ok(Contact {
        contact_id: contact.to_owned(),
        fragments,
        seconds: seconds_of(report.samples),
        from: side(&from, from_peaks),
        to: side(&to, to_peaks),
    })
}

fn side(lane: &LaneReport, waveform: Vec<u16>) -> Side {
    let stretches = |spans: &Spans| {
        spans
            .listed
            .iter()
            .map(|span| (seconds_of(span.at), seconds_of(span.samples)))
            .collect()
    };
    Side {
        offset_seconds: lane.starts_at.map(seconds_of),
        blocks: lane.blocks,
        audio_seconds: seconds_of(lane.audio_samples),
        gaps: stretches(&lane.gaps),
        gap_seconds: seconds_of(lane.gaps.samples),
        overlaps: stretches(&lane.overlaps),
        waveform,
    }
}

/// Peaks of equal stretches whose number stays small however long the audio becomes:
/// when there are twice as many as columns, neighbours become one.
#[derive(Debug)]
struct Envelope {
    peaks: Vec<u16>,
    stretch: usize,
    open_samples: usize,
    open_peak: u16,
}

impl Default for Envelope {
    fn default() -> Self {
        Self {
            peaks: Vec::new(),
            stretch: 160,
            open_samples: 0,
            open_peak: 0,
        }
    }
}

impl Envelope {
    fn push(&mut self, mut samples: &[i16]) {
        while !samples.is_empty() {
            let (now, later) =
                samples.split_at(samples.len().min(self.stretch - self.open_samples));
            let peak = now
                .iter()
                .map(|sample| sample.unsigned_abs())
                .max()
                .unwrap_or(0);
            self.open_peak = self.open_peak.max(peak);
            self.open_samples += now.len();
            if self.open_samples == self.stretch {
                self.close();
            }
            samples = later;
        }
    }

    fn close(&mut self) {
        self.peaks.push(self.open_peak);
        (self.open_samples, self.open_peak) = (0, 0);
        if self.peaks.len() == 2 * COLUMNS {
            let merged = self
                .peaks
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[a, b]| *a.max(b))
                .collect();
            self.peaks = merged;
            self.stretch *= 2;
        }
    }

    fn finish(mut self) -> Vec<u16> {
        if self.open_samples > 0 {
            self.close();
        }
        if self.peaks.len() > COLUMNS {
            self.peaks = self
                .peaks
                .chunks(2)
                .filter_map(|pair| pair.iter().max().copied())
                .collect();
        }
        self.peaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_stays_small_and_keeps_the_peaks() {
        let mut envelope = Envelope::default();
        let mut samples = vec![0; 3_000_000];
        samples[2_999_999] = -9;
        samples[0] = 7;
        samples.chunks(777).for_each(|chunk| envelope.push(chunk));
        let peaks = envelope.finish();
        assert!(peaks.len() <= COLUMNS);
        assert_eq!((peaks.first(), peaks.last()), (Some(&7), Some(&9)));
        assert!(peaks[1..peaks.len() - 1].iter().all(|peak| *peak == 0));
    }
}
