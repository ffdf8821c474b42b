//! Failures in the words of who reads them: a command ends, and nothing tries again by
//! itself, as the function does; and what is to be done about the same failure depends on
//! where streams and recordings are.

use crate::failure::{Failure, FailureKind};

/// Where the reader's streams and recordings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// In folders, which flags name.
    Folders,
    /// In AWS, or nobody knows.
    Aws,
}

impl Reader {
    /// A failure as one line.
    pub(super) fn told(self, failure: &Failure) -> String {
        let with_flags = match self {
            Self::Folders => cure_with_flags(failure.kind),
            Self::Aws => None,
        };
        let own = with_flags.or_else(|| cure_by_hand(failure.kind));
        own.map_or_else(|| failure.to_string(), |cure| failure.told_with(cure))
    }
}

/// What a flag does for it, of commands that read and write folders.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a kind that no flag does anything for has its cure in the table of failures"
)]
const fn cure_with_flags(kind: FailureKind) -> Option<&'static str> {
    Some(match kind {
        FailureKind::StreamMissing => {
            "check that the stream is there: in this account and region, or as a folder of that name (--streams)"
        }
        FailureKind::StoreFull => "free some space, or choose another folder with --out",
        FailureKind::WriteDenied => {
            "give this user the right to write there, or choose another folder with --out"
        }
        FailureKind::WriteBlocked => {
            "move what stands in its way, or choose another folder with --out"
        }
        FailureKind::WriteFailed => "try again, or choose another folder with --out",
        _ => return None,
    })
}

/// What a person does where the function would try again by itself.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what nobody tries again by itself has its cure in the table of failures"
)]
const fn cure_by_hand(kind: FailureKind) -> Option<&'static str> {
    Some(match kind {
        FailureKind::Unavailable | FailureKind::ConnectionLost => {
            "run it again; if this lasts, check the network, the endpoint and the state of the service"
        }
        FailureKind::Throttled => {
            "run it again; if this lasts, ask AWS for a higher quota, or let less run at the same time"
        }
        FailureKind::Contended | FailureKind::OutOfTime => "run it again",
        FailureKind::ListingIncomplete => {
            "run it again later; some hours after the call, or when the stream will not keep the audio much longer, what is listed is recorded as partial"
        }
        FailureKind::NothingCame => "run it again later; check that the stream holds this call",
        _ => return None,
    })
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
            let told = Reader::Folders.told(&failure);
            assert!(
                told.starts_with("queue q: HTTP 503; run it again"),
                "{told}"
            );
        }
    }

    #[test]
    fn only_who_has_folders_reads_of_flags() {
        let failure = Failure::new(FailureKind::WriteFailed, "out/x.wav", "I/O error");
        let told = Reader::Folders.told(&failure);
        assert!(told.starts_with("out/x.wav: I/O error; "), "{told}");
        assert!(
            told.ends_with("or choose another folder with --out"),
            "{told}"
        );
        assert!(!failure.to_string().contains("--"), "{failure}");
        let failure = Failure::new(FailureKind::NotThere, "a", "b");
        assert_eq!(Reader::Folders.told(&failure), failure.to_string());
    }
}
