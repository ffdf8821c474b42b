//! KVS throttles with status 400 and codes of its own, which the SDK's classifiers take
//! for the caller's fault. This one makes them a throttle, so that they are retried.

use aws_sdk_kinesisvideo::operation::describe_stream::DescribeStreamError;
use aws_sdk_kinesisvideo::operation::get_data_endpoint::GetDataEndpointError;
use aws_sdk_kinesisvideoarchivedmedia::operation::get_media_for_fragment_list::GetMediaForFragmentListError;
use aws_sdk_kinesisvideoarchivedmedia::operation::list_fragments::ListFragmentsError;
use aws_smithy_runtime_api::client::interceptors::context::{Error, InterceptorContext};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

const LIMITS: &[&str] = &[
    "ClientLimitExceededException",
    "ConnectionLimitExceededException",
];

/// Makes KVS's limits throttles.
#[derive(Debug)]
pub(super) struct LimitsAreThrottles;

impl ClassifyRetry for LimitsAreThrottles {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        match error.as_operation_error().and_then(code) {
            Some(code) if LIMITS.contains(&code) => RetryAction::throttling_error(),
            Some(_) | None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "KVS limits are throttles"
    }
}

/// The error's code, whichever of our calls it is of.
fn code(error: &Error) -> Option<&str> {
    fn of<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static>(
        error: &Error,
    ) -> Option<&str> {
        error.downcast_ref::<E>()?.code()
    }
    of::<GetMediaForFragmentListError>(error)
        .or_else(|| of::<ListFragmentsError>(error))
        .or_else(|| of::<GetDataEndpointError>(error))
        .or_else(|| of::<DescribeStreamError>(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::client::interceptors::context::Input;
    use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
    use aws_smithy_types::error::ErrorMetadata;

    #[test]
    fn limits_are_throttles_and_nothing_else_is() {
        #[track_caller]
        fn check(code: &str, expected: RetryAction) {
            let meta = ErrorMetadata::builder().code(code).build();
            let error = Error::erase(GetMediaForFragmentListError::generic(meta));
            let mut context = InterceptorContext::new(Input::doesnt_matter());
            context.set_output_or_error(Err(OrchestratorError::operation(error)));
            assert_eq!(LimitsAreThrottles.classify_retry(&context), expected);
        }
        check(
            "ClientLimitExceededException",
            RetryAction::throttling_error(),
        );
        check(
            "ConnectionLimitExceededException",
            RetryAction::throttling_error(),
        );
        check("InvalidArgumentException", RetryAction::NoActionIndicated);
    }
}
