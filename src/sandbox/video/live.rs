//! GetMedia: what lies in a stream from a start on, to its end; of a stream that is played, what
//! comes to it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;

use super::super::stage::Stage;
use super::super::streams::{Stored, Stream, Streams};
use super::super::wire::Refusal;
use super::{Held, INVALID, Piece};
use crate::media::counts::whole;
use crate::media::fragment::FragmentNumber;
use crate::synth::live_tail;

/// A body lasts so long: KVS ends one after 40 to 45 minutes.
const MEDIA_SECONDS: u32 = 42 * 60;
/// It ends when nothing came for so long.
const QUIET_SECONDS: f64 = 20.0;
/// However fast streams are played.
const LEAST_QUIET: Duration = Duration::from_millis(500);
/// How often files are looked at for what was added.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Where live media starts.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Start {
    start_selector_type: String,
    start_timestamp: Option<f64>,
    after_fragment_number: Option<String>,
}

/// The same, understood; times in epoch milliseconds.
#[derive(Clone, Copy)]
enum Place {
    Server(i64),
    Producer(i64),
    Behind(FragmentNumber),
}

impl Start {
    /// The selector and its value.
    pub(super) fn told(&self) -> String {
        let time = self.start_timestamp.map(|seconds| seconds.to_string());
        let value = self.after_fragment_number.clone().or(time);
        let selector = &self.start_selector_type;
        value.map_or_else(|| selector.clone(), |value| format!("{selector} {value}"))
    }

    fn place(&self) -> Result<Place, String> {
        let time = || {
            let seconds = self.start_timestamp.ok_or("no StartTimestamp")?;
            Ok::<_, String>(whole((seconds * 1_000.0).round()))
        };
        match &*self.start_selector_type {
            "EARLIEST" => Ok(Place::Server(i64::MIN)),
            "SERVER_TIMESTAMP" => time().map(Place::Server),
            "PRODUCER_TIMESTAMP" => time().map(Place::Producer),
            "FRAGMENT_NUMBER" => {
                let number = self.after_fragment_number.as_deref().unwrap_or_default();
                let number = number
                    .parse()
                    .map_err(|error| format!("{number}: {error}"))?;
                Ok(Place::Behind(number))
            }
            other => Err(format!("StartSelectorType {other} is not answered here")),
        }
    }
}

impl Place {
    fn is_before(self, stored: &Stored) -> bool {
        match self {
            // The fragment that holds the instant.
            Self::Server(time) => stored.server + stored.millis > time,
            Self::Producer(time) => stored.producer + stored.millis > time,
            Self::Behind(number) => stored.number > number,
        }
    }
}

fn place(start: Option<&Start>) -> Result<Place, Refusal> {
    let start = start.ok_or_else(|| Refusal::new(400, INVALID, "no StartSelector"))?;
    start
        .place()
        .map_err(|error| Refusal::new(400, INVALID, error))
}

/// The pieces of a stream from a start on.
pub(super) fn pieces(stream: &Stream, start: Option<&Start>) -> Result<Vec<Piece>, Refusal> {
    let from = place(start)?;
    let is_in = |stored: &&Stored| from.is_before(stored);
    Ok(stream.stored.iter().filter(is_in).map(Piece::of).collect())
}

/// A body that goes on with its stream: each fragment comes when it is whole.
pub(super) struct LiveMedia {
    streams: Arc<Streams>,
    name: String,
    stage: Stage,
    from: Place,
    /// It ends then, whatever comes.
    end: Instant,
    /// When a fragment came last; at first, when the body began.
    heard: Instant,
    _held: Held,
}

impl LiveMedia {
    pub(super) fn new(
        streams: Arc<Streams>,
        name: &str,
        stage: Stage,
        start: Option<&Start>,
        media_seconds: Option<u32>,
        held: Held,
    ) -> Result<Self, Refusal> {
        let lasts = stage.lasting(f64::from(media_seconds.unwrap_or(MEDIA_SECONDS)));
        let now = Instant::now();
        Ok(Self {
            streams,
            name: name.to_owned(),
            stage,
            from: place(start)?,
            end: now + lasts,
            heard: now,
            _held: held,
        })
    }

    /// The next fragment, with what KVS puts behind it; `None` at the end, which says nothing of
    /// the reason.
    pub(super) async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            // Files may have been added since.
            let Some(stream) = self.streams.open(&self.name)? else {
                return Ok(None);
            };
            let now = Instant::now();
            let quiet = self.heard + self.stage.lasting(QUIET_SECONDS).max(LEAST_QUIET);
            if now >= self.end {
                return Ok(None);
            }
            let next = stream.stored.iter().find(|it| self.from.is_before(it));
            let came = next.map(|stored| self.stage.when(stored.server + stored.millis));
            match (next, came) {
                (Some(stored), Some(came)) if came <= now => {
                    self.from = Place::Behind(stored.number);
                    self.heard = now;
                    return self.chunk(stored).map(Some);
                }
                _ if now >= quiet => return Ok(None),
                (_, came) => {
                    let until = came.unwrap_or(now + LOOK_AGAIN).min(quiet).min(self.end);
                    tokio::time::sleep_until(until.min(now + LOOK_AGAIN).into()).await;
                }
            }
        }
    }

    fn chunk(&self, stored: &Stored) -> io::Result<Bytes> {
        let mut file = File::open(&stored.file)?;
        file.seek(SeekFrom::Start(stored.offset))?;
        let mut chunk = Vec::new();
        file.take(stored.length).read_to_end(&mut chunk)?;
        if stored.numbered {
            let behind = self.stage.now() - stored.server - stored.millis;
            let behind = u64::try_from(behind).unwrap_or(0);
            chunk.extend(live_tail(&stored.number.to_string(), behind));
        }
        Ok(chunk.into())
    }
}
