//! Fragment numbers, made the way KVS makes them. They overflow `u128`, so five 32-bit
//! limbs and a division by 10^9 stand in for a big-number crate.

#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of several words: the low word is meant"
)]

/// Every number that KVS was seen to give carries this bit above its counter.
const LEADING_BIT: u32 = 1 << (156 - 128);

/// Decimal digits that one division takes off.
const DIGITS_AT_ONCE: usize = 9;

/// `((2^64 + counter) << 92) | (server_ms << 28) | noise`, as decimal text. Numbers with
/// rising counters rise; `noise` is cut to its 28 bits.
pub(super) fn fragment_number(counter: u64, server_millis: u64, noise: u64) -> String {
    let stamp = (u128::from(server_millis) << 28) | u128::from(noise & 0x0fff_ffff);
    let low = (u128::from(counter) << 92) | stamp;
    let high = LEADING_BIT | (counter >> 36) as u32;
    decimal(high, low)
}

/// `high * 2^128 + low` as decimal text.
fn decimal(high: u32, low: u128) -> String {
    let limb = |shift: u32| (low >> shift) as u32;
    let mut limbs = [high, limb(96), limb(64), limb(32), limb(0)];
    let mut groups = Vec::new();
    while limbs.iter().any(|limb| *limb != 0) {
        groups.push(divide_by_group(&mut limbs));
    }
    let mut text = groups.pop().unwrap_or(0).to_string();
    for group in groups.iter().rev() {
        text.push_str(&format!("{group:0DIGITS_AT_ONCE$}"));
    }
    text
}

/// Divides in place, most significant limb first, and gives the remainder.
fn divide_by_group(limbs: &mut [u32; 5]) -> u64 {
    let divisor = 10_u64.pow(DIGITS_AT_ONCE as u32);
    let mut remainder = 0;
    for limb in limbs {
        let dividend = (remainder << 32) | u64::from(*limb);
        *limb = (dividend / divisor) as u32;
        remainder = dividend % divisor;
    }
    remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_agrees_with_u128() {
        #[track_caller]
        fn check(value: u128) {
            assert_eq!(decimal(0, value), value.to_string());
        }
        check(0);
        check(9);
        check(999_999_999);
        check(1_000_000_000);
        check(1_000_000_001_000_000_000);
        check(u128::from(u64::MAX));
        check(u128::MAX);
        let mut value = 1_u128;
        for _ in 0..200 {
            value = value
                .wrapping_mul(6_364_136_223_846_793_005_000_000_007)
                .wrapping_add(99);
            check(value);
        }
    }

    #[test]
    fn decimal_goes_beyond_u128() {
        // 2^128 and 2^156, from their known decimal expansions.
        assert_eq!(decimal(1, 0), "340282366920938463463374607431768211456");
        assert_eq!(
            decimal(LEADING_BIT, 0),
            "91343852333181432387730302044767688728495783936"
        );
    }

    #[test]
    fn numbers_are_those_of_captures() {
        #[track_caller]
        fn check(counter: u64, server_millis: u64, noise: u64, number: &str) {
            assert_eq!(fragment_number(counter, server_millis, noise), number);
        }
        check(
            1,
            1_759_999_999_157,
            0x0ab9_b56c,
            "91343852333181432392682062674355612161981134188",
        );
        check(
            1_019,
            1_760_000_027_445,
            0x00b1_12ac,
            "91343852333181437433573902644424099144548815532",
        );
        assert!(fragment_number(u64::MAX, u64::MAX, u64::MAX).len() <= 48);
    }
}
