//! Amazon Transcribe: jobs that read a recording from one bucket, and leave the transcript in
//! another. The job reads and writes in the name of whoever starts it.

use aws_config::SdkConfig;
use aws_sdk_transcribe::Client;
use aws_sdk_transcribe::config::Builder;
use aws_sdk_transcribe::types::{LanguageCode, Media, MediaFormat, TranscriptionJobStatus};

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, NotStarted, failure, is_no_job, not_started};
use crate::failure::{Failure, FailureKind};
use crate::port::voicemail::Transcriber;
use crate::voicemail::job::{Job, JobName, JobState, JobStatus, Started, key_of_uri};

/// Transcription jobs between two buckets.
#[derive(Debug)]
pub struct TranscriptionJobs {
    client: Client,
    recordings: String,
    transcripts: String,
}

impl TranscriptionJobs {
    /// Over the shared configuration, with the names of the buckets.
    pub fn new(shared: &SdkConfig, recordings: &str, transcripts: &str) -> Self {
        let config = Builder::from(&Trying::TRANSCRIBE.on(shared)).interceptor(CheckAnswers);
        Self {
            client: Client::from_conf(config.build()),
            recordings: recordings.to_owned(),
            transcripts: transcripts.to_owned(),
        }
    }
}

impl Transcriber for TranscriptionJobs {
    async fn start(&self, job: &Job) -> Result<Started, Failure> {
        let uri = format!("s3://{}/{}", self.recordings, job.recording);
        let request = self.client.start_transcription_job();
        let request = request
            .transcription_job_name(job.name.as_str())
            .language_code(LanguageCode::from(&*job.language))
            .media_format(MediaFormat::Wav)
            .media(Media::builder().media_file_uri(uri).build())
            .output_bucket_name(&self.transcripts)
            .output_key(&job.transcript);
        let Err(error) = request.send().await else {
            return Ok(Started::Now);
        };
        match not_started(&error) {
            NotStarted::Taken => Ok(Started::Before),
            NotStarted::Language(cause) => Ok(Started::LanguageRefused { cause }),
            NotStarted::Refused(cause) => Ok(Started::Refused { cause }),
            NotStarted::Otherwise => Err(failure(Call::StartJob, subject(&job.name), &error)),
        }
    }

    async fn look(&self, name: &JobName) -> Result<Option<JobState>, Failure> {
        let request = self.client.get_transcription_job();
        let looked = request.transcription_job_name(name.as_str()).send().await;
        let job = match looked {
            Ok(answer) => answer.transcription_job,
            Err(error) if is_no_job(&error) => return Ok(None),
            Err(error) => return Err(failure(Call::GetJob, subject(name), &error)),
        };
        // Taken for none, a job would be started beside the one that there is.
        let job = job.ok_or_else(|| {
            let cause = "GetTranscriptionJob gave no TranscriptionJob";
            Failure::new(FailureKind::Unavailable, subject(name), cause)
        })?;
        let status = match job.transcription_job_status {
            Some(TranscriptionJobStatus::Completed) => JobStatus::Completed,
            Some(TranscriptionJobStatus::Failed) => JobStatus::Failed {
                reason: job.failure_reason,
            },
            // It waits, works, or does what nobody knows of yet.
            _ => JobStatus::UnderWay,
        };
        let uri = job.media.and_then(|media| media.media_file_uri);
        Ok(Some(JobState {
            status,
            recording: uri.and_then(|uri| key_of_uri(&uri, &self.recordings)),
        }))
    }

    async fn delete(&self, name: &JobName) -> Result<(), Failure> {
        let request = self.client.delete_transcription_job();
        match request.transcription_job_name(name.as_str()).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_no_job(&error) => Ok(()),
            Err(error) => Err(failure(Call::DeleteJob, subject(name), &error)),
        }
    }
}

fn subject(name: &JobName) -> String {
    format!("transcription job {name}")
}
