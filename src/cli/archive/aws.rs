//! `callreel archive --bucket NAME`: the same over a bucket, with the reader's own account.

use std::io::Write;

use super::super::CliError;
use super::{ArchiveArgs, show};
use crate::aws::{self, Access, S3Recordings, s3};
use crate::shelves::Trust;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(super) struct ArchiveAwsArgs {
    /// The bucket of the recordings, in place of a folder
    #[arg(long, value_name = "NAME", conflicts_with = "folder")]
    pub bucket: Option<String>,
    /// The account that the bucket must belong to
    #[arg(long, value_name = "ACCOUNT", requires = "bucket")]
    pub bucket_owner: Option<String>,
    /// The region [default: REGION, else AWS_REGION]
    #[arg(long, value_name = "REGION", requires = "bucket")]
    pub region: Option<String>,
    /// A profile of the AWS configuration files
    #[arg(long, value_name = "NAME", requires = "bucket")]
    pub profile: Option<String>,
    /// Another endpoint, e.g. the sandbox's
    #[arg(long, value_name = "URL", requires = "bucket")]
    pub endpoint_url: Option<String>,
}

pub(super) async fn run(
    args: &ArchiveArgs,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    let own = &args.aws;
    let name = own.bucket.clone().unwrap_or_default();
    if let Some(profile) = &own.profile
        && let Some(told) = aws::unknown_profile(profile).await
    {
        return Err(CliError::Told(told));
    }
    let access = Access {
        region: own.region.clone().or_else(|| std::env::var("REGION").ok()),
        profile: own.profile.clone(),
        endpoint: own.endpoint_url.clone(),
    };
    let shared = aws::load(access).await;
    let what = format!("the recordings of s3://{name}/{}", args.key_prefix);
    let bucket = s3::Bucket {
        owner: own.bucket_owner.clone(),
        ..s3::Bucket::to_read(&name)
    };
    let store = || S3Recordings::new(&shared, bucket.clone());
    show(args, store, Trust::ONCE_SETTLED, &what, out, json).await
}
