//! The Lambda function: see `callreel::lambda::voicemail`. Holds no logic.

// The clients' futures are nested deeply.
#![recursion_limit = "256"]

/// For whoever starts it by hand.
const ABOUT: &str = "voicemail is a Lambda function of Callreel's answering machine: AWS Lambda starts it, with its settings in the environment.\n\
    By hand, `callreel record EVENT.json` does the same in a folder; `callreel --help` tells the rest.";

#[tokio::main]
async fn main() -> std::process::ExitCode {
    callreel::lambda::start(ABOUT, callreel::lambda::voicemail::run()).await
}
