//! What Transcribe says of a job that it does not start, or does not know. Its one error for all
//! that is wrong with a request, BadRequestException, is told apart by its message; a missing job
//! is such an error, too (Amazon Transcribe API reference, "StartTranscriptionJob", "Errors").

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{Fault, Transport, fault, words};

/// Why a job was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::aws) enum NotStarted {
    /// There is one of this name.
    Taken,
    /// Its language is none of the service's.
    Language(String),
    /// The service does not take it, however often it is asked.
    Refused(String),
    /// Anything else: a failure of the call.
    Otherwise,
}

/// Sorts the error of a start.
pub(in crate::aws) fn not_started<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
) -> NotStarted {
    sort_start(fault(error))
}

fn sort_start(fault: Fault<'_>) -> NotStarted {
    if fault.transport != Transport::Answered {
        return NotStarted::Otherwise;
    }
    let told = || words::line(fault.message);
    match fault.code {
        "ConflictException" => NotStarted::Taken,
        "BadRequestException" | "ValidationException"
            if fault.message.to_ascii_lowercase().contains("language") =>
        {
            NotStarted::Language(told())
        }
        "BadRequestException" | "ValidationException" => NotStarted::Refused(told()),
        _ => NotStarted::Otherwise,
    }
}

/// Whether there is no job of the name that was asked for.
pub(in crate::aws) fn is_no_job<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
) -> bool {
    knows_no_job(fault(error))
}

fn knows_no_job(fault: Fault<'_>) -> bool {
    let says_so = [
        "couldn't be found",
        "could not be found",
        "not found",
        "does not exist",
    ];
    let message = fault.message.to_ascii_lowercase();
    fault.transport == Transport::Answered
        && match fault.code {
            "NotFoundException" => true,
            "BadRequestException" => says_so.iter().any(|words| message.contains(words)),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered<'a>(code: &'a str, message: &'a str) -> Fault<'a> {
        Fault {
            transport: Transport::Answered,
            status: 400,
            code,
            message,
            ..Fault::default()
        }
    }

    #[test]
    fn a_job_that_is_not_started_says_why() {
        #[track_caller]
        fn check(code: &str, message: &str, expected: NotStarted) {
            assert_eq!(sort_start(answered(code, message)), expected);
        }
        check(
            "ConflictException",
            "The requested job name already exists.",
            NotStarted::Taken,
        );
        let language = "1 validation error detected: Value 'xx' at 'languageCode' failed";
        check(
            "BadRequestException",
            language,
            NotStarted::Language(language.into()),
        );
        let media = "The S3 URI that you provided can't be accessed.";
        check(
            "BadRequestException",
            media,
            NotStarted::Refused(media.into()),
        );
        check("LimitExceededException", "", NotStarted::Otherwise);
        check("AccessDeniedException", "", NotStarted::Otherwise);
    }

    #[test]
    fn a_job_that_is_not_there_is_told_by_its_message() {
        for (code, message, expected) in [
            (
                "BadRequestException",
                "The requested job couldn't be found.",
                true,
            ),
            ("NotFoundException", "", true),
            ("BadRequestException", "The job is too long.", false),
            ("InternalFailureException", "not found", false),
        ] {
            assert_eq!(
                knows_no_job(answered(code, message)),
                expected,
                "{code} {message}"
            );
        }
    }
}
