//! The AWS edges over the wire, the sandbox at the other end: what goes wrong there, and
//! that the recording is whole all the same.

mod legs;
mod listing;
mod wholeness;

use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use callreel::aws::{ConnectContacts, KvsSource, ParkingQueue, S3Recordings, kvs, s3};
use callreel::connect::record::read_contact_records;
use callreel::failure::parked::Parked;
use callreel::failure::{Action, Failure, FailureKind, KeyTrouble};
use callreel::media::wav;
use callreel::object_key::hex;
use callreel::port::{NewFile, NoDeadline, Recordings, Upload};
use callreel::recorder::{AttributesOutcome, Reading, Recorded, Recorder};
use callreel::recording::decide::{Decision, decide};
use callreel::recording::plan::{Policy, RecordingPlan};
use callreel::recording::verdict::Status;
use callreel::sandbox::{Effect, Faults, Quota, Rule, Sandbox, Settings};
use callreel::sha256;
use callreel::synth::SynthCall;

const BUCKET: &str = "calls";
const OWNER: &str = "111122223333";

struct World {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    shared: SdkConfig,
    plan: RecordingPlan,
}

impl World {
    async fn new(millis: u64) -> Self {
        Self::of(SynthCall {
            millis,
            ..SynthCall::default()
        })
        .await
    }

    async fn of(call: SynthCall) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stream = folder.path().join("streams/s");
        crate::put_stream(&stream, &call);
        let sandbox = Sandbox::start(Settings {
            streams: folder.path().join("streams"),
            data: folder.path().join("data"),
            bucket_owner: Some(OWNER.to_owned()),
            ..Settings::default()
        });
        let sandbox = sandbox.await.unwrap();
        let shared = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(sandbox.url())
            .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
            .load()
            .await;
        let record = call.contact_record("s").to_string();
        let record = read_contact_records(record.as_bytes()).remove(0).unwrap();
        let plan = match decide(&record, &policy()).remove(0) {
            Decision::Record(plan) => *plan,
            Decision::Skip(reason) => panic!("{reason}"),
        };
        Self {
            folder,
            sandbox,
            shared,
            plan,
        }
    }

    async fn with(millis: u64, rules: Vec<Rule>) -> Self {
        let world = Self::new(millis).await;
        world.faults(rules);
        world
    }

    fn faults(&self, rules: Vec<Rule>) {
        self.sandbox.set_faults(Faults {
            rules,
            quota: Quota {
                fragments_per_second: Some(500),
                connections: Some(5),
                ..Quota::default()
            },
        });
    }

    fn store(&self) -> S3Recordings {
        self.store_of(None)
    }

    fn store_of(&self, owner: Option<&str>) -> S3Recordings {
        let bucket = s3::Bucket {
            name: BUCKET.into(),
            kms_key: None,
            tags: vec![("team".into(), "voice".into())],
            owner: owner.map(str::to_owned),
        };
        S3Recordings::new(&self.shared, bucket)
    }

    fn recorder(&self) -> Recorder<KvsSource, S3Recordings, ConnectContacts> {
        let reading = Reading::default();
        let limits = kvs::Limits {
            connections: reading.requests_at_once,
        };
        Recorder {
            source: KvsSource::new(&self.shared, limits),
            store: self.store(),
            attributes: ConnectContacts::new(&self.shared, 10),
            policy: policy(),
            reading,
        }
    }

    async fn record(&self) -> Result<Recorded, Failure> {
        let recorder = self.recorder();
        let recorded = recorder.record(&self.plan, &NoDeadline, |_| ()).await;
        recorder.store.aborts_ended().await;
        recorded
    }

    fn object(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.folder.path().join("data/buckets").join(BUCKET);
        std::fs::read(path.join(key)).ok()
    }

    fn calls(&self, operation: &str) -> u64 {
        self.sandbox.calls().count(operation)
    }

    /// Calls that were answered by a scripted effect or with this status.
    fn answered(&self, status: u16) -> usize {
        let calls = self.sandbox.calls().calls.into_iter();
        calls.filter(|call| call.status == status).count()
    }

    /// The recording went well, and S3 holds what the verdict says.
    #[track_caller]
    fn check(&self, recorded: Result<Recorded, Failure>) -> Recorded {
        let recorded = recorded.unwrap();
        assert_eq!(
            recorded.verdict.status,
            Status::Complete,
            "{:?}",
            recorded.verdict.reasons
        );
        assert_eq!(recorded.verdict.files.len(), 3);
        for file in &recorded.verdict.files {
            let bytes = self.object(&file.key).unwrap();
            assert_eq!(bytes.len() as u64, file.bytes);
            let sha256 = (file.kind != "mixed").then(|| hex(sha256::of(&bytes[44..])));
            assert_eq!(sha256, file.samples_sha256, "{}", file.key);
        }
        recorded
    }
}

fn policy() -> Policy {
    Policy::new("recordings/", "https://d.example/")
}

fn status(code: u16, error: &str) -> Effect {
    Effect::Status {
        code,
        error: error.into(),
    }
}

fn always(on: &str, effect: Effect) -> Rule {
    Rule {
        times: None,
        ..Rule::once(on, effect)
    }
}

/// Longer than one part: the mono files, too.
const LONG: u64 = 400_000;
/// The mix alone is longer than one part.
const LONG_MIX: u64 = 180_000;
const SHORT: u64 = 8_000;

#[tokio::test]
async fn a_short_call_is_one_object_a_file() {
    let world = World::new(SHORT).await;
    let recorded = world.check(world.record().await);
    assert_eq!(
        (recorded.found, recorded.attributes),
        (false, AttributesOutcome::Written)
    );
    assert_eq!(world.calls("CreateMultipartUpload"), 0);
    let again = world.check(world.record().await);
    assert_eq!(
        (again.found, again.attributes),
        (true, AttributesOutcome::Unchanged)
    );
}

/// Another leg can write while an answer is on its way, and look before ours is written.
#[tokio::test]
async fn attributes_that_came_late_are_read_again_before_they_are_written() {
    for (slow, expected) in [(0, 1), (1, 2), (9, 2)] {
        let rule = Rule {
            times: Some(slow),
            ..Rule::once("GetContactAttributes", Effect::DelayMs(800))
        };
        let world = World::with(SHORT, vec![rule]).await;
        let recorded = world.check(world.record().await);
        assert_eq!(recorded.attributes, AttributesOutcome::Written);
        assert_eq!(world.calls("GetContactAttributes"), expected, "{slow}");
    }
}

#[tokio::test]
async fn a_long_call_comes_in_parts_under_the_quotas() {
    let world = World::with(LONG, vec![]).await;
    world.check(world.record().await);
    assert_eq!(world.answered(400), 0, "no quota was met");
    assert!(world.sandbox.calls().peak_connections <= 3);
    // The verdict got lost: the same files are there already, in parts and all.
    let verdict = world.plan.keys.verdict();
    let path = world.folder.path().join("data/buckets").join(BUCKET);
    std::fs::remove_file(path.join(verdict)).unwrap();
    assert!(!world.check(world.record().await).found);
}

/// Each fault by itself, on a short call and on a long one.
#[tokio::test]
async fn faults_that_pass_leave_no_trace() {
    let rules = [
        Rule::once("ListFragments", Effect::DropStop),
        Rule::once("ListFragments", status(400, "ClientLimitExceededException")),
        Rule::once(
            "GetDataEndpoint",
            status(400, "ClientLimitExceededException"),
        ),
        Rule::once(
            "GetMediaForFragmentList",
            status(400, "ClientLimitExceededException"),
        ),
        Rule::once(
            "GetMediaForFragmentList",
            status(400, "ConnectionLimitExceededException"),
        ),
        Rule::once("GetMediaForFragmentList", status(503, "ServiceUnavailable")),
        Rule::once("GetMediaForFragmentList", Effect::Reset),
        Rule::once("GetMediaForFragmentList", Effect::CutAfterBytes(70_000)),
        Rule::once("GetMediaForFragmentList", Effect::EndAfterBytes(70_000)),
        Rule::once("GetMediaForFragmentList", Effect::Shuffle),
        Rule::once(
            "GetMediaForFragmentList",
            Effect::ErrorDocument {
                id: 3000,
                code: "FRAGMENT_NOT_FOUND".into(),
                at: vec![0, 2],
            },
        ),
        // Done, and nobody is told: the retry finds its own object there.
        Rule::once("PutObject", Effect::CutAfterBytes(0)),
        Rule {
            containing: Some("_verdict".into()),
            ..Rule::once("PutObject", Effect::CutAfterBytes(0))
        },
        Rule::once("PutObject", status(503, "SlowDown")),
        Rule::once("PutObject", status(409, "ConditionalRequestConflict")),
        Rule::once(
            "UpdateContactAttributes",
            status(429, "TooManyRequestsException"),
        ),
        Rule::once("GetContactAttributes", Effect::Reset),
    ];
    for rule in rules {
        let world = World::with(SHORT, vec![rule.clone()]).await;
        eprintln!("{rule:?}");
        let recorded = world.check(world.record().await);
        assert_eq!(recorded.attributes, AttributesOutcome::Written, "{rule:?}");
    }
}

#[tokio::test]
async fn faults_of_parts_leave_no_trace() {
    for rule in [
        Rule::once("UploadPart", Effect::Reset),
        Rule::once("UploadPart", status(503, "SlowDown")),
        Rule::once("CreateMultipartUpload", status(500, "InternalError")),
        Rule::once("CompleteMultipartUpload", status(500, "InternalError")),
        // Done, and nobody is told: the retry finds its own object there, and no upload.
        Rule::once("CompleteMultipartUpload", Effect::CutAfterBytes(0)),
        Rule::once("GetObject", Effect::CutAfterBytes(100)),
    ] {
        let world = World::with(LONG, vec![rule.clone()]).await;
        eprintln!("{rule:?}");
        world.check(world.record().await);
    }
}

/// What ends the recording, its kind, and that one more delivery is whole.
#[tokio::test]
async fn faults_that_stay_are_told_by_their_kind() {
    let key = Effect::ErrorDocument {
        id: 4501,
        code: "KMS_KEY_DISABLED".into(),
        at: vec![1],
    };
    let denied = FailureKind::Denied("kinesisvideo:ListFragments on the stream");
    for (rule, kind, action) in [
        (
            always("GetMediaForFragmentList", key),
            FailureKind::Key(KeyTrouble::Disabled),
            Action::Park,
        ),
        (
            always("ListFragments", status(403, "NotAuthorizedException")),
            denied,
            Action::Park,
        ),
        (
            always("GetDataEndpoint", status(404, "ResourceNotFoundException")),
            FailureKind::StreamMissing,
            Action::Park,
        ),
        (
            always("PutObject", status(503, "SlowDown")),
            FailureKind::Throttled,
            Action::Retry,
        ),
        (
            always("PutObject", status(404, "NoSuchBucket")),
            FailureKind::BucketMissing,
            Action::Park,
        ),
        (
            always("GetObject", status(403, "InvalidObjectState")),
            FailureKind::Archived,
            Action::Park,
        ),
    ] {
        let world = World::with(SHORT, vec![rule.clone()]).await;
        let failure = world.record().await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.action()),
            (kind, action),
            "{failure}"
        );
        world.faults(vec![]);
        assert!(!world.check(world.record().await).found);
    }
}

#[tokio::test]
async fn an_error_within_a_success_leaves_no_trace() {
    for error in [
        "InternalError",
        "ServiceUnavailable",
        "SlowDown",
        "PreconditionFailed",
    ] {
        let rule = Rule::once("CompleteMultipartUpload", status(200, error));
        let world = World::with(LONG_MIX, vec![rule]).await;
        world.check(world.record().await);
    }
}

#[tokio::test]
async fn an_error_that_stays_within_a_success_is_tried_again_later() {
    for error in ["InternalError", "SomethingNew"] {
        let rule = always("CompleteMultipartUpload", status(200, error));
        let world = World::with(LONG_MIX, vec![rule]).await;
        let failure = world.record().await.unwrap_err();
        let told = (failure.kind, failure.action());
        let expected = (FailureKind::Unavailable, Action::Retry);
        assert_eq!(told, expected, "{failure}");
        assert!(failure.cause.contains(error), "{failure}");
        world.faults(vec![]);
        world.check(world.record().await);
    }
}

/// Both regions are named, whichever way S3 tells them.
#[tokio::test]
async fn a_bucket_of_another_region_is_told_with_both() {
    let answer = |code, body: &str| Effect::Answer {
        code,
        headers: [("x-amz-bucket-region".to_owned(), "eu-west-1".to_owned())].into(),
        body: body.to_owned(),
    };
    let error = |code| format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
    for effect in [
        answer(301, &error("PermanentRedirect")),
        answer(301, ""),
        answer(400, &error("AuthorizationHeaderMalformed")),
    ] {
        let world = World::with(SHORT, vec![always("GetObject", effect)]).await;
        let failure = world.record().await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::WrongRegion, "{failure}");
        let both = "the bucket is in eu-west-1, and was asked for in us-east-1";
        assert!(failure.cause.contains(both), "{failure}");
        assert!(failure.to_string().contains("REGION"), "{failure}");
    }
}

#[tokio::test]
async fn nobody_elses_bucket_is_written_to_or_read() {
    let arn = |account| format!("arn:aws:lambda:us-east-1:{account}:function:recorder");
    for (millis, told, runs_in, ends_well) in [
        (SHORT, None, OWNER, true),
        (LONG_MIX, Some(OWNER), "999999999999", true),
        (SHORT, None, "999999999999", false),
        (SHORT, Some("999999999999"), OWNER, false),
    ] {
        let world = World::new(millis).await;
        let mut recorder = world.recorder();
        recorder.store = world.store_of(told);
        recorder.store.runs_in(&arn(runs_in));
        let recorded = recorder.record(&world.plan, &NoDeadline, |_| ()).await;
        if ends_well {
            world.check(recorded);
            continue;
        }
        let failure = recorded.unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Denied(_)), "{failure}");
        let named = "the bucket must be account 999999999999's";
        assert!(failure.cause.contains(named), "{failure}");
        assert_eq!(world.answered(200), 0, "nothing was read or written");
    }
}

#[tokio::test]
async fn an_upload_that_fails_or_is_dropped_is_aborted() {
    let refused = always("CompleteMultipartUpload", status(403, "AccessDenied"));
    let world = World::with(LONG, vec![refused]).await;
    let failure = world.record().await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Denied(_)), "{failure}");
    let (begun, aborted) = (
        world.calls("CreateMultipartUpload"),
        world.calls("AbortMultipartUpload"),
    );
    assert_eq!(
        (begun, aborted),
        (3, 3),
        "each file has an upload, and aborts it"
    );

    let world = World::new(SHORT).await;
    let store = world.store();
    let mut upload = store.begin(NewFile::wav("k.wav", "c")).await.unwrap();
    let bytes = vec![1; 3 * s3::PART_BYTES];
    upload.write(bytes.into()).await.unwrap();
    drop(upload);
    store.aborts_ended().await;
    assert_eq!(world.calls("AbortMultipartUpload"), 1);
    assert_eq!(world.object("k.wav"), None);
}

/// Parts of one contact that S3 is long in storing keep no other one's file waiting.
#[tokio::test]
async fn no_contact_waits_for_another_ones_parts() {
    let slow = Rule {
        containing: Some("slow.wav".to_owned()),
        ..Rule::always("UploadPart", Effect::DelayMs(120_000))
    };
    let world = World::with(SHORT, vec![slow]).await;
    let store = world.store();
    // One part is held back, and as many as there is room for are on their way.
    let parts = vec![1; (1 + s3::PARTS_IN_FLIGHT) * s3::PART_BYTES];
    let mut slow = store.begin(NewFile::wav("slow.wav", "one")).await.unwrap();
    slow.write(parts.clone().into()).await.unwrap();
    let quick = async {
        let file = NewFile::wav("quick.wav", "another");
        let mut quick = store.begin(file).await?;
        quick.write(parts.into()).await?;
        quick.finish(vec![0; wav::HEADER_BYTES].into()).await
    };
    let quick = tokio::time::timeout(Duration::from_secs(60), quick);
    quick.await.expect("it waits for the other").unwrap();
    slow.abort().await;
}

#[tokio::test]
async fn a_silent_body_is_given_up_and_asked_for_again() {
    let stall = Effect::StallAfterBytes {
        bytes: 70_000,
        seconds: 60.0,
    };
    let world = World::with(SHORT, vec![Rule::once("GetMediaForFragmentList", stall)]).await;
    let started = Instant::now();
    world.check(world.record().await);
    assert!(started.elapsed() >= kvs::BODY_STALL, "it was waited for");
    // Waited for to its end, it would have come whole, and nobody would have asked again.
    assert_eq!(world.calls("GetMediaForFragmentList"), 2);
}

/// Two deliveries at once, on the wire.
#[tokio::test]
async fn two_deliveries_at_once_end_with_one_verdict() {
    for millis in [SHORT, LONG] {
        let world = World::new(millis).await;
        let (one, two) = tokio::join!(world.record(), world.record());
        // The delivery that lost its file to the other is handed back.
        let whole = [one, two].into_iter().filter_map(Result::ok).count();
        assert!(whole > 0);
        world.check(world.record().await);
    }
}

#[tokio::test]
async fn a_parked_record_reaches_its_queue() {
    let world = World::new(SHORT).await;
    let url = format!("{}/111122223333/retry", world.sandbox.url());
    let failure = Failure::new(FailureKind::Key(KeyTrouble::Disabled), "s", "4501");
    let parked = Parked::new(b"{}", Some("c"), &failure, None);
    ParkingQueue::new(&world.shared, &url)
        .park(&parked)
        .await
        .unwrap();
    assert_eq!(world.calls("SendMessage"), 1);
}
