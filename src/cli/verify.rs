//! `callreel verify`: whether files and verdicts are still what they were, in a folder or in a
//! bucket; and the seal of a day.

#[cfg(feature = "operate")]
mod aws;
mod show;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures_executor::block_on;

use super::record::parse_prefix;
use super::text::counted;
use super::{CliError, check_folder, count_bar, ended, tell_error, tell_warning};
use crate::clock::now;
use crate::local::LocalRecordings;
use crate::lock::lock;
use crate::port::Opening;
use crate::recording::seal::Day;
use crate::verify::{
    self, CheckedSeal, CheckedVerdict, Earlier, Keys, Scope, Sealing, check_seals, unnamed,
};

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.verify/1";
/// Files of a folder that are read at once at the most.
const MAX_LANES: usize = 8;

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Reads each verdict below DIR, or with --aws in the bucket, and each file that it names, byte for \
    byte; where a day was sealed, its verdicts are held against the seal. Nothing is written, but for the seal of \
    --seal: one object, DAY's _seal.json, with the hashes of the day's verdicts and of the seal before it.\n\n\
    Exit codes: 0 all are as they were; 1 something is changed, gone or cannot be read; 2 wrong usage.\n\n\
    Try it:  callreel verify out"
)]
pub(super) struct VerifyArgs {
    /// The folder of recordings, as --out of record and extract
    #[arg(value_name = "DIR", default_value = "out")]
    folder: PathBuf,
    /// Look only at the recordings of this day, in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<Day>,
    /// Look only at the recordings of this contact, and at no seal
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    contact: Option<String>,
    /// Look at this day, in UTC, and write its seal
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["day", "contact"])]
    seal: Option<Day>,
    /// Replace a seal of the day that says something else
    #[arg(long, requires = "seal")]
    replace_seal: bool,
    /// What the sealed recordings' paths start with, below DIR
    #[arg(long, value_name = "PREFIX", default_value = "recordings/", value_parser = parse_prefix)]
    key_prefix: String,
    #[cfg(feature = "operate")]
    #[command(flatten)]
    aws: aws::VerifyAwsArgs,
}

/// Where recordings are looked at.
struct Place<'a> {
    /// What stands before a key, for people; it ends in a slash.
    name: String,
    /// What the keys that are looked at start with.
    looked_at: &'a str,
    /// What those of a day that is sealed start with.
    sealed: &'a str,
    /// How many files are read at once.
    lanes: usize,
}

/// What was found.
struct Looked<'a> {
    name: &'a str,
    checked: Vec<CheckedVerdict>,
    unnamed: Vec<&'a str>,
    seals: Vec<CheckedSeal>,
    sealed: Option<Sealed>,
}

/// The seal that was to be written.
struct Sealed {
    key: String,
    day: Day,
    sealing: Sealing,
    verdicts: usize,
    previous_day: Option<String>,
}

/// What futures are driven by, on any thread.
trait Drives: Sync {
    fn drive<F: Future>(&self, future: F) -> F::Output;
}

/// Files that block need no runtime.
struct OnTheThread;

impl Drives for OnTheThread {
    fn drive<F: Future>(&self, future: F) -> F::Output {
        block_on(future)
    }
}

pub(super) fn run(args: &VerifyArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    #[cfg(feature = "operate")]
    if args.aws.aws {
        return aws::run(args, out, json);
    }
    check_folder(&args.folder)?;
    let name = args.folder.display().to_string();
    let place = Place {
        name: format!("{}/", name.trim_end_matches('/')),
        looked_at: match args.seal {
            Some(_) => &args.key_prefix,
            None => "",
        },
        sealed: &args.key_prefix,
        lanes: thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_LANES)),
    };
    let store = LocalRecordings::new(&args.folder);
    in_place(args, &place, &store, &OnTheThread, out, json)
}

fn in_place(
    args: &VerifyArgs,
    place: &Place<'_>,
    store: &impl Opening,
    on: &impl Drives,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    if let Some(day) = args.seal.filter(|day| !day.is_over(now())) {
        return Err(CliError::Told(format!(
            "--seal {day}: the day is not over, in UTC; seal a day when no recording of it comes any more"
        )));
    }
    let scope = Scope {
        prefix: place.looked_at,
        day: args.seal.or(args.day),
        contact: args.contact.as_deref(),
    };
    let mut keys = on.drive(verify::keys(store, scope))?;
    let checked = check_all(store, &keys, place.lanes, on);
    if checked.is_empty() && keys.seals.is_empty() {
        return Err(CliError::Told(no_verdict(place, scope, &keys)));
    }
    let sealed = match args.seal {
        None => None,
        Some(day) => Some(on.drive(seal(args, place, store, day, &checked))?),
    };
    if let Some(sealed) = &sealed {
        keys.seals = vec![sealed.key.clone()];
    }
    let seals = on.drive(check_seals(store, &keys, &checked));
    let looked = Looked {
        name: &place.name,
        unnamed: unnamed(&keys, &checked),
        checked,
        seals,
        sealed,
    };
    let written = match json {
        true => show::write_json(&looked, out),
        false => show::write_text(&looked, out),
    };
    let warnings = show::warnings(&looked);
    warnings.iter().for_each(|warning| tell_warning(warning));
    let errors = show::errors(&looked);
    errors.iter().for_each(|error| tell_error(error));
    ended(errors.len(), written)
}

async fn seal(
    args: &VerifyArgs,
    place: &Place<'_>,
    store: &impl Opening,
    day: Day,
    checked: &[CheckedVerdict],
) -> Result<Sealed, CliError> {
    let earlier = match args.replace_seal {
        true => Earlier::IsReplaced,
        false => Earlier::Stays,
    };
    let (seal, sealing) = verify::seal(store, place.sealed, day, checked, earlier).await?;
    Ok(Sealed {
        key: day.seal_key(place.sealed),
        day,
        sealing,
        verdicts: seal.verdicts.len(),
        previous_day: seal.previous.map(|previous| previous.day),
    })
}

/// Looks at all verdicts, several at once, in the order of their keys.
fn check_all(
    store: &impl Opening,
    keys: &Keys,
    lanes: usize,
    on: &impl Drives,
) -> Vec<CheckedVerdict> {
    let bar = count_bar("verdicts");
    bar.set_length(keys.verdicts.len() as u64);
    let next = AtomicUsize::new(0);
    let checked = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..lanes.min(keys.verdicts.len()) {
            scope.spawn(|| {
                while let Some(key) = keys.verdicts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = on.drive(verify::check(store, key));
                    lock(&checked).extend(found);
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut checked = checked
        .into_inner()
        .unwrap_or_else(|lock| lock.into_inner());
    checked.sort_by(|one, next| one.key.cmp(&next.key));
    checked
}

fn no_verdict(place: &Place<'_>, scope: Scope<'_>, keys: &Keys) -> String {
    let of = match (scope.day, scope.contact) {
        (None, None) => String::new(),
        (Some(day), None) => format!(" of {day}"),
        (None, Some(contact)) => format!(" of contact {contact}"),
        (Some(day), Some(contact)) => format!(" of contact {contact} and {day}"),
    };
    let but = match keys.wavs.len() as u64 {
        0 => String::new(),
        count => format!(", and {} that no verdict names", counted(count, "WAV file")),
    };
    let name = format!("{}{}", place.name, place.looked_at);
    format!(
        "{}: no verdict{of} in it{but}; give the folder that record or extract wrote to",
        name.trim_end_matches('/')
    )
}
