//! `callreel forget --aws`: the bucket, and the copies of the contact's records that wait in
//! queues or lie among the batches that Lambda gave up on.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;

use super::{ForgetArgs, Told, one};
use crate::aws::queue::Message;
use crate::aws::{self, ParkingQueue, S3Recordings, s3};
use crate::cli::account::{Account, runtime};
use crate::cli::redrive::{parse_bucket, parse_queue};
use crate::cli::{CliError, tell_warning};
use crate::connect::record::read_contact_records;
use crate::event::batch::{BatchRecord, read_event_value};
use crate::failure::Failure;
use crate::port::{Erasing, Objects};
use crate::recording::redrive::read_failed_batch;
use crate::redrive_run::LOOKS_AT_ONCE;
use crate::wiring;

/// Messages are hidden from other receivers for so long while it is looked whose they are.
const HIDDEN: Duration = Duration::from_secs(60);
/// Messages of a queue that are looked at; SQS hides 120,000 at once.
const MAX_MESSAGES: usize = 10_000;
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
    /// Delete the contact's batches that Lambda gave up on: s3://BUCKET or s3://BUCKET/PREFIX
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
        let store = S3Recordings::new(&shared, wiring::bucket(&config));
        let mut told = Vec::new();
        for contact in &args.contacts {
            match one(args, &store, &config.key_prefix, contact).await {
                Ok(one) => told.push(one),
                Err(failure) => errors.push(format!("contact {contact}: {failure}")),
            }
        }
        for url in &args.aws.queues {
            let queue = ParkingQueue::new(&shared, url);
            in_queue(args, &queue, url, &mut told, errors).await;
        }
        if let Some((bucket, prefix)) = &args.aws.failure_bucket {
            let store = S3Recordings::new(&shared, s3::Bucket::to_read(bucket));
            in_batches(args, &store, (bucket, prefix), &mut told, errors).await;
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
    errors: &mut Vec<String>,
) {
    let mut seen = HashSet::new();
    let mut staying = Vec::new();
    loop {
        let messages = match queue.receive(HIDDEN).await {
            Ok(messages) => messages,
            Err(failure) => {
                errors.push(failure.to_string());
                break;
            }
        };
        // A message that comes again has been hidden for long enough: all were seen.
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
            let (whose, of) = whose(&records.unwrap_or_default(), told);
            let what = match (whose, args.yes) {
                (Whose::Others, _) => None,
                (Whose::Among, _) => Some("holds others' records, too, and stays"),
                (Whose::Alone, false) => Some("would be deleted"),
                (Whose::Alone, true) => match queue.delete(&message).await {
                    Ok(()) => Some("deleted"),
                    Err(failure) => {
                        errors.push(format!("message {}: {failure}", message.id));
                        Some("stays")
                    }
                },
            };
            if let Some(what) = what {
                tell(
                    told,
                    &of,
                    &format!("message {} of {url}: {what}", message.id),
                );
            }
            if what != Some("deleted") {
                let body = String::new();
                staying.push(Message { body, ..message });
            }
        }
        if seen.len() >= MAX_MESSAGES {
            errors.push(format!(
                "{url}: more than {MAX_MESSAGES} messages, and what is behind them was not looked at; \
                 run this again when fewer wait (the mark keeps them from bringing anything back)"
            ));
            break;
        }
    }
    for message in staying {
        if let Err(failure) = queue.hide(&message, Duration::ZERO).await {
            tell_warning(&format!(
                "message {} comes back to the queue after a minute only: {failure}",
                message.id
            ));
        }
    }
}

/// Looks through the batches that Lambda gave up on. One that holds others' records, too,
/// stays: they are recorded from it.
async fn in_batches(
    args: &ForgetArgs,
    store: &S3Recordings,
    (bucket, prefix): (&str, &str),
    told: &mut [Told],
    errors: &mut Vec<String>,
) {
    let listed = match store.list(prefix).await {
        Ok(listed) => listed,
        Err(failure) => return errors.push(failure.to_string()),
    };
    let mut read = stream::iter(listed)
        .map(|object| async {
            let batch = store.read_at_most(&object.key, MAX_BATCH_BYTES).await;
            (object.key, batch)
        })
        .buffered(LOOKS_AT_ONCE);
    while let Some((key, batch)) = read.next().await {
        let url = format!("s3://{bucket}/{key}");
        let records = match batch {
            Ok(None) => continue,
            Ok(Some(batch)) => read_failed_batch(&batch)
                .map_err(|error| format!("{url}: {error}; look at the object")),
            Err(failure) => Err(failure.to_string()),
        };
        let records = match records {
            Ok(records) => records,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let (whose, of) = whose(&records, told);
        let what = match (whose, args.yes) {
            (Whose::Others, _) => continue,
            (Whose::Among, _) => {
                "holds others' records, too, and stays: redrive it, then delete it"
            }
            (Whose::Alone, false) => "would be deleted",
            (Whose::Alone, true) => match erase(store, &key).await {
                Ok(()) => "deleted",
                Err(failure) => {
                    errors.push(failure.to_string());
                    "stays"
                }
            },
        };
        tell(told, &of, &format!("{url}: {what}"));
    }
}

/// Deletes an object with all its versions.
async fn erase(store: &S3Recordings, key: &str) -> Result<(), Failure> {
    for object in store.list_all(key).await? {
        if object.key == key {
            store.erase(&object).await?;
        }
    }
    Ok(())
}

fn tell(told: &mut [Told], of: &[usize], what: &str) {
    for at in of {
        if let Some(one) = told.get_mut(*at) {
            one.copies.push(what.to_owned());
        }
    }
}

/// Whose contact records there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Those that are to be forgotten, alone.
    Alone,
    /// These among others, or among what cannot be read.
    Among,
    /// None of these.
    Others,
}

/// Whose records these are, and which of the contacts' they are.
fn whose(records: &[BatchRecord], told: &[Told]) -> (Whose, Vec<usize>) {
    let mut of = BTreeSet::new();
    let mut others = false;
    for record in records {
        let Ok(data) = &record.data else {
            others = true;
            continue;
        };
        for read in read_contact_records(data) {
            let of_record = read.ok().and_then(|record| {
                let legs = [Some(&record.contact), record.initial_contact.as_ref()];
                told.iter().position(|one| {
                    let mut legs = legs.into_iter().flatten();
                    legs.any(|leg| one.found.contacts.iter().any(|known| **known == **leg))
                })
            });
            others |= of_record.is_none();
            of.extend(of_record);
        }
    }
    let whose = match (of.is_empty(), others) {
        (false, false) => Whose::Alone,
        (false, true) => Whose::Among,
        (true, _) => Whose::Others,
    };
    (whose, of.into_iter().collect())
}
