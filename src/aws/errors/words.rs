//! What an error says, in words that fit into one line of a log: outside text, so that it is
//! cut and escaped.

use std::error::Error;

/// What the SDK's chain of providers says at its end (aws-config, `provider_chain`).
const NO_CREDENTIALS: &str = "no credentials found in chain";

/// Characters of an error's text at the most.
const MAX_TEXT: usize = 600;
/// Bytes that are shown of an answer that nobody can read.
const MAX_SHOWN: usize = 160;
/// The SDK tells of an endpoint that is none with the whole request behind it, body and
/// all: a parked record, for one, which holds telephone numbers.
const REQUEST: &str = " to request `Request {";

/// What an error and its sources say, each once and on one line.
pub(in crate::aws) fn said(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = line(&error.to_string());
        if !words.iter().any(|word| word.contains(&text)) {
            words.push(text);
        }
        next = error.source();
    }
    line(&words.join(": "))
}

/// Why there was nothing to sign a call with. That nobody gave any credentials is told in a
/// line; the SDK lists every place that it looked at.
pub(super) fn unsigned(error: &(dyn Error + 'static)) -> String {
    let said = said(error);
    match said.contains(NO_CREDENTIALS) {
        true => {
            "there are no credentials, in the environment, in a profile or from a role".to_owned()
        }
        false => said,
    }
}

/// A text on one line, cut, with escapes for what could drive a terminal.
pub(super) fn line(text: &str) -> String {
    let text = text.split(REQUEST).next().unwrap_or_default();
    let mut line = String::new();
    for letter in text.chars().take(MAX_TEXT) {
        match letter {
            '\n' | '\r' | '\t' => line.push(' '),
            _ if letter.is_control() => line.extend(letter.escape_default()),
            _ => line.push(letter),
        }
    }
    if text.chars().nth(MAX_TEXT).is_some() {
        line.push('…');
    }
    line
}

/// How an answer begins that nobody can read; `None` for an empty one.
pub(super) fn beginning(body: &[u8]) -> Option<String> {
    let shown = &body[..body.len().min(MAX_SHOWN)];
    let more = if shown.len() < body.len() { "…" } else { "" };
    let text = String::from_utf8_lossy(shown);
    (!body.is_empty()).then(|| format!("\"{}{more}\"", text.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<Said>>);

    #[test]
    fn an_error_is_told_with_its_sources_once_and_on_one_line() {
        let inner = Said("no credentials", None);
        let middle = Said("loading\nfailed: no credentials", Some(Box::new(inner)));
        let outer = Said("dispatch failure", Some(Box::new(middle)));
        assert_eq!(
            said(&outer),
            "dispatch failure: loading failed: no credentials"
        );
    }

    #[test]
    fn outside_text_is_cut_and_escaped_and_holds_no_request() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(line(text), expected);
        }
        check("a\u{1b}[2J\r\nb", "a\\u{1b}[2J  b");
        check(&"ü".repeat(700), &format!("{}…", "ü".repeat(MAX_TEXT)));
        check(
            "failed to apply endpoint `x` to request `Request { body: +49 30 1234 }`",
            "failed to apply endpoint `x`",
        );
    }

    #[test]
    fn an_answer_is_shown_by_its_first_bytes() {
        #[track_caller]
        fn check(body: &[u8], expected: Option<&str>) {
            assert_eq!(beginning(body).as_deref(), expected);
        }
        check(b"", None);
        check(b"<html>\n\"", Some("\"<html>\\n\\\"\""));
        check(b"\x00\xff", Some("\"\\0\u{fffd}\""));
        let long = beginning(&[b'x'; 5_000]).unwrap();
        assert_eq!(long.chars().count(), MAX_SHOWN + 3);
        assert!(long.ends_with("…\""));
    }
}
