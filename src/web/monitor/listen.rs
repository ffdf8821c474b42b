//! Listening in: a call's sound, block by block, to one page. It begins with the next block,
//! and ends with the call, with the page, or with the monitor.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{Live, World, now};
use crate::media::fragment::Block;
use crate::media::ticks::{EpochMillis, MediaTime};

/// Blocks of all calls that a slow listener may be behind: half a minute of 50 calls' would
/// be some 50,000, which no page needs. What it did not take in time it does not hear.
pub(super) const BLOCKS_BEHIND: usize = 4_096;

/// Whether people may listen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listening {
    /// Whoever has the page.
    Allowed,
    /// Nobody.
    Off,
}

/// Somebody listened in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listened {
    /// To which call.
    pub contact: Arc<str>,
    /// When it began.
    pub began: EpochMillis,
    /// When it ended; `None` when it has only just begun.
    pub ended: Option<EpochMillis>,
}

/// What listeners hear of.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    Block(Arc<str>, Block),
    End(Arc<str>),
}

/// Answers with the call's sound: pieces of a head of 16 bytes and 16-bit little-endian
/// samples. The head: the side (0 the customer's, 1 the operator's) and three bytes of 0, how
/// many samples follow (u32), and when the first was taken, in samples since the first piece
/// (i64), both little-endian.
pub(super) async fn sound(State(world): State<World>, Path(contact): Path<String>) -> Response {
    let live = world.live;
    if live.listening == Listening::Off {
        let why = "nobody may listen in: the monitor was started with --no-listening\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    // Before it is asked whether the call goes on: its end is not missed.
    let blocks = live.sound.subscribe();
    if !live.panels().is_in_progress(&contact) {
        return (StatusCode::NOT_FOUND, "this call is not in progress\n").into_response();
    }
    let listener = Listener {
        blocks,
        first: None,
        stop: Box::pin(world.stop.asked()),
        session: Session::begin(live, contact.into()),
    };
    let pieces = stream::unfold(listener, async |mut listener| {
        let piece = listener.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), listener))
    });
    let mut answer = Body::from_stream(pieces).into_response();
    let kind = HeaderValue::from_static("application/octet-stream");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

struct Listener {
    blocks: broadcast::Receiver<Heard>,
    first: Option<MediaTime>,
    stop: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    session: Session,
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let heard = tokio::select! {
                heard = self.blocks.recv() => heard,
                () = &mut self.stop => return None,
            };
            match heard {
                Ok(Heard::Block(contact, block)) if contact == self.session.contact => {
                    let first = *self.first.get_or_insert(block.start);
                    return Some(piece(&block, first));
                }
                Ok(Heard::End(contact)) if contact == self.session.contact => return None,
                Ok(Heard::Block(..) | Heard::End(_)) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

fn piece(block: &Block, first: MediaTime) -> Bytes {
    let whole = block.pcm.len() / 2 * 2;
    let count = u32::try_from(whole / 2).unwrap_or(u32::MAX);
    let side = u8::try_from(block.direction.index()).unwrap_or_default();
    let mut piece = Vec::with_capacity(16 + whole);
    piece.extend([side, 0, 0, 0]);
    piece.extend(count.to_le_bytes());
    piece.extend(block.start.samples_since(first).to_le_bytes());
    piece.extend_from_slice(&block.pcm[..whole]);
    piece.into()
}

/// Tells that somebody listens, and when they do no more, however it ended.
struct Session {
    live: Arc<Live>,
    contact: Arc<str>,
    began: EpochMillis,
}

impl Session {
    fn begin(live: Arc<Live>, contact: Arc<str>) -> Self {
        let began = now();
        let session = Self {
            live,
            contact,
            began,
        };
        session.tell(None);
        session
    }

    fn tell(&self, ended: Option<EpochMillis>) {
        (self.live.told)(Listened {
            contact: self.contact.clone(),
            began: self.began,
            ended,
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.tell(Some(now()));
    }
}
