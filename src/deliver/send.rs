//! From a transcript to a task or a mail, once: the marker says who sends, and what was sent.
//! Behind a delivery the job is deleted and the flag taken back; where that fails nothing is
//! lost, and a repeat of the event does it again.

use super::gather::Known;
use super::{Delivering, NotDone, Step, Tries, failed};
use crate::failure::{Action, Failure, FailureKind};
use crate::port::voicemail::{Desk, Mailer, Signer, Summariser, Tagged, Transcriber};
use crate::port::{Clock, Expect, MediaBody, Objects, Opening};
use crate::voicemail::budget::{
    Attributes, Chain, Description, LinkPlace, Playback, References, TaskName, Told, cut_to_bytes,
};
use crate::voicemail::delivery::{Delivery, Next, State, next};
use crate::voicemail::flagged::{self, Mode};
use crate::voicemail::link::Link;
use crate::voicemail::mail::{Content, Letter, Mail, Named, data, fits};
use crate::voicemail::place::Place;
use crate::voicemail::policy::{EmailWay, Way};
use crate::voicemail::task::StartTask;

/// The description of a guided task: the guide shows the rest.
const GUIDED: &str = "A voicemail. Accept it to see and hear it.";
/// The note of a mail that may be the second one.
const PERHAPS_AGAIN: &str = "This mail may come twice: the first try broke off behind its sending.";

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The object is no transcript of voicemail's.
    Ignored,
    /// It was delivered before.
    Before {
        /// The contact.
        contact: Box<str>,
        /// How.
        mode: Mode,
        /// The contact of the task, or the id of the mail.
        id: Box<str>,
        /// What could not be done behind it, again.
        oddities: Vec<String>,
    },
    /// It was delivered now.
    Now {
        /// The contact.
        contact: Box<str>,
        /// How.
        mode: Mode,
        /// The contact of the task, or the id of the mail.
        id: Box<str>,
        /// What was odd on the way, and what could not be had.
        oddities: Vec<String>,
    },
}

/// What is sent.
enum Parcel {
    Task(Box<StartTask>),
    Mail(Box<Mail>),
}

impl<R, T, D, M, J, G, Y, C> Delivering<R, T, D, M, J, G, Y, C>
where
    R: Tagged + Opening,
    T: Objects,
    D: Desk,
    M: Mailer,
    J: Transcriber,
    G: Signer,
    Y: Summariser,
    C: Clock,
{
    /// Delivers the message whose transcript lies under a key.
    pub async fn deliver(&self, key: &str, tries: Tries) -> Result<Delivered, NotDone> {
        let Some(place) = Place::of_transcript(key) else {
            return Ok(Delivered::Ignored);
        };
        self.deliver_place(&place, tries).await
    }

    pub(super) async fn deliver_place(
        &self,
        place: &Place,
        tries: Tries,
    ) -> Result<Delivered, NotDone> {
        let marker = self.recordings.read(&place.marker()).await;
        let marker = marker.map_err(failed(place, Step::Read))?;
        let (tried, perhaps_again) = match next(marker.as_deref(), self.clock.now()) {
            Next::Done { mode, id } => {
                let oddities = self.finish_found(place, marker).await;
                let contact = place.contact().into();
                return Ok(Delivered::Before {
                    contact,
                    mode,
                    id,
                    oddities,
                });
            }
            Next::Leave => return Err(contended(place)),
            Next::Send {
                tries,
                perhaps_again,
            } => (tries, perhaps_again),
        };
        let mut known = self.gather(place, tries).await?;
        let chosen = self.policy.way(&known.attributes, &known.recipient);
        known.oddities.extend(chosen.oddities);
        let Some(way) = chosen.way else {
            let cause =
                "no mode of the deployment can deliver it: set up tasks, guided tasks or mail";
            let failure = Failure::new(FailureKind::Refused, place.contact(), cause);
            return Err(failed(place, Step::Deliver)(failure));
        };
        let mode = way.mode();
        if perhaps_again && mode == Mode::Email {
            known.words.notes.push(PERHAPS_AGAIN.to_owned());
        }
        let parcel = self.pack(place, way, &mut known).await?;
        // From here on one deliverer sends: whoever does not find what was read leaves it.
        let sending = self.state(tried, State::Sending);
        let expect = Expect::unchanged(marker.as_deref());
        let key = place.marker();
        let put = self.recordings.put(&key, sending.clone(), expect).await;
        if !put.map_err(failed(place, Step::Mark))? {
            return Err(contended(place));
        }
        let sent = match parcel {
            Parcel::Task(task) => self.start_task(*task, &mut known.oddities).await,
            Parcel::Mail(mail) => self.send_mail(*mail, &mut known.oddities).await,
        };
        let id = match sent {
            Ok(id) => id,
            Err(failure) => {
                // The next try need not wait until this one counts as ended.
                let cause = failure.to_string();
                let not_sent = self.state(tried, State::NotSent { cause });
                let expect = Expect::Exactly(&sending);
                let _ = self.recordings.put(&place.marker(), not_sent, expect).await;
                return Err(failed(place, Step::Deliver)(failure));
            }
        };
        let id_told = id.clone();
        let delivered = State::Delivered {
            mode,
            id,
            unfinished: true,
        };
        let delivered = self.state(tried, delivered);
        let expect = Expect::Exactly(&sending);
        let put = self
            .recordings
            .put(&place.marker(), delivered.clone(), expect)
            .await;
        let put = put.map_err(failed(place, Step::Mark));
        let instance = known.instance.as_deref();
        let mut behind = self.finish(place, instance, &known.initial_contact).await;
        put?;
        if behind.is_empty() {
            behind.extend(self.mark_finished(place, &delivered).await);
        }
        known.oddities.extend(behind);
        Ok(Delivered::Now {
            contact: known.contact,
            mode,
            id: id_told,
            oddities: known.oddities,
        })
    }

    /// Where the recording lies, for somebody who has no link to it.
    fn lies_at(&self, place: &Place) -> String {
        format!("{}{}", self.policy.recordings, place.recording())
    }

    pub(super) fn state(&self, tries: u32, state: State) -> Vec<u8> {
        let at = self.clock.now();
        Delivery { at, tries, state }.to_json()
    }

    async fn pack(&self, place: &Place, way: Way, known: &mut Known) -> Result<Parcel, NotDone> {
        let lives = match &way {
            Way::Task { .. } => Some(self.policy.task_link),
            Way::GuidedTask { .. } => None,
            Way::Email(_) => Some(self.policy.email_link),
        };
        let mut link = None;
        if let Some(lives) = lives.filter(|_| known.has_recording) {
            let signed = match &self.policy.pages {
                Some(base) => Ok(Link::to_page(base, &place.keys().verdict())),
                None => self.signer.link(&place.recording(), lives).await,
            };
            match signed {
                Ok(signed) => link = Some(signed),
                Err(failure) => {
                    let at = self.lies_at(place);
                    known.words.notes.push(format!(
                        "There is no link to the recording. It lies at {at}."
                    ));
                    known.oddities.push(format!("the link: {failure}"));
                }
            }
        }
        match way {
            Way::Task { flow } | Way::GuidedTask { flow } if known.instance.is_none() => {
                let cause = format!("no instance is known for a task in flow {flow}");
                let failure = Failure::new(FailureKind::InstanceUnknown, place.contact(), cause);
                Err(failed(place, Step::Deliver)(failure))
            }
            Way::Task { flow } => {
                let task = self.task(place, flow, known, link.as_ref(), Guide::None);
                Ok(Parcel::Task(Box::new(task)))
            }
            Way::GuidedTask { flow } => {
                let task = self.task(place, flow, known, None, Guide::Shows);
                Ok(Parcel::Task(Box::new(task)))
            }
            Way::Email(way) => {
                let mail = self.mail(place, way, known, link.as_ref()).await?;
                Ok(Parcel::Mail(Box::new(mail)))
            }
        }
    }

    fn task(
        &self,
        place: &Place,
        flow: Box<str>,
        known: &Known,
        link: Option<&Link>,
        guide: Guide,
    ) -> StartTask {
        let words = &known.words;
        let short = cut_to_bytes(&words.transcript, self.policy.transcript_bytes);
        let key = place.recording();
        let at = self.lies_at(place);
        let playback = match (guide, link) {
            (Guide::Shows, _) => None,
            (Guide::None, Some(link)) => Some(Playback::Link(&link.url)),
            (Guide::None, None) if known.has_recording => Some(Playback::Text(&at)),
            (Guide::None, None) => Some(Playback::Text("no recording")),
        };
        let (references, place_of_link) = References::fit(Told {
            playback,
            date: &words.date,
            queue: &words.queue,
            summary: &words.summary,
            transcript: &short,
        });
        let mut first = Vec::new();
        if let (LinkPlace::Description, Some(link)) = (place_of_link, link) {
            first.push(link.url.clone());
        }
        if let Some(lives) = link.and_then(Link::life_text) {
            first.push(format!("The link to the recording works for {lives}."));
        }
        first.extend(words.notes.iter().cloned());
        let body = match (guide, words.is_summed_up) {
            (Guide::Shows, _) => GUIDED,
            (Guide::None, true) => &words.summary,
            (Guide::None, false) => &short,
        };
        let transcript = match guide {
            Guide::Shows => &words.transcript,
            Guide::None => &short,
        };
        let recording = if known.has_recording { &*key } else { "" };
        let fixed = [
            (flagged::FLAG, "0"),
            (flagged::QUEUE_ARN, known.queue_arn.as_deref().unwrap_or("")),
            (flagged::TARGET, known.recipient.target()),
            (flagged::CALLBACK_NUMBER, &*words.from),
            (flagged::CALLBACK_NUMBER_BEFORE, &*words.from),
            (flagged::TIMESTAMP, &*words.date),
            (flagged::SOURCE_QUEUE, &*words.queue),
            (
                flagged::PREFERRED_AGENT_ID,
                known.recipient.preferred_agent_id(),
            ),
            (flagged::RECORDING_KEY, recording),
        ];
        let texts = [
            (flagged::SUMMARY, &*words.summary),
            (flagged::TRANSCRIPT, &**transcript),
        ];
        let (attributes, chain) = Attributes::fit(&fixed, &texts, &known.held);
        StartTask {
            instance_id: known.instance.clone().unwrap_or_default(),
            contact_flow_id: flow,
            previous_contact_id: (chain == Chain::Linked).then(|| known.contact.clone()),
            name: TaskName::cut(&format!("Voicemail for {}", words.recipient)),
            description: Description::of(&first, body),
            attributes,
            references,
            client_token: known.contact.clone(),
        }
    }

    async fn mail(
        &self,
        place: &Place,
        way: EmailWay,
        known: &mut Known,
        link: Option<&Link>,
    ) -> Result<Mail, NotDone> {
        if let Some(name) = &way.template {
            let template = match self.mailer.template(name).await {
                Ok(template) => template,
                Err(failure) if failure.action() == Action::Park => {
                    known.oddities.push(format!("the template: {failure}"));
                    None
                }
                Err(failure) => return Err(failed(place, Step::Read)(failure)),
            };
            if let Some(template) = template {
                let short = cut_to_bytes(&known.words.transcript, self.policy.transcript_bytes);
                let agent = known.recipient.user.as_ref().map(|user| user.name());
                let at = self.lies_at(place);
                let data = data(
                    &Named {
                        attributes: &known.attributes,
                        words: &known.words,
                        short_transcript: &short,
                        agent: agent.as_deref().unwrap_or_default(),
                        id: known.recipient.id(),
                        target: known.recipient.target(),
                        url: link.map_or(&at, |link| &link.url),
                        contact: &known.contact,
                    },
                    &template,
                );
                let name = name.clone();
                return Ok(Mail {
                    from: way.from,
                    to: way.to,
                    content: Content::Template { name, data },
                });
            }
            known
                .oddities
                .push("the template is not there: a mail of our own in its place".to_owned());
        }
        let wav = self.wav(place, known).await;
        let message = Letter {
            from: &way.from,
            to: &way.to,
            contact: &known.contact,
            sent: self.clock.now(),
            words: &known.words,
            link,
            wav: wav.as_deref(),
        }
        .build();
        Ok(Mail {
            from: way.from,
            to: way.to,
            content: Content::Raw(message),
        })
    }

    /// The recording for a mail; none where it is too long, or cannot be read.
    async fn wav(&self, place: &Place, known: &mut Known) -> Option<Vec<u8>> {
        if !known.has_recording {
            return None;
        }
        let read = async {
            let opened = self.recordings.open(&place.recording()).await?;
            let Some(mut opened) = opened else {
                return Ok(Err("it is gone"));
            };
            if !fits(opened.bytes, &known.words) {
                return Ok(Err("it is too long for a mail"));
            }
            let mut wav = Vec::new();
            while let Some(chunk) = opened.body.next_chunk().await? {
                wav.extend_from_slice(&chunk);
            }
            Ok::<_, Failure>(
                match wav.starts_with(b"RIFF") && wav.get(8..12) == Some(b"WAVE") {
                    true => Ok(wav),
                    false => Err("it is no WAV file"),
                },
            )
        };
        let cause = match read.await {
            Ok(Ok(wav)) => return Some(wav),
            Ok(Err(cause)) => cause.to_owned(),
            Err(failure) => {
                known.oddities.push(format!("the recording: {failure}"));
                "it could not be read".to_owned()
            }
        };
        let at = self.lies_at(place);
        known.words.notes.push(format!(
            "The recording is not attached: {cause}. It lies at {at}."
        ));
        None
    }

    /// Starts the task; where Connect does not take it as a further contact of its call, as one
    /// of its own.
    async fn start_task(
        &self,
        task: StartTask,
        oddities: &mut Vec<String>,
    ) -> Result<Box<str>, Failure> {
        match self.desk.start_task(&task).await {
            Err(failure)
                if matches!(
                    failure.kind,
                    FailureKind::Refused | FailureKind::ContactMissing
                ) && task.previous_contact_id.is_some() =>
            {
                oddities.push(format!("the task is not linked to its call: {failure}"));
                let apart = StartTask {
                    previous_contact_id: None,
                    ..task
                };
                self.desk.start_task(&apart).await
            }
            started => started,
        }
    }

    /// Sends the mail; where a sender that the flow named is refused, from the deployment's.
    async fn send_mail(&self, mail: Mail, oddities: &mut Vec<String>) -> Result<Box<str>, Failure> {
        let default = self.policy.email_from.as_ref();
        match (self.mailer.send(&mail).await, default) {
            (Err(failure), Some(default))
                if failure.kind == FailureKind::Refused
                    && mail.from != *default
                    && matches!(mail.content, Content::Template { .. }) =>
            {
                oddities.push(format!("from the deployment's address: {failure}"));
                let mail = Mail {
                    from: default.clone(),
                    ..mail
                };
                self.mailer.send(&mail).await
            }
            (sent, _) => sent,
        }
    }
}

/// Whether the agent has a guide that shows the message.
#[derive(Clone, Copy)]
enum Guide {
    Shows,
    None,
}

fn contended(place: &Place) -> NotDone {
    let cause = "somebody else delivers it at this moment";
    failed(place, Step::Deliver)(Failure::new(FailureKind::Contended, place.contact(), cause))
}
