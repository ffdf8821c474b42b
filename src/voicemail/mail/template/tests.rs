use super::*;
use proptest::prelude::*;

fn words() -> Words {
    Words {
        from: "+15550100123".into(),
        recipient: "Sales & Service".into(),
        queue: "Sales & Service".into(),
        date: "Friday".into(),
        summary: "Summary not enabled.".into(),
        is_summed_up: false,
        transcript: "<script>alert(\"x\")</script>".into(),
        notes: Vec::new(),
    }
}

fn data_of(template: &TemplateText, attributes: &BTreeMap<String, String>) -> Value {
    let words = words();
    let named = Named {
        attributes,
        words: &words,
        short_transcript: &words.transcript,
        agent: "",
        id: "arn:q",
        target: "queue",
        url: "https://b.example/c.wav?X-Amz-Expires=1&X-Amz-Signature=a\"b",
        contact: "c",
    };
    serde_json::from_str(&data(&named, template)).unwrap()
}

#[test]
fn both_makes_of_templates_find_their_names() {
    let attributes = BTreeMap::from([("own_field".to_owned(), "a<b".to_owned())]);
    let data = data_of(&TemplateText::default(), &attributes);
    for (name, value) in [
        ("entity_name", "Sales &amp; Service"),
        ("entity_id", "arn:q"),
        ("entity_description", "queue"),
        (
            "transcript_contents",
            "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;",
        ),
        ("callback_number", "+15550100123"),
        ("vmx3_dateTime", "Friday"),
        (
            "presigned_url",
            "https://b.example/c.wav?X-Amz-Expires=1&X-Amz-Signature=a%22b",
        ),
        ("vmx3_from", "+15550100123"),
        ("vmx3_agent_name", ""),
        ("vmx3_queue_name", "Sales &amp; Service"),
        ("vmx3_datetime", "Friday"),
        (
            "vmx3_presigned_url",
            "https://b.example/c.wav?X-Amz-Expires=1&X-Amz-Signature=a%22b",
        ),
        (
            "vmx3_transcript_contents",
            "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;",
        ),
        ("vmx3_genai_summary", "Summary not enabled."),
        ("own_field", "a&lt;b"),
    ] {
        assert_eq!(data[name], value, "{name}");
    }
}

#[test]
fn a_variable_that_nobody_knows_is_empty() {
    let template = TemplateText {
        subject: "For {{entity_name}} by {{ team-name }}".into(),
        text: "{{#if vip}}{{greeting}}{{else}}Hello{{/if}} {{! a remark about nothing }}{{{raw}}} {{~spaced~}} {{customer.name.first}}".into(),
        html: "{{#each items}}{{this}} {{@index}} {{label}}{{/each}} {{unclosed".into(),
    };
    let names: Vec<_> = variables(&template).into_iter().collect();
    let expected = [
        "customer.name.first",
        "entity_name",
        "greeting",
        "items",
        "label",
        "raw",
        "spaced",
        "team-name",
        "unclosed",
        "vip",
    ];
    assert_eq!(names, expected);
    let data = data_of(&template, &BTreeMap::new());
    assert_eq!(data["team-name"], "");
    assert_eq!(data["customer"]["name"]["first"], "");
    assert_eq!(data["entity_name"], "Sales &amp; Service");
}

/// The service renders in a strict mode and does not escape.
fn render(template: &str, data: &Value) -> String {
    let mut engine = handlebars::Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(handlebars::no_escape);
    engine.render_template(template, data).unwrap()
}

#[test]
fn a_strict_engine_renders_it() {
    let html = "<p title=\"{{own}}\">{{vmx3_transcript_contents}}</p><a href=\"{{presigned_url}}\">{{nobody.knows}}{{unknown}}</a>";
    let template = TemplateText {
        html: html.into(),
        ..TemplateText::default()
    };
    let attributes = BTreeMap::from([("own".to_owned(), "\"><b>".to_owned())]);
    assert_eq!(
        render(html, &data_of(&template, &attributes)),
        "<p title=\"&quot;&gt;&lt;b&gt;\">&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;</p>\
         <a href=\"https://b.example/c.wav?X-Amz-Expires=1&X-Amz-Signature=a%22b\"></a>"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn data_keeps_to_its_limit(
        letter in prop::sample::select(vec!["\"", "&", "留", "🙂", "\u{1}", "a"]),
        counts in prop::collection::vec(0usize..20_000, 1..6),
        transcript in 0usize..100_000,
    ) {
        let attributes: BTreeMap<_, _> = counts.iter().enumerate().map(|(at, count)| (format!("a{at}"), letter.repeat(*count))).collect();
        let words = Words { transcript: letter.repeat(transcript), ..words() };
        let named = Named { attributes: &attributes, words: &words, short_transcript: &words.transcript, agent: "", id: "", target: "", url: &words.transcript, contact: "c" };
        let data = data(&named, &TemplateText::default());
        prop_assert!(data.chars().count() <= MAX_TEMPLATE_DATA_CHARS, "{}", data.len());
        prop_assert!(serde_json::from_str::<Value>(&data).is_ok());
    }
}
