//! Text from outside within HTML.

use std::fmt;

/// A text in HTML, in an element or in a quoted attribute: what could end either is escaped, and
/// control characters are gone.
pub struct Html<'a>(pub &'a str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = 0;
        for (at, letter) in self.0.char_indices() {
            let escaped = match letter {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                '\n' | '\t' => continue,
                letter if letter.is_control() => "",
                _ => continue,
            };
            f.write_str(&self.0[plain..at])?;
            f.write_str(escaped)?;
            plain = at + letter.len_utf8();
        }
        f.write_str(&self.0[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in "[<>&\"'a-c\u{0}\r\n\u{7f}é🙂]{0,40}") {
            let html = Html(&text).to_string();
            prop_assert!(!html.contains(['<', '>', '"', '\'', '\0', '\r']));
            let back = html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
            let expected: String = text.chars().filter(|letter| !letter.is_control() || *letter == '\n').collect();
            prop_assert_eq!(back, expected);
        }
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(
            Html("<a href=\"x\">'&").to_string(),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;"
        );
    }
}
