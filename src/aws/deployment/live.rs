//! What tells desks of calls: its functions, who may call them, and their data streams.

use aws_config::SdkConfig;

use super::answering::{helper, offered, rules, variable};
use super::{messages, unknown};
use crate::doctor::facts::{Deployment, Fact, Live};
use crate::doctor::rights::live::live_needs;

/// All functions with the handler `live-start`: nothing binds one to a recorder.
pub(super) async fn gather(
    shared: &SdkConfig,
    there: &SdkConfig,
    found: &Deployment,
) -> Fact<Vec<Live>> {
    let lambda = aws_sdk_lambda::Client::new(shared);
    let mut functions = Vec::new();
    let mut pages = lambda.list_functions().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unknown("lambda:ListFunctions", &error))?;
        let page = page.functions.unwrap_or_default().into_iter();
        functions.extend(page.filter(|function| function.handler() == Some("live-start")));
    }
    let mut all = Vec::new();
    for function in functions {
        let stream_name = variable(&function, "STREAM_NAME").cloned();
        let stream_name = stream_name.unwrap_or_default();
        let Some(function) = helper(&lambda, Some(function)).await else {
            continue;
        };
        let mut live = Live {
            rules: rules(shared, Some(&function)).await,
            offered: offered(there, found).await,
            stream: messages::stream_named(shared, &stream_name).await,
            stream_name,
            function,
        };
        let (needs, role) = (live_needs(&live), &live.function.role);
        live.function.rights = super::accounts::allowed(shared, role, needs).await;
        all.push(live);
    }
    Ok(all)
}
