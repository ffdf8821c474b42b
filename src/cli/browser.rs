//! Pages for the reader's own browser: told of, and opened.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use serde_json::json;

use super::tell_warning;
use crate::web::serve::Bound;

/// What is told of a page when it is served.
pub(super) struct Told<'a> {
    /// What it shows.
    pub what: &'a str,
    /// The name of the JSON document.
    pub schema: &'a str,
    /// Where people open it, with a slash at its end.
    pub page: &'a str,
    /// Whether a login is before it.
    pub has_login: bool,
    /// Whether JSON is wanted.
    pub json: bool,
    /// Whether the browser is to open it.
    pub open: bool,
}

/// Tells where a page is, and who can reach it.
pub(super) fn tell_of_page(bound: &Bound, told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let url = told.page;
    match told.json {
        true => writeln!(out, "{}", json!({"schema": told.schema, "page": url}))?,
        false => writeln!(out, "{url} shows {}; Ctrl-C ends it", told.what)?,
    }
    out.flush()?;
    if !bound.address().ip().is_loopback() && !told.has_login {
        tell_warning("whoever reaches this address sees and hears the calls: there is no login");
    }
    if told.open {
        open_in_browser(url);
    }
    Ok(())
}

/// Opens the page. Where there is no browser to be had, its address has been printed.
fn open_in_browser(url: &str) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let opened = Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = opened {
        tell_warning(&format!(
            "no browser was opened ({program}: {error}); open {url} yourself"
        ));
    }
}
