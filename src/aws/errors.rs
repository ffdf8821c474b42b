//! SDK errors to failures: the one table. What an error says of itself (HTTP status, code,
//! message) is looked at once, here; nobody else compares an error's text.
//!
//! The code counts before the status: S3 answers "200 OK" before it knows how a call ends,
//! and tells an error within (S3 API reference, CompleteMultipartUpload). A status without
//! a code of AWS's is somebody else's answer, such as a proxy's page.

mod call;
mod jobs;
mod words;

pub(super) use call::Call;
use call::Service;
pub(super) use jobs::{NotStarted, is_no_job, not_started};
pub(super) use words::said;

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::failure::{Failure, FailureKind, KeyTrouble};

/// What an error says of itself.
#[derive(Clone, Copy, Debug, Default)]
struct Fault<'a> {
    transport: Transport,
    status: u16,
    code: &'a str,
    message: &'a str,
    /// Where S3 says that the bucket is.
    bucket_region: Option<&'a str>,
    /// The answer as it came, as far as it was read.
    body: &'a [u8],
}

impl Fault<'_> {
    /// Whether the answer is one of AWS's: with a code, or with nothing in it, as S3 answers
    /// a HEAD.
    const fn is_of_aws(&self) -> bool {
        !self.code.is_empty() || self.body.is_empty()
    }
}

/// How far the call came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transport {
    /// The service answered with an error.
    #[default]
    Answered,
    /// It answered with what cannot be read.
    Garbled,
    /// No answer came in time.
    TimedOut,
    /// The connection failed.
    Broken,
    /// There was nothing to sign the call with.
    Unsigned,
    /// The call could not even be made.
    NotMade,
}

/// An SDK error as a failure of ours. `subject` is the thing that was called about.
pub(super) fn failure<E>(
    call: Call,
    subject: impl fmt::Display,
    error: &SdkError<E, HttpResponse>,
) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let fault = fault(error);
    let kind = sort(call, fault);
    let cause = match (fault.transport, fault.status) {
        (Transport::Answered, status) if !fault.code.is_empty() => {
            words::line(&format!("{status} {}: {}", fault.code, fault.message))
        }
        (Transport::Answered | Transport::Garbled, status) => {
            let begins = match words::beginning(fault.body) {
                Some(beginning) => format!(": the answer begins with {beginning}"),
                None => String::new(),
            };
            format!("HTTP {status}: {}{begins}", said(error))
        }
        (Transport::Unsigned, _) => words::unsigned(error),
        _ => said(error),
    };
    let cause = format!("{}: {cause}", call.operation());
    Failure::new(kind, subject, cause.trim_end_matches(": "))
}

/// Where S3 says that a bucket is, when it is asked about one of another region.
pub(super) fn bucket_region<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
) -> Option<&str> {
    fault(error).bucket_region
}

/// Whether a call failed within an answer that began as a success, and may go better when
/// it is made again. Of these codes the SDK knows `InternalError` alone, and has made that
/// call again already.
pub(super) fn failed_within_success<E: ProvideErrorMetadata>(
    call: Call,
    error: &SdkError<E, HttpResponse>,
) -> bool {
    let fault = fault(error);
    (200..300).contains(&fault.status)
        && fault.code != "InternalError"
        && sort(call, fault) == FailureKind::Unavailable
}

/// Why a call that only looks was refused: for [`super::deployment`], where no recording
/// depends on it.
#[cfg(feature = "operate")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A permission is missing.
    Denied,
    /// Credentials are missing, wrong or over.
    Credentials,
    /// The thing, or the setting of it, is not there.
    NotFound,
    /// Too many calls.
    Throttled,
    /// No answer, or a service in trouble.
    Unavailable,
    /// Anything else.
    Otherwise,
}

/// Why a call was refused, and what the error says.
#[cfg(feature = "operate")]
pub(super) fn refused<E>(error: &SdkError<E, HttpResponse>) -> (Refused, String)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let fault = fault(error);
    let cause = match fault.transport {
        Transport::Answered if !fault.code.is_empty() => {
            format!("{} {}: {}", fault.status, fault.code, fault.message)
        }
        Transport::Answered if fault.status < 400 => {
            format!("HTTP {} with an answer that cannot be read", fault.status)
        }
        Transport::Answered if fault.status == 501 => {
            "HTTP 501: this endpoint does not know the call".to_owned()
        }
        Transport::Answered => format!("HTTP {}", fault.status),
        Transport::Unsigned => words::unsigned(error),
        Transport::Garbled | Transport::TimedOut | Transport::Broken | Transport::NotMade => {
            said(error)
        }
    };
    (refusal(fault), cause.trim_end_matches(": ").to_owned())
}

/// Codes for "not there" that come with status 400 (KMS, Kinesis, SQS).
#[cfg(feature = "operate")]
const NOT_THERE: &[&str] = &[
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchEntity",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
];

/// KMS, Kinesis and Query services tell a missing permission with status 400, too.
#[cfg(feature = "operate")]
const NOT_ALLOWED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "NotAuthorizedException",
];

#[cfg(feature = "operate")]
fn refusal(fault: Fault<'_>) -> Refused {
    match fault.transport {
        Transport::TimedOut | Transport::Garbled | Transport::Broken => Refused::Unavailable,
        Transport::Unsigned => Refused::Credentials,
        Transport::NotMade => Refused::Otherwise,
        Transport::Answered if BAD_CREDENTIALS.contains(&fault.code) => Refused::Credentials,
        Transport::Answered if THROTTLES.contains(&fault.code) => Refused::Throttled,
        Transport::Answered if NOT_THERE.contains(&fault.code) => Refused::NotFound,
        Transport::Answered if NOT_ALLOWED.contains(&fault.code) => Refused::Denied,
        Transport::Answered => match fault.status {
            401 | 403 => Refused::Denied,
            404 => Refused::NotFound,
            429 => Refused::Throttled,
            500.. | 200..=299 => Refused::Unavailable,
            _ => Refused::Otherwise,
        },
    }
}

/// Whether the thing is not there: for calls that may well find nothing.
pub(super) fn is_not_found<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let fault = fault(error);
    fault.status == 404
        && fault.is_of_aws()
        && !["NoSuchBucket", "NoSuchUpload"].contains(&fault.code)
}

/// Whether a call had no effect for certain: it was too much, or there was nobody to take it.
pub(super) fn was_not_taken<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let fault = fault(error);
    match fault.transport {
        Transport::Answered => THROTTLES.contains(&fault.code) || fault.status == 429,
        Transport::Broken => found_nobody(error),
        Transport::Garbled | Transport::TimedOut | Transport::Unsigned | Transport::NotMade => {
            false
        }
    }
}

/// Whether a connection was refused, or could not be tried.
fn found_nobody<E>(error: &SdkError<E, HttpResponse>) -> bool {
    use std::io::ErrorKind;
    let SdkError::DispatchFailure(dispatch) = error else {
        return false;
    };
    let first = dispatch.as_connector_error().and_then(Error::source);
    let mut chain =
        std::iter::successors(first, |error: &&(dyn Error + 'static)| (*error).source());
    chain.any(|error| {
        let kind = error
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        kind.is_some_and(|kind| {
            [
                ErrorKind::ConnectionRefused,
                ErrorKind::HostUnreachable,
                ErrorKind::NetworkUnreachable,
                ErrorKind::AddrNotAvailable,
            ]
            .contains(&kind)
        })
    })
}

/// Whether a conditional call found its condition not met.
pub(super) fn is_precondition<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let fault = fault(error);
    fault.code == "PreconditionFailed" || (fault.status == 412 && fault.is_of_aws())
}

/// Whether a conditional call met another one at the same moment: S3 says 409, and a
/// multipart upload is lost then, unlike after a 412.
pub(super) fn is_conflict<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let fault = fault(error);
    fault.code == "ConditionalRequestConflict" || (fault.status == 409 && fault.is_of_aws())
}

fn fault<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Fault<'_> {
    let answer = error.raw_response();
    let seen = Fault {
        status: answer.map_or(0, |answer| answer.status().as_u16()),
        bucket_region: answer.and_then(|answer| answer.headers().get("x-amz-bucket-region")),
        body: answer
            .and_then(|answer| answer.body().bytes())
            .unwrap_or_default(),
        ..Fault::default()
    };
    let transport = match error {
        SdkError::ServiceError(context) => {
            return Fault {
                transport: Transport::Answered,
                code: context.err().code().unwrap_or_default(),
                message: context.err().message().unwrap_or_default(),
                ..seen
            };
        }
        SdkError::TimeoutError(_) => Transport::TimedOut,
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => Transport::TimedOut,
        SdkError::DispatchFailure(dispatch) if dispatch.is_io() => Transport::Broken,
        // The identity is looked up inside of the dispatch; there is no kind for it.
        SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
            Some(error) if names_credentials(error) => Transport::Unsigned,
            Some(_) | None => Transport::Broken,
        },
        SdkError::ResponseError(_) => Transport::Garbled,
        SdkError::ConstructionFailure(_) => Transport::NotMade,
        _ => Transport::NotMade,
    };
    Fault { transport, ..seen }
}

/// Whether an error's chain tells of credentials that were not found.
fn names_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut chain = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| {
        (*error).source()
    });
    chain.any(|error| error.to_string().contains("credential"))
}

/// Codes that mean "too much": what the SDKs agree on, and the two of KVS, which come with
/// status 400.
const THROTTLES: &[&str] = &[
    "ClientLimitExceededException",
    "ConnectionLimitExceededException",
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
    "KmsThrottled",
    "KMS.ThrottlingException",
    "KMSThrottlingException",
];

/// Codes of credentials that are wrong or over, which are told with 400 or 403.
const BAD_CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// The table.
fn sort(call: Call, fault: Fault<'_>) -> FailureKind {
    match fault.transport {
        Transport::TimedOut | Transport::Garbled => return FailureKind::Unavailable,
        Transport::Broken => return FailureKind::ConnectionLost,
        Transport::Unsigned => return FailureKind::NoCredentials,
        Transport::NotMade => return FailureKind::Refused,
        Transport::Answered => {}
    }
    if THROTTLES.contains(&fault.code) {
        return FailureKind::Throttled;
    }
    if BAD_CREDENTIALS.contains(&fault.code) {
        return FailureKind::NoCredentials;
    }
    if let Some(trouble) = key_trouble(fault) {
        return FailureKind::Key(trouble);
    }
    match (call.service(), fault.code) {
        (
            Service::Kvs,
            "InvalidArgumentException" | "ResourceNotFoundException" | "ValidationException",
        ) if fault.message.contains("retention period") => FailureKind::RetentionOver,
        (Service::S3, "InternalError" | "ServiceUnavailable" | "OperationAborted") => {
            FailureKind::Unavailable
        }
        (Service::S3, "PreconditionFailed" | "ConditionalRequestConflict") => {
            FailureKind::Contended
        }
        (Service::S3, "AccessDenied") => FailureKind::Denied(call.permission()),
        (Service::S3, "InvalidObjectState") => FailureKind::Archived,
        (Service::S3, "PermanentRedirect" | "IllegalLocationConstraintException") => {
            FailureKind::WrongRegion
        }
        // The region stands in the signature.
        (Service::S3, "AuthorizationHeaderMalformed") if fault.bucket_region.is_some() => {
            FailureKind::WrongRegion
        }
        // A bucket so young that its name is not known everywhere.
        (Service::S3, "TemporaryRedirect") => FailureKind::Unavailable,
        // S3 gives up a connection that was silent with a 400.
        (Service::S3, "RequestTimeout") => FailureKind::ConnectionLost,
        (Service::S3, "NoSuchBucket") => FailureKind::BucketMissing,
        // The upload is gone: aborted by a lifecycle rule, or ended by an attempt whose
        // answer was lost. Made anew, the recording comes out all the same.
        (Service::S3, "NoSuchUpload" | "InvalidPart" | "InvalidPartOrder") => {
            FailureKind::WriteFailed
        }
        (Service::S3, "EntityTooSmall") => FailureKind::Refused,
        (Service::S3, "BadDigest" | "IncompleteBody" | "XAmzContentSHA256Mismatch") => {
            FailureKind::WriteFailed
        }
        (Service::Kinesis, "ResourceNotFoundException") => FailureKind::StreamMissing,
        (Service::Kinesis, "AccessDeniedException") => FailureKind::Denied(call.permission()),
        (Service::Kinesis, "InternalFailure" | "InternalFailureException") => {
            FailureKind::Unavailable
        }
        (Service::Sqs, "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue") => {
            FailureKind::QueueMissing
        }
        // The services of AWS JSON tell a missing permission with 400.
        (Service::Transcribe | Service::Secrets, "AccessDeniedException") => {
            FailureKind::Denied(call.permission())
        }
        // A secret that is not there, or about to be deleted.
        (Service::Secrets, "ResourceNotFoundException" | "InvalidRequestException") => {
            FailureKind::NotThere
        }
        (
            Service::Transcribe | Service::Secrets,
            "InternalFailureException" | "InternalServiceError",
        ) => FailureKind::Unavailable,
        // Something between AWS and us says no: no permission is missing, and nothing is
        // not there.
        _ if (300..500).contains(&fault.status)
            && ![408, 429].contains(&fault.status)
            && !fault.is_of_aws() =>
        {
            FailureKind::Refused
        }
        _ => by_status(call, fault.status),
    }
}

/// What the status alone says, for codes that are not in the table.
fn by_status(call: Call, status: u16) -> FailureKind {
    match (status, call.service()) {
        // An error within a success, or a success that cannot be read.
        (200..=299, _) => FailureKind::Unavailable,
        (301, Service::S3) => FailureKind::WrongRegion,
        (401 | 403, _) => FailureKind::Denied(call.permission()),
        (404, Service::Kvs | Service::Kinesis) => FailureKind::StreamMissing,
        (404, Service::Connect) => FailureKind::ContactMissing,
        (404, Service::S3) => FailureKind::ReadFailed,
        (404, Service::Sqs) => FailureKind::QueueMissing,
        (404, Service::Transcribe | Service::Mail | Service::Model | Service::Secrets) => {
            FailureKind::NotThere
        }
        (408, _) => FailureKind::Unavailable,
        (409 | 412, Service::S3) => FailureKind::Contended,
        (429, _) => FailureKind::Throttled,
        (500.., _) => FailureKind::Unavailable,
        _ => FailureKind::Refused,
    }
}

/// What a key refused with: KMS's own codes come through S3 and SQS, and S3 tells of a
/// missing permission on a key in the message of its AccessDenied.
fn key_trouble(fault: Fault<'_>) -> Option<KeyTrouble> {
    Some(match fault.code {
        "KMS.DisabledException" | "KmsDisabled" | "KMSDisabledException" => KeyTrouble::Disabled,
        "KMS.NotFoundException" | "KmsNotFound" | "KMSNotFoundException" => KeyTrouble::NotFound,
        "KMSInvalidStateException"
        | "KMS.InvalidStateException"
        | "KMS.KMSInvalidStateException"
        | "KmsInvalidState" => KeyTrouble::WrongState,
        "KMS.InvalidKeyUsageException" | "KmsInvalidKeyUsage" => KeyTrouble::WrongUsage,
        "KMS.KeyUnavailableException" => KeyTrouble::Unavailable,
        "KMSAccessDeniedException"
        | "KMSOptInRequired"
        | "KMS.AccessDeniedException"
        | "KmsAccessDenied"
        | "KmsOptInRequired" => KeyTrouble::AccessDenied,
        _ if [401, 403].contains(&fault.status) && fault.message.contains("kms:") => {
            KeyTrouble::AccessDenied
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Action::{self, Park, Retry};
    use crate::permissions;

    #[track_caller]
    fn check(call: Call, status: u16, code: &str, message: &str, kind: FailureKind, act: Action) {
        let fault = Fault {
            transport: Transport::Answered,
            status,
            code,
            message,
            ..Fault::default()
        };
        assert_eq!(sort(call, fault), kind, "{call:?} {status} {code}");
        assert_eq!(kind.action(), act, "{call:?} {status} {code}");
    }

    #[cfg(feature = "operate")]
    #[test]
    fn what_only_looks_is_refused_in_fewer_ways() {
        for (status, code, expected) in [
            (403, "AccessDenied", Refused::Denied),
            (400, "AccessDeniedException", Refused::Denied),
            (401, "NotAuthorizedException", Refused::Denied),
            (403, "", Refused::Denied),
            (403, "InvalidClientTokenId", Refused::Credentials),
            (400, "ExpiredToken", Refused::Credentials),
            (404, "NoSuchBucketPolicy", Refused::NotFound),
            (400, "NotFoundException", Refused::NotFound),
            (400, "QueueDoesNotExist", Refused::NotFound),
            (400, "ThrottlingException", Refused::Throttled),
            (503, "SlowDown", Refused::Throttled),
            (500, "InternalFailure", Refused::Unavailable),
            (200, "", Refused::Unavailable),
            (400, "ValidationException", Refused::Otherwise),
        ] {
            let fault = Fault {
                transport: Transport::Answered,
                status,
                code,
                ..Fault::default()
            };
            assert_eq!(refusal(fault), expected, "{status} {code}");
        }
        let unsigned = Fault {
            transport: Transport::Unsigned,
            ..Fault::default()
        };
        assert_eq!(refusal(unsigned), Refused::Credentials);
    }

    #[test]
    fn the_doctor_asks_about_every_permission_that_a_call_needs() {
        let asked: Vec<_> = crate::doctor::rights::actions().collect();
        let others = [
            Call::ReadObject,
            Call::WriteObject,
            Call::AbortUpload,
            Call::ReadAttributes,
            Call::WriteAttributes,
            Call::SendMessage,
        ];
        for call in KVS.iter().chain(&others) {
            let words = call.permission().split([' ', '(', ')']);
            let actions: Vec<_> = words.filter(|word| word.contains(':')).collect();
            assert!(!actions.is_empty(), "{call:?}");
            for action in actions {
                assert!(asked.contains(&action), "{action}");
            }
        }
    }

    const KVS: [Call; 5] = [
        Call::GetDataEndpoint,
        Call::ListFragments,
        Call::GetMedia,
        Call::ReadLive,
        Call::DescribeStream,
    ];

    #[test]
    fn kinesis_video() {
        let over = "End timestamp 2025-10-09 is outside of the stream retention period.";
        for call in KVS {
            let denied = FailureKind::Denied(call.permission());
            check(
                call,
                400,
                "ClientLimitExceededException",
                "",
                FailureKind::Throttled,
                Retry,
            );
            check(
                call,
                400,
                "ConnectionLimitExceededException",
                "",
                FailureKind::Throttled,
                Retry,
            );
            check(call, 401, "NotAuthorizedException", "", denied, Park);
            check(call, 403, "AccessDeniedException", "", denied, Park);
            check(
                call,
                404,
                "ResourceNotFoundException",
                "",
                FailureKind::StreamMissing,
                Park,
            );
            check(
                call,
                400,
                "InvalidArgumentException",
                over,
                FailureKind::RetentionOver,
                Park,
            );
            check(
                call,
                404,
                "ResourceNotFoundException",
                over,
                FailureKind::RetentionOver,
                Park,
            );
            check(
                call,
                400,
                "InvalidArgumentException",
                "no",
                FailureKind::Refused,
                Park,
            );
            check(
                call,
                403,
                "ExpiredTokenException",
                "",
                FailureKind::NoCredentials,
                Retry,
            );
            check(
                call,
                500,
                "InternalFailure",
                "",
                FailureKind::Unavailable,
                Retry,
            );
            check(call, 503, "", "", FailureKind::Unavailable, Retry);
            check(call, 429, "", "", FailureKind::Throttled, Retry);
        }
    }

    #[test]
    fn s3() {
        let write = Call::WriteObject;
        let denied = FailureKind::Denied(write.permission());
        let no_key = "User: r is not authorized to perform: kms:GenerateDataKey on resource: k";
        let key = FailureKind::Key;
        check(write, 403, "AccessDenied", "", denied, Park);
        check(
            write,
            403,
            "AccessDenied",
            no_key,
            key(KeyTrouble::AccessDenied),
            Park,
        );
        check(
            write,
            400,
            "KMS.DisabledException",
            "",
            key(KeyTrouble::Disabled),
            Park,
        );
        check(
            write,
            400,
            "KMS.NotFoundException",
            "",
            key(KeyTrouble::NotFound),
            Park,
        );
        check(
            write,
            404,
            "NoSuchBucket",
            "",
            FailureKind::BucketMissing,
            Park,
        );
        check(
            write,
            404,
            "NoSuchUpload",
            "",
            FailureKind::WriteFailed,
            Retry,
        );
        check(
            write,
            409,
            "ConditionalRequestConflict",
            "",
            FailureKind::Contended,
            Retry,
        );
        check(
            write,
            412,
            "PreconditionFailed",
            "",
            FailureKind::Contended,
            Retry,
        );
        check(write, 503, "SlowDown", "", FailureKind::Throttled, Retry);
        check(
            write,
            400,
            "RequestTimeout",
            "",
            FailureKind::ConnectionLost,
            Retry,
        );
        check(write, 400, "BadDigest", "", FailureKind::WriteFailed, Retry);
        let elsewhere = FailureKind::WrongRegion;
        check(write, 301, "PermanentRedirect", "", elsewhere, Park);
        check(Call::ReadObject, 301, "", "", elsewhere, Park);
        check(
            Call::ReadObject,
            403,
            "InvalidObjectState",
            "",
            FailureKind::Archived,
            Park,
        );
        check(
            Call::ReadObject,
            404,
            "NoSuchKey",
            "",
            FailureKind::ReadFailed,
            Retry,
        );
    }

    /// S3 begins to answer before it knows how a call ends.
    #[test]
    fn errors_within_a_success() {
        for code in [
            "InternalError",
            "ServiceUnavailable",
            "OperationAborted",
            "Other",
            "",
        ] {
            let lost = FailureKind::Unavailable;
            check(Call::WriteObject, 200, code, "", lost, Retry);
        }
        for code in ["PreconditionFailed", "ConditionalRequestConflict"] {
            let contended = FailureKind::Contended;
            check(Call::WriteObject, 200, code, "", contended, Retry);
        }
        let write = Call::WriteObject;
        check(write, 200, "SlowDown", "", FailureKind::Throttled, Retry);
        let gone = FailureKind::WriteFailed;
        check(write, 200, "NoSuchUpload", "", gone, Retry);
        let denied = FailureKind::Denied(write.permission());
        check(write, 200, "AccessDenied", "", denied, Park);
    }

    /// A page of a proxy's says nothing of permissions, streams or contacts.
    #[test]
    fn answers_that_are_none_of_aws() {
        #[track_caller]
        fn check(status: u16, kind: FailureKind) {
            for call in [Call::GetMedia, Call::WriteObject, Call::ReadAttributes] {
                let fault = Fault {
                    status,
                    body: b"<html>",
                    ..Fault::default()
                };
                assert_eq!(sort(call, fault), kind, "{call:?} {status}");
            }
        }
        for status in [200, 204, 408, 500, 502, 504] {
            check(status, FailureKind::Unavailable);
        }
        check(429, FailureKind::Throttled);
        for status in [301, 302, 400, 401, 403, 404, 407, 409, 412] {
            check(status, FailureKind::Refused);
        }
    }

    #[test]
    fn a_bucket_of_another_region_may_be_told_by_the_signature() {
        let fault = |bucket_region| Fault {
            status: 400,
            code: "AuthorizationHeaderMalformed",
            bucket_region,
            ..Fault::default()
        };
        let sorted = |fault| sort(Call::ReadObject, fault);
        assert_eq!(sorted(fault(Some("eu-west-1"))), FailureKind::WrongRegion);
        assert_eq!(sorted(fault(None)), FailureKind::Refused);
    }

    #[test]
    fn connect_and_queue() {
        let notes = Call::WriteAttributes;
        let gone = FailureKind::ContactMissing;
        check(notes, 404, "ResourceNotFoundException", "", gone, Park);
        check(
            notes,
            429,
            "TooManyRequestsException",
            "",
            FailureKind::Throttled,
            Retry,
        );
        check(
            notes,
            400,
            "InvalidParameterException",
            "",
            FailureKind::Refused,
            Park,
        );
        check(
            notes,
            500,
            "InternalServiceException",
            "",
            FailureKind::Unavailable,
            Retry,
        );
        let send = Call::SendMessage;
        let missing = FailureKind::QueueMissing;
        check(
            send,
            400,
            "AWS.SimpleQueueService.NonExistentQueue",
            "",
            missing,
            Park,
        );
        check(
            send,
            400,
            "KmsDisabled",
            "",
            FailureKind::Key(KeyTrouble::Disabled),
            Park,
        );
        check(
            send,
            400,
            "RequestThrottled",
            "",
            FailureKind::Throttled,
            Retry,
        );
    }

    #[test]
    fn calls_that_got_no_answer() {
        #[track_caller]
        fn check(transport: Transport, kind: FailureKind, action: Action) {
            let fault = Fault {
                transport,
                ..Fault::default()
            };
            assert_eq!(sort(Call::GetMedia, fault), kind);
            assert_eq!(kind.action(), action);
        }
        check(Transport::TimedOut, FailureKind::Unavailable, Retry);
        check(Transport::Garbled, FailureKind::Unavailable, Retry);
        check(Transport::Broken, FailureKind::ConnectionLost, Retry);
        check(Transport::Unsigned, FailureKind::NoCredentials, Retry);
        check(Transport::NotMade, FailureKind::Refused, Park);
    }

    /// Every status of every call comes out as something.
    #[test]
    fn the_table_has_no_hole() {
        for call in KVS.into_iter().chain([
            Call::ReadObject,
            Call::WriteObject,
            Call::AbortUpload,
            Call::ReadAttributes,
            Call::WriteAttributes,
            Call::SendMessage,
            Call::ListObjects,
            Call::ReceiveMessage,
            Call::DeleteMessage,
            Call::HideMessage,
            Call::DescribeContact,
            Call::SearchContacts,
        ]) {
            let mut known = permissions::OF_CALLS
                .iter()
                .chain(permissions::OF_REDRIVE)
                .chain(permissions::OF_MESSAGES);
            assert!(known.any(|permission| *permission == call.permission()));
            for status in 0..600 {
                let kind = by_status(call, status);
                let retried = kind.action() == Retry;
                assert!(status < 500 || retried, "{call:?} {status}");
            }
        }
    }
}
