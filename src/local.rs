//! The ports over folders: what `callreel record` and `callreel extract` stand on without
//! any AWS. Blocking file I/O behind the same contract as the AWS edge; decides nothing.

mod contacts;
pub mod extract;
pub mod index;
pub mod inspect;
mod recordings;
mod streams;

use std::fmt;
use std::io;
use std::path::Path;

pub use contacts::LocalContacts;
pub use recordings::{LocalRecordings, LocalUpload};
pub use streams::{LocalBody, LocalStreams};

use crate::failure::{Failure, FailureKind};

/// What was tried when a file refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    Reading,
    Writing,
}

/// An I/O error in our words.
pub(crate) fn io_failure(tried: Tried, path: &Path, error: &io::Error) -> Failure {
    let kind = match (tried, error.kind()) {
        (_, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => FailureKind::StoreFull,
        (Tried::Reading, io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory) => {
            FailureKind::ReadDenied
        }
        (Tried::Reading, _) => FailureKind::ReadFailed,
        (
            Tried::Writing,
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::IsADirectory,
        ) => FailureKind::WriteDenied,
        (Tried::Writing, _) => FailureKind::WriteFailed,
    };
    Failure::new(kind, path.display(), error)
}

/// A lock whose holder cannot leave it in disorder: a panic elsewhere is no reason to stop.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A digest as hexadecimal text.
fn hex(digest: impl AsRef<[u8]>) -> impl fmt::Display {
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
}
