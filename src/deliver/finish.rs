//! What comes behind a delivery: the job is deleted, the flag taken back, and the marker says that
//! nothing is left to be done. What fails here is no failure of the delivery: it is done by a
//! repeat of the event, or by the next look for what stands still.

use std::collections::BTreeMap;

use super::Delivering;
use crate::port::voicemail::{Desk, Tagged, Transcriber};
use crate::port::{Expect, Objects};
use crate::voicemail::delivery::{Delivery, State};
use crate::voicemail::flagged;
use crate::voicemail::place::{Place, tags};
use crate::voicemail::transcript;

impl<R, T, D, M, J, G, Y, C> Delivering<R, T, D, M, J, G, Y, C>
where
    R: Tagged,
    T: Objects,
    D: Desk,
    M: Sync,
    J: Transcriber,
    G: Sync,
    Y: Sync,
    C: Sync,
{
    /// What comes behind a delivery that was found: by the recording's tags, or by what the
    /// substitute says in their place.
    pub(super) async fn finish_found(&self, place: &Place, marker: Option<Vec<u8>>) -> Vec<String> {
        let tagged = self.recordings.tags(&place.recording()).await;
        let known: BTreeMap<_, _> = match tagged {
            Ok(Some(tagged)) => tagged.into_iter().collect(),
            Ok(None) => self.tags_of_substitute(place).await,
            Err(failure) => return vec![format!("the job and the flag stay: {failure}")],
        };
        let own = place.contact();
        let contact = flagged::value(&known, tags::CONTACT);
        let initial = flagged::value(&known, tags::INITIAL_CONTACT);
        let initial = initial.or(contact).unwrap_or(own);
        let arn = flagged::value(&known, flagged::QUEUE_ARN);
        let instance = arn.and_then(|arn| flagged::place(arn, own).ok());
        let instance = instance.map(|(instance, _)| instance);
        let instance = instance.or_else(|| self.policy.instance.clone());
        let mut oddities = self.finish(place, instance.as_deref(), initial).await;
        if let Some(marker) = marker.filter(|_| oddities.is_empty()) {
            oddities.extend(self.mark_finished(place, &marker).await);
        }
        oddities
    }

    async fn tags_of_substitute(&self, place: &Place) -> BTreeMap<String, String> {
        let document = self.transcripts.read(&place.transcript()).await;
        let document = document.ok().flatten().unwrap_or_default();
        let substitute = transcript::read(&document).ok();
        let substitute = substitute.and_then(|read| read.substitute);
        substitute.map(|it| it.tags).unwrap_or_default()
    }

    /// Says in the marker of a delivery that nothing is left to be done.
    pub(super) async fn mark_finished(&self, place: &Place, marker: &[u8]) -> Option<String> {
        let mut delivery = Delivery::read(marker)?;
        match &mut delivery.state {
            State::Delivered { unfinished, .. } if *unfinished => *unfinished = false,
            State::Delivered { .. }
            | State::Sending
            | State::NotSent { .. }
            | State::Waiting { .. }
            | State::GivenUp { .. } => return None,
        }
        let expect = Expect::Exactly(marker);
        let key = place.marker();
        let put = self.recordings.put(&key, delivery.to_json(), expect).await;
        put.err()
            .map(|failure| format!("the marker says unfinished: {failure}"))
    }

    /// Deletes the job, and takes the flag back on the call's first leg. What fails here is
    /// done by the next event; it is no failure of the delivery.
    pub(super) async fn finish(
        &self,
        place: &Place,
        instance: Option<&str>,
        initial_contact: &str,
    ) -> Vec<String> {
        let mut oddities = Vec::new();
        if let Err(failure) = self.transcriber.delete(&place.job()).await {
            oddities.push(format!("the job stays: {failure}"));
        }
        if let Some(instance) = instance {
            let changes = BTreeMap::from([(flagged::FLAG.to_owned(), "0".to_owned())]);
            let desk = &self.desk;
            let set = desk.set_attributes(instance, initial_contact, &changes);
            if let Err(failure) = set.await {
                oddities.push(format!("the flag stays: {failure}"));
            }
        }
        oddities
    }
}
