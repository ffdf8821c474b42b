//! The process of the function `archive`: the archive's pages behind a login, called by an
//! HTTP API or a function's URL. Sound never passes through it: the browser gets a link to the
//! bucket, made at the press of play.
//!
//! Answers are compressed. Lambda gives none of more than 6 MB, text of base64 as these are: the
//! page asks for a longer waveform, and for a table, in pieces. Who asks for more than can be
//! given is told so.

use std::error::Error;
use std::process::ExitCode;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http_body_util::LengthLimitError;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use serde_json::json;
use tower_http::compression::CompressionLayer;

use super::log;
use crate::aws::{self, Access};
use crate::settings::archive::ArchiveConfig;
use crate::web::login::CameFrom;
use crate::wiring::archive::pages;

/// Which function this process is: there is one.
const HANDLERS: &[(&str, ())] = &[("archive", ())];

/// Bytes of a body at the most: base64 makes four of three, and Lambda gives 6,291,556 with all
/// that stands around them (Lambda quotas, "Invocation payload").
const MAX_BODY_BYTES: usize = 4_600_000;

/// Runs until Lambda ends the process.
pub async fn run() -> ExitCode {
    let read = |()| ArchiveConfig::from_lookup(|name| std::env::var(name).ok());
    let config = match super::begin(HANDLERS, read, |config| config.log_level) {
        Ok(((), config)) => config,
        Err(code) => return code,
    };
    let access = Access {
        region: Some(config.region.clone()),
        endpoint: config.endpoint.clone(),
        ..Access::default()
    };
    let shared = aws::load(access).await;
    let router = match pages(&config, &shared).await {
        Ok(router) => as_called(router),
        Err(problem) => {
            log::plain_error(&problem);
            return ExitCode::FAILURE;
        }
    };
    super::ended(lambda_http::run(router).await)
}

/// The pages as Lambda calls them.
fn as_called(pages: Router) -> Router {
    pages
        .layer(middleware::from_fn(came_from))
        .layer(CompressionLayer::new().gzip(true))
        .layer(middleware::from_fn(as_a_whole))
}

/// An answer that Lambda can give, which is one that is there to its end. What breaks off, or is
/// longer, would be an error of the function, which says nothing to who asked.
async fn as_a_whole(request: Request, next: Next) -> Response {
    let (head, body) = next.run(request).await.into_parts();
    let refused =
        |status: StatusCode, told: String| (status, Json(json!({"error": told}))).into_response();
    match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(whole) => Response::from_parts(head, Body::from(whole)),
        Err(error) if error.source().is_some_and(|it| it.is::<LengthLimitError>()) => refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "this is more than a function can give at once: ask for a file in ranges, and for a \
             table in pieces, by most=5000 and what the header callreel-next says as after"
                .to_owned(),
        ),
        Err(error) => {
            let told = format!("it broke off: {error}");
            refused(StatusCode::BAD_GATEWAY, told)
        }
    }
}

/// Where a request came from, by what API Gateway says: a header can say anything.
async fn came_from(mut request: Request, next: Next) -> Response {
    let from = match request.extensions().request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
        Some(_) | None => None,
    };
    if let Some(from) = from {
        request.extensions_mut().insert(CameFrom(from));
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use bytes::Bytes;
    use futures_util::stream;
    use lambda_http::tower::ServiceExt;

    #[tokio::test]
    async fn what_lambda_cannot_give_is_told() {
        #[track_caller]
        fn check(answer: (StatusCode, Bytes), status: u16, told: &str) {
            let body = String::from_utf8_lossy(&answer.1[..answer.1.len().min(300)]);
            assert_eq!(answer.0.as_u16(), status, "{body}");
            assert!(body.contains(told), "{body}");
        }
        let ask = async |pieces: Vec<Result<Bytes, &'static str>>| {
            let answer = move || async move { Body::from_stream(stream::iter(pieces)) };
            let pages = as_called(Router::new().route("/", get(answer)));
            let request = Request::get("/").body(Body::empty()).unwrap();
            let (head, body) = pages.oneshot(request).await.unwrap().into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            (head.status, body)
        };
        let piece = || Ok(Bytes::from_static(&[b'a'; 1_000_000]));
        let most = ask(vec![piece(), piece(), piece(), piece()]).await;
        assert_eq!(most.1.len(), 4_000_000);
        check(most, 200, "aaa");
        let more = ask((0..5).map(|_| piece()).collect()).await;
        check(more, 413, "in pieces, by most=5000");
        check(
            ask(vec![piece(), Err("no rights")]).await,
            502,
            "it broke off: no rights",
        );
        check(ask(Vec::new()).await, 200, "");
    }
}
