//! What a browser asks of a bucket besides: whether a page of another origin may read what it
//! gets. It may here, as the CORS rule of the stack's bucket lets the archive's page: GET and
//! HEAD, with the header Range. Which page it is does not matter here.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, HeaderName, HeaderValue, ORIGIN,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};

use super::wire::{Reply, reply_of};

const SAID: [(HeaderName, &str); 4] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
    (ACCESS_CONTROL_ALLOW_HEADERS, "range"),
    (
        ACCESS_CONTROL_EXPOSE_HEADERS,
        "content-range, content-length, accept-ranges",
    ),
];

/// Whether a page of another origin asks for something that it may read.
pub(super) fn is_of_a_page(method: &Method, headers: &HeaderMap) -> bool {
    [Method::GET, Method::HEAD].contains(method) && headers.contains_key(ORIGIN)
}

/// The answer to a browser that asks first whether it may ask.
pub(super) fn preflight(head: &Parts) -> Option<Reply> {
    let asks = head.method == Method::OPTIONS && head.headers.contains_key(ORIGIN);
    asks.then(|| allowed(reply_of("text/plain", Vec::new().into())))
}

/// The same answer, which the page may read.
pub(super) fn allowed(mut reply: Reply) -> Reply {
    for (name, value) in SAID {
        reply
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    reply
}
