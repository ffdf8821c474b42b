//! The archive over a folder: its shelves, pages of a search, the legs of a call, and keys that
//! lead nowhere.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use callreel::archive::search::{Cursor, Query};
use callreel::archive::viewer::{Allowed, Sees, Viewer};
use callreel::failure::Failure;
use callreel::local::LocalRecordings;
use callreel::media::ticks::EpochMillis;
use callreel::port::{Browsing, Expect, Inside, Listed, Objects, Opened, Opening, Seen};
use callreel::shelves::{Asked, Look, Shelves, Trust};
use futures_executor::block_on;
use futures_util::FutureExt;
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

/// A store that counts what is asked of it.
struct Counted {
    store: LocalRecordings,
    asked: Mutex<Vec<String>>,
    /// After so many reads it answers no more.
    reads: AtomicUsize,
}

impl Counted {
    fn new(folder: &Path) -> Self {
        Self {
            store: LocalRecordings::new(folder),
            asked: Mutex::default(),
            reads: AtomicUsize::new(usize::MAX),
        }
    }

    fn tell(&self, what: &str, key: &str) {
        self.asked.lock().unwrap().push(format!("{what} {key}"));
    }

    /// What was asked since the last time, but for looking into folders.
    fn take(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.retain(|it| !it.starts_with("look_into"));
        asked.sort();
        asked
    }
}

impl Objects for &Counted {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.tell("read", key);
        let left = |reads: usize| reads.checked_sub(1);
        if self.reads.fetch_update(Relaxed, Relaxed, left).is_err() {
            std::future::pending::<()>().await;
        }
        self.store.read(key).await
    }

    async fn put(&self, key: &str, object: Vec<u8>, expect: Expect<'_>) -> Result<bool, Failure> {
        self.tell("put", key);
        self.store.put(key, object, expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        self.store.list(prefix).await
    }
}

impl Opening for &Counted {
    type Body = <LocalRecordings as Opening>::Body;

    async fn open(&self, key: &str) -> Result<Option<Opened<Self::Body>>, Failure> {
        self.tell("open", key);
        self.store.open(key).await
    }
}

impl Browsing for &Counted {
    async fn look_into(&self, folder: &str) -> Result<Inside, Failure> {
        self.tell("look_into", folder);
        self.store.look_into(folder).await
    }

    async fn look_at(&self, key: &str) -> Result<Option<Seen>, Failure> {
        self.tell("look_at", key);
        self.store.look_at(key).await
    }

    async fn open_part(
        &self,
        key: &str,
        from: u64,
        bytes: u64,
    ) -> Result<Option<Self::Body>, Failure> {
        self.store.open_part(key, from, bytes).await
    }
}

fn index(day: u8) -> String {
    format!("rec/index/day=2026-02-{day:02}/recordings.ndjson")
}

/// What a search of three days finds at a time, as contacts.
fn found_at(shelves: &Shelves<&Counted>, now: i64) -> usize {
    let query = Query::from_pairs([("from", "2026-02-26")]).unwrap();
    let asked = Asked {
        query: &query,
        after: None,
        most: 100,
        look: Look::IfStale,
    };
    let viewer = Viewer::at_the_desk();
    let page = shelves.search(&asked, &viewer, EpochMillis(now));
    let page = block_on(page).unwrap();
    assert_eq!((page.problems.len(), page.next), (0, None));
    page.hits.len()
}

/// An index is parsed once, and again when it is another one; the day that was not believed is
/// held against its verdicts.
#[test]
fn what_was_parsed_is_kept_until_it_changes() {
    const LATER: i64 = 30_000;
    for trust in [Trust::AfterDays(3), Trust::Never] {
        let folder = tempfile::tempdir().unwrap();
        archive(folder.path());
        let counted = Counted::new(folder.path());
        // A process makes the indexes; another one begins.
        assert_eq!(found_at(&Shelves::new(&counted, "rec/", trust), NOW.0), 6);
        counted.take();
        let shelves = Shelves::new(&counted, "rec/", trust);
        assert_eq!(found_at(&shelves, NOW.0), 6);
        let dated = |what: &str, days: &[u8]| -> Vec<String> {
            days.iter()
                .map(|day| format!("{what} {}", index(*day)))
                .collect()
        };
        // A recording of the day before may have begun in this stretch; what has no date, too.
        let mut all = dated("open", &[25, 26, 27, 28]);
        all.push("open rec/undated/_index.ndjson".to_owned());
        assert_eq!(counted.take(), all, "{trust:?}");
        // At once, nothing; later, whether it changed.
        assert_eq!(found_at(&shelves, NOW.0 + 400), 6);
        assert_eq!(counted.take(), [""; 0], "{trust:?}");
        let looks = match trust {
            Trust::Never => Vec::new(),
            Trust::AfterDays(_) => dated("look_at", &[25, 26, 27, 28]),
        };
        assert_eq!(found_at(&shelves, NOW.0 + LATER), 6);
        assert_eq!(counted.take(), looks, "{trust:?}");
        // Another verdict, and an index that another process made of it.
        let starts_at = "2026-02-27T10:00:00Z";
        verdict(
            folder.path(),
            "2026/02/27",
            "new",
            "new",
            starts_at,
            "Sales",
        );
        let other = Shelves::new(LocalRecordings::new(folder.path()), "rec/", Trust::Never);
        assert_eq!(
            search(&other, &[("from", "2026-02-26")], Sees::Everything, 100).len(),
            7
        );
        assert_eq!(found_at(&shelves, NOW.0 + 2 * LATER), 7, "{trust:?}");
        assert!(counted.take().contains(&format!("open {}", index(27))));
        assert_eq!(found_at(&shelves, NOW.0 + 3 * LATER), 7, "{trust:?}");
        assert_eq!(counted.take(), looks, "{trust:?}");
        // One that is gone is no longer found.
        fs::remove_file(folder.path().join("rec/2026/02/27/new_1_verdict.json")).unwrap();
        fs::remove_file(folder.path().join(index(27))).unwrap();
        assert_eq!(found_at(&shelves, NOW.0 + 4 * LATER), 6, "{trust:?}");
    }
}

/// Much is looked at in pieces, so that somebody sees what was found meanwhile; what is kept
/// costs little.
#[test]
fn a_needle_in_many_days_comes_in_pages_until_the_days_are_known() {
    let folder = tempfile::tempdir().unwrap();
    for month in 1..=4 {
        for day in 1..=28 {
            let date = format!("2026/{month:02}/{day:02}");
            let contact = format!("c-{month}-{day}");
            let starts_at = format!("2026-{month:02}-{day:02}T08:00:00Z");
            verdict(
                folder.path(),
                &date,
                &contact,
                &contact,
                &starts_at,
                "Sales",
            );
        }
    }
    let shelves = Shelves::new(LocalRecordings::new(folder.path()), "rec/", Trust::Never);
    let query = Query::from_pairs([("contact", "c-1-1")]).unwrap();
    let pages = || {
        let (mut after, mut pages, mut hits) = (None::<Cursor>, 0, 0);
        loop {
            let asked = Asked {
                query: &query,
                after: after.as_ref(),
                most: 100,
                look: Look::IfStale,
            };
            let page = block_on(shelves.search(&asked, &Viewer::at_the_desk(), NOW)).unwrap();
            (pages, hits) = (pages + 1, hits + page.hits.len());
            match page.next {
                Some(next) => after = Some(next),
                None => return (pages, hits),
            }
        }
    };
    // c-1-1, and c-1-10 to c-1-19.
    assert_eq!(pages(), (3, 11));
    assert_eq!(pages(), (1, 11));
}

/// Who listened has folders of days beside those of recordings: they are not looked into.
#[test]
fn the_folder_of_who_listened_is_none_of_recordings() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path());
    fs::create_dir_all(folder.path().join("listened/2026/02/27")).unwrap();
    fs::write(folder.path().join("listened/2026/02/27/a-1.jsonl"), "{}").unwrap();
    let counted = Counted::new(folder.path());
    let shelves = Shelves::new(&counted, "", Trust::Never).leaving_out("listened/");
    assert_eq!(found_at(&shelves, NOW.0), 6);
    let asked = counted.asked.lock().unwrap();
    assert!(asked.iter().any(|it| it == "look_into rec/2026/02/27/"));
    assert!(!asked.iter().any(|it| it.contains("listened")), "{asked:?}");
}

/// When something was written, for a store that is asked at times of a test's own.
fn written(path: &Path, at: &str) {
    let at = EpochMillis::from_rfc3339(at).unwrap();
    let since = std::time::Duration::from_millis(at.0.try_into().unwrap());
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + since).unwrap();
}

/// Verdicts come when they like, and processes that keep nothing look for them when they like.
#[track_caller]
fn check_found(steps: &[(&str, &str, usize)], trust: Trust) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("rec")).unwrap();
    let counted = Counted::new(folder.path());
    let kept = Shelves::new(&counted, "rec/", trust);
    let query = Query::default();
    for (what, at, expected) in steps {
        let now = EpochMillis::from_rfc3339(at).unwrap();
        let is_listed = match *what {
            // Looked for, and the verdicts listed for that; or the index believed.
            "listed" => true,
            "believed" => false,
            contact => {
                verdict(folder.path(), "2026/02/27", contact, contact, at, "Sales");
                let path = format!("rec/2026/02/27/{contact}_1_verdict.json");
                written(&folder.path().join(path), at);
                continue;
            }
        };
        counted.take();
        let anew = Shelves::new(&counted, "rec/", trust);
        for (shelves, is_new) in [(&anew, true), (&kept, false)] {
            let asked = Asked {
                query: &query,
                after: None,
                most: 100,
                look: Look::IfStale,
            };
            let page = block_on(shelves.search(&asked, &Viewer::at_the_desk(), now)).unwrap();
            assert_eq!(
                (page.hits.len(), page.problems.len()),
                (*expected, 0),
                "{at}"
            );
            let asked = std::mem::take(&mut *counted.asked.lock().unwrap());
            let looks = asked.iter().any(|it| it == "look_into rec/2026/02/27/");
            assert!(!is_new || looks == is_listed, "{at}");
        }
    }
}

#[test]
fn an_index_that_was_made_too_early_loses_nothing() {
    let settled = Trust::ONCE_SETTLED;
    // An index of noon knows nothing of the afternoon, whenever somebody asks again.
    check_found(
        &[
            ("a", "2026-02-27T10:00:00Z", 0),
            ("listed", "2026-02-27T12:00:00Z", 1),
            ("b", "2026-02-27T16:00:00Z", 0),
            ("listed", "2026-03-04T12:00:00Z", 2),
            ("believed", "2026-03-04T13:00:00Z", 2),
            ("believed", "2026-03-08T11:00:00Z", 2),
            // It is over a second time as long: held against the verdicts once more.
            ("listed", "2026-03-10T13:00:00Z", 2),
            ("believed", "2026-03-10T14:00:00Z", 2),
        ],
        settled,
    );
    // Nobody looked before the day was over for long.
    check_found(
        &[
            ("a", "2026-02-27T10:00:00Z", 0),
            ("listed", "2026-03-05T12:00:00Z", 1),
            ("believed", "2026-03-05T12:01:00Z", 1),
        ],
        settled,
    );
    // A recording that was tried again and came late.
    check_found(
        &[
            ("a", "2026-02-27T10:00:00Z", 0),
            ("listed", "2026-03-04T12:00:00Z", 1),
            ("late", "2026-03-05T12:00:00Z", 0),
            ("listed", "2026-03-12T12:00:00Z", 2),
            ("believed", "2026-03-12T12:01:00Z", 2),
        ],
        settled,
    );
}

/// Recordings of long ago that come only now, as where a bucket is moved: each is found.
#[test]
fn an_old_day_that_fills_is_not_believed() {
    check_found(
        &[
            ("a", "2026-11-20T10:00:00Z", 0),
            ("listed", "2026-11-20T10:01:00Z", 1),
            ("b", "2026-11-20T10:02:00Z", 0),
            ("listed", "2026-11-20T10:03:00Z", 2),
            ("listed", "2026-11-23T10:00:00Z", 2),
            ("c", "2026-11-23T10:01:00Z", 0),
            ("listed", "2026-11-23T10:03:00Z", 3),
            ("listed", "2026-11-26T10:03:00Z", 3),
            ("believed", "2026-11-26T10:04:00Z", 3),
        ],
        Trust::ONCE_SETTLED,
    );
}

/// A recording is found soon after it is made, and no longer found when it is deleted.
#[test]
fn what_was_only_just_made_is_found() {
    check_found_soon(Trust::Never, 500);
    check_found_soon(Trust::AfterDays(30_000), 5_000);
}

#[track_caller]
fn check_found_soon(trust: Trust, soon: i64) {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path());
    let shelves = Shelves::new(LocalRecordings::new(folder.path()), "rec/", trust);
    assert_eq!(search_at(&shelves, NOW.0), 59);
    verdict(
        folder.path(),
        "2026/02/28",
        "new",
        "new",
        "2026-02-28T10:00:00Z",
        "Sales",
    );
    assert_eq!(search_at(&shelves, NOW.0 + soon), 60);
    fs::remove_file(folder.path().join("rec/2026/02/28/new_1_verdict.json")).unwrap();
    assert_eq!(search_at(&shelves, NOW.0 + 2 * soon), 59);
}

fn search_at(shelves: &Shelves<LocalRecordings>, now: i64) -> usize {
    let query = Query::default();
    let asked = Asked {
        query: &query,
        after: None,
        most: 100,
        look: Look::IfStale,
    };
    let viewer = Viewer::at_the_desk();
    let page = shelves.search(&asked, &viewer, EpochMillis(now));
    block_on(page).unwrap().hits.len()
}

/// A process that has no time to read all of a day leaves what it read for the next one.
#[test]
fn a_day_that_is_too_large_for_one_look_is_done_by_several() {
    const MANY: usize = 4_100;
    let folder = tempfile::tempdir().unwrap();
    for call in 0..MANY {
        let contact = format!("c-{call}");
        verdict(
            folder.path(),
            "2026/02/27",
            &contact,
            &contact,
            "2026-02-27T10:00:00Z",
            "Sales",
        );
    }
    let counted = Counted::new(folder.path());
    let found = |trust: Trust| {
        let query = Query::default();
        let asked = Asked {
            query: &query,
            after: None,
            most: 2 * MANY,
            look: Look::IfStale,
        };
        let shelves = Shelves::new(&counted, "rec/", trust);
        let viewer = Viewer::at_the_desk();
        let page = shelves.search(&asked, &viewer, NOW).now_or_never();
        page.map(|page| page.unwrap().hits.len())
    };
    counted.reads.store(4_050, Relaxed);
    assert_eq!(found(Trust::ONCE_SETTLED), None);
    counted.reads.store(usize::MAX, Relaxed);
    counted.take();
    // Not a part of it is taken for all, and only the rest of it is read.
    assert_eq!(found(Trust::ONCE_SETTLED), Some(MANY));
    let reads = counted.take();
    assert_eq!(
        reads.iter().filter(|it| it.starts_with("read ")).count(),
        MANY - 4_000
    );
    assert_eq!(found(Trust::ONCE_SETTLED), Some(MANY));
    assert_eq!(counted.take(), [format!("open {}", index(27))]);
}
