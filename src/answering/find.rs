//! Finding the notes of a contact.

use super::Answering;
use crate::failure::Failure;
use crate::media::ticks::EpochMillis;
use crate::port::Objects;
use crate::voicemail::note::{Note, NoteName, by_contact, folders};

impl<S, L, R: Objects, C, T, A> Answering<S, L, R, C, T, A> {
    /// The notes of a contact: by its own key, and those that this one names; else by the
    /// names of those that were taken while it was there, as older answering machines keep
    /// them. One that cannot be read is known by its name.
    pub(super) async fn find_notes(
        &self,
        contact: &str,
        began: EpochMillis,
        ended: EpochMillis,
    ) -> Result<Vec<Note>, Failure> {
        let notes = self.notes_by_contact(contact).await?;
        if !notes.is_empty() {
            return Ok(notes);
        }
        for folder in folders(&self.notes, began, ended) {
            for listed in self.store.list(&folder).await? {
                let name = NoteName::of_key(&listed.key, &self.notes);
                if let Some(name) = name.filter(|name| name.is_of(contact)) {
                    return Ok(vec![self.read_note(&name).await?]);
                }
            }
        }
        Ok(Vec::new())
    }

    /// The notes of a contact that are found by it: none of those that older machines keep.
    pub(super) async fn notes_by_contact(&self, contact: &str) -> Result<Vec<Note>, Failure> {
        let json = self.store.read(&by_contact(&self.notes, contact)).await?;
        let Some(Ok(first)) = json.map(|json| Note::from_json(&json, None)) else {
            return Ok(Vec::new());
        };
        let mut notes = vec![first.clone()];
        for other in &first.others {
            notes.push(self.read_note(other).await?);
        }
        Ok(notes)
    }

    /// A note by its name; one that cannot be read is known by that alone.
    pub(super) async fn read_note(&self, name: &NoteName) -> Result<Note, Failure> {
        let json = self.store.read(&name.key(&self.notes)).await?;
        let note = json.and_then(|json| Note::from_json(&json, Some(name)).ok());
        Ok(note.unwrap_or_else(|| Note::of_name(name)))
    }
}
