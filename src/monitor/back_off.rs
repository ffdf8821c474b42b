//! How long to wait after failures: half to the whole of an interval that doubles with each, so
//! that those that failed together do not ask together again.

use std::time::Duration;

/// The longest wait.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(30);

/// Where the waits' variation has come to.
#[derive(Debug)]
pub(super) struct BackOff {
    random: u64,
}

impl BackOff {
    /// `random` begins the variation.
    pub(super) const fn new(random: u64) -> Self {
        Self { random }
    }

    /// The wait after so many failures in a row; `first` is the whole of that after one.
    pub(super) fn after(&mut self, failures: u32, first: Duration) -> Duration {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let part = u32::try_from(self.random >> 54).unwrap_or(0);
        let doubled = 1_u32 << failures.saturating_sub(1).min(16);
        let whole = first.saturating_mul(doubled).min(MAX_WAIT);
        whole / 2 + whole / 2 * part / 1_024
    }
}
