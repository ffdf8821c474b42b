//! The few pages of the login itself: without a script, and with nothing of any call.

use std::fmt::Write as _;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html as Page, IntoResponse, Response};

use crate::html::Html;

const STYLE: &str = include_str!("page.css");
const ICON: &str = include_str!("../icon.svg");

/// The style of these pages; nothing secret is in it.
pub(super) async fn style() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, STYLE).into_response()
}

/// The icon, which the pages behind the login have as well.
pub(super) async fn icon() -> Response {
    let headers = [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "no-cache")];
    (headers, ICON).into_response()
}

/// A page that says something, with a link to go on by.
pub(super) fn told(
    status: StatusCode,
    title: &str,
    sentences: &[&str],
    link: Option<(&str, &str)>,
) -> Response {
    let mut body = String::new();
    for sentence in sentences {
        let _ = write!(body, "<p>{}</p>", Html(sentence));
    }
    if let Some((to, text)) = link {
        let _ = write!(
            body,
            "<p><a class=\"go\" href=\"{}\">{}</a></p>",
            Html(to),
            Html(text)
        );
    }
    (status, whole(title, &body)).into_response()
}

/// After a logout.
pub(super) fn logged_out(elsewhere: Option<&str>) -> Response {
    let mut body = String::from("<p>You are logged out of this archive.</p>");
    if let Some(elsewhere) = elsewhere {
        let _ = write!(
            body,
            "<p>Your company’s login may still know you: whoever uses this browser gets in without a word. \
             <a href=\"{}\">Log out there as well</a></p>",
            Html(elsewhere)
        );
    }
    body.push_str("<p><a class=\"go\" href=\"/login\">Log in</a></p>");
    whole("You are logged out", &body).into_response()
}

fn whole(title: &str, body: &str) -> Page<String> {
    Page(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · Callreel</title>\
         <link rel=\"icon\" href=\"/login/icon.svg\">\
         <link rel=\"stylesheet\" href=\"/login/page.css\"></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>\n",
        title = Html(title)
    ))
}
