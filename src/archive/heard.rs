//! Who listened: one line of JSON for each search, view, play and download, and for each
//! login, allowed or not. Lines of one process and day stand in one object, which is written
//! anew with each of them: S3 cannot append, and two writers of one object would wait for
//! each other. So a day is a handful of objects, each of which any reader of JSON lines takes.

use serde::{Deserialize, Serialize};

use crate::archive::viewer::{Act, Viewer};
use crate::media::ticks::EpochMillis;
use crate::object_key;

/// Bytes of one object at the most: the next line begins another one. Each line writes its
/// object anew, so that this is what a line costs at the most.
pub const MAX_SHEET_BYTES: usize = 128 << 10;
/// Characters of any text in a line at the most.
const MAX_CHARS: usize = 300;
/// What the objects' names end in.
const ENDING: &str = ".jsonl";

/// What marks the lines of a log that tell who listened, and who was refused: they are told
/// whatever else the log leaves out.
pub const LOG_TARGET: &str = "callreel::heard";

/// The act of logging in, or trying to.
pub const LOGIN: &str = "login";
/// The act of logging out.
pub const LOGOUT: &str = "logout";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// When, RFC 3339 in UTC.
    pub when: String,
    /// Who: the name by which they answer calls, and the provider's own behind it.
    pub who: String,
    /// What: `login`, `logout`, `search`, `view`, `play`, `download` …
    pub act: String,
    /// The contact, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The recording: its verdict's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// Which of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What was searched for; of a login the groups that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The address that it came from, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whether it was allowed.
    pub allowed: bool,
}

impl Heard {
    /// A login or logout.
    pub fn at_the_door(who: &str, from: Option<&str>, act: &str, now: EpochMillis) -> Self {
        Self {
            when: now.to_rfc3339(),
            who: who.to_owned(),
            act: act.to_owned(),
            contact: None,
            recording: None,
            file: None,
            query: None,
            from: from.map(str::to_owned),
            allowed: true,
        }
    }

    /// What somebody did with the pages.
    pub fn of(viewer: &Viewer, act: &Act, now: EpochMillis) -> Self {
        Self {
            contact: act.contact.clone(),
            recording: act.recording.clone(),
            file: act.file.clone(),
            query: (!act.query.is_empty()).then(|| act.query.clone()),
            allowed: act.allowed,
            ..Self::at_the_door(&viewer.name, Some(&viewer.from), act.kind.name(), now)
        }
    }

    /// The line, with its end. Texts from outside are cut, and escaped by JSON.
    pub fn to_line(&self) -> String {
        let cut = |text: &str| text.chars().take(MAX_CHARS).collect::<String>();
        let line = Self {
            who: cut(&self.who),
            contact: self.contact.as_deref().map(cut),
            file: self.file.as_deref().map(cut),
            query: self.query.as_deref().map(cut),
            from: self.from.as_deref().map(cut),
            ..self.clone()
        };
        let json = serde_json::to_string(&line).unwrap_or_default();
        format!("{json}\n")
    }

    /// Reads the lines of an object; what is no line is counted and left out.
    pub fn of_lines(bytes: &[u8]) -> (Vec<Self>, usize) {
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let mut unreadable = 0;
        let heard = lines.filter_map(|line| {
            let line = serde_json::from_slice(line).ok();
            unreadable += usize::from(line.is_none());
            line
        });
        let heard = heard.collect();
        (heard, unreadable)
    }

    /// Whether it is about this contact.
    pub fn is_of(&self, contact: &str) -> bool {
        self.contact.as_deref() == Some(contact)
    }
}

/// One object of lines that is being filled: its day, its writer's name, its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    key: String,
    lines: Vec<u8>,
}

impl Sheet {
    /// An empty one for a line of this time. `writer` is a name that no other process has.
    pub fn new(prefix: &str, time: EpochMillis, writer: &str, number: u64) -> Self {
        let name = format!("{}-{number}{ENDING}", object_key::safe(writer));
        Self {
            key: format!("{prefix}{}/{name}", object_key::dated_folder(Some(time))),
            lines: Vec::new(),
        }
    }

    /// Where it lies.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What it holds.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Whether a line of this time still belongs to it.
    pub fn takes(&self, prefix: &str, time: EpochMillis, line: &str) -> bool {
        let folder = format!("{prefix}{}/", object_key::dated_folder(Some(time)));
        self.key.starts_with(&folder)
            && (self.lines.is_empty() || self.lines.len() + line.len() <= MAX_SHEET_BYTES)
    }

    /// The same with one more line.
    #[must_use]
    pub fn with(&self, line: &str) -> Self {
        Self {
            key: self.key.clone(),
            lines: [&self.lines, line.as_bytes()].concat(),
        }
    }
}

/// Whether a key is one of such an object's.
pub fn is_sheet(key: &str) -> bool {
    key.ends_with(ENDING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::viewer::ActKind;

    const TIME: EpochMillis = EpochMillis(1_760_000_000_000);

    fn line() -> Heard {
        let act = Act {
            contact: Some("c".to_owned()),
            recording: Some("rec/c_1_verdict.json".to_owned()),
            ..Act::search(ActKind::Play, "")
        };
        Heard::of(&Viewer::at_the_desk(), &act.with_file("mixed"), TIME)
    }

    #[test]
    fn a_line_comes_back_as_it_was() {
        let line = line();
        assert_eq!(
            line.to_line(),
            "{\"when\":\"2025-10-09T08:53:20.000Z\",\"who\":\"desk\",\"act\":\"play\",\"contact\":\"c\",\
             \"recording\":\"rec/c_1_verdict.json\",\"file\":\"mixed\",\"from\":\"loopback\",\"allowed\":true}\n"
        );
        let (back, unreadable) = Heard::of_lines(line.to_line().as_bytes());
        assert_eq!((back, unreadable), (vec![line], 0));
    }

    #[test]
    fn no_text_from_outside_begins_a_line_of_its_own_or_fills_the_object() {
        let forged = "x\n{\"when\":\"\",\"act\":\"play\",\"allowed\":true}\r\u{2028}";
        let line = Heard {
            query: Some(forged.to_owned()),
            from: Some("9".repeat(100_000)),
            who: forged.to_owned(),
            ..line()
        };
        let text = line.to_line();
        assert_eq!(text.matches('\n').count(), 1);
        assert!(text.len() < 1_000);
        let (back, unreadable) = Heard::of_lines(text.as_bytes());
        assert_eq!((back.len(), unreadable), (1, 0));
        assert_eq!(back[0].query.as_deref(), Some(forged));
    }

    #[test]
    fn what_is_no_line_is_counted() {
        let lines = format!("{}nothing\n\n{{}}\n{}", line().to_line(), line().to_line());
        let (back, unreadable) = Heard::of_lines(lines.as_bytes());
        assert_eq!((back.len(), unreadable), (2, 2));
        assert!(back[0].is_of("c") && !back[0].is_of("C"));
    }

    #[test]
    fn a_sheet_is_of_one_day_and_no_longer_than_it_may_be() {
        let sheet = Sheet::new("listened/", TIME, "a/b", 3);
        assert_eq!(sheet.key(), "listened/2025/10/09/a_2fb-3.jsonl");
        assert!(is_sheet(sheet.key()));
        let text = line().to_line();
        let mut full = sheet.clone();
        while full.takes("listened/", TIME, &text) {
            full = full.with(&text);
        }
        assert!(full.lines().len() <= MAX_SHEET_BYTES);
        assert!(full.lines().len() + text.len() > MAX_SHEET_BYTES);
        let tomorrow = EpochMillis(TIME.0 + 86_400_000);
        assert!(!sheet.takes("listened/", tomorrow, &text));
        // A line longer than a sheet has one to itself.
        assert!(sheet.takes("listened/", TIME, &"x".repeat(MAX_SHEET_BYTES + 1)));
    }
}
