//! The way back to where one was before the login: a path of our own pages, and never an
//! address that leads to anybody else's.

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
        && !is_of_the_login(text);
    if is_own { text } else { "/" }
}

/// A login that leads to a login would never end.
fn is_of_the_login(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let first = path.split('/').nth(1).unwrap_or_default();
    ["login", "logout"].contains(&first)
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
        ] {
            check(foreign, false);
        }
        check(&format!("/{}", "a".repeat(1_499)), true);
        check(&format!("/{}", "a".repeat(1_500)), false);
    }
}
