//! What the oddities of a call do to its fragments.

use super::{Fate, NO_EPOCH_MILLIS, Plan, PlannedFragment, Tagging};
use crate::media::fragment::Direction;
use crate::synth::Oddity;

/// How far the media clock steps back, and how far it leaps.
const BACK_MILLIS: u64 = 2_000;
const AHEAD_MILLIS: u64 = 30_000;

/// Fragments that name no contact, where it is named late; of a short call, a half.
const UNNAMED: u64 = 40;

/// How many fragments are sent twice.
const SENT_TWICE: u64 = 2;

/// Sessions of what is sent twice are numbered from here.
const SENT_TWICE_SESSION: u64 = 1_000_000;

impl Plan {
    /// The fragment at which things happen that are met at one place.
    fn halfway(&self) -> u64 {
        self.count() / 2
    }

    fn is(&self, oddity: Oddity) -> bool {
        !self.foreign && self.call.is(oddity)
    }

    /// An oddity that is met at one place, and this is it.
    pub(crate) fn is_here(&self, oddity: Oddity, fragment: &PlannedFragment) -> bool {
        self.is(oddity) && fragment.index == self.halfway()
    }

    /// A fragment inside of this call that is another contact's.
    pub(crate) fn is_foreign_inside(&self, fragment: &PlannedFragment) -> bool {
        // One without tags would be its session's.
        self.is_here(Oddity::ForeignInside, fragment) && fragment.tagging != Tagging::None
    }

    /// The contact that a fragment names.
    pub(crate) fn contact(&self, fragment: &PlannedFragment) -> &str {
        match self.is_foreign_inside(fragment) {
            true => &self.call.foreign_contact,
            false => &self.call.contact,
        }
    }

    /// Whether a recorder must leave this direction of a fragment out.
    pub(crate) fn is_left_out(&self, fragment: &PlannedFragment, direction: Direction) -> bool {
        self.is_foreign_inside(fragment)
            || direction == Direction::FromCustomer && self.is_here(Oddity::OtherFormat, fragment)
    }

    /// The Cluster's time of the fragment that starts so many milliseconds into the call.
    pub(super) fn clock_millis(&self, index: u64, start: u64) -> u64 {
        let start = match self.is(Oddity::ClockStill) {
            true => 0,
            false => start,
        };
        let right = match self.call.no_epoch {
            true => NO_EPOCH_MILLIS + start,
            false => {
                let producer = self.call.start_epoch_millis.saturating_add_unsigned(start);
                producer.max(0).unsigned_abs()
            }
        };
        let is_behind = index > 0 && index >= self.halfway();
        let off = |oddity, by| if is_behind && self.is(oddity) { by } else { 0 };
        right
            .saturating_add(off(Oddity::ClockAhead, AHEAD_MILLIS))
            .saturating_sub(off(Oddity::ClockBack, BACK_MILLIS))
    }

    /// How many fragments were sent twice before this one.
    pub(super) fn sent_before(&self, index: u64) -> u64 {
        match self.is(Oddity::SentTwice) && index > self.halfway() {
            true => SENT_TWICE,
            false => 0,
        }
    }

    pub(super) fn is_unnamed(&self, index: u64) -> bool {
        self.is(Oddity::LateName) && index < UNNAMED.min(self.count() / 2)
    }

    /// What is sent at a fragment's place: it, and at one place some once more.
    pub(crate) fn sent_at(&self, index: u64) -> Vec<PlannedFragment> {
        let fragment = self.fragment(index);
        let is_twice = self.is_here(Oddity::SentTwice, &fragment) && index > 0;
        let again = 1..=if is_twice { SENT_TWICE } else { 0 };
        let mut sent = vec![fragment.clone()];
        sent.extend(again.map(|nth| PlannedFragment {
            session: fragment.session + SENT_TWICE_SESSION,
            counter: fragment.counter + nth,
            server_millis: fragment.server_millis.saturating_add_unsigned(nth),
            fate: Fate::Sent,
            ..self.fragment(index + nth - SENT_TWICE)
        }));
        sent
    }
}
