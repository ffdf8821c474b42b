//! The command line. Each command is a file of its own: arguments in, text or JSON out,
//! errors as one line that says what and what to do. What they do is done elsewhere.

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "operate")]
mod doctor;
mod extract;
mod forget;
mod inspect;
mod record;
#[cfg(feature = "aws")]
mod redrive;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "operate")]
mod stack;
mod synth;
mod table;
mod text;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

/// Records Amazon Connect calls that stream to Kinesis Video Streams: whole,
/// sample-exact, this caller's alone.
#[derive(Parser, Debug)]
#[command(
    name = "callreel",
    version,
    after_help = "Start here:  callreel synth && callreel record demo/event.json\n\n\
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
    /// Record the calls of a Kinesis or SQS event, as the Lambda function would
    Record(record::RecordArgs),
    /// Find recordings without a complete verdict, and record them again, most urgent first
    #[cfg(feature = "aws")]
    Redrive(redrive::RedriveArgs),
    /// Make WAV files from media alone, without a contact record
    Extract(extract::ExtractArgs),
    /// Delete one contact's recordings for good, after a look at what there is
    Forget(forget::ForgetArgs),
    /// Show what a media file holds, and draw it
    Inspect(inspect::InspectArgs),
    /// Make streams and an event to try everything with
    Synth(synth::SynthArgs),
    /// Check a deployment, and tell the cure for what is wrong with it
    #[cfg(feature = "operate")]
    Doctor(doctor::DoctorArgs),
    /// Answer on loopback what Callreel asks of AWS, for trying it without an account
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::SandboxArgs),
    #[cfg(not(feature = "aws"))]
    #[command(hide = true, disable_help_flag = true)]
    Redrive(NotBuilt),
    #[cfg(not(feature = "operate"))]
    #[command(hide = true, disable_help_flag = true)]
    Doctor(NotBuilt),
    #[cfg(not(feature = "sandbox"))]
    #[command(hide = true, disable_help_flag = true)]
    Sandbox(NotBuilt),
}

/// A command that this build lacks. It says how to get one that has it.
#[cfg(not(all(feature = "aws", feature = "operate", feature = "sandbox")))]
#[derive(clap::Args, Debug)]
struct NotBuilt {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _any: Vec<String>,
}

#[cfg(not(all(feature = "aws", feature = "operate", feature = "sandbox")))]
impl NotBuilt {
    fn run(&self, feature: &str) -> Result<(), CliError> {
        Err(CliError::Told(format!(
            "this callreel was built without the feature {feature}; build it with `cargo install --locked --path . --features {feature}`"
        )))
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    run(&Cli::parse())
}

fn run(cli: &Cli) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let done = match &cli.command {
        Command::Record(args) => record::run(args, &mut out, cli.json),
        #[cfg(feature = "aws")]
        Command::Redrive(args) => redrive::run(args, &mut out, cli.json),
        Command::Extract(args) => extract::run(args, &mut out, cli.json),
        Command::Forget(args) => forget::run(args, &mut out, cli.json),
        Command::Inspect(args) => inspect::run(args, &mut out, cli.json),
        Command::Synth(args) => synth::run(args, &mut out, cli.json),
        #[cfg(feature = "operate")]
        Command::Doctor(args) => doctor::run(args, &mut out, cli.json),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(args, &mut out, cli.json),
        #[cfg(not(feature = "aws"))]
        Command::Redrive(lacking) => lacking.run("aws"),
        #[cfg(not(feature = "operate"))]
        Command::Doctor(lacking) => lacking.run("operate"),
        #[cfg(not(feature = "sandbox"))]
        Command::Sandbox(lacking) => lacking.run("sandbox"),
    };
    let done = done.and_then(|()| out.flush().map_err(CliError::Output));
    match done {
        Ok(()) => return ExitCode::SUCCESS,
        // The reader closed the pipe: it has all that it wanted.
        Err(CliError::Output(error)) if is_closed_pipe(&error) => return ExitCode::SUCCESS,
        Err(CliError::Output(error)) => {
            tell_error(&format!("standard output: {error}; check where it leads"));
        }
        Err(CliError::Told(message)) => tell_error(&message),
        Err(CliError::Already) => {}
    }
    ExitCode::FAILURE
}

/// Why a command did not end well.
#[derive(Debug)]
enum CliError {
    /// One line for the user.
    Told(String),
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

impl From<crate::failure::Failure> for CliError {
    fn from(failure: crate::failure::Failure) -> Self {
        Self::Told(failure.to_string())
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

/// `file:///…/` of a folder, which need not exist yet.
fn folder_url(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let path = absolute.to_string_lossy().replace('\\', "/");
    crate::object_key::url("file://", &format!("{}/", path.trim_end_matches('/')))
}
