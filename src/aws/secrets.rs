//! What stands in Secrets Manager: a key pair for links that outlive the credentials of a role (the
//! access key of a user that may read recordings and nothing else), and what the archive's login
//! keeps to itself.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, failure};
use crate::failure::{Failure, FailureKind};
use crate::json::object::Object;

/// The names in the secret, those of the published solution.
const KEY_ID: &str = "vmx_iam_key_id";
const KEY_SECRET: &str = "vmx_iam_key_secret";

/// A key pair. It is shown nowhere.
#[derive(Clone)]
pub(super) struct KeyPair {
    pub id: String,
    pub secret: String,
}

/// A secret that holds a key pair.
#[derive(Debug)]
pub(super) struct Secret {
    client: Client,
    arn: String,
}

impl Secret {
    pub(super) fn new(shared: &SdkConfig, arn: &str) -> Self {
        let config = Builder::from(&Trying::SECRETS.on(shared)).interceptor(CheckAnswers);
        Self {
            client: Client::from_conf(config.build()),
            arn: arn.to_owned(),
        }
    }

    pub(super) async fn key_pair(&self) -> Result<KeyPair, Failure> {
        let secret = self.text().await?;
        key_pair(&secret).ok_or_else(|| {
            self.lacks(&format!(
                "it holds no JSON object with {KEY_ID} and {KEY_SECRET}"
            ))
        })
    }

    async fn text(&self) -> Result<String, Failure> {
        let request = self.client.get_secret_value().secret_id(&self.arn);
        let secret = request.send().await;
        let secret = secret.map_err(|error| failure(Call::ReadSecret, self.subject(), &error))?;
        Ok(secret.secret_string.unwrap_or_default())
    }

    fn lacks(&self, cause: &str) -> Failure {
        Failure::new(FailureKind::Refused, self.subject(), cause)
    }

    fn subject(&self) -> String {
        format!("the secret {}", self.arn)
    }
}

/// What the archive's login must keep to itself.
pub struct LoginSecrets {
    /// The client's secret at the provider, where it has one.
    pub client: Option<String>,
    /// What cookies are locked by, the newest first.
    pub cookies: Vec<String>,
}

impl LoginSecrets {
    /// Reads them of a secret.
    pub async fn read(shared: &SdkConfig, arn: &str) -> Result<Self, Failure> {
        let secret = Secret::new(shared, arn);
        login_secrets(&secret.text().await?).ok_or_else(|| {
            secret.lacks(
                "it holds no JSON object with `cookies`: 32 characters that nobody can guess",
            )
        })
    }
}

fn login_secrets(secret: &str) -> Option<LoginSecrets> {
    let object = Object::read(secret.as_bytes()).ok()?;
    let text = |name| {
        let text = object.text(name).filter(|text| !text.is_empty());
        text.map(String::from)
    };
    Some(LoginSecrets {
        client: text("client_secret"),
        cookies: [Some(text("cookies")?), text("cookies_before")]
            .into_iter()
            .flatten()
            .collect(),
    })
}

fn key_pair(secret: &str) -> Option<KeyPair> {
    let object = Object::read(secret.as_bytes()).ok()?;
    let text = |name| object.text(name).filter(|text| !text.is_empty());
    Some(KeyPair {
        id: text(KEY_ID)?.into(),
        secret: text(KEY_SECRET)?.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_pair_has_the_names_of_the_published_solution() {
        let pair = key_pair(r#"{"vmx_iam_key_id": "AKIA", "vmx_iam_key_secret": "s"}"#);
        let pair = pair.map(|pair| (pair.id, pair.secret));
        assert_eq!(pair, Some(("AKIA".to_owned(), "s".to_owned())));
        for none in [
            "",
            "{}",
            r#"{"vmx_iam_key_id": "AKIA", "vmx_iam_key_secret": ""}"#,
        ] {
            assert!(key_pair(none).is_none(), "{none}");
        }
    }

    #[test]
    fn a_login_needs_what_locks_its_cookies() {
        let read = |secret| {
            let secrets = login_secrets(secret);
            secrets.map(|secrets| (secrets.client, secrets.cookies))
        };
        let new = || vec!["new".to_owned()];
        assert_eq!(read(r#"{"cookies": "new"}"#), Some((None, new())));
        assert_eq!(
            read(r#"{"client_secret": "s", "cookies": "new", "cookies_before": "old"}"#),
            Some((
                Some("s".to_owned()),
                vec!["new".to_owned(), "old".to_owned()]
            ))
        );
        assert_eq!(
            read(r#"{"client_secret": "", "cookies": "new"}"#),
            Some((None, new()))
        );
        for none in [
            "",
            "[]",
            "{}",
            r#"{"cookies": ""}"#,
            r#"{"client_secret": "s"}"#,
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
