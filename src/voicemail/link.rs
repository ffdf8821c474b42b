//! A link to a recording, and how long it lives: as a rule shorter than was asked for where it
//! is signed by a role, whose own credentials end.

use std::time::Duration;

use crate::object_key;

/// The longest that S3 lets a signed URL live.
pub const MAX_LIFE: Duration = Duration::from_secs(7 * 86_400);

/// A link to a recording.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// The URL. Whoever has it can listen, as long as it lives: it is shown to nobody else,
    /// and not in logs.
    pub url: String,
    /// How long it lives from now on; `None` where it leads to a page that asks who comes, and
    /// lives as long as the recording.
    pub lives: Option<Duration>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.url.len();
        write!(f, "Link({bytes} bytes, lives {:?})", self.lives)
    }
}

impl Link {
    /// That of the archive's page on the recording that this verdict is of. `base` is what
    /// pages' URLs start with, before the key.
    pub fn to_page(base: &str, verdict: &str) -> Self {
        Self {
            url: object_key::url(base, verdict),
            lives: None,
        }
    }

    /// How long it lives, in words for the reader of a task or a mail: whole days, hours or
    /// minutes, rounded down.
    pub fn life_text(&self) -> Option<String> {
        let seconds = self.lives?.as_secs();
        let (count, unit) = match seconds {
            172_800.. => (seconds / 86_400, "day"),
            7_200.. => (seconds / 3_600, "hour"),
            _ => (seconds / 60, "minute"),
        };
        let plural = if count == 1 { "" } else { "s" };
        Some(format!("{count} {unit}{plural}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_told_in_whole_units() {
        #[track_caller]
        fn check(seconds: u64, text: &str) {
            let lives = Some(Duration::from_secs(seconds));
            let url = "https://secret".to_owned();
            let link = Link { url, lives };
            assert_eq!(link.life_text().as_deref(), Some(text));
            assert!(!format!("{link:?}").contains("secret"));
        }
        check(0, "0 minutes");
        check(60, "1 minute");
        check(3_600, "60 minutes");
        check(7_200, "2 hours");
        check(86_400, "24 hours");
        check(259_199, "2 days");
        check(604_800, "7 days");
    }
}
