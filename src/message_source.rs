//! A message's source. A stream that keeps nothing lists nothing: then its media is read
//! once, as it lies there, from the message's start until another contact speaks, the media
//! ends, or the message is over; and what came is asked for by its numbers like any other.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;

use crate::failure::{Failure, FailureKind};
use crate::lock::lock;
use crate::media::demux::{Demuxer, Document};
use crate::media::fragment::{ContactTag, FragmentNumber};
use crate::media::ticks::EpochMillis;
use crate::port::{FragmentSource, Listing, LiveMedia, MediaBody, Whereabouts};

/// The most that is held of one message: an hour of one side, and half an hour of two.
const MOST_BYTES: usize = 64 << 20;
/// Media is read from so much before the start, in milliseconds: the fragment that holds it
/// began before.
const EARLIER: i64 = 5_000;
/// And to so much behind the end: fragments come when they are whole.
const LATER: i64 = 15_000;

/// Whether a message may be made later, when more of it may be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// It may.
    NowOrLater,
    /// It is made of what there is.
    Now,
}

/// The source of one message.
pub(crate) struct MessageSource<'a, S, L> {
    pub source: &'a S,
    pub live: &'a L,
    /// The contact, and others that its media may carry.
    pub contacts: Vec<Box<str>>,
    /// Where the contact's next message begins: nothing from there on is this one's.
    pub next: Option<FragmentNumber>,
    pub when: When,
    pub held: Mutex<Option<Held>>,
}

/// Media that was read live.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    fragments: Vec<(FragmentNumber, Bytes)>,
}

impl<S: FragmentSource, L: LiveMedia> MessageSource<'_, S, L> {
    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        lock(&self.held)
    }

    fn is_before_next(&self, number: FragmentNumber) -> bool {
        self.next.is_none_or(|next| number < next)
    }

    fn held_listing(&self, whereabouts: &Whereabouts<'_>) -> Option<Listing> {
        let held = self.held();
        let fragments = held.as_ref()?.fragments.iter();
        let numbers = fragments.map(|(number, _)| *number);
        let numbers = numbers.filter(|number| self.is_before_next(*number));
        let numbers = numbers.filter(|number| whereabouts.range.contains(*number));
        Some(Listing {
            numbers: numbers.collect(),
            incomplete: false,
        })
    }

    /// Reads the message's media; `None` when there is none of it.
    async fn read(&self, whereabouts: &Whereabouts<'_>) -> Result<Option<Held>, Failure> {
        let stream = whereabouts.stream;
        let hinted = whereabouts
            .range
            .start
            .and_then(FragmentNumber::hinted_server_time);
        let Some(started) = hinted.or(whereabouts.times.started) else {
            let cause = "nobody knows when the message began, and the stream keeps nothing";
            return Err(Failure::new(FailureKind::RetentionOver, stream, cause));
        };
        let from = EpochMillis(started.0.saturating_sub(EARLIER));
        let stopped = whereabouts.times.stopped;
        let until = stopped.map(|stopped| EpochMillis(stopped.0.saturating_add(LATER)));
        let mut body = self.live.read_from(stream, from).await?;
        let mut demuxer = Demuxer::new();
        let mut media = Vec::new();
        let mut spans = Vec::new();
        let mut began = false;
        let mut take = |document: Document| {
            let Document::Fragment(fragment) = document else {
                return true;
            };
            let is_own = match &fragment.contact {
                ContactTag::One(contact) => Some(self.contacts.contains(contact)),
                ContactTag::None | ContactTag::Several(_) | ContactTag::Conflicting => None,
            };
            began |= is_own == Some(true);
            let is_over = match (fragment.server_time, until) {
                (Some(time), Some(until)) => time > until,
                (None, _) | (_, None) => false,
            };
            let is_next = fragment.number.is_some_and(|it| !self.is_before_next(it));
            if is_over || is_next || (began && is_own == Some(false)) {
                return false;
            }
            if let Some(number) = fragment.number {
                let end = fragment.offset.saturating_add(fragment.length);
                spans.push((number, fragment.offset..end));
            }
            true
        };
        'media: while let Some(chunk) = body.next_chunk().await? {
            if media.len() + chunk.len() > MOST_BYTES {
                let cause =
                    format!("is longer than the {MOST_BYTES} bytes that are held of a message");
                return Err(Failure::new(FailureKind::TooLong, stream, cause));
            }
            media.extend_from_slice(&chunk);
            demuxer.push(&chunk);
            while let Some(document) = demuxer.next_document() {
                if !take(document) {
                    demuxer = Demuxer::new();
                    break 'media;
                }
            }
        }
        for document in demuxer.finish() {
            if !take(document) {
                break;
            }
        }
        let media = Bytes::from(media);
        let piece = |place: &std::ops::Range<u64>| {
            let start = usize::try_from(place.start).ok()?.min(media.len());
            let end = usize::try_from(place.end).ok()?.min(media.len());
            Some(media.slice(start.min(end)..end))
        };
        let fragments = spans
            .iter()
            .filter_map(|(number, place)| Some((*number, piece(place)?)));
        let fragments = fragments.collect();
        Ok(began.then_some(Held { fragments }))
    }
}

impl<S: FragmentSource, L: LiveMedia> FragmentSource for MessageSource<'_, S, L> {
    type Body = MessageBody<S::Body>;

    async fn list(&self, whereabouts: Whereabouts<'_>) -> Result<Listing, Failure> {
        if let Some(listing) = self.held_listing(&whereabouts) {
            return Ok(listing);
        }
        let over = match self.source.list(whereabouts).await {
            Err(failure) if failure.kind == FailureKind::RetentionOver => failure,
            Err(failure) => return Err(failure),
            Ok(mut listing) => {
                listing
                    .numbers
                    .retain(|number| self.is_before_next(*number));
                return Ok(listing);
            }
        };
        // Where nothing of it is left, it was kept and is gone.
        let held = self.read(&whereabouts).await?.ok_or(over)?;
        *self.held() = Some(held);
        Ok(self.held_listing(&whereabouts).unwrap_or_default())
    }

    async fn fetch(&self, stream: &str, numbers: &[FragmentNumber]) -> Result<Self::Body, Failure> {
        let pieces = self.held().as_ref().map(|held| {
            let wanted = held.fragments.iter().rev();
            let wanted = wanted.filter(|(number, _)| numbers.contains(number));
            wanted.map(|(_, piece)| piece.clone()).collect()
        });
        match pieces {
            Some(pieces) => Ok(MessageBody::Held(pieces)),
            None => self
                .source
                .fetch(stream, numbers)
                .await
                .map(MessageBody::Fetched),
        }
    }

    async fn wait_to_ask_again(&self, attempt: u32) -> bool {
        let is_held = self.held().is_some();
        // What is held does not change.
        !is_held && self.source.wait_to_ask_again(attempt).await
    }

    async fn kept_for(&self, stream: &str) -> Option<Duration> {
        match self.when {
            When::Now => Some(Duration::ZERO),
            When::NowOrLater => self.source.kept_for(stream).await,
        }
    }
}

/// An answer's body.
pub(crate) enum MessageBody<B> {
    Fetched(B),
    /// Fragments, the last of which is the next.
    Held(Vec<Bytes>),
}

impl<B: MediaBody> MediaBody for MessageBody<B> {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Fetched(body) => body.next_chunk().await,
            Self::Held(pieces) => Ok(pieces.pop()),
        }
    }
}
