//! A key pair in Secrets Manager, for links that outlive the credentials of a role: the access
//! key of a user that may read recordings and nothing else.

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
        let subject = format!("the secret {}", self.arn);
        let request = self.client.get_secret_value().secret_id(&self.arn);
        let secret = request.send().await;
        let secret = secret.map_err(|error| failure(Call::ReadSecret, &subject, &error))?;
        key_pair(secret.secret_string.as_deref().unwrap_or_default()).ok_or_else(|| {
            let cause = format!("it holds no JSON object with {KEY_ID} and {KEY_SECRET}");
            Failure::new(FailureKind::Refused, subject, cause)
        })
    }
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
}
