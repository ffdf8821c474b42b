//! What the role is allowed, what the code calls, and what the docs explain: the same.

use std::collections::BTreeSet;
use std::path::Path;

use callreel::permissions::{POLICIES, ROLES, Role, actions};
use serde_json::Value;

use super::{fields, names, read, rows, yaml};

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
    ("get_media", "kinesisvideo:GetMedia"),
    ("send_message", "sqs:SendMessage"),
    ("get_object_tagging", "s3:GetObjectTagging"),
    ("describe_queue", "connect:DescribeQueue"),
    ("describe_user", "connect:DescribeUser"),
    ("search_users", "connect:SearchUsers"),
    ("start_task_contact", "connect:StartTaskContact"),
    (
        "start_transcription_job",
        "transcribe:StartTranscriptionJob",
    ),
    ("get_transcription_job", "transcribe:GetTranscriptionJob"),
    (
        "delete_transcription_job",
        "transcribe:DeleteTranscriptionJob",
    ),
    ("send_email", "ses:SendEmail"),
    ("get_email_template", "ses:GetEmailTemplate"),
    ("get_secret_value", "secretsmanager:GetSecretValue"),
    ("put_events", "events:PutEvents"),
    ("put_record", "kinesis:PutRecord"),
];
/// Permissions without an operation of their own.
const WITHOUT_OPERATION: &[(&str, &str)] = &[
    ("ses:SendRawEmail", "of send_email with a whole message"),
    (
        "bedrock:InvokeModel",
        "of converse, whose name begins with no verb",
    ),
    ("s3:ListBucket", "makes a missing object a 404"),
    (
        "connect:DescribeContact",
        "of contacts.rs, which operators use as well",
    ),
    (
        "s3:PutObjectTagging",
        "of put_object and create_multipart_upload with tags",
    ),
];
/// How names of operations begin.
const VERBS: &[&str] = &[
    "abort", "change", "complete", "copy", "create", "delete", "describe", "get", "head", "list",
    "put", "receive", "search", "send", "start", "update", "upload",
];
/// The files of src/aws that the function calls AWS from.
const CALLERS: &[&str] = &[
    "connect.rs",
    "data_stream.rs",
    "desk.rs",
    "events.rs",
    "kvs.rs",
    "kvs",
    "mail.rs",
    "queue.rs",
    "s3.rs",
    "s3",
    "secrets.rs",
    "summary.rs",
    "transcribe.rs",
];

/// Statements whose action knows no resource; a condition bounds each. Service Authorization
/// Reference, "Actions defined by Amazon Transcribe".
const FOR_ANY_RESOURCE: &[&str] = &["StartJobs"];

/// What `callreel forget` calls as whoever runs it: no role of the function deletes anything.
const OPERATORS_ALONE: &str = "erasing.rs";

/// What a role allows, one statement each.
fn statements(role: &Role) -> Vec<Value> {
    let template = yaml::read(role.template);
    let properties = &template["Resources"][role.name]["Properties"];
    // A policy that people attach is one document, a role has a list of policies.
    let policies = match properties["PolicyDocument"].is_object() {
        true => vec![properties],
        false => properties["Policies"]
            .as_array()
            .unwrap_or_else(|| panic!("{} has {}", role.template, role.name))
            .iter()
            .collect(),
    };
    let documents = policies.into_iter().map(|policy| &policy["PolicyDocument"]);
    documents
        .flat_map(|document| document["Statement"].as_array().unwrap().clone())
        .collect()
}

/// A statement that stands there under a condition, or always.
fn granted(statement: &Value) -> &Value {
    let choice = statement.get("Fn::If").map(|choice| &choice[1]);
    choice.unwrap_or(statement)
}

/// Statement id and action, of all that a role allows.
fn allowed(role: &Role) -> BTreeSet<(String, String)> {
    let mut allowed = BTreeSet::new();
    for statement in statements(role) {
        let statement = granted(&statement);
        assert_eq!(statement["Effect"], "Allow");
        let is_of_anything = FOR_ANY_RESOURCE.contains(&statement["Sid"].as_str().unwrap());
        assert_eq!(statement["Resource"] == "*", is_of_anything, "{statement}");
        assert!(
            !is_of_anything || statement["Condition"].is_object(),
            "{statement}"
        );
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
    ROLES.iter().for_each(check_role);
    for policy in POLICIES {
        check_role(&Role {
            function: "",
            name: policy.name,
            template: policy.template,
            section: policy.section,
            calls: policy.calls,
            services: policy.services,
        });
    }
}

/// Who watches calls can change nothing, and read nothing that was recorded.
#[test]
fn policies_for_people_read_and_do_nothing_else() {
    for policy in POLICIES {
        let phrases = policy.calls.iter().chain(policy.services);
        for action in phrases.flat_map(|phrase| actions(phrase)) {
            let (service, name) = action.split_once(':').unwrap();
            let reads = ["Get", "List", "Decrypt"]
                .iter()
                .any(|verb| name.starts_with(verb));
            assert!(
                reads && ["kinesis", "kinesisvideo", "kms"].contains(&service),
                "{}: {action}",
                policy.name
            );
        }
    }
}

#[track_caller]
fn check_role(role: &Role) {
    let Role { name, template, .. } = role;
    let allowed = allowed(role);
    let in_template: BTreeSet<_> = allowed.iter().map(|(_, action)| action.as_str()).collect();
    let needed = role.calls.iter().chain(role.services);
    let needed: BTreeSet<_> = needed.flat_map(|phrase| actions(phrase)).collect();
    for action in in_template.union(&needed) {
        assert!(
            in_template.contains(action),
            "{template} does not allow {action} to {name}, and src/permissions.rs says that it is needed: add it to \
             a statement there"
        );
        assert!(
            needed.contains(action),
            "{template} allows {action} to {name}, and no list of src/permissions.rs for that role names it: add it \
             there, or take it from the role"
        );
    }

    let docs = read("docs/permissions.md");
    let section = role.section;
    let explained = docs.split(&format!("{section}\n")).nth(1);
    let explained = explained.unwrap_or_else(|| panic!("docs/permissions.md has no {section:?}"));
    let explained = explained.split("\n## ").next().unwrap();
    let mut in_docs = BTreeSet::new();
    for row in rows(explained) {
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
            "docs/permissions.md, \"{section}\", tells of {action} in {statement}, which {template} does not allow to \
             {name}: take the row out"
        );
    }
}

/// What roles of one template are allowed under one name is one thing.
#[test]
fn statements_of_one_name_are_the_same_in_all_roles_of_a_template() {
    let mut same = 0;
    for (at, role) in ROLES.iter().enumerate() {
        let earlier = ROLES[..at].iter();
        for other in earlier.filter(|other| other.template == role.template) {
            let others = statements(other);
            for statement in statements(role) {
                let sid = &granted(&statement)["Sid"];
                let twin = others.iter().find(|other| &granted(other)["Sid"] == sid);
                if let Some(twin) = twin {
                    assert_eq!(
                        &statement, twin,
                        "{}: the statement {sid} of {} differs from that of {}: change both, or give it a Sid of its \
                         own",
                        role.template, role.name, other.name
                    );
                    same += 1;
                }
            }
        }
    }
    assert!(same > 0, "roles of one template have statements in common");
}

/// A bucket's name can come to be somebody else's: every right on one names its owner.
#[test]
fn rights_on_buckets_name_the_buckets_account() {
    let mut of_buckets = 0;
    for role in ROLES {
        for statement in statements(role) {
            let statement = granted(&statement);
            if statement["Action"].to_string().contains("\"s3:") {
                let owner = &statement["Condition"]["StringEquals"]["s3:ResourceAccount"];
                assert!(
                    owner.is_object(),
                    "{} of {}: a statement on S3 without the bucket's account: give it the Condition \
                     s3:ResourceAccount of the others: {statement}",
                    role.name,
                    role.template
                );
                of_buckets += 1;
            }
        }
    }
    assert!(of_buckets > ROLES.len(), "statements on buckets are found");
}

/// Where each role may store objects, as its template words it. A role that is not here may
/// store none.
const STORES_UNDER: &[(&str, &str)] = &[
    ("RecorderRole", "${S3BucketPrefix}*"),
    ("AgainRole", "${S3BucketPrefix}*"),
    ("NoteRole", "${NotesPrefix}*"),
    ("SaveRole", "${MessagesPrefix}*"),
    ("ReconcileRole", "${MessagesPrefix}*"),
    ("CaptureRole", "${Recordings.Arn}/*"),
    ("CaptureRole", "${Transcripts.Arn}/*"),
    ("TranscribeRole", "${Transcripts.Arn}/*"),
    ("TranscribeFailedRole", "${Transcripts.Arn}/*"),
    ("DeliverRole", "${Recordings.Arn}/delivered/*"),
    ("ReconcileVoicemailRole", "${Transcripts.Arn}/*"),
    ("ReconcileVoicemailRole", "${Recordings.Arn}/delivered/*"),
];

/// The function that a caller waits for can neither read media nor touch a message.
#[test]
fn a_role_writes_under_its_own_prefix_alone() {
    for role in ROLES {
        let writes = statements(role).into_iter().filter(|statement| {
            let actions = granted(statement)["Action"].to_string();
            actions.contains("\"s3:PutObject\"")
        });
        let places: BTreeSet<_> = writes
            .map(|statement| granted(&statement)["Resource"].to_string())
            .collect();
        let under = STORES_UNDER.iter().filter(|(name, _)| *name == role.name);
        let under: Vec<_> = under.map(|(_, prefix)| *prefix).collect();
        for place in &places {
            assert!(
                under.iter().any(|prefix| place.contains(prefix))
                    || place.contains("${FailedRecords.Arn}/*"),
                "{} of {} may store objects at {place}; STORES_UNDER in tests/house/template/permissions.rs says \
                 {under:?}: narrow the statement, or add a row there",
                role.name,
                role.template
            );
        }
    }
}

#[test]
fn a_role_has_nothing_but_its_own_statements() {
    for role in ROLES {
        let template = yaml::read(role.template);
        let properties = fields(&template["Resources"][role.name], "Properties");
        assert!(!properties.contains_key("ManagedPolicyArns"));
        let function = fields(&template["Resources"][role.function], "Properties");
        // SAM adds managed policies for these.
        assert!(!function.contains_key("Policies") && !function.contains_key("Events"));
        assert_eq!(function["Role"]["Fn::GetAtt"][0], role.name);
    }
    for file in super::TEMPLATES {
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

/// Each function of each template has a role in the table.
#[test]
fn each_function_has_a_role_in_the_table() {
    let mut functions = BTreeSet::new();
    for file in super::TEMPLATES {
        let template = yaml::read(file);
        let of_file = fields(&template, "Resources").iter();
        let of_file = of_file.filter(|(_, it)| it["Type"] == "AWS::Serverless::Function");
        functions.extend(of_file.map(|(name, _)| ((*file).to_owned(), name.clone())));
    }
    let listed = ROLES.iter();
    let listed = listed.map(|role| (role.template.to_owned(), role.function.to_owned()));
    assert_eq!(functions, listed.collect::<BTreeSet<_>>());
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
    let asked = ROLES.iter().flat_map(|role| role.calls);
    let asked: BTreeSet<_> = asked.flat_map(|phrase| actions(phrase)).collect();
    for action in used.union(&asked) {
        assert!(
            asked.contains(action),
            "{action} is used, and no role of src/permissions.rs calls it: add it there"
        );
        assert!(
            used.contains(action),
            "a role of src/permissions.rs calls {action}, which nothing uses: take it out"
        );
    }
}
