//! Keeping under a rate, or under a quota of every second: a token bucket and a sliding
//! second, pure, and the waiting around them.

use std::collections::VecDeque;
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

/// A quota for every second, wherever it begins: what went within the last one counts, and
/// nothing else. All of it may go at once, and half a minute of it takes half a minute: a
/// token bucket that never lets more through in any second must be slower in the long run.
#[derive(Debug)]
struct EverySecond {
    quota: usize,
    /// What went, or will go, and when; in order of time.
    went: VecDeque<(Instant, usize)>,
}

impl EverySecond {
    /// Takes, and says how long to wait before using what was taken. Callers go in the order
    /// of their asking.
    fn take(&mut self, count: usize, now: Instant) -> Duration {
        // Whoever wants more than there ever is gets all of it.
        let count = count.min(self.quota);
        let mut at = self.went.back().map_or(now, |(last, _)| now.max(*last));
        let mut counted: usize = self.went.iter().map(|(_, count)| count).sum();
        while let Some((then, before)) = self.went.front().copied() {
            let free = then + A_SECOND;
            if free > at && counted + count <= self.quota {
                break;
            }
            at = at.max(free);
            counted -= before;
            self.went.pop_front();
        }
        self.went.push_back((at, count));
        at.saturating_duration_since(now)
    }
}

/// Calls reach AWS now sooner, now later: a second of ours is so much longer than theirs.
const A_SECOND: Duration = Duration::from_millis(1_050);

/// Holds callers back so that no second sees more than a quota.
#[derive(Debug)]
pub(super) struct Quota(Mutex<EverySecond>);

impl Quota {
    /// At most so many in any second.
    pub(super) fn a_second(quota: usize) -> Self {
        Self(Mutex::new(EverySecond {
            quota,
            went: VecDeque::new(),
        }))
    }

    /// Waits until so many may go.
    pub(super) async fn take(&self, count: usize) {
        let wait = lock(&self.0).take(count, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

/// Holds callers back so that a rate is kept.
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

    /// Requests of so many under a quota of 500 a second; when each may go, in ms.
    fn in_seconds(requests: &[usize]) -> Vec<u128> {
        let start = Instant::now();
        let mut quota = EverySecond {
            quota: 500,
            went: VecDeque::new(),
        };
        let gone = requests.iter().map(|count| quota.take(*count, start));
        gone.map(|wait| wait.as_millis()).collect()
    }

    #[test]
    fn a_quota_goes_at_once_and_the_next_one_a_second_later() {
        assert_eq!(in_seconds(&[500, 500, 1]), [0, 1_050, 2_100]);
        assert_eq!(in_seconds(&[250; 5]), [0, 0, 1_050, 1_050, 2_100]);
        // A small one does not go before a large one that came first.
        assert_eq!(in_seconds(&[300, 300, 100, 200]), [0, 1_050, 1_050, 2_100]);
        // More than there ever is.
        assert_eq!(in_seconds(&[1_000, 1]), [0, 1_050]);
        // An hour's call, as the recorder asks for it: 1.05 times the quota's own pace.
        assert_eq!(in_seconds(&[50; 67]).last(), Some(&6_300));
    }

    #[test]
    fn what_went_a_second_ago_counts_no_more() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut quota = EverySecond {
            quota: 500,
            went: VecDeque::new(),
        };
        assert_eq!(quota.take(300, at(0)), Duration::ZERO);
        assert_eq!(quota.take(200, at(600)), Duration::ZERO);
        // The first 300 are free again at 1.05 s, the 200 at 1.65 s.
        assert_eq!(quota.take(300, at(1_000)), Duration::from_millis(50));
        assert_eq!(quota.take(1, at(1_000)), Duration::from_millis(650));
        assert_eq!(quota.take(500, at(60_000)), Duration::ZERO);
        assert_eq!(quota.went.len(), 1);
    }

    /// Whatever the size of the requests, no second sees more than the quota.
    #[test]
    fn no_second_sees_more_than_the_quota() {
        for size in 1..=500 {
            let times = in_seconds(&vec![size; 3_000 / size]);
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
