//! The stack of the live monitor: its data stream, who may call its function, what becomes of
//! what fails, and that its alarms and settings are in step with code and docs.

use std::collections::BTreeSet;

use callreel::settings::live;
use serde_json::{Value, json};

use super::{alarms, check_alarms, fields, read, rows, yaml};

const FILE: &str = "stacks/live.yaml";
const PAGE: &str = "docs/monitor.md";

fn properties(name: &str) -> Value {
    let stack = yaml::read(FILE);
    let resource = &stack["Resources"][name];
    assert!(resource.is_object(), "{FILE} has {name}");
    resource["Properties"].clone()
}

/// It names callers: it is encrypted, whatever is given, and kept as short as Kinesis can.
#[test]
fn the_data_stream_is_on_demand_encrypted_and_short_lived() {
    let calls = properties("Calls");
    assert_eq!(calls["StreamModeDetails"]["StreamMode"], "ON_DEMAND");
    assert_eq!(calls["RetentionPeriodHours"], 24);
    assert_eq!(calls["StreamEncryption"]["EncryptionType"], "KMS");
    let key = &calls["StreamEncryption"]["KeyId"]["Fn::If"];
    assert_eq!(
        key,
        &json!(["HasKmsKey", {"Ref": "KmsKeyArn"}, "alias/aws/kinesis"])
    );
    let variables = &properties("LiveStart")["Environment"]["Variables"];
    assert_eq!(variables["STREAM_NAME"], json!({"Ref": "Calls"}));
}

/// A flow waits for 8 s.
#[test]
fn the_function_answers_while_a_flow_waits() {
    assert!(properties("LiveStart")["Timeout"].as_u64().unwrap() < 8);
}

#[test]
fn flows_of_the_instance_and_one_rule_may_call_it() {
    let stack = yaml::read(FILE);
    let permissions = fields(&stack, "Resources").values();
    let permissions = permissions.filter(|it| it["Type"] == "AWS::Lambda::Permission");
    let found: BTreeSet<_> = permissions
        .map(|it| {
            let it = &it["Properties"];
            assert_eq!(it["Action"], "lambda:InvokeFunction");
            assert_eq!(it["SourceAccount"], json!({"Ref": "AWS::AccountId"}));
            assert_eq!(it["FunctionName"]["Ref"], "LiveStart");
            (it["Principal"].to_string(), it["SourceArn"].to_string())
        })
        .collect();
    let instance = json!({"Ref": "InstanceArn"}).to_string();
    let rule = json!({"Fn::GetAtt": ["LiveCallEnded", "Arn"]}).to_string();
    assert_eq!(
        found,
        BTreeSet::from([
            (json!("connect.amazonaws.com").to_string(), instance),
            (json!("events.amazonaws.com").to_string(), rule),
        ])
    );
    let offered = properties("LiveStartIsOffered");
    assert_eq!(offered["IntegrationType"], "LAMBDA_FUNCTION");
    assert_eq!(
        offered["IntegrationArn"],
        json!({"Fn::GetAtt": ["LiveStart", "Arn"]})
    );
}

/// The same events as the answering machine's rule, whose pattern is tried on events.
#[test]
fn the_rule_takes_every_end_and_keeps_what_it_cannot_deliver() {
    let rule = properties("LiveCallEnded");
    let other = &yaml::read("stacks/answering.yaml")["Resources"]["CallEnded"]["Properties"];
    assert_eq!(rule["EventPattern"], other["EventPattern"]);
    assert_eq!(rule["State"], "ENABLED");
    let queue = json!({"Fn::GetAtt": ["DeadLetterQueue", "Arn"]});
    let targets = rule["Targets"].as_array().unwrap();
    let [target] = &targets[..] else {
        panic!("{targets:?}");
    };
    assert_eq!(target["Arn"]["Fn::GetAtt"][0], "LiveStart");
    assert_eq!(target["DeadLetterConfig"]["Arn"], queue);
    let invoked = properties("LiveStartIsRetried");
    assert_eq!(invoked["FunctionName"]["Ref"], "LiveStart");
    assert_eq!(invoked["MaximumRetryAttempts"], 2);
    assert_eq!(
        invoked["DestinationConfig"]["OnFailure"]["Destination"],
        queue
    );
    let policy = &properties("DeadLetterQueuePolicy")["PolicyDocument"]["Statement"];
    assert_eq!(policy[0]["Effect"], "Deny");
    let source = &policy[1]["Condition"]["ArnEquals"]["aws:SourceArn"];
    assert_eq!(source["Fn::GetAtt"][0], "LiveCallEnded");
}

#[test]
fn each_alarm_says_what_to_do_and_is_explained() {
    let stack = yaml::read(FILE);
    let names: Vec<_> = alarms(&stack).into_keys().collect();
    assert_eq!(names, ["LiveEndsGivenUp", "LiveStartFails"]);
    let given_up = &alarms(&stack)["LiveEndsGivenUp"]["Dimensions"][0]["Value"]["Fn::GetAtt"];
    assert_eq!(given_up[0], "DeadLetterQueue");
    check_alarms(&stack);
}

#[test]
fn template_code_and_docs_name_the_same_settings() {
    let function = properties("LiveStart");
    let set = fields(&function["Environment"], "Variables").keys();
    let set: BTreeSet<_> = set.map(String::as_str).collect();
    let known: BTreeSet<_> = live::SETTINGS.iter().map(|it| it.name).collect();
    assert_eq!(set, known);
    let page = read(PAGE);
    let table = page.split("\n### Settings of `live-start`").nth(1).unwrap();
    let table = rows(table.split("\n## ").next().unwrap());
    for setting in live::SETTINGS {
        let row = [
            format!("`{}`", setting.name),
            setting.default.to_owned(),
            setting.meaning.to_owned(),
        ];
        assert!(table.contains(&row.to_vec()), "{PAGE}: {row:?}");
    }
    assert_eq!(table.len(), known.len(), "{PAGE}");
}
