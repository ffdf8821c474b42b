//! Messages that stand still between two steps, worked as if their event had come: events are
//! lost, late, or come to nothing. Each is decided on by itself, and what fails is left to the
//! next run, so often as is set and no more.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;

use super::{Delivered, Delivering, NotDone, Tries};
use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::object_key::dated_folder;
use crate::port::voicemail::{Desk, Mailer, Signer, Summariser, Tagged, Transcriber};
use crate::port::{Clock, Deadline, Expect, Objects, Opening};
use crate::voicemail::delivery::{Delivery, State};
use crate::voicemail::place::Place;
use crate::voicemail::stalled::{Job, LOOKS_BACK, MAX_TRIES, Marked, Standing, Step as Next};
use crate::voicemail::transcript::Missing;

const DAY: i64 = 86_400_000;
/// What is younger than this is left to its event.
const YOUNG: i64 = 61 * 60_000;

/// What became of a message, told while it happens.
#[derive(Debug)]
pub enum Told<'a> {
    /// This was done.
    Worked(&'a Place, &'a Next),
    /// It was delivered; what was done is told besides.
    Delivered(&'a Delivered),
    /// It came to nothing, this time.
    Failed(&'a Place, &'a NotDone),
    /// It is given up, for this.
    GivenUp(&'a Place, &'a str),
}

/// Which messages a run works, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Those that stand still, as late and as often as is set.
    OnSchedule,
    /// Those that were not delivered: somebody asks by hand.
    ByHand {
        /// Since when they were left, by the day.
        since: EpochMillis,
        /// Of these contacts; of all if there is none.
        contacts: Vec<String>,
        /// Whether something is done, or only told.
        acting: Acting,
    },
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acting {
    /// It is.
    Does,
    /// It is told what would be done.
    Tells,
}

impl Asked {
    fn since(&self, now: EpochMillis) -> EpochMillis {
        let looks_back = i64::try_from(LOOKS_BACK.as_millis()).unwrap_or(i64::MAX);
        match self {
            Self::OnSchedule => EpochMillis(now.0.saturating_sub(looks_back)),
            Self::ByHand { since, .. } => *since,
        }
    }

    fn is_of(&self, contact: &str) -> bool {
        match self {
            Self::OnSchedule => true,
            Self::ByHand { contacts, .. } => {
                contacts.is_empty() || contacts.iter().any(|it| it == contact)
            }
        }
    }

    fn by_hand(&self) -> Option<Acting> {
        match self {
            Self::OnSchedule => None,
            Self::ByHand { acting, .. } => Some(*acting),
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Messages that were looked at.
    pub messages: u64,
    /// Those that were worked.
    pub worked: u64,
    /// Those that came to nothing, this time.
    pub failed: u64,
    /// Those that are given up, with the reason.
    pub given_up: Vec<String>,
    /// The end was near: the others are the next run's.
    pub stopped_early: bool,
}

/// How a message is looked at.
#[derive(Clone, Copy)]
struct Look {
    now: EpochMillis,
    by_hand: Option<Acting>,
}

impl<R, T, D, M, J, G, Y, C> Delivering<R, T, D, M, J, G, Y, C>
where
    R: Tagged + Opening,
    T: Objects,
    D: Desk,
    M: Mailer,
    J: Transcriber,
    G: Signer,
    Y: Summariser,
    C: Clock,
{
    /// Looks through the messages of the last days and works those that stand still. A failure
    /// is one that concerns them all.
    pub async fn reconcile(
        &self,
        deadline: &impl Deadline,
        told: impl Fn(Told<'_>) + Send + Sync,
    ) -> Result<Reconciled, Failure> {
        self.look_through(&Asked::OnSchedule, deadline, told).await
    }

    /// Looks through messages, and works those that are asked for. A failure is one that
    /// concerns them all.
    pub async fn look_through(
        &self,
        asked: &Asked,
        deadline: &impl Deadline,
        told: impl Fn(Told<'_>) + Send + Sync,
    ) -> Result<Reconciled, Failure> {
        let now = self.clock.now();
        let mut found: BTreeMap<Place, Standing> = BTreeMap::new();
        let standing = || Standing {
            recorded: None,
            transcribed: None,
            marked: Marked::NotLooked,
            tries: 0,
            job: Job::NotAsked,
        };
        // Nothing that somebody asks for by hand is too young.
        let looked_at = match asked.by_hand() {
            None => now,
            Some(_) => EpochMillis(now.0.saturating_add(YOUNG)),
        };
        let since = asked.since(now);
        let days = now.0.saturating_sub(since.0).max(0).div_euclid(DAY) + 1;
        for back in 0..=days {
            let day = dated_folder(Some(EpochMillis(now.0.saturating_sub(back * DAY))));
            let folder = format!("{}{day}/", self.prefix);
            for listed in self.recordings.list(&folder).await? {
                if let Some(place) = Place::of_recording(&listed.key) {
                    found.entry(place).or_insert_with(standing).recorded = listed.modified;
                }
            }
            for listed in self.transcripts.list(&folder).await? {
                if let Some(place) = Place::of_transcript(&listed.key) {
                    found.entry(place).or_insert_with(standing).transcribed = listed.modified;
                }
            }
        }
        let mut run = Reconciled::default();
        for (place, standing) in found {
            // One that is begun is worked to its end: a try counts.
            if deadline.passed().now_or_never().is_some() {
                run.stopped_early = true;
                break;
            }
            if !asked.is_of(place.contact()) {
                continue;
            }
            run.messages += 1;
            let look = Look {
                now: looked_at,
                by_hand: asked.by_hand(),
            };
            match self.look(&place, standing, look, &told, &mut run).await {
                Ok(()) => {}
                Err(not_done) => {
                    run.failed += 1;
                    told(Told::Failed(&place, &not_done));
                }
            }
        }
        Ok(run)
    }

    async fn look(
        &self,
        place: &Place,
        mut standing: Standing,
        look: Look,
        told: &(impl Fn(Told<'_>) + Send + Sync),
        run: &mut Reconciled,
    ) -> Result<(), NotDone> {
        let mut marker = None;
        loop {
            let step = standing.step(look.now);
            let only_tells = look.by_hand == Some(Acting::Tells);
            match &step {
                Next::Transcribe | Next::Substitute { .. } | Next::Deliver | Next::Finish
                    if only_tells => {}
                Next::Leave => return Ok(()),
                Next::Look => {
                    let read = self.recordings.read(&place.marker()).await;
                    marker = read.map_err(super::failed(place, super::Step::Read))?;
                    let delivery = marker.as_deref().and_then(Delivery::read);
                    let tries = delivery.as_ref().map_or(0, |delivery| delivery.tries);
                    standing.tries = if look.by_hand.is_some() { 0 } else { tries };
                    standing.marked = match delivery.map(|delivery| delivery.state) {
                        Some(State::Delivered {
                            unfinished: true, ..
                        }) => Marked::Unfinished,
                        Some(State::Delivered { .. }) => Marked::Delivered,
                        Some(State::GivenUp { .. }) if look.by_hand.is_none() => Marked::GivenUp,
                        Some(State::GivenUp { .. })
                        | Some(State::Sending | State::NotSent { .. } | State::Waiting { .. })
                        | None => Marked::Open,
                    };
                    continue;
                }
                Next::Ask => {
                    let state = self.transcriber.look(&place.job()).await;
                    let state = state.map_err(super::failed(place, super::Step::Transcribe))?;
                    standing.job = state.map_or(Job::Missing, |state| Job::Is(state.status));
                    continue;
                }
                Next::Transcribe => {
                    self.count(place, marker, standing.tries + 1, &step).await?;
                    self.transcribe(&place.recording()).await?;
                }
                Next::Substitute { reason } => {
                    // Its delivery has tries of its own.
                    self.count(place, marker, 0, &step).await?;
                    let missing = Missing::TranscriptionFailed;
                    self.put_substitute(place, missing, reason.clone()).await?;
                }
                Next::Deliver => {
                    self.count(place, marker, standing.tries + 1, &step).await?;
                    // The last time nothing more is waited for: it goes with what there is.
                    let tries = match standing.tries + 1 < MAX_TRIES {
                        true => Tries::More,
                        false => Tries::Last,
                    };
                    let delivered = self.deliver_place(place, tries, tries).await?;
                    told(Told::Delivered(&delivered));
                }
                // It is no try of a delivery: it is done as often as it takes.
                Next::Finish => {
                    let last = Tries::Last;
                    self.deliver_place(place, last, last).await?;
                }
                Next::GiveUp => {
                    let delivery = marker.as_deref().and_then(Delivery::read);
                    let cause = match delivery.map(|delivery| delivery.state) {
                        Some(State::NotSent { cause }) => cause,
                        Some(_) | None => "it was not delivered".to_owned(),
                    };
                    told(Told::GivenUp(place, &cause));
                    let line = format!("{}: {cause}", place.contact());
                    let state = State::GivenUp { cause };
                    self.remark(place, marker, standing.tries, state).await?;
                    run.given_up.push(line);
                    return Ok(());
                }
            }
            run.worked += 1;
            told(Told::Worked(place, &step));
            return Ok(());
        }
    }

    /// Counts a try before it is made: one that ends the process is tried as seldom.
    async fn count(
        &self,
        place: &Place,
        marker: Option<Vec<u8>>,
        tries: u32,
        step: &Next,
    ) -> Result<(), NotDone> {
        let cause = step.to_string();
        self.remark(place, marker, tries, State::Waiting { cause })
            .await
    }

    /// Writes a marker in place of the one that was read. Whoever is faster knows better; and
    /// one that says that it is sent stays until nobody can be sending any more.
    async fn remark(
        &self,
        place: &Place,
        marker: Option<Vec<u8>>,
        tries: u32,
        state: State,
    ) -> Result<(), NotDone> {
        let before = marker.as_deref().and_then(Delivery::read);
        if matches!(before.map(|before| before.state), Some(State::Sending)) {
            return Ok(());
        }
        let written = self.state(tries, state);
        let expect = Expect::unchanged(marker.as_deref());
        let put = self.recordings.put(&place.marker(), written, expect).await;
        put.map(drop)
            .map_err(super::failed(place, super::Step::Mark))
    }
}
