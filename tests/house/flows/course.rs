//! The course of a call through a flow: what it may record at each action, followed along
//! every way that there is ([`findings`]), or along one ([`run`]).

use std::collections::{BTreeMap, BTreeSet};

use callreel::media::fragment::Direction;
use callreel::media::sides::Authorisation;
use callreel::recording::attributes::RECORDING_AUTH;
use callreel::voicemail::flagged;
use serde_json::Value;

use super::shape::{
    CALL_FAILED, INPUT_TIMEOUT, INTERRUPTED, Kind, NO_MATCHING_CONDITION, NO_MATCHING_ERROR, Why,
    actions, exits,
};

/// The value of `recordingAuth` that says no, where the caller was asked. It authorises
/// nothing, as every value does that is not 1, 2 or 3.
pub const DECLINED: &str = "0";
/// What the identifiers of actions start with that must never be recorded.
const PRIVATE: &str = "private-";
/// What flows set for a message, or ask for.
const OF_A_MESSAGE: &[&str] = &[
    flagged::FLAG,
    flagged::FROM,
    flagged::LANGUAGE,
    flagged::MODE,
    flagged::QUEUE_ARN,
    flagged::TARGET,
    flagged::PREFERRED_AGENT,
    flagged::DO_SUMMARY,
    "vmx3_rejected_offer",
];
/// How long a caller waits in a queue here: so many times are the prompts interrupted.
const HELD: usize = 3;
/// More steps than any call here takes.
const MAX_STEPS: usize = 100;

/// What a call has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State<'a> {
    /// `recordingAuth`.
    auth: Option<&'a str>,
    streaming: Streaming,
    message: Message,
    flag: Flag,
}

/// `vmx3_flag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Flag {
    /// It is not 1.
    Off,
    /// There is a message.
    On,
    /// It was to be cleared, and that failed.
    WouldNotClear,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    /// The caller has not spoken, and nothing was noted.
    None,
    /// The caller spoke, and the function was not called since streaming began.
    Spoken,
    /// The function was called, whatever came of it.
    Noted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Streaming {
    Off,
    On,
    /// It was to be stopped, and that failed.
    WouldNotStop,
}

const BEGINNING: State<'static> = State {
    auth: None,
    streaming: Streaming::Off,
    message: Message::None,
    flag: Flag::Off,
};
/// An agent takes the call of somebody who is leaving a message.
const TAKEN: State<'static> = State {
    streaming: Streaming::On,
    message: Message::None,
    flag: Flag::On,
    ..BEGINNING
};

impl<'a> State<'a> {
    fn authorisation(self) -> Option<Authorisation> {
        self.auth.and_then(Authorisation::from_attribute)
    }

    /// The state behind an action that was left in this way.
    fn after(mut self, purpose: Purpose, action: &'a Value, why: Why<'_>) -> Self {
        let failed = matches!(why, Why::Error(_));
        match Kind::of(action) {
            // Either all attributes are set or none.
            Some(Kind::SetAttributes) => {
                self.flag = match (flag_of(action), failed) {
                    (Some("1"), false) => Flag::On,
                    (Some(_), false) => Flag::Off,
                    (Some("0"), true) if self.flag != Flag::Off => Flag::WouldNotClear,
                    (Some(_), true) | (None, _) => self.flag,
                };
                if !failed {
                    self.auth = auth_of(action).or(self.auth);
                }
            }
            Some(Kind::Speak) => self.message = Message::Spoken,
            Some(Kind::Note) => self.message = Message::Noted,
            Some(Kind::Listen) if purpose == Purpose::Message && self.message == Message::None => {
                self.message = Message::Spoken;
            }
            Some(Kind::Streaming) => {
                self.streaming = match (is_start(action), failed, self.streaming) {
                    (true, false, _) => Streaming::On,
                    (false, false, _) => Streaming::Off,
                    (false, true, Streaming::On | Streaming::WouldNotStop) => {
                        Streaming::WouldNotStop
                    }
                    (_, true, before) => before,
                };
            }
            _ => {}
        }
        self
    }
}

fn auth_of(action: &Value) -> Option<&str> {
    action["Parameters"]["Attributes"][RECORDING_AUTH].as_str()
}

fn flag_of(action: &Value) -> Option<&str> {
    action["Parameters"]["Attributes"][flagged::FLAG].as_str()
}

/// Whether a way out of a question about the flag can be taken in this state.
fn is_possible(action: &Value, why: Why<'_>, state: State<'_>) -> bool {
    let asked = format!("$.Attributes.{}", flagged::FLAG);
    match action["Parameters"]["ComparisonValue"].as_str() {
        Some(path) if path == asked => matches!(why, Why::Result("1")) == (state.flag != Flag::Off),
        Some(_) | None => true,
    }
}

pub fn is_start(action: &Value) -> bool {
    action["Parameters"]["MediaStreamingState"] == "Enabled"
}

/// The directions that an action starts to stream, in the flow language's words.
pub fn directions(action: &Value) -> Vec<&str> {
    let directions = action["Parameters"]["Participants"][0]["MediaDirections"].as_array();
    directions
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// What this authorises, in the flow language's words.
fn authorised(authorisation: Authorisation) -> Vec<&'static str> {
    let word = |direction: &Direction| match direction {
        Direction::FromCustomer => "From",
        Direction::ToCustomer => "To",
    };
    authorisation.directions().iter().map(word).collect()
}

/// What a flow streams for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// A recording, which the contact authorises.
    Recording,
    /// A message, of which a function takes a note.
    Message,
    /// Those who watch calls; nothing is kept that is not authorised.
    Watching,
    /// A message that is flagged.
    Voicemail,
    /// Whoever takes a call, which ends its message.
    Whisper,
}

impl Purpose {
    fn of(flow: &Value) -> Self {
        let actions = actions(flow);
        let has = |kinds: &[Kind]| {
            let mut found = actions.values().filter_map(|action| Kind::of(action));
            found.any(|kind| kinds.contains(&kind))
        };
        let whispers = flow["Metadata"]["type"] == "agentWhisper";
        match () {
            () if has(&[Kind::Speak]) => Self::Voicemail,
            () if has(&[Kind::Tell]) => Self::Watching,
            () if whispers => Self::Whisper,
            () if has(&[Kind::Note, Kind::Listen]) => Self::Message,
            () => Self::Recording,
        }
    }
}

/// What can go wrong with recording on any way through the flow.
pub fn findings(flow: &Value) -> Vec<String> {
    let actions = actions(flow);
    let start = flow["StartAction"].as_str().unwrap_or_default();
    let purpose = Purpose::of(flow);
    let mut findings = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![(start, BEGINNING)];
    if purpose == Purpose::Whisper {
        open.push((start, TAKEN));
    }
    while let Some((id, state)) = open.pop() {
        let Some(action) = actions.get(id).copied() else {
            continue;
        };
        if !seen.insert((id, state)) {
            continue;
        }
        let found = check(purpose, id, action, state);
        findings.extend(found.map(|finding| format!("{id}: {finding}")));
        let exits = exits(action).into_iter();
        let exits = exits.filter(|exit| is_possible(action, exit.why, state));
        open.extend(exits.map(|exit| (exit.to, state.after(purpose, action, exit.why))));
    }
    findings.into_iter().collect()
}

/// What is wrong with coming to an action in this state.
fn check(purpose: Purpose, id: &str, action: &Value, state: State<'_>) -> Option<String> {
    let recorded = state.streaming != Streaming::Off && state.authorisation().is_some();
    if id.starts_with(PRIVATE) && recorded {
        return Some("it is private, and can be recorded".to_owned());
    }
    match Kind::of(action)? {
        Kind::SetAttributes if flag_of(action) == Some("1") && state.streaming != Streaming::On => {
            Some("it can flag a message of which nothing is streamed".to_owned())
        }
        Kind::SetAttributes => check_attributes(action, state),
        Kind::Streaming if is_start(action) => match purpose {
            Purpose::Recording | Purpose::Whisper => check_start(action, state),
            Purpose::Message | Purpose::Voicemail => check_message_start(action, state),
            Purpose::Watching => {
                let streamed = directions(action);
                (streamed != ["From", "To"])
                    .then(|| format!("it streams {streamed:?}, and desks show both sides"))
            }
        },
        Kind::Tell if state.streaming == Streaming::Off => {
            Some("it can tell of a call that does not stream".to_owned())
        }
        Kind::Speak if state.streaming != Streaming::On => {
            Some("the caller can speak and nothing is streamed".to_owned())
        }
        Kind::Speak if state.flag != Flag::On => {
            Some("the caller can speak and the message is not flagged".to_owned())
        }
        Kind::Disconnect if purpose == Purpose::Voicemail && state.message == Message::Spoken => {
            let stopped = state.streaming != Streaming::On;
            (!(state.flag == Flag::On && stopped))
                .then(|| "a message can be lost: not flagged, or still streamed".to_owned())
        }
        Kind::Return | Kind::Hold | Kind::End if purpose == Purpose::Voicemail => {
            let silent = state.message == Message::None;
            if state.streaming == Streaming::On {
                Some("the caller can wait and is streamed".to_owned())
            } else if silent && state.flag == Flag::On {
                Some("the caller can wait and nothing was said of a message".to_owned())
            } else {
                None
            }
        }
        Kind::End if purpose == Purpose::Whisper => {
            let ended = state.flag != Flag::On && state.streaming != Streaming::On;
            (!ended).then(|| "an agent can have the call and its message goes on".to_owned())
        }
        Kind::Note if state.streaming == Streaming::Off && state.message == Message::None => {
            Some("it can note a call before it streams".to_owned())
        }
        Kind::Listen if purpose == Purpose::Message && state.streaming != Streaming::On => {
            Some("the caller can speak and nothing is streamed".to_owned())
        }
        Kind::Disconnect if purpose == Purpose::Message && state.message == Message::Spoken => {
            Some("the caller can have spoken and nothing was noted".to_owned())
        }
        Kind::Disconnect if state.streaming == Streaming::On => {
            Some("the call can end before streaming was stopped".to_owned())
        }
        Kind::Streaming
        | Kind::Disconnect
        | Kind::Message
        | Kind::Tone
        | Kind::Listen
        | Kind::Input
        | Kind::Loop
        | Kind::Note
        | Kind::SetQueue
        | Kind::Staffing
        | Kind::Queue
        | Kind::Transfer
        | Kind::Tell
        | Kind::Sign
        | Kind::Moment
        | Kind::Speak
        | Kind::Check
        | Kind::Hook
        | Kind::Hold
        | Kind::View
        | Kind::Prefer
        | Kind::Module
        | Kind::End
        | Kind::Return => None,
    }
}

/// A message is what the caller says. With `recordingAuth` the recorder would make a
/// recording of it as well.
fn check_message_start(action: &Value, state: State<'_>) -> Option<String> {
    if let Some(auth) = state.auth {
        return Some(format!(
            "a message is recorded twice: {RECORDING_AUTH} is {auth:?}"
        ));
    }
    // What would not stop is streamed still, and starting it again is no harm.
    if state.streaming == Streaming::On {
        return Some("it can start what was not stopped".to_owned());
    }
    let streamed = directions(action);
    (streamed != ["From"]).then(|| format!("it streams {streamed:?}, and a message is [\"From\"]"))
}

fn check_attributes(action: &Value, state: State<'_>) -> Option<String> {
    let attributes = action["Parameters"]["Attributes"].as_object()?;
    let mut names = attributes.keys().map(String::as_str);
    if names.clone().all(|name| OF_A_MESSAGE.contains(&name)) {
        let mode = attributes.get(flagged::MODE).and_then(Value::as_str);
        let known = mode.is_none_or(|mode| ["task", "guided_task", "email"].contains(&mode));
        return (!known).then(|| format!("{} {mode:?} is none that there is", flagged::MODE));
    }
    if let Some(name) = names.find(|name| *name != RECORDING_AUTH) {
        return Some(format!("it sets {name}, and not {RECORDING_AUTH}"));
    }
    let value = auth_of(action)?;
    let known = Authorisation::from_attribute(value);
    if known.is_none() && value != DECLINED {
        return Some(format!(
            "{RECORDING_AUTH} {value:?} is none that Callreel knows"
        ));
    }
    (state.streaming != Streaming::Off && known.is_some())
        .then(|| "it authorises what is streamed already".to_owned())
}

fn check_start(action: &Value, state: State<'_>) -> Option<String> {
    let Some(authorisation) = state.authorisation() else {
        return Some(format!(
            "it can stream when {RECORDING_AUTH} is {:?}",
            state.auth
        ));
    };
    if state.streaming != Streaming::Off {
        return Some("it can start what was not stopped".to_owned());
    }
    let (streamed, authorised) = (directions(action), authorised(authorisation));
    (streamed != authorised)
        .then(|| format!("it streams {streamed:?}, and {authorised:?} is authorised"))
}

/// What the caller and the world do.
#[derive(Clone, Copy, Default)]
pub struct Caller<'a> {
    /// The keys pressed, one for each question; an empty one is no key in time.
    pub keys: &'a [&'a str],
    /// Actions that fail.
    pub failing: &'a [&'a str],
    /// No agent can take the call.
    pub nobody_is_there: bool,
    /// Attributes of the contact, and what a function answered.
    pub attributes: &'a [(&'a str, &'a str)],
}

/// What matters of one call's course, in order.
pub fn run(flow: &Value, caller: Caller<'_>) -> Vec<String> {
    let actions = actions(flow);
    let mut keys = caller.keys.iter();
    let (mut told, mut loops, mut held) = (Vec::new(), 0, 0);
    let mut attributes: BTreeMap<&str, &str> = caller.attributes.iter().copied().collect();
    let mut id = flow["StartAction"].as_str().unwrap_or_default();
    for _ in 0..MAX_STEPS {
        let action = actions[id];
        let kind = Kind::of(action).unwrap();
        let why = match kind {
            Kind::Input => answer(action, keys.next().copied().unwrap_or_default()),
            Kind::Speak if !caller.failing.contains(&id) => Why::Error(INPUT_TIMEOUT),
            Kind::Check => {
                let path = action["Parameters"]["ComparisonValue"].as_str().unwrap();
                let name = path.rsplit('.').next().unwrap();
                let exits = exits(action);
                let wanted = exits.iter().find_map(|exit| match exit.why {
                    Why::Result(wanted) => Some(wanted),
                    Why::Done | Why::Error(_) => None,
                });
                match wanted.filter(|wanted| attributes.get(name) == Some(wanted)) {
                    Some(wanted) => Why::Result(wanted),
                    None => Why::Error(NO_MATCHING_CONDITION),
                }
            }
            Kind::Hold => Why::Result(INTERRUPTED),
            Kind::View => Why::Result("ActionSelected"),
            Kind::Loop => {
                loops += 1;
                let most: usize = action["Parameters"]["LoopCount"]
                    .as_str()
                    .unwrap()
                    .parse()
                    .unwrap();
                Why::Result(if loops <= most {
                    "ContinueLooping"
                } else {
                    "DoneLooping"
                })
            }
            Kind::Transfer if caller.failing.contains(&id) => Why::Error(CALL_FAILED),
            Kind::Staffing if caller.failing.contains(&id) => Why::Error(NO_MATCHING_ERROR),
            Kind::Staffing if caller.nobody_is_there => Why::Error(NO_MATCHING_CONDITION),
            Kind::Staffing => Why::Result("0"),
            _ if caller.failing.contains(&id) => Why::Error(NO_MATCHING_ERROR),
            _ => Why::Done,
        };
        let failed = match why {
            Why::Error(error) if error != INPUT_TIMEOUT => " (failed)",
            Why::Error(_) | Why::Done | Why::Result(_) => "",
        };
        if let Some(words) = words(kind, action) {
            told.push(format!("{words}{failed}"));
        }
        if kind == Kind::SetAttributes && why == Why::Done {
            let set = action["Parameters"]["Attributes"].as_object();
            let set = set.into_iter().flatten();
            attributes.extend(set.map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
        }
        held += usize::from(kind == Kind::Hold);
        // A contact in the queue is the queue's.
        if kind.is_end() || held == HELD || (kind == Kind::Queue && why == Why::Done) {
            return told;
        }
        id = exits(action)
            .into_iter()
            .find(|exit| exit.why == why)
            .unwrap()
            .to;
    }
    panic!("the call goes on for ever: {told:?}");
}

fn answer<'a>(action: &'a Value, key: &'a str) -> Why<'a> {
    let known = exits(action)
        .iter()
        .any(|exit| exit.why == Why::Result(key));
    match (key.is_empty(), known) {
        (true, _) => Why::Error(INPUT_TIMEOUT),
        (false, true) => Why::Result(key),
        (false, false) => Why::Error(NO_MATCHING_CONDITION),
    }
}

/// What matters of an action to a recording.
fn words(kind: Kind, action: &Value) -> Option<String> {
    let parameters = &action["Parameters"];
    Some(match kind {
        Kind::SetAttributes => match (auth_of(action), flag_of(action)) {
            (Some(auth), _) => format!("auth {auth}"),
            (None, Some(flag)) => format!("flag {flag}"),
            (None, None) => return None,
        },
        Kind::Streaming if is_start(action) => format!("stream {}", directions(action).join(" ")),
        Kind::Streaming => "stop".to_owned(),
        Kind::Transfer => format!("call {}", parameters["ThirdPartyPhoneNumber"].as_str()?),
        Kind::Disconnect => "hang up".to_owned(),
        Kind::Tone => "tone".to_owned(),
        Kind::Listen => "listen".to_owned(),
        Kind::Note => "note".to_owned(),
        Kind::Queue => "queue".to_owned(),
        Kind::Tell => "tell".to_owned(),
        Kind::Sign => "sign".to_owned(),
        Kind::Speak => "speak".to_owned(),
        Kind::Hook => {
            let hooks = parameters["EventHooks"].as_object()?;
            format!("set {}", hooks.keys().next()?)
        }
        Kind::Hold => "hold".to_owned(),
        Kind::View => {
            let html = parameters["ViewData"]["Sections"][0]["TemplateString"].as_str()?;
            match html.contains("<audio ") {
                true => "player".to_owned(),
                false => "no player".to_owned(),
            }
        }
        Kind::Prefer => "prefer".to_owned(),
        Kind::Module => "module".to_owned(),
        Kind::End => "end".to_owned(),
        Kind::Return => "return".to_owned(),
        Kind::Message
        | Kind::Moment
        | Kind::Input
        | Kind::Loop
        | Kind::SetQueue
        | Kind::Staffing
        | Kind::Check => return None,
    })
}
