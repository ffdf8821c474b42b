//! The ports over folders: what `callreel record` and `callreel extract` stand on without
//! any AWS. Blocking file I/O behind the same contract as the AWS edge; decides nothing.

mod calls;
mod contacts;
mod erasing;
pub mod index;
pub mod inspect;
mod kind;
mod media;
mod parts;
pub mod pieces;
mod reading;
mod recordings;
mod streams;
mod tapes;
mod turn;
mod voicemail;

use std::io;
use std::path::Path;

pub use calls::LocalClock;
pub use contacts::LocalContacts;
pub use kind::{Kind, begins_as};
pub use reading::LocalFile;
pub use recordings::{LocalRecordings, LocalUpload, Swept};
pub use streams::{LocalBody, LocalStreams};
pub use tapes::{FolderTape, FolderTapes, Repaired};
pub use turn::Turn;
pub use voicemail::{LocalDesk, LocalSigner, LocalTranscriber, Speech};

use crate::failure::{Failure, FailureKind};

/// What was tried when a file refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    Reading,
    Writing,
}

/// An I/O error in our words.
pub(crate) fn io_failure(tried: Tried, path: &Path, error: &io::Error) -> Failure {
    let kind = match (tried, error.kind()) {
        (_, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => FailureKind::StoreFull,
        (Tried::Reading, io::ErrorKind::PermissionDenied) => FailureKind::ReadDenied,
        (Tried::Reading, io::ErrorKind::IsADirectory) => FailureKind::NotAFile,
        (
            Tried::Reading,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename,
        ) => FailureKind::NotThere,
        (Tried::Reading, _) => FailureKind::ReadFailed,
        // Some file systems answer "not found" where nothing can be made.
        (
            Tried::Writing,
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotFound,
        ) => FailureKind::WriteDenied,
        (
            Tried::Writing,
            io::ErrorKind::NotADirectory
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::IsADirectory,
        ) => FailureKind::WriteBlocked,
        (Tried::Writing, _) => FailureKind::WriteFailed,
    };
    Failure::new(kind, path.display(), error)
}

fn write_failure(path: &Path) -> impl Fn(io::Error) -> Failure + '_ {
    |error| io_failure(Tried::Writing, path, &error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Action;

    #[test]
    fn every_refusal_of_a_file_has_its_cure() {
        #[track_caller]
        fn check(tried: Tried, error: io::ErrorKind, action: Action, cure: &str) {
            let failure = io_failure(tried, Path::new("some/file"), &error.into());
            assert_eq!(failure.action(), action, "{failure}");
            let text = failure.to_string();
            assert!(text.starts_with("some/file: "), "{text}");
            assert!(text.ends_with(cure), "{text}");
        }
        use Tried::{Reading, Writing};
        use io::ErrorKind;
        check(Reading, ErrorKind::NotFound, Action::Park, "check the path");
        check(
            Reading,
            ErrorKind::NotADirectory,
            Action::Park,
            "check the path",
        );
        check(
            Reading,
            ErrorKind::PermissionDenied,
            Action::Park,
            "right to read it",
        );
        check(
            Reading,
            ErrorKind::IsADirectory,
            Action::Park,
            "a plain file must be there",
        );
        check(Reading, ErrorKind::Other, Action::Retry, "try again");
        for full in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            check(
                Writing,
                full,
                Action::Retry,
                "free some space where recordings go",
            );
        }
        for denied in [
            ErrorKind::PermissionDenied,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::NotFound,
        ] {
            check(Writing, denied, Action::Park, "the right to write there");
        }
        for blocked in [
            ErrorKind::NotADirectory,
            ErrorKind::AlreadyExists,
            ErrorKind::IsADirectory,
        ] {
            check(
                Writing,
                blocked,
                Action::Park,
                "move what stands in its way",
            );
        }
        check(
            Writing,
            ErrorKind::FileTooLarge,
            Action::Retry,
            "where recordings go",
        );
    }
}
