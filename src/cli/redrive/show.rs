//! What redriving found and did, as tables and as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Messages;
use super::gather::{Gathered, Left};
use crate::cli::reader::Reader;
use crate::cli::table::write_table;
use crate::cli::text::{counted, short_number};
use crate::cli::worked::{HEADING, part_json, row};
use crate::event::batch::Origin;
use crate::failure::{Failure, WaitsFor};
use crate::media::sides::Authorisation;
use crate::media::ticks::EpochMillis;
use crate::recorder::{AttributesOutcome, Worked};
use crate::recording::decide::SkipReason;
use crate::recording::redrive::{Planned, SCHEMA, Urgency, reason, started};

/// Skipped recordings that are shown one by one; JSON has all.
const MAX_LEFT_SHOWN: usize = 50;
/// Characters of a reason in a table.
const MAX_REASON: usize = 80;

/// What is allowed of a recording now, or why nobody can tell.
pub(super) type ConsentNow = Result<Result<Authorisation, SkipReason>, Failure>;

/// What there is to tell.
pub(super) struct Report {
    now: EpochMillis,
    dry_run: bool,
    looked_at: Value,
    looked_at_text: String,
    plan: Vec<Value>,
    rows: Vec<[String; 7]>,
    left: Vec<Value>,
    left_rows: Vec<[String; 3]>,
    /// What became of each, unless it was a dry run.
    pub results: Option<Vec<Worked>>,
    /// What became of the queue's messages.
    pub messages: Option<Messages>,
    /// One line for everything that could not be done.
    pub errors: Vec<String>,
}

impl Report {
    /// Consents are those of a dry run, one for each that is planned; a run tells by its results.
    pub(super) fn new(
        now: EpochMillis,
        found: &Gathered,
        calls: &[Vec<Planned>],
        consents: Option<Vec<ConsentNow>>,
    ) -> Self {
        let dry_run = consents.is_some();
        let consents = consents.unwrap_or_default();
        let planned = || {
            let consents = consents.iter().map(Some).chain(std::iter::repeat(None));
            calls.iter().flatten().zip(consents)
        };
        let not_known = planned().filter_map(|(planned, consent)| {
            let failure = consent?.as_ref().err()?;
            let contact = &planned.candidate.plan.id.contact;
            Some(format!(
                "contact {contact}: its consent is not known: {failure}"
            ))
        });
        let errors = found.errors.iter().cloned().chain(not_known).collect();
        let counts = [
            (found.verdicts, "verdict"),
            (found.received, "message"),
            (found.batches, "failed batch"),
            (found.contacts, "contact"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let mut looked_at: Vec<_> = counts
            .map(|(count, noun)| counted(count as u64, noun).replace("batchs", "batches"))
            .collect();
        if found.complete > 0 {
            looked_at.push(format!("{} of the verdicts complete", found.complete));
        }
        Self {
            now,
            dry_run,
            looked_at: json!({
                "verdicts": found.verdicts,
                "complete": found.complete,
                "messages": found.received,
                "batches": found.batches,
                "contacts": found.contacts,
            }),
            looked_at_text: looked_at.join(", "),
            plan: planned()
                .map(|(planned, consent)| plan_json(planned, consent, found, now))
                .collect(),
            rows: planned()
                .map(|(planned, consent)| plan_row(planned, consent, found))
                .collect(),
            left: found
                .left
                .iter()
                .map(|left| left_json(left, found))
                .collect(),
            left_rows: found.left.iter().map(left_row).collect(),
            results: None,
            messages: None,
            errors,
        }
    }

    pub(super) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let results = self.results.as_ref().map(|results| {
            let results = results
                .iter()
                .map(|part| part_json(Reader::Aws, Origin::Sqs, part));
            results.collect::<Vec<_>>()
        });
        let messages = self
            .messages
            .map(|messages| json!({"deleted": messages.deleted, "left": messages.left}));
        let document = json!({
            "schema": SCHEMA,
            "at": self.now.to_rfc3339(),
            "dry_run": self.dry_run,
            "looked_at": self.looked_at,
            "plan": self.plan,
            "left": self.left,
            "results": results,
            "messages": messages,
            "errors": self.errors,
        });
        writeln!(out, "{document:#}")
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.results {
            Some(results) if !results.is_empty() => {
                let rows: Vec<_> = std::iter::once(HEADING.map(str::to_owned))
                    .chain(results.iter().map(row))
                    .collect();
                write_table(out, &rows)?;
                writeln!(out)?;
            }
            None if !self.rows.is_empty() => {
                let heading = [
                    "LEFT",
                    "CONTACT",
                    "RECORDING",
                    "TO DO",
                    "CONSENT",
                    "WHY",
                    "FOUND IN",
                ];
                let rows: Vec<_> = std::iter::once(heading.map(str::to_owned))
                    .chain(self.rows.iter().cloned())
                    .collect();
                write_table(out, &rows)?;
                writeln!(out)?;
            }
            Some(_) | None => {}
        }
        self.write_left(out)?;
        let looked_at = match &*self.looked_at_text {
            "" => {
                "nothing was found to look at; records that left no verdict are found with --instance or --failure-bucket"
            }
            text => text,
        };
        let to_do = match (self.dry_run, self.plan.len()) {
            (_, 0) => "nothing to do".to_owned(),
            (true, count) => format!("{} to work on", counted(count as u64, "recording")),
            (false, count) => {
                let worked_on = counted(count as u64, "recording");
                format!("{worked_on} worked on, {} unchanged", self.unchanged())
            }
        };
        writeln!(out, "{to_do} ({looked_at})")?;
        if let Some(Messages { deleted, left }) = self.messages {
            let deleted = counted(deleted as u64, "message");
            writeln!(out, "{deleted} done and deleted, {left} left in the queue")?;
        }
        Ok(())
    }

    /// Recordings that stayed what they were: nothing better was found, nor a URL lacking.
    fn unchanged(&self) -> usize {
        let results = self.results.iter().flatten();
        let is_unchanged = |part: &&Worked| {
            matches!(part, Worked::Recorded(_, recorded)
                if recorded.found && recorded.attributes != AttributesOutcome::Written)
        };
        results.filter(is_unchanged).count()
    }

    fn write_left(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.left_rows.is_empty() {
            return Ok(());
        }
        let heading = ["CONTACT", "RECORDING", "SKIPPED"].map(str::to_owned);
        let shown = self.left_rows.iter().take(MAX_LEFT_SHOWN).cloned();
        let rows: Vec<_> = std::iter::once(heading).chain(shown).collect();
        write_table(out, &rows)?;
        if let Some(more @ 1..) = self.left_rows.len().checked_sub(MAX_LEFT_SHOWN) {
            writeln!(out, "and {more} more (--json shows all)")?;
        }
        writeln!(out)
    }
}

fn plan_row(planned: &Planned, consent: Option<&ConsentNow>, found: &Gathered) -> [String; 7] {
    let candidate = &planned.candidate;
    let mut why = reason(planned.step, candidate.verdict.as_ref());
    if let Some((cut, _)) = why.char_indices().nth(MAX_REASON) {
        why.truncate(cut);
        why.push('…');
    }
    [
        left(planned.urgency),
        candidate.plan.id.contact.to_string(),
        short_number(&candidate.plan.id.start.to_string()),
        planned.step.name().to_owned(),
        consent.map_or_else(String::new, consent_words),
        why,
        places_waiting(&candidate.found, found).join(", "),
    ]
}

/// The sides that may be recorded now, or why none may.
fn consent_words(consent: &ConsentNow) -> String {
    match consent {
        Ok(Ok(authorisation)) => sides(*authorisation).join(", "),
        Ok(Err(SkipReason::NotAuthorised { auth: None })) => "none: no recordingAuth".to_owned(),
        Ok(Err(SkipReason::NotAuthorised { auth: Some(auth) })) => {
            format!("none: recordingAuth {auth:?}")
        }
        Ok(Err(reason)) => format!("none: {reason}"),
        Err(_) => "not known".to_owned(),
    }
}

fn sides(authorisation: Authorisation) -> Vec<&'static str> {
    let sides = authorisation.directions().iter();
    sides.map(|side| side.name()).collect()
}

fn consent_json(consent: &ConsentNow) -> Value {
    match consent {
        Ok(Ok(authorisation)) => json!({"sides": sides(*authorisation), "reason": null}),
        Ok(Err(reason)) => json!({"sides": [], "reason": reason.to_string()}),
        Err(failure) => json!({"sides": null, "reason": failure.to_string()}),
    }
}

fn left(urgency: Urgency) -> String {
    match urgency {
        Urgency::Left(millis) => long(millis),
        Urgency::Unknown => "unknown".to_owned(),
        Urgency::Expired(millis) => format!("expired {} ago", long(millis)),
    }
}

/// A time in its two largest units.
fn long(millis: i64) -> String {
    let minutes = millis / 60_000;
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {} min", minutes % 60),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

fn places(at: &[usize], found: &Gathered) -> Vec<String> {
    let sources = at.iter().filter_map(|at| found.sources.get(*at));
    sources.map(|source| source.place.name()).collect()
}

/// Places with what their messages wait for.
fn places_waiting(at: &[usize], found: &Gathered) -> Vec<String> {
    let sources = at.iter().filter_map(|at| found.sources.get(*at));
    let told = sources.map(|source| match source.waits_for {
        Some(WaitsFor::Time) => format!("{} (waits for time)", source.place.name()),
        Some(WaitsFor::Person) => format!("{} (waits for a person)", source.place.name()),
        None => source.place.name(),
    });
    told.collect()
}

/// What a recording waits for, by the messages that hold it: for a person, if one of them
/// does.
fn waits_for(at: &[usize], found: &Gathered) -> Option<&'static str> {
    let sources = at.iter().filter_map(|at| found.sources.get(*at));
    let waits: Vec<_> = sources.filter_map(|source| source.waits_for).collect();
    let person = waits.iter().find(|waits| **waits == WaitsFor::Person);
    person.or(waits.first()).map(|waits| waits.name())
}

fn plan_json(
    planned: &Planned,
    consent: Option<&ConsentNow>,
    found: &Gathered,
    now: EpochMillis,
) -> Value {
    let candidate = &planned.candidate;
    let verdict = candidate.verdict.as_ref();
    let began = started(&candidate.plan);
    json!({
        "contact": candidate.plan.id.contact,
        "recording": candidate.plan.id.start.to_string(),
        "stream": candidate.plan.stream,
        "verdict_key": candidate.plan.keys.verdict(),
        "step": planned.step.name(),
        "reason": reason(planned.step, verdict),
        "status": verdict.map(|verdict| verdict.status),
        "started_at": began.map(EpochMillis::to_rfc3339),
        "expires_at": planned.expires.map(EpochMillis::to_rfc3339),
        "seconds_left": planned.expires.map(|expires| expires.0.saturating_sub(now.0) / 1_000),
        "expired": matches!(planned.urgency, Urgency::Expired(_)),
        "consent": consent.map(consent_json),
        "waits_for": waits_for(&candidate.found, found),
        "found": places(&candidate.found, found),
    })
}

fn left_row(left: &Left) -> [String; 3] {
    let recording = left
        .recording
        .as_deref()
        .map_or("-".to_owned(), short_number);
    [left.contact.clone(), recording, left.reason.clone()]
}

fn left_json(left: &Left, found: &Gathered) -> Value {
    json!({
        "contact": left.contact,
        "recording": left.recording,
        "reason": left.reason,
        "waits_for": waits_for(&left.found, found),
        "found": places(&left.found, found),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_in_two_units() {
        const MINUTE: i64 = 60_000;
        assert_eq!(left(Urgency::Left(59 * MINUTE)), "59 min");
        assert_eq!(left(Urgency::Left(61 * MINUTE)), "1 h 1 min");
        assert_eq!(left(Urgency::Left(49 * 60 * MINUTE)), "2 d 1 h");
        assert_eq!(
            left(Urgency::Expired(90 * MINUTE)),
            "expired 1 h 30 min ago"
        );
        assert_eq!(left(Urgency::Unknown), "unknown");
    }
}
