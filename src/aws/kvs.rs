//! Fragments out of Kinesis Video Streams.
//!
//! A recording's fragments are listed by server time over a widened window
//! (`window`), since the producer's clock has been no epoch at all, and
//! fetched by number. Every data API has an endpoint of its own, looked up once and
//! forgotten when a call to it fails. The quotas of a stream are kept here for all of its
//! recordings together: 500 fragments a second and 5 connections.
//!
//! A body that is silent for [`BODY_STALL`] is given up as a lost connection; the recorder
//! asks again for what did not come wholly. The SDK's own protection is off for these
//! bodies: it also counts the time in which nobody reads, and a body rests whenever the
//! store is slower than KVS.

mod limits;
mod streams;
mod window;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_kinesisvideo::types::ApiName;
use aws_sdk_kinesisvideoarchivedmedia as archive;
use aws_sdk_kinesisvideoarchivedmedia::types::{
    FragmentSelector, FragmentSelectorType, TimestampRange,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::errors::{Call, failure, said};
use super::{Trying, now};
use crate::config::Config;
use crate::failure::{Failure, FailureKind};
use crate::fragment::FragmentNumber;
use crate::port::{FragmentSource, MediaBody, Whereabouts};
use limits::LimitsAreThrottles;
use streams::{Api, Retention, Stream, Streams};

/// A body that says nothing for so long is given up.
pub const BODY_STALL: Duration = Duration::from_secs(10);
/// Fragments on a page of a listing: the most that KVS gives; its default is small.
const PAGE: i32 = 1_000;
/// Pages of one listing. A recording of 24 hours has about 80; more is no recording.
const MAX_PAGES: usize = 200;
/// Waits before a listing that lacks the stop fragment is asked for again. Listings are
/// consistent after about a second.
const LISTING_WAITS: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(2),
];
/// Longest wait for a stream's description.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(2);
/// A description that was refused is asked for again after this time.
const DESCRIBE_AGAIN: Duration = Duration::from_secs(300);
/// Requests for the same fragments at the most, the first one included.
const MAX_ASKS: u32 = 6;
/// The wait before the second request; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// How much is asked of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections for media at once: 1 to 5.
    pub connections: usize,
    /// Fragments asked for at once, as the recorder does it.
    pub fragments_per_request: usize,
}

impl From<&Config> for Limits {
    fn from(config: &Config) -> Self {
        Self {
            connections: config.connections,
            fragments_per_request: config.fragments_per_request,
        }
    }
}

/// Kinesis Video Streams.
#[derive(Debug)]
pub struct KvsSource {
    control: aws_sdk_kinesisvideo::Client,
    archive: archive::Client,
    streams: Streams,
}

impl KvsSource {
    /// A source over the shared configuration.
    pub fn new(shared: &SdkConfig, limits: Limits) -> Self {
        let shared = Trying::KVS.on(shared);
        let control = aws_sdk_kinesisvideo::config::Builder::from(&shared)
            .retry_classifier(LimitsAreThrottles)
            .build();
        let archive = archive::config::Builder::from(&shared)
            .retry_classifier(LimitsAreThrottles)
            .build();
        Self {
            control: aws_sdk_kinesisvideo::Client::from_conf(control),
            archive: archive::Client::from_conf(archive),
            streams: Streams::new(limits),
        }
    }

    /// How long a stream keeps its media: with the recording's start, the time until which
    /// a retry can find the audio. Looked up once for each stream, in a single quick
    /// attempt: no recording waits for what is only told.
    pub async fn retention(&self, stream: &str) -> Result<Duration, Failure> {
        let state = self.streams.get(stream);
        let mut retention = state.retention.lock().await;
        if let Retention::Known(kept) = *retention {
            return Ok(kept);
        }
        let quick = aws_sdk_kinesisvideo::config::Builder::new()
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_timeout(DESCRIBE_TIMEOUT)
                    .build(),
            );
        let described = self.control.describe_stream().stream_arn(stream);
        let described = described.customize().config_override(quick).send().await;
        let described = described.map_err(|error| {
            *retention = Retention::Refused(tokio::time::Instant::now());
            failure(Call::DescribeStream, stream, &error)
        })?;
        let hours = described
            .stream_info()
            .and_then(|info| info.data_retention_in_hours());
        let hours = u64::try_from(hours.unwrap_or(0)).unwrap_or(0);
        let kept = Duration::from_secs(hours * 3_600);
        *retention = Retention::Known(kept);
        Ok(kept)
    }

    async fn endpoint(&self, state: &Stream, stream: &str, api: Api) -> Result<String, Failure> {
        let look_up = || async {
            let name = match api {
                Api::List => ApiName::ListFragments,
                Api::Media => ApiName::GetMediaForFragmentList,
            };
            let request = self.control.get_data_endpoint();
            let found = request.stream_arn(stream).api_name(name).send().await;
            let found = found.map_err(|error| failure(Call::GetDataEndpoint, stream, &error))?;
            found.data_endpoint.ok_or_else(|| {
                Failure::new(
                    FailureKind::Unavailable,
                    stream,
                    "GetDataEndpoint gave no endpoint",
                )
            })
        };
        state.endpoint(api, look_up).await
    }

    /// All numbers in the range that the listing has now.
    async fn list_once(
        &self,
        state: &Stream,
        whereabouts: &Whereabouts<'_>,
    ) -> Result<Vec<FragmentNumber>, Failure> {
        let endpoint = self.endpoint(state, whereabouts.stream, Api::List).await?;
        let listed = self.list_pages(&endpoint, whereabouts).await;
        if let Err(failure) = &listed {
            forget_endpoint(state, Api::List, &endpoint, failure).await;
        }
        listed
    }

    async fn list_pages(
        &self,
        endpoint: &str,
        whereabouts: &Whereabouts<'_>,
    ) -> Result<Vec<FragmentNumber>, Failure> {
        let stream = whereabouts.stream;
        let unreadable = |cause: &str| Failure::new(FailureKind::Unreadable, stream, cause);
        let (from, to) = window::window(whereabouts, now());
        let range = TimestampRange::builder()
            .start_timestamp(DateTime::from_millis(from.0))
            .end_timestamp(DateTime::from_millis(to.0))
            .build();
        let selector = range.and_then(|range| {
            FragmentSelector::builder()
                .fragment_selector_type(FragmentSelectorType::ServerTimestamp)
                .timestamp_range(range)
                .build()
        });
        let selector =
            selector.map_err(|error| Failure::new(FailureKind::Refused, stream, error))?;
        let mut numbers = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let request = self
                .archive
                .list_fragments()
                .stream_arn(stream)
                .max_results(i64::from(PAGE))
                .fragment_selector(selector.clone())
                .set_next_token(token.clone())
                .customize()
                .config_override(archive::config::Builder::new().endpoint_url(endpoint));
            let page = request.send().await;
            let page = page.map_err(|error| failure(Call::ListFragments, stream, &error))?;
            for fragment in page.fragments() {
                let number = fragment.fragment_number().unwrap_or_default();
                let number: FragmentNumber = number.parse().map_err(|error| {
                    unreadable(&format!(
                        "a listed fragment has the number {number:?}: {error}"
                    ))
                })?;
                if whereabouts.range.contains(number) {
                    numbers.push(number);
                }
            }
            match page.next_token {
                // An empty token, or the same one again, would go on for ever.
                Some(next) if !next.is_empty() && token.as_deref() != Some(&*next) => {
                    token = Some(next);
                }
                Some(_) | None => return Ok(numbers),
            }
        }
        Err(unreadable(&format!(
            "the listing has more than {MAX_PAGES} pages of {PAGE} fragments between {from} and {to}"
        )))
    }

    async fn open(
        &self,
        endpoint: &str,
        stream: &str,
        numbers: &[FragmentNumber],
    ) -> Result<ByteStream, Failure> {
        let numbers = numbers.iter().map(FragmentNumber::to_string).collect();
        let request = self
            .archive
            .get_media_for_fragment_list()
            .stream_arn(stream)
            .set_fragments(Some(numbers))
            .customize()
            .config_override(archive::config::Builder::new().endpoint_url(endpoint));
        let answer = request.send().await;
        let answer = answer.map_err(|error| failure(Call::GetMedia, stream, &error))?;
        Ok(answer.payload)
    }
}

/// A throttled call proves that the endpoint is the right one; any other failure may be
/// the endpoint's.
async fn forget_endpoint(state: &Stream, api: Api, endpoint: &str, failure: &Failure) {
    if failure.kind != FailureKind::Throttled {
        state.drop_endpoint(api, endpoint).await;
    }
}

impl FragmentSource for KvsSource {
    type Body = KvsBody;

    async fn list(&self, whereabouts: Whereabouts<'_>) -> Result<Vec<FragmentNumber>, Failure> {
        let state = self.streams.get(whereabouts.stream);
        let mut waits = LISTING_WAITS.into_iter();
        loop {
            let numbers = self.list_once(&state, &whereabouts).await?;
            let lacks_stop = whereabouts
                .range
                .stop
                .is_some_and(|stop| !numbers.contains(&stop));
            match waits.next() {
                Some(wait) if lacks_stop => tokio::time::sleep(wait).await,
                Some(_) | None => return Ok(numbers),
            }
        }
    }

    async fn fetch(&self, stream: &str, numbers: &[FragmentNumber]) -> Result<KvsBody, Failure> {
        // KVS refuses an empty list; what is not asked for is answered by nothing.
        if numbers.is_empty() {
            return Ok(KvsBody {
                stream: stream.into(),
                open: None,
            });
        }
        let state = self.streams.get(stream);
        let connection = Arc::clone(&state.connections).acquire_owned().await;
        let connection =
            connection.map_err(|error| Failure::new(FailureKind::ConnectionLost, stream, error))?;
        state.fragments.take(numbers.len()).await;
        let endpoint = self.endpoint(&state, stream, Api::Media).await?;
        match self.open(&endpoint, stream, numbers).await {
            Ok(body) => Ok(KvsBody {
                stream: stream.into(),
                open: Some((body, connection)),
            }),
            Err(failure) => {
                forget_endpoint(&state, Api::Media, &endpoint, &failure).await;
                Err(failure)
            }
        }
    }

    async fn kept_for(&self, stream: &str) -> Option<Duration> {
        let known = *self.streams.get(stream).retention.lock().await;
        match known {
            Retention::Known(kept) => return Some(kept),
            Retention::Refused(then) if then.elapsed() < DESCRIBE_AGAIN => return None,
            Retention::Refused(_) | Retention::Unasked => {}
        }
        let asked = self.retention(stream).await;
        asked
            .inspect_err(|failure| tracing::warn!(%failure, "the stream's retention is not known"))
            .ok()
    }

    async fn wait_to_ask_again(&self, attempt: u32) -> bool {
        if attempt > MAX_ASKS {
            return false;
        }
        tokio::time::sleep(wait_before(
            attempt,
            RandomState::new().build_hasher().finish(),
        ))
        .await;
        true
    }
}

/// The wait before an attempt, from 2: doubled each time, and of that at least half, so
/// that recordings that failed together do not ask together again.
fn wait_before(attempt: u32, random: u64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(2).min(16));
    let whole = doubled.min(LONGEST_WAIT);
    whole.mul_f64(0.5 + (random % 1_024) as f64 / 2_048.0)
}

/// A body of fragments, with the connection that it takes of the stream's quota.
#[derive(Debug)]
pub struct KvsBody {
    stream: Box<str>,
    open: Option<(ByteStream, OwnedSemaphorePermit)>,
}

impl MediaBody for KvsBody {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some((body, _)) = &mut self.open else {
            return Ok(None);
        };
        let lost = |cause: String| Failure::new(FailureKind::ConnectionLost, &self.stream, cause);
        let ended = match tokio::time::timeout(BODY_STALL, body.next()).await {
            Ok(Some(Ok(chunk))) => return Ok(Some(chunk)),
            Ok(None) => Ok(None),
            Ok(Some(Err(error))) => Err(lost(format!("media broke off: {}", said(&error)))),
            Err(_) => Err(lost(format!("media fell silent for {BODY_STALL:?}"))),
        };
        // The connection is another's from here on.
        self.open = None;
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_their_bounds_and_differ() {
        #[track_caller]
        fn check(attempt: u32, least: u64, most: u64) {
            for random in [0, 511, 1_023, u64::MAX] {
                let wait = wait_before(attempt, random).as_millis() as u64;
                assert!((least..=most).contains(&wait), "{attempt}: {wait}");
            }
            assert_ne!(wait_before(attempt, 0), wait_before(attempt, 1_023));
        }
        check(2, 250, 500);
        check(3, 500, 1_000);
        check(6, 4_000, 8_000);
        check(60, 4_000, 8_000);
    }
}
