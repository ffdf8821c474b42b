//! Where a message goes, and under which tags: `{prefix}{the note's day}/{the note's
//! name}.wav`, its verdict beside it, and a marker in its place where nothing was said or
//! nothing could be had. The same message gives the same keys whenever it is made.

use serde_json::json;

use crate::connect::flow_call::Streamed;
use crate::media::wav::Output;
use crate::recording::key::RecordingKeys;
use crate::recording::verdict::Reason;
use crate::voicemail::note::{Note, NoteName};

/// The schema of the markers.
pub const MARKER_SCHEMA: &str = "callreel.message/1";
/// Characters of a tag's value at the most, as S3 has it.
const MAX_TAG_CHARS: usize = 256;
/// Beside letters, digits and spaces, a tag's value may hold these.
const MAY_BE_IN_TAGS: &str = "+-=._:/@";

/// The keys of one message's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    base: String,
}

/// What stands in a message's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// Nothing was said: `.empty.json`.
    Empty,
    /// It could not be had, and is not tried again by itself: `.failed.json`.
    Failed,
    /// Others were told of the message: `.announced.json`.
    Announced,
    /// It was tried so often, and may be tried again: `.tried.json`.
    Tried {
        /// How often.
        tries: u32,
    },
}

impl Marker {
    const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Failed => "failed",
            Self::Announced => "announced",
            Self::Tried { .. } => "tried",
        }
    }
}

impl Target {
    /// The keys of the message of this name. `prefix` is taken as it is.
    pub fn of(name: &NoteName, prefix: &str) -> Self {
        Self {
            base: format!("{prefix}{name}"),
        }
    }

    /// The keys of the WAV file and its verdict.
    pub fn keys(&self) -> RecordingKeys {
        RecordingKeys::one_file(self.base.clone(), Output::From)
    }

    /// The key of a marker.
    pub fn marker(&self, marker: Marker) -> String {
        format!("{}.{}.json", self.base, marker.name())
    }
}

/// A message's tags, by where it was streamed to. Values are as they are to be read back: whoever sends them encodes them,
/// or a leading `+` becomes a space. What S3 does not take in a tag becomes `_`.
pub fn tags(note: &Note, streamed: &Streamed) -> Vec<(String, String)> {
    let started = streamed.started.map(|time| time.0.to_string());
    let tags = [
        ("customerEndpoint", Some(&*note.customer)),
        ("systemEndpoint", note.system.as_deref()),
        ("startTimestamp", started.as_deref()),
    ];
    let known = tags
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), tag_value(value?))));
    known.collect()
}

/// A text as a tag's value: what S3 does not take in one becomes `_`, and it is cut to 256
/// characters.
pub fn tag_value(text: &str) -> String {
    text.chars().take(MAX_TAG_CHARS).map(in_tag).collect()
}

fn in_tag(letter: char) -> char {
    match letter.is_alphanumeric() || letter == ' ' || MAY_BE_IN_TAGS.contains(letter) {
        true => letter,
        false => '_',
    }
}

/// What a marker holds.
pub fn marker_json(marker: Marker, note: &Note, reasons: &[Reason]) -> Vec<u8> {
    let mut written = json!({
        "schema": MARKER_SCHEMA,
        "status": marker.name(),
        "contact": note.contact,
        "note": note.name.to_string(),
        "reasons": reasons,
    });
    if let Marker::Tried { tries } = marker {
        written["tries"] = tries.into();
    }
    format!("{written:#}\n").into_bytes()
}

/// How often a marker says that its message was tried, and why that came to nothing. One
/// that cannot be read says nothing.
pub fn tried(marker: &[u8]) -> (u32, Vec<Reason>) {
    #[derive(serde::Deserialize)]
    struct Tried {
        tries: u32,
        #[serde(default)]
        reasons: Vec<Reason>,
    }
    let tried: Option<Tried> = serde_json::from_slice(marker).ok();
    tried.map_or((0, Vec::new()), |tried| (tried.tries, tried.reasons))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ticks::EpochMillis;
    use proptest::prelude::*;

    fn note() -> Note {
        Note::of_name(&NoteName::parse("2025/01/31/23-59-58_8d1c").unwrap())
    }

    #[test]
    fn a_message_has_its_notes_day_and_name() {
        let target = Target::of(&note().name, "messages/");
        let keys = target.keys();
        assert_eq!(
            keys.wav(Output::From),
            "messages/2025/01/31/23-59-58_8d1c.wav"
        );
        assert_eq!(
            keys.verdict(),
            "messages/2025/01/31/23-59-58_8d1c_verdict.json"
        );
        let markers = [Marker::Empty, Marker::Failed].map(|marker| target.marker(marker));
        assert_eq!(
            markers,
            [
                "messages/2025/01/31/23-59-58_8d1c.empty.json",
                "messages/2025/01/31/23-59-58_8d1c.failed.json"
            ]
        );
    }

    #[test]
    fn tags_are_what_the_note_says() {
        #[track_caller]
        fn check(
            customer: &str,
            system: Option<&str>,
            started: Option<i64>,
            expected: &[(&str, &str)],
        ) {
            let streamed = Streamed {
                stream: "arn:aws:kinesisvideo:r:1:stream/x/1".into(),
                start_fragment: None,
                started: started.map(EpochMillis),
                stop_fragment: None,
                stopped: None,
            };
            let note = Note {
                customer: customer.into(),
                system: system.map(Box::from),
                ..note()
            };
            let tags = tags(&note, &streamed);
            let told: Vec<_> = tags
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect();
            assert_eq!(told, expected);
        }
        check(
            "+81300000000",
            Some("+81500000000"),
            Some(1_738_300_000_123),
            &[
                ("customerEndpoint", "+81300000000"),
                ("systemEndpoint", "+81500000000"),
                ("startTimestamp", "1738300000123"),
            ],
        );
        check(
            "anonymous",
            None,
            None,
            &[("customerEndpoint", "anonymous")],
        );
        check(
            "sip:a&b=c@d.example;x=\"é\"\n",
            None,
            None,
            &[("customerEndpoint", "sip:a_b=c@d.example_x=_é__")],
        );
    }

    #[test]
    fn a_marker_says_why() {
        let reason = Reason {
            code: "no_fragments".into(),
            detail: "nothing was streamed".into(),
        };
        let marker = marker_json(Marker::Empty, &note(), &[reason]);
        let marker: serde_json::Value = serde_json::from_slice(&marker).unwrap();
        assert_eq!(
            marker,
            json!({"schema": "callreel.message/1", "status": "empty", "contact": "8d1c", "note": "2025/01/31/23-59-58_8d1c",
                "reasons": [{"code": "no_fragments", "detail": "nothing was streamed"}]})
        );
    }

    #[test]
    fn tries_are_counted() {
        let reason = Reason {
            code: "throttled".into(),
            detail: "again".into(),
        };
        let reasons = [reason];
        let marker = marker_json(Marker::Tried { tries: 2 }, &note(), &reasons);
        assert_eq!(tried(&marker), (2, reasons.to_vec()));
        for other in [
            &b"{}"[..],
            b"",
            &marker_json(Marker::Failed, &note(), &reasons),
        ] {
            assert_eq!(tried(other).0, 0);
        }
    }

    proptest! {
        #[test]
        fn tags_are_what_s3_takes(customer in ".{0,400}") {
            let streamed = Streamed { stream: "s".into(), start_fragment: None, started: None, stop_fragment: None, stopped: None };
            for (_, value) in tags(&Note { customer: customer.into(), ..note() }, &streamed) {
                prop_assert!(value.chars().count() <= MAX_TAG_CHARS);
                prop_assert!(value.chars().all(|letter| in_tag(letter) == letter));
            }
        }
    }
}
