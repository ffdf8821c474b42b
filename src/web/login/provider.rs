//! The provider: where it says that things are (discovery), the keys that it signs by, and
//! the exchange of a code for an id token. What it says is kept for a while, and asked anew by a
//! login that fails by it: providers change their keys without a word, and sometimes move.
//!
//! Each login asks so once at the most, as it exchanges its code once: whoever begins logins
//! makes the provider be asked no more often than that.
//! Sources: OpenID Connect Discovery 1.0, 3 and 4; RFC 6749, 4.1; RFC 7636; RFC 9207.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::NoLogin;
use super::fetch::{Answer, Outgoing};
use super::keys::{KeySet, NotSigned};
use crate::archive::secure::is_safe;

/// How long what a provider says of itself is believed.
const KEPT: Duration = Duration::from_secs(3_600);
/// Characters of what a provider says that go on to people.
const MAX_TOLD: usize = 200;

/// All but what RFC 3986 calls unreserved.
const NOT_IN_A_FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What we are to a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// The provider: `https://cognito-idp.REGION.amazonaws.com/POOL` and the like.
    pub issuer: String,
    /// The client's id there.
    pub id: String,
    /// Its secret, where it has one.
    pub secret: Option<String>,
    /// What is asked to be told: `openid email profile`.
    pub scopes: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({} at {})", self.id, self.issuer)
    }
}

/// A provider, and what is known of it so far.
#[derive(Debug)]
pub(super) struct Provider {
    client: Client,
    /// Where it sends people back to.
    redirect: String,
    outgoing: Outgoing,
    places: Mutex<Option<Known<Places>>>,
    keys: Mutex<Option<Known<KeySet>>>,
}

/// What a provider said.
#[derive(Debug)]
struct Known<T> {
    what: Arc<T>,
    /// Until when it is believed.
    until: Instant,
}

impl<T> Known<T> {
    fn new(what: T) -> Self {
        Self {
            what: Arc::new(what),
            until: Instant::now() + KEPT,
        }
    }

    fn believed(&self) -> Option<Arc<T>> {
        (Instant::now() < self.until).then(|| Arc::clone(&self.what))
    }
}

/// Where things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    authorise: String,
    token: String,
    keys: String,
    /// Where people log out of the provider itself.
    pub(super) end_session: Option<String>,
    secret: SecretGoes,
    /// Its way back names itself.
    names_itself: bool,
}

/// Where the provider takes a client's secret: in the header Authorization, or in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SecretGoes {
    Header,
    Form,
    /// By what it says of itself; a client may be registered for one of them alone.
    Either,
}

impl Provider {
    pub(super) fn new(client: Client, redirect: String) -> Result<Self, String> {
        Ok(Self {
            client,
            redirect,
            outgoing: Outgoing::new()?,
            places: Mutex::new(None),
            keys: Mutex::new(None),
        })
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Where things are, as the provider says. What it said before serves while it does not
    /// answer.
    pub(super) async fn places(&self) -> Result<Arc<Places>, NoLogin> {
        let mut known = self.places.lock().await;
        if let Some(places) = known.as_ref().and_then(Known::believed) {
            return Ok(places);
        }
        match (self.discover().await, &*known) {
            (Ok(places), _) => Ok(Arc::clone(&known.insert(Known::new(places)).what)),
            (Err(NoLogin::Provider(_)), Some(known)) => Ok(Arc::clone(&known.what)),
            (Err(refused), _) => Err(refused),
        }
    }

    /// What the provider said of itself is asked anew by whoever is next.
    async fn doubt(&self) {
        if let Some(known) = &mut *self.places.lock().await {
            known.until = Instant::now();
        }
    }

    async fn discover(&self) -> Result<Places, NoLogin> {
        let issuer = &self.client.issuer;
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let json = good(self.outgoing.get(&url).await, &url)?;
        Places::read(&json, issuer).map_err(NoLogin::Provider)
    }

    /// Where somebody goes to log in.
    pub(super) async fn way_in(
        &self,
        state: &str,
        nonce: &str,
        challenge: &str,
    ) -> Result<String, NoLogin> {
        let places = self.places().await?;
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.client.id),
            ("redirect_uri", &self.redirect),
            ("scope", &self.client.scopes),
            ("state", state),
            ("nonce", nonce),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ]);
        let between = if places.authorise.contains('?') {
            '&'
        } else {
            '?'
        };
        Ok(format!("{}{between}{query}", places.authorise))
    }

    /// Whether a way back is from this provider, as far as it says so (RFC 9207): with several
    /// providers, one could answer in another's name.
    pub(super) async fn is_named(&self, issuer: Option<&str>) -> Result<bool, NoLogin> {
        let places = self.places().await?;
        Ok(match issuer {
            Some(issuer) => issuer == self.client.issuer,
            None => !places.names_itself,
        })
    }

    /// The claims of the id token that a code is worth, its signature known to be the
    /// provider's.
    pub(super) async fn redeem(
        &self,
        code: &str,
        verifier: &str,
    ) -> Result<Map<String, Value>, NoLogin> {
        let places = self.places().await?;
        let claims = self.exchange(code, verifier, &places).await;
        if let Err(NoLogin::Provider(_) | NoLogin::Signature(_) | NoLogin::Code(_)) = claims {
            self.doubt().await;
        }
        claims
    }

    async fn exchange(
        &self,
        code: &str,
        verifier: &str,
        places: &Places,
    ) -> Result<Map<String, Value>, NoLogin> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &*self.redirect),
            ("client_id", &*self.client.id),
            ("code_verifier", verifier),
        ];
        let mut answer = self.exchanged(&fields, places, places.secret).await;
        // A provider that does not know the client has not looked at the code.
        if let (Ok(told), Some(_)) = (&answer, &self.client.secret)
            && places.secret == SecretGoes::Either
            && told.json.get("error").and_then(Value::as_str) == Some("invalid_client")
        {
            answer = self.exchanged(&fields, places, SecretGoes::Form).await;
        }
        let json = match answer {
            Ok(Answer { status, json }) if (400..500).contains(&status) => {
                let error = json.get("error").and_then(Value::as_str);
                let error = error.unwrap_or_default();
                return Err(NoLogin::told_of_the_code(error, told_by(&json, status)));
            }
            answer => good(answer, &places.token)?,
        };
        let token = json.get("id_token").and_then(Value::as_str);
        let token = token.ok_or_else(|| {
            NoLogin::Provider(format!(
                "{} gave no id token: let the client ask for the scope openid",
                places.token
            ))
        })?;
        self.claims(token, places).await
    }

    async fn exchanged(
        &self,
        fields: &[(&str, &str)],
        places: &Places,
        secret: SecretGoes,
    ) -> Result<Answer, String> {
        let mut fields = fields.to_vec();
        let mut basic = None;
        match (&self.client.secret, secret) {
            (Some(secret), SecretGoes::Form) => fields.push(("client_secret", secret)),
            // Both are encoded as in a form before they are joined (RFC 6749, 2.3.1).
            (Some(secret), SecretGoes::Header | SecretGoes::Either) => {
                basic = Some((escaped(&self.client.id), escaped(secret)));
            }
            (None, _) => {}
        }
        let form = form(&fields);
        self.outgoing.post(&places.token, form, basic).await
    }

    async fn claims(&self, token: &str, places: &Places) -> Result<Map<String, Value>, NoLogin> {
        let keys = self.keys(places, None).await?;
        match keys.claims(token) {
            Err(NotSigned::UnknownKey | NotSigned::Signature) => {
                let keys = self.keys(places, Some(&keys)).await?;
                keys.claims(token).map_err(NoLogin::Signature)
            }
            claims => claims.map_err(NoLogin::Signature),
        }
    }

    /// The keys as they are known; or others than those by which a token is not the provider's.
    async fn keys(
        &self,
        places: &Places,
        others_than: Option<&Arc<KeySet>>,
    ) -> Result<Arc<KeySet>, NoLogin> {
        let mut known = self.keys.lock().await;
        // Another login may have asked meanwhile.
        let is_other = |keys: &Arc<KeySet>| others_than.is_none_or(|it| !Arc::ptr_eq(it, keys));
        let believed = known.as_ref().and_then(Known::believed);
        if let Some(keys) = believed.filter(is_other) {
            return Ok(keys);
        }
        let json = good(self.outgoing.get(&places.keys).await, &places.keys)?;
        let keys = KeySet::read(&json)
            .ok_or_else(|| NoLogin::Provider(format!("{} is no set of keys", places.keys)))?;
        Ok(Arc::clone(&known.insert(Known::new(keys)).what))
    }
}

impl Places {
    /// Reads what a provider says of itself; the error says what is wrong with it.
    fn read(json: &Value, issuer: &str) -> Result<Self, String> {
        let text = |name: &str| json.get(name).and_then(Value::as_str);
        let says = text("issuer").unwrap_or_default();
        if says != issuer {
            return Err(format!(
                "it calls itself {:?}, and the issuer is set to {issuer:?}: set it to the letter as the provider has it",
                cut(says)
            ));
        }
        let place = |name: &str| {
            let url = text(name).ok_or_else(|| format!("it names no {name}"))?;
            match is_safe(url) {
                true => Ok(url.to_owned()),
                false => Err(format!("its {name} is {:?}, which is not https", cut(url))),
            }
        };
        let list = |name: &str| {
            let list = json.get(name).and_then(Value::as_array);
            list.map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>())
        };
        let ways = list("token_endpoint_auth_methods_supported");
        let has = |way: &str| ways.as_ref().is_some_and(|ways| ways.contains(&way));
        if list("code_challenge_methods_supported").is_some_and(|known| !known.contains(&"S256")) {
            return Err("it does not take PKCE with S256: allow it for this client".to_owned());
        }
        Ok(Self {
            authorise: place("authorization_endpoint")?,
            token: place("token_endpoint")?,
            keys: place("jwks_uri")?,
            end_session: place("end_session_endpoint").ok(),
            // A provider that does not say takes it in the header (Discovery 1.0, 3).
            secret: match (has("client_secret_post"), has("client_secret_basic")) {
                (true, true) => SecretGoes::Either,
                (true, false) => SecretGoes::Form,
                (false, _) => SecretGoes::Header,
            },
            names_itself: json.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
        })
    }
}

/// The JSON of an answer that is one.
fn good(answer: Result<Answer, String>, url: &str) -> Result<Value, NoLogin> {
    match answer {
        Ok(Answer { status: 200, json }) if json.is_object() => Ok(json),
        Ok(Answer { status: 200, .. }) => Err(NoLogin::Provider(format!("{url} gave no JSON"))),
        Ok(Answer { status, .. }) => Err(NoLogin::Provider(format!("{url} answered {status}"))),
        Err(error) => Err(NoLogin::Provider(error)),
    }
}

/// What a provider says is wrong (RFC 6749, 5.2).
fn told_by(json: &Value, status: u16) -> String {
    let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
    match told(text("error"), text("error_description")) {
        nothing if nothing.is_empty() => format!("it answered {status}"),
        told => told,
    }
}

/// An error of a provider's and its own words for it, for people.
pub(super) fn told(error: &str, description: &str) -> String {
    match (error.trim(), description.trim()) {
        (error, "") => cut(error),
        ("", description) => cut(description),
        (error, description) => cut(&format!("{error}: {description}")),
    }
}

/// Outside text for people: short, and on one line.
pub(super) fn cut(text: &str) -> String {
    let printable = text.chars().map(|letter| match letter.is_control() {
        true => ' ',
        false => letter,
    });
    printable.take(MAX_TOLD).collect()
}

/// A text as it stands in a form or a query.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NOT_IN_A_FORM).to_string()
}

/// Fields as a form has them.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        let between = if form.is_empty() { "" } else { "&" };
        let _ = write!(form, "{between}{name}={}", escaped(value));
    }
    form
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_provider_says_of_itself_is_read_and_looked_at() {
        let good = json!({
            "issuer": "https://idp.example", "authorization_endpoint": "https://idp.example/a",
            "token_endpoint": "https://idp.example/t", "jwks_uri": "https://idp.example/k",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        });
        let places = Places::read(&good, "https://idp.example").unwrap();
        assert_eq!(places.token, "https://idp.example/t");
        assert_eq!(places.secret, SecretGoes::Either);
        assert!(!places.names_itself && places.end_session.is_none());
        #[track_caller]
        fn check(good: &Value, name: &str, value: Value, said: &str) {
            let mut changed = good.clone();
            changed[name] = value;
            let error = Places::read(&changed, "https://idp.example").unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        check(
            &good,
            "issuer",
            json!("https://idp.example/"),
            "it calls itself \"https://idp.example/\"",
        );
        check(&good, "issuer", json!(null), "it calls itself \"\"");
        check(
            &good,
            "token_endpoint",
            json!(null),
            "it names no token_endpoint",
        );
        check(
            &good,
            "jwks_uri",
            json!("http://idp.example/k"),
            "which is not https",
        );
        check(
            &good,
            "code_challenge_methods_supported",
            json!(["plain"]),
            "PKCE with S256",
        );
        for (ways, secret) in [
            (json!(["client_secret_post"]), SecretGoes::Form),
            (
                json!(["client_secret_basic", "private_key_jwt"]),
                SecretGoes::Header,
            ),
            (json!(["none"]), SecretGoes::Header),
            (json!(null), SecretGoes::Header),
        ] {
            let mut other = good.clone();
            other["token_endpoint_auth_methods_supported"] = ways;
            let places = Places::read(&other, "https://idp.example").unwrap();
            assert_eq!(places.secret, secret, "{other}");
        }
    }

    #[test]
    fn forms_and_told_texts_are_escaped_and_cut() {
        assert_eq!(
            form(&[("a", "b c&d=é"), ("e", "~")]),
            "a=b%20c%26d%3D%C3%A9&e=~"
        );
        let json = json!({"error": "invalid_grant", "error_description": "x\r\n".repeat(500)});
        let told = told_by(&json, 400);
        assert!(told.starts_with("invalid_grant: x") && told.len() <= 200 && !told.contains('\n'));
        assert_eq!(told_by(&Value::Null, 403), "it answered 403");
        assert_eq!(
            told_by(&json!({"error": "invalid_client"}), 401),
            "invalid_client"
        );
    }
}
