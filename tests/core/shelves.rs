//! The archive over a folder: its shelves, pages of a search, the legs of a call, and keys that
//! lead nowhere.

use std::fs;
use std::path::Path;

use callreel::archive::search::{Cursor, Query};
use callreel::archive::viewer::{Allowed, Sees, Viewer};
use callreel::local::LocalRecordings;
use callreel::media::ticks::EpochMillis;
use callreel::shelves::{Asked, Look, Shelves, Trust};
use futures_executor::block_on;
use serde_json::json;

fn verdict(folder: &Path, day: &str, contact: &str, first: &str, starts_at: &str, queue: &str) {
    let json = json!({
        "schema": "callreel.verdict/4", "callreel": "0", "status": "complete", "reasons": [],
        "recording": {"contact_id": contact, "initial_contact_id": first, "instance_id": null, "stream": "s",
            "start_fragment": "1", "stop_fragment": "9", "authorised": ["from"]},
        "call": {"queue": queue, "customer": "+4930123"},
        "span": {"sample_rate": 8000, "samples": 8000, "seconds": 1.0, "starts_at": starts_at, "ends_at": null,
            "media_start_millis": null, "record_starts_at": null, "record_stops_at": null},
        "fragments": {"asked": 1, "received": 1, "own": 1, "missing": 0, "missing_list": [], "damaged": 0,
            "damage_list": [], "refused": {"foreign": 0, "untagged": 0, "conflicting": 0, "out_of_range": 0,
            "unnumbered": 0, "unasked": 0, "foreign_contacts": []}},
        "sides": {"from": null, "to": null}, "one_way_audio": false, "clock_breaks": 0, "files": [],
    });
    let folder = folder.join("rec").join(day);
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join(format!("{contact}_1_verdict.json")),
        json.to_string(),
    )
    .unwrap();
}

const NOW: EpochMillis = EpochMillis(4_000_000_000_000);

/// Calls of many days, one that waited beyond midnight, two legs of one call, one without a date.
fn archive(folder: &Path) -> Shelves<LocalRecordings> {
    for day in 1..=28 {
        let date = format!("2026/02/{day:02}");
        for hour in [8, 9] {
            let starts_at = format!("2026-02-{day:02}T{hour:02}:00:00Z");
            let contact = format!("c-{day:02}-{hour}");
            verdict(folder, &date, &contact, &contact, &starts_at, "Sales");
        }
    }
    verdict(
        folder,
        "2026/02/10",
        "late",
        "first",
        "2026-02-11T00:30:00Z",
        "Claims",
    );
    verdict(
        folder,
        "2026/02/10",
        "first",
        "first",
        "2026-02-10T23:50:00Z",
        "Claims",
    );
    verdict(
        folder,
        "undated",
        "odd",
        "odd",
        "2026-02-05T12:00:00Z",
        "Sales",
    );
    Shelves::new(LocalRecordings::new(folder), "rec/", Trust::Never)
}

/// All pages of a search, as contacts.
fn search(
    shelves: &Shelves<LocalRecordings>,
    words: &[(&str, &str)],
    sees: Sees,
    most: usize,
) -> Vec<String> {
    let query = Query::from_pairs(words.iter().copied()).unwrap();
    let viewer = Viewer {
        sees,
        ..Viewer::at_the_desk()
    };
    let (mut found, mut after) = (Vec::new(), None::<Cursor>);
    for _ in 0..200 {
        let asked = Asked {
            query: &query,
            after: after.as_ref(),
            most,
            look: Look::IfStale,
        };
        let page = block_on(shelves.search(&asked, &viewer, NOW)).unwrap();
        assert!(page.problems.is_empty() && page.hits.len() <= most);
        found.extend(page.hits.into_iter().map(|(_, row)| row.contact_id));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
    panic!("the pages of {words:?} do not end");
}

#[test]
fn pages_are_the_whole_list_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let shelves = archive(folder.path());
    let whole = search(&shelves, &[], Sees::Everything, 1_000);
    assert_eq!(whole.len(), 59);
    assert_eq!(whole[..2], ["c-28-9", "c-28-8"]);
    let at = |contact: &str| whole.iter().position(|it| it == contact).unwrap();
    // What began behind midnight stands where it began, and what has no folder of a day, too.
    assert_eq!(at("late"), at("first") - 1);
    assert_eq!(at("late"), at("c-11-8") + 1);
    assert_eq!(at("odd"), at("c-05-9") - 1);
    for most in [1, 3, 7, 58, 59, 60] {
        assert_eq!(
            search(&shelves, &[], Sees::Everything, most),
            whole,
            "{most}"
        );
    }
}

#[test]
fn a_stretch_of_time_and_what_a_viewer_may_see() {
    let folder = tempfile::tempdir().unwrap();
    let shelves = archive(folder.path());
    let day = [("from", "2026-02-11"), ("to", "2026-02-12")];
    let found = search(&shelves, &day, Sees::Everything, 10);
    assert_eq!(found, ["c-11-9", "c-11-8", "late"]);
    let claims = Sees::AnyOf(vec![Allowed::Queue("Claims".to_owned())]);
    assert_eq!(search(&shelves, &day, claims.clone(), 10), ["late"]);
    assert_eq!(search(&shelves, &[], claims, 1), ["late", "first"]);
    assert!(search(&shelves, &[], Sees::AnyOf(Vec::new()), 10).is_empty());
    let number = [("number", "030 123"), ("queue", "claims")];
    assert_eq!(search(&shelves, &number, Sees::Everything, 10).len(), 2);
}

#[test]
fn the_legs_of_a_call_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let shelves = archive(folder.path());
    let key = "rec/2026/02/10/late_1_verdict.json";
    let (row, json) = block_on(shelves.recording(key, NOW)).unwrap().unwrap();
    assert!(json.is_some());
    let call = |viewer: &Viewer| {
        let parts = block_on(shelves.call(key, &row, viewer, NOW)).unwrap();
        let contacts = parts.into_iter().map(|(_, row)| row.contact_id);
        contacts.collect::<Vec<_>>()
    };
    assert_eq!(call(&Viewer::at_the_desk()), ["first", "late"]);
    // This one was asked for and is there; of others, only what may be seen.
    let nothing = Viewer {
        sees: Sees::AnyOf(Vec::new()),
        ..Viewer::at_the_desk()
    };
    assert_eq!(call(&nothing), ["late"]);
}

#[test]
fn keys_lead_nowhere_but_to_verdicts_of_the_archive() {
    let folder = tempfile::tempdir().unwrap();
    let shelves = archive(folder.path());
    fs::write(folder.path().join("x_verdict.json"), "secret").unwrap();
    fs::write(folder.path().join("rec/notes.txt"), "secret").unwrap();
    for key in [
        "",
        "x_verdict.json",
        "rec/../x_verdict.json",
        "rec/./../x_verdict.json",
        "rec//x_verdict.json",
        "rec\\..\\x_verdict.json",
        "/etc/passwd_verdict.json",
        "rec/notes.txt",
        "rec/2026/02/10/",
        "rec/2026/02/10/late_1_verdict.json\0",
        "rec/2026/02/10/nobody_1_verdict.json",
    ] {
        assert_eq!(
            block_on(shelves.recording(key, NOW)).unwrap(),
            None,
            "{key:?}"
        );
    }
}
