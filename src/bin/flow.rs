//! The Lambda function: see `callreel::lambda::flow`. Holds no logic.

// The clients' futures are nested deeply.
#![recursion_limit = "256"]

/// For whoever starts it by hand.
const ABOUT: &str = "flow is the Lambda functions that contact flows call: AWS Lambda starts it, with its settings in the environment.\n\
    By hand, `callreel note EVENT.json` does in a folder what its handler note does; `callreel --help` tells the rest.";

#[tokio::main]
async fn main() -> std::process::ExitCode {
    callreel::lambda::start(ABOUT, callreel::lambda::flow::run()).await
}
