//! Whom a message is for: a queue, an agent by their own queue, or an agent whom the flow
//! prefers; and what Connect says of them. A look-up that comes to nothing leaves the name
//! [`UNKNOWN`], and the message goes on by what is known.

use std::collections::BTreeMap;

use crate::voicemail::flagged::{NO_AGENT, PREFERRED_AGENT, Place, TARGET, value};

/// The tag of a queue that holds its mail address.
pub const QUEUE_EMAIL_TAG: &str = "vmx3_queue_email";
/// Stands for a name that could not be had.
pub const UNKNOWN: &str = "UNKNOWN";

/// A queue, as DescribeQueue tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// `Name`.
    pub name: Box<str>,
    /// `QueueArn`.
    pub arn: Box<str>,
    /// `Tags`.
    pub tags: BTreeMap<String, String>,
}

/// A user, as DescribeUser tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// `Id`.
    pub id: Box<str>,
    /// `Username`.
    pub username: Box<str>,
    /// `IdentityInfo.FirstName`; empty when there is none.
    pub first_name: Box<str>,
    /// `IdentityInfo.LastName`; empty when there is none.
    pub last_name: Box<str>,
    /// `IdentityInfo.Email`.
    pub email: Option<Box<str>>,
    /// `IdentityInfo.SecondaryEmail`.
    pub secondary_email: Option<Box<str>>,
}

impl User {
    /// First and last name; the username where there is neither.
    pub fn name(&self) -> String {
        let name = format!("{} {}", self.first_name.trim(), self.last_name.trim());
        match name.trim() {
            "" => self.username.to_string(),
            name => name.to_owned(),
        }
    }
}

/// What is to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A queue.
    Queue {
        /// Its id.
        queue: Box<str>,
    },
    /// An agent by the id in their own queue's ARN.
    Agent {
        /// The user's id.
        user: Box<str>,
    },
    /// An agent whom the flow prefers, in a queue.
    Preferred {
        /// The queue's id.
        queue: Box<str>,
        /// The agent's username.
        username: Box<str>,
    },
    /// Nobody knows.
    Nobody,
}

/// Whom a message is for, by the queue's ARN and what the flow wrote.
pub fn wanted(place: Option<&Place>, attributes: &BTreeMap<String, String>) -> Wanted {
    let prefers =
        value(attributes, TARGET).is_some_and(|target| target.eq_ignore_ascii_case("agent"));
    let preferred = value(attributes, PREFERRED_AGENT).filter(|_| prefers);
    match (place, preferred) {
        (Some(Place::Agent { user }), _) => Wanted::Agent { user: user.clone() },
        (Some(Place::Queue { id }), Some(username)) => Wanted::Preferred {
            queue: id.clone(),
            username: username.into(),
        },
        (Some(Place::Queue { id }), None) => Wanted::Queue { queue: id.clone() },
        (None, _) => Wanted::Nobody,
    }
}

/// Whom a message is for, as far as Connect told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    /// Whether it is for an agent.
    pub is_agent: bool,
    /// The queue, if it was found.
    pub queue: Option<Queue>,
    /// The agent, if they were found.
    pub user: Option<User>,
}

impl Recipient {
    /// The name of whom it is for.
    pub fn name(&self) -> String {
        match (&self.user, self.is_agent) {
            (Some(user), _) => user.name(),
            // A preferred agent who is gone: the queue has it.
            (None, _) => self.queue_name().unwrap_or(UNKNOWN).to_owned(),
        }
    }

    /// The queue's name.
    pub fn queue_name(&self) -> Option<&str> {
        self.queue.as_ref().map(|queue| &*queue.name)
    }

    /// Where the message came from, in words: the queue, or the agent whose own queue it was.
    pub fn source(&self) -> String {
        match self.queue_name() {
            Some(name) => name.to_owned(),
            None => self.name(),
        }
    }

    /// The username of an agent, the ARN of a queue.
    pub fn id(&self) -> &str {
        match (&self.user, &self.queue) {
            (Some(user), _) => &user.username,
            (None, Some(queue)) => &queue.arn,
            (None, None) => UNKNOWN,
        }
    }

    /// The agent's id for the routing step, or what stands for none.
    pub fn preferred_agent_id(&self) -> &str {
        self.user.as_ref().map_or(NO_AGENT, |user| &user.id)
    }

    /// The value of `vmx3_target`: an agent who could not be found is none.
    pub fn target(&self) -> &'static str {
        match self.is_agent && self.user.is_some() {
            true => "agent",
            false => "queue",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_it_is_for_is_what_the_flow_says() {
        let queue = Place::Queue { id: "q".into() };
        let agent = Place::Agent { user: "u".into() };
        let attributes = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect()
        };
        let prefers = attributes(&[(TARGET, "agent"), (PREFERRED_AGENT, "jo")]);
        let preferred = Wanted::Preferred {
            queue: "q".into(),
            username: "jo".into(),
        };
        assert_eq!(wanted(Some(&queue), &prefers), preferred);
        assert_eq!(
            wanted(Some(&agent), &prefers),
            Wanted::Agent { user: "u".into() }
        );
        for other in [
            attributes(&[]),
            attributes(&[(TARGET, "queue"), (PREFERRED_AGENT, "jo")]),
            attributes(&[(TARGET, "agent"), (PREFERRED_AGENT, " ")]),
            attributes(&[(PREFERRED_AGENT, "jo")]),
        ] {
            assert_eq!(
                wanted(Some(&queue), &other),
                Wanted::Queue { queue: "q".into() }
            );
        }
        assert_eq!(wanted(None, &prefers), Wanted::Nobody);
    }

    #[test]
    fn what_was_not_found_has_a_name_all_the_same() {
        let user = User {
            id: "u-1".into(),
            username: "jo".into(),
            first_name: "Jo".into(),
            last_name: "Doe".into(),
            ..User::default()
        };
        let queue = Queue {
            name: "Sales".into(),
            arn: "arn:q".into(),
            ..Queue::default()
        };
        let told = |is_agent, user: Option<&User>, queue: Option<&Queue>| {
            let recipient = Recipient {
                is_agent,
                user: user.cloned(),
                queue: queue.cloned(),
            };
            let words = [
                recipient.name(),
                recipient.source(),
                recipient.id().to_owned(),
                recipient.preferred_agent_id().to_owned(),
                recipient.target().to_owned(),
            ];
            words.join(", ")
        };
        assert_eq!(
            told(true, Some(&user), Some(&queue)),
            "Jo Doe, Sales, jo, u-1, agent"
        );
        assert_eq!(
            told(true, Some(&user), None),
            "Jo Doe, Jo Doe, jo, u-1, agent"
        );
        assert_eq!(
            told(true, None, Some(&queue)),
            "Sales, Sales, arn:q, NONE, queue"
        );
        assert_eq!(
            told(false, None, Some(&queue)),
            "Sales, Sales, arn:q, NONE, queue"
        );
        assert_eq!(
            told(true, None, None),
            "UNKNOWN, UNKNOWN, UNKNOWN, NONE, queue"
        );
        let nameless = User {
            first_name: " ".into(),
            last_name: "".into(),
            ..user
        };
        assert_eq!(nameless.name(), "jo");
    }
}
