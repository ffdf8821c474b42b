//! What Callreel asks of AWS, answered on loopback: Kinesis Video, Connect, SES and Bedrock by
//! their REST JSON, SQS, EventBridge, Kinesis, Transcribe and Secrets Manager by AWS JSON, and S3
//! by a real S3 server. One port for all of them.
//!
//! Set for any client, `PORT` being the one that is told:
//!
//! ```text
//! AWS_ENDPOINT_URL=http://127.0.0.1:PORT AWS_REGION=us-east-1
//! AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox
//! ```
//!
//! An address has no room for a bucket's name, so S3 clients must use path style
//! (`force_path_style`). S3 signatures are verified, the others' are not looked at.
//!
//! Streams are folders of .mkv files, as `callreel synth` makes them. All that is written
//! is a file under the data folder: `contacts.json`, `queues/NAME/`, `events/BUS/`,
//! `data-streams/NAME/`, `buckets/NAME/`, and beside these what S3 keeps of versions and of uploads that were begun; and of voicemail `tasks/`,
//! `mail/` and `transcription-jobs/`. What
//! Connect knows of contacts is read there, from contact records: `contact-records/*.json`.
//! With [`Settings::play`] streams come as they once came, in real time or faster, and GetMedia gives what comes.
//! What goes wrong on purpose is told by [`Faults`], at the start or at run time by
//! `PUT /_sandbox/faults`; `GET /_sandbox/calls` tells which calls came.
//!
//! With TLS its certificate is made anew at each start and written to [`CERTIFICATE`] in the data
//! folder; clients trust it that are told to, the AWS SDK for Rust by `SSL_CERT_FILE`.
//!
//! Not here: retention, eventual consistency other than that of listings
//! ([`Effect::DropStop`] and its neighbours), permissions, and operations that Callreel does not use.

mod buckets;
mod calls;
mod checksums;
mod contacts;
mod cors;
mod data_streams;
mod events;
mod faults;
mod happenings;
mod oidc;
mod operation;
mod own;
mod pump;
mod queues;
mod records;
mod stage;
mod streams;
mod tags;
mod tls;
mod turns;
mod versions;
mod video;
mod voicemail;
mod wire;

use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub use calls::{Call, Calls};
pub use faults::{Effect, Faults, Forgery, Quota, Rule};
pub use oidc::{CLIENT, PEOPLE, SECRET};
pub use pump::{DEAD_LETTERS, FAILED_RECORDS, Pump, PumpSettings};
pub use stage::Play;

use crate::lock::lock;
use buckets::Buckets;
use calls::Log;
use checksums::Checksums;
use contacts::Contacts;
use data_streams::DataStreams;
use events::Events;
use faults::Playing;
use happenings::{Happening, Happenings};
use oidc::Oidc;
use operation::{Operation, Service};
use queues::Queues;
use records::Records;
use stage::Stage;
use streams::Streams;
use tags::Tags;
pub use tls::CERTIFICATE;
use tls::Line;
use versions::Keeping;
use video::Video;
use voicemail::Voicemail;
use wire::{Refusal, Reply, foreign_reply, spoil};

/// The longest body of a request that is not S3's: a mail of 40 MB in base64, in JSON.
const MAX_BODY_BYTES: usize = 64 << 20;
/// How long accepting rests when the system has no connection to give.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What a sandbox stands on.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The folder of streams, which need not be there.
    pub streams: PathBuf,
    /// The folder for all that is written.
    pub data: PathBuf,
    /// The port; 0 for any.
    pub port: u16,
    /// The buckets that there are; when none is named, any bucket is.
    pub buckets: Vec<String>,
    /// The account that they belong to: a call that expects another one is refused. When
    /// none is named, they are whosever they are expected to be.
    pub bucket_owner: Option<String>,
    /// What is overwritten or deleted in a bucket stays as an older version, as in one with
    /// versioning enabled: under `versions` in the data folder.
    pub versioned: bool,
    /// It speaks TLS, by a certificate of its own.
    pub tls: bool,
    /// It plays identity provider as well, under `/_oidc`.
    pub oidc: bool,
    /// Streams are played, as if they came now.
    pub play: Option<Play>,
    /// What goes wrong.
    pub faults: Faults,
}

/// Why no sandbox could be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The port is taken or not to be had.
    #[error("port {port} of 127.0.0.1: {source}; give another one, or 0 for any")]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error("{0}; give another folder for the data")]
    Data(String),
}

/// AWS on loopback, on the runtime it was started on, until it is dropped: then all its
/// connections end.
pub struct Sandbox {
    world: Arc<World>,
    data: PathBuf,
    /// Dropped with it, and ended by that.
    _running: JoinSet<()>,
}

impl Sandbox {
    /// Starts answering.
    pub async fn start(settings: Settings) -> Result<Self, SandboxError> {
        let data = settings.data;
        let owner = settings.bucket_owner;
        let keeping = match settings.versioned {
            true => Keeping::AllVersions,
            false => Keeping::TheLatest,
        };
        let buckets = Buckets::new(data.join("buckets"), &settings.buckets, owner, keeping);
        let buckets = buckets.map_err(SandboxError::Data)?;
        let queues = data.join("queues");
        fs::create_dir_all(&queues)
            .map_err(|error| SandboxError::Data(format!("{}: {error}", queues.display())))?;
        let port = settings.port;
        let refused = |source| SandboxError::Port { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let acceptor = match settings.tls {
            false => None,
            true => Some(tls::acceptor(&data).map_err(SandboxError::Data)?),
        };
        let happenings = Happenings::default();
        let streams = Arc::new(Streams::new(settings.streams));
        let stage = settings.play.as_ref();
        let stage = stage.map(|play| Stage::begin(&streams, play.speed));
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        let oidc = match settings.oidc {
            false => None,
            true => Some(Oidc::new(&url).map_err(SandboxError::Data)?),
        };
        let world = Arc::new(World {
            scheme,
            url,
            oidc,
            video: Video::new(Arc::clone(&streams), stage),
            data_streams: DataStreams::new(data.join("data-streams")),
            contacts: Contacts::new(data.join("contacts.json"), data.join("contact-records")),
            records: Records::new(data.join("contact-records")),
            queues: Queues::new(queues),
            events: Events::new(data.join("events")),
            buckets,
            voicemail: Voicemail::new(&data, happenings.clone()),
            happenings,
            checksums: Checksums::new(data.join("buckets")),
            tags: Tags::new(&data),
            playing: Mutex::new(Playing::new(settings.faults)),
            log: Mutex::new(Log::new()),
        });
        let mut running = JoinSet::new();
        running.spawn(accept(listener, acceptor, Arc::clone(&world)));
        let calls_to = settings.play.and_then(|play| play.calls_to);
        if let Some((stage, name)) = stage.zip(calls_to) {
            let world = Arc::clone(&world);
            running.spawn(async move {
                let told = &world.data_streams;
                stage.tell_of_calls(&streams, told, &name).await;
            });
        }
        Ok(Self {
            world,
            data,
            _running: running,
        })
    }

    /// What the provider that it plays calls itself; none is played unless it was asked for.
    pub fn issuer(&self) -> String {
        format!("{}{}", self.world.url, operation::PROVIDER)
    }

    /// The endpoint URL of every service.
    pub fn url(&self) -> &str {
        &self.world.url
    }

    /// What goes wrong from now on, in place of what did so far.
    pub fn set_faults(&self, faults: Faults) {
        *lock(&self.world.playing) = Playing::new(faults);
    }

    /// The calls that were answered so far.
    pub fn calls(&self) -> Calls {
        self.world.calls()
    }
}

/// All services, and what is known of the calls to them.
struct World {
    scheme: &'static str,
    url: String,
    oidc: Option<Oidc>,
    video: Video,
    data_streams: DataStreams,
    contacts: Contacts,
    records: Records,
    queues: Queues,
    events: Events,
    buckets: Buckets,
    voicemail: Voicemail,
    happenings: Happenings,
    checksums: Checksums,
    tags: Tags,
    playing: Mutex<Playing>,
    log: Mutex<Log>,
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, world: Arc<World>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it each answer waits 40 ms for the client's acknowledgement.
                let _ = stream.set_nodelay(true);
                let (acceptor, world) = (acceptor.clone(), Arc::clone(&world));
                connections.spawn(async move {
                    match acceptor {
                        None => serve(stream, world).await,
                        // A client that does not trust us goes away, and is no error of ours.
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, world).await;
                            }
                        }
                    }
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_REST).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, to its end or to its reset.
async fn serve(stream: impl Line, world: Arc<World>) {
    let reset = Arc::new(Notify::new());
    let service = service_fn(|request| {
        let (world, reset) = (Arc::clone(&world), Arc::clone(&reset));
        async move { Ok::<_, Infallible>(world.answer(request, reset).await) }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A client that goes away is no error of ours.
        _ = &mut connection => {}
        () = reset.notified() => {
            // Closed without lingering, a socket sends RST.
            let stream = connection.into_parts().io.into_inner();
            let _ = stream.tcp().set_zero_linger();
        }
    }
}

impl World {
    fn calls(&self) -> Calls {
        lock(&self.log).so_far(self.video.peak_connections())
    }

    async fn answer(&self, request: Request<Incoming>, reset: Arc<Notify>) -> Reply {
        let (head, body) = request.into_parts();
        let operation = Operation::of(&head);
        if operation.service == Service::Bucket {
            let request = Request::from_parts(head, body);
            let subject = request.uri().to_string();
            let mut call = self.call(operation, subject);
            let reply = match self.interrupt(&mut call, &reset).await {
                Some(interrupted) => {
                    buckets::drain(request.into_body()).await;
                    interrupted
                }
                None => self.with_tags(request, &call.call.operation).await,
            };
            let reply = reply.unwrap_or_else(Refusal::into_xml);
            return self.end(call, reply, &reset);
        }
        let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                return Refusal::new(413, "RequestTooLong", error.to_string()).into_json();
            }
        };
        if operation.service == Service::Own {
            return self.own(&head, &body).unwrap_or_else(Refusal::into_json);
        }
        let subject = own::subject(&operation, &head, &body);
        let mut call = self.call(operation, subject);
        let reply = match self.interrupt(&mut call, &reset).await {
            Some(interrupted) => interrupted,
            None if call.service == Service::Oidc => self.provide(&call, &head, &body),
            None => self.serve_json(&mut call, &head, &body).await,
        };
        self.end(call, reply.unwrap_or_else(Refusal::into_json), &reset)
    }

    /// A call of S3's, with the tags of the object that it stores or asks about.
    async fn with_tags(
        &self,
        request: Request<Incoming>,
        operation: &str,
    ) -> Result<Reply, Refusal> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        if tags::asks(&method, &uri) {
            buckets::drain(request.into_body()).await;
            return self.tags.tell(uri.path());
        }
        let brought = tags::brought(&request)?;
        let reply = self.checksums.answer(&self.buckets, request).await?;
        if let Some(brought) = brought.filter(|_| reply.status().is_success()) {
            self.tags.keep(uri.path(), &brought)?;
        }
        if reply.status().is_success() {
            self.tell_stored(operation, uri.path());
        }
        Ok(reply)
    }

    /// Tells of an object that a call stored.
    fn tell_stored(&self, operation: &str, path: &str) {
        let reasons = ["PutObject", "CompleteMultipartUpload", "CopyObject"];
        let reason = reasons.iter().find(|reason| **reason == operation);
        if let (Some(reason), Some((bucket, key, bytes))) = (reason, self.tags.stored(path)) {
            self.happenings.tell(Happening::ObjectCreated {
                bucket,
                key,
                bytes,
                reason,
            });
        }
    }

    /// A call that has come, and what the script has for it.
    fn call(&self, operation: Operation, subject: String) -> Met {
        let effect = lock(&self.playing).next(&operation.name, &subject);
        let call = Call {
            operation: operation.name,
            subject,
            fragments: None,
            start: None,
            status: 0,
            effect: effect.as_ref().map(|effect| effect.name().to_owned()),
            at_millis: 0,
        };
        Met {
            service: operation.service,
            call,
            effect,
        }
    }

    /// Effects that come before the call is carried out. Does not return from a reset.
    async fn interrupt(&self, met: &mut Met, reset: &Notify) -> Option<Result<Reply, Refusal>> {
        match &met.effect {
            Some(Effect::Reset) => {
                lock(&self.log).push(met.call.clone());
                reset.notify_one();
                std::future::pending().await
            }
            Some(Effect::Status { code, error }) => Some(Err(Refusal::new(
                *code,
                error.clone(),
                "a fault of the sandbox's script",
            ))),
            Some(Effect::Answer {
                code,
                headers,
                body,
            }) => Some(Ok(foreign_reply(*code, headers, body))),
            Some(Effect::DelayMs(millis)) => {
                tokio::time::sleep(Duration::from_millis(*millis)).await;
                None
            }
            _ => None,
        }
    }

    async fn serve_json(&self, met: &mut Met, head: &Parts, body: &[u8]) -> Result<Reply, Refusal> {
        let operation = &*met.call.operation;
        if ["GetContactAttributes", "UpdateContactAttributes"].contains(&operation) {
            let mut playing = lock(&self.playing);
            if !playing.allows_attribute_call(operation, Instant::now()) {
                let message = "Too Many Requests";
                return Err(Refusal::new(429, "TooManyRequestsException", message));
            }
        }
        match (met.service, operation) {
            (Service::Queue, _) => self.queues.answer(operation, body).await,
            (Service::Kinesis, _) => {
                let iterators = lock(&self.playing).faults.quota.iterator_seconds;
                self.data_streams.answer(operation, body, iterators)
            }
            (Service::Events, "PutEvents") => self.events.put(body),
            (Service::Events, other) => Err(Refusal::new(400, "UnknownOperationException", other)),
            (Service::Connect, "GetContactAttributes") => self.contacts.get(&met.call.subject),
            (Service::Connect, "DescribeContact") => self.records.describe(&met.call.subject),
            (Service::Connect, "SearchContacts") => self.records.search(body),
            (Service::Connect, _) => self.contacts.update(body),
            (Service::Voicemail(kind), _) => {
                let effect = met.effect.as_ref();
                let called = (kind, operation);
                self.voicemail
                    .answer(called, head, body, effect, &self.contacts)
            }
            _ => {
                let quota = lock(&self.playing).faults.quota;
                // As the client calls us, which need not be as we call ourselves.
                let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
                let url = host.map_or_else(
                    || self.url.clone(),
                    |host| format!("{}://{host}", self.scheme),
                );
                let effect = met.effect.as_ref();
                let answered = self.video.answer(operation, body, &url, effect, quota);
                met.call.fragments = answered.fragments;
                met.call.start = answered.start;
                answered.reply
            }
        }
    }

    /// Logs a call and sends its answer off, spoilt if the script says so.
    fn end(&self, mut met: Met, reply: Reply, reset: &Arc<Notify>) -> Reply {
        met.call.status = reply.status().as_u16();
        lock(&self.log).push(met.call);
        match &met.effect {
            Some(effect) => spoil(reply, effect, reset),
            None => reply,
        }
    }
}

/// A call and what the script does to it.
struct Met {
    service: Service,
    call: Call,
    effect: Option<Effect>,
}
