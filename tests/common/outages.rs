//! The recorder's ports in memory and in virtual time, each of which can be down.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use callreel::failure::parked::Parked;
use callreel::failure::{Failure, FailureKind};
use callreel::media::fragment::FragmentNumber;
use callreel::port::{Deadline, FragmentSource, Listing, MediaBody, Whereabouts};
use callreel::synth::SynthCall;

use super::SIDE_BY_SIDE;
use super::edges::{Call, Lot, Notes, Store};
use super::memory::Memory;

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

/// The wall clock's time when the virtual clock is 0.
const EPOCH: i64 = 1_760_000_000_000;
/// How long the media streams keep media.
const RETENTION: i64 = 24 * HOUR;
/// How long a call to a service that is down takes, its retries included.
const REFUSED_AFTER: i64 = 4 * SECOND;
/// How long an invocation takes besides.
const WORK: i64 = SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    S3,
    Kvs,
    Connect,
    Sqs,
}

/// A service is down from one time to another.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    pub service: Service,
    pub from: i64,
    pub until: i64,
}

/// All that the recorder sees of AWS.
pub struct Aws {
    started: AtomicI64,
    refused: AtomicI64,
    outages: Vec<Outage>,
    lost: Option<usize>,
    memory: Memory,
    /// When each contact's URLs were written.
    written: Mutex<BTreeMap<String, i64>>,
    media: Mutex<BTreeMap<usize, (FragmentNumber, Bytes)>>,
}

/// The `number`th call; it ends a minute before its record arrives.
pub fn call(number: usize, arrived: i64) -> SynthCall {
    SynthCall {
        millis: 128,
        contact: contact(number),
        start_epoch_millis: EPOCH + arrived - MINUTE,
        ..SynthCall::default()
    }
}

pub fn contact(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The name of a call's stream, which tells all of it.
pub fn stream(number: usize, arrived: i64) -> String {
    format!("call-{number}-{arrived}")
}

/// The call by its stream's ARN.
fn called(stream: &str) -> (usize, i64) {
    let name = stream.split('/').nth(1).unwrap_or(stream);
    let mut parts = name.split('-').skip(1);
    let mut number = || parts.next().unwrap().parse::<i64>().unwrap();
    (usize::try_from(number()).unwrap(), number())
}

/// The arrival time as an event tells it.
pub fn arrival_seconds(arrived: i64) -> f64 {
    (EPOCH + arrived) as f64 / 1_000.0
}

impl Aws {
    pub fn new(outages: Vec<Outage>, lost: Option<usize>) -> Self {
        Self {
            started: AtomicI64::new(0),
            refused: AtomicI64::new(0),
            outages,
            lost,
            memory: Memory::default(),
            written: Mutex::default(),
            media: Mutex::default(),
        }
    }

    /// An invocation begins.
    pub fn begin(&self, now: i64) {
        self.started.store(now, Relaxed);
        self.refused.store(0, Relaxed);
    }

    /// What time it is in the invocation.
    pub fn time(&self) -> i64 {
        let refused = self.refused.load(Relaxed) * REFUSED_AFTER;
        self.started.load(Relaxed) + WORK + refused / i64::try_from(SIDE_BY_SIDE).unwrap()
    }

    /// When a service that is down at this time is well again.
    pub fn well_at(&self, service: Service, now: i64) -> i64 {
        let down = self
            .outages
            .iter()
            .filter(|outage| outage.service == service);
        let mut down = down.filter(|outage| (outage.from..outage.until).contains(&now));
        down.next().map_or(now, |outage| outage.until)
    }

    fn ask(&self, service: Service) -> Result<(), Failure> {
        let now = self.started.load(Relaxed);
        if self.well_at(service, now) == now {
            return Ok(());
        }
        self.refused.fetch_add(1, Relaxed);
        let name = format!("{service:?}");
        Err(Failure::new(FailureKind::Unavailable, name, "503"))
    }

    /// A call of the recorder's, to the service that it is for.
    fn hear(&self, call: Call<'_>) -> Result<(), Failure> {
        match call {
            Call::List(_) | Call::Fetch(..) | Call::KeptFor(_) => self.ask(Service::Kvs),
            Call::FindVerdict(_)
            | Call::Begin(_)
            | Call::Write(_)
            | Call::Finish(_)
            | Call::PutVerdict(_)
            | Call::IsThere(_) => self.ask(Service::S3),
            Call::ReadNotes(_) => self.ask(Service::Connect),
            Call::WriteNotes(contact) => {
                self.ask(Service::Connect)?;
                let mut written = self.written.lock().unwrap();
                written.insert(contact.to_owned(), self.time());
                Ok(())
            }
            Call::Park => self.ask(Service::Sqs),
        }
    }

    /// The bucket.
    pub fn store(&self) -> Store<'_, Memory> {
        Store {
            inner: self.memory.clone(),
            at: Arc::new(|call| self.hear(call)),
        }
    }

    /// Amazon Connect.
    pub fn notes(&self) -> Notes<'_, Memory> {
        Notes {
            inner: self.memory.clone(),
            at: Arc::new(|call| self.hear(call)),
        }
    }

    /// The queue.
    pub fn queue(&self) -> Lot<'_, Memory> {
        Lot {
            inner: self.memory.clone(),
            at: Arc::new(|call| self.hear(call)),
        }
    }

    /// The one fragment of a call.
    fn media_of(&self, number: usize, arrived: i64) -> (FragmentNumber, Bytes) {
        let mut media = self.media.lock().unwrap();
        let made = media.entry(number).or_insert_with(|| {
            let call = call(number, arrived);
            let fragment = call.fragments().next().unwrap();
            (fragment.number.parse().unwrap(), fragment.document.into())
        });
        made.clone()
    }

    /// When the call's URLs were written, if they were.
    pub fn recorded(&self, number: usize) -> Option<i64> {
        let written = self.written.lock().unwrap();
        written.get(&contact(number)).copied()
    }

    /// Messages that were sent to the queue since they were taken last.
    pub fn take_parked(&self) -> Vec<String> {
        let parked = self.memory.take_parked();
        parked.iter().map(Parked::to_json).collect()
    }
}

pub struct Media(Option<Bytes>);

impl MediaBody for Media {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        Ok(self.0.take())
    }
}

impl FragmentSource for &Aws {
    type Body = Media;

    async fn list(&self, whereabouts: Whereabouts<'_>) -> Result<Listing, Failure> {
        self.ask(Service::Kvs)?;
        let (number, arrived) = called(whereabouts.stream);
        if self.time() > arrived - MINUTE + RETENTION {
            let stream = whereabouts.stream;
            return Err(Failure::new(FailureKind::RetentionOver, stream, "too late"));
        }
        Ok(Listing {
            numbers: vec![self.media_of(number, arrived).0],
            incomplete: false,
        })
    }

    async fn fetch(&self, stream: &str, _numbers: &[FragmentNumber]) -> Result<Media, Failure> {
        self.ask(Service::Kvs)?;
        let (number, arrived) = called(stream);
        if self.lost == Some(number) {
            return Ok(Media(None));
        }
        Ok(Media(Some(self.media_of(number, arrived).1)))
    }

    async fn wait_to_ask_again(&self, _attempt: u32) -> bool {
        true
    }

    async fn kept_for(&self, _stream: &str) -> Option<Duration> {
        self.ask(Service::Kvs).ok()?;
        Some(Duration::from_millis(RETENTION.unsigned_abs()))
    }
}

impl Deadline for &Aws {
    async fn passed(&self) {
        std::future::pending().await
    }

    async fn over(&self) {
        std::future::pending().await
    }

    fn now(&self) -> SystemTime {
        let millis = Duration::from_millis((EPOCH + self.time()).unsigned_abs());
        SystemTime::UNIX_EPOCH + millis
    }
}
