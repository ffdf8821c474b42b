//! What makes a recording less than complete, and what else is worth a line. Nothing of it
//! is ever silent.

use super::account::Found;
use super::{GapCause, LISTING_INCOMPLETE, Reason, Side, Sides};
use crate::media::assembly::AssemblyReport;
use crate::media::attribution::AttributionReport;
use crate::media::fragment::Direction;
use crate::media::ticks::{SAMPLE_RATE, seconds_of};
use crate::media::timeline::TimelineReport;
use crate::recording::plan::RecordingPlan;

/// The reason that is no loss: there was nothing to lose.
pub const NOT_STREAMED: &str = "not_streamed";

/// The note that a side holds no sound.
pub const SILENT_SIDE: &str = "silent_side";
/// A side is silent when at least this share of it is.
const MUTE_SHARE: f64 = 0.999;
/// Displaced audio below this is the jitter of a clock.
const DISPLACED_TOLD: u64 = SAMPLE_RATE as u64;

pub(super) fn reasons(
    plan: &RecordingPlan,
    found: &Found,
    attribution: &AttributionReport,
    timeline: &TimelineReport,
    sides: &Sides,
) -> Vec<Reason> {
    let counts = &found.counts;
    let mut reasons = Vec::new();
    let mut add = |applies: bool, code: &str, detail: String| {
        if applies {
            reasons.push(Reason {
                code: code.to_owned(),
                detail,
            });
        }
    };
    let first = counts.missing_list.first();
    let cause = first.map_or("", |missing| missing.cause.as_str());
    add(
        counts.missing > 0,
        "fragments_missing",
        format!(
            "{} of {} did not come{} (the first: {cause})",
            counts.missing,
            fragments(counts.asked),
            seconds_in(sides, GapCause::Lost),
        ),
    );
    add(
        found.listing_lacks.is_some(),
        LISTING_INCOMPLETE,
        found.listing_lacks.clone().unwrap_or_default(),
    );
    add(
        counts.unlisted > 0,
        "never_listed",
        format!(
            "{} never listed, as the numbers of their neighbours tell{}",
            fragments_were(counts.unlisted),
            seconds_in(sides, GapCause::NeverListed),
        ),
    );
    add(
        counts.damaged > 0,
        "damage",
        format!(
            "damage in {}{}",
            counted(counts.damaged, "place"),
            seconds_in(sides, GapCause::Damaged)
        ),
    );
    add_left_out(found, sides, &mut add);
    add(
        attribution.unproven() > 0,
        "unproven",
        format!(
            "{} left out, not proven to be this call's",
            fragments(attribution.unproven())
        ),
    );
    add(
        attribution.foreign_inside > 0,
        "foreign_inside",
        format!(
            "{} inside of the recording's range left out: of contact {}, which the record does not name",
            fragments(attribution.foreign_inside),
            attribution.foreign_contacts.join(", "),
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
    // Where nothing came at all, nothing tells what was streamed.
    let has_any = timeline.samples > 0;
    let directions = plan.authorisation.directions().iter();
    let absent: Vec<_> = directions
        .filter(|side| sides.of(**side).is_none_or(|side| side.bytes.came == 0))
        .map(|side| name(*side))
        .collect();
    add(
        has_any && counts.missing == 0 && !absent.is_empty(),
        NOT_STREAMED,
        format!("{}: authorised, and never streamed", absent.join(" and ")),
    );
    reasons
}

/// Audio that came and is in no file, by side and reason.
fn add_left_out(found: &Found, sides: &Sides, add: &mut impl FnMut(bool, &str, String)) {
    let of_side = |side: Option<&Side>| side.map(|side| side.left_out.clone());
    let all = [
        ("from", of_side(sides.from.as_ref()).unwrap_or_default()),
        ("to", of_side(sides.to.as_ref()).unwrap_or_default()),
        ("another track", found.left_out_of(None)),
    ];
    let told: Vec<_> = all
        .iter()
        .flat_map(|(side, entries)| entries.iter().map(move |entry| (side, entry)))
        .map(|(side, entry)| format!("{side}: {} bytes, {}", entry.bytes, entry.reason))
        .collect();
    add(
        !told.is_empty(),
        "audio_left_out",
        format!("audio that came is in no file ({})", told.join("; ")),
    );
}

/// What is no loss, and is worth a line all the same.
pub(super) fn notes(assembly: &AssemblyReport, sides: &Sides) -> Vec<Reason> {
    let mut notes = Vec::new();
    let mut add = |applies: bool, code: &str, detail: String| {
        if applies {
            notes.push(Reason {
                code: code.to_owned(),
                detail,
            });
        }
    };
    let timeline = &assembly.timeline;
    let is_silent = |direction: &&Direction| {
        let has_audio = sides
            .of(**direction)
            .is_some_and(|side| side.audio_samples > 0);
        has_audio && is_mute(assembly, **direction)
    };
    let silent: Vec<_> = (Direction::BOTH.iter().filter(is_silent))
        .map(|side| name(*side))
        .collect();
    add(
        !silent.is_empty(),
        SILENT_SIDE,
        format!("{}: nothing but silence", silent.join(" and ")),
    );
    add(
        timeline.clock_breaks > 0,
        "clock_breaks",
        format!(
            "the media clock broke off ({}) and was set anew; nothing was cut",
            counted(timeline.clock_breaks, "time")
        ),
    );
    for (direction, side) in sides.all() {
        add(
            side.displaced.samples >= DISPLACED_TOLD,
            "displaced",
            format!(
                "{}: {:.1} s came for times at which other audio stands, and follow it",
                name(direction),
                side.displaced.seconds
            ),
        );
    }
    notes
}

/// Whether a side of a recording holds no sound.
pub(super) fn is_mute(assembly: &AssemblyReport, direction: Direction) -> bool {
    let levels = assembly.levels[direction.index()].as_ref();
    assembly.timeline.samples > 0 && levels.is_some_and(|levels| levels.silence_share >= MUTE_SHARE)
}

/// The silence of a cause on the side that has more of it: `: 2.2 s, the first at 7.6 s`.
fn seconds_in(sides: &Sides, cause: GapCause) -> String {
    let of_cause = |side: &Side| {
        let gaps = side.gaps.list.iter().filter(|gap| gap.cause == cause);
        gaps.map(|gap| (gap.samples, gap.at_seconds))
            .reduce(|sum, gap| (sum.0 + gap.0, sum.1.min(gap.1)))
    };
    let most = sides.all().filter_map(|(_, side)| of_cause(side));
    match most.max_by_key(|(samples, _)| *samples) {
        Some((samples, at)) => format!(": {:.1} s from second {at:.1} on", seconds_of(samples)),
        None => String::new(),
    }
}

fn name(side: Direction) -> &'static str {
    match side {
        Direction::FromCustomer => "from (what the customer says)",
        Direction::ToCustomer => "to (what the customer hears)",
    }
}

fn fragments(count: u64) -> String {
    counted(count, "fragment")
}

fn fragments_were(count: u64) -> String {
    match count {
        1 => "1 fragment was".to_owned(),
        _ => format!("{count} fragments were"),
    }
}

fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
