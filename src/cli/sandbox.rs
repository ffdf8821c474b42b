//! `callreel sandbox`: AWS on loopback, for people and tests without an account.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::CliError;
use crate::sandbox::{Faults, Sandbox, Settings};

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Try it:  callreel synth --out demo && callreel sandbox --streams demo/streams --data sandbox\n\
    Clients need path-style S3 and what is printed. GET /_sandbox/calls tells which calls came; PUT /_sandbox/faults \
    sets what goes wrong, as --faults does."
)]
pub(super) struct SandboxArgs {
    /// A folder with one folder for each KVS stream, of .mkv files
    #[arg(long, value_name = "DIR")]
    streams: PathBuf,
    /// The folder for what is written: buckets, queues and contacts.json
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The port on 127.0.0.1; 0 for any
    #[arg(long, value_name = "P", default_value_t = 0)]
    port: u16,
    /// A bucket that there is (repeatable) [default: any that is named]
    #[arg(long = "bucket", value_name = "NAME")]
    buckets: Vec<String>,
    /// The account that the buckets belong to: a call that expects another one is refused
    #[arg(long, value_name = "ACCOUNT")]
    bucket_owner: Option<String>,
    /// Keep what is overwritten or deleted in buckets as older versions
    #[arg(long)]
    versioned: bool,
    /// What goes wrong on purpose, as JSON: {"quota": {...}, "rules": [...]}
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
}

/// Answers until the process is ended; all that is written is whole at any moment.
pub(super) fn run(args: &SandboxArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let settings = Settings {
        streams: args.streams.clone(),
        data: args.data.clone(),
        port: args.port,
        buckets: args.buckets.clone(),
        faults: faults(args)?,
        bucket_owner: args.bucket_owner.clone(),
        versioned: args.versioned,
    };
    if !args.streams.is_dir() {
        return Err(CliError::Told(format!(
            "{}: no such folder; make a stream with `callreel synth`, or give another folder with --streams",
            args.streams.display()
        )));
    }
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| CliError::Told(format!("no runtime: {error}; try again")))?;
    runtime.block_on(async {
        let sandbox = Sandbox::start(settings)
            .await
            .map_err(|error| CliError::Told(error.to_string()))?;
        let url = sandbox.url();
        if json {
            writeln!(out, "{}", json!({ "listening": url }))?;
        } else {
            writeln!(out, "listening on {url}")?;
            writeln!(
                out,
                "export AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox \
                 AWS_REGION=us-east-1"
            )?;
        }
        out.flush()?;
        std::future::pending().await
    })
}

fn faults(args: &SandboxArgs) -> Result<Faults, CliError> {
    let Some(path) = &args.faults else {
        return Ok(Faults::default());
    };
    let told = |error: &dyn std::fmt::Display| {
        CliError::Told(format!(
            "{}: {error}; give a fault script, e.g. {{\"rules\": [{{\"on\": \"ListFragments\", \"effect\": \
             \"reset\"}}]}}",
            path.display()
        ))
    };
    let script = std::fs::read(path).map_err(|error| told(&error))?;
    serde_json::from_slice(&script).map_err(|error| told(&error))
}
