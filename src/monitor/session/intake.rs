//! What of a call's live media counts: bodies in, the call's own fragments out, each once and
//! whole, whatever the bodies are cut like.
//!
//! A fragment is whole when its trailing tags came, or the next document began; or when it came
//! twice alike, since nothing of it is missing then that could come. One that is not is held,
//! for the next body to bring it again; nobody sees it before. What came already is left out,
//! by its number, or, where it has none, as it stood behind the same number.
//!
//! Refuses what [`attribution`](crate::media::attribution) cannot prove to be the call's. An
//! untagged fragment of a session that another one follows before it named anybody is nobody's.

use std::cmp::Ordering;
use std::collections::VecDeque;

use crate::failure::KeyTrouble;
use crate::media::attribution::{Attribution, Claim, Refusal};
use crate::media::demux::{Demuxer, Document};
use crate::media::fragment::{
    ContactTag, Damage, ErrorDocument, Fragment, FragmentNumber, FragmentRange, SegmentUid,
};
use crate::media::ticks::MediaTime;

/// Unnumbered fragments behind a numbered one that are remembered; Connect's runs end with one.
const MAX_LOOSE: usize = 64;
/// How often a fragment is asked for that KVS answers by an error.
const MAX_ASKED_FOR: u32 = 4;
/// Media that names no upload session is of one.
const NO_SESSION: SegmentUid = SegmentUid([0; 16]);

/// What came of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A fragment of the call's, whole or as far as it will ever come.
    Own(Fragment),
    /// Another contact's media follows on the call's.
    Other(ContactTag),
    /// A fragment that may have been the call's, and nothing proves it.
    Unproven(Fragment, Refusal),
    /// KVS answers by an error in place of a fragment, so many times by now: it is to be asked again.
    Error(u32),
    /// It did so often enough, and this is given up; reading goes on behind it.
    Lost(ErrorDocument),
    /// KVS cannot decrypt what it has, which only a person can mend.
    Key(KeyTrouble, ErrorDocument),
    /// Bytes outside of any document.
    Stray(Damage),
}

/// Whether what was read of a fragment is known to be all of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Whole,
    Unknown,
}

/// One call's media, body after body.
pub(super) struct Intake {
    demuxer: Demuxer,
    attribution: Attribution,
    /// Not known to be whole.
    held: Option<Fragment>,
    /// The highest number that was taken, or given up.
    last: Option<FragmentNumber>,
    /// The unnumbered fragments behind it, by start and bytes.
    loose: VecDeque<(Option<MediaTime>, u64)>,
    /// Those of them that this body brings again.
    again: VecDeque<(Option<MediaTime>, u64)>,
    /// Where the recording is said to begin; what is untagged before it is nobody's.
    start: Option<FragmentNumber>,
    /// The session of the fragments that wait for a name.
    unnamed: Option<SegmentUid>,
    began: bool,
    /// New fragments of the call, or what may be, so far.
    news: u64,
    /// The fragment that KVS answers by an error, and how often since more of the call came.
    missing: Option<(Option<FragmentNumber>, u32)>,
    /// An error came in a fragment's place, and what follows it in this body does not count.
    halted: bool,
    taken: VecDeque<Taken>,
}

impl Intake {
    /// `start` is where the recording is said to begin; media up to `behind` came already.
    pub(super) fn new(
        contacts: Vec<Box<str>>,
        start: Option<FragmentNumber>,
        behind: Option<FragmentNumber>,
    ) -> Self {
        Self {
            demuxer: Demuxer::new(),
            // Which fragments come is asked for; whose they are is what must be proven.
            attribution: Attribution::new(Claim {
                range: FragmentRange::default(),
                contacts,
            }),
            held: None,
            last: behind,
            loose: VecDeque::new(),
            again: VecDeque::new(),
            start,
            unnamed: None,
            began: false,
            news: 0,
            missing: None,
            halted: false,
            taken: VecDeque::new(),
        }
    }

    /// After [`finish`](Self::finish), reads on behind all that came.
    pub(super) fn resume(&mut self, contacts: Vec<Box<str>>) {
        let loose = std::mem::take(&mut self.loose);
        *self = Self {
            loose,
            ..Self::new(contacts, self.start, self.last)
        };
    }

    /// The number behind which a next body has to begin.
    pub(super) fn last(&self) -> Option<FragmentNumber> {
        self.last
    }

    /// Whether a fragment of the call has come.
    pub(super) fn has_begun(&self) -> bool {
        self.began
    }

    /// Grows with each new fragment.
    pub(super) fn news(&self) -> u64 {
        self.news
    }

    /// Whether no fragment is half read.
    pub(super) fn is_between(&self) -> bool {
        self.demuxer.is_between()
    }

    /// A new body begins.
    pub(super) fn begin(&mut self) {
        self.demuxer = Demuxer::new();
        self.again = self.loose.clone();
        self.halted = false;
    }

    /// Takes the body's next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.demuxer.push(bytes);
        self.read();
        if self.demuxer.ends_named() {
            let ended = std::mem::take(&mut self.demuxer);
            self.read_rest(ended, Proof::Whole);
        }
    }

    /// The body is over, in whatever way.
    pub(super) fn end(&mut self) {
        let ended = std::mem::take(&mut self.demuxer);
        let proof = match ended.ends_whole() {
            true => Proof::Whole,
            false => Proof::Unknown,
        };
        self.read_rest(ended, proof);
    }

    /// Nothing more comes: what is held is as whole as it will ever be.
    pub(super) fn finish(&mut self) {
        self.end();
        if let Some(held) = self.held.take() {
            self.take(held);
        }
        self.attribution.finish();
        self.judge();
    }

    /// What the bodies so far gave.
    pub(super) fn next_taken(&mut self) -> Option<Taken> {
        self.taken.pop_front()
    }

    fn read(&mut self) {
        while let Some(document) = self.demuxer.next_document() {
            // The next document has begun behind it.
            self.accept(document, Proof::Whole);
        }
    }

    fn read_rest(&mut self, ended: Demuxer, proof: Proof) {
        let mut rest = ended.finish().peekable();
        while let Some(document) = rest.next() {
            let is_last = rest.peek().is_none();
            self.accept(document, if is_last { proof } else { Proof::Whole });
        }
    }

    fn accept(&mut self, document: Document, proof: Proof) {
        if self.halted {
            return;
        }
        let fragment = match document {
            Document::Fragment(fragment) => fragment,
            Document::Error(error) => return self.meet(error),
            Document::Stray(damage) => return self.taken.push_back(Taken::Stray(damage)),
        };
        let is_empty = fragment.blocks.is_empty() && fragment.left_out.is_empty();
        let has_no_block = fragment.blocks.is_empty() && proof == Proof::Unknown;
        if has_no_block || is_empty && fragment.number.is_none() {
            // The beginning of a fragment, or tags behind one. What broke off within its first
            // block has no time: it would not be known when it comes again.
            return;
        }
        if self.came_already(&fragment) {
            return;
        }
        if let Some(held) = self.held.take() {
            match same(&held, &fragment) {
                // It came before; as it comes now, it is no worse.
                true if bytes(&fragment) >= bytes(&held) => {
                    let is_alike = fragment.blocks == held.blocks && fragment.damage.is_empty();
                    if is_alike {
                        return self.take(fragment);
                    }
                }
                true => {
                    self.held = Some(held);
                    return;
                }
                false => self.take(held),
            }
        }
        match proof == Proof::Whole && fragment.damage.is_empty() {
            true => self.take(fragment),
            false => self.held = Some(fragment),
        }
    }

    /// An error has a number and no time, so that what broke off without a number may be the very
    /// fragment in whose place it stands: that is held for as long as it is asked for again.
    fn meet(&mut self, error: ErrorDocument) {
        if let (Some(number), Some(last)) = (error.number, self.last)
            && number <= last
        {
            return;
        }
        if let Some(trouble) = error.id.and_then(KeyTrouble::from_error_id) {
            self.halted = true;
            return self.taken.push_back(Taken::Key(trouble, error));
        }
        let asked = match self.missing {
            Some((number, asked)) if number == error.number => asked.saturating_add(1),
            _ => 1,
        };
        let is_lost = asked >= MAX_ASKED_FOR;
        let is_over = |held: &mut Fragment| match (held.number, error.number) {
            (Some(held), Some(missing)) => held < missing || is_lost && held == missing,
            (Some(_), None) => is_lost,
            // Behind others that came before, it is not the one that is given up.
            (None, Some(_)) => is_lost && self.again.is_empty(),
            (None, None) => false,
        };
        if let Some(held) = self.held.take_if(is_over) {
            self.take(held);
        }
        self.missing = Some((error.number, asked));
        self.halted = !is_lost;
        if is_lost && error.number.is_some() {
            // It may stand in the place of the first that came before and did not come now.
            self.again.pop_front();
            self.last = error.number;
            self.loose = self.again.clone();
        }
        match asked.cmp(&MAX_ASKED_FOR) {
            Ordering::Less => self.taken.push_back(Taken::Error(asked)),
            Ordering::Equal => self.taken.push_back(Taken::Lost(error)),
            Ordering::Greater => {}
        }
    }

    /// Whether the fragment was taken from a body before.
    fn came_already(&mut self, fragment: &Fragment) -> bool {
        if let Some(number) = fragment.number {
            return self.last.is_some_and(|last| number <= last);
        }
        let (start, came) = (fragment.start(), bytes(fragment));
        // What is shorter this time was cut off: it came whole before.
        let is_known = |known: &(Option<MediaTime>, u64)| {
            known.0 == start && (known.1 == came || start.is_some() && known.1 > came)
        };
        // They come in their order; those that did not come this time hold nothing up.
        let Some(at) = self.again.iter().position(is_known) else {
            return false;
        };
        self.again.drain(..=at);
        true
    }

    fn take(&mut self, mut fragment: Fragment) {
        match fragment.number {
            Some(number) => {
                self.last = Some(number);
                self.loose.clear();
                self.again.clear();
            }
            None if self.loose.len() < MAX_LOOSE => {
                self.loose.push_back((fragment.start(), bytes(&fragment)));
            }
            None => {}
        }
        let session = *fragment.session.get_or_insert(NO_SESSION);
        let is_untagged = fragment.contact == ContactTag::None;
        let is_before = |number| self.start.is_some_and(|start| number < start);
        if is_untagged && !self.began && fragment.number.is_some_and(is_before) {
            return;
        }
        if let Some(unnamed) = self.unnamed.take_if(|unnamed| *unnamed != session) {
            self.attribution.name(unnamed, ContactTag::None);
            self.judge();
        }
        self.unnamed = Some(session);
        self.attribution.push(fragment);
        self.judge();
    }

    fn judge(&mut self) {
        while let Some((fragment, judged)) = self.attribution.next_judged() {
            // A session that tells whose it is has a name from here on.
            if fragment.session == self.unnamed && fragment.contact != ContactTag::None {
                self.unnamed = None;
            }
            match judged {
                Ok(()) => {
                    self.began = true;
                    self.news += 1;
                    self.missing = None;
                    self.taken.push_back(Taken::Own(fragment));
                }
                Err(Refusal::Foreign) if self.began => {
                    self.taken.push_back(Taken::Other(fragment.contact));
                }
                // The stream's last caller.
                Err(Refusal::Foreign) => {}
                Err(refusal) => {
                    if self.began {
                        self.news += 1;
                    }
                    self.taken.push_back(Taken::Unproven(fragment, refusal));
                }
            }
        }
    }
}

/// How much audio came of a fragment.
fn bytes(fragment: &Fragment) -> u64 {
    let blocks = fragment.blocks.iter().map(|block| block.pcm.len() as u64);
    let left_out = fragment.left_out.iter().map(|left| left.bytes);
    blocks.chain(left_out).fold(0, u64::saturating_add)
}

/// Whether two readings are of one fragment.
fn same(held: &Fragment, again: &Fragment) -> bool {
    match (held.number, again.number) {
        (Some(one), Some(other)) => one == other,
        (None, None) => held.start() == again.start() && held.session == again.session,
        // One that broke off before its tags.
        (None, Some(_)) | (Some(_), None) => held.start() == again.start(),
    }
}
