//! The bucket and how it is set.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{ExpirationStatus, LifecycleRule, PublicAccessBlockConfiguration};

use super::{count, or_not_there, unknown};
use crate::aws::s3;
use crate::doctor::facts::{AbortRule, Bucket, Encryption, Fact, Settings};

/// The parts of "block public access".
const PUBLIC_ACCESS: [&str; 4] = [
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
];

pub(super) async fn gather(
    shared: &SdkConfig,
    settings: &Fact<Settings>,
    into: &mut Fact<Option<Bucket>>,
) {
    *into = match settings {
        Err(unknown) => Err(unknown.clone()),
        Ok(settings) => look(shared, &settings.bucket).await,
    };
}

async fn look(shared: &SdkConfig, name: &str) -> Fact<Option<Bucket>> {
    let client = Client::from_conf(s3::config(shared));
    let headed = client.head_bucket().bucket(name).send().await;
    let region = match headed {
        Ok(answer) => answer.bucket_region,
        // It is there, and in another region: S3 names it while it redirects.
        Err(error) => match elsewhere(&error) {
            Some(region) => Some(region),
            None => match or_not_there("s3:ListBucket on the bucket", Err::<(), _>(error))? {
                Some(()) => None,
                None => return Ok(None),
            },
        },
    };
    let (versioning, encryption, not_blocked, aborts, policy) = tokio::join!(
        versioning(&client, name),
        encryption(&client, name),
        not_blocked(&client, name),
        aborts(&client, name),
        policy(&client, name),
    );
    Ok(Some(Bucket {
        name: name.to_owned(),
        region,
        versioning,
        encryption,
        not_blocked,
        aborts,
        policy,
    }))
}

type HeadError = aws_smithy_runtime_api::client::result::SdkError<
    aws_sdk_s3::operation::head_bucket::HeadBucketError,
    aws_smithy_runtime_api::client::orchestrator::HttpResponse,
>;

fn elsewhere(error: &HeadError) -> Option<String> {
    let response = error.raw_response()?;
    let region = response.headers().get("x-amz-bucket-region")?;
    (response.status().as_u16() == 301).then(|| region.to_owned())
}

async fn versioning(client: &Client, name: &str) -> Fact<Option<String>> {
    let answered = client.get_bucket_versioning().bucket(name).send().await;
    let answer = answered.map_err(|error| unknown("s3:GetBucketVersioning", &error))?;
    Ok(answer.status.map(|status| status.as_str().to_owned()))
}

async fn encryption(client: &Client, name: &str) -> Fact<Option<Encryption>> {
    let answered = client.get_bucket_encryption().bucket(name).send().await;
    let answer = or_not_there("s3:GetEncryptionConfiguration", answered)?;
    let rules = answer.and_then(|answer| answer.server_side_encryption_configuration);
    let rules = rules.map(|set| set.rules).unwrap_or_default();
    let mut defaults = rules
        .into_iter()
        .filter_map(|rule| rule.apply_server_side_encryption_by_default);
    Ok(defaults.next().map(|set| Encryption {
        algorithm: set.sse_algorithm.as_str().to_owned(),
        key: set.kms_master_key_id,
    }))
}

async fn not_blocked(client: &Client, name: &str) -> Fact<Vec<&'static str>> {
    let answered = client.get_public_access_block().bucket(name).send().await;
    let answer = or_not_there("s3:GetBucketPublicAccessBlock", answered)?;
    let set = answer.and_then(|answer| answer.public_access_block_configuration);
    let set = set.unwrap_or_else(|| PublicAccessBlockConfiguration::builder().build());
    let on = [
        set.block_public_acls,
        set.ignore_public_acls,
        set.block_public_policy,
        set.restrict_public_buckets,
    ];
    let off = PUBLIC_ACCESS.into_iter().zip(on);
    Ok(off
        .filter(|(_, on)| *on != Some(true))
        .map(|(part, _)| part)
        .collect())
}

async fn aborts(client: &Client, name: &str) -> Fact<Vec<AbortRule>> {
    let request = client.get_bucket_lifecycle_configuration();
    let answered = request.bucket(name).send().await;
    let answer = or_not_there("s3:GetLifecycleConfiguration", answered)?;
    let rules = answer.and_then(|answer| answer.rules).unwrap_or_default();
    Ok(rules.iter().filter_map(abort).collect())
}

/// An enabled rule that aborts; such a rule can look at prefixes and at nothing else.
fn abort(rule: &LifecycleRule) -> Option<AbortRule> {
    if rule.status != ExpirationStatus::Enabled {
        return None;
    }
    let abort = rule.abort_incomplete_multipart_upload()?;
    #[allow(deprecated, reason = "old rules have their prefix there")]
    let prefix = rule
        .filter()
        .and_then(|filter| filter.prefix())
        .or(rule.prefix());
    Some(AbortRule {
        prefix: prefix.unwrap_or_default().to_owned(),
        days: count(abort.days_after_initiation()),
    })
}

async fn policy(client: &Client, name: &str) -> Fact<Option<String>> {
    let answered = client.get_bucket_policy().bucket(name).send().await;
    let answer = or_not_there("s3:GetBucketPolicy", answered)?;
    Ok(answer.and_then(|answer| answer.policy))
}
