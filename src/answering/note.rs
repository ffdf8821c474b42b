//! Keeping a note. The one under the contact's key comes first and decides, so that a call
//! of the flow that is repeated, as Connect does when no answer came in time, gives no
//! second message; the dated one is its copy, for people and for `reconcile`.

use crate::failure::{Failure, FailureKind};
use crate::port::{Expect, Objects};
use crate::voicemail::note::{Meeting, Note, by_contact};

/// Turns before a write is given up: each one means that somebody else was faster.
const MAX_TURNS: u32 = 3;

/// A note that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The note, as it is kept.
    pub note: Note,
    /// Its dated key.
    pub key: String,
}

/// Keeps a note under both of its keys, or what it adds to the one that is there.
pub async fn note(store: &impl Objects, prefix: &str, note: Note) -> Result<Noted, Failure> {
    let key = by_contact(prefix, &note.contact);
    for _ in 0..MAX_TURNS {
        if store.put(&key, note.to_json(), Expect::Nothing).await? {
            return keep_dated(store, prefix, note).await;
        }
        let Some(before) = store.read(&key).await? else {
            continue;
        };
        let kept =
            match Note::from_json(&before, None).map(|there| (there.meet(note.clone()), there)) {
                Ok((Meeting::Repeat, there)) => there,
                // It has a name of its own, and so a message.
                Ok((Meeting::Another, _)) => note.clone(),
                Ok((Meeting::Completes(whole), _)) => *whole,
                // What cannot be read is of no use to anybody.
                Err(_) => note.clone(),
            };
        let stays = kept.to_json() == before || !is_of(&kept, &before);
        let expect = Expect::Exactly(&before);
        if stays || store.put(&key, kept.to_json(), expect).await? {
            return keep_dated(store, prefix, kept).await;
        }
    }
    Err(contended(&key))
}

/// Whether a note takes the place of what is there: it has the same name, or that has none.
fn is_of(kept: &Note, before: &[u8]) -> bool {
    Note::from_json(before, None).map_or(true, |there| there.name == kept.name)
}

async fn keep_dated(store: &impl Objects, prefix: &str, note: Note) -> Result<Noted, Failure> {
    let (key, json) = (note.name.key(prefix), note.to_json());
    if store.put(&key, json.clone(), Expect::Nothing).await? {
        return Ok(Noted { note, key });
    }
    for _ in 0..MAX_TURNS {
        let before = store.read(&key).await?;
        let is_there = before.as_deref() == Some(&*json);
        let expect = Expect::unchanged(before.as_deref());
        if is_there || store.put(&key, json.clone(), expect).await? {
            return Ok(Noted { note, key });
        }
    }
    Err(contended(&key))
}

fn contended(key: &str) -> Failure {
    let cause = "others wrote the same note at the same time";
    Failure::new(FailureKind::Contended, key, cause)
}
