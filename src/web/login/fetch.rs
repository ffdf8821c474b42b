//! What is asked of the provider: small answers of JSON, over TLS, within seconds. It follows
//! no redirection, so that what was asked of one address is answered by that address.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// One request, from its connection to its last byte.
const ANSWERS_WITHIN: Duration = Duration::from_secs(6);
/// Bytes of an answer at the most: a key set of a large provider has some ten thousand.
const MAX_BYTES: usize = 256 << 10;

/// The way to the provider.
pub(super) struct Outgoing(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// An answer that came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) json: Value,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outgoing")
    }
}

impl Outgoing {
    /// Trusts whom the system trusts. The error says why it cannot.
    pub(super) fn new() -> Result<Self, String> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|error| format!("the system's certificates: {error}"))?
            .https_or_http()
            .enable_http1()
            .build();
        // Logins are rare, and a connection that was frozen with its function is none.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self(client))
    }

    pub(super) async fn get(&self, url: &str) -> Result<Answer, String> {
        let request = Request::builder().method(Method::GET).uri(url);
        self.send(url, request, Bytes::new()).await
    }

    /// Posts a form. `basic` is who we are, by name and secret, both encoded for a form.
    pub(super) async fn post(
        &self,
        url: &str,
        form: String,
        basic: Option<(String, String)>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((name, secret)) = basic {
            let credentials = STANDARD.encode(format!("{name}:{secret}"));
            request = request.header(AUTHORIZATION, format!("Basic {credentials}"));
        }
        self.send(url, request, form.into()).await
    }

    async fn send(
        &self,
        url: &str,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Answer, String> {
        let request = request
            .header(ACCEPT, "application/json")
            .body(Full::new(body))
            .map_err(|error| format!("{url}: {error}"))?;
        let answered = tokio::time::timeout(ANSWERS_WITHIN, self.answer(request)).await;
        let answer =
            answered.map_err(|_| format!("{url} did not answer within {ANSWERS_WITHIN:?}"))?;
        answer.map_err(|error| format!("{url}: {error}"))
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let answer = self
            .0
            .request(request)
            .await
            .map_err(|error| all_of(&error))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status, json })
    }
}

/// An error with what lies behind it: the client's own words say little.
fn all_of(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(behind) = source {
        told = format!("{told}: {behind}");
        source = behind.source();
    }
    told
}
