//! The wall clock, in the house's own unit.

use std::time::SystemTime;

use crate::media::ticks::EpochMillis;

/// The time by this machine's clock.
pub fn now() -> EpochMillis {
    epoch_millis(SystemTime::now())
}

/// A time as milliseconds since 1970; of an earlier one, 0.
pub fn epoch_millis(time: SystemTime) -> EpochMillis {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    EpochMillis(i64::try_from(millis).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_counted_from_1970() {
        let later = SystemTime::UNIX_EPOCH + Duration::from_micros(1_500);
        assert_eq!(epoch_millis(later), EpochMillis(1));
        let earlier = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(epoch_millis(earlier), EpochMillis(0));
    }
}
