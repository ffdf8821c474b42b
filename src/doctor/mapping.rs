//! The mappings that feed the function, and the data stream behind the first.

use super::facts::{Deployment, Mapping, RecordStream, Unknown};
use super::filter::can_drop;
use super::{Check, Report};
use crate::connect::arn;

/// Fewer attempts than this, and a short trouble is enough to give a record up: a hundred took
/// 30 to 42 s of an outage, one after the other.
const LEAST_ATTEMPTS: u32 = 5_000;
/// A day, which is what a stream has when nobody set anything.
const ONE_DAY_HOURS: u32 = 24;

const OF_A_MAPPING: &[Check] = &[
    Check::Mapping,
    Check::MappingResult,
    Check::PartialBatches,
    Check::Bisect,
    Check::Attempts,
    Check::RecordAge,
    Check::FailureDestination,
    Check::StartingPosition,
    Check::Filter,
];
const OF_A_STREAM: &[Check] = &[Check::RecordStream, Check::RecordRetention];

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let name = &deployment.function_name;
    match deployment.record_mapping() {
        Err(unknown) => report.unchecked(OF_A_MAPPING, name, &unknown),
        Ok(None) => {
            let found = "no mapping reads a Kinesis data stream";
            report.error(Check::Mapping, name, found);
            report.unchecked(&OF_A_MAPPING[1..], name, &no_mapping());
        }
        Ok(Some(_)) => {
            let mappings = deployment.mappings.iter().flatten();
            for mapping in mappings.filter(|mapping| mapping.reads_service("kinesis")) {
                of_records(mapping, deployment, report);
            }
        }
    }
    retry_mapping(deployment, report);
    record_stream(deployment, report);
}

fn no_mapping() -> Unknown {
    Unknown::new(
        "there is no mapping of contact records",
        Check::Mapping.info().cure,
    )
}

fn of_records(mapping: &Mapping, deployment: &Deployment, report: &mut Report) {
    let subject = &format!("{} from {}", mapping.id, arn::name(&mapping.source_arn));
    state(Check::Mapping, subject, mapping, report);
    result(subject, mapping, report);
    if mapping.reports_failures() {
        report.ok(Check::PartialBatches, subject, "set");
    } else {
        report.error(Check::PartialBatches, subject, "not set");
    }
    match mapping.bisect {
        true => report.ok(Check::Bisect, subject, "set"),
        false => report.warning(Check::Bisect, subject, "not set"),
    }
    attempts(subject, mapping, report);
    record_age(subject, mapping, deployment, report);
    failure_destination(subject, mapping, report);
    starting_position(subject, mapping, report);
    match can_drop(&mapping.filters) {
        None if mapping.filters.is_empty() => report.ok(Check::Filter, subject, "no filter"),
        None => report.ok(Check::Filter, subject, "matches every wanted record"),
        Some(why) => report.error(Check::Filter, subject, why),
    }
}

fn state(check: Check, subject: &str, mapping: &Mapping, report: &mut Report) {
    match mapping.state.as_str() {
        "Enabled" => report.ok(check, subject, "Enabled"),
        "Creating" | "Enabling" | "Updating" => report.warning(check, subject, &mapping.state),
        other => report.error(check, subject, other),
    }
}

fn result(subject: &str, mapping: &Mapping, report: &mut Report) {
    let found = mapping
        .last_result
        .as_deref()
        .unwrap_or("No records processed");
    match found {
        // Also when it never had a record: not a fault by itself.
        "OK" | "No records processed" => report.ok(Check::MappingResult, subject, found),
        other => report.error(Check::MappingResult, subject, other),
    }
}

fn attempts(subject: &str, mapping: &Mapping, report: &mut Report) {
    match (mapping.attempts, mapping.max_age_seconds) {
        (None, None) => report.error(Check::Attempts, subject, "for ever"),
        (None, Some(_)) => report.ok(Check::Attempts, subject, "until the records are too old"),
        (Some(few), _) if few < LEAST_ATTEMPTS => {
            report.warning(Check::Attempts, subject, few.to_string());
        }
        (Some(number), _) => report.ok(Check::Attempts, subject, number.to_string()),
    }
}

fn record_age(subject: &str, mapping: &Mapping, deployment: &Deployment, report: &mut Report) {
    let kept = match &deployment.record_stream {
        Ok(Some(stream)) if stream.arn == mapping.source_arn => Some(stream.retention_hours),
        Ok(_) | Err(_) => None,
    };
    match (mapping.max_age_seconds, kept) {
        (None, _) => report.warning(Check::RecordAge, subject, "any age"),
        (Some(seconds), Some(hours)) if seconds >= hours.saturating_mul(3_600) => {
            let found = format!("{seconds} s, and the stream keeps records for {hours} h");
            report.warning(Check::RecordAge, subject, found);
        }
        (Some(seconds), Some(_) | None) => {
            report.ok(Check::RecordAge, subject, format!("{seconds} s"));
        }
    }
}

fn failure_destination(subject: &str, mapping: &Mapping, report: &mut Report) {
    match mapping.failure_destination.as_deref() {
        None => report.error(
            Check::FailureDestination,
            subject,
            "none: records that are given up are lost",
        ),
        Some(arn) if arn::service(arn) == Some("s3") => {
            report.ok(Check::FailureDestination, subject, arn)
        }
        Some(arn) => report.warning(Check::FailureDestination, subject, arn),
    }
}

fn starting_position(subject: &str, mapping: &Mapping, report: &mut Report) {
    match mapping.starting_position.as_deref() {
        Some("LATEST") => report.warning(Check::StartingPosition, subject, "LATEST"),
        Some(other) => report.ok(Check::StartingPosition, subject, other),
        None => {
            let unknown = Unknown::new("Lambda does not say", "look at the template");
            report.unchecked(&[Check::StartingPosition], subject, &unknown);
        }
    }
}

/// The mapping of the queue that the settings name.
fn retry_mapping(deployment: &Deployment, report: &mut Report) {
    let check = Check::RetryMapping;
    let name = &deployment.function_name;
    let mappings = match &deployment.mappings {
        Ok(mappings) => mappings,
        Err(unknown) => return report.unchecked(&[check], name, unknown),
    };
    let settings = match deployment.settings() {
        Ok(settings) => settings,
        Err(unknown) => return report.unchecked(&[check], name, &unknown),
    };
    let Some(url) = &settings.parking_queue else {
        return report.unchecked(&[check], name, &super::queues::no_queue());
    };
    // https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
    let queue = arn::name(url);
    let reads = |mapping: &&Mapping| {
        mapping.reads_service("sqs") && arn::name(&mapping.source_arn) == queue
    };
    let Some(mapping) = mappings.iter().find(reads) else {
        return report.warning(check, queue, "no mapping reads the parking queue");
    };
    let subject = format!("{} from {queue}", mapping.id);
    if !mapping.reports_failures() {
        return report.error(check, subject, "ReportBatchItemFailures is not set");
    }
    match mapping.state.as_str() {
        "Enabled" => report.ok(check, subject, "Enabled, with ReportBatchItemFailures"),
        other => report.warning(check, subject, other),
    }
}

fn record_stream(deployment: &Deployment, report: &mut Report) {
    let named = match deployment.record_mapping() {
        Ok(Some(mapping)) => arn::name(&mapping.source_arn).to_owned(),
        Ok(None) => return report.unchecked(OF_A_STREAM, "", &no_mapping()),
        Err(unknown) => return report.unchecked(OF_A_STREAM, "", &unknown),
    };
    match &deployment.record_stream {
        Err(unknown) => report.unchecked(OF_A_STREAM, &named, unknown),
        Ok(None) => {
            report.error(Check::RecordStream, &named, "there is no such stream");
            let gone = Unknown::new("there is no such stream", Check::RecordStream.info().cure);
            report.unchecked(&[Check::RecordRetention], &named, &gone);
        }
        Ok(Some(stream)) => {
            stream_state(&named, stream, report);
        }
    }
}

fn stream_state(named: &str, stream: &RecordStream, report: &mut Report) {
    match stream.status.as_str() {
        "ACTIVE" | "UPDATING" => report.ok(Check::RecordStream, named, &stream.status),
        other => report.error(Check::RecordStream, named, other),
    }
    let found = format!("{} h", stream.retention_hours);
    match stream.retention_hours {
        ..=ONE_DAY_HOURS => report.warning(Check::RecordRetention, named, found),
        _ => report.ok(Check::RecordRetention, named, found),
    }
}
