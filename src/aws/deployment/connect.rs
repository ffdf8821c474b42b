//! Connect instances and the video streams that they have made.

use aws_config::SdkConfig;
use aws_sdk_connect::Client;
use aws_sdk_connect::types::{InstanceStorageConfig, InstanceStorageResourceType};
use aws_sdk_kinesisvideo::types::{ComparisonOperator, StreamNameCondition};

use super::{count, or_not_there, unknown};
use crate::doctor::facts::{Deployment, Fact, Instance, MediaStorage, Unknown, VideoStream};

pub(super) async fn instances(
    shared: &SdkConfig,
    asked: Option<&str>,
    into: &mut Fact<Vec<Instance>>,
) {
    let client = Client::new(shared);
    *into = match asked {
        Some(id) => one(&client, id)
            .await
            .map(|found| found.into_iter().collect()),
        None => all(&client).await,
    };
}

/// An instance by its id or ARN.
async fn one(client: &Client, id: &str) -> Fact<Option<Instance>> {
    let answered = client.describe_instance().instance_id(id).send().await;
    let answer = or_not_there("connect:DescribeInstance", answered)?;
    let Some(found) = answer.and_then(|answer| answer.instance) else {
        let cure = "check --instance and --region";
        return Err(Unknown::new(format!("there is no instance {id}"), cure));
    };
    let id = found.id.unwrap_or_else(|| id.to_owned());
    Ok(Some(instance(client, id, found.arn).await))
}

async fn all(client: &Client) -> Fact<Vec<Instance>> {
    let mut instances = Vec::new();
    let mut pages = client.list_instances().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unknown("connect:ListInstances", &error))?;
        for found in page.instance_summary_list.unwrap_or_default() {
            let id = found.id.unwrap_or_default();
            instances.push(instance(client, id, found.arn).await);
        }
    }
    Ok(instances)
}

async fn instance(client: &Client, id: String, arn: Option<String>) -> Instance {
    let media = storages(client, &id, InstanceStorageResourceType::MediaStreams).await;
    let records = storages(
        client,
        &id,
        InstanceStorageResourceType::ContactTraceRecords,
    )
    .await;
    Instance {
        arn: arn.unwrap_or_default(),
        id,
        media: media.map(|found| found.into_iter().filter_map(media_storage).collect()),
        records: records.map(|found| found.into_iter().filter_map(target).collect()),
    }
}

async fn storages(
    client: &Client,
    id: &str,
    kind: InstanceStorageResourceType,
) -> Fact<Vec<InstanceStorageConfig>> {
    let request = client.list_instance_storage_configs();
    let request = request.instance_id(id).resource_type(kind);
    let mut pages = request.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let permission = "connect:ListInstanceStorageConfigs";
        let page = page.map_err(|error| unknown(permission, &error))?;
        found.extend(page.storage_configs.unwrap_or_default());
    }
    Ok(found)
}

fn media_storage(config: InstanceStorageConfig) -> Option<MediaStorage> {
    let video = config.kinesis_video_stream_config?;
    Some(MediaStorage {
        prefix: video.prefix,
        retention_hours: count(Some(video.retention_period_hours)),
        key: video.encryption_config.map(|encryption| encryption.key_id),
    })
}

fn target(config: InstanceStorageConfig) -> Option<String> {
    let stream = config.kinesis_stream_config.map(|stream| stream.stream_arn);
    stream.or_else(|| config.kinesis_firehose_config.map(|hose| hose.firehose_arn))
}

/// All streams under the prefixes of the instance that is meant.
pub(super) async fn video_streams(
    shared: &SdkConfig,
    found: &Deployment,
) -> Fact<Vec<VideoStream>> {
    let Some(instance) = found.instance()? else {
        return Ok(Vec::new());
    };
    let client = aws_sdk_kinesisvideo::Client::new(shared);
    let mut streams = Vec::new();
    for storage in instance.media.as_ref().map_err(Unknown::clone)? {
        streams.extend(under(&client, &storage.prefix).await?);
    }
    Ok(streams)
}

async fn under(client: &aws_sdk_kinesisvideo::Client, prefix: &str) -> Fact<Vec<VideoStream>> {
    let condition = StreamNameCondition::builder()
        .comparison_operator(ComparisonOperator::BeginsWith)
        .comparison_value(prefix)
        .build();
    let request = client.list_streams().stream_name_condition(condition);
    let mut pages = request.into_paginator().send();
    let mut streams = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unknown("kinesisvideo:ListStreams", &error))?;
        let found = page.stream_info_list.unwrap_or_default().into_iter();
        streams.extend(found.map(|stream| VideoStream {
            name: stream.stream_name.unwrap_or_default(),
            arn: stream.stream_arn.unwrap_or_default(),
            retention_hours: count(stream.data_retention_in_hours),
            key: stream.kms_key_id,
        }));
    }
    Ok(streams)
}
