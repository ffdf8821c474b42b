//! What voicemail needs of the world beside a recorder and stores: Connect's desk, where a
//! message becomes a task; mail; transcription; links that whoever holds them may open; and a
//! summary. Each call says what is no failure: what is not there, and what is gone already.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use super::Objects;
use crate::failure::Failure;
use crate::voicemail::job::{Job, JobName, JobState, Started};
use crate::voicemail::link::Link;
use crate::voicemail::mail::{Mail, TemplateText};
use crate::voicemail::recipient::{Queue, User};
use crate::voicemail::summary::Prompt;
use crate::voicemail::task::StartTask;

/// Amazon Connect as an agent's desk: queues and users, tasks, and the attributes of contacts.
/// Every call may be tried again: a task has its idempotency token.
pub trait Desk: Sync {
    /// A queue by its id (DescribeQueue); `None` when there is none.
    fn queue(
        &self,
        instance: &str,
        queue: &str,
    ) -> impl Future<Output = Result<Option<Queue>, Failure>> + Send;

    /// A user by their id (DescribeUser); `None` when there is none.
    fn user(
        &self,
        instance: &str,
        user: &str,
    ) -> impl Future<Output = Result<Option<User>, Failure>> + Send;

    /// The id of the user with exactly this name (SearchUsers, EXACT); `None` when there is
    /// none.
    fn find_user(
        &self,
        instance: &str,
        username: &str,
    ) -> impl Future<Output = Result<Option<Box<str>>, Failure>> + Send;

    /// Starts a task (StartTaskContact) and gives its contact's id: the same one however often
    /// the same [`client_token`](StartTask::client_token) comes.
    fn start_task(
        &self,
        task: &StartTask,
    ) -> impl Future<Output = Result<Box<str>, Failure>> + Send;

    /// The attributes that all legs of a call share (GetContactAttributes).
    fn attributes(
        &self,
        instance: &str,
        initial_contact: &str,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, Failure>> + Send;

    /// Sets attributes and leaves the others alone (UpdateContactAttributes). Values rest on
    /// nothing that was read before, so that it may be tried again.
    fn set_attributes(
        &self,
        instance: &str,
        initial_contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Mail (SES v2), to one address.
pub trait Mailer: Sync {
    /// Hands a mail over and gives its id. It is tried again within the call only where nothing
    /// was sent for certain (a throttle, a connection that could not be made): a mail has no
    /// idempotency token.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<Box<str>, Failure>> + Send;

    /// The text of a template (GetEmailTemplate), for the variables that it names; `None` when
    /// there is no template of this name.
    fn template(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<TemplateText>, Failure>> + Send;
}

/// Transcription (Amazon Transcribe): a job reads a recording and leaves its transcript under
/// the key that the job names.
pub trait Transcriber: Sync {
    /// Starts a job (StartTranscriptionJob). What the service will not take for good is no
    /// failure but an answer: nobody hears of that job again.
    fn start(&self, job: &Job) -> impl Future<Output = Result<Started, Failure>> + Send;

    /// How far a job is (GetTranscriptionJob); `None` when there is none of this name.
    fn look(
        &self,
        name: &JobName,
    ) -> impl Future<Output = Result<Option<JobState>, Failure>> + Send;

    /// Deletes a job; one that is not there is no failure, though the service calls it one.
    fn delete(&self, name: &JobName) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Links to recordings, for whoever holds them.
pub trait Signer: Sync {
    /// A link to the recording under a key that is to live for so long. It may live shorter,
    /// and says so.
    fn link(
        &self,
        key: &str,
        lives: Duration,
    ) -> impl Future<Output = Result<Link, Failure>> + Send;
}

/// A language model (Bedrock Converse) that sums messages up.
pub trait Summariser: Sync {
    /// The model's answer, as it comes. The edge bounds the call's time
    /// ([`Prompt::MAX_TIME`]).
    fn summarise(&self, prompt: &Prompt) -> impl Future<Output = Result<String, Failure>> + Send;
}

/// A store whose objects have tags.
pub trait Tagged: Objects {
    /// The tags of the object under a key, as they are to be read (GetObjectTagging); `None`
    /// when there is none.
    fn tags(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<Vec<(String, String)>>, Failure>> + Send;
}

/// No summary is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSummaries;

impl Summariser for NoSummaries {
    async fn summarise(&self, _prompt: &Prompt) -> Result<String, Failure> {
        Ok(String::new())
    }
}
