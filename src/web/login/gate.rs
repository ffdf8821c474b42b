//! The gate before every page: who asks, whether their session still holds, and what they may
//! see. What a session may is worked out anew each time from its groups, so that other rules
//! hold at once.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ACCEPT, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::cookie::Purpose;
use super::{CameFrom, Login, NoLogin, go, now, provider, set_cookies};
use crate::archive::heard::LOG_TARGET;
use crate::archive::rules::Rules;
use crate::archive::session::{Session, State as Held};
use crate::archive::viewer::{Allowed, Sees, Viewer};
use crate::archive::way_back::{own_path, page_of};
use crate::object_key;
use crate::port::{Expect, Objects};

/// Why a request has no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotIn {
    #[error("nobody is logged in")]
    Nobody,
    #[error("the cookie is none of ours, or of a key that is no longer known")]
    Forged,
    #[error("nobody came for too long")]
    Idle,
    #[error("the session has lasted as long as it may")]
    Over,
    #[error("the session is of another clock")]
    OfNoClock,
    #[error("the session was ended")]
    Ended,
    #[error("none of the groups may see calls any more")]
    SeesNothing,
    #[error("whether the session was ended cannot be looked up: {0}")]
    Unknown(String),
}

/// Lets a request through with who asks, or leads to the login.
pub(super) async fn pass<O: Objects + Send + Sync + 'static>(
    State(login): State<Arc<Login<O>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let from = from(&request);
    match admitted(&login, request.headers()).await {
        Ok((session, renewed)) => {
            request.extensions_mut().insert(Viewer {
                name: session.who(),
                from: from.unwrap_or_default(),
                sees: Sees::AnyOf(allowed(&login.terms.rules, &session)),
            });
            let mut answer = next.run(request).await;
            set_cookies(&mut answer, renewed.as_slice());
            answer
        }
        Err(not_in) => refuse(&not_in, &request, from.as_deref()),
    }
}

/// Whose session a request has, and its cookie where it is to be made anew.
pub(super) async fn admitted<O: Objects + Send + Sync + 'static>(
    login: &Login<O>,
    headers: &HeaderMap,
) -> Result<(Session, Option<String>), NotIn> {
    let text = login.cookie_text(&login.line.session(), headers);
    let text = text.ok_or(NotIn::Nobody)?;
    let session: Option<Session> = login.keys().open(Purpose::Session, text);
    let session = session.ok_or(NotIn::Forged)?;
    if login.ended.holds(&session.id) {
        return Err(NotIn::Ended);
    }
    let now = now();
    let renewed = match session.state(now, &login.terms.lasting) {
        Held::Good => None,
        Held::ToBeRenewed => {
            let key = mark(login.ledger.prefix(), &session);
            match login.ledger.store().read(&key).await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    login.ended.use_up(&session.id, now);
                    return Err(NotIn::Ended);
                }
                Err(failure) => return Err(NotIn::Unknown(failure.to_string())),
            }
            let session = session.clone().seen_at(now);
            login.session_cookie(&session).ok()
        }
        Held::Idle => return Err(NotIn::Idle),
        Held::Over => return Err(NotIn::Over),
        Held::OfNoClock => return Err(NotIn::OfNoClock),
    };
    match allowed(&login.terms.rules, &session).is_empty() {
        true => Err(NotIn::SeesNothing),
        false => Ok((session, renewed)),
    }
}

/// Ends a session: in this process at once, in others that share the store by a mark in it.
pub(super) async fn end<O: Objects + Send + Sync + 'static>(
    login: &Login<O>,
    session: &Session,
) -> Result<(), NoLogin> {
    login.ended.use_up(&session.id, now());
    let mark_text = json!({"ended": now().to_rfc3339()}).to_string();
    let key = mark(login.ledger.prefix(), session);
    let put = login
        .ledger
        .store()
        .put(&key, mark_text.into_bytes(), Expect::Nothing);
    // One that is there already says the same.
    put.await
        .map(drop)
        .map_err(|failure| NoLogin::NotNoted(failure.to_string()))
}

/// Where it stands that a session was ended.
fn mark(prefix: &str, session: &Session) -> String {
    format!("{prefix}ended/{}.json", object_key::safe(&session.id))
}

/// What a session may see.
pub(super) fn allowed(rules: &Rules, session: &Session) -> Vec<Allowed> {
    rules.allowed(
        session.groups.iter().map(String::as_str),
        session.name.as_deref(),
    )
}

fn refuse(not_in: &NotIn, request: &Request, from: Option<&str>) -> Response {
    let path = request.uri().path();
    let told = provider::cut(path);
    match not_in {
        // Whoever comes for the first time is nothing to tell of.
        NotIn::Nobody => {
            tracing::info!(target: LOG_TARGET, from, path = told, cause = %not_in, allowed = false, "refused")
        }
        NotIn::Forged
        | NotIn::Idle
        | NotIn::Over
        | NotIn::OfNoClock
        | NotIn::Ended
        | NotIn::SeesNothing
        | NotIn::Unknown(_) => {
            tracing::warn!(target: LOG_TARGET, from, path = told, cause = %not_in, allowed = false, "refused");
        }
    }
    if let NotIn::Unknown(_) = not_in {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{not_in}; try again\n"),
        )
            .into_response();
    }
    let to = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let to = page_of(to);
    let login = format!("/login?to={}", provider::escaped(own_path(&to)));
    match is_for_a_page(request) {
        true => go(&login, &[]),
        false => {
            let body = json!({"error": not_in.to_string(), "login": login});
            (StatusCode::UNAUTHORIZED, axum::Json(body)).into_response()
        }
    }
}

/// Whether a person waits for a page, whom a redirection takes to the login and back.
fn is_for_a_page(request: &Request) -> bool {
    let text = |name: &str| {
        let value = request.headers().get(name);
        value.and_then(|value| value.to_str().ok())
    };
    let is_page = match text("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => text(ACCEPT.as_str()).is_some_and(|kinds| kinds.contains("text/html")),
    };
    request.method() == Method::GET && is_page
}

/// Whether a page of this very origin asks, by the browser's word: what changes something is
/// for such a page alone.
pub(super) fn is_of_our_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST.as_str());
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let name = origin.split_once("://").map(|(_, name)| name);
            name.is_some() && name == host
        }
        (None, None) => false,
    }
}

/// Where a request came from: as whoever serves the pages says, or else its connection.
pub(super) fn from(request: &Request) -> Option<String> {
    let told = request.extensions().get::<CameFrom>();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = || peer.map(|peer| peer.0.ip().to_string());
    told.map(|from| from.0.clone()).or_else(peer)
}
