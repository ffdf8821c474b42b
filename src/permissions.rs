//! What each function's role must be allowed, said once: the AWS edge tells a denied call by
//! these words, the templates grant them, `docs/permissions.md` explains them, and
//! `tests/house/template/permissions.rs` compares all three, role by role ([`ROLES`]). Pure, so that this needs
//! no AWS.
//!
//! A permission is a phrase for people, such as `kinesisvideo:ListFragments on the stream`;
//! its words with a colon are the actions ([`actions`]). Actions: Service Authorization
//! Reference of each service.

mod roles;

use roles::LIVE;
pub use roles::{ROLES, Role};

/// Where a stream's media is asked for.
pub const GET_DATA_ENDPOINT: &str = "kinesisvideo:GetDataEndpoint on the stream";
/// Which fragments there are.
pub const LIST_FRAGMENTS: &str = "kinesisvideo:ListFragments on the stream";
/// The media of fragments.
pub const GET_MEDIA: &str = "kinesisvideo:GetMediaForFragmentList on the stream";
/// How long a stream keeps its media, and when it was made.
pub const DESCRIBE_STREAM: &str = "kinesisvideo:DescribeStream on the stream";
/// Verdicts and files. Without `s3:ListBucket`, S3 answers 403 instead of 404 for what is
/// not there.
pub const READ_OBJECT: &str =
    "s3:GetObject on the bucket's objects and s3:ListBucket on the bucket";
/// Files and verdicts, in one part or several.
pub const WRITE_OBJECT: &str =
    "s3:PutObject on the bucket's objects (and s3:PutObjectTagging for tags)";
/// What was begun and is not to be.
pub const ABORT_UPLOAD: &str = "s3:AbortMultipartUpload on the bucket's objects";
/// The attributes as they are.
pub const READ_ATTRIBUTES: &str = "connect:GetContactAttributes on the instance's contacts";
/// The attributes with the URLs.
pub const WRITE_ATTRIBUTES: &str = "connect:UpdateContactAttributes on the instance's contacts";
/// Parked records.
pub const SEND_MESSAGE: &str = "sqs:SendMessage on the queue";

/// The tags of a message's recording.
pub const READ_TAGS: &str = "s3:GetObjectTagging on the recordings";
/// A queue's name and tags.
pub const DESCRIBE_QUEUE: &str = "connect:DescribeQueue on the instance's queues";
/// An agent's name and addresses.
pub const DESCRIBE_USER: &str = "connect:DescribeUser on the instance's users";
/// An agent by their username.
pub const SEARCH_USERS: &str = "connect:SearchUsers on the instance";
/// Tasks.
pub const START_TASK: &str =
    "connect:StartTaskContact on the instance's contacts and contact flows";
/// Transcription jobs.
pub const START_JOB: &str = "transcribe:StartTranscriptionJob";
/// How far a job is.
pub const GET_JOB: &str = "transcribe:GetTranscriptionJob on the jobs vmx3_*";
/// Jobs that are done.
pub const DELETE_JOB: &str = "transcribe:DeleteTranscriptionJob on the jobs vmx3_*";
/// Mails, whole or by a template.
pub const SEND_MAIL: &str = "ses:SendEmail and ses:SendRawEmail on the sender's identity, the configuration sets and the templates";
/// The text of a mail template.
pub const GET_MAIL_TEMPLATE: &str = "ses:GetEmailTemplate on the templates";
/// Summaries.
pub const INVOKE_MODEL: &str = "bedrock:InvokeModel on the model and its inference profile";
/// The key pair that links are signed with.
pub const READ_SECRET: &str = "secretsmanager:GetSecretValue on the secret of the links";

/// What the recorder's own calls need.
pub const OF_CALLS: &[&str] = &[
    GET_DATA_ENDPOINT,
    LIST_FRAGMENTS,
    GET_MEDIA,
    DESCRIBE_STREAM,
    READ_OBJECT,
    WRITE_OBJECT,
    ABORT_UPLOAD,
    READ_ATTRIBUTES,
    WRITE_ATTRIBUTES,
    SEND_MESSAGE,
];

/// What the scheduled reading of partial recordings calls: no record comes to it, and none
/// is parked.
pub const OF_AGAIN: &[&str] = &[
    GET_DATA_ENDPOINT,
    LIST_FRAGMENTS,
    GET_MEDIA,
    DESCRIBE_STREAM,
    READ_OBJECT,
    WRITE_OBJECT,
    ABORT_UPLOAD,
    READ_ATTRIBUTES,
    WRITE_ATTRIBUTES,
    LIST_OBJECTS,
];

/// What is in a bucket.
pub const LIST_OBJECTS: &str = "s3:ListBucket on the bucket";
/// Messages of the queue.
pub const RECEIVE_MESSAGE: &str = "sqs:ReceiveMessage on the queue";
/// Messages that are done.
pub const DELETE_MESSAGE: &str = "sqs:DeleteMessage on the queue";
/// Messages that are worked on, or given back.
pub const HIDE_MESSAGE: &str = "sqs:ChangeMessageVisibility on the queue";
/// A contact's recordings.
pub const DESCRIBE_CONTACT: &str = "connect:DescribeContact on the instance's contacts";
/// The contacts of a time.
pub const SEARCH_CONTACTS: &str = "connect:SearchContacts on the instance";

/// What an operator needs beside the recorder's calls to redrive; no function has it.
pub const OF_REDRIVE: &[&str] = &[
    LIST_OBJECTS,
    RECEIVE_MESSAGE,
    DELETE_MESSAGE,
    HIDE_MESSAGE,
    DESCRIBE_CONTACT,
    SEARCH_CONTACTS,
];

/// Every version in a bucket.
pub const LIST_VERSIONS: &str = "s3:ListBucketVersions on the bucket";
/// What was begun and not finished.
pub const LIST_UPLOADS: &str = "s3:ListBucketMultipartUploads on the bucket";
/// Deleting for good, with all versions.
pub const DELETE_OBJECT: &str =
    "s3:DeleteObject and s3:DeleteObjectVersion on the bucket's objects";

/// What an operator needs to delete a contact's recordings; never the function.
pub const OF_FORGET: &[&str] = &[
    LIST_VERSIONS,
    LIST_UPLOADS,
    DELETE_OBJECT,
    READ_OBJECT,
    WRITE_OBJECT,
    ABORT_UPLOAD,
    RECEIVE_MESSAGE,
    DELETE_MESSAGE,
    HIDE_MESSAGE,
];

/// What AWS does in the role's name: KMS is asked by the services that keep things under a
/// key, Lambda reads the event sources and keeps what failed, and writes the log.
/// Source: Lambda Developer Guide, "Using Lambda with Kinesis", "Using Lambda with SQS",
/// "Retain discarded batch records".
pub const OF_SERVICES: &[&str] = &[
    "kms:Decrypt on the keys of the streams and of the recordings",
    "kms:GenerateDataKey on the key of the recordings",
    "kinesis:DescribeStream on the data stream",
    "kinesis:DescribeStreamSummary on the data stream",
    "kinesis:GetRecords on the data stream",
    "kinesis:GetShardIterator on the data stream",
    "kinesis:ListShards on the data stream",
    "sqs:ReceiveMessage on the queue",
    "sqs:DeleteMessage on the queue",
    "sqs:GetQueueAttributes on the queue",
    "s3:PutObject on the objects of the bucket of failed records",
    "s3:ListBucket on the bucket of failed records",
    "logs:CreateLogStream on the log group",
    "logs:PutLogEvents on the log group",
];

/// What AWS does in the name of the role that reads again.
pub const OF_SERVICES_AGAIN: &[&str] = &[
    "kms:Decrypt on the keys of the streams and of the recordings",
    "kms:GenerateDataKey on the key of the recordings",
    "logs:CreateLogStream on the log group",
    "logs:PutLogEvents on the log group",
];

/// Media as it comes, from a stream that keeps none.
pub const GET_LIVE_MEDIA: &str = "kinesisvideo:GetMedia on the stream";

/// What began is told to who watches.
pub const PUT_RECORD: &str = "kinesis:PutRecord on the data stream of calls";
/// The shards of the data stream.
pub const LIST_SHARDS: &str = "kinesis:ListShards on the data stream of calls";
/// Where a shard is read.
pub const GET_SHARD_ITERATOR: &str = "kinesis:GetShardIterator on the data stream of calls";
/// What it holds.
pub const GET_RECORDS: &str = "kinesis:GetRecords on the data stream of calls";

/// What telling of a call that began needs.
pub const OF_LIVE_START: &[&str] = &[PUT_RECORD];
/// What AWS does in the name of the role that tells of calls.
pub const OF_SERVICES_LIVE_START: &[&str] = &[
    SEND_MESSAGE,
    "kms:GenerateDataKey on the key of the data stream of calls",
    "logs:CreateLogStream on the log group",
    "logs:PutLogEvents on the log group",
];

/// What whoever watches calls at a desk needs: no function, but a user or a role of people.
pub const OF_WATCHING: &[&str] = &[
    LIST_SHARDS,
    GET_SHARD_ITERATOR,
    GET_RECORDS,
    GET_DATA_ENDPOINT,
    GET_LIVE_MEDIA,
];
/// What AWS does in their name.
pub const OF_SERVICES_WATCHING: &[&str] =
    &["kms:Decrypt on the keys of the data stream of calls and of the streams"];

/// What noting a call needs: one object under two keys, each looked at before it is written.
pub const OF_NOTE: &[&str] = &[PUT_NOTE, READ_OBJECT];
/// Notes; they have no tags and are of one part.
pub const PUT_NOTE: &str = "s3:PutObject on the bucket's objects";

/// What others are told, where a bus is set.
pub const PUT_EVENTS: &str = "events:PutEvents on the event bus";

/// What saving a message needs, when its event came and when it did not.
pub const OF_MESSAGES: &[&str] = &[
    GET_DATA_ENDPOINT,
    LIST_FRAGMENTS,
    GET_MEDIA,
    GET_LIVE_MEDIA,
    DESCRIBE_STREAM,
    READ_OBJECT,
    WRITE_OBJECT,
    ABORT_UPLOAD,
    LIST_OBJECTS,
    DESCRIBE_CONTACT,
    PUT_EVENTS,
];

/// What AWS does in the name of the roles that save messages: Lambda keeps what they failed
/// at. Source: Lambda Developer Guide, "Adding a destination".
pub const OF_SERVICES_MESSAGES: &[&str] = &[
    SEND_MESSAGE,
    "kms:Decrypt on the keys of the streams and of the bucket",
    "kms:GenerateDataKey on the key of the bucket",
    "logs:CreateLogStream on the log group",
    "logs:PutLogEvents on the log group",
];

/// What AWS does in the name of the role that notes calls.
pub const OF_SERVICES_NOTE: &[&str] = &[
    "kms:Decrypt on the key of the bucket",
    "kms:GenerateDataKey on the key of the bucket",
    "logs:CreateLogStream on the log group",
    "logs:PutLogEvents on the log group",
];

/// What the archive writes: its index, and who listened.
pub const PUT_LINES: &str = "s3:PutObject on the index and on the lines of who listened";
/// What the archive's login keeps to itself.
pub const READ_LOGIN_SECRET: &str = "secretsmanager:GetSecretValue on the secret of the login";
/// What the archive's pages need: no recording is written, and none deleted.
pub const OF_ARCHIVE: &[&str] = &[READ_OBJECT, PUT_LINES, READ_LOGIN_SECRET];

/// A policy that people attach: nothing that a function runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The policy, as its template calls it.
    pub name: &'static str,
    /// The template.
    pub template: &'static str,
    /// The section of `docs/permissions.md` that explains it.
    pub section: &'static str,
    /// What the program calls as whoever has it.
    pub calls: &'static [&'static str],
    /// What AWS does in their name.
    pub services: &'static [&'static str],
}

/// All policies for people.
pub const POLICIES: &[Policy] = &[Policy {
    name: "WatchCalls",
    template: LIVE,
    section: "## Who watches calls",
    calls: OF_WATCHING,
    services: OF_SERVICES_WATCHING,
}];

/// What recording a flagged contact's message calls.
pub const OF_CAPTURE: &[&str] = &[
    GET_DATA_ENDPOINT,
    LIST_FRAGMENTS,
    GET_MEDIA,
    GET_LIVE_MEDIA,
    DESCRIBE_STREAM,
    READ_OBJECT,
    WRITE_OBJECT,
    ABORT_UPLOAD,
    SEND_MESSAGE,
];
/// What having a message transcribed calls; jobs read and write in the caller's name.
pub const OF_TRANSCRIBE: &[&str] = &[
    READ_OBJECT,
    READ_TAGS,
    WRITE_OBJECT,
    START_JOB,
    GET_JOB,
    DELETE_JOB,
];
/// What writing the substitute of a transcript calls.
pub const OF_TRANSCRIBE_FAILED: &[&str] = &[READ_OBJECT, READ_TAGS, WRITE_OBJECT, GET_JOB];
/// What delivering a message calls.
pub const OF_DELIVER: &[&str] = &[
    READ_OBJECT,
    READ_TAGS,
    WRITE_OBJECT,
    DESCRIBE_QUEUE,
    DESCRIBE_USER,
    SEARCH_USERS,
    READ_ATTRIBUTES,
    WRITE_ATTRIBUTES,
    START_TASK,
    SEND_MAIL,
    GET_MAIL_TEMPLATE,
    DELETE_JOB,
    INVOKE_MODEL,
    READ_SECRET,
];
/// What moving on a message calls that stands still: transcribing and delivering it.
pub const OF_STALLED: &[&str] = &[
    READ_OBJECT,
    READ_TAGS,
    WRITE_OBJECT,
    START_JOB,
    GET_JOB,
    DELETE_JOB,
    DESCRIBE_QUEUE,
    DESCRIBE_USER,
    SEARCH_USERS,
    READ_ATTRIBUTES,
    WRITE_ATTRIBUTES,
    START_TASK,
    SEND_MAIL,
    GET_MAIL_TEMPLATE,
    INVOKE_MODEL,
    READ_SECRET,
];
/// What signing a guide's link needs: nothing is called, and a link can do what its signer may.
pub const OF_SIGN: &[&str] = &["s3:GetObject on the recordings"];

/// What AWS does in the name of the role that records flagged contacts.
pub const OF_SERVICES_CAPTURE: &[&str] = &[
    "kms:Decrypt on the keys of the streams and of the buckets",
    "kms:GenerateDataKey on the key of the buckets",
    "kinesis:DescribeStream on the data stream",
    "kinesis:DescribeStreamSummary on the data stream",
    "kinesis:GetRecords on the data stream",
    "kinesis:GetShardIterator on the data stream",
    "kinesis:ListShards on the data stream",
    "sqs:SendMessage on the queue of records that were given up",
    "sqs:ReceiveMessage on the queue",
    "sqs:DeleteMessage on the queue",
    "sqs:GetQueueAttributes on the queue",
    "logs:CreateLogStream on the log group",
    "logs:PutLogEvents on the log group",
];
/// What AWS does in the name of the roles of the steps behind it.
pub const OF_SERVICES_STEP: &[&str] = &[
    SEND_MESSAGE,
    "kms:Decrypt on the key of the buckets",
    "kms:GenerateDataKey on the key of the buckets",
    "logs:CreateLogStream on the log group",
    "logs:PutLogEvents on the log group",
];
/// What AWS does in the name of the role that signs.
pub const OF_SERVICES_SIGN: &[&str] = &[
    "kms:Decrypt on the key of the buckets",
    "logs:CreateLogStream on the log group",
    "logs:PutLogEvents on the log group",
];
/// What AWS does in the name of a role that may do nothing.
pub const OF_SERVICES_LOG: &[&str] = &[
    "logs:CreateLogStream on the log group",
    "logs:PutLogEvents on the log group",
];

/// The actions that a permission names.
pub fn actions(permission: &str) -> impl Iterator<Item = &str> {
    permission
        .split([' ', '(', ')'])
        .filter(|word| word.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_names_its_actions() {
        #[track_caller]
        fn check(permission: &str, expected: &[&str]) {
            assert_eq!(actions(permission).collect::<Vec<_>>(), expected);
        }
        check(READ_OBJECT, &["s3:GetObject", "s3:ListBucket"]);
        check(WRITE_OBJECT, &["s3:PutObject", "s3:PutObjectTagging"]);
        for role in ROLES {
            for permission in role.calls.iter().chain(role.services) {
                assert!(actions(permission).count() > 0, "{permission}");
            }
        }
    }
}
