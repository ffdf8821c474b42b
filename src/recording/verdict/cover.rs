//! What a recording covers, what a record of it that comes again asks for beside that, and
//! which of two readings may take the other's place.
//!
//! A recording is known by its start. Its contact record comes again, and can say more: a
//! stop that lies further on, a side that is authorised meanwhile, another contact of the
//! call. Then all that is known is read once more ([`Verdict::widened`]), and takes the
//! place of what is there if nothing of that is lost ([`Verdict::holds_more_than`]). A
//! record that says less changes nothing.

use super::{Gap, Reason, Side, Status, Verdict};
use crate::media::fragment::{Direction, FragmentNumber};
use crate::media::sides::{Authorisation, Consent};
use crate::media::ticks::{EpochMillis, SAMPLE_RATE};
use crate::media::timeline::TOLERANCE;
use crate::recording::plan::{RecordingPlan, Times};

/// The code of a reason: a later record names more of the call, and a reading of all of it
/// lacks something that is there.
pub const NOT_WIDENED: &str = "not_widened";
/// The code of a reason: a later record names more of the call, and does not authorise
/// every side that is there.
pub const LESS_AUTHORISED: &str = "less_authorised";

/// The code of a reason: the recording was made, and deliveries at the same time overwrote
/// each other's files.
pub const CONTENDED: &str = "contended";

/// What a plan of a recording that was made asks for beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing; or what cannot be had, and the verdict says so.
    Nothing,
    /// More, and all of its sides may be read again.
    More,
    /// More, and not all of its sides may be read again.
    MoreOfFewerSides,
}

/// How far a recording reaches, as one record names it or as it was read.
#[derive(Clone, Debug, Default)]
struct Cover {
    /// The last fragment that was named or asked for.
    until: Option<FragmentNumber>,
    /// When the record says that it stopped.
    stops_at: Option<EpochMillis>,
    /// The sides that are authorised, by [`Direction::index`].
    sides: [bool; 2],
    /// The contacts that are named …
    contacts: Vec<Box<str>>,
    /// … and of them the legs before and behind.
    legs: [Option<Box<str>>; 2],
}

impl Cover {
    fn of_plan(plan: &RecordingPlan) -> Self {
        let directions = plan.authorisation.directions();
        Self {
            until: plan.claim.range.stop,
            stops_at: plan.times.stopped,
            sides: Direction::BOTH.map(|direction| directions.contains(&direction)),
            contacts: plan.claim.contacts.clone(),
            legs: [plan.previous_contact.clone(), plan.next_contact.clone()],
        }
    }

    fn of_verdict(verdict: &Verdict) -> Self {
        let names = &verdict.recording;
        let stops_at = verdict.span.record_stops_at.as_deref();
        let authorised = |direction: Direction| {
            let mut sides = names.authorised.iter().flatten();
            sides.any(|side| side == direction.name())
        };
        let contacts = [
            Some(&names.contact_id),
            Some(&names.initial_contact_id),
            names.previous_contact_id.as_ref(),
            names.next_contact_id.as_ref(),
        ];
        let contacts = contacts.into_iter().flatten();
        Self {
            until: number(names.stop_fragment.as_ref()).max(verdict.read_until()),
            stops_at: stops_at.and_then(EpochMillis::from_rfc3339),
            sides: Direction::BOTH.map(authorised),
            contacts: contacts.map(|id| id.as_str().into()).collect(),
            legs: [&names.previous_contact_id, &names.next_contact_id]
                .map(|leg| leg.as_deref().map(Box::from)),
        }
    }

    /// Whether this one ends behind the other one. Numbers decide; without a number of its
    /// own it ends when its record says that it stopped.
    fn ends_behind(&self, other: &Self) -> bool {
        match (self.until, other.until) {
            (Some(until), Some(others)) => until > others,
            // A recording that does not tell how far it was read, of an older version.
            (Some(_), None) => true,
            (None, _) => self.stops_at > other.stops_at,
        }
    }

    fn has_sides_of(&self, other: &Self) -> bool {
        let mut sides = self.sides.iter().zip(other.sides);
        sides.all(|(own, others)| *own || !others)
    }

    fn names_contact(&self, contact: &str) -> bool {
        self.contacts.iter().any(|named| **named == *contact)
    }
}

/// A plan with all that another account of the same recording names: its stop if it ends
/// later, its times, its contacts.
fn widen(
    plan: &RecordingPlan,
    other: Cover,
    stop: Option<FragmentNumber>,
    starts_at: Option<EpochMillis>,
) -> RecordingPlan {
    let mut wide = plan.clone();
    if !Cover::of_plan(plan).ends_behind(&other) {
        wide.claim.range.stop = stop;
    }
    let starts = [plan.times.started, starts_at].into_iter().flatten();
    wide.times = Times {
        started: starts.min(),
        stopped: plan.times.stopped.max(other.stops_at),
    };
    let [previous, next] = other.legs;
    wide.previous_contact = wide.previous_contact.or(previous);
    wide.next_contact = wide.next_contact.or(next);
    for contact in other.contacts {
        if !wide.claim.contacts.contains(&contact) {
            wide.claim.contacts.push(contact);
        }
    }
    wide
}

impl RecordingPlan {
    /// This plan with all that another one of the same recording names. Its sides stay.
    pub fn joined(&self, other: &Self) -> Self {
        widen(
            self,
            Cover::of_plan(other),
            other.claim.range.stop,
            other.times.started,
        )
    }

    /// Whether this plan authorises all sides that another one does.
    pub fn has_sides_of(&self, other: &Self) -> bool {
        Cover::of_plan(self).has_sides_of(&Cover::of_plan(other))
    }
}

fn number(text: Option<&String>) -> Option<FragmentNumber> {
    text?.parse().ok()
}

impl Verdict {
    /// How a plan of the same recording stands to it.
    pub fn compare(&self, plan: &RecordingPlan) -> Asked {
        match (self.covers(plan), self.sides_are_authorised(plan)) {
            (true, _) => Asked::Nothing,
            (false, true) => Asked::More,
            (false, false) if self.has_reason(LESS_AUTHORISED) => Asked::Nothing,
            (false, false) => Asked::MoreOfFewerSides,
        }
    }

    /// Whether the recording has all that this plan of it asks for: its end, its sides, and
    /// the fragments of its contacts.
    pub fn covers(&self, plan: &RecordingPlan) -> bool {
        let (ours, asked) = (Cover::of_verdict(self), Cover::of_plan(plan));
        // Fragments of a contact that was not known to be the call's were refused.
        let refused = &self.fragments.refused.foreign_contacts;
        let named = |contact: &&String| asked.names_contact(contact);
        let mut regained = refused.iter().filter(named);
        ours.has_sides_of(&asked)
            && !asked.ends_behind(&ours)
            && regained.all(|contact| ours.names_contact(contact))
    }

    /// Whether the plan authorises every side that this recording is of.
    pub fn sides_are_authorised(&self, plan: &RecordingPlan) -> bool {
        Cover::of_plan(plan).has_sides_of(&Cover::of_verdict(self))
    }

    /// The plan with all that this verdict knows of the recording: the later stop, and the
    /// earlier start time. Its sides are the plan's own, since a record authorises for
    /// itself; but a recording that stood and was overwritten is restored with all of its
    /// sides.
    pub fn widened(&self, plan: &RecordingPlan) -> RecordingPlan {
        let stop = number(self.recording.stop_fragment.as_ref());
        let starts_at = self.span.record_starts_at.as_deref();
        let starts_at = starts_at.and_then(EpochMillis::from_rfc3339);
        let wide = widen(plan, Cover::of_verdict(self), stop, starts_at);
        match self.has_reason(CONTENDED) {
            true => self.with_sides(wide),
            false => wide,
        }
    }

    /// The plan with the sides of this verdict beside its own: to restore files that stood.
    /// Where the contact was asked what it allows now, its word stands.
    pub fn with_sides(&self, mut plan: RecordingPlan) -> RecordingPlan {
        if plan.consent == Consent::AskFirst {
            return plan;
        }
        let (asked, ours) = (Cover::of_plan(&plan).sides, Cover::of_verdict(self).sides);
        let sides = [asked[0] || ours[0], asked[1] || ours[1]];
        plan.authorisation = Authorisation::of_sides(sides).unwrap_or(plan.authorisation);
        plan
    }

    /// This failed verdict, in place of a final one whose files were overwritten.
    pub fn contended(mut self) -> Self {
        if !self.has_reason(CONTENDED) {
            self.reasons.push(Reason {
                code: CONTENDED.to_owned(),
                detail: "its files were overwritten by another delivery".to_owned(),
            });
        }
        self
    }

    /// Whether this recording may replace another one of the same: nothing that the other
    /// one has is lost, and it has more (of the call's fragments, of audio, or of what
    /// records name), or nothing is wrong with it any more.
    pub fn holds_more_than(&self, other: &Self) -> bool {
        let (ours, others) = (Cover::of_verdict(self), Cover::of_verdict(other));
        let names_more = ours.ends_behind(&others)
            || ours.stops_at > others.stops_at
            || !others.has_sides_of(&ours)
            || !ours.contacts.iter().all(|id| others.names_contact(id));
        let completes = self.status == Status::Complete && other.status != Status::Complete;
        let has_more = self.fragments.own > other.fragments.own
            || self.audio_samples() > other.audio_samples();
        self.holds_all_of(other) && (has_more || completes || names_more)
    }

    /// Whether nothing that another recording of the same has is lost in this one. Fragments
    /// expire from the front, and one that expired is not even listed: so the start is
    /// compared, too, and each side's audio in the other one's stretch of time.
    pub fn holds_all_of(&self, other: &Self) -> bool {
        let lead = match (self.span.media_start_millis, other.span.media_start_millis) {
            (Some(ours), Some(theirs)) => theirs.checked_sub(ours),
            (_, None) => Some(0),
            (None, Some(_)) => None,
        };
        let Some(lead) = lead.and_then(|lead| u64::try_from(lead).ok()) else {
            return false;
        };
        let lead = lead.saturating_mul(u64::from(SAMPLE_RATE) / 1_000);
        let end = lead.saturating_add(other.span.samples);
        let stretch = Stretch { lead, end };
        let (ours, others) = (Cover::of_verdict(self), Cover::of_verdict(other));
        self.is_final()
            && ours.has_sides_of(&others)
            && self.fragments.own >= other.fragments.own
            && self.lacks_only_what_lacked(other)
            && stretch.is_held(self.sides.from.as_ref(), other.sides.from.as_ref())
            && stretch.is_held(self.sides.to.as_ref(), other.sides.to.as_ref())
    }

    /// Whether another verdict knows of nothing that this one does not.
    pub fn knows_as_much_as(&self, other: &Self) -> bool {
        let (ours, others) = (Cover::of_verdict(self), Cover::of_verdict(other));
        !others.ends_behind(&ours) && ours.has_sides_of(&others)
    }

    /// Each fragment that is missing was missing in the other one, or lies behind all that
    /// was asked for there.
    fn lacks_only_what_lacked(&self, other: &Self) -> bool {
        let listed = &other.fragments.missing_list;
        // The list of missing fragments is cut: any other fragment can have been missing, too.
        let cut = (listed.len() as u64) < other.fragments.missing;
        let until = other.read_until();
        self.fragments.missing_list.iter().all(|missing| {
            let behind = number(Some(&missing.fragment)) > until && until.is_some();
            let mut before = listed.iter();
            cut || behind || before.any(|before| before.fragment == missing.fragment)
        })
    }

    /// The last fragment that was asked for. An older verdict does not tell it, but the
    /// stop fragment was always asked for.
    fn read_until(&self) -> Option<FragmentNumber> {
        let told = self.fragments.last.as_ref();
        number(told.or(self.recording.stop_fragment.as_ref()))
    }

    fn audio_samples(&self) -> u64 {
        let sides = [&self.sides.from, &self.sides.to];
        let sides = sides.into_iter().flatten();
        sides.map(|side| side.audio_samples).sum()
    }

    /// This recording, kept as it is, with what a reading of more of the call came to that
    /// must not take its place. Without any file there is nothing to keep.
    pub fn not_widened(&self, wider: &Self) -> Self {
        if self.files.is_empty() {
            return wider.clone();
        }
        let mut kept = self.clone();
        kept.recording = wider.recording.clone();
        kept.span.record_stops_at = wider.span.record_stops_at.clone();
        kept.give_reason(
            NOT_WIDENED,
            "a later contact record names more of the call, and what can be read of all that lacks something that is here",
        );
        kept
    }

    /// This recording, kept as it is, while a record that names more of the call does not
    /// authorise every side of it.
    pub fn less_authorised(&self) -> Self {
        let mut kept = self.clone();
        kept.give_reason(
            LESS_AUTHORISED,
            "a later contact record names more of the call, and authorises fewer sides than are here",
        );
        kept
    }

    fn give_reason(&mut self, code: &str, detail: &str) {
        self.status = Status::Partial;
        if !self.has_reason(code) {
            self.reasons.push(Reason {
                code: code.to_owned(),
                detail: detail.to_owned(),
            });
        }
    }

    /// Whether a reason of this code is given.
    pub fn has_reason(&self, code: &str) -> bool {
        self.reasons.iter().any(|reason| reason.code == code)
    }
}

/// Where an older reading lies in a newer one, in samples of the newer.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// The older one begins here.
    lead: u64,
    /// It ends before here.
    end: u64,
}

/// The same audio can lie so far from where it lay before: what came before it gives a run
/// its place.
const MOVED: u64 = TOLERANCE.unsigned_abs();

impl Stretch {
    /// Whether a side has all the audio of an older reading: as much within its stretch, up
    /// to where that ended, and no silence where that had none.
    fn is_held(self, side: Option<&Side>, old: Option<&Side>) -> bool {
        let Some(old) = old.filter(|old| old.audio_samples > 0) else {
            return true;
        };
        let old_end = old.audio_end().saturating_add(self.lead);
        side.is_some_and(|side| {
            side.audio_end().saturating_add(MOVED) >= old_end
                && side.audio_before(self.end.saturating_add(MOVED)) >= old.audio_samples
                && side.gaps.list.iter().all(|gap| self.was_silent(gap, old))
        })
    }

    /// Whether the older reading was silent for all of a gap, but for its edges.
    fn was_silent(self, gap: &Gap, old: &Side) -> bool {
        let from = gap.at_sample.saturating_add(MOVED).max(self.lead);
        let to = gap.at_sample.saturating_add(gap.samples);
        let to = to.saturating_sub(MOVED).min(self.end);
        // On the older one's samples, where it had audio.
        let old_from = from
            .saturating_sub(self.lead)
            .max(old.offset_samples.unwrap_or(0));
        let old_to = to.saturating_sub(self.lead).min(old.audio_end());
        if old_from >= old_to {
            return true;
        }
        let listed = &old.gaps.list;
        // The list of gaps is cut: a further gap can lie behind those.
        let cut = (listed.len() as u64) < old.gaps.count;
        let beyond = |last: &Gap| old_from >= last.at_sample.saturating_add(last.samples);
        let may_be = cut && listed.last().is_none_or(beyond);
        may_be
            || listed.iter().any(|silent| {
                let end = silent.at_sample.saturating_add(silent.samples);
                silent.at_sample <= old_from && old_to <= end
            })
    }
}

impl Side {
    /// Samples of audio before a sample of the recording, at the least: gaps beyond those
    /// that are listed may lie anywhere.
    fn audio_before(&self, sample: u64) -> u64 {
        let starts_at = self.offset_samples.unwrap_or(sample);
        let silent = self.gaps.list.iter().map(|gap| {
            let end = gap.at_sample.saturating_add(gap.samples).min(sample);
            end.saturating_sub(gap.at_sample.max(starts_at))
        });
        let listed = self.gaps.list.iter().map(|gap| gap.samples).sum();
        let unlisted = self.gaps.samples.saturating_sub(listed);
        let filled = sample.saturating_sub(starts_at);
        let audio = filled.saturating_sub(silent.sum::<u64>().saturating_add(unlisted));
        audio.min(self.audio_samples)
    }

    /// Behind the last sample of audio.
    fn audio_end(&self) -> u64 {
        let starts_at = self.offset_samples.unwrap_or(0);
        // The silence before the first audio may stand among the gaps, or not.
        let before = self
            .gaps
            .list
            .iter()
            .filter(|gap| gap.at_sample < starts_at);
        let before = before.map(|gap| gap.samples).sum();
        let between = self.gaps.samples.saturating_sub(before);
        let lasts = between.saturating_add(self.audio_samples);
        starts_at.saturating_add(lasts)
    }
}

#[cfg(test)]
mod tests;
