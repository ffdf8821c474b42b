//! The Lambda function: see `callreel::lambda`. Holds no logic.

// The clients' futures are nested deeply.
#![recursion_limit = "256"]

#[tokio::main]
async fn main() -> std::process::ExitCode {
    callreel::lambda::run().await
}
