//! Buffers of a part's size, used again when their part was sent. The allocator would give each
//! one anew, between what was freed meanwhile: a process that uploads for an hour would take a
//! third more memory than it holds.

use std::sync::Mutex;

use bytes::{Bytes, BytesMut};

use crate::lock::lock;

/// Buffers that are free, and how large each one is.
#[derive(Debug)]
pub(super) struct Buffers {
    bytes: usize,
    most: usize,
    free: Mutex<Vec<BytesMut>>,
}

impl Buffers {
    /// Buffers of so many bytes, of which at most so many are kept while nobody uses them.
    pub(super) fn of(bytes: usize, most: usize) -> Self {
        Self {
            bytes,
            most,
            free: Mutex::default(),
        }
    }

    /// How large each one is.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// An empty one.
    pub(super) fn take(&self) -> BytesMut {
        let free = lock(&self.free).pop();
        free.unwrap_or_else(|| BytesMut::with_capacity(self.bytes))
    }

    /// Takes one back whose content nobody needs any more. One that somebody still holds is
    /// freed by them.
    pub(super) fn give_back(&self, content: Bytes) {
        let Ok(mut buffer) = content.try_into_mut() else {
            return;
        };
        buffer.clear();
        let mut free = lock(&self.free);
        if buffer.capacity() == self.bytes && free.len() < self.most {
            free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer with something in it, sent, and its place in memory.
    fn sent(buffers: &Buffers, length: usize) -> (Bytes, *const u8) {
        let mut buffer = buffers.take();
        assert_eq!((buffer.len(), buffer.capacity()), (0, 100));
        buffer.resize(length, 7);
        let place = buffer.as_ptr();
        (buffer.freeze(), place)
    }

    #[test]
    fn what_was_sent_is_used_again() {
        for length in [1, 99, 100] {
            let buffers = Buffers::of(100, 2);
            let (content, first) = sent(&buffers, length);
            buffers.give_back(content);
            assert_eq!(sent(&buffers, 3).1, first, "{length}");
        }
    }

    #[test]
    fn what_somebody_holds_is_theirs() {
        let buffers = Buffers::of(100, 2);
        let (content, _) = sent(&buffers, 100);
        buffers.give_back(content.clone());
        assert!(lock(&buffers.free).is_empty());
        assert_eq!(content, [7; 100].as_slice());
    }

    #[test]
    fn no_more_are_kept_than_are_of_use() {
        let buffers = Buffers::of(100, 2);
        let sent: Vec<_> = (0..5).map(|_| sent(&buffers, 100).0).collect();
        for content in sent {
            buffers.give_back(content);
        }
        buffers.give_back(Bytes::from(vec![0; 60]));
        assert_eq!(lock(&buffers.free).len(), 2);
    }
}
