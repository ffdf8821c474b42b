//! What records wait in: the data stream, the parking queue and the one behind it.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_kinesis::operation::describe_stream_summary::builders::DescribeStreamSummaryFluentBuilder;
use aws_sdk_sqs::types::QueueAttributeName;

use super::{count, or_not_there};
use crate::connect::arn;
use crate::doctor::facts::{Fact, Queue, RecordStream, Redrive, Settings};

/// What is counted together: each is a record that waits.
const MESSAGES: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
];

pub(super) async fn record_stream(shared: &SdkConfig, arn: &str) -> Fact<Option<RecordStream>> {
    let client = aws_sdk_kinesis::Client::new(shared);
    described(client.describe_stream_summary().stream_arn(arn)).await
}

pub(super) async fn stream_named(shared: &SdkConfig, name: &str) -> Fact<Option<RecordStream>> {
    let client = aws_sdk_kinesis::Client::new(shared);
    described(client.describe_stream_summary().stream_name(name)).await
}

async fn described(request: DescribeStreamSummaryFluentBuilder) -> Fact<Option<RecordStream>> {
    let answered = request.send().await;
    let answer = or_not_there("kinesis:DescribeStreamSummary", answered)?;
    let summary = answer.and_then(|answer| answer.stream_description_summary);
    Ok(summary.map(|summary| RecordStream {
        arn: summary.stream_arn,
        status: summary.stream_status.as_str().to_owned(),
        retention_hours: count(Some(summary.retention_period_hours)),
        key: summary.key_id,
    }))
}

pub(super) async fn queues(
    shared: &SdkConfig,
    settings: &Fact<Settings>,
    retry: &mut Fact<Option<Queue>>,
    dead: &mut Fact<Option<Queue>>,
) {
    let client = aws_sdk_sqs::Client::new(shared);
    *retry = match settings {
        Err(unknown) => Err(unknown.clone()),
        Ok(settings) => match &settings.parking_queue {
            None => Ok(None),
            Some(url) => queue(&client, url).await,
        },
    };
    *dead = match retry {
        Err(unknown) => Err(unknown.clone()),
        Ok(None) => Ok(None),
        Ok(Some(queue)) => match &queue.redrive {
            None => Ok(None),
            Some(redrive) => behind(&client, &redrive.target_arn).await,
        },
    };
}

/// A queue by its ARN.
async fn behind(client: &aws_sdk_sqs::Client, arn: &str) -> Fact<Option<Queue>> {
    let request = client.get_queue_url().queue_name(arn::name(arn));
    let request = request.set_queue_owner_aws_account_id(arn::account(arn).map(str::to_owned));
    let answer = or_not_there("sqs:GetQueueUrl", request.send().await)?;
    match answer.and_then(|answer| answer.queue_url) {
        None => Ok(None),
        Some(url) => queue(client, &url).await,
    }
}

async fn queue(client: &aws_sdk_sqs::Client, url: &str) -> Fact<Option<Queue>> {
    let request = client.get_queue_attributes().queue_url(url);
    let answered = request
        .attribute_names(QueueAttributeName::All)
        .send()
        .await;
    let answer = or_not_there("sqs:GetQueueAttributes", answered)?;
    Ok(answer.map(|answer| read(&answer.attributes.unwrap_or_default())))
}

fn read(attributes: &HashMap<QueueAttributeName, String>) -> Queue {
    let number = |name: &QueueAttributeName| {
        let value = attributes.get(name);
        value
            .and_then(|value| value.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let text = |name: &QueueAttributeName| {
        let value = attributes.get(name);
        value.filter(|value| !value.is_empty()).cloned()
    };
    let hidden = number(&QueueAttributeName::VisibilityTimeout);
    Queue {
        arn: text(&QueueAttributeName::QueueArn).unwrap_or_default(),
        visibility_seconds: u32::try_from(hidden).unwrap_or(u32::MAX),
        messages: MESSAGES.iter().map(number).sum(),
        redrive: text(&QueueAttributeName::RedrivePolicy).and_then(|policy| redrive(&policy)),
        key: text(&QueueAttributeName::KmsMasterKeyId),
    }
}

fn redrive(policy: &str) -> Option<Redrive> {
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let most = &policy["maxReceiveCount"];
    // A number or, as older tools wrote it, text.
    let most = most
        .as_u64()
        .or_else(|| most.as_str().and_then(|most| most.parse().ok()));
    Some(Redrive {
        target_arn: policy["deadLetterTargetArn"].as_str()?.to_owned(),
        max_receives: most.and_then(|most| u32::try_from(most).ok()).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_counts_in_numbers_or_text() {
        for most in ["5", "\"5\""] {
            let policy = format!(r#"{{"deadLetterTargetArn": "a", "maxReceiveCount": {most}}}"#);
            assert_eq!(redrive(&policy).unwrap().max_receives, 5);
        }
        assert_eq!(redrive("{}"), None);
        assert_eq!(redrive("no JSON"), None);
    }
}
