//! The ports over AWS: KVS for fragments, S3 for recordings, Connect for attributes, and
//! SQS for records that wait for somebody. Decides nothing; no SDK type leaves here.
//!
//! # How calls are made
//!
//! All clients share one HTTP client and one configuration, so that TLS is set up once:
//! the connection and read time-outs are the same everywhere, since the HTTP client keeps
//! one connector for each pair of them. Retries are the SDK's, mode "standard" (exponential
//! back-off with jitter, and a budget that stops them when everything fails):
//!
//! | client | attempts | one attempt | a call | silent body |
//! | --- | --- | --- | --- | --- |
//! | KVS | 5 | 10 s | 40 s | given up by [`kvs`] itself |
//! | S3 | 4 | 60 s | 180 s | 10 s |
//! | S3, and Kinesis, while a caller waits | 3 | 1.5 s | 4 s | 10 s |
//! | Connect | 6 | 10 s | 60 s | 10 s |
//! | SQS | 4 | 10 s | 30 s | 10 s |
//! | Transcribe, mail templates, secrets | 4 | 10 s | 30 s | 10 s |
//! | SES, sending | 1, and 4 more where nothing was taken | 30 s | 30 s | 10 s |
//! | Bedrock | 2 | 9 s | 19 s | 10 s |
//! | those of `deployment` | 3 | 10 s | 30 s | 10 s |
//!
//! The SDK's retries are for one call; a failure that outlasts them is a
//! [`Failure`](crate::failure::Failure), and its kind says what becomes of the recording.

mod answers;
mod clock;
pub mod connect;
pub mod contacts;
pub mod data_stream;
#[cfg(feature = "operate")]
pub mod deployment;
pub mod desk;
mod errors;
pub mod events;
pub mod kvs;
pub mod mail;
mod mended;
mod pace;
pub mod presign;
mod profile;
pub mod queue;
pub mod s3;
mod secrets;
pub mod summary;
pub mod transcribe;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

pub use clock::WallClock;
pub use connect::ConnectContacts;
pub use contacts::ContactSearch;
pub use data_stream::DataStream;
pub use desk::ConnectDesk;
pub use events::EventBus;
pub use kvs::{KvsLive, KvsSource};
pub use mail::SesMailer;
pub use presign::S3Signer;
pub use profile::unknown_profile;
pub use queue::ParkingQueue;
pub use s3::S3Recordings;
pub use summary::BedrockSummaries;
pub use transcribe::TranscriptionJobs;

/// Longest wait for a connection; an endpoint of the same region answers in milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for the first byte of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a body may be silent, in clients that leave this to the SDK. Its default is
/// 20 s, of which an invocation has few.
const STALL_GRACE: Duration = Duration::from_secs(10);
/// An unused connection is closed after this time. AWS closes idle ones on its side, and
/// a frozen function cannot see that; the fewer stale ones, the fewer failed first calls.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// How one client tries.
#[derive(Clone, Copy, Debug)]
struct Trying {
    attempts: u32,
    attempt: Duration,
    call: Duration,
    silent_bodies: SilentBodies,
}

/// Who times out a response body that stops sending.
#[derive(Clone, Copy, Debug)]
enum SilentBodies {
    /// The SDK, after [`STALL_GRACE`].
    Sdk,
    /// The code that reads it (see [`kvs`]).
    Reader,
}

impl Trying {
    const KVS: Self = Self {
        attempts: 5,
        attempt: Duration::from_secs(10),
        call: Duration::from_secs(40),
        silent_bodies: SilentBodies::Reader,
    };
    const S3: Self = Self {
        attempts: 4,
        attempt: Duration::from_secs(60),
        call: Duration::from_secs(180),
        silent_bodies: SilentBodies::Sdk,
    };
    /// While a caller hears nothing: a contact flow waits for 8 s at the most.
    const CALLER_WAITS: Self = Self {
        attempts: 3,
        attempt: Duration::from_millis(1_500),
        call: Duration::from_secs(4),
        silent_bodies: SilentBodies::Sdk,
    };
    const CONNECT: Self = Self {
        attempts: 6,
        attempt: Duration::from_secs(10),
        call: Duration::from_secs(60),
        silent_bodies: SilentBodies::Sdk,
    };
    const SQS: Self = Self {
        attempts: 4,
        attempt: Duration::from_secs(10),
        call: Duration::from_secs(30),
        silent_bodies: SilentBodies::Sdk,
    };

    const TRANSCRIBE: Self = Self::SQS;
    const TEMPLATES: Self = Self::SQS;
    const SECRETS: Self = Self::SQS;
    /// Once: [`mail`] sends again what was not taken.
    const MAIL: Self = Self {
        attempts: 1,
        attempt: Duration::from_secs(30),
        call: Duration::from_secs(30),
        silent_bodies: SilentBodies::Sdk,
    };
    /// A summary is given up in good time.
    const SUMMARY: Self = Self {
        attempts: 2,
        attempt: Duration::from_secs(9),
        call: Duration::from_secs(19),
        silent_bodies: SilentBodies::Sdk,
    };

    /// For what looks at a deployment from outside.
    #[cfg(feature = "operate")]
    const OPERATOR: Self = Self {
        attempts: 3,
        attempt: Duration::from_secs(10),
        call: Duration::from_secs(30),
        silent_bodies: SilentBodies::Sdk,
    };

    /// The shared configuration with this client's own retries and time-outs.
    fn on(self, shared: &SdkConfig) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.call);
        let stalls = match self.silent_bodies {
            SilentBodies::Sdk => StalledStreamProtectionConfig::enabled()
                .grace_period(STALL_GRACE)
                .build(),
            SilentBodies::Reader => StalledStreamProtectionConfig::disabled(),
        };
        let retries = RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(Duration::from_millis(200))
            .with_max_backoff(Duration::from_secs(5));
        shared
            .to_builder()
            .retry_config(retries)
            .timeout_config(timeouts.build())
            .stalled_stream_protection(stalls)
            .build()
    }
}

/// Where AWS is, and as whom it is called: what every AWS tool takes. What is not given
/// here comes from the usual places (environment, profile files, the function's role).
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The region.
    pub region: Option<String>,
    /// A profile of the shared configuration files.
    pub profile: Option<String>,
    /// One endpoint for all services, such as the sandbox's.
    pub endpoint: Option<String>,
}

/// The configuration that all clients share.
pub type Shared = SdkConfig;

/// Looks it up: no call is made yet, but for credentials that must be looked up.
pub async fn load(access: Access) -> Shared {
    let http = aws_smithy_http_client::Builder::new()
        .pool_idle_timeout(POOL_IDLE)
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    if let Some(region) = access.region {
        loader = loader.region(Region::new(region));
    }
    if let Some(profile) = access.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = access.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// Whether the settings name an endpoint, for all services or by this variable for one:
/// what it says then is believed, as AWS is.
fn has_own_endpoint(shared: &SdkConfig, variable: &str) -> bool {
    shared.endpoint_url().is_some() || std::env::var_os(variable).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_time_for_more_than_one_attempt_and_an_invocation_for_a_call() {
        for trying in [
            Trying::KVS,
            Trying::S3,
            Trying::CALLER_WAITS,
            Trying::CONNECT,
            Trying::SQS,
            Trying::SUMMARY,
        ] {
            assert!(trying.attempts > 1, "{trying:?}");
            assert!(trying.call > 2 * trying.attempt, "{trying:?}");
            assert!(trying.call < Duration::from_secs(900 / 4), "{trying:?}");
        }
    }
}
