use super::*;
use proptest::prelude::*;

fn row(name: &str, starts_at: &str) -> Row {
    let text = |text: &str| Some(text.to_owned());
    Row {
        verdict: name.to_owned(),
        status: "complete".to_owned(),
        contact_id: "8d1c-2a".to_owned(),
        initial_contact_id: "77aa".to_owned(),
        starts_at: text(starts_at),
        seconds: 90.0,
        customer: text("+49 (30) 1234"),
        system: text("+1800555"),
        queue: text("Basic Sales"),
        queue_id: text("q-1"),
        agent: text("Zoë"),
        agent_id: text("a-1"),
        ..Row::default()
    }
}

fn query(pairs: &[(&str, &str)]) -> Query {
    Query::from_pairs(pairs.iter().copied()).unwrap()
}

#[test]
fn what_is_looked_for() {
    #[track_caller]
    fn check(name: &str, value: &str, expected: bool) {
        let row = row("a", "2026-11-27T08:00:00Z");
        assert_eq!(
            query(&[(name, value)]).matches(&Hit::new("", &row)),
            expected,
            "{name}={value}"
        );
    }
    check("contact", "8D1C", true);
    check("contact", "77aa", true);
    check("contact", "1c", false);
    check("contact", "8d1c-2a-more", false);
    for (number, expected) in [
        ("+49301234", true),
        ("030 1234", true),
        ("(030) 12-34", true),
        ("1800555", true),
        ("0049301234", true),
        ("4930124", false),
        ("anonymous", false),
        ("0", true),
        ("000", false),
    ] {
        check("number", number, expected);
    }
    check("queue", "sales", true);
    check("queue", "q-1", true);
    check("queue", "q-", false);
    check("agent", "zOË", true);
    check("agent", "a-1", true);
    check("status", "complete,partial", true);
    check("status", "failed", false);
    check("silent", "any", false);
    check("longer", "90", true);
    check("longer", "90.5", false);
    check("shorter", "90", true);
    check("from", "2026-11-27", true);
    check("from", "2026-11-27T09:00:00+01:00", true);
    check("from", "2026-11-27T08:00:00.001Z", false);
    check("to", "2026-11-27T08:00:00Z", false);
    check("to", "2026-11-28", true);
    check("unknown", "x", true);
    check("queue", "  ", true);
}

/// A day west of Greenwich begins when UTC's is some hours old: what is known to be of that day,
/// and no more, is of it all the same.
#[test]
fn what_has_a_day_alone_is_of_every_day_that_it_may_be_of() {
    #[track_caller]
    fn check(starts_at: &str, from: &str, to: &str, expected: bool) {
        let row = row("a", starts_at);
        let pairs = [("from", from), ("to", to)];
        let found = query(&pairs).matches(&Hit::new("", &row));
        assert_eq!(found, expected, "{starts_at} {from} {to}");
    }
    let day = "2025-10-09T00:00:00Z";
    check(day, "2025-10-09T07:00:00Z", "2025-10-10T07:00:00Z", true);
    check(day, "2025-10-08T07:00:00Z", "2025-10-09T07:00:00Z", true);
    check(day, "2025-10-08T15:00:00Z", "2025-10-09T15:00:00Z", true);
    check(day, "2025-10-10", "2025-10-11", false);
    check(day, "2025-10-08", "2025-10-09", false);
    // A call that is known to have begun at midnight began then.
    let known = "2025-10-09T00:00:00.000Z";
    check(known, "2025-10-09T07:00:00Z", "2025-10-10T07:00:00Z", false);
    check(known, "2025-10-09", "2025-10-10", true);
}

#[test]
fn a_side_without_sound_is_found() {
    let mut row = row("a", "2026-11-27T08:00:00Z");
    row.silent_sides = vec!["to".to_owned()];
    for (value, expected) in [("any", true), ("to", true), ("from", false)] {
        assert_eq!(
            query(&[("silent", value)]).matches(&Hit::new("", &row)),
            expected,
            "{value}"
        );
    }
}

#[test]
fn what_is_wrong_is_told() {
    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: &str) {
        let error = Query::from_pairs(pairs.iter().copied()).unwrap_err();
        assert_eq!(error, expected);
    }
    check(
        &[("from", "27.11.")],
        "from: it must be a day (2026-11-27) or a time (2026-11-27T08:00:00Z)",
    );
    check(
        &[("longer", "NaN")],
        "longer: it must be a number of seconds",
    );
    check(
        &[("longer", "-1")],
        "longer: it must be a number of seconds",
    );
    check(&[("silent", "both")], "silent: it must be any, from or to");
    check(
        &[("status", "complete,<b>")],
        "status: it must be of complete, partial, empty, failed, unreadable",
    );
    check(
        &[("from", "2026-11-27"), ("to", "2026-11-27")],
        "to: it must be later than from",
    );
    check(
        &[("agent", &"x".repeat(257))],
        "agent: it is longer than 256 characters",
    );
    assert!("x".parse::<Cursor>().is_err());
}

#[test]
fn rows_without_a_time_come_last_and_are_in_no_stretch_of_time() {
    let untimed = Row {
        starts_at: None,
        ..row("a", "")
    };
    assert!(Query::default().matches(&Hit::new("", &untimed)));
    assert!(!query(&[("from", "1970-01-01")]).matches(&Hit::new("", &untimed)));
    assert!(!query(&[("to", "2999-01-01")]).matches(&Hit::new("", &untimed)));
}

proptest! {
    /// Pages of any size, one behind the other, are the whole list: newest first, each once.
    #[test]
    fn pages_follow_each_other(times in prop::collection::vec(0_i64..5, 0..40), size in 1_usize..9) {
        let rows: Vec<_> = times
            .iter()
            .enumerate()
            .map(|(at, time)| row(&format!("{at:02}"), &EpochMillis(*time).to_rfc3339()))
            .collect();
        let page = |after: Option<&Cursor>, most: usize| {
            let hits = rows.iter().map(|row| Hit::new("day/", row));
            let is_behind = |hit: &Hit<'_>| after.is_none_or(|after| hit.is_behind(after));
            let mut page: Vec<_> = hits.filter(is_behind).collect();
            newest_first(&mut page, most);
            page
        };
        let whole = page(None, usize::MAX);
        prop_assert_eq!(whole.len(), rows.len());
        prop_assert!(whole.windows(2).all(|pair| pair[0].started >= pair[1].started));
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let next = page(after.as_ref(), size);
            let Some(last) = next.last() else { break };
            let cursor = last.cursor();
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
            paged.extend(next.iter().map(Hit::key));
            after = Some(cursor);
        }
        prop_assert_eq!(paged, whole.iter().map(Hit::key).collect::<Vec<_>>());
    }

    #[test]
    fn any_words_are_read_or_refused(name in "[a-z]{1,8}", value in ".{0,40}") {
        if let Ok(query) = Query::from_pairs([(&*name, &*value)]) {
            query.matches(&Hit::new("", &row("a", "2026-11-27T08:00:00Z")));
        }
    }
}
