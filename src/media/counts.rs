//! Counts as numbers of other types, where `From` has none. Each name says what becomes of
//! what does not fit.

/// As a float: exact up to 2^53, above it the nearest.
#[expect(clippy::cast_precision_loss, reason = "the nearest is what is meant")]
pub const fn nearest(count: u64) -> f64 {
    count as f64
}

/// As a float: exact up to 2^53 each way, beyond it the nearest.
#[expect(clippy::cast_precision_loss, reason = "the nearest is what is meant")]
pub const fn nearest_signed(count: i64) -> f64 {
    count as f64
}

/// The whole part of a float: what is beyond the range is its end, and what is no number 0.
#[expect(clippy::cast_possible_truncation, reason = "the whole part is meant")]
pub const fn whole(value: f64) -> i64 {
    value as i64
}

/// As a length in memory: what no memory can hold is the longest there is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it was compared with the longest"
)]
pub const fn in_memory(count: u64) -> usize {
    if count > usize::MAX as u64 {
        usize::MAX
    } else {
        count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_becomes_what_the_name_says() {
        assert_eq!(nearest(1 << 53), 9_007_199_254_740_992.0);
        assert_eq!(nearest((1 << 53) + 1), 9_007_199_254_740_992.0);
        assert_eq!(nearest_signed(-3), -3.0);
        assert_eq!([whole(-1.9), whole(1.9), whole(f64::NAN)], [-1, 1, 0]);
        assert_eq!([whole(1e30), whole(-1e30)], [i64::MAX, i64::MIN]);
        assert_eq!(in_memory(7), 7);
    }
}
