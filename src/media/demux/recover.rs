//! What the demuxer does where an element is not what it says: it drops bytes up to where
//! reading can go on, and looks on the way for a document that starts there.

use super::ebml::{self, Kind};
use super::resync::{self, BEHIND_BYTES, Found};
use super::{Demuxer, End, Step, unreadable};
use crate::media::counts::in_memory;
use crate::media::fragment::{DamageKind, LeftOutReason};

const REACHES_ON: &str = "length reaches into the next fragment";

/// Whether a document starts inside of an element.
pub(super) enum Inside {
    No,
    /// How many bytes it lies behind the front.
    At(usize),
    /// More bytes are needed to tell.
    Unknown,
}

impl Demuxer {
    /// Drops what is stepped over, up to a document that starts in it.
    pub(super) fn step(&mut self, step: Step, end: End) -> bool {
        let limit = step.end.unwrap_or(u64::MAX);
        let came = self.base + self.input.len() as u64;
        let (until, found) = match self.magic.find(&self.input, self.base, self.base, limit) {
            Found::At(at) if at < limit => match self.is_document(at) {
                Some(true) => (at, true),
                None if end == End::NotYet => (at, false),
                None | Some(false) => {
                    self.magic.dismiss();
                    return true;
                }
            },
            Found::NotBefore(at) if at < limit && end == End::NotYet => (at, false),
            Found::At(_) | Found::NotBefore(_) => (came.min(limit), false),
        };
        if let Some((from, track, reason)) = step.audio {
            let bytes = until.saturating_sub(from.max(self.base));
            if let Some(draft) = &mut self.draft {
                draft.leave_out(track, reason, bytes);
            }
        }
        self.drop_front(in_memory(until - self.base));
        if found {
            if !step.told {
                self.note(step.start, unreadable(REACHES_ON));
            }
            self.begin_document();
        } else if Some(until) == step.end {
            self.step = None;
        } else if end == End::Reached && self.input.is_empty() {
            if step.end.is_some() {
                self.note(step.start, DamageKind::Truncated);
                self.open.clear();
            }
            self.step = None;
        } else {
            return false;
        }
        true
    }

    /// Whether a document starts inside of the element at the front, which is so long: a
    /// length with a flipped bit, or a document that broke off, swallows the next one.
    pub(super) fn document_inside(&mut self, length: usize, is_block: bool, end: End) -> Inside {
        let limit = self.base + length as u64;
        loop {
            let at = match self
                .magic
                .find(&self.input, self.base, self.base + 1, limit)
            {
                Found::At(at) if at < limit => at,
                Found::NotBefore(at) if at < limit && end == End::NotYet => return Inside::Unknown,
                Found::At(_) | Found::NotBefore(_) => return Inside::No,
            };
            let start = in_memory(at - self.base);
            let came = self.input.len();
            let starts = match self.is_document(at) {
                None if end == End::NotYet => return Inside::Unknown,
                None | Some(false) => false,
                Some(true) if !is_block => true,
                Some(true) if came < length + BEHIND_BYTES && end == End::NotYet => {
                    return Inside::Unknown;
                }
                Some(true) if came < length => true,
                Some(true) => !resync::is_whole_block(&self.input, start, length, &mut self.work),
            };
            if starts {
                return Inside::At(start);
            }
            self.magic.dismiss();
        }
    }

    fn is_document(&mut self, at: u64) -> Option<bool> {
        let start = in_memory(at - self.base);
        resync::is_document(&self.input[start..], &mut self.work)
    }

    /// The element at the front holds the start of a document, `start` bytes on: what came
    /// of it is told, and the document read.
    pub(super) fn swallowed(&mut self, start: usize) -> bool {
        if resync::may_start_document(&self.input[..start]) {
            self.close_draft(self.base);
        }
        self.leave_out_front(start);
        self.note(self.base, unreadable(REACHES_ON));
        self.drop_front(start);
        self.begin_document();
        true
    }

    /// More bytes are needed. When none can come, the body ends inside of the element at
    /// the front, and no document starts in what there is of it.
    pub(super) fn wait(&mut self, end: End) -> bool {
        if end == End::Reached && !self.input.is_empty() {
            if resync::may_start_document(&self.input) {
                // Its header did not come whole either: nothing of the fragment before is damaged.
                self.close_draft(self.base);
            }
            self.leave_out_front(self.input.len());
            self.note(self.base, DamageKind::Truncated);
            self.open.clear();
            self.drop_front(self.input.len());
        }
        false
    }

    /// Counts the audio of the element at the front, when it is a block of which so many
    /// bytes came.
    fn leave_out_front(&mut self, came: usize) {
        let head = ebml::read_head(&self.input[..came]);
        if let Ok(head) = head
            && Kind::of(head.id) == Kind::Block
            && let Some(draft) = &mut self.draft
        {
            let data = &self.input[head.length..came];
            draft.leave_out_block(data, LeftOutReason::Truncated);
        }
    }

    /// Notes the damage at the front, and drops all up to the next document.
    pub(super) fn break_off(&mut self, kind: DamageKind) -> bool {
        self.note(self.base, kind);
        self.open.clear();
        self.step = Some(Step {
            start: self.base,
            end: None,
            audio: Some((self.base, None, LeftOutReason::Unreadable)),
            told: true,
        });
        true
    }

    /// A document starts at the front, and nothing had said so.
    fn begin_document(&mut self) {
        self.close_draft(self.base);
        self.open.clear();
        self.step = None;
    }
}
