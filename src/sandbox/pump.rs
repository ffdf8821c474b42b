//! The events between the steps of voicemail, so that the whole chain runs over the sandbox
//! unattended: contact records go to `capture`, objects that were stored to `transcribe` and
//! `deliver`, jobs that failed to `transcribe-failed`, and the clock to `reconcile-voicemail`.
//! The functions are the built binaries, over a Runtime API each.
//!
//! As EventBridge and Lambda do, it delivers an event once or more, tries a function that failed
//! twice again, and keeps what was given up as a message of a queue, [`DEAD_LETTERS`] or
//! [`FAILED_RECORDS`]. The waits are shorter than AWS's.

mod records;
mod runtime;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::happenings::{ACCOUNT, Happening, REGION};
use super::{CERTIFICATE, Sandbox, SandboxError, World};
use crate::clock::now;
use runtime::{Function, Spec};

/// The queue of what a function was given up at.
pub const DEAD_LETTERS: &str = "voicemail-dead-letters";
/// The queue of contact records that were given up.
pub const FAILED_RECORDS: &str = "voicemail-failed-records";
/// How often an event that a function failed at is tried again (Lambda Developer Guide, "How
/// Lambda handles errors and retries with asynchronous invocation").
const RETRIES: u32 = 2;
/// The wait before the first of them; it doubles.
const WAIT: Duration = Duration::from_millis(500);

/// What lets every way of delivery work, unless it is set otherwise.
const SET: [(&str, &str); 5] = [
    ("ENABLED_MODES", "task,guided_task,email"),
    ("TASK_FLOW_ID", "task-flow"),
    ("GUIDED_TASK_FLOW_ID", "guided-task-flow"),
    ("EMAIL_FROM", "voicemail@example.com"),
    ("EMAIL_TO", "team@example.com"),
];

/// What is pumped where.
#[derive(Clone, Debug)]
pub struct PumpSettings {
    /// The folder of the built binaries `recorder` and `voicemail`.
    pub functions: PathBuf,
    /// The bucket of recordings.
    pub recordings: String,
    /// The bucket of transcripts.
    pub transcripts: String,
    /// Variables of all functions, beside those that Lambda sets and the buckets' names; of two
    /// of one name the last one counts.
    pub variables: Vec<(String, String)>,
    /// Processes of each function, and shards of the data stream.
    pub executions: usize,
    /// How often what stands still is looked for.
    pub reconcile_every: Duration,
}

impl Default for PumpSettings {
    fn default() -> Self {
        Self {
            functions: PathBuf::new(),
            recordings: "recordings".to_owned(),
            transcripts: "transcripts".to_owned(),
            variables: SET
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            executions: 1,
            reconcile_every: Duration::from_secs(30),
        }
    }
}

/// The functions of the chain, and what carries events to them, until it is dropped.
pub struct Pump {
    functions: Arc<Functions>,
    _carrying: JoinSet<()>,
}

struct Functions {
    world: Arc<World>,
    capture: Arc<Function>,
    transcribe: Function,
    transcribe_failed: Function,
    deliver: Function,
    reconcile: Function,
    recordings: String,
    transcripts: String,
    under_way: AtomicUsize,
    events: AtomicU64,
}

impl Pump {
    /// Starts the functions over a sandbox, and carries what happens there to them from now on.
    pub async fn start(sandbox: &Sandbox, settings: PumpSettings) -> Result<Self, SandboxError> {
        let world = Arc::clone(&sandbox.world);
        let mut happenings = world.happenings.listen();
        let own = [
            ("RECORDINGS_BUCKET", &settings.recordings),
            ("TRANSCRIPTS_BUCKET", &settings.transcripts),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.clone()));
        let variables: Vec<_> = own.into_iter().chain(settings.variables.clone()).collect();
        let spec = |binary: &str, handler| Spec {
            binary: settings.functions.join(binary),
            handler,
            endpoint: world.url.clone(),
            variables: variables.clone(),
            log: sandbox.data.join("functions.log"),
            certificate: (world.scheme == "https").then(|| sandbox.data.join(CERTIFICATE)),
        };
        let many = settings.executions;
        let of = |handler| spec("voicemail", handler);
        let functions = Arc::new(Functions {
            capture: Arc::new(Function::start(&spec("recorder", "capture"), many).await?),
            transcribe: Function::start(&of("transcribe"), many).await?,
            transcribe_failed: Function::start(&of("transcribe-failed"), 1).await?,
            deliver: Function::start(&of("deliver"), many).await?,
            reconcile: Function::start(&of("reconcile-voicemail"), 1).await?,
            recordings: settings.recordings,
            transcripts: settings.transcripts,
            under_way: AtomicUsize::new(0),
            events: AtomicU64::new(0),
            world,
        });
        let mut carrying = JoinSet::new();
        let mut shards = Vec::new();
        for shard in 0..many.max(1) {
            let (sender, received) = mpsc::unbounded_channel();
            shards.push(sender);
            let (capture, kept) = (Arc::clone(&functions.capture), Arc::clone(&functions));
            let fail = move |failed: Value| kept.give_up(FAILED_RECORDS, &failed);
            carrying.spawn(records::work(shard, received, capture, fail));
        }
        carrying.spawn(records::watch(sandbox.data.join("contact-records"), shards));
        let carrier = Arc::clone(&functions);
        carrying.spawn(async move {
            let mut deliveries = JoinSet::new();
            while let Some(happening) = happenings.recv().await {
                let functions = Arc::clone(&carrier);
                functions.under_way.fetch_add(1, Ordering::SeqCst);
                deliveries.spawn(async move {
                    functions.carry(happening).await;
                    functions.under_way.fetch_sub(1, Ordering::SeqCst);
                });
                while deliveries.try_join_next().is_some() {}
            }
        });
        let clock = Arc::clone(&functions);
        carrying.spawn(async move {
            loop {
                tokio::time::sleep(settings.reconcile_every).await;
                clock.reconcile().await;
            }
        });
        Ok(Self {
            functions,
            _carrying: carrying,
        })
    }

    /// How many events are on their way to a function, or at one, beside contact records.
    pub fn under_way(&self) -> usize {
        self.functions.under_way.load(Ordering::SeqCst)
    }

    /// Lets what stands still be looked for now; whether that went well.
    pub async fn reconcile(&self) -> bool {
        self.functions.reconcile().await
    }

    /// Ends all processes as a crash would; they are started anew.
    pub fn kill(&self) {
        let of = &self.functions;
        of.capture.kill();
        for function in [
            &of.transcribe,
            &of.transcribe_failed,
            &of.deliver,
            &of.reconcile,
        ] {
            function.kill();
        }
    }
}

impl Functions {
    /// An event to the function whose rule takes it.
    async fn carry(&self, happening: Happening) {
        let function = match &happening {
            Happening::ObjectCreated { bucket, key, .. } => {
                match *bucket == self.recordings && key.ends_with(".wav") {
                    true => &self.transcribe,
                    false if *bucket == self.transcripts && key.ends_with(".json") => &self.deliver,
                    false => return,
                }
            }
            Happening::JobEnded { name, status, .. } => {
                match name.starts_with("vmx3_") && *status == "FAILED" {
                    true => &self.transcribe_failed,
                    false => return,
                }
            }
        };
        let number = self.events.fetch_add(1, Ordering::Relaxed);
        let event = happening.event(&format!("event-{number:06}"), now());
        let mut wait = WAIT;
        for retry in 0..=RETRIES {
            match function.invoke(event.clone()).await {
                Ok(_) => return,
                Err(error) if retry == RETRIES => {
                    self.give_up(
                        DEAD_LETTERS,
                        &json!({
                            "version": "1.0", "timestamp": now().to_rfc3339(),
                            "requestContext": {
                                "condition": "RetriesExhausted",
                                "approximateInvokeCount": RETRIES + 1,
                            },
                            "requestPayload": event,
                            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
                            "responsePayload": error,
                        }),
                    );
                }
                Err(_) => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
            }
        }
    }

    async fn reconcile(&self) -> bool {
        let event = json!({
            "version": "0", "id": "clock", "source": "aws.events", "detail-type": "Scheduled Event",
            "account": ACCOUNT, "region": REGION, "time": now().to_rfc3339(),
            "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/reconcile")], "detail": {},
        });
        match self.reconcile.invoke(event.clone()).await {
            Ok(_) => true,
            Err(error) => {
                let failed = json!({"requestPayload": event, "responsePayload": error});
                self.give_up(DEAD_LETTERS, &failed);
                false
            }
        }
    }

    /// Keeps what was given up as a message of a queue.
    fn give_up(&self, queue: &str, failed: &Value) {
        // A data folder that takes nothing more has no place for it either.
        let _ = self.world.queues.keep(queue, failed.to_string());
    }
}
