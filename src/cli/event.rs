//! The event that a command reads: out of a file, or from standard input as `-`.

use std::fmt::Display;
use std::io::{self, Read};
use std::path::Path;

use super::CliError;
use crate::connect::contact_event::ContactEvent;
use crate::connect::flow_call::FlowCall;
use crate::event::Event;
use crate::event::batch::{self, BatchRecord, Origin};
use crate::local::begins_as;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// What an event asks for.
#[derive(Debug)]
pub(super) enum Asked {
    /// To record what these records name.
    Records(Origin, Vec<BatchRecord>),
    /// To save the message of this contact.
    Message(ContactEvent),
}

/// An event with records, or of a contact.
pub(super) fn read(path: &Path) -> Result<Asked, CliError> {
    const EXAMPLE: &str = "e.g. events/kinesis-event.json";
    let event = bytes(path).map_err(|error| {
        let cure = format!("give the path of a Kinesis or SQS event, {EXAMPLE}");
        told(path, &error, &cure)
    })?;
    if let Ok(Event::ContactEvent(notice)) = crate::event::read(&event) {
        let read = ContactEvent::read(&notice);
        return read.map(Asked::Message).map_err(|error| {
            let cure = "give one as EventBridge sends it, e.g. events/contact-disconnected.json";
            told(path, &error, cure)
        });
    }
    let read = batch::read_event(&event);
    let (origin, records) = read.map_err(|error| {
        let cure = format!("give a Kinesis or SQS event as Lambda gets it, {EXAMPLE}");
        not_read(path, &event, &error, &cure)
    })?;
    Ok(Asked::Records(origin, records))
}

/// A contact flow's call.
pub(super) fn read_flow_call(path: &Path) -> Result<FlowCall, CliError> {
    const CURE: &str = "give the event of a contact flow's Invoke Lambda function block, e.g. events/flow-call.json";
    let event = bytes(path).map_err(|error| told(path, &error, CURE))?;
    match crate::event::read(&event) {
        Ok(Event::FlowCall(data)) => {
            FlowCall::read(&data).map_err(|error| told(path, &error, CURE))
        }
        Ok(_) => Err(told(path, &"no contact flow's call", CURE)),
        Err(error) => Err(not_read(path, &event, &error, CURE)),
    }
}

fn told(path: &Path, error: &dyn Display, cure: &str) -> CliError {
    CliError::Told(format!("{}: {error}; {cure}", name(path)))
}

fn not_read(path: &Path, event: &[u8], error: &dyn Display, cure: &str) -> CliError {
    match begins_as(event) {
        Some(kind) if kind.is_packed() => told(
            path,
            &format_args!("not JSON, but {}", kind.name()),
            "unpack it first, and give the event that is in it",
        ),
        Some(_) | None => told(path, error, cure),
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    match path.as_os_str() == STANDARD_INPUT {
        true => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes)?;
            Ok(bytes)
        }
        false => std::fs::read(path),
    }
}

/// What messages call it.
pub(super) fn name(path: &Path) -> String {
    match path.as_os_str() == STANDARD_INPUT {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}
