//! A file cut into parts as it grows. Its first part is held back, since it begins with
//! the head, which is known last. Pure.

use bytes::Bytes;

use super::checksum::Checksum;
use super::content::Content;

/// A part of a file.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Its number, from 1.
    pub number: i32,
    pub content: Content,
    pub checksum: Checksum,
}

impl Part {
    fn new(number: i32, content: Content) -> Self {
        let checksum = content.checksum();
        Self {
            number,
            content,
            checksum,
        }
    }
}

/// How a file ends.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// It fits into one part.
    Whole(Content),
    /// It has several.
    Parts {
        /// Those that were not yet given out: the last one, if any, and the first.
        rest: Vec<Part>,
        /// The checksum of all of it.
        whole: Checksum,
    },
}

/// A file on its way: at most two parts of it are held, when each full one is taken at once.
#[derive(Debug)]
pub(super) struct Parts {
    part_bytes: usize,
    head_bytes: usize,
    /// What follows the head in the first part, when that is full.
    first: Option<Content>,
    filling: Content,
    next: i32,
    /// The checksum of the parts behind the first one.
    behind: Checksum,
}

impl Parts {
    /// A file of parts of so many bytes, the last one at most so large. Of a file that is
    /// written in turn, these and what the head leaves of them are multiples of four.
    pub(super) fn new(part_bytes: usize, head_bytes: usize) -> Self {
        Self {
            part_bytes,
            head_bytes,
            first: None,
            filling: Content::default(),
            next: 2,
            behind: Checksum::of(&[]),
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.filling.push(bytes);
    }

    /// Takes the next samples of two sides, in turn.
    pub(super) fn push_in_turn(&mut self, sides: [Bytes; 2]) {
        self.filling.push_in_turn(sides);
    }

    /// The next part that is full; the first one is not given.
    pub(super) fn next_full(&mut self) -> Option<Part> {
        if self.first.is_none() {
            let room = self.part_bytes.saturating_sub(self.head_bytes);
            if self.filling.bytes() < room {
                return None;
            }
            self.first = Some(self.filling.take(room));
        }
        let is_full = self.filling.bytes() >= self.part_bytes;
        is_full.then(|| self.cut())
    }

    /// Ends the file, now that its head is known. `None` where that has another length than
    /// was kept free for it.
    pub(super) fn finish(&mut self, head: &[u8]) -> Option<Ending> {
        if head.len() != self.head_bytes {
            return None;
        }
        let Some(first) = self.first.take() else {
            let whole = std::mem::take(&mut self.filling);
            return Some(Ending::Whole(whole.behind(head)));
        };
        let first = first.behind(head);
        let mut rest = Vec::new();
        if self.filling.bytes() > 0 {
            rest.push(self.cut());
        }
        if self.next == 2 {
            return Some(Ending::Whole(first));
        }
        let first = Part::new(1, first);
        let whole = first.checksum.followed_by(self.behind);
        rest.push(first);
        Some(Ending::Parts { rest, whole })
    }

    /// A part of what is there.
    fn cut(&mut self) -> Part {
        let part = Part::new(self.next, self.filling.take(self.part_bytes));
        self.next += 1;
        self.behind = self.behind.followed_by(part.checksum);
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::s3::content::tests::all;

    const PART: usize = 100;
    const HEAD: [u8; 44] = [b'h'; 44];

    /// A body of so many bytes, written in pieces of `piece`; the sizes of the parts that
    /// come on the way, and of those at the end.
    #[track_caller]
    fn check(body: usize, piece: usize, on_the_way: &[(i32, usize)], at_the_end: &[(i32, usize)]) {
        let bytes: Vec<u8> = (0..body).map(|place| place as u8).collect();
        let mut parts = Parts::new(PART, HEAD.len());
        let mut given = Vec::new();
        for piece in bytes.chunks(piece.max(1)) {
            parts.push(Bytes::copy_from_slice(piece));
            given.extend(std::iter::from_fn(|| parts.next_full()));
        }
        let sizes = |parts: &[Part]| -> Vec<_> {
            parts
                .iter()
                .map(|part| (part.number, part.content.bytes()))
                .collect()
        };
        assert_eq!(sizes(&given), on_the_way);
        let rest = match parts.finish(&HEAD).unwrap() {
            Ending::Whole(content) => vec![Part::new(1, content)],
            Ending::Parts { rest, whole } => {
                assert!(rest.len() + given.len() > 1);
                assert_eq!(whole, Checksum::of(&[&HEAD[..], &bytes].concat()));
                rest
            }
        };
        assert_eq!(sizes(&rest), at_the_end);
        given.extend(rest);
        given.sort_by_key(|part| part.number);
        let file: Vec<u8> = given
            .into_iter()
            .flat_map(|part| all(part.content))
            .collect();
        assert_eq!(file, [&HEAD[..], &bytes].concat());
    }

    #[test]
    fn a_head_has_the_length_that_was_kept_free() {
        for length in [0, 43, 45, 101] {
            let mut parts = Parts::new(PART, HEAD.len());
            assert!(parts.finish(&vec![0; length]).is_none());
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
