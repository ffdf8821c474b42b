//! The URLs on the contact's attributes: read before they are written, so that
//! nothing that stands there is lost, and read once more where another leg of the call may
//! have written meanwhile. A delivery that finds its URLs gone adds them
//! again; the other's stand there by then.

use std::collections::BTreeMap;

use super::consent::told;
use super::{AttributesOutcome, Recorder};
use crate::failure::{Action, Failure, FailureKind};
use crate::media::sides::Authorisation;
use crate::port::{ContactAttributes, FragmentSource, Recordings};
use crate::recording::attributes::{self, Carrier, Held, MAX_ATTRIBUTE_BYTES};
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::Verdict;

/// Looks at the attributes of one contact at the most. Each further one means that others
/// wrote between a read and the write behind it, or that a write failed.
const MAX_LOOKS: u32 = 6;

impl<S: FragmentSource, R: Recordings, N: ContactAttributes> Recorder<S, R, N> {
    /// Adds the URLs of the files and of the page to the contact's attributes.
    pub(super) async fn write_urls(
        &self,
        plan: &RecordingPlan,
        verdict: &Verdict,
    ) -> Result<AttributesOutcome, Failure> {
        if verdict.files.is_empty() {
            return Ok(AttributesOutcome::NothingToWrite);
        }
        let (instance, contact) = (plan.instance.as_deref(), &plan.initial_contact);
        let mut outcome = AttributesOutcome::Unchanged;
        let mut last_failure = None;
        for look in 1..=MAX_LOOKS {
            if look > 1 && !self.attributes.wait_to_look_again(look).await {
                return last_failure.map_or(Ok(outcome), Err);
            }
            let turn = self.attributes.turn().await;
            let held = self.attributes.read(instance, contact).await?;
            if !allows::<N>(verdict, &held) {
                return Ok(AttributesOutcome::Withdrawn);
            }
            let changes = match self.changes(plan, verdict, held) {
                Changes::Refused(outcome) => return Ok(outcome),
                Changes::None => return Ok(outcome),
                Changes::Some(changes) => changes,
            };
            match self
                .attributes
                .write(turn, instance, contact, &changes)
                .await
            {
                Ok(()) if !plan.has_siblings => return Ok(AttributesOutcome::Written),
                Ok(()) => {
                    outcome = AttributesOutcome::Written;
                    last_failure = None;
                }
                // The write may have taken place, and what was read is too old by now.
                Err(failure) if failure.action() == Action::Retry => last_failure = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        Err(last_failure.unwrap_or_else(|| {
            let cause = "other legs of the call kept undoing the URLs that were written";
            Failure::new(FailureKind::Contended, format!("contact {contact}"), cause)
        }))
    }

    /// Whether URLs of a recording that was made are missing from the attributes.
    pub async fn lacks_urls(
        &self,
        plan: &RecordingPlan,
        verdict: &Verdict,
    ) -> Result<bool, Failure> {
        if verdict.files.is_empty() {
            return Ok(false);
        }
        let instance = plan.instance.as_deref();
        let held = self
            .attributes
            .read(instance, &plan.initial_contact)
            .await?;
        if !allows::<N>(verdict, &held) {
            return Ok(false);
        }
        Ok(matches!(
            self.changes(plan, verdict, held),
            Changes::Some(_)
        ))
    }

    /// What is to be written to attributes that hold this.
    fn changes(
        &self,
        plan: &RecordingPlan,
        verdict: &Verdict,
        mut held: BTreeMap<String, String>,
    ) -> Changes {
        let mut changes = BTreeMap::new();
        for carrier in self.policy.carriers(plan.authorisation) {
            let Carrier {
                attribute, ours, ..
            } = carrier;
            let url = match carrier.output {
                Some(output) => {
                    let mut files = verdict.files.iter();
                    let file = files.find(|file| file.kind == output.name());
                    file.map(|file| file.url.clone())
                }
                None => self.policy.page_url(&plan.keys.verdict()),
            };
            let Some(url) = url else {
                continue;
            };
            let value = held.get(attribute).map(String::as_str);
            if attributes::held(value, &ours, &plan.id, &[]) == Held::NotOurs {
                return Changes::Refused(AttributesOutcome::NotOurs { attribute, ours });
            }
            if let Some(value) = attributes::with_url(value, &url) {
                changes.insert(attribute.to_owned(), value);
            }
        }
        if changes.is_empty() {
            return Changes::None;
        }
        held.extend(changes.clone());
        let all = held.iter();
        let bytes = attributes::byte_count(all.map(|(name, value)| (&**name, &**value)));
        match bytes > MAX_ATTRIBUTE_BYTES {
            true => Changes::Refused(AttributesOutcome::NoRoom { bytes }),
            false => Changes::Some(changes),
        }
    }
}

/// What is to be written.
enum Changes {
    /// Nothing: all URLs stand there.
    None,
    /// These values.
    Some(BTreeMap<String, String>),
    /// Nothing, for this reason.
    Refused(AttributesOutcome),
}

/// Whether attributes as they are now allow every file that there is.
fn allows<N: ContactAttributes>(verdict: &Verdict, held: &BTreeMap<String, String>) -> bool {
    let Some(now) = told::<N>(held) else {
        return true;
    };
    let allowed = now.map_or(&[][..], Authorisation::outputs);
    let is_allowed = |kind: &str| allowed.iter().any(|output| output.name() == kind);
    verdict.files.iter().all(|file| is_allowed(&file.kind))
}
