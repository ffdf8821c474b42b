//! What a command that reads media says of a file that is none.

use std::path::Path;

use super::reader::Reader;
use crate::failure::{Failure, FailureKind};

/// What a command that reads media wants in place of something else.
pub(super) const MEDIA: &str = "give a file of Matroska fragments, as KVS answers with them";

/// The error of a file that was given as media and cannot be read as such.
pub(super) fn no_media(failure: &Failure) -> String {
    let (subject, cause) = (&failure.subject, &failure.cause);
    if failure.kind == FailureKind::NotAFile && Path::new(subject).is_dir() {
        let files = Path::new(subject).join("*.mkv");
        return format!(
            "{subject}: {cause}; give its .mkv files: {}",
            files.display()
        );
    }
    if failure.kind == FailureKind::Unreadable {
        return format!("{subject}: {cause}; {MEDIA}");
    }
    Reader::Folders.told(failure)
}
