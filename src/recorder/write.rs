//! Writing a recording's files: begun with the first sample, fed as buffers fill, ended
//! together when the length is known. The samples of each side are hashed here, as they come:
//! the mix holds the same ones in turn, and no byte is hashed twice. Beside them goes the file
//! that their waveform is drawn from.

use bytes::Bytes;
use futures_util::future::{join, join_all};

use crate::failure::{Failure, FailureKind};
use crate::media::assembly::Assembly;
use crate::media::peaks;
use crate::media::wav::{self, Output};
use crate::object_key::hex;
use crate::port::{NewFile, Recordings, Stored, Upload};
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::PeaksEntry;
use crate::sha256::Sha256;

/// The files of one recording on their way to the store.
pub(super) struct Files<'a, R: Recordings> {
    store: &'a R,
    plan: &'a RecordingPlan,
    begun: Vec<Begun<R::Upload>>,
    peaks: Option<Peaks<R::Upload>>,
}

/// The waveform's file on its way.
struct Peaks<U> {
    upload: U,
    points: Sha256,
}

/// All files of one recording in the store.
pub(super) struct Finished {
    pub files: Vec<File>,
    /// What the waveform is drawn from, and how it was stored; nothing where nothing was heard.
    pub peaks: Option<(PeaksEntry, Stored)>,
}

/// Points are sent on in pieces of so many bytes: a second of audio has 125.
const POINTS_AT_ONCE: usize = 4 << 10;

/// One file on its way.
struct Begun<U> {
    output: Output,
    upload: U,
    /// The hash of its samples so far, if it is one side's.
    samples: Option<Sha256>,
}

/// One file in the store.
pub(super) struct File {
    pub output: Output,
    pub key: String,
    pub stored: Stored,
    /// Hexadecimal.
    pub samples_sha256: Option<String>,
}

impl<'a, R: Recordings> Files<'a, R> {
    pub(super) fn new(store: &'a R, plan: &'a RecordingPlan) -> Self {
        Self {
            store,
            plan,
            begun: Vec::new(),
            peaks: None,
        }
    }

    /// Takes full buffers away until all that is settled is encoded.
    pub(super) async fn take(&mut self, assembly: &mut Assembly) -> Result<(), Failure> {
        while assembly.encode() {
            self.flush(assembly).await?;
        }
        Ok(())
    }

    /// Takes all encoded bytes away.
    pub(super) async fn flush(&mut self, assembly: &mut Assembly) -> Result<(), Failure> {
        if assembly.buffers().iter().all(Vec::is_empty) {
            return Ok(());
        }
        if self.begun.is_empty() {
            for output in self.plan.authorisation.outputs() {
                let key = self.plan.keys.wav(*output);
                let upload = self.store.begin(NewFile {
                    tags: &self.plan.tags,
                    ..NewFile::wav(&key, &self.plan.id.contact)
                });
                let is_one_side = output.channels() == 1;
                self.begun.push(Begun {
                    output: *output,
                    upload: upload.await?,
                    samples: is_one_side.then(Sha256::new),
                });
            }
            let (key, contact) = (self.plan.keys.peaks(), &self.plan.id.contact);
            self.peaks = Some(Peaks {
                upload: self.store.begin(NewFile::peaks(&key, contact)).await?,
                points: Sha256::new(),
            });
        }
        // No byte more than there are: what waits for the rest of its part is held like this. The
        // mix shares them.
        let sides = assembly.buffers().each_mut().map(|buffer| {
            let bytes = Bytes::copy_from_slice(buffer);
            buffer.clear();
            bytes
        });
        for file in &mut self.begun {
            match file.output.directions() {
                [side] => {
                    let bytes = &sides[side.index()];
                    if let Some(samples) = &mut file.samples {
                        samples.update(bytes);
                    }
                    file.upload.write(bytes.clone()).await?;
                }
                _ => file.upload.write_in_turn(sides.clone()).await?,
            }
        }
        if assembly.points().len() >= POINTS_AT_ONCE {
            self.flush_points(assembly).await?;
        }
        Ok(())
    }

    /// Takes all encoded bytes away, and the waveform's last point: nothing follows.
    pub(super) async fn flush_last(&mut self, assembly: &mut Assembly) -> Result<(), Failure> {
        self.flush(assembly).await?;
        assembly.finish_points();
        self.flush_points(assembly).await
    }

    async fn flush_points(&mut self, assembly: &mut Assembly) -> Result<(), Failure> {
        let points = std::mem::take(assembly.points());
        match &mut self.peaks {
            Some(peaks) if !points.is_empty() => {
                peaks.points.update(&points);
                peaks.upload.write(Bytes::from(points)).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Ends the files side by side, each with its header. A side without audio (`heard`, by
    /// [`Direction::index`]) gets no file, and no place in the mix. When one fails, the
    /// others end all the same: what was begun is ended or aborted by whoever began it.
    ///
    /// [`Direction::index`]: crate::media::fragment::Direction::index
    pub(super) async fn finish(self, samples: u64, heard: [bool; 2]) -> Result<Finished, Failure> {
        let plan = self.plan;
        let peaks = finish_peaks(plan, self.peaks, samples, heard);
        let finished = self.begun.into_iter().map(|begun| async move {
            let Begun {
                output,
                upload,
                samples: hash,
            } = begun;
            let mut sides = output.directions().iter();
            if !sides.all(|side| heard[side.index()]) {
                upload.abort().await;
                return Ok(None);
            }
            let key = plan.keys.wav(output);
            match wav::header(output.channels(), samples) {
                Ok(header) => {
                    let stored = upload.finish(Bytes::copy_from_slice(&header)).await?;
                    Ok(Some(File {
                        output,
                        key,
                        stored,
                        samples_sha256: hash.map(|hash| hex(hash.finish())),
                    }))
                }
                Err(error) => {
                    upload.abort().await;
                    Err(Failure::new(FailureKind::TooLong, key, error))
                }
            }
        });
        let (finished, peaks) = join(join_all(finished), peaks).await;
        let finished: Result<Vec<_>, Failure> = finished.into_iter().collect();
        Ok(Finished {
            files: finished?.into_iter().flatten().collect(),
            peaks: peaks?,
        })
    }

    /// Gives all files up.
    pub(super) async fn abort(self) {
        for begun in self.begun {
            begun.upload.abort().await;
        }
        if let Some(peaks) = self.peaks {
            peaks.upload.abort().await;
        }
    }
}

/// Ends the waveform's file. A side that was authorised and never streamed is a line in it.
async fn finish_peaks<U: Upload>(
    plan: &RecordingPlan,
    peaks: Option<Peaks<U>>,
    samples: u64,
    heard: [bool; 2],
) -> Result<Option<(PeaksEntry, Stored)>, Failure> {
    let Some(peaks) = peaks else {
        return Ok(None);
    };
    if heard == [false; 2] {
        peaks.upload.abort().await;
        return Ok(None);
    }
    let sides = plan.authorisation.directions();
    let channels = u16::try_from(sides.len()).unwrap_or(u16::MAX);
    let points = peaks::points_of(samples);
    let header = peaks::header(channels, points);
    let stored = peaks.upload.finish(Bytes::copy_from_slice(&header)).await?;
    let entry = PeaksEntry {
        key: plan.keys.peaks(),
        bytes: stored.bytes,
        points,
        samples_per_point: peaks::POINT_SAMPLES as u64,
        sides: sides.iter().map(|side| side.name().to_owned()).collect(),
        points_sha256: hex(peaks.points.finish()),
    };
    Ok(Some((entry, stored)))
}
