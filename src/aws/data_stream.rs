//! The data stream of calls: what a contact flow's function puts there is read at the desks
//! where people watch calls.

use aws_config::SdkConfig;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Builder;
use aws_sdk_kinesis::operation::put_record::PutRecordError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::Blob;
use aws_smithy_types::retry::ErrorKind;

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, failure};
use crate::failure::Failure;

/// Characters of a partition key at the most (Amazon Kinesis Data Streams API Reference,
/// PutRecord).
const MAX_KEY_CHARS: usize = 256;

/// One data stream, to put records into.
#[derive(Debug)]
pub struct DataStream {
    client: Client,
    name: Box<str>,
}

/// Where a record was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// `ShardId`.
    pub shard: String,
    /// `SequenceNumber`, unique in its shard.
    pub sequence: String,
}

impl DataStream {
    /// A stream that is put to while a caller waits.
    pub fn while_a_caller_waits(shared: &SdkConfig, name: &str) -> Self {
        let config = Builder::from(&Trying::CALLER_WAITS.on(shared)).interceptor(CheckAnswers);
        let config = config.retry_classifier(KeyIsThrottled);
        Self {
            client: Client::from_conf(config.build()),
            name: name.into(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts a record. Records of one key come in their order. One whose answer was lost is put
    /// again, so that it can be there twice.
    pub async fn put(&self, key: &str, data: &[u8]) -> Result<Put, Failure> {
        let key: String = key.chars().take(MAX_KEY_CHARS).collect();
        let request = self.client.put_record().stream_name(&*self.name);
        let request = request.partition_key(key).data(Blob::new(data));
        let put = request.send().await;
        let put = put.map_err(|error| failure(Call::PutRecord, &self.name, &error))?;
        Ok(Put {
            shard: put.shard_id,
            sequence: put.sequence_number,
        })
    }
}

/// KMS can throttle as Kinesis can; the SDK knows Kinesis's own throttles alone.
#[derive(Debug)]
struct KeyIsThrottled;

impl ClassifyRetry for KeyIsThrottled {
    fn name(&self) -> &'static str {
        "a throttled key is asked again"
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = context.output_or_error().and_then(Result::err);
        let refused = failed.and_then(|error| error.as_operation_error());
        let refused = refused.and_then(|error| error.downcast_ref::<PutRecordError>());
        match refused {
            Some(PutRecordError::KmsThrottlingException(_)) => {
                RetryAction::retryable_error(ErrorKind::ThrottlingError)
            }
            Some(_) | None => RetryAction::NoActionIndicated,
        }
    }
}
