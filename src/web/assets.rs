//! The files of a page, compiled in. A browser keeps them, and asks each time whether they
//! are still the same, so that no page runs on the script of another version.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::object_key::hex;
use crate::sha256;

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Where it is served, `/monitor.js`.
    pub path: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What is in it.
    pub bytes: &'static [u8],
}

/// What a file is; all text is UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page.
    Html,
    /// An ES module.
    Script,
    /// A style sheet.
    Style,
    /// A picture of lines.
    Svg,
}

impl Kind {
    /// As the header Content-Type has it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
            Self::Style => "text/css; charset=utf-8",
            Self::Svg => "image/svg+xml",
        }
    }
}

/// Serves the files, to GET and HEAD alone.
pub fn router(assets: &'static [Asset]) -> Router {
    assets.iter().fold(Router::new(), |router, asset| {
        let hash = sha256::of(asset.bytes);
        let tag = format!("\"{}\"", hex(&hash[..16]));
        let answer = move |headers: HeaderMap| {
            let answer = answer(asset, &tag, &headers);
            async move { answer }
        };
        router.route(asset.path, get(answer))
    })
}

fn answer(asset: &Asset, tag: &str, asked: &HeaderMap) -> Response {
    let known = asked.get_all(IF_NONE_MATCH).iter();
    let is_known = known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().trim_start_matches("W/") == tag);
    let mut answer = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => asset.bytes.into_response(),
    };
    let headers = answer.headers_mut();
    let kind = HeaderValue::from_static(asset.kind.content_type());
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    answer
}
