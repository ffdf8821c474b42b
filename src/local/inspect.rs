//! What a media file holds: its fragments, sessions, contacts, tracks, gaps, errors and
//! damage, and how both sides of each contact look. Looks only; nothing is written.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::extract::Pieces;
use super::index::{Index, READ_BYTES};
use super::{Tried, io_failure};
use crate::attribution::{Attribution, Claim};
use crate::demux::{Demuxer, Document};
use crate::failure::Failure;
use crate::fragment::{Damage, Fragment, FragmentRange, SegmentUid};
use crate::ticks::{EpochMillis, seconds_of};
use crate::timeline::{LaneReport, Spans, Timeline};

/// Columns of a waveform.
pub const COLUMNS: usize = 72;
/// Errors and damage listed one by one.
const MAX_LISTED: usize = 100;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inspection {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Fragments, error documents left out.
    pub fragments: u64,
    /// Fragments that name no contact and inherit none.
    pub unowned: u64,
    /// Fragments that carry no number.
    pub unnumbered: u64,
    /// Upload sessions, in the order of the file.
    pub sessions: Vec<Session>,
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
}

/// One upload session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Session {
    /// SegmentUID; absent for fragments without one.
    pub segment_uid: Option<String>,
    /// Its fragments.
    pub fragments: u64,
    /// Where its first fragment starts in the file, in bytes.
    pub offset: u64,
    /// Its first fragment's number.
    pub first_fragment: Option<String>,
    /// Its last fragment's number.
    pub last_fragment: Option<String>,
    /// When KVS got its first fragment.
    pub server_time: Option<String>,
    /// Track numbers and names, as first declared.
    pub tracks: Vec<(u64, String)>,
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
    let files = [path.to_owned()];
    let mut inspection = Inspection {
        file: path.to_owned(),
        ..Inspection::default()
    };
    look_at_documents(path, &mut inspection, &mut progress)?;
    let index = Index::read(&files, &mut progress)?;
    inspection.unowned = inspection.fragments;
    for contact in index.contacts() {
        let contact = look_at_contact(&index, contact, &mut progress)?;
        inspection.unowned = inspection.unowned.saturating_sub(contact.fragments);
        inspection.contacts.push(contact);
    }
    Ok(inspection)
}

fn look_at_documents(
    path: &Path,
    inspection: &mut Inspection,
    progress: &mut impl FnMut(u64),
) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| io_failure(Tried::Reading, path, error);
    let mut media = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mut buffer = vec![0; READ_BYTES];
    let mut demuxer = Demuxer::new();
    loop {
        let count = std::io::Read::read(&mut media, &mut buffer).map_err(|error| failed(&error))?;
        if count == 0 {
            break;
        }
        inspection.bytes += count as u64;
        progress(count as u64);
        demuxer.push(&buffer[..count]);
        while let Some(document) = demuxer.next_document() {
            inspection.take(document);
        }
    }
    demuxer
        .finish()
        .for_each(|document| inspection.take(document));
    Ok(())
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
        let uid = fragment.session.as_ref().map(SegmentUid::to_string);
        let number = fragment.number.map(|number| number.to_string());
        if self
            .sessions
            .last()
            .is_none_or(|session| session.segment_uid != uid)
        {
            self.sessions.push(Session {
                segment_uid: uid,
                fragments: 0,
                offset: fragment.offset,
                first_fragment: number.clone(),
                last_fragment: None,
                server_time: fragment.server_time.map(EpochMillis::to_rfc3339),
                tracks: fragment
                    .tracks
                    .iter()
                    .map(|(number, name)| (*number, name.to_string()))
                    .collect(),
            });
        }
        if let Some(session) = self.sessions.last_mut() {
            session.fragments += 1;
            session.last_fragment = number.or(session.last_fragment.take());
        }
    }
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
