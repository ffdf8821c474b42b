//! Which addresses secrets may be sent to: the provider's, and those that it names.

/// Whether an address keeps secrets: by TLS, or since it does not leave this machine.
pub fn is_safe(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty()
        || authority.contains('@')
        || !url.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    match scheme {
        "https" => !host.is_empty(),
        "http" => ["127.0.0.1", "localhost", "::1"].contains(&host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_safe_over_tls_or_on_this_machine() {
        #[track_caller]
        fn check(url: &str, safe: bool) {
            assert_eq!(is_safe(url), safe, "{url}");
        }
        check("https://idp.example/a?b", true);
        check("http://127.0.0.1:8900/oidc", true);
        check("http://localhost/oidc", true);
        check("http://[::1]:80/", true);
        for unsafe_one in [
            "http://idp.example/",
            "http://127.0.0.1.evil.example/",
            "http://127.0.0.1@evil.example/",
            "http://evil.example#127.0.0.1",
            "https://",
            "https:///a",
            "ftp://idp.example/",
            "javascript:alert(1)",
            "idp.example",
            "https://idp.example/ä",
            "https://idp.example/\r\nx: y",
            "",
        ] {
            check(unsafe_one, false);
        }
    }
}
