//! What is of no use any more and may come again all the same: the numbers of sessions that were
//! ended, the states of logins that came back. Each process keeps its own, for as long as what
//! they are of could still be good.

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use crate::lock::lock;
use crate::media::ticks::EpochMillis;

/// Texts that are kept at the most; beyond them the oldest is forgotten. They have 43 letters.
const MAX_KEPT: usize = 100_000;

/// Texts that are used up, each for so long.
#[derive(Debug)]
pub(super) struct Used {
    lasts: i64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    texts: HashSet<String>,
    /// When each came, the oldest first.
    order: VecDeque<(i64, String)>,
}

impl Used {
    /// None yet; each that comes is kept for so long.
    pub(super) fn new(lasts: Duration) -> Self {
        Self {
            lasts: i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX),
            kept: Mutex::default(),
        }
    }

    /// Uses a text up; false when it was already.
    pub(super) fn use_up(&self, text: &str, now: EpochMillis) -> bool {
        let mut kept = lock(&self.kept);
        let is_over = |since: i64| now.0.saturating_sub(since) > self.lasts;
        while let Some((since, _)) = kept.order.front()
            && (is_over(*since) || kept.order.len() >= MAX_KEPT)
        {
            if let Some((_, text)) = kept.order.pop_front() {
                kept.texts.remove(&text);
            }
        }
        let is_new = kept.texts.insert(text.to_owned());
        if is_new {
            kept.order.push_back((now.0, text.to_owned()));
        }
        is_new
    }

    /// Whether a text is used up.
    pub(super) fn holds(&self, text: &str) -> bool {
        lock(&self.kept).texts.contains(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_good_once_and_kept_for_its_time() {
        let used = Used::new(Duration::from_secs(10));
        let at = EpochMillis;
        assert!(!used.holds("a"));
        assert!(used.use_up("a", at(0)));
        assert!(!used.use_up("a", at(9_000)) && used.holds("a"));
        assert!(used.use_up("b", at(10_001)));
        assert!(!used.holds("a") && used.holds("b"));
    }

    #[test]
    fn memory_has_its_limit() {
        let used = Used::new(Duration::MAX);
        for number in 0..=MAX_KEPT {
            assert!(used.use_up(&number.to_string(), EpochMillis(0)));
        }
        assert!(!used.holds("0") && used.holds("1"));
        assert_eq!(lock(&used.kept).texts.len(), MAX_KEPT);
    }
}
