//! `callreel note`: what the contact flow's function keeps of a call, in a folder.

use std::io::Write;
use std::path::PathBuf;

use futures_executor::block_on;
use serde_json::json;

use super::{CliError, event};
use crate::answering::note::note;
use crate::local::{LocalClock, LocalRecordings};
use crate::media::ticks::EpochMillis;
use crate::port::Clock;
use crate::voicemail::note::{Note, UtcOffset};

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.note/1";
/// Where notes lie below the folder.
pub(super) const NOTES: &str = "notes/";

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Writes DIR/notes/YYYY/MM/DD/HH-MM-SS_CONTACT.json, and the same under DIR/notes/by-contact/. The \
    message is saved when the call is over: callreel record with its contact event.\n\n\
    Try it:  callreel note events/flow-call.json && callreel record events/contact-disconnected.json"
)]
pub(super) struct NoteArgs {
    /// What a contact flow's block Invoke AWS Lambda function sends; `-` is standard input
    event: PathBuf,
    /// The folder for notes
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// When the flow called, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<EpochMillis>,
}

fn parse_time(text: &str) -> Result<EpochMillis, String> {
    EpochMillis::from_rfc3339(text).ok_or_else(|| "a time as 2025-10-09T10:43:18Z".to_owned())
}

pub(super) fn run(args: &NoteArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let call = event::read_flow_call(&args.event)?;
    let at = args.at.unwrap_or_else(|| LocalClock.now());
    let store = LocalRecordings::new(&args.out);
    let noted = block_on(note(&store, NOTES, Note::of_call(call, at, UtcOffset::UTC)))?;
    let file = args.out.join(&noted.key).display().to_string();
    if json {
        let answer = noted.note.answer(&noted.key);
        let document = json!({"schema": SCHEMA, "file": file, "answer": answer});
        return Ok(writeln!(out, "{document:#}")?);
    }
    writeln!(out, "{file}")?;
    if noted.note.streamed.is_none() {
        writeln!(
            out,
            "  streaming had not begun: whoever saves the message looks for its stream"
        )?;
    }
    Ok(())
}
