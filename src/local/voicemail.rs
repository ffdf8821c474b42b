//! What voicemail asks of Connect, SES, Transcribe and a signer, answered out of folders: tasks
//! and mails become files, a transcript is a text beside the stream or what a command says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::recordings::write_whole;
use super::{LocalContacts, LocalRecordings, Tried, io_failure};
use crate::failure::{Failure, FailureKind};
use crate::object_key::safe;
use crate::port::voicemail::{Desk, Mailer, Signer, Tagged, Transcriber};
use crate::port::{ContactAttributes, Expect, Objects};
use crate::voicemail::job::{Job, JobName, JobState, JobStatus, Started};
use crate::voicemail::link::Link;
use crate::voicemail::mail::{Content, Mail, TemplateText};
use crate::voicemail::place::Place;
use crate::voicemail::recipient::{Queue, User};
use crate::voicemail::task::StartTask;
use crate::voicemail::transcript;

/// Bytes of what a command says that are taken: a call of a day, spoken fast.
const MAX_SAID: usize = 4 << 20;
/// Characters of a command's complaint that are told.
const MAX_COMPLAINT: usize = 300;

impl Tagged for LocalRecordings {
    async fn tags(&self, key: &str) -> Result<Option<Vec<(String, String)>>, Failure> {
        if !self.path(key)?.is_file() {
            return Ok(None);
        }
        let beside = match key.rsplit_once('.') {
            Some((base, _)) => format!("{base}.tags.json"),
            None => format!("{key}.tags.json"),
        };
        let Some(json) = self.read(&beside).await? else {
            return Ok(Some(Vec::new()));
        };
        let tags: BTreeMap<String, String> = serde_json::from_slice(&json)
            .map_err(|error| Failure::new(FailureKind::Unreadable, beside, error))?;
        Ok(Some(tags.into_iter().collect()))
    }
}

/// A folder that stands in for Connect and for a mail server: `tasks/` and `mail/`, one file a
/// contact; attributes are a notebook's.
#[derive(Debug)]
pub struct LocalDesk {
    /// The folder.
    pub folder: PathBuf,
    /// The contact whose message is delivered: a mail is named by it.
    pub contact: String,
    /// The attributes.
    pub contacts: LocalContacts,
}

impl LocalDesk {
    /// The file of a task.
    pub fn task(&self) -> PathBuf {
        self.folder
            .join(format!("tasks/{}.json", safe(&self.contact)))
    }

    /// The file of a mail.
    pub fn mail(&self) -> PathBuf {
        self.folder
            .join(format!("mail/{}.eml", safe(&self.contact)))
    }
}

impl Desk for LocalDesk {
    /// A folder knows no names: a queue is called by its id.
    async fn queue(&self, _instance: &str, queue: &str) -> Result<Option<Queue>, Failure> {
        Ok(Some(Queue {
            name: queue.into(),
            arn: queue.into(),
            tags: BTreeMap::new(),
        }))
    }

    async fn user(&self, _instance: &str, user: &str) -> Result<Option<User>, Failure> {
        Ok(Some(User {
            id: user.into(),
            username: user.into(),
            ..User::default()
        }))
    }

    async fn find_user(
        &self,
        _instance: &str,
        username: &str,
    ) -> Result<Option<Box<str>>, Failure> {
        Ok(Some(username.into()))
    }

    async fn start_task(&self, task: &StartTask) -> Result<Box<str>, Failure> {
        let mut json = serde_json::to_vec_pretty(task).unwrap_or_default();
        json.push(b'\n');
        let file = self.task();
        write_whole(file, &json)?;
        Ok(format!("task-{}", task.client_token).into())
    }

    async fn attributes(
        &self,
        _instance: &str,
        initial_contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        self.contacts.read(None, initial_contact).await
    }

    async fn set_attributes(
        &self,
        _instance: &str,
        initial_contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let turn = self.contacts.turn().await;
        self.contacts
            .write(turn, None, initial_contact, changes)
            .await
    }
}

impl Mailer for LocalDesk {
    async fn send(&self, mail: &Mail) -> Result<Box<str>, Failure> {
        match &mail.content {
            Content::Raw(message) => {
                write_whole(self.mail(), message)?;
                Ok(format!("mail-{}", self.contact).into())
            }
            Content::Template { name, .. } => Err(Failure::new(
                FailureKind::Refused,
                format!("template {name}"),
                "a folder has no templates",
            )),
        }
    }

    async fn template(&self, _name: &str) -> Result<Option<TemplateText>, Failure> {
        Ok(None)
    }
}

/// Links to the files themselves.
#[derive(Clone, Debug)]
pub struct LocalSigner {
    /// What stands before a key: `file:///…/`.
    pub base: String,
}

impl Signer for LocalSigner {
    async fn link(&self, key: &str, _lives: Duration) -> Result<Link, Failure> {
        Ok(Link {
            url: crate::object_key::url(&self.base, key),
            lives: None,
        })
    }
}

/// Where a transcript comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speech {
    /// A text that lies there.
    Text(PathBuf),
    /// A command and its arguments; `{wav}` in one is the recording's path.
    Command(Vec<String>),
    /// Nowhere.
    Nowhere(String),
}

/// Transcription by a text or a command: a job has ended as soon as it was started.
#[derive(Debug)]
pub struct LocalTranscriber {
    /// Where recordings lie.
    pub recordings: PathBuf,
    /// Where transcripts go.
    pub transcripts: LocalRecordings,
    /// Where they come from.
    pub speech: Speech,
}

impl LocalTranscriber {
    fn said(&self, job: &Job) -> Result<String, String> {
        match &self.speech {
            Speech::Text(path) => {
                let text = std::fs::read(path);
                let text =
                    text.map_err(|error| io_failure(Tried::Reading, path, &error).to_string())?;
                Ok(String::from_utf8_lossy(&text).into_owned())
            }
            Speech::Command(words) => run(words, &self.recordings.join(&job.recording)),
            Speech::Nowhere(why) => Err(why.clone()),
        }
    }
}

fn run(words: &[String], wav: &Path) -> Result<String, String> {
    let wav = wav.display().to_string();
    let mut words = words.iter().map(|word| word.replace("{wav}", &wav));
    let program = words.next().unwrap_or_default();
    let ended = Command::new(&program).args(words).output();
    let ended = ended.map_err(|error| format!("{program} cannot be run: {error}"))?;
    if !ended.status.success() {
        let complaint = String::from_utf8_lossy(&ended.stderr);
        let complaint: String = complaint.trim().chars().take(MAX_COMPLAINT).collect();
        let status = ended.status;
        return Err(match &*complaint {
            "" => format!("{program} failed ({status})"),
            complaint => format!("{program} failed ({status}): {complaint}"),
        });
    }
    let said = &ended.stdout[..ended.stdout.len().min(MAX_SAID)];
    Ok(String::from_utf8_lossy(said).trim().to_owned())
}

impl Transcriber for LocalTranscriber {
    async fn start(&self, job: &Job) -> Result<Started, Failure> {
        let Some(place) = Place::of_recording(&job.recording) else {
            let cause = "no recording of a voicemail".to_owned();
            return Ok(Started::Refused { cause });
        };
        match self.said(job) {
            Ok(text) => {
                let document = transcript::of_text(&place, &text);
                let put = self
                    .transcripts
                    .put(&job.transcript, document, Expect::Nothing);
                put.await.map(|_| Started::Now)
            }
            Err(cause) => Ok(Started::Refused { cause }),
        }
    }

    async fn look(&self, _name: &JobName) -> Result<Option<JobState>, Failure> {
        Ok(Some(JobState {
            status: JobStatus::Completed,
            recording: None,
        }))
    }

    async fn delete(&self, _name: &JobName) -> Result<(), Failure> {
        Ok(())
    }
}
