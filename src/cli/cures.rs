//! What to do about a failure, as a command says it: it ends, and nothing tries again by
//! itself, as the function does; and what it was given it can ask for better.

use std::path::Path;

use crate::failure::{Failure, FailureKind};

/// What a command that reads media wants in place of something else.
pub(super) const MEDIA: &str = "give a file of Matroska fragments, as KVS answers with them";

/// A failure as one line of a command that ends with it.
pub(super) fn told(failure: &Failure) -> String {
    let cure = match failure.kind {
        FailureKind::Unavailable | FailureKind::ConnectionLost => {
            "run it again; if this lasts, check the network, the endpoint and the state of the service"
        }
        FailureKind::Throttled => {
            "run it again; if this lasts, ask AWS for a higher quota, or let less run at the same time"
        }
        FailureKind::Contended | FailureKind::OutOfTime => "run it again",
        FailureKind::ListingIncomplete => {
            "run it again later; some hours after the call, or when the stream will not keep the audio much longer, \
             what is listed is recorded as partial"
        }
        FailureKind::NothingCame => "run it again later; check that the stream holds this call",
        _ => return failure.to_string(),
    };
    format!("{}: {}; {cure}", failure.subject, failure.cause)
}

/// The error of a file that was given as media and cannot be read as such.
pub(super) fn no_media(failure: &Failure) -> String {
    let (subject, cause) = (&failure.subject, &failure.cause);
    match failure.kind {
        FailureKind::NotAFile if Path::new(subject).is_dir() => {
            let files = Path::new(subject).join("*.mkv");
            format!(
                "{subject}: {cause}; give its .mkv files: {}",
                files.display()
            )
        }
        FailureKind::Unreadable => format!("{subject}: {cause}; {MEDIA}"),
        _ => told(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_says_that_something_tries_again() {
        for kind in [
            FailureKind::Unavailable,
            FailureKind::ConnectionLost,
            FailureKind::Throttled,
            FailureKind::Contended,
            FailureKind::OutOfTime,
            FailureKind::ListingIncomplete,
            FailureKind::NothingCame,
        ] {
            let failure = Failure::new(kind, "queue q", "HTTP 503");
            assert!(failure.to_string().contains("tried again"), "{failure}");
            let told = told(&failure);
            assert!(
                told.starts_with("queue q: HTTP 503; run it again"),
                "{told}"
            );
        }
        let failure = Failure::new(FailureKind::StoreFull, "out", "full");
        assert_eq!(told(&failure), failure.to_string());
    }
}
