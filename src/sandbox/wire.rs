//! Answers on the wire: JSON, errors in each service's shape, and bodies that are cut,
//! ended or held up on purpose.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use s3s::Body;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::faults::Effect;

/// What goes to the wire before a reset has this long to get there.
const FLUSH_TIME: Duration = Duration::from_millis(50);

pub(super) type Reply = Response<Body>;

/// An error of a service.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: u16,
    /// Its name, as `ResourceNotFoundException`.
    pub error: String,
    pub message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, error: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            message: message.into(),
        }
    }

    /// The answer as the JSON services give it: by a header and in the body.
    pub(super) fn into_json(self) -> Reply {
        let body = json!({"__type": self.error, "message": self.message});
        let mut reply = json_reply(&body);
        *reply.status_mut() = self.status_code();
        if let Ok(error) = self.error.parse() {
            reply.headers_mut().insert("x-amzn-errortype", error);
        }
        reply
    }

    /// The answer as S3 gives it.
    pub(super) fn into_xml(self) -> Reply {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>",
            escaped(&self.error),
            escaped(&self.message)
        );
        let mut reply = reply_of("application/xml", xml.into());
        *reply.status_mut() = self.status_code();
        reply
    }

    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::new(
            500,
            "InternalFailure",
            format!("the sandbox's files: {error}"),
        )
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

/// Reads a JSON body; one that is not as it should be is told under this error.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8], error: &str) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|cause| Refusal::new(400, error, cause.to_string()))
}

pub(super) fn json_reply(body: &Value) -> Reply {
    reply_of("application/json", body.to_string().into())
}

pub(super) fn reply_of(content_type: &'static str, body: Body) -> Reply {
    let mut reply = Response::new(body);
    let content_type = HeaderValue::from_static(content_type);
    reply.headers_mut().insert(CONTENT_TYPE, content_type);
    reply
}

/// An answer that is not the service's. It leaves out headers that HTTP does not allow.
pub(super) fn foreign_reply(code: u16, headers: &BTreeMap<String, String>, body: &str) -> Reply {
    let mut reply = Response::new(Body::from(body.to_owned()));
    *reply.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}

/// A body of chunks that are made when they are wanted.
pub(super) fn streamed<S>(chunks: S) -> Body
where
    S: stream::Stream<Item = io::Result<Bytes>> + Send + 'static,
{
    Body::http_body_unsync(StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))))
}

/// Has an effect on an answer's body. `reset` breaks the connection.
pub(super) fn spoil(reply: Reply, effect: &Effect, reset: &Arc<Notify>) -> Reply {
    let (bytes, end) = match effect {
        Effect::CutAfterBytes(bytes) => (*bytes, End::Reset(Arc::clone(reset))),
        Effect::EndAfterBytes(bytes) => (*bytes, End::Clean),
        Effect::StallAfterBytes { bytes, seconds } => {
            let pause = Duration::try_from_secs_f64(*seconds).unwrap_or(Duration::MAX);
            (*bytes, End::Stall(pause))
        }
        Effect::Status { .. }
        | Effect::Answer { .. }
        | Effect::Reset
        | Effect::DelayMs(_)
        | Effect::ErrorDocument { .. }
        | Effect::Shuffle
        | Effect::DropStart
        | Effect::DropStop
        | Effect::DropEnds
        | Effect::NothingBeforeCreation
        | Effect::IdToken(_)
        | Effect::JobFails { .. }
        | Effect::JobFailsUnheard { .. }
        | Effect::JobNeverEnds => return reply,
    };
    let (mut head, body) = reply.into_parts();
    if matches!(end, End::Clean) {
        head.headers.remove(CONTENT_LENGTH);
    }
    Response::from_parts(head, spoilt(body, bytes, end))
}

enum End {
    Reset(Arc<Notify>),
    Clean,
    Stall(Duration),
}

struct Spoilt {
    body: Body,
    /// Read from the body and not handed on yet.
    chunk: Bytes,
    /// Bytes before the end; `None` when that is behind us.
    left: Option<u64>,
    end: End,
}

fn spoilt(body: Body, bytes: u64, end: End) -> Body {
    let start = Spoilt {
        body,
        chunk: Bytes::new(),
        left: Some(bytes),
        end,
    };
    streamed(stream::unfold(start, |mut spoilt| async move {
        let chunk = spoilt.next().await?;
        Some((chunk, spoilt))
    }))
}

impl Spoilt {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.left == Some(0) {
            self.left = None;
            match &self.end {
                End::Clean => return None,
                End::Stall(pause) => tokio::time::sleep(*pause).await,
                End::Reset(reset) => {
                    tokio::time::sleep(FLUSH_TIME).await;
                    reset.notify_one();
                    return std::future::pending().await;
                }
            }
        }
        if self.chunk.is_empty() {
            match self.body.next().await? {
                Ok(chunk) => self.chunk = chunk,
                Err(error) => return Some(Err(io::Error::other(error))),
            }
        }
        let Some(left) = &mut self.left else {
            return Some(Ok(std::mem::take(&mut self.chunk)));
        };
        let length = usize::try_from(*left).unwrap_or(usize::MAX);
        let chunk = self.chunk.split_to(length.min(self.chunk.len()));
        *left -= chunk.len() as u64;
        Some(Ok(chunk))
    }
}
