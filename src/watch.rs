//! One call in progress, from its live media to its files and to what people see of it. The
//! session ([`monitor::session`](crate::monitor::session)) says what to ask next; here it is
//! asked, what comes is written, and what happens is told.
//!
//! A call that is over by its silence is looked at for a while longer, quietly: a caller on hold
//! has no media. Should more of it come, it is on the page again, in files of its own.
//!
//! A file that cannot be written stops this call's files alone, with a warning: it is watched on.

mod recording;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::failure::{Failure, FailureKind, KeyTrouble};
use crate::media::attribution::Refusal;
use crate::media::fragment::{Fragment, FragmentNumber};
use crate::media::ticks::{EpochMillis, MediaTime, samples_in_millis};
use crate::monitor::happening::{Began, Ending, Happening, What};
use crate::monitor::names::{Keep, LocalTime};
use crate::monitor::session::{Found, Limits, Next, Session, Start, Stop, Subject};
use crate::port::{Heard, LiveBody, LiveClock, LiveSource, Tapes};
use recording::Recording;

/// How long an order can lie unread.
const LOOK_FOR_ORDERS: Duration = Duration::from_millis(500);
/// While a call that is over is looked at, a body of which nothing comes is given up so late.
const RESTING_SILENCE: Duration = Duration::from_secs(60);

/// What all calls are watched with.
pub struct Watch<S, C, T> {
    /// Where media comes from.
    pub source: S,
    /// Time.
    pub clock: C,
    /// Where files go.
    pub tapes: T,
    /// How each call is read.
    pub limits: Limits,
    /// What is between the samples of a file.
    pub keep: Keep,
    /// How long a call that is over by its silence is looked at.
    pub come_back: Duration,
    /// How far the desk's clock is ahead of UTC at an instant, in seconds.
    pub zone: Zone,
}

/// How far a clock is ahead of UTC at an instant, in seconds.
pub type Zone = Box<dyn Fn(EpochMillis) -> i32 + Send + Sync>;

/// A call to watch.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its ContactId.
    pub contact: Arc<str>,
    /// Other contacts that its media may carry: legs before it.
    pub legs: Vec<Box<str>>,
    /// The stream's ARN.
    pub stream: Box<str>,
    /// When its media started.
    pub started: EpochMillis,
    /// The fragment that it started with, when that is told.
    pub start_fragment: Option<FragmentNumber>,
    /// What else is known of it.
    pub began: Began,
}

/// What others tell a call's watch while it runs.
#[derive(Debug, Default)]
pub struct Orders {
    over: AtomicBool,
    shut: AtomicBool,
    rests: AtomicBool,
}

impl Orders {
    /// Connect says that the call is over.
    pub fn call_is_over(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// The monitor ends.
    pub fn shut(&self) {
        self.shut.store(true, Ordering::Relaxed);
    }

    /// Whether nothing more came of the call for so long that it counts as over.
    pub fn is_resting(&self) -> bool {
        self.rests.load(Ordering::Relaxed)
    }

    fn rest(&self, rests: bool) {
        self.rests.store(rests, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Relaxed)
    }
}

/// What the findings of a session are told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// As they come.
    Aloud,
    /// Not before more of the call comes.
    Resting,
}

/// One call under way.
struct Watched<'a, S, C, T: Tapes, F> {
    with: &'a Watch<S, C, T>,
    call: &'a Call,
    orders: &'a Orders,
    session: Session,
    recording: Recording<T::Tape>,
    voice: Voice,
    /// Where the audio has come to on the media's clock.
    reached: Option<MediaTime>,
    /// KVS gave something up since.
    lost: bool,
    /// What was told once already.
    told_unproven: bool,
    told_damage: bool,
    tell: F,
}

impl<S: LiveSource, C: LiveClock, T: Tapes> Watch<S, C, T> {
    /// Watches a call to its end. `random` varies the waits between attempts; `tell` gets what
    /// happens, in its order. Gives the last of it.
    pub async fn watch(
        &self,
        call: &Call,
        orders: &Orders,
        random: u64,
        tell: impl FnMut(Happening) + Send,
    ) -> Stop {
        let mut contacts = vec![Box::from(&*call.contact)];
        contacts.extend(call.legs.iter().cloned());
        let subject = Subject {
            contacts,
            started: call.started,
            start_fragment: call.start_fragment,
            behind: None,
        };
        let now = self.clock.elapsed();
        let mut watched = Watched {
            with: self,
            call,
            orders,
            session: Session::new(&call.stream, subject, self.limits, random, now),
            recording: Recording::new(self.keep),
            voice: Voice::Aloud,
            reached: None,
            lost: false,
            told_unproven: false,
            told_damage: false,
            tell,
        };
        watched.tell(What::Began(call.began.clone()));
        loop {
            let stop = watched.read().await;
            let came = watched.voice == Voice::Aloud;
            if came {
                watched.end(&stop);
            }
            let rests = stop == Stop::Ended(Ending::Idle)
                && came
                && self.come_back > Duration::ZERO
                && watched.session.last().is_some();
            if !rests {
                return stop;
            }
            watched.rest();
        }
    }

    fn resting(&self) -> Limits {
        Limits {
            idle_end: self.come_back,
            max_silence: RESTING_SILENCE,
            ..self.limits
        }
    }
}

impl<S: LiveSource, C: LiveClock, T: Tapes, F: FnMut(Happening) + Send> Watched<'_, S, C, T, F> {
    fn tell(&mut self, what: What) {
        (self.tell)(Happening {
            contact: Arc::clone(&self.call.contact),
            at: self.with.clock.now(),
            what,
        });
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.tell(What::Warning(text.into()));
    }

    /// Asks and reads until the session stops.
    async fn read(&mut self) -> Stop {
        let mut body = None;
        loop {
            if self.orders.is_shut() {
                self.session.shut();
            }
            if self.orders.is_over() {
                self.session.told_its_end(self.with.clock.elapsed());
            }
            let next = self.session.next(self.with.clock.elapsed());
            self.take_in();
            let now = self.with.clock.elapsed();
            match next {
                Next::Stop(stop) => return stop,
                Next::Wait(until) => {
                    body = None;
                    let wait = until.saturating_sub(now).min(LOOK_FOR_ORDERS);
                    self.with.clock.wait(wait).await;
                }
                Next::Open(start) => {
                    // The connection counts until it is closed.
                    drop(body.take());
                    body = self.open(start).await;
                }
                Next::Read(until) => {
                    let within = until.saturating_sub(now).min(LOOK_FOR_ORDERS);
                    let Some(open) = &mut body else {
                        // The session and this loop agree on what is open.
                        self.session.body_broke(now);
                        continue;
                    };
                    let heard = open.next_within(within).await;
                    let now = self.with.clock.elapsed();
                    match heard {
                        Ok(Heard::Bytes(bytes)) => self.session.push(&bytes, now),
                        Ok(Heard::Nothing) => {}
                        Ok(Heard::End) => {
                            body = None;
                            self.session.body_ended(now);
                        }
                        Err(_) => {
                            body = None;
                            self.session.body_broke(now);
                        }
                    }
                }
            }
        }
    }

    async fn open(&mut self, start: Start) -> Option<S::Body> {
        let opened = self.with.source.open(&self.call.stream, start).await;
        let now = self.with.clock.elapsed();
        match opened {
            Ok(body) => {
                self.session.opened(now);
                Some(body)
            }
            Err(failure) => {
                self.session.refused(failure, now);
                None
            }
        }
    }

    /// What the session found since.
    fn take_in(&mut self) {
        while let Some(found) = self.session.next_found() {
            match found {
                Found::Own(fragment) => self.hear(fragment),
                _ if self.voice == Voice::Resting => {}
                Found::Reconnecting(how) => self.tell(What::Reconnecting(how)),
                Found::Lost(error) => {
                    self.lost = true;
                    let code = match error.code.is_empty() {
                        true => String::new(),
                        false => format!(" ({})", error.code),
                    };
                    self.warn(format!("KVS does not give a fragment of this call{code}: what was said in it is missing"));
                }
                Found::Unproven(refusal) if !self.told_unproven => {
                    self.told_unproven = true;
                    let why = match refusal {
                        Refusal::Conflicting | Refusal::Foreign => "names other contacts as well",
                        Refusal::Untagged => "names no contact",
                        Refusal::OutOfRange | Refusal::Unnumbered => "has no place in this call",
                    };
                    self.warn(format!("media on this call's stream {why}: it is left out, since nothing proves that it is this call's"));
                }
                Found::Unproven(_) => {}
                Found::NothingYet => self.warn(
                    "no audio of this call came in 30 s; the flow must start media streaming before it calls live-start",
                ),
                Found::Retrying(failure) => {
                    self.warn(format!("{}; asking again", failure.cause));
                }
                Found::Damaged(what) => self.warn_of_damage(&what),
            }
        }
    }

    fn warn_of_damage(&mut self, what: &str) {
        if !self.told_damage {
            self.told_damage = true;
            self.warn(format!("media is damaged: {what}"));
        }
    }

    fn hear(&mut self, fragment: Fragment) {
        if self.voice == Voice::Resting {
            self.wake(&fragment);
        }
        if let Some(damage) = fragment.damage.first() {
            self.warn_of_damage(&damage.to_string());
        }
        let start = fragment.start();
        if let (true, Some(start), Some(reached)) = (self.lost, start, self.reached) {
            self.lost = false;
            let samples = start.samples_since(reached);
            if let Ok(millis) = u64::try_from(samples / samples_in_millis(1))
                && millis > 0
            {
                let direction = None;
                self.tell(What::Gap { direction, millis });
            }
        }
        for block in &fragment.blocks {
            let end = block.start.moved_by(block.samples().cast_signed());
            self.reached = self.reached.max(Some(end));
            self.tell(What::Sound(block.clone()));
        }
        let stem = self.stem();
        let written = self
            .recording
            .push(fragment, || self.with.tapes.begin(&stem));
        self.warn_of_files(written);
    }

    /// More of a call came that was over: it has files of its own.
    fn wake(&mut self, fragment: &Fragment) {
        self.voice = Voice::Aloud;
        self.orders.rest(false);
        self.session.set_limits(self.with.limits);
        let start = fragment.server_time.unwrap_or(self.with.clock.now());
        self.recording.starts_at(start);
        self.reached = None;
        let label = self.call.began.label.as_ref();
        let began = Began {
            start: Some(start),
            label: label.map(|_| self.local(start).label()),
            ..self.call.began.clone()
        };
        self.tell(What::Began(began));
    }

    fn rest(&mut self) {
        self.voice = Voice::Resting;
        self.orders.rest(true);
        self.recording = Recording::new(self.with.keep);
        let now = self.with.clock.elapsed();
        self.session.resume(self.with.resting(), now);
    }

    fn local(&self, at: EpochMillis) -> LocalTime {
        LocalTime {
            at,
            ahead_seconds: (self.with.zone)(at),
        }
    }

    fn stem(&self) -> String {
        let start = self.recording.start().unwrap_or(self.call.started);
        self.local(start).stem()
    }

    fn warn_of_files(&mut self, written: Result<(), Failure>) {
        if let Err(failure) = written {
            let cure = match failure.kind == FailureKind::StoreFull {
                true => "free some space there; ",
                false => "",
            };
            self.warn(format!(
                "this call is not recorded any further: {}: {}; {cure}what was written is kept",
                failure.subject, failure.cause
            ));
        }
    }

    /// Ends the files, and tells the end.
    fn end(&mut self, stop: &Stop) {
        let stem = self.stem();
        // Of a call that could never be read there is nothing to keep.
        let begins = matches!(stop, Stop::Ended(_));
        let ended = self
            .recording
            .finish(|| begins.then(|| self.with.tapes.begin(&stem)));
        self.warn_of_files(ended);
        let what = match stop {
            Stop::Ended(ending) => What::Ended(*ending),
            Stop::Failed(failure) => What::Failed(said(failure)),
        };
        self.tell(what);
    }
}

/// A failure as the desk is told: who runs the monitor is no function, and has no settings of one.
pub fn said(failure: &Failure) -> String {
    let kind = failure.kind;
    let cure = if let FailureKind::Denied(permission) = kind {
        &*format!(
            "allow {permission} to whoever runs the monitor (docs/monitor.md, \"What it may do\")"
        )
    } else if kind == FailureKind::NoCredentials {
        "log in, or name a profile by --profile; a session that expired must be renewed"
    } else if kind == FailureKind::Throttled {
        "others ask as well: a media stream bears three readers at once, a shard of the data stream five reads a second"
    } else if kind == FailureKind::Key(KeyTrouble::AccessDenied) {
        "who runs the monitor must be allowed kms:Decrypt on the stream's key"
    } else {
        kind.cure()
    };
    failure.told_with(cure)
}
