//! From what a recording came to, to its verdict: the one place where a status is chosen.

use super::{
    DriftEntry, FileEntry, FragmentCounts, MissingEntry, Reason, RecordingNames, RefusedCounts,
    SCHEMA, Side, Sides, SpanTimes, Status, Stretch, Stretches, Verdict,
};
use crate::assembly::AssemblyReport;
use crate::attribution::AttributionReport;
use crate::failure::Failure;
use crate::fragment::{Damage, Direction, Fragment};
use crate::levels::Levels;
use crate::plan::{Authorisation, RecordingPlan};
use crate::request::{Answer, MissingCause};
use crate::ticks::{EpochMillis, SAMPLE_RATE, seconds_of};
use crate::timeline::{LaneReport, Spans, TimelineReport};

/// Missing fragments listed one by one.
const MAX_MISSING_LISTED: usize = 500;
/// Damage listed one by one.
const MAX_DAMAGE_LISTED: usize = 100;
/// A side is mute when at least this share of it is silence.
const MUTE_SHARE: f64 = 0.999;

/// What came of the requests, summed up while they are answered.
#[derive(Clone, Debug, Default)]
pub struct Account {
    counts: FragmentCounts,
    /// Server time and media start of the first own fragment that tells both.
    server_start: Option<(EpochMillis, crate::ticks::MediaTime)>,
}

impl Account {
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
        for missing in &answer.missing {
            if counts.missing_list.len() < MAX_MISSING_LISTED {
                let cause = match &missing.cause {
                    MissingCause::NotReturned => "not returned".to_owned(),
                    MissingCause::ErrorDocument { id: Some(id), code } => format!("{code} ({id})"),
                    MissingCause::ErrorDocument { id: None, code } => code.to_string(),
                };
                counts.missing_list.push(MissingEntry {
                    fragment: missing.number.to_string(),
                    cause,
                });
            }
        }
    }

    /// Takes in one of the recording's own fragments.
    pub fn take_own(&mut self, fragment: &Fragment) {
        self.counts.damaged += u64::from(!fragment.damage.is_empty());
        fragment
            .damage
            .iter()
            .for_each(|damage| self.list_damage(damage));
        if self.server_start.is_none() {
            self.server_start = fragment.server_time.zip(fragment.start());
        }
    }

    fn list_damage(&mut self, damage: &Damage) {
        if self.counts.damage_list.len() < MAX_DAMAGE_LISTED {
            self.counts.damage_list.push(damage.to_string());
        }
    }
}

/// All that a verdict is made of.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The recording.
    pub plan: &'a RecordingPlan,
    /// What the requests came to.
    pub account: Account,
    /// Whose the fragments were.
    pub attribution: AttributionReport,
    /// What the samples came to.
    pub assembly: AssemblyReport,
    /// The files that were written.
    pub files: Vec<FileEntry>,
}

impl Verdict {
    /// The verdict on a recording that went through.
    pub fn of(facts: Facts<'_>) -> Self {
        let Facts {
            plan,
            account,
            attribution,
            assembly,
            files,
        } = facts;
        let counts = fragment_counts(account.counts, &attribution);
        let reasons = reasons(&counts, &attribution, &assembly.timeline);
        let status = match (reasons.is_empty(), assembly.timeline.samples) {
            (true, 0) => Status::Empty,
            (false, 0) => Status::Failed,
            (true, _) => Status::Complete,
            (false, _) => Status::Partial,
        };
        Self {
            status,
            reasons,
            span: span(plan, &assembly.timeline, account.server_start),
            fragments: counts,
            one_way_audio: is_one_way(&assembly),
            sides: sides(plan.authorisation, &assembly),
            clock_breaks: assembly.timeline.clock_breaks,
            files,
            ..Self::blank(plan)
        }
    }

    /// The verdict on a recording that a failure ended.
    pub fn of_failure(plan: &RecordingPlan, failure: &Failure) -> Self {
        let mut verdict = Self::blank(plan);
        verdict.reasons.push(Reason {
            code: "failure".to_owned(),
            detail: failure.to_string(),
        });
        verdict
    }

    fn blank(plan: &RecordingPlan) -> Self {
        let number = |number: Option<crate::fragment::FragmentNumber>| {
            number.map(|number| number.to_string())
        };
        Self {
            schema: SCHEMA.to_owned(),
            callreel: env!("CARGO_PKG_VERSION").to_owned(),
            status: Status::Failed,
            reasons: Vec::new(),
            recording: RecordingNames {
                contact_id: plan.id.contact.to_string(),
                initial_contact_id: plan.attributes_contact.to_string(),
                previous_contact_id: previous_contact(plan),
                instance_id: plan.instance.as_deref().map(str::to_owned),
                stream: plan.stream.to_string(),
                start_fragment: number(plan.claim.range.start),
                stop_fragment: number(plan.claim.range.stop),
                authorised: plan
                    .authorisation
                    .directions()
                    .iter()
                    .map(|side| side.name().to_owned())
                    .collect(),
            },
            span: span(plan, &TimelineReport::default(), None),
            fragments: FragmentCounts::default(),
            sides: Sides::default(),
            one_way_audio: false,
            clock_breaks: 0,
            files: Vec::new(),
        }
    }
}

/// Of the contacts whose fragments are accepted, the one that is named nowhere else.
fn previous_contact(plan: &RecordingPlan) -> Option<String> {
    let mut named = plan.claim.contacts.iter().map(|id| &**id);
    let other = |id: &&str| *id != &*plan.id.contact && *id != &*plan.attributes_contact;
    named.find(other).map(str::to_owned)
}

fn fragment_counts(counts: FragmentCounts, attribution: &AttributionReport) -> FragmentCounts {
    FragmentCounts {
        own: attribution.own,
        refused: RefusedCounts {
            foreign: attribution.foreign,
            untagged: attribution.untagged,
            conflicting: attribution.conflicting,
            out_of_range: attribution.out_of_range,
            unnumbered: attribution.unnumbered,
            unasked: counts.refused.unasked,
            foreign_contacts: attribution
                .foreign_contacts
                .iter()
                .map(|id| id.to_string())
                .collect(),
        },
        ..counts
    }
}

/// What makes a recording less than complete; nothing of it is ever silent.
fn reasons(
    counts: &FragmentCounts,
    attribution: &AttributionReport,
    timeline: &TimelineReport,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |applies: bool, code: &str, detail: String| {
        if applies {
            reasons.push(Reason {
                code: code.to_owned(),
                detail,
            });
        }
    };
    let cause = counts
        .missing_list
        .first()
        .map_or("", |missing| missing.cause.as_str());
    add(
        counts.missing > 0,
        "fragments_missing",
        format!(
            "{} of {} did not come (the first: {cause})",
            counts.missing,
            fragments(counts.asked)
        ),
    );
    add(
        counts.damaged > 0,
        "damage",
        format!("damage in {} places", counts.damaged),
    );
    add(
        attribution.unproven() > 0,
        "unproven",
        format!(
            "{} left out, not proven to be this call's",
            fragments(attribution.unproven())
        ),
    );
    add(
        timeline.beyond_limit != [0, 0],
        "too_long",
        format!(
            "{:.1} s lie beyond the longest recording",
            seconds_of(timeline.beyond_limit.iter().max().unwrap_or(&0) / 2)
        ),
    );
    add(
        attribution.own == 0 && attribution.foreign > 0 && counts.missing == 0,
        "only_foreign",
        format!(
            "nothing but {} of another contact",
            fragments(attribution.foreign)
        ),
    );
    reasons
}

fn span(
    plan: &RecordingPlan,
    timeline: &TimelineReport,
    server_start: Option<(EpochMillis, crate::ticks::MediaTime)>,
) -> SpanTimes {
    let seconds = seconds_of(timeline.samples);
    let starts_at = timeline
        .origin
        .zip(server_start)
        .map(|(origin, (server, media))| {
            EpochMillis(
                server
                    .0
                    .saturating_add(origin.samples_since(media) * 1_000 / i64::from(SAMPLE_RATE)),
            )
        });
    let ends_at =
        starts_at.map(|start| EpochMillis(start.0.saturating_add((seconds * 1e3) as i64)));
    SpanTimes {
        sample_rate: SAMPLE_RATE,
        samples: timeline.samples,
        seconds,
        starts_at: starts_at.map(EpochMillis::to_rfc3339),
        ends_at: ends_at.map(EpochMillis::to_rfc3339),
        media_start_millis: timeline.origin.map(|origin| origin.to_millis_floor()),
        record_starts_at: plan.window.0.map(EpochMillis::to_rfc3339),
        record_stops_at: plan.window.1.map(EpochMillis::to_rfc3339),
    }
}

fn sides(authorisation: Authorisation, assembly: &AssemblyReport) -> Sides {
    let of = |direction: Direction| {
        let levels = assembly.levels[direction.index()].as_ref()?;
        let lane = &assembly.timeline.lanes[direction.index()];
        authorisation
            .directions()
            .contains(&direction)
            .then(|| side(lane, levels))
    };
    Sides {
        from: of(Direction::FromCustomer),
        to: of(Direction::ToCustomer),
    }
}

fn side(lane: &LaneReport, levels: &Levels) -> Side {
    let millis = |samples: i64| samples as f64 * 1e3 / f64::from(SAMPLE_RATE);
    Side {
        offset_samples: lane.starts_at,
        offset_seconds: lane.starts_at.map(seconds_of),
        audio_samples: lane.audio_samples,
        silence_samples: lane.silence_samples,
        gaps: stretches(&lane.gaps),
        overlaps: stretches(&lane.overlaps),
        drift: DriftEntry {
            earliest_millis: millis(lane.drift.earliest),
            latest_millis: millis(lane.drift.latest),
            ppm: lane.drift.ppm().map(hundredths),
        },
        peak: levels.peak,
        peak_dbfs: levels.peak_dbfs().map(hundredths),
        rms_dbfs: levels.rms_dbfs().map(hundredths),
        silence_share: (levels.silence_share * 1e4).round() / 1e4,
        clipped_samples: levels.clipped,
    }
}

fn fragments(count: u64) -> String {
    match count {
        1 => "1 fragment".to_owned(),
        _ => format!("{count} fragments"),
    }
}

/// No more digits than mean something.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn stretches(spans: &Spans) -> Stretches {
    let stretch = |span: &crate::timeline::Span| Stretch {
        at_sample: span.at,
        at_seconds: seconds_of(span.at),
        samples: span.samples,
        seconds: seconds_of(span.samples),
    };
    Stretches {
        count: spans.count,
        samples: spans.samples,
        seconds: seconds_of(spans.samples),
        list: spans.listed.iter().map(stretch).collect(),
    }
}

/// Both sides may be kept, there is a recording, and exactly one side is mute.
fn is_one_way(assembly: &AssemblyReport) -> bool {
    match assembly.levels {
        [Some(from), Some(to)] if assembly.timeline.samples > 0 => {
            let is_mute = |levels: Levels| levels.silence_share >= MUTE_SHARE;
            is_mute(from) != is_mute(to)
        }
        _ => false,
    }
}
