//! Whose turn it is at an object: a conditional write has it to itself, and whoever reads
//! shares it with others who do. At another object nobody waits for it, as in S3, where a
//! long upload's end keeps nobody from ending another one.

use std::hash::{DefaultHasher, Hasher};

use percent_encoding::percent_decode_str;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// So many locks stand for all objects, one for each value of a byte: two objects that share one
/// now and then lose a little time.
const LOCKS: usize = 1 << u8::BITS;

/// The turns at all objects.
pub(super) struct Turns(Vec<RwLock<()>>);

impl Turns {
    pub(super) fn new() -> Self {
        Self((0..LOCKS).map(|_| RwLock::new(())).collect())
    }

    /// The turn at the object of a URL's path, to oneself.
    pub(super) async fn alone(&self, path: &str) -> RwLockWriteGuard<'_, ()> {
        self.of(path).write().await
    }

    /// The turn at the object of a URL's path, with others; at all objects, where the path is a
    /// bucket's.
    pub(super) async fn shared(&self, path: &str) -> Vec<RwLockReadGuard<'_, ()>> {
        let is_object = path
            .trim_start_matches('/')
            .split_once('/')
            .is_some_and(|(_, key)| !key.is_empty());
        if is_object {
            return vec![self.of(path).read().await];
        }
        let mut turns = Vec::with_capacity(LOCKS);
        for lock in &self.0 {
            turns.push(lock.read().await);
        }
        turns
    }

    /// Each way to write a path has the same one.
    fn of(&self, path: &str) -> &RwLock<()> {
        let mut hasher = DefaultHasher::new();
        percent_decode_str(path).for_each(|byte| hasher.write_u8(byte));
        let [byte, ..] = hasher.finish().to_le_bytes();
        &self.0[usize::from(byte)]
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// Whether a read of `asked` waits for a conditional write of `held`.
    #[track_caller]
    fn check(held: &str, asked: &str, waits: bool) {
        let turns = Turns::new();
        let _held = turns.alone(held).now_or_never().unwrap();
        assert_eq!(turns.shared(asked).now_or_never().is_none(), waits);
    }

    #[test]
    fn who_waits_for_a_conditional_write() {
        check("/b/day/a_from.wav", "/b/day/a_from.wav", true);
        check("/b/day/a_from.wav", "/b/day/a%5Ffrom%2Ewav", true);
        check("/b/day/a_from.wav", "/b/day/a_to.wav", false);
        check("/b/day/a_from.wav", "/c/day/a_from.wav", false);
        check("/b/day/a_from.wav", "/b", true);
        check("/b/day/a_from.wav", "/b/", true);
        check("/b/day/a_from.wav", "/", true);
    }

    #[test]
    fn writes_of_two_objects_go_side_by_side_and_of_one_in_turn() {
        let turns = Turns::new();
        let _first = turns.alone("/b/one").now_or_never().unwrap();
        let _other = turns.alone("/b/two").now_or_never().unwrap();
        assert!(turns.alone("/b/one").now_or_never().is_none());
    }

    #[test]
    fn a_conditional_write_waits_for_who_reads() {
        let turns = Turns::new();
        let read = turns.shared("/b/").now_or_never().unwrap();
        assert!(turns.shared("/b/one").now_or_never().is_some());
        assert!(turns.alone("/b/one").now_or_never().is_none());
        drop(read);
        assert!(turns.alone("/b/one").now_or_never().is_some());
    }
}
