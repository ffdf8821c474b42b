//! Keeping under a rate: a token bucket, pure, and the waiting around it.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::lock::lock;
use crate::media::counts::nearest;

/// A token bucket that may go negative: a caller that takes more than is available waits
/// until the balance is zero again, and later callers queue behind it.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    burst: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        Self {
            per_second: f64::from(per_second),
            burst: f64::from(burst),
            level: f64::from(burst),
            at: now,
        }
    }

    /// Takes, and says how long to wait before using what was taken.
    fn take(&mut self, count: usize, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + passed * self.per_second).min(self.burst);
        self.at = now;
        self.level -= nearest(count as u64);
        Duration::from_secs_f64((-self.level / self.per_second).max(0.0))
    }
}

/// The rate and burst for requests of `size` that keep under `quota` in every second, and
/// a tenth below it in the long run where the size allows. Whole requests come at once, so
/// a second sees one more of them than the rate alone would say.
pub(super) fn rate_under(quota: usize, size: usize) -> (u32, u32) {
    let burst = quota / 10;
    let whole_requests = quota / size.max(1) * size;
    let rate = (quota - burst).min(whole_requests * 49 / 50).max(1);
    let whole = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (whole(rate - rate.min(10) / 2), whole(burst))
}

/// Holds callers back so that a quota is kept.
#[derive(Debug)]
pub(super) struct Pace(Mutex<Bucket>);

impl Pace {
    /// At most `burst` at once and `per_second` in the long run: in any second, at most
    /// their sum.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self(Mutex::new(Bucket::new(per_second, burst, Instant::now())))
    }

    /// Waits until so many may go.
    pub(super) async fn take(&self, count: usize) {
        let wait = {
            let mut bucket = lock(&self.0);
            bucket.take(count, Instant::now())
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests of so many, all wanted at once; when each may go, in ms.
    fn times(per_second: u32, burst: u32, requests: &[usize]) -> Vec<u128> {
        let start = Instant::now();
        let mut bucket = Bucket::new(per_second, burst, start);
        requests
            .iter()
            .map(|count| bucket.take(*count, start).as_millis())
            .collect()
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        assert_eq!(times(10, 15, &[15, 1, 1, 10]), [0, 100, 200, 1_200]);
        assert_eq!(times(5, 1, &[1, 1, 1]), [0, 200, 400]);
        assert_eq!(times(440, 50, &[50, 50, 440]), [0, 113, 1_113]);
    }

    #[test]
    fn what_is_not_used_is_kept_up_to_the_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 5, start);
        assert_eq!(bucket.take(5, start), Duration::ZERO);
        let later = start + Duration::from_secs(60);
        assert_eq!(bucket.take(5, later), Duration::ZERO);
        assert_eq!(bucket.take(1, later), Duration::from_millis(100));
    }

    /// Whatever the size of the requests, no second sees more than the quota.
    #[test]
    fn no_second_sees_more_than_the_quota() {
        for size in 1..=450 {
            let (rate, burst) = rate_under(500, size);
            let times = times(rate, burst, &vec![size; 3_000 / size]);
            for from in &times {
                let within = times
                    .iter()
                    .filter(|at| **at >= *from && **at < from + 1_000);
                let fragments = within.count() * size;
                assert!(fragments <= 500, "{size}: {fragments} in a second");
            }
        }
    }
}
