//! The panels of the page: happenings of calls are folded into what people see of each call
//! in progress. Pure: the time comes in, frames go out.
//!
//! A panel holds some 10 KB, however long its call. What is masked here never reaches a
//! page, so that no page can show it.

mod frame;
mod side;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use frame::{About, CallFrame, Frame, Level, SideFrame, State, Tally, Warning, Wave};
pub use side::{COLUMN_SAMPLES, MOST_VALUES, NO_MEDIA, SPECTRUM_LIMIT, WAVE_COLUMNS};

use super::happening::{Began, Break, Happening, What};
use crate::media::fragment::{Block, Direction};
use crate::media::spectrum::Spectra;
use crate::media::ticks::{EpochMillis, MediaTime};
use side::Side;

/// A side that had no sound for so long while media came is told as silent: 20 s in samples.
const SILENT_SAMPLES: i64 = 160_000;
/// A jump of both sides that is no hold, in samples: within a second blocks of the two can
/// come in any order.
const HOLD_SAMPLES: i64 = 8_000;
/// The furthest that media jumps within one call, in samples: an hour. Beyond it the clock
/// is another one, and the waveform goes on where it was.
const MOST_JUMP: i64 = 28_800_000;
/// Fragments of a second come late by as much and more: only after this the call is told as
/// quiet.
const QUIET_MILLIS: i64 = 4_000;
/// Who talked is not told as talking any longer, when nothing came since.
const TALK_MILLIS: i64 = 2_500;
/// How long a warning of something that is over stays.
const WARNED_MILLIS: i64 = 30_000;
/// How long a panel stays after its call is over, to be seen going...
const ENDED_MILLIS: i64 = 2_000;
/// ...and after it failed, to be read.
const FAILED_MILLIS: i64 = 300_000;
/// The reader's own warnings that are kept at a time.
const MOST_TOLD: usize = 3;
/// The most characters of a text from outside.
const MOST_CHARS: usize = 200;

/// Whether telephone numbers are shown whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// Only the last digits are.
    #[default]
    Masked,
    /// They are, since somebody asked for it.
    Whole,
}

/// The panels, in the order of their calls' starts.
#[derive(Default)]
pub struct Panels {
    numbers: Numbers,
    spectra: Spectra,
    panels: Vec<Panel>,
    /// Panels that are gone, not told yet.
    gone: Vec<Arc<str>>,
    /// Panels there were so far.
    count: u64,
}

/// One call's.
struct Panel {
    contact: Arc<str>,
    about: About,
    /// What of it was told.
    told: Option<About>,
    sides: [Side; 2],
    /// The media's time at the waveform's column 0.
    origin: Option<MediaTime>,
    /// Where the call has come to on the media's clock.
    edge: Option<MediaTime>,
    /// When sound came last, and whether that was told.
    sound_at: Option<EpochMillis>,
    sound_is_new: bool,
    /// When each side was heard last.
    loud_at: [EpochMillis; 2],
    /// When each side was at full scale.
    clipped_at: [Option<EpochMillis>; 2],
    /// What is over, and is told for a while.
    passing: Vec<(EpochMillis, Warning)>,
    /// When the panel goes.
    goes_at: Option<EpochMillis>,
}

impl Panels {
    /// No panels yet.
    pub fn new(numbers: Numbers) -> Self {
        Self {
            numbers,
            ..Self::default()
        }
    }

    /// Takes what happened.
    pub fn push(&mut self, happening: &Happening) {
        let Happening { contact, at, what } = happening;
        match what {
            What::Began(began) => self.begin(contact, *at, began),
            What::Sound(block) => {
                let place = self.place_of(contact, *at);
                let (panels, spectra) = (&mut self.panels, &mut self.spectra);
                if let Some(panel) = panels.get_mut(place) {
                    panel.hear(block, *at, spectra);
                }
            }
            What::Gap { .. }
            | What::Reconnecting(_)
            | What::Warning(_)
            | What::Failed(_)
            | What::Ended(_) => {
                let place = self.place_of(contact, *at);
                if let Some(panel) = self.panels.get_mut(place) {
                    panel.note(what, *at);
                }
            }
        }
    }

    /// What changed since the last one; `None` when nothing did.
    pub fn next_frame(&mut self, now: EpochMillis) -> Option<Frame> {
        self.pass_time(now);
        let calls: Vec<_> = self
            .panels
            .iter_mut()
            .filter_map(Panel::next_frame)
            .collect();
        let gone = std::mem::take(&mut self.gone);
        (!calls.is_empty() || !gone.is_empty()).then_some(Frame { now, calls, gone })
    }

    /// All that there is to see, for a page that comes new. It does not count as told: others
    /// still get what is new with their next frame, and this one gets it twice, which shows the
    /// same.
    pub fn whole(&mut self, now: EpochMillis) -> Frame {
        self.pass_time(now);
        Frame {
            now,
            calls: self.panels.iter().map(Panel::whole).collect(),
            gone: Vec::new(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.panels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.panels.is_empty()
    }

    /// Whether a call is on the page and goes on.
    pub fn is_in_progress(&self, contact: &str) -> bool {
        let mut panels = self.panels.iter();
        panels.any(|panel| *panel.contact == *contact && panel.goes_at.is_none())
    }

    fn begin(&mut self, contact: &Arc<str>, at: EpochMillis, began: &Began) {
        let known = self
            .panels
            .iter()
            .position(|panel| panel.contact == *contact);
        // One that ended and comes again is another panel.
        let place = match known {
            Some(place) if self.panels[place].goes_at.is_some() => {
                self.panels.remove(place);
                self.add(contact, began.start.unwrap_or(at), at)
            }
            Some(place) => place,
            None => self.add(contact, began.start.unwrap_or(at), at),
        };
        let numbers = self.numbers;
        if let Some(panel) = self.panels.get_mut(place) {
            let about = &mut panel.about;
            let text = |text: &Option<String>| text.as_deref().map(cut);
            let number = |number: &Option<String>| number.as_deref().map(|it| shown(it, numbers));
            about.label = text(&began.label).or(about.label.take());
            about.customer = number(&began.customer).or(about.customer.take());
            about.system = number(&began.system).or(about.system.take());
            about.queue = text(&began.queue).or(about.queue.take());
        }
    }

    /// Where the call's panel stands; one that nobody announced gets one now.
    fn place_of(&mut self, contact: &Arc<str>, at: EpochMillis) -> usize {
        let known = self
            .panels
            .iter()
            .position(|panel| panel.contact == *contact);
        known.unwrap_or_else(|| self.add(contact, at, at))
    }

    fn add(&mut self, contact: &Arc<str>, start: EpochMillis, at: EpochMillis) -> usize {
        let order = self.count;
        self.count += 1;
        let place = self
            .panels
            .partition_point(|panel| panel.about.start <= start);
        self.panels
            .insert(place, Panel::new(contact, start, order, at));
        place
    }

    fn pass_time(&mut self, now: EpochMillis) {
        let gone = &mut self.gone;
        self.panels.retain_mut(|panel| {
            let stays = panel.goes_at.is_none_or(|at| now < at);
            if stays {
                panel.pass_time(now);
            } else {
                gone.push(panel.contact.clone());
            }
            stays
        });
    }
}

impl Panel {
    fn new(contact: &Arc<str>, start: EpochMillis, order: u64, at: EpochMillis) -> Self {
        Self {
            contact: contact.clone(),
            about: About {
                start,
                label: None,
                order,
                customer: None,
                system: None,
                queue: None,
                state: State::Waiting,
                talking: [false; 2],
                warnings: Vec::new(),
                tally: Tally::default(),
            },
            told: None,
            sides: Default::default(),
            origin: None,
            edge: None,
            sound_at: None,
            sound_is_new: false,
            loud_at: [at; 2],
            clipped_at: [None; 2],
            passing: Vec::new(),
            goes_at: None,
        }
    }

    fn hear(&mut self, block: &Block, at: EpochMillis, spectra: &mut Spectra) {
        if self.goes_at.is_some() {
            return;
        }
        let (pairs, _) = block.pcm.as_chunks::<2>();
        let samples: Vec<i16> = pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        if samples.is_empty() {
            return;
        }
        let index = block.direction.index();
        let place = self.place(block.start);
        let clipped = self.sides[index].push(&samples, block.start, place, spectra);
        let end = self.sides[index].end;
        self.edge = self.edge.max(end);
        if self.sides[index].loud == end {
            self.loud_at[index] = at;
        }
        if clipped > 0 {
            self.about.tally.clipped[index] += clipped;
            self.clipped_at[index] = Some(at);
        }
        if let State::Reconnecting { why, .. } = self.about.state {
            // What went as planned is no warning.
            if why != Break::Planned {
                self.passing.push((at, Warning::Reconnected { why }));
            }
        }
        self.about.state = State::Live;
        self.sound_at = Some(at);
        self.sound_is_new = true;
    }

    /// Where the block stands on the call's own clock, in samples. A hold is no silence of a
    /// side; media on another clock goes on where the call had come to.
    fn place(&mut self, start: MediaTime) -> u64 {
        let origin = *self.origin.get_or_insert(start);
        if let Some(edge) = self.edge {
            let jump = start.samples_since(edge);
            if jump.abs() > MOST_JUMP {
                self.origin = Some(origin.moved_by(jump));
                for side in &mut self.sides {
                    side.move_by(jump, origin);
                }
                self.edge = Some(start);
            } else if jump > HOLD_SAMPLES {
                for side in &mut self.sides {
                    side.move_loud_by(jump, origin);
                }
            }
        }
        let origin = self.origin.unwrap_or(start);
        u64::try_from(start.samples_since(origin)).unwrap_or(0)
    }

    /// Takes what is no sound.
    fn note(&mut self, what: &What, at: EpochMillis) {
        if self.goes_at.is_some() && !matches!(what, What::Ended(_)) {
            return;
        }
        let tally = &mut self.about.tally;
        match what {
            What::Gap { direction, millis } => {
                tally.gaps += 1;
                tally.gap_millis = tally.gap_millis.saturating_add(*millis);
                let (direction, millis) = (*direction, *millis);
                self.pass(at, Warning::Gap { direction, millis });
            }
            What::Reconnecting(why) => {
                tally.reconnects += 1;
                // One that fails and is tried again has been going on since the first.
                let since = match self.about.state {
                    State::Reconnecting { since, .. } => since,
                    State::Waiting
                    | State::Live
                    | State::Quiet { .. }
                    | State::Failed { .. }
                    | State::Ended { .. } => at,
                };
                self.about.state = State::Reconnecting { since, why: *why };
            }
            What::Warning(text) => {
                let is_told = |(_, warning): &(_, Warning)| matches!(warning, Warning::Told(_));
                if self.passing.iter().filter(|it| is_told(it)).count() >= MOST_TOLD
                    && let Some(oldest) = self.passing.iter().position(is_told)
                {
                    self.passing.remove(oldest);
                }
                self.pass(at, Warning::Told(cut(text)));
            }
            What::Failed(cause) => {
                self.about.state = State::Failed { cause: cut(cause) };
                self.goes_at = Some(EpochMillis(at.0.saturating_add(FAILED_MILLIS)));
            }
            What::Ended(why) => {
                let failed = matches!(self.about.state, State::Failed { .. });
                // Why it failed is what people have to read.
                if !failed {
                    self.about.state = State::Ended { why: *why };
                    self.goes_at = Some(EpochMillis(at.0.saturating_add(ENDED_MILLIS)));
                }
            }
            What::Began(_) | What::Sound(_) => {}
        }
    }

    /// A warning of something that is over; of one kind the last one stays.
    fn pass(&mut self, at: EpochMillis, warning: Warning) {
        let kind = std::mem::discriminant(&warning);
        let is_told = matches!(warning, Warning::Told(_));
        self.passing
            .retain(|(_, other)| is_told || std::mem::discriminant(other) != kind);
        self.passing.push((at, warning));
    }

    fn pass_time(&mut self, now: EpochMillis) {
        let since = |at: EpochMillis| now.0.saturating_sub(at.0);
        let is_over = self.goes_at.is_some();
        if let (State::Live, Some(at)) = (&self.about.state, self.sound_at)
            && since(at) >= QUIET_MILLIS
        {
            self.about.state = State::Quiet { since: at };
        }
        self.passing.retain(|(at, _)| since(*at) < WARNED_MILLIS);
        let comes = !is_over && self.sound_at.is_some_and(|at| since(at) < TALK_MILLIS);
        let is_live = self.about.state == State::Live;
        let mut warnings = Vec::new();
        for direction in Direction::BOTH {
            let index = direction.index();
            let side = &self.sides[index];
            self.about.talking[index] = comes && self.edge.is_some_and(|edge| side.talks(edge));
            let silent = match (self.edge, side.loud.or(self.origin)) {
                (Some(edge), Some(loud)) => edge.samples_since(loud) >= SILENT_SAMPLES,
                (None, _) | (_, None) => false,
            };
            if silent && is_live {
                let since = self.loud_at[index];
                warnings.push(Warning::Silent { direction, since });
            }
            if self.clipped_at[index].is_some_and(|at| since(at) < WARNED_MILLIS) && !is_over {
                warnings.push(Warning::Clipping { direction });
            }
        }
        if !is_over {
            warnings.extend(self.passing.iter().map(|(_, warning)| warning.clone()));
        }
        self.about.warnings = warnings;
    }

    fn next_frame(&mut self) -> Option<CallFrame> {
        let about = (self.told.as_ref() != Some(&self.about)).then(|| self.about.clone());
        if about.is_some() {
            self.told.clone_from(&about);
        }
        let sound_at = self.sound_at.filter(|_| self.sound_is_new);
        self.sound_is_new = false;
        (about.is_some() || sound_at.is_some()).then(|| CallFrame {
            contact: self.contact.clone(),
            about,
            sides: self.sides.each_mut().map(Side::next_frame),
            sound_at,
        })
    }

    fn whole(&self) -> CallFrame {
        CallFrame {
            contact: self.contact.clone(),
            about: Some(self.about.clone()),
            sides: self.sides.each_ref().map(Side::whole),
            sound_at: self.sound_at,
        }
    }
}

/// A number as it is shown: of a masked one the last three characters, or fewer, so that at
/// least as many stay hidden.
fn shown(number: &str, numbers: Numbers) -> String {
    let number = cut(number);
    match numbers {
        Numbers::Whole => number,
        Numbers::Masked => {
            let count = number.chars().count();
            let hidden = count - 3.min(count / 2);
            let letters = number.chars().enumerate();
            letters
                .map(|(place, letter)| if place < hidden { '•' } else { letter })
                .collect()
        }
    }
}

/// Text from outside without control characters, and not too long.
fn cut(text: &str) -> String {
    let plain = text.chars().map(|letter| match letter.is_control() {
        true => ' ',
        false => letter,
    });
    let mut plain: String = plain.take(MOST_CHARS + 1).collect();
    if let Some((place, _)) = plain.char_indices().nth(MOST_CHARS) {
        plain.truncate(place);
        plain.push('…');
    }
    plain
}
