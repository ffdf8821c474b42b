//! What a flow writes on a contact for its voicemail, under the names that flows of the
//! published solution use, and what of it is believed: nothing there loses a message. What is
//! missing, empty or unknown has a default, and what was odd can be told.

use std::collections::BTreeMap;

use crate::connect::arn;

/// `1`: there is a message. Set to `0` by whoever took the call, and when it was delivered.
pub const FLAG: &str = "vmx3_flag";
/// The number to call back.
pub const FROM: &str = "vmx3_from";
/// The queue, or an agent's own queue.
pub const QUEUE_ARN: &str = "vmx3_queue_arn";
/// The language that is spoken, as Transcribe has it.
pub const LANGUAGE: &str = "vmx3_lang";
/// How it is delivered.
pub const MODE: &str = "vmx3_mode";
/// `queue` or `agent`.
pub const TARGET: &str = "vmx3_target";
/// The username of the agent that it is for.
pub const PREFERRED_AGENT: &str = "vmx3_preferred_agent";
/// When the message part began.
pub const TIMESTAMP: &str = "vmx3_timestamp";
/// Whether a summary is made: `true` or `false`.
pub const DO_SUMMARY: &str = "vmx3_do_genai_summary";
/// The task's flow in place of the deployment's.
pub const TASK_FLOW: &str = "vmx3_task_flow";
/// The guided task's flow in place of the deployment's.
pub const GUIDED_TASK_FLOW: &str = "vmx3_guided_task_flow";
/// The sender, the receiver and the template of a mail; the second name of each is that of
/// older flows.
pub const EMAIL_FROM: [&str; 2] = ["vmx3_email_from", "email_from"];
/// The same.
pub const EMAIL_TO: [&str; 2] = ["vmx3_email_to", "email_to"];
/// The same.
pub const EMAIL_TEMPLATE: [&str; 2] = ["vmx3_email_template", "email_template"];

/// Written by us on a task: the number to call back.
pub const CALLBACK_NUMBER: &str = "vmx3_callback_number";
/// The same under the name that older task flows read.
pub const CALLBACK_NUMBER_BEFORE: &str = "Callback_Number";
/// Written by us on a task: the name of the queue or agent.
pub const SOURCE_QUEUE: &str = "vmx3_source_queue";
/// Written by us on a task: the transcript, cut.
pub const TRANSCRIPT: &str = "vmx3_transcript";
/// Written by us on a task: the summary.
pub const SUMMARY: &str = "vmx3_genai_summary";
/// Written by us on a task: the id of the agent that it is for, or [`NO_AGENT`].
pub const PREFERRED_AGENT_ID: &str = "vmx3_preferred_agent_id";
/// Written by us on a task: the recording's key, for the guide.
pub const RECORDING_KEY: &str = "vmx3_recording_key";
/// Stands for an agent where a message is for nobody in particular.
pub const NO_AGENT: &str = "NONE";

/// The prefix of all attributes that steer a voicemail.
pub const PREFIX: &str = "vmx3_";

/// Stands for a number that nobody knows.
pub const UNKNOWN_NUMBER: &str = "unknown";

/// The language of a message whose flow names none, or one that no language is called.
pub const DEFAULT_LANGUAGE: &str = "en-US";

/// How a message is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// A task.
    Task,
    /// A task with a guide that plays the recording.
    GuidedTask,
    /// A mail.
    Email,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Task, Self::GuidedTask, Self::Email];

    /// The attribute's value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::GuidedTask => "guided_task",
            Self::Email => "email",
        }
    }

    /// What has this name; case does not matter.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        let mut all = Self::ALL.into_iter();
        all.find(|mode| mode.name().eq_ignore_ascii_case(name))
    }
}

/// A value that says something: empty counts as missing.
pub fn value<'a>(attributes: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    let value = attributes.get(name)?.trim();
    (!value.is_empty()).then_some(value)
}

/// The first of these that says something.
pub fn first_value<'a>(
    attributes: &'a BTreeMap<String, String>,
    names: &[&str],
) -> Option<&'a str> {
    names.iter().find_map(|name| value(attributes, name))
}

/// Whether a contact is flagged.
pub fn is_flagged(attributes: &BTreeMap<String, String>) -> bool {
    value(attributes, FLAG) == Some("1")
}

/// A language as Transcribe may have it: `xx-XX` or `xxx-XX`, in any case. Which ones it has
/// today, it says itself.
pub fn language(text: &str) -> Option<String> {
    let (language, region) = text.trim().split_once(['-', '_'])?;
    let is_word = |word: &str, most| {
        (2..=most).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphabetic())
    };
    (is_word(language, 3) && is_word(region, 2)).then(|| {
        format!(
            "{}-{}",
            language.to_ascii_lowercase(),
            region.to_ascii_uppercase()
        )
    })
}

/// The id of a flow, of which flows may give the ARN.
pub fn flow_id(text: &str) -> &str {
    match text.split_once("/contact-flow/") {
        Some((_, rest)) => rest.split(['/', ':']).next().unwrap_or(rest),
        None => text,
    }
}

/// Where a message is to go, by a queue's ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A queue.
    Queue {
        /// Its id.
        id: Box<str>,
    },
    /// An agent's own queue.
    Agent {
        /// The user's id.
        user: Box<str>,
    },
}

/// Why a text is no ARN of a queue. It shows its length alone: anything can stand there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("contact {contact}: {QUEUE_ARN} ({bytes} bytes) is not the ARN of a queue")]
pub struct NotAQueue {
    contact: Box<str>,
    bytes: usize,
}

/// The instance and the place that a queue's ARN names; by its markers, since samples have
/// colons too many.
pub fn place(arn: &str, contact: &str) -> Result<(Box<str>, Place), NotAQueue> {
    let refused = || NotAQueue {
        contact: contact.into(),
        bytes: arn.len(),
    };
    let instance = arn::instance_id(arn).ok_or_else(refused)?;
    let (_, rest) = arn.split_once("/queue/").ok_or_else(refused)?;
    let place = match rest.split_once('/') {
        None => Place::Queue { id: rest.into() },
        Some(("agent", user)) => Place::Agent { user: user.into() },
        Some(_) => return Err(refused()),
    };
    let id = match &place {
        Place::Queue { id } => id,
        Place::Agent { user } => user,
    };
    let is_id = !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_id.then(|| (instance.into(), place)).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_a_queue_or_an_agent() {
        #[track_caller]
        fn check(arn: &str, expected: Option<(&str, Place)>) {
            let read = place(arn, "c").ok();
            assert_eq!(
                read,
                expected.map(|(id, place)| (Box::from(id), place)),
                "{arn}"
            );
        }
        let instance = "arn:aws-us-gov:connect:us-gov-west-1:111122223333:instance/i-1";
        let queue = Place::Queue { id: "q-1".into() };
        check(
            &format!("{instance}/queue/q-1"),
            Some(("i-1", queue.clone())),
        );
        check(
            "arn:aws::connect:r:1:instance/i-1/queue/q-1",
            Some(("i-1", queue)),
        );
        let agent = Place::Agent { user: "u-1".into() };
        check(&format!("{instance}/queue/agent/u-1"), Some(("i-1", agent)));
        for odd in [
            "",
            "/queue/q",
            "/queue/",
            "/queue/agent/",
            "/queue/other/u",
            "/queue/a b",
            "/agent/u",
        ] {
            check(&format!("{instance}{odd}x\n"), None);
        }
        for odd in [
            "q-1",
            "arn:aws:connect:r:1:queue/q-1",
            "sip:someone@example.com",
        ] {
            check(odd, None);
        }
        let error = place("+81 90 1234 5678", "c").unwrap_err().to_string();
        assert_eq!(
            error,
            "contact c: vmx3_queue_arn (16 bytes) is not the ARN of a queue"
        );
    }

    #[test]
    fn values_are_read_as_flows_write_them() {
        for (text, read) in [
            ("en-US", Some("en-US")),
            (" ja_jp ", Some("ja-JP")),
            ("yue-CN", Some("yue-CN")),
            ("en", None),
            ("english-US", None),
            ("$.LanguageCode", None),
            ("", None),
        ] {
            assert_eq!(language(text).as_deref(), read, "{text:?}");
        }
        let arn = "arn:aws:connect:r:1:instance/i/contact-flow/f-1";
        assert_eq!((flow_id(arn), flow_id("f-1")), ("f-1", "f-1"));
        assert_eq!(flow_id(&format!("{arn}:$LATEST")), "f-1");
        assert_eq!(Mode::from_name(" Guided_Task "), Some(Mode::GuidedTask));
        assert_eq!(Mode::from_name("fax"), None);
        let attributes = BTreeMap::from([
            ("email_to".to_owned(), "old@b.example".to_owned()),
            ("vmx3_email_to".to_owned(), "  ".to_owned()),
            ("vmx3_flag".to_owned(), " 1 ".to_owned()),
        ]);
        assert_eq!(first_value(&attributes, &EMAIL_TO), Some("old@b.example"));
        assert!(is_flagged(&attributes));
        assert!(!is_flagged(&BTreeMap::new()));
    }
}
