//! What the function says: JSON lines, one INFO event a recording, an ERROR with its cure
//! for everything lost or in danger, and CloudWatch metrics in the embedded metric
//! format. Ids and numbers only: no telephone number, no attribute value.
//!
//! Format: CloudWatch User Guide, "Embedded metric format specification".

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::archive::heard::LOG_TARGET;
use crate::batches::{Batch, Handled, Settled};
use crate::connect::record::NotAContactRecord;
use crate::event::batch::BatchRecord;
use crate::failure::{Action, Failure, WaitsFor};
use crate::media::counts::nearest;
use crate::recorder::{AttributesOutcome, Recorded, Trouble, Worked};
use crate::recording::attributes::MAX_ATTRIBUTE_BYTES;
use crate::recording::decide::SkipReason;
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::{NOT_STREAMED, Reason, SILENT_SIDE, Status, Verdict};
use crate::settings::LogLevel;

/// The namespace of the metrics.
pub(super) const NAMESPACE: &str = "Callreel";

/// The metric of links to voicemail's recordings that could not be signed: by `deliver`, or for a
/// guide by `sign`.
pub(super) const LINKS_FAILED: &str = "VoicemailLinksFailed";

/// JSON lines on standard output from here on.
pub(super) fn start(level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false);
    // Who listened is told whatever the level is: it is what that log is kept for.
    let told = Targets::new()
        .with_default(level)
        .with_target(LOG_TARGET, LevelFilter::INFO);
    tracing_subscriber::registry().with(told).with(lines).init();
}

/// An error before there is a log.
#[expect(clippy::print_stderr, reason = "there is no log yet")]
pub(super) fn plain_error(message: &str) {
    eprintln!("{}", json!({"level": "ERROR", "message": message}));
}

/// Tells of one part of a record when it ended.
pub(super) fn tell(record: &BatchRecord, worked: &Worked) {
    let item_id = record.item_id.as_deref().unwrap_or_default();
    match worked {
        Worked::Recorded(plan, recorded) => tell_recorded(plan, recorded),
        Worked::Failed(plan, failure) => tell_failure(plan, failure),
        Worked::Skipped { contact, reason } if reason.is_forbidden() => tracing::warn!(
            contact = &**contact,
            cause = %reason,
            cure = "if it shall be recorded, empty that attribute and redrive the contact",
            "may be recorded, and is not"
        ),
        Worked::Skipped {
            contact,
            reason: SkipReason::Withdrawn,
        } => tell_withdrawn(contact, &SkipReason::Withdrawn),
        // One line, however many there are.
        Worked::NotAContactRecord(NotAContactRecord::OtherShape(left_out)) => {
            let items = left_out.count;
            tracing::info!(item_id, items, reason = %left_out, "skipped");
        }
        Worked::Skipped { .. }
        | Worked::NotAContactRecord(NotAContactRecord::Unreadable(_))
        | Worked::NotOpened { .. }
        | Worked::Undecodable(_) => match (worked.trouble(), worked) {
            (Some(trouble), _) => tell_trouble(item_id, &trouble),
            (None, Worked::Skipped { contact, reason }) => {
                tracing::info!(contact = &**contact, reason = %reason, "skipped");
            }
            (None, _) => {}
        },
    }
}

/// Tells of a record that cannot be worked as it is.
fn tell_trouble(item_id: &str, trouble: &Trouble<'_>) {
    tracing::error!(
        item_id,
        contact = trouble.contact,
        kind = trouble.failure.kind.name(),
        cause = format!("{}: {}", trouble.failure.subject, trouble.failure.cause),
        cure = trouble.failure.cure(),
        "failed"
    );
}

pub(super) fn tell_recorded(plan: &RecordingPlan, recorded: &Recorded) {
    let verdict = &recorded.verdict;
    let gaps = [&verdict.sides.from, &verdict.sides.to];
    let gap_seconds: f64 = gaps
        .into_iter()
        .flatten()
        .map(|side| side.gaps.seconds)
        .sum();
    tracing::info!(
        contact = &*plan.id.contact,
        recording = %plan.id.start,
        status = verdict.status.name(),
        found = recorded.found,
        seconds = verdict.span.seconds,
        gap_seconds,
        fragments = verdict.fragments.asked,
        missing = verdict.fragments.missing,
        retries = verdict.fragments.asked_again,
        bytes = verdict.files.iter().map(|file| file.bytes).sum::<u64>(),
        attributes = recorded.attributes.name(),
        verdict_ms = millis(recorded.timings.verdict),
        list_ms = millis(recorded.timings.list),
        media_ms = millis(recorded.timings.media),
        files_ms = millis(recorded.timings.files),
        commit_ms = millis(recorded.timings.commit),
        attributes_ms = millis(recorded.timings.attributes),
        "recorded"
    );
    // A side that was never streamed is no loss, whatever it says of the flow.
    let (never_streamed, lacks): (Vec<_>, Vec<_>) =
        (verdict.reasons.iter()).partition(|reason| reason.code == NOT_STREAMED);
    for note in verdict.notes.iter().chain(never_streamed) {
        tracing::warn!(
            contact = &*plan.id.contact,
            recording = %plan.id.start,
            cause = note.detail,
            "worth a look"
        );
    }
    for reason in lacks {
        tracing::error!(
            contact = &*plan.id.contact,
            recording = %plan.id.start,
            status = verdict.status.name(),
            cause = reason.detail,
            cure = "see the verdict beside the files for what is missing and where",
            "audio is missing"
        );
    }
    match &recorded.attributes {
        AttributesOutcome::NoRoom { bytes } => tracing::error!(
            contact = &*plan.id.contact,
            recording = %plan.id.start,
            cause = format!("the contact's attributes would take {bytes} of {MAX_ATTRIBUTE_BYTES} bytes"),
            cure = "remove attributes; the files are written",
            "not noted"
        ),
        AttributesOutcome::NotOurs { attribute, ours } => tracing::warn!(
            contact = &*plan.id.contact,
            recording = %plan.id.start,
            attribute,
            ours,
            cure = "empty the attribute and redrive the contact; after a change of CLOUDFRONT_DOMAIN, URLs of the former one are not ours",
            "holds a value that Callreel did not write (URLs of ours start with `ours`); it stays"
        ),
        AttributesOutcome::Withdrawn => tracing::error!(
            contact = &*plan.id.contact,
            recording = %plan.id.start,
            cause = "the contact's recordingAuth does not allow all that was recorded; no URL was written",
            cure = forget(&plan.id.contact),
            "consent withdrawn"
        ),
        AttributesOutcome::Failed(_)
        | AttributesOutcome::Written
        | AttributesOutcome::Unchanged
        | AttributesOutcome::NothingToWrite => {}
    }
    if let Some(failure) = recorded.failure(plan) {
        tell_failure(plan, &failure);
    }
}

/// Tells of recordings that are there and that their contact does not allow any more.
pub(super) fn tell_withdrawn(contact: &str, reason: &SkipReason) {
    tracing::error!(
        contact,
        cause = %reason,
        cure = forget(contact),
        "consent withdrawn"
    );
}

/// What removes what was recorded. An id is data, and no part of somebody's command line
/// unless it is plain.
fn forget(contact: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let contact = match contact.bytes().all(is_plain) {
        true => contact,
        false => "ID",
    };
    format!(
        "delete what was recorded: callreel forget --aws --stack NAME --contact {contact} (docs/operations.md)"
    )
}

fn tell_failure(plan: &RecordingPlan, failure: &Failure) {
    tracing::error!(
        contact = &*plan.id.contact,
        recording = %plan.id.start,
        stream = &*plan.stream,
        kind = failure.kind.name(),
        cause = format!("{}: {}", failure.subject, failure.cause),
        cure = failure.cure(),
        "failed"
    );
}

/// Tells what became of a record that could not be worked to its end.
pub(super) fn tell_settled(batch: &Batch, handled: &Handled) {
    let item_id = handled.record.item_id.as_deref().unwrap_or_default();
    match &handled.settled {
        Settled::Done => {}
        Settled::HandedBack => {
            tracing::warn!(item_id, origin = ?batch.origin, "handed back")
        }
        Settled::Parked => {
            let waits_for = handled.worked.waits_for().map(WaitsFor::name);
            tracing::warn!(item_id, waits_for, "parked");
        }
        Settled::LeftOut => tracing::error!(
            item_id,
            cause = "it cannot be worked as it is, nor parked: there is no queue (PARKING_QUEUE_URL), or it is larger than a message (1 MiB)",
            cure = "fetch it from the data stream by its sequence number while that keeps it, and redrive it",
            "left out"
        ),
        Settled::NotParked(failure) => tracing::error!(
            item_id,
            kind = failure.kind.name(),
            cause = format!("{}: {}", failure.subject, failure.cause),
            cure = failure.cure(),
            "not parked, handed back"
        ),
    }
}

/// The metrics of a batch, one line for each status that came up.
pub(super) fn metrics(batch: &Batch, function: &str, now: SystemTime) {
    let since = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let parts = batch
        .records
        .iter()
        .flat_map(|handled| handled.worked.parts.iter().map(move |part| (handled, part)));
    for (handled, part) in parts {
        if let Some(metrics) = metrics_of(handled, part, since.as_secs_f64()) {
            emit(&metrics, function, now);
        }
    }
}

/// Writes a line of metrics. Each dimension is a metric that is paid for: where the names say
/// all, there is no status.
#[expect(clippy::print_stdout, reason = "metrics are lines on standard output")]
pub(super) fn emit(metrics: &Metrics, function: &str, now: SystemTime) {
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    let millis = millis(since.unwrap_or_default());
    println!("{}", emf(metrics, function, millis));
}

/// Writes values that are counted by the function alone.
pub(super) fn count(values: Vec<(&'static str, &'static str, f64)>, function: &str) {
    let status = "";
    emit(&Metrics { status, values }, function, SystemTime::now());
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(super) struct Metrics {
    /// What the values are counted by as well; empty for nothing.
    pub status: &'static str,
    pub values: Vec<(&'static str, &'static str, f64)>,
}

/// Sides of which nothing is heard: silent from end to end, or never streamed.
fn silent_sides(verdict: &Verdict) -> f64 {
    let is_silent = |reason: &&Reason| [SILENT_SIDE, NOT_STREAMED].contains(&&*reason.code);
    let told = verdict.notes.iter().chain(&verdict.reasons);
    f64::from(u8::from(told.filter(is_silent).count() > 0))
}

fn metrics_of(handled: &Handled, part: &Worked, now: f64) -> Option<Metrics> {
    let waits_for = part.action().map(Action::waits_for);
    let waits_for = waits_for.filter(|_| handled.settled == Settled::Parked);
    let count = |waits| f64::from(u8::from(waits_for == Some(waits)));
    // What needs a person is an alarm of its own; what comes out well by itself is none.
    let parked = ("Parked", "Count", count(WaitsFor::Person));
    let waiting = ("Waiting", "Count", count(WaitsFor::Time));
    let withdrawn = ("Withdrawn", "Count", 1.0);
    let (status, mut values, lost) = match part {
        Worked::Skipped {
            reason: SkipReason::Withdrawn,
            ..
        } => {
            return Some(Metrics {
                status: "withdrawn",
                values: vec![withdrawn],
            });
        }
        // An earlier delivery counted it: what is new is that it waits now.
        Worked::Recorded(_, recorded) if recorded.found => {
            let mut values = match waits_for {
                Some(_) => vec![parked, waiting],
                None => Vec::new(),
            };
            values
                .extend((recorded.attributes == AttributesOutcome::Withdrawn).then_some(withdrawn));
            return (!values.is_empty()).then(|| Metrics {
                status: recorded.verdict.status.name(),
                values,
            });
        }
        Worked::Recorded(_, recorded) => {
            let verdict = &recorded.verdict;
            let retries = nearest(verdict.fragments.asked_again);
            let mut values = vec![
                ("AudioSeconds", "Seconds", verdict.span.seconds),
                ("Retries", "Count", retries),
                ("SilentSides", "Count", silent_sides(verdict)),
            ];
            values
                .extend((recorded.attributes == AttributesOutcome::Withdrawn).then_some(withdrawn));
            (verdict.status.name(), values, verdict.lost_seconds())
        }
        Worked::Failed(plan, _) => {
            let lost = nearest(plan.times.length_millis().unwrap_or(0)) / 1_000.0;
            (Status::Failed.name(), Vec::new(), lost)
        }
        Worked::Skipped { reason, .. } if reason.is_forbidden() => {
            return Some(Metrics {
                status: "skipped",
                values: vec![("Skipped", "Count", 1.0)],
            });
        }
        Worked::Undecodable(_)
        | Worked::NotAContactRecord(NotAContactRecord::Unreadable(_))
        | Worked::NotOpened { .. }
        | Worked::Skipped {
            reason: SkipReason::NotLocated { .. },
            ..
        } => {
            return Some(Metrics {
                status: "unreadable",
                values: vec![("Unreadable", "Count", 1.0), parked],
            });
        }
        Worked::Skipped { .. } | Worked::NotAContactRecord(NotAContactRecord::OtherShape(_)) => {
            return None;
        }
    };
    // A try that is handed back or waits for better times is made again, and most come out
    // well: nothing is lost yet.
    let is_final = status != Status::Failed.name() || waits_for == Some(WaitsFor::Person);
    if is_final {
        values.push(("LostSeconds", "Seconds", lost));
    }
    values.push(("Recordings", "Count", 1.0));
    values.extend([parked, waiting]);
    if let Some(lag) = handled
        .record
        .arrived
        .map(|arrived| (now - arrived.to_seconds()).max(0.0))
    {
        values.push(("RecordToFilesSeconds", "Seconds", lag));
    }
    if let Some(expires) = handled.expires {
        let left = (expires.to_seconds() - now).max(0.0);
        values.push(("RetentionLeftSeconds", "Seconds", left));
    }
    Some(Metrics { status, values })
}

fn emf(metrics: &Metrics, function: &str, timestamp: u64) -> Value {
    let definitions: Vec<_> = metrics
        .values
        .iter()
        .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
        .collect();
    let dimensions = match metrics.status {
        "" => json!([["Function"]]),
        _ => json!([["Function"], ["Function", "Status"]]),
    };
    let mut line = json!({
        "_aws": {
            "Timestamp": timestamp,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": dimensions,
                "Metrics": definitions,
            }],
        },
        "Function": function,
    });
    if !metrics.status.is_empty() {
        line["Status"] = metrics.status.into();
    }
    for (name, _, value) in &metrics.values {
        line[*name] = json!(value);
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::failure::FailureKind;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `tell` writes of a record with the number 7.
    fn told(worked: &Worked) -> Vec<Value> {
        let (lines, record) = (
            Lines::default(),
            BatchRecord {
                item_id: Some("7".to_owned()),
                arrived: None,
                data: Ok(Vec::new()),
            },
        );
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || tell(&record, worked));
        let lines = lines.0.lock().unwrap();
        let lines = lines.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn a_record_that_is_not_opened_is_an_error_with_its_number() {
        let failure = Failure::new(
            FailureKind::Defect,
            "the record",
            "it broke off by a panic: x",
        );
        let lines = told(&Worked::NotOpened {
            contact: Some("c".into()),
            failure,
        });
        assert_eq!(lines.len(), 1);
        for (name, expected) in [
            ("level", "ERROR"),
            ("message", "failed"),
            ("item_id", "7"),
            ("contact", "c"),
            ("kind", "defect"),
            ("cause", "the record: it broke off by a panic: x"),
        ] {
            assert_eq!(lines[0][name], expected, "{name}");
        }
    }
}
