//! The clocks, one type each, so that no number changes its clock unseen.
//!
//! Three clocks meet in a recording: the server's (epoch milliseconds, on tags and
//! contact records), the media's (Matroska time of the blocks, which need not be an
//! epoch at all) and the recording's own (samples since its first one). Conversions
//! are named methods that say what they lose. Nothing here reads a real clock.

use std::fmt;

use super::counts::{nearest, nearest_signed};

/// Samples a second on every track that Connect writes (MimeType `audio/L16;rate=8000`).
pub const SAMPLE_RATE: u32 = 8_000;

/// Nanoseconds that one sample lasts; exact at 8 kHz.
const NANOS_PER_SAMPLE: i128 = 1_000_000_000 / SAMPLE_RATE as i128;

/// Samples in one millisecond.
const SAMPLES_PER_MILLI: i64 = SAMPLE_RATE as i64 / 1_000;

/// Milliseconds since 1970-01-01 UTC, on the server's or the contact record's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochMillis(pub i64);

impl EpochMillis {
    /// Reads the decimal seconds of a KVS tag (`1759999999.157`); digits past the
    /// millisecond are cut off. `None` for anything else.
    pub fn from_tag_seconds(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let seconds: i64 = whole.parse().ok()?;
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let millis = fraction
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(3)
            .fold(0, |millis, digit| millis * 10 + i64::from(digit - b'0'));
        seconds.checked_mul(1_000)?.checked_add(millis).map(Self)
    }

    /// Reads an RFC 3339 time (`2025-10-09T08:53:18Z`); precision below the
    /// millisecond is cut off.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let time =
            time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
                .ok()?;
        i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000))
            .ok()
            .map(Self)
    }

    /// The same instant as RFC 3339 text in UTC, to the millisecond. Instants outside
    /// the years 0 to 9999 come out as plain milliseconds.
    pub fn to_rfc3339(self) -> String {
        self.utc()
            .map(|utc| {
                format!(
                    "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                    utc.year(),
                    u8::from(utc.month()),
                    utc.day(),
                    utc.hour(),
                    utc.minute(),
                    utc.second(),
                    utc.millisecond()
                )
            })
            .unwrap_or_else(|| format!("{} ms", self.0))
    }

    /// As seconds since 1970, as AWS's JSON has times; exact to the millisecond for times
    /// that occur.
    pub fn to_seconds(self) -> f64 {
        nearest_signed(self.0) / 1_000.0
    }

    /// Year, month and day in UTC; `None` outside the years 0 to 9999.
    pub fn to_utc_date(self) -> Option<(i32, u8, u8)> {
        let utc = self.utc()?;
        Some((utc.year(), u8::from(utc.month()), utc.day()))
    }

    fn utc(self) -> Option<time::OffsetDateTime> {
        let utc =
            time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).ok()?;
        (0..=9999).contains(&utc.year()).then_some(utc)
    }
}

/// A point on the media clock, counted in samples of 125 µs since that clock's zero.
///
/// The zero is 1970 on today's Connect streams and was none at all on older ones, so
/// only differences mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaTime(i64);

impl MediaTime {
    /// The time of a block: `(Cluster.Timestamp + relative) × TimestampScale`
    /// nanoseconds, rounded down to a whole sample. `None` when that overflows.
    pub fn from_matroska(cluster: u64, relative: i16, scale_nanos: u64) -> Option<Self> {
        let ticks = i128::from(cluster) + i128::from(relative);
        let nanos = ticks.checked_mul(i128::from(scale_nanos))?;
        let samples = i64::try_from(nanos.div_euclid(NANOS_PER_SAMPLE)).ok()?;
        // Half the range each way, so that no difference of two times can overflow.
        (samples.unsigned_abs() <= i64::MAX as u64 / 4).then_some(Self(samples))
    }

    /// Samples from `earlier` to `self`, negative when `self` comes first.
    pub fn samples_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// This time moved by a signed number of samples, stopping at the clock's ends.
    pub fn moved_by(self, samples: i64) -> Self {
        Self(self.0.saturating_add(samples))
    }

    /// The same point as milliseconds since the clock's zero, rounded down.
    pub fn to_millis_floor(self) -> i64 {
        self.0.div_euclid(SAMPLES_PER_MILLI)
    }
}

/// Samples that a number of milliseconds lasts; exact at 8 kHz.
pub const fn samples_in_millis(millis: i64) -> i64 {
    millis.saturating_mul(SAMPLES_PER_MILLI)
}

/// A count of samples as seconds; loses nothing that a report needs.
pub fn seconds_of(samples: u64) -> f64 {
    nearest(samples) / f64::from(SAMPLE_RATE)
}

impl fmt::Display for EpochMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_seconds_keep_the_millisecond_and_refuse_the_rest() {
        #[track_caller]
        fn check(text: &str, millis: Option<i64>) {
            assert_eq!(EpochMillis::from_tag_seconds(text), millis.map(EpochMillis));
        }
        check("1759999999.157", Some(1_759_999_999_157));
        check("1759999999.1", Some(1_759_999_999_100));
        check("1759999999", Some(1_759_999_999_000));
        check("1759999999.1579", Some(1_759_999_999_157));
        check("0.005", Some(5));
        check("", None);
        check("x", None);
        check("1.-5", None);
        check("99999999999999999999", None);
    }

    #[test]
    fn rfc3339_goes_there_and_back() {
        let millis = EpochMillis::from_rfc3339("2025-10-09T08:53:18.250Z").unwrap();
        assert_eq!(millis, EpochMillis(1_759_999_998_250));
        assert_eq!(millis.to_rfc3339(), "2025-10-09T08:53:18.250Z");
        assert_eq!(millis.to_utc_date(), Some((2025, 10, 9)));
        assert_eq!(
            EpochMillis::from_rfc3339("2025-10-10T00:53:18+02:00")
                .and_then(EpochMillis::to_utc_date),
            Some((2025, 10, 9))
        );
        assert_eq!(EpochMillis::from_rfc3339("yesterday"), None);
    }

    #[test]
    fn block_time_is_the_sum_scaled_and_never_overflows() {
        let time = |cluster, relative, scale| MediaTime::from_matroska(cluster, relative, scale);
        let base = time(1_760_000_000_123, 0, 1_000_000).unwrap();
        let next = time(1_760_000_000_123, 64, 1_000_000).unwrap();
        assert_eq!(next.samples_since(base), 512);
        assert_eq!(time(0, -1, 1_000_000).unwrap().to_millis_floor(), -1);
        assert_eq!(
            time(1, 0, 125_000)
                .unwrap()
                .samples_since(time(0, 0, 1).unwrap()),
            1
        );
        assert_eq!(time(u64::MAX, 0, u64::MAX), None);
    }
}
