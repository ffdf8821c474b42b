//! The data of a mail that is made of a template of the operator's: all attributes of the
//! contact, and every name that templates of the published solution use, in both of its
//! makes. Each is always there, since a template that names what is not there is refused only
//! after it was accepted, and the mail is lost.
//!
//! The service does not escape: values are escaped here, for HTML. Links are not, but hold
//! nothing that could end an attribute.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{MAX_TEMPLATE_DATA_CHARS, TemplateText};
use crate::html::Html;
use crate::voicemail::budget::cut_to_bytes;
use crate::voicemail::told::{Words, plain};

/// Bytes of the whole transcript at the most, before it is escaped.
const MAX_TRANSCRIPT_BYTES: usize = 16_000;
/// Bytes of an attribute's value at the most, before it is escaped.
const MAX_VALUE_BYTES: usize = 2_048;
/// A link of more bytes is none: a role's session makes one of 4,000 at the most.
const MAX_LINK_BYTES: usize = 8_192;
/// What may not stand in a link as it is.
const NOT_IN_A_LINK: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'`');

/// What a template's data is made of, beside words.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// All attributes of the contact.
    pub attributes: &'a BTreeMap<String, String>,
    /// What is told.
    pub words: &'a Words,
    /// The transcript, cut as in a task.
    pub short_transcript: &'a str,
    /// The agent's name; empty for a queue.
    pub agent: &'a str,
    /// The username or the queue's ARN.
    pub id: &'a str,
    /// `agent` or `queue`.
    pub target: &'a str,
    /// The link, or what stands in its place.
    pub url: &'a str,
    /// The contact.
    pub contact: &'a str,
}

/// The data as JSON, of [`MAX_TEMPLATE_DATA_CHARS`] at the most, with every variable that the
/// template names.
pub fn data(named: &Named<'_>, template: &TemplateText) -> String {
    let mut room = MAX_VALUE_BYTES;
    loop {
        let json = Value::Object(filled(named, template, room)).to_string();
        if json.chars().count() <= MAX_TEMPLATE_DATA_CHARS || room == 0 {
            return json;
        }
        // Attributes are the only ones that nobody bounds: a call can have thousands.
        room /= 4;
    }
}

fn filled(named: &Named<'_>, template: &TemplateText, room: usize) -> Map<String, Value> {
    let words = named.words;
    let mut data = Map::new();
    for name in variables(template) {
        add_nothing(&mut data, &name);
    }
    let mut attributes = Map::new();
    for (name, value) in named.attributes.iter().filter(|_| room > 0) {
        attributes.insert(name.clone(), escaped(&cut_to_bytes(value, room)));
    }
    data.extend(attributes);
    let transcript = cut_to_bytes(&words.transcript, MAX_TRANSCRIPT_BYTES);
    let short = |text: &str| escaped(&cut_to_bytes(text, MAX_VALUE_BYTES));
    let texts = [
        ("entity_name", short(&words.recipient)),
        ("entity_id", short(named.id)),
        ("entity_description", short(named.target)),
        ("transcript_contents", escaped(&transcript)),
        ("callback_number", short(&words.from)),
        ("vmx3_dateTime", short(&words.date)),
        ("presigned_url", link(named.url)),
        ("vmx3_from", short(&words.from)),
        ("vmx3_callback_number", short(&words.from)),
        ("vmx3_agent_name", short(named.agent)),
        ("vmx3_queue_name", short(&words.queue)),
        ("vmx3_source_queue", short(&words.queue)),
        ("vmx3_entity_name", short(&words.recipient)),
        ("vmx3_datetime", short(&words.date)),
        ("vmx3_timestamp", short(&words.date)),
        ("vmx3_presigned_url", link(named.url)),
        (
            "vmx3_transcript_contents",
            escaped(&cut_to_bytes(named.short_transcript, 4_000)),
        ),
        (
            "vmx3_transcript",
            escaped(&cut_to_bytes(named.short_transcript, 4_000)),
        ),
        ("vmx3_genai_summary", short(&words.summary)),
        ("vmx3_target", short(named.target)),
        ("vmx3_contact_id", short(named.contact)),
        ("vmx3_notes", short(&words.notes.join(" "))),
    ];
    for (name, value) in texts {
        data.insert(name.to_owned(), value);
    }
    data
}

fn escaped(text: &str) -> Value {
    Value::String(Html(&plain(text)).to_string())
}

/// A link as it is, with nothing in it that could end an attribute; any other text is escaped.
fn link(url: &str) -> Value {
    match url.contains("://") {
        true if url.len() > MAX_LINK_BYTES => Value::String(String::new()),
        true => Value::String(utf8_percent_encode(url, NOT_IN_A_LINK).to_string()),
        false => escaped(&cut_to_bytes(url, MAX_VALUE_BYTES)),
    }
}

/// The variables that a template names: every word in its double braces that is no word of the
/// language. One too many harms nothing.
fn variables(template: &TemplateText) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in [&template.subject, &template.text, &template.html] {
        for tag in text.split("{{").skip(1) {
            let tag = tag.split("}}").next().unwrap_or_default();
            let tag = tag.trim_start_matches(['{', '~', '&', '#', '^']).trim();
            if tag.starts_with(['!', '/', '>', '@']) {
                continue;
            }
            let is_of_name = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
            let words = tag.split(|letter: char| !is_of_name(letter));
            names.extend(words.filter(|word| is_variable(word)).map(str::to_owned));
        }
    }
    names
}

fn is_variable(word: &str) -> bool {
    let known = [
        "if",
        "unless",
        "each",
        "with",
        "else",
        "lookup",
        "log",
        "this",
        "as",
        "true",
        "false",
        "null",
        "undefined",
        "",
    ];
    !known.contains(&word) && !word.starts_with(['.', '-']) && !word.ends_with('.')
}

/// A variable without a text; of `a.b` an object with one.
fn add_nothing(data: &mut Map<String, Value>, name: &str) {
    match name.split_once('.') {
        None => drop(
            data.entry(name)
                .or_insert_with(|| Value::String(String::new())),
        ),
        Some((first, rest)) => {
            let within = data
                .entry(first)
                .or_insert_with(|| Value::Object(Map::new()));
            if !within.is_object() {
                *within = Value::Object(Map::new());
            }
            if let Value::Object(within) = within {
                add_nothing(within, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests;
