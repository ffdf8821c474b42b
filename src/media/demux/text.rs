//! Text out of media, which can be anything: padded, and of any length.

/// Strings may be padded with NULs.
pub(super) fn trim(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default().trim()
}

/// A value cut to what a report can show.
pub(super) fn cut(text: &str) -> Box<str> {
    const SHOWN: usize = 120;
    let end = text.char_indices().nth(SHOWN);
    text[..end.map_or(text.len(), |(at, _)| at)].into()
}
