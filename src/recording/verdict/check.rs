//! Whether a file is still what its verdict says, by all of its bytes, in any chunks: a mix by
//! itself, too, since its samples are those of the sides in turn. One that takes too long can be
//! laid down and taken up again ([`LaidDown`]).

use serde::{Deserialize, Serialize};

use super::{FileEntry, PeaksEntry, Verdict};
use crate::media::peaks;
use crate::media::wav::{self, Output};
use crate::object_key::hex;
use crate::sha256::{Hashing, Resumable, Sha256};

/// The bytes of a sample.
const SAMPLE_BYTES: usize = 2;

/// A file that is looked at.
#[derive(Debug)]
pub struct Check<H = Sha256> {
    /// Its size, as the verdict says.
    said: u64,
    bytes: u64,
    by: By<H>,
}

/// What a check knows so far. It tells no more of a file than its hashes do, and convinces
/// nobody but who goes on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaidDown {
    header: Vec<u8>,
    begun: Vec<u8>,
    hashes: Vec<Resumable>,
}

#[derive(Debug)]
enum By<H> {
    /// The hash of all of it.
    Whole(Hash<H>),
    /// Its header, and the hash of the samples of each channel.
    Samples {
        header: Vec<u8>,
        said: Vec<u8>,
        channels: Vec<Hash<H>>,
        /// The beginning of a frame whose rest did not come yet.
        begun: Vec<u8>,
    },
}

#[derive(Debug)]
struct Hash<H> {
    said: String,
    of: H,
}

impl<H: Hashing> Hash<H> {
    fn new(said: &str) -> Self {
        Self {
            said: said.to_owned(),
            of: H::new(),
        }
    }

    fn ends_as_said(self) -> bool {
        hex(self.of.finish()) == self.said
    }
}

impl<H: Hashing> Check<H> {
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

    /// The file's size, as the verdict says: one of another size is not what was written.
    pub const fn said(&self) -> u64 {
        self.said
    }

    /// How many of its bytes were taken.
    pub const fn bytes(&self) -> u64 {
        self.bytes
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

impl Check<Resumable> {
    /// What it knows so far, to go on with later.
    pub fn laid_down(self) -> LaidDown {
        match self.by {
            By::Whole(hash) => LaidDown {
                header: Vec::new(),
                begun: Vec::new(),
                hashes: vec![hash.of],
            },
            By::Samples {
                header,
                channels,
                begun,
                ..
            } => LaidDown {
                header,
                begun,
                hashes: channels.into_iter().map(|hash| hash.of).collect(),
            },
        }
    }

    /// The same, gone on with; `None` if that was laid down by no check of such a file.
    #[must_use]
    pub fn taken_up(mut self, down: LaidDown) -> Option<Self> {
        let hashes = down.hashes.iter().map(Resumable::bytes);
        let beside = (down.header.len() + down.begun.len()) as u64;
        self.bytes = hashes.into_iter().try_fold(beside, u64::checked_add)?;
        let channels = match &mut self.by {
            By::Whole(hash) => std::slice::from_mut(hash),
            By::Samples {
                header,
                said,
                channels,
                begun,
            } if down.header.len() <= said.len() => {
                *header = down.header;
                *begun = down.begun;
                channels
            }
            By::Samples { .. } => return None,
        };
        if channels.len() != down.hashes.len() || self.bytes > self.said {
            return None;
        }
        for (channel, hash) in channels.iter_mut().zip(down.hashes) {
            channel.of = hash;
        }
        Some(self)
    }
}

impl<H: Hashing> By<H> {
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
fn push_samples<H: Hashing>(channels: &mut [Hash<H>], begun: &mut Vec<u8>, samples: &[u8]) {
    if let [only] = channels {
        only.of.update(samples);
        return;
    }
    begun.extend_from_slice(samples);
    let frame_bytes = channels.len() * SAMPLE_BYTES;
    let whole = begun.len() - begun.len() % frame_bytes;
    let frames = &begun[..whole];
    let mut own = Vec::with_capacity(whole / channels.len());
    for (at, channel) in channels.iter_mut().enumerate() {
        own.clear();
        for frame in frames.chunks_exact(frame_bytes) {
            own.extend_from_slice(&frame[at * SAMPLE_BYTES..][..SAMPLE_BYTES]);
        }
        channel.of.update(&own);
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
        let mut check = Check::<Sha256>::new(verdict, &verdict.files[at]).unwrap();
        file.chunks(piece).for_each(|piece| check.push(piece));
        let is_whole = check.finish();
        // The same, laid down after each piece.
        let fresh = || Check::<Resumable>::new(verdict, &verdict.files[at]).unwrap();
        let mut check = fresh();
        for piece in file.chunks(piece) {
            check.push(piece);
            let taken = check.bytes();
            let down = serde_json::to_vec(&check.laid_down()).unwrap();
            let Some(again) = fresh().taken_up(serde_json::from_slice(&down).unwrap()) else {
                assert!(taken > fresh().said(), "{taken}");
                return is_whole;
            };
            assert_eq!(again.bytes(), taken);
            check = again;
        }
        assert_eq!(check.finish(), is_whole);
        is_whole
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
            let mut check = Check::<Sha256>::of_peaks(&entry);
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
    fn what_no_check_laid_down_is_not_gone_on_with() {
        let verdict = verdict();
        let mixed = || Check::<Resumable>::new(&verdict, &verdict.files[2]).unwrap();
        let mut check = mixed();
        check.push(&file(Output::Mixed)[..50]);
        let sound = check.laid_down();
        assert!(mixed().taken_up(sound.clone()).is_some());
        let far: Resumable = serde_json::from_value(serde_json::json!({
            "words": vec![0; 8], "bytes": u64::MAX / 8 - 63, "begun": []
        }))
        .unwrap();
        for forged in [
            LaidDown {
                header: vec![0; 45],
                ..sound.clone()
            },
            LaidDown {
                begun: vec![0; 100],
                ..sound.clone()
            },
            LaidDown {
                hashes: sound.hashes[..1].to_vec(),
                ..sound.clone()
            },
            LaidDown {
                hashes: vec![far; 9],
                ..sound.clone()
            },
        ] {
            assert!(mixed().taken_up(forged.clone()).is_none(), "{forged:?}");
        }
        // Another file's is of another number of hashes, or is found to be no such file's.
        let from = Check::<Resumable>::new(&verdict, &verdict.files[0]).unwrap();
        assert!(from.taken_up(sound).is_none());
    }

    #[test]
    fn what_a_verdict_does_not_say_is_not_checked() {
        let mut verdict = verdict();
        verdict.files[1].samples_sha256 = None;
        assert!(Check::<Sha256>::new(&verdict, &verdict.files[0]).is_some());
        assert!(Check::<Sha256>::new(&verdict, &verdict.files[1]).is_none());
        assert!(Check::<Sha256>::new(&verdict, &verdict.files[2]).is_none());
    }
}
