//! `callreel redrive --voicemail`: messages that were not delivered, worked as the function
//! `reconcile-voicemail` works them, but at once, and those that it gave up as well.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::RedriveArgs;
use crate::aws;
use crate::cli::account::runtime;
use crate::cli::{CliError, ended, tell_error, tell_warning};
use crate::deliver::{Acting, Asked, Delivered, Told};
use crate::lock::lock;
use crate::media::ticks::EpochMillis;
use crate::port::NoDeadline;
use crate::recording::redrive::MAX_DAYS;
use crate::wiring::voicemail::deliveries;

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.redrive-voicemail/1";
/// How far back it looks unless it is said.
const LOOKS_BACK: Duration = Duration::from_secs(3 * 86_400);

pub(super) fn run(
    args: &RedriveArgs,
    out: &mut dyn Write,
    json: bool,
    now: EpochMillis,
) -> Result<(), CliError> {
    let looks_back = i64::try_from(LOOKS_BACK.as_millis()).unwrap_or(i64::MAX);
    let since = args.since.unwrap_or(EpochMillis(now.0 - looks_back));
    if since >= now || now.0 - since.0 > MAX_DAYS * 86_400_000 {
        let told = "--since must lie in the past, at most 800 days ago";
        return Err(CliError::Usage(told.to_owned()));
    }
    let config = args.account.voicemail()?;
    let asked = Asked::ByHand {
        since,
        contacts: args.contacts.clone(),
        acting: match args.dry_run {
            true => Acting::Tells,
            false => Acting::Does,
        },
    };
    let messages = Mutex::new(Vec::new());
    let errors = Mutex::new(Vec::new());
    let run = runtime()?.block_on(async {
        let shared = aws::load(args.account.voicemail_access(&config)).await;
        let told = |told: Told<'_>| match told {
            Told::Worked(place, step) => {
                let contact = place.contact().to_owned();
                lock(&messages).push((contact, step.to_string()));
            }
            Told::Delivered(Delivered::Ignored) => {}
            Told::Delivered(
                Delivered::Before {
                    contact, oddities, ..
                }
                | Delivered::Now {
                    contact, oddities, ..
                },
            ) => {
                for cause in oddities {
                    tell_warning(&format!("contact {contact}: {cause}"));
                }
            }
            Told::Failed(_, not_done) => {
                lock(&errors).push(format!("{not_done}; {}", not_done.failure.cure()));
            }
            Told::GivenUp(place, cause) => {
                lock(&errors).push(format!("contact {}: given up: {cause}", place.contact()));
            }
        };
        let step = deliveries(&config, &shared);
        step.look_through(&asked, &NoDeadline, told).await
    });
    let run = run.map_err(|failure| CliError::Told(failure.to_string()))?;
    let messages = std::mem::take(&mut *lock(&messages));
    let errors = std::mem::take(&mut *lock(&errors));
    if json {
        let rows = messages.iter();
        let rows: Vec<Value> = rows
            .map(|(contact, done)| json!({"contact": contact, "done": done}))
            .collect();
        let document = json!({
            "schema": SCHEMA, "dry_run": args.dry_run, "looked_at": run.messages,
            "messages": rows, "errors": errors,
        });
        writeln!(out, "{document}")?;
    } else {
        for (contact, done) in &messages {
            match args.dry_run {
                true => writeln!(out, "{contact}: would be worked: {done}")?,
                false => writeln!(out, "{contact}: {done}")?,
            }
        }
        writeln!(
            out,
            "looked at {} messages; {} of them {}",
            run.messages,
            messages.len(),
            if args.dry_run {
                "stand still"
            } else {
                "moved on"
            },
        )?;
    }
    errors.iter().for_each(|error| tell_error(error));
    ended(errors.len(), Ok(()))
}
