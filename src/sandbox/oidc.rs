//! An identity provider of OpenID Connect, for trying logins: discovery, keys, a page with a
//! few invented people to log in as, the exchange of a code with PKCE, and a logout. It knows
//! one client, and misbehaves by the script: [`Forgery`] says how an id token can be wrong.
//!
//! Not here: passwords, consent, refresh and access tokens that are good for anything.

mod sign;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::faults::{Effect, Forgery};
use super::operation::PROVIDER;
use super::wire::{Reply, json_reply, reply_of};
use crate::html::Html;
use crate::lock::lock;
use crate::sha256;
use sign::Signer;

/// The client that it knows.
pub const CLIENT: &str = "callreel-archive";
/// The client's secret; a client that gives none is taken for one without.
pub const SECRET: &str = "a secret of the sandbox";
/// How long a code is good for.
const CODE_LASTS: Duration = Duration::from_secs(60);
/// How long a token is good for, in seconds.
const TOKEN_LASTS: i64 = 300;
/// Codes that are open at once, at the most.
const MAX_CODES: usize = 1_000;

/// People to log in as: name, what is told of them, their groups.
pub const PEOPLE: &[(&str, &str, &[&str])] = &[
    ("sam", "Sam Auditor", &["auditors", "staff"]),
    ("lea", "Lea Lead", &["support-leads", "staff"]),
    ("mia", "Mia Agent", &["agents", "staff"]),
    ("noa", "Noa Nobody", &["staff"]),
];

/// A login that got a code.
#[derive(Debug)]
struct Grant {
    person: usize,
    redirect: String,
    challenge: String,
    nonce: Option<String>,
    given: Instant,
}

/// The provider.
#[derive(Debug)]
pub(super) struct Oidc {
    issuer: String,
    signer: Mutex<Signer>,
    grants: Mutex<HashMap<String, Grant>>,
}

impl Oidc {
    /// A provider below this address. The error says why there can be none.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let signer = Signer::new().map_err(|_| "no key could be made to sign with".to_owned())?;
        Ok(Self {
            issuer: format!("{url}{PROVIDER}"),
            signer: Mutex::new(signer),
            grants: Mutex::new(HashMap::new()),
        })
    }

    pub(super) fn answer(
        &self,
        operation: &str,
        head: &Parts,
        body: &[u8],
        effect: Option<&Effect>,
    ) -> Reply {
        match operation {
            "Discover" => json_reply(&self.places()),
            "Keys" => json_reply(&lock(&self.signer).published()),
            "Authorize" => self.authorize(head),
            "Token" => self.token(head, body, effect),
            "EndSession" => end_session(head),
            _ => told(
                404,
                "Nothing here",
                &format!("The provider is at {}.", self.issuer),
            ),
        }
    }

    fn places(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "end_session_endpoint": format!("{issuer}/logout"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "authorization_response_iss_parameter_supported": true,
            "scopes_supported": ["openid", "email", "profile"],
        })
    }

    /// The page to log in by; with a person chosen, the way back with a code.
    fn authorize(&self, head: &Parts) -> Reply {
        let query = fields(head.uri.query().unwrap_or_default());
        let get = |name: &str| query.get(name).map_or("", String::as_str);
        let redirect = get("redirect_uri");
        // Errors of these two are told here: the way back is nobody's yet (RFC 6749, 4.1.2.1).
        if get("client_id") != CLIENT {
            let said = format!(
                "No client is called {:?}; there is {CLIENT:?}.",
                get("client_id")
            );
            return told(400, "No such client", &said);
        }
        if !is_ours(redirect) {
            let said =
                format!("{redirect:?} is no address on this machine that ends in /login/callback.");
            return told(400, "No such way back", &said);
        }
        let wrong = if get("response_type") != "code" {
            Some(("unsupported_response_type", "only code"))
        } else if !get("scope").split(' ').any(|scope| scope == "openid") {
            Some(("invalid_scope", "openid is not asked for"))
        } else if get("code_challenge_method") != "S256" || get("code_challenge").len() != 43 {
            Some(("invalid_request", "a code challenge by S256 is wanted"))
        } else {
            None
        };
        let back = |answer: &[(&str, &str)]| {
            let state = query.get("state").map(|state| ("state", state.as_str()));
            let all = answer.iter().copied().chain(state);
            let all = all.chain([("iss", self.issuer.as_str())]);
            go(&format!("{redirect}?{}", form(all)))
        };
        if let Some((error, said)) = wrong {
            return back(&[("error", error), ("error_description", said)]);
        }
        let chosen = get("user");
        if chosen == "-" {
            return back(&[
                ("error", "access_denied"),
                ("error_description", "nobody was chosen"),
            ]);
        }
        let Some(person) = PEOPLE.iter().position(|(name, ..)| *name == chosen) else {
            return self.page(head.uri.query().unwrap_or_default());
        };
        let Ok(code) = sign::secret_text() else {
            return told(500, "No code", "There is no randomness to be had.");
        };
        let mut grants = lock(&self.grants);
        grants.retain(|_, grant| grant.given.elapsed() < CODE_LASTS);
        if grants.len() >= MAX_CODES {
            return told(503, "Too many codes", "Wait for a minute.");
        }
        grants.insert(
            code.clone(),
            Grant {
                person,
                redirect: redirect.to_owned(),
                challenge: get("code_challenge").to_owned(),
                nonce: query.get("nonce").cloned(),
                given: Instant::now(),
            },
        );
        back(&[("code", &code)])
    }

    fn page(&self, query: &str) -> Reply {
        let mut people = String::new();
        for (name, full, groups) in PEOPLE.iter().chain([&("-", "Nobody: refuse", &[][..])]) {
            let href = format!("{}/authorize?{query}&user={name}", self.issuer);
            let href = Html(&href);
            let groups = groups.join(", ");
            let _ = write!(people, "<li><a href=\"{href}\">{full}</a> {groups}</li>");
        }
        html(
            StatusCode::OK,
            "Log in as",
            &format!("<p>An invented provider, for trying logins.</p><ul>{people}</ul>"),
        )
    }

    /// The exchange of a code, which is good for once (RFC 6749, 4.1.3; RFC 7636, 4.6).
    fn token(&self, head: &Parts, body: &[u8], effect: Option<&Effect>) -> Reply {
        let fields = fields(&String::from_utf8_lossy(body));
        let get = |name: &str| fields.get(name).map_or("", String::as_str);
        if let Err(said) = is_the_client(head, get("client_id"), fields.get("client_secret")) {
            let mut reply = refused(401, "invalid_client", said);
            let basic = HeaderValue::from_static("Basic realm=\"sandbox\"");
            reply.headers_mut().insert(WWW_AUTHENTICATE, basic);
            return reply;
        }
        if get("grant_type") != "authorization_code" {
            return refused(400, "unsupported_grant_type", "only authorization_code");
        }
        let grant = lock(&self.grants).remove(get("code"));
        let Some(grant) = grant.filter(|grant| grant.given.elapsed() < CODE_LASTS) else {
            return refused(
                400,
                "invalid_grant",
                "the code is unknown, used up or too old",
            );
        };
        let challenge = URL_SAFE_NO_PAD.encode(sha256::of(get("code_verifier").as_bytes()));
        if challenge != grant.challenge {
            return refused(
                400,
                "invalid_grant",
                "the verifier is not that of the challenge",
            );
        }
        if get("redirect_uri") != grant.redirect {
            return refused(400, "invalid_grant", "the way back is another one");
        }
        let forgery = match effect {
            Some(Effect::IdToken(forgery)) => Some(*forgery),
            Some(_) | None => None,
        };
        let claims = self.claims(&grant, forgery);
        let signed = lock(&self.signer).token(&claims, forgery);
        match signed {
            Ok(token) => json_reply(&json!({
                "id_token": token, "access_token": "good for nothing", "token_type": "Bearer",
                "expires_in": TOKEN_LASTS,
            })),
            Err(_) => refused(500, "server_error", "the token could not be signed"),
        }
    }

    fn claims(&self, grant: &Grant, forgery: Option<Forgery>) -> Map<String, Value> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX);
        let made = match forgery {
            Some(Forgery::Expired | Forgery::Old) => now - 3_600,
            Some(Forgery::NotYet) => now + 3_600,
            Some(_) | None => now,
        };
        let ends = match forgery {
            Some(Forgery::Old) => now + TOKEN_LASTS,
            Some(_) | None => made + TOKEN_LASTS,
        };
        let issuer = match forgery {
            Some(Forgery::WrongIssuer) => "https://elsewhere.example",
            Some(_) | None => &self.issuer,
        };
        let audience = match forgery {
            Some(Forgery::WrongAudience) => "another-client",
            Some(_) | None => CLIENT,
        };
        let (name, full, groups) = PEOPLE[grant.person];
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(issuer));
        claims.insert("aud".to_owned(), json!(audience));
        claims.insert("sub".to_owned(), json!(format!("sandbox-{name}")));
        claims.insert("iat".to_owned(), json!(made));
        claims.insert("nbf".to_owned(), json!(made));
        claims.insert("exp".to_owned(), json!(ends));
        claims.insert("email".to_owned(), json!(format!("{name}@example.com")));
        claims.insert("email_verified".to_owned(), json!(true));
        claims.insert("preferred_username".to_owned(), json!(name));
        claims.insert("name".to_owned(), json!(full));
        claims.insert("groups".to_owned(), json!(groups));
        let nonce = match forgery {
            Some(Forgery::WrongNonce) => Some("another login's"),
            Some(Forgery::NoNonce) => None,
            Some(_) | None => grant.nonce.as_deref(),
        };
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        claims
    }
}

/// Who asks for a token: the one client, with its secret or without one.
fn is_the_client(head: &Parts, id: &str, secret: Option<&String>) -> Result<(), &'static str> {
    let header = head.headers.get(AUTHORIZATION);
    let basic = header.and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let basic = basic.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (id, secret) = match (&basic, header) {
        (Some(basic), _) => {
            let (id, secret) = basic.split_once(':').unwrap_or((basic, ""));
            (decoded(id), Some(decoded(secret)))
        }
        (None, Some(_)) => return Err("the header Authorization cannot be read"),
        (None, None) => (id.to_owned(), secret.cloned()),
    };
    match (id == CLIENT, secret.as_deref()) {
        (true, None | Some(SECRET)) => Ok(()),
        (true, Some(_)) => Err("the secret is wrong"),
        (false, _) => Err("no such client"),
    }
}

/// The ways back that the client has registered: any port of this machine.
fn is_ours(redirect: &str) -> bool {
    let rest = redirect
        .strip_prefix("http://")
        .or(redirect.strip_prefix("https://"));
    let Some((host, path)) = rest.and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let name = host.split(':').next().unwrap_or_default();
    // What stands before an `@` is a user's name, and the host is behind it.
    !host.contains('@') && ["127.0.0.1", "localhost"].contains(&name) && path == "login/callback"
}

fn end_session(head: &Parts) -> Reply {
    let query = fields(head.uri.query().unwrap_or_default());
    let back = query.get("post_logout_redirect_uri");
    let is_ours = |back: &&String| {
        back.strip_suffix("/logout")
            .is_some_and(|base| is_ours(&format!("{base}/login/callback")))
    };
    match back.filter(is_ours) {
        Some(back) => go(back),
        None => told(
            200,
            "Logged out",
            "You are logged out of the invented provider.",
        ),
    }
}

/// The fields of a query or a form; of two with one name, the last.
fn fields(text: &str) -> HashMap<String, String> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn form<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let fields = fields.into_iter();
    let fields = fields.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    fields.collect::<Vec<_>>().join("&")
}

fn go(to: &str) -> Reply {
    let mut reply = html(StatusCode::FOUND, "Go on", "");
    if let Ok(to) = HeaderValue::from_str(to) {
        reply.headers_mut().insert(LOCATION, to);
    }
    reply
}

fn refused(status: u16, error: &str, said: &str) -> Reply {
    let mut reply = json_reply(&json!({"error": error, "error_description": said}));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    reply
}

fn told(status: u16, title: &str, said: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    html(status, title, &format!("<p>{}</p>", Html(said)))
}

fn html(status: StatusCode, title: &str, body: &str) -> Reply {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · sandbox</title></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>\n"
    );
    let mut reply = reply_of("text/html; charset=utf-8", page.into());
    *reply.status_mut() = status;
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_back_are_of_this_machine() {
        #[track_caller]
        fn check(redirect: &str, ours: bool) {
            assert_eq!(is_ours(redirect), ours, "{redirect}");
        }
        check("http://127.0.0.1:8900/login/callback", true);
        check("https://localhost/login/callback", true);
        for foreign in [
            "http://127.0.0.1:8900/login/callback?x",
            "http://127.0.0.1.example/login/callback",
            "http://evil.example/login/callback",
            "http://127.0.0.1:1@evil.example/login/callback",
            "//127.0.0.1/login/callback",
            "http://127.0.0.1/",
            "",
        ] {
            check(foreign, false);
        }
    }
}
