//! `callreel archive --listened CONTACT`: who searched for, looked at, played or took away a
//! contact's recordings, by the lines that the archive's function kept.

use std::io::Write;

use serde_json::json;

use super::super::table::write_table;
use super::super::{CliError, ended, tell_error};
use super::ArchiveArgs;
use crate::archive::heard::Heard;
use crate::listened::{Listened, of_contact};
use crate::port::Objects;

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.listened/1";

/// Reads all lines about a contact, and prints them.
pub(super) async fn tell(
    args: &ArchiveArgs,
    store: &impl Objects,
    contact: &str,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    let found = of_contact(store, &args.listened_prefix, contact, args.since).await?;
    let Listened {
        lines,
        objects,
        unreadable,
    } = &found;
    let written = if json {
        let document = json!({"schema": SCHEMA, "contact": contact, "objects": objects,
            "unreadable": unreadable, "lines": lines});
        writeln!(out, "{document:#}")
    } else if lines.is_empty() {
        let place = &args.listened_prefix;
        writeln!(
            out,
            "nobody listened to {contact}, as far as {objects} objects under {place} tell"
        )
    } else {
        let mut rows = vec![["WHEN", "WHO", "ACT", "FILE", "FROM", "ALLOWED"].map(str::to_owned)];
        rows.extend(lines.iter().map(row));
        write_table(out, &rows)
    };
    if *unreadable > 0 {
        tell_error(&format!(
            "{unreadable} lines under {} cannot be read: somebody may be missing above",
            args.listened_prefix
        ));
    }
    ended(*unreadable, written)
}

fn row(heard: &Heard) -> [String; 6] {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    [
        heard.when.clone(),
        heard.who.clone(),
        heard.act.clone(),
        text(&heard.file),
        text(&heard.from),
        if heard.allowed { "yes" } else { "no" }.to_owned(),
    ]
}
