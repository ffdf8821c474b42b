//! How a recording is made: its fragments are listed and fetched, and every answer is poured
//! through attribution and timeline into the files, which end when all of it came.

use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt, pin_mut, stream};

use super::commit::final_verdict;
use super::pour::{LookAhead, pour};
use super::write::{File, Files, Finished};
use super::{Lap, Made, Progress, Recorder, Timings, listing, read};
use crate::failure::{Failure, FailureKind};
use crate::media::request::Answer;
use crate::port::{ContactAttributes, Deadline, FragmentSource, Recordings};
use crate::recording::parties::Omitted;
use crate::recording::plan::{Policy, RecordingPlan};
use crate::recording::verdict::{Account, Facts, FileEntry, Verdict};

/// What stands where a recording goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Over<'a> {
    /// No files that a verdict tells of.
    Nothing,
    /// A recording that was made, to be replaced only by one that holds more.
    Recording(&'a Verdict),
}

/// How the making of files ended.
pub(super) enum Ended {
    /// They are in the store.
    Made(Made),
    /// What stands there is as good: nothing was stored. What would have been told.
    GivenUp(Verdict),
}

impl<S: FragmentSource, R: Recordings, N: ContactAttributes> Recorder<S, R, N> {
    /// Makes one recording over what stands where it goes.
    pub(super) async fn make(
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
        if self.is_forgotten(plan).await? {
            return Err(Failure::new(
                FailureKind::Contended,
                key,
                "the contact's recordings were deleted meanwhile",
            ));
        }
        let there = final_verdict(self.store.read(&key).await?.as_deref());
        match (there, over) {
            (None, _) => Ok(Answer::default()),
            (Some(there), Over::Recording(old)) if there == *old => Ok(Answer::default()),
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
pub async fn assemble<R: Recordings>(
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

/// Work that stops at the deadline, wherever it is.
pub(super) async fn until<T>(
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

async fn make_files<R: Recordings>(
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
    if policy.omitted.contains(&Omitted::Sound) {
        verdict.sound = None;
    }
    if let Over::Recording(old) = over
        && !verdict.holds_more_than(old)
    {
        files.abort().await;
        return Ok(Ended::GivenUp(verdict));
    }
    let Finished { files, peaks } = files.finish(samples, heard).await?;
    let entry = |file: &File| FileEntry {
        kind: file.output.name().to_owned(),
        url: policy.url(&file.key),
        key: file.key.clone(),
        bytes: file.stored.bytes,
        samples_sha256: file.samples_sha256.clone(),
        sha256: None,
    };
    verdict.files = files.iter().map(entry).collect();
    let files = files.into_iter().map(|file| (file.key, file.stored));
    let mut files: Vec<_> = files.collect();
    if let Some((entry, stored)) = peaks {
        files.push((entry.key.clone(), stored));
        verdict.peaks = Some(entry);
    }
    Ok(Ended::Made(Made {
        verdict,
        files,
        timings: Timings {
            media,
            files: lap.next(),
            ..Timings::default()
        },
    }))
}
