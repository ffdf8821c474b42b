//! The Lambda function: see `callreel::lambda::archive`. Holds no logic.

// The clients' futures are nested deeply.
#![recursion_limit = "256"]

/// For whoever starts it by hand.
const ABOUT: &str = "archive is a Lambda function of Callreel, the pages of the archive behind a login: AWS Lambda starts it, with its settings in the environment.\n\
    By hand, `callreel archive DIR` shows the same pages of a folder; `callreel --help` tells the rest.";

#[tokio::main]
async fn main() -> std::process::ExitCode {
    callreel::lambda::start(ABOUT, callreel::lambda::archive::run()).await
}
