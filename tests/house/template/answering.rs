//! The stack of the answering machine: who may call which function, what becomes of what
//! fails, and that its alarms and docs are in step.

use std::collections::BTreeSet;

use callreel::settings::{flow, voicemail};
use serde_json::{Value, json};

use super::{alarms, check_alarms, fields, read, rows, template, yaml};

const FILE: &str = "stacks/answering.yaml";
const PAGE: &str = "docs/answering-machine.md";

fn stack() -> Value {
    yaml::read(FILE)
}

fn properties<'a>(stack: &'a Value, name: &str) -> &'a Value {
    let resource = &stack["Resources"][name];
    assert!(resource.is_object(), "{FILE} has {name}");
    &resource["Properties"]
}

/// The names are those of the answering machines that users come from, and both sides of a
/// note are one prefix.
#[test]
fn notes_are_read_where_they_are_written() {
    let stack = stack();
    let variables = |name: &str| properties(&stack, name)["Environment"]["Variables"].clone();
    let (note, save) = (variables("Note"), variables("Save"));
    for (name, of_note, of_save) in [
        ("the notes", "S3_PATH", "S3_KEY_GET"),
        ("the bucket", "S3_BUCKET", "S3_BUCKET"),
        ("the region", "S3_REGION", "S3_REGION"),
    ] {
        assert!(note[of_note].is_object(), "{name}");
        assert_eq!(note[of_note], save[of_save], "{name}");
    }
    assert_eq!(save["S3_KEY_PUT"], json!({"Ref": "MessagesPrefix"}));
    let reconcile = variables("Reconcile");
    for (name, value) in save.as_object().unwrap() {
        assert_eq!(&reconcile[name], value, "{name}");
    }
    // The prefixes are folders: the notes' key is the prefix and the note's name.
    let main = template();
    for name in ["NotesPrefix", "MessagesPrefix"] {
        let parameter = &main["Parameters"][name];
        assert!(parameter["Default"].as_str().unwrap().ends_with('/'));
        let same = &main["Parameters"]["S3BucketPrefix"]["AllowedPattern"];
        assert_eq!(&parameter["AllowedPattern"], same);
    }
}

/// A flow waits for 8 s, and what is not answered by then is as good as lost.
#[test]
fn times_fit_what_waits() {
    let stack = stack();
    let timeout = |name: &str| properties(&stack, name)["Timeout"].as_u64().unwrap();
    assert!(timeout("Note") < 8);
    assert_eq!(timeout("Save"), 900);
    let schedule = &properties(&stack, "ReconcileSchedule")["ScheduleExpression"];
    assert_eq!(schedule, "rate(15 minutes)");
    assert!(timeout("Reconcile") < 15 * 60, "no run meets the next one");
}

/// Every way in names the account and the one source that may use it.
#[test]
fn each_function_is_called_by_one_source() {
    let stack = stack();
    let permissions: Vec<_> = fields(&stack, "Resources")
        .values()
        .filter(|resource| resource["Type"] == "AWS::Lambda::Permission")
        .map(|resource| &resource["Properties"])
        .collect();
    let found: BTreeSet<_> = permissions
        .iter()
        .map(|it| {
            assert_eq!(it["Action"], "lambda:InvokeFunction");
            assert_eq!(it["SourceAccount"], json!({"Ref": "AWS::AccountId"}));
            let function = it["FunctionName"]["Ref"].as_str().unwrap();
            let principal = it["Principal"].as_str().unwrap();
            (function, principal, it["SourceArn"].to_string())
        })
        .collect();
    let arn = |name: &str| json!({"Fn::GetAtt": [name, "Arn"]}).to_string();
    let instance = json!({"Ref": "InstanceArn"}).to_string();
    assert_eq!(
        found,
        BTreeSet::from([
            ("Note", "connect.amazonaws.com", instance),
            (
                "Reconcile",
                "events.amazonaws.com",
                arn("ReconcileSchedule")
            ),
            ("Save", "events.amazonaws.com", arn("CallEnded")),
        ])
    );
    let offered = properties(&stack, "NoteIsOffered");
    assert_eq!(offered["IntegrationType"], "LAMBDA_FUNCTION");
    assert_eq!(
        offered["IntegrationArn"],
        json!({"Fn::GetAtt": ["Note", "Arn"]})
    );
    assert_eq!(offered["InstanceId"], json!({"Ref": "InstanceArn"}));
}

/// Whether EventBridge's pattern takes an event: every field of the pattern is there with
/// one of its values; of `$or`, one does. EventBridge User Guide, "Event pattern syntax".
fn takes(pattern: &Value, event: &Value) -> bool {
    let pattern = pattern.as_object().unwrap();
    pattern.iter().all(|(name, wanted)| match wanted {
        Value::Array(ways) if name == "$or" => ways.iter().any(|way| takes(way, event)),
        Value::Array(values) => values.contains(&event[name]),
        deeper => takes(deeper, &event[name]),
    })
}

/// The rule's pattern with this instance's ARN filled in.
fn pattern(stack: &Value, instance: &str) -> Value {
    let pattern = properties(stack, "CallEnded")["EventPattern"].to_string();
    let filled = pattern.replace("{\"Ref\":\"InstanceArn\"}", &json!(instance).to_string());
    serde_json::from_str(&filled).unwrap()
}

#[test]
fn the_rule_takes_every_call_of_the_instance_that_is_over() {
    const OURS: &str = "arn:aws:connect:us-east-1:111122223333:instance/one";
    const OTHERS: &str = "arn:aws:connect:us-east-1:111122223333:instance/other";
    let pattern = pattern(&stack(), OURS);
    let event = |detail: Value| {
        json!({
            "source": "aws.connect",
            "detail-type": "Amazon Connect Contact Event",
            "detail": detail,
        })
    };
    #[track_caller]
    fn check(pattern: &Value, event: &Value, expected: bool) {
        assert_eq!(takes(pattern, event), expected, "{event}");
    }
    let over = |instance| json!({"eventType": "DISCONNECTED", "instanceArn": instance});
    check(&pattern, &event(over(OURS)), true);
    check(&pattern, &event(over(OTHERS)), false);
    let capitals = json!({"EventType": "DISCONNECTED", "InstanceArn": OURS, "Channel": "Voice"});
    check(&pattern, &event(capitals), true);
    for goes_on in ["INITIATED", "CONNECTED_TO_SYSTEM", "QUEUED", "COMPLETED"] {
        let goes_on = json!({"eventType": goes_on, "instanceArn": OURS});
        check(&pattern, &event(goes_on), false);
    }
    let mut foreign = event(over(OURS));
    foreign["source"] = json!("somebody.else");
    check(&pattern, &foreign, false);
}

/// What cannot be delivered, and what the function fails at, ends in the queue that an alarm
/// watches, and nowhere else.
#[test]
fn what_fails_is_retried_and_then_kept() {
    let stack = stack();
    let rule = properties(&stack, "CallEnded");
    assert_eq!(rule["State"], "ENABLED");
    let target = &rule["Targets"][0];
    assert_eq!(rule["Targets"].as_array().unwrap().len(), 1);
    assert_eq!(target["Arn"]["Fn::GetAtt"][0], "Save");
    let queue = json!({"Fn::GetAtt": ["DeadLetterQueue", "Arn"]});
    assert_eq!(target["DeadLetterConfig"]["Arn"], queue);
    let retries = target["RetryPolicy"]["MaximumRetryAttempts"].as_u64();
    assert!(retries.unwrap() > 100);
    let invoked = properties(&stack, "SaveIsRetried");
    assert_eq!(invoked["FunctionName"]["Ref"], "Save");
    assert_eq!(invoked["MaximumRetryAttempts"], 2);
    assert_eq!(
        invoked["DestinationConfig"]["OnFailure"]["Destination"],
        queue
    );
    let run = properties(&stack, "ReconcileIsNotRetried");
    assert_eq!(run["FunctionName"]["Ref"], "Reconcile");
    assert_eq!(run["MaximumRetryAttempts"], 0);
    assert_eq!(run["DestinationConfig"]["OnFailure"]["Destination"], queue);

    let policy = &properties(&stack, "DeadLetterQueuePolicy")["PolicyDocument"]["Statement"];
    let policy = policy.as_array().unwrap();
    let tls = &policy[0];
    assert_eq!(
        (&tls["Effect"], &tls["Principal"]),
        (&json!("Deny"), &json!("*"))
    );
    let events = &policy[1];
    assert_eq!(events["Principal"]["Service"], "events.amazonaws.com");
    let source = &events["Condition"]["ArnEquals"]["aws:SourceArn"];
    assert_eq!(source, &json!({"Fn::GetAtt": ["CallEnded", "Arn"]}));
    let given_up = &alarms(&stack)["MessagesGivenUp"];
    let watched = &given_up["Dimensions"][0]["Value"]["Fn::GetAtt"][0];
    assert_eq!(watched, "DeadLetterQueue");
}

#[test]
fn each_alarm_says_what_to_do_and_is_explained() {
    let stack = stack();
    let names: Vec<_> = alarms(&stack).into_keys().collect();
    assert_eq!(
        names,
        [
            "MessageIncomplete",
            "MessagesGivenUp",
            "NoteFails",
            "NotesWait",
            "ReconcileFails"
        ]
    );
    check_alarms(&stack);
}

/// The alarm on what waits counts what the code writes into the log.
#[test]
fn what_waits_is_what_a_run_tells() {
    let stack = stack();
    let filter = properties(&stack, "NotesWaiting");
    assert_eq!(filter["LogGroupName"]["Ref"], "Log");
    let pattern = filter["FilterPattern"].as_str().unwrap();
    let message = pattern.strip_prefix("{ $.message = \"");
    let message = message.and_then(|rest| rest.strip_suffix("\" }")).unwrap();
    let source = read("src/lambda/voicemail/reconcile.rs");
    let told = source.split(&format!("\"{message}\"")).next().unwrap();
    let told = told.rsplit("tracing::info!(").next().unwrap();
    assert!(told.len() < source.len(), "{message} is logged");
    let counted = &filter["MetricTransformations"][0];
    let field = counted["MetricValue"].as_str().unwrap().strip_prefix("$.");
    let field = format!("{} = run.", field.unwrap());
    assert!(told.contains(&field), "{field} is a field of it: {told}");
    let alarm = &alarms(&stack)["NotesWait"];
    assert_eq!(alarm["MetricName"], counted["MetricName"]);
    assert_eq!(alarm["Namespace"], counted["MetricNamespace"]);
}

/// What is missing of a message is a line of the log, which the alarm counts.
#[test]
fn what_is_missing_is_what_the_log_tells() {
    let stack = stack();
    let filter = properties(&stack, "MessagesIncomplete");
    let pattern = filter["FilterPattern"].as_str().unwrap();
    let message = pattern.strip_prefix("{ $.message = ");
    let message = message.and_then(|rest| rest.strip_suffix(" }")).unwrap();
    assert!(read("src/lambda/log.rs").contains(message), "{message}");
    let alarm = &alarms(&stack)["MessageIncomplete"];
    let counted = &filter["MetricTransformations"][0];
    assert_eq!(alarm["MetricName"], counted["MetricName"]);
    assert_eq!(alarm["Namespace"], counted["MetricNamespace"]);
}

#[test]
fn the_page_tells_of_each_metric() {
    let sources = read("src/lambda/flow.rs") + &read("src/lambda/voicemail/save.rs");
    let words = sources.split('"').collect::<Vec<_>>();
    let emitted = words
        .windows(3)
        .filter(|three| three[1] == ", " && ["Count", "Seconds"].contains(&three[2]));
    let emitted: BTreeSet<_> = emitted.map(|three| three[0]).collect();
    let page = read(PAGE);
    let table = page.split("\n## Metrics").nth(1).unwrap();
    let table = rows(table.split("\n## ").next().unwrap());
    let told = table.iter().flat_map(|row| super::names(&row[0]));
    let told: BTreeSet<_> = told.collect();
    assert!(emitted.len() >= 6, "{emitted:?}");
    assert_eq!(
        told, emitted,
        "{PAGE}, \"Metrics\": the code emits what is on the right"
    );
}

/// What the page says that holds is shown by a test that there is.
#[test]
fn what_the_page_promises_is_a_test() {
    let page = read(PAGE);
    let table = page.split("\n## What holds").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let tests = read("tests/edges/function/answering.rs") + &read("tests/core/answering.rs");
    let named: Vec<_> = table.lines().flat_map(super::names).collect();
    let is_test = |name: &&&str| name.len() > 20 && name.contains('_') && !name.contains('.');
    let shown: BTreeSet<_> = named.iter().filter(is_test).collect();
    assert!(shown.len() >= 15, "{shown:?}");
    for name in shown {
        assert!(
            tests.contains(&format!("fn {name}(")),
            "{PAGE}, \"What holds\", names the test {name}, which there is not"
        );
    }
}

/// Settings that the template leaves alone.
const NOT_IN_THE_TEMPLATE: &[&str] = &["DEADLINE_MARGIN_SECONDS"];

#[test]
fn template_code_and_docs_name_the_same_settings() {
    let stack = stack();
    let mut all = BTreeSet::new();
    for (function, settings) in [
        ("Note", flow::SETTINGS),
        ("Save", voicemail::SETTINGS),
        ("Reconcile", voicemail::SETTINGS),
    ] {
        let environment = &properties(&stack, function)["Environment"];
        let set = fields(environment, "Variables").keys();
        let left_out = NOT_IN_THE_TEMPLATE.iter().map(|name| (*name).to_owned());
        let set: BTreeSet<_> = set.cloned().collect();
        let known: BTreeSet<_> = settings.iter().map(|it| it.name.to_owned()).collect();
        assert!(
            set.is_subset(&known),
            "{function} is given {set:?}, and knows {known:?}"
        );
        let missing: Vec<_> = known.difference(&set).cloned().collect();
        let left_out: BTreeSet<_> = left_out.collect();
        assert!(
            missing.iter().all(|name| left_out.contains(name)),
            "{FILE} does not give {missing:?} to {function}"
        );
        all.extend(known);
    }
    let page = read(PAGE);
    let table = page.split("\n## Settings").nth(1).unwrap();
    let table = rows(table.split("\n## ").next().unwrap());
    let told: BTreeSet<_> = table
        .iter()
        .flat_map(|row| super::names_of(&row[0]))
        .collect();
    assert_eq!(told, all, "{PAGE}, \"Settings\"");
    let main = template();
    let default = |parameter: &str| main["Parameters"][parameter]["Default"].clone();
    let of = |name: &str| {
        let mut settings = flow::SETTINGS.iter().chain(voicemail::SETTINGS);
        settings.find(|it| it.name == name).unwrap().default
    };
    assert_eq!(default("NotesPrefix"), of("S3_PATH"));
    assert_eq!(default("NotesPrefix"), of("S3_KEY_GET"));
    assert_eq!(default("MessagesPrefix"), of("S3_KEY_PUT"));
    assert_eq!(default("NamesUtcOffset"), of("NAMES_UTC_OFFSET"));
}
