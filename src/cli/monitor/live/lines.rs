//! What happens as lines: for people, or JSON for programs.

use serde_json::json;

use super::super::SCHEMA;
use super::Told;
use crate::cli::text;
use crate::monitor::happening::{Happening, What};

/// What is told, as a line; sound is none.
pub(super) fn of(told: &Told, json: bool) -> Option<String> {
    let (people, programs) = match told {
        Told::Ready => (
            "ready: calls that begin from now on are watched".to_owned(),
            json!({"schema": SCHEMA, "ready": true}),
        ),
        Told::Receiving(Ok(())) => (
            "the data stream is read again".to_owned(),
            json!({"schema": SCHEMA, "receiving": true}),
        ),
        Told::Receiving(Err(why)) => (
            format!(
                "the data stream cannot be read, and is tried again: {}",
                text::plain(why)
            ),
            json!({"schema": SCHEMA, "receiving": false, "cause": why}),
        ),
        Told::Skipped(why) => (
            format!("skipped: {}", text::plain(why)),
            json!({"schema": SCHEMA, "skipped": why}),
        ),
        Told::Happening(happening) => return of_call(happening, json),
    };
    Some(match json {
        true => programs.to_string(),
        false => people,
    })
}

fn of_call(happening: &Happening, json: bool) -> Option<String> {
    let (word, detail) = match &happening.what {
        What::Sound(_) => return None,
        What::Began(began) => ("began", began.label.clone().unwrap_or_default()),
        What::Gap { millis, .. } => ("gap", format!("{millis} ms")),
        What::Reconnecting(how) => ("reconnecting", how.to_string()),
        What::Warning(warning) => ("warning", warning.clone()),
        What::Failed(why) => ("error", why.clone()),
        What::Ended(ending) => ("ended", ending.to_string()),
    };
    let (contact, at) = (&*happening.contact, happening.at.to_rfc3339());
    if json {
        let line = json!({
            "schema": SCHEMA, "contact": contact, "at": at, "what": word, "detail": detail,
        });
        return Some(line.to_string());
    }
    let (contact, detail) = (text::plain(contact), text::plain(&detail));
    Some(format!("{at} {contact} {word}: {detail}"))
}
