//! A message as a mail of its own: a plain part and an HTML part that say the same, and the
//! recording behind them as it is. The same values give the same bytes.

use std::fmt::Write as _;

use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::{BodyPart, MimePart};

use super::{Address, MAX_MESSAGE_BYTES};
use crate::html::Html;
use crate::media::ticks::EpochMillis;
use crate::object_key::{hex, safe};
use crate::sha256;
use crate::voicemail::budget::cut_to_chars;
use crate::voicemail::link::Link;
use crate::voicemail::told::{Words, one_line, plain};

/// Characters of a subject at the most.
const MAX_SUBJECT_CHARS: usize = 200;
/// Bytes of headers and of both texts that are not the words' own, at the most.
const AROUND: usize = 64_000;

/// What a mail is made of.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// From whom.
    pub from: &'a Address,
    /// To whom.
    pub to: &'a Address,
    /// The contact that left the message.
    pub contact: &'a str,
    /// When it is sent.
    pub sent: EpochMillis,
    /// What is told.
    pub words: &'a Words,
    /// The link, if there is one.
    pub link: Option<&'a Link>,
    /// The recording, if it goes with the mail: a WAV file.
    pub wav: Option<&'a [u8]>,
}

/// Whether a mail with a recording of so many bytes is one that is taken
/// ([`MAX_MESSAGE_BYTES`]): in base64 it takes four bytes for three, and two for each line of
/// 76; the words are in both texts, and in each of them in base64 at the most, escaped.
pub fn fits(wav_bytes: u64, words: &Words) -> bool {
    let Ok(wav) = usize::try_from(wav_bytes) else {
        return false;
    };
    let encoded = |bytes: usize| {
        bytes
            .div_ceil(3)
            .saturating_mul(4)
            .saturating_mul(39)
            .div_ceil(38)
    };
    let notes: usize = words.notes.iter().map(String::len).sum();
    let words = words.transcript.len() + words.summary.len() + words.from.len() + notes;
    // An escape has six bytes for one.
    let words = encoded(words.saturating_mul(7));
    encoded(wav).saturating_add(words).saturating_add(AROUND) <= MAX_MESSAGE_BYTES
}

/// The subject of a mail, on one line.
pub fn subject(words: &Words) -> String {
    let text = format!("New voicemail for {} from {}", words.recipient, words.from);
    cut_to_chars(&one_line(&text), MAX_SUBJECT_CHARS)
}

impl Letter<'_> {
    /// The whole message.
    pub fn build(&self) -> Vec<u8> {
        let text = self.text();
        let html = self.html();
        let mark = boundary(&[&text, &html, self.contact]);
        let part = |kind: &'static str, boundary: String| {
            ContentType::new(kind).attribute("boundary", boundary)
        };
        let texts = MimePart::new(
            part("multipart/alternative", format!("{mark}-texts")),
            BodyPart::Multipart(vec![
                MimePart::new("text/plain", BodyPart::Text(text.into())),
                MimePart::new("text/html", BodyPart::Text(html.into())),
            ]),
        );
        let mut parts = vec![texts];
        if let Some(wav) = self.wav {
            let name = format!("{}.wav", safe(self.contact));
            let wav = MimePart::new("audio/wav", BodyPart::Binary(wav.into()));
            parts.push(wav.attachment(name));
        }
        let whole = MimePart::new(
            part("multipart/mixed", format!("{mark}-parts")),
            BodyPart::Multipart(parts),
        );
        let mut message = Vec::new();
        MessageBuilder::new()
            .from(self.from.as_str())
            .to(self.to.as_str())
            .subject(subject(self.words))
            .date(self.sent.0.div_euclid(1_000))
            .message_id(format!("{}@{}", safe(self.contact), self.from.domain()))
            .body(whole)
            .serialize(&mut message);
        message
    }

    /// How the recording can be heard, in a sentence or two.
    fn heard(&self) -> Option<String> {
        let link = self.link?;
        match link.life_text() {
            Some(lives) => Some(format!(
                "The link works for {lives}. Whoever has it can listen."
            )),
            None if link.url.starts_with("file:") => None,
            None => Some("The link leads to a page where you log in.".to_owned()),
        }
    }

    fn text(&self) -> String {
        let words = self.words;
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name}: {}", one_line(value));
        };
        line("From", &words.from);
        line("For", &words.recipient);
        line("Queue", &words.queue);
        line("Received", &words.date);
        if let Some(link) = self.link {
            line("Listen", &link.url);
        }
        for told in self.heard().iter().chain(&words.notes) {
            let _ = write!(text, "\n{}\n", one_line(told));
        }
        if words.is_summed_up {
            let _ = write!(text, "\nSummary\n\n{}\n", plain(&words.summary));
        }
        let _ = write!(text, "\nTranscript\n\n{}\n", plain(&words.transcript));
        text
    }

    fn html(&self) -> String {
        let words = self.words;
        let mut html = String::from(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>New voicemail</title></head>\n\
             <body style=\"margin:0;font-family:Helvetica,Arial,sans-serif;color:#1d2733\">\n\
             <div style=\"background:#1d2733;color:#ffffff;padding:16px 24px;font-size:20px\">New voicemail</div>\n\
             <div style=\"padding:16px 24px;max-width:640px;line-height:1.5\">\n\
             <table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" style=\"font-size:16px\">\n",
        );
        for (name, value) in [
            ("From", &words.from),
            ("For", &words.recipient),
            ("Queue", &words.queue),
            ("Received", &words.date),
        ] {
            let _ = writeln!(
                html,
                "<tr><td style=\"padding:0 16px 4px 0;color:#5b6673\">{name}</td><td style=\"padding:0 0 4px\">{}</td></tr>",
                Html(&one_line(value))
            );
        }
        html.push_str("</table>\n");
        if let Some(link) = self.link {
            let url = link_html(&link.url);
            let _ = writeln!(html, "<p><a href=\"{url}\">Listen to the message</a></p>");
        }
        for told in self.heard().iter().chain(&words.notes) {
            let _ = writeln!(
                html,
                "<p style=\"color:#5b6673\">{}</p>",
                Html(&one_line(told))
            );
        }
        let mut section = |name: &str, text: &str| {
            let _ = writeln!(
                html,
                "<h2 style=\"font-size:16px;margin:24px 0 4px\">{name}</h2>\n<p style=\"margin:0;white-space:pre-wrap\">{}</p>",
                Html(&plain(text))
            );
        };
        if words.is_summed_up {
            section("Summary", &words.summary);
        }
        section("Transcript", &words.transcript);
        html.push_str("</div>\n</body>\n</html>\n");
        html
    }
}

/// A link in a quoted attribute. One that is no web address is none.
fn link_html(url: &str) -> String {
    match url.starts_with("https://") || url.starts_with("http://") || url.starts_with("file://") {
        true => Html(&one_line(url)).to_string(),
        false => "#".to_owned(),
    }
}

/// What the parts are told apart by: no text can hold its own hash.
fn boundary(texts: &[&str]) -> String {
    let all: Vec<u8> = texts.iter().flat_map(|text| text.bytes()).collect();
    format!("callreel-{}", &hex(sha256::of(&all))[..32])
}

#[cfg(test)]
mod tests;
