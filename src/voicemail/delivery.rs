//! What is known of a message's delivery: the marker that whoever delivers leaves before, and
//! completes behind it. A marker is changed only by whoever knows what stands there, so that of
//! several deliverers one sends.
//!
//! The marker, as JSON under `delivered/{contact}.json`: `schema`, `state` (`sending`,
//! `not_sent`, `waiting`, `delivered` or `given_up`), `at`, `tries`, and of a delivery `mode`, `id`
//! and, while its job or its flag is still there, `unfinished`, of a failure `cause`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::media::ticks::EpochMillis;
use crate::voicemail::flagged::Mode;

/// The contract's name and version.
pub const SCHEMA: &str = "callreel.delivery/1";
/// Whoever said that they send has sent, or ended, so long after: a deliverer that runs longer
/// than this is taken for ended. A function that delivers has less time.
pub const LEASE: Duration = Duration::from_secs(120);
/// Characters of a cause that are kept.
const MAX_CAUSE_CHARS: usize = 1_000;

/// What a marker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it was written.
    pub at: EpochMillis,
    /// How often it was tried, or looked after, so far.
    pub tries: u32,
    /// What became of it.
    pub state: State,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Somebody sends it.
    Sending,
    /// It was not sent, for certain or as far as anybody knows.
    NotSent {
        /// Why.
        cause: String,
    },
    /// A step before it was worked again.
    Waiting {
        /// What was done.
        cause: String,
    },
    /// It was delivered.
    Delivered {
        /// How.
        mode: Mode,
        /// The contact of the task, or the id of the mail.
        id: Box<str>,
        /// Its job is to be deleted, or its flag to be taken back.
        unfinished: bool,
    },
    /// It is not tried again by itself.
    GivenUp {
        /// Why.
        cause: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Body {
    schema: String,
    state: String,
    at: String,
    #[serde(default)]
    tries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unfinished: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

/// What is to be done about a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It was delivered.
    Done {
        /// How.
        mode: Mode,
        /// The contact of the task, or the id of the mail.
        id: Box<str>,
    },
    /// Somebody else sends it, or did so just now.
    Leave,
    /// It is to be sent.
    Send {
        /// How often it was tried before.
        tries: u32,
        /// Whoever sent before may have come to an end behind it: it may have been sent.
        perhaps_again: bool,
    },
}

/// What is to be done, by the marker that is there. One that cannot be read says nothing.
pub fn next(marker: Option<&[u8]>, now: EpochMillis) -> Next {
    let Some(delivery) = marker.and_then(Delivery::read) else {
        return Next::Send {
            tries: 0,
            perhaps_again: false,
        };
    };
    let age = u64::try_from(now.0.saturating_sub(delivery.at.0)).unwrap_or(0);
    let is_leased = Duration::from_millis(age) < LEASE;
    let tries = delivery.tries;
    match delivery.state {
        State::Delivered { mode, id, .. } => Next::Done { mode, id },
        State::Sending if is_leased => Next::Leave,
        State::Sending => Next::Send {
            tries,
            perhaps_again: true,
        },
        State::NotSent { .. } | State::Waiting { .. } | State::GivenUp { .. } => Next::Send {
            tries,
            perhaps_again: false,
        },
    }
}

impl Delivery {
    /// Reads a marker.
    pub fn read(marker: &[u8]) -> Option<Self> {
        let body: Body = serde_json::from_slice(marker).ok()?;
        let cause = body.cause.unwrap_or_default();
        let state = match body.state.as_str() {
            "sending" => State::Sending,
            "not_sent" => State::NotSent { cause },
            "waiting" => State::Waiting { cause },
            "given_up" => State::GivenUp { cause },
            "delivered" => State::Delivered {
                mode: Mode::from_name(&body.mode?)?,
                id: body.id?,
                unfinished: body.unfinished.unwrap_or(false),
            },
            _ => return None,
        };
        Some(Self {
            at: EpochMillis::from_rfc3339(&body.at)?,
            tries: body.tries,
            state,
        })
    }

    /// The marker's bytes.
    pub fn to_json(&self) -> Vec<u8> {
        let (state, mode, id, cause) = match &self.state {
            State::Sending => ("sending", None, None, None),
            State::NotSent { cause } => ("not_sent", None, None, Some(cause)),
            State::Waiting { cause } => ("waiting", None, None, Some(cause)),
            State::GivenUp { cause } => ("given_up", None, None, Some(cause)),
            State::Delivered { mode, id, .. } => ("delivered", Some(*mode), Some(id.clone()), None),
        };
        let is_unfinished = matches!(
            self.state,
            State::Delivered {
                unfinished: true,
                ..
            }
        );
        let body = Body {
            schema: SCHEMA.to_owned(),
            state: state.to_owned(),
            at: self.at.to_rfc3339(),
            tries: self.tries,
            mode: mode.map(|mode| mode.name().to_owned()),
            id,
            unfinished: is_unfinished.then_some(true),
            cause: cause.map(|cause| cause.chars().take(MAX_CAUSE_CHARS).collect()),
        };
        let mut json = serde_json::to_vec_pretty(&body).unwrap_or_default();
        json.push(b'\n');
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: EpochMillis = EpochMillis(1_760_000_000_000);

    #[track_caller]
    fn check(state: State, age_seconds: i64, expected: Next) {
        let delivery = Delivery {
            at: EpochMillis(NOW.0 - age_seconds * 1_000),
            tries: 2,
            state,
        };
        let marker = delivery.to_json();
        assert_eq!(Delivery::read(&marker), Some(delivery));
        assert_eq!(next(Some(&marker), NOW), expected);
    }

    #[test]
    fn of_several_deliverers_one_sends() {
        let send = |perhaps_again| Next::Send {
            tries: 2,
            perhaps_again,
        };
        check(State::Sending, 0, Next::Leave);
        check(State::Sending, 119, Next::Leave);
        check(State::Sending, -5, Next::Leave);
        check(State::Sending, 120, send(true));
        let cause = || "throttled".to_owned();
        check(State::NotSent { cause: cause() }, 0, send(false));
        check(State::Waiting { cause: cause() }, 0, send(false));
        check(State::GivenUp { cause: cause() }, 0, send(false));
        let id: Box<str> = "task".into();
        let mode = Mode::Task;
        let done = Next::Done {
            mode,
            id: id.clone(),
        };
        for unfinished in [false, true] {
            let id = id.clone();
            let delivered = State::Delivered {
                mode,
                id,
                unfinished,
            };
            check(delivered, 9_999_999, done.clone());
        }
        let first = Next::Send {
            tries: 0,
            perhaps_again: false,
        };
        assert_eq!(next(None, NOW), first);
        assert_eq!(next(Some(b"<Error/>"), NOW), first);
    }

    proptest! {
        #[test]
        fn no_marker_panics(bytes in prop::collection::vec(any::<u8>(), 0..80), cause in ".{0,2000}") {
            let _ = next(Some(&bytes), NOW);
            let delivery = Delivery { at: NOW, tries: 0, state: State::NotSent { cause } };
            prop_assert!(Delivery::read(&delivery.to_json()).is_some());
        }
    }
}
