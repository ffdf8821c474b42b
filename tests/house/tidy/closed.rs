//! Files that are closed: the kernel and the recorder, which every recording passes through.
//! A new capability is a new file beside them. One that must change all the same has a reason
//! here, in words, next to the mark of what it is by then: comments and layout do not count.

use super::walls::{Source, sources};

/// What is closed: these modules with all that lies in their folders.
const CLOSED: &[&str] = &["media", "recorder"];

/// Why a file is as it is: as it was when the list was begun.
const AS_CLOSED: &str = "";
const WHOLE: &str = "the monitor asks whether live media ends with a whole fragment";

/// Waveform and sound are made in the pass that writes the files.
const IN_ONE_PASS: &str = "waveform and sound are made in the pass that writes the files";

const MIX: &str =
    "the mix is made of its sides' bytes where it is written, so that it holds none of its own";

/// A file below src/, its mark, and the reason of its last change. A file that is not here is
/// new; a row closes it.
const MARKS: &[(&str, &str, &str)] = &[
    ("media/assembly.rs", "842457f93ffe", MIX),
    ("media/attribution.rs", "b2e871693bd4", AS_CLOSED),
    ("media/counts.rs", "93f88f1208c7", AS_CLOSED),
    ("media/demux.rs", "e476a4203a3a", WHOLE),
    ("media/demux/block.rs", "1177937b3b87", AS_CLOSED),
    (
        "media/demux/document.rs",
        "8561e77f16be",
        "a fragment that waits holds no more memory than its audio",
    ),
    ("media/demux/ebml.rs", "c96efbc57cfa", AS_CLOSED),
    ("media/demux/format.rs", "da216a91331e", AS_CLOSED),
    ("media/demux/recover.rs", "acd59ae9e453", AS_CLOSED),
    ("media/demux/replay.rs", "8f71f00fff6f", AS_CLOSED),
    (
        "media/demux/resync.rs",
        "c306af801c18",
        "live media is seen as it comes, not a fragment later",
    ),
    ("media/demux/tags.rs", "af5fe27ab7c4", WHOLE),
    ("media/demux/text.rs", "5a65618ce9a4", AS_CLOSED),
    ("media/demux/tracks.rs", "9f63999c8a5f", AS_CLOSED),
    ("media/fragment.rs", "3cbc2fc6af6d", AS_CLOSED),
    ("media/fragment/damage.rs", "f225fe6b4fa0", AS_CLOSED),
    ("media/fragment/left_out.rs", "c953df5e97d9", AS_CLOSED),
    ("media/levels.rs", "4338bfd5017d", IN_ONE_PASS),
    ("media/request.rs", "6af9ba6d125d", AS_CLOSED),
    ("media/request/replay.rs", "862c0f78a95d", AS_CLOSED),
    ("media/sides.rs", "66de68fa8c1b", AS_CLOSED),
    ("media/ticks.rs", "108a3c83715e", AS_CLOSED),
    ("media/timeline.rs", "8cb16ae182a4", AS_CLOSED),
    ("media/timeline/clock.rs", "2660ba1b47b4", AS_CLOSED),
    ("media/timeline/lane.rs", "edefc9b90967", AS_CLOSED),
    ("media/timeline/recent.rs", "ebba7ccf9af2", AS_CLOSED),
    ("media/timeline/report.rs", "fd38c7f45c44", AS_CLOSED),
    ("media/wav.rs", "37a010d65326", MIX),
    (
        "recorder.rs",
        "be16f6006128",
        "the plan is without what VERDICT_OMIT leaves out",
    ),
    (
        "recorder/attributes.rs",
        "530cd3ecf968",
        "contacts carry the URL of the archive's page, too",
    ),
    (
        "recorder/commit.rs",
        "8e64d064506b",
        "stored files are looked at side by side, since each look is a round trip",
    ),
    (
        "recorder/consent.rs",
        "e57e92ab881a",
        "contacts carry the URL of the archive's page, too",
    ),
    ("recorder/listing.rs", "7de26a4e258e", AS_CLOSED),
    ("recorder/make.rs", "826d4a10ea32", IN_ONE_PASS),
    ("recorder/open.rs", "f4e3f66df2a2", AS_CLOSED),
    ("recorder/outcome.rs", "649cce90681e", AS_CLOSED),
    ("recorder/pour.rs", "6d399e195f1a", IN_ONE_PASS),
    ("recorder/probe.rs", "92515fe9574e", AS_CLOSED),
    ("recorder/read.rs", "379c6d414110", AS_CLOSED),
    ("recorder/wall.rs", "80e8357d59ba", AS_CLOSED),
    ("recorder/work.rs", "ac4cd2c17127", AS_CLOSED),
    ("recorder/write.rs", "c0c2384189c9", MIX),
];

/// The first letters of a hash of what is compiled, without spaces.
fn mark(source: &Source) -> String {
    let code: String = source.code.split_whitespace().collect();
    let hash = callreel::sha256::of(code.as_bytes());
    hash[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_closed(path: &str) -> bool {
    let module = path.trim_end_matches(".rs");
    CLOSED
        .iter()
        .any(|closed| module == *closed || module.starts_with(&format!("{closed}/")))
}

#[test]
fn closed_files_change_with_a_reason() {
    let mut wrong = Vec::new();
    let closed: Vec<_> = sources()
        .iter()
        .filter(|source| is_closed(&source.path))
        .collect();
    for source in &closed {
        let mark = mark(source);
        let known = MARKS.iter().find(|(path, ..)| *path == source.path);
        if known.is_some_and(|(_, known, _)| *known != mark) {
            wrong.push(format!("    (\"{}\", \"{mark}\", \"why\"),", source.path));
        }
    }
    for (place, (path, ..)) in MARKS.iter().enumerate() {
        if MARKS[..place].iter().any(|(other, ..)| other == path) {
            wrong.push(format!(
                "    {path} has two rows: only the first one is read"
            ));
        }
        if !closed.iter().any(|source| source.path == *path) {
            wrong.push(format!("    {path} is no more: take its row out"));
        }
    }
    assert!(
        wrong.is_empty(),
        "these files are closed: is a new file beside them not the better place? If one of them must change, put its row \
         into MARKS of tests/house/tidy/closed.rs, with the reason in place of \"why\", and tell it in the commit:\n{}",
        wrong.join("\n")
    );
}
