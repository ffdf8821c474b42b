//! Two legs of a call that end in two executions at the same moment: both add their URLs to
//! the same attributes, and none is lost.

use callreel::local::{LocalRecordings, LocalStreams};

use super::*;

/// An execution of the function, as far as attributes go: clients and paces of its own.
fn execution(
    world: &World,
    name: &str,
) -> Recorder<LocalStreams, LocalRecordings, ConnectContacts> {
    Recorder {
        source: LocalStreams::new(world.folder.path().join("streams")),
        store: LocalRecordings::new(world.folder.path().join(name)),
        // As many as it likes: what is tried here is not the pace.
        attributes: ConnectContacts::new(&world.shared, 100_000),
        policy: policy(),
        reading: Reading::default(),
    }
}

/// The plans of a call's two legs, as their records tell them.
fn legs(call: &SynthCall, at: usize) -> [Box<RecordingPlan>; 2] {
    let (first, second) = (format!("{at:08}-first"), format!("{at:08}-second"));
    let mut one = call.contact_record("s");
    one["ContactId"] = first.clone().into();
    one["NextContactId"] = second.clone().into();
    one["Recordings"][0]["Location"] = "arn:aws:kinesisvideo:us-east-1:1:stream/s/1".into();
    let mut two = one.clone();
    two["ContactId"] = second.into();
    two["InitialContactId"] = first.clone().into();
    two["PreviousContactId"] = first.into();
    two["NextContactId"] = serde_json::Value::Null;
    [one, two].map(|record| {
        let record = record.to_string();
        let record = read_contact_records(record.as_bytes()).remove(0).unwrap();
        match decide(&record, &policy()).remove(0) {
            Decision::Record(mut plan) => {
                // Both legs may record the one call that there is.
                plan.claim.contacts.push(call.contact.as_str().into());
                plan
            }
            Decision::Skip(reason) => panic!("{reason}"),
        }
    })
}

/// Records, and once more each time that Connect did not answer in time, as a stream delivers
/// again: on a busy machine it may not.
async fn deliver(
    execution: &Recorder<LocalStreams, LocalRecordings, ConnectContacts>,
    plan: &RecordingPlan,
) {
    loop {
        let recorded = execution.record(plan, &NoDeadline, |_| ()).await.unwrap();
        match recorded.attributes {
            AttributesOutcome::Written | AttributesOutcome::Unchanged => return,
            AttributesOutcome::Failed(failure) => {
                assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Whether the legs know of each other.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Yes,
    No,
}

/// Calls whose legs end together, with so much time between a read and the write behind it;
/// how many URLs stand on the contacts in the end.
async fn record_both(calls: usize, between: Duration, known: Known) -> usize {
    let call = SynthCall {
        millis: 2_000,
        ..SynthCall::default()
    };
    let world = World::of(call.clone()).await;
    let millis = u64::try_from(between.as_millis()).unwrap();
    world.faults(vec![always(
        "UpdateContactAttributes",
        Effect::DelayMs(millis),
    )]);
    let executions = ["one", "two"].map(|name| execution(&world, name));
    let mut plans: Vec<_> = (0..calls).map(|at| legs(&call, at)).collect();
    for plan in plans.iter_mut().flatten() {
        assert!(plan.has_siblings, "each record names the other leg");
        plan.has_siblings = known == Known::Yes;
    }
    let recorded = plans.iter().flat_map(|legs| {
        let pairs = executions.iter().zip(legs);
        pairs.map(|(execution, plan)| deliver(execution, plan))
    });
    futures_util::future::join_all(recorded).await;
    let contacts = std::fs::read(world.folder.path().join("data/contacts.json")).unwrap();
    let contacts: serde_json::Value = serde_json::from_slice(&contacts).unwrap();
    let values = contacts.as_object().unwrap().values();
    let urls = values.flat_map(|attributes| attributes.as_object().unwrap().values());
    urls.map(|value| value.as_str().unwrap().matches("https://").count())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_url_is_lost_between_two_legs() {
    const CALLS: usize = 70;
    for between in [20, 50, 200] {
        let urls = record_both(CALLS, Duration::from_millis(between), Known::Yes).await;
        assert_eq!(urls, CALLS * 2 * 3, "{between} ms between read and write");
    }
}

/// The test above can fail: legs that do not look again lose URLs.
#[tokio::test(flavor = "multi_thread")]
async fn without_looking_again_urls_are_lost() {
    const CALLS: usize = 20;
    let urls = record_both(CALLS, Duration::from_millis(200), Known::No).await;
    assert!(urls < CALLS * 2 * 3, "{urls} of {}", CALLS * 2 * 3);
    eprintln!("{urls} of {} URLs stand on the contacts", CALLS * 2 * 3);
}
