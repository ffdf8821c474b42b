//! The flows as resources of a stack: `stacks/voicemail-flows.yaml` has each sample flow of voicemail
//! with the deployment's ARNs in the places of the sample's.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{
    AGENT_WHISPER, CUSTOMER_WHISPER, FLOWS, GUIDE, GUIDED_TASK, IN_QUEUE, TASK, TRIAL, VOICEMAIL,
    findings, flow, hold, shape::FlowType,
};
use crate::template::yaml;

const FILE: &str = "stacks/voicemail-flows.yaml";

/// The resource of each flow.
const RESOURCES: &[(&str, &str)] = &[
    ("Module", VOICEMAIL),
    ("AgentWhisper", AGENT_WHISPER),
    ("CustomerWhisper", CUSTOMER_WHISPER),
    ("InQueue", IN_QUEUE),
    ("Task", TASK),
    ("Guide", GUIDE),
    ("GuidedTask", GUIDED_TASK),
    ("Test", TRIAL),
];

/// What stands in the samples, and in its place in the stack. Ends that are no flow's own come first.
const PLACES: &[(&str, &str)] = &[
    (
        "arn:aws:lambda:us-east-1:111122223333:function:callreel-sign",
        "${SignFunctionArn}",
    ),
    (
        "arn:aws:connect:us-east-1:aws:view/",
        "arn:${AWS::Partition}:connect:${AWS::Region}:aws:view/",
    ),
    (
        "INSTANCE/contact-flow/66666666-7777-8888-9999-000000000001",
        "${Guide.ContactFlowArn}",
    ),
    (
        "INSTANCE/contact-flow/66666666-7777-8888-9999-000000000002",
        "${AgentWhisper.ContactFlowArn}",
    ),
    (
        "INSTANCE/contact-flow/66666666-7777-8888-9999-000000000003",
        "${CustomerWhisper.ContactFlowArn}",
    ),
    (
        "INSTANCE/contact-flow/66666666-7777-8888-9999-000000000004",
        "${InQueue.ContactFlowArn}",
    ),
    (
        "INSTANCE/flow-module/66666666-7777-8888-9999-555555555555",
        "${Module.ContactFlowModuleArn}",
    ),
    (
        "INSTANCE/prompt/66666666-7777-8888-9999-000000000000",
        "${TonePromptArn}",
    ),
    ("INSTANCE/queue/66666666-7777-8888-9999-111111111111", QUEUE),
    ("test-agent", "${TestAgent}"),
];
/// The sample's queue: that of last resort, and in the test flow the one that is tried.
const QUEUE: &str = "${FallbackQueueArn}";
const TEST_QUEUE: &str = "${TestQueueArn}";
const INSTANCE: &str =
    "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-3333-4444-555555555555";

/// The samples' own texts for the places, of one flow.
fn places(file: &str) -> Vec<(String, &'static str)> {
    let places = PLACES.iter().map(|(sample, place)| {
        let of_the_test = file == TRIAL && *place == QUEUE;
        let place = if of_the_test { TEST_QUEUE } else { place };
        (sample.replace("INSTANCE", INSTANCE), place)
    });
    places.collect()
}

/// The lines of a flow's Content: one for each action, so that a change is seen.
fn content(file: &str) -> String {
    let flow = flow(file);
    let mut lines = Vec::new();
    for (name, value) in flow.as_object().unwrap() {
        match value.as_array() {
            Some(items) => {
                let items: Vec<_> = items.iter().map(Value::to_string).collect();
                lines.push(format!("\"{name}\":[\n{}]", items.join(",\n")));
            }
            None => lines.push(format!("\"{name}\":{value}")),
        }
    }
    let mut text = format!("{{{}}}", lines.join(",\n"));
    assert!(!text.contains("${"), "{file}: Fn::Sub would read it");
    for (sample, place) in places(file) {
        text = text.replace(&sample, place);
    }
    text
}

#[test]
fn the_stack_has_the_sample_flows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let stack = fs::read_to_string(&path).unwrap();
    let mut written = stack.clone();
    for (_, file) in RESOURCES {
        let begin = format!("      # from {file}\n");
        let start = written.find(&begin);
        let start = start.unwrap_or_else(|| panic!("{FILE} has no {begin}")) + begin.len();
        let end = start + written[start..].find("      # end\n").unwrap();
        let lines = content(file).replace('\n', "\n        ");
        let tag = if lines.contains("${") { "!Sub " } else { "" };
        let lines = format!("      Content: {tag}|-\n        {lines}\n");
        written.replace_range(start..end, &lines);
    }
    hold(&path, &stack, &written, &format!("a flow of {FILE}"));
}

/// A text of `Fn::Sub` with these values in it. CloudFormation User Guide, "Fn::Sub".
fn rendered(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut parts = text.split("${");
    let mut rendered = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        let value = values.get(name);
        rendered += value.unwrap_or_else(|| panic!("{FILE} has no {name}"));
        rendered += rest;
    }
    rendered
}

/// Values of the parameters and pseudo parameters, and the ARN of each resource.
fn values(stack: &Value, given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut values: BTreeMap<_, _> = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let parameters = stack["Parameters"].as_object().unwrap().keys();
    let mut named = parameters.filter(|name| *name != "InstanceArn");
    assert!(named.all(|name| values.contains_key(name)), "{values:?}");
    for (name, resource) in stack["Resources"].as_object().unwrap() {
        let kind = resource["Type"].as_str().unwrap();
        let (attribute, folder) = match kind {
            "AWS::Connect::ContactFlow" => ("ContactFlowArn", "contact-flow"),
            "AWS::Connect::ContactFlowModule" => ("ContactFlowModuleArn", "flow-module"),
            other => panic!("{other} is no flow"),
        };
        let of_the_sample = given.iter().find(|(other, _)| other == name);
        let arn = match of_the_sample {
            Some((_, arn)) => (*arn).to_owned(),
            None => format!("{}/{folder}/{name}", values["InstanceArn"]),
        };
        values.insert(format!("{name}.{attribute}"), arn);
    }
    values
}

/// With the samples' own ARNs the stack's flows are the samples; with a deployment's they hold to
/// the same rules, and nothing of the samples' is left.
#[test]
fn each_flow_of_the_stack_is_its_sample_with_this_deployments_arns() {
    let stack = yaml::read(FILE);
    let flows = FLOWS.iter().filter(|file| file.starts_with("voicemail"));
    let mut told: Vec<_> = RESOURCES.iter().map(|(_, file)| file).collect();
    told.sort();
    assert!(flows.eq(told), "each flow of voicemail is in the stack");
    let resources = stack["Resources"].as_object().unwrap();
    assert_eq!(resources.len(), RESOURCES.len());

    let of = |end: &str| format!("{INSTANCE}/{end}");
    let number = |end: &str| {
        of(&format!(
            "contact-flow/66666666-7777-8888-9999-00000000000{end}"
        ))
    };
    let queue = of("queue/66666666-7777-8888-9999-111111111111");
    let samples = [
        ("InstanceArn", INSTANCE),
        ("AWS::Partition", "aws"),
        ("AWS::Region", "us-east-1"),
        (
            "SignFunctionArn",
            "arn:aws:lambda:us-east-1:111122223333:function:callreel-sign",
        ),
        (
            "TonePromptArn",
            &of("prompt/66666666-7777-8888-9999-000000000000"),
        ),
        ("FallbackQueueArn", &queue),
        ("TestQueueArn", &queue),
        ("TestAgent", "test-agent"),
        ("Guide", &number("1")),
        ("AgentWhisper", &number("2")),
        ("CustomerWhisper", &number("3")),
        ("InQueue", &number("4")),
        (
            "Module",
            &of("flow-module/66666666-7777-8888-9999-555555555555"),
        ),
    ];
    let own = "arn:aws-us-gov:connect:us-gov-west-1:444455556666:instance/99999999-8888-4777-8666-000000000000";
    let of = |end: &str| format!("{own}/{end}");
    let deployment = [
        ("InstanceArn", own),
        ("AWS::Partition", "aws-us-gov"),
        ("AWS::Region", "us-gov-west-1"),
        (
            "SignFunctionArn",
            "arn:aws-us-gov:lambda:us-gov-west-1:444455556666:function:callreel-sign",
        ),
        ("TonePromptArn", &of("prompt/tone")),
        ("FallbackQueueArn", &of("queue/last-resort")),
        ("TestQueueArn", &of("queue/tried")),
        ("TestAgent", "ana"),
    ];
    for (name, file) in RESOURCES {
        let resource = &resources[*name];
        let properties = &resource["Properties"];
        let content = &properties["Content"];
        let content = content.get("Fn::Sub").unwrap_or(content);
        let content = content.as_str().unwrap();
        assert!(content.len() < 256_000, "more than Connect takes");
        let read = |given: &[(&str, &str)]| -> Value {
            let content = rendered(content, &values(&stack, given));
            serde_json::from_str(&content).unwrap_or_else(|error| panic!("{file}: {error}"))
        };
        let sample = flow(file);
        assert!(read(&samples) == sample, "{file}");
        let deployed = read(&deployment);
        assert_eq!(findings(&deployed), Vec::<String>::new(), "{file}");
        let text = deployed.to_string();
        for left in ["111122223333", "us-east-1", "66666666", "test-agent"] {
            assert!(!text.contains(left), "{file}: {left} is left in {text}");
        }
        let metadata = &sample["Metadata"];
        assert_eq!(properties["Name"], metadata["name"], "{file}");
        assert_eq!(properties["Description"], metadata["description"], "{file}");
        let told = FlowType::of(&sample).unwrap().of_the_api();
        let set = properties.get("Type").and_then(Value::as_str);
        assert_eq!(set, told, "{file}");
        let instance = serde_json::json!({"Ref": "InstanceArn"});
        assert_eq!(properties["InstanceArn"], instance);
    }
    let deployed = |name: &str, id: &str, parameter: &str| {
        let content = &resources[name]["Properties"]["Content"]["Fn::Sub"];
        let content = rendered(content.as_str().unwrap(), &values(&stack, &deployment));
        let mut flow: Value = serde_json::from_str(&content).unwrap();
        super::action(&mut flow, id)["Parameters"][parameter].take()
    };
    for (name, id, parameter, expected) in [
        ("Task", "fallback-queue", "QueueId", "last-resort"),
        ("GuidedTask", "fallback-queue", "QueueId", "last-resort"),
        ("Test", "set-queue", "QueueId", "tried"),
    ] {
        let queue = of(&format!("queue/{expected}"));
        assert_eq!(deployed(name, id, parameter), queue, "{name}");
    }
}
