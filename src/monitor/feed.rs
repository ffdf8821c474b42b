//! A data stream that is read to know of calls: what to ask next of which shard, sans I/O as the
//! [`session`](super::session) is. Times count from when the monitor began.
//!
//! Every open shard is read, and its children when it is split or merged. An iterator that
//! expired is asked for anew behind the last record, or from the last time at which there was
//! none. A record that comes twice counts once. Whatever fails is tried again, later and later:
//! receiving ends with the monitor and not before.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use super::back_off::BackOff;
use crate::media::ticks::EpochMillis;

/// Shards are listed again so often, for those that no closed one named.
const LIST_EVERY: Duration = Duration::from_secs(60);
/// Records are read so much before the last time at which there was none: the two clocks differ.
const EARLIER: i64 = 5_000;

/// A shard, as a listing or its parent names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// `ShardId`.
    pub id: Box<str>,
    /// Nothing more is put into it.
    pub is_closed: bool,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// With what is put from now on.
    #[default]
    Latest,
    /// With the oldest record that there is.
    TrimHorizon,
    /// With what was put at this time.
    At(EpochMillis),
}

/// Where an iterator begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// LATEST.
    Latest,
    /// TRIM_HORIZON.
    TrimHorizon,
    /// AT_TIMESTAMP.
    At(EpochMillis),
    /// AFTER_SEQUENCE_NUMBER.
    After(Box<str>),
}

/// A call to make. What became of it goes to the method of the same name, or to
/// [`Feed::failed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// ListShards, all pages.
    Shards,
    /// GetShardIterator.
    Iterator {
        /// Of this shard.
        shard: Box<str>,
        /// From here on.
        from: From,
    },
    /// GetRecords.
    Records {
        /// Of this shard.
        shard: Box<str>,
        /// By this iterator.
        iterator: Box<str>,
    },
}

/// A record of the data stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its `SequenceNumber`, unique in its shard.
    pub sequence: Box<str>,
    /// When it was put, as Kinesis says (`ApproximateArrivalTimestamp`).
    pub arrived: Option<EpochMillis>,
    /// What was put.
    pub data: Vec<u8>,
}

/// What GetRecords gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// In their order.
    pub records: Vec<Record>,
    /// The next iterator; none behind the end of a closed shard.
    pub next: Option<Box<str>>,
    /// The shards that follow on a closed one.
    pub children: Vec<Shard>,
    /// There is more behind them already (`MillisBehindLatest`), even where they are none.
    pub is_behind: bool,
}

/// What a failed call means for its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The iterator is too old: another one is needed.
    Expired,
    /// Anything that may pass.
    Passing,
}

/// A shard's reading.
#[derive(Debug)]
struct Reading {
    state: State,
    /// The last record.
    last: Option<Box<str>>,
    /// Where an iterator begins as long as there is none.
    from: From,
    /// Not before this time.
    due: Duration,
    failures: u32,
    /// Records came of it, or none, so that it is known to be read.
    is_read: bool,
}

#[derive(Debug, PartialEq)]
enum State {
    NoIterator,
    Iterator(Box<str>),
    Asked,
    Over,
}

/// All shards of one stream.
#[derive(Debug)]
pub struct Feed {
    position: Position,
    interval: Duration,
    retry_interval: Duration,
    shards: BTreeMap<Box<str>, Reading>,
    listed: bool,
    list_due: Duration,
    list_failures: u32,
    waits: BackOff,
}

impl Feed {
    /// A feed from a position on. Each shard is read once an `interval`; `retry_interval` is the
    /// wait after a first failure, and `random` varies it.
    pub fn new(
        position: Position,
        interval: Duration,
        retry_interval: Duration,
        random: u64,
    ) -> Self {
        Self {
            position,
            interval,
            retry_interval,
            shards: BTreeMap::new(),
            listed: false,
            list_due: Duration::ZERO,
            list_failures: 0,
            waits: BackOff::new(random),
        }
    }

    /// The next call that is due, if any is. It counts as made.
    pub fn next_ask(&mut self, now: Duration) -> Option<Ask> {
        if now >= self.list_due {
            self.list_due = Duration::MAX;
            return Some(Ask::Shards);
        }
        let mut readings = self.shards.iter_mut();
        let (shard, reading) = readings.find(|(_, reading)| {
            reading.due <= now && matches!(reading.state, State::NoIterator | State::Iterator(_))
        })?;
        let shard = shard.clone();
        match std::mem::replace(&mut reading.state, State::Asked) {
            State::Iterator(iterator) => Some(Ask::Records { shard, iterator }),
            State::NoIterator | State::Asked | State::Over => Some(Ask::Iterator {
                shard,
                from: match &reading.last {
                    Some(last) => From::After(last.clone()),
                    None => reading.from.clone(),
                },
            }),
        }
    }

    /// When the next call is due; those under way are not counted.
    pub fn due(&self) -> Duration {
        let waiting = self.shards.values();
        let waiting = waiting
            .filter(|reading| matches!(reading.state, State::NoIterator | State::Iterator(_)));
        waiting
            .map(|reading| reading.due)
            .fold(self.list_due, Duration::min)
    }

    /// Whether every shard that there was at the start is being read.
    pub fn is_ready(&self) -> bool {
        self.listed && self.shards.values().all(|reading| reading.is_read)
    }

    /// The shards that there are.
    pub fn shards(&mut self, listed: Vec<Shard>, now: Duration) {
        let is_first = !self.listed;
        self.listed = true;
        self.list_failures = 0;
        self.list_due = now + LIST_EVERY;
        for shard in listed {
            // Those that come later began after the start: all of them is read.
            let from = match (is_first, self.position) {
                (true, Position::Latest) if shard.is_closed => continue,
                (true, Position::Latest) => From::Latest,
                (true, Position::At(time)) => From::At(time),
                (true, Position::TrimHorizon) => From::TrimHorizon,
                // A closed one that was left out at the start is older than it.
                (false, Position::Latest) if shard.is_closed => continue,
                (false, _) => From::TrimHorizon,
            };
            self.add(shard.id, from, now);
        }
    }

    /// The iterator that was asked for.
    pub fn iterator(&mut self, shard: &str, iterator: Box<str>, now: Duration) {
        if let Some(reading) = self.shards.get_mut(shard) {
            reading.state = State::Iterator(iterator);
            reading.due = now;
        }
    }

    /// The records that were asked for, at a time of day: gives those that are new.
    pub fn records(
        &mut self,
        shard: &str,
        records: Records,
        now: Duration,
        wall: EpochMillis,
    ) -> Vec<Record> {
        let Some(reading) = self.shards.get_mut(shard) else {
            return Vec::new();
        };
        reading.failures = 0;
        reading.is_read = true;
        let mut new = Vec::new();
        for record in records.records {
            let is_new = reading
                .last
                .as_deref()
                .is_none_or(|last| in_order(last, &record.sequence) == Ordering::Less);
            if is_new {
                reading.last = Some(record.sequence.clone());
                new.push(record);
            }
        }
        // What is put later is behind this, should the iterator expire before a record comes.
        let is_all = new.is_empty() && !records.is_behind;
        if reading.from == From::Latest || matches!(reading.from, From::At(_)) && is_all {
            reading.from = From::At(EpochMillis(wall.0.saturating_sub(EARLIER)));
        }
        match records.next {
            Some(next) => {
                reading.state = State::Iterator(next);
                // Where there is much, it is read without a rest, as often as Kinesis bears.
                let rest = if new.is_empty() {
                    self.interval
                } else {
                    self.interval.min(MIN_REST)
                };
                reading.due = now + rest;
            }
            None => reading.state = State::Over,
        }
        for child in records.children {
            self.add(child.id, From::TrimHorizon, now);
        }
        new
    }

    /// A call failed. Gives how long until it is made again.
    pub fn failed(&mut self, ask: &Ask, trouble: Trouble, now: Duration) -> Duration {
        let shard = match ask {
            Ask::Shards => {
                self.list_failures = self.list_failures.saturating_add(1);
                let wait = self.waits.after(self.list_failures, self.retry_interval);
                self.list_due = now + wait;
                return wait;
            }
            Ask::Iterator { shard, .. } | Ask::Records { shard, .. } => shard,
        };
        let Some(reading) = self.shards.get_mut(shard) else {
            return Duration::ZERO;
        };
        reading.failures = reading.failures.saturating_add(1);
        // An iterator whose answer was lost can be used again.
        reading.state = match (ask, trouble) {
            (Ask::Records { iterator, .. }, Trouble::Passing) => State::Iterator(iterator.clone()),
            _ => State::NoIterator,
        };
        let wait = match trouble {
            Trouble::Expired if reading.failures == 1 => Duration::ZERO,
            Trouble::Expired | Trouble::Passing => {
                self.waits.after(reading.failures, self.retry_interval)
            }
        };
        reading.due = now + wait;
        wait
    }

    fn add(&mut self, id: Box<str>, from: From, now: Duration) {
        self.shards.entry(id).or_insert(Reading {
            state: State::NoIterator,
            last: None,
            from,
            due: now,
            failures: 0,
            is_read: false,
        });
    }
}

/// Between two readings of a shard that had records; Kinesis takes five a second.
const MIN_REST: Duration = Duration::from_millis(250);

/// The order of sequence numbers: decimal, and longer than any integer.
fn in_order(one: &str, other: &str) -> Ordering {
    let digits = |text: &'_ str| text.trim_start_matches('0').len();
    digits(one).cmp(&digits(other)).then_with(|| {
        one.trim_start_matches('0')
            .cmp(other.trim_start_matches('0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::back_off::MAX_WAIT;

    const SECOND: Duration = Duration::from_secs(1);
    const NOON: EpochMillis = EpochMillis(1_738_300_000_000);

    fn feed(position: Position) -> Feed {
        Feed::new(position, SECOND, SECOND, 1)
    }

    fn shard(id: &str) -> Shard {
        Shard {
            id: id.into(),
            is_closed: false,
        }
    }

    fn closed(id: &str) -> Shard {
        Shard {
            is_closed: true,
            ..shard(id)
        }
    }

    fn record(sequence: &str) -> Record {
        Record {
            sequence: sequence.into(),
            arrived: None,
            data: sequence.as_bytes().to_vec(),
        }
    }

    fn some(sequences: &[&str], next: Option<&str>) -> Records {
        Records {
            records: sequences.iter().map(|sequence| record(sequence)).collect(),
            next: next.map(Box::from),
            children: Vec::new(),
            is_behind: false,
        }
    }

    /// All calls that are due, in words.
    fn asks(feed: &mut Feed, now: Duration) -> Vec<String> {
        let asks = std::iter::from_fn(|| feed.next_ask(now));
        asks.map(|ask| match ask {
            Ask::Shards => "shards".to_owned(),
            Ask::Iterator { shard, from } => format!("{shard} from {from:?}"),
            Ask::Records { shard, iterator } => format!("{shard} by {iterator}"),
        })
        .collect()
    }

    fn begun(position: Position, shards: Vec<Shard>) -> Feed {
        let mut feed = feed(position);
        assert_eq!(asks(&mut feed, Duration::ZERO), ["shards"]);
        feed.shards(shards, Duration::ZERO);
        feed
    }

    #[test]
    fn all_open_shards_are_read_and_the_feed_is_ready_when_they_are() {
        let mut feed = begun(
            Position::Latest,
            vec![shard("a"), closed("old"), shard("b")],
        );
        let now = Duration::ZERO;
        assert_eq!(asks(&mut feed, now), ["a from Latest", "b from Latest"]);
        for (shard, iterator) in [("a", "a1"), ("b", "b1")] {
            feed.iterator(shard, iterator.into(), now);
        }
        assert!(!feed.is_ready());
        assert_eq!(asks(&mut feed, now), ["a by a1", "b by b1"]);
        assert!(
            feed.records("a", some(&[], Some("a2")), now, NOON)
                .is_empty()
        );
        assert!(!feed.is_ready());
        let new = feed.records("b", some(&["7", "8"], Some("b2")), now, NOON);
        assert_eq!(new, [record("7"), record("8")]);
        assert!(feed.is_ready());
        // Each once an interval; where there was something, somewhat sooner.
        assert_eq!(feed.due(), MIN_REST);
        assert_eq!(asks(&mut feed, MIN_REST), ["b by b2"]);
        assert_eq!(asks(&mut feed, SECOND), ["a by a2"]);
    }

    #[test]
    fn the_position_says_where_shards_begin() {
        let at = Position::At(NOON);
        for (position, from) in [
            (Position::TrimHorizon, "TrimHorizon".to_owned()),
            (at, format!("{:?}", From::At(NOON))),
        ] {
            let mut feed = begun(position, vec![closed("a"), shard("b")]);
            let expected = ["a", "b"].map(|shard| format!("{shard} from {from}"));
            assert_eq!(asks(&mut feed, Duration::ZERO), expected);
        }
    }

    #[test]
    fn children_are_read_from_their_beginning() {
        let mut feed = begun(Position::Latest, vec![shard("a")]);
        let now = Duration::ZERO;
        asks(&mut feed, now);
        feed.iterator("a", "a1".into(), now);
        asks(&mut feed, now);
        let last = Records {
            children: vec![shard("b"), shard("c")],
            ..some(&["1"], None)
        };
        assert_eq!(feed.records("a", last, now, NOON).len(), 1);
        let from = |shard: &str| format!("{shard} from TrimHorizon");
        assert_eq!(asks(&mut feed, now), [from("b"), from("c")]);
        // One that nobody named is found by the next listing.
        assert_eq!(asks(&mut feed, LIST_EVERY), ["shards"]);
        feed.shards(vec![closed("a"), shard("b"), shard("d")], LIST_EVERY);
        assert_eq!(asks(&mut feed, LIST_EVERY), [from("d")]);
    }

    #[test]
    fn an_expired_iterator_goes_on_behind_the_last_record() {
        let mut feed = begun(Position::Latest, vec![shard("a")]);
        let now = Duration::ZERO;
        asks(&mut feed, now);
        feed.iterator("a", "a1".into(), now);
        let ask = feed.next_ask(now).unwrap();
        assert_eq!(feed.failed(&ask, Trouble::Expired, now), Duration::ZERO);
        // It was never read: what was put from then on is not known yet.
        assert_eq!(asks(&mut feed, now), ["a from Latest"]);
        feed.iterator("a", "a2".into(), now);
        asks(&mut feed, now);
        feed.records("a", some(&[], Some("a3")), now, NOON);
        let ask = feed.next_ask(SECOND).unwrap();
        feed.failed(&ask, Trouble::Expired, SECOND);
        let before = format!("a from {:?}", From::At(EpochMillis(NOON.0 - 5_000)));
        assert_eq!(asks(&mut feed, SECOND), [before]);
        feed.iterator("a", "a4".into(), SECOND);
        asks(&mut feed, SECOND);
        feed.records("a", some(&["41"], Some("a5")), SECOND, NOON);
        let ask = feed.next_ask(2 * SECOND).unwrap();
        feed.failed(&ask, Trouble::Expired, 2 * SECOND);
        assert_eq!(asks(&mut feed, 2 * SECOND), ["a from After(\"41\")"]);
    }

    /// Kinesis gives no records for a while although there are some further on: nothing of them is left out by an
    /// iterator that is made anew meanwhile.
    #[test]
    fn an_empty_answer_on_the_way_is_no_word_that_nothing_follows() {
        let noon = format!("a from {:?}", From::At(NOON));
        let later = EpochMillis(NOON.0 + 3_600_000);
        let caught_up = format!("a from {:?}", From::At(EpochMillis(later.0 - 5_000)));
        for (is_behind, from) in [(true, noon), (false, caught_up)] {
            let mut feed = begun(Position::At(NOON), vec![shard("a")]);
            let now = Duration::ZERO;
            asks(&mut feed, now);
            feed.iterator("a", "a1".into(), now);
            asks(&mut feed, now);
            let none = Records {
                is_behind,
                ..some(&[], Some("a2"))
            };
            feed.records("a", none, now, later);
            let ask = feed.next_ask(SECOND).unwrap();
            feed.failed(&ask, Trouble::Expired, SECOND);
            assert_eq!(asks(&mut feed, SECOND), [from], "{is_behind}");
        }
    }

    #[test]
    fn what_fails_is_asked_again_later_and_later_and_nothing_comes_twice() {
        let mut feed = begun(Position::TrimHorizon, vec![shard("a")]);
        let mut now = Duration::ZERO;
        asks(&mut feed, now);
        feed.iterator("a", "a1".into(), now);
        let mut waits = Vec::new();
        for _ in 0..12 {
            now = feed.due().max(now);
            let ask = loop {
                match feed.next_ask(now) {
                    Some(Ask::Shards) => feed.shards(vec![shard("a")], now),
                    Some(ask) => break ask,
                    None => now = feed.due(),
                }
            };
            assert!(matches!(&ask, Ask::Records { iterator, .. } if **iterator == *"a1"));
            waits.push(feed.failed(&ask, Trouble::Passing, now));
        }
        assert!(waits[0] >= SECOND / 2 && waits[0] <= SECOND);
        assert!(waits[11] >= MAX_WAIT / 2 && waits[11] <= MAX_WAIT);
        now += MAX_WAIT;
        asks(&mut feed, now);
        assert_eq!(
            feed.records("a", some(&["9", "10"], Some("a2")), now, NOON)
                .len(),
            2
        );
        // The answer of a reading was lost: the same records come again.
        let again = some(&["9", "10", "11"], Some("a3"));
        assert_eq!(feed.records("a", again, now, NOON), [record("11")]);
        let listing = feed.failed(&Ask::Shards, Trouble::Passing, now);
        assert!(listing <= SECOND);
    }

    #[test]
    fn sequence_numbers_are_compared_as_numbers() {
        assert_eq!(in_order("9", "10"), Ordering::Less);
        assert_eq!(
            in_order(
                "49590338271490256608559692538361571095921575989136588898",
                "49590338271490256608559692540925702759324208523137515618"
            ),
            Ordering::Less
        );
        assert_eq!(in_order("007", "7"), Ordering::Equal);
    }
}
