//! `callreel completions` and `callreel man`: what a shell and a reader of manuals want to
//! know of the command line, made from the command line itself.

use std::io::Write;

use clap::{Arg, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{CliError, command};

#[derive(clap::Args, Debug)]
#[command(
    after_help = "bash:  callreel completions bash > ~/.local/share/bash-completion/completions/callreel\n\
    zsh:   callreel completions zsh > DIR/_callreel, with DIR one of $fpath\n\
    fish:  callreel completions fish > ~/.config/fish/completions/callreel.fish\n\
    PowerShell:  callreel completions powershell | Out-String | Invoke-Expression"
)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
    // In place of the one of all commands: this prints text for another program.
    #[arg(long, hide = true)]
    json: bool,
}

#[derive(clap::Args, Debug)]
#[command(after_help = "Read it:  callreel man record | man -l -\n\
    Keep it:  callreel man > ~/.local/share/man/man1/callreel.1")]
pub(super) struct ManArgs {
    /// The page of this command [default: the page that lists all of them]
    command: Option<String>,
    #[arg(long, hide = true)]
    json: bool,
}

pub(super) fn completions(
    args: &CompletionsArgs,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    no_json(json || args.json)?;
    // Into memory first: the generator knows no way to fail.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "callreel", &mut script);
    Ok(out.write_all(&script)?)
}

pub(super) fn man(args: &ManArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    no_json(json || args.json)?;
    let mut all = command().disable_help_subcommand(true);
    // Gives the commands below their whole names and the flags that all of them take.
    all.build();
    let page = match &args.command {
        None => all,
        Some(name) => match all.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                let names = all.get_subcommands().map(|command| command.get_name());
                let names = names.collect::<Vec<_>>().join(", ");
                return Err(CliError::Usage(format!(
                    "{name} is no command; give one of {names}, or none for all"
                )));
            }
        },
    };
    let synopsis = synopsis(&page);
    let page = page.override_usage(synopsis);
    let version = concat!("callreel ", env!("CARGO_PKG_VERSION"));
    Ok(Man::new(page).source(version).render(out)?)
}

/// How a command is called, with the names of values: the page's own synopsis leaves them out.
fn synopsis(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let mut words = vec![name.to_owned()];
    let shown = |arg: &&Arg| !arg.is_hide_set();
    let flags = command.get_arguments().filter(|arg| !arg.is_positional());
    let (required, optional): (Vec<_>, Vec<_>) =
        flags.filter(shown).partition(|arg| arg.is_required_set());
    words.extend(optional.into_iter().map(|arg| format!("[{}]", flag(arg))));
    words.extend(required.into_iter().map(flag));
    for arg in command.get_positionals().filter(shown) {
        let (value, more) = (values(arg), if takes_several(arg) { "..." } else { "" });
        words.push(match arg.is_required_set() {
            true => format!("<{value}>{more}"),
            false => format!("[{value}]{more}"),
        });
    }
    if command.has_subcommands() {
        words.push("<COMMAND>".to_owned());
    }
    words.join(" ")
}

fn flag(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<_> = short.into_iter().chain(long).collect();
    let names = names.join("|");
    match arg.get_action().takes_values() {
        true => format!("{names} {}", values(arg)),
        false => names,
    }
}

fn values(arg: &Arg) -> String {
    match arg.get_value_names() {
        Some(names) => names.join(" "),
        None => arg.get_id().as_str().to_uppercase(),
    }
}

fn takes_several(arg: &Arg) -> bool {
    arg.get_num_args()
        .is_some_and(|count| count.max_values() > 1)
}

fn no_json(json: bool) -> Result<(), CliError> {
    match json {
        true => Err(CliError::Usage(
            "this is text for another program; leave --json out".to_owned(),
        )),
        false => Ok(()),
    }
}
