//! The command line. Each command is a file of its own: arguments in, text or JSON out,
//! errors as one line that says what and what to do. What they do is done elsewhere.

#[cfg(feature = "operate")]
mod account;
#[cfg(feature = "web")]
mod archive;
#[cfg(feature = "operate")]
mod aws;
#[cfg(feature = "web")]
mod browser;
mod cures;
#[cfg(feature = "operate")]
mod doctor;
mod event;
mod extract;
mod forget;
mod index;
mod inspect;
mod lacking;
mod message;
#[cfg(feature = "web")]
mod monitor;
mod note;
mod peaks;
mod reader;
mod record;
#[cfg(feature = "operate")]
mod redrive;
#[cfg(feature = "sandbox")]
mod sandbox;
mod shell;
#[cfg(feature = "operate")]
mod stack;
mod synth;
mod table;
mod text;
mod values;
mod verify;
mod voicemail;
mod worked;

#[cfg(not(feature = "web"))]
use lacking as archive;
#[cfg(not(feature = "operate"))]
use lacking as doctor;
#[cfg(not(feature = "web"))]
use lacking as monitor;
#[cfg(not(feature = "operate"))]
use lacking as redrive;
#[cfg(not(feature = "sandbox"))]
use lacking as sandbox;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::local::Swept;

/// Of the document that a command prints when it fails as a whole and is asked for JSON.
const ERROR_SCHEMA: &str = "callreel.error/1";
/// The exit code of a command line that asks for what cannot be.
const WRONG_USAGE: u8 = 2;

/// Records Amazon Connect calls that stream to Kinesis Video Streams: whole,
/// sample-exact, this caller's alone.
#[derive(Parser, Debug)]
#[command(
    name = "callreel",
    version,
    arg_required_else_help = true,
    after_help = "Start here:  callreel synth && callreel record demo/event.json --out demo/out\n\n\
        Exit codes: 0 all done (a verdict may still say partial); 1 something could not be done, each with \
        an error line, and the rest is done; 2 wrong usage."
)]
pub struct Cli {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Record the calls of a Kinesis or SQS event, or the message of a contact event, as the Lambda functions would
    Record(record::RecordArgs),
    /// Note a call for the answering machine, as its contact flow's function would
    Note(note::NoteArgs),
    /// Deliver the messages of flagged contacts as tasks or mails, as voicemail's functions would
    Voicemail(voicemail::VoicemailArgs),
    /// Find recordings without a complete verdict, and record them again, most urgent first
    Redrive(redrive::RedriveArgs),
    /// Make WAV files from media alone, without a contact record
    Extract(extract::ExtractArgs),
    /// Delete one contact's recordings and messages for good, after a look at what there is
    Forget(forget::ForgetArgs),
    /// Check that files and verdicts are still what they were, and seal a day of them
    Verify(verify::VerifyArgs),
    /// Bring the archive's indexes up to date, a line of JSON for each recording
    Index(index::IndexArgs),
    /// Make what waveforms are drawn from, for older recordings
    Peaks(peaks::PeaksArgs),
    /// Find recordings, look at them and listen to them, on pages in the browser
    Archive(archive::ArchiveArgs),
    /// Show what media files hold, and draw it
    Inspect(inspect::InspectArgs),
    /// Show calls in progress on a page: both sides' spectra and levels, and their sound
    Monitor(monitor::MonitorArgs),
    /// Make streams and an event to try everything with
    Synth(synth::SynthArgs),
    /// Check a deployment, and tell the cure for what is wrong with it
    Doctor(doctor::DoctorArgs),
    /// Answer on loopback what Callreel asks of AWS, for trying it without an account
    Sandbox(sandbox::SandboxArgs),
    /// Print what completes Callreel's commands and flags in a shell
    Completions(shell::CompletionsArgs),
    /// Print the manual page, of all commands or of one
    Man(shell::ManArgs),
}

/// The command line of this build.
fn command() -> clap::Command {
    // Which account, region or deployment says nothing without the flag that asks for AWS.
    let ask_for_aws = |command: clap::Command| {
        let has_aws = command.get_arguments().any(|arg| arg.get_id() == "aws");
        match has_aws {
            false => command,
            true => command.mut_args(|arg| match arg.get_help_heading() {
                Some("AWS") if arg.get_id() != "aws" => arg.requires("aws"),
                Some(_) | None => arg,
            }),
        }
    };
    Cli::command().mut_subcommands(|command| ask_for_aws(lacking::marked(command)))
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = || std::env::args_os().skip(1);
    let json = arguments().any(|argument| argument == "--json");
    let parsed = command()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let error = match parsed {
        Ok(cli) => return run(&cli, json),
        Err(error) => error,
    };
    let words = arguments().map(|word| word.to_string_lossy().into_owned());
    if let Some(lacking) = lacking::flag(&error, &words.collect::<Vec<_>>()) {
        return failed(lacking, &mut Noting::new(io::stdout().lock()), json);
    }
    // When nobody reads it, only the exit code is left.
    let _ = error.print();
    if json && error.use_stderr() {
        let told = error.render().to_string();
        let message = told.trim_start_matches("error: ").split("\n\n").next();
        let words = message.unwrap_or_default().split_whitespace();
        let message = words.collect::<Vec<_>>().join(" ");
        let _ = write_error(&mut io::stdout().lock(), &message);
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(WRONG_USAGE))
}

fn run(cli: &Cli, json: bool) -> ExitCode {
    let mut out = Noting::new(io::stdout().lock());
    let done = match &cli.command {
        Command::Record(args) => record::run(args, &mut out, cli.json),
        Command::Note(args) => note::run(args, &mut out, cli.json),
        Command::Voicemail(args) => voicemail::run(args, &mut out, cli.json),
        Command::Redrive(args) => redrive::run(args, &mut out, cli.json),
        Command::Extract(args) => extract::run(args, &mut out, cli.json),
        Command::Forget(args) => forget::run(args, &mut out, cli.json),
        Command::Verify(args) => verify::run(args, &mut out, cli.json),
        Command::Index(args) => index::run(args, &mut out, cli.json),
        Command::Peaks(args) => peaks::run(args, &mut out, cli.json),
        Command::Archive(args) => archive::run(args, &mut out, cli.json),
        Command::Inspect(args) => inspect::run(args, &mut out, cli.json),
        Command::Monitor(args) => monitor::run(args, &mut out, cli.json),
        Command::Synth(args) => synth::run(args, &mut out, cli.json),
        Command::Doctor(args) => doctor::run(args, &mut out, cli.json),
        Command::Sandbox(args) => sandbox::run(args, &mut out, cli.json),
        Command::Completions(args) => shell::completions(args, &mut out, cli.json),
        Command::Man(args) => shell::man(args, &mut out, cli.json),
    };
    match done.and_then(|()| out.flush().map_err(CliError::Output)) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader closed the pipe: it has all that it wanted.
        Err(CliError::Output(error)) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => failed(error, &mut out, json),
    }
}

/// Tells why a command did not end well: a line of text in any case, and a document where
/// one is expected and none was written.
fn failed(error: CliError, out: &mut Noting<impl Write>, json: bool) -> ExitCode {
    match error {
        CliError::Output(error) => {
            tell_error(&format!("standard output: {error}; check where it leads"));
        }
        CliError::Told(message) => tell_all(&message, out, json),
        CliError::Usage(message) => {
            tell_all(&message, out, json);
            return ExitCode::from(WRONG_USAGE);
        }
        CliError::Already => {}
    }
    ExitCode::FAILURE
}

fn tell_all(message: &str, out: &mut Noting<impl Write>, json: bool) {
    tell_error(message);
    if json && !out.any {
        // When nobody reads it, only the exit code is left.
        let _ = write_error(out, message);
    }
}

fn write_error(out: &mut impl Write, message: &str) -> io::Result<()> {
    let document = json!({"schema": ERROR_SCHEMA, "error": text::plain(message)});
    writeln!(out, "{document:#}")?;
    out.flush()
}

/// Standard output, and whether anything was written to it.
struct Noting<W> {
    out: W,
    any: bool,
}

impl<W> Noting<W> {
    const fn new(out: W) -> Self {
        Self { out, any: false }
    }
}

impl<W: Write> Write for Noting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.any = true;
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Why a command did not end well.
#[derive(Debug)]
enum CliError {
    /// One line for the user.
    Told(String),
    /// One line for the user, who asked for what cannot be: flags that do not go together.
    Usage(String),
    /// The user has been told in passing.
    Already,
    /// Standard output refused.
    Output(io::Error),
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The end of a command that told `errors` of its work, after `written`, its output: that
/// nobody reads it any more does not undo them.
fn ended(errors: usize, written: io::Result<()>) -> Result<(), CliError> {
    match written {
        Err(error) if errors == 0 || !is_closed_pipe(&error) => Err(CliError::Output(error)),
        Ok(()) | Err(_) if errors > 0 => Err(CliError::Already),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// One line on standard error. When that is closed as well, nobody is left to be told.
fn tell_error(message: &str) {
    let _ = writeln!(io::stderr(), "error: {}", text::plain(message));
}

/// What is worth knowing, and no error.
fn tell_warning(message: &str) {
    let _ = writeln!(io::stderr(), "warning: {}", text::plain(message));
}

/// What became of the unfinished files that ended runs left in a folder.
fn tell_swept(folder: &Path, swept: &Swept) {
    if swept.files > 0 {
        tell_warning(&format!(
            "{} of runs that were ended, {}, were removed from {}",
            text::counted(swept.files, "unfinished file"),
            text::counted(swept.bytes, "byte"),
            folder.display()
        ));
    }
    for failure in &swept.failures {
        tell_warning(&format!("unfinished, of a run that was ended: {failure}"));
    }
}

impl From<crate::failure::Failure> for CliError {
    fn from(failure: crate::failure::Failure) -> Self {
        Self::Told(reader::Reader::Aws.told(&failure))
    }
}

/// A bar for bytes on standard error, shown when that is a terminal.
fn byte_bar(total: u64, what: &'static str) -> ProgressBar {
    bar(total, what, "{msg} {wide_bar} {bytes}/{total_bytes} {eta}")
}

/// A bar for counted things on standard error, shown when that is a terminal.
fn count_bar(what: &'static str) -> ProgressBar {
    bar(0, what, "{msg} {wide_bar} {pos}/{len} {eta}")
}

fn bar(total: u64, what: &'static str, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(what);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// A folder of recordings that is looked into must be there, and be one.
fn check_folder(folder: &Path) -> Result<(), CliError> {
    let cause = match folder.metadata() {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => "is no folder",
        Err(_) => "no such folder",
    };
    Err(CliError::Told(format!(
        "{}: {cause}; give the folder that record or extract wrote to",
        folder.display()
    )))
}

/// `file:///…/` of a folder, which need not exist yet.
fn folder_url(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let path = absolute.to_string_lossy().replace('\\', "/");
    crate::object_key::url("file://", &format!("{}/", path.trim_end_matches('/')))
}
