//! Reading a recording's fragments: ask in requests well under the quota, several at once,
//! handed on in order; ask again for what did not come.

use std::future::poll_fn;
use std::mem;
use std::task::Poll;

use futures_util::{Stream, StreamExt, pin_mut, stream};

use super::Reading;
use super::pour::LookAhead;
use crate::failure::{Action, Failure, FailureKind, KeyTrouble};
use crate::media::demux::Demuxer;
use crate::media::fragment::{ContactTag, FragmentNumber, SegmentUid};
use crate::media::request::{Answer, MissingCause, Request};
use crate::port::{FragmentSource, MediaBody};

/// How much of a body is read before others get their turn: about a tenth of a millisecond.
const BYTES_A_TURN: usize = 64 << 10;

/// The answers to all requests, in order, a bounded number of them under way.
pub(super) fn answers<'a>(
    source: &'a impl FragmentSource,
    reading: &Reading,
    stream: &'a str,
    numbers: &'a [FragmentNumber],
) -> impl Stream<Item = Result<Answer, Failure>> + 'a {
    let attempts = reading.attempts.max(1);
    stream::iter(numbers.chunks(reading.fragments_per_request.max(1)))
        .map(move |asked| answer(source, stream, asked, attempts))
        .buffered(reading.requests_at_once.max(1))
}

/// One request, asked again for what did not come while that is of use.
async fn answer(
    source: &impl FragmentSource,
    stream: &str,
    asked: &[FragmentNumber],
    attempts: u32,
) -> Result<Answer, Failure> {
    let mut asking = Asking {
        source,
        stream,
        request: Request::new(asked),
        requests: 0,
    };
    let mut attempt = 1;
    loop {
        let ended = asking.ask_for_rest(attempt > 1).await;
        // A key that refuses can be mended while the media is kept: nothing is settled.
        if let Some(trouble) = asking.request.causes().find_map(key_trouble) {
            return Err(Failure::new(
                FailureKind::Key(trouble),
                stream,
                trouble.cause(),
            ));
        }
        if asking.request.open().is_empty() && asking.request.failed().is_empty() {
            return Ok(asking.settle());
        }
        attempt += 1;
        let give_up = attempt > attempts || !source.wait_to_ask_again(attempt).await;
        match ended {
            Ok(()) if give_up => return Ok(asking.settle()),
            Err(failure) if give_up || failure.action() == Action::Park => return Err(failure),
            Ok(()) | Err(_) => {}
        }
    }
}

/// A request under way, over as many bodies as it takes.
struct Asking<'a, S> {
    source: &'a S,
    stream: &'a str,
    request: Request,
    requests: u64,
}

impl<S: FragmentSource> Asking<'_, S> {
    /// Asks for what is open; and `errors_too` for each fragment in whose place an error
    /// came, apart from the others: one that cannot be had costs no other.
    async fn ask_for_rest(&mut self, errors_too: bool) -> Result<(), Failure> {
        let failed = self.request.failed();
        self.ask_for(self.request.open()).await?;
        if errors_too {
            self.ask_for(failed).await?;
        }
        Ok(())
    }

    /// Asks until all is answered or nothing more comes: an answer has been seen to end at
    /// its first error.
    async fn ask_for(&mut self, mut wanted: Vec<FragmentNumber>) -> Result<(), Failure> {
        while !wanted.is_empty() {
            self.requests += 1;
            let ended = ask(self.source, self.stream, &wanted, &mut self.request).await;
            let answered = self.request.end_body(&wanted);
            ended?;
            if answered.is_empty() {
                break;
            }
            wanted.retain(|number| !answered.contains(number));
        }
        Ok(())
    }

    fn settle(self) -> Answer {
        Answer {
            asked_again: self.requests.saturating_sub(1),
            ..self.request.settle()
        }
    }
}

/// Looks ahead by asking for the fragments behind once more: what they say of a session is
/// kept, and not their media.
pub(super) struct Archive<'a, S> {
    pub source: &'a S,
    pub reading: &'a Reading,
    pub stream: &'a str,
    pub numbers: &'a [FragmentNumber],
}

impl<S: FragmentSource> LookAhead for Archive<'_, S> {
    /// Reads on to the session's end. One that names several contacts tells nothing of
    /// what stands before the first name.
    async fn whose(
        &self,
        session: SegmentUid,
        behind: Option<FragmentNumber>,
    ) -> Result<ContactTag, Failure> {
        let from = self
            .numbers
            .partition_point(|number| Some(*number) <= behind);
        let answers = answers(
            self.source,
            self.reading,
            self.stream,
            &self.numbers[from..],
        );
        let mut owner = ContactTag::None;
        pin_mut!(answers);
        while let Some(answer) = answers.next().await {
            for fragment in answer?.fragments {
                if fragment.session != Some(session) {
                    if owner == ContactTag::None {
                        continue;
                    }
                    return Ok(owner);
                }
                match (&owner, fragment.contact) {
                    (_, ContactTag::None) => {}
                    (ContactTag::None, named) => owner = named,
                    (known, named) if is_same_contact(known, &named) => {}
                    _ => return Ok(ContactTag::None),
                }
            }
        }
        Ok(owner)
    }
}

fn is_same_contact(one: &ContactTag, other: &ContactTag) -> bool {
    match (one, other) {
        (ContactTag::One(one), ContactTag::One(other)) => one.eq_ignore_ascii_case(other),
        (one, other) => one == other,
    }
}

/// Asks once and takes what comes; a body that breaks off leaves what came before it.
async fn ask(
    source: &impl FragmentSource,
    stream: &str,
    numbers: &[FragmentNumber],
    request: &mut Request,
) -> Result<(), Failure> {
    let mut body = source.fetch(stream, numbers).await?;
    read_body(&mut body, request).await
}

/// Takes what comes of a body. Media that keeps the demuxer busy and is there at once
/// would keep this from waiting for anything: the others, a deadline among them, get their
/// turn between the pieces.
async fn read_body(body: &mut impl MediaBody, request: &mut Request) -> Result<(), Failure> {
    let mut demuxer = Demuxer::new();
    let ended = loop {
        let chunk = match body.next_chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        };
        for piece in chunk.chunks(BYTES_A_TURN) {
            demuxer.push(piece);
            while let Some(document) = demuxer.next_document() {
                request.take(document);
            }
            yield_now().await;
        }
    };
    demuxer.finish().for_each(|document| request.take(document));
    ended
}

/// Lets all else that is ready go on first, on whatever runtime there is.
async fn yield_now() {
    let mut had_turn = false;
    poll_fn(|context| {
        if mem::replace(&mut had_turn, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What an error document says about the stream's key, if anything.
fn key_trouble(cause: &MissingCause) -> Option<KeyTrouble> {
    match cause {
        MissingCause::ErrorDocument { id: Some(id), .. } => KeyTrouble::from_error_id(*id),
        MissingCause::ErrorDocument { id: None, .. } | MissingCause::NotReturned => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::pin::pin;
    use std::task::{Context, Waker};

    /// A body that is there at once, in one chunk.
    struct AtOnce(Option<Bytes>);

    impl MediaBody for AtOnce {
        async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
            Ok(self.0.take())
        }
    }

    #[test]
    fn others_get_their_turn_while_a_body_is_read() {
        let mut body = AtOnce(Some(vec![0xEC; 20 * BYTES_A_TURN].into()));
        let mut request = Request::new(&[]);
        let mut reading = pin!(read_body(&mut body, &mut request));
        let mut context = Context::from_waker(Waker::noop());
        let mut turns = 0;
        while reading.as_mut().poll(&mut context).is_pending() {
            turns += 1;
        }
        assert_eq!(turns, 20);
    }
}
