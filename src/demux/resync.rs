//! Finding the way back after damage: where the next document starts, and how to step
//! over one bad element without losing the decoder's count of bytes.

use bytes::BytesMut;

const EBML_MAGIC: [u8; 4] = [0x1A, 0x45, 0xDF, 0xA3];
const SEGMENT_ID: [u8; 4] = [0x18, 0x53, 0x80, 0x67];
/// An EBML header longer than this is none; those of KVS have 40 bytes.
const MAX_EBML_HEADER_BYTES: usize = 1_024;
const VOID_ID: u8 = 0xEC;

/// The outcome of a search.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A document starts here.
    At(usize),
    /// None starts before here; from here on more bytes are needed.
    NotBefore(usize),
}

/// Looks for an EBML header that names Matroska and has a Segment behind it. The four
/// magic bytes alone prove nothing: audio can hold them.
pub(super) fn find_document(bytes: &[u8]) -> Found {
    let mut from = 0;
    while let Some(offset) = find(&bytes[from..], &EBML_MAGIC) {
        let start = from + offset;
        match is_document(&bytes[start..]) {
            Some(true) => return Found::At(start),
            Some(false) => from = start + 1,
            None => return Found::NotBefore(start),
        }
    }
    Found::NotBefore(from.max(bytes.len().saturating_sub(EBML_MAGIC.len() - 1)))
}

/// Whether the few bytes left at a body's end are the start of one more document.
pub(super) fn may_start_document(bytes: &[u8]) -> bool {
    let compared = bytes.len().min(EBML_MAGIC.len());
    compared > 0 && bytes[..compared] == EBML_MAGIC[..compared]
}

/// `None` when the bytes end before it can be told.
fn is_document(bytes: &[u8]) -> Option<bool> {
    let (size, width) = match read_size(&bytes[EBML_MAGIC.len()..]) {
        SizeField::Known(size, width) => (size, width),
        SizeField::Unknown | SizeField::Bad => return Some(false),
        SizeField::Short => return None,
    };
    let Some(size) = usize::try_from(size)
        .ok()
        .filter(|size| *size <= MAX_EBML_HEADER_BYTES)
    else {
        return Some(false);
    };
    let body = EBML_MAGIC.len() + width;
    let header = bytes.get(body..body + size)?;
    let next = bytes.get(body + size..body + size + SEGMENT_ID.len())?;
    let named = find(header, b"matroska")
        .or_else(|| find(header, b"webm"))
        .is_some();
    Some(named && next == SEGMENT_ID)
}

/// Turns the element at the front into a Void of the same length, so that the decoder
/// steps over it and keeps its count. False when it is longer than `limit` or unsized.
pub(super) fn void_front(input: &mut BytesMut, limit: usize) -> bool {
    let Some(first) = input.first().copied().filter(|first| *first != 0) else {
        return false;
    };
    let id_width = first.leading_zeros() as usize + 1;
    let SizeField::Known(size, size_width) = read_size(input.get(id_width..).unwrap_or_default())
    else {
        return false;
    };
    let width = id_width + size_width - 1;
    if size > limit as u64 || width > 8 || (input[0] == VOID_ID && id_width == 1) {
        return false;
    }
    input[0] = VOID_ID;
    let field = size | 1 << (7 * width);
    input[1..=width].copy_from_slice(&field.to_be_bytes()[8 - width..]);
    true
}

enum SizeField {
    /// The size and the width of its field in bytes.
    Known(u64, usize),
    Unknown,
    Bad,
    Short,
}

fn read_size(bytes: &[u8]) -> SizeField {
    let Some(first) = bytes.first() else {
        return SizeField::Short;
    };
    if *first == 0 {
        return SizeField::Bad;
    }
    let width = first.leading_zeros() as usize + 1;
    let Some(field) = bytes.get(..width) else {
        return SizeField::Short;
    };
    let value = field
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    let all_ones = (1 << (7 * width)) - 1;
    match value & all_ones {
        size if size == all_ones => SizeField::Unknown,
        size => SizeField::Known(size, width),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(offset) = haystack.get(from..)?.iter().position(|byte| *byte == first) {
        if haystack[from + offset..].starts_with(needle) {
            return Some(from + offset);
        }
        from += offset + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\x1A\x45\xDF\xA3\x8b\x42\x82\x88matroska\x18\x53\x80\x67";

    #[test]
    fn a_document_is_more_than_its_magic() {
        #[track_caller]
        fn check(bytes: &[u8], found: Found) {
            assert_eq!(find_document(bytes), found);
        }
        check(HEADER, Found::At(0));
        check(&[b"abc", HEADER].concat(), Found::At(3));
        check(&[&EBML_MAGIC[..], HEADER].concat(), Found::At(4));
        check(
            &[&EBML_MAGIC[..], &[0x88; 40]].concat(),
            Found::NotBefore(41),
        );
        check(&HEADER[..HEADER.len() - 1], Found::NotBefore(0));
        check(&EBML_MAGIC[..3], Found::NotBefore(0));
        check(b"", Found::NotBefore(0));
    }

    #[test]
    fn a_voided_element_keeps_its_length() {
        let mut input = BytesMut::from(&b"\x44\x87\x83abcrest"[..]);
        assert!(void_front(&mut input, 100));
        assert_eq!(&input[..], b"\xEC\x40\x03abcrest");
        assert!(
            !void_front(&mut input, 100),
            "a Void that fails cannot be helped by voiding"
        );
        assert!(!void_front(
            &mut BytesMut::from(&b"\x44\x87\xffabc"[..]),
            100
        ));
        assert!(!void_front(&mut BytesMut::from(&b"\x44\x87\x83abc"[..]), 2));
    }
}
