//! The alarms, and what the function counted.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, Dimension, MetricAlarm, Statistic};

use super::unknown;
use crate::doctor::facts::{Alarm, Fact, Metric};

const DAY_SECONDS: i32 = 86_400;

pub(super) async fn alarms(shared: &SdkConfig, into: &mut Fact<Vec<Alarm>>) {
    *into = all(&Client::new(shared)).await;
}

/// How often the function counted withdrawn consent in the last seven days.
pub(super) async fn withdrawn(shared: &SdkConfig, function: &str, into: &mut Fact<u64>) {
    let now = crate::clock::now().0;
    let week = 7 * 1_000 * i64::from(DAY_SECONDS);
    let of = Dimension::builder().name("Function").value(function);
    let counted = Client::new(shared)
        .get_metric_statistics()
        .namespace("Callreel")
        .metric_name("Withdrawn")
        .dimensions(of.build())
        .start_time(DateTime::from_millis(now - week))
        .end_time(DateTime::from_millis(now))
        .period(DAY_SECONDS)
        .statistics(Statistic::Sum)
        .send()
        .await;
    *into = match counted {
        Err(error) => Err(unknown("cloudwatch:GetMetricStatistics", &error)),
        Ok(counted) => {
            let days = counted.datapoints().iter();
            let sums = days.map(|day| day.sum().unwrap_or_default());
            Ok(whole(sums.sum()))
        }
    };
}

/// A sum of counts.
fn whole(sum: f64) -> u64 {
    format!("{sum:.0}").parse().unwrap_or_default()
}

async fn all(client: &Client) -> Fact<Vec<Alarm>> {
    let request = client.describe_alarms().alarm_types(AlarmType::MetricAlarm);
    let mut pages = request.into_paginator().send();
    let mut alarms = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unknown("cloudwatch:DescribeAlarms", &error))?;
        let found = page.metric_alarms.unwrap_or_default();
        alarms.extend(found.into_iter().map(alarm));
    }
    Ok(alarms)
}

fn alarm(answer: MetricAlarm) -> Alarm {
    let own = answer
        .namespace
        .zip(answer.metric_name)
        .map(|(namespace, name)| {
            let dimensions = answer.dimensions.unwrap_or_default();
            metric(namespace, name, dimensions)
        });
    // An alarm on an expression names its metrics one by one.
    let in_expression = answer.metrics.unwrap_or_default().into_iter();
    let in_expression = in_expression.filter_map(|query| {
        let of = query.metric_stat?.metric?;
        let dimensions = of.dimensions.unwrap_or_default();
        Some(metric(of.namespace?, of.metric_name?, dimensions))
    });
    Alarm {
        name: answer.alarm_name.unwrap_or_default(),
        state: answer
            .state_value
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        reason: answer.state_reason.unwrap_or_default(),
        actions_enabled: answer.actions_enabled.unwrap_or(false),
        actions: answer.alarm_actions.unwrap_or_default(),
        watches: own.into_iter().chain(in_expression).collect(),
    }
}

fn metric(namespace: String, name: String, dimensions: Vec<Dimension>) -> Metric {
    let dimensions = dimensions.into_iter();
    let dimensions = dimensions.filter_map(|one| one.name.zip(one.value));
    Metric {
        namespace,
        name,
        dimensions: dimensions.collect(),
    }
}
