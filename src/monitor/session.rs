//! One call's live media: what to ask next. Bytes, events and time come in; the next request,
//! how long to wait, and the call's own fragments come out. No I/O and no clock: times are
//! counted from when the monitor began, on a clock that never steps back.
//!
//! GetMedia ends without a word after 40 to 45 minutes, and when no media comes, and its
//! connection can break or fall silent: none of them means that the call is over. Each time
//! media is asked for again behind the last fragment that came whole, so that no sample is
//! doubled or missing. The call is over when another contact's media follows, when nothing
//! more came for the time given though KVS was asked and answered, or soon after Connect said so.
//!
//! A refusal by KVS counts against [`Limits::retries`]; one that only a person can mend ends it
//! at once. The network does not count: once a call has begun, it is waited for up to
//! [`MAX_OUTAGE`], and the media is still there then.

mod intake;
#[cfg(test)]
mod tests;
mod words;

use std::collections::VecDeque;
use std::time::Duration;

use super::back_off::{BackOff, MAX_WAIT};
use super::happening::{Break, Ending};
use crate::failure::{Action, Failure, FailureKind};
use crate::media::fragment::{ContactTag, FragmentNumber};
use intake::{Intake, Taken};
pub use words::{Found, Limits, Next, Start, Stop, Subject};

/// The least time between two requests; KVS takes 5 a second for each stream.
pub const MIN_BETWEEN: Duration = Duration::from_millis(250);
/// How long a call that goes on is waited for when the network fails.
pub const MAX_OUTAGE: Duration = Duration::from_secs(15 * 60);
/// A call of which nothing came for so long is told of; its media is waited for somewhat longer.
pub const NOTHING_YET: Duration = Duration::from_secs(30);
/// How long a call is waited for whose media never came, at the least.
const NEVER_BEGAN: Duration = Duration::from_secs(40);
/// How much media may still come after Connect said that the call is over.
const AFTER_THE_END: Duration = Duration::from_secs(5);
/// A body is silent when nothing came for half the time after which the call is idle, but not
/// sooner than this: a fragment is a second long.
const MIN_SILENCE: Duration = Duration::from_secs(3);
/// A fragment that is half read when its connection is old may take so long to end.
const TO_END_A_FRAGMENT: Duration = Duration::from_secs(5);

/// What there is of a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Line {
    /// None; another one may be asked for from this time on.
    Closed(Duration),
    /// One was asked for.
    Asked,
    Open {
        since: Duration,
        heard: Duration,
        /// [`Intake::news`] at its start.
        news: u64,
    },
}

/// One call, from the first request to its end.
pub struct Session {
    stream: Box<str>,
    subject: Subject,
    limits: Limits,
    intake: Intake,
    line: Line,
    /// When the last request was made.
    asked: Option<Duration>,
    /// When the last new fragment came; at first, when the session began.
    news_at: Duration,
    /// Since when silence says something: no failure lies behind it.
    quiet_from: Duration,
    /// Requests that were answered since the last news.
    answered: u32,
    /// Refusals in a row, and bodies that broke off with nothing new.
    refused: u32,
    troubles: u32,
    told: Option<Duration>,
    nothing_yet_told: bool,
    waits: BackOff,
    found: VecDeque<Found>,
    stop: Option<Stop>,
}

impl Session {
    /// A session for one call on a stream. `random` varies the waits.
    pub fn new(stream: &str, subject: Subject, limits: Limits, random: u64, now: Duration) -> Self {
        Self {
            stream: stream.into(),
            intake: Intake::new(
                subject.contacts.clone(),
                subject.start_fragment,
                subject.behind,
            ),
            subject,
            limits,
            line: Line::Closed(now),
            asked: None,
            news_at: now,
            quiet_from: now,
            answered: 0,
            refused: 0,
            troubles: 0,
            told: None,
            nothing_yet_told: false,
            waits: BackOff::new(random),
            found: VecDeque::new(),
            stop: None,
        }
    }

    /// What to do now.
    pub fn next(&mut self, now: Duration) -> Next {
        if self.stop.is_none() {
            self.pass_time(now);
        }
        if let Some(stop) = &self.stop {
            return Next::Stop(stop.clone());
        }
        let idle = self.idle_at();
        match self.line {
            Line::Closed(from) if now < from => Next::Wait(from),
            Line::Closed(_) | Line::Asked => {
                self.line = Line::Asked;
                self.asked = Some(now);
                Next::Open(self.start())
            }
            Line::Open { since, heard, .. } => {
                let old = since + self.limits.max_session;
                let old = if old > now {
                    old
                } else {
                    old + TO_END_A_FRAGMENT
                };
                let until = old.min(heard + self.silent_after());
                Next::Read(if idle > now { until.min(idle) } else { until })
            }
        }
    }

    /// KVS answered with a body.
    pub fn opened(&mut self, now: Duration) {
        self.intake.begin();
        self.answered = self.answered.saturating_add(1);
        self.refused = 0;
        self.line = Line::Open {
            since: now,
            heard: now,
            news: self.intake.news(),
        };
    }

    /// KVS answered with an error, or nobody answered.
    pub fn refused(&mut self, failure: Failure, now: Duration) {
        if failure.kind.action() == Action::Park {
            return self.stop_with(Stop::Failed(failure));
        }
        self.refused = self.refused.saturating_add(1);
        self.quiet_from = now;
        self.answered = 0;
        let counts = failure.kind != FailureKind::ConnectionLost || !self.intake.has_begun();
        let is_too_long = now.saturating_sub(self.news_at) >= MAX_OUTAGE;
        if (counts && self.refused > self.limits.retries) || is_too_long {
            return self.stop_with(Stop::Failed(failure));
        }
        let wait = self.back_off(self.refused);
        self.line = Line::Closed(now + wait);
        self.found.push_back(Found::Retrying(failure));
    }

    /// Bytes of the body came.
    pub fn push(&mut self, bytes: &[u8], now: Duration) {
        if let Line::Open { heard, .. } = &mut self.line {
            *heard = now;
            self.intake.push(bytes);
            self.take_in(now);
        }
    }

    /// The body ended in good order.
    pub fn body_ended(&mut self, now: Duration) {
        self.hang_up(Break::Ended, now);
    }

    /// The body broke off.
    pub fn body_broke(&mut self, now: Duration) {
        self.hang_up(Break::Cut, now);
    }

    /// Connect says that the call is over: what is under way still comes.
    pub fn told_its_end(&mut self, now: Duration) {
        self.told.get_or_insert(now);
    }

    /// A call that was over by its silence is looked at again, with other limits: should more of
    /// it come, it goes on behind what came.
    pub fn resume(&mut self, limits: Limits, now: Duration) {
        self.intake.resume(self.subject.contacts.clone());
        self.limits = limits;
        self.line = Line::Closed(now + MIN_BETWEEN);
        (self.news_at, self.quiet_from) = (now, now);
        (self.answered, self.refused, self.troubles) = (0, 0, 0);
        self.nothing_yet_told = true;
        self.stop = None;
    }

    /// From now on these limits hold.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The monitor ends: what came so far is all.
    pub fn shut(&mut self) {
        self.stop_with(Stop::Ended(Ending::Stopped));
    }

    /// The number of the last fragment that came.
    pub fn last(&self) -> Option<FragmentNumber> {
        self.intake.last()
    }

    /// Whether a fragment of the call has come.
    pub fn has_begun(&self) -> bool {
        self.intake.has_begun()
    }

    /// The next finding, in their order. When the session has stopped, the last ones.
    pub fn next_found(&mut self) -> Option<Found> {
        self.found.pop_front()
    }

    fn start(&self) -> Start {
        match self.intake.last() {
            Some(last) => Start::After(last),
            None => Start::At(self.subject.started),
        }
    }

    fn silent_after(&self) -> Duration {
        (self.limits.idle_end / 2).clamp(MIN_SILENCE, self.limits.max_silence.max(MIN_SILENCE))
    }

    /// When the call is over, if nothing more comes.
    fn idle_at(&self) -> Duration {
        let quiet = match self.told {
            Some(_) => self.limits.idle_end.min(AFTER_THE_END),
            None if !self.intake.has_begun() => self.limits.idle_end.max(NEVER_BEGAN),
            None => self.limits.idle_end,
        };
        let since = self.told.into_iter().fold(self.quiet_from, Duration::max);
        since.max(self.news_at) + quiet
    }

    fn pass_time(&mut self, now: Duration) {
        let is_new = !self.intake.has_begun() && !self.nothing_yet_told;
        if is_new && now.saturating_sub(self.news_at) >= NOTHING_YET {
            self.nothing_yet_told = true;
            self.found.push_back(Found::NothingYet);
        }
        // Nothing came since KVS was asked for what follows; or it is still on the line.
        let is_asked = self.answered > 1
            || self.answered == 1 && (!self.intake.has_begun() || self.told.is_some());
        if now >= self.idle_at() && is_asked {
            let ending = match self.told {
                Some(_) => Ending::Disconnected,
                None => Ending::Idle,
            };
            return self.stop_with(Stop::Ended(ending));
        }
        if let Line::Open { since, heard, .. } = self.line {
            let age = now.saturating_sub(since);
            let is_old = age >= self.limits.max_session && self.intake.is_between()
                || age >= self.limits.max_session + TO_END_A_FRAGMENT;
            if is_old {
                self.hang_up(Break::Planned, now);
            } else if now.saturating_sub(heard) >= self.silent_after() {
                self.hang_up(Break::Silent, now);
            }
        }
    }

    fn hang_up(&mut self, how: Break, now: Duration) {
        let Line::Open { news, .. } = self.line else {
            return;
        };
        self.intake.end();
        self.take_in(now);
        if self.stop.is_some() {
            return;
        }
        let brought_news = self.intake.news() > news;
        let wait = match (how, brought_news) {
            (Break::Cut, false) => {
                self.troubles = self.troubles.saturating_add(1);
                self.quiet_from = now;
                self.answered = 0;
                self.back_off(self.troubles)
            }
            (Break::Ended, false) => self.limits.retry_interval.min(MAX_WAIT),
            _ => Duration::ZERO,
        };
        let is_too_long = now.saturating_sub(self.news_at) >= MAX_OUTAGE;
        if how == Break::Cut && is_too_long {
            let cause = "media broke off again and again, with nothing new in between";
            let failure = Failure::new(FailureKind::ConnectionLost, &self.stream, cause);
            return self.stop_with(Stop::Failed(failure));
        }
        let apart = self.asked.map_or(now, |asked| asked + MIN_BETWEEN);
        if let Line::Open { .. } = self.line {
            self.line = Line::Closed((now + wait).max(apart));
            // Looking whether anything follows is no news for people.
            if brought_news || how != Break::Ended {
                self.found.push_back(Found::Reconnecting(how));
            }
        }
    }

    fn back_off(&mut self, attempt: u32) -> Duration {
        let wait = self.waits.after(attempt, self.limits.retry_interval);
        wait.max(MIN_BETWEEN)
    }

    /// Goes through what the intake gave.
    fn take_in(&mut self, now: Duration) {
        while let Some(taken) = self.intake.next_taken() {
            if self.stop.is_some() {
                return;
            }
            match taken {
                Taken::Own(fragment) => {
                    self.hear_news(now);
                    self.found.push_back(Found::Own(fragment));
                }
                Taken::Other(_) => self.stop_with(Stop::Ended(Ending::NextContact)),
                Taken::Unproven(fragment, refusal) => {
                    if self.intake.has_begun() && fragment.contact == ContactTag::None {
                        self.news_at = now;
                    }
                    self.found.push_back(Found::Unproven(refusal));
                }
                // One that is fresh is often there soon after.
                Taken::Error(asked) => {
                    self.line = Line::Closed(now + self.back_off(asked));
                    self.quiet_from = now;
                }
                Taken::Key(trouble, error) => {
                    let cause = match error.code.is_empty() {
                        true => trouble.cause().to_owned(),
                        false => format!("{} ({})", trouble.cause(), error.code),
                    };
                    let kind = FailureKind::Key(trouble);
                    self.stop_with(Stop::Failed(Failure::new(kind, &self.stream, cause)));
                }
                Taken::Lost(error) => {
                    if error.number.is_some() {
                        self.news_at = now;
                    }
                    self.found.push_back(Found::Lost(error));
                }
                Taken::Stray(damage) => {
                    self.found.push_back(Found::Damaged(damage.to_string()));
                }
            }
        }
    }

    fn hear_news(&mut self, now: Duration) {
        self.news_at = now;
        self.answered = u32::from(matches!(self.line, Line::Open { .. }));
        self.troubles = 0;
    }

    fn stop_with(&mut self, stop: Stop) {
        if self.stop.is_some() {
            return;
        }
        // What follows another contact's first fragment is not the call's, and what failed
        // to be decrypted is nobody's: what is held is the call's in any case.
        let is_over = stop == Stop::Ended(Ending::NextContact);
        self.stop = Some(stop);
        if is_over {
            return;
        }
        self.intake.finish();
        while let Some(taken) = self.intake.next_taken() {
            match taken {
                Taken::Own(fragment) => self.found.push_back(Found::Own(fragment)),
                Taken::Unproven(_, refusal) => self.found.push_back(Found::Unproven(refusal)),
                Taken::Stray(damage) => self.found.push_back(Found::Damaged(damage.to_string())),
                Taken::Other(_) => return,
                Taken::Error(_) | Taken::Key(..) | Taken::Lost(_) => {}
            }
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("stream", &self.stream)
            .field("line", &self.line)
            .field("last", &self.intake.last())
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}
