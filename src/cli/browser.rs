//! The reader's own browser.

use std::process::{Command, Stdio};

use super::tell_warning;

/// Opens the page. Where there is no browser to be had, its address has been printed.
pub(super) fn open_in_browser(url: &str) {
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
