//! The flows of `SampleFlows/`: that they have the flow language's shape, that what they
//! stream is what they authorise on every way through them, what becomes of some calls, and
//! that the drawings in the README and the flows of the stack are theirs. Each check is tried
//! on flows broken on purpose. `UPDATE_FLOWS=1 cargo test --test house flows` writes both anew.

mod course;
mod drawing;
mod shape;
mod stack;

use std::fs;
use std::path::{Path, PathBuf};

use callreel::media::wav::Output;
use callreel::recording::attributes::{self, RECORDING_AUTH};
use course::{Caller, run};
use drawing::draw;
use serde_json::{Value, json};

const TRANSFER: &str = "external-transfer.json";
const PARTIAL: &str = "partial-recording.json";
const CONSENT: &str = "consent-by-keypad.json";
const MACHINE: &str = "answering-machine.json";
const STAFFED: &str = "answering-machine-staffed.json";
const LIVE: &str = "live-monitor.json";
const AGENT_WHISPER: &str = "voicemail-agent-whisper.json";
const CUSTOMER_WHISPER: &str = "voicemail-customer-whisper.json";
const GUIDE: &str = "voicemail-guide.json";
const GUIDED_TASK: &str = "voicemail-guided-task.json";
const IN_QUEUE: &str = "voicemail-in-queue.json";
const TASK: &str = "voicemail-task.json";
const TRIAL: &str = "voicemail-test.json";
const VOICEMAIL: &str = "voicemail.json";
const FLOWS: &[&str] = &[
    STAFFED,
    MACHINE,
    CONSENT,
    TRANSFER,
    LIVE,
    PARTIAL,
    AGENT_WHISPER,
    CUSTOMER_WHISPER,
    GUIDE,
    GUIDED_TASK,
    IN_QUEUE,
    TASK,
    TRIAL,
    VOICEMAIL,
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("SampleFlows")
}

fn flow(file: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(file)).unwrap()).unwrap()
}

fn findings(flow: &Value) -> Vec<String> {
    [shape::findings(flow), course::findings(flow)].concat()
}

#[test]
fn every_flow_is_checked_and_none_is_wrong() {
    let mut there: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != "README.md")
        .collect();
    there.sort();
    assert_eq!(there, FLOWS);
    for file in FLOWS {
        assert_eq!(findings(&flow(file)), Vec::<String>::new(), "{file}");
    }
}

/// The action of this name.
fn action<'a>(flow: &'a mut Value, id: &str) -> &'a mut Value {
    let actions = flow["Actions"].as_array_mut().unwrap();
    actions
        .iter_mut()
        .find(|action| action["Identifier"] == id)
        .unwrap()
}

/// Leads an action on to another one.
fn lead(flow: &mut Value, from: &str, to: &str) {
    action(flow, from)["Transitions"]["NextAction"] = json!(to);
}

/// Leads an action on to another one when it fails.
fn lead_error(flow: &mut Value, from: &str, to: &str) {
    action(flow, from)["Transitions"]["Errors"][0]["NextAction"] = json!(to);
}

fn set_auth(flow: &mut Value, id: &str, value: &str) {
    action(flow, id)["Parameters"]["Attributes"] = json!({ RECORDING_AUTH: value });
}

/// A flow broken in this way is found out, with these words.
#[track_caller]
fn check_broken(file: &str, break_it: impl FnOnce(&mut Value), words: &str) {
    let mut flow = flow(file);
    break_it(&mut flow);
    let findings = findings(&flow);
    assert!(
        findings.iter().any(|finding| finding.contains(words)),
        "{words}: {findings:#?}"
    );
}

#[test]
fn a_broken_frame_is_found() {
    let check = |break_it: fn(&mut Value), words| check_broken(TRANSFER, break_it, words);
    check(|flow| flow["Version"] = json!("2019-10-31"), "Version is");
    check(
        |flow| flow["StartAction"] = json!("begin"),
        "StartAction \"begin\" is no action",
    );
    check(
        |flow| flow["Settings"] = json!({}),
        "a flow has other fields",
    );
    check(
        |flow| action(flow, "notice")["Identifier"] = json!("authorise"),
        "an Identifier is used twice",
    );
    check(
        |flow| action(flow, "notice")["Identifier"] = json!("notice (1)"),
        "not an Identifier that Connect takes",
    );
    check(
        |flow| action(flow, "notice")["Type"] = json!("PlayPrompt"),
        "unknown Type",
    );
    check(
        |flow| action(flow, "notice")["Name"] = json!("Notice"),
        "an action has other fields",
    );
    check(
        |flow| flow["Metadata"]["ActionMetadata"]["notice"]["position"] = json!({ "x": 1 }),
        "notice has no position",
    );
    check(
        |flow| {
            let place = flow["Metadata"]["ActionMetadata"]["transfer"]["position"].clone();
            flow["Metadata"]["ActionMetadata"]["notice"]["position"] = place;
        },
        "transfer lies on notice",
    );
    check(
        |flow| {
            drop(
                flow["Metadata"]["ActionMetadata"]
                    .as_object_mut()
                    .unwrap()
                    .remove("notice"),
            )
        },
        "its blocks are not the flow's actions",
    );
    check(
        |flow| flow["Metadata"]["ActionMetadata"]["notice"]["isFriendlyName"] = json!(false),
        "notice is not told to be a name",
    );
    check(
        |flow| flow["Metadata"]["type"] = json!("module"),
        "no type that there is",
    );
    check(
        |flow| flow["Metadata"]["entryPointPosition"] = Value::Null,
        "no entryPointPosition",
    );
}

#[test]
fn a_broken_transition_is_found() {
    let check = |break_it: fn(&mut Value), words| check_broken(TRANSFER, break_it, words);
    check(
        |flow| lead(flow, "notice", "nowhere"),
        "leads to \"nowhere\"",
    );
    check(
        |flow| lead_error(flow, "notice", "nowhere"),
        "Error(\"NoMatchingError\") leads to \"nowhere\"",
    );
    check(
        |flow| {
            lead(flow, "authorise", "transfer");
        },
        "notice: nothing leads here",
    );
    check(
        |flow| {
            lead(flow, "stop-streaming", "transfer");
            lead_error(flow, "stop-streaming", "transfer");
        },
        "transfer: the call cannot end from here",
    );
    check(
        |flow| action(flow, "notice")["Transitions"]["Errors"] = json!([]),
        "notice: error branches are []",
    );
    check(
        |flow| {
            drop(
                action(flow, "transfer")["Transitions"]["Errors"]
                    .as_array_mut()
                    .unwrap()
                    .remove(1),
            )
        },
        "transfer: error branches are",
    );
    check(
        |flow| action(flow, "transfer")["Parameters"]["ContinueFlowExecution"] = json!("False"),
        "transfer: error branches are",
    );
    check(
        |flow| action(flow, "hang-up")["Transitions"] = json!({ "NextAction": "notice" }),
        "hang-up: the end has Transitions",
    );
    check(
        |flow| {
            drop(
                action(flow, "notice")["Transitions"]
                    .as_object_mut()
                    .unwrap()
                    .remove("Conditions"),
            )
        },
        "notice: Transitions has other fields",
    );
    let check = |break_it: fn(&mut Value), words| check_broken(CONSENT, break_it, words);
    check(
        |flow| action(flow, "ask")["Transitions"]["Conditions"][0]["NextAction"] = json!("nowhere"),
        "ask: Result(\"1\") leads to \"nowhere\"",
    );
    check(
        |flow| {
            action(flow, "ask")["Transitions"]["Conditions"][0]["Condition"]["Operands"] =
                json!(["11"])
        },
        "ask: conditions are",
    );
    check(
        |flow| {
            action(flow, "ask")["Transitions"]["Conditions"][1]["Condition"]["Operands"] =
                json!(["1"])
        },
        "ask: conditions are",
    );
    check(
        |flow| {
            action(flow, "ask")["Transitions"]["Conditions"][0]["Condition"]["Operator"] =
                json!("TextContains")
        },
        "ask: a condition is not Equals",
    );
    check(
        |flow| {
            drop(
                action(flow, "ask-again")["Transitions"]["Conditions"]
                    .as_array_mut()
                    .unwrap()
                    .pop(),
            )
        },
        "ask-again: conditions are",
    );
    check(
        |flow| lead(flow, "ask", "consent-both"),
        "ask: NextAction is",
    );
    check(
        |flow| {
            flow["Metadata"]["ActionMetadata"]["ask"]["conditionMetadata"][0]["value"] = json!("9")
        },
        "ask shows the keys",
    );
}

#[test]
fn a_broken_parameter_is_found() {
    fn check(file: &str, id: &str, parameter: &str, value: Value, words: &str) {
        let break_it = |flow: &mut Value| action(flow, id)["Parameters"][parameter] = value;
        check_broken(file, break_it, &format!("{id}: {words}"));
    }
    let streaming = |directions: Value| json!([{ "ParticipantType": "Customer", "MediaDirections": directions }]);
    for (id, parameter, value) in [
        ("notice", "Text", json!(" ")),
        ("notice", "Text", json!(5)),
        ("authorise", "TargetContact", json!("current")),
        ("authorise", "Attributes", json!({})),
        ("authorise", "Attributes", json!({ "recording auth": "3" })),
        ("authorise", "Attributes", json!({ RECORDING_AUTH: 3 })),
        ("start-streaming", "MediaStreamingState", json!("On")),
        ("start-streaming", "MediaStreamType", json!("Video")),
        ("start-streaming", "Participants", json!([])),
        (
            "start-streaming",
            "Participants",
            json!([{ "ParticipantType": "Agent", "MediaDirections": ["From"] }]),
        ),
        ("start-streaming", "Participants", streaming(json!([]))),
        (
            "start-streaming",
            "Participants",
            streaming(json!(["Both"])),
        ),
        (
            "start-streaming",
            "Participants",
            streaming(json!(["To", "To"])),
        ),
        ("transfer", "ThirdPartyPhoneNumber", json!("555-0177")),
        ("transfer", "ThirdPartyPhoneNumber", json!("+1206555017x")),
        (
            "transfer",
            "ThirdPartyConnectionTimeLimitSeconds",
            json!("601"),
        ),
        (
            "transfer",
            "ThirdPartyConnectionTimeLimitSeconds",
            json!(30),
        ),
        ("transfer", "ContinueFlowExecution", json!(true)),
    ] {
        check(
            TRANSFER,
            id,
            parameter,
            value,
            &format!("{parameter} cannot be"),
        );
    }
    check(TRANSFER, "notice", "Text", Value::Null, "Text is missing");
    check(
        TRANSFER,
        "notice",
        "SSML",
        json!("<speak/>"),
        "SSML is no parameter",
    );
    check(
        TRANSFER,
        "hang-up",
        "Reason",
        json!("done"),
        "Reason is no parameter",
    );
    check(
        CONSENT,
        "ask",
        "StoreInput",
        json!("True"),
        "StoreInput cannot be",
    );
    check(
        CONSENT,
        "ask",
        "InputTimeLimitSeconds",
        json!("0"),
        "InputTimeLimitSeconds cannot be",
    );
    check(
        CONSENT,
        "ask-again",
        "LoopCount",
        json!("many"),
        "LoopCount cannot be",
    );
}

#[test]
fn recording_what_is_not_authorised_is_found() {
    let from = json!([{ "ParticipantType": "Customer", "MediaDirections": ["From"] }]);
    check_broken(
        TRANSFER,
        |flow| action(flow, "start-streaming")["Parameters"]["Participants"] = from,
        "start-streaming: it streams [\"From\"], and [\"From\", \"To\"] is authorised",
    );
    let both = json!([{ "ParticipantType": "Customer", "MediaDirections": ["From", "To"] }]);
    check_broken(
        CONSENT,
        |flow| action(flow, "stream-voice")["Parameters"]["Participants"] = both,
        "stream-voice: it streams [\"From\", \"To\"], and [\"From\"] is authorised",
    );
    // An attribute that could not be set authorises nothing.
    check_broken(
        TRANSFER,
        |flow| lead_error(flow, "authorise", "notice"),
        "start-streaming: it can stream when recordingAuth is None",
    );
    check_broken(
        CONSENT,
        |flow| lead_error(flow, "consent-both", "stream-both"),
        "stream-both: it can stream when recordingAuth is Some(\"0\")",
    );
    for value in ["4", "yes", "", "03"] {
        check_broken(
            TRANSFER,
            |flow| set_auth(flow, "authorise", value),
            "is none that Callreel knows",
        );
    }
    let outputs = Output::ALL.map(|output| attributes::name(Some(output)));
    for name in ["RecordingAuth", "recordingauth"]
        .into_iter()
        .chain(outputs)
    {
        check_broken(
            TRANSFER,
            |flow| action(flow, "authorise")["Parameters"]["Attributes"] = json!({ name: "3" }),
            &format!("authorise: it sets {name}, and not recordingAuth"),
        );
    }
}

#[test]
fn recording_too_long_is_found() {
    check_broken(
        TRANSFER,
        |flow| lead(flow, "transfer", "hang-up"),
        "hang-up: the call can end before streaming was stopped",
    );
    check_broken(
        CONSENT,
        |flow| lead(flow, "not-reached", "hang-up"),
        "hang-up: the call can end before streaming was stopped",
    );
    check_broken(
        PARTIAL,
        |flow| lead(flow, "order", "private-payment"),
        "order: NextAction is",
    );
    check_broken(
        PARTIAL,
        |flow| {
            action(flow, "order")["Transitions"]["Conditions"][0]["NextAction"] =
                json!("private-payment")
        },
        "private-payment: it is private, and can be recorded",
    );
    check_broken(
        PARTIAL,
        |flow| lead_error(flow, "stop-first-part", "payment-notice"),
        "private-payment: it is private, and can be recorded",
    );
    check_broken(
        PARTIAL,
        |flow| lead(flow, "withdraw", "start-second-part"),
        "start-second-part: it can stream when recordingAuth is Some(\"0\")",
    );
    check_broken(
        PARTIAL,
        |flow| lead(flow, "start-first-part", "start-second-part"),
        "start-second-part: it can start what was not stopped",
    );
    check_broken(
        PARTIAL,
        |flow| set_auth(flow, "withdraw", "1"),
        "withdraw: it authorises what is streamed already",
    );
}

const DESK: &str = "call +12065550177";
const PAYMENT: &str = "call +12065550188";

/// The course of a call, as far as recording goes.
#[track_caller]
fn check_call(file: &str, caller: Caller<'_>, course: &[&str]) {
    assert_eq!(run(&flow(file), caller), course, "{file}");
}

#[test]
fn a_transfer_is_recorded_as_long_as_it_lasts() {
    let fails = |failing| Caller {
        failing,
        ..Caller::default()
    };
    let whole = ["auth 3", "stream From To", DESK, "stop", "hang up"];
    check_call(TRANSFER, Caller::default(), &whole);
    let failed = format!("{DESK} (failed)");
    check_call(
        TRANSFER,
        fails(&["transfer"]),
        &["auth 3", "stream From To", &failed, "stop", "hang up"],
    );
    // Whatever fails, the caller is put through, unrecorded.
    check_call(
        TRANSFER,
        fails(&["authorise"]),
        &["auth 3 (failed)", DESK, "stop", "hang up"],
    );
    check_call(
        TRANSFER,
        fails(&["notice"]),
        &["auth 3", DESK, "stop", "hang up"],
    );
    let course = ["auth 3", "stream From To (failed)", DESK, "stop", "hang up"];
    check_call(TRANSFER, fails(&["start-streaming"]), &course);
}

#[test]
fn the_private_part_is_never_recorded() {
    let first = ["auth 3", "stream From To", "stop", PAYMENT];
    let second = ["stream From To", DESK, "stop", "hang up"];
    let whole = [&first[..], &second[..]].concat();
    for keys in [&["#"][..], &[""], &["5"]] {
        let caller = Caller {
            keys,
            ..Caller::default()
        };
        check_call(PARTIAL, caller, &whole);
    }
    let fails = |failing| Caller {
        keys: &["#"],
        failing,
        ..Caller::default()
    };
    // Streaming that cannot be stopped: the whole call is given up, the part before as well.
    let given_up = [
        "auth 3",
        "stream From To",
        "stop (failed)",
        "auth 0",
        PAYMENT,
        DESK,
        "hang up",
    ];
    check_call(PARTIAL, fails(&["stop-first-part"]), &given_up);
    let course = [
        "auth 3",
        "stream From To",
        "stop (failed)",
        "auth 0 (failed)",
        "hang up",
    ];
    check_call(PARTIAL, fails(&["stop-first-part", "withdraw"]), &course);
    check_call(
        PARTIAL,
        fails(&["authorise"]),
        &["auth 3 (failed)", DESK, "hang up"],
    );
}

#[test]
fn consent_is_what_was_pressed_and_nothing_else() {
    let keys = |keys| Caller {
        keys,
        ..Caller::default()
    };
    let told = |auth, streamed| ["auth 0", auth, streamed, DESK, "stop", "hang up"];
    check_call(CONSENT, keys(&["1"]), &told("auth 1", "stream From"));
    check_call(CONSENT, keys(&["2"]), &told("auth 2", "stream To"));
    check_call(CONSENT, keys(&["3"]), &told("auth 3", "stream From To"));
    check_call(
        CONSENT,
        keys(&["", "9", "3"]),
        &told("auth 3", "stream From To"),
    );
    // No, no answer, none that is one, and every failure: nothing is streamed.
    let declined = ["auth 0", "auth 0", DESK, "stop", "hang up"];
    for pressed in [&["0"][..], &["", "", ""], &["7", "*", "#"], &["", "8", ""]] {
        check_call(CONSENT, keys(pressed), &declined);
    }
    let fails = |failing| Caller {
        keys: &["3"],
        failing,
        ..Caller::default()
    };
    check_call(
        CONSENT,
        fails(&["no-consent"]),
        &["auth 0 (failed)", DESK, "stop", "hang up"],
    );
    let course = [
        "auth 0",
        "auth 3 (failed)",
        "auth 0",
        DESK,
        "stop",
        "hang up",
    ];
    check_call(CONSENT, fails(&["consent-both"]), &course);
    let course = [
        "auth 0",
        "auth 3",
        "stream From To (failed)",
        "auth 0",
        DESK,
        "stop",
        "hang up",
    ];
    check_call(CONSENT, fails(&["stream-both"]), &course);
}

#[test]
fn a_broken_answering_machine_is_found() {
    let check = |break_it: fn(&mut Value), words| check_broken(MACHINE, break_it, words);
    check(
        |flow| lead(flow, "tone", "note"),
        "note: it can note a call before it streams",
    );
    check(
        |flow| lead_error(flow, "start-streaming", "listen"),
        "listen: the caller can speak and nothing is streamed",
    );
    check(
        |flow| {
            lead(flow, "start-streaming", "listen");
            lead(flow, "stop-streaming", "goodbye");
            lead_error(flow, "stop-streaming", "goodbye");
        },
        "hang-up: the caller can have spoken and nothing was noted",
    );
    check(
        |flow| lead_error(flow, "listen", "hang-up"),
        "hang-up: the call can end before streaming was stopped",
    );
    check(
        |flow| {
            let both =
                json!([{ "ParticipantType": "Customer", "MediaDirections": ["From", "To"] }]);
            action(flow, "start-streaming")["Parameters"]["Participants"] = both;
        },
        "start-streaming: it streams [\"From\", \"To\"], and a message is [\"From\"]",
    );
    check(
        |flow| {
            let tone = action(flow, "tone");
            tone["Type"] = json!("UpdateContactAttributes");
            tone["Parameters"] =
                json!({ "Attributes": { RECORDING_AUTH: "1" }, "TargetContact": "Current" });
        },
        "start-streaming: a message is recorded twice",
    );
    let pause = |seconds: &str| json!(format!("<speak><break time=\"{seconds}\"/></speak>"));
    for (id, parameter, value) in [
        ("listen", "SSML", pause("11s")),
        ("listen", "SSML", pause("0s")),
        ("listen", "SSML", json!("<speak>Speak now</speak>")),
        ("note", "InvocationTimeLimitSeconds", json!("9")),
        ("note", "LambdaFunctionARN", json!("callreel-note")),
        (
            "note",
            "ResponseValidation",
            json!({ "ResponseType": "JSON" }),
        ),
        ("tone", "PromptId", json!("Beep.wav")),
    ] {
        check_broken(
            MACHINE,
            |flow| action(flow, id)["Parameters"][parameter] = value,
            &format!("{id}: {parameter} cannot be"),
        );
    }
    let check = |break_it: fn(&mut Value), words| check_broken(STAFFED, break_it, words);
    check(
        |flow| action(flow, "staffing")["Parameters"]["MetricType"] = json!("AgentsAvailable"),
        "staffing: MetricType cannot be",
    );
    check(
        |flow| {
            let condition = &mut action(flow, "staffing")["Transitions"]["Conditions"][0];
            condition["Condition"]["Operands"] = json!(["2"]);
        },
        "staffing: conditions are",
    );
    check(
        |flow| {
            let condition = &mut action(flow, "staffing")["Transitions"]["Conditions"][0];
            condition["Condition"]["Operator"] = json!("Equals");
        },
        "staffing: a condition is not NumberGreaterThan",
    );
    check(
        |flow| lead(flow, "staffing", "transfer"),
        "staffing: NextAction is",
    );
    check(
        |flow| action(flow, "transfer")["Transitions"]["Errors"] = json!([]),
        "transfer: error branches are",
    );
}

/// Whatever fails, the caller can leave a message or hears that none can be taken.
#[test]
fn a_caller_leaves_a_message_or_hears_sorry() {
    const LISTENED: [&str; 6] = ["listen"; 6];
    const END: [&str; 3] = ["stop", "note", "hang up"];
    fn fails<'a>(failing: &'a [&'a str], nobody_is_there: bool) -> Caller<'a> {
        Caller {
            failing,
            nobody_is_there,
            ..Caller::default()
        }
    }
    let whole = |before: &[&'static str]| [before, &LISTENED[..], &END[..]].concat();
    let taken = whole(&["tone", "stream From", "note"]);
    for file in [MACHINE, STAFFED] {
        check_call(file, fails(&[], true), &taken);
        check_call(file, fails(&["greeting"], true), &taken);
        check_call(
            file,
            fails(&["tone"], true),
            &whole(&["tone (failed)", "stream From", "note"]),
        );
        check_call(
            file,
            fails(&["note"], true),
            &whole(&["tone", "stream From", "note (failed)"]),
        );
        let sorry = ["tone", "stream From (failed)", "hang up"];
        check_call(file, fails(&["start-streaming"], true), &sorry);
        let cut = [
            "tone",
            "stream From",
            "note",
            "listen (failed)",
            "stop",
            "note",
            "hang up",
        ];
        check_call(file, fails(&["listen"], true), &cut);
        let not_stopped = [&taken[..9], &["stop (failed)", "note", "hang up"]].concat();
        check_call(file, fails(&["stop-streaming"], true), &not_stopped);
    }
    // Who can be put through is; the machine is for everybody else.
    check_call(STAFFED, fails(&[], false), &["queue"]);
    for failing in ["set-queue", "staffing"] {
        check_call(STAFFED, fails(&[failing], false), &taken);
    }
    let refused = [&["queue (failed)"], &taken[..]].concat();
    check_call(STAFFED, fails(&["transfer"], false), &refused);
}

#[test]
fn a_broken_voicemail_is_found() {
    let check = |break_it: fn(&mut Value), words| check_broken(VOICEMAIL, break_it, words);
    check(
        |flow| lead(flow, "notice", "set-flag"),
        "set-flag: it can flag a message of which nothing is streamed",
    );
    check(
        |flow| lead(flow, "start-streaming", "tone"),
        "speak: the caller can speak and the message is not flagged",
    );
    check(
        |flow| lead_error(flow, "start-streaming", "set-flag"),
        "set-flag: it can flag a message of which nothing is streamed",
    );
    check(
        |flow| lead_error(flow, "set-flag", "tone"),
        "speak: the caller can speak and the message is not flagged",
    );
    check(
        |flow| {
            action(flow, "set-flag")["Parameters"]["Attributes"] = json!({ "vmx3_flag": "0" });
        },
        "speak: the caller can speak and the message is not flagged",
    );
    check(
        |flow| {
            lead(flow, "tone", "is-flagged");
            lead_error(flow, "tone", "stop-unflagged");
            lead(flow, "stop-unflagged", "sorry");
            lead_error(flow, "stop-unflagged", "sorry");
        },
        "return: the caller can wait and nothing was said of a message",
    );
    check(
        |flow| lead_error(flow, "set-flag", "sorry"),
        "return: the caller can wait and is streamed",
    );
    check(
        |flow| {
            for exit in ["Errors", "Conditions"] {
                let exits = action(flow, "speak")["Transitions"][exit].as_array_mut();
                for exit in exits.unwrap() {
                    exit["NextAction"] = json!("saved");
                }
            }
        },
        "hang-up: a message can be lost: not flagged, or still streamed",
    );
    check(
        |flow| {
            let both =
                json!([{ "ParticipantType": "Customer", "MediaDirections": ["From", "To"] }]);
            action(flow, "start-streaming")["Parameters"]["Participants"] = both;
        },
        "start-streaming: it streams [\"From\", \"To\"], and a message is [\"From\"]",
    );
    check(
        |flow| drop(flow.as_object_mut().unwrap().remove("Settings")),
        "no type that there is",
    );
    check(
        |flow| flow["Settings"]["InputParameters"] = json!(["x"]),
        "a flow has other fields",
    );
    check(
        |flow| action(flow, "return")["Type"] = json!("EndFlowExecution"),
        "return: a Module cannot have it",
    );
    let check = |break_it: fn(&mut Value), words| check_broken(AGENT_WHISPER, break_it, words);
    check(
        |flow| lead(flow, "clear-flag", "queue-name"),
        "go-on: an agent can have the call and its message goes on",
    );
    check(
        |flow| lead_error(flow, "clear-flag", "queue-name"),
        "go-on: an agent can have the call and its message goes on",
    );
    check(
        |flow| {
            action(flow, "clear-flag")["Parameters"]["Attributes"] = json!({ "vmx3_flag": "1" });
        },
        "go-on: an agent can have the call and its message goes on",
    );
    check(
        |flow| action(flow, "go-on")["Type"] = json!("DisconnectParticipant"),
        "go-on: a AgentWhisper cannot have it",
    );
    let check = |break_it: fn(&mut Value), words| check_broken(LIVE, break_it, words);
    check(
        |flow| lead(flow, "queue-name", "tell"),
        "tell: it can tell of a call that does not stream",
    );
    check(
        |flow| lead_error(flow, "start-streaming", "tell"),
        "tell: it can tell of a call that does not stream",
    );
    check(
        |flow| {
            let from = json!([{ "ParticipantType": "Customer", "MediaDirections": ["From"] }]);
            action(flow, "start-streaming")["Parameters"]["Participants"] = from;
        },
        "start-streaming: it streams [\"From\"], and desks show both sides",
    );
}

/// What Connect refuses in the parameters of voicemail's flows, and what an agent must not see as HTML.
#[test]
fn a_broken_parameter_of_voicemail_is_found() {
    let said = json!([{ "TemplateString": "<p>$.Attributes.vmx3_transcript</p>" }]);
    let unquoted = json!([{ "TemplateString": "<audio src=$.External.vmx3_presigned_url>" }]);
    let mut shown = flow(GUIDE);
    let shown = action(&mut shown, "with-player")["Parameters"]["ViewData"].clone();
    let with = |sections: Value| {
        let mut data = shown.clone();
        data["Sections"] = sections;
        data
    };
    for (file, id, parameter, value) in [
        (GUIDE, "with-player", "ViewData", with(said)),
        (GUIDE, "with-player", "ViewData", with(unquoted)),
        (
            GUIDE,
            "sign",
            "ResponseValidation",
            json!({ "ResponseType": "STRING_MAP" }),
        ),
        (GUIDE, "is-signed", "ComparisonValue", json!("$.External")),
        (
            GUIDE,
            "with-player",
            "ViewResource",
            json!({ "Id": "detail" }),
        ),
        (IN_QUEUE, "hold", "Messages", json!([])),
        (IN_QUEUE, "hold", "InterruptFrequencySeconds", json!(30)),
        (IN_QUEUE, "whisper-to-agent", "EventHooks", json!({})),
        (
            IN_QUEUE,
            "whisper-to-agent",
            "EventHooks",
            json!({ "Whisper": "arn:x:contact-flow/1" }),
        ),
        (TASK, "set-queue", "QueueId", json!("vmx3_queue_arn")),
        (
            TASK,
            "prefer-agent",
            "RoutingCriteria",
            json!({ "Steps": [] }),
        ),
        (
            TRIAL,
            "leave-message",
            "FlowModuleId",
            json!("Callreel - voicemail"),
        ),
        (VOICEMAIL, "speak", "InputTimeLimitSeconds", json!("181")),
    ] {
        check_broken(
            file,
            |flow| action(flow, id)["Parameters"][parameter] = value,
            &format!("{id}: {parameter} cannot be"),
        );
    }
    check_broken(
        TRIAL,
        |flow| action(flow, "describe")["Parameters"]["Attributes"]["vmx3_lang"] = json!(""),
        "describe: a text in its Parameters is empty",
    );
    check_broken(
        TRIAL,
        |flow| action(flow, "as-mail")["Parameters"]["Attributes"] = json!({ "vmx3_mode": "mail" }),
        "as-mail: vmx3_mode Some(\"mail\") is none that there is",
    );
    check_broken(
        TASK,
        |flow| {
            let check = action(flow, "for-agent");
            check["Transitions"]["Conditions"][0]["Condition"]["Operands"] = json!([""]);
        },
        "for-agent: conditions are",
    );
}

/// What becomes of messages, whatever fails: delivered, or the caller hears that there is none.
#[test]
fn a_message_is_flagged_when_it_is_one_and_not_otherwise() {
    let fails = |failing| Caller {
        failing,
        ..Caller::default()
    };
    let begun = ["stream From", "flag 1", "tone", "speak"];
    let with = |behind: &[&'static str]| [&begun[..], behind].concat();
    check_call(VOICEMAIL, fails(&[]), &with(&["stop", "hang up"]));
    check_call(VOICEMAIL, fails(&["notice"]), &with(&["stop", "hang up"]));
    check_call(
        VOICEMAIL,
        fails(&["stop-streaming"]),
        &with(&["stop (failed)", "hang up"]),
    );
    let no_tone = [
        "stream From",
        "flag 1",
        "tone (failed)",
        "speak",
        "stop",
        "hang up",
    ];
    check_call(VOICEMAIL, fails(&["tone"]), &no_tone);
    let twice = ["stream From (failed)", "stream From (failed)", "return"];
    check_call(VOICEMAIL, fails(&["start-streaming"]), &twice);
    let unflagged = ["stream From", "flag 1 (failed)", "stop", "return"];
    check_call(VOICEMAIL, fails(&["set-flag"]), &unflagged);
    let cut = [
        "stream From",
        "flag 1",
        "tone",
        "speak (failed)",
        "stop",
        "return",
    ];
    check_call(VOICEMAIL, fails(&["speak"]), &cut);
    // A flag of before is none of a message that could not be taken.
    let stale = Caller {
        failing: &["start-streaming"],
        attributes: &[("vmx3_flag", "1")],
        ..Caller::default()
    };
    let course = [
        "stream From (failed)",
        "stream From (failed)",
        "flag 0",
        "return",
    ];
    check_call(VOICEMAIL, stale, &course);
}

#[test]
fn who_waits_is_offered_a_message_once_and_an_agent_ends_it() {
    let keys = |keys| Caller {
        keys,
        ..Caller::default()
    };
    let hooks = ["hold", "set CustomerWhisper", "set AgentWhisper"];
    let taken = ["stream From", "flag 1", "tone", "speak", "stop", "hang up"];
    check_call(IN_QUEUE, keys(&["1"]), &[&hooks[..], &taken].concat());
    for pressed in [&[""][..], &["2"], &["#"]] {
        check_call(IN_QUEUE, keys(pressed), &["hold", "hold", "hold"]);
    }
    let no_whisper = Caller {
        keys: &["1"],
        failing: &["whisper-to-agent"],
        ..Caller::default()
    };
    let course = [
        "hold",
        "set CustomerWhisper",
        "set AgentWhisper (failed)",
        "hold",
        "hold",
    ];
    check_call(IN_QUEUE, no_whisper, &course);

    let leaving = |failing| Caller {
        failing,
        attributes: &[("vmx3_flag", "1")],
        ..Caller::default()
    };
    check_call(AGENT_WHISPER, leaving(&[]), &["flag 0", "stop", "end"]);
    check_call(
        AGENT_WHISPER,
        leaving(&["clear-flag"]),
        &["flag 0 (failed)", "stop", "end"],
    );
    check_call(
        AGENT_WHISPER,
        leaving(&["stop-streaming"]),
        &["flag 0", "stop (failed)", "end"],
    );
    check_call(AGENT_WHISPER, Caller::default(), &["end"]);
    check_call(CUSTOMER_WHISPER, Caller::default(), &["end"]);
}

#[test]
fn a_task_comes_to_its_agent_its_queue_or_the_queue_of_last_resort() {
    let of = |attributes, failing| Caller {
        attributes,
        failing,
        ..Caller::default()
    };
    let queue = [
        ("vmx3_target", "queue"),
        ("vmx3_preferred_agent_id", "NONE"),
    ];
    let agent = [("vmx3_target", "agent"), ("vmx3_preferred_agent_id", "u-1")];
    let own = [
        ("vmx3_target", "agent"),
        ("vmx3_preferred_agent_id", "NONE"),
    ];
    check_call(TASK, of(&queue, &[]), &["queue"]);
    check_call(TASK, of(&[], &[]), &["queue"]);
    check_call(TASK, of(&own, &[]), &["queue"]);
    check_call(TASK, of(&agent, &[]), &["prefer", "queue"]);
    check_call(
        TASK,
        of(&agent, &["prefer-agent"]),
        &["prefer (failed)", "queue"],
    );
    check_call(TASK, of(&queue, &["set-queue"]), &["queue"]);
    check_call(
        TASK,
        of(&queue, &["transfer"]),
        &["queue (failed)", "queue"],
    );
    check_call(
        GUIDED_TASK,
        of(&agent, &[]),
        &["set DefaultAgentUI", "prefer", "queue"],
    );
    check_call(
        GUIDED_TASK,
        of(&queue, &["show-guide"]),
        &["set DefaultAgentUI (failed)", "queue"],
    );
    let signed = [("result", "success")];
    check_call(GUIDE, of(&signed, &[]), &["sign", "player", "hang up"]);
    check_call(
        GUIDE,
        of(&[("result", "ERROR")], &[]),
        &["sign", "no player", "hang up"],
    );
    check_call(
        GUIDE,
        of(&signed, &["sign"]),
        &["sign (failed)", "no player", "hang up"],
    );
}

#[test]
fn the_trial_reaches_the_module_by_every_key() {
    for keys in [
        &["1", "1", "1"][..],
        &["2", "2", "2"],
        &["3", "", ""],
        &["", "", ""],
    ] {
        let caller = Caller {
            keys,
            ..Caller::default()
        };
        check_call(TRIAL, caller, &["module", "queue"]);
    }
    let waiting = Caller {
        keys: &["4"],
        ..Caller::default()
    };
    check_call(TRIAL, waiting, &["set CustomerQueue", "queue"]);
}

#[test]
fn a_call_is_watched_when_it_streams_and_goes_on_when_not() {
    let fails = |failing| Caller {
        failing,
        ..Caller::default()
    };
    check_call(LIVE, fails(&[]), &["stream From To", "tell", "end"]);
    check_call(
        LIVE,
        fails(&["queue-name"]),
        &["stream From To", "tell", "end"],
    );
    check_call(
        LIVE,
        fails(&["start-streaming"]),
        &["stream From To (failed)", "end"],
    );
    check_call(
        LIVE,
        fails(&["tell"]),
        &["stream From To", "tell (failed)", "end"],
    );
}

/// Which page shows which flows.
const DRAWN: &[(&str, &[&str])] = &[
    ("SampleFlows/README.md", FLOWS),
    ("docs/answering-machine.md", &[MACHINE]),
    ("docs/monitor.md", &[LIVE]),
    (
        "docs/voicemail.md",
        &[VOICEMAIL, IN_QUEUE, AGENT_WHISPER, TASK],
    ),
];

/// The page with each flow's drawing between its marks.
fn with_drawings(page: &str, flows: &[&str], name: &str) -> String {
    let mut page = page.to_owned();
    for file in flows {
        let begin = format!("<!-- drawn from {file} -->\n");
        let start = page.find(&begin);
        let start = start.unwrap_or_else(|| panic!("{name} has no {begin}"));
        let start = start + begin.len();
        let end = start + page[start..].find("<!-- end -->").unwrap();
        page.replace_range(
            start..end,
            &format!("```mermaid\n{}\n```\n", draw(&flow(file))),
        );
    }
    page
}

/// Holds a file to what is made of the flows, or writes it where somebody asks for that.
#[track_caller]
fn hold(path: &Path, there: &str, made: &str, what: &str) {
    if std::env::var_os("UPDATE_FLOWS").is_some() {
        return fs::write(path, made).unwrap();
    }
    assert!(
        there == made,
        "{what} is out of date: UPDATE_FLOWS=1 cargo test --test house flows"
    );
}

#[test]
fn the_drawings_are_the_flows() {
    for (name, flows) in DRAWN {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let page = fs::read_to_string(&path).unwrap();
        let drawn = with_drawings(&page, flows, name);
        hold(&path, &page, &drawn, &format!("a drawing of {name}"));
    }
}

/// What no box of a drawing can be called.
const WORDS_OF_MERMAID: &[&str] = &[
    "class", "click", "default", "end", "graph", "style", "subgraph",
];

#[test]
fn a_drawing_shows_every_action_and_every_way() {
    for file in FLOWS {
        let flow = flow(file);
        let drawing = draw(&flow);
        for (id, action) in shape::actions(&flow) {
            assert!(
                drawing.contains(&format!("<b>{id}</b>")),
                "{file}: {id} is not drawn"
            );
            assert!(!WORDS_OF_MERMAID.contains(&id), "{file}: {id}");
            for exit in shape::exits(action) {
                let (from, to) = (id.replace('-', "_"), exit.to.replace('-', "_"));
                let drawn = drawing.lines().any(|line| {
                    let line = line.trim();
                    line.starts_with(&format!("{from} ")) && line.ends_with(&format!(" {to}"))
                });
                assert!(drawn, "{file}: no arrow from {id} to {}", exit.to);
            }
        }
    }
}

/// The README tells of each flow and of every number and name that must be looked at.
#[test]
fn the_readme_names_what_must_be_adjusted() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for file in FLOWS {
        assert!(
            readme.contains(&format!("[`{file}`]({file})")),
            "README does not name {file}"
        );
        for (id, action) in shape::actions(&flow(file)) {
            let parameters = &action["Parameters"];
            let deployments = ["LambdaFunctionARN", "PromptId", "QueueId", "FlowModuleId"]
                .map(|it| &parameters[it]);
            let is_fixed = |value: &&Value| value.as_str().is_some_and(|it| !it.starts_with("$."));
            let of_an_instance = ["EventHooks", "ViewResource"].map(|it| &parameters[it]);
            if deployments.iter().any(is_fixed) || of_an_instance.iter().any(|it| it.is_object()) {
                assert!(
                    readme.contains(&format!("`{id}`")),
                    "{file}: README does not say what to put into {id}"
                );
            }
            if let Some(number) = parameters["ThirdPartyPhoneNumber"].as_str() {
                assert!(
                    readme.contains(&format!("`{number}`")),
                    "{file}: README does not name {number} of {id}"
                );
            }
        }
    }
    for name in [RECORDING_AUTH].into_iter().chain(attributes::CARRIERS) {
        assert!(
            readme.contains(&format!("`{name}`")),
            "README does not name {name}"
        );
    }
}
