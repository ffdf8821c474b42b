//! One recording from plan to attributes, along the way of the data in the crate's
//! documentation; knows its three ports and nothing of what stands behind them. Here it is
//! decided whether a recording is to be made, and `make` makes it. Files first, then the
//! verdict, then the attributes: a delivery that finds a verdict which covers its record
//! goes straight to the attributes.

mod attributes;
mod commit;
mod consent;
mod listing;
mod make;
mod open;
mod outcome;
mod pour;
mod probe;
mod read;
mod wall;
mod work;
mod write;

pub use commit::Made;
pub use make::assemble;
pub use open::{Part, open_batch, open_record};
pub use outcome::{Trouble, Worked, WorkedRecord};
pub use pour::{AllOf, LookAhead};
pub(crate) use wall::{walled, walled_work};

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::port::{ContactAttributes, Deadline, FragmentSource, Ports, Recordings};
pub use crate::recording::plan::{Again, Reading};
use crate::recording::plan::{Policy, RecordingPlan, Urls};
use crate::recording::verdict::{Asked, Status, Verdict};
use commit::{commit, put_unfinished, read_verdict, replace};
use make::{Ended, Over};

/// Records calls between a source, a store and the attributes of contacts.
#[derive(Debug)]
pub struct Recorder<S, R, N> {
    /// Where fragments come from.
    pub source: S,
    /// Where recordings go.
    pub store: R,
    /// The contacts' attributes, where URLs go.
    pub attributes: N,
    /// How recordings are named.
    pub policy: Policy,
    /// How media is read.
    pub reading: Reading,
}

impl<S, R, N> Recorder<S, R, N> {
    /// The recorder between these ports.
    pub fn new(ports: Ports<S, R, N>, policy: Policy, reading: Reading) -> Self {
        Self {
            source: ports.source,
            store: ports.store,
            attributes: ports.attributes,
            policy,
            reading,
        }
    }

    /// The same, which makes partial recordings again, too.
    pub fn reading_again(mut self) -> Self {
        self.reading.again = Again::IfNotComplete;
        self
    }
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
    pub attributes: AttributesOutcome,
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
    pub attributes: Duration,
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
pub enum AttributesOutcome {
    /// URLs were added.
    Written,
    /// All URLs stood there already.
    Unchanged,
    /// There is no file, or its URL does not belong on a contact.
    NothingToWrite,
    /// Somebody set an attribute to a value that is not ours: it stays.
    NotOurs {
        /// The attribute.
        attribute: &'static str,
        /// What the URLs of ours start with: those of another domain are none.
        ours: String,
    },
    /// The attributes do not allow all that was recorded: nothing was written. Files and
    /// verdict stand.
    Withdrawn,
    /// The attributes could not be read or written; the files and the verdict stand.
    Failed(Failure),
    /// The contact's attributes have no room: nothing was written.
    NoRoom {
        /// The bytes that they would have taken.
        bytes: usize,
    },
}

impl AttributesOutcome {
    /// A word for tables, JSON and the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::NothingToWrite => "nothing to write",
            Self::NotOurs { .. } => "not ours",
            Self::NoRoom { .. } => "no room",
            Self::Withdrawn => "withdrawn",
            Self::Failed(_) => "failed",
        }
    }
}

impl<S: FragmentSource, R: Recordings, N: ContactAttributes> Recorder<S, R, N> {
    /// Makes one recording. A failure that ended it is in its verdict, too.
    pub async fn record(
        &self,
        plan: &RecordingPlan,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Recorded, Failure> {
        let mut timings = Timings::default();
        let mut lap = Lap::start();
        let before = self.store.read(&plan.keys.verdict()).await?;
        timings.verdict = lap.next();
        let there = read_verdict(before.as_deref());
        // All that is known of the recording, by this record and by those that came before.
        let mut known = match &there {
            Some(there) => there.widened(plan),
            None => plan.clone(),
        };
        // A verdict that was written before the deployment left something out names it.
        known.parties = known.parties.without(&self.policy.omitted);
        let known = &known;
        let (verdict, found) = match there.filter(Verdict::is_final) {
            Some(old) => {
                let verdict = match self.left_to_do(plan, &old) {
                    Left::Nothing => old.clone(),
                    Left::ReadAgain => {
                        let read =
                            self.read_again(known, &old, before, deadline, &mut timings, progress);
                        read.await?
                    }
                    Left::Tell => replace(&self.store, plan, before, old.less_authorised()).await?,
                };
                let found = verdict == old;
                (verdict, found)
            }
            None => {
                let recorded = self.record_media(known, before, deadline, &mut timings, progress);
                (recorded.await?, false)
            }
        };
        lap.next();
        let attributes = match (found, plan.urls) {
            (true, Urls::OnContact) => AttributesOutcome::Unchanged,
            (_, Urls::NotForContact) => AttributesOutcome::NothingToWrite,
            // The files are safe: attributes that refuse must not hide them.
            _ => self
                .write_urls(plan, &verdict)
                .await
                .unwrap_or_else(AttributesOutcome::Failed),
        };
        timings.attributes = lap.next();
        Ok(Recorded {
            verdict,
            found,
            attributes,
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
        if self.is_forgotten(plan).await? {
            return failure;
        }
        // Another delivery may have got further in the meantime: its verdict stands.
        let put = put_unfinished(&self.store, plan, verdict).await;
        match put {
            Ok(there) if there.is_final() && there.covers(plan) => Ok(there),
            Ok(_) => failure,
            // The first failure is the one to tell.
            Err(put) => failure.and(Err(put)),
        }
    }

    /// Whether anything is to be done for a recording whose URLs stand on the contact: its
    /// verdict is there, and it failed or lacks something of this plan. One that is gone
    /// was deleted by somebody.
    pub(super) async fn is_wanted_again(&self, plan: &RecordingPlan) -> Result<bool, Failure> {
        let json = self.store.read(&plan.keys.verdict()).await?;
        let there = read_verdict(json.as_deref());
        Ok(there.is_some_and(|there| {
            !there.is_final() || self.left_to_do(plan, &there) != Left::Nothing
        }))
    }

    /// What is left to do for a recording that was made.
    fn left_to_do(&self, plan: &RecordingPlan, old: &Verdict) -> Left {
        match old.compare(plan) {
            Asked::More => Left::ReadAgain,
            Asked::MoreOfFewerSides => Left::Tell,
            Asked::Nothing => match self.reading.again {
                Again::IfNotComplete
                    if old.status == Status::Partial && old.sides_are_authorised(plan) =>
                {
                    Left::ReadAgain
                }
                Again::IfNotComplete | Again::IfFailed => Left::Nothing,
            },
        }
    }

    /// Reads a recording that was made once more, by all that is known of it, and replaces
    /// it if that gives more. A failure leaves the old verdict as it is: there are files
    /// that it tells of.
    async fn read_again(
        &self,
        plan: &RecordingPlan,
        old: &Verdict,
        before: Option<Vec<u8>>,
        deadline: &impl Deadline,
        timings: &mut Timings,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Verdict, Failure> {
        let made = self.make(plan, Over::Recording(old), deadline, timings, progress);
        match made.await? {
            Ended::GivenUp(_) if old.covers(plan) => Ok(old.clone()),
            Ended::GivenUp(wider) => {
                replace(&self.store, plan, before, old.not_widened(&wider)).await
            }
            Ended::Made(made) => {
                let mut lap = Lap::start();
                let committed = commit(&self.store, plan, before, made).await;
                timings.commit = lap.next();
                committed
            }
        }
    }
}

/// What is left to do for a recording that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// There may be more of it to read.
    ReadAgain,
    /// There is more of it that may not be read: its verdict must say so.
    Tell,
}
