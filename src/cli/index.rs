//! `callreel index`: the archive's indexes, brought up to date by the verdicts that changed.

#[cfg(feature = "operate")]
mod aws;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use futures_executor::block_on;
use serde_json::json;

use super::table::write_table;
use super::{CliError, check_folder, ended, tell_error};
use crate::archive::day::UNREADABLE;
use crate::clock::now;
use crate::failure::Failure;
use crate::local::LocalRecordings;
use crate::media::ticks::EpochMillis;
use crate::port::Browsing;
use crate::recording::seal::Day;
use crate::shelves::{Look, Shelf, Shelves, Trust};

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.index/1";

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Reads the verdicts that changed since a day's index was written, and writes the index anew: \
    index/day=YYYY-MM-DD/recordings.ndjson, a line of JSON for each recording, for Athena, DuckDB and the archive. An index \
    holds nothing of its own, and may be deleted at any time.\n\n\
    Try it:  callreel index out"
)]
pub(super) struct IndexArgs {
    /// The folder of recordings, as --out of record and extract
    #[arg(value_name = "DIR", default_value = "out")]
    folder: PathBuf,
    /// Only this day, in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<Day>,
    #[cfg(feature = "operate")]
    #[command(flatten)]
    aws: aws::IndexAwsArgs,
}

type Indexed = (String, Result<Arc<Shelf>, Failure>);

pub(super) fn run(args: &IndexArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    #[cfg(feature = "operate")]
    if args.aws.aws {
        return aws::run(args, out, json);
    }
    check_folder(&args.folder)?;
    let store = LocalRecordings::new(&args.folder);
    let shelves = Shelves::new(store, "", Trust::ONCE_SETTLED);
    let indexed = block_on(index(&shelves, args.day))?;
    tell(&indexed, out, json)
}

/// Brings all indexes up to date, or that of one day.
async fn index<S: Browsing>(
    shelves: &Shelves<S>,
    day: Option<Day>,
) -> Result<Vec<Indexed>, CliError> {
    let now = now();
    let from = day.map(Day::start);
    let folders = shelves.folders(from, from.map(|from| EpochMillis(from.0 + 1)));
    let mut indexed = Vec::new();
    for folder in folders.await? {
        if day.is_some() && folder.day != day {
            continue;
        }
        let shelf = shelves.shelf(&folder, Look::Anew, now).await;
        indexed.push((folder.folder, shelf));
    }
    Ok(indexed)
}

fn tell(indexed: &[Indexed], out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let unreadable = |shelf: &Shelf| {
        let rows = shelf.rows.iter();
        rows.filter(|row| row.status == UNREADABLE).count()
    };
    let found = indexed
        .iter()
        .filter_map(|(folder, shelf)| Some((folder, shelf.as_ref().ok()?)));
    let written = if json {
        let folders = found.map(|(folder, shelf)| {
            json!({"folder": folder, "recordings": shelf.rows.len(), "read": shelf.read,
                "unreadable": unreadable(shelf), "unwritten": shelf.unwritten})
        });
        let document = json!({"schema": SCHEMA, "folders": folders.collect::<Vec<_>>()});
        writeln!(out, "{document:#}")
    } else {
        let mut rows = vec![["FOLDER", "RECORDINGS", "READ", "UNREADABLE"].map(str::to_owned)];
        rows.extend(found.map(|(folder, shelf)| {
            [
                if folder.is_empty() { "." } else { folder }.to_owned(),
                shelf.rows.len().to_string(),
                shelf.read.to_string(),
                unreadable(shelf).to_string(),
            ]
        }));
        write_table(out, &rows)
    };
    let mut errors = 0;
    for (_, shelf) in indexed {
        let told = match shelf {
            Ok(shelf) => shelf.unwritten.clone(),
            Err(failure) => Some(failure.to_string()),
        };
        if let Some(told) = told {
            errors += 1;
            tell_error(&told);
        }
    }
    ended(errors, written)
}
