//! How a deployment delivers messages, and what of it a contact's attributes may change: the
//! mode, the flow and the addresses. What cannot work is not chosen: a message whose mode is
//! unknown, or switched off, goes another way.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::voicemail::flagged::{
    EMAIL_FROM, EMAIL_TEMPLATE, EMAIL_TO, GUIDED_TASK_FLOW, MODE, Mode, TASK_FLOW, first_value,
    flow_id, value,
};
use crate::voicemail::mail::Address;
use crate::voicemail::recipient::{QUEUE_EMAIL_TAG, Recipient};
use crate::voicemail::zone::Zone;

/// Bytes of a transcript in a task at the most, unless it is set otherwise.
pub const TRANSCRIPT_BYTES: usize = 2_048;

/// How messages are delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The id of the instance, for a message whose queue is not known.
    pub instance: Option<Box<str>>,
    /// The ARN of the queue for a message that names none.
    pub queue_arn: Option<Box<str>>,
    /// The mode of a message that names none.
    pub mode: Mode,
    /// The flow of tasks, if there are any.
    pub task_flow: Option<Box<str>>,
    /// The flow of guided tasks, if there are any.
    pub guided_task_flow: Option<Box<str>>,
    /// Whom mails come from, if there are any.
    pub email_from: Option<Address>,
    /// Whom mails go to when nobody else is known.
    pub email_to: Option<Address>,
    /// Domains that mails may go to, in small letters; all if there is none.
    pub email_domains: Vec<String>,
    /// What of a user is their address.
    pub agent_address: AgentAddress,
    /// Whether mails have the recording in them, or are made of a template.
    pub email_style: EmailStyle,
    /// The template of a mail to a queue.
    pub queue_template: Option<Box<str>>,
    /// The template of a mail to an agent.
    pub agent_template: Option<Box<str>>,
    /// Whether a summary is made of a message that does not say.
    pub summary: bool,
    /// Bytes of a transcript in a task at the most, 256 to 3,000.
    pub transcript_bytes: usize,
    /// The hour that people read.
    pub zone: Zone,
    /// How long the link in a task is to live.
    pub task_link: Duration,
    /// How long the link in a mail is to live.
    pub email_link: Duration,
    /// What the URL of a recording's page in the archive starts with, before the key: tasks and
    /// mails have it in place of a link that ends.
    pub pages: Option<Box<str>>,
    /// What stands before a recording's key where there is no link: `s3://bucket/`.
    pub recordings: String,
}

impl Policy {
    /// That of a step which delivers nothing.
    pub fn of_nothing() -> Self {
        Self {
            instance: None,
            queue_arn: None,
            mode: Mode::Task,
            task_flow: None,
            guided_task_flow: None,
            email_from: None,
            email_to: None,
            email_domains: Vec::new(),
            agent_address: AgentAddress::default(),
            email_style: EmailStyle::default(),
            queue_template: None,
            agent_template: None,
            summary: false,
            transcript_bytes: TRANSCRIPT_BYTES,
            zone: Zone::of_region(""),
            task_link: Duration::ZERO,
            email_link: Duration::ZERO,
            pages: None,
            recordings: String::new(),
        }
    }
}

/// What of a user is their address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgentAddress {
    /// `IdentityInfo.Email`.
    #[default]
    Email,
    /// `IdentityInfo.SecondaryEmail`.
    SecondaryEmail,
    /// `Username`.
    Username,
}

impl AgentAddress {
    /// What has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [
            ("Email", Self::Email),
            ("SecondaryEmail", Self::SecondaryEmail),
            ("Username", Self::Username),
        ];
        let mut all = all.into_iter();
        all.find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, address)| address)
    }
}

/// How a mail looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmailStyle {
    /// The recording is in it.
    #[default]
    Attachment,
    /// It is made of a template of the operator's.
    Template,
}

/// Where a message goes, with all that this way needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A task in this flow.
    Task {
        /// The flow's id.
        flow: Box<str>,
    },
    /// A guided task in this flow.
    GuidedTask {
        /// The flow's id.
        flow: Box<str>,
    },
    /// A mail.
    Email(EmailWay),
}

/// A mail's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailWay {
    /// From whom.
    pub from: Address,
    /// To whom.
    pub to: Address,
    /// The template, if it is made of one.
    pub template: Option<Box<str>>,
}

impl Way {
    /// Its mode.
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Task { .. } => Mode::Task,
            Self::GuidedTask { .. } => Mode::GuidedTask,
            Self::Email(_) => Mode::Email,
        }
    }
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The way; `None` when no mode of the deployment can work.
    pub way: Option<Way>,
    /// What was odd, and is told.
    pub oddities: Vec<String>,
}

impl Policy {
    /// The way of a message: the mode that its flow names, else the deployment's, else any that
    /// can work.
    pub fn way(&self, attributes: &BTreeMap<String, String>, recipient: &Recipient) -> Chosen {
        let mut oddities = Vec::new();
        let named = value(attributes, MODE);
        let wanted = named.and_then(Mode::from_name);
        if named.is_some() && wanted.is_none() {
            oddities.push(format!("{MODE} names no mode"));
        }
        let order = wanted.into_iter().chain([self.mode]).chain(Mode::ALL);
        let mut tried: Vec<Mode> = Vec::new();
        for mode in order {
            if tried.contains(&mode) {
                continue;
            }
            if let Some(way) = self.way_of(mode, attributes, recipient, &mut oddities) {
                if !tried.is_empty() {
                    let tried: Vec<_> = tried.iter().map(|mode| mode.name()).collect();
                    let tried = tried.join(" and ");
                    let mode = mode.name();
                    oddities.push(format!(
                        "{tried}: not set up, or nobody to send to; {mode} in its place"
                    ));
                }
                let way = Some(way);
                return Chosen { way, oddities };
            }
            tried.push(mode);
        }
        Chosen {
            way: None,
            oddities,
        }
    }

    fn way_of(
        &self,
        mode: Mode,
        attributes: &BTreeMap<String, String>,
        recipient: &Recipient,
        oddities: &mut Vec<String>,
    ) -> Option<Way> {
        let flow = |name: &str, set: Option<&Box<str>>| {
            let flow = value(attributes, name).map(flow_id);
            flow.or(set.map(|set| &**set)).map(Box::from)
        };
        Some(match mode {
            Mode::Task => Way::Task {
                flow: flow(TASK_FLOW, self.task_flow.as_ref())?,
            },
            Mode::GuidedTask => Way::GuidedTask {
                flow: flow(GUIDED_TASK_FLOW, self.guided_task_flow.as_ref())?,
            },
            Mode::Email => {
                let from = first_value(attributes, &EMAIL_FROM).and_then(|from| from.parse().ok());
                let from = from.or_else(|| self.email_from.clone())?;
                let to = self.address(attributes, recipient, oddities)?;
                Way::Email(EmailWay {
                    from,
                    to,
                    template: self.template(attributes, recipient),
                })
            }
        })
    }

    fn template(
        &self,
        attributes: &BTreeMap<String, String>,
        recipient: &Recipient,
    ) -> Option<Box<str>> {
        let own = first_value(attributes, &EMAIL_TEMPLATE).map(Box::from);
        let set = match recipient.target() {
            "agent" => self.agent_template.clone(),
            _ => self.queue_template.clone(),
        };
        own.or_else(|| set.filter(|_| self.email_style == EmailStyle::Template))
    }

    /// The address of a mail: the one that the flow names, the agent's or the queue's, the
    /// default. One of a domain that is not allowed is the default.
    fn address(
        &self,
        attributes: &BTreeMap<String, String>,
        recipient: &Recipient,
        oddities: &mut Vec<String>,
    ) -> Option<Address> {
        let user = recipient.user.as_ref().filter(|_| recipient.is_agent);
        let of_user = user.and_then(|user| match self.agent_address {
            AgentAddress::Email => user.email.as_deref(),
            AgentAddress::SecondaryEmail => user.secondary_email.as_deref(),
            AgentAddress::Username => Some(&*user.username),
        });
        let queue = recipient.queue.as_ref().filter(|_| user.is_none());
        let of_queue = queue.and_then(|queue| value(&queue.tags, QUEUE_EMAIL_TAG));
        let known = [first_value(attributes, &EMAIL_TO), of_user, of_queue];
        let found = known
            .into_iter()
            .flatten()
            .find_map(|text| text.parse::<Address>().ok());
        match found {
            Some(address) if self.may_mail(&address) => Some(address),
            Some(_) => {
                oddities.push(
                    "the address is of a domain that is not allowed: the default one in its place"
                        .to_owned(),
                );
                self.email_to.clone()
            }
            None => self.email_to.clone(),
        }
    }

    fn may_mail(&self, address: &Address) -> bool {
        let domain = address.domain().to_ascii_lowercase();
        self.email_domains.is_empty() || self.email_domains.contains(&domain)
    }
}

#[cfg(test)]
mod tests;
