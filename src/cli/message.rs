//! The message of a contact event, saved in a folder: what the answering machine does when a
//! call is over.

use std::io::{self, Write};
use std::path::Path;

use futures_executor::block_on;
use serde_json::{Value, json};

use super::note::NOTES;
use super::text::{duration, plain};
use super::{CliError, count_bar, ended, folder_url, tell_error, tell_swept, tell_warning};
use crate::answering::{Answering, Saved};
use crate::connect::contact_event::ContactEvent;
use crate::local::{LocalClock, LocalRecordings, LocalStreams};
use crate::port::{NoAnnouncements, NoDeadline};
use crate::recorder::{Progress, Reading};
use crate::recording::plan::Policy;

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.saved/1";
/// Where messages lie below the folder.
pub(super) const MESSAGES: &str = "messages/";

pub(super) fn run(
    streams: &Path,
    folder: &Path,
    event: &ContactEvent,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    let answering = Answering {
        source: LocalStreams::new(streams),
        live: LocalStreams::new(streams),
        store: LocalRecordings::new(folder),
        contacts: LocalStreams::new(streams),
        clock: LocalClock,
        announcements: NoAnnouncements,
        notes: NOTES.to_owned(),
        policy: Policy::new(MESSAGES, folder_url(folder)),
        reading: Reading::default(),
    };
    tell_swept(folder, &answering.store.sweep(Some(MESSAGES)));
    let bar = count_bar("fragments");
    let all = block_on(answering.save(event, &NoDeadline, |progress: Progress| {
        bar.set_length(progress.of);
        bar.set_position(progress.settled);
    }));
    bar.finish_and_clear();
    let (saved, not_saved): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    let saved: Vec<Saved> = saved.into_iter().flatten().collect();
    for one in &saved {
        if let Saved::Empty {
            contact, reasons, ..
        } = one
        {
            let why = reasons
                .first()
                .map_or("nothing was said", |reason| &reason.detail);
            tell_warning(&format!("contact {contact}: no message: {why}"));
        }
    }
    let causes = not_saved.into_iter().filter_map(Result::err);
    let causes: Vec<_> = causes.map(|cause| cause.to_string()).collect();
    if saved.is_empty() {
        return Err(CliError::Told(causes.join("; ")));
    }
    let written = match json {
        true => writeln!(out, "{:#}", all_json(folder, &saved)),
        false => saved
            .iter()
            .try_for_each(|one| write_text(folder, one, out)),
    };
    causes.iter().for_each(|cause| tell_error(cause));
    ended(causes.len(), written)
}

/// The document of the first one, and those of further messages of the contact in it.
fn all_json(folder: &Path, saved: &[Saved]) -> Value {
    let mut documents = saved.iter().map(|one| saved_json(folder, one));
    let mut document = documents.next().unwrap_or_default();
    let more: Vec<_> = documents.collect();
    if !more.is_empty() {
        document["more"] = more.into();
    }
    document
}

fn saved_json(folder: &Path, saved: &Saved) -> Value {
    let out = folder.display().to_string();
    match saved {
        Saved::Skipped { contact, reason } => {
            json!({"schema": SCHEMA, "out": out, "outcome": "skipped", "contact": contact, "reason": reason.to_string()})
        }
        Saved::Empty {
            contact,
            key,
            reasons,
        } => {
            json!({"schema": SCHEMA, "out": out, "outcome": "empty", "contact": contact, "marker_key": key, "reasons": reasons})
        }
        Saved::Message {
            note,
            plan,
            recorded,
            elsewhere,
        } => json!({
            "schema": SCHEMA,
            "out": out,
            "outcome": recorded.verdict.status.name(),
            "contact": note.contact,
            "found": recorded.found,
            "tags": plan.tags.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "recordings_elsewhere": elsewhere,
            "verdict_key": plan.keys.verdict(),
            "verdict": recorded.verdict,
        }),
    }
}

fn write_text(folder: &Path, saved: &Saved, out: &mut dyn Write) -> io::Result<()> {
    let path = |key: &str| folder.join(key).display().to_string();
    match saved {
        Saved::Skipped { contact, reason } => writeln!(out, "{contact}: skipped: {reason}"),
        Saved::Empty { contact, key, .. } => {
            writeln!(out, "{contact}: no message")?;
            writeln!(out, "{}", path(key))
        }
        Saved::Message {
            note,
            plan,
            recorded,
            elsewhere,
        } => {
            let verdict = &recorded.verdict;
            let found = if recorded.found { " (found)" } else { "" };
            let lasts = duration(verdict.span.seconds);
            writeln!(
                out,
                "{}: {}{found}, {lasts}",
                note.contact,
                verdict.status.name()
            )?;
            for file in &verdict.files {
                writeln!(out, "{}", path(&file.key))?;
            }
            writeln!(out, "{}", path(&plan.keys.verdict()))?;
            for reason in &verdict.reasons {
                writeln!(
                    out,
                    "  {}: {}",
                    verdict.status.name(),
                    plain(&reason.detail)
                )?;
            }
            if *elsewhere > 0 {
                writeln!(
                    out,
                    "  note: {elsewhere} more on other streams, in no message"
                )?;
            }
            Ok(())
        }
    }
}
