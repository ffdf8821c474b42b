//! A stream's media as it lies there, from a time on (GetMedia): the way to what a stream
//! holds that keeps nothing, for some minutes. A body that falls silent has ended: whoever
//! reads it comes when the call is over, and what is there is sent at once (KVS developer
//! guide, GetMedia: a connection waits for media that is still to come).

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_kinesisvideomedia as media;
use aws_sdk_kinesisvideomedia::types::builders::StartSelectorBuilder;
use aws_sdk_kinesisvideomedia::types::{StartSelector, StartSelectorType};
use aws_smithy_types::DateTime;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::streams::Api;
use super::{BODY_STALL, KvsSource, Limits, broke_off, forget_endpoint};
use crate::aws::Trying;
use crate::aws::answers::CheckAnswers;
use crate::aws::errors::{Call, failure};
use crate::failure::{Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{LiveMedia, MediaBody};

/// GetMedia itself.
#[derive(Debug)]
pub(super) struct Media(media::Client);

impl Media {
    pub(super) fn new(shared: &SdkConfig, trying: Trying) -> Self {
        let config = media::config::Builder::from(&trying.on(shared));
        Self(media::Client::from_conf(
            config.interceptor(CheckAnswers).build(),
        ))
    }

    /// Asks for a stream's media at an endpoint.
    pub(super) async fn open(
        &self,
        source: &KvsSource,
        endpoint: &str,
        stream: &str,
        start: StartSelectorBuilder,
    ) -> Result<ByteStream, Failure> {
        let start = start
            .build()
            .map_err(|error| Failure::new(FailureKind::Refused, stream, error))?;
        let mut at = media::config::Builder::new().endpoint_url(endpoint);
        at.set_region(source.region_of(stream));
        let request = self.0.get_media().stream_arn(stream);
        let answer = request
            .start_selector(start)
            .customize()
            .config_override(at)
            .send()
            .await;
        let answer = answer
            .map_err(|error| source.elsewhere(stream, failure(Call::ReadLive, stream, &error)))?;
        Ok(answer.payload)
    }
}

/// Kinesis Video Streams, read live.
#[derive(Debug)]
pub struct KvsLive {
    /// Endpoints are looked up there, and are of this stream alone.
    source: KvsSource,
    media: Media,
}

impl KvsLive {
    /// Live media over the shared configuration.
    pub fn new(shared: &SdkConfig, limits: Limits) -> Self {
        Self {
            source: KvsSource::new(shared, limits),
            media: Media::new(shared, Trying::KVS),
        }
    }
}

impl LiveMedia for KvsLive {
    type Body = LiveBody;

    async fn read_from(&self, stream: &str, from: EpochMillis) -> Result<LiveBody, Failure> {
        let state = self.source.streams.get(stream);
        let connection = Arc::clone(&state.connections).acquire_owned().await;
        let connection =
            connection.map_err(|error| Failure::new(FailureKind::ConnectionLost, stream, error))?;
        let endpoint = self.source.endpoint(&state, stream, Api::Live).await?;
        let start = StartSelector::builder()
            .start_selector_type(StartSelectorType::ServerTimestamp)
            .start_timestamp(DateTime::from_millis(from.0));
        let opened = self.media.open(&self.source, &endpoint, stream, start);
        match opened.await {
            Ok(body) => Ok(LiveBody {
                stream: stream.into(),
                open: Some((body, connection)),
            }),
            Err(failure) => {
                forget_endpoint(&state, Api::Live, &endpoint, &failure).await;
                Err(failure)
            }
        }
    }
}

/// A body of live media, with the connection that it takes of the stream's quota.
#[derive(Debug)]
pub struct LiveBody {
    stream: Box<str>,
    open: Option<(ByteStream, OwnedSemaphorePermit)>,
}

impl MediaBody for LiveBody {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some((body, _)) = &mut self.open else {
            return Ok(None);
        };
        let ended = match tokio::time::timeout(BODY_STALL, body.next()).await {
            Ok(Some(Ok(chunk))) => return Ok(Some(chunk)),
            // Nothing more comes of a call that is over.
            Ok(None) | Err(_) => Ok(None),
            Ok(Some(Err(error))) => Err(broke_off(&self.stream, &error)),
        };
        self.open = None;
        ended
    }
}
