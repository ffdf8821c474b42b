//! A file cut into parts as it grows. Its first part is held back, since it begins with
//! the head, which is known last. Pure.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use super::buffers::Buffers;
use super::checksum::Checksum;

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its number, from 1.
    pub number: i32,
    pub bytes: Bytes,
    pub checksum: Checksum,
}

impl Part {
    fn new(number: i32, bytes: Bytes) -> Self {
        let checksum = Checksum::of(&bytes);
        Self {
            number,
            bytes,
            checksum,
        }
    }
}

/// How a file ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It fits into one part.
    Whole(Bytes),
    /// It has several.
    Parts {
        /// Those that were not yet given out: the last one, if any, and the first.
        rest: Vec<Part>,
        /// The checksum of all of it.
        whole: Checksum,
    },
}

/// A file on its way: at most two parts of it are held.
#[derive(Debug)]
pub(super) struct Parts {
    buffers: Arc<Buffers>,
    /// Kept free at the start of the first one.
    head_bytes: usize,
    first: BytesMut,
    filling: Option<BytesMut>,
    next: i32,
    /// The checksum of the parts behind the first one.
    behind: Checksum,
}

impl Parts {
    /// A file whose parts are as large as these buffers, the last one at most so large.
    pub(super) fn new(buffers: Arc<Buffers>, head_bytes: usize) -> Self {
        let mut first = buffers.take();
        // The head's place.
        first.resize(head_bytes, 0);
        Self {
            buffers,
            head_bytes,
            first,
            filling: None,
            next: 2,
            behind: Checksum::of(&[]),
        }
    }

    /// Takes the next bytes until a part is full or there are none left.
    pub(super) fn push(&mut self, bytes: &mut Bytes) -> Option<Part> {
        let part_bytes = self.buffers.bytes();
        while !bytes.is_empty() {
            let place = if self.first.len() < part_bytes {
                &mut self.first
            } else {
                self.filling.get_or_insert_with(|| self.buffers.take())
            };
            let taken = bytes.len().min(part_bytes - place.len());
            place.extend_from_slice(&bytes[..taken]);
            bytes.advance(taken);
            if self.is_full() {
                return self.take_filling();
            }
        }
        None
    }

    /// Ends the file, now that its head is known. `None` where that has another length than
    /// was kept free for it.
    pub(super) fn finish(&mut self, head: &[u8]) -> Option<Ending> {
        if head.len() != self.head_bytes {
            return None;
        }
        self.first[..head.len()].copy_from_slice(head);
        let mut rest: Vec<_> = self.take_filling().into_iter().collect();
        let first = std::mem::take(&mut self.first).freeze();
        if self.next == 2 {
            return Some(Ending::Whole(first));
        }
        let first = Part::new(1, first);
        let whole = first.checksum.followed_by(self.behind);
        rest.push(first);
        Some(Ending::Parts { rest, whole })
    }

    fn is_full(&self) -> bool {
        let filling = self.filling.as_ref();
        filling.is_some_and(|filling| filling.len() == self.buffers.bytes())
    }

    fn take_filling(&mut self) -> Option<Part> {
        let filling = self.filling.take()?;
        let number = self.next;
        self.next += 1;
        let part = Part::new(number, filling.freeze());
        self.behind = self.behind.followed_by(part.checksum);
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: usize = 100;
    const HEAD: [u8; 44] = [b'h'; 44];

    /// A body of so many bytes, written in pieces of `piece`; the sizes of the parts that
    /// come on the way, and of those at the end.
    #[track_caller]
    fn check(body: usize, piece: usize, on_the_way: &[(i32, usize)], at_the_end: &[(i32, usize)]) {
        let bytes: Vec<u8> = (0..body).map(|place| place as u8).collect();
        let mut parts = Parts::new(Arc::new(Buffers::of(PART, 1)), HEAD.len());
        let mut given = Vec::new();
        for piece in bytes.chunks(piece.max(1)) {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(part) = parts.push(&mut piece) {
                given.push(part);
            }
            assert!(piece.is_empty());
        }
        let sizes = |parts: &[Part]| -> Vec<_> {
            parts
                .iter()
                .map(|part| (part.number, part.bytes.len()))
                .collect()
        };
        assert_eq!(sizes(&given), on_the_way);
        let rest = match parts.finish(&HEAD).unwrap() {
            Ending::Whole(bytes) => vec![Part::new(1, bytes)],
            Ending::Parts { rest, whole } => {
                assert!(rest.len() + given.len() > 1);
                assert_eq!(whole, Checksum::of(&[&HEAD[..], &bytes].concat()));
                rest
            }
        };
        assert_eq!(sizes(&rest), at_the_end);
        given.extend(rest);
        given.sort_by_key(|part| part.number);
        let file = given
            .iter()
            .map(|part| &part.bytes[..])
            .collect::<Vec<_>>()
            .concat();
        assert_eq!(file, [&HEAD[..], &bytes].concat());
    }

    #[test]
    fn a_head_has_the_length_that_was_kept_free() {
        for length in [0, 43, 45, 101] {
            let mut parts = Parts::new(Arc::new(Buffers::of(PART, 1)), HEAD.len());
            assert_eq!(parts.finish(&vec![0; length]), None);
        }
    }

    #[test]
    fn a_short_file_is_one_piece() {
        check(0, 1, &[], &[(1, 44)]);
        check(10, 3, &[], &[(1, 54)]);
        check(56, 56, &[], &[(1, 100)]);
    }

    #[test]
    fn a_long_file_comes_in_parts_and_its_first_part_last() {
        check(57, 7, &[], &[(2, 1), (1, 100)]);
        check(156, 156, &[(2, 100)], &[(1, 100)]);
        check(157, 200, &[(2, 100)], &[(3, 1), (1, 100)]);
        check(
            1_000,
            1,
            &[
                (2, 100),
                (3, 100),
                (4, 100),
                (5, 100),
                (6, 100),
                (7, 100),
                (8, 100),
                (9, 100),
                (10, 100),
            ],
            &[(11, 44), (1, 100)],
        );
        check(
            1_000,
            1_000,
            &[
                (2, 100),
                (3, 100),
                (4, 100),
                (5, 100),
                (6, 100),
                (7, 100),
                (8, 100),
                (9, 100),
                (10, 100),
            ],
            &[(11, 44), (1, 100)],
        );
    }
}
