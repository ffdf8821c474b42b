//! The limits of a task, kept by construction: whatever a caller says and whatever stands on
//! their contact, a task is one that Connect takes. Bytes are those of UTF-8, and every cut is
//! between two characters; what Connect counts in characters is counted in UTF-16 units here,
//! which are never fewer.
//!
//! Limits: Amazon Connect API reference, StartTaskContact (Name, Description, References) and
//! UpdateContactAttributes (32 KB of a contact's attributes); 4,096 bytes over all references
//! of a contact is what Connect enforces.

use std::collections::BTreeMap;

use serde::Serialize;

/// `Name`, in characters, at the most. Connect takes 1,024 today and took 512 before.
pub const MAX_NAME_CHARS: usize = 512;
/// `Description`, in characters, at the most.
pub const MAX_DESCRIPTION_CHARS: usize = 4_096;
/// Labels and values of all references of a contact, in bytes, at the most.
pub const MAX_REFERENCE_BYTES: usize = 4_096;
/// What of them is left free, for whatever is counted that nobody wrote down.
const REFERENCE_RESERVE: usize = 64;
/// Names and values of all attributes of a contact, in bytes, at the most.
pub const MAX_ATTRIBUTE_BYTES: usize = 32_768;
/// What ours and those of the call take of it at the most: flows set some, too.
pub const OUR_ATTRIBUTE_BYTES: usize = 30_000;
/// Stands at the end of a text that was cut.
pub const CUT_MARK: &str = " … (truncated)";
/// Stands where there is nothing to say: Connect's agent pages take no empty value.
pub const NOTHING: &str = "-";

/// A text of so many bytes at the most, its mark included, that ends in [`CUT_MARK`] if it was
/// cut. Where not even the mark has room, it is the mark's beginning.
pub fn cut_to_bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(CUT_MARK.len());
    let kept = &text[..text.floor_char_boundary(room)];
    let mark = &CUT_MARK[..CUT_MARK.floor_char_boundary(most)];
    match room {
        0 => mark.trim().to_owned(),
        _ => format!("{}{mark}", kept.trim_end()),
    }
}

/// The same for so many characters, counted in UTF-16 units.
pub fn cut_to_chars(text: &str, most: usize) -> String {
    match byte_at(text, most) {
        None => text.to_owned(),
        Some(_) => {
            let room = most.saturating_sub(CUT_MARK.chars().count());
            let kept = &text[..byte_at(text, room).unwrap_or(text.len())];
            let marked = format!("{}{CUT_MARK}", kept.trim_end());
            marked[..byte_at(&marked, most).unwrap_or(marked.len())].to_owned()
        }
    }
}

/// Where the character begins that goes beyond so many UTF-16 units; `None` when none does.
fn byte_at(text: &str, units: usize) -> Option<usize> {
    let mut counted = 0;
    text.char_indices().find_map(|(at, letter)| {
        counted += letter.len_utf16();
        (counted > units).then_some(at)
    })
}

/// A text, or what stands for nothing.
fn something(text: &str) -> &str {
    match text.trim() {
        "" => NOTHING,
        text => text,
    }
}

/// A task's name, of [`MAX_NAME_CHARS`] at the most, on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskName(String);

impl TaskName {
    /// Cuts a text to a name.
    pub fn cut(text: &str) -> Self {
        let line: String = text
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .collect();
        Self(cut_to_chars(something(&line), MAX_NAME_CHARS))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A task's description, of [`MAX_DESCRIPTION_CHARS`] at the most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Description(String);

impl Description {
    /// What comes first is kept whole as far as it fits, the body is cut to what is left.
    pub fn of(first: &[String], body: &str) -> Self {
        let mut text = String::new();
        for line in first {
            text.push_str(line);
            text.push('\n');
        }
        let head = text.encode_utf16().count();
        let room = MAX_DESCRIPTION_CHARS.saturating_sub(head);
        if room > 0 {
            text.push_str(&cut_to_chars(something(body), room));
        }
        Self(cut_to_chars(&text, MAX_DESCRIPTION_CHARS))
    }

    /// The description.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A task's references: labels with values of [`MAX_REFERENCE_BYTES`] together, none empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct References(BTreeMap<&'static str, Reference>);

/// One reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reference {
    /// `Value`.
    pub value: String,
    /// `Type`.
    pub r#type: ReferenceType,
}

/// What a reference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReferenceType {
    /// A link that an agent can follow.
    Url,
    /// A text.
    String,
}

impl ReferenceType {
    /// The word of the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Url => "URL",
            Self::String => "STRING",
        }
    }
}

/// What goes into references.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told<'a> {
    /// Where the recording can be heard: a link, or another text.
    pub playback: Option<Playback<'a>>,
    /// When the message was left.
    pub date: &'a str,
    /// The queue that it came from.
    pub queue: &'a str,
    /// Its summary.
    pub summary: &'a str,
    /// Its transcript.
    pub transcript: &'a str,
}

/// Where a recording can be heard.
#[derive(Clone, Copy, Debug)]
pub enum Playback<'a> {
    /// Behind this link.
    Link(&'a str),
    /// Nowhere by a click: what there is to say.
    Text(&'a str),
}

/// The label of the link.
pub const PLAYBACK: &str = "Playback URL";
const DATE: &str = "Date Received";
const QUEUE: &str = "Source Queue";
const SUMMARY: &str = "GenAI Summary";
const TRANSCRIPT: &str = "Voicemail Transcript";
/// A name takes so many bytes of them at the most, a summary so many characters.
const MAX_NAME_BYTES: usize = 512;
/// What stands there when the link is too long for a reference.
const IN_DESCRIPTION: &str = "in the description";

impl References {
    /// References in the order of their claim: link, date, queue, summary; the transcript has
    /// what is left. A link that leaves no room for the others is not among them: it belongs
    /// in the description, and the second value says so.
    pub fn fit(told: Told<'_>) -> (Self, LinkPlace) {
        let mut labels = vec![DATE, QUEUE, SUMMARY, TRANSCRIPT];
        labels.extend(told.playback.map(|_| PLAYBACK));
        let labels: usize = labels.iter().map(|label| label.len()).sum();
        let mut left = MAX_REFERENCE_BYTES - REFERENCE_RESERVE - labels;
        let mut placed = BTreeMap::new();
        let mut place = |label, value: String, r#type, left: &mut usize| {
            *left = left.saturating_sub(value.len());
            placed.insert(label, Reference { value, r#type });
        };
        let date = cut_to_bytes(something(told.date), MAX_NAME_BYTES);
        let queue = cut_to_bytes(something(told.queue), MAX_NAME_BYTES);
        // What the summary and the transcript need at the least.
        let least = 2 * CUT_MARK.len();
        let room = left - date.len() - queue.len() - least;
        let mut link = LinkPlace::Reference;
        match told.playback {
            Some(Playback::Link(url)) if !url.is_empty() && url.len() <= room => {
                place(PLAYBACK, url.to_owned(), ReferenceType::Url, &mut left);
            }
            Some(Playback::Link(_)) => {
                link = LinkPlace::Description;
                let text = IN_DESCRIPTION.to_owned();
                place(PLAYBACK, text, ReferenceType::String, &mut left);
            }
            Some(Playback::Text(text)) => {
                let text = cut_to_bytes(something(text), room);
                place(PLAYBACK, text, ReferenceType::String, &mut left);
            }
            None => {}
        }
        place(DATE, date, ReferenceType::String, &mut left);
        place(QUEUE, queue, ReferenceType::String, &mut left);
        let room = left - CUT_MARK.len();
        let summary = cut_to_bytes(something(told.summary), room);
        place(SUMMARY, summary, ReferenceType::String, &mut left);
        let transcript = cut_to_bytes(something(told.transcript), left);
        place(TRANSCRIPT, transcript, ReferenceType::String, &mut left);
        (Self(placed), link)
    }

    /// The references by their labels.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Reference)> {
        self.0.iter().map(|(label, reference)| (*label, reference))
    }

    /// The bytes of all labels and values.
    pub fn bytes(&self) -> usize {
        let sizes = self
            .iter()
            .map(|(label, reference)| label.len() + reference.value.len());
        sizes.sum()
    }
}

/// Where the link to a recording stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPlace {
    /// In its reference.
    Reference,
    /// It is too long for that.
    Description,
}

/// A task's attributes, which together with those that its call has keep to
/// [`MAX_ATTRIBUTE_BYTES`]; none is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attributes(BTreeMap<&'static str, String>);

/// Whether a task is a further contact of its call, and shares the call's attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// It is.
    Linked,
    /// It has attributes of its own: those of the call leave no room.
    Apart,
}

impl Attributes {
    /// Ours beside those that the call has: `texts` are cut, the last one first, to what the
    /// others leave.
    pub fn fit(
        fixed: &[(&'static str, &str)],
        texts: &[(&'static str, &str)],
        held: &BTreeMap<String, String>,
    ) -> (Self, Chain) {
        let names = fixed.iter().chain(texts).map(|(name, _)| *name);
        let names: Vec<_> = names.collect();
        let others = held
            .iter()
            .filter(|(name, _)| !names.contains(&name.as_str()));
        let others: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        let mut set: BTreeMap<&'static str, String> = BTreeMap::new();
        for (name, value) in fixed {
            set.insert(name, cut_to_bytes(something(value), MAX_FIXED_BYTES));
        }
        let least: usize = texts.iter().map(|(name, _)| name.len()).sum();
        let least = least + texts.len() * CUT_MARK.len();
        let ours: usize = set
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let (chain, most) = match others + ours + least <= MAX_ATTRIBUTE_BYTES {
            true if others + ours + least <= OUR_ATTRIBUTE_BYTES => {
                (Chain::Linked, OUR_ATTRIBUTE_BYTES - others)
            }
            true => (Chain::Linked, MAX_ATTRIBUTE_BYTES - others),
            false => (Chain::Apart, OUR_ATTRIBUTE_BYTES),
        };
        let mut left = most.saturating_sub(ours + least);
        for (name, value) in texts {
            let value = cut_to_bytes(something(value), left + CUT_MARK.len());
            left = (left + CUT_MARK.len()).saturating_sub(value.len().max(CUT_MARK.len()));
            set.insert(name, value);
        }
        (Self(set), chain)
    }

    /// The attributes.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, &**value))
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The bytes of all names and values.
    pub fn bytes(&self) -> usize {
        self.iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }
}

/// A value that is no text of the caller's takes so many bytes at the most.
const MAX_FIXED_BYTES: usize = 1_024;

#[cfg(test)]
mod tests;
