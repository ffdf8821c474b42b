//! `callreel monitor` of Amazon Connect's calls: its settings, the data stream that tells of
//! calls, and one task for each of them.

mod config;
mod feed;
mod headless;
mod lines;

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::super::account::{check_profile, runtime};
use super::super::{CliError, tell_error, tell_warning};
use super::page::{self, PageArgs};
use crate::aws::{self, Access, CallStream, KvsWatch};
use crate::local::FolderTapes;
use crate::media::ticks::EpochMillis;
use crate::monitor::calls::{Calls, Said, Started};
use crate::monitor::feed::{Feed, Record};
use crate::monitor::happening::{Began, Happening};
use crate::monitor::names::LocalTime;
use crate::port::LiveClock;
use crate::settings::monitor::MonitorConfig;
use crate::watch::{Call, Orders, Watch};
use crate::web::serve::ended_by_somebody;
pub(super) use config::LiveArgs;
use headless::Headless;

/// How long calls in progress have to end their files when the monitor ends.
const TO_END: Duration = Duration::from_secs(5);

/// What the monitor tells.
#[derive(Debug)]
pub(super) enum Told {
    /// Something happened to a call.
    Happening(Happening),
    /// Every shard is read: who calls from now on is seen.
    Ready,
    /// The data stream cannot be read, and why; or it can again.
    Receiving(Result<(), String>),
    /// A record that says nothing of a call, and why.
    Skipped(String),
}

/// Who hears of it.
pub(super) type Teller = mpsc::UnboundedSender<Told>;

/// Watches calls until somebody ends it: on the page, or without one as lines.
pub(in super::super) fn run(
    args: &LiveArgs,
    page: &PageArgs,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    let config = args.config()?;
    let runtime = runtime()?;
    if let Some(profile) = &args.profile {
        check_profile(&runtime, profile)?;
    }
    let (tell, told) = mpsc::unbounded_channel();
    let watching = Watching::new(&config, args.profile.clone(), tell)?;
    let mut frames = Headless::new(&config)?;
    match config.headless {
        true => runtime.block_on(without_page(watching, told, &mut frames, out)),
        false => runtime.block_on(on_page(watching, told, &mut frames, page, out, json)),
    }
}

/// Every frame is a line of JSON, and so is what happens.
async fn without_page(
    watching: Watching,
    mut told: mpsc::UnboundedReceiver<Told>,
    frames: &mut Headless,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let printing = async {
        while let Some(told) = told.recv().await {
            if let Some(line) = lines::of(&told, true) {
                writeln!(out, "{line}")?;
            }
            if let Told::Happening(happening) = &told {
                frames.take(happening, out)?;
            }
            out.flush()?;
        }
        Ok(())
    };
    // Where lines cannot be printed any more, nobody is there to watch.
    tokio::try_join!(Box::pin(watching.run(ended_by_somebody())), printing).map(drop)
}

/// What happens goes to the page, and as lines to whoever started it.
async fn on_page(
    watching: Watching,
    mut told: mpsc::UnboundedReceiver<Told>,
    frames: &mut Headless,
    args: &PageArgs,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    let what = format!("calls told of by {}", watching.config.stream);
    let page = page::open(args, &what, out, json).await?;
    let (live, print, stop) = (page.live(), page.teller(), page.stop());
    let showing = async {
        while let Some(told) = told.recv().await {
            if let Some(line) = lines::of(&told, json) {
                // An error says that the command is ending.
                let _ = print.send(line);
            }
            if let Told::Happening(happening) = &told {
                live.push(happening);
                frames.take(happening, &mut std::io::sink())?;
            }
        }
        Ok(())
    };
    let work = async { tokio::try_join!(Box::pin(watching.run(stop.asked())), showing).map(drop) };
    page.show(work, out).await
}

/// Time since the monitor began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl LiveClock for Clock {
    fn now(&self) -> EpochMillis {
        crate::clock::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Everything that watching calls needs.
pub(super) struct Watching {
    config: MonitorConfig,
    access: Access,
    zone: config::Zone,
    tell: Teller,
}

impl Watching {
    pub(super) fn new(
        config: &MonitorConfig,
        profile: Option<String>,
        tell: Teller,
    ) -> Result<Self, CliError> {
        Ok(Self {
            zone: config::zone(&config.zone)?,
            config: config.clone(),
            access: Access {
                region: Some(config.region.clone()),
                profile,
                endpoint: None,
            },
            tell,
        })
    }

    /// Watches calls until `ended`; those in progress then end their files.
    pub(super) async fn run(self, ended: impl Future<Output = ()>) -> Result<(), CliError> {
        let tapes = FolderTapes::new(&self.config.audio);
        let repaired = tapes.repair();
        for file in repaired.files {
            tell_warning(&format!(
                "{}: a monitor was killed while it wrote this file; it is whole now, as far as it came ({} samples)",
                file.place, file.samples
            ));
        }
        for failure in repaired.failures {
            tell_warning(&format!("a file that a killed monitor left: {failure}"));
        }
        let at = |endpoint: &Option<String>| Access {
            endpoint: endpoint.clone(),
            ..self.access.clone()
        };
        let stream = CallStream::to_read(
            &aws::load(at(&self.config.kinesis)).await,
            &self.config.stream,
        );
        let zone = self.zone.clone();
        let watch = Watch {
            source: KvsWatch::new(&aws::load(at(&self.config.video)).await),
            clock: Clock(Instant::now()),
            tapes,
            limits: self.config.limits,
            keep: self.config.keep,
            come_back: self.config.come_back,
            zone: Box::new(move |at| config::ahead_seconds(&zone, at)),
        };
        let mut room = Room {
            watch: Arc::new(watch),
            calls: Calls::new(),
            orders: HashMap::new(),
            tasks: JoinSet::new(),
            tell: self.tell,
        };
        let feed = Feed::new(
            self.config.position,
            self.config.interval,
            self.config.limits.retry_interval,
            fastrand::u64(..),
        );
        let received = feed::receive(feed, &stream, &mut room, ended).await;
        room.end().await;
        received
    }
}

type Watcher = Watch<KvsWatch, Clock, FolderTapes>;

/// A contact, and the stream that its media is on.
type Key = (Arc<str>, Box<str>);

/// The calls in progress.
struct Room {
    watch: Arc<Watcher>,
    calls: Calls,
    orders: HashMap<Key, Arc<Orders>>,
    tasks: JoinSet<(Key, Arc<Orders>)>,
    tell: Teller,
}

impl Room {
    fn tell(&self, told: Told) {
        // An error says that nobody listens any more: the command is ending.
        let _ = self.tell.send(told);
    }

    /// Takes a record of the data stream.
    fn take(&mut self, record: &Record) {
        let came = record.arrived.unwrap_or_else(crate::clock::now);
        match self.calls.read(&record.data, came) {
            Said::Started(started) => self.begin(*started),
            Said::Over(contact) => {
                let own = self.orders.iter().filter(|(call, _)| call.0 == contact);
                own.for_each(|(_, orders)| orders.call_is_over());
            }
            Said::Again | Said::Nothing => {}
            Said::Unusable(why) => {
                self.tell(Told::Skipped(format!("record {}: {why}", record.sequence)));
            }
        }
    }

    fn begin(&mut self, started: Started) {
        let key = (Arc::clone(&started.contact), started.stream.clone());
        if let Some(orders) = self.orders.get(&key) {
            // Whatever comes of it on this stream is read already, unless nothing came for long.
            if !orders.is_resting() {
                return;
            }
            orders.shut();
        }
        let orders = Arc::new(Orders::default());
        self.orders.insert(key.clone(), Arc::clone(&orders));
        let ahead_seconds = (self.watch.zone)(started.started);
        let label = LocalTime {
            at: started.started,
            ahead_seconds,
        };
        let call = Call {
            contact: started.contact,
            legs: started.legs,
            stream: started.stream,
            started: started.started,
            start_fragment: started.start_fragment,
            began: Began {
                start: Some(started.started),
                label: Some(label.label()),
                customer: started.customer,
                system: started.system,
                queue: started.queue,
            },
        };
        let (watch, tell) = (Arc::clone(&self.watch), self.tell.clone());
        self.tasks.spawn(async move {
            let tell = |happening| drop(tell.send(Told::Happening(happening)));
            Box::pin(watch.watch(&call, &orders, fastrand::u64(..), tell)).await;
            (key, orders)
        });
    }

    /// Forgets calls that are over.
    fn sweep(&mut self) {
        while let Some(joined) = self.tasks.try_join_next() {
            match joined {
                Ok((key, orders)) => {
                    if self
                        .orders
                        .get(&key)
                        .is_some_and(|it| Arc::ptr_eq(it, &orders))
                    {
                        self.orders.remove(&key);
                    }
                }
                Err(error) => tell_error(&format!("a call's task broke off: {error}")),
            }
        }
    }

    /// All calls end their files.
    async fn end(mut self) {
        self.orders.values().for_each(|orders| orders.shut());
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(TO_END, all).await.is_err() {
            tell_warning("some files could not be ended in time; the next start repairs them");
        }
    }
}
