use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use std::time::Duration;

fn words() -> Words {
    Words {
        from: "+15550100123".into(),
        recipient: "Sales".into(),
        queue: "Sales".into(),
        date: "Friday, Jan 31, 2025 at 02:03 PM (Asia/Tokyo)".into(),
        summary: "Wants a call.".into(),
        is_summed_up: true,
        transcript: "Please call me back.".into(),
        notes: vec!["Nothing is lacking.".into()],
    }
}

fn build(words: &Words, link: Option<&Link>, wav: Option<&[u8]>) -> Vec<u8> {
    Letter {
        from: &"vm@from.example".parse().unwrap(),
        to: &"sales@to.example".parse().unwrap(),
        contact: "c-1",
        sent: EpochMillis(1_738_300_000_123),
        words,
        link,
        wav,
    }
    .build()
}

/// A part that holds no others: its headers, and its decoded body.
type Leaf = (Vec<(String, String)>, Vec<u8>);

/// Headers and the leaves of a message, each with its headers and its decoded body.
struct Parsed {
    headers: Vec<(String, String)>,
    leaves: Vec<Leaf>,
}

fn parse(message: &[u8]) -> Parsed {
    let text = String::from_utf8(message.to_vec()).unwrap();
    for line in text.split("\r\n") {
        assert!(
            line.len() <= 998 && !line.contains(['\r', '\n']),
            "{line:?}"
        );
    }
    let (headers, _) = split(&text);
    let mut leaves = Vec::new();
    collect(&text, &mut leaves);
    Parsed { headers, leaves }
}

fn split(part: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = part.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers = head.split("\r\n").filter(|line| !line.is_empty());
    let headers = headers.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    });
    (headers.collect(), body)
}

fn collect(part: &str, leaves: &mut Vec<Leaf>) {
    let (headers, body) = split(part);
    let value = |name: &str| {
        let found = headers.iter().filter(|(known, _)| known == name);
        let found: Vec<_> = found.map(|(_, value)| value.as_str()).collect();
        assert!(found.len() <= 1, "one {name} at the most: {headers:?}");
        found.first().copied().unwrap_or_default().to_owned()
    };
    let kind = value("Content-Type");
    if let Some((_, boundary)) = kind.split_once("boundary=\"") {
        let mark = format!("\r\n--{}", boundary.split('"').next().unwrap());
        let body = format!("\r\n{body}");
        for part in body.split(&mark).skip(1) {
            if let Some(part) = part.strip_prefix("\r\n") {
                collect(part, leaves);
            }
        }
        return;
    }
    let decoded = match &*value("Content-Transfer-Encoding") {
        "base64" => STANDARD.decode(body.replace("\r\n", "")).unwrap(),
        "quoted-printable" => quoted_printable(body),
        _ => body.as_bytes().to_vec(),
    };
    leaves.push((headers, decoded));
}

fn quoted_printable(body: &str) -> Vec<u8> {
    let body = body.replace("=\r\n", "");
    let mut pieces = body.split('=');
    let mut decoded = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        decoded.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        decoded.extend_from_slice(&piece.as_bytes()[2..]);
    }
    decoded
}

fn text(leaf: &Leaf) -> String {
    let text = String::from_utf8(leaf.1.clone()).unwrap();
    text.replace("\r\n", "\n").trim_end().to_owned()
}

#[test]
fn a_mail_has_two_texts_and_the_recording() {
    let wav: Vec<u8> = (0..=255).cycle().take(10_001).collect();
    let link = Link {
        url: "https://b.example/c.wav?a=1&b=2".into(),
        lives: Some(Duration::from_secs(86_400)),
    };
    let message = build(&words(), Some(&link), Some(&wav));
    assert_eq!(
        message,
        build(&words(), Some(&link), Some(&wav)),
        "the same again"
    );
    let parsed = parse(&message);
    let header = |name: &str| {
        let mut found = parsed.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.clone());
        assert!(found.next().is_none());
        value.unwrap_or_default()
    };
    assert_eq!(header("From"), "<vm@from.example>");
    assert_eq!(header("To"), "<sales@to.example>");
    assert_eq!(
        header("Subject"),
        "New voicemail for Sales from +15550100123"
    );
    assert_eq!(header("Message-ID"), "<c-1@from.example>");
    assert_eq!(header("Date"), "Fri, 31 Jan 2025 05:06:40 +0000");
    let kinds: Vec<_> = parsed
        .leaves
        .iter()
        .map(|(headers, _)| {
            headers
                .iter()
                .find(|(name, _)| name == "Content-Type")
                .unwrap()
                .1
                .clone()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "text/plain; charset=\"utf-8\"",
            "text/html; charset=\"utf-8\"",
            "audio/wav"
        ]
    );
    assert_eq!(parsed.leaves[2].1, wav, "the recording is byte-identical");
    let disposition = &parsed.leaves[2]
        .0
        .iter()
        .find(|(name, _)| name == "Content-Disposition")
        .unwrap()
        .1;
    assert_eq!(disposition, "attachment; filename=\"c-1.wav\"");
    let expected = "From: +15550100123\nFor: Sales\nQueue: Sales\nReceived: Friday, Jan 31, 2025 at 02:03 PM (Asia/Tokyo)\nListen: https://b.example/c.wav?a=1&b=2\n\nThe link works for 24 hours. Whoever has it can listen.\n\nNothing is lacking.\n\nSummary\n\nWants a call.\n\nTranscript\n\nPlease call me back.";
    assert_eq!(text(&parsed.leaves[0]), expected);
    let html = text(&parsed.leaves[1]);
    assert!(
        html.contains("<a href=\"https://b.example/c.wav?a=1&amp;b=2\">Listen to the message</a>"),
        "{html}"
    );
}

#[test]
fn nothing_that_a_caller_brings_gets_out_of_its_place() {
    let evil = "x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>\"'";
    let words = Words {
        from: evil.into(),
        recipient: evil.into(),
        queue: evil.into(),
        date: evil.into(),
        summary: evil.into(),
        is_summed_up: true,
        transcript: evil.into(),
        notes: vec![evil.into()],
    };
    let link = Link {
        url: format!("javascript:{evil}"),
        lives: None,
    };
    let parsed = parse(&build(&words, Some(&link), None));
    let names: Vec<_> = parsed
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "MIME-Version",
            "Content-Type"
        ]
    );
    assert_eq!(parsed.leaves.len(), 2);
    let html = text(&parsed.leaves[1]);
    assert!(
        !html.contains("<script") && !html.contains("javascript:"),
        "{html}"
    );
    let tags = html.matches("<a href=\"#\">").count();
    assert_eq!(tags, 1, "{html}");
}

#[test]
fn what_is_too_long_goes_without_the_recording() {
    assert!(fits(27_000_000, &words()));
    assert!(!fits(28_000_000, &words()));
    assert!(!fits(u64::MAX, &words()));
    let long = Words {
        transcript: "留".repeat(1_000_000),
        ..words()
    };
    assert!(!fits(27_000_000, &long));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_words_are_a_mail(
        letter in prop::sample::select(vec!["a", "é", "留", "🙂", "\n", "=", ".", " ", "From ", "\r\n.\r\n", "\u{0}"]),
        count in prop::sample::select(vec![0usize, 1, 80, 1_000, 100_000]),
        wav in 0usize..5_000,
    ) {
        let long = letter.repeat(count);
        let words = Words { from: long.clone(), transcript: long.clone(), ..words() };
        let wav = vec![0x5a; wav];
        let message = build(&words, None, Some(&wav));
        let parsed = parse(&message);
        prop_assert_eq!(&parsed.leaves[2].1, &wav);
        prop_assert!(text(&parsed.leaves[0]).ends_with(plain(&long).trim_end()));
        let fits_in = fits(wav.len() as u64, &words);
        prop_assert!(!fits_in || message.len() <= MAX_MESSAGE_BYTES);
    }
}
