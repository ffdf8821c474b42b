//! One recording from plan to attributes: list, fetch, assemble, store, judge, note.
//! Reads like the way of the data in design section 2; knows its three ports and nothing
//! of what stands behind them. Files first, then the verdict, then the attributes: a
//! delivery that finds the verdict goes straight to the attributes.

mod commit;
mod listing;
mod note;
mod pour;
mod read;
mod work;
mod write;

pub use commit::Made;
pub use pour::{AllOf, LookAhead};
pub use work::{Part, Trouble, Worked, WorkedRecord, open_record, open_record_within};

use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt, pin_mut, stream};

use crate::failure::{Failure, FailureKind};
use crate::plan::{Policy, RecordingPlan};
use crate::port::{ContactNotes, Deadline, FragmentSource, RecordingStore, Stored};
use crate::request::Answer;
use crate::verdict::{Account, Facts, FileEntry, Status, Verdict};
use crate::wav::Output;
use commit::{commit, final_verdict, put_unfinished};
use pour::pour;
use write::Files;

/// How media is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Fragments asked for at once, well under the quota of 500 a second.
    pub fragments_per_request: usize,
    /// Requests under way at once; KVS allows 5 connections a stream.
    pub requests_at_once: usize,
    /// How often a fragment is asked for before it counts as missing.
    pub attempts: u32,
    /// Which recordings are read although there is a verdict on them.
    pub again: Again,
}

/// Which recordings are made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// Those that failed: any other verdict is the end of it.
    #[default]
    IfFailed,
    /// Partial ones, too. Files and verdict are replaced only by some that hold more
    /// ([`Verdict::holds_more_than`]); until that is known, nobody sees anything of them.
    IfNotComplete,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            fragments_per_request: 50,
            requests_at_once: 3,
            attempts: 4,
            again: Again::IfFailed,
        }
    }
}

/// Records calls between a source, a store and a notebook.
#[derive(Debug)]
pub struct Recorder<S, R, N> {
    /// Where fragments come from.
    pub source: S,
    /// Where recordings go.
    pub store: R,
    /// Where URLs are noted.
    pub notes: N,
    /// How recordings are named.
    pub policy: Policy,
    /// How media is read.
    pub reading: Reading,
}

/// How far a recording is: fragments settled, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Fragments that came or are given up.
    pub settled: u64,
    /// All of them.
    pub of: u64,
}

/// A recording that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its verdict.
    pub verdict: Verdict,
    /// The verdict was found: an earlier delivery recorded it.
    pub found: bool,
    /// What became of the attributes.
    pub noted: Noted,
    /// How long each step took.
    pub timings: Timings,
}

/// How long the steps of a recording took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Looking for a verdict that is there.
    pub verdict: Duration,
    /// Listing the fragments.
    pub list: Duration,
    /// Fetching the media and pouring it into the files.
    pub media: Duration,
    /// Ending the files, with their hashes.
    pub files: Duration,
    /// Storing the verdict.
    pub commit: Duration,
    /// Reading and writing the attributes.
    pub note: Duration,
}

/// Times one step after the other.
struct Lap(Instant);

impl Lap {
    fn start() -> Self {
        Self(Instant::now())
    }

    /// How long the step that ends now took.
    fn next(&mut self) -> Duration {
        let started = std::mem::replace(&mut self.0, Instant::now());
        self.0.saturating_duration_since(started)
    }
}

/// What became of a recording's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// URLs were added.
    Written,
    /// All URLs stood there already.
    Unchanged,
    /// There is no file to note.
    NothingToNote,
    /// Somebody set an attribute to a value that is not ours: it stays.
    NotOurs {
        /// The attribute.
        attribute: &'static str,
    },
    /// The attributes could not be read or written; the files and the verdict stand.
    Failed(Failure),
    /// The contact's attributes have no room: nothing was written.
    NoRoom {
        /// The bytes that they would have taken.
        bytes: usize,
    },
}

impl Noted {
    /// A word for tables, JSON and the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::NothingToNote => "nothing to note",
            Self::NotOurs { .. } => "not ours",
            Self::NoRoom { .. } => "no room",
            Self::Failed(_) => "failed",
        }
    }
}

impl<S: FragmentSource, R: RecordingStore, N: ContactNotes> Recorder<S, R, N> {
    /// Makes one recording. A failure that ended it is in its verdict, too.
    pub async fn record(
        &self,
        plan: &RecordingPlan,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Recorded, Failure> {
        let mut timings = Timings::default();
        let mut lap = Lap::start();
        let before = self.store.find_verdict(&plan.keys.verdict()).await?;
        timings.verdict = lap.next();
        let (verdict, found) = match final_verdict(before.as_deref()) {
            Some(old) if self.reads_again(&old) => {
                let read = self.read_again(plan, &old, before, deadline, &mut timings, progress);
                let verdict = read.await?;
                let found = verdict == old;
                (verdict, found)
            }
            Some(verdict) => (verdict, true),
            None => {
                let recorded = self.record_media(plan, before, deadline, &mut timings, progress);
                (recorded.await?, false)
            }
        };
        lap.next();
        // The files are safe: attributes that refuse must not hide them.
        let noted = match self.note(plan, &verdict).await {
            Ok(noted) => noted,
            Err(failure) => Noted::Failed(failure),
        };
        timings.note = lap.next();
        Ok(Recorded {
            verdict,
            found,
            noted,
            timings,
        })
    }

    async fn record_media(
        &self,
        plan: &RecordingPlan,
        before: Option<Vec<u8>>,
        deadline: &impl Deadline,
        timings: &mut Timings,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Verdict, Failure> {
        let made = self.make(plan, Over::Nothing, deadline, timings, progress);
        let failure = match made.await {
            Ok(Ended::Made(made)) if made.verdict.is_final() => {
                let mut lap = Lap::start();
                let committed = commit(&self.store, plan, before, made).await;
                timings.commit = lap.next();
                return committed;
            }
            Ok(Ended::Made(Made { verdict, .. }) | Ended::GivenUp(verdict)) => Ok(verdict),
            Err(failure) => Err(failure),
        };
        let verdict = match &failure {
            Ok(verdict) => verdict.clone(),
            Err(failure) => Verdict::of_failure(plan, failure),
        };
        // Another delivery may have got further in the meantime: its verdict stands.
        let put = put_unfinished(&self.store, &plan.keys.verdict(), &verdict).await;
        if let Ok(Some(verdict)) = put {
            return Ok(verdict);
        }
        // The first failure is the one to tell.
        failure.and_then(|verdict| put.map(|_| verdict))
    }

    fn reads_again(&self, old: &Verdict) -> bool {
        match self.reading.again {
            Again::IfFailed => false,
            Again::IfNotComplete => old.status == Status::Partial,
        }
    }

    /// Reads a partial recording once more, and replaces it if that gives more. A failure
    /// leaves the old verdict as it is: there are files that it tells of.
    async fn read_again(
        &self,
        plan: &RecordingPlan,
        old: &Verdict,
        before: Option<Vec<u8>>,
        deadline: &impl Deadline,
        timings: &mut Timings,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Verdict, Failure> {
        let made = self.make(plan, Over::Partial(old), deadline, timings, progress);
        match made.await? {
            Ended::GivenUp(_) => Ok(old.clone()),
            Ended::Made(made) => {
                let mut lap = Lap::start();
                let committed = commit(&self.store, plan, before, made).await;
                timings.commit = lap.next();
                committed
            }
        }
    }

    async fn make(
        &self,
        plan: &RecordingPlan,
        over: Over<'_>,
        deadline: &impl Deadline,
        timings: &mut Timings,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Ended, Failure> {
        let mut lap = Lap::start();
        let listed = listing::list_numbers(&self.source, plan);
        let listing::Listed { numbers, lacks } = until(deadline, plan, listed).await?;
        timings.list = lap.next();
        if let (Some(lacks), Over::Nothing) = (&lacks, over)
            && listing::comes_later(&self.source, plan).await
        {
            let kind = FailureKind::ListingIncomplete;
            return Err(Failure::new(kind, &plan.stream, lacks));
        }
        let of = numbers.len() as u64;
        let mut settled = 0;
        let answers =
            read::answers(&self.source, &self.reading, &plan.stream, &numbers).inspect(|answer| {
                if let Ok(answer) = answer {
                    settled += (answer.fragments.len() + answer.missing.len()) as u64;
                    progress(Progress { settled, of });
                }
            });
        let answers = answers.chain(stream::once(self.look_once_more(plan, over)));
        // Boxed: the future is large, and its caller holds it in two places.
        let ahead = read::Archive {
            source: &self.source,
            reading: &self.reading,
            stream: &plan.stream,
            numbers: &numbers,
        };
        let account = Account::of_listing(lacks);
        let (store, policy) = (&self.store, &self.policy);
        let making = make_files(store, policy, plan, over, account, answers, &ahead);
        let made = Box::pin(making);
        let ended = until(deadline, plan, made).await?;
        if let Ended::Made(made) = &ended {
            timings.media = made.timings.media;
            timings.files = made.timings.files;
        }
        Ok(ended)
    }

    /// Stands behind the last answer, just before the files end: no file of a recording
    /// that another delivery has done meanwhile is overwritten.
    async fn look_once_more(
        &self,
        plan: &RecordingPlan,
        over: Over<'_>,
    ) -> Result<Answer, Failure> {
        let key = plan.keys.verdict();
        let there = final_verdict(self.store.find_verdict(&key).await?.as_deref());
        match (there, over) {
            (None, _) => Ok(Answer::default()),
            (Some(there), Over::Partial(old)) if there == *old => Ok(Answer::default()),
            (Some(_), _) => Err(Failure::new(
                FailureKind::Contended,
                key,
                "another delivery made the recording meanwhile",
            )),
        }
    }
}

/// Answers of one recording, in order, to its files and its verdict. At the deadline it
/// stops wherever it is, and gives the files up. `ahead` looks ahead where an upload session
/// names its contact late.
pub async fn assemble<R: RecordingStore>(
    store: &R,
    policy: &Policy,
    deadline: &impl Deadline,
    plan: &RecordingPlan,
    answers: impl Stream<Item = Result<Answer, Failure>>,
    ahead: &impl LookAhead,
) -> Result<Made, Failure> {
    let account = Account::default();
    let made = make_files(store, policy, plan, Over::Nothing, account, answers, ahead);
    match until(deadline, plan, made).await? {
        Ended::Made(made) => Ok(made),
        Ended::GivenUp(verdict) => Ok(Made {
            verdict,
            files: Vec::new(),
            timings: Timings::default(),
        }),
    }
}

/// What stands where a recording goes.
#[derive(Clone, Copy, Debug)]
enum Over<'a> {
    /// No files that a verdict tells of.
    Nothing,
    /// A partial recording, to be replaced only by one that holds more.
    Partial(&'a Verdict),
}

/// How the making of files ended.
enum Ended {
    /// They are in the store.
    Made(Made),
    /// What stands there is as good: nothing was stored. What would have been told.
    GivenUp(Verdict),
}

/// Work that stops at the deadline, wherever it is.
async fn until<T>(
    deadline: &impl Deadline,
    plan: &RecordingPlan,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let passed = deadline.passed();
    pin_mut!(work, passed);
    match select(passed, work).await {
        Either::Right((ended, _)) => ended,
        Either::Left(((), _)) => Err(Failure::new(
            FailureKind::OutOfTime,
            &plan.stream,
            "the invocation ends before the recording does",
        )),
    }
}

async fn make_files<R: RecordingStore>(
    store: &R,
    policy: &Policy,
    plan: &RecordingPlan,
    over: Over<'_>,
    account: Account,
    answers: impl Stream<Item = Result<Answer, Failure>>,
    ahead: &impl LookAhead,
) -> Result<Ended, Failure> {
    let mut lap = Lap::start();
    let mut files = Files::new(store, plan);
    let poured = pour(plan, account, answers, ahead, &mut files);
    let (account, attribution, assembly) = match poured.await {
        Ok(poured) => poured,
        Err(failure) => {
            files.abort().await;
            return Err(failure);
        }
    };
    let media = lap.next();
    let attribution = attribution.into_report();
    let assembly = assembly.into_report();
    let samples = assembly.timeline.samples;
    let heard = assembly.timeline.heard();
    let mut verdict = Verdict::of(Facts {
        plan,
        account,
        attribution,
        assembly,
        files: Vec::new(),
    });
    if let Over::Partial(old) = over
        && !verdict.holds_more_than(old)
    {
        files.abort().await;
        return Ok(Ended::GivenUp(verdict));
    }
    let stored = files.finish(samples, heard).await?;
    let entry = |(output, key, stored): &(Output, String, Stored)| FileEntry {
        kind: output.name().to_owned(),
        url: policy.url(key),
        key: key.clone(),
        bytes: stored.bytes,
        sha256: stored.sha256.clone(),
    };
    verdict.files = stored.iter().map(entry).collect();
    let files = stored.into_iter().map(|(_, key, stored)| (key, stored));
    Ok(Ended::Made(Made {
        verdict,
        files: files.collect(),
        timings: Timings {
            media,
            files: lap.next(),
            ..Timings::default()
        },
    }))
}
