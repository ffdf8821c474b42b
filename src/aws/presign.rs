//! Links to recordings: GETs that are signed beforehand, with a key pair of their own where there
//! is one, else with the credentials that this runs as.
//!
//! What is signed with a role's credentials dies with them, whatever the link says: such a link
//! is said to live for [`ROLE_LIVES`] at the most, unless the credentials say when they end. A
//! link that nobody can sign is a failure of its own; the message is delivered without it.

use std::time::{Duration, Instant, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, ProvideCredentials, ResponseChecksumValidation};
use aws_sdk_s3::presigning::PresigningConfig;
use tokio::sync::Mutex;

use super::Trying;
use super::secrets::{KeyPair, Secret};
use crate::failure::{Failure, FailureKind};
use crate::port::voicemail::Signer;
use crate::voicemail::link::{Link, MAX_LIFE};

/// How long credentials of a role live from now on, where they do not say: a function's are
/// renewed now and then, and no AWS document promises more than an hour.
pub const ROLE_LIVES: Duration = Duration::from_secs(3_600);
/// A key pair is read again after this time: keys are rotated.
const KEY_PAIR_KEPT: Duration = Duration::from_secs(300);

/// Signs links to the objects of a bucket.
#[derive(Debug)]
pub struct S3Signer {
    shared: SdkConfig,
    bucket: String,
    secret: Option<Secret>,
    kept: Mutex<Option<(Credentials, Instant)>>,
}

impl S3Signer {
    /// Links to a bucket's objects, over the shared configuration, signed with the key pair of a
    /// secret if one is named.
    pub fn new(shared: &SdkConfig, bucket: &str, secret: Option<&str>) -> Self {
        Self {
            shared: shared.clone(),
            bucket: bucket.to_owned(),
            secret: secret.map(|arn| Secret::new(shared, arn)),
            kept: Mutex::new(None),
        }
    }

    /// Who signs.
    async fn credentials(&self) -> Result<Credentials, Failure> {
        let Some(secret) = &self.secret else {
            return self.own_credentials().await;
        };
        let mut kept = self.kept.lock().await;
        if let Some((credentials, since)) = &*kept
            && since.elapsed() < KEY_PAIR_KEPT
        {
            return Ok(credentials.clone());
        }
        let KeyPair { id, secret } = secret.key_pair().await?;
        let credentials = Credentials::new(id, secret, None, None, "the secret of links");
        *kept = Some((credentials.clone(), Instant::now()));
        Ok(credentials)
    }

    async fn own_credentials(&self) -> Result<Credentials, Failure> {
        let none = |cause: String| Failure::new(FailureKind::NoCredentials, &self.bucket, cause);
        let provider = self.shared.credentials_provider();
        let provider = provider.ok_or_else(|| none("there are no credentials".to_owned()))?;
        let credentials = provider.provide_credentials().await;
        credentials.map_err(|error| none(super::errors::said(&error)))
    }
}

impl Signer for S3Signer {
    async fn link(&self, key: &str, lives: Duration) -> Result<Link, Failure> {
        let subject = format!("s3://{}/{key}", self.bucket);
        let credentials = self.credentials().await?;
        let asked = lives.min(MAX_LIFE);
        let lives = asked.min(life_of(&credentials));
        let config = aws_sdk_s3::config::Builder::from(&Trying::S3.on(&self.shared))
            .force_path_style(super::has_own_endpoint(&self.shared, "AWS_ENDPOINT_URL_S3"))
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .credentials_provider(credentials);
        let client = Client::from_conf(config.build());
        let refused = |cause: String| Failure::new(FailureKind::Refused, &subject, cause);
        let presigning = PresigningConfig::expires_in(asked);
        let presigning = presigning.map_err(|error| refused(super::errors::said(&error)))?;
        let request = client.get_object().bucket(&self.bucket).key(key);
        let signed = request.presigned(presigning).await;
        let signed = signed.map_err(|error| refused(super::errors::said(&error)))?;
        Ok(Link {
            url: signed.uri().to_owned(),
            lives: Some(lives),
        })
    }
}

/// How long a link that is signed with these credentials works at the most.
fn life_of(credentials: &Credentials) -> Duration {
    match (credentials.session_token(), credentials.expiry()) {
        // A user's own key lives until somebody deletes it.
        (None, _) => MAX_LIFE,
        (Some(_), None) => ROLE_LIVES,
        (Some(_), Some(end)) => end.duration_since(SystemTime::now()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_dies_with_the_credentials_that_signed_it() {
        let signed_with = |token: Option<&str>, ends: Option<SystemTime>| {
            let token = token.map(str::to_owned);
            life_of(&Credentials::new("k", "s", token, ends, "test"))
        };
        assert_eq!(signed_with(None, None), MAX_LIFE);
        assert_eq!(signed_with(Some("t"), None), ROLE_LIVES);
        let ends = SystemTime::now() + Duration::from_secs(600);
        let lives = signed_with(Some("t"), Some(ends)).as_secs();
        assert!((598..=600).contains(&lives), "{lives}");
        assert_eq!(
            signed_with(Some("t"), Some(SystemTime::UNIX_EPOCH)),
            Duration::ZERO
        );
    }
}
