//! What an answer must be before anybody reads it: no longer than answers are, and no page
//! of somebody between AWS and us. The SDK reads an answer whole into memory, whatever its
//! length; and it takes a page with status 200 for a success wherever an operation's own
//! answer says nothing, so that attributes would count as written.
//!
//! Media and objects are streamed, and the code that reads them has limits of its own. Connect's
//! answers are put right besides ([`mended`](super::mended)).

use std::mem;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http_body_util::Limited;

use super::mended::mended;

/// The longest answer that is read whole. Ten messages of SQS are the longest that AWS
/// gives: 1 MiB each, escaped.
const MAX_ANSWER_BYTES: usize = 32 << 20;
/// The operations whose successful answers are streamed.
const STREAMED: &[&str] = &["GetMedia", "GetMediaForFragmentList", "GetObject"];

/// Refuses answers that cannot be AWS's.
#[derive(Debug)]
pub(super) struct CheckAnswers;

#[derive(Debug, thiserror::Error)]
#[error("an HTML page in place of an answer")]
struct Page;

impl Intercept for CheckAnswers {
    fn name(&self) -> &'static str {
        "answers are AWS's"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>();
        let streamed = operation.is_some_and(|operation| STREAMED.contains(&operation.name()));
        let answer = context.response_mut();
        let succeeded = answer.status().is_success();
        if succeeded && streamed {
            return Ok(());
        }
        // S3 and what stands in for it name no type, or this one, over empty answers: there the
        // ETag tells.
        let service = operation.map_or("", Metadata::service);
        let content_type = answer.headers().get("content-type").unwrap_or_default();
        if succeeded && service != "S3" && content_type.starts_with("text/html") {
            return Err(Page.into());
        }
        let body = mem::replace(answer.body_mut(), SdkBody::taken());
        let body = SdkBody::from_body_1_x(Limited::new(body, MAX_ANSWER_BYTES));
        if service == "Connect" {
            *answer.body_mut() = mended(body);
            // The SDK counts the bytes that it reads.
            answer.headers_mut().remove("content-length");
        } else {
            *answer.body_mut() = body;
        }
        Ok(())
    }
}
