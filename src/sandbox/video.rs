//! Kinesis Video: endpoints, listings and media of the streams' folders.

mod live;
mod selection;

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;

use super::faults::{Effect, Quota};
use super::stage::Stage;
use super::streams::{Stored, Stream, Streams};
use super::wire::{Refusal, Reply, json_reply, parse, reply_of, streamed};
use crate::connect::arn;
use crate::lock::lock;
use crate::media::counts::in_memory;
use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;
use crate::synth::error_document;
use live::LiveMedia;
use selection::{Selection, Selector, selection, token_of};

/// How many fragments a page lists when the call does not say, and at the most.
const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1_000;
/// How many fragments one request may name.
const MAX_ASKED: usize = 1_000;
/// How long streams are said to keep their media, unless a file `retention_hours` in the
/// stream's folder says so; they keep it for ever.
const RETENTION_HOURS: u32 = 24;
/// How much of a file is read at a time.
const READ_BYTES: usize = 128 << 10;

/// What KVS allows live media of a stream (Kinesis Video Streams Developer Guide, quotas).
const LIVE_PER_SECOND: u32 = 5;
const LIVE_AT_ONCE: u32 = 3;

const INVALID: &str = "InvalidArgumentException";

/// The service, and what its streams bear at the moment.
#[derive(Debug)]
pub(super) struct Video {
    streams: Arc<Streams>,
    /// The clock of streams that are played.
    stage: Option<Stage>,
    loads: Arc<Mutex<HashMap<String, Load>>>,
}

#[derive(Debug, Default)]
struct Load {
    /// When how many fragments were asked for, within the last second.
    recent: VecDeque<(Instant, usize)>,
    connections: u32,
    peak_connections: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
    fragment_selector: Option<Selector>,
    #[serde(default)]
    fragments: Vec<String>,
    start_selector: Option<live::Start>,
}

/// An answer, how many fragments it lists or was asked for, and where it was asked to begin.
pub(super) struct Answered {
    pub reply: Result<Reply, Refusal>,
    pub fragments: Option<usize>,
    pub start: Option<String>,
}

/// What a stream is, as DescribeStream tells it.
fn described(stream: &Stream, asked: &Asked) -> Reply {
    json_reply(&json!({"StreamInfo": {
        "StreamName": asked.stream_name,
        "StreamARN": asked.stream_arn,
        "Status": "ACTIVE",
        "CreationTime": EpochMillis(stream.created()).to_seconds(),
        "DataRetentionInHours": stream.retention_hours.unwrap_or(RETENTION_HOURS),
    }}))
}

impl Video {
    pub(super) fn new(streams: Arc<Streams>, stage: Option<Stage>) -> Self {
        Self {
            streams,
            stage,
            loads: Arc::default(),
        }
    }

    /// The most bodies that one stream had open at once.
    pub(super) fn peak_connections(&self) -> u32 {
        let loads = lock(&self.loads);
        let peaks = loads.values().map(|load| load.peak_connections);
        peaks.max().unwrap_or(0)
    }

    pub(super) fn answer(
        &self,
        operation: &str,
        body: &[u8],
        url: &str,
        effect: Option<&Effect>,
        quota: Quota,
    ) -> Answered {
        let (mut fragments, mut begins) = (None, None);
        let reply = parse(body, INVALID).and_then(|asked: Asked| {
            begins = asked.start_selector.as_ref().map(live::Start::told);
            let stream = self.stream(&asked)?;
            match operation {
                "ListFragments" => list(&stream, &asked, effect, &mut fragments),
                "GetMediaForFragmentList" => {
                    fragments = Some(asked.fragments.len());
                    self.media(&stream, &asked, effect, quota)
                }
                "GetMedia" => match self.stage {
                    Some(stage) => self.play(&stream.name, stage, &asked, quota),
                    None => {
                        let pieces = live::pieces(&stream, asked.start_selector.as_ref())?;
                        self.send(&stream, pieces, 0, quota)
                    }
                },
                "DescribeStream" => Ok(described(&stream, &asked)),
                _ => Ok(json_reply(&json!({ "DataEndpoint": url }))),
            }
        });
        Answered {
            reply,
            fragments,
            start: begins,
        }
    }

    fn stream(&self, asked: &Asked) -> Result<Arc<Stream>, Refusal> {
        let arn = asked.stream_arn.as_deref();
        let name = asked
            .stream_name
            .as_deref()
            .or(arn.and_then(arn::stream_name));
        let Some(name) = name else {
            return Err(Refusal::new(
                400,
                INVALID,
                "neither StreamName nor a stream's StreamARN",
            ));
        };
        let stream = self.streams.open(name)?.ok_or_else(|| {
            let message = format!("The requested stream is not found or not active: {name}");
            Refusal::new(404, "ResourceNotFoundException", message)
        })?;
        Ok(match self.stage {
            Some(stage) => Arc::new(stream.at(stage.now())),
            None => stream,
        })
    }

    /// Live media, within what KVS allows a stream: five requests a second, three bodies.
    fn play(
        &self,
        name: &str,
        stage: Stage,
        asked: &Asked,
        quota: Quota,
    ) -> Result<Reply, Refusal> {
        let live = Quota {
            fragments_per_second: Some(LIVE_PER_SECOND),
            connections: Some(LIVE_AT_ONCE),
            ..quota
        };
        let held = self.take(&format!("live media of {name}"), 1, live)?;
        let streams = Arc::clone(&self.streams);
        let (start, lasts) = (asked.start_selector.as_ref(), quota.media_seconds);
        let body = LiveMedia::new(streams, name, stage, start, lasts, held)?;
        let chunks = stream::unfold(body, |mut body| async move {
            let chunk = body.next_chunk().await.transpose()?;
            Some((chunk, body))
        });
        Ok(reply_of("video/x-matroska", streamed(chunks)))
    }

    fn media(
        &self,
        stream: &Stream,
        asked: &Asked,
        effect: Option<&Effect>,
        quota: Quota,
    ) -> Result<Reply, Refusal> {
        let count = asked.fragments.len();
        if !(1..=MAX_ASKED).contains(&count) {
            let message = format!("{count} fragments, not 1 to {MAX_ASKED}");
            return Err(Refusal::new(400, INVALID, message));
        }
        let mut pieces = Vec::with_capacity(count);
        for (at, number) in asked.fragments.iter().enumerate() {
            let parsed: FragmentNumber = number
                .parse()
                .map_err(|error| Refusal::new(400, INVALID, format!("{number}: {error}")))?;
            let error = |id, code: &str| Piece::Error(error_document(number, id, code).into());
            pieces.push(match (effect, stream.find(parsed)) {
                (
                    Some(Effect::ErrorDocument {
                        id,
                        code,
                        at: places,
                    }),
                    _,
                ) if places.contains(&at) => error(*id, code),
                (_, Some(stored)) => Piece::of(stored),
                (_, None) => error(3000, "FRAGMENT_NOT_FOUND"),
            });
        }
        if effect == Some(&Effect::Shuffle) {
            pieces.sort_by_key(scrambled);
        }
        self.send(stream, pieces, count, quota)
    }

    fn send(
        &self,
        stream: &Stream,
        pieces: Vec<Piece>,
        count: usize,
        quota: Quota,
    ) -> Result<Reply, Refusal> {
        let held = self.take(&stream.name, count, quota)?;
        let body = Media {
            pieces: join(pieces).into_iter(),
            open: None,
            _held: held,
        };
        let chunks = stream::unfold(body, |mut body| async move {
            let chunk = body.next_chunk().transpose()?;
            Some((chunk, body))
        });
        Ok(reply_of("video/x-matroska", streamed(chunks)))
    }

    /// Counts a request against its stream's quota, as long as its body lasts.
    fn take(&self, stream: &str, count: usize, quota: Quota) -> Result<Held, Refusal> {
        let mut loads = lock(&self.loads);
        let load = loads.entry(stream.to_owned()).or_default();
        let now = Instant::now();
        let past = |(at, _): &(Instant, usize)| now.duration_since(*at) >= Duration::from_secs(1);
        while load.recent.front().is_some_and(past) {
            load.recent.pop_front();
        }
        let recent: usize = load.recent.iter().map(|(_, count)| count).sum();
        if quota
            .fragments_per_second
            .is_some_and(|most| recent + count > most as usize)
        {
            let message = "Rate exceeded: requests or fragments per second of this stream";
            return Err(Refusal::new(400, "ClientLimitExceededException", message));
        }
        if quota
            .connections
            .is_some_and(|most| load.connections >= most)
        {
            let message = "Too many connections to this stream";
            return Err(Refusal::new(
                400,
                "ConnectionLimitExceededException",
                message,
            ));
        }
        load.recent.push_back((now, count));
        load.connections += 1;
        load.peak_connections = load.peak_connections.max(load.connections);
        Ok(Held {
            loads: Arc::clone(&self.loads),
            stream: stream.to_owned(),
        })
    }
}

/// One connection's place in its stream's quota.
struct Held {
    loads: Arc<Mutex<HashMap<String, Load>>>,
    stream: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(load) = lock(&self.loads).get_mut(&self.stream) {
            load.connections = load.connections.saturating_sub(1);
        }
    }
}

/// A page of the fragments that start in the range, in no order but always the same one.
fn list(
    stream: &Stream,
    asked: &Asked,
    effect: Option<&Effect>,
    count: &mut Option<usize>,
) -> Result<Reply, Refusal> {
    let invalid = |message: String| Refusal::new(400, INVALID, message);
    let most = asked.max_results.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&most) {
        return Err(invalid(format!("MaxResults {most} is not 1 to {MAX_PAGE}")));
    }
    if stream.retention_hours == Some(0) {
        let message = "The requested end timestamp is outside of the stream retention period.";
        return Err(invalid(message.to_owned()));
    }
    // The token carries the selection on, so that a next page may do without a selector.
    let (selection, skipped) = match &asked.next_token {
        Some(token) => token_of(token).ok_or_else(|| invalid(format!("NextToken {token}")))?,
        None => (
            selection(asked.fragment_selector.as_ref()).map_err(invalid)?,
            0,
        ),
    };
    let mut listed: Vec<_> = stream
        .stored
        .iter()
        .filter(|stored| selection.holds(stored))
        .collect();
    match effect {
        Some(Effect::NothingBeforeCreation) if selection.from < stream.created() => listed.clear(),
        Some(Effect::DropStop | Effect::DropEnds) => drop(listed.pop()),
        _ => {}
    }
    if matches!(effect, Some(Effect::DropStart | Effect::DropEnds)) && !listed.is_empty() {
        listed.remove(0);
    }
    listed.sort_by_key(|stored| scrambled(&stored.number));
    let page: Vec<_> = listed
        .iter()
        .skip(skipped)
        .take(most)
        .map(|stored| {
            json!({
                "FragmentNumber": stored.number.to_string(),
                "FragmentSizeInBytes": stored.length,
                "ProducerTimestamp": EpochMillis(stored.producer).to_seconds(),
                "ServerTimestamp": EpochMillis(stored.server).to_seconds(),
                "FragmentLengthInMilliseconds": stored.millis,
            })
        })
        .collect();
    *count = Some(page.len());
    let next = skipped + page.len();
    let mut reply = json!({ "Fragments": page });
    if next < listed.len() {
        let Selection {
            by_server,
            from,
            to,
        } = selection;
        reply["NextToken"] = format!("{by_server}:{from}:{to}:{next}").into();
    }
    Ok(json_reply(&reply))
}

fn scrambled(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A part of an answer's body.
#[derive(Hash)]
enum Piece {
    Error(Bytes),
    File {
        path: Arc<Path>,
        offset: u64,
        length: u64,
    },
}

impl Piece {
    fn of(stored: &Stored) -> Self {
        Self::File {
            path: Arc::clone(&stored.file),
            offset: stored.offset,
            length: stored.length,
        }
    }
}

/// Neighbours in a file become one piece.
fn join(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        if let Piece::File {
            path,
            offset,
            length,
        } = &piece
            && let Some(Piece::File {
                path: before,
                offset: from,
                length: long,
            }) = joined.last_mut()
            && before == path
            && *from + *long == *offset
        {
            *long += length;
            continue;
        }
        joined.push(piece);
    }
    joined
}

/// A body under way; reads block, which a sandbox can bear.
struct Media {
    pieces: std::vec::IntoIter<Piece>,
    open: Option<io::Take<File>>,
    _held: Held,
}

impl Media {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(file) = &mut self.open {
                let mut chunk = Vec::with_capacity(READ_BYTES.min(in_memory(file.limit())));
                file.by_ref()
                    .take(READ_BYTES as u64)
                    .read_to_end(&mut chunk)?;
                if !chunk.is_empty() {
                    return Ok(Some(chunk.into()));
                }
            }
            match self.pieces.next() {
                None => return Ok(None),
                Some(Piece::Error(document)) => {
                    self.open = None;
                    return Ok(Some(document));
                }
                Some(Piece::File {
                    path,
                    offset,
                    length,
                }) => {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(offset))?;
                    self.open = Some(file.take(length));
                }
            }
        }
    }
}
