//! Words for people: what comes from outside is made safe to print, numbers and times
//! readable.

use std::borrow::Cow;

use crate::media::counts::whole;

/// Text from a record, from media or of a file name on one line: control characters,
/// which could end the line or drive the terminal, stand as escapes.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|letter| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    });
    Cow::Owned(escaped.collect())
}

/// A count with its noun: `1 gap`, `2 gaps`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// A number of many digits by its ends.
pub(super) fn short_number(number: &str) -> String {
    match (
        number.get(..6),
        number.len().checked_sub(6).and_then(|at| number.get(at..)),
    ) {
        (Some(head), Some(tail)) if number.len() > 16 => format!("{head}…{tail}"),
        _ => number.to_owned(),
    }
}

/// Seconds as `h:mm:ss.t`.
pub(super) fn duration(seconds: f64) -> String {
    let tenths = u64::try_from(whole((seconds * 10.0).round())).unwrap_or(0);
    let (hours, minutes) = (tenths / 36_000, tenths / 600 % 60);
    format!(
        "{hours}:{minutes:02}:{:02}.{}",
        tenths / 10 % 60,
        tenths % 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_on_its_line() {
        assert_eq!(plain("Zoë’s call"), "Zoë’s call");
        assert_eq!(
            plain("a\nerror: b\u{1b}[2J\u{9b}"),
            r"a\nerror: b\u{1b}[2J\u{9b}"
        );
    }

    #[test]
    fn counts_go_with_their_nouns() {
        assert_eq!(counted(0, "gap"), "0 gaps");
        assert_eq!(counted(1, "gap"), "1 gap");
        assert_eq!(counted(2, "gap"), "2 gaps");
    }

    #[test]
    fn numbers_and_times_are_readable() {
        assert_eq!(
            short_number("91343852333181432392682062674355612161981134188"),
            "913438…134188"
        );
        assert_eq!(short_number("12"), "12");
        assert_eq!(duration(0.04), "0:00:00.0");
        assert_eq!(duration(3_725.96), "1:02:06.0");
    }
}
