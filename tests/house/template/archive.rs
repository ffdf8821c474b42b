//! The stack of the archive: who may call it, what it may write, where it tells who listened,
//! and that template, code and docs name the same settings.

use std::collections::BTreeSet;

use callreel::settings::archive::SETTINGS;
use serde_json::{Value, json};

use super::{alarms, check_alarms, fields, read, rows, template, yaml};

const FILE: &str = "stacks/archive.yaml";
const PAGE: &str = "docs/archive-login.md";

fn properties<'a>(stack: &'a Value, name: &str) -> &'a Value {
    let resource = &stack["Resources"][name];
    assert!(resource.is_object(), "{FILE} has {name}");
    &resource["Properties"]
}

/// The function asks each request for a session itself: nothing but its API may call it, and the
/// API's other address is shut where the pages have a domain.
#[test]
fn the_api_alone_calls_it() {
    let stack = yaml::read(FILE);
    let resources = fields(&stack, "Resources");
    let ways_in: Vec<_> = resources
        .iter()
        .filter(|(_, it)| {
            it["Type"] == "AWS::Lambda::Permission" || it["Type"] == "AWS::Lambda::Url"
        })
        .collect();
    assert_eq!(ways_in.len(), 1, "{ways_in:?}");
    let (_, may_call) = ways_in[0];
    assert_eq!(
        may_call["Properties"]["Principal"],
        "apigateway.amazonaws.com"
    );
    let source = may_call["Properties"]["SourceArn"]["Fn::Sub"]
        .as_str()
        .unwrap();
    assert!(source.ends_with(":${Pages}/*"), "{source}");
    let shut = &properties(&stack, "Pages")["DisableExecuteApiEndpoint"];
    assert_eq!(shut, &json!({"Fn::If": ["HasDomain", true, false]}));
    // An HTTP API gives up after 30 s.
    assert_eq!(properties(&stack, "Archive")["Timeout"], 29);
}

/// No recording is written, and nothing is deleted.
#[test]
fn it_writes_its_index_and_who_listened_alone() {
    let stack = yaml::read(FILE);
    let role = properties(&stack, "ArchiveRole");
    let statements = role["Policies"][0]["PolicyDocument"]["Statement"]
        .as_array()
        .unwrap();
    let mut written = Vec::new();
    for statement in statements {
        let actions = statement["Action"].to_string();
        assert!(!actions.contains("Delete"), "{statement}");
        if actions.contains("s3:Put") {
            written.extend(statement["Resource"].as_array().unwrap().clone());
        }
    }
    let told = written.iter().map(|it| it["Fn::Sub"].as_str().unwrap());
    let told: Vec<_> = told
        .map(|it| it.split_once("${BucketName}").unwrap().1)
        .collect();
    assert_eq!(told, ["/${KeyPrefix}index/*", "/listened/*"]);
    let prefix = SETTINGS
        .iter()
        .find(|it| it.name == "LISTENED_PREFIX")
        .unwrap();
    assert_eq!(prefix.default, "listened/");
    assert_eq!(callreel::archive::day::INDEX_FOLDER, "index/");
}

/// Who listened has a log of its own, which outlives the stack.
#[test]
fn who_listened_is_kept_for_a_time_of_its_own() {
    let stack = yaml::read(FILE);
    let log = &stack["Resources"]["ListenedLog"];
    assert_eq!(log["DeletionPolicy"], "Retain");
    assert_eq!(
        log["Properties"]["RetentionInDays"],
        json!({"Ref": "ListenedRetentionDays"})
    );
    let logging = &properties(&stack, "Archive")["LoggingConfig"];
    assert_eq!(logging["LogGroup"], json!({"Ref": "ListenedLog"}));
}

/// Only the pages' own origin reads what their links give.
#[test]
fn the_bucket_lets_the_pages_read_sound() {
    let main = template();
    let cors = &main["Resources"]["Recordings"]["Properties"]["CorsConfiguration"]["Fn::If"];
    assert_eq!(cors[0], "ShowsArchive");
    let rule = &cors[1]["CorsRules"][0];
    assert_eq!(rule["AllowedMethods"], json!(["GET", "HEAD"]));
    let origin = &rule["AllowedOrigins"][0]["Fn::If"];
    assert_eq!(origin[1], json!({"Fn::Sub": "https://${ArchiveDomain}"}));
    assert!(rule["ExposedHeaders"].to_string().contains("Content-Range"));
}

#[test]
fn each_alarm_says_what_to_do_and_is_explained() {
    let stack = yaml::read(FILE);
    let names: Vec<_> = alarms(&stack).into_keys().collect();
    assert_eq!(names, ["ArchiveErrors", "PagesFail"]);
    check_alarms(&stack);
}

#[test]
fn template_code_and_docs_name_the_same_settings() {
    let stack = yaml::read(FILE);
    let environment = &properties(&stack, "Archive")["Environment"];
    let set: BTreeSet<_> = fields(environment, "Variables").keys().cloned().collect();
    let known: BTreeSet<_> = SETTINGS.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(set, known, "{FILE} and src/settings/archive.rs");
    let page = read(PAGE);
    let table = page.split("\n## Settings of the function").nth(1).unwrap();
    let table = rows(table.split("\n## ").next().unwrap());
    let told: Vec<_> = table
        .iter()
        .map(|row| (row[0].trim_matches('`'), &*row[2]))
        .collect();
    let known: Vec<_> = SETTINGS.iter().map(|it| (it.name, it.meaning)).collect();
    assert_eq!(told, known, "{PAGE}, \"Settings of the function\"");
}
