//! What the role is allowed, what the code calls, and what the docs explain: the same.

use std::collections::BTreeSet;
use std::path::Path;

use callreel::permissions::{OF_AGAIN, OF_CALLS, OF_SERVICES, OF_SERVICES_AGAIN, actions};
use serde_json::Value;

use super::{fields, names, read, rows, template};

/// What the SDK's operations need. Service Authorization Reference, "Actions defined by".
const OPERATIONS: &[(&str, &str)] = &[
    ("get_data_endpoint", "kinesisvideo:GetDataEndpoint"),
    ("describe_stream", "kinesisvideo:DescribeStream"),
    ("list_fragments", "kinesisvideo:ListFragments"),
    (
        "get_media_for_fragment_list",
        "kinesisvideo:GetMediaForFragmentList",
    ),
    ("get_object", "s3:GetObject"),
    ("head_object", "s3:GetObject"),
    ("put_object", "s3:PutObject"),
    ("create_multipart_upload", "s3:PutObject"),
    ("upload_part", "s3:PutObject"),
    ("complete_multipart_upload", "s3:PutObject"),
    ("abort_multipart_upload", "s3:AbortMultipartUpload"),
    ("get_contact_attributes", "connect:GetContactAttributes"),
    (
        "update_contact_attributes",
        "connect:UpdateContactAttributes",
    ),
    ("send_message", "sqs:SendMessage"),
];
/// Permissions without an operation of their own.
const WITHOUT_OPERATION: &[(&str, &str)] = &[
    ("s3:ListBucket", "makes a missing object a 404"),
    (
        "s3:PutObjectTagging",
        "of put_object and create_multipart_upload with tags",
    ),
];
/// How names of operations begin.
const VERBS: &[&str] = &[
    "abort", "change", "complete", "copy", "create", "delete", "describe", "get", "head", "list",
    "put", "receive", "search", "send", "update", "upload",
];
/// The files of src/aws that the function calls AWS from.
const CALLERS: &[&str] = &["connect.rs", "kvs.rs", "kvs", "queue.rs", "s3.rs", "s3"];

/// What `callreel forget` calls as whoever runs it: no role of the function deletes anything.
const OPERATORS_ALONE: &str = "erasing.rs";

/// Statement id and action, of all that a role allows.
fn allowed(template: &Value, role: &str) -> BTreeSet<(String, String)> {
    let policies = template["Resources"][role]["Properties"]["Policies"].as_array();
    let statements = policies
        .unwrap()
        .iter()
        .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
    let mut allowed = BTreeSet::new();
    for statement in statements {
        let statement = match statement.get("Fn::If") {
            Some(choice) => &choice[1],
            None => statement,
        };
        assert_eq!(statement["Effect"], "Allow");
        assert_ne!(statement["Resource"], "*", "{statement}");
        let actions = match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            one => vec![one.clone()],
        };
        for action in actions {
            let action = action.as_str().unwrap();
            assert!(!action.contains('*'), "{action}");
            allowed.insert((
                statement["Sid"].as_str().unwrap().to_owned(),
                action.to_owned(),
            ));
        }
    }
    allowed
}

#[test]
fn template_code_and_docs_name_the_same_permissions() {
    check_role(
        "RecorderRole",
        "## The function's role",
        [OF_CALLS, OF_SERVICES],
    );
    check_role(
        "AgainRole",
        "## The role of `again`",
        [OF_AGAIN, OF_SERVICES_AGAIN],
    );
}

#[track_caller]
fn check_role(role: &str, section: &str, needed: [&[&str]; 2]) {
    let template = template();
    let allowed = allowed(&template, role);
    let in_template: BTreeSet<_> = allowed.iter().map(|(_, action)| action.as_str()).collect();
    let needed = needed
        .into_iter()
        .flatten()
        .flat_map(|phrase| actions(phrase));
    let needed: BTreeSet<_> = needed.collect();
    for action in in_template.union(&needed) {
        assert!(
            in_template.contains(action),
            "template.yaml does not allow {action} to {role}, and src/permissions.rs says that it is needed: add it to \
             a statement there"
        );
        assert!(
            needed.contains(action),
            "template.yaml allows {action} to {role}, and no list of src/permissions.rs for that role names it: add it \
             there, or take it from the role"
        );
    }

    let docs = read("docs/permissions.md");
    let role = docs.split(section).nth(1).unwrap();
    let role = role.split("\n## ").next().unwrap();
    let mut in_docs = BTreeSet::new();
    for row in rows(role) {
        assert_eq!(
            row.len(),
            5,
            "action, statement, resource, why, what breaks: {row:?}"
        );
        assert!(
            row.iter().all(|cell| cell.len() > 3),
            "docs/permissions.md: no cell is empty: {row:?}"
        );
        let statement = names(&row[1]).next().unwrap().to_owned();
        in_docs.extend(names(&row[0]).map(|action| (statement.clone(), action.to_owned())));
    }
    for (statement, action) in in_docs.union(&allowed) {
        let pair = (statement.clone(), action.clone());
        assert!(
            in_docs.contains(&pair),
            "docs/permissions.md, \"{section}\", has no row of {action} in the statement {statement}: add one"
        );
        assert!(
            allowed.contains(&pair),
            "docs/permissions.md, \"{section}\", tells of {action} in {statement}, which template.yaml does not \
             allow: take the row out"
        );
    }
}

/// What both roles are allowed under one name is one thing.
#[test]
fn statements_of_one_name_are_the_same_in_both_roles() {
    let template = template();
    let statements = |role: &str| {
        let policies = template["Resources"][role]["Properties"]["Policies"].as_array();
        let policy = &policies.unwrap()[0]["PolicyDocument"];
        policy["Statement"].as_array().unwrap().clone()
    };
    let sid = |statement: &Value| {
        let choice = statement.get("Fn::If").map(|choice| &choice[1]);
        choice.unwrap_or(statement)["Sid"].clone()
    };
    let recorder = statements("RecorderRole");
    let mut same = 0;
    for statement in statements("AgainRole") {
        let mut others = recorder
            .iter()
            .filter(|other| sid(other) == sid(&statement));
        if let Some(other) = others.next() {
            assert_eq!(
                &statement, other,
                "template.yaml: a statement of AgainRole differs from that of RecorderRole of the same Sid: change both, \
                 or give it a Sid of its own"
            );
            same += 1;
        }
    }
    assert_eq!(same, 6, "all but the listing");
}

/// A bucket's name can come to be somebody else's: every right on one names its owner.
#[test]
fn rights_on_buckets_name_the_buckets_account() {
    let template = template();
    for (role, count) in [("RecorderRole", 4), ("AgainRole", 2)] {
        let policies = template["Resources"][role]["Properties"]["Policies"].as_array();
        let statements = policies.unwrap()[0]["PolicyDocument"]["Statement"].as_array();
        let mut of_buckets = 0;
        for statement in statements.unwrap() {
            if statement["Action"].to_string().contains("\"s3:") {
                let owner = &statement["Condition"]["StringEquals"]["s3:ResourceAccount"];
                assert!(owner.is_object(), "{statement}");
                of_buckets += 1;
            }
        }
        assert_eq!(of_buckets, count, "{role}");
    }
}

#[test]
fn the_role_has_nothing_but_its_own_statements() {
    let template = template();
    for (function, role) in [("Recorder", "RecorderRole"), ("Again", "AgainRole")] {
        let properties = fields(&template["Resources"][role], "Properties");
        assert!(!properties.contains_key("ManagedPolicyArns"));
        let function = fields(&template["Resources"][function], "Properties");
        // SAM adds managed policies for these.
        assert!(!function.contains_key("Policies") && !function.contains_key("Events"));
        assert_eq!(function["Role"]["Fn::GetAtt"][0], role);
    }
    for file in ["template.yaml", "distribution.yaml", "listeners.yaml"] {
        let fixed = read(file).lines().any(|line| {
            line.contains("arn:aws:")
                && !["AllowedPattern", "must be"]
                    .iter()
                    .any(|word| line.contains(word))
        });
        assert!(
            !fixed,
            "{file}: ARNs take their partition from AWS::Partition"
        );
    }
}

/// Operations that a source calls: methods without arguments whose names begin with a verb.
fn operations(source: &str) -> BTreeSet<String> {
    let production = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let called = production
        .split('.')
        .skip(1)
        .filter_map(|rest| rest.split_once("()"));
    called
        .map(|(name, _)| name.to_owned())
        .filter(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        })
        .filter(|name| {
            VERBS
                .iter()
                .any(|verb| name.starts_with(&format!("{verb}_")))
        })
        .collect()
}

#[test]
fn the_code_calls_what_it_asks_permission_for_and_nothing_else() {
    let mut sources = vec![];
    for name in CALLERS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src/aws")
            .join(name);
        if path.is_dir() {
            let entries = std::fs::read_dir(path).unwrap();
            let files = entries.map(|entry| entry.unwrap().path());
            let called = files.filter(|path| !path.ends_with(OPERATORS_ALONE));
            sources.extend(called.map(|path| std::fs::read_to_string(path).unwrap()));
        } else {
            sources.push(std::fs::read_to_string(path).unwrap());
        }
    }
    let called: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| operations(source))
        .collect();
    let known: BTreeSet<_> = OPERATIONS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    for name in called.union(&known) {
        assert!(
            known.contains(name),
            "src/aws calls {name}: say in OPERATIONS of tests/house/template/permissions.rs which action it needs"
        );
        assert!(
            called.contains(name),
            "OPERATIONS of tests/house/template/permissions.rs names {name}, which src/aws does not call: take it out"
        );
    }

    let used = OPERATIONS.iter().map(|(_, action)| *action);
    let used = used.chain(WITHOUT_OPERATION.iter().map(|(action, _)| *action));
    let used: BTreeSet<_> = used.collect();
    let asked: BTreeSet<_> = OF_CALLS.iter().flat_map(|phrase| actions(phrase)).collect();
    for action in used.union(&asked) {
        assert!(
            asked.contains(action),
            "{action} is used, and OF_CALLS of src/permissions.rs does not name it: add it there"
        );
        assert!(
            used.contains(action),
            "OF_CALLS of src/permissions.rs names {action}, which nothing uses: take it out"
        );
    }
}
