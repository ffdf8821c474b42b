//! Who a call was with: the numbers, queue and agent that its contact record names. People look
//! for a recording by them, so they stand in its verdict, each unless the deployment leaves it
//! out. They are outside text: kept as it came, cut where it is too long, and never trusted.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Who a call was with, as far as its maker knows and the deployment keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parties {
    /// The customer's number or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The number or address that was called, or called from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The queue's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The queue's id, the last part of its ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
    /// The agent's user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The agent's id, the last part of their ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// How the contact came about: `INBOUND`, `OUTBOUND`, `TRANSFER`, `CALLBACK` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiation_method: Option<String>,
}

/// What a verdict can be without, for privacy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omitted {
    /// The customer's number.
    Customer,
    /// The number that was called.
    System,
    /// The queue, name and id.
    Queue,
    /// The agent, name and id.
    Agent,
    /// How the contact came about.
    InitiationMethod,
    /// How much each side sounds, and the longest silence.
    Sound,
}

impl Omitted {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Customer,
        Self::System,
        Self::Queue,
        Self::Agent,
        Self::InitiationMethod,
        Self::Sound,
    ];

    /// The word of the setting.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::System => "system",
            Self::Queue => "queue",
            Self::Agent => "agent",
            Self::InitiationMethod => "initiation_method",
            Self::Sound => "sound",
        }
    }
}

impl FromStr for Omitted {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name);
        let mut all = Self::ALL.into_iter();
        all.find(|omitted| omitted.name() == word)
            .ok_or_else(|| format!("{word:?} is none of {}", names.join(", ")))
    }
}

impl Parties {
    /// These without what a deployment leaves out.
    pub fn without(mut self, omitted: &[Omitted]) -> Self {
        for omitted in omitted {
            match omitted {
                Omitted::Customer => self.customer = None,
                Omitted::System => self.system = None,
                Omitted::Queue => (self.queue, self.queue_id) = (None, None),
                Omitted::Agent => (self.agent, self.agent_id) = (None, None),
                Omitted::InitiationMethod => self.initiation_method = None,
                Omitted::Sound => {}
            }
        }
        self
    }

    /// Nobody is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These, and of another account of the same recording what these do not say.
    pub fn or(self, other: Self) -> Self {
        Self {
            customer: self.customer.or(other.customer),
            system: self.system.or(other.system),
            queue: self.queue.or(other.queue),
            queue_id: self.queue_id.or(other.queue_id),
            agent: self.agent.or(other.agent),
            agent_id: self.agent_id.or(other.agent_id),
            initiation_method: self.initiation_method.or(other.initiation_method),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_gone_and_nothing_else() {
        let text = |text: &str| Some(text.to_owned());
        let all = Parties {
            customer: text("+4930123"),
            system: text("+49800"),
            queue: text("Sales"),
            queue_id: text("q"),
            agent: text("jdoe"),
            agent_id: text("a"),
            initiation_method: text("INBOUND"),
        };
        for omitted in Omitted::ALL {
            assert_eq!(omitted.name().parse(), Ok(omitted));
            let left = serde_json::to_value(all.clone().without(&[omitted])).unwrap();
            let left = left.as_object().unwrap();
            let is_left = |key: &&String| key.starts_with(omitted.name());
            assert_eq!(left.keys().find(is_left), None);
            assert!(left.len() >= 5);
        }
        assert!(all.clone().without(&Omitted::ALL).is_empty());
        assert_eq!(Parties::default().or(all.clone()), all);
        assert_eq!(
            "Queue".parse::<Omitted>().unwrap_err(),
            "\"Queue\" is none of customer, system, queue, agent, initiation_method, sound"
        );
    }
}
