//! The words between [`demux`](crate::media::demux) and [`timeline`](crate::media::timeline): what a
//! fragment is, whose it says it is, and what in it was damaged. Holds no logic beyond
//! reading and ordering those words.

mod damage;
mod left_out;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use bytes::Bytes;

use crate::media::ticks::{EpochMillis, MediaTime};
pub use damage::{Damage, DamageKind};
pub use left_out::{LeftOut, LeftOutReason};

/// Which way the audio of a track went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// What the customer says (track `AUDIO_FROM_CUSTOMER`).
    FromCustomer,
    /// What the customer hears (track `AUDIO_TO_CUSTOMER`).
    ToCustomer,
}

impl Direction {
    /// Both directions, in the order of the stereo channels: left, right.
    pub const BOTH: [Self; 2] = [Self::FromCustomer, Self::ToCustomer];

    /// Known by the track's name only: numbers change, and the `AUDIO_*` tags are
    /// unreliable: they name both directions in every fragment.
    /// Streams of 2019 carry one track, `Track_audio/L16`, which is the customer.
    pub fn from_track_name(name: &str) -> Option<Self> {
        match name {
            "AUDIO_FROM_CUSTOMER" | "Track_audio/L16" => Some(Self::FromCustomer),
            "AUDIO_TO_CUSTOMER" => Some(Self::ToCustomer),
            _ => None,
        }
    }

    /// Position in a pair that holds one thing for each direction.
    pub const fn index(self) -> usize {
        match self {
            Self::FromCustomer => 0,
            Self::ToCustomer => 1,
        }
    }

    /// `from` or `to`, as in file names, tables and the verdict.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FromCustomer => "from",
            Self::ToCustomer => "to",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fragment's number: decimal text of about 47 digits that overflows `u128`.
///
/// Held as its length and packed digits, so that the derived order is the right one:
/// by length, then digit by digit. Up to [`FragmentNumber::MAX_DIGITS`] digits; KVS
/// numbers are below 2^157 by their make, which is 48 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FragmentNumber {
    digits: u8,
    packed: [u8; 31],
}

/// Why a text is no fragment number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FragmentNumberError {
    /// Empty, or a character that is no decimal digit.
    #[error("a fragment number is decimal digits only")]
    NotDecimal,
    /// More than [`FragmentNumber::MAX_DIGITS`] digits.
    #[error("a fragment number has at most 62 digits, this one {0}")]
    TooLong(usize),
}

impl FragmentNumber {
    /// The most digits that are held.
    pub const MAX_DIGITS: usize = 62;

    /// The lowest number.
    pub const ZERO: Self = Self {
        digits: 1,
        packed: [0; 31],
    };

    /// The number after this one. Callreel names a fragment that carries no number
    /// after its predecessor in a file; KVS never gives two numbers so close.
    pub fn successor(self) -> Self {
        let mut next = self;
        for place in (0..usize::from(self.digits)).rev() {
            let (byte, shift) = (place / 2, if place.is_multiple_of(2) { 4 } else { 0 });
            let digit = (next.packed[byte] >> shift) & 0xf;
            let kept = next.packed[byte] & !(0xf << shift);
            if digit < 9 {
                next.packed[byte] = kept | ((digit + 1) << shift);
                return next;
            }
            next.packed[byte] = kept;
        }
        // All nines: one digit more, saturating at the longest number.
        if usize::from(self.digits) == Self::MAX_DIGITS {
            return self;
        }
        next.packed[0] |= 0x10;
        next.digits += 1;
        next
    }

    /// The server time that KVS works into its numbers: `((2^64 + counter) << 92) |
    /// (server_ms << 28) | noise`. Nowhere documented, yet true of every number seen: a
    /// hint, to be checked for plausibility. `None` when the number is not of that make.
    pub fn hinted_server_time(self) -> Option<EpochMillis> {
        let (_, low) = self.halves()?;
        i64::try_from((low & ((1 << 92) - 1)) >> 28)
            .ok()
            .map(EpochMillis)
    }

    /// The stream's count of fragments, which KVS works into its numbers as well; a hint of
    /// the same kind.
    pub fn hinted_counter(self) -> Option<u64> {
        let (high, low) = self.halves()?;
        u64::try_from((high << 36) | (low >> 92)).ok()
    }

    /// The number without its leading bit 156, which every number seen has: the 28 bits
    /// above the lowest 128, and those.
    fn halves(self) -> Option<(u128, u128)> {
        // 2^156 to 2^157 has 47 or 48 digits.
        if !(47..=48).contains(&self.digits) {
            return None;
        }
        const LOW: u128 = u64::MAX as u128;
        let (mut high, mut low) = (0_u128, 0_u128);
        for place in 0..usize::from(self.digits) {
            let lower = (low & LOW) * 10 + u128::from(self.digit(place));
            let upper = (low >> 64) * 10 + (lower >> 64);
            low = (upper & LOW) << 64 | (lower & LOW);
            high = high * 10 + (upper >> 64);
        }
        (high >> 28 == 1).then_some((high & ((1 << 28) - 1), low))
    }

    fn digit(&self, place: usize) -> u8 {
        let byte = self.packed[place / 2];
        if place.is_multiple_of(2) {
            byte >> 4
        } else {
            byte & 0xf
        }
    }
}

impl FromStr for FragmentNumber {
    type Err = FragmentNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FragmentNumberError::NotDecimal);
        }
        if text.len() > Self::MAX_DIGITS {
            return Err(FragmentNumberError::TooLong(text.len()));
        }
        let length = text.len();
        let digits = u8::try_from(length).map_err(|_| FragmentNumberError::TooLong(length))?;
        let mut packed = [0; 31];
        for (place, digit) in text.bytes().enumerate() {
            packed[place / 2] |= (digit - b'0') << if place.is_multiple_of(2) { 4 } else { 0 };
        }
        Ok(Self { digits, packed })
    }
}

impl fmt::Display for FragmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; Self::MAX_DIGITS];
        let length = usize::from(self.digits);
        for (place, out) in text.iter_mut().enumerate().take(length) {
            *out = b'0' + self.digit(place);
        }
        f.pad(std::str::from_utf8(&text[..length]).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for FragmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FragmentNumber({self})")
    }
}

/// The fragments that a contact record names: from its start to its stop number, both
/// included. A number that the record does not give is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentRange {
    /// `FragmentStartNumber`.
    pub start: Option<FragmentNumber>,
    /// `FragmentStopNumber`; the stop fragment belongs to the recording.
    pub stop: Option<FragmentNumber>,
}

impl FragmentRange {
    /// Whether a number lies in the range.
    pub fn contains(&self, number: FragmentNumber) -> bool {
        self.start.is_none_or(|start| start <= number)
            && self.stop.is_none_or(|stop| number <= stop)
    }

    /// Whether there is no bound at all: every fragment is asked only whose it is.
    pub fn is_unbounded(&self) -> bool {
        self.start.is_none() && self.stop.is_none()
    }
}

/// The SegmentUID of a fragment: the upload session that wrote it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentUid(pub [u8; 16]);

impl fmt::Display for SegmentUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SegmentUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentUid({self})")
    }
}

/// Whose a fragment says it is, once its whole document has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContactTag {
    /// No `ContactId` tag: to be inherited within the upload session, or refused.
    #[default]
    None,
    /// One contact, however often it was named.
    One(Box<str>),
    /// Several contacts, as at the hand-over from one leg to the next: a call's if all of
    /// them are.
    Several(Vec<Box<str>>),
    /// More contacts than a call has legs next to each other: nobody's.
    Conflicting,
}

/// The most contacts that a fragment can name and still be somebody's.
const MAX_CONTACTS: usize = 8;

impl ContactTag {
    /// Takes in one more `ContactId` tag of the same document.
    pub fn add(&mut self, id: &str) {
        let is_new = |named: &[Box<str>]| named.iter().all(|seen| !seen.eq_ignore_ascii_case(id));
        *self = match std::mem::take(self) {
            Self::None => Self::One(id.into()),
            Self::One(seen) if seen.eq_ignore_ascii_case(id) => Self::One(seen),
            Self::One(seen) => Self::Several(vec![seen, id.into()]),
            Self::Several(mut named) if is_new(&named) => {
                named.push(id.into());
                match named.len() > MAX_CONTACTS {
                    true => Self::Conflicting,
                    false => Self::Several(named),
                }
            }
            Self::Several(named) => Self::Several(named),
            Self::Conflicting => Self::Conflicting,
        };
    }
}

/// One SimpleBlock or BlockGroup of a known direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Which way the audio went.
    pub direction: Direction,
    /// When the block's first sample was taken.
    pub start: MediaTime,
    /// 16-bit signed little-endian mono samples at 8 kHz. An odd number of bytes is half a
    /// sample more: it was cut between two blocks of a run, and the other half begins the
    /// direction's next block.
    pub pcm: Bytes,
}

impl Block {
    /// How many whole samples the block holds.
    pub fn samples(&self) -> u64 {
        self.pcm.len() as u64 / 2
    }
}

/// One fragment: the whole of one EBML document, or some Clusters of a call that was
/// merged into one.
///
/// The kernel's rule: every audio byte of a block that came in a fragment is in its
/// `blocks`, or is counted in `left_out` under a reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// `AWS_KINESISVIDEO_FRAGMENT_NUMBER`; a run's last fragment can lack every tag.
    pub number: Option<FragmentNumber>,
    /// Whose audio it says it is.
    pub contact: ContactTag,
    /// The upload session.
    pub session: Option<SegmentUid>,
    /// When KVS got it.
    pub server_time: Option<EpochMillis>,
    /// When Connect made it, on Connect's clock.
    pub producer_time: Option<EpochMillis>,
    /// The time of its Cluster, which the server's time goes with; blocks can start later.
    pub cluster_time: Option<MediaTime>,
    /// The names and numbers of the tracks, as declared.
    pub tracks: Vec<(u64, Box<str>)>,
    /// The audio, in the order of the document.
    pub blocks: Vec<Block>,
    /// What could not be read of it.
    pub damage: Vec<Damage>,
    /// The audio that came and is not in `blocks`: one entry for each direction and reason,
    /// none of 0 bytes.
    pub left_out: Vec<LeftOut>,
    /// Where the fragment starts in the body, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
    /// Where in the body the header lies that it needs, EBML header to Tracks, when it does
    /// not begin with one: a part of a call that was merged into one Segment.
    pub header: Option<Range<u64>>,
}

impl Fragment {
    /// The earliest block time, of either direction.
    pub fn start(&self) -> Option<MediaTime> {
        self.blocks.iter().map(|block| block.start).min()
    }

    /// Whether it broke off before its number and its audio: damage, of nobody knows what.
    pub fn is_stump(&self) -> bool {
        let has_audio = !(self.blocks.is_empty() && self.left_out.is_empty());
        self.number.is_none() && !has_audio && !self.damage.is_empty()
    }

    /// Counts audio that came and is not among the blocks.
    pub fn leave_out(&mut self, direction: Option<Direction>, reason: LeftOutReason, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let mut counted = self.left_out.iter_mut();
        match counted.find(|left| (left.direction, left.reason) == (direction, reason)) {
            Some(left) => left.bytes = left.bytes.saturating_add(bytes),
            None => self.left_out.push(LeftOut {
                direction,
                reason,
                bytes,
            }),
        }
    }
}

/// What KVS answers in place of a fragment that it cannot give: a document with tags
/// and no Cluster, under HTTP 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDocument {
    /// The fragment that was asked for, when the document names it.
    pub number: Option<FragmentNumber>,
    /// `AWS_KINESISVIDEO_ERROR_ID`: 3000 not found, 4500-4506 KMS, 5000 internal …
    pub id: Option<u32>,
    /// `AWS_KINESISVIDEO_ERROR_CODE`, for people.
    pub code: Box<str>,
    /// Where the document starts in the body, in bytes.
    pub offset: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> FragmentNumber {
        text.parse().unwrap()
    }

    #[test]
    fn the_server_time_in_a_number_is_a_hint() {
        #[track_caller]
        fn check(text: &str, millis: Option<i64>) {
            assert_eq!(
                number(text).hinted_server_time(),
                millis.map(EpochMillis),
                "{text}"
            );
        }
        check(
            "91343852333181432392682062674355612161981134188",
            Some(1_759_999_999_157),
        );
        check(
            "91343852333181437433573902644424099144548815532",
            Some(1_760_000_027_445),
        );
        check("7", None);
        check(&"9".repeat(48), None);
        check(&"9".repeat(49), None);
    }

    #[test]
    fn the_counter_in_a_number_is_a_hint() {
        let counter = |text: &str| number(text).hinted_counter();
        assert_eq!(
            counter("91343852333181432392682062674355612161981134188"),
            Some(1)
        );
        assert_eq!(
            counter("91343852333181437433573902644424099144548815532"),
            Some(1_019)
        );
        assert_eq!(counter("7"), None);
    }

    #[test]
    fn numbers_are_decimal_and_bounded() {
        #[track_caller]
        fn check(text: &str, error: FragmentNumberError) {
            assert_eq!(text.parse::<FragmentNumber>(), Err(error));
        }
        check("", FragmentNumberError::NotDecimal);
        check("12a", FragmentNumberError::NotDecimal);
        check("-1", FragmentNumberError::NotDecimal);
        check("٣", FragmentNumberError::NotDecimal);
        check(&"9".repeat(63), FragmentNumberError::TooLong(63));
        assert_eq!(number(&"9".repeat(62)).to_string(), "9".repeat(62));
    }

    #[test]
    fn successor_carries() {
        #[track_caller]
        fn check(before: &str, after: &str) {
            assert_eq!(number(before).successor().to_string(), after);
        }
        check("0", "1");
        check("19", "20");
        check("129", "130");
        check("999", "1000");
        check(
            "91343852333181432392682062674355612161981134199",
            "91343852333181432392682062674355612161981134200",
        );
        check(&"9".repeat(62), &"9".repeat(62));
    }

    proptest! {
        #[test]
        fn order_is_by_length_then_digits(a in "[1-9][0-9]{0,61}", b in "[1-9][0-9]{0,61}") {
            let expected = (a.len(), &a).cmp(&(b.len(), &b));
            prop_assert_eq!(number(&a).cmp(&number(&b)), expected);
            prop_assert_eq!(number(&a).to_string(), a.clone());
            prop_assert!(number(&a).successor() > number(&a) || a.bytes().all(|d| d == b'9'));
        }
    }

    #[test]
    fn a_document_can_name_several_contacts() {
        let mut tag = ContactTag::default();
        tag.add("a");
        tag.add("A");
        assert_eq!(tag, ContactTag::One("a".into()));
        tag.add("b");
        tag.add("a");
        assert_eq!(tag, ContactTag::Several(vec!["a".into(), "b".into()]));
        ('c'..='i').for_each(|id| tag.add(&id.to_string()));
        assert_eq!(tag, ContactTag::Conflicting);
    }
}
