//! From a recording to its transcript, or to the substitute for one. Whatever the service
//! refuses for good, the message goes on; what can go better by itself is tried again.

use super::{Delivering, NotDone, Step, failed};
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::SAMPLE_RATE;
use crate::media::wav::HEADER_BYTES;
use crate::port::voicemail::{Tagged, Transcriber};
use crate::port::{Expect, Objects, Opening};
use crate::voicemail::flagged;
use crate::voicemail::job::{Job, JobName, JobStatus, Started};
use crate::voicemail::place::Place;
use crate::voicemail::transcript::{Missing, substitute};

/// Transcribe takes media of half a second and more.
const SHORTEST_BYTES: u64 = HEADER_BYTES as u64 + SAMPLE_RATE as u64;

/// What became of a recording's transcription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transcribed {
    /// The object is no recording of voicemail's, or is gone.
    Ignored,
    /// A job runs, started now or before.
    UnderWay,
    /// The transcript is there.
    There,
    /// A substitute stands in its place.
    Substituted {
        /// What it says.
        missing: Missing,
        /// Why.
        reason: String,
    },
}

impl<R, T, D, M, J, G, Y, C> Delivering<R, T, D, M, J, G, Y, C>
where
    R: Tagged + Opening,
    T: Objects,
    D: Sync,
    M: Sync,
    J: Transcriber,
    G: Sync,
    Y: Sync,
    C: Sync,
{
    /// Starts the transcription of the recording under a key.
    pub async fn transcribe(&self, key: &str) -> Result<Transcribed, NotDone> {
        let Some(place) = Place::of_recording(key) else {
            return Ok(Transcribed::Ignored);
        };
        let read = || failed(&place, Step::Read);
        let opened = self.recordings.open(key).await.map_err(read())?;
        let Some(opened) = opened else {
            return Ok(Transcribed::Ignored);
        };
        if opened.bytes < SHORTEST_BYTES {
            let reason = "the recording is shorter than half a second".to_owned();
            return self.put_substitute(&place, Missing::NoSpeech, reason).await;
        }
        drop(opened);
        let tags = self.recordings.tags(key).await.map_err(read())?;
        let mut tags = tags.unwrap_or_default().into_iter();
        let language = tags.find(|(name, _)| name == flagged::LANGUAGE);
        let language = language.map_or_else(|| self.language.clone(), |(_, value)| value);
        self.start(&place, &language).await
    }

    async fn start(&self, place: &Place, language: &str) -> Result<Transcribed, NotDone> {
        let mut job = Job {
            name: place.job(),
            language: language.into(),
            recording: place.recording(),
            transcript: place.transcript(),
        };
        let mut was_deleted = false;
        loop {
            let started = self.transcriber.start(&job).await;
            let cause = match started.map_err(failed(place, Step::Transcribe))? {
                Started::Now => return Ok(Transcribed::UnderWay),
                Started::Before => match self.look_at(place, was_deleted).await? {
                    Some(ended) => return Ok(ended),
                    // A job that left nothing was deleted: once more.
                    None => {
                        was_deleted = true;
                        continue;
                    }
                },
                Started::LanguageRefused { cause } if *job.language != *self.language => {
                    job.language = self.language.as_str().into();
                    drop(cause);
                    continue;
                }
                Started::LanguageRefused { cause } | Started::Refused { cause } => cause,
            };
            let missing = Missing::TranscriptionFailed;
            return self.put_substitute(place, missing, cause).await;
        }
    }

    /// What there is of a job that was started before; `None` when it has to be started again.
    async fn look_at(
        &self,
        place: &Place,
        was_deleted: bool,
    ) -> Result<Option<Transcribed>, NotDone> {
        let step = || failed(place, Step::Transcribe);
        let state = self.transcriber.look(&place.job()).await.map_err(step())?;
        match state.map(|state| state.status) {
            Some(JobStatus::UnderWay) => return Ok(Some(Transcribed::UnderWay)),
            Some(JobStatus::Failed { reason }) => {
                let reason = reason.unwrap_or_else(|| "the job failed".to_owned());
                let missing = Missing::TranscriptionFailed;
                return self.put_substitute(place, missing, reason).await.map(Some);
            }
            Some(JobStatus::Completed) => {
                let there = self.transcripts.read(&place.transcript()).await;
                if there.map_err(failed(place, Step::Read))?.is_some() {
                    return Ok(Some(Transcribed::There));
                }
                self.transcriber
                    .delete(&place.job())
                    .await
                    .map_err(step())?;
            }
            None => {}
        }
        if was_deleted {
            let cause = "a job of this name comes and goes";
            return Err(step()(Failure::new(
                FailureKind::Contended,
                place.job(),
                cause,
            )));
        }
        Ok(None)
    }

    /// What is to be done when a job failed: its transcript's substitute, where the delivery
    /// looks for it.
    pub async fn transcription_failed(
        &self,
        job: &str,
        reason: Option<&str>,
    ) -> Result<Transcribed, NotDone> {
        let Some(name) = JobName::parse(job) else {
            return Ok(Transcribed::Ignored);
        };
        let not_done = |failure| NotDone {
            contact: name.contact().into(),
            step: Step::Transcribe,
            failure,
        };
        let state = self.transcriber.look(&name).await.map_err(not_done)?;
        let recording = state.as_ref().and_then(|state| state.recording.clone());
        let Some(place) = recording.as_deref().and_then(Place::of_recording) else {
            let cause = "its job does not say which recording it read";
            let failure = Failure::new(FailureKind::NotLocated, job, cause);
            return Err(not_done(failure));
        };
        let told = match state.map(|state| state.status) {
            Some(JobStatus::Failed { reason }) => reason,
            Some(JobStatus::UnderWay | JobStatus::Completed) => return Ok(Transcribed::UnderWay),
            None => None,
        };
        let reason = told.or(reason.map(str::to_owned));
        let reason = reason.unwrap_or_else(|| "the job failed".to_owned());
        self.put_substitute(&place, Missing::TranscriptionFailed, reason)
            .await
    }

    /// Puts the substitute where the transcript should be, unless one is there.
    pub(super) async fn put_substitute(
        &self,
        place: &Place,
        missing: Missing,
        reason: String,
    ) -> Result<Transcribed, NotDone> {
        let document = substitute(place, missing, &reason, &[]);
        let key = place.transcript();
        let put = self.transcripts.put(&key, document, Expect::Nothing).await;
        put.map_err(failed(place, Step::Substitute))?;
        Ok(Transcribed::Substituted { missing, reason })
    }
}
