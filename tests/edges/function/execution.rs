//! One process of the built function, and the Runtime API that it asks for events.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use super::{BUCKET, DOMAIN};

/// How long a test waits before it says that the function hangs.
const PATIENCE: Duration = Duration::from_secs(600);
/// The time of an invocation in which nobody is to run out of it, as the template gives it.
pub const LONG: Duration = Duration::from_secs(900);

/// A process of the function. It is killed when it is dropped.
pub struct Execution {
    events: mpsc::Sender<(Value, Duration)>,
    answers: mpsc::Receiver<(bool, Value)>,
    process: Child,
}

impl Execution {
    /// Starts it over a sandbox, with these settings beside those that every one has; its
    /// standard output is written behind what the file `log` holds.
    pub async fn start(
        sandbox: &str,
        settings: &[(String, String)],
        log: &std::path::Path,
    ) -> Self {
        Self::of(env!("CARGO_BIN_EXE_recorder"), sandbox, settings, log).await
    }

    /// The same of any of the functions' binaries.
    pub async fn of(
        binary: &str,
        sandbox: &str,
        settings: &[(String, String)],
        log: &std::path::Path,
    ) -> Self {
        let (events, received) = mpsc::channel(8);
        let (sent, answers) = mpsc::channel(8);
        let runtime = Arc::new(Runtime {
            events: Mutex::new(received),
            answers: sent,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/{outcome}",
                post(answered),
            )
            .with_state(runtime);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let runtime_api = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let process = start(binary, &runtime_api, sandbox, settings, log);
        Self {
            events,
            answers,
            process,
        }
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// An event, for an invocation with so much time.
    pub async fn send(&self, event: Value, time: Duration) {
        self.events.send((event, time)).await.unwrap();
    }

    /// Whether the next invocation succeeded, and what it says.
    pub async fn answer(&mut self) -> (bool, Value) {
        tokio::time::timeout(PATIENCE, self.answers.recv())
            .await
            .expect("the function hangs")
            .unwrap()
    }

    /// The ids that an invocation hands back.
    pub async fn invoke(&mut self, event: Value) -> Vec<String> {
        self.send(event, LONG).await;
        let (succeeded, answer) = self.answer().await;
        assert!(succeeded, "{answer}");
        let failures = answer["batchItemFailures"].as_array().unwrap();
        failures
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A Runtime API for one function: events in, answers out.
struct Runtime {
    events: Mutex<mpsc::Receiver<(Value, Duration)>>,
    answers: mpsc::Sender<(bool, Value)>,
}

async fn next(State(runtime): State<Arc<Runtime>>) -> impl IntoResponse {
    let Some((event, time)) = runtime.events.lock().await.recv().await else {
        std::future::pending::<()>().await;
        unreachable!("nobody asks again");
    };
    let end = SystemTime::now() + time;
    let end = end
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let mut headers = HeaderMap::new();
    headers.insert("lambda-runtime-aws-request-id", "1".parse().unwrap());
    headers.insert(
        "lambda-runtime-deadline-ms",
        end.to_string().parse().unwrap(),
    );
    headers.insert(
        "lambda-runtime-invoked-function-arn",
        "arn:aws:lambda:us-east-1:111122223333:function:recorder"
            .parse()
            .unwrap(),
    );
    (headers, event.to_string())
}

async fn answered(
    State(runtime): State<Arc<Runtime>>,
    Path((_, outcome)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    runtime
        .answers
        .send((outcome == "response", body))
        .await
        .unwrap();
    StatusCode::ACCEPTED
}

fn start(
    binary: &str,
    runtime_api: &str,
    sandbox: &str,
    settings: &[(String, String)],
    log: &std::path::Path,
) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(log);
    Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "recorder")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "g")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "s")
        .env("AWS_ENDPOINT_URL", sandbox)
        .env("AWS_ACCESS_KEY_ID", "sandbox")
        .env("AWS_SECRET_ACCESS_KEY", "sandbox")
        .env("AWS_REGION", "us-east-1")
        .env("RECORDINGS_BUCKET_NAME", BUCKET)
        .env("CLOUDFRONT_DOMAIN", DOMAIN)
        .envs(settings.iter().cloned())
        .stdout(Stdio::from(log.unwrap()))
        .spawn()
        .unwrap()
}
