//! What tells desks of calls: its functions, who may call them, and their data streams.

use aws_config::SdkConfig;
use aws_sdk_lambda::types::FunctionConfiguration;

use super::answering::{helper, offered, rules, variable};
use super::messages;
use crate::doctor::facts::{Deployment, Fact, Live};
use crate::doctor::rights::live::live_needs;

/// All functions with the handler `live-start`: nothing binds one to a recorder.
pub(super) async fn gather(
    shared: &SdkConfig,
    there: &SdkConfig,
    found: &Deployment,
    functions: &Fact<Vec<FunctionConfiguration>>,
) -> Fact<Vec<Live>> {
    let lambda = aws_sdk_lambda::Client::new(shared);
    let mut all = Vec::new();
    for function in functions.as_ref().map_err(Clone::clone)? {
        if function.handler() != Some("live-start") {
            continue;
        }
        let stream_name = variable(function, "STREAM_NAME").cloned();
        let stream_name = stream_name.unwrap_or_default();
        let Some(function) = helper(&lambda, Some(function.clone())).await else {
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
