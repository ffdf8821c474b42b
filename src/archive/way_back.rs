//! The way back to where one was before the login: a path of our own pages, and never an
//! address that leads to anybody else's, nor one that gives data: nobody comes from the
//! provider with a download that they did not press.

use std::borrow::Cow;

use crate::archive::CALL;

/// Bytes of a path at the most: it travels in a cookie of four kilobytes.
const MAX_BYTES: usize = 1_500;

/// Where one goes back to, or the first page for anything that is no plain path of ours.
///
/// A browser takes `//host` and `/\host` for another host's, drops tabs and line ends before it
/// reads an address (URL Standard, "basic URL parser"), and an address with a scheme is a
/// stranger's anyway.
pub fn own_path(text: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let is_own = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= MAX_BYTES
        && text.bytes().all(is_plain)
        && !is_no_page(text);
    if is_own { text } else { "/" }
}

/// A login that leads to a login would never end; what is below `/api` is data.
fn is_no_page(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let first = path.split('/').nth(1).unwrap_or_default();
    ["login", "logout", "api"].contains(&first)
}

/// The page that shows what a path gives, which is the path itself unless it gives data: of a
/// search its page with the same words, of a recording's files the recording's page.
pub fn page_of(path: &str) -> Cow<'_, str> {
    let Some(data) = path.strip_prefix("/api/") else {
        return Cow::Borrowed(path);
    };
    let (what, words) = data.split_once('?').unwrap_or((data, ""));
    let key = words.split('&').find_map(|word| word.strip_prefix("key="));
    match (what, key) {
        ("recordings" | "recordings.csv", _) if !words.is_empty() => {
            Cow::Owned(format!("/?{words}"))
        }
        ("recording" | "peaks" | "audio" | "check", Some(key)) => {
            Cow::Owned(format!("/{CALL}{key}"))
        }
        _ => Cow::Borrowed("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_gone_back_to() {
        #[track_caller]
        fn check(text: &str, is_own: bool) {
            assert_eq!(own_path(text) == text, is_own, "{text:?}");
            let path = own_path(text);
            assert!(path.starts_with('/') && !path.starts_with("//"));
        }
        for own in [
            "/",
            "/call/8d1c-2a?at=83.5",
            "/?q=%2B81&from=2026-01-01#t=1,2",
            "/a//b",
            "/loginless",
        ] {
            check(own, true);
        }
        for foreign in [
            "",
            "call",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            "/a\\b",
            "/a b",
            "/ä",
            "/a\r\nSet-Cookie: x=y",
            "/\0",
            "/login",
            "/login?to=/login",
            "/login/callback?code=1",
            "/logout",
            "/api/audio?key=a&act=download",
            "/api",
        ] {
            check(foreign, false);
        }
        check(&format!("/{}", "a".repeat(1_499)), true);
        check(&format!("/{}", "a".repeat(1_500)), false);
    }

    #[test]
    fn data_has_a_page_that_shows_it() {
        #[track_caller]
        fn check(path: &str, page: &str) {
            assert_eq!(page_of(path), page, "{path}");
            assert_eq!(own_path(&page_of(path)), page, "{path}");
        }
        check("/call?recording=a&t=1", "/call?recording=a&t=1");
        check("/api/recordings?queue=a%20b&from=x", "/?queue=a%20b&from=x");
        check("/api/recordings.csv?agent=jo", "/?agent=jo");
        check("/api/recordings.csv", "/");
        check(
            "/api/audio?key=a%2Fb&file=to&act=download",
            "/call?recording=a%2Fb",
        );
        check("/api/peaks?x=1&key=a", "/call?recording=a");
        check("/api/audio?file=to", "/");
        check("/api/other?key=a", "/");
    }
}
