//! What the guide of a guided task shows, ready to stand within HTML: a flow puts values into its
//! view as they are, and a caller decides what is in them. All of it together is bounded, since an
//! answer to a flow is (Amazon Connect Administrator Guide, "Invoke AWS Lambda functions": 32 KB).

use super::budget::{NOTHING, cut_to_bytes};
use super::flagged::{CALLBACK_NUMBER, SOURCE_QUEUE, SUMMARY, TIMESTAMP, TRANSCRIPT};
use crate::html::Html;

/// Bytes of all that is shown, names not counted.
pub const MAX_BYTES: usize = 24_000;
/// Bytes of one of them; the transcript has what is left.
const MAX_SHORT: usize = 3_000;

/// The names by which a flow finds them, and the attribute of the task that each is made of.
const SHORT: [(&str, &str); 4] = [
    ("vmx3_html_from", CALLBACK_NUMBER),
    ("vmx3_html_queue", SOURCE_QUEUE),
    ("vmx3_html_date", TIMESTAMP),
    ("vmx3_html_summary", SUMMARY),
];
/// The name of the transcript.
const LONG: &str = "vmx3_html_transcript";

/// The values by their names, escaped, each of them there and none empty.
pub fn shown<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Vec<(&'static str, String)> {
    let value = |name: &str, room| {
        let text = attribute(name).filter(|text| !text.trim().is_empty());
        escaped(text.unwrap_or(NOTHING), room)
    };
    let mut all: Vec<_> = SHORT
        .iter()
        .map(|(name, of)| (*name, value(of, MAX_SHORT)))
        .collect();
    let used: usize = all.iter().map(|(_, text)| text.len()).sum();
    all.push((LONG, value(TRANSCRIPT, MAX_BYTES.saturating_sub(used))));
    all
}

/// A text within HTML, cut before it is escaped, so that no escape is cut in two.
fn escaped(text: &str, room: usize) -> String {
    let mut keep = room.min(text.len());
    loop {
        let html = Html(&cut_to_bytes(text, keep)).to_string();
        if html.len() <= room || keep == 0 {
            return html;
        }
        // By as much as it is too long, and by one at least.
        keep = (keep * room / html.len()).min(keep - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_caller_says_is_text() {
        let attributes = |name: &str| match name {
            CALLBACK_NUMBER => Some("+81<script>alert(1)</script>"),
            TRANSCRIPT => Some("a & b \"c\""),
            SUMMARY => Some(" "),
            _ => None,
        };
        let shown = shown(attributes);
        let told: Vec<_> = shown.iter().map(|(name, text)| (*name, &**text)).collect();
        assert_eq!(
            told,
            [
                ("vmx3_html_from", "+81&lt;script&gt;alert(1)&lt;/script&gt;"),
                ("vmx3_html_queue", "-"),
                ("vmx3_html_date", "-"),
                ("vmx3_html_summary", "-"),
                ("vmx3_html_transcript", "a &amp; b &quot;c&quot;"),
            ]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_too_long_or_markup(text in "[<&é🙂a]{0,60}", times in 0_usize..2_000) {
            let text = text.repeat(times);
            let shown = shown(|_| Some(&text));
            let bytes: usize = shown.iter().map(|(_, text)| text.len()).sum();
            prop_assert!(bytes <= MAX_BYTES, "{bytes}");
            for (_, text) in shown {
                prop_assert!(!text.is_empty() && !text.contains('<'));
                prop_assert_eq!(text.matches('&').count(), text.matches(';').count());
            }
        }
    }
}
