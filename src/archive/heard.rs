//! Who listened: one line of JSON for each search, view, play and download, and for each
//! login, allowed or not. A day's lines stand in one object, whoever wrote them: S3 cannot
//! append, so that each line writes the object anew, on condition that it is still what was
//! read. A day of more lines than an object takes goes on in a second one. Any reader of JSON
//! lines takes them.

use serde::{Deserialize, Serialize};

use crate::archive::viewer::{Act, Viewer};
use crate::media::ticks::EpochMillis;
use crate::object_key;

/// Bytes of one object at the most, some 1,800 lines: the next line begins another one. Each
/// line writes its object anew, so that this is what a line costs at the most, and what a
/// bucket with versions keeps of it.
pub const MAX_SHEET_BYTES: usize = 512 << 10;
/// Characters of any text in a line at the most.
const MAX_CHARS: usize = 300;
/// What the names of a day's objects begin with, and end in.
const NAME: &str = "listened";
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
    /// The line's own name: no other line has it, so that a line is known again where the
    /// answer to its writing was lost. Lines of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
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
            id: None,
        }
    }

    /// The same under a name of its own.
    #[must_use]
    pub fn named(&self, id: String) -> Self {
        Self {
            id: Some(id),
            ..self.clone()
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

/// One object of a day's lines, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The folder of its day, with a slash at its end.
    folder: String,
    number: u32,
    /// What it holds; `None` while there is no such object.
    lines: Option<Vec<u8>>,
}

impl Sheet {
    /// The folder of a time's objects, with a slash at its end.
    pub fn folder(prefix: &str, time: EpochMillis) -> String {
        format!("{prefix}{}/", object_key::dated_folder(Some(time)))
    }

    /// The last of the objects that there are in a folder, or the one to begin with. It is still
    /// to be read.
    pub fn last<'k>(folder: &str, keys: impl Iterator<Item = &'k str>) -> Self {
        let number = |key: &str| {
            let name = key.strip_prefix(folder)?.strip_suffix(ENDING)?;
            match name.strip_prefix(NAME)? {
                "" => Some(1),
                number => number.strip_prefix('_')?.parse().ok(),
            }
        };
        Self {
            folder: folder.to_owned(),
            number: keys.filter_map(number).max().unwrap_or(1),
            lines: None,
        }
    }

    /// The one after it. It is still to be read.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            folder: self.folder.clone(),
            number: self.number.saturating_add(1),
            lines: None,
        }
    }

    /// The same, as it was read.
    #[must_use]
    pub fn holding(self, lines: Option<Vec<u8>>) -> Self {
        Self { lines, ..self }
    }

    /// The same with one more line.
    #[must_use]
    pub fn with(&self, line: &str) -> Self {
        let before = self.lines().unwrap_or_default();
        // Somebody may have cut it.
        let end: &[u8] = match before.last() {
            None | Some(b'\n') => b"",
            Some(_) => b"\n",
        };
        let lines = [before, end, line.as_bytes()].concat();
        self.clone().holding(Some(lines))
    }

    /// Where it lies.
    pub fn key(&self) -> String {
        let folder = &self.folder;
        match self.number {
            1 => format!("{folder}{NAME}{ENDING}"),
            number => format!("{folder}{NAME}_{number}{ENDING}"),
        }
    }

    /// What it holds, if there is such an object.
    pub fn lines(&self) -> Option<&[u8]> {
        self.lines.as_deref()
    }

    /// Whether it is of the day whose folder this is.
    pub fn is_in(&self, folder: &str) -> bool {
        self.folder == folder
    }

    /// Whether a line of this length still belongs into it.
    pub fn has_room(&self, line: &str) -> bool {
        let held = self.lines().map_or(0, <[u8]>::len);
        held == 0 || held + line.len() <= MAX_SHEET_BYTES
    }

    /// Whether it holds this line.
    pub fn holds(&self, line: &str) -> bool {
        let mut lines = self
            .lines()
            .unwrap_or_default()
            .split(|byte| *byte == b'\n');
        lines.any(|held| held == line.trim_end().as_bytes())
    }
}

/// Whether a key is one of such an object's, or one of before, when each process wrote objects
/// of its own.
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
    fn a_day_has_one_object_and_no_longer_than_it_may_be() {
        let folder = Sheet::folder("listened/", TIME);
        let sheet = Sheet::last(&folder, std::iter::empty());
        assert_eq!(sheet.key(), "listened/2025/10/09/listened.jsonl");
        assert!(is_sheet(&sheet.key()) && sheet.is_in(&folder));
        let tomorrow = EpochMillis(TIME.0 + 86_400_000);
        assert!(!sheet.is_in(&Sheet::folder("listened/", tomorrow)));
        let text = line().to_line();
        let mut full = sheet.clone();
        while full.has_room(&text) {
            full = full.with(&text);
        }
        let held = full.lines().unwrap().len();
        assert!(held <= MAX_SHEET_BYTES && held + text.len() > MAX_SHEET_BYTES);
        let next = full.next();
        assert_eq!(next.key(), "listened/2025/10/09/listened_2.jsonl");
        assert_eq!(next.lines(), None);
        // A line longer than a sheet has one to itself.
        assert!(sheet.has_room(&"x".repeat(MAX_SHEET_BYTES + 1)));
    }

    #[test]
    fn the_last_of_a_days_objects_is_gone_on_with() {
        #[track_caller]
        fn check(names: &[&str], expected: &str) {
            let keys: Vec<_> = names.iter().map(|name| format!("w/2025/{name}")).collect();
            let last = Sheet::last("w/2025/", keys.iter().map(String::as_str));
            assert_eq!(last.key(), format!("w/2025/{expected}"), "{names:?}");
        }
        check(&[], "listened.jsonl");
        check(&["listened.jsonl"], "listened.jsonl");
        let many = ["listened.jsonl", "listened_10.jsonl", "listened_9.jsonl"];
        check(&many, "listened_10.jsonl");
        // Objects of before, and what is none.
        let others = [
            "3fb1-1.jsonl",
            "listened_x.jsonl",
            "listened_4.json",
            "listenedd.jsonl",
        ];
        check(&others, "listened.jsonl");
        check(&["listened_4294967296.jsonl"], "listened.jsonl");
    }

    #[test]
    fn a_line_is_known_again_by_its_name() {
        let sheet = Sheet::last("w/", std::iter::empty());
        let [one, other] = ["p-1", "p-2"].map(|id| line().named(id.to_owned()).to_line());
        let sheet = sheet.with(&one);
        assert!(sheet.holds(&one) && !sheet.holds(&other));
        assert!(!sheet.holds(&line().to_line()));
        // One that was cut is a line that cannot be read, and spoils no other one.
        let cut = one.as_bytes()[..20].to_vec();
        let mended = sheet.holding(Some(cut)).with(&other);
        let (lines, unreadable) = Heard::of_lines(mended.lines().unwrap());
        assert_eq!((lines.len(), unreadable), (1, 1));
    }
}
