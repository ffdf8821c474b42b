//! The data stream is read: what is due is asked, several shards at once, and each record that
//! is new is taken.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::super::super::CliError;
use super::{Room, Told};
use crate::aws::CallStream;
use crate::failure::{Action, Failure, FailureKind};
use crate::monitor::feed::{Ask, Feed, Records, Shard, Trouble};
use crate::port::LiveClock;
use crate::watch::said;

enum Answer {
    Shards(Vec<Shard>),
    Iterator(Box<str>),
    Records(Records),
}

/// Reads until `ended`. What cannot be read at the start, and only a person can mend, is an
/// error; later everything is tried again.
pub(super) async fn receive(
    mut feed: Feed,
    stream: &CallStream,
    room: &mut Room,
    ended: impl Future<Output = ()>,
) -> Result<(), CliError> {
    let clock = room.watch.clock;
    let mut running = FuturesUnordered::new();
    let (mut is_ready, mut is_broken) = (false, false);
    tokio::pin!(ended);
    loop {
        while let Some(asked) = feed.next_ask(clock.elapsed()) {
            running.push(async move {
                let answer = ask(stream, &asked).await;
                (asked, answer)
            });
        }
        let rest = feed.due().saturating_sub(clock.elapsed());
        tokio::select! {
            () = &mut ended => return Ok(()),
            Some((asked, answer)) = running.next() => match answer {
                Ok(answer) => {
                    take(&mut feed, room, &asked, answer);
                    if std::mem::take(&mut is_broken) {
                        room.tell(Told::Receiving(Ok(())));
                    }
                    if !is_ready && feed.is_ready() {
                        is_ready = true;
                        room.tell(Told::Ready);
                    }
                }
                Err((trouble, failure)) => {
                    let kind = failure.kind;
                    let is_final = kind.action() == Action::Park || kind == FailureKind::NoCredentials;
                    if !is_ready && is_final && trouble != Trouble::Expired {
                        return Err(CliError::Told(said(&failure)));
                    }
                    feed.failed(&asked, trouble, clock.elapsed());
                    if trouble != Trouble::Expired && !std::mem::replace(&mut is_broken, true) {
                        room.tell(Told::Receiving(Err(said(&failure))));
                    }
                }
            },
            () = clock.wait(rest) => {}
        }
        room.sweep();
    }
}

fn take(feed: &mut Feed, room: &mut Room, asked: &Ask, answer: Answer) {
    let now = room.watch.clock.elapsed();
    match (asked, answer) {
        (_, Answer::Shards(shards)) => feed.shards(shards, now),
        (Ask::Iterator { shard, .. }, Answer::Iterator(iterator)) => {
            feed.iterator(shard, iterator, now);
        }
        (Ask::Records { shard, .. }, Answer::Records(records)) => {
            for record in feed.records(shard, records, now, crate::clock::now()) {
                room.take(&record);
            }
        }
        (Ask::Shards | Ask::Iterator { .. } | Ask::Records { .. }, _) => {}
    }
}

async fn ask(stream: &CallStream, asked: &Ask) -> Result<Answer, (Trouble, Failure)> {
    let passing = |failure| (Trouble::Passing, failure);
    match asked {
        Ask::Shards => stream.shards().await.map(Answer::Shards).map_err(passing),
        Ask::Iterator { shard, from } => {
            let iterator = stream.iterator(shard, from).await;
            iterator.map(Answer::Iterator).map_err(passing)
        }
        Ask::Records { iterator, .. } => stream.records(iterator).await.map(Answer::Records),
    }
}
