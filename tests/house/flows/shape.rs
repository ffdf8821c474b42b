//! The shape of a contact flow: what the flow language (Amazon Connect Developer Guide,
//! "Amazon Connect Flow language", Version 2019-10-30) says of each action that the sample
//! flows use, and what its console needs to draw them. [`findings`] tells what is wrong.
//!
//! Where guide and console differ, the console's exports win: they are what it imports.
//! `ThirdPartyConnectionTimeLimitSeconds` is one, `entryPointPosition` in lower case another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

const VERSION: &str = "2019-10-30";
/// Limits of the flow language.
const MAX_ACTIONS: usize = 250;
const MAX_CHARS: usize = 256_000;
const MAX_IDENTIFIER_CHARS: usize = 50;
const NOT_IN_IDENTIFIERS: &str = "%:(\\/)=$,;[]{}";
/// Blocks in the designer are about this large.
const BLOCK: (f64, f64) = (200.0, 150.0);

pub const NO_MATCHING_ERROR: &str = "NoMatchingError";
pub const NO_MATCHING_CONDITION: &str = "NoMatchingCondition";
pub const INPUT_TIMEOUT: &str = "InputTimeLimitExceeded";
pub const CALL_FAILED: &str = "CallFailed";
pub const NO_ANSWER: &str = "ConnectionTimeLimitExceeded";
pub const QUEUE_FULL: &str = "QueueAtCapacity";
pub const TIME_IS_OVER: &str = "TimeLimitExceeded";
/// The only result of prompts in a loop.
pub const INTERRUPTED: &str = "MessagesInterrupted";
/// In the ARN of each view that AWS brings, in front of its name.
const VIEWS: &str = ":aws:view/";

/// What the sample flows are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SetAttributes,
    Streaming,
    Message,
    /// A prompt of the instance.
    Tone,
    /// Silence in which the caller speaks.
    Listen,
    Input,
    Loop,
    /// A Lambda function.
    Note,
    SetQueue,
    /// Whether somebody is there.
    Staffing,
    Queue,
    Transfer,
    Disconnect,
    /// The function that tells desks of calls.
    Tell,
    /// The function that signs links.
    Sign,
    /// Words and a pause behind them.
    Moment,
    /// Silence in which the caller speaks, up to a key.
    Speak,
    /// Whether an attribute is this.
    Check,
    /// The flow that runs when something happens.
    Hook,
    /// Prompts in a loop, for who waits in a queue.
    Hold,
    /// What an agent sees.
    View,
    /// One agent first.
    Prefer,
    /// Another flow's part.
    Module,
    /// The flow ends and the contact goes on.
    End,
    /// Back to the flow that the module is part of.
    Return,
}

impl Kind {
    pub fn of(action: &Value) -> Option<Self> {
        let has = |name: &str| action["Parameters"].get(name).is_some();
        Some(match action["Type"].as_str()? {
            "MessageParticipant" if has("Text") => Self::Message,
            "MessageParticipant" if has("PromptId") => Self::Tone,
            "MessageParticipant" if moment(action).is_some() => Self::Moment,
            "MessageParticipant" if has("SSML") => Self::Listen,
            "InvokeLambdaFunction" => match function(action) {
                "callreel-live-start" => Self::Tell,
                "callreel-sign" => Self::Sign,
                _ => Self::Note,
            },
            "GetParticipantInput" if has("SSML") => Self::Speak,
            "Compare" => Self::Check,
            "UpdateContactEventHooks" => Self::Hook,
            "MessageParticipantIteratively" => Self::Hold,
            "ShowView" => Self::View,
            "UpdateContactRoutingCriteria" => Self::Prefer,
            "InvokeFlowModule" => Self::Module,
            "EndFlowExecution" => Self::End,
            "EndFlowModuleExecution" => Self::Return,
            "UpdateContactTargetQueue" => Self::SetQueue,
            "CheckMetricData" => Self::Staffing,
            "TransferContactToQueue" => Self::Queue,
            "UpdateContactAttributes" => Self::SetAttributes,
            "UpdateContactMediaStreamingBehavior" => Self::Streaming,
            "MessageParticipant" => Self::Message,
            "GetParticipantInput" => Self::Input,
            "Loop" => Self::Loop,
            "TransferParticipantToThirdParty" => Self::Transfer,
            "DisconnectParticipant" => Self::Disconnect,
            _ => return None,
        })
    }

    /// Its parameters, each with what it must be; all are required here.
    fn parameters(self) -> &'static [(&'static str, Parameter)] {
        match self {
            Self::SetAttributes => &[
                ("Attributes", Parameter::Attributes),
                ("TargetContact", Parameter::OneOf(&["Current", "Related"])),
            ],
            Self::Streaming => &[
                (
                    "MediaStreamingState",
                    Parameter::OneOf(&["Enabled", "Disabled"]),
                ),
                ("Participants", Parameter::Participants),
                ("MediaStreamType", Parameter::OneOf(&["Audio"])),
            ],
            Self::Message => &[("Text", Parameter::Text)],
            Self::Tone => &[("PromptId", Parameter::Arn("prompt/"))],
            Self::Listen => &[("SSML", Parameter::Pause)],
            // A flow waits for 8 s at the most.
            Self::Note | Self::Tell => &[
                ("LambdaFunctionARN", Parameter::Arn("function:")),
                ("InvocationTimeLimitSeconds", Parameter::Number(1, 8)),
                ("ResponseValidation", Parameter::StringMap),
            ],
            // Texts of a string map may have no signs such as a link has.
            Self::Sign => &[
                ("LambdaFunctionARN", Parameter::Arn("function:")),
                ("InvocationTimeLimitSeconds", Parameter::Number(1, 8)),
                ("ResponseValidation", Parameter::Json),
            ],
            Self::Moment => &[("SSML", Parameter::Text)],
            Self::Speak => &[
                ("SSML", Parameter::Pause),
                ("StoreInput", Parameter::OneOf(&["False"])),
                ("InputTimeLimitSeconds", Parameter::Number(1, 180)),
            ],
            Self::Check => &[("ComparisonValue", Parameter::Path)],
            Self::Hook => &[("EventHooks", Parameter::Hook)],
            Self::Hold => &[
                ("Messages", Parameter::Messages),
                ("InterruptFrequencySeconds", Parameter::Number(1, 3_600)),
            ],
            Self::View => &[
                ("ViewResource", Parameter::View),
                ("InvocationTimeLimitSeconds", Parameter::Number(1, 86_400)),
                ("ViewData", Parameter::Shown),
                ("SensitiveDataConfiguration", Parameter::Hidden),
            ],
            Self::Prefer => &[("RoutingCriteria", Parameter::Criteria)],
            Self::Module => &[("FlowModuleId", Parameter::Arn("flow-module/"))],
            Self::SetQueue => &[("QueueId", Parameter::ArnOrPath("queue/"))],
            // Of these, "more than 0" is all that can be asked.
            Self::Staffing => &[(
                "MetricType",
                Parameter::OneOf(&[
                    "NumberOfAgentsAvailable",
                    "NumberOfAgentsOnline",
                    "NumberOfAgentsStaffed",
                ]),
            )],
            Self::Queue => &[],
            // With StoreInput True there would be no conditions.
            Self::Input => &[
                ("Text", Parameter::Text),
                ("StoreInput", Parameter::OneOf(&["False"])),
                ("InputTimeLimitSeconds", Parameter::Number(1, 180)),
            ],
            Self::Loop => &[("LoopCount", Parameter::Number(0, 100))],
            Self::Transfer => &[
                ("ThirdPartyPhoneNumber", Parameter::Phone),
                (
                    "ThirdPartyConnectionTimeLimitSeconds",
                    Parameter::Number(0, 600),
                ),
                (
                    "ContinueFlowExecution",
                    Parameter::OneOf(&["True", "False"]),
                ),
            ],
            Self::Disconnect | Self::End | Self::Return => &[],
        }
    }

    /// Whether nothing comes behind it.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Disconnect | Self::End | Self::Return)
    }

    /// Whether its conditions and errors name all the ways that there are.
    fn decides(self) -> bool {
        matches!(
            self,
            Self::Input
                | Self::Speak
                | Self::Loop
                | Self::Staffing
                | Self::Check
                | Self::Hold
                | Self::View
        )
    }

    /// The types of flows that it may stand in, as each action's page has it.
    fn stands_in(self, flow: FlowType) -> bool {
        use FlowType::{AgentWhisper, CustomerQueue, CustomerWhisper, Flow, Module};
        let whispers = matches!(flow, AgentWhisper | CustomerWhisper);
        match self {
            Self::SetAttributes
            | Self::Streaming
            | Self::Message
            | Self::Tone
            | Self::Listen
            | Self::Moment
            | Self::Loop
            | Self::Note
            | Self::Tell
            | Self::Sign
            | Self::Hook
            | Self::Check => true,
            Self::Input | Self::Speak | Self::Disconnect | Self::Staffing | Self::SetQueue => {
                !whispers
            }
            Self::Queue | Self::Transfer | Self::Prefer | Self::Module => {
                matches!(flow, Flow | Module)
            }
            Self::Hold => flow == CustomerQueue,
            Self::View => matches!(flow, Flow | CustomerQueue),
            Self::End => whispers || flow == CustomerQueue,
            Self::Return => flow == Module,
        }
    }

    /// The error branches that Connect asks for, neither more nor fewer.
    fn errors(self, parameters: &Value) -> &'static [&'static str] {
        match self {
            Self::SetAttributes
            | Self::Streaming
            | Self::Message
            | Self::Tone
            | Self::Listen
            | Self::Note
            | Self::Moment
            | Self::Tell
            | Self::Sign
            | Self::Hook
            | Self::Hold
            | Self::Prefer
            | Self::SetQueue => &[NO_MATCHING_ERROR],
            Self::Check => &[NO_MATCHING_CONDITION],
            Self::Module => &[NO_MATCHING_CONDITION, NO_MATCHING_ERROR],
            Self::View => &[NO_MATCHING_CONDITION, NO_MATCHING_ERROR, TIME_IS_OVER],
            Self::Staffing => &[NO_MATCHING_CONDITION, NO_MATCHING_ERROR],
            Self::Queue => &[NO_MATCHING_ERROR, QUEUE_FULL],
            Self::Input | Self::Speak => &[INPUT_TIMEOUT, NO_MATCHING_CONDITION, NO_MATCHING_ERROR],
            Self::Transfer if parameters["ContinueFlowExecution"] == "False" => {
                &[NO_MATCHING_ERROR]
            }
            Self::Transfer => &[CALL_FAILED, NO_ANSWER, NO_MATCHING_ERROR],
            Self::Loop | Self::Disconnect | Self::End | Self::Return => &[],
        }
    }
}

/// The words and the seconds of an SSML that says something and waits then.
pub fn moment(action: &Value) -> Option<(&str, u32)> {
    let ssml = action["Parameters"]["SSML"].as_str()?;
    let (words, rest) = ssml.strip_prefix("<speak>")?.split_once("<break time=\"")?;
    let seconds = rest.strip_suffix("s\"/></speak>")?.parse().ok()?;
    (!words.trim().is_empty() && (1..=10).contains(&seconds)).then_some((words, seconds))
}

/// The name of the function that an action calls.
fn function(action: &Value) -> &str {
    let arn = action["Parameters"]["LambdaFunctionARN"].as_str();
    arn.and_then(|arn| arn.rsplit(':').next())
        .unwrap_or_default()
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowType {
    Flow,
    AgentWhisper,
    CustomerWhisper,
    CustomerQueue,
    /// A part of flows, which has no type, and Settings in its place.
    Module,
}

impl FlowType {
    pub fn of(flow: &Value) -> Option<Self> {
        Some(match flow["Metadata"].get("type").map(Value::as_str) {
            None if flow.get("Settings").is_some() => Self::Module,
            Some(Some("contactFlow")) => Self::Flow,
            Some(Some("agentWhisper")) => Self::AgentWhisper,
            Some(Some("customerWhisper")) => Self::CustomerWhisper,
            Some(Some("customerQueue")) => Self::CustomerQueue,
            None | Some(_) => return None,
        })
    }

    /// What the API calls it; a module is of no type there either.
    pub const fn of_the_api(self) -> Option<&'static str> {
        match self {
            Self::Flow => Some("CONTACT_FLOW"),
            Self::AgentWhisper => Some("AGENT_WHISPER"),
            Self::CustomerWhisper => Some("CUSTOMER_WHISPER"),
            Self::CustomerQueue => Some("CUSTOMER_QUEUE"),
            Self::Module => None,
        }
    }
}

/// What a parameter must be.
#[derive(Clone, Copy)]
enum Parameter {
    /// A text that says something.
    Text,
    /// One of these, exactly.
    OneOf(&'static [&'static str]),
    /// A whole number within these, as a text.
    Number(u32, u32),
    /// E.164, or one JSONPath.
    Phone,
    /// Names and texts.
    Attributes,
    /// Whose media, in which directions.
    Participants,
    /// The ARN of such a thing.
    Arn(&'static str),
    /// Nothing but a pause, of 10 s at the most: longer ones Connect cuts.
    Pause,
    /// What the function answers: texts under names.
    StringMap,
    /// The same, of any signs.
    Json,
    /// The ARN of such a thing, or where it stands.
    ArnOrPath(&'static str),
    /// Where something stands.
    Path,
    /// One event, and the flow that it starts.
    Hook,
    /// Texts and pauses.
    Messages,
    /// A view of AWS's own.
    View,
    /// What a view is given.
    Shown,
    /// What of a view is not kept.
    Hidden,
    /// One agent, for a time.
    Criteria,
}

impl Parameter {
    fn fits(self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Text => text.is_some_and(|text| !text.trim().is_empty()),
            Self::OneOf(allowed) => text.is_some_and(|text| allowed.contains(&text)),
            Self::Number(least, most) => text
                .and_then(|text| text.parse::<u32>().ok())
                .is_some_and(|number| (least..=most).contains(&number)),
            Self::Phone => text.is_some_and(is_phone),
            Self::Attributes => value.as_object().is_some_and(|attributes| {
                !attributes.is_empty()
                    && attributes
                        .iter()
                        .all(|(name, value)| is_name(name) && value.is_string())
            }),
            Self::Participants => match value.as_array().map(Vec::as_slice) {
                Some([only]) => is_participant(only),
                _ => false,
            },
            Self::Arn(thing) => {
                text.is_some_and(|text| text.starts_with("arn:") && text.contains(thing))
            }
            Self::Pause => text
                .and_then(pause)
                .is_some_and(|seconds| (1..=10).contains(&seconds)),
            Self::StringMap => value == &json!({ "ResponseType": "STRING_MAP" }),
            Self::Json => value == &json!({ "ResponseType": "JSON" }),
            Self::ArnOrPath(thing) => Self::Arn(thing).fits(value) || Self::Path.fits(value),
            // A namespace alone, such as $.External, is refused.
            Self::Path => text.is_some_and(|text| {
                let names = text.strip_prefix("$.").unwrap_or_default().split('.');
                names.clone().count() > 1 && names.clone().all(is_name)
            }),
            Self::Hook => value.as_object().is_some_and(|hooks| {
                let known = |name: &str| HOOKS.contains(&name);
                let flow = |flow: &Value| Self::Arn("contact-flow/").fits(flow);
                hooks.len() == 1 && hooks.iter().all(|(name, to)| known(name) && flow(to))
            }),
            Self::Messages => value.as_array().is_some_and(|messages| {
                let fits = |message: &Value| match keys(message)[..] {
                    ["Text"] => Self::Text.fits(&message["Text"]),
                    ["SSML"] => Self::Pause.fits(&message["SSML"]),
                    _ => false,
                };
                !messages.is_empty() && messages.iter().all(fits)
            }),
            Self::View => {
                let id = value["Id"].as_str().unwrap_or_default();
                let view = id.split_once(VIEWS).map(|(_, view)| view);
                let versioned = view.and_then(|view| view.split_once(':'));
                keys(value) == ["Id"] && versioned == Some(("detail", "1"))
            }
            Self::Shown => shown(value),
            Self::Hidden => value == &json!({ "HideResponseOn": ["TRANSCRIPT"] }),
            Self::Criteria => criteria(value),
        }
    }
}

/// What can have a flow of its own.
const HOOKS: &[&str] = &[
    "AgentHold",
    "AgentWhisper",
    "CustomerHold",
    "CustomerQueue",
    "CustomerRemaining",
    "CustomerWhisper",
    "DefaultAgentUI",
    "DisconnectAgentUI",
];

/// What AWS's view *Detail* takes. What a caller said stands where text stands, and never
/// within HTML: nothing in a flow escapes it.
fn shown(data: &Value) -> bool {
    let is_path = |value: &Value| Parameter::Path.fits(value);
    let bar = data["AttributeBar"].as_array();
    let sections = data["Sections"].as_array();
    keys(data)
        == [
            "Actions",
            "AttributeBar",
            "Description",
            "Heading",
            "Sections",
        ]
        && bar.is_some_and(|bar| bar.iter().all(|one| is_path(&one["Value"])))
        && is_path(&data["Description"])
        && sections.is_some_and(|sections| {
            sections.iter().all(|section| {
                let html = section["TemplateString"].as_str().unwrap_or_default();
                !html.is_empty() && !html.replace("\"$.External.", "").contains("$.")
            })
        })
}

/// A step that waits for one agent and gives up in time. The shape is that of Connect's API
/// (UpdateContactRoutingData), which the flow language's page repeats in part.
fn criteria(value: &Value) -> bool {
    let [step] = &value["Steps"].as_array().cloned().unwrap_or_default()[..] else {
        return false;
    };
    let condition = &step["Expression"]["AttributeCondition"];
    let agents = condition["MatchCriteria"]["AgentsCriteria"]["AgentIds"].as_array();
    condition["ComparisonOperator"] == "Match"
        && agents.is_some_and(|agents| agents.len() == 1 && Parameter::Path.fits(&agents[0]))
        && Parameter::Number(1, 3_600).fits(&step["Expiry"]["DurationInSeconds"])
}

/// The seconds of an SSML that is one pause.
pub fn pause(ssml: &str) -> Option<u32> {
    let pause = ssml.strip_prefix("<speak><break time=\"")?;
    pause.strip_suffix("s\"/></speak>")?.parse().ok()
}

fn is_phone(text: &str) -> bool {
    match (text.strip_prefix('+'), text.strip_prefix("$.")) {
        (Some(digits), _) => {
            (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        (None, Some(path)) => !path.is_empty() && !path.contains(' '),
        (None, None) => false,
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn is_participant(participant: &Value) -> bool {
    let only = ["MediaDirections", "ParticipantType"];
    let directions = participant["MediaDirections"].as_array();
    let known = |direction: &Value| direction == "From" || direction == "To";
    keys(participant).iter().eq(only.iter())
        && participant["ParticipantType"] == "Customer"
        && directions.is_some_and(|directions| {
            !directions.is_empty()
                && directions.iter().all(known)
                && directions
                    .iter()
                    .map(Value::to_string)
                    .collect::<BTreeSet<_>>()
                    .len()
                    == directions.len()
        })
}

fn keys(value: &Value) -> Vec<&str> {
    let fields = value.as_object().into_iter().flat_map(Map::keys);
    fields.map(String::as_str).collect()
}

/// One way out of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit<'a> {
    pub why: Why<'a>,
    pub to: &'a str,
}

/// When it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why<'a> {
    /// When nothing else is.
    Done,
    /// The result is this.
    Result(&'a str),
    /// It failed in this way.
    Error(&'a str),
}

/// All ways out of an action that can ever be taken, in the order of the file.
pub fn exits(action: &Value) -> Vec<Exit<'_>> {
    let transitions = &action["Transitions"];
    let list = |name: &str| transitions[name].as_array().into_iter().flatten();
    let mut exits = Vec::new();
    // Where conditions decide, every result has its condition or its error.
    let decides = Kind::of(action).is_some_and(Kind::decides);
    if let (false, Some(to)) = (decides, transitions["NextAction"].as_str()) {
        exits.push(Exit { why: Why::Done, to });
    }
    for step in list("Conditions") {
        let result = step["Condition"]["Operands"][0]
            .as_str()
            .unwrap_or_default();
        let to = step["NextAction"].as_str().unwrap_or_default();
        exits.push(Exit {
            why: Why::Result(result),
            to,
        });
    }
    for step in list("Errors") {
        let error = step["ErrorType"].as_str().unwrap_or_default();
        let to = step["NextAction"].as_str().unwrap_or_default();
        exits.push(Exit {
            why: Why::Error(error),
            to,
        });
    }
    exits
}

/// The flow's actions by identifier; of two with the same, the first.
pub fn actions(flow: &Value) -> BTreeMap<&str, &Value> {
    let mut actions = BTreeMap::new();
    for action in flow["Actions"].as_array().into_iter().flatten() {
        let id = action["Identifier"].as_str().unwrap_or_default();
        actions.entry(id).or_insert(action);
    }
    actions
}

/// Everything that is wrong with a flow's shape, each with the action's name.
pub fn findings(flow: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    if flow["Version"] != VERSION {
        findings.push(format!("Version is {}, not {VERSION}", flow["Version"]));
    }
    let mut fields = keys(flow);
    fields.retain(|field| *field != "Settings");
    let settings = flow.get("Settings");
    if fields != ["Actions", "Metadata", "StartAction", "Version"]
        || settings.is_some_and(|settings| !is_plain(settings))
    {
        findings.push(format!("a flow has other fields than {:?}", keys(flow)));
    }
    let flow_type = FlowType::of(flow);
    let list = flow["Actions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if list.len() > MAX_ACTIONS || flow.to_string().len() > MAX_CHARS {
        findings.push("the flow is larger than Connect takes".to_owned());
    }
    let actions = actions(flow);
    if actions.len() != list.len() {
        findings.push("an Identifier is used twice, or is missing".to_owned());
    }
    let start = flow["StartAction"].as_str().unwrap_or_default();
    if !actions.contains_key(start) {
        findings.push(format!("StartAction {start:?} is no action"));
    }
    for action in list {
        let id = action["Identifier"].as_str().unwrap_or_default();
        let found = check_action(action, &actions);
        findings.extend(found.into_iter().map(|finding| format!("{id}: {finding}")));
        let kind = Kind::of(action);
        if let (Some(kind), Some(flow_type)) = (kind, flow_type)
            && !kind.stands_in(flow_type)
        {
            findings.push(format!("{id}: a {flow_type:?} cannot have it"));
        }
    }
    if flow_type.is_none() {
        findings.push("Metadata: no type that there is, and no Settings of a module".to_owned());
    }
    findings.extend(reach_findings(start, &actions));
    findings.extend(metadata_findings(&flow["Metadata"], &actions));
    findings
}

/// What a module says of itself where it takes and gives nothing: Connect asks for it, always
/// the same.
fn is_plain(settings: &Value) -> bool {
    let way = |name: &str| json!({"DisplayName": name, "ReferenceName": name, "Description": ""});
    settings
        == &json!({"InputParameters": [], "OutputParameters": [], "Transitions": [way("Success"), way("Error")]})
}

/// Whether a text in it is empty: Connect takes none.
fn has_empty_text(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.iter().any(has_empty_text),
        Value::Object(fields) => fields.values().any(has_empty_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn check_action(action: &Value, actions: &BTreeMap<&str, &Value>) -> Vec<String> {
    let mut findings = Vec::new();
    let id = action["Identifier"].as_str().unwrap_or_default();
    if id.is_empty()
        || id.chars().count() > MAX_IDENTIFIER_CHARS
        || id.contains(|c| NOT_IN_IDENTIFIERS.contains(c))
    {
        findings.push("not an Identifier that Connect takes".to_owned());
    }
    if keys(action) != ["Identifier", "Parameters", "Transitions", "Type"] {
        findings.push(format!(
            "an action has other fields than {:?}",
            keys(action)
        ));
    }
    let Some(kind) = Kind::of(action) else {
        findings.push(format!("unknown Type {}", action["Type"]));
        return findings;
    };
    findings.extend(parameter_findings(kind, &action["Parameters"]));
    findings.extend(transition_findings(kind, action));
    for exit in exits(action) {
        if !actions.contains_key(exit.to) {
            findings.push(format!(
                "{:?} leads to {:?}, which is no action",
                exit.why, exit.to
            ));
        }
    }
    findings
}

fn parameter_findings(kind: Kind, parameters: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    if !parameters.is_object() {
        findings.push("no Parameters".to_owned());
    }
    if has_empty_text(parameters) {
        findings.push("a text in its Parameters is empty".to_owned());
    }
    for (name, parameter) in kind.parameters() {
        match &parameters[name] {
            Value::Null => findings.push(format!("{name} is missing")),
            value if !parameter.fits(value) => findings.push(format!("{name} cannot be {value}")),
            _ => {}
        }
    }
    for name in keys(parameters) {
        if !kind.parameters().iter().any(|(known, _)| *known == name) {
            findings.push(format!("{name} is no parameter of it"));
        }
    }
    findings
}

fn transition_findings(kind: Kind, action: &Value) -> Vec<String> {
    let transitions = &action["Transitions"];
    let mut findings = Vec::new();
    if kind.is_end() {
        if transitions
            .as_object()
            .is_none_or(|fields| !fields.is_empty())
        {
            findings.push("the end has Transitions".to_owned());
        }
        return findings;
    }
    if keys(transitions) != ["Conditions", "Errors", "NextAction"] {
        findings.push(format!(
            "Transitions has other fields than {:?}",
            keys(transitions)
        ));
    }
    let (mut errors, mut results) = (Vec::new(), Vec::new());
    for exit in exits(action) {
        match exit.why {
            Why::Done => {}
            Why::Error(error) => errors.push(error),
            Why::Result(result) => results.push(result),
        }
    }
    errors.sort_unstable();
    if errors != kind.errors(&action["Parameters"]) {
        findings.push(format!(
            "error branches are {errors:?}, not {:?}",
            kind.errors(&action["Parameters"])
        ));
    }
    let unique: BTreeSet<_> = results.iter().collect();
    let fitting = match kind {
        Kind::Loop => unique == BTreeSet::from([&"ContinueLooping", &"DoneLooping"]),
        Kind::Check => results.len() == 1 && !results[0].is_empty(),
        Kind::Hold => results == [INTERRUPTED],
        Kind::View => results == ["ActionSelected"],
        Kind::Input | Kind::Speak => {
            !results.is_empty() && results.iter().all(|result| is_key(result))
        }
        Kind::Staffing => results == ["0"],
        _ => results.is_empty(),
    };
    if !fitting || unique.len() != results.len() {
        findings.push(format!("conditions are {results:?}"));
    }
    let operator = match kind {
        Kind::Staffing => "NumberGreaterThan",
        _ => "Equals",
    };
    let equals = |step: &Value| {
        let condition = &step["Condition"];
        condition["Operator"] == operator
            && condition["Operands"]
                .as_array()
                .is_some_and(|list| list.len() == 1)
    };
    if !transitions["Conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .all(equals)
    {
        findings.push(format!("a condition is not {operator} with one operand"));
    }
    findings.extend(default_findings(kind, action));
    findings
}

/// Where conditions decide, NextAction is what the designer shows as the default: it must
/// be the way that is taken when nothing matches, not another one.
fn default_findings(kind: Kind, action: &Value) -> Option<String> {
    let default = match kind {
        Kind::Input | Kind::Speak | Kind::Staffing | Kind::View => Why::Error(NO_MATCHING_ERROR),
        Kind::Check => Why::Error(NO_MATCHING_CONDITION),
        Kind::Hold => Why::Result(INTERRUPTED),
        Kind::Loop => Why::Result("DoneLooping"),
        _ => return None,
    };
    let taken = exits(action).into_iter().find(|exit| exit.why == default)?;
    let next = action["Transitions"]["NextAction"].as_str();
    (next != Some(taken.to)).then(|| format!("NextAction is {next:?}, not {:?}", taken.to))
}

fn is_key(result: &str) -> bool {
    result.len() == 1
        && result
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"*#".contains(&byte))
}

/// No action stands apart, and from each one the call can end.
fn reach_findings(start: &str, actions: &BTreeMap<&str, &Value>) -> Vec<String> {
    let reached = closure([start], |id| {
        let action = actions.get(id);
        action
            .into_iter()
            .flat_map(|action| exits(action))
            .map(|exit| exit.to)
            .collect()
    });
    let ends = actions
        .iter()
        .filter(|(_, action)| Kind::of(action).is_some_and(Kind::is_end));
    let ending = closure(ends.map(|(id, _)| *id), |id| {
        let leads = |action: &Value| exits(action).iter().any(|exit| exit.to == id);
        actions
            .iter()
            .filter(|(_, action)| leads(action))
            .map(|(from, _)| *from)
            .collect()
    });
    let mut findings = Vec::new();
    for id in actions.keys() {
        if !reached.contains(id) {
            findings.push(format!("{id}: nothing leads here"));
        }
        if !ending.contains(id) {
            findings.push(format!("{id}: the call cannot end from here"));
        }
    }
    findings
}

fn closure<'a>(
    from: impl IntoIterator<Item = &'a str>,
    next: impl Fn(&str) -> Vec<&'a str>,
) -> BTreeSet<&'a str> {
    let mut open: Vec<&str> = from.into_iter().collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(next(id));
        }
    }
    reached
}

/// What the designer needs: a place for each block, none on another, and the keys of a menu.
fn metadata_findings(metadata: &Value, actions: &BTreeMap<&str, &Value>) -> Vec<String> {
    let mut findings = Vec::new();
    let place = |value: &Value| Some((value["x"].as_f64()?, value["y"].as_f64()?));
    if place(&metadata["entryPointPosition"]).is_none() {
        findings.push("Metadata: no entryPointPosition".to_owned());
    }
    if metadata["name"].as_str().is_none_or(str::is_empty) {
        findings.push("Metadata: no name".to_owned());
    }
    let blocks = &metadata["ActionMetadata"];
    if !keys(blocks).iter().eq(actions.keys()) {
        findings.push("Metadata: its blocks are not the flow's actions".to_owned());
    }
    let mut placed: Vec<(&str, (f64, f64))> = Vec::new();
    for (id, action) in actions {
        let Some((x, y)) = place(&blocks[id]["position"]) else {
            findings.push(format!("Metadata: {id} has no position"));
            continue;
        };
        for (other, (other_x, other_y)) in &placed {
            if (x - other_x).abs() < BLOCK.0 && (y - other_y).abs() < BLOCK.1 {
                findings.push(format!("Metadata: {id} lies on {other}"));
            }
        }
        placed.push((id, (x, y)));
        if blocks[id]["isFriendlyName"] != true {
            findings.push(format!("Metadata: {id} is not told to be a name"));
        }
        findings.extend(key_findings(id, action, &blocks[id]));
    }
    findings
}

fn key_findings(id: &str, action: &Value, block: &Value) -> Option<String> {
    let conditions = action["Transitions"]["Conditions"]
        .as_array()
        .into_iter()
        .flatten();
    let keys: Vec<_> = conditions
        .map(|step| &step["Condition"]["Operands"][0])
        .collect();
    let shown = block["conditionMetadata"].as_array().into_iter().flatten();
    let shown: Vec<_> = shown.map(|condition| &condition["value"]).collect();
    let is_menu = matches!(Kind::of(action), Some(Kind::Input | Kind::Speak));
    (is_menu && keys != shown)
        .then(|| format!("Metadata: {id} shows the keys {shown:?}, not {keys:?}"))
}
