//! Keeping a note. The one under the contact's key comes first and decides, so that a call
//! of the flow that is repeated, as Connect does when no answer came in time, gives no
//! second message; the dated one is its copy, for people and for `reconcile`.

use crate::failure::{Failure, FailureKind};
use crate::port::{Expect, Objects};
use crate::voicemail::note::{Meeting, Note, NoteName, by_contact};

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
        let (first, kept) = match Note::from_json(&before, None) {
            // What cannot be read is of no use to anybody.
            Err(_) => (note.clone(), note.clone()),
            Ok(there) => match there.meet(note.clone()) {
                Meeting::Repeat => (there.clone(), there),
                Meeting::Completes(whole) => ((*whole).clone(), *whole),
                Meeting::Another => {
                    let other = another(store, prefix, &there, note.clone()).await?;
                    (there.followed_by(&other.name), other)
                }
            },
        };
        let json = first.to_json();
        let stays = json == before;
        if stays || store.put(&key, json, Expect::Exactly(&before)).await? {
            return keep_dated(store, prefix, kept).await;
        }
    }
    Err(contended(&key))
}

/// A further note of a contact: one that there is, or what the new one adds to it, or the new
/// one, which has a name of its own and so a message.
async fn another(
    store: &impl Objects,
    prefix: &str,
    first: &Note,
    new: Note,
) -> Result<Note, Failure> {
    for name in &first.others {
        let json = store.read(&name.key(prefix)).await?;
        let there = json.and_then(|json| Note::from_json(&json, Some(name)).ok());
        match there.map(|there| (there.meet(new.clone()), there)) {
            Some((Meeting::Repeat, there)) => return Ok(there),
            Some((Meeting::Completes(whole), _)) => return Ok(*whole),
            Some((Meeting::Another, _)) | None => {}
        }
    }
    let is_taken = |name: &NoteName| *name == first.name || first.others.contains(name);
    let mut name = new.name.clone();
    for _ in 0..=first.others.len() {
        if is_taken(&name) {
            name = name.a_second_later();
        }
    }
    Ok(Note { name, ..new })
}

async fn keep_dated(store: &impl Objects, prefix: &str, note: Note) -> Result<Noted, Failure> {
    let note = Note {
        others: Vec::new(),
        ..note
    };
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
