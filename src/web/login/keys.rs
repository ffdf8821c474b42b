//! Whether an id token is the provider's: by a signature of one of its published keys, and of
//! a kind that the provider alone can make. What it says is looked at by
//! [`token`](crate::archive::token).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

/// What may be: signatures by a key pair. With a shared secret, or with nothing, whoever
/// knows what is published could make one.
const ALLOWED: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
];
/// Keys of a provider at the most.
const MAX_KEYS: usize = 100;
/// Bytes of a token at the most.
const MAX_TOKEN: usize = 64 << 10;

/// The keys that a provider publishes.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySet(Vec<Jwk>);

/// Why a token is not known to be the provider's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::web) enum NotSigned {
    #[error("it cannot be read as a signed token")]
    Unreadable,
    #[error(
        "it is signed in a way that is not allowed: a signature by a key pair is wanted (RS, PS or ES)"
    )]
    Algorithm,
    #[error("its key is none of those that the provider publishes")]
    UnknownKey,
    #[error("its signature is not the provider's")]
    Signature,
}

impl KeySet {
    /// Reads a key set (RFC 7517). Keys of kinds that are not known are left out: a provider
    /// may publish others beside those it signs with.
    pub(super) fn read(json: &Value) -> Option<Self> {
        let keys = json.get("keys")?.as_array()?;
        let known = keys.iter().take(MAX_KEYS).filter_map(|key| {
            let key: Jwk = serde_json::from_value(key.clone()).ok()?;
            let is_for_signing = key.common.public_key_use.as_ref();
            let is_for_signing = is_for_signing.is_none_or(|it| *it == PublicKeyUse::Signature);
            let is_a_pair = matches!(
                key.algorithm,
                AlgorithmParameters::RSA(_) | AlgorithmParameters::EllipticCurve(_)
            );
            (is_for_signing && is_a_pair).then_some(key)
        });
        Some(Self(known.collect()))
    }

    /// The claims of a token that one of the keys signed.
    pub(super) fn claims(&self, token: &str) -> Result<Map<String, Value>, NotSigned> {
        if token.len() > MAX_TOKEN {
            return Err(NotSigned::Unreadable);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| {
            // `none` is no algorithm that the library knows.
            match names_no_algorithm(token) {
                true => NotSigned::Algorithm,
                false => NotSigned::Unreadable,
            }
        })?;
        if !ALLOWED.contains(&header.alg) || header.crit.is_some() {
            return Err(NotSigned::Algorithm);
        }
        let mut validation = Validation::new(header.alg);
        // What it says is checked where the clock is ours.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let mut refused = NotSigned::UnknownKey;
        for key in self.fitting(header.kid.as_deref(), header.alg) {
            let Ok(key) = DecodingKey::from_jwk(key) else {
                continue;
            };
            match jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation) {
                Ok(decoded) => return Ok(decoded.claims),
                Err(_) => refused = NotSigned::Signature,
            }
        }
        Err(refused)
    }

    /// The keys that may have signed: of the kind that the algorithm takes, by the id that the
    /// token names. Of a token without an id, it may be any of them; of one with an id, those
    /// without. Whichever it is, the provider published it for signing.
    fn fitting(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<&Jwk> {
        let fitting = self.0.iter().filter(|key| fits(key, algorithm));
        let fitting: Vec<_> = fitting.collect();
        let Some(id) = id else {
            return fitting;
        };
        let of_id = |wanted: Option<&str>| -> Vec<&Jwk> {
            let keys = fitting.iter().copied();
            keys.filter(|key| key.common.key_id.as_deref() == wanted)
                .collect()
        };
        let named = of_id(Some(id));
        match named.is_empty() {
            true => of_id(None),
            false => named,
        }
    }
}

/// Whether a key is of the kind that an algorithm takes, and is for it if it says what it is for.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let name = format!("{algorithm:?}");
    let own = key.common.key_algorithm;
    let is_of_the_kind = if let AlgorithmParameters::EllipticCurve(key) = &key.algorithm {
        (key.curve == EllipticCurve::P256 && name == "ES256")
            || (key.curve == EllipticCurve::P384 && name == "ES384")
    } else {
        // Others than these two are not kept.
        name.starts_with("RS") || name.starts_with("PS")
    };
    is_of_the_kind && own.is_none_or(|own| own.to_string() == name)
}

/// Whether a token's head names `none`, in any spelling.
fn names_no_algorithm(token: &str) -> bool {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let head = token.split('.').next().unwrap_or_default();
    let head = URL_SAFE_NO_PAD.decode(head).unwrap_or_default();
    let head: Value = serde_json::from_slice(&head).unwrap_or_default();
    let named = head.get("alg").and_then(Value::as_str);
    named.is_some_and(|named| named.eq_ignore_ascii_case("none"))
}
