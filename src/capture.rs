//! Voicemail's first step: a batch of contact records, and of each that a flow flagged the
//! message, recorded as any recording is: the same plan, the same kernel, the same verdict. A
//! message without audio goes on as one: a substitute for its transcript lies where the steps
//! behind look, and says what a recording's tags would.

use std::future::pending;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use crate::connect::record::{
    ContactRecord, Limits, NotAContactRecord, read_contact_records_within,
};
use crate::event::batch::{self, BatchRecord, NotABatch, Origin};
use crate::failure::parked::{MAX_MESSAGE_BYTES, Parked};
use crate::failure::{Action, Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::message_source::{MessageSource, When};
use crate::port::{
    Clock, Deadline, Expect, FragmentSource, LiveMedia, MediaBody, NewFile, NoAttributes, Objects,
    Opening, ParkingLot, Recordings, Upload,
};
use crate::recorder::{Recorded, Recorder, Worked, walled_work};
use crate::recording::plan::RecordingPlan;
use crate::side_by_side::{Call, SideBySide};
use crate::voicemail::capture::{Decision, Defaults, SkipReason, Voicemail, decide};
use crate::voicemail::ivr::{Cut, Cutting, IvrRecording};
use crate::voicemail::transcript::{Missing, substitute};

/// How long after its call a message waits for audio that may still be had. Then it is
/// delivered without.
pub const WITHOUT_AFTER: Duration = Duration::from_secs(3_600);
/// How long after it came to the data stream a record is delivered again at once; then it waits
/// in the queue, out of the way of those behind it.
const TRIED_AT_ONCE_FOR: Duration = Duration::from_secs(60);

/// Voicemail's first step between its ports.
#[derive(Debug)]
pub struct Capture<S, L, I, R, T, P, C> {
    /// Makes the recordings. No URL belongs on a contact.
    pub recorder: Recorder<S, R, NoAttributes>,
    /// The same streams, as they are read when they list nothing: those that keep no media.
    pub live: L,
    /// Connect's own recordings, which messages may be cut out of.
    pub ivr: I,
    /// Where transcripts lie.
    pub transcripts: T,
    /// Where records wait that a person or time must help on.
    pub parking: P,
    /// Time.
    pub clock: C,
    /// What stands in for what a flow does not say.
    pub defaults: Defaults,
    /// Messages that are recorded side by side.
    pub at_once: usize,
}

/// What became of one contact record.
#[derive(Debug)]
pub enum Captured {
    /// Nothing was to be done.
    Skipped {
        /// The contact.
        contact: Box<str>,
        /// Why.
        reason: SkipReason,
    },
    /// It is no contact record.
    NotAContactRecord(NotAContactRecord),
    /// The recording is there, made now or before.
    Recorded {
        /// The message.
        voicemail: Box<Voicemail>,
        /// What was made.
        plan: Box<RecordingPlan>,
        /// What became of it.
        recorded: Box<Recorded>,
    },
    /// It was cut out of the recording of an automated interaction.
    Cut {
        /// The message.
        voicemail: Box<Voicemail>,
        /// What was cut.
        cutting: Cutting,
    },
    /// There is no recording: the message goes on without.
    Without {
        /// The message.
        voicemail: Box<Voicemail>,
        /// What is lacking.
        missing: Missing,
        /// Why.
        reason: String,
    },
    /// It was left alone, for the recorder's reason.
    LeftAlone {
        /// The contact.
        contact: Box<str>,
        /// Why.
        reason: String,
    },
    /// It is to be tried again.
    Failed {
        /// The contact, if it is known.
        contact: Option<Box<str>>,
        /// What broke.
        failure: Failure,
    },
}

impl Captured {
    fn failure(&self) -> Option<(Option<&str>, Failure)> {
        match self {
            Self::Failed { contact, failure } => Some((contact.as_deref(), failure.clone())),
            Self::NotAContactRecord(error @ NotAContactRecord::Unreadable(_)) => Some((
                None,
                Failure::new(FailureKind::RecordUnreadable, "the record", error),
            )),
            Self::NotAContactRecord(NotAContactRecord::OtherShape(_))
            | Self::Skipped { .. }
            | Self::Recorded { .. }
            | Self::Cut { .. }
            | Self::Without { .. }
            | Self::LeftAlone { .. } => None,
        }
    }
}

/// A stream record that was worked.
#[derive(Debug)]
pub struct Handled {
    /// The record.
    pub record: BatchRecord,
    /// What became of its contact records.
    pub captured: Vec<Captured>,
    /// What becomes of it.
    pub settled: Settled,
}

/// What becomes of a stream record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing more is to be done.
    Done,
    /// It is delivered again.
    HandedBack,
    /// It waits in the queue, which delivers it again.
    Parked,
}

/// A batch that was worked.
#[derive(Debug)]
pub struct CapturedBatch {
    /// Where it came from.
    pub origin: Origin,
    /// Its records, in order.
    pub records: Vec<Handled>,
}

impl CapturedBatch {
    /// The ids of the records to deliver again, each once.
    pub fn failures(&self) -> Vec<String> {
        let back = self.records.iter().map(|handled| {
            let is_handed_back = handled.settled == Settled::HandedBack;
            let back = is_handed_back.then_some(Action::Retry);
            (&handled.record, back)
        });
        batch::to_hand_back(self.origin, back)
    }
}

impl<S, L, I, R, T, P, C> Capture<S, L, I, R, T, P, C>
where
    S: FragmentSource,
    L: LiveMedia,
    I: Opening,
    R: Recordings,
    T: Objects,
    P: ParkingLot,
    C: Clock,
{
    /// Works an event: records of any number, each by itself.
    pub async fn handle(
        &self,
        event: &Value,
        deadline: &impl Deadline,
    ) -> Result<CapturedBatch, NotABatch> {
        let (origin, records) = batch::read_event_value(event)?;
        Ok(self.handle_records(origin, records, deadline).await)
    }

    /// The same for records that were read.
    pub async fn handle_records(
        &self,
        origin: Origin,
        records: Vec<BatchRecord>,
        deadline: &impl Deadline,
    ) -> CapturedBatch {
        let calls = records.into_iter().map(|record| Call {
            works: vec![record],
            memory: 0,
        });
        let work = |record: BatchRecord| async move {
            // A panic is its own record's failure, and no other's.
            let captured = walled_work("the record", self.work(&record, deadline)).await;
            let captured = captured.unwrap_or_else(|failure| {
                vec![Captured::Failed {
                    contact: None,
                    failure,
                }]
            });
            let settled = self.settle(origin, &record, &captured).await;
            Handled {
                record,
                captured,
                settled,
            }
        };
        let side_by_side = SideBySide {
            calls: self.at_once,
            memory: u64::MAX,
        };
        // Past the deadline each message ends at once, by itself.
        let ended = side_by_side.work(calls.collect(), pending(), work, |_| {
            ControlFlow::Continue(())
        });
        let records = ended.await.done;
        CapturedBatch { origin, records }
    }

    async fn work(&self, record: &BatchRecord, deadline: &impl Deadline) -> Vec<Captured> {
        let data = match &record.data {
            Ok(data) => data,
            Err(error) => {
                let failure = Failure::new(FailureKind::RecordUnreadable, "the record", error);
                return vec![Captured::Failed {
                    contact: None,
                    failure,
                }];
            }
        };
        let mut captured = Vec::new();
        for contact in read_contact_records_within(data, Limits::OF_AN_INVOCATION) {
            captured.push(match contact {
                Err(error) => Captured::NotAContactRecord(error),
                Ok(contact) => {
                    let id = contact.contact.clone();
                    let work = Box::pin(self.capture(&contact, deadline));
                    let captured = walled_work("the contact record", work).await;
                    captured.unwrap_or_else(|failure| Captured::Failed {
                        contact: Some(id),
                        failure,
                    })
                }
            });
        }
        captured
    }

    /// Records the message of a contact record, if it left one.
    pub async fn capture(&self, record: &ContactRecord, deadline: &impl Deadline) -> Captured {
        let contact = record.contact.clone();
        let voicemail = match decide(record, &self.defaults) {
            Decision::Skip(reason) => return Captured::Skipped { contact, reason },
            Decision::Capture(voicemail) => voicemail,
        };
        if let Some(ivr) = voicemail.ivr.clone() {
            return self.cut(voicemail, &ivr).await;
        }
        let plan = match voicemail.plan.clone() {
            Ok(plan) => plan,
            Err(cause) => return self.without(voicemail, Missing::NoRecording, cause).await,
        };
        let recorder = Recorder {
            source: MessageSource {
                source: &self.recorder.source,
                live: &self.live,
                contacts: plan.claim.contacts.clone(),
                next: None,
                when: When::NowOrLater,
                held: Mutex::default(),
            },
            store: &self.recorder.store,
            attributes: NoAttributes,
            policy: self.recorder.policy.clone(),
            reading: self.recorder.reading,
        };
        let worked = Box::pin(recorder.work_plan(plan, deadline, |_| ())).await;
        let trouble = worked.trouble().map(|trouble| trouble.failure.into_owned());
        match (worked, trouble) {
            (Worked::Recorded(plan, recorded), None) if !recorded.verdict.files.is_empty() => {
                Captured::Recorded {
                    voicemail,
                    plan,
                    recorded,
                }
            }
            (Worked::Recorded(_, recorded), None) => {
                let reasons = recorded.verdict.reasons.iter();
                let reasons: Vec<_> = reasons.map(|reason| &*reason.detail).collect();
                self.without(voicemail, Missing::NoSpeech, reasons.join(", "))
                    .await
            }
            (_, Some(failure)) if self.is_lost(&voicemail, &failure) => {
                let reason = failure.to_string();
                self.without(voicemail, Missing::NoRecording, reason).await
            }
            (_, Some(failure)) => Captured::Failed {
                contact: Some(contact),
                failure,
            },
            (Worked::Skipped { reason, .. }, None) => Captured::LeftAlone {
                contact,
                reason: reason.to_string(),
            },
            (_, None) => Captured::LeftAlone {
                contact,
                reason: "nothing to record".to_owned(),
            },
        }
    }

    /// Cuts a message out of the recording of an automated interaction, while that is read: what is
    /// held of it is bounded, however long it is.
    async fn cut(&self, voicemail: Box<Voicemail>, ivr: &IvrRecording) -> Captured {
        match self.try_to_cut(&voicemail, ivr).await {
            Ok(cutting) => Captured::Cut { voicemail, cutting },
            Err(failure) if self.is_lost(&voicemail, &failure) => {
                let reason = failure.to_string();
                self.without(voicemail, Missing::NoRecording, reason).await
            }
            Err(failure) => Captured::Failed {
                contact: Some(voicemail.contact.clone()),
                failure,
            },
        }
    }

    async fn try_to_cut(
        &self,
        voicemail: &Voicemail,
        ivr: &IvrRecording,
    ) -> Result<Cutting, Failure> {
        let subject = format!("s3://{}/{}", ivr.bucket, ivr.key);
        let unreadable = |error| Failure::new(FailureKind::Unreadable, &subject, error);
        let opened = self.ivr.open(&ivr.key).await?;
        // Connect writes it some time behind the record.
        let gone = || {
            Failure::new(
                FailureKind::Unavailable,
                &subject,
                "it is not there, so far",
            )
        };
        let mut opened = opened.ok_or_else(gone)?;
        let key = voicemail.place.recording();
        let file = NewFile {
            tags: &voicemail.tags,
            ..NewFile::wav(&key, &voicemail.contact)
        };
        let mut upload = self.recorder.store.begin(file).await?;
        let mut cut = Cut::new(ivr.skip_millis.unwrap_or(0));
        while let Some(chunk) = opened.body.next_chunk().await? {
            let audio = cut.push(&chunk).map_err(unreadable)?;
            if !audio.is_empty() {
                upload.write(audio.into()).await?;
            }
        }
        let cutting = cut.finish().map_err(unreadable)?;
        let header = cutting.header.to_vec();
        upload.finish(header.into()).await?;
        Ok(cutting)
    }

    /// Whether audio will not come any more, or has had its time.
    fn is_lost(&self, voicemail: &Voicemail, failure: &Failure) -> bool {
        let is_gone = matches!(
            failure.kind,
            FailureKind::RetentionOver
                | FailureKind::StreamMissing
                | FailureKind::StreamEmpty
                | FailureKind::StreamNotNamed
                | FailureKind::NotThere
                | FailureKind::NotLocated
        );
        let age = |ended: EpochMillis| self.clock.now().0.saturating_sub(ended.0);
        let waited = i64::try_from(WITHOUT_AFTER.as_millis()).unwrap_or(i64::MAX);
        is_gone || voicemail.ended.is_some_and(|ended| age(ended) >= waited)
    }

    async fn without(
        &self,
        voicemail: Box<Voicemail>,
        missing: Missing,
        reason: String,
    ) -> Captured {
        let document = substitute(&voicemail.place, missing, &reason, &voicemail.tags);
        let key = voicemail.place.transcript();
        // One that is there says more, or the same.
        match self.transcripts.put(&key, document, Expect::Nothing).await {
            Ok(_) => Captured::Without {
                voicemail,
                missing,
                reason,
            },
            Err(failure) => Captured::Failed {
                contact: Some(voicemail.contact.clone()),
                failure,
            },
        }
    }

    async fn settle(&self, origin: Origin, record: &BatchRecord, captured: &[Captured]) -> Settled {
        let mut failures = captured.iter().filter_map(Captured::failure);
        let Some((contact, failure)) = failures.next() else {
            return Settled::Done;
        };
        let age = record.age(self.clock.now());
        let is_young = age.is_none_or(|age| age < TRIED_AT_ONCE_FOR);
        if origin == Origin::Sqs || (failure.action() == Action::Retry && is_young) {
            return Settled::HandedBack;
        }
        let parked = Parked::new(record.bytes(), contact, &failure, None)
            .with_more(failures.map(|(_, failure)| failure.to_string()));
        let fits = parked.to_json().len() <= MAX_MESSAGE_BYTES;
        match fits && matches!(self.parking.park(&parked).await, Ok(true)) {
            true => Settled::Parked,
            false => Settled::HandedBack,
        }
    }
}
