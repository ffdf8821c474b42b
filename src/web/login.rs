//! The login before the archive's pages: by any provider of OpenID Connect, with the
//! authorisation code flow and PKCE on the server's side. A browser sees cookies that it
//! cannot read, and no token. The server keeps nothing: a session is its cookie, so that any
//! of a function's processes serves anybody.
//!
//! Pages behind it find in each request who asks ([`Viewer`](crate::archive::viewer::Viewer)). Without a session there
//! is none: a page leads to the login and back to itself, anything else is answered with 401.

mod cookie;
mod fetch;
mod gate;
mod keys;
mod ledger;
mod limit;
mod page;
mod provider;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use cookie::{CookieError, CookieKeys, LEAST_SECRET};
pub use ledger::Ledger;
pub use provider::Client;

use crate::archive::heard::{Heard, LOG_TARGET, LOGIN, LOGOUT};
use crate::archive::rules::Rules;
use crate::archive::session::{Lasting, Login as UnderWay, Session};
use crate::archive::token::{self, Expected};
use crate::archive::way_back::own_path;
use crate::clock::now;
use crate::lock::lock;
use crate::port::Objects;
use crate::sha256;
use cookie::{Line, Purpose};
use gate::from;
use keys::NotSigned;
use limit::Limit;
use provider::Provider;

/// Where the provider sends people back to.
const BACK: &str = "/login/callback";
/// Seconds that a browser keeps the cookie of a login under way.
const LOGIN_SECONDS: u64 = 600;

/// What the login is to know.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Where the pages are: `https://calls.example.com`, without a slash at its end.
    pub base: String,
    /// What we are to the provider.
    pub client: Client,
    /// Who may see what.
    pub rules: Rules,
    /// The claim with the name by which a person answers calls.
    pub name_claim: String,
    /// The claim with the groups.
    pub groups_claim: String,
    /// How long a session lasts.
    pub lasting: Lasting,
    /// Logins that may begin in a minute from one address.
    pub logins_per_minute: u32,
}

/// Where a request came from, as whoever serves the pages knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameFrom(pub String);

/// The login, and what it stands on.
#[derive(Debug)]
pub struct Login<O> {
    terms: Terms,
    line: Line,
    provider: Provider,
    keys: RwLock<Arc<CookieKeys>>,
    ledger: Arc<Ledger<O>>,
    limit: Mutex<Limit>,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoLogin {
    #[error("too many logins in this minute")]
    TooMany,
    #[error("the way back from the provider belongs to no login that this browser began")]
    NotBegun,
    #[error("the login took longer than ten minutes")]
    TookTooLong,
    #[error("the way back is not from the provider that the login went to")]
    OtherProvider,
    #[error("the provider refused: {0}")]
    Refused(String),
    #[error("the provider: {0}")]
    Provider(String),
    #[error("the provider did not take the code: {0}")]
    Code(String),
    #[error("the id token: {0}")]
    Signature(NotSigned),
    #[error("the id token: {0}")]
    Token(token::Refused),
    #[error("{0}")]
    SeesNothing(&'static str),
    #[error("{0}")]
    Cookie(#[from] CookieError),
    #[error("the login cannot be noted: {0}")]
    NotNoted(String),
}

impl NoLogin {
    fn status(&self) -> StatusCode {
        match self {
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::NotBegun | Self::TookTooLong => StatusCode::BAD_REQUEST,
            Self::OtherProvider
            | Self::Refused(_)
            | Self::Code(_)
            | Self::Signature(_)
            | Self::Token(_)
            | Self::SeesNothing(_) => StatusCode::FORBIDDEN,
            Self::Provider(_) => StatusCode::BAD_GATEWAY,
            Self::Cookie(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotNoted(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What to do about it, for whoever sees the page.
    const fn cure(&self) -> &'static str {
        match self {
            Self::TooMany => "Wait for a minute, and log in again.",
            Self::NotBegun => {
                "Log in again, in this tab. If it happens each time, let the browser keep cookies for this page."
            }
            Self::TookTooLong | Self::Code(_) => "Log in again.",
            Self::OtherProvider | Self::Signature(_) | Self::Token(_) => {
                "Log in again. If it happens each time, tell those who run this archive: the log says which check failed."
            }
            Self::Refused(_) => "Ask those who run the provider whether you may use this archive.",
            Self::Provider(_) => {
                "Log in again in a while. If it happens each time, tell those who run this archive."
            }
            Self::SeesNothing(_) => {
                "Ask those who run this archive to let one of your groups see calls (ARCHIVE_RULES)."
            }
            Self::Cookie(_) | Self::NotNoted(_) => "Tell those who run this archive.",
        }
    }
}

impl<O: Objects + Send + Sync + 'static> Login<O> {
    /// A login on these terms, whose lines go where those of the pages go. The error says why there can be none.
    pub fn new(terms: Terms, keys: CookieKeys, ledger: Arc<Ledger<O>>) -> Result<Self, String> {
        let line = match terms.base.starts_with("https://") {
            true => Line::Tls,
            false => Line::Plain,
        };
        Ok(Self {
            line,
            provider: Provider::new(terms.client.clone(), format!("{}{BACK}", terms.base))?,
            keys: RwLock::new(Arc::new(keys)),
            ledger,
            limit: Mutex::new(Limit::new(terms.logins_per_minute)),
            terms,
        })
    }

    /// The keys are these from now on.
    pub fn set_keys(&self, keys: CookieKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    fn keys(&self) -> Arc<CookieKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts the login before pages: none of them is reached without a session.
    pub fn before(self: &Arc<Self>, pages: Router) -> Router {
        let gated = pages.layer(middleware::from_fn_with_state(
            Arc::clone(self),
            gate::pass::<O>,
        ));
        Router::new()
            .route("/login", get(begin::<O>))
            .route(BACK, get(back::<O>))
            .route("/login/page.css", get(page::style))
            .route("/logout", get(logged_out::<O>).merge(post(end::<O>)))
            .with_state(Arc::clone(self))
            .merge(gated)
    }

    /// The header that sets a session's cookie.
    fn session_cookie(&self, session: &Session) -> Result<String, CookieError> {
        let value = self.keys().lock(Purpose::Session, session)?;
        let seconds = self.terms.lasting.absolute.as_secs();
        Ok(self.line.set(Purpose::Session, &value, seconds))
    }

    /// What a request's cookie holds, if it is ours.
    fn cookie<T: serde::de::DeserializeOwned>(
        &self,
        purpose: Purpose,
        headers: &HeaderMap,
    ) -> Option<T> {
        self.keys()
            .open(purpose, self.cookie_text(purpose, headers)?)
    }

    fn cookie_text<'h>(&self, purpose: Purpose, headers: &'h HeaderMap) -> Option<&'h str> {
        let mut headers = headers.get_all(axum::http::header::COOKIE).iter();
        let header = headers.next()?.to_str().ok()?;
        // Over HTTP/1.1 there is one (RFC 6265, 5.4); HTTP/2's are joined on their way here.
        match headers.next() {
            None => self.line.find(purpose, header),
            Some(_) => None,
        }
    }

    /// One who is let in: who they are and what they may see.
    async fn redeem(&self, under_way: &UnderWay, back: &Back) -> Result<Session, NoLogin> {
        if !self.provider.is_named(back.iss.as_deref()).await? {
            return Err(NoLogin::OtherProvider);
        }
        if let Some(error) = &back.error {
            let told = back.error_description.as_deref().unwrap_or_default();
            return Err(NoLogin::Refused(provider::cut(&format!("{error} {told}"))));
        }
        let code = back.code.as_deref().unwrap_or_default();
        let claims = self.provider.redeem(code, &under_way.verifier).await?;
        let expected = Expected {
            issuer: &self.provider.client().issuer,
            client: &self.provider.client().id,
            nonce: &under_way.nonce,
            name_claim: &self.terms.name_claim,
            groups_claim: &self.terms.groups_claim,
        };
        let now = now();
        let person = token::check(&claims, &expected, now).map_err(NoLogin::Token)?;
        let groups = (self.terms.rules).named(person.groups.iter().map(String::as_str));
        let session = Session {
            id: secret_text()?,
            subject: person.subject,
            name: person.name,
            groups,
            began: now.0,
            seen: now.0,
        };
        match gate::allowed(&self.terms.rules, &session).is_empty() {
            false => Ok(session),
            true if person.groups_left_out => Err(NoLogin::SeesNothing(
                "the provider left your groups out of the token, since they are too many: let it give only those that are assigned to this application",
            )),
            true => Err(NoLogin::SeesNothing(
                "none of your groups may see calls here",
            )),
        }
    }

    async fn note(&self, heard: Heard) -> Result<(), NoLogin> {
        let noted = self.ledger.note(&heard, now()).await;
        noted.map_err(|failure| NoLogin::NotNoted(failure.to_string()))
    }

    /// A page that says why, and a line in the log.
    fn refuse(&self, refused: &NoLogin, from: Option<&str>, to: &str) -> Response {
        tracing::warn!(
            target: LOG_TARGET,
            from,
            act = LOGIN,
            cause = %refused,
            allowed = false,
            "refused"
        );
        let again = format!("/login?to={}", provider::escaped(to));
        let mut answer = page::told(
            refused.status(),
            "You are not logged in",
            &[&capital(&refused.to_string()), refused.cure()],
            Some((&again, "Log in again")),
        );
        if matches!(refused, NoLogin::TooMany) {
            let headers = answer.headers_mut();
            headers.insert("retry-after", HeaderValue::from_static("60"));
        }
        answer
    }

    fn allows(&self, from: Option<&str>) -> bool {
        lock(&self.limit).allows(from.unwrap_or_default(), now().0)
    }
}

/// What the provider sends back.
#[derive(Debug, Default, serde::Deserialize)]
struct Back {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Where somebody wants to be afterwards.
#[derive(Debug, Default, serde::Deserialize)]
struct To {
    to: Option<String>,
}

/// Leads to the provider.
async fn begin<O: Objects + Send + Sync + 'static>(
    State(login): State<Arc<Login<O>>>,
    to: Result<Query<To>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Response {
    let from = from(&request);
    let to = to.ok().and_then(|to| to.0.to).unwrap_or_default();
    let to = own_path(&to);
    if !login.allows(from.as_deref()) {
        return login.refuse(&NoLogin::TooMany, from.as_deref(), to);
    }
    let way = async {
        let under_way = UnderWay {
            state: secret_text()?,
            nonce: secret_text()?,
            verifier: secret_text()?,
            to: to.to_owned(),
            began: now().0,
        };
        let challenge = URL_SAFE_NO_PAD.encode(sha256::of(under_way.verifier.as_bytes()));
        let (state, nonce) = (&under_way.state, &under_way.nonce);
        let way_in = login.provider.way_in(state, nonce, &challenge).await?;
        let value = login.keys().lock(Purpose::Login, &under_way)?;
        let cookie = login.line.set(Purpose::Login, &value, LOGIN_SECONDS);
        Ok::<_, NoLogin>((way_in, cookie))
    };
    match way.await {
        Ok((way_in, cookie)) => go(&way_in, &[cookie]),
        Err(refused) => login.refuse(&refused, from.as_deref(), to),
    }
}

/// The way back from the provider.
async fn back<O: Objects + Send + Sync + 'static>(
    State(login): State<Arc<Login<O>>>,
    back: Result<Query<Back>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Response {
    let from = from(&request);
    if !login.allows(from.as_deref()) {
        return login.refuse(&NoLogin::TooMany, from.as_deref(), "/");
    }
    let back = back.map(|back| back.0).unwrap_or_default();
    let under_way: Option<UnderWay> = login.cookie(Purpose::Login, request.headers());
    let is_answer = |under_way: &UnderWay| {
        let state = back.state.as_deref().unwrap_or_default();
        verify_slices_are_equal(state.as_bytes(), under_way.state.as_bytes()).is_ok()
    };
    let Some(under_way) = under_way.filter(is_answer) else {
        return login.refuse(&NoLogin::NotBegun, from.as_deref(), "/");
    };
    let to = own_path(&under_way.to);
    // Used up, whatever comes of it.
    let used = login.line.set(Purpose::Login, "", 0);
    let let_in = async {
        if under_way.is_over(now()) {
            return Err(NoLogin::TookTooLong);
        }
        let session = login.redeem(&under_way, &back).await?;
        let cookie = login.session_cookie(&session)?;
        login
            .note(Heard {
                query: Some(session.groups.join(", ")),
                ..Heard::at_the_door(&session.who(), from.as_deref(), LOGIN, now())
            })
            .await?;
        Ok(cookie)
    };
    match let_in.await {
        Ok(cookie) => go(to, &[used, cookie]),
        Err(refused) => {
            let mut answer = login.refuse(&refused, from.as_deref(), to);
            set_cookies(&mut answer, &[used]);
            answer
        }
    }
}

/// Ends a session before its time: its cookie is of no use from then on, whoever has it.
async fn end<O: Objects + Send + Sync + 'static>(
    State(login): State<Arc<Login<O>>>,
    request: Request,
) -> Response {
    let from = from(&request);
    if !gate::is_of_our_page(request.headers()) {
        tracing::warn!(
            target: LOG_TARGET,
            from,
            act = LOGOUT,
            cause = "asked by no page of ours",
            allowed = false,
            "refused"
        );
        return (
            StatusCode::FORBIDDEN,
            "only a page of the archive may ask for this\n",
        )
            .into_response();
    }
    let session: Option<Session> = login.cookie(Purpose::Session, request.headers());
    if let Some(session) = session {
        let ended = gate::end(&login, &session).await;
        let heard = Heard::at_the_door(&session.who(), from.as_deref(), LOGOUT, now());
        let noted = login.note(heard).await;
        if let Err(refused) = ended.and(noted) {
            return login.refuse(&refused, from.as_deref(), "/");
        }
    }
    let gone = login.line.set(Purpose::Session, "", 0);
    go("/logout", &[gone])
}

/// Says that nobody is logged in, and how to log out of the provider as well.
async fn logged_out<O: Objects + Send + Sync + 'static>(
    State(login): State<Arc<Login<O>>>,
) -> Response {
    let places = login.provider.places().await.ok();
    let end = places.and_then(|places| places.end_session.clone());
    let elsewhere = end.map(|end| {
        let back = format!("{}/logout", login.terms.base);
        let fields = [
            ("client_id", &*login.provider.client().id),
            ("post_logout_redirect_uri", &*back),
            // Amazon Cognito's name for the same.
            ("logout_uri", &*back),
        ];
        let between = if end.contains('?') { '&' } else { '?' };
        format!("{end}{between}{}", provider::form(&fields))
    });
    page::logged_out(elsewhere.as_deref())
}

/// Leads elsewhere, with cookies.
fn go(to: &str, cookies: &[String]) -> Response {
    let mut answer = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::from_str(to) {
        Ok(to) => drop(answer.headers_mut().insert(LOCATION, to)),
        Err(_) => return StatusCode::BAD_GATEWAY.into_response(),
    }
    set_cookies(&mut answer, cookies);
    answer
}

fn set_cookies(answer: &mut Response, cookies: &[String]) {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
    }
}

/// A text of 256 bits that nobody can guess.
fn secret_text() -> Result<String, NoLogin> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoLogin::Cookie(CookieError::NotLocked))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
