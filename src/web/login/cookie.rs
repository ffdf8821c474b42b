//! Cookies that nobody can read or forge: AES-256-GCM under a key of the deployment's, with a
//! nonce of its own each. What a cookie is for is bound to it, so that one of a login under
//! way never serves as a session.
//!
//! Two keys are known: what is locked is locked by the newer, and what the older one locked
//! still opens. So a key can be changed without logging anybody out.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sha256;

/// Characters of a secret at the least: it must not be guessed.
pub const LEAST_SECRET: usize = 32;
/// Characters of a cookie's value at the most; browsers take 4,096 bytes with its name.
const MAX_CHARS: usize = 3_800;
/// Of the form that cookies have now.
const VERSION: u8 = 1;
/// Bytes that name the key.
const NAME_BYTES: usize = 4;
/// Letters of a login's state that its cookie is named by.
const STATE_CHARS: usize = 8;

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Login,
    Session,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Session => "session",
        }
    }
}

/// The keys that cookies are locked by.
pub struct CookieKeys(Vec<Key>);

struct Key {
    name: [u8; NAME_BYTES],
    key: RandomizedNonceKey,
}

impl std::fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CookieKeys({})", self.0.len())
    }
}

/// Why a secret cannot be used, or a cookie not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    /// It is too short.
    #[error(
        "the secret for cookies has {0} characters; it must have {LEAST_SECRET}, of any kind that nobody can guess"
    )]
    ShortSecret(usize),
    /// What is to be kept in it is too much.
    #[error(
        "a cookie of {0} characters, {MAX_CHARS} at the most; let ARCHIVE_RULES name fewer groups, or groups with shorter names"
    )]
    TooLong(usize),
    /// The library refused.
    #[error("the cookie could not be encrypted")]
    NotLocked,
}

impl CookieKeys {
    /// Keys out of secret texts, the newest first: the first locks, all of them open.
    pub fn of_secrets<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Self, CookieError> {
        let mut keys = Vec::new();
        for secret in secrets {
            let length = secret.chars().count();
            if length < LEAST_SECRET {
                return Err(CookieError::ShortSecret(length));
            }
            let bytes = sha256::of(format!("callreel cookies 1\n{secret}").as_bytes());
            let fingerprint = sha256::of(&bytes);
            let mut name = [0; NAME_BYTES];
            name.copy_from_slice(&fingerprint[..NAME_BYTES]);
            let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes)
                .map_err(|_| CookieError::NotLocked)?;
            keys.push(Key { name, key });
        }
        match keys.is_empty() {
            true => Err(CookieError::ShortSecret(0)),
            false => Ok(Self(keys)),
        }
    }

    /// A key that nobody knows, and that ends with this process: so do all sessions.
    pub fn of_this_process() -> Result<Self, CookieError> {
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| CookieError::NotLocked)?;
        Self::of_secrets([URL_SAFE_NO_PAD.encode(secret).as_str()])
    }

    /// A cookie's value.
    pub(super) fn lock(
        &self,
        purpose: Purpose,
        content: &impl Serialize,
    ) -> Result<String, CookieError> {
        let key = self.0.first().ok_or(CookieError::NotLocked)?;
        let mut sealed = serde_json::to_vec(content).map_err(|_| CookieError::NotLocked)?;
        let nonce = key
            .key
            .seal_in_place_append_tag(Aad::from(purpose.name()), &mut sealed)
            .map_err(|_| CookieError::NotLocked)?;
        let value = [&[VERSION], &key.name[..], nonce.as_ref(), &sealed].concat();
        let value = URL_SAFE_NO_PAD.encode(value);
        match value.len() > MAX_CHARS {
            true => Err(CookieError::TooLong(value.len())),
            false => Ok(value),
        }
    }

    /// What a cookie holds, if one of the keys locked it for this purpose.
    pub(super) fn open<T: DeserializeOwned>(&self, purpose: Purpose, value: &str) -> Option<T> {
        if value.len() > MAX_CHARS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (name, rest) = rest.split_at_checked(NAME_BYTES)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let key = self.0.iter().find(|key| key.name == name)?;
        if *version != VERSION {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = key
            .key
            .open_in_place(nonce, Aad::from(purpose.name()), &mut sealed)
            .ok()?;
        serde_json::from_slice(opened).ok()
    }
}

/// How cookies are named and set. Over TLS their names begin with `__Host-`, so that a
/// browser takes them from this very host alone, and over TLS alone (RFC 6265bis, 4.1.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Tls,
    /// Loopback, where there is no TLS.
    Plain,
}

impl Line {
    fn name(self, purpose: Purpose) -> String {
        let host = match self {
            Self::Tls => "__Host-",
            Self::Plain => "",
        };
        format!("{host}callreel-{}", purpose.name())
    }

    /// The name of a session's cookie.
    pub(super) fn session(self) -> String {
        self.name(Purpose::Session)
    }

    /// The name of the cookie of a login under way, by the state that comes back with it: each tab
    /// has its own. A state that is none of ours has no cookie.
    pub(super) fn login(self, state: &str) -> Option<String> {
        let beginning = state.get(..STATE_CHARS)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_ours = beginning.bytes().all(is_plain);
        is_ours.then(|| format!("{}-{beginning}", self.name(Purpose::Login)))
    }

    /// The cookies of logins under way, by name and value.
    pub(super) fn logins(self, header: &str) -> Vec<(&str, &str)> {
        let begins = format!("{}-", self.name(Purpose::Login));
        let pairs = header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .filter(|(name, _)| name.starts_with(&begins))
            .collect()
    }

    /// The header that sets a cookie for so many seconds; none is left of it with 0.
    ///
    /// Lax, since people come by links from elsewhere, and come back from the provider:
    /// what changes anything asks where it was sent from besides.
    pub(super) fn set(self, name: &str, value: &str, seconds: u64) -> String {
        let secure = match self {
            Self::Tls => "; Secure",
            Self::Plain => "",
        };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }
}

/// The value under a cookie's name in a `Cookie` header, or none where there are several: a
/// stranger's among them could be meant to win.
pub(super) fn find<'h>(name: &str, header: &'h str) -> Option<&'h str> {
    let mut values = header.split(';').filter_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    });
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const OLD: &str = "an old secret of more than thirty-two characters";
    const NEW: &str = "a new secret of more than thirty-two characters";

    fn keys(secrets: &[&str]) -> CookieKeys {
        CookieKeys::of_secrets(secrets.iter().copied()).unwrap()
    }

    #[test]
    fn a_cookie_opens_by_its_own_key_and_for_its_own_purpose() {
        let content = json!({"subject": "u-1"});
        let old = keys(&[OLD]);
        let value = old.lock(Purpose::Session, &content).unwrap();
        #[track_caller]
        fn check(keys: &CookieKeys, purpose: Purpose, value: &str, opens: bool) {
            assert_eq!(keys.open::<Value>(purpose, value).is_some(), opens);
        }
        check(&old, Purpose::Session, &value, true);
        check(&keys(&[NEW, OLD]), Purpose::Session, &value, true);
        check(&keys(&[NEW]), Purpose::Session, &value, false);
        check(&old, Purpose::Login, &value, false);
        assert_eq!(old.open(Purpose::Session, &value), Some(content.clone()));
        assert!(!value.contains("u-1"));
        // Each is another one, and what is made now is by the new key.
        assert_ne!(old.lock(Purpose::Session, &content).unwrap(), value);
        let renewed = keys(&[NEW, OLD]).lock(Purpose::Session, &content).unwrap();
        check(&keys(&[NEW]), Purpose::Session, &renewed, true);
    }

    /// Every byte counts: whichever is another one, the cookie does not open.
    #[test]
    fn a_forged_cookie_does_not_open() {
        let keys = keys(&[NEW]);
        let value = keys.lock(Purpose::Session, &json!({"a": 1})).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(keys.open::<Value>(Purpose::Session, &forged), None, "{at}");
        }
        for length in 0..bytes.len() {
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..length]);
            assert_eq!(keys.open::<Value>(Purpose::Session, &cut), None);
        }
        for odd in ["", "=", "ä", "AQ==", &"A".repeat(10_000)] {
            assert_eq!(keys.open::<Value>(Purpose::Session, odd), None);
        }
    }

    #[test]
    fn secrets_and_contents_have_their_limits() {
        let short = CookieKeys::of_secrets(["short"]).unwrap_err().to_string();
        assert!(
            short.contains("has 5 characters; it must have 32"),
            "{short}"
        );
        assert!(CookieKeys::of_secrets([]).is_err());
        assert!(CookieKeys::of_secrets([NEW, "short"]).is_err());
        let long = keys(&[NEW]).lock(Purpose::Session, &"x".repeat(3_000));
        assert!(long.unwrap_err().to_string().contains("fewer groups"));
    }

    #[test]
    fn a_cookie_is_found_by_its_name_and_set_for_its_line() {
        #[track_caller]
        fn check(header: &str, found: Option<&str>) {
            assert_eq!(find(&Line::Tls.session(), header), found, "{header}");
        }
        check("__Host-callreel-session=a", Some("a"));
        check("x=1; __Host-callreel-session=a; y=2", Some("a"));
        check("x=1;__Host-callreel-session=a=b", Some("a=b"));
        check("callreel-session=a", None);
        check("__Host-callreel-login=a", None);
        check("__host-callreel-session=a", None);
        check("__Host-callreel-session=a; __Host-callreel-session=b", None);
        check("__Host-callreel-session", None);
        check("", None);
        assert_eq!(
            Line::Tls.set(&Line::Tls.session(), "v", 60),
            "__Host-callreel-session=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        let login = Line::Plain.login("0123_-ab-and-more").unwrap();
        assert_eq!(
            Line::Plain.set(&login, "", 0),
            "callreel-login-0123_-ab=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
        for none in [
            "",
            "short",
            "a=b; c=d",
            "0123456é",
            "01234 67",
            "\r\n345678",
        ] {
            assert_eq!(Line::Plain.login(none), None, "{none:?}");
        }
        let header =
            "a=1; callreel-login-one=x; callreel-loginx=3;callreel-login-two=y=z; callreel-login=4";
        let logins = [("callreel-login-one", "x"), ("callreel-login-two", "y=z")];
        assert_eq!(Line::Plain.logins(header), logins);
    }
}
