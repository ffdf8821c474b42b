//! Whether the last fragments of a call have come: a contact event can be faster than they
//! are. Two listings that agree prove nothing, since fragments come a second apart and more.
//! What proves it is a fragment at the call's end; and where none lies there, because the
//! flow stopped the streaming before, or clocks differ, a named time is waited and no more.

use std::time::Duration;

use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;

/// What is to come has come so long after the call's end.
pub const COMES_WITHIN: Duration = Duration::from_secs(30);
/// The first wait; each further one is twice as long as the one before it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// A number's own time is believed if it lies so close to the call's end, in milliseconds:
/// no call is longer.
const BELIEVED: i64 = 24 * 3_600_000;

/// What is known of a call's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The newest fragment that is listed.
    pub newest: Option<FragmentNumber>,
    /// The last one, as far as Connect named it.
    pub stop: Option<FragmentNumber>,
    /// When the call ended: not before this.
    pub ended: EpochMillis,
    /// When it is now.
    pub now: EpochMillis,
    /// How often was looked, this time included.
    pub looks: u32,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// All have come, as this proves.
    Come(Proof),
    /// Some may still come: to be looked for again after this.
    Wait(Duration),
    /// Nothing proves it, and nothing more is to be expected: [`COMES_WITHIN`] has passed.
    Waited,
}

/// What proves that the last fragments have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The last one, as Connect named it.
    StopFragment,
    /// One that begins when the call was over, or later: the next one would, too.
    BeyondTheEnd,
}

impl Looked {
    /// Decides on it.
    pub fn arrival(&self) -> Arrival {
        if let (Some(newest), Some(stop)) = (self.newest, self.stop)
            && newest >= stop
        {
            return Arrival::Come(Proof::StopFragment);
        }
        let begins = self
            .newest
            .and_then(FragmentNumber::hinted_server_time)
            .filter(|begins| begins.0.abs_diff(self.ended.0) < BELIEVED.unsigned_abs());
        if begins.is_some_and(|begins| begins >= self.ended) {
            return Arrival::Come(Proof::BeyondTheEnd);
        }
        let passed = u64::try_from(self.now.0.saturating_sub(self.ended.0)).unwrap_or(0);
        let left = COMES_WITHIN.saturating_sub(Duration::from_millis(passed));
        if left.is_zero() {
            return Arrival::Waited;
        }
        let doubled = 1u32.checked_shl(self.looks.saturating_sub(1));
        let wait = doubled.and_then(|times| FIRST_WAIT.checked_mul(times));
        Arrival::Wait(wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT).min(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENDED: i64 = 1_760_000_000_000;

    /// The number of a fragment that begins at this time.
    fn number(millis: i64) -> FragmentNumber {
        let first = |start_epoch_millis| {
            let call = crate::synth::SynthCall {
                start_epoch_millis,
                ..Default::default()
            };
            let number: FragmentNumber = call.fragments().next().unwrap().number.parse().unwrap();
            (number, number.hinted_server_time().unwrap().0)
        };
        let (_, begins) = first(millis);
        let (number, begins) = first(2 * millis - begins);
        assert_eq!(begins, millis);
        number
    }

    #[track_caller]
    fn check(newest: Option<i64>, stop: Option<i64>, passed: i64, looks: u32, expected: Arrival) {
        let looked = Looked {
            newest: newest.map(|after| number(ENDED + after)),
            stop: stop.map(|after| number(ENDED + after)),
            ended: EpochMillis(ENDED),
            now: EpochMillis(ENDED + passed),
            looks,
        };
        assert_eq!(looked.arrival(), expected);
    }

    #[test]
    fn a_fragment_at_the_end_proves_it() {
        check(Some(0), None, 900, 1, Arrival::Come(Proof::BeyondTheEnd));
        check(Some(700), None, 900, 1, Arrival::Come(Proof::BeyondTheEnd));
        check(
            Some(-1),
            Some(-1),
            900,
            1,
            Arrival::Come(Proof::StopFragment),
        );
        check(Some(-900), Some(-1), 900, 1, wait(1));
    }

    fn wait(seconds: u64) -> Arrival {
        Arrival::Wait(Duration::from_secs(seconds))
    }

    #[test]
    fn until_then_it_waits_longer_each_time_and_no_longer_than_named() {
        for (looks, seconds) in [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (99, 8)] {
            check(Some(-1), None, 900, looks, wait(seconds));
        }
        check(None, None, 0, 1, wait(1));
        check(None, None, 27_000, 5, wait(3));
        check(None, None, 30_000, 1, Arrival::Waited);
        // The flow stopped the streaming before it hung up.
        check(Some(-9_000), None, 30_001, 6, Arrival::Waited);
        // An event that comes late waits for nothing.
        check(Some(-9_000), None, 600_000, 1, Arrival::Waited);
        // A clock that is ahead of ours.
        check(None, None, -5_000, 1, wait(1));
    }

    #[test]
    fn a_number_of_another_make_proves_nothing() {
        for newest in ["7", "91343852333181432392682062674357222774605275062000"] {
            let looked = Looked {
                newest: newest.parse().ok(),
                stop: None,
                ended: EpochMillis(ENDED),
                now: EpochMillis(ENDED),
                looks: 1,
            };
            assert_eq!(looked.arrival(), wait(1));
        }
        check(Some(25 * 3_600_000), None, 0, 1, wait(1));
    }

    proptest! {
        #[test]
        fn no_times_panic(ended in any::<i64>(), now in any::<i64>(), looks in any::<u32>(), newest in proptest::option::of("[0-9]{1,50}")) {
            let looked = Looked {
                newest: newest.and_then(|newest| newest.parse().ok()),
                stop: None,
                ended: EpochMillis(ended),
                now: EpochMillis(now),
                looks,
            };
            if let Arrival::Wait(wait) = looked.arrival() {
                prop_assert!(!wait.is_zero() && wait <= LONGEST_WAIT);
            }
        }
    }
}
