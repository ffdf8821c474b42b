//! The archive's function and voicemail's: their settings, and what their roles may do.

use aws_config::SdkConfig;
use aws_sdk_lambda::types::FunctionConfiguration;

use super::answering::variable;
use super::unknown;
use crate::doctor::facts::{Deployment, Fact, Worker};
use crate::doctor::rights::worker::{is_asked_about, worker_needs};

/// All functions of the region.
pub(super) async fn listed(shared: &SdkConfig) -> Fact<Vec<FunctionConfiguration>> {
    let lambda = aws_sdk_lambda::Client::new(shared);
    let mut functions = Vec::new();
    let mut pages = lambda.list_functions().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unknown("lambda:ListFunctions", &error))?;
        functions.extend(page.functions.unwrap_or_default());
    }
    Ok(functions)
}

/// All functions that show the archive of the deployment's bucket, or of its voicemail's.
pub(super) async fn archives(
    shared: &SdkConfig,
    found: &Deployment,
    functions: &Fact<Vec<FunctionConfiguration>>,
) -> Fact<Vec<Worker>> {
    let own = found.settings().ok().map(|settings| &settings.bucket);
    let voicemail = found.voicemail.as_ref().ok().and_then(Option::as_ref);
    let messages = voicemail
        .and_then(|it| it.buckets.first())
        .map(|(name, _)| name);
    let mut archives = Vec::new();
    for function in functions.as_ref().map_err(Clone::clone)? {
        let shown = variable(function, "RECORDINGS_BUCKET");
        let is_ours = shown.is_some() && (own.is_none() || [own, messages].contains(&shown));
        if function.handler() == Some("archive") && is_ours {
            archives.extend(worker(shared, found, function, None).await);
        }
    }
    Ok(archives)
}

/// A function with what its role may do; `None` for one whose role is not asked about.
pub(super) async fn worker(
    shared: &SdkConfig,
    found: &Deployment,
    function: &FunctionConfiguration,
    reads: Option<String>,
) -> Option<Worker> {
    let handler = function.handler().filter(|it| is_asked_about(it))?;
    let name = function.function_name().unwrap_or_default();
    let environment = function.environment().and_then(|it| it.variables());
    let group = function.logging_config().and_then(|it| it.log_group());
    let mut worker = Worker {
        name: name.to_owned(),
        arn: function.function_arn().unwrap_or_default().to_owned(),
        role: function.role().unwrap_or_default().to_owned(),
        handler: handler.to_owned(),
        log_group: group.map_or_else(|| format!("/aws/lambda/{name}"), str::to_owned),
        variables: environment
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        reads,
        rights: Ok(Vec::new()),
    };
    let needs = worker_needs(found, &worker);
    worker.rights = super::accounts::allowed(shared, &worker.role, needs).await;
    Some(worker)
}
