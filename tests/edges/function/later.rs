//! A record comes again with more: a later stop, another side, the URLs in its attributes.

use base64::Engine;

use super::*;

/// The call's event, by a record that is changed.
fn event(call: &SynthCall, change: impl Fn(&mut Value)) -> Value {
    let mut record = call.contact_record("one");
    change(&mut record);
    let mut event = call.event_json("one");
    let data = base64::engine::general_purpose::STANDARD.encode(record.to_string());
    event["Records"][0]["kinesis"]["data"] = json!(data);
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longer_and_wider_recording_takes_the_place_of_the_first() {
    let call = call("11111111-aaaa");
    let mut world = World::new(&[("one", &call)], &[]).await;
    let early = call.fragments().nth(4).unwrap().number;
    let first = event(&call, |record| {
        record["Recordings"][0]["FragmentStopNumber"] = json!(early);
        record["Attributes"]["recordingAuth"] = json!("1");
    });
    assert_eq!(world.invoke(first).await, none());
    let verdict = world.verdicts().remove(0);
    assert_eq!(
        (
            &verdict["status"],
            verdict["files"].as_array().unwrap().len()
        ),
        (&json!("complete"), 1)
    );

    // Our own attribute write brings it back, and by now it says more.
    let noted = world.attributes(&call.contact);
    let with_urls = |record: &mut Value| {
        for (name, value) in &noted {
            record["Attributes"][name] = json!(value);
        }
    };
    assert_eq!(world.invoke(event(&call, with_urls)).await, none());
    assert_eq!(world.verdicts().len(), 1);
    world.check_recorded(&call);

    // Where all URLs stand, its verdict is all that is looked at.
    let noted = world.attributes(&call.contact);
    let with_urls = |record: &mut Value| {
        for (name, value) in &noted {
            record["Attributes"][name] = json!(value);
        }
    };
    let before = world.sandbox.calls();
    assert_eq!(world.invoke(event(&call, with_urls)).await, none());
    let after = world.sandbox.calls();
    assert_eq!(after.count("GetObject"), before.count("GetObject") + 1);
    assert_eq!(after.calls.len(), before.calls.len() + 1);
    let skipped = world.logged("skipped");
    assert_eq!(skipped.last().unwrap()["reason"], "already recorded");
}
