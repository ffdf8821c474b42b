//! `callreel redrive`: recordings without a complete verdict, found wherever they are, and
//! recorded again, the one whose media expires first before all others. `docs/redrive.md`
//! tells which way of looking fits which trouble.

mod gather;
mod indexes;
mod show;
mod voicemail;

use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::account::{Account, runtime};
use super::reader::Reader;
use super::values::{parse_contact, parse_time};
use super::worked::error_line;
use super::{CliError, count_bar, ended, tell_error, tell_warning};
use crate::aws::queue::Message;
use crate::aws::{self, ConnectContacts, ContactSearch, KvsSource, ParkingQueue, S3Recordings, s3};
use crate::clock;
use crate::event::batch::Origin;
use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::port::NoDeadline;
use crate::recorder::{Recorder, Worked};
use crate::recording::plan::Urls;
use crate::recording::redrive::{self, Period, Planned, merge};
use crate::redrive_run::{self, LOOKS_AT_ONCE};
use crate::settings;
use crate::settings::recorder::Config;
use crate::wiring;
use gather::{Gathered, Gatherer, Left};
use show::{ConsentNow, Report};

/// Messages are hidden from other receivers for so long while their records are worked on …
const HIDDEN: Duration = Duration::from_secs(600);
/// … and for so long again before that ends.
const HIDE_AGAIN: Duration = Duration::from_secs(240);
/// What a dry run received comes back to the queue by itself after this time.
const HIDDEN_IN_DRY_RUN: Duration = Duration::from_secs(60);

#[derive(clap::Args, Debug)]
#[command(
    group = clap::ArgGroup::new("where").required(true).multiple(true)
        .args(["since", "contacts", "queue", "failure_bucket", "voicemail"]),
    after_help = "Where it looks: at the verdicts in the bucket (with --since or --contact), in the queue (--queue), at \
    the batches that Lambda gave up on (--failure-bucket), and with --instance at what Connect itself knows of the \
    contacts. Contacts and times narrow all of it. Settings are the function's: RECORDINGS_BUCKET_NAME, \
    CLOUDFRONT_DOMAIN and the rest.\n\n\
    Safe to repeat: what is complete is left alone, and a partial recording is replaced only by one that holds more.\n\n\
    Start here:  callreel redrive --since 2026-11-20 --dry-run"
)]
pub(super) struct RedriveArgs {
    /// Recordings that began at this time or later: 2026-11-20 or 2026-11-20T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<EpochMillis>,
    /// … and before this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "since")]
    until: Option<EpochMillis>,
    /// Recordings of this contact (repeatable)
    #[arg(long = "contact", value_name = "ID", value_parser = parse_contact)]
    contacts: Vec<String>,
    /// The Connect instance, to look for contacts whose record is lost: --contact's, or all of the time range
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// The parking queue or its dead-letter queue, by its URL
    #[arg(long, value_name = "URL", value_parser = parse_queue)]
    queue: Option<String>,
    /// Where Lambda keeps the batches that it gave up on: s3://BUCKET or s3://BUCKET/PREFIX
    #[arg(long, value_name = "S3URL", value_parser = parse_bucket)]
    failure_bucket: Option<(String, String)>,
    /// Voicemails that were not delivered, in place of recordings: of the last three days, or --since, or of --contact
    #[arg(long, conflicts_with_all = ["until", "instance", "queue", "failure_bucket", "at_once"])]
    voicemail: bool,
    /// Print what would be done, and do nothing (messages of the queue are hidden for a minute)
    #[arg(long)]
    dry_run: bool,
    /// Recordings worked on side by side, 1 to 64 [default: BATCH_CONCURRENCY, else 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    at_once: Option<u8>,
    #[command(flatten)]
    account: Account,
}

pub(super) fn parse_queue(text: &str) -> Result<String, String> {
    settings::web_url(
        text,
        "the queue's URL, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
    )
}

pub(super) fn parse_bucket(text: &str) -> Result<(String, String), String> {
    let path = text.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    match bucket {
        "" => Err("a bucket as s3://BUCKET or s3://BUCKET/PREFIX".to_owned()),
        _ => Ok((bucket.to_owned(), prefix.to_owned())),
    }
}

pub(super) fn run(args: &RedriveArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let now = clock::now();
    if args.voicemail {
        return voicemail::run(args, out, json, now);
    }
    let period = period(args, now)?;
    let config = args.account.config()?;
    let report = runtime()?.block_on(redrive(args, &config, period, now))?;
    let written = match json {
        true => report.write_json(out),
        false => report.write_text(out),
    };
    report.errors.iter().for_each(|error| tell_error(error));
    ended(report.errors.len(), written)
}

fn period(args: &RedriveArgs, now: EpochMillis) -> Result<Option<Period>, CliError> {
    let Some(since) = args.since else {
        return Ok(None);
    };
    let until = args.until.unwrap_or(now);
    let told = |message: &str| Err(CliError::Usage(message.to_owned()));
    if since >= now {
        return told("--since lies in the future; give a time that is over");
    }
    if since >= until {
        return told("--since is not before --until; give a range of time");
    }
    if until.0 - since.0 > redrive::MAX_DAYS * 24 * 3_600_000 {
        return told(
            "from --since to --until it is more than 800 days, and Connect keeps contacts for 24 months; give a narrower range",
        );
    }
    Ok(Some(Period { since, until }))
}

type Recorders = Recorder<KvsSource, S3Recordings, ConnectContacts>;

async fn redrive(
    args: &RedriveArgs,
    config: &Config,
    period: Option<Period>,
    now: EpochMillis,
) -> Result<Report, CliError> {
    let shared = aws::load(args.account.access(config)).await;
    let ports = wiring::connect(config, &shared).ports;
    let recorder = Recorder::new(ports, config.policy(), config.reading()).reading_again();
    let failures = args.failure_bucket.as_ref().map(|(bucket, prefix)| {
        let store = S3Recordings::new(&shared, s3::Bucket::to_read(bucket));
        (store, bucket.as_str(), prefix.as_str())
    });
    let queue = args
        .queue
        .as_ref()
        .map(|url| ParkingQueue::new(&shared, url));
    let gatherer = Gatherer {
        recorder: &recorder,
        search: ContactSearch::new(&shared),
        instance: args.instance.as_deref(),
        queue: queue.as_ref(),
        hidden: if args.dry_run {
            HIDDEN_IN_DRY_RUN
        } else {
            HIDDEN
        },
        failures,
        contacts: &args.contacts,
        period,
    };
    let mut found = gatherer.gather().await?;
    if args.dry_run {
        let planned = plan(&recorder, &mut found, now).await;
        let consents = consents(&recorder, &planned).await;
        return Ok(Report::new(now, &found, &planned, Some(consents)));
    }
    let held: Vec<_> = found.messages().cloned().collect();
    let at_once = args.at_once.map_or(config.batch_concurrency, usize::from);
    let work = async {
        let planned = plan(&recorder, &mut found, now).await;
        let report = Report::new(now, &found, &planned, None);
        (report, work(&recorder, planned, at_once).await)
    };
    let (mut report, worked) = match &queue {
        None => work.await,
        Some(queue) => tokio::select! {
            worked = work => worked,
            never = keep_hidden(queue, &held) => match never {},
        },
    };
    recorder.store.aborts_ended().await;
    let store = S3Recordings::new(&shared, wiring::bucket(config));
    let verdicts = worked
        .iter()
        .map(|(planned, _)| planned.candidate.plan.keys.verdict());
    let late = indexes::bring_up_to_date(store, &config.key_prefix, verdicts).await;
    late.iter().for_each(|told| tell_warning(told));
    for (_, part) in &worked {
        report
            .errors
            .extend(error_line(Reader::Aws, Origin::Sqs, part));
    }
    if let Some(queue) = &queue {
        let settled = settle(queue, &found, &worked, &mut report.errors).await;
        report.messages = Some(settled);
    }
    report.results = Some(worked.into_iter().map(|(_, part)| part).collect());
    Ok(report)
}

/// What is to be done with what was found, in the order of work.
async fn plan(recorder: &Recorders, found: &mut Gathered, now: EpochMillis) -> Vec<Vec<Planned>> {
    let candidates = merge(std::mem::take(&mut found.candidates));
    let bar = count_bar("looking");
    bar.set_length(candidates.len() as u64);
    let looked = stream::iter(candidates).map(|candidate| async {
        let looked = redrive_run::look(recorder, candidate).await;
        bar.inc(1);
        looked
    });
    let looked: Vec<_> = looked.buffered(LOOKS_AT_ONCE).collect().await;
    bar.finish_and_clear();
    let mut open = Vec::new();
    for looked in looked {
        found.errors.extend(looked.failure.map(|failure| {
            format!(
                "contact {}: {}",
                looked.candidate.plan.id.contact,
                Reader::Aws.told(&failure)
            )
        }));
        match looked.step {
            Ok(step) => {
                let mut candidate = looked.candidate;
                // What is to be done is decided: whatever the record's attributes say.
                candidate.plan.urls = Urls::Lacking;
                open.push((candidate, step));
            }
            Err(done) => found.left.push(Left {
                contact: looked.candidate.plan.id.contact.to_string(),
                recording: Some(looked.candidate.plan.id.start.to_string()),
                reason: done.name().to_owned(),
                found: looked.candidate.found,
            }),
        }
    }
    let kept = async |stream: &str| {
        let asked = recorder.source.retention(stream).await;
        let unknown = |failure: &Failure| {
            tell_warning(&format!("how long it keeps media is not known: {failure}"));
        };
        asked.inspect_err(unknown).ok()
    };
    redrive_run::in_order(open, now, kept).await
}

/// What is allowed of each recording now, in the order of work. A run asks before it reads
/// media; a dry run asks for what it tells.
async fn consents(recorder: &Recorders, calls: &[Vec<Planned>]) -> Vec<ConsentNow> {
    let plans: Vec<_> = calls
        .iter()
        .flatten()
        .map(|planned| &planned.candidate.plan)
        .collect();
    let bar = count_bar("consent");
    bar.set_length(plans.len() as u64);
    let asked = stream::iter(plans).map(|plan| async {
        let asked = recorder.consent_now(plan).await;
        bar.inc(1);
        asked
    });
    let asked = asked.buffered(LOOKS_AT_ONCE).collect().await;
    bar.finish_and_clear();
    asked
}

/// Works calls side by side; what became of each recording, in the order of the plan.
async fn work(
    recorder: &Recorders,
    calls: Vec<Vec<Planned>>,
    at_once: usize,
) -> Vec<(Planned, Worked)> {
    let bar = count_bar("recordings");
    bar.set_length(calls.iter().map(|call| call.len() as u64).sum());
    bar.tick();
    let told = |_: &_, _: &_| bar.inc(1);
    let worked = redrive_run::work(recorder, calls, at_once, &NoDeadline, told).await;
    bar.finish_and_clear();
    worked
}

/// Keeps received messages from coming to anybody else while they are worked on.
async fn keep_hidden(queue: &ParkingQueue, messages: &[Message]) -> Infallible {
    loop {
        tokio::time::sleep(HIDE_AGAIN).await;
        for message in messages {
            if let Err(failure) = queue.hide(message, HIDDEN).await {
                tell_warning(&format!(
                    "message {} can come to another receiver before it is done: {failure}",
                    message.id
                ));
            }
        }
    }
}

/// What became of the messages.
#[derive(Clone, Copy, Debug, Default)]
struct Messages {
    deleted: usize,
    left: usize,
}

/// Deletes the messages of which nothing is left to do, and gives the others back.
async fn settle(
    queue: &ParkingQueue,
    found: &Gathered,
    worked: &[(Planned, Worked)],
    errors: &mut Vec<String>,
) -> Messages {
    let mut messages = Messages::default();
    for (at, source) in found.sources.iter().enumerate() {
        let Some(message) = &source.message else {
            continue;
        };
        let mut parts = worked
            .iter()
            .filter(|(planned, _)| planned.candidate.found.contains(&at));
        let done = !source.unsettled && parts.all(|(_, part)| part.action().is_none());
        let settled = match done {
            true => queue.delete(message).await,
            false => queue.hide(message, Duration::ZERO).await,
        };
        match done {
            true if settled.is_ok() => messages.deleted += 1,
            true | false => messages.left += 1,
        }
        errors.extend(
            settled
                .err()
                .map(|failure| format!("message {}: {}", message.id, Reader::Aws.told(&failure))),
        );
    }
    messages
}
