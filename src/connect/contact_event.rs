//! EventBridge's *Amazon Connect Contact Event*: what happened to a contact, as far as it is
//! needed. Delivered at best effort, in no order, sometimes twice. Tolerant: AWS's own samples write
//! `channel` and `Channel`, `Voice` and `VOICE`, `agentInfo` and `AgentInfo`, and have no
//! `tags` or others; new types of events come over time.
//!
//! Shape: Amazon Connect Administrator Guide, "Amazon Connect contact events".

use std::fmt;

use crate::connect::arn;
use crate::event::Notice;
use crate::media::ticks::EpochMillis;

/// What happened to a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactEvent {
    /// `contactId`, or the contact of the event's `resources`.
    pub contact: Box<str>,
    /// `initialContactId`: the first leg.
    pub initial_contact: Option<Box<str>>,
    /// `previousContactId`: the leg before this one.
    pub previous_contact: Option<Box<str>>,
    /// `eventType`.
    pub happened: Happened,
    /// `channel`, in capital letters: `VOICE`, `CHAT`, `TASK` …
    pub channel: Option<Box<str>>,
    /// The instance's id: the tag `aws:connect:instanceId`, or of `instanceArn`, or of the
    /// event's `resources`.
    pub instance: Option<Box<str>>,
    /// `initiationTimestamp`.
    pub initiated: Option<EpochMillis>,
    /// `disconnectTimestamp`.
    pub disconnected: Option<EpochMillis>,
    /// When the event itself was made, to the second.
    pub told: Option<EpochMillis>,
    /// `queueInfo.queueArn`.
    pub queue_arn: Option<Box<str>>,
    /// `agentInfo.agentArn`: an agent had the contact.
    pub agent_arn: Option<Box<str>>,
}

/// The types of contact events that are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// `DISCONNECTED`.
    Disconnected,
    /// `COMPLETED`: comes behind `DISCONNECTED`, when an agent's work after the contact is
    /// done, too.
    Completed,
    /// Any other: the contact goes on.
    Other(Box<str>),
    /// The event does not say.
    Unknown,
}

/// Why a contact event cannot be worked: nothing says of which contact it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a contact event: {0}")]
pub struct NoContact(String);

impl ContactEvent {
    /// Reads an event, whose `resources` and `time` stand in for what its detail lacks.
    pub fn read(event: &Notice) -> Result<Self, NoContact> {
        let (detail, resources) = (&event.detail, event.resources.iter());
        let mut contacts = resources.clone().filter_map(|arn| arn::contact_id(arn));
        let mut instances = resources.filter_map(|arn| arn::instance_id(arn));
        let contact = match detail.id("contactId").map_err(NoContact)? {
            Some(contact) => contact,
            None => contacts
                .next()
                .map(Box::from)
                .ok_or_else(|| NoContact("its detail has no contactId".to_owned()))?,
        };
        let other = |name| detail.id(name).ok().flatten();
        let within = |object, name| detail.object(object)?.text(name);
        let instance_arn = detail.text("instanceArn");
        let instance = within("tags", "aws:connect:instanceId").or_else(|| {
            let named = instance_arn.as_deref().and_then(arn::instance_id);
            named.or_else(|| instances.next()).map(Box::from)
        });
        Ok(Self {
            contact,
            initial_contact: other("initialContactId"),
            previous_contact: other("previousContactId"),
            happened: Happened::of(detail.text("eventType").as_deref()),
            channel: detail
                .text("channel")
                .map(|channel| channel.to_ascii_uppercase().into()),
            instance,
            initiated: detail.time("initiationTimestamp"),
            disconnected: detail.time("disconnectTimestamp"),
            told: event.time,
            queue_arn: within("queueInfo", "queueArn"),
            agent_arn: within("agentInfo", "agentArn"),
        })
    }

    /// When the contact ended, as far as the event tells.
    pub fn ended(&self) -> Option<EpochMillis> {
        match self.happened {
            Happened::Disconnected => self.disconnected.or(self.told),
            // Told when an agent was done, perhaps long after the contact.
            Happened::Completed => self.disconnected,
            Happened::Other(_) | Happened::Unknown => None,
        }
    }
}

impl Happened {
    fn of(event_type: Option<&str>) -> Self {
        let Some(event_type) = event_type else {
            return Self::Unknown;
        };
        match event_type.to_ascii_uppercase().as_str() {
            "DISCONNECTED" => Self::Disconnected,
            "COMPLETED" => Self::Completed,
            other => Self::Other(other.into()),
        }
    }

    /// Whether the contact is over.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Disconnected | Self::Completed)
    }
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("DISCONNECTED"),
            Self::Completed => f.write_str("COMPLETED"),
            Self::Other(other) => {
                let cut: String = other.chars().take(40).collect();
                write!(f, "{}", cut.escape_debug())
            }
            Self::Unknown => f.write_str("without eventType"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::object::Object;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read_around(detail: &Value, around: &Notice) -> Result<ContactEvent, NoContact> {
        ContactEvent::read(&Notice {
            detail: Object::read(detail.to_string().as_bytes()).unwrap(),
            ..around.clone()
        })
    }

    fn read(detail: Value) -> ContactEvent {
        read_around(&detail, &Notice::default()).unwrap()
    }

    #[test]
    fn the_spellings_of_the_samples_read_alike() {
        let lower = read(
            json!({"eventType": "DISCONNECTED", "contactId": "c", "channel": "VOICE",
            "instanceArn": "arn:aws:connect:us-west-2:111122223333:instance/i",
            "disconnectTimestamp": "2021-08-04T17:18:37.000Z",
            "queueInfo": {"queueArn": "q"}, "agentInfo": {"agentArn": "a"}}),
        );
        let upper = read(
            json!({"EventType": "Disconnected", "ContactId": "c", "Channel": "Voice",
            "InstanceArn": "arn:aws::connect:us-west-2:111122223333:instance/i",
            "DisconnectTimestamp": "2021-08-04T17:18:37Z",
            "QueueInfo": {"QueueArn": "q"}, "AgentInfo": {"AgentArn": "a"}}),
        );
        assert_eq!(lower, upper);
        assert_eq!(lower.instance.as_deref(), Some("i"));
        assert_eq!(lower.channel.as_deref(), Some("VOICE"));
        assert_eq!(
            lower.ended(),
            EpochMillis::from_rfc3339("2021-08-04T17:18:37Z")
        );
        let tagged = read(json!({"contactId": "c", "tags": {"aws:connect:instanceId": "i"}}));
        assert_eq!(tagged.instance.as_deref(), Some("i"));
    }

    #[test]
    fn what_the_detail_lacks_stands_around_it() {
        let around = Notice {
            time: Some(EpochMillis(5)),
            resources: vec![
                "contactArn".into(),
                "arn:aws:connect:r:1:instance/i/contact/c".into(),
            ],
            ..Notice::default()
        };
        let event = read_around(&json!({"eventType": "DISCONNECTED"}), &around).unwrap();
        assert_eq!(
            (&*event.contact, event.instance.as_deref()),
            ("c", Some("i"))
        );
        assert_eq!(event.ended(), Some(EpochMillis(5)));
        let completed = read_around(&json!({"eventType": "COMPLETED"}), &around).unwrap();
        assert_eq!(
            (completed.happened.is_over(), completed.ended()),
            (true, None)
        );
    }

    #[test]
    fn types_to_come_are_other_ones() {
        for (event_type, told) in [
            (json!("QUEUED"), "QUEUED"),
            (json!("WARPED\u{1b}"), "WARPED\\u{1b}"),
            (json!(null), "without eventType"),
            (json!([]), "without eventType"),
        ] {
            let event = read(json!({"contactId": "c", "eventType": event_type}));
            assert_eq!(event.happened.to_string(), told);
            assert!(!event.happened.is_over() && event.ended().is_none());
        }
    }

    #[test]
    fn an_event_without_a_contact_says_so() {
        let told = |detail: Value| {
            let read = read_around(&detail, &Notice::default());
            read.unwrap_err().to_string()
        };
        assert_eq!(
            told(json!({})),
            "a contact event: its detail has no contactId"
        );
        assert_eq!(
            told(json!({"contactId": []})),
            "a contact event: its contactId is a list"
        );
    }

    proptest! {
        #[test]
        fn no_value_panics(
            field in prop::sample::select(vec!["contactId", "eventType", "channel", "instanceArn", "disconnectTimestamp", "tags", "queueInfo", "agentInfo"]),
            text in any::<String>(),
            number in any::<i64>(),
            resource in any::<String>(),
        ) {
            let around = Notice {
                time: Some(EpochMillis(number)),
                resources: vec![resource.into()],
                ..Notice::default()
            };
            for value in [json!(text), json!(number), json!([text]), json!({"queueArn": number}), json!({text.clone(): text})] {
                if let Ok(event) = read_around(&json!({"contactId": "c", field: value}), &around) {
                    let _ = (event.happened.to_string(), event.ended());
                }
            }
        }
    }
}
