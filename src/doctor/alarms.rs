//! The alarms, and what the function counted that somebody must see to.

use super::facts::{Alarm, Deployment, Metric};
use super::{Check, Report};
use crate::connect::arn;

const ALL: &[Check] = &[Check::Alarms, Check::AlarmStates, Check::AlarmActions];

/// What a metric is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Function,
    /// The function that reads again, whatever its name.
    Again,
    RecordStream,
    RecordMapping,
    RetryMapping,
    ParkingQueue,
    DeadLetters,
}

/// A metric of a thing: the thing, the namespace and the name.
type Watched = (Thing, &'static str, &'static str);

/// What must be watched: in words, and by the metrics of which one will do.
const WATCHED: &[(&str, &[Watched])] = &[
    (
        "lost seconds",
        &[(Thing::Function, "Callreel", "LostSeconds")],
    ),
    (
        "recordings that stay partial",
        &[(Thing::Again, "Callreel", "StayedPartial")],
    ),
    ("parked records", &[(Thing::Function, "Callreel", "Parked")]),
    (
        "unreadable records",
        &[(Thing::Function, "Callreel", "Unreadable")],
    ),
    (
        "withdrawn consent",
        &[(Thing::Function, "Callreel", "Withdrawn")],
    ),
    (
        "audio at risk",
        &[(Thing::Function, "Callreel", "RetentionLeftSeconds")],
    ),
    (
        "the iterator's age",
        &[
            (Thing::Function, "AWS/Lambda", "IteratorAge"),
            (
                Thing::RecordStream,
                "AWS/Kinesis",
                "GetRecords.IteratorAgeMilliseconds",
            ),
        ],
    ),
    ("errors", &[(Thing::Function, "AWS/Lambda", "Errors")]),
    ("throttles", &[(Thing::Function, "AWS/Lambda", "Throttles")]),
    ("duration", &[(Thing::Function, "AWS/Lambda", "Duration")]),
    (
        "contact records that nobody reads",
        &[(Thing::RecordMapping, "AWS/Lambda", "PolledEventCount")],
    ),
    (
        "parked records that nobody reads",
        &[(Thing::RetryMapping, "AWS/Lambda", "PolledEventCount")],
    ),
    (
        "records given up",
        &[(
            Thing::RecordMapping,
            "AWS/Lambda",
            "OnFailureDestinationDeliveredEventCount",
        )],
    ),
    (
        "records dropped",
        &[(Thing::RecordMapping, "AWS/Lambda", "DroppedEventCount")],
    ),
    (
        "records that wait",
        &[(
            Thing::ParkingQueue,
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
        )],
    ),
    (
        "dead letters",
        &[(
            Thing::DeadLetters,
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
        )],
    ),
];

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let name = &deployment.function_name;
    match &deployment.withdrawn {
        Err(unknown) => report.unchecked(&[Check::Withdrawn], name, unknown),
        Ok(0) => report.ok(Check::Withdrawn, name, "none"),
        Ok(1) => report.warning(Check::Withdrawn, name, "found once"),
        Ok(times) => report.warning(Check::Withdrawn, name, format!("found {times} times")),
    }
    let all = match &deployment.alarms {
        Err(unknown) => return report.unchecked(ALL, name, unknown),
        Ok(all) => all,
    };
    let things = Things::of(deployment);
    let ours: Vec<_> = all
        .iter()
        .filter(|alarm| {
            let mut watched = alarm.watches.iter();
            watched.any(|metric| things.find(metric).is_some())
        })
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

/// The things whose metrics are this deployment's, by the names that dimensions have for
/// them; empty for what is not known.
struct Things<'a> {
    function: &'a str,
    stream: &'a str,
    record_mapping: &'a str,
    retry_mapping: &'a str,
    parking_queue: &'a str,
    dead_letters: &'a str,
}

impl<'a> Things<'a> {
    fn of(deployment: &'a Deployment) -> Self {
        let (stream, record_mapping) = match deployment.record_mapping() {
            Ok(Some(mapping)) => (arn::name(&mapping.source_arn), mapping.id.as_str()),
            Ok(None) | Err(_) => ("", ""),
        };
        let (parking_queue, redrive) = match &deployment.parking_queue {
            Ok(Some(queue)) => (arn::name(&queue.arn), queue.redrive.as_ref()),
            Ok(None) | Err(_) => ("", None),
        };
        let mut mappings = deployment.mappings.iter().flatten();
        let retry_mapping = mappings.find(|mapping| {
            mapping.reads_service("sqs") && arn::name(&mapping.source_arn) == parking_queue
        });
        Self {
            function: &deployment.function_name,
            stream,
            record_mapping,
            retry_mapping: retry_mapping.map_or("", |mapping| &mapping.id),
            parking_queue,
            dead_letters: redrive.map_or("", |redrive| arn::name(&redrive.target_arn)),
        }
    }

    /// Which of these things the metric is of, if it is of one.
    fn find(&self, metric: &Metric) -> Option<Thing> {
        let dimension = |name: &str| {
            let mut named = metric.dimensions.iter();
            let of = named.find(|(dimension, _)| dimension == name);
            of.map(|(_, value)| value.as_str())
        };
        let is = |name: &str, known: &str| !known.is_empty() && dimension(name) == Some(known);
        let mapping = "EventSourceMappingUUID";
        match metric.namespace.as_str() {
            "Callreel" if metric.name == "StayedPartial" => Some(Thing::Again),
            // The function's own metrics say which function only where they have a
            // dimension for it.
            "Callreel" => {
                let mut of = ["Function", "FunctionName"]
                    .into_iter()
                    .filter_map(dimension);
                of.all(|name| name == self.function)
                    .then_some(Thing::Function)
            }
            "AWS/Lambda" if is("FunctionName", self.function) => Some(Thing::Function),
            "AWS/Lambda" if is(mapping, self.record_mapping) => Some(Thing::RecordMapping),
            "AWS/Lambda" if is(mapping, self.retry_mapping) => Some(Thing::RetryMapping),
            "AWS/Kinesis" if is("StreamName", self.stream) => Some(Thing::RecordStream),
            "AWS/SQS" if is("QueueName", self.parking_queue) => Some(Thing::ParkingQueue),
            "AWS/SQS" if is("QueueName", self.dead_letters) => Some(Thing::DeadLetters),
            _ => None,
        }
    }
}

fn watched(
    words: &str,
    metrics: &[Watched],
    ours: &[&Alarm],
    things: &Things<'_>,
    report: &mut Report,
) {
    let watches = |alarm: &&&Alarm| {
        alarm.watches.iter().any(|metric| {
            let mut wanted = metrics.iter();
            wanted.any(|(thing, namespace, name)| {
                let named = (metric.namespace.as_str(), metric.name.as_str());
                named == (*namespace, *name) && things.find(metric) == Some(*thing)
            })
        })
    };
    match ours.iter().find(watches) {
        Some(alarm) => report.ok(Check::Alarms, words, &alarm.name),
        None => {
            let metrics = metrics.iter();
            let metrics = metrics.map(|(_, namespace, name)| format!("{namespace} {name}"));
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
