//! Whether a recording may be made now, asked before any media: a contact's recordings may
//! have been deleted for good, and what an old copy of its record allows may have been taken
//! back since. A question that is not answered is a failure, and nothing is recorded.

use std::collections::BTreeMap;

use super::commit::final_verdict;
use super::{Left, Recorder};
use crate::failure::Failure;
use crate::media::sides::{Authorisation, Consent};
use crate::port::{ContactAttributes, FragmentSource, Recordings};
use crate::recording::attributes::{self, Carrier, Held, RECORDING_AUTH};
use crate::recording::decide::{SkipReason, authorisation};
use crate::recording::key;
use crate::recording::plan::{Policy, RecordingPlan, Urls};

impl<S: FragmentSource, R: Recordings, N: ContactAttributes> Recorder<S, R, N> {
    /// The plan as far as it is allowed now, or why nothing is to be done.
    pub(super) async fn allowed(
        &self,
        plan: &RecordingPlan,
    ) -> Result<Result<RecordingPlan, SkipReason>, Failure> {
        // Nothing is made either way: most records come again so, and one read tells.
        if plan.urls == Urls::OnContact && !self.is_wanted_again(plan).await? {
            return Ok(Err(SkipReason::AlreadyRecorded));
        }
        if self.is_forgotten(plan).await? {
            return Ok(Err(SkipReason::Forgotten));
        }
        if plan.consent != Consent::AskFirst || plan.urls == Urls::NotForContact {
            return Ok(Ok(plan.clone()));
        }
        let verdict = self.store.read(&plan.keys.verdict()).await?;
        let made = match final_verdict(verdict.as_deref()) {
            // No media is read: the URLs are written by what the attributes say then.
            Some(verdict) if self.left_to_do(plan, &verdict) == Left::Nothing => {
                return Ok(Ok(plan.clone()));
            }
            Some(_) => Made::ThereIsAVerdict,
            None if verdict.is_some() => Made::ThereIsAVerdict,
            None => Made::NothingIsThere,
        };
        let instance = plan.instance.as_deref();
        let held = self
            .attributes
            .read(instance, &plan.initial_contact)
            .await?;
        let now = authorised_now::<N>(plan, &held);
        Ok(now.and_then(|now| not_yet_done(plan, now, &held, &self.policy, made)))
    }

    /// What is allowed of a recording now: by the mark of those that were deleted, and by
    /// the contact's attributes. Nothing is made of it.
    pub async fn consent_now(
        &self,
        plan: &RecordingPlan,
    ) -> Result<Result<Authorisation, SkipReason>, Failure> {
        if self.is_forgotten(plan).await? {
            return Ok(Err(SkipReason::Forgotten));
        }
        let instance = plan.instance.as_deref();
        let held = self
            .attributes
            .read(instance, &plan.initial_contact)
            .await?;
        Ok(authorised_now::<N>(plan, &held))
    }

    /// Whether the recordings of this contact, or of the whole call, were deleted for good.
    pub(super) async fn is_forgotten(&self, plan: &RecordingPlan) -> Result<bool, Failure> {
        let (own, first) = (&plan.id.contact, &plan.initial_contact);
        for contact in [Some(own), (first != own).then_some(first)]
            .into_iter()
            .flatten()
        {
            let mark = key::forgotten(&self.policy.key_prefix, contact);
            if self.store.read(&mark).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What is there of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    /// A verdict, which says that something is left to do.
    ThereIsAVerdict,
    /// Nothing: it was never made, or somebody deleted it.
    NothingIsThere,
}

/// What may be recorded by attributes that were just read: never more than the record says,
/// since a wider word comes with a newer version of it.
fn authorised_now<N: ContactAttributes>(
    plan: &RecordingPlan,
    held: &BTreeMap<String, String>,
) -> Result<Authorisation, SkipReason> {
    let Some(now) = told::<N>(held) else {
        return Ok(plan.authorisation);
    };
    plan.authorisation
        .narrowed_to(now?)
        .ok_or_else(|| SkipReason::NotAuthorised {
            auth: held.get(RECORDING_AUTH).map(|auth| auth.as_str().into()),
        })
}

/// What attributes that were just read authorise; `None` when nobody can tell by them.
pub(super) fn told<N: ContactAttributes>(
    held: &BTreeMap<String, String>,
) -> Option<Result<Authorisation, SkipReason>> {
    (N::TELLS_ALL || held.contains_key(RECORDING_AUTH)).then(|| authorisation(held))
}

/// The plan for what is authorised now, unless the attributes forbid it, or have the URLs of
/// a recording that is gone.
fn not_yet_done(
    plan: &RecordingPlan,
    authorisation: Authorisation,
    held: &BTreeMap<String, String>,
    policy: &Policy,
    made: Made,
) -> Result<RecordingPlan, SkipReason> {
    let mut urls = Urls::OnContact;
    for Carrier {
        attribute, ours, ..
    } in policy.carriers(authorisation)
    {
        let value = held.get(attribute).map(String::as_str);
        match attributes::held_now(value, &ours, &plan.id) {
            Held::NotOurs => return Err(SkipReason::AttributeNotOurs { attribute, ours }),
            Held::This => {}
            Held::Nothing | Held::Others => urls = Urls::Lacking,
        }
    }
    match (urls, made) {
        (Urls::OnContact, Made::NothingIsThere) => Err(SkipReason::AlreadyRecorded),
        (Urls::OnContact, Made::ThereIsAVerdict) | (Urls::Lacking | Urls::NotForContact, _) => {
            Ok(RecordingPlan {
                authorisation,
                urls,
                ..plan.clone()
            })
        }
    }
}
