//! All that is known of a message before it is delivered. A look-up that comes to nothing for
//! good leaves what it would have told unsaid; what can go better by itself is tried again,
//! until nothing more is waited for.

use std::collections::BTreeMap;

use super::{Delivering, NotDone, Step, Tries, failed};
use crate::failure::{Action, Failure};
use crate::media::ticks::EpochMillis;
use crate::port::Objects;
use crate::port::voicemail::{Desk, Summariser, Tagged};
use crate::voicemail::budget::cut_to_bytes;
use crate::voicemail::flagged::{self, DO_SUMMARY, FROM, UNKNOWN_NUMBER, value};
use crate::voicemail::place::{Place, tags};
use crate::voicemail::recipient::{Recipient, Wanted, wanted};
use crate::voicemail::summary::{self, Prompt};
use crate::voicemail::told::Words;
use crate::voicemail::transcript::{self, Missing, Transcript};

/// What is known of a message.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The contact.
    pub contact: Box<str>,
    /// The first leg of its call, which has the attributes.
    pub initial_contact: Box<str>,
    /// The instance's id.
    pub instance: Option<Box<str>>,
    /// The queue's ARN, if it is one.
    pub queue_arn: Option<String>,
    /// The attributes of the call; the recording's tags where they could not be read.
    pub attributes: BTreeMap<String, String>,
    /// What the call holds already: nothing where that is not known.
    pub held: BTreeMap<String, String>,
    /// Whom it is for.
    pub recipient: Recipient,
    /// Whether there is a recording.
    pub has_recording: bool,
    /// What is told of it.
    pub words: Words,
    /// What was odd, or could not be had.
    pub oddities: Vec<String>,
}

/// Where a failure ends the try, and where the message goes on without.
struct Patience<'a> {
    place: &'a Place,
    tries: Tries,
    /// Of what Connect is asked.
    looks: Tries,
    oddities: Vec<String>,
}

impl Patience<'_> {
    /// What was read, or nothing; the failure where it is to be tried again.
    fn or_nothing<V: Default>(
        &mut self,
        what: &str,
        answer: Result<V, Failure>,
    ) -> Result<V, NotDone> {
        self.or_nothing_after(self.tries, what, answer)
    }

    /// What Connect answered, or nothing.
    fn or_unknown<V: Default>(
        &mut self,
        what: &str,
        answer: Result<V, Failure>,
    ) -> Result<V, NotDone> {
        self.or_nothing_after(self.looks, what, answer)
    }

    fn or_nothing_after<V: Default>(
        &mut self,
        tries: Tries,
        what: &str,
        answer: Result<V, Failure>,
    ) -> Result<V, NotDone> {
        match answer {
            Ok(value) => Ok(value),
            Err(failure) if tries == Tries::More && failure.action() != Action::Park => {
                Err(failed(self.place, Step::Read)(failure))
            }
            Err(failure) => {
                self.oddities.push(format!("{what}: {failure}"));
                Ok(V::default())
            }
        }
    }
}

impl<R, T, D, M, J, G, Y, C> Delivering<R, T, D, M, J, G, Y, C>
where
    R: Tagged,
    T: Objects,
    D: Desk,
    M: Sync,
    J: Sync,
    G: Sync,
    Y: Summariser,
    C: Sync,
{
    /// Gathers what is known.
    pub(super) async fn gather(
        &self,
        place: &Place,
        tries: Tries,
        looks: Tries,
    ) -> Result<Known, NotDone> {
        let mut patience = Patience {
            place,
            tries,
            looks,
            oddities: Vec::new(),
        };
        let transcript = self.transcript(place, &mut patience).await?;
        let tagged = self.recordings.tags(&place.recording()).await;
        let tagged = patience.or_nothing("the recording's tags", tagged)?;
        let has_recording = tagged.is_some();
        let mut known: BTreeMap<String, String> = match tagged {
            Some(tagged) => tagged.into_iter().collect(),
            None => BTreeMap::new(),
        };
        if let Some(substitute) = &transcript.substitute {
            for (name, value) in &substitute.tags {
                known.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let text = |name: &str| value(&known, name).map(Box::<str>::from);
        let contact = text(tags::CONTACT).unwrap_or_else(|| place.contact().into());
        let initial_contact = text(tags::INITIAL_CONTACT).unwrap_or_else(|| contact.clone());
        let arn = value(&known, flagged::QUEUE_ARN).map(str::to_owned);
        let arn = arn.or_else(|| self.policy.queue_arn.as_deref().map(str::to_owned));
        let (instance, queue) = match arn.as_deref().map(|arn| flagged::place(arn, &contact)) {
            Some(Ok((instance, queue))) => (Some(instance), Some(queue)),
            Some(Err(error)) => {
                patience.oddities.push(error.to_string());
                (None, None)
            }
            None => (None, None),
        };
        let queue_arn = arn.filter(|_| queue.is_some());
        let instance = instance.or_else(|| self.policy.instance.clone());
        let held = match &instance {
            Some(instance) => {
                let attributes = self.desk.attributes(instance, &initial_contact).await;
                patience.or_unknown("the call's attributes", attributes)?
            }
            None => BTreeMap::new(),
        };
        let mut attributes = known.clone();
        attributes.extend(held.clone());
        let wanted = wanted(queue.as_ref(), &attributes);
        let recipient = self
            .look_up(instance.as_deref(), wanted, &mut patience)
            .await?;
        let from = value(&attributes, FROM).unwrap_or(UNKNOWN_NUMBER);
        let received = value(&known, tags::RECEIVED).and_then(EpochMillis::from_rfc3339);
        let (summary, is_summed_up) = self.summary(&attributes, &transcript, &mut patience).await;
        let mut notes = Vec::new();
        if !has_recording {
            let why = transcript.substitute.as_ref();
            let why = why.filter(|why| {
                why.missing == Missing::NoRecording || why.missing == Missing::NoSpeech
            });
            let why = why
                .map(|why| why.reason.as_str())
                .filter(|why| !why.is_empty());
            let why = why.map_or(String::new(), |why| {
                format!(" ({})", cut_to_bytes(why, 300))
            });
            notes.push(format!("There is no recording of this message{why}."));
        }
        let words = Words {
            from: from.to_owned(),
            recipient: recipient.name(),
            queue: recipient.source(),
            date: received.map_or_else(
                || "unknown".to_owned(),
                |received| self.policy.zone.text(received),
            ),
            summary,
            is_summed_up,
            transcript: transcript.shown().to_owned(),
            notes,
        };
        Ok(Known {
            contact,
            initial_contact,
            instance,
            queue_arn,
            attributes,
            held,
            recipient,
            has_recording,
            words,
            oddities: patience.oddities,
        })
    }

    /// The transcript; one that cannot be read for good stands for a failed one.
    async fn transcript(
        &self,
        place: &Place,
        patience: &mut Patience<'_>,
    ) -> Result<Transcript, NotDone> {
        let document = self.transcripts.read(&place.transcript()).await;
        let document = patience.or_nothing("the transcript", document)?;
        let read = document.map(|document| transcript::read(&document));
        Ok(match read {
            Some(Ok(transcript)) => transcript,
            Some(Err(error)) => {
                patience.oddities.push(error.to_string());
                unreadable()
            }
            None => unreadable(),
        })
    }

    async fn look_up(
        &self,
        instance: Option<&str>,
        wanted: Wanted,
        patience: &mut Patience<'_>,
    ) -> Result<Recipient, NotDone> {
        let mut recipient = Recipient::default();
        let Some(instance) = instance else {
            return Ok(recipient);
        };
        let (queue, user) = match wanted {
            Wanted::Queue { queue } => (Some(queue), None),
            Wanted::Agent { user } => (None, Some(user)),
            Wanted::Preferred { queue, username } => {
                let found = self.desk.find_user(instance, &username).await;
                let found = patience.or_unknown("the preferred agent", found)?;
                if found.is_none() {
                    patience
                        .oddities
                        .push("the preferred agent is not there".to_owned());
                }
                recipient.is_agent = true;
                (Some(queue), found)
            }
            Wanted::Nobody => (None, None),
        };
        if let Some(queue) = queue {
            let found = self.desk.queue(instance, &queue).await;
            recipient.queue = patience.or_unknown("the queue", found)?;
        }
        if let Some(user) = user {
            recipient.is_agent = true;
            let found = self.desk.user(instance, &user).await;
            recipient.user = patience.or_unknown("the agent", found)?;
        }
        Ok(recipient)
    }

    /// The summary and whether it is one: a failure costs nothing but it.
    async fn summary(
        &self,
        attributes: &BTreeMap<String, String>,
        transcript: &Transcript,
        patience: &mut Patience<'_>,
    ) -> (String, bool) {
        let is_wanted = match value(attributes, DO_SUMMARY) {
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(_) | None => self.policy.summary,
        };
        if !is_wanted {
            return (summary::NOT_ENABLED.to_owned(), false);
        }
        let Some(text) = transcript.text.as_ref().filter(|_| transcript.is_speech()) else {
            return (summary::NO_TRANSCRIPT.to_owned(), false);
        };
        match self.summariser.summarise(&Prompt::of(text)).await {
            Ok(answer) => match summary::kept(&answer) {
                Some(kept) => (kept, true),
                None => (summary::FAILED.to_owned(), false),
            },
            Err(failure) => {
                patience.oddities.push(format!("the summary: {failure}"));
                (summary::FAILED.to_owned(), false)
            }
        }
    }
}

fn unreadable() -> Transcript {
    Transcript {
        text: Some(Missing::TranscriptionFailed.text().to_owned()),
        substitute: Some(transcript::Substitute {
            missing: Missing::TranscriptionFailed,
            transcription_failed: true,
            reason: String::new(),
            tags: BTreeMap::new(),
        }),
    }
}
