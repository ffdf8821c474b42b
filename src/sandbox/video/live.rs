//! GetMedia: what lies in a stream from a start on, to its end.

use serde::Deserialize;

use super::super::streams::{Stored, Stream};
use super::super::wire::Refusal;
use super::{INVALID, Piece};
use crate::media::counts::whole;
use crate::media::fragment::FragmentNumber;

/// Where live media starts.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Start {
    start_selector_type: String,
    start_timestamp: Option<f64>,
    after_fragment_number: Option<String>,
}

/// The same, understood; times in epoch milliseconds.
#[derive(Clone, Copy)]
enum Place {
    Server(i64),
    Producer(i64),
    Behind(FragmentNumber),
}

impl Start {
    fn place(&self) -> Result<Place, String> {
        let time = || {
            let seconds = self.start_timestamp.ok_or("no StartTimestamp")?;
            Ok::<_, String>(whole((seconds * 1_000.0).round()))
        };
        match &*self.start_selector_type {
            "EARLIEST" => Ok(Place::Server(i64::MIN)),
            "SERVER_TIMESTAMP" => time().map(Place::Server),
            "PRODUCER_TIMESTAMP" => time().map(Place::Producer),
            "FRAGMENT_NUMBER" => {
                let number = self.after_fragment_number.as_deref().unwrap_or_default();
                let number = number
                    .parse()
                    .map_err(|error| format!("{number}: {error}"))?;
                Ok(Place::Behind(number))
            }
            other => Err(format!("StartSelectorType {other} is not answered here")),
        }
    }
}

/// The pieces of a stream from a start on.
pub(super) fn pieces(stream: &Stream, start: Option<&Start>) -> Result<Vec<Piece>, Refusal> {
    let start = start.ok_or_else(|| Refusal::new(400, INVALID, "no StartSelector"))?;
    let from = start
        .place()
        .map_err(|error| Refusal::new(400, INVALID, error))?;
    let is_in = |stored: &&Stored| match from {
        // The fragment that holds the instant.
        Place::Server(time) => stored.server + stored.millis > time,
        Place::Producer(time) => stored.producer + stored.millis > time,
        Place::Behind(number) => stored.number > number,
    };
    Ok(stream.stored.iter().filter(is_in).map(Piece::of).collect())
}
