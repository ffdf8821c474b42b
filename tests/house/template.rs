//! The template against the code and the docs: the same settings, permissions, metrics and
//! times in each, both ways; and a filter that drops no record that is to be recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use callreel::settings::LogLevel;
use callreel::settings::recorder::SETTINGS;
use serde_json::Value;

mod answering;
mod archive;
mod filter;
mod live;
mod permissions;
mod records;
mod rules;
mod voicemail;
pub mod yaml;

/// Settings that the template leaves alone, each with the reason.
const NOT_IN_THE_TEMPLATE: &[(&str, &str)] = &[
    ("REGION", "Lambda sets AWS_REGION, and all is in one region"),
    ("KVS_CONNECTIONS", "the default was chosen by measurement"),
    (
        "FRAGMENTS_PER_REQUEST",
        "the default was chosen by measurement",
    ),
    ("BATCH_CONCURRENCY", "MemorySize bounds it"),
    (
        "DEADLINE_MARGIN_SECONDS",
        "the default fits the time-out, which is no parameter",
    ),
    ("RETRY_QUEUE_URL", "the former name of `PARKING_QUEUE_URL`"),
    ("START_SELECTOR_TYPE", "does nothing"),
    ("RECORDINGS_PUBLIC_READ_ACL", "does nothing"),
];

/// All templates: the one that is deployed, and those that it nests.
const TEMPLATES: &[&str] = &[
    "template.yaml",
    "stacks/answering.yaml",
    "stacks/archive.yaml",
    "stacks/distribution.yaml",
    "stacks/listeners.yaml",
    "stacks/live.yaml",
    "stacks/voicemail.yaml",
    "stacks/voicemail-flows.yaml",
];

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

fn names_of(cell: &str) -> impl Iterator<Item = String> {
    names(cell).map(str::to_owned)
}

// ---------------------------------------------------------------- settings

#[test]
fn template_code_and_docs_name_the_same_settings() {
    let template = template();
    let variables = |function: &str| {
        let environment = &template["Resources"][function]["Properties"]["Environment"];
        fields(environment, "Variables").clone()
    };
    let (recorder, again) = (variables("Recorder"), variables("Again"));
    // What both have is the same: they write to one bucket.
    for (name, value) in &again {
        assert!(
            recorder.get(name).is_none_or(|other| other == value),
            "{name}"
        );
    }
    let in_template = recorder.keys().chain(again.keys());
    let in_template: BTreeSet<_> = in_template.map(String::as_str).collect();
    let in_code: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    let left_out: BTreeSet<_> = NOT_IN_THE_TEMPLATE.iter().map(|(name, _)| *name).collect();
    for name in &in_code {
        match (in_template.contains(name), left_out.contains(name)) {
            (false, false) => panic!(
                "template.yaml sets no {name}: add it to the Variables of Recorder (or Again), or a row with a \
                 reason to NOT_IN_THE_TEMPLATE in tests/house/template.rs"
            ),
            (true, true) => panic!(
                "template.yaml sets {name}, and NOT_IN_THE_TEMPLATE in tests/house/template.rs says that it does not: take \
                 one of them away"
            ),
            (true, false) | (false, true) => {}
        }
    }
    for name in in_template.union(&left_out) {
        assert!(
            in_code.contains(name),
            "template.yaml or NOT_IN_THE_TEMPLATE names {name}, which is no setting: add it to SETTINGS in \
             src/settings/recorder.rs, or take it out"
        );
    }

    // SAM passes none that does not stand in the template.
    let tried: Value = serde_json::from_str(&read("sandbox-env.json")).unwrap();
    let tried = tried["Recorder"].as_object().unwrap().keys();
    assert!(tried.into_iter().all(|name| in_template.contains(&**name)));

    let table = settings_table();
    let in_docs: BTreeSet<_> = table.iter().flat_map(|row| names(&row[0])).collect();
    for name in in_docs.union(&in_code) {
        assert!(
            in_docs.contains(name),
            "docs/function.md, \"Settings\", does not list {name}: add a row"
        );
        assert!(
            in_code.contains(name),
            "docs/function.md, \"Settings\", lists {name}, which is no setting: take the row out"
        );
    }
}

/// The rows of docs/function.md: variable, default, parameter, meaning.
fn settings_table() -> Vec<Vec<String>> {
    let page = read("docs/function.md");
    let settings = page.split("\n## Settings").nth(1).unwrap();
    rows(settings.split("\n#").next().unwrap())
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

// ---------------------------------------------------------------- the build

/// No linter looks at these.
#[test]
fn the_function_is_built_from_a_binary_of_ours() {
    let template = template();
    let function = &template["Resources"]["Recorder"];
    let manifest = read("Cargo.toml");
    // `sam build` passes the binary's name alone; cargo-lambda reads the features here.
    let build = "[package.metadata.lambda.build]\nno_default_features = true\nfeatures = [\"aws\", \"web\"]\nlocked = true";
    assert!(manifest.contains(build));
    // Of the functions alone: README's first command builds without.
    let optimised = "config = ['profile.release.lto=\"fat\"', \"profile.release.codegen-units=1\"]";
    assert!(manifest.contains(&format!("{build}\n")) && manifest.contains(optimised));
    let properties = &function["Properties"];
    assert_eq!(properties["Runtime"], "provided.al2023");
    assert_eq!(properties["Architectures"][0]["Ref"], "Architecture");
    let architecture = &template["Parameters"]["Architecture"];
    assert_eq!(architecture["Default"], "arm64");
    assert_eq!(
        architecture["AllowedValues"],
        serde_json::json!(["arm64", "x86_64"])
    );
}

/// All functions of all templates: where they stand, and what they are.
fn functions() -> Vec<(String, Value)> {
    let mut functions = Vec::new();
    for file in TEMPLATES {
        for (name, resource) in fields(&yaml::read(file), "Resources") {
            if resource["Type"] == "AWS::Serverless::Function" {
                functions.push((format!("{name} of {file}"), resource.clone()));
            }
        }
    }
    functions
}

/// One build serves all functions of a binary: `sam build` takes functions of equal CodeUri,
/// Metadata and architecture for one. The sources lie above the nested templates.
#[test]
fn functions_of_one_binary_are_one_build() {
    let template = template();
    let recorder = &template["Resources"]["Recorder"]["Properties"];
    let manifest = read("Cargo.toml");
    let mut builds: BTreeMap<String, (String, Value)> = BTreeMap::new();
    for (place, function) in functions() {
        let metadata = &function["Metadata"];
        assert_eq!(metadata["BuildMethod"], "rust-cargolambda", "{place}");
        let binary = metadata["BuildProperties"]["Binary"].as_str();
        let binary =
            binary.unwrap_or_else(|| panic!("{place} has no Metadata: BuildProperties: Binary"));
        assert!(
            manifest.contains(&format!("[[bin]]\nname = \"{binary}\"")),
            "{place} is built from {binary}, which is no [[bin]] of Cargo.toml"
        );
        let (first, of_first) = builds
            .entry(binary.to_owned())
            .or_insert_with(|| (place.clone(), metadata.clone()));
        assert_eq!(
            metadata, of_first,
            "the Metadata of {place} differs from that of {first}, so that {binary} would be built twice: make them \
             equal, the reasons of `checkov: skip` included"
        );
        let properties = &function["Properties"];
        let sources = match place.ends_with(" of template.yaml") {
            true => ".",
            false => "..",
        };
        assert_eq!(properties["CodeUri"], sources, "{place}: CodeUri");
        for property in ["Runtime", "Architectures"] {
            assert_eq!(
                properties[property], recorder[property],
                "{place}: {property}"
            );
        }
    }
}

#[test]
fn each_handler_has_a_function_and_each_function_a_handler() {
    let mut handled: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (place, function) in functions() {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let binary = word(&function["Metadata"]["BuildProperties"]["Binary"]);
        let handler = word(&function["Properties"]["Handler"]);
        assert!(
            handlers_of(&binary).contains(&handler),
            "{place} has the Handler {handler:?}, which src/lambda/{binary}.rs does not know: add it to HANDLERS \
             there, or correct the template"
        );
        handled.entry(binary).or_default().insert(handler);
    }
    for (binary, handled) in handled {
        for handler in handlers_of(&binary) {
            assert!(
                handled.contains(&handler),
                "src/lambda/{binary}.rs knows the handler {handler:?}, and no template has a function of it: add one \
                 with `Handler: {handler}` to template.yaml or to a file of stacks/ (docs/change-it.md, \"A handler\")"
            );
        }
    }
}

/// The handlers that a binary knows.
fn handlers_of(binary: &str) -> BTreeSet<String> {
    let source = read(&format!("src/lambda/{binary}.rs"));
    let known = source.split("const HANDLERS: ").nth(1).unwrap();
    let known = known.split("];").next().unwrap();
    known
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The schedule can wake the function, a parameter switches it off, and one run at a time
/// is enough.
#[test]
fn again_is_woken_by_its_schedule() {
    let template = template();
    let of = |name: &str| &template["Resources"][name]["Properties"];
    let rule = of("AgainSchedule");
    assert_eq!(rule["Targets"][0]["Arn"]["Fn::GetAtt"][0], "Again");
    let state = serde_json::json!({"Fn::If": ["ReadsAgain", "ENABLED", "DISABLED"]});
    assert_eq!(rule["State"], state);
    let condition = &template["Conditions"]["ReadsAgain"]["Fn::Equals"];
    assert_eq!(
        condition,
        &serde_json::json!([{"Ref": "ReadAgain"}, "true"])
    );
    let may = of("AgainScheduleMayInvoke");
    assert_eq!(may["SourceArn"]["Fn::GetAtt"][0], "AgainSchedule");
    assert_eq!(may["FunctionName"]["Ref"], "Again");
    assert_eq!(of("AgainIsNotRetried")["MaximumRetryAttempts"], 0);
    assert!(of("Again")["Timeout"].as_u64().unwrap() < 3_600);
}

/// Both event sources get the answer that the function gives: which records failed.
#[test]
fn both_mappings_take_the_functions_answer() {
    let template = template();
    for name in ["ContactRecords", "ParkedRecords"] {
        let mapping = &template["Resources"][name]["Properties"];
        assert_eq!(
            mapping["FunctionResponseTypes"][0], "ReportBatchItemFailures",
            "{name}"
        );
        assert_eq!(mapping["FunctionName"]["Ref"], "Recorder", "{name}");
    }
    let records = &template["Resources"]["ContactRecords"]["Properties"];
    assert_eq!(records["BisectBatchOnFunctionError"], true);
    let destination = &records["DestinationConfig"]["OnFailure"]["Destination"];
    assert_eq!(destination["Fn::GetAtt"][0], "FailedRecords");
    assert_eq!(
        template["Parameters"]["StartingPosition"]["Default"],
        "TRIM_HORIZON"
    );
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
    assert!(alarms.len() >= 2);
    alarms
}

/// Each alarm of a template says what to do, tells somebody, and is explained to whoever it
/// comes to.
fn check_alarms(template: &Value) {
    let alarms = alarms(template);
    let docs = read("docs/operations.md");
    for (name, alarm) in alarms {
        let description = alarm["AlarmDescription"].as_str().unwrap_or_default();
        assert!(
            description.len() > 100 && description.len() <= 1024,
            "the AlarmDescription of {name} says what to do, in 100 to 1,024 characters; it has {}",
            description.len()
        );
        assert!(
            alarm["AlarmActions"].is_object(),
            "{name} tells nobody: give it the AlarmActions of the other alarms"
        );
        // A mapping that does not poll says nothing: there, silence is the trouble.
        let missing = match alarm["MetricName"] == "PolledEventCount" {
            true => "breaching",
            false => "notBreaching",
        };
        assert_eq!(
            alarm["TreatMissingData"], missing,
            "TreatMissingData of {name}"
        );
        assert!(
            docs.contains(&format!("| `{name}` |")),
            "docs/operations.md, \"When an alarm comes\", does not explain {name}: add a row"
        );
    }
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

/// The names in `("Name", "Unit"` of the logs' sources.
fn emitted() -> BTreeSet<String> {
    let source = read("src/lambda/log.rs") + &read("src/lambda/recorder/again.rs");
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
    for name in names.union(&emitted) {
        assert!(
            names.contains(name),
            "the dashboard in template.yaml does not show the metric {name}: add it to a widget"
        );
        assert!(
            emitted.contains(name),
            "the dashboard in template.yaml shows {name}, which src/lambda does not emit: take it out"
        );
    }
    let page = read("docs/function.md");
    let told = page.split("\n## Metrics").nth(1).unwrap();
    let table = rows(told);
    let told: BTreeSet<_> = table.iter().flat_map(|row| names_of(&row[0])).collect();
    for name in told.union(&emitted) {
        assert!(
            told.contains(name),
            "docs/function.md, \"Metrics\", does not list {name}: add a row"
        );
        assert!(
            emitted.contains(name),
            "docs/function.md, \"Metrics\", lists {name}, which src/lambda does not emit: take the row out"
        );
    }
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
            assert_eq!(
                alarm["Dimensions"][0]["Name"], "Function",
                "the alarm {name} in template.yaml has no dimension Function: a metric of Callreel is one function's"
            );
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
    let expected: BTreeSet<_> = alarms
        .keys()
        .map(|name| format!("${{{name}.Arn}}"))
        .collect();
    for arn in shown.union(&expected) {
        assert!(
            shown.contains(arn),
            "the dashboard's first widget in template.yaml does not show the alarm {arn}: add it there"
        );
        assert!(
            expected.contains(arn),
            "the dashboard's first widget in template.yaml shows {arn}, which is no alarm: take it out"
        );
    }
    check_alarms(&template);
}

/// Each mapping has an alarm for the silence when nothing reads, and emits what it counts.
#[test]
fn a_mapping_that_reads_nothing_is_heard() {
    let template = template();
    let silent = |mapping: &str| {
        alarms(&template).into_values().any(|alarm| {
            let dimension = &alarm["Dimensions"][0];
            alarm["MetricName"] == "PolledEventCount"
                && alarm["Statistic"] == "SampleCount"
                && alarm["ComparisonOperator"] == "LessThanThreshold"
                && dimension["Name"] == "EventSourceMappingUUID"
                && dimension["Value"]["Ref"] == mapping
        })
    };
    for mapping in ["ContactRecords", "ParkedRecords"] {
        assert!(silent(mapping), "{mapping}");
        let metrics = &template["Resources"][mapping]["Properties"]["MetricsConfig"]["Metrics"];
        assert_eq!(metrics, &serde_json::json!(["EventCount"]), "{mapping}");
    }
}

#[test]
fn the_docs_count_and_price_the_alarms() {
    let template = template();
    let alarms = alarms(&template).len();
    for (page, told) in [
        ("README.md", format!(" {alarms} alarms ")),
        ("docs/figures.md", format!("| {alarms} at 0.10 ")),
    ] {
        let text = read(page);
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.contains(&told),
            "template.yaml has {alarms} alarms, and {page} does not say {told:?}: correct the number there"
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
    let queue = &resources["ParkingQueue"]["Properties"];
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

    let parameters = &template["Parameters"];
    let listed = |parameter: &str| -> BTreeSet<String> {
        let values = parameters[parameter]["AllowedValues"].as_array().unwrap();
        values.iter().map(Value::to_string).collect()
    };
    let mappings = &template["Mappings"];
    let ages = fields(mappings, "RecordAge");
    let keys = |of: &serde_json::Map<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(ages), listed("MediaRetentionHours"));
    for (media, row) in ages {
        let row = row.as_object().unwrap();
        assert_eq!(keys(row), listed("ContactRecordRetentionHours"));
        for (records, age) in row {
            let hours = |text: &str| text.parse::<u64>().unwrap() * 3_600;
            let half = hours(media).min(hours(records)) / 2;
            assert_eq!(age.as_u64(), Some(half), "{media} {records}");
            assert!(half <= 604_800, "Lambda takes a week at the most");
        }
    }
    let mapping = &resources["ContactRecords"]["Properties"];
    assert_eq!(mapping["MaximumRetryAttempts"], -1, "time alone bounds it");

    let timing = fields(mappings, "Timing");
    assert_eq!(keys(timing), listed("MediaRetentionHours"));
    for (hours, row) in timing {
        let retention = hours.parse::<u64>().unwrap() * 3_600;
        let of = |name: &str| row[name].as_u64().unwrap();
        let half_day = 12 * 3_600;
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
            "the parameter {name} is in none of the ParameterGroups of template.yaml: add it to one"
        );
        assert!(
            interface["ParameterLabels"][name]["default"].is_string(),
            "the parameter {name} has no label: add it to the ParameterLabels of template.yaml"
        );
        let description = parameter["Description"].as_str().unwrap();
        assert!(
            description.len() > 15 && description.len() < 4_000,
            "{name}"
        );
        assert!(
            docs.contains(&format!("| `{name}` |")),
            "docs/deploy.md, \"The parameters\", does not tell of {name}: add a row"
        );
        let constrained = parameter.get("AllowedPattern").is_some();
        assert_eq!(
            constrained,
            parameter.get("ConstraintDescription").is_some(),
            "the parameter {name}: an AllowedPattern goes with a ConstraintDescription, which says what is allowed"
        );
    }
    for name in fields(&template, "Outputs").keys() {
        assert!(
            docs.contains(&format!("`{name}`")),
            "docs/deploy.md, \"The outputs\", does not tell of {name}: add it there"
        );
    }
}

/// The nested stacks are given all that they take.
#[test]
fn the_parameters_of_nested_stacks_are_passed() {
    let mut nested = BTreeSet::new();
    for name in TEMPLATES {
        let template = yaml::read(name);
        let resources = fields(&template, "Resources").values();
        let stacks = resources.filter(|resource| resource["Type"] == "AWS::CloudFormation::Stack");
        for stack in stacks.map(|resource| &resource["Properties"]) {
            // Named from the template that nests it.
            let folder = name
                .rsplit_once('/')
                .map(|(folder, _)| format!("{folder}/"));
            let url = stack["TemplateURL"].as_str().unwrap();
            let file = folder.unwrap_or_default() + url;
            let taken = yaml::read(&file);
            let taken = keys_of(fields(&taken, "Parameters"));
            let passed = keys_of(fields(stack, "Parameters"));
            assert_eq!(taken, passed, "{file}");
            nested.insert(file);
        }
    }
    assert!(nested.iter().map(String::as_str).eq({
        let mut files = TEMPLATES[1..].to_vec();
        files.sort_unstable();
        files
    }));
}

fn keys_of(fields: &serde_json::Map<String, Value>) -> BTreeSet<&str> {
    fields.keys().map(String::as_str).collect()
}

/// docs/function.md tells of each setting which parameter sets it, or why none does.
#[test]
fn the_docs_say_which_parameter_sets_a_setting() {
    let template = template();
    let variables = |function: &str| {
        let environment = &template["Resources"][function]["Properties"]["Environment"];
        fields(environment, "Variables").clone()
    };
    let mut variables_of_all = variables("Recorder");
    variables_of_all.extend(variables("Again"));
    let variables = variables_of_all;
    let parameters = fields(&template, "Parameters");
    for row in settings_table() {
        let [setting, _, parameter, _] = &row[..] else {
            panic!(
                "docs/function.md, \"Settings\": variable, default, parameter, meaning: {row:?}"
            );
        };
        let setting = names(setting).next().unwrap();
        let reason = NOT_IN_THE_TEMPLATE
            .iter()
            .find(|(name, _)| *name == setting);
        let place = format!("docs/function.md, \"Settings\", the parameter of {setting}");
        match (variables.get(setting), reason) {
            (Some(value), _) => {
                let value = value.to_string();
                let taken = parameters
                    .keys()
                    .filter(|name| value.contains(&format!("\"{name}\"")));
                let taken: BTreeSet<_> = taken.map(String::as_str).collect();
                assert_eq!(
                    names(parameter).collect::<BTreeSet<_>>(),
                    taken,
                    "{place}: template.yaml takes it from the parameters on the right"
                );
                assert!(
                    !taken.is_empty() || parameter.starts_with("none: "),
                    "{place}: say \"none: \" and the reason"
                );
            }
            (None, Some((_, why))) => {
                assert_eq!(
                    *parameter,
                    format!("none: {why}"),
                    "{place}: give the reason of NOT_IN_THE_TEMPLATE in tests/house/template.rs"
                );
            }
            (None, None) => panic!("{setting} has neither parameter nor reason"),
        }
    }
}
