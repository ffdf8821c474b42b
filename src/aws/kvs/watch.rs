//! A stream's media while it is made (GetMedia): for whoever watches a call. Each request is
//! made once, and where the stream's media is asked for is looked up anew each time: what
//! failed and when it is asked again is the watcher's
//! ([`monitor::session`](crate::monitor::session)). Silence is the watcher's as well.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_kinesisvideomedia::types::{StartSelector, StartSelectorType};
use aws_smithy_types::DateTime;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::time::timeout;

use super::live::Media;
use super::streams::Api;
use super::{KvsSource, Limits, broke_off};
use crate::aws::Trying;
use crate::failure::Failure;
use crate::monitor::session::Start;
use crate::port::{Heard, LiveBody, LiveSource};

/// KVS says by itself when a stream has too many readers.
const NO_LIMITS: Limits = Limits { connections: 1 };

/// Kinesis Video Streams, watched.
#[derive(Debug)]
pub struct KvsWatch {
    source: KvsSource,
    media: Media,
}

impl KvsWatch {
    /// Media over the shared configuration.
    pub fn new(shared: &SdkConfig) -> Self {
        Self {
            source: KvsSource::trying(shared, NO_LIMITS, Trying::ONCE),
            media: Media::new(shared, Trying::ONCE),
        }
    }
}

impl LiveSource for KvsWatch {
    type Body = WatchedBody;

    async fn open(&self, stream: &str, start: Start) -> Result<WatchedBody, Failure> {
        let selector = StartSelector::builder();
        let selector = match start {
            Start::At(time) => selector
                .start_selector_type(StartSelectorType::ServerTimestamp)
                .start_timestamp(DateTime::from_millis(time.0)),
            Start::After(number) => selector
                .start_selector_type(StartSelectorType::FragmentNumber)
                .after_fragment_number(number.to_string()),
        };
        let state = self.source.streams.get(stream);
        let endpoint = self.source.endpoint(&state, stream, Api::Live).await?;
        state.drop_endpoint(Api::Live, &endpoint).await;
        let opened = self.media.open(&self.source, &endpoint, stream, selector);
        Ok(WatchedBody {
            stream: stream.into(),
            open: Some(opened.await?),
        })
    }
}

/// A body of live media.
#[derive(Debug)]
pub struct WatchedBody {
    stream: Box<str>,
    open: Option<ByteStream>,
}

impl LiveBody for WatchedBody {
    async fn next_within(&mut self, time: Duration) -> Result<Heard, Failure> {
        let Some(body) = &mut self.open else {
            return Ok(Heard::End);
        };
        let ended = match timeout(time, body.next()).await {
            Ok(Some(Ok(bytes))) => return Ok(Heard::Bytes(bytes)),
            Err(_) => return Ok(Heard::Nothing),
            Ok(None) => Ok(Heard::End),
            Ok(Some(Err(error))) => Err(broke_off(&self.stream, &error)),
        };
        self.open = None;
        ended
    }
}
