//! One function as Lambda runs it: processes of its binary, each with a Runtime API of its own
//! (Lambda Developer Guide, "Building a custom runtime"). A process that ends while it works
//! fails its invocation and is started anew, as Lambda does.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Segments, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use crate::lock::lock;
use crate::sandbox::SandboxError;
use crate::sandbox::happenings::{ACCOUNT, REGION};

/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a process has until it asks for its first event.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// An invocation that takes longer is ended.
pub(super) const TIMEOUT: Duration = Duration::from_secs(900);

/// What a function is started with.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    /// The binary.
    pub binary: PathBuf,
    /// Its `Handler`.
    pub handler: &'static str,
    /// The endpoint of all services.
    pub endpoint: String,
    /// Its variables, beside those that Lambda sets.
    pub variables: Vec<(String, String)>,
    /// Where its output goes.
    pub log: PathBuf,
    /// A certificate to trust, where the endpoint speaks TLS.
    pub certificate: Option<PathBuf>,
}

/// What came of an invocation.
pub(super) type Answer = Result<Value, Value>;

struct Invocation {
    event: Value,
    answer: oneshot::Sender<Answer>,
}

/// A function and its processes. They end when it is dropped.
pub(super) struct Function {
    queue: Arc<Queue>,
    executions: Vec<Arc<Execution>>,
    _serving: JoinSet<()>,
}

/// Events that wait for a process.
#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Invocation>>,
    came: Notify,
}

impl Queue {
    async fn next(&self) -> Invocation {
        loop {
            let came = self.came.notified();
            if let Some(invocation) = lock(&self.waiting).pop_front() {
                return invocation;
            }
            came.await;
        }
    }
}

/// One process, and what it works on.
struct Execution {
    spec: Spec,
    api: String,
    queue: Arc<Queue>,
    process: Mutex<Process>,
}

struct Process {
    child: Option<Child>,
    /// It asked for an event since it was started.
    asked: bool,
    works_on: Option<(oneshot::Sender<Answer>, Instant)>,
    number: u64,
}

impl Function {
    /// Starts so many processes, and waits until each is ready.
    pub(super) async fn start(spec: &Spec, executions: usize) -> Result<Self, SandboxError> {
        let queue = Arc::new(Queue::default());
        let mut serving = JoinSet::new();
        let mut started = Vec::new();
        for _ in 0..executions.max(1) {
            let refused = |source| SandboxError::Port { port: 0, source };
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            let listener = listener.map_err(refused)?;
            let execution = Arc::new(Execution {
                spec: spec.clone(),
                api: listener.local_addr().map_err(refused)?.to_string(),
                queue: Arc::clone(&queue),
                process: Mutex::new(Process {
                    child: None,
                    asked: false,
                    works_on: None,
                    number: 0,
                }),
            });
            let router = Router::new()
                .route("/2018-06-01/runtime/invocation/next", get(next))
                .route(
                    "/2018-06-01/runtime/invocation/{id}/{outcome}",
                    post(answered),
                )
                .with_state(Arc::clone(&execution));
            serving.spawn(async move {
                // It ends with this task.
                let _ = axum::serve(listener, router).await;
            });
            execution.spawn()?;
            let watched = Arc::clone(&execution);
            serving.spawn(async move { watched.watch().await });
            started.push(execution);
        }
        for execution in &started {
            execution.is_ready().await?;
        }
        Ok(Self {
            queue,
            executions: started,
            _serving: serving,
        })
    }

    /// Hands an event over, and waits for the answer.
    pub(super) async fn invoke(&self, event: Value) -> Answer {
        let (answer, answered) = oneshot::channel();
        lock(&self.queue.waiting).push_back(Invocation { event, answer });
        self.queue.came.notify_one();
        let gone = || Err(json!({"errorMessage": "the function is gone"}));
        answered.await.unwrap_or_else(|_| gone())
    }

    /// Ends all its processes as a crash would; they are started anew.
    pub(super) fn kill(&self) {
        for execution in &self.executions {
            if let Some(child) = &mut lock(&execution.process).child {
                // One that ended already is what was wanted.
                let _ = child.kill();
            }
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        for execution in &self.executions {
            if let Some(mut child) = lock(&execution.process).child.take() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

impl Execution {
    fn spawn(&self) -> Result<(), SandboxError> {
        let spec = &self.spec;
        let told = |path: &Path, error: std::io::Error| {
            SandboxError::Data(format!("{}: {error}", path.display()))
        };
        let log = OpenOptions::new().create(true).append(true).open(&spec.log);
        let log = log.map_err(|error| told(&spec.log, error))?;
        let errors = log.try_clone().map_err(|error| told(&spec.log, error))?;
        let mut command = Command::new(&spec.binary);
        command
            .env_clear()
            .env("_HANDLER", spec.handler)
            .env("AWS_LAMBDA_RUNTIME_API", &self.api)
            .env("AWS_LAMBDA_FUNCTION_NAME", spec.handler)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "sandbox")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", spec.handler)
            .env("AWS_ENDPOINT_URL", &spec.endpoint)
            .env("AWS_ACCESS_KEY_ID", "sandbox")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .env("AWS_REGION", REGION)
            .envs(spec.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors));
        if let Some(certificate) = &spec.certificate {
            command.env("SSL_CERT_FILE", certificate);
        }
        let child = command.spawn().map_err(|error| told(&spec.binary, error))?;
        let mut process = lock(&self.process);
        process.child = Some(child);
        process.asked = false;
        Ok(())
    }

    /// Until the process asks for its first event.
    async fn is_ready(&self) -> Result<(), SandboxError> {
        let until = Instant::now() + STARTS_WITHIN;
        loop {
            {
                let mut process = lock(&self.process);
                if process.asked {
                    return Ok(());
                }
                let ended = process.child.as_mut().map(Child::try_wait);
                if matches!(ended, Some(Ok(Some(_)))) || Instant::now() > until {
                    let last = std::fs::read_to_string(&self.spec.log).unwrap_or_default();
                    let last = last.lines().last().unwrap_or("nothing was logged");
                    return Err(SandboxError::Data(format!(
                        "the function {} does not start: {last}",
                        self.spec.handler
                    )));
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Looks after the process: what it worked on when it ended has failed, and it is started
    /// anew.
    async fn watch(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let failed = {
                let mut process = lock(&self.process);
                let Some(child) = &mut process.child else {
                    return;
                };
                let ended = matches!(child.try_wait(), Ok(Some(_)));
                let late = process
                    .works_on
                    .as_ref()
                    .is_some_and(|(_, since)| since.elapsed() > TIMEOUT);
                if !ended && !late {
                    continue;
                }
                if late && let Some(child) = &mut process.child {
                    let _ = child.kill();
                    let _ = child.wait();
                }
                // One that never asked will not ask the next time.
                if !process.asked && process.works_on.is_none() {
                    return;
                }
                process.works_on.take()
            };
            if let Some((answer, _)) = failed {
                let name = self.spec.handler;
                // Nobody waits any more, where it fails.
                let _ = answer.send(Err(json!({
                    "errorType": "Runtime.ExitError",
                    "errorMessage": format!("{name} ended before it answered"),
                })));
            }
            if self.spawn().is_err() {
                return;
            }
        }
    }
}

async fn next(State(execution): State<Arc<Execution>>) -> Response {
    lock(&execution.process).asked = true;
    let Invocation { event, answer } = execution.queue.next().await;
    let number = {
        let mut process = lock(&execution.process);
        process.number += 1;
        process.works_on = Some((answer, Instant::now()));
        process.number
    };
    let end = SystemTime::now() + TIMEOUT;
    let end = end
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let arn = format!(
        "arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}",
        execution.spec.handler
    );
    let headers = [
        ("lambda-runtime-aws-request-id", format!("{number}")),
        ("lambda-runtime-deadline-ms", end.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
    ];
    let headers = headers.into_iter().filter_map(|(name, value)| {
        let value = HeaderValue::try_from(value).ok()?;
        Some((axum::http::HeaderName::from_static(name), value))
    });
    (headers.collect::<HeaderMap>(), event.to_string()).into_response()
}

async fn answered(
    State(execution): State<Arc<Execution>>,
    Segments((_, outcome)): Segments<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let works_on = lock(&execution.process).works_on.take();
    if let Some((answer, _)) = works_on {
        let _ = answer.send(match outcome.as_str() {
            "response" => Ok(body),
            _ => Err(body),
        });
    }
    StatusCode::ACCEPTED
}
