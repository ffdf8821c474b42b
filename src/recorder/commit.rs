//! The commit: a verdict beside the files that it names, whatever other deliveries of the
//! same recording do at the same moment. Most write the same bytes; where they do not,
//! the verdict that stays is the one of the files that stay.
//!
//! The first final verdict wins. A delivery that finds another final verdict checks which
//! stored files are its own. None: it accepts that verdict. All: it replaces the verdict.
//! Some: it marks the recording unfinished, and the recording is made again. The winner
//! checks, too: another delivery may have overwritten its files and crashed before its own
//! verdict. `aws/s3.rs` has the whole reasoning.
//!
//! A recording ends with all that any delivery of it knew. A delivery that loses to a
//! shorter one makes the recording again. A delivery that overwrote the files of one that
//! holds more leaves an unfinished verdict that names all of it, sides included, and the
//! recording is made again: what stood there is restored, whatever the record of the
//! delivery that restores it authorises.

use super::Timings;
use crate::failure::{Failure, FailureKind};
use crate::port::{Expect, Recordings, Stored};
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::{CONTENDED, Verdict};

/// Turns before a commit is given up: each one means that another delivery was faster.
const MAX_TURNS: u32 = 4;

/// A recording that was made and not yet committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its verdict.
    pub verdict: Verdict,
    /// Its files, the waveform's among them, as they were stored under their keys.
    pub files: Vec<(String, Stored)>,
    /// How long that took.
    pub timings: Timings,
}

/// Puts a final verdict in place of what was there `before`. The verdict that stands.
pub(super) async fn commit<R: Recordings>(
    store: &R,
    plan: &RecordingPlan,
    mut before: Option<Vec<u8>>,
    made: Made,
) -> Result<Verdict, Failure> {
    let key = plan.keys.verdict();
    let json = made.verdict.to_json();
    for _ in 0..MAX_TURNS {
        let put = store.put(&key, json.clone(), Expect::unchanged(before.as_deref()));
        if put.await? {
            if count_there(store, &made.files).await? == made.files.len() {
                return Ok(made.verdict);
            }
            before = Some(json);
            break;
        }
        before = store.read(&key).await?;
        let Some(other) = final_verdict(before.as_deref()) else {
            continue;
        };
        let knows_all = other.knows_as_much_as(&made.verdict);
        let mut files = made.verdict.files.iter();
        if knows_all && files.all(|file| other.files.contains(file)) {
            return Ok(other);
        }
        match count_there(store, &made.files).await? {
            0 if knows_all => return Ok(other),
            0 => return Err(contended(&key)),
            all if all == made.files.len() && made.verdict.holds_all_of(&other) => {}
            _ => break,
        }
    }
    let failure = contended(&key);
    let unfinished = widest_failure(plan, &failure, before.as_deref()).to_json();
    let undone = store
        .put(&key, unfinished, Expect::unchanged(before.as_deref()))
        .await?;
    if undone {
        return Err(failure);
    }
    final_verdict(store.read(&key).await?.as_deref())
        .filter(|other| other.covers(plan))
        .ok_or(failure)
}

fn contended(key: &str) -> Failure {
    Failure::new(
        FailureKind::Contended,
        key,
        "other deliveries wrote the same recording at the same time, with other bytes",
    )
}

/// The verdict on a recording that a failure ended, of all that is known of it: by the
/// plan, and by the verdict that is there.
fn widest_failure(plan: &RecordingPlan, failure: &Failure, there: Option<&[u8]>) -> Verdict {
    let wide = read_verdict(there).map(|there| there.with_sides(there.widened(plan)));
    Verdict::of_failure(wide.as_ref().unwrap_or(plan), failure).contended()
}

/// Puts a verdict in place of the one that was there `before`, beside the same files.
pub(super) async fn replace<R: Recordings>(
    store: &R,
    plan: &RecordingPlan,
    before: Option<Vec<u8>>,
    verdict: Verdict,
) -> Result<Verdict, Failure> {
    let key = plan.keys.verdict();
    let put = store.put(
        &key,
        verdict.to_json(),
        Expect::unchanged(before.as_deref()),
    );
    match put.await? {
        true => Ok(verdict),
        false => Err(contended(&key)),
    }
}

/// Puts a verdict that is not final, unless a final one is there. The verdict that stands.
pub(super) async fn put_unfinished<R: Recordings>(
    store: &R,
    plan: &RecordingPlan,
    verdict: Verdict,
) -> Result<Verdict, Failure> {
    let key = plan.keys.verdict();
    // Whether it can be read or not: the failure that came before is the one to tell.
    let there = store.read(&key).await.ok().flatten();
    if let Some(other) = final_verdict(there.as_deref()) {
        return Ok(other);
    }
    let verdict = match read_verdict(there.as_deref()) {
        Some(there) => {
            let verdict = Verdict {
                gave_up_at: there.gave_up_at.clone(),
                ..verdict.named_by(&there.widened(plan))
            };
            match there.has_reason(CONTENDED) {
                true => verdict.contended(),
                false => verdict,
            }
        }
        None => verdict,
    };
    let put = store.put(&key, verdict.to_json(), Expect::unchanged(there.as_deref()));
    put.await.map(|_| verdict)
}

/// The stored verdict if it is readable and final; an unreadable one counts as absent.
pub(super) fn final_verdict(json: Option<&[u8]>) -> Option<Verdict> {
    read_verdict(json).filter(Verdict::is_final)
}

/// A stored verdict, if it can be read.
pub(super) fn read_verdict(json: Option<&[u8]>) -> Option<Verdict> {
    Verdict::from_json(json?).ok()
}

/// How many of these files are still those that were stored.
async fn count_there<R: Recordings>(
    store: &R,
    files: &[(String, Stored)],
) -> Result<usize, Failure> {
    let mut count = 0;
    for (key, stored) in files {
        count += usize::from(store.is_there(key, stored).await?);
    }
    Ok(count)
}
