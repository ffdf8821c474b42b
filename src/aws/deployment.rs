//! A deployment's facts, gathered from AWS for [`crate::doctor`]: reads only, decides
//! nothing. A call that is denied or fails makes its fact unknown, with the permission
//! that it needs, and the rest is gathered all the same.
//!
//! What the calls answer is described in the API references of Lambda, S3, CloudFront,
//! Connect, Kinesis, Kinesis Video Streams, KMS, SQS, IAM and CloudWatch.

mod accounts;
mod answering;
mod bucket;
mod connect;
mod lambda;
mod live;
mod messages;
mod settings;
mod voicemail;
mod watch;
mod workers;

use aws_config::{Region, SdkConfig};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

pub use settings::{settings, voicemail_settings};

use super::errors::{self, Refused};
use super::{Access, Trying, load};
use crate::doctor::facts::{Deployment, Fact, Settings, Unknown};

/// Which deployment is meant; what is not given is found.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The function, by name or ARN.
    pub function: Option<String>,
    /// The CloudFormation stack that the function belongs to.
    pub stack: Option<String>,
    /// The Connect instance, by its id.
    pub instance: Option<String>,
}

/// Why no deployment could be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDeployment {
    /// AWS cannot be asked at all.
    #[error("{0}; {1}")]
    Unreachable(String, String),
    /// No function looks like Callreel's.
    #[error(
        "no function in {region} has the settings of Callreel (RECORDINGS_BUCKET_NAME and CLOUDFRONT_DOMAIN){of}; \
         name it with --function, or another region with --region"
    )]
    NoneFound {
        /// The region.
        region: String,
        /// The stack that was asked for, in words.
        of: String,
    },
    /// Several functions do.
    #[error("several functions have the settings of Callreel: {0}; name one with --function")]
    SeveralFound(String),
}

/// Gathers everything.
pub async fn gather(access: Access, asked: Asked) -> Result<Deployment, NoDeployment> {
    let shared = Trying::OPERATOR.on(&load(access).await);
    let functions = lambda::Functions::new(&shared);
    let (name, function) = functions.find(&asked).await?;
    let mut found = Deployment::unknown(&name, &Unknown::new("not asked", "run it again"));
    found.function = function;
    found.mappings = functions.mappings(&name).await;
    let settings = found.settings().cloned();
    // Streams, bucket, contacts and queue are where the settings say.
    let there = in_region_of(&shared, settings.as_ref().ok());
    tokio::join!(
        records(&shared, &mut found.record_stream, &found.mappings),
        bucket::gather(&there, &settings, &mut found.bucket),
        accounts::distributions(&shared, &settings, &mut found.distributions),
        connect::instances(&there, asked.instance.as_deref(), &mut found.instances),
        messages::queues(
            &there,
            &settings,
            &mut found.parking_queue,
            &mut found.dead_letters
        ),
        watch::alarms(&shared, &mut found.alarms),
        watch::withdrawn(&shared, &name, &mut found.withdrawn),
    );
    found.video_streams = connect::video_streams(&there, &found).await;
    found.keys = accounts::keys(&there, &found).await;
    found.rights = accounts::rights(&shared, &found).await;
    let all = workers::listed(&shared).await;
    let stack = asked.stack.as_deref();
    found.answering = answering::gather(&shared, &there, &found, &all).await;
    found.live = live::gather(&shared, &there, &found, &all).await;
    found.voicemail = voicemail::gather(&shared, &there, &found, &all, stack).await;
    found.archives = workers::archives(&shared, &found, &all).await;
    Ok(found)
}

async fn records(
    shared: &SdkConfig,
    into: &mut Fact<Option<crate::doctor::facts::RecordStream>>,
    mappings: &Fact<Vec<crate::doctor::facts::Mapping>>,
) {
    let mapping = mappings.as_ref().map(|mappings| {
        let mut mappings = mappings.iter();
        mappings.find(|mapping| mapping.reads_service("kinesis"))
    });
    *into = match mapping {
        Err(unknown) => Err(unknown.clone()),
        Ok(None) => Ok(None),
        Ok(Some(mapping)) => messages::record_stream(shared, &mapping.source_arn).await,
    };
}

fn in_region_of(shared: &SdkConfig, settings: Option<&Settings>) -> SdkConfig {
    let region = settings.map(|settings| Region::new(settings.region.clone()));
    let region = region.or_else(|| shared.region().cloned());
    shared.to_builder().region(region).build()
}

/// What a failed call leaves unknown. `permission` is what the caller needs for it.
fn unknown<E>(permission: &str, error: &SdkError<E, HttpResponse>) -> Unknown
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let (refused, cause) = errors::refused(error);
    let cure = match refused {
        Refused::Denied => format!("allow {permission} to whoever runs this, and run it again"),
        Refused::Credentials => {
            "give credentials that are valid: --profile, or sign in again".to_owned()
        }
        Refused::Throttled | Refused::Unavailable => "run it again".to_owned(),
        Refused::NotFound | Refused::Otherwise => "mend what the error says".to_owned(),
    };
    Unknown::new(format!("{permission}: {cause}"), cure)
}

/// A call's answer where "not there" is an answer, too.
fn or_not_there<T, E>(
    permission: &str,
    answered: Result<T, SdkError<E, HttpResponse>>,
) -> Fact<Option<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answered {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if errors::refused(&error).0 == Refused::NotFound => Ok(None),
        Err(error) => Err(unknown(permission, &error)),
    }
}

/// AWS counts in signed numbers what cannot be negative.
fn count(number: Option<i32>) -> u32 {
    number
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(0)
}
