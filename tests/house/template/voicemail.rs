//! The stack of voicemail: its filter and rules, what becomes of what fails, what its buckets
//! keep, and that template, code and docs name the same settings.

use std::collections::BTreeSet;

use callreel::settings::{capture, deliver, sign, transcribe};
use serde_json::{Value, json};

use super::{alarms, fields, read, rows, template, yaml};

const FILE: &str = "stacks/voicemail.yaml";

fn stack() -> Value {
    yaml::read(FILE)
}

fn properties<'a>(stack: &'a Value, name: &str) -> &'a Value {
    let resource = &stack["Resources"][name];
    assert!(resource.is_object(), "{FILE} has {name}");
    &resource["Properties"]
}

const FUNCTIONS: &[(&str, &str, &str)] = &[
    ("Capture", "recorder", "capture"),
    ("Transcribe", "voicemail", "transcribe"),
    ("TranscribeFailed", "voicemail", "transcribe-failed"),
    ("Deliver", "voicemail", "deliver"),
    ("ReconcileVoicemail", "voicemail", "reconcile-voicemail"),
    ("Sign", "flow", "sign"),
    ("Timestamp", "flow", "timestamp"),
];

/// One build for a binary: equal CodeUri, Metadata and architecture, as in the other templates.
#[test]
fn each_function_is_a_handler_of_a_binary_that_is_built_once() {
    let stack = stack();
    let others = [template(), yaml::read("stacks/answering.yaml")];
    for (name, binary, handler) in FUNCTIONS {
        let function = properties(&stack, name);
        assert_eq!(function["Handler"], *handler);
        let known = super::handlers_of(binary);
        assert!(
            known.contains(*handler),
            "{binary} has no handler {handler}"
        );
        let metadata = &stack["Resources"][*name]["Metadata"];
        let twin = others
            .iter()
            .flat_map(|other| fields(other, "Resources").values());
        let mut twin = twin.filter(|it| it["Metadata"]["BuildProperties"]["Binary"] == *binary);
        let twin = twin.next().unwrap();
        assert_eq!(metadata, &twin["Metadata"], "{name}");
        assert_eq!(function["Role"]["Fn::GetAtt"][0], format!("{name}Role"));
    }
}

/// Statement 25 of the specification: life cycles, events, no public access, TLS only.
#[test]
fn buckets_are_closed_tell_of_objects_and_let_them_go() {
    let stack = stack();
    for name in ["Recordings", "Transcripts"] {
        let bucket = properties(&stack, name);
        let events = &bucket["NotificationConfiguration"]["EventBridgeConfiguration"];
        assert_eq!(events["EventBridgeEnabled"], true);
        let blocks = fields(bucket, "PublicAccessBlockConfiguration");
        assert!(blocks.len() == 4 && blocks.values().all(|block| block == true));
        let owner = &bucket["OwnershipControls"]["Rules"][0]["ObjectOwnership"];
        assert_eq!(owner, "BucketOwnerEnforced");
        let rules = bucket["LifecycleConfiguration"]["Rules"]
            .as_array()
            .unwrap();
        let [aborts, deletes, archives] = &rules[..] else {
            panic!("{rules:?}");
        };
        let days = &aborts["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"];
        assert_eq!(days, 1);
        let after = json!({"Ref": "ExpirationDays"});
        let rule = |choice: &Value, condition: &str| {
            assert_eq!(choice["Fn::If"][0], condition);
            choice["Fn::If"][1].clone()
        };
        let deletes = rule(deletes, "Deletes");
        assert_eq!(deletes["ExpirationInDays"], after);
        let archives = rule(archives, "Archives");
        assert_eq!(archives["Transitions"][0]["StorageClass"], "GLACIER");
        assert_eq!(archives["Transitions"][0]["TransitionInDays"], after);
        for rule in [&deletes, &archives] {
            assert_eq!(rule["NoncurrentVersionExpiration"]["NoncurrentDays"], after);
            assert_eq!(rule.get("Prefix"), None, "all that is in the bucket");
        }
        let policy = &properties(&stack, &format!("{name}Policy"))["PolicyDocument"];
        let tls = &policy["Statement"][0];
        assert_eq!(
            (&tls["Effect"], &tls["Principal"]),
            (&json!("Deny"), &json!("*"))
        );
        assert_eq!(tls["Condition"]["Bool"]["aws:SecureTransport"], "false");
    }
}

#[test]
fn the_mapping_takes_flagged_contacts_and_loses_none() {
    let stack = stack();
    let mapping = properties(&stack, "FlaggedContacts");
    let published = json!({"data": {
        "Attributes": {"vmx3_flag": ["1"]},
        "Recordings": {"StorageType": ["KINESIS_VIDEO_STREAM"]},
        "Agent": [null],
    }});
    let choice = &mapping["FilterCriteria"]["Fn::If"];
    assert_eq!(choice[0], "CutsMessages");
    let cuts = choice[1]["Filters"].as_array().unwrap();
    let filters = choice[2]["Filters"].as_array().unwrap();
    assert_eq!(cuts[..2], filters[..], "the others, and two more");
    for more in &cuts[2..] {
        let pattern: Value = serde_json::from_str(more["Pattern"].as_str().unwrap()).unwrap();
        assert_eq!(
            pattern["data"]["Attributes"],
            published["data"]["Attributes"]
        );
        assert_eq!(
            pattern["data"]["Recordings"],
            json!({"ParticipantType": ["IVR"]})
        );
    }
    let patterns = filters
        .iter()
        .map(|filter| filter["Pattern"].as_str().unwrap());
    let patterns: Vec<Value> = patterns
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(patterns[0], published);
    for pattern in &patterns {
        for name in ["Attributes", "Recordings"] {
            assert_eq!(pattern["data"][name], published["data"][name]);
        }
    }
    assert_eq!(
        mapping["FunctionResponseTypes"],
        json!(["ReportBatchItemFailures"])
    );
    assert_eq!(mapping["BisectBatchOnFunctionError"], true);
    assert!(mapping["MaximumRetryAttempts"].as_u64().unwrap() >= 3);
    assert!(mapping["BatchSize"].as_u64().unwrap() <= 10);
    let parked = properties(&stack, "ParkedRecords");
    assert_eq!(
        parked["EventSourceArn"],
        json!({"Fn::GetAtt": ["ParkingQueue", "Arn"]})
    );
    assert_eq!(
        parked["FunctionResponseTypes"],
        json!(["ReportBatchItemFailures"])
    );
    let queue = properties(&stack, "ParkingQueue");
    let seconds = |name: &str| queue[name].as_u64().unwrap();
    let works = properties(&stack, "Capture")["Timeout"].as_u64().unwrap();
    assert!(seconds("VisibilityTimeout") >= works);
    // Each is tried once more when it goes on without its audio, and some times behind that.
    let tries = queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap();
    let tried_for = seconds("DelaySeconds") + (tries - 1) * seconds("VisibilityTimeout");
    assert!(tried_for > 2 * callreel::capture::WITHOUT_AFTER.as_secs());
    let given_up = &queue["RedrivePolicy"]["deadLetterTargetArn"];
    assert_eq!(given_up, &json!({"Fn::GetAtt": ["FailedRecords", "Arn"]}));
    let kept = &mapping["DestinationConfig"]["OnFailure"]["Destination"];
    assert_eq!(kept, &json!({"Fn::GetAtt": ["FailedRecords", "Arn"]}));
}

#[test]
fn events_go_to_their_step_are_retried_and_then_kept() {
    let stack = stack();
    let queue = json!({"Fn::GetAtt": ["DeadLetterQueue", "Arn"]});
    for (rule, function, pattern) in [
        (
            "RecordingStored",
            "Transcribe",
            json!({"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {
                "bucket": {"name": [{"Ref": "Recordings"}]}, "object": {"key": [{"suffix": ".wav"}]}}}),
        ),
        (
            "TranscriptStored",
            "Deliver",
            json!({"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {
                "bucket": {"name": [{"Ref": "Transcripts"}]}, "object": {"key": [{"suffix": ".json"}]}}}),
        ),
        (
            "JobFailed",
            "TranscribeFailed",
            json!({"source": ["aws.transcribe"], "detail-type": ["Transcribe Job State Change"],
                "detail": {"TranscriptionJobName": [{"prefix": "vmx3_"}],
                    "TranscriptionJobStatus": ["FAILED"]}}),
        ),
    ] {
        let found = properties(&stack, rule);
        assert_eq!(found["EventPattern"], pattern, "{rule}");
        let target = &found["Targets"][0];
        assert_eq!(target["Arn"]["Fn::GetAtt"][0], function);
        assert_eq!(target["DeadLetterConfig"]["Arn"], queue);
        let invoked = properties(&stack, &format!("{function}IsRetried"));
        assert_eq!(invoked["MaximumRetryAttempts"], 2);
        assert_eq!(
            invoked["DestinationConfig"]["OnFailure"]["Destination"],
            queue
        );
        let may = properties(&stack, &format!("{rule}MayInvoke"));
        assert_eq!(may["SourceArn"]["Fn::GetAtt"][0], rule);
        assert_eq!(may["FunctionName"]["Ref"], function);
    }
    let given_up = &alarms(&stack)["VoicemailsGivenUp"];
    assert_eq!(
        given_up["Dimensions"][0]["Value"]["Fn::GetAtt"][0],
        "DeadLetterQueue"
    );
    // A mail that was taken and does not arrive lies where what was given up does.
    let set = json!({"Ref": "Mails"});
    for function in ["Deliver", "ReconcileVoicemail"] {
        let variables = fields(&properties(&stack, function)["Environment"], "Variables");
        assert_eq!(variables["EMAIL_CONFIGURATION_SET"], set);
    }
    let failures = properties(&stack, "MailsThatFail");
    assert_eq!(failures["ConfigurationSetName"], set);
    let told = &failures["EventDestination"]["MatchingEventTypes"];
    assert_eq!(told, &json!(["bounce", "reject", "renderingFailure"]));
    let rule = properties(&stack, "MailFailed");
    let of_the_set = &rule["EventPattern"]["detail"]["mail"]["tags"]["ses:configuration-set"];
    assert_eq!(of_the_set, &json!([set]));
    assert_eq!(rule["Targets"][0]["Arn"], queue);
    let may = &properties(&stack, "DeadLetterQueuePolicy")["PolicyDocument"]["Statement"][1];
    let senders = may["Condition"]["ArnEquals"]["aws:SourceArn"].as_array();
    let of_the_rule = json!({"Fn::GetAtt": ["MailFailed", "Arn"]});
    assert!(senders.unwrap().contains(&of_the_rule));
    // Whoever signs links is watched.
    let links = &alarms(&stack)["VoicemailLinksFail"];
    let metrics = links["Metrics"].as_array().unwrap();
    let watched = metrics.iter().filter_map(|it| it.get("MetricStat"));
    let watched: BTreeSet<_> = watched
        .map(|it| {
            let metric = &it["Metric"];
            assert_eq!(metric["MetricName"], "VoicemailLinksFailed");
            metric["Dimensions"][0]["Value"]["Ref"].as_str().unwrap()
        })
        .collect();
    let signs = ["Deliver", "ReconcileVoicemail", "Sign"];
    assert!(watched.into_iter().eq(signs));
    assert!(read("src/lambda/log.rs").contains("LINKS_FAILED: &str = \"VoicemailLinksFailed\""));
    let timeout = |name: &str| properties(&stack, name)["Timeout"].as_u64().unwrap();
    assert!(
        timeout("Sign") < 8 && timeout("Timestamp") < 8,
        "a flow waits for 8 s"
    );
    assert!(
        timeout("ReconcileVoicemail") < 30 * 60,
        "no run meets the next one"
    );
    super::check_alarms(&stack);
}

#[test]
fn template_and_code_name_the_same_settings() {
    let stack = stack();
    for (function, settings) in [
        ("Capture", capture::SETTINGS),
        ("Transcribe", transcribe::SETTINGS),
        ("TranscribeFailed", transcribe::SETTINGS),
        ("Deliver", deliver::SETTINGS),
        ("ReconcileVoicemail", deliver::SETTINGS),
        ("Sign", sign::SETTINGS),
        ("Timestamp", sign::OF_TIMESTAMP),
    ] {
        let set = fields(&properties(&stack, function)["Environment"], "Variables").keys();
        let set: BTreeSet<_> = set.map(String::as_str).collect();
        let known: BTreeSet<_> = settings.iter().map(|it| it.name).collect();
        let missing: Vec<_> = known.difference(&set).copied().collect();
        assert!(
            set.is_subset(&known),
            "{function}: {set:?}, and it knows {known:?}"
        );
        assert!(
            missing
                .iter()
                .all(|name| *name == "DEADLINE_MARGIN_SECONDS"),
            "{FILE} does not give {missing:?} to {function}"
        );
    }
}

#[test]
fn the_page_lists_every_setting_with_its_default_and_meaning() {
    let page = read("docs/voicemail.md");
    let section = page
        .split("\n## Settings of the functions\n")
        .nth(1)
        .unwrap();
    let section = section.split("\n## ").next().unwrap();
    let table = rows(section);
    let all = [
        capture::SETTINGS,
        transcribe::SETTINGS,
        deliver::SETTINGS,
        sign::SETTINGS,
    ];
    let all: Vec<_> = all.into_iter().flatten().collect();
    for setting in &all {
        let name = format!("`{}`", setting.name);
        let row = table.iter().find(|row| row[0] == name);
        let row = row.unwrap_or_else(|| panic!("docs/voicemail.md has no row of {name}"));
        assert_eq!(row[1].trim_matches('`'), setting.default, "{name}");
        assert_eq!(row[3], setting.meaning, "{name}");
    }
    for row in &table {
        let is_known = |name: &str| all.iter().any(|setting| setting.name == name);
        assert!(
            is_known(row[0].trim_matches('`')),
            "no function has {row:?}"
        );
    }
}

/// Each test that the page names is there.
#[test]
fn what_the_page_says_holds_is_tested() {
    let page = read("docs/voicemail.md");
    let section = page.split("\n## What holds\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let tests = [
        "tests/edges/function/voicemail.rs",
        "tests/edges/function/voicemail/kills.rs",
        "tests/edges/function/voicemail/steps.rs",
        "tests/house/template/voicemail.rs",
    ];
    let tests: String = tests.map(read).concat();
    let shown = section
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('_'));
    let mut count = 0;
    for line in shown {
        let names = line.split('`').skip(1).step_by(2);
        let mut names = names.filter(|name| name.matches('_').count() > 2);
        let name = names.next().unwrap_or_else(|| panic!("{line}: no test"));
        assert!(
            tests.contains(&format!("fn {name}(")),
            "there is no test {name}"
        );
        count += 1;
    }
    assert!(count > 15, "{count}");
}
