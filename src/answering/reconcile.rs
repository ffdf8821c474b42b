//! Notes that no message and no marker stands beside, worked as if their event had come:
//! events are lost, late, or come to nothing. Each note is decided on by itself, and what
//! fails is left to the next run, so often as is set and no more.

use std::collections::BTreeMap;

use futures_util::future::{Either, select};
use futures_util::pin_mut;

use super::Answering;
use super::save::{Case, NotSaved, Saved, Step};
use crate::failure::{Failure, Tries};
use crate::media::fragment::{FragmentNumber, FragmentRange};
use crate::media::ticks::EpochMillis;
use crate::port::{
    Announcements, Clock, ContactDescriptions, Deadline, FragmentSource, LiveMedia, Recordings,
    Whereabouts,
};
use crate::recording::plan::Times;
use crate::recording::verdict::{Reason, Verdict};
use crate::voicemail::decide::{Over, next_message};
use crate::voicemail::note::{Note, NoteName, folders};
use crate::voicemail::reconcile::{Call, Left, MAX_TRIES, Made, Noted, Step as Next, looks_from};
use crate::voicemail::target::{Marker, Target, tried};

/// What became of a note, told while it happens.
#[derive(Debug)]
pub enum Told<'a> {
    /// It was left alone; those that are done are not told of.
    Left(&'a NoteName, Left),
    /// It was worked.
    Worked(&'a NoteName, &'a Saved),
    /// It was worked and came to nothing.
    Failed(&'a NoteName, &'a NotSaved),
    /// It is given up, for these reasons.
    GivenUp(&'a NoteName, &'a [Reason]),
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Notes that were looked at.
    pub notes: u64,
    /// Those that were left alone, and not because they are done.
    pub left: u64,
    /// Those that are done now.
    pub saved: u64,
    /// Those that came to nothing, this time.
    pub failed: u64,
    /// Those that are given up, with the reasons.
    pub given_up: Vec<String>,
    /// The invocation's end was near: the others are the next run's.
    pub stopped_early: bool,
}

/// What stands beside a note.
#[derive(Clone, Copy, Debug, Default)]
struct Beside {
    made: Option<Made>,
    is_tried: bool,
    is_announced: bool,
}

impl<S, L, R, C, T, A> Answering<S, L, R, C, T, A>
where
    S: FragmentSource,
    L: LiveMedia,
    R: Recordings,
    C: ContactDescriptions,
    T: Clock,
    A: Announcements,
{
    /// Looks through the notes, the oldest first, and works those that need it. A failure is
    /// one that concerns them all.
    pub async fn reconcile(
        &self,
        deadline: &impl Deadline,
        told: impl Fn(Told<'_>) + Send + Sync,
    ) -> Result<Reconciled, Failure> {
        let now = self.clock.now();
        let since = looks_from(now);
        let mut taken = BTreeMap::new();
        for folder in folders(&self.notes, since, now) {
            for listed in self.store.list(&folder).await? {
                if let Some(name) = NoteName::of_key(&listed.key, &self.notes) {
                    taken.insert(name, listed.modified.unwrap_or(EpochMillis(0)));
                }
            }
        }
        let beside = self.beside(since, now).await?;
        let mut run = Reconciled::default();
        for (name, taken) in taken {
            run.notes += 1;
            let beside = beside.get(&name.to_string()).copied().unwrap_or_default();
            let looked = {
                let look = self.look(&name, taken, beside, &mut run, deadline, &told);
                let passed = deadline.passed();
                pin_mut!(look, passed);
                match select(passed, look).await {
                    Either::Right((looked, _)) => Some(looked),
                    Either::Left(((), _)) => None,
                }
            };
            match looked {
                Some(looked) => looked?,
                None => {
                    run.stopped_early = true;
                    break;
                }
            }
        }
        Ok(run)
    }

    /// What stands beside notes, by their names.
    async fn beside(
        &self,
        since: EpochMillis,
        now: EpochMillis,
    ) -> Result<BTreeMap<String, Beside>, Failure> {
        let prefix = &*self.policy.key_prefix;
        let mut beside: BTreeMap<String, Beside> = BTreeMap::new();
        for folder in folders(prefix, since, now) {
            for listed in self.store.list(&folder).await? {
                let base = listed.key.strip_prefix(prefix).unwrap_or_default();
                let made = [
                    (".wav", Made::Message),
                    (".failed.json", Made::GivenUp),
                    (".empty.json", Made::Empty),
                ];
                for (ending, made) in made {
                    if let Some(name) = base.strip_suffix(ending) {
                        let there = &mut beside.entry(name.to_owned()).or_default().made;
                        // Whatever else stands there: a message is one.
                        *there = there.filter(|there| *there == Made::Message).or(Some(made));
                    }
                }
                if let Some(name) = base.strip_suffix(".tried.json") {
                    beside.entry(name.to_owned()).or_default().is_tried = true;
                }
                if let Some(name) = base.strip_suffix(".announced.json") {
                    beside.entry(name.to_owned()).or_default().is_announced = true;
                }
            }
        }
        Ok(beside)
    }

    async fn look(
        &self,
        name: &NoteName,
        taken: EpochMillis,
        beside: Beside,
        run: &mut Reconciled,
        deadline: &impl Deadline,
        told: &(impl Fn(Told<'_>) + Send + Sync),
    ) -> Result<(), Failure> {
        let (tries, reasons) = match beside.is_tried && beside.made.is_none() {
            true => self.tries_of(name).await?,
            false => (0, Vec::new()),
        };
        let mut noted = Noted {
            taken,
            made: beside.made,
            tries,
            call: Call::NotAsked,
        };
        let mut note = None;
        loop {
            match noted.step(self.clock.now()) {
                Next::Leave(Left::Done(made)) => {
                    let told_of = beside.is_announced || made != Made::Message;
                    if !told_of && self.announcements.are_wanted() {
                        self.announce_late(name, run, told).await?;
                    }
                    return Ok(());
                }
                Next::Leave(left) => {
                    run.left += 1;
                    told(Told::Left(name, left));
                    return Ok(());
                }
                Next::Ask => {
                    let read = self.read_note(name).await?;
                    noted.call = self.call_of(&read).await;
                    note = Some(read);
                }
                Next::GiveUp { tries } => {
                    let note = Note::of_name(name);
                    self.mark(&note, Marker::Failed, &reasons).await?;
                    told(Told::GivenUp(name, &reasons));
                    let why: Vec<_> = reasons.iter().map(|reason| &*reason.detail).collect();
                    let why = why.join(", ");
                    run.given_up
                        .push(format!("{name}, after {tries} tries: {why}"));
                    return Ok(());
                }
                Next::Work { ended, attempt } => {
                    let note = match note {
                        Some(note) => note,
                        None => self.read_note(name).await?,
                    };
                    let over = Over {
                        contact: note.contact.clone(),
                        before: Vec::new(),
                        ended,
                    };
                    let of_contact = self.notes_by_contact(&note.contact).await?;
                    let case = Case {
                        note: &note,
                        over: &over,
                        next: next_message(&note, &of_contact),
                        tries: match attempt >= MAX_TRIES {
                            true => Tries::Last,
                            false => Tries::More,
                        },
                    };
                    let tried = Marker::Tried { tries: attempt };
                    return self.work(case, tried, &reasons, run, deadline, told).await;
                }
            }
        }
    }

    /// Tells others of a message that is saved, and that nobody told them of so far.
    async fn announce_late(
        &self,
        name: &NoteName,
        run: &mut Reconciled,
        told: &(impl Fn(Told<'_>) + Send + Sync),
    ) -> Result<(), Failure> {
        let key = Target::of(name, &self.policy.key_prefix).keys().verdict();
        let verdict = self.store.read(&key).await?;
        // A file without a verdict: its maker is at work on it.
        let Some(Ok(verdict)) = verdict.map(|json| Verdict::from_json(&json)) else {
            return Ok(());
        };
        let note = self.read_note(name).await?;
        if let Err(failure) = self.announce(&note, &verdict).await {
            let not_saved = NotSaved::at(&note.contact, Step::Announce)(failure);
            run.failed += 1;
            told(Told::Failed(name, &not_saved));
        }
        Ok(())
    }

    async fn work(
        &self,
        case: Case<'_>,
        tried: Marker,
        before: &[Reason],
        run: &mut Reconciled,
        deadline: &impl Deadline,
        told: &(impl Fn(Told<'_>) + Send + Sync),
    ) -> Result<(), Failure> {
        let note = case.note;
        // Counted before it is tried: one that ends the process is tried as seldom.
        self.mark(note, tried, before).await?;
        match self.save_message(case, deadline, |_| ()).await {
            Ok(saved) => {
                run.saved += 1;
                told(Told::Worked(&note.name, &saved));
            }
            Err(not_saved) => {
                run.failed += 1;
                told(Told::Failed(&note.name, &not_saved));
                let reason = Reason {
                    code: not_saved.failure.kind.name().to_owned(),
                    detail: not_saved.to_string(),
                };
                self.mark(note, tried, &[reason]).await?;
            }
        }
        Ok(())
    }

    async fn tries_of(&self, name: &NoteName) -> Result<(u32, Vec<Reason>), Failure> {
        let target = Target::of(name, &self.policy.key_prefix);
        let marker = self
            .store
            .read(&target.marker(Marker::Tried { tries: 0 }))
            .await?;
        Ok(marker.map(|marker| tried(&marker)).unwrap_or_default())
    }

    /// Whether a note's call goes on: as Connect says, else as the stream's newest fragment
    /// tells.
    pub(super) async fn call_of(&self, note: &Note) -> Call {
        let described = self
            .contacts
            .describe(note.instance.as_deref(), &note.contact);
        match described.await {
            Ok(described) => described.ended.map_or(Call::GoesOn, Call::Ended),
            Err(_) => Call::Streamed(self.newest_of(note).await),
        }
    }

    /// When a note's stream got its newest fragment, as far as it tells.
    async fn newest_of(&self, note: &Note) -> Option<EpochMillis> {
        let streamed = note.streamed.as_ref()?;
        let listing = self.source.list(Whereabouts {
            stream: &streamed.stream,
            range: FragmentRange {
                start: streamed.start_fragment,
                stop: streamed.stop_fragment,
            },
            times: Times {
                started: streamed.started,
                stopped: streamed.stopped,
            },
        });
        let numbers = listing.await.ok()?.numbers;
        numbers
            .into_iter()
            .max()
            .and_then(FragmentNumber::hinted_server_time)
    }
}
