//! What must come of each event in `events/`, as a table. The tests of the local edge and
//! of the built function read the same one.

#![allow(dead_code, reason = "not every test looks at every column")]

use callreel::event::batch::Origin;

/// An event and what must come of it.
pub struct Row {
    /// Its name in `events/`.
    pub file: &'static str,
    pub origin: Origin,
    /// What becomes of each record.
    pub records: &'static [&'static str],
    /// Positions of the records that go back to where they came from.
    pub handed_back: &'static [usize],
    /// Positions of the records that are parked.
    pub parked: &'static [usize],
    /// The recordings and the sides of each: `from`, `to`, `mixed`.
    pub recordings: &'static [(&'static str, &'static str)],
    /// The contacts with attributes, and whose URLs theirs hold, in order.
    pub attributes: &'static [(&'static str, &'static [&'static str])],
    /// Records that the command line tells an error of.
    pub errors: usize,
}

pub const ALL: &str = "from to mixed";
/// No audio came, and the verdict says why.
pub const VERDICT: &str = "";
pub const UNREADABLE: &str = "unreadable: ";

pub const ROWS: &[Row] = &[
    Row {
        file: "kinesis-event.json",
        origin: Origin::Kinesis,
        records: &[
            "complete, written",
            "complete, written",
            "skipped: channel CHAT",
            "no contact record: an agent event",
        ],
        handed_back: &[],
        parked: &[],
        recordings: &[("plain", ALL), ("pooled", ALL)],
        attributes: &[("plain", &["plain"]), ("pooled", &["pooled"])],
        errors: 0,
    },
    Row {
        file: "one-call.json",
        origin: Origin::Kinesis,
        records: &["complete, written"],
        handed_back: &[],
        parked: &[],
        recordings: &[("one", ALL)],
        attributes: &[("one", &["one"])],
        errors: 0,
    },
    Row {
        file: "voicemail.json",
        origin: Origin::Kinesis,
        records: &["skipped: recordingAuth not set"],
        handed_back: &[],
        parked: &[],
        recordings: &[],
        attributes: &[],
        errors: 0,
    },
    Row {
        file: "several-contacts.json",
        origin: Origin::Kinesis,
        records: &[
            "complete, written",
            "complete, written",
            "complete, written",
            "skipped: recordingAuth \"0\" authorises nothing",
            "skipped: no recording in a Kinesis video stream",
            "skipped: channel CHAT",
        ],
        handed_back: &[],
        parked: &[],
        recordings: &[("both", ALL), ("says", "from"), ("hears", "to")],
        attributes: &[
            ("both", &["both"]),
            ("says", &["says"]),
            ("hears", &["hears"]),
        ],
        errors: 0,
    },
    Row {
        file: "several-recordings.json",
        origin: Origin::Kinesis,
        records: &["complete, written; complete, written"],
        handed_back: &[],
        parked: &[],
        recordings: &[("before", ALL), ("after", ALL)],
        attributes: &[("before", &["before", "after"])],
        errors: 0,
    },
    Row {
        file: "transferred-leg.json",
        origin: Origin::Kinesis,
        records: &["complete, written", "complete, written"],
        handed_back: &[],
        parked: &[],
        recordings: &[("leg 1", ALL), ("leg 2", ALL)],
        // All on the first leg, whose attributes are the call's.
        attributes: &[("leg 1", &["leg 1", "leg 2"])],
        errors: 0,
    },
    Row {
        file: "re-emitted.json",
        origin: Origin::Kinesis,
        records: &[
            "complete, written",
            "complete (found), unchanged",
            "skipped: already recorded",
        ],
        handed_back: &[],
        parked: &[],
        recordings: &[("again", ALL)],
        attributes: &[("again", &["again"])],
        errors: 0,
    },
    Row {
        file: "poison.json",
        origin: Origin::Kinesis,
        records: &[
            "complete, written",
            "unreadable: data is not base64",
            "not JSON: ",
            "not JSON: EOF",
            "not JSON: ",
            "not JSON: no data",
            "no contact record: an agent event",
            "no contact record: an object without ContactId",
            "skipped: no recording in a Kinesis video stream",
            "no contact record: an object without ContactId",
            "skipped: channel not given, not VOICE",
            "skipped: no recording in a Kinesis video stream",
            "skipped: the record does not say where the audio is",
            "failed: stream_missing",
            "complete, written",
        ],
        handed_back: &[],
        parked: &[1, 2, 3, 4, 5, 12, 13],
        recordings: &[("first good", ALL), ("gone", VERDICT), ("last good", ALL)],
        attributes: &[
            ("first good", &["first good"]),
            ("last good", &["last good"]),
        ],
        errors: 7,
    },
    Row {
        file: "odd-json.json",
        origin: Origin::Kinesis,
        records: &[
            "complete, written",
            "complete, written",
            "complete, written",
            "complete, written",
            "complete, written",
            "skipped: the record does not say where the audio is: fragment number 9.134385233318143e46 went through a",
            "skipped: recordingAuth true, which does not say which side, authorises nothing",
            "its Recordings is a text, not a list",
            "its ContactId holds characters that cannot be read",
        ],
        handed_back: &[],
        parked: &[5, 7, 8],
        recordings: &[
            ("surrogate", ALL),
            ("latin-1", ALL),
            ("utf-16", ALL),
            ("numbers", ALL),
            ("control", ALL),
        ],
        attributes: &[
            ("surrogate", &["surrogate"]),
            ("latin-1", &["latin-1"]),
            ("utf-16", &["utf-16"]),
            ("numbers", &["numbers"]),
            ("control", &["control"]),
        ],
        errors: 3,
    },
    Row {
        file: "aggregated.json",
        origin: Origin::Kinesis,
        records: &[
            "complete, written; complete, written; no contact record: an agent event",
            "complete, written; a packed record inside of a packed one",
            "a record packed by the Kinesis Producer Library: its checksum (MD5) does not fit",
            "a record packed by the Kinesis Producer Library: its checksum (MD5) does not fit",
        ],
        handed_back: &[],
        parked: &[1, 2, 3],
        recordings: &[("packed 1", ALL), ("packed 2", ALL), ("packed 3", ALL)],
        attributes: &[
            ("packed 1", &["packed 1"]),
            ("packed 2", &["packed 2"]),
            ("packed 3", &["packed 3"]),
        ],
        errors: 3,
    },
    Row {
        file: "listed-twice.json",
        origin: Origin::Kinesis,
        records: &["complete, written"],
        handed_back: &[],
        parked: &[],
        recordings: &[("twice", ALL)],
        attributes: &[("twice", &["twice"])],
        errors: 0,
    },
    Row {
        file: "sqs-retry.json",
        origin: Origin::Sqs,
        records: &[
            "complete, written",
            "complete, written",
            "failed: stream_missing",
            "unreadable: not a parked record",
            "unreadable: a parked record of schema \"callreel.parked/9\"",
        ],
        handed_back: &[2, 3, 4],
        parked: &[],
        recordings: &[("parked", ALL), ("bare", ALL), ("still gone", VERDICT)],
        attributes: &[("parked", &["parked"]), ("bare", &["bare"])],
        errors: 3,
    },
];

/// Events that are no batches, and what they are read as.
pub const OTHERS: &[(&str, &str)] = &[
    ("flow-call.json", "a flow's call, no stream"),
    ("flow-call-streaming.json", "a flow's call, streaming"),
    ("contact-disconnected.json", "VOICE, over"),
    ("contact-disconnected-capitals.json", "VOICE, over"),
    ("contact-disconnected-text.json", "VOICE, over"),
    ("contact-disconnected-chat.json", "CHAT, over"),
];
