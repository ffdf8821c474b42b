//! The archive's pages: search, and one recording with its sound, over
//! [`Shelves`] of any store.
//!
//! # For who serves them
//!
//! ```text
//! let shelves = Shelves::new(store, "recordings/", Trust::AfterDays(3));
//! let pages = behind::pages(shelves, terms, keys, ledger, |archive| {
//!     archive.linking(move |wanted| { let signer = signer.clone(); Box::pin(async move { … }) })
//! });
//! let pages = Guard::named([domain]).with_media_from([bucket_origin]).guard(pages);
//! ```
//!
//! - *Who asks* is a [`Viewer`] in the request's extensions, which [`Login::before`] puts there.
//!   Behind a login, a request without one is answered with 401; [`Archive::at_the_desk`] takes
//!   everybody for [`Viewer::at_the_desk`].
//! - *What is done* goes to [`Archive::noting`] before it is given; where it cannot be noted,
//!   nothing is given (503). The same act of the same viewer within a minute is noted once: a
//!   browser asks for a file in many ranges.
//! - *Sound* comes through this router, unless [`Archive::linking`] makes links: then `POST
//!   /api/audio` gives the page a fresh one at each press of play, and `GET /api/audio` gives
//!   nothing. The links' origin must be told to the guard
//!   ([`Guard::with_media_from`](super::guard::Guard::with_media_from)), and must answer with
//!   `Access-Control-Allow-Origin` for the pages' and expose `Content-Range`: without it a
//!   browser lets no page mute a side, or draw samples.
//! - The address of a recording's page is [`CALL`](crate::archive::CALL) and the key of its verdict, a second of it
//!   `&t=12.5` behind that, and a stretch `&t=12.5,20`: in the query, since no server is told what stands behind `#`,
//!   and a login would lose it. The page reads `#t=12.5` as well.
//!
//! # What it answers
//!
//! `key` is a verdict's key; what the viewer may not see is answered as what is not there. Errors are JSON, `{"error": "a sentence"}`.
//!
//! | route | answer |
//! | --- | --- |
//! | `GET /`, `GET /call?recording=KEY` | the page; its script and style below `/archive…` |
//! | `GET /api/me` | `{name, login}`: who asks, for pages that have nothing else to show |
//! | `GET /api/recordings?from=…&after=…&most=…` | `{me, rows, next, back_to, problems}`: [`Query`](crate::archive::search::Query)'s words; `look=anew` looks at verdicts again; a page can have few rows, or none, and a `next`: all from `back_to` on was looked at |
//! | `GET /api/recordings.csv?from=…` | all rows of the same search; with `most`, so many of them, and behind which place it goes on with `after` in the header `callreel-next` |
//! | `GET /api/recording?key=…` | `{me, key, row, verdict, files, peaks, parts}`: `files` says whether each is there |
//! | `GET /api/peaks?key=…` | `…_peaks.dat` as it is |
//! | `POST /api/audio?key=…&file=mixed&act=play` | `{url, seconds}`: where the sound is, and for how long; `act=download` for a link that downloads |
//! | `GET /api/audio?key=…&file=mixed` | the bytes, with ranges; `&act=download` as an attachment |
//! | `POST /api/check?key=…&file=mixed` | `{found}`: `whole`, `changed`, `cut`, `gone`, `unknown` (the verdict has no hash); of a long file `{found: null, checked, bytes, state}`, and whoever sends that `state` as the next request's body goes on behind these bytes |
//!
//! [`Login::before`]: super::login::Login::before

mod audio;
mod part;
mod recording;
mod search;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query as Words, State};
use axum::http::request::Parts;
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::assets::{self, Asset, Kind};
use crate::archive::day::Row;
use crate::archive::heard::Heard;
use crate::archive::viewer::{Act, ActKind, Viewer};
use crate::clock::now;
use crate::failure::{Failure, FailureKind};
use crate::lock::lock;
use crate::media::ticks::EpochMillis;
use crate::port::Browsing;
use crate::recording::verdict::Verdict;
use crate::shelves::Shelves;

/// The page's files.
const ASSETS: &[Asset] = &[
    page("/"),
    page("/call"),
    Asset {
        path: "/archive.js",
        kind: Kind::Script,
        bytes: include_bytes!("archive/archive.js"),
    },
    Asset {
        path: "/archive-player.js",
        kind: Kind::Script,
        bytes: include_bytes!("archive/player.js"),
    },
    Asset {
        path: "/archive.css",
        kind: Kind::Style,
        bytes: include_bytes!("archive/archive.css"),
    },
    Asset {
        path: "/icon.svg",
        kind: Kind::Svg,
        bytes: include_bytes!("icon.svg"),
    },
];

const fn page(path: &'static str) -> Asset {
    Asset {
        path,
        kind: Kind::Html,
        bytes: include_bytes!("archive/archive.html"),
    }
}

/// Bytes of a file that one request checks: a function's answer must come within 29 s, and does
/// so from 3 MB a second on.
const PIECE_BYTES: u64 = 64 << 20;
/// The same act within this time is one.
const ONE_ACT: i64 = 60_000;
/// Acts that are remembered for that at the most.
const MAX_ACTS: usize = 10_000;

/// What takes a while, and may fail.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

type Note = Box<dyn Fn(Heard, EpochMillis) -> Pending<()> + Send + Sync>;
type Links = Box<dyn Fn(Wanted) -> Pending<Link> + Send + Sync>;

/// The archive that the pages show.
pub struct Archive<S> {
    shelves: Shelves<S>,
    door: Door,
    note: Option<Note>,
    links: Option<Links>,
    acts: Mutex<BTreeMap<String, i64>>,
    /// Bytes that one request checks at the most.
    piece_bytes: u64,
}

/// Who lets people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Nobody: whoever reaches the pages has the files themselves.
    Desk,
    /// A login, which says who asks.
    Login,
}

/// A file that a link is wanted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The file's key.
    pub key: String,
    /// The header Content-Disposition that it is to come with.
    pub disposition: String,
    /// The header Content-Type.
    pub content_type: &'static str,
}

/// A link, made just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads.
    pub url: String,
    /// For how long.
    pub lives: Duration,
}

impl<S: Browsing + Send + Sync + 'static> Archive<S> {
    /// Pages for who has the files themselves: they see all, and nothing is noted.
    pub fn at_the_desk(shelves: Shelves<S>) -> Self {
        Self::new(shelves, Door::Desk)
    }

    /// Pages for those whom a login lets in.
    pub fn behind_login(shelves: Shelves<S>) -> Self {
        Self::new(shelves, Door::Login)
    }

    fn new(shelves: Shelves<S>, door: Door) -> Self {
        Self {
            shelves,
            door,
            note: None,
            links: None,
            acts: Mutex::default(),
            piece_bytes: PIECE_BYTES,
        }
    }

    /// Each act is told to this before it is let happen, and is not where this fails.
    #[must_use]
    pub fn noting(
        mut self,
        note: impl Fn(Heard, EpochMillis) -> Pending<()> + Send + Sync + 'static,
    ) -> Self {
        self.note = Some(Box::new(note));
        self
    }

    /// Sound is given by links that this makes.
    #[must_use]
    pub fn linking(
        mut self,
        link: impl Fn(Wanted) -> Pending<Link> + Send + Sync + 'static,
    ) -> Self {
        self.links = Some(Box::new(link));
        self
    }

    /// Who asks.
    fn viewer(&self, extensions: &Extensions) -> Result<Viewer, Refused> {
        match (self.door, extensions.get::<Viewer>()) {
            (_, Some(viewer)) => Ok(viewer.clone()),
            (Door::Desk, None) => Ok(Viewer::at_the_desk()),
            (Door::Login, None) => Err(Refused::new(
                StatusCode::UNAUTHORIZED,
                "nobody is logged in",
            )),
        }
    }

    /// What the page tells of who looks.
    fn me(&self, viewer: &Viewer) -> Value {
        json!({"name": viewer.name, "login": self.door == Door::Login})
    }

    /// A recording that the viewer may see; what was done with it is noted, allowed or not.
    async fn recording(
        &self,
        viewer: &Viewer,
        asked: &Asked,
        kind: ActKind,
    ) -> Result<Found, Refused> {
        let key = asked.key.as_str();
        let found = self.shelves.recording(key, now()).await?;
        let Some((row, json)) = found else {
            return Err(Refused::nothing());
        };
        let is_allowed = viewer.may_see(&row);
        let mut act = Act::of(kind, key, &row, is_allowed);
        if let (Some(file), true) = (&asked.file, kind != ActKind::View) {
            act = act.with_file(file);
        }
        self.noted(viewer, &act).await?;
        if !is_allowed {
            return Err(Refused::nothing());
        }
        let verdict = json.and_then(|json| Verdict::from_json(&json).ok());
        Ok(Found { row, verdict })
    }

    /// Notes an act, unless the same was only just noted.
    async fn noted(&self, viewer: &Viewer, act: &Act) -> Result<(), Refused> {
        let Some(note) = &self.note else {
            return Ok(());
        };
        let now = now();
        let heard = Heard::of(viewer, act, now);
        let same = Heard {
            when: String::new(),
            ..heard.clone()
        };
        let same = same.to_line();
        {
            let mut acts = lock(&self.acts);
            if acts.len() >= MAX_ACTS {
                acts.retain(|_, at| (0..ONE_ACT).contains(&(now.0 - *at)));
            }
            let known = acts.get(&same);
            if known.is_some_and(|at| (0..ONE_ACT).contains(&(now.0 - at))) {
                return Ok(());
            }
        }
        note(heard, now).await.map_err(|failure| {
            let told = format!("what is done here must be noted, and cannot be now: {failure}");
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, &told)
        })?;
        // What was not noted is not remembered either.
        let mut acts = lock(&self.acts);
        if acts.len() < MAX_ACTS {
            acts.insert(same, now.0);
        }
        Ok(())
    }
}

/// A recording, and its verdict if it can be read.
struct Found {
    row: Row,
    verdict: Option<Verdict>,
}

/// What is asked of one recording; what cannot be read is refused as all is.
#[derive(Clone, Debug, Deserialize)]
struct Asked {
    key: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    act: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let words = Words::<Self>::from_request_parts(parts, state).await;
        words
            .map(|words| words.0)
            .map_err(|rejection: QueryRejection| {
                let cause = rejection.body_text();
                let cause = cause.rsplit(": ").next().unwrap_or_default();
                let told = format!(
                    "{cause}: say which recording, once, by key, which is the key of its verdict"
                );
                Refused::new(StatusCode::BAD_REQUEST, &told)
            })
    }
}

/// The routes. A guard belongs before them, and where the archive is not at the desk, a login.
pub fn router<S: Browsing + Send + Sync + 'static>(archive: Arc<Archive<S>>) -> Router {
    Router::new()
        .route("/api/me", get(me::<S>))
        .route("/api/recordings", get(search::page::<S>))
        .route("/api/recordings.csv", get(search::table::<S>))
        .route("/api/recording", get(recording::whole::<S>))
        .route("/api/peaks", get(audio::peaks::<S>))
        .route(
            "/api/audio",
            get(audio::bytes::<S>).merge(post(audio::place::<S>)),
        )
        .route("/api/check", post(recording::check::<S>))
        .with_state(archive)
        .merge(assets::router(ASSETS))
}

/// Who asks, as the page tells it.
async fn me<S: Browsing + Send + Sync + 'static>(
    State(archive): State<Arc<Archive<S>>>,
    extensions: Extensions,
) -> Result<Json<Value>, Refused> {
    let viewer = archive.viewer(&extensions)?;
    Ok(Json(archive.me(&viewer)))
}

/// Why something is not given: a sentence for who asked.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    told: String,
}

impl Refused {
    fn new(status: StatusCode, told: &str) -> Self {
        Self {
            status,
            told: told.to_owned(),
        }
    }

    /// What is not there, and what somebody may not know of.
    fn nothing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such recording here")
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let status = if failure.kind == FailureKind::NotThere {
            StatusCode::NOT_FOUND
        } else if failure.kind == FailureKind::Archived {
            StatusCode::CONFLICT
        } else {
            StatusCode::BAD_GATEWAY
        };
        Self::new(status, &failure.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": self.told}))).into_response()
    }
}

#[cfg(test)]
mod tests;
