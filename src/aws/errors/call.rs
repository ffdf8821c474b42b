//! The calls that Callreel makes of AWS: of which service each is, and which permission it needs.

use crate::permissions;

/// The calls that are made, each with the permission that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aws) enum Call {
    GetDataEndpoint,
    ListFragments,
    GetMedia,
    ReadLive,
    DescribeStream,
    ReadObject,
    WriteObject,
    AbortUpload,
    ReadAttributes,
    WriteAttributes,
    SendMessage,
    ReadTags,
    DescribeQueue,
    DescribeUser,
    SearchUsers,
    StartTask,
    StartJob,
    GetJob,
    DeleteJob,
    SendMail,
    GetMailTemplate,
    Converse,
    ReadSecret,
    PutEvents,
    PutRecord,
    // An operator's calls, never the function's: `callreel redrive`.
    ListObjects,
    ReceiveMessage,
    DeleteMessage,
    HideMessage,
    DescribeContact,
    SearchContacts,
    // … and `callreel forget`.
    #[cfg(feature = "operate")]
    ListVersions,
    #[cfg(feature = "operate")]
    ListUploads,
    #[cfg(feature = "operate")]
    DeleteObject,
}

/// Whose call it is: the same status means other things on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Kvs,
    S3,
    Connect,
    Sqs,
    Transcribe,
    Mail,
    Model,
    Secrets,
    Events,
    Kinesis,
}

impl Call {
    pub(super) const fn service(self) -> Service {
        match self {
            Self::GetDataEndpoint
            | Self::ListFragments
            | Self::GetMedia
            | Self::ReadLive
            | Self::DescribeStream => Service::Kvs,
            Self::ReadObject
            | Self::ReadTags
            | Self::WriteObject
            | Self::AbortUpload
            | Self::ListObjects => Service::S3,
            #[cfg(feature = "operate")]
            Self::ListVersions | Self::ListUploads | Self::DeleteObject => Service::S3,
            Self::StartJob | Self::GetJob | Self::DeleteJob => Service::Transcribe,
            Self::SendMail | Self::GetMailTemplate => Service::Mail,
            Self::Converse => Service::Model,
            Self::ReadSecret => Service::Secrets,
            Self::ReadAttributes
            | Self::WriteAttributes
            | Self::DescribeQueue
            | Self::DescribeUser
            | Self::SearchUsers
            | Self::StartTask
            | Self::DescribeContact
            | Self::SearchContacts => Service::Connect,
            Self::SendMessage | Self::ReceiveMessage | Self::DeleteMessage | Self::HideMessage => {
                Service::Sqs
            }
            Self::PutRecord => Service::Kinesis,
            Self::PutEvents => Service::Events,
        }
    }

    /// The name that AWS has for it, as its permission begins.
    pub(super) fn operation(self) -> &'static str {
        let permission = self.permission();
        let named = permission
            .split_once(':')
            .map_or(permission, |(_, name)| name);
        named.split(' ').next().unwrap_or(named)
    }

    pub(super) const fn permission(self) -> &'static str {
        match self {
            Self::GetDataEndpoint => permissions::GET_DATA_ENDPOINT,
            Self::ListFragments => permissions::LIST_FRAGMENTS,
            Self::GetMedia => permissions::GET_MEDIA,
            Self::ReadLive => permissions::GET_LIVE_MEDIA,
            Self::DescribeStream => permissions::DESCRIBE_STREAM,
            Self::ReadObject => permissions::READ_OBJECT,
            Self::WriteObject => permissions::WRITE_OBJECT,
            Self::AbortUpload => permissions::ABORT_UPLOAD,
            Self::ReadAttributes => permissions::READ_ATTRIBUTES,
            Self::WriteAttributes => permissions::WRITE_ATTRIBUTES,
            Self::SendMessage => permissions::SEND_MESSAGE,
            Self::ReadTags => permissions::READ_TAGS,
            Self::DescribeQueue => permissions::DESCRIBE_QUEUE,
            Self::DescribeUser => permissions::DESCRIBE_USER,
            Self::SearchUsers => permissions::SEARCH_USERS,
            Self::StartTask => permissions::START_TASK,
            Self::StartJob => permissions::START_JOB,
            Self::GetJob => permissions::GET_JOB,
            Self::DeleteJob => permissions::DELETE_JOB,
            Self::SendMail => permissions::SEND_MAIL,
            Self::GetMailTemplate => permissions::GET_MAIL_TEMPLATE,
            Self::Converse => permissions::INVOKE_MODEL,
            Self::ReadSecret => permissions::READ_SECRET,
            Self::PutEvents => permissions::PUT_EVENTS,
            Self::PutRecord => permissions::PUT_RECORD,
            Self::ListObjects => permissions::LIST_OBJECTS,
            Self::ReceiveMessage => permissions::RECEIVE_MESSAGE,
            Self::DeleteMessage => permissions::DELETE_MESSAGE,
            Self::HideMessage => permissions::HIDE_MESSAGE,
            Self::DescribeContact => permissions::DESCRIBE_CONTACT,
            Self::SearchContacts => permissions::SEARCH_CONTACTS,
            #[cfg(feature = "operate")]
            Self::ListVersions => permissions::LIST_VERSIONS,
            #[cfg(feature = "operate")]
            Self::ListUploads => permissions::LIST_UPLOADS,
            #[cfg(feature = "operate")]
            Self::DeleteObject => permissions::DELETE_OBJECT,
        }
    }
}
