//! The template against the code and the docs: the same settings, permissions, metrics and
//! times in each, both ways; and a filter that drops no record that is to be recorded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use callreel::config::{LogLevel, SETTINGS};
use callreel::permissions::{OF_CALLS, OF_SERVICES, actions};
use serde_json::Value;

#[path = "template/filter.rs"]
mod filter;
#[path = "template/records.rs"]
mod records;
#[path = "template/yaml.rs"]
mod yaml;

/// Settings that the template leaves alone, each with the reason.
const NOT_IN_THE_TEMPLATE: &[(&str, &str)] = &[
    ("REGION", "Lambda sets AWS_REGION, and all is in one region"),
    ("KVS_CONNECTIONS", "the default was chosen by measurement"),
    (
        "FRAGMENTS_PER_REQUEST",
        "the default was chosen by measurement",
    ),
    (
        "BATCH_CONCURRENCY",
        "memory bounds it, and MemorySize does not change that bound",
    ),
    (
        "DEADLINE_MARGIN_SECONDS",
        "the default fits the time-out, which is no parameter",
    ),
    ("START_SELECTOR_TYPE", "does nothing"),
    ("RECORDINGS_PUBLIC_READ_ACL", "does nothing"),
];

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

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn template() -> Value {
    yaml::read("template.yaml")
}

fn fields<'a>(value: &'a Value, name: &str) -> &'a serde_json::Map<String, Value> {
    let found = value[name].as_object();
    found.unwrap_or_else(|| panic!("{name} is there"))
}

/// The first cells in backquotes of a Markdown table's rows.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

// ---------------------------------------------------------------- settings

#[test]
fn template_code_and_readme_name_the_same_settings() {
    let template = template();
    let in_template: BTreeSet<_> = fields(
        &template["Resources"]["Recorder"]["Properties"]["Environment"],
        "Variables",
    )
    .keys()
    .map(String::as_str)
    .collect();
    let in_code: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    let left_out: BTreeSet<_> = NOT_IN_THE_TEMPLATE.iter().map(|(name, _)| *name).collect();
    let expected: BTreeSet<_> = in_code.difference(&left_out).copied().collect();
    assert_eq!(in_template, expected);
    assert!(left_out.is_subset(&in_code), "{left_out:?}");

    let readme = read("README.md");
    let settings = readme.split("### Settings").nth(1).unwrap();
    let settings = settings.split("\n#").next().unwrap();
    let rows = rows(settings);
    let in_readme: BTreeSet<_> = rows.iter().flat_map(|row| names(&row[0])).collect();
    assert_eq!(in_readme, in_code);
}

#[test]
fn what_the_template_sets_by_default_is_the_codes_default() {
    let template = template();
    let default = |name: &str| {
        let mut found = SETTINGS.iter().filter(|setting| setting.name == name);
        found.next().unwrap().default
    };
    let parameters = &template["Parameters"];
    assert_eq!(
        parameters["S3BucketPrefix"]["Default"],
        default("RECORDINGS_KEY_PREFIX")
    );
    assert_eq!(parameters["LogLevel"]["Default"], default("LOG_LEVEL"));
    for level in parameters["LogLevel"]["AllowedValues"].as_array().unwrap() {
        assert!(
            level.as_str().unwrap().parse::<LogLevel>().is_ok(),
            "{level}"
        );
    }
}

// ---------------------------------------------------------------- permissions

/// Statement id and action, of all that the role allows.
fn allowed(template: &Value) -> BTreeSet<(String, String)> {
    let policies = template["Resources"]["RecorderRole"]["Properties"]["Policies"].as_array();
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
    let template = template();
    let allowed = allowed(&template);
    let in_template: BTreeSet<_> = allowed.iter().map(|(_, action)| action.as_str()).collect();
    let needed = OF_CALLS
        .iter()
        .chain(OF_SERVICES)
        .flat_map(|phrase| actions(phrase));
    assert_eq!(in_template, needed.collect());

    let docs = read("docs/permissions.md");
    let role = docs.split("## The function's role").nth(1).unwrap();
    let role = role.split("\n## ").next().unwrap();
    let mut in_docs = BTreeSet::new();
    for row in rows(role) {
        assert_eq!(
            row.len(),
            5,
            "action, statement, resource, why, what breaks: {row:?}"
        );
        assert!(row.iter().all(|cell| cell.len() > 3), "{row:?}");
        let statement = names(&row[1]).next().unwrap().to_owned();
        in_docs.extend(names(&row[0]).map(|action| (statement.clone(), action.to_owned())));
    }
    assert_eq!(in_docs, allowed);
}

#[test]
fn the_role_has_nothing_but_its_own_statements() {
    let template = template();
    let role = fields(&template["Resources"]["RecorderRole"], "Properties");
    assert!(!role.contains_key("ManagedPolicyArns"));
    let function = fields(&template["Resources"]["Recorder"], "Properties");
    // SAM adds managed policies for these.
    assert!(!function.contains_key("Policies") && !function.contains_key("Events"));
    assert!(function.contains_key("Role"));
    for file in ["template.yaml", "distribution.yaml"] {
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
            sources.extend(
                entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()),
            );
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
    assert_eq!(called, known, "OPERATIONS says which permission each needs");

    let used = OPERATIONS.iter().map(|(_, action)| *action);
    let used = used.chain(WITHOUT_OPERATION.iter().map(|(action, _)| *action));
    let asked = OF_CALLS.iter().flat_map(|phrase| actions(phrase));
    assert_eq!(used.collect::<BTreeSet<_>>(), asked.collect());
}

// ---------------------------------------------------------------- metrics and alarms

fn alarms(template: &Value) -> BTreeMap<&str, &Value> {
    let resources = template["Resources"].as_object().unwrap();
    let alarms = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm");
    let alarms: BTreeMap<_, _> = alarms
        .map(|(name, alarm)| (name.as_str(), &alarm["Properties"]))
        .collect();
    assert!(alarms.len() >= 8);
    alarms
}

/// The dashboard's JSON, with what `!Sub` fills in as it stands.
fn dashboard(template: &Value) -> Value {
    let body = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
    serde_json::from_str(body.as_str().unwrap()).unwrap()
}

/// Metrics that the dashboard shows, of one namespace, with the names of their dimensions.
fn shown(dashboard: &Value, namespace: &str) -> BTreeSet<(String, Vec<String>)> {
    let widgets = dashboard["widgets"].as_array().unwrap().iter();
    let metrics = widgets
        .filter_map(|widget| widget["properties"]["metrics"].as_array())
        .flatten();
    let of_namespace = metrics.filter(|metric| metric[0] == namespace);
    of_namespace
        .map(|metric| {
            let words: Vec<_> = metric
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let dimensions = words[2..].iter().step_by(2).map(|name| (*name).to_owned());
            (words[1].to_owned(), dimensions.collect())
        })
        .collect()
}

/// The names in `("Name", "Unit"` of the log's source.
fn emitted() -> BTreeSet<String> {
    let source = read("src/lambda/log.rs");
    let compact: String = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = ["Seconds", "Count"].into_iter().flat_map(|unit| {
        let parts: Vec<_> = compact
            .split(&format!("\", \"{unit}\","))
            .map(str::to_owned)
            .collect();
        let last = parts.len() - 1;
        parts
            .into_iter()
            .take(last)
            .map(|before| before.rsplit('"').next().unwrap().to_owned())
    });
    let names: BTreeSet<_> = named.collect();
    assert!(names.len() >= 6, "{names:?}");
    names
}

#[test]
fn alarms_and_dashboard_watch_what_the_code_emits() {
    let template = template();
    let namespace = "Callreel";
    let source = read("src/lambda/log.rs");
    assert!(source.contains(&format!("NAMESPACE: &str = \"{namespace}\"")));
    for dimensions in ["[\"Function\"]", "[\"Function\", \"Status\"]"] {
        assert!(
            source.contains(dimensions),
            "log.rs emits the dimensions {dimensions}"
        );
    }
    let emitted = emitted();
    let shown = shown(&dashboard(&template), namespace);
    let names: BTreeSet<_> = shown.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, emitted);
    for (name, dimensions) in &shown {
        assert!(
            dimensions == &["Function"] || dimensions == &["Function", "Status"],
            "{name} {dimensions:?}"
        );
    }
    for (name, alarm) in alarms(&template) {
        if alarm["Namespace"] == namespace {
            assert!(
                emitted.contains(alarm["MetricName"].as_str().unwrap()),
                "{name}"
            );
            assert_eq!(alarm["Dimensions"][0]["Name"], "Function", "{name}");
        }
    }
}

#[test]
fn each_alarm_says_what_to_do_and_tells_somebody() {
    let template = template();
    let shown = dashboard(&template)["widgets"][0]["properties"]["alarms"].clone();
    let shown: BTreeSet<_> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|arn| arn.as_str().unwrap().to_owned())
        .collect();
    let alarms = alarms(&template);
    let expected = alarms
        .keys()
        .map(|name| format!("${{{name}.Arn}}"))
        .collect();
    assert_eq!(shown, expected);
    let docs = read("docs/deploy.md");
    for (name, alarm) in alarms {
        let description = alarm["AlarmDescription"].as_str().unwrap();
        assert!(
            description.len() > 100 && description.len() <= 1024,
            "{name}"
        );
        assert!(
            alarm["AlarmActions"].is_object() && alarm["TreatMissingData"] == "notBreaching",
            "{name}"
        );
        assert!(
            docs.contains(&format!("| `{name}` |")),
            "docs/deploy.md explains {name}"
        );
    }
}

// ---------------------------------------------------------------- times

#[test]
fn times_fit_the_retention() {
    let template = template();
    let resources = &template["Resources"];
    let timeout = resources["Recorder"]["Properties"]["Timeout"]
        .as_u64()
        .unwrap();
    let queue = &resources["RetryQueue"]["Properties"];
    let visibility = queue["VisibilityTimeout"].as_u64().unwrap();
    assert!(
        visibility >= 6 * timeout,
        "Lambda wants six times the time-out"
    );
    let kept = queue["MessageRetentionPeriod"].as_u64().unwrap();
    assert_eq!(
        resources["DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"],
        kept
    );

    let timing = fields(&template["Mappings"], "Timing");
    let listed = template["Parameters"]["MediaRetentionHours"]["AllowedValues"]
        .as_array()
        .unwrap();
    let listed: BTreeSet<_> = listed.iter().map(Value::to_string).collect();
    assert_eq!(timing.keys().cloned().collect::<BTreeSet<_>>(), listed);
    for (hours, row) in timing {
        let retention = hours.parse::<u64>().unwrap() * 3_600;
        let of = |name: &str| row[name].as_u64().unwrap();
        let half_day = 12 * 3_600;
        assert_eq!(of("RecordAge"), (retention / 2).min(half_day), "{hours}");
        assert_eq!(
            of("IteratorAgeMillis"),
            (retention / 12 * 1_000).min(half_day * 500),
            "{hours}"
        );
        assert_eq!(of("AtRiskSeconds"), retention / 4, "{hours}");
        // The tries reach to the end of the retention, or of a week, and half of the
        // message's own time is left to the dead-letter queue.
        assert_eq!(
            of("Receives"),
            retention.min(kept / 2) / visibility,
            "{hours}"
        );
    }
}

// ---------------------------------------------------------------- parameters

#[test]
fn each_parameter_is_grouped_labelled_and_explained() {
    let template = template();
    let parameters = fields(&template, "Parameters");
    let interface = &template["Metadata"]["AWS::CloudFormation::Interface"];
    let groups = interface["ParameterGroups"].as_array().unwrap();
    let grouped: Vec<_> = groups
        .iter()
        .flat_map(|group| group["Parameters"].as_array().unwrap())
        .collect();
    assert_eq!(grouped.len(), parameters.len(), "each in one group");
    let docs = read("docs/deploy.md");
    for (name, parameter) in parameters {
        assert!(
            grouped.iter().any(|grouped| *grouped == name),
            "{name} is in a group"
        );
        assert!(
            interface["ParameterLabels"][name]["default"].is_string(),
            "{name} has a label"
        );
        let description = parameter["Description"].as_str().unwrap();
        assert!(
            description.len() > 15 && description.len() < 4_000,
            "{name}"
        );
        assert!(
            docs.contains(&format!("| `{name}` |")),
            "docs/deploy.md tells of {name}"
        );
        let constrained = parameter.get("AllowedPattern").is_some();
        assert_eq!(
            constrained,
            parameter.get("ConstraintDescription").is_some(),
            "{name}"
        );
    }
    for name in fields(&template, "Outputs").keys() {
        assert!(
            docs.contains(&format!("`{name}`")),
            "docs/deploy.md tells of {name}"
        );
    }
}

/// The distribution's stack is given all that it takes.
#[test]
fn the_distributions_parameters_are_passed() {
    let template = template();
    let passed = fields(
        &template["Resources"]["Distribution"]["Properties"],
        "Parameters",
    );
    let taken = yaml::read("distribution.yaml");
    let taken = fields(&taken, "Parameters");
    assert!(taken.keys().eq(passed.keys()), "{:?}", passed.keys());
}
