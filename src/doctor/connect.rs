//! The Connect instance: where it puts media and contact records, and the video streams
//! that it has made.

use super::facts::{Deployment, Instance, Unknown, VideoStream};
use super::{Check, Report};
use crate::connect::arn;

/// A day: less is too short for somebody to mend something first.
const ONE_DAY_HOURS: u32 = 24;
/// How many streams one finding names.
const MOST_NAMED: usize = 20;

const OF_AN_INSTANCE: &[Check] = &[
    Check::MediaStreaming,
    Check::MediaRetention,
    Check::ContactRecords,
    Check::StreamRetention,
];

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    match deployment.instance() {
        Err(unknown) => report.unchecked(OF_AN_INSTANCE, "", &unknown),
        Ok(None) => {
            let unknown = Unknown::new(
                "there is no Connect instance in this account and region",
                "name the instance's region with --region",
            );
            report.unchecked(OF_AN_INSTANCE, "", &unknown);
        }
        Ok(Some(instance)) => {
            media(instance, report);
            contact_records(instance, deployment, report);
            streams(instance, deployment, report);
        }
    }
}

fn media(instance: &Instance, report: &mut Report) {
    let name = &instance.id;
    let checks = &[Check::MediaStreaming, Check::MediaRetention];
    let storages = match &instance.media {
        Err(unknown) => return report.unchecked(checks, name, unknown),
        Ok(storages) => storages,
    };
    if storages.is_empty() {
        report.error(Check::MediaStreaming, name, "not configured");
        let unknown = Unknown::new(
            "live media streaming is not configured",
            Check::MediaStreaming.info().cure,
        );
        report.unchecked(&[Check::MediaRetention], name, &unknown);
    }
    for storage in storages {
        let found = format!("configured, prefix {:?}", storage.prefix);
        report.ok(Check::MediaStreaming, name, found);
        let found = format!("{} h", storage.retention_hours);
        match storage.retention_hours {
            0 => report.error(Check::MediaRetention, name, "0 h: nothing can be read"),
            hours if hours < ONE_DAY_HOURS => report.warning(Check::MediaRetention, name, found),
            _ => report.ok(Check::MediaRetention, name, found),
        }
    }
}

fn contact_records(instance: &Instance, deployment: &Deployment, report: &mut Report) {
    let check = Check::ContactRecords;
    let name = &instance.id;
    let targets = match &instance.records {
        Err(unknown) => return report.unchecked(&[check], name, unknown),
        Ok(targets) => targets,
    };
    let mapping = match deployment.record_mapping() {
        Err(unknown) => return report.unchecked(&[check], name, &unknown),
        Ok(mapping) => mapping,
    };
    let reaches = mapping.is_some_and(|mapping| instance.sends_records_to(&mapping.source_arn));
    let first = targets.first().map(String::as_str);
    match (first, mapping) {
        (None, _) => report.error(check, name, "goes nowhere: data streaming is not enabled"),
        (Some(arn), _) if reaches => report.ok(check, name, format!("go to {arn}")),
        (Some(arn), _) if arn::service(arn) == Some("firehose") => {
            report.error(check, name, format!("go to the Firehose stream {arn}"));
        }
        (Some(arn), None) => {
            report.error(check, name, format!("go to {arn}, which no mapping reads"))
        }
        (Some(arn), Some(mapping)) => {
            let found = format!("go to {arn}; the mapping reads {}", mapping.source_arn);
            report.error(check, name, found);
        }
    }
}

fn streams(instance: &Instance, deployment: &Deployment, report: &mut Report) {
    let check = Check::StreamRetention;
    let streams = match &deployment.video_streams {
        Err(unknown) => return report.unchecked(&[check], &instance.id, unknown),
        Ok(streams) => streams,
    };
    let unreadable = |stream: &&VideoStream| stream.retention_hours == 0;
    let (none, some): (Vec<_>, Vec<_>) = streams.iter().partition(unreadable);
    for stream in &none {
        let found = "0 h: its media can never be read, whatever the instance is set to now";
        report.error(check, &stream.name, found);
    }
    let short: Vec<_> = some
        .iter()
        .filter(|stream| stream.retention_hours < ONE_DAY_HOURS)
        .map(|stream| format!("{} ({} h)", stream.name, stream.retention_hours))
        .collect();
    if !short.is_empty() {
        let found = format!("under a day: {}", listed(&short));
        report.warning(check, &instance.id, found);
    }
    if none.is_empty() && short.is_empty() {
        let found = match some.iter().map(|stream| stream.retention_hours).min() {
            None => "no stream yet: Connect makes them with the first calls".to_owned(),
            Some(least) => format!("{} streams, {least} h or more", some.len()),
        };
        report.ok(check, &instance.id, found);
    }
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>();
    match names.len().checked_sub(MOST_NAMED) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}
