//! What is kept of each stream between calls: its data endpoints, and the quotas that its
//! calls share, whichever recording makes them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use tokio::time::Instant;

use super::Limits;
use crate::aws::pace::Quota;
use crate::failure::Failure;
use crate::lock::lock;
use crate::media::ticks::EpochMillis;

/// KVS gives so many fragments a second for each stream.
const FRAGMENTS_QUOTA: usize = 500;
/// KVS answers so many GetDataEndpoint calls a second for each stream.
const ENDPOINTS_QUOTA: usize = 5;
/// Streams remembered; a warm function can meet any number of them.
const MAX_STREAMS: usize = 512;

/// A data API with endpoints of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    List,
    Media,
    Live,
}

/// What a stream is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described {
    /// How long it keeps its media.
    pub kept: Duration,
    /// When it was made, if KVS says so.
    pub created: Option<EpochMillis>,
}

/// What is known of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Description {
    /// It was not requested yet.
    #[default]
    Unasked,
    /// The stream was described.
    Known(Described),
    /// The request at this time failed.
    Refused(Instant),
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// Connections for media.
    pub connections: Arc<Semaphore>,
    /// Fragments asked for.
    pub fragments: Quota,
    /// What the stream is, once looked up.
    pub description: AsyncMutex<Description>,
    endpoint_calls: Quota,
    list: AsyncMutex<Option<String>>,
    media: AsyncMutex<Option<String>>,
    live: AsyncMutex<Option<String>>,
}

impl Stream {
    fn new(limits: Limits) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(limits.connections)),
            fragments: Quota::a_second(FRAGMENTS_QUOTA),
            description: AsyncMutex::default(),
            endpoint_calls: Quota::a_second(ENDPOINTS_QUOTA),
            list: AsyncMutex::new(None),
            media: AsyncMutex::new(None),
            live: AsyncMutex::new(None),
        }
    }

    fn place(&self, api: Api) -> &AsyncMutex<Option<String>> {
        match api {
            Api::List => &self.list,
            Api::Media => &self.media,
            Api::Live => &self.live,
        }
    }

    /// The endpoint of an API, looked up once for all who ask at the same time.
    pub(super) async fn endpoint<F: Future<Output = Result<String, Failure>>>(
        &self,
        api: Api,
        look_up: impl FnOnce() -> F,
    ) -> Result<String, Failure> {
        let mut place = self.place(api).lock().await;
        if let Some(endpoint) = &*place {
            return Ok(endpoint.clone());
        }
        self.endpoint_calls.take(1).await;
        Ok(place.insert(look_up().await?).clone())
    }

    /// Forgets an endpoint that failed, unless another one stands there by now.
    pub(super) async fn drop_endpoint(&self, api: Api, failed: &str) {
        let mut place = self.place(api).lock().await;
        if place.as_deref() == Some(failed) {
            *place = None;
        }
    }
}

/// All streams met so far.
#[derive(Debug)]
pub(super) struct Streams {
    limits: Limits,
    known: Mutex<HashMap<String, Arc<Stream>>>,
}

impl Streams {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            known: Mutex::default(),
        }
    }

    pub(super) fn get(&self, arn: &str) -> Arc<Stream> {
        let mut known = lock(&self.known);
        if let Some(stream) = known.get(arn) {
            return Arc::clone(stream);
        }
        if known.len() >= MAX_STREAMS {
            // Those in use keep their quotas; the others can be learned again.
            known.retain(|_, stream| Arc::strong_count(stream) > 1);
        }
        let stream = Arc::new(Stream::new(self.limits));
        known.insert(arn.to_owned(), Arc::clone(&stream));
        stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;
    use std::sync::atomic::{AtomicU32, Ordering};

    const LIMITS: Limits = Limits { connections: 3 };

    #[tokio::test]
    async fn an_endpoint_is_looked_up_once_until_it_fails() {
        let stream = Stream::new(LIMITS);
        let calls = AtomicU32::new(0);
        let ask = |api| {
            stream.endpoint(api, || async {
                let call = calls.fetch_add(1, Ordering::Relaxed);
                Ok(format!("https://{call}"))
            })
        };
        let (one, two) = tokio::join!(ask(Api::Media), ask(Api::Media));
        assert_eq!(one.unwrap(), "https://0");
        assert_eq!(two.unwrap(), "https://0");
        assert_eq!(ask(Api::List).await.unwrap(), "https://1");
        // A late report of the old one's failure leaves the new one alone.
        stream.drop_endpoint(Api::Media, "https://0").await;
        assert_eq!(ask(Api::Media).await.unwrap(), "https://2");
        stream.drop_endpoint(Api::Media, "https://0").await;
        assert_eq!(ask(Api::Media).await.unwrap(), "https://2");
    }

    #[tokio::test]
    async fn a_failed_look_up_is_not_kept() {
        let stream = Stream::new(LIMITS);
        let failure = Failure::new(FailureKind::Throttled, "s", "");
        let failed = stream.endpoint(Api::List, || async { Err(failure) }).await;
        assert!(failed.is_err());
        let found = stream.endpoint(Api::List, || async { Ok("e".to_owned()) });
        assert_eq!(found.await.unwrap(), "e");
    }

    #[test]
    fn streams_are_remembered_up_to_a_limit() {
        let streams = Streams::new(LIMITS);
        let held = streams.get("held");
        for number in 0..2 * MAX_STREAMS {
            streams.get(&number.to_string());
        }
        assert!(Arc::ptr_eq(&held, &streams.get("held")));
        assert!(streams.known.lock().unwrap().len() <= MAX_STREAMS);
    }
}
