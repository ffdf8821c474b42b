//! The commit: a verdict beside the files that it names, whatever other deliveries of the
//! same recording do at the same moment. Most write the same bytes; where they do not,
//! the verdict that stays is the one of the files that stay.
//!
//! The first final verdict wins. Who loses looks which files are there: none of his, and
//! the other's verdict holds; all of his, and his verdict replaces the other's; some of
//! each, and the recording is made again. Who wins looks, too, lest a delivery that
//! overwrote his files dies before its verdict. `aws/s3.rs` has the whole reasoning.

use super::Timings;
use crate::failure::{Failure, FailureKind};
use crate::plan::RecordingPlan;
use crate::port::{RecordingStore, Stored};
use crate::verdict::Verdict;

/// Turns before a commit is given up: each one means that another delivery was faster.
const MAX_TURNS: u32 = 4;

/// A recording that was made and not yet committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its verdict.
    pub verdict: Verdict,
    /// Its files, as they were stored under their keys.
    pub files: Vec<(String, Stored)>,
    /// How long that took.
    pub timings: Timings,
}

/// Puts a final verdict in place of what was there `before`. The verdict that stands.
pub(super) async fn commit<R: RecordingStore>(
    store: &R,
    plan: &RecordingPlan,
    mut before: Option<Vec<u8>>,
    made: Made,
) -> Result<Verdict, Failure> {
    let key = plan.keys.verdict();
    let json = made.verdict.to_json();
    for _ in 0..MAX_TURNS {
        let put = store.put_verdict(&key, json.clone(), before.as_deref());
        if put.await? {
            if count_there(store, &made.files).await? == made.files.len() {
                return Ok(made.verdict);
            }
            before = Some(json);
            break;
        }
        before = store.find_verdict(&key).await?;
        let Some(other) = final_verdict(before.as_deref()) else {
            continue;
        };
        if other.files == made.verdict.files {
            return Ok(other);
        }
        match count_there(store, &made.files).await? {
            0 => return Ok(other),
            all if all == made.files.len() => {}
            _ => break,
        }
    }
    let failure = Failure::new(
        FailureKind::Contended,
        &key,
        "other deliveries wrote the same recording at the same time, with other bytes",
    );
    let unfinished = Verdict::of_failure(plan, &failure).to_json();
    let undone = store
        .put_verdict(&key, unfinished, before.as_deref())
        .await?;
    match undone {
        true => Err(failure),
        false => final_verdict(store.find_verdict(&key).await?.as_deref()).ok_or(failure),
    }
}

/// Puts a verdict that is not final, unless a final one is there: that one then.
pub(super) async fn put_unfinished<R: RecordingStore>(
    store: &R,
    key: &str,
    verdict: &Verdict,
) -> Result<Option<Verdict>, Failure> {
    // Whether it can be read or not: the failure that came before is the one to tell.
    let there = store.find_verdict(key).await.ok().flatten();
    if let Some(other) = final_verdict(there.as_deref()) {
        return Ok(Some(other));
    }
    let put = store.put_verdict(key, verdict.to_json(), there.as_deref());
    put.await.map(|_| None)
}

/// A stored verdict that a later delivery may take. One that cannot be read marks nothing.
pub(super) fn final_verdict(json: Option<&[u8]>) -> Option<Verdict> {
    let verdict = Verdict::from_json(json?).ok()?;
    verdict.is_final().then_some(verdict)
}

/// How many of these files are still those that were stored.
async fn count_there<R: RecordingStore>(
    store: &R,
    files: &[(String, Stored)],
) -> Result<usize, Failure> {
    let mut count = 0;
    for (key, stored) in files {
        count += usize::from(store.is_there(key, stored).await?);
    }
    Ok(count)
}
