//! `callreel completions` and `callreel man`: what a shell and a reader of manuals want to
//! know of the command line, made from the command line itself.

use std::io::Write;

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
    let version = concat!("callreel ", env!("CARGO_PKG_VERSION"));
    Ok(Man::new(page).source(version).render(out)?)
}

fn no_json(json: bool) -> Result<(), CliError> {
    match json {
        true => Err(CliError::Usage(
            "this is text for another program; leave --json out".to_owned(),
        )),
        false => Ok(()),
    }
}
