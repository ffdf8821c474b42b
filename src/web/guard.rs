//! Who may ask for a page, and what a page may do in a browser.
//!
//! A page on loopback has no login: any page of the web could read it by a name that it makes
//! point to 127.0.0.1, if names were not looked at. A request whose `Host` is none of the
//! page's own is answered with 421; one that another site's page sends, with 403. Somebody may
//! follow another site's link to a page, and to nothing else: what gives data does more than
//! show it, such as note who had it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

/// What is the same for every answer. `no-store`, where a handler says nothing else: what a
/// page shows of calls does not stay on the disk.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer` a browser hides the origin of a form's POST from us as well (Fetch
    // Standard, "append a request `Origin` header"), and nobody could log out.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
    (header::X_DNS_PREFETCH_CONTROL, "off"),
];

/// What the paths of pages begin with; `/` is one itself.
const PAGES: &[&str] = &["", "call", "login", "logout"];

/// The names that pages answer to, and where else they may load sound from.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    hosts: Vec<String>,
    /// Every address leads here, with this port. A page of the web can make a name of its own point
    /// here, and no address.
    any_address: Option<u16>,
    media: Vec<String>,
    over_tls: bool,
}

impl Guard {
    /// Pages at an address of this machine. One of loopback also answers to `localhost`, one that
    /// stands for all of the machine's to each of them.
    pub fn at(address: SocketAddr) -> Self {
        let port = address.port();
        let mut hosts = vec![address.to_string()];
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            hosts.push(format!("127.0.0.1:{port}"));
            hosts.push(format!("[::1]:{port}"));
            hosts.push(format!("localhost:{port}"));
        }
        // Browsers leave out the port that is usual.
        if port == 80 {
            let bare: Vec<_> = hosts
                .iter()
                .filter_map(|it| it.strip_suffix(":80"))
                .collect();
            let bare: Vec<_> = bare.into_iter().map(str::to_owned).collect();
            hosts.extend(bare);
        }
        Self {
            hosts,
            any_address: address.ip().is_unspecified().then_some(port),
            ..Self::default()
        }
    }

    /// Pages behind TLS under names of their own, as a function has them.
    pub fn named(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            over_tls: true,
            ..Self::default()
        }
        .also_named(names)
    }

    /// Further names (`calls.example.com`, or with a port) that lead here.
    #[must_use]
    pub fn also_named(mut self, names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(|name| name.to_ascii_lowercase());
        self.hosts.extend(names);
        self
    }

    /// Pages may play and fetch sound from these origins too (`https://audio.example.com`).
    #[must_use]
    pub fn with_media_from(mut self, origins: impl IntoIterator<Item = String>) -> Self {
        self.media.extend(origins);
        self
    }

    /// Puts the guard before every route, those that lead nowhere included.
    pub fn guard(self, router: Router) -> Router {
        let policy = HeaderValue::from_str(&self.policy());
        let gate = Gate {
            policy: policy.unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'")),
            guard: self,
        };
        let nowhere = || async {
            (
                StatusCode::NOT_FOUND,
                "there is nothing under this address\n",
            )
        };
        router
            .fallback(nowhere)
            .layer(middleware::from_fn_with_state(Arc::new(gate), pass))
    }

    /// Whether a name is an address that leads here.
    fn is_address(&self, name: &str) -> bool {
        let Some(port) = self.any_address else {
            return false;
        };
        let bare = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let is_bare = bare.unwrap_or(name).parse::<IpAddr>().is_ok();
        match name.parse::<SocketAddr>() {
            Ok(address) => address.port() == port,
            // Browsers leave out the port that is usual.
            Err(_) => port == 80 && is_bare,
        }
    }

    fn policy(&self) -> String {
        let media: String = self
            .media
            .iter()
            .map(|origin| format!(" {origin}"))
            .collect();
        format!(
            "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; \
             frame-ancestors 'none'; media-src 'self'{media}; connect-src 'self'{media}"
        )
    }

    /// Why a request is refused; `None` when it is not.
    fn refusal(
        &self,
        method: &Method,
        path: &str,
        host: Option<&str>,
        headers: &HeaderMap,
    ) -> Option<Refused> {
        let is_own = |name: &str| self.hosts.contains(&name.to_ascii_lowercase());
        let Some(host) = host.filter(|name| is_own(name) || self.is_address(name)) else {
            return Some(Refused::Host);
        };
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        if let Some(origin) = text("origin") {
            let name = origin
                .strip_prefix("http://")
                .or(origin.strip_prefix("https://"));
            if !name.is_some_and(|name| is_own(name) || name == host) {
                return Some(Refused::Origin);
            }
        }
        // Browsers say where a request comes from; who says nothing is no browser, and no
        // page can make it ask.
        let follows_a_link = method == Method::GET && text("sec-fetch-mode") == Some("navigate");
        let first = path.split('/').nth(1).unwrap_or_default();
        match text("sec-fetch-site") {
            None | Some("same-origin" | "none") => None,
            Some(_) if follows_a_link && PAGES.contains(&first) => None,
            Some(_) if follows_a_link => Some(Refused::Link),
            Some(_) => Some(Refused::Origin),
        }
    }
}

/// A guard at work.
struct Gate {
    guard: Guard,
    policy: HeaderValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Host,
    Origin,
    Link,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "this page is not served under the name that you used; open the address that \
                 callreel printed, or tell it the name with --host\n",
            ),
            Self::Origin => (
                StatusCode::FORBIDDEN,
                "this was asked by the page of another site, and is for its own page alone\n",
            ),
            Self::Link => (
                StatusCode::FORBIDDEN,
                "another site's link led here, and this is no page; begin with the first one, under /\n",
            ),
        }
        .into_response()
    }
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // A request to a proxy names the host twice: both count.
    let told = headers
        .get(header::HOST)
        .map(|host| host.to_str().unwrap_or("?"));
    let asked = request.uri().authority().map(|host| host.as_str());
    let hosts = [told.or(asked), asked.or(told)];
    let (method, path) = (request.method(), request.uri().path());
    let refusals = hosts.map(|host| gate.guard.refusal(method, path, host, headers));
    let mut answer = match refusals.into_iter().flatten().next() {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, gate.policy.clone());
    if gate.guard.over_tls {
        let a_year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, a_year);
    }
    let keeping = headers.entry(header::CACHE_CONTROL);
    keeping.or_insert(HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &[(&str, &str)] = &[];

    #[track_caller]
    fn check(
        guard: &Guard,
        method: Method,
        host: &str,
        headers: &[(&'static str, &str)],
        refused: Option<Refused>,
    ) {
        let headers = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        });
        let found = guard.refusal(&method, "/", Some(host), &headers.collect());
        assert_eq!(found, refused, "{method} {host}");
    }

    #[test]
    fn only_own_names_are_answered() {
        let guard = Guard::at("127.0.0.1:8750".parse().unwrap())
            .also_named(["Desk.example.com:8750".to_owned()]);
        for host in [
            "127.0.0.1:8750",
            "localhost:8750",
            "LOCALHOST:8750",
            "[::1]:8750",
            "desk.example.com:8750",
        ] {
            check(&guard, Method::GET, host, NONE, None);
        }
        for host in [
            "evil.example",
            "evil.example:8750",
            "127.0.0.1",
            "127.0.0.1:8751",
            "localhost.evil.example:8750",
            "desk.example.com",
            "127.0.0.1:8750.evil.example",
            "",
            "?",
        ] {
            check(&guard, Method::GET, host, NONE, Some(Refused::Host));
        }
        let lacking = guard.refusal(&Method::GET, "/", None, &HeaderMap::new());
        assert_eq!(lacking, Some(Refused::Host));
        let usual = Guard::at("127.0.0.1:80".parse().unwrap());
        check(&usual, Method::GET, "localhost", NONE, None);
        // All addresses of the machine: none of them is a name that somebody made point here.
        let all = Guard::at("0.0.0.0:8750".parse().unwrap());
        for host in [
            "127.0.0.1:8750",
            "localhost:8750",
            "0.0.0.0:8750",
            "192.0.2.7:8750",
            "[2001:db8::7]:8750",
        ] {
            check(&all, Method::GET, host, NONE, None);
        }
        for host in [
            "192.0.2.7",
            "192.0.2.7:8751",
            "evil.example:8750",
            "192.0.2.7.evil.example:8750",
            "8750",
        ] {
            check(&all, Method::GET, host, NONE, Some(Refused::Host));
        }
        for (origin, refused) in [
            ("http://192.0.2.7:8750", None),
            ("http://192.0.2.8:8750", Some(Refused::Origin)),
            ("http://192.0.2.7:8751", Some(Refused::Origin)),
        ] {
            check(
                &all,
                Method::POST,
                "192.0.2.7:8750",
                &[("origin", origin)],
                refused,
            );
        }
        // An address of the network is no loopback.
        let open = Guard::at("192.0.2.7:8750".parse().unwrap());
        check(&open, Method::GET, "192.0.2.7:8750", NONE, None);
        check(
            &open,
            Method::GET,
            "localhost:8750",
            NONE,
            Some(Refused::Host),
        );
    }

    #[test]
    fn another_sites_page_asks_for_nothing() {
        let guard = Guard::named(["calls.example.com".to_owned()]);
        let origin = Some(Refused::Origin);
        let from = |origin| [("origin", origin)];
        let post = |headers: &[(&'static str, &str)], refused| {
            check(&guard, Method::POST, "calls.example.com", headers, refused);
        };
        post(NONE, None);
        post(&from("https://calls.example.com"), None);
        post(&from("https://evil.example"), origin);
        post(&from("https://calls.example.com.evil.example"), origin);
        post(&from("https://calls.example.com:444"), origin);
        post(&from("null"), origin);
        post(&from("calls.example.com"), origin);
        post(&[("sec-fetch-site", "cross-site")], origin);
        post(&[("sec-fetch-site", "same-site")], origin);
        let navigates = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        post(&navigates, origin);
        let get = |headers: &[(&'static str, &str)], refused| {
            check(&guard, Method::GET, "calls.example.com", headers, refused);
        };
        // Somebody follows a link, or comes back from where they logged in.
        get(&navigates, None);
        get(&[("sec-fetch-site", "none")], None);
        get(
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")],
            origin,
        );
        get(&from("https://evil.example"), origin);
        let headers = navigates.map(|(name, value)| {
            let value = HeaderValue::from_static(value);
            (HeaderName::from_static(name), value)
        });
        let headers: HeaderMap = headers.into_iter().collect();
        for (path, refused) in [
            ("/call", None),
            ("/login/callback", None),
            ("/logout", None),
            ("/api/audio", Some(Refused::Link)),
            ("/api/recordings.csv", Some(Refused::Link)),
            ("/calls/8d1c/sound", Some(Refused::Link)),
            ("/nowhere", Some(Refused::Link)),
        ] {
            let host = Some("calls.example.com");
            let found = guard.refusal(&Method::GET, path, host, &headers);
            assert_eq!(found, refused, "{path}");
        }
    }

    #[test]
    fn a_page_loads_sound_from_where_it_is_told_and_nothing_else() {
        let guard = Guard::default().with_media_from(["https://audio.example.com".to_owned()]);
        let policy = guard.policy();
        assert!(policy.contains("default-src 'self';"));
        assert!(policy.contains("media-src 'self' https://audio.example.com;"));
        assert!(!policy.contains("unsafe"));
    }
}
