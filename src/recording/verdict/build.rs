//! Builds the verdict from the reports: the one place where a status is chosen.

use super::account::{Account, Found};
use super::reasons::{NOT_STREAMED, is_mute, notes, reasons};
use super::sides::{sides, sound};
use super::{
    FileEntry, FragmentCounts, Reason, RecordingNames, RefusedCounts, SCHEMA, Sides, SpanTimes,
    Status, Verdict,
};
use crate::failure::Failure;
use crate::media::assembly::AssemblyReport;
use crate::media::attribution::AttributionReport;
use crate::media::counts::whole;
use crate::media::fragment::Direction;
use crate::media::sides::Consent;
use crate::media::ticks::{EpochMillis, SAMPLE_RATE, seconds_of};
use crate::media::timeline::TimelineReport;
use crate::recording::plan::RecordingPlan;

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
        let found = account.found(&assembly.timeline);
        let sides = sides(plan.authorisation, &assembly, &found);
        let audio = sides.audio_samples();
        let reasons = reasons(plan, &found, &attribution, &assembly.timeline, &sides);
        let is_whole = reasons.iter().all(|reason| reason.code == NOT_STREAMED);
        let status = match (audio, is_whole, reasons.is_empty()) {
            (0, true, _) => Status::Empty,
            (0, false, _) => Status::Failed,
            (_, _, true) => Status::Complete,
            (_, _, false) => Status::Partial,
        };
        let one_way_audio = is_one_way(&assembly);
        Self {
            status,
            reasons,
            notes: notes(&assembly, &sides),
            span: span(plan, &assembly.timeline, found.server_start),
            fragments: fragment_counts(&found, &attribution),
            one_way_audio,
            sound: sound(&assembly.sound),
            sides,
            left_out: found.left_out_of(None),
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

    /// This verdict with the names and times of a plan of the same recording.
    pub fn named_by(self, plan: &RecordingPlan) -> Self {
        let names = Self::blank(plan);
        Self {
            recording: names.recording,
            call: names.call.or(self.call),
            span: SpanTimes {
                record_starts_at: names.span.record_starts_at,
                record_stops_at: names.span.record_stops_at,
                ..self.span
            },
            ..self
        }
    }

    fn blank(plan: &RecordingPlan) -> Self {
        let number = |number: Option<crate::media::fragment::FragmentNumber>| {
            number.map(|number| number.to_string())
        };
        Self {
            schema: SCHEMA.to_owned(),
            callreel: env!("CARGO_PKG_VERSION").to_owned(),
            status: Status::Failed,
            reasons: Vec::new(),
            gave_up_at: None,
            recording: RecordingNames {
                contact_id: plan.id.contact.to_string(),
                initial_contact_id: plan.initial_contact.to_string(),
                previous_contact_id: other_leg(plan, plan.previous_contact.as_deref()),
                next_contact_id: other_leg(plan, plan.next_contact.as_deref()),
                instance_id: plan.instance.as_deref().map(str::to_owned),
                stream: plan.stream.to_string(),
                start_fragment: number(plan.claim.range.start),
                stop_fragment: number(plan.claim.range.stop),
                authorised: authorised(plan),
            },
            call: (!plan.parties.is_empty()).then(|| plan.parties.clone()),
            span: span(plan, &TimelineReport::default(), None),
            fragments: FragmentCounts::default(),
            sides: Sides::default(),
            left_out: Vec::new(),
            notes: Vec::new(),
            sound: None,
            one_way_audio: false,
            clock_breaks: 0,
            files: Vec::new(),
            peaks: None,
        }
    }
}

/// The sides that somebody authorised.
fn authorised(plan: &RecordingPlan) -> Option<Vec<String>> {
    let sides = plan.authorisation.directions().iter();
    (plan.consent != Consent::Unknown).then(|| sides.map(|side| side.name().to_owned()).collect())
}

/// A leg, unless the verdict names it already.
fn other_leg(plan: &RecordingPlan, leg: Option<&str>) -> Option<String> {
    let named = [&plan.id.contact, &plan.initial_contact];
    leg.filter(|leg| named.iter().all(|other| &***other != *leg))
        .map(str::to_owned)
}

fn fragment_counts(found: &Found, attribution: &AttributionReport) -> FragmentCounts {
    FragmentCounts {
        own: attribution.own,
        refused: RefusedCounts {
            foreign: attribution.foreign,
            foreign_inside: attribution.foreign_inside,
            untagged: attribution.untagged,
            conflicting: attribution.conflicting,
            out_of_range: attribution.out_of_range,
            unnumbered: attribution.unnumbered,
            unasked: found.counts.refused.unasked,
            foreign_contacts: attribution
                .foreign_contacts
                .iter()
                .map(|id| id.to_string())
                .collect(),
        },
        ..found.counts.clone()
    }
}

fn span(
    plan: &RecordingPlan,
    timeline: &TimelineReport,
    server_start: Option<(EpochMillis, crate::media::ticks::MediaTime)>,
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
    let ends_at = starts_at.map(|start| EpochMillis(start.0.saturating_add(whole(seconds * 1e3))));
    SpanTimes {
        sample_rate: SAMPLE_RATE,
        samples: timeline.samples,
        seconds,
        starts_at: starts_at.map(EpochMillis::to_rfc3339),
        ends_at: ends_at.map(EpochMillis::to_rfc3339),
        media_start_millis: timeline.origin.map(|origin| origin.to_millis_floor()),
        record_starts_at: plan.times.started.map(EpochMillis::to_rfc3339),
        record_stops_at: plan.times.stopped.map(EpochMillis::to_rfc3339),
    }
}

/// Both sides may be kept, there is a recording, and exactly one side is mute.
fn is_one_way(assembly: &AssemblyReport) -> bool {
    let may_keep_both = assembly.levels.iter().all(Option::is_some);
    let [from, to] = Direction::BOTH.map(|side| is_mute(assembly, side));
    may_keep_both && from != to
}
