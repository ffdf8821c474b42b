//! A watched call from its live media to its files, on a clock of the test's: hours pass in no time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callreel::failure::Failure;
use callreel::local::FolderTapes;
use callreel::media::demux::{Demuxer, Document};
use callreel::media::fragment::{Direction, FragmentNumber};
use callreel::media::ticks::EpochMillis;
use callreel::media::wav;
use callreel::monitor::happening::{Began, Ending, What};
use callreel::monitor::names::{Keep, LocalTime, file};
use callreel::monitor::session::{Limits, Start, Stop};
use callreel::port::{Heard, LiveBody, LiveClock, LiveSource};
use callreel::synth::{SynthCall, live_tail};
use callreel::watch::{Call, Orders, Watch};
use futures_executor::block_on;

const STARTED: EpochMillis = EpochMillis(1_760_000_001_089);
const MINUTE: u64 = 60_000;
/// A fragment comes so often.
const APART: u64 = 1_088;
/// Digits of a fragment's number that count here.
const COUNTED: usize = 12;

/// A clock that goes on when somebody waits, in milliseconds.
#[derive(Clone, Default)]
struct TestClock(Arc<AtomicU64>);

impl TestClock {
    fn millis(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap().max(1);
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl LiveClock for TestClock {
    fn now(&self) -> EpochMillis {
        EpochMillis(STARTED.0 + self.millis().cast_signed())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.millis())
    }

    async fn wait(&self, time: Duration) {
        self.pass(time);
    }
}

/// A call whose every fragment holds one block of each side, and stands for [`APART`] of time: one document whose
/// number and samples change, so that no sample can be doubled, missing or at another place.
struct Script {
    contact: String,
    document: Vec<u8>,
    tail: Vec<u8>,
    number: String,
    number_at: usize,
    /// Where each side's block begins, and its bytes.
    blocks: [(usize, usize); 2],
    /// How many fragments there are.
    count: u64,
    /// KVS ends a body at this age, in the middle of a fragment.
    body_ends: u64,
}

impl Script {
    fn new(millis: u64, body_ends: u64) -> Self {
        let call = SynthCall {
            millis: 64,
            ..SynthCall::default()
        };
        let fragment = call.fragments().next().unwrap();
        let mut demuxer = Demuxer::new();
        demuxer.push(&fragment.document);
        let Some(Document::Fragment(read)) = demuxer.finish().next() else {
            panic!("a fragment")
        };
        let place = |part: &[u8]| {
            let mut windows = fragment.document.windows(part.len());
            windows.position(|window| window == part).unwrap()
        };
        let block = |direction| {
            let mut blocks = read.blocks.iter();
            let block = blocks.find(|block| block.direction == direction).unwrap();
            (place(&block.pcm), block.pcm.len())
        };
        Self {
            contact: call.contact,
            tail: live_tail(&fragment.number, 7),
            number_at: place(fragment.number.as_bytes()) + fragment.number.len() - COUNTED,
            blocks: Direction::BOTH.map(block),
            document: fragment.document,
            number: fragment.number,
            count: millis / APART,
            body_ends,
        }
    }

    /// Where the counter stands, there was nothing but noise.
    fn number(&self, index: u64) -> FragmentNumber {
        let before = &self.number[..self.number.len() - COUNTED];
        format!("{before}{index:012}").parse().unwrap()
    }

    /// The index behind a number.
    fn behind(&self, last: FragmentNumber) -> u64 {
        let text = last.to_string();
        text[text.len() - COUNTED..].parse::<u64>().unwrap() + 1
    }

    /// A fragment's samples of a side: another value for each of 65,536 in a row.
    fn samples(&self, index: u64, direction: Direction) -> impl Iterator<Item = [u8; 2]> {
        let count = self.blocks[direction.index()].1 as u64 / 2;
        (index * count..(index + 1) * count).map(move |at| {
            let [low, high, ..] = (at + direction.index() as u64 * 7).to_le_bytes();
            [low, high]
        })
    }

    fn bytes(&self, index: u64) -> Vec<u8> {
        let mut bytes = self.document.clone();
        let counter = format!("{index:012}");
        bytes[self.number_at..][..COUNTED].copy_from_slice(counter.as_bytes());
        for direction in Direction::BOTH {
            let (at, length) = self.blocks[direction.index()];
            let samples: Vec<u8> = self.samples(index, direction).flatten().collect();
            bytes[at..][..length].copy_from_slice(&samples);
        }
        bytes.extend_from_slice(&self.tail);
        bytes
    }
}

/// GetMedia of the scripted call.
#[derive(Clone)]
struct Played {
    script: Arc<Script>,
    clock: TestClock,
    orders: Arc<Orders>,
    asked: Arc<Mutex<Vec<(u64, Start)>>>,
}

impl LiveSource for Played {
    type Body = PlayedBody;

    async fn open(&self, _stream: &str, start: Start) -> Result<PlayedBody, Failure> {
        let now = self.clock.millis();
        self.asked.lock().unwrap().push((now / MINUTE, start));
        Ok(PlayedBody {
            played: self.clone(),
            next: match start {
                Start::At(_) => 0,
                Start::After(last) => self.script.behind(last),
            },
            ends: now + self.script.body_ends,
            is_over: false,
        })
    }
}

struct PlayedBody {
    played: Played,
    next: u64,
    ends: u64,
    is_over: bool,
}

impl LiveBody for PlayedBody {
    async fn next_within(&mut self, time: Duration) -> Result<Heard, Failure> {
        let Played {
            script,
            clock,
            orders,
            ..
        } = &self.played;
        if self.is_over {
            return Ok(Heard::End);
        }
        let within = u64::try_from(time.as_millis()).unwrap();
        let comes = (self.next + 1) * APART;
        let now = clock.millis();
        if self.next == script.count || comes > now + within {
            clock.pass(time);
            return Ok(Heard::Nothing);
        }
        clock.pass(Duration::from_millis(comes.saturating_sub(now)));
        let bytes = script.bytes(self.next);
        if comes >= self.ends {
            self.is_over = true;
            return Ok(Heard::Bytes(bytes[..bytes.len() / 2].to_vec().into()));
        }
        self.next += 1;
        if self.next == script.count {
            orders.call_is_over();
        }
        Ok(Heard::Bytes(bytes.into()))
    }
}

/// Three hours whose connection lasts 40 minutes, by whoever's will, are whole in both files, take five requests, and
/// are one call to whoever watches.
#[test]
fn three_hours_are_whole_in_their_files() {
    #[track_caller]
    fn check(limits: Limits, body_ends: u64) -> Vec<&'static str> {
        let script = Arc::new(Script::new(180 * MINUTE, body_ends));
        let folder = tempfile::tempdir().unwrap();
        let played = Played {
            script: Arc::clone(&script),
            clock: TestClock::default(),
            orders: Arc::default(),
            asked: Arc::default(),
        };
        let watch = Watch {
            source: played.clone(),
            clock: played.clock.clone(),
            tapes: FolderTapes::new(folder.path()),
            limits,
            keep: Keep::Audio,
            come_back: Duration::ZERO,
            zone: Box::new(|_| 0),
        };
        let call = Call {
            contact: Arc::from(&*script.contact),
            legs: Vec::new(),
            stream: "arn:aws:kinesisvideo:us-east-1:111122223333:stream/s/1760000000000".into(),
            started: STARTED,
            start_fragment: Some(script.number(0)),
            began: Began::default(),
        };
        let (mut told, mut blocks) = (Vec::new(), 0);
        let stop =
            block_on(
                watch.watch(&call, &played.orders, 1, |happening| match happening.what {
                    What::Sound(_) => blocks += 1,
                    What::Reconnecting(how) => told.push(how.name()),
                    What::Began(_) => told.push("began"),
                    What::Ended(ending) => told.push(ending.name()),
                    other => panic!("{other:?}"),
                }),
            );
        assert_eq!(stop, Stop::Ended(Ending::Disconnected));
        assert_eq!(blocks, 2 * script.count);
        for direction in Direction::BOTH {
            let at = LocalTime {
                at: STARTED,
                ahead_seconds: 0,
            };
            let place = folder.path().join(file(&at.stem(), 1, direction));
            let mut whole = Vec::new();
            for index in 0..script.count {
                whole.extend(script.samples(index, direction).flatten());
            }
            let head = wav::header(1, whole.len() as u64 / 2).unwrap();
            whole.splice(..0, head);
            assert!(std::fs::read(place).unwrap() == whole, "{direction:?}");
        }
        let asked = played.asked.lock().unwrap().clone();
        let minutes: Vec<_> = asked.iter().map(|(minute, _)| *minute).collect();
        assert_eq!(minutes, [0, 40, 80, 120, 160]);
        assert_eq!(asked[0].1, Start::At(STARTED));
        // Behind what came whole: the next one was begun, or none was.
        for (minute, start) in &asked[1..] {
            let Start::After(last) = start else {
                panic!("{start:?}")
            };
            let came = script.behind(*last) * APART / MINUTE;
            assert!(came + 1 >= *minute && came <= *minute, "{minute} {came}");
        }
        assert_eq!((told[0], told[told.len() - 1]), ("began", "disconnected"));
        told[1..told.len() - 1].to_vec()
    }
    let patient = Limits {
        max_session: Duration::from_secs(3_600),
        ..Limits::default()
    };
    assert_eq!(check(patient, 40 * MINUTE), ["ended"; 4]);
    assert_eq!(check(Limits::default(), 45 * MINUTE), ["planned"; 4]);
}
