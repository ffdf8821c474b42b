//! The recorder's ports in memory and in virtual time, each of which can be down.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use callreel::failure::parked::Parked;
use callreel::failure::{Failure, FailureKind};
use callreel::media::fragment::FragmentNumber;
use callreel::media::wav::HEADER_BYTES;
use callreel::port::{
    ContactNotes, Deadline, FragmentSource, Listing, MediaBody, ParkingLot, RecordingStore, Stored,
    Upload, Whereabouts,
};
use callreel::synth::SynthCall;

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
/// Calls that are worked on side by side.
pub const SIDE_BY_SIDE: usize = 4;

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

type Attributes = BTreeMap<String, String>;

/// All that the recorder sees of AWS.
pub struct Aws {
    started: AtomicI64,
    refused: AtomicI64,
    outages: Vec<Outage>,
    lost: Option<usize>,
    files: Mutex<BTreeMap<String, u64>>,
    verdicts: Mutex<BTreeMap<String, Vec<u8>>>,
    /// When each contact's URLs were written, and all of its attributes.
    attributes: Mutex<BTreeMap<String, (i64, Attributes)>>,
    parked: Mutex<Vec<String>>,
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
            files: Mutex::default(),
            verdicts: Mutex::default(),
            attributes: Mutex::default(),
            parked: Mutex::default(),
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
        let attributes = self.attributes.lock().unwrap();
        attributes.get(&contact(number)).map(|(when, _)| *when)
    }

    /// Messages that were sent to the queue since they were taken last.
    pub fn take_parked(&self) -> Vec<String> {
        std::mem::take(&mut self.parked.lock().unwrap())
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

pub struct File<'a> {
    aws: &'a Aws,
    key: String,
    bytes: u64,
}

impl<'a> RecordingStore for &'a Aws {
    type Upload = File<'a>;

    async fn find_verdict(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.ask(Service::S3)?;
        Ok(self.verdicts.lock().unwrap().get(key).cloned())
    }

    async fn begin(&self, key: &str, _contact: &str) -> Result<File<'a>, Failure> {
        self.ask(Service::S3)?;
        Ok(File {
            aws: self,
            key: key.to_owned(),
            bytes: HEADER_BYTES as u64,
        })
    }

    async fn put_verdict(
        &self,
        key: &str,
        json: Vec<u8>,
        instead_of: Option<&[u8]>,
    ) -> Result<bool, Failure> {
        self.ask(Service::S3)?;
        let mut verdicts = self.verdicts.lock().unwrap();
        let expected = verdicts.get(key).map(Vec::as_slice) == instead_of;
        if expected {
            verdicts.insert(key.to_owned(), json);
        }
        Ok(expected)
    }

    async fn is_there(&self, key: &str, stored: &Stored) -> Result<bool, Failure> {
        self.ask(Service::S3)?;
        Ok(self.files.lock().unwrap().get(key) == Some(&stored.bytes))
    }
}

impl Upload for File<'_> {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.bytes += bytes.len() as u64;
        self.aws.ask(Service::S3)
    }

    async fn finish(self, _header: [u8; HEADER_BYTES]) -> Result<Stored, Failure> {
        self.aws.ask(Service::S3)?;
        self.aws.files.lock().unwrap().insert(self.key, self.bytes);
        Ok(Stored {
            bytes: self.bytes,
            version: String::new(),
        })
    }

    async fn abort(self) {}
}

impl ContactNotes for &Aws {
    const TELLS_ALL: bool = false;

    type Turn = ();

    async fn read(
        &self,
        _instance: Option<&str>,
        contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        self.ask(Service::Connect)?;
        let attributes = self.attributes.lock().unwrap();
        Ok(attributes
            .get(contact)
            .map(|(_, held)| held.clone())
            .unwrap_or_default())
    }

    async fn turn(&self) {}

    async fn write(
        &self,
        (): (),
        _instance: Option<&str>,
        contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        self.ask(Service::Connect)?;
        let now = self.time();
        let mut attributes = self.attributes.lock().unwrap();
        let (when, held) = attributes.entry(contact.to_owned()).or_default();
        *when = now;
        held.extend(changes.clone());
        Ok(())
    }

    async fn wait_to_look_again(&self, _look: u32) -> bool {
        false
    }
}

impl ParkingLot for &Aws {
    async fn park(&self, parked: &Parked) -> Result<bool, Failure> {
        self.ask(Service::Sqs)?;
        self.parked.lock().unwrap().push(parked.to_json());
        Ok(true)
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
