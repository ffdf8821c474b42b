use super::*;
use crate::recording::parties::Parties;
use proptest::prelude::*;

const DAY: &str = "2026-11-27";

fn row(name: &str, written: i64, json: &str) -> Row {
    let read = Read {
        name,
        day: DAY.parse().ok(),
        written: EpochMillis(written),
        at: EpochMillis(10_000),
    };
    Row::of_verdict(&read, Ok(json.as_bytes()))
}

/// A verdict of version 3, with the fields that it had.
fn old_verdict() -> String {
    serde_json::json!({
        "schema": "callreel.verdict/3", "callreel": "0.2.0", "status": "partial",
        "reasons": [{"code": "fragments_missing", "detail": "…"}],
        "recording": {"contact_id": "c", "initial_contact_id": "c0", "instance_id": null, "stream": "s",
            "start_fragment": "1", "stop_fragment": "9", "authorised": ["from", "to"]},
        "span": {"sample_rate": 8000, "samples": 16000, "seconds": 2.0, "starts_at": "2026-11-27T08:00:00Z",
            "ends_at": null, "media_start_millis": null, "record_starts_at": "2026-11-27T07:59:00Z", "record_stops_at": null},
        "fragments": {"asked": 3, "received": 2, "own": 2, "missing": 1, "missing_list": [], "damaged": 0,
            "damage_list": [], "refused": {"foreign": 0, "untagged": 0, "conflicting": 0, "out_of_range": 0,
            "unnumbered": 0, "unasked": 0, "foreign_contacts": []}},
        "sides": {"from": null, "to": null},
        "one_way_audio": false, "clock_breaks": 0,
        "files": [{"kind": "from", "key": "k", "url": "u", "bytes": 32044}],
    })
    .to_string()
}

#[test]
fn older_verdicts_become_rows() {
    let row = row("c_1_verdict.json", 5, &old_verdict());
    assert_eq!(row.status, "partial");
    assert_eq!((&*row.contact_id, &*row.initial_contact_id), ("c", "c0"));
    assert_eq!(row.starts_at.as_deref(), Some("2026-11-27T08:00:00Z"));
    assert_eq!(row.reasons, ["fragments_missing"]);
    assert_eq!(
        (row.missing_fragments, row.fragments, row.bytes),
        (1, 2, 32_044)
    );
    assert_eq!(row.lost_seconds, 0.667);
    assert_eq!((row.customer, row.from_share), (None, None));
}

#[test]
fn newer_ones_say_who_and_how_much() {
    let mut verdict = Verdict::from_json(old_verdict().as_bytes()).unwrap();
    verdict.call = Some(Parties {
        customer: Some("+4930123".into()),
        queue: Some("Sales".into()),
        agent: Some("jo".into()),
        ..Parties::default()
    });
    verdict.sound = Some(SoundFigures {
        from_share: Some(0.25),
        ..SoundFigures::default()
    });
    verdict.sides.from = Some(crate::recording::verdict::Side {
        audio_samples: 16_000,
        peak: 20_000,
        ..Default::default()
    });
    let row = row(
        "c_1_verdict.json",
        5,
        &String::from_utf8(verdict.to_json()).unwrap(),
    );
    assert_eq!(row.customer.as_deref(), Some("+4930123"));
    assert_eq!(
        (row.queue.as_deref(), row.agent.as_deref()),
        (Some("Sales"), Some("jo"))
    );
    assert_eq!(row.from_share, Some(0.25));
    assert_eq!(row.silent_sides, ["to"]);
    // A line for each, and back.
    let rows = vec![row];
    let index = to_index(&rows);
    assert_eq!(index.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(from_index(&index), rows);
}

#[test]
fn what_cannot_be_read_is_a_row_that_says_so() {
    for json in [
        "",
        "{",
        "[]",
        "null",
        "\u{0}",
        "{\"schema\": \"callreel.verdict/4\"}",
    ] {
        let row = row("8d1c-2a_9134_verdict.json", 5, json);
        assert_eq!((&*row.status, &*row.contact_id), (UNREADABLE, "8d1c-2a"));
        assert_eq!(row.starts_at.as_deref(), Some("2026-11-27T00:00:00Z"));
        assert!(
            row.problem.unwrap().starts_with("it is no verdict: "),
            "{json}"
        );
    }
    let read = Read {
        name: "odd",
        day: None,
        written: EpochMillis(0),
        at: EpochMillis(0),
    };
    let row = Row::of_verdict(&read, Err("it is archived".to_owned()));
    assert_eq!(row.problem.as_deref(), Some("it is archived"));
    assert_eq!((&*row.contact_id, row.started()), ("odd", i64::MIN));
}

#[test]
fn an_index_is_brought_up_to_date_by_what_changed() {
    #[track_caller]
    fn check(index: &[(&str, i64)], there: &[(&str, i64)], to_read: &[&str], has_more: bool) {
        let rows = index.iter().map(|(name, written)| Row {
            verdict: (*name).to_owned(),
            written: *written,
            ..Row::default()
        });
        let there = there
            .iter()
            .map(|(name, written)| ((*name).to_owned(), EpochMillis(*written)));
        let changes = Changes::between(rows.collect(), there);
        let names: Vec<_> = changes.to_read.iter().map(|(name, _)| &**name).collect();
        assert_eq!((&names[..], changes.has_more), (to_read, has_more));
        assert_eq!(changes.is_none(), to_read.is_empty() && !has_more);
    }
    check(&[], &[], &[], false);
    check(&[("a", 1)], &[("a", 1)], &[], false);
    check(&[("a", 1)], &[("a", 2)], &["a"], false);
    check(&[("a", 0)], &[("a", 7)], &["a"], false);
    check(&[], &[("a", 7), ("b", 8)], &["a", "b"], false);
    check(&[("a", 1)], &[], &[], true);
    check(&[("a", 1), ("a", 1)], &[("a", 1)], &[], true);
    // Read within the second in which it was written, it is read again.
    assert_eq!(row("c_1_verdict.json", 9_000, "{}").written, 0);
    assert_eq!(row("c_1_verdict.json", 7_000, "{}").written, 7_000);
}

#[test]
fn lines_that_are_none_are_passed_over() {
    let index =
        b"{\"verdict\":\"a\",\"written\":1,\"status\":\"complete\"}\nnonsense\n\n{\"verdict\":2}\n";
    let rows = from_index(index);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].verdict, "a");
}

proptest! {
    #[test]
    fn any_bytes_are_a_row(json in prop::collection::vec(any::<u8>(), 0..300), name in ".{0,40}") {
        let read = Read { name: &name, day: None, written: EpochMillis(1), at: EpochMillis(9_999) };
        let row = Row::of_verdict(&read, Ok(&json));
        prop_assert_eq!(from_index(&to_index(std::slice::from_ref(&row))), vec![row]);
    }
}

#[test]
fn an_index_has_its_place() {
    let day = "rec/index/day=2026-11-27/recordings.ndjson";
    assert_eq!(index_key("rec/2026/11/27/"), day);
    assert_eq!(index_key("2026/11/27/"), &day["rec/".len()..]);
    assert_eq!(index_key("rec/undated/"), "rec/undated/_index.ndjson");
    assert_eq!(index_key(""), "_index.ndjson");
}
