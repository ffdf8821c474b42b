//! Whether a file is still what its verdict says, by all of its bytes, in any chunks: a mix by
//! itself, too, since its samples are those of the sides in turn.

use super::{FileEntry, PeaksEntry, Verdict};
use crate::media::peaks;
use crate::media::wav::{self, Output};
use crate::object_key::hex;
use crate::sha256::Sha256;

/// The bytes of a sample.
const SAMPLE_BYTES: usize = 2;

/// A file that is looked at.
#[derive(Debug)]
pub struct Check {
    /// Its size, as the verdict says.
    said: u64,
    bytes: u64,
    by: By,
}

#[derive(Debug)]
enum By {
    /// The hash of all of it.
    Whole(Hash),
    /// Its header, and the hash of the samples of each channel.
    Samples {
        header: Vec<u8>,
        said: Vec<u8>,
        channels: Vec<Hash>,
        /// The beginning of a frame whose rest did not come yet.
        begun: Vec<u8>,
    },
}

#[derive(Debug)]
struct Hash {
    said: String,
    of: Sha256,
}

impl Hash {
    fn new(said: &str) -> Self {
        Self {
            said: said.to_owned(),
            of: Sha256::new(),
        }
    }

    fn ends_as_said(self) -> bool {
        hex(self.of.finish()) == self.said
    }
}

impl Check {
    /// A file of a verdict; `None` when the verdict does not say enough of it.
    pub fn new(verdict: &Verdict, file: &FileEntry) -> Option<Self> {
        let by = match &file.sha256 {
            Some(sha256) => By::Whole(Hash::new(sha256)),
            None => By::of_samples(verdict, file)?,
        };
        Some(Self {
            said: file.bytes,
            bytes: 0,
            by,
        })
    }

    /// The file that a recording's waveform is drawn from.
    pub fn of_peaks(peaks: &PeaksEntry) -> Self {
        let channels = u16::try_from(peaks.sides.len()).unwrap_or(u16::MAX);
        let header = peaks::header(channels, peaks.points);
        Self {
            said: peaks.bytes,
            bytes: 0,
            by: By::Samples {
                header: Vec::new(),
                said: header.to_vec(),
                // All points are one piece, whatever channels they are of.
                channels: vec![Hash::new(&peaks.points_sha256)],
                begun: Vec::new(),
            },
        }
    }

    /// Takes the file's next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        match &mut self.by {
            By::Whole(hash) => hash.of.update(bytes),
            By::Samples {
                header,
                said,
                channels,
                begun,
            } => {
                let left = said.len() - header.len();
                let (head, samples) = bytes.split_at(bytes.len().min(left));
                header.extend_from_slice(head);
                push_samples(channels, begun, samples);
            }
        }
    }

    /// Whether the file is what was written.
    pub fn finish(self) -> bool {
        let same = match self.by {
            By::Whole(hash) => hash.ends_as_said(),
            By::Samples {
                header,
                said,
                channels,
                begun,
            } => {
                let mut channels = channels.into_iter();
                header == said && begun.is_empty() && channels.all(Hash::ends_as_said)
            }
        };
        same && self.bytes == self.said
    }
}

impl By {
    fn of_samples(verdict: &Verdict, file: &FileEntry) -> Option<Self> {
        let output = Output::ALL.into_iter().find(|it| it.name() == file.kind)?;
        let header = wav::header(output.channels(), verdict.span.samples).ok()?;
        let hash_of = |kind: &str| {
            let mut files = verdict.files.iter();
            let side = files.find(|side| side.kind == kind)?;
            side.samples_sha256.as_deref().map(Hash::new)
        };
        let sides = output.directions().iter();
        let channels = sides.map(|side| hash_of(side.name()));
        Some(Self::Samples {
            header: Vec::new(),
            said: header.to_vec(),
            channels: channels.collect::<Option<Vec<_>>>()?,
            begun: Vec::new(),
        })
    }
}

/// Gives each channel its samples of the frames that are whole.
fn push_samples(channels: &mut [Hash], begun: &mut Vec<u8>, samples: &[u8]) {
    if let [only] = channels {
        only.of.update(samples);
        return;
    }
    begun.extend_from_slice(samples);
    let frame_bytes = channels.len() * SAMPLE_BYTES;
    let whole = begun.len() - begun.len() % frame_bytes;
    let frames = &begun[..whole];
    for (at, channel) in channels.iter_mut().enumerate() {
        let of_channel = frames.chunks_exact(frame_bytes);
        let of_channel = of_channel.flat_map(|frame| &frame[at * SAMPLE_BYTES..][..SAMPLE_BYTES]);
        let samples: Vec<u8> = of_channel.copied().collect();
        channel.of.update(&samples);
    }
    begun.drain(..whole);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::verdict::{
        FragmentCounts, RecordingNames, SCHEMA, Sides, SpanTimes, Status,
    };
    use crate::sha256;

    const FROM: [i16; 5] = [1, -2, 3, -4, 5];
    const TO: [i16; 5] = [9, 8, -7, 6, 0];

    fn bytes(samples: &[i16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        wav::encode_mono(samples, &mut bytes);
        bytes
    }

    fn file(output: Output) -> Vec<u8> {
        let mut file = wav::header(output.channels(), 5).unwrap().to_vec();
        match output {
            Output::From => wav::encode_mono(&FROM, &mut file),
            Output::To => wav::encode_mono(&TO, &mut file),
            Output::Mixed => wav::encode_stereo(&FROM, &TO, &mut file),
        }
        file
    }

    fn verdict() -> Verdict {
        let hash = |samples: &[i16]| Some(hex(sha256::of(&bytes(samples))));
        let files = Output::ALL.into_iter().map(|output| FileEntry {
            kind: output.name().into(),
            bytes: file(output).len() as u64,
            samples_sha256: match output {
                Output::From => hash(&FROM),
                Output::To => hash(&TO),
                Output::Mixed => None,
            },
            ..FileEntry::default()
        });
        Verdict {
            schema: SCHEMA.to_owned(),
            callreel: String::new(),
            status: Status::Complete,
            reasons: Vec::new(),
            notes: Vec::new(),
            gave_up_at: None,
            recording: RecordingNames::default(),
            span: SpanTimes {
                samples: 5,
                ..SpanTimes::default()
            },
            fragments: FragmentCounts::default(),
            sides: Sides::default(),
            left_out: Vec::new(),
            call: None,
            sound: None,
            peaks: None,
            one_way_audio: false,
            clock_breaks: 0,
            files: files.collect(),
        }
    }

    fn is_whole(verdict: &Verdict, at: usize, file: &[u8], piece: usize) -> bool {
        let mut check = Check::new(verdict, &verdict.files[at]).unwrap();
        file.chunks(piece).for_each(|piece| check.push(piece));
        check.finish()
    }

    #[test]
    fn every_byte_of_every_file_counts() {
        let verdict = verdict();
        for (at, output) in Output::ALL.into_iter().enumerate() {
            let file = file(output);
            for piece in 1..=file.len() {
                assert!(is_whole(&verdict, at, &file, piece), "{output:?} {piece}");
            }
            for byte in 0..file.len() {
                let mut other = file.clone();
                other[byte] ^= 1;
                assert!(!is_whole(&verdict, at, &other, 7), "{output:?} {byte}");
                assert!(
                    !is_whole(&verdict, at, &file[..byte], 7),
                    "{output:?} {byte}"
                );
            }
            let longer = [&file[..], &[0, 0]].concat();
            assert!(!is_whole(&verdict, at, &longer, 7), "{output:?}");
        }
    }

    /// Verdicts of versions 1 and 2 say the hash of the whole file.
    #[test]
    fn older_verdicts_are_read_and_checked() {
        let mut new = serde_json::to_value(verdict()).unwrap();
        new["schema"] = "callreel.verdict/2".into();
        for (entry, output) in new["files"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .zip(Output::ALL)
        {
            let entry = entry.as_object_mut().unwrap();
            entry.remove("samples_sha256");
            entry.insert("sha256".into(), hex(sha256::of(&file(output))).into());
        }
        let old = Verdict::from_json(&serde_json::to_vec(&new).unwrap()).unwrap();
        for (at, output) in Output::ALL.into_iter().enumerate() {
            assert!(is_whole(&old, at, &file(output), 7));
            assert!(!is_whole(&old, at, &file(output)[1..], 7));
        }
        // Written again, as what is kept of it, it says what it said.
        assert_eq!(
            Verdict::from_json(&old.less_authorised().to_json())
                .unwrap()
                .files,
            old.files
        );
    }

    #[test]
    fn every_byte_of_the_waveform_counts() {
        let points = [-3_i8, 5, -1, 1].map(i8::cast_unsigned);
        let file = [&peaks::header(2, 1)[..], &points].concat();
        let entry = PeaksEntry {
            bytes: file.len() as u64,
            points: 1,
            sides: vec!["from".to_owned(), "to".to_owned()],
            points_sha256: hex(sha256::of(&points)),
            ..PeaksEntry::default()
        };
        let is_whole = |file: &[u8], piece: usize| {
            let mut check = Check::of_peaks(&entry);
            file.chunks(piece).for_each(|piece| check.push(piece));
            check.finish()
        };
        for piece in 1..=file.len() {
            assert!(is_whole(&file, piece));
        }
        for byte in 0..file.len() {
            let mut other = file.clone();
            other[byte] ^= 1;
            assert!(!is_whole(&other, 7), "{byte}");
            assert!(!is_whole(&file[..byte], 7), "{byte}");
        }
    }

    #[test]
    fn what_a_verdict_does_not_say_is_not_checked() {
        let mut verdict = verdict();
        verdict.files[1].samples_sha256 = None;
        assert!(Check::new(&verdict, &verdict.files[0]).is_some());
        assert!(Check::new(&verdict, &verdict.files[1]).is_none());
        assert!(Check::new(&verdict, &verdict.files[2]).is_none());
    }
}
