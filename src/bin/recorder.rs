//! The Lambda function: see `callreel::lambda`. Holds no logic.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    callreel::lambda::run().await
}
