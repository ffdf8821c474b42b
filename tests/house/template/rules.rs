//! The template's rules: which parameters go together, and which combinations are refused
//! before anything is made.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{fields, template};

/// The value of a rule function, of those that the template uses.
/// CloudFormation User Guide, "Rule-specific intrinsic functions".
fn holds(rule: &Value, given: &BTreeMap<&str, &str>) -> bool {
    let (name, operands) = rule.as_object().unwrap().iter().next().unwrap();
    let operands = operands.as_array().unwrap();
    match name.as_str() {
        "Fn::Equals" => text(&operands[0], given) == text(&operands[1], given),
        "Fn::Not" => !holds(&operands[0], given),
        "Fn::And" => operands.iter().all(|operand| holds(operand, given)),
        "Fn::Or" => operands.iter().any(|operand| holds(operand, given)),
        "Fn::Contains" => {
            let listed = operands[0].as_array().unwrap().iter();
            let wanted = text(&operands[1], given);
            listed.into_iter().any(|one| text(one, given) == wanted)
        }
        other => panic!("{other} is not known here: add it"),
    }
}

fn text(value: &Value, given: &BTreeMap<&str, &str>) -> String {
    match value.get("Ref") {
        Some(name) => given[name.as_str().unwrap()].to_owned(),
        None => value.as_str().unwrap().to_owned(),
    }
}

/// Why these parameters are refused; all others have their defaults.
fn refusals(given: &[(&str, &str)]) -> Vec<String> {
    let template = template();
    let parameters = fields(&template, "Parameters");
    let mut all: BTreeMap<&str, &str> = parameters
        .iter()
        .map(|(name, parameter)| (name.as_str(), parameter["Default"].as_str().unwrap_or("")))
        .collect();
    all.insert("AWS::Region", "eu-west-1");
    for (name, value) in given {
        let known = all.insert(name, value);
        assert!(known.is_some(), "{name} is a parameter");
    }
    let mut refused = Vec::new();
    for rule in fields(&template, "Rules").values() {
        let condition = rule.get("RuleCondition");
        if condition.is_some_and(|condition| !holds(condition, &all)) {
            continue;
        }
        for assertion in rule["Assertions"].as_array().unwrap() {
            if !holds(&assertion["Assert"], &all) {
                refused.push(assertion["AssertDescription"].as_str().unwrap().to_owned());
            }
        }
    }
    refused
}

#[test]
fn parameters_that_do_not_go_together_are_refused() {
    #[track_caller]
    fn check(given: &[(&str, &str)], expected: &[&str]) {
        let refused = refusals(given);
        assert_eq!(refused.len(), expected.len(), "{refused:?}");
        for (why, start) in refused.iter().zip(expected) {
            assert!(why.starts_with(start), "{why}");
        }
    }
    const SIGNED: (&str, &str) = ("Listeners", "signed");
    const LISTED: (&str, &str) = ("Listeners", "allow-list");
    const ANYBODY: (&str, &str) = ("Listeners", "anybody");
    const OWN: (&str, &str) = ("CloudFrontDomain", "d1.cloudfront.net");
    const KEYS: (&str, &str) = ("KeyGroupId", "g");
    const ACL: (&str, &str) = ("WebAclArn", "a");

    // Who may listen is set up where it is said, or on a distribution of one's own.
    check(&[SIGNED], &["Listeners signed needs KeyGroupId"]);
    check(&[SIGNED, ACL], &["Listeners signed needs KeyGroupId"]);
    check(&[LISTED], &["Listeners allow-list needs WebAclArn"]);
    check(&[LISTED, KEYS], &["Listeners allow-list needs WebAclArn"]);
    check(&[SIGNED, KEYS], &[]);
    check(&[SIGNED, KEYS, ACL], &[]);
    check(&[LISTED, ACL], &[]);
    check(&[ANYBODY], &[]);
    check(&[ANYBODY, ACL], &[]);
    check(
        &[ANYBODY, KEYS],
        &["With KeyGroupId only signed URLs open a recording"],
    );
    for who in [SIGNED, LISTED, ANYBODY] {
        check(&[who, OWN], &[]);
    }

    check(
        &[SIGNED, KEYS, OWN],
        &["KeyGroupId is for the distribution that the stack makes"],
    );
    check(
        &[ANYBODY, ("S3BucketAccountId", "111122223333")],
        &["S3BucketAccountId is the account of S3BucketName"],
    );
    check(
        &[
            ANYBODY,
            ("S3BucketAccountId", "111122223333"),
            ("S3BucketName", "calls"),
        ],
        &[],
    );
    check(
        &[ANYBODY, ("DistributionAlias", "calls.example")],
        &["DistributionAlias needs CertificateArn"],
    );
    const ANSWERS: (&str, &str) = ("EnableAnsweringMachine", "true");
    check(&[ANYBODY, ANSWERS], &[]);
    check(
        &[ANYBODY, ANSWERS, ("NotesPrefix", "messages/")],
        &["NotesPrefix and MessagesPrefix are two places"],
    );
    check(
        &[ANYBODY, ANSWERS, ("MessagesPrefix", "recordings/")],
        &["MessagesPrefix and S3BucketPrefix are two places"],
    );
    check(&[ANYBODY, ("MessagesPrefix", "recordings/")], &[]);
    check(
        &[ANYBODY, ("ContactFileUrls", "no")],
        &["ContactFileUrls no needs EnableArchive"],
    );

    check(
        &[ANYBODY, ("AWS::Region", "cn-north-1")],
        &["Give CloudFrontDomain here"],
    );
}

/// Whoever deploys says who may listen: nothing is assumed.
#[test]
fn who_may_listen_has_no_default() {
    let template = template();
    let listeners = &template["Parameters"]["Listeners"];
    assert_eq!(listeners.get("Default"), None);
    assert_eq!(
        listeners["AllowedValues"],
        serde_json::json!(["signed", "allow-list", "anybody"])
    );
}

/// Patterns that CloudFormation holds each value of a parameter against.
#[test]
fn patterns_take_what_is_right_and_refuse_what_only_looks_so() {
    let template = template();
    #[track_caller]
    fn check(template: &Value, parameter: &str, forbidden: &str) {
        let parameter = &template["Parameters"][parameter];
        let pattern = parameter["AllowedPattern"].as_str().unwrap();
        assert!(!pattern.contains(forbidden), "{pattern}");
    }
    // S3's certificate covers no name with dots; an alias's ARN never matches in a policy.
    check(&template, "S3BucketName", "a-z0-9.");
    check(&template, "MediaStreamKmsKeyArns", "alias");
    let keys = &template["Parameters"]["MediaStreamKmsKeyArns"];
    assert_eq!(
        keys["AllowedPattern"],
        template["Parameters"]["RecordingsKmsKeyArn"]["AllowedPattern"]
    );
}
