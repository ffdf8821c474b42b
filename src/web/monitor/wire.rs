//! Frames as the page reads them: JSON, with spectra and waveforms as base64 of their bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::json;

use super::Listening;
use crate::media::fragment::Direction;
use crate::media::ticks::{EpochMillis, SAMPLE_RATE};
use crate::monitor::panel::{
    About, COLUMN_SAMPLES, CallFrame, Frame, SideFrame, State, WAVE_COLUMNS, Warning, Wave,
};

/// What a page needs to know besides.
#[derive(Serialize)]
struct Settings {
    listening: bool,
    /// Columns of a waveform that are kept, and how long one is.
    columns: u64,
    column_millis: u64,
}

#[derive(Serialize)]
struct WholeOnWire<'a> {
    settings: Settings,
    #[serde(flatten)]
    frame: FrameOnWire<'a>,
}

#[derive(Serialize)]
struct FrameOnWire<'a> {
    now: i64,
    calls: Vec<CallOnWire<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<&'a str>,
}

#[derive(Serialize)]
struct CallOnWire<'a> {
    contact: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<AboutOnWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound_at: Option<i64>,
    customer: SideOnWire,
    operator: SideOnWire,
}

#[derive(Serialize)]
struct AboutOnWire<'a> {
    start: i64,
    label: Option<&'a str>,
    order: u64,
    customer: Option<&'a str>,
    system: Option<&'a str>,
    queue: Option<&'a str>,
    state: serde_json::Value,
    talking: Vec<&'static str>,
    warnings: Vec<serde_json::Value>,
    gaps: u64,
    gap_millis: u64,
    reconnects: u64,
    clipped: [u64; 2],
}

#[derive(Serialize)]
struct SideOnWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    spectrum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rms: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<WaveOnWire>,
}

#[derive(Serialize)]
struct WaveOnWire {
    first: u64,
    /// Bytes, two a column.
    columns: String,
}

/// What changed.
pub(super) fn frame(frame: &Frame) -> String {
    text(&frame_on_wire(frame))
}

/// All that there is.
pub(super) fn whole(frame: &Frame, listening: Listening) -> String {
    let settings = Settings {
        listening: listening == Listening::Allowed,
        columns: WAVE_COLUMNS,
        column_millis: COLUMN_SAMPLES * 1_000 / u64::from(SAMPLE_RATE),
    };
    text(&WholeOnWire {
        settings,
        frame: frame_on_wire(frame),
    })
}

/// Texts and numbers alone: there is nothing in them that could not be written.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn frame_on_wire(frame: &Frame) -> FrameOnWire<'_> {
    FrameOnWire {
        now: frame.now.0,
        calls: frame.calls.iter().map(call).collect(),
        gone: frame.gone.iter().map(|contact| &**contact).collect(),
    }
}

fn call(call: &CallFrame) -> CallOnWire<'_> {
    let [customer, operator] = call.sides.each_ref().map(side);
    CallOnWire {
        contact: &call.contact,
        about: call.about.as_ref().map(about),
        sound_at: call.sound_at.map(|at| at.0),
        customer,
        operator,
    }
}

fn about(about: &About) -> AboutOnWire<'_> {
    let talking = Direction::BOTH
        .into_iter()
        .filter(|direction| about.talking[direction.index()]);
    AboutOnWire {
        start: about.start.0,
        label: about.label.as_deref(),
        order: about.order,
        customer: about.customer.as_deref(),
        system: about.system.as_deref(),
        queue: about.queue.as_deref(),
        state: state(&about.state),
        talking: talking.map(name).collect(),
        warnings: about.warnings.iter().map(warning).collect(),
        gaps: about.tally.gaps,
        gap_millis: about.tally.gap_millis,
        reconnects: about.tally.reconnects,
        clipped: about.tally.clipped,
    }
}

fn state(state: &State) -> serde_json::Value {
    let at = |since: &EpochMillis| since.0;
    match state {
        State::Waiting => json!({"is": "waiting"}),
        State::Live => json!({"is": "live"}),
        State::Quiet { since } => json!({"is": "quiet", "since": at(since)}),
        State::Reconnecting { since, why } => {
            json!({"is": "reconnecting", "since": at(since), "why": why.name()})
        }
        State::Failed { cause } => json!({"is": "failed", "cause": cause}),
        State::Ended { why } => json!({"is": "ended", "why": why.name()}),
    }
}

fn warning(warning: &Warning) -> serde_json::Value {
    match warning {
        Warning::Silent { direction, since } => {
            json!({"is": "silent", "side": name(*direction), "since": since.0})
        }
        Warning::Clipping { direction } => json!({"is": "clipping", "side": name(*direction)}),
        Warning::Gap { direction, millis } => {
            json!({"is": "gap", "side": direction.map(name), "millis": millis})
        }
        Warning::Reconnected { why } => json!({"is": "reconnected", "why": why.name()}),
        Warning::Told(text) => json!({"is": "told", "text": text}),
    }
}

/// Whoever is on this side, as the page calls them.
const fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::FromCustomer => "customer",
        Direction::ToCustomer => "operator",
    }
}

fn side(side: &SideFrame) -> SideOnWire {
    SideOnWire {
        spectrum: side.spectrum.as_ref().map(|values| STANDARD.encode(values)),
        peak: side.level.map(|level| level.peak),
        rms: side.level.map(|level| level.rms),
        wave: side.wave.as_ref().map(wave),
    }
}

fn wave(wave: &Wave) -> WaveOnWire {
    let columns = wave.columns.iter().flatten();
    let bytes: Vec<u8> = columns.map(|step| step.cast_unsigned()).collect();
    WaveOnWire {
        first: wave.first,
        columns: STANDARD.encode(bytes),
    }
}
