//! Fragments out of Kinesis Video Streams.
//!
//! A recording's fragments are listed (`listing`) by server time over a widened window
//! (`window`), since the producer's clock has been no epoch at all, and
//! fetched by number. Every data API has an endpoint of its own, looked up once and
//! forgotten when a call to it fails. The quotas of a stream are kept here for all of its
//! recordings together: 500 fragments a second and 5 connections.
//!
//! A stream is asked about in the region that its ARN names, with endpoints of that region,
//! whichever the recorder runs in; a role's policy says of which regions it may be.
//!
//! A body that is silent for [`BODY_STALL`] is given up as a lost connection; the recorder
//! asks again for what did not come wholly. The SDK's own protection is off for these
//! bodies: it also counts the time in which nobody reads, and a body rests whenever the
//! store is slower than KVS.

mod endpoint;
mod listing;
mod live;
mod streams;
mod throttles;
mod watch;
mod window;

use std::sync::Arc;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_kinesisvideo as control;
use aws_sdk_kinesisvideo::types::ApiName;
use aws_sdk_kinesisvideoarchivedmedia as archive;
use aws_smithy_types::byte_stream::{self, ByteStream};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, failure, said};
use crate::failure::{Failure, FailureKind};
use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;
use crate::port::{FragmentSource, Listing, MediaBody, Whereabouts};
use endpoint::{Endpoints, region_in};
pub use live::{KvsLive, LiveBody};
use streams::{Api, Described, Description, Stream, Streams};
use throttles::LimitsAreThrottles;
pub use watch::{KvsWatch, WatchedBody};

/// A body that says nothing for so long is given up.
pub const BODY_STALL: Duration = Duration::from_secs(10);
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
}

/// Kinesis Video Streams.
#[derive(Debug)]
pub struct KvsSource {
    control: control::Client,
    archive: archive::Client,
    region: Option<Region>,
    endpoints: Endpoints,
    streams: Streams,
}

/// Services that may have an endpoint of their own by the settings, as the SDKs name it.
const OWN_ENDPOINTS: [&str; 2] = [
    "AWS_ENDPOINT_URL_KINESIS_VIDEO",
    "AWS_ENDPOINT_URL_KINESIS_VIDEO_ARCHIVED_MEDIA",
];

impl KvsSource {
    /// A source over the shared configuration.
    pub fn new(shared: &SdkConfig, limits: Limits) -> Self {
        Self::trying(shared, limits, Trying::KVS)
    }

    fn trying(shared: &SdkConfig, limits: Limits, trying: Trying) -> Self {
        let shared = trying.on(shared);
        let control = control::config::Builder::from(&shared)
            .retry_classifier(LimitsAreThrottles)
            .interceptor(CheckAnswers)
            .build();
        let archive = archive::config::Builder::from(&shared)
            .retry_classifier(LimitsAreThrottles)
            .interceptor(CheckAnswers)
            .build();
        let own = OWN_ENDPOINTS.map(|name| super::has_own_endpoint(&shared, name));
        Self {
            control: control::Client::from_conf(control),
            archive: archive::Client::from_conf(archive),
            region: shared.region().cloned(),
            endpoints: match own.contains(&true) {
                true => Endpoints::OfSettings,
                false => Endpoints::OfAws,
            },
            streams: Streams::new(limits),
        }
    }

    /// The region that a stream is in.
    fn region_of(&self, stream: &str) -> Option<Region> {
        match region_in(stream) {
            Some(region) => Some(Region::new(region.to_owned())),
            None => self.region.clone(),
        }
    }

    /// Where the archive is asked about a stream.
    fn at(&self, stream: &str, endpoint: &str) -> archive::config::Builder {
        let mut at = archive::config::Builder::new().endpoint_url(endpoint);
        at.set_region(self.region_of(stream));
        at
    }

    /// A failure that may come of the stream's being in another region names both.
    fn elsewhere(&self, stream: &str, mut failure: Failure) -> Failure {
        let regions = (region_in(stream), self.region.as_ref().map(Region::as_ref));
        let refused = matches!(
            failure.kind,
            FailureKind::Denied(_) | FailureKind::StreamMissing | FailureKind::Refused
        );
        if let (Some(there), Some(here), true) = (regions.0, regions.1, refused)
            && there != here
        {
            failure.cause.push_str(&format!(
                "; by its ARN the stream is in {there}, this recorder in {here}: deploy one there, or allow this one's role the streams of {there}"
            ));
        }
        failure
    }

    /// How long a stream keeps its media: with the recording's start, the time until which
    /// a retry can find the audio.
    pub async fn retention(&self, stream: &str) -> Result<Duration, Failure> {
        Ok(self.describe(stream).await?.kept)
    }

    /// What a stream is. Looked up once for each stream, in a single quick attempt: no
    /// recording waits for what is only told.
    async fn describe(&self, stream: &str) -> Result<Described, Failure> {
        let state = self.streams.get(stream);
        let mut description = state.description.lock().await;
        if let Description::Known(described) = *description {
            return Ok(described);
        }
        let mut quick = control::config::Builder::new()
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_timeout(DESCRIBE_TIMEOUT)
                    .build(),
            );
        quick.set_region(self.region_of(stream));
        let described = self.control.describe_stream().stream_arn(stream);
        let described = described.customize().config_override(quick).send().await;
        let described = described.map_err(|error| {
            *description = Description::Refused(tokio::time::Instant::now());
            self.elsewhere(stream, failure(Call::DescribeStream, stream, &error))
        })?;
        let info = described.stream_info();
        let hours = info.and_then(|info| info.data_retention_in_hours());
        let hours = u64::try_from(hours.unwrap_or(0)).unwrap_or(0);
        let created = info.and_then(|info| info.creation_time()?.to_millis().ok());
        let described = Described {
            kept: Duration::from_secs(hours * 3_600),
            created: created.map(EpochMillis),
        };
        *description = Description::Known(described);
        Ok(described)
    }

    /// The same where it is only of help; one that was refused is asked for again later.
    async fn description(&self, stream: &str) -> Option<Described> {
        let known = *self.streams.get(stream).description.lock().await;
        match known {
            Description::Known(described) => return Some(described),
            Description::Refused(then) if then.elapsed() < DESCRIBE_AGAIN => return None,
            Description::Refused(_) | Description::Unasked => {}
        }
        let asked = self.describe(stream).await;
        asked
            .inspect_err(|failure| tracing::warn!(%failure, "the stream's retention is not known"))
            .ok()
    }

    async fn endpoint(&self, state: &Stream, stream: &str, api: Api) -> Result<String, Failure> {
        let look_up = || async {
            let name = match api {
                Api::List => ApiName::ListFragments,
                Api::Media => ApiName::GetMediaForFragmentList,
                Api::Live => ApiName::GetMedia,
            };
            let region = self.region_of(stream);
            let mut at = control::config::Builder::new();
            at.set_region(region.clone());
            let request = self.control.get_data_endpoint();
            let request = request.stream_arn(stream).api_name(name).customize();
            let found = request.config_override(at).send().await;
            let found = found.map_err(|error| {
                self.elsewhere(stream, failure(Call::GetDataEndpoint, stream, &error))
            })?;
            let found = found.data_endpoint.ok_or_else(|| {
                let cause = "GetDataEndpoint gave no endpoint";
                Failure::new(FailureKind::Unavailable, stream, cause)
            })?;
            let region = region.as_ref().map(Region::as_ref);
            self.endpoints.check(&found, region).map_err(|problem| {
                let shown: String = found.chars().take(200).collect();
                let cause = format!(
                    "GetDataEndpoint gave {shown:?}, which is not believed: {problem} (ENDPOINT_URL is for endpoints that are not AWS's)"
                );
                Failure::new(FailureKind::Refused, stream, cause)
            })?;
            Ok(found)
        };
        state.endpoint(api, look_up).await
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
            .config_override(self.at(stream, endpoint));
        let answer = request.send().await;
        let answer = answer
            .map_err(|error| self.elsewhere(stream, failure(Call::GetMedia, stream, &error)))?;
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

    async fn list(&self, whereabouts: Whereabouts<'_>) -> Result<Listing, Failure> {
        let state = self.streams.get(whereabouts.stream);
        self.list_whole(&state, &whereabouts).await
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
        let endpoint = self.endpoint(&state, stream, Api::Media).await?;
        // The last thing before the call, so that both sides count from the same instant.
        state.fragments.take(numbers.len()).await;
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
        Some(self.description(stream).await?.kept)
    }

    async fn wait_to_ask_again(&self, attempt: u32) -> bool {
        if attempt > MAX_ASKS {
            return false;
        }
        tokio::time::sleep(wait_before(attempt, fastrand::u32(..))).await;
        true
    }
}

/// The wait before an attempt, from 2: doubled each time, and of that at least half, so
/// that recordings that failed together do not ask together again.
fn wait_before(attempt: u32, random: u32) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(2).min(16));
    let whole = doubled.min(LONGEST_WAIT);
    whole.mul_f64(0.5 + f64::from(random % 1_024) / 2_048.0)
}

/// A body of media that ended before its end.
fn broke_off(stream: &str, error: &byte_stream::error::Error) -> Failure {
    let cause = format!("media broke off: {}", said(error));
    Failure::new(FailureKind::ConnectionLost, stream, cause)
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
        let ended = match tokio::time::timeout(BODY_STALL, body.next()).await {
            Ok(Some(Ok(chunk))) => return Ok(Some(chunk)),
            Ok(None) => Ok(None),
            Ok(Some(Err(error))) => Err(broke_off(&self.stream, &error)),
            Err(_) => {
                let cause = format!("media fell silent for {BODY_STALL:?}");
                Err(Failure::new(
                    FailureKind::ConnectionLost,
                    &self.stream,
                    cause,
                ))
            }
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
            for random in [0, 511, 1_023, u32::MAX] {
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
