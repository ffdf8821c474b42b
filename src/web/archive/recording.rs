//! One recording: what is known of it, which of its files are there, the other parts of its
//! call, and whether a file is still what was written.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Extensions, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::yield_now;

use super::search::keyed;
use super::{Archive, Asked, Found, Refused};
use crate::archive::viewer::ActKind;
use crate::clock::now;
use crate::failure::{Failure, FailureKind};
use crate::media::peaks::SUFFIX;
use crate::media::wav::Output;
use crate::port::{Archived, Browsing, MediaBody};
use crate::recording::key::VERDICT_SUFFIX;
use crate::recording::verdict::{Check, FileEntry, LaidDown, Verdict};
use crate::sha256::Resumable;

/// The kind of the file that a waveform is drawn from.
pub(super) const PEAKS: &str = "peaks";

/// All that is known of a recording.
pub(super) async fn whole<S: Browsing + Send + Sync + 'static>(
    State(archive): State<Arc<Archive<S>>>,
    extensions: Extensions,
    asked: Asked,
) -> Result<Json<Value>, Refused> {
    let viewer = archive.viewer(&extensions)?;
    let found = archive.recording(&viewer, &asked, ActKind::View).await?;
    let key = asked.key.as_str();
    let mut files = Vec::new();
    for output in Output::ALL {
        let name = output.name();
        let Some(file) = file_of(key, &found, name) else {
            continue;
        };
        let state = state(&archive, &file).await;
        // Without a verdict nobody knows which files there should be.
        if found.verdict.is_some() || state["state"] != "gone" {
            files.push(with(state, json!({"kind": name, "said": file.said})));
        }
    }
    let peaks = match file_of(key, &found, PEAKS) {
        Some(file) => with(state(&archive, &file).await, json!({"kind": PEAKS})),
        None => Value::Null,
    };
    let parts = archive
        .shelves
        .call(key, &found.row, &viewer, now())
        .await?;
    let parts: Vec<_> = parts.iter().map(|(key, row)| keyed(key, row)).collect();
    Ok(Json(json!({
        "me": archive.me(&viewer),
        "key": key,
        "row": found.row,
        "verdict": found.verdict,
        "files": files,
        "peaks": peaks,
        "parts": parts,
    })))
}

/// A file of a recording.
pub(super) struct File {
    pub key: String,
    /// Its size, as the verdict says.
    pub said: Option<u64>,
}

/// A file by its kind. Its key lies beside the verdict's and has its name, whatever the
/// verdict says: a verdict leads to no other recording's files.
pub(super) fn file_of(key: &str, found: &Found, kind: &str) -> Option<File> {
    let base = key.strip_suffix(VERDICT_SUFFIX)?;
    if kind == PEAKS {
        return Some(File {
            key: format!("{base}{SUFFIX}"),
            said: None,
        });
    }
    let output = Output::ALL.into_iter().find(|it| it.name() == kind)?;
    let own = format!("{base}_{}.wav", output.name());
    let Some(verdict) = &found.verdict else {
        return Some(File {
            key: own,
            said: None,
        });
    };
    let entry = entry(verdict, kind)?;
    // A message is a recording's only file, and has no kind in its name.
    let only = format!("{base}.wav");
    let name = |key: &str| key.rsplit('/').next().unwrap_or(key).to_owned();
    let key = match name(&entry.key) == name(&only) {
        true => only,
        false => own,
    };
    Some(File {
        key,
        said: Some(entry.bytes),
    })
}

fn entry<'a>(verdict: &'a Verdict, kind: &str) -> Option<&'a FileEntry> {
    verdict.files.iter().find(|file| file.kind == kind)
}

/// Whether a file is there, and can be read.
async fn state<S: Browsing + Send + Sync + 'static>(archive: &Archive<S>, file: &File) -> Value {
    match archive.shelves.store().look_at(&file.key).await {
        Ok(None) => json!({"state": "gone"}),
        Ok(Some(seen)) => match (&seen.archived, file.said) {
            (Some(archived), _) => {
                json!({"state": "archived", "class": archived.class, "comes_back": archived.comes_back, "bytes": seen.bytes, "object": file.key})
            }
            (None, Some(said)) if seen.bytes < said => {
                json!({"state": "cut", "bytes": seen.bytes})
            }
            (None, Some(said)) if seen.bytes > said => {
                json!({"state": "changed", "bytes": seen.bytes})
            }
            (None, _) => json!({"state": "there", "bytes": seen.bytes}),
        },
        Err(failure) => json!({"state": "unknown", "problem": failure.to_string()}),
    }
}

fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

/// A check that one request began and the next one goes on with. Who sends a forged one fools
/// nobody but themselves: it says which bytes are still to be read of a file that they may see.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Underway {
    object: String,
    version: String,
    check: LaidDown,
}

/// Reads a file to its end, or so much of it as one request may, and says whether it is what was
/// written. The body is empty, or what the request before was answered.
pub(super) async fn check<S: Browsing + Send + Sync + 'static>(
    State(archive): State<Arc<Archive<S>>>,
    extensions: Extensions,
    asked: Asked,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let viewer = archive.viewer(&extensions)?;
    let found = archive.recording(&viewer, &asked, ActKind::Check).await?;
    let kind = asked.file.as_deref().unwrap_or_default();
    let told = |found: &str| Ok(Json(json!({"found": found})));
    let Some(file) = file_of(&asked.key, &found, kind) else {
        return Err(no_file());
    };
    let Some(verdict) = &found.verdict else {
        return told("unknown");
    };
    let check = match (kind, &verdict.peaks) {
        (PEAKS, peaks) => peaks.as_ref().map(Check::<Resumable>::of_peaks),
        (_, _) => entry(verdict, kind).and_then(|entry| Check::new(verdict, entry)),
    };
    let Some(check) = check else {
        return told("unknown");
    };
    let store = archive.shelves.store();
    let Some(seen) = store.look_at(&file.key).await? else {
        return told("gone");
    };
    if let Some(archived) = &seen.archived {
        return Err(to_restore(&file.key, archived));
    }
    // What has another size need not be read.
    match seen.bytes.cmp(&check.said()) {
        Ordering::Less => return told("cut"),
        Ordering::Greater => return told("changed"),
        Ordering::Equal => {}
    }
    let mut check = go_on(check, &body, &file.key, &seen.version)?;
    let piece = archive.piece_bytes.min(seen.bytes - check.bytes());
    let ends = check.bytes() + piece;
    if piece > 0 {
        let Some(mut body) = store.open_part(&file.key, check.bytes(), piece).await? else {
            return told("gone");
        };
        while check.bytes() < ends {
            let Some(mut chunk) = body.next_chunk().await? else {
                let cause = format!("it ended {} bytes before its end", ends - check.bytes());
                return Err(Failure::new(FailureKind::ReadFailed, &file.key, cause).into());
            };
            chunk.truncate(usize::try_from(ends - check.bytes()).unwrap_or(usize::MAX));
            check.push(&chunk);
            // Others wait for this thread as well.
            yield_now().await;
        }
    }
    let now = store.look_at(&file.key).await?;
    if now.is_none_or(|now| now.version != seen.version) {
        return Err(written_anew());
    }
    if ends < seen.bytes {
        let check = check.laid_down();
        let (object, version) = (file.key, seen.version);
        let state = Underway {
            object,
            version,
            check,
        };
        return Ok(Json(
            json!({"found": null, "checked": ends, "bytes": seen.bytes, "state": state}),
        ));
    }
    match check.finish() {
        true => told("whole"),
        false => told("changed"),
    }
}

/// A check at its beginning, or as far as it came.
fn go_on(
    check: Check<Resumable>,
    body: &[u8],
    object: &str,
    version: &str,
) -> Result<Check<Resumable>, Refused> {
    if body.is_empty() {
        return Ok(check);
    }
    let told = "this is not what a check of this file was answered: begin it anew, without a body";
    let none = || Refused::new(StatusCode::BAD_REQUEST, told);
    let state: Underway = serde_json::from_slice(body).map_err(|_| none())?;
    if state.object != object {
        return Err(none());
    }
    if state.version != version {
        return Err(written_anew());
    }
    check.taken_up(state.check).ok_or_else(none)
}

fn written_anew() -> Refused {
    let told = "the file was written anew while it was checked: check it once more";
    Refused::new(StatusCode::CONFLICT, told)
}

/// The file cannot be read before it is restored.
pub(super) fn to_restore(key: &str, archived: &Archived) -> Refused {
    let class = &archived.class;
    let cause = match archived.comes_back {
        true => format!("it lies in {class}, and is being restored: come back in some hours"),
        false => format!("it lies in the storage class {class}"),
    };
    Failure::new(FailureKind::Archived, key, cause).into()
}

/// The recording is there, without such a file.
pub(super) fn no_file() -> Refused {
    let told = "this recording has no such file; file is one of from, to, mixed";
    Refused::new(StatusCode::NOT_FOUND, told)
}
