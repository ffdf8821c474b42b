//! The alarms.

use super::facts::{Alarm, Deployment, Metric, name_of};
use super::{Check, Report};

const ALL: &[Check] = &[Check::Alarms, Check::AlarmStates, Check::AlarmActions];

/// What must be watched: in words, and by the metrics of which one will do.
const WATCHED: &[(&str, &[(&str, &str)])] = &[
    ("lost seconds", &[("Callreel", "LostSeconds")]),
    ("parked records", &[("Callreel", "Parked")]),
    ("audio at risk", &[("Callreel", "RetentionLeftSeconds")]),
    (
        "the iterator's age",
        &[
            ("AWS/Lambda", "IteratorAge"),
            ("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds"),
        ],
    ),
    ("errors", &[("AWS/Lambda", "Errors")]),
    ("throttles", &[("AWS/Lambda", "Throttles")]),
    ("duration", &[("AWS/Lambda", "Duration")]),
    (
        "dead letters",
        &[("AWS/SQS", "ApproximateNumberOfMessagesVisible")],
    ),
];

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let name = &deployment.function_name;
    let all = match &deployment.alarms {
        Err(unknown) => return report.unchecked(ALL, name, unknown),
        Ok(all) => all,
    };
    let things = Things::of(deployment);
    let ours: Vec<_> = all
        .iter()
        .filter(|alarm| alarm.watches.iter().any(|metric| things.own(metric)))
        .collect();
    for (words, metrics) in WATCHED {
        watched(words, metrics, &ours, &things, report);
    }
    if ours.is_empty() {
        report.warning(Check::AlarmStates, name, "there is no alarm");
        report.warning(Check::AlarmActions, name, "there is no alarm");
    }
    for alarm in ours {
        state(alarm, report);
        actions(alarm, report);
    }
}

/// The things whose metrics are this deployment's.
struct Things<'a> {
    function: &'a str,
    stream: &'a str,
    dead_letters: &'a str,
}

impl<'a> Things<'a> {
    fn of(deployment: &'a Deployment) -> Self {
        let stream = match deployment.record_mapping() {
            Ok(Some(mapping)) => name_of(&mapping.source_arn),
            Ok(None) | Err(_) => "",
        };
        let redrive = match &deployment.retry_queue {
            Ok(Some(queue)) => queue.redrive.as_ref(),
            Ok(None) | Err(_) => None,
        };
        Self {
            function: &deployment.function_name,
            stream,
            dead_letters: redrive.map_or("", |redrive| name_of(&redrive.target_arn)),
        }
    }

    fn own(&self, metric: &Metric) -> bool {
        let (dimension, value) = match metric.namespace.as_str() {
            // The function's own metrics say which function only where they have a
            // dimension for it.
            "Callreel" => {
                let mut named = metric.dimensions.iter();
                return named.all(|(name, value)| {
                    !["Function", "FunctionName"].contains(&name.as_str()) || value == self.function
                });
            }
            "AWS/Lambda" => ("FunctionName", self.function),
            "AWS/Kinesis" => ("StreamName", self.stream),
            "AWS/SQS" => ("QueueName", self.dead_letters),
            _ => return false,
        };
        let mut named = metric.dimensions.iter();
        named.any(|(name, of)| name == dimension && of == value)
    }
}

fn watched(
    words: &str,
    metrics: &[(&str, &str)],
    ours: &[&Alarm],
    things: &Things<'_>,
    report: &mut Report,
) {
    let watches = |alarm: &&&Alarm| {
        alarm.watches.iter().any(|metric| {
            let named = (metric.namespace.as_str(), metric.name.as_str());
            things.own(metric) && metrics.contains(&named)
        })
    };
    match ours.iter().find(watches) {
        Some(alarm) => report.ok(Check::Alarms, words, &alarm.name),
        None => {
            let metrics = metrics.iter();
            let metrics = metrics.map(|(namespace, name)| format!("{namespace} {name}"));
            let found = format!("no alarm on {}", metrics.collect::<Vec<_>>().join(" or "));
            report.warning(Check::Alarms, words, found);
        }
    }
}

fn state(alarm: &Alarm, report: &mut Report) {
    match alarm.state.as_str() {
        "ALARM" => report.error(
            Check::AlarmStates,
            &alarm.name,
            format!("ALARM: {}", alarm.reason),
        ),
        other => report.ok(Check::AlarmStates, &alarm.name, other),
    }
}

fn actions(alarm: &Alarm, report: &mut Report) {
    let check = Check::AlarmActions;
    match (alarm.actions_enabled, alarm.actions.as_slice()) {
        (false, _) => report.warning(check, &alarm.name, "its actions are disabled"),
        (true, []) => report.warning(check, &alarm.name, "it has no action"),
        (true, actions) => report.ok(check, &alarm.name, actions.join(", ")),
    }
}
