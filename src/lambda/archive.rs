//! The process of the function `archive`: the archive's pages behind a login, called by an
//! HTTP API or a function's URL. Sound never passes through it: the browser gets a link to the
//! bucket, made at the press of play.
//!
//! Answers are compressed. Lambda gives none of more than 6 MB, text of base64 as these are: the
//! page asks for a longer waveform in pieces, which are not compressed.

use std::process::ExitCode;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use tower_http::compression::CompressionLayer;

use super::log;
use crate::aws::{self, Access};
use crate::settings::archive::ArchiveConfig;
use crate::web::login::CameFrom;
use crate::wiring::archive::pages;

/// Which function this process is: there is one.
const HANDLERS: &[(&str, ())] = &[("archive", ())];

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
