//! The event that `callreel record` reads: out of a file, or from standard input as `-`.

use std::io::{self, Read};
use std::path::Path;

use super::CliError;
use crate::event::batch::{self, BatchRecord, Origin};
use crate::local::begins_as;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// An event's records.
pub(super) fn read(path: &Path) -> Result<(Origin, Vec<BatchRecord>), CliError> {
    let told = |error: &dyn std::fmt::Display, cure: &str| {
        CliError::Told(format!("{}: {error}; {cure}", name(path)))
    };
    let event = bytes(path).map_err(|error| {
        told(
            &error,
            "give the path of a Kinesis or SQS event, e.g. events/kinesis-event.json",
        )
    })?;
    batch::read_event(&event).map_err(|error| match begins_as(&event) {
        Some(kind) if kind.is_packed() => told(
            &format_args!("not JSON, but {}", kind.name()),
            "unpack it first, and give the event that is in it",
        ),
        Some(_) | None => told(
            &error,
            "give a Kinesis or SQS event as Lambda gets it, e.g. events/kinesis-event.json",
        ),
    })
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
