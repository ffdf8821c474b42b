use super::*;
use proptest::prelude::*;

/// Texts that a caller, a flow or a model can bring: Japanese, emoji, marks that combine,
/// blanks and controls, long and short.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "é",
        "留守番電話",
        "🙂",
        "👩‍👩‍👧",
        "e\u{301}",
        " ",
        "\n",
        "\r\n",
        "<b>",
        "\u{0}",
        "…",
    ]);
    (
        piece,
        prop::sample::select(vec![0, 1, 2, 17, 300, 3_000, 20_000]),
    )
        .prop_map(|(piece, times)| piece.repeat(times))
}

#[test]
fn cuts_are_between_characters_and_marked() {
    #[track_caller]
    fn check(text: &str, bytes: usize, expected: &str) {
        assert_eq!(cut_to_bytes(text, bytes), expected);
    }
    check("", 0, "");
    check("abc", 3, "abc");
    check("留守番電話", 15, "留守番電話");
    check(&"留".repeat(10), 23, "留留 … (truncated)");
    check(&"留".repeat(10), 22, "留留 … (truncated)");
    check(&"留".repeat(10), 21, "留 … (truncated)");
    check(&"留".repeat(10), 16, "… (truncated)");
    check(&"留".repeat(10), 5, "…");
    check(&"留".repeat(10), 0, "");
    assert_eq!(cut_to_chars(&"🙂".repeat(10), 18), "🙂🙂 … (truncated)");
    assert_eq!(cut_to_chars(&"🙂".repeat(9), 18), "🙂".repeat(9));
}

#[test]
fn the_link_claims_first_and_the_transcript_has_the_rest() {
    let url = format!("https://b.s3.amazonaws.com/{}", "x".repeat(1_600));
    let told = Told {
        playback: Some(Playback::Link(&url)),
        date: "Friday",
        queue: "Sales",
        summary: "",
        transcript: &"留".repeat(10_000),
    };
    let (references, place) = References::fit(told);
    assert_eq!(place, LinkPlace::Reference);
    let value = |label| &references.0[label].value;
    assert_eq!(value(PLAYBACK), &url);
    assert_eq!(references.0[PLAYBACK].r#type, ReferenceType::Url);
    assert_eq!(value(SUMMARY), NOTHING);
    assert!(value(TRANSCRIPT).ends_with(CUT_MARK) && value(TRANSCRIPT).len() > 2_000);
    assert!(references.bytes() > 4_020 && references.bytes() <= 4_032);
    // A link of a role's session can be longer than all references together.
    let url = format!("https://b.s3.amazonaws.com/{}", "x".repeat(4_000));
    let (references, place) = References::fit(Told {
        playback: Some(Playback::Link(&url)),
        ..told
    });
    assert_eq!(place, LinkPlace::Description);
    assert_eq!(references.0[PLAYBACK].value, IN_DESCRIPTION);
    assert_eq!(references.0[PLAYBACK].r#type, ReferenceType::String);
}

#[test]
fn attributes_that_a_call_has_count() {
    let fixed = [("vmx3_flag", "0"), ("vmx3_target", "queue")];
    let long = "留".repeat(30_000);
    let texts = [("vmx3_genai_summary", "short"), ("vmx3_transcript", &*long)];
    let held = |bytes| BTreeMap::from([("big".to_owned(), "x".repeat(bytes))]);
    let sizes = [
        (0, Chain::Linked, 29_980),
        (20_000, Chain::Linked, 9_980),
        (32_500, Chain::Linked, 200),
        (32_760, Chain::Apart, 29_980),
    ];
    for (bytes, chain, least) in sizes {
        let (set, linked) = Attributes::fit(&fixed, &texts, &held(bytes));
        assert_eq!(linked, chain, "{bytes}");
        assert!(set.bytes() >= least, "{bytes}: {}", set.bytes());
    }
    // What is set again is not counted twice.
    let again = BTreeMap::from([("vmx3_transcript".to_owned(), "x".repeat(32_000))]);
    assert_eq!(Attributes::fit(&fixed, &texts, &again).1, Chain::Linked);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn cuts_keep_to_their_budget(text in text(), most in 0usize..5_000) {
        let bytes = cut_to_bytes(&text, most);
        prop_assert!(bytes.len() <= most);
        let chars = cut_to_chars(&text, most);
        prop_assert!(chars.encode_utf16().count() <= most);
        for cut in [bytes, chars] {
            let kept = cut.strip_suffix(CUT_MARK).unwrap_or(&cut);
            prop_assert!(text.starts_with(kept) || CUT_MARK.contains(&*cut));
        }
    }

    #[test]
    fn a_task_is_one_that_connect_takes(texts in prop::collection::vec(text(), 6), url in 0usize..5_000, held in prop::collection::btree_map("[a-z]{1,8}", text(), 0..4)) {
        let [name, date, queue, summary, transcript, first] = &texts[..] else { unreachable!() };
        prop_assert!((1..=MAX_NAME_CHARS).contains(&TaskName::cut(name).0.encode_utf16().count()));
        let description = Description::of(&[first.clone(), "x".repeat(url)], transcript);
        prop_assert!((1..=MAX_DESCRIPTION_CHARS).contains(&description.0.encode_utf16().count()));
        let url = "x".repeat(url);
        for playback in [None, Some(Playback::Link(&url)), Some(Playback::Text(first))] {
            let (references, _) = References::fit(Told { playback, date, queue, summary, transcript });
            prop_assert!(references.bytes() <= MAX_REFERENCE_BYTES - REFERENCE_RESERVE, "{}", references.bytes());
            prop_assert!(references.iter().all(|(_, reference)| !reference.value.trim().is_empty()));
        }
        let fixed = [("vmx3_queue_arn", &**queue), ("vmx3_flag", "0")];
        let texts = [("vmx3_genai_summary", &**summary), ("vmx3_transcript", &**transcript)];
        let (set, chain) = Attributes::fit(&fixed, &texts, &held);
        prop_assert!(set.iter().all(|(_, value)| !value.trim().is_empty()));
        let others: usize = held.iter().map(|(name, value)| name.len() + value.len()).sum();
        let others = if chain == Chain::Linked { others } else { 0 };
        prop_assert!(set.bytes() + others <= MAX_ATTRIBUTE_BYTES, "{}", set.bytes());
    }
}
