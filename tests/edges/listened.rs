//! Who listened, kept in S3 by several processes at once: a day has one object, no line is lost,
//! and none stands twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use callreel::archive::heard::{Heard, MAX_SHEET_BYTES};
use callreel::aws::{S3Recordings, s3};
use callreel::listened;
use callreel::media::ticks::EpochMillis;
use callreel::port::{Expect, Objects};
use callreel::sandbox::{Effect, Faults, Rule, Sandbox, Settings};
use callreel::web::login::Ledger;

const NOW: EpochMillis = EpochMillis(1_795_780_800_000);
const FOLDER: &str = "listened/2026/11/27/";

/// What leads to a sandbox.
pub async fn shared(url: &str) -> SdkConfig {
    let keys = Credentials::new("sandbox", "sandbox", None, None, "test");
    let shared = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(keys);
    shared.load().await
}

/// A bucket of its.
pub fn store(shared: &SdkConfig, bucket: &str) -> S3Recordings {
    S3Recordings::new(shared, s3::Bucket::to_read(bucket))
}

struct World {
    _folder: tempfile::TempDir,
    sandbox: Sandbox,
    shared: SdkConfig,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            streams: folder.path().join("streams"),
            data: folder.path().join("data"),
            ..Settings::default()
        };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let shared = shared(sandbox.url()).await;
        Self {
            _folder: folder,
            sandbox,
            shared,
        }
    }

    fn store(&self) -> S3Recordings {
        store(&self.shared, "calls")
    }

    /// An instance of the function.
    fn instance(&self, writer: &str) -> Arc<Ledger<S3Recordings>> {
        Arc::new(Ledger::new(self.store(), "listened/", writer))
    }

    fn goes_wrong(&self, effect: Effect, times: Option<u32>) {
        let rule = Rule {
            times,
            ..Rule::once("PutObject", effect)
        };
        self.sandbox.set_faults(Faults {
            rules: vec![rule],
            ..Faults::default()
        });
    }

    /// The names of the day's lines, and the objects that they stand in.
    async fn kept(&self) -> (Vec<String>, Vec<String>) {
        let store = self.store();
        let listed = store.list(FOLDER).await.unwrap();
        let keys = listed.into_iter().map(|object| object.key).collect();
        let found = listened::of_contact(&store, "listened/", "c", None);
        let found = found.await.unwrap();
        assert_eq!(found.unreadable, 0);
        let named = found.lines.into_iter();
        let names = named.map(|line| line.id.unwrap_or_default()).collect();
        (names, keys)
    }
}

/// All of them are of the same person, moment and act.
fn line() -> Heard {
    Heard {
        contact: Some("c".to_owned()),
        ..Heard::at_the_door("mia", None, "play", NOW)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_one_object_however_many_write_it() {
    let world = World::new().await;
    // Answers get lost and connections break while they all write.
    let rules = [
        Effect::CutAfterBytes(0),
        Effect::Reset,
        Effect::Status {
            code: 409,
            error: "ConditionalRequestConflict".to_owned(),
        },
    ];
    let rule = |effect| Rule {
        after: 3,
        times: Some(2),
        ..Rule::once("PutObject", effect)
    };
    world.sandbox.set_faults(Faults {
        rules: rules.into_iter().map(rule).collect(),
        ..Faults::default()
    });
    let writers: Vec<_> = (0..4)
        .map(|number| {
            let ledger = world.instance(&format!("p{number}"));
            tokio::spawn(async move {
                for _ in 0..10 {
                    ledger.note(&line(), NOW).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let (names, keys) = world.kept().await;
    assert_eq!(keys, [format!("{FOLDER}listened.jsonl")]);
    let each: BTreeSet<_> = names.iter().cloned().collect();
    let expected = (0..4).flat_map(|writer| (1..=10).map(move |line| format!("p{writer}-{line}")));
    assert_eq!(each, expected.collect());
    assert_eq!(names.len(), each.len(), "none stands twice: {names:?}");
}

/// The write took place, and nobody was told.
#[tokio::test]
async fn a_line_whose_answer_was_lost_stands_once() {
    let world = World::new().await;
    let ledger = world.instance("p");
    // Once, which the client tries again and meets itself; and as often as it tries.
    for times in [1, 4] {
        world.goes_wrong(Effect::CutAfterBytes(0), Some(times));
        ledger.note(&line(), NOW).await.unwrap();
    }
    ledger.note(&line(), NOW).await.unwrap();
    assert_eq!(world.kept().await.0, ["p-1", "p-2", "p-3"]);
}

/// Others write at the very same moment, for longer than one write is tried.
#[tokio::test]
async fn a_line_that_meets_others_again_and_again_is_kept() {
    let world = World::new().await;
    let ledger = world.instance("p");
    let conflict = Effect::Status {
        code: 409,
        error: "ConditionalRequestConflict".to_owned(),
    };
    world.goes_wrong(conflict, Some(6));
    ledger.note(&line(), NOW).await.unwrap();
    assert_eq!(world.kept().await.0, ["p-1"]);
}

/// What cannot be written is told, so that nothing is given; what comes later is kept again.
#[tokio::test]
async fn a_line_that_cannot_be_kept_is_told() {
    let world = World::new().await;
    let ledger = world.instance("p");
    ledger.note(&line(), NOW).await.unwrap();
    let denied = Effect::Status {
        code: 403,
        error: "AccessDenied".to_owned(),
    };
    world.goes_wrong(denied, None);
    ledger.note(&line(), NOW).await.unwrap_err();
    world.sandbox.set_faults(Faults::default());
    ledger.note(&line(), NOW).await.unwrap();
    assert_eq!(world.kept().await.0, ["p-1", "p-3"]);
}

#[tokio::test]
async fn a_full_object_is_followed_by_a_second_one() {
    let world = World::new().await;
    let store = world.store();
    // An earlier version wrote an object for each process.
    let before = line().named("before".to_owned()).to_line().into_bytes();
    let old = format!("{FOLDER}3fb1-1.jsonl");
    assert!(store.put(&old, before, Expect::Nothing).await.unwrap());
    let mut full = Vec::new();
    let others = Heard {
        contact: None,
        ..line()
    };
    while full.len() < MAX_SHEET_BYTES - 100 {
        full.extend_from_slice(others.to_line().as_bytes());
    }
    let first = format!("{FOLDER}listened.jsonl");
    assert!(store.put(&first, full, Expect::Nothing).await.unwrap());
    // One comes to it from the first object, the other finds the second one.
    for writer in ["p", "q"] {
        let ledger = world.instance(writer);
        ledger.note(&line(), NOW).await.unwrap();
        ledger.note(&line(), NOW).await.unwrap();
    }
    let (names, keys) = world.kept().await;
    assert_eq!(names.len(), 5, "{names:?}");
    let second = format!("{FOLDER}listened_2.jsonl");
    assert_eq!(keys, [old, first, second]);
    // The next day begins with an object of its own.
    let tomorrow = EpochMillis(NOW.0 + 86_400_000);
    world.instance("p").note(&line(), tomorrow).await.unwrap();
    let key = "listened/2026/11/28/listened.jsonl";
    assert!(store.read(key).await.unwrap().is_some());
}
