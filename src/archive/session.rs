//! Who is logged in, and until when. Nothing of it is kept by the server: a session is what
//! an encrypted cookie says, and a login under way is another one. Here is what stands in
//! them, and when they end; how they are encrypted is the edge's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::media::ticks::EpochMillis;

/// A clock that is further ahead than this is not ours: no session comes from the future.
const MAX_SKEW: i64 = 60_000;

/// How long a login may take, from the first page to the way back: second factors are slow.
pub const LOGIN_LASTS: Duration = Duration::from_secs(600);

/// Somebody who is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its own number, by which it is ended before its time.
    pub id: String,
    /// The person, as the provider names them for good (`sub`).
    pub subject: String,
    /// The name by which they answer calls and are told of, if the provider gives one.
    pub name: Option<String>,
    /// Their groups, as far as the rules name them.
    pub groups: Vec<String>,
    /// When they logged in, in milliseconds since 1970.
    pub began: i64,
    /// When they were last seen, to ten seconds ([`Lasting::believed`]).
    pub seen: i64,
}

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// Without a request.
    pub idle: Duration,
    /// At all.
    pub absolute: Duration,
    /// How long it is believed before it is looked up whether it was ended, and its cookie
    /// is made anew.
    pub believed: Duration,
}

impl Default for Lasting {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(10 * 3_600),
            believed: Duration::from_secs(10),
        }
    }
}

/// What a session is good for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Good as it is.
    Good,
    /// Good, unless it was ended before its time: to be looked up, and made anew.
    ToBeRenewed,
    /// Nobody came for too long.
    Idle,
    /// It has lasted as long as it may.
    Over,
    /// It says that it is from the future.
    OfNoClock,
}

impl Session {
    /// What it is good for at this time.
    pub fn state(&self, now: EpochMillis, lasting: &Lasting) -> State {
        let since = |then: i64| now.0.saturating_sub(then);
        let (age, silence) = (since(self.began), since(self.seen));
        if age < -MAX_SKEW || silence < -MAX_SKEW || self.seen < self.began {
            State::OfNoClock
        } else if age >= millis(lasting.absolute) {
            State::Over
        } else if silence >= millis(lasting.idle) {
            State::Idle
        } else if silence >= millis(lasting.believed) {
            State::ToBeRenewed
        } else {
            State::Good
        }
    }

    /// Who it is, for the list of who listened: the name, and the provider's own behind it.
    pub fn who(&self) -> String {
        match &self.name {
            Some(name) if *name != self.subject => format!("{name} [{}]", self.subject),
            Some(_) | None => self.subject.clone(),
        }
    }

    /// The same session, seen now.
    #[must_use]
    pub fn seen_at(mut self, now: EpochMillis) -> Self {
        self.seen = now.0.max(self.seen);
        self
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A login under way, between the way to the provider and the way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// What the provider gives back with the code: the answer is to this very question.
    pub state: String,
    /// What the id token must repeat: it was made for this very login.
    pub nonce: String,
    /// What only we know of the code's challenge (RFC 7636).
    pub verifier: String,
    /// Where to go afterwards ([`own_path`](super::way_back::own_path)).
    pub to: String,
    /// When it began, in milliseconds since 1970.
    pub began: i64,
}

impl Login {
    /// Whether it took too long, or begins in the future.
    pub fn is_over(&self, now: EpochMillis) -> bool {
        !(-MAX_SKEW..millis(LOGIN_LASTS)).contains(&now.0.saturating_sub(self.began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_idleness_and_at_last_by_age() {
        const MINUTE: i64 = 60_000;
        #[track_caller]
        fn check_millis(began: i64, seen: i64, now: i64, expected: State) {
            let session = Session {
                id: "s".to_owned(),
                subject: "u".to_owned(),
                name: None,
                groups: Vec::new(),
                began,
                seen,
            };
            let state = session.state(EpochMillis(now), &Lasting::default());
            assert_eq!(state, expected);
        }
        #[track_caller]
        fn check(began: i64, seen: i64, now: i64, expected: State) {
            check_millis(began * MINUTE, seen * MINUTE, now * MINUTE, expected);
        }
        // Whether it was ended elsewhere is looked up after ten seconds.
        check_millis(0, 0, 9_999, State::Good);
        check_millis(0, 0, 10_000, State::ToBeRenewed);
        check_millis(0, 5_000, 14_999, State::Good);
        check(0, 0, 0, State::Good);
        check(0, 0, 1, State::ToBeRenewed);
        check(0, 0, 29, State::ToBeRenewed);
        check(0, 0, 30, State::Idle);
        check(0, 599, 599, State::Good);
        check(0, 599, 600, State::Over);
        check(0, 0, 600, State::Over);
        check(0, 0, i64::MAX / MINUTE, State::Over);
        // Clocks: a minute is forgiven.
        check(1, 1, 0, State::Good);
        check(3, 3, 1, State::OfNoClock);
        check(0, 3, 1, State::OfNoClock);
        check(2, 1, 3, State::OfNoClock);
    }

    #[test]
    fn being_seen_moves_on_and_never_back() {
        let session = Session {
            id: "s".to_owned(),
            subject: "u".to_owned(),
            name: None,
            groups: Vec::new(),
            began: 5,
            seen: 10,
        };
        assert_eq!(session.clone().seen_at(EpochMillis(20)).seen, 20);
        assert_eq!(session.seen_at(EpochMillis(7)).seen, 10);
    }

    #[test]
    fn a_login_lasts_ten_minutes() {
        #[track_caller]
        fn check(now: i64, is_over: bool) {
            let login = Login {
                state: String::new(),
                nonce: String::new(),
                verifier: String::new(),
                to: "/".to_owned(),
                began: 1_000_000,
            };
            assert_eq!(login.is_over(EpochMillis(now)), is_over, "{now}");
        }
        check(1_000_000, false);
        check(1_000_000 + 599_999, false);
        check(1_000_000 + 600_000, true);
        check(1_000_000 - 60_000, false);
        check(1_000_000 - 60_001, true);
        check(i64::MIN, true);
    }
}
