//! What came of the requests, summed up while they are answered, and where on the
//! recording's clock things are missing.

use std::collections::{BTreeMap, VecDeque};

use super::{FragmentCounts, LeftOutEntry, MissingEntry};
use crate::media::attribution::Refusal;
use crate::media::fragment::{
    Damage, Direction, Fragment, FragmentNumber, LeftOutReason, SegmentUid,
};
use crate::media::request::{Answer, Missing, MissingCause};
use crate::media::ticks::{EpochMillis, MediaTime, seconds_of};
use crate::media::timeline::{TOLERANCE, TimelineReport};

/// Missing fragments listed one by one.
const MAX_MISSING_LISTED: usize = 500;
/// Damage listed one by one.
const MAX_DAMAGE_LISTED: usize = 100;
/// Places remembered to tell why a gap is there; what lies behind them has no cause but
/// the hold.
const MAX_PLACES: usize = 2_000;
/// The most fragments that one hole in the counters is believed to stand for: an hour.
const MAX_HOLE: u64 = 3_600;
/// Pairs of neighbours that must follow each other before a hole among them means
/// anything, and how many of them for each hole.
const LEAST_CONSECUTIVE: u64 = 4;
const CONSECUTIVE_A_HOLE: u64 = 4;

/// Why audio is missing at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// This fragment was asked for and did not come.
    Lost(FragmentNumber),
    /// A fragment came damaged.
    Damaged,
    /// A fragment came that was not proven to be this call's.
    Refused,
    /// So many fragments were never listed, as the counters in their neighbours' numbers
    /// hint.
    Unlisted(u64),
}

/// A place on the media clock, moved as the timeline moves it: from where the recording
/// reached when it came up, to where it reached behind it. `None` is before any audio.
#[derive(Clone, Copy, Debug)]
struct Place {
    lack: Lack,
    from: Option<MediaTime>,
    to: Option<MediaTime>,
}

/// What came of the requests, summed up while they are answered.
#[derive(Clone, Debug, Default)]
pub struct Account {
    counts: FragmentCounts,
    /// The last fragment that was asked for.
    last: Option<FragmentNumber>,
    /// What proves the list of the fragments incomplete, in words.
    listing_lacks: Option<String>,
    /// Server time and media start of the first own fragment that tells both.
    server_start: Option<(EpochMillis, MediaTime)>,
    /// Missing fragments that no later one has passed yet.
    ahead: VecDeque<Missing>,
    missing: Vec<(Missing, Option<MediaTime>)>,
    places: Vec<Place>,
    /// The last own fragment was damaged: its place ends where the next one begins.
    open: Option<usize>,
    left_out: BTreeMap<(Option<Direction>, LeftOutReason), u64>,
    counters: Counters,
}

/// The counters that KVS works into its numbers, from one own fragment to the next: a hint
/// at fragments that were never listed.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    last: Option<(SegmentUid, u64)>,
    /// Fragments since then that were missing or refused.
    between: u64,
    consecutive: u64,
    holes: u64,
}

impl Account {
    /// An account that begins with the list, and what proves it incomplete.
    pub fn of_listing(lacks: Option<String>) -> Self {
        Self {
            listing_lacks: lacks,
            ..Self::default()
        }
    }

    /// Takes in an answer, before its fragments are handed on.
    pub fn take(&mut self, answer: &Answer) {
        self.counts.damaged += answer.damage.len() as u64;
        answer
            .damage
            .iter()
            .for_each(|damage| self.list_damage(damage));
        let counts = &mut self.counts;
        counts.asked += (answer.fragments.len() + answer.missing.len()) as u64;
        counts.received += answer.fragments.len() as u64;
        counts.missing += answer.missing.len() as u64;
        counts.refused.unasked += answer.unasked;
        counts.asked_again += answer.asked_again;
        let came = answer.fragments.iter();
        let came = came.filter_map(|fragment| fragment.number);
        let asked = came.chain(answer.missing.iter().map(|missing| missing.number));
        self.last = self.last.max(asked.max());
        self.ahead.extend(answer.missing.iter().cloned());
    }

    /// Takes in one of the recording's own fragments, before the timeline does; `reached`
    /// is how far the recording reaches by then.
    pub fn take_own(&mut self, fragment: &Fragment, reached: Option<MediaTime>) {
        self.pass(fragment.number, reached);
        self.count(fragment, reached);
        for left in &fragment.left_out {
            let bytes = self.left_out.entry((left.direction, left.reason));
            *bytes.or_default() += left.bytes;
        }
        if !fragment.damage.is_empty() {
            self.counts.damaged += 1;
            self.open = self.mark(Lack::Damaged, reached);
        }
        fragment
            .damage
            .iter()
            .for_each(|damage| self.list_damage(damage));
        if self.server_start.is_none() {
            self.server_start = fragment.server_time.zip(fragment.start());
        }
    }

    /// Takes in a fragment that was refused.
    pub fn refuse(&mut self, fragment: &Fragment, refusal: Refusal, reached: Option<MediaTime>) {
        self.pass(fragment.number, reached);
        match refusal {
            Refusal::OutOfRange => {}
            Refusal::Foreign | Refusal::Untagged | Refusal::Conflicting | Refusal::Unnumbered => {
                self.counters.between += 1;
                self.mark(Lack::Refused, reached);
            }
        }
    }

    /// No fragment follows; `reached` is how far the recording reaches.
    pub fn end(&mut self, reached: Option<MediaTime>) {
        self.close(reached);
        while let Some(missing) = self.ahead.pop_front() {
            self.lose(missing, reached);
        }
    }

    /// All that was found, placed on a recording that came out like this.
    pub(super) fn found(self, timeline: &TimelineReport) -> Found {
        let at = |time: Option<MediaTime>| match (time, timeline.origin) {
            (Some(time), Some(origin)) => u64::try_from(time.samples_since(origin)).unwrap_or(0),
            _ => 0,
        };
        let mut found = Found {
            counts: self.counts,
            listing_lacks: self.listing_lacks,
            server_start: self.server_start,
            lacks: (self.places.iter())
                .map(|place| (place.lack, at(place.from), at(place.to)))
                .collect(),
            left_out: self.left_out,
        };
        found.counts.last = self.last.map(|last| last.to_string());
        found.counts.missing_list = (self.missing.iter())
            .map(|(missing, time)| missing_entry(missing, at(*time)))
            .collect();
        found.believe_counters(self.counters, timeline);
        found
    }

    /// Every missing fragment before this one is placed where the recording stands.
    fn pass(&mut self, number: Option<FragmentNumber>, reached: Option<MediaTime>) {
        self.close(reached);
        while let Some(first) = self.ahead.front()
            && number.is_some_and(|number| first.number < number)
            && let Some(missing) = self.ahead.pop_front()
        {
            self.counters.between += 1;
            self.lose(missing, reached);
        }
    }

    fn lose(&mut self, missing: Missing, reached: Option<MediaTime>) {
        self.mark(Lack::Lost(missing.number), reached);
        if self.missing.len() < MAX_MISSING_LISTED {
            self.missing.push((missing, reached));
        }
    }

    fn mark(&mut self, lack: Lack, at: Option<MediaTime>) -> Option<usize> {
        (self.places.len() < MAX_PLACES).then(|| {
            self.places.push(Place {
                lack,
                from: at,
                to: at,
            });
            self.places.len() - 1
        })
    }

    fn close(&mut self, reached: Option<MediaTime>) {
        if let Some(place) = self.open.take().and_then(|at| self.places.get_mut(at)) {
            place.to = reached;
        }
    }

    /// Compares the counter with that of the own fragment before.
    fn count(&mut self, fragment: &Fragment, reached: Option<MediaTime>) {
        let counter = fragment.number.and_then(FragmentNumber::hinted_counter);
        let now = fragment.session.zip(counter);
        let between = std::mem::take(&mut self.counters.between);
        let last = std::mem::replace(&mut self.counters.last, now);
        let (Some((session, counter)), Some((last_session, last))) = (now, last) else {
            return;
        };
        if session != last_session {
            return;
        }
        match counter.checked_sub(last.saturating_add(1 + between)) {
            Some(0) => self.counters.consecutive += 1,
            Some(hole @ 1..=MAX_HOLE) => {
                self.counters.holes += 1;
                self.mark(Lack::Unlisted(hole), reached);
            }
            Some(_) | None => self.counters.holes += 1,
        }
    }

    fn list_damage(&mut self, damage: &Damage) {
        if self.counts.damage_list.len() < MAX_DAMAGE_LISTED {
            self.counts.damage_list.push(damage.to_string());
        }
    }
}

fn missing_entry(missing: &Missing, at: u64) -> MissingEntry {
    MissingEntry {
        fragment: missing.number.to_string(),
        cause: match &missing.cause {
            MissingCause::NotReturned => "not returned".to_owned(),
            MissingCause::ErrorDocument { id: Some(id), code } => format!("{code} ({id})"),
            MissingCause::ErrorDocument { id: None, code } => code.to_string(),
        },
        at_seconds: Some(seconds_of(at)),
    }
}

/// What was found of a recording's fragments, placed on its samples.
#[derive(Debug)]
pub(super) struct Found {
    pub counts: FragmentCounts,
    /// What proves the list of the fragments incomplete, in words.
    pub listing_lacks: Option<String>,
    pub server_start: Option<(EpochMillis, MediaTime)>,
    /// What lacks, and the samples from where to where.
    lacks: Vec<(Lack, u64, u64)>,
    left_out: BTreeMap<(Option<Direction>, LeftOutReason), u64>,
}

impl Found {
    /// What lacks within or at the beginning of a stretch of silence.
    pub(super) fn lacks_in(&self, at: u64, samples: u64) -> impl Iterator<Item = Lack> {
        let slack = TOLERANCE.unsigned_abs();
        let within = move |from: u64, to: u64| from < at + samples && to + slack >= at;
        let lacks = self.lacks.iter();
        lacks.filter_map(move |(lack, from, to)| within(*from, *to).then_some(*lack))
    }

    /// The audio of a direction, or of none that is known, that came and was left out.
    pub(super) fn left_out_of(&self, side: Option<Direction>) -> Vec<LeftOutEntry> {
        let of_side = self.left_out.iter().filter(|((of, _), _)| *of == side);
        of_side
            .map(|((_, reason), bytes)| LeftOutEntry {
                reason: reason.name().to_owned(),
                bytes: *bytes,
            })
            .collect()
    }

    /// A hole in the counters stands for fragments that were never listed, if neighbours
    /// follow each other nearly everywhere else, and there is a gap that holds them.
    fn believe_counters(&mut self, counters: Counters, timeline: &TimelineReport) {
        let is_known = counters.consecutive >= LEAST_CONSECUTIVE
            && counters.consecutive >= CONSECUTIVE_A_HOLE.saturating_mul(counters.holes);
        let pairs = (counters.consecutive + counters.holes + 1).max(1);
        let longest = timeline.lanes.iter().map(|lane| lane.audio_samples).max();
        let mean = longest.unwrap_or(0) / pairs;
        let holds = |hole: u64, at: u64| {
            let spans = timeline.lanes.iter().flat_map(|lane| &lane.gaps.listed);
            let mut around = spans
                .filter(|gap| gap.at <= at + TOLERANCE.unsigned_abs() && at < gap.at + gap.samples);
            around.any(|gap| gap.samples >= hole.saturating_mul(mean) / 2)
        };
        self.lacks.retain(|(lack, at, _)| match lack {
            Lack::Unlisted(hole) => is_known && holds(*hole, *at),
            Lack::Lost(_) | Lack::Damaged | Lack::Refused => true,
        });
        let unlisted = self.lacks.iter().map(|(lack, ..)| match lack {
            Lack::Unlisted(hole) => *hole,
            Lack::Lost(_) | Lack::Damaged | Lack::Refused => 0,
        });
        self.counts.unlisted = unlisted.sum();
    }
}
