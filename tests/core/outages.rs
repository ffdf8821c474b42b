//! Outages of hours in virtual time: the real function over edges that are down for a while,
//! a data stream that stands where a record is handed back, and a queue that times the next
//! tries, as the template sets them up. What comes out stands in docs/operations.md.

mod lambda;

use crate::common::outages::Service::{Connect, Kvs, S3, Sqs};
use crate::common::outages::{Aws, HOUR, MINUTE, Outage, SECOND, Service};
use futures_executor::block_on;
use lambda::{Lambda, Outcome, function, record};
use serde_json::json;

/// When an outage begins.
const BEGINS: i64 = 10 * MINUTE;

/// What happens: what is down, for how long, and how often a call ends from ten minutes
/// before it until half an hour after it.
struct Scenario {
    down: &'static [Service],
    millis: i64,
    every: i64,
    /// The call of which nothing ever comes.
    lost: Option<usize>,
}

impl Scenario {
    const fn of(down: &'static [Service], millis: i64) -> Self {
        Self {
            down,
            millis,
            every: 10 * SECOND,
            lost: None,
        }
    }

    fn play(&self) -> Outcome {
        let until = BEGINS + self.millis;
        let outages = self.down.iter().map(|service| Outage {
            service: *service,
            from: BEGINS,
            until,
        });
        let aws = Aws::new(outages.collect(), self.lost);
        let ends = until + 30 * MINUTE;
        let arrivals = (0..).map(|call| call * self.every);
        Lambda::new(aws).run(arrivals.take_while(|arrival| *arrival < ends))
    }
}

fn time(millis: i64) -> String {
    match millis {
        ..MINUTE => format!("{} s", millis / SECOND),
        MINUTE..HOUR => format!("{} min", (millis + MINUTE / 2) / MINUTE),
        _ => {
            let minutes = (millis + MINUTE / 2) / MINUTE;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// A row of the table in docs/operations.md.
fn row(words: &str, outcome: &Outcome) -> String {
    let Outcome {
        calls,
        recorded,
        late,
        in_stream,
        parked,
        dead,
        given_up,
    } = outcome;
    format!(
        "| {words} | {calls} | {recorded} | {} | {} | {parked} | {dead} | {given_up} |",
        time(*late),
        time(*in_stream)
    )
}

/// Lambda delivers what follows a record that goes back again with it.
#[test]
fn what_follows_a_record_that_goes_back_is_parked_once() {
    let outage = Outage {
        service: S3,
        from: 0,
        until: HOUR,
    };
    let aws = Aws::new(vec![outage], None);
    let mut unreadable = record(1, 0);
    unreadable["kinesis"]["data"] = "%".into();
    let event = json!({"Records": [record(0, 0), unreadable]});
    let check = |now, failures: &[&str], parked, stands_still| {
        aws.begin(now);
        let batch = block_on(function(&aws).handle(&event, &&aws, |_, _| ())).unwrap();
        assert_eq!(batch.failures(), failures, "at {now}");
        assert_eq!(batch.stands_still(), stands_still, "at {now}");
        assert_eq!(aws.take_parked().len(), parked, "at {now}");
    };
    check(SECOND, &["0", "1"], 0, true);
    check(50 * SECOND, &["0", "1"], 0, true);
    check(MINUTE, &[], 2, false);
}

#[test]
fn an_outage_of_hours_is_survived_unattended() {
    let docs = include_str!("../../docs/operations.md");
    let check = |words: &str, scenario: Scenario, expected: &str| {
        let row = row(words, &scenario.play());
        println!("{row}");
        let expected = format!("| {words} | {expected} |");
        let mut wrong = Vec::new();
        if row != expected {
            wrong.push(format!("expected {expected}\ncame out {row}"));
        }
        if !docs.contains(&row) {
            wrong.push(format!("not in docs/operations.md: {row}"));
        }
        wrong
    };
    let of = Scenario::of;
    let lost = Scenario {
        lost: Some(100),
        ..of(&[], HOUR)
    };
    let days = Scenario {
        every: 10 * MINUTE,
        ..of(&[S3], 30 * HOUR)
    };
    let wrong = [
        check(
            "nothing",
            of(&[], HOUR),
            "600 | 600 | 6 s | 6 s | 0 | 0 | 0",
        ),
        check(
            "S3, for 20 s",
            of(&[S3], 20 * SECOND),
            "242 | 242 | 27 s | 27 s | 0 | 0 | 0",
        ),
        check(
            "S3, for an hour",
            of(&[S3], HOUR),
            "600 | 600 | 1 h 46 min | 1 min | 355 | 0 | 0",
        ),
        check(
            "S3, for four hours",
            of(&[S3], 4 * HOUR),
            "1680 | 1680 | 4 h 46 min | 1 min | 1435 | 0 | 0",
        ),
        check(
            "Kinesis Video Streams, for an hour",
            of(&[Kvs], HOUR),
            "600 | 600 | 1 h 46 min | 1 min | 355 | 0 | 0",
        ),
        check(
            "Connect, for an hour",
            of(&[Connect], HOUR),
            "600 | 600 | 1 h 46 min | 1 min | 355 | 0 | 0",
        ),
        check(
            "S3 and SQS, for an hour",
            of(&[S3, Sqs], HOUR),
            "600 | 600 | 1 h 0 min | 1 h 0 min | 0 | 0 | 0",
        ),
        check(
            "nothing, but one call's media never comes",
            lost,
            "600 | 599 | 6 s | 6 s | 1 | 1 | 0",
        ),
        check(
            "S3, for 30 hours",
            days,
            "184 | 140 | 22 h 46 min | 1 min | 180 | 44 | 0",
        ),
    ];
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
