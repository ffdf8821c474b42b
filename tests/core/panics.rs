//! A batch in which something panics, of ours or of a library's: the record that it is about
//! is parked or handed back, and those beside it come out as without it.

use crate::common::World;
use crate::common::edges::{Call, Faults};
use callreel::batches::{Batch, Settled};
use callreel::failure::{Failure, FailureKind};
use callreel::port::NoDeadline;
use callreel::synth::SynthCall;
use futures_executor::block_on;
use serde_json::{Value, json};

const BAD: &str = "11111111-bad";
const GOOD: &str = "22222222-good";

fn world() -> World {
    let call = |(number, contact): (u32, &str)| SynthCall {
        millis: 2_000,
        contact: contact.to_owned(),
        first_counter: u64::from(number) * 1_000,
        ..SynthCall::default()
    };
    World::of([(1, BAD), (2, GOOD)].map(call).to_vec())
}

/// A batch with both calls, the bad one first.
fn batch(world: &World) -> Value {
    let records = world.calls.iter().map(|call| {
        let mut event = call.event_json(&call.contact);
        event["Records"][0]["kinesis"]["sequenceNumber"] = json!(call.contact);
        event["Records"][0].take()
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

fn settled(batch: &Batch) -> Vec<&Settled> {
    batch
        .records
        .iter()
        .map(|handled| &handled.settled)
        .collect()
}

fn is_about_bad(call: Call<'_>) -> bool {
    let (Call::List(about)
    | Call::Fetch(about, _)
    | Call::KeptFor(about)
    | Call::FindVerdict(about)
    | Call::Begin(about)
    | Call::Write(about)
    | Call::Finish(about)
    | Call::PutVerdict(about)
    | Call::IsThere(about)
    | Call::ReadNotes(about)
    | Call::WriteNotes(about)) = call
    else {
        return false;
    };
    about.contains(BAD)
}

/// Each port panics at what is asked of it for the bad record.
#[test]
fn a_port_that_panics_harms_one_record() {
    type Is = fn(Call<'_>) -> bool;
    let ports: [(&str, Is); 6] = [
        ("list", |call| matches!(call, Call::List(_))),
        ("fetch", |call| matches!(call, Call::Fetch(..))),
        ("verdict", |call| matches!(call, Call::FindVerdict(_))),
        ("write", |call| matches!(call, Call::Write(_))),
        ("commit", |call| matches!(call, Call::PutVerdict(_))),
        ("attributes", |call| matches!(call, Call::WriteNotes(_))),
    ];
    for (name, is) in ports {
        let world = world();
        let function = world.function(Faults::at(move |call| {
            match is(call) && is_about_bad(call) {
                true => panic!("a library broke"),
                false => Ok(()),
            }
        }));
        let event = batch(&world);
        let batch = block_on(function.handle(&event, &NoDeadline, |_, _| ())).unwrap();
        assert_eq!(
            settled(&batch),
            [&Settled::Parked, &Settled::Done],
            "{name}"
        );
        let parked = function.parking.inner.take_parked();
        assert_eq!(parked.len(), 1, "{name}");
        assert!(parked[0].to_json().contains("a library broke"), "{name}");
        assert_eq!(world.attributes(GOOD).len(), 3, "{name}");
    }
}

/// What is asked only to tell more of a record is not known then, and that is all.
#[test]
fn a_stream_that_cannot_say_how_long_it_keeps_media_is_in_nobodys_way() {
    let world = world();
    let function = world.function(Faults::at(|call| match call {
        Call::KeptFor(_) => panic!("a library broke"),
        _ => Ok(()),
    }));
    let event = batch(&world);
    let batch = block_on(function.handle(&event, &NoDeadline, |_, _| ())).unwrap();
    assert_eq!(settled(&batch), [&Settled::Done, &Settled::Done]);
    assert!(
        batch
            .records
            .iter()
            .all(|handled| handled.expires.is_none())
    );
    assert_eq!(world.attributes(GOOD).len(), 3);
}

/// A record that should be parked, and the queue's client panics: it goes back.
#[test]
fn a_queue_that_panics_hands_the_record_back() {
    let world = world();
    let function = world.function(Faults::at(|call| match call {
        Call::List(stream) if stream.contains(BAD) => {
            Err(Failure::new(FailureKind::ReadDenied, stream, "not yours"))
        }
        Call::Park => panic!("a library broke"),
        _ => Ok(()),
    }));
    let event = batch(&world);
    let batch = block_on(function.handle(&event, &NoDeadline, |_, _| ())).unwrap();
    let Settled::NotParked(failure) = &batch.records[0].settled else {
        panic!("{:?}", batch.records[0].settled);
    };
    assert_eq!(failure.kind, FailureKind::Defect);
    assert!(failure.cause.ends_with("a library broke"), "{failure}");
    assert_eq!(batch.failures(), [BAD]);
    assert_eq!(world.attributes(GOOD).len(), 3);
}

/// Who is told of a part and panics takes nothing back.
#[test]
fn who_is_told_and_panics_is_in_nobodys_way() {
    let world = world();
    let function = world.function(Faults::default());
    let event = batch(&world);
    let told = |record: &callreel::event::batch::BatchRecord, _: &_| {
        assert!(record.item_id.as_deref() != Some(BAD), "a log broke");
    };
    let batch = block_on(function.handle(&event, &NoDeadline, told)).unwrap();
    assert_eq!(settled(&batch), [&Settled::Done, &Settled::Done]);
    assert_eq!(world.attributes(BAD).len(), 3);
    assert_eq!(world.attributes(GOOD).len(), 3);
}
