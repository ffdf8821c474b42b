//! The queue of parked records, and the one behind it.

use super::facts::{Deployment, Queue, Unknown};
use super::{Check, Report};
use crate::connect::arn;

const OF_A_QUEUE: &[Check] = &[
    Check::Redrive,
    Check::Visibility,
    Check::Waiting,
    Check::DeadLetters,
];

/// Why nothing can be said of a queue that is not set.
pub(super) fn no_queue() -> Unknown {
    Unknown::new(
        "PARKING_QUEUE_URL is not set",
        Check::ParkingQueue.info().cure,
    )
}

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let settings = match deployment.settings() {
        Ok(settings) => settings,
        Err(unknown) => {
            report.unchecked(&[Check::ParkingQueue], "", &unknown);
            return report.unchecked(OF_A_QUEUE, "", &unknown);
        }
    };
    let Some(url) = &settings.parking_queue else {
        let found = "not set: a record that cannot be worked blocks its shard until it is given up";
        report.warning(Check::ParkingQueue, "PARKING_QUEUE_URL", found);
        return report.unchecked(OF_A_QUEUE, "PARKING_QUEUE_URL", &no_queue());
    };
    let name = arn::name(url);
    match &deployment.parking_queue {
        Err(unknown) => {
            report.unchecked(&[Check::ParkingQueue], name, unknown);
            report.unchecked(OF_A_QUEUE, name, unknown);
        }
        Ok(None) => {
            report.error(Check::ParkingQueue, name, "there is no such queue");
            let gone = Unknown::new("there is no such queue", Check::ParkingQueue.info().cure);
            report.unchecked(OF_A_QUEUE, name, &gone);
        }
        Ok(Some(queue)) => {
            report.ok(Check::ParkingQueue, name, "there");
            visibility(name, queue, deployment, report);
            waiting(name, queue, report);
            dead_letters(name, queue, deployment, report);
        }
    }
}

fn visibility(name: &str, queue: &Queue, deployment: &Deployment, report: &mut Report) {
    let Ok(Some(function)) = &deployment.function else {
        return;
    };
    let (hidden, timeout) = (queue.visibility_seconds, function.timeout_seconds);
    if hidden < timeout {
        let found = format!("{hidden} s, and the function has {timeout} s");
        report.error(Check::Visibility, name, found);
    } else {
        report.ok(Check::Visibility, name, format!("{hidden} s"));
    }
}

fn waiting(name: &str, queue: &Queue, report: &mut Report) {
    match queue.messages {
        0 => report.ok(Check::Waiting, name, "empty"),
        messages => report.warning(Check::Waiting, name, counted(messages)),
    }
}

fn dead_letters(name: &str, queue: &Queue, deployment: &Deployment, report: &mut Report) {
    let Some(redrive) = &queue.redrive else {
        report.warning(Check::Redrive, name, "no dead-letter queue");
        let unknown = Unknown::new("there is no dead-letter queue", Check::Redrive.info().cure);
        return report.unchecked(&[Check::DeadLetters], name, &unknown);
    };
    let behind = arn::name(&redrive.target_arn);
    match &deployment.dead_letters {
        Err(unknown) => report.unchecked(&[Check::Redrive, Check::DeadLetters], behind, unknown),
        Ok(None) => {
            let found = format!("its dead-letter queue {behind} is not there");
            report.error(Check::Redrive, name, found);
            let gone = Unknown::new("there is no such queue", Check::Redrive.info().cure);
            report.unchecked(&[Check::DeadLetters], behind, &gone);
        }
        Ok(Some(dead)) => {
            let found = format!("to {behind} after {} receives", redrive.max_receives);
            report.ok(Check::Redrive, name, found);
            match dead.messages {
                0 => report.ok(Check::DeadLetters, behind, "empty"),
                messages => report.error(Check::DeadLetters, behind, counted(messages)),
            }
        }
    }
}

fn counted(messages: u64) -> String {
    match messages {
        1 => "1 message".to_owned(),
        several => format!("{several} messages"),
    }
}
