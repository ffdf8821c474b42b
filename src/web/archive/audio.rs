//! A recording's sound, and what its waveform is drawn from: as bytes, in parts of them, or by
//! a link.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_RANGE, RANGE,
};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::part::{Part, part};
use super::recording::{PEAKS, file_of, no_file, to_restore};
use super::{Archive, Asked, Found, Refused, Wanted};
use crate::archive::viewer::ActKind;
use crate::failure::{Failure, FailureKind};
use crate::object_key::safe;
use crate::port::{Browsing, MediaBody};

const WAV: &str = "audio/wav";

/// What is done with a file.
fn act(asked: &Asked) -> ActKind {
    match asked.act.as_deref() {
        Some("download") => ActKind::Download,
        Some(_) | None => ActKind::Play,
    }
}

/// Where the sound is: a fresh link, or here.
pub(super) async fn place<S: Browsing + Send + Sync + 'static>(
    State(archive): State<Arc<Archive<S>>>,
    extensions: Extensions,
    asked: Asked,
) -> Result<Json<Value>, Refused> {
    let viewer = archive.viewer(&extensions)?;
    let kind = asked.file.as_deref().unwrap_or_default();
    let Some(links) = &archive.links else {
        // It is noted when its bytes are given.
        let found = archive.recording(&viewer, &asked, ActKind::View).await?;
        sound_of(&asked, &found)?;
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let act = act(&asked).name();
        let (key, kind) = (escaped(&asked.key), escaped(kind));
        let url = format!("/api/audio?key={key}&file={kind}&act={act}");
        return Ok(Json(json!({"url": url, "seconds": null})));
    };
    let found = archive.recording(&viewer, &asked, act(&asked)).await?;
    let key = sound_of(&asked, &found)?;
    let wanted = Wanted {
        key,
        disposition: disposition(&asked, &found),
        content_type: WAV,
    };
    let link = links(wanted).await?;
    Ok(Json(
        json!({"url": link.url, "seconds": link.lives.as_secs()}),
    ))
}

/// The key of the sound that is asked for.
fn sound_of(asked: &Asked, found: &Found) -> Result<String, Refused> {
    let kind = asked.file.as_deref().filter(|kind| *kind != PEAKS);
    let file = kind.and_then(|kind| file_of(&asked.key, found, kind));
    file.map(|file| file.key).ok_or_else(no_file)
}

/// What a browser calls the file when it keeps it: when, which contact, which side.
fn disposition(asked: &Asked, found: &Found) -> String {
    let how = match act(asked) {
        ActKind::Download => "attachment",
        ActKind::Search | ActKind::Export | ActKind::View | ActKind::Play | ActKind::Check => {
            "inline"
        }
    };
    let time = found.row.starts_at.as_deref().unwrap_or_default();
    let time = time.split('.').next().unwrap_or_default();
    let time: String = time
        .chars()
        .filter(|letter| letter.is_ascii_digit() || *letter == 'T')
        .collect();
    let begins = if time.is_empty() { "" } else { "_" };
    let contact = safe(&found.row.contact_id);
    let kind = safe(asked.file.as_deref().unwrap_or_default());
    format!("{how}; filename=\"{time}{begins}{contact}_{kind}.wav\"")
}

/// The sound's bytes.
pub(super) async fn bytes<S: Browsing + Send + Sync + 'static>(
    State(archive): State<Arc<Archive<S>>>,
    extensions: Extensions,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Refused> {
    let viewer = archive.viewer(&extensions)?;
    if archive.links.is_some() {
        let told = "sound is given by links here; ask for one with POST";
        return Err(Refused::new(StatusCode::NOT_FOUND, told));
    }
    let found = archive.recording(&viewer, &asked, act(&asked)).await?;
    let key = sound_of(&asked, &found)?;
    let disposition = HeaderValue::from_str(&disposition(&asked, &found)).ok();
    let mut answer = file(&archive, &key, WAV, &headers).await?;
    if let Some(disposition) = disposition {
        answer
            .headers_mut()
            .insert(CONTENT_DISPOSITION, disposition);
    }
    Ok(answer)
}

/// What the waveform is drawn from.
pub(super) async fn peaks<S: Browsing + Send + Sync + 'static>(
    State(archive): State<Arc<Archive<S>>>,
    extensions: Extensions,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Refused> {
    let viewer = archive.viewer(&extensions)?;
    let found = archive.recording(&viewer, &asked, ActKind::View).await?;
    let key = file_of(&asked.key, &found, PEAKS).ok_or_else(no_file)?.key;
    file(&archive, &key, "application/octet-stream", &headers).await
}

/// A file, or the part of it that is asked for.
async fn file<S: Browsing + Send + Sync + 'static>(
    archive: &Archive<S>,
    key: &str,
    kind: &'static str,
    asked: &HeaderMap,
) -> Result<Response, Refused> {
    let store = archive.shelves.store();
    let gone = || Refused::new(StatusCode::NOT_FOUND, "the file is not there any more");
    let seen = store.look_at(key).await?.ok_or_else(gone)?;
    if let Some(archived) = &seen.archived {
        return Err(to_restore(key, archived));
    }
    // Stores give versions with and without quotes.
    let tag: String = seen
        .version
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
        .collect();
    let tag = format!("\"{tag}\"");
    let text = |name: &HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    let size = seen.bytes;
    let (from, bytes, status) = match part(text(&RANGE), text(&IF_RANGE), &tag, size) {
        Part::Whole => (0, size, StatusCode::OK),
        Part::Of { from, bytes } => (from, bytes, StatusCode::PARTIAL_CONTENT),
        Part::Beyond => {
            let told = Refused::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                &format!("the file has {size} bytes"),
            );
            let mut answer = told.into_response();
            put(&mut answer, CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(answer);
        }
    };
    let body = match bytes {
        0 => Body::empty(),
        _ => {
            let body = store.open_part(key, from, bytes).await?.ok_or_else(gone)?;
            exactly(body, key.to_owned(), bytes)
        }
    };
    let mut answer = (status, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {from}-{}/{size}", from + bytes - 1);
        put(&mut answer, CONTENT_RANGE, &range);
    }
    put(&mut answer, ACCEPT_RANGES, "bytes");
    put(&mut answer, CONTENT_LENGTH, &bytes.to_string());
    put(&mut answer, CONTENT_TYPE, kind);
    put(&mut answer, ETAG, &tag);
    Ok(answer)
}

fn put(answer: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// So many bytes of a file and no more; one that ends before them breaks off.
fn exactly<B: MediaBody + 'static>(body: B, key: String, bytes: u64) -> Body {
    let pieces = stream::try_unfold((body, key, bytes), |(mut body, key, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        match body.next_chunk().await? {
            Some(mut chunk) => {
                chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - chunk.len() as u64;
                Ok(Some((chunk, (body, key, left))))
            }
            None => {
                let cause = format!("it ended {left} bytes before its end");
                Err(Failure::new(FailureKind::ReadFailed, key, cause))
            }
        }
    });
    Body::from_stream(pieces)
}
