//! The header of a SimpleBlock or Block: track number, relative time, flags.

const LACING_BITS: u8 = 0x06;

/// A block's header. The format is Matroska's (RFC 9559, section 10.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHeader {
    pub track: u64,
    /// Ticks of the TimestampScale relative to the Cluster's.
    pub relative: i16,
    pub laced: bool,
    /// How long the header itself is.
    pub length: usize,
}

/// The longest header: a track number of 8 bytes, time and flags.
pub(super) const MAX_HEADER_BYTES: usize = 11;

impl BlockHeader {
    /// Reads the header at the front; `None` when the bytes hold none.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let first = data.first().copied().filter(|first| *first != 0)?;
        let width = first.leading_zeros() as usize + 1;
        let header = data.get(..width + 3)?;
        let marked = super::ebml::uint(&header[..width]);
        Some(Self {
            track: marked & !(1 << (7 * width)),
            relative: i16::from_be_bytes([header[width], header[width + 1]]),
            laced: header[width + 2] & LACING_BITS != 0,
            length: width + 3,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_width_and_none() {
        #[track_caller]
        fn check(data: &[u8], expected: Option<(u64, i16, bool, usize)>) {
            let read = BlockHeader::read(data);
            let read = read.map(|read| (read.track, read.relative, read.laced, read.length));
            assert_eq!(read, expected);
        }
        check(&[0x81, 0, 64, 0x80, 1, 2], Some((1, 64, false, 4)));
        check(&[0x81, 0xFF, 0xFF, 0], Some((1, -1, false, 4)));
        check(&[0x40, 0x02, 0, 1, 0, 9, 9], Some((2, 1, false, 5)));
        let longest = [0x01, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 9, 9];
        check(&longest, Some((3, 1, false, MAX_HEADER_BYTES)));
        for short in 0..4 {
            check(&vec![0x81; short], None);
        }
        check(&[0; 20], None);
        check(&[0x40, 0x02, 0, 1], None);
        for lacing in [0x02, 0x04, 0x06] {
            check(&[0x81, 0, 0, lacing, 1, 2], Some((1, 0, true, 4)));
        }
    }
}
