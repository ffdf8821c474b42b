//! `callreel sandbox`: AWS on loopback, for people and tests without an account.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::CliError;
use crate::sandbox::{
    CERTIFICATE, CLIENT, Faults, PEOPLE, Play, Pump, PumpSettings, Sandbox, Settings,
};

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.sandbox/1";

/// A fault script that shows all that a rule can have.
const SCRIPT: &str = r#"{"quota": {"fragments_per_second": 500, "connections": 5},
 "rules": [{"on": "ListFragments", "effect": "drop_stop"},
           {"on": "PutObject", "containing": "_verdict", "after": 1,
            "times": 2, "effect": {"delay_ms": 500}}]}"#;
/// Each effect as a script has it, and what it does.
const EFFECTS: [(&str, &str); 16] = [
    (
        r#"{"status": {"code": 503, "error": "SlowDown"}}"#,
        "an error in place of the answer",
    ),
    (
        r#"{"answer": {"code": 200, "body": "<html>"}}"#,
        "somebody else's answer, such as a proxy's page",
    ),
    (r#""reset""#, "the connection is reset; nothing is done"),
    (
        r#"{"cut_after_bytes": 40000}"#,
        "reset within the answer; with 0 it is done, and nobody is told",
    ),
    (
        r#"{"end_after_bytes": 40000}"#,
        "the answer ends early, as if it were whole",
    ),
    (
        r#"{"stall_after_bytes": {"bytes": 40000, "seconds": 9}}"#,
        "the answer stands still for a while",
    ),
    (r#"{"delay_ms": 500}"#, "the answer comes later"),
    (
        r#"{"error_document": {"id": 3000, "code": "FRAGMENT_NOT_FOUND", "at": [0]}}"#,
        "an error in place of some of the fragments asked for",
    ),
    (r#""shuffle""#, "media comes in another order"),
    (
        r#""drop_start""#,
        "the list lacks its first fragment; \"drop_stop\" its last, \"drop_ends\" both",
    ),
    (r#""drop_stop""#, ""),
    (r#""drop_ends""#, ""),
    (
        r#"{"id_token": "wrong_nonce"}"#,
        "on Token, with --oidc: an id token that is wrong (wrong_issuer, wrong_audience, no_nonce, wrong_signature, \
         unknown_key, other_key, expired, not_yet, old, no_algorithm, shared_secret), or by a new_key",
    ),
    (
        r#"{"job_fails": {"reason": "no speech"}}"#,
        "the transcription job fails; with \"job_fails_unheard\" no event tells of it",
    ),
    (r#"{"job_fails_unheard": {"reason": "no speech"}}"#, ""),
    (r#""job_never_ends""#, "the transcription job never ends"),
];

/// How things go wrong on purpose.
fn help() -> String {
    let effects = EFFECTS.iter().filter(|(_, does)| !does.is_empty());
    let effects: String = effects
        .map(|(effect, does)| format!("  {effect}\n      {does}\n"))
        .collect();
    format!(
        "Try it:  callreel synth --out demo && callreel sandbox --streams demo/streams --data sandbox\n\
         Clients need path-style S3 and what is printed. GET /_sandbox/calls tells which calls came; PUT \
         /_sandbox/faults sets what goes wrong, as --faults does.\n\n\
         A fault script:\n\n{SCRIPT}\n\n\
         Quotas always hold. Of the rules, the first that fits a call has its effect: once, or \"times\" times (null: \
         always), on calls of the operation \"on\" whose subject holds \"containing\" (a stream, contact, queue or S3 \
         path), after \"after\" of them were let through. Effects:\n\n{effects}  \"nothing_before_creation\"\n      \
         nothing is listed over a window that begins before the stream was made"
    )
}

#[derive(clap::Args, Debug)]
#[command(after_help = help())]
pub(super) struct SandboxArgs {
    /// A folder with one folder for each KVS stream, of .mkv files
    #[arg(long, value_name = "DIR")]
    streams: PathBuf,
    /// The folder for what is written: buckets, queues, events and contacts.json
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
    /// Speak TLS, by a certificate of its own that the printed SSL_CERT_FILE makes clients trust
    #[arg(long)]
    tls: bool,
    /// Run voicemail's functions, and carry the events between them: contact records that come to
    /// contact-records/ in the data folder become tasks/ and mail/ there, unattended
    #[arg(long)]
    pump: bool,
    /// The folder of the functions' binaries, recorder and voicemail [default: this command's own]
    #[arg(long, value_name = "DIR", requires = "pump")]
    functions: Option<PathBuf>,
    /// A variable of the functions' environment (repeatable)
    #[arg(long = "set", value_name = "NAME=VALUE", requires = "pump", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// How many processes of each function run
    #[arg(long, value_name = "N", default_value_t = 1, requires = "pump")]
    executions: u8,
    /// Play identity provider, too: OpenID Connect, with a few invented people in groups
    #[arg(long)]
    oidc: bool,
    /// Play the streams, as if their calls went on now; SPEED 1 is real time
    #[arg(
        long,
        value_name = "SPEED",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = speed
    )]
    live: Option<f64>,
    /// With --live: the data stream that is told when a call begins and ends, as `callreel monitor` reads it
    #[arg(long, value_name = "NAME", requires = "live")]
    calls_to: Option<String>,
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
        tls: args.tls,
        oidc: args.oidc,
        play: args.live.map(|speed| Play {
            speed,
            calls_to: args.calls_to.clone(),
        }),
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
        let _pump = pump(args, &sandbox).await?;
        let url = sandbox.url();
        let certificate = args.data.join(CERTIFICATE);
        let certificate = std::path::absolute(&certificate).unwrap_or(certificate);
        let certificate = args.tls.then(|| certificate.display().to_string());
        if json {
            writeln!(
                out,
                "{}",
                json!({
                    "schema": SCHEMA, "listening": url, "certificate": certificate,
                    "issuer": args.oidc.then(|| sandbox.issuer()),
                })
            )?;
        } else {
            writeln!(out, "listening on {url}")?;
            writeln!(
                out,
                "export AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox \
                 AWS_REGION=us-east-1{}",
                certificate.map_or(String::new(), |path| format!(" SSL_CERT_FILE={path}"))
            )?;
            if args.oidc {
                writeln!(out, "provider {}, client {CLIENT}; people:", sandbox.issuer())?;
                for (name, full, groups) in PEOPLE {
                    writeln!(out, "  {name}@example.com ({full}), in {}", groups.join(", "))?;
                }
            }
        }
        out.flush()?;
        std::future::pending().await
    })
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text
        .parse()
        .ok()
        .filter(|speed| (0.1..=1_000.0).contains(speed));
    speed.ok_or_else(|| "it must be a number from 0.1 to 1000".to_owned())
}

fn variable(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("it must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Starts what carries events, if it is wanted.
async fn pump(args: &SandboxArgs, sandbox: &Sandbox) -> Result<Option<Pump>, CliError> {
    if !args.pump {
        return Ok(None);
    }
    let own = std::env::current_exe().ok();
    let own = own.and_then(|path| path.parent().map(PathBuf::from));
    let functions = args.functions.clone().or(own).unwrap_or_default();
    for binary in ["recorder", "voicemail"] {
        let path = functions.join(binary);
        if !path.is_file() {
            return Err(CliError::Told(format!(
                "{}: no such binary; build it (cargo build --all-features --bins), or say where it is with --functions",
                path.display()
            )));
        }
    }
    let mut settings = PumpSettings {
        functions,
        executions: usize::from(args.executions),
        ..PumpSettings::default()
    };
    settings.variables.extend(args.variables.iter().cloned());
    let pump = Pump::start(sandbox, settings).await;
    let pump = pump.map_err(|error| CliError::Told(error.to_string()))?;
    Ok(Some(pump))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Effect;

    #[test]
    fn what_the_help_shows_is_a_script() {
        let script: Faults = serde_json::from_str(SCRIPT).unwrap();
        assert_eq!(script.rules.len(), 2);
        let help = help();
        for (effect, _) in EFFECTS {
            let read: Effect = serde_json::from_str(effect).unwrap();
            assert!(effect.contains(read.name()) && help.contains(read.name()));
        }
    }

    /// Serde lists the names that it knows.
    #[test]
    fn the_help_shows_every_effect() {
        let error = serde_json::from_str::<Effect>("\"nothing\"").unwrap_err();
        let error = error.to_string();
        let names = error.split("expected one of ").nth(1).unwrap();
        let names: Vec<_> = names.split('`').skip(1).step_by(2).collect();
        assert!(names.len() > 10, "{error}");
        for name in names {
            assert!(help().contains(&format!("\"{name}\"")), "{name}");
        }
    }
}
