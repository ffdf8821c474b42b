//! The archive's login against the provider that the sandbox plays: who gets in, who does
//! not, and that each refusal leads nowhere. The pages behind it are a stand-in that says who
//! came.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use callreel::archive::rules::Rules;
use callreel::archive::session::Lasting;
use callreel::archive::viewer::Viewer;
use callreel::listened;
use callreel::local::LocalRecordings;
use callreel::sandbox::{CLIENT, Effect, Faults, Forgery, Rule, SECRET, Sandbox, Settings};
use callreel::web::login::{CameFrom, Client, CookieKeys, Ledger, Login, Terms};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const KEY: &str = "a secret for cookies that nobody can ever guess";
const OTHER_KEY: &str = "another secret for cookies that nobody can guess";
const RULES: &str =
    r#"{"auditors": "all", "support-leads": {"queues": ["Support"]}, "agents": "own"}"#;

/// A provider, pages behind its login, and a browser's cookies.
struct World {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    login: Arc<Login<LocalRecordings>>,
    terms: Terms,
    base: String,
    jar: BTreeMap<String, String>,
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let mut all = self.headers.iter();
        let found = all.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }
}

async fn world() -> World {
    world_with(Lasting::default(), Some(SECRET)).await
}

async fn world_with(lasting: Lasting, secret: Option<&str>) -> World {
    world_on(|terms| {
        terms.lasting = lasting;
        terms.client.secret = secret.map(str::to_owned);
    })
    .await
}

/// A world with a login on changed terms.
async fn world_on(change: impl FnOnce(&mut Terms)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        streams: folder.path().join("streams"),
        data: folder.path().join("data"),
        oidc: true,
        ..Settings::default()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut terms = Terms {
        base: base.clone(),
        client: Client {
            issuer: sandbox.issuer(),
            id: CLIENT.to_owned(),
            secret: Some(SECRET.to_owned()),
            scopes: "openid email profile".to_owned(),
        },
        rules: Rules::parse(RULES).unwrap(),
        name_claim: "email".to_owned(),
        groups_claim: "groups".to_owned(),
        lasting: Lasting::default(),
        logins_per_minute: 40,
    };
    change(&mut terms);
    let login = serve(terms.clone(), folder.path(), listener);
    World {
        folder,
        sandbox,
        login,
        terms,
        base,
        jar: BTreeMap::new(),
    }
}

/// A process that serves pages behind the login. It shares the store with others.
fn serve(
    terms: Terms,
    folder: &std::path::Path,
    listener: TcpListener,
) -> Arc<Login<LocalRecordings>> {
    let store = LocalRecordings::new(folder.join("archive"));
    let ledger = Arc::new(Ledger::new(store, "listened/", "w"));
    let keys = CookieKeys::of_secrets([KEY]).unwrap();
    let login = Arc::new(Login::new(terms, keys, ledger).unwrap());
    let says_who = |request: Request| async move {
        let guest = request.extensions().get::<Viewer>().unwrap();
        format!("{} sees {:?}", guest.name, guest.sees)
    };
    let pages = Router::new()
        .route("/", get(says_who))
        .route("/call/{contact}", get(says_who))
        .fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "nothing") });
    let from = |mut request: Request, next: axum::middleware::Next| async move {
        request
            .extensions_mut()
            .insert(CameFrom("192.0.2.7".to_owned()));
        next.run(request).await
    };
    let router = login.before(pages).layer(axum::middleware::from_fn(from));
    tokio::spawn(async move { axum::serve(listener, router).await });
    login
}

impl World {
    /// One request, as a browser's, with the cookies that it has.
    async fn ask(&mut self, method: &str, url: &str, more: &str) -> Answer {
        let url = url
            .strip_prefix('/')
            .map_or_else(|| url.to_owned(), |path| format!("{}/{path}", self.base));
        let (_, rest) = url.split_once("://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let is_ours = self.base.ends_with(host);
        let cookies: Vec<_> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = match cookies.is_empty() || !is_ours {
            true => String::new(),
            false => format!("Cookie: {}\r\n", cookies.join("; ")),
        };
        let kinds = if more.contains("Accept:") {
            ""
        } else {
            "Accept: text/html\r\n"
        };
        let text = format!(
            "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{kinds}{cookies}{more}\r\n"
        );
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap()[9..12].parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if is_ours {
            for (_, cookie) in headers
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            {
                let (name, rest) = cookie.split_once('=').unwrap();
                let value = rest.split(';').next().unwrap();
                match value.is_empty() {
                    true => self.jar.remove(name),
                    false => self.jar.insert(name.to_owned(), value.to_owned()),
                };
            }
        }
        Answer {
            status,
            headers,
            body: body.to_owned(),
        }
    }

    async fn get(&mut self, url: &str) -> Answer {
        self.ask("GET", url, "").await
    }

    /// From a page, or from the login itself, to the provider.
    async fn way_in(&mut self, page: &str) -> String {
        let login = match page.starts_with("/login") {
            true => page.to_owned(),
            false => {
                let to_login = self.get(page).await;
                assert_eq!(to_login.status, 303, "{}", to_login.body);
                to_login.header("location").to_owned()
            }
        };
        let to_provider = self.get(&login).await;
        assert_eq!(to_provider.status, 303, "{}", to_provider.body);
        to_provider.header("location").to_owned()
    }

    /// A login that the provider sends back before anybody chose.
    async fn log_in_without_choice(&mut self, page: &str) -> Answer {
        let way_in = self.way_in(page).await;
        let back = self.get(&way_in).await;
        assert_eq!(back.status, 302, "{}", back.body);
        let back = back.header("location").to_owned();
        self.get(&back).await
    }

    /// From a page to the way back, whose address it gives: as this person at the provider.
    async fn way_back(&mut self, page: &str, person: &str) -> String {
        let way_in = self.way_in(page).await;
        assert!(way_in.starts_with(&self.sandbox.issuer()), "{way_in}");
        let choice = self.get(&way_in).await;
        assert!(choice.body.contains("Mia Agent"), "{}", choice.body);
        let chosen = self.get(&format!("{way_in}&user={person}")).await;
        assert_eq!(chosen.status, 302);
        chosen.header("location").to_owned()
    }

    async fn log_in(&mut self, page: &str, person: &str) -> Answer {
        let back = self.way_back(page, person).await;
        self.get(&back).await
    }

    async fn log_out(&mut self) -> Answer {
        let origin = format!("Origin: {}\r\n", self.base);
        self.ask("POST", "/logout", &origin).await
    }

    /// The value of the one cookie of a login under way.
    fn under_way(&self) -> String {
        let mut logins = self.logins();
        assert_eq!(logins.len(), 1, "{:?}", self.jar);
        logins.remove(0)
    }

    fn logins(&self) -> Vec<String> {
        let logins = self.jar.iter();
        let logins = logins.filter(|(name, _)| name.starts_with("callreel-login"));
        logins.map(|(_, value)| value.clone()).collect()
    }

    fn goes_wrong(&self, effect: Effect, on: &str) {
        self.sandbox.set_faults(Faults {
            rules: vec![Rule::once(on, effect)],
            ..Faults::default()
        });
    }
}

#[tokio::test]
async fn people_come_in_and_back_to_where_they_were() {
    for secret in [Some(SECRET), None] {
        let mut world = world_with(Lasting::default(), secret).await;
        let page = "/call/8d1c-2a?at=83.5&q=%2B81";
        let let_in = world.log_in(page, "mia").await;
        assert_eq!((let_in.status, let_in.header("location")), (303, page));
        let cookie = let_in
            .headers
            .iter()
            .filter(|(_, value)| value.starts_with("callreel-session="));
        let cookie: Vec<_> = cookie.collect();
        assert!(
            cookie[0]
                .1
                .ends_with("; Path=/; Max-Age=36000; HttpOnly; SameSite=Lax"),
            "{cookie:?}"
        );
        assert!(world.logins().is_empty(), "it is used up");
        let answer = world.get(page).await;
        assert_eq!(
            answer.body,
            "mia@example.com [sandbox-mia] sees AnyOf([Agent(\"mia@example.com\")])"
        );
        let nowhere = world.get("/nowhere").await;
        assert_eq!(nowhere.status, 404);
    }
}

#[tokio::test]
async fn each_sees_what_their_groups_may() {
    let mut world = world().await;
    for (person, sees) in [("sam", "([All])"), ("lea", "([Queue(\"Support\")])")] {
        world.jar.clear();
        world.log_in("/", person).await;
        let answer = world.get("/").await;
        assert!(answer.body.ends_with(sees), "{}", answer.body);
    }
    world.jar.clear();
    let refused = world.log_in("/", "noa").await;
    assert_eq!(refused.status, 403);
    assert!(
        refused
            .body
            .contains("None of your groups may see calls here"),
        "{}",
        refused.body
    );
    assert!(world.jar.is_empty());
    let refused = world.log_in("/", "-").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("access_denied"), "{}", refused.body);
    // What the way back says is text, whoever wrote it.
    let back = world.way_back("/", "sam").await;
    let (before, _) = back.split_once("code=").unwrap();
    let (_, state) = back.split_once("state=").unwrap();
    let script = "%3Cscript%3Ealert(1)%3C/script%3E%22%0d%0aX:1";
    let forged = format!("{before}error={script}&error_description={script}&state={state}");
    let refused = world.get(&forged).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(
        refused.body.contains("&lt;script&gt;") && !refused.body.contains("<script"),
        "{}",
        refused.body
    );
    assert_eq!(refused.header("x"), "");
}

/// No token of these lets anybody in, and each is told by its reason.
#[tokio::test]
async fn forged_tokens_are_refused_and_told() {
    let mut world = world().await;
    for (forgery, said) in [
        (Forgery::WrongIssuer, "its issuer is not"),
        (Forgery::WrongAudience, "its audience is not"),
        (Forgery::WrongNonce, "its nonce is not"),
        (Forgery::NoNonce, "its nonce is not"),
        (Forgery::WrongSignature, "its signature is not"),
        (Forgery::OtherKey, "its signature is not"),
        (Forgery::UnknownKey, "its key is none"),
        (Forgery::Expired, "it has expired"),
        (Forgery::NotYet, "it is not valid yet"),
        (Forgery::Old, "it was made long before"),
        (Forgery::NoAlgorithm, "in a way that is not allowed"),
        (Forgery::SharedSecret, "in a way that is not allowed"),
    ] {
        world.goes_wrong(Effect::IdToken(forgery), "Token");
        let refused = world.log_in("/", "sam").await;
        assert_eq!(refused.status, 403, "{forgery:?}");
        assert!(refused.body.contains(said), "{forgery:?}: {}", refused.body);
        assert!(world.jar.is_empty(), "{forgery:?}: {:?}", world.jar);
    }
    let let_in = world.log_in("/", "sam").await;
    assert_eq!(let_in.status, 303, "nothing of it stays");
}

/// Providers change their keys without a word, some under the same name or under none, and as
/// often as they like.
#[tokio::test]
async fn a_key_that_is_new_is_looked_up_at_once() {
    let mut world = world().await;
    world.log_in("/", "sam").await;
    for rotation in [
        Forgery::NewKey,
        Forgery::NewKeyOfOldName,
        Forgery::NewKeyWithoutName,
        Forgery::NewKey,
        Forgery::NewKeyWithoutName,
        Forgery::NewKeyOfOldName,
    ] {
        world.goes_wrong(Effect::IdToken(rotation), "Token");
        world.jar.clear();
        let let_in = world.log_in("/", "sam").await;
        assert_eq!(let_in.status, 303, "{rotation:?}: {}", let_in.body);
    }
    // The first one signs again, as it stands now.
    let let_in = world.log_in("/login", "sam").await;
    assert_eq!(let_in.status, 303, "{}", let_in.body);
}

/// What a provider said of itself an hour ago may be wrong by now: a login that fails by it
/// makes it be asked anew.
#[tokio::test]
async fn a_provider_that_moved_is_found_again() {
    let mut world = world().await;
    let issuer = world.sandbox.issuer();
    let elsewhere = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/gone"), "jwks_uri": format!("{issuer}/keys"),
    });
    let effect = Effect::Answer {
        code: 200,
        headers: BTreeMap::new(),
        body: elsewhere.to_string(),
    };
    world.goes_wrong(effect, "Discover");
    assert_ne!(world.log_in("/", "sam").await.status, 303);
    assert_eq!(world.log_in("/", "sam").await.status, 303);
}

#[tokio::test]
async fn a_way_back_is_good_once_and_for_its_own_browser() {
    let mut world = world().await;
    let back = world.way_back("/", "sam").await;
    let before = world.jar.clone();
    // Another browser, with no login under way.
    world.jar.clear();
    let refused = world.get(&back).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains("no login that this browser began"),
        "{}",
        refused.body
    );
    // Another state, another code, another provider's name.
    for (from, to) in [
        ("state=", "state=x"),
        ("code=", "code=x"),
        ("iss=", "iss=x"),
    ] {
        world.jar.clear();
        let back = world.way_back("/", "sam").await;
        let refused = world.get(&back.replace(from, to)).await;
        assert!([400, 403].contains(&refused.status), "{from}");
        assert!(!world.jar.contains_key("callreel-session"), "{from}");
    }
    world.jar = before.clone();
    assert_eq!(world.get(&back).await.status, 303);
    // Replayed, with the cookie that went with it: the provider is not asked a second time, since
    // one that takes a code twice would let a stranger in.
    world.jar = before;
    let refused = world.get(&back).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains("was used already"),
        "{}",
        refused.body
    );
    assert!(!world.jar.contains_key("callreel-session"));
}

/// Tabs that were restored in the morning all go to the login, and each comes back to its own
/// page.
#[tokio::test]
async fn tabs_log_in_side_by_side() {
    let mut world = world().await;
    let first = world.way_back("/call/one", "sam").await;
    let second = world.way_back("/call/two", "sam").await;
    for (back, page) in [(&first, "/call/one"), (&second, "/call/two")] {
        let let_in = world.get(back).await;
        assert_eq!(
            (let_in.status, let_in.header("location")),
            (303, page),
            "{}",
            let_in.body
        );
    }
    // One who is in and comes back once more goes on to the pages.
    let again = world.get(&first).await;
    assert_eq!((again.status, again.header("location")), (303, "/"));
}

/// Logins that nobody finished are given up, the oldest first: cookies fill no header
/// (an HTTP API takes 10,240 bytes of them all).
#[tokio::test]
async fn logins_under_way_are_few_and_small() {
    let mut world = world().await;
    let long = format!("/call/{}", "x".repeat(1_400));
    for page in ["/call/short", long.as_str()] {
        let mut backs = Vec::new();
        for at in 0..12 {
            backs.push(world.way_back(&format!("{page}?{at}"), "sam").await);
            let bytes: usize = world
                .jar
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum();
            assert!(bytes <= 5_500, "{bytes} after {at}");
            assert!(world.logins().len() <= 5, "{:?}", world.jar.keys());
        }
        let newest = world.get(&backs[11]).await;
        assert_eq!(newest.header("location"), format!("{page}?11"));
        world.jar.clear();
    }
}

#[tokio::test]
async fn nothing_is_reached_without_a_session() {
    let mut world = world().await;
    for path in [
        "/",
        "/call/8d1c",
        "/nowhere",
        "/call/..%2f..%2flogin",
        "//",
        "/login/x",
        "/LOGIN",
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, 303, "{path}");
        let to = answer.header("location");
        assert!(to.starts_with("/login?to=%2F"), "{path} {to}");
        let asked = world.ask("GET", path, "Accept: application/json\r\n").await;
        assert_eq!(asked.status, 401, "{path}");
        assert!(
            asked.body.contains("\"login\":\"/login?to="),
            "{}",
            asked.body
        );
        let fetched = world.ask("GET", path, "Sec-Fetch-Mode: cors\r\n").await;
        assert_eq!(fetched.status, 401);
        assert_eq!(world.ask("POST", path, "").await.status, 401, "{path}");
        assert_eq!(world.ask("HEAD", path, "").await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_login_leads_nowhere_else() {
    let mut world = world().await;
    for to in [
        "//evil.example",
        "%2F%2Fevil.example",
        "https:%2F%2Fevil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "/%0d%0aSet-Cookie:x=y",
        "/login?to=/",
        "javascript:alert(1)",
    ] {
        world.jar.clear();
        let to_provider = world.get(&format!("/login?to={to}")).await;
        let way_in = to_provider.header("location").to_owned();
        let chosen = world.get(&format!("{way_in}&user=sam")).await;
        let let_in = world.get(chosen.header("location")).await;
        assert_eq!(
            (let_in.status, let_in.header("location")),
            (303, "/"),
            "{to}"
        );
    }
}

#[tokio::test]
async fn forged_and_ended_sessions_are_refused() {
    let lasting = Lasting {
        idle: Duration::from_secs(3),
        absolute: Duration::from_secs(3_600),
        believed: Duration::ZERO,
    };
    let mut world = world_with(lasting, Some(SECRET)).await;
    let back = world.way_back("/", "sam").await;
    let under_way = world.under_way();
    world.get(&back).await;
    let session = world.jar["callreel-session"].clone();
    assert_eq!(world.get("/").await.status, 200);
    let forged: String = session.chars().rev().collect();
    for cookie in ["", "x", &forged, &under_way] {
        world
            .jar
            .insert("callreel-session".to_owned(), cookie.to_owned());
        assert_eq!(world.get("/").await.status, 303, "{cookie}");
    }
    // Two of one name: a stranger's may be among them.
    world.jar.clear();
    let both = format!("Cookie: callreel-session={session}; callreel-session={session}\r\n");
    assert_eq!(world.ask("GET", "/", &both).await.status, 303);
    // Another site's page, and no browser at all, log nobody out.
    world
        .jar
        .insert("callreel-session".to_owned(), session.clone());
    for from in [
        "",
        "Origin: https://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Origin: null\r\n",
    ] {
        assert_eq!(
            world.ask("POST", "/logout", from).await.status,
            403,
            "{from}"
        );
    }
    let ended = world.log_out().await;
    assert_eq!((ended.status, ended.header("location")), (303, "/logout"));
    assert!(world.jar.is_empty());
    assert!(
        world
            .get("/logout")
            .await
            .body
            .contains("You are logged out")
    );
    // Whoever kept the cookie has nothing of it.
    world.jar.insert("callreel-session".to_owned(), session);
    assert_eq!(world.get("/").await.status, 303);
    // And nobody is let in who was idle for too long.
    world.jar.clear();
    world.log_in("/", "sam").await;
    let session = world.jar["callreel-session"].clone();
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    world.jar.insert("callreel-session".to_owned(), session);
    assert_eq!(world.get("/").await.status, 303);
}

/// Whoever kept a cookie has nothing of it from the logout on, however freshly the session was
/// looked up; in other processes that share the store, by its mark.
#[tokio::test]
async fn an_ended_session_is_refused_at_once() {
    let mut world = world().await;
    world.log_in("/", "sam").await;
    let kept = world.jar.clone();
    assert_eq!(world.log_out().await.status, 303);
    world.jar = kept.clone();
    assert_eq!(world.get("/").await.status, 303);
    let asked = world.ask("GET", "/", "Accept: application/json\r\n").await;
    assert_eq!(asked.status, 401);
    assert!(
        asked.body.contains("the session was ended"),
        "{}",
        asked.body
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.base = format!("http://{}", listener.local_addr().unwrap());
    let mut terms = world.terms.clone();
    terms.lasting.believed = Duration::ZERO;
    serve(terms, world.folder.path(), listener);
    world.jar = kept;
    assert_eq!(world.get("/").await.status, 303);
}

/// Where the end cannot be written down, it holds in this process all the same.
#[tokio::test]
async fn a_logout_that_cannot_be_noted_ends_the_session_here() {
    let mut world = world().await;
    world.log_in("/", "sam").await;
    let kept = world.jar.clone();
    let ended = world.folder.path().join("archive/listened/ended");
    std::fs::write(&ended, "a file where a folder belongs").unwrap();
    let told = world.log_out().await;
    assert_eq!(told.status, 503, "{}", told.body);
    assert!(world.jar.is_empty(), "{:?}", world.jar);
    world.jar = kept;
    let asked = world.ask("GET", "/", "Accept: application/json\r\n").await;
    assert!(
        asked.body.contains("the session was ended"),
        "{}",
        asked.body
    );
}

#[tokio::test]
async fn keys_change_without_logging_anybody_out() {
    let mut world = world().await;
    world.log_in("/", "sam").await;
    world
        .login
        .set_keys(CookieKeys::of_secrets([OTHER_KEY, KEY]).unwrap());
    assert_eq!(world.get("/").await.status, 200);
    world
        .login
        .set_keys(CookieKeys::of_secrets([OTHER_KEY]).unwrap());
    assert_eq!(world.get("/").await.status, 303);
}

#[tokio::test]
async fn too_many_logins_of_a_minute_wait() {
    let mut world = world().await;
    let mut statuses = Vec::new();
    for _ in 0..90 {
        statuses.push(world.get("/login").await.status);
    }
    // Forty a minute: of ninety, which two minutes may share, ten at the least are too many.
    let allowed = statuses.iter().filter(|status| **status == 303).count();
    assert!((40..=80).contains(&allowed), "{statuses:?}");
    assert!(
        statuses[..40].iter().all(|status| *status == 303),
        "{statuses:?}"
    );
    assert_eq!(
        statuses.len() - allowed,
        statuses.iter().filter(|it| **it == 429).count()
    );
    let mut waiting = world.get("/login").await;
    while waiting.status != 429 {
        waiting = world.get("/login").await;
    }
    assert_eq!(waiting.header("retry-after"), "60");
}

/// A login is counted once, when it begins; a way back of no login is counted by itself.
#[tokio::test]
async fn each_login_is_counted_once() {
    let mut world = world_on(|terms| terms.logins_per_minute = 8).await;
    for at in 0..8 {
        world.jar.clear();
        assert_eq!(world.log_in("/", "sam").await.status, 303, "{at}");
    }
    world.jar.clear();
    let stray = "/login/callback?code=x&state=y";
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(world.get(stray).await.status);
    }
    assert!(statuses[..8].iter().all(|it| *it == 400), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
}

/// A client that is registered for the secret in the form alone gets in as well.
#[tokio::test]
async fn a_secret_is_given_as_the_client_is_registered() {
    let mut world = world().await;
    let effect = Effect::Answer {
        code: 401,
        headers: BTreeMap::new(),
        body: json!({"error": "invalid_client"}).to_string(),
    };
    world.goes_wrong(effect, "Token");
    let let_in = world.log_in("/", "sam").await;
    assert_eq!(let_in.status, 303, "{}", let_in.body);
}

/// Whoever sets the archive up is told what is wrong, and where.
#[tokio::test]
async fn what_is_set_up_wrongly_is_told_by_its_cause() {
    let mut world = world_with(Lasting::default(), Some("another secret")).await;
    let refused = world.log_in("/", "sam").await;
    for said in [
        "invalid_client",
        "id or its secret is wrong",
        "client_secret",
    ] {
        assert!(refused.body.contains(said), "{said}: {}", refused.body);
    }
    assert!(
        !refused.body.contains("did not take the code"),
        "{}",
        refused.body
    );
    let mut world = world_on(|terms| terms.name_claim = "upn".to_owned()).await;
    let refused = world.log_in("/", "mia").await;
    assert_eq!(refused.status, 403);
    for said in ["told no name of yours", "upn", "NAME_CLAIM"] {
        assert!(refused.body.contains(said), "{said}: {}", refused.body);
    }
    assert!(!refused.body.contains("ARCHIVE_RULES"), "{}", refused.body);
    let mut world = world_on(|terms| terms.client.scopes = "email".to_owned()).await;
    let refused = world.log_in_without_choice("/").await;
    assert!(refused.body.contains("invalid_scope"), "{}", refused.body);
    assert!(refused.body.contains("OIDC_SCOPES"), "{}", refused.body);
}

/// A link to data leads to the page that shows it: nobody comes from the provider with a
/// download, and none is begun by another site's link.
#[tokio::test]
async fn a_login_leads_to_pages_alone() {
    let mut world = world().await;
    for (asked, page) in [
        (
            "/api/recordings.csv?from=2026-11-27&queue=a%20b",
            "/?from=2026-11-27&queue=a%20b",
        ),
        ("/api/recordings?agent=jo", "/?agent=jo"),
        ("/api/recordings", "/"),
        (
            "/api/audio?key=rec%2Fa_verdict.json&file=mixed&act=download",
            "/call?recording=rec%2Fa_verdict.json",
        ),
        ("/api/audio?file=mixed", "/"),
        ("/api/nothing?key=x", "/"),
    ] {
        world.jar.clear();
        let let_in = world.log_in(asked, "sam").await;
        assert_eq!(
            (let_in.status, let_in.header("location")),
            (303, page),
            "{asked}"
        );
    }
    world.jar.clear();
    let let_in = world.log_in("/login?to=/api/recordings.csv", "sam").await;
    assert_eq!(let_in.header("location"), "/");
}

#[tokio::test]
async fn who_logged_in_is_kept_and_found() {
    let mut world = world().await;
    world.log_in("/", "lea").await;
    let store = LocalRecordings::new(world.folder.path().join("archive"));
    let mut folders = vec![world.folder.path().join("archive/listened")];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => text += &std::fs::read_to_string(path).unwrap(),
            }
        }
    }
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(r#""who":"lea@example.com [sandbox-lea]","act":"login","query":"support-leads","from":"192.0.2.7","allowed":true,"id":"w-1"}"#), "{text}");
    let found = listened::of_contact(&store, "listened/", "8d1c", None)
        .await
        .unwrap();
    assert_eq!(
        (found.lines.len(), found.objects, found.unreadable),
        (0, 1, 0)
    );
}

/// What the login's own pages load is there for everybody.
#[tokio::test]
async fn the_logins_own_pages_are_whole() {
    let mut world = world().await;
    let page = world.get("/logout").await.body;
    let mut links = 0;
    for link in page.split("<link ").skip(1) {
        let (_, rest) = link.split_once("href=\"").unwrap();
        let (to, _) = rest.split_once('"').unwrap();
        assert_eq!(world.get(to).await.status, 200, "{to}");
        links += 1;
    }
    assert!(page.contains("rel=\"icon\"") && links == 2, "{page}");
}

/// A provider that is not there, or answers nonsense, is a page that says so.
#[tokio::test]
async fn a_provider_in_trouble_is_told() {
    for (on, effect) in [
        (
            "Discover",
            Effect::Status {
                code: 503,
                error: "x".to_owned(),
            },
        ),
        (
            "Discover",
            Effect::Answer {
                code: 200,
                headers: BTreeMap::new(),
                body: "<html>".to_owned(),
            },
        ),
        (
            "Discover",
            Effect::Answer {
                code: 200,
                headers: BTreeMap::new(),
                body: "{\"issuer\": \"https://x\"}".to_owned(),
            },
        ),
        ("Discover", Effect::Reset),
    ] {
        let mut world = world().await;
        world.goes_wrong(effect.clone(), on);
        let refused = world.get("/login").await;
        assert_eq!(refused.status, 502, "{effect:?}");
        assert!(
            refused.body.contains("You are not logged in"),
            "{}",
            refused.body
        );
        assert_eq!(
            world.get("/login").await.status,
            303,
            "the next one goes well"
        );
    }
    for (on, effect) in [
        (
            "Token",
            Effect::Status {
                code: 500,
                error: "x".to_owned(),
            },
        ),
        (
            "Token",
            Effect::Answer {
                code: 200,
                headers: BTreeMap::new(),
                body: "{}".to_owned(),
            },
        ),
        (
            "Keys",
            Effect::Answer {
                code: 200,
                headers: BTreeMap::new(),
                body: "{\"keys\": 7}".to_owned(),
            },
        ),
    ] {
        let mut world = world().await;
        let back = world.way_back("/", "sam").await;
        world.goes_wrong(effect.clone(), on);
        let refused = world.get(&back).await;
        assert_eq!(refused.status, 502, "{on} {effect:?}");
        assert!(world.jar.is_empty());
    }
}
