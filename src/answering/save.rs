//! A message from its event to its file: the note is found, the stream is known or asked
//! for, the last fragments are waited for, and the recorder makes it. Where nothing was
//! said a marker stands in its place. What fails names the contact and the step; it is
//! tried again from the start, and nothing is seen of what was not finished.

use std::fmt;
use std::sync::Mutex;

use futures_util::future::{Either, select};
use futures_util::pin_mut;

use super::Answering;
use crate::connect::contact_event::ContactEvent;
use crate::failure::{Failure, FailureKind, Tries};
use crate::media::fragment::FragmentNumber;
use crate::message_source::{MessageSource, When};
use crate::port::{
    Announcements, Clock, ContactDescriptions, Deadline, Expect, FragmentSource, LiveMedia,
    NoAttributes, Recordings, Whereabouts,
};
use crate::recorder::{Progress, Recorded, Recorder, Worked};
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::{Reason, Status, Verdict};
use crate::voicemail::announce::MessageSaved;
use crate::voicemail::arrival::{Arrival, Looked};
use crate::voicemail::decide::{Decision, Over, SkipReason, decide, next_message, over};
use crate::voicemail::note::Note;
use crate::voicemail::reconcile::{Call, looks_from};
use crate::voicemail::target::{Marker, Target, marker_json};

/// The reason's code where no stream of the contact is known.
const NOT_STREAMED: &str = "not_streamed";

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// Nothing was to be made.
    Skipped {
        /// The contact.
        contact: Box<str>,
        /// Why.
        reason: SkipReason,
    },
    /// The message is there, made now or before.
    Message {
        /// What was noted of the call.
        note: Box<Note>,
        /// What was made.
        plan: Box<RecordingPlan>,
        /// What became of it.
        recorded: Box<Recorded>,
        /// Recordings of the contact that are on other streams, and in no message.
        elsewhere: usize,
    },
    /// Nothing was said: a marker is there.
    Empty {
        /// The contact.
        contact: Box<str>,
        /// The marker's key.
        key: String,
        /// Why.
        reasons: Vec<Reason>,
    },
}

/// Where saving a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Looking for the note.
    FindNote,
    /// Asking Connect for the contact's recordings.
    AskContact,
    /// Waiting for the last fragments.
    Wait,
    /// Recording.
    Record,
    /// Writing the marker.
    Mark,
    /// Telling others of it; the message is saved.
    Announce,
}

impl Step {
    /// A word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FindNote => "find_note",
            Self::AskContact => "ask_contact",
            Self::Wait => "wait",
            Self::Record => "record",
            Self::Mark => "mark",
            Self::Announce => "announce",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FindNote => "looking for its note",
            Self::AskContact => "asking Connect for its recordings",
            Self::Wait => "waiting for its last fragments",
            Self::Record => "recording its message",
            Self::Mark => "writing its marker",
            Self::Announce => "telling others of its message, which is saved",
        })
    }
}

/// A message that was not saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("contact {contact}, {step}: {failure}")]
pub struct NotSaved {
    /// The contact.
    pub contact: Box<str>,
    /// Where it ended.
    pub step: Step,
    /// What broke.
    pub failure: Failure,
}

impl NotSaved {
    /// What ended here, of this contact.
    pub(super) fn at(contact: &str, step: Step) -> impl FnOnce(Failure) -> Self + use<> {
        let contact = contact.into();
        move |failure| Self {
            contact,
            step,
            failure,
        }
    }
}

/// What is worked: a note, the end of its call, where the contact's next message begins, and
/// whether it is tried again.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub note: &'a Note,
    pub over: &'a Over,
    pub next: Option<FragmentNumber>,
    pub tries: Tries,
}

impl Case<'_> {
    pub(super) fn failed(&self, step: Step) -> impl FnOnce(Failure) -> NotSaved + use<> {
        NotSaved::at(&self.note.contact, step)
    }
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
    /// Saves the messages of a contact that is over: what became of each, one at the least.
    /// None is in the way of another.
    pub async fn save(
        &self,
        event: &ContactEvent,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Vec<Result<Saved, NotSaved>> {
        let contact = event.contact.clone();
        let over = match over(event, self.clock.now()) {
            Ok(over) => over,
            Err(reason) => return vec![Ok(Saved::Skipped { contact, reason })],
        };
        let began = event.initiated.unwrap_or(over.ended);
        let notes = self.find_notes(&contact, began, over.ended).await;
        let mut notes = match notes.map_err(NotSaved::at(&contact, Step::FindNote)) {
            Ok(notes) => notes,
            Err(not_saved) => return vec![Err(not_saved)],
        };
        for note in &mut notes {
            note.instance = note.instance.take().or_else(|| event.instance.clone());
        }
        self.save_notes(&contact, &notes, &over, deadline, progress)
            .await
    }

    /// Saves the messages of a contact that somebody names, as if its event had come: of a
    /// call whose end nobody knows the stream tells whether it is over.
    pub async fn save_by_hand(
        &self,
        contact: &str,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Vec<Result<Saved, NotSaved>> {
        let now = self.clock.now();
        let since = looks_from(now);
        let notes = self.find_notes(contact, since, now).await;
        let notes = match notes.map_err(NotSaved::at(contact, Step::FindNote)) {
            Ok(notes) => notes,
            Err(not_saved) => return vec![Err(not_saved)],
        };
        let call = match notes.last() {
            Some(note) => self.call_of(note).await,
            None => Call::NotAsked,
        };
        let Some(ended) = call.ended(now) else {
            let (contact, reason) = (contact.into(), SkipReason::StillSpoken);
            return vec![Ok(Saved::Skipped { contact, reason })];
        };
        let over = Over {
            contact: contact.into(),
            before: Vec::new(),
            ended,
        };
        self.save_notes(contact, &notes, &over, deadline, progress)
            .await
    }

    async fn save_notes(
        &self,
        contact: &str,
        notes: &[Note],
        over: &Over,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Vec<Result<Saved, NotSaved>> {
        if notes.is_empty() {
            let (contact, reason) = (contact.into(), SkipReason::NoNote);
            return vec![Ok(Saved::Skipped { contact, reason })];
        }
        let mut all = Vec::new();
        for note in notes {
            let case = Case {
                note,
                over,
                next: next_message(note, notes),
                tries: Tries::More,
            };
            all.push(self.save_message(case, deadline, &progress).await);
        }
        all
    }

    /// Saves the message of a note.
    pub(super) async fn save_message(
        &self,
        case: Case<'_>,
        deadline: &impl Deadline,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Saved, NotSaved> {
        let (note, over, prefix) = (case.note, case.over, &*self.policy.key_prefix);
        let mut decision = decide(note, over, None, prefix);
        if decision == Decision::AskContact {
            let described = self
                .contacts
                .describe(note.instance.as_deref(), &note.contact);
            let described = described.await.map_err(case.failed(Step::AskContact))?;
            decision = decide(note, over, Some(&described.recordings), prefix);
        }
        let message = match (decision, case.tries) {
            (Decision::Save(message), _) => message,
            (Decision::NotStreamed | Decision::AskContact, Tries::Last) => {
                let reason = Reason {
                    code: NOT_STREAMED.to_owned(),
                    detail: "neither the note nor Connect knows a stream of the contact".to_owned(),
                };
                return self.mark_empty(case, vec![reason]).await;
            }
            (Decision::NotStreamed | Decision::AskContact, Tries::More) => {
                let cause = "neither its note nor Connect knows a stream of it, so far";
                let failure = Failure::new(FailureKind::NotLocated, &note.contact, cause);
                return Err(case.failed(Step::AskContact)(failure));
            }
        };
        let plan = message.plan();
        let mut source = self.source_of(&plan, case.next);
        let listed = self.last_fragments(&source, &plan, over, deadline).await;
        let listed = listed.map_err(case.failed(Step::Wait))?;
        source.when = match (case.tries, listed.is_empty()) {
            (Tries::More, false) => When::NowOrLater,
            (Tries::Last, _) | (_, true) => When::Now,
        };
        let recorder = Recorder {
            source,
            store: &self.store,
            attributes: NoAttributes,
            policy: self.policy.clone(),
            reading: self.reading,
        };
        let worked = Box::pin(recorder.work_plan(Box::new(plan), deadline, progress)).await;
        let trouble = worked.trouble().map(|trouble| trouble.failure.into_owned());
        let (plan, recorded) = match (worked, trouble) {
            (Worked::Recorded(plan, recorded), trouble) => {
                let verdict = &recorded.verdict;
                if verdict.files.is_empty() && says_nothing(verdict, &listed) {
                    return self.mark_empty(case, verdict.reasons.clone()).await;
                }
                if let Some(failure) = trouble {
                    return Err(case.failed(Step::Record)(failure));
                }
                (plan, recorded)
            }
            (_, Some(failure)) => return Err(case.failed(Step::Record)(failure)),
            // The recorder has nothing more to say of what it left alone.
            (_, None) => {
                return Ok(Saved::Skipped {
                    contact: note.contact.clone(),
                    reason: SkipReason::AlreadySaved,
                });
            }
        };
        let announced = self.announce(note, &recorded.verdict).await;
        announced.map_err(case.failed(Step::Announce))?;
        Ok(Saved::Message {
            note: Box::new(note.clone()),
            plan,
            recorded,
            elsewhere: message.elsewhere,
        })
    }

    fn source_of(
        &self,
        plan: &RecordingPlan,
        next: Option<FragmentNumber>,
    ) -> MessageSource<'_, S, L> {
        MessageSource {
            source: &self.source,
            live: &self.live,
            contacts: plan.claim.contacts.clone(),
            next,
            when: When::NowOrLater,
            held: Mutex::default(),
        }
    }

    /// What is listed of a message once its last fragments have come, or nothing more is to
    /// be expected.
    async fn last_fragments(
        &self,
        source: &MessageSource<'_, S, L>,
        plan: &RecordingPlan,
        over: &Over,
        deadline: &impl Deadline,
    ) -> Result<Vec<FragmentNumber>, Failure> {
        let waiting = async {
            let mut looks = 1;
            loop {
                let listing = source.list(Whereabouts {
                    stream: &plan.stream,
                    range: plan.claim.range,
                    times: plan.times,
                });
                let numbers = listing.await?.numbers;
                let looked = Looked {
                    newest: numbers.iter().max().copied(),
                    stop: plan.claim.range.stop,
                    ended: over.ended,
                    now: self.clock.now(),
                    looks,
                };
                // The contact went on to its next message: the last of this one came before.
                if source.next.is_some() {
                    return Ok(numbers);
                }
                match looked.arrival() {
                    Arrival::Wait(time) if self.clock.wait(time).await => looks += 1,
                    Arrival::Wait(_) | Arrival::Come(_) | Arrival::Waited => return Ok(numbers),
                }
            }
        };
        let passed = deadline.passed();
        pin_mut!(waiting, passed);
        match select(passed, waiting).await {
            Either::Right((listed, _)) => listed,
            Either::Left(((), _)) => Err(Failure::new(
                FailureKind::OutOfTime,
                &plan.stream,
                "the invocation ends before the last fragments have come",
            )),
        }
    }

    /// Tells others of a message, unless a mark beside it says that they were told: told
    /// first and marked then, so that they are told twice rather than never.
    pub(super) async fn announce(&self, note: &Note, verdict: &Verdict) -> Result<(), Failure> {
        if !self.announcements.are_wanted() {
            return Ok(());
        }
        let Some(saved) = MessageSaved::of(note, verdict) else {
            return Ok(());
        };
        let target = Target::of(&note.name, &self.policy.key_prefix);
        let marker = target.marker(Marker::Announced);
        if self.store.read(&marker).await?.is_some() {
            return Ok(());
        }
        self.announcements.announce(&saved).await?;
        self.mark(note, Marker::Announced, &[]).await.map(|_| ())
    }

    async fn mark_empty(&self, case: Case<'_>, reasons: Vec<Reason>) -> Result<Saved, NotSaved> {
        let marked = self.mark(case.note, Marker::Empty, &reasons).await;
        let key = marked.map_err(case.failed(Step::Mark))?;
        Ok(Saved::Empty {
            contact: case.note.contact.clone(),
            key,
            reasons,
        })
    }

    /// Writes a marker in place of the one that is there; its key.
    pub(super) async fn mark(
        &self,
        note: &Note,
        marker: Marker,
        reasons: &[Reason],
    ) -> Result<String, Failure> {
        let key = Target::of(&note.name, &self.policy.key_prefix).marker(marker);
        let json = marker_json(marker, note, reasons);
        if !self.store.put(&key, json.clone(), Expect::Nothing).await?
            && let Some(before) = self.store.read(&key).await?
            && before != json
        {
            // Somebody else who is faster says the same.
            self.store.put(&key, json, Expect::Exactly(&before)).await?;
        }
        Ok(key)
    }
}

/// Whether a recording without a file lacks nothing that there was: no fragment of the
/// message came, and what did not come was never listed.
fn says_nothing(verdict: &Verdict, listed: &[FragmentNumber]) -> bool {
    let counts = &verdict.fragments;
    let named = [
        &verdict.recording.start_fragment,
        &verdict.recording.stop_fragment,
    ];
    let mut named: Vec<FragmentNumber> = named
        .into_iter()
        .flatten()
        .filter_map(|number| number.parse().ok())
        .collect();
    named.dedup();
    named.retain(|number| !listed.contains(number));
    let unlisted = u64::try_from(named.len()).unwrap_or(0);
    verdict.status == Status::Empty || (counts.own == 0 && counts.missing <= unlisted)
}
