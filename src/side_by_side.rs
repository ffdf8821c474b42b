//! Calls worked side by side: recordings of one call one after the other, since they share
//! attributes; different calls at once, within bounds. [`batches`](crate::batches) does it
//! with what an event brought, [`redrive_run`](crate::redrive_run) with what was found again.
//!
//! Calls are begun in the order in which they are given, and the answer keeps that order: who
//! calls decides what comes first. A call that does not fit beside those under way holds up
//! those behind it, so that a large one is never passed by for ever.

use std::collections::VecDeque;
use std::future::Future;
use std::ops::ControlFlow;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, pin_mut};

/// How much is worked on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideBySide {
    /// Calls at the most.
    pub calls: usize,
    /// Memory of all calls under way, as estimated, in bytes. A call that takes more than
    /// this is worked alone.
    pub memory: u64,
}

/// What is worked one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<T> {
    /// What there is to do, in order.
    pub works: Vec<T>,
    /// What the call takes while it is worked, as estimated, in bytes.
    pub memory: u64,
}

/// What became of calls.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended<T, W> {
    /// What came of each work that was done, in the order of the calls.
    pub done: Vec<W>,
    /// The works of the calls that were not begun, in their order.
    pub left: Vec<T>,
}

impl SideBySide {
    /// Works calls. Once `over` resolves no further call is begun; those under way end by
    /// themselves. `ended` hears of each call when it ended, and may break off likewise.
    pub async fn work<T, W, F: Future<Output = W>>(
        self,
        calls: Vec<Call<T>>,
        over: impl Future<Output = ()>,
        work: impl Fn(T) -> F,
        mut ended: impl FnMut(&[W]) -> ControlFlow<()>,
    ) -> Ended<T, W> {
        let work = &work;
        let mut waiting: VecDeque<_> = calls.into_iter().enumerate().collect();
        let mut under_way = FuturesUnordered::new();
        let mut memory = 0_u64;
        let mut done = Vec::new();
        let mut begins = true;
        pin_mut!(over);
        loop {
            while begins && let Some((at, call)) = waiting.pop_front() {
                let fits = memory.saturating_add(call.memory) <= self.memory
                    && under_way.len() < self.calls.max(1);
                begins = (&mut over).now_or_never().is_none();
                if !begins || !(fits || under_way.is_empty()) {
                    waiting.push_front((at, call));
                    break;
                }
                memory = memory.saturating_add(call.memory);
                under_way.push(async move {
                    let mut worked = Vec::new();
                    for item in call.works {
                        // Boxed: the future of a whole recording is large and deep.
                        worked.push(Box::pin(work(item)).await);
                    }
                    (at, call.memory, worked)
                });
            }
            let Some((at, taken, worked)) = under_way.next().await else {
                break;
            };
            memory = memory.saturating_sub(taken);
            begins &= ended(&worked).is_continue();
            done.push((at, worked));
        }
        done.sort_by_key(|(at, _)| *at);
        Ended {
            done: done.into_iter().flat_map(|(_, worked)| worked).collect(),
            left: waiting
                .into_iter()
                .flat_map(|(_, call)| call.works)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::future::{pending, ready};

    /// A call of `name` with so many works, each of which takes so many turns of the loop.
    fn call(name: &'static str, works: &[u32], memory: u64) -> Call<(&'static str, u32)> {
        Call {
            works: works.iter().map(|turns| (name, *turns)).collect(),
            memory,
        }
    }

    /// Polls a future to its end: what is waited for here is ready at the next turn.
    #[track_caller]
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut future = Box::pin(future);
        let ended = (0..1_000).find_map(|_| (&mut future).now_or_never());
        ended.expect("it ends")
    }

    /// Resolves after so many turns.
    async fn turns(count: u32) {
        let mut left = count;
        std::future::poll_fn(|context| {
            if left == 0 {
                return std::task::Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }

    /// Works calls; the order in which works began, and the most calls that were under way.
    #[track_caller]
    fn check(
        calls: usize,
        memory: u64,
        given: Vec<Call<(&'static str, u32)>>,
        began: &str,
        most: usize,
    ) {
        let (order, under_way, peak) = (RefCell::new(Vec::new()), Cell::new(0), Cell::new(0));
        let work = |(name, count): (&'static str, u32)| {
            let (order, under_way, peak) = (&order, &under_way, &peak);
            async move {
                order.borrow_mut().push(name);
                under_way.set(under_way.get() + 1);
                peak.set(peak.get().max(under_way.get()));
                turns(count).await;
                under_way.set(under_way.get() - 1);
                name
            }
        };
        let names: Vec<_> = given
            .iter()
            .flat_map(|call| call.works.iter().map(|(name, _)| *name))
            .collect();
        let at_once = SideBySide { calls, memory };
        let ended = at_once.work(given, pending(), work, |_| ControlFlow::Continue(()));
        let ended = block_on(ended);
        assert_eq!(order.borrow().join(" "), began);
        assert_eq!(peak.get(), most);
        assert_eq!(ended.done, names, "the answer keeps the order given");
        assert_eq!(ended.left, []);
    }

    #[test]
    fn calls_begin_in_the_order_given_within_the_bounds() {
        let three = || vec![call("c", &[9], 1), call("a", &[1], 1), call("b", &[1], 1)];
        check(8, 8, three(), "c a b", 3);
        check(2, 8, three(), "c a b", 2);
        check(8, 2, three(), "c a b", 2);
        // No call at once is one, and so is one that takes more than there is.
        check(0, 8, three(), "c a b", 1);
        let large = || {
            vec![
                call("a", &[5], 1),
                call("large", &[1], 9),
                call("b", &[1], 1),
            ]
        };
        check(8, 2, large(), "a large b", 1);
        check(8, 2, Vec::new(), "", 0);
    }

    #[test]
    fn works_of_one_call_follow_each_other() {
        let legs = vec![call("a", &[3, 3, 3], 1), call("b", &[1, 1], 1)];
        check(8, 8, legs.clone(), "a b b a a", 2);
        check(1, 8, legs, "a a a b b", 1);
    }

    #[test]
    fn what_is_not_begun_is_given_back() {
        let given = || {
            vec![
                call("a", &[1], 1),
                call("b", &[1, 1], 1),
                call("c", &[1], 1),
            ]
        };
        let one = SideBySide {
            calls: 1,
            memory: 8,
        };
        let name = |(name, _)| ready(name);
        let left = |ended: Ended<(&'static str, u32), &'static str>| {
            let left: Vec<_> = ended.left.iter().map(|(name, _)| *name).collect();
            (ended.done.join(" "), left.join(" "))
        };
        let broken = one.work(given(), pending(), name, |_| ControlFlow::Break(()));
        assert_eq!(left(block_on(broken)), ("a".into(), "b b c".into()));
        let over = one.work(given(), ready(()), name, |_| ControlFlow::Continue(()));
        assert_eq!(left(block_on(over)), (String::new(), "a b b c".into()));
    }
}
