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
mod refusal;
mod used;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
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
use crate::archive::session::{LOGIN_LASTS, Lasting, Login as UnderWay, Session};
use crate::archive::token::{self, Expected, Person};
use crate::archive::way_back::own_path;
use crate::clock::now;
use crate::lock::lock;
use crate::port::Objects;
use crate::sha256;
use cookie::{Line, Purpose, find};
use gate::from;
use limit::Limit;
use provider::Provider;
use refusal::NoLogin;
use used::Used;

/// Where the provider sends people back to.
const BACK: &str = "/login/callback";
/// Logins under way in one browser at the most: tabs that were restored begin them side by side.
const MAX_LOGINS: usize = 5;
/// Letters of their cookies at the most. An HTTP API takes 10,240 bytes of all headers
/// (Amazon API Gateway quotas), and a session's cookie stands beside them.
const MAX_LOGIN_CHARS: usize = 5_000;

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
    /// Logins that began.
    begun: Mutex<Limit>,
    /// Ways back of no login.
    stray: Mutex<Limit>,
    /// Sessions that were ended in this process, or are known to it to have been.
    ended: Used,
    /// Logins that came back, by their states.
    came_back: Used,
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
            begun: Mutex::new(Limit::new(terms.logins_per_minute)),
            stray: Mutex::new(Limit::new(terms.logins_per_minute)),
            ended: Used::new(terms.lasting.absolute),
            came_back: Used::new(LOGIN_LASTS),
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
            .route("/login/icon.svg", get(page::icon))
            .route("/logout", get(logged_out::<O>).merge(post(end::<O>)))
            .with_state(Arc::clone(self))
            .merge(gated)
    }

    /// The header that sets a session's cookie.
    fn session_cookie(&self, session: &Session) -> Result<String, CookieError> {
        let value = self.keys().lock(Purpose::Session, session)?;
        let seconds = self.terms.lasting.absolute.as_secs();
        Ok(self.line.set(&self.line.session(), &value, seconds))
    }

    fn cookie_text<'h>(&self, name: &str, headers: &'h HeaderMap) -> Option<&'h str> {
        find(name, cookies(headers)?)
    }

    /// The login under way that a state belongs to, if this browser began it.
    fn under_way(&self, state: &str, headers: &HeaderMap) -> Option<UnderWay> {
        let name = self.line.login(state)?;
        let text = self.cookie_text(&name, headers)?;
        let under_way: UnderWay = self.keys().open(Purpose::Login, text)?;
        let is_same = verify_slices_are_equal(state.as_bytes(), under_way.state.as_bytes());
        is_same.is_ok().then_some(under_way)
    }

    /// The headers that set the cookie of a login that begins, and take those away for which
    /// there is no room beside it, the oldest first.
    fn login_cookies(
        &self,
        under_way: &UnderWay,
        headers: &HeaderMap,
    ) -> Result<Vec<String>, NoLogin> {
        let keys = self.keys();
        let value = keys.lock(Purpose::Login, under_way)?;
        let name = self.line.login(&under_way.state);
        let name = name.ok_or(CookieError::NotLocked)?;
        let others = cookies(headers).map(|header| self.line.logins(header));
        let others = others.unwrap_or_default().into_iter().map(|(name, value)| {
            let login: Option<UnderWay> = keys.open(Purpose::Login, value);
            let login = login.filter(|login| !login.is_over(now()));
            (login.map(|login| login.began), name, value.len())
        });
        let mut others: Vec<_> = others.collect();
        others.sort_unstable_by(|one, other| other.cmp(one));
        let mut room = MAX_LOGIN_CHARS.saturating_sub(value.len());
        let mut set = vec![self.line.set(&name, &value, LOGIN_LASTS.as_secs())];
        for (at, (began, name, chars)) in others.into_iter().enumerate() {
            let has_room = at + 1 < MAX_LOGINS && chars <= room;
            room = if has_room { room - chars } else { 0 };
            if !has_room || began.is_none() {
                set.push(self.line.set(name, "", 0));
            }
        }
        Ok(set)
    }

    /// One who is let in: who they are and what they may see.
    async fn redeem(&self, under_way: &UnderWay, back: &Back) -> Result<Session, NoLogin> {
        if !self.provider.is_named(back.iss.as_deref()).await? {
            return Err(NoLogin::OtherProvider);
        }
        if let Some(error) = &back.error {
            let description = back.error_description.as_deref().unwrap_or_default();
            let said = provider::told(error, description);
            return Err(NoLogin::told_on_the_way_back(error, said));
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
        let session = self.session(&person, now.0)?;
        match gate::allowed(&self.terms.rules, &session).is_empty() {
            false => Ok(session),
            true if person.groups_left_out => Err(NoLogin::GroupsLeftOut),
            true if session.groups.is_empty() => Err(NoLogin::SeesNothing),
            // A group that the rules name sees something, unless that is their own calls and
            // nobody knows which those are.
            true => Err(NoLogin::NoName {
                claim: self.terms.name_claim.clone(),
                why: match person.name_unverified {
                    true => ", or one that it has not verified (email_verified)",
                    false => "",
                },
            }),
        }
    }

    /// The session of a person who comes now.
    fn session(&self, person: &Person, now: i64) -> Result<Session, NoLogin> {
        let groups = person.groups.iter().map(String::as_str);
        Ok(Session {
            id: secret_text()?,
            subject: person.subject.clone(),
            name: person.name.clone(),
            groups: self.terms.rules.named(groups),
            began: now,
            seen: now,
        })
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
}

/// What is sent in the header Cookie. Over HTTP/1.1 there is one (RFC 6265, 5.4); HTTP/2's are
/// joined on their way here.
fn cookies(headers: &HeaderMap) -> Option<&str> {
    let mut headers = headers.get_all(COOKIE).iter();
    let header = headers.next()?.to_str().ok()?;
    headers.next().is_none().then_some(header)
}

/// Counts one of an address; false when it is too much.
fn allows(limit: &Mutex<Limit>, from: Option<&str>) -> bool {
    lock(limit).allows(from.unwrap_or_default(), now().0)
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
    if !allows(&login.begun, from.as_deref()) {
        return login.refuse(&NoLogin::TooMany, from.as_deref(), to);
    }
    let headers = request.headers().clone();
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
        let cookies = login.login_cookies(&under_way, &headers)?;
        Ok::<_, NoLogin>((way_in, cookies))
    };
    match way.await {
        Ok((way_in, cookies)) => go(&way_in, &cookies),
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
    let back = back.map(|back| back.0).unwrap_or_default();
    let state = back.state.as_deref().unwrap_or_default();
    let headers = request.headers().clone();
    let Some(under_way) = login.under_way(state, &headers) else {
        let refused = match allows(&login.stray, from.as_deref()) {
            true => NoLogin::NotBegun,
            false => NoLogin::TooMany,
        };
        let answer = login.refuse(&refused, from.as_deref(), "/");
        // Whoever is in already, and went back to here, is led on.
        return match gate::admitted(&login, &headers).await {
            Ok(_) => go("/", &[]),
            Err(_) => answer,
        };
    };
    let to = own_path(&under_way.to);
    // Used up, whatever comes of it.
    let name = login.line.login(&under_way.state).unwrap_or_default();
    let used = login.line.set(&name, "", 0);
    let let_in = async {
        if under_way.is_over(now()) {
            return Err(NoLogin::TookTooLong);
        }
        // A provider that takes a code twice would let in whoever kept the cookie.
        if !login.came_back.use_up(&under_way.state, now()) {
            return Err(NoLogin::UsedUp);
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
    let gone = login.line.set(&login.line.session(), "", 0);
    let text = login.cookie_text(&login.line.session(), request.headers());
    let session: Option<Session> = text.and_then(|it| login.keys().open(Purpose::Session, it));
    if let Some(session) = session {
        let ended = gate::end(&login, &session).await;
        let heard = Heard::at_the_door(&session.who(), from.as_deref(), LOGOUT, now());
        let noted = login.note(heard).await;
        if let Err(refused) = ended.and(noted) {
            let mut answer = login.refuse(&refused, from.as_deref(), "/");
            set_cookies(&mut answer, &[gone]);
            return answer;
        }
    }
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
