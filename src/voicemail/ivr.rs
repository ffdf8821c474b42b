//! A message within Connect's own recording of an automated interaction: where that lies, from
//! where on it is the message, and how the message is cut out of the file while it is read.
//!
//! The file is a WAV of any rate and channels, uncompressed or not: frames are copied as they are.

use crate::connect::record::RecordingEntry;
use crate::media::ticks::EpochMillis;
use crate::media::wav::HEADER_BYTES;

/// The storage type of such recordings.
const S3: &str = "S3";
/// Who is recorded.
const IVR: &str = "IVR";
/// A header that goes on for longer is none.
const MAX_HEAD: usize = 256 << 10;

/// Where a message's recording lies, and where in it the message begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IvrRecording {
    /// The bucket.
    pub bucket: Box<str>,
    /// The key.
    pub key: Box<str>,
    /// Milliseconds before the message; `None` when nobody said, and all of it is taken.
    pub skip_millis: Option<u64>,
}

impl IvrRecording {
    /// The recording of an automated interaction among a contact's, with the time at which the
    /// flow said that its message begins.
    pub fn of(entries: &[RecordingEntry], began: Option<EpochMillis>) -> Option<Self> {
        let is = |text: &Option<Box<str>>, word: &str| text.as_deref() == Some(word);
        let mut entries = entries.iter().rev();
        let entry = entries.find(|entry| {
            is(&entry.storage, S3) && is(&entry.participant, IVR) && entry.location.is_some()
        })?;
        let (bucket, key) = entry.location.as_deref()?.split_once('/')?;
        let skip = began.zip(entry.started);
        let skip = skip.map(|(began, started)| began.0.saturating_sub(started.0));
        Some(Self {
            bucket: bucket.into(),
            key: key.into(),
            skip_millis: skip.map(|skip| u64::try_from(skip).unwrap_or(0)),
        })
    }
}

/// Why a file is no recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no WAV file: {0}")]
pub struct NotAWav(&'static str);

/// A message that is cut out of a WAV file.
#[derive(Debug)]
pub struct Cut {
    skip_millis: u64,
    head: Vec<u8>,
    audio: Option<Audio>,
}

/// What is known of the audio.
#[derive(Debug)]
struct Audio {
    /// The first 16 bytes of `fmt `.
    format: [u8; 16],
    bytes_per_second: u64,
    /// Bytes that are still left out.
    skip: u64,
    /// Bytes that are still of the audio.
    left: u64,
    written: u64,
    begins_behind_its_end: bool,
}

/// What was cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Cutting {
    /// The header of what was written.
    pub header: [u8; HEADER_BYTES],
    /// How long it is, in seconds.
    pub seconds: f64,
    /// The message begins behind the recording's end: all of it was taken.
    pub begins_behind_its_end: bool,
}

impl Cut {
    /// From this many milliseconds on.
    pub fn new(skip_millis: u64) -> Self {
        Self {
            skip_millis,
            head: Vec::new(),
            audio: None,
        }
    }

    /// Takes the file's next bytes, and gives those that are of the message.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NotAWav> {
        if let Some(audio) = &mut self.audio {
            return Ok(audio.take(bytes).to_vec());
        }
        self.head.extend_from_slice(bytes);
        let Some((format, data, size)) = read_head(&self.head)? else {
            if self.head.len() > MAX_HEAD {
                return Err(NotAWav("no audio within its first 256 KiB"));
            }
            return Ok(Vec::new());
        };
        let mut audio = Audio::new(format, size, self.skip_millis)?;
        let first = audio
            .take(self.head.get(data..).unwrap_or_default())
            .to_vec();
        self.audio = Some(audio);
        self.head = Vec::new();
        Ok(first)
    }

    /// Ends the message: its header, now that its length is known.
    pub fn finish(self) -> Result<Cutting, NotAWav> {
        let audio = self.audio.ok_or(NotAWav("it ends before its audio"))?;
        let size = u32::try_from(audio.written).map_err(|_| NotAWav("more than 4 GB of audio"))?;
        let mut header = [0; HEADER_BYTES];
        let around = size.saturating_add(36).to_le_bytes();
        let parts: [&[u8]; 7] = [
            b"RIFF",
            &around,
            b"WAVEfmt ",
            &16_u32.to_le_bytes(),
            &audio.format,
            b"data",
            &size.to_le_bytes(),
        ];
        for (byte, of) in header.iter_mut().zip(parts.concat()) {
            *byte = of;
        }
        let bytes = u32::try_from(audio.bytes_per_second).unwrap_or(u32::MAX);
        Ok(Cutting {
            header,
            seconds: f64::from(size) / f64::from(bytes.max(1)),
            begins_behind_its_end: audio.begins_behind_its_end,
        })
    }
}

impl Audio {
    fn new(format: [u8; 16], size: u32, skip_millis: u64) -> Result<Self, NotAWav> {
        let [_, _, _, _, r0, r1, r2, r3, b0, b1, b2, b3, f0, f1, _, _] = format;
        let rate = u64::from(u32::from_le_bytes([r0, r1, r2, r3]));
        let bytes_per_second = u64::from(u32::from_le_bytes([b0, b1, b2, b3]));
        let frame = u64::from(u16::from_le_bytes([f0, f1]));
        if rate == 0 || frame == 0 || bytes_per_second == 0 {
            return Err(NotAWav("its format says nothing of its rate"));
        }
        // Who did not know how much would come wrote nothing, or all there is.
        let left = match size {
            0 | u32::MAX => u64::MAX,
            size => u64::from(size),
        };
        let skip = skip_millis.saturating_mul(rate) / 1_000;
        let skip = skip.saturating_mul(frame);
        let begins_behind_its_end = skip >= left;
        Ok(Self {
            format,
            bytes_per_second,
            skip: if begins_behind_its_end { 0 } else { skip },
            left,
            written: 0,
            begins_behind_its_end,
        })
    }

    fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let within = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let bytes = &bytes[..within];
        self.left -= u64::try_from(within).unwrap_or(0);
        let skipped = usize::try_from(self.skip)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.skip -= u64::try_from(skipped).unwrap_or(0);
        let bytes = &bytes[skipped..];
        self.written += u64::try_from(bytes.len()).unwrap_or(0);
        bytes
    }
}

/// The format, where the audio begins, and how long it says that it is; `None` while more is to
/// come.
fn read_head(head: &[u8]) -> Result<Option<([u8; 16], usize, u32)>, NotAWav> {
    let Some(start) = head.get(..12) else {
        return Ok(None);
    };
    if !start.starts_with(b"RIFF") || !start.ends_with(b"WAVE") {
        return Err(NotAWav("it does not begin with RIFF and WAVE"));
    }
    let (mut at, mut format) = (12_usize, None);
    loop {
        let Some([a, b, c, d, s0, s1, s2, s3]) = head.get(at..at + 8) else {
            return Ok(None);
        };
        let (name, size) = ([*a, *b, *c, *d], u32::from_le_bytes([*s0, *s1, *s2, *s3]));
        at += 8;
        if name == *b"data" {
            let format = format.ok_or(NotAWav("its audio comes before its format"))?;
            return Ok(Some((format, at, size)));
        }
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        if name == *b"fmt " {
            let Some(fields) = head.get(at..at + 16) else {
                return Ok(None);
            };
            format = fields.try_into().ok();
        }
        // Chunks begin at even places.
        at = at.saturating_add(length).saturating_add(length % 2);
        if at > MAX_HEAD {
            return Err(NotAWav("no audio within its first 256 KiB"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file of so many frames of this many channels, each with its number in it.
    fn wav(rate: u32, channels: u16, frames: u32, says: Option<u32>) -> (Vec<u8>, Vec<u8>) {
        let frame = channels * 2;
        let mut audio = Vec::new();
        for number in 0..frames {
            for channel in 0..channels {
                audio.extend(((number % 30_000) as u16 + channel).to_le_bytes());
            }
        }
        let size = says.unwrap_or(audio.len() as u32);
        let mut file = b"RIFF\0\0\0\0WAVEJUNK\x03\0\0\0abc\0fmt \x12\0\0\0".to_vec();
        file.extend(1_u16.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend((rate * u32::from(frame)).to_le_bytes());
        file.extend(frame.to_le_bytes());
        file.extend(16_u16.to_le_bytes());
        file.extend([0, 0]);
        file.extend(b"data");
        file.extend(size.to_le_bytes());
        file.extend(&audio);
        (file, audio)
    }

    fn cut(file: &[u8], skip: u64, chunk: usize) -> Result<(Cutting, Vec<u8>), NotAWav> {
        let mut cut = Cut::new(skip);
        let mut audio = Vec::new();
        for chunk in file.chunks(chunk) {
            audio.extend(cut.push(chunk)?);
        }
        Ok((cut.finish()?, audio))
    }

    proptest! {
        #[test]
        fn a_message_is_the_rest_of_the_recording(
            rate in prop::sample::select(vec![8_000_u32, 16_000, 44_100]),
            channels in 1_u16..=2,
            frames in 0_u32..3_000,
            skip in 0_u64..400,
            chunk in 1_usize..700,
            knows in any::<bool>(),
        ) {
            let (file, audio) = wav(rate, channels, frames, (!knows).then_some(u32::MAX));
            let (cutting, got) = cut(&file, skip, chunk).unwrap();
            let from = usize::try_from(skip * u64::from(rate) / 1_000).unwrap() * usize::from(channels) * 2;
            let is_behind = from >= audio.len() && knows && frames > 0;
            let expected = match is_behind {
                true => &audio[..],
                false => &audio[from.min(audio.len())..],
            };
            prop_assert_eq!(&got[..], expected);
            let whole = [&cutting.header[..], &got].concat();
            let reader = hound::WavReader::new(&whole[..]).unwrap();
            prop_assert_eq!(reader.spec().sample_rate, rate);
            prop_assert_eq!(reader.spec().channels, channels);
            prop_assert_eq!(reader.len() as usize * 2, got.len());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), skip in any::<u64>()) {
            let _ = cut(&bytes, skip, 7);
            let (mut file, _) = wav(8_000, 1, 10, None);
            let at = bytes.len() % file.len();
            file[at] = bytes.first().copied().unwrap_or(0);
            let _ = cut(&file, skip, 13);
        }
    }

    #[test]
    fn what_is_no_wav_says_so() {
        let error = |file: &[u8]| cut(file, 0, 9).unwrap_err().to_string();
        assert_eq!(
            error(b"<Error/>________"),
            "no WAV file: it does not begin with RIFF and WAVE"
        );
        assert_eq!(
            error(b"RIFF\0\0\0\0WAVE"),
            "no WAV file: it ends before its audio"
        );
        assert_eq!(error(b""), "no WAV file: it ends before its audio");
    }

    #[test]
    fn the_recording_of_the_automated_interaction_is_found() {
        let entry = |storage: &str, participant: &str, location: &str| RecordingEntry {
            storage: Some(storage.into()),
            participant: Some(participant.into()),
            location: Some(location.into()),
            started: Some(EpochMillis(60_000)),
            ..RecordingEntry::default()
        };
        #[track_caller]
        fn check(entries: &[RecordingEntry], began: Option<i64>, skip: Option<u64>) {
            let found = IvrRecording::of(entries, began.map(EpochMillis)).unwrap();
            assert_eq!((&*found.bucket, &*found.key), ("b", "ivr/a.wav"));
            assert_eq!(found.skip_millis, skip);
        }
        let all = [
            entry("S3", "AGENT", "b/x.wav"),
            entry("S3", "IVR", "b/ivr/a.wav"),
        ];
        check(&all, Some(72_500), Some(12_500));
        check(&all, Some(1), Some(0));
        check(&all, None, None);
        assert_eq!(IvrRecording::of(&all[..1], None), None);
        assert_eq!(
            IvrRecording::of(&[entry("S3", "IVR", "nowhere")], None),
            None
        );
    }
}
