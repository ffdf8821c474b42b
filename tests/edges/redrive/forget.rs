//! `callreel forget --aws`: all that there is of one contact goes, in a bucket that keeps
//! versions and in one that keeps none, and nothing else does.

use aws_sdk_s3::Client;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callreel::sandbox::{Effect, Rule};
use callreel::synth::SynthCall;
use serde_json::{Value, json};

use super::{BUCKET, World, call, failed_batch, message};

const GONE: &str = "gone-1";
const LEG: &str = "leg-of-gone";
const STAYS: &str = "stays-1";
const DAY: &str = "recordings/2025/10/09";
/// So many others' objects come before the contact's that its own lie on two pages.
const BEFORE: usize = 985;
/// Uploads that others began: a page of them and one more.
const BEGUN_BEFORE: usize = 1_001;

struct Desk {
    world: World,
    client: Client,
    gone: SynthCall,
    stays: SynthCall,
}

impl Desk {
    async fn new(versioned: bool) -> Self {
        let (gone, stays) = (call(GONE), call(STAYS));
        let leg = call(LEG);
        let calls = [
            ("gone", &gone, 30),
            ("leg", &leg, 30),
            ("stays", &stays, 30),
        ];
        let world = World::keeping(&calls, versioned).await;
        world.record("gone", &gone);
        let mut record = leg.contact_record("leg");
        record["InitialContactId"] = json!(GONE);
        let mut event = leg.event_json("leg");
        let data = STANDARD.encode(record.to_string());
        event["Records"][0]["kinesis"]["data"] = json!(data);
        world.record_event(&event);
        world.record("stays", &stays);
        let client = world.s3().await;
        let desk = Self {
            world,
            client,
            gone,
            stays,
        };
        for contact in [GONE, STAYS] {
            // Written anew, deleted and written again, deleted for now, and begun.
            for _ in 0..30 {
                desk.write(&format!("{DAY}/{contact}_1_mixed.wav")).await;
            }
            desk.delete(&format!("{DAY}/{contact}_1_mixed.wav")).await;
            desk.write(&format!("{DAY}/{contact}_1_mixed.wav")).await;
            desk.write(&format!("{DAY}/{contact}_1_peaks.dat")).await;
            desk.delete(&format!("{DAY}/{contact}_1_peaks.dat")).await;
            desk.begin(&format!("{DAY}/{contact}_2_from.wav")).await;
        }
        desk.leave_copies();
        desk
    }

    /// Many others' objects and uploads.
    fn crowd(&self) {
        for number in 0..BEFORE {
            let key = format!("{DAY}/filler-{number:04}_1_from.wav");
            self.world
                .put(&format!("buckets/{BUCKET}/{key}"), "another contact's");
        }
        for number in 0..BEGUN_BEFORE {
            let begun =
                json!({"bucket": BUCKET, "key": format!("{DAY}/filler-{number:04}_1_to.wav")});
            self.world
                .put(&format!("uploads/{number}.json"), &begun.to_string());
        }
    }

    /// Copies of records, as a bad day leaves them.
    fn leave_copies(&self) {
        let (gone, stays) = (&self.gone, &self.stays);
        let both = [("gone", gone), ("stays", stays)];
        let both_events = both.map(|(stream, call)| call.event_json(stream));
        self.world
            .put("queues/retry/1.json", &message(gone, "gone"));
        self.world
            .put("queues/retry/2.json", &message(stays, "stays"));
        self.world
            .put("queues/retry/3.json", &json!({"body": "hello"}).to_string());
        self.world.put("queues/dead/1.json", &message(gone, "gone"));
        let batch = |name: &str, events: &[Value]| {
            self.world.put(
                &format!("buckets/failures/aws/lambda/{name}"),
                &failed_batch(events),
            );
        };
        batch("of-the-gone", &both_events[..1]);
        batch("of-both", &both_events);
        batch("of-another", &both_events[1..]);
    }

    async fn write(&self, key: &str) {
        let put = self.client.put_object().bucket(BUCKET).key(key);
        put.body(b"audio".to_vec().into()).send().await.unwrap();
    }

    async fn delete(&self, key: &str) {
        let delete = self.client.delete_object().bucket(BUCKET).key(key);
        delete.send().await.unwrap();
    }

    async fn begin(&self, key: &str) {
        let begin = self.client.create_multipart_upload();
        let begun = begin.bucket(BUCKET).key(key).send().await.unwrap();
        let part = self.client.upload_part().bucket(BUCKET).key(key);
        let part = part.set_upload_id(begun.upload_id).part_number(1);
        part.body(b"audio".to_vec().into()).send().await.unwrap();
    }

    fn forget(&self, more: &[&str]) -> super::Ran {
        let queue = |name: &str| format!("{}/111122223333/{name}", self.world.sandbox.url());
        let (retry, dead) = (queue("retry"), queue("dead"));
        let line = ["forget", "--json", "--aws", "--contact", GONE];
        let copies = [
            "--queue",
            &retry,
            "--queue",
            &dead,
            "--failure-bucket",
            "s3://failures/aws/",
        ];
        self.world.run(&[&line[..], &copies, more].concat())
    }

    /// Where the contact, or its leg, is named under the data folder, but for the mark and
    /// for what holds others' records, too; the parts of uploads are hidden files.
    fn traces(&self) -> Vec<String> {
        let allowed = |name: &str| {
            name.ends_with("forgotten/gone-1.json")
                || name.ends_with("of-both")
                || name == "contacts.json"
        };
        let mut traces: Vec<_> = self
            .world
            .tree()
            .into_iter()
            .filter(|(name, content)| {
                let held = String::from_utf8_lossy(content);
                // What the history says of the mark is no trace either.
                let held = held.replace("forgotten/gone-1.json", "");
                let is_mark = held.contains("callreel.forgotten/1");
                !allowed(name)
                    && !is_mark
                    && [GONE, LEG]
                        .iter()
                        .any(|id| name.contains(id) || held.contains(id))
            })
            .map(|(name, _)| name)
            .collect();
        // A message holds the record in base64, within a message.
        let messages = [
            "queues/retry/1.json",
            "queues/dead/1.json",
            "buckets/failures/aws/lambda/of-the-gone",
        ];
        traces.extend(
            messages
                .iter()
                .filter(|path| self.world.data(path).exists())
                .map(|path| (*path).to_owned()),
        );
        traces.sort();
        traces.dedup();
        traces
    }

    /// All that is another contact's, by path, its older versions among it.
    fn others(&self) -> Vec<(String, Vec<u8>)> {
        let tree = self.world.tree();
        let is_others = |name: &str| {
            name.contains(STAYS)
                || name.contains("filler")
                || name.ends_with("of-both")
                || name.ends_with("of-another")
        };
        let history = tree.get("versions/recordings.json");
        let history: Value =
            history.map_or(Value::Null, |json| serde_json::from_slice(json).unwrap());
        let versions = history.as_object().into_iter().flatten();
        let versions = versions
            .filter(|(key, _)| is_others(key))
            .map(|(key, versions)| {
                let files = versions.as_array().unwrap().iter();
                let kept = files.filter_map(|version| version["file"].as_str());
                let kept =
                    kept.filter(|file| tree.contains_key(&format!("versions/recordings/{file}")));
                (
                    format!("{key}: {} kept", kept.count()),
                    versions.to_string().into_bytes(),
                )
            });
        let uploads = tree.iter().filter(|(name, content)| {
            name.starts_with("uploads/") && is_others(&String::from_utf8_lossy(content))
        });
        let files = tree
            .iter()
            .filter(|(name, _)| is_others(name))
            .chain(uploads);
        let files = files.map(|(name, content)| (name.clone(), content.clone()));
        files.chain(versions).collect()
    }

    fn parts_begun(&self) -> usize {
        let files = std::fs::read_dir(self.world.data("buckets")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload_id-")).count()
    }
}

fn denied(operation: &str) -> Rule {
    let error = "AccessDenied".to_owned();
    Rule::always(operation, Effect::Status { code: 403, error })
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_contact_goes_and_nothing_else_does() {
    for versioned in [true, false] {
        let desk = Desk::new(versioned).await;
        desk.crowd();
        let (before, others) = (desk.world.tree(), desk.others());
        assert_eq!(desk.parts_begun(), 2);
        let kept = format!("{DAY}/{STAYS}_1_mixed.wav: 30 kept");
        assert_eq!(others.iter().any(|(name, _)| *name == kept), versioned);

        let dry = desk.forget(&[]);
        assert_eq!((dry.code, &*dry.errors), (Some(0), ""));
        assert_eq!(desk.world.tree(), before);
        for changes in ["DeleteObject", "AbortMultipartUpload", "DeleteMessage"] {
            let so_far = if changes == "DeleteObject" { 4 } else { 0 };
            assert_eq!(desk.world.calls(changes), so_far, "{changes}");
        }
        let listed = dry.json["contacts"][0].clone();
        // Two sides, the mix, the peaks and the verdict of either leg; another mix, other peaks, what was begun.
        let versions = if versioned {
            10 + (30 + 1 + 1) + 2 + 1
        } else {
            10 + 1 + 1
        };
        assert_eq!(listed["objects"].as_array().unwrap().len(), versions);
        assert_eq!(
            (&listed["legs"], &listed["left"]),
            (&json!([LEG]), &json!([]))
        );
        assert_eq!(listed["copies"].as_array().unwrap().len(), 4, "{listed}");

        // What the dry run received is hidden for a minute at the most, and given back.
        let ran = desk.forget(&["--yes"]);
        assert_eq!((ran.code, &*ran.errors), (Some(0), ""), "{}", ran.json);
        let done = &ran.json["contacts"][0];
        assert_eq!(done["objects"].as_array().unwrap().len(), versions);
        assert_eq!(done["left"], json!([]));
        assert_eq!(desk.traces(), [""; 0]);
        assert!(desk.others() == others, "another contact's were touched");
        assert_eq!(desk.parts_begun(), 1);
        assert_eq!(desk.world.messages(), ["2.json", "3.json"]);

        // Every older copy of the record again: nothing comes back.
        desk.world.record("gone", &desk.gone);
        desk.world
            .redrive(&["--failure-bucket", "s3://failures/aws/"]);
        assert_eq!(desk.traces(), [""; 0]);
        let again = desk.forget(&["--yes"]);
        assert_eq!((again.code, &*again.errors), (Some(0), ""));
        assert_eq!(again.json["contacts"][0]["objects"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_deleted_is_told_and_the_rest_goes() {
    let desk = Desk::new(true).await;
    let rule = |operation: &str, of: &str| Rule {
        containing: Some(of.to_owned()),
        ..denied(operation)
    };
    desk.world.faults(vec![
        rule("DeleteObject", LEG),
        rule("DeleteMessage", "dead"),
    ]);
    let ran = desk.forget(&["--yes"]);
    assert_eq!(ran.code, Some(1), "{}", ran.errors);
    for word in [
        "s3:DeleteObjectVersion",
        "leg-of-gone_",
        "sqs:DeleteMessage",
    ] {
        assert!(ran.errors.contains(word), "{word}: {}", ran.errors);
    }
    // The leg's files stay, and its verdict with them: by it they are found the next time.
    let left = ran.json["contacts"][0]["left"].as_array().unwrap().clone();
    assert_eq!(left.len(), 5, "{left:?}");
    assert!(left.iter().all(|key| key.as_str().unwrap().contains(LEG)));
    assert_eq!(
        ran.errors.matches("s3:DeleteObject ").count(),
        4,
        "{}",
        ran.errors
    );
    let traces = desk.traces();
    let of_leg = traces.iter().filter(|path| path.contains(LEG)).count();
    assert_eq!(of_leg, 5, "{traces:?}");
    assert!(traces.contains(&"queues/dead/1.json".to_owned()));
    assert!(!traces.contains(&"queues/retry/1.json".to_owned()));
    assert!(!traces.contains(&"buckets/failures/aws/lambda/of-the-gone".to_owned()));

    // Nobody knows whose legs these are of; and they stop nothing.
    desk.world.faults(vec![]);
    let long = " ".repeat(5 << 20);
    for (name, verdict) in [("broken", "{"), ("long", &long)] {
        let key = format!("{DAY}/{name}_1_verdict.json");
        desk.world.put(&format!("buckets/{BUCKET}/{key}"), verdict);
    }
    let again = desk.forget(&["--yes"]);
    assert_eq!(again.code, Some(1));
    assert_eq!(again.errors.lines().count(), 2, "{}", again.errors);
    for unread in ["broken_1_verdict.json", "long_1_verdict.json"] {
        assert!(again.errors.contains(unread), "{}", again.errors);
    }
    assert_eq!(again.json["contacts"][0]["legs"], json!([LEG]));
    assert_eq!(desk.traces(), [""; 0]);
}

/// Before anything is deleted all must be known.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_listed_is_not_begun() {
    let desk = Desk::new(true).await;
    let before = desk.world.tree();
    for (operation, permission) in [
        ("ListObjectVersions", "s3:ListBucketVersions"),
        ("ListMultipartUploads", "s3:ListBucketMultipartUploads"),
        ("GetObject", "s3:GetObject"),
        ("PutObject", "s3:PutObject"),
    ] {
        desk.world.faults(vec![denied(operation)]);
        let ran = desk
            .world
            .run(&["forget", "--json", "--aws", "--contact", GONE, "--yes"]);
        assert_eq!(ran.code, Some(1), "{operation}");
        assert!(ran.errors.contains(permission), "{}", ran.errors);
        assert_eq!(desk.world.tree(), before, "{operation}");
    }
    desk.world.faults(vec![]);
    let somebody_elses = ["RECORDINGS_BUCKET_OWNER", "999999999999"];
    let output = desk.world.callreel_with(
        &[somebody_elses],
        &["forget", "--aws", "--contact", GONE, "--yes"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(desk.world.tree(), before);
}
