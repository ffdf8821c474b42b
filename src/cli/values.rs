//! Values that several commands take, and what each refuses.

use crate::media::ticks::EpochMillis;
use crate::recording::redrive;

/// The longest ContactId (Amazon Connect API reference, ContactId).
const MAX_CONTACT_CHARS: usize = 256;

/// A contact's id: any text that names something.
pub(super) fn parse_contact(text: &str) -> Result<String, String> {
    let fits = (1..=MAX_CONTACT_CHARS).contains(&text.chars().count());
    match fits && !text.trim().is_empty() && !text.contains(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "1 to {MAX_CONTACT_CHARS} characters, not all of them spaces and none a control character"
        )),
    }
}

/// A time, or the midnight of a day in UTC.
pub(super) fn parse_time(text: &str) -> Result<EpochMillis, String> {
    redrive::read_time(text)
        .ok_or_else(|| "a date as 2026-11-20, or a time as 2026-11-20T08:00:00Z".to_owned())
}
