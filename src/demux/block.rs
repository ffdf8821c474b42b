//! The payload of a SimpleBlock or Block: track number, relative time, flags, audio.
//!
//! Read here and not by `webm-iterable`, whose `SimpleBlock::try_from` of 0.7.1 panics
//! on blocks of 1 to 3 bytes and whose `read_frame_data` panics on empty laces.

use bytes::{Buf, Bytes};

use crate::fragment::DamageKind;

const LACING_BITS: u8 = 0x06;

/// A block before its track has a name and its Cluster a time.
pub(super) struct RawBlock {
    /// `None` when the number cannot be read.
    pub track: Option<u64>,
    /// Ticks of the TimestampScale relative to the Cluster's.
    pub relative: i16,
    /// The audio, or what stands in its place.
    pub pcm: Bytes,
}

/// Reads a block's payload. The format is Matroska's (RFC 9559, section 10.1). What can be
/// told of a block that is not read comes with the reason.
pub(super) fn read(data: Vec<u8>) -> Result<RawBlock, (RawBlock, DamageKind)> {
    let length = data.len();
    let first = data.first().copied().unwrap_or(0);
    let width = first.leading_zeros() as usize + 1;
    if first == 0 || length < width + 3 {
        // A track number of no length leaves all of it without a header.
        let pcm = if first == 0 { data } else { Vec::new() };
        let raw = RawBlock {
            track: None,
            relative: 0,
            pcm: pcm.into(),
        };
        return Err((raw, DamageKind::BlockTooShort(length)));
    }
    let marked = data[..width]
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    let laced = data[width + 2] & LACING_BITS != 0;
    let mut raw = RawBlock {
        track: Some(marked & !(1 << (7 * width))),
        relative: i16::from_be_bytes([data[width], data[width + 1]]),
        pcm: data.into(),
    };
    raw.pcm.advance(width + 3);
    match laced {
        true => Err((raw, DamageKind::Laced)),
        false => Ok(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_width_and_none() {
        #[track_caller]
        fn check(data: &[u8], expected: Result<(u64, i16, &[u8]), DamageKind>) {
            let read = read(data.to_vec());
            let read = match &read {
                Ok(block) => Ok((block.track.unwrap(), block.relative, &block.pcm[..])),
                Err((_, kind)) => Err(kind.clone()),
            };
            assert_eq!(read, expected);
        }
        check(&[0x81, 0, 64, 0x80, 1, 2], Ok((1, 64, &[1, 2])));
        check(&[0x81, 0xFF, 0xFF, 0], Ok((1, -1, &[])));
        check(&[0x40, 0x02, 0, 1, 0, 9, 9], Ok((2, 1, &[9, 9])));
        check(
            &[0x01, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 9, 9],
            Ok((3, 1, &[9, 9])),
        );
        for short in 0..4 {
            check(&vec![0x81; short], Err(DamageKind::BlockTooShort(short)));
        }
        check(&[0; 20], Err(DamageKind::BlockTooShort(20)));
        check(&[0x40, 0x02, 0, 1], Err(DamageKind::BlockTooShort(4)));
        check(&[0x81, 0, 0, 0x02, 1, 2], Err(DamageKind::Laced));
        check(&[0x81, 0, 0, 0x04, 1, 2], Err(DamageKind::Laced));
        check(&[0x81, 0, 0, 0x06], Err(DamageKind::Laced));
    }
}
