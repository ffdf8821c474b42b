//! What happens as lines: for people, or JSON for programs.

use std::io::{self, Write};

use serde_json::json;

use super::Told;
use crate::cli::text;
use crate::monitor::happening::{Happening, What};

/// Prints what is told.
pub(super) struct Lines {
    json: bool,
}

impl Lines {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn print(&mut self, told: &Told, out: &mut dyn Write) -> io::Result<()> {
        match told {
            Told::Ready if self.json => line(out, &json!({"ready": true})),
            Told::Ready => writeln!(out, "ready: calls that begin from now on are watched"),
            Told::Receiving(Ok(())) if self.json => line(out, &json!({"receiving": true})),
            Told::Receiving(Ok(())) => writeln!(out, "the data stream is read again"),
            Told::Receiving(Err(why)) if self.json => {
                line(out, &json!({"receiving": false, "cause": why}))
            }
            Told::Receiving(Err(why)) => {
                writeln!(
                    out,
                    "the data stream cannot be read, and is tried again: {}",
                    text::plain(why)
                )
            }
            Told::Skipped(why) if self.json => line(out, &json!({"skipped": why})),
            Told::Skipped(why) => writeln!(out, "skipped: {}", text::plain(why)),
            Told::Happening(happening) => self.print_happening(happening, out),
        }
    }

    fn print_happening(&self, happening: &Happening, out: &mut dyn Write) -> io::Result<()> {
        let (word, detail) = match &happening.what {
            What::Sound(_) => return Ok(()),
            What::Began(began) => ("began", began.label.clone().unwrap_or_default()),
            What::Gap { millis, .. } => ("gap", format!("{millis} ms")),
            What::Reconnecting(how) => ("reconnecting", how.to_string()),
            What::Warning(warning) => ("warning", warning.clone()),
            What::Failed(why) => ("error", why.clone()),
            What::Ended(ending) => ("ended", ending.to_string()),
        };
        let (contact, at) = (&*happening.contact, happening.at.to_rfc3339());
        match self.json {
            true => line(
                out,
                &json!({"contact": contact, "at": at, "what": word, "detail": detail}),
            ),
            false => writeln!(
                out,
                "{at} {} {word}: {}",
                text::plain(contact),
                text::plain(&detail)
            ),
        }
    }
}

fn line(out: &mut dyn Write, value: &serde_json::Value) -> io::Result<()> {
    writeln!(out, "{value}")
}
