//! Reading a recording's fragments: list, complete, order; ask in requests well under the
//! quota, several at once, handed on in order; ask again for what did not come.

use futures_util::{Stream, StreamExt, stream};

use super::Reading;
use crate::demux::Demuxer;
use crate::failure::{Action, Failure, FailureKind, KeyTrouble};
use crate::fragment::FragmentNumber;
use crate::plan::RecordingPlan;
use crate::port::{FragmentSource, MediaBody, Whereabouts};
use crate::request::{Answer, MissingCause, Request};

/// The recording's fragment numbers in order: what is listed in the range, and the two
/// numbers that the record itself names, which a listing can lack.
pub(super) async fn list_numbers(
    source: &impl FragmentSource,
    plan: &RecordingPlan,
) -> Result<Vec<FragmentNumber>, Failure> {
    let range = plan.claim.range;
    let whereabouts = Whereabouts {
        stream: &plan.stream,
        range,
        window: plan.window,
    };
    let mut numbers = source.list(whereabouts).await?;
    numbers.extend(range.start);
    numbers.extend(range.stop);
    numbers.retain(|number| range.contains(*number));
    numbers.sort_unstable();
    numbers.dedup();
    numbers.shrink_to_fit();
    Ok(numbers)
}

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
    let mut request = Request::new(asked);
    let mut open = asked.to_vec();
    let mut attempt = 1;
    let mut asked_again = 0;
    loop {
        let ended = ask(source, stream, &open, &mut request).await;
        request.end_body();
        // A key that refuses can be mended while the media is kept: nothing is settled.
        if let Some(trouble) = request.causes().find_map(key_trouble) {
            return Err(Failure::new(
                FailureKind::Key(trouble),
                stream,
                trouble.cause(),
            ));
        }
        open = request.open();
        if open.is_empty() {
            return Ok(Answer {
                asked_again,
                ..request.settle()
            });
        }
        attempt += 1;
        let give_up = attempt > attempts || !source.wait_to_ask_again(attempt).await;
        match ended {
            Ok(()) if give_up => {
                return Ok(Answer {
                    asked_again,
                    ..request.settle()
                });
            }
            Err(failure) if give_up || failure.action() == Action::Park => return Err(failure),
            Ok(()) | Err(_) => asked_again += 1,
        }
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
    let mut demuxer = Demuxer::new();
    let ended = loop {
        match body.next_chunk().await {
            Ok(Some(chunk)) => demuxer.push(&chunk),
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        }
        while let Some(document) = demuxer.next_document() {
            request.take(document);
        }
    };
    demuxer.finish().for_each(|document| request.take(document));
    ended
}

/// What an error document says about the stream's key, if anything.
fn key_trouble(cause: &MissingCause) -> Option<KeyTrouble> {
    match cause {
        MissingCause::ErrorDocument { id: Some(id), .. } => KeyTrouble::from_error_id(*id),
        MissingCause::ErrorDocument { id: None, .. } | MissingCause::NotReturned => None,
    }
}
