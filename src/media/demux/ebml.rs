//! EBML (RFC 8794) as far as a fragment needs it: heads of elements, their values, and
//! what is done with which of Matroska's elements (RFC 9559).
//!
//! Which elements there are and where each may stand is `webm-iterable`'s word, whose
//! specification of Matroska this is the only user of. The bytes are read here: what an
//! element claims is looked at before any of it is buffered, so that each kind has its own
//! limit, what nobody needs is skipped as it comes, and nothing that was read is ever
//! given back to be read again. The tests hold both readings against each other.

use ebml_iterable::specs::{EbmlSpecification, PathPart};
use webm_iterable::matroska_spec::MatroskaSpec;

pub(super) mod id {
    //! Ids as they stand in the specification, their length marker included.
    pub(crate) const EBML: u32 = 0x1A45_DFA3;
    pub(crate) const DOC_TYPE: u32 = 0x4282;
    pub(crate) const SEGMENT: u32 = 0x1853_8067;
    pub(crate) const INFO: u32 = 0x1549_A966;
    pub(crate) const SEGMENT_UID: u32 = 0x73A4;
    pub(crate) const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
    pub(crate) const TRACKS: u32 = 0x1654_AE6B;
    pub(crate) const TRACK_ENTRY: u32 = 0xAE;
    pub(crate) const TRACK_NUMBER: u32 = 0xD7;
    pub(crate) const TRACK_UID: u32 = 0x73C5;
    pub(crate) const TRACK_TYPE: u32 = 0x83;
    pub(crate) const NAME: u32 = 0x536E;
    pub(crate) const CODEC_ID: u32 = 0x86;
    pub(crate) const CONTENT_ENCODINGS: u32 = 0x6D80;
    pub(crate) const AUDIO: u32 = 0xE1;
    pub(crate) const SAMPLING_FREQUENCY: u32 = 0xB5;
    pub(crate) const OUTPUT_SAMPLING_FREQUENCY: u32 = 0x78B5;
    pub(crate) const CHANNELS: u32 = 0x9F;
    pub(crate) const BIT_DEPTH: u32 = 0x6264;
    pub(crate) const TAGS: u32 = 0x1254_C367;
    pub(crate) const TAG: u32 = 0x7373;
    pub(crate) const TARGETS: u32 = 0x63C0;
    pub(crate) const TAG_TRACK_UID: u32 = 0x63C5;
    pub(crate) const SIMPLE_TAG: u32 = 0x67C8;
    pub(crate) const TAG_NAME: u32 = 0x45A3;
    pub(crate) const TAG_STRING: u32 = 0x4487;
    pub(crate) const CLUSTER: u32 = 0x1F43_B675;
    pub(crate) const TIMESTAMP: u32 = 0xE7;
    pub(crate) const SIMPLE_BLOCK: u32 = 0xA3;
    pub(crate) const BLOCK_GROUP: u32 = 0xA0;
    pub(crate) const BLOCK: u32 = 0xA1;
    pub(crate) const ENCRYPTED_BLOCK: u32 = 0xAF;
    pub(crate) const VOID: u32 = 0xEC;
}

/// What is done with an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Entered: its children are read.
    Master,
    Uint,
    Float,
    Text,
    /// SegmentUID.
    Uid,
    /// Audio behind a block's header.
    Block,
    /// Known, and nothing in it is needed.
    Known,
    /// Void, or no id that is known here.
    Unknown,
}

impl Kind {
    pub(super) fn of(element: u32) -> Self {
        use id::*;
        match element {
            SIMPLE_BLOCK | BLOCK | ENCRYPTED_BLOCK => Self::Block,
            EBML | SEGMENT | INFO | TRACKS | TRACK_ENTRY | AUDIO | TAGS | TAG | TARGETS
            | SIMPLE_TAG | CLUSTER | BLOCK_GROUP => Self::Master,
            TIMESTAMP | TIMESTAMP_SCALE | TRACK_NUMBER | TRACK_UID | TRACK_TYPE | CHANNELS
            | BIT_DEPTH | TAG_TRACK_UID => Self::Uint,
            SAMPLING_FREQUENCY | OUTPUT_SAMPLING_FREQUENCY => Self::Float,
            NAME | CODEC_ID | TAG_NAME | TAG_STRING => Self::Text,
            SEGMENT_UID => Self::Uid,
            VOID => Self::Unknown,
            other => match MatroskaSpec::get_tag_data_type(other.into()) {
                Some(_) => Self::Known,
                None => Self::Unknown,
            },
        }
    }
}

impl Kind {
    /// Whether the element is waited for as a whole, and taken.
    pub(super) fn is_read(self) -> bool {
        !matches!(self, Self::Master | Self::Known | Self::Unknown)
    }
}

/// The value of an element of no length (RFC 8794, 6.1; RFC 9559). Those without a
/// default say nothing by 0.
pub(super) fn default_of(element: u32) -> u64 {
    match element {
        id::TIMESTAMP_SCALE => 1_000_000,
        id::SAMPLING_FREQUENCY => 8_000,
        id::CHANNELS => 1,
        _ => 0,
    }
}

/// Where an element may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// EBML header or Segment.
    Root,
    /// Directly in the Segment.
    InSegment,
    /// Directly in a Cluster.
    InCluster,
    /// Void and CRC-32.
    Anywhere,
    /// Deeper, or not known.
    Elsewhere,
}

impl Place {
    pub(super) fn of(element: u32) -> Self {
        const SEGMENT: u64 = id::SEGMENT as u64;
        const CLUSTER: u64 = id::CLUSTER as u64;
        let element = u64::from(element);
        if MatroskaSpec::get_tag_data_type(element).is_none() {
            return Self::Elsewhere;
        }
        match MatroskaSpec::get_path_by_id(element) {
            [] => Self::Root,
            [PathPart::Id(SEGMENT)] => Self::InSegment,
            [PathPart::Id(SEGMENT), PathPart::Id(CLUSTER)] => Self::InCluster,
            [PathPart::Global(_)] => Self::Anywhere,
            _ => Self::Elsewhere,
        }
    }
}

/// Whether a master of this id may stand in one of that. Tags hold tags.
pub(super) fn holds(parent: u32, child: u32) -> bool {
    let path = MatroskaSpec::get_path_by_id(child.into());
    let named = path.iter().rev().find_map(|part| match part {
        PathPart::Id(id) => Some(*id),
        PathPart::Global(_) => None,
    });
    named == Some(parent.into()) || (child == id::SIMPLE_TAG && parent == id::SIMPLE_TAG)
}

/// The head of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub id: u32,
    /// `None`: it ends where its parent or the body does.
    pub size: Option<u64>,
    /// How long the head itself is.
    pub length: usize,
}

/// The longest head: an id of 4 bytes and a size of 8.
pub(super) const MAX_HEAD_BYTES: usize = 12;

/// Why bytes are no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHead {
    /// More bytes are needed to tell.
    Short,
    /// No id: longer than 4 bytes, or not in its shortest form.
    BadId,
    /// An id, with a size of more than 8 bytes behind it.
    BadSize(u32),
}

/// Reads the head at the front.
pub(super) fn read_head(bytes: &[u8]) -> Result<Head, NoHead> {
    let first = *bytes.first().ok_or(NoHead::Short)?;
    let zeros = first.leading_zeros();
    let width = zeros as usize + 1;
    if width > 4 {
        return Err(NoHead::BadId);
    }
    let field = bytes.get(..width).ok_or(NoHead::Short)?;
    let id = field.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    // Ids have one form only, the shortest; all zeros and all ones are none (RFC 8794, 5).
    let bits = 7 * (zeros + 1);
    let value = id & ((1 << bits) - 1);
    let least = if width == 1 { 1 } else { (1 << (bits - 7)) - 1 };
    if value < least || value == (1 << bits) - 1 {
        return Err(NoHead::BadId);
    }
    match read_size(&bytes[width..]) {
        Some(Ok((size, size_width))) => Ok(Head {
            id,
            size,
            length: width + size_width,
        }),
        Some(Err(())) => Err(NoHead::BadSize(id)),
        None => Err(NoHead::Short),
    }
}

/// A size, `None` when it says that it is unknown, and the width of its field. The outer
/// `None` asks for more bytes.
fn read_size(bytes: &[u8]) -> Option<Result<(Option<u64>, usize), ()>> {
    let first = *bytes.first()?;
    if first == 0 {
        return Some(Err(()));
    }
    let width = first.leading_zeros() as usize + 1;
    let field = bytes.get(..width)?;
    let all_ones = (1 << (7 * width)) - 1;
    let size = uint(field) & all_ones;
    Some(Ok(((size != all_ones).then_some(size), width)))
}

/// An unsigned value of up to 8 bytes.
pub(super) fn uint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// A float of 4 or 8 bytes.
pub(super) fn float(bytes: &[u8]) -> Option<f64> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(f64::from(f32::from_be_bytes(bytes)));
    }
    <[u8; 8]>::try_from(bytes).ok().map(f64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_every_width_and_none() {
        #[track_caller]
        fn check(bytes: &[u8], expected: Result<(u32, Option<u64>, usize), NoHead>) {
            let head = read_head(bytes).map(|head| (head.id, head.size, head.length));
            assert_eq!(head, expected);
        }
        check(&[0xA3, 0x81], Ok((id::SIMPLE_BLOCK, Some(1), 2)));
        check(&[0xA3, 0x40, 0x02, 9], Ok((id::SIMPLE_BLOCK, Some(2), 3)));
        check(&[0x42, 0x82, 0x88], Ok((id::DOC_TYPE, Some(8), 3)));
        check(
            &[
                0x18, 0x53, 0x80, 0x67, 0x01, 255, 255, 255, 255, 255, 255, 255,
            ],
            Ok((id::SEGMENT, None, 12)),
        );
        check(&[0xEC, 0xFF], Ok((id::VOID, None, 2)));
        check(&[0xEC, 0x80], Ok((id::VOID, Some(0), 2)));
        check(&[], Err(NoHead::Short));
        check(&[0x42], Err(NoHead::Short));
        check(&[0x42, 0x82], Err(NoHead::Short));
        check(&[0xA3, 0x40], Err(NoHead::Short));
        check(&[0x00, 0x81], Err(NoHead::BadId));
        check(&[0x08, 1, 1, 1, 1, 0x81], Err(NoHead::BadId));
        check(&[0x80, 0x81], Err(NoHead::BadId));
        check(&[0xFF, 0x81], Err(NoHead::BadId));
        check(&[0x7F, 0xFF, 0x81], Err(NoHead::BadId));
        // 0x23 fits into one byte.
        check(&[0x40, 0x23, 0x81], Err(NoHead::BadId));
        check(&[0x40, 0x7F, 0x81], Ok((0x407F, Some(1), 3)));
        check(&[0xA3, 0x00], Err(NoHead::BadSize(id::SIMPLE_BLOCK)));
    }

    #[test]
    fn elements_stand_where_the_specification_says() {
        #[track_caller]
        fn check(element: u32, kind: Kind, place: Place) {
            assert_eq!((Kind::of(element), Place::of(element)), (kind, place));
        }
        check(id::EBML, Kind::Master, Place::Root);
        check(id::SEGMENT, Kind::Master, Place::Root);
        check(id::CLUSTER, Kind::Master, Place::InSegment);
        check(0x1C53_BB6B, Kind::Known, Place::InSegment);
        check(id::SIMPLE_BLOCK, Kind::Block, Place::InCluster);
        check(0xA7, Kind::Known, Place::InCluster);
        check(id::SIMPLE_TAG, Kind::Master, Place::Elsewhere);
        check(id::VOID, Kind::Unknown, Place::Anywhere);
        check(0xBF, Kind::Known, Place::Anywhere);
        check(0x5F1E, Kind::Unknown, Place::Elsewhere);
    }

    #[test]
    fn floats_have_4_or_8_bytes() {
        assert_eq!(float(&8000_f32.to_be_bytes()), Some(8000.0));
        assert_eq!(float(&8000_f64.to_be_bytes()), Some(8000.0));
        assert_eq!(float(&[1, 2]), None);
    }
}
