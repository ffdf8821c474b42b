//! What `callreel verify` found, in words.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Looked, SCHEMA, Sealed};
use crate::cli::table::write_table;
use crate::cli::text::{counted, plain, short_number};
use crate::recording::key;
use crate::verify::{
    CheckedRecording, CheckedSeal, CheckedVerdict, Found, Link, SealFound, Sealing,
};

/// The verdict is kept in any case: it alone says what there was.
const RESTORE: &str = "restore it from a copy, or record the call again into another folder";
/// What else is done about it, a person must know.
const LOOK_WHO: &str = "find out who or what did it";

/// What differs, one line each, with what to do.
pub(super) fn errors(looked: &Looked<'_>) -> Vec<String> {
    let at = |key: &str| format!("{}{key}", looked.name);
    let mut errors = Vec::new();
    for verdict in &looked.checked {
        if let Err(cause) = &verdict.recording {
            errors.push(format!(
                "{}: the verdict cannot be read: {cause}; restore it, or record the call again",
                at(&verdict.key)
            ));
        }
    }
    for (_, recording) in recordings(looked) {
        for file in &recording.files {
            let what = match &file.found {
                Ok(Found::Whole) => continue,
                Ok(Found::Cut) => "is cut: shorter than its verdict says".to_owned(),
                Ok(Found::Changed) => "is not what its verdict tells of".to_owned(),
                Ok(Found::Gone) => "is gone".to_owned(),
                Err(failure) => {
                    errors.push(failure.to_string());
                    continue;
                }
            };
            errors.push(format!("{}: {what}; {RESTORE}", at(&file.key)));
        }
    }
    for seal in &looked.seals {
        let key = at(&seal.key);
        match &seal.found {
            Err(cause) => errors.push(format!(
                "{key}: is no seal: {cause}; restore it from a copy"
            )),
            Ok(found) => of_seal(&key, found, &mut errors),
        }
    }
    if let Some(Sealed {
        key, sealing, day, ..
    }) = &looked.sealed
        && *sealing == Sealing::Otherwise
    {
        errors.push(format!(
            "{}: {day} was sealed before, and its seal says something else: it stays; {LOOK_WHO}, then seal the day \
             again with --replace-seal",
            at(key)
        ));
    }
    errors
}

fn of_seal(key: &str, found: &SealFound, errors: &mut Vec<String>) {
    let differences = &found.differences;
    for (names, what, cure) in [
        (
            &differences.removed,
            "was removed",
            "restore it from a copy, and ",
        ),
        (
            &differences.changed,
            "was changed",
            "restore it from a copy, or ",
        ),
        (&differences.added, "was added", ""),
    ] {
        errors.extend(names.iter().map(|name| {
            format!("{key}: {name} {what} after the day was sealed; {cure}{LOOK_WHO}")
        }));
    }
    let before = found.previous_day.as_deref().unwrap_or_default();
    let what = match found.link {
        Link::Holds | Link::First | Link::Unknown => return,
        Link::Changed => "is not the one that this one hangs on",
        Link::Gone => "is gone",
    };
    errors.push(format!(
        "{key}: the seal of {before} before it {what}; restore it from a copy, and {LOOK_WHO}"
    ));
}

/// What is worth knowing, and no error.
pub(super) fn warnings(looked: &Looked<'_>) -> Vec<String> {
    let at = |key: &str| format!("{}{key}", looked.name);
    let unnamed = looked.unnamed.iter().map(|key| {
        format!(
            "{}: no verdict names it; the run that wrote it was ended, or goes on",
            at(key)
        )
    });
    let mut warnings: Vec<_> = unnamed.collect();
    for seal in &looked.seals {
        if let Ok(SealFound {
            link: Link::Unknown,
            ..
        }) = seal.found
        {
            warnings.push(format!(
                "{}: the seal before it lies outside of what was looked at; give the folder that record wrote to",
                at(&seal.key)
            ));
        }
    }
    let growing = recordings(looked).filter(|(_, recording)| recording.can_grow);
    let growing = growing.count() as u64;
    if let (Some(sealed), true) = (&looked.sealed, growing > 0) {
        warnings.push(format!(
            "{}: {} of the day can still be replaced by a fuller one, which then shows as changed; seal a day when its \
             recordings are no longer read again",
            at(&sealed.key),
            counted(growing, "verdict")
        ));
    }
    warnings
}

fn recordings<'a>(
    looked: &'a Looked<'_>,
) -> impl Iterator<Item = (&'a CheckedVerdict, &'a CheckedRecording)> {
    let all = looked.checked.iter();
    all.filter_map(|verdict| Some((verdict, verdict.recording.as_ref().ok()?)))
}

/// Where a recording begins, in short; media that was extracted has no start of its own.
fn start(verdict: &CheckedVerdict, contact: &str) -> String {
    let name = verdict.key.rsplit('/').next().unwrap_or_default();
    let start = key::names_start(name, contact);
    start.map_or("-".to_owned(), |start| short_number(&start.to_string()))
}

fn holds(seal: &CheckedSeal) -> bool {
    seal.found.as_ref().is_ok_and(|found| {
        let linked = matches!(found.link, Link::Holds | Link::First | Link::Unknown);
        linked && found.differences.is_none()
    })
}

pub(super) fn write_text(looked: &Looked<'_>, out: &mut dyn Write) -> io::Result<()> {
    let heading = ["CONTACT", "RECORDING", "STATUS", "FILES"].map(str::to_owned);
    let row = |(verdict, recording): (&CheckedVerdict, &CheckedRecording)| {
        let files = recording.files.iter().map(|file| match &file.found {
            Ok(Found::Whole) => file.kind.clone(),
            Ok(found) => format!("{} ({})", file.kind, found.name()),
            Err(_) => format!("{} (cannot be read)", file.kind),
        });
        let files: Vec<_> = files.collect();
        [
            recording.contact.clone(),
            start(verdict, &recording.contact),
            recording.status.name().to_owned(),
            match files.is_empty() {
                true => "-".to_owned(),
                false => files.join(" "),
            },
        ]
    };
    let rows: Vec<_> = std::iter::once(heading)
        .chain(recordings(looked).map(row))
        .collect();
    write_table(out, &rows)?;
    let (mut all, mut whole) = (0, 0);
    for file in recordings(looked).flat_map(|(_, recording)| &recording.files) {
        all += 1;
        whole += u64::from(file.found == Ok(Found::Whole));
    }
    writeln!(
        out,
        "\n{}: {whole} of {} as written",
        plain(&counted(rows.len() as u64 - 1, "recording")),
        counted(all, "file")
    )?;
    if !looked.seals.is_empty() {
        let hold = looked.seals.iter().filter(|seal| holds(seal)).count();
        let found = looked
            .seals
            .iter()
            .filter_map(|seal| seal.found.as_ref().ok());
        let forgotten: usize = found.map(|found| found.differences.forgotten.len()).sum();
        let forgotten = match forgotten {
            0 => String::new(),
            count => format!(
                "; {} gone that `callreel forget` marked",
                counted(count as u64, "sealed verdict")
            ),
        };
        let seals = counted(looked.seals.len() as u64, "seal");
        writeln!(out, "{seals}: {hold} as sealed{forgotten}")?;
    }
    let Some(sealed) = &looked.sealed else {
        return Ok(());
    };
    let what = match sealed.sealing {
        Sealing::Sealed => "sealed",
        Sealing::Already => "sealed before, by a seal that says the same",
        Sealing::Otherwise => return Ok(()),
    };
    let before = match &sealed.previous_day {
        Some(day) => format!("on the seal of {day}"),
        None => "the first seal".to_owned(),
    };
    writeln!(
        out,
        "{what}: {}, {}, {before}",
        plain(&sealed.key),
        counted(sealed.verdicts as u64, "verdict"),
    )
}

pub(super) fn write_json(looked: &Looked<'_>, out: &mut dyn Write) -> io::Result<()> {
    let recording = |(verdict, recording): (&CheckedVerdict, &CheckedRecording)| {
        let files = recording.files.iter().map(|file| {
            let (found, error) = match &file.found {
                Ok(found) => (Some(found.name()), None),
                Err(failure) => (None, Some(failure.to_string())),
            };
            json!({"kind": file.kind, "key": file.key, "found": found, "error": error})
        });
        json!({
            "contact": recording.contact,
            "verdict_key": verdict.key,
            "verdict_sha256": verdict.sha256,
            "status": recording.status.name(),
            "files": files.collect::<Vec<Value>>(),
        })
    };
    let unread = looked.checked.iter();
    let unread =
        unread.filter_map(|verdict| Some((&verdict.key, verdict.recording.as_ref().err()?)));
    let unread = unread.map(|(key, cause)| json!({"verdict_key": key, "cause": cause}));
    let seal = |seal: &CheckedSeal| match &seal.found {
        Err(cause) => json!({"seal_key": seal.key, "holds": false, "error": cause}),
        Ok(found) => json!({
            "seal_key": seal.key,
            "day": found.day,
            "verdicts": found.verdicts,
            "holds": holds(seal),
            "removed": found.differences.removed,
            "forgotten": found.differences.forgotten,
            "added": found.differences.added,
            "changed": found.differences.changed,
            "previous": found.link.name(),
            "previous_day": found.previous_day,
            "error": null,
        }),
    };
    let sealed = looked.sealed.as_ref().map(|sealed| {
        json!({
            "seal_key": sealed.key,
            "day": sealed.day.to_string(),
            "verdicts": sealed.verdicts,
            "previous_day": sealed.previous_day,
            "outcome": match sealed.sealing {
                Sealing::Sealed => "sealed",
                Sealing::Already => "already",
                Sealing::Otherwise => "otherwise",
            },
        })
    });
    let document = json!({
        "schema": SCHEMA,
        "folder": looked.name.trim_end_matches('/'),
        "recordings": recordings(looked).map(recording).collect::<Vec<_>>(),
        "unread_verdicts": unread.collect::<Vec<_>>(),
        "unnamed_files": looked.unnamed,
        "seals": looked.seals.iter().map(seal).collect::<Vec<_>>(),
        "sealed": sealed,
    });
    writeln!(out, "{document:#}")
}
