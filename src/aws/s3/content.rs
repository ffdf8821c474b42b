//! The bytes of a file on its way, in the pieces that they were written in. Pieces are shared:
//! a file of two channels is made of those of its sides, and holds no memory of its own. What
//! is sent is read out of the pieces as the connection takes it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::checksum::Checksum;
use crate::media::wav;
use crate::object_key::hex;
use crate::sha256::Sha256;

/// Bytes of each side that are put in turn at once: what comes of them stays in the
/// processor's nearest memory until it is sent.
const IN_TURN_AT_ONCE: usize = 8 << 10;

/// Bytes in pieces.
#[derive(Clone, Debug, Default)]
struct Pieces {
    list: VecDeque<Bytes>,
    bytes: usize,
}

impl Pieces {
    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.bytes += piece.len();
            self.list.push_back(piece);
        }
    }

    /// Takes the first piece away, or as much of it as is wanted at most.
    fn next(&mut self, most: usize) -> Option<Bytes> {
        let first = self.list.front_mut()?;
        let piece = if first.len() <= most {
            self.list.pop_front()?
        } else {
            first.split_to(most)
        };
        self.bytes -= piece.len();
        Some(piece)
    }

    /// Takes the first bytes away, so many or all.
    fn take(&mut self, bytes: usize) -> Self {
        let mut taken = Self::default();
        while taken.bytes < bytes
            && let Some(piece) = self.next(bytes - taken.bytes)
        {
            taken.push(piece);
        }
        taken
    }

    /// How many bytes are in the first piece.
    fn at_hand(&self) -> usize {
        self.list.front().map_or(0, Bytes::len)
    }
}

/// What a file or a part of it consists of: bytes as they come, or the samples of two sides in
/// turn, and perhaps a head before them.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    head: Bytes,
    body: Lanes,
}

#[derive(Clone, Debug)]
enum Lanes {
    Plain(Pieces),
    /// Samples of two bytes, as many of each side.
    InTurn([Pieces; 2]),
}

impl Default for Lanes {
    fn default() -> Self {
        Self::Plain(Pieces::default())
    }
}

impl Content {
    /// How many bytes there are.
    pub(super) fn bytes(&self) -> usize {
        let body = match &self.body {
            Lanes::Plain(pieces) => pieces.bytes,
            Lanes::InTurn([left, right]) => left.bytes + right.bytes,
        };
        self.head.len() + body
    }

    /// Appends bytes.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if let Lanes::InTurn(_) = self.body {
            // Nobody writes a file by turns of both ways; if so, it is the same file.
            let mut pieces = Pieces::default();
            while let Some(chunk) = self.next_chunk() {
                pieces.push(chunk);
            }
            self.body = Lanes::Plain(pieces);
        }
        if let Lanes::Plain(pieces) = &mut self.body {
            pieces.push(bytes);
        }
    }

    /// Appends samples of two bytes, one of each side in turn; what one side has beyond the
    /// other is left out.
    pub(super) fn push_in_turn(&mut self, [mut left, mut right]: [Bytes; 2]) {
        if self.bytes() == 0 {
            self.body = Lanes::InTurn(Default::default());
        }
        match &mut self.body {
            Lanes::InTurn(sides) => {
                let each = left.len().min(right.len()) / 2 * 2;
                left.truncate(each);
                right.truncate(each);
                sides[0].push(left);
                sides[1].push(right);
            }
            Lanes::Plain(pieces) => pieces.push(wav::in_turn(&left, &right).into()),
        }
    }

    /// Takes the first bytes away, so many or all; of sides in turn, a multiple of four.
    pub(super) fn take(&mut self, bytes: usize) -> Self {
        let body = match &mut self.body {
            Lanes::Plain(pieces) => Lanes::Plain(pieces.take(bytes)),
            Lanes::InTurn(sides) => {
                let each = bytes / 4 * 2;
                Lanes::InTurn(sides.each_mut().map(|side| side.take(each)))
            }
        };
        Self {
            head: Bytes::new(),
            body,
        }
    }

    /// The same behind a head.
    pub(super) fn behind(self, head: &[u8]) -> Self {
        Self {
            head: Bytes::copy_from_slice(head),
            body: self.body,
        }
    }

    /// Its checksum; every byte is looked at.
    pub(super) fn checksum(&self) -> Checksum {
        let mut rest = self.clone();
        Checksum::of_chunks(std::iter::from_fn(|| rest.next_chunk()))
    }

    /// Its SHA-256 in hexadecimal.
    pub(super) fn sha256(&self) -> String {
        let (mut rest, mut hash) = (self.clone(), Sha256::new());
        while let Some(chunk) = rest.next_chunk() {
            hash.update(&chunk);
        }
        hex(hash.finish())
    }

    /// A body that can be sent again while this is tried.
    pub(super) fn to_body(&self) -> SdkBody {
        let content = self.clone();
        SdkBody::retryable(move || SdkBody::from_body_1_x(content.clone()))
    }

    /// Takes the next bytes away, as many as are at hand.
    fn next_chunk(&mut self) -> Option<Bytes> {
        if !self.head.is_empty() {
            return Some(std::mem::take(&mut self.head));
        }
        match &mut self.body {
            Lanes::Plain(pieces) => pieces.next(usize::MAX),
            Lanes::InTurn([left, right]) => {
                let each = left.at_hand().min(right.at_hand()).min(IN_TURN_AT_ONCE);
                let sides = left.next(each).zip(right.next(each));
                sides.map(|(left, right)| wav::in_turn(&left, &right).into())
            }
        }
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        let mut content = Self::default();
        content.push(bytes.into());
        content
    }
}

/// What is sent: an SDK needs to know beforehand how long it is.
impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.next_chunk();
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes() as u64)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All bytes that are left.
    pub(in crate::aws::s3) fn all(mut content: Content) -> Vec<u8> {
        let bytes = content.bytes();
        let mut all = Vec::new();
        while let Some(chunk) = content.next_chunk() {
            assert!(!chunk.is_empty());
            all.extend_from_slice(&chunk);
            assert_eq!(content.bytes(), bytes - all.len());
        }
        all
    }

    /// One write.
    #[derive(Clone, Debug)]
    enum Write {
        Plain(Vec<u8>),
        InTurn(Vec<u8>, Vec<u8>),
    }

    fn write() -> impl Strategy<Value = Write> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40);
        prop_oneof![
            1 => bytes().prop_map(Write::Plain),
            3 => (bytes(), bytes()).prop_map(|(left, right)| Write::InTurn(left, right)),
        ]
    }

    proptest! {
        #[test]
        fn however_it_is_written_and_taken_it_is_the_same(
            writes in prop::collection::vec(write(), 0..12),
            taken in prop::collection::vec(0_usize..20, 0..12),
            head in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let (mut content, mut expected) = (Content::default(), Vec::new());
            for write in writes {
                match write {
                    Write::Plain(bytes) => {
                        expected.extend_from_slice(&bytes);
                        content.push(bytes.into());
                    }
                    Write::InTurn(left, right) => {
                        for (left, right) in left.chunks_exact(2).zip(right.chunks_exact(2)) {
                            expected.extend_from_slice(left);
                            expected.extend_from_slice(right);
                        }
                        content.push_in_turn([left.into(), right.into()]);
                    }
                }
            }
            prop_assert_eq!(content.checksum(), Checksum::of(&expected));
            let mut got = Vec::new();
            for quarter in taken {
                let left = content.bytes();
                let part = content.take(4 * quarter);
                prop_assert_eq!(part.bytes(), left.min(4 * quarter));
                prop_assert_eq!(part.bytes() + content.bytes(), left);
                got.extend(all(part));
            }
            got.extend(all(content.clone()));
            prop_assert_eq!(&got, &expected);
            let whole = content.behind(&head);
            let expected = [&head[..], &all(whole.clone())[head.len()..]].concat();
            prop_assert_eq!(whole.checksum(), Checksum::of(&expected));
            prop_assert_eq!(whole.sha256(), hex(crate::sha256::of(&expected)));
            prop_assert_eq!(whole.to_body().content_length(), Some(expected.len() as u64));
        }
    }

    #[test]
    fn a_file_of_two_sides_holds_nothing_of_its_own() {
        let sides = [1, 2].map(|side| Bytes::from(vec![side; 100]));
        let mut content = Content::default();
        content.push_in_turn(sides.clone());
        let Lanes::InTurn(held) = &content.body else {
            panic!("{content:?}");
        };
        for (held, side) in held.iter().zip(&sides) {
            assert_eq!(held.list[0].as_ptr(), side.as_ptr());
        }
    }
}
