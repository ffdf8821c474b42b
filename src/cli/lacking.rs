//! What the documents tell of and this build lacks: it is known all the same, and says in
//! one voice how to get it. One build has everything; a message that named one feature
//! alone would lose the reader the others.

use std::io::Write;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::CliError;

/// How the build that has everything is installed.
const EVERYTHING: &str = "cargo install --locked --path . --features operate,sandbox";
/// Commands that not every build has.
const COMMANDS: [(&str, bool); 5] = [
    ("archive", cfg!(feature = "web")),
    ("monitor", cfg!(feature = "web")),
    ("redrive", cfg!(feature = "operate")),
    ("doctor", cfg!(feature = "operate")),
    ("sandbox", cfg!(feature = "sandbox")),
];
/// Commands with a side to AWS, which a build has or lacks for all of them.
const WITH_AWS: [&str; 5] = ["record", "redrive", "forget", "verify", "index"];
/// What that build takes.
const TAKES: &str = "about 20 minutes on two cores, and up to 7 GB of memory";
/// The flags of that side.
const FLAGS: [&str; 5] = [
    "--aws",
    "--stack",
    "--region",
    "--profile",
    "--endpoint-url",
];
/// Those of `archive`, which looks at a bucket without a deployment's settings.
const FLAGS_OF_ARCHIVE: [&str; 5] = [
    "--bucket",
    "--bucket-owner",
    "--region",
    "--profile",
    "--endpoint-url",
];
/// Those of `forget` alone.
const FLAGS_OF_FORGET: [&str; 2] = ["--queue", "--failure-bucket"];

// No doc comment: it would stand in the help of the command.
#[derive(clap::Args, Debug)]
pub(super) struct Lacking {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _any: Vec<String>,
}

// Each build takes those of the commands that it lacks.
#[allow(dead_code, reason = "of a command that this build has")]
pub(super) type ArchiveArgs = Lacking;
#[allow(dead_code, reason = "of a command that this build has")]
pub(super) type RedriveArgs = Lacking;
#[allow(dead_code, reason = "of a command that this build has")]
pub(super) type DoctorArgs = Lacking;
#[allow(dead_code, reason = "of a command that this build has")]
pub(super) type SandboxArgs = Lacking;
#[allow(dead_code, reason = "of a command that this build has")]
pub(super) type MonitorArgs = Lacking;

#[allow(dead_code, reason = "a build that has everything lacks none")]
pub(super) fn run(_: &Lacking, _: &mut dyn Write, _: bool) -> Result<(), CliError> {
    Err(lacks("this command"))
}

fn lacks(what: &str) -> CliError {
    CliError::Told(format!(
        "this callreel was built without {what}; build one that has everything with `{EVERYTHING}` ({TAKES})"
    ))
}

/// A command that this build lacks says so in the list, and in its help how to get it.
pub(super) fn marked(command: Command) -> Command {
    let lacking = |(name, built): &(&str, bool)| *name == command.get_name() && !built;
    match COMMANDS.iter().any(lacking) {
        false => command,
        true => {
            let about = command.get_about().map(ToString::to_string);
            let about = format!("{} (not in this build)", about.unwrap_or_default());
            command.about(about).after_help(format!(
                "Not in this build. Build one that has everything ({TAKES}):\n\n  {EVERYTHING}\n\n\
                 All flags are in docs/commands.md."
            ))
        }
    }
}

/// The error, if what is unknown here is a flag that the build with everything knows.
pub(super) fn flag(error: &clap::Error, arguments: &[String]) -> Option<CliError> {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let command = arguments
        .iter()
        .find(|argument| !argument.starts_with('-'))?;
    let is_flag = FLAGS.contains(&&**unknown)
        || (command == "forget" && FLAGS_OF_FORGET.contains(&&**unknown));
    let is_of_archive = command == "archive" && FLAGS_OF_ARCHIVE.contains(&&**unknown);
    let is_of_aws = (is_flag && WITH_AWS.contains(&&**command)) || is_of_archive;
    (error.kind() == ErrorKind::UnknownArgument && is_of_aws && !cfg!(feature = "operate"))
        .then(|| lacks(unknown))
}
