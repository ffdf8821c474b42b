//! The files' URLs on the contact's attributes: read before they are written, so that
//! nothing that stands there is lost.

use std::collections::BTreeMap;

use super::{Noted, Recorder};
use crate::attributes::{self, Held, MAX_ATTRIBUTE_BYTES};
use crate::failure::Failure;
use crate::plan::RecordingPlan;
use crate::port::{ContactNotes, FragmentSource, RecordingStore};
use crate::verdict::Verdict;

impl<S: FragmentSource, R: RecordingStore, N: ContactNotes> Recorder<S, R, N> {
    /// Adds the files' URLs to the contact's attributes.
    pub(super) async fn note(
        &self,
        plan: &RecordingPlan,
        verdict: &Verdict,
    ) -> Result<Noted, Failure> {
        if verdict.files.is_empty() {
            return Ok(Noted::NothingToNote);
        }
        let instance = plan.instance.as_deref();
        let mut held = self.notes.read(instance, &plan.attributes_contact).await?;
        let changes = match self.changes(plan, verdict, &held) {
            Ok(changes) => changes,
            Err(noted) => return Ok(noted),
        };
        if changes.is_empty() {
            return Ok(Noted::Unchanged);
        }
        held.extend(changes.clone());
        let bytes = attributes::byte_count(
            held.iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        if bytes > MAX_ATTRIBUTE_BYTES {
            return Ok(Noted::NoRoom { bytes });
        }
        self.notes
            .write(instance, &plan.attributes_contact, &changes)
            .await?;
        Ok(Noted::Written)
    }

    /// Whether URLs of a recording that was made are missing from the attributes.
    pub async fn lacks_notes(
        &self,
        plan: &RecordingPlan,
        verdict: &Verdict,
    ) -> Result<bool, Failure> {
        if verdict.files.is_empty() {
            return Ok(false);
        }
        let instance = plan.instance.as_deref();
        let held = self.notes.read(instance, &plan.attributes_contact).await?;
        let changes = self.changes(plan, verdict, &held);
        Ok(changes.is_ok_and(|changes| !changes.is_empty()))
    }

    fn changes(
        &self,
        plan: &RecordingPlan,
        verdict: &Verdict,
        held: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Noted> {
        let mut changes = BTreeMap::new();
        for output in plan.authorisation.outputs() {
            let attribute = output.attribute();
            let Some(file) = verdict.files.iter().find(|file| file.kind == output.name()) else {
                continue;
            };
            let value = held.get(attribute).map(String::as_str);
            if attributes::held(value, &self.policy.our_urls(), &plan.id, &[]) == Held::NotOurs {
                return Err(Noted::NotOurs { attribute });
            }
            if let Some(value) = attributes::with_url(value, &file.url) {
                changes.insert(attribute.to_owned(), value);
            }
        }
        Ok(changes)
    }
}
