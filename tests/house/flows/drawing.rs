//! A flow as a Mermaid drawing, which GitHub shows: a box for each action, an arrow for each
//! way on, dotted where something failed.

use serde_json::Value;

use super::course::{directions, is_start};
use super::shape::{
    CALL_FAILED, INPUT_TIMEOUT, INTERRUPTED, Kind, NO_ANSWER, NO_MATCHING_CONDITION, QUEUE_FULL,
    TIME_IS_OVER, Why, exits, moment, pause,
};

/// What is said is cut at so many characters.
const MAX_WORDS: usize = 60;

/// The drawing, without a fence around it.
pub fn draw(flow: &Value) -> String {
    let mut lines = vec!["flowchart TD".to_owned()];
    let actions = flow["Actions"].as_array().unwrap();
    lines.push(format!(
        "    begin((call)) --> {}",
        node(flow["StartAction"].as_str().unwrap())
    ));
    lines.extend(
        actions
            .iter()
            .map(|action| format!("    {}", shape(action))),
    );
    lines.extend(actions.iter().flat_map(arrows));
    lines.join("\n")
}

/// An identifier that means nothing to Mermaid.
fn node(id: &str) -> String {
    id.replace('-', "_")
}

fn shape(action: &Value) -> String {
    let id = action["Identifier"].as_str().unwrap();
    let kind = Kind::of(action).unwrap();
    let (open, close) = match kind {
        Kind::Input | Kind::Speak | Kind::Loop | Kind::Staffing | Kind::Check => ("{{", "}}"),
        Kind::Streaming => ("[/", "/]"),
        Kind::Transfer | Kind::Queue | Kind::Note | Kind::Tell | Kind::Sign | Kind::Module => {
            ("[[", "]]")
        }
        Kind::Disconnect | Kind::End | Kind::Return => ("([", "])"),
        Kind::SetAttributes
        | Kind::Message
        | Kind::Tone
        | Kind::Listen
        | Kind::Moment
        | Kind::SetQueue
        | Kind::Hook
        | Kind::Hold
        | Kind::View
        | Kind::Prefer => ("[", "]"),
    };
    format!(
        "{}{open}\"<b>{id}</b><br/>{}\"{close}",
        node(id),
        escaped(&label(kind, action))
    )
}

fn label(kind: Kind, action: &Value) -> String {
    let parameters = &action["Parameters"];
    let text = |name: &str| parameters[name].as_str().unwrap_or_default().to_owned();
    match kind {
        Kind::SetAttributes => {
            let attributes = parameters["Attributes"].as_object().into_iter().flatten();
            let set = attributes
                .map(|(name, value)| format!("{name} = {}", value.as_str().unwrap_or_default()));
            set.collect::<Vec<_>>().join(", ")
        }
        Kind::Streaming if is_start(action) => {
            format!("stream: {}", directions(action).join(", "))
        }
        Kind::Streaming => "stop streaming".to_owned(),
        Kind::Message | Kind::Input => cut(&text("Text")),
        Kind::Tone => "the tone".to_owned(),
        Kind::Listen => format!(
            "{} s in which the caller speaks",
            pause(&text("SSML")).unwrap_or_default()
        ),
        Kind::Moment => {
            let (words, seconds) = moment(action).unwrap_or_default();
            format!("{}, and {seconds} s", cut(words))
        }
        Kind::Speak => format!(
            "{} s in which the caller speaks",
            text("InputTimeLimitSeconds")
        ),
        Kind::Note => "call the function note".to_owned(),
        Kind::Tell => "call the function live-start".to_owned(),
        Kind::Sign => "call the function sign".to_owned(),
        Kind::SetQueue if text("QueueId").starts_with("$.") => {
            format!("the queue {}", last(&text("QueueId")))
        }
        Kind::SetQueue => "a queue of the instance".to_owned(),
        Kind::Check => {
            let condition = &action["Transitions"]["Conditions"][0]["Condition"];
            let operand = condition["Operands"][0].as_str().unwrap_or_default();
            format!("{} = {operand}?", last(&text("ComparisonValue")))
        }
        Kind::Hook => {
            let hooks = parameters["EventHooks"].as_object().into_iter().flatten();
            let names: Vec<_> = hooks.map(|(name, _)| name.as_str()).collect();
            format!("set the flow {}", names.join(", "))
        }
        Kind::Hold => format!("prompts for {} s", text("InterruptFrequencySeconds")),
        Kind::View => "show the message".to_owned(),
        Kind::Prefer => {
            let expiry = &parameters["RoutingCriteria"]["Steps"][0]["Expiry"]["DurationInSeconds"];
            let seconds = expiry.as_str().unwrap_or_default();
            format!("this agent first, for {seconds} s")
        }
        Kind::Module => "the module that takes a message".to_owned(),
        Kind::End => "end of this flow".to_owned(),
        Kind::Return => "back to the flow that called".to_owned(),
        Kind::Staffing => format!("{} > 0", text("MetricType")),
        Kind::Queue => "transfer to the queue".to_owned(),
        Kind::Loop => format!("{} more times", text("LoopCount")),
        Kind::Transfer => format!("transfer to {}", text("ThirdPartyPhoneNumber")),
        Kind::Disconnect => "hang up".to_owned(),
    }
}

/// The last name of a path.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// The first words of what is said.
fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_WORDS {
        return format!("“{text}”");
    }
    let cut: String = text.chars().take(MAX_WORDS).collect();
    let words = cut
        .rsplit_once(' ')
        .map_or(cut.as_str(), |(words, _)| words);
    format!("“{words} …”")
}

fn escaped(text: &str) -> String {
    text.replace('"', "#quot;").replace('<', "#lt;")
}

/// One arrow to each other action, with all the reasons to go there.
fn arrows(action: &Value) -> Vec<String> {
    let from = node(action["Identifier"].as_str().unwrap());
    let kind = Kind::of(action).unwrap();
    let exits = exits(action);
    let mut lines: Vec<String> = Vec::new();
    let mut drawn: Vec<&str> = Vec::new();
    for exit in &exits {
        if drawn.contains(&exit.to) {
            continue;
        }
        drawn.push(exit.to);
        let whys: Vec<_> = exits
            .iter()
            .filter(|other| other.to == exit.to)
            .map(|exit| exit.why)
            .collect();
        lines.push(format!(
            "    {from} {} {}",
            arrow(kind, &whys),
            node(exit.to)
        ));
    }
    lines
}

fn arrow(kind: Kind, whys: &[Why<'_>]) -> String {
    if whys.contains(&Why::Done) {
        return "-->".to_owned();
    }
    let mut reasons: Vec<_> = whys.iter().map(|why| reason(kind, *why)).collect();
    reasons.dedup();
    // To a question, no is an answer.
    let failed = kind != Kind::Check && whys.iter().all(|why| matches!(why, Why::Error(_)));
    let line = match failed {
        true => "-.->",
        false => "-->",
    };
    format!("{line}|\"{}\"|", reasons.join(", "))
}

fn reason(kind: Kind, why: Why<'_>) -> String {
    match why {
        Why::Done => "then",
        Why::Result("ContinueLooping") => "again",
        Why::Result("DoneLooping") => "enough",
        Why::Result("0") if kind == Kind::Staffing => "somebody is there",
        Why::Result(_) if kind == Kind::Check => "yes",
        Why::Result(INTERRUPTED) => "then",
        Why::Result(_) if kind == Kind::View => "done",
        Why::Result(key) => return format!("key {}", key.replace('#', "#35;")),
        Why::Error(CALL_FAILED) => "failed",
        Why::Error(NO_ANSWER) => "no answer",
        Why::Error(INPUT_TIMEOUT) => "no key",
        Why::Error(NO_MATCHING_CONDITION) if kind == Kind::Staffing => "nobody is there",
        Why::Error(NO_MATCHING_CONDITION) if kind == Kind::Check => "no",
        Why::Error(NO_MATCHING_CONDITION) if matches!(kind, Kind::View | Kind::Module) => "error",
        Why::Error(NO_MATCHING_CONDITION) => "another key",
        Why::Error(TIME_IS_OVER) => "time is over",
        Why::Error(QUEUE_FULL) => "full",
        Why::Error(_) => "error",
    }
    .to_owned()
}
