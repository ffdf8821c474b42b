//! The settings of `deliver` and `reconcile-voicemail`: [`SETTINGS`] is the table that the
//! documentation repeats. What cannot work is one clear line at the start: a mode that is
//! switched on without its flow or its addresses, or a default mode that is switched off.

use std::collections::BTreeSet;
use std::time::Duration;

use super::messages::{
    INSTANCE, LANGUAGE, MARGIN, MODE, OWNER, Places, QUEUE, RECORDINGS, SUMMARY, TRANSCRIPTS,
    instance_id, language_code, mode, modes, queue_arn,
};
use super::{
    ENDPOINT, LOG, Setting, SettingsError, Variables, any_text, page_base, setting, yes_or_no,
};
use crate::voicemail::flagged::{Mode, flow_id};
use crate::voicemail::mail::Address;
use crate::voicemail::policy::{AgentAddress, EmailStyle, Policy, TRANSCRIPT_BYTES};
use crate::voicemail::zone::Zone;

const MODES: Setting = setting(
    "ENABLED_MODES",
    "guided_task",
    "How messages may be delivered, separated by commas: `task`, `guided_task`, `email`. Each needs its flow or addresses.",
);
const TASK_FLOW: Setting = setting(
    "TASK_FLOW_ID",
    "none",
    "The flow of tasks, by its id or ARN.",
);
const GUIDED_TASK_FLOW: Setting = setting(
    "GUIDED_TASK_FLOW_ID",
    "none",
    "The flow of guided tasks, by its id or ARN.",
);
const EMAIL_FROM: Setting = setting(
    "EMAIL_FROM",
    "none",
    "The sender of mails whose flow names none; SES must have verified it.",
);
const EMAIL_TO: Setting = setting(
    "EMAIL_TO",
    "none",
    "The receiver of mails where neither flow, agent nor queue has an address that may be used.",
);
const EMAIL_STYLE: Setting = setting(
    "EMAIL_STYLE",
    "attachment",
    "`attachment` for mails with the recording in them, `template` for those of a template of SES.",
);
const QUEUE_TEMPLATE: Setting = setting(
    "EMAIL_QUEUE_TEMPLATE",
    "none",
    "The template of mails to a queue.",
);
const AGENT_TEMPLATE: Setting = setting(
    "EMAIL_AGENT_TEMPLATE",
    "none",
    "The template of mails to an agent.",
);
const EMAIL_DOMAINS: Setting = setting(
    "EMAIL_DOMAINS",
    "all",
    "The domains that mails may go to, separated by commas.",
);
const AGENT_ADDRESS: Setting = setting(
    "AGENT_ADDRESS_KEY",
    "Email",
    "Which of an agent's fields is their address: `Email`, `SecondaryEmail` or `Username`.",
);
const ZONE: Setting = setting(
    "TIME_ZONE",
    "that of the region",
    "The zone of the times in tasks and mails, such as `Europe/Berlin` or `+09:00`.",
);
const TRANSCRIPT: Setting = setting(
    "MAX_TRANSCRIPT_BYTES",
    "2048",
    "Bytes of the transcript in a task, 256 to 3000; the whole of it is in the bucket and in mails.",
);
const SUMMARY_MODEL: Setting = setting(
    "SUMMARY_MODEL_ID",
    "none",
    "The model or inference profile of Bedrock that sums up; without one nothing is summed up.",
);
const SUMMARY_REGION: Setting = setting(
    "SUMMARY_REGION",
    "AWS_REGION",
    "The region that Bedrock is called in.",
);
const TASK_LINK: Setting = setting(
    "TASK_LINK_DAYS",
    "1",
    "Days that the link in a task lives, 1 to 7.",
);
const EMAIL_LINK: Setting = setting(
    "EMAIL_LINK_DAYS",
    "1",
    "Days that the link in a mail lives, 1 to 7.",
);
const ARCHIVE: Setting = setting(
    "ARCHIVE_DOMAIN",
    "none",
    "The domain of an archive over the bucket of recordings: tasks and mails lead to its pages, behind its login, and not to a file for some days.",
);
const LINK_KEY: Setting = setting(
    "LINK_KEY_SECRET_ARN",
    "none",
    "The secret with the key pair that links are signed with; without one they die with the role's credentials, within hours.",
);

/// All settings, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[
    RECORDINGS,
    TRANSCRIPTS,
    OWNER,
    INSTANCE,
    LANGUAGE,
    QUEUE,
    MODE,
    MODES,
    TASK_FLOW,
    GUIDED_TASK_FLOW,
    EMAIL_FROM,
    EMAIL_TO,
    EMAIL_STYLE,
    QUEUE_TEMPLATE,
    AGENT_TEMPLATE,
    EMAIL_DOMAINS,
    AGENT_ADDRESS,
    ZONE,
    TRANSCRIPT,
    SUMMARY,
    SUMMARY_MODEL,
    SUMMARY_REGION,
    TASK_LINK,
    EMAIL_LINK,
    ARCHIVE,
    LINK_KEY,
    MARGIN,
    LOG,
    ENDPOINT,
];

/// How messages are delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverConfig {
    /// Where everything is.
    pub places: Places,
    /// How a deployment delivers.
    pub policy: Policy,
    /// The language of a message whose flow names none that Transcribe knows.
    pub language: String,
    /// The model that sums up, and its region.
    pub summary_model: Option<String>,
    /// The region that it is called in, if it is another one.
    pub summary_region: Option<String>,
    /// The secret with the key pair of links.
    pub link_key: Option<String>,
}

impl DeliverConfig {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(&lookup);
        let places = Places::read(&mut variables);
        let enabled = variables.optional(&MODES, modes);
        let enabled = enabled.unwrap_or_else(|| BTreeSet::from([Mode::GuidedTask]));
        let policy = policy(&mut variables, &places, &enabled);
        let config = Self {
            language: variables
                .optional(&LANGUAGE, language_code)
                .unwrap_or_else(|| LANGUAGE.default.to_owned()),
            summary_model: variables.optional(&SUMMARY_MODEL, any_text),
            summary_region: variables.optional(&SUMMARY_REGION, any_text),
            link_key: variables.optional(&LINK_KEY, any_text),
            places,
            policy,
        };
        variables.finish(config)
    }
}

fn policy(variables: &mut Variables<'_>, places: &Places, enabled: &BTreeSet<Mode>) -> Policy {
    let default = variables.optional(&MODE, mode).unwrap_or(Mode::GuidedTask);
    if !enabled.contains(&default) {
        let names: Vec<_> = enabled.iter().map(|mode| mode.name()).collect();
        variables.refuse(format!(
            "{} is {:?}, but {} has {} alone",
            MODE.name,
            default.name(),
            MODES.name,
            names.join(", ")
        ));
    }
    let is_on = |mode| enabled.contains(&mode);
    let flow = |variables: &mut Variables<'_>, setting, mode| {
        let flow = variables.optional(setting, |flow| Ok(Box::from(flow_id(flow))));
        variables.needs(setting, flow.is_some(), is_on(mode), mode);
        flow.filter(|_| is_on(mode))
    };
    let address = |variables: &mut Variables<'_>, setting| {
        let address = variables.optional(setting, |text| {
            text.parse::<Address>()
                .map_err(|error| format!("it is {error}"))
        });
        variables.needs(setting, address.is_some(), is_on(Mode::Email), Mode::Email);
        address.filter(|_| is_on(Mode::Email))
    };
    let template = |value: &str| Ok(Box::from(value));
    let style = variables.optional(&EMAIL_STYLE, |value| match value {
        "attachment" => Ok(EmailStyle::Attachment),
        "template" => Ok(EmailStyle::Template),
        _ => Err("it must be attachment or template".to_owned()),
    });
    let agent_address = variables.optional(&AGENT_ADDRESS, |value| {
        let known = AgentAddress::from_name(value);
        known.ok_or_else(|| "it must be Email, SecondaryEmail or Username".to_owned())
    });
    let zone = variables.optional(&ZONE, |value| {
        value.parse::<Zone>().map_err(|error| error.to_string())
    });
    let days = |variables: &mut Variables<'_>, setting| {
        Duration::from_secs(86_400 * variables.number::<u64>(setting, 1..=7))
    };
    Policy {
        instance: variables.optional(&INSTANCE, instance_id),
        queue_arn: variables.optional(&QUEUE, queue_arn),
        mode: default,
        task_flow: flow(variables, &TASK_FLOW, Mode::Task),
        guided_task_flow: flow(variables, &GUIDED_TASK_FLOW, Mode::GuidedTask),
        email_from: address(variables, &EMAIL_FROM),
        email_to: address(variables, &EMAIL_TO),
        email_domains: domains(&variables.get(&EMAIL_DOMAINS).unwrap_or_default()),
        agent_address: agent_address.unwrap_or_default(),
        email_style: style.unwrap_or_default(),
        queue_template: variables.optional(&QUEUE_TEMPLATE, template),
        agent_template: variables.optional(&AGENT_TEMPLATE, template),
        summary: variables.optional(&SUMMARY, yes_or_no).unwrap_or(false),
        transcript_bytes: match variables.get(&TRANSCRIPT) {
            None => TRANSCRIPT_BYTES,
            Some(_) => variables.number(&TRANSCRIPT, 256..=3_000),
        },
        zone: zone.unwrap_or_else(|| Zone::of_region(&places.region)),
        task_link: days(variables, &TASK_LINK),
        email_link: days(variables, &EMAIL_LINK),
        pages: variables
            .optional(&ARCHIVE, page_base)
            .map(String::into_boxed_str),
        recordings: format!("s3://{}/", places.recordings),
    }
}

/// Domains in small letters, without an `@` before them.
fn domains(value: &str) -> Vec<String> {
    let domains = value
        .split(',')
        .map(|domain| domain.trim().trim_start_matches('@'));
    let domains = domains.filter(|domain| !domain.is_empty());
    domains.map(str::to_ascii_lowercase).collect()
}

impl Variables<'_> {
    fn refuse(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// What a mode that is switched on needs.
    fn needs(&mut self, setting: &Setting, is_set: bool, is_on: bool, mode: Mode) {
        // One that is set wrongly was told already.
        if is_on && !is_set && self.get(setting).is_none() {
            self.refuse(format!(
                "{} is not set, and {} has {}",
                setting.name,
                MODES.name,
                mode.name()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: Result<(), &str>) -> Option<DeliverConfig> {
        let least = [
            ("AWS_REGION", "eu-central-1"),
            ("RECORDINGS_BUCKET", "r"),
            ("TRANSCRIPTS_BUCKET", "t"),
        ];
        let find = |name: &str| {
            let mut pairs = pairs.iter().chain(&least);
            pairs.find(|pair| pair.0 == name)
        };
        let config = DeliverConfig::from_lookup(|name| find(name).map(|pair| pair.1.to_owned()));
        let told = config.as_ref().map(|_| ()).map_err(ToString::to_string);
        assert_eq!(
            told,
            expected.map_err(|error| format!("configuration: {error}"))
        );
        config.ok()
    }

    #[test]
    fn a_mode_needs_its_flow_or_its_addresses() {
        let guided = (
            "GUIDED_TASK_FLOW_ID",
            "arn:aws:connect:r:1:instance/i/contact-flow/g",
        );
        let config = check(&[guided], Ok(())).unwrap();
        assert_eq!(config.policy.guided_task_flow.as_deref(), Some("g"));
        assert_eq!(config.policy.task_link.as_secs(), 86_400);
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(config.policy.zone, zone);
        check(
            &[],
            Err("GUIDED_TASK_FLOW_ID is not set, and ENABLED_MODES has guided_task"),
        );
        check(
            &[guided, ("ENABLED_MODES", "guided_task, task")],
            Err("TASK_FLOW_ID is not set, and ENABLED_MODES has task"),
        );
        check(
            &[
                ("ENABLED_MODES", "email"),
                ("DEFAULT_MODE", "email"),
                ("EMAIL_FROM", "vm@example.com"),
            ],
            Err("EMAIL_TO is not set, and ENABLED_MODES has email"),
        );
        check(
            &[guided, ("DEFAULT_MODE", "task")],
            Err("DEFAULT_MODE is \"task\", but ENABLED_MODES has guided_task alone"),
        );
    }

    #[test]
    fn what_is_switched_off_is_not_used_though_it_is_set() {
        let config = check(
            &[
                ("GUIDED_TASK_FLOW_ID", "g"),
                ("TASK_FLOW_ID", "t"),
                ("EMAIL_TO", "a@example.com"),
            ],
            Ok(()),
        );
        let policy = config.unwrap().policy;
        assert_eq!((policy.task_flow, policy.email_to), (None, None));
    }

    #[test]
    fn values_are_looked_at() {
        let guided = ("GUIDED_TASK_FLOW_ID", "g");
        for (pair, expected) in [
            (
                ("EMAIL_FROM", "nobody"),
                "EMAIL_FROM is \"nobody\", but it is no mail address: one as name@example.com is needed",
            ),
            (
                ("TASK_LINK_DAYS", "8"),
                "TASK_LINK_DAYS is \"8\", but it must be a whole number from 1 to 7",
            ),
            (
                ("MAX_TRANSCRIPT_BYTES", "9"),
                "MAX_TRANSCRIPT_BYTES is \"9\", but it must be a whole number from 256 to 3000",
            ),
            (
                ("ENABLED_MODES", "fax"),
                "ENABLED_MODES is \"fax\", but it must be task, guided_task or email",
            ),
            (
                ("EMAIL_STYLE", "plain"),
                "EMAIL_STYLE is \"plain\", but it must be attachment or template",
            ),
        ] {
            check(&[guided, pair], Err(expected));
        }
        let config = check(
            &[guided, ("EMAIL_DOMAINS", "@Example.com, b.example")],
            Ok(()),
        );
        let domains = config.unwrap().policy.email_domains;
        assert_eq!(domains, ["example.com", "b.example"]);
    }
}
