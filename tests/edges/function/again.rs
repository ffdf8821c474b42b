//! The function `again` of the same binary: partial is not the end.

use super::*;

const HOUR: i64 = 3_600_000;

/// A call that began so many hours ago; its stream keeps media for 24.
fn call_of(hours_ago: i64, contact: &str) -> SynthCall {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    SynthCall {
        start_epoch_millis: now.unwrap().as_millis() as i64 - hours_ago * HOUR,
        ..call(contact)
    }
}

/// The first fragment of every request is not found, also where it is asked for alone.
fn not_found() -> Vec<Rule> {
    let effect = Effect::ErrorDocument {
        id: 3000,
        code: "FRAGMENT_NOT_FOUND".to_owned(),
        at: vec![0],
    };
    vec![Rule::always(MEDIA, effect)]
}

const MEDIA: &str = "GetMediaForFragmentList";

impl World {
    /// Starts the same binary as another function.
    async fn restart_as(&mut self, handler: &str) {
        self.settings.retain(|(name, _)| name != "_HANDLER");
        self.settings
            .push(("_HANDLER".to_owned(), handler.to_owned()));
        self.kill_and_restart().await;
    }

    /// What a run says; the schedule's event is no batch.
    async fn run_again(&mut self) -> Value {
        let event = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
        self.send(event, LONG).await;
        let (succeeded, answer) = self.answer().await;
        assert!(succeeded, "{answer}");
        answer
    }

    fn metrics(&self, name: &str) -> usize {
        let log = self.log();
        log.iter().filter(|line| line[name].is_number()).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_found_is_read_again_until_it_is_complete() {
    let call = call_of(1, "11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[]).await;
    world.faults(not_found());
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    assert_eq!(world.verdicts()[0]["status"], "partial");
    let noted = world.attributes(&call.contact);

    world.restart_as("again").await;
    for _ in 0..2 {
        world.faults(not_found());
        let before = world.objects();
        let ran = world.run_again().await;
        assert_eq!((&ran["read_again"], &ran["open"]), (&json!(0), &json!(1)));
        let mut after = world.objects();
        // The register alone is new.
        let register = after.remove("recordings/again.json").unwrap();
        let mut before = before;
        before.remove("recordings/again.json");
        assert_eq!(after, before);
        let register: Value = serde_json::from_slice(&register).unwrap();
        assert_eq!(register["schema"], "callreel.again/1");
        assert_eq!(register["open"].as_array().unwrap().len(), 1);
    }
    assert_eq!(world.logged("still not complete").len(), 2);
    world.faults(vec![]);
    let ran = world.run_again().await;
    assert_eq!((&ran["done"], &ran["open"]), (&json!(1), &json!(0)));
    assert_eq!(world.verdicts()[0]["status"], "complete");
    world.check_recorded(&call);
    assert_eq!(world.attributes(&call.contact), noted, "the same URLs");
    // What is complete is looked at no more than once, and not read.
    let asked = world.sandbox.calls().count(MEDIA);
    let ran = world.run_again().await;
    assert_eq!((&ran["read_again"], &ran["open"]), (&json!(0), &json!(0)));
    assert_eq!(world.sandbox.calls().count(MEDIA), asked);
    assert_eq!(world.metrics("StayedPartial"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_kept_is_told_once_and_not_read_again() {
    let call = call_of(30, "11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[("MEDIA_RETENTION_HOURS", "24")]).await;
    world.faults(not_found());
    assert_eq!(world.invoke(call.event_json("one")).await, none());
    world.faults(vec![]);
    let asked = world.sandbox.calls().count(MEDIA);
    world.restart_as("again").await;
    for given_up in [1, 0, 0] {
        let ran = world.run_again().await;
        assert_eq!(ran["given_up"], given_up);
        assert_eq!((&ran["read_again"], &ran["open"]), (&json!(0), &json!(0)));
        assert_eq!(world.metrics("StayedPartial"), 1);
    }
    assert_eq!(world.sandbox.calls().count(MEDIA), asked);
    let told = world.logged("stayed partial");
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["level"], &told[0]["contact"]),
        (&json!("ERROR"), &json!(call.contact))
    );
    let verdict = &world.verdicts()[0];
    assert_eq!(verdict["status"], "partial");
    assert!(verdict["gave_up_at"].is_string(), "{verdict}");
    let log = world.log();
    let line = log
        .iter()
        .find(|line| line["StayedPartial"].is_number())
        .unwrap();
    assert_eq!(
        line["_aws"]["CloudWatchMetrics"][0]["Namespace"],
        "Callreel"
    );
    assert_eq!(
        (&line["Function"], &line["Status"]),
        (&json!("recorder"), &json!("partial"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_may_not_list_fails_and_says_so() {
    let call = call_of(1, "11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[("_HANDLER", "again")]).await;
    let refused = Effect::Status {
        code: 403,
        error: "AccessDenied".to_owned(),
    };
    world.faults(vec![Rule::always("ListObjectsV2", refused)]);
    world.send(json!({}), Duration::from_secs(20)).await;
    let (succeeded, answer) = world.answer().await;
    assert!(!succeeded);
    assert_eq!(answer["errorType"], "Callreel.Again");
    let message = answer["errorMessage"].as_str().unwrap();
    assert!(message.contains("s3:ListBucket"), "{message}");
}

#[test]
fn an_unknown_handler_fails_at_start_and_lists_those_there_are() {
    let output = Command::new(env!("CARGO_BIN_EXE_recorder"))
        .env_clear()
        .env("_HANDLER", "transcribe")
        .env("AWS_REGION", "us-east-1")
        .env("RECORDINGS_BUCKET_NAME", BUCKET)
        .env("CLOUDFRONT_DOMAIN", DOMAIN)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error.lines().count(), 1, "{error}");
    for told in ["transcribe", "record, again"] {
        assert!(error.contains(told), "{error}");
    }
}
