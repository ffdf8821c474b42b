//! The Lambda function: see `callreel::lambda::recorder`. Holds no logic.

// The clients' futures are nested deeply.
#![recursion_limit = "256"]

/// For whoever starts it by hand.
const ABOUT: &str = "recorder is Callreel's Lambda function: AWS Lambda starts it, with its settings in the environment.\n\
    By hand, `callreel record --aws EVENT.json` does the same; `callreel --help` tells the rest.";

#[tokio::main]
async fn main() -> std::process::ExitCode {
    callreel::lambda::start(ABOUT, callreel::lambda::recorder::run()).await
}
