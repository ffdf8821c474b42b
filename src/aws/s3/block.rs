//! The memory of a part: a map of its own. The system gives its pages as they are written, and
//! takes them back when the part was sent; what the allocator gives lies between what others
//! freed, and stays.

use std::io;

use bytes::Bytes;
use memmap2::MmapMut;

/// Bytes on their way into a part, up to as many as there is room for.
#[derive(Debug)]
pub(super) struct Block {
    map: MmapMut,
    length: usize,
}

impl Block {
    /// An empty one with room for so many bytes. The system refuses where there is no memory.
    pub(super) fn of(bytes: usize) -> io::Result<Self> {
        let map = MmapMut::map_anon(bytes)?;
        Ok(Self { map, length: 0 })
    }

    /// Whether there is no more room.
    pub(super) fn is_full(&self) -> bool {
        self.length == self.map.len()
    }

    /// Takes as many of the bytes as there is room for, and says how many.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        let (_, room) = self.map.split_at_mut(self.length);
        let taken = bytes.len().min(room.len());
        room[..taken].copy_from_slice(&bytes[..taken]);
        self.length += taken;
        taken
    }

    /// Writes over its beginning, which it holds.
    pub(super) fn begin_with(&mut self, head: &[u8]) {
        self.map[..head.len()].copy_from_slice(head);
    }

    /// What it holds.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.map[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_what_there_is_room_for() {
        let mut block = Block::of(10).unwrap();
        assert_eq!((block.take(b"abcd"), block.is_full()), (4, false));
        assert_eq!((block.take(b"efgh"), block.is_full()), (4, false));
        assert_eq!((block.take(b"ijkl"), block.is_full()), (2, true));
        assert_eq!((block.take(b"kl"), block.as_ref().len()), (0, 10));
        block.begin_with(b"AB");
        let bytes = block.freeze();
        assert_eq!(bytes, &b"ABcdefghij"[..]);
        assert_eq!(bytes.slice(2..).slice(..3), &b"cde"[..]);
    }
}
