//! What belongs to the account and not to one service of the way: distributions, keys,
//! rights.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudfront::types::{
    DistributionSummary, Origin as SdkOrigin, TrustedKeyGroups, TrustedSigners,
};
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult};

use super::{or_not_there, unknown};
use crate::doctor::facts::{
    Behaviour, Deployment, Distribution, Fact, Key, KeyState, Origin, Right, RightDecision,
    Settings, Unknown,
};
use crate::doctor::need::Need;
use crate::doctor::rights::needed;

pub(super) async fn distributions(
    shared: &SdkConfig,
    settings: &Fact<Settings>,
    into: &mut Fact<Vec<Distribution>>,
) {
    *into = match settings {
        Err(unknown) => Err(unknown.clone()),
        Ok(_) => all_distributions(shared).await,
    };
}

async fn all_distributions(shared: &SdkConfig) -> Fact<Vec<Distribution>> {
    let client = aws_sdk_cloudfront::Client::new(shared);
    let mut pages = client.list_distributions().into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unknown("cloudfront:ListDistributions", &error))?;
        let items = page.distribution_list.and_then(|list| list.items);
        found.extend(items.unwrap_or_default().into_iter().map(distribution));
    }
    Ok(found)
}

fn distribution(answer: DistributionSummary) -> Distribution {
    let others = answer.cache_behaviors.and_then(|all| all.items);
    let others = others.unwrap_or_default().into_iter();
    let others = others.map(|one| Behaviour {
        pattern: one.path_pattern,
        origin: one.target_origin_id,
        viewer_protocol: one.viewer_protocol_policy.as_str().to_owned(),
        signers: signers(one.trusted_key_groups, one.trusted_signers),
    });
    let default = answer.default_cache_behavior.map(|one| Behaviour {
        pattern: "*".to_owned(),
        origin: one.target_origin_id,
        viewer_protocol: one.viewer_protocol_policy.as_str().to_owned(),
        signers: signers(one.trusted_key_groups, one.trusted_signers),
    });
    let origins = answer.origins.map(|all| all.items).unwrap_or_default();
    Distribution {
        arn: answer.arn,
        domain: answer.domain_name,
        aliases: answer
            .aliases
            .and_then(|aliases| aliases.items)
            .unwrap_or_default(),
        enabled: answer.enabled,
        status: answer.status,
        origins: origins.into_iter().map(origin).collect(),
        behaviours: others.chain(default).collect(),
        web_acl: Some(answer.web_acl_id).filter(|acl| !acl.is_empty()),
    }
}

/// Key groups, and accounts in the older way.
fn signers(groups: Option<TrustedKeyGroups>, accounts: Option<TrustedSigners>) -> Vec<String> {
    let groups = groups.filter(|groups| groups.enabled);
    let groups = groups.and_then(|groups| groups.items).unwrap_or_default();
    let accounts = accounts.filter(|accounts| accounts.enabled);
    let accounts = accounts.and_then(|accounts| accounts.items);
    groups
        .into_iter()
        .chain(accounts.unwrap_or_default())
        .collect()
}

fn origin(answer: SdkOrigin) -> Origin {
    let set = |text: &String| !text.is_empty();
    let identity = answer
        .s3_origin_config
        .map(|config| config.origin_access_identity);
    Origin {
        id: answer.id,
        domain: answer.domain_name,
        path: answer.origin_path.unwrap_or_default(),
        access_control: answer.origin_access_control_id.filter(set),
        access_identity: identity.filter(set),
    }
}

/// Every key that something uses, and what KMS says of it.
pub(super) async fn keys(shared: &SdkConfig, found: &Deployment) -> Vec<Key> {
    let client = aws_sdk_kms::Client::new(shared);
    let mut keys = Vec::new();
    for (named, used_by) in used_keys(found) {
        let answered = client.describe_key().key_id(&named).send().await;
        let state = or_not_there("kms:DescribeKey on the key", answered).map(|answer| {
            let metadata = answer.and_then(|answer| answer.key_metadata);
            metadata.map(|key| KeyState {
                arn: key.arn.unwrap_or_default(),
                state: text(key.key_state.as_ref().map(|state| state.as_str())),
                usage: text(key.key_usage.as_ref().map(|usage| usage.as_str())),
                manager: text(key.key_manager.as_ref().map(|manager| manager.as_str())),
            })
        });
        keys.push(Key {
            named,
            used_by,
            state,
        });
    }
    keys
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

/// Keys by name, each with its users once.
fn used_keys(found: &Deployment) -> BTreeMap<String, Vec<String>> {
    let mut used: Vec<(&'static str, Option<String>)> = Vec::new();
    let streams = found.video_streams.iter().flatten();
    used.extend(streams.map(|stream| ("video streams", stream.key.clone())));
    if let Ok(Some(instance)) = found.instance() {
        let media = instance.media.iter().flatten();
        used.extend(media.map(|media| ("video streams to come", media.key.clone())));
    }
    let settings = found.settings();
    let own = settings.ok().and_then(|settings| settings.kms_key.clone());
    let default = match &found.bucket {
        Ok(Some(bucket)) => bucket.encryption.as_ref().ok().cloned().flatten(),
        Ok(None) | Err(_) => None,
    };
    let default = default.and_then(|encryption| encryption.key);
    used.push(("recordings", own.or(default)));
    if let Ok(Some(stream)) = &found.record_stream {
        used.push(("contact records", stream.key.clone()));
    }
    for (user, queue) in [
        ("parking queue", &found.parking_queue),
        ("dead-letter queue", &found.dead_letters),
    ] {
        if let Ok(Some(queue)) = queue {
            used.push((user, queue.key.clone()));
        }
    }
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (user, key) in used {
        let Some(key) = key else {
            continue;
        };
        let users = keys.entry(key).or_default();
        if !users.iter().any(|other| other == user) {
            users.push(user.to_owned());
        }
    }
    keys
}

/// What the function's role may do of what it needs.
pub(super) async fn rights(shared: &SdkConfig, found: &Deployment) -> Fact<Vec<Right>> {
    let role = match found.function.as_ref().map_err(Unknown::clone)? {
        Some(function) => function.role.clone().unwrap_or_default(),
        None => return Err(Unknown::new("the function is not there", "deploy it")),
    };
    allowed(shared, &role, needed(found)).await
}

/// What a role may do of this. Needs on one thing are asked together.
pub(super) async fn allowed(shared: &SdkConfig, role: &str, needs: Vec<Need>) -> Fact<Vec<Right>> {
    let client = aws_sdk_iam::Client::new(shared);
    let mut groups: Vec<Vec<Need>> = Vec::new();
    for need in needs {
        let alike = groups.iter_mut().find(|group| {
            group
                .iter()
                .all(|one| (&one.resource, &one.context) == (&need.resource, &need.context))
        });
        match alike {
            Some(group) => group.push(need),
            None => groups.push(vec![need]),
        }
    }
    let mut rights = Vec::new();
    for group in groups {
        rights.extend(simulate(&client, role, &group).await?);
    }
    Ok(rights)
}

async fn simulate(client: &aws_sdk_iam::Client, role: &str, alike: &[Need]) -> Fact<Vec<Right>> {
    let Some(first) = alike.first() else {
        return Ok(Vec::new());
    };
    let context = first.context.iter().map(|(name, value)| {
        ContextEntry::builder()
            .context_key_name(*name)
            .context_key_type(ContextKeyTypeEnum::String)
            .context_key_values(value)
            .build()
    });
    let request = client
        .simulate_principal_policy()
        .policy_source_arn(role)
        .resource_arns(&first.resource)
        .set_action_names(Some(
            alike.iter().map(|need| need.action.to_owned()).collect(),
        ))
        .set_context_entries(Some(context.collect()));
    let mut pages = request.into_paginator().send();
    let mut rights = Vec::new();
    while let Some(page) = pages.next().await {
        let permission = "iam:SimulatePrincipalPolicy on the role";
        let page = page.map_err(|error| unknown(permission, &error))?;
        let results = page.evaluation_results.unwrap_or_default();
        for need in alike {
            let mut of = results.iter();
            // IAM may answer with an action in the spelling of the policy.
            let of = of.find(|one| one.eval_action_name.eq_ignore_ascii_case(need.action));
            rights.extend(of.map(|result| Right {
                need: need.clone(),
                decision: decision(result),
            }));
        }
    }
    Ok(rights)
}

fn decision(result: &EvaluationResult) -> RightDecision {
    let missing = result.missing_context_values();
    match result.eval_decision.as_str() {
        "allowed" => RightDecision::Allowed,
        // What forbids does so whatever else a request brings along.
        "implicitDeny" if !missing.is_empty() => RightDecision::Depends(missing.to_vec()),
        denied => RightDecision::Denied(denied.to_owned()),
    }
}
