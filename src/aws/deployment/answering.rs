//! The answering machine: its functions, who may call them, and notes without a message.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_lambda::types::FunctionConfiguration;
use serde_json::Value;

use super::{or_not_there, unknown};
use crate::aws::s3;
use crate::connect::arn;
use crate::doctor::facts::{
    Answering, Caller, Deployment, EventRule, Fact, Helper, RuleTarget, Unknown,
};
use crate::doctor::rights::answering::{note_needs, save_needs};
use crate::media::ticks::EpochMillis;

/// The folders of notes that are looked at: today, the days before, and tomorrow, which it is
/// already where clocks are ahead of UTC.
const DAYS: [i64; 5] = [-3, -2, -1, 0, 1];
const DAY_MILLIS: i64 = 86_400_000;
/// Younger notes are at work.
const AT_WORK: Duration = Duration::from_secs(3_600);
/// Pages of a folder's listing at the most, of 1,000 objects each.
const MAX_PAGES: usize = 50;
/// What stands in a note's place when it is done with.
const DONE: [&str; 3] = [".wav", ".empty.json", ".failed.json"];

/// The answering machine that works on the bucket of the deployment's settings.
pub(super) async fn gather(
    shared: &SdkConfig,
    there: &SdkConfig,
    found: &Deployment,
    functions: &Fact<Vec<FunctionConfiguration>>,
) -> Fact<Option<Answering>> {
    let bucket = found.settings()?.bucket.clone();
    let lambda = aws_sdk_lambda::Client::new(shared);
    let (mut note, mut save) = (None, None);
    for function in functions.as_ref().map_err(Clone::clone)? {
        if variable(function, "S3_BUCKET") != Some(&bucket) {
            continue;
        }
        match function.handler() {
            Some("note") => note = Some(function.clone()),
            Some("save") => save = Some(function.clone()),
            Some(_) | None => {}
        }
    }
    if note.is_none() && save.is_none() {
        return Ok(None);
    }
    let of = |function: &Option<FunctionConfiguration>, name| {
        let function = function.as_ref();
        function
            .and_then(|function| variable(function, name))
            .cloned()
    };
    let notes = of(&save, "S3_KEY_GET").or_else(|| of(&note, "S3_PATH"));
    let notes = notes.unwrap_or_default();
    let messages = of(&save, "S3_KEY_PUT").unwrap_or_default();
    let event_bus = of(&save, "EVENT_BUS_NAME").unwrap_or_default();
    let save = helper(&lambda, save).await;
    let mut answering = Answering {
        note: helper(&lambda, note).await,
        rules: rules(shared, save.as_ref()).await,
        save,
        offered: offered(there, found).await,
        waiting: waiting(there, &bucket, &notes, &messages).await,
        notes,
        messages,
        event_bus,
    };
    let (noting, saving) = (note_needs(found, &answering), save_needs(found, &answering));
    for (helper, needs) in [(&mut answering.note, noting), (&mut answering.save, saving)] {
        if let Some(helper) = helper {
            helper.rights = super::accounts::allowed(shared, &helper.role, needs).await;
        }
    }
    Ok(Some(answering))
}

pub(super) fn variable<'a>(function: &'a FunctionConfiguration, name: &str) -> Option<&'a String> {
    let environment: Option<&HashMap<_, _>> = function.environment()?.variables();
    environment?.get(name)
}

pub(super) async fn helper(
    client: &aws_sdk_lambda::Client,
    function: Option<FunctionConfiguration>,
) -> Option<Helper> {
    let function = function?;
    let name = function.function_name.unwrap_or_default();
    let policy = client.get_policy().function_name(&name).send().await;
    let policy = or_not_there("lambda:GetPolicy", policy);
    let callers = policy.map(|policy| {
        let policy = policy.and_then(|answer| answer.policy);
        policy.map(|policy| callers(&policy)).unwrap_or_default()
    });
    Some(Helper {
        callers,
        arn: function.function_arn.unwrap_or_default(),
        role: function.role.unwrap_or_default(),
        rights: Ok(Vec::new()),
        name,
    })
}

/// The services that a function's policy lets in, each with what it is bound to.
fn callers(policy: &str) -> Vec<Caller> {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
    let allowing = statements.iter().filter(|one| one["Effect"] == "Allow");
    let callers = allowing.filter_map(|one| {
        let service = one["Principal"]["Service"].as_str()?.to_owned();
        let bound = |name: &str| {
            let operators = one["Condition"].as_object()?.values();
            let mut conditions = operators.filter_map(Value::as_object).flatten();
            let found = conditions.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found
                .and_then(|(_, value)| value.as_str())
                .map(str::to_owned)
        };
        Some(Caller {
            service,
            account: bound("AWS:SourceAccount"),
            source: bound("AWS:SourceArn"),
        })
    });
    callers.collect()
}

/// The rules that a function's policy lets in.
pub(super) async fn rules(shared: &SdkConfig, function: Option<&Helper>) -> Fact<Vec<EventRule>> {
    let Some(Ok(callers)) = function.map(|function| &function.callers) else {
        // What cannot be known is told of the function itself.
        return Ok(Vec::new());
    };
    let client = aws_sdk_eventbridge::Client::new(shared);
    let sources = callers.iter().filter_map(|caller| caller.source.as_deref());
    let of_events = sources.filter(|source| arn::service(source) == Some("events"));
    let mut rules = Vec::new();
    for source in of_events {
        let name = arn::name(source);
        let answered = client.describe_rule().name(name).send().await;
        let answered = or_not_there("events:DescribeRule", answered)?;
        let state = answered.and_then(|rule| rule.state);
        let state = state.map(|state| state.as_str().to_owned());
        let targets = match &state {
            Some(_) => targets(&client, name).await?,
            None => Vec::new(),
        };
        rules.push(EventRule {
            name: name.to_owned(),
            state,
            targets,
        });
    }
    Ok(rules)
}

/// A rule has five targets at the most: they come on one page.
async fn targets(client: &aws_sdk_eventbridge::Client, rule: &str) -> Fact<Vec<RuleTarget>> {
    let answered = client.list_targets_by_rule().rule(rule).send().await;
    let answered = answered.map_err(|error| unknown("events:ListTargetsByRule", &error))?;
    let targets = answered.targets.unwrap_or_default().into_iter();
    let targets = targets.map(|target| RuleTarget {
        arn: target.arn,
        dead_letters: target.dead_letter_config.and_then(|config| config.arn),
    });
    Ok(targets.collect())
}

/// What the instance offers to its flows.
pub(super) async fn offered(there: &SdkConfig, found: &Deployment) -> Fact<Vec<String>> {
    let none = || Unknown::new("there is no Connect instance", "check --region");
    let instance = found.instance()?.ok_or_else(none)?;
    let client = aws_sdk_connect::Client::new(there);
    let request = client.list_lambda_functions().instance_id(&instance.id);
    let mut pages = request.into_paginator().send();
    let mut offered = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unknown("connect:ListLambdaFunctions", &error))?;
        offered.extend(page.lambda_functions.unwrap_or_default());
    }
    Ok(offered)
}

/// The names of notes that are older than an hour and have nothing in their place.
async fn waiting(
    there: &SdkConfig,
    bucket: &str,
    notes: &str,
    messages: &str,
) -> Fact<Vec<String>> {
    let client = aws_sdk_s3::Client::from_conf(s3::config(there));
    let now = crate::clock::now();
    let mut waiting = Vec::new();
    for day in DAYS {
        let folder = folder(EpochMillis(now.0 + day * DAY_MILLIS));
        let noted = listed(&client, bucket, &format!("{notes}{folder}")).await?;
        if noted.is_empty() {
            continue;
        }
        let made = listed(&client, bucket, &format!("{messages}{folder}")).await?;
        let made: BTreeSet<_> = made.into_iter().map(|(key, _)| key).collect();
        waiting.extend(left_over(&noted, &made, (notes, messages), now));
    }
    Ok(waiting)
}

/// `YYYY/MM/DD/` in UTC.
fn folder(time: EpochMillis) -> String {
    let text = time.to_rfc3339();
    format!("{}/", text.get(..10).unwrap_or_default().replace('-', "/"))
}

/// Of notes, each with the time of its writing, those that nothing came of.
fn left_over(
    noted: &[(String, EpochMillis)],
    made: &BTreeSet<String>,
    (notes, messages): (&str, &str),
    now: EpochMillis,
) -> Vec<String> {
    let at_work = i64::try_from(AT_WORK.as_millis()).unwrap_or(i64::MAX);
    let left = noted.iter().filter_map(|(key, written)| {
        let name = key.strip_prefix(notes)?.strip_suffix(".json")?;
        let done = DONE
            .iter()
            .any(|ending| made.contains(&format!("{messages}{name}{ending}")));
        let old = now.0.saturating_sub(written.0) > at_work;
        (old && !done).then(|| name.to_owned())
    });
    left.collect()
}

pub(super) async fn listed(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
) -> Fact<Vec<(String, EpochMillis)>> {
    let request = client.list_objects_v2().bucket(bucket).prefix(prefix);
    let mut pages = request.into_paginator().send();
    let mut found = Vec::new();
    for _ in 0..MAX_PAGES {
        let Some(page) = pages.next().await else {
            return Ok(found);
        };
        let page = page.map_err(|error| unknown("s3:ListBucket on the bucket", &error))?;
        for object in page.contents.unwrap_or_default() {
            let written = object.last_modified.and_then(|time| time.to_millis().ok());
            let key = object.key.unwrap_or_default();
            found.push((key, EpochMillis(written.unwrap_or_default())));
        }
    }
    Err(Unknown::new(
        format!("more than {MAX_PAGES},000 objects under {prefix}"),
        "look at the alarm NotesWait instead",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_read_with_what_they_are_bound_to() {
        #[track_caller]
        fn check(statement: &str, expected: &[(&str, Option<&str>, Option<&str>)]) {
            let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
            let found = callers(&policy);
            let found: Vec<_> = found
                .iter()
                .map(|it| (&*it.service, it.account.as_deref(), it.source.as_deref()))
                .collect();
            assert_eq!(found, expected);
        }
        const ACTION: &str = r#""Action": "lambda:InvokeFunction", "Resource": "f""#;
        check(
            &format!(
                r#"{{"Effect": "Allow", "Principal": {{"Service": "connect.amazonaws.com"}}, {ACTION},
                "Condition": {{"StringEquals": {{"AWS:SourceAccount": "1"}}, "ArnLike": {{"AWS:SourceArn": "a"}}}}}}"#
            ),
            &[("connect.amazonaws.com", Some("1"), Some("a"))],
        );
        check(
            &format!(r#"{{"Effect": "Allow", "Principal": {{"Service": "s"}}, {ACTION}}}"#),
            &[("s", None, None)],
        );
        check(
            &format!(r#"{{"Effect": "Deny", "Principal": {{"Service": "s"}}, {ACTION}}}"#),
            &[],
        );
        check(
            &format!(r#"{{"Effect": "Allow", "Principal": {{"AWS": "arn:x"}}, {ACTION}}}"#),
            &[],
        );
        assert_eq!(callers("no JSON"), []);
    }

    #[test]
    fn a_note_is_left_over_when_nothing_stands_in_its_place() {
        const NOW: i64 = 1_764_220_000_000;
        const HOUR: i64 = 3_600_000;
        #[track_caller]
        fn check(age: i64, made: &[&str], expected: bool) {
            let noted = [("n/2025/11/27/x.json".to_owned(), EpochMillis(NOW - age))];
            let made = made
                .iter()
                .map(|name| format!("m/2025/11/27/{name}"))
                .collect();
            let left = left_over(&noted, &made, ("n/", "m/"), EpochMillis(NOW));
            assert_eq!(left.len(), usize::from(expected), "{age} {made:?}");
        }
        check(HOUR + 1, &[], true);
        check(HOUR, &[], false);
        check(2 * HOUR, &["x.wav"], false);
        check(2 * HOUR, &["x.empty.json"], false);
        check(2 * HOUR, &["x.failed.json"], false);
        check(2 * HOUR, &["y.wav", "x_verdict.json"], true);
    }

    #[test]
    fn folders_are_of_days() {
        assert_eq!(folder(EpochMillis(1_764_220_000_000)), "2025/11/27/");
    }
}
