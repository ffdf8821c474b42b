//! How the seals of days hang on each other.

/// How a seal hangs on the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The seal before it is what it was.
    Holds,
    /// It is the first one.
    First,
    /// The seal before it is another one than it was.
    Changed,
    /// The seal before it is gone.
    Gone,
    /// Where the seal before it lies cannot be told here: this folder is not below the prefix.
    Unknown,
}

impl Link {
    /// A word for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::First => "first",
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}
