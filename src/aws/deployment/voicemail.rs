//! Voicemail: its functions by their handlers, its buckets, flows and senders, and messages
//! without a marker.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_lambda::types::FunctionConfiguration;

use super::answering::{helper, listed, rules, variable};
use super::workers::worker;
use super::{or_not_there, unknown};
use crate::aws::s3;
use crate::doctor::facts::{Called, Deployment, Fact, Unknown, Voicemail};
use crate::media::ticks::EpochMillis;
use crate::object_key::dated_folder;
use crate::settings::deliver::DeliverConfig;
use crate::voicemail::place::{DELIVERED, Place};
use crate::voicemail::policy::Policy;

const DAY_MILLIS: i64 = 86_400_000;
/// Messages of so many days are looked at, beside today's.
const DAYS: i64 = 3;
/// Younger messages are at work.
const AT_WORK: Duration = Duration::from_secs(3_600);
/// The functions that events call.
const CALLED: [&str; 3] = ["transcribe", "transcribe-failed", "deliver"];

/// The voicemail of a stack, or the only one of the region.
pub(super) async fn gather(
    shared: &SdkConfig,
    there: &SdkConfig,
    deployment: &Deployment,
    functions: &Fact<Vec<FunctionConfiguration>>,
    stack: Option<&str>,
) -> Fact<Option<Voicemail>> {
    let lambda = aws_sdk_lambda::Client::new(shared);
    let functions = by_handler(functions.as_ref().map_err(Clone::clone)?, stack)?;
    let Some(deliver) = functions.get("deliver") else {
        return Ok(None);
    };
    let lookup = |name: &str| match name {
        "AWS_REGION" => there.region().map(ToString::to_string),
        _ => variable(deliver, name).cloned(),
    };
    let config = DeliverConfig::from_lookup(lookup);
    let mut called = Vec::new();
    for handler in CALLED {
        let Some(function) = functions.get(handler) else {
            continue;
        };
        let function = helper(&lambda, Some((*function).clone())).await;
        if let Some(function) = function {
            let rules = rules(shared, Some(&function)).await;
            called.push(Called {
                // What cannot be known of who may call it is not known of its rules.
                rules: function.callers.and(rules),
                name: function.name,
                arn: function.arn,
            });
        }
    }
    let names = ["RECORDINGS_BUCKET", "TRANSCRIPTS_BUCKET"];
    let names = names.map(|name| variable(deliver, name).cloned().unwrap_or_default());
    let s3 = aws_sdk_s3::Client::from_conf(s3::config(there));
    let mut buckets = Vec::new();
    for name in &names {
        buckets.push((name.clone(), tells(&s3, name).await));
    }
    let policy = config.as_ref().ok().map(|config| &config.policy);
    let mapping = mapping(&lambda, functions.get("capture").copied()).await;
    let reads = mapping.as_ref().ok().and_then(Option::as_ref);
    let reads = reads.map(|(source, _)| source.clone());
    let mut workers = Vec::new();
    for (handler, function) in &functions {
        let reads = reads.clone().filter(|_| handler == "capture");
        workers.extend(worker(shared, deployment, function, reads).await);
    }
    workers.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Some(Voicemail {
        deliver: deliver.function_name.clone().unwrap_or_default(),
        mapping: mapping.map(|mapping| mapping.and_then(|(_, state)| state)),
        workers,
        buckets,
        called,
        flows: flows(there, policy).await,
        senders: senders(there, policy).await,
        settings: config.as_ref().map(|_| ()).map_err(ToString::to_string),
        waiting: waiting(&s3, &names).await,
    }))
}

/// The functions of voicemail, by their handlers.
fn by_handler<'a>(
    functions: &'a [FunctionConfiguration],
    stack: Option<&str>,
) -> Fact<HashMap<String, &'a FunctionConfiguration>> {
    let start = stack.map(|stack| format!("{stack}-"));
    let mut found = HashMap::new();
    for function in functions {
        let name = function.function_name().unwrap_or_default();
        let is_its = start.as_ref().is_none_or(|start| name.starts_with(start));
        if !is_its || variable(function, "TRANSCRIPTS_BUCKET").is_none() {
            continue;
        }
        let handler = function.handler().unwrap_or_default().to_owned();
        if let Some(other) = found.insert(handler, function) {
            let name = other.function_name().unwrap_or_default();
            return Err(Unknown::new(
                format!("there are several voicemails, one of them with {name}"),
                "name the stack with --stack",
            ));
        }
    }
    Ok(found)
}

/// The data stream that `capture` reads, and the state of the mapping.
async fn mapping(
    lambda: &aws_sdk_lambda::Client,
    capture: Option<&FunctionConfiguration>,
) -> Fact<Option<(String, Option<String>)>> {
    let Some(name) = capture.and_then(FunctionConfiguration::function_name) else {
        return Ok(None);
    };
    let answered = lambda.list_event_source_mappings().function_name(name);
    let answered = answered.send().await;
    let answered = answered.map_err(|error| unknown("lambda:ListEventSourceMappings", &error))?;
    let mut mappings = answered
        .event_source_mappings
        .unwrap_or_default()
        .into_iter();
    let of_stream = mappings.find(|mapping| {
        let source = mapping.event_source_arn().unwrap_or_default();
        source.contains(":kinesis:")
    });
    Ok(of_stream.map(|mapping| {
        let source = mapping.event_source_arn.unwrap_or_default();
        (source, mapping.state)
    }))
}

/// Whether a bucket sends its events to EventBridge.
async fn tells(client: &aws_sdk_s3::Client, bucket: &str) -> Fact<bool> {
    let asked = client.get_bucket_notification_configuration();
    let answered = asked.bucket(bucket).send().await;
    let answered = answered.map_err(|error| unknown("s3:GetBucketNotification", &error))?;
    Ok(answered.event_bridge_configuration.is_some())
}

async fn flows(there: &SdkConfig, policy: Option<&Policy>) -> Vec<(String, Fact<Option<String>>)> {
    let client = aws_sdk_connect::Client::new(there);
    let ids = policy.map(|policy| [&policy.task_flow, &policy.guided_task_flow]);
    let instance = policy.and_then(|policy| policy.instance.as_deref());
    let mut flows = Vec::new();
    for id in ids.into_iter().flatten().flatten() {
        let asked = client.describe_contact_flow().contact_flow_id(&**id);
        let asked = asked.set_instance_id(instance.map(str::to_owned));
        let answered = or_not_there("connect:DescribeContactFlow", asked.send().await);
        let state = answered.map(|answer| {
            let flow = answer.and_then(|answer| answer.contact_flow);
            flow.map(|flow| {
                let state = flow.state.map(|state| state.as_str().to_owned());
                state.unwrap_or_else(|| "ACTIVE".to_owned())
            })
        });
        flows.push((id.to_string(), state));
    }
    flows
}

async fn senders(there: &SdkConfig, policy: Option<&Policy>) -> Vec<(String, Fact<bool>)> {
    let Some(from) = policy.and_then(|policy| policy.email_from.as_ref()) else {
        return Vec::new();
    };
    let client = aws_sdk_sesv2::Client::new(there);
    let mut is_verified = Ok(false);
    for identity in [from.as_str(), from.domain()] {
        let answered = client.get_email_identity().email_identity(identity).send();
        let answered = or_not_there("ses:GetEmailIdentity", answered.await);
        is_verified =
            answered.map(|answer| answer.is_some_and(|it| it.verified_for_sending_status));
        if !matches!(is_verified, Ok(false)) {
            break;
        }
    }
    vec![(from.as_str().to_owned(), is_verified)]
}

/// Contacts whose message is older than an hour and has no marker.
async fn waiting(client: &aws_sdk_s3::Client, buckets: &[String; 2]) -> Fact<Vec<String>> {
    let now = crate::clock::now();
    let mut left = Vec::new();
    for back in 0..=DAYS {
        let day = dated_folder(Some(EpochMillis(now.0 - back * DAY_MILLIS)));
        for bucket in buckets {
            left.extend(listed(client, bucket, &format!("{day}/")).await?);
        }
    }
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let [recordings, _] = buckets;
    let marked = listed(client, recordings, DELIVERED).await?;
    let marked = marked.into_iter().map(|(key, _)| key).collect();
    Ok(without_marker(&left, &marked, now))
}

/// Of recordings and transcripts, each with the time of its writing, the contacts that nothing
/// came of.
fn without_marker(
    left: &[(String, EpochMillis)],
    marked: &BTreeSet<String>,
    now: EpochMillis,
) -> Vec<String> {
    let at_work = i64::try_from(AT_WORK.as_millis()).unwrap_or(i64::MAX);
    let old = left
        .iter()
        .filter(|(_, at)| now.0.saturating_sub(at.0) > at_work);
    let places =
        old.filter_map(|(key, _)| Place::of_recording(key).or_else(|| Place::of_transcript(key)));
    let unmarked = places.filter(|place| !marked.contains(&place.marker()));
    let contacts: BTreeSet<_> = unmarked.map(|place| place.contact().to_owned()).collect();
    contacts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_waits_when_it_is_old_and_nothing_marks_it() {
        const NOW: i64 = 1_764_220_000_000;
        #[track_caller]
        fn check(key: &str, minutes: i64, marked: &str, expected: &[&str]) {
            let left = [(key.to_owned(), EpochMillis(NOW - minutes * 60_000))];
            let marked = BTreeSet::from([marked.to_owned()]);
            assert_eq!(without_marker(&left, &marked, EpochMillis(NOW)), expected);
        }
        check("2025/11/27/c.wav", 61, "", &["c"]);
        check("2025/11/27/c.json", 61, "", &["c"]);
        check("2025/11/27/c.wav", 60, "", &[]);
        check("2025/11/27/c.wav", 61, "delivered/c.json", &[]);
        check("2025/11/27/c_verdict.json", 61, "", &[]);
    }
}
