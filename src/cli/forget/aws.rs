//! `callreel forget --aws`: the bucket, and the copies of the contact's records that wait in
//! queues or lie among the batches that Lambda gave up on.

use std::collections::HashSet;
use std::time::Duration;

use super::{ForgetArgs, Told, one};
use crate::aws::{self, ParkingQueue, S3Recordings, s3};
use crate::cli::CliError;
use crate::cli::aws::{Account, runtime};
use crate::cli::redrive::{parse_bucket, parse_queue};
use crate::connect::record::read_contact_records;
use crate::event::batch::{BatchRecord, read_event_value};
use crate::failure::Failure;
use crate::port::KeyListing;
use crate::recording::redrive::read_failed_batch;
use serde_json::json;

/// Messages are hidden from other receivers for so long while it is looked whose they are.
const HIDDEN: Duration = Duration::from_secs(60);
/// The largest batch that is read.
const MAX_BATCH_BYTES: usize = 16 << 20;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "AWS")]
pub(in crate::cli) struct ForgetAwsArgs {
    /// Delete from the bucket of the function's settings, every version
    #[arg(long, conflicts_with_all = ["out", "key_prefix"])]
    pub aws: bool,
    /// Delete the contact's messages from this queue, by its URL: the parking queue, its dead-letter queue (repeatable)
    #[arg(long = "queue", value_name = "URL", value_parser = parse_queue, requires = "aws")]
    queues: Vec<String>,
    /// Name the contact's batches that Lambda gave up on: s3://BUCKET or s3://BUCKET/PREFIX
    #[arg(long, value_name = "S3URL", value_parser = parse_bucket, requires = "aws")]
    failure_bucket: Option<(String, String)>,
    #[command(flatten)]
    account: Account,
}

pub(super) fn forget_all(
    args: &ForgetArgs,
    errors: &mut Vec<String>,
) -> Result<Vec<Told>, CliError> {
    let config = args.aws.account.config()?;
    runtime()?.block_on(async {
        let shared = aws::load(args.aws.account.access(&config)).await;
        let store = S3Recordings::new(&shared, s3::Bucket::from(&config));
        let mut told = Vec::new();
        for contact in &args.contacts {
            match one(args, &store, &config.key_prefix, contact).await {
                Ok(one) => told.push(one),
                Err(failure) => errors.push(format!("contact {contact}: {failure}")),
            }
        }
        for url in &args.aws.queues {
            let queue = ParkingQueue::new(&shared, url);
            if let Err(failure) = in_queue(args, &queue, url, &mut told).await {
                errors.push(failure.to_string());
            }
        }
        if let Some((bucket, prefix)) = &args.aws.failure_bucket {
            let store = S3Recordings::new(&shared, s3::Bucket::to_read(bucket));
            if let Err(failure) = in_batches(&store, bucket, prefix, &mut told, errors).await {
                errors.push(failure.to_string());
            }
        }
        Ok(told)
    })
}

/// Looks through a queue once. A message that holds others' records, too, stays: the mark
/// keeps it from bringing anything back.
async fn in_queue(
    args: &ForgetArgs,
    queue: &ParkingQueue,
    url: &str,
    told: &mut [Told],
) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    let mut others = Vec::new();
    loop {
        let messages = queue.receive(HIDDEN).await?;
        if !messages.iter().any(|message| !seen.contains(&message.id)) {
            break;
        }
        for message in messages {
            if !seen.insert(message.id.clone()) {
                continue;
            }
            let event = json!({"Records": [{
                "eventSource": "aws:sqs", "messageId": message.id, "body": message.body,
            }]});
            let records = read_event_value(&event).map(|(_, records)| records);
            let records = records.unwrap_or_default();
            let of = told.iter_mut().find_map(|one| {
                let whose = whose(&records, &one.found.contacts);
                (whose != Whose::Others).then_some((one, whose))
            });
            let Some((one, whose)) = of else {
                others.push(message);
                continue;
            };
            let what = match (whose, args.yes) {
                (Whose::Alone, true) => {
                    queue.delete(&message).await?;
                    "deleted"
                }
                (Whose::Alone, false) => "would be deleted",
                (Whose::Among | Whose::Others, _) => "holds others' records, too, and stays",
            };
            one.copies
                .push(format!("message {} of {url}: {what}", message.id));
            if whose != Whose::Alone || !args.yes {
                others.push(message);
            }
        }
    }
    // What is others' goes back at once.
    for message in others {
        queue.hide(&message, Duration::ZERO).await?;
    }
    Ok(())
}

async fn in_batches(
    store: &S3Recordings,
    bucket: &str,
    prefix: &str,
    told: &mut [Told],
    errors: &mut Vec<String>,
) -> Result<(), Failure> {
    for object in store.list(prefix).await? {
        let key = object.key;
        let batch = store.read(&key, MAX_BATCH_BYTES).await?.unwrap_or_default();
        let records = match read_failed_batch(&batch) {
            Ok(records) => records,
            Err(error) => {
                errors.push(format!("s3://{bucket}/{key}: {error}; look at the object"));
                continue;
            }
        };
        for one in told.iter_mut() {
            let others = match whose(&records, &one.found.contacts) {
                Whose::Others => continue,
                Whose::Alone => "holds nobody else's records: delete it",
                Whose::Among => "holds others' records, too: redrive it, then delete it",
            };
            one.copies.push(format!("s3://{bucket}/{key}: {others}"));
        }
    }
    Ok(())
}

/// Whose contact records there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// These contacts' alone.
    Alone,
    /// These contacts' among others', or among what cannot be read.
    Among,
    /// None of these contacts'.
    Others,
}

fn whose(records: &[BatchRecord], contacts: &[String]) -> Whose {
    let (mut theirs, mut others) = (false, false);
    for record in records {
        let Ok(data) = &record.data else {
            others = true;
            continue;
        };
        for read in read_contact_records(data) {
            let is_theirs = read.is_ok_and(|record| {
                let legs = [Some(&record.contact), record.initial_contact.as_ref()];
                let mut legs = legs.into_iter().flatten();
                legs.any(|leg| contacts.iter().any(|contact| **contact == **leg))
            });
            theirs |= is_theirs;
            others |= !is_theirs;
        }
    }
    match (theirs, others) {
        (true, false) => Whose::Alone,
        (true, true) => Whose::Among,
        (false, _) => Whose::Others,
    }
}
