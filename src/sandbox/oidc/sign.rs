//! Id tokens, signed: by hand, so that what reads them is not what made them.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::sandbox::faults::Forgery;

/// The keys of a provider: one of RSA, as most have, and those that came later.
#[derive(Debug)]
pub(super) struct Signer {
    rsa: RsaKeyPair,
    later: Vec<Later>,
}

/// A key that came later.
#[derive(Debug)]
struct Later {
    key: EcdsaKeyPair,
    name: Option<String>,
}

/// The name of the first key.
const FIRST: &str = "sandbox-1";

impl Signer {
    pub(super) fn new() -> Result<Self, Unspecified> {
        Ok(Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048)?,
            later: Vec::new(),
        })
    }

    /// The key set, as it is published now.
    pub(super) fn published(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
        let mut keys = vec![json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": FIRST,
            "n": URL_SAFE_NO_PAD.encode(&public.n), "e": URL_SAFE_NO_PAD.encode(&public.e),
        })];
        for Later { key, name } in &self.later {
            // A point that is not compressed: 4, x, y.
            let point = key.public_key().as_ref();
            let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
            let mut key = json!({
                "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256",
                "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
            });
            if let Some(name) = name {
                key["kid"] = json!(name);
            }
            keys.push(key);
        }
        json!({ "keys": keys })
    }

    /// A token of these claims.
    pub(super) fn token(
        &mut self,
        claims: &Map<String, Value>,
        forgery: Option<Forgery>,
    ) -> Result<String, Unspecified> {
        match forgery {
            Some(forgery @ (Forgery::NewKey | Forgery::NewKeyWithoutName)) => {
                let key = new_key()?;
                let name = (forgery == Forgery::NewKey)
                    .then(|| format!("sandbox-{}", self.later.len() + 2));
                let token = signed_by(&key, name.as_deref(), claims);
                self.later.push(Later { key, name });
                token
            }
            Some(Forgery::NewKeyOfOldName) => {
                self.rsa = RsaKeyPair::generate(KeySize::Rsa2048)?;
                signed_by_rsa(&self.rsa, claims)
            }
            Some(Forgery::UnknownKey) => signed_by(&new_key()?, Some("nowhere"), claims),
            Some(Forgery::OtherKey) => {
                let other = RsaKeyPair::generate(KeySize::Rsa2048)?;
                signed_by_rsa(&other, claims)
            }
            Some(Forgery::NoAlgorithm) => Ok(format!("{}.", head_and(claims, "none", Some(FIRST)))),
            Some(Forgery::SharedSecret) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
                let text = head_and(claims, "HS256", Some(FIRST));
                let key = hmac::Key::new(hmac::HMAC_SHA256, &public.n);
                Ok(with(&text, hmac::sign(&key, text.as_bytes()).as_ref()))
            }
            Some(Forgery::WrongSignature) => {
                let token = signed_by_rsa(&self.rsa, claims)?;
                let signature = token.rsplit('.').next().unwrap_or_default();
                let mut changed = claims.clone();
                changed.insert("groups".to_owned(), json!(["auditors"]));
                Ok(format!(
                    "{}.{signature}",
                    head_and(&changed, "RS256", Some(FIRST))
                ))
            }
            Some(
                Forgery::WrongIssuer
                | Forgery::WrongAudience
                | Forgery::WrongNonce
                | Forgery::NoNonce
                | Forgery::Expired
                | Forgery::NotYet
                | Forgery::Old,
            )
            | None => signed_by_rsa(&self.rsa, claims),
        }
    }
}

fn new_key() -> Result<EcdsaKeyPair, Unspecified> {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
}

fn signed_by_rsa(key: &RsaKeyPair, claims: &Map<String, Value>) -> Result<String, Unspecified> {
    let text = head_and(claims, "RS256", Some(FIRST));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )?;
    Ok(with(&text, &signature))
}

fn signed_by(
    key: &EcdsaKeyPair,
    name: Option<&str>,
    claims: &Map<String, Value>,
) -> Result<String, Unspecified> {
    let text = head_and(claims, "ES256", name);
    let signature = key.sign(&SystemRandom::new(), text.as_bytes())?;
    Ok(with(&text, signature.as_ref()))
}

fn head_and(claims: &Map<String, Value>, algorithm: &str, key: Option<&str>) -> String {
    let mut head = json!({"alg": algorithm, "typ": "JWT"});
    if let Some(key) = key {
        head["kid"] = json!(key);
    }
    let head = head.to_string();
    let claims = Value::Object(claims.clone()).to_string();
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(head),
        URL_SAFE_NO_PAD.encode(claims)
    )
}

fn with(text: &str, signature: &[u8]) -> String {
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A text that nobody can guess.
pub(super) fn secret_text() -> Result<String, Unspecified> {
    let mut bytes = [0; 24];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
