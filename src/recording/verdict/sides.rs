//! The authorised sides of a verdict: what of each came, what is written, and why it is
//! silent where it is.

use super::account::{Found, Lack};
use super::{
    ByteCounts, DriftEntry, Gap, GapCause, Gaps, LeftOutEntry, Side, Sides, SoundFigures, Stretch,
    Stretches,
};
use crate::media::assembly::AssemblyReport;
use crate::media::counts::{nearest, nearest_signed};
use crate::media::fragment::{Direction, FragmentNumber};
use crate::media::levels::Levels;
use crate::media::sides::Authorisation;
use crate::media::sound::Sound;
use crate::media::ticks::{SAMPLE_RATE, seconds_of};
use crate::media::timeline::{LaneReport, Span, Spans};

/// Fragments of one gap that are named.
const MAX_NAMED: usize = 20;
/// A half of a sample whose other half never came.
const HALF_SAMPLE: &str = "half_sample";
/// Audio behind the longest recording.
pub(super) const TOO_LONG: &str = "too_long";

pub(super) fn sides(
    authorisation: Authorisation,
    assembly: &AssemblyReport,
    found: &Found,
) -> Sides {
    let of = |direction: Direction| {
        let levels = assembly.levels[direction.index()].as_ref()?;
        authorisation
            .directions()
            .contains(&direction)
            .then(|| side(direction, assembly, levels, found))
    };
    Sides {
        from: of(Direction::FromCustomer),
        to: of(Direction::ToCustomer),
    }
}

fn side(direction: Direction, assembly: &AssemblyReport, levels: &Levels, found: &Found) -> Side {
    let lane = &assembly.timeline.lanes[direction.index()];
    let millis = |samples: i64| nearest_signed(samples) * 1e3 / f64::from(SAMPLE_RATE);
    let left_out = left_out(direction, assembly, found);
    Side {
        offset_samples: lane.starts_at,
        offset_seconds: lane.starts_at.map(seconds_of),
        audio_samples: lane.audio_samples,
        silence_samples: lane.silence_samples,
        bytes: bytes(lane, &left_out),
        left_out,
        gaps: gaps(lane, found),
        overlaps: stretches(&lane.overlaps),
        displaced: stretches(&lane.displaced),
        drift: DriftEntry {
            earliest_millis: millis(lane.drift.earliest),
            latest_millis: millis(lane.drift.latest),
            ppm: lane.drift.ppm().map(hundredths),
        },
        peak: levels.peak,
        peak_dbfs: levels.peak_dbfs().map(hundredths),
        rms_dbfs: levels.rms_dbfs().map(hundredths),
        silence_share: ten_thousandths(levels.silence_share),
        clipped_samples: levels.clipped,
    }
}

/// Everything that came is written, repeated or left out.
fn bytes(lane: &LaneReport, left_out: &[LeftOutEntry]) -> ByteCounts {
    let written = 2 * lane.audio_samples;
    let repeated = 2 * lane.overlaps.samples;
    let left_out = left_out.iter().map(|entry| entry.bytes).sum::<u64>();
    ByteCounts {
        came: written + repeated + left_out,
        written,
        repeated,
        left_out,
    }
}

fn left_out(direction: Direction, assembly: &AssemblyReport, found: &Found) -> Vec<LeftOutEntry> {
    let timeline = &assembly.timeline;
    let mut left_out = found.left_out_of(Some(direction));
    let mut add = |reason: &str, bytes: u64| {
        if bytes > 0 {
            left_out.push(LeftOutEntry {
                reason: reason.to_owned(),
                bytes,
            });
        }
    };
    add(
        HALF_SAMPLE,
        timeline.lanes[direction.index()].unwritten_bytes(),
    );
    add(TOO_LONG, timeline.beyond_limit[direction.index()]);
    left_out
}

/// The silence before and between a side's audio, each with its cause.
fn gaps(lane: &LaneReport, found: &Found) -> Gaps {
    let late = lane.starts_at.filter(|samples| *samples > 0);
    let mut list: Vec<_> = late
        .map(|samples| gap(0, samples, GapCause::LateStart, found))
        .into_iter()
        .collect();
    let spans = lane.gaps.listed.iter();
    list.extend(spans.map(|span| gap(span.at, span.samples, GapCause::Hold, found)));
    let samples = lane.gaps.samples + late.unwrap_or(0);
    Gaps {
        count: lane.gaps.count + u64::from(late.is_some()),
        samples,
        seconds: seconds_of(samples),
        list,
    }
}

/// One gap; `else_cause` where nothing is known to lack there.
fn gap(at: u64, samples: u64, else_cause: GapCause, found: &Found) -> Gap {
    let lacks: Vec<_> = found.lacks_in(at, samples).collect();
    let lost = |lack: &Lack| match lack {
        Lack::Lost(number) => Some(FragmentNumber::to_string(number)),
        Lack::Damaged | Lack::Refused | Lack::Unlisted(_) => None,
    };
    let has = |is: fn(&Lack) -> bool| lacks.iter().any(is);
    let cause = if has(|lack| matches!(lack, Lack::Lost(_))) {
        GapCause::Lost
    } else if has(|lack| matches!(lack, Lack::Unlisted(_))) {
        GapCause::NeverListed
    } else if has(|lack| *lack == Lack::Refused) {
        GapCause::Refused
    } else if has(|lack| *lack == Lack::Damaged) {
        GapCause::Damaged
    } else {
        else_cause
    };
    Gap {
        at_sample: at,
        at_seconds: seconds_of(at),
        samples,
        seconds: seconds_of(samples),
        cause,
        fragments: lacks.iter().filter_map(lost).take(MAX_NAMED).collect(),
    }
}

/// When the sides sound; `None` for a recording without a sample.
pub(super) fn sound(sound: &Sound) -> Option<SoundFigures> {
    if sound.samples == 0 {
        return None;
    }
    let share = |part: u64| ten_thousandths(nearest(part) / nearest(sound.samples));
    let [from, to] = sound.sides;
    Some(SoundFigures {
        from_share: from.map(share),
        to_share: to.map(share),
        both_share: sound.both.map(share),
        both_seconds: sound.both.map(seconds_of),
        longest_silence: sound.longest_silence.as_ref().map(stretch),
    })
}

fn ten_thousandths(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// No more digits than mean something.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn stretch(span: &Span) -> Stretch {
    Stretch {
        at_sample: span.at,
        at_seconds: seconds_of(span.at),
        samples: span.samples,
        seconds: seconds_of(span.samples),
    }
}

fn stretches(spans: &Spans) -> Stretches {
    Stretches {
        count: spans.count,
        samples: spans.samples,
        seconds: seconds_of(spans.samples),
        list: spans.listed.iter().map(stretch).collect(),
    }
}
