//! A message in words: what is told of it to whoever gets it, in a task as in a mail. All of it
//! is text from outside; whoever shows it escapes it.

/// What there is to tell of a message; no text is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// The number to call back.
    pub from: String,
    /// Whom it is for: an agent's or a queue's name.
    pub recipient: String,
    /// The queue that it came from.
    pub queue: String,
    /// When it was left.
    pub date: String,
    /// The summary, or why there is none.
    pub summary: String,
    /// Whether that is one.
    pub is_summed_up: bool,
    /// The transcript, or what stands in its place.
    pub transcript: String,
    /// What is lacking, and what the reader can do, a sentence each.
    pub notes: Vec<String>,
}

/// A text on one line, without control characters: for a header or a name.
pub fn one_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text for a plain part: line ends are `\n`, other control characters are gone.
pub fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars()
        .filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_has_control_characters(text in "[<>&\"'a-c\u{0}\r\n\u{7f}é🙂]{0,40}") {
            prop_assert!(!one_line(&text).contains(char::is_control));
            prop_assert!(!plain(&text).contains(['\r', '\0']));
        }
    }
}
