//! Failures in the words of who reads them: what is to be done about the same failure
//! depends on where streams and recordings are.

use crate::failure::{Failure, FailureKind};

/// Where the reader's streams and recordings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// In folders, which flags name.
    Folders,
    /// In AWS.
    #[cfg(feature = "operate")]
    Aws,
}

impl Reader {
    /// A failure as one line.
    pub(super) fn told(self, failure: &Failure) -> String {
        let own = match self {
            Self::Folders => cure_with_flags(failure.kind),
            #[cfg(feature = "operate")]
            Self::Aws => None,
        };
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

#[cfg(test)]
mod tests {
    use super::*;

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
